from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.models.decision import decide, explain, load_tables
from meshlab.models.decision.states import row_states
from meshlab.scenario import frame_of, inputs
from meshlab.tables import read_table

Draw = Callable[[int, int, float], pl.DataFrame]


def verdict(**facts: Any) -> dict[str, Any]:
    """The verdict of one scenario."""
    return decide(frame_of([{"scenario": "one", **facts}])).collect().row(0, named=True)


GREENFIELD = {"greenfield": True, "kernel_oldest": "5.15.0", "windows_nodes": 0, "cloud": "self-managed"}
BROWNFIELD = {"greenfield": False, "kernel_oldest": "5.15.0", "windows_nodes": 0, "cloud": "self-managed"}
QUIET = {"regulated": False, "bgp_fabric": False, "services": 40, "policy_sync": "eventual", "needs": []}


@pytest.mark.parametrize(
    ("row", "cni", "facts"),
    [
        ("greenfield", "cilium", {**QUIET, **GREENFIELD}),
        ("greenfield", "cilium", {"greenfield": True, "kernel_oldest": "5.10.0"}),
        ("greenfield", "cilium", {**QUIET, **GREENFIELD, "kernel_oldest": "4.18.0-553.el8_10.x86_64"}),
        ("managed-cloud", "cilium", {"cloud": "gke"}),
        (
            "managed-cloud",
            "cilium",
            {**QUIET, **BROWNFIELD, "cloud": "aks", "current_cni": "azure-cni", "cni_healthy": False},
        ),
        (
            "brownfield-bgp",
            "calico",
            {**QUIET, **BROWNFIELD, "windows_nodes": 6, "bgp_fabric": True, "current_cni": "flannel"},
        ),
        ("brownfield-bgp", "calico", {"greenfield": False, "windows_nodes": 6, "bgp_fabric": True}),
        ("regulated", "calico-enterprise", {**QUIET, **BROWNFIELD, "regulated": True, "current_cni": "calico"}),
        ("regulated", "calico-enterprise", {"regulated": True}),
        (
            "large-l7",
            "cilium",
            {"services": 500, "requests_per_second": 10000.0, "needs": ["l7_policy"], "kernel_oldest": "5.10"},
        ),
        ("calico-healthy", "stay", {**QUIET, **BROWNFIELD, "current_cni": "calico", "cni_healthy": True}),
        ("calico-healthy", "stay", {"current_cni": "calico", "cni_healthy": True, "needs": []}),
    ],
)
def test_each_row_of_the_article_decides_a_scenario(row: str, cni: str, facts: dict[str, Any]) -> None:
    """Each of the six rows of the article's matrix decides a case of its own."""
    found = verdict(**facts)
    assert (found["cni"], found["matched"][0]) == (cni, row)


@pytest.mark.parametrize(
    ("row", "mesh", "facts"),
    [
        ("no-mesh-need", "none", {**QUIET, **GREENFIELD}),
        ("no-mesh-need", "none", {**QUIET, **GREENFIELD, "current_mesh": "istio-sidecar"}),
        ("cilium-covers", "cilium-mesh", {**QUIET, **GREENFIELD, "needs": ["l7_observability", "l7_policy"]}),
        (
            "immediate-policy",
            "istio-ambient",
            {**QUIET, **GREENFIELD, "needs": ["l7_policy"], "policy_sync": "immediate"},
        ),
        (
            "istio-to-ambient",
            "istio-ambient",
            {**QUIET, **BROWNFIELD, "needs": ["mtls"], "current_mesh": "istio-sidecar"},
        ),
    ],
)
def test_each_mesh_answer_of_the_article_decides_a_scenario(row: str, mesh: str, facts: dict[str, Any]) -> None:
    """Each of the article's answers to the mesh question decides a case."""
    found = verdict(**facts)
    assert (found["mesh"], found["mesh_row"]) == (mesh, row)


