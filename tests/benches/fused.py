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
from math import ceil, log
from statistics import NormalDist

import numpy as np
import polars as pl
from numba import config, njit, prange

from meshlab.models.overhead.cluster import network_agents
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
    "worker_load",
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
    "network_policies",
    "new_connections_per_second",
    "control_plane_replicas",
    "waypoint_replicas",
)

PROTOCOLS = ("http1", "grpc", "http2", "tcp")

CLOUDS = ("gke", "aks", "eks", "doks")

Z90, Z99 = (NormalDist().inv_cdf(share) for share in (0.9, 0.99))
GIB, CORES = 1.0 / 1024.0, 1e-3
QUANTITIES = ("l7_traffic_share", "payload_bytes", "pods", "rate_per_proxy", "services", "config_services")

config.PARFOR_MAX_TUPLE_SIZE = 200  # the coefficients, which the loop takes as one tuple

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
    agents = network_agents()
    coded = frame.select(
        *(pl.col(name).cast(pl.Float64) for name in NUMBERS),
        protocol=pl.col("protocol").replace_strict(PROTOCOLS, range(len(PROTOCOLS)), return_dtype=pl.Int8),
        mtls=pl.col("mtls").cast(pl.Int8),
        is_new=(pl.col("current_cni") != "cilium").fill_null(value=True).cast(pl.Int8),
        is_openshift=(pl.col("cloud") == "openshift").fill_null(value=False).cast(pl.Int8),
        machine=pl.when(pl.coalesce(pl.col("machine") == "cloud-vm", pl.col("cloud").is_in(CLOUDS)))
        .then(1)
        .when(machine="bare-metal")
        .then(2)
        .otherwise(0)
        .cast(pl.Int8),
        agent=pl.col("current_cni")
        .replace_strict(agents["current_cni"], range(1, agents.height + 1), default=0, return_dtype=pl.Int8)
        .fill_null(0),
    )
    return tuple(coded[name].to_numpy() for name in coded.columns)


def agents() -> np.ndarray:
    """Memory [MiB] and CPU [mcores] of the agent that each code of ``arrays`` stands for."""
    table = network_agents()
    return np.array([(0.0, 0.0), *table.select("memory_mib", "cpu_mcores").iter_rows()])


Row = namedtuple(  # noqa: PYI024  (numba takes no class of types)
    "Row", [*NUMBERS, "protocol", "mtls", "is_new", "is_openshift", "machine", "agent_memory", "agent_cpu"]
)

Shared = namedtuple(  # noqa: PYI024  (numba takes no class of types)
    "Shared",
    "x body body_ms slow sidecar_ms ztunnel_ms stall_ms pod_work node_work node_l7_work waypoint_work waypoints "
    "l7_rate",
)


@loop
def on_machine(factor, machine):
    """A factor on virtual cores, its inverse on bare metal."""
    return factor if machine == 1 else 1.0 / factor if machine == 2 else 1.0


@loop
def shared(c, x):
    """Terms that more than one data plane needs, each once."""
    body, kind, power, rest = x.payload_bytes * 1e-6, x.protocol, c.rate_exponent, 1.0 - c.rate_exponent
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
    plain = cpu * on_machine(c.vm_cpu_factor, x.machine)
    factor = plain * (c.mtls_cpu_factor if x.mtls else 1.0)
    l7_rate = x.requests_per_second * x.l7_traffic_share
    waypoints = x.waypoint_replicas if x.l7_traffic_share > 0.0 else 0.0
    opening = 0.5 * min(x.new_connections_per_second / max(x.requests_per_second, 1e-3), 1.0)
    double_power, l7_power, nodes_power = (
        (2e-3 * x.requests_per_second) ** power,
        (1e-3 * l7_rate) ** power,
        x.nodes**rest,
    )
    body_ms = c.byte_latency_ms * body
    return Shared(
        x,
        body,
        body_ms,
        ms * (c.mtls_latency_factor if x.mtls else 1.0),
        body_ms + c.proxy_connect_ms * opening,
        body_ms + c.ztunnel_connect_ms * opening,
        c.stall_ms * on_machine(c.vm_stall_factor, x.machine) * c.stall_latency_spread,
        factor * double_power * x.pods**rest,
        factor * double_power * nodes_power,
        plain * l7_power * nodes_power,
        factor * l7_power * waypoints**rest,
        waypoints,
        l7_rate,
    )


@loop
def queue(c, load):
    """Time in a proxy whose workers are so busy over that of an idle one."""
    busy = min(load, 0.95)
    return 1.0 + c.queue_weight * busy / (1.0 - busy)


