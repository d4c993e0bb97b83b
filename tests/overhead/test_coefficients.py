"""Coefficients and their draws."""

from __future__ import annotations

import math

import polars as pl
import pytest

from meshlab.models.overhead.coefficients import (
    DRAWS,
    coefficient_table,
    draws,
    joint_draws,
    log_normal_interval,
    medians,
)
from meshlab.tables import read_table


def test_every_coefficient_lies_in_its_interval() -> None:
    """No interval excludes its median, and none is negative."""
    assert (
        coefficient_table()
        .select(((pl.col("lo") <= pl.col("median")) & (pl.col("median") <= pl.col("hi"))).all())
        .item()
    )
    assert coefficient_table()["lo"].min() > 0


def test_every_coefficient_names_declared_sources_and_units() -> None:
    """Sources stand in the list of sources, units in the list of units, components in the list of components."""
    table = coefficient_table()
    cited = table["source_ids"].str.split("|").explode().unique()
    assert set(cited) <= set(read_table("sources")["source_id"])
    assert set(table["unit"]) <= set(read_table("units")["unit"])
    assert set(table["component"]) <= set(read_table("evidence/components")["component"])


def test_a_prior_that_stands_in_says_so() -> None:
    """What is Cilium's own with encryption or at layer 7 rests on no measurement, and spans a factor of three."""
    rows = coefficient_table().filter(pl.col("component").is_in(["cilium-encryption", "node-envoy"]))
    own = rows.filter(~pl.col("coefficient").str.ends_with("_spread"))
    assert own["is_prior"].all()
    assert own.select((pl.col("hi") / pl.col("lo")).min()).item() >= 3


def test_draws_have_the_interval_of_their_coefficient() -> None:
    """Eight in ten of the 1,024 draws lie within the 10-90 % interval, half above the median."""
    drawn = joint_draws()
    rows = coefficient_table().filter(pl.col("coefficient").is_in(drawn.columns))
    assert drawn.height == DRAWS
    assert sorted(drawn.columns) == sorted(rows["coefficient"])
    for name, lo, median, hi in rows.select("coefficient", "lo", "median", "hi").iter_rows():
        assert drawn[name].is_between(lo, hi).mean() == pytest.approx(0.8, abs=0.03), name
        assert (drawn[name] > median).mean() == pytest.approx(0.5, abs=0.04), name


def test_all_that_is_uncertain_is_drawn() -> None:
    """Only what says how far clusters differ, and nothing else that has an interval, has no draws of its own."""
    undrawn = coefficient_table().filter(
        pl.col("lo") < pl.col("hi"), ~pl.col("coefficient").is_in(joint_draws().columns)
    )
    assert set(undrawn["kind"]) == {"spread"}


def test_a_table_without_draws_stretches_the_fitted_ones() -> None:
    """Doubled medians double every draw; an interval of twice the logarithmic width squares a draw's distance."""
    table = coefficient_table()
    doubled = table.with_columns(pl.col("median", "lo", "hi") * 2)
    assert joint_draws(doubled)["linkerd_mcores"].to_list() == pytest.approx(
        (2 * joint_draws()["linkerd_mcores"]).to_list()
    )
    ends = {end: pl.col("median") * (pl.col(end) / pl.col("median")) ** 2 for end in ("lo", "hi")}
    median = medians()["linkerd_mcores"]
    assert (joint_draws(table.with_columns(**ends))["linkerd_mcores"] / median).to_list() == pytest.approx(
        ((joint_draws()["linkerd_mcores"] / median) ** 2).to_list()
    )


def test_what_is_certain_stays_a_number() -> None:
    """A coefficient without an interval is the same number among medians and draws."""
    assert draws()["sidecar_workers"] == medians()["sidecar_workers"] == 2


def test_interval_of_a_lognormal() -> None:
    """One standard deviation of ln 2 puts the ends 2**1.2816 below and above."""
    median, lo, hi = log_normal_interval(math.log(10), math.log(2))
    assert (median, lo, hi) == pytest.approx((10, 10 / 2**1.281552, 10 * 2**1.281552))
