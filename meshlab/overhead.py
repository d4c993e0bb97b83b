"""What each data plane adds to a cluster: memory, CPU, latency and money, as expressions over a scenario's inputs.

``none`` is the cluster as it is without a mesh; every figure is what a data plane adds to it. The equations of the
components are in ``memory``, ``cpu`` and ``latency``; this module says how many of each component a data plane runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce

import polars as pl

from meshlab import cpu, latency, memory
from meshlab.coefficients import DRAWS, Coefficients, Value, draws, medians, sources
from meshlab.cpu import Traffic
from meshlab.latency import PERCENTILES, Traversals
from meshlab.scenario import with_defaults
from meshlab.tables import read_table
from meshlab.units import HOURS_PER_MONTH

__all__ = ["DATAPLANES", "INTERVAL_FIGURES", "estimate", "sources"]

DATAPLANES = ("none", "istio-sidecar", "istio-ambient", "cilium", "linkerd")

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

Stage = dict[str, Value]
"""Columns that a frame gains together."""

DRAWN = (*(name for name in INTERVAL_FIGURES if not name.startswith("added")), "_mean_ms")
"""Figures that are drawn; the path's percentiles scale with the draws of its mean."""

INPUTS_KEPT = (
    "scenario",
    "node_cpu_cores",
    "node_memory_gib",
    "cpu_usd_per_core_hour",
    "memory_usd_per_gib_hour",
)
"""Columns of the scenarios that the last stages need."""

SPLIT = (*(name for name in INTERVAL_FIGURES if "_plane_" in name), "_mean_ms")
"""Figures of a data plane from which the others follow."""

KEPT = (
    *INPUTS_KEPT,
    "dataplane",
    *SPLIT,
    "in_evidence_range",
    *(name for name in PART_FIGURES if name != "nodes_filled"),
    "_requested_memory_gib",
    "_requested_cpu_cores",
    "_mean",
    "_variance",
)
"""Columns of a data plane's rows."""

GIB = 1.0 / 1024.0
CORES = 1.0 / 1000.0


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


def busy(rate: Value, proxies: Value) -> pl.Expr:
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


# --- figures -------------------------------------------------------------------------------------------------------


def split_figures(parts: Parts, c: Coefficients, dataplane: str) -> dict[str, Value]:
    """Memory and CPU of data plane and control plane, each scaled by its spread.

    Args:
        parts: What the data plane adds, from medians or from draws.
        c: The same coefficients.
        dataplane: One of ``DATAPLANES`` but ``none``.
    """
    return {
        "data_plane_memory_gib": parts.data_memory * (spread(c, dataplane, "memory") * GIB),
        "control_plane_memory_gib": parts.control_memory * (spread(c, dataplane, "control_memory") * GIB),
        "data_plane_cpu_cores": parts.data_cpu * (spread(c, dataplane, "cpu") * CORES),
        "control_plane_cpu_cores": parts.control_cpu * (spread(c, dataplane, "control_cpu") * CORES),
        "_mean_ms": latency.path_mean(parts.path) * spread(c, dataplane, "latency"),
    }


def spread(c: Coefficients, dataplane: str, figure: str) -> Value:
    """Factor between sources that the model does not explain; its median is one. [ratio]"""
    return c[f"{dataplane.removeprefix('istio-')}_{figure}_spread"]


