"""One review as files: its notebook, its page, its data, and the forms that other places ask for.

Everything here runs in a worker, on this machine or on another: a case goes in, the contents of files come out.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from functools import cache
from html import escape
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec

from meshlab.cache import cached, keep
from meshlab.errors import MeshlabError, Problem, from_extra, printable, problems_of
from meshlab.files import data_path, digest, write_whole
from meshlab.reviews import review
from meshlab.reviews.record import Review
from meshlab.reviews.review import summary
from meshlab.run.batch.engine import KERNEL, fork_warm_process
from meshlab.show import report
from meshlab.show.export import PLOTLY_MIME
from meshlab.show.export.svg import KINDS, draw, hue_variables
from meshlab.show.theme import in_dark
from meshlab.tables import read_table, resource

if TYPE_CHECKING:
    from choreographer import Browser, Tab
    from nbformat import NotebookNode


CELL_LIMIT_S = 120.0
"""Longest time that one cell of a workbook may take. [s]"""

ENGINE = "meshlab" if hasattr(os, "fork") else None
"""The papermill engine: ours where a process can fork, papermill's own elsewhere."""

TABLES = "tables"
"""Folder of a team's own decision tables, beside its review while it is made."""

VOLATILE_METADATA = ("papermill", "execution")
"""What papermill and the kernel note of a run: times and paths, which would make every run differ."""


class Rendered(msgspec.Struct, frozen=True):
    """What rendering one review gave: files by name, its row of the index, and why there is not all of it."""

    files: Mapping[str, bytes]
    row: dict[str, object] | None = None
    problems: tuple[Problem, ...] = ()


class Wish(msgspec.Struct, frozen=True):
    """What to make of each review: some of ``FORMATS``, by our workbook or another, with own tables by name."""

    formats: tuple[str, ...]
    workbook: str | None = None
    cell_limit_s: float = CELL_LIMIT_S
    tables: Mapping[str, bytes] = msgspec.field(default_factory=dict[str, bytes])


class _Made(msgspec.Struct, frozen=True):
    """One review on its way to files."""

    review: Review
    text: str
    notebook: NotebookNode
    formats: tuple[str, ...]


FORMATS: dict[str, Callable[[_Made], str | bytes]] = {
    "html": lambda made: to_html(made.notebook, made.review),
    "ipynb": lambda made: to_text(made.notebook),
    "json": lambda made: made.text,
    "md": lambda made: report.markdown_page(made.review),
    "adr": lambda made: report.decision_record(
        made.review, [file_name(form) for form in made.formats if form != "adr"]
    ),
    "pdf": lambda made: print_page(to_html(made.notebook, made.review), made.review.team),
}
"""What a review can be rendered to."""


def file_name(form: str) -> str:
    """Name of a review's file in a format; a decision record is Markdown, and opens as such."""
    return "review.adr.md" if form == "adr" else f"review.{form}"


NOTEBOOK_FORMATS = frozenset({"html", "ipynb", "pdf"})
"""Formats for which the workbook has to run."""


def render_files(team: str, text: str, wish: Wish) -> Rendered:
    """Render the review of one team. A workbook that fails is told in words, its part-run notebook kept.

    Args:
        team: Its name.
        text: Its ``review.json``, or the outline of one.
        wish: What is asked for. Of a workbook that fails ``failed.ipynb`` is kept.
    """
    try:
        made = _make(team, text, wish)
    except WorkbookFailedError as failure:
        return Rendered({"failed.ipynb": failure.notebook.encode()}, problems=(failure.problem,))
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for name in wish.formats:
        try:
            content = FORMATS[name](made)
            files[file_name(name)] = content.encode() if isinstance(content, str) else content
        except Exception as error:  # noqa: BLE001  (the other forms are made all the same)
            problems += problems_of(error, f"{team}, {name}")
    return Rendered(files, None if problems else summary(made.review), tuple(problems))


