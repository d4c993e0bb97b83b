"""Latency that data planes add to one user's request, as a distribution over its path. [ms]

One traversal of a proxy adds a time with a gamma distribution. Times add up along the path, percentiles do not: the
path's distribution is combined first and its percentile taken after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import NormalDist

import polars as pl

from meshlab.coefficients import Value

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

SMALLEST_SHAPE = 1e-9
"""Stands in for the shape of a path without any traversal, whose mean is zero as well."""


@dataclass(frozen=True, slots=True)
class Traversals:
    """Traversals of one kind of proxy on the path.

    Args:
        count: How many; a fraction where a share of calls crosses the proxy. [count]
        mean_ms: Mean that one of them adds. [ms]
    """

    count: Value
    mean_ms: Value


def path_mean(path: Sequence[Traversals]) -> Value:
    """Mean that the whole path adds. [ms]"""
    return reduce(add, (part.count * part.mean_ms for part in path))


def path_shape(path: Sequence[Traversals], shape: Value) -> Value:
    """Shape of the gamma distribution with the mean and variance of the whole path. [ratio]

    Gamma times of one scale add up to a gamma time exactly; for unlike scales the first two moments are kept
    (Welch and Satterthwaite). Traversals are independent, each with coefficient of variation 1 / sqrt(shape).
    """
    variance = reduce(add, (part.count * part.mean_ms * part.mean_ms for part in path))
    mean = path_mean(path)
    return shape * mean * mean / (variance + SMALLEST_SHAPE)


def quantile_over_mean(shape: pl.Expr, probability: float) -> pl.Expr:
    """Quantile of a gamma distribution over its mean. [ratio]

    (1 - 1/(9 a) + z / (3 sqrt(a)))**3 for shape a and normal score z: Wilson and Hilferty's cube-root approximation,
    within 5 % for shapes of 1 and more at 0.5, 0.9 and 0.99. Times the mean it grows with a at a fixed scale, so a
    longer path is never faster.
    """
    score = NormalDist().inv_cdf(probability)
    inverse_root = shape.clip(lower_bound=SMALLEST_SHAPE).sqrt().pow(-1)
    root = 1.0 - inverse_root * inverse_root * (1.0 / 9.0) + inverse_root * (score / 3.0)
    root = root.clip(lower_bound=0.0)
    return root * root * root
