"""The verdict over two chosen inputs, everything else as it stands: one query over the exact cells of the domain.

Within a cell no comparison of the tables tells two values apart, so a map has as many squares as there are answers to
find, and none is missed between the points of a grid.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.models.decision.decide import answers
from meshlab.models.decision.partitions import Axis, Cell, answers_of, axes, place_of, with_value
from meshlab.models.decision.tables import load_tables
from meshlab.scenario import frame_of, inputs

NAMED_CHOICES = 3
"""Choices of one cell that are named; more are counted."""


def map_axes() -> tuple[str, ...]:
    """Names that ``domain_map`` takes: inputs that the tables ask about, and needs as ``needs:mtls``."""
    return tuple(axes(load_tables()))


def domain_map(values: Mapping[str, Any], across: str, down: str) -> pl.DataFrame:
    """The verdict in every cell of two inputs, the others as they are given.

    Columns: ``column`` and ``row``, places of the cell; ``across`` and ``down``, its values in words; ``cni`` and
    ``mesh``; and ``here``, whether the given values lie in that cell.

    Args:
        values: Values of declared inputs; absent ones are unknown.
        across: The input from left to right: one of ``map_axes``.
        down: The input from top to bottom: another one.

    Raises:
        MeshlabError: There is no such axis, or both are the same.
    """
    first, second = _two_axes(across, down)
    pairs = list(itertools.product(enumerate(second.cells), enumerate(first.cells)))
    cells = enumerate(map_values(values, across, down))
    scenarios = [{**cell, "scenario": str(place)} for place, cell in cells]
    places = pl.DataFrame(
        {
            "column": [column for _, (column, _) in pairs],
            "row": [row for (row, _), _ in pairs],
            "across": [_words(first, cell) for _, (_, cell) in pairs],
            "down": [_words(second, cell) for (_, cell), _ in pairs],
        }
    )
    verdicts = answers(frame_of(scenarios)).select("cni", "mesh").collect()
    # where a fact is unknown its place is none, which equals no place
    at = pl.lit(_place(first, values), pl.Int64), pl.lit(_place(second, values), pl.Int64)
    here = (pl.col("column") == at[0]) & (pl.col("row") == at[1])
    return pl.concat([places, verdicts], how="horizontal").with_columns(here=here.fill_null(value=False))


def map_values(values: Mapping[str, Any], across: str, down: str) -> list[dict[str, Any]]:
    """The values in every cell of ``domain_map``, in the order of its rows.

    Raises:
        MeshlabError: There is no such axis, or both are the same.
    """
    first, second = _two_axes(across, down)
    return [_on(second, low, _on(first, left, values)) for low in second.cells for left in first.cells]


def _two_axes(across: str, down: str) -> tuple[Axis, Axis]:
    found = _axis(across), _axis(down)
    if across == down:
        raise MeshlabError(Problem("map", f"{across!r} stands on both axes", "choose two inputs"))
    return found


def _axis(name: str) -> Axis:
    known = axes(load_tables())
    if name not in known:
        raise MeshlabError(Problem("map", f"unknown axis {shorten(name)}", did_you_mean(name, known)))
    return known[name]


def _on(axis: Axis, cell: Cell, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with those of a cell."""
    return with_value(values, axis.input, axis.member, cell.low)


def _place(axis: Axis, values: Mapping[str, Any]) -> int | None:
    """Place of the cell in which the given value lies; none where it is unknown."""
    value = values.get(axis.input)
    if value is None:
        return None
    if axis.member is not None:
        return place_of(axis, (axis.member in value,))
    return place_of(axis, answers_of(inputs()[axis.input], axis.tests, [value])[0])


def _words(axis: Axis, cell: Cell) -> str:
    if axis.member is not None:
        return "asked for" if cell.low else "not asked for"
    if isinstance(cell.low, bool):
        return "yes" if cell.low else "no"
    if cell.choices:
        named = ", ".join(map(str, cell.choices[:NAMED_CHOICES]))
        rest = len(cell.choices) - NAMED_CHOICES
        return f"{named}, {rest} more" if rest > 0 else named
    if inputs()[axis.input].type == "version":
        return f"{cell.low} or older" if cell == axis.cells[0] else f"from {cell.low}"
    return _span(cell, inputs()[axis.input].upper)


def _span(cell: Cell, upper: float | None) -> str:
    if cell.low == cell.high:
        return _number(cell.low)
    return f"{_number(cell.low)} and more" if cell.high == upper else f"{_number(cell.low)} – {_number(cell.high)}"


def _number(value: object) -> str:
    return f"{value:,.15g}" if isinstance(value, int | float) else str(value)
