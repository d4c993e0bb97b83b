"""The nodes of a move over time: each by name, or of a large cluster how many are done."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from meshlab.show.charts.canvas import NOTHING_DRAWN, Captions, Look, Plot, chart_of, escape
from meshlab.show.charts.migration_pace import day_rows, pace
from meshlab.show.charts.migration_time import AXIS_PX, DRAIN, WORK, Plan, prepared, time_axis
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import ACCENTS

NAME = "migration-nodes"

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

BARS = ("Node by node", "Hatched: drain. Plain: work on the node.")
"""Title and key where each node has a bar."""

PACE = (
    "Nodes done over time",
    "Line: nodes that are done. Bars: the slowest of the nodes that begin then, its drain under the work on it.",
)
"""Title and key where there are too many nodes for that."""


def nodes_chart(plan: Plan, subject: str, look: Look) -> Chart:
    """A bar for each node: its drain, then the work on it. Of many nodes: how many are done, and the slowest.

    Args:
        plan: A plan as plain data.
        subject: Whose nodes these are.
        look: Theme and size.
    """
    if not plan["nodes"]:
        return chart_of(Captions(NAME, *BARS, f"{subject}: no node is drained"), NOTHING_DRAWN, [], look)
    nodes = prepared(plan)
    if nodes.height > MOST_NODES:
        return chart_of(Captions(NAME, *PACE, subject), pace(plan, nodes, look), day_rows(nodes), look)
    return chart_of(Captions(NAME, *BARS, subject), _bars(plan, nodes, look), _each(nodes), look)


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


def _bars(plan: Plan, nodes: pl.DataFrame, look: Look) -> Plot:
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
        _part(nodes, places, "begin", "drained", "drain", DRAIN, look),
        _part(nodes, places, "drained", "end", "work", WORK, look),
    ]
    return Plot(traces, layout, plot_px, AXIS_PX, (left, 20))


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _part(nodes: pl.DataFrame, places: Sequence[int], begin: str, end: str, name: str, accent: str, look: Look) -> Spec:
    hue = ACCENTS[accent][look.theme]
    pattern = {"shape": "/", "fgcolor": hue, "bgcolor": look.colours.paper, "size": 5} if name == "drain" else {}
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
