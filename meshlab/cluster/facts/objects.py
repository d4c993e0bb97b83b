"""The fields of Kubernetes objects that facts are read from, and nothing else.

A reader decodes into these types only: what they do not name (env values, the data of Secrets, tokens, annotations
that repeat a whole object) is skipped by the decoder and never becomes a value. Labels, annotations, keys of config
maps and paths of custom resources that ``data/facts/signatures.csv`` looks at are added to the types from that table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec
import polars as pl

from meshlab.documents import is_list
from meshlab.tables import read_table

Text = str | None
Amount = str | int | float | None
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
"""A number of pods, as Kubernetes keeps it: in 32 bits."""


class Anything(msgspec.Struct, gc=False):
    """A mapping of which only the presence matters."""


class Object(msgspec.Struct, gc=False, rename="camel"):
    """What every Kubernetes object says of itself."""

    kind: Text = None
    api_version: Text = None


class WorkloadSelector(msgspec.Struct, gc=False, rename="camel"):
    """Labels of the workloads that a policy or setting is for; Istio writes them in one of two ways."""

    labels: dict[str, Text] | None = None
    match_labels: dict[str, Text] | None = None


class TargetRef(msgspec.Struct, gc=False):
    """A Gateway or Service that a policy is attached to."""

    kind: Text = None
    name: Text = None


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
    istio: Text = msgspec.field(default=None, name="sidecar.istio.io/inject")
    linkerd: Text = msgspec.field(default=None, name="linkerd.io/inject")
    consul: Text = msgspec.field(default=None, name="consul.hashicorp.com/connect-inject")
    mirror: Text = msgspec.field(default=None, name="kubernetes.io/config.mirror")
    templates: Text = msgspec.field(default=None, name="inject.istio.io/templates")
    old_networks: Text = msgspec.field(default=None, name="k8s.v1.cni.cncf.io/networks-status")
    networks: Text = msgspec.field(default=None, name="k8s.v1.cni.cncf.io/network-status")
    calico: Text = msgspec.field(default=None, name="cni.projectcalico.org/containerID")
    calico_address: Text = msgspec.field(default=None, name="cni.projectcalico.org/podIP")
    ovn: Text = msgspec.field(default=None, name="k8s.ovn.org/pod-networks")
    kube_ovn: Text = msgspec.field(default=None, name="ovn.kubernetes.io/allocated")


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


class FlaggedContainer(msgspec.Struct, gc=False):
    """The arguments of a container, of which only the flags that signatures look at are kept."""

    name: Text = None
    command: Flags | None = None
    args: Flags | None = None


class FlaggedSpec(msgspec.Struct, gc=False):
    """Containers of a pod."""

    containers: list[FlaggedContainer] | None = None


class Flagged(msgspec.Struct, gc=False):
    """A pod of which some container's flags are looked at; few are, so that the others are not decoded so."""

    spec: FlaggedSpec | None = None


class FlaggedTemplate(msgspec.Struct, gc=False):
    """The pod that a controller makes copies of."""

    template: Flagged | None = None


class FlaggedWorkload(msgspec.Struct, gc=False):
    """A controller of such pods."""

    spec: FlaggedTemplate | None = None


class NodeInfo(msgspec.Struct, gc=False, rename="camel"):
    """What a node says about its operating system."""

    kernel_version: Text = None
    os_image: Text = None
    operating_system: Text = None
    architecture: Text = None
    kubelet_version: Text = None


class Condition(msgspec.Struct, gc=False, rename="camel"):
    """A condition of a node."""

    type: Text = None
    reason: Text = None
    last_heartbeat_time: Text = None


class NodeStatus(msgspec.Struct, gc=False, rename="camel"):
    """What a node reports."""

    node_info: NodeInfo | None = None
    capacity: Amounts | None = None
    allocatable: Amounts | None = None
    conditions: list[Condition] | None = None


class Taint(msgspec.Struct, gc=False):
    """What keeps pods off a node that do not tolerate it."""

    key: Text = None
    effect: Text = None


