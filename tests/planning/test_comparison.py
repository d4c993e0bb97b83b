"""Options over joint draws, against what is known in closed form or by counting."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import meshlab as ml
from meshlab.models import decision
from meshlab.models.decision.domain_map import map_values
from meshlab.models.overhead import estimate
from meshlab.models.pairs import FIGURES
from meshlab.planning import comparison as c
from meshlab.reviews.comparison import chances
from meshlab.reviews.review import build_reviews, case_of
from meshlab.scenario import scenarios


def worlds_of(values: np.ndarray, figure: str = "total_usd") -> pl.DataFrame:
    """A frame of worlds from a figure for each draw and option."""
    draws, options = values.shape
    return pl.DataFrame(
        {
            "option": np.tile(np.arange(options), draws),
            "draw": np.repeat(np.arange(draws), options),
            figure: values.ravel(),
        }
    )


def unit_normal_loss(mean: float, deviation: float) -> float:
    """Expected positive part of a normal variable, in closed form."""
    z = mean / deviation
    density, below = math.exp(-z * z / 2) / math.sqrt(2 * math.pi), 0.5 * (1 + math.erf(z / math.sqrt(2)))
    return deviation * (density + z * below)


@pytest.mark.parametrize(("mean", "known_share"), [(0.0, 0.5), (10.0, 0.5), (-10.0, 0.8), (25.0, 0.3)])
def test_value_of_information_of_two_normal_options_is_that_of_the_closed_form(mean: float, known_share: float) -> None:
    """Two options that differ by a normal amount, part of whose variance is one coefficient: within 5 %."""
    generator = np.random.default_rng(7)
    draws, deviation = 200_000, 30.0
    known = generator.normal(size=draws) * deviation * math.sqrt(known_share)
    rest = generator.normal(size=draws) * deviation * math.sqrt(1 - known_share)
    difference = mean + known + rest  # of the second option over the first
    values = np.column_stack([np.full(draws, 100.0), 100.0 + difference])
    # choosing the first costs 100; knowing the coefficient saves the expected negative part of the rest's mean
    spread = deviation * math.sqrt(known_share)
    expected = unit_normal_loss(-mean, spread) if mean >= 0 else unit_normal_loss(mean, spread)
    saves, changes = c.value_of_information(values, known[:, None])
    assert saves == pytest.approx(expected, rel=0.05)
    assert changes == pytest.approx(0.5 * (1 + math.erf(-abs(mean) / spread / math.sqrt(2))), abs=0.01)
    all_known = unit_normal_loss(-abs(mean), deviation)
    assert c.value_of_perfect_information(values) == pytest.approx(all_known, rel=0.05)


def test_value_of_information_agrees_with_a_double_loop() -> None:
    """Three options with products and squares of coefficients: within 5 % of means worked out draw by draw."""
    generator = np.random.default_rng(3)
    outer, inner = 4_000, 400
    known = np.exp(0.3 * generator.normal(size=(outer, 1)))

    def costs(a: np.ndarray, b: np.ndarray, d: np.ndarray) -> np.ndarray:
        return np.stack([100 * a * b, 95 + 10 * d + 0 * a, 60 + 45 * a * d], axis=-1)

    b, d = (np.exp(0.3 * generator.normal(size=(outer, inner))) for _ in range(2))
    given_known = costs(np.broadcast_to(known, b.shape), b, d).mean(axis=1)
    by_loop = given_known.mean(axis=0).min() - given_known.min(axis=1).mean()
    columns = (costs(known[:, 0], b[:, column], d[:, column]) for column in range(40))
    many = [c.value_of_information(values, known)[0] for values in columns]
    assert np.mean(many) == pytest.approx(by_loop, rel=0.05)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), options=st.integers(1, 5), groups=st.integers(0, 4))
def test_information_is_never_negative_nor_worth_more_than_all_of_it(seed: int, options: int, groups: int) -> None:
    """Whatever the costs and coefficients, the value lies between nothing and that of perfect information."""
    generator = np.random.default_rng(seed)
    values, known = generator.lognormal(size=(128, options)), generator.lognormal(size=(128, groups))
    saves, changes = c.value_of_information(values, known)
    assert 0 <= saves <= c.value_of_perfect_information(values) + 1e-12
    assert 0 <= changes <= 1


def test_noise_is_worth_nothing() -> None:
    """Coefficients that have nothing to do with the costs save next to nothing of what perfect information would."""
    generator = np.random.default_rng(5)
    values, known = generator.normal(100, 10, size=(1024, 3)), generator.normal(size=(1024, 8))
    saves, _ = c.value_of_information(values, known)
    assert saves < 0.1 * c.value_of_perfect_information(values)


def test_paired_differences_are_narrower_than_unpaired_ones() -> None:
    """Two options that share a coefficient: their difference is as narrow as what they do not share."""
    generator = np.random.default_rng(2)
    shared, own = generator.normal(0, 100, 5_000), generator.normal(0, 5, 5_000)
    worlds = worlds_of(np.column_stack([500 + shared, 510 + shared + own]))
    (row,) = c.differences(worlds, 0, ["total_usd"]).filter(pl.col("option") == 1).rows(named=True)
    paired = row["total_usd_hi"] - row["total_usd_lo"]
    alone = c.intervals(worlds, ["total_usd"]).rows(named=True)
    unpaired = sum(item["total_usd_hi"] - item["total_usd_lo"] for item in alone)
    assert paired == pytest.approx(2 * 1.2816 * 5, rel=0.05)
    assert paired < unpaired / 10


def test_best_and_regret_are_counted_by_hand() -> None:
    """Four draws of three options, one tie: probabilities and regrets as worked out on paper."""
    values = np.array([[1.0, 2.0, 5.0], [4.0, 3.0, 5.0], [2.0, 2.0, 5.0], [1.0, 9.0, 5.0]])
    found = c.best_of(worlds_of(values)).rows(named=True)
    assert [row["probability_best"] for row in found] == [2.5 / 4, 1.5 / 4, 0.0]
    assert [row["expected_regret"] for row in found] == [1 / 4, (1 + 0 + 0 + 8) / 4, (4 + 2 + 3 + 4) / 4]


def test_an_unknown_figure_takes_no_part() -> None:
    """An option with a null in its figure has no probability and no regret, and does not disturb the others."""
    values = np.array([[1.0, np.nan], [2.0, 1.0]])
    worlds = worlds_of(values).with_columns(pl.col("total_usd").fill_nan(None))
    assert c.best_of(worlds).rows() == [(0, 1.0, 0.0), (1, None, None)]


def test_totals_are_months_times_costs_and_the_move() -> None:
    """Ten a month and two of licence over 36 months and a move of 100 are 532."""
    row = {"option": 0, "draw": 0, "cost_usd_per_month": 10.0, "licence_usd_per_month": 2.0, "move_usd": 100.0}
    assert c.totals(pl.DataFrame([row]), 36)["total_usd"].item() == 36 * 12 + 100
    assert c.totals(pl.DataFrame([{**row, "licence_usd_per_month": None}]), 36)["total_usd"].item() is None


def test_budgets_give_the_share_of_draws_within_them() -> None:
    """Of the draws 1 to 10, seven are at most 7."""
    worlds = worlds_of(np.arange(1.0, 11.0)[:, None], "added_p99_ms")
    found = c.within(worlds, [c.Limit("max_added_p99_ms", "added_p99_ms", 7.0)])
    assert found["max_added_p99_ms"].item() == 0.7


def test_dominated_options_are_named_with_what_is_better() -> None:
    """A dearer and slower option is dominated; a dearer and faster one is not, nor one that is unknown."""
    means = pl.DataFrame({"option": [0, 1, 2, 3], "usd": [10.0, 12.0, 14.0, 9.0], "ms": [2.0, 3.0, 1.0, None]})
    assert c.dominated(means, ["usd", "ms"]) == {1: 0}


def test_break_even_is_the_price_of_what_is_saved() -> None:
    """Three ms less for 60 dollars more: a millisecond has to be worth 20; better in both, there is no such price."""
    worlds = pl.DataFrame({"option": [0, 1, 2], "draw": [0, 0, 0], "usd": [100.0, 160.0, 90.0], "ms": [5.0, 2.0, 4.0]})
    assert c.break_even(worlds, 0, 1, "usd", "ms") == pytest.approx(20.0)
    assert c.break_even(worlds, 0, 2, "usd", "ms") is None


# --- estimates of pairs ---------------------------------------------------------------------------------------------

CLUSTER = {
    "scenario": "shop",
    "nodes": 12,
    "services": 120,
    "pods": 480,
    "namespaces": 10,
    "cloud": "aks",
    "current_cni": "azure-cni",
    "current_mesh": "istio-sidecar",
    "greenfield": False,
    "needs": ["mtls"],
}


def only(frame: pl.DataFrame, **values: object) -> dict[str, float]:
    """The one row of a frame that holds these values."""
    return frame.filter(pl.col(name).eq_missing(pl.lit(value)) for name, value in values.items()).row(0, named=True)


def test_pairs_are_over_no_mesh_and_over_today_draw_by_draw() -> None:
    """Today over itself is nothing; ambient saves less than its interval apart from sidecars' would let one think."""
    found = c.estimate_pairs(scenarios([CLUSTER]))
    verdict = decision.explain(scenarios([CLUSTER]))[0]
    assert set(found["baseline"]) == {"none", "today"}
    assert found.filter(baseline="none").height == len(verdict["options"]) == found.filter(baseline="today").height
    today = {"cni": "azure-cni", "mesh": "istio-sidecar", "cni_edition": None, "mesh_edition": None, "tuned": False}
    ambient = today | {"mesh": "istio-ambient", "mesh_edition": "self-run"}
    assert {only(found, baseline="today", **today)[name] for name in FIGURES} == {0.0}
    figures = estimate(scenarios([CLUSTER])).collect()
    for pair, dataplane in ((today, "istio-sidecar"), (ambient, "istio-ambient")):
        row, alone = only(found, baseline="none", **pair), only(figures, dataplane=dataplane)
        for name in ("memory_gib", "cpu_cores", "added_p99_ms", "cost_usd_per_month"):
            for end in ("_lo", "_hi"):  # of 1,024 draws and of the estimate's own
                assert row[f"{name}{end}"] == pytest.approx(alone[f"{name}{end}"], rel=0.2)
        assert row["in_evidence_range"] == alone["in_evidence_range"]
    saved = only(found, baseline="today", **ambient)
    assert saved["memory_gib_hi"] < 0
    ends = (only(found, baseline="none", **pair) for pair in (ambient, today))
    (low, high), (low_today, high_today) = ((row["memory_gib_lo"], row["memory_gib_hi"]) for row in ends)
    assert saved["memory_gib_hi"] - saved["memory_gib_lo"] < (high - low) + (high_today - low_today)


