"""Facts of clusters whose products run beside, behind or after each other, as their manifests leave them.

What each shows is what an operator of these products would read off the objects; the matrix of whole installations is
in ``facts_installs.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from facts_dumps import Object, container, facts, node, pod, resource

from meshlab.cluster.facts.inferred_inputs import fact

EKS = "602401143452.dkr.ecr.us-west-2.amazonaws.com"


def daemon(*containers: Object, name: str = "agent") -> Object:
    """A pod of a DaemonSet of the system, on the one node."""
    made = pod(name, "kube-system", containers=list(containers), nodeName="node-1", hostNetwork=True)
    made["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": name}]
    return made


def joined(version: str, *args: str, of: str = "k3s", name: str = "node-2", **annotations: str) -> Object:
    """A node of k3s or RKE2 with the arguments that it was started with."""
    marks = {f"{of}.io/node-args": json.dumps(args), **annotations}
    made = node(name, annotations=marks)
    made["status"]["nodeInfo"]["kubeletVersion"] = version
    return made


def made_by(kind: str, item: Object) -> Object:
    """The pod as a controller makes it."""
    item["metadata"]["ownerReferences"] = [{"kind": kind, "name": "web"}]
    return item


def elsewhere(item: Object, name: str = "node-2") -> Object:
    """The pod on another node."""
    return item | {"spec": {**item["spec"], "nodeName": name}, "metadata": {**item["metadata"], "name": f"x-{name}"}}


def app(
    *beside: Object, before: tuple[Object, ...] = (), name: str = "web-1", annotations: dict[str, str] | None = None
) -> Object:
    """A pod of a team, with containers beside its own and before it."""
    made = pod(name, containers=[container(), *beside], initContainers=list(before), nodeName="node-1")
    made["metadata"]["annotations"] = annotations or {}
    return made


def settings(name: str, **data: str) -> Object:
    """A ConfigMap of the system."""
    return resource("ConfigMap", "v1", name, "kube-system", data={key.replace("_", "-"): data[key] for key in data})


def webhook(name: str) -> Object:
    """A webhook that changes pods."""
    return resource("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", name)


def flagged(name: str, *args: str, command: tuple[str, ...] = (), image: str = "example.com/agent:v1.2.3") -> Object:
    """A daemon that is called with arguments."""
    return daemon(container(name, image, args=list(args), command=list(command)), name=name)


AWS_NODE = container("aws-node", f"{EKS}/amazon-k8s-cni:v1.18.5")
CILIUM = daemon(container("cilium-agent", "quay.io/cilium/cilium:v1.16.3"), name="cilium")
FLANNEL = daemon(container("kube-flannel", "ghcr.io/flannel-io/flannel:v0.26.1"), name="kube-flannel-ds")
KUBE_OVN = daemon(container("cni-server", "docker.io/kubeovn/kube-ovn:v1.12.28"), name="kube-ovn-cni")


def policy_agent(*args: str) -> Object:
    """The daemon of EKS, whose second container is the agent for policies."""
    agent = container("aws-eks-nodeagent", f"{EKS}/amazon/aws-network-policy-agent:v1.1.3", args=list(args))
    return daemon(AWS_NODE, agent, name="aws-node")


def cilium_agent(tag: str) -> Object:
    """Cilium's agent with an image of that tag or digest."""
    return daemon(container("cilium-agent", f"registry.local:5000/mirror/cilium/cilium{tag}"))


CALICO_NODES = {"projectcalico.org/IPv4Address": "10.0.0.4/24"}
CALICO_POD = app(
    name="web-2",
    annotations={"k8s.v1.cni.cncf.io/network-status": '[{"name": "k8s-pod-network", "ips": [], "default": true}]'},
)
"""A pod whose default network another plugin than Multus made."""

