"""Plans: the way and its steps, blockers that were found by hand in real dumps, what it costs and when it pays."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from meshlab.cluster.audit.inventory import read_inventory
from meshlab.errors import MeshlabError
from meshlab.planning.migration import Move, Place, Setting, move_amounts, move_price, plan_move, survey_of
from meshlab.planning.migration.assumptions import SECONDS, Interval, declared, with_own
from meshlab.planning.migration.drain import days, schedule
from meshlab.planning.migration.plan import break_even, saved
from meshlab.planning.migration.price import course_of, settled
from meshlab.reviews.cases import open_path
from meshlab.reviews.migration import plans
from meshlab.reviews.team import read_team

BUDGETS = Path(__file__).parent / "budgets.yaml"
SCENARIO = {"nodes": 3, "pods": 4, "namespaces": 2, "services": 5, "cloud": None}


def planned(path: Path, today: str, target: str) -> dict[str, Any]:
    """The plan of one dump."""
    return plans([open_path(path)], today, target)[0]


def blocked(found: dict[str, Any], name: str) -> dict[str, Any] | None:
    """One blocker of a plan."""
    return next((blocker for blocker in found["blockers"] if blocker["id"] == name), None)


# --- by hand -------------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "migration_blockers.csv"
"""Blockers in real dumps: counted with jq and grep, with one object each."""

with GOLDEN.open(encoding="utf-8", newline="") as stream:
    BY_HAND = [tuple(row.values()) for row in csv.DictReader(stream)]


@pytest.mark.parametrize(("dump", "today", "target", "blocker", "count", "example"), BY_HAND)
def test_blockers_found_by_hand_are_found(
    fixtures: Path, dump: str, today: str, target: str, blocker: str, count: str, example: str
) -> None:
    """What jq and grep find in a real dump stands among the plan's blockers, with as many objects."""
    found = blocked(planned(fixtures / dump, today, target), blocker)
    assert found is not None
    assert found["count"] == int(count)
    assert not example or example in found["objects"]
    assert found["why"]
    assert found["todo"]


CLUSTERS = [
    path
    for folder in ("support_bundle", "cluster_dump", "mesh_pods")
    for path in sorted((Path(__file__).resolve().parents[3] / "shared" / "fixtures" / folder).glob("*"))
]


@pytest.mark.parametrize("path", CLUSTERS, ids=lambda path: path.name[:50])
def test_every_cluster_gives_a_plan(path: Path) -> None:
    """Each real dump of a cluster gives steps with hours, bounds in order, and its nodes one after the other."""
    found = planned(path, "", "cilium+istio-ambient")
    if (found["from"]["cni"], found["from"]["mesh"]) == ("cilium", "istio-ambient"):
        assert found["stays"]
        return
    assert found["steps"]
    assert found["hours_lo"] <= found["hours"] <= found["hours_hi"]
    low, high = (math.fsum(step[f"hours{end}"] for step in found["steps"]) for end in ("_lo", "_hi"))
    assert low <= found["hours_lo"] + 1e-9
    assert found["hours_hi"] <= high + 1e-9  # nine of ten worlds lie nearer than the ends of all steps
    assert json.dumps(found)


def test_budgets_are_read_as_they_are_meant() -> None:
    """Percentages round up, the status outweighs the specification, namespaces and owners part pods from budgets."""
    survey = survey_of(read_inventory([BUDGETS]))
    limits = survey["limits"]
    assert list(zip(limits["name"], limits["pods"], limits["allowed"], strict=True)) == [
        ("back", 1, 1),
        ("cache", 1, 0),
        ("db", 1, 0),
        ("web", 2, 1),
    ]
    assert survey["nodes"]["name"] == ["one", "two", "win"]
    assert survey["nodes"]["pods"] == [2, 2, 0]
    assert survey["nodes"]["moved_cpu_cores"] == [0.5, 0, 0]
    assert survey["nodes"]["free_cpu_cores"] == [3.5, 4, 4]