def test_what_no_measurement_informs_of_a_pair_is_null() -> None:
    """A gateway's figures are null, never zero; a new cluster has no today to be compared with."""
    found = c.estimate_pairs(scenarios([{"scenario": "new", "pods": 48, "greenfield": True, "cloud": "eks"}]))
    assert set(found["baseline"]) == {"none"}
    gateway = found.filter(mesh="gateway")
    assert gateway.height
    for name in FIGURES:
        assert gateway[name].null_count() == gateway.height


# --- budgets ----------------------------------------------------------------------------------------------------------

FLEET = {
    "scenario": "fleet",
    "nodes": 1000,
    "node_cpu_cores": 11,
    "node_memory_gib": 44.0,
    "services": 500,
    "namespaces": 500,
    "pods": 50_000,
    "requests_per_second": 250_000.0,
    "l7_traffic_share": 1.0,
    "cloud": "aks",
    "windows_nodes": 0,
    "greenfield": False,
    "kernel_oldest": "5.15.0",
    "current_cni": "azure-cni",
    "current_mesh": "none",
    "cni_healthy": True,
    "needs": ["mtls", "l7_policy", "l7_observability"],
}


def test_a_budget_of_minutes_counts_those_in_which_policy_is_off() -> None:
    """Azure's update cuts calls for less than a minute and leaves policy off for hours, which breaks ten minutes."""
    names = {"cloud": "aks", "current_cni": "azure-cni", "current_cni_edition": "calico-policy-engine", "nodes": 30}
    facts = {
        **names,
        "current_mesh": "none",
        "greenfield": False,
        "licence_usd_per_year": 50_000,
        "needs": ["dns_policy"],
    }
    short = ml.review({**facts, "max_disruption_minutes": 10})
    assert short.verdict.edition["cni"] == "calico-enterprise-policy-engine"
    longer = next(flip["to"] for flip in short.verdict.flips if flip["input"] == "max_disruption_minutes")
    wide = ml.review({**facts, "max_disruption_minutes": longer})
    assert wide.verdict.edition["cni"] == "azure-cni-powered-by-cilium-acns"


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ({"max_added_memory_share": 0.04}, "Memory budget of 1,760 GiB"),
        ({"max_usd_per_month": 15_000.0}, "Running budget"),
    ],
)
def test_an_option_over_budget_is_not_eligible_and_says_so(budget: dict[str, float], told: str) -> None:
    """Sidecars over budget even when scoped lose to ambient mode, and stand first without the budget."""
    free, bound = ml.review(FLEET), ml.review({**FLEET, **budget})
    assert free.verdict.mesh == "istio-sidecar"
    assert bound.verdict.mesh == "istio-ambient"
    over = [option for option in bound.verdict.options if option["mesh"] == "istio-sidecar"]
    assert over
    assert not any(option["eligible"] for option in over)
    assert told in next(o["why_not"] for o in over if o["edition"]["mesh"] == "aks-add-on")
    # what would change it keeps the budget in mind, too, and a larger budget would
    flips = [flip for flip in bound.verdict.flips if flip["mesh"] == "istio-sidecar"]
    assert [flip["input"] for flip in flips] == list(budget)
    assert [ml.review({**FLEET, flip["input"]: flip["to"]}).verdict.mesh for flip in flips] == ["istio-sidecar"]


