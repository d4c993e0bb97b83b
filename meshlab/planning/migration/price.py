"""The price of a move: its steps with their hours, and all figures by one function of where from and where to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, fsum
from typing import Any

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.cache import cached
from meshlab.models.decision.tables import SIDES
from meshlab.models.overhead.cluster import network_agents
from meshlab.planning.migration.assumptions import Draws, Interval, expected, named, sampled, total
from meshlab.planning.migration.drain import HOUR, Drained, drained
from meshlab.planning.migration.routes import (
    BY_PROVIDER,
    DRAIN,
    NEW_CLUSTER,
    NONE,
    SIDECARS,
    UNKNOWN,
    WITH_SIDECARS,
    Move,
    Place,
    Setting,
    Terms,
    Way,
    new_editions,
    of_today,
    today_editions,
    ways_of,
)
from meshlab.tables import read_table


class Step(msgspec.Struct, frozen=True):
    """A step as it is taken in a cluster.

    Args:
        row: Its row of ``steps.csv``.
        route: The route that it is taken on.
        units: How often it is done; None where nobody knows.
        each: Time of one of them. [s]
        hours: Time of all of them in each world; None where nobody knows. [h]
        restarts: Pods that it restarts; None where nobody knows.
        cuts: Assumption that says how long calls to one workload may fail.
    """

    row: Mapping[str, Any]
    route: str
    units: int | None
    each: Interval
    hours: Draws | None
    restarts: int | None
    cuts: str | None

    def plain(self) -> dict[str, Any]:
        """The step as plain data."""
        return {
            "route": self.route,
            **{name: self.row[name] for name in TOLD},
            "units": self.units,
            "minutes_each": self.each.likely / 60,
            **named("hours", self.hours),
            "restarts": self.restarts,
            "source": self.row["source_id"],
        }


TOLD = (
    "step",
    "phase",
    "scope",
    "grows",
    "action",
    "command",
    "why",
    "breaks",
    "check",
    "abort",
    "rollback",
    "reversible",
    "attended",
    "gap",
    "manifest",
    "risk",
    "sign",
    "owner",
    "text_date",
)
"""Columns of a step's row that a plan tells as they are."""

WRITE = "write"
"""Phase of what is written, chosen and agreed: it touches nothing, and the rehearsal uses it."""

PHASES = (WRITE, "prepare", "window", "after")
"""Phases of steps in their order."""

NEW = frozenset({"network-new", "mesh-new"})
"""Routes to a cluster in which nothing runs: no pod restarts there."""


def counts(setting: Setting, today: Place, part: str) -> dict[str, int | None]:
    """How often a step of each scope is done, and how many pods each kind of restart means.

    Of a mesh that runs, what the dump shows of it; else what is stated. None where neither tells.
    """
    return setting.once(("counts", today.mesh, part), lambda: _counts(setting, today.mesh, part))


def _counts(setting: Setting, mesh: str | None, part: str) -> dict[str, int | None]:
    survey, scenario = setting.seen, setting.scenario
    leaving = part == "mesh" and mesh in {*SIDECARS, "istio-ambient", "other"}
    members = survey if leaving and survey.get("meshed_pods") else None
    stated = scenario.get("pods")
    in_mesh = members["meshed_pods"] if members else stated
    seen = "networked_workloads" if part == "cni" else ""
    return {
        "once": 1,
        "namespace": members["namespaces"] if members else scenario.get("namespaces"),
        "workload": members["workloads"] if members else survey.get(seen) or scenario.get("services"),
        "node": setting.nodes,
        "policy": setting.policies,
        "mesh": in_mesh,
        "proxied": members["proxied_pods"] if members else stated,
        "networked": survey.get("networked_pods") if survey["placed"] else stated,
        "some": None,
        "product": None,
    }


def timed(setting: Setting, ends: tuple[Place, Place], way: Way, drains: Mapping[str, Drained]) -> Iterator[Step]:
    """Steps of a way with their hours. Those of nodes that are drained share the time that all nodes take."""
    old, old_pods = setting.old(ends[1].cni)
    many: dict[str, int | None] = {**counts(setting, ends[0], way.route["part"]), "pool": old, "old": old_pods}
    fresh = way.route["route"] in NEW
    for step in way.steps:
        drain = drains.get(step["stage"]) if step["scope"] == "node" else None
        if step["scope"] == RELEASE:
            # a release that nobody knows is said not to be in the hours
            wanted = releases()[step["step"]]["kubernetes"]
            many[RELEASE] = max(0, wanted - (setting.kubernetes or wanted))
        units = many[step["scope"]]
        each, whole = _spans(setting, step, units, drain)
        if grows := step["grows"]:
            namespaces = many["namespace"]
            each = each.plus(setting.seconds(grows).times(namespaces or 0))
            whole = None if whole is None or namespaces is None else whole + setting.hours(grows) * namespaces
        restarts = 0 if fresh else _restarts(step, many, drain)
        yield Step(step, way.route["route"], units, each, whole, restarts, None if fresh else step["cuts"])


