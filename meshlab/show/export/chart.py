"""A chart that is drawn: the figure, its figures as a table and in words, where they come from, and all its forms.

A document takes it as SVG, PNG, a piece of HTML, plotly's JSON, or its figures as a table.
"""

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
from typing import TYPE_CHECKING, Any

import msgspec

from meshlab import __version__
from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.files import digest, pretty_json, spreadsheet_text, write_whole
from meshlab.show.export.images import WIDTH_PX, png_of, svg_of
from meshlab.show.fragments import Fragment, environment
from meshlab.show.labels import plain
from meshlab.tables import read_table

if TYPE_CHECKING:
    import plotly.graph_objects as go

PLOTLY_MIME = "application/vnd.plotly.v1+json"

Spec = dict[str, Any]
"""A figure as plotly's JSON: plain data, so that a report or a live view needs not build plotly's objects."""

_FIGURE = re.compile(r"[-<]? ?\d|$|–$|unknown$")
"""How a cell begins that holds a figure."""


class Chart(msgspec.Struct, frozen=True):
    """A chart with everything that a page or a document says beside it. It shows itself as the last value of a cell.

    Args:
        name: How commands and documents call it.
        title: What is shown.
        subject: Whose figures these are, in one line.
        spec: The figure as plotly's JSON.
        rows: What it shows as rows of text, units in the headings.
        alt_text: What it shows in words, for readers who do not see it.
        theme: light, dark, print or auto.
        unit: Unit of the figures, where they have one.
        source_ids: Sources behind it.
        team: Whose it is; empty where it is nobody's.
        facts: Where the team's facts come from.
        inputs_sha256: Hash of everything that it is made of; empty where nothing was hashed.
        dark: For each colour its other one on a dark screen, where the theme is auto. [#rrggbb]
    """

    name: str
    title: str
    subject: str
    spec: Spec
    rows: list[dict[str, str]]
    alt_text: str
    theme: str = "light"
    unit: str = ""
    source_ids: Sequence[str] = ()
    team: str = ""
    facts: str = ""
    inputs_sha256: str = ""
    dark: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def caption(self) -> str:
        """What is shown, and of whom."""
        return f"{self.title}. {self.subject}."

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Rows of the table of sources behind it."""
        table = {row["source_id"]: row for row in read_table("sources").iter_rows(named=True)}
        return [table[source_id] for source_id in dict.fromkeys(self.source_ids) if source_id in table]

    @property
    def facts_date(self) -> str:
        """Month in which the newest of the sources was read."""
        return max((source["retrieved"] for source in self.sources), default="")

    @property
    def drawing_sha256(self) -> str:
        """Hash of the drawing: two pictures with the same one look alike."""
        return digest([self.spec, self.title, self.alt_text, *([dict(self.dark)] if self.dark else [])])

    @property
    def about(self) -> dict[str, Any]:
        """What a picture says of itself."""
        return {
            "title": self.title,
            "chart": self.name,
            "team": self.team,
            "subject": self.subject,
            "unit": self.unit,
            "alternative_text": self.alt_text,
            "sources": [{key: row[key] for key in ("source_id", "title", "url")} for row in self.sources],
            "facts": self.facts,
            "facts_date": self.facts_date,
            "inputs_sha256": self.inputs_sha256,
            "drawing_sha256": self.drawing_sha256,
            "meshlab_version": __version__,
        }

    @property
    def table_html(self) -> str:
        """The figures as a table with the words: without a script that draws the chart, they say everything."""
        columns = list(self.rows[0]) if self.rows else []
        figures = [column for column in columns if all(_FIGURE.match(row[column]) for row in self.rows)]
        context = {"name": self.name, "alternative": self.alt_text, "rows": self.rows, "columns": columns}
        return environment().get_template("chart.html.j2").render(figures=figures, **context)

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {PLOTLY_MIME: {**self.spec, "config": STILL}, "text/html": self.table_html, "text/plain": self.alt_text}

    def save(self, file: str | Path, *, scale: float = 1.0) -> Path:
        """Write it: .svg, .png, .html, .json, .csv or .md, by the file's ending.

        Args:
            file: Where to.
            scale: Pixels of a PNG for each pixel of the figure.

        Raises:
            MeshlabError: There is no such form, or no typeface for a PNG.
        """
        path = Path(file)
        write_whole(path, contents([self], path.suffix.removeprefix("."), scale=scale)[0])
        return path

    def copy(self, *, scale: float = 2.0) -> Fragment:
        """The picture with a button that copies it, and one that copies its figures as a Markdown table.

        Args:
            scale: Pixels of the picture for each pixel of the figure.
        """
        image = _address("image/png", png_of(self, scale))
        table = _address("text/plain", markdown_table(self.rows).encode())
        buttons = _button("Copy the picture", "image/png", image) + _button("Copy the figures", "text/plain", table)
        width = self.spec["layout"].get("width", WIDTH_PX)
        picture = f'<img src="{image}" width="{width}" alt="{escape(self.alt_text)}"><div>{buttons}</div>'
        return Fragment(picture, self.alt_text)

    def figure(self) -> go.Figure:
        """The figure as an object of plotly, to be changed further."""
        import plotly.graph_objects as go

        return go.Figure(self.spec)

    def live(self) -> dict[str, Any]:
        """The figure with its words, as a view that follows a kernel takes it."""
        return {**self.spec, "alt": self.alt_text}


# --- forms ---------------------------------------------------------------------------------------------------------

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
    sources = "".join(f"<li style='padding:4px 0'>{_html_source(row)}</li>\n" for row in chart.sources)
    # characters as references: the piece reads the same in a page that does not say how it is encoded
    words = f"""<figcaption>{escape(chart.title)}. {escape(chart.subject)}
