"""A scenario as the equations take it: its inputs as numbers, and what several data planes derive from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import msgspec
import polars as pl

from meshlab.cache import cached
from meshlab.models.overhead import cpu, latency
from meshlab.models.overhead.coefficients import Coefficients, Value, at_least, at_most, is_one_of, share
from meshlab.models.overhead.cpu import Traffic
from meshlab.scenario import inputs
from meshlab.tables import read_table

Stage = Mapping[str, Value]
"""Columns that a frame gains together."""


class Cluster(msgspec.Struct, frozen=True):
    """A scenario's inputs and what components derive from them: columns of a frame that ``prepared`` returned.

    Counts and rates are numbers; the ``FACTORS`` hold medians or draws. What is of a pod or node is of its proxy.
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
    encrypted_share: pl.Expr
    endpoints: pl.Expr
    pod_connections: pl.Expr
    both_ends_mb: pl.Expr
    has_l7: pl.Expr
    l7_mb: pl.Expr
    waypoints: pl.Expr
    network_policies: pl.Expr
    control_plane_replicas: pl.Expr
    new_connections_per_second: pl.Expr
    node_cores: pl.Expr
    changes_cni: pl.Expr
    new_nodes: pl.Expr
    uses_istio_cni: pl.Expr
    replaced_memory_mib: pl.Expr
    replaced_cpu_mcores: pl.Expr
    latency_factor: pl.Expr
    body_ms: pl.Expr
    sidecar_entry_ms: pl.Expr
    ztunnel_entry_ms: pl.Expr
    stall_ms: pl.Expr
    pod_work: pl.Expr
    node_work: pl.Expr
    node_l7_work: pl.Expr
    waypoint_work: pl.Expr

    @classmethod
    def of_columns(cls, *, sampled: bool) -> Cluster:
        """Prepared columns; factors of a request come as medians or as draws."""
        names = {
            name: f"_drawn_{name}" if sampled and name in FACTORS else f"_{name}" for name in cls.__struct_fields__
        }
        return cls(**{name: pl.col(column) for name, column in names.items()})


VIRTUAL_CLOUDS = ("gke", "aks", "eks", "doks")
"""Managed services whose nodes are virtual machines unless a scenario says otherwise."""

FACTORS = (
    "latency_factor",
    "body_ms",
    "sidecar_entry_ms",
    "ztunnel_entry_ms",
    "stall_ms",
    "pod_work",
    "node_work",
    "node_l7_work",
    "waypoint_work",
)
"""What depends on coefficients and serves several data planes: the time of a request by its protocol and encryption,
that of its body and of the share that opens a connection, that of a stall, and what proxies handle as ``cpu.proxies``
takes it. Powers are the dearest part of an estimate, so each is worked out once."""


def prepared() -> tuple[Stage, Stage, Stage]:
    """Every quantity that several data planes derive from the inputs, as columns ``_name``."""
    named = (name for name in (*Cluster.__struct_fields__, "waypoint_replicas") if name in inputs())
    numbers = {f"_{name}": pl.col(name).cast(pl.Float64) for name in named}
    rate, nodes, pods = map(pl.col, ("_requests_per_second", "_nodes", "_pods"))
    derived = {
        "_payload_mb": pl.col("payload_bytes") * (1.0 / cpu.BYTES_PER_MB),
        "_is_mtls": share(pl.col("mtls")),
        # pods are spread evenly over services
        "_endpoints": pods * at_most(pl.col("_config_services") / pl.col("_services"), 1.0),
        # a connection ends at two pods, and a request passes the proxies of both ends
        "_pod_connections": 2.0 * pl.col("_connections") / pods,
        "_both_ends_rate": 2.0 * rate,
        "_has_l7": share(pl.col("l7_traffic_share") > 0),
        "_l7_rate": rate * pl.col("_l7_traffic_share"),
        # unknown counts as new, so that nobody is surprised by an agent that was not charged
        "_changes_cni": 1.0 - share(pl.col("current_cni") == "cilium"),
        # OpenShift forbids the init container that sidecars otherwise use
        "_uses_istio_cni": share(pl.col("cloud") == "openshift"),
        # clusters elsewhere may run on virtual machines or on bare metal, unless they say which
        **machine_shares(),
        "_node_cores": pl.col("node_cpu_cores").cast(pl.Float64),
        "_replaced_memory_mib": replaced_agent("memory_mib"),
        "_replaced_cpu_mcores": replaced_agent("cpu_mcores"),
    }
    derived_again = {
        "_encrypted_share": pl.col("_is_mtls") * (1.0 - pl.col("_same_node_share")),
        "_new_nodes": nodes * pl.col("_changes_cni"),
        "_waypoints": pl.col("_waypoint_replicas") * pl.col("_has_l7"),
        "_new_connection_share": at_most(pl.col("_new_connections_per_second") / at_least(rate, 1e-3), 1.0),
        "_pod_rate": pl.col("_both_ends_rate") / pods,
        "_node_rate": pl.col("_both_ends_rate") / nodes,
        "_both_ends_mb": pl.col("_both_ends_rate") * pl.col("_payload_mb"),
        "_l7_mb": pl.col("_l7_rate") * pl.col("_payload_mb"),
    }
    return numbers, derived, derived_again


