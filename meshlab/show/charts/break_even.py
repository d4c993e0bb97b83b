"""Where two data planes cost the same: a line over two inputs, with the cheaper one named on either side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from meshlab.models.overhead import dataplanes
from meshlab.show.charts.canvas import NOTHING_DRAWN, Captions, Look, Plot, chart_of
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import figure_text

PLOT_PX, AXIS_PX = 340, 54
"""Height of the plot, and room for its axis. [px]"""

SIDES_PX = (84, 20)
"""Room to the left, for the axis, and to the right. [px]"""

MARGIN = 0.16
"""Room above and below the line for the words that say which is cheaper. [decades]"""

SHOWN = 12
"""Points of the line that the table lists."""


@dataclass(frozen=True, slots=True)
class Plane:
    """The two inputs that a line runs over.

    Args:
        x, y: Names of the inputs.
        x_label, y_label: The same in words.
        here: The scenario's own values, where it has both.
    """

    x: str
    y: str
    x_label: str
    y_label: str
    here: tuple[float, float] | None


def break_even(
    line: pl.DataFrame,
    pair: tuple[str, str],
    plane: Plane,
    subject: str,
    look: Look,
    *,
    throughout: str | None = None,
) -> Chart:
    """The line along which two data planes cost the same.

    Args:
        line: Columns of ``sensitivity.break_even``.
        pair: The two data planes.
        plane: The inputs that the line runs over.
        subject: Whose figures these are: the line under the title.
        look: Theme and size.
        throughout: Where there is no line: the data plane that is cheaper everywhere, if one is.
    """
    names = [dataplanes()[name].label for name in pair]
    key = (
        "Line: same monthly cost, at the medians. Cross: as it stands." if line.height else _no_line(plane, throughout)
    )
    captions = Captions("break-even", f"Where {names[0]} and {names[1]} cost the same", key, subject)
    return chart_of(
        captions, _plot(line, plane, look), _table(line, plane), look, sentences=[_words(line, plane) or key]
    )


def _no_line(plane: Plane, throughout: str | None) -> str:
    """Why there is no line."""
    if throughout:
        return f"No line: {dataplanes()[throughout].label} is cheaper over the whole range."
    return f"No line: along {plane.y_label} the two never change places."


def _words(line: pl.DataFrame, plane: Plane) -> str:
    """The ends of the line in words; nothing where there is none."""
    if line.is_empty():
        return ""
    ends = [f"at {figure_text(line[plane.x][end])}: {figure_text(line[plane.y][end])}" for end in (0, -1)]
    row = line.row(0, named=True)
    cheaper = [dataplanes()[row[side]].label for side in ("cheaper_below", "cheaper_above")]
    return (
        f"{plane.y_label} over {plane.x_label}, {', '.join(ends)}; {cheaper[0]} is cheaper below, {cheaper[1]} above."
    )


def _plot(line: pl.DataFrame, plane: Plane, look: Look) -> Plot:
    if line.is_empty():
        return NOTHING_DRAWN
    colours = look.colours
    here = plane.here or (None, None)
    layout = {
        "xaxis": {**_axis(line[plane.x], here[0], 0), "title": {"text": plane.x_label}},
        "yaxis": {**_axis(line[plane.y], here[1], MARGIN), "title": {"text": plane.y_label}},
        "annotations": _sides(line, plane, colours.ink),
    }
    traces: list[Spec] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": line[plane.x].to_list(),
            "y": line[plane.y].to_list(),
            "line": {"color": colours.ink, "width": 2},
            "hovertemplate": "%{x:.3s}, %{y:.3s}<extra></extra>",
        }
    ]
    if plane.here:
        marker = {"symbol": "x", "size": 11, "color": colours.ink}
        traces.append(
            {"type": "scatter", "mode": "markers", "x": [plane.here[0]], "y": [plane.here[1]], "marker": marker}
        )
    return Plot(traces, layout, PLOT_PX, AXIS_PX, SIDES_PX)


def _axis(values: pl.Series, here: float | None, margin: float) -> Spec:
    """A logarithmic axis around the line and the scenario's own value.

    Ticks stand at one, two and five of each decade, written out: plotly's own are single digits between decades.
    """
    shown = [math.log10(value) for value in [*values, *([here] if here else [])]]
    low, high = min(shown) - margin, max(shown) + margin
    ticks = [digit * 10**decade for decade in range(max(0, math.floor(low)), math.ceil(high)) for digit in (1, 2, 5)]
    return {
        "type": "log",
        "range": [low, high],
        "fixedrange": True,
        "automargin": False,
        "tickvals": ticks,
        "ticktext": [f"{tick:,}" for tick in ticks],
    }


def _sides(line: pl.DataFrame, plane: Plane, ink: str) -> list[Spec]:
    """Which one is cheaper above and below the line, in the corners where there is room."""
    rising = line[plane.y][-1] > line[plane.y][0]
    first = line.row(0, named=True)
    above = {"x": 0.02 if rising else 0.98, "y": 0.98, "xanchor": "left" if rising else "right", "yanchor": "top"}
    below = {"x": 0.98 if rising else 0.02, "y": 0.02, "xanchor": "right" if rising else "left", "yanchor": "bottom"}
    return [
        {
            **place,
            "xref": "paper",
            "yref": "paper",
            "showarrow": False,
            "text": f"{dataplanes()[first[side]].label} is cheaper",
            "font": {"color": ink},
        }
        for place, side in ((above, "cheaper_above"), (below, "cheaper_below"))
    ]


def _table(line: pl.DataFrame, plane: Plane) -> list[dict[str, str]]:
    every = max(1, -(-line.height // SHOWN))
    return [
        {
            plane.x_label: figure_text(row[plane.x]),
            f"{plane.y_label} at break-even": figure_text(row[plane.y]),
            "cheaper below": dataplanes()[row["cheaper_below"]].label,
            "cheaper above": dataplanes()[row["cheaper_above"]].label,
        }
        for row in line.gather_every(every).iter_rows(named=True)
    ]
