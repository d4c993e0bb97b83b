"""A quantity that is not known: at least, most likely, at most, and the triangular distribution between them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

ENDS = ("_lo", "", "_hi")
"""Endings of the names of columns and fields that hold an interval."""


class Interval(NamedTuple):
    """At least, most likely, at most; durations are in seconds unless told otherwise."""

    lo: float
    likely: float
    hi: float

    @property
    def ends(self) -> tuple[float, float, float]:
        """The three values, from the least to the most."""
        return self.lo, self.likely, self.hi

    def times(self, factor: float) -> Interval:
        """The interval in another unit."""
        return Interval(self.lo * factor, self.likely * factor, self.hi * factor)

    def plus(self, other: Interval) -> Interval:
        """The sum of two intervals."""
        return Interval(self.lo + other.lo, self.likely + other.likely, self.hi + other.hi)

    def by(self, other: Interval) -> Interval:
        """The product of two intervals of numbers that are not negative."""
        return Interval(self.lo * other.lo, self.likely * other.likely, self.hi * other.hi)


ZERO = Interval(0.0, 0.0, 0.0)


def total(intervals: Iterable[Interval]) -> Interval:
    """The sum of all."""
    ends = list(zip(*intervals, strict=True))
    return Interval(*map(math.fsum, ends)) if ends else ZERO


def named(name: str, interval: Interval | None) -> dict[str, float | None]:
    """The interval as fields of plain data: name_lo, name and name_hi, each null where it is unknown."""
    ends = (None, None, None) if interval is None else interval.ends
    return {f"{name}{end}": value for end, value in zip(ENDS, ends, strict=True)}


def mean(interval: Interval) -> float:
    """Mean of a triangular distribution: lo, likely and hi weigh alike."""
    return math.fsum(interval.ends) / 3


def expected(interval: Interval) -> Interval:
    """The interval with its mean in the middle: of many nodes together, the mean is likely and not the peak."""
    return Interval(interval.lo, mean(interval), interval.hi)


def quantile(interval: Interval, share: pl.Expr) -> pl.Expr:
    """The value of a triangular distribution below which the share of all values lies.

    Q(u) = lo + sqrt(u * width * rise) below the peak, hi - sqrt((1 - u) * width * fall) above it.
    """
    width, rise, fall = interval.hi - interval.lo, interval.likely - interval.lo, interval.hi - interval.likely
    if width <= 0:
        return pl.lit(interval.likely)
    below = interval.lo + (share * width * rise).sqrt()
    above = interval.hi - ((1 - share) * width * fall).sqrt()
    return pl.when(share * width < rise).then(below).otherwise(above)