def factors(c: Coefficients, prefix: str) -> Stage:
    """The ``FACTORS``, as columns of medians or of draws.

    Args:
        c: Medians or draws.
        prefix: Of the columns' names.
    """
    traffic = Traffic.of_columns()
    machine = {name: pl.col(f"_{name}") for name in ("is_vm", "is_metal")}
    platform = cpu.machine_factor(c["vm_cpu_factor"], **machine)
    nodes, pods, waypoints, rate, l7_rate = map(
        pl.col, ("_nodes", "_pods", "_waypoints", "_both_ends_rate", "_l7_rate")
    )
    factor, plain_factor = (of.factor(c, "cpu") * platform for of in (traffic, traffic.without_mtls()))
    body_ms, opening = c["byte_latency_ms"] * pl.col("_payload_mb"), pl.col("_new_connection_share") * 0.5
    values = (
        traffic.factor(c, "latency"),
        body_ms,
        # two proxies share what a new connection takes
        body_ms + c["proxy_connect_ms"] * opening,
        body_ms + c["ztunnel_connect_ms"] * opening,
        latency.stall_length(c, **machine),
        factor * cpu.batched(c, pods, rate),
        factor * cpu.batched(c, nodes, rate),
        plain_factor * cpu.batched(c, nodes, l7_rate),
        factor * cpu.batched(c, waypoints, l7_rate),
    )
    return {f"{prefix}{name}": value for name, value in zip(FACTORS, values, strict=True)}


def machine_shares() -> dict[str, pl.Expr]:
    """Whether nodes are virtual machines, and whether bare metal; neither where that is unknown. [share]"""
    return {
        "_is_vm": share(pl.coalesce(pl.col("machine") == "cloud-vm", is_one_of("cloud", VIRTUAL_CLOUDS))),
        "_is_metal": share(pl.col("machine") == "bare-metal"),
    }


def replaced_agent(figure: str) -> pl.Expr:
    """What the agent of today's network plugin uses on a node; zero where the plugin is unknown or was not measured.

    Args:
        figure: ``memory_mib`` or ``cpu_mcores``.
    """
    table, cni = network_agents(), pl.col("current_cni")
    # a chain of comparisons, which a lookup of a few words takes longer than
    return reduce(
        lambda found, row: pl.when(cni == row[0]).then(float(row[1])).otherwise(found),
        table.select("current_cni", figure).iter_rows(),
        pl.lit(0.0),
    )


@cached
def network_agents() -> pl.DataFrame:
    """Memory and CPU of each plugin's agent on a node at rest: ``current_cni``, ``memory_mib``, ``cpu_mcores``.

    Sources: S-INFRA24 (data/network_costs.csv).
    """
    costs = read_table("network_costs").pivot("figure", index="datapath", values="median")
    return (
        read_table("datapaths")
        .filter(pl.col("editions").is_null())
        .join(costs.drop_nulls("node_mib"), on="datapath", maintain_order="left")
        .with_columns(current_cni=pl.col("cni").str.split("|"))
        .explode("current_cni")
        .drop_nulls("current_cni")
        .select("current_cni", memory_mib="node_mib", cpu_mcores="node_mcores")
    )
