"""What objects prove about a cluster: clouds, network plugins, meshes and their settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from facts_dumps import Object, container, facts, node, pod, resource

from meshlab.cluster.facts.cluster import APART
from meshlab.cluster.facts.paths import pod_annotations, signature_fields
from meshlab.cluster.facts.signatures import kinds, signatures
from meshlab.tables import read_table


def kubelet(version: str, provider_id: str | None = None, **metadata: object) -> Object:
    """A node with that version of the kubelet."""
    item = node(**metadata)
    item["status"]["nodeInfo"]["kubeletVersion"] = version
    item["spec"] = {"providerID": provider_id} if provider_id else {}
    return item


def os_image(image: str) -> Object:
    """A node with that operating system."""
    item = node()
    item["status"]["nodeInfo"]["osImage"] = image
    return item


def provider(provider_id: str) -> Object:
    """A node of that provider."""
    return {**node(), "spec": {"providerID": provider_id}}


def condition(reason: str) -> Object:
    """A node whose network plugin gave that reason for the network being up."""
    item = node()
    item["status"]["conditions"] = [{"type": "NetworkUnavailable", "status": "False", "reason": reason}]
    return item


def agent(name: str, image: str) -> Object:
    """A pod of a network plugin's agent."""
    return pod(f"{name}-x", "kube-system", containers=[container(name, image)], hostNetwork=True)


CLOUDS = {
    "GKE by its kubelet": (kubelet("v1.29.1-gke.1589018"), "gke"),
    "GKE by its node pool": (node(labels={"cloud.google.com/gke-nodepool": "a"}), "gke"),
    "EKS by its kubelet": (kubelet("v1.29.0-eks-5e0fdde"), "eks"),
    "EKS by its node group": (node(labels={"eks.amazonaws.com/nodegroup": "a"}), "eks"),
    "AKS by its label": (node(labels={"kubernetes.azure.com/cluster": "a"}), "aks"),
    "DOKS by its node pool": (node(labels={"doks.digitalocean.com/node-pool": "a"}), "doks"),
    "IKS by its label": (node(labels={"ibm-cloud.kubernetes.io/worker-id": "a"}), "iks"),
    "OpenShift by its label": (node(labels={"node.openshift.io/os_id": "rhcos"}), "openshift"),
    "OpenShift by its operating system": (os_image("Red Hat Enterprise Linux CoreOS 418.94"), "openshift"),
    "OpenShift by its version": (resource("ClusterVersion", "config.openshift.io/v1", "version"), "openshift"),
    "kubeadm": (node(annotations={"kubeadm.alpha.kubernetes.io/cri-socket": "/run/a.sock"}), "self-managed"),
    "kind": (provider("kind://docker/kind/kind-control-plane"), "self-managed"),
    "k3s": (kubelet("v1.31.2+k3s1"), "self-managed"),
    "minikube": (node(labels={"minikube.k8s.io/name": "minikube"}), "self-managed"),
    "own machines on Google's cloud": (provider("gce://project/zone/name"), None),
    "own machines on AWS": (provider("aws:///eu-west-1a/i-0abc"), None),
    "own machines on Azure": (provider("azure:///subscriptions/x"), None),
    "nothing to go by": (node(), None),
    "EKS on the user's own machines": (
        kubelet("v1.30.0-eks-1a2b3c4", provider_id="nutanix://0a", labels={"eks.amazonaws.com/nodegroup": "a"}),
        "self-managed",
    ),
    "EKS's hybrid nodes": (kubelet("v1.31.4-eks-aeac579", provider_id="eks-hybrid:///eu-west-1/a/mi-1"), "eks"),
    "GKE on the user's own machines": (kubelet("v1.30.5-gke.400", provider_id="vsphere://0a"), "self-managed"),
    "GKE on bare metal, with a pool of GKE": (
        kubelet(
            "v1.29.6-gke.600",
            provider_id="baremetal://10.0.0.4",
            labels={"baremetal.cluster.gke.io/node-pool": "a", "cloud.google.com/gke-nodepool": "a"},
        ),
        "self-managed",
    ),
    "GKE on bare metal": (
        kubelet("v1.30.5-gke.400", labels={"baremetal.cluster.gke.io/node-pool": "a"}),
        "self-managed",
    ),
    "EKS Distro beside its own control plane": (
        kubelet("v1.27.9-eks-6e0dfd6", provider_id="aws:///a/i-0", labels={"node-role.kubernetes.io/master": ""}),
        None,
    ),
    "EKS Distro by kOps": (
        kubelet("v1.27.9-eks-6e0dfd6", labels={"kops.k8s.io/instancegroup": "nodes"}),
        "self-managed",
    ),
    "a role of aks-engine": (node(labels={"kubernetes.azure.com/role": "agent"}), None),
    "a provider outside of the list that joins by kubeadm": (
        kubelet(
            "v1.30.1",
            provider_id="acme-cloud://0a",
            annotations={"kubeadm.alpha.kubernetes.io/cri-socket": "/run/a.sock"},
        ),
        None,
    ),
    "k3s of Civo": (kubelet("v1.30.5+k3s1", labels={"kubernetes.civo.com/civo-node-pool": "a"}), "civo"),
    "k3s of a provider outside of the list": (kubelet("v1.30.5+k3s1", provider_id="acme://0a"), None),
    "OVHcloud": (kubelet("v1.30.2", provider_id="openstack:///0a", labels={"node.k8s.ovh/type": "gpu"}), "mks"),
    "OpenStack alone": (kubelet("v1.30.2", provider_id="openstack:///0a"), None),
    "Gardener": (
        kubelet("v1.30.2", labels={"worker.gardener.cloud/pool": "a", "kurl.sh/cluster": "true"}),
        None,
    ),
    "Exoscale": (node(labels={"node.exoscale.net/nodepool-id": "a"}), "sks"),
    "Yandex": (node(labels={"yandex.cloud/node-group-id": "a"}), "yandex"),
    "Nebius": (node(labels={"nebius.com/node-group-id": "a"}), "nebius"),
    "IONOS": (node(labels={"enterprise.cloud.ionos.com/node-id": "a"}), "ionos"),
    "Vultr": (node(labels={"vke.vultr.com/node-pool": "a"}), "vke"),
    "OpenShift on AWS with a label of EKS": (
        node(labels={"node.openshift.io/os_id": "rhcos", "eks.amazonaws.com/nodegroup": "a"}),
        "openshift",
    ),
}
"""An object and the cloud that it proves; a provider's id alone proves no managed service."""


