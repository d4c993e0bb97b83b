"""Clusters as installers leave them: platforms, network plugins, policy engines and meshes, for the tests of facts.

Everything here is written from what charts and manifests install (names of DaemonSets, containers, images, config maps,
labels), not from the table of signatures, and says what a person who knows the products would read off the cluster.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from facts_dumps import Object, container, pod, resource

NODES = 3


@dataclass(frozen=True)
class Part:
    """What one product brings into a cluster, and what is true of the cluster then.

    Args:
        objects: Objects that are there once.
        daemons: Pods on every node: (namespace, DaemonSet, containers).
        deployments: Pods that are there once: (namespace, Deployment, containers, labels).
        labels: Labels of every node.
        annotations: Annotations of every node.
        condition: Reason of the nodes' condition NetworkUnavailable.
        pod_annotations: Annotations of the pods of applications.
        names: Products that have something in the cluster, in whatever role.
        facts: Facts by their dotted names.
    """

    objects: tuple[Object, ...] = ()
    daemons: tuple[tuple[str, str, list[Object]], ...] = ()
    deployments: tuple[tuple[str, str, list[Object], dict[str, str]], ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    condition: str | None = None
    pod_annotations: dict[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    facts: dict[str, object] = field(default_factory=dict)


def config_map(name: str, namespace: str = "kube-system", **data: str) -> Object:
    """A ConfigMap."""
    return resource("ConfigMap", "v1", name, namespace, data=data)


def one(name: str, image: str, **fields: object) -> list[Object]:
    """The containers of a pod of one container."""
    return [container(name, image, **fields)]


# --- platforms -------------------------------------------------------------------------------------------------------

KUBE_PROXY = one("kube-proxy", "registry.k8s.io/kube-proxy:v1.31.2")
IPTABLES = config_map("kube-proxy", **{"config.conf": 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nmode: ""\n'})
EKS_REGISTRY = "602401143452.dkr.ecr.eu-central-1.amazonaws.com/eks"


@dataclass(frozen=True)
class Platform:
    """Where a cluster runs: its nodes, and what runs there whatever the plugin is.

    Args:
        cloud: The fact.
        kubelet: Version of the kubelets.
        os_image: Operating system of the nodes.
        provider: Prefix of the nodes' provider id.
        part: Labels, annotations and pods of the platform.
        proxy: Whether kube-proxy runs in pods where nothing replaces it: its containers and its ConfigMap.
    """

    cloud: str | None
    kubelet: str
    os_image: str
    provider: str
    part: Part = Part()
    proxy: tuple[list[Object], Object | None] | None = (KUBE_PROXY, IPTABLES)


PLATFORMS: dict[str, Platform] = {
    "gke": Platform(
        "gke",
        "v1.31.5-gke.1233000",
        "Container-Optimized OS from Google",
        "gce",
        Part(
            labels={"cloud.google.com/gke-nodepool": "default-pool"},
            daemons=(
                ("kube-system", "pdcsi-node", one("gce-pd-driver", "gke.gcr.io/gcp-compute-persistent-disk:v1.15")),
            ),
        ),
        (one("kube-proxy", "gke.gcr.io/kube-proxy-amd64:v1.31.5-gke.1233000"), None),
    ),
    "aks": Platform(
        "aks",
        "v1.31.3",
        "Ubuntu 22.04.5 LTS",
        "azure",
        Part(
            labels={"kubernetes.azure.com/cluster": "MC_a", "kubernetes.azure.com/agentpool": "np1"},
            daemons=(
                (
                    "kube-system",
                    "cloud-node-manager",
                    one("cloud-node-manager", "mcr.microsoft.com/oss/v2/kubernetes/azure-cloud-node-manager:v1.31.1"),
                ),
            ),
        ),
    ),
    "eks": Platform(
        "eks",
        "v1.31.4-eks-aeac579",
        "Amazon Linux 2023",
        "aws",
        Part(labels={"eks.amazonaws.com/nodegroup": "ng-1"}),
        (
            one("kube-proxy", f"{EKS_REGISTRY}/kube-proxy:v1.31.3"),
            config_map("kube-proxy-config", config='mode: "iptables"\n'),
        ),
    ),
    "eks-auto": Platform(
        "eks",
        "v1.31.4-eks-0f56d01",
        "Bottlerocket (EKS Auto) 2025.1.22 (aws-k8s-1.31)",
        "aws",
        Part(labels={"eks.amazonaws.com/compute-type": "auto"}),
        None,
    ),
    "doks": Platform(
        "doks",
        "v1.31.1",
        "Debian GNU/Linux 12 (bookworm)",
        "digitalocean",
        Part(
            labels={"doks.digitalocean.com/node-pool": "pool-a"},
            daemons=(("kube-system", "do-node-agent", one("do-node-agent", "docker.io/digitalocean/do-agent:3")),),
        ),
    ),
    "openshift": Platform(
        "openshift",
        "v1.30.7",
        "Red Hat Enterprise Linux CoreOS 417.94",
        "aws",
        Part(
            labels={"node.openshift.io/os_id": "rhcos"},
            daemons=(("openshift-dns", "dns-default", one("dns", "quay.io/openshift-release-dev/ocp@sha256:0a")),),
        ),
        None,
    ),
    "kubeadm": Platform(
        "self-managed",
        "v1.31.2",
        "Ubuntu 24.04.1 LTS",
        "",
        Part(annotations={"kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd/containerd.sock"}),
    ),
    "kind": Platform("self-managed", "v1.32.0", "Debian GNU/Linux 12 (bookworm)", "kind"),
    "k3s": Platform(
        "self-managed",
        "v1.31.4+k3s1",
        "Ubuntu 24.04.1 LTS",
        "k3s",
        Part(
            annotations={"k3s.io/node-args": '["server"]'},
            daemons=(("kube-system", "svclb-traefik", one("lb-tcp-80", "rancher/klipper-lb:v0.4.9")),),
        ),
        None,
    ),
    "rke2": Platform(
        "self-managed",
        "v1.31.4+rke2r1",
        "SUSE Linux Enterprise Server 15 SP6",
        "rke2",
        proxy=(one("kube-proxy", "index.docker.io/rancher/hardened-kubernetes:v1.31.4-rke2r1"), None),
    ),
    "talos": Platform("self-managed", "v1.32.0", "Talos (v1.9.2)", "", proxy=(KUBE_PROXY, None)),
    "kops": Platform(
        "self-managed", "v1.30.6", "Ubuntu 22.04.5 LTS", "aws", Part(labels={"kops.k8s.io/instancegroup": "nodes"})
    ),
    "microk8s": Platform(
        "self-managed", "v1.31.3", "Ubuntu 24.04.1 LTS", "", Part(labels={"microk8s.io/cluster": "true"}), None
    ),
    "k0s": Platform("self-managed", "v1.31.3+k0s", "Debian GNU/Linux 12 (bookworm)", ""),
    "tanzu": Platform("self-managed", "v1.28.8+vmware.1-fips.1", "VMware Photon OS/Linux", "vsphere"),
    "ack": Platform("ack", "v1.31.1-aliyun.1", "Alibaba Cloud Linux 3", ""),
    "oke": Platform(
        "oke", "v1.30.1", "Oracle Linux Server 8.10", "", Part(labels={"oke.oraclecloud.com/pool.mode": "node-pool"})
    ),
}


# --- network plugins and policy engines ------------------------------------------------------------------------------


def plugin(product: str, *names: str, engine: str | None = None, **fields: object) -> Part:
    """A plugin; further fields are those of the part, ``cni_`` ones facts."""
    facts = {"cni.product": product, "policy.engine": engine}
    facts |= {
        f"cni.{key.removeprefix('cni_')}": fields.pop(key) for key in [key for key in fields if key.startswith("cni_")]
    }
    if proxy := fields.pop("proxy", None):
        facts["service.proxy"] = proxy
    known = fields.pop("names", frozenset()) | {product, *names, *([engine] if engine else [])}
    return Part(names=known, facts=facts, **fields)


def other(name: str, engine: str | None = None, **fields: object) -> Part:
    """A plugin outside of the lists."""
    return plugin("other", name, engine=engine, cni_name=name, **fields)


CALICO_NODE = one("calico-node", "docker.io/calico/node:v3.29.1")
CALICO_POLICY = ("calico-system", "calico-node", CALICO_NODE)
CALICO_PODS = {"cni.projectcalico.org/containerID": "ab", "cni.projectcalico.org/podIP": "10.1.1.1/32"}
CALICO_NODES = {"projectcalico.org/IPv4Address": "10.0.0.1/24"}
INSTALLATION, CALICO_API = "operator.tigera.io/v1", "crd.projectcalico.org/v1"
CILIUM_AGENT = ("kube-system", "cilium", one("cilium-agent", "quay.io/cilium/cilium:v1.16.5@sha256:75"))
CILIUM_NODES = {"network.cilium.io/ipv4-cilium-host": "10.0.0.7"}
AWS_NODE = (
    "kube-system",
    "aws-node",
    [
        container("aws-node", "602401143452.dkr.ecr.eu-central-1.amazonaws.com/amazon-k8s-cni:v1.19.0-eksbuild.1"),
        container(
            "aws-eks-nodeagent",
            "602401143452.dkr.ecr.eu-central-1.amazonaws.com/amazon/aws-network-policy-agent:v1.1.5",
        ),
    ],
)
AWS_OFF = config_map("amazon-vpc-cni", **{"enable-network-policy-controller": "false"})
AZURE_CNS = (
    "kube-system",
    "azure-cns",
    one("cns-container", "mcr.microsoft.com/containernetworking/azure-cns:v1.6.13"),
)
NETD = ("kube-system", "netd", one("netd", "gke.gcr.io/netd:v0.6.19-gke-v0.2.5-gke.0"))
CANAL = [
    container("calico-node", "rancher/hardened-calico:v3.29.1"),
    container("kube-flannel", "rancher/hardened-flannel:v0.26.1"),
]
MULTUS = ("kube-system", "kube-multus-ds", one("kube-multus", "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.1.4"))


def networks(name: str) -> dict[str, str]:
    """The annotation by which Multus records a pod's networks."""
    status = '[{"name":"%s","interface":"eth0","ips":["10.1.1.5"],"default":true,"dns":{}}]' % name  # noqa: UP031
    return {"k8s.v1.cni.cncf.io/network-status": status}