def _make(team: str, text: str, wish: Wish) -> _Made:
    """Run the workbook, if a format needs it, in a folder that holds the review and own tables and nothing else."""
    from nbformat import NotebookNode

    with tempfile.TemporaryDirectory(prefix="meshlab-") as work:
        folder = Path(work)
        for name, content in wish.tables.items():
            write_whole(folder / TABLES / name, content)
        file = folder / review.FILE
        file.write_text(text, encoding="utf-8")
        rehearse()
        # here, where everything is warm, rather than in a fork; what goes wrong the workbook comes upon and tells
        with suppress(Exception):
            review.read_review(file)
        notebook = NotebookNode()
        if NOTEBOOK_FORMATS.intersection(wish.formats):
            workbook = wish.workbook or str(resource("workbooks") / "review.ipynb")
            notebook = run_workbook(workbook, folder, team, wish.cell_limit_s)
        return _Made(review.read_review(file), file.read_text(encoding="utf-8"), notebook, wish.formats)


class WorkbookFailedError(Exception):
    """A workbook stopped: why, and what had run of it."""

    def __init__(self, problem: Problem, notebook: str) -> None:
        super().__init__(str(problem))
        self.problem, self.notebook = problem, notebook


# --- workers -------------------------------------------------------------------------------------------------------


@cached
def rehearse() -> bool:
    """Make one review, so that what all reviews read is kept, in this run and for later ones. True, once done."""
    for columns in data_path("facts").glob("*.columns.csv"):
        read_table(f"facts/{columns.name.partition('.')[0]}")
    made = review.review_values({"pods": 100, "needs": ["mtls"], "current_cni": "calico"})
    report.markdown_page(made)
    report.chart(made, "network")
    return True


def begin_worker(results: bytes) -> None:
    """Take over what the asking process kept, and fork the process of the notebooks while that is safe."""
    keep(results)
    if ENGINE:
        fork_warm_process()
    # while the first notebook runs, in a process of its own
    Thread(target=_exporter, daemon=True).start()


# --- the notebook --------------------------------------------------------------------------------------------------


def run_workbook(workbook: str, folder: Path, team: str, cell_limit_s: float) -> NotebookNode:
    """Run a workbook in a folder that holds a team's ``review.json``; what varies from run to run is left out.

    These are the steps of papermill's own ``execute_notebook`` less its copies on disk.

    Raises:
        WorkbookFailedError: A cell raised or took too long, or the notebook's process died.
    """
    from papermill.engines import papermill_engines
    from papermill.execute import raise_for_execution_errors
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    notebook = parameterize_notebook(
        load_notebook_node(workbook), {"source": review.FILE}, kernel_name=KERNEL, engine_name=ENGINE
    )
    try:
        papermill_engines.execute_notebook_with_engine(
            ENGINE,
            notebook,
            KERNEL,
            progress_bar=False,
            execution_timeout=cell_limit_s,
            resources={"metadata": {"path": str(folder)}},
        )
        raise_for_execution_errors(notebook, None)
    except Exception as error:
        raise WorkbookFailedError(_problem(team, Path(workbook).name, error), to_text(settled(notebook))) from error
    return settled(notebook)


def _problem(team: str, workbook: str, error: Exception) -> Problem:
    from papermill.exceptions import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        what = f"cell {error.exec_count} of {workbook} raised {error.ename}: {error.evalue}"
    else:
        what = f"{workbook} stopped: {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return Problem(team, printable(what), f"see {team}/failed.ipynb")


def settled(notebook: NotebookNode) -> NotebookNode:
    """The notebook without times, paths and random ids: the same review gives the same bytes."""
    for key in VOLATILE_METADATA:
        notebook.metadata.pop(key, None)
    for index, cell in enumerate(notebook.cells):
        for key in VOLATILE_METADATA:
            cell.metadata.pop(key, None)
        if {"injected-parameters", "papermill-error-cell-tag"} & set(cell.metadata.get("tags", ())):
            cell["id"] = f"papermill-{index}"
    return notebook


def to_text(notebook: NotebookNode) -> str:
    """A notebook as the text of its file, as ``nbformat.write`` has it."""
    from nbformat.v4 import writes

    return writes(notebook) + "\n"


# --- the page ------------------------------------------------------------------------------------------------------


