"""Routes for every pair of networks and of meshes, editions included: sources, leftovers, restarts."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from msgspec.structs import replace

from meshlab.errors import MeshlabError
from meshlab.models.decision import explain
from meshlab.models.decision.tables import Option, load_tables
from meshlab.planning.migration import Place, Setting, move_price, move_prices, parse_place
from meshlab.planning.migration.assumptions import declared
from meshlab.planning.migration.price import BASES
from meshlab.planning.migration.routes import (
    CONDITIONS,
    NEW_CLUSTER,
    Terms,
    _conditions,
    fitting,
    held,
    routes,
    set_up,
    steps,
    ways_of,
)
from meshlab.scenario import frame_of
from meshlab.tables import read_table, resource

NOWHERE = Place(None, None)
PHASES = ("write", "prepare", "window", "after")
OPTIONS = load_tables().options
SOURCES = set(read_table("sources")["source_id"])
CLOUDS = ("self-managed", "aks", "eks", "gke", "doks", "openshift")

TOOLS = frozenset(
    "kubectl helm az gcloud aws eksctl oc istioctl linkerd cilium meshlab osm consul-k8s step kumactl hubble ip ss "
    "curl grep ls iptables-save ip6tables-save systemctl mkdir calicoctl watch #".split()
)
"""What a line of a command may begin with; all else is a comment."""


def places(side: str) -> list[tuple[str, str]]:
    """Every product of one side in each of its editions, and no mesh."""
    return list(dict.fromkeys((option.id, option.edition) for option in OPTIONS if option.side == side))


def artefacts(terms: Terms) -> dict[str, set[str]]:
    """What a move has to remove, by side: leftovers of what runs that the target does not use."""
    rows = read_table("migration/leftovers").rows(named=True)
    keeps = held({str(place): row["kept"] for place, row in enumerate(rows)}, [terms.row()])[0]
    due: dict[str, set[str]] = {"cni": set(), "mesh": set()}
    for place, row in enumerate(rows):
        name, edition = terms.today.side(row["side"])
        of_edition = not row["editions"] or edition in row["editions"].split("|")
        if row["product"] == name and of_edition and not keeps[str(place)]:
            due[row["side"]].add(row["artefact"])
    return due


def clouds_of(*options: tuple[str, str, str]) -> list[str]:
    """Where all of the editions can be had; none where they are of different clouds."""

    def had(side: str, name: str, edition: str, cloud: str) -> bool:
        of_edition: list[Option] = [
            item for item in OPTIONS if (item.side, item.id, item.edition) == (side, name, edition)
        ]
        return any(item.had_on(cloud) for item in of_edition)

    return [cloud for cloud in CLOUDS if all(had(*option, cloud) for option in options)]


def pairs(side: str) -> Iterator[Terms]:
    """Every move of one side, the other one staying, wherever both its ends can be had, and at least on one cloud."""
    for (today, of_today), (target, of_target) in product(places(side), repeat=2):
        for cloud in clouds_of((side, today, of_today), (side, target, of_target)) or CLOUDS[:1]:
            for cni in ("cilium", "calico") if side == "mesh" else ("",):
                start = (
                    Place(today, "none", of_today or None)
                    if side == "cni"
                    else Place(cni, today, "self-run", of_today or None)
                )
                end = (
                    Place(target, "none", of_target or None)
                    if side == "cni"
                    else Place(cni, target, "self-run", of_target or None)
                )
                yield Terms(start, end, cloud, l7=True)


ALL = {side: list(pairs(side)) for side in ("cni", "mesh")}


def told(terms: Terms) -> str:
    """A move in words, for messages."""
    return f"{terms.today.plain()} to {terms.target.plain()} on {terms.cloud}"


# --- every pair -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 40])
def test_a_condition_that_is_not_asked_holds_nowhere(at_once: int) -> None:
    """What is said of moves is what polars alone says of every condition, null where a fact is missing."""
    rows = [terms.row() for side in ALL.values() for terms in side[:: 293 if at_once == 1 else 5]]
    rows += [rows[0] | {"cloud": None, "from_cni": None}, rows[0] | {"to_mesh": None}]
    for some in (rows[start : start + at_once] for start in range(0, len(rows), at_once)):
        frame = pl.DataFrame(some, schema=CONDITIONS)
        whole = frame.select(
            pl.sql_expr(text).fill_null(value=False).alias(name) for name, text in _conditions().items()
        )
        assert held(_conditions(), some) == whole.rows(named=True)


@pytest.mark.parametrize("side", ["cni", "mesh"])
def test_every_pair_has_a_way_with_a_source_or_none_that_is_known(side: str) -> None:
    """From each edition to each other leads a documented way with source and date, or the price is a second cluster."""
    for terms, ways in zip(ALL[side], ways_of(ALL[side]), strict=True):
        if terms.today == terms.target:
            assert not ways, told(terms)
            continue
        assert ways, told(terms)
        for way in ways:
            assert way.route["basis"] in BASES
            assert set(way.route["source_id"].split("|")) <= SOURCES
            assert way.route["text_date"]
        if any(way.route["basis"] == "none" for way in ways):
            assert NEW_CLUSTER in {step["stage"] for way in ways for step in way.steps}, told(terms)
            assert "second cluster" in ways[0].route["title"] or terms.target.mesh == "cilium-mesh"


@pytest.mark.parametrize("windows", [0, 3])
def test_what_takes_a_new_cluster_is_planned_with_one(windows: int) -> None:
    """A network that the decision bars in a cluster that runs is nowhere planned for in place."""
    stated = {"windows_nodes": windows, "current_mesh": "none", "greenfield": False, "cni_healthy": True, "needs": []}
    stated |= {"kernel_oldest": "6.8.0", "licence_usd_per_year": 100_000}
    running = [
        {"scenario": f"{name} {edition} {cloud}", "cloud": cloud, "current_cni": name, "current_cni_edition": edition}
        for cloud in CLOUDS
        for name, edition in places("cni")
        if (name, edition) != ("none", "")
        and clouds_of(("cni", name, edition))
        and cloud in clouds_of(("cni", name, edition))
    ]
    asked: list[Terms] = []
    barred: list[str | None] = []
    for row, verdict in zip(running, explain(frame_of([row | stated for row in running]), outlook=False), strict=True):
        today = Place(str(row["current_cni"]), "none", str(row["current_cni_edition"]))
        for option in verdict["options"]:
            if option["mesh"] == "none" and not option["today"] and option["edition"]["cni"]:
                target = Place(option["cni"], "none", option["edition"]["cni"])
                asked.append(Terms(today, target, str(row["cloud"]), windows=windows > 0))
                barred.append(option["why_not"])
    assert len(asked) > 500
    for terms, ways, why in zip(asked, ways_of(asked), barred, strict=True):
        new = any(NEW_CLUSTER in (way.route["stages"] or ()) for way in ways)
        assert new or " needs a new " not in (why or ""), f"{told(terms)} is barred: {why}"


@pytest.mark.parametrize("side", ["cni", "mesh"])
def test_no_way_removes_less_than_it_replaces(side: str) -> None:
    """What runs today and the target does not use is removed by a step, or goes with the whole cluster."""
    for terms, ways in zip(ALL[side], ways_of(ALL[side]), strict=True):
        if terms.today == terms.target:
            continue
        removed = {name for way in ways for step in way.steps for name in (step["removes"] or "").split("|") if name}
        left = set() if "*" in removed else artefacts(terms)[side] - removed
        assert not left, f"{told(terms)} leaves {sorted(left)} behind"


def test_what_is_removed_is_known_and_what_is_known_is_removed() -> None:
    """Steps remove leftovers that the table names, and each of those is removed by some step."""
    named = {name for step in steps() for name in (step["removes"] or "").split("|") if name and name != "*"}
    known = set(read_table("migration/leftovers")["artefact"])
    extra = {"istio-injector", "sidecar-resources", "selector-l7-policies"}
    assert named - extra == known


@pytest.mark.parametrize("side", ["cni", "mesh"])
def test_each_move_has_one_order(side: str) -> None:
    """No step is taken twice, and the old goes after the new is there, unless both cannot be at once."""
    for terms, ways in zip(ALL[side], ways_of(ALL[side]), strict=True):
        taken = [step["step"] for way in ways for step in way.steps]
        assert len(taken) == len(set(taken)), told(terms)
        for way in ways:
            stages = list(dict.fromkeys(step["stage"] for step in way.steps))
            for stage in stages:
                phases = [PHASES.index(step["phase"]) for step in way.steps if step["stage"] == stage]
                assert phases == sorted(phases), (told(terms), stage)
            if {"mesh-arrive", "mesh-leave"} <= set(stages) and "mesh-replace" not in stages:
                assert stages.index("mesh-arrive") < stages.index("mesh-leave"), told(terms)


STRICT = frozenset({"istio-sidecar", "istio-ambient", "linkerd", "consul", "kuma", "osm", "app-mesh"})
"""Meshes whose peers may refuse a caller without their certificate."""


def test_plain_text_is_let_in_before_the_first_pod_leaves() -> None:
    """Pods of a mesh refuse what has left it: they are made permissive first, whatever comes after it."""
    for terms, ways in zip(ALL["mesh"], ways_of(ALL["mesh"]), strict=True):
        for way in ways:
            stages = list(dict.fromkeys(step["stage"] for step in way.steps))
            if "mesh-off" in stages and terms.today.mesh in STRICT:
                assert stages.index("mesh-permissive") < stages.index("mesh-off"), told(terms)


def test_a_pod_is_in_one_mesh_at_a_time() -> None:
    """Ambient mode captures pods that run: the proxies of another mesh go before, those of Istio's own after it."""
    for terms, ways in zip(ALL["mesh"], ways_of(ALL["mesh"]), strict=True):
        taken = [step["step"] for way in ways for step in way.steps]
        if terms.target.mesh != "istio-ambient" or terms.today.mesh not in STRICT - {"istio-sidecar", "istio-ambient"}:
            continue
        if NEW_CLUSTER not in {step["stage"] for way in ways for step in way.steps}:
            assert taken.index("mesh-plain-1") < taken.index("mesh-on-2"), told(terms)


