"""A chart in every form that a document takes: SVG, PNG, a piece of HTML, plotly's JSON, and its figures as a table."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.files import pretty_json, spreadsheet_text
from meshlab.show.export.pictures import WIDTH_PX, png_of, svg_of
from meshlab.show.words import plain

if TYPE_CHECKING:
    from meshlab.show.export.chart import Chart

Rows = Sequence[Mapping[str, str]]


def contents(charts: Sequence[Chart], form: str, *, scale: float = 1.0, script: str | None = None) -> list[bytes]:
    """The content of a file for each chart, in one form.

    Args:
        charts: Charts.
        form: One of `FORMS`.
        scale: Pixels of a PNG for each pixel of the figure.
        script: Where a piece of HTML finds plotly.js; within itself unless given.

    Raises:
        MeshlabError: There is no such form, or no typeface for a PNG.
    """
    check_form(form)
    if form == "png":
        return [png_of(chart, scale) for chart in charts]
    return [(html_fragment(chart, script) if form == "html" else WRITTEN[form](chart)).encode() for chart in charts]


def check_form(form: str) -> None:
    """Refuse a form that nobody knows, naming the nearest."""
    if form not in FORMS:
        raise MeshlabError(Problem("--out", f"{form!r} is no form of a chart", did_you_mean(form, FORMS)))


# --- HTML ----------------------------------------------------------------------------------------------------------


def html_fragment(chart: Chart, script: str | None = None) -> str:
    """A figure element with the chart, its caption, its table and its sources.

    Args:
        chart: The chart.
        script: Address of a plotly.js that several pieces share; without one the piece holds it and stands alone.
    """
    name = f"meshlab-{chart.drawing_sha256[:12]}"
    # characters as references: the piece reads the same in a page that does not say how it is encoded
    words = f"""<figcaption>{escape(chart.title)}. {escape(chart.subject)}
<details><summary>Figures and sources</summary>
{_html_table(chart.rows)}
{_html_sources(chart)}
<p>Inputs <code>{chart.inputs_sha256}</code>, sources as of {escape(chart.facts_date)},
meshlab {escape(chart.about["meshlab_version"])}</p>
</details></figcaption>""".encode("ascii", "xmlcharrefreplace").decode()
    label = escape(chart.alt_text).encode("ascii", "xmlcharrefreplace").decode()
    return f"""<figure class="meshlab" id="{name}" style="margin:0;overflow-x:auto">
{_plotly(script)}
<div role="img" aria-label="{label}" style="height:{chart.spec["layout"]["height"]}px"></div>
<script>Plotly.newPlot(document.querySelector("#{name} > div"), ...{_call(chart)});</script>
{words}
</figure>
"""


STILL = {"displayModeBar": False, "displaylogo": False, "plotlyServerURL": ""}
"""How plotly shows a chart: without its bar of buttons, one of which sends the figures to a server of its makers."""


def plotly_script() -> str:
    """The plotly.js of the installed plotly."""
    import plotly

    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _plotly(script: str | None) -> str:
    if script is not None:
        return f'<script src="{escape(script)}"></script>'
    return f"<script>{plotly_script()}</script>"


def _call(chart: Chart) -> str:
    call = [
        chart.spec["data"],
        chart.spec["layout"],
        {"displayModeBar": False, "displaylogo": False, "plotlyServerURL": ""},
    ]
    # JSON within a script: nothing of it may end the element
    return json.dumps(call).replace("<", "\\u003c")


def _html_table(rows: Rows) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row.values())}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"


def _html_sources(chart: Chart) -> str:
    items = "".join(f"<li style='padding:4px 0'>{_html_source(row)}</li>\n" for row in chart.sources)
    return f"<ul>\n{items}</ul>"


def _html_source(row: Mapping[str, str]) -> str:
    title = f"{escape(row['source_id'])}: {escape(row['title'])}"
    return f'<a href="{escape(row["url"])}">{title}</a>' if is_web(row["url"]) else title


def is_web(url: str | None) -> bool:
    """Whether something is the address of a page, and nothing that runs."""
    return url is not None and url.startswith(("https://", "http://"))


COPY = (
    "const [type, data] = JSON.parse(this.dataset.copy);"
    "fetch(data).then(r => r.blob()).then(b => navigator.clipboard.write([new ClipboardItem({[type]: b})]))"
    ".then(() => this.textContent = 'copied', () => this.textContent = 'not allowed here')"
)
"""What a button does: puts its data, which it holds as an address, on the clipboard."""


def copied(chart: Chart, scale: float) -> str:
    """The picture with a button that copies it, and one that copies its figures as a Markdown table.

    Args:
        chart: The chart.
        scale: Pixels of the picture for each pixel of the figure.
    """
    image = _address("image/png", contents([chart], "png", scale=scale)[0])
    table = _address("text/plain", markdown_table(chart.rows).encode())
    buttons = _button("Copy the picture", "image/png", image) + _button("Copy the figures", "text/plain", table)
    width = chart.spec["layout"].get("width", WIDTH_PX)
    return f'<img src="{image}" width="{width}" alt="{escape(chart.alt_text)}"><div>{buttons}</div>'


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _button(label: str, kind: str, address: str) -> str:
    return f'<button data-copy="{escape(json.dumps([kind, address]))}" onclick="{escape(COPY)}">{label}</button> '


# --- data ----------------------------------------------------------------------------------------------------------


def plotly_json(chart: Chart) -> str:
    """The figure as plotly reads it, with what it says of itself in the layout's ``meta``."""
    return pretty_json({**chart.spec, "layout": {**chart.spec["layout"], "meta": chart.about}})


