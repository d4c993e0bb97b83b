"""From paths to the files that hold objects: single files, folders and archives."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from meshlab.errors import MeshlabError, Problem
from meshlab.facts.archives import HEAD_BYTES, Member, is_archive, members
from meshlab.facts.limits import Budget
from meshlab.tables import read_table

_READ_SUFFIXES = frozenset({"", ".json", ".yaml", ".yml", ".gz", ".tgz", ".tar", ".zip"})
_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@cache
def _skipped() -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, read_table("facts/skipped_files")["pattern"]))


def wanted(name: str) -> bool:
    """Whether a file of a folder or archive may hold objects and is not among those that are left alone."""
    if PurePosixPath(name).suffix.lower() not in _READ_SUFFIXES:
        return False
    return not any(pattern.search(name) for pattern in _skipped())


def files(path: Path) -> Iterator[Member]:
    """Files of a path that may hold objects.

    Raises:
        MeshlabError: There is no such path, it cannot be read, or it is a broken or hostile archive.
    """
    budget = Budget()
    try:
        if path.is_dir():
            yield from _folder_files(path, budget)
        else:
            yield from _file(path, path.name, budget)
    except FileNotFoundError:
        raise MeshlabError(Problem(str(path), "no such file or folder", "check the path")) from None
    except OSError as error:
        raise MeshlabError(Problem(str(path), f"cannot be read: {error.strerror}", "check path and rights")) from None


def _folder_files(folder: Path, budget: Budget) -> Iterator[Member]:
    """Files of a folder in the order of their names; links are not followed."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            inner = path.relative_to(folder).as_posix()
            budget.member(str(folder))
            if wanted(inner) and not path.is_symlink() and path.is_file():
                yield from _file(path, f"{folder.name}/{inner}", budget)


def _file(path: Path, name: str, budget: Budget) -> Iterator[Member]:
    with path.open("rb", buffering=0) as stream:  # a buffer would hold a second copy of a large file
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        if is_archive(head):
            yield from members(stream, name, wanted, budget)
        else:
            budget.read(os.fstat(stream.fileno()).st_size, name)
            yield Member(name, stream.read())


def text(member: Member) -> bytes:
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
