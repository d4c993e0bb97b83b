"""Why a verdict is what it is: options with what each lacks, reasons, what would flip it, and what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.changes import Answer, Change, answer_of, flips, open_facts, present_cells
from meshlab.models.decision.conditions import ALWAYS, Condition, bit, compile_condition, inputs_of
from meshlab.models.decision.contests import (
    Running,
    Side,
    about,
    known_running,
    meeting,
    prefers,
    requirements_of,
    running,
)
from meshlab.models.decision.decide import (
    ELIGIBLE,
    OPEN,
    RULED_OUT,
    UNMET,
    WORD,
    Contest,
    answered,
    column_of,
    compare,
    compared,
    contest,
    numbers,
    split,
)
from meshlab.models.decision.questions import first_questions
from meshlab.models.decision.tables import NONE, SIDES, Cell, Preference, Requirement, Tables, is_stale, load_tables
from meshlab.models.decision.words import joined, need_label, product, said, sentence
from meshlab.scenario import inputs, schema, with_all_inputs

GRADES = ("documented", "beta", "extrapolated", "prior")
"""How good the evidence is that an option meets what is asked: released and documented; alpha, beta or preview;
inferred from another edition's text; not read anywhere."""

Row = Mapping[str, Any]


def explain(scenarios: pl.DataFrame, tables: Tables | None = None, *, outlook: bool = True) -> list[dict[str, Any]]:
    """The verdict of each scenario with everything that bears on it: INTERFACE.md's ``decide``, and more beside it.

    Args:
        scenarios: Columns of INTERFACE.md; absent ones count as missing.
        tables: Decision tables; ours unless given.
        outlook: Whether ``settled``, ``unknown``, ``questions`` and ``flips`` are worked out, which takes ten times as
            long; they are empty otherwise.
    """
    tables = tables or load_tables()
    facts = with_all_inputs(scenarios)
    frame = compared(facts).collect()
    told = _explained(frame, facts.rows(named=True), tables)
    if outlook:
        for own, raw, verdict in zip(frame.iter_slices(1), facts.rows(named=True), told, strict=True):
            _look_out(own, raw, verdict, tables)
    return [{key: value for key, value in verdict.items() if not key.startswith("_")} for verdict in told]


