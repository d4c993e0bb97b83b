"""The fields of Kubernetes objects that facts and the audit read, and nothing else.

A reader decodes into these types only: what they do not name (env values, the data of Secrets, tokens, annotations
that repeat a whole object) is skipped by the decoder and never becomes a value. Labels, annotations, keys of config
maps and paths of custom resources that ``data/facts/signatures.csv`` looks at are read beside them (``paths.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

import msgspec

from meshlab.documents import is_list, is_mapping

Text = str | None
Amount = str | int | float | None
Number = str | int | None
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
"""A number of pods, as Kubernetes keeps it: in 32 bits."""


class Anything(msgspec.Struct, gc=False):
    """A mapping of which only the presence matters."""


class Object(msgspec.Struct, gc=False, rename="camel"):
    """What every Kubernetes object says of itself."""

    kind: Text = None
    api_version: Text = None


class Owner(msgspec.Struct, gc=False):
    """Who made an object."""

    kind: Text = None
    name: Text = None


class Metadata(msgspec.Struct, gc=False, rename="camel"):
    """Name, place and owners of an object."""

    name: Text = None
    namespace: Text = None
    owner_references: list[Owner] | None = None


class PodAnnotations(msgspec.Struct, gc=False):
    """The annotations of a pod that say how it takes part in a mesh, who wired it, and whether a file makes it."""

    redirection: Text = msgspec.field(default=None, name="ambient.istio.io/redirection")
    kmesh: Text = msgspec.field(default=None, name="kmesh.net/redirection")
    istio: Text = msgspec.field(default=None, name="sidecar.istio.io/inject")
    linkerd: Text = msgspec.field(default=None, name="linkerd.io/inject")
    consul: Text = msgspec.field(default=None, name="consul.hashicorp.com/connect-inject")
    mirror: Text = msgspec.field(default=None, name="kubernetes.io/config.mirror")
    source: Text = msgspec.field(default=None, name="kubernetes.io/config.source")
    templates: Text = msgspec.field(default=None, name="inject.istio.io/templates")
    old_networks: Text = msgspec.field(default=None, name="k8s.v1.cni.cncf.io/networks-status")
    networks: Text = msgspec.field(default=None, name="k8s.v1.cni.cncf.io/network-status")
    calico: Text = msgspec.field(default=None, name="cni.projectcalico.org/containerID")
    calico_address: Text = msgspec.field(default=None, name="cni.projectcalico.org/podIP")
    ovn: Text = msgspec.field(default=None, name="k8s.ovn.org/pod-networks")
    kube_ovn: Text = msgspec.field(default=None, name="ovn.kubernetes.io/allocated")


class NamespaceAnnotations(msgspec.Struct, gc=False):
    """The annotation by which a namespace asks for Linkerd's proxy."""

    linkerd: Text = msgspec.field(default=None, name="linkerd.io/inject")


class PodMetadata(Metadata, gc=False, rename="camel"):
    """Metadata of a pod."""

    labels: dict[str, Text] | None = None
    annotations: PodAnnotations | None = None


class Amounts(msgspec.Struct, gc=False, frozen=True):
    """Quantities of processor time and memory, as the object writes them."""

    cpu: Amount = None
    memory: Amount = None


class Resources(msgspec.Struct, gc=False, frozen=True):
    """What a container or a pod asks for and may use at most."""

    requests: Amounts | None = None
    limits: Amounts | None = None


FLAGGED = frozenset({"kube-proxy", "aws-eks-nodeagent", "kube-router"})
"""Containers whose flags are looked at."""

_FLAG = re.compile(
    r"--(config|proxy-mode|enable-network-policy|run-router|run-firewall|run-service-proxy)(?![a-z-])"
    r"(?:[= ](true|false|iptables|ipvs|nftables|kernelspace)(?![^ ]))?"
)


_MARKED = re.compile("--(?:config|proxy-m|enable-n|run-)")


class Flags(list[str]):
    """The flags of a container that signatures look at, each with its value; no other argument is kept."""


_NO_FLAGS = Flags()


def kept_of(of: type, value: object) -> object:
    """What is kept of a value for whose type msgspec asks: ``Flags`` of a list of arguments."""
    if of is not Flags:
        raise NotImplementedError
    line = " ".join(map(str, value)) if is_list(value) else ""
    return Flags(map("=".join, _FLAG.findall(line))) if _MARKED.search(line) else _NO_FLAGS


PROXY_PORTS = frozenset({15001, 15003, 15006, 4140, 4143})
"""Ports to which meshes redirect the traffic of a pod."""


