"""Charts of what lies around a scenario: their marks, words and tables against the frames behind them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshlab.errors import MeshlabError
from meshlab.models import sensitivity
from meshlab.models.curves import curve, path
from meshlab.models.overhead import dataplanes, mesh_dataplanes
from meshlab.scenario import inputs, with_defaults
from meshlab.show.charts import Look, chart, stated
from meshlab.show.charts.canvas import known_frame
from meshlab.show.theme import THEMES, figure_text
from meshlab.show.widgets.explorer import assumed

VALUES: dict[str, Any] = {"nodes": 12, "services": 120, "pods": 480, "needs": ["mtls"], "call_depth": 3}

OWN = stated(VALUES)

OPTIONS: dict[str, dict[str, Any]] = {
    "curve-cost": {"over": "pods", "figure": "cost_usd_per_month"},
    "path": {},
    "break-even": {"pair": ("istio-ambient", "cilium"), "over": ("pods", "requests_per_second")},
    "drivers-cost": {"dataplane": "istio-ambient", "figure": "cost_usd_per_month"},
}
"""What is chosen of each chart."""


def points(spec: dict[str, Any]) -> list[tuple[float, float]]:
    """Where the scenario's own points stand."""
    return [(trace["x"][0], trace["y"][0]) for trace in spec["data"] if trace.get("mode") == "markers"]


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("theme", THEMES)
def test_every_drawing_is_plain_data_with_words_and_rows(name: str, theme: str) -> None:
    """Each drawing is JSON on its theme's paper, fills what surrounds it, and says its figures in words and a table."""
    drawn = chart(name, OWN, Look(theme, min_width=500), **OPTIONS[name])
    layout = json.loads(json.dumps(drawn.spec))["layout"]
    assert layout["template"]["layout"]["paper_bgcolor"] == THEMES[theme].paper
    assert layout["autosize"] is True
    assert "width" not in layout
    assert drawn.alt_text.startswith(layout["title"]["text"].replace("<br>", " "))
    assert drawn.rows
    assert len({tuple(row) for row in drawn.rows}) == 1


def test_a_curve_has_its_own_point_for_every_data_plane() -> None:
    """The symbols stand at the scenario's own value and its median, and the words say the same figures."""
    drawn = chart("curve-cost", OWN, **OPTIONS["curve-cost"])
    own = curve(known_frame(OWN), "pods", "cost_usd_per_month").filter("here")
    medians = dict(own.select("dataplane", "median").iter_rows())
    assert points(drawn.spec) == [(480.0, pytest.approx(medians[name], rel=1e-3)) for name in mesh_dataplanes()]
    for name in mesh_dataplanes():
        assert f"{dataplanes()[name].label} at 480: {figure_text(medians[name])} USD/month" in drawn.alt_text


def test_the_parts_of_a_curve_outside_the_evidence_are_dotted() -> None:
    """The full line holds exactly the points that lie in the range of the evidence."""
    drawn = chart("curve-cost", OWN, **OPTIONS["curve-cost"])
    frame = curve(known_frame(OWN), "pods", "cost_usd_per_month").sort("dataplane", "x")
    full = [trace for trace in drawn.spec["data"] if trace.get("line", {}).get("width") == 2.5]
    assert len(full) == len(mesh_dataplanes())
    for name, trace in zip(mesh_dataplanes(), full, strict=True):
        inside = frame.filter(dataplane=name)["in_evidence_range"].to_list()
        assert [y is not None for y in trace["y"]] == inside


def test_a_path_shows_the_band_of_the_models() -> None:
    """Each band runs along p99 and back along p50, and the point stands at the scenario's own p90."""
    drawn = chart("path", OWN)
    frame = path(known_frame(OWN))
    bands = [trace for trace in drawn.spec["data"] if trace.get("fill") == "toself"]
    for name, band in zip(mesh_dataplanes(), bands, strict=True):
        part = frame.filter(dataplane=name).sort("x")
        expected = [*part["added_p99_ms"], *part["added_p50_ms"].reverse()]
        assert band["y"] == pytest.approx(expected, rel=1e-3)
    own = frame.filter("here")
    p90 = dict(own.select("dataplane", "added_p90_ms").iter_rows())
    assert points(drawn.spec) == [(3.0, pytest.approx(p90[name], rel=1e-3)) for name in mesh_dataplanes()]