def test_blockers_of_a_cluster_made_for_them() -> None:
    """Budgets that allow nothing, two budgets on a pod, bare and local pods, Windows, policies and ranges are named."""
    setting = Setting(SCENARIO, survey_of(read_inventory([BUDGETS])))
    found = plan_move(Move(Place("calico", "none"), Place("cilium", "none"), setting))
    named = {blocker["id"]: blocker["objects"] for blocker in found["blockers"]}
    assert named["budget-blocks"] == ["PodDisruptionBudget shop/cache", "PodDisruptionBudget shop/db"]
    assert named["budgets-overlap"] == ["Pod shop/bare"]
    assert named["pods-bare"] == ["Pod shop/bare"]
    assert named["pods-local"] == ["Pod shop/bare"]
    assert named["windows-nodes"] == ["Node win"]
    assert named["policy-kinds-cilium"] == ["GlobalNetworkPolicy deny-all"]
    assert named["policy-provider"] == ["GlobalNetworkPolicy deny-all", "NetworkPolicy shop/deny"]
    assert named["cidr-clash"] == ["10.244.0.0/24", "10.244.1.0/24"]
    assert found["restarts"] == 4


@pytest.mark.parametrize(
    ("group", "kind", "counted"),
    [
        ("networking.k8s.aws", "ClusterNetworkPolicy", 1),
        ("networking.k8s.aws", "ApplicationNetworkPolicy", 1),
        ("networking.gke.io", "FQDNNetworkPolicy", 1),
        ("networking.k8s.io", "NetworkPolicy", None),
    ],
)
def test_policies_of_a_provider_s_own_kinds_are_translated(
    group: str, kind: str, counted: int | None, tmp_path: Path
) -> None:
    """What the engine of AWS or Google alone reads is counted as one to translate, like Calico's and Cilium's own."""
    path = tmp_path / "dump.json"
    policy = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "deny", "namespace": "shop"}, "spec": {}}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy]}), encoding="utf-8")
    assert Setting(SCENARIO, survey_of(read_inventory([path]))).policies == counted


def test_policies_that_nothing_enforces_begin_to_hold(tmp_path: Path) -> None:
    """With flannel alone a policy is text: the move makes it hold, which is named, and no policy is lost meanwhile."""
    dump = tmp_path / "flannel.yaml"
    dump.write_text(
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: Node, metadata: {name: one}}\n"
        "- {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: kube-flannel-ds, namespace: kube-flannel}, spec: "
        "{template: {spec: {containers: [{name: kube-flannel, image: 'ghcr.io/flannel-io/flannel:v0.26.1'}]}}}}\n"
        "- {apiVersion: v1, kind: Pod, metadata: {name: f, namespace: kube-flannel, ownerReferences: [{apiVersion: "
        "apps/v1, kind: DaemonSet, name: kube-flannel-ds, uid: a}]}, spec: {nodeName: one, containers: "
        "[{name: kube-flannel, image: 'ghcr.io/flannel-io/flannel:v0.26.1'}]}, status: {phase: Running}}\n"
        "- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop}}\n"
        "- {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {nodeName: one, containers: "
        "[{name: web, image: 'nginx:1.27'}]}, status: {phase: Running}}\n"
        "- {apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, "
        "metadata: {name: kyverno}}\n"
        "- {apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, "
        "metadata: {name: pod-identity-webhook}}\n",
        encoding="utf-8",
    )
    survey = survey_of(read_inventory([dump]))
    state = {row["id"]: row for row in survey["checks"]}
    assert state["policies-begin"]["objects"] == ["NetworkPolicy shop/deny"]
    places = Place("flannel", "none", "self-run"), Place("cilium", "none", "self-run")
    found = plan_move(Move(*places, Setting({**SCENARIO, "cloud": "eks"}, survey)))
    assert blocked(found, "policies-begin") is not None
    assert blocked(found, "policy-provider") is None
    assert blocked(found, "webhooks-overlay")["objects"] == ["ValidatingWebhookConfiguration kyverno"]  # type: ignore[index]
    elsewhere = plan_move(Move(*places, Setting({**SCENARIO, "cloud": "self-managed"}, survey)))
    assert blocked(elsewhere, "webhooks-overlay") is None
    assert not elsewhere["gaps"]