class Port(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    """A port of a container."""

    container_port: Amount = None


class Container(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    """One container of a pod, without its environment and arguments."""

    name: Text = None
    image: Text = None
    ports: tuple[Port, ...] | None = None
    restart_policy: Text = None
    resources: Resources | None = None


class Volume(msgspec.Struct, gc=False, rename="camel"):
    """Whether a volume of a pod lies on its node and goes with the pod."""

    empty_dir: Anything | None = None


class PodSpec(msgspec.Struct, gc=False, rename="camel"):
    """Containers of a pod, what they ask for, where it runs and how long it may take to end."""

    node_name: Text = None
    termination_grace_period_seconds: Count | None = None
    volumes: list[Volume] | None = None
    host_network: bool | None = None
    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    overhead: Amounts | None = None
    resources: Resources | None = None


class PodStatus(msgspec.Struct, gc=False):
    """Where a pod is in its life."""

    phase: Text = None


class Pod(Object, gc=False):
    """A pod."""

    metadata: PodMetadata | None = None
    spec: PodSpec | None = None
    status: PodStatus | None = None


class Template(msgspec.Struct, gc=False):
    """The pod that a controller makes copies of."""

    metadata: PodMetadata | None = None
    spec: PodSpec | None = None


class WorkloadSpec(msgspec.Struct, gc=False):
    """How many copies of which pod."""

    replicas: Count | None = None
    template: Template | None = None


class WorkloadStatus(msgspec.Struct, gc=False, rename="camel"):
    """How many pods a controller has."""

    replicas: Count | None = None
    desired_number_scheduled: Count | None = None


class Workload(Object, gc=False):
    """A controller that makes pods from a template."""

    metadata: Metadata | None = None
    spec: WorkloadSpec | None = None
    status: WorkloadStatus | None = None


def pod_spec(value: Object | None) -> PodSpec | None:
    """What a pod, or the template of a controller, says of its pod."""
    if isinstance(value, Pod):
        return value.spec
    template = value.spec.template if isinstance(value, Workload) and value.spec else None
    return template.spec if template else None


class Plain(Object, gc=False):
    """An object of which only the existence counts."""

    metadata: Metadata | None = None


# --- kinds of which a few fields are read ----------------------------------------------------------------------------
#
# Keys of an object, each with the keys below it or the type of its value. A key that ends in [] holds a list and one
# that ends in <> a mapping of any keys. Of a Secret nothing is read, and of a ConfigMap only what ``paths.py`` names.


Tree = Mapping[str, Any]
"""Keys to look into, each with the keys below it or a type."""

_LABELS = dict[str, Text]
_SELECTOR: Tree = {"labels": _LABELS, "matchLabels": _LABELS}  # Istio writes them in one of the two ways
_POD_SELECTOR: Tree = {"matchLabels": _LABELS, "matchExpressions[]": Anything}
_TARGET: Tree = {"kind": Text, "name": Text}
_ATTACHED: Tree = {"selector": _SELECTOR, "targetRefs[]": _TARGET, "targetRef": _TARGET}
_AMOUNTS: Tree = {"cpu": Amount, "memory": Amount}
_MODE: Tree = {"mode": Text}

_NODE: Tree = {
    "metadata": Metadata,
    "spec": {
        "providerID": Text,
        "podCIDR": Text,
        "unschedulable": bool,
        "taints[]": {"key": Text, "effect": Text},
    },
    "status": {
        "nodeInfo": dict.fromkeys(
            ("kernelVersion", "osImage", "operatingSystem", "architecture", "kubeletVersion"), Text
        ),
        "capacity": _AMOUNTS,
        "allocatable": _AMOUNTS,
        "conditions[]": {"type": Text, "reason": Text, "lastHeartbeatTime": Text},
    },
}
_NAMED: Tree = {"metadata": Metadata}
_L7_RULES: Tree = {"http[]": Anything, "kafka[]": Anything, "l7[]": Anything}  # its agent itself answers those of DNS
_CILIUM_DIRECTION: Tree = {"authentication": _MODE, "toPorts[]": {"rules": _L7_RULES}}
_CILIUM_RULE: Tree = {"ingress[]": _CILIUM_DIRECTION, "egress[]": _CILIUM_DIRECTION}
_CILIUM_POLICY: Tree = {**_NAMED, "spec": _CILIUM_RULE, "specs[]": _CILIUM_RULE}
_RULE: Tree = {"http": Anything, "l7Protocols[]": Anything}  # of Calico or Antrea, which look into requests
_POLICY: Tree = {
    **_NAMED,
    "spec": {"podSelector": _POD_SELECTOR, "policyTypes[]": str, "ingress[]": _RULE, "egress[]": _RULE},
}
_ROUTER: Tree = {"neighbors[]": Anything, "peers[]": Anything}
_CILIUM_BGP: Tree = {**_NAMED, "spec": {"virtualRouters[]": _ROUTER, "bgpInstances[]": _ROUTER}}

TYPES: dict[str, Tree | type[Object]] = {
    "Pod": Pod,
    "Node": _NODE,
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "DeploymentConfig", "Rollout"), Workload),
    **dict.fromkeys(("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"), _CILIUM_POLICY),
    **dict.fromkeys(("NetworkPolicy", "GlobalNetworkPolicy", "ClusterNetworkPolicy"), _POLICY),
    **dict.fromkeys(("CiliumBGPPeeringPolicy", "CiliumBGPClusterConfig"), _CILIUM_BGP),
    "AuthorizationPolicy": {**_NAMED, "spec": {"action": Text, **_ATTACHED}},
    "VirtualService": {**_NAMED, "spec": {"gateways[]": str, "http[]": Anything}},  # others need no layer 7
    "PeerAuthentication": {
        **_NAMED,
        "spec": {"mtls": _MODE, "selector": _SELECTOR, "portLevelMtls<>": _MODE},
    },
}
"""What is read of each kind that facts are read from and that has more than a name to read."""

