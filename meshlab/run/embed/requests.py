"""What a block asks for, ``chart=memory team=payments``, checked word by word, and the files that it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.reviews.cases import example_teams
from meshlab.show.charts.catalogue import CATALOGUE, TEAM
from meshlab.show.theme import LOOKS

_WORD = re.compile(r"""\s*(?:([A-Za-z_-]+)(?:=("[^"]*"|'[^']*'|[^\s"']+))?(?=\s|$)|(\S+))""")

KINDS: dict[str, tuple[str, ...]] = {
    "chart": ("team", "theme", "width", "form", "figures"),
    "table": ("team", "file", "rows", "columns"),
    "verdict": ("team",),
    "assumptions": ("team",),
}
"""What a block may ask for, and what it may say beside."""

NAMED = ("chart", "table")
"""Kinds that name what they show."""

DATA = "data"
"""The table that is read from a file."""

CHOICES: dict[str, tuple[str, ...]] = {"theme": LOOKS, "form": ("svg", "png"), "figures": ("yes", "no")}
"""Values of what has few."""

WIDTHS_PX = range(400, 2001)
"""Widths of a picture. [px]"""


@dataclass(frozen=True, slots=True)
class Request:
    """What a block asks for.

    Args:
        kind: A key of `KINDS`.
        name: Which one, where there are several.
        options: What it says beside.
    """

    kind: str
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def read_request(words: str, file: str, line: int) -> Request:
    """The request of a block.

    Args:
        words: What stands in its comment.
        file: The document.
        line: Line of the comment.

    Raises:
        MeshlabError: All problems of the words.
    """
    given = list(_words(words))
    faults = [*_shape_faults(given), *_value_faults(dict(given))]
    if faults:
        raise MeshlabError(Problem(file, what, todo, line) for what, todo in faults)
    options = {name: value or "" for name, value in given}
    kind = next(name for name in options if name in KINDS)
    return Request(kind, options.pop(kind), options)


def _words(words: str) -> Iterator[tuple[str, str | None]]:
    for name, value, other in _WORD.findall(words):
        if name or other:
            yield (name, value.strip("\"'") if value else None) if name else (other, None)


def _shape_faults(given: list[tuple[str, str | None]]) -> Iterator[tuple[str, str]]:
    """Whether the block asks for one thing, and says of it only what can be said."""
    names = [name for name, _ in given]
    kinds = [name for name in names if name in KINDS]
    known = kinds and KINDS[kinds[0]]
    if len(kinds) != 1:
        what = "asks for nothing that is known" if not kinds else f"asks for {' and '.join(kinds)}"
        yield f"the block {what}", "ask for one of chart=…, table=…, verdict, assumptions"
    for name, value in given:
        if names.count(name) > 1 and name not in kinds:
            yield f"{name!r} stands twice", "keep one of them"
        elif name in KINDS and (value is None) == (name in NAMED):
            yield f"{name!r} {'lacks its name' if value is None else 'takes no name'}", f"write {_shape(name)}"
        elif known and name not in KINDS and name not in known:
            yield f"unknown word {shorten(name)}", did_you_mean(name, known)
        elif known and name not in KINDS and not value:
            yield f"{name!r} has no value", f"write {name}=…"


def _shape(name: str) -> str:
    return f"{name}=…" if name in NAMED else name


def _value_faults(given: dict[str, str | None]) -> Iterator[tuple[str, str]]:
    chart, table = given.get("chart"), given.get("table")
    if chart and chart not in CATALOGUE:
        yield f"unknown chart {shorten(chart)}", did_you_mean(chart, CATALOGUE)
    if table and table != DATA and table not in CATALOGUE:
        yield f"unknown table {shorten(table)}", did_you_mean(table, [DATA, *CATALOGUE])
    if table == DATA and not given.get("file"):
        yield "a table of data lacks its file", "write file=… with a path relative to the document"
    for name, known in CHOICES.items():
        if (value := given.get(name)) and value not in known:
            yield f"{name} is {shorten(value)}", did_you_mean(value, known)
    width = given.get("width")
    if width and not (width.isascii() and width.isdigit() and int(width) in WIDTHS_PX):
        yield f"width is {shorten(width)}", f"give pixels from {WIDTHS_PX.start} to {WIDTHS_PX.stop - 1}"
    if _needs_team(given) and not given.get("team"):
        yield "the block names no team", "write team=… with a name, or a path relative to the document"


def _needs_team(given: Mapping[str, str | None]) -> bool:
    if "verdict" in given or "assumptions" in given:
        return True
    entry = CATALOGUE.get(given.get("chart") or given.get("table") or "")
    return entry is not None and entry.needs == TEAM


# --- the files that it means -----------------------------------------------------------------------------------------


def project_of(document: Path) -> Path:
    """The folder that a document's paths may not leave: its repository, or else the folder that it lies in."""
    folder = document.resolve().parent
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def file_of(document: Path, path: str, line: int) -> Path:
    """A file that a document names.

    Args:
        document: The document.
        path: Relative to it.
        line: Line of the block.

    Raises:
        MeshlabError: There is no such file, or it lies outside of the document's project.
    """
    file = document.parent / path
    try:
        inside = file.resolve().is_relative_to(project_of(document))
        exists = inside and file.exists()
    except (OSError, ValueError):  # a name too long for the file system, or with a zero byte
        inside, exists = True, False
    if not inside:
        what, todo = f"{shorten(path)} lies outside of the document's project", "name a file within it"
        raise MeshlabError(Problem(str(document), what, todo, line))
    if not exists:
        names = _names(file.parent)
        todo = did_you_mean(file.name, names) if names else "give a path relative to the document"
        raise MeshlabError(Problem(str(document), f"there is no file {shorten(path)}", todo, line))
    return file


def _names(folder: Path) -> list[str]:
    try:
        return sorted(file.name for file in folder.iterdir())
    except (OSError, ValueError):
        return []


def team_of(document: Path, team: str, line: int, teams: Path | None = None) -> Path:
    """The file of a team that a document names.

    Args:
        document: The document.
        team: A name, or a path relative to the document.
        line: Line of the block.
        teams: A folder of team files, or of reports, whose names are known beside those of the example teams.

    Raises:
        MeshlabError: There is no such team.
    """
    if "/" in team or "\\" in team or Path(team).suffix in (".yaml", ".yml", ".json"):
        return file_of(document, team, line)
    known = {file.stem: file for file in sorted(example_teams().glob("*.yaml"))} | dict(_named(teams))
    if team not in known:
        what = f"unknown team {shorten(team)}"
        raise MeshlabError(Problem(str(document), what, did_you_mean(team, known), line))
    return known[team]


def _named(teams: Path | None) -> Iterator[tuple[str, Path]]:
    for file in sorted(teams.iterdir()) if teams else ():
        if file.suffix in (".yaml", ".yml"):
            yield file.stem, file
        elif (file / "review.json").is_file():
            yield file.name, file / "review.json"
