"""The nodes of a large cluster over time: how many are done, and which keep the others waiting."""

from __future__ import annotations

from typing import Any

import polars as pl

from meshlab.show.charts.canvas import Look, Plot, escape, words
from meshlab.show.charts.migration_time import AXIS_PX, DRAIN, WORK, Plan, time_axis
from meshlab.show.export import Spec
from meshlab.show.theme import ACCENTS, NOTE_PX

PLOT_PX = 340
"""Height of the plot. [px]"""

BINS = 60
"""Parts of the time, each with its slowest node."""

POINTS = 400
"""Points of the line of nodes that are done."""

APART = 0.15
"""Least distance between two labels, as a share of the time."""

ABOVE, BELOW = [0.42, 1.0], [0.0, 0.32]
"""Parts of the plot's height: for the nodes that are done, and for the slowest."""


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
    """A row a window: nodes that begin in it, their pods, nodes that are done by its end, and its slowest node."""
    minutes = (pl.col("end") - pl.col("begin")) * 60
    return (
        nodes.with_columns(minutes=minutes)
        .group_by("day", maintain_order=True)
        .agg(
            pl.len().alias("nodes"),
            pl.sum("pods"),
            pl.max("end"),
            pl.col("node").get(pl.col("minutes").arg_max()).alias("slowest"),
            pl.max("minutes"),
        )
        .with_columns(done=pl.col("nodes").cum_sum())
    )


def day_rows(nodes: pl.DataFrame) -> list[dict[str, str]]:
    """The windows as rows of text."""
    return [
        {
            "day": str(row["day"]),
            "nodes": f"{row['nodes']:,}",
            "done by its end": f"{100 * row['done'] / nodes.height:.0f} %",
            "pods": f"{row['pods']:,}",
            "slowest node": row["slowest"],
            "it takes [min]": f"{row['minutes']:.0f}",
        }
        for row in by_day(nodes).iter_rows(named=True)
    ]


def pace(plan: Plan, nodes: pl.DataFrame, look: Look) -> Plot:
    """The line of nodes that are done, above bars of the slowest node of each part of the time."""
    axis = {"fixedrange": True, "rangemode": "tozero", "zeroline": False, "automargin": False}
    layout = {
        "barmode": "stack",
        "xaxis": time_axis(plan, nodes),
        "yaxis": {**axis, "title": {"text": "Slowest [min]"}, "domain": BELOW, "nticks": 4},
        "yaxis2": {**axis, "title": {"text": "Nodes done"}, "domain": ABOVE, "range": [0, nodes.height * 1.12]},
        "annotations": _labels(nodes, look),
    }
    bars = slowest(nodes)
    traces = [_bar(bars, "drain", DRAIN, look), _bar(bars, "work", WORK, look), _line(done(nodes), look)]
    return Plot(traces, layout, PLOT_PX, AXIS_PX, (70, 20))


def _bar(bars: pl.DataFrame, part: str, accent: str, look: Look) -> Spec:
    return {
        "type": "bar",
        "name": part,
        "x": bars["hour"].round(4).to_list(),
        "y": bars[part].round(2).to_list(),
        "width": (bars["width"] * 0.85).round(4).to_list(),
        "marker": {"color": ACCENTS[accent][look.theme], "line": {"width": 0}},
        "customdata": [escape(node) for node in bars["node"]],
        "hovertemplate": f"%{{customdata}}: {part} %{{y:.0f}} min<extra></extra>",
    }


def _line(line: pl.DataFrame, look: Look) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "nodes done",
        "yaxis": "y2",
        "x": line["hour"].round(4).to_list(),
        "y": line["nodes"].to_list(),
        "line": {"color": look.colours.ink, "width": 2.5},
        "hovertemplate": "%{y:,} nodes after %{x:.1f} h<extra></extra>",
    }


def _labels(nodes: pl.DataFrame, look: Look) -> list[Spec]:
    """What share is done at the end of a window: of the last one, and of those that leave room for their label."""
    colour = look.colours.ink
    return [
        {
            **words(f"day {row['day']}: {100 * row['done'] / nodes.height:.0f} %", -8, colour, NOTE_PX),
            "x": row["end"],
            "xref": "x",
            "y": row["done"],
            "yref": "y2",
            "xanchor": "right",
            "yanchor": "bottom",
        }
        for row in _labelled(by_day(nodes))
    ]


def _labelled(days: pl.DataFrame) -> list[dict[str, Any]]:
    """From the last window backwards, each that ends far enough before the one that was labelled before."""
    apart = days.select(pl.max("end")).item() * APART
    found: list[dict[str, Any]] = []
    for row in reversed(days.rows(named=True)):
        if not found or found[-1]["end"] - row["end"] >= apart:
            found.append(row)
    return found
