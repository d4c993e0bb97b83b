"""What a file of measurements is, known by its content and never by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import msgspec

from meshlab.errors import MeshlabError, Problem
from meshlab.tables import read_table

HEAD_BYTES = 64 * 2**10
"""How much of a text's beginning decides. [bytes]"""

_DEPTH = 3
_MOST_KEYS = 256

JSON_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises on a text that is no JSON of the demanded kind."""

_LISTED = msgspec.json.Decoder(list[msgspec.Raw])
_KEYED = msgspec.json.Decoder(dict[str, msgspec.Raw])


def kind_of(content: bytes, file: str) -> str:
    """Kind of a file: a row of ``data/facts/measurement_kinds.csv``.

    Raises:
        MeshlabError: The file is none of the kinds, or is broken JSON.
    """
    form, shape = _shape(content, file)
    for kind, pattern in _patterns(form):
        if pattern.search(shape):
            return kind
    known = ", ".join(read_table("facts/measurement_kinds")["title"])
    raise MeshlabError(Problem(file, "holds no measurements that are known here", f"known: {known}"))


@cache
def _patterns(form: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = read_table("facts/measurement_kinds").filter(form=form).select("kind", "pattern").iter_rows()
    return tuple((kind, re.compile(pattern, re.MULTILINE)) for kind, pattern in rows)


def _shape(content: bytes, file: str) -> tuple[str, str]:
    """The form, and what patterns are searched in: the paths of JSON, or the beginning of a text."""
    if content.lstrip()[:1] in (b"{", b"["):
        try:
            return "json", "\n".join(json_paths(first_document(content, file)))
        except JSON_FAULTS as error:
            raise MeshlabError(broken(error, content, file)) from None
    return "text", content[:HEAD_BYTES].decode("utf-8", "replace")


def first_document(content: bytes, file: str) -> bytes:
    """The whole text where it is one JSON document, else its first line: some tools write a document a line.

    Raises:
        MeshlabError: The text is no JSON.
    """
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except JSON_FAULTS as error:
        line = content.lstrip().partition(b"\n")[0]
        if line == content.strip() or not _is_json(line):
            raise MeshlabError(broken(error, content, file)) from None
        return line
    return content


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except JSON_FAULTS:
        return False
    return True


def broken(error: Exception, content: bytes, file: str) -> Problem:
    """What is wrong with JSON that does not decode, without a word of what it holds."""
    if isinstance(error, RecursionError):
        return Problem(file, "is nested too deeply", "give the file as the tool wrote it")
    if isinstance(error, UnicodeDecodeError):
        return Problem(file, "is not UTF-8", "give the file as the tool wrote it")
    if "truncated" in str(error):
        return Problem(
            file, "ends in the middle of JSON", "write it again: the file is cut off", content.count(b"\n") + 1
        )
    position = re.search(r"byte (\d+)", str(error))
    line = content.count(b"\n", 0, int(position[1])) + 1 if position else None
    if isinstance(error, msgspec.ValidationError):
        return Problem(file, f"is not as its kind demands: {error}", "give the file as the tool wrote it", line)
    return Problem(file, "is not JSON", "give the file as the tool wrote it", line)


def json_paths(value: bytes | msgspec.Raw, prefix: str = "", depth: int = _DEPTH) -> Iterator[str]:
    """Keys of a JSON value, a few levels deep, as ``data[].spans``; of a list only the first item counts."""
    if prefix:
        yield prefix
    if depth == 0:
        return
    for key, inner in _inner(value):
        yield from json_paths(inner, f"{prefix}{'' if key == '[]' or not prefix else '.'}{key}", depth - 1)


def _inner(value: bytes | msgspec.Raw) -> list[tuple[str, msgspec.Raw]]:
    start = bytes(value).lstrip()[:1]
    if start == b"[":
        return [("[]", item) for item in _LISTED.decode(value)[:1]]
    if start == b"{":
        return list(_KEYED.decode(value).items())[:_MOST_KEYS]
    return []
