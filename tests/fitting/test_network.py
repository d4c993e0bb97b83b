"""Costs of network plugins: as they are fitted, and how well ratios are predicted without their source."""

from __future__ import annotations

import polars as pl

from fitting import network
from meshlab.tables import data_path


def test_ratios_are_predicted_without_their_source() -> None:
    """Of ratios that the others call clear, nine in ten were measured with that sign by the source left out."""
    told = network.left_out()
    clear = told.filter(pl.col("clear") > 0)
    assert clear.height
    assert (clear["right"] >= 0.9).all()
    assert told["inside"].mean() > 0.6


def test_the_stored_costs_are_those_of_the_fit() -> None:
    """Fitting again gives data/network_costs.csv to the byte."""
    assert network.network_costs().write_csv() == data_path("network_costs.csv").read_text(encoding="utf-8")
