"""From paths to the files that hold objects: single files, folders and archives."""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from io import FileIO
from operator import attrgetter
from pathlib import Path
from typing import Protocol, Self

from meshlab.cluster.facts.archives import HEAD_BYTES, Budget, Member, is_archive, members
from meshlab.errors import MeshlabError, Problem, unicode_text
from meshlab.tables import read_table

_READ_SUFFIXES = frozenset({"", ".json", ".yaml", ".yml", ".gz", ".tgz", ".tar", ".zip", ".xz", ".bz2"})
_READ_ENDINGS = tuple(filter(None, _READ_SUFFIXES))
_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@cache
def _skipped() -> re.Pattern[str]:
    patterns = read_table("facts/skipped_files")["pattern"]
    return re.compile(f"/(?:{'|'.join(patterns)})", re.IGNORECASE)  # begins with a text: that is looked for fast


def wanted(name: str) -> bool:
    """Whether a file of a folder or archive may hold objects and is not among those that are left alone."""
    # most names end in small letters, which is seen in a third of the time that looking for the dot takes
    return (name.endswith(_READ_ENDINGS) or _suffix(name) in _READ_SUFFIXES) and _skipped().search(f"/{name}") is None


def _suffix(name: str) -> str:
    """The ending of a file's name; of one that is a command, as sos names its files, none."""
    dot = name.rfind(".", name.rfind("/") + 1)
    return name[dot:].lower() if dot >= 0 and "_" not in name[dot:] else ""


class LargeList:
    """A file with a large List, still to be read: piece by piece from its stream, or whole as its content."""

    def __init__(self, name: str, stream: FileIO) -> None:
        self.name, self.stream = name, stream

    @cached_property
    def content(self) -> bytes:
        """All bytes of the file."""
        self.stream.seek(0)
        return self.stream.read()


Place = tuple[str, str]
"""Where a file lies, and its name as messages and provenance show it; plain text, for there may be very many."""


def files(path: Path) -> Iterator[Member | LargeList]:
    """Files of a path that may hold objects."""
    budget = Budget()
    yield from files_at(named(listing(path, budget), path), path, budget)


def listing(path: Path, budget: Budget) -> list[str]:
    """Where the files of a path lie, in the order of their names; links are not followed."""
    with told(path):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return list(_in_folder(str(path), path.name, budget))
        if stat.S_ISREG(mode):
            return [str(path)]
    raise MeshlabError(Problem(str(path), "is neither a file nor a folder", "save the dump as a file"))


def named(listed: Iterable[str], path: Path) -> Iterator[Place]:
    """Those of a path's files that may hold objects, with their names."""
    title, inside = unicode_text(path.name), len(str(path)) + 1
    for place in listed:
        name = unicode_text(place[inside:].replace(os.sep, "/"))
        if wanted(name):
            yield place, f"{title}/{name}" if name else title


def files_at(listed: Iterable[Place], path: Path, budget: Budget) -> Iterator[Member | LargeList]:
    """Files at some of the places of a path."""
    with told(path):
        for place, name in listed:
            yield from members_of(*beginning_of(place), name, budget)


@contextmanager
def told(path: Path) -> Generator[None]:
    """Errors of the operating system in words."""
    try:
        yield
    except FileNotFoundError:
        raise MeshlabError(Problem(str(path), "no such file or folder", "check the path")) from None
    except OSError as error:
        raise MeshlabError(Problem(str(path), f"cannot be read: {error.strerror}", "check path and rights")) from None


def _in_folder(folder: str, title: str, budget: Budget) -> Iterator[str]:
    left = _entries(folder, title, budget)
    while left:
        entry = left.pop()
        if entry.is_file(follow_symlinks=False):
            yield entry.path
        elif entry.is_dir(follow_symlinks=False):
            left += _entries(entry.path, title, budget)


def _entries(folder: str, title: str, budget: Budget) -> list[os.DirEntry[str]]:
    """What is in the folder, the first by name at the end."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=attrgetter("name"), reverse=True)
    budget.member(title, len(found))
    return found


SMALL_BYTES = 64 * 2**10
"""A file below is read by one call to the system; reading a file ends early only at its end. [bytes]"""


def beginning_of(path: str) -> tuple[bytes, FileIO | None]:
    """The first bytes of a file, and the file itself, still open, where it goes on behind them."""
    # a file of /proc may give nothing for ever
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        head = os.read(file, SMALL_BYTES)
    except OSError:
        os.close(file)
        raise
    if len(head) < SMALL_BYTES:
        os.close(file)
        return head, None
    return head, FileIO(file)


def members_of(head: bytes, rest: FileIO | None, name: str, budget: Budget) -> Iterator[Member | LargeList]:
    """A file, or the files in it where it is an archive; it is closed in the end."""
    if rest is None and not is_archive(head[:HEAD_BYTES]):
        budget.read(len(head), name)
        yield Member(name, head)
        return
    with rest or io.BytesIO(head) as stream:
        stream.seek(0)
        start = stream.read(HEAD_BYTES)
        stream.seek(0)
        if is_archive(start):
            yield from members(stream, name, wanted, budget)
            return
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        budget.read(size, name)
        if isinstance(stream, FileIO) and size > PIECE_BYTES and is_indented_list(start):
            yield LargeList(name, stream)
        else:
            yield Member(name, stream.read())  # at once: a buffer would hold a second copy of a large file


class Opened:
    """A file that is open, so that it can be told what it is before it is read, by one opening."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with told(path):
            self.head, self.rest = beginning_of(str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.rest is not None:
            self.rest.close()

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """Name of the file."""
        return unicode_text(self.path.name)

    def read(self, most: int) -> bytes:
        """The first bytes, so many at most."""
        return self.head + (self.rest.read(most - len(self.head)) if self.rest is not None else b"")

    def members(self, budget: Budget) -> Iterator[Member | LargeList]:
        """The file as ``files_at`` gives it."""
        with told(self.path):
            yield from members_of(self.head, self.rest, self.name, budget)


Source = Path | Opened
"""A file, folder or archive, or a file that is open already."""


def text(member: Member | LargeList) -> bytes:
    """The file's bytes in UTF-8 without a byte order mark; PowerShell writes UTF-16."""
    for mark, encoding in _ENCODINGS.items():
        if member.content.startswith(mark):
            try:
                return member.content.decode(encoding).replace("\n\ufeff", "\n").encode()  # of files put together
            except UnicodeError:
                raise MeshlabError(
                    Problem(member.name, f"begins as {encoding} but is not", "save it in UTF-8", 1)
                ) from None
    return member.content


def beginning(head: bytes) -> bytes:
    """The first bytes of a file in UTF-8, whatever is cut off at their end."""
    for mark, encoding in _ENCODINGS.items():
        if head.startswith(mark):
            return head.decode(encoding, "ignore").encode()
    return head


# --- a large List, a piece at a time ---------------------------------------------------------------------------------
#
# The whole file never is in memory. kubectl indents what it prints, so that each item begins and ends on a line of its
# own: the text is cut there, and each piece is made a JSON text of its own.


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
