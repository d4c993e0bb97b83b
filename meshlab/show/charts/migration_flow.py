"""What a move does to a cluster over time: pods that restart, and nodes that are closed."""

from __future__ import annotations

from math import ceil

import polars as pl

from meshlab.show.charts.canvas import NOTHING_DRAWN, Captions, Look, Plot, chart_of, words
from meshlab.show.charts.migration_time import AXIS_PX, DRAIN, WORK, Plan, prepared, time_axis, window_hours
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import ACCENTS, NOTE_PX

SHORTEST = 1e-6
"""Drain of a node without pods to wait for. [h]"""

MOST_HOURS = 96
"""Hours up to which each has a bar; of more, each window has one."""

SHORT_MOVES = {1.0: 1 / 12, 3.0: 1 / 4}
"""Hours of a short move, and the parts of an hour that have a bar then: an hour's would seem to last for all of it."""


WORDS = (
    "migration-flow",
    "Restarts and missing capacity over time",
    "Bars: pods that restart. Line: nodes closed at a time, at most. Band: no policy is enforced.",
)
"""Name, title and key."""


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
        return chart_of(Captions(*WORDS, f"{subject}: no node is drained"), NOTHING_DRAWN, [], look)
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
    return chart_of(Captions(*WORDS, subject), _flow(plan, hours, look), rows, look)


def _flow(plan: Plan, hours: pl.DataFrame, look: Look) -> Plot:
    colours = look.colours
    most, closed = float(hours["restarts"].max() or 1), int(hours["closed"].max() or 1)  # type: ignore[arg-type]
    last = hours["hour"][-1] + hours["hours"][-1]
    axis = {"fixedrange": True, "rangemode": "tozero", "zeroline": False, "automargin": False}
    layout = {
        "bargap": 0.08,
        "xaxis": {**time_axis(plan, prepared(plan)), "range": [0, last]},
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
    return Plot([bars, line], layout, 220, AXIS_PX, (64, 60))


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
