"""Nodes whose kernel rules options out, by their pools: what replacing those first would open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from meshlab.cluster.facts.supply import fact
from meshlab.models import decision
from meshlab.reviews.cases import Case
from meshlab.reviews.record import Row
from meshlab.scenario import inputs
from meshlab.units import version_key

INPUT = "kernel_oldest"

MOST = 0.5
"""Share of the nodes above which replacing them is no first step, but another cluster. [ratio]"""


def old_pools(case: Case, scenario: pl.DataFrame, verdict: Row, tables: decision.Tables) -> Row | None:
    """Pools whose kernels rule options out, named in those blockers, and what is open without them.

    None where the oldest kernel is stated, rules nothing out, or the dump names no pools.

    Args:
        case: The team with its facts.
        scenario: Its scenario, one row.
        verdict: What the contest answered; the blockers that a pool's kernel makes name it afterwards.
        tables: The decision's tables.
    """
    rows = fact(case.facts or {}, "nodes.pool_kernels")
    given = case.given.get(INPUT)
    if not rows or given is None or given.status == "stated" or not _by_kernel(verdict):
        return None
    total = sum(row["nodes"] for row in rows)
    rest = _in_order(rows)
    old: list[Row] = []
    answer = verdict
    while rest and _by_kernel(answer):
        pool = rest[0]["pool"]
        old += [row for row in rest if row["pool"] == pool and row["kernel"] == rest[0]["kernel"]]
        rest = [row for row in rest if row["pool"] != pool]
        if not rest or sum(row["nodes"] for row in old) > MOST * total:
            return None
        without = scenario.with_columns(pl.lit(rest[0]["kernel"], scenario.schema[INPUT]).alias(INPUT))
        (answer,) = decision.explain(without, tables, outlook=False)
    names = sorted({row["pool"] or "" for row in old})
    found = {
        "pools": [{**row, "of": total} for row in old],
        "text": "; ".join(pool_text(row, total) for row in old),
        "kernel_without": rest[0]["kernel"],
        "opens": _opened(verdict, answer),
        **{name: answer[name] for name in ("cni", "mesh", "sentence")},
        "changes": (answer["cni"], answer["mesh"]) != (verdict["cni"], verdict["mesh"]),
        "step": f"replace {'that pool' if len(names) == 1 else 'those pools'} first, by nodes with a newer image",
    }
    for blocker in _by_kernel(verdict):
        blocker["found"] = f"{blocker['found']} ({found['text']})"
    return found


def pool_text(row: Mapping[str, Any], total: int) -> str:
    """Nodes of a pool in words, such as "12 of 300 nodes, pool gpu, kernel 4.18.0"."""
    pool = f"pool {row['pool']}" if row["pool"] else "of no pool"
    return f"{row['nodes']:,} of {total:,} nodes, {pool}, kernel {row['kernel']}"


def _by_kernel(verdict: Mapping[str, Any]) -> list[Row]:
    """Blockers that the oldest kernel makes."""
    words = f"{inputs()[INPUT].label.lower()}: "
    return [row for row in verdict["blockers"] if words in (row["found"] or "").lower()]


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """Rows by their kernels, the oldest first."""
    return pl.DataFrame(rows).sort(version_key(pl.col("kernel")), "pool", nulls_last=True).rows(named=True)


def _opened(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Options that the kernel alone rules out."""
    still = {row["option"] for row in after["blockers"]}
    return list(dict.fromkeys(row["option"] for row in _by_kernel(before) if row["option"] not in still))