NETWORKS: dict[str, tuple[dict[str, object], tuple[Object, ...]]] = {
    "EKS switches its policy agent on by an argument": (
        {"cni.product": "aws-vpc", "policy.engine": "network-policy-agent"},
        (policy_agent("--enable-ipv6=false", "--enable-network-policy=true"),),
    ),
    "EKS leaves it off by an argument": (
        {"cni.product": "aws-vpc", "policy.engine": "none", "cni.edition": "no-policy-engine"},
        (policy_agent("--enable-ipv6=false", "--enable-network-policy=false"),),
    ),
    "an agent that does not say whether it is on": (
        {"cni.product": "aws-vpc", "policy.engine": None},
        (policy_agent("--enable-ipv6=false"),),
    ),
    "AKS says kube-proxy's mode in its command": (
        {"service.proxy": "iptables"},
        (flagged("kube-proxy", command=("kube-proxy", "--cluster-cidr=10.244.0.0/16", "--proxy-mode=iptables")),),
    ),
    "RKE2 says it in an argument": (
        {"service.proxy": "ipvs"},
        (flagged("kube-proxy", "--proxy-mode=ipvs", "--ipvs-strict-arp=true", command=("kube-proxy",)),),
    ),
    "a shell calls it, with neither mode nor configuration": (
        {"service.proxy": "iptables"},
        (flagged("kube-proxy", command=("/bin/sh", "-c", "kube-proxy --kubeconfig=/k --v=2")),),
    ),
    "a configuration that is not in the dump outweighs the flags": (
        {"service.proxy": None},
        (flagged("kube-proxy", "--config=/var/lib/kube-proxy/config.conf", "--proxy-mode=ipvs"),),
    ),
    "nothing tells how it is called": (
        {"service.proxy": None},
        (daemon(container("kube-proxy", "registry.k8s.io/kube-proxy:v1.31.2")),),
    ),
    "kube-router does everything unless told otherwise": (
        {"cni.product": "kube-router", "policy.engine": "kube-router", "service.proxy": "kube-router"},
        (flagged("kube-router", "--run-router=true", "--bgp-graceful-restart=true"),),
    ),
    "kube-router filters only": (
        {"cni.product": "flannel", "policy.engine": "kube-router", "service.proxy": None},
        (FLANNEL, flagged("kube-router", "--run-router=false", "--run-firewall=true", "--run-service-proxy=false")),
    ),
    "kube-router speaks BGP for Cilium": (
        {"cni.product": "cilium", "policy.engine": "cilium", "service.proxy": "cilium"},
        (
            CILIUM,
            settings("cilium-config", kube_proxy_replacement="true"),
            flagged("kube-router", "--run-router=true", "--run-firewall=false", "--run-service-proxy=false"),
        ),
    ),
    "Cilium is chained behind Kube-OVN": (
        {"cni.product": "kube-ovn", "policy.engine": "cilium"},
        (KUBE_OVN, CILIUM, settings("cilium-config", cni_chaining_mode="generic-veth", kube_proxy_replacement="false")),
    ),
    "Azure's policy manager alone": (
        {"cni.product": "azure-cni", "policy.engine": "azure-npm"},
        (daemon(container("azure-npm", "mcr.microsoft.com/containernetworking/azure-npm:v1.5.38")),),
    ),
    "Calico on some nodes and Cilium on others": (
        {"cni.product": None, "cni.edition": None, "policy.engine": None},
        (daemon(AWS_NODE, name="aws-node"), elsewhere(CILIUM)),
    ),
    "Cilium that is told to chain, seen on another node": (
        {"cni.product": "aws-vpc", "cni.edition": None},
        (
            daemon(AWS_NODE, name="aws-node"),
            elsewhere(CILIUM),
            settings("cilium-config", cni_chaining_mode="aws-cni"),
        ),
    ),
    "Canal with further networks": (
        {"cni.product": "canal"},
        (
            daemon(
                container("calico-node", "rancher/hardened-calico:v3.30.1"),
                container("kube-flannel", "rancher/hardened-flannel:v0.26.7"),
                name="rke2-canal",
            ),
            daemon(container("kube-rke2-multus", "rancher/hardened-multus-cni:v4.2.0"), name="rke2-multus"),
            CALICO_POD,
        ),
    ),
    "nodes of Canal, and a pod that its Calico filters": (
        {"cni.product": None},
        (
            node("node-2", annotations={"flannel.alpha.coreos.com/backend-type": "vxlan"} | CALICO_NODES),
            app(name="web-2", annotations={"cni.projectcalico.org/podIP": "10.1.1.7/32"}),
        ),
    ),
    "Kube-OVN as a vendor builds it": (
        {"cni.product": "kube-ovn", "cni.version": "1.14.5"},
        (daemon(container("cni-server", "registry.acme.io/platform/kubeovn:v1.14.5"), name="kube-ovn-cni"),),
    ),
    "agents of k3s, whose servers are hidden": (
        {"service.proxy": None, "policy.engine": None},
        (joined("v1.31.4+k3s1", "agent", **{"flannel.alpha.coreos.com/backend-type": "vxlan"}),),
    ),
    "a server of k3s without kube-proxy, and another": (
        {"service.proxy": None},
        (joined("v1.31.4+k3s1", "server", "--disable-kube-proxy"), joined("v1.31.4+k3s1", "server", name="node-3")),
    ),
    "RKE2 without a pod of kube-proxy": (
        {"service.proxy": None},
        (joined("v1.31.4+rke2r1", "server", of="rke2"), FLANNEL, elsewhere(FLANNEL)),
    ),
    "RKE2 with one": (
        {"service.proxy": "iptables"},
        (
            joined("v1.31.4+rke2r1", "server", of="rke2"),
            daemon(container("kube-proxy", "index.docker.io/rancher/hardened-kubernetes:v1.31.4-rke2r1")),
        ),
    ),
    "a configuration that outlived kube-proxy": (
        {"service.proxy": None},
        (FLANNEL, elsewhere(FLANNEL), settings("kube-proxy") | {"data": {"config.conf": "mode: ipvs\n"}}),
    ),
    "a kube-proxy that is parked": (
        {"service.proxy": None},
        (
            settings("kube-proxy") | {"data": {"config.conf": "mode: ipvs\n"}},
            resource(
                "DaemonSet",
                "apps/v1",
                "kube-proxy",
                "kube-system",
                spec={"template": {"spec": {"containers": [container("kube-proxy", "kube-proxy:v1.31.2")]}}},
                status={"desiredNumberScheduled": 0},
            ),
        ),
    ),
    "a configuration of kube-proxy and no daemon in the dump": (
        {"service.proxy": "ipvs"},
        (settings("kube-proxy") | {"data": {"config.conf": "mode: ipvs\n"}},),
    ),
    "Auto Mode beside nodes of one's own": (
        {"cni.product": "aws-vpc", "cni.edition": None},
        (node("node-2", labels={"eks.amazonaws.com/compute-type": "auto"}), daemon(AWS_NODE, name="aws-node")),
    ),
    "nodes for infrastructure": (
        {"nodes.workers": 1},
        (node("node-2") | {"spec": {"taints": [{"key": "node-role.kubernetes.io/infra", "effect": "NoExecute"}]}},),
    ),
    "Flannel's chart brings an engine": (
        {"cni.product": "flannel", "policy.engine": "kube-network-policies"},
        (
            daemon(
                container("kube-flannel", "ghcr.io/flannel-io/flannel:v0.26.1"),
                container("kube-network-policies", "registry.k8s.io/networking/kube-network-policies:v0.7.0"),
            ),
        ),
    ),
    "OKE by its images": (
        {"cloud": "oke", "cni.product": "flannel"},
        (daemon(container("kube-flannel", "fra.ocir.io/axoxdievda5j/oke-public-flannel@sha256:1f")),),
    ),
    "a build's suffix": ({"cni.version": "1.14.10-240613"}, (cilium_agent(":1.14.10-240613"),)),
    "a hash": ({"cni.version": None}, (cilium_agent(":3f9c2ab@sha256:00aa"),)),
    "a date": ({"cni.version": None}, (cilium_agent(":20240131"),)),
    "a digest": ({"cni.version": None}, (cilium_agent("@sha256:758ca0"),)),
    "the kube-proxy of ACK": (
        {"service.proxy": "ipvs"},
        (
            daemon(container("kube-proxy-worker", "registry.example.com/acs/kube-proxy:v1.30.7-aliyun.1")),
            resource("ConfigMap", "v1", "kube-proxy-worker", "kube-system", data={"config.conf": "mode: ipvs\n"}),
        ),
    ),
    "the kube-proxy of Gardener, whose ConfigMap ends in a hash": (
        {"service.proxy": "nftables"},
        (
            daemon(container("kube-proxy", "registry.k8s.io/kube-proxy:v1.30.5")),
            resource(
                "ConfigMap", "v1", "kube-proxy-config-2a3b4c5d", "kube-system", data={"config.yaml": "mode: nftables\n"}
            ),
        ),
    ),
    "a ConfigMap that kustomize named": (
        {"cni.product": "antrea", "cni.encapsulation": "gre"},
        (
            daemon(container("antrea-agent", "antrea/antrea-agent-ubuntu:v1.13.3")),
            settings("antrea-config-822fk25299") | {"data": {"antrea-agent.conf": "tunnelType: gre\n"}},
        ),
    ),
    "pools that no pod is in": (
        {"cni.product": "calico", "cni.encapsulation": "vxlan"},
        (
            daemon(container("calico-node", "docker.io/calico/node:v3.30.1")),
            *(
                resource("IPPool", "crd.projectcalico.org/v1", name, spec={"cidr": "10.4.0.0/16", **spec})
                for name, spec in {
                    "pods": {"vxlanMode": "Always", "allowedUses": ["Workload", "Tunnel"]},
                    "balancers": {"vxlanMode": "Never", "allowedUses": ["LoadBalancer"]},
                }.items()
            ),
        ),
    ),
    "kindnet as its author builds it": (
        {"cni.product": "kindnet", "cni.version": "1.8.2", "policy.engine": "kindnet"},
        (daemon(container("kindnet-cni", "ghcr.io/aojea/kindnetd:v1.8.2")),),
    ),
    "GKE's images from the registry of a region": (
        {"cloud": "gke", "cni.product": "cilium", "cni.edition": "dataplane-v2", "service.proxy": "cilium"},
        (
            daemon(
                container(
                    "cilium-agent", "us-central1-artifactregistry.gcr.io/gke-release/gke-release/cilium/cilium:v1.15.6"
                ),
                name="anetd",
            ),
        ),
    ),
    "the kube-proxy of GKE from there": (
        {"cloud": "gke", "cni.product": "gke-legacy"},
        (
            daemon(
                container(
                    "kube-proxy",
                    "europe-west4-artifactregistry.gcr.io/gke-release/gke-release/kube-proxy-amd64:v1.35.5",
                )
            ),
        ),
    ),
    "the Calico that AKS installs beside kubenet": (
        {"cni.product": "other", "cni.name": "kubenet", "policy.engine": "calico"},
        (
            node("node-2")
            | {
                "status": {
                    **node()["status"],
                    "conditions": [{"type": "NetworkUnavailable", "reason": "RouteCreated"}],
                }
            },
            daemon(container("calico-node", "mcr.microsoft.com/oss/calico/node:v3.26.3"), name="calico-node"),
        ),
    ),
    "MicroShift, whose master wires pods, too": (
        {"cni.product": "ovn-kubernetes", "service.proxy": "ovn-kubernetes", "cni.encapsulation": "geneve"},
        (daemon(container("ovnkube-master", "quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:0a")),),
    ),
    "Multus, and pods whose default network another plugin makes": (
        {"cni.product": None},
        (
            daemon(container("kube-multus", "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.1.4"), name="kube-multus-ds"),
            CALICO_POD,
        ),
    ),
    "OpenShift on vSphere": (
        {"cloud": "openshift"},
        (node("node-2", labels={"node.openshift.io/os_id": "rhcos"}) | {"spec": {"providerID": "vsphere://42"}},),
    ),
    "RKE": ({"cloud": "self-managed"}, (node("node-2", annotations={"rke.cattle.io/external-ip": "192.0.2.1"}),)),
    "CCE": (
        {"cloud": "cce", "nodes.pools": {"a": 1}},
        (node("node-2", labels={"cce.cloud.com/cce-nodepool": "a"}),),
    ),
    **{
        label: ({"nodes.pools": {"a": 1}}, (node("node-2", labels={label: "a"}),))
        for label in (
            *("tke.cloud.tencent.com/nodepool-id", "node.exoscale.net/nodepool-id"),
            *("yandex.cloud/node-group-id", "nebius.com/node-group-id"),
        )
    },
    "Kapsule": ({"cloud": "kapsule"}, (node("node-2", labels={"k8s.scaleway.com/managed": "true"}),)),
    "applications whose containers bear the names of agents": (
        {"cni.product": None, "policy.engine": None, "service.proxy": None, "workload.application_pods": 4},
        tuple(
            made_by("ReplicaSet", app(container(name, f"example.com/{name}:2"), name=name))
            for name in ("sdn", "terway", "kube-proxy")
        ),
    ),
    "an agent that has not started beside one that runs": (
        {"cni.product": "flannel", "policy.engine": "none", "cni.dataplane": None},
        (FLANNEL, {**CILIUM, "status": {"phase": "Pending"}}),
    ),
    "settings that a removed plugin left beside one that runs": (
        {"cni.product": "flannel", "policy.engine": "none", "service.proxy": None},
        (FLANNEL, settings("cilium-config", kube_proxy_replacement="true", enable_policy="default")),
    ),
    "an agent that has not started, alone": (
        {"cni.product": "cilium"},
        ({**CILIUM, "status": {"phase": "Pending"}},),
    ),
    "Calico Enterprise as its operator fills the settings in": (
        {"cni.product": "calico-enterprise", "policy.engine": "calico-enterprise", "cni.version": "3.19.4"},
        (
            daemon(container("calico-node", "quay.io/tigera/cnx-node:v3.19.4"), name="calico-node"),
            resource(
                "Installation",
                "operator.tigera.io/v1",
                spec={"variant": "TigeraSecureEnterprise", "cni": {"type": "Calico"}},
            ),
        ),
    ),
    **{
        f"Cilium beside Calico, exclusive {exclusive}": (
            {"cni.product": product, "policy.engine": None},
            (
                daemon(container("calico-node", "docker.io/calico/node:v3.29.1"), name="calico-node"),
                resource(
                    "Installation", "operator.tigera.io/v1", spec={"variant": "Calico", "cni": {"type": "Calico"}}
                ),
                CILIUM,
                settings("cilium-config", cni_exclusive=exclusive),
            ),
        )
        for exclusive, product in {"true": "cilium", "false": "calico"}.items()
    },
    "Canal of RKE2": (
        {"cni.product": "canal", "cni.edition": "rke2"},
        (
            joined("v1.30.6+rke2r1", "server", of="rke2"),
            daemon(container("calico-node", "rancher/hardened-calico:v3.28.2"), container("kube-flannel", "f:1")),
        ),
    ),
    **{
        f"{product} of RKE2": (
            {"cni.product": product, "cni.edition": "rke2"},
            (
                joined("v1.30.6+rke2r1", "server", f"--cni={product}", of="rke2"),
                daemon(container(agent, "rancher/x:1")),
            ),
        )
        for product, agent in {"calico": "calico-node", "cilium": "cilium-agent"}.items()
    },
    **{
        f"Calico of {image} on AKS": (
            {"cni.product": "azure-cni", "policy.engine": "calico", "cni.edition": edition},
            (
                daemon(container("cns-container", "mcr.microsoft.com/containernetworking/azure-cns:v1.6.13")),
                daemon(container("calico-node", image), name="calico-node"),
            ),
        )
        for image, edition in {
            "mcr.microsoft.com/oss/calico/node:v3.28.2": "calico-policy-engine",
            "docker.io/calico/node:v3.28.2": "calico-policy-engine-self-run",
        }.items()
    },
    "Cilium of AWS on hybrid nodes": (
        {"cni.product": "cilium", "cni.edition": "eks-hybrid-nodes"},
        (daemon(container("cilium-agent", "public.ecr.aws/eks/cilium/cilium:v1.17.6-0")),),
    ),
    "Antrea on nodes that do not say whose they are": (
        {"cni.product": "antrea", "cni.edition": None},
        (daemon(container("antrea-agent", "antrea/antrea-agent-ubuntu:v2.2.0")),),
    ),
    "Antrea of VMware": (
        {"cni.product": "antrea", "cni.edition": "vsphere-kubernetes-service"},
        (
            joined("v1.31.4+vmware.1-fips"),
            daemon(container("antrea-agent", "localhost:5000/vmware.io/antrea/antrea-agent:v2.1.0_vmware.3")),
        ),
    ),
    "addresses of the VPC are wrapped in nothing": ({"cni.encapsulation": "none"}, (policy_agent(),)),
    "a date that is kindnet's version": (
        {"cni.product": "kindnet", "cni.version": "20241212-9f82dd49", "policy.engine": "kindnet"},
        (daemon(container("kindnet-cni", "docker.io/kindest/kindnetd:v20241212-9f82dd49")),),
    ),
}
"""Facts of clusters of one node and one application, and what else runs there."""