class NodeSpec(msgspec.Struct, gc=False):
    """Which machine of which provider a node is, the addresses of its pods, and whether it takes new ones."""

    provider_id: Text = msgspec.field(default=None, name="providerID")
    pod_cidr: Text = msgspec.field(default=None, name="podCIDR")
    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class NodeMetadata(Metadata, gc=False, rename="camel"):
    """Metadata of a node."""

    labels: dict[str, Text] | None = None


class Node(Object, gc=False):
    """A node."""

    metadata: NodeMetadata | None = None
    spec: NodeSpec | None = None
    status: NodeStatus | None = None


class Plain(Object, gc=False):
    """An object of which only the existence counts."""

    metadata: Metadata | None = None


class L7Rules(msgspec.Struct, gc=False):
    """Rules of Cilium that its Envoy enforces. DNS rules are left out: the agent itself answers those."""

    http: list[Anything] | None = None
    kafka: list[Anything] | None = None
    l7: list[Anything] | None = None


class PortRule(msgspec.Struct, gc=False):
    """Ports of a Cilium rule."""

    rules: L7Rules | None = None


class Authentication(msgspec.Struct, gc=False):
    """Whether a rule of Cilium asks for mutual authentication."""

    mode: Text = None


class CiliumDirection(msgspec.Struct, gc=False, rename="camel"):
    """One ingress or egress rule of Cilium."""

    authentication: Authentication | None = None
    to_ports: list[PortRule] | None = None


class CiliumRule(msgspec.Struct, gc=False):
    """One rule of a Cilium policy."""

    ingress: list[CiliumDirection] | None = None
    egress: list[CiliumDirection] | None = None


class CiliumPolicy(Object, gc=False):
    """A CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy."""

    metadata: Metadata | None = None
    spec: CiliumRule | None = None
    specs: list[CiliumRule] | None = None


class PolicyRule(msgspec.Struct, gc=False, rename="camel"):
    """Whether a rule of Calico or Antrea looks into requests."""

    http: Anything | None = None
    l7_protocols: list[Anything] | None = None


class LabelSelector(msgspec.Struct, gc=False, rename="camel"):
    """Labels that pods have to carry; of expressions only that there are some."""

    match_labels: dict[str, Text] | None = None
    match_expressions: list[Anything] | None = None


class PolicySpec(msgspec.Struct, gc=False, rename="camel"):
    """Rules of a policy, which pods it is for, and in which directions."""

    pod_selector: LabelSelector | None = None
    policy_types: list[str] | None = None
    ingress: list[PolicyRule] | None = None
    egress: list[PolicyRule] | None = None


class NetworkPolicy(Object, gc=False):
    """A policy of Kubernetes, Calico or Antrea."""

    metadata: Metadata | None = None
    spec: PolicySpec | None = None


class AuthorizationSpec(msgspec.Struct, gc=False, rename="camel"):
    """What an AuthorizationPolicy does, and what it is attached to."""

    action: Text = None
    selector: WorkloadSelector | None = None
    target_refs: list[TargetRef] | None = None
    target_ref: TargetRef | None = None


class AuthorizationPolicy(Object, gc=False):
    """Istio's policy on who may call what."""

    metadata: Metadata | None = None
    spec: AuthorizationSpec | None = None


class Routes(msgspec.Struct, gc=False):
    """HTTP routes of a VirtualService; its TCP and TLS routes need no layer 7."""

    gateways: list[str] | None = None
    http: list[Anything] | None = None


class VirtualService(Object, gc=False):
    """Istio's routes."""

    metadata: Metadata | None = None
    spec: Routes | None = None


class MutualTls(msgspec.Struct, gc=False):
    """Mode of mutual TLS."""

    mode: Text = None


class PeerSpec(msgspec.Struct, gc=False, rename="camel"):
    """Which workloads accept which mode of mutual TLS."""

    mtls: MutualTls | None = None
    selector: WorkloadSelector | None = None
    port_level_mtls: dict[str, MutualTls] | None = None


class PeerAuthentication(Object, gc=False):
    """Istio's setting of mutual TLS on the receiving side."""

    metadata: Metadata | None = None
    spec: PeerSpec | None = None


class Router(msgspec.Struct, gc=False):
    """A BGP instance of Cilium."""

    neighbors: list[Anything] | None = None
    peers: list[Anything] | None = None


