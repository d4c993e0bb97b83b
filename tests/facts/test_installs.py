"""Facts of clusters as installers leave them: each product alone, chained, and removed but for its remnants."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from facts_dumps import Object, listed, resource, write
from facts_installs import (
    CHOICES,
    MESH_REMNANTS,
    MESHES,
    NODES,
    PLUGIN_REMNANTS,
    PLUGINS,
    Installed,
    cluster,
    everything,
)

from meshlab.cluster.audit import audit
from meshlab.cluster.facts import read_facts
from meshlab.cluster.facts.inferred_inputs import fact


def facts_of(folder: Path, installed: Installed) -> dict[str, object]:
    """Facts of a made cluster."""
    return read_facts([write(folder, *installed.objects)])


def said(facts: dict[str, object], room: str) -> object:
    """The product, by its name where it is outside of the lists."""
    product = fact(facts, f"{room}.product")
    return fact(facts, f"{room}.name") if product == "other" else product


def shortfalls(facts: dict[str, object], installed: Installed) -> dict[str, tuple[object, object]]:
    """Facts that are not what is true of the cluster, with what they are and should be."""
    return {name: (fact(facts, name), value) for name, value in installed.facts.items() if fact(facts, name) != value}


PLACES = [(platform, name) for platform, plugins in CHOICES.items() for name in plugins]


@pytest.mark.parametrize(("platform", "name"), PLACES)
def test_plugins_and_engines_are_known_as_their_installers_leave_them(platform: str, name: str, tmp_path: Path) -> None:
    """Plugin, edition, engine and proxy of a cluster are what its products' manifests make them, chained or not."""
    installed = cluster(platform, name)

    assert shortfalls(facts_of(tmp_path, installed), installed) == {}


@pytest.mark.parametrize("mesh", MESHES)
def test_meshes_are_known_as_their_installers_leave_them(mesh: str, tmp_path: Path) -> None:
    """Product, mode, version, edition and pods of a mesh are what its charts make them, with controllers or without."""
    for controllers in (False, True):
        installed = cluster("kubeadm", "calico", mesh, controllers=controllers)
        assert shortfalls(facts_of(tmp_path, installed), installed) == {}


def test_every_plugin_and_engine_runs_somewhere() -> None:
    """No made plugin is left out."""
    assert {name for _, name in PLACES} == PLUGINS.keys()


REMOVED = [
    (name, removed)
    for name in ("cilium", "calico", "antrea", "kube-router")
    for removed in PLUGIN_REMNANTS
    if name != removed
]


@pytest.mark.parametrize(("name", "removed"), REMOVED)
def test_what_a_removed_plugin_leaves_behind_proves_nothing(name: str, removed: str, tmp_path: Path) -> None:
    """Beside the agents of another plugin, remnants change no fact, or leave it unknown with the reason."""
    installed = cluster("kubeadm", name, extra=PLUGIN_REMNANTS[removed])
    facts = facts_of(tmp_path, installed)

    assert said(facts, "cni") == PLUGINS[name].facts["cni.product"]
    for of, (found, _) in shortfalls(facts, installed).items():
        assert found is None, of
        assert facts["provenance"][of]["why"], of


@pytest.mark.parametrize("removed", MESH_REMNANTS)
def test_what_a_removed_mesh_leaves_behind_makes_no_mesh(removed: str, tmp_path: Path) -> None:
    """Where no pod carries a proxy, remnants of a mesh leave none, or unknown with what was seen of it."""
    facts = facts_of(tmp_path, cluster("kubeadm", "calico", extra=MESH_REMNANTS[removed]))

    assert facts["mesh"]["product"] in ("none", None)
    assert facts["provenance"]["mesh.product"]["why"]
    assert facts["mesh"]["proxied_pods"] == 0


def test_a_daemon_set_of_no_pods_is_a_remnant(tmp_path: Path) -> None:
    """A plugin whose DaemonSet is scheduled nowhere, as Cilium's guide leaves aws-node, is not the one that runs."""
    installed = cluster("eks", "cilium-replacing", controllers=True)
    left = cluster("eks", "aws-vpc", controllers=True)
    (daemon,) = (
        item for item in left.objects if item["kind"] == "DaemonSet" and item["metadata"]["name"] == "aws-node"
    )
    daemon["status"] = {"desiredNumberScheduled": 0}
    facts = read_facts([write(tmp_path, *installed.objects, daemon)])

    assert facts["cni"]["product"] == "cilium"
    assert facts["policy"]["engine"] == "cilium"


# --- the matrix ------------------------------------------------------------------------------------------------------

EVERYTHING = list(everything())

SHARE = 23
"""One of so many clusters of the matrix is tried in the ordinary tests, all of them in the soak. It divides neither the
number of plugins nor that of meshes, so that each of both is among them."""


