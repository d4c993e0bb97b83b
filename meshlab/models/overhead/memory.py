"""Memory of one instance of each component, as expressions. [MiB]

Every function takes the coefficients ``c`` first and gives MiB of one instance, so that the same equation serves
a cluster's estimate and a published measurement of one proxy.
"""

from __future__ import annotations

from meshlab.models.overhead.coefficients import Coefficients, Value


def sidecar(c: Coefficients, services: Value, endpoints: Value, connections: Value) -> Value:
    """Envoy and pilot-agent beside one pod. [MiB]

    base + services known + endpoints known + connection ends held. The configuration is the driver: an unscoped
    sidecar in a cluster of 2000 pods holds six times a scoped one.

    Args:
        c: Coefficients.
        services: Services that the proxy is configured for. [count]
        endpoints: Endpoints of those services. [count]
        connections: Connections that end at the proxy, either side. [count]

    Sources: S02, S05, S06, S17, S18 (data/sources.csv).
    """
    return (
        c["sidecar_base_mib"]
        + c["sidecar_service_mib"] * services
        + c["sidecar_endpoint_mib"] * endpoints
        + c["sidecar_connection_mib"] * connections
    )


def ztunnel(c: Coefficients, pods: Value, connections: Value) -> Value:
    """Ambient's proxy of one node: it knows every pod of the cluster. [MiB]

    Args:
        c: Coefficients.
        pods: Pods of the cluster. [count]
        connections: Connections through this ztunnel. [count]

    Sources: S01, S11, S19, S28 (data/sources.csv).
    """
    return c["ztunnel_base_mib"] + c["ztunnel_pod_mib"] * pods + c["ztunnel_connection_mib"] * connections


def waypoint(c: Coefficients, services: Value, connections: Value) -> Value:
    """One replica of a namespace's waypoint, an Envoy configured for the namespace's services. [MiB]

    Sources: S01, S11 (data/sources.csv).
    """
    return c["waypoint_base_mib"] + c["sidecar_service_mib"] * services + c["sidecar_connection_mib"] * connections


def istio_cni(c: Coefficients) -> Value:
    """Node agent of Istio's CNI plugin. [MiB]"""
    return c["istio_cni_node_mib"]


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
    return c["istiod_base_mib"] * replicas + c["istiod_pod_mib"] * pods


def istiod_sidecars(c: Coefficients, sidecars: Value, config_services: Value) -> Value:
    """What istiod holds for the sidecars that are connected to it. [MiB]

    sidecars * (state + services pushed to each). Connections are spread over the replicas, so they count once.

    Args:
        c: Coefficients.
        sidecars: Sidecars connected to all replicas. [count]
        config_services: Services pushed to each sidecar. [count]

    Sources: S01, S05 (data/sources.csv).
    """
    return (c["istiod_sidecar_mib"] + c["istiod_config_mib"] * config_services) * sidecars


def linkerd_proxy(c: Coefficients, connections: Value) -> Value:
    """Linkerd's proxy beside one pod: it looks destinations up on demand, so its cluster's size does not enter. [MiB]

    Sources: S07, S11 (data/sources.csv).
    """
    return c["linkerd_base_mib"] + c["linkerd_connection_mib"] * connections


def linkerd_control_plane(c: Coefficients, replicas: Value, pods: Value) -> Value:
    """All replicas of destination, identity and injector together. [MiB]

    Sources: S11 (data/sources.csv).
    """
    return c["linkerd_control_base_mib"] * replicas + c["linkerd_control_pod_mib"] * pods


def cilium_agent(c: Coefficients, pods: Value, services: Value) -> Value:
    """Cilium's agent of one node, without its maps. [MiB]

    Sources: R04, S20, S21 (data/sources.csv).
    """
    return c["cilium_agent_base_mib"] + c["cilium_agent_pod_mib"] * pods + c["cilium_agent_service_mib"] * services


def ebpf_maps(c: Coefficients, node_memory_gib: Value) -> Value:
    """Kernel memory of Cilium's maps on one node, beside the agent. [MiB]

    Some maps have fixed sizes; connection tracking and NAT are sized as a share of the node's memory.

    Sources: R04, S-CIL-TUNE (data/sources.csv).
    """
    return c["cilium_map_base_mib"] + c["cilium_map_share"] * 1024.0 * node_memory_gib


def node_envoy(c: Coefficients) -> Value:
    """Cilium's Envoy of one node, which handles layer 7. [MiB]"""
    return c["node_envoy_base_mib"]


def cilium_encryption(c: Coefficients) -> Value:
    """What encryption with identity adds on one node. [MiB] A prior: nothing was measured first-hand."""
    return c["cilium_mtls_node_mib"]


def cilium_operator(c: Coefficients, replicas: Value) -> Value:
    """All replicas of Cilium's operator together. [MiB] A prior: nothing was measured."""
    return c["cilium_operator_mib"] * replicas