class BgpSpec(msgspec.Struct, gc=False, rename="camel"):
    """BGP instances of Cilium."""

    virtual_routers: list[Router] | None = None
    bgp_instances: list[Router] | None = None


class CiliumBgp(Object, gc=False):
    """BGP configuration of Cilium."""

    metadata: Metadata | None = None
    spec: BgpSpec | None = None


TYPES: dict[str, type[Object]] = {
    "Pod": Pod,
    "Node": Node,
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "DeploymentConfig", "Rollout"), Workload),
    **dict.fromkeys(("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"), CiliumPolicy),
    **dict.fromkeys(("NetworkPolicy", "GlobalNetworkPolicy", "ClusterNetworkPolicy"), NetworkPolicy),
    **dict.fromkeys(("CiliumBGPPeeringPolicy", "CiliumBGPClusterConfig"), CiliumBgp),
    "AuthorizationPolicy": AuthorizationPolicy,
    "VirtualService": VirtualService,
    "PeerAuthentication": PeerAuthentication,
}
"""Type of each kind that facts are read from and that has more than a name to read."""


SPECIAL = frozenset({"name", "keys", "taint"})
"""What signatures look at in an object that is no path in it; conditions of nodes are not, either."""


@cache
def signature_fields() -> dict[str, tuple[str, ...]]:
    """Fields that signatures and needs look at, by kind: ``{"Node": ("Node:spec.providerID", …)}``."""
    return _by_kind({*read_table("facts/signatures")["field"], *need_rows()["field"]})


@cache
def read_fields() -> dict[str, tuple[str, ...]]:
    """Fields that are read beside the types, by kind: those of signatures and needs, and switches for the audit."""
    return _by_kind({*chain(*signature_fields().values()), *chain(*switch_fields().values())})


@cache
def switch_fields() -> dict[str, tuple[str, ...]]:
    """For each switch of ``data/audit/switches.csv`` the fields that hold it, or the text in which it stands."""
    fields: dict[str, tuple[str, ...]] = {}
    for row in read_table("audit/switches").iter_rows(named=True):
        room, _, key = row["path"].partition(": ")[0].partition(".")
        of = f"{row['kind']}/{row['object']}" if row["object"] else row["kind"]
        own = f"{of}:{room}.{key.replace('.', chr(92) + '.')}"
        fields[row["switch"]] = (own, *KEPT_ELSEWHERE.get(of, ()))
    return fields


_ELSEWHERE = ("config:data.config", r"config:data.config\.yaml", r"worker:data.config\.conf")
KEPT_ELSEWHERE = {"ConfigMap/kube-proxy": tuple(f"ConfigMap/kube-proxy-{rest}" for rest in _ELSEWHERE)}
"""Where EKS, Gardener and ACK keep the configuration of kube-proxy."""


def _by_kind(named: Iterable[str]) -> dict[str, tuple[str, ...]]:
    fields: dict[str, list[str]] = {}
    for field in sorted(named):
        kind, colon, _ = field.partition(":")
        if colon:
            fields.setdefault(kind.partition("/")[0], []).append(field)
    return {kind: tuple(of_kind) for kind, of_kind in fields.items()}


@cache
def need_rows() -> pl.DataFrame:
    """Rows of ``data/facts/needs_in_use.csv``, one for each kind and path, with the field that they look at."""
    rows = read_table("facts/needs_in_use").with_columns(pl.col("kind", "path").str.split("|"))
    return rows.explode("kind").explode("path").with_columns(field=pl.format("{}:{}", "kind", "path"))


@cache
def _groups_of_needs() -> dict[str, frozenset[str]]:
    """API groups of kinds of which nothing but needs is looked at: another group's kind is another thing."""
    own = {field.partition(":")[0].partition("/")[0] for field in read_table("facts/signatures")["field"]}
    groups: dict[str, set[str]] = {}
    for kind, of_kind in need_rows().select("kind", "groups").iter_rows():
        if kind.partition("/")[0] not in own:
            groups.setdefault(kind.partition("/")[0], set()).update((of_kind or "").split("|"))
    return {kind: frozenset(of_kind) for kind, of_kind in groups.items()}


