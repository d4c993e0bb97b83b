"""Charts of a move: the frames that they show, against cases worked by hand, and what they say in words."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from meshlab.show.charts import Look
from meshlab.show.charts.migration import (
    BINS,
    MOST_HOURS,
    MOST_NODES,
    done,
    flow,
    flow_chart,
    nodes_chart,
    prepared,
    slowest,
)


def plan(nodes: int = 3, *, gaps: bool = True) -> dict[str, Any]:
    """Nodes of 1 h each with a drain of half an hour, two in a window of 2 h, one at a time."""
    begins = [24.0 * (place // 2) + place % 2 for place in range(nodes)]
    return {
        "nodes": {
            "name": [f"node-{place}" for place in range(nodes)],
            "pods": [10] * nodes,
            "seconds": [3600.0] * nodes,
            "day": [place // 2 + 1 for place in range(nodes)],
            "begin_hours": begins,
            "drained_hours": [begin + 0.5 for begin in begins],
            "end_hours": [begin + 1 for begin in begins],
        },
        "parallel": 1,
        "gaps": [{"route": "dual-overlay", "begin_hours": -1, "end_hours": 30}] if gaps else [],
        "assumptions": [{"name": "window_hours", "value": 2.0}],
    }


def test_nights_are_left_out() -> None:
    """The third node begins on the second day, two hours of working time after the first."""
    assert prepared(plan())["begin"].to_list() == [0, 1, 2]
    assert prepared(plan())["end"].to_list() == [1, 2, 3]


def test_every_pod_restarts_once() -> None:
    """Ten pods an hour restart, none is lost, and no more nodes are closed than go at a time."""
    hours = flow(plan(4))
    assert hours["restarts"].to_list() == pytest.approx([10, 10, 10, 10])
    assert hours["closed"].max() == 1


def test_a_short_move_has_bars_of_minutes() -> None:
    """Ten pods restart in half an hour, twenty an hour, and none while the node is worked on; the axis ends with it."""
    quarters, minutes = flow(plan(3)), flow(plan(1))
    assert quarters["restarts"].to_list() == pytest.approx([20, 20, 0, 0] * 3)
    assert minutes["restarts"].to_list() == pytest.approx([20] * 6 + [0] * 6)
    assert minutes["hour"][-1] + minutes["hours"][-1] == pytest.approx(1)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_charts_are_figures(theme: str) -> None:
    """Both charts are figures of plotly with their rows as a table and a sentence, of few nodes and of many."""
    for chart in (nodes_chart, flow_chart):
        for nodes in (3, 200):
            drawn = chart(plan(nodes), f"mine: {nodes} nodes", Look(theme))
            go.Figure(drawn.spec)
            assert drawn.rows
            assert f"mine: {nodes} nodes" in drawn.alt_text


def test_the_table_of_many_nodes_has_a_row_a_day() -> None:
    """Of more nodes than have a bar each, the table has a row for each day, with what is done by its end."""
    drawn = nodes_chart(plan(MOST_NODES + 4), "many", Look())
    assert len(drawn.rows) == (MOST_NODES + 4) / 2
    assert drawn.rows[15] == {
        "day": "16",
        "nodes": "2",
        "done by its end": "50 %",
        "pods": "20",
        "slowest node": "node-30",
        "it takes [min]": "60",
    }


def test_the_line_of_many_nodes_counts_those_that_are_done() -> None:
    """Node after node of an hour each: after n hours n nodes are done, and the line ends with all of them."""
    line = done(prepared(plan(1_000)))
    assert line["hour"].to_list() == line["nodes"].to_list()
    assert line["nodes"][-1] == 1_000
    assert line.height < 500


def test_bars_of_many_nodes_are_their_slowest() -> None:
    """A node that takes three hours among those of one is the slowest of its part, by name, and no part is lost."""
    slow = plan(600)
    slow["nodes"]["drained_hours"][100] += 2
    slow["nodes"]["end_hours"][100] += 2
    bars = slowest(prepared(slow))
    assert bars.height == BINS
    assert bars.filter(pl.col("drain") > 31).rows(named=True) == [
        {"node": "node-100", "hour": 105, "width": 10, "drain": pytest.approx(150), "work": pytest.approx(30)}
    ]


def test_a_long_move_has_a_bar_for_each_window() -> None:
    """Over more hours than have a bar each, a bar is a window's, in pods an hour, and no pod is lost."""
    hours = flow(plan(MOST_HOURS + 4))
    assert hours["hours"].unique().to_list() == [2.0]
    assert hours["restarts"].to_list() == pytest.approx([10] * 50)


def test_a_band_is_there_only_where_policies_are_off() -> None:
    """The band stands for a gap, and is not drawn without one."""
    assert flow_chart(plan(), "x", Look()).spec["layout"]["shapes"]
    assert not flow_chart(plan(gaps=False), "x", Look()).spec["layout"]["shapes"]


def test_a_move_without_nodes_says_so() -> None:
    """Where no node is drained the words say so, and nothing is drawn."""
    drawn = nodes_chart({**plan(), "nodes": None}, "mine", Look())
    assert "no node is drained" in drawn.alt_text
    assert not drawn.spec["data"]
