"""Two scenarios beside each other."""

from __future__ import annotations

import numpy as np
import pytest

from meshlab.errors import MeshlabError
from meshlab.models.overhead import draw_estimates
from meshlab.reviews.review import SUMMARY_FIGURES, against
from meshlab.scenario import frame_of
from meshlab.show import report, widgets

ONE = {"services": 120, "pods": 480, "nodes": 12, "needs": ["mtls"], "current_cni": "calico", "current_mesh": "none"}
OTHER = {**ONE, "pods": 960, "requests_per_second": 20000.0}


def test_a_difference_is_taken_draw_by_draw() -> None:
    """The interval of each figure is that of the second less the first in the same draw, over one query of both."""
    both = against(ONE, OTHER)
    plane = both.one.headline.dataplane
    assert plane == both.other.headline.dataplane != "none"
    rows = draw_estimates(frame_of([{"scenario": "a", **ONE}, {"scenario": "b", **OTHER}])).collect()
    for shown in both.figures:
        a, b = (
            np.array(rows.filter(scenario=name, dataplane=plane).sort("draw")[shown.figure].to_list()) for name in "ab"
        )
        expected = np.quantile(b - a, [0.1, 0.5, 0.9])
        assert [shown.lo, shown.middle, shown.hi] == pytest.approx(list(expected))
        alone = np.quantile(np.random.default_rng(1).permutation(b) - a, [0.1, 0.9])
        assert expected[2] - expected[0] < alone[1] - alone[0]
    assert [row.figure for row in both.figures] == list(SUMMARY_FIGURES)


def test_only_inputs_that_differ_are_named() -> None:
    """A changed value and one that was not given are named; the same scenario twice differs in nothing, by nothing."""
    assert against(ONE, OTHER).inputs == [("pods", 480, 960), ("requests_per_second", None, 20000.0)]
    same = against(ONE, ONE)
    assert same.inputs == []
    assert {(row.lo, row.middle, row.hi) for row in same.figures} == {(0.0, 0.0, 0.0)}


def test_no_mesh_beside_a_mesh_takes_its_figures_away() -> None:
    """Where the answer is no mesh, its figures are zero, and the difference is all that the other one adds."""
    both = against(ONE, {**ONE, "needs": []})
    assert both.other.headline.dataplane == "none"
    for row in both.figures:
        assert row.other == 0
        assert row.lo < row.middle < row.hi < 0  # type: ignore[operator]


def test_a_scenario_without_an_answer_has_no_difference() -> None:
    """Where not enough is known for a mesh, figures of that side and differences are unknown, not zero."""
    unknown = {name: value for name, value in ONE.items() if name != "needs"}
    both = against(unknown, ONE)
    assert both.one.verdict.mesh is None
    assert {(row.one, row.lo, row.hi) for row in both.figures} == {(None, None, None)}
    assert "unknown" in report.pinned(both).html
    with pytest.raises(MeshlabError):
        against(ONE, {"pods": -1})


def test_a_pinned_scenario_is_compared_with_the_panel() -> None:
    """The button keeps the scenario of now, which later changes of the panel leave alone; once more lets it go."""
    panel = widgets.panel(ONE)
    panel.pin_button.click()
    panel.set(OTHER)
    assert panel.pinned == ONE
    view = widgets.AnswerView(panel)
    text = report.pinned(against(panel.pinned, panel.scenario)).text
    assert "Pods in the mesh" in text
    assert view.headline._against(panel.scenario) == report.pinned(against(ONE, OTHER)).html
    panel.pin_button.click()
    assert panel.pinned is None
    assert view.headline._against(panel.scenario) == ""
