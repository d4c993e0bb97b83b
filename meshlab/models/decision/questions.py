"""What to ask first where not enough is known for a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from meshlab.kept import kept
from meshlab.models.decision.cells import axes
from meshlab.models.decision.changes import Change, answers_to, changes_of, varied
from meshlab.models.decision.decide import column_of
from meshlab.models.decision.tables import Tables
from meshlab.tables import read_table

MOST = 3
"""Questions that are asked at a time."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a team, with the needs or the input that its answer settles."""

    id: str
    question: str
    input: str
    needs: tuple[str, ...]
    why: str


@kept
def questions() -> tuple[Question, ...]:
    """The questions of ``data/decision/questions.csv``."""
    return tuple(
        Question(
            row["id"], row["question"], row["input"], tuple(filter(None, (row["needs"] or "").split("|"))), row["why"]
        )
        for row in read_table("decision/questions").iter_rows(named=True)
    )


def first_questions(own: pl.DataFrame, row: Mapping[str, Any], tables: Tables) -> list[dict[str, Any]]:
    """The questions whose answers would decide most: those that lead to the most different verdicts.

    Args:
        own: The ``compared`` scenario, one row.
        row: ``known:NAME`` for each input.
        tables: The tables.
    """
    base = own.with_columns(pl.col(column_of("needs")).fill_null(0))
    tried: list[tuple[Question, Change]] = []
    for question in questions():
        if row[f"known:{question.input}"]:
            continue
        for axis in axes(tables).values():
            if axis.input == question.input and (axis.member is None or axis.member in question.needs):
                tried += [(question, change) for change in changes_of(axis, None) if change.value is not False]
    if not tried:
        return []
    frame = varied(base, [(), *((change,) for _, change in tried)], tables)
    reached = [answer for answer, _ in answers_to(frame, tables)]
    decides: dict[Question, set[object]] = {}
    for (question, _), answer in zip(tried, reached[1:], strict=True):
        decides.setdefault(question, set()).update({answer} - {reached[0]})
    ranked = sorted((question for question in decides if decides[question]), key=lambda q: -len(decides[q]))
    return [
        {
            "id": q.id,
            "question": q.question,
            "input": q.input,
            "needs": list(q.needs),
            "why": q.why,
            "verdicts": len(decides[q]),
        }
        for q in ranked[:MOST]
    ]
