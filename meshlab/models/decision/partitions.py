"""The cells into which the tables' comparisons cut the domain of each input.

Within a cell every comparison of the tables has one answer, so that one value stands for all of them. What holds for
the cells' product holds for the whole domain: the proof and the flips work on cells and are exact. A platform and a
product of today are cells of their own, as contests depend on them; so is each need, which every option meets or not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.cache import cached_latest
from meshlab.models.decision.conditions import (
    BUILDS,
    ORDERED,
    TRUE,
    AtLeast,
    Has,
    OneOf,
    Test,
    comparable,
    compiled,
    order_of,
    tests_of,
    values_of,
)
from meshlab.models.decision.decide import IDENTITY
from meshlab.models.decision.tables import RESULTING, Tables
from meshlab.scenario import Input, inputs

Value = str | float | int | bool


class Cell(msgspec.Struct, frozen=True):
    """Values of one input that no comparison of the tables tells apart.

    Args:
        low: The smallest value of the cell that a person would write, or the first choice.
        high: The largest such value, or the first choice.
        choices: All choices of the cell; of an ordered input none are listed.
        answers: What each comparison of the input says in this cell.
    """

    low: Value
    high: Value
    choices: tuple[Value, ...]
    answers: tuple[bool, ...]


class Axis(msgspec.Struct, frozen=True):
    """One input with its cells and the comparisons that cut it. A set has an axis for each member that is asked for."""

    name: str
    input: str
    member: str | None
    tests: tuple[Test, ...]
    cells: tuple[Cell, ...]


@cached_latest(16)
def axes(tables: Tables) -> dict[str, Axis]:
    """The axes of the domain that the tables know, by name, in the order of the declared inputs."""
    conditions = [tables.contradiction, *(row.condition for row in tables.preferences)]
    conditions += [row.condition for row in tables.requirements if row.blocks]
    tests = list(dict.fromkeys(_on_facts(test) for condition in conditions for test in tests_of(condition)))
    tests += [test for test in _identities() if test not in tests]
    found: dict[str, Axis] = {}
    for spec in inputs().values():
        mine = [test for test in tests if test.input == spec.name]
        if spec.type == "set":
            found |= {axis_name(test): _member_axis(test) for test in mine if isinstance(test, Has)}
        elif mine:
            found[spec.name] = _axis(spec, tuple(mine))
    return found


def _identities() -> Iterator[Test]:
    """Comparisons that tell apart what contests depend on: every platform and product of today, and every need."""
    for name in dict.fromkeys(("cloud", "greenfield", *(name for names in IDENTITY.values() for name in names))):
        spec = inputs()[name]
        yield from (OneOf(name, (choice,)) for choice in spec.choices or (True,))
    yield from (Has("needs", member) for member in inputs()["needs"].choices)


@cached_latest(16)
def points(tables: Tables) -> dict[str, pl.Series]:
    """For each axis of one value the low ends of its cells, then the high ends, in the form that is compared."""
    found: dict[str, pl.Series] = {}
    for axis in axes(tables).values():
        if axis.member is None:
            ends = [*(cell.low for cell in axis.cells), *(cell.high for cell in axis.cells)]
            found[axis.name] = _compared(inputs()[axis.input], ends)
    return found


def _compared(spec: Input, values: Sequence[Value]) -> pl.Series:
    """Values of an input in the form in which they are compared."""
    frame = pl.DataFrame({spec.name: values}, schema={spec.name: spec.dtype})
    return frame.select(comparable(spec, pl.col(spec.name))).to_series()


def place_of(axis: Axis, answers: tuple[bool | None, ...]) -> int | None:
    """Place of the cell in which the axis' comparisons answer so; None where a fact is missing."""
    return next((place for place, cell in enumerate(axis.cells) if cell.answers == answers), None)


def with_value(values: Mapping[str, Any], name: str, member: str | None, value: object) -> dict[str, Any]:
    """Values of a scenario after an input has taken another one, or a set has gained or lost a member."""
    if member is None:
        return {**values, name: value}
    held = [each for each in values.get(name) or () if each != member]
    return {**values, name: [*held, member] if value else held}


def _on_facts(test: Test) -> Test:
    """The network of a pair is no fact of its own: where it is the one of today, that fact says."""
    return replace(test, input=f"current_{test.input}") if test.input in RESULTING else test


def axis_name(test: Test) -> str:
    """Name of the axis on which a comparison lies: the input, or for a set the input and the member."""
    return f"{test.input}:{test.member}" if isinstance(test, Has) else test.input