@pytest.mark.parametrize(
    ("case", "cni", "mesh", "facts"),
    [
        (
            "regulated on a new GKE cluster",
            "cilium",
            "none",
            {**QUIET, **GREENFIELD, "cloud": "gke", "regulated": True},
        ),
        (
            "Windows nodes on a grown AKS cluster",
            "stay",
            "none",
            {**QUIET, **BROWNFIELD, "cloud": "aks", "windows_nodes": 3, "current_cni": "azure-cni"},
        ),
        (
            "Windows nodes on a new AKS cluster",
            "calico",
            "none",
            {**QUIET, **GREENFIELD, "cloud": "aks", "windows_nodes": 3},
        ),
        (
            "500 services with layer 7 on kernel 4.18",
            "stay",
            "istio-ambient",
            {
                **QUIET,
                **BROWNFIELD,
                "services": 500,
                "needs": ["l7_policy"],
                "kernel_oldest": "4.18.0",
                "requests_per_second": 2e4,
            },
        ),
        (
            "500 services with layer 7 on RHEL 8.10",
            "cilium",
            "cilium-mesh",
            {
                **QUIET,
                **BROWNFIELD,
                "services": 500,
                "needs": ["l7_policy"],
                "kernel_oldest": "4.18.0-553.el8_10.x86_64",
                "requests_per_second": 2e4,
            },
        ),
        (
            "Calico is healthy but layer 7 is needed",
            "stay",
            "istio-ambient",
            {**QUIET, **BROWNFIELD, "current_cni": "calico", "cni_healthy": True, "needs": ["l7_policy"]},
        ),
        (
            "Cilium with policy that has to apply at once",
            "stay",
            "istio-ambient",
            {
                **QUIET,
                **BROWNFIELD,
                "current_cni": "cilium",
                "cni_healthy": True,
                "needs": ["l7_policy"],
                "policy_sync": "immediate",
            },
        ),
        (
            "Istio sidecars with EnvoyFilter or Wasm",
            "stay",
            "istio-sidecar",
            {
                **QUIET,
                **BROWNFIELD,
                "current_cni": "calico",
                "cni_healthy": True,
                "current_mesh": "istio-sidecar",
                "needs": ["mtls", "envoy_extensions"],
            },
        ),
        (
            "several clusters with identity",
            "stay",
            "istio-sidecar",
            {**QUIET, **BROWNFIELD, "current_cni": "cilium", "cni_healthy": True, "needs": ["mtls", "multi_cluster"]},
        ),
        (
            "several clusters without identity on Cilium",
            "stay",
            "none",
            {**QUIET, **BROWNFIELD, "current_cni": "cilium", "cni_healthy": True, "needs": ["multi_cluster"]},
        ),
        (
            "virtual machines in the mesh",
            "cilium",
            "istio-sidecar",
            {**QUIET, **GREENFIELD, "needs": ["mtls", "virtual_machines"]},
        ),
        (
            "mutual TLS on Cilium, whose own is deprecated",
            "cilium",
            "istio-ambient",
            {**QUIET, **GREENFIELD, "needs": ["mtls"]},
        ),
        (
            "a grown EKS cluster, which no provider moves to Cilium",
            "stay",
            "none",
            {**QUIET, **BROWNFIELD, "cloud": "eks", "current_cni": "aws-vpc", "cni_healthy": True},
        ),
    ],
)
def test_the_cases_that_the_article_leaves_open_are_decided(
    case: str, cni: str, mesh: str, facts: dict[str, Any]
) -> None:
    """Each open case has the answer that the tables reason for."""
    found = verdict(**facts)
    assert (found["cni"], found["mesh"]) == (cni, mesh), case


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.8])
def test_verdicts_agree_with_an_independent_reading(oracle: Any, draw: Draw, missing: float) -> None:
    """Verdicts and row states are those that SQLite and a plain loop find in the same files."""
    frame = draw(250, int(missing * 10), missing)
    states = row_states(frame, load_tables()).collect().rows(named=True)
    told = decide(frame).collect().rows(named=True)
    for facts, state, answer in zip(frame.drop("scenario").rows(named=True), states, told, strict=True):
        expected = oracle.decide(facts)
        assert {name: state[f"row:{name}"] for name in expected["states"]} == expected["states"]
        assert {name: answer[name] for name in ("cni", "mesh", "cni_row", "mesh_row")} == {
            name: expected[name] for name in ("cni", "mesh", "cni_row", "mesh_row")
        }


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_scenarios_does_not_matter(draw: Draw, seed: int) -> None:
    """A scenario's verdict is the same wherever it stands in the frame, and whatever stands beside it."""
    frame = draw(40, seed, 0.3)
    together = decide(frame).collect().sort("scenario")
    assert decide(frame.sample(fraction=1, shuffle=True, seed=seed)).collect().sort("scenario").equals(together)
    alone = pl.concat(decide(frame[place : place + 1]).collect() for place in range(5))
    assert alone.equals(decide(frame).collect().head(5))


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_in_a_file_does_not_matter(draw: Draw, tmp_path_factory: Any, seed: int) -> None:
    """Files with their rows shuffled give the same verdicts."""
    folder = tmp_path_factory.mktemp("shuffled")
    for name in ("cni", "mesh", "requirements", "capabilities", "needs"):
        source = Path(__file__).resolve().parents[2] / "data" / "decision" / f"{name}.csv"
        head, *rows = source.read_text(encoding="utf-8").splitlines(keepends=True)
        random.Random(seed).shuffle(rows)  # noqa: S311  (not for secrets)
        (folder / f"{name}.csv").write_text(head + "".join(rows), encoding="utf-8")
    frame = draw(60, seed, 0.3)
    assert decide(frame, load_tables(folder)).collect().equals(decide(frame).collect())