def test_http_rules_of_cilium_and_mutual_tls_do_not_meet() -> None:
    """Cilium reads no requests that a mesh encrypts: in a namespace the one goes before the other comes."""
    for terms, ways in zip(ALL["mesh"], ways_of(ALL["mesh"]), strict=True):
        stages = list(dict.fromkeys(step["stage"] for way in ways for step in way.steps))
        ends = {terms.today.mesh, terms.target.mesh}
        if "cilium-mesh" in ends and ends & STRICT and "mesh-off" in stages and "mesh-on" in stages:
            assert stages.index("mesh-off") < stages.index("mesh-on"), told(terms)
    assert not any("httproutes --all" in step["command"] for step in steps())


def test_new_policies_hold_before_the_old_ones_are_deleted() -> None:
    """From sidecars to ambient mode the waypoint's policies are applied, and only then the sidecars' are deleted."""
    terms = Terms(
        Place("calico", "istio-sidecar", "self-run", "self-run"),
        Place("calico", "istio-ambient", "self-run", "self-run"),
        l7=True,
    )
    commands = [step["command"] for way in ways_of([terms])[0] for step in way.steps]
    applied = next(place for place, text in enumerate(commands) if "kubectl apply -n NAMESPACE -f policies/" in text)
    deleted = next(place for place, text in enumerate(commands) if "kubectl delete authorizationpolicy" in text)
    assert applied < deleted
    assert not any("envoyfilters -A --all" in text for text in commands)


def test_what_is_copied_can_be_applied_again() -> None:
    """No copy holds what kubectl apply refuses, and a namespace goes back without those that have moved."""
    texts = {step["step"]: " ".join(step[name] or "" for name in ("command", "abort", "rollback")) for step in steps()}
    applied = set(re.findall(r"apply (?:--server-side )?(?:-f )?(\S*before[\w-]*\.yaml)", " ".join(texts.values())))
    copies = [
        (step["step"], line, line.rsplit("> ", 1)[1])
        for step in steps()
        for line in step["command"].split("; ")
        if line.startswith("kubectl get") and re.search(r"> \S+\.yaml$", line)
    ]
    assert applied <= {name for _, _, name in copies} | {"NAMESPACE-before.yaml"}, applied
    for step, line, name in copies:
        assert "(resourceVersion|uid):" in line or name not in applied, step
    for step in steps():
        if step["scope"] in ("namespace", "workload"):
            assert not re.search(r"(?<!NAMESPACE-)before[\w-]*\.yaml", step["rollback"] + step["abort"]), step["step"]


def test_all_of_a_kind_is_all_of_one_product() -> None:
    """A kind that several products have is deleted by its group, or as those alone that are meant."""
    shared = {"gateways", "meshes", "virtualservices", "httproutes", "authorizationpolicies", "networkpolicies"}
    for step in steps():
        for line in step["command"].split("; "):
            if line.startswith("kubectl delete") and "--all" in line:
                assert not shared & set(line.split()[2].split(",")), (step["step"], line)
                assert "gateway.networking" not in line, (step["step"], line)


