"""How long reviews take: of one team, of a hundred, and of a slider's tick.

Over few rows the time goes into planning: polars reads hundreds of small expressions for a handful of rows. So the
measure is such a plan without any of our models: a thousand sums of two columns over one row, timed in the same run,
which load slows down alike. Of each the best round counts. Run it with::

    python -m pytest tests/benches/test_review.py --benchmark-only -s

Goals: a team's review in 8 times, each of a hundred teams in 3 times, and a light review in 4 times that measure.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import polars as pl
import pytest
from msgspec.structs import replace
from pytest_benchmark.fixture import BenchmarkFixture

from meshlab.reviews.cases import Case, example_teams, open_path
from meshlab.reviews.review import build_reviews, light_review

ROUNDS, TEAMS = 15, 100
ONE, OF_MANY, LIGHT = 8, 3, 4
"""Goals, in times of the measure."""


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """The example teams with their facts read, each reviewed once before."""
    found = [open_path(path) for path in sorted(example_teams().glob("*.yaml"))]
    build_reviews(found)
    return found


def a_thousand_sums() -> pl.DataFrame:
    """What polars takes for a thousand small expressions over one row."""
    frame = pl.LazyFrame({"a": [1.0], "b": [2.0]})
    return frame.select((pl.col("a") + pl.col("b")).alias(str(place)) for place in range(1000)).collect()


def best(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The quickest round. [s]"""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def in_measures(benchmark: BenchmarkFixture, action: Callable[[], object], teams: int = 1) -> float:
    """Time for a team, in times of the measure; both are taken before and after, and the best counts."""
    measure = best(a_thousand_sums)
    benchmark.pedantic(action, rounds=ROUNDS if teams == 1 else 3, warmup_rounds=1)
    measure = min(measure, best(a_thousand_sums))
    each = benchmark.stats.stats.min / teams
    benchmark.extra_info.update(measure_ms=measure * 1e3, each_ms=each * 1e3, times=each / measure)
    print(f"\n{each * 1e3:.1f} ms a team, {each / measure:.1f} times the measure of {measure * 1e3:.2f} ms")
    return each / measure


@pytest.mark.benchmark(group="review")
@pytest.mark.parametrize("place", range(5))
def test_a_review_of_one_team(benchmark: BenchmarkFixture, cases: list[Case], place: int) -> None:
    """A team's review, with estimates, verdict, flips, sensitivity and sources, takes at most 8 times the measure."""
    assert in_measures(benchmark, lambda: build_reviews([cases[place]])) <= ONE


@pytest.mark.benchmark(group="reviews")
def test_reviews_of_a_hundred_teams(benchmark: BenchmarkFixture, cases: list[Case]) -> None:
    """Each of a hundred teams that are reviewed together takes at most 3 times the measure."""
    named = [
        replace(case, team=replace(case.team, name=f"{case.team.name}-{number}"))
        for number in range(TEAMS // len(cases))
        for case in cases
    ]
    assert len(named) == TEAMS
    assert in_measures(benchmark, lambda: build_reviews(named), TEAMS) <= OF_MANY


@pytest.mark.benchmark(group="tick")
def test_a_light_review(benchmark: BenchmarkFixture, cases: list[Case]) -> None:
    """What a slider's tick computes takes at most 4 times the measure."""
    values = {name: item.value for name, item in cases[0].given.items()}
    assert in_measures(benchmark, lambda: light_review(values)) <= LIGHT
