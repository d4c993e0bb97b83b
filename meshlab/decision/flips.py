"""What would flip a verdict: the smallest changes of known facts, one or two at a time, that change the answer.

A change takes a fact from its cell into another, to the nearest value there; a need is added or taken away. All
changes of one fact and all pairs of changes are laid out as rows of a frame, so that one query decides them. A pair is
told only where neither of its changes flips the verdict alone and no single change leads to the same answer. Values of
one fact that lead to the same answer are told once: the nearest, with the other choices beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import polars as pl

from meshlab.decision.cells import Axis, axes
from meshlab.decision.conditions import comparable, compile_test
from meshlab.decision.tables import Tables
from meshlab.scenario import inputs, schema

Scenario = Mapping[str, Any]
Answer = tuple[str, str]
"""CNI and mesh."""


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that takes another value.

    Args:
        input: The input.
        member: The member that a set gains or loses.
        value: The new value, or whether the set holds the member.
        side: Of an ordered input, whether the new value lies above or below; of another, nothing.
        choices: All values of the new cell, where they are choices.
    """

    input: str
    member: str | None
    value: object
    side: str
    choices: tuple[object, ...]

    @property
    def direction(self) -> tuple[str, str | None, str]:
        """What changes, whichever value it takes."""
        return self.input, self.member, self.side

    def on(self, values: dict[str, Any]) -> dict[str, Any]:
        """The scenario after the change."""
        if self.member is None:
            return {**values, self.input: self.value}
        held = [name for name in values[self.input] if name != self.member]
        return {**values, self.input: [*held, self.member] if self.value else held}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Sets of changes of one scenario, and the scenarios that they lead to, in the same order."""

    changes: list[tuple[Change, ...]]
    frame: pl.DataFrame


def present_cells(scenarios: pl.DataFrame, tables: Tables) -> list[dict[str, tuple[bool | None, ...]]]:
    """For each scenario and axis, what the comparisons say: by it the present cell is known."""
    found = axes(tables)
    compared = scenarios.select(comparable(spec, pl.col(name)).alias(name) for name, spec in inputs().items())
    answers = compared.select(
        compile_test(test, inputs()[axis.input], pl.col(axis.input)).alias(f"{axis.name}/{place}")
        for axis in found.values()
        for place, test in enumerate(axis.tests)
    )
    return [
        {name: tuple(row[f"{name}/{place}"] for place in range(len(axis.tests))) for name, axis in found.items()}
        for row in answers.iter_rows(named=True)
    ]


def candidates(scenario: Scenario, present: Mapping[str, tuple[bool | None, ...]], tables: Tables) -> Candidates:
    """Every change of one known fact, and every pair of such changes.

    Args:
        scenario: Values of the inputs, None where missing.
        present: What the comparisons of each axis say of the scenario.
        tables: The tables that cut the domain.
    """
    known = [axis for axis in axes(tables).values() if scenario[axis.input] is not None]
    single = [change for axis in known for change in _changes(axis, present[axis.name])]
    sets: list[tuple[Change, ...]] = [(change,) for change in single]
    sets += [pair for pair in combinations(single, 2) if _apart(*pair)]
    rows = [_after(scenario, changes) for changes in sets]
    columns = {name: [row[name] for row in rows] for name in scenario}
    return Candidates(sets, pl.DataFrame(columns, schema={name: schema()[name] for name in columns}))


def _changes(axis: Axis, present: tuple[bool | None, ...]) -> Iterator[Change]:
    here = next(place for place, cell in enumerate(axis.cells) if cell.answers == present)
    ordered = inputs()[axis.input].type in ("integer", "number", "version")
    for place in _from_near_to_far(here, len(axis.cells)):
        cell = axis.cells[place]
        side = ("above" if place > here else "below") if ordered else ""
        yield Change(axis.input, axis.member, cell.high if side == "below" else cell.low, side, cell.choices)


def _from_near_to_far(here: int, count: int) -> list[int]:
    return sorted((place for place in range(count) if place != here), key=lambda place: abs(place - here))


def _apart(first: Change, second: Change) -> bool:
    """Whether two changes concern different facts."""
    return (first.input, first.member) != (second.input, second.member)


def _after(scenario: Scenario, changes: Sequence[Change]) -> dict[str, object]:
    values = dict(scenario)
    for change in changes:
        values = change.on(values)
    return values


def smallest(
    scenario: Scenario, verdict: Answer, sets: Sequence[tuple[Change, ...]], answers: Sequence[Answer]
) -> list[dict[str, object]]:
    """The sets of changes that flip the verdict and cannot be made smaller, as plain data."""
    flipping = {changes: answer for changes, answer in zip(sets, answers, strict=True) if answer != verdict}
    alone = {changes[0]: answer for changes, answer in flipping.items() if len(changes) == 1}
    reached = set(alone.values())
    told: dict[object, list[tuple[Change, ...]]] = {}
    for changes, answer in flipping.items():
        if len(changes) == 1 or (answer not in reached and not alone.keys() & set(changes)):
            told.setdefault((tuple(change.direction for change in changes), answer), []).append(changes)
    return [_flip(scenario, alike, flipping[alike[0]]) for alike in told.values()]


def _flip(scenario: Scenario, alike: Sequence[tuple[Change, ...]], answer: Answer) -> dict[str, object]:
    """One set of changes as plain data; of sets that differ only in the value taken, the first, which is nearest."""
    after = _after(scenario, alike[0])
    told = [
        {"input": name, "from": scenario[name], "to": after[name], "or_to": _others(name, alike, after[name])}
        for name in dict.fromkeys(change.input for change in alike[0])
    ]
    several = len(told) > 1
    return {
        "changes": told,
        "input": ", ".join(str(change["input"]) for change in told),
        "from": [change["from"] for change in told] if several else told[0]["from"],
        "to": [change["to"] for change in told] if several else told[0]["to"],
        "cni": answer[0],
        "mesh": answer[1],
        "recommendation": f"{answer[0]}, {answer[1]}",
    }


def _others(name: str, alike: Sequence[tuple[Change, ...]], taken: object) -> list[object]:
    """Other choices of an input that lead to the same answer."""
    choices = (choice for changes in alike for change in changes if change.input == name for choice in change.choices)
    return [choice for choice in dict.fromkeys(choices) if choice != taken]
