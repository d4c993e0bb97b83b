"""A plan: the steps of every part that moves, how long each takes, what stands in the way, what it needs and brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from meshlab.durations import SECONDS, Assumption, with_own
from meshlab.migration import limits, worth
from meshlab.migration.capacity import Room, fitting
from meshlab.migration.drain import Durations, Interval, cluster_seconds, expected, node_times
from meshlab.migration.routes import Place, moves, routes, steps
from meshlab.migration.survey import EVICTIONS, NODES, Survey
from meshlab.migration.windows import HOUR, calendar, days
from meshlab.tables import read_table

Plan = dict[str, Any]

ENDS = ("_lo", "", "_hi")
NOTHING = Interval(0.0, 0.0, 0.0)
DRAIN = "drain"
"""What a step takes that is worked out from the pods."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a plan is made for.

    Args:
        today: Network plugin and mesh of today.
        target: Those that are moved to.
        scenario: Values of the declared inputs, defaults filled in: cloud, nodes, pods, namespaces, services.
        survey: What a dump shows; None without one.
        assumptions: What it takes, a team's own figures in the place of defaults.
        pod_cidr: The new range of pod addresses, where the team has chosen one.
        encapsulation: The fact ``cni.encapsulation``.
        figures: Estimates of the scenario, for what the move saves.
        dataplanes: Names under which they hold today and the target.
    """

    today: Place
    target: Place
    scenario: Mapping[str, Any]
    survey: Survey | None = None
    assumptions: Mapping[str, Assumption] = field(default_factory=with_own)
    pod_cidr: str | None = None
    encapsulation: str | None = None
    figures: Sequence[Mapping[str, Any]] = ()
    dataplanes: tuple[str | None, str | None] = (None, None)

    def seconds(self, name: str) -> Interval:
        """An assumption about time. [s]"""
        known = self.assumptions[name]
        return Interval(*known.values).times(SECONDS[known.unit])

    def number(self, name: str) -> float:
        """A number that the team chooses."""
        return self.assumptions[name].values[1]


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


# --- the cluster ---------------------------------------------------------------------------------------------------


def placed_evenly(scenario: Mapping[str, Any], names: Sequence[str] = ()) -> dict[str, Any]:
    """Nodes and evictions that stand in where no dump shows where pods run: as many on each node, without budgets."""
    named = list(names) or [f"node {place + 1}" for place in range(int(scenario["nodes"] or 1))]
    nodes, pods = len(named), int(scenario["pods"] or 0)
    each = [pods // nodes + (place < pods % nodes) for place in range(nodes)]
    some = [place for place in range(nodes) if each[place]]
    counts_ = [each[place] for place in some]
    return {
        "nodes": {**{name: [None] * nodes for name in NODES}, "name": named, "pods": each},
        "evictions": {
            **{name: [None] * len(some) for name in EVICTIONS},
            "node": some,
            "pods": counts_,
            "unstated": counts_,
            "grace_sum": [0.0] * len(some),
        },
    }


NO_DUMP: Survey = {"ranges": [], "checks": [], "namespaces": 0, "workloads": 0, "meshed_pods": 0, "placed": False}
"""What a survey says where there is no dump."""


def survey_for(move: Move) -> Survey:
    """The survey of the move's dump; pods that it does not show are spread evenly over its nodes."""
    survey = move.survey or NO_DUMP
    if survey["placed"]:
        return survey
    return {**survey, **placed_evenly(move.scenario, survey.get("nodes", {}).get("name", ()))}


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


