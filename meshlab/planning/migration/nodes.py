"""The nodes on one way: drained one by one, or by the provider in its own order; a range where nobody has seen them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from meshlab.planning.migration.assumptions import ENDS, Interval
from meshlab.planning.migration.drain import Durations, Room, calendar, cluster_seconds, days, fitting, node_times
from meshlab.planning.migration.move import Setting
from meshlab.planning.migration.routes import BY_PROVIDER, DRAIN, Way
from meshlab.planning.migration.survey import EVICTIONS, NODES, Survey

TOLD = ("name", "pods", *(f"seconds{end}" for end in ENDS), "day", "begin_hours", "drained_hours", "end_hours")
"""Columns of the nodes that a plan tells."""

RANGE, REIMAGE = "drain_minutes", "reimage_minutes"
"""Assumptions: the drain of a node whose pods nobody has seen, and what a provider does to each node."""


@dataclass(frozen=True, slots=True)
class Drained:
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

    def plain(self) -> dict[str, list[Any]] | None:
        """The nodes as columns of plain data; None where there is no schedule."""
        if self.times is None:
            return None
        return self.times.select(TOLD).with_columns(pl.col(pl.Float64).round(4)).to_dict(as_series=False)


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
    pods = int(nodes["pods"].sum())
    return Drained(
        total, each, work, nodes.height, pods, room.parallel, dated, dated, room, _days(dated, total, window)
    )


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
    total = Interval(*(max(span.ends[end] for span in spans.values()) for end in range(len(ENDS))))
    each = Interval(*times.select(pl.mean(f"seconds{end}") for end in ENDS).row(0))
    told = [
        {
            "pool": name,
            "nodes": pools[(name,)].height,
            **{f"hours{end}": value / 3600 for end, value in zip(ENDS, span.ends, strict=True)},
        }
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


def _days(dated: pl.DataFrame, total: Interval, window: float) -> tuple[int, int, int | None]:
    longest = dated.select(pl.max(*(f"seconds{end}" for end in ENDS)).fill_null(0.0)).row(0)
    least, most = days(total, Interval(*longest), window)
    return least, max(least, dated.select(pl.max("day").fill_null(0)).item()), most


def scheduled(drains: Iterator[Drained]) -> Drained | None:
    """The drain that is told: the first with a schedule, or the first."""
    found = list(drains)
    return next((drain for drain in found if drain.times is not None), found[0] if found else None)