RELEASE = "release"
"""Scope of what is done once for each minor release of the platform."""


@cached
def releases() -> dict[str, dict[str, Any]]:
    """The release of the platform that each step brings it to."""
    return {row["step"]: row for row in read_table("migration/releases").iter_rows(named=True)}


def _spans(
    setting: Setting, step: Mapping[str, Any], units: int | None, drain: Drained | None
) -> tuple[Interval, Draws | None]:
    """Time of one unit [s] and of all of them [h]."""
    name = step["takes"]
    if drain is not None:
        shares = _shares(setting, drain)
        each = drain.each if name in (DRAIN, BY_PROVIDER) else setting.seconds(name)
        return each, shares[DRAIN if name == BY_PROVIDER else name]
    return setting.seconds(name), None if units is None else setting.hours(name) * units


def _shares(setting: Setting, drain: Drained) -> dict[str, Draws]:
    """The part of the time of all nodes that falls to each of their steps, by what the step takes. [h]

    Work is what it is on each node, shared by the places; where all nodes together take less than their work would, it
    shrinks with them. The drain has what is left; a provider's step has both.
    """
    whole = sampled(DRAIN, drain.total.times(1 / HOUR))
    if drain.pools or drain.days is None:
        return {DRAIN: whole}
    nodes = drain.nodes / drain.parallel / HOUR
    work = {name: sampled(name, expected(setting.seconds(name))) * nodes for name in drain.work}
    own = total(work.values())
    scale = (whole / own).fill_nan(0.0).clip(upper_bound=1.0)
    return {DRAIN: (whole - own).clip(lower_bound=0.0), **{name: hours * scale for name, hours in work.items()}}


def _restarts(step: Mapping[str, Any], many: Mapping[str, int | None], drain: Drained | None) -> int | None:
    """Pods that a step restarts; None where nobody knows."""
    kind = step["restarts"]
    if not kind:
        return 0
    if kind == "drained":
        return drain.pods if drain and drain.pods is not None else many["mesh"]
    return many[kind]


def hours_of(taken: Sequence[Step]) -> Draws | None:
    """Hours of all steps in each world; None where those of one are unknown. [h]"""
    known = [step.hours for step in taken if step.hours is not None]
    return total(known) if len(known) == len(taken) else None


def restarted(taken: Sequence[Step]) -> int | None:
    """Pods that start anew, each once, however often it does; None where nobody knows.

    The pods of one step are among those of another, of the same way or of the next: the most of any step.
    """
    known = [step.restarts for step in taken if step.restarts is not None]
    return None if len(known) != len(taken) else max(known, default=0)


# --- times without enforcement of policies ---------------------------------------------------------------------------


@cached
def _without_engine() -> frozenset[str]:
    """Plugins that enforce no policies by themselves."""
    return frozenset(read_table("facts/own_engines").filter(engine="none")["plugin"])


def enforced(today: Place) -> bool:
    """Whether anything enforces policies today, as far as the edition tells: where nothing does, no gap opens."""
    return today.cni not in _without_engine() or today.cni_edition not in ("no-policy-engine", "self-run")


def gaps(course: Course, setting: Setting) -> Iterator[dict[str, Any]]:
    """Times without enforcement of policies: which step opens each, which closes it, and how long that is.

    ``hours`` are those of work after the step that opens it. ``elapsed`` counts what lies between the windows of the
    nodes as well, for policies are off at night, too. What no step closes has ended for good, and is no gap.
    """
    for way in course.ways:
        route = way.route["route"]
        own = [step for step in course.taken if step.route == route and step.row["phase"] in ("window", "after")]
        between = _between(own)
        if not between or (way.route["part"] == "cni" and not enforced(course.today)):
            continue
        hours = hours_of(between[1:] or between)
        on_nodes = any(step.row["scope"] == "node" for step in between)
        yield {
            "route": route,
            "opens": between[0].row["action"],
            "closes": between[-1].row["action"],
            "hours": hours,
            "elapsed": hours if hours is None or not on_nodes else _elapsed(hours, course, setting),
        }


