"""Values, options, reasons and changes in the words of charts and reports."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from meshlab.documents import is_list
from meshlab.errors import printable
from meshlab.models.decision.labels import listed, lower_first, need_labels, product, upper_first
from meshlab.planning.migration.text import edition_label, editions
from meshlab.reviews.record import HeadlineFigure, Review
from meshlab.scenario import inputs
from meshlab.show import theme
from meshlab.units import significant

SAVING = "Below zero more is saved than added: the network plugin that leaves may take more than the one that comes."

STATUS_WORDS = {
    "stated": "stated by the team",
    "measured": "measured by the team",
    "counted": "counted in the dump",
    "inferred": "inferred from the cluster",
    "assumed": "assumed by the team",
    "stand-in": "stands in, for the dump shows none",
    "default": "default of meshlab",
    "unknown": "unknown",
}
"""Where a value comes from, in words."""


def value_text(value: object) -> str:
    """A value of an input as a person writes it; a missing one is ``unknown``."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_list(value):
        return ", ".join(map(need_label, value)) or "none"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1 else significant(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def plain(value: object) -> str:
    """Other people's text in one line of Markdown: nothing of it is markup, nor an order to a terminal."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", printable(" ".join(value_text(value).split())))


def need_label(need: object) -> str:
    """A need where a sentence or a cell begins with it; an id that nobody declared stays as it is."""
    return need_labels().get(str(need), str(need))


def input_label(name: str) -> str:
    """Label of an input; a need written as ``needs: mtls`` or a name that nobody declared stays readable."""
    return inputs()[name].label if name in inputs() else name


def unit_shown(unit: str | None) -> str:
    """A unit as a reader is told of it: none of a count or a share."""
    return "" if unit in (None, "count", "share") else unit


def titled(label: str, unit: str | None) -> str:
    """A label with its unit in brackets, where there is one to tell of."""
    shown = unit_shown(unit)
    return f"{label} [{shown}]" if shown else label


def axis_label(name: str) -> str:
    """An input, or a need as ``needs:mtls``, where one runs along an axis."""
    group, _, member = name.partition(":")
    return f"Need: {need_label(member)}" if member else inputs()[group].label


def option_text(option: str | None, today: object = None) -> str:
    """A recommendation in words; what stays is named, where it is known.

    Args:
        option: Id of a product, ``stay``, or None where not enough is known.
        today: What runs today on that side.
    """
    if option == "stay" and isinstance(today, str):
        return f"Keep {theme.option_words(today)}"
    return theme.option_words(option)


def preferred_text(option: str) -> str:
    """What a preference speaks for, in words: a product in an edition, what runs today, or a kind of option."""
    product, _, edition = option.partition("@")
    kinds = {"today": "What runs today", "same": "Another edition of what runs today"}
    words = kinds.get(option) or theme.option_words(product).replace("supported_by=", "Supported by the ")
    named = (editions().get((side, product, edition)) for side in ("cni", "mesh") if edition)
    return next(filter(None, named), f"{words} ({edition})" if edition else words)


def saving_text(figures: Sequence[HeadlineFigure]) -> str:
    """Why a headline figure may be negative, where one of them is."""
    return SAVING if any((item.recommended_lo or 0) < 0 for item in figures) else ""


def change_text(change: Mapping[str, object]) -> str:
    """One change of a fact in words; of a list of needs only what comes and what goes."""
    label = input_label(str(change["input"]))
    if is_list(change["from"]) and is_list(change["to"]):
        added, gone = members_changed(change)
        parts = [f"{verb} {value_text(items)}" for verb, items in (("with", added), ("without", gone)) if items]
        return f"{label}: {' and '.join(parts)}"
    return f"{label}: {value_text(change['to'])} instead of {value_text(change['from'])}"


def members_changed(change: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What a change of a list, which may have been or become unknown, adds to it and takes from it."""
    before: list[str] = change["from"] or []
    after: list[str] = change["to"] or []
    return [item for item in after if item not in before], [item for item in before if item not in after]


def answer_text(answer: Mapping[str, Any], today: Mapping[str, object]) -> str:
    """An answer in one line, such as that after a flip.

    Args:
        answer: ``cni``, ``mesh`` and ``edition``.
        today: ``current_cni`` and ``current_mesh``.
    """
    return "; ".join(_side_text(side, answer, today[f"current_{side}"]) for side in ("cni", "mesh"))


def lead_texts(review: Review, name: str) -> list[str]:
    """Where a fact that is not known may lead: what it turns out to be, and what of the answer changes, a line each."""
    now, told = _answer(review), list[str]()
    for lead in (lead for lead in review.verdict.leads if lead["input"] == name):
        today, values = review.scenario, lead["to"]
        if name in ("current_cni", "current_mesh"):
            today = {**today, name: values[0] if len(values) == 1 else None}
        moved = [side for side in ("cni", "mesh") if edition_of(lead, side) != edition_of(now, side)]
        words = listed((_found_out(name, value, today) for value in values), "or", MOST_VALUES)
        then = "; ".join(_side_text(side, lead, today[f"current_{side}"]) for side in moved)
        told.append(f"if {words}, {lower_first(then)}")
    return told


def edition_of(answer: Mapping[str, Any], side: str) -> tuple[str | None, str | None]:
    """Product and edition of one side of an answer."""
    return answer[side], answer["edition"][side]


MOST_VALUES = 3
"""Values of a fact that a sentence names; more are counted."""


def _found_out(name: str, value: object, today: Mapping[str, object]) -> str:
    """What a fact turns out to be: products and editions have names, and one number stands for those that do alike."""
    spec = inputs()[name]
    for side in ("cni", "mesh"):
        if name == f"current_{side}_edition":
            return edition_label(side, {side: today[f"current_{side}"], "edition": {side: value}})
        if name == f"current_{side}" or (name == "policy_engine" and side == "cni"):
            return product(str(value), side)
    if isinstance(value, bool):
        return "so" if value else "not"
    if spec.type == "set":
        return lower_first(need_label(value))
    if spec.unit == "USD/year":
        return "any sum" if value else "none"
    return f"for example {value_text(value)}" if spec.type in ("integer", "number", "version") else value_text(value)


def _side_text(side: str, answer: Mapping[str, Any], today: object) -> str:
    if answer[side] == "stay" and isinstance(today, str):
        return f"Keep {product(today, side)}"
    if answer[side] in ("stay", None):
        return option_text(answer[side])
    return upper_first(edition_label(side, answer))


def meets_nothing(review: Review) -> bool:
    """Whether the first of the options, and so each, cannot be had or lacks something that is asked."""
    return next((option["eligible"] is False for option in review.verdict.options if option["rank"] == 1), False)


def title_text(review: Review) -> str:
    """The verdict in one line."""
    verdict = review.verdict
    if meets_nothing(review):
        if verdict.mesh is None:  # something else than a need is lacking, so that not even the nearest is recommended
            return "As the cluster stands, none of the options can be had"
        return "None of the options meets everything that is asked"
    return answer_text(_answer(review), review.scenario)


def _answer(review: Review) -> dict[str, Any]:
    verdict = review.verdict
    return {"cni": verdict.cni, "mesh": verdict.mesh, "edition": {"cni": None, "mesh": None, **verdict.edition}}
