"""How sure verdicts are and what would flip them: all completions and candidates of some scenarios in one query."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.completions import Completions, completions
from meshlab.models.decision.conditions import any_of, compile_condition
from meshlab.models.decision.flips import Answer, Candidates, candidates, smallest
from meshlab.models.decision.states import compare_scenarios, compared_column, decided, rules_of
from meshlab.models.decision.tables import OPTIONS, Tables
from meshlab.scenario import collect_few, inputs

NO_FLIP = "no change of one or two of the known facts leads to another option that meets the needs"

Row = Mapping[str, Any]
Group = tuple[bool, str, str, float, int]
"""Completions with one answer: whether they can be, CNI, mesh, weight and number."""


def outcomes(states: pl.DataFrame, rows: Sequence[Row], tables: Tables) -> list[dict[str, object]]:
    """Confidence, alternatives and flips of each scenario.

    Args:
        states: ``verdicts`` of the scenarios, with their ``present_answers``.
        rows: Its rows.
        tables: The tables that decided.
    """
    facts = states.select(map(compared_column, inputs()))
    owns = [facts[place : place + 1] for place in range(facts.height)]
    filled = [completions(own, row["unknown"], tables) for own, row in zip(owns, rows, strict=True)]
    tried = [candidates(row, own, tables) for own, row in zip(owns, rows, strict=True)]
    frame = pl.concat([part.frame for part in (*filled, *tried)])
    answers = collect_few(decided(frame.lazy(), tables).select(_asked(tables)))
    after = sum(part.frame.height for part in filled)
    groups, flipping = _groups(filled, answers[:after]), _flipping(rows, tried, answers[after:])
    return [
        _sureness(row, groups[place], exact=filled[place].exact) | _flips(row, tried[place], flipping[place])
        for place, row in enumerate(rows)
    ]


@kept_latest(16)
def _asked(tables: Tables) -> list[pl.Expr]:
    """What is asked of a completion or candidate: its answer, whether it can be, and whether it fails its needs."""
    impossible = compile_condition(tables.contradiction, compare_scenarios).fill_null(value=False)
    columns = {"cni": pl.col("cni"), "mesh": pl.col("mesh"), "possible": ~impossible}
    columns |= {f"unmet:{kind}": _is_unmet(tables, kind) for kind in OPTIONS}
    return [expression.alias(name) for name, expression in columns.items()]


def _is_unmet(tables: Tables, kind: str) -> pl.Expr:
    """Whether the stated default decides although its own option is ruled out: no option meets what is asked."""
    return any_of(
        [
            (pl.col(f"decider:{kind}") == place)
            & pl.col(f"blocked:{kind}:{rule.recommendation}").fill_null(value=False)
            for place, rule in enumerate(rules_of(tables, kind))
            if rule.is_default
        ]
    )


# --- confidence -----------------------------------------------------------------------------------------------------


def _groups(filled: Sequence[Completions], answers: pl.DataFrame) -> list[list[Group]]:
    """For each scenario its completions by their answer; those that cannot be only where there are no others."""
    sizes = [len(part.weights) for part in filled]
    owners = pl.Series("scenario", np.repeat(np.arange(len(sizes)), sizes))
    weights = pl.Series("weight", np.concatenate([part.weights for part in filled]))
    grouped = collect_few(
        answers.hstack([owners, weights])
        .lazy()
        .group_by("scenario", "possible", "cni", "mesh", maintain_order=True)
        .agg(weight=pl.sum("weight"), count=pl.len())
    )
    found: list[list[Group]] = [[] for _ in filled]
    for scenario, *group in grouped.iter_rows():
        found[scenario].append(tuple(group))
    return [[group for group in groups if group[0]] or groups for groups in found]


def _sureness(row: Row, groups: Sequence[Group], *, exact: bool) -> dict[str, object]:
    can_be, count = groups[0][0], sum(group[-1] for group in groups)
    # facts that contradict each other as they stand leave no possible completion: then nothing is taken out
    whole = sum(group[3] for group in groups) if can_be else 1.0
    shares = {(cni, mesh): weight / whole for _, cni, mesh, weight, _ in groups}
    verdict = row["cni"], row["mesh"]
    confidence = _share(share for answer, share in shares.items() if answer == verdict)
    others = [(round(share, 6), *answer) for answer, share in shares.items() if answer != verdict]
    return {
        "confidence": confidence,
        "confidence_cni": _share(share for (cni, _), share in shares.items() if cni == row["cni"]),
        "confidence_mesh": _share(share for (_, mesh), share in shares.items() if mesh == row["mesh"]),
        "confidence_basis": {
            "method": "exact" if exact else "sample",
            "completions": count,
            "standard_error": 0.0 if exact else _standard_error(confidence, count),
        },
        "alternatives": [
            {"cni": cni, "mesh": mesh, "share": share} for share, cni, mesh in sorted(others, reverse=True)
        ],
    }


def _share(parts: Iterable[float]) -> float:
    return round(min(1.0, sum(parts, 0.0)), 6)


def _standard_error(share: float, size: int) -> float:
    return round(math.sqrt(share * (1 - share) / size), 4)


# --- flips ----------------------------------------------------------------------------------------------------------


def _flipping(
    rows: Sequence[Row], tried: Sequence[Candidates], answers: pl.DataFrame
) -> list[dict[int, Answer | None]]:
    """For each scenario the sets of changes that can be and lead elsewhere, and whither; None where no option is left.

    Args:
        rows: The scenarios with their verdicts.
        tried: The sets of changes of each.
        answers: The answers after all of them, one after another.
    """
    sizes = [len(attempt.sets) for attempt in tried]
    owners = np.repeat(np.arange(len(rows)), sizes)
    before = pl.DataFrame({f"before:{kind}": [row[kind] for row in rows] for kind in OPTIONS})[owners]
    places = pl.Series("place", np.concatenate([np.arange(size) for size in sizes]))
    differs = {kind: pl.col(kind) != pl.col(f"before:{kind}") for kind in OPTIONS}
    is_left = ~any_of([other & pl.col(f"unmet:{kind}") for kind, other in differs.items()])
    elsewhere = collect_few(
        answers.hstack([*before, pl.Series("scenario", owners), places])
        .lazy()
        .filter("possible", any_of([*differs.values()]))
        .select("scenario", "place", "cni", "mesh", is_left.alias("is_left"))
    )
    found: list[dict[int, Answer | None]] = [{} for _ in rows]
    for scenario, place, cni, mesh, left in elsewhere.iter_rows():
        found[scenario][place] = (cni, mesh) if left else None
    return found


def _flips(row: Row, attempt: Candidates, flipping: Mapping[int, Answer | None]) -> dict[str, object]:
    flips = smallest(row, attempt, flipping)
    return {"flips": flips, "flip_note": None if flips else NO_FLIP}