<details><summary>Figures and sources</summary>
{_html_table(chart.rows)}
<ul>
{sources}</ul>
<p>Inputs <code>{chart.inputs_sha256}</code>, sources as of {escape(chart.facts_date)},
meshlab {escape(chart.about["meshlab_version"])}</p>
</details></figcaption>""".encode("ascii", "xmlcharrefreplace").decode()
    label = escape(chart.alt_text).encode("ascii", "xmlcharrefreplace").decode()
    library = f"<script>{plotly_script()}</script>" if script is None else f'<script src="{escape(script)}"></script>'
    # JSON within a script: nothing of it may end the element
    call = json.dumps([chart.spec["data"], chart.spec["layout"], STILL]).replace("<", "\\u003c")
    return f"""<figure class="meshlab" id="{name}" style="margin:0;overflow-x:auto">
{library}
<div role="img" aria-label="{label}" style="height:{chart.spec["layout"]["height"]}px"></div>
<script>Plotly.newPlot(document.querySelector("#{name} > div"), ...{call});</script>
{words}
</figure>
"""


STILL = {"displayModeBar": False, "displaylogo": False, "plotlyServerURL": ""}
"""How plotly shows a chart: without its bar of buttons, one of which sends the figures to a server of its makers."""


def plotly_script() -> str:
    """The plotly.js of the installed plotly."""
    import plotly

    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _html_table(rows: Rows) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row.values())}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"


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


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _button(label: str, kind: str, address: str) -> str:
    return f'<button data-copy="{escape(json.dumps([kind, address]))}" onclick="{escape(COPY)}">{label}</button> '


# --- data ----------------------------------------------------------------------------------------------------------


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
    # the figure as plotly reads it, with what it says of itself in the layout's ``meta``
    "json": lambda chart: pretty_json({**chart.spec, "layout": {**chart.spec["layout"], "meta": chart.about}}),
    "csv": lambda chart: csv_table(chart.rows),
    "md": lambda chart: markdown_table(chart.rows),
}

FORMS: tuple[str, ...] = ("svg", "png", "html", *list(WRITTEN)[1:])
"""Forms by the ending of a file."""
