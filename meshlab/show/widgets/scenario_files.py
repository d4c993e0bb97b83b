"""Scenarios from files and to files: example teams, team files and dumps by path or upload, and saving.

What follows once a scenario is saved: its report, its decision record, a chart for a design doc, a measurement.
"""

from __future__ import annotations

import html
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import anywidget
import ipywidgets as widgets
import traitlets
from msgspec.structs import replace

from meshlab.documents import read_text
from meshlab.errors import MeshlabError, Problem
from meshlab.files import write_whole
from meshlab.reviews.cases import NO_CLUSTER, Case, Cluster, example_teams, open_case, open_path, with_values
from meshlab.reviews.team import Assumption, Team, team_text
from meshlab.show.charts.catalogue import CATALOGUE, TEAM
from meshlab.show.widgets.controls import button, problem_text
from meshlab.show.widgets.live import Debounced, listening

NO_EXAMPLE = "Choose an example team"
"""First entry of the list of examples."""

HALF = {"flex": "1 1 120px", "width": "auto", "min_width": "100px"}
"""Layout of what stands beside other things in a row."""

BUTTON = {"width": "72px", "flex": "0 0 auto"}

UNNAMED = "this scenario"
"""Name of a team that has none yet."""

FOLDER = "MESHLAB_FOLDER"
"""Environment variable that names the folder of a user's files, where it is not the current one."""

LIMIT_S = 300
"""Longest time that a command may take. [s]"""

TYPES = {".html": "text/html", ".md": "text/markdown", ".csv": "text/csv", ".yaml": "text/yaml"}

UPLOAD = {**BUTTON, "width": "96px"}
"""Layout of the button that counts files behind its word."""


class Holder(Protocol):
    """What holds a scenario: a panel."""

    scenario: Any
    """A dictionary, held by a trait whose type is its own."""

    assumed: dict[str, tuple[object, str]]
    """Values that are supposed rather than known, as long as they stand, and why."""

    def set(self, values: Mapping[str, object]) -> None:
        """Give exactly these values."""


class ScenarioFiles(widgets.VBox):
    """Loads a team or a dump into a panel, and saves its scenario as a team file.

    Args:
        holder: The panel.
        saves: Whether what it holds can be saved.
    """

    def __init__(self, holder: Holder, *, saves: bool = True) -> None:
        self.holder = holder
        self.case: Case | None = None
        self.saved: set[Path] = set()
        self.message = widgets.HTML()
        self.example = widgets.Dropdown(
            options=[NO_EXAMPLE, *_examples()], tooltip=NO_EXAMPLE, layout={"width": "auto"}
        )
        self.path = widgets.Text(placeholder="Team file or dump", layout=HALF)
        self.load_button = button("Load", "Read the file at this path", self._load, BUTTON)
        self.upload = widgets.FileUpload(
            description="Upload", icon="", tooltip="Read a file of your computer", layout=UPLOAD
        )
        self.name = widgets.Text(placeholder="Name of the team", layout=HALF)
        self.save_button = button("Save", "Write a team file that `meshlab review` accepts", self.save, BUTTON)
        self.follow_up = FollowUp()
        self.loading = Debounced(_read, self._take, self._refuse)
        self.example.observe(self._chosen, "value")
        self.path.on_msg(self._entered)
        self.upload.observe(self._uploaded, "value")
        super().__init__(
            [
                self.example,
                widgets.HBox([self.path, self.load_button, self.upload]),
                *([widgets.HBox([self.name, self.save_button])] if saves else []),
                self.message,
                self.follow_up,
            ],
            layout={"padding": "6px"},
        )

    def _chosen(self, change: Mapping[str, Any]) -> None:
        if change["new"] != NO_EXAMPLE:
            self.load(example_teams() / f"{change['new']}.yaml")

    def _entered(self, _widget: object, content: Mapping[str, object], _buffers: object) -> None:
        if content.get("event") == "submit":
            self._load()

    def _load(self) -> None:
        if text := self.path.value.strip():
            self.load(working_folder() / os.path.expanduser(text))  # noqa: PTH111  (no error where there is no such user)

    def _uploaded(self, change: Mapping[str, Any]) -> None:
        if change["new"]:
            file = change["new"][0]
            self.loading.ask((Path(file["name"]).name, bytes(file["content"])))
            self.upload.value = ()

    def load(self, path: Path) -> None:
        """Give the panel what a team file or a dump says."""
        self.tell([f"Reading {path.name} …"])
        self.loading.ask(path)

    def _take(self, case: Case) -> None:
        self.case = case
        self.holder.assumed.clear()
        values = {name: item.value for name, item in case.given.items() if item.value is not None}
        self.tell([f"Loaded {case.team.name}: {len(values)} values."])
        self.holder.set(values)

    def _refuse(self, error: MeshlabError) -> None:
        self.tell([f"⚠ {_words(problem)}" for problem in error.problems], role="alert")

    def save(self) -> None:
        """Write the scenario as a team file into the working folder, and say how to render it."""
        try:
            loaded = self.case.team.name if self.case else ""
            path = self._write(self.name.value.strip().removesuffix(".yaml") or loaded)
        except MeshlabError as error:
            self._refuse(error)
        else:
            self.tell([f"Saved {path.resolve()}."])
            self.follow_up.offer(path)

    def team(self, name: str, values: Mapping[str, Any]) -> Team:
        """The team that was loaded, or a new one, with these values."""
        new = Team(name, "", dict(values), source="saved from a workbook of meshlab")
        team = replace(with_values(self.case, values), name=name) if self.case else new
        why = {key: Assumption(*item) for key, item in self.holder.assumed.items() if values.get(key) == item[0]}
        stated = {key: value for key, value in team.stated.items() if key not in why}
        return replace(team, stated=stated, assumptions=team.assumptions | why)

    def case_of(self, values: Mapping[str, Any]) -> Case:
        """The case that a review of these values reads: what it is saved as, with the dump as it was read."""
        case = self.case
        cluster = Cluster(case.facts, case.findings, case.survey) if case else NO_CLUSTER
        return open_case(self.team(case.team.name if case else UNNAMED, values), cluster)

    def _write(self, name: str) -> Path:
        """Write the team file; one that this panel did not save is left alone."""
        path = working_folder() / f"{name}.yaml"
        text = team_text(self.team(name, self.holder.scenario), path.parent)
        if path.exists() and path.resolve() not in self.saved:
            raise MeshlabError(Problem(str(path), "exists already", "choose another name"))
        write_whole(path, text)
        self.saved.add(path.resolve())
        return path

    def tell(self, lines: Sequence[str], role: str = "status") -> None:
        """Show lines of text."""
        rows = "".join(f"<div>{html.escape(line)}</div>" for line in lines)
        self.message.value = f'<div role="{role}" class="meshlab-scenario-files" style="line-height: 1.4">{rows}</div>'


