"""How good the models are, by the goals that they were given."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from meshlab.models.evidence import COVERAGE_GOALS, GOALS, WIDTH_GOALS, read_measured, validate
from meshlab.models.evidence.validation import pair_summary, score_table, worse
from meshlab.tables import read_table

FIELDS = {"source_id", "dataplane", "metric", "component", "measured", "predicted", "lo", "hi", "inside", "factor"}


def scores(kind: str, rows: str = "all", grouping: str = "source") -> dict[str, float]:
    """The model's scores of one kind, its groups left out."""
    return score_table().filter(kind=kind, rows=rows, grouping=grouping, candidate="model").row(0, named=True)


def test_what_ships_is_nowhere_worse_than_a_baseline() -> None:
    """Memory, CPU and latency score better than a fitted constant, a calculator and documentation, however left out."""
    assert worse() == []


@pytest.mark.parametrize("kind", GOALS)
@pytest.mark.parametrize("grouping", ["source", "machine", "era"])
def test_proxies_beat_one_constant_each(kind: str, grouping: str) -> None:
    """Left out by source, machine or era, proxies score a tenth better than a fitted constant, and more."""
    table = score_table().filter(kind=kind, rows="proxies", grouping=grouping)
    model, constant = (table.filter(candidate=name)["crps"].item() for name in ("model", "constant"))
    assert model < 0.9 * constant


@pytest.mark.parametrize("kind", GOALS)
def test_left_out_sources_are_predicted_as_the_goals_ask(kind: str) -> None:
    """The middle is near enough, and the intervals of proxies are narrow enough."""
    found = scores(kind, "proxies")
    assert found["factor"] <= GOALS[kind]
    assert found["width"] <= WIDTH_GOALS[kind]


@pytest.mark.parametrize(("kind", "slack"), [("memory", 0.0), ("cpu", 0.03), ("latency", 0.02)])
def test_intervals_hold_what_they_promise(kind: str, slack: float) -> None:
    """Three quarters to nine tenths of a left-out source lie inside; CPU falls 3 % short, latency is 2 % over."""
    least, most = COVERAGE_GOALS
    assert least - slack <= scores(kind)["inside"] <= most + slack


@pytest.mark.parametrize("percentile", ["p50", "p99"])
def test_percentiles_are_covered_apart(percentile: str) -> None:
    """Seven tenths to 92 % of medians and of 99th percentiles lie inside, sources left out."""
    assert 0.7 <= scores("latency", percentile)["inside"] <= 0.92


def test_a_clear_order_of_two_data_planes_is_right() -> None:
    """Of the pairs that one rig measured and the model calls clear, nine in ten stand as measured, left out."""
    for row in pair_summary().filter(pl.col("clear") > 0).iter_rows(named=True):
        assert row["right_of_clear"] >= 0.9, row["kind"]


def test_every_row_has_the_fields_of_the_interface() -> None:
    """Rows carry every field, and the flags follow from the figures."""
    rows = validate()["rows"]
    assert {"left_out", *FIELDS} <= rows[0].keys()
    for row in rows:
        assert row["inside"] == (row["lo"] <= row["measured"] <= row["hi"])
        ratio = row["measured"] / row["predicted"]
        assert row["factor"] == pytest.approx(max(ratio, 1 / ratio))


def test_each_source_is_left_out_once() -> None:
    """Every row is compared twice: with the fit to all, and with the one that did not see its source."""
    rows = validate()["rows"]
    fitted, held_out = ([row["measurement_id"] for row in rows if row["left_out"] is flag] for flag in (False, True))
    assert sorted(fitted) == sorted(held_out)


def test_own_measurements_are_compared_row_by_row(tmp_path: Path) -> None:
    """A row of one's own has the same fields, its own source and its metric."""
    path = tmp_path / "own.csv"
    path.write_text("scenario,pods,dataplane,metric,value\na,100,linkerd,memory_gib,1.5\n", encoding="utf-8")
    (row,) = validate(read_measured(path))["rows"]
    assert row.keys() >= FIELDS
    assert (row["source_id"], row["measured"], row["metric"]) == ("measured", 1.5, "memory_gib")


def test_claims_have_evidence_and_a_verdict() -> None:
    """Each claim of the article has one of four verdicts, evidence, and sources that are declared."""
    declared = set(read_table("sources")["source_id"])
    for row in read_table("claims").iter_rows(named=True):
        assert row["verdict"] in {"supported", "partly", "contested", "outdated"}
        assert row["evidence_for"] or row["evidence_against"]
        assert set(row["source_ids"].split("|")) <= declared, row["claim_id"]


def test_the_documents_say_how_good_the_models_are() -> None:
    """The table of accuracy is what comes of leaving out each source in turn, and the README sums it up."""
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs" / "accuracy.md").read_text(encoding="utf-8")
    readme = " ".join((root / "README.md").read_text(encoding="utf-8").split())
    for kind in GOALS:
        name = "CPU" if kind == "cpu" else kind
        stated = re.search(
            rf"\| {name} \| (\d+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| (\d+) % \| ([\d.]+) \| ([\d.]+) \|", page
        )
        assert stated, kind
        found = scores(kind)
        constant = score_table().filter(kind=kind, rows="all", grouping="source", candidate="constant")["crps"].item()
        expected = (found["n"], found["sources"], found["crps"], constant, 100 * found["inside"])
        assert tuple(map(float, stated.groups()))[:5] == pytest.approx(expected, abs=0.6, rel=0.01)
        assert tuple(map(float, stated.groups()))[5:] == pytest.approx((found["factor"], found["width"]), rel=0.02)
    found = [scores(kind) for kind in GOALS]
    inside = [round(100 * each["inside"]) for each in found]
    factors = [each["factor"] for each in found]
    assert f"{min(inside)} to {max(inside)} % of {sum(each['n'] for each in found)} measurements lie inside" in readme
    assert f"by a factor of {min(factors):.2f} to {max(factors):.2f}" in readme