def test_a_range_and_a_port_of_the_team_are_compared_with_those_in_use() -> None:
    """A range that is free is no blocker, and a port that the plugin of today uses is one."""
    survey, places = survey_of(read_inventory([BUDGETS])), (Place("calico", "none"), Place("cilium", "none"))
    free = plan_move(Move(*places, Setting(SCENARIO, survey, pod_cidr="172.20.0.0/16", encapsulation="vxlan")))
    port = with_own({"tunnel_port": Interval(4789, 4789, 4789)})
    taken = plan_move(Move(*places, Setting(SCENARIO, survey, port, "192.168.4.0/24", "vxlan")))
    assert blocked(free, "cidr-clash") is None
    assert blocked(free, "tunnel-port") is None
    assert blocked(taken, "cidr-clash")["objects"] == ["192.168.0.0/16"]  # type: ignore[index]
    assert blocked(taken, "tunnel-port") is not None


@pytest.mark.parametrize(
    ("kubernetes", "upgraded", "blocker", "unknown"),
    [(100021, True, True, False), (100029, False, False, False), (None, True, False, True)],
)
def test_a_release_that_the_way_needs_comes_before_what_needs_it(
    kubernetes: int | None, upgraded: bool, blocker: bool, unknown: bool
) -> None:
    """An OpenShift that is too old is in the way, and upgraded release by release; an unknown one is looked at.

    The cluster is rehearsed and backed up before, and has a date for releases in support afterwards.
    """
    survey = survey_of(read_inventory([BUDGETS]))
    survey["kubernetes"] = kubernetes
    check = next(row for row in survey["checks"] if row["id"] == "release-openshift")
    check |= {"state": "fail" if blocker else "pass", "objects": ["Node a"] * blocker, "count": int(blocker)}
    places = Place("openshift-sdn", "none"), Place("ovn-kubernetes", "none", "openshift")
    found = plan_move(Move(*places, Setting({**SCENARIO, "cloud": "openshift"}, survey)))
    names = [step["step"] for step in found["steps"]]
    assert names[:4] == ["rehearse-1", "backup-1", *["release-1"] * upgraded, "sdn-ovn-1", "sdn-ovn-2"][:4]
    assert "2026-06-27" in found["steps"][names.index("sdn-ovn-6")]["action"]
    release = found["steps"][2]
    if blocker:
        # 4.15 runs 1.28; the middle of a triangle from 4 over 12 to 40 is 40 - sqrt(36 * 28 / 2)
        assert release["action"].endswith("from 4.8: 7 minor releases, one after the other")
        assert release["hours"] == pytest.approx(7 * (40 - math.sqrt(36 * 28 / 2)), rel=1e-3)
        told = Setting({**SCENARIO, "cloud": "openshift"}, kubernetes_stated=kubernetes)
        assert plan_move(Move(*places, told))["steps"][2] == release
    assert unknown == ("the hours leave the upgrade out" in release["action"])
    assert (blocked(found, "release-openshift") is not None) == blocker
    assert any("new enough" in line for line in found["unknown"]) == unknown


CALICO, CILIUM = Place("calico", "none", "self-run"), Place("cilium", "none", "self-run")


@pytest.mark.parametrize("scenario", [{"needs": ["bgp"]}, {"bgp_fabric": True}])
def test_bgp_moves_with_the_network(scenario: dict[str, Any]) -> None:
    """Asked for or in use, BGP is in the way, has its steps, its hours and its order."""
    found = plan_move(Move(CALICO, CILIUM, Setting({**SCENARIO, **scenario})))
    assert blocked(found, "bgp") is not None
    steps = [step["step"] for step in found["steps"]]
    order = ["network-fabric-1", "overlay-4", "overlay-19", "overlay-6", "overlay-13", "overlay-leave-1"]
    assert [step for step in steps if step in order] == order
    bare = plan_move(Move(CALICO, CILIUM, Setting(SCENARIO)))
    assert blocked(bare, "bgp") is None
    more, less = (move_amounts(CALICO, [CILIUM], Setting({**SCENARIO, **each}))[0]["hours"] for each in (scenario, {}))
    assert found["hours"] > bare["hours"]
    assert (more - less).mean() == pytest.approx((4 + 16 + 80) / 3 + (1 + 4 + 24) / 3, rel=1e-3)  # type: ignore[operator]


