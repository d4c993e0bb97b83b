"""Published measurements, checked, and what the models predict for them.

A measurement is a row of ``data/evidence/measurements.csv``: one figure of one component under stated conditions, with
its source. ``predicted`` applies the equations of ``memory``, ``cpu`` and ``latency`` to such rows; there is no second
form of them here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.models.overhead import cpu, latency, memory
from meshlab.models.overhead.coefficients import Coefficients, Value
from meshlab.models.overhead.latency import PERCENTILES
from meshlab.tables import data_path, read_table

KINDS = ("memory", "cpu", "latency")


@cache
def measurements() -> pl.DataFrame:
    """All measurements with the ``kind`` of their metric and the ``spread`` of their component.

    Raises:
        MeshlabError: A row names no declared source, component, metric or unit, or lacks where its figure stands.
    """
    table = read_table("evidence/measurements")
    problems = check_measurements(table)
    if problems:
        raise MeshlabError(problems)
    kinds = read_table("evidence/metrics").select("metric", "kind")
    groups = read_table("evidence/components").select("component", "spread")
    return table.join(kinds, on="metric", how="left").join(groups, on="component", how="left")


def check_measurements(table: pl.DataFrame) -> list[Problem]:
    """What is wrong with rows of evidence: names outside the closed lists, units that are not the metric's own.

    Args:
        table: Columns of ``measurements.csv``; empty cells are found when the file is read.
    """
    file = str(data_path("evidence/measurements.csv"))
    closed = {
        "source_id": read_table("sources")["source_id"],
        "origin": read_table("sources")["source_id"],
        "component": read_table("evidence/components")["component"],
        "metric": read_table("evidence/metrics")["metric"],
        "role": pl.Series(["fit", "context"]),
    }
    problems = [
        Problem(file, f"row {row}: {name} {value!r} is not declared", did_you_mean(value, known))
        for name, known in closed.items()
        for row, value in table.filter(~pl.col(name).is_in(known.implode())).select("measurement_id", name).iter_rows()
    ]
    units = table.join(read_table("evidence/metrics"), on="metric").filter(pl.col("unit") != pl.col("unit_right"))
    problems += [
        Problem(file, f"row {row}: unit {unit!r} is not that of {metric}", f"convert the figure to {expected}")
        for row, unit, metric, expected in units.select("measurement_id", "unit", "metric", "unit_right").iter_rows()
    ]
    repeated = table.filter(pl.col("measurement_id").is_duplicated())["measurement_id"].unique(maintain_order=True)
    return problems + [Problem(file, f"row {row}: the id stands twice", "ids are unique") for row in repeated]


# --- predictions ---------------------------------------------------------------------------------------------------

ROW = {name: pl.col(name) for name in ("instances", "rate", "connections", "pods", "services", "nodes")}

CONFIG_SERVICES = pl.col("config_services")

ENDPOINTS = pl.coalesce(
    pl.col("pods") * (CONFIG_SERVICES / pl.max_horizontal("services", CONFIG_SERVICES)), CONFIG_SERVICES
)
"""Endpoints that a proxy knows; one a service where the cluster's pods are not stated. [count]"""

PAYLOAD_MB = pl.col("payload_bytes").fill_null(0) * (1.0 / cpu.BYTES_PER_MB)

WAYPOINTS_OF_S11 = 3
"""Waypoints beside the ztunnels that an ambient control plane serves, in the only source that counts it."""


def traffic() -> cpu.Traffic:
    """What a request of a measurement is; what the source does not say is taken as HTTP/1.1 without mTLS."""
    mtls = pl.col("mtls").fill_null(value=False).cast(pl.Float64)
    return cpu.Traffic(grpc=pl.col("grpc_share").fill_null(0), http2=0.0, tcp=0.0, mtls=mtls)


def _platform(factor: Value) -> pl.Expr:
    """The factor on virtual machines, its inverse on bare metal, one where the source does not say."""
    on_metal = pl.when(platform="bare-metal").then(1.0 / factor)
    return pl.when(platform="cloud-vm").then(factor).otherwise(on_metal.otherwise(1.0))


def _proxies(c: Coefficients, idle: str, per_1000: Value) -> Value:
    factor = traffic().cpu_factor(c) * _platform(c["vm_cpu_factor"])
    work = factor * cpu.batched(c, ROW["instances"], ROW["rate"])
    return cpu.proxies(c, ROW["instances"], idle, per_1000, work, ROW["rate"] * PAYLOAD_MB)


def _sidecar_memory(c: Coefficients) -> Value:
    return ROW["instances"] * memory.sidecar(c, CONFIG_SERVICES, ENDPOINTS, ROW["connections"])


def _istiod_memory(c: Coefficients) -> Value:
    sidecars = pl.when(dataplane="istio-sidecar").then("pods").otherwise(0.0)
    pods = pl.col("pods")
    return memory.istiod(c, ROW["instances"], pods) + memory.istiod_sidecars(c, sidecars, CONFIG_SERVICES)


def _istiod_cpu(c: Coefficients) -> Value:
    ambient = pl.col("nodes") + WAYPOINTS_OF_S11
    return cpu.istiod(c, ROW["instances"], pl.when(dataplane="istio-sidecar").then("pods").otherwise(ambient))