@pytest.mark.parametrize("case", NETWORKS)
def test_who_wires_filters_and_proxies(case: str, tmp_path: Path) -> None:
    """Plugin, engine, proxy of Services, version and cloud are those that run, or unknown where nothing tells."""
    expected, objects = NETWORKS[case]
    found = facts(tmp_path, node(), app(), *objects)

    assert {name: fact(found, name) for name in expected} == expected


REDIRECT = container("acme-iptables", "registry.acme.io/iptables:1")
PROXY_15001 = container("dp", "registry.acme.io/dp:1", ports=[{"containerPort": 9100}, {"containerPort": 15001}])
KMESH = {"istio.io/dataplane-mode": "Kmesh"}
OLD_PROXY = container("istio-proxy", "docker.io/istio/proxyv2:1.3.8")
CONSUL_TWICE = tuple(container(f"consul-dataplane-{port}", "hashicorp/consul-dataplane:1.5.2") for port in ("a", "b"))

ENVOY = container("envoy", "docker.io/envoyproxy/envoy:v1.31.2")


def deployment(*beside: Object) -> Object:
    """The Deployment of the application, with what it names beside it."""
    template = {"spec": {"containers": [container(), *beside]}}
    return resource("Deployment", "apps/v1", "web", "shop", spec={"replicas": 1, "template": template})


