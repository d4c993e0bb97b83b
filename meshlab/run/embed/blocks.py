"""Blocks of a document: where they lie, what each asks for (``chart=memory team=payments``), and what stands in it.

A block lies between two comments. CommonMark's own parser says what is code: so a marker in a fence, in indented code
or in ``<pre>`` is text about meshlab, and one that stands between paragraphs, in a list or in a quotation is a marker.

What stands in a block is Markdown that every common reader of it understands, and no HTML: a picture, its caption, its
figures as a small table, and its sources as links. From a figure to its source it is one step to the line of sources
and one to the page.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from markdown_it import MarkdownIt

from meshlab import __version__
from meshlab.documents import is_list, is_mapping, read_text
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.files import digest, read_most
from meshlab.reviews.cases import example_teams
from meshlab.reviews.record import Review, Row
from meshlab.reviews.review import HEADLINES
from meshlab.show import first_page, report
from meshlab.show.charts import Chart, Look, chart
from meshlab.show.charts.catalogue import CATALOGUE, TEAM
from meshlab.show.charts.files import DOCUMENT
from meshlab.show.export import WIDTH_PX
from meshlab.show.export.chart import cell, is_web, markdown_table
from meshlab.show.export.images import about_png, about_svg
from meshlab.show.theme import LOOKS, figure_text, interval_text
from meshlab.units import significant

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


class Block(msgspec.Struct, frozen=True):
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


class _Marker(msgspec.Struct, frozen=True):
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


class Request(msgspec.Struct, frozen=True):
    """What a block asks for: a key of ``KINDS``, which one, and what it says beside."""

    kind: str
    name: str = ""
    options: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])


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
        todo = did_you_mean(team, known)
        if teams is None:
            todo += f"{'' if todo.endswith('?') else ';'} --teams DIR names the folder of the team files"
        raise MeshlabError(Problem(str(document), what, todo, line))
    return known[team]


def _named(teams: Path | None) -> Iterator[tuple[str, Path]]:
    for file in sorted(teams.iterdir()) if teams else ():
        if file.suffix in (".yaml", ".yml"):
            yield file.stem, file
        elif (file / "review.json").is_file():
            yield file.name, file / "review.json"


# --- what stands in it -----------------------------------------------------------------------------------------------


MOST_ROWS = 16
"""Rows of a table that stands under a picture."""

SHORT_HASH = 12
"""Characters of the hash of the inputs, enough to tell blocks apart; the picture holds all of it."""

LEFT_OUT = ("when", "because")
"""Columns of prose, which a picture's small table does without."""


class Content(msgspec.Struct, frozen=True):
    """What a block is filled with: lines of Markdown, and the chart and file of the picture in it."""

    lines: tuple[str, ...]
    picture: Chart | None = None
    file: str = ""


def content(request: Request, review: Review | None, data: Path | None, folder: str) -> Content:
    """The content of a block."""
    if request.kind == "chart":
        return _chart(request, review, folder)
    if request.kind == "verdict" and review is not None:
        return Content(_joined(_verdict(review), _of_review(review, _behind(review))))
    if request.kind == "assumptions" and review is not None:
        return Content(_joined(_assumptions(review), _of_review(review, ())))
    if request.name == DATA and data is not None:
        rows = data_rows(data, request.options.get("columns"), request.options.get("rows"))
        note = f"From `{data.name}`, sha256 `{digest(rows)}` of the rows."
        return Content(_joined(markdown_table(rows), note))
    drawn = chart(request.name, review, DOCUMENT)
    return Content(_joined(markdown_table(drawn.rows), _about(drawn)))


def _joined(*parts: str) -> tuple[str, ...]:
    """Parts with an empty line between them, as lines."""
    return tuple("\n\n".join(part.strip("\n") for part in parts if part).split("\n"))


# --- charts --------------------------------------------------------------------------------------------------------


def _chart(request: Request, review: Review | None, folder: str) -> Content:
    options = request.options
    look = Look(options.get("theme", "light"), int(options.get("width", WIDTH_PX)))
    drawn = chart(request.name, review, look)
    file = picture_name(drawn, look, options.get("form", "svg"))
    image = f"![{cell(f'{drawn.title}. {drawn.subject}.')}]({quote(folder)}/{quote(file)})"
    caption = f"*{cell(drawn.title)}. {cell(drawn.subject)}.*"
    shown, note = _small(drawn) if options.get("figures") != "no" else ("", "")
    return Content(_joined(image, caption, shown, note, _about(drawn)), drawn, file)


