"""Shares of a sweep: each a function of its number, evenly spread, unlike those of other axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from meshlab.run.sweep.axes import grid_places, permuted, random_shares, stratified_shares

EXAMPLES = settings(max_examples=60, deadline=None)


@EXAMPLES
@given(st.integers(1, 5000), st.integers(0, 2**128 - 1))
def test_a_permutation_meets_every_number_once(size: int, key: int) -> None:
    """Any size and key give each of the numbers below the size, once."""
    found = permuted(np.arange(size, dtype=np.uint64), size, key)
    assert sorted(found.tolist()) == list(range(size))


@EXAMPLES
@given(st.integers(0, 2**63 - 1), st.integers(0, 50).map(lambda n: 4 * n), st.integers(1, 300))
def test_a_stretch_is_the_same_wherever_it_begins(seed: int, start: int, count: int) -> None:
    """Scenarios that are made as a part are those that are made among all."""
    both = random_shares(seed, "pods", 0, start + count)
    assert random_shares(seed, "pods", start, count).tolist() == both[start:].tolist()
    both = stratified_shares(seed, "pods", 0, start + count, 10_000)
    assert stratified_shares(seed, "pods", start, count, 10_000).tolist() == both[start:].tolist()


@EXAMPLES
@given(st.integers(1, 3000), st.integers(0, 2**63 - 1))
def test_a_latin_hypercube_meets_every_stratum_once(rows: int, seed: int) -> None:
    """Each of as many equal strata as there are rows holds one share."""
    shares = stratified_shares(seed, "pods", 0, rows, rows)
    assert sorted(np.floor(shares * rows).astype(int).tolist()) == list(range(rows))


@pytest.mark.parametrize("draw", [random_shares, lambda *args: stratified_shares(*args, 20_000)])
def test_axes_know_nothing_of_each_other(draw: object) -> None:
    """Eight axes of 20,000 scenarios: uniform each, uncorrelated in pairs and from one scenario to the next."""
    shares = [draw(7, name, 0, 20_000) for name in "abcdefgh"]  # pyright: ignore[reportCallIssue]
    assert min(kstest(axis, "uniform").pvalue for axis in shares) > 1e-4
    # five standard deviations of a correlation among 20,000 independent pairs
    assert np.abs(np.corrcoef(shares) - np.eye(8)).max() < 5 / np.sqrt(20_000)
    assert max(abs(np.corrcoef(axis[:-1], axis[1:])[0, 1]) for axis in shares) < 5 / np.sqrt(20_000)


def test_another_seed_is_another_sample() -> None:
    """Seeds and names choose streams of their own."""
    first = random_shares(1, "pods", 0, 100)
    assert not np.any(first == random_shares(2, "pods", 0, 100))
    assert not np.any(first == random_shares(1, "nodes", 0, 100))


def test_the_last_axis_of_a_grid_turns_fastest() -> None:
    """Scenarios 4 to 7 of a grid of 2 by 3 by 2."""
    assert [place.tolist() for place in grid_places(4, 4, [2, 3, 2])] == [[0, 0, 1, 1], [2, 2, 0, 0], [0, 1, 0, 1]]