MESHES: dict[str, tuple[dict[str, object], tuple[Object, ...]]] = {
    "an unknown proxy takes a mesh's ports": (
        {"mesh.product": "other", "mesh.name": "dp", "mesh.proxied_pods": 2, "mesh.mode": "sidecar"},
        (app(PROXY_15001, name="a"), app(PROXY_15001, name="b")),
    ),
    "the same ports of the application itself": (
        {"mesh.product": "none", "mesh.proxied_pods": 0},
        (pod("a", containers=[PROXY_15001], nodeName="node-1"),),
    ),
    "an unknown proxy behind a container that redirects": (
        {"mesh.product": None, "mesh.proxied_pods": None},
        (app(container("acme-data-proxy", "registry.acme.io/data:1"), before=(REDIRECT,)),),
    ),
    "an unknown proxy behind a container that redirects, and its injector": (
        {"mesh.product": "other", "mesh.name": "acme-data-proxy", "mesh.proxied_pods": 1},
        (
            webhook("acme-sidecar-injector"),
            app(container("acme-data-proxy", "registry.acme.io/data:1"), before=(REDIRECT,)),
        ),
    ),
    "the identity proxy of Azure's workloads": (
        {"mesh.product": "none", "mesh.proxied_pods": 0},
        (
            app(
                container("azwi-proxy", "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.3.0"),
                before=(
                    container("azwi-proxy-init", "mcr.microsoft.com/oss/azure/workload-identity/proxy-init:v1.3.0"),
                ),
            ),
        ),
    ),
    "a proxy of an unknown mesh that nothing names": (
        {"mesh.product": None, "mesh.proxied_pods": None},
        tuple(app(container("acme-proxy", "registry.acme.io/dataplane:3"), name=name) for name in "ab"),
    ),
    "a sidecar of an unknown mesh that nothing names": (
        {"mesh.product": None},
        tuple(app(container("sidecar", "registry.acme.io/dataplane:3"), name=name) for name in "ab"),
    ),
    "a proxy that one pod has": (
        {"mesh.product": "none"},
        (app(container("acme-proxy", "registry.acme.io/dataplane:3")),),
    ),
    "a proxy that the Deployment names": (
        {"mesh.product": "none"},
        (
            *(app(container("fake-proxy", "example.com/f:3"), name=n) for n in "ab"),
            deployment(container("fake-proxy", "example.com/f:3")),
        ),
    ),
    "proxies before platforms of applications": (
        {"mesh.product": "none"},
        tuple(
            app(container("proxy", image), name=f"{name}-{number}")
            for name, image in {"sql": "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14", "web": "nginx:1.27"}.items()
            for number in range(2)
        ),
    ),
    "a gateway that embeds Istio's pilot": (
        {"mesh.product": "none", "mesh.version": None},
        (
            app(container("discovery", "registry.acme.io/gate/pilot:3.1.0"), name="acme-gate-controller")
            | {"spec": {"containers": [container("acme-core"), container("discovery", "acme.io/gate/pilot:3.1.0")]}},
        ),
    ),
    "Istio's pilot of another product's version": (
        {"mesh.product": "istio", "mesh.version": None, "mesh.control_plane_versions": None},
        (daemon(container("discovery", "quay.io/acme/istio-pilot:v3.31.0"), name="istiod"),),
    ),
    "the management of a fleet of meshes": (
        {"mesh.product": None, "mesh.version": None},
        (daemon(container("gloo-mesh-mgmt-server", "gcr.io/gloo-mesh/gloo-mesh-mgmt-server:2.6.1")),),
    ),
    "images whose names hold the word": (
        {"mesh.product": "none"},
        (
            app(container("etl", "registry.example.com/datamesh/etl:4"), name="a"),
            app(container("remote", "ghcr.io/ylianst/meshcentral:1.1"), name="b"),
        ),
    ),
    "Consul as its library image": (
        {"mesh.product": "consul", "mesh.version": "1.10.3", "mesh.proxied_pods": 1},
        (
            daemon(container("consul", "docker.io/library/consul:1.10.3"), name="consul-server"),
            app(container("consul-dataplane", "hashicorp/consul-dataplane:1.5.2")),
        ),
    ),
    "gateways of Consul under their own names": (
        {"mesh.product": "consul", "mesh.gateway_pods": 1, "mesh.proxied_pods": 0, "mesh.version": None},
        (app() | {"spec": {"containers": [container("ingress-gateway", "hashicorp/consul-dataplane:1.5.2")]}},),
    ),
    "a gateway of an old Consul, which is an Envoy": (
        {"mesh.product": "consul", "mesh.gateway_pods": 1},
        (app() | {"spec": {"containers": [container("terminating-gateway", "envoyproxy/envoy-alpine:v1.16.0")]}},),
    ),
    "the upstream operator of Istio": (
        {"mesh.product": "istio", "mesh.edition": "self-run", "mesh.version": "1.25.2"},
        (
            resource("Istio", "sailoperator.io/v1", "default", spec={"version": "v1.25-latest"}),
            resource("IstioRevision", "sailoperator.io/v1", "default", spec={"version": "v1.25.2"}),
            daemon(container("discovery", "gcr.io/istio-release/pilot@sha256:0a"), name="istiod"),
        ),
    ),
    "an injector whose proxies cannot be told": (
        {"mesh.product": None, "mesh.proxied_pods": None},
        (webhook("acme-sidecar-injector"), app(container("acme", "registry.acme.io/a:1"))),
    ),
    "an image of something that is called a mesh": (
        {"mesh.product": None, "mesh.proxied_pods": None},
        (daemon(container("agent", "registry.acme.io/acme-mesh/agent:1")),),
    ),
    "an Envoy of another product under a name that Consul used": (
        {"mesh.product": "none", "mesh.proxied_pods": 0},
        (
            app(name="gloo")
            | {
                "spec": {
                    "containers": [
                        container("gloo", "quay.io/solo-io/gloo:1.17.0"),
                        container("envoy-sidecar", "quay.io/solo-io/gloo-envoy-wrapper:1.17.0"),
                    ]
                }
            },
        ),
    ),
    "that Envoy behind Consul's container": (
        {"mesh.product": "consul", "mesh.proxied_pods": 1},
        (
            app(
                container("envoy-sidecar", "envoyproxy/envoy-alpine:v1.20.2"),
                before=(container("consul-connect-inject-init", "hashicorp/consul-k8s-control-plane:0.49.0"),),
            ),
        ),
    ),
    "Consul with a proxy for each port": (
        {"mesh.product": "consul", "mesh.proxied_pods": 1, "mesh.version": None, "mesh.proxy_versions": {"1.5.2": 1}},
        (
            app(
                *CONSUL_TWICE,
                before=(container("consul-connect-inject-init-a", "hashicorp/consul-k8s-control-plane:1"),),
            ),
        ),
    ),
    "what installs a plugin's binaries on Talos": (
        {"mesh.product": "none"},
        (daemon(container("install-cni", "ghcr.io/siderolabs/install-cni:v1.9.0")),),
    ),
    "what makes nodes ready for Istio": (
        {"mesh.product": "istio", "mesh.control_plane_pods": 1, "mesh.mode": None},
        (
            daemon(container("install-cni", "registry.local:5000/istio/install-cni:1.26.2")),
            daemon(container("discovery", "docker.io/istio/pilot:1.26.2"), name="istiod"),
        ),
    ),
    "gRPC that speaks to a control plane by itself": (
        {"mesh.product": "proxyless-grpc", "mesh.proxied_pods": 0, "workload.application_pods": 2},
        (app(before=(container("td-init", "gcr.io/trafficdirector-prod/td-grpc-bootstrap:0.16.0"),)),),
    ),
    "Lattice's controller": (
        {"mesh.product": "vpc-lattice", "mesh.version": "1.1.0"},
        (daemon(container("manager", "public.ecr.aws/aws-application-networking-k8s/aws-gateway-controller:v1.1.0")),),
    ),
    "Kuma's proxy under a name of one's own": (
        {"mesh.product": "kuma", "mesh.proxied_pods": 1, "mesh.edition": "kong-mesh", "mesh.version": "2.10.1"},
        (app(container("dataplane", "docker.io/kong/kuma-dp:2.10.1")),),
    ),
    "Kuma's zone proxies": (
        {"mesh.product": "kuma", "mesh.proxied_pods": 0, "mesh.gateway_pods": 1},
        (app() | {"spec": {"containers": [container("egress", "docker.io/kumahq/kuma-dp:2.9.3")]}},),
    ),
    "an Envoy that its own Deployment names": (
        {"mesh.product": "none", "mesh.proxied_pods": 0},
        (app(ENVOY), deployment(ENVOY)),
    ),
    "an Envoy that the Deployment does not name": (
        {"mesh.product": None, "mesh.proxied_pods": None},
        (app(ENVOY), deployment()),
    ),
    "Kmesh of which no part is in the dump": (
        {"mesh.product": None},
        (resource("Namespace", "v1", "bank") | {"metadata": {"name": "bank", "labels": KMESH}}, app(name="a")),
    ),
    "a waypoint of Kmesh": (
        {"mesh.product": "other", "mesh.name": "kmesh"},
        (daemon(container("istio-proxy", "ghcr.io/kmesh-net/waypoint:v1.1.0"), name="waypoint"),),
    ),
    "pods that Kmesh redirects": (
        {"mesh.product": "other", "mesh.name": "kmesh"},
        (app(name="a", annotations={"kmesh.net/redirection": "enabled"}),),
    ),
    "a Windows node whose agents are services": (
        {"mesh.product": "none"},
        (
            node("win-1", "10.0.20348")
            | {
                "status": {
                    **node()["status"],
                    "nodeInfo": {**node()["status"]["nodeInfo"], "operatingSystem": "windows"},
                }
            },
        ),
    ),
    "Linkerd 1 on every node": (
        {"mesh.product": "other", "mesh.name": "linkerd-1", "mesh.version": "1.6.0", "workload.application_pods": 1},
        (daemon(container("l5d", "buoyantio/linkerd:1.6.0"), container("kubectl", "buoyantio/kubectl:v1.8.5")),),
    ),
    "Gloo Gateway without a mesh": (
        {"mesh.product": "none"},
        (
            resource("Upstream", "gloo.solo.io/v1", "a", "gloo-system", spec={"kube": {"serviceName": "a"}}),
            resource("AuthConfig", "enterprise.gloo.solo.io/v1", "oidc", "gloo-system"),
            resource("VirtualService", "gateway.solo.io/v1", "front", "gloo-system"),
        ),
    ),
    "Gloo Mesh without a part of it": (
        {"mesh.product": None},
        (resource("Workspace", "admin.gloo.solo.io/v2", "a", "gloo-mesh"),),
    ),
    "Network Service Mesh": (
        {"mesh.product": "other", "mesh.name": "network-service-mesh"},
        (daemon(container("nsmgr", "ghcr.io/networkservicemesh/cmd-nsmgr:v1.14.1")),),
    ),
    "Solo's images": (
        {"mesh.product": "istio", "mesh.edition": "solo", "mesh.mode": "ambient"},
        (
            daemon(container("istio-proxy", "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.26.1-solo")),
            app(annotations={"ambient.istio.io/redirection": "enabled"}),
        ),
    ),
    "helpers of applications": (
        {"mesh.product": "none", "mesh.proxied_pods": 0},
        (
            webhook("dapr-sidecar-injector"),
            webhook("vault-agent-injector-cfg"),
            app(container("cloud-sql-proxy", "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0"), name="a"),
            app(container("oauth2-proxy", "quay.io/oauth2-proxy/oauth2-proxy:v7.6.0"), name="b"),
            app(container("daprd", "ghcr.io/dapr/daprd:1.14.4", ports=[{"containerPort": 3500}]), name="c"),
            app(container("queue-proxy", "gcr.io/knative-releases/queue"), name="d"),
            app(
                container("vault-agent", "hashicorp/vault:1.17"),
                before=(container("vault-agent-init", "hashicorp/vault:1.17"),),
                name="e",
            ),
        ),
    ),
    "proxies beside parts of the mesh itself": (
        {"mesh.product": "istio", "mesh.proxied_pods": 1, "mesh.gateway_pods": 1, "workload.application_pods": 2},
        tuple(
            app(*containers, name=name)
            | {"metadata": {"name": name, "namespace": namespace}, "spec": {"containers": list(containers)}}
            for namespace, name, containers in (
                ("istio-system", "pilot", (container("discovery", "istio/pilot:1.3.8"), OLD_PROXY)),
                ("istio-system", "telemetry", (container("mixer", "istio/mixer:1.3.8"), OLD_PROXY)),
                ("istio-system", "edge", (OLD_PROXY,)),
                ("shop", "web-1", (container(), OLD_PROXY)),
            )
        ),
    ),
    "the namespace of Consul": (
        {"mesh.product": "consul", "workload.application_pods": 1},
        (pod("webhook-cert-manager", "hashicorp-consul"), daemon(container("sidecar-injector", "consul-k8s:1.4"))),
    ),
    "Cilium that joins clusters": (
        {"mesh.product": "none"},
        (daemon(container("apiserver", "quay.io/cilium/clustermesh-apiserver:v1.16.3")),),
    ),
}
"""Facts of clusters of Cilium and one application, and what else runs there."""