@pytest.mark.parametrize(("item", "cloud"), CLOUDS.values(), ids=CLOUDS)
def test_the_cloud_follows_from_what_nodes_say(item: Object, cloud: str | None, tmp_path: Path) -> None:
    """The cloud is known where a node says so, and unknown otherwise."""
    assert facts(tmp_path, node("plain"), item)["cloud"] == cloud


AGENTS = {
    "calico": (agent("calico-node", "docker.io/calico/node:v3.27.0"), "calico", "3.27.0"),
    "calico behind a registry's port": (agent("calico-node", "reg:5000/calico/node:v3.27.0"), "calico", "3.27.0"),
    "calico by digest": (agent("calico-node", "calico/node@sha256:abc"), "calico", None),
    "calico enterprise": (agent("calico-node", "tigera/cnx-node:v3.18.1"), "calico-enterprise", "3.18.1"),
    "cilium": (agent("cilium-agent", "quay.io/cilium/cilium:v1.16.1@sha256:abc"), "cilium", "1.16.1"),
    "weave": (agent("weave", "weaveworks/weave-kube:2.8.1"), "weave", "2.8.1"),
    "AWS": (agent("aws-node", "eks/amazon-k8s-cni:v1.16.0-eksbuild.1"), "aws-vpc", "1.16.0-eksbuild.1"),
    "Azure": (agent("cns-container", "mcr.microsoft.com/containernetworking/azure-cns:v1.5.35"), "azure-cni", "1.5.35"),
    "kindnet": (agent("kindnet-cni", "docker.io/kindest/kindnetd:v20230511"), "kindnet", "20230511"),
    "flannel": (agent("kube-flannel", "flannel/flannel:v0.25.1"), "flannel", "0.25.1"),
    "antrea": (agent("antrea-agent", "antrea/antrea-agent-ubuntu:v2.0.0"), "antrea", "2.0.0"),
    "OVN": (agent("ovnkube-node", "quay.io/openshift:4.14"), "ovn-kubernetes", None),
    "kube-router": (agent("kube-router", "cloudnativelabs/kube-router:v2.1.0"), "kube-router", "2.1.0"),
    "an application": (agent("web", "example.com/calico-node:v1"), None, None),
}


