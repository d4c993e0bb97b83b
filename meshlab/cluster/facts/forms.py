"""What the readers of JSON and YAML have in common: documents become objects, Lists are unfolded.

A form knows how to look at the head of a value and how to decode the value into a type; everything else is the
same for both, so that a kind is read alike whatever it is written in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from meshlab.cluster.facts.objects import (
    FLAGGED,
    Anything,
    Flagged,
    Object,
    Plain,
    Text,
    at,
    pod_spec,
    struct,
    type_of,
)
from meshlab.cluster.facts.paths import REST_OF_LIST, evidence_of, plans_of
from meshlab.tables import read_table


class Head(msgspec.Struct, gc=False, rename="camel"):
    """What a value says about itself."""

    kind: str | None = None
    api_version: str | None = None
    items: list[Any] | None = None


class Form(NamedTuple):
    """How values of one file format are looked at.

    Args:
        decode: Gives a value as a type; ``msgspec.ValidationError`` where it does not fit.
        head: The type of a value's head, with the items of a List as values of this form.
    """

    decode: Callable[[Any, Any], Any]
    head: type[Head]


def head_of(value: object, form: Form) -> Head | None:
    """What a value says about itself; None where it is no mapping."""
    try:
        return form.decode(value, form.head)
    except msgspec.ValidationError:
        return None


class Found(msgspec.Struct, frozen=True, gc=False):
    """One Kubernetes object.

    Args:
        kind: Its kind.
        group: Its API group; empty for the core group.
        value: The object as its type; None for a List that is empty and for an object that fits no type.
        evidence: The paths that signatures look at, or None.
        flags: Of each container whose flags are looked at its name and its flags, with semicolons between them.
        fault: Where the object is not as its kind demands, in words.
        empty: Whether this stands for a List of the kind that holds nothing.
    """

    kind: str
    group: str
    value: Object | None = None
    evidence: msgspec.Struct | None = None
    flags: tuple[str, ...] = ()
    fault: str | None = None
    empty: bool = False


def objects(value: object, form: Form, kind: str | None = None, api_version: str | None = None) -> Iterator[Found]:
    """Objects of one value, Lists unfolded.

    ``kind`` and ``api_version`` are those of an item that does not say its own, as items of a PodList do not.
    """
    head = head_of(value, form)
    if head is None:
        return
    of_link, version = (None, None) if head.kind else _linked(value, form)
    if head.kind.endswith("List") if head.kind else head.items is not None:
        yield from items_of(head, form, kind or of_link, api_version)
        yield from rest_of(value, form)
        return
    own_kind, version = head.kind or kind or of_link, head.api_version or api_version or version
    if own_kind is None:
        own_kind, version = _guessed(value, form)
    if own_kind is not None:
        yield found(own_kind, group_of(version), value, form)


# --- objects that do not say their kind ------------------------------------------------------------------------------

Kinds = tuple[str | None, str | None]
"""A kind and its version."""


Linked = struct("Linked", {"metadata": {"selfLink": Text}})
"""An object that says at which path the API server keeps it."""

_PATH = re.compile(r"^/(?:api|apis/[^/]+)/[^/]+/(?:namespaces/[^/]+/)?([a-z]+)(?:/[^/]+)?$")


def _linked(value: object, form: Form) -> Kinds:
    """Kind and version of an object by its path."""
    try:
        link = at(form.decode(value, Linked), "metadata.selfLink")
    except msgspec.ValidationError:
        return None, None
    resource = _PATH.match(link or "")
    return kind_of_file(f"{resource[1]}.json") if resource else (None, None)


def _guessed(value: object, form: Form) -> Kinds:
    """Kind and version by a field that no other kind has."""
    try:
        shape = form.decode(value, telling_type())
    except msgspec.ValidationError:
        return None, None
    return next((kinds for field, kinds in _telling_fields() if at(shape, field) is not None), (None, None))


@cache
def _telling_fields() -> list[tuple[str, Kinds]]:
    rows = read_table("facts/telling_fields").select("field", "kind", "api_version").iter_rows()
    return [(field, (kind, version)) for field, kind, version in rows]


@cache
def telling_type() -> type[msgspec.Struct]:
    """The fields of ``data/facts/telling_fields.csv``, of which no more counts than whether they are there."""
    tree: dict[str, dict[str, Any]] = {}
    for field, _ in _telling_fields():
        top, _, inner = field.partition(".")
        tree.setdefault(top, {})[inner] = Anything | list[Anything | str] | str | int | bool
    return struct("Telling", tree)


@cache
def _kinds_of_files() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    rows = read_table("facts/file_kinds").select("pattern", "kind", "api_version").iter_rows()
    return tuple((re.compile(pattern, re.IGNORECASE), kind, version) for pattern, kind, version in rows)


def kind_of_file(name: str) -> Kinds:
    """Kind and version that a file's name tells, for bundles whose objects do not say their own."""
    return next(((kind, version) for pattern, kind, version in _kinds_of_files() if pattern.search(name)), (None, None))


