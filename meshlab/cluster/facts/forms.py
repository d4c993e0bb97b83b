"""What the readers of JSON and YAML have in common: documents become objects, Lists are unfolded.

A form knows how to look at the head of a value and how to decode the value into a type; everything else is the
same for both, so that a kind is read alike whatever it is written in.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from meshlab.cluster.facts.objects import Object, Plain, evidence_of
from meshlab.cluster.facts.settings import DECODED

Decoded = TypeVar("Decoded", bound=msgspec.Struct)


class Head(NamedTuple):
    """What a value says about itself."""

    kind: str | None
    api_version: str | None
    items: list | None


class Form(Protocol):
    """How values of one file format are looked at."""

    def head(self, value: Any) -> Head | None:
        """Kind, version and items; None where the value is no mapping."""
        ...

    def decode(self, value: Any, of: type[Decoded]) -> Decoded:
        """The value as a type; ``msgspec.ValidationError`` where it does not fit."""
        ...


class Found(msgspec.Struct, frozen=True, gc=False):
    """One Kubernetes object.

    Args:
        kind: Its kind.
        group: Its API group; empty for the core group.
        value: The object as its type; None for a List that is empty and for an object that fits no type.
        evidence: The paths that signatures look at, or None.
        fault: Where the object is not as its kind demands, in words.
        empty: Whether this stands for a List of the kind that holds nothing.
    """

    kind: str
    group: str
    value: Object | None = None
    evidence: msgspec.Struct | None = None
    fault: str | None = None
    empty: bool = False


def objects(
    value: object, form: Form, kind: str | None = None, api_version: str | None = None, likely: str | None = None
) -> Iterator[Found]:
    """Objects of one value, Lists unfolded.

    Args:
        value: A document, or an item of a List.
        form: How to look at it.
        kind: Kind of an item that does not say its own, as items of a PodList do not.
        api_version: Version of such an item.
        likely: Kind that the value seems to have. If it has, it is decoded only once.
    """
    if likely is not None and (one := expected_of(value, form, likely, None, None)) is not None:
        yield one
        return
    head = form.head(value)
    if head is None:
        return
    own_kind = head.kind or kind
    if own_kind.endswith("List") if own_kind else head.items is not None:
        yield from items_of(head, form, kind)
    elif own_kind is not None:
        yield found(own_kind, group_of(head.api_version or api_version), value, form)


def items_of(head: Head, form: Form, kind: str | None) -> Iterator[Found]:
    """Objects of a List. Each is first taken for one of the kind before it: then it is decoded only once."""
    of_items = (head.kind or "").removesuffix("List") or kind
    if of_items and not head.items:
        yield Found(of_items, group_of(head.api_version), empty=True)
    expected = of_items
    for item in head.items or ():
        one = None if expected is None else expected_of(item, form, expected, of_items, head.api_version)
        if one is not None:
            yield one
            continue
        for one in objects(item, form, of_items, head.api_version if of_items else None):
            expected = one.kind
            yield one


def expected_of(item: object, form: Form, kind: str, of_items: str | None, api_version: str | None) -> Found | None:
    """The item if it is of the kind, says so or stands in a List of that kind, and fits its type."""
    try:
        value = form.decode(item, DECODED.get(kind, Plain))
        if (value.kind or of_items) != kind or kind.endswith("List"):
            return None
        return Found(kind, group_of(value.api_version or api_version), value, _evidence(item, form, kind))
    except msgspec.ValidationError:
        return None


@lru_cache(maxsize=256)
def group_of(api_version: str | None) -> str:
    """API group of a version such as ``apps/v1``; empty for the core group."""
    group, slash, _ = (api_version or "").partition("/")
    return group if slash else ""


def found(kind: str, group: str, value: object, form: Form) -> Found:
    """The object of a kind that is known; one that does not fit its type keeps only its name, and says why."""
    try:
        own = form.decode(value, DECODED.get(kind, Plain))
        return Found(kind, group, own, _evidence(value, form, kind))
    except msgspec.ValidationError as error:
        return Found(kind, group, _plain(value, form), fault=str(error))


def _evidence(value: object, form: Form, kind: str) -> msgspec.Struct | None:
    looked_at = evidence_of(kind)
    return None if looked_at is None else form.decode(value, looked_at.type)


def _plain(value: object, form: Form) -> Object | None:
    try:
        return form.decode(value, Plain)
    except msgspec.ValidationError:
        return None
