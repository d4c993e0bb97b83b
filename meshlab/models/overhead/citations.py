"""Sources of each figure of each data plane: those of the coefficients that its expressions really use."""

from __future__ import annotations

from itertools import chain

import polars as pl

from meshlab.kept import kept
from meshlab.models.overhead.coefficients import Coefficients, coefficient_table
from meshlab.models.overhead.estimates import steps_with
from meshlab.models.overhead.registry import NONE, citing

SPREAD = "_spread"
"""End of the names of the factors that widen an interval by what clusters differ in; their median is one."""

MEDIAN, INTERVAL = "median", "interval"
"""What of a figure rests on a source: the median and so the interval too, or only the interval."""


@kept
def coefficients_of(figure: str, dataplane: str) -> frozenset[str]:
    """Coefficients that enter a figure, by the expressions that give it; none without a mesh.

    Args:
        figure: A figure of ``estimate``.
        dataplane: One of ``registry.dataplanes()``.
    """
    found, open_names = set[str](), [figure]
    roots = _roots(dataplane)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names += roots.get(name, ())
    return frozenset(found).intersection(coefficient_table()["coefficient"])


@kept
def figure_sources(figure: str, dataplane: str) -> tuple[tuple[str, bool], ...]:
    """Sources of a figure of a data plane, sorted, each with whether the median rests on it.

    The others only widen the interval: how far sources differ was seen on data planes of every kind.
    """
    rows = coefficient_table().filter(pl.col("coefficient").is_in(coefficients_of(figure, dataplane)))
    middle = _ids(rows.filter(~pl.col("coefficient").str.ends_with(SPREAD)))
    return tuple((source_id, source_id in middle) for source_id in sorted(middle | _ids(rows)))


def _ids(rows: pl.DataFrame) -> set[str]:
    return set(rows["source_ids"].drop_nulls().str.split("|").explode())


@kept
def _roots(dataplane: str) -> dict[str, set[str]]:
    """For each column of an estimate the columns and coefficients that it is made of."""
    if dataplane == NONE:
        return {}
    names = coefficient_table()["coefficient"]
    columns: Coefficients = {name: pl.col(name) for name in names}
    steps = steps_with(columns, dataplanes=(dataplane,))
    stages = chain(steps.base, *(stages for stages, _ in steps.planes), steps.figures)
    found: dict[str, set[str]] = {}
    for name, value in chain.from_iterable(stage.items() for stage in stages):
        if isinstance(value, pl.Expr):  # a later stage may hand on a column under its own name
            found.setdefault(name, set()).update(value.meta.root_names())
    return found


@kept
def cited(dataplane: str) -> dict[str, dict[str, str]]:
    """For each source of a data plane its figures, and of each what rests on it: median or only interval."""
    found: dict[str, dict[str, str]] = {}
    for figure in citing():
        for source_id, is_middle in figure_sources(figure, dataplane):
            found.setdefault(source_id, {})[figure] = MEDIAN if is_middle else INTERVAL
    return found
