"""The estimate's medians fused by hand into one loop for numba: what the sweep benchmark compares polars with.

It is written as one would write it for speed alone: one pass over the scenarios, every subexpression computed once,
each figure written once, both cores, and liberties with rounding that polars does not take. It exists for the
comparison only, which holds its figures to those of ``estimate``. With ``NUMBA_DISABLE_JIT=1`` the same functions are
the plain Python loop over rows.
"""

# numba infers the types of arguments; an equation needs as many of them as it needs
# ruff: noqa: ANN001, ANN201, PLR0917

from __future__ import annotations

from collections import namedtuple
from math import ceil
from statistics import NormalDist

import numpy as np
import polars as pl
from numba import njit, prange

from meshlab.models.overhead.coefficients import medians
from meshlab.tables import read_table
from meshlab.units import HOURS_PER_MONTH

PLANES = ("none", "istio-sidecar", "istio-ambient", "cilium", "linkerd")

COLUMNS = (
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
    "ebpf_maps_memory_gib",
    "cni_change_memory_gib",
    "cni_change_cpu_cores",
    "nodes_filled",
)

NUMBERS = (
    "nodes",
    "services",
    "pods",
    "namespaces",
    "node_cpu_cores",
    "node_memory_gib",
    "requests_per_second",
    "connections",
    "payload_bytes",
    "l7_traffic_share",
    "call_depth",
    "same_node_share",
    "config_services",
    "cpu_usd_per_core_hour",
    "memory_usd_per_gib_hour",
)

PROTOCOLS = ("http1", "grpc", "http2", "tcp")

Z50, Z90, Z99 = (NormalDist().inv_cdf(share) / 3.0 for share in (0.5, 0.9, 0.99))
GIB, CORES = 1.0 / 1024.0, 1e-3
QUANTITIES = ("l7_traffic_share", "payload_bytes", "pods", "rate_per_proxy", "services", "config_services")

loop = njit(error_model="numpy", fastmath=False)

Constants = namedtuple("Constants", tuple(medians()))  # noqa: PYI024  (its fields are those of a table)


def constants():
    """The medians of all coefficients."""
    return Constants(**medians())


def bounds() -> tuple[np.ndarray, np.ndarray]:
    """What was measured: limits by data plane and quantity, and allowed (protocol, mtls) by data plane."""
    limits = np.empty((len(PLANES), len(QUANTITIES), 2))
    limits[:] = (-np.inf, np.inf)
    allowed = np.ones((len(PLANES), len(PROTOCOLS), 2), dtype=np.bool_)
    for dataplane, quantity, lower, upper, members in read_table("evidence/range").iter_rows():
        plane = PLANES.index(dataplane)
        if quantity in QUANTITIES:
            limits[plane, QUANTITIES.index(quantity)] = (lower, upper)
        elif quantity == "protocol":
            allowed[plane] &= np.array([name in members.split("|") for name in PROTOCOLS])[:, None]
        else:
            allowed[plane] &= np.array([word in members.split("|") for word in ("false", "true")])[None, :]
    return limits, allowed


def arrays(frame: pl.DataFrame) -> tuple[np.ndarray, ...]:
    """A frame whose inputs are all given, as the loop takes it: numbers, then small integers for words."""
    agents = read_table("cni_agents")
    coded = frame.select(
        *(pl.col(name).cast(pl.Float64) for name in NUMBERS),
        protocol=pl.col("protocol").replace_strict(PROTOCOLS, range(len(PROTOCOLS)), return_dtype=pl.Int8),
        mtls=pl.col("mtls").cast(pl.Int8),
        is_new=(pl.col("current_cni") != "cilium").fill_null(value=True).cast(pl.Int8),
        is_openshift=(pl.col("cloud") == "openshift").fill_null(value=False).cast(pl.Int8),
        is_vm=pl.col("cloud").is_in(["gke", "aks", "eks", "doks"]).fill_null(value=False).cast(pl.Int8),
        agent=pl.col("current_cni")
        .replace_strict(agents["current_cni"], range(1, agents.height + 1), default=0, return_dtype=pl.Int8)
        .fill_null(0),
    )
    return tuple(coded[name].to_numpy() for name in coded.columns)


