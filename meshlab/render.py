"""Rendering reviews: a notebook for each team through papermill, then HTML, notebook and JSON, and an index.

Each notebook runs in a working folder that holds nothing but the team's ``review.json``; what was asked for is
moved to its place when it is complete, so no half-written file is ever seen under its final name.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import nbformat

from meshlab import __version__, report
from meshlab.errors import MeshlabError, Problem, printable
from meshlab.files import write_whole
from meshlab.review import HEADLINES, Case, Review, build_reviews, load_team, open_case, pretty_json, summaries
from meshlab.tables import resource

FORMATS = ("html", "ipynb", "json")
"""What a review can be rendered to."""

CELL_TIME_LIMIT_S = 120
"""Longest time that one cell of a workbook may take. [s]"""

PLOTLY_SCRIPT = "assets/plotly.min.js"
"""The one copy of plotly.js of a reports folder."""

ENGINE = "meshlab" if hasattr(os, "fork") else None
"""The papermill engine: ours where a process can fork, papermill's own elsewhere."""

VOLATILE_METADATA = ("papermill", "execution")
"""What papermill and the kernel note of a run: times and paths, which would make every run differ."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one team's review.

    Args:
        team: Name of the team, or of the file where the team could not be read.
        folder: Where the review lies, or None where it failed.
        reasons: Why it failed, one line each.
        review: The review itself.
    """

    team: str
    folder: Path | None = None
    reasons: tuple[str, ...] = ()
    review: Review | None = field(default=None, repr=False)

    @property
    def failed(self) -> bool:
        """Whether there is no review."""
        return bool(self.reasons)


