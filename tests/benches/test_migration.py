"""How long the plan of a large cluster takes: seconds for 100,000 pods, and no faster growth than theirs."""

from __future__ import annotations

import time
from math import log

import polars as pl
import pytest

from meshlab.planning.migration.assumptions import Interval
from meshlab.planning.migration.drain import Durations, cluster_seconds, node_times

DURATIONS = Durations(Interval(0.02, 0.2, 1), Interval(5, 20, 90), 5, [Interval(120, 240, 600), Interval(60, 120, 300)])
PARALLEL = 10


def cluster(nodes: int, pods_of_node: int = 20) -> pl.DataFrame:
    """Evictions of a cluster in which every pod has a budget or a limit of its own on its node: the worst case."""
    pods = pl.int_range(nodes * pods_of_node, eager=True)
    budget = (pods * 7919) % (nodes * pods_of_node // 6)
    return (
        pl.DataFrame({"node": pods // pods_of_node, "budget": budget.cast(pl.String), "pods": pods * 0 + 1})
        .with_columns(allowed=pl.lit(1, pl.Int64), grace_lo=30.0, grace=30.0, grace_hi=60.0)
        .group_by("node", "budget", maintain_order=True)
        .agg(pl.first("allowed"), pl.sum("pods"), pl.first("grace_lo"), pl.first("grace"), pl.first("grace_hi"))
    )


def planned(nodes: int, evictions: pl.DataFrame) -> Interval:
    """The time of all nodes. [s]"""
    times = node_times(pl.LazyFrame({"node": range(nodes)}), evictions.lazy(), DURATIONS, PARALLEL).collect()
    return cluster_seconds(times, evictions, DURATIONS, PARALLEL)


def test_a_large_cluster_is_planned_in_seconds(benchmark: pytest.FixtureRequest) -> None:
    """5,000 nodes with 100,000 pods, each with its own budget's row, take less than 10 s."""
    evictions = cluster(5_000)
    assert evictions["pods"].sum() == 100_000
    benchmark(planned, 5_000, evictions)  # type: ignore[operator]
    assert benchmark.stats["median"] < 10  # type: ignore[attr-defined]


def test_cost_grows_no_faster_than_the_pods(benchmark: pytest.FixtureRequest) -> None:
    """From 25,000 to 100,000 pods the time grows by no more than the number of pods."""
    clusters = {nodes: cluster(nodes) for nodes in (1_250, 5_000)}
    best = dict.fromkeys(clusters, float("inf"))
    for _ in range(12):  # in turn, and in time of the processor, so that other work on the machine counts little
        for nodes, evictions in clusters.items():
            start = time.process_time()
            planned(nodes, evictions)
            best[nodes] = min(best[nodes], time.process_time() - start)
    exponent = log(best[5_000] / best[1_250]) / log(4)
    benchmark.extra_info["exponent"] = round(exponent, 2)  # type: ignore[attr-defined]
    benchmark(planned, 1_250, cluster(1_250))  # type: ignore[operator]
    assert exponent <= 1
