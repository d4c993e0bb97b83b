"""Kubernetes objects become rows: nodes, pods with what they ask for, objects to count, and texts to match."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

from meshlab.cluster.facts import objects as kube
from meshlab.cluster.facts import paths
from meshlab.cluster.facts.forms import Found
from meshlab.cluster.facts.objects import at
from meshlab.documents import is_mapping
from meshlab.units import parse_quantity

TEMPLATE_KINDS = tuple(kind for kind, of in kube.TYPES.items() if of is kube.Workload)
"""Kinds that make pods from a template."""

NODE_INFO = ("operatingSystem", "kernelVersion", "osImage", "architecture", "kubeletVersion")
"""What a node says about its operating system, in the order of the columns."""

LASTING_KINDS = ("Deployment", "StatefulSet", "DeploymentConfig", "Rollout")
"""Kinds that people create to keep a number of pods running."""

TEXT, NUMBER, FLAG, AMOUNT = pl.String(), pl.Int64(), pl.Boolean(), pl.Float64()

TABLES: dict[str, dict[str, pl.DataType]] = {
    "objects": {
        "id": NUMBER,
        **dict.fromkeys(("kind", "group", "namespace", "name", "file"), TEXT),
        "empty": FLAG,
        "l7": NUMBER,
        "peers": NUMBER,
        "mtls_mode": TEXT,
        "selective": FLAG,
        "fault": TEXT,
    },
    "nodes": {
        "id": NUMBER,
        **dict.fromkeys(("os", "kernel", "os_image", "architecture", "kubelet"), TEXT),
        **dict.fromkeys(("cpu", "memory"), AMOUNT),
    },
    "pods": {
        "id": NUMBER,
        "template": FLAG,
        **dict.fromkeys(("weight", "reported"), NUMBER),
        **dict.fromkeys(("owner_kind", "owner", "node", "phase"), TEXT),
        "host_network": FLAG,
        "redirection": TEXT,
        "shape": NUMBER,
    },
    "shapes": {
        "shape": NUMBER,
        "containers": TEXT,
        **dict.fromkeys(("overhead_cpu", "overhead_memory", "pod_cpu", "pod_memory"), AMOUNT),
    },
    "containers": {
        "shape": NUMBER,
        **dict.fromkeys(("role", "container", "name", "image"), TEXT),
        "takes_ports": FLAG,
        **dict.fromkeys(("cpu", "memory"), AMOUNT),
    },
    "texts": {"id": NUMBER, "field": TEXT, "text": TEXT},
    "owners": {"id": NUMBER, "owner_kind": TEXT, "owner": TEXT},
    "service_selectors": {"id": NUMBER, "label": TEXT},
    "pod_labels": {"namespace": TEXT, "label": TEXT},
}
"""Tables and their columns. ``id`` is the object's; processor time is in cores, memory in bytes.

Pods of one controller have the same containers, which stand here once: ``shape`` is the ``id`` of the first such pod.
Owners are those of objects that are no pods; labels those that some pod of a namespace has, selectors those that a
Service asks for.
"""

MOST_SHAPES = 1024
"""Shapes that are known again: pods of one controller stand near each other. No list of pods makes looking slow."""


Row = tuple[Any, ...]
"""Cells in the order of a table's columns."""

Tables = dict[str, list[Row]]
"""Rows by the name of their table."""


class Detail(msgspec.Struct, frozen=True):
    """What is gathered beside the facts, in the same reading: rows of one object, their cells after its ``id``."""

    tables: Mapping[str, Mapping[str, pl.DataType]]
    kinds: frozenset[str]
    rows_of: Callable[[Found], Iterable[tuple[str, tuple[Any, ...]]]]


