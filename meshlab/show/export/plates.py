"""What charts for documents are: an entry of the catalogue, how it is to look, and what comes of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshlab import __version__
from meshlab.files import digest
from meshlab.show.charts.canvas import Drawing

WIDTH_PX = 720
"""Width of a picture unless said: a column of text. [px]"""

TEAM, NOTHING = "a team", "nothing"
"""What a chart is drawn from: a team's review, or the project's own tables."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a chart is drawn.

    Args:
        theme: light, dark or print.
        width: Width. [px]
        height: Height, or None for as much as the chart needs. [px]
    """

    theme: str = "light"
    width: int = WIDTH_PX
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A chart of the catalogue.

    Args:
        name: How commands and documents call it.
        description: What it shows, in one line.
        unit: Unit of its figures, where they have one.
        needs: What it is drawn from: `TEAM` or `NOTHING`.
        draw: Draws it, from a review, or from None where it needs nothing.
        cited: Ids of the sources behind it, from the same.
    """

    name: str
    description: str
    unit: str
    needs: str
    draw: Callable[[Any, Look], Drawing]
    cited: Callable[[Any], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Plate:
    """A chart that is drawn, with everything that a document says beside it.

    Args:
        name: Name of the chart.
        team: Whose it is; empty where it is nobody's.
        title: What is shown.
        subject: Whose figures these are, in one line.
        unit: Unit of the figures.
        spec: The figure as plotly's JSON.
        rows: What it shows as rows of text.
        words: What it shows in words.
        sources: Rows of the table of sources behind it.
        facts: Where the team's facts come from.
        inputs_sha256: Hash of everything that it is made of.
        theme: Its theme.
    """

    name: str
    team: str
    title: str
    subject: str
    unit: str
    spec: dict[str, Any]
    rows: list[dict[str, str]]
    words: str
    sources: tuple[Mapping[str, Any], ...]
    facts: str
    inputs_sha256: str
    theme: str

    @property
    def drawing_sha256(self) -> str:
        """Hash of the drawing: two pictures with the same one look alike."""
        return digest([self.spec, self.title, self.words])

    @property
    def facts_date(self) -> str:
        """Month in which the newest of the sources was read."""
        return max((source["retrieved"] for source in self.sources), default="")

    @property
    def source_note(self) -> str:
        """Every source in one line: id, title and address."""
        return "; ".join(f"{row['source_id']}: {row['title']} {row['url'] or ''}".strip() for row in self.sources)

    @property
    def about(self) -> dict[str, Any]:
        """What a picture says of itself."""
        return {
            "title": self.title,
            "chart": self.name,
            "team": self.team,
            "subject": self.subject,
            "unit": self.unit,
            "alternative_text": self.words,
            "sources": [{key: row[key] for key in ("source_id", "title", "url")} for row in self.sources],
            "facts": self.facts,
            "facts_date": self.facts_date,
            "inputs_sha256": self.inputs_sha256,
            "drawing_sha256": self.drawing_sha256,
            "meshlab_version": __version__,
        }
