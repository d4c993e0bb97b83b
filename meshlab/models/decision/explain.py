"""What a verdict is and why: its sentence, options with what each lacks, reasons, flips, and what is not known."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from meshlab.cache import cached_here
from meshlab.models.decision.changes import (
    Answer,
    Change,
    answer_of,
    answers_to,
    differs_from,
    effort,
    flips,
    known_facts,
    missing_facts,
    open_facts,
    present_cells,
)
from meshlab.models.decision.conditions import ALWAYS
from meshlab.models.decision.contests import known_running
from meshlab.models.decision.decide import BUDGETS, column_of, compared, told_apart
from meshlab.models.decision.labels import joined, label_of, listed, named_needs, product, said, upper_first
from meshlab.models.decision.questions import first_questions, unanswered
from meshlab.models.decision.ranking import ELIGIBLE, OPEN, RULED_OUT, UNMET
from meshlab.models.decision.standings import (
    BUDGET,
    NEEDS,
    STANDINGS,
    Breach,
    Contest,
    Lack,
    Standing,
    Use,
    breach,
    contests,
    deciding,
    evidence,
    grade,
    lacking,
    lost,
    names,
    opening,
    option,
    parts,
    shortfall,
    unfinished,
)
from meshlab.models.decision.tables import (
    CILIUM_MESH,
    GATEWAY,
    NONE,
    OTHER,
    SAME,
    SIDES,
    TODAY,
    Option,
    Preference,
    Requirement,
    Tables,
    load_tables,
)
from meshlab.scenario import inputs, schema, with_all_inputs

Row = Mapping[str, Any]


Over = Callable[[pl.DataFrame, Sequence[Row]], Sequence[Sequence[Use]]]
"""From a scenario and options of its contest to what each of them takes of the budgets that are stated."""


def explain(
    scenarios: pl.DataFrame, tables: Tables | None = None, *, outlook: bool = True, over: Over | None = None
) -> list[dict[str, Any]]:
    """The verdict of each scenario with all that bears on it: the ``verdict`` of ``review.json``, and more.

    Args:
        scenarios: Inputs of ``data/inputs.csv``; absent ones count as missing.
        tables: Decision tables; ours unless given.
        outlook: Whether ``settled``, ``unknown``, ``questions`` and ``flips`` are worked out, which takes ten times as
            long; they are empty otherwise.
        over: What options take of budgets: the choice is made again, without those that break one with near certainty,
            and with those that do so more likely than not behind the others. No budget counts unless given.
    """
    tables = tables or load_tables()
    facts = with_all_inputs(scenarios)
    frame = compared(facts).collect()
    rows = facts.rows(named=True)
    told: list[dict[str, Any]] = []
    for place, contest in enumerate(contests(frame, rows, tables) if rows else ()):
        own, verdict, uses = frame[place], _verdict(contest), dict[str, Sequence[Use]]()
        if over:
            # another fact may open what cannot be had now: flips ask for all
            could = {at for at, pair in enumerate(contest.pairs) if STANDINGS[pair.standing] is not False}
            asked = range(len(contest.pairs)) if outlook else sorted(could)
            found = over(facts[place], [verdict["options"][at] for at in asked])
            uses = {contest.pairs[at].key: found[n] for n, at in enumerate(asked)}
            broken = _broken({contest.pairs[at].key: found[n] for n, at in enumerate(asked) if at in could})
            own = _within(own, [broken])
            if broken:
                (contest,) = contests(own, rows[place : place + 1], tables, broken)  # noqa: PLW2901  (made again)
                verdict = _verdict(contest)
        if outlook:
            _look_out(own, contest, verdict, uses)
        told.append(verdict)
    return told


def _broken(uses: Mapping[str, Sequence[Use]], most: Mapping[str, float] | None = None) -> dict[str, Breach]:
    """By the keys of pairs the budgets that they break, those that are stated or others."""
    return {key: found for key, each in uses.items() if (found := breach(each, most))}


def _within(frame: pl.DataFrame, broken: Sequence[Mapping[str, Breach]]) -> pl.DataFrame:
    """``compared`` scenarios, each with the pairs that break a budget."""
    return frame.with_columns(
        pl.Series(
            name, [[key for key, each in row.items() if each.certain is certain] for row in broken], pl.List(pl.String)
        )
        for name, certain in zip(BUDGETS, (True, False), strict=True)
    )


MOST_KINDS = 64
"""Kinds of scenarios whose verdicts are kept, as a slider passes through few."""


@cached_here
def _told_before(_tables: Tables) -> dict[tuple[int | str, ...], tuple[Row, dict[str, Any]]]:
    """By what tells kinds of scenarios apart the facts that the latest verdict names, and that verdict."""
    return {}


def explain_again(scenario: pl.DataFrame) -> dict[str, Any]:
    """What ``explain`` says of one scenario by our tables, without outlook, for a view that follows a slider.

    It is kept as long as no limit of the tables lies between two values of a number, and the verdict names neither.
    """
    facts, tables = with_all_inputs(scenario), load_tables()
    (row,) = facts.rows(named=True)
    kind = tuple(_place(row[name], edges) for name, edges in told_apart(tables).items())
    kept = _told_before(tables)
    named, verdict = kept.get(kind, ({}, {}))
    if not verdict or any(row[name] != value for name, value in named.items()):
        (contest,) = contests(compared(facts).collect(), [row], tables)
        verdict = _verdict(contest)
        asked = (name for _, place, _ in contest.told for name in contest.rules.asked[place])
        kept[kind] = ({name: row[name] for name in asked}, verdict)
        if len(kept) > MOST_KINDS:
            del kept[next(iter(kept))]
    return {**verdict, "scenario": row["scenario"]}


def _place(value: Any, edges: Sequence[float] | None) -> int | str:
    """A number by the limits that it lies between, any other value as it is."""
    if edges is not None and isinstance(value, int | float):
        return bisect_right(edges, value)
    return repr(value)


def _verdict(contest: Contest) -> dict[str, Any]:
    answer, pair = contest.answer, contest.pairs[0]
    options = [option(contest, each, rank) for rank, each in enumerate(contest.pairs, 1)]
    deciders, is_known, there = _deciders(contest), answer["mesh"] is not None, _on_new_cluster(contest)
    holding = [row.id for side in SIDES for row in _holding(contest, pair, side)]
    return {
        "scenario": contest.facts["scenario"],
        "cni": answer["cni"],
        "mesh": answer["mesh"],
        "edition": {side: answer[f"{side}_edition"] for side in SIDES},
        "tuned": answer["tuned"],
        "sentence": sentence(contest, there),
        "settled": False,
        "evidence_grade": grade(contest, pair) if is_known else None,
        "matched": list(dict.fromkeys([*(row.id for row in deciders.values() if row), *holding])),
        "decided_by": {side: row and row.id for side, row in deciders.items()},
        "why": list(_choice(contest, deciders)),
        "reasons": [
            *dict.fromkeys(_reasons(contest)),
            *(f"{each['text']}." for each in options[0]["caveats"] if deciders),
        ],
        "unmet": pair.lacking,
        "lost": lost(contest) if is_known else [],
        "blockers": list(_blockers(options)),
        "conflicts": list(_conflicts(contest, pair, deciders)),
        "flips": [],
        "unknown": [],
        "leads": [],
        "questions": [],
        "evidence": list(evidence(contest, pair)) if is_known else [],
        "options": [*map(_plain, options)],
        "new_cluster_option": _plain(option(*there, 0)) if there else None,
        "parts": parts(contest),
        "rows": list(_rows(contest, pair)),
        "contradictions": [row.reason for row in contest.tables.impossible if contest.state(row, None)],
    }


def _plain(option: Row) -> dict[str, Any]:
    return {key: value for key, value in option.items() if key != "lacks"}


# --- reasons --------------------------------------------------------------------------------------------------------


def _deciders(contest: Contest) -> dict[str, Preference | None]:
    """The preference that decided on each side that has an answer; None where none did."""
    return {
        side: next((row for row in contest.tables.of_side(side) if row.id == contest.answer[f"{side}_row"]), None)
        for side in SIDES
        if contest.answer[side] is not None
    }


def _holding(contest: Contest, pair: Standing, side: str) -> Iterator[Preference]:
    """The preferences of a side that hold for the network of a pair."""
    for row in contest.tables.of_side(side):
        state = contest.state(row, pair.network)
        if state or (state is None and row.lenient):
            yield row


STATES = {True: "matched", False: "not matched", None: "unknown"}


def _rows(contest: Contest, pair: Standing) -> Iterator[dict[str, Any]]:
    """Every preference with its state, as it reads for the network that is recommended."""
    for row in contest.tables.preferences:
        state = contest.state(row, pair.network)
        asked = contest.rules.asked[contest.rules.place(row, pair.network)] if state is None else ()
        yield {
            "table": row.side,
            "id": row.id,
            "priority": row.priority,
            "condition": row.text,
            "recommendation": row.option,
            "reason": row.reason,
            "source_id": row.source_id,
            "state": STATES[state],
            "missing": [name for name in asked if contest.facts[name] is None],
        }


UNDECIDED = "No preference names one of the {} that are left: this is the smallest change among them."
MESH_OR_NETWORK = {"cni": "networks", "mesh": "meshes"}


def _reasons(contest: Contest) -> Iterator[str]:
    """Why: on each side what keeps the product of today from staying, and what speaks for the one that is chosen."""
    pair = contest.pairs[0]
    for name, row in _deciders(contest).items():
        side = pair.side(name)
        if side.today and ails(contest, name):
            yield f"{label_of(side)} is said to be unhealthy: what troubles it has to be repaired first."
            yield from _instead(contest, name)
            continue
        if pair.standing == UNMET and not side.today:
            continue  # what speaks for it does not hold as it stands: it falls short
        why = replaced(contest, name)
        if why:
            yield f"{upper_first(why)}."
            if ails(contest, name):
                yield "Find out first what ails it: what a change of configuration or release repairs needs no move."
        yield from _speaks_for(contest, pair, name, row)


def _speaks_for(contest: Contest, pair: Standing, name: str, row: Preference | None) -> Iterator[str]:
    """What the preference that decided says for one side of a pair, and what stands behind it."""
    yield row.reason if row else UNDECIDED.format(MESH_OR_NETWORK[name])
    yield from _level(contest, pair, name, row)
    yield from _less_mature(contest, pair, name, row)


def _level(contest: Contest, pair: Standing, name: str, decider: Preference | None) -> Iterator[str]:
    """Of several meshes for which the preference that decided speaks, why this one: the next that speaks for it."""
    if decider is None or name != "mesh":
        return
    rivals = (each for each in contest.pairs if each.standing == ELIGIBLE and contest.prefers(decider, each))
    if all(each.mesh.id == pair.mesh.id or _rests(contest, each, pair) for each in rivals):
        return
    own = (row for row in _holding(contest, pair, name) if contest.prefers(row, pair) and row.condition != ALWAYS)
    after = (row.reason for row in own if (row.priority, row.id) > (decider.priority, decider.id))
    yield from islice(after, 1)


def _choice(contest: Contest, deciders: Mapping[str, Preference | None]) -> Iterator[str]:
    """Why this mesh of those that would do, or this network where the mesh is none or not new."""
    pair = contest.pairs[0]
    for name in reversed(SIDES):
        side, row = pair.side(name), deciders.get(name)
        if row and not side.today and side.id != NONE and pair.standing != UNMET:
            yield from _speaks_for(contest, pair, name, row)
            return


def _less_mature(contest: Contest, pair: Standing, name: str, decider: Preference | None) -> Iterator[str]:
    """Why another product stands behind that is preferred before this one, or by the same preference."""
    chosen = pair.side(name)
    for row in _holding(contest, pair, name):
        rivals = (each for each in contest.pairs if contest.prefers(row, each))
        first = next((each for each in rivals if each.side(name).id != chosen.id), None)
        if first and first.standing == ELIGIBLE and (why := _rests(contest, first, pair)):
            yield f"{label_of(first.side(name))} ranks behind it; {why}."
            return
        if row is decider:
            return


def _rests(contest: Contest, pair: Standing, other: Standing) -> str:
    """What a pair meets by something unfinished, where that is more than another pair does."""
    found = unfinished(contest, pair)
    return f"not generally available there: {listed(found)}" if len(found) > len(unfinished(contest, other)) else ""


def _instead(contest: Contest, name: str) -> Iterator[str]:
    """What would take the place of a product that is said to be unhealthy, if it could be had."""
    pays = any(option.paid for option in _editions(contest, name))
    for pair in contest.pairs:
        side = pair.side(name)
        is_other = not side.today and side.id not in (contest.runs[name].id, NONE)
        if is_other and not pair.lacking and (pays or not side.options[0].paid):
            why = joined([lack.why for lack in lacking(contest, pair)])
            yield f"Next among the other {MESH_OR_NETWORK[name]}: {label_of(side)}{why and f' ({why})'}."
            return


def _blockers(options: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """What rules options out, each once for the product or the pair that it rules out."""
    told: dict[tuple[str, str, str], dict[str, Any]] = {}
    for each in options:
        for lack in each["lacks"] if each["eligible"] is False else ():
            name = each[lack.side] if lack.side in SIDES else f"{each['cni'] or ''}+{each['mesh']}"
            row = {"option": name, "requirement": lack.requirement, "found": lack.found, "source_id": lack.source_id}
            told.setdefault((str(name), lack.requirement, lack.found or ""), row)
    yield from told.values()


def _conflicts(contest: Contest, pair: Standing, deciders: Mapping[str, Preference | None]) -> Iterator[dict[str, Any]]:
    """Preferences that hold and speak for another option.

    One before the preference that decided has an option that cannot be had here, which is told; of those after it only
    what could be had as well is an argument, and for a mesh where one is needed. One that holds of every cluster is
    none, and why what runs today does not stay is told among the reasons.
    """
    for side, decider in deciders.items():
        for row in _holding(contest, pair, side):
            wanted = row is not decider and row.condition != ALWAYS and row.option not in (TODAY, SAME)
            needless = side == "mesh" and pair.mesh.id in (NONE, GATEWAY) and pair.standing == ELIGIBLE
            if not wanted or needless or contest.prefers(row, pair):
                continue
            rows = [each for each in contest.pairs if contest.prefers(row, each)]
            before = decider is not None and row.priority < decider.priority
            eligible = any(each.standing == ELIGIBLE for each in rows)
            if rows and (before or eligible):
                yield {
                    "side": side,
                    "id": row.id,
                    "recommendation": row.option,
                    "reason": row.reason,
                    "source_id": row.source_id,
                    "eligible": eligible,
                    "why_not": joined([lack.why for lack in lacking(contest, rows[0])]) or None,
                    "ruled_out": all(each.standing in (UNMET, RULED_OUT) for each in rows),
                    "decided_by": decider.id if decider else None,
                    "decided_reason": decider.reason if decider else UNDECIDED.format(MESH_OR_NETWORK[side]),
                }


# --- what could change it -------------------------------------------------------------------------------------------


def _look_out(own: pl.DataFrame, contest: Contest, verdict: dict[str, Any], uses: Mapping[str, Sequence[Use]]) -> None:
    """Work out what is not known, what to ask, and what would flip the verdict."""
    answer, raw, tables = answer_of(contest.answer), contest.facts, contest.tables
    row: dict[str, Any] = {f"cell:{axis}": place for axis, place in present_cells(own, tables).items()}
    row |= {f"known:{name}": own[column_of(name)].null_count() == 0 for name in inputs()}
    row |= {f"{side}:runs": known_running(tables, side).index(contest.runs[side]) for side in SIDES}
    is_known = None not in (verdict["mesh"], verdict["cni"]) and contest.pairs[0].standing == ELIGIBLE
    can_flip = raw["needs"] is not None and contest.pairs[0].standing != OPEN
    over = _broken(uses)  # of pairs that cannot be had, too: another fact may open them, and no other budget
    missing, known = missing_facts(own, row, tables), known_facts(_within(own, [over]) if uses else own, row, tables)
    asked, tried = unanswered(own, row, tables)
    # one query for all that is tried: most of its time is its own, whatever the rows
    if_missing, if_changed, if_asked = answers_to(
        [missing.frame, known.frame if can_flip else own.clear(), own.clear() if is_known else tried.frame], tables
    )
    opened = open_facts(own, missing, if_missing, answer, tables)
    verdict["unknown"] = [*dict.fromkeys([*opened, *_unnamed(contest)])]
    verdict["leads"] = [*_leads(opened)]
    verdict["settled"] = is_known and not verdict["unknown"] and not verdict["contradictions"]
    if not is_known:
        closed = STANDINGS[contest.pairs[0].standing] is False
        verdict["questions"] = first_questions(asked, tried, if_asked, ways=closed)
    if not can_flip:
        return
    changes, frame = flips(known, if_changed, answer)
    after = contests(frame, [change.on(raw) for change in changes], tables, over) if changes else []
    told = sorted([*_budgets(own, contest, uses), *zip(changes, after, strict=True)], key=lambda each: effort(each[0]))
    nearest: dict[object, tuple[Change, Contest]] = {}  # of two sums of one budget that lead to the same the nearer
    for change, then in told:
        nearest.setdefault((change.input, change.member, change.side, answer_of(then.answer)), (change, then))
    verdict["flips"] = [flip for each in nearest.values() if (flip := _flip(raw, *each, verdict))]


def _leads(opened: Mapping[str, Mapping[Change, Answer]]) -> Iterator[dict[str, Any]]:
    """Of each fact that is not known the other answers, each with the values that lead to it."""
    for name, leads in opened.items():
        values: dict[Answer, list[Any]] = {}
        for change, then in leads.items():
            values.setdefault(then, []).append(change.member or change.value)
        for then, to in values.items():
            cni, mesh, *editions = then
            yield {
                "input": name,
                "to": to,
                "cni": cni,
                "mesh": mesh,
                "edition": dict(zip(SIDES, editions, strict=True)),
            }


def _budgets(
    own: pl.DataFrame, contest: Contest, uses: Mapping[str, Sequence[Use]]
) -> Iterator[tuple[Change, Contest]]:
    """The nearest other sum of each budget, above and below, that leads to another option which can be had."""
    raw, tables = contest.facts, contest.tables
    differs = differs_from(answer_of(contest.answer)) & pl.col("eligible").fill_null(value=False)
    for name in dict.fromkeys(use.budget for each in uses.values() for use in each):
        alike, now = [use for each in uses.values() for use in each if use.budget == name], raw[name]
        bounds = {bound / use.each for use in alike for bound in (use.surely, use.likely) if bound > 0}
        values = sorted({_beside(bound, above=bound > now) for bound in bounds}, key=lambda value: abs(value - now))
        broken = [_broken(uses, {name: value * alike[0].each}) for value in values]
        column = pl.Series(column_of(name), values, pl.Float64)
        frame = _within(own[np.zeros(len(values), np.uint32)].with_columns(column), broken)
        (found,) = answers_to([frame], tables)
        places: list[int] = found.select(differs).to_series().arg_true().to_list()
        for side in ("above", "below"):
            for place in (place for place in places if (values[place] > now) == (side == "above")):
                change = Change("", name, None, values[place], 0, side)
                (after,) = contests(frame[place], [change.on(raw)], tables, broken[place])
                yield change, after
                break


def _beside(bound: float, *, above: bool) -> float:
    """A sum of three digits that is enough for a bound, or one that is not."""
    digits = 2 - math.floor(math.log10(bound))
    return round((math.ceil(bound * 10.0**digits) - (not above)) / 10.0**digits, max(digits, 0))


def _unnamed(contest: Contest) -> dict[str, str]:
    """What is not known of products of today that no table knows, and of which side, where it decides if they stay."""
    found: dict[str, str] = {}
    for side in SIDES:
        keeps = next((pair for pair in contest.pairs if pair.side(side).today), None)
        if keeps and keeps.standing == OPEN and any(each.status == "unknown" for each in keeps.side(side).options):
            found[f"current_{side}{'' if contest.runs[side].id == OTHER else '_edition'}"] = side
    return found


SUMS = frozenset({"USD/month", "USD/year", "h", "min", "ms"})
"""Units of budgets that a margin names."""


def _flip(raw: Row, change: Change, after: Contest, verdict: Row) -> dict[str, Any] | None:
    """One change, the answer that it leads to, and why: what the first option then lacks, or what becomes possible.

    None of a newer version that would rule the first option out: what is newer takes nothing away; it is another line.
    """
    changed, answer, spec = change.on(raw), after.answer, inputs()[change.input]
    left = verdict["options"][0]
    doubtful = any(caveat["kind"] == "budget" for caveat in left["caveats"])
    kept = next((pair for pair in after.pairs if names(pair).items() <= left.items()), None)
    then = option(after, kept, 0) if kept else None
    if left["eligible"] and then is not None and then["eligible"] is not True and then["why_not"]:
        if spec.type == "version":
            return None
        why = f"{left['label']} then falls short: {then['why_not']}"
    elif left["eligible"] and kept and kept.over and not doubtful:
        why = f"{left['label']} is then more likely than not over budget: {kept.over.what}"
    elif doubtful and not after.pairs[0].over:
        why = f"{after.pairs[0].label} then keeps the budget more likely than not"
    elif left["eligible"] and kept and (rests := _rests(after, kept, after.pairs[0])):
        why = f"{left['label']} then ranks behind it; {rests}"
    else:
        reached = names(after.pairs[0])
        now = next((each for each in verdict["options"] if reached.items() <= each.items()), None)
        why = (
            f"{now['label']} becomes possible: until then, {now['why_not']}"
            if now is not None and now["eligible"] is not True and now["why_not"]
            else next((reason for reason in _reasons(after) if reason not in verdict["reasons"]), "")
        )
    if after.pairs[0].over and not change.axis:
        why += "; even then it breaks the budget more likely than not"
    at, to = raw[change.input], changed[change.input]
    margin = None
    if spec.type in ("integer", "number") and at is not None:
        unit = f" {spec.unit.replace('/', ' a ')}" if spec.unit in SUMS else ""
        margin = f"at {'any sum' if spec.unit == 'USD/year' and not at else f'{said(to)}{unit}'} instead of {said(at)}"
    return {
        "input": change.input if change.member is None else f"needs: {change.member}",
        "from": at,
        "to": to,
        "cni": answer["cni"],
        "mesh": answer["mesh"],
        "edition": {side: answer[f"{side}_edition"] for side in SIDES},
        "recommendation": f"{answer['cni']}, {answer['mesh']}",
        "margin": margin,
        "why": why,
        "sentence": sentence(after, _on_new_cluster(after)),
        "changes": [{"input": change.input, "from": at, "to": to}],
    }


# --- the answer in a sentence or two ---------------------------------------------------------------------------------

NEAREST = 2
"""Options that are named where none meets everything."""

ADDED = {
    CILIUM_MESH: "No mesh beside the network: you need {}, which {} brings.",
    "vpc-lattice": "No mesh, but a service: you need {}, which {} brings.",
}
"""What is said of options that are no mesh of proxies, where nothing runs today."""


def sentence(contest: Contest, there: tuple[Contest, Standing] | None) -> str:
    """The answer and its main reason, and what a new cluster would have instead."""
    pair, anew = contest.pairs[0], _named(there[1]) if there else ""
    if contest.facts["needs"] is None:
        network = "" if contest.answer["cni"] is None else f" {_network(contest, pair)}"
        first = joined([lack.why for lack in opening(contest, pair) if network and lack.side == "cni"])
        found = f" To be found out first: {first}." if first else ""
        return f"Not enough is known: what the platform must be able to do has not been said.{network}{found}"
    if pair.standing == RULED_OUT:
        nearest = (f"{_named(one)} ({_why(contest, one)})" for one in _nearest(contest))
        stays = (one for one in contest.pairs if one.cni.today and (one.mesh.today or one.mesh.id == NONE))
        gone = "".join(f" {upper_first(_why(contest, one))}." for one in [*stays][:1])
        lacks = [*lacking(contest, first := _nearest(contest)[0])]
        ways = [f"Needed first: {_needed(lacks)}. Then: {_named(first)}"]
        ways += [f"Or first: {_needed(other)}, which opens others" for other in _another_way(contest, lacks)]
        can_change = not any(lack.fixed for lack in lacks)
        way = ". ".join(ways) if can_change else f"Nearest: {'; '.join(nearest)}"
        way += f". Or on a new cluster: {anew}" if anew else ""
        return f"As the cluster stands, none of the options can be had.{gone} {way}."
    if pair.standing == UNMET:
        nearest = (f"{_named(one)}, which {shortfall(contest, one)}" for one in _nearest(contest))
        barred = [one for one in contest.pairs if one is not pair and not (one.lacking or one.unread)]
        barred = [one for one in barred if not any(lack.fixed for lack in lacking(contest, one))]
        # what a larger budget would open comes before what takes another cluster, of those over budget the least
        barred.sort(key=lambda one: one.over.times if one.over else math.inf)
        but = "".join(f" {_named(one)} would, but: {_why(contest, one)}." for one in barred[:1])
        gone = "".join(
            f" Replace {product(contest.runs[name].id, name)} in any case: {replaced(contest, name)}."
            for name in SIDES
            if _has_ended(contest, name)
        )
        # what is barred here says by itself that it takes a new cluster
        said = anew in map(_named, barred[:1])
        but += f" On a new cluster, {anew} would." if anew and not said else ""
        if pair.over and pair.over.certain:  # what runs, tuned, meets all of it
            kept = f"What runs, tuned, comes nearest: {_why(contest, pair)}."
            return f"None of the options meets everything that is asked within the budget.{gone}{but} {kept}"
        return f"None of the options meets everything that is asked.{gone}{but} Nearest: {'; '.join(nearest)}."
    parts = [_mesh(contest, pair), _network(contest, pair)]
    if pair.standing == OPEN:
        parts.append(f"To be found out first: {_why(contest, pair)}.")
        bare = (one for one in contest.pairs if one.cni is pair.cni and not (one.lacking or one.unread))
        here = [f"{_named(one)}: {_why(contest, one)}" for one in bare if one.standing == RULED_OUT]
        here += [f"a new cluster would have {anew}"] if anew else []
        able = any(one.standing == ELIGIBLE for one in contest.pairs)
        parts += [f"Should it fall short, {one}." for one in ([] if able else here[:1])]
    unnamed = [side for side in _unnamed(contest).values() if not ails(contest, side)]
    stays = [product(contest.runs[side].id, side) for side in unnamed if not pair.side(side).today]
    parts += [f"If {one} turns out to do that, it stays." for one in stays]
    return " ".join(parts)


def _needed(lacks: Sequence[Lack]) -> str:
    """What has to be had first: a larger budget, what a requirement asks for, or what meets a need."""

    def told(lack: Lack) -> str:
        if lack.requirement == BUDGET:
            return f"a larger budget ({lack.found})"
        is_need = lack.side not in SIDES or lack.requirement in inputs()["needs"].choices
        return lack.why if is_need else lack.requirement

    return joined(list(map(told, lacks)))


def _on_new_cluster(contest: Contest) -> tuple[Contest, Standing] | None:
    """What would be recommended for a new cluster in place of this one, with its contest.

    None where this one can have something that meets all, or where what is stated bars it there as well.
    """
    bound = any(pair.over and pair.over.certain for pair in contest.pairs)  # the same budget would bind it
    able = any(pair.standing == ELIGIBLE for pair in contest.pairs)
    if contest.facts["greenfield"] is not False or contest.facts["needs"] is None or bound or able:
        return None
    facts = {name: None if name in OF_TODAY else value for name, value in contest.facts.items()}
    facts |= {"greenfield": True, "current_cni": NONE, "current_mesh": NONE}
    frame = compared(pl.DataFrame([facts], schema=schema()).lazy()).collect()
    (there,) = contests(frame, [facts], contest.tables)
    return (there, there.pairs[0]) if there.pairs[0].standing == ELIGIBLE else None


OF_TODAY = frozenset(
    ["current_cni_edition", "current_mesh_edition", "policy_engine", "cni_healthy", "mesh_healthy", "kernel_oldest"]
)
"""What a new cluster has none of, or anew."""


def _another_way(contest: Contest, lacks: Sequence[Lack]) -> Iterator[list[Lack]]:
    """What rules out the first pair that other things alone rule out, all of which can be changed."""
    known = {lack.requirement for lack in lacks}
    for pair in contest.pairs:
        other = [*lacking(contest, pair)]
        if not pair.tuned and not any(lack.fixed or lack.requirement in known for lack in other):
            yield other
            return


def _editions(contest: Contest, name: str) -> tuple[Option, ...]:
    """What runs today on one side: the editions that come into question, none where nothing runs."""
    todays = (side for pair in contest.pairs if (side := pair.side(name)).today)
    return next((side.options for side in todays), ())


def _has_ended(contest: Contest, name: str) -> bool:
    editions = _editions(contest, name)
    return bool(editions) and all(option.status == "ended" for option in editions)


def ails(contest: Contest, name: str) -> bool:
    """Whether what runs today on one side is said to be unhealthy; what has ended goes anyway."""
    return contest.facts[f"{name}_healthy"] is False and not _has_ended(contest, name)


def replaced(contest: Contest, name: str) -> str | None:
    """Why what runs today on one side does not stay; None where it stays, or nothing speaks against it but a wish."""
    first = contest.pairs[0]
    staying = [pair for pair in contest.pairs if pair.side(name).today and not pair.tuned]
    if first.side(name).today or contest.runs[name].id in ("", NONE) or not staying:
        return None
    # the best that keeps it; where that could be had, the same without this change
    other = "mesh" if name == "cni" else "cni"
    same = [pair for pair in staying if pair.side(other) is first.side(other)]
    found: list[list[Lack]] = []
    for stays in (*staying[:1], *same[:1]):
        wanting = [lack for lack in opening(contest, stays) if lack.requirement != NEEDS]
        found.append([*lacking(contest, stays)] or wanting)
    # what the other side lacks is no reason to change this one
    of_side = [[lack for lack in lacks if lack.side in (name, "any", "both", "encrypting")] for lacks in found]
    lacks = next(filter(None, [*of_side, *found]), list[Lack]())
    over = staying[0].over
    if not lacks and over and not first.over:
        return f"what runs today is more likely than not over budget: {over.what}"
    label, editions = label_of(staying[0].side(name)), _editions(contest, name)
    ends = next((option.ends for option in editions if option.status == "deprecated"), None)
    soon = f"support for {label} ends on {ends}" if ends and len(editions) == 1 else ""
    sick = f"{label} is said to be unhealthy" if ails(contest, name) else ""
    told = (f"what runs today is {lack.why}" if lack.requirement == BUDGET else lack.why for lack in lacks)
    return joined([*told, soon, sick]) or None


def _nearest(contest: Contest) -> list[Standing]:
    """Of the pairs that stand as the first one does those that come nearest, each of other products.

    Those come first that lack least of what nobody can change: a kernel, a licence or a rule can be changed, the end
    of a product and the age of a cluster cannot.
    """
    first = contest.pairs[0]
    alike = [pair for pair in contest.pairs if pair.standing == first.standing and not pair.tuned]
    lacks = {id(pair): [*lacking(contest, pair)] for pair in alike}
    if first.standing == RULED_OUT:  # no step to one that would not do either
        alike = [pair for pair in alike if not pair.lacking] or alike
    alike.sort(key=lambda pair: (sum(lack.fixed for lack in lacks[id(pair)]), len(lacks[id(pair)])))
    nearest: dict[tuple[str, str], Standing] = {}
    for pair in alike:
        nearest.setdefault((pair.cni.id, pair.mesh.id), pair)
    return [*nearest.values()][:NEAREST]


def _named(pair: Standing) -> str:
    mesh = "without a mesh" if pair.mesh.id == NONE else f"with {label_of(pair.mesh)}"
    return f"{label_of(pair.cni)} {mesh}"


def _why(contest: Contest, pair: Standing) -> str:
    return joined([lack.why for lack in [*lacking(contest, pair)] or [*opening(contest, pair)]])


def _network(contest: Contest, pair: Standing) -> str:
    today, side = contest.runs["cni"].id, pair.cni
    if not side.id:
        return "Which network plugin runs has to be found out."
    if side.today:
        return f"Keep {label_of(side)}{_ailing(contest, 'cni')}."
    if today in ("", NONE):
        return f"Use {label_of(side)}.{_condition(contest, pair)}"
    return f"{_change(contest, pair, 'cni')}{_because(contest, 'cni')}.{_condition(contest, pair)}"


def _condition(contest: Contest, pair: Standing) -> str:
    """Of two needs that are asked and that the network meets one at a time, the choice, and what meets both."""
    choices = _choices(contest, pair)
    whole = (one for one in contest.pairs if one.standing == ELIGIBLE and not (one.tuned or _choices(contest, one)))
    other = next((f"; {label_of(one.cni)} meets them all at once" for one in whole), "") if choices else ""
    return "".join(f" It needs {row.requirement.partition(':')[0]}{other}." for row in choices)


def _choices(contest: Contest, pair: Standing) -> list[Requirement]:
    """Requirements about needs alone that the network of a pair does not keep: it meets one of them at a time."""
    rules, ruling = contest.rules, contest.ruling(pair.cni, pair.network)
    return [row for row in ruling.broken if rules.asked[rules.place(row, pair.network)] == ("needs",)]


def _mesh(contest: Contest, pair: Standing) -> str:
    today, side, sure = contest.runs["mesh"].id, pair.mesh, pair.standing == ELIGIBLE and bool(contest.asked)
    needed = _of_mesh(contest, pair)
    stays = today == GATEWAY and not ails(contest, "mesh") and side.id not in (NONE, GATEWAY, *ADDED)
    runs = today not in ("", NONE) and not stays
    if side.id == NONE:
        gone = f" {upper_first(product(today, 'mesh'))} can go{_because(contest, 'mesh')}." if runs else ""
        if pair.unread:
            return f"No mesh, as far as is known.{gone}"
        apart = ", though not all at once" if _choices(contest, pair) else ""
        met = f"the network brings {named_needs(contest.asked)}{apart}" if sure else "nothing that is asked needs one"
        return f"No mesh: {met}.{gone}"
    if side.id == GATEWAY and not side.today:
        edge = f"No mesh, but a gateway: {named_needs(needed)} {'ends' if len(needed) == 1 else 'end'} at the edge."
        add = _change(contest, pair, "mesh") if runs else f"Add {label_of(side)}"
        return f"{edge} {add}{_because(contest, 'mesh')}."
    if side.today:
        brings = [need for need in needed if pair.mesh in deciding(contest, pair, need)]
        idle = "it runs, though nothing that is asked needs it"
        met = f"it brings {named_needs(brings)}" if brings else idle
        reason = met if sure else "nothing that is known rules it out" if contest.asked or pair.unread else idle
        return f"Keep {label_of(side)}{', tuned' if pair.tuned else ''}: {reason}{_ailing(contest, 'mesh')}."
    if not runs:
        beside = "; the gateway may stay at the edge" if stays else ""
        unsure = " Find out first whether a mesh runs already." if today == "" else ""
        added = ADDED.get(side.id, f"Yes, a mesh: you need {{}}. Add {{}}{beside}.{unsure}")
        return added.format(named_needs(needed), label_of(side))
    why = _because(contest, "mesh") or f": what is asked is {named_needs(needed)}"
    return f"{_change(contest, pair, 'mesh')}{why}."


def _ailing(contest: Contest, name: str) -> str:
    """What has to be said of what stays though it is said to be unhealthy."""
    return ", although it is said to be unhealthy: repair it first" if ails(contest, name) else ""


def _change(contest: Contest, pair: Standing, name: str) -> str:
    """What takes the place of a product that runs: another edition of it, or another product."""
    today, label = contest.runs[name].id, label_of(pair.side(name))
    if pair.side(name).id == today:
        named = product(today, name)
        rest = label.removeprefix(named).strip()
        plain = rest[1:-1] if rest.startswith("(") else rest
        return f"Move {named} to {label}" if rest == label else f"Keep {named}, from now on {plain}"
    return f"Replace {product(today, name)} with {label}"


def _because(contest: Contest, name: str) -> str:
    """Why what runs is replaced; a reason with a colon of its own is a sentence of its own."""
    why = replaced(contest, name)
    if not why:
        return ""
    return f". {upper_first(why)}" if ": " in why else f": {why}"


def _of_mesh(contest: Contest, pair: Standing) -> list[str]:
    """The needs for which the mesh is there."""
    by_mesh = [need for need in contest.asked if pair.mesh in deciding(contest, pair, need)]
    return by_mesh or [need for need in contest.asked if need in pair.unread] or contest.asked