_DATED: Tree = {
    "metadata": {
        "name": Text,
        "namespace": Text,
        "labels": _LABELS,
        "annotations": NamespaceAnnotations,
        "creationTimestamp": Text,
    }
}
_TRAFFIC: Tree = {"tls": _MODE, "portLevelSettings[]": {"port": {"number": Number}, "tls": _MODE}}
_TARGETED: Tree = {**_DATED, "spec": _ATTACHED}

SETTINGS: dict[str, Tree] = {
    "Namespace": _DATED,
    "Service": {**_DATED, "spec": {"type": Text, "selector": _LABELS}},
    "DestinationRule": {
        **_DATED,
        "spec": {"host": Text, "trafficPolicy": _TRAFFIC, "subsets[]": {"trafficPolicy": _TRAFFIC}},
    },
    "EnvoyFilter": {
        **_DATED,
        "spec": {
            "workloadSelector": _SELECTOR,
            "targetRefs[]": _TARGET,
            "priority": Number,
            "configPatches[]": {"applyTo": Text, "match": {"context": Text}, "patch": {"operation": Text}},
        },
    },
    "Sidecar": {**_DATED, "spec": {"workloadSelector": _SELECTOR, "egress[]": {"hosts[]": str}}},
    "WasmPlugin": _TARGETED,
    "RequestAuthentication": _TARGETED,
    "Certificate": {
        **_DATED,
        "status": {
            "notAfter": Text,
            "renewalTime": Text,
            "conditions[]": {"type": Text, "status": Text, "lastTransitionTime": Text},
        },
    },
    "Lease": {**_DATED, "spec": {"renewTime": Text}},  # the cluster's own clock
    "PodDisruptionBudget": {
        **_DATED,
        "spec": {"minAvailable": Number, "maxUnavailable": Number, "selector": _POD_SELECTOR},
        "status": {"disruptionsAllowed": Count},
    },
    "IPPool": {**_DATED, "spec": {"cidr": Text}},
    **dict.fromkeys(("Gateway", "FelixConfiguration", "BGPConfiguration", "ConfigMap"), _DATED),
}
"""What is read of each kind that facts do not look into and the audit does."""

DECODED: dict[str, Tree | type[Object]] = {**SETTINGS, **TYPES}
"""What is read of each kind that facts or the audit look into; all others are Plain."""

_FLAGGED: Tree = {"containers[]": {"name": Text, "command": Flags, "args": Flags}}


def type_of(kind: str) -> type[Object]:
    """Type of an object of the kind."""
    return _known_type(kind) if kind in DECODED else Plain  # a dump may name any number of other kinds


@cache
def _known_type(kind: str) -> type[Object]:
    of = DECODED[kind]
    return of if isinstance(of, type) else struct(kind, of, Object)


def struct(name: str, tree: Tree, base: type[msgspec.Struct] = msgspec.Struct) -> Any:
    """A nested type of the tree's keys; all of them may be missing."""
    fields: list[tuple[str, Any, None]] = []
    for index, (key, branch) in enumerate(tree.items()):
        _, many = split_key(key)
        of_key = struct(f"{name}_{index}", branch) if is_mapping(branch) else branch
        of_all = list[of_key] if many == "[]" else dict[str, of_key | None] if many else of_key
        fields.append((attribute(tree, key), of_all | None, None))
    names = {attribute(tree, key): split_key(key)[0] for key in tree}
    return msgspec.defstruct(name, fields, bases=(base,), rename=names, gc=False)


def attribute(tree: Tree, key: str) -> str:
    """Name of the attribute that holds a key of the tree: the key itself, if it can be one."""
    own, _ = split_key(key)
    return own if own.isidentifier() else f"key_{list(tree).index(key)}"


def split_key(key: str) -> tuple[str, str]:
    """A key, and whether it holds a list or a mapping to go through."""
    return (key[:-2], key[-2:]) if key.endswith(("[]", "<>")) else (key, "")


def at(value: Any, path: str) -> Any:
    """What stands in a value at the path of attributes; None where something on the way is missing."""
    for name in path.split("."):
        value = getattr(value, name, None)
    return value


Flagged = struct("Flagged", {"spec": {**_FLAGGED, "template": {"spec": _FLAGGED}}})
"""Arguments of a pod's containers, or of a template's, where flags of some are looked at."""