def agents() -> np.ndarray:
    """Memory [MiB] and CPU [mcores] of the agent that each code of ``arrays`` stands for."""
    table = read_table("cni_agents")
    return np.array([(0.0, 0.0), *table.select("memory_mib", "cpu_mcores").iter_rows()])


Row = namedtuple(  # noqa: PYI024  (numba takes no class of types)
    "Row", [*NUMBERS, "protocol", "mtls", "is_new", "is_openshift", "is_vm", "agent_memory", "agent_cpu"]
)

Shared = namedtuple(  # noqa: PYI024  (numba takes no class of types)
    "Shared",
    "x body body_ms factor plain_factor slow double_power pods_power nodes_power l7_power waypoints l7_rate queue",
)


@loop
def shared(c, x):
    """Terms that more than one data plane needs, each once."""
    body = x.payload_bytes * 1e-6
    kind = x.protocol
    cpu = (
        c.grpc_cpu_factor if kind == 1 else c.http2_cpu_factor if kind == 2 else c.tcp_cpu_factor if kind == 3 else 1.0
    )
    ms = (
        c.grpc_latency_factor
        if kind == 1
        else c.http2_latency_factor
        if kind == 2
        else c.tcp_latency_factor
        if kind == 3
        else 1.0
    )
    plain = cpu * (c.vm_cpu_factor if x.is_vm else 1.0)
    power, rest = c.rate_exponent, 1.0 - c.rate_exponent
    l7_rate = x.requests_per_second * x.l7_traffic_share
    waypoints = (x.namespaces if x.l7_traffic_share > 0.0 else 0.0) + l7_rate / c.waypoint_capacity_rps
    crowd = min(max(2.0 * x.connections / x.pods, 1.0), 16.0) / 16.0
    return Shared(
        x,
        body,
        c.byte_latency_ms * body,
        plain * (c.mtls_cpu_factor if x.mtls else 1.0),
        plain,
        ms * (c.mtls_latency_factor if x.mtls else 1.0),
        (2e-3 * x.requests_per_second) ** power,
        x.pods**rest,
        x.nodes**rest,
        (1e-3 * l7_rate) ** power,
        waypoints,
        l7_rate,
        crowd**c.latency_connection_exponent
        * (1.0 + c.latency_rate_slope * min(2e-3 * x.requests_per_second / x.pods, 3.0)),
    )


@loop
def figures(c, x, memory, control_memory, cpu, control_cpu, mean, variance, spread, asked_memory, asked_cpu):
    """Figures of one data plane from its parts, in the order of ``COLUMNS`` less what only Cilium has."""
    total_memory, total_cpu, ms = memory + control_memory, cpu + control_cpu, mean * spread
    inverse = variance**0.5 / (mean + 1e-12) * c.latency_shape**-0.5
    low = 1.0 - inverse * inverse * (1.0 / 9.0)
    p50, p90, p99 = max(low + inverse * Z50, 0.0), max(low + inverse * Z90, 0.0), max(low + inverse * Z99, 0.0)
    filled_memory = asked_memory if asked_memory > total_memory and asked_memory > 0.0 else total_memory
    filled_cpu = asked_cpu if asked_cpu > total_cpu and asked_cpu > 0.0 else total_cpu
    return (
        total_memory,
        total_cpu,
        ms * (p50 * p50 * p50),
        ms * (p90 * p90 * p90),
        ms * (p99 * p99 * p99),
        (total_memory * x.memory_usd_per_gib_hour + total_cpu * x.cpu_usd_per_core_hour) * HOURS_PER_MONTH,
        memory,
        control_memory,
        cpu,
        control_cpu,
        1.0 * ceil(max(filled_memory / x.node_memory_gib, filled_cpu / x.node_cpu_cores)),
    )


