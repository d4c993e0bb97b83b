"""A move over time: its nodes by name, or how many are done, and the pods that restart and nodes that are closed.

All of it is in working time: the hours between windows are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import polars as pl

from meshlab.show.charts import canvas
from meshlab.show.charts.canvas import Captions, Look, Plot
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import ACCENTS, NOTE_PX

Plan = Mapping[str, Any]

DRAIN, WORK = "warm", "cool"
"""Accents of the drain of a node and of the work on it."""

MOST_TICKS = 8
"""Ticks of the time axis."""

MOST_NODES, NAMED_NODES = 60, 24
"""Nodes up to which each has a bar, of more the chart shows how many are done; and up to which each has a name."""

LONGEST_NAME = 28
"""Characters of a node's name that are shown."""

BARS = ("migration-nodes", "Node by node", "Hatched: drain. Plain: work on the node.")
"""Name, title and key where each node has a bar."""

PACE = (
    "migration-nodes",
    "Nodes done over time",
    "Line: nodes that are done. Bars: the slowest of the nodes that begin then, its drain under the work on it.",
)
"""The same where there are too many nodes for that."""

FLOW = (
    "migration-flow",
    "Restarts and missing capacity over time",
    "Bars: pods that restart. Line: nodes closed at a time, at most. Band: no policy is enforced.",
)
"""The same of what a move does to the cluster meanwhile."""

BINS = 60
"""Parts of the time, each with its slowest node."""

POINTS = 400
"""Points of the line of nodes that are done."""

APART = 0.15
"""Least distance between two labels, as a share of the time."""

ABOVE, BELOW = [0.42, 1.0], [0.0, 0.32]
"""Parts of the plot's height: for the nodes that are done, and for the slowest."""

SHORTEST = 1e-6
"""Drain of a node without pods to wait for. [h]"""

MOST_HOURS = 96
"""Hours up to which each has a bar; of more, each window has one."""

SHORT_MOVES = {1.0: 1 / 12, 3.0: 1 / 4}
"""Hours of a short move, and the parts of an hour that have a bar then: an hour's would seem to last for all of it."""

AXIS: Spec = {"fixedrange": True, "rangemode": "tozero", "zeroline": False, "automargin": False}
"""An axis of counts or minutes."""


# --- working time --------------------------------------------------------------------------------------------------


def prepared(plan: Plan) -> pl.DataFrame:
    """The nodes with begin, drained and end in working time: the hours between windows are left out.

    Columns day, pods, node, begin, drained, end. [h]
    """
    skipped = (pl.col("day") - 1) * (24.0 - window_hours(plan))
    hours = {name: pl.col(f"{name}_hours") - skipped for name in ("begin", "drained", "end")}
    return pl.DataFrame(plan["nodes"]).select("day", "pods", node=pl.col("name"), **hours)


def window_hours(plan: Plan) -> float:
    """Length of a day's window. [h]"""
    return next(row["value"] for row in plan["assumptions"] if row["name"] == "window_hours")


