"""Field cases: small dumps whose facts were wrong, null or refused, each with the kind of fault that it shows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from meshlab.run.cli import main

KINDS = {
    "audit-ambient-old-optout-annotation.json": "a pod opts out of ambient mode as before Istio 1.22",
    "audit-kube-proxy-config-eks-name.json": "EKS keeps kube-proxy's configuration under a name of its own",
    "audit-pod-revision-label-not-seen.json": "a pod asks for a proxy by its revision's label",
    "audit-policy-unenforced-false-alarm-k3s.json": "k3s enforces policies itself",
    "audit-policy-unenforced-missed-azure-cni.json": "Azure CNI without an engine enforces none",
    "cloud-pods-only-aks.json": "a cloud is seen from images alone",
    "cloud-unlisted-null.json": "a provider id of own machines is self-managed",
    "cni-antrea-config-not-read.json": "Antrea's encapsulation stands in its ConfigMap",
    "cni-calico-disabled-pool-votes.json": "a pool that is disabled says nothing",
    "cni-calico-dual-stack-pools-disagree.json": "a pool of IPv6 does not contradict one of IPv4",
    "cni-calico-ebpf-by-env-called-iptables.json": "Calico's data plane may be set in an environment that is not read",
    "cni-canal-encapsulation-null.json": "canal's encapsulation is Flannel's",
    "cni-eks-auto-mode-null.json": "EKS Auto Mode wires pods by its VPC plugin",
    "cni-flannel-configmap-not-read.json": "Flannel's encapsulation stands in its ConfigMap",
    "cni-known-only-by-agent-container-calico-pod-annotation.json": "Calico's plugin annotates the pods it wires",
    "cni-two-agents-aks-calico-policy.json": "Calico filters beside Azure CNI",
    "cni-two-agents-aks-cilium.json": "Azure hands out addresses beside Cilium",
    "cni-two-agents-eks-cilium-chained.json": "Cilium is chained behind the VPC plugin",
    "cni-unlisted-gke-legacy-kubenet.json": "GKE without Dataplane V2 has a product of its own",
    "cni-unlisted-terway.json": "a plugin outside of the list is other",
    "form-cluster-info-dump-stdout.txt": "documents between logs, as cluster-info dump prints them",
    "form-stderr-text-after-list.json": "a message of kubectl behind a List",
    "form-stderr-warning-before-list.json": "a warning of kubectl before a List",
    "form-table-nodes-wide.txt": "a table for people is refused in words",
    "mesh-false-none-aws-appmesh.json": "App Mesh is known by its proxies",
    "mesh-false-none-cilium-service-mesh.json": "Cilium does what a mesh does",
    "mesh-false-none-osm.json": "Open Service Mesh is known by its init container and label",
    "mesh-false-none-partial-dump.json": "none is not said without pods of applications",
    "mesh-false-none-traefik-mesh.json": "a mesh outside of the list is other",
    "mesh-gateway-with-helper-counted-as-sidecar.json": "a gateway with a helper is no sidecar",
    "mesh-one-sidecar-makes-ambient-a-sidecar-mesh.json": "ambient mode with one sidecar is mixed",
    "mesh-version-kuma-consul-null.json": "Kuma's version is its proxies' tag",
    "mesh-version-linkerd-enterprise-null.json": "a tag may begin with the name of an edition",
    "nodes-control-plane-taint-rke2-k3s.json": "RKE2 and k3s keep servers apart by taints of their own",
    "nodes-virtual-kubelet-counted-as-machine.json": "a virtual node is no machine",
    "policy-kinds-not-counted-adminnetworkpolicy.json": "AdminNetworkPolicy is a policy",
    "policy-kinds-not-counted-calico-http.json": "Calico's HTTP match is layer 7",
    "policy-kinds-not-counted-linkerd-l7.json": "Linkerd has routes and policies of its own",
    "system-namespaces-istiod-counted-as-application-aks-addon.json": "a control plane is no application",
    "version-from-registry-port-with-digest.json": "a registry's port is no version",
}
"""What each case shows."""


def cases(shared: Path) -> dict[str, dict[str, str]]:
    """Rows of the table of cases by file."""
    with (shared / "field" / "dumps.csv").open(encoding="utf-8", newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def at(data: object, path: str) -> str:
    """A value as the table writes it."""
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return "null" if data is None else f"{data:g}" if isinstance(data, float) else str(data)


@pytest.mark.parametrize("file", KINDS, ids=lambda file: KINDS[file].replace(" ", "-"))
def test_a_field_case_is_read_as_an_expert_would(file: str, shared: Path) -> None:
    """Facts and findings of a field case are those of its table, or it is refused in one line of words."""
    row = cases(shared)[file]
    path = str(shared / "field" / "dumps" / file)
    run = CliRunner().invoke(main, [row["command"], path, "--format", "json"])
    if "in words" in row["expected"]:
        refused = run.exit_code == 2 and len(run.stderr.strip().splitlines()) == 1 and "not YAML" not in run.stderr
        assert refused or (run.exit_code == 0 and row["expected"].startswith("read")), run.stderr
        return
    answer = json.loads(run.stdout)
    states = {each["rule"]: each["state"] for each in answer} if row["command"] == "audit" else {}
    for pair in row["expected"].split("; "):
        name, _, allowed = pair.rpartition("=")
        assert (states.get(name) if states else at(answer, name)) in allowed.split("|"), name


def test_every_field_case_has_its_kind(shared: Path) -> None:
    """No case of the table is left out."""
    assert cases(shared).keys() == KINDS.keys()
