"""A plan: the steps of every part that moves, how long each takes, what stands in the way, what it needs and brings."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import polars as pl

from meshlab.cache import cached
from meshlab.models.decision.tables import SIDES
from meshlab.models.pairs import nodes_taken
from meshlab.planning.migration.assumptions import ENDS, NEW_RANGE, Draws, named, network
from meshlab.planning.migration.drain import Drained, Room
from meshlab.planning.migration.price import (
    REHEARSAL,
    Course,
    Step,
    beside,
    counts,
    course_of,
    gaps,
    move_amounts,
    move_price,
    releases,
    rent,
    second_cluster,
    settled,
)
from meshlab.planning.migration.routes import (
    NONE,
    Move,
    Setting,
    Terms,
    Way,
    fitting,
    set_up,
    today_editions,
    ways_of,
)
from meshlab.planning.migration.survey import Survey, checks
from meshlab.tables import read_table
from meshlab.units import rounded

# --- what stands in the way ------------------------------------------------------------------------------------------


Blocker = dict[str, Any]

DEFAULT_RANGE = "10.0.0.0/8"
"""Range of pod addresses of Cilium's chart unless told otherwise. Sources: S-CIL-CHARTS (data/sources.csv)."""

SEVERITIES = ("high", "medium", "low")


@cached
def _limits() -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in read_table("migration/limits").iter_rows(named=True)}


def found(survey: Survey, names: AbstractSet[str]) -> tuple[list[Blocker], list[str]]:
    """Blockers of a way that checks have found, and what the input lacks for checks that stay undecided."""
    states = {item["id"]: item for item in survey["checks"]}
    blockers: list[Blocker] = []
    unknown: list[str] = []
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
    more = f"; {room.lacking} more node{'s' * (room.lacking != 1)} of the middle size would do" if room.lacking else ""
    if room.short:
        short = " and ".join(RESOURCE_WORDS[name] for name in room.short)
        yield from _limit("capacity-short", way, (), f"not enough free {short} on the other nodes{more}")
    elif room.known and room.parallel < room.asked:
        yield from _limit("capacity-parallel", way, (), f"{room.asked} were asked for, {room.parallel} fit{more}")
    if room.homeless:
        nodes = [f"Node {name}" for name in room.homeless]
        yield from _limit("pod-homeless", way, nodes, "the largest pod of " + ", ".join(room.homeless[:3]))


RESOURCE_WORDS = {"cpu_cores": "CPU", "memory_gib": "memory"}


def of_time(drain: Drained, setting: Setting, way: AbstractSet[str]) -> Iterator[Blocker]:
    """Nodes that may take longer than a window, and drains that may outlast the tool's patience."""
    if drain.bounds is None:
        return
    window, timeout = setting.number("window_hours"), setting.number("drain_timeout_minutes")
    late = drain.bounds.filter(pl.col("seconds_hi") > window * 3600)
    if late.height and drain.times is not None:
        detail = f"{late.height} of {drain.nodes} nodes may take more than {window:g} h"
        yield from _limit("window-short", way, [f"Node {name}" for name in late["name"]], detail)
    slow = drain.bounds.filter(pl.col("drain_hi") > timeout * 60)
    if slow.height:
        detail = f"{slow.height} of {drain.nodes} drains may take more than {timeout:g} min"
        yield from _limit("drain-timeout", way, [f"Node {name}" for name in slow["name"]], detail)


def of_network(setting: Setting, cni: str | None, way: AbstractSet[str]) -> Iterator[Blocker]:
    """Address ranges and tunnel ports that old and new would share."""
    new = ipaddress.ip_network(setting.pod_cidr or DEFAULT_RANGE, strict=False)
    clashing = [text for text in setting.seen["ranges"] if (known := network(text)) and known.overlaps(new)]
    if clashing:
        yield from _limit("cidr-clash", way, clashing, f"{new} overlaps {', '.join(clashing[:3])}")
    port = int(setting.number("tunnel_port"))
    table = read_table("migration/tunnels").filter(cni=cni or "", encapsulation=setting.encapsulation or "")
    if port in table["port"]:
        yield from _limit("tunnel-port", way, (), f"{cni} tunnels through UDP port {port} as well")


