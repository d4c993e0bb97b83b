"""Latency that data planes add to one user's request, as a distribution over its path. [ms]

One traversal of a proxy adds a time with a gamma distribution. Times add up along the path, percentiles do not: the
path's distribution is combined first and its percentile taken after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from statistics import NormalDist

import polars as pl

from meshlab.models.overhead.coefficients import Coefficients, Value
from meshlab.models.overhead.conditions import at_least, at_most

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

SMALLEST_MS = 1e-12
"""Stands beside the mean of a path without any traversal, so that its shape stays a number. [ms]"""


CROWDED_CONNECTIONS = 16.0
"""Connection ends of a sidecar beyond which more of them add no latency. [count] Sources: S02."""


@dataclass(frozen=True, slots=True)
class Traversals:
    """Traversals of one kind of proxy on the path.

    Args:
        count: How many; a fraction where a share of calls crosses the proxy. [count]
        mean_ms: Mean that one of them adds. [ms]
    """

    count: Value
    mean_ms: Value


def queueing(c: Coefficients, connections: pl.Expr) -> Value:
    """Time in a sidecar with so many connection ends over its time with 16 or more. [ratio]

    (connections / 16) ** exponent, at most 1: requests that arrive together on several connections queue. Fewer than
    one connection end counts as one.

    Sources: S02 (data/sources.csv).
    """
    crowd = at_most(at_least(connections, 1.0), CROWDED_CONNECTIONS) * (1.0 / CROWDED_CONNECTIONS)
    return (c["latency_connection_exponent"] * crowd.log()).exp()  # takes two thirds of the time of a power


def path_mean(path: Sequence[Traversals]) -> Value:
    """Mean that the whole path adds. [ms]"""
    return _total(part.count * part.mean_ms for part in path)


def path_variance(path: Sequence[Traversals]) -> Value:
    """Variance of the whole path, over that of a traversal with mean 1 ms. [ratio]

    Traversals are independent, each with a standard deviation proportional to its mean.
    """
    return _total(part.count * part.mean_ms * part.mean_ms for part in path)


def _total(values: Iterable[Value]) -> Value:
    return reduce(lambda total, value: total + value, values)


def inverse_root_shape(mean: pl.Expr, variance: pl.Expr, shape: Value) -> pl.Expr:
    """1 / sqrt(a) for the shape a of the gamma distribution with the path's mean and variance. [ratio]

    Gamma times of one scale add up to a gamma time exactly; for unlike scales the first two moments are kept
    (Welch and Satterthwaite).

    Args:
        mean: Mean of the path. [ms]
        variance: Variance of the path over that of a traversal with mean 1 ms. [ratio]
        shape: Shape of one traversal. [ratio]
    """
    return variance.sqrt() / (mean + SMALLEST_MS) * shape**-0.5


def quantile_root(inverse_root: pl.Expr, probability: float) -> pl.Expr:
    """Cube root of a gamma distribution's quantile over its mean. [ratio]

    1 - 1/(9 a) + z / (3 sqrt(a)) for shape a and normal score z: Wilson and Hilferty's approximation, within 5 % for
    shapes of 1 and more at 0.5, 0.9 and 0.99. Its cube times the mean grows with a at a fixed scale, so a longer path
    is never faster.

    Args:
        inverse_root: 1 / sqrt(a). [ratio]
        probability: Of the quantile.
    """
    score = NormalDist().inv_cdf(probability) / 3.0
    return at_least(1.0 + inverse_root * (score - inverse_root * (1.0 / 9.0)), 0.0)
