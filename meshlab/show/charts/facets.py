"""Small multiples: the same plot once for each data plane, in a grid, on axes that all of them share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from meshlab.models.overhead import dataplanes, mesh_dataplanes
from meshlab.show.charts.canvas import Look, Plot
from meshlab.show.charts.intervals import VALUE_AXIS
from meshlab.show.export import Spec
from meshlab.show.theme import SECOND_PX

COLUMNS = 2
"""Plots beside each other."""

FACET_PX, HEAD_PX, AXIS_PX, GAP_PX = 150, 24, 50, 28
"""Height of a plot, room for its heading, room for the axis below, and between plots beside each other. [px]"""

SIDES_PX = (76, 16)
"""Room to the left, for the axis, and to the right. [px]"""

Traces = Callable[[str, dict[str, str]], list[Spec]]
"""Draws one data plane's traces on the axes that it is given by name."""


@dataclass(frozen=True, slots=True)
class Axes:
    """What the plots share.

    Args:
        x_title, y_title: What runs along the axes, with units.
        x_log: Whether the axis from left to right is logarithmic.
        x: Ends of the axis from left to right.
        y: Every value that has to find room from bottom to top.
        here: Where the scenario stands on the axis from left to right.
        revision: What a zoom belongs to: with another one it is given up.
    """

    x_title: str
    y_title: str
    x_log: bool
    x: tuple[float, float]
    y: pl.Series
    here: float
    revision: str


def facets(axes: Axes, traces: Traces, look: Look) -> Plot:
    """A plot for each data plane, all of them as one."""
    rows = -(-len(mesh_dataplanes()) // COLUMNS)
    height_px = rows * (HEAD_PX + FACET_PX)
    inner_px = look.text_width - sum(SIDES_PX)
    places = [_place(index, height_px, inner_px) for index in range(len(mesh_dataplanes()))]
    drawn = [
        trace
        for name, place in zip(mesh_dataplanes(), places, strict=True)
        for trace in traces(name, {"xaxis": f"x{place.number}", "yaxis": f"y{place.number}"})
    ]
    layout: Spec = {"shapes": [], "annotations": [], "dragmode": "zoom", "uirevision": axes.revision}
    colours = look.colours
    for name, place in zip(mesh_dataplanes(), places, strict=True):
        layout |= _axes(axes, place, last=place.row == rows - 1)
        layout["annotations"].append(_heading(name, place, colours.ink))
        layout["shapes"].append(_here(axes.here, place, colours.muted))
    layout["annotations"] += _titles(axes, colours.muted)
    return Plot(drawn, layout, height_px, AXIS_PX, SIDES_PX)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one plot stands: its row and column, and its part of the whole from 0 to 1."""

    index: int
    row: int
    column: int
    x: tuple[float, float]
    y: tuple[float, float]

    @property
    def number(self) -> str:
        """What plotly appends to the names of the plot's axes."""
        return str(self.index + 1) if self.index else ""


def _place(index: int, height_px: float, width_px: float) -> _Place:
    row, column = divmod(index, COLUMNS)
    gap = GAP_PX / width_px
    width = (1 - gap * (COLUMNS - 1)) / COLUMNS
    left = column * (width + gap)
    top = 1 - (row * (FACET_PX + HEAD_PX) + HEAD_PX) / height_px
    return _Place(index, row, column, (left, left + width), (top - FACET_PX / height_px, top))


def _axes(axes: Axes, place: _Place, *, last: bool) -> Spec:
    shared = {**VALUE_AXIS, "zeroline": False, "fixedrange": False, "rangemode": "normal", "minexponent": 3}
    below = {
        **shared,
        **_scale(*axes.x, log=axes.x_log),
        "domain": place.x,
        "anchor": f"y{place.number}",
        "showticklabels": last,
    }
    side = {
        **shared,
        **_room(axes.y),
        "domain": place.y,
        "anchor": f"x{place.number}",
        "showticklabels": place.column == 0,
    }
    matches = [{"matches": letter} if place.index else {} for letter in "xy"]
    return {f"xaxis{place.number}": below | matches[0], f"yaxis{place.number}": side | matches[1]}


def _scale(lower: float, upper: float, *, log: bool) -> Spec:
    if not log:
        return {"range": [lower, upper]}
    return {"type": "log", "range": [math.log10(lower), math.log10(upper)], "dtick": 1}


def _room(values: pl.Series) -> Spec:
    """Room for all values: whole decades where all lie above zero and far apart, from zero otherwise."""
    least, most = (float(value or 0.0) for value in (values.min(), values.max()))  # type: ignore[arg-type]
    if least > 0 and most / least > 10:  # noqa: PLR2004  (within a decade a logarithm shows nothing)
        return _scale(10.0 ** math.floor(math.log10(least)), 10.0 ** math.ceil(math.log10(most)), log=True)
    return {"range": [min(least, 0.0), most * 1.06 or 1.0]}


def _heading(name: str, place: _Place, ink: str) -> Spec:
    plane = dataplanes()[name]
    return {
        "text": f"{plane.mark} <b>{plane.label}</b>",
        "x": place.x[0],
        "y": place.y[1],
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": SECOND_PX, "color": ink},
    }


def _here(value: float, place: _Place, colour: str) -> Spec:
    """Where the scenario stands: a line from top to bottom."""
    ends = {"x0": value, "x1": value, "xref": f"x{place.number}", "y0": 0, "y1": 1, "yref": f"y{place.number} domain"}
    return {"type": "line", "layer": "below", "line": {"color": colour, "width": 1, "dash": "dot"}, **ends}


def _titles(axes: Axes, colour: str) -> list[Spec]:
    """Titles of the axes, once for all plots."""
    common = {"xref": "paper", "yref": "paper", "showarrow": False, "font": {"color": colour}}
    below = {"text": axes.x_title, "x": 0.5, "y": 0, "yanchor": "top", "yshift": -24}
    side = {
        "text": axes.y_title,
        "x": 0,
        "y": 0.5,
        "xanchor": "right",
        "yanchor": "middle",
        "xshift": -46,
        "textangle": -90,
    }
    return [{**common, **below}, {**common, **side}]