def _time_axis(plan: Plan, nodes: pl.DataFrame) -> Spec:
    """The time axis: its lines stand where windows open, where there is more than one."""
    days = nodes.select(pl.max("day").fill_null(1)).item()
    windows = {"dtick": window_hours(plan) * -(-days // MOST_TICKS), "showgrid": True}
    title = {"text": "Working time, windows one after the other [h]"}
    ticks = windows if days > 1 else {"nticks": MOST_TICKS}
    return {"fixedrange": True, "title": title, "rangemode": "tozero", "zeroline": False, **ticks}


# --- nodes ---------------------------------------------------------------------------------------------------------


def nodes_chart(plan: Plan, subject: str, look: Look) -> Chart:
    """A bar for each node: its drain, then the work on it. Of many nodes: how many are done, and the slowest.

    Args:
        plan: A plan as plain data.
        subject: Whose nodes these are.
        look: Theme and size.
    """
    if not plan["nodes"]:
        return canvas.chart_of(Captions(*BARS, f"{subject}: no node is drained"), canvas.NOTHING_DRAWN, [], look)
    nodes = prepared(plan)
    if nodes.height > MOST_NODES:
        days = by_day(nodes)
        return canvas.chart_of(Captions(*PACE, subject), _pace(plan, nodes, days, look), _day_rows(days), look)
    rows = [
        {
            "node": row["node"],
            "pods": str(row["pods"]),
            "day": str(row["day"]),
            "drain [min]": f"{(row['drained'] - row['begin']) * 60:.1f}",
            "all [min]": f"{(row['end'] - row['begin']) * 60:.1f}",
        }
        for row in nodes.iter_rows(named=True)
    ]
    return canvas.chart_of(Captions(*BARS, subject), _each_node(plan, nodes, look), rows, look)


def _each_node(plan: Plan, nodes: pl.DataFrame, look: Look) -> Plot:
    names = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in nodes["node"]]
    every = 1 if nodes.height <= NAMED_NODES else -(-nodes.height // NAMED_NODES)
    layout = {
        "barmode": "overlay",
        "bargap": 0.25 if nodes.height <= NAMED_NODES else 0,
        "xaxis": _time_axis(plan, nodes),
        "yaxis": {
            "fixedrange": True,
            "automargin": False,
            "tickvals": list(range(0, nodes.height, every)),
            "ticktext": list(map(canvas.escape, names[::every])),
            "range": [nodes.height - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
    }
    paper, drain = look.colours.paper, ACCENTS[DRAIN][look.theme]
    hatching: Spec = {"shape": "/", "fgcolor": drain, "bgcolor": paper, "size": 5}
    parts = (("drain", "begin", "drained", DRAIN, hatching), ("work", "drained", "end", WORK, Spec()))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": list(range(nodes.height)),
            "base": nodes[begin].round(4).to_list(),
            "x": (nodes[end] - nodes[begin]).round(4).to_list(),
            "marker": {"color": ACCENTS[accent][look.theme], "line": {"width": 0}, "pattern": pattern},
            "customdata": list(map(canvas.escape, nodes["node"])),
            "hovertemplate": f"%{{customdata}}: {name} %{{x:.2f}} h<extra></extra>",
        }
        for name, begin, end, accent, pattern in parts
    ]
    height_px = min(460, max(130, 18 * nodes.height))
    left_px = 16 + 7.2 * max(map(len, names[::every]))  # a character is at most so wide
    return Plot(traces, layout, height_px, below_px=canvas.AXIS_PX, sides_px=(left_px, 20))


# --- many nodes ----------------------------------------------------------------------------------------------------


def done(nodes: pl.DataFrame) -> pl.DataFrame:
    """Nodes that are done at a time: hour and nodes, from none to all, in no more points than can be seen."""
    ends = nodes.select(hour=pl.col("end").sort(), nodes=pl.int_range(1, pl.len() + 1))
    every = -(-nodes.height // POINTS)
    seen = ends.filter((pl.col("nodes") % every == 0) | (pl.col("nodes") == nodes.height))
    return pl.concat([pl.DataFrame({"hour": [0.0], "nodes": [0]}, schema=seen.schema), seen])


def slowest(nodes: pl.DataFrame) -> pl.DataFrame:
    """Of the nodes that begin in each part of the time, the one that takes longest: hour, width, node, drain, work.

    Hours are those of the part's middle; drain and work are in minutes.
    """
    width = nodes.select(pl.max("end") / BINS).item()
    return (
        nodes.with_columns(place=(pl.col("begin") / width).floor())
        .sort(pl.col("end") - pl.col("begin"), descending=True, maintain_order=True)
        .group_by("place", maintain_order=True)
        .first()
        .sort("place")
        .select(
            "node",
            hour=(pl.col("place") + 0.5) * width,
            width=width,
            drain=(pl.col("drained") - pl.col("begin")) * 60,
            work=(pl.col("end") - pl.col("drained")) * 60,
        )
    )


def by_day(nodes: pl.DataFrame) -> pl.DataFrame:
    """A row a window: its nodes, their pods, nodes and share that are done by its end, and its slowest node. [min]"""
    minutes = (pl.col("end") - pl.col("begin")) * 60
    slow = pl.col("node").get(pl.col("minutes").arg_max()).alias("slowest")
    return (
        nodes.with_columns(minutes=minutes)
        .group_by("day", maintain_order=True)
        .agg(pl.len().alias("nodes"), pl.sum("pods"), pl.max("end"), slow, pl.max("minutes"))
        .with_columns(done=pl.col("nodes").cum_sum())
        .with_columns(share=100 * pl.col("done") / nodes.height)
    )


def _day_rows(days: pl.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "day": str(row["day"]),
            "nodes": f"{row['nodes']:,}",
            "done by its end": f"{row['share']:.0f} %",
            "pods": f"{row['pods']:,}",
            "slowest node": row["slowest"],
            "it takes [min]": f"{row['minutes']:.0f}",
        }
        for row in days.iter_rows(named=True)
    ]


def _pace(plan: Plan, nodes: pl.DataFrame, days: pl.DataFrame, look: Look) -> Plot:
    """The line of nodes that are done, above bars of the slowest node of each part of the time."""
    layout = {
        "barmode": "stack",
        "xaxis": _time_axis(plan, nodes),
        "yaxis": {**AXIS, "title": {"text": "Slowest [min]"}, "domain": BELOW, "nticks": 4},
        "yaxis2": {**AXIS, "title": {"text": "Nodes done"}, "domain": ABOVE, "range": [0, nodes.height * 1.12]},
        "annotations": _shares(days, look.colours.ink),
    }
    line, bars = done(nodes), slowest(nodes)
    traces: list[Spec] = [
        {
            "type": "bar",
            "name": part,
            "x": bars["hour"].round(4).to_list(),
            "y": bars[part].round(2).to_list(),
            "width": (bars["width"] * 0.85).round(4).to_list(),
            "marker": {"color": ACCENTS[accent][look.theme], "line": {"width": 0}},
            "customdata": list(map(canvas.escape, bars["node"])),
            "hovertemplate": f"%{{customdata}}: {part} %{{y:.0f}} min<extra></extra>",
        }
        for part, accent in (("drain", DRAIN), ("work", WORK))
    ]
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "nodes done",
            "yaxis": "y2",
            "x": line["hour"].round(4).to_list(),
            "y": line["nodes"].to_list(),
            "line": {"color": look.colours.ink, "width": 2.5},
            "hovertemplate": "%{y:,} nodes after %{x:.1f} h<extra></extra>",
        }
    )
    return Plot(traces, layout, height_px=340, below_px=canvas.AXIS_PX, sides_px=(70, 20))


