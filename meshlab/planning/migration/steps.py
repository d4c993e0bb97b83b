"""Steps of a way with their hours: how often each is done, and which part of the nodes' time is its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshlab.planning.migration.interval import ENDS, Interval, expected, named
from meshlab.planning.migration.move import Move
from meshlab.planning.migration.nodes import Drained
from meshlab.planning.migration.routes import DRAIN, steps_of
from meshlab.planning.migration.windows import HOUR

Step = dict[str, Any]

TOLD = ("phase", "scope", "action", "why", "breaks", "rollback", "check", "gap")
"""Columns of a step's row that a plan tells as they are."""


def counts(move: Move, route: Mapping[str, Any]) -> dict[str, int | None]:
    """How often a step of each scope is done: what the dump shows of the mesh of today, else what is stated."""
    survey, scenario = move.survey, move.scenario
    leaving = route["part"] == "mesh" and move.today.mesh not in (None, "none", "cilium-mesh")
    seen = survey if survey and leaving and survey["meshed_pods"] else None
    return {
        "once": 1,
        "namespace": seen["namespaces"] if seen else scenario.get("namespaces"),
        "workload": seen["workloads"] if seen else scenario.get("services"),
        "pod": seen["meshed_pods"] if seen else scenario.get("pods"),
    }


def timed(move: Move, route: Mapping[str, Any], drain: Drained | None) -> Iterator[Step]:
    """Steps of a way with their hours. Those of nodes share the time that all nodes take, the drain has the rest."""
    many = {**counts(move, route), "node": drain.times.height if drain else 0}
    of_nodes = _node_hours(move, route["route"], drain) if drain else {}
    for step in steps_of(route["route"]):
        units, takes = many[step["scope"]], step["takes"]
        each = None if takes == DRAIN else move.seconds(takes)
        whole = None if each is None or units is None else each.times(units / HOUR)
        hours = of_nodes.get(takes) if step["scope"] == "node" else whole
        yield {
            "route": route["route"],
            **{name: step[name] for name in TOLD},
            "units": units,
            "minutes_each": None if each is None else each.likely / 60,
            **named("hours", hours),
            "source": step["source_id"],
        }


def _node_hours(move: Move, route: str, drain: Drained) -> dict[str, Interval]:
    """The part of the time of all nodes that falls to each of their steps, by what the step takes. [h]

    Work is what it is on each node, shared by the places; where the bounds of all nodes are nearer than the sum of
    their work, it shrinks with them. The drain has what is left.
    """
    taken = [step["takes"] for step in steps_of(route) if step["scope"] == "node" and step["takes"] != DRAIN]
    nodes = drain.times.height / drain.room.parallel / HOUR
    work = {name: expected(move.seconds(name)).times(nodes) for name in taken}
    sums = [math.fsum(work[name].ends[place] for name in taken) for place in range(len(ENDS))]
    total = drain.total.times(1 / HOUR).ends
    rest = Interval(*(max(0.0, whole - own) for whole, own in zip(total, sums, strict=True)))
    scale = Interval(*(min(1.0, whole / own) if own else 0.0 for whole, own in zip(total, sums, strict=True)))
    return {DRAIN: rest, **{name: hours.by(scale) for name, hours in work.items()}}


def hours_of(taken: Sequence[Step]) -> Interval | None:
    """Hours of all steps; None where those of one are unknown. [h]"""
    ends = [[step[f"hours{end}"] for step in taken] for end in ENDS]
    return None if any(None in part for part in ends) else Interval(*(math.fsum(part) for part in ends))