RESTART = (
    "kubectl -n NAMESPACE get deployment,statefulset,daemonset -o name | xargs -I{} sh -c 'kubectl -n NAMESPACE "
    "rollout restart {} && kubectl -n NAMESPACE rollout status {} --timeout=10m || exit 255'"
)
"""One workload after the other, until one does not come back."""


def test_a_restart_takes_every_kind_of_workload_one_after_the_other() -> None:
    """StatefulSets and DaemonSets keep their old proxy as well as Deployments do, and none waits for another's end."""
    found = [step for step in steps() if step["takes"] == "workload_seconds"]
    assert all(RESTART in step["command"] or "DEPLOYMENT" in step["command"] for step in found)
    assert sum("rollout restart deployment," in step["command"] for step in steps()) == 0


def test_no_row_is_never_taken() -> None:
    """Each route and each step is taken by some move: of one side, of a new cluster, tuned, or with an old pool.

    So it is with Windows nodes, or with needs that have to be set up.
    """
    everything = [*ALL["cni"], *ALL["mesh"]]
    fresh = [replace(item, fresh=True) for item in everything]
    tuned = [replace(item, target=replace(item.today, tuned=True)) for item in everything]
    old = [replace(item, old_nodes=3) for item in ALL["cni"]]
    old += [replace(item, l7=False) for item in ALL["mesh"] if item.today.mesh == "istio-ambient"]
    both = [
        Terms(
            Place("calico", "istio-ambient", "self-run", "self-run"),
            Place("cilium", "istio-ambient", "self-run", "self-run"),
            "eks",
        ),
        Terms(
            Place("calico", "istio-sidecar", "self-run", "self-run"),
            Place("cilium", "istio-ambient", "self-run", "self-run"),
            "eks",
        ),
        *(
            Terms(
                Place(cni, "none", edition),
                Place(cni, "istio-ambient", edition, "self-run"),
                cloud,
            )
            for cni, edition, cloud in (
                ("aws-vpc", "no-policy-engine", "eks"),
                ("ovn-kubernetes", "openshift", "openshift"),
            )
        ),
        Terms(
            Place("dataplane-v2", "none", "gke-dataplane-v2"),
            Place("dataplane-v2", "linkerd", "gke-dataplane-v2", "edge-open-source"),
            "gke",
        ),
    ]
    asked = [
        replace(item, needs=NEEDS, scoped=True, policies=3, windows=True)
        for item in [*everything, *fresh]
        if item.cloud in CLOUDS[:2]
    ]
    ways = [way for found in ways_of([*everything, *fresh, *tuned, *old, *both, *asked]) for way in found]
    taken_steps = {step["step"] for way in ways for step in way.steps}
    taken_routes = {way.route["route"] for way in ways}
    assert {row["step"] for row in steps()} - taken_steps == set()
    assert {row["route"] for row in routes()} - taken_routes == set()


# --- what is asked for ----------------------------------------------------------------------------------------------

NEEDS = frozenset(read_table("needs")["need"])

COMES_ALONG = {
    "mtls": "the mesh is installed with it, and a step makes it strict",
    "same_node_encryption": "nothing does it as a finished feature",
    "per_connection_authentication": "a property of what terminates the connection",
    "fips": "the build that is installed",
    "vendor_support": "a contract",
    "network_policy": "most engines that an edition names enforce them as they are installed",
    "windows_nodes": "ways of their own, but for the engine beside the VPC CNI",
    "udp": "a property of the engine",
    "sctp": "a property of the engine",
    "encryption_in_transit": "of a mesh it comes with mutual TLS",
    "grpc_balancing": "what balances opens each connection: the proxy, the waypoint or the library",
}
"""Needs that take no setting up beside the installation, and why."""

ENCRYPTED = {"encryption_in_transit"}


@pytest.mark.parametrize("side", ["cni", "mesh"])
def test_what_is_asked_for_is_set_up(side: str) -> None:
    """Of each option that meets a need, the first installation has a step for it, with hours: not the chart alone."""
    tables = load_tables()
    asked: list[tuple[str, Terms]] = []
    for name, edition in places(side):
        layers = {side} if name == "cilium-mesh" else {side, "any"}
        for need in sorted(NEEDS - (COMES_ALONG.keys() if side == "mesh" else COMES_ALONG.keys() - ENCRYPTED)):
            if tables.layers[need] not in layers or name == "none":
                continue
            for cloud in clouds_of((side, name, edition))[:1]:
                cell = tables.cell(tables.option(side, name, edition, cloud), need, cloud)
                below = ("cilium", edition) if name == "cilium-mesh" else ("flannel", "self-run")
                here = Place(name, "none", edition) if side == "cni" else Place(below[0], name, below[1], edition)
                if cell and cell.meets:
                    asked.append((need, Terms(Place("none", "none"), here, cloud, fresh=True, needs=frozenset({need}))))
    bare = ways_of([replace(terms, needs=frozenset()) for _, terms in asked])
    assert len(asked) > 100
    for (need, terms), ways, without in zip(asked, ways_of([terms for _, terms in asked]), bare, strict=True):
        added = {step["step"] for way in ways for step in way.steps} - {s["step"] for way in without for s in way.steps}
        itself = (need, terms.target.mesh) == ("gateway_api", "gateway")  # its routes are what is installed
        assert added or itself, (need, told(terms))


@pytest.mark.parametrize("name", ["cilium", "calico", "calico-enterprise"])
@pytest.mark.parametrize(
    ("cloud", "made", "removed"),
    [
        ("aks", "az aks create .*--network-plugin none", ""),
        ("eks", "eksctl create cluster", "daemonset (-n kube-system )?aws-node"),
        ("self-managed", "# make the cluster without a network plugin", ""),
        (None, "# make the cluster without a network plugin", ""),
    ],
)
def test_a_cluster_is_made_before_its_network(name: str, cloud: str | None, made: str, removed: str) -> None:
    """The first command makes a cluster, as the platform has it without a plugin; then the plugin is installed."""
    (ways,) = ways_of([Terms(Place("none", "none"), Place(name, "none", "self-run"), cloud, fresh=True)])
    (step,) = (step for way in ways for step in way.steps if step["stage"] == "network-new")
    assert re.search(f"{made}.*{removed}.*(helm install|kubectl create -f)", step["command"])