MEMORY: dict[str, Callable[[Coefficients], Value]] = {
    "sidecar": _sidecar_memory,
    "sidecar-client": _sidecar_memory,
    "sidecar-server": _sidecar_memory,
    "ztunnel": lambda c: ROW["instances"] * memory.ztunnel(c, ROW["pods"], ROW["connections"]),
    "waypoint": lambda c: ROW["instances"] * memory.waypoint(c, CONFIG_SERVICES, ROW["connections"]),
    "linkerd-proxy": lambda c: ROW["instances"] * memory.linkerd_proxy(c, ROW["connections"]),
    "cilium-agent": lambda c: ROW["instances"] * memory.cilium_agent(c, ROW["pods"], ROW["services"]),
    "cilium-agent-per-pod": lambda c: ROW["instances"] * c["cilium_agent_pod_mib"],
    "ebpf-maps": lambda c: ROW["instances"] * memory.ebpf_maps(c, pl.col("node_memory_gib")),
    "node-envoy": lambda c: ROW["instances"] * memory.node_envoy(c),
    "istiod": _istiod_memory,
    "istiod-registry": lambda c: c["istiod_pod_mib"] * ROW["pods"],
    "linkerd-control-plane": lambda c: memory.linkerd_control_plane(c, ROW["instances"], ROW["pods"]),
}
"""Memory of a measurement's instances. [MiB]"""

CPU: dict[str, Callable[[Coefficients], Value]] = {
    "sidecar": lambda c: _proxies(
        c, "sidecar_idle_mcores", 0.5 * (c["sidecar_client_mcores"] + c["sidecar_server_mcores"])
    ),
    "sidecar-client": lambda c: _proxies(c, "sidecar_idle_mcores", c["sidecar_client_mcores"]),
    "sidecar-server": lambda c: _proxies(c, "sidecar_idle_mcores", c["sidecar_server_mcores"]),
    "ztunnel": lambda c: _proxies(c, "ztunnel_idle_mcores", c["ztunnel_mcores"]),
    "waypoint": lambda c: _proxies(c, "waypoint_idle_mcores", c["waypoint_mcores"]),
    "linkerd-proxy": lambda c: _proxies(c, "linkerd_idle_mcores", c["linkerd_mcores"]),
    "node-envoy": lambda c: _proxies(c, "node_envoy_idle_mcores", c["node_envoy_mcores"]),
    "cilium-agent": lambda c: ROW["instances"] * c["cilium_agent_mcores"],
    # the coefficient is of both ends of a call, a measurement of an application of one
    "cilium-datapath": lambda c: 0.5 * cpu.kernel(c, ROW["rate"], "cilium_kernel_mcores", PAYLOAD_MB),
    "istiod": _istiod_cpu,
    "linkerd-control-plane": lambda c: cpu.linkerd_control_plane(c, ROW["instances"], ROW["pods"]),
}
"""CPU of a measurement's instances. [mcores]"""


def _path_latency(c: Coefficients) -> Value:
    """Added latency of a path through ``instances`` traversals, at the percentile that the metric names. [ms]"""
    busy = (ROW["rate"] * ROW["instances"] / pl.col("proxies") * 1e-3).clip(upper_bound=3.0)
    factor = traffic().latency_factor(c)
    queue = latency.queueing(c, ROW["connections"].fill_null(latency.CROWDED_CONNECTIONS))
    slowed = factor * (1.0 + c["latency_rate_slope"] * busy) * queue
    body = c["byte_latency_ms"] * PAYLOAD_MB
    per_traversal = (
        pl.when(dataplane="istio-sidecar")
        .then(c["sidecar_latency_ms"] * slowed + body)
        .when(dataplane="linkerd")
        .then(c["linkerd_latency_ms"] * slowed + body)
        .when(dataplane="istio-ambient")
        .then(c["ztunnel_latency_ms"] * factor + body)
        .when(dataplane="cilium")
        .then(c["cilium_datapath_latency_ms"])
    )
    return ROW["instances"] * per_traversal * _percentile_over_mean(c)


def _percentile_over_mean(c: Coefficients) -> pl.Expr:
    inverse_root = (ROW["instances"] * c["latency_shape"]).sqrt().pow(-1)
    name = pl.col("metric").str.strip_prefix("added_latency_")
    ratio = pl.lit(1.0)  # the mean
    for percentile, probability in PERCENTILES.items():
        root = latency.quantile_root(inverse_root, probability)
        ratio = pl.when(name == percentile).then(root * root * root).otherwise(ratio)
    return ratio


def predicted(rows: pl.LazyFrame, c: Coefficients) -> pl.LazyFrame:
    """The rows with ``predicted``, in the unit of their metric; null where no model knows the component.

    Args:
        rows: Columns of ``measurements()``.
        c: Coefficients; expressions over further columns of ``rows`` where each row brings its own.
    """
    known = pl.lit(None, pl.Float64)
    for kind, models in (("memory", MEMORY), ("cpu", CPU), ("latency", {"path": _path_latency})):
        for component, model in models.items():
            is_row = (pl.col("kind") == kind) & (pl.col("component") == component)
            known = pl.when(is_row).then(model(c)).otherwise(known)
    return rows.with_columns(predicted=known)
