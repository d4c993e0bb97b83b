"""Running a sweep: its parts one by one, on all cores of this machine, or on a Dask cluster, with the same bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import polars as pl

from meshlab.errors import MeshlabError, Problem
from meshlab.run.batch.pool import open_pool
from meshlab.run.sweep.aggregates import merged, partial
from meshlab.run.sweep.parts import Place, answers, part_rows, scenarios
from meshlab.run.sweep.spec import Spec, read_spec, same_spec


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has done.

    Args:
        rows: Scenarios of the sweep.
        parts: Its parts.
        kept: Parts that an earlier run had finished.
        failed: Why parts failed, a line for each.
    """

    rows: int
    parts: int
    kept: int
    failed: tuple[str, ...]


def run_sweep(
    path: Path,
    out: str,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] = lambda _rows, _total: None,
) -> Outcome:
    """Evaluate all scenarios of a spec and write what it asks for.

    Args:
        path: The spec.
        out: Parquet file or folder, or address in an object store as polars takes it.
        jobs: Parts at a time on this machine; the number of cores unless said.
        scheduler: Address of a Dask scheduler to use instead; its workers see spec and ``out`` by the same names.
        resume: Whether to keep what an earlier run of the same spec has finished.
        progress: Called with the scenarios done and all of them, as parts finish.

    Raises:
        MeshlabError: The spec or the place is wrong; nothing was written.
    """
    if out.startswith("file://"):
        out = url2pathname(urlsplit(out).path)
    out = out if "://" in out else str(Path(out).absolute())
    spec = _read(path)
    place = Place(out, spec)
    place.check(resume=resume)
    kept = set(place.finished()) if resume else set()
    done = sum(part_rows(spec, part) for part in kept)
    failed = []
    progress(done, spec.rows)
    todo = [part for part in range(place.parts) if part not in kept]
    for part, error in _written(spec, out, todo, jobs, scheduler):
        if error is not None:
            failed.append(_told(error, place.of_part(part)))
            continue
        done += part_rows(spec, part)
        progress(done, spec.rows)
    if spec.aggregates and not failed:
        _add_up(place)
    return Outcome(spec.rows, place.parts, len(kept), tuple(failed))


def _written(
    spec: Spec, out: str, todo: list[int], jobs: int | None, scheduler: str | None
) -> Iterator[tuple[int, BaseException | None]]:
    """Each part with its error, as they finish."""
    if scheduler is None and 1 in (jobs or os.cpu_count(), len(todo)):
        yield from ((part, _error_of(spec, out, part)) for part in todo)
        return
    items = ((part, (spec.file, spec.sha256, out, part)) for part in todo)
    with open_pool(jobs, scheduler) as pool:
        for part, result in pool.run(write_part, items):
            yield part, result if isinstance(result, BaseException) else None


def _error_of(spec: Spec, out: str, part: int) -> BaseException | None:
    """Write a part in this process, as a worker would: what goes wrong is told, and the others are written."""
    try:
        write_part(spec.file, spec.sha256, out, part)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is one part's)
        return error
    return None


def write_part(file: str, sha256: str, out: str, part: int) -> None:
    """Compute and write one part: what a worker does."""
    spec = same_spec(file, sha256)
    place = Place(out, spec)
    wanted = spec.aggregates
    frame = scenarios(spec, part, wanted.by if wanted else ())
    found = answers(spec, frame)
    place.write(place.of_part(part), partial(spec, wanted, found) if wanted else found, part)


def _read(path: Path) -> Spec:
    """The spec by a name that workers know, its problems by the name that the user gave."""
    known = path.absolute()
    try:
        return read_spec(known)
    except MeshlabError as error:
        problems = [replace(each, file=str(path)) if each.file == str(known) else each for each in error.problems]
        raise MeshlabError(problems) from error


def _add_up(place: Place) -> None:
    """Write the aggregates of all parts and remove the parts."""
    addresses = [place.of_part(part) for part in range(place.parts)]
    if place.spec.aggregates is None:
        return
    place.write(place.out, merged([pl.read_parquet(address) for address in addresses], place.spec.aggregates))
    if not place.is_remote:
        for address in addresses:
            Path(address).unlink()
        Path(place.folder).rmdir()


def _told(error: BaseException, address: str) -> str:
    if isinstance(error, MeshlabError):
        return "; ".join(map(str, error.problems))
    return str(Problem(address, f"part failed: {type(error).__name__}", "run again with --resume"))
