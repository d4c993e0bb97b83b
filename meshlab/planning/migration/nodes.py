"""The drain of all nodes on one way: from a survey, or from an even spread where no dump shows where pods run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from meshlab.planning.migration.capacity import Room, fitting
from meshlab.planning.migration.drain import Durations, cluster_seconds, node_times
from meshlab.planning.migration.interval import ENDS, Interval
from meshlab.planning.migration.move import Move
from meshlab.planning.migration.routes import DRAIN, steps_of
from meshlab.planning.migration.survey import EVICTIONS, NODES, Survey
from meshlab.planning.migration.windows import calendar, days

NO_DUMP: Survey = {"ranges": [], "checks": [], "namespaces": 0, "workloads": 0, "meshed_pods": 0, "placed": False}
"""What a survey says where there is no dump."""

TOLD = ("name", "pods", *(f"seconds{end}" for end in ENDS), "day", "begin_hours", "drained_hours", "end_hours")
"""Columns of the nodes that a plan tells."""


@dataclass(frozen=True, slots=True)
class Drained:
    """The drain of all nodes on one way.

    Args:
        times: A row a node, in order, with its place in the calendar.
        total: Working time of all nodes. [s]
        room: What capacity allows.
        days: Days with a window: at least, likely, at most.
    """

    times: pl.DataFrame
    total: Interval
    room: Room
    days: tuple[int, int, int | None]

    def plain(self) -> dict[str, list[Any]]:
        """The nodes as columns of plain data."""
        return self.times.select(TOLD).with_columns(pl.col(pl.Float64).round(4)).to_dict(as_series=False)


# --- from the survey -----------------------------------------------------------------------------------------------


def placed_evenly(scenario: Mapping[str, Any], names: Sequence[str] = ()) -> dict[str, Any]:
    """Nodes and evictions that stand in where no dump shows where pods run: as many on each node, without budgets."""
    known = list(names) or [f"node {place + 1}" for place in range(int(scenario["nodes"] or 1))]
    nodes, pods = len(known), int(scenario["pods"] or 0)
    each = [pods // nodes + (place < pods % nodes) for place in range(nodes)]
    some = [place for place in range(nodes) if each[place]]
    of_node = [each[place] for place in some]
    without_limit = {"node": some, "pods": of_node, "unstated": of_node, "grace_sum": [0.0] * len(some)}
    return {
        "nodes": {**{column: [None] * nodes for column in NODES}, "name": known, "pods": each},
        "evictions": {**{column: [None] * len(some) for column in EVICTIONS}, **without_limit},
    }


def survey_for(move: Move) -> Survey:
    """The survey of the move's dump; where it does not show both nodes and pods, these are spread evenly."""
    survey = move.survey or NO_DUMP
    names = survey.get("nodes", {}).get("name", ())
    if survey["placed"] and names:
        return survey
    return {**survey, **placed_evenly(move.scenario, names), "placed": False}


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


# --- the drain -----------------------------------------------------------------------------------------------------


def drained(move: Move, survey: Survey, route: str) -> Drained | None:
    """The drain of every node, so many at a time as are asked for and fit; None where the way touches no node."""
    taken = [step["takes"] for step in steps_of(route) if step["scope"] == "node"]
    if not taken:
        return None
    nodes = pl.DataFrame(survey["nodes"], schema=NODES).with_columns(node=pl.int_range(pl.len(), dtype=pl.Int64))
    evictions = evictions_of(survey, move.number("grace_seconds"))
    evictions = evictions if DRAIN in taken else evictions.clear()
    room, durations = _room(move, nodes), _durations(move, taken)
    times = node_times(nodes.lazy(), evictions.lazy(), durations, room.parallel).collect()
    total = cluster_seconds(times, evictions, durations, room.parallel)
    window = move.number("window_hours")
    dated = calendar(nodes.select("node", "name", "pods").hstack(times.drop("node")), room.parallel, window)
    return Drained(dated, total, room, _days(dated, total, window))


def _room(move: Move, nodes: pl.DataFrame) -> Room:
    surge = int(move.number("surge_nodes"))
    return fitting(nodes, int(move.number("max_unavailable")) + surge, surge)


def _durations(move: Move, taken: Sequence[str]) -> Durations:
    return Durations(
        grace_share=move.interval("grace_share"),
        start=move.seconds("start_seconds"),
        retry=move.number("retry_seconds"),
        work=[move.seconds(name) for name in taken if name != DRAIN],
    )


def _days(dated: pl.DataFrame, total: Interval, window: float) -> tuple[int, int, int | None]:
    longest = dated.select(pl.max(*(f"seconds{end}" for end in ENDS)).fill_null(0.0)).row(0)
    least, most = days(total, Interval(*longest), window)
    return least, max(least, dated.select(pl.max("day").fill_null(0)).item()), most