def test_the_matrix_is_large() -> None:
    """There are more than 500 clusters, and the share that is always tried covers every plugin and every mesh."""
    assert len(EVERYTHING) > 500
    assert {plugin for _, plugin, _ in EVERYTHING[::SHARE]} == PLUGINS.keys()
    assert {mesh for _, _, mesh in EVERYTHING[::SHARE]} == MESHES.keys()


def assert_true(case: tuple[str, str, str], folder: Path) -> None:
    """No false none, no false product: every fact of the cluster is the true one."""
    installed = cluster(*case, controllers=sum(map(len, case)) % 2 == 0)
    assert shortfalls(facts_of(folder, installed), installed) == {}, case


def test_a_share_of_the_matrix_is_read_right(tmp_path: Path) -> None:
    """Facts of clusters of every kind, one in two dozen of the matrix, are the true ones."""
    for case in EVERYTHING[::SHARE]:
        assert_true(case, tmp_path)


@pytest.mark.soak
def test_the_whole_matrix_is_read_right(tmp_path: Path) -> None:
    """Facts of every cluster of the matrix are the true ones."""
    for case in EVERYTHING:
        assert_true(case, tmp_path)


# --- parts of a dump -------------------------------------------------------------------------------------------------

PART = 0.3


def parts(case: tuple[str, str, str], count: int) -> Iterator[tuple[Installed, list[dict[str, object]]]]:
    """A cluster of two or three nodes with random parts of its objects, the same ones in every run.

    The fewer nodes there are, the more often a part looks like a whole: of one node's pods no two refer to each other.
    """
    for controllers in (False, True):
        shuffled = random.Random(f"{case}{controllers}")  # noqa: S311  (nothing is secret)
        for _ in range(count):
            installed = cluster(*case, controllers=controllers, nodes=shuffled.choice((2, NODES)))
            yield installed, shuffled.sample(installed.objects, round(PART * len(installed.objects)))


def assert_nothing_unseen(installed: Installed, objects: list[dict[str, object]], folder: Path) -> None:
    """A part of a dump names no product that has nothing in the whole, and no none where there is one."""
    facts = read_facts([write(folder, *objects)])
    plugin, mesh, engine = said(facts, "cni"), said(facts, "mesh"), fact(facts, "policy.engine")

    assert plugin is None or plugin in installed.names, plugin
    assert mesh in (None, "none") or mesh in installed.names, mesh
    assert mesh != "none" or installed.facts["mesh.product"] == "none"
    assert engine in (None, "none") or engine in installed.names, engine
    assert engine != "none" or installed.facts["policy.engine"] == "none"


def test_a_part_of_a_dump_claims_nothing_that_is_not_in_the_whole(tmp_path: Path) -> None:
    """Of any 30 % of the objects no product follows without evidence, and none is never said of what is there."""
    for case in EVERYTHING[::SHARE]:
        for installed, objects in parts(case, 1):
            assert_nothing_unseen(installed, objects, tmp_path)


@pytest.mark.parametrize(
    "case",
    [
        ("gke", "dataplane-v2", "consul-envoy"),  # proxies, and no control plane of theirs
        ("aks", "azure-calico", "openshift-service-mesh-2"),
        ("aks", "azure-npm", "linkerd-edge"),
        ("kops", "cilium", "traefik-mesh"),  # settings of a plugin, and no agent
    ],
)
def test_parts_that_look_like_a_whole_claim_nothing(case: tuple[str, str, str], tmp_path: Path) -> None:
    """Parts of which one was taken for a cluster without a policy engine, or without a mesh."""
    for installed, objects in parts(case, 5):
        assert_nothing_unseen(installed, objects, tmp_path)


@pytest.mark.soak
def test_many_parts_of_all_dumps_claim_nothing_that_is_not_in_the_whole(tmp_path: Path) -> None:
    """The same of ten parts of every cluster of the matrix."""
    for case in EVERYTHING:
        for installed, objects in parts(case, 5):
            assert_nothing_unseen(installed, objects, tmp_path)


def named(kind: str, *names: str) -> Callable[[Object], bool]:
    """Whether an object is one of these."""
    return lambda item: item["kind"] == kind and item["metadata"]["name"] in names


def selecting(*names: str) -> list[Object]:
    """Services of which no pod carries the label."""
    return [resource("Service", "v1", name, "shop", spec={"selector": {"app": name}}) for name in names]