@pytest.mark.parametrize("case", MESHES)
def test_what_is_a_mesh(case: str, tmp_path: Path) -> None:
    """A mesh is known by its proxies' shape though nobody listed it, and helpers of applications make none."""
    expected, objects = MESHES[case]
    found = facts(tmp_path, node(), CILIUM, app(name="web-0"), *objects)

    assert {name: fact(found, name) for name in expected} == expected


def test_pods_that_a_kubelet_lists_are_no_whole_cluster(tmp_path: Path) -> None:
    """A kubelet lists the pods of its node, with where it has them from, and knows of no others."""
    listed = facts(tmp_path, app(annotations={"kubernetes.io/config.source": "api"}), CILIUM)

    assert listed["mesh"]["product"] is None
    assert "1 pods are listed by the kubelet" in listed["provenance"]["mesh.product"]["why"]
    assert facts(tmp_path, app(), CILIUM)["mesh"]["product"] == "none"


VIRTUAL = {
    "vcluster": node("other", labels={"vcluster.loft.sh/fake-node": "true"}),
    "interLink": node("other")
    | {"spec": {"taints": [{"key": "virtual-node.interlink/no-schedule", "effect": "NoSchedule"}]}},
    "OCI by its role": node("other", labels={"node-role.kubernetes.io/virtual-node": ""}),
    "OCI by its id": node("other") | {"spec": {"providerID": "ocid1.virtualnode.oc1.iad.aaaa"}},
    "KWOK": node("other", labels={"type": "kwok"}, annotations={"kwok.x-k8s.io/node": "fake"}),
    "Liqo": node("other", labels={"liqo.io/type": "virtual-node"}),
}
"""Nodes that are no machines."""


