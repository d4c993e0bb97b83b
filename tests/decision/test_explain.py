from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meshlab.models.decision import decide, explain, load_tables
from meshlab.models.decision.cells import axes
from meshlab.scenario import frame_of, inputs

RULES = "id,priority,condition,recommendation,reason,source_id\n"
KNOWN: dict[str, Any] = {
    "nodes": 12,
    "services": 40,
    "requests_per_second": 900.0,
    "greenfield": False,
    "kernel_oldest": "5.15.0",
    "windows_nodes": 0,
    "cloud": "self-managed",
    "bgp_fabric": True,
    "regulated": False,
    "current_cni": "calico",
    "current_mesh": "none",
    "cni_healthy": True,
    "policy_sync": "eventual",
    "needs": ["bgp"],
}


def explained(**facts: Any) -> dict[str, Any]:
    """The explanation of one scenario."""
    return explain(frame_of([{"scenario": "one", **facts}]))[0]


def verdicts(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """CNI and mesh of some scenarios."""
    named = [{**row, "scenario": str(place)} for place, row in enumerate(rows)]
    return decide(frame_of(named)).select("cni", "mesh").collect().rows()


def test_it_holds_the_fields_that_others_rely_on() -> None:
    """Every field of INTERFACE.md is there, and all of it is plain data."""
    answer = explained(**KNOWN)
    fields = [
        "scenario",
        "cni",
        "mesh",
        "confidence",
        "matched",
        "reasons",
        "blockers",
        "conflicts",
        "flips",
        "unknown",
    ]
    assert list(answer)[: len(fields)] == fields
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["cni"], answer["mesh"], answer["confidence"], answer["unknown"]) == ("stay", "none", 1.0, [])


def test_reasons_are_those_of_the_deciding_rows_and_the_caveats_of_their_options() -> None:
    """A Cilium verdict on EKS says what AWS does not support."""
    answer = explained(**KNOWN | {"greenfield": True, "cloud": "eks", "current_cni": None})
    decider = next(row for row in answer["rows"] if row["id"] == answer["matched"][0])
    assert answer["reasons"][0] == decider["reason"]
    assert any(reason.startswith("cilium: AWS supports only its VPC CNI") for reason in answer["reasons"])


def test_every_row_of_the_tables_is_listed_with_its_state() -> None:
    """Rows are matched, not matched or unknown, and an unknown row names what is missing."""
    answer = explained(**KNOWN | {"regulated": None, "cloud": None})
    rows = {row["id"]: row for row in answer["rows"]}
    assert len(rows) == len(load_tables().rules)
    assert rows["calico-healthy"]["state"] == "matched"
    assert rows["greenfield"]["state"] == "not matched"
    assert (rows["regulated"]["state"], rows["regulated"]["missing"]) == ("unknown", ["regulated"])
    # the cluster is not new, so that the missing cloud cannot make this row hold
    assert rows["regulated-gke"]["state"] == "not matched"


def test_options_say_what_they_lack() -> None:
    """Windows nodes rule Cilium out, an old kernel all three plugins, and a missing one leaves them open."""
    windows = {option["option"]: option for option in explained(**KNOWN | {"windows_nodes": 3})["options"]}
    assert windows["cilium"]["eligible"] is False
    assert [(lack["requirement"], lack["found"]) for lack in windows["cilium"]["lacks"]] == [
        ("a cluster of Linux nodes alone", "windows_nodes 3")
    ]
    assert windows["calico"]["eligible"] is True
    old = {
        option["option"]: option["eligible"] for option in explained(**KNOWN | {"kernel_oldest": "4.9.0"})["options"]
    }
    assert (old["cilium"], old["calico"], old["calico-enterprise"], old["stay"]) == (False, False, False, True)
    unknown = {option["option"]: option for option in explained(**KNOWN | {"kernel_oldest": None})["options"]}
    assert unknown["cilium"]["eligible"] is None
    assert unknown["cilium"]["lacks"][0]["missing"] == ["kernel_oldest"]


