"""What each data plane runs: how many of each component, and which of them a request crosses.

The equations of the components are in ``memory``, ``cpu`` and ``latency``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from meshlab.models.overhead import cpu, memory
from meshlab.models.overhead.cluster import Cluster, busy
from meshlab.models.overhead.coefficients import Coefficients, Value
from meshlab.models.overhead.conditions import at_least
from meshlab.models.overhead.latency import Traversals


@dataclass(frozen=True, slots=True)
class Parts:
    """What one data plane adds, before it is summed into figures.

    Args:
        data_memory: Memory of the data plane. [MiB]
        control_memory: Memory of the control plane. [MiB]
        data_cpu: CPU of the data plane. [mcores]
        control_cpu: CPU of the control plane. [mcores]
        path: Traversals on the critical path.
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
    requested_memory: Value | None = None
    requested_cpu: Value | None = None
    maps_memory: Value = 0.0
    cni_memory: Value = 0.0
    cni_cpu: Value = 0.0


# --- data planes ---------------------------------------------------------------------------------------------------


def istio_sidecar(c: Coefficients, x: Cluster) -> Parts:
    """Istio with a sidecar beside every pod: each call crosses two, whether or not its ends share a node."""
    per_1000 = 0.5 * (c["sidecar_client_mcores"] + c["sidecar_server_mcores"])
    cni_nodes = x.nodes * x.uses_istio_cni
    return Parts(
        data_memory=x.pods * memory.sidecar(c, x.config_services, x.endpoints, x.pod_connections)
        + memory.istio_cni(c) * cni_nodes,
        control_memory=memory.istiod(c, c["control_plane_replicas"], x.pods)
        + memory.istiod_sidecars(c, x.pods, x.config_services),
        data_cpu=cpu.proxies(c, x.pods, "sidecar_idle_mcores", per_1000, x.pod_work, x.both_ends_mb)
        + c["istio_cni_mcores"] * cni_nodes,
        control_cpu=cpu.istiod(c, c["control_plane_replicas"], x.pods),
        path=(Traversals(2.0 * x.call_depth, c["sidecar_latency_ms"] * x.pod_latency_factor + x.body_ms),),
        requested_memory=c["sidecar_request_mib"] * x.pods + c["istiod_request_mib"] * c["control_plane_replicas"],
        requested_cpu=c["sidecar_request_mcores"] * x.pods + c["istiod_request_mcores"] * c["control_plane_replicas"],
    )


def istio_ambient(c: Coefficients, x: Cluster) -> Parts:
    """Istio with a ztunnel on every node, and a waypoint in each namespace where layer 7 is used.

    A call crosses two ztunnels; within a node one ztunnel is both. A call that needs layer 7 crosses a waypoint too.
    """
    crossings = 2.0 - x.same_node_share + c["ztunnel_same_node_share"] * x.same_node_share
    waypoints = x.waypoints
    per_waypoint = at_least(waypoints, 1.0)
    slowed = x.latency_factor * (1.0 + c["latency_rate_slope"] * busy(x.l7_rate / per_waypoint))
    return Parts(
        data_memory=x.nodes * (memory.ztunnel(c, x.pods, 2.0 * x.connections / x.nodes) + memory.istio_cni(c))
        + waypoints
        * memory.waypoint(c, x.services / x.namespaces, 2.0 * x.connections * x.l7_traffic_share / per_waypoint),
        control_memory=memory.istiod(c, c["control_plane_replicas"], x.pods),
        data_cpu=cpu.proxies(
            c, x.nodes, "ztunnel_idle_mcores", 0.5 * c["ztunnel_mcores"] * crossings, x.node_work, x.both_ends_mb
        )
        + cpu.proxies(c, waypoints, "waypoint_idle_mcores", c["waypoint_mcores"], x.waypoint_work, x.l7_mb)
        + c["istio_cni_mcores"] * x.nodes,
        control_cpu=cpu.istiod(c, c["control_plane_replicas"], x.nodes + waypoints),
        path=(
            Traversals(x.call_depth * crossings, c["ztunnel_latency_ms"] * x.latency_factor + x.body_ms),
            Traversals(x.call_depth * x.l7_traffic_share, c["waypoint_latency_ms"] * slowed + x.body_ms),
        ),
        requested_memory=c["ztunnel_request_mib"] * x.nodes
        + c["sidecar_request_mib"] * waypoints
        + c["istiod_request_mib"] * c["control_plane_replicas"],
        requested_cpu=c["ztunnel_request_mcores"] * x.nodes
        + c["sidecar_request_mcores"] * waypoints
        + c["istiod_request_mcores"] * c["control_plane_replicas"],
    )


def linkerd(c: Coefficients, x: Cluster) -> Parts:
    """Linkerd with a proxy beside every pod: each call crosses two."""
    return Parts(
        data_memory=x.pods * memory.linkerd_proxy(c, x.pod_connections),
        control_memory=memory.linkerd_control_plane(c, c["control_plane_replicas"], x.pods),
        data_cpu=cpu.proxies(c, x.pods, "linkerd_idle_mcores", c["linkerd_mcores"], x.pod_work, x.both_ends_mb),
        control_cpu=cpu.linkerd_control_plane(c, c["control_plane_replicas"], x.pods),
        path=(Traversals(2.0 * x.call_depth, c["linkerd_latency_ms"] * x.pod_latency_factor + x.body_ms),),
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
    agent = memory.cilium_agent(c, x.pods, x.services) - c["replaced_agent_scale"] * x.replaced_memory_mib
    agent_cpu = c["cilium_agent_mcores"] - c["replaced_agent_scale"] * x.replaced_cpu_mcores
    cni_memory = agent * x.new_nodes + maps
    cni_cpu = agent_cpu * x.new_nodes + cpu.kernel(c, x.requests_per_second * new, "cilium_kernel_mcores", x.payload_mb)
    slowed = x.latency_factor * (1.0 + c["latency_rate_slope"] * busy(x.l7_rate / x.nodes))
    return Parts(
        data_memory=cni_memory + memory.node_envoy(c) * envoys + memory.cilium_encryption(c) * encrypted_nodes,
        control_memory=memory.cilium_operator(c, c["control_plane_replicas"] * new),
        data_cpu=cni_cpu
        + cpu.proxies(c, envoys, "node_envoy_idle_mcores", c["node_envoy_mcores"], x.node_l7_work, x.l7_mb)
        + cpu.kernel(c, x.requests_per_second * x.encrypted_share, "cilium_mtls_mcores", x.payload_mb),
        control_cpu=c["cilium_operator_mcores"] * (c["control_plane_replicas"] * new),
        path=(
            Traversals(x.call_depth * new, c["cilium_datapath_latency_ms"]),
            Traversals(x.call_depth * x.l7_traffic_share, c["node_envoy_latency_ms"] * slowed + x.body_ms),
            Traversals(x.call_depth * x.encrypted_share, c["cilium_mtls_latency_ms"] + x.body_ms),
        ),
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
