"""Published measurements, and what the models predict for them.

A measurement is a row of ``data/evidence/measurements.csv``: one figure of one component under stated conditions, with
its source. ``predicted`` applies the equations of ``memory``, ``cpu`` and ``latency`` to such rows; there is no second
form of them here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache, reduce

import polars as pl

from meshlab.models.overhead import cpu, latency, memory
from meshlab.models.overhead.coefficients import Coefficients, Value, share
from meshlab.models.overhead.latency import PERCENTILES
from meshlab.tables import read_table

KINDS = ("memory", "cpu", "latency")


@cache
def measurements() -> pl.DataFrame:
    """All measurements with the ``kind`` of their metric and the ``spread`` of their component."""
    kinds = read_table("evidence/metrics").select("metric", "kind")
    groups = read_table("evidence/components").select("component", "spread")
    rows = read_table("evidence/measurements")
    return rows.join(kinds, on="metric", how="left").join(groups, on="component", how="left")


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


def _machine() -> dict[str, pl.Expr]:
    """Class of the machine; neither where the source does not say."""
    return {"is_vm": share(pl.col("platform") == "cloud-vm"), "is_metal": share(pl.col("platform") == "bare-metal")}


def _proxies(c: Coefficients, kind: str, per_1000: Value) -> Value:
    logged = 1.0 + (c["access_log_cpu_factor"] - 1.0) * share(pl.col("access_log"))
    factor = traffic().factor(c, "cpu") * cpu.machine_factor(c["vm_cpu_factor"], **_machine()) * logged
    work = factor * cpu.batched(c, ROW["instances"], ROW["rate"])
    return cpu.proxies(c, kind, ROW["instances"], per_1000, work, ROW["rate"] * PAYLOAD_MB)


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
    "waypoint": lambda c: ROW["instances"] * memory.envoy(c, "waypoint", CONFIG_SERVICES, ROW["connections"]),
    "gateway-envoy": lambda c: ROW["instances"] * memory.envoy(c, "gateway", CONFIG_SERVICES, ROW["connections"]),
    "linkerd-proxy": lambda c: ROW["instances"] * memory.linkerd_proxy(c, ROW["connections"]),
    "cilium-agent": lambda c: (
        ROW["instances"] * memory.cilium_agent(c, ROW["pods"], ROW["services"], pl.col("policies").fill_null(0))
    ),
    "cilium-agent-per-pod": lambda c: ROW["instances"] * c["cilium_agent_pod_mib"] * c["cilium_agent_memory_spread"],
    "ebpf-maps": lambda c: ROW["instances"] * memory.ebpf_maps(c, pl.col("node_memory_gib")),
    "istiod": _istiod_memory,
    "istiod-registry": lambda c: c["istiod_pod_mib"] * ROW["pods"] * c["istiod_memory_spread"],
    "linkerd-control-plane": lambda c: memory.linkerd_control_plane(c, ROW["instances"], ROW["pods"]),
}
"""Memory of a measurement's instances. [MiB]"""

CPU: dict[str, Callable[[Coefficients], Value]] = {
    **dict.fromkeys(
        ("sidecar", "sidecar-client", "sidecar-server"), lambda c: _proxies(c, "sidecar", c["sidecar_mcores"])
    ),
    "ztunnel": lambda c: _proxies(c, "ztunnel", c["ztunnel_mcores"]),
    "waypoint": lambda c: _proxies(c, "waypoint", cpu.envoy(c, "waypoint")),
    "gateway-envoy": lambda c: _proxies(c, "gateway", cpu.envoy(c, "gateway")),
    "linkerd-proxy": lambda c: _proxies(c, "linkerd", c["linkerd_mcores"]),
    "cilium-agent": lambda c: ROW["instances"] * cpu.cilium_agent(c),
    # the coefficient is of both ends of a call, a measurement of an application of one
    "cilium-datapath": lambda c: 0.5 * cpu.kernel(c, ROW["rate"], "cilium_kernel_mcores", PAYLOAD_MB),
    "istiod": _istiod_cpu,
    "linkerd-control-plane": lambda c: cpu.linkerd_control_plane(c, ROW["instances"], ROW["pods"]),
}
"""CPU of a measurement's instances. [mcores]"""