def test_policies_of_one_vendor_are_translated_by_their_number() -> None:
    """One GlobalNetworkPolicy takes one translation; a dump that shows none leaves the number open, as a range."""
    survey = survey_of(read_inventory([BUDGETS]))
    known = {step["step"]: step for step in plan_move(Move(CALICO, CILIUM, Setting(SCENARIO, survey)))["steps"]}
    assert known["policy-translate-1"]["units"] == 1
    unknown = {step["step"]: step for step in plan_move(Move(CALICO, CILIUM, Setting(SCENARIO)))["steps"]}
    ends = [unknown["policy-translate-2"][f"hours{end}"] for end in ("_lo", "_hi")]
    # and what two namespaces add, a triangle from 5 over 20 to 90 min each
    of_two = [(5 + math.sqrt(0.1 * 85 * 15)) / 30, (90 - math.sqrt(0.1 * 85 * 70)) / 30]
    assert 1 + math.sqrt(0.1 * 39 * 3) < ends[0] < 1 + math.sqrt(0.1 * 39 * 3) + of_two[1]
    assert 40 - math.sqrt(0.1 * 39 * 36) < ends[1] < 40 - math.sqrt(0.1 * 39 * 36) + of_two[1]


def test_policies_at_layer_7_are_written_service_by_service() -> None:
    """What 500 services take is a hundred times what 5 take, and the middle of a triangle from 5 over 20 to 90 min."""
    needs, places = ["mtls", "l7_policy"], (Place("calico", "none"), Place("stay", "linkerd"))
    plans = [plan_move(Move(*places, Setting({**SCENARIO, "needs": needs, "services": many}))) for many in (5, 500)]
    few, many = (next(row for row in found["steps"] if row["step"] == "mesh-policies-2") for found in plans)
    assert many["hours"] == pytest.approx(100 * few["hours"])
    assert many["hours"] == pytest.approx(500 / 60 * (90 - math.sqrt(85 * 70 / 2)), rel=1e-3)


def test_nights_count_while_policies_are_off() -> None:
    """Nodes on 3 days: two nights of 18 h between windows of 6 h lie in the gap beside its hours of work."""
    certain = with_own({name: Interval(*[item.values.likely] * 3) for name, item in declared().items()})
    setting = Setting({**SCENARIO, "nodes": 80}, assumptions=certain)
    (gap,) = (found := plan_move(Move(CALICO, CILIUM, setting)))["gaps"]
    assert set(found["days"].values()) == {3}
    assert gap["elapsed"] == pytest.approx(gap["hours"] + 2 * 18)
    assert found["unenforced_hours"] == gap["elapsed"]
    (wide,) = plan_move(Move(CALICO, CILIUM, Setting({**SCENARIO, "nodes": 80})))["gaps"]
    assert wide["hours_hi"] < wide["elapsed_lo"] < wide["elapsed"] < wide["elapsed_hi"]


SCOPED = {**SCENARIO, "services": 500, "namespaces": 500, "config_services": 500}


LISTS = ["mesh-scope-1", "mesh-arrive-6", "mesh-scope-3", "mesh-scope-2", "mesh-on-3", "mesh-restart-2"]
"""Lists of calls, the control plane, the default Sidecar, those of the namespaces, labels, and the first proxy."""


