"""From paths to rows: which file is read by whom, and what counts as read."""

from __future__ import annotations

import gc
import marshal
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from meshlab.cluster.facts.archives import Budget, Member
from meshlab.cluster.facts.columns import TABLES, Detail, Rows
from meshlab.cluster.facts.files import (
    LargeList,
    Opened,
    Place,
    Source,
    beginning_of,
    files_at,
    listing,
    members_of,
    named,
    text,
    told,
    wanted,
)
from meshlab.cluster.facts.forms import Found, kind_of_file, telling_type
from meshlab.cluster.facts.json_reader import NO_TEXT, read_large_list, read_one
from meshlab.cluster.facts.paths import (
    is_used,
    plans_of,
    pod_annotations,
    pod_labels,
    read_fields,
)
from meshlab.cluster.facts.recognise import NOTHING, looks_like_objects, reader_of, refuse_form
from meshlab.errors import MeshlabError, Problem


@contextmanager
def collector_paused() -> Generator[None]:
    """Without Python's search for garbage in cycles: a large cluster is a million objects, and none is in a cycle."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


# --- one path ------------------------------------------------------------------------------------------------------


def rows_of(paths: Sequence[Source], detail: Detail | None = None, *, may_be_empty: bool = False) -> Rows:
    """Rows of all paths, each file of which is opened once; the problems of all of them are told together.

    With ``may_be_empty`` a path may hold no facts, as long as it holds objects of a cluster or Lists of none.
    """
    rows = Rows(detail)
    problems: list[Problem] = []
    for path in paths:
        try:
            _read_path(path, rows, may_be_empty=may_be_empty)
        except MeshlabError as error:
            problems.extend(error.problems)
    if problems:
        raise MeshlabError(problems)
    return rows


def _read_path(path: Source, rows: Rows, *, may_be_empty: bool) -> None:
    """Add what a path holds; a path that holds nothing to read is refused in words."""
    own = Rows(rows.detail, rows.next)
    budget = Budget()
    if isinstance(path, Opened):
        _read_files(path.members(budget), own, alone=path.name)
    elif len(listed := listing(path, budget)) >= MANY_FILES and has_second_core():
        _read_in_two(listed, path, budget, own)
    else:
        _read_files(files_at(named(listed, path), path, budget), own, alone=path.name if path.is_file() else None)
    shown = own.tables["objects"]
    if not (shown if may_be_empty else any(map(_is_fact, shown))):
        raise MeshlabError(_nothing(path, own.kinds))
    rows.extend(own)


def _read_files(members: Iterable[Member | LargeList], rows: Rows, alone: str | None = None) -> None:
    """Add what files hold; one that is the whole input by itself is no file that may be passed over."""
    for member in members:
        strict = member.name == alone
        try:
            _add(_objects(member, strict=strict), member.name, rows)
        except MeshlabError as error:
            if strict and any(what in str(error) for what in ("is not YAML", NO_TEXT[0])):
                _refuse_measurements(member)
            raise
        if strict and not rows.kinds:
            _refuse_measurements(member)


def _refuse_measurements(member: Member | LargeList) -> None:
    """Refuse a file that holds measurements or another known form and no cluster, by its name."""
    from meshlab.cluster.facts.measured import refuse_measurements  # only where there is something to say

    if isinstance(member, Member):
        refuse_measurements(text(member), member.name, "cluster")
        refuse_form(text(member), member.name)


def _add(objects: Iterable[Found], file: str, rows: Rows) -> None:
    """Add objects, those of kinds that facts are read from."""
    for found in objects:
        rows.kinds.add(found.kind)
        if rows.wants(found.kind, found.group):
            rows.add(found, file)


_EMPTY, _KIND, _GROUP = map(list(TABLES["objects"]).index, ("empty", "kind", "group"))


def _is_fact(row: tuple[Any, ...]) -> bool:
    """Whether a row is that of an object which facts are read from."""
    return not row[_EMPTY] and is_used(row[_KIND], row[_GROUP] or "")


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
    with forked(lambda: _read_by_copy(second, path, Rows(rows.detail, rows.next + _FAR))) as result:
        with told(path):
            for place in named(first, path):
                _read_place(place, budget, rows)
        answer = result()
    done = 0
    if answer is not None:
        done, read_bytes, *gathered = marshal.loads(answer)  # noqa: S302  (bytes of our own)
        budget.read(read_bytes, str(path))
        rows.extend(Rows(rows.detail, *gathered))
    _read_files(files_at(islice(named(second, path), done, None), path, budget), rows)


def _read_by_copy(listed: list[str], path: Path, rows: Rows) -> bytes:
    """How many of the files could be read, their bytes, and the rows of their objects."""
    budget, done = Budget(), 0
    with suppress(Exception):  # whatever it is: the file is read again, and then it is told
        for place in named(listed, path):
            _read_place(place, budget, rows)
            done += 1
    read_bytes = Budget().read_bytes - budget.read_bytes
    return marshal.dumps((done, read_bytes, rows.next, rows.kinds, rows.tables))


def _read_place(place: Place, budget: Budget, rows: Rows) -> None:
    """Add what one of many files holds: most are small, and plain at once."""
    head, rest = beginning_of(place[0])
    if rest is None and (one := read_one(head)) is not None:
        budget.read(len(head), place[1])
        _add((one,), place[1], rows)
        return
    for member in members_of(head, rest, place[1], budget):
        _add(list(_objects(member, strict=False)), member.name, rows)


def _warm_up() -> None:
    """Fill the caches of tables: in a copy of this process polars would wait for its threads for ever."""
    for kind in read_fields():
        plans_of(kind, None, "")
    pod_labels()
    pod_annotations()
    is_used("", "")
    kind_of_file("")
    telling_type()
    wanted("")
    reader_of(b"")


# --- objects -------------------------------------------------------------------------------------------------------


def _nothing(path: Source, kinds: set[str]) -> Problem:
    """What to say of a path in which there is no object that anything is read from."""
    if not kinds:
        return Problem(str(path), *NOTHING)
    used = sorted(kind for kind in kinds if is_used(kind, ""))
    if used:
        return Problem(str(path), f"describes an empty cluster: no {', '.join(used)} in it", NOTHING[1])
    return Problem(str(path), f"holds only kinds that no fact is read from: {', '.join(sorted(kinds)[:8])}", NOTHING[1])


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


# --- work for a second core ------------------------------------------------------------------------------------------
#
# A copy of this process does it and sends the result as bytes.


PIPE_BYTES = 1 << 20
"""Room that is asked for between the copy and this process: fewer turns for a large result. [byte]"""

WHOLE = b"\0whole"
"""What follows a result: without it, the copy ended before it was done."""


def has_second_core() -> bool:
    """Whether a copy of this process may run beside it. macOS has libraries that a copy may not use."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


@contextmanager
def forked(work: Callable[[], bytes]) -> Generator[Callable[[], bytes | None]]:
    """Begin work in a copy of this process.

    The copy has none of this process's threads, so that the work must not ask polars for anything.

    Yields:
        A function that waits for the result; it gives None where the copy has failed.
    """
    import fcntl  # not everywhere, as forks are not

    reading, writing = os.pipe()
    with suppress(OSError):  # no more than a wish, which the system may refuse
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python tells that threads are lost: see above
        copy = os.fork()
    if copy == 0:
        _work_and_exit(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:

        def result() -> bytes | None:
            answer = stream.read()
            return answer[: -len(WHOLE)] if answer.endswith(WHOLE) else None

        try:
            yield result
        finally:
            # it gives back much memory before it is gone: nobody waits for that while there is work
            os.kill(copy, signal.SIGKILL)
            os.waitpid(copy, 0)


def _work_and_exit(work: Callable[[], bytes], writing: int) -> None:
    """Send the result and end without any of the clearing up that is this process's own."""
    try:
        with os.fdopen(writing, "wb") as stream:
            stream.write(work())
            stream.write(WHOLE)
    finally:
        os._exit(0)