@pytest.mark.parametrize(("item", "product", "version"), AGENTS.values(), ids=AGENTS)
def test_network_plugins_are_known_by_their_agents(
    item: Object, product: str | None, version: str | None, tmp_path: Path
) -> None:
    """A plugin is known by the container of its agent, its version by the image's tag."""
    cni = facts(tmp_path, item)["cni"]

    assert (cni["product"], cni["version"]) == (product, version)


def test_flannel_beside_calico_is_canal(tmp_path: Path) -> None:
    """Calico's and Flannel's containers in one pod are Canal, in either order."""
    calico, flannel = container("calico-node", "calico/node:v3.27.0"), container("kube-flannel", "flannel:v0.25.1")

    for containers in ([calico, flannel], [flannel, calico]):
        assert facts(tmp_path, pod(containers=containers))["cni"]["product"] == "canal"


def test_two_plugins_leave_the_product_unknown(tmp_path: Path) -> None:
    """Agents of two plugins in their own pods are a contradiction, and the reason names both."""
    found = facts(tmp_path, agent("calico-node", "calico/node:v3.27.0"), agent("cilium-agent", "cilium:v1.16.1"))

    assert found["cni"]["product"] is None
    assert found["provenance"]["cni.product"]["why"] == "the objects disagree: calico (1), cilium (1)"


def test_two_versions_leave_the_version_unknown(tmp_path: Path) -> None:
    """In the middle of an upgrade the product is known and its version is not."""
    old, new = agent("calico-node", "calico/node:v3.26.0"), agent("calico-node", "calico/node:v3.27.0")
    new["metadata"]["name"] = "calico-node-y"

    cni = facts(tmp_path, old, new)["cni"]
    assert (cni["product"], cni["version"]) == ("calico", None)


def test_a_controller_of_no_pods_proves_nothing(tmp_path: Path) -> None:
    """A DaemonSet that is left over but scheduled nowhere is no plugin of today."""
    template = {"spec": {"containers": [container("weave", "weaveworks/weave-kube:2.8.1")]}}
    left_over = resource(
        "DaemonSet", "apps/v1", "weave", spec={"template": template}, status={"desiredNumberScheduled": 0}
    )

    assert facts(tmp_path, left_over, node())["cni"]["product"] is None


@pytest.mark.parametrize(
    ("reason", "product", "dataplane"),
    [("CiliumIsUp", "cilium", "ebpf"), ("CalicoIsUp", "calico", None), ("FlannelIsUp", "flannel", None)],
)
def test_node_conditions_are_weak_evidence(reason: str, product: str, dataplane: str | None, tmp_path: Path) -> None:
    """A condition tells the plugin where nothing stronger does, as an inference, and yields to the agent itself."""
    found = facts(tmp_path, condition(reason))
    assert (found["cni"]["product"], found["cni"]["dataplane"]) == (product, dataplane)
    assert found["provenance"]["cni.product"]["status"] == "inferred"

    stronger = facts(tmp_path, condition(reason), agent("antrea-agent", "antrea/antrea:v2.0.0"))
    assert stronger["cni"]["product"] == "antrea"


CALICO = agent("calico-node", "calico/node:v3.27.0")
CILIUM = agent("cilium-agent", "cilium/cilium:v1.16.1")
TIGERA, PROJECT = "operator.tigera.io/v1", "crd.projectcalico.org/v1"


def calico_daemon(*environment: str) -> Object:
    """Calico's DaemonSet with names in the environment of its agent."""
    agent_container = container("calico-node", "calico/node:v3.27.0", env=[{"name": name} for name in environment])
    return resource(
        "DaemonSet",
        "apps/v1",
        "calico-node",
        "kube-system",
        spec={"template": {"spec": {"containers": [agent_container]}}},
        status={"desiredNumberScheduled": 1},
    )


