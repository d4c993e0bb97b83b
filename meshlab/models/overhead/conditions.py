"""Conditions over a scenario's columns."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import polars as pl


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
