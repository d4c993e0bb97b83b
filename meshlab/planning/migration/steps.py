"""Steps of a way with their hours: how often each is done, which pods it restarts, its part of the nodes' time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from meshlab.planning.migration.assumptions import ENDS, Interval, expected, named, total
from meshlab.planning.migration.drain import HOUR
from meshlab.planning.migration.move import Place, Setting
from meshlab.planning.migration.nodes import Drained
from meshlab.planning.migration.routes import BY_PROVIDER, DRAIN, SIDECARS, Way


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it is taken in a cluster.

    Args:
        row: Its row of ``steps.csv``.
        route: The route that it is taken on.
        units: How often it is done; None where nobody knows.
        each: Time of one of them. [s]
        hours: Time of all of them; None where nobody knows. [h]
        restarts: Pods that it restarts; None where nobody knows.
        cuts: Assumption that says how long calls to one workload may fail.
    """

    row: Mapping[str, Any]
    route: str
    units: int | None
    each: Interval
    hours: Interval | None
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
        "mesh": in_mesh,
        "proxied": members["proxied_pods"] if members else stated,
        "networked": survey.get("networked_pods") if survey["placed"] else stated,
    }


def timed(setting: Setting, ends: tuple[Place, Place], way: Way, drains: Mapping[str, Drained]) -> Iterator[Step]:
    """Steps of a way with their hours. Those of nodes that are drained share the time that all nodes take."""
    old, old_pods = setting.old(ends[1].cni)
    many = {**counts(setting, ends[0], way.route["part"]), "pool": old, "old": old_pods}
    fresh = way.route["route"] in NEW
    for step in way.steps:
        drain = drains.get(step["stage"]) if step["scope"] == "node" else None
        units = many[step["scope"]]
        each, whole = _spans(setting, step, units, drain)
        restarts = 0 if fresh else _restarts(step, many, drain)
        yield Step(step, way.route["route"], units, each, whole, restarts, None if fresh else step["cuts"])


def _spans(
    setting: Setting, step: Mapping[str, Any], units: int | None, drain: Drained | None
) -> tuple[Interval, Interval | None]:
    """Time of one unit [s] and of all of them [h]."""
    takes = step["takes"]
    if drain is not None:
        shares = _shares(setting, drain)
        each = drain.each if takes in (DRAIN, BY_PROVIDER) else setting.seconds(takes)
        return each, shares[DRAIN if takes == BY_PROVIDER else takes]
    each = setting.seconds(takes)
    return each, None if units is None else each.times(units / HOUR)


def _shares(setting: Setting, drain: Drained) -> dict[str, Interval]:
    """The part of the time of all nodes that falls to each of their steps, by what the step takes. [h]

    Work is what it is on each node, shared by the places; where the bounds of all nodes are nearer than the sum of
    their work, it shrinks with them. The drain has what is left; a provider's step has both.
    """
    total = drain.total.times(1 / HOUR)
    if drain.pools or drain.days is None:
        return {DRAIN: total}
    nodes = drain.nodes / drain.parallel / HOUR
    work = {name: expected(setting.seconds(name)).times(nodes) for name in drain.work}
    sums = [math.fsum(work[name].ends[place] for name in drain.work) for place in range(len(ENDS))]
    rest = Interval(*(max(0.0, whole - own) for whole, own in zip(total.ends, sums, strict=True)))
    scale = Interval(*(min(1.0, whole / own) if own else 0.0 for whole, own in zip(total.ends, sums, strict=True)))
    return {DRAIN: rest, **{name: hours.by(scale) for name, hours in work.items()}}


def _restarts(step: Mapping[str, Any], many: Mapping[str, int | None], drain: Drained | None) -> int | None:
    """Pods that a step restarts; None where nobody knows."""
    kind = step["restarts"]
    if not kind:
        return 0
    if kind == "drained":
        return drain.pods if drain and drain.pods is not None else many["mesh"]
    return many[kind]


def hours_of(taken: Sequence[Step]) -> Interval | None:
    """Hours of all steps; None where those of one are unknown. [h]"""
    parts = [step.hours for step in taken]
    return None if None in parts else total(filter(None, parts))


def cut_minutes(setting: Setting, taken: Sequence[Step]) -> Interval:
    """Time for which calls to one workload may fail, over all steps that it goes through, each once. [min]"""
    return total(setting.seconds(step.cuts) for step in taken if step.cuts).times(1 / 60)


def restarted(ways: Sequence[Way], taken: Sequence[Step]) -> int | None:
    """Pods that start anew, on each way once, however often it restarts them; None where nobody knows."""
    of_ways = [[step.restarts for step in taken if step.route == way.route["route"]] for way in ways]
    known = [[pods for pods in way if pods is not None] for way in of_ways]
    return None if known != of_ways else sum(max(pods, default=0) for pods in known)


# --- times without enforcement of policies ---------------------------------------------------------------------------


def gaps(taken: Sequence[Step], drains: Mapping[str, Drained]) -> list[dict[str, Any]]:
    """Times without enforcement of policies: which step opens each, which closes it, and how long that is.

    Working time is that of the steps after the one that opens it; where nodes have a schedule, ``with_nights`` counts
    the hours between its windows, too. What no step closes has ended for good, and is no gap.
    """
    last = [
        drain.times.select(pl.max("end_hours").fill_null(0.0)).item()
        for drain in drains.values()
        if drain.times is not None
    ]
    found: list[dict[str, Any]] = []
    for route in dict.fromkeys(step.route for step in taken):
        own = [step for step in taken if step.route == route and step.row["phase"] != "prepare"]
        between = _between(own)
        if between:
            found.append(
                {
                    "route": route,
                    "opens": between[0].row["action"],
                    "closes": between[-1].row["action"],
                    **named("hours", hours_of(between[1:] or between)),
                    "with_nights": last[0] if last and any(step.row["scope"] == "node" for step in between) else None,
                }
            )
    return found


def _between(own: Sequence[Step]) -> Sequence[Step]:
    """Steps from the one that opens a gap to the one that closes it; none where no gap is opened and closed."""
    marks = [step.row["gap"] for step in own]
    if not {"opens", "closes"} <= set(marks):
        return ()
    return own[marks.index("opens") : len(marks) - marks[::-1].index("closes")]