@pytest.mark.parametrize(
    ("today", "scenario", "steps", "told", "left"),
    [
        (Place("calico", "none"), SCOPED, LISTS, "Calico runs today", "istio_requests_total"),
        (Place("cilium", "none"), SCOPED, LISTS, "flows of Hubble", "istio_requests_total"),
        (Place("azure-cni", "none"), SCOPED, LISTS, "log plugin CoreDNS", "Hubble"),
        (Place("calico", "linkerd"), SCOPED, LISTS, "a mesh runs today", "istio_requests_total"),
        (Place("calico", "istio-ambient", None, "aks-add-on"), SCOPED, LISTS, "istio_requests_total", "Hubble"),
        (
            Place(None, "none"),
            {**SCOPED, "greenfield": True},
            ["mesh-arrive-6", "mesh-scope-3", "mesh-scope-4", "mesh-scope-2", "mesh-on-3", "mesh-workloads-1"],
            "declare what it calls",
            "istio_requests_total) (increase",
        ),
        (
            Place("calico", "none"),
            {**SCOPED, "config_services": 12},
            ["mesh-arrive-6", "mesh-on-3", "mesh-restart-2"],
            "istioctl install",
            "kind: Sidecar",
        ),
    ],
    ids=["calico", "cilium", "azure", "linkerd", "ambient", "new", "small"],
)
def test_sidecars_are_scoped_before_the_first_one_starts(
    today: Place, scenario: dict[str, Any], steps: list[str], told: str, left: str
) -> None:
    """A new mesh that is compared scoped has its lists and resources before a proxy is there to read them.

    What is called is found where it can be seen: in the mesh that runs, in flows of the network, or where nothing runs
    yet by asking those who will deploy. Sources: istio-sidecar-resource (data/sources.csv).
    """
    target = Place("calico" if scenario.get("greenfield") else "stay", "istio-sidecar", None, "self-run")
    found = plan_move(Move(today, target, Setting({**scenario, "needs": ["mtls"]})))
    taken = {step["step"]: step for step in found["steps"]}
    ordered = (*LISTS, "mesh-scope-4", "mesh-workloads-1")
    assert [name for name in taken if name in ordered] == steps
    assert taken["mesh-enforce-1"] is found["steps"][-1] or today.mesh != "none"
    assert all(taken[name]["hours"] > 0 for name in steps)
    listed = "; ".join(f"{step['action']}; {step['command']}" for step in found["steps"] if step["step"] in steps)
    assert told in listed
    assert left not in taken.get("mesh-scope-1", {"command": listed})["command"]


def test_workloads_of_a_new_platform_come_once_what_they_need_is_there() -> None:
    """After network and mesh and before what asks for their callers; without injection after the network alone."""
    fresh = {**SCENARIO, "greenfield": True, "needs": ["mtls", "l7_policy"]}
    for mesh, before, come in (
        ("linkerd", "mesh-on-5", "mesh-workloads-1"),
        ("istio-ambient", "mesh-on-2", "mesh-workloads-1"),
        ("none", "network-new-1", "network-workloads-1"),
    ):
        steps = [
            row["step"] for row in plan_move(Move(Place(None, "none"), Place("cilium", mesh), Setting(fresh)))["steps"]
        ]
        assert steps.index(before) < steps.index(come)
        assert sum("workloads" in name for name in steps) == 1
        assert "mesh-needs-7" not in steps or steps.index(come) < steps.index("mesh-needs-7")


MIXED = [
    (Place("calico", "none"), Place("cilium", "istio-sidecar"), {"needs": ["mtls", "l7_policy", "retries", "bgp"]}),
    (Place("calico", "istio-sidecar"), Place("stay", "istio-ambient"), {"needs": ["l7_policy"]}),
    (Place("calico", "istio-sidecar"), Place("stay", "none"), {}),
    (Place("antrea", "linkerd"), Place("cilium", "istio-ambient"), {"needs": ["l7_policy"]}),
    (Place("azure-cni", "none", "azure-npm"), Place("cilium", "none", "azure-cni-powered-by-cilium"), {"cloud": "aks"}),
    (Place("calico-enterprise", "none"), Place("calico", "none", "self-run"), {}),
]


@pytest.mark.parametrize(("today", "target", "scenario"), MIXED, ids=str)
def test_what_a_rehearsal_uses_stands_before_it(today: Place, target: Place, scenario: dict[str, Any]) -> None:
    """What is written, of network and mesh, comes before the rehearsal that tests it, and touches no cluster."""
    steps = plan_move(Move(today, target, Setting({**SCENARIO, **scenario})))["steps"]
    rehearsed = next(place for place, step in enumerate(steps) if step["step"] == "rehearse-1")
    assert rehearsed > 0
    assert {step["phase"] for step in steps[:rehearsed]} == {"write"}
    assert "write" not in {step["phase"] for step in steps[rehearsed:]}
    changes = ("apply -", "create ", "patch ", "delete ", "label ", "annotate ", "drain ", "cordon ", "scale ")
    for line in (line for step in steps[:rehearsed] for line in step["command"].split("; ")):
        assert line.startswith("#") or "--dry-run" in line or not any(word in line for word in changes), line


