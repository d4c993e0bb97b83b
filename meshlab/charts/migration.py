"""A move over time: the nodes one after the other, the pods that restart, and the capacity that is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from meshlab.charts.canvas import Canvas, Drawing, Spec, Titled, drawing, nothing, words
from meshlab.theme import DATAPLANES, NARROW_PX, NOTE_PX, THEMES

Plan = Mapping[str, Any]

NAMED_NODES = 24
"""Nodes up to which each has a name beside its bar; of more, some have."""

ROW_PX, LEAST_PX, MOST_PX = 18, 130, 460
"""Height of a node's row, and of a plot at least and at most. [px]"""

AXIS_PX = 54
"""Room for the axis. [px]"""

NAME_PX = 7.2
"""Width of a character of a node's name, on the wide side. [px]"""

LONGEST_NAME = 28
"""Characters of a node's name that are shown."""

MOST_ROWS = 60
"""Nodes up to which the table has a row each; of more, it has a row a day."""

DRAIN, WORK = "istio-sidecar", "istio-ambient"
"""Data planes whose hues the two parts of a bar take."""

DAY = 24.0
"""Hours of a day."""

SHORTEST = 1e-6
"""Drain of a node without pods to wait for. [h]"""

AXIS = "Working time, windows one after the other [h]"


def prepared(plan: Plan) -> pl.DataFrame:
    """The nodes with begin, drained and end in working time: the hours between windows are left out.

    Columns node, pods, day, begin, drained, end. [h]
    """
    window = _window(plan)
    skipped = (pl.col("day") - 1) * (DAY - window)
    return pl.DataFrame(plan["nodes"]).select(
        "day",
        "pods",
        node=pl.col("name"),
        begin=pl.col("begin_hours") - skipped,
        drained=pl.col("drained_hours") - skipped,
        end=pl.col("end_hours") - skipped,
    )


def _window(plan: Plan) -> float:
    return next(row["value"] for row in plan["assumptions"] if row["name"] == "window_hours")


def flow(plan: Plan) -> pl.DataFrame:
    """By each hour of working time: pods that restart, the largest number of nodes closed, and all nodes.

    A node's pods restart evenly over its drain.
    """
    nodes = prepared(plan)
    hours = range(int(nodes["end"].max() or 0) + 1)  # type: ignore[arg-type]
    drained = pl.max_horizontal("drained", pl.col("begin") + SHORTEST)
    inside = (pl.min_horizontal(drained, pl.col("hour") + 1) - pl.max_horizontal("begin", "hour")).clip(0)
    met = (pl.col("begin") < pl.col("hour") + 1) & (pl.col("end") > pl.col("hour"))
    share = inside / (drained - pl.col("begin"))
    return (
        pl.DataFrame({"hour": hours}, schema={"hour": pl.Float64})
        .join(nodes, how="cross")
        .with_columns(restarts=share * pl.col("pods"), met=met)
        .group_by("hour", maintain_order=True)
        .agg(pl.sum("restarts"), nodes_met=pl.sum("met"))
        .with_columns(closed=pl.min_horizontal("nodes_met", pl.lit(plan["parallel"])), nodes=pl.lit(nodes.height))
    )


def nodes_chart(
    plan: Plan, subject: str, *, theme: str = "light", width: int | None = None, text_width: int = NARROW_PX
) -> Drawing:
    """A bar for each node: its drain, then the work on it; lines part the windows.

    Args:
        plan: A plan as plain data.
        subject: Whose nodes these are.
        theme: light, dark or print.
        width: Width, or None to fill what surrounds the figure. [px]
        text_width: The least width, into which lines are broken. [px]
    """
    chart = Titled(
        "migration-nodes", "Node by node", "Hatched: drain. Plain: work on the node. Vertical lines: a new window."
    )
    if not plan["nodes"]:
        return drawing(chart, f"{subject}: no node is drained", lambda _: nothing(), [], theme, width, text_width)
    nodes = prepared(plan)
    rows = _each(nodes) if nodes.height <= MOST_ROWS else _by_day(nodes)
    return drawing(chart, subject, lambda canvas: _bars(plan, nodes, canvas), rows, theme, width, text_width)


def _each(nodes: pl.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "node": row["node"],
            "pods": str(row["pods"]),
            "day": str(row["day"]),
            "drain [min]": f"{(row['drained'] - row['begin']) * 60:.1f}",
            "all [min]": f"{(row['end'] - row['begin']) * 60:.1f}",
        }
        for row in nodes.iter_rows(named=True)
    ]


def _by_day(nodes: pl.DataFrame) -> list[dict[str, str]]:
    days = nodes.group_by("day", maintain_order=True).agg(pl.len(), pl.sum("pods"), pl.first("node"))
    return [
        {"day": str(row["day"]), "nodes": str(row["len"]), "pods": str(row["pods"]), "first node": row["node"]}
        for row in days.iter_rows(named=True)
    ]


