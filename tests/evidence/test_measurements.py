"""The evidence as data: closed lists, roles with reasons, and figures that came over unchanged."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.models.evidence.measurements import measurements, predicted
from meshlab.models.overhead.coefficients import medians
from meshlab.tables import check_table, data_path


@pytest.mark.parametrize("column", ["source_id", "unit", "locator", "reason"])
def test_a_row_without_its_pedigree_is_refused(column: str, tmp_path: Path) -> None:
    """An empty source, unit, locator or reason is an error that names column and line."""
    lines = data_path("evidence/measurements.csv").read_text(encoding="utf-8").splitlines()[:2]
    header, row = (next(csv.reader([line])) for line in lines)
    row[header.index(column)] = ""
    path = tmp_path / "measurements.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, row])
    with pytest.raises(MeshlabError, match=rf"measurements.csv:2: column '{column}' is empty"):
        check_table(path, data_path("evidence/measurements.columns.csv"))


def test_every_fitted_row_has_a_prediction() -> None:
    """The models know every component that is fitted, and predict something above zero."""
    rows = predicted(measurements().filter(role="fit").lazy(), medians()).collect()
    assert rows["predicted"].null_count() == 0
    assert rows["predicted"].min() > 0


def test_context_is_not_fitted_for_stated_reasons() -> None:
    """Saturated runs, secondary quotes, maxima, ratios and requests are context, whatever they would do to the fit."""
    reasons = measurements().filter(role="fit")["reason"].unique().str.join(" ").item()
    for word in ("saturated", "secondary", "maximum", "ratio:", "requested"):
        assert word not in reasons.replace("not saturated", "")


GIVEN_UNITS = {"MB": 1e6 / 2**20, "GB": 1e9 / 2**20, "KiB per cluster pod": 1 / 1024, "% of a 2 vCPU node": 20.0}
"""Factors from a unit as reported to MiB or millicores, by hand."""

TRAVERSALS = {"R03": 4, "R07": 1}
"""Traversals of a request where a figure for 1000 of them became that of the rate that was measured."""


@pytest.mark.parametrize("file", ["overhead.csv", "overhead_more.csv"])
def test_every_published_figure_came_over(file: str, shared: Path) -> None:
    """Each row of the shared evidence is here with its value in the metric's unit, and no figure is lost."""
    ours = dict(measurements().select("measurement_id", "value").iter_rows())
    with (shared / "evidence" / file).open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            factor = GIVEN_UNITS.get(row["unit"], 1.0)
            if row["unit"] == "mcores per 1000 rps" and row["source_id"] in TRAVERSALS:
                factor = TRAVERSALS[row["source_id"]] * float(row["rps"]) / 1000
            assert ours[row["evidence_id"]] == pytest.approx(float(row["value"]) * factor, rel=1e-5), row["evidence_id"]


def test_differences_are_those_of_their_two_readings() -> None:
    """2.241 ms through two sidecars less 0.365 ms past them is 1.876 ms added (S02, 8 connections)."""
    row = measurements().filter(measurement_id="E058-D").row(0, named=True)
    assert row["value"] == pytest.approx(2.241 - 0.365)
    assert row["metric"] == "added_latency_p50"
