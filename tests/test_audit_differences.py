"""Two clusters against each other: what was planted is found, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from meshlab.cluster.audit import compare
from meshlab.run.cli import main

Objects = list[dict[str, Any]]

ISTIO = "security.istio.io/v1"


CONTAINERS = {"cilium": "cilium-agent", "node": "calico-node", "pilot": "discovery", "proxyv2": "istio-proxy"}
"""What installers call the container of an image."""


def pod(name: str, namespace: str, *images: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """A running pod with a container for each image."""
    containers = [{"name": CONTAINERS.get(called(image), called(image)), "image": image} for image in images]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": {"nodeName": "n0", "containers": containers},
        "status": {"phase": "Running"},
    }


def called(image: str) -> str:
    """The last part of an image's name, without its tag."""
    return image.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0]


def config_map(name: str, namespace: str, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    named = {key.replace("_", "-"): value for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": named,
    }


def policy(kind: str, version: str, name: str, **spec: object) -> dict[str, Any]:
    """A policy in the namespace of the shop, or in that of Istio where it holds for the whole mesh."""
    namespace = "istio-system" if name == "default" else "shop"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def cluster() -> Objects:
    """Cilium and Istio with sidecars, policies of three kinds, two nodes."""
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"n{n}", "labels": {"kubernetes.io/os": "linux"}},
            "status": {
                "capacity": {"cpu": "8", "memory": "32Gi"},
                "nodeInfo": {
                    "kernelVersion": "6.1.0",
                    "kubeletVersion": "v1.31.2",
                    "architecture": "amd64",
                    "operatingSystem": "linux",
                    "osImage": "Debian GNU/Linux 12",
                },
            },
        }
        for n in range(2)
    ]
    mesh = "accessLogFile: /dev/stdout\noutboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n"
    return [
        *nodes,
        pod("cilium-x", "kube-system", "quay.io/cilium/cilium:v1.16.3", labels={"k8s-app": "cilium"}),
        config_map(
            "cilium-config", "kube-system", tunnel_protocol="vxlan", routing_mode="tunnel", enable_wireguard="true"
        ),
        pod("istiod-x", "istio-system", "docker.io/istio/pilot:1.24.1", labels={"app": "istiod"}),
        config_map("istio", "istio-system", mesh=mesh),
        pod("cart-x", "shop", "example/cart:1", "docker.io/istio/proxyv2:1.24.1"),
        policy("PeerAuthentication", ISTIO, "default", mtls={"mode": "STRICT"}),
        policy("AuthorizationPolicy", ISTIO, "cart", action="ALLOW", rules=[{"to": [{"operation": {"paths": ["/"]}}]}]),
        policy("NetworkPolicy", "networking.k8s.io/v1", "deny", podSelector={}, policyTypes=["Ingress"]),
        *(policy(kind, version, "one") for kind, version in KINDS.values()),
    ]


KINDS = {
    "differs-admin-network-policy": ("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),
    "differs-baseline-admin-network-policy": ("BaselineAdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),
    "differs-cluster-network-policy": ("ClusterNetworkPolicy", "crd.antrea.io/v1beta1"),
    "differs-cilium-egress-gateway-policy": ("CiliumEgressGatewayPolicy", "cilium.io/v2"),
    "differs-service-entry": ("ServiceEntry", "networking.istio.io/v1"),
    "differs-telemetry": ("Telemetry", "telemetry.istio.io/v1"),
    "differs-http-route": ("HTTPRoute", "gateway.networking.k8s.io/v1"),
    "differs-grpc-route": ("GRPCRoute", "gateway.networking.k8s.io/v1"),
    "differs-linkerd-server": ("Server", "policy.linkerd.io/v1beta3"),
}
"""Kinds of which the clusters hold one object, with the difference that tells of more."""


def of(objects: Objects, kind: str, name: str = "") -> dict[str, Any]:
    """The first object of a kind, and of a name where one is given."""
    return next(o for o in objects if o["kind"] == kind and name in o["metadata"]["name"])


def image(objects: Objects, name: str, text: str) -> None:
    """Let the last container of a pod run another image."""
    of(objects, "Pod", name)["spec"]["containers"][-1]["image"] = text


def older_mesh(objects: Objects) -> None:
    """Run an older Istio, its proxies included."""
    image(objects, "istiod", "docker.io/istio/pilot:1.22.0")
    image(objects, "cart", "docker.io/istio/proxyv2:1.22.0")


PLANTED: dict[str, Callable[[Objects], object]] = {
    "differs-plugin-version": lambda o: image(o, "cilium", "quay.io/cilium/cilium:v1.15.1"),
    "differs-encapsulation": lambda o: of(o, "ConfigMap", "cilium").update(
        data=of(o, "ConfigMap", "cilium")["data"] | {"tunnel-protocol": "geneve"}
    ),
    "differs-cilium-enable-wireguard": lambda o: of(o, "ConfigMap", "cilium")["data"].pop("enable-wireguard"),
    "differs-mesh-version": older_mesh,
    "differs-istio-outbound-traffic-policy": lambda o: of(o, "ConfigMap", "istio").update(
        data={"mesh": "accessLogFile: /dev/stdout\noutboundTrafficPolicy:\n  mode: ALLOW_ANY\n"}
    ),
    "differs-mutual-tls": lambda o: of(o, "PeerAuthentication")["spec"].update(mtls={"mode": "PERMISSIVE"}),
    "differs-network-policy": lambda o: o.append(
        policy("NetworkPolicy", "networking.k8s.io/v1", "more", podSelector={}, policyTypes=["Egress"])
    ),
    "differs-kernel": lambda o: of(o, "Node")["status"]["nodeInfo"].update(kernelVersion="5.4.0"),
}
"""A change for each difference that is planted."""


def written(folder: Path, name: str, objects: Objects) -> Path:
    """A List of the objects."""
    path = folder / name
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), encoding="utf-8")
    return path


