"""What options lack and why a default stands, in the words of reports."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from meshlab.reviews.record import Review
from meshlab.reviews.review import review_values
from meshlab.show import report
from meshlab.show.report import found_text, lack_text
from meshlab.show.theme import figure_text, interval_text
from meshlab.show.words import SAVING

GROWN: dict[str, Any] = {"greenfield": False, "current_cni": "calico", "kernel_oldest": "5.15", "windows_nodes": 0}


def lacking(made: Review, option: str) -> list[str]:
    """What one option lacks, in words."""
    return [lack_text(lack) for item in made.verdict.options if item["option"] == option for lack in item["lacks"]]


def test_an_option_says_what_it_needs_and_what_was_found() -> None:
    """Cilium's own mesh needs Cilium; what runs is Calico, and that is what is told."""
    made = review_values({**GROWN, "needs": ["mtls"], "cni_healthy": True})
    assert "needs Cilium as network plugin; found: calico" in lacking(made, "cilium-mesh")
    assert lacking(made, "none") == ["Mutual TLS with workload identity is asked for; found: no mesh"]
    record = report.decision_record(made)
    assert "- Bad: needs Cilium as network plugin; found: calico" in record


def test_what_is_not_known_is_open() -> None:
    """A plugin is there to stay with only where the cluster is not new, which is named as what is not known."""
    made = review_values({"current_cni": "calico"})
    assert lacking(made, "stay")[0] == "needs a network plugin that runs already, to stay with; not known: New cluster"


def test_inputs_and_needs_are_found_by_their_labels() -> None:
    """No report shows the name of a column where something was found; a need's own words stay."""
    assert found_text("current_cni cilium, greenfield no") == "CNI today: cilium, New cluster: no"
    assert found_text("cni calico") == "calico"
    assert found_text("not read in any source") == "not read in any source"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"cni_healthy": False}, "Nothing that is known makes a case for a change."),
        # an auditor asks for Calico Enterprise, which no cluster on kube-router can move to
        (
            {"cni_healthy": False, "current_cni": "kube-router", "regulated": True},
            "What would be recommended is ruled out: see the blockers.",
        ),
    ],
)
def test_the_default_says_which_of_its_reasons_holds(facts: dict[str, Any], reason: str) -> None:
    """Where nothing holds the default says so; where a row holds whose option is ruled out, that."""
    made = review_values({**GROWN, "cloud": "self-managed", "needs": [], "regulated": False, **facts})
    assert made.verdict.matched[0] == "unchanged"
    assert made.verdict.reasons[0] == reason


def test_a_figure_below_zero_has_a_minus_and_a_reason() -> None:
    """A change of plugin may save: a minus sign and a word stand between the ends, and a sentence says why."""
    made = review_values({**GROWN, "needs": ["l7_policy"], "cloud": "eks"})
    figures = made.headline.figures
    figures[1] = replace(figures[1], recommended=0.61, recommended_lo=-14.0, recommended_hi=13.0)
    assert interval_text(-14.0, 13.0) == "\N{MINUS SIGN}14 to 13"
    assert interval_text(2.0, 13.0) == "2.0 – 13"
    assert (figure_text(-0.00002), figure_text(0.00002)) == ("> \N{MINUS SIGN}0.001", "< 0.001")
    for text in (report.headline(made).html, report.decision_record(made), report.markdown_page(made)):
        assert SAVING in text
    assert SAVING not in report.headline(review_values({**GROWN, "needs": [], "cni_healthy": True})).html
