"""What does not work while a move lasts: pods that start anew, and times in which no policy is enforced."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from meshlab.planning.migration.move import Move
from meshlab.planning.migration.nodes import Drained
from meshlab.planning.migration.routes import steps_of
from meshlab.planning.migration.steps import Step, counts


def restarts(move: Move, ways: Sequence[Mapping[str, Any]], drain: Drained | None) -> int | None:
    """Pods that start anew: those that are evicted, and those of workloads that are restarted; None where unknown."""
    of_ways = [_restarts_on(move, route, drain) for route in ways]
    known = [pods for pods in of_ways if pods is not None]
    return sum(known) if len(known) == len(of_ways) else None


def _restarts_on(move: Move, route: Mapping[str, Any], drain: Drained | None) -> int | None:
    if route["drains"] and drain is not None:
        return int(drain.times["pods"].sum())
    restarted = any(step["scope"] == "workload" for step in steps_of(route["route"]))
    return counts(move, route)["pod"] if restarted else 0


def gaps(taken: Sequence[Step], drain: Drained | None) -> list[dict[str, Any]]:
    """Times without enforcement of policies, in hours since the first node's window opened.

    A gap opens with a step before the first node and closes with one after the last; without nodes it is as long as
    the steps between take. One that no step closes stays open.
    """
    last = drain.times.select(pl.max("end_hours").fill_null(0.0)).item() if drain else 0.0
    found = []
    for route in dict.fromkeys(step["route"] for step in taken):
        between = _between([step for step in taken if step["route"] == route])
        if between:
            before = math.fsum(step["hours"] or 0.0 for step in between if step["scope"] != "node")
            closed = between[-1]["hours"] or 0.0
            found.append({"route": route, "begin_hours": -(before - closed), "end_hours": last + closed})
    return found


def _between(own: Sequence[Step]) -> Sequence[Step]:
    """Steps from the one that opens a gap to the one that closes it; none where no step opens one."""
    marks = [step["gap"] for step in own]
    if "opens" not in marks:
        return ()
    closing = marks.index("closes") if "closes" in marks else len(own) - 1
    return own[marks.index("opens") : closing + 1]