SETTINGS = {
    "Calico over IP in IP": (
        [CALICO, resource("IPPool", PROJECT, spec={"ipipMode": "Always"})],
        "encapsulation",
        "ipip",
    ),
    "Calico over VXLAN": (
        [CALICO, resource("IPPool", PROJECT, spec={"ipipMode": "Never", "vxlanMode": "CrossSubnet"})],
        "encapsulation",
        "vxlan",
    ),
    "Calico without encapsulation": (
        [CALICO, resource("IPPool", PROJECT, spec={"ipipMode": "Never", "vxlanMode": "Never"})],
        "encapsulation",
        "none",
    ),
    "Calico's operator": (
        [
            resource(
                "Installation",
                TIGERA,
                spec={"variant": "Calico", "calicoNetwork": {"ipPools": [{"encapsulation": "VXLANCrossSubnet"}]}},
            )
        ],
        "encapsulation",
        "vxlan",
    ),
    "Calico with eBPF": (
        [CALICO, resource("FelixConfiguration", PROJECT, spec={"bpfEnabled": True})],
        "dataplane",
        "ebpf",
    ),
    "Calico with nftables": (
        [CALICO, resource("FelixConfiguration", PROJECT, spec={"nftablesMode": "Enabled"})],
        "dataplane",
        "nftables",
    ),
    "Calico with neither, its environment unseen": (
        [CALICO, resource("FelixConfiguration", PROJECT, spec={})],
        "dataplane",
        None,
    ),
    "Calico with neither": (
        [CALICO, resource("FelixConfiguration", PROJECT, spec={}), calico_daemon("NODENAME")],
        "dataplane",
        "iptables",
    ),
    "Calico with eBPF in its environment": (
        [CALICO, resource("FelixConfiguration", PROJECT, spec={}), calico_daemon("NODENAME", "FELIX_BPFENABLED")],
        "dataplane",
        None,
    ),
    "Calico with eBPF on one node": (
        [
            CALICO,
            resource("FelixConfiguration", PROJECT, spec={}),
            resource("FelixConfiguration", PROJECT, "node.a", spec={"bpfEnabled": True}),
            calico_daemon("NODENAME"),
        ],
        "dataplane",
        None,
    ),
    "Calico without its configuration": ([CALICO], "dataplane", None),
    "Cilium": ([CILIUM], "dataplane", "ebpf"),
    "Cilium tunnelling": (
        [CILIUM, resource("ConfigMap", "v1", "cilium-config", data={"tunnel-protocol": "geneve"})],
        "encapsulation",
        "geneve",
    ),
    "Cilium routing natively": (
        [
            CILIUM,
            resource("ConfigMap", "v1", "cilium-config", data={"routing-mode": "native", "tunnel-protocol": "vxlan"}),
        ],
        "encapsulation",
        "none",
    ),
    "Calico's MTU": ([CALICO, resource("ConfigMap", "v1", "calico-config", data={"veth_mtu": "1440"})], "mtu", 1440),
    "Calico's automatic MTU": (
        [CALICO, resource("ConfigMap", "v1", "calico-config", data={"veth_mtu": "0"})],
        "mtu",
        None,
    ),
    "another ConfigMap's MTU": ([CILIUM, resource("ConfigMap", "v1", "other", data={"mtu": "1440"})], "mtu", None),
    "OpenShift's MTU": (
        [resource("Network", "config.openshift.io/v1", status={"clusterNetworkMTU": 1400})],
        "mtu",
        1400,
    ),
    "Calico's peers": (
        [resource("BGPPeer", PROJECT, "a"), resource("BGPPeer", PROJECT, "b")],
        "bgp_peers",
        2,
    ),
    "Cilium's peers": (
        [
            resource(
                "CiliumBGPPeeringPolicy",
                "cilium.io/v2alpha1",
                spec={"virtualRouters": [{"neighbors": [{}, {}]}, {"neighbors": [{}]}]},
            )
        ],
        "bgp_peers",
        3,
    ),
}


@pytest.mark.parametrize(("items", "fact", "value"), SETTINGS.values(), ids=SETTINGS)
def test_settings_of_plugins_are_read(items: list[Object], fact: str, value: object, tmp_path: Path) -> None:
    """Data plane, encapsulation, MTU and BGP peers are what the plugin's own objects say."""
    assert facts(tmp_path, *items)["cni"][fact] == value


