"""The experiment that is planned: what it is about, what it writes, and that reading it back narrows what it was to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

import meshlab as ml
from meshlab.models.evidence.measured import reading_noise
from meshlab.models.overhead import draw_estimates
from meshlab.models.overhead.coefficients import coefficient_table
from meshlab.reviews.measurement_plan import METRICS, OF_GROUP, measurement_plan, results_table
from meshlab.reviews.review import open_named
from meshlab.scenario import frame_of
from meshlab.show.runbooks import measurement_files
from meshlab.tables import resource

TEAM = "fleet-500-aks"


def kinds(text: str) -> list[str]:
    """Kinds of the objects of a manifest."""
    return [document["kind"] for document in yaml.safe_load_all(text)]


def test_the_plan_is_about_what_the_comparison_would_find_out_first() -> None:
    """The group at its top is that of the review, and its data plane is the one that is tried."""
    plan, comparison = measurement_plan(open_named(TEAM)), ml.review(TEAM).comparison
    assert comparison is not None
    assert [row["group"] for row in plan["groups"]] == [row["group"] for row in comparison["find_out"]]
    assert plan["dataplane"] == OF_GROUP[plan["groups"][0]["group"]]
    assert 0 < plan["saves"] <= 1.05 * plan["groups"][0]["saves_usd"]


def test_the_files_can_be_applied_and_read_back() -> None:
    """Both namespaces have clients and servers; the table is refused until its values are filled in, by line."""
    plan = measurement_plan(open_named(TEAM))
    files = measurement_files(plan)
    for side in ("baseline", "candidate"):
        assert kinds(files[f"manifests/{side}.yaml"])[:4] == ["Namespace", "Deployment", "Service", "Deployment"]
    assert f"seq {plan['repetitions']}" in files["measurement.md"]
    rows = pl.read_csv(files["measured.csv"].encode(), infer_schema=False)
    assert rows["metric"].to_list() == list(METRICS)
    with pytest.raises(ml.MeshlabError, match="give a number greater than zero"):
        ml.evidence(rows.with_columns(pl.col("mtls").str.to_lowercase() == "true"))


@pytest.mark.parametrize("world", [3, 400, 900])
def test_a_simulated_experiment_narrows_what_it_was_to_narrow(tmp_path: Path, world: int) -> None:
    """Readings of one possible world, with their noise, draw every interval in, and hold that world's figures."""
    plan = measurement_plan(open_named(TEAM))
    table = coefficient_table()
    drawn = draw_estimates(frame_of([plan["scenario"]]), dataplanes=[plan["dataplane"]])
    true = drawn.filter(pl.col("draw") == world, dataplane=plan["dataplane"]).collect().row(0, named=True)
    generator = np.random.default_rng(world)
    readings = [
        float(
            np.median(true[metric] * np.exp(noise * generator.standard_normal(plan["repetitions"])))
            if (noise := reading_noise(table)[kind])
            else 0
        )
        for metric, kind in zip(METRICS, ("memory", "cpu", "latency", "latency", "latency"), strict=True)
    ]
    path = tmp_path / "measured.csv"
    path.write_text(results_table(plan, readings), encoding="utf-8")
    scenario = [plan["scenario"]]
    before, after = (
        ml.estimate(scenario, measured=measured).row(by_predicate=pl.col("dataplane") == plan["dataplane"], named=True)
        for measured in (None, path)
    )
    for metric in METRICS:
        width = [row[f"{metric}_hi"] / row[f"{metric}_lo"] for row in (before, after)]
        assert width[1] < width[0], metric
        assert after[f"{metric}_lo"] / 1.6 < true[metric] < after[f"{metric}_hi"] * 1.6, metric


def test_a_review_reads_the_table_back(tmp_path: Path) -> None:
    """A team file that names it says which figures rest on it, with their intervals without it."""
    plan = measurement_plan(open_named(TEAM))
    middle = [row["median"] for row in plan["metrics"]]
    (tmp_path / "measured.csv").write_text(results_table(plan, middle), encoding="utf-8")
    team = resource("data") / "teams" / f"{TEAM}.yaml"
    (tmp_path / "team.yaml").write_text(team.read_text() + "measured: [measured.csv]\n", encoding="utf-8")
    review = ml.review(tmp_path / "team.yaml")
    assert review.measured
    before, after = (
        next(row for row in made.estimates if row["dataplane"] == plan["dataplane"])
        for made in (ml.review(TEAM), review)
    )
    assert after["memory_gib_hi"] / after["memory_gib_lo"] < before["memory_gib_hi"] / before["memory_gib_lo"]


def test_where_nothing_would_change_the_choice_the_plan_says_so() -> None:
    """Where one option is best in every draw, measuring tells what it costs, not what to choose."""
    (text,) = (measurement_files(measurement_plan(open_named("bookinfo-istio")))["measurement.md"],)
    assert "No measurement of overhead" in text


def test_the_command_prints_or_writes(tmp_path: Path) -> None:
    """Without --out the plan is printed; with it four files are written."""
    command = [sys.executable, "-m", "meshlab", "plan-measurement", TEAM]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("# What to measure first: fleet-500-aks")
    subprocess.run([*command, "--out", str(tmp_path / "x")], capture_output=True, check=True)
    names = {str(path.relative_to(tmp_path / "x")) for path in (tmp_path / "x").rglob("*.*") if path.is_file()}
    assert names == {"measurement.md", "measured.csv", "manifests/baseline.yaml", "manifests/candidate.yaml"}
