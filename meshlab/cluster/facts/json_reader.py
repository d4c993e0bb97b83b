"""Kubernetes objects from JSON, as ``kubectl get -o json`` and most bundles write it.

Values that the types of ``objects.py`` do not name are skipped by the decoder and never built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice, repeat
from typing import Any

import msgspec

from meshlab.cluster.facts.files import LargeList, pieces, text
from meshlab.cluster.facts.forms import (
    Form,
    Found,
    Head,
    expected_of,
    group_of,
    head_of,
    is_flagged,
    items_of,
    kind_of_file,
    objects,
    rest_of,
)
from meshlab.cluster.facts.objects import Object, kept_of, type_of
from meshlab.cluster.facts.paths import evidence_of
from meshlab.errors import MeshlabError, Problem

_DOCUMENT = re.compile(rb"^\{(?:[^\n]*\}[ \t]*\r?$|.*?^\}[ \t]*\r?$)", re.MULTILINE | re.DOTALL)
"""A document as kubectl writes it to the screen: it begins and ends in the first column."""

_LOGS = re.compile(rb"^==== START logs .*?^==== END logs [^\n]*$", re.MULTILINE | re.DOTALL)
_OPEN = re.compile(rb"^\s*[\[{\"]", re.MULTILINE)
_HEAD_BYTES = 512
_BRACKET = ord("[")
_KIND = re.compile(rb'\s*\{\s*(?:"apiVersion"\s*:\s*"[^"]{0,200}"\s*,\s*)?"kind"\s*:\s*"([A-Za-z]+)(?<!List)"')
"""Kind of a single object, where it stands at the very beginning as the API server and kubectl put it."""

JSON_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises on a text that is no JSON of the demanded kind."""

_BYTE_POSITION = re.compile(r"\(byte (\d+)\)")


class _Head(Head, gc=False, rename="camel"):
    items: list[msgspec.Raw] | None = None


