"""What each data plane runs: how many of each component, and which of them a request crosses.

The equations of the components are in ``memory``, ``cpu`` and ``latency``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from meshlab.overhead import cpu, latency, memory
from meshlab.overhead.coefficients import Coefficients, Value
from meshlab.overhead.cpu import Traffic
from meshlab.overhead.latency import Traversals
from meshlab.tables import read_table

Stage = Mapping[str, Value]
"""Columns that a frame gains together."""

NUMBERS = (
    "nodes",
    "services",
    "pods",
    "namespaces",
    "node_memory_gib",
    "requests_per_second",
    "connections",
    "l7_traffic_share",
    "call_depth",
    "same_node_share",
    "config_services",
)
"""Inputs that enter the equations as numbers."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A scenario's inputs and what components derive from them: columns of a frame that ``prepared`` returned.

    Counts and rates are numbers; ``cpu_factor`` and ``latency_factor`` hold medians or draws.
    """

    nodes: pl.Expr
    services: pl.Expr
    pods: pl.Expr
    namespaces: pl.Expr
    node_memory_gib: pl.Expr
    requests_per_second: pl.Expr
    connections: pl.Expr
    payload_mb: pl.Expr
    l7_traffic_share: pl.Expr
    call_depth: pl.Expr
    same_node_share: pl.Expr
    config_services: pl.Expr
    is_mtls: pl.Expr
    endpoints: pl.Expr
    has_l7: pl.Expr
    l7_rate: pl.Expr
    waypoints: pl.Expr
    changes_cni: pl.Expr
    uses_istio_cni: pl.Expr
    replaced_memory_mib: pl.Expr
    replaced_cpu_mcores: pl.Expr
    cpu_factor: pl.Expr
    latency_factor: pl.Expr
    plain_cpu_factor: pl.Expr

    @classmethod
    def of_columns(cls, *, sampled: bool) -> Cluster:
        """Prepared columns; factors of a request come as medians or as draws."""
        names = {name: f"_drawn_{name}" if sampled and name in FACTORS else f"_{name}" for name in cls.__slots__}
        return cls(**{name: pl.col(column) for name, column in names.items()})


FACTORS = ("cpu_factor", "plain_cpu_factor", "latency_factor")
"""What a request costs by its protocol, its encryption and the platform."""


def prepared(c: Coefficients) -> tuple[Stage, Stage, Stage]:
    """Every quantity that several data planes derive from the inputs, as columns ``_name``."""
    numbers = {f"_{name}": pl.col(name).cast(pl.Float64) for name in NUMBERS}
    is_openshift = pl.col("cloud") == "openshift"
    is_new = pl.col("current_cni") != "cilium"
    derived = {
        "_payload_mb": pl.col("payload_bytes") * (1.0 / cpu.BYTES_PER_MB),
        "_is_mtls": pl.col("mtls").cast(pl.Float64),
        # pods are spread evenly over services
        "_endpoints": pl.col("_pods") * (pl.col("_config_services") / pl.col("_services")).clip(upper_bound=1.0),
        "_has_l7": (pl.col("l7_traffic_share") > 0).cast(pl.Float64),
        "_l7_rate": pl.col("_requests_per_second") * pl.col("_l7_traffic_share"),
        # unknown counts as new, so that nobody is surprised by an agent that was not charged
        "_changes_cni": is_new.fill_null(value=True).cast(pl.Float64),
        # OpenShift forbids the init container that sidecars otherwise use
        "_uses_istio_cni": is_openshift.fill_null(value=False).cast(pl.Float64),
        # other clusters may run on virtual machines or on bare metal: nothing says which
        "_is_vm": pl.col("cloud").is_in(["gke", "aks", "eks", "doks"]).fill_null(value=False).cast(pl.Float64),
        "_replaced_memory_mib": replaced_agent("memory_mib"),
        "_replaced_cpu_mcores": replaced_agent("cpu_mcores"),
    }
    # one replica a namespace where layer 7 is used, more as the rate asks for them
    waypoints = pl.col("_namespaces") * pl.col("_has_l7") + pl.col("_l7_rate") / c["waypoint_capacity_rps"]
    return numbers, derived, {"_waypoints": waypoints}


def factors(c: Coefficients, prefix: str) -> Stage:
    """The ``FACTORS``, as columns of medians or of draws."""
    traffic = Traffic.of_columns()
    platform = 1.0 + (c["vm_cpu_factor"] - 1.0) * pl.col("_is_vm")
    values = (
        traffic.cpu_factor(c) * platform,
        traffic.without_mtls().cpu_factor(c) * platform,
        traffic.latency_factor(c),
    )
    return {f"{prefix}{name}": value for name, value in zip(FACTORS, values, strict=True)}


def busy(rate: pl.Expr, proxies: pl.Expr) -> pl.Expr:
    """Rate of one proxy, up to the highest at which latency was measured. [1000/s]"""
    return (rate / proxies * 1e-3).clip(upper_bound=3.0)


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
    requested_memory: Value = 0.0
    requested_cpu: Value = 0.0
    maps_memory: Value = 0.0
    cni_memory: Value = 0.0
    cni_cpu: Value = 0.0


# --- data planes ---------------------------------------------------------------------------------------------------


def istio_sidecar(c: Coefficients, x: Cluster) -> Parts:
    """Istio with a sidecar beside every pod: each call crosses two, whether or not its ends share a node."""
    rate = 2.0 * x.requests_per_second
    per_1000 = 0.5 * (c["sidecar_client_mcores"] + c["sidecar_server_mcores"])
    cni_nodes = x.nodes * x.uses_istio_cni
    queue = latency.queueing(c, 2.0 * x.connections / x.pods)
    slowed = x.latency_factor * (queue * (1.0 + c["latency_rate_slope"] * busy(rate, x.pods)))
    return Parts(
        data_memory=x.pods * memory.sidecar(c, x.config_services, x.endpoints, 2.0 * x.connections / x.pods)
        + memory.istio_cni(c) * cni_nodes,
        control_memory=memory.istiod(c, c["control_plane_replicas"], x.pods, x.config_services, x.pods),
        data_cpu=cpu.proxies(c, x.pods, rate, "sidecar_idle_mcores", per_1000, x.cpu_factor, x.payload_mb)
        + c["istio_cni_mcores"] * cni_nodes,
        control_cpu=cpu.istiod(c, c["control_plane_replicas"], x.pods),
        path=(Traversals(2.0 * x.call_depth, c["sidecar_latency_ms"] * slowed + bytes_latency(c, x)),),
        requested_memory=c["sidecar_request_mib"] * x.pods + c["istiod_request_mib"] * c["control_plane_replicas"],
        requested_cpu=c["sidecar_request_mcores"] * x.pods + c["istiod_request_mcores"] * c["control_plane_replicas"],
    )


def istio_ambient(c: Coefficients, x: Cluster) -> Parts:
    """Istio with a ztunnel on every node, and a waypoint in each namespace where layer 7 is used.

    A call crosses two ztunnels; within a node one ztunnel is both. A call that needs layer 7 crosses a waypoint too.
    """
    crossings = 2.0 - x.same_node_share + c["ztunnel_same_node_share"] * x.same_node_share
    waypoints = x.waypoints
    ztunnel_rate = 2.0 * x.requests_per_second
    slowed = x.latency_factor
    per_waypoint = waypoints.clip(lower_bound=1.0)
    return Parts(
        data_memory=x.nodes * (memory.ztunnel(c, x.pods, 2.0 * x.connections / x.nodes) + memory.istio_cni(c))
        + waypoints
        * memory.waypoint(c, x.services / x.namespaces, 2.0 * x.connections * x.l7_traffic_share / per_waypoint),
        control_memory=memory.istiod(c, c["control_plane_replicas"], 0.0, 0.0, x.pods),
        data_cpu=cpu.proxies(
            c,
            x.nodes,
            ztunnel_rate,
            "ztunnel_idle_mcores",
            c["ztunnel_mcores"] * (0.5 * crossings),
            x.cpu_factor,
            x.payload_mb,
        )
        + cpu.proxies(c, waypoints, x.l7_rate, "waypoint_idle_mcores", c["waypoint_mcores"], x.cpu_factor, x.payload_mb)
        + c["istio_cni_mcores"] * x.nodes,
        control_cpu=cpu.istiod(c, c["control_plane_replicas"], x.nodes + waypoints),
        path=(
            Traversals(x.call_depth * crossings, c["ztunnel_latency_ms"] * slowed + bytes_latency(c, x)),
            Traversals(
                x.call_depth * x.l7_traffic_share,
                c["waypoint_latency_ms"] * slowed * (1.0 + c["latency_rate_slope"] * busy(x.l7_rate, per_waypoint))
                + bytes_latency(c, x),
            ),
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
    rate = 2.0 * x.requests_per_second
    queue = latency.queueing(c, 2.0 * x.connections / x.pods)
    slowed = x.latency_factor * (queue * (1.0 + c["latency_rate_slope"] * busy(rate, x.pods)))
    return Parts(
        data_memory=x.pods * memory.linkerd_proxy(c, 2.0 * x.connections / x.pods),
        control_memory=memory.linkerd_control_plane(c, c["control_plane_replicas"], x.pods),
        data_cpu=cpu.proxies(c, x.pods, rate, "linkerd_idle_mcores", c["linkerd_mcores"], x.cpu_factor, x.payload_mb),
        control_cpu=cpu.linkerd_control_plane(c, c["control_plane_replicas"], x.pods),
        path=(Traversals(2.0 * x.call_depth, c["linkerd_latency_ms"] * slowed + bytes_latency(c, x)),),
    )


def cilium(c: Coefficients, x: Cluster) -> Parts:
    """Cilium: its datapath in the kernel, one Envoy a node where layer 7 is used, encryption between nodes.

    Who runs Cilium already is charged for neither agent, maps nor datapath; a change of network plugin is charged
    the difference between the two agents. A call crosses the Envoy of one node, and encryption only between nodes.
    """
    new = x.changes_cni
    envoys = x.nodes * x.has_l7
    encrypted = x.is_mtls * (1.0 - x.same_node_share)
    encrypted_nodes = x.nodes * x.is_mtls
    maps = memory.ebpf_maps(c, x.node_memory_gib) * (x.nodes * new)
    agent = memory.cilium_agent(c, x.pods, x.services) - c["replaced_agent_scale"] * x.replaced_memory_mib
    agent_cpu = c["cilium_agent_mcores"] - c["replaced_agent_scale"] * x.replaced_cpu_mcores
    cni_memory = agent * (x.nodes * new) + maps
    cni_cpu = agent_cpu * (x.nodes * new) + cpu.kernel(
        c, x.requests_per_second * new, "cilium_kernel_mcores", x.payload_mb
    )
    slowed = x.latency_factor * (1.0 + c["latency_rate_slope"] * busy(x.l7_rate, x.nodes))
    return Parts(
        data_memory=cni_memory + memory.node_envoy(c) * envoys + memory.cilium_encryption(c) * encrypted_nodes,
        control_memory=memory.cilium_operator(c, c["control_plane_replicas"] * new),
        data_cpu=cni_cpu
        + cpu.proxies(
            c, envoys, x.l7_rate, "node_envoy_idle_mcores", c["node_envoy_mcores"], x.plain_cpu_factor, x.payload_mb
        )
        + cpu.kernel(c, x.requests_per_second * encrypted, "cilium_mtls_mcores", x.payload_mb),
        control_cpu=c["cilium_operator_mcores"] * (c["control_plane_replicas"] * new),
        path=(
            Traversals(x.call_depth * new, c["cilium_datapath_latency_ms"]),
            Traversals(x.call_depth * x.l7_traffic_share, c["node_envoy_latency_ms"] * slowed + bytes_latency(c, x)),
            Traversals(x.call_depth * encrypted, c["cilium_mtls_latency_ms"] + bytes_latency(c, x)),
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


def bytes_latency(c: Coefficients, x: Cluster) -> Value:
    """Time that a request's body adds in one proxy. [ms]"""
    return c["byte_latency_ms"] * (x.payload_mb)