@dataclass(frozen=True, slots=True)
class Standing:
    """A pair as it stands in one scenario.

    Args:
        cni: Its network.
        mesh: Its mesh.
        tuned: Whether it is what runs today with its configuration scoped and its requests sized.
        standing: One of ``ELIGIBLE``, ``OPEN``, ``UNMET``, ``RULED_OUT``.
        lacking: Needs that it does not meet. [ids]
        unread: Needs of which nobody read whether it meets them. [ids]
        requirements: What it requires.
        failing: Requirements that fail.
        open: Requirements of which a missing fact says whether they hold.
    """

    cni: Side
    mesh: Side
    tuned: bool
    standing: int
    lacking: list[str]
    unread: list[str]
    requirements: tuple[Requirement, ...]
    failing: list[Requirement]
    open: list[Requirement]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One scenario as its contest sees it: the pairs as they stand, the best first."""

    facts: Row
    platform: str | None
    runs: Mapping[str, Running]
    pairs: Sequence[Standing]
    holding: Mapping[Condition, bool | None]
    tables: Tables

    @property
    def asked(self) -> list[str]:
        return list(self.facts["needs"] or ())


def _needs(bits: int) -> list[str]:
    """The needs of some bits, in their declared order."""
    spec = inputs()["needs"]
    return [need for need in spec.choices if bits & bit(spec, need)]


def _explained(frame: pl.DataFrame, facts: Sequence[Row], tables: Tables) -> list[dict[str, Any]]:
    best = answered(frame, tables)
    conditions = _told_conditions(tables, tuple(best["platform"].unique(maintain_order=True)))
    states = frame.select(
        compile_condition(condition, compare).alias(str(place)) for place, condition in enumerate(conditions)
    ).rows()
    told = []
    for row, state, raw in zip(best.iter_rows(named=True), states, facts, strict=True):
        runs = {side: known_running(tables, side)[row[f"{side}:runs"]] for side in SIDES}
        holding = dict(zip(conditions, state, strict=True))
        seen = _Seen(raw, row["platform"], runs, list(_standings(row, runs, tables)), holding, tables)
        told.append(_verdict(seen, row))
    return told


def _standings(row: Row, runs: Mapping[str, Running], tables: Tables) -> Iterator[Standing]:
    """The pairs of a contest as they stand, the best first."""
    platform = row["platform"]
    held, places = contest(tables, platform), numbers(tables, platform).places
    there = sorted((order, place) for order, place in zip(row["orders"], places, strict=True) if order is not None)
    today = {side: running(tables, side, runs[side], platform) for side in SIDES}
    asked = row["needs"] or 0
    for order, place in there:
        entry = held.entries[place]
        cni, mesh = entry.cni or today["cni"], entry.mesh or today["mesh"]
        met, unmet = meeting(tables, (cni.met, cni.unmet, cni.encrypts), (mesh.met, mesh.unmet, mesh.encrypts))
        required = (*requirements_of(tables, cni, platform), *requirements_of(tables, mesh, platform))
        yield Standing(
            cni=cni,
            mesh=mesh,
            tuned=entry.tuned,
            standing=split(order)["standing"],
            lacking=_needs(asked & unmet),
            unread=_needs(asked & ~(met | unmet)),
            requirements=required,
            failing=_of_bits(held, required, entry.cni, row, "fails"),
            open=_of_bits(held, required, entry.cni, row, "unknown"),
        )


def _of_bits(
    held: Contest, required: Sequence[Requirement], cni: Side | None, row: Row, name: str
) -> list[Requirement]:
    """The requirements whose bits are set."""
    found = []
    for requirement in required:
        place = (
            held.blocking.get((about(requirement.condition, cni), requirement.lenient)) if requirement.blocks else None
        )
        if place is not None and row[f"{name}:{place // WORD}"] >> place % WORD & 1:
            found.append(requirement)
    return found


@kept_latest(64)
def _told_conditions(tables: Tables, platforms: tuple[str | None, ...]) -> tuple[Condition, ...]:
    """Conditions that an explanation tells of: caveats and preferences of every pair, and what cannot hold together."""
    networks = dict.fromkeys(
        cni for platform in platforms for cni in (None, *(entry.cni for entry in contest(tables, platform).entries))
    )
    rows = (*(row for row in tables.requirements if not row.blocks), *tables.preferences)
    found = [about(row.condition, cni) for row in rows for cni in networks]
    return tuple(dict.fromkeys((*found, *(row.condition for row in tables.impossible))))


def _verdict(seen: _Seen, best: Row) -> dict[str, Any]:
    options = [_option(seen, pair, rank) for rank, pair in enumerate(seen.pairs, 1)]
    entry, chosen = seen.pairs[0], options[0]
    deciders = {side: _decider(seen, best, side) for side in SIDES}
    verdict: dict[str, Any] = {
        "scenario": seen.facts["scenario"],
        "cni": best["cni"],
        "mesh": best["mesh"],
        "edition": {side: best[f"{side}_edition"] for side in SIDES},
        "tuned": bool(best["tuned"]) and best["mesh"] is not None,
        "sentence": "",
        "settled": False,
        "evidence_grade": _grade(seen, entry) if best["mesh"] is not None else None,
        "matched": list(_matched(seen, entry, deciders)),
        "reasons": list(_reasons(seen, entry, deciders, chosen)) if best["cni"] is not None else [],
        "unmet": chosen["unmet"],
        "blockers": list(_blockers(options)),
        "conflicts": list(_conflicts(seen, entry, deciders)),
        "flips": [],
        "unknown": [],
        "questions": [],
        "evidence": list(_evidence(seen, entry)) if best["mesh"] is not None else [],
        "options": [{key: value for key, value in option.items() if key != "lacks"} for option in options],
        "parts": _parts(seen),
        "rows": list(_rows(seen, entry)),
        "contradictions": [row.reason for row in seen.tables.impossible if seen.holding[row.condition]],
        "_answer": answer_of(best),
        "_standing": best["standing"],
        "_runs": seen.runs,
    }
    verdict["sentence"] = sentence(
        verdict, seen.runs, entry, chosen, seen.asked if seen.facts["needs"] is not None else None
    )
    return verdict


# --- options --------------------------------------------------------------------------------------------------------


STANDINGS = {ELIGIBLE: True, OPEN: None, UNMET: False, RULED_OUT: False}


def _option(seen: _Seen, entry: Standing, rank: int) -> dict[str, Any]:
    lacks = [*(_lack(seen, entry, row, state=False) for row in entry.failing), *_short(seen, entry, unread=False)]
    open_ones = [*(_lack(seen, entry, row, state=None) for row in entry.open), *_short(seen, entry, unread=True)]
    missing = [name for lack in open_ones for name in lack["missing"]]
    missing += ["needs"] if seen.facts["needs"] is None else []
    return {
        "cni": entry.cni.id or None,
        "mesh": entry.mesh.id,
        "edition": {side: getattr(entry, side).edition or None for side in SIDES},
        "label": f"{_label(entry.cni)}; {_label(entry.mesh)}" + (", tuned" if entry.tuned else ""),
        "tuned": entry.tuned,
        "today": entry.cni.today and (entry.mesh.today or entry.mesh.id == NONE == seen.runs["mesh"].id),
        "eligible": STANDINGS[entry.standing],
        "unmet": entry.lacking,
        "unknown": list(dict.fromkeys([*entry.unread, *missing])),
        "why_not": joined([lack["why"] for lack in lacks or open_ones]) or None,
        "rank": rank,
        "dataplane": _dataplane(entry.mesh),
        "paid": any(side.only is not None and side.only.paid for side in (entry.cni, entry.mesh)),
        "caveats": list(_caveats(seen, entry)),
        "lacks": lacks,
    }


def _dataplane(mesh: Side) -> str | None:
    """The data plane whose figures are those of a mesh; None where no model answers for it."""
    found = {option.dataplane for option in mesh.options}
    return next(iter(found)) or None if len(found) == 1 else None


def _about(condition: Condition, entry: Standing) -> Condition:
    return about(condition, None if entry.cni.today else entry.cni)


def _label(side: Side) -> str:
    """What a side is called; of what runs today in an edition that is not known, the name of the product alone."""
    if side.only:
        return side.only.label
    return product(side.id)


def _lack(seen: _Seen, entry: Standing, requirement: Requirement, *, state: bool | None) -> dict[str, Any]:
    condition = _about(requirement.condition, entry)
    names = [name for name in schema() if name in inputs_of(condition)]
    found = [
        f"{inputs()[name].label.lower()}: {said(seen.facts[name])}" for name in names if seen.facts[name] is not None
    ]
    missing = [] if state is not None else [name for name in names if seen.facts[name] is None]
    words = f"needs {requirement.requirement}"
    if missing:
        words += f" (not known: {', '.join(inputs()[name].label.lower() for name in missing)})"
    return {
        "side": requirement.side,
        "requirement": requirement.requirement,
        "found": ", ".join(found) if state is not None else None,
        "missing": missing,
        "source_id": requirement.source_id,
        "why": words,
    }


def _short(seen: _Seen, entry: Standing, *, unread: bool) -> Iterator[dict[str, Any]]:
    """Needs that a pair does not meet, or of which nobody read whether it does, with what was read."""
    for need in entry.unread if unread else entry.lacking:
        cells = [(side, _cell(seen, getattr(entry, side), need)) for side in _counting(seen.tables, need)]
        read = [(side, cell) for side, cell in cells if cell and cell.support != "not read"]
        notes = joined([f"{_label(getattr(entry, side))}: {_note(cell)}" for side, cell in read])
        label = need_label(need)
        words = f"nobody has read whether it meets {label}" if unread and not read else f"{label}: {notes or 'no mesh'}"
        if unread and not entry.cni.only:
            words = f"{label} depends on the edition of what runs today"
        yield {
            "side": seen.tables.layers[need],
            "requirement": need,
            "found": notes or None,
            "missing": [
                f"current_{side}_edition" for side in SIDES if unread and len(getattr(entry, side).options) > 1
            ],
            "source_id": ";".join(dict.fromkeys(cell.source_id for _, cell in read)),
            "why": words,
        }


def _counting(tables: Tables, need: str) -> tuple[str, ...]:
    layer = tables.layers[need]
    return (layer,) if layer in SIDES else SIDES


def _cell(seen: _Seen, side: Side, need: str) -> Cell | None:
    option = side.only
    return seen.tables.cell(option, need, seen.platform) if option else None


def _note(cell: Cell) -> str:
    return f"{cell.support}; {cell.note}" if cell.note else cell.support


def _caveats(seen: _Seen, entry: Standing) -> Iterator[str]:
    """What comes with an option: requirements that do not rule it out, and needs that it meets in part or as a beta."""
    for row in entry.requirements:
        if not row.blocks and seen.holding[_about(row.condition, entry)] is False:
            yield f"{_label(entry.cni if row.side == 'cni' else entry.mesh)}: {row.requirement}"
    for need in seen.asked:
        for side in _deciding_sides(seen, entry, need):
            cell = _cell(seen, side, need)
            if cell and (cell.support != "yes" or not cell.released):
                yield f"{need_label(need)} by {_label(side)}: {_note(cell)}"


def _evidence(seen: _Seen, entry: Standing) -> Iterator[dict[str, Any]]:
    """By which side a pair meets each need that is asked, with the text that says so."""
    for need in seen.asked:
        for side in _deciding_sides(seen, entry, need):
            cell = _cell(seen, side, need)
            yield {
                "need": need,
                "side": side.side,
                "label": _label(side),
                "support": cell.support if cell else "every edition of it in question",
                "note": cell.note if cell else "",
                "source_id": cell.source_id if cell else "",
                "text_date": cell.text_date if cell else None,
                "stale": bool(cell) and is_stale(seen.tables, cell.text_date),
            }


def _deciding_sides(seen: _Seen, entry: Standing, need: str) -> list[Side]:
    """The sides by which a pair meets a need; of two that would do, the one that does so best."""
    sides = [getattr(entry, name) for name in _counting(seen.tables, need)]
    spec = inputs()["needs"]
    meeting = [side for side in sides if side.met & bit(spec, need)]
    if seen.tables.layers[need] == "any" and len(meeting) > 1:
        cells = [_cell(seen, side, need) for side in meeting]
        best = min(range(len(meeting)), key=lambda n: (cell := cells[n]) is None or cell.support != "yes")
        return [meeting[best]]
    return meeting


def _grade(seen: _Seen, entry: Standing) -> str:
    """The worst grade of the evidence behind a need that is asked."""
    grades = [0]
    for side in (entry.cni, entry.mesh):
        grades += [1] if side.only and side.only.status in ("beta", "preview") else []
    for need in seen.asked:
        for side in _deciding_sides(seen, entry, need):
            cell = _cell(seen, side, need)
            if cell:
                grades.append(2 if "inferred" in cell.note else 0 if cell.is_finished else 1)
        if not _deciding_sides(seen, entry, need):
            grades.append(3)
    return GRADES[max(grades)]


def _parts(seen: _Seen) -> list[dict[str, Any]]:
    """Each network and each mesh option alone, with the needs of its own layer that it lacks."""
    told: dict[tuple[str, str, str, bool], dict[str, Any]] = {}
    spec = inputs()["needs"]
    for entry in seen.pairs:
        for name in SIDES:
            side: Side = getattr(entry, name)
            mine = [need for need in seen.asked if seen.tables.layers[need] == name]
            unmet = [need for need in mine if side.unmet & bit(spec, need)]
            unread = [need for need in mine if not (side.unmet | side.met) & bit(spec, need)]
            told.setdefault(
                (name, side.id, side.edition, side.today),
                {
                    "side": name,
                    "option": side.id or None,
                    "edition": side.edition or None,
                    "label": _label(side),
                    "today": side.today,
                    "unmet": unmet,
                    "unread": unread,
                },
            )
    return list(told.values())


# --- reasons --------------------------------------------------------------------------------------------------------


def _decider(seen: _Seen, best: Row, side: str) -> Preference | None:
    return next((row for row in seen.tables.of_side(side) if row.id == best[f"{side}_row"]), None)


def _states(seen: _Seen, entry: Standing, side: str) -> Iterator[tuple[Preference, bool]]:
    """The preferences of a side that hold for the network that is recommended."""
    for row in seen.tables.of_side(side):
        state = seen.holding.get(_about(row.condition, entry))
        if state or (state is None and row.lenient):
            yield row, True


def _matched(seen: _Seen, entry: Standing, deciders: Mapping[str, Preference | None]) -> Iterator[str]:
    ids = [row.id for side in SIDES for row, _ in _states(seen, entry, side)]
    yield from dict.fromkeys([*(row.id for row in deciders.values() if row), *ids])


STATES = {True: "matched", False: "not matched", None: "unknown"}


def _rows(seen: _Seen, entry: Standing) -> Iterator[dict[str, Any]]:
    """Every preference with its state, as it reads for the network that is recommended."""
    for side in SIDES:
        for row in seen.tables.of_side(side):
            condition = _about(row.condition, entry)
            state = seen.holding.get(condition)
            names = inputs_of(condition) if state is None else ()
            yield {
                "table": side,
                "id": row.id,
                "priority": row.priority,
                "condition": row.text,
                "recommendation": row.option,
                "reason": row.reason,
                "source_id": row.source_id,
                "state": STATES[state],
                "missing": [name for name in schema() if name in names and seen.facts[name] is None],
            }


UNDECIDED = {
    "cni": "No preference names one of the networks that meet what is asked; this is the smallest change among them.",
    "mesh": "No preference names one of the meshes that meet what is asked; this is the smallest change among them.",
}


def _reasons(
    seen: _Seen, entry: Standing, deciders: Mapping[str, Preference | None], chosen: Mapping[str, Any]
) -> Iterator[str]:
    for side, row in deciders.items():
        if side == "mesh" and seen.facts["needs"] is None:
            continue
        yield row.reason if row else UNDECIDED[side]
    if entry.cni.today and len(entry.cni.options) > 1 and chosen["eligible"] is None:
        yield f"Which edition of {_label(entry.cni)} runs decides whether it meets everything."
    yield from chosen["caveats"]


def _prefers(seen: _Seen, row: Preference, entry: Standing) -> bool:
    return prefers(row, entry.cni if row.side == "cni" else entry.mesh, seen.runs[row.side])


def _blockers(options: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What rules options out, each once with the options that it rules out."""
    told: dict[tuple[str, str, str], dict[str, Any]] = {}
    for option in options:
        for lack in option["lacks"] if option["eligible"] is False else ():
            name = option[lack["side"]] if lack["side"] in SIDES else f"{option['cni']}+{option['mesh']}"
            key = (str(name), lack["requirement"], lack["found"] or "")
            told.setdefault(
                key,
                {
                    "option": name,
                    "requirement": lack["requirement"],
                    "found": lack["found"],
                    "source_id": lack["source_id"],
                },
            )
    yield from told.values()


