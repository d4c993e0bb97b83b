"""A plan in words: the answer comes first, and says no more than is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meshlab.cluster.audit.inventory import read_inventory
from meshlab.planning.migration import Move, Place, Setting, plan_move, survey_of
from meshlab.planning.migration.text import answers, in_the_way_text, plan_text, worth_text

BUDGETS = Path(__file__).parent / "budgets.yaml"
SCENARIO = {"nodes": 3, "pods": 4, "namespaces": 2, "services": 5, "cloud": None}


def planned(survey: dict[str, Any] | None = None) -> dict[str, Any]:
    """The plan of a move from Calico to Cilium."""
    return plan_move(Move(Place("calico", "none"), Place("cilium", "none"), Setting(SCENARIO, survey)))


def money(monthly: float, months: float | str) -> dict[str, Any]:
    """A plan that costs 1,000 USD once and saves so much a month."""
    saved = dict.fromkeys(("usd_per_month_lo", "usd_per_month", "usd_per_month_hi"), monthly)
    needs = {
        f"{name}{end}": value for name, value in (("usd", 1000), ("person_hours", 10)) for end in ("_lo", "", "_hi")
    }
    needs |= {"rent_usd": None}
    return {
        "fresh": False,
        "needs": needs,
        "brings": {**saved, "months_lo": 1.5, "months": months, "months_hi": "never"},
    }


def test_the_answer_comes_first() -> None:
    """How long, what stands in the way and whether it is worth it are the first lines, before any step."""
    lines = list(plan_text(planned(survey_of(read_inventory([BUDGETS])))))
    assert [line.split(":")[0].strip() for line in lines[1:4]] == ["Takes", "In the way", "Worth it"]
    assert "4 pods restart" in lines[1]
    assert not any("\n" in line for line in lines)


def test_a_pod_that_restarts_in_several_rounds_is_told_with_them() -> None:
    """Two reboots of each node and a proxy: the same 4 pods three times over, and no sum of pods that there are not."""
    scenario = {**SCENARIO, "cloud": "openshift"}
    places = (
        Place("openshift-sdn", "none"),
        Place("ovn-kubernetes", "istio-sidecar", "openshift", "openshift-service-mesh"),
    )
    found = plan_move(Move(*places, Setting(scenario)))
    assert found["restarts"] == 4
    assert "4 pods restart, up to 3 times each" in answers(found)["Takes"]
    assert "times each" not in answers(planned(survey_of(read_inventory([BUDGETS]))))["Takes"]


def test_severities_are_counted() -> None:
    """Blockers are counted by severity, the worst first, and so is what is not known."""
    plan = {"blockers": [{"severity": name} for name in ("low", "high", "low")], "unknown": ["Kernels: Node"]}
    assert in_the_way_text(plan) == "1 high, 2 low; 1 thing not known"
    assert in_the_way_text({"blockers": [], "unknown": []}) == "nothing known"


WORTH = [
    (-50, "never", "not by its cost: staying is 50 USD a month cheaper"),
    (0, "never", "not by its cost: it saves nothing"),
    (100, 10, "paid back after 10 months (1.5 months to never)"),
    (1, 1000, "paid back after 83 years (1.5 months to never)"),
    (None, None, "unknown: it costs 1,000 USD"),
]


@pytest.mark.parametrize(("monthly", "months", "told"), WORTH)
def test_staying_is_the_measure(monthly: float, months: float | str, told: str) -> None:
    """A move that saves nothing is told to be worth it only by what it provides; long times are told in years."""
    assert told in worth_text(money(monthly, months))


def test_what_waits_for_the_same_input_is_one_line() -> None:
    """Checks that lack the same kind of object stand beside it once."""
    two = plan_text({**planned(), "unknown": ["Kernels: Node", "Windows: Node", "mesh of today"]})
    assert list(two)[-2:] == ["    Node (for: Kernels; Windows)", "    mesh of today"]


def test_nodes_that_nobody_has_seen_have_a_range_and_no_schedule() -> None:
    """A dump of pods that shows no node takes as many as are stated, a range for each, and draws no day."""
    survey = survey_of(read_inventory([BUDGETS]))
    found = planned({**survey, "nodes": {name: [] for name in survey["nodes"]}})
    assert found["nodes"] is None
    assert found["node_minutes"]["lo"] < found["node_minutes"]["likely"] < found["node_minutes"]["hi"]
    assert found["restarts"] == 4
    assert any("range for each node" in name for name in found["unknown"])
    assert "min for each node" in answers(found)["Takes"]


@pytest.mark.parametrize(
    ("today", "target", "told"),
    [
        (Place(None, None), Place(None, None), ("--from CNI+MESH", "--to CNI+MESH")),
        (Place("calico", "none"), Place("calico", None), ("--to CNI+MESH",)),
        (Place("calico", "none"), Place("calico", "none"), ("nothing moves",)),
    ],
)
def test_a_move_whose_ends_are_not_known_cannot_be_planned(today: Place, target: Place, told: tuple[str, ...]) -> None:
    """Nothing is said to stay where it is not known what runs or where to go, and what to give is named."""
    lines = "\n".join(plan_text(plan_move(Move(today, target, Setting(SCENARIO)))))
    assert all(text in lines for text in told)
    assert ("nothing moves" in lines) != ("cannot be planned" in lines)


def test_a_first_installation_is_no_move() -> None:
    """On a new platform the plan says that nothing runs yet, what the first installation takes, and no way back."""
    scenario = {**SCENARIO, "greenfield": True, "cloud": "gke", "needs": ["mtls"]}
    found = plan_move(Move(Place(None, "none"), Place("cilium", "istio-sidecar"), Setting(scenario)))
    told = answers(found)
    assert found["fresh"]
    assert found["from"]["cni"] == "none"
    assert found["restarts"] == 0
    assert found["days"] is None
    assert "rehearse" not in {step["step"].partition("-")[0] for step in found["steps"]}
    assert told["Takes"].startswith("nothing runs yet: the first installation")
    assert told["Worth it"].startswith("nothing runs yet")
    assert told["Breaks"] == "nothing: nothing runs yet"


def test_the_point_of_no_return_is_told() -> None:
    """Until which step a move is undone step by step, and what the way back is after it."""
    told = answers(planned(survey_of(read_inventory([BUDGETS]))))["Way back"]
    assert told.startswith("step by step until: Delete the CiliumNodeConfig")
    assert told.endswith("No way in place is known: a second cluster")