@loop
def far(mean, deviation, score, stalls):
    """A percentile of a path from its gamma time and its stalls."""
    root = deviation * (score * (1.0 / 3.0) - deviation * (1.0 / 9.0)) + 1.0
    reach = mean * deviation * score
    return max(mean * (root * root * root) + stalls * stalls / (stalls + 1.5 * reach + 1e-12), 0.0)


@loop
def figures(c, s, memory, control_memory, cpu, control_cpu, mean, variance, stalling, asked_memory, asked_cpu, load):
    """Figures of one data plane from its parts, in the order of ``COLUMNS`` less what only Cilium has."""
    x, memory, control_memory, cpu, control_cpu = (
        s.x,
        memory * GIB,
        control_memory * GIB,
        cpu * CORES,
        control_cpu * CORES,
    )
    total_memory, total_cpu, deviation = memory + control_memory, cpu + control_cpu, variance**0.5 / (mean + 1e-12)
    seen = log(stalling) - c.stall_rarity if stalling > 0.0 else -np.inf
    filled_memory = asked_memory * GIB if asked_memory * GIB > total_memory and asked_memory > 0.0 else total_memory
    filled_cpu = asked_cpu * CORES if asked_cpu * CORES > total_cpu and asked_cpu > 0.0 else total_cpu
    return (
        total_memory,
        total_cpu,
        far(mean, deviation, 0.0, s.stall_ms * max(seen - log(0.5), 0.0)),
        far(mean, deviation, Z90, s.stall_ms * max(seen - log(1.0 - 0.9), 0.0)),
        far(mean, deviation, Z99, s.stall_ms * max(seen - log(1.0 - 0.99), 0.0)),
        (total_memory * x.memory_usd_per_gib_hour + total_cpu * x.cpu_usd_per_core_hour) * HOURS_PER_MONTH,
        memory,
        control_memory,
        cpu,
        control_cpu,
        load,
        1.0 * ceil(max(filled_memory / x.node_memory_gib, filled_cpu / x.node_cpu_cores)),
    )


@loop
def istio_sidecar(c, s):
    """Figures of Istio with sidecars."""
    x, replicas = s.x, s.x.control_plane_replicas
    endpoints = x.pods * min(x.config_services / x.services, 1.0)
    cni_nodes = x.nodes if x.is_openshift else 0.0
    one = (
        c.sidecar_base_mib
        + (c.sidecar_service_mib * x.config_services + c.sidecar_endpoint_mib * endpoints)
        * c.configuration_memory_spread
        + c.sidecar_connection_mib * (2.0 * x.connections / x.pods)
    )
    istiod = c.istiod_base_mib * replicas + x.pods * (
        c.istiod_sidecar_mib + c.istiod_config_mib * x.config_services + c.istiod_pod_mib
    )
    busy = c.sidecar_mcores * s.pod_work
    cpu = (
        c.sidecar_idle_mcores * x.pods
        + busy
        + 2.0
        * (
            c.byte_mcores * x.requests_per_second * s.body
            + c.proxy_connect_mcores * 1e-3 * x.new_connections_per_second
        )
    )
    load = busy * c.sidecar_cpu_spread * 1e-3 / (x.pods * c.sidecar_workers)
    ms, count = (
        c.sidecar_latency_ms * c.sidecar_latency_spread * s.slow * queue(c, load) + s.sidecar_ms,
        2.0 * x.call_depth,
    )
    return figures(
        c,
        s,
        x.pods * one * c.sidecar_memory_spread + c.istio_cni_node_mib * cni_nodes,
        istiod * c.istiod_memory_spread,
        cpu * c.sidecar_cpu_spread + c.istio_cni_mcores * cni_nodes,
        (c.istiod_base_mcores * replicas + c.istiod_proxy_mcores * x.pods) * c.istiod_cpu_spread,
        count * ms,
        count * ms * ms * c.latency_variance,
        count,
        c.sidecar_request_mib * x.pods + c.istiod_request_mib * replicas,
        c.sidecar_request_mcores * x.pods + c.istiod_request_mcores * replicas,
        load,
    )