@loop
def istio_sidecar(c, s):
    """Figures of Istio with sidecars."""
    x, replicas, ends = s.x, c.control_plane_replicas, 2.0 * s.x.connections / s.x.pods
    endpoints = x.pods * min(x.config_services / x.services, 1.0)
    cni_nodes = x.nodes if x.is_openshift else 0.0
    one = (
        c.sidecar_base_mib
        + c.sidecar_service_mib * x.config_services
        + c.sidecar_endpoint_mib * endpoints
        + c.sidecar_connection_mib * ends
    )
    istiod = c.istiod_base_mib * replicas + x.pods * (
        c.istiod_sidecar_mib + c.istiod_config_mib * x.config_services + c.istiod_pod_mib
    )
    cpu = (
        c.sidecar_idle_mcores * x.pods
        + 0.5 * (c.sidecar_client_mcores + c.sidecar_server_mcores) * s.factor * s.double_power * s.pods_power
        + c.byte_mcores * 2.0 * x.requests_per_second * s.body
        + c.istio_cni_mcores * cni_nodes
    )
    ms, count = c.sidecar_latency_ms * s.slow * s.queue + s.body_ms, 2.0 * x.call_depth
    return figures(
        c,
        x,
        (x.pods * one + c.istio_cni_node_mib * cni_nodes) * (c.sidecar_memory_spread * GIB),
        istiod * (c.sidecar_control_memory_spread * GIB),
        cpu * (c.sidecar_cpu_spread * CORES),
        (c.istiod_base_mcores * replicas + c.istiod_proxy_mcores * x.pods) * (c.sidecar_control_cpu_spread * CORES),
        count * ms,
        count * ms * ms,
        c.sidecar_latency_spread,
        (c.sidecar_request_mib * x.pods + c.istiod_request_mib * replicas) * GIB,
        (c.sidecar_request_mcores * x.pods + c.istiod_request_mcores * replicas) * CORES,
    )


@loop
def istio_ambient(c, s):
    """Figures of Istio ambient."""
    x, replicas, waypoints = s.x, c.control_plane_replicas, s.waypoints
    crossings = 2.0 - x.same_node_share + c.ztunnel_same_node_share * x.same_node_share
    some = max(waypoints, 1.0)
    ztunnel = (
        c.ztunnel_base_mib
        + c.ztunnel_pod_mib * x.pods
        + c.ztunnel_connection_mib * (2.0 * x.connections / x.nodes)
        + c.istio_cni_node_mib
    )
    waypoint = (
        c.waypoint_base_mib
        + c.sidecar_service_mib * (x.services / x.namespaces)
        + c.sidecar_connection_mib * (2.0 * x.connections * x.l7_traffic_share / some)
    )
    rest = 1.0 - c.rate_exponent
    cpu = (
        (c.ztunnel_idle_mcores + c.istio_cni_mcores) * x.nodes
        + c.ztunnel_mcores * 0.5 * crossings * s.factor * s.double_power * s.nodes_power
        + c.waypoint_idle_mcores * waypoints
        + c.waypoint_mcores * s.factor * s.l7_power * waypoints**rest
        + c.byte_mcores * s.body * (2.0 * x.requests_per_second + s.l7_rate)
    )
    first, second = x.call_depth * crossings, x.call_depth * x.l7_traffic_share
    first_ms = c.ztunnel_latency_ms * s.slow + s.body_ms
    busy = 1.0 + c.latency_rate_slope * min(1e-3 * s.l7_rate / some, 3.0)
    second_ms = c.waypoint_latency_ms * s.slow * busy + s.body_ms
    return figures(
        c,
        x,
        (x.nodes * ztunnel + waypoints * waypoint) * (c.ambient_memory_spread * GIB),
        (c.istiod_base_mib * replicas + c.istiod_pod_mib * x.pods) * (c.ambient_control_memory_spread * GIB),
        cpu * (c.ambient_cpu_spread * CORES),
        (c.istiod_base_mcores * replicas + c.istiod_proxy_mcores * (x.nodes + waypoints))
        * (c.ambient_control_cpu_spread * CORES),
        first * first_ms + second * second_ms,
        first * first_ms * first_ms + second * second_ms * second_ms,
        c.ambient_latency_spread,
        (c.ztunnel_request_mib * x.nodes + c.sidecar_request_mib * waypoints + c.istiod_request_mib * replicas) * GIB,
        (c.ztunnel_request_mcores * x.nodes + c.sidecar_request_mcores * waypoints + c.istiod_request_mcores * replicas)
        * CORES,
    )