TOGETHER = {"together": 1.0, "jitter": 0.55}
"""How far connections fire at once, by how the load is made; with jitter of a tenth of the period S01 has 0.55 of the
queue that it has without. [share]"""

KINDS_OF_PATHS = {"istio-sidecar": "sidecar", "linkerd": "linkerd", "istio-ambient": "ztunnel", "cilium": "datapath"}
"""Proxy that the traversals of a measured path cross, by data plane."""


def _traversal_ms(c: Coefficients) -> Value:
    """Mean that one traversal of the path adds, stalls apart. [ms]"""
    rate = ROW["rate"].fill_null(1000.0) * ROW["instances"] / pl.col("proxies").fill_null(1.0)
    together = reduce(lambda found, load: pl.when(load=load[0]).then(load[1]).otherwise(found), TOGETHER.items(), _ZERO)
    bursts = latency.bursts(c, ROW["connections"].fill_null(1.0), rate, together)
    own = pl.coalesce(
        pl.when(dataplane=plane).then(
            c[f"{kind}_latency_spread"] * (1.0 if kind == "sidecar" else c[f"{kind}_latency_factor"])
        )
        for plane, kind in KINDS_OF_PATHS.items()
    )
    body = pl.when(dataplane="cilium").then(0.0).otherwise(c["byte_latency_ms"] * PAYLOAD_MB)
    return c["sidecar_latency_ms"] * traffic().factor(c, "latency") * bursts * own + body


def _path_latency(c: Coefficients) -> Value:
    """Added latency of a path through ``instances`` traversals, at the percentile that the metric names. [ms]"""
    mean, stall_ms = pl.col("_mean_ms"), latency.stall_length(c, **_machine())
    quantiles = (
        pl.when(metric=f"added_latency_{name}").then(
            latency.path_quantile(c, mean, pl.col("_deviation"), pl.col("_log_stalls"), stall_ms, probability)
        )
        for name, probability in PERCENTILES.items()
    )
    return pl.coalesce(*quantiles, mean + stall_ms * pl.col("_log_stalls").exp())


def _staged(rows: pl.LazyFrame, c: Coefficients) -> pl.LazyFrame:
    """Rows with the moments of their path, from which each percentile follows."""
    path = (latency.Traversals(ROW["instances"], pl.col("_traversal_ms")),)
    variance = latency.path_variance(c, path)
    return (
        rows.with_columns(_traversal_ms=_traversal_ms(c))
        .with_columns(_mean_ms=latency.path_mean(path), _variance=variance, _log_stalls=latency.log_stalls(c, path))
        .with_columns(_deviation=latency.deviation_over_mean(c, pl.col("_mean_ms"), pl.col("_variance")))
    )


_ZERO = pl.lit(0.0)


def predicted(rows: pl.LazyFrame, c: Coefficients, kinds: Collection[str] = KINDS) -> pl.LazyFrame:
    """The rows with ``predicted``, in the unit of their metric; null where no model knows the component.

    Args:
        rows: Columns of ``measurements()``.
        c: Coefficients; expressions over further columns of ``rows`` where each row brings its own.
        kinds: Kinds that the rows are of, where they are not of all.
    """
    staged = _staged(rows, c) if "latency" in kinds else rows
    known = pl.lit(None, pl.Float64)
    for kind, models in (("memory", MEMORY), ("cpu", CPU), ("latency", {"path": _path_latency})):
        for component, model in models.items() if kind in kinds else ():
            is_row = (pl.col("kind") == kind) & (pl.col("component") == component)
            known = pl.when(is_row).then(model(c)).otherwise(known)
    return staged.with_columns(predicted=known)
