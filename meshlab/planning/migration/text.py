"""A plan in words: the answer in three sentences, and all of it as lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshlab.cache import cached
from meshlab.models.decision.labels import product
from meshlab.models.decision.tables import OTHER
from meshlab.planning.migration.assumptions import ENDS
from meshlab.planning.migration.plan import DIGITS, SEVERITIES, Plan
from meshlab.tables import read_table
from meshlab.units import rounded, significant

SHOWN = 5
"""Objects of a blocker that a line names."""

BASES = {"documented": "documented", "composed": "put together from", "none": "no way is documented"}
"""On what a route rests, in words."""

YEARS = 24
"""Months from which on a time is told in years."""


# --- the answer ----------------------------------------------------------------------------------------------------


def answers(plan: Mapping[str, Any]) -> dict[str, str]:
    """What is asked first of a plan, and the answers: how long, what stands in the way, is it worth it, what breaks."""
    return {
        "Takes": takes_text(plan),
        "In the way": in_the_way_text(plan),
        "Worth it": worth_text(plan),
        "Breaks": breaks_text(plan),
        "Way back": back_text(plan),
    }


def takes_text(plan: Mapping[str, Any]) -> str:
    """Hours of work, nodes, and pods that restart."""
    work = f"{interval_text(plan, 'hours')} h of work"
    if plan["fresh"]:
        return f"nothing runs yet: the first installation, {work}"
    days, parallel, each = plan["days"], plan["parallel"], plan["node_minutes"]
    nodes = "" if each is None else f", {_ends_text(each)} min for each node"
    nodes += "" if days is None else f", the nodes on {_days_text(days)}, {parallel} at a time"
    nodes += ", by the provider's own order" if each is not None and days is None else ""
    restarts = "it is unknown how many pods" if plan["restarts"] is None else _counted(plan["restarts"], "pod")
    known = "no way in place is known, so that the price is a second cluster: " if plan["basis"] == "none" else ""
    rounds = sum(bool(step["restarts"]) for step in plan["steps"])
    often = f", up to {rounds} times each" if rounds > 1 and plan["restarts"] else ""
    return f"{known}{work}{nodes}; {restarts} restart{'s' * (plan['restarts'] == 1)}{often}"


MINUTES = 5
"""What is told in minutes where it may take longer, in seconds otherwise. [min]"""


def breaks_text(plan: Mapping[str, Any]) -> str:
    """For how long calls to one workload may fail, and policies are not enforced."""
    if plan["fresh"]:
        return "nothing: nothing runs yet"
    each, unit = (60, "s") if plan["disruption_minutes_hi"] <= MINUTES else (1, "min")
    calls = {end: each * plan[f"disruption_minutes{end}"] for end in ENDS}
    cut = f"calls to a workload may fail for {_ends_text(calls)} {unit}" if any(calls.values()) else "no call fails"
    gap = f"policies are not enforced for {interval_text(plan, 'unenforced_hours')} h" if plan["gaps"] else ""
    if any(item["elapsed_hi"] != item["hours_hi"] for item in plan["gaps"]):
        gap += ", nights between the windows included"
    return f"{cut}; {gap or 'policies stay enforced, or end for good where that is the aim'}"


def back_text(plan: Mapping[str, Any]) -> str:
    """Until when a move can be undone step by step, and what the way back costs after that."""
    known = plan["reversibility"]
    if known["throughout"]:
        return "each step can be undone by itself"
    before = f"step by step until: {known['point_of_no_return']}"
    if known["way_back"] is None:
        return f"{before}; after that there is none"
    return f"{before}; after that a move of its own, {interval_text(known, 'way_back_hours')} h: {known['way_back']}"


def in_the_way_text(plan: Mapping[str, Any]) -> str:
    """How many things stand in the way, how bad they are, and how much is not known."""
    found = Counter(blocker["severity"] for blocker in plan["blockers"])
    known = ", ".join(f"{found[severity]} {severity}" for severity in SEVERITIES if found[severity])
    unknown = f"; {_counted(len(plan['unknown']), 'thing')} not known" if plan["unknown"] else ""
    return f"{known or 'nothing known'}{unknown}"


def worth_text(plan: Mapping[str, Any]) -> str:
    """What the move costs once and saves a month, and when it has paid for itself: beside staying."""
    needs, brings = plan["needs"], plan["brings"]
    cluster = " and of machines that run for the move alone" if needs["rent_usd"] else ""
    usd, people = (interval_text(needs, name) for name in ("usd", "person_hours"))
    once = f"{usd} USD of people's time{cluster}, {people} person-hours"
    if plan["fresh"]:
        return f"nothing runs yet, so that there is nothing to pay back: it costs {once}"
    if brings["usd_per_month"] is None:
        return f"unknown: it costs {once}, and one of the two places has no estimate of its cost"
    if brings["usd_per_month"] < 0:
        less = {f"usd{end}": -brings[f"usd_per_month{other}"] for end, other in zip(ENDS, reversed(ENDS), strict=True)}
        monthly = f"staying is {interval_text(less, 'usd')} USD a month cheaper"
        return f"not by its cost: {monthly}, and the move costs {once}; move only for what the target provides"
    if brings["usd_per_month"] == 0:
        return f"not by its cost: it saves nothing and costs {once}; move only for what the target provides"
    saves = f"it saves {interval_text(brings, 'usd_per_month')} USD a month and costs {once}"
    soonest, likely, latest = (span_text(brings[f"months{end}"]) for end in ENDS)
    return f"{saves}; paid back after {likely} ({soonest} to {latest})"


def place_text(place: Mapping[str, Any]) -> str:
    """A place in words."""
    cni = {None: "an unknown network plugin", "none": "no network plugin"}.get(place["cni"])
    mesh = {None: "an unknown mesh", "none": "no mesh"}.get(place["mesh"])
    sides = (cni or edition_label("cni", place), mesh or edition_label("mesh", place))
    return f"{' and '.join(sides)}{', tuned' if place['tuned'] else ''}"


def edition_label(side: str, place: Mapping[str, Any]) -> str:
    """What a side of a place is called: by its edition, or by its product alone."""
    name, edition = place[side], place["edition"][side]
    known = None if name == OTHER else editions().get((side, name, edition))
    return known or product(name, side)


@cached
def editions() -> dict[tuple[str, str, str | None], str]:
    """What each edition is called, by side, product and edition."""
    rows = [
        ((side, row[column], row["edition"]), row["label"])
        for side, table, column in (("cni", "networks", "network"), ("mesh", "meshes", "mesh"))
        for row in read_table(f"decision/{table}").iter_rows(named=True)
    ]
    return dict(reversed(rows))


def interval_text(row: Mapping[str, Any], name: str) -> str:
    """A figure with its interval, or that it is unknown."""
    if row[name] is None:
        return "unknown"
    return _ends_text({end: row[f"{name}{end}"] for end in ENDS})


def _ends_text(ends: Mapping[str, float]) -> str:
    lo, likely, hi = map(rounded, ends.values())
    return likely if lo == hi else f"{likely} ({lo} to {hi})"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _days_text(days: Mapping[str, int | None]) -> str:
    lo, likely, hi = days["lo"], days["likely"], days["hi"]
    if lo == hi:
        return _counted(likely or 0, "day")
    return f"{_counted(likely or 0, 'day')} ({lo:,} to {'unknown' if hi is None else f'{hi:,}'})"


def span_text(months: float | str) -> str:
    """A time in months, or in years where it is long."""
    if isinstance(months, str):
        return months
    number, unit = (months / 12, "years") if months >= YEARS else (months, "months")
    return f"{significant(number, DIGITS)} {unit}"


# --- all of it -----------------------------------------------------------------------------------------------------


def plan_text(plan: Plan) -> Iterator[str]:
    """The plan, line by line: the answer first, then what is in the way, the steps, and what is not known."""
    yield f"{plan.get('scenario', 'cluster')}: from {place_text(plan['from'])} to {place_text(plan['to'])}"
    if plan["stays"] and (open_ends := [*_open_ends(plan)]):
        yield f"  cannot be planned: {'; '.join(open_ends)}"
        return
    if plan["stays"]:
        yield "  nothing moves: what runs today stays"
        yield from _section(SET_UP, _set_up_lines(plan))
        yield from _section("Not told by the input", _unknown_lines(plan["unknown"]))
        return
    yield from (f"  {question + ':':11} {answer}" for question, answer in answers(plan).items())
    for route in plan["routes"]:
        yield ""
        sources = f"{BASES[route['basis']]}: {route['source_id'].replace('|', ', ')}"
        yield f"  {route['title']} ({sources}). {route['limits']}"
    yield from _section("In the way", [line for blocker in plan["blockers"] for line in _blocker_lines(blocker)])
    yield from _section(
        "Steps, all times together: the median and the 10-90 % interval",
        [_step_line(step) for step in plan["steps"]],
    )
    yield from _section(SET_UP, _set_up_lines(plan))
    yield from _section("Risks", ["{risk}. Sign: {sign}. Owner: {owner}.".format_map(risk) for risk in plan["risks"]])
    yield from _section("Not told by the input", _unknown_lines(plan["unknown"]))


def _open_ends(plan: Mapping[str, Any]) -> Iterator[str]:
    """Which side of where it starts and of where it goes is not known, and what to give."""
    sides = {"cni": "network plugin", "mesh": "mesh"}
    for end, what, todo in (
        ("from", "runs today", "name it with --from CNI+MESH"),
        ("to", "it should go to", "name it with --to CNI+MESH, or state 'needs:' and today's in a team file"),
    ):
        if unknown := [name for side, name in sides.items() if plan[end][side] is None]:
            yield f"it is not known which {' and which '.join(unknown)} {what}, {todo}"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"  {title}"
        yield from (f"    {line}" for line in lines)


def _blocker_lines(blocker: Mapping[str, Any]) -> Iterator[str]:
    named = ", ".join(blocker["objects"][:SHOWN])
    more = f" and {blocker['count'] - SHOWN:,} more" if named and blocker["count"] > SHOWN else ""
    yield f"{blocker['severity']:6} {blocker['title']} ({blocker['id']}): {named or blocker['detail']}{more}"
    yield f"       {blocker['why']} {blocker['todo']}"


SET_UP = "To be set up in what stays, unless it is done: not in the hours"
"""Over what is asked for and comes with no installation."""


def _set_up_lines(plan: Mapping[str, Any]) -> list[str]:
    told = (("", "action"), ("  ", "command"), ("  check: ", "check"))
    return [f"{before}{step[name]}" for step in plan["set_up"] for before, name in told]


def _step_line(step: Mapping[str, Any]) -> str:
    times = "?" if step["units"] is None else f"{step['units']:,} x"
    often = step["scope"] if step["scope"] == "once" else f"{times} {step['scope']}"
    return f"{often:14} {step_time(step):>22}  {step['action']}"


def step_time(step: Mapping[str, Any]) -> str:
    """Hours, or minutes where it is less than an hour at most."""
    if step["hours"] is None or step["hours_hi"] >= 1:
        return f"{interval_text(step, 'hours')} h"
    minutes = {f"minutes{end}": step[f"hours{end}"] * 60 for end in ENDS}
    return f"{interval_text(minutes, 'minutes')} min"


def _unknown_lines(unknown: Sequence[str]) -> list[str]:
    """What is not known, in one line for all that wait for the same input."""
    waiting: dict[str, list[str]] = {}
    for item in unknown:
        what, _, lacking = item.partition(": ")
        waiting.setdefault(lacking or what, []).extend([what] if lacking else [])
    return [lacking + (f" (for: {'; '.join(what)})" if what else "") for lacking, what in waiting.items()]