def test_scoping_what_runs_begins_with_its_calls() -> None:
    """Today's mesh, tuned: first the list of what each namespace calls, then the resources."""
    today = Place("calico", "istio-sidecar", "self-run", "self-run")
    found = plan_move(Move(today, replace(today, tuned=True), Setting(SCOPED)))
    assert [step["step"] for step in found["steps"]][:2] == ["tune-6", "tune-1"]


@pytest.mark.parametrize(
    ("name", "today", "target", "each"),
    [
        ("tune-6", Place("calico", "istio-sidecar", "self-run", "self-run"), Place("stay", "stay", tuned=True), 20),
        ("mesh-scope-1", Place("calico", "none"), Place("stay", "istio-sidecar"), 20),
        ("mesh-replace-1", Place("calico", "linkerd"), Place("stay", "none"), 20),
        ("policy-translate-2", Place("calico", "none"), Place("cilium", "none"), 20),
        ("mesh-policies-3", Place("calico", "none"), Place("stay", "istio-sidecar"), 5),
        ("mesh-inventory-2", Place("calico", "linkerd"), Place("stay", "none"), 5),
        ("network-needs-3", Place("calico", "none"), Place("cilium", "none"), 5),
    ],
)
def test_what_is_done_once_grows_with_namespaces(name: str, today: Place, target: Place, each: float) -> None:
    """A fixed part and one for each namespace: 500 take what 6 take, and 494 times that of one."""
    certain = with_own({key: Interval(*[item.values.likely] * 3) for key, item in declared().items()})
    hours: list[float] = []
    for many in (6, 500):
        scenario = {**SCOPED, "namespaces": many, "needs": ["retries", "dns_policy"]}
        steps = plan_move(Move(today, target, Setting(scenario, assumptions=certain)))["steps"]
        step = next(step for step in steps if step["step"] == name)
        assert step["minutes_each"] == pytest.approx(60 * step["hours"])
        hours.append(step["hours"])
    assert hours[1] - hours[0] == pytest.approx(494 * each / 60)
    assert hours[0] > 6 * each / 60


def test_needs_that_cannot_be_together_or_end_are_in_the_way() -> None:
    """Cilium's egress gateway beside Cluster Mesh, and BGP that the target lacks."""
    needs = ["egress_gateway", "multi_cluster"]
    fresh = {**SCENARIO, "greenfield": True, "cloud": "aks", "needs": needs}
    found = plan_move(Move(Place(None, "none"), CILIUM, Setting(fresh)))
    assert blocked(found, "egress-cluster-mesh") is not None
    assert {"network-needs-1", "network-needs-4"} <= {step["step"] for step in found["steps"]}
    ends = plan_move(Move(CALICO, Place("flannel", "none"), Setting({**SCENARIO, "needs": ["bgp"]})))
    assert blocked(ends, "needs-lost")["objects"] == ["BGP peering"]  # type: ignore[index]


# --- money and days ------------------------------------------------------------------------------------------------


def test_savings_are_those_of_each_world() -> None:
    """What is saved in a world pays for the move in that world; a target that costs more is never paid back."""
    worlds = {
        name: pl.DataFrame({"cost_usd_per_month": costs})
        for name, costs in (("today", [80.0, 100.0, 130.0]), ("target", [50.0, 30.0, 20.0]))
    }
    found = saved(worlds)
    assert found is not None
    assert found.to_list() == [30, 70, 110]
    cost = pl.Series([900.0, 700.0, 110.0])
    assert break_even(cost, found) == {"months_lo": 1, "months": 10, "months_hi": 30}
    assert break_even(cost, -found)["months"] == "never"
    assert break_even(cost, pl.Series([-1.0, 70.0, 110.0])) == {"months_lo": 1, "months": 10, "months_hi": "never"}
    assert (
        saved({**worlds, "today": worlds["today"].select(pl.lit(None, pl.Float64).alias("cost_usd_per_month"))}) is None
    )
    assert saved({}) is None


