"""How long it takes to drain every node of a cluster, as expressions over nodes, budgets and draws.

What happens to one node: it is cordoned, its pods are evicted, then it is worked on (agent, reboot, validation) and
opened again. An eviction takes one unit of the budget that covers the pod and gives it back when the replacement is
ready; a pod without a budget needs none, and a refused eviction is tried again. So the last pod of a budget on a node
begins to leave when those before it have given their units back, and the node is empty when the slowest budget is.

Nodes that are drained side by side share budgets. The one that began first is served first.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from meshlab.planning.migration.assumptions import Interval, mean, quantile

SAMPLES = 16
"""Draws of the unknown durations of a node: their mean is its likely time."""

GOLDEN, SILVER, BRONZE = 0.6180339887498949, 0.7548776662466927, 0.5698402909980532
"""Steps of a sequence that fills the unit interval evenly: the same draws in every run, without a seed."""


@dataclass(frozen=True, slots=True)
class Durations:
    """What a drain's time is made of.

    Args:
        grace_share: Share of its grace period that a pod uses.
        start: From a pod's end until its replacement is ready. [s]
        retry: Between two tries of an eviction. [s]
        work: Everything else that is done to a node, from cordon to uncordon, in parts that are drawn each. [s]
    """

    grace_share: Interval
    start: Interval
    retry: float
    work: Sequence[Interval]


def node_times(nodes: pl.LazyFrame, evictions: pl.LazyFrame, durations: Durations, parallel: int) -> pl.LazyFrame:
    """Time that each node takes: lower bound, likely and late. [s]

    Args:
        nodes: Column node: a number each, in the order in which they are drained.
        evictions: A row for each node and budget: node, budget (null without one), allowed (null without one), pods,
            and the pods' shortest, mean and longest grace period: grace_lo, grace, grace_hi. [s]
        durations: What is not known.
        parallel: Nodes that are drained at a time.

    Returns:
        Columns node, drain_lo, drain, drain_hi, seconds_lo, seconds, seconds_hi (the drain and all work on the node).
    """
    work_lo, work_hi = (math.fsum(getattr(part, end) for part in durations.work) for end in ("lo", "hi"))
    work = math.fsum(map(mean, durations.work))
    bounds = with_bounds(evictions, durations, parallel)
    likely = drawn(bounds, durations, parallel)
    ends = bounds.group_by("node").agg(pl.max("drain_lo", "drain_hi"))
    return (
        nodes.select("node")
        .join(ends, on="node", how="left", maintain_order="left")
        .join(likely, on="node", how="left", maintain_order="left")
        .with_columns(pl.col("drain_lo", "drain", "drain_hi").fill_null(0.0))
        .with_columns(drain=pl.col("drain").clip("drain_lo", "drain_hi"))
        .with_columns(
            seconds_lo=pl.col("drain_lo") + work_lo,
            seconds=pl.col("drain") + work,
            seconds_hi=pl.col("drain_hi") + work_hi,
        )
    )


def with_bounds(evictions: pl.LazyFrame, durations: Durations, parallel: int) -> pl.LazyFrame:
    """Evictions with the time until the last pod of each is gone: at least, and at most. [s]

    At least: of the pods before the last one, floor((pods - 1) / allowed) rounds have passed, each as long as the
    shortest hold. At most: units never rest while somebody asks for them, so the last pod begins to leave after the
    work before it, shared by all units: what is held when the drain begins, the same budget's pods on the nodes that
    began before, and the pods of this node.

    Returns:
        The rows with before (pods of the budget on the nodes that are drained with this one and began before it),
        drain_lo and drain_hi.
    """
    pods, allowed = pl.col("pods"), pl.col("allowed").cast(pl.Float64)
    share, start = durations.grace_share, durations.start
    hold_lo = pl.col("grace_lo") * share.lo + start.lo
    hold_hi = pl.col("grace_hi").max().over("budget") * share.hi + start.hi + durations.retry
    rounds_before = ((pods - 1) / allowed).floor().fill_null(0.0)
    most_elsewhere = (parallel - 1) * pods.max().over("budget")
    queue = pl.when(allowed.is_null()).then(0.0).otherwise((most_elsewhere + pods - 1) / allowed + 1)
    together = pods.rolling_sum_by("node", f"{parallel}i").over("budget")
    return evictions.sort("budget", "node").with_columns(
        before=together - pods,
        drain_lo=rounds_before * hold_lo + pl.col("grace_lo") * share.lo,
        drain_hi=queue * hold_hi + pl.col("grace_hi") * share.hi + durations.retry,
    )


def waiting(durations: Durations, parallel: int) -> pl.Expr:
    """Likely time until the last pod of a budget on a node begins to leave. [s]

    Nodes of one budget are customers of one counter. A node's own pods need ``own = pods * hold / allowed`` at it, and
    those of the nodes beside it ``others``, of whom a share is at the counter at a moment: the part of its time that
    a node spends there. With ``away`` the time that a node is worked on meanwhile::

        stay = own + others * stay / (stay + away)

    which is a quadratic equation. The first nodes begin together, so that all others are at the counter.

    Sources: bard-schweitzer (data/sources.csv).
    """
    allowed = pl.col("allowed").cast(pl.Float64)
    hold = pl.col("grace") * mean(durations.grace_share) + mean(durations.start) + durations.retry / 2
    away = math.fsum(map(mean, durations.work))
    own, others = pl.col("pods") * hold / allowed, pl.col("before") * hold / allowed
    slope = own + others - away
    met = (slope + (slope**2 + 4 * own * away).sqrt()) / 2
    stay = pl.when(pl.col("node") < parallel).then(own + others).otherwise(met)
    rounds = ((pl.col("pods") - 1) / allowed).floor() * hold
    return pl.max_horizontal(stay - hold, rounds).fill_null(0.0)


def drawn(evictions: pl.LazyFrame, durations: Durations, parallel: int) -> pl.LazyFrame:
    """Likely time until each node is empty: the mean over draws of the slowest budget. [s]

    The longest of n pods is the n-th root's quantile: P(all below x) = P(one below x)^n.
    """
    even = pl.col("node") * GOLDEN + pl.int_range(pl.len()).over("node") * BRONZE
    root = 1 / pl.col("pods")
    gone = [
        pl.col("wait") + pl.col("grace") * quantile(durations.grace_share, ((pl.col("even") + k * SILVER) % 1) ** root)
        for k in range(1, SAMPLES + 1)
    ]
    return (
        evictions.select("node", "pods", "grace", even=even, wait=waiting(durations, parallel))
        .select("node", *(expression.alias(str(k)) for k, expression in enumerate(gone)))
        .group_by("node")
        .agg(pl.exclude("node").max())
        .select("node", drain=pl.mean_horizontal(pl.exclude("node")))
    )


def cluster_seconds(times: pl.DataFrame, evictions: pl.DataFrame, durations: Durations, parallel: int) -> Interval:
    """Time for all nodes, so many at a time, without pauses. [s]

    At least: all work shared by the places, the longest node, and for each budget the rounds that all its pods need.
    Likely: each node begins when a place is free. At most, by Graham's bound for lists: a place is idle only after
    the last node has begun, so all work shared by the places, and the last node beside it.
    """
    if times.is_empty():
        return Interval(0.0, 0.0, 0.0)
    shared = {end: float(times[f"seconds_{end}"].sum()) / parallel for end in ("lo", "hi")}
    longest = times.select(pl.max(f"seconds_{end}").alias(end) for end in ("lo", "hi")).row(0, named=True)
    lo = max(shared["lo"], longest["lo"], _rounds(evictions, durations))
    hi = shared["hi"] + (1 - 1 / parallel) * longest["hi"]
    likely = max(end for _, end in schedule(times["seconds"].to_list(), parallel))
    return Interval(lo, min(max(likely, lo), hi), hi)


def _rounds(evictions: pl.DataFrame, durations: Durations) -> float:
    """Time that the busiest budget needs for all of its pods, wherever they run. [s]"""
    hold = pl.col("grace_lo").min() * durations.grace_share.lo + durations.start.lo
    rounds = (
        evictions.drop_nulls("allowed")
        .group_by("budget")
        .agg(seconds=((pl.col("pods").sum() - 1) / pl.col("allowed").first()).floor() * hold)
    )
    return float(rounds.select(pl.max("seconds")).item() or 0.0)


def schedule(seconds: Sequence[float], parallel: int) -> Iterator[tuple[float, float]]:
    """Begin and end of each node: in their order, each as soon as one of the places is free. [s]"""
    free = [0.0] * parallel
    for duration in seconds:
        begin = heapq.heappop(free)
        heapq.heappush(free, begin + duration)
        yield begin, begin + duration
