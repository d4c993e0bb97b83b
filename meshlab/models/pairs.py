"""Figures of a pair, network and mesh together, over joint draws: what it adds to the cluster without a mesh.

The mesh's part is that of its data plane. The network's part is its change: nothing where today's stays; Cilium's
agents and what they replace by the models of ``overhead``; of other plugins the difference of their idle agents, where
both were measured. What no measurement informs is null, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from meshlab.models.overhead import draw_estimates
from meshlab.models.overhead.coefficients import DRAWS
from meshlab.scenario import with_defaults
from meshlab.tables import read_table
from meshlab.units import HOURS_PER_MONTH

FIGURES = ("memory_gib", "cpu_cores", "added_p50_ms", "added_p90_ms", "added_p99_ms", "cost_usd_per_month")
"""Figures of a pair."""

CAPACITY = ("memory_gib", "cpu_cores", "cost_usd_per_month")
"""Those to which the network adds."""

MIB_PER_GIB, MCORES = 1024.0, 1000.0


def tuned_services(scenario: Mapping[str, Any]) -> int:
    """Services that each proxy knows once its configuration is scoped to its own namespace and as many services again.

    Args:
        scenario: Inputs with defaults filled in: ``services``, ``namespaces``, ``config_services``.
    """
    own = -(-scenario["services"] // scenario["namespaces"])
    return min(scenario["config_services"], max(1, 2 * own))


def pair_worlds(
    scenario: pl.DataFrame,
    options: Sequence[Mapping[str, Any]],
    coefficients: pl.DataFrame | None = None,
    count: int = DRAWS,
) -> pl.DataFrame:
    """Every figure of every option of one scenario, once for each joint draw.

    Args:
        scenario: One row of ``scenario.schema()``.
        options: ``cni``, ``mesh``, ``edition``, ``tuned`` and ``dataplane`` of each, as a verdict lists them.
        coefficients: As for ``overhead.estimate``.
        count: The first of the draws.

    Returns:
        ``option``, its place; ``draw``; ``FIGURES``.
    """
    filled = with_defaults(scenario).drop("assumed").collect()
    known = filled.row(0, named=True)
    variants = pl.concat(
        [
            filled.with_columns(scenario=pl.lit("whole")),
            filled.with_columns(scenario=pl.lit("tuned"), config_services=pl.lit(tuned_services(known), pl.Int64)),
            # a Cilium under another mesh forwards packets, and neither reads requests nor encrypts
            filled.with_columns(scenario=pl.lit("network"), l7_traffic_share=pl.lit(0.0), mtls=pl.lit(value=False)),
        ]
    )
    drawn = (
        draw_estimates(variants, coefficients, count=count).select("scenario", "draw", "dataplane", *FIGURES).collect()
    )
    parts = [_worlds(drawn, known, option).with_columns(option=pl.lit(place)) for place, option in enumerate(options)]
    return pl.concat(parts).select("option", "draw", *FIGURES)


def _worlds(drawn: pl.DataFrame, known: Mapping[str, Any], option: Mapping[str, Any]) -> pl.DataFrame:
    dataplane = option["dataplane"]
    variant = "tuned" if option["tuned"] else "whole"
    whole = drawn.filter(pl.col("scenario") == variant)
    rows = whole.filter(pl.col("dataplane") == (dataplane or "none")).drop("scenario", "dataplane")
    if not dataplane:
        return rows.with_columns(pl.lit(None, pl.Float64).alias(figure) for figure in FIGURES)
    if option["cni"] == "cilium" and dataplane != "cilium" and known["current_cni"] != "cilium":
        network = drawn.filter(pl.col("scenario") == "network", pl.col("dataplane") == "cilium").select(
            "draw", *(pl.col(figure).alias(f"_{figure}") for figure in CAPACITY)
        )
        joined = rows.join(network, on="draw", how="left", maintain_order="left")
        return joined.with_columns(pl.col(name) + pl.col(f"_{name}") for name in CAPACITY).drop(
            f"_{n}" for n in CAPACITY
        )
    change = None if dataplane == "cilium" and option["cni"] == "cilium" else agent_change(known, option)
    if change == (0.0, 0.0) or (dataplane == "cilium" and option["cni"] == "cilium"):
        return rows
    memory, cpu = (None, None) if change is None else change
    return rows.with_columns(
        memory_gib=pl.col("memory_gib") + pl.lit(memory, pl.Float64),
        cpu_cores=pl.col("cpu_cores") + pl.lit(cpu, pl.Float64),
        cost_usd_per_month=pl.col("cost_usd_per_month") + pl.lit(_monthly(known, memory, cpu), pl.Float64),
    )


def agent_change(known: Mapping[str, Any], option: Mapping[str, Any]) -> tuple[float, float] | None:
    """Memory [GiB] and CPU [cores] that the agents of another plugin take over those of today; None where not measured.

    Sources: S-INFRA24 (data/cni_agents.csv).
    """
    today = known["current_cni"] if not known["greenfield"] else "none"
    if option["cni"] is None or option["cni"] == today:
        return 0.0, 0.0
    table = {name: (memory, cpu) for name, memory, cpu, *_ in read_table("cni_agents").iter_rows()}
    table["none"] = (0, 0)
    if option["cni"] not in table or today not in table:
        return None
    memory, cpu = (new - old for new, old in zip(table[option["cni"]], table[today], strict=True))
    return memory * known["nodes"] / MIB_PER_GIB, cpu * known["nodes"] / MCORES


def _monthly(known: Mapping[str, Any], memory_gib: float | None, cpu_cores: float | None) -> float | None:
    if memory_gib is None or cpu_cores is None:
        return None
    hourly = memory_gib * known["memory_usd_per_gib_hour"] + cpu_cores * known["cpu_usd_per_core_hour"]
    return hourly * HOURS_PER_MONTH