@loop
def cilium(c, s):
    """Figures of Cilium, then its maps and its change of the network plugin."""
    x = s.x
    new_nodes, replicas = (x.nodes, c.control_plane_replicas) if x.is_new else (0.0, 0.0)
    new_calls = x.call_depth if x.is_new else 0.0
    new_rate = x.requests_per_second if x.is_new else 0.0
    has_l7, encrypted = x.l7_traffic_share > 0.0, 1.0 - x.same_node_share if x.mtls else 0.0
    envoys = x.nodes if has_l7 else 0.0
    maps = (c.cilium_map_base_mib + c.cilium_map_share * 1024.0 * x.node_memory_gib) * new_nodes
    agent = (
        c.cilium_agent_base_mib
        + c.cilium_agent_pod_mib * x.pods
        + c.cilium_agent_service_mib * x.services
        - c.replaced_agent_scale * x.agent_memory
    )
    cni_memory = agent * new_nodes + maps
    bytes_mcores = c.byte_mcores * s.body
    cni_cpu = (c.cilium_agent_mcores - c.replaced_agent_scale * x.agent_cpu) * new_nodes + new_rate * (
        c.cilium_kernel_mcores * 1e-3 + bytes_mcores * 0.2
    )
    cpu = (
        cni_cpu
        + c.node_envoy_idle_mcores * envoys
        + (c.node_envoy_mcores * s.plain_factor * s.l7_power * s.nodes_power if has_l7 else 0.0)
        + bytes_mcores * s.l7_rate
        + x.requests_per_second * encrypted * (c.cilium_mtls_mcores * 1e-3 + bytes_mcores * 0.2)
    )
    memory = cni_memory + c.node_envoy_base_mib * envoys + c.cilium_mtls_node_mib * (x.nodes if x.mtls else 0.0)
    busy = 1.0 + c.latency_rate_slope * min(1e-3 * s.l7_rate / x.nodes, 3.0)
    second, second_ms = x.call_depth * x.l7_traffic_share, c.node_envoy_latency_ms * s.slow * busy + s.body_ms
    third, third_ms = x.call_depth * encrypted, c.cilium_mtls_latency_ms + s.body_ms
    first_ms = c.cilium_datapath_latency_ms
    found = figures(
        c,
        x,
        memory * (c.cilium_memory_spread * GIB),
        c.cilium_operator_mib * replicas * (c.cilium_control_memory_spread * GIB),
        cpu * (c.cilium_cpu_spread * CORES),
        c.cilium_operator_mcores * replicas * (c.cilium_control_cpu_spread * CORES),
        new_calls * first_ms + second * second_ms + third * third_ms,
        new_calls * first_ms * first_ms + second * second_ms * second_ms + third * third_ms * third_ms,
        c.cilium_latency_spread,
        0.0,
        0.0,
    )
    memory_scale, cpu_scale = c.cilium_memory_spread * GIB, c.cilium_cpu_spread * CORES
    return found, maps * memory_scale, cni_memory * memory_scale, cni_cpu * cpu_scale


@loop
def linkerd(c, s):
    """Figures of Linkerd."""
    x, replicas = s.x, c.control_plane_replicas
    one = c.linkerd_base_mib + c.linkerd_connection_mib * (2.0 * x.connections / x.pods)
    cpu = (
        c.linkerd_idle_mcores * x.pods
        + c.linkerd_mcores * s.factor * s.double_power * s.pods_power
        + c.byte_mcores * 2.0 * x.requests_per_second * s.body
    )
    ms, count = c.linkerd_latency_ms * s.slow * s.queue + s.body_ms, 2.0 * x.call_depth
    return figures(
        c,
        x,
        x.pods * one * (c.linkerd_memory_spread * GIB),
        (c.linkerd_control_base_mib * replicas + c.linkerd_control_pod_mib * x.pods)
        * (c.linkerd_control_memory_spread * GIB),
        cpu * (c.linkerd_cpu_spread * CORES),
        (c.linkerd_control_base_mcores * replicas + c.linkerd_control_pod_mcores * x.pods)
        * (c.linkerd_control_cpu_spread * CORES),
        count * ms,
        count * ms * ms,
        c.linkerd_latency_spread,
        0.0,
        0.0,
    )