def working_folder() -> Path:
    """Where a user's files lie: where the workbooks were opened, which need not be where they are."""
    return Path(os.environ.get(FOLDER, ""))


def _examples() -> list[str]:
    return [path.stem for path in sorted(example_teams().glob("*.yaml"))]


def _read(source: Path | tuple[str, bytes]) -> Case:
    """The case of a team file or dump, given by path, or by name and content.

    Raises:
        MeshlabError: It is neither, or is wrong.
    """
    if isinstance(source, tuple):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / source[0]
            path.write_bytes(source[1])
            return _alone(_read(path), source[0])
    if not source.exists():
        raise MeshlabError(Problem(source.name, "no such file or folder", "check the path"))
    return open_path(source)


def _alone(case: Case, name: str) -> Case:
    """A case whose files will be gone: what they gave is stated, with the file's name as its source."""
    team = replace(case.team, cluster=None, measured=(), source=case.team.source or f"read from {name}")
    stated = {
        key: item if item.status == "assumed" else replace(item, status="stated") for key, item in case.given.items()
    }
    return replace(case, team=team, given=stated)


def _words(problem: Problem) -> str:
    """A problem with its line; the file is the one that was just chosen."""
    place = f"{Path(problem.file).name}, line {problem.line}: " if problem.line else f"{Path(problem.file).name}: "
    return place + problem_text(problem)


# --- what follows once a scenario is saved --------------------------------------------------------------------------


class Files(anywidget.AnyWidget):
    """Links to files that the page holds itself, so that they can be had wherever the page is served from."""

    _esm = listening("files.js")
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
        self.report = button("Render the report", "What meshlab review does", partial(self._run, "report"), HALF)
        self.plan = button(
            "Plan the measurement", "What meshlab plan-measurement does", partial(self._run, "measurement"), HALF
        )
        names = [name for name, entry in CATALOGUE.items() if entry.needs == TEAM]
        self.chart = widgets.Dropdown(options=names, value="cost", layout=HALF, tooltip="Chart for a document")
        self.document = widgets.Text("design.md", layout=HALF, tooltip="Markdown document, made where there is none")
        self.add = button("Add the chart", "Put a block with the chart into the document, and fill it", self._add, HALF)
        self.chart.observe(lambda _change: self._copy(), "value")
        self.running = Debounced(self._command, self._done, self._refuse)
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
        self._run("chart", name)

    def _run(self, what: str, document: str = "") -> None:
        self._tell(f"Working on the {what} …")
        self.running.ask((what, document))

    def _command(self, asked: tuple[str, str]) -> tuple[str, dict[str, Path]]:
        what, document = asked
        folder, team = self.path.parent, self.path.stem
        if what == "chart":
            path = folder / document
            before = read_text(path) if path.exists() else f"# {team}\n"
            if self.block.splitlines()[0] not in before:
                write_whole(path, f"{before.rstrip()}\n\n{self.block}")
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
            "chart": (["embed", "--", document], {f"Download {document}": folder / document}),
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
        self.message.value = f'<div role="{role}" class="meshlab-follow-up">{html.escape(text)}</div>'


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
