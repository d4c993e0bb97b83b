"""The plan that follows the hand, and what the workbook shows beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from meshlab.errors import MeshlabError
from meshlab.show import report, views
from meshlab.show.widgets import MoveView

BUDGETS = Path(__file__).parent / "budgets.yaml"
PLACES = ("calico+none", "cilium")
"""A dump that shows nodes and pods, and a move that drains them."""


def test_sliders_plan_anew() -> None:
    """More nodes at a time make the move shorter, and the charts follow."""
    case, review = views.opened(BUDGETS)
    view = MoveView(case, review, *PLACES)
    before, ticks = view.words.value, view.figures.tick
    view.sliders["max_unavailable"].value = 2
    assert view.figures.tick == ticks + 1
    assert view.words.value != before
    assert "2 at a time" in view.words.value
    assert set(view.figures.figures) == {"migration-nodes", "migration-flow"}


def test_sliders_begin_at_the_workbooks_parameters() -> None:
    """A figure that is given stands on its slider and in the plan; one that is not is the team's own."""
    case, review = views.opened(BUDGETS)
    view = MoveView(case, review, *PLACES, own={"max_unavailable": 2, "window_hours": None})
    assert view.own == {"window_hours": 6.0, "max_unavailable": 2, "surge_nodes": 0}
    assert "2 at a time" in view.words.value


def test_a_plan_of_another_target_leaves_the_review_alone() -> None:
    """Another target changes the plan of the copy, and nothing else."""
    case, review = views.opened("openshift-aws")
    planned = views.planned(case, review, target="ovn-kubernetes+none", own={"window_hours": 2, "surge_nodes": None})
    moved = planned.migration or {}
    assert (moved["to"]["cni"], moved["to"]["edition"]["cni"]) == ("ovn-kubernetes", "openshift")
    assert replace(planned, migration=review.migration) == review


def test_a_wrong_figure_is_refused() -> None:
    """A window that no day has is an error that says what is allowed."""
    case, review = views.opened("openshift-aws")
    with pytest.raises(MeshlabError, match=r"allowed: 0\.5 to 24"):
        views.planned(case, review, own={"window_hours": 30})


def test_fragments_are_there_with_and_without_a_move() -> None:
    """Needs, gaps and charts say something of a move and of a team that stays."""
    for source, today, target in (
        (BUDGETS, *PLACES),
        ("openshift-aws", "", ""),
        ("openshift-aws", "", "stay"),
    ):
        planned = views.planned(*views.opened(source), today, target)
        assert "<" in views.needs(planned).html
        assert "<" in views.gaps(planned).html
        for name in ("migration-nodes", "migration-flow"):
            assert report.migration_chart(planned, name)._repr_mimebundle_()["text/plain"]
