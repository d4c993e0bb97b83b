"""The overhead of one scenario worked out in plain arithmetic from the equations in the docstrings.

It reads ``data/coefficients.csv`` and ``data/network_costs.csv`` and shares no code with the package.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"

CALICO = "calico-iptables"

SCENARIO = {
    "nodes": 20,
    "services": 100,
    "pods": 400,
    "namespaces": 5,
    "node_cpu_cores": 8.0,
    "node_memory_gib": 32.0,
    "requests_per_second": 8000.0,
    "connections": 3200,
    "payload_bytes": 2000,
    "protocol": "grpc",
    "mtls": True,
    "l7_traffic_share": 0.25,
    "call_depth": 4,
    "same_node_share": 0.1,
    "config_services": 40,
    "cpu_usd_per_core_hour": 0.03,
    "memory_usd_per_gib_hour": 0.004,
    "cloud": "gke",
    "current_cni": "calico",
    "new_connections_per_second": 400.0,
    "control_plane_replicas": 3,
    "waypoint_replicas": 6,
    "network_policies": 30,
}


def read(name: str, key: str, value: str) -> dict[str, float]:
    """One column of a table by another."""
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        return {row[key]: float(row[value]) for row in csv.DictReader(stream)}


class Sums:
    """Prices of work by the coefficients of one world, which are its medians unless given."""

    def __init__(self, c: dict[str, float]) -> None:
        self.c = c
        # grpc on a cloud's virtual cores
        self.plain = c["grpc_cpu_factor"] * c["vm_cpu_factor"]
        self.slow = c["grpc_latency_factor"] * c["mtls_latency_factor"]
        self.body = c["byte_latency_ms"] * 0.002
        self.stall = c["stall_ms"] * c["vm_stall_factor"] * c["stall_latency_spread"]

    def busy(self, count: float, rate: float, per_1000: float) -> float:
        """per_1000 * count * (rate / count / 1000) ** exponent. [mcores]"""
        return per_1000 * count * (rate / count / 1000) ** self.c["rate_exponent"]

    def cpu(self, kind: str, count: float, rate: float, per_1000: float, new: float = 0.0) -> float:
        """Idle, busy, bytes of 2000 a request and new connections, times the cluster's own factor. [mcores]"""
        c = self.c
        idle = c[f"{kind}_idle_mcores"] if kind in ("ztunnel", "linkerd") else c["sidecar_idle_mcores"]
        opening = c["ztunnel_connect_mcores" if kind == "ztunnel" else "proxy_connect_mcores"]
        used = count * idle + self.busy(count, rate, per_1000) + c["byte_mcores"] * rate * 0.002 + opening * new / 1000
        return used * c[f"{kind}_cpu_spread"]

    def queue(self, kind: str, count: float, rate: float, per_1000: float, workers: float) -> float:
        """1 + weight * load / (1 - load), the load at most 0.95. [ratio]"""
        load = self.busy(count, rate, per_1000) * self.c[f"{kind}_cpu_spread"] / (1000 * count * workers)
        load = min(load, 0.95)
        return 1 + self.c["queue_weight"] * load / (1 - load)

    def time(self, kind: str, queue: float, opening: float = 0.0) -> float:
        """Mean of one traversal. [ms]"""
        own = self.c["sidecar_latency_ms"] * (1 if kind == "sidecar" else self.c[f"{kind}_latency_factor"])
        return own * self.c[f"{kind}_latency_spread"] * self.slow * queue + self.body + opening

    def percentiles(self, path: list[tuple[float, float, float]], stalling: float) -> dict[str, float]:
        """Of a path of (calls, share of them, mean) with so many traversals that may stall. [ms]"""
        own = self.c["latency_variance"]
        mean = sum(calls * share * each for calls, share, each in path)
        variance = sum(calls * share * each**2 * (own + 1 - share) for calls, share, each in path)
        d = math.sqrt(variance) / mean
        stalls = stalling * math.exp(-self.c["stall_rarity"])
        found = {}
        for name, score, rest in (("p50", 0.0, 0.5), ("p90", 1.2815515655446, 0.1), ("p99", 2.3263478740408, 0.01)):
            gamma = mean * (1 - d * d / 9 + score * d / 3) ** 3
            stall, far = self.stall * max(math.log(stalls / rest), 0.0), score * d * mean
            found[f"added_{name}_ms"] = max(gamma + stall**2 / (stall + 1.5 * far + 1e-12), 0.0)
        return found


