"""A plan: the steps of every part that moves, how long each takes, what stands in the way, what it needs and brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshlab.planning.migration.assumptions import ENDS, NEW_RANGE, Interval, named
from meshlab.planning.migration.blockers import blockers_of
from meshlab.planning.migration.move import Move, Setting
from meshlab.planning.migration.nodes import scheduled
from meshlab.planning.migration.price import Course, beside, course_of, move_price, rent, second_cluster, settled
from meshlab.planning.migration.steps import gaps

# --- what it brings --------------------------------------------------------------------------------------------------


NEVER = "never"
"""What a move that saves nothing is worth in months."""


def saved(figures: Sequence[Mapping[str, Any]], today: str | None, target: str | None) -> dict[str, float | None]:
    """What the target costs less than today's data plane, a month; None where no estimate answers for it. [USD/month]

    Both are intervals over the same cluster, and how they move together is not known, so that the widest difference
    stands: at least today's least less the target's most.
    """
    costs = {row["dataplane"]: [row.get(f"cost_usd_per_month{end}") for end in ENDS] for row in figures}
    one, other = ([cost for cost in costs.get(name or "", ()) if cost is not None] for name in (today, target))
    if len(one) < len(ENDS) or len(other) < len(ENDS):
        return {f"usd_per_month{end}": None for end in ENDS}
    if today == target:
        return {f"usd_per_month{end}": 0.0 for end in ENDS}
    return {
        "usd_per_month_lo": one[0] - other[2],
        "usd_per_month": one[1] - other[1],
        "usd_per_month_hi": one[2] - other[0],
    }


def break_even(cost: Interval, savings: Mapping[str, float | None]) -> dict[str, float | str | None]:
    """Months until savings have paid for the move; ``never`` where there are none, None where they are unknown.

    The soonest is the least cost over the greatest savings, the latest the greatest cost over the least savings.
    """
    pairs = {"_lo": (cost.lo, "_hi"), "": (cost.likely, ""), "_hi": (cost.hi, "_lo")}
    months: dict[str, float | str | None] = {}
    for end, (price, other) in pairs.items():
        monthly = savings[f"usd_per_month{other}"]
        months[f"months{end}"] = None if monthly is None else price / monthly if monthly > 0 else NEVER
    return months


def brings(cost: Interval | None, savings: Mapping[str, float | None]) -> dict[str, float | str | None]:
    """What the move saves a month, and after how many months it has paid for itself; None where its cost is unknown."""
    months = {f"months{end}": None for end in ENDS} if cost is None else break_even(cost, savings)
    return {**savings, **months}


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


def plan_move(move: Move) -> Plan:
    """The plan of a move, its figures by ``move_price``; one that stays has no steps and takes no time."""
    setting = move.setting
    course = course_of(settled(move.today, move.target, setting), setting)
    price = move_price(move.today, move.target, setting)
    drain = scheduled(iter(course.drains.values()))
    blockers, unknown = blockers_of(move, course)
    usd = [price[f"usd{end}"] for end in ENDS]
    own_windows = drain is not None and drain.days is not None
    ends = ("lo", "likely", "hi")
    return {
        **price,
        "routes": [
            {**{name: way.route[name] for name in TOLD}, "text_date": str(way.route["text_date"])}
            for way in course.ways
        ],
        "steps": [step.plain() for step in course.taken],
        "blockers": blockers,
        "days": dict(zip(ends, drain.days, strict=True)) if drain and drain.days else None,
        "unknown": unknown,
        "nodes": drain.plain() if drain else None,
        "node_minutes": dict(zip(ends, drain.each.times(1 / 60).ends, strict=True)) if drain else None,
        "pools": list(drain.pools) if drain else [],
        "parallel": drain.parallel if drain and own_windows else None,
        "first": _first(move.setting),
        "gaps": gaps(course.taken, course.drains),
        "risks": list(_risks(course)),
        "needs": {
            **{f"{name}{end}": price[f"{name}{end}"] for name in ("person_hours", "usd") for end in ENDS},
            **named("rent_usd", rent(setting, course.ways) if second_cluster(course.ways) else None),
            **beside(move, course.ways),
            "parallel": drain.parallel if drain and own_windows else None,
            "surge_nodes": int(setting.number("surge_nodes")) if drain else 0,
        },
        "brings": brings(None if None in usd else Interval(*usd), saved(move.figures, *move.dataplanes)),
        "assumptions": list(_assumptions(move, course)),
    }


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
    of_nodes = (OF_NODES if move.setting.placed else UNSEEN) if course.drains else frozenset()
    used = {name for way in course.ways for step in way.steps for name in (step["takes"], step["cuts"])}
    used |= OF_PEOPLE | of_nodes | {name for drain in course.drains.values() for name in drain.work}
    used |= {"overlap_days"} if second_cluster(course.ways) else set()
    used |= {"tunnel_port"} if any("overlay" in way.names for way in course.ways) else set()
    for name, item in move.setting.assumptions.items():
        if name in used:
            lo, value, hi = item.values
            told = {"name": name, "label": item.label, "unit": item.unit, "lo": lo, "value": value, "hi": hi}
            yield {**told, "why": item.why, "source_id": item.source_id}
