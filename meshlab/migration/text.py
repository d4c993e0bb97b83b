"""A plan as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from meshlab.migration.plan import Plan
from meshlab.units import significant

SHOWN = 5
"""Objects of a blocker that a line names."""


def plan_text(plan: Plan) -> Iterator[str]:
    """The plan, line by line: where to, what is in the way, the steps, what it needs and brings."""
    yield f"{plan.get('scenario', 'cluster')}: from {place_text(plan['from'])} to {place_text(plan['to'])}"
    if plan["stays"]:
        yield "  nothing moves: what runs today stays, and takes no time"
        return
    for route in plan["routes"]:
        yield f"  {route['title']} ({route['source_id'].replace('|', ', ')}). {route['limits']}"
    for blocker in plan["blockers"]:
        named = ", ".join(blocker["objects"][:SHOWN])
        more = f" and {blocker['count'] - SHOWN:,} more" if blocker["count"] > SHOWN else ""
        yield f"  {blocker['severity']:6} {blocker['id']}: {named or blocker['detail']}{more}"
        yield f"         {blocker['why']} {blocker['todo']}"
    for step in plan["steps"]:
        times = f"{step['units']}x" if step["units"] is not None else "?x"
        yield f"  {step['scope']:9} {times:>6} {interval_text(step, 'hours'):>18} h  {step['action']}"
    yield f"  in all {interval_text(plan, 'hours')} h{_days(plan['days'])}; {_restarts(plan)}"
    yield from _worth(plan)
    yield from (f"  unknown: {name}" for name in plan["unknown"])


def place_text(place: Mapping[str, Any]) -> str:
    """A place in words."""
    cni = "an unknown plugin" if place["cni"] is None else place["cni"]
    mesh = {None: "an unknown mesh", "none": "no mesh"}.get(place["mesh"], place["mesh"])
    return f"{cni}{' (eBPF)' if place.get('dataplane') else ''} with {mesh}"


def interval_text(row: Mapping[str, Any], name: str) -> str:
    """A figure with its interval, or that it is unknown."""
    if row[name] is None:
        return "unknown"
    return f"{significant(row[name])} ({significant(row[f'{name}_lo'])}-{significant(row[f'{name}_hi'])})"


def _days(days: Mapping[str, int | None] | None) -> str:
    if days is None:
        return ""
    most = "unknown" if days["hi"] is None else str(days["hi"])
    return f", the nodes on {days['likely']} ({days['lo']}-{most}) days"


def _restarts(plan: Plan) -> str:
    return "pods that restart: unknown" if plan["restarts"] is None else f"{plan['restarts']:,} pods restart"


def _worth(plan: Plan) -> Iterator[str]:
    needs, brings = plan["needs"], plan["brings"]
    yield f"  people: {interval_text(needs, 'person_hours')} h, {interval_text(needs, 'usd')} USD"
    if brings["usd_per_month"] is None:
        yield "  saves: unknown"
        return
    if brings["usd_per_month"] <= 0:
        more = {
            f"usd{end}": -brings[f"usd_per_month{other}"] for end, other in (("_lo", "_hi"), ("", ""), ("_hi", "_lo"))
        }
        yield f"  costs {interval_text(more, 'usd')} USD a month more: it pays only by what it provides"
        return
    months = {end: brings[f"months{end}"] for end in ("_lo", "", "_hi")}
    told = {end: value if isinstance(value, str) else significant(value) for end, value in months.items()}
    yield f"  saves {interval_text(brings, 'usd_per_month')} USD a month"
    yield f"  paid back after {told['']} ({told['_lo']} to {told['_hi']}) months"