def _shares(days: pl.DataFrame, ink: str) -> list[Spec]:
    """What share is done at the end of a window: of the last one, and of those that leave room for their label."""
    apart = days.select(pl.max("end")).item() * APART
    labelled: list[dict[str, Any]] = []
    for row in reversed(days.rows(named=True)):
        if not labelled or labelled[-1]["end"] - row["end"] >= apart:
            labelled.append(row)
    return [
        {
            **canvas.words(f"day {row['day']}: {row['share']:.0f} %", -8, ink, NOTE_PX),
            "x": row["end"],
            "xref": "x",
            "y": row["done"],
            "yref": "y2",
            "xanchor": "right",
            "yanchor": "bottom",
        }
        for row in labelled
    ]


# --- restarts and closed nodes -------------------------------------------------------------------------------------


def flow(plan: Plan) -> pl.DataFrame:
    """By each hour of working time, or its parts, or each window: pods that restart, nodes closed, and all nodes.

    A node's pods restart evenly over its drain. Columns hour (at which the part begins), hours (its length), restarts
    (pods an hour), closed (the largest number of nodes at a time) and nodes.
    """
    nodes = prepared(plan)
    last = nodes.select(pl.max("end")).item() or 0.0
    width = next((part for hours, part in SHORT_MOVES.items() if last <= hours), 1.0)
    width = width if last <= MOST_HOURS else window_hours(plan)
    begins = [place * width for place in range(max(1, ceil(last / width - SHORTEST)))]
    drained = pl.max_horizontal("drained", pl.col("begin") + SHORTEST)
    inside = (pl.min_horizontal(drained, pl.col("hour") + width) - pl.max_horizontal("begin", "hour")).clip(0)
    met = (pl.col("begin") < pl.col("hour") + width) & (pl.col("end") > pl.col("hour"))
    share = inside / (drained - pl.col("begin"))
    return (
        pl.DataFrame({"hour": begins}, schema={"hour": pl.Float64})
        .join(nodes, how="cross")
        .with_columns(restarts=share * pl.col("pods") / width, met=met)
        .group_by("hour", maintain_order=True)
        .agg(pl.sum("restarts"), nodes_met=pl.sum("met"))
        .with_columns(
            hours=width,
            closed=pl.min_horizontal("nodes_met", pl.lit(plan["parallel"])),
            nodes=pl.lit(nodes.height),
        )
    )


