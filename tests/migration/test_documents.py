"""Plans beside the documents that they rest on, step by step, and what only a plan of a real cluster shows."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.cluster.audit.inventory import read_inventory
from meshlab.planning.migration import Move, Place, Setting, move_price, plan_move, survey_of
from meshlab.planning.migration.routes import Terms, steps, ways_of
from meshlab.reviews.cases import open_path
from meshlab.reviews.migration import plans
from meshlab.run.cli import main

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOLDEN = ROOT / "tests" / "golden" / "moves_documents.csv"
"""Steps of documents, read by hand, with the step of the plan that does each."""

with GOLDEN.open(encoding="utf-8", newline="") as stream:
    STEPS = list(csv.DictReader(stream))

CASES = [
    (key, list(rows))
    for key, rows in groupby(STEPS, lambda row: (row["case"], row["today"], row["target"], row["file"]))
]


def planned(name: str, today: str, target: str, field: Path) -> dict[str, Any]:
    """The plan of a dump or a team file, ours or of the field cases."""
    path = field / name if "/" in name else HERE / name
    return plans([open_path(path)], today, target)[0]


@pytest.fixture
def field(fixtures: Path) -> Path:
    """Folder of the field cases."""
    return fixtures.parent / "field"


@pytest.mark.parametrize(("key", "rows"), CASES, ids=[f"{key[0]} {key[2]}" for key, _ in CASES])
def test_plans_agree_with_their_documents(key: tuple[str, ...], rows: list[dict[str, str]], field: Path) -> None:
    """Each step of the document is a step of the plan, in the document's order, and cites that document."""
    _, today, target, name = key
    found = planned(name, today, target, field)
    cited = {step["step"]: step["source"].split("|") for step in found["steps"]}
    taken = list(cited)
    order = [taken.index(row["step"]) for row in rows]
    assert order == sorted(order)
    for row in rows:
        assert row["document"] in cited[row["step"]], row["step"]


def test_the_table_of_the_docs_is_this_one() -> None:
    """Every line of document and plan stands in docs/migration.md."""
    text = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
    for row in STEPS:
        assert f"| {row['case']} | {row['document']}: {row['says']} | `{row['step']}` |" in text


# --- what a cluster shows -------------------------------------------------------------------------------------------


def test_leaving_linkerd_counts_its_own_pods_and_removes_it() -> None:
    """Six pods have Linkerd's proxy: six restart, in two namespaces, and Linkerd is gone afterwards."""
    found = planned("linkerd.yaml", "cilium+linkerd", "+none", HERE)
    assert found["restarts"] == 6
    units = {step["step"]: step["units"] for step in found["steps"]}
    assert (units["mesh-off-3"], units["mesh-plain-1"]) == (2, 2)
    assert found["steps"][-1]["action"].startswith("Remove Linkerd")
    assert found["first"]["namespace"] == "pay"


def test_the_provider_works_in_its_own_order() -> None:
    """AKS: one command, all pools at once, no schedule of ours, policies after the last node, no way back."""
    found = planned("aks-pools.yaml", "azure-cni@azure-npm+none", "cilium", HERE)
    assert found["nodes"] is None
    assert found["days"] is None
    assert {row["pool"]: row["nodes"] for row in found["pools"]} == {"apps": 4, "system": 2}
    whole = next(step for step in found["steps"] if step["step"] == "aks-cilium-2")
    assert whole["hours"] == pytest.approx(max(row["hours"] for row in found["pools"]))
    assert whole["units"] == 6
    assert not whole["attended"]
    (gap,) = found["gaps"]
    assert (gap["opens"], gap["closes"]) == ("az aks update --network-dataplane cilium", "Check policies and traffic")
    assert found["reversibility"]["step"] == "aks-cilium-1"
    assert "second cluster" in found["reversibility"]["way_back"]


def test_nodes_that_are_no_machines_are_not_drained_and_stand_in_the_way() -> None:
    """A virtual node or Fargate is no node to drain, its pods do not restart, and it is named as a blocker."""
    survey = survey_of(read_inventory([HERE / "aks-pools.yaml"]))
    assert survey["virtual"] == ["virtual-node"]
    assert "virtual-node" not in survey["nodes"]["name"]
    found = planned("eks-cilium-chained.yaml", "aws-vpc@no-policy-engine+none", "aws-vpc@cilium-chained", HERE)
    blocker = next(item for item in found["blockers"] if item["id"] == "virtual-nodes")
    assert blocker["objects"] == ["Node fargate-ip-3"]
    assert found["restarts"] == 5


