"""The fields of kinds that say how a network is set up, which only the audit reads.

As in ``objects.py``, what these types do not name is never built. Nothing here holds any part of a Secret; of config
maps only the switches of ``data/audit/switches.csv`` are read.
"""

from __future__ import annotations

import msgspec

from meshlab.cluster.facts.objects import (
    TYPES,
    Count,
    LabelSelector,
    Object,
    TargetRef,
    Text,
    WorkloadSelector,
)

Number = str | int | None


class NamespaceAnnotations(msgspec.Struct, gc=False):
    """The annotation by which a namespace asks for Linkerd's proxy."""

    linkerd: Text = msgspec.field(default=None, name="linkerd.io/inject")


class Metadata(msgspec.Struct, gc=False, rename="camel"):
    """Name, place, labels and age of an object."""

    name: Text = None
    namespace: Text = None
    labels: dict[str, Text] | None = None
    annotations: NamespaceAnnotations | None = None
    creation_timestamp: Text = None


class Dated(Object, gc=False):
    """An object of which nothing but its name and age is read by a type."""

    metadata: Metadata | None = None


class Namespace(Object, gc=False):
    """A namespace, with the labels that enrol its pods in a mesh."""

    metadata: Metadata | None = None


class ServiceSpec(msgspec.Struct, gc=False):
    """How a Service is reached, and which pods stand behind it."""

    type: Text = None
    selector: dict[str, Text] | None = None


class Service(Object, gc=False):
    """A Service."""

    metadata: Metadata | None = None
    spec: ServiceSpec | None = None


class ClientTls(msgspec.Struct, gc=False):
    """How a client's proxy opens a connection."""

    mode: Text = None


class PortTraffic(msgspec.Struct, gc=False):
    """Settings of a DestinationRule for one port."""

    tls: ClientTls | None = None


class Traffic(msgspec.Struct, gc=False, rename="camel"):
    """Settings of a DestinationRule for connections to a host."""

    tls: ClientTls | None = None
    port_level_settings: list[PortTraffic] | None = None


class Subset(msgspec.Struct, gc=False, rename="camel"):
    """A part of a host's endpoints with settings of its own."""

    traffic_policy: Traffic | None = None


class DestinationSpec(msgspec.Struct, gc=False, rename="camel"):
    """The host that a DestinationRule is for, and its settings."""

    host: Text = None
    traffic_policy: Traffic | None = None
    subsets: list[Subset] | None = None


class DestinationRule(Object, gc=False):
    """Istio's settings of the calling side."""

    metadata: Metadata | None = None
    spec: DestinationSpec | None = None


class PatchMatch(msgspec.Struct, gc=False):
    """Where in a proxy's configuration a patch goes."""

    context: Text = None


class PatchOperation(msgspec.Struct, gc=False):
    """What a patch does; its value is not read."""

    operation: Text = None


class ConfigPatch(msgspec.Struct, gc=False, rename="camel"):
    """One patch of Envoy's configuration."""

    apply_to: Text = None
    match: PatchMatch | None = None
    patch: PatchOperation | None = None


class EnvoyFilterSpec(msgspec.Struct, gc=False, rename="camel"):
    """Patches and the workloads that they are for."""

    workload_selector: WorkloadSelector | None = None
    target_refs: list[TargetRef] | None = None
    priority: Number = None
    config_patches: list[ConfigPatch] | None = None


class EnvoyFilter(Object, gc=False):
    """Istio's patches of the proxy's configuration."""

    metadata: Metadata | None = None
    spec: EnvoyFilterSpec | None = None


class Egress(msgspec.Struct, gc=False):
    """Hosts that a Sidecar's workloads are configured for."""

    hosts: list[str] | None = None


class SidecarSpec(msgspec.Struct, gc=False, rename="camel"):
    """Which workloads are configured for which hosts."""

    workload_selector: WorkloadSelector | None = None
    egress: list[Egress] | None = None


class Sidecar(Object, gc=False):
    """Istio's scope of what a proxy is configured for."""

    metadata: Metadata | None = None
    spec: SidecarSpec | None = None


class TargetedSpec(msgspec.Struct, gc=False, rename="camel"):
    """What a WasmPlugin or RequestAuthentication is attached to."""

    selector: WorkloadSelector | None = None
    target_refs: list[TargetRef] | None = None
    target_ref: TargetRef | None = None


class Targeted(Object, gc=False):
    """A WasmPlugin or RequestAuthentication."""

    metadata: Metadata | None = None
    spec: TargetedSpec | None = None


class CertificateCondition(msgspec.Struct, gc=False, rename="camel"):
    """A condition of a Certificate."""

    type: Text = None
    status: Text = None
    last_transition_time: Text = None


class CertificateStatus(msgspec.Struct, gc=False, rename="camel"):
    """How long a Certificate holds. The certificate itself is in a Secret and never read."""

    not_after: Text = None
    renewal_time: Text = None
    conditions: list[CertificateCondition] | None = None


class Certificate(Object, gc=False):
    """A Certificate of cert-manager."""

    metadata: Metadata | None = None
    status: CertificateStatus | None = None


class LeaseSpec(msgspec.Struct, gc=False, rename="camel"):
    """When a Lease was renewed: the cluster's own clock."""

    renew_time: Text = None


class Lease(Object, gc=False):
    """A Lease."""

    metadata: Metadata | None = None
    spec: LeaseSpec | None = None


class BudgetSpec(msgspec.Struct, gc=False, rename="camel"):
    """How many of which pods have to stay, or may go."""

    min_available: Number = None
    max_unavailable: Number = None
    selector: LabelSelector | None = None


class BudgetStatus(msgspec.Struct, gc=False, rename="camel"):
    """How many pods may go at the moment."""

    disruptions_allowed: Count | None = None


class PodDisruptionBudget(Object, gc=False):
    """A limit on how many pods may be evicted at a time."""

    metadata: Metadata | None = None
    spec: BudgetSpec | None = None
    status: BudgetStatus | None = None


class IpPoolSpec(msgspec.Struct, gc=False):
    """Addresses of Calico's pods."""

    cidr: Text = None


class IpPool(Object, gc=False):
    """A pool of addresses of Calico's."""

    metadata: Metadata | None = None
    spec: IpPoolSpec | None = None


SETTINGS: dict[str, type[Object]] = {
    "Namespace": Namespace,
    "Service": Service,
    "DestinationRule": DestinationRule,
    "EnvoyFilter": EnvoyFilter,
    "Sidecar": Sidecar,
    "WasmPlugin": Targeted,
    "RequestAuthentication": Targeted,
    "Certificate": Certificate,
    "Lease": Lease,
    "PodDisruptionBudget": PodDisruptionBudget,
    "IPPool": IpPool,
    **dict.fromkeys(("Gateway", "FelixConfiguration", "BGPConfiguration", "ConfigMap"), Dated),
}
"""Type of each kind that facts do not look into and the audit does."""

DECODED: dict[str, type[Object]] = {**SETTINGS, **TYPES}
"""Type of each kind that facts or the audit look into; all others are Plain."""