def found(folder: Path, *changes: Callable[[Objects], object]) -> set[str]:
    """The differences to a cluster that was changed so."""
    other = copy.deepcopy(cluster())
    for change in changes:
        change(other)
    pair = written(folder, "a.json", cluster()), written(folder, "b.json", other)
    return {row["rule"] for row in compare([pair[0]], [pair[1]]) if row["state"] == "fail"}


@pytest.mark.parametrize("rule", PLANTED)
def test_one_difference_is_found_alone(tmp_path: Path, rule: str) -> None:
    """Each planted difference is told by its own rule, and by no other."""
    assert found(tmp_path, PLANTED[rule]) == {rule}


@pytest.mark.parametrize("rule", KINDS)
def test_another_object_of_a_kind_is_found_alone(tmp_path: Path, rule: str) -> None:
    """One more object of a kind is told by the rule of that kind, and by no other."""
    assert found(tmp_path, lambda o: o.append(policy(*KINDS[rule], "two"))) == {rule}


def test_eight_differences_are_found_and_nothing_else(tmp_path: Path) -> None:
    """All of them together; more pods and nodes are no difference, and neither is the order of objects."""
    more = [lambda o: o.append(pod("cart-y", "shop", "example/cart:1", "docker.io/istio/proxyv2:1.22.0")), list.reverse]
    assert found(tmp_path, *PLANTED.values(), *more) == set(PLANTED)
    assert found(tmp_path) == set()


def test_another_product_explains_its_version_and_settings(tmp_path: Path) -> None:
    """Where one cluster runs Calico, the version of Cilium is no difference of its own."""

    def calico(objects: Objects) -> None:
        objects[:] = [o for o in objects if "cilium" not in o["metadata"]["name"]]
        objects.append(
            pod("calico-node-x", "kube-system", "docker.io/calico/node:v3.29.1", labels={"k8s-app": "calico-node"})
        )

    rules = found(tmp_path, calico)
    assert "differs-plugin" in rules
    assert not rules & {"differs-plugin-version", "differs-encapsulation", "differs-cilium-enable-wireguard"}


def test_what_one_dump_lacks_is_unknown(tmp_path: Path) -> None:
    """A dump without policies says nothing of how many there are."""
    other = [o for o in cluster() if o["kind"] != "NetworkPolicy"]
    pair = written(tmp_path, "a.json", cluster()), written(tmp_path, "b.json", other)
    row = next(row for row in compare([pair[0]], [pair[1]]) if row["rule"] == "differs-network-policy")
    assert (row["state"], row["missing"]) == ("unknown", ["objects.NetworkPolicy"])


def test_a_pipeline_stops_at_a_level(tmp_path: Path) -> None:
    """--fail-on ends with 3 where something as severe fails, and with 0 where it does not."""
    one, other = written(tmp_path, "a.json", cluster()), cluster()
    PLANTED["differs-kernel"](other)
    two = written(tmp_path, "b.json", other)
    call = lambda *more: CliRunner().invoke(main, ["audit", str(one), *more])  # noqa: E731
    for level, status in (("low", 3), ("medium", 3), ("high", 0)):
        done = call("--against", str(two), "--fail-on", level, "--format", "json")
        assert done.exit_code == status, done.output
        assert {"rule", "state", "loop", "severity", "evidence"} <= set(json.loads(done.stdout)[0])
    assert "6.1.0; in the other 5.4.0" in call("--against", str(two)).stdout