PROXY = container("istio-proxy", "docker.io/istio/proxyv2:1.20.1")
NATIVE = {**PROXY, "restartPolicy": "Always"}
ZTUNNEL = pod("ztunnel-x", "istio-system", containers=[container("istio-proxy", "docker.io/istio/ztunnel:1.24.0")])
ISTIOD = pod("istiod-x", "istio-system", containers=[container("discovery", "docker.io/istio/pilot:1.21.0")])
ENROLLED = pod("enrolled")
ENROLLED["metadata"]["annotations"] = {"ambient.istio.io/redirection": "enabled"}

MESHES = {
    "ordinary sidecar": ([pod(containers=[container(), PROXY])], ("istio", "sidecar", "1.20.1", 1)),
    "native sidecar": ([pod(initContainers=[NATIVE])], ("istio", "sidecar", "1.20.1", 1)),
    "a proxy that only prepares": ([pod(initContainers=[PROXY])], ("istio", None, "1.20.1", 0)),
    "a gateway": ([pod(containers=[PROXY])], ("istio", None, "1.20.1", 0)),
    "a finished pod": ([pod(phase="Succeeded", containers=[container(), PROXY])], ("istio", None, "1.20.1", 0)),
    "the control plane's version counts": (
        [pod(containers=[container(), PROXY]), ISTIOD],
        ("istio", "sidecar", "1.21.0", 1),
    ),
    "only a control plane": ([ISTIOD, pod()], ("istio", None, "1.21.0", 0)),
    "ambient": ([ZTUNNEL, ENROLLED, pod("other")], ("istio", "ambient", "1.24.0", 1)),
    "ambient beside a sidecar": (
        [ZTUNNEL, ENROLLED, pod("s", containers=[container(), PROXY]), ISTIOD],
        ("istio", "mixed", "1.21.0", 2),
    ),
    "Linkerd": (
        [pod(containers=[container(), container("linkerd-proxy", "cr.l5d.io/linkerd/proxy:edge-24.5.1")])],
        ("linkerd", "sidecar", "24.5.1", 1),
    ),
    "none in the whole cluster": ([pod(), pod("dns", "kube-system")], ("none", None, None, 0)),
    "none in one namespace": ([pod()], (None, None, None, 0)),
    "nodes only": ([node()], (None, None, None, None)),
}


@pytest.mark.parametrize(("items", "expected"), MESHES.values(), ids=MESHES)
def test_meshes_are_known_by_their_proxies(items: list[Object], expected: tuple, tmp_path: Path) -> None:
    """Product, mode, version and number of pods follow from the containers; none needs the whole cluster's pods."""
    mesh = facts(tmp_path, *items)["mesh"]

    assert (mesh["product"], mesh["mode"], mesh["version"], mesh["proxied_pods"]) == expected


SECURITY, NETWORKING, CILIUM_IO = "security.istio.io/v1", "networking.istio.io/v1", "cilium.io/v2"


def authorization(**rule: object) -> Object:
    """An AuthorizationPolicy of one rule."""
    return resource("AuthorizationPolicy", SECURITY, spec={"rules": [rule]})


def cilium_rules(**rules: object) -> Object:
    """A CiliumNetworkPolicy with rules for a port."""
    return resource("CiliumNetworkPolicy", CILIUM_IO, spec={"egress": [{"toPorts": [{"rules": rules}]}]})


L7 = {
    "paths": (authorization(to=[{"operation": {"paths": ["/admin"]}}]), 1),
    "methods": (authorization(to=[{"operation": {"notMethods": ["GET"]}}]), 1),
    "a token's identity": (authorization(**{"from": [{"source": {"requestPrincipals": ["*"]}}]}), 1),
    "a header": (authorization(when=[{"key": "request.headers[x]"}]), 1),
    "ports": (authorization(to=[{"operation": {"ports": ["80"]}}]), 0),
    "a workload's identity": (authorization(**{"from": [{"source": {"principals": ["a"]}}]}), 0),
    "Cilium's HTTP": (cilium_rules(http=[{}]), 1),
    "Cilium's Kafka": (cilium_rules(kafka=[{"topic": "a"}]), 1),
    "Cilium's DNS, which its agent answers": (cilium_rules(dns=[{"matchPattern": "*"}]), 0),
    "Cilium's several specifications": (
        resource("CiliumNetworkPolicy", CILIUM_IO, specs=[{}, {"ingress": [{"toPorts": [{"rules": {"http": [{}]}}]}]}]),
        1,
    ),
    "HTTP routes": (resource("VirtualService", NETWORKING, spec={"http": [{}]}), 1),
    "TCP routes": (resource("VirtualService", NETWORKING, spec={"tcp": [{}]}), 0),
    "HTTPRoute": (resource("HTTPRoute", "gateway.networking.k8s.io/v1"), 1),
    "GRPCRoute": (resource("GRPCRoute", "gateway.networking.k8s.io/v1"), 1),
    "EnvoyFilter": (resource("EnvoyFilter", "networking.istio.io/v1alpha3"), 1),
    "WasmPlugin": (resource("WasmPlugin", "extensions.istio.io/v1alpha1"), 1),
    "another group's VirtualService": (resource("VirtualService", "k8s.nginx.org/v1", spec={"http": [{}]}), None),
}