@loop
def istio_ambient(c, s):
    """Figures of Istio ambient."""
    x, replicas, waypoints = s.x, s.x.control_plane_replicas, s.waypoints
    crossings = 2.0 - x.same_node_share + c.ztunnel_same_node_share * x.same_node_share
    some = max(waypoints, 1.0)
    ztunnel = (
        c.ztunnel_base_mib + c.ztunnel_pod_mib * x.pods + c.ztunnel_connection_mib * (2.0 * x.connections / x.nodes)
    ) * c.ztunnel_memory_spread + c.istio_cni_node_mib
    waypoint = (
        c.sidecar_base_mib * c.waypoint_base_factor
        + c.sidecar_service_mib * (x.services / x.namespaces) * c.configuration_memory_spread
        + c.sidecar_connection_mib * (2.0 * x.connections * x.l7_traffic_share / some)
    ) * c.waypoint_memory_spread
    busy, l7_busy = (
        0.5 * c.ztunnel_mcores * crossings * s.node_work,
        c.sidecar_mcores * c.waypoint_cpu_factor * s.waypoint_work,
    )
    cpu = (
        c.ztunnel_idle_mcores * x.nodes
        + busy
        + c.byte_mcores * s.body * 2.0 * x.requests_per_second
        + c.ztunnel_connect_mcores * 1e-3 * x.new_connections_per_second * crossings
    ) * c.ztunnel_cpu_spread + c.istio_cni_mcores * x.nodes
    cpu += (
        c.sidecar_idle_mcores * waypoints
        + l7_busy
        + c.byte_mcores * s.body * s.l7_rate
        + c.proxy_connect_mcores * 1e-3 * x.new_connections_per_second * x.l7_traffic_share
    ) * c.waypoint_cpu_spread
    load = busy * c.ztunnel_cpu_spread * 1e-3 / (x.nodes * c.ztunnel_workers)
    l7_load = l7_busy * c.waypoint_cpu_spread * 1e-3 / (some * c.waypoint_workers)
    first, second = x.call_depth * crossings, x.call_depth * x.l7_traffic_share
    own = c.sidecar_latency_ms * s.slow
    first_ms = own * c.ztunnel_latency_factor * c.ztunnel_latency_spread * queue(c, load) + s.ztunnel_ms
    second_ms = own * c.waypoint_latency_factor * c.waypoint_latency_spread * queue(c, l7_load) + s.body_ms
    return figures(
        c,
        s,
        x.nodes * ztunnel + waypoints * waypoint,
        (c.istiod_base_mib * replicas + c.istiod_pod_mib * x.pods) * c.istiod_memory_spread,
        cpu,
        (c.istiod_base_mcores * replicas + c.istiod_proxy_mcores * (x.nodes + waypoints)) * c.istiod_cpu_spread,
        first * first_ms + second * second_ms,
        first * first_ms * first_ms * c.latency_variance
        + second * second_ms * second_ms * (c.latency_variance + 1.0 - x.l7_traffic_share),
        x.call_depth * (2.0 - x.same_node_share) + second,
        c.ztunnel_request_mib * x.nodes + c.sidecar_request_mib * waypoints + c.istiod_request_mib * replicas,
        c.ztunnel_request_mcores * x.nodes + c.sidecar_request_mcores * waypoints + c.istiod_request_mcores * replicas,
        max(load, l7_load),
    )


@loop
def cilium(c, s):
    """Figures of Cilium, then its maps and its change of the network plugin."""
    x = s.x
    new_nodes, replicas = (x.nodes, x.control_plane_replicas) if x.is_new else (0.0, 0.0)
    new_calls = x.call_depth if x.is_new else 0.0
    new_rate = x.requests_per_second if x.is_new else 0.0
    has_l7, encrypted = x.l7_traffic_share > 0.0, 1.0 - x.same_node_share if x.mtls else 0.0
    envoys = x.nodes if has_l7 else 0.0
    maps = (
        (c.cilium_map_base_mib + c.cilium_map_share * 1024.0 * x.node_memory_gib)
        * c.ebpf_maps_memory_spread
        * new_nodes
    )
    agent = (
        c.cilium_agent_base_mib
        + c.cilium_agent_pod_mib * x.pods
        + c.cilium_agent_service_mib * x.services
        + c.cilium_agent_policy_mib * x.network_policies
    ) * c.cilium_agent_memory_spread - c.replaced_agent_scale * x.agent_memory
    cni_memory = agent * new_nodes + maps
    bytes_mcores = c.byte_mcores * s.body
    cni_cpu = (
        c.cilium_agent_mcores * c.cilium_agent_cpu_spread - c.replaced_agent_scale * x.agent_cpu
    ) * new_nodes + new_rate * (c.cilium_kernel_mcores * 1e-3 + bytes_mcores * 0.2) * c.datapath_cpu_spread
    busy = c.sidecar_mcores * c.node_envoy_cpu_factor * s.node_l7_work
    cpu = (
        cni_cpu
        + (
            c.sidecar_idle_mcores * envoys
            + busy
            + bytes_mcores * s.l7_rate
            + c.proxy_connect_mcores * 1e-3 * x.new_connections_per_second * x.l7_traffic_share
        )
        * c.node_envoy_cpu_spread
        + x.requests_per_second * encrypted * (c.cilium_mtls_mcores * 1e-3 + bytes_mcores * 0.2) * c.datapath_cpu_spread
    )
    memory = (
        cni_memory
        + c.sidecar_base_mib * c.node_envoy_base_factor * c.node_envoy_memory_spread * envoys
        + c.cilium_mtls_node_mib * (x.nodes if x.mtls else 0.0)
    )
    load = busy * c.node_envoy_cpu_spread * 1e-3 / (x.nodes * x.node_cpu_cores)
    first_ms = c.sidecar_latency_ms * c.datapath_latency_factor * c.datapath_latency_spread
    second_ms = (
        c.sidecar_latency_ms * c.node_envoy_latency_factor * c.node_envoy_latency_spread * s.slow * queue(c, load)
        + s.body_ms
    )
    if not x.is_new:
        first_ms = 0.0
    third_ms = c.cilium_mtls_latency_ms + s.body_ms
    second, third = x.call_depth * x.l7_traffic_share, x.call_depth * encrypted
    found = figures(
        c,
        s,
        memory,
        c.cilium_operator_mib * replicas,
        cpu,
        c.cilium_operator_mcores * replicas,
        new_calls * first_ms + second * second_ms + third * third_ms,
        new_calls * first_ms * first_ms * c.latency_variance
        + second * second_ms * second_ms * (c.latency_variance + 1.0 - x.l7_traffic_share)
        + third * third_ms * third_ms * (c.latency_variance + 1.0 - encrypted),
        new_calls + second,
        0.0,
        0.0,
        load,
    )
    return found, maps * GIB, cni_memory * GIB, cni_cpu * CORES


