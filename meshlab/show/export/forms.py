"""A chart in every form that a document takes: SVG, PNG, a piece of HTML, plotly's JSON, and its figures as a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.files import pretty_json
from meshlab.show.export.browser import Shot, take
from meshlab.show.export.catalogue import Plate
from meshlab.show.export.numbers import csv_table
from meshlab.show.export.stamps import stamped_png, stamped_svg
from meshlab.show.report import plain

Rows = Sequence[Mapping[str, str]]

DRAWN = ("svg", "png")
"""Forms that a browser draws."""


def contents(plates: Sequence[Plate], form: str, *, scale: float = 1.0, script: str | None = None) -> list[bytes]:
    """The content of a file for each chart, in one form; one browser draws whatever has to be drawn.

    Args:
        plates: Charts.
        form: One of `FORMS`.
        scale: Pixels of a PNG for each pixel of the figure.
        script: Where a piece of HTML finds plotly.js; within itself unless given.

    Raises:
        MeshlabError: There is no such form, or no browser for it.
    """
    check_form(form)
    if form not in DRAWN:
        return [_written(plate, form, script).encode() for plate in plates]
    taken = take([Shot(plate.spec, form, scale) for plate in plates])
    return [_stamped(picture, plate, form) for picture, plate in zip(taken, plates, strict=True)]


def check_form(form: str) -> None:
    """Refuse a form that nobody knows, naming the nearest."""
    if form not in FORMS:
        raise MeshlabError(Problem("--out", f"{form!r} is no form of a chart", did_you_mean(form, FORMS)))


def _stamped(picture: bytes, plate: Plate, form: str) -> bytes:
    return stamped_png(picture, plate.about) if form == "png" else stamped_svg(picture.decode(), plate.about).encode()


def _written(plate: Plate, form: str, script: str | None) -> str:
    return html_fragment(plate, script) if form == "html" else WRITTEN[form](plate)


# --- HTML ----------------------------------------------------------------------------------------------------------


def html_fragment(plate: Plate, script: str | None = None) -> str:
    """A figure element with the chart, its caption, its table and its sources.

    Args:
        plate: The chart.
        script: Address of a plotly.js that several pieces share; without one the piece holds it and stands alone.
    """
    name = f"meshlab-{plate.drawing_sha256[:12]}"
    # characters as references: the piece reads the same in a page that does not say how it is encoded
    words = f"""<figcaption>{escape(plate.title)}. {escape(plate.subject)}
<details><summary>Figures and sources</summary>
{_html_table(plate.rows)}
{_html_sources(plate)}
<p>Inputs <code>{plate.inputs_sha256}</code>, sources as of {escape(plate.facts_date)},
meshlab {escape(plate.about["meshlab_version"])}</p>
</details></figcaption>""".encode("ascii", "xmlcharrefreplace").decode()
    label = escape(plate.words).encode("ascii", "xmlcharrefreplace").decode()
    return f"""<figure class="meshlab" id="{name}" style="margin:0;overflow-x:auto">
{_plotly(script)}
<div role="img" aria-label="{label}" style="height:{plate.spec["layout"]["height"]}px"></div>
<script>Plotly.newPlot(document.querySelector("#{name} > div"), ...{_call(plate)});</script>
{words}
</figure>
"""


def plotly_script() -> str:
    """The plotly.js of the installed plotly."""
    import plotly

    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _plotly(script: str | None) -> str:
    if script is not None:
        return f'<script src="{escape(script)}"></script>'
    return f"<script>{plotly_script()}</script>"


def _call(plate: Plate) -> str:
    call = [plate.spec["data"], plate.spec["layout"], {"displayModeBar": False}]
    # JSON within a script: nothing of it may end the element
    return json.dumps(call).replace("<", "\\u003c")


def _html_table(rows: Rows) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row.values())}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"


def _html_sources(plate: Plate) -> str:
    items = "".join(f"<li>{_html_source(row)}</li>\n" for row in plate.sources)
    return f"<ul>\n{items}</ul>"


def _html_source(row: Mapping[str, str]) -> str:
    title = f"{escape(row['source_id'])}: {escape(row['title'])}"
    return f'<a href="{escape(row["url"])}">{title}</a>' if is_web(row["url"]) else title


def is_web(url: str | None) -> bool:
    """Whether something is the address of a page, and nothing that runs."""
    return url is not None and url.startswith(("https://", "http://"))


# --- data ----------------------------------------------------------------------------------------------------------


def plotly_json(plate: Plate) -> str:
    """The figure as plotly reads it, with what it says of itself in the layout's ``meta``."""
    return pretty_json({**plate.spec, "layout": {**plate.spec["layout"], "meta": plate.about}})


def markdown_table(rows: Rows) -> str:
    """Rows as a table of Markdown; columns without any content are left out."""
    columns = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    cells = [[cell(name) for name in columns], ["---"] * len(columns)]
    cells += [[cell(row[name]) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells) if columns else ""


def cell(text: str) -> str:
    """Other people's text as a cell: nothing of it is markup, in Markdown or in MDX, which reads braces as code."""
    return plain(text).replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")


WRITTEN: dict[str, Callable[[Plate], str]] = {
    "json": plotly_json,
    "csv": lambda plate: csv_table(plate.rows),
    "md": lambda plate: markdown_table(plate.rows),
}

FORMS: tuple[str, ...] = (*DRAWN, "html", *WRITTEN)
"""Forms by the ending of a file."""