def _elapsed(hours: Draws, course: Course, setting: Setting) -> Draws:
    """Working hours with those between the windows that they are spread over, in each world. [h]

    elapsed = hours + (days - 1) * (24 - window); where nobody knows the most days, as many as the hours fill windows.
    """
    window = setting.number("window_hours")
    least, likely, most = next((drain.days for drain in course.drains.values() if drain.days), (1, 1, 1))
    most = max(likely, ceil(max(hours) / window)) if most is None else most
    nights = sampled(DRAIN, Interval(least, likely, most)).round() - 1
    return hours + nights * (HOURS_OF_DAY - window)


def _between(own: Sequence[Step]) -> Sequence[Step]:
    """Steps from the one that opens a gap to the one that closes it; none where no gap is opened and closed."""
    marks = [step.row["gap"] for step in own]
    if not {"opens", "closes"} <= set(marks):
        return ()
    return own[marks.index("opens") : len(marks) - marks[::-1].index("closes")]


Beside = tuple[float | None, float | None]
"""Memory [GiB] and CPU [cores] that are needed beside what runs today; None where unknown."""

HOURS_OF_DAY = 24.0

REHEARSAL = ("rehearsal_hours", "rehearsal_days", "rehearsal_nodes")
"""Assumptions of a rehearsal: its work, which asks for a cluster, how long that runs, and of how many nodes it is."""


def second_cluster(ways: Sequence[Way]) -> bool:
    """Whether a second cluster runs beside the first."""
    return any(NEW_CLUSTER in (way.route["stages"] or ()) for way in ways)


def capacity(scenario: Mapping[str, Any]) -> Beside:
    """Memory [GiB] and CPU [cores] of a second cluster as large as the first."""
    nodes, memory, cpu = (scenario.get(name) for name in ("nodes", "node_memory_gib", "node_cpu_cores"))
    return (
        None if memory is None or nodes is None else memory * nodes,
        None if cpu is None or nodes is None else cpu * nodes,
    )


def rent(setting: Setting, ways: Sequence[Way]) -> Draws | None:
    """Price of machines that run for the move alone, in each world; None where it is unknown. [USD]

    They are a second cluster as large as the first, and a rehearsal's nodes as large as those of the cluster.
    """
    hours, days, nodes = REHEARSAL
    rehearsed = any(step["takes"] == hours for way in ways for step in way.steps)
    node_days = [setting.draws(days) * setting.draws(nodes)] if rehearsed else []
    node_days += [setting.draws("overlap_days") * (setting.scenario.get("nodes") or 1)] if second_cluster(ways) else []
    has, costs = ([setting.scenario.get(name) for name in names] for names in OF_NODE)
    if node_days and None in (*has, *costs):
        return None
    hourly = fsum(one * other for one, other in zip(has, costs, strict=True) if one and other)
    return total(days * (HOURS_OF_DAY * hourly) for days in node_days)


OF_NODE = (("node_memory_gib", "node_cpu_cores"), ("memory_usd_per_gib_hour", "cpu_usd_per_core_hour"))
"""What a node has, and what each of it costs an hour."""


def beside(move: Move, ways: Sequence[Way]) -> dict[str, float | None]:
    """What runs beside the old on all ways: a second cluster, proxies of the new mesh, or agents of the new network."""
    parts = [_beside(move, way) for way in ways]
    return {
        name: None if any(part[place] is None for part in parts) else fsum(part[place] or 0.0 for part in parts)
        for place, name in enumerate(("extra_memory_gib", "extra_cpu_cores"))
    }


def _beside(move: Move, way: Way) -> Beside:
    if second_cluster([way]):
        return capacity(move.setting.scenario)
    if not way.route["extra_agents"]:
        return 0.0, 0.0
    if way.route["part"] == "mesh":
        mesh = move.worlds.get("mesh")
        return (None, None) if mesh is None else mesh.select(pl.median("memory_gib", "cpu_cores")).row(0)
    agent, nodes = network_agents().filter(current_cni=move.target.cni or ""), move.setting.nodes
    if not agent.height:
        return None, None
    return agent["memory_mib"].item() * nodes / 1024, agent["cpu_mcores"].item() * nodes / 1000


BASES = ("documented", "composed", UNKNOWN)
"""On what routes rest, the best first; a move is as good as the worst of them."""

Price = dict[str, Any]


class Course(msgspec.Struct, frozen=True):
    """A move as it is gone: places with editions filled in, ways in their order, drains by stage, and all steps."""

    today: Place
    target: Place
    ways: tuple[Way, ...]
    drains: Mapping[str, Drained]
    taken: Sequence[Step]


# --- places, editions filled in -------------------------------------------------------------------------------------