def to_html(notebook: NotebookNode, made: Review) -> str:
    """The notebook as one page that needs no other file: code hidden, charts drawn within it, each with its table."""
    page = copy(notebook)
    # the page has the team's name for a title
    page.cells = [cell for cell in page.cells if not (cell.cell_type == "markdown" and cell.source.startswith("# "))]
    page.metadata = copy(notebook.metadata)
    page.metadata["meshlab"] = {
        "team": made.team,
        "title": f"{made.team}: {report.title_text(made)}",
        "version": made.meshlab_version,
        "inputs_sha256": made.inputs_sha256,
        "css": page_css(),
        "headings": list(_headings(page)),
    }
    # not the exporter's own ``from_notebook_node``, which copies and checks the notebook twice for nothing here
    return _exporter().template.render(nb=page, resources={"global_content_filter": SHOWN}).lstrip()


SHOWN = {
    f"include_{part}": part not in ("input", "input_prompt", "output_prompt")
    for part in ("code", "markdown", "raw", "unknown", "input", "output", "input_prompt", "output_prompt")
}
"""Parts of a notebook that nbconvert's templates ask about: a page shows no code."""


@cache
def _exporter():  # noqa: ANN202  (nbconvert is imported only by those who render)
    from nbconvert.exporters import TemplateExporter
    from traitlets.config import Config

    priority = [PLOTLY_MIME, "text/html", "image/png", "text/plain"]
    # not HTMLExporter: it runs preprocessors that reports do not need and parses each page again to repair it
    return TemplateExporter(
        config=Config({"NbConvertBase": {"display_data_priority": priority}}),
        default_preprocessors=[],
        template_name="report",
        template_file="index.html.j2",
        extra_template_basedirs=[str(resource("templates"))],
        filters={"chart_svg": chart_svg},
    )


CHART_PX = 760
"""Width at which a report's charts are drawn. [px]"""


def chart_svg(spec: Mapping[str, Any], words: str) -> str:
    """A chart of a notebook's output in a page: in the colours of its light or its dark side."""
    if any(trace["type"] not in KINDS for trace in spec["data"]) or "template" not in spec["layout"]:
        # of another workbook than ours
        return f"<p>{escape(words)}</p>"
    name = f"m{digest([spec])[:10]}"
    drawn = draw(spec, width_px=CHART_PX, name=name, adaptive=True)
    return drawn.replace(">", f' class="chart" role="img" aria-label="{escape(words)}">', 1)


@cache
def page_css() -> str:
    """Style of a whole page. On a dark screen each colour of a chart has another in its place; paper stays light."""
    style = (resource("templates") / "report" / "page.css").read_text(encoding="utf-8")
    return f"{style}@media screen and (prefers-color-scheme: dark) {{ figure {{ {hue_variables(in_dark())} }} }}\n"


def _headings(notebook: NotebookNode) -> Iterator[dict[str, str]]:
    """Second-level headings with the anchors that nbconvert gives them."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for text in re.findall(r"(?m)^## (.+)$", cell.source):
                yield {"text": text, "anchor": text.strip().replace(" ", "-")}


# --- the page on paper: printed by the Chromium that is installed, from the file system, with the network off --------


BROWSER_LIMIT_S = 60
"""Longest time that the browser may take for one step. [s]"""

NO_PROXY_THERE = "http://127.0.0.1:9"
"""Nothing listens on the discard port: whatever the browser wants of the network, it does not get."""

PAPER_IN = (8.27, 11.69)
"""Width and height of A4. [inch]"""

MARGIN_IN = 0.6
"""Margin on each side. [inch]"""

WIDTH_PX = 980
"""Width for which the page is laid out: what fits beside the margins at `SCALE`. [px]"""

SCALE = (PAPER_IN[0] - 2 * MARGIN_IN) * 96 / WIDTH_PX
"""Share of its size at which the page is printed: the browser counts 96 pixels to the inch."""

FOOTER = (
    '<div style="font: 8px sans-serif; width: 100%; margin: 0 {margin}in; '
    'display: flex; justify-content: space-between">'
    '<span>{title}</span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
)

LOADED = (
    "document.querySelectorAll('details').forEach(part => part.open = true);"
    "location.protocol == 'file:' && document.readyState == 'complete'"
)
"""Unfolds a page, and says whether it is loaded."""

DATES = re.compile(rb"/(?:CreationDate|ModDate) \(D:[^)]*\)")
"""The times that a browser writes into a file."""

NODES = re.compile(rb"\(node(\d{8})\)")
"""Names of headings of tables: numbers that a browser gives out as it comes to them."""


def find_browser() -> Browser:
    """The browser that is installed, not yet started.

    Raises:
        MeshlabError: There is none.
    """
    with from_extra("pdf", "--format pdf"):
        from choreographer import Browser
        from choreographer.browsers.chromium import ChromeNotFoundError

    try:
        return Browser(enable_extensions=False, proxy_server=NO_PROXY_THERE)
    except ChromeNotFoundError as error:
        what, todo = "pdf is printed by Chrome or Chromium, and none was found", "install one or leave pdf out"
        raise MeshlabError(Problem("--format", what, todo)) from error


def print_page(page: str, title: str) -> bytes:
    """A report's page as PDF; the same page gives the same bytes with the same browser."""
    with tempfile.TemporaryDirectory(prefix="meshlab-") as work, ThreadPoolExecutor(1) as executor:
        file = Path(work) / "review.html"
        file.write_text(page, encoding="utf-8")
        # a thread of its own: this one may run an event loop already
        return executor.submit(asyncio.run, _printed(file, title)).result()


