"""Percentiles of a path."""

from __future__ import annotations

import polars as pl
import pytest
from scipy.stats import gamma

from meshlab.models.overhead.coefficients import medians
from meshlab.models.overhead.latency import (
    PERCENTILES,
    Traversals,
    inverse_root_shape,
    path_mean,
    path_variance,
    quantile_root,
    queueing,
)


@pytest.mark.parametrize("shape", [1.0, 2.5, 6.0, 24.0, 300.0])
@pytest.mark.parametrize("name", PERCENTILES)
def test_quantiles_are_those_of_a_gamma_distribution(shape: float, name: str) -> None:
    """The cube of the root lies within 5 % of the quantile that scipy computes."""
    probability = PERCENTILES[name]
    root = pl.select(quantile_root(pl.lit(shape**-0.5), probability)).item()
    assert root**3 == pytest.approx(gamma.ppf(probability, shape) / shape, rel=0.05)


def test_traversals_of_one_kind_add_up_their_shapes() -> None:
    """Eight traversals of shape 6 make a path of shape 48 with eight times the mean."""
    path = [Traversals(8.0, 0.25)]
    assert path_mean(path) == pytest.approx(2.0)
    root = pl.select(inverse_root_shape(pl.lit(path_mean(path)), pl.lit(path_variance(path)), 6.0)).item()
    assert root**-2 == pytest.approx(48)


def test_a_path_without_traversals_takes_no_time() -> None:
    """Mean zero and variance zero give a root of one, not a division by zero."""
    root = inverse_root_shape(pl.lit(0.0), pl.lit(0.0), 6.0)
    assert pl.select(quantile_root(root, 0.99)).item() == 1.0


@pytest.mark.parametrize(("connections", "ratio"), [(0, 16**-0.35), (1, 16**-0.35), (4, 4**-0.35), (16, 1), (500, 1)])
def test_queueing_stops_at_sixteen_connections(connections: int, ratio: float) -> None:
    """Few connections queue less; more than sixteen queue no more."""
    assert pl.select(queueing(medians(), pl.lit(float(connections)))).item() == pytest.approx(ratio)
