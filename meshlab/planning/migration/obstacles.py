"""What stands in the way of a whole plan, and what the input does not tell."""

from __future__ import annotations

from collections.abc import Iterator

from meshlab.models.decision.tables import SIDES
from meshlab.planning.migration import limits
from meshlab.planning.migration.move import Move
from meshlab.planning.migration.nodes import Drained
from meshlab.planning.migration.places import NONE, today_editions
from meshlab.planning.migration.price import Course, settled
from meshlab.planning.migration.routes import Way, ways_of
from meshlab.planning.migration.steps import counts

PLACES = {"cni": "network", "mesh": "mesh"}


def obstacles(move: Move, course: Course) -> tuple[list[limits.Blocker], list[str]]:
    """Blockers of all ways, the worst first, and what is not known, once each."""
    blockers: list[limits.Blocker] = []
    unknown = [*_unknown_places(move, course), *_unknown_editions(move, course)]
    for way in course.ways:
        drains = [course.drains[name] for name in course.drains if name in way.names]
        failed, missing = limits.found(move.setting.seen, way.names)
        blockers += [*failed, *_limits(move, course, way, drains)]
        unknown += [*missing, *_unknown_of(move, course, way, drains)]
    return limits.ordered(blockers), list(dict.fromkeys(unknown))


def _limits(move: Move, course: Course, way: Way, drains: list[Drained]) -> Iterator[limits.Blocker]:
    """What the plan itself runs into."""
    setting = move.setting
    for drain in drains:
        if drain.room is not None:
            yield from limits.of_capacity(drain.room, way.names)
        yield from limits.of_time(drain, setting.assumptions, way.names)
    port = int(setting.number("tunnel_port"))
    yield from limits.of_network(
        setting.seen, course.today.cni, setting.encapsulation, setting.pod_cidr, port, way.names
    )


def _unknown_places(move: Move, course: Course) -> Iterator[str]:
    if move.today.cni is None and course.today.cni != NONE:
        yield "network of today: the way depends on it, say --from"
    if move.today.mesh is None and course.today.cni != NONE:
        yield "mesh of today: it is planned as if there were none, say --from"


def _unknown_editions(move: Move, course: Course) -> Iterator[str]:
    """Editions of today that are not known, where the way depends on them."""
    setting, taken = move.setting, [way.route["route"] for way in course.ways]
    terms = settled(move.today, move.target, setting)
    for side in SIDES:
        name, edition = move.today.side(side)
        if name in (None, NONE) or edition or course.today.cni == NONE:
            continue
        engine = setting.scenario.get("policy_engine") if side == "cni" else None
        editions = today_editions(move.today, side, terms.cloud, engine)
        others = [settled(move.today.having(side, name, item), move.target, setting) for item in editions]
        ways = [[way.route["route"] for way in found] for found in ways_of(others)]
        still = [item for item, routes in zip(editions, ways, strict=True) if taken and not routes]
        differing = [item for item, routes in zip(editions, ways, strict=True) if routes != taken and item not in still]
        told = (("the way differs for", differing), ("nothing moves for", still))
        if words := ", ".join(f"{what} {', '.join(names)}" for what, names in told if names):
            yield f"edition of today's {PLACES[side]}: planned for {course.today.side(side)[1]}, {words}"


def _unknown_of(move: Move, course: Course, way: Way, drains: list[Drained]) -> Iterator[str]:
    """What a way's hours and limits depend on and the input does not tell."""
    setting = move.setting
    if drains and not setting.placed:
        yield "Where pods run, so that time is a range for each node: Node, Pod, PodDisruptionBudget"
    if any(drain.room is not None and not drain.room.known for drain in drains):
        yield "Room for evicted pods: requests and allocatable capacity"
    if "overlay" in way.names and not setting.seen["ranges"]:
        yield "Address range already in use: ranges of pod addresses"
    if setting.layer7 is None and any("l7" in (step["applies"] or "") for step in way.steps):
        yield "Whether layer 7 is used, so that waypoints are planned: needs"
    scopes = {step["scope"] for step in way.steps}
    many = counts(setting, course.today, way.route["part"])
    yield from (f"number of {scope}s" for scope in ("namespace", "workload") if scope in scopes and many[scope] is None)
