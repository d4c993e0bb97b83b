"""Declared inputs that facts supply."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlab.cluster.facts import Supplied, read_facts, scenario_values, stand_ins
from meshlab.scenario import inputs

Facts = dict[str, object]

CASES: dict[str, tuple[Facts, str, object]] = {
    "nodes": ({"nodes": {"count": 7}}, "nodes", 7),
    "nodes that take pods of teams": ({"nodes": {"count": 6, "workers": 3}}, "nodes", 3),
    "services": ({"workload": {"services": 12}}, "services", 12),
    "pods in a mesh": (
        {"mesh": {"proxied_pods": 6}, "workload": {"application_pods": 20}},
        "pods",
        6,
    ),
    "pods without a mesh": ({"mesh": {"proxied_pods": 0}, "workload": {"application_pods": 20}}, "pods", 20),
    "no pods at all": ({"workload": {"application_pods": 0}}, "pods", None),
    "cores of a node": ({"nodes": {"count": 7, "workers": 4, "cpu_cores": 18.0}}, "node_cpu_cores", 4.5),
    "cores of no node": ({"nodes": {"count": 0, "workers": 0, "cpu_cores": 0.0}}, "node_cpu_cores", None),
    "no Windows": ({"nodes": {"windows": 0}}, "windows_nodes", 0),
    "strict": ({"policy": {"mtls_mode": "strict"}}, "mtls", True),
    "disabled": ({"policy": {"mtls_mode": "disable"}}, "mtls", False),
    "mixed says neither": ({"policy": {"mtls_mode": "mixed"}}, "mtls", None),
    "a cloud": ({"cloud": "aks"}, "cloud", "aks"),
    "a cloud that is no choice": ({"cloud": "iks"}, "cloud", None),
    "BGP": ({"cni": {"bgp_peers": 2}}, "bgp_fabric", True),
    "no BGP": ({"cni": {"bgp_peers": 0}}, "bgp_fabric", False),
    "BGP not looked at": ({"cni": {"bgp_peers": None}}, "bgp_fabric", None),
    "Istio's sidecars": ({"mesh": {"product": "istio", "mode": "sidecar"}}, "current_mesh", "istio-sidecar"),
    "Istio's ambient": ({"mesh": {"product": "istio", "mode": "ambient"}}, "current_mesh", "istio-ambient"),
    "Istio without pods": ({"mesh": {"product": "istio", "mode": None}}, "current_mesh", None),
    "Linkerd": ({"mesh": {"product": "linkerd", "mode": "sidecar"}}, "current_mesh", "linkerd"),
    "ambient beside sidecars": ({"mesh": {"product": "istio", "mode": "mixed"}}, "current_mesh", "istio-ambient"),
    "a mesh outside of the list": ({"mesh": {"product": "other", "name": "kmesh"}}, "current_mesh", "other"),
    "a plugin outside of the list": ({"cni": {"product": "other", "name": "terway"}}, "current_cni", "other"),
    "applications run": ({"workload": {"running_pods": 20, "application_pods": 12}}, "greenfield", False),
    "only the system runs": ({"workload": {"running_pods": 8, "application_pods": 0}}, "greenfield", None),
    "templates alone": ({"workload": {"running_pods": None, "application_pods": 12}}, "greenfield", None),
    "no mesh": ({"mesh": {"product": "none", "mode": None}}, "current_mesh", "none"),
}


@pytest.mark.parametrize(("facts", "name", "value"), CASES.values(), ids=CASES)
def test_facts_supply_inputs(facts: Facts, name: str, value: object) -> None:
    """An input is what the facts say of it, and absent where they say nothing that it takes."""
    supplied = scenario_values(facts)

    assert (supplied[name].value if name in supplied else None) == value


@pytest.mark.parametrize(
    ("workload", "pods", "namespaces"),
    [
        pytest.param((174, 0, 73, 32), 73, 32, id="system pods stand in"),
        pytest.param((9, 0, 0, 0), 1, 1, id="of none that could join, the least"),
        pytest.param((174, 20, 73, 32), None, None, id="applications run"),
        pytest.param((None, 0, 3, 1), None, None, id="templates show no running pods"),
        pytest.param((None, None, None, None), None, None, id="nothing is known of pods"),
    ],
)
def test_running_pods_bound_what_stands_in_for_applications(
    workload: tuple[int | None, ...], pods: int | None, namespaces: int | None
) -> None:
    """Where real pods run and none is of an application, no more of them stand in than could join a mesh."""
    names = ("running_pods", "application_pods", "joinable_pods", "joinable_namespaces")
    found = stand_ins({"workload": dict(zip(names, workload, strict=True))})

    assert {name: one.value for name, one in found.items()} == (
        {} if pods is None else {"pods": pods, "namespaces": namespaces}
    )
    assert all(one.status == "stand-in" and "no application pods" in str(one.source) for one in found.values())


def test_no_facts_supply_nothing() -> None:
    """Empty facts leave every input to its owner."""
    assert scenario_values({}) == {}


LATER: dict[str, tuple[Facts, str, object]] = {
    "Kuma": ({"mesh": {"product": "kuma", "mode": "sidecar"}}, "current_mesh", "kuma"),
    "edition of a plugin": ({"cni": {"edition": "dataplane-v2"}}, "current_cni_edition", "dataplane-v2"),
    "edition of a mesh": ({"mesh": {"edition": "aks-add-on"}}, "current_mesh_edition", "aks-add-on"),
    "kubenet on AKS": ({"cloud": "aks", "cni": {"product": "other", "name": "kubenet"}}, "current_cni", "azure-cni"),
    "kubenet as an edition": (
        {"cloud": "aks", "cni": {"product": "other", "name": "kubenet"}},
        "current_cni_edition",
        "kubenet",
    ),
    "ambient with sidecars": (
        {"mesh": {"product": "istio", "mode": "mixed", "edition": "self-run"}},
        "current_mesh_edition",
        "self-run-with-sidecars",
    ),
    "an engine": ({"policy": {"engine": "network-policy-agent"}}, "policy_engine", "network-policy-agent"),
    "an engine outside of the list": ({"policy": {"engine": "antrea"}}, "policy_engine", "other"),
}
"""Facts for inputs, or choices of inputs, that may not be declared yet."""


@pytest.mark.parametrize(("facts", "name", "value"), LATER.values(), ids=LATER)
def test_facts_supply_inputs_once_they_are_declared(facts: Facts, name: str, value: object) -> None:
    """An input is supplied as soon as it is declared, and what it does not take is other or absent, never a guess."""
    supplied = scenario_values(facts)

    if name not in inputs():
        assert name not in supplied
    elif value in (inputs()[name].choices or (value,)):
        assert supplied[name].value == value
    else:
        assert name not in supplied or supplied[name].value == "other"


def test_only_declared_inputs_are_supplied() -> None:
    """What facts supply are inputs."""
    facts = {
        "nodes": {"workers": 2},
        "cni": {"product": "cilium", "edition": "self-run"},
        "mesh": {"product": "istio", "mode": "sidecar", "edition": "self-run"},
        "policy": {"engine": "cilium"},
    }

    assert {"nodes", "current_cni", "current_mesh"} <= scenario_values(facts).keys() <= inputs().keys()


def test_supplied_values_carry_their_origin() -> None:
    """Status and file are those of the fact; what follows from a measured fact is inferred."""
    measured = {"status": "measured", "from": "nodes.json", "why": None}
    facts = {
        "nodes": {"workers": 2, "cpu_cores": 8.0},
        "provenance": dict.fromkeys(("nodes.workers", "nodes.cpu_cores"), measured),
    }

    supplied = scenario_values(facts)
    assert supplied["nodes"] == Supplied(2, "measured", "nodes.json")
    assert supplied["node_cpu_cores"] == Supplied(4.0, "inferred", "nodes.json")


def test_nodes_kept_for_the_control_plane_are_no_workers(fixtures: Path) -> None:
    """Three of six nodes carry the control plane's taint; a label alone, as on kURL, keeps no pods off."""
    bundles = fixtures / "support_bundle"
    openshift = read_facts([bundles / "openshift__must-gather-clean__must-gather-aws-subset.tar.gz"])
    kurl = read_facts([bundles / "replicatedhq__sbctl__troubleshoot-kurl-weave.tar.gz"])
    counts = [(facts["nodes"]["count"], facts["nodes"]["workers"]) for facts in (openshift, kurl)]
    assert counts == [(6, 3), (3, 3)]
    assert scenario_values(openshift)["nodes"].value == 3


def test_taints_are_read_from_descriptions(tmp_path: Path) -> None:
    """A described node with the control plane's taint is kept for it, and two beside it are the workers."""
    described = Path(__file__).parents[1] / "golden" / "kurl_nodes_described.txt"
    taint = "node-role.kubernetes.io/control-plane=:NoSchedule"
    path = tmp_path / "nodes.txt"
    path.write_text(described.read_text(encoding="utf-8").replace("<none>", taint, 1), encoding="utf-8")
    facts = read_facts([path])
    assert (facts["nodes"]["count"], facts["nodes"]["workers"]) == (3, 2)