LOST = "needs-lost"
"""Limit of what the target does not do, and what runs today does."""


def of_needs(terms: Terms, ways: Sequence[AbstractSet[str]]) -> Iterator[Blocker]:
    """What is asked for and gets lost, or has limits of its own on the way."""
    labels = dict(read_table("needs").select("need", "label").iter_rows())
    if ways and terms.lost:
        yield _blocker(_limits()[LOST], [labels[need] for need in terms.lost], len(terms.lost), "")
    for row in _limits().values():
        named = (row["need"] or "").split("|")
        if terms.needs.issuperset(named):
            told = ", ".join(labels[need] for need in named)
            yield from (item for way in ways for item in _limit(row["id"], way, (), f"asked for, or in use: {told}"))


# --- of a whole plan -------------------------------------------------------------------------------------------------


PLACES = {"cni": "network", "mesh": "mesh"}


def blockers_of(move: Move, course: Course) -> tuple[list[Blocker], list[str]]:
    """Blockers of all ways, the worst first, and what is not known, once each."""
    blockers: list[Blocker] = []
    unknown = [*_unknown_places(move, course), *_unknown_editions(move, course)]
    terms = settled(move.today, move.target, move.setting)
    blockers += of_needs(terms, [way.names for way in course.ways])
    for way in course.ways:
        drains = [course.drains[name] for name in course.drains if name in way.names]
        failed, missing = found(move.setting.seen, way.names)
        blockers += failed
        for drain in drains:
            blockers += of_capacity(drain.room, way.names) if drain.room else ()
            blockers += of_time(drain, move.setting, way.names)
        blockers += of_network(move.setting, course.today.cni, way.names)
        unknown += [*missing, *_unknown_of(move, course, way, drains)]
    once = {item["id"]: item for item in blockers}
    return sorted(once.values(), key=lambda item: SEVERITIES.index(item["severity"])), list(dict.fromkeys(unknown))


def _unknown_places(move: Move, course: Course) -> Iterator[str]:
    if move.today.cni is None and course.today.cni != NONE:
        yield "Network of today unknown, and the way depends on it; name it with --from CNI"
    if move.today.mesh is None and course.today.cni != NONE:
        yield "Mesh of today unknown, planned as if there were none; correct it with --from +MESH"


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
    if setting.kubernetes is None and any(step["stage"] == "release" for step in way.steps):
        yield "Whether the platform is new enough for the way: version of the nodes' kubelets"
    if setting.layer7 is None and any("l7" in (step["applies"] or "") for step in way.steps):
        yield "Whether layer 7 is used, so that waypoints are planned: needs"
    if any(step["manifest"] == SCOPE for step in way.steps):
        homes, traced = _homes(setting), sorted({name for call in setting.calls for name in call})
        if strange := [name for name in traced if name not in homes]:
            yield f"Namespaces of {len(strange)} services of the traces ({', '.join(strange[:3])}): Service"
    scopes = {step["scope"] for step in way.steps}
    many = counts(setting, course.today, way.route["part"])
    yield from (f"number of {scope}s" for scope in ("namespace", "workload") if scope in scopes and many[scope] is None)


# --- what it brings --------------------------------------------------------------------------------------------------


NEVER = "never"
"""What a move that saves nothing is worth in months."""


def saved(worlds: Mapping[str, pl.DataFrame]) -> Draws | None:
    """What the target costs less than what runs today, in each world; None where either is not known. [USD/month]"""
    costs = [worlds[name]["cost_usd_per_month"] for name in ("today", "target") if name in worlds]
    return costs[0] - costs[1] if costs and not any(cost.null_count() for cost in costs) else None


def break_even(cost: Draws | None, savings: Draws | None) -> dict[str, float | str | None]:
    """Months until savings have paid for the cost [USD]; ``never`` where nothing is saved, None where unknown."""
    if cost is None or savings is None:
        return {f"months{end}": None for end in ENDS}
    months = pl.select(pl.when(savings > 0).then(cost / savings).otherwise(math.inf)).to_series()
    ends = {f"months{end}": months.quantile(share, "nearest") for end, share in ENDS.items()}
    return {name: NEVER if value == math.inf else value for name, value in ends.items()}


