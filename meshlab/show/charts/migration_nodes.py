"""The nodes of a move over time: each by name, or of a large cluster how many are done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from meshlab.show.charts.canvas import Canvas, Drawing, Spec, Titled, drawing, escape, nothing
from meshlab.show.charts.migration_pace import day_rows, pace
from meshlab.show.charts.migration_time import AXIS_PX, DRAIN, WORK, Plan, prepared, time_axis
from meshlab.show.theme import ACCENTS, NARROW_PX, THEMES

MOST_NODES = 60
"""Nodes up to which each has a bar and a row of the table; of more, the chart shows how many are done."""

NAMED_NODES = 24
"""Nodes up to which each has a name beside its bar; of more, some have."""

ROW_PX, LEAST_PX, MOST_PX = 18, 130, 460
"""Height of a node's row, and of a plot at least and at most. [px]"""

NAME_PX = 7.2
"""Width of a character of a node's name, on the wide side. [px]"""

LONGEST_NAME = 28
"""Characters of a node's name that are shown."""

BARS = Titled("migration-nodes", "Node by node", "Hatched: drain. Plain: work on the node.")

PACE = Titled(
    "migration-nodes",
    "Nodes done over time",
    "Line: nodes that are done. Bars: the slowest of the nodes that begin then, its drain under the work on it.",
)


def nodes_chart(
    plan: Plan, subject: str, *, theme: str = "light", width: int | None = None, text_width: int = NARROW_PX
) -> Drawing:
    """A bar for each node: its drain, then the work on it. Of many nodes: how many are done, and the slowest.

    Args:
        plan: A plan as plain data.
        subject: Whose nodes these are.
        theme: light, dark or print.
        width: Width, or None to fill what surrounds the figure. [px]
        text_width: The least width, into which lines are broken. [px]
    """
    if not plan["nodes"]:
        return drawing(BARS, f"{subject}: no node is drained", lambda _: nothing(), [], theme, width, text_width)
    nodes = prepared(plan)
    if nodes.height > MOST_NODES:
        rows = day_rows(nodes)
        return drawing(PACE, subject, lambda canvas: pace(plan, nodes, canvas), rows, theme, width, text_width)
    return drawing(BARS, subject, lambda canvas: _bars(plan, nodes, canvas), _each(nodes), theme, width, text_width)


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


def _bars(plan: Plan, nodes: pl.DataFrame, canvas: Canvas) -> tuple[Sequence[Spec], Spec, dict[str, Any]]:
    places = list(range(nodes.height))
    names = [_short(name) for name in nodes["node"]]
    shown = places if nodes.height <= NAMED_NODES else places[:: -(-nodes.height // NAMED_NODES)]
    layout = {
        "barmode": "overlay",
        "bargap": 0.25 if nodes.height <= NAMED_NODES else 0,
        "xaxis": time_axis(plan, nodes),
        "yaxis": {
            "fixedrange": True,
            "automargin": False,
            "tickvals": shown,
            "ticktext": [escape(names[place]) for place in shown],
            "range": [nodes.height - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
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
    nodes: pl.DataFrame, places: Sequence[int], begin: str, end: str, name: str, accent: str, canvas: Canvas
) -> Spec:
    hue = ACCENTS[accent][canvas.theme]
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
        "customdata": [escape(node) for node in nodes["node"]],
        "hovertemplate": f"%{{customdata}}: {name} %{{x:.2f}} h<extra></extra>",
    }
