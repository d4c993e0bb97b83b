"""What each data plane adds to a cluster: memory, CPU, latency and money, as expressions over a scenario's inputs.

``none`` is the cluster as it is without a mesh; every figure is what a data plane adds to it. The equations of the
components are in ``memory``, ``cpu`` and ``latency``; this module says how many of each component a data plane runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from meshlab import cpu, latency, memory
from meshlab.coefficients import Coefficients, Value, draws, medians
from meshlab.cpu import Traffic
from meshlab.latency import Traversals
from meshlab.scenario import with_defaults
from meshlab.tables import read_table
from meshlab.units import HOURS_PER_MONTH

DATAPLANES = ("none", "istio-sidecar", "istio-ambient", "cilium", "linkerd")

INTERVAL_FIGURES = (
    "memory_gib",
    "cpu_cores",
    "added_p50_ms",
    "added_p90_ms",
    "added_p99_ms",
    "cost_usd_per_month",
    "data_plane_memory_gib",
    "control_plane_memory_gib",
    "data_plane_cpu_cores",
    "control_plane_cpu_cores",
)
"""Figures with ``_lo`` and ``_hi``, in the order in which ``estimate`` returns them."""

PART_FIGURES = ("ebpf_maps_memory_gib", "cni_change_memory_gib", "cni_change_cpu_cores", "nodes_filled")
"""Figures without an interval: parts of the totals, and whole nodes."""

GIB = 1.0 / 1024.0
CORES = 1.0 / 1000.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A scenario's inputs as expressions, and what several components derive from them."""

    nodes: pl.Expr
    services: pl.Expr
    pods: pl.Expr
    namespaces: pl.Expr
    node_memory_gib: pl.Expr
    requests_per_second: pl.Expr
    connections: pl.Expr
    l7_traffic_share: pl.Expr
    call_depth: pl.Expr
    same_node_share: pl.Expr
    config_services: pl.Expr
    traffic: Traffic = field(default_factory=Traffic.of_columns)

    @classmethod
    def of_columns(cls) -> Cluster:
        """The columns of a frame whose defaults are filled."""
        return cls(**{name: pl.col(name).cast(pl.Float64) for name in cls.__slots__ if name != "traffic"})

    @property
    def endpoints(self) -> pl.Expr:
        """Endpoints that one proxy knows: pods spread evenly over services. [count]"""
        return self.pods * (self.config_services / self.services).clip(upper_bound=1.0)

    @property
    def has_l7(self) -> pl.Expr:
        """Whether any request needs layer 7, as 0 or 1."""
        return (self.l7_traffic_share > 0).cast(pl.Float64)

    @property
    def l7_rate(self) -> pl.Expr:
        """Requests that need layer 7. [1/s]"""
        return self.requests_per_second * self.l7_traffic_share

    def waypoints(self, c: Coefficients) -> pl.Expr:
        """Waypoint replicas: one a namespace where layer 7 is used, more as the rate asks for them. [count]"""
        return self.namespaces * self.has_l7 + self.l7_rate / c["waypoint_capacity_rps"]

    @property
    def changes_cni(self) -> pl.Expr:
        """Whether Cilium would be new as the network plugin, as 0 or 1; unknown counts as new."""
        return (pl.col("current_cni") != "cilium").fill_null(value=True).cast(pl.Float64)

    @property
    def uses_istio_cni(self) -> pl.Expr:
        """Whether sidecars need Istio's CNI plugin, as 0 or 1: OpenShift forbids the init container instead."""
        return (pl.col("cloud") == "openshift").fill_null(value=False).cast(pl.Float64)

    def busy(self, rate: Value, proxies: Value) -> pl.Expr:
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
    slowed = x.traffic.latency_factor(c) * (1.0 + c["latency_rate_slope"] * x.busy(rate, x.pods))
    return Parts(
        data_memory=x.pods * memory.sidecar(c, x.config_services, x.endpoints, 2.0 * x.connections / x.pods)
        + memory.istio_cni(c) * cni_nodes,
        control_memory=memory.istiod(c, c["control_plane_replicas"], x.pods, x.config_services, x.pods),
        data_cpu=cpu.proxies(c, x.pods, rate, "sidecar_idle_mcores", per_1000, x.traffic)
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
    waypoints = x.waypoints(c)
    ztunnel_rate = 2.0 * x.requests_per_second
    slowed = x.traffic.latency_factor(c)
    per_waypoint = waypoints.clip(lower_bound=1.0)
    return Parts(
        data_memory=x.nodes * (memory.ztunnel(c, x.pods, 2.0 * x.connections / x.nodes) + memory.istio_cni(c))
        + waypoints
        * memory.waypoint(c, x.services / x.namespaces, 2.0 * x.connections * x.l7_traffic_share / per_waypoint),
        control_memory=memory.istiod(c, c["control_plane_replicas"], 0.0, 0.0, x.pods),
        data_cpu=cpu.proxies(
            c, x.nodes, ztunnel_rate, "ztunnel_idle_mcores", c["ztunnel_mcores"] * (0.5 * crossings), x.traffic
        )
        + cpu.proxies(c, waypoints, x.l7_rate, "waypoint_idle_mcores", c["waypoint_mcores"], x.traffic)
        + c["istio_cni_mcores"] * x.nodes,
        control_cpu=cpu.istiod(c, c["control_plane_replicas"], x.nodes + waypoints),
        path=(
            Traversals(x.call_depth * crossings, c["ztunnel_latency_ms"] * slowed + bytes_latency(c, x)),
            Traversals(
                x.call_depth * x.l7_traffic_share,
                c["waypoint_latency_ms"] * slowed * (1.0 + c["latency_rate_slope"] * x.busy(x.l7_rate, per_waypoint))
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
    slowed = x.traffic.latency_factor(c) * (1.0 + c["latency_rate_slope"] * x.busy(rate, x.pods))
    return Parts(
        data_memory=x.pods * memory.linkerd_proxy(c, 2.0 * x.connections / x.pods),
        control_memory=memory.linkerd_control_plane(c, c["control_plane_replicas"], x.pods),
        data_cpu=cpu.proxies(c, x.pods, rate, "linkerd_idle_mcores", c["linkerd_mcores"], x.traffic),
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
    encrypted = x.traffic.is_mtls * (1.0 - x.same_node_share)
    encrypted_nodes = x.nodes * x.traffic.is_mtls
    maps = memory.ebpf_maps(c, x.node_memory_gib) * (x.nodes * new)
    agent = memory.cilium_agent(c, x.pods, x.services) - c["replaced_agent_scale"] * replaced_agent("memory_mib")
    agent_cpu = c["cilium_agent_mcores"] - c["replaced_agent_scale"] * replaced_agent("cpu_mcores")
    cni_memory = agent * (x.nodes * new) + maps
    cni_cpu = agent_cpu * (x.nodes * new) + cpu.kernel(
        c, x.requests_per_second * new, "cilium_kernel_mcores", x.traffic.payload_bytes
    )
    slowed = x.traffic.latency_factor(c) * (1.0 + c["latency_rate_slope"] * x.busy(x.l7_rate, x.nodes))
    return Parts(
        data_memory=cni_memory + memory.node_envoy(c) * envoys + memory.cilium_encryption(c) * encrypted_nodes,
        control_memory=memory.cilium_operator(c, c["control_plane_replicas"] * new),
        data_cpu=cni_cpu
        + cpu.proxies(c, envoys, x.l7_rate, "node_envoy_idle_mcores", c["node_envoy_mcores"], x.traffic.without_mtls())
        + cpu.kernel(c, x.requests_per_second * encrypted, "cilium_mtls_mcores", x.traffic.payload_bytes),
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
    return c["byte_latency_ms"] * (x.traffic.payload_bytes * (1.0 / cpu.BYTES_PER_MB))


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


# --- figures -------------------------------------------------------------------------------------------------------


def figures(c: Coefficients, dataplane: str, middle: Coefficients) -> dict[str, Value]:
    """The figures with an interval, all of them linear in the coefficients' draws.

    Args:
        c: Medians, or draws.
        dataplane: One of ``DATAPLANES`` but ``none``.
        middle: Medians, for the shape of the path's distribution: draws move its mean.
    """
    cluster = Cluster.of_columns()
    parts = MODELS[dataplane](c, cluster)
    prefix = dataplane.removeprefix("istio-")
    memory_scale = c[f"{prefix}_memory_spread"] * GIB
    cpu_scale = c[f"{prefix}_cpu_spread"] * CORES
    split = {
        "data_plane_memory_gib": parts.data_memory * memory_scale,
        "control_plane_memory_gib": parts.control_memory * memory_scale,
        "data_plane_cpu_cores": parts.data_cpu * cpu_scale,
        "control_plane_cpu_cores": parts.control_cpu * cpu_scale,
    }
    total_memory = split["data_plane_memory_gib"] + split["control_plane_memory_gib"]
    total_cpu = split["data_plane_cpu_cores"] + split["control_plane_cpu_cores"]
    shape = latency.path_shape(MODELS[dataplane](middle, cluster).path, middle["latency_shape"])
    mean = latency.path_mean(parts.path) * c[f"{prefix}_latency_spread"]
    return {
        "memory_gib": total_memory,
        "cpu_cores": total_cpu,
        **{
            f"added_{name}_ms": mean * latency.quantile_over_mean(shape, probability)
            for name, probability in latency.PERCENTILES.items()
        },
        "cost_usd_per_month": monthly_cost(total_memory, total_cpu),
        **split,
    }


def monthly_cost(memory_gib: Value, cpu_cores: Value) -> pl.Expr:
    """Cost of the capacity used. [USD/month]

    (memory * its price + cores * their price) * hours of a month.

    Sources: opencost-default (data/sources.csv) for the prices that stand in.
    """
    memory_price = pl.col("memory_usd_per_gib_hour") * HOURS_PER_MONTH
    cpu_price = pl.col("cpu_usd_per_core_hour") * HOURS_PER_MONTH
    return memory_gib * memory_price + cpu_cores * cpu_price


def nodes_filled(memory_gib: pl.Expr, cpu_cores: pl.Expr) -> pl.Expr:
    """Whole nodes of the team's size that so much memory and CPU fill; negative where they are freed. [count]"""
    return pl.max_horizontal(memory_gib / pl.col("node_memory_gib"), cpu_cores / pl.col("node_cpu_cores")).ceil()


# --- estimate ------------------------------------------------------------------------------------------------------


def estimate(
    scenarios: pl.DataFrame | pl.LazyFrame, coefficients: pl.DataFrame | None = None, *, intervals: bool = True
) -> pl.LazyFrame:
    """What every data plane adds to every scenario: one row each, with 10-90 % intervals.

    The middle is the model at the coefficients' medians, with and without intervals; ``lo`` and ``hi`` are the 10 and
    90 % quantiles over joint draws of all coefficients.

    Args:
        scenarios: Columns of ``scenario.schema()``; missing values are filled with their defaults.
        coefficients: A table as ``coefficient_table()`` returns it, or narrowed by measurements; the fitted one without.
        intervals: Whether to return ``_lo`` and ``_hi``; medians alone are far cheaper over millions of rows.

    Returns:
        ``scenario, dataplane``, then INTERFACE's figures, ``in_evidence_range`` and the parts of the totals.
    """
    filled = with_defaults(scenarios)
    planes = [_plane(filled, dataplane, coefficients, intervals) for dataplane in DATAPLANES]
    return pl.concat(planes, how="vertical")


def _plane(filled: pl.LazyFrame, dataplane: str, coefficients: pl.DataFrame | None, intervals: bool) -> pl.LazyFrame:
    names = [pl.col("scenario"), pl.lit(dataplane).alias("dataplane")]
    if dataplane == "none":
        zeros = [pl.lit(0.0).alias(name) for name in _figure_columns(intervals)]
        parts = [pl.lit(0.0).alias(name) for name in PART_FIGURES]
        return filled.select(*names, *zeros, pl.lit(value=True).alias("in_evidence_range"), *parts)
    middle = medians(coefficients)
    columns = {**figures(middle, dataplane, middle), **_parts(middle, dataplane)}
    if intervals:
        spread = figures(draws(coefficients), dataplane, middle)
        columns |= {f"_{name}": value for name, value in spread.items()}
    selected = _intervals() if intervals else map(pl.col, INTERVAL_FIGURES)
    return filled.with_columns(**columns, in_evidence_range=in_evidence_range(dataplane)).select(
        *names, *selected, "in_evidence_range", *PART_FIGURES
    )


def _figure_columns(intervals: bool) -> Iterator[str]:
    for name in INTERVAL_FIGURES:
        yield from (f"{name}_lo", name, f"{name}_hi") if intervals else (name,)


def _intervals() -> Iterator[pl.Expr]:
    for name in INTERVAL_FIGURES:
        values = pl.col(f"_{name}").arr.to_list().list
        lower, upper = (values.agg(pl.element().quantile(share, "linear")) for share in (0.1, 0.9))
        yield pl.min_horizontal(lower, name).alias(f"{name}_lo")
        yield pl.col(name)
        yield pl.max_horizontal(upper, name).alias(f"{name}_hi")


def _parts(c: Coefficients, dataplane: str) -> dict[str, pl.Expr]:
    """The figures without an interval; whole nodes are packed by what is requested, or used where that is more."""
    parts = MODELS[dataplane](c, Cluster.of_columns())
    scales = [c[f"{dataplane.removeprefix('istio-')}_{kind}_spread"] for kind in ("memory", "cpu")]
    used_memory = (parts.data_memory + parts.control_memory) * (scales[0] * GIB)
    used_cpu = (parts.data_cpu + parts.control_cpu) * (scales[1] * CORES)
    return {
        "ebpf_maps_memory_gib": _column(parts.maps_memory * (scales[0] * GIB)),
        "cni_change_memory_gib": _column(parts.cni_memory * (scales[0] * GIB)),
        "cni_change_cpu_cores": _column(parts.cni_cpu * (scales[1] * CORES)),
        "nodes_filled": nodes_filled(
            pl.max_horizontal(used_memory, parts.requested_memory * GIB),
            pl.max_horizontal(used_cpu, parts.requested_cpu * CORES),
        )
        if isinstance(parts.requested_memory, pl.Expr)
        else nodes_filled(used_memory, used_cpu),
    }


def _column(value: Value) -> pl.Expr:
    return value if isinstance(value, pl.Expr) else pl.lit(value)


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
