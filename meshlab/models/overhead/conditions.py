"""Conditions over a scenario's columns, and whether a scenario lies within what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import ceil, floor
from operator import or_

import polars as pl

from meshlab.scenario import BOOLEANS, inputs
from meshlab.tables import read_table


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
    return reduce(or_, (pl.col(column).eq(value) for value in values))


def in_evidence_range(dataplane: str) -> pl.Expr:
    """Whether all inputs lie within what was measured of the data plane; fitted with the coefficients.

    Sources: data/evidence/range.csv.
    """
    rows = read_table("evidence/range").filter(dataplane=dataplane)
    return pl.all_horizontal(_within(dataplane, **row) for row in rows.drop("dataplane").iter_rows(named=True))


def _within(dataplane: str, quantity: str, lower: float | None, upper: float | None, members: str | None) -> pl.Expr:
    if quantity == "rate_per_proxy":
        return rate_per_proxy(dataplane).is_between(lower, upper)
    kind = inputs()[quantity].type
    if members is not None:
        return is_one_of(quantity, (BOOLEANS[word] if kind == "boolean" else word for word in members.split("|")))
    if kind == "integer" and lower is not None and upper is not None:
        lower, upper = ceil(lower), floor(upper)  # so that whole numbers need not become others to be compared
    return pl.col(quantity).is_between(lower, upper)


def rate_per_proxy(dataplane: str) -> pl.Expr:
    """Traversals of one proxy: a pod's sidecar, a node's ztunnel or Envoy; a prepared column. [1/s]"""
    return pl.col("_node_rate" if dataplane in ("istio-ambient", "cilium") else "_pod_rate")