def test_a_missing_fact_makes_a_row_unknown_and_never_false() -> None:
    """Without a kernel the greenfield row is open, and the kernel is listed as unknown."""
    frame = frame_of([{"scenario": "one", **QUIET, **GREENFIELD, "current_cni": "none", "kernel_oldest": None}])
    assert row_states(frame, load_tables()).collect()["row:greenfield"].to_list() == [None]
    found = decide(frame).collect().row(0, named=True)
    assert (found["cni"], found["unknown"]) == ("stay", ["kernel_oldest"])


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), missing=st.sampled_from([0.2, 0.5, 0.8]))
def test_facts_that_are_not_listed_as_unknown_cannot_change_the_answer(draw: Draw, seed: int, missing: float) -> None:
    """Once the facts listed as unknown are known, no value of the other missing facts changes the verdict."""
    frame = draw(400, seed, missing)
    unknown = decide(frame).collect()["unknown"]
    complete = draw(400, seed + 1, 0.0)
    columns = [name for name in frame.columns if name != "scenario"]
    listed = frame.with_columns(
        pl.when(unknown.list.contains(name)).then(complete[name]).otherwise(pl.col(name)).alias(name)
        for name in columns
    )
    everything = listed.with_columns(pl.coalesce(name, complete[name]).alias(name) for name in columns)
    answers = [decide(part).select("cni", "mesh").collect() for part in (listed, everything)]
    assert answers[0].equals(answers[1])


def test_a_missing_fact_is_unknown_only_where_it_decides() -> None:
    """How soon policy must hold matters on Cilium, and not where ambient mode is recommended in any case."""
    on_cilium = QUIET | GREENFIELD | {"needs": ["l7_policy"], "policy_sync": None, "current_mesh": "none"}
    assert verdict(**on_cilium)["unknown"] == ["policy_sync"]
    on_calico = (
        QUIET | BROWNFIELD | {"needs": ["mtls"], "policy_sync": None, "current_cni": "calico", "cni_healthy": True}
    )
    assert verdict(**on_calico)["unknown"] == []


def test_a_need_that_nobody_read_about_is_not_met() -> None:
    """No source says that Cilium has a FIPS mode: it does not pass for a mesh that needs one."""
    found = verdict(**QUIET | GREENFIELD | {"needs": ["l7_observability", "fips"]})
    assert (found["mesh"], "cilium-covers" in found["matched"]) == ("istio-ambient", True)


def test_an_empty_frame_and_absent_columns_are_fine() -> None:
    """No rows give no verdicts, and columns that are absent count as missing."""
    assert decide(frame_of([])).collect().height == 0
    assert decide(pl.DataFrame({"scenario": ["a"], "cloud": ["gke"]})).collect()["cni"].to_list() == ["cilium"]


def test_the_query_stays_lazy_and_streams() -> None:
    """A lazy frame gives a lazy frame, which the streaming engine answers alike."""
    frame = frame_of([{"scenario": str(number), "services": number + 1} for number in range(1000)])
    query = decide(frame.lazy())
    assert isinstance(query, pl.LazyFrame)
    assert query.collect(engine="streaming").sort("scenario").equals(query.collect().sort("scenario"))


@pytest.mark.parametrize(
    ("kernel", "cni", "row"),
    [
        pytest.param("5.15.0", "cilium", "discontinued", id="a kernel that Cilium takes"),
        pytest.param("5.4.0", "stay", "discontinued-stuck", id="a kernel that it does not take"),
    ],
)
def test_a_discontinued_plugin_makes_a_case_for_a_change(kernel: str, cni: str, row: str) -> None:
    """Weave Net is left for Cilium even where it runs well, or its owner is told what stands in the way."""
    frame = frame_of(
        [
            {
                "scenario": "one",
                **QUIET,
                **BROWNFIELD,
                "current_cni": "weave",
                "cni_healthy": True,
                "kernel_oldest": kernel,
            }
        ]
    )
    found = explain(frame)[0]
    assert (found["cni"], found["matched"][0]) == (cni, row)
    assert "discontinued" in found["reasons"][0]


def test_every_ended_plugin_has_a_row_that_says_so() -> None:
    """The term names the ended plugins that no maker leads on to another; each of the others has a row of its own."""
    ended = read_table("ended_plugins")
    stranded = set(ended.filter(pl.col("way_on").is_null())["plugin"])
    (term,) = read_table("decision/terms").filter(pl.col("term") == "discontinued")["condition"]
    assert set(re.findall(r"'([^']+)'", term)) == stranded
    conditions = " ".join(read_table("decision/cni")["condition"])
    assert all(f"current_cni = '{plugin}'" in conditions for plugin in set(ended["plugin"]) - stranded)
    assert set(ended["plugin"]) <= set(inputs()["current_cni"].choices)
