"""The explanation of a verdict: its fields, what it asks, and where its flips lead."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from meshlab.models.decision import answers, decide, explain
from meshlab.scenario import frame_of

CALICO: dict[str, Any] = {
    "scenario": "a",
    "cloud": "self-managed",
    "greenfield": False,
    "windows_nodes": 0,
    "kernel_oldest": "5.15.0",
    "current_cni": "calico",
    "current_cni_edition": "self-run",
    "current_mesh": "none",
    "cni_healthy": True,
    "regulated": False,
    "bgp_fabric": False,
    "needs": ["mtls"],
}

FIELDS = (
    "scenario cni mesh edition tuned sentence settled evidence_grade matched reasons unmet blockers conflicts flips "
    "unknown questions options parts"
).split()


def explained(**changes: object) -> dict[str, Any]:
    """The explanation of the scenario above with other facts."""
    return explain(frame_of([{**CALICO, **changes}]))[0]


def test_it_holds_the_fields_that_others_rely_on() -> None:
    """Every field of the interface is there, and each option has its own."""
    answer = explained()
    assert set(FIELDS) <= answer.keys()
    assert "confidence" not in answer
    option = {"cni", "mesh", "edition", "tuned", "today", "eligible", "unmet", "unknown", "why_not", "rank"}
    assert all(option <= each.keys() for each in answer["options"])
    assert [each["rank"] for each in answer["options"]] == list(range(1, len(answer["options"]) + 1))


def test_what_runs_and_is_healthy_stays_and_a_mesh_is_added() -> None:
    """A healthy Calico stays where workload identity is asked for, and no option in it lacks a need."""
    answer = explained()
    assert answer["cni"] == "stay"
    assert answer["mesh"] not in ("none", "stay", None)
    assert answer["unmet"] == []
    assert answer["options"][0]["eligible"] is True


def test_without_needs_there_is_no_verdict_on_the_mesh_but_three_questions() -> None:
    """Where nobody said what is asked, the mesh is null and the questions say what to ask first."""
    answer = explained(needs=None)
    assert (answer["cni"], answer["mesh"], answer["settled"]) == ("stay", None, False)
    assert len(answer["questions"]) == 3
    assert "needs" in answer["unknown"]


def test_nothing_asked_leaves_everything_as_it_is() -> None:
    """An empty list of needs is an answer: nothing is asked, so nothing moves."""
    answer = explained(needs=[])
    assert (answer["cni"], answer["mesh"]) == ("stay", "none")


@pytest.mark.parametrize("needs", [["mtls"], ["dns_policy"], ["l7_policy", "egress_gateway"]])
def test_flips_lead_where_they_say(needs: list[str]) -> None:
    """The change of each flip, made to the scenario, gives the answer that the flip names."""
    answer = explained(needs=needs)
    for flip in answer["flips"]:
        changed = {change["input"]: change["to"] for change in flip["changes"]}
        (row,) = answers(frame_of([{**CALICO, "needs": needs, **changed}])).collect().rows(named=True)
        assert (row["cni"], row["mesh"]) == (flip["cni"], flip["mesh"]), flip


@pytest.mark.parametrize(("side", "product"), [("cni", "Calico"), ("mesh", "Linkerd")])
def test_what_stays_though_it_is_unhealthy_is_said_to_be(side: str, product: str) -> None:
    """An answer that keeps a product which is said to be unhealthy says so where a reader looks first."""
    facts: dict[str, object] = {"current_cni": "calico", "current_mesh": "linkerd", "needs": ["mtls", "retries", "bgp"]}
    facts |= {"cni_healthy": True, "mesh_healthy": True}
    well, ailing = explained(**facts), explained(**{**facts, f"{side}_healthy": False})
    assert "unhealthy" not in well["sentence"]
    assert "is said to be unhealthy" in ailing["sentence"]
    assert (f"Keep {product}" in ailing["sentence"]) == (ailing[side] == "stay")


COMPLETIONS: dict[str, list[Any]] = {
    "windows_nodes": [0, 1, 40],
    "kernel_oldest": ["5.4.0", "5.15.0", "6.8.0"],
    "cni_healthy": [True, False],
    "regulated": [True, False],
    "bgp_fabric": [True, False],
    "current_cni_edition": ["self-run", "self-run-ebpf", "self-run-windows-hns"],
    "current_mesh": ["none", "linkerd", "istio-sidecar"],
}
"""Facts that may be missing, with values on every side of what the tables ask of them."""


@pytest.mark.parametrize("needs", [["mtls"], ["sctp"], []])
def test_what_is_settled_is_what_no_completion_changes(needs: list[str]) -> None:
    """Of two missing facts, and of seven: a settled answer is that of every completion, or else a fact is named."""
    stated: dict[str, Any] = {**CALICO, "mesh_healthy": True, "licence_usd_per_year": 0, "needs": needs}
    stated |= {"policy_engine": "none", "current_mesh_edition": None}
    for missing in [*itertools.combinations(COMPLETIONS, 2), tuple(COMPLETIONS)]:
        facts: dict[str, Any] = {**stated, **dict.fromkeys(missing)}
        answer = explain(frame_of([facts]))[0]
        values = itertools.product(*(COMPLETIONS[name] for name in missing))
        rows = [{**facts, **dict(zip(missing, each, strict=True)), "scenario": str(n)} for n, each in enumerate(values)]
        columns = ("cni", "mesh", "cni_edition", "mesh_edition")
        completed = set(decide(frame_of(rows)).select(columns).collect().rows())
        here = (answer["cni"], answer["mesh"], answer["edition"]["cni"], answer["edition"]["mesh"])
        if answer["settled"]:
            assert completed == {here}, (missing, completed)
        elif completed != {here}:
            assert set(answer["unknown"]) & set(missing), (missing, answer["unknown"])