def test_policies_are_translated_before_their_definitions_go() -> None:
    """Who deletes definitions of an engine's own policies has had these translated, counted or not."""
    for count in (None, 3):
        counted = [replace(terms, policies=count) for terms in ALL["cni"]]
        for terms, ways in zip(counted, ways_of(counted), strict=True):
            taken = [step for way in ways for step in way.steps]
            gone = next((step for step in taken if "calico-crds" in (step["removes"] or "").split("|")), None)
            if (
                gone is None
                or terms.target.cni_edition == "no-policy-engine"
                or "calico" in told(terms).split(" to ")[1]
            ):
                continue
            before = {step["takes"] for step in taken[: taken.index(gone)]}
            assert before & {"policy_hours", "policy_minutes"}, told(terms)


def test_what_was_translated_is_applied_before_policies_hold_again() -> None:
    """Files under policies/ do nothing by themselves: a step applies them, no later than policies hold."""
    counted = [replace(terms, policies=3) for terms in ALL["cni"]]
    for terms, ways in zip(counted, ways_of(counted), strict=True):
        taken = [step for way in ways for step in way.steps]
        if not any(step["stage"] == "policy-translate" for step in taken):
            continue
        applied = [place for place, step in enumerate(taken) if "apply -f policies/" in step["command"]]
        closes = [place for place, step in enumerate(taken) if step["gap"] == "closes"]
        assert applied, told(terms)
        assert not closes or applied[0] <= closes[-1], told(terms)


def test_what_stays_is_not_set_up_again_and_what_ends_is_told() -> None:
    """Calico Enterprise keeps Calico's peers and brings names; Azure's Cilium has no BGP, so that it would be lost."""
    needs = frozenset({"bgp", "dns_policy"})
    today = Place("calico", "none", "self-run")
    terms = Terms(today, Place("calico-enterprise", "none", "self-run"), "self-managed", needs=needs)
    found = terms.row()
    assert (found["cni_needs"], terms.lost) == (["bgp", "dns_policy"], [])
    kept = Terms(today, Place("calico", "none", "self-run-ebpf"), "self-managed", needs=needs)
    assert kept.row()["cni_needs"] == []
    ends = Terms(today, Place("cilium", "none", "azure-cni-powered-by-cilium-acns"), "aks", needs=needs)
    assert (ends.row()["cni_needs"], ends.lost) == (["dns_policy"], ["bgp"])


def test_the_way_from_kubenet_begins_without_an_engine() -> None:
    """AKS refuses the overlay while Calico is on: its engine goes first, which opens the time without policies."""
    target = Place("cilium", "none", "azure-cni-powered-by-cilium")
    terms = Terms(Place("azure-cni", "none", "kubenet-calico"), target, "aks")
    npm = replace(terms, today=Place("azure-cni", "none", "azure-npm"))
    steps_of = [[step["step"] for way in ways for step in way.steps] for ways in ways_of([terms, npm])]
    first, second, third = (steps_of[0].index(name) for name in ("aks-engine-off-1", "aks-overlay-1", "aks-cilium-1"))
    assert first < second < third
    assert "aks-engine-off-1" not in steps_of[1]


def test_an_upgrade_of_the_platform_comes_after_rehearsal_and_backup() -> None:
    """No way back leads from an upgrade: it is rehearsed with the rest, and the first thing that is done for real."""
    for row in routes():
        stages = row["stages"] or []
        if "release" in stages:
            assert set(stages[: stages.index("release")]) == {"rehearse", "backup"} & set(stages), row["route"]
    upgrades = [step for step in steps() if step["stage"] == "release"]
    assert not any(step["reversible"] or "or none" in step["rollback"] for step in upgrades)
    assert all(
        "rollback" in step["source_id"] or "roll-back" in step["source_id"] or "etcd" in step["source_id"]
        for step in upgrades
    )


def test_each_release_has_its_step_and_its_check() -> None:
    """What a way asks of the platform is one number, in the condition of its first step and in its check."""
    firsts = {step["step"]: step["applies"] for step in steps() if step["stage"] == "release"}
    rows = [row for row in read_table("migration/checks").iter_rows(named=True) if row["stages"] in firsts]
    least = {row["stages"]: re.findall(r"kubernetes < (\d+)", row["fails"]) for row in rows}
    assert least == {name: re.findall(r"kubernetes < (\d+)", text) for name, text in firsts.items()}
    assert all(len(found) == 1 for found in least.values())


@pytest.mark.parametrize(
    ("need", "by"),
    [("encryption_in_transit", "mesh"), ("multi_cluster", "mesh"), ("gateway_api", "mesh"), ("egress_gateway", "cni")],
)
def test_what_both_could_do_is_set_up_once(need: str, by: str) -> None:
    """In the mesh, which knows who calls; known addresses in the network, for a mesh's gateway has its node's."""
    both = Place("cilium", "istio-sidecar", "self-run", "self-run")
    found = Terms(Place("none", "none"), both, "self-managed", fresh=True, needs=frozenset({need})).row()
    assert {side: found[f"{side}_needs"] for side in ("cni", "mesh")} == {"cni": [], "mesh": [], by: [need]}


@pytest.mark.parametrize(
    ("place", "cloud", "need", "told"),
    [
        (
            Place("flannel", "none", "k3s"),
            "self-managed",
            "encryption_in_transit",
            "Switch encryption between nodes on",
        ),
        (Place("flannel", "none", "self-run"), "self-managed", "network_policy", "until then they are accepted"),
        (Place("flannel", "none", "k3s"), "self-managed", "network_policy", ""),
        (Place("ovn-kubernetes", "none", "openshift"), "openshift", "egress_gateway", "known addresses"),
        (Place("calico", "linkerd", "self-run", "edge-open-source"), "self-managed", "multi_cluster", "by the mesh"),
    ],
)
def test_what_stays_may_have_to_be_set_up(place: Place, cloud: str, need: str, told: str) -> None:
    """A product that stays meets much that no installation switches on: its steps are told without hours."""
    terms = Terms(place, place, cloud, needs=frozenset({need}))
    assert ways_of([terms]) == [()]
    found = [row["action"] for row in set_up(terms) if row["need"] == need]
    assert any(told in action for action in found) if told else not found


