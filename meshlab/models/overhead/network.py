"""What network plugins cost: a node at rest, its packets, encryption, and looking up the rules of Services.

Costs were measured on bare metal of few laboratories, most with large frames. What laboratories, machines and MTUs
differ by is shared by all datapaths of a cluster, so that it cancels where two of them are compared.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from statistics import NormalDist
from typing import Any

import polars as pl

from meshlab.cache import cached
from meshlab.models.overhead import cpu
from meshlab.models.overhead.cluster import machine_shares
from meshlab.models.overhead.coefficients import DRAWS, NINETY_PERCENT, joint_draws
from meshlab.scenario import with_defaults
from meshlab.tables import read_table

HOST = "host"
"""Datapath of nodes without a network plugin."""

GBIT = 8e-9
"""Gigabits of a byte."""

MIB_PER_GIB, MCORES = 1024.0, 1000.0

COSTS = ("node_mib", "node_mcores", "request_mcores", "gigabit_mcores", "connection_mcores", "service_us")
"""A node at rest; 1000 requests/s, 1 Gbit/s and 1000 new connections/s over both ends; a Service in a lookup."""

CURRENT = "current"
"""Releases since partial sync; those before rewrote every rule at every change and say nothing about a cluster now."""


@cached
def datapath_of(cni: str | None, edition: str | None = None) -> str | None:
    """The datapath of a plugin in an edition; None where nothing is known of it.

    Args:
        cni: A value of the input ``current_cni``.
        edition: Id of its edition.
    """
    table = read_table("datapaths").filter(pl.col("cni").str.split("|").list.contains(cni or ""))
    own = table.filter(pl.col("editions").str.split("|").list.contains(edition or ""))
    found = own if own.height else table.filter(pl.col("editions").is_null())
    return found["datapath"].item() if found.height else None


def network_sources() -> list[str]:
    """Ids of the sources that the network's costs rest on."""
    tables = read_table("network_costs"), read_table("rule_scale").filter(era=CURRENT, quantity="lookup_us")
    return sorted({each for table in tables for cell in table["source_ids"] for each in cell.split("|")})


# --- joint draws ---------------------------------------------------------------------------------------------------


@cached
def _scores(name: str) -> pl.Series:
    """Standard scores of all draws: evenly spread over a normal distribution, in an order of that name's own."""
    scores = [NormalDist().inv_cdf((place + 0.5) / DRAWS) for place in range(DRAWS)]
    random.Random(name).shuffle(scores)  # noqa: S311  (the same draws on every machine, nothing secret)
    return pl.Series(scores)


@cached
def _cost_draws(datapath: str) -> pl.DataFrame:
    """Draws of every cost of a datapath; null, of bare nodes zero, where it was not measured.

    Columns: ``datapath``, ``draw`` (from zero) and ``COSTS``; ``service_us`` is what a Service adds to a lookup.
    """
    columns = {
        figure: median * (_scores(figure) * shared + _scores(f"{figure} {datapath}") * own).exp()
        for figure, median, shared, own in read_table("network_costs")
        .filter(datapath=datapath)
        .select("figure", "median", "shared_sd", "own_sd")
        .iter_rows()
    }
    mode = read_table("datapaths").filter(datapath=datapath)["rules"].item()
    chain = read_table("rule_scale").filter(mode=mode or "", era=CURRENT, quantity="lookup_us")
    if chain.height:
        middle, lo, hi = chain.select("per_service", "per_service_lo", "per_service_hi").row(0)
        # a map grows with nothing in the middle and with next to nothing at its end: no logarithm holds that
        sd = math.log(hi / lo) / (2 * NINETY_PERCENT) if lo else 0.0
        columns["service_us"] = middle * (_scores(f"rules {mode}") * sd).exp()
    unknown = pl.lit(0.0 if datapath == HOST else None, pl.Float64)
    drawn = pl.DataFrame({"draw": range(DRAWS), **columns}, schema_overrides={"draw": pl.Int64})
    return drawn.select(
        pl.lit(datapath).alias("datapath"),
        "draw",
        *(pl.col(name) if name in columns else unknown.alias(name) for name in COSTS),
    )


def network_draws(known: Mapping[str, Any], datapaths: Iterable[str], count: int = DRAWS) -> pl.DataFrame:
    """Memory [GiB] and CPU [cores] of a cluster's network, joint draws: what its packets cost the host included.

    Args:
        known: Every input of a scenario, defaults filled in.
        datapaths: Ids of ``data/datapaths.csv``.
        count: The first of the draws.

    Returns:
        ``datapath``, ``draw``, ``memory_gib``, ``cpu_cores``; null where no measurement informs it.

    Sources: S-INFRA24, S-INFRA20, S-CIL-BENCH21 for costs; S-K8S-NFTSVG, S-CIL-ALI20 for rules (data/sources.csv).
    """
    cost = {name: pl.col(name) for name in COSTS}
    rate, opened = known["requests_per_second"], known["new_connections_per_second"]
    traffic = (
        cost["request_mcores"] * (rate / 1000)
        + cost["gigabit_mcores"] * (rate * known["payload_bytes"] * GBIT)
        # an absent figure of what does not happen costs nothing
        + ((cost["connection_mcores"] + cost["service_us"] * known["services"]) * (opened / 1000) if opened else 0.0)
    )
    factor = pl.col("vm_cpu_factor")
    # measured on bare metal, which is as much cheaper than an unknown machine as virtual cores are dearer
    stated = pl.DataFrame([{name: known[name] for name in ("machine", "cloud")}], schema={"machine": str, "cloud": str})
    machine = joint_draws(None, count).select(
        factor * cpu.machine_factor(factor, *stated.select(**machine_shares()).row(0))
    )
    return pl.concat([_cost_draws(datapath).head(count) for datapath in datapaths]).select(
        "datapath",
        "draw",
        memory_gib=cost["node_mib"] * (known["nodes"] / MIB_PER_GIB),
        cpu_cores=(cost["node_mcores"] * known["nodes"] + traffic)
        * pl.lit(machine.to_series()).gather("draw")
        / MCORES,
    )


