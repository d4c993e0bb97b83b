"""What a sweep tells: indices of a function whose indices are known, and shares that add up."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from meshlab.models.sensitivity import break_even
from meshlab.run.sweep import analysis, as_grid, break_even_surface, evaluate, regions, shares, sobol, spec_of
from meshlab.scenario import frame_of
from meshlab.show.charts import Look
from meshlab.show.charts import sweep as charts

INPUTS = {"pods": {"range": [50, 20000], "scale": "log"}, "nodes": {"range": [3, 300], "scale": "log"}}

SAMPLE = {"method": "latin-hypercube", "rows": 400, "seed": 1}


def test_indices_are_those_of_a_product_and_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2 a + b over the unit square a explains 4/5 and b 1/5; of (1 + a)(1 + b) either explains 27/55 alone.

    For the product: Var = (7/3)^2 - (3/2)^4 = 55/144 and Var of one factor's mean = (9/4)(1/12) = 27/144.
    """
    spec = spec_of(
        {
            "sample": SAMPLE,
            "inputs": {"l7_traffic_share": {"range": [0, 1]}, "same_node_share": {"range": [0, 1]}},
            "outputs": ["memory_gib", "cpu_cores"],
        }
    )
    a, b = pl.col("l7_traffic_share"), pl.col("same_node_share")
    monkeypatch.setattr(
        analysis,
        "answers",
        lambda _spec, frame: frame.with_columns(
            dataplane=pl.lit("cilium"), memory_gib=2 * a + b, cpu_cores=(1 + a) * (1 + b)
        ),
    )
    found = sobol(spec, 4096, logarithm=False).sort("figure", "axis")
    assert found["first"].to_list() == pytest.approx([27 / 55, 27 / 55, 0.8, 0.2], abs=0.02)
    assert found["total"].to_list() == pytest.approx([28 / 55, 28 / 55, 0.8, 0.2], abs=0.02)
    assert (found["total_lo"] <= found["total"]).all()
    assert (found["total"] <= found["total_hi"]).all()


def test_an_input_that_a_figure_does_not_depend_on_has_no_share() -> None:
    """Sidecars' cost does not depend on the number of nodes; its index is zero, and so is the interval."""
    found = sobol(spec_of({"sample": SAMPLE, "inputs": INPUTS, "outputs": ["cost_usd_per_month"]}), 64)
    nodes = found.filter(dataplane="istio-sidecar", axis="nodes")
    assert nodes.select("first", "total", "total_lo", "total_hi").row(0) == (0, 0, 0, 0)


def test_indices_and_their_intervals_are_the_same_each_time() -> None:
    """The seed of a sweep settles the resampling too, and leaves numpy's own generator where it was."""
    spec = spec_of({"sample": SAMPLE, "inputs": INPUTS, "outputs": ["cost_usd_per_month"]})
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert sobol(spec, 64).equals(sobol(spec, 64))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_shares_add_up_and_follow_the_rows() -> None:
    """Every scenario has one data plane that adds least; counted by hand from the rows of one scenario each."""
    rows = evaluate(spec_of({"sample": SAMPLE, "inputs": {**INPUTS, "mtls": [True, False]}}))
    found = shares(rows, "memory_gib", ["mtls"])
    assert found.group_by("mtls").agg(pl.sum("share"))["share"].to_list() == pytest.approx([1, 1])
    wins = dict.fromkeys(("istio-sidecar", "istio-ambient", "cilium", "linkerd"), 0)
    for scenario in range(400):
        one = {row["dataplane"]: row["memory_gib"] for row in rows.filter(scenario=scenario).to_dicts()}
        del one["none"]
        wins[min(one, key=lambda name: one[name])] += 1
    assert dict(shares(rows, "memory_gib").select("dataplane", "scenarios").iter_rows()) == {
        name: count for name, count in wins.items() if count
    }


def test_a_map_has_a_cell_for_each_pair_of_values() -> None:
    """Twelve by twelve values, each with the data plane that most of its scenarios choose."""
    grid = spec_of(as_grid({**INPUTS, "l7_traffic_share": {"range": [0, 1]}}, ["pods", "nodes"], "memory_gib"))
    found = regions(evaluate(grid), "memory_gib", "pods", "nodes")
    assert (grid.rows, found.height, found.select("pods", "nodes").n_unique()) == (432, 144, 144)
    assert found["share"].min() >= 1 / 3


def test_a_surface_is_made_of_lines() -> None:
    """The line for one value of the third input is the one that break_even gives."""
    own = frame_of([{"scenario": "own", "nodes": 20, "services": 100, "pods": 800}])
    pair, figure, plane = ("istio-ambient", "cilium"), "cost_usd_per_month", ("nodes", "requests_per_second")
    found = break_even_surface(own, pair, figure, plane, {"l7_traffic_share": [0.0, 0.5]})
    alone = break_even(own.with_columns(l7_traffic_share=pl.lit(0.5)), *pair, figure, *plane)
    assert found.filter(l7_traffic_share=0.5).drop("l7_traffic_share").equals(alone)
    drawn = charts.surface(found, pair, "l7_traffic_share", "cost", "800 pods", Look())
    assert (len(drawn.spec["data"]), drawn.rows[0]["l7 traffic share"]) == (2, "0")


def test_charts_show_the_strongest_first_and_name_every_data_plane() -> None:
    """Rows of the table stand in the order of the bars; a map tells data planes by letters."""
    spec = spec_of({"sample": SAMPLE, "inputs": INPUTS, "outputs": ["cost_usd_per_month"]})
    ordered = charts.indices(sobol(spec, 64).filter(dataplane="linkerd"), "cost", "400 scenarios", Look())
    totals = [int(row["with others"].rstrip("%")) for row in ordered.rows]
    assert totals == sorted(totals, reverse=True)
    rows = evaluate(spec_of(as_grid(INPUTS, ["pods", "nodes"], "memory_gib")))
    drawn = charts.areas(regions(rows, "memory_gib", "pods", "nodes"), ("pods", "nodes"), "memory", "a grid", Look())
    letters = {note["text"] for note in drawn.spec["layout"]["annotations"] if len(note["text"]) == 1}
    assert letters <= {"S", "A", "C", "L"}
    assert len(drawn.rows) == 144
    won = charts.winners(shares(rows, "memory_gib"), "memory", "a grid", Look())
    assert [row["data plane"] for row in won.rows] == ["Istio sidecar", "Istio ambient", "Cilium", "Linkerd"]