@pytest.mark.parametrize(
    ("today", "target", "cloud", "needs", "taken", "left"),
    [
        (
            Place("aws-vpc", "none", "network-policy-agent"),
            Place("aws-vpc", "vpc-lattice", "network-policy-agent", "aws"),
            "eks",
            {"multi_cluster"},
            "mesh-needs-9",
            "mesh-needs-1",
        ),
        (
            Place("aws-vpc", "none", "network-policy-agent"),
            Place("aws-vpc", "none", "calico-policy-engine"),
            "eks",
            {"windows_nodes"},
            "network-needs-15",
            "network-needs-14",
        ),
        (
            Place("calico", "istio-ambient", "self-run", "self-run"),
            Place("calico", "istio-ambient", "self-run", "self-run-with-sidecars"),
            "self-managed",
            {"virtual_machines"},
            "mesh-needs-5",
            "mesh-needs-1",
        ),
        (
            Place("calico", "gateway", "self-run", "envoy-gateway"),
            Place("calico", "linkerd", "self-run", "edge-open-source"),
            "self-managed",
            {"mtls", "gateway_api"},
            "mesh-on-5",
            "mesh-leave-14",
        ),
        (
            Place("calico-enterprise", "none", "self-run"),
            Place("calico", "none", "self-run"),
            "self-managed",
            {"cluster_policy"},
            "calico-open-2",
            "network-needs-8",
        ),
    ],
)
def test_a_way_takes_the_steps_of_its_own_products(
    today: Place, target: Place, cloud: str, needs: set[str], taken: str, left: str
) -> None:
    """Links, agents of Windows nodes and machines are of the product; a gateway stays, and Calico has a way back."""
    (ways,) = ways_of([Terms(today, target, cloud, needs=frozenset(needs))])
    found = {step["step"] for way in ways for step in way.steps}
    assert taken in found
    assert left not in found


def test_no_old_mesh_is_told_of_where_none_runs() -> None:
    """Steps of a way from no mesh name no old one."""
    speaks = re.compile("old mesh|other mesh|beside each other|last namespace has moved")
    for terms, ways in zip(ALL["mesh"], ways_of(ALL["mesh"]), strict=True):
        if terms.today.mesh == "none" and NEW_CLUSTER not in {step["stage"] for way in ways for step in way.steps}:
            texts = [step[name] for way in ways for step in way.steps for name in ("why", "risk", "abort", "rollback")]
            assert not [text for text in texts if speaks.search(text)], told(terms)


PLATFORMS = {
    "aks": "AKS|Azure",
    "eks": "EKS",
    "gke": "GKE",
    "openshift": "OpenShift",
    "self-managed": "k3s|kubeadm",
}
"""Words with which a comment begins that is for one platform alone."""


def test_comments_are_for_the_platform_and_the_products_at_hand() -> None:
    """A plan tells no line for another cloud or another mesh; what is for all, and every command, stays."""
    asked = [replace(terms, needs=NEEDS) for terms in [*ALL["cni"], *ALL["mesh"]] if terms.cloud in PLATFORMS]
    for terms, ways in zip(asked, ways_of(asked), strict=True):
        foreign = "|".join(words for cloud, words in PLATFORMS.items() if cloud != terms.cloud)
        foreign += "" if terms.target.mesh == "linkerd" else "|Linkerd"
        foreign += "" if (terms.target.mesh or "").startswith("istio") else "|Istio"
        for step in (step for way in ways for step in way.steps):
            lines = step["command"].split("; ")
            kept = fitting(step["command"], terms).split("; ")
            assert not [line for line in kept if re.match(rf"# ({foreign})( instead)?:", line)], step["step"]
            assert [line for line in lines if line not in kept and not line.startswith("# ")] == []


def test_each_label_of_a_comment_is_in_use() -> None:
    """Labels of ``notes.csv`` begin a comment of some step, and each product or platform that begins one is there."""
    begun = {match for step in steps() for match in re.findall(r"(?:^|; )# ([^:;]+):", step["command"])}
    labels = set(read_table("migration/notes")["label"])
    assert labels <= begun
    products = re.compile(r"(AKS|Azure|EKS|GKE|OpenShift|k3s|kubeadm|Istio|Linkerd|Kuma|Consul|Cilium|Calico|flannel)$")
    assert {name for name in begun if products.match(name)} <= labels


# --- by hand --------------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "moves.csv"
"""Moves with what the documents say of them: on what the way rests and which pods restart, worked out by reading."""

with GOLDEN.open(encoding="utf-8", newline="") as stream:
    BY_HAND = list(csv.DictReader(stream))

SCENARIO: dict[str, Any] = {"nodes": 4, "pods": 60, "namespaces": 3, "services": 12, "needs": ["mtls", "l7_policy"]}
PODS = {"none": 0, "evicted": 55, "networked": 70, "proxied": 20, "meshed": 25, "stated": 60, "unknown": None}
"""Pods of each kind in the survey below, and those that are stated of the mesh."""


def survey(*, meshed: bool) -> dict[str, Any]:
    """A dump of four nodes in two pools with 55 pods to evict; 20 pods have a proxy, 5 more are redirected to one."""
    members = {"namespaces": 2, "workloads": 5, "meshed_pods": 25, "proxied_pods": 20} if meshed else {"meshed_pods": 0}
    return {
        "nodes": {
            "name": ["a", "b", "c", "d"],
            "pool": ["one", "one", "two", "two"],
            "pods": [20, 15, 10, 10],
            **{
                f"{kind}_{unit}": [1.0] * 4
                for kind in ("free", "moved", "largest")
                for unit in ("cpu_cores", "memory_gib")
            },
        },
        "evictions": {
            "node": [0, 1, 2, 3],
            "limit": [None] * 4,
            "allowed": [None] * 4,
            "pods": [20, 15, 10, 10],
            "unstated": [20, 15, 10, 10],
            "grace_lo": [None] * 4,
            "grace_sum": [0.0] * 4,
            "grace_hi": [None] * 4,
        },
        "limits": {},
        "ranges": [],
        "checks": [],
        "virtual": [],
        "placed": True,
        "networked_pods": 70,
        "first_namespace": "shop",
        **members,
    }


@pytest.mark.parametrize("row", BY_HAND, ids=lambda row: f"{row['today']} to {row['target']} {row['cloud']}")
def test_moves_are_what_their_documents_say(row: dict[str, str]) -> None:
    """Each move rests on what was read, and restarts the pods that the documents restart, as many as the dump shows."""
    today, target = (parse_place(row[end], NOWHERE, end) for end in ("today", "target"))
    mesh = today.mesh not in ("none", "gateway", "vpc-lattice", "proxyless-grpc", "cilium-mesh")
    setting = Setting({**SCENARIO, "cloud": row["cloud"]}, survey(meshed=mesh))
    found = move_price(today, target, setting)
    assert not found["stays"]
    assert found["basis"] == row["basis"]
    assert found["restarts"] == PODS[row["restarts"]]
    if row["restarts"] == "unknown":
        assert found["hours"] is found["usd"] is None
        return
    assert found["hours_lo"] <= found["hours"] <= found["hours_hi"]


def test_a_mixed_mesh_restarts_what_still_has_a_sidecar() -> None:
    """Of ambient mode with sidecars for some, the move to ambient mode alone restarts those pods, and no other."""
    today = Place("calico", "istio-ambient", "self-run")
    setting = Setting({**SCENARIO, "cloud": "self-managed"}, survey(meshed=True))
    assert move_price(today, parse_place("+istio-ambient", Place("stay", "stay"), "--to"), setting)["restarts"] == 20


