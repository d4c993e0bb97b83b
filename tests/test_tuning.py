"""What scoping alone would save, against the estimates of both numbers of services."""

from __future__ import annotations

from pathlib import Path

import pytest

import meshlab as ml
from meshlab.models.pairs import scoped_services, scoping_saves_gib
from meshlab.planning.migration import Setting
from meshlab.reviews.review import open_review
from meshlab.show import report
from meshlab.show.charts.intervals import estimates
from meshlab.show.theme import figure_text


def estimated(**values: object) -> dict[str, float]:
    """The estimate of Istio with sidecars for these values."""
    rows = ml.estimate({"scenario": "a", **values}).rows(named=True)
    return next(row for row in rows if row["dataplane"] == "istio-sidecar")


def test_figures_are_those_of_the_estimate_at_both_numbers_of_services(tmp_path: Path) -> None:
    """500 services in 20 namespaces: scoped to 50 each, the figures before and after are what ``estimate`` answers."""
    size = {"services": 500, "namespaces": 20, "pods": 5000, "nodes": 50}
    (tmp_path / "team.yaml").write_text(
        f"team: a\nneeds: [mtls]\nscenario: {{{ml_text(size)}, current_mesh: istio-sidecar}}\n"
    )
    found = open_review(tmp_path / "team.yaml").tuning

    assert found
    assert (found["services"], found["scoped_services"], found["runs_today"]) == (500, 50, True)
    whole, scoped = estimated(**size), estimated(**size, config_services=50)
    for row in found["figures"]:
        name = row["figure"]
        assert (row["lo"], row["median"], row["hi"]) == pytest.approx([whole[f"{name}{e}"] for e in ("_lo", "", "_hi")])
        assert (row["scoped_lo"], row["scoped"], row["scoped_hi"]) == pytest.approx(
            [scoped[f"{name}{e}"] for e in ("_lo", "", "_hi")]
        )
        assert row["saved"] == pytest.approx(whole[name] - scoped[name])
    assert [row["saved"] > 0 for row in found["figures"] if row["figure"] == "memory_gib"] == [True]


def ml_text(values: dict[str, int]) -> str:
    """Values in the braces of YAML."""
    return ", ".join(f"{name}: {value}" for name, value in values.items())


def test_the_example_of_500_services_says_what_scoping_saves_before_the_move() -> None:
    """Sidecars that know 500 services take what the estimate says, scoped ones about a tenth; the report says so."""
    review = open_review("fleet-500-aks")
    whole = next(row["memory_gib"] for row in review.estimates if row["dataplane"] == "istio-sidecar")

    for shown in (report.headline(review).html, report.markdown_page(review)):
        assert "what each sidecar is told" in shown
        assert f"instead of {figure_text(whole)}" in shown
    assert review.tuning
    assert "kind: Sidecar" in report.headline(review).html
    hosts = [line.strip('- "') for line in review.tuning["resource"].splitlines() if line.strip().startswith('- "')]
    assert hosts == ["./*", "aks-istio-system/*", "CALLED_NAMESPACE/*"]  # the add-on's, and more than its own


@pytest.mark.parametrize(
    "text",
    [
        "needs: []\nscenario: {services: 500, current_mesh: none, current_cni: calico}\n",
        "needs: [mtls]\nscenario: {services: 500, config_services: 4, namespaces: 20, current_mesh: istio-sidecar}\n",
    ],
)
def test_where_nothing_is_to_gain_nothing_is_said(text: str, tmp_path: Path) -> None:
    """Without a mesh and none recommended, or with a configuration that is scoped already, there is nothing to tune."""
    (tmp_path / "team.yaml").write_text(f"team: a\n{text}")
    review = open_review(tmp_path / "team.yaml")

    assert review.tuning is None
    assert "what each sidecar is told" not in report.headline(review).html