class Rows(msgspec.Struct):
    """Rows of every table, gathered object by object."""

    detail: Detail | None = None
    next: int = 0
    kinds: set[str] = msgspec.field(default_factory=set[str])
    tables: Tables = msgspec.field(default_factory=Tables)
    _shapes: dict[tuple[object, ...], int] = msgspec.field(default_factory=dict[tuple[object, ...], int])
    _labels: set[tuple[str | None, str, str | None]] = msgspec.field(
        default_factory=set[tuple[str | None, str, str | None]]
    )

    def __post_init__(self) -> None:
        self.tables = self.tables or {name: [] for name in self.schemas}

    @property
    def schemas(self) -> Mapping[str, Mapping[str, pl.DataType]]:
        """Tables and their columns, those of the detail included."""
        return {**TABLES, **(self.detail.tables if self.detail else {})}

    def wants(self, kind: str, group: str) -> bool:
        """Whether objects of the kind have rows."""
        return paths.is_used(kind, group) or (self.detail is not None and kind in self.detail.kinds)

    def extend(self, others: Rows) -> None:
        """Add rows that were gathered elsewhere; their ids follow on those that are here."""
        self.next = max(self.next, others.next)
        self.kinds |= others.kinds
        for name, rows in others.tables.items():
            self.tables[name] += rows

    def add(self, found: Found, file: str) -> None:
        """The rows of one object."""
        metadata = getattr(found.value, "metadata", None) or _NAMELESS
        policy_cells = POLICY_CELLS.get(found.kind)
        number = self.next
        self.next += 1
        self.tables["objects"].append(
            (
                number,
                found.kind,
                found.group,
                metadata.namespace,
                metadata.name,
                file,
                found.empty,
                *(policy_cells(found.value) if policy_cells else _NO_POLICY),
                found.fault,
            )
        )
        if not isinstance(found.value, kube.Pod):
            owners = at(metadata, "owner_references") or ()
            self.tables["owners"].extend((number, each.kind, each.name) for each in owners)
        match found.value:
            case kube.Pod():
                self._add_pod(number, found.value)
            case kube.Workload():
                self._add_workload(number, found.kind, found.value)
            case _:
                self._add_other(number, found.kind, found.value)
        if found.evidence is not None:
            self.tables["texts"].extend((number, *shown) for shown in shown_by(found))
        if found.flags:
            self.tables["texts"].extend((number, "container.flags", flags) for flags in found.flags)
        if self.detail is not None:
            for table, cells in self.detail.rows_of(found):
                self.tables[table].append((number, *cells))

    def frames(self) -> dict[str, pl.LazyFrame]:
        """The tables as frames."""
        return {
            name: pl.LazyFrame(dict(zip(schema, _columns(self.tables[name], len(schema)), strict=True)), schema=schema)
            for name, schema in self.schemas.items()
        }

    def _add_other(self, number: int, kind: str, value: object) -> None:
        texts: list[tuple[str, str]] = []
        if kind == "Service":
            selected: dict[str, str | None] = at(value, "spec.selector") or {}
            self.tables["service_selectors"].extend((number, f"{key}={text}") for key, text in selected.items())
        elif kind == "Namespace":
            texts = [("Namespace:keys", ";".join(labels))] if (labels := at(value, "metadata.labels")) else []
        elif kind == "Node" and not isinstance(value, kube.Plain | None):
            said = [at(value, f"status.nodeInfo.{name}") for name in NODE_INFO]
            amounts = [worth(at(value, f"status.capacity.{name}")) for name in ("cpu", "memory")]
            self.tables["nodes"].append((number, *said, *amounts))
            conditions, taints = at(value, "status.conditions") or (), at(value, "spec.taints") or ()
            texts = [(f"Node:condition.{each.type}", each.reason) for each in conditions if each.reason]
            texts += [("Node:taint", f"{each.key}:{each.effect}") for each in taints]
        self.tables["texts"].extend((number, *text) for text in texts)

    def _add_pod(self, number: int, pod: kube.Pod) -> None:
        metadata = pod.metadata or kube.PodMetadata()
        owners = metadata.owner_references
        phase, spec = pod.status.phase if pod.status else None, pod.spec or kube.PodSpec()
        owner = (owners[0].kind, owners[0].name) if owners else _NOBODY
        for key, text in (metadata.labels or {}).items():
            label = (metadata.namespace, key, text)
            if label not in self._labels:
                self._labels.add(label)
                self.tables["pod_labels"].append((metadata.namespace, f"{key}={text}"))
        self.tables["pods"].append(
            (number, False, 1, None, *owner, spec.node_name, phase, *self._add_template(number, spec, metadata))
        )

    def _add_workload(self, number: int, kind: str, workload: kube.Workload) -> None:
        """A template counts as so many pods as are asked for; a ReplicaSet of a Deployment counts as none."""
        spec, status = workload.spec or kube.WorkloadSpec(), workload.status or kube.WorkloadStatus()
        template = spec.template or kube.Template()
        owned = bool(workload.metadata and workload.metadata.owner_references)
        reported = status.desired_number_scheduled if kind == "DaemonSet" else status.replicas
        weight = reported if kind == "DaemonSet" else 1 if spec.replicas is None else spec.replicas
        if owned and kind == "ReplicaSet":
            weight, reported = 0, None
        cells = self._add_template(number, template.spec or kube.PodSpec(), template.metadata or kube.PodMetadata())
        self.tables["pods"].append((number, True, weight, reported, kind, None, None, None, *cells))

    def _add_template(self, number: int, spec: kube.PodSpec, metadata: kube.PodMetadata) -> Row:
        """Add texts of labels and annotations, and return the cells of the pod's row that say what it is like."""
        labels, annotations = metadata.labels, metadata.annotations
        if labels and not paths.pod_labels().keys().isdisjoint(labels):
            self.tables["texts"].extend(_marked_by_labels(number, labels))
        if annotations is not None and annotations != _NO_ANNOTATIONS:
            self.tables["texts"].extend(_marked_by_annotations(number, annotations))
        redirection = annotations.redirection if annotations else None
        return spec.host_network, redirection, self._shape(number, spec)

    def _shape(self, number: int, spec: kube.PodSpec) -> int:
        """The shape of a pod; rows of one that is not known are added."""
        key = (spec.init_containers, spec.containers, spec.overhead, spec.resources)
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) == MOST_SHAPES:
                self._shapes.clear()
            self._shapes[key] = shape = number
            containers = list(_containers(number, spec))
            self.tables["containers"].extend(containers)
            names = ";".join(row[2] for row in containers) or None
            overhead = _amounts(spec.overhead) if spec.overhead else _NOTHING_ASKED
            self.tables["shapes"].append((number, names, *overhead, *_requests(spec.resources)))
        return shape


