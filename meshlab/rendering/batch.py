"""Rendering a fleet: every team's review to files, what is unchanged reused, and an index over all.

Files appear whole under their final names, and beside them a note of what they were made from; a run that is killed
leaves at worst a hidden temporary file, and the next run makes what is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from meshlab import decision
from meshlab.cases import Case, inputs_sha256, load_team, open_case
from meshlab.errors import MeshlabError, Problem, printable
from meshlab.files import pretty_json, remove_leftovers, write_whole
from meshlab.kept import all_kept
from meshlab.rendering import fleet
from meshlab.rendering.pages import (
    FORMATS,
    PLOTLY_SCRIPT,
    PRELOADED,
    Rendered,
    Wish,
    begin_worker,
    page_css,
    rehearse,
    render_files,
)
from meshlab.rendering.pool import run_all, start_early
from meshlab.tables import resource

DEFAULT_FORMATS = ("html", "ipynb", "json")

NOTE = ".meshlab.json"
"""Beside the files of a review: what they were made from, and their row of the index."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one team's review.

    Args:
        team: Name of the team, or of the file where the team could not be read.
        row: The review's row of the index, or None where it failed.
        reasons: Why it failed, one line each.
        reused: Whether an earlier run had made it from the same inputs.
    """

    team: str
    row: dict[str, object] | None = field(default=None, repr=False)
    reasons: tuple[str, ...] = ()
    reused: bool = False

    @property
    def failed(self) -> bool:
        """Whether there is no review, or not all of it."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of every team.

    Args:
        out: The reports folder.
        formats: Some of ``pages.FORMATS``.
        force: Render what is unchanged, too.
        workbook: Path of another workbook than ours.
        tables: Folder of a team's own decision tables, laid over ours.
    """

    out: Path
    formats: tuple[str, ...] = DEFAULT_FORMATS
    force: bool = False
    workbook: str | None = None
    tables: Path | None = None


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
        paths: Team files and dumps, as ``meshlab.review.find_teams`` gives them.
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
    tables = decision.load_tables(job.tables)
    opened, failures = _open_all(paths, job, tables, early=not scheduler)
    if not opened:
        raise MeshlabError([problem for _, error in failures for problem in error.problems])
    _prepare(job)
    outcomes: list[Outcome] = []
    for outcome in _outcomes(opened, failures, job, jobs, scheduler):
        progress(outcome)
        outcomes.append(outcome)
    outcomes.sort(key=lambda outcome: outcome.team)
    rows = [outcome.row for outcome in outcomes if outcome.row is not None]
    failed = [{"team": outcome.team, "reasons": list(outcome.reasons)} for outcome in outcomes if outcome.failed]
    for name, content in fleet.index_files(rows, failed, earlier, job.formats, page_css()).items():
        write_whole(job.out / name, content)
    return outcomes


def _prepare(job: Job) -> None:
    """Make the reports folder, or fail before any work is done."""
    try:
        job.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MeshlabError(
            Problem(str(job.out), f"cannot be written: {error.strerror}", "give another --out")
        ) from error
    if {"html", "pdf"} & set(job.formats):
        from plotly.offline import get_plotlyjs

        write_whole(job.out / PLOTLY_SCRIPT, get_plotlyjs())


@dataclass(frozen=True, slots=True)
class _Opened:
    """A team that can be read, and its row of the index where an earlier run has made all that is asked for."""

    case: Case
    row: dict[str, object] | None


def _open_all(
    paths: Sequence[Path], job: Job, tables: decision.Tables, *, early: bool
) -> tuple[list[_Opened], list[tuple[str, MeshlabError]]]:
    """Every team that can be read, and the error of each that cannot.

    With the first team that has to be rendered the workers' imports begin, if ``early`` is set.
    """
    opened: list[_Opened] = []
    failures: list[tuple[str, MeshlabError]] = []
    seen: dict[str, str] = {}
    for path in paths:
        try:
            case = _open(path, seen)
        except MeshlabError as error:
            failures.append((printable(path.stem), error))
            continue
        row = _reusable(case, job, tables)
        if early and row is None:
            start_early(PRELOADED)
            early = False
        opened.append(_Opened(case, row))
    return opened, failures


def _open(path: Path, seen: dict[str, str]) -> Case:
    team = load_team(path)
    # folders are told apart on file systems that fold case, too
    first = seen.setdefault(team.name.lower(), team.file)
    if first != team.file:
        raise MeshlabError(
            Problem(team.file, f"team {team.name!r} stands in {first} as well", "give each team its own name")
        )
    return open_case(team)


def _outcomes(
    opened: Sequence[_Opened],
    failures: Sequence[tuple[str, MeshlabError]],
    job: Job,
    jobs: int | None,
    scheduler: str | None,
) -> Iterator[Outcome]:
    for name, error in failures:
        yield Outcome(name, reasons=tuple(map(str, error.problems)))
    yield from (Outcome(item.case.team.name, item.row, reused=True) for item in opened if item.row is not None)
    rest = [item.case for item in opened if item.row is None]
    if rest:
        rehearse()
        wish = Wish(job.formats, job.workbook, _own_tables(job.tables))
        tasks = ((case.team.name, (case, wish)) for case in rest)
        begin = (begin_worker, (all_kept(),))
        workers = jobs and min(jobs, len(rest))
        for name, result in run_all(render_files, tasks, jobs=workers, scheduler=scheduler, begin=begin):
            yield _written(name, result, job)


def _own_tables(folder: Path | None) -> dict[str, bytes]:
    """Files of a folder of tables, for workers that may not see the folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.csv"))} if folder else {}