# --- the plan --------------------------------------------------------------------------------------------------------


Plan = dict[str, Any]

OF_PEOPLE = frozenset({"people", "usd_per_person_hour"})
"""Assumptions of every plan."""

OF_NODES = frozenset(
    {"max_unavailable", "surge_nodes", "window_hours", "retry_seconds", "grace_seconds", "grace_share", "start_seconds"}
)
"""Assumptions of a plan that drains nodes which a dump shows."""

UNSEEN = frozenset({"drain_minutes", "window_hours", "max_unavailable"})
"""Assumptions of a plan that drains nodes which nobody has seen."""

TOLD = ("route", "part", "title", "basis", "limits", "source_id")
"""Columns of a route that a plan tells."""

NODES_TOLD = ("name", "pods", *(f"seconds{end}" for end in ENDS), "day", "begin_hours", "drained_hours", "end_hours")
"""Columns of the nodes that a plan tells."""


def plan_move(move: Move) -> Plan:
    """The plan of a move, its figures by ``move_price``; one that stays has no steps and takes no time."""
    setting = move.setting
    terms = settled(move.today, move.target, setting)
    course = course_of(terms, setting)
    price = move_price(move.today, move.target, setting)
    drains = list(course.drains.values())
    drain = next((item for item in drains if item.times is not None), drains[0] if drains else None)
    nodes = None if drain is None or drain.times is None else drain.times.select(NODES_TOLD)
    blockers, unknown = blockers_of(move, course)
    savings = saved(move.worlds)
    own_windows = drain is not None and drain.days is not None
    ends = ("lo", "likely", "hi")
    return {
        **price,
        "routes": [
            {**{name: way.route[name] for name in TOLD}, "text_date": str(way.route["text_date"])}
            for way in course.ways
        ],
        "steps": [_told(move, step, terms) for step in course.taken],
        "set_up": list(set_up(terms)),
        "blockers": blockers,
        "days": dict(zip(ends, drain.days, strict=True)) if drain and drain.days else None,
        "unknown": unknown,
        "nodes": None if nodes is None else nodes.with_columns(pl.col(pl.Float64).round(4)).to_dict(as_series=False),
        "node_minutes": dict(zip(ends, drain.each.times(1 / 60), strict=True)) if drain else None,
        "pools": list(drain.pools) if drain else [],
        "parallel": drain.parallel if drain and own_windows else None,
        "first": _first(setting),
        "called": called(setting) if any(step.row["manifest"] == SCOPE for step in course.taken) else {},
        "gaps": [
            {**gap, **named("hours", gap["hours"]), **named("elapsed", gap["elapsed"])} for gap in gaps(course, setting)
        ],
        "risks": list(_risks(course)),
        "needs": {
            **{f"{name}{end}": price[f"{name}{end}"] for name in ("person_hours", "usd") for end in ENDS},
            **named("rent_usd", rent(setting, course.ways)),
            **beside(move, course.ways),
            "parallel": drain.parallel if drain and own_windows else None,
            "surge_nodes": int(setting.number("surge_nodes")) if drain else 0,
        },
        "brings": {
            **named("usd_per_month", savings),
            **break_even(move_amounts(move.today, [move.target], setting)[0]["usd"], savings),
        },
        "assumptions": list(_assumptions(move, course)),
    }


DIGITS = 2
"""Digits of a figure that is an estimate: more of them would promise too much."""

MORE_NODES = "MORE_NODES"
"""Word in a step's texts for the nodes that the new data plane fills."""


RELEASES = "RELEASES"
"""Word in a step's texts for the minor releases between what runs and what is asked for."""


def _told(move: Move, step: Step, terms: Terms) -> dict[str, Any]:
    """A step as a plan tells it, with the nodes that the target takes up, and the releases that are still to go."""
    plain = step.plain()
    plain["command"] = fitting(plain["command"], terms)
    words = {MORE_NODES: _filled(move), RELEASES: _to_go(step, move.setting)}
    for name in ("action", "command"):
        for word, told in words.items():
            plain[name] = plain[name].replace(word, told)
    return plain