@loop
def inside(limits, allowed, x, per_pod, per_node, plane):
    """Whether a scenario lies within what was measured of a data plane."""
    a = limits[plane]
    rate = per_node if plane in (2, 3) else per_pod
    return (
        allowed[plane][x.protocol][x.mtls]
        and a[0][0] <= x.l7_traffic_share <= a[0][1]
        and a[1][0] <= x.payload_bytes <= a[1][1]
        and a[2][0] <= x.pods <= a[2][1]
        and a[3][0] <= rate <= a[3][1]
        and a[4][0] <= x.services <= a[4][1]
        and a[5][0] <= x.config_services <= a[5][1]
    )


@loop
def row_of(numbers, kinds, agent_figures, i):
    """One scenario of the arrays."""
    n, k, agent = numbers, kinds, kinds[5][i]
    return Row(
        *(n[0][i], n[1][i], n[2][i], n[3][i], n[4][i], n[5][i], n[6][i], n[7][i], n[8][i], n[9][i], n[10][i]),
        *(n[11][i], n[12][i], n[13][i], n[14][i]),
        *(k[0][i], k[1][i], k[2][i], k[3][i], k[4][i]),
        *(agent_figures[agent][0], agent_figures[agent][1]),
    )


@loop
def write(out, row, plane, found):
    """Write one data plane's figures; maps and change of plugin are none."""
    for column in range(10):
        out[column, row, plane] = found[column]
    out[10, row, plane] = 0.0
    out[11, row, plane] = 0.0
    out[12, row, plane] = 0.0
    out[13, row, plane] = found[10]


@njit(parallel=True, error_model="numpy", fastmath=False)
def fill(c, numbers, kinds, agent_figures, limits, allowed, out, measured):
    """All figures of all scenarios: ``out[column, scenario, data plane]``, and whether such ones were measured."""
    for i in prange(out.shape[1]):
        x = row_of(numbers, kinds, agent_figures, i)
        s = shared(c, x)
        for column in range(14):
            out[column, i, 0] = 0.0
        write(out, i, 1, istio_sidecar(c, s))
        write(out, i, 2, istio_ambient(c, s))
        found, maps, cni_memory, cni_cpu = cilium(c, s)
        write(out, i, 3, found)
        out[10, i, 3] = maps
        out[11, i, 3] = cni_memory
        out[12, i, 3] = cni_cpu
        write(out, i, 4, linkerd(c, s))
        per_pod, per_node = 2.0 * x.requests_per_second / x.pods, 2.0 * x.requests_per_second / x.nodes
        measured[i, 0] = True
        for plane in range(1, 5):
            measured[i, plane] = inside(limits, allowed, x, per_pod, per_node, plane)


def rows(frame):
    """The same over a frame row by row, as lists of figures: what one writes in plain Python."""
    agents = read_table("cni_agents").select("current_cni", "memory_mib", "cpu_mcores")
    c, known = constants(), {name: (memory, cpu) for name, memory, cpu in agents.iter_rows()}
    (limits, allowed), answers = (table.tolist() for table in bounds()), []
    for row in frame.iter_rows(named=True):
        agent = known.get(row["current_cni"], (0.0, 0.0))
        x = Row(
            *(row[name] for name in NUMBERS),
            protocol=PROTOCOLS.index(row["protocol"]),
            mtls=row["mtls"],
            is_new=row["current_cni"] != "cilium",
            is_openshift=row["cloud"] == "openshift",
            is_vm=row["cloud"] in ("gke", "aks", "eks", "doks"),
            agent_memory=agent[0],
            agent_cpu=agent[1],
        )
        s = shared(c, x)
        per_pod, per_node = 2.0 * x.requests_per_second / x.pods, 2.0 * x.requests_per_second / x.nodes
        found = (istio_sidecar(c, s), istio_ambient(c, s), cilium(c, s), linkerd(c, s))
        answers.append((found, [inside(limits, allowed, x, per_pod, per_node, plane) for plane in range(1, 5)]))
    return answers
