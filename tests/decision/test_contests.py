"""What must hold over every pair of needs on every platform, whatever runs there, and of the cases of real teams."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from meshlab.files import pretty_json
from meshlab.models.decision import Tables, decide, load_tables
from meshlab.models.decision.tables import Pair
from meshlab.reviews.cases import open_path
from meshlab.reviews.review import build_reviews, read_review
from meshlab.scenario import inputs, schema

CASES = Path(__file__).with_name("cases")
NEEDS = inputs()["needs"].choices
TWO_NEEDS = [(), *((need,) for need in NEEDS), *itertools.combinations(NEEDS, 2)]
LIGHT = ("none", "gateway")
Facts = dict[str, Any]


def clusters(meshes: Sequence[str], windows: Sequence[int]) -> list[Facts]:
    """Every platform with every plugin and some meshes, healthy, and a new cluster on each."""
    shared = {"kernel_oldest": "6.8.0", "protocol": "grpc", "cni_healthy": True, "mesh_healthy": True}
    plugins = [name for name in inputs()["current_cni"].choices if name != "none"]
    today = [{"greenfield": False, "current_cni": cni, "current_mesh": mesh} for cni in plugins for mesh in meshes]
    contexts = [{"greenfield": True}, *today]
    places = itertools.product(inputs()["cloud"].choices, windows, contexts)
    return [{**shared, **context, "cloud": cloud, "windows_nodes": count} for cloud, count, context in places]


def with_needs(facts: Sequence[Facts], needs: Sequence[Sequence[str]]) -> pl.DataFrame:
    """Each cluster with each set of needs, as scenarios."""
    frame = pl.DataFrame([{name: row.get(name) for name in schema()} for row in facts], schema=schema())
    asked = pl.DataFrame({"needs": [list(each) for each in needs]}, schema={"needs": pl.List(pl.String)})
    return frame.drop("needs").join(asked, how="cross").with_columns(scenario=pl.int_range(pl.len()).cast(pl.String))


def widened(tables: Tables) -> Tables:
    """The tables with every pair of a network and a mesh that take part on a platform, and not those alone that do."""
    pairs = [
        Pair(platform, *network, *mesh)
        for platform in tables.platforms
        for network in dict.fromkeys((pair.cni, pair.cni_edition) for pair in tables.pairs if pair.platform == platform)
        for mesh in dict.fromkeys((pair.mesh, pair.mesh_edition) for pair in tables.pairs if pair.platform == platform)
    ]
    return replace(tables, pairs=tuple(pairs))


def answers(frame: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Verdicts beside what they were asked for."""
    told = decide(frame, tables).select("cni", "mesh", "cni_edition", "mesh_edition", "eligible").collect()
    return pl.concat([frame, told], how="horizontal")


def check_contests(oracle: Any, facts: Sequence[Facts], needs: Sequence[Sequence[str]]) -> None:
    """Nothing is overlooked that meets all, and what is recommended meets all by the cells of the file."""
    frame = with_needs(facts, needs)
    found, wider = answers(frame, load_tables()), answers(frame, widened(load_tables()))
    sure, could = (one["eligible"].fill_null(value=False) for one in (found, wider))
    overlooked = found.filter(~sure & could)
    assert overlooked.is_empty(), overlooked.row(0, named=True)
    # nor is a mesh recommended where the same network, or another as good, does without one
    heavier = sure & ~found["mesh"].is_in(["stay", *LIGHT]) & wider["mesh"].is_in(LIGHT)
    assert found.filter(heavier).is_empty(), found.filter(heavier).row(0, named=True)
    # nor is a licence bought for want of the pair that does without
    dearer = sure & wider["eligible"].fill_null(value=False) & (licences(found) > licences(wider))
    assert found.filter(dearer).is_empty(), found.filter(dearer).row(0, named=True)
    check_cells(oracle, found.filter(sure))


def licences(found: pl.DataFrame) -> pl.Series:
    """How many sides of each verdict are new and take a licence."""
    paid = [f"{row.id}@{row.edition}" for row in load_tables().options if row.paid]
    places = (pl.concat_str(side, pl.lit("@"), f"{side}_edition") for side in ("cni", "mesh"))
    return found.select(pl.sum_horizontal(place.is_in(paid) for place in places)).to_series()


def check_cells(oracle: Any, found: pl.DataFrame) -> None:
    """Every need of an eligible recommendation is met by the cells of the options that it names."""
    keys = ("cloud", "cni", "mesh", "cni_edition", "mesh_edition", "current_cni", "current_mesh", "windows_nodes")
    asked = (
        found.select(*keys, "greenfield", "needs", asked="needs")
        .explode("needs", empty_as_null=True)
        .drop_nulls("needs")
        .unique()
    )
    empty = {"current_cni_edition": None, "current_mesh_edition": None, "policy_engine": None}
    for row in asked.iter_rows(named=True):
        sides = {
            side: oracle.running(side, {**row, **empty})
            if row[side] == "stay"
            else oracle.option(side, row[side], row[f"{side}_edition"] or "", row["cloud"])
            for side in ("cni", "mesh")
        }
        assert oracle.pair_meets(sides["cni"], sides["mesh"], row["needs"], row["cloud"], [row["needs"]])[0] is True, (
            row
        )