def drained(move: Move, survey: Survey, node_steps: Sequence[Mapping[str, Any]]) -> Drained:
    """The drain of every node, so many at a time as are asked for and fit."""
    nodes = pl.DataFrame(survey["nodes"], schema=NODES).with_columns(node=pl.int_range(pl.len(), dtype=pl.Int64))
    surge = int(move.number("surge_nodes"))
    room = fitting(nodes, int(move.number("max_unavailable")) + surge, surge)
    durations = Durations(
        grace_share=Interval(*move.assumptions["grace_share"].values),
        start=move.seconds("start_seconds"),
        retry=move.number("retry_seconds"),
        work=[move.seconds(step["takes"]) for step in node_steps if step["takes"] != DRAIN],
    )
    evictions = evictions_of(survey, move.number("grace_seconds"))
    if all(step["takes"] != DRAIN for step in node_steps):
        evictions = evictions.clear()
    times = node_times(nodes.lazy(), evictions.lazy(), durations, room.parallel).collect()
    times = nodes.select("node", "name", "pods").hstack(times.drop("node"))
    total = cluster_seconds(times, evictions, durations, room.parallel)
    window = move.number("window_hours")
    placed = calendar(times, room.parallel, window)
    longest = Interval(*(float(times[f"seconds{end}"].max() or 0.0) for end in ENDS))  # type: ignore[arg-type]
    least, most = days(total, longest, window)
    return Drained(placed, total, room, (least, max(least, int(placed["day"].max() or 0)), most))  # type: ignore[arg-type]


# --- steps ---------------------------------------------------------------------------------------------------------


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


def timed(move: Move, route: Mapping[str, Any], drain: Drained | None) -> Iterator[dict[str, Any]]:
    """Steps of a way with their hours. Those of nodes share the time that all nodes take, the drain has the rest."""
    many = counts(move, route)
    for step in steps(route["route"]):
        if step["scope"] == "node":
            units = drain.times.height if drain else 0
            each = None if step["takes"] == DRAIN else move.seconds(step["takes"])
            hours = _share(move, route, drain, step)
        else:
            units, each = many[step["scope"]], move.seconds(step["takes"])
            hours = None if units is None else each.times(units / HOUR)
        yield {
            "route": route["route"],
            **{name: step[name] for name in ("phase", "scope", "action")},
            "units": units,
            "minutes_each": None if each is None else each.likely / 60,
            **{f"hours{end}": value for end, value in zip(ENDS, _ends(hours), strict=True)},
            **{name: step[name] for name in ("why", "breaks", "rollback", "check")},
            "gap": step["gap"],
            "source": step["source_id"],
        }