def test_a_pod_that_restarts_twice_is_one_pod() -> None:
    """The guide restarts sidecars once for HBONE and once to lose them: the same pods, counted once."""
    setting = Setting({**SCENARIO, "cloud": "self-managed"}, survey(meshed=True))
    terms = Terms(
        Place("calico", "istio-sidecar", "self-run", "self-run"),
        Place("calico", "istio-ambient", "self-run", "self-run"),
    )
    restarting = [step["step"] for way in ways_of([terms])[0] for step in way.steps if step["restarts"]]
    assert restarting == ["ambient-install-2", "ambient-move-5"]
    assert move_price(terms.today, terms.target, setting)["restarts"] == 20


# --- the tables -----------------------------------------------------------------------------------------------------


def test_no_step_is_without_command_check_and_way_back() -> None:
    """Each step can be done at night: commands or comments in every line, check, end, way back, risk and owner."""
    for step in steps():
        for line in step["command"].split("; "):
            assert line.split()[0] in TOOLS, (step["step"], line)
        for name in ("check", "abort", "rollback", "breaks", "risk", "sign", "owner", "why"):
            assert step[name], (step["step"], name)
        assert set(step["source_id"].split("|")) <= SOURCES, step["step"]
        assert step["takes"] in {*declared(), "drain", "provider-node"}
        assert step["cuts"] is None or step["cuts"] in declared()
        assert step["scope"] in ("once", "pool", "node", "namespace", "workload", "policy", "release", "product")
        assert step["phase"] in PHASES
        assert step["gap"] in (None, "opens", "closes")
        assert step["restarts"] in (None, "proxied", "mesh", "networked", "drained", "old", "some")


def test_a_check_on_nodes_and_pods_says_what_to_call() -> None:
    """Whether a node is empty, back or done, and which proxy a pod has, is one call away."""
    tools = r"kubectl|istioctl|linkerd|cilium|iptables-save|\b(az|oc|aws|gcloud|tc|ls) |/etc/cni|calico-node"
    takes = {"drain", "provider-node", "reboot_minutes", "rollout_seconds", "agent_seconds", "workload_seconds"}
    for step in steps():
        if step["takes"] in takes:
            assert re.search(tools, step["check"]), (step["step"], step["check"])


def test_commands_change_what_they_are_for_alone() -> None:
    """A chart is named with its version, and a document that replaces another is made from it."""
    for step in steps():
        for line in step["command"].split("; "):
            if line.startswith(("helm install ", "helm upgrade ")):
                assert "--version" in line, (step["step"], line)
            if "--configuration-values" in line:
                assert "describe-addon" in step["command"], step["step"]


def test_commands_work_as_they_are_copied() -> None:
    """A chart's repository is known, a cluster is named, an empty list deletes nothing, and prose is a comment."""
    asked = [row["check"] for table in ("checks", "limits") for row in read_table(f"migration/{table}").to_dicts()]
    for step in steps():
        lines = step["command"].split("; ")
        for place, line in enumerate(lines):
            for chart in re.findall(r"^helm (?:install|upgrade) .*?\b(cilium|istio|eks|kuma|hashicorp)/", line):
                assert any(item.startswith(f"helm repo add {chart} ") for item in lines[:place]), (step["step"], line)
            assert not line.startswith("watch ") or line.split()[1] in TOOLS, (step["step"], line)
        texts = [*lines, *(step[name] for name in ("check", "abort", "rollback"))]
        for text in (*texts, *asked):
            for call in re.findall(r"az aks (?:show|update) -.*", text):
                assert "--name CLUSTER --resource-group GROUP" in call, (step["step"], text)
            assert not re.search(r"xargs (kubectl|oc) delete", text), (step["step"], text)
            assert " + / + " not in text, ("jq wants a text in quotes", text)
            assert "http://kubernetes.default" not in text, (step["step"], "the API server speaks TLS alone")


ASKED = [
    ("engine-off-3", "command", "cilium uninstall --wait", "helm uninstall leaves the CNI file: no new pod starts"),
    ("overlay-20", "command", "conf_dir", "while flannel is on, k3s looks into folders of its own"),
    ("overlay-leave-3", "command", "cni.confPath=/etc/cni/net.d", "and into the usual ones once it is off"),
    ("overlay-leave-3", "command", "grep -v KUBE-ROUTER", "k3s leaves the rules of its policy controller"),
    ("overlay-leave-3", "command", "systemctl restart k3s-agent", "flannel runs on agents as well"),
    ("overlay-leave-5", "command", "KUBE-ROUTER", "leftovers of each plugin that two overlays replace"),
    ("backup-1", "command", "tigera", "a way back installs the operator's objects again"),
    ("overlay-1", "command", "IP_AUTODETECTION_METHOD", "a Calico by a manifest has no Installation to patch"),
    ("overlay-1", "rollback", '"kubernetes":null', "two ways to find an address are refused"),
    ("aks-review-1", "command", "projectcalico", "Calico's own kinds go with it on AKS as well"),
    ("overlay-clear-3", "command", "targetgroupbindings", "a load balancer in ip mode reaches no pod of an overlay"),
    ("overlay-9", "rollback", ".cilium_bak", "Cilium renames the old file, and its own stays when the label goes"),
    (
        "mesh-out-1",
        "abort",
        "labels of its namespace back first",
        "what is undone without the label comes back without a proxy",
    ),
    ("overlay-5", "command", "autoscaler", "a node that joins meanwhile has the old network and no label"),
    ("cilium-edition-1", "command", "cilium-ca", "helm uninstall takes the root that linked clusters trust"),
    ("aks-engine-on-3", "command", "v1_crd_projectcalico_org.yaml", "definitions come before the operator"),
    ("eks-auto-2", "command", "sts:TagSession", "the role comes before the switch"),
    ("eks-auto-5", "command", "enable-network-policy-controller=true", "Auto Mode enforces none until it is told to"),
    ("eks-auto-4", "command", "enable-network-policy-controller=true", "the add-on takes that switch along"),
    (
        "eks-auto-off-1",
        "command",
        "ebs.csi.eks.amazonaws.com",
        "volumes of Auto Mode's driver do not move by themselves",
    ),
    ("sdn-ovn-1", "command", "pod.network.openshift.io/assign-macvlan", "egress routers have no label to look for"),
    (
        "ovn-calico-2",
        "command",
        "unsupported.operator.tigera.io/ignore",
        "the operator and OpenShift own one definition",
    ),
    ("ovn-calico-2", "command", "xargs -n1 oc create -f", "create takes one file after each -f"),
    (
        "mesh-permissive-1",
        "command",
        "ISTIO_MUTUAL",
        "a caller that is told to asks for mutual TLS of pods that have left",
    ),
    ("mesh-off-2", "command", "label services --all", "waypoints are named at Services as well"),
    ("mesh-on-1", "command", "--replicas=2", "a waypoint has one replica unless told"),
    (
        "mesh-inventory-1",
        "command",
        "kubectl get gateways.networking.istio.io",
        "its gateways go with it: names need another entry",
    ),
    ("mesh-arrive-19", "command", "mesh.yaml", "mutual TLS of Kuma is off until a mesh says otherwise"),
    ("istio-revision-1", "command", "-f OPTIONS.yaml", "an installation without today's options has the defaults"),
    ("ambient-install-1", "command", "-f OPTIONS.yaml", "and so has an upgrade"),
    ("mesh-restart-2", "check", "kubectl get pods -n NAMESPACE", "which proxy a pod has is seen in its containers"),
    ("mesh-leave-1", "command", "istio.io/config=true", "each namespace keeps a ConfigMap with the old root"),
    ("mesh-leave-5", "command", "oc delete subscription", "an operator whose Subscription stays comes back"),
    ("mesh-leave-8", "command", "pvc -n NAMESPACE_OF_CONSUL", "volumes are in Consul's namespace"),
    ("mesh-leave-10", "command", '"finalizers', "App Mesh is out of reach: its objects would hang for ever"),
    ("mesh-arrive-21", "command", "--enable-workload-identity", "the add-on signs in by it"),
]
"""What a document, or the kernel, asks of a step: its name, the column, the text, and why."""