def test_sidecars_of_a_new_mesh_are_compared_as_they_would_be_set_up() -> None:
    """The recommended add-on is priced scoped, and named so; what runs today keeps the configuration that it has."""
    review = open_review("fleet-500-aks")
    assert review.comparison
    assert review.tuning
    (first,) = [option for option in review.comparison["options"] if option["recommended"]]
    assert first["label"].endswith(", scoped")
    assert not first["tuned"]
    assert not review.verdict.tuned
    agents = {row["figure"]: row["scoped"] for row in review.tuning["figures"]}
    assert first["criteria"]["memory_gib"]["median"] == pytest.approx(agents["memory_gib"], rel=0.1)

    (drawn,) = estimates(review, ["memory_gib", "data_plane_memory_gib"]).filter("recommended").rows(named=True)
    assert drawn["memory_gib"] == agents["memory_gib"] > drawn["data_plane_memory_gib"] > 0.9 * agents["memory_gib"]
    assert drawn["scoped"] == "unscoped: 39,000"

    running = ml.review({**review.known, "current_mesh": "istio-sidecar", "mesh_healthy": True})
    assert running.comparison
    (today,) = [row for row in running.comparison["options"] if row["today"] and not row["tuned"]]
    assert not today["label"].endswith("scoped")
    assert today["criteria"]["memory_gib"]["median"] > 5 * first["criteria"]["memory_gib"]["median"]


def test_new_sidecars_are_scoped_where_that_pays_within_the_horizon() -> None:
    """What scoping saves by the estimates is worth its hours in the fleet, and not of the 73 pods of OpenShift."""
    rows = {}
    for name in ("fleet-500-aks", "openshift-aws"):
        review = open_review(name)
        assert review.comparison
        row = rows[name] = review.scenario
        services = scoped_services(row)
        assert services
        known = {key: value for key, value in row.items() if value is not None and key != "needs"}
        whole, scoped = (estimated(**{**known, "config_services": n}) for n in (row["config_services"], services))
        saved = whole["data_plane_memory_gib"] - scoped["data_plane_memory_gib"]
        assert scoping_saves_gib(row, services) == pytest.approx(saved, rel=1e-6)
    small, large = (Setting(rows[name]) for name in ("openshift-aws", "fleet-500-aks"))
    assert (small.scoped, large.scoped) == (False, True)
    assert Setting({**small.scenario, "memory_usd_per_gib_hour": 10.0}).scoped
    # on a new platform nobody measures who calls whom: the owners say so, and less memory pays for it
    fair = {**small.scenario, "greenfield": False, "memory_usd_per_gib_hour": 0.1}
    assert (Setting(fair).scoped, Setting({**fair, "greenfield": True}).scoped) == (False, True)
    assert not any(option["label"].endswith(", scoped") for option in review.comparison["options"])
    assert review.tuning is None
    assert not [step for step in (review.migration or {"steps": ()})["steps"] if "Write a Sidecar" in step["action"]]


def test_a_mesh_is_scoped_beside_another_plugin_before_it_is_replaced() -> None:
    """Sidecars that break the memory budget stay, scoped, although flannel has to go; scoping moves nothing."""
    review = open_review(Path(__file__).parent / "decision" / "cases" / "94-scoped-beside-a-new-plugin.yaml")
    assert (review.verdict.mesh, review.verdict.tuned) == ("stay", True)
    assert review.verdict.cni == "calico"
    whole = next(
        row
        for row in review.verdict.options
        if (row["cni"], row["mesh"], row["tuned"]) == ("calico", "istio-sidecar", False)
    )
    assert any("over budget: Memory budget" in caveat["text"] for caveat in whole["caveats"])
    assert review.migration
    assert [row["route"] for row in review.migration["routes"]] == ["flannel-calico", "tune"]
    assert review.comparison
    hours = {row["label"]: row["criteria"]["move_hours"]["median"] for row in review.comparison["options"]}
    moved = next(label for label in hours if label.startswith("Calico with iptables") and label.endswith(", tuned"))
    stays = f"flannel + {moved.partition(' + ')[2]}"
    assert hours[moved] == pytest.approx(hours[moved.removesuffix(", tuned")] + hours[stays], rel=0.05)
