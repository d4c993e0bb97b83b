"""From paths to the files that hold objects: single files, folders and archives."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from io import FileIO
from pathlib import Path

from meshlab.errors import MeshlabError, Problem
from meshlab.facts.archives import HEAD_BYTES, Member, is_archive, members
from meshlab.facts.limits import Budget
from meshlab.facts.pieces import PIECE_BYTES, is_indented_list
from meshlab.tables import read_table

_READ_SUFFIXES = frozenset({"", ".json", ".yaml", ".yml", ".gz", ".tgz", ".tar", ".zip"})
_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@cache
def _skipped() -> re.Pattern[str]:
    patterns = read_table("facts/skipped_files")["pattern"]
    return re.compile(f"(?:^|/)(?:{'|'.join(patterns)})", re.IGNORECASE)


def wanted(name: str) -> bool:
    """Whether a file of a folder or archive may hold objects and is not among those that are left alone."""
    dot = name.rfind(".", name.rfind("/") + 1)
    suffix = name[dot:].lower() if dot >= 0 else ""
    return suffix in _READ_SUFFIXES and _skipped().search(name) is None


class LargeList:
    """A file with a large List, still to be read: piece by piece from its stream, or whole as its content.

    Args:
        name: Its name as messages and provenance show it.
        stream: The open file, at its beginning.
    """

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
    """Files of a path that may hold objects.

    Raises:
        MeshlabError: There is no such path, it cannot be read, or it is a broken or hostile archive.
    """
    budget = Budget()
    yield from files_at(places(path, budget), path, budget)


def places(path: Path, budget: Budget) -> list[Place]:
    """Where the files of a path lie, in the order of their names; links are not followed.

    Raises:
        MeshlabError: There is no such path, or it cannot be read.
    """
    with _told(path):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return list(_folder_places(str(path), path.name, budget))
        if stat.S_ISREG(mode):
            return [(str(path), path.name)]
    raise MeshlabError(Problem(str(path), "is neither a file nor a folder", "save the dump as a file"))


def files_at(listed: Iterable[Place], path: Path, budget: Budget) -> Iterator[Member | LargeList]:
    """Files at some of the places of a path.

    Raises:
        MeshlabError: One cannot be read, or is a broken or hostile archive.
    """
    with _told(path):
        for place, name in listed:
            yield from _file(place, name, budget)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of the operating system in words."""
    try:
        yield
    except FileNotFoundError:
        raise MeshlabError(Problem(str(path), "no such file or folder", "check the path")) from None
    except OSError as error:
        raise MeshlabError(Problem(str(path), f"cannot be read: {error.strerror}", "check path and rights")) from None


def _folder_places(folder: str, title: str, budget: Budget) -> Iterator[Place]:
    left = _entries(folder)
    while left:
        entry = left.pop()
        name = entry.path[len(folder) + 1 :].replace(os.sep, "/")
        budget.member(title)
        if entry.is_dir(follow_symlinks=False):
            left += _entries(entry.path)
        elif wanted(name) and entry.is_file(follow_symlinks=False):
            yield entry.path, f"{title}/{name}"


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in the folder, the first by name at the end."""
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name, reverse=True)


def _file(path: str, name: str, budget: Budget) -> Iterator[Member | LargeList]:
    start = _start(path)
    if len(start) < SMALL_BYTES and not is_archive(start[:HEAD_BYTES]):
        budget.read(len(start), name)
        yield Member(name, start)
        return
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123  (text, not a Path: see Place)
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        if is_archive(head):
            yield from members(stream, name, wanted, budget)
            return
        size = os.fstat(stream.fileno()).st_size
        budget.read(size, name)
        if size > PIECE_BYTES and is_indented_list(head):
            yield LargeList(name, stream)
        else:
            yield Member(name, stream.read())  # at once: a buffer would hold a second copy of a large file


SMALL_BYTES = 64 * 2**10
"""A file below is read by one call to the system; reading a file ends early only at its end. [bytes]"""


def _start(path: str) -> bytes:
    """The beginning of a file, which of a small one is all of it."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, SMALL_BYTES)
    finally:
        os.close(file)


def text(member: Member | LargeList) -> bytes:
    """The file's bytes in UTF-8 without a byte order mark; PowerShell writes UTF-16."""
    for mark, encoding in _ENCODINGS.items():
        if member.content.startswith(mark):
            try:
                return member.content.decode(encoding).encode()
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
