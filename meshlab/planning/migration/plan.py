"""A plan: the steps of every part that moves, how long each takes, what stands in the way, what it needs and brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from meshlab.planning.migration import worth
from meshlab.planning.migration.disruption import gaps, restarts
from meshlab.planning.migration.interval import named
from meshlab.planning.migration.move import Move
from meshlab.planning.migration.needs import needs, price
from meshlab.planning.migration.nodes import Drained, drained, survey_for
from meshlab.planning.migration.obstacles import obstacles
from meshlab.planning.migration.routes import is_move, steps_of, ways_between
from meshlab.planning.migration.steps import hours_of, timed

Plan = dict[str, Any]

OF_PEOPLE = frozenset({"people", "usd_per_person_hour"})
"""Assumptions of every plan."""

OF_NODES = frozenset(
    {"max_unavailable", "surge_nodes", "window_hours", "retry_seconds", "grace_seconds", "grace_share", "start_seconds"}
)
"""Assumptions of a plan that touches nodes."""


def plan_move(move: Move) -> Plan:
    """The plan of a move; one that stays has no steps and takes no time."""
    ways = [route for route in ways_between(move.today, move.target, move.scenario.get("cloud")) if is_move(route)]
    names = [route["route"] for route in ways]
    survey = survey_for(move)
    drains = {name: drained(move, survey, name) for name in names}
    drain = next(filter(None, drains.values()), None)
    taken = [step for route in ways for step in timed(move, route, drains[route["route"]])]
    hours = hours_of(taken)
    blockers, unknown = obstacles(move, survey, ways, drains)
    return {
        "from": move.today.plain(),
        "to": move.target.plain(),
        "stays": not ways,
        "routes": [{name: route[name] for name in ("route", "part", "title", "limits", "source_id")} for route in ways],
        "steps": taken,
        "blockers": blockers,
        **named("hours", hours),
        "days": drain and dict(zip(("lo", "likely", "hi"), drain.days, strict=True)),
        "restarts": restarts(move, ways, drain),
        "unknown": unknown,
        "nodes": drain and drain.plain(),
        "parallel": drain and drain.room.parallel,
        "gaps": gaps(taken, drain),
        "needs": needs(move, ways, drain, hours),
        "brings": worth.brings(price(move, hours), worth.saved(move.figures, *move.dataplanes)),
        "assumptions": list(_assumptions(move, names, drain)) if ways else [],
    }


def _assumptions(move: Move, names: Sequence[str], drain: Drained | None) -> Iterator[dict[str, Any]]:
    """What the plan assumes, with the reason of each."""
    used = {step["takes"] for name in names for step in steps_of(name)} | OF_PEOPLE | (OF_NODES if drain else set())
    for name, item in move.assumptions.items():
        if name in used:
            lo, value, hi = item.values
            told = {"name": name, "label": item.label, "unit": item.unit, "lo": lo, "value": value, "hi": hi}
            yield {**told, "why": item.why, "source_id": item.source_id}