LINKERD = {**FLEET, "current_mesh": "linkerd", "current_mesh_edition": "buoyant-enterprise", "mesh_healthy": True}


@pytest.mark.parametrize(("offered", "edition"), [(15_000, None), (45_000, "edge-open-source")])
def test_a_licence_that_is_offered_above_its_budget_is_not_bought(offered: int, edition: str | None) -> None:
    """What runs is kept at a price within the budget; beyond it the free edition stands first, with the offer told."""
    budget = {"licence_usd_per_year": 20_000, "licence_price_usd_per_year": offered, "needs": ["mtls"]}
    verdict = ml.review({**LINKERD, **budget}).verdict
    assert verdict.edition["mesh"] == edition
    assert ("the offer is 45,000 USD a year" in verdict.sentence) == (edition is not None)
    paid = [option for option in verdict.options if option["paid"]]
    assert not any(option["eligible"] for option in paid if edition)


def test_what_runs_is_not_given_up_for_a_budget_that_nothing_keeps() -> None:
    """A mesh that runs and meets all stands before what lacks a need, and the least that meets all is named."""
    runs = {**FLEET, "current_mesh": "istio-sidecar", "current_mesh_edition": "aks-add-on", "mesh_healthy": True}
    review = ml.review({**runs, "max_usd_per_month": 300, "needs": ["mtls", "retries"]})
    verdict, compared = review.verdict, (review.comparison or {})["options"]
    assert (verdict.cni, verdict.mesh, verdict.tuned, verdict.unmet) == ("stay", "stay", True, [])
    assert verdict.options[0]["eligible"] is False
    assert "within the budget" in verdict.sentence
    assert "with Linkerd" in verdict.sentence or "in ambient mode" in verdict.sentence
    assert {"linkerd", "istio-ambient"} <= {option["mesh"] for option in compared}


