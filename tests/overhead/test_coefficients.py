"""Coefficients and their draws."""

from __future__ import annotations

import math
from statistics import fmean, pstdev

import polars as pl
import pytest

from meshlab.models.overhead.coefficients import (
    DRAWS,
    coefficient_table,
    draws,
    log_normal_interval,
    medians,
    standard_scores,
    with_draws,
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
    """Cilium with encryption or at layer 7 rests on no measurement, and its intervals span a factor of four."""
    rows = coefficient_table().filter(pl.col("component").is_in(["cilium-encryption", "node-envoy"]))
    assert rows["is_prior"].all()
    assert rows.select((pl.col("hi") / pl.col("lo")).min()).item() >= 4


def test_draws_fill_equal_strata() -> None:
    """The scores of a coefficient have mean zero and a deviation of nearly one, and the same ones every time."""
    scores = standard_scores("sidecar_base_mib")
    assert len(set(scores)) == DRAWS
    assert fmean(scores) == pytest.approx(0, abs=1e-12)
    assert pstdev(scores) == pytest.approx(1, abs=0.02)
    assert scores != standard_scores("ztunnel_base_mib")


def test_draws_have_the_interval_of_their_coefficient() -> None:
    """Eight in ten draws lie within the 10-90 % interval."""
    table = with_draws(coefficient_table().filter(pl.col("lo") < pl.col("hi")))
    for lo, hi, values in table.select("lo", "hi", "draws").iter_rows():
        assert sum(lo <= value <= hi for value in values) / DRAWS == pytest.approx(0.8, abs=0.02)


def test_what_is_certain_stays_a_number() -> None:
    """A coefficient without an interval is the same number among medians and draws."""
    assert draws()["rate_exponent"] == medians()["rate_exponent"] == 0.85


def test_interval_of_a_lognormal() -> None:
    """One standard deviation of ln 2 puts the ends 2**1.2816 below and above."""
    median, lo, hi = log_normal_interval(math.log(10), math.log(2))
    assert (median, lo, hi) == pytest.approx((10, 10 / 2**1.281552, 10 * 2**1.281552))
