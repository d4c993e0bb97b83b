"""How good the models are, by the goals that they were given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from meshlab.models.evidence import COVERAGE_GOAL, GOALS, assess, evidence_range
from meshlab.tables import read_table

FIELDS = {"source_id", "dataplane", "metric", "component", "measured", "predicted", "lo", "hi", "inside", "factor"}


@pytest.mark.parametrize("kind", GOALS)
def test_left_out_sources_are_predicted_as_well_as_the_goals_ask(kind: str) -> None:
    """Seven in ten figures of a source that the fit has not seen lie inside, and the middle is near enough."""
    quality = assess()["summary"]["left_out"][kind]
    assert quality["inside"] >= COVERAGE_GOAL
    assert quality["median_factor"] <= GOALS[kind]


@pytest.mark.parametrize("kind", GOALS)
def test_intervals_say_something(kind: str) -> None:
    """The middle interval of a left-out source is no wider than a factor of fifteen from end to end."""
    assert assess()["summary"]["left_out"][kind]["median_width"] <= 15


def test_every_row_has_the_fields_of_the_interface() -> None:
    """Rows carry every field, and the flags follow from the figures."""
    rows = assess()["rows"]
    assert {"left_out", *FIELDS} <= rows[0].keys()
    for row in rows:
        assert row["inside"] == (row["lo"] <= row["measured"] <= row["hi"])
        ratio = row["measured"] / row["predicted"]
        assert row["factor"] == pytest.approx(max(ratio, 1 / ratio))


def test_each_source_is_left_out_once() -> None:
    """Every fitted row is compared twice: with the fit to all, and with the one that did not see its source."""
    rows = assess()["rows"]
    fitted, held_out = ([row["measurement_id"] for row in rows if row["left_out"] is flag] for flag in (False, True))
    assert sorted(fitted) == sorted(held_out)


def test_a_source_left_out_did_not_make_its_own_prediction() -> None:
    """Without S01, the only source of a ztunnel's latency, that coefficient is its prior."""
    rows = read_table("evidence/left_out").filter(left_out="S01", coefficient="ztunnel_latency_ms")
    prior = read_table("evidence/priors").filter(coefficient="ztunnel_latency_ms")
    assert rows["median"].item() == prior["median"].item()


def test_the_stored_range_is_that_of_the_rows() -> None:
    """data/evidence/range.csv is what the fitted rows span."""
    assert evidence_range().to_dicts() == read_table("evidence/range").to_dicts()


def test_own_measurements_are_compared_row_by_row(tmp_path: Path) -> None:
    """A row of one's own has the same fields, its own source and its metric."""
    path = tmp_path / "own.csv"
    path.write_text("scenario,pods,dataplane,metric,value\na,100,linkerd,memory_gib,1.5\n", encoding="utf-8")
    (row,) = assess(path)["rows"]
    assert row.keys() >= FIELDS
    assert (row["source_id"], row["measured"], row["metric"]) == ("measured", 1.5, "memory_gib")


def test_claims_have_evidence_and_a_verdict() -> None:
    """Each claim of the article has one of four verdicts, evidence, and sources that are declared."""
    declared = set(read_table("sources")["source_id"])
    for row in read_table("claims").iter_rows(named=True):
        assert row["verdict"] in {"supported", "partly", "contested", "outdated"}
        assert row["evidence_for"] or row["evidence_against"]
        assert set(row["source_ids"].split("|")) <= declared, row["claim_id"]


def test_the_readme_says_how_good_the_models_are() -> None:
    """The README's table of accuracy is what comes of leaving out each source in turn."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    for kind, figures in assess()["summary"]["left_out"].items():
        name = "CPU" if kind == "cpu" else kind
        stated = re.search(rf"\| {name} \| (\d+) \| (\d+) \| (\d+) % \| ([\d.]+) \| ([\d.]+) \|", readme)
        assert stated, kind
        count, sources, inside, factor, width = map(float, stated.groups())
        assert (count, sources) == (figures["n"], figures["sources"])
        assert inside / 100 == pytest.approx(figures["inside"], abs=0.005)
        assert factor == pytest.approx(figures["median_factor"], abs=0.005)
        assert width == pytest.approx(figures["median_width"], rel=0.05)
