"""Objects become rows of what the audit looks at beyond the facts: labels, selectors, modes, patches, switches.

As in ``meshlab.cluster.facts.columns``, a row's ``id`` is the object's place among all objects read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, singledispatch
from typing import Any

import polars as pl

from meshlab.cluster.facts import objects as kube
from meshlab.cluster.facts import settings
from meshlab.cluster.facts.columns import Detail
from meshlab.cluster.facts.forms import Found
from meshlab.tables import read_table

TEXT, NUMBER, FLAG = pl.String(), pl.Int64(), pl.Boolean()

TABLES: dict[str, dict[str, pl.DataType]] = {
    "labels": {"id": NUMBER, "key": TEXT, "value": TEXT},
    "selectors": {"id": NUMBER, "key": TEXT, "value": TEXT},
    "targets": {"id": NUMBER, "target": TEXT},
    "pods": {
        "id": NUMBER,
        "owner_kind": TEXT,
        "phase": TEXT,
        "host_network": FLAG,
        "owner": TEXT,
        "node": TEXT,
        "grace_seconds": NUMBER,
        "local_storage": FLAG,
        "static": FLAG,
        "redirection": TEXT,
        "istio_annotation": TEXT,
        "linkerd_annotation": TEXT,
    },
    "containers": {"id": NUMBER, "template": FLAG, "role": TEXT, "container": TEXT, "image": TEXT},
    "namespaces": {"id": NUMBER, "linkerd_annotation": TEXT},
    "providers": {"id": NUMBER, "provider": TEXT},
    "machines": {"id": NUMBER, "allocatable_cpu": TEXT, "allocatable_memory": TEXT, "closed": FLAG},
    "ranges": {"id": NUMBER, "cidr": TEXT},
    "budgets": {
        "id": NUMBER,
        "min_available": TEXT,
        "max_unavailable": TEXT,
        "allowed": NUMBER,
        "expressions": FLAG,
        "everything": FLAG,
    },
    "policies": {"id": NUMBER, "ingress": FLAG, "egress": FLAG, "expressions": FLAG, "everything": FLAG},
    "services": {"id": NUMBER, "type": TEXT},
    "peers": {"id": NUMBER, "mode": TEXT, "port": TEXT},
    "destinations": {"id": NUMBER, "host": TEXT, "client_mode": TEXT},
    "subsets": {"id": NUMBER, "subsets": NUMBER},
    "patches": {"id": NUMBER, "priority": NUMBER, "apply_to": TEXT, "context": TEXT, "operation": TEXT},
    "scopes": {"id": NUMBER, "host": TEXT},
    "routes": {"id": NUMBER, "mesh": FLAG},
    "actions": {"id": NUMBER, "action": TEXT},
    "authentications": {"id": NUMBER, "mode": TEXT},
    "certificates": {"id": NUMBER, "not_after": TEXT, "renewal_time": TEXT, "ready": TEXT},
    "times": {"id": NUMBER, "time": TEXT},
}
"""Tables and their columns."""

Row = tuple[str, tuple[Any, ...]]
"""A table, and the cells of one of its rows after the id."""


@cache
def kinds_table() -> pl.DataFrame:
    """Kinds that the audit looks at, with their API groups."""
    return read_table("audit/kinds").select("kind", "group")


@cache
def detail() -> Detail:
    """What the audit gathers beside the facts."""
    return Detail(TABLES, frozenset({*settings.DECODED, *kinds_table()["kind"]}), _rows)


def _rows(found: Found) -> Iterator[Row]:
    yield from rows_of(found.value)
    created = getattr(getattr(found.value, "metadata", None), "creation_timestamp", None)
    if created is not None:
        yield "times", (created,)


@singledispatch
def rows_of(_value: object) -> Iterator[Row]:
    """Rows of one object, by its type; none of a type that the audit does not look into."""
    yield from ()


@rows_of.register
def _(pod: kube.Pod) -> Iterator[Row]:
    metadata, spec = pod.metadata or kube.PodMetadata(), pod.spec or kube.PodSpec()
    owners = metadata.owner_references
    annotations = metadata.annotations or kube.PodAnnotations()
    yield from _labels("labels", metadata.labels)
    yield from _containers(spec, template=False)
    yield (
        "pods",
        (
            owners[0].kind if owners else None,
            pod.status.phase if pod.status else None,
            bool(spec.host_network),
            owners[0].name if owners else None,
            spec.node_name,
            spec.termination_grace_period_seconds,
            any(volume.empty_dir is not None for volume in spec.volumes or ()),
            annotations.mirror is not None,
            annotations.redirection,
            annotations.istio,
            annotations.linkerd,
        ),
    )


@rows_of.register
def _(workload: kube.Workload) -> Iterator[Row]:
    template = workload.spec.template if workload.spec else None
    yield from _containers((template and template.spec) or kube.PodSpec(), template=True)


@rows_of.register
def _(node: kube.Node) -> Iterator[Row]:
    provider = (node.spec.provider_id if node.spec else None) or ""
    yield "providers", (provider.partition("://")[0] or None,)
    spec, allocatable = node.spec or kube.NodeSpec(), (node.status and node.status.allocatable) or kube.Amounts()
    yield (
        "machines",
        (
            None if allocatable.cpu is None else str(allocatable.cpu),
            None if allocatable.memory is None else str(allocatable.memory),
            bool(spec.unschedulable),
        ),
    )
    yield "ranges", (spec.pod_cidr,)
    for condition in (node.status.conditions if node.status else None) or ():
        yield "times", (condition.last_heartbeat_time,)


@rows_of.register
def _(budget: settings.PodDisruptionBudget) -> Iterator[Row]:
    spec, status = budget.spec or settings.BudgetSpec(), budget.status or settings.BudgetStatus()
    selector = spec.selector or kube.LabelSelector()
    expressions = bool(selector.match_expressions)
    yield from _labels("selectors", selector.match_labels)
    yield (
        "budgets",
        (
            None if spec.min_available is None else str(spec.min_available),
            None if spec.max_unavailable is None else str(spec.max_unavailable),
            status.disruptions_allowed,
            expressions,
            spec.selector is not None and not expressions and not selector.match_labels,
        ),
    )


@rows_of.register
def _(pool: settings.IpPool) -> Iterator[Row]:
    yield "ranges", (pool.spec.cidr if pool.spec else None,)


@rows_of.register
def _(namespace: settings.Namespace) -> Iterator[Row]:
    metadata = namespace.metadata or settings.Metadata()
    yield from _labels("labels", metadata.labels)
    yield "namespaces", (metadata.annotations.linkerd if metadata.annotations else None,)


@rows_of.register
def _(service: settings.Service) -> Iterator[Row]:
    spec = service.spec or settings.ServiceSpec()
    yield from _labels("labels", service.metadata.labels if service.metadata else None)
    yield from _labels("selectors", spec.selector)
    yield "services", (spec.type or "ClusterIP",)


@rows_of.register
def _(policy: kube.NetworkPolicy) -> Iterator[Row]:
    spec = policy.spec or kube.PolicySpec()
    selector = spec.pod_selector or kube.LabelSelector()
    types = spec.policy_types or ("Ingress", "Egress" if spec.egress else None)
    expressions = bool(selector.match_expressions)
    yield from _labels("selectors", selector.match_labels)
    yield (
        "policies",
        ("Ingress" in types, "Egress" in types, expressions, not expressions and not selector.match_labels),
    )


@rows_of.register
def _(policy: kube.PeerAuthentication) -> Iterator[Row]:
    spec = policy.spec or kube.PeerSpec()
    yield from _selected(spec.selector)
    yield "peers", (_mode(spec.mtls), None)
    for port, mtls in (spec.port_level_mtls or {}).items():
        yield "peers", (_mode(mtls), port)


@rows_of.register
def _(rule: settings.DestinationRule) -> Iterator[Row]:
    spec = rule.spec or settings.DestinationSpec()
    yield "subsets", (len(spec.subsets or ()),)
    for traffic in (spec.traffic_policy, *(subset.traffic_policy for subset in spec.subsets or ())):
        if traffic is not None:
            ports = (port.tls for port in traffic.port_level_settings or ())
            for tls in filter(None, (traffic.tls, *ports)):
                yield "destinations", (spec.host, (tls.mode or "DISABLE").upper())


@rows_of.register
def _(envoy_filter: settings.EnvoyFilter) -> Iterator[Row]:
    spec = envoy_filter.spec or settings.EnvoyFilterSpec()
    yield from _selected(spec.workload_selector)
    yield from _targets(spec.target_refs)
    for patch in spec.config_patches or ():
        match, operation = patch.match or settings.PatchMatch(), patch.patch or settings.PatchOperation()
        context = (match.context or "ANY").upper()
        yield "patches", (_integer(spec.priority), patch.apply_to, context, (operation.operation or "").upper())


@rows_of.register
def _(sidecar: settings.Sidecar) -> Iterator[Row]:
    spec = sidecar.spec or settings.SidecarSpec()
    yield from _selected(spec.workload_selector)
    for egress in spec.egress or ():
        for host in egress.hosts or ():
            yield "scopes", (host,)


@rows_of.register
def _(policy: kube.AuthorizationPolicy) -> Iterator[Row]:
    spec = policy.spec or kube.AuthorizationSpec()
    yield from _selected(spec.selector)
    yield from _targets([*(spec.target_refs or ()), *filter(None, [spec.target_ref])])
    yield "actions", ((spec.action or "ALLOW").upper(),)


@rows_of.register
def _(service: kube.VirtualService) -> Iterator[Row]:
    gateways = service.spec.gateways if service.spec else None
    yield "routes", (gateways is None or "mesh" in gateways,)


@rows_of.register
def _(targeted: settings.Targeted) -> Iterator[Row]:
    spec = targeted.spec or settings.TargetedSpec()
    yield from _selected(spec.selector)
    yield from _targets([*(spec.target_refs or ()), *filter(None, [spec.target_ref])])


@rows_of.register
def _(policy: kube.CiliumPolicy) -> Iterator[Row]:
    rules = filter(None, [policy.spec, *(policy.specs or ())])
    for direction in (item for rule in rules for item in (*(rule.ingress or ()), *(rule.egress or ()))):
        if direction.authentication is not None:
            yield "authentications", (direction.authentication.mode,)


@rows_of.register
def _(certificate: settings.Certificate) -> Iterator[Row]:
    status = certificate.status or settings.CertificateStatus()
    conditions = {condition.type: condition for condition in status.conditions or ()}
    ready = conditions.get("Ready")
    yield "certificates", (status.not_after, status.renewal_time, ready.status if ready else None)
    for condition in conditions.values():
        yield "times", (condition.last_transition_time,)


@rows_of.register
def _(lease: settings.Lease) -> Iterator[Row]:
    yield "times", (lease.spec.renew_time if lease.spec else None,)


# --- parts ---------------------------------------------------------------------------------------------------------


def _labels(table: str, labels: dict[str, str | None] | None) -> Iterator[Row]:
    for key, value in (labels or {}).items():
        yield table, (key, value)


def _selected(selector: kube.WorkloadSelector | None) -> Iterator[Row]:
    if selector is not None:
        yield from _labels("selectors", {**(selector.labels or {}), **(selector.match_labels or {})})


def _targets(targets: list[kube.TargetRef] | None) -> Iterator[Row]:
    for target in targets or ():
        yield "targets", (f"{target.kind}/{target.name}",)


def _containers(spec: kube.PodSpec, *, template: bool) -> Iterator[Row]:
    for container in spec.init_containers or ():
        role = "sidecar" if container.restart_policy == "Always" else "init"
        yield "containers", (template, role, container.name, container.image)
    for container in spec.containers or ():
        yield "containers", (template, "app", container.name, container.image)


def _mode(mtls: kube.MutualTls | None) -> str:
    return ((mtls.mode if mtls else None) or "UNSET").upper()


def _integer(number: str | int | None) -> int | None:
    try:
        return None if number is None else int(number)
    except ValueError:
        return None
