"""The public face: what ``import meshlab as ml`` offers, and that every door checks what comes through it."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import meshlab as ml
from meshlab import api
from meshlab.models import decision, overhead
from meshlab.models.overhead.coefficients import SHOWN
from meshlab.reviews.review import open_review
from meshlab.scenario import frame_of, schema

ROW: dict[str, Any] = {"scenario": "a", "pods": 480, "services": 120, "nodes": 12}
MEASURED = {"dataplane": "linkerd", "metric": "memory_gib", "value": 3.0}


# --- what is offered -----------------------------------------------------------------------------------------------


def test_the_face_is_the_api_and_completes() -> None:
    """Every name of the api is offered, completed, told to type checkers, typed and documented."""
    made = {name for name, value in vars(api).items() if inspect.isfunction(value) and value.__module__ == api.__name__}
    assert {name for name in made if not name.startswith("_")} <= set(ml.__all__)
    assert ml.__all__ == sorted(ml.__all__)
    assert set(ml.__all__) <= set(dir(ml))
    tree = ast.parse(Path(inspect.getfile(ml)).read_text(encoding="utf-8"))
    told = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(ml.__all__) <= told
    for name in ml.__all__:
        offered = getattr(ml, name)
        assert offered.__doc__, name
        if inspect.isfunction(offered):
            assert inspect.signature(offered).return_annotation != inspect.Signature.empty, name
    with pytest.raises(AttributeError, match="no attribute 'estimat'"):
        _ = ml.estimat


def test_importing_the_face_loads_nothing() -> None:
    """``import meshlab`` alone imports no library: what is heavy is loaded when it is used."""
    code = "import sys; before = set(sys.modules); import meshlab as ml; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert {name.partition(".")[0] for name in done.stdout.split()} <= {"meshlab", *sys.stdlib_module_names}


def test_a_review_completes_in_a_notebook() -> None:
    """Fields of a review and of its parts are attributes that a prompt completes, and it shows itself in a line."""
    made = ml.review("online-boutique")
    assert {"verdict", "estimates", "headline", "migration"} <= set(dir(made))
    assert {"cni", "mesh", "flips"} <= set(dir(made.verdict))
    assert repr(made) == f"<Review of online-boutique: {made.verdict.cni}, {made.verdict.mesh}>"
    with pytest.raises(AttributeError):
        made.team = "another"  # type: ignore[misc]


# --- scenarios -----------------------------------------------------------------------------------------------------


def test_scenarios_come_as_rows_frames_and_files(tmp_path: Path) -> None:
    """The same scenarios are the same frame, whatever they are given as; what is checked is checked again unchanged."""
    rows = [{**ROW, "needs": ["mtls"], "mtls": True}, {"scenario": "b", "requests_per_second": 10.5}]
    expected = frame_of(rows)
    pl.DataFrame(rows).write_parquet(tmp_path / "s.parquet")
    written = [tmp_path / "s.parquet", str(tmp_path / "s.parquet")]
    for given in (rows, pl.DataFrame(rows), pl.LazyFrame(rows), iter(rows), expected, *written):
        assert ml.scenarios(given).equals(expected)
    assert ml.scenarios(ROW).equals(frame_of([ROW]))
    assert ml.scenarios(ROW).schema == schema()


def test_values_of_several_types_are_each_read_or_told() -> None:
    """A column of numbers and texts is read value by value, and only what is no number is a problem."""
    rows = [{"scenario": name, "pods": pods} for name, pods in (("a", 5), ("b", "7"), ("c", 9.0), ("d", True))]
    assert ml.scenarios(rows[:3])["pods"].to_list() == [5, 7, 9]
    with pytest.raises(ml.MeshlabError, match="scenarios:4: pods is 'True', which is not a whole number"):
        ml.scenarios(rows)


def test_all_problems_are_told_at_once() -> None:
    """A typo, a negative count, a missing name and one that stands twice come in one answer, each with its row."""
    with pytest.raises(ml.MeshlabError) as caught:
        ml.scenarios([{**ROW, "servces": 3}, {**ROW, "pods": -5}, {"pods": 1}])
    assert list(map(str, caught.value.problems)) == [
        "scenarios: unknown column 'servces'; did you mean 'services'?",
        "scenarios:2: scenario 'a' stands twice; names are unique",
        "scenarios:2: pods is -5, out of bounds; give a whole number from 1 to 500000 [count]",
        "scenarios:3: the scenario has no name; give each row a name",
    ]


@pytest.mark.parametrize(
    "given", [[], 5, None, [1], "nowhere.csv", {"scenario": {"a": 1}}, pl.DataFrame({"pods": [1]})]
)
def test_what_holds_no_scenarios_is_told(given: Any) -> None:
    """Whatever is given in place of scenarios, the answer is in words."""
    with pytest.raises(ml.MeshlabError):
        ml.scenarios(given)


# --- every door ----------------------------------------------------------------------------------------------------


def spec(**inputs: Any) -> dict[str, Any]:
    """A sweep of ten scenarios over these inputs."""
    return {"sample": {"method": "monte-carlo", "rows": 10}, "inputs": inputs, "outputs": ["memory_gib"]}


DOORS: dict[str, Callable[[dict[str, Any]], object]] = {
    "scenarios": lambda row: ml.scenarios([row]),
    "estimate": lambda row: ml.estimate([row]),
    "estimate of a frame": lambda row: ml.estimate(pl.DataFrame([row])),
    "estimate_pairs": lambda row: ml.estimate_pairs([row]),
    "least_shares": lambda row: ml.least_shares([row]),
    "estimate, lazy": lambda row: ml.estimate([row], lazy=True),
    "decide": lambda row: ml.decide([row]),
    "decide, lazy": lambda row: ml.decide(pl.LazyFrame([row]), lazy=True),
    "review": ml.review,
    "plan_migration": ml.plan_migration,
    "figure": lambda row: ml.figure("memory", row),
    "panel": lambda row: ml.panel({name: value for name, value in row.items() if name != "scenario"}),
    "sweep": lambda row: ml.sweep(spec(**{name: [value] for name, value in row.items() if name != "scenario"})),
    "evidence": lambda row: ml.evidence(pl.DataFrame([{**row, **MEASURED}])),
    "measured": lambda row: ml.estimate([ROW], measured=pl.DataFrame([{**row, **MEASURED}])),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"servces": 3}, "did you mean 'services'"),
        ({"pods": -5}, "pods"),
        ({"current_cni": "clium"}, "did you mean 'cilium'"),
    ],
)
def test_every_door_tells_a_mistake_in_words(door: str, wrong: dict[str, Any], told: str) -> None:
    """A typo names the nearest name, and a negative count is refused, by each function that takes values."""
    with pytest.raises(ml.MeshlabError, match=told):
        DOORS[door]({**ROW, **wrong})


@pytest.mark.parametrize("door", DOORS)
def test_every_door_takes_what_is_right(door: str) -> None:
    """What every function refuses for a mistake, it takes without one; columns that are missing are unknown."""
    assert DOORS[door](ROW) is not None


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: ml.estimate(pl.DataFrame({"pods": [1]})), "column 'scenario' is missing"),
        (lambda: ml.decide(pl.DataFrame({"pods": [1]})), "column 'scenario' is missing"),
        (lambda: ml.evidence(pl.DataFrame([ROW])), "column 'dataplane' is missing"),
        (lambda: ml.review("online-botique"), "did you mean 'online-boutique'"),
        (lambda: ml.review(5), "names no file"),  # type: ignore[arg-type]
        (lambda: ml.plan_migration("nowhere.json"), "neither a file nor an example team"),
        (lambda: ml.plan_migration(ROW, target="cilum"), "did you mean"),
        (lambda: ml.plan_migration(ROW, own={"windw_hours": 3}), "did you mean 'window_hours'"),
        (lambda: ml.read_cluster("nowhere.json"), "no such file or folder"),
        (lambda: ml.sweep({}), "sample"),
        (lambda: ml.figure("memroy", ROW), "did you mean 'memory'"),
        (lambda: ml.figure("memory"), "name a team"),
        (lambda: ml.panel(names=["pds"]), "pds"),
        (lambda: ml.decide([ROW], tables="nowhere"), "is no folder of tables"),
    ],
)
def test_what_is_missing_or_unknown_is_told(call: Callable[[], object], told: str) -> None:
    """A missing column, an unknown team, file, place, figure, chart or folder is an error in words."""
    with pytest.raises(ml.MeshlabError, match=told):
        call()


# --- the answers ---------------------------------------------------------------------------------------------------


def test_estimate_and_decide_answer_as_the_models_do() -> None:
    """The face adds a check and nothing else: frames are those of the models, collected or as a query by choice.

    A query, which is for many scenarios, takes its intervals from the draws that stand for all.
    """
    frame = frame_of([ROW])
    assert ml.estimate([ROW]).equals(overhead.estimate(frame).collect())
    assert ml.estimate([ROW], lazy=True).collect().equals(overhead.estimate(frame, count=SHOWN).collect())
    medians = ml.estimate([ROW], intervals=False)
    assert ml.estimate([ROW], intervals=False, lazy=True).collect().equals(medians)
    assert ml.decide([ROW]).equals(decision.decide(frame).collect())
    assert ml.decide([ROW], lazy=True).collect().equals(ml.decide([ROW]))
    assert "memory_gib_lo" not in ml.estimate([ROW], intervals=False).columns


def test_measurements_narrow_an_estimate() -> None:
    """A team's own measurement of a data plane moves its estimate and narrows the interval."""
    plain = ml.estimate([ROW]).row(by_predicate=pl.col("dataplane") == "linkerd", named=True)
    own = pl.DataFrame([{**ROW, **MEASURED, "value": 3 * plain["memory_gib"]}])
    moved = ml.estimate([ROW], measured=own).row(by_predicate=pl.col("dataplane") == "linkerd", named=True)
    assert plain["memory_gib"] < moved["memory_gib"] < 3 * plain["memory_gib"]
    assert moved["memory_gib_hi"] / moved["memory_gib_lo"] < plain["memory_gib_hi"] / plain["memory_gib_lo"]