def replaced_agent(figure: str) -> pl.Expr:
    """What the agent of today's network plugin uses on a node; zero where the plugin is unknown or was not measured.

    Args:
        figure: ``memory_mib`` or ``cpu_mcores``.
    """
    return pl.col("current_cni").replace_strict(_agents(figure), default=0.0, return_dtype=pl.Float64)


@cache
def _agents(figure: str) -> dict[str, float]:
    table = read_table("cni_agents")
    return dict(zip(table["current_cni"], table[figure], strict=True))


def in_evidence_range(dataplane: str) -> pl.Expr:
    """Whether all inputs lie within what was measured of the data plane; fitted with the coefficients.

    Sources: data/evidence/range.csv.
    """
    rows = read_table("evidence/range").filter(dataplane=dataplane)
    return pl.all_horizontal(_within(dataplane, **row) for row in rows.drop("dataplane").iter_rows(named=True))


def _within(dataplane: str, quantity: str, lower: float | None, upper: float | None, members: str | None) -> pl.Expr:
    column = rate_per_proxy(dataplane) if quantity == "rate_per_proxy" else pl.col(quantity)
    if members is not None:
        return column.cast(pl.String).is_in(members.split("|"))
    return column.is_between(lower, upper)


def rate_per_proxy(dataplane: str) -> pl.Expr:
    """Traversals of one proxy: a pod's sidecar, a node's ztunnel or Envoy. [1/s]"""
    proxies = "nodes" if dataplane in ("istio-ambient", "cilium") else "pods"
    return 2.0 * pl.col("requests_per_second") / pl.col(proxies)
