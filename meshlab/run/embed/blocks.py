"""Where the blocks of a document lie, and what each asks for: ``chart=memory team=payments``, checked word by word.

A block lies between two comments. CommonMark's own parser says what is code: so a marker in a fence, in indented code
or in ``<pre>`` is text about meshlab, and one that stands between paragraphs, in a list or in a quotation is a marker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.reviews.cases import example_teams
from meshlab.show.charts.catalogue import CATALOGUE, TEAM
from meshlab.show.theme import LOOKS

LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")
"""Lines as Markdown counts them, each with its ending; Python would split at more characters."""

_MARKER = re.compile(
    r"(?P<prefix>[ \t]*(?:>[ \t]*)*)"
    r"(?:<!--[ \t]*(?P<html>/?meshlab(?=[ \t]|-->).*?)-->"
    r"|\{/\*[ \t]*(?P<mdx>/?meshlab(?=[ \t]|\*/).*?)\*/\})"
    r"[ \t]*[\r\n]*"
)
"""A line that begins or ends a block: a comment of HTML, or of MDX, where there are no others."""

_RAW = re.compile(r"\s*<(?:pre|script|style|textarea|!--|\?|![A-Za-z]|!\[CDATA\[)", re.IGNORECASE)
"""How HTML begins in which nothing is Markdown, up to its end."""

_FRONT_MATTER = re.compile(r"(?:---|\+\+\+)[ \t]*(?:\r\n|\r|\n)")

CLOSING = {"html": "<!-- /meshlab -->", "mdx": "{/* /meshlab */}"}
"""How a block ends, by the kind of its comment."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a document.

    Args:
        line: Line of its opening comment, counted from 1.
        first: Place of the first line of its content among the lines of the document.
        end: Place of its closing comment.
        prefix: What stands before each of its lines: the indent of a list, the marks of a quotation.
        words: What it asks for, as the document has it.
    """

    line: int
    first: int
    end: int
    prefix: str
    words: str


@dataclass(frozen=True, slots=True)
class _Marker:
    place: int
    prefix: str
    kind: str
    words: str
    closes: bool


def split(text: str) -> list[str]:
    """Lines of a document, each with its ending; joined they are the document again."""
    return LINES.findall(text)


def find_blocks(lines: Sequence[str], file: str) -> tuple[list[Block], list[Problem]]:
    """Blocks of a document, and what is wrong with where they begin and end."""
    blocks: list[Block] = []
    problems: list[Problem] = []
    opened: _Marker | None = None
    for marker in _markers(lines):
        line = marker.place + 1
        if marker.closes and opened is None:
            problems.append(Problem(file, "a block ends that did not begin", "remove the comment", line))
        elif marker.closes and opened is not None:
            blocks.append(Block(opened.place + 1, opened.place + 1, marker.place, opened.prefix, opened.words))
            opened = None
        elif opened is not None:
            what = f"a block begins within that of line {opened.place + 1}"
            problems.append(Problem(file, what, f"end that one first, with {CLOSING[opened.kind]}", line))
            opened = marker
        else:
            opened = marker
    if opened is not None:
        what = f"block {shorten(opened.words)} does not end"
        problems.append(Problem(file, what, f"add a line {CLOSING[opened.kind]}", opened.place + 1))
    return blocks, problems


def _markers(lines: Sequence[str]) -> Iterator[_Marker]:
    found = [(place, match) for place, line in enumerate(lines) if (match := _MARKER.fullmatch(line))]
    quoted = _quoted(lines) if found else ()
    for place, match in found:
        if place not in quoted:
            kind = "html" if match["html"] is not None else "mdx"
            closes, words = match[kind].startswith("/"), match[kind].removeprefix("/").removeprefix("meshlab").strip()
            yield _Marker(place, match["prefix"], kind, words, closes)


def _quoted(lines: Sequence[str]) -> set[int]:
    """Places of lines that are code, or raw HTML, or the document's front matter."""
    front = _front_matter(lines)
    body = "".join(["\n"] * front + [line.rstrip("\r\n") + "\n" for line in lines[front:]])
    quoted = set(range(front))
    for token in _parser().parse(body):
        raw = token.type == "html_block" and _RAW.match(token.content)
        code = token.type in ("fence", "code_block") or (
            raw and not _MARKER.fullmatch(token.content.partition("\n")[0])
        )
        if token.map and code:
            quoted |= set(range(*token.map))
    return quoted


def _front_matter(lines: Sequence[str]) -> int:
    """Number of lines of the document's front matter."""
    if not lines or not _FRONT_MATTER.fullmatch(lines[0].removeprefix("\ufeff")):
        return 0
    fence = lines[0].removeprefix("\ufeff").strip()
    return next((place + 1 for place, line in enumerate(lines) if place and line.strip() == fence), 0)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


# --- what a block asks for -------------------------------------------------------------------------------------------


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
    """What a block asks for: a key of ``KINDS``, which one, and what it says beside."""

    kind: str
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])


def read_request(words: str, file: str, line: int) -> Request:
    """The request of a block."""
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
            fault = "lacks its name" if value is None else "takes no name"
            yield f"{name!r} {fault}", f"write {name}{'=…' * (name in NAMED)}"
        elif known and name not in KINDS and name not in known:
            yield f"unknown word {shorten(name)}", did_you_mean(name, known)
        elif known and name not in KINDS and not value:
            yield f"{name!r} has no value", f"write {name}=…"


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
    entry = CATALOGUE.get(chart or table or "")
    of_team = "verdict" in given or "assumptions" in given or (entry is not None and entry.needs == TEAM)
    if of_team and not given.get("team"):
        yield "the block names no team", "write team=… with a name, or a path relative to the document"


# --- the files that it means -----------------------------------------------------------------------------------------


def project_of(document: Path) -> Path:
    """The folder that a document's paths may not leave: its repository, or else the folder that it lies in."""
    folder = document.resolve().parent
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def file_of(document: Path, path: str, line: int) -> Path:
    """A file that a document names relative to itself.

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
    """The file of a team that a document names, or gives by a path relative to itself.

    Names are those of example teams, and of files or reports in the folder of ``teams``.
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