def shown_by(found: Found) -> Iterator[tuple[str, str]]:
    """Fields that signatures look at in an object, with their texts."""
    for plan in paths.plans_of(found.kind, at(found.value, "metadata.name"), found.group):
        yield from _shown(plan, found.evidence)


_ROWS_AT_A_TIME = 500
"""Rows that lie in a processor's cache together."""


def _columns(rows: list[Row], width: int) -> list[list[Any]]:
    """Rows turned into columns, some rows at a time: of a large cluster's that is twice as fast as all at once."""
    columns: list[list[Any]] = [[] for _ in range(width)]
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        for column, cells in zip(columns, zip(*rows[start : start + _ROWS_AT_A_TIME], strict=True), strict=True):
            column.extend(cells)
    return columns


_NAMELESS, _NOBODY = kube.Metadata(), (None, None)


_NO_ANNOTATIONS = kube.PodAnnotations()


def _marked_by_labels(number: int, labels: dict[str, str | None]) -> list[Row]:
    """Texts of a pod's labels that signatures look at."""
    fields = paths.pod_labels()
    return [(number, fields[key], text or "") for key, text in labels.items() if key in fields]


def _marked_by_annotations(number: int, annotations: kube.PodAnnotations) -> Iterator[Row]:
    """Texts of a pod's annotations that signatures look at; a point stands for one whose value does not count."""
    for attribute, field_, counts in paths.pod_annotations():
        text = getattr(annotations, attribute)
        if text:
            yield number, field_, text if counts else "."


