"""What a sweep tells: which inputs matter, where each data plane adds least, and where two of them cost the same."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl

from meshlab.errors import MeshlabError, Problem
from meshlab.models.sensitivity import break_even
from meshlab.run.sweep.axes import statistics
from meshlab.run.sweep.parts import PART_ROWS, answers, part_count, scenarios
from meshlab.run.sweep.run import merged, partial
from meshlab.run.sweep.spec import Spec

RESAMPLES = 200
"""Resamples behind an index's interval."""

MOST_SCENARIOS = 64 * PART_ROWS
"""Scenarios that are evaluated into memory; more of them go to a file."""


def evaluate(spec: Spec) -> pl.DataFrame:
    """All rows of a sweep in memory, ordered by data plane within each part, or what its aggregates tell of them.

    Raises:
        MeshlabError: There are too many.
    """
    if (wanted := spec.aggregates) is not None:
        answered = (answers(spec, scenarios(spec, part, wanted.by)) for part in range(part_count(spec)))
        return merged([partial(spec, wanted, rows) for rows in answered], wanted)
    if spec.rows > MOST_SCENARIOS:
        what = f"{spec.rows:,} scenarios are too many for memory"
        raise MeshlabError(Problem(spec.file, what, "write them to a file by 'meshlab sweep'"))
    return pl.concat(answers(spec, scenarios(spec, part)) for part in range(part_count(spec)))


# --- global sensitivity --------------------------------------------------------------------------------------------


def sobol(spec: Spec, samples: int = 1024, *, logarithm: bool = True) -> pl.DataFrame:
    """How much of the spread of each figure is due to each axis of a sweep: Sobol' indices with 80 % intervals.

    The first order is the part of the variance that an axis explains alone; the total also counts what it does
    together with others. Axes are taken as independent, each with the distribution of the spec; the spec's own rows
    play no part.

    Args:
        spec: The sweep.
        samples: Base samples, a power of two; ``samples * (axes + 2)`` scenarios are evaluated.
        logarithm: Whether to explain the spread of a figure's logarithm, sign(x) log(1 + |x|): figures over fleets of
            all sizes spread over decades, and a few large ones would be all that counts.

    Returns:
        ``dataplane, figure, axis`` and ``first, first_lo, first_hi, total, total_lo, total_hi``. [share]

    Sources: Saltelli et al., "Variance based sensitivity analysis of model output" (2010), by scipy.
    """
    stats = statistics()
    pairs: list[tuple[str, str]] = []

    def figures(shares: np.ndarray) -> np.ndarray:
        drawn = [axis.at(column) for axis, column in zip(spec.axes, shares, strict=True)]
        frame = pl.concat([pl.DataFrame({"scenario": range(shares.shape[1])}), *drawn], how="horizontal")
        planes = answers(spec, frame).partition_by("dataplane", as_dict=True, maintain_order=True)
        found = {
            (str(name), figure): rows[figure].cast(pl.Float64).to_numpy()
            for (name,), rows in planes.items()
            if name != "none"
            for figure in spec.outputs
        }
        pairs[:] = found
        values = np.array(list(found.values()))
        return np.sign(values) * np.log1p(np.abs(values)) if logarithm else values

    axes = [stats.uniform() for _ in spec.axes]
    generator = np.random.default_rng(spec.seed)
    result = stats.sobol_indices(func=figures, n=samples, dists=axes, rng=generator)
    # an axis without effect has the same index in every resample, of which scipy warns
    with warnings.catch_warnings(action="ignore"), _seeded(spec.seed):
        ends = result.bootstrap(confidence_level=0.8, n_resamples=RESAMPLES)
    orders = {"first": (result.first_order, ends.first_order), "total": (result.total_order, ends.total_order)}
    return pl.DataFrame(
        {
            "dataplane": dataplane,
            "figure": figure,
            "axis": " and ".join(axis.names),
            **{name: float(values[row, column]) for name, values in _with_ends(orders).items()},
        }
        for row, (dataplane, figure) in enumerate(pairs)
        for column, axis in enumerate(spec.axes)
    )


@contextmanager
def _seeded(seed: int) -> Generator[None]:
    """Numpy's own generator at a seed, and afterwards as it was: scipy's resampling of indices takes no other."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _with_ends(orders: Mapping[str, tuple[np.ndarray, Any]]) -> dict[str, np.ndarray]:
    """Indices and the ends of their intervals, by column; what has no spread has no other end than itself."""
    found: dict[str, np.ndarray] = {}
    for order, (middle, interval) in orders.items():
        found[order] = middle
        for end in ("low", "high"):
            values = getattr(interval.confidence_interval, end)
            found[f"{order}_{end[:2]}"] = np.where(np.isfinite(values), values, middle)
    return found


# --- who adds least ------------------------------------------------------------------------------------------------


def cheapest(rows: pl.DataFrame | pl.LazyFrame, figure: str) -> pl.LazyFrame:
    """For each scenario of a sweep the data plane but ``none`` that adds least of a figure, and how much."""
    return (
        rows.lazy()
        .filter(pl.col("dataplane") != "none")
        .group_by("scenario")
        .agg(
            pl.all().exclude("dataplane", figure).first(),
            pl.col("dataplane").sort_by(figure, "dataplane").first(),
            pl.col(figure).min(),
        )
        .sort("scenario")
    )


def shares(rows: pl.DataFrame | pl.LazyFrame, figure: str, by: Sequence[str] = ()) -> pl.DataFrame:
    """Share of the scenarios, or of each group of them, in which each data plane adds least of a figure. [share]

    Returns ``by``, ``dataplane``, ``scenarios`` and ``share``, which adds up to one within a group.
    """
    counted = cheapest(rows, figure).group_by(*by, "dataplane").agg(scenarios=pl.len())
    whole = pl.sum("scenarios").over(list(by)) if by else pl.sum("scenarios")
    return counted.with_columns(share=pl.col("scenarios") / whole).sort(*by, "dataplane").collect()


def regions(rows: pl.DataFrame | pl.LazyFrame, figure: str, x: str, y: str) -> pl.DataFrame:
    """For each pair of values of two inputs the data plane that most often adds least of a figure, and how often.

    Rows are those of a sweep over a grid of the two inputs; what else it varies is counted. Returns ``x, y, dataplane,
    share``.
    """
    best = shares(rows, figure, (x, y)).sort(x, y, pl.col("share"), "dataplane", descending=[False, False, True, False])
    return best.group_by(x, y, maintain_order=True).first().select(x, y, "dataplane", "share")


def break_even_surface(
    scenario: pl.DataFrame,
    pair: tuple[str, str],
    figure: str,
    plane: tuple[str, str],
    along: Mapping[str, Sequence[Any]],
) -> pl.DataFrame:
    """Where two data planes cost the same over three inputs: the line over two of them for each value of a third.

    The third input stands first, then the columns of ``sensitivity.break_even``.
    """
    (name, values), *_ = along.items()
    lines = [
        break_even(scenario.with_columns(pl.lit(value, scenario.schema[name]).alias(name)), *pair, figure, *plane)
        .with_columns(pl.lit(value, scenario.schema[name]).alias(name))
        .select(name, pl.all().exclude(name))
        for value in values
    ]
    return pl.concat(lines)