def cilium(**data: str) -> Object:
    """Cilium's ConfigMap."""
    return config_map("cilium-config", **{key.replace("_", "-"): value for key, value in data.items()})


def installation(kind: str = "Calico", **network: object) -> Object:
    """The Installation of Calico's operator."""
    return resource(
        "Installation", INSTALLATION, spec={"variant": "Calico", "cni": {"type": kind}, "calicoNetwork": network}
    )


PLUGINS: dict[str, Part] = {
    "calico": plugin(
        "calico",
        engine="calico",
        daemons=(CALICO_POLICY,),
        annotations=CALICO_NODES,
        condition="CalicoIsUp",
        pod_annotations=CALICO_PODS,
        cni_version="3.29.1",
        cni_encapsulation="vxlan",
        cni_dataplane="iptables",
        objects=(installation(linuxDataplane="Iptables", ipPools=[{"cidr": "10.1.0.0/16", "encapsulation": "VXLAN"}]),),
    ),
    "calico-manifest": plugin(
        "calico",
        engine="calico",
        daemons=(("kube-system", "calico-node", CALICO_NODE),),
        annotations=CALICO_NODES,
        condition="CalicoIsUp",
        pod_annotations=CALICO_PODS,
        cni_encapsulation="ipip",
        objects=(
            resource(
                "IPPool",
                CALICO_API,
                "default-ipv4-ippool",
                spec={"cidr": "10.1.0.0/16", "ipipMode": "Always", "vxlanMode": "Never"},
            ),
            resource(
                "IPPool", CALICO_API, "old", spec={"cidr": "10.9.0.0/16", "vxlanMode": "Always", "disabled": True}
            ),
            resource(
                "IPPool", CALICO_API, "six", spec={"cidr": "fd00::/48", "ipipMode": "Never", "vxlanMode": "Never"}
            ),
        ),
    ),
    "calico-ebpf": plugin(
        "calico",
        engine="calico",
        daemons=(CALICO_POLICY,),
        annotations=CALICO_NODES,
        cni_dataplane="ebpf",
        proxy="calico",
        objects=(installation(linuxDataplane="BPF"),),
    ),
    "calico-enterprise": plugin(
        "calico-enterprise",
        engine="calico-enterprise",
        cni_version="3.20.1",
        daemons=(("calico-system", "calico-node", one("calico-node", "quay.io/tigera/cnx-node:v3.20.1")),),
    ),
    "canal": plugin(
        "canal",
        "calico",
        "flannel",
        engine="calico",
        daemons=(("kube-system", "rke2-canal", CANAL),),
        cni_version="3.29.1",
        annotations={"flannel.alpha.coreos.com/backend-type": "vxlan", **CALICO_NODES},
        cni_encapsulation="vxlan",
    ),
    "cilium": plugin(
        "cilium",
        engine="cilium",
        daemons=(CILIUM_AGENT,),
        annotations=CILIUM_NODES,
        condition="CiliumIsUp",
        objects=(
            cilium(
                kube_proxy_replacement="false", routing_mode="tunnel", tunnel_protocol="vxlan", mesh_auth_enabled="true"
            ),
        ),
        cni_version="1.16.5",
        cni_dataplane="ebpf",
        cni_encapsulation="vxlan",
        cni_edition="self-run",
    ),
    "cilium-replacing": plugin(
        "cilium",
        engine="cilium",
        daemons=(CILIUM_AGENT,),
        condition="CiliumIsUp",
        cni_encapsulation="none",
        proxy="cilium",
        objects=(cilium(kube_proxy_replacement="true", routing_mode="native"),),
    ),
    "dataplane-v2": plugin(
        "cilium",
        "gke-legacy",  # netd is part of both, so that a part of a dump may show no more than that
        engine="cilium",
        cni_edition="dataplane-v2",
        proxy="cilium",
        daemons=(NETD, ("kube-system", "anetd", one("cilium-agent", "gke.gcr.io/cilium/cilium:v1.16.3-gke.1"))),
    ),
    "gke-legacy": plugin("gke-legacy", daemons=(NETD,), engine="none", condition="RouteCreated"),
    "gke-calico": plugin(
        "gke-legacy",
        "calico",
        engine="calico",
        cni_edition="calico-policy",
        daemons=(NETD, ("kube-system", "calico-node", one("calico-node", "gke.gcr.io/calico/node:v3.27.4-gke.8"))),
    ),
    "azure-cni": plugin("azure-cni", engine="none", daemons=(AZURE_CNS,), cni_edition="no-policy-engine"),
    "azure-calico": plugin(
        "azure-cni",
        "calico",
        engine="calico",
        daemons=(
            AZURE_CNS,
            ("calico-system", "calico-node", one("calico-node", "mcr.microsoft.com/oss/calico/node:v3.29.1")),
        ),
        cni_edition="calico-policy-engine",
        objects=(installation("AzureVNET"),),
    ),
    "azure-npm": plugin(
        "azure-cni",
        engine="azure-npm",
        cni_edition="azure-npm",
        daemons=(
            AZURE_CNS,
            ("kube-system", "azure-npm", one("azure-npm", "mcr.microsoft.com/containernetworking/azure-npm:v1.5.43")),
        ),
    ),
    "azure-cilium": plugin(
        "cilium",
        "azure-cni",
        engine="cilium",
        cni_edition="azure-cni-powered-by-cilium",
        cni_dataplane="ebpf",
        proxy="cilium",
        labels={"kubernetes.azure.com/ebpf-dataplane": "cilium"},
        daemons=(
            AZURE_CNS,
            (
                "kube-system",
                "cilium",
                one("cilium-agent", "mcr.microsoft.com/containernetworking/cilium/cilium:v1.16.6-250110"),
            ),
        ),
    ),
    "aks-kubenet": other("kubenet", condition="RouteCreated", engine="none"),
    "aws-vpc": plugin(
        "aws-vpc", engine="none", daemons=(AWS_NODE,), objects=(AWS_OFF,), cni_version="1.19.0-eksbuild.1"
    ),
    "aws-agent": plugin(
        "aws-vpc",
        engine="network-policy-agent",
        daemons=(AWS_NODE,),
        cni_edition="network-policy-agent",
        objects=(config_map("amazon-vpc-cni", **{"enable-network-policy-controller": "true"}),),
    ),
    "aws-calico": plugin(
        "aws-vpc",
        "calico",
        engine="calico",
        daemons=(AWS_NODE, CALICO_POLICY),
        cni_edition="calico-policy-engine",
        objects=(installation("AmazonVPC"), AWS_OFF),
    ),
    "aws-cilium": plugin(
        "aws-vpc",
        "cilium",
        engine="cilium",
        daemons=(AWS_NODE, CILIUM_AGENT),
        cni_edition="cilium-chained",
        objects=(cilium(cni_chaining_mode="aws-cni"), AWS_OFF),
        condition="CiliumIsUp",
    ),
    "aws-auto": plugin("aws-vpc", cni_edition="eks-auto-mode"),
    "flannel": plugin(
        "flannel",
        engine="none",
        daemons=(("kube-flannel", "kube-flannel-ds", one("kube-flannel", "docker.io/flannel/flannel:v0.26.1")),),
        annotations={"flannel.alpha.coreos.com/backend-type": "vxlan"},
        condition="FlannelIsUp",
        cni_version="0.26.1",
        objects=(
            config_map("kube-flannel-cfg", "kube-flannel", **{"net-conf.json": '{"Backend": {"Type": "vxlan"}}'}),
        ),
        cni_encapsulation="vxlan",
    ),
    "flannel-kube-router": plugin(
        "flannel",
        "kube-router",
        engine="kube-router",
        annotations={"flannel.alpha.coreos.com/backend-type": "vxlan"},
        daemons=(
            ("kube-flannel", "kube-flannel-ds", one("kube-flannel", "docker.io/flannel/flannel:v0.26.1")),
            ("kube-system", "kube-router", one("kube-router", "docker.io/cloudnativelabs/kube-router:v2.2.1")),
        ),
    ),
    "k3s-flannel": plugin(
        "flannel",
        "kube-router",
        engine="kube-router",
        annotations={"flannel.alpha.coreos.com/backend-type": "vxlan"},
        cni_encapsulation="vxlan",
        proxy="iptables",
    ),
    "k3s-open": plugin(
        "flannel",
        engine="none",
        annotations={
            "flannel.alpha.coreos.com/backend-type": "host-gw",
            "k3s.io/node-args": '["server","--disable-network-policy","--kube-proxy-arg","proxy-mode=ipvs"]',
        },
        cni_encapsulation="none",
        proxy="ipvs",
    ),
    "kube-router": plugin(
        "kube-router",
        engine="kube-router",
        cni_version="2.2.1-iptables1.8.9",
        daemons=(
            ("kube-system", "kube-router", one("kube-router", "quay.io/k0sproject/kube-router:v2.2.1-iptables1.8.9")),
        ),
    ),
    "antrea": plugin(
        "antrea",
        engine="antrea",
        cni_version="2.2.0",
        cni_encapsulation="geneve",
        daemons=(
            (
                "kube-system",
                "antrea-agent",
                [
                    container("antrea-agent", "antrea/antrea-agent-ubuntu:v2.2.0"),
                    container("antrea-ovs", "antrea/antrea-agent-ubuntu:v2.2.0"),
                ],
            ),
        ),
        objects=(
            config_map("antrea-config", **{"antrea-agent.conf": "#tunnelType: geneve\n#trafficEncapMode: encap\n"}),
        ),
    ),
    "aws-antrea": plugin(
        "aws-vpc",
        "antrea",
        engine="antrea",
        objects=(AWS_OFF,),
        daemons=(AWS_NODE, ("kube-system", "antrea-agent", one("antrea-agent", "antrea/antrea-agent-ubuntu:v2.2.0"))),
    ),
    "ovn-openshift": plugin(
        "ovn-kubernetes",
        "multus",
        engine="ovn-kubernetes",
        cni_edition="openshift",
        cni_encapsulation="geneve",
        proxy="ovn-kubernetes",
        daemons=(
            (
                "openshift-ovn-kubernetes",
                "ovnkube-node",
                [
                    container("ovn-controller", "quay.io/openshift-release-dev/ocp@sha256:0b"),
                    container("ovnkube-controller", "quay.io/openshift-release-dev/ocp@sha256:0b"),
                ],
            ),
            MULTUS,
        ),
        annotations={"k8s.ovn.org/node-chassis-id": "7"},
        objects=(
            resource(
                "Network",
                "config.openshift.io/v1",
                "cluster",
                status={"networkType": "OVNKubernetes", "clusterNetworkMTU": 8901},
            ),
        ),
        cni_mtu=8901,
    ),
    "ovn-upstream": plugin(
        "ovn-kubernetes",
        engine="ovn-kubernetes",
        cni_edition="self-run",
        cni_encapsulation="geneve",
        cni_mtu=1400,
        daemons=(
            (
                "ovn-kubernetes",
                "ovnkube-node",
                one("ovnkube-controller", "ghcr.io/ovn-kubernetes/ovn-kubernetes/ovn-kube-ubuntu:master"),
            ),
        ),
        objects=(config_map("ovn-config", "ovn-kubernetes", mtu="1400", net_cidr="10.128.0.0/14"),),
        proxy="ovn-kubernetes",
    ),
    "openshift-sdn": plugin(
        "openshift-sdn",
        "multus",
        engine="openshift-sdn",
        cni_encapsulation="vxlan",
        cni_edition="openshift",
        daemons=(("openshift-sdn", "sdn", one("sdn", "quay.io/openshift-release-dev/ocp@sha256:0c")), MULTUS),
        objects=(resource("Network", "config.openshift.io/v1", "cluster", status={"networkType": "OpenShiftSDN"}),),
    ),
    "weave": plugin(
        "weave",
        engine="weave",
        condition="WeaveIsUp",
        cni_version="2.8.1",
        daemons=(
            (
                "kube-system",
                "weave-net",
                [
                    container("weave", "docker.io/weaveworks/weave-kube:2.8.1"),
                    container("weave-npc", "docker.io/weaveworks/weave-npc:2.8.1"),
                ],
            ),
        ),
    ),
    "kindnet": plugin(
        "kindnet",
        engine="kindnet",
        daemons=(("kube-system", "kindnet", one("kindnet-cni", "docker.io/kindest/kindnetd:v20241212-9f82dd49")),),
    ),
    "kindnet-old": plugin(
        "kindnet",
        engine="none",
        daemons=(("kube-system", "kindnet", one("kindnet-cni", "docker.io/kindest/kindnetd:v20230511-dc714da8")),),
    ),
    "terway": other(
        "terway",
        daemons=(
            (
                "kube-system",
                "terway-eniip",
                [
                    container("terway", "registry-vpc.cn-hangzhou.aliyuncs.com/acs/terway:v1.12.1"),
                    container("policy", "registry-vpc.cn-hangzhou.aliyuncs.com/acs/terway:v1.12.1"),
                ],
            ),
        ),
    ),
    "terway-cilium": other(
        "terway",
        "cilium",
        daemons=(
            ("kube-system", "terway-eniip", one("terway", "registry-vpc.cn-hangzhou.aliyuncs.com/acs/terway:v1.12.1")),
            CILIUM_AGENT,
        ),
    ),
    "kube-ovn": plugin(
        "kube-ovn",
        engine="kube-ovn",
        annotations={"ovn.kubernetes.io/allocated": "true"},
        pod_annotations={"ovn.kubernetes.io/allocated": "true"},
        daemons=(
            ("kube-system", "kube-ovn-cni", one("cni-server", "docker.io/kubeovn/kube-ovn:v1.13.2")),
            ("kube-system", "ovs-ovn", one("openvswitch", "docker.io/kubeovn/kube-ovn:v1.13.2")),
        ),
    ),
    "kube-ovn-second": plugin(
        "cilium",
        "kube-ovn",
        daemons=(
            CILIUM_AGENT,
            MULTUS,
            ("kube-system", "kube-ovn-cni", one("cni-server", "docker.io/kubeovn/kube-ovn:v1.14.0")),
        ),
        pod_annotations=networks("cilium"),
        objects=(cilium(kube_proxy_replacement="false", cni_exclusive="false"),),
    ),
    "kube-ovn-cilium": plugin(
        "kube-ovn",
        engine="cilium",
        names=frozenset({"kube-ovn", "cilium"}),
        pod_annotations={"ovn.kubernetes.io/allocated": "true"},
        objects=(cilium(cni_chaining_mode="generic-veth"),),
        daemons=(
            ("kube-system", "kube-ovn-cni", one("cni-server", "docker.io/kubeovn/kube-ovn:v1.13.2")),
            CILIUM_AGENT,
        ),
    ),
    "oci-native": other(
        "oci-vcn-native",
        "none",
        daemons=(
            (
                "kube-system",
                "vcn-native-ip-cni",
                one("vcn-native-ip-cni", "fra.ocir.io/axoxdievda5j/oke-public-vcn-native-ip-cni-plugin:3.0.0"),
            ),
        ),
    ),
    "calico-multus": plugin(
        "calico",
        "multus",
        engine="calico",
        daemons=(CALICO_POLICY, MULTUS),
        annotations=CALICO_NODES,
        pod_annotations={**CALICO_PODS, **networks("k8s-pod-network")},
    ),
    "spiderpool-calico": plugin(
        "calico",
        "spiderpool",
        "multus",
        engine="calico",
        annotations=CALICO_NODES,
        daemons=(
            CALICO_POLICY,
            MULTUS,
            (
                "spiderpool",
                "spiderpool-agent",
                one("spiderpool-agent", "ghcr.io/spidernet-io/spiderpool/spiderpool-agent:v1.0.1"),
            ),
        ),
    ),
    "romana": other(
        "romana",
        "romana",
        daemons=(("kube-system", "romana-agent", one("romana-agent", "quay.io/romana/agent:v2.0.2")),),
    ),
}
"""Plugins with what enforces policies beside them."""

