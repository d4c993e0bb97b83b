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
    return (
        label
        if label[:2].isupper() or label.startswith(("Gateway API", "Envoy", "gRPC", "Windows"))
        else label[:1].lower() + label[1:]
    )


@kept
def products() -> dict[str, str]:
    """What each product is called, by its id."""
    return dict(read_table("decision/products").select("product", "label").iter_rows())


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

    cni: Side
    mesh: Side
    tuned: bool


NAMED = 3
"""Needs that a sentence names; more are counted."""


def _named(asked: Sequence[str]) -> str:
    labels = [need_label(need) for need in asked]
    return listed(labels if len(labels) <= NAMED else [*labels[: NAMED - 1], f"{len(labels) - NAMED + 1} other needs"])


def called(side: Side) -> str:
    """What a side is called: with its edition where it is known."""
    return side.only.label if side.only and not side.today else product(side.id)


def sentence(
    verdict: Mapping[str, Any], runs: Running, entry: Pair, chosen: Mapping[str, Any], asked: Sequence[str] | None
) -> str:
    """The answer and its main reason, in a sentence or two."""
    if asked is None:
        known = f" {_network(entry)}" if verdict["cni"] is not None else ""
        return f"Not enough is known: what the platform must be able to do has not been said.{known}"
    lacking = listed([need_label(need) for need in chosen["unmet"]])
    if verdict["mesh"] is None:
        return f"As the cluster stands none of the options can be had: {chosen['label']} comes nearest, but {chosen['why_not']}."
    if chosen["eligible"] is False:
        return f"None of the options meets everything: {chosen['label']} comes nearest and lacks {lacking}."
    told = f"{_mesh(entry, runs, asked)} {_network(entry)}"
    if chosen["eligible"] is None:
        told += f" To be found out first: {chosen['why_not']}."
    return told


def _network(entry: Pair) -> str:
    if not entry.cni.id:
        return "Which network plugin runs has to be found out."
    return f"Keep {called(entry.cni)}." if entry.cni.today else f"Use {called(entry.cni)}."


def _mesh(entry: Pair, today: Running, asked: Sequence[str]) -> str:
    runs = today.id not in (NONE, "")
    if entry.mesh.id == NONE:
        without = f" {product(today.id)} can go." if runs else ""
        return f"No mesh: {'nothing is asked that needs one' if not asked else 'the network meets what is asked'}.{without}"
    if entry.mesh.today:
        return f"Keep {called(entry.mesh)}{', tuned' if entry.tuned else ''}: it meets what is asked."
    needed = _named(asked)
    if entry.mesh.id == GATEWAY:
        return f"No mesh, but a gateway: {needed} end{'s' if len(asked) == 1 else ''} at the edge. Add {called(entry.mesh)}."
    if runs:
        return f"Replace {product(today.id)} by {called(entry.mesh)}: what is asked is {needed}."
    return f"Yes, a mesh: you need {needed}. Add {called(entry.mesh)}."