def test_no_option_is_overlooked_that_meets_two_needs(oracle: Any) -> None:
    """Over every pair of needs, platform and plugin, without a mesh today: no false "nothing found"."""
    check_contests(oracle, clusters(("none",), (0,)), TWO_NEEDS)


@pytest.mark.soak
def test_no_option_is_overlooked_beside_any_mesh_or_windows_nodes(oracle: Any) -> None:
    """The same beside every mesh of today, and with Windows nodes."""
    facts = clusters(inputs()["current_mesh"].choices, (0, 3))
    for start in range(0, len(facts), 100):
        check_contests(oracle, facts[start : start + 100], TWO_NEEDS)


def test_no_option_is_overlooked_that_meets_many_needs(oracle: Any) -> None:
    """Of sets of three to six needs, drawn at random, no option is recommended that does not meet them all."""
    generator = np.random.default_rng(6)
    sets = [generator.choice(NEEDS, generator.integers(3, 7), replace=False).tolist() for _ in range(60)]
    frame = with_needs(clusters(("none", "istio-sidecar"), (0, 3)), sets)
    found = answers(frame, load_tables())
    check_cells(oracle, found.filter(found["eligible"]))


# --- cases of real teams ----------------------------------------------------------------------------------------------


def shortfalls(case: dict[str, str], review: dict[str, Any]) -> list[str]:
    """How a review falls short of what an architect would say, as the script beside the field cases counts it."""
    verdict, today = review["verdict"], {row["input"]: row["value"] for row in review["inputs"]}
    found: list[str] = []
    for side in ("cni", "mesh"):
        runs = today[f"current_{side}"] or "none"
        allowed = {runs if name == "stay" else name or None for name in case[side].split("|")}
        answer = runs if verdict[side] == "stay" else verdict[side]
        found += [] if answer in allowed else [f"{side} {verdict[side]}, not {case[side]}"]
    named, options = case["option_that_must_be_compared"], verdict["options"]
    if named and not any(named in (option["cni"], option["mesh"]) for option in options):
        found.append(f"{named} is not compared")
    eligible = [option for option in options if option["eligible"] is True]
    if eligible and (verdict["unmet"] or not options[0]["eligible"]):
        found.append("the recommendation falls short although an option meets all")
    return found


@pytest.fixture(scope="session")
def reviews(shared: Path) -> dict[str, tuple[dict[str, str], dict[str, Any]]]:
    """The review of each case, as it is written, with what an architect would say."""
    found: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
    for table, folder in (
        (shared / "field" / "verdicts.csv", shared / "field" / "verdicts"),
        (CASES / "expected.csv", CASES),
    ):
        with table.open(encoding="utf-8", newline="") as stream:
            cases = list(csv.DictReader(stream))
        made = build_reviews([open_path(folder / case["file"]) for case in cases])
        found |= {case["file"]: (case, json.loads(pretty_json(one))) for case, one in zip(cases, made, strict=True)}
    return found


def test_verdicts_are_those_that_an_architect_would_sign(
    reviews: dict[str, tuple[dict[str, str], dict[str, Any]]],
) -> None:
    """Each of the decisions that people really took, and of our own, comes out as can be defended."""
    assert len(reviews) >= 29
    assert {name: found for name, (case, review) in reviews.items() if (found := shortfalls(case, review))} == {}


def test_reports_of_the_cases_do_not_contradict_themselves(
    reviews: dict[str, tuple[dict[str, str], dict[str, Any]]],
) -> None:
    """What a report says in one place is not denied in another: reasons, options, sentence and what is unknown."""
    for name, (_, review) in reviews.items():
        verdict = review["verdict"]
        text = json.dumps([verdict["sentence"], verdict["reasons"], verdict["conflicts"], verdict["flips"]]).lower()
        assert "the article" not in text, name
        assert "confidence" not in verdict, name
        first, others = verdict["options"][0], verdict["options"][1:]
        if verdict["mesh"] is not None:
            assert (first["why_not"] is None) == (first["eligible"] is True), name
            assert first["eligible"] is not False or not any(option["eligible"] for option in others), name
        assert not verdict["settled"] or not verdict["unknown"], name
        assert "none of the options" not in text or first["eligible"] is False, name
        # nothing is kept of which the reasons say that it has to go, and nothing goes without a word
        for side in ("cni", "mesh"):
            runs = next(row["value"] for row in review["inputs"] if row["input"] == f"current_{side}")
            replaced = verdict[side] not in ("stay", None) and runs not in (None, "none")
            said = any(word in verdict["sentence"] for word in ("Replace", "Keep", "Move", "can go"))
            assert said or not replaced, (name, side, verdict["sentence"])


def test_reports_of_the_cases_can_be_read_again(
    reviews: dict[str, tuple[dict[str, str], dict[str, Any]]], tmp_path: Path
) -> None:
    """What is written of each case is the record that reports are made of, whatever its move saves."""
    for name, (_, review) in reviews.items():
        file = tmp_path / "review.json"
        file.write_text(json.dumps(review), encoding="utf-8")
        assert read_review(file, build=False).team == review["team"], name