@pytest.mark.parametrize(("name", "column", "text", "why"), ASKED, ids=[f"{row[0]} {row[2]}" for row in ASKED])
def test_a_step_does_what_its_document_asks(name: str, column: str, text: str, why: str) -> None:
    """Single lines without which a step looks done and is not."""
    assert text in next(step[column] for step in steps() if step["step"] == name), why


def test_a_default_that_is_read_at_the_start_takes_a_restart() -> None:
    """Linkerd's proxies deny what is not meshed only once they have started anew: mutual TLS is strict from then on."""
    terms = Terms(Place("calico", "none"), Place("calico", "linkerd", None, "edge-open-source"), "self-managed")
    taken = [step for way in ways_of([terms])[0] for step in way.steps]
    written = next(place for place, step in enumerate(taken) if "all-authenticated" in step["command"])
    assert taken[written]["gap"] is None
    assert (taken[written + 1]["restarts"], taken[written + 1]["gap"]) == ("mesh", "closes")


def test_what_the_operator_runs_goes_before_the_operator() -> None:
    """Calico's API server and installation are deleted while their operator is there to do it, then its definitions."""
    for step in steps():
        lines = step["command"].split("; ")
        gone = [
            next((place for place, line in enumerate(lines) if line.startswith(f"kubectl delete {what}")), None)
            for what in ("apiservers.operator", "installation", "-f tigera-operator.yaml")
        ]
        if gone[2] is not None:
            assert None not in gone, step["step"]
            assert gone == sorted(item for item in gone if item is not None), step["step"]
            assert any("get crd" in line for line in lines[gone[2] :]), step["step"]


BELONGS = {
    r"linkerd ": r"linkerd",
    r"istioctl ": r"istio-|aks-add-on|openshift-service-mesh|application-network",
    r"consul-k8s ": r"consul",
    r"kumactl ": r"kuma",
    r"osm ": r"osm",
    r"hubble |cilium |helm \w+ cilium": r"cilium@(self-run|isovalent)|cilium-chained|cilium-mesh@(self-run|isovalent)",
    r"az ": r" on aks|azure|aks|application-(network|gateway)",
    r"gcloud ": r" on gke|gke|cloud-service-mesh|dataplane-v2",
    r"(aws|eksctl) ": r" on eks|aws|eks",
    r"oc ": r"openshift",
    r"kubectl create .*v1_crd_projectcalico_org": r" to \S*calico@|calico-policy-engine",
    r"kubectl .*operator-crds": r" to .*enterprise",
}
"""Tools and files of one product or platform: where a line begins with them, the move is from, to or on it."""


def test_lines_that_are_copied_are_for_the_move_at_hand() -> None:
    """What is for another product or provider is a comment: a line that is copied does not install another mesh."""
    asked = [replace(terms, needs=NEEDS) for terms in [*ALL["cni"], *ALL["mesh"]]]
    found: set[tuple[str, str]] = set()
    for terms, ways in zip(asked, ways_of(asked), strict=True):
        ends = [f"{p.cni}@{p.cni_edition} {p.mesh}@{p.mesh_edition}" for p in (terms.today, terms.target)]
        here = f"from {ends[0]} to {ends[1]} on {terms.cloud}"
        for step in (step for way in ways for step in way.steps):
            for line in step["command"].split("; "):
                for tool, belongs in BELONGS.items():
                    if re.match(tool, line) and not re.search(belongs, here):
                        found.add((step["step"], line))
    assert not found, sorted(found)


@pytest.mark.parametrize("side", ["cni", "mesh"])
def test_copies_are_there_when_a_way_back_asks_for_them(side: str) -> None:
    """What a step applies from a copy, or goes back to, an earlier step of the same way has written, or itself."""
    copy = re.compile(r"(?<![\w/-])((?:[a-z]+-)?before[\w-]*\.yaml)")
    for terms, ways in zip(ALL[side], ways_of(ALL[side]), strict=True):
        written: set[str] = set()
        for step in (step for way in ways for step in way.steps):
            written |= set(re.findall(r"> (\S+\.yaml)", step["command"]))
            for column in ("command", "abort", "rollback"):
                asked = set(copy.findall(step[column] or "")) - written
                assert not asked, (told(terms), step["step"], column, asked)


def test_files_that_a_step_applies_are_known() -> None:
    """A file is one of the plan's manifests, written by a step, or told by a comment: where it is, or what is in it."""
    manifests = {path.name for path in (resource("templates") / "manifests").iterdir()}
    written = set(re.findall(r"> (\S+\.yaml)", " ".join(step["command"] for step in steps())))
    told_in = {step["stage"]: "" for step in steps()}
    for step in steps():
        told_in[step["stage"]] += " ".join(line for line in step["command"].split("; ") if line.startswith("#"))
    for step in steps():
        for line in step["command"].split("; "):
            for name in re.findall(r"(?:-f|--values) (\S+\.yaml)", "" if line.startswith("#") else line):
                known = "://" in name or name in manifests | written or name in told_in[step["stage"]]
                assert known, (step["step"], name)


