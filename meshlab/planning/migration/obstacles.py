"""What stands in the way of a whole plan, and what the input does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshlab.planning.migration import limits
from meshlab.planning.migration.move import Move
from meshlab.planning.migration.nodes import Drained
from meshlab.planning.migration.routes import steps_of
from meshlab.planning.migration.steps import counts
from meshlab.planning.migration.survey import Survey

Route = Mapping[str, Any]


def obstacles(
    move: Move, survey: Survey, ways: Sequence[Route], drains: Mapping[str, Drained | None]
) -> tuple[list[limits.Blocker], list[str]]:
    """Blockers of all ways, the worst first, and what is not known, once each."""
    blockers: list[limits.Blocker] = []
    unknown = list(_unknown_places(move))
    for route in ways:
        drain = drains[route["route"]]
        failed, missing = limits.found(survey, route["route"])
        blockers += [*failed, *_limits(move, survey, route["route"], drain)]
        unknown += [*_no_procedure(move, route), *missing, *_unknown_of(move, survey, route, drain)]
    return limits.ordered(blockers), list(dict.fromkeys(unknown))


def _limits(move: Move, survey: Survey, route: str, drain: Drained | None) -> Iterator[limits.Blocker]:
    """What the plan itself runs into."""
    if drain is not None:
        yield from limits.of_capacity(drain.room, route)
        yield from limits.of_time(drain.times, move.assumptions, route)
    port = int(move.number("tunnel_port"))
    yield from limits.of_network(survey, move.today.cni, move.encapsulation, move.pod_cidr, port, route)


def _unknown_places(move: Move) -> Iterator[str]:
    if move.today.cni is None:
        yield "network plugin of today"
    if move.today.mesh is None:
        yield "mesh of today"


def _no_procedure(move: Move, route: Route) -> Iterator[str]:
    if not steps_of(route["route"]):
        today = move.today.mesh or "an unknown mesh"
        yield f"what leads from {today} to {move.target.mesh}: no procedure is known here"


def _unknown_of(move: Move, survey: Survey, route: Route, drain: Drained | None) -> Iterator[str]:
    """What a way's hours and limits depend on and the input does not tell."""
    if drain is not None and not survey["placed"]:
        yield "Where pods run, for which an even spread without budgets stands in: Node, Pod, PodDisruptionBudget"
    if drain is not None and route["drains"] and not drain.room.known:
        yield "Room for evicted pods: requests and allocatable capacity"
    if route["route"] == "dual-overlay" and not survey["ranges"]:
        yield "Address range already in use: ranges of pod addresses"
    scopes = {step["scope"] for step in steps_of(route["route"])}
    yield from (
        f"number of {scope}s" for scope, many in counts(move, route).items() if scope in scopes and many is None
    )