def test_the_reason_against_a_rival_is_one_that_does_not_speak_for_it() -> None:
    """Red Hat supports both modes of its mesh: what parts them is that one of them is finished across clusters."""
    mesh = {"cloud": "openshift", "current_cni": "ovn-kubernetes", "current_cni_edition": "openshift"}
    small = {"nodes": 30, "services": 120, "pods": 800, "windows_nodes": 0, "greenfield": False, "cni_healthy": True}
    review = ml.review({**mesh, **small, "current_mesh": "none", "needs": ["mtls", "multi_cluster"]})
    assert review.comparison is not None
    (against,) = (told for told in review.comparison["against"] if "The reason for" in told)
    assert "OpenShift Service Mesh 3 in ambient mode costs" in against
    assert "identity has to hold from cluster to cluster" in against
    assert "provider supports" not in against


def test_what_nobody_measured_of_a_network_keeps_no_budget() -> None:
    """A mesh that is over budget by itself is so beside an engine that nobody measured, which is not added for it."""
    eks = {**FLEET, "cloud": "eks", "current_cni": "aws-vpc", "current_cni_edition": "network-policy-agent"}
    bound = ml.review({**eks, "nodes": 40, "pods": 900, "max_usd_per_month": 30.0, "needs": ["mtls", "l7_policy"]})
    assert bound.verdict.cni == "stay"
    meshes = [each for each in bound.verdict.options if each["mesh"] in ("istio-ambient", "linkerd")]
    assert {each["edition"]["cni"] for each in meshes} >= {"cilium-chained", "calico-policy-engine"}
    assert not any(each["eligible"] for each in meshes)