def _conflicts(seen: _Seen, entry: Standing, deciders: Mapping[str, Preference | None]) -> Iterator[dict[str, Any]]:
    """Preferences that hold and speak for another option.

    One before the preference that decided has an option that cannot be had here, which is told; of those after it only
    what could be had as well is an argument. One that holds of every cluster is none.
    """
    for side, decider in deciders.items():
        for row, _ in _states(seen, entry, side):
            if row is decider or row.condition == ALWAYS or _prefers(seen, row, entry):
                continue
            rows = [pair for pair in seen.pairs if _prefers(seen, row, pair)]
            before = decider is not None and row.priority < decider.priority
            if rows and (before or any(pair.standing == ELIGIBLE for pair in rows)):
                yield {
                    "side": side,
                    "id": row.id,
                    "recommendation": row.option,
                    "reason": row.reason,
                    "source_id": row.source_id,
                    "ruled_out": all(pair.standing in (UNMET, RULED_OUT) for pair in rows),
                    "decided_by": decider.id if decider else None,
                    "decided_reason": decider.reason if decider else UNDECIDED[side],
                }


# --- what could change it -------------------------------------------------------------------------------------------


def _look_out(own: pl.DataFrame, raw: Row, verdict: dict[str, Any], tables: Tables) -> None:
    """Work out what is not known, what to ask, and what would flip the verdict."""
    answer: Answer = verdict["_answer"]
    row = own.select(
        *present_cells(tables), *(pl.col(column_of(name)).is_not_null().alias(f"known:{name}") for name in inputs())
    ).row(0, named=True)
    row |= {f"{side}:runs": known_running(tables, side).index(verdict["_runs"][side]) for side in SIDES}
    verdict["unknown"] = open_facts(own, row, answer, tables)
    verdict["settled"] = not verdict["unknown"] and verdict["mesh"] is not None and verdict["_standing"] == ELIGIBLE
    if verdict["_standing"] != ELIGIBLE or verdict["mesh"] is None or verdict["cni"] is None:
        verdict["questions"] = first_questions(own, row, tables)
    else:
        verdict["flips"] = [
            _flip(raw, change, verdict, after)
            for change, after in flips(own, row, answer, tables, lambda frame: _of_frame(frame, raw, tables))
        ]