@pytest.mark.parametrize("name", ["curve-cost", "path"])
def test_a_zoom_is_kept_while_the_axes_stay(name: str) -> None:
    """Drawings that can be zoomed say to which axes a zoom belongs: other values keep it, another input gives it up."""
    before = chart(name, OWN, **OPTIONS[name]).spec["layout"]
    assert before["dragmode"] == "zoom"
    other = chart("curve-cost", stated({**VALUES, "pods": 900}), over="pods").spec["layout"]
    turned = chart("curve-cost", OWN, over="services").spec["layout"]
    if name == "curve-cost":
        assert other["uirevision"] == before["uirevision"] != turned["uirevision"]


def test_everything_that_stands_in_is_listed_with_its_reason() -> None:
    """The list of assumptions holds exactly the inputs that were not given and have a default, and says why."""
    fragment = assumed(VALUES)
    names = with_defaults(known_frame(OWN)).collect()["assumed"][0].to_list()
    assert set(names) == {name for name, spec in inputs().items() if spec.default is not None} - VALUES.keys()
    for name in names:
        assert f"{inputs()[name].label}: " in fragment.text
        assert (inputs()[name].default_why or "").split("(")[0].strip()[:20] in fragment.html


def test_without_a_line_the_page_says_which_is_cheaper() -> None:
    """On twelve nodes ambient costs less than a sidecar in each pod, however many pods and requests there are."""
    drawn = chart("break-even", OWN, pair=("istio-sidecar", "istio-ambient"))
    band = sensitivity.break_even_band(
        known_frame(OWN), "istio-sidecar", "istio-ambient", "cost_usd_per_month", "pods", "requests_per_second"
    )
    agree = ", and draws agree." if band.is_empty() else ". Draws of the coefficients do not agree everywhere."
    said = f"No line: at the medians Istio ambient is cheaper over the whole range{agree}"
    assert drawn.alt_text.endswith(said)
    notes = (note["text"].replace("<br>", " ") for note in drawn.spec["layout"]["annotations"])
    assert any(said in note for note in notes)


def test_the_band_says_where_draws_disagree() -> None:
    """Behind the line lies the area that the model gives, cut off a decade beyond the line, and the words name it."""
    drawn = chart("break-even", OWN, pair=("istio-ambient", "cilium"))
    band, line = drawn.spec["data"][:2]
    model = sensitivity.break_even_band(
        known_frame(OWN), "istio-ambient", "cilium", "cost_usd_per_month", "pods", "requests_per_second"
    )
    assert band["fill"] == "toself"
    assert band["x"] == [*model["pods"], *model["pods"].reverse()]
    top, bottom = max(line["y"]) * 10, min(line["y"]) / 10
    own = OWN.scenario["requests_per_second"]
    for lo, hi, upper, lower in zip(model["lo"], model["hi"], band["y"], reversed(band["y"]), strict=False):
        assert upper == pytest.approx(min(hi, max(top, own * 10)))
        assert lower == pytest.approx(max(lo, min(bottom, own / 10)))
    assert "As it stands the draws" in drawn.alt_text


def test_a_chart_takes_the_name_of_its_kind_with_other_options() -> None:
    """A curve of another figure is not called after the one that stands for it in a list, and has its unit."""
    drawn = chart("curve-cost", OWN, figure="memory_gib")
    assert (drawn.name, drawn.unit) == ("curves", "GiB")
    assert (chart("curve-cost", OWN).name, chart("curve-cost", OWN).unit) == ("curve-cost", "USD/month")


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("curve-cost", {"ovr": "pods"}, "did you mean 'over'"),
        ("curve-cost", {"over": "podz"}, "did you mean 'pods'"),
        ("curve-cost", {"figure": "memory"}, "unknown figure"),
        ("drivers-cost", {"dataplane": "linkard"}, "did you mean 'linkerd'"),
        ("path", {"over": "pods"}, "it has none"),
        ("drivers-cost", {}, "name no data plane"),
        ("memory", {}, "shows a whole review"),
    ],
)
def test_an_unknown_option_is_refused(name: str, options: dict[str, str], told: str) -> None:
    """An option or a value that nobody knows is told with the nearest, and what stated values lack is named."""
    with pytest.raises(MeshlabError, match=told):
        chart(name, OWN, **options)
