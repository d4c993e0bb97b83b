"""What a verdict says in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshlab.cache import cached
from meshlab.documents import is_list
from meshlab.models.decision.contests import Side
from meshlab.models.decision.tables import GATEWAY, OTHER
from meshlab.scenario import inputs
from meshlab.tables import read_table

NAMED = 5
"""Needs that a sentence names; more are counted."""

NAMES = (
    *("Advanced Container", "Amazon", "Antrea", "Application Gateway", "Azure", "Buoyant", "Calico", "Canal", "Cilium"),
    *("Cloud Service", "Consul", "Envoy", "Gateway API", "Google", "Hubble", "Istio", "Isovalent", "Kube", "Kuma"),
    *("Linkerd", "Open Service", "OpenShift", "Weave", "Windows"),
)
"""Beginnings that keep their capital within a sentence."""


def lower_first(text: str) -> str:
    """A text within a sentence: its first letter small, unless it begins a name or an abbreviation."""
    return text if text[1:2].isupper() or text.startswith(NAMES) else text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    """A text where a sentence begins."""
    return text[:1].upper() + text[1:]


@cached
def need_labels() -> dict[str, str]:
    """What each need is called."""
    return dict(read_table("needs").select("need", "label").iter_rows())


@cached
def need_label(need: str, *, starts: bool = False) -> str:
    """What a need is called inside a sentence, or where one starts."""
    label = need_labels().get(need, need)
    return label if starts else lower_first(label)


@cached
def input_label(name: str) -> str:
    """What an input is called inside a sentence."""
    return lower_first(inputs()[name].label)


@cached
def products() -> dict[str, str]:
    """What each product is called, by its id."""
    return dict(read_table("decision/products").select("product", "label").iter_rows())


@cached
def short_products() -> dict[str, str]:
    """The same where there is room for a word only."""
    return dict(read_table("decision/products").select("product", "short").iter_rows())


def product(name: str, side: str) -> str:
    """Name of a product, by its id; what runs today and is not known, or stands in no table, has none."""
    if name == GATEWAY:
        return "the gateway of today"
    if name in ("", OTHER):
        return f"the {'mesh' if side == 'mesh' else 'network plugin'} of today"
    return products().get(name, name)


def label_of(side: Side) -> str:
    """What a side is called; of what runs today in an edition that is not known, the name of the product alone."""
    return side.only.label if side.only and side.id != OTHER else product(side.id, side.side)


def joined(parts: Sequence[str]) -> str:
    """Parts of a sentence with semicolons between them."""
    return "; ".join(dict.fromkeys(part for part in parts if part))


def listed(words: Iterable[str], word: str = "and", most: int | None = None) -> str:
    """Words as a sentence lists them: ``a, b, and c``, or ``word`` before the last; of more than ``most``, how many."""
    names = list(words)
    if most is not None and len(names) > most:
        names[most:] = [f"{len(names) - most} more"]
        word = "and"
    if len(names) > 2:  # noqa: PLR2004
        return f"{', '.join(names[:-1])}, {word} {names[-1]}"
    return f" {word} ".join(names)


def said(value: object, name: str = "") -> str:
    """A fact's value as a person writes it.

    Args:
        value: The value.
        name: The input whose value it is: products have names.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_list(value):
        return ", ".join(map(need_label, value)) or "none"
    if name in ("current_cni", "current_mesh"):
        return "none" if value == "none" else product(str(value), name.removeprefix("current_"))
    return f"{value:,.15g}" if isinstance(value, int | float) else str(value)


def named_needs(asked: Sequence[str]) -> str:
    """Needs as a sentence names them: the first few, and how many more."""
    labels = [need_label(need) for need in asked]
    return listed(labels if len(labels) <= NAMED else [*labels[: NAMED - 1], f"{len(labels) - NAMED + 1} other needs"])