CHOICES: dict[str, tuple[str, ...]] = {
    "gke": ("dataplane-v2", "gke-legacy", "gke-calico"),
    "aks": ("azure-cni", "azure-calico", "azure-npm", "azure-cilium", "aks-kubenet"),
    "eks": ("aws-vpc", "aws-agent", "aws-calico", "aws-cilium", "aws-antrea", "cilium-replacing", "calico"),
    "eks-auto": ("aws-auto",),
    "doks": ("cilium",),
    "openshift": ("ovn-openshift", "openshift-sdn"),
    "kubeadm": (
        *("calico", "calico-manifest", "calico-ebpf", "calico-enterprise", "cilium", "cilium-replacing", "flannel"),
        *("flannel-kube-router", "kube-router", "antrea", "ovn-upstream", "weave", "kube-ovn", "kube-ovn-second"),
        *("kube-ovn-cilium", "calico-multus", "spiderpool-calico", "romana"),
    ),
    "kind": ("kindnet", "kindnet-old"),
    "k3s": ("k3s-flannel", "k3s-open"),
    "rke2": ("canal", "cilium", "calico"),
    "talos": ("flannel", "cilium-replacing"),
    "kops": ("cilium", "calico-manifest", "aws-vpc"),
    "microk8s": ("calico-manifest",),
    "k0s": ("kube-router", "calico-manifest"),
    "tanzu": ("antrea", "calico"),
    "ack": ("terway", "terway-cilium", "flannel"),
    "oke": ("oci-native", "flannel"),
}
"""Plugins that people run on each platform."""