LEFT_OUT: dict[str, tuple[Callable[[Object], bool], list[Object], str | None]] = {
    "nothing": (lambda _: False, [], None),
    "the API server's Service": (named("Service", "kubernetes"), [], "not the one that every API server keeps"),
    "a Deployment": (named("Deployment", "web"), [], "what owns 1 objects is not in it"),
    "a ReplicaSet": (named("ReplicaSet", "web-5c9d7d9c4f"), [], "what owns 4 objects is not in it"),
    "a Deployment of the system, and all ReplicaSets": (
        lambda item: item["kind"] == "ReplicaSet" or named("Deployment", "coredns")(item),
        [],
        "what owns 1 objects is not in it",
    ),
    "pods of most Services": (lambda _: False, selecting("a", "b", "c"), "3 Services select no pod"),
    "pods of half of the Services": (lambda _: False, selecting("a", "b"), None),
}
"""What is left out of a whole dump, or added to it, and what that betrays."""


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_is_referred_to_betrays_what_is_left_out(case: str, tmp_path: Path) -> None:
    """Where objects refer to others that are not in the dump though their kind is, no mesh is said to be none."""
    left_out, added, why = LEFT_OUT[case]
    installed = cluster("kubeadm", "calico", controllers=True)
    facts = read_facts([write(tmp_path, *(item for item in installed.objects if not left_out(item)), *added)])

    assert facts["mesh"]["product"] == (None if why else "none")
    assert (why or "") in facts["provenance"]["mesh.product"]["why"]


def test_a_node_without_the_agent_that_others_have_is_not_seen_whole(tmp_path: Path) -> None:
    """An agent wires the pods of every node: where one is missing, its pods were left out."""
    objects = (item for item in cluster("kubeadm", "calico").objects if not named("Pod", "calico-node-1")(item))
    facts = read_facts([write(tmp_path, *objects)])

    assert facts["mesh"]["product"] is None
    assert "on 1 nodes no agent of a network plugin was seen" in facts["provenance"]["mesh.product"]["why"]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_that_goes_on_is_no_whole_cluster(indent: int | None, tmp_path: Path) -> None:
    """A List that the API server sends in parts says where it goes on, and none is not said of the first part."""
    whole = listed(*cluster("kubeadm", "calico").objects)
    (tmp_path / "dump.json").write_text(json.dumps(whole | {"metadata": {"continue": "eyJ2Ij"}}, indent=indent))
    facts = read_facts([tmp_path / "dump.json"])

    assert facts["mesh"]["product"] is None
    assert "end before their last object" in facts["provenance"]["mesh.product"]["why"]


# --- what speaks for a fact ------------------------------------------------------------------------------------------


def test_facts_explain_themselves(tmp_path: Path) -> None:
    """Evidence for and against a fact is shown with its objects, its strength, and what it cannot show."""
    installed = cluster("eks", "aws-cilium", "linkerd-edge")
    evidence = read_facts([write(tmp_path, *installed.objects)], explain=True)["evidence"]

    (chained, denied, *agents) = evidence["cni.product"]
    assert (chained["value"], chained["speaks"], chained["used"]) == ("aws-vpc", "for", True)
    assert chained["first"] == "ConfigMap kube-system/cilium-config"
    assert (denied["value"], denied["speaks"]) == ("cilium", "against")
    assert {(row["value"], row["objects"]) for row in agents} >= {("aws-vpc", 3), ("cilium", 3)}
    assert any("chained" in row["cannot_show"] for row in agents)
    assert {row["value"] for row in evidence["mesh.product"]} == {"linkerd"}


def test_every_fact_of_a_made_cluster_has_its_evidence(tmp_path: Path) -> None:
    """A product, edition or version is among the evidence for it, or its reason says what it follows from."""
    for case in EVERYTHING[:: 2 * SHARE + 5]:
        facts = read_facts([write(tmp_path, *cluster(*case).objects)], explain=True)
        for room, names in (("cni", ("product", "version", "dataplane")), ("mesh", ("product", "version", "edition"))):
            for name in names:
                value, of = facts[room][name], f"{room}.{name}"
                value = facts[room]["name"] if value == "other" else value
                said_for = {row["value"] for row in facts["evidence"].get(of, ()) if row["speaks"] == "for"}
                assert value is None or value in said_for or facts["provenance"][of]["why"], (case, of)


# --- who enforces policies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("platform", "name"), PLACES)
def test_policies_that_nobody_enforces_are_found(platform: str, name: str, tmp_path: Path) -> None:
    """The audit finds NetworkPolicies just where no engine enforces them, and says nothing where that is not known."""
    installed = cluster(platform, name)
    policy = resource("NetworkPolicy", "networking.k8s.io/v1", "deny", "shop")
    states = {each["rule"]: each["state"] for each in audit([write(tmp_path, *installed.objects, policy)])}

    engine = installed.facts["policy.engine"]
    expected = "unknown" if engine is None else "fail" if engine == "none" else "not applicable"
    assert states["policy-unenforced"] == expected
