"""Kubernetes objects from YAML: several documents in a file, Lists, anchors within bounds.

The file is read as events of libyaml's parser. Only the keys that some type of ``objects.py`` names are built;
all else is passed over event by event. That is faster than building everything, keeps what is not needed out of
memory, and needs no recursion for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import msgspec
import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from meshlab.cluster.facts.forms import Form, Found, Head, Linked, objects, telling_type
from meshlab.cluster.facts.json_reader import NO_TEXT, line_of_no_text
from meshlab.cluster.facts.objects import DECODED, Flagged, Plain, kept_of, split_key
from meshlab.cluster.facts.paths import evidence_keys, read_fields
from meshlab.documents import is_mapping
from meshlab.errors import MeshlabError, Problem

Keys = dict[str, "Keys"]
"""Keys to build, each with the keys to build below it."""

_ANY = "*"
"""Stands in ``Keys`` for every key, as where a type holds labels."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_STARTS = (MappingStartEvent, SequenceStartEvent)
_ENDS = (MappingEndEvent, SequenceEndEvent)
_MAXIMUM_DEPTH = 200

MESSAGE = re.compile(
    rb"^(?:Warning: |[EWI][0-9]{4} [0-9:.]+ |error: |Error from server|Unable to connect|The connection to the server"
    rb"|No resources found)[^\n]*$",
    re.MULTILINE,
)
"""What kubectl writes to the screen beside its output."""

_ENDS_BYTES = 4096
"""How far from the beginning and the end of a file such messages are looked for."""


YAML = Form(partial(msgspec.convert, strict=False, dec_hook=kept_of), Head)
"""YAML as a form: values are what was built of a document, all scalars as text."""


def read_yaml(content: bytes, file: str) -> Iterator[Found]:
    """Objects of a YAML text."""
    if MESSAGE.search(content, 0, _ENDS_BYTES) or MESSAGE.search(content, max(0, len(content) - _ENDS_BYTES)):
        content = MESSAGE.sub(b"", content)
    events = _Events(content, file)
    try:
        while not isinstance(event := events.take(), StreamEndEvent):
            if not isinstance(event, (StreamStartEvent, DocumentStartEvent, DocumentEndEvent)):
                before: list[object] = []
                for value in (_value(events, event, _document_keys(), before), *before):
                    yield from objects(value, YAML)
    except yaml.YAMLError as error:
        if line := line_of_no_text(content):
            raise MeshlabError(Problem(file, *NO_TEXT, line)) from None
        mark = getattr(error, "problem_mark", None)
        raise MeshlabError(
            Problem(
                file, "is not YAML", "check indentation, quotes and colons", None if mark is None else mark.line + 1
            )
        ) from None


@cache
def _document_keys() -> Keys:
    """All keys that some type names. A List's items are documents again, those of a List in a List as well."""
    keys: Keys = {"kind": {}, "apiVersion": {}}
    for of in (
        Plain,
        Linked,
        Flagged,
        telling_type(),
        *DECODED.values(),
        *map(evidence_keys, read_fields()),
    ):
        _add_tree(keys, of)
    return {**keys, "items": {**keys, "items": keys}}


def _add_tree(keys: Keys, tree: Any) -> None:
    """Add the keys of a tree: types of all kinds would take as long to make as a short file to read."""
    if not is_mapping(tree):
        _add_keys(keys, _type_info(tree))
        return
    for key, branch in tree.items():
        own, many = split_key(key)
        inside = keys.setdefault(own, {})
        _add_tree(inside.setdefault(_ANY, {}) if many == "<>" else inside, branch)


_type_info = cache(msgspec.inspect.type_info)


def _add_keys(keys: Keys, of: msgspec.inspect.Type) -> None:
    if isinstance(of, msgspec.inspect.StructType):
        for field in of.fields:
            _add_keys(keys.setdefault(field.encode_name, {}), field.type)
    elif isinstance(of, msgspec.inspect.DictType):
        _add_keys(keys.setdefault(_ANY, {}), of.value_type)
    elif isinstance(of, msgspec.inspect.ListType | msgspec.inspect.VarTupleType):
        _add_keys(keys, of.item_type)
    elif isinstance(of, msgspec.inspect.UnionType):
        for member in of.types:
            _add_keys(keys, member)


