"""Latency that data planes add to one user's request, as a distribution over its path. [ms]

One traversal of a proxy adds a time with a gamma distribution, and some traversals stall: they wait for a processor.
Times add up along the path, percentiles do not: the path's distribution is combined first and its percentile taken
after. The equations stand in docs/models.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from statistics import NormalDist

import msgspec
import polars as pl

from meshlab.models.overhead.coefficients import Coefficients, Value, at_most, of_each
from meshlab.models.overhead.cpu import machine_factor

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

SMALLEST_MS = 1e-12
"""Stands beside the mean of a path without any traversal, so that its shape stays a number. [ms]"""

CROWDED_CONNECTIONS = 16.0
"""Connections beyond which requests that arrive together queue no longer. [count] Sources: S02."""

MOST_LOAD = 0.95
"""Load of a worker beyond which a queue has no end: the estimate says what it is here, and the load itself. [share]"""


class Traversals(msgspec.Struct, frozen=True):
    """Traversals of one kind of proxy on the path.

    Args:
        calls: Calls on the path that may cross the proxy, times what one of them crosses. [count]
        mean_ms: Mean that one traversal adds. [ms]
        share: Share of the calls that cross it; None where all do. [share]
        stalls: How many may stall: those for which a process has to be given a processor; as many as cross it, unless
            given. [count]
    """

    calls: Value
    mean_ms: Value
    share: Value | None = None
    stalls: Value | None = None

    @property
    def count(self) -> Value:
        """Traversals of a request on average. [count]"""
        return self.calls if self.share is None else self.calls * self.share

    def variance(self, own: Value) -> Value:
        """Variance of their time. [ms2]

        Args:
            own: Variance of one traversal's time over its mean squared. [ratio]
        """
        return self.count * self.mean_ms * self.mean_ms * (own if self.share is None else own + (1.0 - self.share))


def bursts(c: Coefficients, connections: pl.Expr, rate: pl.Expr, together: pl.Expr) -> Value:
    """Time in a proxy under a generator that fires all its connections at once, over that under even load. [ratio]

    1 + slope * together * (pairs of connections - 1) * (rate / 1000) ** exponent. Only measurements have such bursts.

    Args:
        c: Coefficients.
        connections: Connections of the generator. [count]
        rate: Requests of one proxy. [1/s]
        together: How far connections fire at once. [share]

    Sources: S01, S02, T01 (data/sources.csv).
    """
    pairs = (at_most(connections, CROWDED_CONNECTIONS) * 0.5 - 1.0).clip(lower_bound=0.0)
    return 1.0 + c["burst_slope"] * together * pairs * ((rate * 1e-3).log() * c["burst_exponent"]).exp()


def queueing(c: Coefficients, load: Value) -> Value:
    """Time in a proxy whose workers are busy for this share, over that of an idle one. [ratio]

    1 + weight * load / (1 - load). A connection stays with one worker, so that each worker is a queue of its own
    (Pollaczek and Khinchine: half a load/(1 - load) for even service times). Nobody measured it: a wide prior.

    Args:
        c: Coefficients.
        load: Busy share of a worker. [share]
    """

    def waiting(busy: pl.Expr) -> pl.Expr:
        bounded = busy.clip(upper_bound=MOST_LOAD)
        return bounded / (1.0 - bounded)

    return 1.0 + c["queue_weight"] * of_each(c, expression(load), waiting)


def path_mean(path: Sequence[Traversals]) -> Value:
    """Mean that the whole path adds, stalls apart. [ms]"""
    return _total(part.count * part.mean_ms for part in path)


def path_variance(c: Coefficients, path: Sequence[Traversals]) -> Value:
    """Variance of the whole path, stalls apart. [ms2]

    Traversals are independent, each with a standard deviation proportional to its mean; a call that crosses a proxy
    by chance has no time of it at all where it does not.
    """
    return _total(part.variance(c["latency_variance"]) for part in path)


def log_stalls(c: Coefficients, path: Sequence[Traversals]) -> Value:
    """Logarithm of the stalls that a request meets on the path on average. [natural logarithm of a count]"""
    stalling = expression(_total(part.count if part.stalls is None else part.stalls for part in path))
    return stalling.log() - c["stall_rarity"]


def _total(values: Iterable[Value]) -> Value:
    return reduce(lambda total, value: total + value, values)


def deviation_over_mean(c: Coefficients, mean: pl.Expr, variance: pl.Expr) -> Value:
    """Standard deviation of a path over its mean. [ratio]

    Args:
        c: Coefficients.
        mean: Mean of the path. [ms]
        variance: Its variance. [ms2]
    """
    return of_each(c, variance, pl.Expr.sqrt) / (mean + SMALLEST_MS)


def quantile_ratio(deviation: pl.Expr, probability: float) -> pl.Expr:
    """A gamma distribution's quantile over its mean. [ratio]

    (1 - d**2 / 9 + z d / 3) ** 3 for a deviation d over the mean and normal score z: Wilson and Hilferty's
    approximation, within 5 % for deviations up to 1 at 0.5, 0.9 and 0.99; less than zero where hardly any request
    crosses a proxy, which stands for zero. Gamma times of one scale add up to a gamma time exactly; for unlike scales
    the first two moments are kept (Welch and Satterthwaite). The quantile grows with the mean at a fixed scale, so
    that a longer path is never faster.

    Args:
        deviation: Standard deviation over mean. [ratio]
        probability: Of the quantile.
    """
    score = NormalDist().inv_cdf(probability) / 3.0
    root = deviation * (score - deviation * (1.0 / 9.0)) + 1.0
    return root * root * root


def stall_length(c: Coefficients, is_vm: Value, is_metal: Value) -> Value:
    """Mean length of a stall on a cluster's machines. [ms]

    Args:
        c: Coefficients.
        is_vm: One on a cloud's virtual cores, else zero.
        is_metal: One on bare metal, else zero.
    """
    return c["stall_ms"] * machine_factor(c["vm_stall_factor"], is_vm, is_metal) * c["stall_latency_spread"]


def path_quantile(
    c: Coefficients, mean: pl.Expr, deviation: pl.Expr, log_stalls: pl.Expr, stall_ms: Value, probability: float
) -> Value:
    """A quantile of the whole path, stalls included. [ms]

    gamma + s**2 / (s + 1.5 t) for the gamma times' quantile, s that of the stalls, and t the normal score times the
    gamma times' deviation: hardly a request meets slow traversals and a long stall at once, so that what both add is
    less than their sum. As deviations that add in squares, it would be 2 t for short stalls and t for long ones.
    Within 15 % of simulations of four calls or more.

    Args:
        c: Coefficients.
        mean: Mean of the path, stalls apart. [ms]
        deviation: Its standard deviation over the mean. [ratio]
        log_stalls: As ``log_stalls`` gives it.
        stall_ms: Mean length of a stall. [ms]
        probability: Of the quantile.
    """
    gamma, score = mean * quantile_ratio(deviation, probability), NormalDist().inv_cdf(probability)
    stalls = stall_quantile(c, log_stalls, stall_ms, probability)
    if score == 0.0:
        return gamma + stalls
    return gamma + stalls * stalls / (stalls + mean * deviation * (1.5 * score) + SMALLEST_MS)


def stall_quantile(c: Coefficients, log_stalls: pl.Expr, stall_ms: Value, probability: float) -> Value:
    """A quantile of what stalls take on the path. [ms]

    stall * ln(stalls / (1 - probability)), at least zero, for so many stalls on average, each with an exponential
    distribution. Where fewer requests stall than lie beyond the quantile, it sees none.

    Args:
        c: Coefficients.
        log_stalls: As ``log_stalls`` gives it.
        stall_ms: Mean length of a stall. [ms]
        probability: Of the quantile.

    Sources: R01, S01, S02, T01 (data/sources.csv).
    """
    seldom = math.log(1.0 - probability)
    return stall_ms * of_each(c, log_stalls, lambda stalls: (stalls - seldom).clip(lower_bound=0.0))


def expression(value: Value) -> pl.Expr:
    """The value as an expression, which a number is not."""
    return value if isinstance(value, pl.Expr) else pl.lit(value)