def render_reviews(
    paths: Sequence[Path],
    out: Path,
    *,
    formats: Sequence[str] = FORMATS,
    jobs: int | None = None,
    progress: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """Render a review for each team file or dump, and the index over all of them.

    Args:
        paths: Team files and dumps, as ``meshlab.review.find_teams`` gives them.
        out: The reports folder.
        formats: Some of ``FORMATS``.
        jobs: Reviews rendered at a time; the number of cores unless said.
        progress: Called with each outcome as it comes.

    Raises:
        MeshlabError: No team at all could be read, or ``out`` cannot be written. Nothing was written then.
    """
    cases, failures = _open_all(paths)
    if not cases:
        raise MeshlabError([problem for _, error in failures for problem in error.problems])
    outcomes = [Outcome(name, reasons=tuple(map(str, error.problems))) for name, error in failures]
    for outcome in outcomes:
        progress(outcome)
    reviews = build_reviews(cases)
    if "html" in formats:
        _write_plotly(out)
    workers = min(jobs or os.cpu_count() or 1, len(reviews))
    with tempfile.TemporaryDirectory(prefix="meshlab-") as work, _executor(workers) as pool:
        tasks = {pool.submit(render_one, review, out, tuple(formats), Path(work)): review for review in reviews}
        for outcome in map(_outcome, as_completed(tasks), [tasks] * len(tasks)):
            progress(outcome)
            outcomes.append(outcome)
    outcomes.sort(key=lambda outcome: outcome.team)
    write_index(outcomes, out, formats)
    return outcomes


def _executor(workers: int) -> Executor:
    # spawned, not forked: polars' threads do not survive a fork
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def _outcome(task: Future[Path], tasks: Mapping[Future[Path], Review]) -> Outcome:
    review = tasks[task]
    team = str(review["team"])
    error = task.exception()
    if error is None:
        return Outcome(team, task.result(), review=review)
    if isinstance(error, MeshlabError):
        return Outcome(team, reasons=tuple(map(str, error.problems)))
    return Outcome(team, reasons=(printable(f"{team}: {type(error).__name__}: {error}"),))


def _open_all(paths: Sequence[Path]) -> tuple[list[Case], list[tuple[str, MeshlabError]]]:
    """Every team that can be read, and the error of each that cannot."""
    cases: list[Case] = []
    failures: list[tuple[str, MeshlabError]] = []
    seen: dict[str, str] = {}
    for path in paths:
        try:
            team = load_team(path)
            # folders are told apart on file systems that fold case, too
            if (first := seen.setdefault(team.name.lower(), team.file)) != team.file:
                raise MeshlabError(
                    Problem(team.file, f"team {team.name!r} stands in {first} as well", "give each team its own name")
                )
            cases.append(open_case(team))
        except MeshlabError as error:
            failures.append((printable(path.stem), error))
    return cases, failures


# --- one review ----------------------------------------------------------------------------------------------------


def render_one(review: Review, out: Path, formats: Sequence[str], work: Path) -> Path:
    """Render one review and move what was asked for into the team's folder.

    Raises:
        MeshlabError: A cell of the workbook failed; the part-run notebook is kept as ``failed.ipynb``.
    """
    folder = out / str(review["team"])
    made: dict[str, str] = {"json": pretty_json(review)}
    if {"html", "ipynb"} & set(formats):
        notebook = run_workbook(review, work / str(review["team"]), folder)
        made["ipynb"] = nbformat.writes(notebook) + "\n"
        if "html" in formats:
            made["html"] = to_html(notebook, review)
    for name in formats:
        write_whole(folder / f"review.{name}", made[name])
    return folder


def run_workbook(review: Review, work: Path, folder: Path) -> nbformat.NotebookNode:
    """Run the review workbook on one review through papermill and return it without what varies from run to run."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    work.mkdir(parents=True)
    write_whole(work / "review.json", pretty_json(review))
    executed = work / "review.ipynb"
    try:
        papermill.execute_notebook(
            str(resource("workbooks") / "review.ipynb"),
            str(executed),
            parameters={"source": "review.json"},
            cwd=str(work),
            kernel_name="python3",
            engine_name=ENGINE,
            progress_bar=False,
            execution_timeout=CELL_TIME_LIMIT_S,
        )
    except Exception as error:
        if executed.exists():
            write_whole(folder / "failed.ipynb", nbformat.writes(_settled(nbformat.read(executed, 4))) + "\n")
        if not isinstance(error, PapermillExecutionError):
            raise
        raise MeshlabError(
            Problem(
                str(review["team"]),
                f"cell {error.exec_count} of review.ipynb raised {error.ename}: {error.evalue}",
                f"see {folder.name}/failed.ipynb",
            )
        ) from error
    notebook = _settled(nbformat.read(executed, 4))
    shutil.rmtree(work)
    return notebook


def _settled(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without times, paths and random ids: the same review gives the same bytes."""
    for key in VOLATILE_METADATA:
        notebook.metadata.pop(key, None)
    for index, cell in enumerate(notebook.cells):
        for key in VOLATILE_METADATA:
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", ()):
            cell["id"] = f"injected-parameters-{index}"
    return notebook


# --- HTML ----------------------------------------------------------------------------------------------------------


def to_html(notebook: nbformat.NotebookNode, review: Review) -> str:
    """The notebook as one page: code hidden, charts drawn by the script beside the reports, tables without it."""
    notebook = notebook.copy()
    # the page has the team's name for a title, and its style once in the head
    notebook.cells = [
        cell for cell in notebook.cells if not (cell.cell_type == "markdown" and cell.source.startswith("# "))
    ]
    notebook.metadata["meshlab"] = {
        "team": review["team"],
        "title": f"{review['team']}: {report.title_text(review)}",
        "subtitle": report.title_text(review),
        "version": review["meshlab_version"],
        "inputs_sha256": review["inputs_sha256"],
        "css": _page_css(),
        "headings": list(_headings(notebook)),
    }
    body, _ = _exporter().from_notebook_node(notebook)
    return body


@cache
def _exporter():  # noqa: ANN202  (nbconvert is imported only by those who render)
    from nbconvert.exporters import TemplateExporter
    from traitlets.config import Config

    # not HTMLExporter: it runs preprocessors that reports do not need and parses each page again to repair it
    return TemplateExporter(
        config=Config(
            {"NbConvertBase": {"display_data_priority": [report.PLOTLY_MIME, "text/html", "image/png", "text/plain"]}}
        ),
        default_preprocessors=[],
        template_name="report",
        template_file="index.html.j2",
        extra_template_basedirs=[str(resource("templates"))],
    )


@cache
def _page_css() -> str:
    return (resource("templates") / "report" / "page.css").read_text(encoding="utf-8")


def _headings(notebook: nbformat.NotebookNode) -> Iterator[dict[str, str]]:
    """Second-level headings with the anchors that nbconvert gives them."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for text in re.findall(r"(?m)^## (.+)$", cell.source):
                yield {"text": text, "anchor": text.strip().replace(" ", "-")}


def _write_plotly(out: Path) -> None:
    from plotly.offline import get_plotlyjs

    write_whole(out / PLOTLY_SCRIPT, get_plotlyjs())


# --- the index -----------------------------------------------------------------------------------------------------


def write_index(outcomes: Sequence[Outcome], out: Path, formats: Sequence[str]) -> None:
    """``index.json`` and ``index.html``: every team with its verdict and figures, and what failed and why."""
    page = next((name for name in ("html", "ipynb", "json") if name in formats), None)
    rows = [
        {**row, "link": f"{row['team']}/review.{page}"}
        for row in summaries(outcome.review for outcome in outcomes if outcome.review is not None)
    ]
    failed = [{"team": outcome.team, "reasons": list(outcome.reasons)} for outcome in outcomes if outcome.failed]
    write_whole(out / "index.json", pretty_json({"reviews": rows, "failed": failed, "meshlab_version": __version__}))
    write_whole(out / "index.html", report.index_page(rows, failed, tuple(HEADLINES), _page_css()))