@pytest.mark.parametrize(
    ("target", "mesh", "told"),
    [
        (224.0, 9.0, "7.0 nodes"),
        (None, 12.8, "0.40 nodes by the mesh alone, for its network was not measured"),
        (None, None, "a number of nodes that nobody has measured"),
    ],
)
def test_nodes_for_the_proxies_are_told_by_their_number(target: float | None, mesh: float | None, told: str) -> None:
    """Nodes of 32 GiB for so much memory, of the pair as it is to be set up; without a figure none is made up."""
    drawn = {
        name: pl.DataFrame(
            {"memory_gib": [gib] * 3, "cpu_cores": [0.1] * 3}, schema_overrides={"memory_gib": pl.Float64}
        )
        for name, gib in (("today", 0.0), ("target", target), ("mesh", mesh))
    }
    worlds = {name: frame.with_columns(cost_usd_per_month=pl.col("memory_gib")) for name, frame in drawn.items()}
    sizes = {"node_memory_gib": 32, "node_cpu_cores": 8}
    setting = Setting({"nodes": 3, "pods": 9, "namespaces": 2, "services": 4, **sizes})
    move = Move(Place("calico", "none"), Place("calico", "istio-sidecar"), setting, worlds)
    steps = {step["step"]: step for step in plan_move(move)["steps"]}
    assert steps["mesh-platform-7"]["action"].endswith(f"they fill {told}")
    assert not any("MORE_NODES" in step["command"] for step in steps.values())


def test_the_old_pool_goes_first() -> None:
    """Where one pool's kernel rules Cilium out, its nodes are replaced before any other step touches a node."""
    survey = survey_of(read_inventory([HERE / "aks-pools.yaml"]))
    check = next(row for row in survey["checks"] if row["id"] == "kernel-cilium")
    check |= {"state": "fail", "objects": ["Node app-1"], "count": 1}
    found = plan_move(Move(Place("calico", "none"), Place("cilium", "none"), Setting({"nodes": 6}, survey)))
    steps = [step["step"] for step in found["steps"]]
    old = next(step for step in found["steps"] if step["step"] == "old-pool-1")
    assert (old["units"], old["restarts"]) == (4, 8)
    assert steps.index("old-pool-1") < steps.index("overlay-6")


def test_waypoints_follow_the_needs() -> None:
    """Layer 7 needs deploy a waypoint in each namespace; without them there is none; unknown ones plan one, said so."""
    places = Place("calico", "none"), Place("stay", "istio-ambient")
    for needs, deployed in ((["l7_policy"], True), (["mtls"], False), (None, True)):
        found = plan_move(
            Move(*places, Setting({"nodes": 3, "namespaces": 2, "services": 4, "pods": 9, "needs": needs}))
        )
        steps = [step["step"] for step in found["steps"]]
        assert ("mesh-on-1" in steps) == deployed
        order = ["mesh-policies-2", "mesh-on-1", "mesh-on-2", "mesh-needs-7", "mesh-enforce-1"]
        assert [step for step in steps if step in order] == (
            order if needs == ["l7_policy"] else order[1 + (not deployed) : 3] + order[4:]
        )
        assert any("layer 7" in name for name in found["unknown"]) == (needs is None)


ISTIO, CILIUM = ("discovery", "istio/pilot"), ("cilium-agent", "quay.io/cilium/cilium")
SIDECARS, AMBIENT = (Place("calico", mesh, "self-run", "self-run") for mesh in ("istio-sidecar", "istio-ambient"))
VENDOR = "vendor-fips"


