"""Charts of a whole fleet for its index: each team's figure with its interval, in order of size.

They are drawn as SVG that stands in the page: an index has no script to wait for, and a thousand teams are two paths.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshlab.models.overhead import dataplanes
from meshlab.show.theme import figure_text
from meshlab.units import significant

Row = Mapping[str, Any]

WIDTH = 560
"""Width of a chart, less what its words take. [units of the drawing]"""

NAMED = 40
"""Most teams whose names stand beside their lines; more would not be legible."""

NAMED_HEIGHT, CROWD_HEIGHT = 17, 260
"""Height of a line with a name, and of all lines without. [units of the drawing]"""

NAMES_WIDTH, EDGE, AXIS_HEIGHT, DIGIT_WIDTH = 150, 14, 26, 7
"""Room for names, at the edges, for the axis, and for a digit at its end. [units of the drawing]"""

FURTHEST = 30
"""How far below the smallest median an axis goes, as a factor; intervals that go further are cut there."""


@dataclass(frozen=True, slots=True)
class Line:
    """One team in a chart: where its interval begins and ends and where its median is. [units of the drawing]"""

    team: str
    dataplane: str
    y: float
    left: float
    middle: float
    right: float
    told: str


@dataclass(frozen=True, slots=True)
class FleetChart:
    """One figure of all teams.

    Args:
        label: What is shown.
        unit: Its unit.
        lines: Teams to which the figure adds something, the largest first.
        ticks: Places and texts of the axis.
        height: Height of the drawing. [units of the drawing]
        start: Where the axis begins. [units of the drawing]
        thickness: Of a line. [units of the drawing]
        nothing: Teams to which the figure adds nothing; a logarithm has no place for them.
    """

    label: str
    unit: str
    lines: Sequence[Line]
    ticks: Sequence[tuple[float, str]]
    height: float
    start: float
    thickness: float
    nothing: int

    width = WIDTH
    """Width of the drawing. [units of the drawing]"""

    @property
    def named(self) -> bool:
        """Whether each line has its team's name beside it."""
        return len(self.lines) <= NAMED

    @property
    def words(self) -> str:
        """The chart in a sentence."""
        ends = f"from {self.lines[-1].told} ({self.lines[-1].team}) to {self.lines[0].told} ({self.lines[0].team})"
        return f"{self.label} by team, {len(self.lines)} of them, {ends}; the table below holds all figures."

    @property
    def planes(self) -> list[tuple[str, str, str]]:
        """For each data plane its id, the path of its intervals and that of its medians."""
        drawn = [name for name in dataplanes() if any(line.dataplane == name for line in self.lines)]
        return [(name, _path(self.lines, name), _points(self.lines, name)) for name in drawn]


def _path(lines: Sequence[Line], dataplane: str) -> str:
    return "".join(f"M{line.left:.1f} {line.y:.1f}H{line.right:.1f}" for line in lines if line.dataplane == dataplane)


def _points(lines: Sequence[Line], dataplane: str) -> str:
    # a line without a length shows as the dot of its round ends
    return "".join(f"M{line.middle:.1f} {line.y:.1f}h0" for line in lines if line.dataplane == dataplane)


def fleet_charts(rows: Sequence[Row], figures: Mapping[str, tuple[str, str]]) -> list[FleetChart]:
    """A chart for each figure that adds something to at least two teams.

    Args:
        rows: One for each review, as ``meshlab.reviews.review.summary`` gives it.
        figures: Label and unit of each figure.
    """
    return [chart for name, words in figures.items() if (chart := _chart(rows, name, *words)) is not None]


def _chart(rows: Sequence[Row], name: str, label: str, unit: str) -> FleetChart | None:
    some = sorted((row for row in rows if (row[name] or 0) > 0), key=lambda row: (-row[name], row["team"]))
    if len(some) < 2:  # noqa: PLR2004  (one line is no comparison)
        return None
    low = min(max(row[f"{name}_lo"], row[name] / FURTHEST) for row in some)
    high = max(row[f"{name}_hi"] for row in some)
    if high < 2 * low:  # hardly an axis
        low, high = low / 2, high * 2
    named = len(some) <= NAMED
    start = NAMES_WIDTH if named else EDGE
    step = NAMED_HEIGHT if named else CROWD_HEIGHT / len(some)

    def place(value: float) -> float:
        return start + (WIDTH - start - 3 * DIGIT_WIDTH) * math.log(max(value, low) / low) / math.log(high / low)

    lines = [
        Line(
            team=row["team"],
            dataplane=row["dataplane"],
            y=(number + 0.5) * step,
            left=place(row[f"{name}_lo"]),
            middle=place(row[name]),
            right=place(row[f"{name}_hi"]),
            told=f"{figure_text(row[name])} {unit}",
        )
        for number, row in enumerate(some)
    ]
    ticks = [(place(value), significant(value, 1)) for value in _ticks(low, high)]
    height = step * len(some) + AXIS_HEIGHT
    return FleetChart(label, unit, lines, ticks, height, start, min(2.0, max(0.6, step / 2)), len(rows) - len(some))


def _ticks(low: float, high: float) -> Iterator[float]:
    """Round values between two ends: powers of ten, and steps between them where those are few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 2 else (1,)  # noqa: PLR2004  (decades)
    spread = math.ceil(len(decades) / 7)  # more ticks would touch
    for place, decade in enumerate(decades):
        for step in steps:
            value = step * 10.0**decade
            if low <= value <= high and place % spread == 0:
                yield value


def colours(theme: str) -> dict[str, str]:
    """Colour of each data plane in a theme."""
    return {name: plane.hues[theme] for name, plane in dataplanes().items()}