# --- meshes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mesh:
    """A mesh: what it installs, and what it does to the pods of the namespace shop.

    Args:
        part: Control plane, node proxies, objects.
        namespace: Labels of the namespace.
        namespace_annotations: Annotations of the namespace.
        init: Init containers that it adds to a pod.
        beside: Containers that it adds to a pod.
        labels: Labels that it adds to a pod.
        annotations: Annotations that it adds to a pod.
        last: Whether the last pod keeps out of it.
    """

    part: Part = Part()
    namespace: dict[str, str] = field(default_factory=dict)
    namespace_annotations: dict[str, str] = field(default_factory=dict)
    init: tuple[Object, ...] = ()
    beside: tuple[Object, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    last: tuple[Object, ...] | None = None


def facts_of(
    product: str, mode: str | None, version: str | None = None, edition: str | None = None, **more: object
) -> dict:
    """Facts of a mesh."""
    return {
        "mesh.product": product,
        "mesh.mode": mode,
        "mesh.version": version,
        "mesh.edition": edition,
        **{f"mesh.{key}": value for key, value in more.items()},
    }


def webhook(name: str) -> Object:
    """A mutating webhook."""
    return resource("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", name)


def deployed(namespace: str, name: str, containers: list[Object], **labels: str) -> tuple:
    """A Deployment of one pod."""
    return namespace, name, containers, labels


def istio(
    hub: str = "docker.io/istio", tag: str = "1.24.2", namespace: str = "istio-system", pilot: str = "pilot"
) -> Part:
    """Istio's control plane with an ingress gateway."""
    return Part(
        deployments=(
            deployed(namespace, "istiod", one("discovery", f"{hub}/{pilot}:{tag}"), app="istiod"),
            deployed(
                namespace, "istio-ingressgateway", one("istio-proxy", f"{hub}/proxyv2:{tag}"), istio="ingressgateway"
            ),
        ),
        objects=(webhook("istio-sidecar-injector"),),
        names=frozenset({"istio"}),
    )


def with_facts(part: Part, facts: dict, *names: str, **fields: object) -> Part:
    """The part with facts, names and further fields."""
    return replace(part, facts=facts, names=part.names | {*names}, **fields)


ISTIO_INIT, ISTIO_PROXY = (container(name, "docker.io/istio/proxyv2:1.24.2") for name in ("istio-init", "istio-proxy"))
ZTUNNEL = ("istio-system", "ztunnel", one("istio-proxy", "docker.io/istio/ztunnel:1.24.2-distroless"))
ISTIO_CNI = ("istio-system", "istio-cni-node", one("install-cni", "docker.io/istio/install-cni:1.24.2"))
ENVOY = "envoyproxy/envoy-distroless:v1.26.2"


def linkerd(tag: str, hub: str = "cr.l5d.io/linkerd") -> tuple[Part, Object]:
    """Linkerd's control plane, and its proxy."""
    proxy = container("linkerd-proxy", f"{hub}/proxy:{tag}")
    control = [container("destination", f"{hub}/controller:{tag}"), proxy]
    label = {"linkerd.io/control-plane-component": "destination"}
    part = Part(
        deployments=(("linkerd", "linkerd-destination", control, label),),
        objects=(webhook("linkerd-proxy-injector-webhook-config"),),
        names=frozenset({"linkerd"}),
    )
    return part, proxy


def _meshes() -> Iterator[tuple[str, Mesh]]:
    enabled = {"istio-injection": "enabled"}
    yield "none", Mesh(Part(facts=facts_of("none", None)))
    yield (
        "istio-sidecar",
        Mesh(
            with_facts(istio(), facts_of("istio", "sidecar", "1.24.2", "self-run", proxied_pods=4, gateway_pods=1)),
            enabled,
            init=(ISTIO_INIT,),
            beside=(ISTIO_PROXY,),
        ),
    )
    yield (
        "istio-native",
        Mesh(
            with_facts(istio(), facts_of("istio", "sidecar", "1.24.2", "self-run", proxied_pods=4)),
            enabled,
            init=(ISTIO_INIT, {**ISTIO_PROXY, "restartPolicy": "Always"}),
        ),
    )
    yield (
        "istio-cni",
        Mesh(
            with_facts(
                istio(), facts_of("istio", "sidecar", "1.24.2", "self-run", proxied_pods=4), daemons=(ISTIO_CNI,)
            ),
            enabled,
            init=(container("istio-validation", "docker.io/istio/proxyv2:1.24.2"),),
            beside=(ISTIO_PROXY,),
        ),
    )
    ambient = {"istio.io/dataplane-mode": "ambient"}
    yield (
        "istio-ambient",
        Mesh(
            with_facts(
                istio(),
                facts_of("istio", "ambient", "1.24.2", "self-run", proxied_pods=4),
                daemons=(ISTIO_CNI, ZTUNNEL),
            ),
            ambient,
            annotations={"ambient.istio.io/redirection": "enabled"},
        ),
    )
    yield (
        "istio-mixed",
        Mesh(
            with_facts(
                istio(),
                facts_of("istio", "mixed", "1.24.2", "self-run", proxied_pods=4, sidecar_pods=1),
                daemons=(ISTIO_CNI, ZTUNNEL),
            ),
            ambient,
            annotations={"ambient.istio.io/redirection": "enabled"},
            last=(ISTIO_PROXY,),
        ),
    )
    hub = "mcr.microsoft.com/oss/istio"
    yield (
        "aks-add-on",
        Mesh(
            with_facts(
                istio(hub, "1.23.4-distroless", "aks-istio-system"),
                facts_of("istio", "sidecar", "1.23.4", "aks-add-on", proxied_pods=4),
            ),
            {"istio.io/rev": "asm-1-23"},
            beside=(container("istio-proxy", f"{hub}/proxyv2:1.23.4-distroless"),),
        ),
    )
    yield (
        "cloud-service-mesh",
        Mesh(
            Part(
                names=frozenset({"istio"}),
                facts=facts_of("istio", "sidecar", "1.20.8-asm.14", "cloud-service-mesh", proxied_pods=4),
                objects=(
                    resource("ControlPlaneRevision", "mesh.cloud.google.com/v1beta1", "asm-managed", "istio-system"),
                ),
            ),
            {"istio.io/rev": "asm-managed"},
            beside=(container("istio-proxy", "gcr.io/gke-release/asm/proxyv2:1.20.8-asm.14"),),
        ),
    )
    redhat = "registry.redhat.io/openshift-service-mesh"
    control = resource(
        "ServiceMeshControlPlane",
        "maistra.io/v2",
        "basic",
        "istio-system",
        spec={"version": "v2.6"},
        status={"chartVersion": "2.6.4"},
    )
    yield (
        "openshift-service-mesh-2",
        Mesh(
            Part(
                names=frozenset({"istio"}),
                facts=facts_of("istio", "sidecar", "2.6.4", "openshift-service-mesh-2", proxied_pods=4),
                objects=(control,),
                deployments=(
                    deployed(
                        "istio-system",
                        "istiod-basic",
                        one("discovery", f"{redhat}/pilot-rhel8@sha256:0d"),
                        app="istiod",
                    ),
                ),
            ),
            {"maistra.io/member-of": "istio-system"},
            beside=(container("istio-proxy", f"{redhat}/proxyv2-rhel8@sha256:0e"),),
        ),
    )
    sail = resource("Istio", "sailoperator.io/v1", "default", spec={"version": "v1.24.3"})
    yield (
        "openshift-service-mesh-3",
        Mesh(
            Part(
                names=frozenset({"istio"}),
                facts=facts_of("istio", "sidecar", "1.24.3", "openshift-service-mesh", proxied_pods=4),
                objects=(sail,),
                deployments=(
                    deployed(
                        "istio-system",
                        "istiod",
                        one("discovery", f"{redhat}/istio-pilot-rhel9@sha256:0d"),
                        app="istiod",
                    ),
                ),
            ),
            enabled,
            beside=(container("istio-proxy", f"{redhat}/istio-proxyv2-rhel9@sha256:0e"),),
        ),
    )
    yield (
        "gloo-mesh",
        Mesh(
            with_facts(
                istio("us-docker.pkg.dev/gloo-mesh/istio-abc", "1.24.1-solo"),
                facts_of("istio", "sidecar", "1.24.1-solo", "solo", proxied_pods=4),
            ),
            enabled,
            beside=(container("istio-proxy", "us-docker.pkg.dev/gloo-mesh/istio-abc/proxyv2:1.24.1-solo"),),
        ),
    )
    for name, tag, registry, version, edition in (
        ("linkerd-edge", "edge-25.1.1", "cr.l5d.io/linkerd", "25.1.1", "edge-open-source"),
        ("linkerd-stable", "stable-2.14.10", "cr.l5d.io/linkerd", "2.14.10", "stable-open-source"),
        ("linkerd-enterprise", "enterprise-2.17.1", "ghcr.io/buoyantio", "2.17.1", "buoyant-enterprise"),
    ):
        part, proxy = linkerd(tag, registry)
        yield (
            name,
            Mesh(
                with_facts(
                    part, facts_of("linkerd", "sidecar", version, edition, proxied_pods=4, control_plane_pods=1)
                ),
                namespace_annotations={"linkerd.io/inject": "enabled"},
                init=(container("linkerd-init", f"{registry}/proxy-init:v2.4.1"),),
                beside=(proxy,),
            ),
        )
    injector = deployed(
        "consul", "consul-connect-injector", one("sidecar-injector", "hashicorp/consul-k8s-control-plane:1.6.2")
    )
    server = deployed("consul", "consul-server", one("consul", "hashicorp/consul:1.20.2"))
    annotation = {"consul.hashicorp.com/connect-inject": "true"}
    yield (
        "consul",
        Mesh(
            Part(
                names=frozenset({"consul"}),
                deployments=(injector, server),
                facts=facts_of("consul", "sidecar", "1.20.2", "self-run", proxied_pods=4),
            ),
            init=(container("consul-connect-inject-init", "hashicorp/consul-k8s-control-plane:1.6.2"),),
            annotations=annotation,
            beside=(container("consul-dataplane", "hashicorp/consul-dataplane:1.6.1"),),
        ),
    )
    yield (
        "consul-envoy",
        Mesh(
            Part(
                names=frozenset({"consul"}),
                deployments=(injector,),
                facts=facts_of("consul", "sidecar", None, None, proxied_pods=4),
            ),
            init=(container("consul-connect-inject-init", "hashicorp/consul-k8s:0.25.0"),),
            annotations=annotation,
            beside=(container("consul-connect-envoy-sidecar", "envoyproxy/envoy-alpine:v1.16.0"),),
        ),
    )
    kuma = Part(
        names=frozenset({"kuma"}),
        deployments=(
            deployed("kuma-system", "kuma-control-plane", one("control-plane", "docker.io/kumahq/kuma-cp:2.9.3")),
        ),
    )
    yield (
        "kuma",
        Mesh(
            with_facts(
                kuma,
                facts_of("kuma", "sidecar", "2.9.3", "self-run", proxied_pods=4, gateway_pods=1),
                deployments=(
                    *kuma.deployments,
                    deployed("shop", "edge", one("kuma-gateway", "docker.io/kumahq/kuma-dp:2.9.3")),
                ),
            ),
            {"kuma.io/sidecar-injection": "enabled"},
            init=(container("kuma-init", "docker.io/kumahq/kuma-init:2.9.3"),),
            beside=(container("kuma-sidecar", "docker.io/kumahq/kuma-dp:2.9.3"),),
        ),
    )
    yield (
        "kong-mesh",
        Mesh(
            Part(
                names=frozenset({"kuma"}),
                deployments=(
                    deployed(
                        "kong-mesh-system",
                        "kong-mesh-control-plane",
                        one("control-plane", "docker.io/kong/kuma-cp:2.9.3"),
                    ),
                ),
                facts=facts_of("kuma", "sidecar", "2.9.3", "kong-mesh", proxied_pods=4),
            ),
            {"kuma.io/sidecar-injection": "enabled"},
            beside=(container("kuma-sidecar", "docker.io/kong/kuma-dp:2.9.3"),),
        ),
    )
    yield (
        "osm",
        Mesh(
            Part(
                names=frozenset({"osm"}),
                deployments=(
                    deployed(
                        "osm-system", "osm-controller", one("osm-controller", "openservicemesh/osm-controller:v1.2.4")
                    ),
                ),
                facts=facts_of("osm", "sidecar", "1.2.4", "self-run", proxied_pods=4),
            ),
            {"openservicemesh.io/monitored-by": "osm"},
            init=(container("osm-init", "openservicemesh/init:v1.2.4"),),
            beside=(container("envoy", ENVOY),),
            labels={"osm-proxy-uuid": "b1"},
        ),
    )
    yield (
        "app-mesh",
        Mesh(
            Part(
                names=frozenset({"app-mesh"}),
                deployments=(
                    deployed(
                        "appmesh-system",
                        "appmesh-controller",
                        one(
                            "controller",
                            "602401143452.dkr.ecr.eu-central-1.amazonaws.com/amazon/appmesh-controller:v1.13.1",
                        ),
                    ),
                ),
                facts=facts_of("app-mesh", "sidecar", None, "aws", proxied_pods=4),
            ),
            {"appmesh.k8s.aws/sidecarInjectorWebhook": "enabled"},
            init=(
                container(
                    "proxyinit",
                    "840364872350.dkr.ecr.eu-central-1.amazonaws.com/aws-appmesh-proxy-route-manager:v7-prod",
                ),
            ),
            beside=(
                container("envoy", "840364872350.dkr.ecr.eu-central-1.amazonaws.com/aws-appmesh-envoy:v1.29.9.0-prod"),
            ),
        ),
    )
    yield (
        "traefik-mesh",
        Mesh(
            Part(
                names=frozenset({"traefik-mesh"}),
                daemons=(("traefik-mesh", "traefik-mesh-proxy", one("traefik-mesh-proxy", "docker.io/traefik:v2.10")),),
                facts=facts_of("other", None, name="traefik-mesh", proxied_pods=0),
            )
        ),
    )
    yield (
        "nginx-service-mesh",
        Mesh(
            Part(
                names=frozenset({"nginx-service-mesh"}),
                facts=facts_of("other", "sidecar", "2.0.0", name="nginx-service-mesh", proxied_pods=4),
            ),
            init=(container("nginx-mesh-init", "docker-registry.nginx.com/nsm/nginx-mesh-init:2.0.0"),),
            beside=(container("nginx-mesh-sidecar", "docker-registry.nginx.com/nsm/nginx-mesh-sidecar:2.0.0"),),
        ),
    )
    yield (
        "kmesh",
        Mesh(
            Part(
                names=frozenset({"kmesh", "istio"}),
                daemons=(("kmesh-system", "kmesh", one("kmesh", "ghcr.io/kmesh-net/kmesh:v1.0.0")),),
                deployments=(deployed("istio-system", "istiod", one("discovery", "docker.io/istio/pilot:1.24.2")),),
                facts=facts_of("other", None, "1.0.0", name="kmesh"),
            ),
            {"istio.io/dataplane-mode": "Kmesh"},
        ),
    )
    yield (
        "unknown",
        Mesh(
            Part(
                names=frozenset({"acme-mesh"}),
                facts=facts_of("other", "sidecar", name="acme-mesh", proxied_pods=4),
                objects=(webhook("acme-mesh-sidecar-injector"),),
            ),
            {"mesh.acme.example/inject": "enabled"},
            init=(container("acme-mesh-init", "registry.acme.example/mesh/init:3.1"),),
            beside=(container("acme-proxy", "registry.acme.example/mesh/proxy:3.1"),),
        ),
    )


MESHES: dict[str, Mesh] = dict(_meshes())

# --- whole clusters --------------------------------------------------------------------------------------------------

SHOP = 4
"""Pods of applications."""

WEB = one("web", "registry.example.com/web:7")
"""What they run."""

DNS = {"k8s-app": "kube-dns"}
"""Labels of the pods that answer names."""


@dataclass(frozen=True)
class Installed:
    """A whole cluster.

    Args:
        objects: All its objects.
        facts: What is true of it.
        names: Products that have something in it, in whatever role.
    """

    objects: list[Object]
    facts: dict[str, object]
    names: frozenset[str]


def cluster(
    platform: str,
    plugin_: str,
    mesh: str = "none",
    *,
    extra: Part = Part(),
    controllers: bool = False,
    nodes: int = NODES,
) -> Installed:
    """A whole cluster, as a dump of nodes, namespaces, pods, services and the objects of its products.

    Args:
        platform: A name of ``PLATFORMS``.
        plugin_: A name of ``PLUGINS``.
        mesh: A name of ``MESHES``.
        extra: What else is in it, such as what a product left behind.
        controllers: Whether DaemonSets, Deployments and ReplicaSets are in the dump, too.
        nodes: How many nodes there are.
    """
    where, network, meshed = PLATFORMS[platform], PLUGINS[plugin_], MESHES[mesh]
    parts = [where.part, network, meshed.part, extra]
    facts = {"cloud": where.cloud, "nodes.workers": nodes, **network.facts, **meshed.part.facts}
    daemons = [daemon for part in parts for daemon in part.daemons]
    objects = [copy.deepcopy(item) for part in parts for item in part.objects]
    if where.proxy is not None and network.facts.get("service.proxy") in (None, "iptables", "ipvs"):
        daemons.append(("kube-system", "kube-proxy", where.proxy[0]))
        if where.proxy[1] is not None:
            objects.append(where.proxy[1])
            facts.setdefault("service.proxy", "iptables")
    deployments = [
        ("kube-system", "coredns", one("coredns", "registry.k8s.io/coredns/coredns:v1.11.3"), DNS),
        *(each for part in parts for each in part.deployments),
    ]
    objects += [_node(number, where, parts) for number in range(nodes)]
    for namespace, name, containers in daemons:
        objects += [
            _owned(namespace, f"{name}-{number}", "DaemonSet", name, number, containers, hostNetwork=True)
            for number in range(nodes)
        ]
    for number, (namespace, name, containers, labels) in enumerate(deployments):
        item = _owned(
            namespace, f"{name}-6d4cf56db6-x{number}", "ReplicaSet", f"{name}-6d4cf56db6", number % nodes, containers
        )
        item["metadata"]["labels"] = dict(labels)
        objects.append(item)
    objects += [_application(number, nodes, network, meshed) for number in range(SHOP)]
    if controllers:
        objects += [
            _controller("DaemonSet", namespace, name, nodes, containers) for namespace, name, containers in daemons
        ]
        made = [("shop", "web", SHOP, WEB, "5c9d7d9c4f")]
        made += [(namespace, name, 1, containers, "6d4cf56db6") for namespace, name, containers, _ in deployments]
        for namespace, name, pods, containers, hash_ in made:
            replicas = _controller("ReplicaSet", namespace, f"{name}-{hash_}", pods, containers)
            replicas["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": name}]
            objects += [_controller("Deployment", namespace, name, pods, containers), replicas]
    spaces = {item["metadata"].get("namespace") for item in objects} - {None} | {"default", "kube-system"}
    for name in sorted(spaces):
        shop = name == "shop"
        objects.append(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": name,
                    "labels": dict(meshed.namespace) if shop else {},
                    "annotations": dict(meshed.namespace_annotations) if shop else {},
                },
            }
        )
    objects += [
        resource("Service", "v1", name, space, spec={"selector": selector} if selector else {})
        for space, name, selector in (
            ("default", "kubernetes", None),
            ("kube-system", "kube-dns", DNS),
            ("shop", "web", {"app": "web"}),
        )
    ]
    names = frozenset().union(*(part.names for part in parts)) - {"other", "none"}
    return Installed(objects, facts, names)