def _ends(hours: Interval | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if hours is None else (hours.lo, hours.likely, hours.hi)


def _share(move: Move, route: Mapping[str, Any], drain: Drained | None, step: Mapping[str, Any]) -> Interval | None:
    """The part of the time of all nodes that falls to one of their steps. [h]"""
    if drain is None:
        return None
    of_nodes = [other for other in steps(route["route"]) if other["scope"] == "node"]
    factor = drain.times.height / drain.room.parallel / HOUR
    work = [expected(move.seconds(other["takes"])).times(factor) for other in of_nodes if other["takes"] != DRAIN]
    sums = Interval(*(sum(getattr(part, end) for part in work) for end in ("lo", "likely", "hi")))
    total = drain.total.times(1 / HOUR)
    if step["takes"] == DRAIN:
        return Interval(*(max(0.0, getattr(total, end) - getattr(sums, end)) for end in ("lo", "likely", "hi")))
    own = expected(move.seconds(step["takes"])).times(factor)
    scale = [
        min(1.0, getattr(total, end) / getattr(sums, end)) if getattr(sums, end) else 0.0
        for end in ("lo", "likely", "hi")
    ]
    return Interval(own.lo * scale[0], own.likely * scale[1], own.hi * scale[2])


# --- the plan ------------------------------------------------------------------------------------------------------


def plan(move: Move) -> Plan:
    """The plan of a move; one that stays has no steps and takes no time."""
    found = routes(move.today, move.target, move.scenario.get("cloud"))
    ways = [route for route in found if moves(route)]
    survey = survey_for(move)
    drains = {route["route"]: _drain_of(move, survey, route) for route in ways}
    taken = [step for route in ways for step in timed(move, route, drains[route["route"]])]
    blockers, unknown = _in_the_way(move, survey, ways, drains)
    drain = next(filter(None, drains.values()), None)
    hours = _sum(taken)
    return {
        "from": move.today.plain(),
        "to": move.target.plain(),
        "stays": not ways,
        "routes": [{name: route[name] for name in ("route", "part", "title", "limits", "source_id")} for route in ways],
        "steps": taken,
        "blockers": blockers,
        **{f"hours{end}": value for end, value in zip(ENDS, _ends(hours), strict=True)},
        "days": None if drain is None else dict(zip(("lo", "likely", "hi"), drain.days, strict=True)),
        "restarts": _restarts(move, ways, drain),
        "unknown": list(dict.fromkeys(unknown)),
        "nodes": _node_rows(drain),
        "parallel": drain.room.parallel if drain else None,
        "gaps": gaps(taken, drain),
        "needs": _needs(move, ways, drain, hours),
        "brings": _brings(move, hours),
        "assumptions": _assumptions(move, taken, drain) if ways else [],
    }


def _drain_of(move: Move, survey: Survey, route: Mapping[str, Any]) -> Drained | None:
    of_nodes = [step for step in steps(route["route"]) if step["scope"] == "node"]
    return drained(move, survey, of_nodes) if of_nodes else None


def _sum(taken: Sequence[Mapping[str, Any]]) -> Interval | None:
    ends = [[step[f"hours{end}"] for step in taken] for end in ENDS]
    return None if any(None in part for part in ends) else Interval(*(float(sum(part)) for part in ends))


def _in_the_way(
    move: Move, survey: Survey, ways: Sequence[Mapping[str, Any]], drains: Mapping[str, Drained | None]
) -> tuple[list[limits.Blocker], list[str]]:
    """Blockers of all ways, and what is not known."""
    blockers: list[limits.Blocker] = []
    unknown = [
        name
        for name, value in (("network plugin of today", move.today.cni), ("mesh of today", move.today.mesh))
        if value is None
    ]
    for route in ways:
        name, drain = route["route"], drains[route["route"]]
        unknown += [] if steps(name) else [f"{route['title'].lower()}: {move.today.mesh} to {move.target.mesh}"]
        if survey["checks"]:
            failed, missing = limits.found(survey, name)
            blockers += failed
            unknown += missing
        if drain is not None:
            blockers += [*limits.of_capacity(drain.room, name), *limits.of_time(drain.times, move.assumptions, name)]
            unknown += _unplaced(survey, drain, route)
        port = int(move.number("tunnel_port"))
        blockers += limits.of_network(survey, move.today.cni, move.encapsulation, move.pod_cidr, port, name)
        if name == "dual-overlay" and not survey["ranges"]:
            unknown.append("address range already in use: ranges of pod addresses")
        unknown += [
            f"number of {scope}s"
            for scope, many in counts(move, route).items()
            if many is None and any(step["scope"] == scope for step in steps(name))
        ]
    return limits.ordered(blockers), unknown


def _unplaced(survey: Survey, drain: Drained, route: Mapping[str, Any]) -> Iterator[str]:
    if not survey["placed"]:
        yield "where pods run, their budgets and their grace periods: no dump shows them, and an even spread stands in"
    if route["drains"] and not drain.room.known:
        yield "room for evicted pods: requests and allocatable capacity"


def _restarts(move: Move, ways: Sequence[Mapping[str, Any]], drain: Drained | None) -> int | None:
    """Pods that start anew: those that are evicted, and those of workloads that are restarted."""
    total = 0
    for route in ways:
        scopes = {step["scope"]: step for step in steps(route["route"])}
        if route["drains"] and drain is not None:
            total += int(drain.times["pods"].sum())
        elif "workload" in scopes:
            pods = counts(move, route)["pod"]
            if pods is None:
                return None
            total += pods
    return total


def _node_rows(drain: Drained | None) -> dict[str, list[Any]] | None:
    if drain is None:
        return None
    columns = ("name", "pods", *(f"seconds{end}" for end in ENDS), "day", "begin_hours", "drained_hours", "end_hours")
    return drain.times.select(columns).with_columns(pl.col(pl.Float64).round(4)).to_dict(as_series=False)


def gaps(taken: Sequence[Mapping[str, Any]], drain: Drained | None) -> list[dict[str, Any]]:
    """Times without enforcement of policies, in hours since the first node's window opened.

    A gap opens with a step before the first node and closes with one after the last; without nodes it is as long as
    the steps between take. One that no step closes stays open.
    """
    found = []
    for route in dict.fromkeys(step["route"] for step in taken):
        own = [step for step in taken if step["route"] == route]
        opening = next((place for place, step in enumerate(own) if step["gap"] == "opens"), None)
        if opening is None:
            continue
        closing = next((place for place, step in enumerate(own) if step["gap"] == "closes"), len(own) - 1)
        between = own[opening : closing + 1]
        before = sum(step["hours"] or 0.0 for step in between if step["scope"] != "node")
        last = float(drain.times["end_hours"].max() or 0.0) if drain else 0.0  # type: ignore[arg-type]
        closed = between[-1]["hours"] or 0.0
        found.append({"route": route, "begin_hours": -(before - closed), "end_hours": last + closed})
    return found


def _needs(
    move: Move, ways: Sequence[Mapping[str, Any]], drain: Drained | None, hours: Interval | None
) -> dict[str, Any]:
    """What the move needs while it runs: people, money for them, and capacity."""
    people, rate = move.number("people"), Interval(*move.assumptions["usd_per_person_hour"].values)
    attended = None if hours is None else hours.times(people)
    cost = (
        None
        if attended is None
        else Interval(attended.lo * rate.lo, attended.likely * rate.likely, attended.hi * rate.hi)
    )
    return {
        **{f"person_hours{end}": value for end, value in zip(ENDS, _ends(attended), strict=True)},
        **{f"usd{end}": value for end, value in zip(ENDS, _ends(cost), strict=True)},
        **_capacity(move, ways),
        "parallel": drain.room.parallel if drain else None,
        "surge_nodes": int(move.number("surge_nodes")) if drain else 0,
    }


def _capacity(move: Move, ways: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Memory and CPU of what runs beside the old while the move lasts: agents of the new plugin, or of ztunnel."""
    memory: float | None = 0.0
    cpu: float | None = 0.0
    for route in ways:
        more = _beside(move, route) if route["extra_agents"] else (0.0, 0.0)
        memory = None if memory is None or more[0] is None else memory + more[0]
        cpu = None if cpu is None or more[1] is None else cpu + more[1]
    return {"extra_memory_gib": memory, "extra_cpu_cores": cpu}


def _beside(move: Move, route: Mapping[str, Any]) -> tuple[float | None, float | None]:
    nodes = move.scenario.get("nodes")
    if route["route"] == "new-cluster":
        size = [move.scenario.get(name) for name in ("node_memory_gib", "node_cpu_cores")]
        both = [None if value is None or nodes is None else value * nodes for value in size]
        return both[0], both[1]
    if route["part"] == "mesh":
        row = next((row for row in move.figures if row["dataplane"] == move.dataplanes[1]), {})
        return row.get("memory_gib"), row.get("cpu_cores")
    agent = read_table("cni_agents").filter(pl.col("current_cni") == move.target.cni)
    if not agent.height or nodes is None:
        return None, None
    return agent["memory_mib"].item() * nodes / 1024, agent["cpu_mcores"].item() * nodes / 1000


def _brings(move: Move, hours: Interval | None) -> dict[str, Any]:
    """What the move saves a month, and after how many months it has paid for itself."""
    savings = worth.saved(move.figures, *move.dataplanes)
    people, rate = move.number("people"), Interval(*move.assumptions["usd_per_person_hour"].values)
    if hours is None:
        return {**savings, **{f"months{end}": None for end in ENDS}}
    cost = Interval(*(getattr(hours, end) * people * getattr(rate, end) for end in ("lo", "likely", "hi")))
    return {**savings, **worth.break_even(cost, savings)}


def _assumptions(move: Move, taken: Sequence[Mapping[str, Any]], drain: Drained | None) -> list[dict[str, Any]]:
    """What the plan assumes, with the reason of each."""
    used = {step["takes"] for route in dict.fromkeys(step["route"] for step in taken) for step in steps(route)} - {
        DRAIN
    }
    used |= {"people", "usd_per_person_hour"}
    if drain is not None:
        used |= {
            "max_unavailable",
            "surge_nodes",
            "window_hours",
            "retry_seconds",
            "grace_seconds",
            "grace_share",
            "start_seconds",
        }
    return [
        {
            "name": name,
            "label": item.label,
            "unit": item.unit,
            "lo": item.values[0],
            "value": item.values[1],
            "hi": item.values[2],
            "why": item.why,
            "source_id": item.source_id,
        }
        for name, item in move.assumptions.items()
        if name in used
    ]