def test_evidence_that_nobody_read_is_neither_yes_nor_no() -> None:
    """No source says whether Cilium has a FIPS mode: the option is not eligible, and not ineligible either."""
    answer = explained(**KNOWN | {"current_cni": "cilium", "needs": ["fips", "l7_policy"]})
    mesh = next(option for option in answer["options"] if option["option"] == "cilium-mesh")
    assert mesh["eligible"] is None
    assert ("fips", "not read in any source") in {(lack["requirement"], lack["found"]) for lack in mesh["lacks"]}


def test_disagreeing_rows_are_conflicts_with_both_reasons() -> None:
    """A regulated cluster with healthy Calico matches two rows, and both reasons are told."""
    answer = explained(**KNOWN | {"regulated": True})
    conflict = next(entry for entry in answer["conflicts"] if entry["id"] == "calico-healthy")
    assert (answer["cni"], conflict["recommendation"]) == ("calico-enterprise", "stay")
    assert conflict["decided_by"] == "regulated"
    assert conflict["reason"] != conflict["decided_reason"] == answer["reasons"][0]


def test_a_row_whose_option_is_ruled_out_is_a_blocker() -> None:
    """A regulated cluster on Cilium cannot move to Calico Enterprise, which is told with what was found."""
    answer = explained(**KNOWN | {"regulated": True, "current_cni": "cilium", "needs": []})
    assert answer["matched"][0] == "cilium-healthy"
    blocker = answer["blockers"][0]
    assert (blocker["option"], blocker["rows"]) == ("calico-enterprise", ["regulated"])
    assert blocker["found"] == "current_cni cilium, greenfield no"


@pytest.mark.parametrize(
    ("facts", "confidence", "alternatives"),
    [
        # regulated: one in two; Calico Enterprise then
        ({"regulated": None}, 0.5, {("calico-enterprise", "none"): 0.5}),
        # and only on the nine of ten listed kernels that Calico runs on (all but 5.4)
        ({"regulated": None, "kernel_oldest": None}, 0.55, {("calico-enterprise", "none"): 0.45}),
        # layer 7 at 40 services: the throughput cannot matter
        ({"requests_per_second": None}, 1.0, {}),
        # Calico with Windows and BGP is recommended, unless Calico turns out to be healthy: then stay
        ({"cni_healthy": None, "windows_nodes": 2}, 0.5, {("stay", "none"): 0.5}),
    ],
)
def test_confidence_is_the_share_of_completions_with_the_same_verdict(
    facts: dict[str, Any], confidence: float, alternatives: dict[tuple[str, str], float]
) -> None:
    """Confidence and the other answers' shares are those worked out by hand."""
    answer = explained(**KNOWN | facts)
    assert answer["confidence"] == pytest.approx(confidence)
    assert {(entry["cni"], entry["mesh"]): entry["share"] for entry in answer["alternatives"]} == pytest.approx(
        alternatives
    )
    assert answer["confidence_basis"]["method"] == "exact"


def test_services_weigh_by_their_logarithm() -> None:
    """With L7 policy and high throughput, 500 services or more of 30000 are 0.397 of the logarithmic scale."""
    facts = KNOWN | {"services": None, "requests_per_second": 2e4, "needs": ["l7_policy"], "cni_healthy": True}
    assert explained(**facts)["confidence_cni"] == pytest.approx(0.602834, abs=1e-6)  # ln(500) / ln(30001)