@loop
def linkerd(c, s):
    """Figures of Linkerd."""
    x, replicas = s.x, s.x.control_plane_replicas
    one = c.linkerd_base_mib + c.linkerd_connection_mib * (2.0 * x.connections / x.pods)
    busy = c.linkerd_mcores * s.pod_work
    cpu = (
        c.linkerd_idle_mcores * x.pods
        + busy
        + 2.0
        * (
            c.byte_mcores * x.requests_per_second * s.body
            + c.proxy_connect_mcores * 1e-3 * x.new_connections_per_second
        )
    )
    load = busy * c.linkerd_cpu_spread * 1e-3 / (x.pods * c.linkerd_workers)
    own = c.sidecar_latency_ms * c.linkerd_latency_factor * c.linkerd_latency_spread
    ms, count = own * s.slow * queue(c, load) + s.sidecar_ms, 2.0 * x.call_depth
    return figures(
        c,
        s,
        x.pods * one * c.linkerd_memory_spread,
        (c.linkerd_control_base_mib * replicas + c.linkerd_control_pod_mib * x.pods) * c.linkerd_control_memory_spread,
        cpu * c.linkerd_cpu_spread,
        (c.linkerd_control_base_mcores * replicas + c.linkerd_control_pod_mcores * x.pods)
        * c.linkerd_control_cpu_spread,
        count * ms,
        count * ms * ms * c.latency_variance,
        count,
        0.0,
        0.0,
        load,
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
        *(n[11][i], n[12][i], n[13][i], n[14][i], n[15][i], n[16][i], n[17][i], n[18][i]),
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
    out[14, row, plane] = found[11]


@njit(parallel=True, error_model="numpy", fastmath=False)
def fill(c, numbers, kinds, agent_figures, limits, allowed, out, measured):
    """All figures of all scenarios: ``out[column, scenario, data plane]``, and whether such ones were measured."""
    for i in prange(out.shape[1]):
        x = row_of(numbers, kinds, agent_figures, i)
        s = shared(c, x)
        for column in range(15):
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


def machine_of(row):
    """The code of ``arrays`` for the class of a row's machine."""
    is_vm = row["machine"] == "cloud-vm" if row["machine"] else row["cloud"] in CLOUDS
    return 1 if is_vm else 2 if row["machine"] == "bare-metal" else 0


def rows(frame):
    """The same over a frame row by row, as lists of figures: what one writes in plain Python."""
    agents = network_agents().select("current_cni", "memory_mib", "cpu_mcores")
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
            machine=machine_of(row),
            agent_memory=agent[0],
            agent_cpu=agent[1],
        )
        s = shared(c, x)
        per_pod, per_node = 2.0 * x.requests_per_second / x.pods, 2.0 * x.requests_per_second / x.nodes
        found = (istio_sidecar(c, s), istio_ambient(c, s), cilium(c, s), linkerd(c, s))
        answers.append((found, [inside(limits, allowed, x, per_pod, per_node, plane) for plane in range(1, 5)]))
    return answers
