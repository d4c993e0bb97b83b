"""What `make data` refuses, and that what it writes is what is stored."""

from __future__ import annotations

import polars as pl
import pytest

from fitting.__main__ import begun
from fitting.tables import check_measurements, evidence_range, fitted
from meshlab.tables import data_path, read_table


def test_every_row_is_of_the_closed_lists() -> None:
    """Sources, components, metrics and units are declared ones, and ids are unique."""
    assert check_measurements(read_table("evidence/measurements")) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("source_id", "S99", "source_id 'S99' is not declared"),
        ("component", "sidecarr", "did you mean 'sidecar'"),
        ("metric", "memry", "did you mean 'memory'"),
        ("role", "fitted", "did you mean 'fit'"),
        ("unit", "MB", "unit 'MB' is not that of"),
    ],
)
def test_a_row_outside_the_lists_is_named(column: str, value: str, message: str) -> None:
    """A wrong name or unit is a problem that says which row, and what is meant."""
    row = read_table("evidence/measurements").head(1).with_columns(pl.lit(value).alias(column))
    assert any(message in str(problem) for problem in check_measurements(row))


def test_a_row_that_no_equation_predicts_is_named() -> None:
    """What is fitted without an equation is a problem that says where the equation goes."""
    paths = read_table("evidence/measurements").filter(dataplane="linkerd", metric="added_latency_p99", role="fit")
    told = "\n".join(map(str, check_measurements(paths.head(1).with_columns(dataplane=pl.lit("kuma")))))
    assert "no latency of kuma is predicted; add it to KINDS_OF_PATHS" in told
    assert "no constant stands beside the model of kuma; add a constant to data/evidence/baselines.csv" in told


def test_the_fit_of_a_new_data_plane_begins_with_its_priors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coefficient that no fit has seen yet is its prior, and each is of the data planes that its prior names."""
    before = read_table("coefficients")
    tables = {"coefficients": before[1:].with_columns(dataplane=pl.lit("none"))}
    monkeypatch.setattr("fitting.__main__.read_table", lambda name: tables.get(name, read_table(name)))
    began = dict(begun())
    keys = ["coefficient", "dataplane"]
    assert began["coefficients.csv"].select(keys).sort(keys).equals(before.select(keys).sort(keys))
    assert began["evidence/range.csv"].equals(read_table("evidence/range"))


def test_an_id_stands_once() -> None:
    """A row that stands twice is a problem."""
    row = read_table("evidence/measurements").head(1)
    assert "stands twice" in str(check_measurements(pl.concat([row, row]))[0])


def test_the_stored_tables_are_those_of_the_fit() -> None:
    """Fitting again gives data/coefficients.csv and the joint draws to the byte."""
    for name, table in zip(("coefficients.csv", "coefficient_draws.csv"), fitted(), strict=True):
        assert table.write_csv() == data_path(name).read_text(encoding="utf-8"), name


def test_the_stored_range_is_that_of_the_rows() -> None:
    """data/evidence/range.csv is what the fitted rows span."""
    assert evidence_range().to_dicts() == read_table("evidence/range").to_dicts()