def test_a_sample_says_so_and_is_close_to_the_whole() -> None:
    """Where needs are missing there are too many completions to list; the sample agrees with a far larger one."""
    answer = explained(**KNOWN | {"needs": None})
    assert answer["confidence_basis"]["method"] == "sample"
    members = [axis.member for axis in axes(load_tables()).values() if axis.input == "needs"]
    import random

    generator = random.Random(4)  # noqa: S311  (not for secrets)
    rows = [KNOWN | {"needs": [name for name in members if generator.random() < 0.5]} for _ in range(30000)]
    found = verdicts(rows)
    share = found.count((answer["cni"], answer["mesh"])) / len(found)
    assert answer["confidence"] == pytest.approx(share, abs=5 * answer["confidence_basis"]["standard_error"] + 0.005)


@pytest.mark.parametrize(
    "facts",
    [
        KNOWN,
        KNOWN | {"needs": ["l7_policy"], "services": 700, "requests_per_second": 3e4},
        KNOWN | {"greenfield": True, "current_cni": None},
        KNOWN | {"cloud": "gke", "regulated": None, "current_cni": None},
    ],
)
def test_flips_flip(facts: dict[str, Any]) -> None:
    """Every flip, carried out, gives the recommendation that it tells, which is not the present one."""
    answer = explained(**facts)
    assert answer["flips"]
    assert answer["flip_note"] is None
    changed = [facts | {change["input"]: change["to"] for change in flip["changes"]} for flip in answer["flips"]]
    told = [(flip["cni"], flip["mesh"]) for flip in answer["flips"]]
    assert verdicts(changed) == told
    assert (answer["cni"], answer["mesh"]) not in told
    others = [
        (facts | {change["input"]: value}, (flip["cni"], flip["mesh"]))
        for flip in answer["flips"]
        if len(flip["changes"]) == 1
        for change in flip["changes"]
        for value in change["or_to"]
    ]
    assert verdicts([row for row, _ in others]) == [verdict for _, verdict in others]


def test_what_a_team_can_change_is_told_before_what_it_cannot() -> None:
    """Flips that need another cloud, plugin or mesh than today's come last, pairs with such a change as well."""
    fixed = {"cloud", "current_cni", "current_mesh"}
    for facts in (KNOWN, KNOWN | {"cloud": "openshift", "current_cni": "openshift-sdn"}):
        flips = explained(**facts)["flips"]
        last = [bool(fixed & {change["input"] for change in flip["changes"]}) for flip in flips]
        assert set(last) == {False, True}
        assert last == sorted(last)
    assert {name for name, spec in inputs().items() if spec.actionability == "fixed"} == fixed


def test_no_single_change_that_flips_is_left_out() -> None:
    """Trying every choice, truth value and need by brute force finds no flip that is not told."""
    answer = explained(**KNOWN)
    tried: list[tuple[str, object]] = []
    for name, spec in inputs().items():
        if spec.type == "set":
            tried += [("needs", sorted({*KNOWN["needs"]} ^ {need})) for need in spec.choices]
        elif spec.type in ("choice", "boolean"):
            values = spec.choices if spec.type == "choice" else (False, True)
            tried += [(name, value) for value in values if value != KNOWN.get(name)]
    tried += [("windows_nodes", 1), ("services", 500), ("nodes", 1001), ("requests_per_second", 1e4)]
    found = verdicts([KNOWN | {name: value} for name, value in tried])
    singles = [change for flip in answer["flips"] if len(flip["changes"]) == 1 for change in flip["changes"]]
    told = {(change["input"], str(value)) for change in singles for value in (_plain(change["to"]), *change["or_to"])}
    flipping = {
        (name, str(value)) for (name, value), verdict in zip(tried, found, strict=True) if verdict != ("stay", "none")
    }
    impossible = {("cloud", "doks")}  # DigitalOcean runs no Calico
    assert flipping - impossible == told


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value


def test_a_pair_is_told_only_where_neither_of_its_changes_flips_alone() -> None:
    """Windows nodes alone and a sick plugin alone change nothing for this cluster; together they do."""
    answer = explained(**KNOWN)
    pairs = [flip for flip in answer["flips"] if len(flip["changes"]) == 2]
    assert ["windows_nodes", "cni_healthy"] in [flip["input"].split(", ") for flip in pairs]
    singles = {(flip["cni"], flip["mesh"]) for flip in answer["flips"] if len(flip["changes"]) == 1}
    assert all((flip["cni"], flip["mesh"]) not in singles for flip in pairs)