def _filled(move: Move) -> str:
    """Nodes that the target takes up, as the comparison says; those of its mesh where its network was not measured."""
    for name, beside_it in (("target", ""), ("mesh", " by the mesh alone, for its network was not measured")):
        filled = move.worlds[name].select(nodes_taken(move.setting.scenario)).to_series() if move.worlds else None
        if filled is not None and not filled.null_count():
            number = rounded(named("", filled)[""] or 0.0)
            return f"{number} node{'s' * (number != '1.0')}{beside_it}"
    return "a number of nodes that nobody has measured"


def _to_go(step: Step, setting: Setting) -> str:
    """From which release a platform comes, and how many minor releases that is."""
    row = releases().get(step.row["step"])
    if row is None or setting.kubernetes is None:
        return "unless it runs already: the release is not known, and the hours leave the upgrade out"
    major, _, minor = row["release"].partition(".")
    many = step.units or 0
    return f"from {major}.{int(minor) - many}: {many} minor release{'s' * (many != 1)}, one after the other"


SCOPE = "sidecar-scope.yaml"
"""Manifest of the resource that tells sidecars which namespaces they call."""


def _homes(setting: Setting) -> dict[str, set[str]]:
    """Namespaces of each service of the dump, by its name and by its name with its namespace: traces have either."""
    homes: dict[str, set[str]] = {}
    for namespace, name in setting.seen.get("services", ()):
        for known in (name, f"{name}.{namespace}"):
            homes.setdefault(known, set()).add(namespace)
    return homes


def called(setting: Setting) -> dict[str, list[str]]:
    """Namespaces that each namespace calls, by the traces.

    A service that several namespaces have counts as one of each: a host too many costs memory, one too few a call.
    """
    homes = _homes(setting)
    found: dict[str, set[str]] = {}
    for source, target in setting.calls:
        for namespace in homes.get(source, ()):
            found.setdefault(namespace, set()).update(homes.get(target, set[str]()) - {namespace})
    return {namespace: sorted(names) for namespace, names in sorted(found.items())}


def _first(setting: Setting) -> dict[str, str | None]:
    """Where a rehearsal begins: the namespace and the pool with the fewest pods, and the new range of addresses."""
    pools: dict[str, int] = {}
    for pool, pods in zip(*(setting.seen["nodes"].get(name, ()) for name in ("pool", "pods")), strict=True):
        if pool:
            pools[pool] = pools.get(pool, 0) + pods
    first = min(pools, key=lambda pool: pools[pool], default=None)
    return {"namespace": setting.seen.get("first_namespace"), "pool": first, NEW_RANGE: setting.pod_cidr}


def _risks(course: Course) -> Iterator[dict[str, Any]]:
    """What may go wrong, each once, with its sign and the role that owns it."""
    seen: set[tuple[str, str]] = set()
    for step in course.taken:
        if (step.row["risk"], step.row["sign"]) not in seen:
            seen.add((step.row["risk"], step.row["sign"]))
            yield {name: step.row[name] for name in ("step", "risk", "sign", "owner", "abort", "rollback")}


def _assumptions(move: Move, course: Course) -> Iterator[dict[str, Any]]:
    """What the plan assumes, with the reason of each."""
    if not course.ways:
        return
    of_nodes = (OF_NODES if move.setting.placed else UNSEEN) if course.drains else frozenset[str]()
    used = {name for way in course.ways for step in way.steps for name in (step["takes"], step["grows"], step["cuts"])}
    used |= OF_PEOPLE | of_nodes | {name for drain in course.drains.values() for name in drain.work}
    used |= {"overlap_days"} if second_cluster(course.ways) else set()
    used |= {*REHEARSAL} if REHEARSAL[0] in used else set()
    used |= {"tunnel_port"} if any("overlay" in way.names for way in course.ways) else set()
    for name, item in move.setting.assumptions.items():
        if name in used:
            lo, value, hi = item.values
            told = {"name": name, "label": item.label, "unit": item.unit, "lo": lo, "value": value, "hi": hi}
            yield {**told, "why": item.why, "source_id": item.source_id}
