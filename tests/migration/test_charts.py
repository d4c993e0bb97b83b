"""Charts of a move: the frames that they show, against cases worked by hand, and what they say in words."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pytest

from meshlab.charts.migration import MOST_ROWS, flow, flow_chart, nodes_chart, prepared


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
    hours = flow(plan())
    assert hours["restarts"].to_list() == pytest.approx([10, 10, 10, 0])
    assert hours["closed"].max() == 1


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_charts_are_figures(theme: str) -> None:
    """Both charts are figures of plotly with their rows as a table and a sentence."""
    for chart in (nodes_chart, flow_chart):
        drawn = chart(plan(), "mine: 3 nodes", theme=theme)
        go.Figure(drawn.spec)
        assert drawn.rows
        assert "mine: 3 nodes" in drawn.words


def test_the_table_of_many_nodes_has_a_row_a_day() -> None:
    """Of more nodes than a table can show it has a row for each day."""
    drawn = nodes_chart(plan(MOST_ROWS + 2), "many")
    assert len(drawn.rows) == (MOST_ROWS + 2) / 2
    assert drawn.rows[0] == {"day": "1", "nodes": "2", "pods": "20", "first node": "node-0"}


def test_a_band_is_there_only_where_policies_are_off() -> None:
    """The band stands for a gap, and is not drawn without one."""
    assert flow_chart(plan(), "x").spec["layout"]["shapes"]
    assert not flow_chart(plan(gaps=False), "x").spec["layout"]["shapes"]


def test_a_move_without_nodes_says_so() -> None:
    """Where no node is drained the words say so, and nothing is drawn."""
    drawn = nodes_chart({**plan(), "nodes": None}, "mine")
    assert "no node is drained" in drawn.words
    assert not drawn.spec["data"]