def _member_axis(test: Has) -> Axis:
    cells = tuple(Cell(held, held, (), (held,)) for held in (False, True))
    return Axis(axis_name(test), test.input, test.member, (test,), cells)


def _axis(spec: Input, tests: tuple[Test, ...]) -> Axis:
    """An input cut by its comparisons: values with the same answers are one cell, of an ordered input neighbours."""
    spans = _spans(spec, tests)
    pieces = list(zip(answers_of(spec, tests, [low for low, _ in spans]), spans, strict=True))
    ordered = spec.type in ORDERED
    if not ordered:
        pieces.sort(key=itemgetter(0))
    cells: list[Cell] = []
    for answers, group in itertools.groupby(pieces, key=itemgetter(0)):
        lows, highs = zip(*(span for _, span in group), strict=True)
        cells.append(Cell(lows[0], highs[-1] if ordered else highs[0], () if ordered else lows, answers))
    return Axis(spec.name, spec.name, None, tests, tuple(cells))


def answers_of(spec: Input, tests: tuple[Test, ...], values: Sequence[Value]) -> list[tuple[bool, ...]]:
    """What each comparison says of each value, by the same code that decides scenarios."""
    states = compiled(tests, {spec.name: spec}).states(
        {spec.name: values_of(_compared(spec, values).to_physical())}, len(values)
    )
    return [tuple(row) for row in (states.T == TRUE).tolist()]


Span = tuple[Value, Value]
"""The smallest and the largest value of a piece of an input."""


def _spans(spec: Input, tests: tuple[Test, ...]) -> Sequence[Span]:
    """Pieces of an input that no comparison cuts, in their order."""
    if spec.type not in ORDERED:
        return [(value, value) for value in spec.choices or (False, True)]
    bounds = [test.bound for test in tests if isinstance(test, AtLeast)]
    cuts = sorted({*bounds, *(float(value) for test in tests if isinstance(test, OneOf) for value in test.values)})
    return {"version": _version_spans, "integer": _integer_spans, "number": _number_spans}[spec.type](spec, cuts)


# --- numbers --------------------------------------------------------------------------------------------------------


def _integer_spans(spec: Input, cuts: list[float]) -> Sequence[Span]:
    lower, upper = map(int, spec.bounds)
    edges = {edge for cut in cuts for edge in (math.ceil(cut), math.floor(cut) + 1)}
    starts = sorted({lower, *(edge for edge in edges if lower <= edge <= upper)})
    return [(start, end - 1) for start, end in itertools.pairwise([*starts, upper + 1])]


def _number_spans(spec: Input, cuts: list[float]) -> Sequence[Span]:
    """Each cut is a piece of its own, without extent, between two pieces that do not hold it."""
    lower, upper = spec.bounds
    edges = sorted({lower, upper, *(cut for cut in cuts if lower <= cut <= upper)})
    between = [edge for start, end in itertools.pairwise(edges) for edge in (start, _between(spec, start, end))]
    return [(value, value) for value in (*between, upper)]


def _between(spec: Input, start: float, end: float) -> float:
    """A short number inside an open interval: its geometric or arithmetic middle, rounded where that stays inside."""
    middle = math.sqrt(start * end) if spec.scale == "log" and start > 0 else (start + end) / 2
    rounded = float(f"{middle:.2g}")
    return rounded if start < rounded < end else middle


# --- versions -------------------------------------------------------------------------------------------------------


def _version_spans(_spec: Input, cuts: list[float]) -> Sequence[Span]:
    orders = [int(cut) for cut in cuts]
    starts = sorted({0, *orders, *(order + 1 for order in orders)})  # a cut is a version too: = and > tell it apart
    highs = [_version_below(start, end) for start, end in itertools.zip_longest(starts, starts[1:])]
    return [(high if start == 0 else version_of(start), high) for start, high in zip(starts, highs, strict=True)]


def _version_below(start: int, end: int | None) -> str:
    """A version that people know, below ``end`` and not below ``start``: the minor version before, if it is there."""
    if end is None:
        return version_of(start)
    major, minor, *_ = (int(part) for part in version_of(end).split("-")[0].split("."))
    candidates = [f"{major}.{minor}.0", f"{major}.{max(minor - 1, 0)}.0"]
    return next((text for text in candidates if start <= order_of(text) < end), version_of(start))


def version_of(order: int) -> str:
    """The version of an order number, the inverse of ``version_order``."""
    whole, build = divmod(order, BUILDS)
    rest, patch = divmod(whole, 100_000)
    major, minor = divmod(rest, 100_000)
    text = f"{major}.{minor}.{patch}"
    return f"{text}-{build}.el8" if build else text
