"""Axes: from a share to the value of an input."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlab.run.sweep.axes import FAMILIES, Even, Listed, Spread, log_even

SHARES = (np.arange(10_000) + 0.5) / 10_000


@pytest.mark.parametrize(
    ("family", "parameters", "expected"),
    [
        ("uniform", (2.0, 6.0), (2.4, 4.0, 5.6)),
        ("log-uniform", (10.0, 1000.0), (10**1.2, 100.0, 10**2.8)),
        ("normal", (50.0, 4.0), (50 - 1.2815516 * 4, 50.0, 50 + 1.2815516 * 4)),
        ("lognormal", (100.0, 1000.0), (10.0, 100.0, 1000.0)),
        # sqrt(0.1 * 9 * 9), 9 - 9 sqrt(0.5) mirrored, 9 sqrt(0.9): the quantiles of a triangle that rises to its end
        ("triangular", (0.0, 9.0, 9.0), (9 * 0.1**0.5, 9 * 0.5**0.5, 9 * 0.9**0.5)),
    ],
)
def test_quantiles_are_those_of_the_distribution(family: str, parameters: tuple, expected: tuple) -> None:
    """The 10, 50 and 90 % quantiles, worked out by hand."""
    axis = Spread("requests_per_second", FAMILIES[family].make(*parameters), 0, 1e8)
    found = axis.at(np.array([0.1, 0.5, 0.9]))["requests_per_second"].to_list()
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_distribution_is_cut_off_not_piled_up() -> None:
    """Half a standard deviation either way: 9.41 % lie in the outermost tenth, by tables, 10.40 % in a middle one."""
    axis = Spread("l7_traffic_share", FAMILIES["normal"].make(0.5, 1.0), 0, 1)
    counts, _ = np.histogram(axis.at(SHARES)["l7_traffic_share"], bins=10, range=(0, 1))
    # (0.69146 - 0.65542) / 0.38292 and (0.53983 - 0.5) / 0.38292
    assert counts[[0, 4, 5, 9]].tolist() == pytest.approx([941, 1040, 1040, 941], abs=1)


def test_whole_numbers_are_rounded_and_reach_both_ends() -> None:
    """Pods from 1 to 3 are 1, 2 and 3, as whole numbers."""
    values = Spread("pods", Even(1, 3), 1, 3).at(np.array([0.0, 0.3, 0.5, 0.9, 1.0]))["pods"]
    assert (values.dtype, values.to_list()) == (pl.Int64(), [1, 2, 2, 3, 3])


def test_levels_of_a_range_reach_its_ends_and_those_of_a_distribution_do_not() -> None:
    """Three steps of 1 to 100 are 1, 10 and 100 on a logarithmic scale; two of a distribution halve it."""
    assert Spread("pods", log_even(1, 100), 1, 100).levels(3, ends=True).values["pods"].to_list() == [1, 10, 100]
    halves = Spread("requests_per_second", Even(0, 8), 0, 8).levels(2, ends=False)
    assert halves.values["requests_per_second"].to_list() == [2.0, 6.0]


@given(st.integers(1, 50))
def test_each_value_of_a_list_is_as_probable(size: int) -> None:
    """Evenly spread shares meet each value as often as any other, give or take one."""
    counts = Listed(pl.DataFrame({"nodes": range(1, size + 1)})).at(SHARES)["nodes"].value_counts()["count"]
    assert (counts.len(), counts.max() - counts.min() <= 1) == (size, True)


def test_rows_of_a_file_stay_together() -> None:
    """Columns of one file are never mixed."""
    rows = pl.DataFrame({"nodes": [1, 2, 3], "pods": [10, 20, 30]})
    assert (Listed(rows).at(SHARES).select(pl.col("pods") / pl.col("nodes")).to_series() == 10).all()
