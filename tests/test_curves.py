"""Curves over one input and along a path, against estimates of single scenarios."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.errors import MeshlabError
from meshlab.models.curves import DECADES, axis, curve, curve_inputs, path
from meshlab.models.overhead import dataplanes, estimate
from meshlab.scenario import frame_of, inputs

VALUES: dict[str, Any] = {"nodes": 12, "services": 120, "pods": 480, "l7_traffic_share": 0.2, "call_depth": 3}


def one(**changes: object) -> pl.DataFrame:
    """The scenario with some values changed."""
    return frame_of([{"scenario": "x", **VALUES, **changes}])


@pytest.mark.parametrize("name", ["pods", "l7_traffic_share", "call_depth", "same_node_share", "cpu_usd_per_core_hour"])
@pytest.mark.parametrize("figure", ["memory_gib", "added_p99_ms", "cost_usd_per_month"])
def test_each_point_is_an_estimate_of_its_own(name: str, figure: str) -> None:
    """A point of a curve is what an estimate of the scenario with that one value gives, interval included."""
    found = curve(one(), name, figure)
    for at in (found["x"].min(), found["x"].max()):
        value = inputs()[name].dtype.to_python()(at)
        alone = estimate(one(**{name: value})).collect()
        for row in alone.iter_rows(named=True):
            (point,) = found.filter(pl.col("x") == at, dataplane=row["dataplane"]).to_dicts()
            expected = [row[f"{figure}_lo"], row[figure], row[f"{figure}_hi"]]
            assert [point["lo"], point["median"], point["hi"]] == pytest.approx(expected)
            assert point["in_evidence_range"] == row["in_evidence_range"]


@pytest.mark.parametrize("name", curve_inputs())
def test_every_numeric_input_makes_a_curve(name: str) -> None:
    """Each input that enters the models gives a curve for every data plane, with the scenario's own point on it."""
    found = curve(one(), name, "memory_gib")
    assert set(found["dataplane"]) == set(dataplanes())
    assert found.filter("here")["dataplane"].to_list() == sorted(dataplanes())
    for part in found.partition_by("dataplane"):
        assert part["x"].is_sorted()
        assert part["x"].is_unique().all()


def test_what_is_open_follows_its_default() -> None:
    """Over pods the requests grow with them where nobody gave them, and stay where somebody did."""
    free, held = (
        curve(frame, "pods", "cpu_cores").filter(dataplane="istio-sidecar").sort("x")["median"]
        for frame in (one(), one(requests_per_second=9600.0))
    )
    assert free[-1] / free[0] > held[-1] / held[0]


@given(st.sampled_from(curve_inputs()), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_an_axis_holds_its_own_value_and_keeps_the_bounds(name: str, share: float) -> None:
    """An axis rises within the input's bounds, holds the scenario's own value, and spans three decades at most."""
    spec = inputs()[name]
    lower, upper = spec.lower or 0.0, spec.upper or 0.0
    own = lower + (upper - lower) * share**4
    own = round(own) if spec.type == "integer" else own
    values = axis(spec, own)
    assert own in values
    assert values == sorted(set(values))
    assert values[0] >= lower * (1 - 1e-9)
    assert values[-1] <= upper * (1 + 1e-9)
    if spec.scale == "log" and own >= 1:
        assert values[-1] / max(values[0], 1e-9) <= 10**DECADES * (1 + 1e-9) or values[0] == 0


def test_an_axis_stays_within_a_decade() -> None:
    """While a value moves within one decade, the axis around it ends at the same places."""
    ends = {(axis(inputs()["pods"], own)[0], axis(inputs()["pods"], own)[-1]) for own in (100, 130, 480, 999)}
    assert ends == {(10, 10_000)}


def test_tails_of_a_path_are_not_added_up() -> None:
    """The p99 of several calls lies below as many times the p99 of one, and at one call they are the same."""
    found = path(one()).filter(pl.col("dataplane") != "none")
    first, later = found.filter(pl.col("x") == 1), found.filter(pl.col("x") > 1)
    assert first["added_p99_ms"].to_list() == pytest.approx(first["added_up_ms"].to_list())
    assert (later["added_p99_ms"] < later["added_up_ms"]).all()


def test_a_path_is_that_of_the_models() -> None:
    """At the scenario's own depth the percentiles are those of its estimate, and longer paths are slower."""
    found = path(one())
    own = estimate(one()).collect()
    for row in own.iter_rows(named=True):
        (point,) = found.filter("here", dataplane=row["dataplane"]).to_dicts()
        for name in ("added_p50_ms", "added_p90_ms", "added_p99_ms"):
            assert point[name] == pytest.approx(row[name])
    for part in found.filter(pl.col("dataplane") != "none").partition_by("dataplane"):
        assert (part.sort("x")["added_p99_ms"].diff().drop_nulls() > 0).all()


@pytest.mark.parametrize(("depth", "last"), [(1, 10), (6, 10), (7, 20), (13, 20), (14, 50), (50, 50)])
def test_a_path_reaches_beyond_its_own_calls(depth: int, last: int) -> None:
    """The axis ends at 10, 20 or 50 calls, and holds the scenario's own."""
    found = path(one(call_depth=depth))
    assert found["x"].max() == last
    assert found.filter("here")["x"].unique().to_list() == [depth]


def test_what_cannot_be_drawn_is_refused_in_words() -> None:
    """Unknown inputs and figures are told together, each with the nearest known one."""
    with pytest.raises(MeshlabError, match=r"(?s)'podz'.*'pods'.*'memory'.*'memory_gib'"):
        curve(one(), "podz", "memory")