async def _printed(file: Path, title: str) -> bytes:
    from choreographer.errors import BrowserClosedError, BrowserFailedError

    try:
        # in all, the start of the browser included
        async with asyncio.timeout(3 * BROWSER_LIMIT_S), find_browser() as browser:
            return await _print(await browser.create_tab(), file.as_uri(), title)
    except (BrowserClosedError, BrowserFailedError, TimeoutError) as error:
        problem = Problem("browser", f"printed nothing: {type(error).__name__}", "try it from a shell, then again")
        raise MeshlabError(problem) from error


async def _print(tab: Tab, url: str, title: str) -> bytes:
    """Lay the page out for paper and print it."""
    size = {"width": WIDTH_PX, "height": 1200, "deviceScaleFactor": 1, "mobile": False}
    await tab.send_command("Emulation.setDeviceMetricsOverride", size)
    await tab.send_command("Emulation.setEmulatedMedia", {"media": "print"})
    await tab.send_command("Page.navigate", {"url": url})
    await _wait_until_loaded(tab)
    answer: Any = await asyncio.wait_for(tab.send_command("Page.printToPDF", _sheet(title)), BROWSER_LIMIT_S)
    if "error" in answer:
        raise MeshlabError(Problem("browser", f"could not print: {answer['error'].get('message')}", "report it"))
    return _settled(base64.b64decode(answer["result"]["data"]))


def _settled(content: bytes) -> bytes:
    """The file without what differs from run to run; nothing moves, as places in a PDF are counted in bytes."""
    numbers: dict[bytes, int] = {}
    undated = DATES.sub(lambda found: b" " * len(found[0]), content)
    return NODES.sub(lambda found: b"(node%08d)" % numbers.setdefault(found[1], len(numbers)), undated)


async def _wait_until_loaded(tab: Tab) -> None:
    async with asyncio.timeout(BROWSER_LIMIT_S):
        while True:
            answer: Any = await tab.send_command("Runtime.evaluate", {"expression": LOADED, "returnByValue": True})
            if answer["result"]["result"].get("value") is True:
                return
            await asyncio.sleep(0.05)


def _sheet(title: str) -> dict[str, Any]:
    """Options of the browser's command to print."""
    return {
        "paperWidth": PAPER_IN[0],
        "paperHeight": PAPER_IN[1],
        **{f"margin{side}": MARGIN_IN for side in ("Top", "Bottom", "Left", "Right")},
        "scale": SCALE,
        "printBackground": True,
        "generateTaggedPDF": True,
        "generateDocumentOutline": True,
        "displayHeaderFooter": True,
        "headerTemplate": "<span></span>",
        "footerTemplate": FOOTER.format(margin=MARGIN_IN, title=escape(title)),
    }