@pytest.mark.parametrize("target", [Place("stay", "linkerd"), Place("stay", "istio-sidecar")])
def test_money_is_hours_by_wage_in_each_world(target: Place) -> None:
    """Medians and ends are those of numpy's own draws: what takes the same is drawn once, all else by itself."""
    prices = {"cpu_usd_per_core_hour": 0.03, "memory_usd_per_gib_hour": 0.004}
    setting = Setting({**SCOPED, **prices, "node_cpu_cores": 8, "node_memory_gib": 32, "needs": ["mtls", "l7_policy"]})
    found = move_price(CALICO, target, setting)
    generator = np.random.default_rng(7)
    drawn = {
        name: generator.triangular(*item.values, 200_000) if item.values.lo < item.values.hi else item.values.likely
        for name, item in declared().items()
    }
    hours = {name: drawn[name] * SECONDS.get(item.unit, 0) / 3600 for name, item in declared().items()}
    steps = course_of(settled(CALICO, target, setting), setting).taken
    takes = [
        hours[step.row["takes"]] * (step.units or 0) + hours.get(step.row["grows"], 0) * SCOPED["namespaces"]
        for step in steps
    ]
    work = sum(takes)
    attended = sum(took for took, step in zip(takes, steps, strict=True) if step.row["attended"])
    rehearsed = drawn["rehearsal_days"] * drawn["rehearsal_nodes"] * 24 * (8 * 0.03 + 32 * 0.004)
    money = 2 * attended * drawn["usd_per_person_hour"] + rehearsed * any(
        step.row["step"] == "rehearse-1" for step in steps
    )
    for name, amount in (("hours", work), ("person_hours", 2 * attended), ("usd", money)):
        told = [found[f"{name}{end}"] for end in ("_lo", "", "_hi")]
        assert told == pytest.approx(np.quantile(amount, [0.1, 0.5, 0.9]), rel=0.03), name
    assert 60 < found["usd"] / found["person_hours"] < 110


def test_no_node_begins_that_does_not_fit_into_the_window() -> None:
    """Nodes of 3 h in windows of 8 h: two a day, and one of 9 h begins with a window of its own."""
    assert list(schedule([3, 3, 3, 9, 1], 1, 8)) == [(0, 3), (3, 6), (24, 27), (48, 57), (72, 73)]


def test_days_have_bounds() -> None:
    """Ten hours of work and 2 h for the longest node in windows of 6 h: at least 2 days, at most 20 / 4."""
    assert days(Interval(36_000, 50_000, 72_000), Interval(1, 2, 7_200), 6) == (2, 5)
    assert days(Interval(36_000, 50_000, 72_000), Interval(1, 2, 25_000), 6) == (2, None)


# --- a team's own figures ------------------------------------------------------------------------------------------


def test_a_team_replaces_assumptions(tmp_path: Path) -> None:
    """A figure of the team file stands in the plan, as one number or as three."""
    path = tmp_path / "team.yaml"
    path.write_text(
        "team: mine\nscenario: {nodes: 4, pods: 8, current_cni: calico, current_mesh: none}\n"
        "migration: {reboot_minutes: [3, 4, 5], max_unavailable: 2, pod_cidr: 172.20.0.0/16}\n",
        encoding="utf-8",
    )
    found = planned(path, "", "cilium")
    told = {row["name"]: (row["lo"], row["value"], row["hi"], row["source_id"]) for row in found["assumptions"]}
    assert told["reboot_minutes"] == (3, 4, 5, None)
    assert told["agent_seconds"][3] == "meshlab"
    assert found["parallel"] == 2
    assert found["nodes"] is None


def test_wrong_figures_are_told_all_at_once(tmp_path: Path) -> None:
    """Unknown names, texts, intervals out of order or bounds, and ranges that are none: each with its line."""
    path = tmp_path / "team.yaml"
    path.write_text(
        "team: mine\nmigration:\n  reboot_minute: 3\n  start_seconds: soon\n  agent_seconds: [9, 3, 5]\n"
        "  window_hours: 30\n  max_unavailable: [1, 2, 3]\n  pod_cidr: everything\n  kubernetes: new\n",
        encoding="utf-8",
    )
    with pytest.raises(MeshlabError) as caught:
        read_team(path)
    assert [problem.line for problem in caught.value.problems] == [3, 4, 5, 6, 7, 8, 9]
    assert "reboot_minutes" in str(caught.value.problems[0])
