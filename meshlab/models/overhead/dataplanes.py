"""What each data plane runs: how many of each component, and which of them a request crosses.

The equations of the components are in ``memory``, ``cpu`` and ``latency``.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import polars as pl

from meshlab.models.overhead import cpu, latency, memory
from meshlab.models.overhead.cluster import Cluster
from meshlab.models.overhead.coefficients import Coefficients, Value, at_least
from meshlab.models.overhead.latency import Traversals


class Parts(msgspec.Struct, frozen=True):
    """What one data plane adds, before it is summed into figures.

    Args:
        data_memory: Memory of the data plane. [MiB]
        control_memory: Memory of the control plane. [MiB]
        data_cpu: CPU of the data plane. [mcores]
        control_cpu: CPU of the control plane. [mcores]
        path: Traversals on the critical path.
        worker_load: Busy share of the workers of its busiest proxies. [share]
        requested_memory: Memory that the charts request by default, which the scheduler reserves. [MiB]
        requested_cpu: CPU that the charts request by default, which the scheduler reserves. [mcores]
        maps_memory: eBPF maps, a part of ``data_memory``. [MiB]
        cni_memory: Change of the network plugin, a part of ``data_memory``. [MiB]
        cni_cpu: Change of the network plugin, a part of ``data_cpu``. [mcores]
    """

    data_memory: Value
    control_memory: Value
    data_cpu: Value
    control_cpu: Value
    path: tuple[Traversals, ...]
    worker_load: Value
    requested_memory: Value | None = None
    requested_cpu: Value | None = None
    maps_memory: Value = 0.0
    cni_memory: Value = 0.0
    cni_cpu: Value = 0.0


def _crossing(c: Coefficients, x: Cluster, kind: str, load: Value, entry_ms: Value) -> Value:
    """Mean time in one proxy of a kind, at the load of its workers, and what a request takes besides. [ms]"""
    own = c["sidecar_latency_ms"] if kind == "sidecar" else c["sidecar_latency_ms"] * c[f"{kind}_latency_factor"]
    return own * c[f"{kind}_latency_spread"] * x.latency_factor * latency.queueing(c, load) + entry_ms


# --- data planes ---------------------------------------------------------------------------------------------------


def istio_sidecar(c: Coefficients, x: Cluster) -> Parts:
    """Istio with a sidecar beside every pod: each call crosses two, whether or not its ends share a node."""
    cni_nodes = x.nodes * x.uses_istio_cni
    load = cpu.worker_load(c, "sidecar", x.pods, c["sidecar_mcores"], x.pod_work, c["sidecar_workers"])
    return Parts(
        data_memory=x.pods * memory.sidecar(c, x.config_services, x.endpoints, x.pod_connections)
        + c["istio_cni_node_mib"] * cni_nodes,
        control_memory=memory.istiod(c, x.control_plane_replicas, x.pods)
        + memory.istiod_sidecars(c, x.pods, x.config_services),
        data_cpu=cpu.proxies(
            c, "sidecar", x.pods, c["sidecar_mcores"], x.pod_work, x.both_ends_mb, 2.0 * x.new_connections_per_second
        )
        + c["istio_cni_mcores"] * cni_nodes,
        control_cpu=cpu.istiod(c, x.control_plane_replicas, x.pods),
        path=(Traversals(2.0 * x.call_depth, _crossing(c, x, "sidecar", load, x.sidecar_entry_ms)),),
        worker_load=load,
        requested_memory=c["sidecar_request_mib"] * x.pods + c["istiod_request_mib"] * x.control_plane_replicas,
        requested_cpu=c["sidecar_request_mcores"] * x.pods + c["istiod_request_mcores"] * x.control_plane_replicas,
    )


def istio_ambient(c: Coefficients, x: Cluster) -> Parts:
    """Istio with a ztunnel on every node, and a waypoint in each namespace where layer 7 is used.

    A call crosses two ztunnels; within a node one ztunnel is both. A call that needs layer 7 crosses a waypoint too.
    """
    crossings = 2.0 - x.same_node_share + c["ztunnel_same_node_share"] * x.same_node_share
    per_ztunnel, per_waypoint = 0.5 * c["ztunnel_mcores"] * crossings, cpu.envoy(c, "waypoint")
    waypoints, some_waypoints = x.waypoints, at_least(x.waypoints, 1.0)
    load = cpu.worker_load(c, "ztunnel", x.nodes, per_ztunnel, x.node_work, c["ztunnel_workers"])
    l7_load = cpu.worker_load(c, "waypoint", some_waypoints, per_waypoint, x.waypoint_work, c["waypoint_workers"])
    return Parts(
        data_memory=x.nodes * (memory.ztunnel(c, x.pods, 2.0 * x.connections / x.nodes) + c["istio_cni_node_mib"])
        + waypoints
        * memory.envoy(
            c, "waypoint", x.services / x.namespaces, 2.0 * x.connections * x.l7_traffic_share / some_waypoints
        ),
        control_memory=memory.istiod(c, x.control_plane_replicas, x.pods),
        data_cpu=cpu.proxies(
            c, "ztunnel", x.nodes, per_ztunnel, x.node_work, x.both_ends_mb, x.new_connections_per_second * crossings
        )
        + cpu.proxies(
            c,
            "waypoint",
            waypoints,
            per_waypoint,
            x.waypoint_work,
            x.l7_mb,
            x.new_connections_per_second * x.l7_traffic_share,
        )
        + c["istio_cni_mcores"] * x.nodes,
        control_cpu=cpu.istiod(c, x.control_plane_replicas, x.nodes + waypoints),
        path=(
            Traversals(
                x.call_depth * crossings,
                _crossing(c, x, "ztunnel", load, x.ztunnel_entry_ms),
                stalls=x.call_depth * (2.0 - x.same_node_share),
            ),
            Traversals(x.call_depth, _crossing(c, x, "waypoint", l7_load, x.body_ms), x.l7_traffic_share),
        ),
        worker_load=pl.max_horizontal(load, l7_load),
        requested_memory=c["ztunnel_request_mib"] * x.nodes
        + c["sidecar_request_mib"] * waypoints
        + c["istiod_request_mib"] * x.control_plane_replicas,
        requested_cpu=c["ztunnel_request_mcores"] * x.nodes
        + c["sidecar_request_mcores"] * waypoints
        + c["istiod_request_mcores"] * x.control_plane_replicas,
    )


def linkerd(c: Coefficients, x: Cluster) -> Parts:
    """Linkerd with a proxy beside every pod: each call crosses two."""
    load = cpu.worker_load(c, "linkerd", x.pods, c["linkerd_mcores"], x.pod_work, c["linkerd_workers"])
    return Parts(
        data_memory=x.pods * memory.linkerd_proxy(c, x.pod_connections),
        control_memory=memory.linkerd_control_plane(c, x.control_plane_replicas, x.pods),
        data_cpu=cpu.proxies(
            c, "linkerd", x.pods, c["linkerd_mcores"], x.pod_work, x.both_ends_mb, 2.0 * x.new_connections_per_second
        ),
        control_cpu=cpu.linkerd_control_plane(c, x.control_plane_replicas, x.pods),
        path=(Traversals(2.0 * x.call_depth, _crossing(c, x, "linkerd", load, x.sidecar_entry_ms)),),
        worker_load=load,
    )


def cilium(c: Coefficients, x: Cluster) -> Parts:
    """Cilium: its datapath in the kernel, one Envoy a node where layer 7 is used, encryption between nodes.

    Who runs Cilium already is charged for neither agent, maps nor datapath; a change of network plugin is charged
    the difference between the two agents. A call crosses the Envoy of one node, and encryption only between nodes.
    """
    new = x.changes_cni
    envoys = x.nodes * x.has_l7
    encrypted_nodes = x.nodes * x.is_mtls
    maps = memory.ebpf_maps(c, x.node_memory_gib) * x.new_nodes
    agent = (
        memory.cilium_agent(c, x.pods, x.services, x.network_policies)
        - c["replaced_agent_scale"] * x.replaced_memory_mib
    )
    agent_cpu = cpu.cilium_agent(c) - c["replaced_agent_scale"] * x.replaced_cpu_mcores
    cni_memory = agent * x.new_nodes + maps
    cni_cpu = agent_cpu * x.new_nodes + cpu.kernel(c, x.requests_per_second * new, "cilium_kernel_mcores", x.payload_mb)
    per_envoy = cpu.envoy(c, "node_envoy")
    load = cpu.worker_load(c, "node_envoy", x.nodes, per_envoy, x.node_l7_work, x.node_cores)
    datapath_ms = c["sidecar_latency_ms"] * c["datapath_latency_factor"] * (c["datapath_latency_spread"] * new)
    return Parts(
        data_memory=cni_memory + memory.node_envoy(c) * envoys + c["cilium_mtls_node_mib"] * encrypted_nodes,
        control_memory=c["cilium_operator_mib"] * (x.control_plane_replicas * new),
        data_cpu=cni_cpu
        + cpu.proxies(
            c,
            "node_envoy",
            envoys,
            per_envoy,
            x.node_l7_work,
            x.l7_mb,
            x.new_connections_per_second * x.l7_traffic_share,
        )
        + cpu.kernel(c, x.requests_per_second * x.encrypted_share, "cilium_mtls_mcores", x.payload_mb),
        control_cpu=c["cilium_operator_mcores"] * (x.control_plane_replicas * new),
        path=(
            Traversals(x.call_depth * new, datapath_ms),
            Traversals(x.call_depth, _crossing(c, x, "node_envoy", load, x.body_ms), x.l7_traffic_share),
            Traversals(x.call_depth, c["cilium_mtls_latency_ms"] + x.body_ms, x.encrypted_share, stalls=0.0),
        ),
        worker_load=load,
        maps_memory=maps,
        cni_memory=cni_memory,
        cni_cpu=cni_cpu,
    )


MODELS: dict[str, Callable[[Coefficients, Cluster], Parts]] = {
    "istio-sidecar": istio_sidecar,
    "istio-ambient": istio_ambient,
    "cilium": cilium,
    "linkerd": linkerd,
}
