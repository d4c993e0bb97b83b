"""Why a verdict is what it is: rows, options, reasons, conflicts, confidence and flips, as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from meshlab.decision.completions import Completions, completions
from meshlab.decision.conditions import compile_condition, inputs_of
from meshlab.decision.eligibility import NOT_READ, Hurdle, hurdles
from meshlab.decision.flips import Candidates, candidates, present_cells, smallest
from meshlab.decision.states import RESULTING_CNI_COLUMN, compare_scenarios, row_states, with_all_inputs
from meshlab.decision.tables import OPTIONS, RESULTING_CNI, Rule, Tables, load_tables
from meshlab.decision.verdict import verdicts
from meshlab.scenario import schema

NO_FLIP = "no change of one or two of the known facts changes the answer"

BATCH = 32
"""Scenarios whose completions and candidates are decided in one query."""

STATES = {True: "matched", False: "not matched", None: "unknown"}

Row = Mapping[str, Any]


def explain(scenarios: pl.DataFrame, tables: Tables | None = None) -> list[dict[str, object]]:
    """The verdict of each scenario with everything that bears on it: INTERFACE.md's ``decide``, and more beside it.

    Beyond INTERFACE.md: ``rows``, every table row with its state; ``options``, every option with what it lacks;
    ``confidence_cni`` and ``confidence_mesh``; ``confidence_basis``, how confidence was computed; ``alternatives``, the
    other answers with their share of the completions; ``flip_note``, where no one or two changes flip the answer; and
    ``contradictions``, why the facts as stated cannot hold together.

    Args:
        scenarios: Columns of INTERFACE.md; absent ones count as missing.
        tables: Decision tables; ours unless given.
    """
    tables = tables or load_tables()
    frame = with_all_inputs(scenarios.lazy()).collect()
    told_beside = _hurdle_states(tables) | _contradictions(tables)
    states = verdicts(frame, tables).with_columns(**told_beside).collect()
    told: list[dict[str, object]] = []
    for start in range(0, frame.height, BATCH):
        facts = frame.slice(start, BATCH).select(list(schema()))
        rows = states.slice(start, BATCH).rows(named=True)
        sureness = _outcomes(facts, rows, tables)
        told += [_explained(row, outcome, tables) for row, outcome in zip(rows, sureness, strict=True)]
    return told


def _explained(row: Row, outcome: dict[str, object], tables: Tables) -> dict[str, object]:
    deciders = {kind: _decider(row, tables, kind) for kind in OPTIONS}
    return {
        "scenario": row["scenario"],
        "cni": row["cni"],
        "mesh": row["mesh"],
        "confidence": outcome.pop("confidence"),
        "matched": row["matched"],
        "reasons": [rule.reason for rule in deciders.values()] + _caveats(row, deciders, tables),
        "blockers": _blockers(row, tables),
        "conflicts": list(_conflicts(row, deciders, tables)),
        "flips": outcome.pop("flips"),
        "unknown": row["unknown"],
        **outcome,
        "rows": [_row(rule, row) for rule in tables.rules],
        "contradictions": [rule.reason for rule in tables.impossible if row[f"impossible:{rule.id}"]],
        "options": [_option(row, tables, kind, option) for kind, options in OPTIONS.items() for option in options],
    }


def _decider(row: Row, tables: Tables, kind: str) -> Rule:
    return next(rule for rule in tables.rules if rule.id == row[f"{kind}_row"])


# --- rows and options -----------------------------------------------------------------------------------------------


def _hurdle_states(tables: Tables) -> dict[str, pl.Expr]:
    return {
        f"hurdle:{kind}:{option}:{place}": compile_condition(hurdle.condition, compare_scenarios)
        for (kind, option), group in hurdles(tables).items()
        for place, hurdle in enumerate(group)
    }


def _contradictions(tables: Tables) -> dict[str, pl.Expr]:
    return {f"impossible:{row.id}": compile_condition(row.condition, compare_scenarios) for row in tables.impossible}


def _standing(row: Row, tables: Tables, kind: str, option: str) -> Iterator[tuple[Hurdle, bool | None]]:
    """Hurdles of an option that stand or may stand, with true or, where a missing fact says, None."""
    for place, hurdle in enumerate(hurdles(tables)[kind, option]):
        state = row[f"hurdle:{kind}:{option}:{place}"]
        if state is not False:
            yield hurdle, True if state else None


def _row(rule: Rule, row: Row) -> dict[str, object]:
    state = row[f"row:{rule.id}"]
    return {
        "table": rule.table,
        "id": rule.id,
        "priority": rule.priority,
        "condition": rule.text,
        "recommendation": rule.recommendation,
        "reason": rule.reason,
        "source_id": rule.source_id,
        "state": STATES[state],
        "missing": [] if state is not None else _missing(row, inputs_of(rule.condition)),
    }


def _missing(row: Row, names: frozenset[str] | tuple[str, ...]) -> list[str]:
    facts = {"current_cni" if name == RESULTING_CNI else name for name in names}
    return [name for name in schema() if name in facts and row[name] is None]


def _option(row: Row, tables: Tables, kind: str, option: str) -> dict[str, object]:
    """What an option lacks. It is eligible, not eligible, or None where a fact or the evidence is missing."""
    standing = list(_standing(row, tables, kind, option))
    lacks = [_lack(row, hurdle, state) for hurdle, state in standing if hurdle.blocks]
    refused = any(state and hurdle.blocks and hurdle.found != NOT_READ for hurdle, state in standing)
    return {
        "kind": kind,
        "option": option,
        "eligible": False if refused else None if lacks else True,
        "lacks": lacks,
        "caveats": [_lack(row, hurdle, state) for hurdle, state in standing if state and not hurdle.blocks],
    }


def _lack(row: Row, hurdle: Hurdle, state: bool | None) -> dict[str, object]:  # noqa: FBT001  (a Kleene truth value)
    return {
        "requirement": hurdle.requirement,
        "found": _found(row, hurdle) if state else None,
        "missing": [] if state else _missing(row, inputs_of(hurdle.condition)),
        "source_id": hurdle.source_id,
    }


def _found(row: Row, hurdle: Hurdle) -> str:
    if not hurdle.inputs:
        return hurdle.found
    facts = [(name, row[RESULTING_CNI_COLUMN if name == RESULTING_CNI else name]) for name in hurdle.inputs]
    return ", ".join(f"{name} {_said(value)}" for name, value in facts if value is not None)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


# --- reasons --------------------------------------------------------------------------------------------------------


def _caveats(row: Row, deciders: Mapping[str, Rule], tables: Tables) -> list[str]:
    """What comes with the recommended options: partial and beta capabilities, and requirements that do not block."""
    return [
        f"{rule.recommendation}: {hurdle.requirement}" + ("" if hurdle.inputs else f" is {hurdle.found}")
        for kind, rule in deciders.items()
        for hurdle, state in _standing(row, tables, kind, rule.recommendation)
        if state and not hurdle.blocks
    ]


def _blockers(row: Row, tables: Tables) -> list[dict[str, object]]:
    """What rules options out; first those that kept a row from deciding whose condition holds."""
    blockers = [
        {
            "kind": kind,
            "option": option,
            "requirement": hurdle.requirement,
            "found": _found(row, hurdle),
            "rows": _held_up(row, tables, kind, option),
            "source_id": hurdle.source_id,
        }
        for kind, options in OPTIONS.items()
        for option in options
        for hurdle, state in _standing(row, tables, kind, option)
        if state and hurdle.blocks
    ]
    return sorted(blockers, key=lambda blocker: not blocker["rows"])


def _held_up(row: Row, tables: Tables, kind: str, option: str) -> list[str]:
    return [
        rule.id
        for rule in tables.rules
        if (rule.table, rule.recommendation) == (kind, option) and row[f"row:{rule.id}"] and not rule.is_default
    ]


def _conflicts(row: Row, deciders: Mapping[str, Rule], tables: Tables) -> Iterator[dict[str, object]]:
    """Rows that hold and recommend otherwise, each beside the row that decided, with both reasons."""
    for rule in tables.rules:
        decider = deciders[rule.table]
        if row[f"row:{rule.id}"] and not rule.is_default and rule.recommendation != decider.recommendation:
            yield {
                "table": rule.table,
                "id": rule.id,
                "recommendation": rule.recommendation,
                "reason": rule.reason,
                "source_id": rule.source_id,
                "ruled_out": bool(row[f"blocked:{rule.table}:{rule.recommendation}"]),
                "decided_by": decider.id,
                "decided_recommendation": decider.recommendation,
                "decided_reason": decider.reason,
            }


# --- confidence and flips -------------------------------------------------------------------------------------------


def _outcomes(facts: pl.DataFrame, rows: Sequence[Row], tables: Tables) -> list[dict[str, object]]:
    """Confidence and flips of some scenarios. All completions and candidates of them are decided in one query."""
    scenarios = facts.rows(named=True)
    filled = [completions(scenario, row["unknown"], tables) for scenario, row in zip(scenarios, rows, strict=True)]
    tried = [
        candidates(scenario, present, tables)
        for scenario, present in zip(scenarios, present_cells(facts, tables), strict=True)
    ]
    frames = [part.frame.select(list(schema())) for part in (*filled, *tried)]
    possible = ~compile_condition(tables.contradiction, compare_scenarios).fill_null(value=False)
    states = row_states(pl.concat(frames), tables)
    answers = states.select("cni", "mesh", possible=possible).collect()
    sizes = [frame.height for frame in frames]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    parts = [answers.slice(start, size) for start, size in zip(starts, sizes, strict=True)]
    return [
        _sureness(row, fill, parts[place]) | _flips(scenario, row, attempt, parts[len(rows) + place])
        for place, (scenario, row, fill, attempt) in enumerate(zip(scenarios, rows, filled, tried, strict=True))
    ]


def _sureness(row: Row, fill: Completions, answers: pl.DataFrame) -> dict[str, object]:
    weighed = answers.with_columns(fill.frame["weight"])
    if weighed["possible"].any():  # facts that contradict each other as they stand leave no possible completion
        weighed = weighed.filter("possible").with_columns(pl.col("weight") / pl.col("weight").sum())
    shares = (
        weighed.group_by("cni", "mesh").agg(share=pl.col("weight").sum()).sort("share", "cni", "mesh", descending=True)
    )
    same_cni, same_mesh = pl.col("cni").eq(row["cni"]), pl.col("mesh").eq(row["mesh"])
    confidence = _share(weighed, same_cni & same_mesh)
    return {
        "confidence": confidence,
        "confidence_cni": _share(weighed, same_cni),
        "confidence_mesh": _share(weighed, same_mesh),
        "confidence_basis": {
            "method": "exact" if fill.exact else "sample",
            "completions": weighed.height,
            "standard_error": 0.0 if fill.exact else _standard_error(confidence, weighed.height),
        },
        "alternatives": [
            {"cni": cni, "mesh": mesh, "share": round(share, 6)}
            for cni, mesh, share in shares.filter(~(same_cni & same_mesh)).iter_rows()
        ],
    }


def _standard_error(share: float, size: int) -> float:
    return round(math.sqrt(share * (1 - share) / size), 4)


def _share(weighed: pl.DataFrame, same: pl.Expr) -> float:
    return round(min(1.0, weighed.select(pl.col("weight").filter(same).sum()).item()), 6)


def _flips(scenario: Row, row: Row, attempt: Candidates, answers: pl.DataFrame) -> dict[str, object]:
    verdict = (str(row["cni"]), str(row["mesh"]))
    possible = answers["possible"].to_list()
    sets = [changes for changes, can_be in zip(attempt.changes, possible, strict=True) if can_be]
    flips = smallest(scenario, verdict, sets, answers.filter("possible").select("cni", "mesh").rows())
    return {"flips": flips, "flip_note": None if flips else NO_FLIP}