@pytest.mark.parametrize(("item", "count"), L7.values(), ids=L7)
def test_use_of_layer_7_is_counted(item: Object, count: int | None, tmp_path: Path) -> None:
    """A policy or route counts where enforcing it takes a proxy that understands requests."""
    assert facts(tmp_path, item, node())["policy"]["l7_policies"] == count


def peer(mode: str | None, namespace: str = "istio-system", **spec: object) -> Object:
    """A PeerAuthentication."""
    return resource("PeerAuthentication", SECURITY, f"{mode}", namespace, spec={"mtls": {"mode": mode}, **spec})


MODES = {
    "strict for all": ([peer("STRICT")], "strict"),
    "permissive for all": ([peer("PERMISSIVE")], "permissive"),
    "disabled for all": ([peer("DISABLE")], "disable"),
    "strict with an exception": ([peer("STRICT"), peer("PERMISSIVE", "shop")], "mixed"),
    "strict in one namespace": ([peer("STRICT", "shop")], "mixed"),
    "strict for selected workloads": ([peer("STRICT", selector={"matchLabels": {}})], "mixed"),
    "not set": ([peer("UNSET")], "permissive"),
    "not looked at": ([node()], None),
}


@pytest.mark.parametrize(("items", "mode"), MODES.values(), ids=MODES)
def test_mutual_tls_is_read_from_peer_authentications(items: list[Object], mode: str | None, tmp_path: Path) -> None:
    """The mode is that of the whole mesh, mixed where parts differ from it."""
    assert facts(tmp_path, *items)["policy"]["mtls_mode"] == mode


def test_windows_nodes_are_no_old_kernels(tmp_path: Path) -> None:
    """Windows nodes are counted, and their kernel is not among those that eBPF looks at."""
    windows = node("win", "10.0.17763.1098")
    windows["status"]["nodeInfo"]["operatingSystem"] = "windows"

    nodes = facts(tmp_path, windows, node("a", "5.15.0"), node("b", "5.4.0"))["nodes"]
    assert (nodes["linux"], nodes["windows"]) == (2, 1)
    assert (nodes["kernel_oldest"], nodes["kernel_newest"]) == ("5.4.0", "5.15.0")


@pytest.mark.parametrize(
    "row", read_table("facts/signatures").to_dicts(), ids=lambda row: f"{row['shows']}={row['value']}"
)
def test_signatures_are_well_formed(row: dict[str, object]) -> None:
    """Each pattern compiles, has a group where the value needs one, and an inference says why."""
    groups = re.compile(row["pattern"]).groups
    re.compile(row["unless"] or "")

    assert row["value"] != "$1" or groups >= 1
    assert row["status"] in ("measured", "inferred")
    assert row["why"] or row["status"] == "measured"
    assert set(row["shows"].split("|")) <= kinds().keys()


def test_kinds_of_evidence_are_well_formed() -> None:
    """Each kind counts for or against, decides or not, is shown by some signature, and names other kinds."""
    shown = set(signatures()["shows"])

    for kind in kinds().values():
        assert (kind.counts in ("for", "against"), kind.decides in ("yes", "hint", "no")) == (True, True)
        assert {*(kind.needs or "").rstrip("?").split("|"), kind.yields, kind.version} - {None, ""} <= kinds().keys()
        assert kind.shows in shown.union(APART)


def test_annotations_of_pods_that_signatures_name_are_read() -> None:
    """Every annotation of a pod in the table is a field of the type that pods are decoded into."""
    named = [field for field in signature_fields()["Pod"] if ":metadata.annotations." in field]

    assert {field for _, field, _ in pod_annotations()} == set(named)
