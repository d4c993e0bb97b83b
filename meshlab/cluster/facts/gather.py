"""From paths to rows: which file is read by whom, and what counts as read."""

from __future__ import annotations

import gc
import marshal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from pathlib import Path

from meshlab.cluster.facts.archives import Member
from meshlab.cluster.facts.columns import TABLES, Rows
from meshlab.cluster.facts.files import (
    LargeList,
    Place,
    files,
    files_at,
    listing,
    named,
    small_file,
    text,
    told,
    wanted,
)
from meshlab.cluster.facts.forked import forked, has_second_core
from meshlab.cluster.facts.forms import Found
from meshlab.cluster.facts.json_reader import kind_of_file, read_large_list, read_one
from meshlab.cluster.facts.limits import Budget
from meshlab.cluster.facts.objects import (
    TYPES,
    evidence_of,
    pod_annotations,
    pod_labels,
    signature_fields,
    signature_groups,
)
from meshlab.cluster.facts.recognise import looks_like_objects, reader_of
from meshlab.errors import MeshlabError, Problem
from meshlab.tables import read_table

_TODO = "give the output of kubectl get nodes,pods,services -A -o json, or a bundle"


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without Python's search for garbage in cycles: a large cluster is a million objects, and none is in a cycle."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


# --- one path ------------------------------------------------------------------------------------------------------


def rows_of(paths: Sequence[Path]) -> Rows:
    """Rows of all paths; the problems of all of them are told together."""
    rows = Rows()
    problems: list[Problem] = []
    for path in paths:
        try:
            _read_path(path, rows)
        except MeshlabError as error:
            problems.extend(error.problems)
    if problems:
        raise MeshlabError(problems)
    return rows


def _read_path(path: Path, rows: Rows) -> None:
    """Add what a path holds; a path that holds nothing to read is refused in words."""
    own = Rows(rows.next)
    budget = Budget()
    listed = listing(path, budget)
    if len(listed) >= MANY_FILES and has_second_core():
        _read_in_two(listed, path, budget, own)
    else:
        _read_files(files_at(named(listed, path), path, budget), own, alone=path.name if path.is_file() else None)
    if not any(map(_is_object, own.tables["objects"])):
        raise MeshlabError(nothing(path, own.kinds))
    rows.extend(own)


def _read_files(members: Iterable[Member | LargeList], rows: Rows, alone: str | None = None) -> None:
    """Add what files hold; one that is the whole input by itself is no file that may be passed over."""
    for member in members:
        _add(_objects(member, strict=member.name == alone), member.name, rows)


def _add(objects: Iterable[Found], file: str, rows: Rows) -> None:
    """Add objects, those of kinds that facts are read from."""
    for found in objects:
        rows.kinds.add(found.kind)
        if is_used(found.kind, found.group):
            rows.add(found, file)


_EMPTY = list(TABLES["objects"]).index("empty")


def _is_object(row: tuple) -> bool:
    return not row[_EMPTY]


# --- a folder of many files ----------------------------------------------------------------------------------------

MANY_FILES = 2_000
"""From so many files on a second process is worth its start: opening a file takes as long as decoding it."""

OWN_SHARE = 0.49
"""Of many files, those that this process reads itself: it is a little slower than its copy. [share]"""

_FAR = 2**40
"""Further on than any id of the files before."""


def _read_in_two(listed: list[str], path: Path, budget: Budget, rows: Rows) -> None:
    """Read the first of the files while a copy of this process reads the others.

    The copy stops at a file that it cannot read; this process goes on from there and finds the words for it.
    """
    _warm_up()
    own = round(OWN_SHARE * len(listed))
    first, second = listed[:own], listed[own:]
    with forked(lambda: _read_by_copy(second, path, rows.next + _FAR)) as result:
        with told(path):
            for place in named(first, path):
                _read_place(place, path, budget, rows)
        answer = result()
    done = 0
    if answer is not None:
        done, read_bytes, next_id, kinds, tables = marshal.loads(answer)  # noqa: S302  (bytes of our own)
        budget.read(read_bytes, str(path))
        rows.extend(Rows(next_id, kinds, tables))
    _read_files(files_at(islice(named(second, path), done, None), path, budget), rows)


def _read_by_copy(listed: list[str], path: Path, first_id: int) -> bytes:
    """How many of the files could be read, their bytes, and the rows of their objects."""
    rows, budget, done = Rows(first_id), Budget(), 0
    with suppress(Exception):  # whatever it is: the file is read again, and then it is told
        for place in named(listed, path):
            _read_place(place, path, budget, rows)
            done += 1
    read_bytes = Budget().read_bytes - budget.read_bytes
    return marshal.dumps((done, read_bytes, rows.next, rows.kinds, rows.tables))


def _read_place(place: Place, path: Path, budget: Budget, rows: Rows) -> None:
    """Add what one of many files holds: most are small, and plain at once."""
    small = small_file(place[0])
    if small is not None and (one := read_one(small)) is not None:
        budget.read(len(small), place[1])
        _add((one,), place[1], rows)
        return
    for member in files_at([place], path, budget):
        _add(list(_objects(member, strict=False)), member.name, rows)


def _warm_up() -> None:
    """Fill the caches of tables: in a copy of this process polars would wait for its threads for ever."""
    for kind in signature_fields():
        evidence_of(kind)
    pod_labels()
    pod_annotations()
    is_used("", "")
    kind_of_file("")
    wanted("")
    reader_of(b"")


# --- objects -------------------------------------------------------------------------------------------------------


def read_objects(path: Path) -> Iterator[tuple[Found, str]]:
    """Every object of a path with the file that holds it, whether or not facts are read from its kind.

    Raises:
        MeshlabError: The path or a file in it cannot be read.
    """
    alone = path.is_file()
    for member in files(path):
        for found in _objects(member, strict=alone and member.name == path.name):
            yield found, member.name


def nothing(path: Path, kinds: set[str]) -> Problem:
    """What to say of a path in which there is no object that anything is read from."""
    if not kinds:
        return Problem(str(path), "holds no Kubernetes objects", _TODO)
    used = sorted(kind for kind in kinds if is_used(kind, ""))
    if used:
        return Problem(str(path), f"describes an empty cluster: no {', '.join(used)} in it", _TODO)
    return Problem(str(path), f"holds only kinds that no fact is read from: {', '.join(sorted(kinds)[:8])}", _TODO)


@cache
def is_used(kind: str, group: str) -> bool:
    """Whether facts are read from objects of the kind, or from all of its API group."""
    known = kind in TYPES or kind in signature_fields() or kind in _counted_kinds()
    return known or signature_groups().search(group) is not None


@cache
def _counted_kinds() -> frozenset[str]:
    return frozenset(read_table("facts/kinds")["kind"])


def _objects(member: Member | LargeList, *, strict: bool) -> Iterator[Found]:
    """Objects of one file. A file of a folder or archive that does not look like objects is passed over."""
    if isinstance(member, LargeList):
        yield from read_large_list(member)
        return
    if (one := read_one(member.content)) is not None:
        yield one
        return
    content = text(member)
    if strict or looks_like_objects(content):
        yield from reader_of(content)(content, member.name)
