"""Rendering a fleet: every team's review to files, what is unchanged reused, and an index over all.

Files appear whole under their final names, and beside them a note of what they were made from; a run that is killed
leaves at worst a hidden temporary file, and the next run makes what is missing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from meshlab.cache import all_cached, store
from meshlab.errors import MeshlabError, Problem, printable, problems_of, unicode_text
from meshlab.files import digest, pretty_json, read_bounded, read_most, remove_leftovers, write_whole
from meshlab.models import decision
from meshlab.reviews import review
from meshlab.reviews.cases import Case, inputs_sha256, open_path
from meshlab.reviews.record import Row
from meshlab.reviews.team import Team
from meshlab.run.batch import fleet
from meshlab.run.batch.pages import (
    CELL_LIMIT_S,
    FORMATS,
    TABLES,
    Rendered,
    Wish,
    begin_worker,
    file_name,
    find_browser,
    page_css,
    rehearse,
    render_files,
)
from meshlab.run.batch.pool import TRIES, Pool, open_pool, start_early
from meshlab.tables import MAXIMUM_TABLE_BYTES, resource

# --- the folder of one team ------------------------------------------------------------------------------------------


NOTE = ".meshlab.json"
"""Beside the files of a review: what they were made from, and their row of the index."""

SEAL = "note_sha256"
"""Hash of all else in a note: one of which a byte has changed is no note."""

MAXIMUM_NOTE_BYTES = 2**20
"""Largest note that is read. [byte]"""

FAILED = "failed.ipynb"
"""The part-run notebook of a review that failed; gone as soon as one succeeds."""


def put(folder: Path, rendered: Rendered) -> None:
    """Write the files of one review, and the note last: where there is a note, all files are there.

    Forms of a review of other inputs go first, so that no page lies beside the data of another one.
    """
    remove_leftovers(folder)
    files = {name: hashlib.sha256(content).hexdigest() for name, content in rendered.files.items()}
    alike = _files_of_the_same(folder, rendered.row)
    if files.keys() & REVIEWS:
        _remove(folder, REVIEWS - files.keys() - alike.keys())
    for name, content in rendered.files.items():
        write_whole(folder / name, content)
    if rendered.row is not None:
        note = {
            "inputs_sha256": rendered.row["inputs_sha256"],
            "look_sha256": look_sha256(),
            "row": rendered.row,
            "files": dict(sorted({**alike, **files}.items())),
        }
        write_whole(folder / NOTE, pretty_json({**note, SEAL: digest(note)}))
        _remove(folder, {FAILED})


def _remove(folder: Path, names: Collection[str]) -> None:
    for path in [folder / name for name in sorted(names) if (folder / name).exists()]:
        try:
            path.unlink()
        except OSError as error:
            what = f"is of another review and cannot be removed: {error.strerror}"
            raise MeshlabError(Problem(str(path), what, "remove it, or give another --out")) from error


def _files_of_the_same(folder: Path, row: Mapping[str, object] | None) -> dict[str, str]:
    """Files that an earlier run made from the inputs of this row, and that are as it left them: hash by name."""
    note = _read_note(folder, row["inputs_sha256"]) if row is not None else None
    return {name: own for name, own in note["files"].items() if _is_whole(folder, note, name)} if note else {}


def row_of_unchanged(folder: Path, formats: Sequence[str], inputs_sha256: str) -> dict[str, object] | None:
    """The index row of a review that an earlier run made from the same inputs in all these formats, or None."""
    note = _read_note(folder, inputs_sha256)
    whole = note is not None and all(_is_whole(folder, note, name) for name in map(file_name, formats))
    return note["row"] if note and whole else None


def _read_note(folder: Path, inputs_sha256: object) -> dict[str, Any] | None:
    """The note of an earlier run; None where it is of other inputs, of another look, or no note of ours."""
    try:
        note = json.loads(read_most(folder / NOTE, MAXIMUM_NOTE_BYTES))
        whole = note.pop(SEAL) == digest(note)
        same = note["inputs_sha256"] == inputs_sha256 and note["look_sha256"] == look_sha256()
        return note if whole and same and isinstance(note["row"], dict) and isinstance(note["files"], dict) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_whole(folder: Path, note: Mapping[str, Any], name: str) -> bool:
    """Whether a file is as the note has it."""
    path = folder / name
    try:
        known = name in REVIEWS and path.is_file()
        return known and note["files"].get(name) == hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return False


REVIEWS = frozenset(map(file_name, FORMATS))
"""Every file that a review can be."""


@cache
def look_sha256() -> str:
    """Hash of what gives a review its look: the workbook, the templates, and the code that draws and words."""
    places = (resource("templates"), resource("workbooks"), Path(__file__).parents[2])
    suffixes = (".py", ".j2", ".css", ".json", ".ipynb")
    files = sorted({path for place in places for path in place.rglob("*") if path.suffix in suffixes})
    contents = (path.name.encode() + path.read_bytes() for path in files if ".ipynb_checkpoints" not in path.parts)
    return hashlib.sha256(b"".join(contents)).hexdigest()


# --- all of them -----------------------------------------------------------------------------------------------------


DEFAULT_FORMATS = ("html", "ipynb", "json")


class Outcome(msgspec.Struct, frozen=True):
    """What became of one team's review.

    Args:
        team: Name of the team, or of the file where the team could not be read.
        row: The review's row of the index, or None where it failed.
        reasons: Why it failed, one line each.
        reused: Whether an earlier run had made it from the same inputs.
    """

    team: str
    row: dict[str, object] | None = msgspec.field(default=None)
    reasons: tuple[str, ...] = ()
    reused: bool = False

    @property
    def failed(self) -> bool:
        """Whether there is no review, or not all of it."""
        return bool(self.reasons)


class Job(msgspec.Struct, frozen=True):
    """What is asked of every team.

    Args:
        out: The reports folder.
        formats: Some of ``pages.FORMATS``.
        force: Render what is unchanged, too.
        workbook: Path of another workbook than ours.
        cell_limit_s: Longest time that one cell of it may take. [s]
        tables: Folder of a team's own decision tables, laid over ours.
        measured: Files and folders of measurements, beside those that team files name.
    """

    out: Path
    formats: tuple[str, ...] = DEFAULT_FORMATS
    force: bool = False
    workbook: str | None = None
    cell_limit_s: float = CELL_LIMIT_S
    tables: Path | None = None
    measured: tuple[Path, ...] = ()


def render_reviews(
    paths: Sequence[Path],
    job: Job,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    baseline: Path | None = None,
    progress: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """Render a review for each team file or dump, and the index over all of them.

    Args:
        paths: Team files and dumps, as ``meshlab.reviews.cases.find_teams`` gives them.
        job: What is asked of every team.
        jobs: Reviews rendered at a time on this machine; the number of cores unless said.
        scheduler: Address of a Dask scheduler to render on.
        baseline: Reports folder of an earlier run to compare with.
        progress: Called with each outcome as it comes.

    Raises:
        MeshlabError: No team at all could be read, or ``out`` cannot be written, or there is no baseline or
            scheduler. Nothing was written then.
    """
    earlier = fleet.read_index(baseline) if baseline else None
    if "pdf" in job.formats:
        find_browser()
    if job.out.exists() and not job.out.is_dir():
        raise MeshlabError(Problem(str(job.out), "is a file", "give a folder with --out"))
    opened, failures = _open_all(paths, job, early=not scheduler)
    if not opened:
        raise MeshlabError([problem for _, problems in failures for problem in problems])
    rest = [case for case, row in opened if row is None]
    outcomes: list[Outcome] = []

    def note(outcome: Outcome) -> None:
        progress(outcome)
        outcomes.append(outcome)

    with _workers(len(rest), jobs, scheduler) as pool:
        _prepare(job)
        for name, problems in failures:
            note(Outcome(name, reasons=tuple(map(str, problems))))
        for case, row in opened:
            if row is not None:
                note(Outcome(case.team.name, row, reused=True))
        for outcome in _rendered(rest, job, pool):
            note(outcome)
    outcomes.sort(key=lambda outcome: outcome.team)
    try:
        _write_index(outcomes, job, earlier)
    except Exception as error:  # noqa: BLE001  (whatever it is, the reviews are there)
        note(Outcome("index", reasons=_lines(error, str(job.out / "index.html"))))
    return outcomes


def _lines(error: BaseException, place: str) -> tuple[str, ...]:
    return tuple(map(str, problems_of(error, place)))


def _workers(reviews: int, jobs: int | None, scheduler: str | None) -> AbstractContextManager[Pool]:
    """Workers for so many reviews: on this machine no more than there is work for, and none to wait for without any."""
    if not reviews:
        return open_pool(1)
    rehearse()
    store(is_own=lambda argument: bool(getattr(argument, "changes", ())))
    return open_pool(jobs and min(jobs, reviews), scheduler, (begin_worker, (all_cached(),)))


def _prepare(job: Job) -> None:
    """Make the reports folder, or fail before any work is done."""
    new = not job.out.exists()
    try:
        job.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=job.out):
            pass
    except OSError as error:
        if new:
            shutil.rmtree(job.out, ignore_errors=True)
        problem = Problem(str(job.out), f"cannot be written: {error.strerror}", "give another --out")
        raise MeshlabError(problem) from error


def _write_index(outcomes: Sequence[Outcome], job: Job, earlier: Mapping[str, fleet.Row] | None) -> None:
    rows = [outcome.row for outcome in outcomes if outcome.row is not None]
    failed = [{"team": outcome.team, "reasons": list(outcome.reasons)} for outcome in outcomes if outcome.failed]
    files = fleet.index_files(rows, failed, earlier, job.formats, page_css())
    for name, content in files.items():
        write_whole(job.out / name, content)
    if "index.md" not in files:  # one of an earlier run would tell of other reviews
        (job.out / "index.md").unlink(missing_ok=True)


def _open_all(
    paths: Sequence[Path], job: Job, *, early: bool
) -> tuple[list[tuple[Case, Row | None]], list[tuple[str, tuple[Problem, ...]]]]:
    """Every team that can be read, with its row where an earlier run has made all that is asked for; what is wrong.

    With the first team that has to be rendered the workers' imports begin, if ``early`` is set.
    """
    tables = decision.load_tables(job.tables)
    opened: list[tuple[Case, Row | None]] = []
    failures: list[tuple[str, tuple[Problem, ...]]] = []
    fresh = job.force or job.workbook
    seen: dict[str, str] = {}
    for path in paths:
        try:
            case = _open(path, seen, job.measured)
            inputs = "" if fresh else inputs_sha256(case, tables)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is one team's)
            failures.append((printable(unicode_text(path.stem)), problems_of(error, unicode_text(str(path)))))
            continue
        row = None if fresh else row_of_unchanged(job.out / case.team.name, job.formats, inputs)
        if early and row is None:
            start_early()
            early = False
        opened.append((case, row))
    return opened, failures


def _open(path: Path, seen: dict[str, str], measured: Sequence[Path]) -> Case:
    def admit(team: Team) -> None:
        # folders are told apart on file systems that fold case, too
        first = seen.setdefault(team.name.lower(), team.file)
        if first != team.file:
            raise MeshlabError(
                Problem(team.file, f"team {team.name!r} stands in {first} as well", "give each team its own name")
            )

    return open_path(path, admit, measured)


def _rendered(cases: Sequence[Case], job: Job, pool: Pool) -> Iterator[Outcome]:
    """What became of each case, as the workers are done with it."""
    wish = Wish(job.formats, job.workbook, job.cell_limit_s, _own_tables(job.tables))
    left = {case.team.name: case for case in cases}
    lost: Exception | None = None
    for _ in range(TRIES):
        try:
            asked = ((team, (team, _text(case, wish, alone=len(cases) == 1), wish)) for team, case in [*left.items()])
            for team, result in pool.run(render_files, asked):
                del left[team]
                yield _written(team, result, job)
        except Exception as error:  # noqa: BLE001  (the process that all workers come from is gone, or a pipe to it)
            lost = error
            start_early()
            pool.renew()
        if not left:
            return
    for team in sorted(left):
        yield Outcome(team, reasons=_lines(lost or RuntimeError(), team))


def _text(case: Case, wish: Wish, *, alone: bool) -> str:
    """What a worker is to render: an outline, which it builds; a single review is built while workers import."""
    if alone and not wish.tables:
        with suppress(Exception):  # whatever it is, the worker comes upon it as well and tells of it
            return pretty_json(review.build_reviews([case])[0])
    return pretty_json(review.outline(case, TABLES if wish.tables else None))


def _written(team: str, result: Rendered | BaseException, job: Job) -> Outcome:
    """What became of one team, once its files are in their places."""
    if isinstance(result, BaseException):
        return Outcome(team, reasons=_lines(result, team))
    try:
        put(job.out / team, result)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is one team's)
        return Outcome(team, reasons=_lines(error, team))
    return Outcome(team, result.row, tuple(map(str, result.problems)))


def _own_tables(folder: Path | None) -> dict[str, bytes]:
    """Files of a folder of tables, for workers that may not see the folder."""
    files = sorted(folder.glob("*.csv")) if folder else ()
    return {path.name: read_bounded(path, MAXIMUM_TABLE_BYTES) for path in files}