def _node(number: int, where: Platform, parts: list[Part]) -> Object:
    """A node with the marks of all products."""
    labels, annotations = (
        {key: value for part in parts for key, value in getattr(part, of).items()} for of in ("labels", "annotations")
    )
    conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]
    conditions += [
        {"type": "NetworkUnavailable", "status": "False", "reason": part.condition} for part in parts if part.condition
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"node-{number}",
            "labels": {"kubernetes.io/os": "linux", **labels},
            "annotations": annotations,
        },
        "spec": {"providerID": f"{where.provider}://zone/node-{number}"} if where.provider else {},
        "status": {
            "capacity": {"cpu": "8", "memory": "32Gi"},
            "nodeInfo": {
                "kernelVersion": "6.8.0-50-generic",
                "osImage": where.os_image,
                "operatingSystem": "linux",
                "architecture": "amd64",
                "kubeletVersion": where.kubelet,
            },
            "conditions": conditions,
        },
    }


def _owned(
    namespace: str, name: str, kind: str, owner: str, node: int, containers: list[Object], **spec: object
) -> Object:
    """A pod of a controller on a node."""
    item = pod(name, namespace, containers=copy.deepcopy(containers), nodeName=f"node-{node}", **spec)
    item["metadata"]["ownerReferences"] = [{"kind": kind, "name": owner}]
    return item


