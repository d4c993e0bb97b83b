"""The overhead of one scenario worked out in plain arithmetic from the equations in the docstrings.

It reads ``data/coefficients.csv`` and ``data/cni_agents.csv`` and shares no code with the package.
"""

from __future__ import annotations

import csv
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"

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
}


def read(name: str, key: str, value: str) -> dict[str, float]:
    """One column of a table by another."""
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        return {row[key]: float(row[value]) for row in csv.DictReader(stream)}


def proxies(count: float, rate: float, idle: float, per_1000: float, byte_mcores: float, exponent: float) -> float:
    """Cost is count * idle + per_1000 * count * (rate / count / 1000) ** exponent + bytes. [mcores]"""
    return count * idle + per_1000 * count * (rate / count / 1000) ** exponent + byte_mcores * rate * 0.002


def expected() -> dict[str, dict[str, float]]:
    """Memory [GiB], CPU [cores], mean added latency [ms] and cost [USD/month] by data plane."""
    c = read("coefficients.csv", "coefficient", "median")
    agent_mib = read("cni_agents.csv", "current_cni", "memory_mib")["calico"]
    agent_mcores = read("cni_agents.csv", "current_cni", "cpu_mcores")["calico"]
    power, byte = c["rate_exponent"], c["byte_mcores"]
    plain = c["grpc_cpu_factor"] * c["vm_cpu_factor"]
    cpu_factor = plain * c["mtls_cpu_factor"]
    slow = c["grpc_latency_factor"] * c["mtls_latency_factor"]
    body = c["byte_latency_ms"] * 0.002
    # 16,000 traversals/s over 400 pods: 40 a second each, 16 connection ends each
    busy = 1 + c["latency_rate_slope"] * 0.04

    sidecar = (
        c["sidecar_base_mib"]
        + 40 * c["sidecar_service_mib"]
        + 160 * c["sidecar_endpoint_mib"]
        + 16 * c["sidecar_connection_mib"]
    )
    istiod = 2 * c["istiod_base_mib"] + 400 * (
        c["istiod_sidecar_mib"] + 40 * c["istiod_config_mib"] + c["istiod_pod_mib"]
    )
    both = (c["sidecar_client_mcores"] + c["sidecar_server_mcores"]) / 2 * cpu_factor
    planes = {
        "istio-sidecar": (
            400 * sidecar + istiod,
            proxies(400, 16000, c["sidecar_idle_mcores"], both, byte, power)
            + 2 * c["istiod_base_mcores"]
            + 400 * c["istiod_proxy_mcores"],
            8 * (c["sidecar_latency_ms"] * slow * busy + body),
        )
    }

    waypoints = 5 + 2000 / c["waypoint_capacity_rps"]
    crossings = 2 - 0.1 + 0.1 * c["ztunnel_same_node_share"]
    ztunnel = c["ztunnel_base_mib"] + 400 * c["ztunnel_pod_mib"] + 320 * c["ztunnel_connection_mib"]
    waypoint = (
        c["waypoint_base_mib"] + 20 * c["sidecar_service_mib"] + 6400 * 0.25 / waypoints * c["sidecar_connection_mib"]
    )
    waypoint_busy = 1 + c["latency_rate_slope"] * 2000 / waypoints / 1000
    planes["istio-ambient"] = (
        20 * (ztunnel + c["istio_cni_node_mib"])
        + waypoints * waypoint
        + 2 * c["istiod_base_mib"]
        + 400 * c["istiod_pod_mib"],
        proxies(20, 16000, c["ztunnel_idle_mcores"], c["ztunnel_mcores"] * crossings / 2 * cpu_factor, byte, power)
        + proxies(waypoints, 2000, c["waypoint_idle_mcores"], c["waypoint_mcores"] * cpu_factor, byte, power)
        + 20 * c["istio_cni_mcores"]
        + 2 * c["istiod_base_mcores"]
        + (20 + waypoints) * c["istiod_proxy_mcores"],
        4 * crossings * (c["ztunnel_latency_ms"] * slow + body)
        + 1 * (c["waypoint_latency_ms"] * slow * waypoint_busy + body),
    )

    agent = c["cilium_agent_base_mib"] + 400 * c["cilium_agent_pod_mib"] + 100 * c["cilium_agent_service_mib"]
    maps = c["cilium_map_base_mib"] + c["cilium_map_share"] * 1024 * 32
    node_busy = 1 + c["latency_rate_slope"] * 0.1
    planes["cilium"] = (
        20 * (agent - agent_mib + maps + c["node_envoy_base_mib"] + c["cilium_mtls_node_mib"])
        + 2 * c["cilium_operator_mib"],
        20 * (c["cilium_agent_mcores"] - agent_mcores)
        + 8 * c["cilium_kernel_mcores"]
        + byte * 8000 * 0.002 * 0.2
        + proxies(20, 2000, c["node_envoy_idle_mcores"], c["node_envoy_mcores"] * plain, byte, power)
        + 7.2 * c["cilium_mtls_mcores"]
        + byte * 7200 * 0.002 * 0.2
        + 2 * c["cilium_operator_mcores"],
        4 * c["cilium_datapath_latency_ms"]
        + 1 * (c["node_envoy_latency_ms"] * slow * node_busy + body)
        + 3.6 * (c["cilium_mtls_latency_ms"] + body),
    )

    planes["linkerd"] = (
        400 * (c["linkerd_base_mib"] + 16 * c["linkerd_connection_mib"])
        + 2 * c["linkerd_control_base_mib"]
        + 400 * c["linkerd_control_pod_mib"],
        proxies(400, 16000, c["linkerd_idle_mcores"], c["linkerd_mcores"] * cpu_factor, byte, power)
        + 2 * c["linkerd_control_base_mcores"]
        + 400 * c["linkerd_control_pod_mcores"],
        8 * (c["linkerd_latency_ms"] * slow * busy + body),
    )
    return {name: _figures(*values) for name, values in planes.items()}


def _figures(mib: float, mcores: float, mean_ms: float) -> dict[str, float]:
    gib, cores = mib / 1024, mcores / 1000
    return {
        "memory_gib": gib,
        "cpu_cores": cores,
        "mean_ms": mean_ms,
        "cost_usd_per_month": 730 * (gib * 0.004 + cores * 0.03),
    }
