"""Percentiles of a path."""

from __future__ import annotations

import math

import polars as pl
import pytest
from scipy.stats import gamma

from meshlab.models.overhead.coefficients import medians
from meshlab.models.overhead.latency import (
    PERCENTILES,
    Traversals,
    bursts,
    deviation_over_mean,
    log_stalls,
    path_mean,
    path_quantile,
    path_variance,
    quantile_ratio,
    queueing,
    stall_quantile,
)

C = {**medians(), "latency_variance": 0.125, "queue_weight": 0.5, "burst_slope": 0.2, "burst_exponent": 0.5}


def value(expression: pl.Expr) -> float:
    """The number that an expression of literals is."""
    return pl.select(expression).item()


@pytest.mark.parametrize("shape", [1.0, 2.5, 6.0, 24.0, 300.0])
@pytest.mark.parametrize("name", PERCENTILES)
def test_quantiles_are_those_of_a_gamma_distribution(shape: float, name: str) -> None:
    """The ratio lies within 5 % of the quantile that scipy computes."""
    probability = PERCENTILES[name]
    ratio = value(quantile_ratio(pl.lit(shape**-0.5), probability))
    assert ratio == pytest.approx(gamma.ppf(probability, shape) / shape, rel=0.05)


def test_traversals_of_one_kind_narrow_as_their_number_grows() -> None:
    """Eight traversals of variance an eighth have eight times the mean and an eighth of that as deviation."""
    path = [Traversals(8.0, 0.25)]
    assert path_mean(path) == pytest.approx(2.0)
    variance = path_variance(C, path)
    assert value(deviation_over_mean(C, pl.lit(path_mean(path)), pl.lit(variance))) == pytest.approx(1 / 8)


def test_what_some_calls_cross_varies_more() -> None:
    """Half of four calls through a proxy of 1 ms: mean 2, variance 4 * 0.5 * (0.125 + 0.5) = 1.25."""
    path = [Traversals(4.0, 1.0, 0.5)]
    assert (path_mean(path), path_variance(C, path)) == pytest.approx((2.0, 1.25))


def test_a_path_without_traversals_takes_no_time() -> None:
    """Mean zero and variance zero give a ratio of one, not a division by zero; and nothing stalls."""
    assert value(quantile_ratio(deviation_over_mean(C, pl.lit(0.0), pl.lit(0.0)), 0.99)) == 1.0
    assert value(stall_quantile(C, log_stalls(C, [Traversals(pl.lit(0.0), 1.0)]), 5.0, 0.99)) == 0.0


def test_stalls_show_where_they_are_not_too_seldom() -> None:
    """Of eight traversals one in forty stalls: 0.2 stalls a request are 20 times what p99 leaves out, p50 sees none."""
    stalls = log_stalls({**C, "stall_rarity": math.log(40)}, [Traversals(8.0, 1.0)])
    found = [value(stall_quantile(C, stalls, 2.0, share)) for share in (0.5, 0.9, 0.99)]
    assert found == pytest.approx([0.0, 2 * math.log(2), 2 * math.log(20)])


def test_slow_traversals_and_stalls_seldom_meet() -> None:
    """At p99 a gamma time of deviation 1 and a stall of 3: less than both together."""
    stalls = pl.lit(math.log(0.01 * math.exp(3.0)))
    found = value(path_quantile(C, pl.lit(10.0), pl.lit(0.1), stalls, pl.lit(1.0), 0.99))
    even, far = 10.0 * value(quantile_ratio(pl.lit(0.1), 0.99)), 2.3263
    assert found == pytest.approx(even + 9.0 / (3.0 + 1.5 * far), rel=1e-4)


@pytest.mark.parametrize(("load", "ratio"), [(0.0, 1.0), (0.5, 1.5), (0.9, 5.5), (0.95, 10.5), (7.0, 10.5)])
def test_a_queue_grows_to_an_end(load: float, ratio: float) -> None:
    """Half a load/(1 - load) is added; beyond a load of 0.95 no more."""
    assert value(queueing(C, load)) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("connections", "together", "rate", "ratio"),
    [(2, 1.0, 1000, 1.0), (8, 1.0, 1000, 1.6), (16, 0.5, 1000, 1.7), (500, 1.0, 250, 1.7), (16, 0.0, 1000, 1.0)],
)
def test_only_bursts_of_a_generator_queue(connections: float, together: float, rate: float, ratio: float) -> None:
    """Each pair of connections beyond the first adds a fifth, up to sixteen connections, with the root of the rate."""
    values = (pl.lit(float(number)) for number in (connections, rate, together))
    assert value(bursts(C, *values)) == pytest.approx(ratio)
