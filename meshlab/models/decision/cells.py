"""The cells into which the tables' comparisons cut the domain of each input.

Within a cell every comparison of the tables has one answer, so that one value stands for all of them. What holds for
the cells' product holds for the whole domain: the proof and the flips work on cells and are exact. A platform and a
product of today are cells of their own, as contests depend on them; so is each need, which every option meets or not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.conditions import (
    BUILDS,
    AtLeast,
    Has,
    OneOf,
    Test,
    comparable,
    compile_test,
    order_of,
    tests_of,
)
from meshlab.models.decision.decide import IDENTITY
from meshlab.models.decision.tables import RESULTING, Tables
from meshlab.scenario import Input, inputs

Value = str | float | int | bool


@dataclass(frozen=True, slots=True)
class Cell:
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


@dataclass(frozen=True, slots=True)
class Axis:
    """One input with its cells and the comparisons that cut it. A set has an axis for each member that is asked for."""

    name: str
    input: str
    member: str | None
    tests: tuple[Test, ...]
    cells: tuple[Cell, ...]


@kept_latest(16)
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


@kept_latest(16)
def points(tables: Tables) -> dict[str, pl.Series]:
    """For each axis of one value the low ends of its cells, then the high ends, in the form that is compared."""
    return {
        axis.name: _compared(inputs()[axis.input], [end for ends in _ends(axis) for end in ends])
        for axis in axes(tables).values()
        if axis.member is None
    }


def _ends(axis: Axis) -> tuple[list[Value], list[Value]]:
    return [cell.low for cell in axis.cells], [cell.high for cell in axis.cells]


def _compared(spec: Input, values: Sequence[Value]) -> pl.Series:
    return pl.DataFrame({spec.name: values}, schema={spec.name: spec.dtype}).select(
        comparable(spec, pl.col(spec.name))
    )[spec.name]


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
    pieces = _pieces(spec, tests)
    answers = _answers(spec, tests, [piece.low for piece in pieces])
    pieces = [replace(piece, answers=row) for piece, row in zip(pieces, answers, strict=True)]
    cells = _merged(pieces, ordered=spec.type in ("integer", "number", "version"))
    return Axis(spec.name, spec.name, None, tests, tuple(cells))


def _answers(spec: Input, tests: tuple[Test, ...], values: Sequence[Value]) -> list[tuple[bool, ...]]:
    """What each comparison says of each value, by the same expressions that decide scenarios."""
    frame = pl.DataFrame({spec.name: values}, schema={spec.name: spec.dtype})
    value = comparable(spec, pl.col(spec.name))
    return frame.select(compile_test(test, spec, value).alias(str(place)) for place, test in enumerate(tests)).rows()


def _merged(pieces: Sequence[Cell], *, ordered: bool) -> Iterable[Cell]:
    """Pieces with the same answers as one cell; of an ordered input only neighbours are joined."""
    pieces = pieces if ordered else sorted(pieces, key=lambda piece: piece.answers)
    for _, group in itertools.groupby(pieces, key=lambda piece: piece.answers):
        first, *rest = group
        last = rest[-1] if rest and ordered else first
        yield Cell(
            first.low,
            last.high,
            sum((piece.choices for piece in rest), first.choices),
            first.answers,
        )


def _pieces(spec: Input, tests: tuple[Test, ...]) -> list[Cell]:
    if spec.type == "boolean":
        return [Cell(value, value, (value,), ()) for value in (False, True)]
    if spec.type == "choice":
        return [Cell(choice, choice, (choice,), ()) for choice in spec.choices]
    cuts = sorted({float(value) for test in tests for value in _literals(test)})
    if spec.type == "version":
        return _version_pieces([int(cut) for cut in cuts])
    return _integer_pieces(spec, cuts) if spec.type == "integer" else _number_pieces(spec, cuts)


def _literals(test: Test) -> tuple[Value, ...]:
    if isinstance(test, AtLeast):
        return (test.bound,)
    return test.values if isinstance(test, OneOf) else ()


# --- numbers --------------------------------------------------------------------------------------------------------


def _bounds(spec: Input) -> tuple[float, float]:
    if spec.lower is None or spec.upper is None:
        raise AssertionError(f"{spec.name} has no bounds, which data/inputs.csv gives every number")
    return spec.lower, spec.upper


def _integer_pieces(spec: Input, cuts: list[float]) -> list[Cell]:
    lower, upper = map(int, _bounds(spec))
    edges = {edge for cut in cuts for edge in (math.ceil(cut), math.floor(cut) + 1)}
    starts = sorted({lower, *(edge for edge in edges if lower <= edge <= upper)})
    spans = [(start, end - 1) for start, end in itertools.pairwise([*starts, upper + 1])]
    return _spanned(spans)


def _number_pieces(spec: Input, cuts: list[float]) -> list[Cell]:
    """Each cut is a piece of its own, without extent, between two pieces that do not hold it."""
    lower, upper = _bounds(spec)
    edges = sorted({lower, upper, *(cut for cut in cuts if lower <= cut <= upper)})
    spans: list[tuple[float, float]] = []
    for start, end in itertools.pairwise(edges):
        inner = _between(spec, start, end)
        spans += [(start, start), (inner, inner)]
    return _spanned([*spans, (upper, upper)])


def _spanned(spans: Sequence[tuple[float, float]]) -> list[Cell]:
    return [Cell(low, high, (), ()) for low, high in spans]


def _between(spec: Input, start: float, end: float) -> float:
    """A short number inside an open interval: its geometric or arithmetic middle, rounded where that stays inside."""
    middle = math.sqrt(start * end) if spec.scale == "log" and start > 0 else (start + end) / 2
    rounded = float(f"{middle:.2g}")
    return rounded if start < rounded < end else middle


# --- versions -------------------------------------------------------------------------------------------------------


def _version_pieces(cuts: list[int]) -> list[Cell]:
    starts = sorted({0, *cuts, *(cut + 1 for cut in cuts)})  # a cut is a version too: = and > tell it from the rest
    pieces: list[Cell] = []
    for start, end in itertools.zip_longest(starts, starts[1:]):
        low, high = version_of(start), _version_below(start, end)
        pieces.append(Cell(high if start == 0 else low, high, (), ()))
    return pieces


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
