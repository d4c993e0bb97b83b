"""Objects become rows of what the audit looks at beside the facts: labels, selectors, modes, patches, times.

As in ``meshlab.cluster.facts.columns``, a row's ``id`` is the object's place among all objects read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import polars as pl

from meshlab.cluster.facts import objects as kube
from meshlab.cluster.facts.columns import FLAG, NUMBER, TEXT, Detail, cilium_directions
from meshlab.cluster.facts.forms import Found
from meshlab.cluster.facts.objects import at
from meshlab.tables import read_table

TABLES: dict[str, dict[str, pl.DataType]] = {
    "labels": {"id": NUMBER, "key": TEXT, "value": TEXT},
    "selectors": {"id": NUMBER, "key": TEXT, "value": TEXT},
    "targets": {"id": NUMBER, "target": TEXT},
    "pod_details": {
        "id": NUMBER,
        "grace_seconds": NUMBER,
        "local_storage": FLAG,
        "static": FLAG,
        "istio_annotation": TEXT,
        "linkerd_annotation": TEXT,
    },
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
    "destinations": {"id": NUMBER, **dict.fromkeys(("host", "client_mode", "client_port"), TEXT)},
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
    return Detail(TABLES, frozenset({*kube.DECODED, *kinds_table()["kind"]}), _rows)


def _rows(found: Found) -> Iterator[Row]:
    if found.kind in ROWS_OF and not isinstance(found.value, kube.Plain | None):
        yield from ROWS_OF[found.kind](found.value)
    created = at(found.value, "metadata.creationTimestamp")
    if created is not None:
        yield "times", (created,)


def _pod(pod: kube.Pod) -> Iterator[Row]:
    metadata, spec = pod.metadata or kube.PodMetadata(), pod.spec or kube.PodSpec()
    annotations = metadata.annotations or kube.PodAnnotations()
    yield from _labels("labels", metadata.labels)
    yield (
        "pod_details",
        (
            spec.termination_grace_period_seconds,
            any(volume.empty_dir is not None for volume in spec.volumes or ()),
            annotations.mirror is not None,
            annotations.istio,
            annotations.linkerd,
        ),
    )


def _node(node: object) -> Iterator[Row]:
    yield "providers", ((at(node, "spec.providerID") or "").partition("://")[0] or None,)
    cpu, memory = (_text(at(node, f"status.allocatable.{name}")) for name in ("cpu", "memory"))
    yield "machines", (cpu, memory, bool(at(node, "spec.unschedulable")))
    yield "ranges", (at(node, "spec.podCIDR"),)
    for condition in at(node, "status.conditions") or ():
        yield "times", (condition.lastHeartbeatTime,)


def _budget(budget: object) -> Iterator[Row]:
    labels, expressions = (at(budget, f"spec.selector.{name}") for name in ("matchLabels", "matchExpressions"))
    yield from _labels("selectors", labels)
    yield (
        "budgets",
        (
            _text(at(budget, "spec.minAvailable")),
            _text(at(budget, "spec.maxUnavailable")),
            at(budget, "status.disruptionsAllowed"),
            bool(expressions),
            at(budget, "spec.selector") is not None and not expressions and not labels,
        ),
    )


def _address_pool(pool: object) -> Iterator[Row]:
    yield "ranges", (at(pool, "spec.cidr"),)


def _namespace(namespace: object) -> Iterator[Row]:
    yield from _labels("labels", at(namespace, "metadata.labels"))
    yield "namespaces", (at(namespace, "metadata.annotations.linkerd"),)


def _service(service: object) -> Iterator[Row]:
    yield from _labels("labels", at(service, "metadata.labels"))
    yield from _labels("selectors", at(service, "spec.selector"))
    yield "services", (at(service, "spec.type") or "ClusterIP",)


def _network_policy(policy: object) -> Iterator[Row]:
    labels, expressions = (at(policy, f"spec.podSelector.{name}") for name in ("matchLabels", "matchExpressions"))
    types = at(policy, "spec.policyTypes") or ("Ingress", "Egress" if at(policy, "spec.egress") else None)
    yield from _labels("selectors", labels)
    yield "policies", ("Ingress" in types, "Egress" in types, bool(expressions), not expressions and not labels)


def _peer_authentication(policy: object) -> Iterator[Row]:
    yield from _selected(at(policy, "spec.selector"))
    yield "peers", (_mode(at(policy, "spec.mtls")), None)
    of_ports: dict[str, Any] = at(policy, "spec.portLevelMtls") or {}
    for port, mtls in of_ports.items():
        yield "peers", (_mode(mtls), port)


def _destination_rule(rule: object) -> Iterator[Row]:
    subsets = at(rule, "spec.subsets") or ()
    yield "subsets", (len(subsets),)
    for traffic in filter(None, (at(rule, "spec.trafficPolicy"), *(subset.trafficPolicy for subset in subsets))):
        for of in (traffic, *(traffic.portLevelSettings or ())):
            port = _integer(at(of, "port.number"))
            if of.tls is not None:
                mode = (of.tls.mode or "DISABLE").upper()
                yield "destinations", (at(rule, "spec.host"), mode, None if port is None else str(port))


def _envoy_filter(envoy_filter: object) -> Iterator[Row]:
    yield from _selected(at(envoy_filter, "spec.workloadSelector"))
    yield from _targets(at(envoy_filter, "spec.targetRefs"))
    priority = _integer(at(envoy_filter, "spec.priority"))
    for patch in at(envoy_filter, "spec.configPatches") or ():
        context, operation = at(patch, "match.context") or "ANY", at(patch, "patch.operation") or ""
        yield "patches", (priority, patch.applyTo, context.upper(), operation.upper())


def _sidecar(sidecar: object) -> Iterator[Row]:
    yield from _selected(at(sidecar, "spec.workloadSelector"))
    for egress in at(sidecar, "spec.egress") or ():
        for host in egress.hosts or ():
            yield "scopes", (host,)


def _targeted(policy: object) -> Iterator[Row]:
    yield from _selected(at(policy, "spec.selector"))
    yield from _targets([*(at(policy, "spec.targetRefs") or ()), *filter(None, [at(policy, "spec.targetRef")])])


def _authorization_policy(policy: object) -> Iterator[Row]:
    yield from _targeted(policy)
    yield "actions", ((at(policy, "spec.action") or "ALLOW").upper(),)


def _virtual_service(service: object) -> Iterator[Row]:
    gateways = at(service, "spec.gateways")
    yield "routes", (gateways is None or "mesh" in gateways,)


def _cilium_policy(policy: object) -> Iterator[Row]:
    for direction in cilium_directions(policy):
        if direction.authentication is not None:
            yield "authentications", (direction.authentication.mode,)


def _certificate(certificate: object) -> Iterator[Row]:
    conditions = {condition.type: condition for condition in at(certificate, "status.conditions") or ()}
    ends, renewed = at(certificate, "status.notAfter"), at(certificate, "status.renewalTime")
    yield "certificates", (ends, renewed, at(conditions.get("Ready"), "status"))
    for condition in conditions.values():
        yield "times", (condition.lastTransitionTime,)


def _lease(lease: object) -> Iterator[Row]:
    yield "times", (at(lease, "spec.renewTime"),)


ROWS_OF: dict[str, Callable[[Any], Iterator[Row]]] = {
    "Pod": _pod,
    "Node": _node,
    "PodDisruptionBudget": _budget,
    "IPPool": _address_pool,
    "Namespace": _namespace,
    "Service": _service,
    **dict.fromkeys(("NetworkPolicy", "GlobalNetworkPolicy", "ClusterNetworkPolicy"), _network_policy),
    "PeerAuthentication": _peer_authentication,
    "DestinationRule": _destination_rule,
    "EnvoyFilter": _envoy_filter,
    "Sidecar": _sidecar,
    "AuthorizationPolicy": _authorization_policy,
    "VirtualService": _virtual_service,
    **dict.fromkeys(("WasmPlugin", "RequestAuthentication"), _targeted),
    **dict.fromkeys(("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"), _cilium_policy),
    "Certificate": _certificate,
    "Lease": _lease,
}
"""Rows of an object by its kind; there are none of one that is not as its kind demands."""


# --- parts ---------------------------------------------------------------------------------------------------------


def _labels(table: str, labels: Mapping[str, str | None] | None) -> Iterator[Row]:
    for key, value in (labels or {}).items():
        yield table, (key, value)


def _selected(selector: Any) -> Iterator[Row]:
    if selector is not None:
        yield from _labels("selectors", {**(selector.labels or {}), **(selector.matchLabels or {})})


def _targets(targets: Iterable[Any] | None) -> Iterator[Row]:
    for target in targets or ():
        yield "targets", (f"{target.kind}/{target.name}",)


def _mode(mtls: object) -> str:
    return (at(mtls, "mode") or "UNSET").upper()


def _text(amount: object) -> str | None:
    return None if amount is None else str(amount)


def _integer(number: str | int | None) -> int | None:
    try:
        return None if number is None else int(number)
    except ValueError:
        return None
