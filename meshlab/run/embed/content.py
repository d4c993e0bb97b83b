"""What stands in a block: Markdown that every common reader of it understands, and no HTML.

A picture, its caption, its figures as a small table, and its sources as links: from a figure to its source it is one
step to the line of sources and one to the page.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from meshlab import __version__
from meshlab.documents import is_list, is_mapping, read_text
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.files import digest, read_most
from meshlab.reviews.record import Review, Row
from meshlab.reviews.review import HEADLINES
from meshlab.run.embed.blocks import DATA, Request
from meshlab.show import report
from meshlab.show.charts import Chart, Look, chart
from meshlab.show.charts.files import DOCUMENT
from meshlab.show.export import WIDTH_PX
from meshlab.show.export.chart import cell, is_web, markdown_table
from meshlab.show.export.pictures import about_png, about_svg
from meshlab.show.theme import LOOKS, figure_text, interval_text
from meshlab.units import significant

MOST_ROWS = 16
"""Rows of a table that stands under a picture."""

SHORT_HASH = 12
"""Characters of the hash of the inputs, enough to tell blocks apart; the picture holds all of it."""

LEFT_OUT = ("when", "because")
"""Columns of prose, which a picture's small table does without."""


@dataclass(frozen=True, slots=True)
class Content:
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
    image = f"![{_plain(f'{drawn.title}. {drawn.subject}.')}]({quote(folder)}/{quote(file)})"
    caption = f"*{_plain(drawn.title)}. {_plain(drawn.subject)}.*"
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
    facts = f"Facts: {_plain(drawn.facts)}." if drawn.facts else ""
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
        return f"{_plain(row['source_id'])} ({_plain(row['title'])})"
    return f"[{_plain(row['source_id'])}]({quote(row['url'], safe=':/?#@!$&+,;=%~*')})"


def _plain(text: str) -> str:
    """Other people's text in a line of prose, in MDX too."""
    return cell(text)


# --- verdict and assumptions ---------------------------------------------------------------------------------------


def _verdict(review: Review) -> str:
    """The answer, the numbers that matter, and why."""
    verdict = review.verdict
    lines = [f"**{_plain(verdict.sentence)}**", ""]
    lines += [f"- {_plain(reason)}" for reason in verdict.reasons]
    figures = [
        {
            "over no mesh": item.label,
            "median": f"{figure_text(item.recommended)} {item.unit}",
            "10–90 %": interval_text(item.recommended_lo, item.recommended_hi),
        }
        for item in review.headline.figures
        if item.recommended is not None and item.recommended_lo is not None and item.recommended_hi is not None
    ]
    unknown = ", ".join(map(report.input_label, verdict.unknown))
    tail = f"Not known, and could change it: {_plain(unknown)}." if unknown else ""
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
    found = list(csv.DictReader(io.StringIO(read_text(file)))) if file.suffix == ".csv" else _json_rows(file, rows)
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
