"""Drawings of what lies around a scenario: their marks, words and tables against the frames behind them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshlab.models.curves import curve, path
from meshlab.models.overhead import adding, dataplanes
from meshlab.scenario import inputs, with_defaults
from meshlab.show.theme import THEMES, figure_text
from meshlab.show.views import explorations
from meshlab.show.views.explorations import Look, around

VALUES: dict[str, Any] = {"nodes": 12, "services": 120, "pods": 480, "needs": ["mtls"], "call_depth": 3}

DRAWINGS = {
    "curve": lambda look: explorations.curve_drawing(VALUES, "pods", "cost_usd_per_month", look),
    "path": lambda look: explorations.path_drawing(VALUES, look),
    "break-even": lambda look: explorations.break_even_drawing(
        VALUES, ("istio-ambient", "cilium"), ("pods", "requests_per_second"), look
    ),
    "drivers": lambda look: explorations.drivers_drawing(VALUES, "istio-ambient", "cost_usd_per_month", look),
}


def points(spec: dict[str, Any]) -> list[tuple[float, float]]:
    """Where the scenario's own points stand."""
    return [(trace["x"][0], trace["y"][0]) for trace in spec["data"] if trace.get("mode") == "markers"]


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("theme", THEMES)
def test_every_drawing_is_plain_data_with_words_and_rows(name: str, theme: str) -> None:
    """Each drawing is JSON on its theme's paper, fills what surrounds it, and says its figures in words and a table."""
    drawn = DRAWINGS[name](Look(theme, 500))
    layout = json.loads(json.dumps(drawn.spec))["layout"]
    assert layout["template"]["layout"]["paper_bgcolor"] == THEMES[theme].paper
    assert layout["autosize"] is True
    assert "width" not in layout
    assert drawn.words.startswith(layout["title"]["text"].replace("<br>", " "))
    assert drawn.rows
    assert len({tuple(row) for row in drawn.rows}) == 1


def test_a_curve_has_its_own_point_for_every_data_plane() -> None:
    """The symbols stand at the scenario's own value and its median, and the words say the same figures."""
    drawn = DRAWINGS["curve"](Look())
    own = curve(around(VALUES).frame, "pods", "cost_usd_per_month").filter("here")
    medians = dict(own.select("dataplane", "median").iter_rows())
    assert points(drawn.spec) == [(480.0, pytest.approx(medians[name], rel=1e-3)) for name in adding()]
    for name in adding():
        assert f"{dataplanes()[name].label} at 480: {figure_text(medians[name])} USD/month" in drawn.words


def test_the_parts_of_a_curve_outside_the_evidence_are_dotted() -> None:
    """The full line holds exactly the points that lie in the range of the evidence."""
    drawn = DRAWINGS["curve"](Look())
    frame = curve(around(VALUES).frame, "pods", "cost_usd_per_month").sort("dataplane", "x")
    full = [trace for trace in drawn.spec["data"] if trace.get("line", {}).get("width") == 2.5]
    assert len(full) == len(adding())
    for name, trace in zip(adding(), full, strict=True):
        inside = frame.filter(dataplane=name)["in_evidence_range"].to_list()
        assert [y is not None for y in trace["y"]] == inside


def test_a_path_shows_the_band_of_the_models() -> None:
    """Each band runs along p99 and back along p50, and the point stands at the scenario's own p90."""
    drawn = DRAWINGS["path"](Look())
    frame = path(around(VALUES).frame)
    bands = [trace for trace in drawn.spec["data"] if trace.get("fill") == "toself"]
    for name, band in zip(adding(), bands, strict=True):
        part = frame.filter(dataplane=name).sort("x")
        expected = [*part["added_p99_ms"], *part["added_p50_ms"].reverse()]
        assert band["y"] == pytest.approx(expected, rel=1e-3)
    own = frame.filter("here")
    p90 = dict(own.select("dataplane", "added_p90_ms").iter_rows())
    assert points(drawn.spec) == [(3.0, pytest.approx(p90[name], rel=1e-3)) for name in adding()]


@pytest.mark.parametrize("name", ["curve", "path"])
def test_a_zoom_is_kept_while_the_axes_stay(name: str) -> None:
    """Drawings that can be zoomed say to which axes a zoom belongs: other values keep it, another input gives it up."""
    before = DRAWINGS[name](Look()).spec["layout"]
    assert before["dragmode"] == "zoom"
    other = explorations.curve_drawing({**VALUES, "pods": 900}, "pods", "cost_usd_per_month").spec["layout"]
    turned = explorations.curve_drawing(VALUES, "services", "cost_usd_per_month").spec["layout"]
    if name == "curve":
        assert other["uirevision"] == before["uirevision"] != turned["uirevision"]


def test_everything_that_stands_in_is_listed_with_its_reason() -> None:
    """The list of assumptions holds exactly the inputs that were not given and have a default, and says why."""
    fragment = explorations.assumed(VALUES)
    names = with_defaults(around(VALUES).frame).collect()["assumed"][0].to_list()
    assert set(names) == {name for name, spec in inputs().items() if spec.default is not None} - VALUES.keys()
    for name in names:
        assert f"{inputs()[name].label}: " in fragment.text
        assert (inputs()[name].default_why or "").split("(")[0].strip()[:20] in fragment.html


def test_without_a_line_the_page_says_which_is_cheaper() -> None:
    """On twelve nodes ambient costs less than a sidecar in each pod, however many pods and requests there are."""
    drawn = explorations.break_even_drawing(VALUES, ("istio-sidecar", "istio-ambient"), ("pods", "requests_per_second"))
    said = "No line: Istio ambient is cheaper over the whole range."
    assert drawn.words.endswith(said)
    assert any(said in note["text"] for note in drawn.spec["layout"]["annotations"])