def expected(c: dict[str, float] | None = None) -> dict[str, dict[str, float]]:
    """Memory [GiB], CPU [cores], percentiles of added latency [ms] and cost [USD/month] by data plane.

    Args:
        c: Coefficients of one world; the medians without.
    """
    c = read("coefficients.csv", "coefficient", "median") if c is None else c
    with (DATA / "network_costs.csv").open(encoding="utf-8", newline="") as stream:
        calico = {row["figure"]: float(row["median"]) for row in csv.DictReader(stream) if row["datapath"] == CALICO}
    agent_mib, agent_mcores = calico["node_mib"], calico["node_mcores"]
    of = Sums(c)
    secure = of.plain * c["mtls_cpu_factor"]
    new_share = 400 / 8000

    # 16,000 traversals/s over 400 pods, 16 connection ends each
    config = (40 * c["sidecar_service_mib"] + 160 * c["sidecar_endpoint_mib"]) * c["configuration_memory_spread"]
    sidecar = (c["sidecar_base_mib"] + config + 16 * c["sidecar_connection_mib"]) * c["sidecar_memory_spread"]
    registry = 3 * c["istiod_base_mib"] + 400 * c["istiod_pod_mib"]
    pushed = 400 * (c["istiod_sidecar_mib"] + 40 * c["istiod_config_mib"])
    per = c["sidecar_mcores"] * secure
    each = of.time("sidecar", of.queue("sidecar", 400, 16000, per, 2), new_share * c["proxy_connect_ms"] / 2)
    planes = {
        "istio-sidecar": (
            400 * sidecar + (registry + pushed) * c["istiod_memory_spread"],
            of.cpu("sidecar", 400, 16000, per, 800)
            + (3 * c["istiod_base_mcores"] + 400 * c["istiod_proxy_mcores"]) * c["istiod_cpu_spread"],
            of.percentiles([(8, 1, each)], 8),
        )
    }

    crossings = 2 - 0.1 + 0.1 * c["ztunnel_same_node_share"]
    ztunnel = c["ztunnel_base_mib"] + 400 * c["ztunnel_pod_mib"] + 320 * c["ztunnel_connection_mib"]
    served = 20 * c["sidecar_service_mib"] * c["configuration_memory_spread"]
    held = 6400 * 0.25 / 6 * c["sidecar_connection_mib"]
    waypoint = c["sidecar_base_mib"] * c["waypoint_base_factor"] + served + held
    per = c["ztunnel_mcores"] * crossings / 2 * secure
    per_waypoint = c["sidecar_mcores"] * c["waypoint_cpu_factor"] * secure
    crossing = of.time("ztunnel", of.queue("ztunnel", 20, 16000, per, 2), new_share * c["ztunnel_connect_ms"] / 2)
    routing = of.time("waypoint", of.queue("waypoint", 6, 2000, per_waypoint, 2))
    planes["istio-ambient"] = (
        20 * (ztunnel * c["ztunnel_memory_spread"] + c["istio_cni_node_mib"])
        + 6 * waypoint * c["waypoint_memory_spread"]
        + registry * c["istiod_memory_spread"],
        of.cpu("ztunnel", 20, 16000, per, 400 * crossings)
        + of.cpu("waypoint", 6, 2000, per_waypoint, 100)
        + 20 * c["istio_cni_mcores"]
        + (3 * c["istiod_base_mcores"] + 26 * c["istiod_proxy_mcores"]) * c["istiod_cpu_spread"],
        of.percentiles([(4 * crossings, 1, crossing), (4, 0.25, routing)], 4 * 1.9 + 1),
    )

    agent = (
        c["cilium_agent_base_mib"]
        + 400 * c["cilium_agent_pod_mib"]
        + 100 * c["cilium_agent_service_mib"]
        + 30 * c["cilium_agent_policy_mib"]
    ) * c["cilium_agent_memory_spread"]
    maps = (c["cilium_map_base_mib"] + c["cilium_map_share"] * 1024 * 32) * c["ebpf_maps_memory_spread"]
    envoy = c["sidecar_base_mib"] * c["node_envoy_base_factor"] * c["node_envoy_memory_spread"]
    per = c["sidecar_mcores"] * c["node_envoy_cpu_factor"] * of.plain
    kernel = 8 * c["cilium_kernel_mcores"] + c["byte_mcores"] * 8000 * 0.002 * 0.2
    encryption = 7.2 * c["cilium_mtls_mcores"] + c["byte_mcores"] * 7200 * 0.002 * 0.2
    datapath = c["sidecar_latency_ms"] * c["datapath_latency_factor"] * c["datapath_latency_spread"]
    routing = of.time("node_envoy", of.queue("node_envoy", 20, 2000, per, 8))
    planes["cilium"] = (
        20 * (agent - c["replaced_agent_scale"] * agent_mib + maps + envoy + c["cilium_mtls_node_mib"])
        + 3 * c["cilium_operator_mib"],
        20 * (c["cilium_agent_mcores"] * c["cilium_agent_cpu_spread"] - c["replaced_agent_scale"] * agent_mcores)
        + (kernel + encryption) * c["datapath_cpu_spread"]
        + of.cpu("node_envoy", 20, 2000, per, 100)
        + 3 * c["cilium_operator_mcores"],
        of.percentiles([(4, 1, datapath), (4, 0.25, routing), (4, 0.9, c["cilium_mtls_latency_ms"] + of.body)], 5),
    )

    per = c["linkerd_mcores"] * secure
    each = of.time("linkerd", of.queue("linkerd", 400, 16000, per, 1), new_share * c["proxy_connect_ms"] / 2)
    proxy = (c["linkerd_base_mib"] + 16 * c["linkerd_connection_mib"]) * c["linkerd_memory_spread"]
    control = 3 * c["linkerd_control_base_mib"] + 400 * c["linkerd_control_pod_mib"]
    control_cpu = 3 * c["linkerd_control_base_mcores"] + 400 * c["linkerd_control_pod_mcores"]
    planes["linkerd"] = (
        400 * proxy + control * c["linkerd_control_memory_spread"],
        of.cpu("linkerd", 400, 16000, per, 800) + control_cpu * c["linkerd_control_cpu_spread"],
        of.percentiles([(8, 1, each)], 8),
    )
    return {name: _figures(*values) for name, values in planes.items()}


def _figures(mib: float, mcores: float, percentiles: dict[str, float]) -> dict[str, float]:
    gib, cores = mib / 1024, mcores / 1000
    cost = 730 * (gib * 0.004 + cores * 0.03)
    return {"memory_gib": gib, "cpu_cores": cores, "cost_usd_per_month": cost, **percentiles}
