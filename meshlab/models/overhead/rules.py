"""What a lookup and an update of service rules cost with the number of Services, by how the rules are kept.

Figures of releases before partial sync are kept apart: they rewrote every rule at every change and say nothing about
a current cluster. Nothing published stays nothing: such a cost is null.
"""

from __future__ import annotations

import polars as pl

from meshlab.tables import read_table

CURRENT = "current"

QUANTITIES = ("lookup_us", "update_s", "full_sync_s")


def rule_cost(services: pl.Expr, base: pl.Expr, per_service: pl.Expr) -> pl.Expr:
    """Cost with so many Services. [us or s]

    base + per_service * services. A chain of rules is walked from its head, so iptables grows with its length; maps
    do not. Null where nothing was published.

    Args:
        services: Services of the cluster. [count]
        base: Cost with few Services. [us or s]
        per_service: Growth with each Service. [us or s]

    Sources: data/rule_scale.csv, row by row.
    """
    return base + per_service * services


def rule_scale(scenarios: pl.DataFrame | pl.LazyFrame, era: str = CURRENT) -> pl.LazyFrame:
    """Cost of lookup, update and full sync for each scenario under iptables, IPVS, nftables and eBPF.

    Args:
        scenarios: A frame with ``scenario`` and ``services``.
        era: ``current``, or ``before partial sync``.

    Returns:
        ``scenario, services, mode, quantity, cost, cost_lo, cost_hi, in_evidence_range, source_ids, note``; the unit
        of a cost is the end of its quantity's name.
    """
    table = read_table("rule_scale").filter(era=era).drop("era").lazy()
    services = pl.col("services")
    costs = {
        f"cost{end}": rule_cost(services, pl.col("base"), pl.col(f"per_service{end}")) for end in ("", "_lo", "_hi")
    }
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
