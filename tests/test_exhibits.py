"""What workbooks show beside a review: evidence, contradictions, claims, and the map of the domain."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import polars as pl
import pytest

from meshlab.errors import MeshlabError
from meshlab.models import decision
from meshlab.models.decision.domain_map import domain_map, map_axes, map_values
from meshlab.models.evidence import validate
from meshlab.models.evidence.measurements import measurements
from meshlab.models.evidence.validation import disagreement
from meshlab.reviews.review import build_reviews, case_of
from meshlab.scenario import frame_of
from meshlab.show import views
from meshlab.show.charts import chart, stated
from meshlab.show.charts.tables import NOUNS
from meshlab.tables import read_table

FACTS = {"current_cni": "calico", "current_mesh": "none", "kernel_oldest": "5.15.0", "needs": ["mtls"], "cloud": "eks"}


@pytest.fixture(scope="module")
def assessed() -> dict[str, Any]:
    """How the models do on all evidence."""
    return validate()


# --- evidence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", NOUNS)
@pytest.mark.parametrize("left_out", [True, False])
def test_every_figure_of_the_evidence_has_its_mark(assessed: dict[str, Any], kind: str, left_out: bool) -> None:
    """Each row of the comparison is a mark at its measured and predicted value, open exactly where it lies outside."""
    drawn = chart(f"agreement-{kind}", left_out=left_out)
    marks = {
        (x, y, symbol.endswith("-open"))
        for trace in drawn.spec["data"]
        if trace["mode"] == "markers"
        for x, y, symbol in zip(trace["x"], trace["y"], trace["marker"]["symbol"], strict=True)
    }
    rows = [row for row in assessed["rows"] if row["kind"] == kind and row["left_out"] == left_out]
    assert marks == {(row["measured"], row["predicted"], not row["inside"]) for row in rows}


@pytest.mark.parametrize("kind", NOUNS)
def test_every_mark_lies_within_the_axes(assessed: dict[str, Any], kind: str) -> None:
    """Both axes span the same whole decades, and no mark falls outside them."""
    layout = chart(f"agreement-{kind}").spec["layout"]
    axes = [layout[axis] for axis in ("xaxis", "yaxis")]
    assert axes[0]["range"] == axes[1]["range"]
    assert all(axis["type"] == "log" and axis["title"]["text"].endswith(f"[{NOUNS[kind][1]}]") for axis in axes)
    low, high = axes[0]["range"]
    for row in assessed["rows"]:
        if row["kind"] == kind:
            assert low <= math.log10(row["measured"]) <= high


def test_goals_are_marked_as_met_or_not(assessed: dict[str, Any]) -> None:
    """A goal that is missed carries the symbol of a miss, whatever the figures are."""
    summary = {
        "fit": {"memory": {**assessed["summary"]["fit"]["memory"], "inside_by_source": 0.5, "median_factor": 1.2}}
    }
    text = views.fit_quality({"summary": summary}).text
    assert "✗ 50 %" in text
    assert "✓ 1.20 (1.4)" in text


def test_disagreement_is_that_of_the_measurements() -> None:
    """The spread of sidecar memory is the largest figure per instance over the smallest, worked out row by row."""
    rows = [
        row
        for row in measurements().iter_rows(named=True)
        if (row["role"], row["metric"], row["component"]) == ("fit", "memory", "istiod")
        and row["dataplane"] == "istio-sidecar"
    ]
    own = [row["value"] / row["instances"] for row in rows]
    (found,) = disagreement().filter(component="istiod", metric="memory").to_dicts()
    assert found["n"] == len(rows)
    assert found["spread"] == pytest.approx(max(own) / min(own))
    assert found["left"] >= 1


def test_models_explain_most_of_what_memory_and_cpu_differ_by() -> None:
    """Where figures of one component lie more than threefold apart, the model leaves less than they differed by."""
    wide = disagreement().filter(pl.col("spread") > 3, pl.col("kind") != "latency")
    assert wide.height >= 4
    assert (wide["left"] < wide["spread"]).all()


@pytest.mark.parametrize("table", ["claims", "contradictions"])
def test_every_source_of_a_statement_is_listed(table: str) -> None:
    """Each statement for or against a claim, and each contradiction, cites sources that exist."""
    known = set(read_table("sources")["source_id"])
    for cell in read_table(table)["source_ids"]:
        assert set(re.split(r"\|", cell)) <= known


def test_ledger_and_contradictions_are_shown_whole() -> None:
    """The workbook shows every claim with its verdict and every contradiction."""
    claims, contradictions = views.claims(), views.contradictions()
    assert claims.html.count("<tr>") == read_table("claims").height + 1
    assert contradictions.html.count("<tr>") == read_table("contradictions").height + 1
    assert set(read_table("claims")["verdict"]) <= set(views.VERDICTS)


# --- the map -------------------------------------------------------------------------------------------------------


def test_a_map_says_what_the_decision_says() -> None:
    """In every field stands the verdict of a scenario with exactly these values."""
    for row in domain_map(FACTS, "cloud", "needs:l7_policy").iter_rows(named=True):
        needs = ["mtls", *(["l7_policy"] if row["down"] == "asked for" else [])]
        scenario = {**FACTS, "scenario": "x", "cloud": row["across"].split(",")[0], "needs": needs}
        answer = decision.decide(frame_of([scenario])).collect().row(0, named=True)
        assert (row["cni"], row["mesh"]) == (answer["cni"], answer["mesh"])


def test_a_map_marks_the_facts_as_given() -> None:
    """One field holds the given facts; where one of them is unknown none does."""
    here = domain_map(FACTS, "cloud", "kernel_oldest").filter("here")
    assert here.select("across", "down").rows() == [("eks", "from 5.10.0")]
    assert not domain_map({**FACTS, "cloud": None}, "cloud", "kernel_oldest")["here"].any()


@pytest.mark.parametrize("across", map_axes())
def test_every_input_of_the_tables_makes_a_map(across: str) -> None:
    """Each axis gives a drawing with one labelled field for each pair of cells, and its words as JSON."""
    down = "services" if across != "services" else "regulated"
    frame = domain_map(FACTS, across, down)
    drawn = chart("domain", stated(FACTS), across=across, down=down)
    shapes = [shape for shape in drawn.spec["layout"]["shapes"] if shape["type"] == "rect"]
    assert len(shapes) == frame.height == len(drawn.rows)
    assert json.dumps(drawn.spec)


@pytest.mark.parametrize("colour", ["probability", "regret"])
def test_a_map_weighs_the_choice_of_each_field(colour: str) -> None:
    """Each field says what the recommended option of a review of it has, and is white where that is not known."""
    facts = {**FACTS, "needs": ["mtls"]}
    drawn = chart("domain", stated(facts), across="greenfield", down="needs:l7_policy", colour=colour)
    reviews = build_reviews(
        [case_of(values, f"f{n}") for n, values in enumerate(map_values(facts, "greenfield", "needs:l7_policy"))]
    )
    told = [row["how often it costs least" if colour == "probability" else "expected loss"] for row in drawn.rows]
    for text, review in zip(told, reviews, strict=True):
        assert review.comparison is not None
        (mine,) = [option for option in review.comparison["options"] if option["recommended"]]
        chance, regret = mine["probability_best"], mine["expected_regret_usd"]
        assert text == ("not known" if chance is None else f"{chance:.0%}" if colour == "probability" else text)
        assert (text == "not known") == (regret is None)
    fills = [shape["fillcolor"] for shape in drawn.spec["layout"]["shapes"]]
    assert [fill == "#ffffff" for fill in fills] == [text == "not known" for text in told]


def test_an_unknown_colour_of_a_map_is_refused() -> None:
    """A colour that does not exist is an error with the nearest one."""
    with pytest.raises(MeshlabError, match="did you mean 'regret'"):
        chart("domain", stated(FACTS), across="cloud", down="greenfield", colour="regrets")


@pytest.mark.parametrize(("across", "down"), [("clowd", "services"), ("cloud", "cloud"), ("payload_bytes", "cloud")])
def test_a_map_of_nothing_is_refused(across: str, down: str) -> None:
    """An unknown axis, one that no rule asks for, and one that is used twice are errors in words."""
    with pytest.raises(MeshlabError, match=r"unknown axis|both axes"):
        domain_map(FACTS, across, down)


# --- tables of sweeps and of infrastructure as code ----------------------------------------------------------------


def test_a_spread_is_told_in_words_and_percent() -> None:
    """Inputs stand in rows, data planes in columns by their names, and shares in whole percent."""
    parts = [("cilium", "pods", 0.794), ("cilium", "l7_traffic_share", 0.001), ("linkerd", "pods", 0.5)]
    indices = pl.DataFrame(parts, schema=["dataplane", "axis", "total"], orient="row")
    shown = views.spread(
        indices.vstack(pl.DataFrame([("linkerd", "l7_traffic_share", 1.0)], indices.schema, orient="row"))
    )
    assert shown.text.splitlines() == [
        "Input: pods; Cilium: 79 %; Linkerd: 50 %",
        "Input: l7 traffic share; Cilium: 0 %; Linkerd: 100 %",
    ]


def test_tables_of_terraform_have_words_for_headings_and_lists_for_sources() -> None:
    """No name of a column shows, days are whole, and several sources are a list."""
    texts = [table().text for table in (views.lag_by_layer, views.chart_growth, views.tracked_features)]
    headings = {heading for text in texts for heading in re.findall(r"(?:^|; )([^:;]+):", text, re.MULTILINE)}
    assert {"Features", "Still open", "Median [d]", "Lag [d]", "Options", "Sources"} <= headings
    assert not any("_" in heading for heading in headings)
    assert all(re.fullmatch(r"[\d,]+|unknown", days) for days in re.findall(r"\[d\]: ([^;\n]+)", "\n".join(texts)))
    assert not any("|" in text for text in texts)