def totals() -> dict[str, pl.Expr]:
    """Data plane and control plane together."""
    return {
        figure: pl.col(f"data_plane_{figure}") + pl.col(f"control_plane_{figure}")
        for figure in ("memory_gib", "cpu_cores")
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


def path_columns(path: Sequence[Traversals]) -> dict[str, Value]:
    """Traversals of the critical path, as columns from which its shape is taken."""
    return {
        name: value
        for index, part in enumerate(path)
        for name, value in ((f"_count_{index}", part.count), (f"_mean_{index}", part.mean_ms))
    }


def percentile_stages(c: Coefficients) -> tuple[Stage, Stage, Stage]:
    """Stages that end in ``_ratio_p50`` and so on: percentiles of a path over its mean. [ratio]"""
    root = latency.inverse_root_shape(pl.col("_mean"), pl.col("_variance"), c["latency_shape"])
    roots = {
        f"_root_{name}": latency.quantile_root(pl.col("_inverse_root"), probability)
        for name, probability in PERCENTILES.items()
    }
    ratios = {f"_ratio_{name}": pl.col(f"_root_{name}").pow(3) for name in PERCENTILES}
    return {"_inverse_root": root}, roots, ratios


def part_figures(parts: Parts, c: Coefficients, dataplane: str) -> dict[str, Value]:
    """The parts of the totals that are shown apart."""
    memory_scale, cpu_scale = spread(c, dataplane, "memory") * GIB, spread(c, dataplane, "cpu") * CORES
    return {
        "ebpf_maps_memory_gib": parts.maps_memory * memory_scale,
        "cni_change_memory_gib": parts.cni_memory * memory_scale,
        "cni_change_cpu_cores": parts.cni_cpu * cpu_scale,
        "_requested_memory_gib": parts.requested_memory * GIB,
        "_requested_cpu_cores": parts.requested_cpu * CORES,
    }


# --- estimate ------------------------------------------------------------------------------------------------------


def estimate(
    scenarios: pl.DataFrame | pl.LazyFrame, coefficients: pl.DataFrame | None = None, *, intervals: bool = True
) -> pl.LazyFrame:
    """What every data plane adds to every scenario: one row each, with 10-90 % intervals.

    The middle is the model at the coefficients' medians, with and without intervals; ``lo`` and ``hi`` are the 10 and
    90 % quantiles over joint draws of all coefficients.

    Args:
        scenarios: Columns of ``scenario.schema()``; missing values are filled with their defaults.
        coefficients: Such a table as ``coefficient_table()`` or ``evidence.narrow`` returns; the fitted one without.
        intervals: Whether to return ``_lo`` and ``_hi``; medians alone are far cheaper over millions of rows.

    Returns:
        ``scenario, dataplane``, then INTERFACE's figures, ``in_evidence_range`` and the parts of the totals.
    """
    steps = _fitted_steps(intervals) if coefficients is None else steps_of(coefficients, intervals=intervals)
    base = _stages(with_defaults(scenarios), steps.base)
    if isinstance(scenarios, pl.DataFrame) and scenarios.height <= FEW_ROWS:
        # over few rows most of the time is planning, at which the in-memory engine and two small plans are quicker
        base = base.collect(engine="in-memory").lazy()
        return _of_base(base, steps).collect(engine="in-memory").lazy()
    return _of_base(base, steps)


FEW_ROWS = 1000
"""Rows of a frame in memory up to which an estimate is computed at once: a slider's tick, a team, a page of teams."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The expressions of an estimate, which depend on the coefficients and not on the scenarios.

    Args:
        base: Stages on the scenarios, before they are repeated for each data plane.
        none: Columns of the rows without a mesh, which are the columns of the rows of every data plane.
        planes: For each data plane its stages; then the columns that the next stages need.
        figures: Stages on the rows of all data planes.
        selected: Columns that an estimate returns.
    """

    base: tuple[Stage, ...]
    none: tuple[pl.Expr, ...]
    planes: tuple[tuple[tuple[Stage, ...], tuple[pl.Expr, ...]], ...]
    figures: tuple[Stage, ...]
    selected: tuple[pl.Expr, ...]


def _of_base(base: pl.LazyFrame, steps: Steps) -> pl.LazyFrame:
    planes = [_stages(base, stages).select(kept) for stages, kept in steps.planes]
    rows = pl.concat([base.select(steps.none), *planes], how="vertical")
    return _stages(rows, steps.figures).select(steps.selected)


def _stages(frame: pl.LazyFrame, stages: Iterable[Stage]) -> pl.LazyFrame:
    return reduce(lambda before, stage: before.with_columns(**stage), stages, frame)


@cache
def _fitted_steps(intervals: bool) -> Steps:  # noqa: FBT001  (a key of the cache)
    return steps_of(None, intervals=intervals)


def steps_of(coefficients: pl.DataFrame | None, *, intervals: bool) -> Steps:
    """The expressions of an estimate with these coefficients."""
    middle = medians(coefficients)
    sampled = draws(coefficients) if intervals else None
    request = factors(middle, "_") | (factors(sampled, "_drawn_") if sampled else {})
    root, roots, ratios = percentile_stages(middle)
    cost = {"cost_usd_per_month": monthly_cost(pl.col("memory_gib"), pl.col("cpu_cores"))}
    middles = {name: pl.col(name).arr.first() for name in DRAWN} | _quantiles() if intervals else {}
    added = {f"added_{name}_ms": pl.col("_mean_ms") * pl.col(f"_ratio_{name}") for name in PERCENTILES}
    selected = (
        pl.col("scenario"),
        pl.col("dataplane"),
        *(_interval_columns() if intervals else map(pl.col, INTERVAL_FIGURES)),
        pl.col("in_evidence_range"),
        *map(pl.col, PART_FIGURES),
    )
    return Steps(
        base=(*prepared(middle), request),
        none=tuple(_none(sampled)),
        planes=tuple(_plane(dataplane, middle, sampled) for dataplane in MODELS),
        figures=(totals() | root, cost | roots, middles | ratios, added | {"nodes_filled": _requested_nodes()}),
        selected=selected,
    )


def _plane(
    dataplane: str, middle: Coefficients, sampled: Coefficients | None
) -> tuple[tuple[Stage, ...], tuple[pl.Expr, ...]]:
    c = sampled or middle
    model = MODELS[dataplane]
    parts, middle_parts = (
        model(c, Cluster.of_columns(sampled=c is sampled)),
        model(middle, Cluster.of_columns(sampled=False)),
    )
    path = [Traversals(pl.col(f"_count_{index}"), pl.col(f"_mean_{index}")) for index in range(len(middle_parts.path))]
    constants = {"dataplane": pl.lit(dataplane), "in_evidence_range": in_evidence_range(dataplane)}
    stages = (
        split_figures(parts, c, dataplane)
        | path_columns(middle_parts.path)
        | part_figures(middle_parts, middle, dataplane)
        | constants,
        {"_mean": latency.path_mean(path), "_variance": latency.path_variance(path)},
    )
    return stages, tuple(map(pl.col, KEPT))


def _none(sampled: Coefficients | None) -> Iterator[pl.Expr]:
    """Columns of the cluster without a mesh: nothing is added, which needs no measurement."""
    zeros = pl.lit(pl.Series([[0.0] * (DRAWS + 1)], dtype=pl.Array(pl.Float64, DRAWS + 1))).first()
    constants = {"dataplane": pl.lit("none"), "in_evidence_range": pl.lit(value=True)}
    for name in KEPT:
        if name in INPUTS_KEPT:
            yield pl.col(name)
        elif name in SPLIT and sampled:
            yield zeros.alias(name)
        else:
            yield constants.get(name, pl.lit(0.0)).alias(name)


def _requested_nodes() -> pl.Expr:
    """Nodes by what is requested, or by what is used where that is more; a change of plugin may free some."""
    memory_gib, cpu_cores, requested_memory, requested_cpu = map(
        pl.col, ("memory_gib", "cpu_cores", "_requested_memory_gib", "_requested_cpu_cores")
    )
    return nodes_filled(
        pl.when(requested_memory > memory_gib, requested_memory > 0).then(requested_memory).otherwise(memory_gib),
        pl.when(requested_cpu > cpu_cores, requested_cpu > 0).then(requested_cpu).otherwise(cpu_cores),
    )


def _quantiles() -> dict[str, pl.Expr]:
    """Ends of every drawn figure's interval."""
    return {
        f"{name}_{end}": pl.col(name).arr.to_list().list.agg(pl.element().quantile(share, "linear"))
        for name in DRAWN
        for end, share in (("lo", 0.1), ("hi", 0.9))
    }


def _interval_columns() -> Iterator[pl.Expr]:
    for name in INTERVAL_FIGURES:
        lower, upper = (_interval_end(name, end) for end in ("lo", "hi"))
        yield pl.min_horizontal(lower, name).alias(f"{name}_lo")
        yield pl.col(name)
        yield pl.max_horizontal(upper, name).alias(f"{name}_hi")


def _interval_end(name: str, end: str) -> pl.Expr:
    if name.startswith("added"):
        return pl.col(f"_mean_ms_{end}") * pl.col(f"_ratio_{name.split('_')[1]}")
    return pl.col(f"{name}_{end}")


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
