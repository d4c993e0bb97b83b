"""How long an estimate takes: one tick of a slider, and medians over a million scenarios."""

from __future__ import annotations

import polars as pl
import pytest
from overhead_frames import one
from pytest_benchmark.fixture import BenchmarkFixture

from meshlab.overhead import DATAPLANES, estimate

TICK_SECONDS = 0.015
"""Goal of a slider's tick in a warm process: one scenario, five data planes, intervals."""


@pytest.mark.benchmark(group="tick")
def test_one_tick_of_a_slider(benchmark: BenchmarkFixture) -> None:
    """One scenario with intervals under every data plane."""
    frame = one(pods=640, services=120)
    result = benchmark(lambda: estimate(frame).collect())
    assert result.height == len(DATAPLANES)
    if benchmark.stats is not None:
        assert benchmark.stats.stats.median <= TICK_SECONDS


@pytest.mark.benchmark(group="million", max_time=20)
@pytest.mark.parametrize("figures", [["memory_gib"], ["memory_gib", "cpu_cores", "added_p99_ms", "cost_usd_per_month"]])
def test_medians_of_a_million_scenarios(benchmark: BenchmarkFixture, figures: list[str]) -> None:
    """Medians of some figures, summed so that nothing but the models is timed."""
    rows = 1_000_000
    index = pl.int_range(rows)
    frame = (
        one()
        .select(pl.all().repeat_by(rows).explode())
        .with_columns(scenario=index.cast(pl.String), pods=index % 5000 + 1, requests_per_second=(index % 997) * 10.0)
    )
    query = estimate(frame, intervals=False).select(pl.sum(*figures))
    result = benchmark.pedantic(query.collect, rounds=3)
    assert result["memory_gib"].item() > 0
