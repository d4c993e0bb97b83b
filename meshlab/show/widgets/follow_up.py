"""What follows once a scenario is saved: its report, its decision record, a chart for a design doc, a measurement."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets

from meshlab.errors import MeshlabError, Problem
from meshlab.files import write_whole
from meshlab.show.charts.catalogue import CATALOGUE, TEAM
from meshlab.show.widgets.latest import Latest

LIMIT_S = 300
"""Longest time that a command may take. [s]"""

TYPES = {".html": "text/html", ".md": "text/markdown", ".csv": "text/csv", ".yaml": "text/yaml"}

WIDE = {"width": "auto", "flex": "1 1 120px", "min_width": "100px"}
"""Layout of what stands beside other things in a row that may break."""


class Files(anywidget.AnyWidget):
    """Links to files that the page holds itself, so that they can be had wherever the page is served from."""

    _esm = Path(__file__).with_name("files.js")
    files = traitlets.List[dict[str, str]]().tag(sync=True)
    """Each with ``label``, ``name``, ``type`` and ``text``; pages are opened, what has no name is copied, the rest is
    downloaded."""

    def show(self, label: str, path: Path) -> None:
        """Link to a file as it is now, in place of what had this label."""
        file = {"name": path.name, "type": TYPES.get(path.suffix, "text/plain"), "text": path.read_text("utf-8")}
        self._put({"label": label, **file})

    def copy(self, label: str, text: str) -> None:
        """A button that copies a text, in place of what had this label."""
        self._put({"label": label, "name": "", "type": "", "text": text})

    def _put(self, file: dict[str, str]) -> None:
        self.files = [*(each for each in self.files if each["label"] != file["label"]), file]


class FollowUp(widgets.VBox):
    """Buttons for what follows; each does what a command of meshlab does, beside the team file that was saved."""

    def __init__(self) -> None:
        self.path = Path()
        self.files, self.message = Files(), widgets.HTML()
        self.report = _button("Render the report", "What meshlab review does")
        self.plan = _button("Plan the measurement", "What meshlab plan-measurement does")
        names = [name for name, entry in CATALOGUE.items() if entry.needs == TEAM]
        self.chart = widgets.Dropdown(options=names, value="cost", layout=WIDE, tooltip="Chart for a document")
        self.document = widgets.Text("design.md", layout=WIDE, tooltip="Markdown document, made where there is none")
        self.add = _button("Add the chart", "Put a block with the chart into the document, and fill it")
        self.report.on_click(lambda _button: self._run("report"))
        self.plan.on_click(lambda _button: self._run("measurement"))
        self.add.on_click(lambda _button: self._add())
        self.chart.observe(lambda _change: self._copy(), "value")
        self.running = Latest(self._command, self._done, self._refuse)
        rows = ([self.report, self.plan], [self.chart, self.document, self.add])
        lines = [widgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows]
        super().__init__([*lines, self.message, self.files], layout={"display": "none"})

    def offer(self, path: Path) -> None:
        """Offer what follows for a team file."""
        self.path, self.files.files = path.resolve(), []
        self.message.value = ""
        self.files.show("Download the team file", self.path)
        self._copy()
        self.layout.display = ""

    @property
    def block(self) -> str:
        """The block of the chosen chart, as ``meshlab embed`` fills it."""
        return f"<!-- meshlab chart={self.chart.value} team={self.path.name} -->\n<!-- /meshlab -->\n"

    def _copy(self) -> None:
        self.files.copy("Copy the block of the chart", self.block)

    def _add(self) -> None:
        name = self.document.value.strip()
        document = self.path.parent / name
        if Path(name).name != name or document.suffix != ".md":
            self._refuse(MeshlabError(Problem(name or "document", "names no Markdown document", "such as design.md")))
            return
        before = document.read_text("utf-8") if document.exists() else f"# {self.path.stem}\n"
        if self.block.splitlines()[0] not in before:
            write_whole(document, f"{before.rstrip()}\n\n{self.block}")
        self._run("chart", name)

    def _run(self, what: str, document: str = "") -> None:
        self._tell(f"Working on the {what} …")
        self.running.ask((what, document))

    def _command(self, asked: tuple[str, str]) -> tuple[str, dict[str, Path]]:
        what, document = asked
        folder, team = self.path.parent, self.path.stem
        words, files = {
            "report": (
                ["review", self.path.name, "--out", "reports", "--format", "html,json,adr"],
                {
                    "Open the report": folder / "reports" / team / "review.html",
                    "Download the decision record": folder / "reports" / team / "review.adr.md",
                },
            ),
            "measurement": (
                ["plan-measurement", self.path.name, "--out", f"{team}-measurement"],
                {
                    "Download the plan of the measurement": folder / f"{team}-measurement" / "measurement.md",
                },
            ),
            "chart": (["embed", document], {f"Download {document}": folder / document}),
        }[what]
        run(words, folder)
        return f"The {what} is ready, in {next(iter(files.values())).parent}.", files

    def _done(self, answer: tuple[str, dict[str, Path]]) -> None:
        told, files = answer
        for label, path in files.items():
            self.files.show(label, path)
        self._tell(told)

    def _refuse(self, error: MeshlabError) -> None:
        self._tell("; ".join(map(str, error.problems)), "alert")

    def _tell(self, text: str, role: str = "status") -> None:
        self.message.value = f'<div role="{role}" class="meshlab-follow-up">{escape(text)}</div>'


def run(words: Sequence[str], folder: Path) -> None:
    """Run a command of meshlab in a folder.

    Raises:
        MeshlabError: What it says where it fails.
    """
    # -P: a module that lies among the user's files is not taken for one of ours
    command = [sys.executable, "-P", "-m", "meshlab", *words]
    try:
        done = subprocess.run(  # noqa: S603  (our words, and the name of a file of the user's)
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired as error:
        raise MeshlabError(Problem(words[0], f"took longer than {LIMIT_S} s", "run it in a terminal")) from error
    if done.returncode:
        told = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise MeshlabError(Problem(f"meshlab {words[0]}", told[-1].removeprefix("meshlab: error: ")))


def _button(words: str, tooltip: str) -> widgets.Button:
    return widgets.Button(description=words, tooltip=tooltip, layout=WIDE)