def markdown_table(rows: Rows) -> str:
    """Rows as a table of Markdown; columns without any content are left out."""
    columns = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    cells = [[cell(name) for name in columns], ["---"] * len(columns)]
    cells += [[cell(row[name]) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells) if columns else ""


def cell(text: str) -> str:
    """Other people's text as a cell: nothing of it is markup, in Markdown or in MDX, which reads braces as code."""
    return plain(text).replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")


# --- figures for programs -------------------------------------------------------------------------------------------

FIGURE = ("figure", "value", "lo", "hi", "unit")
"""Columns of a figure, behind those that say whose it is."""

_HEADING = re.compile(r"(.*) \[(.*)\]")
_INTERVAL = "10–90 %"
_NUMBER = re.compile(r"[-−]?[\d,]*\.?\d+")
_ENDS = re.compile(rf"({_NUMBER.pattern}) (?:–|to) ({_NUMBER.pattern})")


def csv_table(rows: Rows) -> str:
    """Rows as CSV: each figure with its interval in a row of its own, as rounded as it is shown.

    A figure that is unknown has no value. Rows without figures that have a unit stay as they are.
    """
    long = [line for row in rows for line in _figures(row)] or [{**row} for row in rows]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(long[0]) if long else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: spreadsheet_text(text) for name, text in line.items()} for line in long)
    return stream.getvalue()


def _figures(row: Mapping[str, str]) -> Iterator[dict[str, str]]:
    units = {name: found for name in row if (found := _HEADING.fullmatch(name))}
    whose = {
        f"row {name}" if name in FIGURE else name: number(row[name]) or row[name] for name in row if name not in units
    }
    for name, following in pairwise([*units, ""]):
        figure, unit = units[name].groups()
        if figure == _INTERVAL:
            continue
        ends = _ENDS.fullmatch(row[following]) if following == f"{_INTERVAL} [{unit}]" else None
        low, high = map(number, ends.groups()) if ends else ("", "")
        yield {**whose, **dict(zip(FIGURE, (figure, number(row[name]), low, high, unit), strict=True))}


def number(text: str) -> str:
    """A number as programs read it; nothing for what is none."""
    return text.replace(",", "").replace("−", "-") if _NUMBER.fullmatch(text) else ""


WRITTEN: dict[str, Callable[[Chart], str]] = {
    "svg": svg_of,
    "json": plotly_json,
    "csv": lambda chart: csv_table(chart.rows),
    "md": lambda chart: markdown_table(chart.rows),
}

FORMS: tuple[str, ...] = ("svg", "png", "html", *list(WRITTEN)[1:])
"""Forms by the ending of a file."""
