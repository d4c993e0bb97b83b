"""Coefficients of the overhead models: their table, and their draws with a fixed seed.

A coefficient is a median with a 10-90 % interval, read as a lognormal distribution. Models take a mapping from
coefficient to value and do not know whether a value is the median (a number) or all draws (an array), so one
formula gives the median and the interval.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from statistics import NormalDist

import polars as pl

from meshlab.kept import kept
from meshlab.tables import read_table

Value = float | pl.Expr
"""A number, or an expression of numbers or of arrays of draws."""

Coefficients = Mapping[str, Value]

DRAWS = 64
"""Joint draws of all coefficients: a Latin hypercube, so that each coefficient is sampled in 64 equal strata."""

SEED = 20260801

NINETY_PERCENT = NormalDist().inv_cdf(0.9)
"""Standard scores from the median to either end of a 10-90 % interval."""


def coefficient_table() -> pl.DataFrame:
    """The fitted coefficients, columns of ``coefficients.csv``."""
    return read_table("coefficients")


def sources(dataplane: str, kind: str | None = None) -> pl.DataFrame:
    """Coefficients that enter the figures of a data plane, each with its interval and sources.

    Args:
        dataplane: One of ``overhead.DATAPLANES``.
        kind: ``memory``, ``cpu``, ``latency`` or ``placement``; all of them without.
    """
    table = coefficient_table().filter(pl.col("dataplane").str.split("|").list.contains(dataplane))
    return table if kind is None else table.filter(kind=kind)


def medians(table: pl.DataFrame | None = None) -> dict[str, float]:
    """The middle of each coefficient."""
    table = coefficient_table() if table is None else table
    return dict(zip(table["coefficient"], table["median"], strict=True))


def draws(table: pl.DataFrame | None = None) -> dict[str, Value]:
    """The median of each coefficient and all its draws as one array; one that is certain stays a number.

    The median comes first, so that one expression gives the middle and the interval. A table with a column ``draws``
    (from ``evidence.narrow``) brings its own draws, made jointly.
    """
    table = with_draws(coefficient_table() if table is None else table)
    return {
        name: median if lo == hi else pl.lit(pl.Series([[median, *values]], dtype=pl.Array(pl.Float64, DRAWS + 1)))
        for name, median, lo, hi, values in table.select("coefficient", "median", "lo", "hi", "draws").iter_rows()
    }


def with_draws(table: pl.DataFrame) -> pl.DataFrame:
    """The table with its draws, lognormal around the median. [list of numbers]"""
    if "draws" in table.columns:
        return table
    scores = pl.Series("draws", [standard_scores(name) for name in table["coefficient"]], pl.List(pl.Float64))
    log_draws = (pl.col("draws") * log_sd(pl.col("lo"), pl.col("hi")) + pl.col("median").log()).list
    return table.with_columns(scores).with_columns(log_draws.eval(pl.element().exp()))


def log_sd(lo: pl.Expr, hi: pl.Expr) -> pl.Expr:
    """Standard deviation of the logarithm that gives a 10-90 % interval. [ratio, natural logarithm]"""
    return (hi / lo).log() / (2 * NINETY_PERCENT)


@kept
def standard_scores(coefficient: str) -> tuple[float, ...]:
    """Standard normal scores of one coefficient: the middles of equal strata in an order that its name seeds.

    Adding a coefficient leaves the draws of all others as they were.
    """
    strata = [NormalDist().inv_cdf((index + 0.5) / DRAWS) for index in range(DRAWS)]
    random.Random(f"{SEED}:{coefficient}").shuffle(strata)  # noqa: S311  (sampling, not cryptography)
    return tuple(strata)


def log_normal_interval(log_median: float, sd: float) -> tuple[float, float, float]:
    """Median, lower and upper end of a lognormal's 10-90 % interval."""
    reach = NINETY_PERCENT * sd
    return math.exp(log_median), math.exp(log_median - reach), math.exp(log_median + reach)