def test_a_budget_that_nothing_meets_leaves_nothing_found() -> None:
    """Where every option that meets the needs is over budget, none is called eligible."""
    bound = ml.review({**FLEET, "max_added_p99_ms": 1e-3})
    assert not any(option["eligible"] for option in bound.verdict.options)
    assert "None of the options meets everything that is asked" in bound.verdict.sentence


def test_a_budget_that_may_hold_only_shows_its_probability() -> None:
    """A budget within the interval rules nothing out: its probability stands in the comparison."""
    free = ml.review(FLEET)
    assert free.comparison is not None
    row = next(row for row in free.comparison["options"] if row["recommended"])
    bound = ml.review({**FLEET, "max_added_p99_ms": row["criteria"]["added_p99_ms"]["median"]})
    assert bound.verdict.mesh == free.verdict.mesh
    assert bound.comparison is not None
    kept = next(row for row in bound.comparison["options"] if row["recommended"])["within"]["max_added_p99_ms"]
    assert 0.4 < kept < 0.6


def test_every_field_of_a_map_is_weighed_as_a_report_weighs_its_options() -> None:
    """The chance and the regret of each field are those of the recommended option in a review of that field."""
    values = {**{name: value for name, value in CLUSTER.items() if name != "scenario"}, "needs": ["mtls"]}
    fields = map_values(values, "greenfield", "needs:l7_policy")
    cases = [case_of(each, f"field-{place}") for place, each in enumerate(fields)]
    found = chances(cases).rows(named=True)
    assert len(found) == 4
    for row, review in zip(found, build_reviews(cases), strict=True):
        assert review.comparison is not None
        (mine,) = [each for each in review.comparison["options"] if each["recommended"]]
        assert row == {name: mine[name] for name in ("probability_best", "expected_regret_usd")}