# --- one team's folder ---------------------------------------------------------------------------------------------


def _written(team: str, result: Rendered | BaseException, job: Job) -> Outcome:
    """Put the files of one review in their places."""
    if isinstance(result, BaseException):
        return Outcome(team, reasons=(printable(f"{team}: {type(result).__name__}: {result}"),))
    folder = job.out / team
    try:
        remove_leftovers(folder)
        for name, content in result.files.items():
            write_whole(folder / name, content)
        if result.row is None:
            return Outcome(team, reasons=tuple(map(str, result.problems)))
        write_whole(folder / NOTE, pretty_json(_note(result.row, result.files)))
    except MeshlabError as error:
        return Outcome(team, reasons=tuple(map(str, error.problems)))
    (folder / "failed.ipynb").unlink(missing_ok=True)
    return Outcome(team, result.row)


def _note(row: dict[str, object], files: Mapping[str, bytes]) -> dict[str, object]:
    return {
        "inputs_sha256": row["inputs_sha256"],
        "look_sha256": look_sha256(),
        "row": row,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }


def _reusable(case: Case, job: Job, tables: decision.Tables) -> dict[str, object] | None:
    """The index row of a review that an earlier run made from the same inputs, or None."""
    folder = job.out / case.team.name
    if job.force or job.workbook:
        return None
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        same = note["inputs_sha256"] == inputs_sha256(case, tables) and note["look_sha256"] == look_sha256()
        whole = same and all(
            note["files"][f"review.{name}"] == _file_sha256(folder / f"review.{name}") for name in job.formats
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return note["row"] if whole else None


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def look_sha256() -> str:
    """Hash of what gives a review its look: the workbook, the templates, and the code that draws and words."""
    places = (resource("templates"), resource("workbooks"), Path(__file__).parent)
    files = sorted(
        {
            path
            for place in places
            for path in place.rglob("*")
            if path.suffix in (".py", ".j2", ".css", ".json", ".ipynb")
        }
    )
    digest = hashlib.sha256()
    for path in files:
        if ".ipynb_checkpoints" not in path.parts:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def formats_known() -> tuple[str, ...]:
    """Names of all formats."""
    return tuple(FORMATS)
