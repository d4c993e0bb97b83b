"""Scenarios from files and to files: example teams, team files and dumps by path or upload, and saving."""

from __future__ import annotations

import html
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import ipywidgets as widgets

from meshlab.errors import MeshlabError, Problem
from meshlab.files import write_whole
from meshlab.reviews.cases import NO_CLUSTER, Case, Cluster, example_teams, open_case, open_path, with_values
from meshlab.reviews.team import Assumption, Team, team_text
from meshlab.show.widgets.follow_up import FollowUp
from meshlab.show.widgets.latest import Latest

NO_EXAMPLE = "Choose an example team"
"""First entry of the list of examples."""

HALF = {"flex": "1 1 120px", "width": "auto", "min_width": "100px"}
"""Layout of an entry beside a button."""

BUTTON = {"width": "72px", "flex": "0 0 auto"}

UNNAMED = "this scenario"
"""Name of a team that has none yet."""

FOLDER = "MESHLAB_FOLDER"
"""Environment variable that names the folder of a user's files, where it is not the current one."""

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


class Shelf(widgets.VBox):
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
        self.load_button = widgets.Button(description="Load", tooltip="Read the file at this path", layout=BUTTON)
        self.upload = widgets.FileUpload(
            description="Upload", icon="", tooltip="Read a file of your computer", layout=UPLOAD
        )
        self.name = widgets.Text(placeholder="Name of the team", layout=HALF)
        self.save_button = widgets.Button(
            description="Save", tooltip="Write a team file that `meshlab review` accepts", layout=BUTTON
        )
        self.follow_up = FollowUp()
        self.loading = Latest(_read, self._take, self._refuse)
        self._connect()
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

    def _connect(self) -> None:
        self.example.observe(self._chosen, "value")
        self.load_button.on_click(lambda _button: self._load(self.path.value.strip()))
        self.path.on_msg(self._entered)
        self.upload.observe(self._uploaded, "value")
        self.save_button.on_click(lambda _button: self.save())

    def _chosen(self, change: Mapping[str, Any]) -> None:
        if change["new"] != NO_EXAMPLE:
            self.load(example_teams() / f"{change['new']}.yaml")

    def _entered(self, _widget: object, content: Mapping[str, object], _buffers: object) -> None:
        if content.get("event") == "submit":
            self._load(self.path.value.strip())

    def _load(self, text: str) -> None:
        if text:
            self.load(working_folder() / Path(text).expanduser())

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
        self.message.value = f'<div role="{role}" class="meshlab-shelf" style="line-height: 1.4">{rows}</div>'


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
    return place + (f"{problem.what}; {problem.todo}" if problem.todo else problem.what)
