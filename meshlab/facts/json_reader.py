"""Kubernetes objects from JSON, as ``kubectl get -o json`` and most bundles write it.

Values that the types of ``objects.py`` do not name are skipped by the decoder and never built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import msgspec

from meshlab.errors import MeshlabError, Problem
from meshlab.facts.forms import Decoded, Form, Found, Head, objects
from meshlab.tables import read_table

_DOCUMENT_START = re.compile(rb"^(?=\{)", re.MULTILINE)
_HEAD_BYTES = 512
_KIND = re.compile(rb'\s*\{\s*(?:"apiVersion"\s*:\s*"[^"]{0,200}"\s*,\s*)?"kind"\s*:\s*"([A-Za-z]+)(?<!List)"')
"""Kind of a single object, where it stands at the very beginning as the API server and kubectl put it."""

_BYTE_POSITION = re.compile(r"\(byte (\d+)\)")


class _Head(msgspec.Struct, gc=False, rename="camel"):
    kind: str | None = None
    api_version: str | None = None
    items: list[msgspec.Raw] | None = None


class _Json:
    """JSON as a form: values are views on the file's bytes."""

    def head(self, value: Any) -> Head | None:
        try:
            head = _decoder(_Head).decode(value)
        except msgspec.ValidationError:
            return None
        return Head(head.kind, head.api_version, head.items)

    def decode(self, value: Any, of: type[Decoded]) -> Decoded:
        return _decoder(of).decode(value)


JSON: Form = _Json()


@cache
def _decoder(of: type) -> msgspec.json.Decoder:
    return msgspec.json.Decoder(of, strict=False)


def read_json(content: bytes, file: str) -> Iterator[Found]:
    """Objects of a JSON text: one object, a List, a bare list, or several documents one after the other.

    Args:
        content: The text in UTF-8.
        file: How messages name it; of objects that do not say their own kind, the file's name tells it.

    Raises:
        MeshlabError: The text is no JSON.
    """
    try:
        if content[:_HEAD_BYTES].lstrip()[:1] == b"[":
            yield from _all(_decoder(list[msgspec.Raw]).decode(content), *_kind_of_file(file))
        else:
            yield from _one_or_several(content, file)
    except msgspec.DecodeError as error:
        raise MeshlabError(Problem(file, *_broken(str(error)), _line(content, str(error)))) from None
    except UnicodeDecodeError:
        raise MeshlabError(Problem(file, "is not UTF-8", "save it in UTF-8", _line_of_no_text(content))) from None
    except RecursionError:
        raise MeshlabError(Problem(file, "is nested too deeply", "give the output of kubectl get -o json")) from None


@cache
def _kinds_of_files() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    rows = read_table("facts/file_kinds").select("pattern", "kind", "api_version").iter_rows()
    return tuple((re.compile(pattern, re.IGNORECASE), kind, version) for pattern, kind, version in rows)


def _kind_of_file(name: str) -> tuple[str | None, str | None]:
    """Kind and version that a file's name tells, for bundles whose objects do not say their own."""
    return next(((kind, version) for pattern, kind, version in _kinds_of_files() if pattern.search(name)), (None, None))


def _one_or_several(content: bytes, file: str) -> Iterator[Found]:
    """Objects of one document, or of several as ``kubectl cluster-info dump`` writes them to the screen.

    That there is more than one shows before the first object is given, so that none is given twice.
    """
    first = _KIND.match(content, 0, _HEAD_BYTES)
    likely = first[1].decode() if first else None
    of_file = (None, None) if first else _kind_of_file(file)
    try:
        yield from objects(content, JSON, *of_file, likely=likely)
    except msgspec.DecodeError as error:
        if "trailing characters" not in str(error):
            raise
        documents = (document for document in _DOCUMENT_START.split(content) if document.strip())
        yield from _all(documents, *of_file)


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


def _line_of_no_text(content: bytes) -> int | None:
    """The first line that is not UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return None
