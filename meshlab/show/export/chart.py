"""A chart that is drawn: the figure, its figures as a table and in words, where they come from, and how it is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshlab import __version__
from meshlab.files import digest, write_whole
from meshlab.show.export.forms import STILL, contents, copied
from meshlab.show.fragments import Fragment, environment
from meshlab.tables import read_table

if TYPE_CHECKING:
    import plotly.graph_objects as go

PLOTLY_MIME = "application/vnd.plotly.v1+json"

Spec = dict[str, Any]
"""A figure as plotly's JSON: plain data, so that a report or a live view needs not build plotly's objects."""

_FIGURE = re.compile(r"[-<]? ?\d|$|–$|unknown$")
"""How a cell begins that holds a figure."""


@dataclass(frozen=True, slots=True)
class Chart:
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
    dark: Mapping[str, str] = field(default_factory=dict[str, str])

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
        return Fragment(copied(self, scale), self.alt_text)

    def figure(self) -> go.Figure:
        """The figure as an object of plotly, to be changed further."""
        import plotly.graph_objects as go

        return go.Figure(self.spec)

    def live(self) -> dict[str, Any]:
        """The figure with its words, as a view that follows a kernel takes it."""
        return {**self.spec, "alt": self.alt_text}