# --- Lists -----------------------------------------------------------------------------------------------------------


def items_of(head: Head, form: Form, kind: str | None, api_version: str | None = None) -> Iterator[Found]:
    """Objects of a List. Each is first taken for one of the kind before it: then it is decoded only once."""
    of_list = (head.kind or "").removesuffix("List")
    of_items = of_list or kind
    if of_items and not head.items:  # kubectl's List of nothing names no kind: the file's name tells kind and version
        yield Found(of_items, group_of(head.api_version if of_list else api_version or head.api_version), empty=True)
    expected = of_items
    for item in head.items or ():
        one = None if expected is None else expected_of(item, form, expected, of_items, head.api_version)
        if one is not None:
            yield one
            continue
        for one in objects(item, form, of_items, head.api_version if of_items else None):
            expected = one.kind
            yield one


_PART = struct("Part", {"metadata": {"continue": Text}})


def rest_of(value: object, form: Form) -> Iterator[Found]:
    """What stands for the rest of a List that says where it goes on, as the API server sends long ones in parts."""
    try:
        more = at(form.decode(value, _PART), "metadata.continue")
    except msgspec.ValidationError:
        more = None
    if more:
        yield Found(REST_OF_LIST, "", Plain())


def expected_of(item: object, form: Form, kind: str, of_items: str | None, api_version: str | None) -> Found | None:
    """The item if it is of the kind, says so or stands in a List of that kind, and fits its type."""
    try:
        value = form.decode(item, type_of(kind))
        if (value.kind or of_items) != kind or kind.endswith("List"):
            return None
        group = group_of(value.api_version or api_version)
        return Found(kind, group, value, _evidence(item, form, kind, group, value), _flags(item, form, value))
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
        own = form.decode(value, type_of(kind))
        return Found(kind, group, own, _evidence(value, form, kind, group, own), _flags(value, form, own))
    except msgspec.ValidationError as error:
        return Found(kind, group, _plain(value, form), fault=str(error))


def _evidence(value: object, form: Form, kind: str, group: str, own: Object) -> msgspec.Struct | None:
    """What signatures look at; of kinds of which only some objects are looked at, the others stay unread."""
    looked_at = evidence_of(kind)
    if looked_at is None or not plans_of(kind, at(own, "metadata.name"), group):
        return None
    return form.decode(value, looked_at.type)


def is_flagged(*values: Object) -> bool:
    """Whether some container of the objects is one whose flags are looked at."""
    specs = filter(None, map(pod_spec, values))
    return not FLAGGED.isdisjoint([container.name for spec in specs for container in spec.containers or ()])


def _flags(value: object, form: Form, own: Object) -> tuple[str, ...]:
    if not is_flagged(own):
        return ()
    decoded = form.decode(value, Flagged)
    containers = at(decoded, "spec.containers") or at(decoded, "spec.template.spec.containers") or ()
    return tuple(
        ";".join([each.name, *(each.command or ()), *(each.args or ())])
        for each in containers
        if each.name in FLAGGED and (each.command, each.args) != (None, None)
    )


def _plain(value: object, form: Form) -> Object | None:
    try:
        return form.decode(value, Plain)
    except msgspec.ValidationError:
        return None
