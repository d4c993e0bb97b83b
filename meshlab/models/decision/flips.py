"""What would flip a verdict: the smallest changes of known facts, one or two at a time, that change the answer.

A change takes a fact from its cell into another, to the nearest value there; a need is added or taken away. All
changes of one fact and all pairs of changes are laid out as rows of a frame, so that one query decides them. A pair is
told only where neither of its changes flips the verdict alone and no single change leads to the same answer. Values of
one fact that lead to the same answer are told once: the nearest, with the other choices beside it.

What a team can change comes first, then what it can only learn; a change of what the cluster stands on, such as its
cloud, is told last, as nobody can make it.

A change after which no option is left is not told: the stated default answers there although its own option is ruled
out, so that "no mesh" would be no advice but the lack of one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.cells import Axis, axes, points
from meshlab.models.decision.conditions import bit, compile_test
from meshlab.models.decision.states import compared_column
from meshlab.models.decision.tables import Tables
from meshlab.scenario import inputs

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
    """Sets of one or two changes of a scenario, and the scenarios that they lead to, in the same order.

    Args:
        changes: Every change of one known fact.
        sets: For each set its one or two changes, by their places.
        frame: For each set the scenario after it, in the form that is compared.
    """

    changes: list[Change]
    sets: list[tuple[int, ...]]
    frame: pl.DataFrame


@kept_latest(16)
def present_answers(tables: Tables) -> list[pl.Expr]:
    """What the comparisons of each axis say of ``states.compared`` scenarios: by it the present cell is known."""
    return [
        compile_test(test, inputs()[axis.input], pl.col(compared_column(axis.input))).alias(f"{axis.name}/{place}")
        for axis in axes(tables).values()
        for place, test in enumerate(axis.tests)
    ]


def present_cell(axis: Axis, row: Mapping[str, Any]) -> int:
    """Place of the cell in which a known fact lies, from a row of ``present_answers``."""
    answers = tuple(row[f"{axis.name}/{place}"] for place in range(len(axis.tests)))
    return next(place for place, cell in enumerate(axis.cells) if cell.answers == answers)


def candidates(scenario: Scenario, own: pl.DataFrame, tables: Tables) -> Candidates:
    """Every change of one known fact, and every pair of such changes.

    Args:
        scenario: Values of the inputs, None where missing, and the ``present_answers``.
        own: The inputs in the form that is compared.
        tables: The tables that cut the domain.
    """
    known = [axis for axis in axes(tables).values() if scenario[axis.input] is not None]
    steps = [step for place, axis in enumerate(known) for step in _steps(place, axis, present_cell(axis, scenario))]
    axis_of = np.array([step.axis for step in steps], dtype=np.int64)
    first, second = np.triu_indices(len(steps), 1)
    apart = axis_of[first] != axis_of[second]
    pairs = np.column_stack([first[apart], second[apart]])
    alone = np.arange(len(steps))
    sets = [*((place,) for place in alone.tolist()), *map(tuple, pairs.tolist())]
    changed = np.vstack([np.column_stack([alone, alone]), pairs])
    frame = own[np.zeros(len(sets), np.uint32)].with_columns(_columns(known, steps, own, changed, tables))
    return Candidates([step.change for step in steps], sets, frame)


@dataclass(frozen=True, slots=True)
class _Step:
    """A change, with the place of its axis and of its value among the ``points`` of the axis."""

    axis: int
    point: int
    change: Change


def _steps(place: int, axis: Axis, here: int) -> Iterator[_Step]:
    ordered = inputs()[axis.input].type in ("integer", "number", "version")
    for to in _from_near_to_far(here, len(axis.cells)):
        cell = axis.cells[to]
        side = ("above" if to > here else "below") if ordered else ""
        value = cell.high if side == "below" else cell.low
        point = to + len(axis.cells) if side == "below" else to
        yield _Step(place, point, Change(axis.input, axis.member, value, side, cell.choices))


def _columns(
    known: Sequence[Axis], steps: Sequence[_Step], own: pl.DataFrame, changed: np.ndarray, tables: Tables
) -> Iterator[pl.Series]:
    """The inputs that change, one value for each set of changes.

    Args:
        known: Axes of the known facts.
        steps: Every change.
        own: The scenario, compared.
        changed: For each set its first and its last change.
        tables: The tables that cut the domain.
    """
    axis_of, point_of = (np.array([getattr(step, name) for step in steps]) for name in ("axis", "point"))
    for name, group in itertools.groupby(enumerate(known), key=lambda item: item[1].input):
        column, members = compared_column(name), list(group)
        if members[0][1].member is None:
            ((place, axis),) = members
            values = pl.concat([points(tables)[axis.name], own[column]])
            at = np.full(len(changed), len(values) - 1)
            for side in changed.T:
                hit = axis_of[side] == place
                at[hit] = point_of[side[hit]]
            yield values.gather(at).alias(column)
        else:
            bits = {place: bit(inputs()[name], axis.member) for place, axis in members if axis.member is not None}
            toggled = np.array([bits.get(step.axis, 0) for step in steps], dtype=np.uint64)
            both = np.where(changed[:, 0] == changed[:, 1], 0, toggled[changed[:, 1]]).astype(np.uint64)
            yield pl.Series(column, np.uint64(own[column].item()) ^ toggled[changed[:, 0]] ^ both)


def _from_near_to_far(here: int, count: int) -> list[int]:
    return sorted((place for place in range(count) if place != here), key=lambda place: abs(place - here))


def _after(scenario: Scenario, changes: Sequence[Change]) -> dict[str, object]:
    values = dict(scenario)
    for change in changes:
        values = change.on(values)
    return values


def smallest(scenario: Scenario, attempt: Candidates, flipping: Mapping[int, Answer | None]) -> list[dict[str, object]]:
    """The sets of changes that flip the verdict and cannot be made smaller, as plain data.

    Args:
        scenario: Values of the inputs.
        attempt: The sets that were tried.
        flipping: The answer of each set that leads to another one, by its place; None where no option is left.
    """
    alone = {attempt.sets[place][0]: answer for place, answer in flipping.items() if len(attempt.sets[place]) == 1}
    reached = set(alone.values())
    told: dict[tuple[Answer, object], list[tuple[Change, ...]]] = {}
    for place, answer in flipping.items():
        members = attempt.sets[place]
        is_smallest = len(members) == 1 or (answer not in reached and not alone.keys() & set(members))
        if answer is not None and is_smallest:
            changes = tuple(attempt.changes[member] for member in members)
            told.setdefault((answer, tuple(change.direction for change in changes)), []).append(changes)
    flips = [_flip(scenario, alike, answer) for (answer, _), alike in told.items()]
    return sorted(flips, key=_hardest)


ACTIONS = ("change", "learn", "fixed")
"""What a team can do about an input, by ``inputs.csv``, in the order in which flips are told."""


def _hardest(flip: Mapping[str, Any]) -> int:
    """How little a team can do about the change of a flip that it can do least about."""
    return max(ACTIONS.index(inputs()[change["input"]].actionability) for change in flip["changes"])


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