def _shown(plan: paths.Plan, value: Any) -> Iterator[tuple[str, str]]:
    """Fields of a plan with their texts."""
    for field_, mark in plan.fields:
        yield field_, _text(value, mark)
    for field_, several in plan.together:
        yield field_, ";".join(",".join(_values(value, *reach)) for reach in several)
    for (attribute, many), inner in plan.below:
        for item in _through(getattr(value, attribute), many):
            yield from _shown(inner, item)


def _values(value: Any, steps: tuple[paths.Step, ...], mark: str) -> Iterator[str]:
    """Texts of what stands at the end of the steps."""
    if not steps:
        yield _text(value, mark)
        return
    (attribute, many), *rest = steps
    found = getattr(value, attribute)
    if found is None and mark[:1] == "=" and not any(step[1] for step in steps):
        yield mark[1:]
    for item in _through(found, many):
        yield from _values(item, tuple(rest), mark)


def _through(value: Any, many: str) -> Iterable[Any]:
    """The values to go on with: those of a list or mapping, or the value itself; none where it is missing."""
    if value is None:
        return ()
    return [each for each in value.values() if each is not None] if many == "<>" else value if many else (value,)


_NOTHING = re.compile(r"(?i)(0+(\.0+)?[a-z%]*|false|none|null)?")
"""Text of a value that asks for nothing: empty, zero of any unit, or switched off."""


def _text(value: Any, mark: str) -> str:
    """A value as its text, or as what its mark says of it."""
    match mark:
        case "!":
            return "x"
        case "?" if isinstance(value, dict | list):
            return "x" if value else ""
        case "?":
            return "" if _NOTHING.fullmatch(str(value)) else "x"
        case "#":
            return ";".join(value) if is_mapping(value) else ""
        case _:
            return str(value)


def _containers(shape: int, spec: kube.PodSpec) -> Iterator[Row]:
    """Rows of a pod's containers, init containers first, in their order; of several, which takes a mesh's ports."""
    first, then = spec.init_containers or (), spec.containers or ()
    several = len(first) + len(then) > 1
    roles = ["sidecar" if container.restart_policy == "Always" else "init" for container in first]
    for role, container in zip([*roles, *("app" for _ in then)], (*first, *then), strict=True):
        name, image, ports = container.name, container.image, {port.container_port for port in container.ports or ()}
        takes_ports = several and role == "app" and not kube.PROXY_PORTS.isdisjoint(ports)
        yield shape, role, f"{name}={image}", name, image, takes_ports, *_requests(container.resources)


_NOTHING_ASKED = (None, None)


def _requests(resources: kube.Resources | None) -> tuple[float | None, float | None]:
    """Requested cores and bytes; a limit without a request is the request, as Kubernetes defaults it."""
    if resources is None:
        return _NOTHING_ASKED
    asked, limits = resources.requests, resources.limits
    if asked is None or (limits is not None and (asked.cpu is None or asked.memory is None)):
        asked, limits = asked or kube.Amounts(), limits or kube.Amounts()
        return (
            worth(limits.cpu if asked.cpu is None else asked.cpu),
            worth(limits.memory if asked.memory is None else asked.memory),
        )
    return _amounts(asked)


def _amounts(amounts: kube.Amounts) -> tuple[float | None, float | None]:
    return worth(amounts.cpu), worth(amounts.memory)


PolicyCells = tuple[int | None, int | None, str | None, bool | None]
"""Need of layer 7 (1 or 0; None where needs in use tell), BGP peers, mode of mutual TLS, whether it selects pods."""


_NO_POLICY: PolicyCells = (None, None, None, None)


def cilium_directions(policy: object) -> list[Any]:
    """The ingress and egress rules of a policy of Cilium."""
    rules = filter(None, [at(policy, "spec"), *(at(policy, "specs") or ())])
    return [each for rule in rules for each in (*(rule.ingress or ()), *(rule.egress or ()))]


def _of_cilium(policy: object) -> PolicyCells:
    l7 = [at(port, "rules") for direction in cilium_directions(policy) for port in direction.toPorts or ()]
    return int(any(rule and (rule.http or rule.kafka or rule.l7) for rule in l7)), None, None, None