def test_tables_of_moves_fit_together() -> None:
    """Stages, manifests, checks and limits that a table names are there, and none is left unused."""
    stages = {step["stage"] for step in steps()}
    used = {stage for row in routes() for stage in row["stages"] or ()}
    assert used == stages
    manifests = {path.name for path in (resource("templates") / "manifests").iterdir()}
    assert {step["manifest"] for step in steps()} - {None} == manifests
    known = {*stages, *(step["step"] for step in steps()), "drain", "provider"}
    for table in ("checks", "limits"):
        for cell in read_table(f"migration/{table}")["stages"]:
            assert set(cell.split("|")) <= known
    for table in ("checks", "limits", "assumptions", "tunnels", "leftovers", "layer7"):
        for cell in read_table(f"migration/{table}")["source_id"]:
            assert set(cell.split("|")) <= SOURCES
    assert set(read_table("migration/layer7")["need"]) <= set(read_table("needs")["need"])
    editions = {(option.side, option.id, option.edition) for option in OPTIONS}
    for row in read_table("migration/leftovers").iter_rows(named=True):
        for edition in (row["editions"] or "").split("|"):
            assert not edition or (row["side"], row["product"], edition) in editions


def test_conditions_name_products_that_there_are() -> None:
    """Every word in quotes in a condition is an id, an edition or a platform: a misspelt one would never hold."""
    words = {option.id for option in OPTIONS} | {option.edition for option in OPTIONS} | set(CLOUDS) | NEEDS | {""}
    conditions = [
        row["applies"] for row in (*routes(), *steps(), *read_table("migration/notes").to_dicts())
    ] + read_table("migration/leftovers")["kept"].to_list()
    quoted = pl.Series([text or "" for text in conditions]).str.extract_all(r"'([^']*)'").explode().drop_nulls()
    assert set(quoted.str.strip_chars("'")) <= words


# --- places ---------------------------------------------------------------------------------------------------------

WRITTEN = [
    ("cilium", Place("cilium", "m")),
    ("+none", Place("c", "none")),
    ("none", Place("c", "none")),
    ("none+none", Place("none", "none")),
    ("calico-enterprise", Place("calico-enterprise", "m")),
    ("calico-ebpf", Place("calico", "m", "self-run-ebpf")),
    (
        "cilium@azure-cni-powered-by-cilium+istio-sidecar@aks-add-on",
        Place("cilium", "istio-sidecar", "azure-cni-powered-by-cilium", "aks-add-on"),
    ),
    ("aws-vpc@calico-policy-engine+", Place("aws-vpc", "m", "calico-policy-engine")),
    ("istio-ambient+cilium", Place("cilium", "istio-ambient")),
    ("stay+stay", Place("stay", "stay")),
    ("@tuned", Place("c", "m", tuned=True)),
    ("cilium@tuned", Place("cilium", "m", tuned=True)),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_places_are_read_as_they_are_written(text: str, expected: Place) -> None:
    """A network, a mesh or both, with editions or tuned; what is not written is what is known."""
    assert parse_place(text, Place("c", "m"), "--to") == expected


@pytest.mark.parametrize(
    ("text", "match"), [("cillium", "cilium"), ("cilium@dataplanev2", "dataplane-v2"), ("a+b+c", "more than")]
)
def test_a_place_that_is_none_is_refused(text: str, match: str) -> None:
    """A misspelt product or edition is an error that names the nearest one."""
    with pytest.raises(MeshlabError, match=match):
        parse_place(text, NOWHERE, "--to")


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.id != "none"], ids=lambda option: option.place
)
def test_what_runs_already_stays(option: Option) -> None:
    """To the same product, in whichever edition it runs, known or not, nothing moves and no pod restarts."""
    cloud = next(iter(sorted(option.platforms - {"any"})), "self-managed")
    base = Place("cilium", "none", "self-run")
    for edition in (option.edition, None):
        today = base.having(option.side, option.id, edition)
        for target in (base.having(option.side, option.id, None), Place("stay", "stay"), today):
            found = move_price(today, target, Setting({**SCENARIO, "cloud": cloud}))
            if (
                option.edition.endswith("-with-sidecars")
                and edition
                and target.mesh == "istio-ambient"
                and not target.mesh_edition
            ):
                assert found["to"]["edition"]["mesh"] == option.edition.removesuffix("-with-sidecars")
                continue
            assert found["stays"], (today, target)
            assert (found["hours"], found["restarts"], found["usd"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("product", "cloud", "target", "planned"),
    [
        ("calico", "self-managed", "calico@self-run", "self-run-ebpf"),
        ("cilium", "aks", "cilium@azure-cni-powered-by-cilium", "azure-cni-powered-by-cilium-acns"),
        ("cilium", "self-managed", "cilium@isovalent-enterprise", "self-run"),
    ],
)
def test_a_named_edition_of_what_runs_unnamed_has_a_price(product: str, cloud: str, target: str, planned: str) -> None:
    """A dump that tells a product and not its edition: the move starts at another edition that has a way in place."""
    today, setting = Place(product, "none"), Setting({**SCENARIO, "cloud": cloud})
    found = move_price(today, parse_place(target, today, "--to"), setting)
    assert not found["stays"]
    assert found["hours"] > 0
    assert found["from"]["edition"]["cni"] == planned


def test_the_target_is_the_edition_that_can_be_reached() -> None:
    """`--to cilium` is Azure's on a cluster of Azure CNI, one's own on bare metal, and Google's in a second cluster."""
    cases = [
        ("azure-cni", "aks", "azure-cni-powered-by-cilium"),
        ("calico", "self-managed", "self-run"),
        ("gke-legacy", "gke", "dataplane-v2"),
    ]
    for today, cloud, edition in cases:
        found = move_price(Place(today, "none"), Place("cilium", "none"), Setting({**SCENARIO, "cloud": cloud}))
        assert found["to"]["edition"]["cni"] == edition


def test_many_prices_are_the_single_ones() -> None:
    """Asked together or one by one, each move has the same price, and asking again gives the same object."""
    today, setting = Place("calico", "linkerd"), Setting({**SCENARIO, "cloud": "self-managed"})
    targets = [
        Place(*item) for item in product(("stay", "cilium", "calico-enterprise"), ("stay", "none", "istio-ambient"))
    ]
    together = move_prices(today, targets, setting)
    assert together == [move_price(today, target, Setting({**SCENARIO, "cloud": "self-managed"})) for target in targets]
    assert all(one is move_price(today, target, setting) for one, target in zip(together, targets, strict=True))