def _bars(plan: Plan, nodes: pl.DataFrame, canvas: Canvas) -> tuple[Sequence[Spec], Spec, dict[str, Any]]:
    places = list(range(nodes.height))
    names = [_short(name) for name in nodes["node"]]
    shown = places if nodes.height <= NAMED_NODES else places[:: -(-nodes.height // NAMED_NODES)]
    colours = THEMES[canvas.theme]
    layout = {
        "barmode": "overlay",
        "bargap": 0.25 if nodes.height <= NAMED_NODES else 0,
        "xaxis": {"fixedrange": True, "title": {"text": AXIS}, "rangemode": "tozero", "nticks": 8, "zeroline": False},
        "yaxis": {
            "fixedrange": True,
            "automargin": False,
            "tickvals": shown,
            "ticktext": [names[place] for place in shown],
            "range": [nodes.height - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
        "shapes": _windows(plan, nodes, colours.line),
    }
    plot_px = min(MOST_PX, max(LEAST_PX, ROW_PX * nodes.height))
    left = 16 + NAME_PX * max(map(len, (names[place] for place in shown)))
    traces = [
        _part(nodes, places, "begin", "drained", "drain", DRAIN, canvas),
        _part(nodes, places, "drained", "end", "work", WORK, canvas),
    ]
    return traces, layout, {"plot_px": plot_px, "below_px": AXIS_PX, "sides_px": (left, 20)}


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _part(
    nodes: pl.DataFrame, places: Sequence[int], begin: str, end: str, name: str, plane: str, canvas: Canvas
) -> Spec:
    hue = DATAPLANES[plane].hues[canvas.theme]
    pattern = (
        {"shape": "/", "fgcolor": hue, "bgcolor": THEMES[canvas.theme].paper, "size": 5} if name == "drain" else {}
    )
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": list(places),
        "base": nodes[begin].round(4).to_list(),
        "x": (nodes[end] - nodes[begin]).round(4).to_list(),
        "marker": {"color": hue, "line": {"width": 0}, "pattern": pattern},
        "customdata": nodes["node"].to_list(),
        "hovertemplate": f"%{{customdata}}: {name} %{{x:.2f}} h<extra></extra>",
    }


def _windows(plan: Plan, nodes: pl.DataFrame, colour: str) -> list[Spec]:
    """A line where each window but the first opens."""
    last = int(nodes["day"].max() or 1)  # type: ignore[arg-type]
    return [
        {
            "type": "line",
            "x0": day * _window(plan),
            "x1": day * _window(plan),
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": colour, "width": 1},
            "layer": "below",
        }
        for day in range(1, last)
    ]


def flow_chart(
    plan: Plan, subject: str, *, theme: str = "light", width: int | None = None, text_width: int = NARROW_PX
) -> Drawing:
    """Pods that restart in each hour, and beneath them the nodes that are closed.

    Args:
        plan: A plan as plain data.
        subject: Whose move it is.
        theme: light, dark or print.
        width: Width, or None to fill what surrounds the figure. [px]
        text_width: The least width, into which lines are broken. [px]
    """
    chart = Titled(
        "migration-flow",
        "Restarts and missing capacity, hour by hour",
        "Bars: pods that restart. Line: nodes closed at a time, at most. Band: no policy is enforced.",
    )
    if not plan["nodes"]:
        return drawing(chart, f"{subject}: no node is drained", lambda _: nothing(), [], theme, width, text_width)
    hours = flow(plan)
    rows = [
        {
            "hour": f"{row['hour']:.0f}",
            "pods that restart": f"{row['restarts']:.0f}",
            "nodes closed": str(row["closed"]),
            "capacity missing": f"{row['closed'] / row['nodes']:.1%}",
        }
        for row in hours.iter_rows(named=True)
    ]
    return drawing(chart, subject, lambda canvas: _flow(plan, hours, canvas), rows, theme, width, text_width)


def _flow(plan: Plan, hours: pl.DataFrame, canvas: Canvas) -> tuple[Sequence[Spec], Spec, dict[str, Any]]:
    colours = THEMES[canvas.theme]
    most, closed = float(hours["restarts"].max() or 1), int(hours["closed"].max() or 1)  # type: ignore[arg-type]
    last = hours.height
    axis = {"fixedrange": True, "rangemode": "tozero", "zeroline": False, "automargin": False}
    layout = {
        "bargap": 0.08,
        "xaxis": {**axis, "title": {"text": AXIS}, "range": [0, last], "nticks": 8},
        "yaxis": {**axis, "title": {"text": "Pods an hour"}, "range": [0, most * 1.15], "nticks": 5},
        "yaxis2": {
            **axis,
            "title": {"text": "Nodes closed"},
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "range": [0, closed * 1.15],
            "dtick": max(1, round(closed / 4)),
        },
        "shapes": [] if not plan["gaps"] else [_band(last, colours.band)],
        "annotations": [] if not plan["gaps"] else [_told(colours.muted)],
    }
    bars = {
        "type": "bar",
        "name": "pods that restart",
        "x": (hours["hour"] + 0.5).to_list(),
        "y": hours["restarts"].round(2).to_list(),
        "marker": {"color": DATAPLANES[DRAIN].hues[canvas.theme]},
        "hovertemplate": "%{y:.0f} pods<extra></extra>",
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "nodes closed",
        "yaxis": "y2",
        "x": [*hours["hour"].to_list(), float(last)],
        "y": [*hours["closed"].to_list(), hours["closed"][-1]],
        "line": {"shape": "hv", "color": DATAPLANES[WORK].hues[canvas.theme], "width": 2},
        "hovertemplate": "%{y} nodes<extra></extra>",
    }
    return [bars, line], layout, {"plot_px": 220, "below_px": AXIS_PX, "sides_px": (64, 60)}


def _band(last: float, colour: str) -> Spec:
    """The band of a gap: it opens before the first node and closes after the last."""
    return {
        "type": "rect",
        "x0": 0,
        "x1": last,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "fillcolor": colour,
        "line": {"width": 0},
        "layer": "below",
    }


def _told(colour: str) -> Spec:
    return {**words("no policy is enforced", 6, colour, NOTE_PX), "y": 1, "yref": "paper", "yshift": -2}