@cache
def signature_groups() -> re.Pattern[str]:
    """API groups of which every kind is evidence."""
    patterns = read_table("facts/signatures").filter(field="group")["pattern"]
    return re.compile("|".join(patterns))


@cache
def known_kinds() -> frozenset[str]:
    """Kinds that facts are read from: those with a type, those that signatures look at, and those that are counted."""
    return frozenset({*TYPES, *signature_fields(), *read_table("facts/kinds")["kind"]})


@cache
def is_used(kind: str, group: str) -> bool:
    """Whether facts are read from objects of the kind, or from all of its API group."""
    return kind in known_kinds() or signature_groups().search(group) is not None


# --- paths -----------------------------------------------------------------------------------------------------------
#
# A path is keys with dots between them. A key that ends in [] holds a list and one that ends in <> a mapping of any
# keys: both are gone through. The last key may end in how it is taken: ? is x where it holds anything but nothing and
# zero, ! is x where it is there at all, # are the keys of a mapping, and =text stands for a value that is missing.
# Paths in braces behind a common beginning make one text, with semicolons between them.


def split_path(path: str) -> list[str]:
    """Keys of a path; a dot inside of a key is escaped by a backslash."""
    return [key.replace("\0", ".") for key in path.replace("\\.", "\0").split(".")] if path else []


Step = tuple[str, str]
"""Name of an attribute, and whether it holds a list or a mapping to go through: [], <> or nothing."""


class Reach(NamedTuple):
    """The way to texts, and how a value at its end is taken: ?, !, # or = with what stands for a missing one."""

    steps: tuple[Step, ...]
    mark: str


class Plan(NamedTuple):
    """What to read of a value: fields that it is the text of, fields of several texts below it, and where to go on."""

    fields: tuple[tuple[str, str], ...]
    together: tuple[tuple[str, tuple[Reach, ...]], ...]
    below: tuple[tuple[Step, Plan], ...]


class Evidence(NamedTuple):
    """How to read what signatures look at in objects of one kind: plans by the object's name, or None for all."""

    type: type[msgspec.Struct]
    plans: dict[str | None, Plan]


class _Path(NamedTuple):
    """A field, the keys of its path, how the value is taken, and the paths in braces behind it."""

    field: str
    keys: tuple[str, ...]
    mark: str
    several: tuple[tuple[tuple[str, ...], str], ...]


@cache
def evidence_of(kind: str) -> Evidence | None:
    """How to read the paths that signatures look at in objects of the kind; None where they look at none."""
    paths, tree = _paths_of(kind)
    if not paths:
        return None
    return Evidence(_struct(kind, tree), {name: _plan(of_name, tree) for name, of_name in paths.items()})


Tree: TypeAlias = "dict[str, Tree]"
"""Keys to look into, each with the keys below it."""


def evidence_keys(kind: str) -> Tree:
    """The keys on the paths that signatures look at in objects of the kind."""
    return _paths_of(kind)[1]


@cache
def _paths_of(kind: str) -> tuple[dict[str | None, list[_Path]], Tree]:
    """Paths that signatures look at in objects of the kind, by the object's name, and the keys on them.

    Labels and annotations of pods are read with the pods themselves: there are too many to decode them twice.
    """
    paths: dict[str | None, list[_Path]] = {}
    for field in read_fields().get(kind, ()) if kind != "Pod" else ():
        of, _, path = field.partition(":")
        if path not in SPECIAL and not path.startswith("condition."):
            paths.setdefault(of.partition("/")[2] or None, []).append(_path(field, path))
    tree: Tree = {}
    for path in (path for of_name in paths.values() for path in of_name):
        for keys, mark in ((path.keys + keys, mark) for keys, mark in path.several or (((), path.mark),)):
            branch = tree
            for key in (*keys, *([HELD] if mark[:1] in _HOLDING else [])):
                branch = branch.setdefault(key, {})
    return paths, tree


def plans_of(kind: str, name: str | None, group: str) -> list[Plan]:
    """What signatures look at in an object of the kind, name and API group."""
    looked_at = evidence_of(kind)
    if looked_at is None or group not in _groups_of_needs().get(kind, {group}):
        return []
    named = _GENERATED.sub("", name) if name and kind == "ConfigMap" else name
    names = dict.fromkeys((None, name, named))
    return [looked_at.plans[of] for of in names if of in looked_at.plans]