def wireguard_cores(known: Mapping[str, Any], cni: str | None, edition: str | None) -> list[float] | None:
    """CPU that WireGuard adds to a plugin's network: lower end, median and upper end of its interval. [cores]

    Args:
        known: Every input of a scenario, defaults filled in.
        cni: As for ``datapath_of``.
        edition: As for ``datapath_of``.

    Returns:
        None where no measurement informs it.
    """
    plain, table = datapath_of(cni, edition), read_table("datapaths")
    found = table.filter(pl.col("encrypts").str.split("|").list.contains(plain or ""))["datapath"].to_list()
    if plain is None or not found:
        return None
    traffic = {**known, "nodes": 0}  # at rest the same agents run, of which two readings differ by chance alone
    with_it, without = (network_draws(traffic, [datapath])["cpu_cores"] for datapath in (found[0], plain))
    more = with_it - without
    return None if more.null_count() else [more.quantile(at, "linear") or 0.0 for at in (0.1, 0.5, 0.9)]


def estimate_network(scenarios: pl.DataFrame) -> pl.DataFrame:
    """What every datapath costs each scenario over nodes without a network plugin, with 10-90 % intervals.

    A figure holds for TCP of the scenario's request bodies, all of it between nodes, and for either size of frames.

    Args:
        scenarios: Columns of ``scenario.schema()``.

    Returns:
        ``scenario``, ``datapath``, ``label``, ``cni``, ``encryption``; ``memory_gib``, ``cpu_cores`` and ``lookup_us``
        (of a connection's first packet) with ``_lo`` and ``_hi``, null where no measurement informs them;
        ``measured`` (false where a like datapath stands in for requests); ``source_ids``.
    """
    filled = with_defaults(scenarios).collect()
    lookups = rule_scale(filled).filter(quantity="lookup_us").rename({"mode": "rules"}).collect()
    stands_in = read_table("network_costs").filter(~pl.col("measured"))["datapath"].unique()
    table = (
        read_table("datapaths")
        .filter(pl.col("datapath") != HOST)
        .with_columns(measured=~pl.col("datapath").is_in(stands_in.to_list()))
    )
    ends = (("_lo", 0.1), ("", 0.5), ("_hi", 0.9))
    figures = ("memory_gib", "cpu_cores")
    found: list[pl.DataFrame] = []
    for known in filled.iter_rows(named=True):
        host = network_draws(known, [HOST])
        found.append(
            network_draws(known, table["datapath"])
            .with_columns(pl.col(name) - pl.lit(host[name]).gather("draw") for name in figures)
            .group_by("datapath", maintain_order=True)
            .agg(pl.col(name).quantile(at, "linear").alias(f"{name}{end}") for name in figures for end, at in ends)
            .select(pl.lit(known["scenario"]).alias("scenario"), pl.all())
        )
    lookup = lookups.select(
        "scenario", "rules", *(pl.col(f"cost{end}").alias(f"lookup_us{end}") for end in ("_lo", "", "_hi"))
    )
    return (
        pl.concat(found)
        .join(table, on="datapath", maintain_order="left")
        .join(lookup, on=["scenario", "rules"], how="left", maintain_order="left")
        .select(
            *("scenario", "datapath", "label", "cni", "encryption"),
            *(f"{name}{end}" for name in ("memory_gib", "cpu_cores", "lookup_us") for end in ("_lo", "", "_hi")),
            *("measured", "source_ids"),
        )
    )


# --- rules of Services ---------------------------------------------------------------------------------------------


def rule_scale(scenarios: pl.DataFrame | pl.LazyFrame, era: str = CURRENT) -> pl.LazyFrame:
    """Cost of lookup, update and full sync for each scenario under iptables, IPVS, nftables and eBPF.

    base + per_service * services. A chain of rules is walked from its head, so iptables grows with its length; maps
    do not. Null where nothing was published.

    Args:
        scenarios: A frame with ``scenario`` and ``services``.
        era: ``current``, or ``before partial sync``.

    Returns:
        ``scenario, services, mode, quantity, cost, cost_lo, cost_hi, in_evidence_range, source_ids, note``; the unit
        of a cost is the end of its quantity's name.

    Sources: data/rule_scale.csv, row by row.
    """
    table = read_table("rule_scale").filter(era=era).drop("era").lazy()
    services = pl.col("services")
    costs = {f"cost{end}": pl.col("base") + pl.col(f"per_service{end}") * services for end in ("", "_lo", "_hi")}
    return (
        scenarios.lazy()
        .select("scenario", "services")
        .join(table, how="cross", maintain_order="left_right")
        .with_columns(**costs, in_evidence_range=services <= pl.col("measured_services"))
        .select(
            *("scenario", "services", "mode", "quantity", "cost", "cost_lo", "cost_hi"),
            *("in_evidence_range", "source_ids", "note"),
        )
    )