def settled(today: Place, target: Place, setting: Setting) -> Terms:
    """The move with the editions that are not said.

    Today's edition is the likeliest that comes into question here; a target that names only its product stays where
    that runs already, or else is the first edition, in the order of the tables, to which a way is known.
    """
    if setting.nothing_runs:
        today = Place(NONE, NONE)
    target = of_today(target, today)
    for side in SIDES:
        today = _today(today, target, side, setting)
        target = _same(today, target, side)
    return _reachable(_terms(today, target, setting))


def _terms(today: Place, target: Place, setting: Setting) -> Terms:
    return Terms(
        today,
        target,
        setting.scenario.get("cloud"),
        fresh=setting.nothing_runs,
        l7=setting.layer7,
        old_nodes=setting.old(target.cni)[0],
        kubernetes=setting.kubernetes,
        policies=setting.policies,
        scoped=setting.scoped,
        windows=bool(setting.scenario.get("windows_nodes")),
        needs=setting.needs,
    )


def _today(today: Place, target: Place, side: str, setting: Setting) -> Place:
    """Today with the edition of one side: as stated, else the likeliest other than the target's with a way in place.

    So a move to an edition that may be there already is priced, and what is not known is told beside it.
    """
    name, edition = today.side(side)
    if name is None or edition:
        return today
    engine = setting.scenario.get("policy_engine") if side == "cni" else None
    possible, seen = today_editions(today, side, setting.scenario.get("cloud"), engine), setting.seen
    if name == "istio-ambient" and seen.get("proxied_pods") and seen.get("meshed_pods", 0) > seen["proxied_pods"]:
        possible = tuple(item for item in possible if item.endswith(WITH_SIDECARS)) or possible
    likely = [today.having(side, name, item) for item in possible if target.side(side) != (name, item)]
    if len(likely) > 1 and target.side(side)[0] == name and target.side(side)[1]:
        found = ways_of([_terms(place, target, setting) for place in likely])
        return next((place for place, ways in zip(likely, found, strict=True) if not second_cluster(ways)), likely[0])
    return likely[0] if likely else today.having(side, name, possible[0])


def _same(today: Place, target: Place, side: str) -> Place:
    """The target with today's edition where it names only the product that runs; ambient mode alone has no sidecars."""
    name, edition = target.side(side)
    if edition or name is None or name != today.side(side)[0]:
        return target
    return target.having(side, name, (today.side(side)[1] or "").removesuffix(WITH_SIDECARS))


def _reachable(terms: Terms) -> Terms:
    """The move to the first of the target's editions to which a way in place is known, or else the first."""
    for side in SIDES:
        name, edition = terms.target.side(side)
        if edition or name in (None, NONE):
            continue
        options = [
            replace(terms, target=terms.target.having(side, name, found))
            for found in new_editions(side, str(name), terms.cloud)
        ]
        known = (item for item, ways in zip(options, ways_of(options), strict=True) if not second_cluster(ways))
        terms = next(known, options[0])
    return terms


# --- the price ------------------------------------------------------------------------------------------------------


def course_of(terms: Terms, setting: Setting) -> Course:
    """The move as it is gone."""
    ways = ways_of([terms])[0]
    drains: dict[str, Drained] = {}
    for way in ways:
        drains |= drained(setting, way)
    taken = [step for way in ways for step in timed(setting, (terms.today, terms.target), way, drains)]
    # what the rehearsal uses stands before it, of all ways; the mesh of a second cluster is there before its first
    # workload, and the old cluster goes last
    last = len(PHASES) if second_cluster(ways) else 1
    taken.sort(key=lambda s: (min(PHASES.index(s.row["phase"]), last), last > 1 and s.row["stage"] == NEW_CLUSTER))
    return Course(terms.today, terms.target, ways, drains, taken)


def move_price(today: Place, target: Place, setting: Setting) -> Price:
    """Everything about a move that is a figure.

    Args:
        today: What runs; editions that are not said are filled in.
        target: Where to; ``stay`` for today's.
        setting: The cluster. It keeps what has been worked out, so that asking again costs nothing.

    Returns:
        from, to, stays, fresh (nothing runs yet: this is a first installation), basis (documented, composed, or none
        where nobody documents a way, so that a second cluster is the price), routes, second_cluster (whether one runs
        beside the first); as median and 10-90 % interval: hours, person_hours, usd (people, and machines that run for
        the move alone), disruption_minutes (for which calls to one workload may fail), unenforced_hours (that pass
        while policies are not enforced); people (who attend), restarts (pods) and reversibility. None where a part is
        unknown.
    """
    return setting.once(("price", today, target), lambda: price_of(_course(today, target, setting), setting))


