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
from functools import partial
from math import ceil
from typing import Any

import msgspec
import polars as pl

from meshlab.planning.migration.assumptions import ENDS, Interval, mean, named, quantile, sampled
from meshlab.planning.migration.routes import BY_PROVIDER, DRAIN, Setting, Way
from meshlab.planning.migration.survey import EVICTIONS, NODES, Survey

SAMPLES = 16
"""Draws of the unknown durations of a node: their mean is its likely time."""

GOLDEN, SILVER, BRONZE = 0.6180339887498949, 0.7548776662466927, 0.5698402909980532
"""Steps of a sequence that fills the unit interval evenly: the same draws in every run, without a seed."""


class Durations(msgspec.Struct, frozen=True):
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

    Nodes are numbered in the order in which they are drained. Evictions have a row for each node and budget: node,
    budget and allowed (both null without one), pods, and their shortest, mean and longest grace period: grace_lo,
    grace, grace_hi. [s] Returns the columns node, drain_lo, drain, drain_hi, seconds_lo, seconds, seconds_hi (the drain
    and all work on the node).
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
    """Evictions with the time until the last pod of each is gone: at least (drain_lo), and at most (drain_hi). [s]

    At least: of the pods before the last one, floor((pods - 1) / allowed) rounds have passed, each as long as the
    shortest hold. At most: units never rest while somebody asks for them, so the last pod begins to leave after the
    work before it, shared by all units: what is held when the drain begins, the same budget's pods on the nodes that
    began before (column before), and the pods of this node.
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


# --- how many nodes at a time ----------------------------------------------------------------------------------------


RESOURCES = ("cpu_cores", "memory_gib")


class Room(msgspec.Struct, frozen=True):
    """What capacity allows.

    Args:
        parallel: Nodes at a time, at least 1; what was asked for where capacity is unknown.
        asked: Nodes at a time that were asked for.
        known: Whether requests and allocatable capacity are known of every node.
        short: Resources of which not even one node's pods fit on the others.
        homeless: Nodes whose largest pod fits on no other node, empty as it may be.
        lacking: Extra nodes of the middle size with which as many at a time fit as were asked for.
    """

    parallel: int
    asked: int
    known: bool
    short: tuple[str, ...] = ()
    homeless: tuple[str, ...] = ()
    lacking: int = 0


def fitting(nodes: pl.DataFrame, asked: int, surge: int) -> Room:
    """The largest number of nodes at a time, up to what is asked for, whose pods fit whatever nodes they are.

    While a set S of nodes is drained, its pods have to fit into what the others have free::

        sum over S of moved <= sum over others of free + surge * free of a new node
        sum over S of (moved + free) <= sum over all of free + surge * free of a new node

    The left side is largest for the nodes with the most of moved + free; a number that holds for them holds for any
    set. A new node has as much room as the median of what a node's pods and its free part take together. This is a
    bound on sums: how pods break up the free parts is not in it.
    """
    asked = max(1, min(asked, nodes.height))
    spans = {name: (pl.col(f"moved_{name}") + pl.col(f"free_{name}")) for name in RESOURCES}
    known = nodes.select(pl.any_horizontal(span.is_null().any() for span in spans.values())).item() is False
    if not known or not nodes.height:
        return Room(asked, asked, known=known and bool(nodes.height))
    holds = {
        name: nodes.select(
            span.sort(descending=True).cum_sum() <= pl.col(f"free_{name}").sum() + surge * span.median() + EPSILON
        ).to_series()
        for name, span in spans.items()
    }
    fits = min(int(series.sum()) for series in holds.values())
    short = tuple(name for name, series in holds.items() if not series[0])
    # the second inequality, for as many as were asked for, solved for the new nodes
    least = [
        ((span.top_k(asked).sum() - pl.col(f"free_{name}").sum() - EPSILON) / span.median()).ceil()
        for name, span in spans.items()
    ]
    extra = nodes.select(pl.max_horizontal(least)).item()
    lacking = int(max(0, extra - surge)) if math.isfinite(extra) else 0
    homeless = _homeless(nodes, surge)
    return Room(max(1, min(asked, fits)), asked, known=True, short=short, homeless=homeless, lacking=lacking)


EPSILON = 1e-9
"""Rounding of sums. [cores or GiB]"""


def _homeless(nodes: pl.DataFrame, surge: int) -> tuple[str, ...]:
    """Nodes with a pod that is larger than all that any other node has free or could free."""
    if surge:
        return ()
    stuck = pl.lit(value=False)
    for name in RESOURCES:
        span = pl.col(f"moved_{name}") + pl.col(f"free_{name}")
        top = span.top_k(2)
        largest_elsewhere = pl.when(span == top.first()).then(top.last()).otherwise(top.first())
        stuck = stuck | (pl.col(f"largest_{name}") > largest_elsewhere + EPSILON)
    return tuple(nodes.filter(stuck)["name"]) if nodes.height > 1 else tuple(nodes.filter(pl.col("pods") > 0)["name"])


# --- days with a window ----------------------------------------------------------------------------------------------


HOUR, DAY = 3600.0, 24.0
"""An hour in seconds, a day in hours."""


def days(total: Interval, longest: Interval, window_hours: float) -> tuple[int, int | None]:
    """Days with a window: at least, and at most; None where a node may not fit into a window.

    At most, the end of each window is lost, as long as the longest node takes at most.
    """
    window = window_hours * HOUR
    least = ceil(total.lo / window)
    usable = window - longest.hi
    most = ceil(total.hi / usable) if usable > 0 else None
    return (least, None if most is None else max(most, least))


def calendar(times: pl.DataFrame, parallel: int, window_hours: float) -> pl.DataFrame:
    """When each node is worked on, in hours since the first window opened.

    A node begins when a place is free and the rest of the window is as long as it likely takes; one that takes longer
    than a window begins with it. Times have the columns node, drain and seconds, in the order in which nodes are
    drained [s]; added are day (from 1), begin_hours, drained_hours and end_hours.
    """
    spans = [
        (begin, begin + drain / HOUR, end)
        for (begin, end), drain in zip(
            schedule((times["seconds"] / HOUR).to_list(), parallel, window_hours), times["drain"], strict=True
        )
    ]
    columns = ("begin_hours", "drained_hours", "end_hours")
    found = pl.DataFrame(spans, schema=dict.fromkeys(columns, pl.Float64), orient="row")
    return times.hstack(found).with_columns(day=(pl.col("begin_hours") // DAY).cast(pl.Int64) + 1)


def schedule(
    durations: Sequence[float], parallel: int, window_hours: float = math.inf
) -> Iterator[tuple[float, float]]:
    """Begin and end of each node: in their order, each as soon as a place is free and a window long enough is open.

    Durations are in hours; without windows in any unit, which is that of begin and end.
    """
    free = [0.0] * parallel
    for duration in durations:
        begin = _opened(heapq.heappop(free), duration, window_hours)
        heapq.heappush(free, begin + duration)
        yield begin, begin + duration


def _opened(moment: float, duration: float, window_hours: float) -> float:
    """The first moment from this one on at which a window has so much time left. [h]"""
    into = moment % DAY
    fits = into + duration <= window_hours + 1e-9
    return moment if fits or into == 0.0 else moment - into + DAY


# --- the nodes on one way: drained one by one, or by the provider in its own order -----------------------------------


RANGE, REIMAGE = "drain_minutes", "reimage_minutes"
"""Assumptions: the drain of a node whose pods nobody has seen, and what a provider does to each node."""


class Drained(msgspec.Struct, frozen=True):
    """What it takes to drain every node in one stage.

    Args:
        total: Working time of all nodes. [s]
        each: Time of one node. [s]
        work: What is done to each beside the drain, as names of assumptions.
        nodes: Number of nodes.
        pods: Pods that are evicted; None where no dump shows them.
        parallel: Nodes at a time.
        times: A row a node with its time and its place in the calendar, where nodes were seen and the order is ours.
        bounds: A row a node with its time, where nodes were seen.
        room: What capacity allows, where nodes were seen and the order is ours.
        days: Days with a window: at least, likely, at most; None where the provider keeps its own hours.
        pools: Time of each pool, where a provider works on all of them at once.
    """

    total: Interval
    each: Interval
    work: tuple[str, ...]
    nodes: int
    pods: int | None
    parallel: int
    times: pl.DataFrame | None = None
    bounds: pl.DataFrame | None = None
    room: Room | None = None
    days: tuple[int, int, int | None] | None = None
    pools: tuple[dict[str, Any], ...] = ()


def drained(setting: Setting, way: Way) -> dict[str, Drained]:
    """The drain of all nodes in each stage of a way that drains them."""
    found: dict[str, Drained] = {}
    for stage in dict.fromkeys(step["stage"] for step in way.steps if step["takes"] in (DRAIN, BY_PROVIDER)):
        taken = [step["takes"] for step in way.steps if step["stage"] == stage and step["scope"] == "node"]
        by_provider = BY_PROVIDER in taken
        work = (REIMAGE,) if by_provider else tuple(name for name in taken if name != DRAIN)
        worked_out = partial(_drained, setting, work, by_provider=by_provider)
        found[stage] = setting.once(("drained", by_provider, work), worked_out)
    return found


def _drained(setting: Setting, work: tuple[str, ...], *, by_provider: bool) -> Drained:
    asked = int(setting.number("max_unavailable")) + int(setting.number("surge_nodes"))
    if not setting.placed:
        return _range(setting, work, 1 if by_provider else max(1, asked), windows=not by_provider)
    nodes = pl.DataFrame(setting.seen["nodes"], schema=NODES).with_columns(node=pl.int_range(pl.len(), dtype=pl.Int64))
    evictions = evictions_of(setting.seen, setting.number("grace_seconds"))
    durations = Durations(
        grace_share=setting.interval("grace_share"),
        start=setting.seconds("start_seconds"),
        retry=setting.number("retry_seconds"),
        work=[setting.seconds(name) for name in work],
    )
    if by_provider:
        return _by_pools(setting, nodes, evictions, durations, work)
    room = fitting(nodes, asked, int(setting.number("surge_nodes")))
    times = node_times(nodes.lazy(), evictions.lazy(), durations, room.parallel).collect()
    total = cluster_seconds(times, evictions, durations, room.parallel)
    window = setting.number("window_hours")
    dated = calendar(nodes.select("node", "name", "pods").hstack(times.drop("node")), room.parallel, window)
    each = Interval(*times.select(pl.mean(f"seconds{end}") for end in ENDS).row(0))
    longest = Interval(*dated.select(pl.max(*(f"seconds{end}" for end in ENDS)).fill_null(0.0)).row(0))
    least, most = days(total, longest, window)
    on_days = (least, max(least, dated.select(pl.max("day").fill_null(0)).item()), most)
    pods = int(nodes["pods"].sum())
    return Drained(total, each, work, nodes.height, pods, room.parallel, dated, dated, room, on_days)


def _range(setting: Setting, work: Sequence[str], parallel: int, *, windows: bool) -> Drained:
    """A range for each node and for all of them; never a schedule of nodes that nobody has seen."""
    each = setting.seconds(RANGE)
    for name in work:
        each = each.plus(setting.seconds(name))
    total = each.times(setting.nodes / parallel)
    least, most = days(total, each, setting.number("window_hours"))
    likely, _ = days(Interval(total.likely, total.likely, total.likely), each, setting.number("window_hours"))
    dated = (least, max(least, likely), most) if windows else None
    return Drained(total, each, tuple(work), setting.nodes, None, parallel, days=dated)


def _by_pools(
    setting: Setting, nodes: pl.DataFrame, evictions: pl.DataFrame, durations: Durations, work: tuple[str, ...]
) -> Drained:
    """All pools at once, in each as many nodes at a time as it has extra ones, at least one.

    The cluster takes as long as its slowest pool; pools share budgets.
    """
    surge = max(1, int(setting.number("surge_nodes")))
    pools = nodes.with_columns(pl.col("pool").fill_null("all nodes")).partition_by("pool", as_dict=True)
    parallel = surge * len(pools)
    times = node_times(nodes.lazy(), evictions.lazy(), durations, parallel).collect()
    spans: dict[str, Interval] = {}
    for (name,), own in pools.items():
        of_pool = own.select("node")
        spans[str(name)] = cluster_seconds(
            times.join(of_pool, on="node", how="semi"),
            evictions.join(of_pool, on="node", how="semi"),
            durations,
            min(surge, own.height),
        )
    total = Interval(*map(max, zip(*spans.values(), strict=True)))
    each = Interval(*times.select(pl.mean(f"seconds{end}") for end in ENDS).row(0))
    told = [
        {"pool": name, "nodes": pools[(name,)].height, **named("hours", sampled(DRAIN, span.times(1 / HOUR)))}
        for name, span in spans.items()
    ]
    pods = int(nodes["pods"].sum())
    bounds = nodes.select("name").hstack(times)
    return Drained(total, each, work, nodes.height, pods, parallel, bounds=bounds, pools=tuple(told))


def evictions_of(survey: Survey, grace_seconds: float) -> pl.DataFrame:
    """Evictions of a survey as the drain takes them, the default grace where a pod states none."""
    frame = pl.DataFrame(survey["evictions"], schema=EVICTIONS)
    default = pl.when(pl.col("unstated") > 0).then(pl.lit(grace_seconds))
    return frame.with_columns(
        budget="limit",
        grace=(pl.col("grace_sum") + pl.col("unstated") * grace_seconds) / pl.col("pods"),
        grace_lo=pl.min_horizontal("grace_lo", default),
        grace_hi=pl.max_horizontal("grace_hi", default),
    )
