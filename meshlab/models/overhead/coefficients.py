"""Coefficients of the overhead models: their table, and their joint draws.

A coefficient is a median with a 10-90 % interval, read as a lognormal distribution. Models take a mapping from
coefficient to value and do not know whether a value is the median (a number), draws (an array) or one draw a row (a
column), so one formula gives the median, the interval, and every probability and difference.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from statistics import NormalDist

import numpy as np
import polars as pl

from meshlab.cache import cached
from meshlab.tables import data_path, read_table

Value = float | pl.Expr
"""A number, or an expression of numbers or of arrays of draws."""

Coefficients = Mapping[str, Value]


class Arrays(dict[str, Value]):
    """Coefficients of which those that are not certain are arrays of draws."""


DRAWS = 1024
"""Joint draws of all coefficients in ``coefficient_draws.csv``: one row each, a coefficient to a column."""

SHOWN = 50
"""The first of them, which stand for all where there are many scenarios (docs/models.md)."""

NINETY_PERCENT = NormalDist().inv_cdf(0.9)
"""Standard scores from the median to either end of a 10-90 % interval."""


def coefficient_table() -> pl.DataFrame:
    """The fitted coefficients, columns of ``coefficients.csv``."""
    return read_table("coefficients")


def sources(dataplane: str) -> pl.DataFrame:
    """Coefficients that enter the figures of a data plane, each with its interval and sources.

    Args:
        dataplane: One of ``registry.dataplanes()``.
    """
    return coefficient_table().filter(pl.col("dataplane").str.split("|").list.contains(dataplane))


def medians(table: pl.DataFrame | None = None) -> dict[str, float]:
    """The middle of each coefficient."""
    table = coefficient_table() if table is None else table
    return dict(zip(table["coefficient"], table["median"], strict=True))


def of_each(c: Coefficients, value: pl.Expr, function: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """A function that polars knows of numbers only, of a quantity that is an array where the coefficients are."""
    return value.arr.eval(function(pl.element())) if isinstance(c, Arrays) else function(value)


def draws(table: pl.DataFrame | None = None, count: int = DRAWS) -> Arrays:
    """The median of each coefficient and the first of its draws as one array; one that is certain stays a number.

    The median comes first, so that one expression gives the middle and the interval.
    """
    drawn = joint_draws(table, count)
    return Arrays(
        {
            name: pl.lit(pl.Series([[median, *drawn[name]]], dtype=pl.Array(pl.Float64, count + 1)))
            if name in drawn.columns
            else median
            for name, median in medians(table).items()
        }
    )


def even_shares(name: str) -> pl.Series:
    """Shares that fill the unit interval evenly, one a draw, in an order that the name gives."""
    order = np.random.default_rng(zlib.crc32(name.encode())).permutation(DRAWS)
    return pl.Series((order + 0.5) / DRAWS)


def joint_draws(table: pl.DataFrame | None = None, count: int = DRAWS) -> pl.DataFrame:
    """Joint draws of all coefficients that are not certain: a row for each draw, a column for each coefficient.

    Args:
        table: Columns of ``coefficients.csv``; the fitted ones without. A column ``draws`` (of ``calibrate``)
            holds the table's own draws; without it the fitted draws are moved and stretched, on the logarithmic
            scale, to the table's medians and intervals.
        count: The first of them, at most ``DRAWS``.
    """
    if table is None:
        return _fitted_draws(count)
    if "draws" in table.columns:
        own = table.drop_nulls("draws")
        return pl.DataFrame(dict(zip(own["coefficient"], own["draws"].list.head(count), strict=True)))
    drawn = _fitted_draws(count)
    fitted = coefficient_table().select("coefficient", "median", _sd=log_sd(pl.col("lo"), pl.col("hi")))
    moved = (
        table.filter(pl.col("coefficient").is_in(drawn.columns))
        .join(fitted, on="coefficient", suffix="_fitted")
        .select("coefficient", "median", "median_fitted", log_sd(pl.col("lo"), pl.col("hi")) / pl.col("_sd"))
    )
    return drawn.select(
        ((pl.col(name) / fitted).log() * stretch).exp().mul(median).alias(name)
        for name, median, fitted, stretch in moved.iter_rows()
    )


@cached
def _fitted_draws(count: int) -> pl.DataFrame:
    return pl.read_csv(data_path("coefficient_draws.csv"), n_rows=count)


def log_sd(lo: pl.Expr, hi: pl.Expr) -> pl.Expr:
    """Standard deviation of the logarithm that gives a 10-90 % interval. [ratio, natural logarithm]"""
    return (hi / lo).log() / (2 * NINETY_PERCENT)


def log_normal_interval(log_median: float, sd: float) -> tuple[float, float, float]:
    """Median, lower and upper end of a lognormal's 10-90 % interval."""
    reach = NINETY_PERCENT * sd
    return math.exp(log_median), math.exp(log_median - reach), math.exp(log_median + reach)


# --- conditions over a scenario's columns ----------------------------------------------------------------------------


def share(condition: pl.Expr) -> pl.Expr:
    """One where the condition holds; zero where it does not, or where that is unknown. [share]"""
    # a third of the time that a cast of bits to numbers takes
    return pl.when(condition).then(1.0).otherwise(0.0)


def at_least(value: pl.Expr, bound: float) -> pl.Expr:
    """The value, or the bound where that is more."""
    return pl.max_horizontal(value, bound)  # ignores nulls, which a quantity of filled inputs never is


def at_most(value: pl.Expr, bound: float) -> pl.Expr:
    """The value, or the bound where that is less."""
    return pl.min_horizontal(value, bound)


def is_one_of(column: str, values: Iterable[object]) -> pl.Expr:
    """Whether a column holds one of a few values, compared one by one; null where the column is."""
    return reduce(pl.Expr.or_, (pl.col(column).eq(value) for value in values))
