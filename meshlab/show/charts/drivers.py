"""What moves a figure most: for each driver the span between the ends of its interval, around today's figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from meshlab.models.overhead import dataplanes
from meshlab.models.sensitivity import how_moved
from meshlab.scenario import inputs
from meshlab.show.charts.canvas import NOTHING_DRAWN, Captions, Look, Plot, chart_of, escape, hatched, small
from meshlab.show.charts.intervals import VALUE_AXIS
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import figure_text, interval_text, wrap
from meshlab.tables import read_table

Row = Mapping[str, Any]

LINE_PX, ROW_PX, AXIS_PX = 18, 24, 54
"""Height of a line of a driver's label, of the rest of its row, and room for the axis below. [px]"""

SIDES_PX = (230, 124)
"""Room for names to the left and figures to the right. [px]"""

KINDS = {"input": "", "coefficient": "/"}
"""Hatching that tells what a team can find out from what only measurements can narrow."""


KEY = "Plain: an input, moved as its row says. Hatched: a coefficient, over its 10–90 % interval. Line: as it stands."


def drivers(rows: Sequence[Row], label: str, unit: str, subject: str, look: Look) -> Chart:
    """Drivers of one figure, the strongest first.

    Args:
        rows: Rows of a review's ``sensitivity`` of that figure; none where there is no mesh to move.
        label: The figure in words.
        unit: Its unit.
        subject: Whose figures these are: the line under the title.
        look: Theme and size.
    """
    dataplane = dataplanes()[rows[0]["dataplane"]].label if rows else ""
    captions = Captions(
        "drivers",
        f"What moves the {label[0].lower()}{label[1:]} of {dataplane}" if rows else f"{label}: nothing to move",
        KEY if rows else "No mesh is recommended, so no input moves what it would add.",
        subject,
    )
    sentences = [
        f"{driver_label(row['driver'])}: "
        f"{figure_text(row['figure_at_low'])} to {figure_text(row['figure_at_high'])} {unit}."
        for row in rows
    ]
    return chart_of(captions, _plot(rows, label, unit, look), _table(rows, unit), look, sentences=sentences)


def _plot(rows: Sequence[Row], label: str, unit: str, look: Look) -> Plot:
    if not rows:
        return NOTHING_DRAWN
    colours = look.colours
    places = list(range(len(rows)))
    side = {
        "range": [len(rows) - 0.5, -0.5],
        "showgrid": False,
        "fixedrange": True,
        "automargin": False,
        "ticklabelstandoff": 6,
        "color": colours.ink,
        "tickvals": places,
    }
    layout = {
        "xaxis": {**VALUE_AXIS, "title": {"text": f"{label} [{unit}]"}, "zerolinecolor": colours.muted},
        "yaxis": {**side, "ticktext": [_name(row) for row in rows]},
        "yaxis2": {**side, "ticktext": [_figures(row) for row in rows], "overlaying": "y", "side": "right"},
        "shapes": [_now(rows[0]["figure"], colours.ink)],
    }
    # plotly draws no axis without a trace, and the figures stand on the second one
    anchor = {"type": "scatter", "x": [None], "y": [None], "yaxis": "y2", "mode": "markers", "hoverinfo": "skip"}
    return Plot([_bars(rows, look), anchor], layout, _row_px(rows) * len(rows), AXIS_PX, SIDES_PX)


def _bars(rows: Sequence[Row], look: Look) -> Spec:
    hues = [dataplanes()[row["dataplane"]].hues[look.theme] for row in rows]
    return {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(rows))),
        "base": [row["figure_at_low"] for row in rows],
        "x": [row["figure_at_high"] - row["figure_at_low"] for row in rows],
        "width": 0.5,
        "marker": hatched(hues, [KINDS[row["kind"]] for row in rows], look.colours.paper),
        "customdata": [f"{driver_label(row['driver'])}: {escape(_values(row))}<br>{_figures(row)}" for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _now(figure: float, colour: str) -> Spec:
    """The figure as it stands, across all rows."""
    place = {"x0": figure, "x1": figure, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", **place, "line": {"color": colour, "width": 1.5}}


def _row_px(rows: Sequence[Row]) -> int:
    """Height of every row: that of the label with the most lines. [px]"""
    return ROW_PX + LINE_PX * max(len(_lines(row)) for row in rows)


def _lines(row: Row) -> list[str]:
    return wrap(driver_label(row["driver"]), SIDES_PX[0] - 24, 13)


def _name(row: Row) -> str:
    name = "<br>".join(map(escape, _lines(row)))
    return f"<b>{name}</b><br>{small(escape(_values(row)))}"


def driver_label(driver: str) -> str:
    """An input or a coefficient by its label."""
    return inputs()[driver].label if driver in inputs() else _coefficient_labels().get(driver, driver)


@cache
def _coefficient_labels() -> dict[str, str]:
    return dict(read_table("coefficient_labels").iter_rows())


def _values(row: Row) -> str:
    """Values of the driver at both ends, with their unit."""
    return f"{driver_value(row['low'])} to {driver_value(row['high'])}{driver_unit(row['unit'])}"


def driver_unit(unit: str | None) -> str:
    """The unit behind a value of a driver; a count and a factor need none."""
    return "" if unit in (None, "", "count", "factor") else f" {unit}"


WORDS = {"True": "yes", "False": "no"}


def driver_value(text: str) -> str:
    """A value of a driver as a person writes it: numbers with few digits, yes and no."""
    try:
        return figure_text(float(text))
    except ValueError:
        return WORDS.get(text, text)


def _figures(row: Row) -> str:
    low, high = row["figure_at_low"], row["figure_at_high"]
    return interval_text(low, high) or figure_text(low)


def _table(rows: Sequence[Row], unit: str) -> list[dict[str, str]]:
    return [
        {
            "driver": driver_label(row["driver"]),
            "kind": row["kind"],
            "from": driver_value(row["low"]),
            "to": driver_value(row["high"]),
            "unit": row["unit"] or "",
            "moved": how_moved(row["driver"]),
            f"lowest [{unit}]": figure_text(row["figure_at_low"]),
            f"as it stands [{unit}]": figure_text(row["figure"]),
            f"highest [{unit}]": figure_text(row["figure_at_high"]),
        }
        for row in rows
    ]
