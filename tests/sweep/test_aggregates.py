"""Aggregates: what is told of all scenarios is what their rows would tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.run.sweep import parts, run_sweep
from meshlab.run.sweep.run import ERROR, _bucket, _middle

SpecFile = Callable[..., Path]

SAMPLE = """\
sample: {method: monte-carlo, rows: 3000, seed: 4}
inputs:
  pods: {range: [50, 50000], scale: log}
  current_cni: [cilium, calico, aws-vpc]
  protocol: [http1, grpc]
outputs: [memory_gib, cost_usd_per_month]
"""


@settings(max_examples=200, deadline=None)
@given(st.floats(-1e9, 1e9))
def test_the_middle_of_a_class_is_within_one_percent(value: float) -> None:
    """Any figure, negative ones and zero included; what is smaller than a millionth of a millionth counts as zero."""
    middle = pl.select(_middle(_bucket(pl.lit(value)))).item()
    assert middle == pytest.approx(value, rel=ERROR * (1 + 1e-9), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_classes_keep_the_order_of_figures(values: list[float]) -> None:
    """A larger figure never stands in a smaller class."""
    frame = pl.DataFrame({"value": sorted(values)}).with_columns(bucket=_bucket(pl.col("value")))
    assert frame["bucket"].is_sorted()


def test_aggregates_agree_with_the_rows(spec_file: SpecFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts, means and wins are those of the rows, quantiles within one percent, in groups of two inputs."""
    monkeypatch.setattr(parts, "PART_ROWS", 512)
    run_sweep(spec_file(SAMPLE), str(tmp_path / "rows.parquet"), jobs=1)
    wanted = "aggregates: {by: [protocol, current_cni]}\n"
    run_sweep(spec_file(SAMPLE + wanted), str(tmp_path / "few.parquet"), jobs=1)
    few = pl.read_parquet(tmp_path / "few.parquet")
    assert few.height == 2 * 3 * 5 * 2
    assert not (tmp_path / "few.parquet.parts").exists()
    rows = pl.read_parquet(tmp_path / "rows.parquet").unpivot(
        ["memory_gib", "cost_usd_per_month"],
        index=["scenario", "protocol", "current_cni", "dataplane"],
        variable_name="figure",
    )
    least = rows.filter(pl.col("dataplane") != "none").group_by("scenario", "figure").agg(least=pl.min("value"))
    keys = ["protocol", "current_cni", "dataplane", "figure"]
    expected = (
        rows.join(least, on=["scenario", "figure"])
        .group_by(keys)
        .agg(
            count=pl.len(),
            mean=pl.mean("value"),
            wins=(pl.col("value") <= pl.col("least")).mean(),
            **{
                f"p{percent:02}": pl.quantile("value", percent / 100, "equiprobable") for percent in (1, 10, 50, 90, 99)
            },
        )
    )
    both = few.join(expected, on=keys, suffix="_of_rows")
    assert both.height == few.height
    for name, slack in {"count": 0, "mean": 1e-6, "wins": 1e-12, "p01": ERROR, "p50": ERROR, "p99": ERROR}.items():
        assert both[name].to_list() == pytest.approx(both[f"{name}_of_rows"].to_list(), rel=slack + 1e-9, abs=1e-8)


def test_a_range_is_grouped_by_parts_of_equal_probability(spec_file: SpecFile, tmp_path: Path) -> None:
    """Twenty classes of pods, each with a twentieth of the scenarios, more or less."""
    run_sweep(
        spec_file(SAMPLE.replace("monte-carlo", "latin-hypercube") + "aggregates: {by: [pods], statistics: [count]}\n"),
        str(tmp_path / "few.parquet"),
    )
    found = pl.read_parquet(tmp_path / "few.parquet").filter(dataplane="linkerd", figure="memory_gib")
    assert found["count"].to_list() == [150] * 20
    assert found["pods"].is_sorted()


def test_how_a_sweep_is_cut_into_parts_changes_nothing(
    spec_file: SpecFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums are exact, so that parts of another size give the same figures to the last bit."""
    found = []
    for size in (256, 1024, 4096):
        monkeypatch.setattr(parts, "PART_ROWS", size)
        run_sweep(spec_file(SAMPLE + "aggregates: {by: [protocol]}\n"), str(tmp_path / f"{size}.parquet"), jobs=1)
        found.append(pl.read_parquet(tmp_path / f"{size}.parquet"))
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
