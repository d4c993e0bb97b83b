"""What would flip a verdict: the smallest changes of known facts, one or two at a time, that change the answer.

A change takes a fact from its cell into another, to the nearest value there; a need is added or taken away. All changes
of one fact and all pairs of changes are laid out as rows of a frame, so that one query decides them. A pair is told only
where neither of its changes flips the verdict alone and no single change leads to the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from meshlab.decision.cells import Axis, axes
from meshlab.decision.conditions import compile_test
from meshlab.decision.tables import Tables
from meshlab.scenario import inputs, schema

Scenario = Mapping[str, object]
Answer = tuple[str, str]
"""CNI and mesh."""


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that takes another value. ``upward`` tells on which side of the present cell the new one lies."""

    input: str
    member: str | None
    value: object
    upward: bool

    def on(self, values: dict[str, object]) -> dict[str, object]:
        """The scenario after the change."""
        if self.member is None:
            return {**values, self.input: self.value}
        held = [name for name in values[self.input] if name != self.member]  # type: ignore[attr-defined]
        return {**values, self.input: [*held, self.member] if self.value else held}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Sets of changes of one scenario, and the scenarios that they lead to, in the same order."""

    changes: list[tuple[Change, ...]]
    frame: pl.DataFrame


def present_cells(scenarios: pl.DataFrame, tables: Tables) -> list[dict[str, tuple[bool | None, ...]]]:
    """For each scenario and axis, what the comparisons say: by it the present cell is known."""
    found = axes(tables)
    answers = scenarios.select(
        compile_test(test, inputs()[axis.input]).alias(f"{axis.name}/{place}")
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
    for place, cell in enumerate(axis.cells):
        if place != here:
            yield Change(axis.input, axis.member, cell.low if place > here else cell.high, place > here)


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
    kept = [((change,), answer) for change, answer in alone.items()]
    kept += [
        (changes, answer)
        for changes, answer in flipping.items()
        if len(changes) > 1 and answer not in reached and not alone.keys() & set(changes)
    ]
    return [_flip(scenario, changes, answer) for changes, answer in _nearest(kept)]


Kept = list[tuple[tuple[Change, ...], Answer]]


def _nearest(kept: Kept) -> Kept:
    """Of the values of an ordered input on one side that lead to the same answer, only the nearest."""
    nearest: dict[object, tuple[tuple[Change, ...], Answer]] = {}
    for changes, answer in kept:
        ordered = [inputs()[change.input].type in ("integer", "number", "version") for change in changes]
        key = (
            tuple(
                (change.input, change.upward) if is_ordered else change
                for change, is_ordered in zip(changes, ordered, strict=True)
            ),
            answer,
        )
        # cells come in ascending order: below the present one the last is nearest, above it the first
        downward = any(not change.upward for change, is_ordered in zip(changes, ordered, strict=True) if is_ordered)
        if downward or key not in nearest:
            nearest[key] = (changes, answer)
    return list(nearest.values())


def _flip(scenario: Scenario, changes: Sequence[Change], answer: Answer) -> dict[str, object]:
    after = _after(scenario, changes)
    names = list(dict.fromkeys(change.input for change in changes))
    told = [{"input": name, "from": scenario[name], "to": after[name]} for name in names]
    cni, mesh = answer
    return {
        "changes": told,
        "input": ", ".join(names),
        "from": told[0]["from"] if len(told) == 1 else [change["from"] for change in told],
        "to": told[0]["to"] if len(told) == 1 else [change["to"] for change in told],
        "cni": cni,
        "mesh": mesh,
        "recommendation": f"{cni}, {mesh}",
    }
