"""Coefficients after a team's own measurements."""

from __future__ import annotations

import polars as pl
import pytest
from overhead_frames import one

from meshlab.models.evidence import calibrate, read_measured
from meshlab.models.overhead import estimate
from meshlab.models.overhead.coefficients import coefficient_table

ROWS = """scenario,pods,services,requests_per_second,dataplane,metric,value
a,500,100,10000,istio-sidecar,data_plane_memory_gib,30
a,500,100,10000,istio-sidecar,added_p50_ms,1.1
b,900,100,20000,istio-sidecar,data_plane_memory_gib,52
"""

CLUSTER = {"pods": 700, "services": 100, "requests_per_second": 15000.0}


@pytest.fixture(scope="module")
def narrowed(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The fitted coefficients after two readings of memory and one of latency."""
    path = tmp_path_factory.mktemp("own") / "own.csv"
    path.write_text(ROWS, encoding="utf-8")
    return calibrate(read_measured(path))


def figures(coefficients: pl.DataFrame | None, dataplane: str) -> dict[str, float]:
    """What one data plane adds to a third cluster of the team."""
    return estimate(one(**CLUSTER), coefficients).filter(dataplane=dataplane).collect().row(0, named=True)


def test_a_third_cluster_is_estimated_from_the_first_two(narrowed: pl.DataFrame) -> None:
    """Readings of 61 and 59 MiB a pod put the next cluster's sidecars near 60 MiB, where the fit had 120."""
    fitted, own = (figures(table, "istio-sidecar") for table in (None, narrowed))
    expected = 700 * 60 / 1024
    assert own["data_plane_memory_gib"] == pytest.approx(expected, rel=0.15)
    assert abs(own["data_plane_memory_gib"] - expected) < abs(fitted["data_plane_memory_gib"] - expected)


@pytest.mark.parametrize("figure", ["data_plane_memory_gib", "added_p90_ms"])
def test_what_was_measured_is_surer(figure: str, narrowed: pl.DataFrame) -> None:
    """The interval of a measured figure is at most six tenths as wide as before."""
    widths = [
        row[f"{figure}_hi"] / row[f"{figure}_lo"]
        for row in (figures(narrowed, "istio-sidecar"), figures(None, "istio-sidecar"))
    ]
    assert widths[0] < 0.6 * widths[1]


def test_what_was_not_measured_stays(narrowed: pl.DataFrame) -> None:
    """Every CPU coefficient is as it was."""
    before = coefficient_table().filter(pl.col("kind") == "cpu")["median"]
    assert narrowed.filter(pl.col("kind") == "cpu")["median"].equals(before)


def test_what_shares_the_cluster_follows_in_part(narrowed: pl.DataFrame) -> None:
    """Linkerd's memory moves with what all proxies of the team's clusters share, and less than the sidecars' does."""
    moved = {
        plane: figures(narrowed, plane)["data_plane_memory_gib"] / figures(None, plane)["data_plane_memory_gib"]
        for plane in ("istio-sidecar", "linkerd")
    }
    assert moved["istio-sidecar"] < moved["linkerd"] < 1


def test_the_table_says_what_rests_on_measurements(narrowed: pl.DataFrame) -> None:
    """The spread of sidecars' memory names the team's readings among its sources."""
    assert narrowed.filter(coefficient="sidecar_memory_spread")["source_ids"].item().endswith("|measured")