@cache
def _decoder(of: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(of, strict=False, dec_hook=kept_of)


def _decode(value: Any, of: Any) -> Any:
    return _decoder(of).decode(value)


JSON = Form(_decode, _Head)
"""JSON as a form: values are views on the file's bytes."""


def read_one(content: bytes) -> Found | None:
    """The object of a JSON text where it is plain at once which it is; None where ``read_json`` has to look closer."""
    first = _KIND.match(content)
    if first is None:
        return None
    try:
        return expected_of(content, JSON, first[1].decode(), None, None)
    except JSON_FAULTS:
        return None


def read_json(content: bytes, file: str) -> Iterator[Found]:
    """Objects of a JSON text: one object, a List, a bare list, or several documents one after the other.

    Of objects that do not say their own kind, the file's name tells it.
    """
    try:
        if content[:_HEAD_BYTES].lstrip()[:1] == b"[":
            yield from _all(_decoder(list[msgspec.Raw]).decode(content), *kind_of_file(file))
        else:
            yield from _one_or_several(content, file)
    except msgspec.DecodeError as error:
        raise MeshlabError(Problem(file, *_broken(str(error)), _line(content, str(error)))) from None
    except UnicodeDecodeError:
        raise MeshlabError(Problem(file, *NO_TEXT, line_of_no_text(content))) from None
    except RecursionError:
        raise MeshlabError(Problem(file, "is nested too deeply", "give the output of kubectl get -o json")) from None


class _UnevenError(Exception):
    """A List says of itself at its end what its pieces could not know."""


def read_large_list(file: LargeList) -> Iterator[Found]:
    """Objects of a large List, read piece by piece; the rest of it in the ordinary way where that does not work out."""
    given = 0
    try:
        for found in _in_pieces(file):
            given += 1
            yield found
    except (*JSON_FAULTS, _UnevenError):
        yield from islice(read_json(text(file), file.name), given, None)
    except OSError as error:
        raise MeshlabError(Problem(file.name, f"cannot be read: {error.strerror}", "copy it again")) from None


def _in_pieces(file: LargeList) -> Iterator[Found]:
    """Objects of a List in pieces. Those of a piece are given when all of it is known to be JSON."""
    of_file, _ = kind_of_file(file.name)
    parts = pieces(file.stream)
    of_list = _decoder(_Head).decode(next(parts))
    of_items = (of_list.kind or "").removesuffix("List") or of_file
    kind = of_items
    for part in parts:
        if part[0] != _BRACKET:
            raw = _last_items(part, of_list, file)
        elif same := _alike(part, kind, of_items, of_list.api_version):
            yield from same
            continue
        else:
            raw = _raw_items(part, of_items)
        for found in items_of(Head(of_list.kind, of_list.api_version, raw), JSON, of_file):
            kind = found.kind
            yield found
        if part[0] != _BRACKET:
            yield from rest_of(part, JSON)


def _alike(part: memoryview, kind: str | None, of_items: str | None, api_version: str | None) -> list[Found]:
    """The items of a piece, decoded at once, if all are of one kind and fit its type; none where they are not."""
    if kind is None:
        return []
    try:
        values = _decoder(list[type_of(kind)]).decode(part)
        looked_at = evidence_of(kind)
        if looked_at is not None and None not in looked_at.plans:
            return []  # only some objects of the kind are looked at
        evidence = _decoder(list[looked_at.type]).decode(part) if looked_at else repeat(None)
    except msgspec.ValidationError:
        return []
    if any((value.kind or of_items) != kind for value in values) or is_flagged(*values):
        return []
    return [
        Found(kind, group_of(value.api_version or api_version), value, text)
        for value, text in zip(values, evidence, strict=False)
    ]


def _raw_items(part: memoryview, of_items: str | None) -> list[msgspec.Raw]:
    """The items of a piece one by one. Of items that do not say their kind the end of the List may still tell it."""
    if of_items is None and not all(item.kind for item in _decoder(list[Object]).decode(part)):
        raise _UnevenError
    return _decoder(list[msgspec.Raw]).decode(part)


def _last_items(part: memoryview, of_list: _Head, file: LargeList) -> list[msgspec.Raw]:
    """The items of the last piece, if the List turns out to be what it seemed to be at its beginning."""
    whole = head_of(part, JSON)
    if whole is None or whole.items is None or (whole.kind and not whole.kind.endswith("List")):
        raise MeshlabError(Problem(file.name, "begins as a List and ends as something else", "collect it again"))
    if (whole.kind or "List", whole.api_version) != (of_list.kind or "List", of_list.api_version):
        raise _UnevenError
    return whole.items


def _one_or_several(content: bytes, file: str) -> Iterator[Found]:
    """Objects of one document, or of several between other text, as kubectl writes both to the screen.

    That there is more than one shows before the first object is given, so that none is given twice.
    """
    of_file = kind_of_file(file)
    try:
        yield from objects(content, JSON, *of_file)
    except msgspec.DecodeError:
        documents = list(_documents(content, file))
        if not documents or documents == [content.strip()]:
            raise
        yield from _all(documents, *of_file)


def _documents(content: bytes, file: str) -> Iterator[bytes]:
    """Documents that begin and end in the first column; logs and messages of kubectl between them are passed over."""
    content = _LOGS.sub(lambda logs: b"\n" * logs[0].count(b"\n"), content)
    end = 0
    for document in _DOCUMENT.finditer(content):
        _refuse_part(content, end, document.start(), file)
        try:
            _decoder(msgspec.Raw).decode(document[0])
        except msgspec.DecodeError as error:
            line = (_line(document[0], str(error)) or 1) + content.count(b"\n", 0, document.start())
            raise MeshlabError(Problem(file, *_broken(str(error)), line)) from None
        yield document[0].strip()
        end = document.end()
    if end:
        _refuse_part(content, end, len(content), file)


def _refuse_part(content: bytes, start: int, end: int, file: str) -> None:
    """Refuse text between documents that is no message but part of a document."""
    if part := _OPEN.search(content, start, end):
        line = content.count(b"\n", 0, part.start() + len(part[0]) - 1) + 1
        what = "holds text that is no JSON of its own"
        raise MeshlabError(Problem(file, what, "write it again: the file is cut off or mixed", line))


def _all(documents: Iterable[bytes | msgspec.Raw], kind: str | None, api_version: str | None) -> Iterator[Found]:
    for document in documents:
        yield from objects(document, JSON, kind, api_version)


def _broken(message: str) -> tuple[str, str]:
    if "truncated" in message:
        return "ends in the middle of JSON", "write it again: the file is cut off"
    return "is not JSON", "check how it was written"


def _line(content: bytes, message: str) -> int | None:
    position = _BYTE_POSITION.search(message)
    if position is None:
        return content.count(b"\n") + 1 if "truncated" in message else None
    return content.count(b"\n", 0, int(position[1])) + 1


NO_TEXT = "is not UTF-8", "save it in UTF-8"
"""What is said of a file that is no text."""


def line_of_no_text(content: bytes) -> int | None:
    """The first line that is not UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return None
