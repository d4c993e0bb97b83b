"""What a verdict says in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from meshlab.kept import kept
from meshlab.models.decision.contests import Running, Side
from meshlab.models.decision.tables import GATEWAY, NONE
from meshlab.tables import read_table


@kept
def need_labels() -> dict[str, str]:
    """What each need is called."""
    return dict(read_table("needs").select("need", "label").iter_rows())


def need_label(need: str) -> str:
    """What a need is called inside a sentence."""
    label = need_labels().get(need, need)
    is_name = label[:2].isupper() or label.startswith(("Gateway API", "Envoy", "gRPC", "Windows"))
    return label if is_name else label[:1].lower() + label[1:]


@kept
def products() -> dict[str, str]:
    """What each product is called, by its id."""
    return dict(read_table("decision/products").select("product", "label").iter_rows())


@kept
def short_products() -> dict[str, str]:
    """The same where there is room for a word only."""
    return dict(read_table("decision/products").select("product", "short").iter_rows())


def product(name: str) -> str:
    """Name of a product, by its id; a network of today that is not known has none."""
    return products().get(name, name) if name else "the network plugin of today"


def joined(parts: Sequence[str]) -> str:
    """Parts of a sentence with semicolons between them."""
    return "; ".join(dict.fromkeys(part for part in parts if part))


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them."""
    if len(words) > 2:  # noqa: PLR2004
        return f"{', '.join(words[:-1])}, and {words[-1]}"
    return " and ".join(words)


def said(value: object) -> str:
    """A fact's value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,.15g}" if isinstance(value, int | float) else str(value)


class Pair(Protocol):
    """A pair as a sentence names it."""

    @property
    def cni(self) -> Side: ...  # noqa: D102
    @property
    def mesh(self) -> Side: ...  # noqa: D102
    @property
    def tuned(self) -> bool: ...  # noqa: D102


NAMED = 3
"""Needs that a sentence names; more are counted."""


def _named(asked: Sequence[str]) -> str:
    labels = [need_label(need) for need in asked]
    return listed(labels if len(labels) <= NAMED else [*labels[: NAMED - 1], f"{len(labels) - NAMED + 1} other needs"])


def called(side: Side) -> str:
    """What a side is called: with its edition where it is known."""
    return side.only.label if side.only and not side.today else product(side.id)


def sentence(
    verdict: Mapping[str, Any],
    runs: Mapping[str, Running],
    entry: Pair,
    chosen: Mapping[str, Any],
    asked: Sequence[str] | None,
) -> str:
    """The answer and its main reason, in a sentence or two.

    Args:
        verdict: The verdict, of which ``cni`` and ``mesh`` are read.
        runs: What runs today on each side.
        entry: The pair that comes first.
        chosen: The same as an option, with what it lacks.
        asked: The needs; None where nobody stated them.
    """
    network = _network(entry, runs["cni"])
    if asked is None:
        known = "" if verdict["cni"] is None else f" {network}"
        return f"Not enough is known: what the platform must be able to do has not been said.{known}"
    if verdict["mesh"] is None:
        nearest = f"{chosen['label']} comes nearest, but {chosen['why_not']}"
        return f"As the cluster stands none of the options can be had: {nearest}."
    if chosen["eligible"] is False:
        lacking = listed([need_label(need) for need in chosen["unmet"]])
        return f"None of the options meets everything: {chosen['label']} comes nearest and lacks {lacking}."
    told = f"{_mesh(entry, runs['mesh'], asked)} {network}"
    return told if chosen["eligible"] else f"{told} To be found out first: {chosen['why_not']}."


def _network(entry: Pair, today: Running) -> str:
    if not entry.cni.id:
        return "Which network plugin runs has to be found out."
    if entry.cni.id == today.id and not entry.cni.today:
        return f"Keep {product(today.id)}, as {called(entry.cni)}."
    return f"Keep {called(entry.cni)}." if entry.cni.today else f"Use {called(entry.cni)}."


def _mesh(entry: Pair, today: Running, asked: Sequence[str]) -> str:
    runs = today.id not in (NONE, "")
    label, needed = called(entry.mesh), _named(asked)
    if entry.mesh.id == NONE:
        why = "the network meets what is asked" if asked else "nothing is asked that needs one"
        return f"No mesh: {why}." + (f" {product(today.id)} can go." if runs else "")
    if entry.mesh.today:
        return f"Keep {label}{', tuned' if entry.tuned else ''}: it meets what is asked."
    if entry.mesh.id == GATEWAY:
        end = "ends" if len(asked) == 1 else "end"
        return f"No mesh, but a gateway: {needed} {end} at the edge. Add {label}."
    if entry.mesh.id == today.id:
        return f"Keep {product(today.id)}, as {label}: what is asked is {needed}."
    if runs:
        return f"Replace {product(today.id)} by {label}: what is asked is {needed}."
    return f"Yes, a mesh: you need {needed}. Add {label}."
