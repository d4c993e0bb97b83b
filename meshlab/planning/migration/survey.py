"""What of a cluster a move depends on, as plain data: nodes, what limits evictions, address ranges, checks.

A survey holds no plan yet, so that it can be kept beside a team's facts and asked again with other assumptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from meshlab.cluster.audit.inventory import Inventory
from meshlab.cluster.audit.rules import Rule, judge
from meshlab.cluster.facts.cluster import FINISHED
from meshlab.cluster.facts.columns import worth
from meshlab.kept import kept
from meshlab.planning.migration import queries  # noqa: F401  (it registers the queries)
from meshlab.planning.migration.pods import constrained, covered
from meshlab.tables import read_table
from meshlab.units import BYTES_PER_GIB

Survey = Mapping[str, Any]

NODES: dict[str, pl.DataType] = {
    "name": pl.String(),
    "pods": pl.Int64(),
    "free_cpu_cores": pl.Float64(),
    "free_memory_gib": pl.Float64(),
    "moved_cpu_cores": pl.Float64(),
    "moved_memory_gib": pl.Float64(),
    "largest_cpu_cores": pl.Float64(),
    "largest_memory_gib": pl.Float64(),
    "pool": pl.String(),
}
"""Columns of a survey's machines: pool, pods to evict, what is free, what has to move, and the largest pod of that."""

EVICTIONS: dict[str, pl.DataType] = {
    "node": pl.Int64(),
    "limit": pl.String(),
    "allowed": pl.Int64(),
    "pods": pl.Int64(),
    "unstated": pl.Int64(),
    "grace_lo": pl.Float64(),
    "grace_sum": pl.Float64(),
    "grace_hi": pl.Float64(),
}
"""Columns of a survey's evictions: pods of a node with one limit, and the grace periods that they state. [s]"""

NANO = 9
"""Decimals of cores that a quantity can state. Sums of floats are rounded to it: groups are summed in any order."""


def survey_of(inventory: Inventory) -> dict[str, Any]:
    """The survey of a cluster that has been read."""
    pods = constrained(inventory).join(_requests(inventory), on="id", how="left").collect()
    nodes = _nodes(inventory, pods)
    return {
        "nodes": nodes.select(NODES.keys()).to_dict(as_series=False),
        "evictions": _evictions(pods, nodes).to_dict(as_series=False),
        "limits": _limits(inventory),
        "ranges": _ranges(inventory),
        **_members(inventory),
        "virtual": inventory.of("Node").join(_virtual(inventory), on="id").sort("name").collect()["name"].to_list(),
        "placed": bool(pods.height) or (nodes.height > 0 and inventory.saw("Pod")),
        "checks": [_checked(row, inventory) for row in checks()],
    }


def _requests(inventory: Inventory) -> pl.LazyFrame:
    asked = inventory.requests.filter(pl.col("kind") == "Pod")
    return asked.select("id", pl.col("cpu_cores", "memory_gib").fill_nan(None))


def _nodes(inventory: Inventory, pods: pl.DataFrame) -> pl.DataFrame:
    """Nodes in the order in which they are drained: those of the control plane last, else by name."""
    machines = inventory.of("Node").join(inventory.frames["machines"].filter(~pl.col("virtual")), on="id").collect()
    finished = pl.col("phase").is_in(FINISHED).fill_null(value=False)
    running = inventory.frames["pods"].filter(~finished).join(_requests(inventory), on="id")
    used = running.group_by("node").agg(pl.sum("cpu_cores"), pl.sum("memory_gib")).collect()
    moved = pods.group_by("node").agg(
        pods=pl.len().cast(pl.Int64),
        moved_cpu_cores=pl.sum("cpu_cores"),
        moved_memory_gib=pl.sum("memory_gib"),
        largest_cpu_cores=pl.max("cpu_cores"),
        largest_memory_gib=pl.max("memory_gib"),
    )
    room = machines.with_columns(
        cpu=pl.Series([_worth(text) for text in machines["allocatable_cpu"]], dtype=pl.Float64),
        memory=pl.Series([_worth(text) for text in machines["allocatable_memory"]], dtype=pl.Float64) / BYTES_PER_GIB,
    )
    open_ = pl.when(~pl.col("closed"))
    return (
        room.rename({"name": "node"})
        .join(used, on="node", how="left")
        .join(moved, on="node", how="left")
        .with_columns(
            pl.col("pods").fill_null(0),
            pl.col("^(moved|largest)_.*$").fill_null(0.0),
            free_cpu_cores=open_.then((pl.col("cpu") - pl.col("cpu_cores").fill_null(0.0)).clip(0)).otherwise(0.0),
            free_memory_gib=open_.then((pl.col("memory") - pl.col("memory_gib").fill_null(0.0)).clip(0)).otherwise(0.0),
        )
        .with_columns(pl.col(pl.Float64).round(NANO))
        .sort("control", "node")
        .rename({"node": "name"})
    )


