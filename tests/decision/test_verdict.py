"""Verdicts against an independent reading of the tables, and what must hold of every one of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meshlab.models.decision import answers, decide, explain
from meshlab.models.decision.decide import SLICE
from meshlab.models.decision.tables import Tables, load_tables
from meshlab.scenario import frame_of, inputs, schema

Draw = Callable[[int, int, float], pl.DataFrame]
TOLD = ("cni", "mesh", "cni_edition", "mesh_edition", "tuned", "eligible", "cni_row", "mesh_row")


def agree(oracle: Any, frame: pl.DataFrame, tables: Tables | None = None) -> None:
    """Compare the verdicts of some scenarios with the independent reading, one by one."""
    found = decide(frame, tables).select(TOLD).collect().rows(named=True)
    for facts, answer in zip(frame.drop("scenario").rows(named=True), found, strict=True):
        expected = oracle.decide(facts)
        stated = {name: value for name, value in facts.items() if value is not None}
        assert answer == {name: expected[name] for name in TOLD}, stated


@pytest.mark.parametrize("missing", [0.0, 0.1, 0.35, 0.8])
def test_verdicts_agree_with_an_independent_reading(oracle: Any, draw: Draw, missing: float) -> None:
    """Verdicts are those that SQLite and a plain loop find in the same files."""
    agree(oracle, draw(150, 7 + int(missing * 100), missing))


ABOVE = """id,side,priority,condition,option,lenient,reason,source_id,text_date
above,mesh,38,"NOT (cni = 'cilium' AND cni_edition = 'dataplane-v2')",linkerd,true,A test.,meshlab,2026-11-28
"""


def test_one_preference_stands_at_one_place_above_every_network(
    oracle: Any, draw: Draw, overlay: Callable[..., Path]
) -> None:
    """A preference whose condition reads otherwise above each network prefers no pair to another that it names, too."""
    folder = overlay(preferences=ABOVE)
    agree(type(oracle)(folder), draw(400, 7, 0.0), load_tables(folder))


@pytest.mark.soak
@pytest.mark.parametrize("missing", [0.0, 0.1, 0.35, 0.8])
def test_many_verdicts_agree_with_an_independent_reading(oracle: Any, draw: Draw, missing: float) -> None:
    """So do those of ten thousand scenarios each."""
    agree(oracle, draw(10_000, 71 + int(missing * 100), missing))


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_all_pairs_stand_as_the_independent_reading_orders_them(oracle: Any, draw: Draw, missing: float) -> None:
    """The options of a verdict are the pairs in their order, each with what it lacks and whether it can be chosen."""
    frame = draw(60, 3 + int(missing * 10), missing)
    for facts, verdict in zip(frame.drop("scenario").rows(named=True), explain(frame, outlook=False), strict=True):
        expected = [
            {
                "cni": pair.cni.id or None,
                "mesh": pair.mesh.id,
                "edition": {"cni": pair.cni.edition or None, "mesh": pair.mesh.edition or None},
                "tuned": pair.tuned,
                "eligible": pair.eligible,
                "unmet": [need for need in inputs()["needs"].choices if need in pair.unmet],
            }
            for pair in oracle.standings(facts)
        ]
        assert [{name: option[name] for name in expected[0]} for option in verdict["options"]] == expected
        assert [option["rank"] for option in verdict["options"]] == list(range(1, len(expected) + 1))


def test_nothing_that_is_ruled_out_is_recommended(draw: Draw) -> None:
    """What is recommended meets all where one option does, else is open where one is, and says what it lacks."""
    for verdict in explain(draw(300, 11, 0.2), outlook=False):
        first, *others = verdict["options"]
        states = [option["eligible"] for option in others]
        assert first["eligible"] is True or True not in states
        assert first["eligible"] is not False or None not in states
        assert (first["why_not"] is None) == (first["eligible"] is True)
        assert verdict["unmet"] == first["unmet"]
        # a requirement that fails, not a need, is no reason to recommend something for want of better
        assert first["unmet"] or first["eligible"] is not False or verdict["mesh"] is None


def test_what_runs_today_is_not_tuned_for_its_own_sake(draw: Draw) -> None:
    """Today, tuned, stands beside today in every respect, so it is never told in its place; it is told as an option."""
    frame = draw(2000, 5, 0.2)
    assert not decide(frame).select(pl.col("tuned").any()).collect().item()
    (verdict,) = explain(frame_of([{"scenario": "x", "current_mesh": "istio-sidecar", "needs": ["mtls"]}]))
    tuned = [option for option in verdict["options"] if option["tuned"] and option["cni"] is None]
    assert [(option["mesh"], option["today"], option["rank"]) for option in tuned] == [("istio-sidecar", True, 2)]


def test_absent_columns_are_missing_facts() -> None:
    """A frame with few columns is decided as one in which the others are null; columns of others are left alone."""
    frame = pl.DataFrame({"cloud": ["gke", "eks"], "greenfield": [True, True], "colour": ["red", "blue"]})
    few = decide(frame).collect()
    assert few["scenario"].to_list() == ["0", "1"]
    rows = [
        {"scenario": "0", "cloud": "gke", "greenfield": True},
        {"scenario": "1", "cloud": "eks", "greenfield": True},
    ]
    assert few.equals(decide(frame_of(rows)).collect())
    assert few["cni"].to_list() == ["cilium", "aws-vpc"]


@pytest.mark.parametrize("form", [pl.DataFrame, lambda frame: frame.lazy()])
def test_a_frame_without_rows_has_no_verdicts(form: Callable[[pl.DataFrame], Any]) -> None:
    """No scenarios give no rows, in the columns and types of many."""
    empty, one = frame_of([]), frame_of([{"scenario": "one"}])
    found = decide(form(empty)).collect()
    assert found.height == 0
    assert found.schema == decide(one).collect().schema
    assert answers(form(empty)).collect().schema == {"scenario": pl.String, "cni": pl.String, "mesh": pl.String}
    assert explain(empty) == []


def test_many_scenarios_are_decided_as_each_alone(draw: Draw) -> None:
    """The order of rows is kept, over all platforms and more rows than are worked out at a time."""
    frame = draw(300, 9, 0.3)
    many = pl.concat([frame] * (2 * SLICE // 300 + 1))
    together = decide(many.lazy()).collect()
    assert together["scenario"].equals(many["scenario"])
    alone = pl.concat([decide(part).collect() for part in frame.iter_slices(1)])
    assert together.equals(pl.concat([alone] * (len(many) // 300)))


def test_scenarios_that_differ_in_numbers_alone_are_decided_as_each_alone(draw: Draw) -> None:
    """What no condition tells apart is decided once, on both sides of every limit and beside missing numbers."""
    drawn = draw(9, 5, 0.4).drop("nodes", "kernel_oldest")
    numbers = pl.DataFrame({"nodes": [None, *range(1, 1003)]})
    kernels = pl.DataFrame({"kernel_oldest": [None, "4.18.0-305.el8", "5.9.16", "5.10", "6.1.2"]})
    many = drawn.join(numbers, how="cross").join(kernels, how="cross")
    small = [decide(part).collect() for part in many.iter_slices(SLICE)]
    assert decide(many).collect().equals(pl.concat(small))
    assert many.drop("scenario").n_unique() > 20 * pl.concat(small).drop("scenario").n_unique()


def test_a_lazy_query_can_go_on_after_a_verdict() -> None:
    """Filters and columns after a verdict work on it as on any other frame."""
    rows = [{"scenario": cloud, "cloud": cloud, "greenfield": True, "needs": []} for cloud in inputs()["cloud"].choices]
    found = decide(frame_of(rows).lazy()).filter(pl.col("cni") == "cilium").select("scenario").collect()
    assert found["scenario"].to_list() == ["gke", "aks", "doks", "self-managed"]


def test_a_product_of_which_nothing_is_known_stays_where_nothing_is_asked() -> None:
    """A plugin and a mesh that no table knows run, are not said to be unhealthy, and nothing rules them out."""
    facts = {"current_cni": "other", "current_mesh": "other", "greenfield": False, "needs": []}
    (found,) = decide(frame_of([{"scenario": "x", **facts}])).collect().rows(named=True)
    assert (found["cni"], found["mesh"], found["eligible"]) == ("stay", "stay", True)


def test_the_edition_of_today_is_deduced_where_only_one_comes_into_question() -> None:
    """Cilium on DigitalOcean is DigitalOcean's; Calico beside Windows nodes is the edition for them."""
    rows = [
        {"scenario": "doks", "cloud": "doks", "current_cni": "cilium", "needs": ["host_protection"]},
        {"scenario": "hns", "cloud": "self-managed", "current_cni": "calico", "windows_nodes": 3, "needs": ["mtls"]},
        {"scenario": "linux", "cloud": "self-managed", "current_cni": "calico", "windows_nodes": 0, "needs": ["udp"]},
    ]
    first = [verdict["options"][0] for verdict in explain(frame_of(rows), outlook=False)]
    assert [option["edition"]["cni"] for option in first] == ["managed", "self-run-windows-hns", None]
    # of the editions for Linux nodes each meets the need, so it does not matter which one runs
    assert first[2]["eligible"] is True


def test_an_ended_edition_rules_out_only_where_it_is_stated() -> None:
    """Linkerd whose edition nobody stated stays, and which one it is could change that; its stable releases ended."""
    facts = {
        "cloud": "self-managed",
        "greenfield": False,
        "current_cni": "cilium",
        "current_cni_edition": "self-run",
        "current_mesh": "linkerd",
        "cni_healthy": True,
        "mesh_healthy": True,
        "needs": ["mtls"],
    }
    rows = [{"scenario": "x", **facts}, {"scenario": "y", **facts, "current_mesh_edition": "stable-open-source"}]
    open_one, stated = explain(frame_of(rows))
    assert (open_one["mesh"], stated["mesh"]) == ("stay", "linkerd")
    assert "current_mesh_edition" in open_one["unknown"]
    assert "ended on 2024-02-21" in stated["sentence"]


def test_a_second_reading_gives_the_same(draw: Draw) -> None:
    """Shuffled rows have the verdicts that they had."""
    frame = draw(200, 21, 0.2)
    order = list(range(200))
    random.Random(4).shuffle(order)  # noqa: S311  (not for secrets)
    assert decide(frame[order]).collect().equals(decide(frame).collect()[order])
    assert set(schema()) == set(frame.columns)