def _small(drawn: Chart) -> tuple[str, str]:
    """The figures as a small table, and what it leaves out."""
    rows = [row for row in drawn.rows if not row.get("state", "").endswith("not matched")]
    shown = [{name: text for name, text in row.items() if name not in LEFT_OUT} for row in rows[:MOST_ROWS]]
    more = len(drawn.rows) - len(shown)
    note = f"{more} more rows: `table={drawn.name}` shows all." if more else ""
    return markdown_table(shown), note


def _about(drawn: Chart) -> str:
    facts = f"Facts: {cell(drawn.facts)}." if drawn.facts else ""
    return f"{facts}\n\n{_stamp(drawn.inputs_sha256, drawn.sources, __version__)}".strip()


def _of_review(review: Review, sources: Sequence[Row]) -> str:
    return _stamp(review.inputs_sha256, sources, review.meshlab_version)


def _stamp(inputs_sha256: str, sources: Sequence[Mapping[str, Any]], version: str) -> str:
    """One line: sources as links, and when, from what and by what the block was made."""
    made = f"Inputs `{inputs_sha256[:SHORT_HASH]}`, meshlab {version}."
    if not sources:
        return made
    read = max(row["retrieved"] for row in sources)
    return f"Sources, read up to {read}: {', '.join(map(_source, sources))}. {made}"


def _source(row: Mapping[str, Any]) -> str:
    if not is_web(row["url"]):
        return f"{cell(row['source_id'])} ({cell(row['title'])})"
    return f"[{cell(row['source_id'])}]({quote(row['url'], safe=':/?#@!$&+,;=%~*')})"


# --- verdict and assumptions ---------------------------------------------------------------------------------------


def _verdict(review: Review) -> str:
    """The answer, the numbers that matter, and why."""
    verdict = review.verdict
    lines = [f"**{cell(verdict.sentence)}**", ""]
    lines += [f"- {cell(reason)}" for reason in verdict.reasons]
    option = first_page.chosen(review)
    figures = [
        {
            "over no mesh": label,
            "median": f"{figure_text(found['median'])} {unit}",
            "10–90 %": interval_text(found["lo"], found["hi"]),
        }
        for name, label, unit, *_ in first_page.FIGURES
        if option and name not in ("nodes", "total_usd") and (found := option["criteria"][name])["median"] is not None
    ]
    unknown = ", ".join(map(report.input_label, verdict.unknown))
    tail = f"Not known, and could change it: {cell(unknown)}." if unknown else ""
    return "\n\n".join(part for part in ("\n".join(lines), markdown_table(figures).strip("\n"), tail) if part)


def _behind(review: Review) -> list[Row]:
    """Sources of the figures that the verdict gives, and of the rows that led to it."""
    verdict = review.verdict
    shown = {f"preference {name}" for name in verdict.matched}
    dataplane, figures = str(review.headline.dataplane), set(HEADLINES)
    return [
        row
        for row in review.sources
        if shown.intersection(row["supports"]) or figures.intersection(row["figures"].get(dataplane, ()))
    ]


def _assumptions(review: Review) -> str:
    rows = [
        {"input": report.input_label(row.input), "value": report.value_text(row.value), "why": row.why or ""}
        for row in review.assumptions
    ]
    return markdown_table(rows) or "Nothing is assumed."


def headline_words(request: Request) -> str:
    """What a block asks for, in a message."""
    named = f"{request.kind}={request.name}" if request.name else request.kind
    team = request.options.get("team")
    return re.sub(r"\s+", " ", f"{named} team={team}" if team else named)


# --- tables of a file of results -------------------------------------------------------------------------------------


SHAPE = "give rows=… with the place of a list of objects, such as rows=benchmarks"