def flow_chart(plan: Plan, subject: str, look: Look) -> Chart:
    """Pods that restart over time, and the nodes that are closed meanwhile.

    Args:
        plan: A plan as plain data.
        subject: Whose move it is.
        look: Theme and size.
    """
    if not plan["nodes"]:
        return canvas.chart_of(Captions(*FLOW, f"{subject}: no node is drained"), canvas.NOTHING_DRAWN, [], look)
    hours = flow(plan)
    rows = [
        {
            "from hour": f"{row['hour']:.3g}",
            "pods that restart, an hour": f"{row['restarts']:.0f}",
            "nodes closed": str(row["closed"]),
            "capacity missing": f"{100 * row['closed'] / row['nodes']:.1f} %",
        }
        for row in hours.iter_rows(named=True)
    ]
    return canvas.chart_of(Captions(*FLOW, subject), _flow(plan, hours, look), rows, look)


def _flow(plan: Plan, hours: pl.DataFrame, look: Look) -> Plot:
    colours = look.colours
    most, closed = float(hours["restarts"].max() or 1), int(hours["closed"].max() or 1)  # type: ignore[arg-type]
    last = hours["hour"][-1] + hours["hours"][-1]
    gap = {"type": "rect", "x0": 0, "x1": last, "y0": 0, "y1": 1, "yref": "paper", "fillcolor": colours.band}
    told = canvas.words("no policy is enforced", 6, colours.muted, NOTE_PX)
    layout = {
        "bargap": 0.08,
        "xaxis": {**_time_axis(plan, prepared(plan)), "range": [0, last]},
        "yaxis": {**AXIS, "title": {"text": "Pods an hour"}, "range": [0, most * 1.15], "nticks": 5},
        "yaxis2": {
            **AXIS,
            "title": {"text": "Nodes closed"},
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "range": [0, closed * 1.15],
            "dtick": max(1, round(closed / 4)),
        },
        # a gap opens before the first node and closes after the last
        "shapes": [{**gap, "line": {"width": 0}, "layer": "below"}] if plan["gaps"] else [],
        "annotations": [{**told, "y": 1, "yref": "paper", "yshift": -2}] if plan["gaps"] else [],
    }
    bars = {
        "type": "bar",
        "name": "pods that restart",
        "x": (hours["hour"] + hours["hours"] / 2).to_list(),
        "y": hours["restarts"].round(2).to_list(),
        "marker": {"color": ACCENTS[DRAIN][look.theme]},
        "hovertemplate": "%{y:.0f} pods an hour<extra></extra>",
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "nodes closed",
        "yaxis": "y2",
        "x": [*hours["hour"].to_list(), last],
        "y": [*hours["closed"].to_list(), hours["closed"][-1]],
        "line": {"shape": "hv", "color": ACCENTS[WORK][look.theme], "width": 2},
        "hovertemplate": "%{y} nodes<extra></extra>",
    }
    return Plot([bars, line], layout, height_px=220, below_px=canvas.AXIS_PX, sides_px=(64, 60))
