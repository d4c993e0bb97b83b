"""Every chart by name, with all that a document says beside it."""

from __future__ import annotations

import json

import pytest

from meshlab.errors import MeshlabError
from meshlab.reviews.record import Review
from meshlab.show.charts import CATALOGUE, Look, chart
from meshlab.show.charts.catalogue import NOTHING
from meshlab.show.charts.files import opened
from meshlab.show.theme import THEMES


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("theme", THEMES)
def test_every_chart_is_drawn_in_every_theme(name: str, theme: str, review: Review, moving: Review) -> None:
    """Each chart has a title, a size, a table, words and sources, and is plain data."""
    drawn = chart(name, moving if name.startswith("migration") else review, Look(theme, 600))
    layout = drawn.spec["layout"]
    assert layout["width"] == 600
    assert layout["height"] > 100
    assert drawn.title
    assert drawn.title in drawn.alt_text
    assert drawn.rows
    assert drawn.sources
    assert len(drawn.inputs_sha256) == 64
    json.dumps(drawn.about, allow_nan=False)
    json.dumps(drawn.spec, allow_nan=False)


def test_there_are_at_least_ten_charts_of_a_team() -> None:
    """Ten charts can be drawn of a team, beside those that need none."""
    assert sum(entry.needs != NOTHING for entry in CATALOGUE.values()) >= 10


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_chart_of_every_example_team(name: str) -> None:
    """Each chart has something to say of a team to whom no mesh is recommended, too."""
    drawn = chart(name, opened("wikikube-eqiad"))
    assert drawn.alt_text
    assert drawn.spec["layout"]["title"]["text"]


def test_figures_of_the_table_are_those_of_the_review(review: Review) -> None:
    """The memory of ambient in the table is the estimate of the review, to two or three digits."""
    row = next(row for row in chart("memory", review).rows if row["data plane"] == "Istio ambient")
    estimate = next(row for row in review.estimates if row["dataplane"] == "istio-ambient")
    assert float(row["median [GiB]"].replace(",", "")) == pytest.approx(estimate["memory_gib"], rel=0.05)


def test_drivers_are_those_of_the_review(review: Review) -> None:
    """The strongest driver of the cost stands first, with the figures at both of its ends."""
    strongest = next(row for row in review.sensitivity or () if row["figure_name"] == "cost_usd_per_month")
    row = chart("drivers-cost", review).rows[0]
    assert strongest["driver"] == "pods"
    assert row["driver"] == "Pods in the mesh"
    assert float(row["highest [USD/month]"].replace(",", "")) == pytest.approx(strongest["figure_at_high"], rel=0.05)


def test_at_a_break_even_two_data_planes_cost_the_same(review: Review) -> None:
    """On the line, below which one is cheaper and above which the other, the estimates of both agree."""
    from meshlab.models.overhead import estimate
    from meshlab.scenario import frame_of

    drawn = chart("break-even", review)
    assert "Istio ambient and Cilium" in drawn.title
    line = next(trace for trace in drawn.spec["data"] if "fill" not in trace)
    middle = len(line["x"]) // 2
    values = {**review.known, "pods": round(line["x"][middle]), "requests_per_second": line["y"][middle]}
    costs = estimate(frame_of([{"scenario": "at", **values}])).collect()
    both = {row["dataplane"]: row["cost_usd_per_month"] for row in costs.iter_rows(named=True)}
    assert both["istio-ambient"] == pytest.approx(both["cilium"], rel=0.02)


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("memroy", {}, "did you mean 'memory'"),
        ("memory", {"theme": "drak"}, "did you mean 'dark'"),
        ("memory", {"height": 200}, "does not fit"),
    ],
)
def test_a_mistake_is_told(name: str, size: dict, told: str, review: Review) -> None:
    """An unknown chart or theme names the nearest; a height that is too small names the least one."""
    with pytest.raises(MeshlabError, match=told):
        chart(name, review, Look(**size))


def test_a_chart_of_a_team_needs_a_team() -> None:
    """Without a review, a chart of a team says what to name."""
    with pytest.raises(MeshlabError, match=r"team file, a dump or a review\.json"):
        chart("memory")


def test_same_inputs_give_the_same_drawing(review: Review) -> None:
    """Two drawings of one review have one hash; another theme, width or team has another."""
    drawn = chart("cost", review)
    assert drawn.drawing_sha256 == chart("cost", opened("fleet-500-aks")).drawing_sha256
    others = [chart("cost", review, Look("dark")), chart("cost", review, Look(width=640)), chart("cpu", review)]
    assert len({drawn.drawing_sha256, *(other.drawing_sha256 for other in others)}) == 4