def move_prices(today: Place, targets: Sequence[Place], setting: Setting) -> list[Price]:
    """The prices of moves to many places; their ways are looked up together."""
    _look_up(today, targets, setting)
    return [move_price(today, target, setting) for target in targets]


def move_amounts(today: Place, targets: Sequence[Place], setting: Setting) -> list[dict[str, Draws | None]]:
    """The uncertain figures of the prices of moves in each world."""
    _look_up(today, targets, setting)
    return [_amounts(_course(today, target, setting), setting) for target in targets]


def _look_up(today: Place, targets: Sequence[Place], setting: Setting) -> None:
    terms = [settled(today, target, setting) for target in dict.fromkeys(targets)]
    ways_of([*terms, *map(_reverse, terms)])


def _course(today: Place, target: Place, setting: Setting) -> Course:
    return setting.once(("course", today, target), lambda: course_of(settled(today, target, setting), setting))


def price_of(course: Course, setting: Setting) -> Price:
    """The figures of a course."""
    amounts = _amounts(course, setting)
    return {
        "from": course.today.plain(),
        "to": course.target.plain(),
        "stays": not course.ways,
        "fresh": course.today.cni == NONE,
        "basis": max((way.route["basis"] for way in course.ways), key=BASES.index, default=BASES[0]),
        "routes": [way.route["route"] for way in course.ways],
        "second_cluster": second_cluster(course.ways),
        **{field: value for name in amounts for field, value in named(name, amounts[name]).items()},
        "people": setting.number("people"),
        "restarts": restarted(course.taken),
        "reversibility": reversibility(course, setting),
    }


def _amounts(course: Course, setting: Setting) -> dict[str, Draws | None]:
    return setting.once(("amounts", course.today, course.target), lambda: amounts_of(course, setting))


def amounts_of(course: Course, setting: Setting) -> dict[str, Draws | None]:
    """The figures of a course that are uncertain, in each world; None where a part of one is unknown."""
    people = _person_hours(course.taken, setting)
    lease = rent(setting, course.ways)
    unenforced = [gap["elapsed"] for gap in gaps(course, setting)]
    return {
        "hours": hours_of(course.taken),
        "person_hours": people,
        "usd": None if people is None or lease is None else people * setting.draws("usd_per_person_hour") + lease,
        # over all steps that a workload goes through, each once
        "disruption_minutes": total(setting.hours(step.cuts) * 60 for step in course.taken if step.cuts),
        "unenforced_hours": None if any(gap is None for gap in unenforced) else total(unenforced),
    }


def _person_hours(taken: Sequence[Step], setting: Setting) -> Draws | None:
    attended = hours_of([step for step in taken if step.row["attended"]])
    return None if attended is None else attended * setting.number("people")


# --- the way back ---------------------------------------------------------------------------------------------------


def _reverse(terms: Terms) -> Terms:
    return replace(terms, today=terms.target, target=replace(terms.today, tuned=False), fresh=False)


def reversibility(course: Course, setting: Setting) -> dict[str, Any]:
    """How far a move can be undone, and what the way back costs.

    Before the point of no return, the first step whose way back is the same move in the other direction, the steps of
    the windows so far are undone: at least one unit of each, at most all. After it, the way back is a move of its own,
    by the same tables; after a first installation there is nothing to go back to.
    """
    turning = next((step for step in course.taken if not step.row["reversible"]), None)
    so_far = course.taken[: course.taken.index(turning)] if turning else course.taken
    undone = [step for step in so_far if step.row["phase"] == "window" and step.hours is not None]
    least = fsum(step.each.likely / HOUR for step in undone)
    _, likely, most = named("", hours_of(undone)).values()
    found: dict[str, Any] = {
        "throughout": turning is None,
        "point_of_no_return": turning.row["action"] if turning else None,
        "step": turning.row["step"] if turning else None,
        **named("undo_hours", Interval(least, max(least, likely or 0.0), max(least, most or 0.0))),
        "way_back": None,
        "way_back_second_cluster": False,
        **named("way_back_hours", None),
        **named("way_back_person_hours", None),
    }
    if not course.ways or course.today.cni == NONE:
        return found
    back = course_of(_reverse(_terms(course.today, course.target, setting)), setting)
    title = "; ".join(way.route["title"] for way in back.ways)
    return {
        **found,
        "way_back": title or None,
        "way_back_second_cluster": second_cluster(back.ways),
        **named("way_back_hours", hours_of(back.taken)),
        **named("way_back_person_hours", _person_hours(back.taken, setting)),
    }