@pytest.mark.parametrize(
    ("image", "version", "today", "target", "blocked"),
    [
        (ISTIO, "1.27.1", SIDECARS, SIDECARS.having("mesh", "istio-sidecar", VENDOR), "release-istio-revision"),
        (ISTIO, "1.28.1", SIDECARS, SIDECARS.having("mesh", "istio-sidecar", VENDOR), None),
        (ISTIO, "1.29.0", SIDECARS, AMBIENT, "release-ambient-install"),
        (ISTIO, "1.30.0", SIDECARS, AMBIENT, None),
        (ISTIO, "1.28.1", AMBIENT, AMBIENT.having("mesh", "istio-ambient", VENDOR), "release-ambient-build"),
        (ISTIO, "1.29.0", AMBIENT, AMBIENT.having("mesh", "istio-ambient", VENDOR), None),
        (
            CILIUM,
            "v1.17.4",
            Place("cilium", "none", "self-run"),
            Place("cilium", "none", "isovalent-enterprise"),
            "release-cilium",
        ),
        (CILIUM, "v1.18.0", Place("cilium", "none", "self-run"), Place("cilium", "none", "isovalent-enterprise"), None),
    ],
)
def test_a_release_that_is_too_old_stands_in_the_way_of_its_own_upgrade(
    image: tuple[str, str], version: str, today: Place, target: Place, blocked: str | None, tmp_path: Path
) -> None:
    """In place one minor release at a time, by revision two: in November 2026 the oldest repaired are 1.30 and 1.18."""
    container, name = image
    meta = {"name": container, "namespace": "istio-system"}
    spec = {"nodeName": "one", "containers": [{"name": container, "image": f"{name}:{version}"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": "Running"}}
    path = tmp_path / "dump.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod]}), encoding="utf-8")
    survey = survey_of(read_inventory([path], datetime.fromisoformat("2026-11-30")))
    found = plan_move(Move(today, target, Setting({"nodes": 3}, survey)))
    old = [item for item in found["blockers"] if item["id"].startswith("release-")]
    assert [item["id"] for item in old] == ([blocked] if blocked else [])
    assert not blocked or "behind the oldest" in old[0]["detail"]


def test_the_network_goes_first() -> None:
    """A mesh moves on the new network; what leaves Cilium with its mesh leaves the whole cluster."""
    network = Place("cilium", "cilium-mesh", "self-run", "self-run"), Place("flannel", "none", "self-run")
    (ways,) = ways_of([Terms(*network, "self-managed")])
    assert [way.route["route"] for way in ways] == ["new-cluster"]
    assert ways[0].steps[-1]["removes"] == "*"
    mesh = Place("calico", "linkerd", "self-run", "edge-open-source"), Place("cilium", "none", "self-run")
    (ways,) = ways_of([Terms(*mesh, "self-managed")])
    assert [way.route["route"] for way in ways] == ["overlay", "mesh-none"]
    assert [step["stage"] for way in ways for step in way.steps].count("rehearse") == 1


def test_the_mesh_of_a_second_cluster_is_there_before_its_first_workload() -> None:
    """Built, the mesh installed, workloads moved, checked, and only then is the old cluster removed."""
    setting = Setting({"nodes": 6, "namespaces": 4, "services": 20, "pods": 120, "cloud": "openshift"})
    today = Place("ovn-kubernetes", "istio-ambient", "openshift", "openshift-service-mesh")
    found = plan_move(Move(today, Place("stay", "istio-sidecar", None, "openshift-service-mesh"), setting))
    steps = [step["step"] for step in found["steps"]]
    order = ("new-cluster-1", "mesh-arrive-9", "mesh-on-3", "new-cluster-3", "mesh-enforce-1", "new-cluster-4")
    assert [step for step in steps if step in order] == list(order)


def test_openshift_reboots_each_node_twice() -> None:
    """For the MTU and for the plugin: two rounds take twice as long, and a pod that restarts twice is one pod."""
    setting = Setting({"nodes": 6, "namespaces": 4, "services": 20, "pods": 120, "cloud": "openshift"})
    found = plan_move(Move(Place("openshift-sdn", "none", "openshift"), Place("ovn-kubernetes", "none"), setting))
    first, second = (step for step in found["steps"] if step["scope"] == "node")
    assert first["hours"] == second["hours"] > 0
    assert found["restarts"] == first["restarts"] == second["restarts"] == 120


def test_nothing_is_lost_where_nothing_enforces() -> None:
    """Without a policy engine today, no policy stops holding while the network moves; with one, some do."""
    setting = Setting({"nodes": 6, "namespaces": 4, "services": 20, "pods": 120, "cloud": "aks"})
    for edition, lost in (("no-policy-engine", False), ("azure-npm", True), ("kubenet", True)):
        today = Place("azure-cni", "none", edition)
        found = plan_move(Move(today, Place("cilium", "none", "azure-cni-powered-by-cilium"), setting))
        assert bool(found["gaps"]) == lost
        assert bool(found["unenforced_hours"]) == lost


def test_workloads_that_nobody_has_named_are_not_counted() -> None:
    """A sidecar for single workloads restarts those: how many they are is not known, and not said to be all."""
    setting = Setting({"nodes": 6, "namespaces": 4, "services": 20, "pods": 120})
    today = Place("calico", "istio-ambient", "self-run", "self-run")
    found = plan_move(Move(today, Place("stay", "istio-ambient", None, "self-run-with-sidecars"), setting))
    assert found["restarts"] is None


def test_tuning_restarts_only_for_requests() -> None:
    """Scoping takes no restart, sizing the sidecars does; without proxies no pod restarts at all."""
    scenario = {"nodes": 3, "namespaces": 2, "services": 4, "pods": 9, "needs": ["mtls"]}
    for mesh, restarts in (("istio-sidecar", 9), ("linkerd", 9), ("istio-ambient", 0), ("none", 0)):
        today = Place("calico", mesh)
        found = plan_move(Move(today, Place("stay", "stay", tuned=True), Setting(scenario)))
        assert found["to"]["tuned"]
        assert [route["route"] for route in found["routes"]] == ["tune"]
        assert found["restarts"] == restarts
        assert found["reversibility"]["throughout"]


def test_a_second_cluster_is_paid_for_while_both_run() -> None:
    """Four nodes of 8 cores and 32 GiB at 0.03 and 0.004 USD an hour for 14 to 180 days, and those of a rehearsal."""
    scenario = {"nodes": 4, "node_cpu_cores": 8, "node_memory_gib": 32, "pods": 9, "namespaces": 2, "services": 4}
    prices = {"cpu_usd_per_core_hour": 0.03, "memory_usd_per_gib_hour": 0.004}
    found = plan_move(Move(Place("antrea", "none"), Place("cilium", "none"), Setting({**scenario, **prices})))
    hourly = 4 * (8 * 0.03 + 32 * 0.004)
    assert found["basis"] == "none"
    draw = np.random.default_rng(7).triangular
    size = 200_000
    days = draw(14, 42, 180, size) + draw(2, 5, 15, size) * draw(2, 3, 6, size) / 4  # a rehearsal has no four nodes
    told = [found["needs"][f"rent_usd{end}"] for end in ("_lo", "", "_hi")]
    assert told == pytest.approx(np.quantile(days * 24 * hourly, [0.1, 0.5, 0.9]), rel=0.02)
    assert found["usd"] > found["needs"]["rent_usd"] + 60 * found["person_hours"]


def test_risks_have_a_sign_and_an_owner() -> None:
    """The register of a plan has each risk once, with its sign and the role that owns it."""
    found = plan_move(Move(Place("calico", "none"), Place("cilium", "none"), Setting({"nodes": 3})))
    assert {step["risk"] for step in found["steps"]} == {row["risk"] for row in found["risks"]}
    assert all(row["sign"] and row["owner"] for row in found["risks"])


def test_a_sign_is_what_one_would_see() -> None:
    """No sign is a bare command or a document that speaks of the future: it says what would be there."""
    tools = re.compile(r"(kubectl|oc|az|gcloud|aws|helm|istioctl|linkerd|cilium|hubble) ")
    seen = re.compile(r"\b(shows?|says?|fails|names|lists|counts|differs?|refuses|repeats|reports|warns|still)\b")
    for step in steps():
        sign = step["sign"]
        assert not tools.match(sign) or seen.search(sign), (step["step"], sign)
        assert not re.match("(the vendor|look with|support of|a new release)", sign, re.IGNORECASE), step["step"]


# --- what always holds ----------------------------------------------------------------------------------------------

NETWORKS = ("calico", "flannel", "aws-vpc", "azure-cni", "antrea", "cilium")
MESHES = ("none", "linkerd", "istio-sidecar", "istio-ambient", "consul", "app-mesh")


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.sampled_from(NETWORKS), st.sampled_from(MESHES)),
    st.tuples(
        st.sampled_from(("cilium", "calico", "stay")), st.sampled_from(("none", "linkerd", "istio-ambient", "stay"))
    ),
    st.sampled_from(("aks", "eks", "self-managed")),
    st.integers(1, 500),
)
def test_prices_are_in_order_and_grow_with_the_cluster(
    today: tuple[str, str], target: tuple[str, str], cloud: str, nodes: int
) -> None:
    """At least is no more than likely, likely no more than at most, and a larger cluster never takes less."""
    priced = [
        move_price(
            Place(*today),
            Place(*target),
            Setting(
                {"cloud": cloud, "nodes": size, "pods": 9 * size, "services": size, "namespaces": size, "needs": []}
            ),
        )
        for size in (nodes, nodes + 1)
    ]
    for found in priced:
        for name in ("hours", "person_hours", "disruption_minutes", "unenforced_hours"):
            assert 0 <= found[f"{name}_lo"] <= found[name] <= found[f"{name}_hi"]
        assert found["person_hours"] <= 2 * found["hours"] + 1e-9
        assert found["stays"] == (not found["routes"])
    for name in ("hours_lo", "hours", "hours_hi", "restarts"):
        assert priced[0][name] <= priced[1][name]


# --- the rehearsal --------------------------------------------------------------------------------------------------


def test_a_rehearsal_is_a_runbook_with_manifests(tmp_path: Path) -> None:
    """Two boxes a step, commands, checks, abort and way back, for the first namespace; manifests are YAML."""
    path = tmp_path / "out"
    call = [
        "migrate",
        str(HERE / "linkerd.yaml"),
        "--from",
        "cilium+linkerd",
        "--to",
        "+istio-ambient",
        "--rehearse",
        str(path),
        "--format",
        "json",
    ]
    ran = CliRunner().invoke(main, call)
    assert ran.exit_code == 0, ran.output
    text = (path / "runbook.md").read_text(encoding="utf-8")
    steps = planned("linkerd.yaml", "cilium+linkerd", "+istio-ambient", HERE)["steps"]
    assert text.count("- [ ] Done") == text.count("- [ ] Check before going on") == len(steps)
    assert text.count("- Abort: ") == text.count("- Way back") == len(steps)
    assert text.count("```sh") == len(steps)
    assert "kubectl label namespace pay istio.io/dataplane-mode=ambient" in text
    assert "point of no return" in text
    named = {item.name for item in (path / "manifests").iterdir()}
    assert named == {step["manifest"] for step in steps} - {None}
    waypoint = yaml.safe_load((path / "manifests" / "waypoint.yaml").read_text(encoding="utf-8"))
    assert waypoint["metadata"]["namespace"] == "pay"
    for item in (path / "manifests").iterdir():
        assert list(yaml.safe_load_all(item.read_text(encoding="utf-8")))


MOVES = [
    ("azure-cni+istio-sidecar@self-run", "+istio-sidecar@aks-add-on"),
    ("calico@self-run+istio-sidecar@self-run", "+istio-ambient"),
    ("calico@self-run+none", "cilium@self-run+istio-ambient"),
    ("flannel@self-run+none", "calico-enterprise"),
]


@pytest.mark.parametrize(("today", "target"), MOVES)
def test_a_runbook_keeps_the_order_of_the_plan(today: str, target: str) -> None:
    """What is removed before the new comes stands before it, not under what is done afterwards."""
    from meshlab.show.runbooks import runbook

    found = planned("linkerd.yaml", today, target, HERE)
    text = runbook({"scenario": "x", **found})["runbook.md"]
    heads = re.findall(r"^### (\d+)\. (.+)$", text, flags=re.MULTILINE)
    assert heads == [(str(number), step["action"]) for number, step in enumerate(found["steps"], 1)]
    assert text.count("## Afterwards\n") <= 1
    if "## Afterwards\n" in text:
        assert "## In the window\n" not in text.split("## Afterwards\n")[1]


def test_hosts_of_a_sidecar_are_those_of_the_traces(tmp_path: Path) -> None:
    """A namespace's Sidecar names the namespaces that its traces call, and a service of no namespace is told."""
    from meshlab.show.runbooks import runbook

    def span(name: str, process: str, parent: str | None) -> dict[str, Any]:
        refs = [{"refType": "CHILD_OF", "traceID": "1", "spanID": parent}] if parent else []
        return {"spanID": name, "processID": process, "references": refs, "startTime": 1, "duration": 9}

    services = {"a": "web", "b": "pay.money", "c": "elsewhere"}
    trace = {
        "traceID": "1",
        "spans": [span("1", "a", None), span("2", "b", "1"), span("3", "c", "1")],
        "processes": {key: {"serviceName": name} for key, name in services.items()},
    }
    (tmp_path / "traces.json").write_text(json.dumps({"data": [trace]}), encoding="utf-8")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}}
    pod |= {"spec": {"containers": [{"name": "web", "image": "web"}, {"name": "istio-proxy", "image": "proxyv2"}]}}
    homes = (("shop", "web"), ("money", "pay"), ("other", "mail"))
    items = [{"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": n, "name": s}} for n, s in homes]
    (tmp_path / "dump.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, *items]}))
    team = tmp_path / "team.yaml"
    team.write_text("team: t\ncluster: dump.json\nmeasured: [traces.json]\nscenario: {nodes: 3}\n", encoding="utf-8")
    plan = plans([open_path(team)], "calico+istio-sidecar", "@tuned")[0]
    assert plan["called"] == {"shop": ["money"]}
    assert any("1 services of the traces (elsewhere)" in item for item in plan["unknown"])
    files = runbook(plan)
    (hosts,) = yaml.safe_load(files["manifests/sidecar-scope.yaml"])["spec"]["egress"]
    assert hosts["hosts"] == ["./*", "istio-system/*", "money/*"]
    assert "By the traces shop calls: money" in files["runbook.md"]
    plan["called"] = {}
    (hosts,) = yaml.safe_load(runbook(plan)["manifests/sidecar-scope.yaml"])["spec"]["egress"]
    assert hosts["hosts"][-1] == "CALLED_NAMESPACE/*"


def test_a_name_that_is_none_does_not_reach_the_runbook() -> None:
    """A namespace whose name a dump made up stays a word in capitals: it cannot write commands."""
    from meshlab.show.runbooks import runbook

    found = planned("linkerd.yaml", "cilium+linkerd", "+istio-ambient", HERE)
    found["first"]["namespace"] = "a; rm -rf ~ `x`"
    files = runbook(found)
    assert "rm -rf" not in "".join(files.values())
    assert "kubectl label namespace NAMESPACE" in files["runbook.md"]


def test_manifests_have_what_the_plan_knows(tmp_path: Path) -> None:
    """The new range, the port and the provider's plugin stand in the manifests of the network."""
    team = tmp_path / "mine.yaml"
    team.write_text(
        "team: mine\nscenario: {nodes: 4, current_cni: calico, current_mesh: none, cloud: self-managed}\n"
        "migration: {pod_cidr: 172.20.0.0/16, tunnel_port: 8999}\n",
        encoding="utf-8",
    )
    ran = CliRunner().invoke(main, ["migrate", str(team), "--to", "cilium", "--rehearse", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    values = yaml.safe_load((tmp_path / "out" / "manifests" / "values-migration.yaml").read_text(encoding="utf-8"))
    assert values["tunnelPort"] == 8999
    assert values["ipam"]["operator"]["clusterPoolIPv4PodCIDRList"] == ["172.20.0.0/16"]
    call = [
        "migrate",
        str(HERE / "eks-calico-engine.yaml"),
        "--from",
        "aws-vpc@network-policy-agent+none",
        "--to",
        "aws-vpc@calico-policy-engine",
        "--rehearse",
        str(tmp_path / "eks"),
    ]
    assert CliRunner().invoke(main, call).exit_code == 0
    first, _ = yaml.safe_load_all((tmp_path / "eks" / "manifests" / "installation.yaml").read_text(encoding="utf-8"))
    assert first["spec"] == {
        "variant": "Calico",
        "kubernetesProvider": "EKS",
        "cni": {"type": "AmazonVPC"},
        "calicoNetwork": {"bgp": "Disabled"},
    }
