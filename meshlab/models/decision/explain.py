"""Why a verdict is what it is: options with what each lacks, reasons, what would flip it, and what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.changes import ANSWER, Answer, Change, flips, open_facts, present_cells
from meshlab.models.decision.conditions import Condition, bit, compile_condition, inputs_of
from meshlab.models.decision.contests import Context, Entry, Side, about, prefers
from meshlab.models.decision.decide import (
    ELIGIBLE,
    NO_PREFERENCE,
    OPEN,
    RULED_OUT,
    UNMET,
    WORD,
    Contests,
    answered,
    column_of,
    compare,
    compared,
    contests_of,
    standings,
)
from meshlab.models.decision.questions import Question, first_questions
from meshlab.models.decision.tables import NONE, SIDES, TODAY, Cell, Preference, Requirement, Tables, load_tables
from meshlab.models.decision.words import joined, need_label, product, said, sentence
from meshlab.scenario import inputs, schema, with_all_inputs

GRADES = ("documented", "beta", "extrapolated", "prior")
"""How good the evidence is that an option meets what is asked: released and documented; alpha, beta or preview; inferred
from another edition's text; not read anywhere."""

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
    frame = compared(facts).collect().with_row_index("row")
    told = _explained(frame, facts.rows(named=True), tables)
    if outlook:
        for own, raw, verdict in zip(frame.iter_slices(1), facts.rows(named=True), told, strict=True):
            _look_out(own.drop("row"), raw, verdict, tables)
    return [{key: value for key, value in verdict.items() if not key.startswith("_")} for verdict in told]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One scenario as its contest sees it."""

    facts: Row
    context: Context
    entries: Sequence[Entry]
    rows: Sequence[Row]
    contests: Contests
    holding: Mapping[Condition, bool | None]
    tables: Tables

    @property
    def asked(self) -> list[str]:
        return list(self.facts["needs"] or ())

    def needs(self, bits: int) -> list[str]:
        """The needs of some bits, in their declared order."""
        spec = inputs()["needs"]
        return [need for need in spec.choices if bits & bit(spec, need)]


def _explained(frame: pl.DataFrame, facts: Sequence[Row], tables: Tables) -> list[dict[str, Any]]:
    found = contests_of(frame, tables)
    contests, lazy = found
    conditions = _spoken_conditions(contests, tables)
    states = frame.select(
        compile_condition(condition, compare).alias(str(place)) for place, condition in enumerate(conditions)
    ).rows()
    pairs = standings(found, tables).sort("row", "order").collect().partition_by("row", maintain_order=True)
    best = answered(found, tables).sort("row").collect().rows(named=True)
    told = []
    for row, of_pairs, state, raw in zip(best, pairs, states, facts, strict=True):
        context = row["context"]
        seen = _Seen(
            raw,
            contests.contexts[context],
            contests.entries[context],
            of_pairs.rows(named=True),
            contests,
            dict(zip(conditions, state, strict=True)),
            tables,
        )
        told.append(_verdict(seen, row))
    return told


@kept_latest(64)
def _spoken_conditions(contests: Contests, tables: Tables) -> tuple[Condition, ...]:
    """Conditions that an explanation tells of: caveats and preferences of every pair, and what cannot hold together."""
    entries = [entry for entered in contests.entries for entry in entered]
    caveats = [about(row.condition, e.cni) for e in entries for row in e.requirements if not row.blocks]
    preferences = [item.condition for ranked in contests.preferences.values() for item in ranked]
    return tuple(dict.fromkeys((*caveats, *preferences, *(row.condition for row in tables.impossible))))


def _verdict(seen: _Seen, best: Row) -> dict[str, Any]:
    options = [_option(seen, row, rank) for rank, row in enumerate(seen.rows, 1)]
    entry, chosen = seen.entries[best["place"]], options[0]
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
        "options": [{key: value for key, value in option.items() if key != "lacks"} for option in options],
        "parts": _parts(seen),
        "contradictions": [row.reason for row in seen.tables.impossible if seen.holding[row.condition]],
        "_answer": tuple(best[name] for name in ANSWER),
        "_standing": best["standing"],
    }
    verdict["sentence"] = sentence(
        verdict, seen.context, entry, chosen, seen.asked if seen.facts["needs"] is not None else None
    )
    return verdict


# --- options --------------------------------------------------------------------------------------------------------


STANDINGS = {ELIGIBLE: True, OPEN: None, UNMET: False, RULED_OUT: False}


def _option(seen: _Seen, row: Row, rank: int) -> dict[str, Any]:
    entry = seen.entries[row["place"]]
    lacks = [*_failing(seen, entry, row), *_short(seen, entry, row["lacking"], unread=False)]
    open_ones = [*_open(seen, entry, row), *_short(seen, entry, row["unread"], unread=True)]
    missing = [name for lack in open_ones for name in lack["missing"]]
    missing += ["needs"] if seen.facts["needs"] is None else []
    return {
        "cni": entry.cni.id or None,
        "mesh": entry.mesh.id,
        "edition": {side: getattr(entry, side).edition or None for side in SIDES},
        "label": f"{_label(entry.cni)}; {_label(entry.mesh)}" + (", tuned" if entry.tuned else ""),
        "tuned": entry.tuned,
        "today": entry.today or (entry.cni.today and entry.mesh.id == NONE == seen.context.mesh.id),
        "eligible": STANDINGS[row["standing"]],
        "unmet": seen.needs(row["lacking"]),
        "unknown": list(dict.fromkeys([*seen.needs(row["unread"]), *missing])),
        "why_not": joined([lack["why"] for lack in lacks or open_ones]) or None,
        "rank": rank,
        "caveats": list(_caveats(seen, entry)),
        "lacks": lacks,
    }


def _label(side: Side) -> str:
    """What a side is called; of what runs today in an edition that is not known, the name of the product alone."""
    if side.only:
        return side.only.label
    return product(side.id)


def _failing(seen: _Seen, entry: Entry, row: Row) -> Iterator[dict[str, Any]]:
    yield from (_lack(seen, entry, requirement, state=False) for requirement in _of_bits(seen, entry, row, "failing"))


def _open(seen: _Seen, entry: Entry, row: Row) -> Iterator[dict[str, Any]]:
    yield from (_lack(seen, entry, requirement, state=None) for requirement in _of_bits(seen, entry, row, "open"))


def _of_bits(seen: _Seen, entry: Entry, row: Row, name: str) -> Iterator[Requirement]:
    """The requirements of a pair whose bits are set."""
    for requirement in entry.requirements:
        condition = about(requirement.condition, entry.cni)
        if requirement.blocks and condition in seen.contests.blocking:
            word, place = divmod(seen.contests.blocking.index(condition), WORD)
            if row[f"{name}:{word}"] >> place & 1:
                yield requirement


def _lack(seen: _Seen, entry: Entry, requirement: Requirement, *, state: bool | None) -> dict[str, Any]:
    condition = about(requirement.condition, entry.cni)
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


def _short(seen: _Seen, entry: Entry, bits: int, *, unread: bool) -> Iterator[dict[str, Any]]:
    """Needs that a pair does not meet, or of which nobody read whether it does, with what was read."""
    for need in seen.needs(bits):
        cells = [(side, _cell(seen, getattr(entry, side), need)) for side in _counting(seen.tables, need)]
        read = [(side, cell) for side, cell in cells if cell and cell.support != "not read"]
        notes = joined([f"{_label(getattr(entry, side))}: {_note(cell)}" for side, cell in read])
        label = need_label(need)
        words = f"nobody has read whether it meets {label}" if unread and not read else f"{label}: {notes or 'no mesh'}"
        if unread and not getattr(entry, "cni").only:
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
    return seen.tables.cell(option, need, seen.context.platform) if option else None


def _note(cell: Cell) -> str:
    return f"{cell.support}; {cell.note}" if cell.note else cell.support


def _caveats(seen: _Seen, entry: Entry) -> Iterator[str]:
    """What comes with an option: requirements that do not rule it out, and needs that it meets in part or as a beta."""
    for row in entry.requirements:
        if not row.blocks and seen.holding[about(row.condition, entry.cni)] is False:
            yield f"{_label(entry.cni if row.side == 'cni' else entry.mesh)}: {row.requirement}"
    for need in seen.asked:
        for side in _deciding_sides(seen, entry, need):
            cell = _cell(seen, side, need)
            if cell and (cell.support != "yes" or not cell.released):
                yield f"{need_label(need)} by {_label(side)}: {_note(cell)}"


def _deciding_sides(seen: _Seen, entry: Entry, need: str) -> list[Side]:
    """The sides by which a pair meets a need; of two that would do, the one that does so best."""
    sides = [getattr(entry, name) for name in _counting(seen.tables, need)]
    spec = inputs()["needs"]
    meeting = [side for side in sides if side.met & bit(spec, need)]
    if seen.tables.layers[need] == "any" and len(meeting) > 1:
        cells = [_cell(seen, side, need) for side in meeting]
        best = min(range(len(meeting)), key=lambda n: (cell := cells[n]) is None or cell.support != "yes")
        return [meeting[best]]
    return meeting


def _grade(seen: _Seen, entry: Entry) -> str:
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
    for entry in seen.entries:
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


def _states(seen: _Seen, entry: Entry, side: str) -> Iterator[tuple[Preference, bool]]:
    """The preferences of a side that hold for the network that is recommended."""
    for row in seen.tables.of_side(side):
        state = seen.holding.get(about(row.condition, entry.cni))
        if state or (state is None and row.lenient):
            yield row, True


def _matched(seen: _Seen, entry: Entry, deciders: Mapping[str, Preference | None]) -> Iterator[str]:
    ids = [row.id for side in SIDES for row, _ in _states(seen, entry, side)]
    yield from dict.fromkeys([*(row.id for row in deciders.values() if row), *ids])


UNDECIDED = {
    "cni": "No preference names one of the networks that meet what is asked; this is the smallest change among them.",
    "mesh": "No preference names one of the meshes that meet what is asked; this is the smallest change among them.",
}


def _reasons(
    seen: _Seen, entry: Entry, deciders: Mapping[str, Preference | None], chosen: Mapping[str, Any]
) -> Iterator[str]:
    for side, row in deciders.items():
        if side == "mesh" and seen.facts["needs"] is None:
            continue
        yield row.reason if row else UNDECIDED[side]
    if entry.cni.today and len(entry.cni.options) > 1 and chosen["eligible"] is None:
        yield f"Which edition of {_label(entry.cni)} runs decides whether it meets everything."
    yield from chosen["caveats"]


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


def _conflicts(seen: _Seen, entry: Entry, deciders: Mapping[str, Preference | None]) -> Iterator[dict[str, Any]]:
    """Preferences that hold and speak for another option, with whether that option can be had here."""
    for side, decider in deciders.items():
        for row, _ in _states(seen, entry, side):
            if row is decider or prefers(row, entry):
                continue
            rows = [item for item in seen.rows if prefers(row, seen.entries[item["place"]])]
            if rows:
                yield {
                    "side": side,
                    "id": row.id,
                    "recommendation": row.option,
                    "reason": row.reason,
                    "source_id": row.source_id,
                    "ruled_out": all(item["standing"] in (UNMET, RULED_OUT) for item in rows),
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
    verdict["unknown"] = open_facts(own, row, answer, tables)
    verdict["settled"] = not verdict["unknown"] and verdict["mesh"] is not None and verdict["_standing"] == ELIGIBLE
    if verdict["_standing"] != ELIGIBLE or verdict["mesh"] is None or verdict["cni"] is None:
        verdict["questions"] = first_questions(own, row, raw, verdict, tables)
    else:
        verdict["flips"] = [
            _flip(raw, change, verdict, after)
            for change, after in flips(own, row, answer, tables, lambda frame: _of_frame(frame, raw, tables))
        ]


def _of_frame(frame: pl.DataFrame, raw: Row, tables: Tables) -> list[dict[str, Any]]:
    return _explained(frame.with_row_index("row"), [raw] * len(frame), tables)


def _flip(raw: Row, change: Change, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """One change, the answer that it leads to, and why: what the option of before then lacks, or what becomes possible."""
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