class _Events:
    """The parser's events; an alias gives the events of its anchor once more.

    Every event costs one of a budget of as many as the text has characters, and one more each time that it is kept
    for an anchor or given again. Without anchors no text can use that up.
    """

    def __init__(self, content: bytes, file: str) -> None:
        self._parser = yaml.CSafeLoader(content)
        self._file = file
        self._left = len(content) + 16
        self._anchors: dict[str, list[Event]] = {}
        self._open: list[tuple[str, int, list[Event]]] = []  # anchors whose values are not over: name, depth, events
        self._depth = 0
        self._again: list[Iterator[Event]] = []

    def take(self) -> Event:
        """The next event, aliases resolved."""
        event = self._next()
        while isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise MeshlabError(self._problem(event, "refers to an anchor that stands nowhere before it"))
            self._again.append(iter(self._anchors[event.anchor]))
            event = self._next()
        return event

    def skip(self, event: Event) -> None:
        """Pass over the value that begins with the event; aliases in it are left alone."""
        depth = isinstance(event, _STARTS)
        while depth:
            event = self._next()
            depth += isinstance(event, _STARTS) - isinstance(event, _ENDS)

    def _next(self) -> Event:
        while self._again:
            again = next(self._again[-1], None)
            if again is not None:
                self._pay(again)
                return again
            self._again.pop()
        event: Any = self._parser.get_event()
        self._pay(event)
        self._keep(event)
        return event

    def _keep(self, event: Event) -> None:
        """Keep the event for the anchors that it belongs to."""
        anchor = None if isinstance(event, AliasEvent) else getattr(event, "anchor", None)
        if anchor is not None:
            self._open.append((anchor, self._depth, []))
        for _, _, events in self._open:
            self._pay(event)
            events.append(event)
        self._depth += isinstance(event, _STARTS) - isinstance(event, _ENDS)
        if self._depth > _MAXIMUM_DEPTH:
            raise MeshlabError(self._problem(event, "is nested too deeply"))
        while self._open and self._open[-1][1] == self._depth:
            name, _, events = self._open.pop()
            self._anchors[name] = events

    def _pay(self, event: Event) -> None:
        self._left -= 1
        if self._left < 0:
            raise MeshlabError(self._problem(event, "has anchors that unfold to more than the file holds"))

    def _problem(self, event: Event, what: str) -> Problem:
        return Problem(self._file, what, "give the output of kubectl get -o yaml", event.start_mark.line + 1)


def _value(events: _Events, event: Event, keys: Keys, before: list[object] | None = None) -> object:
    """The value that begins with the event, built as far as the keys say; ``before`` as in ``_mapping``."""
    if isinstance(event, ScalarEvent):
        return None if not event.style and event.value in _NULLS else event.value
    if isinstance(event, SequenceStartEvent):
        items: list[object] = []
        while not isinstance(item := events.take(), SequenceEndEvent):
            if isinstance(item, SequenceStartEvent):  # no field of ours is a list of lists: nothing to recurse into
                events.skip(item)
                items.append(None)
            else:
                items.append(_value(events, item, keys))
        return items
    return _mapping(events, keys, before)


def _mapping(events: _Events, keys: Keys, before: list[object] | None = None) -> dict[str, object]:
    """The mapping that has begun.

    Where ``before`` is given, a second version of the API begins another document, as where one output was appended to
    another: what stands before it is added there.
    """
    values: dict[str, object] = {}
    key: Any
    while not isinstance(key := events.take(), MappingEndEvent):
        below = keys.get(key.value, keys.get(_ANY)) if isinstance(key, ScalarEvent) else None
        if below is None:
            events.skip(key)
            events.skip(events.take())
        else:
            if before is not None and key.value == "apiVersion" and key.value in values:
                before.append(values)
                values = {}
            values[key.value] = _value(events, events.take(), below)
    return values