def _application(number: int, nodes: int, network: Part, mesh: Mesh) -> Object:
    """A pod of an application, in the mesh or not."""
    apart = mesh.last is not None and number == SHOP - 1
    beside = mesh.last if apart else mesh.beside
    item = _owned(
        "shop",
        f"web-5c9d7d9c4f-a{number}",
        "ReplicaSet",
        "web-5c9d7d9c4f",
        number % nodes,
        [*WEB, *(beside or ())],
    )
    if mesh.init and not apart:
        item["spec"]["initContainers"] = [dict(each) for each in mesh.init]
    item["metadata"]["labels"] = {"app": "web", **mesh.labels}
    item["metadata"]["annotations"] = {**network.pod_annotations, **({} if apart else mesh.annotations)}
    return item


def _controller(kind: str, namespace: str, name: str, pods: int, containers: list[Object]) -> Object:
    """A DaemonSet or Deployment with its status."""
    status = {"desiredNumberScheduled": pods} if kind == "DaemonSet" else {"replicas": pods}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": copy.deepcopy(containers)}}
    return resource(kind, "apps/v1", name, namespace, spec={"replicas": pods, "template": template}, status=status)


def everything() -> Iterator[tuple[str, str, str]]:
    """Every platform with every plugin that runs there and every mesh."""
    for platform, plugins in CHOICES.items():
        for name in plugins:
            for mesh in MESHES:
                yield platform, name, mesh


