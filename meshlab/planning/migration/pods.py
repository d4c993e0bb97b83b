"""Pods that a drain evicts, the budgets that cover them, and how many of them each budget lets go at a time."""

from __future__ import annotations

import polars as pl

from meshlab.cluster.audit.inventory import Inventory, selects
from meshlab.cluster.facts.cluster import FINISHED

STAYING = ("DaemonSet", "Node")
"""Owners of pods that a drain leaves alone: their pods belong to the node, static pods to the node itself."""


def evicted(inventory: Inventory) -> pl.LazyFrame:
    """Pods that a drain has to evict: on a node, not finished, neither of a DaemonSet nor static.

    Returns:
        Columns id, kind, namespace, name and those of the table pods.
    """
    running = ~pl.col("phase").is_in(FINISHED).fill_null(value=False)
    staying = pl.col("owner_kind").is_in(STAYING).fill_null(value=False)
    pods = inventory.frames["pods"].filter(running, ~staying, ~pl.col("static"), pl.col("node").is_not_null())
    return inventory.of("Pod").join(pods, on="id")


def budgeted(inventory: Inventory) -> pl.LazyFrame:
    """Which budget covers which pod to evict: id (of the pod), budget (its id).

    Budgets that select by expressions are left out: their pods are not known here.
    """
    pods = evicted(inventory).select("id", "namespace")
    budgets = inventory.of("PodDisruptionBudget").select("id", "namespace")
    known = budgets.join(inventory.frames["budgets"], on="id").filter(~pl.col("expressions"))
    labels = inventory.frames["labels"].join(pods, on="id")
    selectors = inventory.frames["selectors"].join(known.select("id", "namespace"), on="id")
    matched = selects(selectors, labels, "namespace").select(id="selected", budget="id")
    everything = known.filter("everything").select("namespace", budget="id").join(pods, on="namespace")
    return pl.concat([matched, everything.select("id", "budget")])


def covered(inventory: Inventory) -> pl.LazyFrame:
    """Budgets with their pods to evict and what they allow.

    What the status says counts. Without one it follows from the specification and the pods that are there::

        allowed = max_unavailable, or pods - min_available; a percentage of the pods is rounded up

    Returns:
        Columns id, kind, namespace, name, pods (null where the budget selects by expressions) and allowed.
    """
    counts = budgeted(inventory).group_by("budget").agg(pods=pl.len().cast(pl.Int64)).rename({"budget": "id"})
    pods = pl.when(~pl.col("expressions")).then(pl.col("pods").fill_null(0))
    return (
        inventory.of("PodDisruptionBudget")
        .join(inventory.frames["budgets"], on="id")
        .join(counts, on="id", how="left")
        .with_columns(pods=pods)
        .with_columns(
            allowed=pl.coalesce(
                "allowed",
                _number(pl.col("max_unavailable")),
                pl.col("pods") - _number(pl.col("min_available")),
                pl.when(pl.col("min_available").is_null() & pl.col("max_unavailable").is_null()).then(
                    pl.col("pods") - 1
                ),
            ).clip(lower_bound=0)
        )
        .select("id", "kind", "namespace", "name", "pods", "allowed")
    )


def _number(text: pl.Expr) -> pl.Expr:
    """A number of pods, or a percentage of them rounded up."""
    share = text.str.extract(r"^(\d+)%$", 1).cast(pl.Float64) / 100
    return pl.coalesce(text.cast(pl.Int64, strict=False), (share * pl.col("pods")).ceil().cast(pl.Int64))


def constrained(inventory: Inventory) -> pl.LazyFrame:
    """Pods to evict with what limits them: a budget, their StatefulSet, or nothing.

    A StatefulSet makes a replacement only when the old pod is gone, so that its pods go one at a time; those that
    share a budget with others go by that budget.

    Returns:
        Columns of ``evicted`` and limit (a name, or null), allowed (at least 1) and budget (whether it is one).
    """
    first = budgeted(inventory).group_by("id").agg(budget=pl.min("budget"))
    budgets = covered(inventory).select(
        budget="id", budget_name=pl.concat_str("namespace", "name", separator="/"), budget_allowed="allowed"
    )
    stateful = pl.col("owner_kind") == "StatefulSet"
    own = pl.concat_str(pl.lit("StatefulSet"), "namespace", "owner", separator="/")
    all_stateful = stateful.fill_null(value=False).all().over("budget_name")
    return (
        evicted(inventory)
        .join(first, on="id", how="left")
        .join(budgets, on="budget", how="left")
        .with_columns(
            limit=pl.coalesce("budget_name", pl.when(stateful).then(own)),
            allowed=pl.when(pl.col("budget_name").is_not_null())
            .then(pl.when(all_stateful).then(1).otherwise(pl.col("budget_allowed").fill_null(1).clip(lower_bound=1)))
            .otherwise(pl.when(stateful).then(1)),
        )
        .drop("budget", "budget_name", "budget_allowed")
    )