_GENERATED = re.compile(r"-(?:[0-9a-f]{8}|[24-9bcdfghkmt]{10})$")
"""What Gardener and kustomize add to the names of ConfigMaps: a hash of what these hold."""


_MARK = re.compile(r"(?<=.)([?!#]|=.*)$", re.DOTALL)
_HOLDING = ("?", "!", "#")
HELD = "?"
"""Stands in a tree of keys for a value of which only what it holds counts."""


def _path(field: str, path: str) -> _Path:
    base, brace, inner = path.partition("{")
    several = tuple(_marked(each) for each in inner.removesuffix("}").split(",")) if brace else ()
    keys, mark = _marked(base.removesuffix(".") if brace else base)
    return _Path(field, keys, mark, several)


def _marked(path: str) -> tuple[tuple[str, ...], str]:
    """Keys of a path, and how the value at its end is taken."""
    mark = _MARK.search(path)
    return tuple(split_path(path[: mark.start()] if mark else path)), mark[0] if mark else ""


_SCALAR = str | int | float | bool
_CONTENT = Anything | list[Anything | _SCALAR | None] | _SCALAR | None
_HOLDER = dict[str, _CONTENT] | list[_CONTENT] | _SCALAR


def _struct(name: str, tree: Tree) -> type[msgspec.Struct]:
    """A nested type of the tree's keys; leaves are scalars, or hold something that is not looked into."""
    fields: list[tuple[str, Any, None]] = []
    names: dict[str, str] = {}
    for index, (key, branch) in enumerate(tree.items()):
        of_key = _HOLDER if branch.keys() == {HELD} else _struct(f"{name}_{index}", branch) if branch else _SCALAR
        own, many = split_key(key)
        names[f"f{index}"] = own
        of_all = list[of_key] if many == "[]" else dict[str, of_key | None] if many else of_key
        fields.append((f"f{index}", of_all | None, None))
    return msgspec.defstruct(name, fields, rename=names, gc=False)


def split_key(key: str) -> tuple[str, str]:
    """A key, and whether it holds a list or a mapping to go through."""
    return (key[:-2], key[-2:]) if key.endswith(("[]", "<>")) else (key, "")


def _plan(paths: list[_Path], tree: Tree) -> Plan:
    """The plan of paths in a value of the tree's type."""
    ended = [path for path in paths if not path.keys]
    below: list[tuple[Step, Plan]] = []
    for key in dict.fromkeys(path.keys[0] for path in paths if path.keys):
        inner = [path._replace(keys=path.keys[1:]) for path in paths if path.keys[:1] == (key,)]
        (step,) = _steps((key,), tree)
        below.append((step, _plan(inner, tree[key])))
    return Plan(
        tuple((path.field, path.mark) for path in ended if not path.several),
        tuple(
            (path.field, tuple(Reach(_steps(keys, tree), mark) for keys, mark in path.several))
            for path in ended
            if path.several
        ),
        tuple(below),
    )


def _steps(keys: tuple[str, ...], tree: Tree) -> tuple[Step, ...]:
    """The attributes of that type on the way to a path."""
    if not keys:
        return ()
    place = list(tree).index(keys[0])
    return ((f"f{place}", split_key(keys[0])[1]), *_steps(keys[1:], tree[keys[0]]))


@cache
def pod_labels() -> dict[str, str]:
    """Labels of pods that signatures look at, with their fields."""
    return _marks("labels")


@cache
def pod_annotations() -> tuple[tuple[str, str, bool], ...]:
    """Attributes of ``PodAnnotations`` that signatures look at, their fields, and whether the value counts."""
    names = {field.encode_name: field.name for field in msgspec.structs.fields(PodAnnotations)}
    patterns = dict(read_table("facts/signatures").select("field", "pattern").iter_rows())
    return tuple((names[key], field, patterns[field] != ".") for key, field in _marks("annotations").items())


def _marks(where: str) -> dict[str, str]:
    start = f"Pod:metadata.{where}."
    fields = [field for field in signature_fields()["Pod"] if field.startswith(start)]
    return {split_path(field.removeprefix(start))[0]: field for field in fields}