# --- what products leave behind --------------------------------------------------------------------------------------


def enrolled(name: str, **labels: str) -> Object:
    """A namespace with labels."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def definition(name: str) -> Object:
    """The definition of a custom resource."""
    return resource("CustomResourceDefinition", "apiextensions.k8s.io/v1", name)


PLUGIN_REMNANTS: dict[str, Part] = {
    "calico": Part(
        annotations=CALICO_NODES,
        condition="CalicoIsUp",
        objects=(
            installation(linuxDataplane="Iptables", ipPools=[{"cidr": "10.1.0.0/16", "encapsulation": "IPIP"}]),
            resource("FelixConfiguration", CALICO_API, spec={"bpfEnabled": True}),
            resource("IPPool", CALICO_API, spec={"cidr": "10.1.0.0/16", "ipipMode": "Always"}),
            resource("ClusterInformation", CALICO_API, spec={"calicoVersion": "v3.20.0"}),
        ),
    ),
    "cilium": Part(
        annotations=CILIUM_NODES,
        condition="CiliumIsUp",
        objects=(
            cilium(cni_chaining_mode="aws-cni", kube_proxy_replacement="true", tunnel_protocol="geneve"),
            resource("CiliumEnvoyConfig", "cilium.io/v2", "old", "shop"),
        ),
    ),
    "flannel": Part(
        annotations={"flannel.alpha.coreos.com/backend-type": "host-gw"},
        condition="FlannelIsUp",
        objects=(config_map("kube-flannel-cfg", "kube-flannel", **{"net-conf.json": '{"Backend": {"Type": "ipip"}}'}),),
    ),
    "weave": Part(condition="WeaveIsUp"),
    "antrea": Part(
        annotations={"node.antrea.io/mac-address": "0a"},
        objects=(config_map("antrea-config", **{"antrea-agent.conf": "proxyAll: true\ntunnelType: gre\n"}),),
    ),
    "ovn-kubernetes": Part(
        annotations={"k8s.ovn.org/node-chassis-id": "7"}, objects=(config_map("ovn-config", mtu="1300"),)
    ),
    "kube-ovn": Part(annotations={"ovn.kubernetes.io/allocated": "true"}),
    "aws-vpc": Part(objects=(config_map("amazon-vpc-cni", **{"enable-network-policy-controller": "false"}),)),
}
"""What stays in a cluster when a plugin is removed."""

MESH_REMNANTS: dict[str, Part] = {
    "istio": Part(
        objects=(
            enrolled("old", **{"istio-injection": "enabled"}),
            definition("virtualservices.networking.istio.io"),
            config_map("istio-ca-root-cert", "shop"),
            resource("VirtualService", "networking.istio.io/v1", "old", "shop"),
        )
    ),
    "istio's certificates alone": Part(
        objects=(definition("virtualservices.networking.istio.io"), config_map("istio-ca-root-cert", "shop"))
    ),
    "linkerd": Part(
        objects=(
            definition("serviceprofiles.linkerd.io"),
            resource("ServiceProfile", "linkerd.io/v1alpha2", "web", "shop"),
        )
    ),
    "osm": Part(
        objects=(
            enrolled("old", **{"openservicemesh.io/monitored-by": "osm"}),
            definition("meshconfigs.config.openservicemesh.io"),
        )
    ),
    "consul": Part(objects=(resource("ServiceDefaults", "consul.hashicorp.com/v1alpha1", "web", "shop"),)),
    "kuma": Part(objects=(resource("Mesh", "kuma.io/v1alpha1"), definition("meshes.kuma.io"))),
    "app-mesh": Part(
        objects=(
            resource("Mesh", "appmesh.k8s.aws/v1beta2"),
            webhook("appmesh-controller-mutating-webhook-configuration"),
        )
    ),
}
"""What stays in a cluster when a mesh is removed."""