def test_a_review_and_a_plan_of_values_and_of_a_team() -> None:
    """Values by name and the name of a team both give a review, whose figures are charted and whose move is planned."""
    assert ml.review("fleet-500-aks") == open_review("fleet-500-aks")
    of_values = ml.review({**ROW, "current_mesh": "none"})
    assert (of_values.team, of_values.scenario["pods"]) == ("a", 480)
    assert ml.figure("memory", of_values).alt_text == ml.figure("memory", {**ROW, "current_mesh": "none"}).alt_text
    to = ml.plan_migration("openshift-aws", target="cilium+none")["to"]
    assert (to["cni"], to["mesh"]) == ("cilium", "none")


def test_a_sweep_gives_its_rows_or_what_they_tell() -> None:
    """Ten scenarios of two data planes are twenty rows; with aggregates, a row for each data plane and figure."""
    wanted = {**spec(pods=[100, 200]), "dataplanes": ["cilium", "linkerd"]}
    assert ml.sweep(wanted).height == 20
    told = ml.sweep({**wanted, "aggregates": {"statistics": ["count", "p50"]}})
    assert told.select("dataplane", "count").rows() == [("cilium", 10), ("linkerd", 10)]


def test_evidence_compares_published_and_own_measurements() -> None:
    """Without measurements of one's own there are those of the evidence; with one, there is one row."""
    assert ml.evidence().height > 100
    assert ml.evidence(pl.DataFrame([{**ROW, **MEASURED}])).height == 1


def test_a_cluster_is_facts_findings_and_survey(fixtures: Path) -> None:
    """One reading of a dump gives all three."""
    found = ml.read_cluster(str(fixtures / "mesh_pods" / "np-guard__network-config-analyzer__bookinfo_pods_list.json"))
    assert found.facts
    assert found.facts["mesh"]["product"] == "istio"
    assert found.findings
    assert found.survey


def test_examples_of_the_public_face_hold() -> None:
    """Every public function has an example, which gives what it says."""
    functions = {name: thing for name in ml.__all__ if inspect.isfunction(thing := getattr(ml, name))}
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    for name, function in functions.items():
        (found,) = finder.find(function, name, globs={"ml": ml})
        assert found.examples, name
        assert runner.run(found).failed == 0, name
