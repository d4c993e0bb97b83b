"""What stands in the way of a plan: what checks have found in the cluster, and what the plan itself runs into."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import polars as pl

from meshlab.kept import kept
from meshlab.models.decision.tables import SIDES
from meshlab.planning.migration.assumptions import Assumption
from meshlab.planning.migration.drain import Room
from meshlab.planning.migration.move import NONE, Move, today_editions
from meshlab.planning.migration.nodes import Drained
from meshlab.planning.migration.price import Course, settled
from meshlab.planning.migration.routes import Way, ways_of
from meshlab.planning.migration.steps import counts
from meshlab.planning.migration.survey import Survey, checks
from meshlab.tables import read_table

Blocker = dict[str, Any]

DEFAULT_RANGE = "10.0.0.0/8"
"""Range of pod addresses of Cilium's chart unless told otherwise. Sources: S-CIL-CHARTS (data/sources.csv)."""

SEVERITIES = ("high", "medium", "low")


@kept
def _limits() -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in read_table("migration/limits").iter_rows(named=True)}


def found(survey: Survey, names: AbstractSet[str]) -> tuple[list[Blocker], list[str]]:
    """Blockers of a way that checks have found, and what the input lacks for checks that stay undecided."""
    states = {item["id"]: item for item in survey["checks"]}
    blockers, unknown = [], []
    for row in checks():
        if row["id"] not in states or names.isdisjoint(row["stages"].split("|")):
            continue
        seen = states[row["id"]]
        if seen["state"] == "fail":
            blockers.append(_blocker(row, seen["objects"], seen["count"], seen["detail"]))
        elif seen["state"] == "unknown":
            unknown += [f"{row['title']}: {name}" for name in seen["missing"]]
    return blockers, unknown


def _blocker(row: Mapping[str, Any], objects: Sequence[str], count: int, detail: str) -> Blocker:
    named = {name: row[name] for name in ("id", "title", "severity", "why", "todo", "check", "source_id")}
    return {**named, "objects": list(objects), "count": count, "detail": detail}


def _limit(name: str, names: AbstractSet[str], objects: Iterable[str], detail: str) -> Iterator[Blocker]:
    row, named = _limits()[name], list(objects)
    if not names.isdisjoint(row["stages"].split("|")):
        yield _blocker(row, named, max(1, len(named)), detail)


def of_capacity(room: Room, way: AbstractSet[str]) -> Iterator[Blocker]:
    """What capacity does not allow."""
    if room.short:
        short = " and ".join(RESOURCE_WORDS[name] for name in room.short)
        yield from _limit("capacity-short", way, (), f"not enough free {short} on the other nodes")
    elif room.known and room.parallel < room.asked:
        yield from _limit("capacity-parallel", way, (), f"{room.asked} were asked for, {room.parallel} fit")
    if room.homeless:
        nodes = [f"Node {name}" for name in room.homeless]
        yield from _limit("pod-homeless", way, nodes, "the largest pod of " + ", ".join(room.homeless[:3]))


RESOURCE_WORDS = {"cpu_cores": "CPU", "memory_gib": "memory"}


def of_time(drain: Drained, assumptions: Mapping[str, Assumption], way: AbstractSet[str]) -> Iterator[Blocker]:
    """Nodes that may take longer than a window, and drains that may outlast the tool's patience."""
    if drain.bounds is None:
        return
    window, timeout = assumptions["window_hours"].values[1], assumptions["drain_timeout_minutes"].values[1]
    late = drain.bounds.filter(pl.col("seconds_hi") > window * 3600)
    if late.height and drain.times is not None:
        detail = f"{late.height} of {drain.nodes} nodes may take more than {window:g} h"
        yield from _limit("window-short", way, [f"Node {name}" for name in late["name"]], detail)
    slow = drain.bounds.filter(pl.col("drain_hi") > timeout * 60)
    if slow.height:
        detail = f"{slow.height} of {drain.nodes} drains may take more than {timeout:g} min"
        yield from _limit("drain-timeout", way, [f"Node {name}" for name in slow["name"]], detail)


def of_network(
    survey: Survey, cni: str | None, encapsulation: str | None, range_: str | None, port: int, way: AbstractSet[str]
) -> Iterator[Blocker]:
    """Address ranges and tunnel ports that old and new would share."""
    new = ipaddress.ip_network(range_ or DEFAULT_RANGE, strict=False)
    clashing = [text for text in survey["ranges"] if (known := _network(text)) and _overlap(known, new)]
    if clashing:
        yield from _limit("cidr-clash", way, clashing, f"{new} overlaps {', '.join(clashing[:3])}")
    table = read_table("migration/tunnels").filter(cni=cni or "", encapsulation=encapsulation or "")
    if port in table["port"]:
        yield from _limit("tunnel-port", way, (), f"{cni} tunnels through UDP port {port} as well")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def ordered(blockers: Iterable[Blocker]) -> list[Blocker]:
    """Blockers once each, the worst first."""
    once = {item["id"]: item for item in blockers}
    return sorted(once.values(), key=lambda item: SEVERITIES.index(item["severity"]))


# --- of a whole plan -------------------------------------------------------------------------------------------------


PLACES = {"cni": "network", "mesh": "mesh"}


def blockers_of(move: Move, course: Course) -> tuple[list[Blocker], list[str]]:
    """Blockers of all ways, the worst first, and what is not known, once each."""
    blockers: list[Blocker] = []
    unknown = [*_unknown_places(move, course), *_unknown_editions(move, course)]
    for way in course.ways:
        drains = [course.drains[name] for name in course.drains if name in way.names]
        failed, missing = found(move.setting.seen, way.names)
        blockers += [*failed, *_of_plan(move, course, way, drains)]
        unknown += [*missing, *_unknown_of(move, course, way, drains)]
    return ordered(blockers), list(dict.fromkeys(unknown))


def _of_plan(move: Move, course: Course, way: Way, drains: list[Drained]) -> Iterator[Blocker]:
    """What the plan itself runs into."""
    setting = move.setting
    for drain in drains:
        if drain.room is not None:
            yield from of_capacity(drain.room, way.names)
        yield from of_time(drain, setting.assumptions, way.names)
    port = int(setting.number("tunnel_port"))
    yield from of_network(setting.seen, course.today.cni, setting.encapsulation, setting.pod_cidr, port, way.names)


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