def data_rows(file: Path, columns: str | None = None, rows: str | None = None) -> list[dict[str, str]]:
    """Rows of a .csv or .json file as text.

    Columns are divided by commas, all unless given: a name, or ``name:heading``; in JSON a place such as
    ``stats.median``. ``rows`` says where in a JSON file the rows lie, such as ``benchmarks``.
    """
    found = _csv_rows(file) if file.suffix == ".csv" else _json_rows(file, rows)
    if not found:
        raise MeshlabError(Problem(str(file), "holds no rows", "write it again"))
    wanted = _columns(columns) if columns else {name: name for name in found[0]}
    for name in wanted:
        if all(_at(row, name) is None for row in found):
            raise MeshlabError(Problem(str(file), f"has no column {shorten(name)}", did_you_mean(name, found[0])))
    return [{heading: _text(_at(row, name)) for name, heading in wanted.items()} for row in found]


def _columns(columns: str) -> dict[str, str]:
    """Headings by name, in their order."""
    pairs = (part.partition(":") for part in columns.split(",") if part.strip())
    return {name.strip(): heading.strip() or name.strip() for name, _, heading in pairs}


def _csv_rows(file: Path) -> Sequence[Mapping[str, Any]]:
    try:
        found = list(csv.DictReader(io.StringIO(read_text(file), newline="")))
    except csv.Error as error:
        raise MeshlabError(Problem(str(file), f"is no CSV: {error}", "write it again")) from error
    if any(None in row for row in found):
        raise MeshlabError(Problem(str(file), "has a row of more cells than its head", "quote cells that hold commas"))
    return found


def _json_rows(file: Path, place: str | None) -> Sequence[Mapping[str, Any]]:
    try:
        found = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise MeshlabError(Problem(str(file), "is neither CSV nor JSON", "name a .csv or a .json file")) from error
    rows = _at(found, place) if place else found
    if is_mapping(rows) and rows and all(map(is_mapping, rows.values())):
        rows = [{"name": name, **row} for name, row in rows.items()]
    if not is_list(rows) or not all(map(is_mapping, rows)):
        raise MeshlabError(Problem(str(file), f"holds no rows{f' at {shorten(place)}' if place else ''}", SHAPE))
    return rows


def _at(value: Any, place: str) -> Any:
    """What lies at a place such as ``stats.median``; None where there is nothing."""
    if is_mapping(value) and place in value:
        return value[place]
    for part in place.split("."):
        value = value.get(part) if is_mapping(value) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and math.isfinite(value):
        return significant(value, 3)
    return f"{value:,}" if isinstance(value, int) else str(value)


# --- pictures beside a document --------------------------------------------------------------------------------------


_LOOKS = re.compile(rf"(?:-(?:{'|'.join(LOOKS)}))?(?:-\d+)?\.(?:svg|png)")
"""How the name of a picture goes on behind team and chart."""

MAXIMUM_PICTURE_BYTES = 64 * 2**20
"""How much of a picture is read for what it says of itself. [byte]"""


def pictures_of(file: Path) -> Path:
    """The folder of a document's pictures, beside it."""
    return file.with_name(f"{file.name}.assets")


def picture_name(drawn: Chart, look: Look, form: str) -> str:
    """The file of a picture: team and chart, and where they are not the usual ones, theme and width."""
    theme = "" if look.theme == DOCUMENT.theme else look.theme
    width = "" if look.width == DOCUMENT.width else str(look.width)
    return f"{_stem(drawn.team, drawn.name)}{''.join(f'-{word}' for word in (theme, width) if word)}.{form}"


def _stem(team: str, chart: str) -> str:
    return "-".join(filter(None, (team, chart)))


def shown_by(file: Path) -> str | None:
    """Hash of the drawing that a picture holds, as it says itself."""
    return (_said_by(file) or {}).get("drawing_sha256")


def left_over(folder: Path, wanted: Collection[Path]) -> Iterator[Path]:
    """Pictures that were drawn for a block and that no block shows, by their name and what they say of themselves."""
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file not in wanted and not file.is_symlink() and (about := _said_by(file)):
            stem = _stem(str(about.get("team")), str(about.get("chart")))
            if file.name.startswith(stem) and _LOOKS.fullmatch(file.name, len(stem)):
                yield file


def _said_by(file: Path) -> dict[str, Any] | None:
    """What a picture of ours says of itself; None of any other file."""
    if file.suffix not in (".svg", ".png") or not file.is_file():
        return None
    read = read_most(file, MAXIMUM_PICTURE_BYTES)
    return about_png(read) if file.suffix == ".png" else about_svg(read.decode(errors="replace"))