def _of_frame(frame: pl.DataFrame, raw: Row, tables: Tables) -> list[dict[str, Any]]:
    return _explained(frame, [raw] * len(frame), tables)


def _flip(raw: Row, change: Change, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """One change, the answer that it leads to, and why: what the first option then lacks, or what becomes possible."""
    changed = change.on(raw)
    spec = inputs()[change.input]
    left = before["options"][0]
    then = next((o for o in after["options"] if _same(o, left)), None)
    if then is not None and then["eligible"] is not True and then["why_not"]:
        why = f"{left['label']} then falls short: {then['why_not']}"
    else:
        now = next((o for o in before["options"] if _same(o, after["options"][0])), None)
        why = (
            f"{now['label']} becomes possible: until then, {now['why_not']}"
            if now is not None and now["eligible"] is not True and now["why_not"]
            else (after["reasons"] or [""])[0]
        )
    at = raw[change.input]
    margin = None
    if spec.type in ("integer", "number") and at is not None:
        margin = f"at {said(changed[change.input])}; you are at {said(at)}"
    return {
        "input": change.input if change.member is None else f"needs: {change.member}",
        "from": at,
        "to": changed[change.input],
        "cni": after["cni"],
        "mesh": after["mesh"],
        "edition": after["edition"],
        "recommendation": f"{after['cni']}, {after['mesh']}",
        "margin": margin,
        "why": why,
        "sentence": after["sentence"],
        "changes": [{"input": change.input, "from": at, "to": changed[change.input]}],
    }


def _same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    keys: Iterable[str] = ("cni", "mesh", "edition", "tuned")
    return all(first[key] == second[key] for key in keys)
