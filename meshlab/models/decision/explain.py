"""Why a verdict is what it is: rows, options, reasons, conflicts, confidence and flips, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.conditions import compile_condition, inputs_of
from meshlab.models.decision.eligibility import NOT_READ, Hurdle, hurdles
from meshlab.models.decision.flips import present_answers
from meshlab.models.decision.outcomes import outcomes
from meshlab.models.decision.states import compare_scenarios, compared_column, hurdle_columns
from meshlab.models.decision.tables import OPTIONS, RESULTING_CNI, Rule, Tables, load_tables
from meshlab.models.decision.verdict import verdicts
from meshlab.scenario import collect_few, schema

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
    states = collect_few(verdicts(scenarios, tables).with_columns(_beside(tables)))
    told: list[dict[str, object]] = []
    for batch in states.iter_slices(BATCH):
        rows = batch.rows(named=True)
        told += [_explained(row, found, tables) for row, found in zip(rows, outcomes(batch, rows, tables), strict=True)]
    return told


@kept_latest(16)
def _beside(tables: Tables) -> list[pl.Expr]:
    """What an explanation needs beside the verdict: contradictions, and what the comparisons say of each axis."""
    impossible = [
        compile_condition(row.condition, compare_scenarios).alias(f"impossible:{row.id}") for row in tables.impossible
    ]
    return [*impossible, *present_answers(tables)]


def _explained(row: Row, outcome: dict[str, object], tables: Tables) -> dict[str, object]:
    deciders = {kind: _decider(row, tables, kind) for kind in OPTIONS}
    return {
        "scenario": row["scenario"],
        "cni": row["cni"],
        "mesh": row["mesh"],
        "confidence": outcome.pop("confidence"),
        "matched": row["matched"],
        "reasons": [_reason(row, rule, tables) for rule in deciders.values()] + _caveats(row, deciders, tables),
        "blockers": _blockers(row, tables),
        "conflicts": list(_conflicts(row, deciders, tables)),
        "flips": outcome.pop("flips"),
        "unknown": row["unknown"],
        **outcome,
        "rows": [_row(rule, row, tables) for rule in tables.rules],
        "contradictions": [rule.reason for rule in tables.impossible if row[f"impossible:{rule.id}"]],
        "options": [_option(row, tables, kind, option) for kind, options in OPTIONS.items() for option in options],
    }


def _decider(row: Row, tables: Tables, kind: str) -> Rule:
    return next(rule for rule in tables.rules if rule.id == row[f"{kind}_row"])


# --- rows and options -----------------------------------------------------------------------------------------------


def _standing(row: Row, tables: Tables, kind: str, option: str) -> Iterator[tuple[Hurdle, bool | None]]:
    """Hurdles of an option that stand or may stand, with true or, where a missing fact says, None."""
    columns = hurdle_columns(tables, kind)
    for hurdle in hurdles(tables)[kind, option]:
        state = row[columns[hurdle.condition]]
        if state is not False:
            yield hurdle, True if state else None


def _row(rule: Rule, row: Row, tables: Tables) -> dict[str, object]:
    state = row[f"row:{rule.id}"]
    return {
        "table": rule.table,
        "id": rule.id,
        "priority": rule.priority,
        "condition": rule.text,
        "recommendation": rule.recommendation,
        "reason": _reason(row, rule, tables),
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
    facts = [(name, row[compared_column(name) if name == RESULTING_CNI else name]) for name in hurdle.inputs]
    return ", ".join(f"{name} {_said(value)}" for name, value in facts if value is not None)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


# --- reasons --------------------------------------------------------------------------------------------------------


EITHER = " | "
"""Divides the two reasons of a stated default."""


def _reason(row: Row, rule: Rule, tables: Tables) -> str:
    """Why a row recommends what it does; of the stated default the one of two reasons that holds.

    Rows are tried before the default, so one that holds beside it is one whose option is ruled out.
    """
    nothing, either, ruled_out = rule.reason.partition(EITHER)
    if not either or not rule.is_default:
        return rule.reason
    others = (other for other in tables.rules if other.table == rule.table and not other.is_default)
    return ruled_out if any(row[f"row:{other.id}"] for other in others) else nothing


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
                "decided_reason": _reason(row, decider, tables),
            }
