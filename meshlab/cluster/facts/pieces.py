"""A large List as kubectl prints it, read a piece at a time: the whole file never is in memory.

kubectl indents what it prints, so that each item begins and ends on a line of its own. The text is cut there, and
each piece is made a JSON text of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

PIECE_BYTES = 4 * 2**20
"""How much of a file is in memory at a time; the largest object that etcd stores fills 1.5 MiB. [bytes]"""

_HEAD = re.compile(
    rb"""\{
    (?=[^\[]*"apiVersion")
    (?: \s* "apiVersion" \s*:\s* "[^"\\]{0,200}" \s*,
      | \s* "kind" \s*:\s* "[A-Za-z]{0,200}List" \s*,
      | \s* "metadata" \s*:\s* \{ [^{}\[\]]{0,300} \} \s*, )*+
    \s* "items" \s*:\s* \[ (?P<gap> \r?\n[ \t]*+ ) \{""",
    re.VERBOSE,
)
"""The beginning of a List, up to its first item; what stands between two items stands before the first as well."""


class Stream(Protocol):
    """A file that fills a buffer."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer as far as there is something, and say how far."""
        ...


def is_indented_list(head: bytes) -> bool:
    """Whether a file that begins so is a List whose items stand on lines of their own."""
    return _HEAD.match(head) is not None


def pieces(stream: Stream) -> Iterator[memoryview]:
    """A List in pieces: the List without its items, then its items as JSON lists, then the List with the last of them.

    Strings of JSON hold no line breaks, and a piece that is cut anywhere but between two items leaves a bracket open.
    So where each piece is JSON, they are the items of the List in their order; where one is not, the List may still
    be right, and be indented in a way of its own.

    Args:
        stream: The file at its beginning; ``is_indented_list`` holds for it.
    """
    buffer = bytearray(PIECE_BYTES)
    view = memoryview(buffer)
    filled = stream.readinto(view) or 0
    found = _HEAD.match(buffer, 0, filled)
    if found is None:
        return
    gap, opening = found["gap"], found.start("gap")  # behind the bracket that opens the items
    head = bytes(view[:opening])
    yield memoryview(head + b"]}")

    filled = _move(view, opening - 1, filled, 0)
    border = gap + b"}," + gap + b"{"
    while True:
        last = buffer.rfind(border, 0, filled)
        if last > 0:
            comma = last + border.index(b",")
            buffer[comma : comma + 1] = b"]"
            yield view[: comma + 1]
            filled = _move(view, comma + 1, filled, 1)
        count = stream.readinto(view[filled:])
        if not count:
            break
        filled += count
    yield memoryview(head + view[1:filled])


def _move(view: memoryview, start: int, end: int, to: int) -> int:
    """Move what stands between start and end towards the beginning, and return where it ends there."""
    view[to : to + end - start] = bytes(view[start:end])
    return to + end - start