def test_a_flip_leads_to_an_option_that_meets_what_is_asked(draw: Callable[[int, int, float], pl.DataFrame]) -> None:
    """Nothing rules out what a flip newly recommends; a change after which no option is left is not told."""
    rows = draw(40, 31, 0.1).rows(named=True)
    for row, answer in zip(rows, explain(frame_of(rows)), strict=True):
        flips = answer["flips"][:6]
        changed = [row | {change["input"]: change["to"] for change in flip["changes"]} for flip in flips]
        for flip, after in zip(flips, explain(frame_of(changed)), strict=True):
            ruled_out = {(blocker["kind"], blocker["option"]) for blocker in after["blockers"]}
            assert not {(kind, flip[kind]) for kind in ("cni", "mesh") if flip[kind] != answer[kind]} & ruled_out


def test_one_need_more_that_nothing_meets_is_no_flip_to_no_mesh() -> None:
    """Beside Calico no mesh encrypts within a node: to ask for that too leaves none, which is no advice."""
    facts = KNOWN | {"needs": ["retries"]}
    answer = explained(**facts)
    assert answer["mesh"] == "istio-ambient"
    more = facts | {"needs": ["retries", "same_node_encryption"]}
    assert verdicts([more]) == [("stay", "none")]
    assert ["retries", "same_node_encryption"] not in [flip["to"] for flip in answer["flips"]]
    # asking for less is another matter: without retries there is no case for a mesh
    assert ([], "stay, none") in [(flip["to"], flip["recommendation"]) for flip in answer["flips"]]


def test_a_verdict_that_two_changes_cannot_flip_says_so() -> None:
    """A scenario of which nothing is known has no known facts to change."""
    answer = explained()
    assert (answer["flips"], answer["flip_note"]) == (
        [],
        "no change of one or two of the known facts leads to another option that meets the needs",
    )


def test_facts_that_cannot_hold_together_are_told() -> None:
    """GKE's legacy data plane on EKS is a contradiction."""
    assert explained(**KNOWN | {"cloud": "eks", "current_cni": "gke-legacy"})["contradictions"] == [
        "GKE's legacy data plane runs on GKE"
    ]


def test_many_scenarios_are_explained_as_each_alone(draw: Callable[[int, int, float], pl.DataFrame]) -> None:
    """An explanation does not depend on what is explained beside it."""
    frame = draw(40, 9, 0.2)
    together = explain(frame)
    assert [entry["scenario"] for entry in together] == frame["scenario"].to_list()
    assert explain(frame[37:38])[0] == together[37]


def test_a_team_of_its_own_tables_is_explained_by_them(tmp_path: Path) -> None:
    """An overlay's row decides and gives its reason."""
    (tmp_path / "cni.csv").write_text(RULES + "ours,1,nodes >= 10,stay,Frozen until June,meshlab\n", encoding="utf-8")
    answer = explain(frame_of([{"scenario": "one", **KNOWN}]), load_tables(tmp_path))[0]
    assert (answer["matched"][0], answer["reasons"][0]) == ("ours", "Frozen until June")


def test_completions_of_two_unknown_facts_are_their_product() -> None:
    """Confidence over two missing facts is the mean over all of their combinations."""
    facts = KNOWN | {"cni_healthy": None, "regulated": None}
    answer = explained(**facts)
    rows = [
        facts | {"cni_healthy": healthy, "regulated": regulated}
        for healthy, regulated in product((True, False), repeat=2)
    ]
    found = verdicts(rows)
    assert answer["confidence"] == pytest.approx(found.count((answer["cni"], answer["mesh"])) / 4)