def _of_rules(policy: object) -> PolicyCells:
    rules = (*(at(policy, "spec.ingress") or ()), *(at(policy, "spec.egress") or ()))
    return int(any(rule.http is not None or rule.l7Protocols for rule in rules)), None, None, None


def _of_routes(service: object) -> PolicyCells:
    return int(bool(at(service, "spec.http"))), None, None, None


def _of_routers(bgp: object) -> PolicyCells:
    if at(bgp, "spec") is None:
        return _NO_POLICY
    routers = (*(at(bgp, "spec.virtualRouters") or ()), *(at(bgp, "spec.bgpInstances") or ()))
    return None, sum(len(router.neighbors or ()) + len(router.peers or ()) for router in routers), None, None


def _of_peers(policy: object) -> PolicyCells:
    spec = at(policy, "spec")
    return None, None, at(spec, "mtls.mode"), None if spec is None else spec.selector is not None


POLICY_CELLS: dict[str, Callable[[object], PolicyCells]] = {
    **dict.fromkeys(("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"), _of_cilium),
    **dict.fromkeys(("NetworkPolicy", "GlobalNetworkPolicy", "ClusterNetworkPolicy"), _of_rules),
    **dict.fromkeys(("CiliumBGPPeeringPolicy", "CiliumBGPClusterConfig"), _of_routers),
    "VirtualService": _of_routes,
    "PeerAuthentication": _of_peers,
}
"""What is read of policies and routes; an object that is not as its kind demands has a fault, and does not count."""


# --- what a pod asks for, as Kubernetes computes it ------------------------------------------------------------------


INVALID = float("nan")
"""Worth of a text that is no quantity: it spreads to every sum that it enters, unlike a missing one."""


@lru_cache(maxsize=2**16)
def worth(amount: str | float | None) -> float | None:
    """What a quantity is worth, None where there is none, NaN for a text that is none. [cores or bytes]"""
    if amount is None:
        return None
    try:
        value = parse_quantity(str(amount))
    except (ValueError, ArithmeticError):
        return INVALID
    return value if value >= 0 else INVALID


def pod_requests(containers: pl.LazyFrame, *resources: str) -> pl.LazyFrame:
    """Requests of each pod's containers together. [cores or bytes]

    A pod needs, for each resource, the larger of two sums::

        running = sum(containers) + sum(sidecars)
        starting = max over init containers of (its request + requests of the sidecars that stand before it)

    A sidecar is an init container with ``restartPolicy: Always``: once started it stays, so that later init
    containers run beside it. Overhead of the runtime class and requests of the pod as a whole are added by the caller.

    Args:
        containers: Columns shape (of the pod), role (app, sidecar, init) and the resources; init containers and
            sidecars in the order in which they start.
        resources: Columns of the requests: 0 where a container asks for nothing.

    Returns:
        Columns shape and the resources.

    Sources: k8s-sidecar-resources (data/sources.csv).
    """
    role = pl.col("role")
    running = containers.filter(role != "init").group_by("shape").agg(pl.sum(*resources))
    at_each_start = {name: pl.when(role == "init").then(pl.col(name) + _sidecars_before(name)) for name in resources}
    starting = (
        containers.filter(role != "app")  # few are left to look back from, which is slow
        .select("shape", **at_each_start)
        .group_by("shape")
        .agg(pl.col(*resources).nan_max())
    )
    return running.join(starting, on="shape", how="full", coalesce=True, suffix=_STARTING).select(
        "shape", *(larger(pl.col(name), pl.col(name + _STARTING)).alias(name) for name in resources)
    )


_STARTING = "_starting"


def _sidecars_before(resource: str) -> pl.Expr:
    return pl.when(pl.col("role") == "sidecar").then(resource).otherwise(0.0).cum_sum().over("shape")


def larger(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """The larger of two sums, or the one that there is; NaN, an unreadable quantity, stays NaN."""
    return pl.when(one.is_nan() | other.is_nan()).then(INVALID).otherwise(pl.max_horizontal(one, other))