def _worth(text: str | None) -> float | None:
    value = worth(text)
    return None if value is None or value != value else value  # noqa: PLR0124  (NaN stands for unreadable text)


def _evictions(pods: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    places = nodes.select(name="name", place=pl.int_range(pl.len(), dtype=pl.Int64))
    grace = pl.col("grace_seconds")
    return (
        pods.join(places, left_on="node", right_on="name")
        .group_by("place", "limit")
        .agg(
            pl.min("allowed").cast(pl.Int64),
            pods=pl.len().cast(pl.Int64),
            unstated=grace.is_null().sum().cast(pl.Int64),
            grace_lo=grace.min().cast(pl.Float64),
            grace_sum=grace.sum().cast(pl.Float64),
            grace_hi=grace.max().cast(pl.Float64),
        )
        .rename({"place": "node"})
        .select(EVICTIONS.keys())
        .sort("node", "limit")
    )


def _limits(inventory: Inventory) -> dict[str, list[Any]]:
    """Budgets of pods to evict, with what they allow."""
    found = covered(inventory).filter(pl.col("pods") > 0).sort("namespace", "name")
    return found.select("namespace", "name", "pods", "allowed").collect().to_dict(as_series=False)


def _ranges(inventory: Inventory) -> list[str]:
    """Ranges of pod addresses that nodes or the plugin's pools hold."""
    return inventory.frames["ranges"].select(pl.col("cidr").drop_nulls().unique().sort()).collect()["cidr"].to_list()


def _virtual(inventory: Inventory) -> pl.LazyFrame:
    """Nodes that are no machines: nobody drains them."""
    return inventory.frames["machines"].filter("virtual").select("id")


def _workloads(pods: pl.DataFrame) -> int:
    return pods.select(pl.struct("namespace", "owner_kind", "owner").n_unique()).item()


def _members(inventory: Inventory) -> dict[str, Any]:
    """What is in the mesh of today: pods with a proxy beside them or redirected to one, their workloads and namespaces.

    ``networked_pods`` are all outside of the host network that run on machines; ``first_namespace`` is the one with the
    fewest pods in the mesh, or else the fewest of all: a move begins where least can break.
    """
    redirected = (pl.col("redirection") == "enabled").fill_null(value=False)
    pods = inventory.living_pods.with_columns(member=pl.col("proxied") | redirected).collect()
    members = pods.filter("member")
    elsewhere = inventory.of("Node").join(_virtual(inventory), on="id").select(node="name").collect()
    networked = pods.join(elsewhere, on="node", how="anti")
    by_size = (members if members.height else pods).group_by("namespace").len().sort("len", "namespace")
    return {
        "namespaces": members["namespace"].n_unique(),
        "workloads": _workloads(members),
        "meshed_pods": members.height,
        "proxied_pods": int(members["proxied"].sum()),
        "networked_pods": networked.height,
        "networked_workloads": _workloads(networked),
        "first_namespace": by_size["namespace"].drop_nulls().first(),
    }


@kept
def checks() -> tuple[dict[str, Any], ...]:
    """Rows of ``data/migration/checks.csv``."""
    return tuple(read_table("migration/checks").iter_rows(named=True))


def _checked(row: Mapping[str, Any], inventory: Inventory) -> dict[str, Any]:
    """What a check finds, by the way in which the audit judges its rules."""
    fields = {name: row[name] for name in Rule.__dataclass_fields__ if name in row}
    needs = tuple(filter(None, (row["needs"] or "").split("|")))
    rule = Rule(**{**fields, "subject": row["subject"] or "", "needs": needs, "family": "migration", "loop": ""})
    found = judge(rule, inventory)
    kept_ = {name: found[name] for name in ("state", "objects", "count", "detail", "missing")}
    return {"id": row["id"], **kept_}
