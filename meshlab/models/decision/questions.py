"""What to ask a team: the questions whose answers would decide most, and what each answer leads to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl
from msgspec.structs import asdict

from meshlab.cache import cached
from meshlab.models.decision.changes import (
    ANSWER,
    Answer,
    Change,
    Tried,
    answers_to,
    changes_of,
    differs_from,
    one_by_one,
)
from meshlab.models.decision.decide import column_of, compared
from meshlab.models.decision.partitions import axes
from meshlab.models.decision.tables import Tables, load_tables
from meshlab.scenario import inputs, with_all_inputs
from meshlab.tables import read_table

MOST = 3
"""Questions that are asked at a time."""


class Question(msgspec.Struct, frozen=True):
    """A question to a team, with the needs or the input that its answer settles."""

    id: str
    question: str
    input: str
    needs: tuple[str, ...]
    why: str


@cached
def questions() -> tuple[Question, ...]:
    """The questions of ``data/decision/questions.csv``."""
    found: list[Question] = []
    for row in read_table("decision/questions").iter_rows(named=True):
        row["needs"] = tuple(filter(None, (row["needs"] or "").split("|")))
        found.append(Question(**row))
    return tuple(found)


class Open(msgspec.Struct):
    """A question that nobody has answered, and where its answers lead.

    Args:
        question: The question.
        now: The answer as it stands, with nothing needed beyond what is known.
        leads: Each value that would change it, and to what.
    """

    question: Question
    now: Answer
    leads: dict[Change, Answer] = msgspec.field(default_factory=dict[Change, Answer])


def open_questions(scenario: pl.DataFrame, needs_answered: Collection[str] | None = None) -> list[Open]:
    """The questions whose answers could change the verdict: first those that lead to the most different ones.

    Args:
        scenario: One scenario.
        needs_answered: Ids of the questions about needs that have been answered, where its needs are those answers;
            all of them are unless given, where needs are known.
    """
    tables = load_tables()
    facts = with_all_inputs(scenario)
    known = {name: facts[name][0] is not None for name in inputs()}
    answered = {question.id for question in questions() if known[question.input]}
    if needs_answered is not None:
        answered -= {question.id for question in questions() if question.needs} - set(needs_answered)
    own = compared(facts).collect()
    asked, tried = _asked(own, answered, tables)
    found = _leading(asked, tried, *answers_to([tried.frame], tables))
    for each in found:
        if (choices := editions_today(each.question.input, facts.row(0, named=True))) is not None:
            each.leads = {change: answer for change, answer in each.leads.items() if change.value in choices}
    return [each for each in found if each.leads]


def editions_today(name: str, values: Mapping[str, Any]) -> list[str] | None:
    """The editions that what runs today may be; None of an input that is no edition.

    Args:
        name: The input.
        values: Values of inputs.
    """
    side = {"current_cni_edition": "network", "current_mesh_edition": "mesh"}.get(name)
    if side is None:
        return None
    table = read_table("decision/networks" if side == "network" else "decision/meshes")
    return table.filter(pl.col(side) == values.get(name.removesuffix("_edition")))["edition"].unique().sort().to_list()


def unanswered(own: pl.DataFrame, row: Mapping[str, Any], tables: Tables) -> tuple[list[Question], Tried]:
    """The questions that nobody has answered, one for each change that an answer makes; and these changes.

    Args:
        own: The ``compared`` scenario, one row.
        row: ``known:NAME`` for each input.
        tables: The tables.
    """
    return _asked(own, {question.id for question in questions() if row[f"known:{question.input}"]}, tables)


def _asked(own: pl.DataFrame, answered: Collection[str], tables: Tables) -> tuple[list[Question], Tried]:
    base = own.with_columns(pl.col(column_of("needs")).fill_null(0))
    asked = [
        (question, change)
        for question in questions()
        if question.id not in answered
        for axis in axes(tables).values()
        if axis.input == question.input and (axis.member is None or axis.member in question.needs)
        for change in changes_of(axis, None)
    ]
    return [question for question, _ in asked], one_by_one(base, [change for _, change in asked], tables, before=1)


def _leading(asked: Sequence[Question], tried: Tried, found: pl.DataFrame, *, ways: bool = False) -> list[Open]:
    """The questions whose answers lead elsewhere, by the answer as it stands and those after each change.

    Only to what can be had, where that is all that is looked for.
    """
    now: Answer = found.select(ANSWER).row(0)
    leads = found[1:].with_row_index("place").filter(differs_from(now) & ~pl.col("contradicted"))
    leads = leads.filter("eligible") if ways else leads
    opened: dict[Question, Open] = {}
    for place, *answer in leads.select("place", *ANSWER).iter_rows():
        question, change = asked[int(place)], tried.changes[int(place)]
        opened.setdefault(question, Open(question, now)).leads[change] = tuple(answer)
    return sorted(opened.values(), key=lambda each: -len({*each.leads.values()}))


def first_questions(
    asked: Sequence[Question], tried: Tried, found: pl.DataFrame, *, ways: bool
) -> list[dict[str, Any]]:
    """What to ask first where not enough is known for a verdict.

    Args:
        asked: What is ``unanswered``.
        tried: The changes that answers make.
        found: The answers of the contest to these.
        ways: Whether what is asked for is known and nothing meets it: then only what would open an option is asked.
    """
    return [
        {**asdict(each.question), "needs": list(each.question.needs), "verdicts": len({*each.leads.values()})}
        for each in _leading(asked, tried, found, ways=ways)[:MOST]
    ]