@pytest.mark.parametrize("kind", VIRTUAL)
def test_nodes_that_are_no_machines_are_counted_apart(kind: str, tmp_path: Path) -> None:
    """A node that another cluster, a simulator or a scheduler stands behind adds no cores to those of machines."""
    found = facts(tmp_path, node(), VIRTUAL[kind])

    assert (found["nodes"]["count"], found["nodes"]["workers"], found["nodes"]["virtual"]) == (2, 1, 1)
    assert found["nodes"]["cpu_cores"] == 4


def routed(kind: str, group: str, spec: dict[str, object]) -> Object:
    """A policy of a namespace."""
    return resource(kind, f"{group}/v1", "a", "shop", spec=spec)


CONSUL, SMI = "consul.hashicorp.com", "access.smi-spec.io"
LAYER_7: dict[str, tuple[Object, int]] = {
    "Consul's permissions": (
        routed("ServiceIntentions", CONSUL, {"sources": [{"permissions": [{"http": {"pathPrefix": "/x"}}]}]}),
        1,
    ),
    "Consul's plain intention": (
        routed("ServiceIntentions", CONSUL, {"sources": [{"name": "web", "action": "allow"}]}),
        0,
    ),
    "routes of SMI": (routed("TrafficTarget", SMI, {"rules": [{"kind": "HTTPRouteGroup", "name": "r"}]}), 1),
    "TCP of SMI": (routed("TrafficTarget", SMI, {"rules": [{"kind": "TCPRoute", "name": "r"}]}), 0),
    "Istio's external authorization": (
        routed("AuthorizationPolicy", "security.istio.io", {"action": "CUSTOM", "provider": {"name": "opa"}}),
        1,
    ),
    "Istio's policy on identities": (
        routed("AuthorizationPolicy", "security.istio.io", {"rules": [{"from": [{"source": {"principals": ["a"]}}]}]}),
        0,
    ),
}
"""A policy, and how many of it need handling at layer 7."""


@pytest.mark.parametrize("case", LAYER_7)
def test_policies_of_layer_7_are_those_that_look_into_requests(case: str, tmp_path: Path) -> None:
    """Policies of every mesh count where they look into requests, and count nothing where they do not."""
    policy, expected = LAYER_7[case]

    assert facts(tmp_path, policy)["policy"]["l7_policies"] == expected


def test_objects_of_two_api_groups_count_once(tmp_path: Path) -> None:
    """Calico's API server shows what its own objects are once more, under names with or without the tier."""
    shown = [
        resource(kind, group, name, namespace, spec={"selector": "all()"})
        for kind, namespace in (("GlobalNetworkPolicy", None), ("NetworkPolicy", "shop"))
        for group, name in (("projectcalico.org/v3", "default.deny"), ("crd.projectcalico.org/v1", "deny"))
    ]
    found = facts(tmp_path, *shown)

    assert found["policy"]["network_policies"] == 2
    assert [(row["need"], row["objects"]) for row in found["needs"]["used"]] == [("cluster_policy", 1)]
