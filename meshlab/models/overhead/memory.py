"""Memory of one instance of each component, as expressions. [MiB]

Every function takes the coefficients ``c`` first and gives MiB of one instance, so that the same equation serves
a cluster's estimate and a published measurement of one proxy.
"""

from __future__ import annotations

from meshlab.models.overhead.coefficients import Coefficients, Value


def configuration(c: Coefficients, services: Value, endpoints: Value | None = None) -> Value:
    """What an Envoy holds of the Services that it knows. [MiB]

    (services * service + endpoints * endpoint) * the cluster's own size of a Service: ports, routes and policies of a
    Service differ between clusters more than the rest of a proxy does.

    Args:
        c: Coefficients.
        services: Services that the proxy is configured for. [count]
        endpoints: Endpoints of those services; none where they are few beside services. [count]

    Sources: S01, S17, S18, T02 (data/sources.csv).
    """
    known = c["sidecar_service_mib"] * services
    if endpoints is not None:
        known = known + c["sidecar_endpoint_mib"] * endpoints
    return known * c["configuration_memory_spread"]


def sidecar(c: Coefficients, services: Value, endpoints: Value, connections: Value) -> Value:
    """Envoy and pilot-agent beside one pod. [MiB]

    base + configuration + connection ends held. The configuration is the driver: an unscoped sidecar in a cluster of
    2000 pods holds six times a scoped one.

    Args:
        c: Coefficients.
        services: Services that the proxy is configured for. [count]
        endpoints: Endpoints of those services. [count]
        connections: Connections that end at the proxy, either side. [count]

    Sources: R03, R07, R09, S01, S02, S06, S17, S18 (data/sources.csv).
    """
    return (
        c["sidecar_base_mib"] + configuration(c, services, endpoints) + c["sidecar_connection_mib"] * connections
    ) * c["sidecar_memory_spread"]


def envoy(c: Coefficients, kind: str, services: Value, connections: Value) -> Value:
    """An Envoy that is no sidecar: a base of its kind, and few endpoints beside its services. [MiB]

    Args:
        c: Coefficients.
        kind: ``waypoint``, one replica of a namespace's; or ``gateway``, a plain Envoy without a mesh's agent, which no
            data plane runs: it informs what all Envoys share.
        services: Services that it is configured for: a waypoint for the namespace's. [count]
        connections: Connections that end at it, either side. [count]

    Sources: S01, S11 for waypoints, T02 for a plain Envoy (data/sources.csv).
    """
    base = c["sidecar_base_mib"] * c[f"{kind}_base_factor"]
    return (base + configuration(c, services) + c["sidecar_connection_mib"] * connections) * c[f"{kind}_memory_spread"]


def node_envoy(c: Coefficients) -> Value:
    """Cilium's Envoy of one node, which handles layer 7. [MiB] A prior beside what all Envoys share."""
    return c["sidecar_base_mib"] * c["node_envoy_base_factor"] * c["node_envoy_memory_spread"]


def ztunnel(c: Coefficients, pods: Value, connections: Value) -> Value:
    """Ambient's proxy of one node: it knows every pod of the cluster. [MiB]

    Args:
        c: Coefficients.
        pods: Pods of the cluster. [count]
        connections: Connections through this ztunnel. [count]

    Sources: S01, S11, S19, S28 (data/sources.csv).
    """
    return (c["ztunnel_base_mib"] + c["ztunnel_pod_mib"] * pods + c["ztunnel_connection_mib"] * connections) * c[
        "ztunnel_memory_spread"
    ]


def istiod(c: Coefficients, replicas: Value, pods: Value) -> Value:
    """All replicas of istiod together, without what they hold for sidecars. [MiB]

    replicas * base + pods in the registry. Ambient's proxies (one a node) are few beside pods, and what istiod holds
    for them is the registry.

    Args:
        c: Coefficients.
        replicas: Replicas of istiod. [count]
        pods: Pods in the registry, with a sidecar or without. [count]

    Sources: S01, S11 (data/sources.csv).
    """
    return (c["istiod_base_mib"] * replicas + c["istiod_pod_mib"] * pods) * c["istiod_memory_spread"]


def istiod_sidecars(c: Coefficients, sidecars: Value, config_services: Value) -> Value:
    """What istiod holds for the sidecars that are connected to it. [MiB]

    sidecars * (state + services pushed to each). Connections are spread over the replicas, so they count once.

    Args:
        c: Coefficients.
        sidecars: Sidecars connected to all replicas. [count]
        config_services: Services pushed to each sidecar. [count]

    Sources: S01, S05 (data/sources.csv).
    """
    return (c["istiod_sidecar_mib"] + c["istiod_config_mib"] * config_services) * sidecars * c["istiod_memory_spread"]


def linkerd_proxy(c: Coefficients, connections: Value) -> Value:
    """Linkerd's proxy beside one pod: it looks destinations up on demand, so its cluster's size does not enter. [MiB]

    Sources: S07, S11 (data/sources.csv).
    """
    return (c["linkerd_base_mib"] + c["linkerd_connection_mib"] * connections) * c["linkerd_memory_spread"]


def linkerd_control_plane(c: Coefficients, replicas: Value, pods: Value) -> Value:
    """All replicas of destination, identity and injector together. [MiB]

    Sources: S11 (data/sources.csv).
    """
    return (c["linkerd_control_base_mib"] * replicas + c["linkerd_control_pod_mib"] * pods) * c[
        "linkerd_control_memory_spread"
    ]


def cilium_agent(c: Coefficients, pods: Value, services: Value, policies: Value) -> Value:
    """Cilium's agent of one node, without its maps. [MiB]

    Args:
        c: Coefficients.
        pods: Pods of the cluster. [count]
        services: Services of the cluster. [count]
        policies: Network policies of the cluster. [count]

    Sources: R04, S20, S21, T06 (data/sources.csv).
    """
    return (
        c["cilium_agent_base_mib"]
        + c["cilium_agent_pod_mib"] * pods
        + c["cilium_agent_service_mib"] * services
        + c["cilium_agent_policy_mib"] * policies
    ) * c["cilium_agent_memory_spread"]


def ebpf_maps(c: Coefficients, node_memory_gib: Value) -> Value:
    """Kernel memory of Cilium's maps on one node, beside the agent. [MiB]

    Some maps have fixed sizes; connection tracking and NAT are sized as a share of the node's memory.

    Sources: R04, S-CIL-TUNE (data/sources.csv).
    """
    return (c["cilium_map_base_mib"] + c["cilium_map_share"] * 1024.0 * node_memory_gib) * c["ebpf_maps_memory_spread"]
