"""Charts as SVG: marks where their values are, words that fit, and both sides of a theme."""

from __future__ import annotations

import inspect
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlab.reviews.record import Review
from meshlab.show.charts import CATALOGUE, Look, canvas, chart
from meshlab.show.export import axes, svg
from meshlab.show.export.axes import Axis, rounded_up
from meshlab.show.export.images import png_of, svg_of
from meshlab.show.export.svg import draw
from meshlab.show.theme import CHARACTER_WIDTH, template

SVG = "{http://www.w3.org/2000/svg}"
LIVE = re.compile(
    r"hover\w*|name|uirevision|fixedrange|dragmode|autosize|automargin|separatethousands|exponentformat|symmetric"
    r"|showlegend|tickangle|borderpad|align|showarrow|[xy]axis\d*|zmin|zmax|showscale"
)
"""What only a live view reads, what is always the same, and axes, which are found by their names."""


def drawn(traces: list[dict[str, Any]], **layout: Any) -> ET.Element:
    """A drawing of 300 by 200 pixels within margins of 50."""
    margin = {"l": 50, "r": 50, "t": 50, "b": 50}
    around = {"template": template("light"), "title": {"text": "T"}, "height": 200, "margin": margin}
    return ET.fromstring(draw({"data": traces, "layout": {**around, **layout}}, width_px=300, name="m"))  # noqa: S314


def numbers(element: ET.Element, *names: str) -> list[float]:
    """Attributes as numbers."""
    return [float(element.attrib[name]) for name in names]


def test_a_mark_is_where_its_value_is() -> None:
    """On an axis of 0 to 10 over 200 px from 50 px on, 2.5 stands at 100 px; on one of 1 to 100, 10 in the middle."""
    marks = {"type": "scatter", "mode": "markers", "marker": {"color": "#000000", "size": 8}}
    root = drawn([marks | {"x": [2.5], "y": [10]}], xaxis={"range": [0, 10]}, yaxis={"type": "log", "range": [0, 2]})
    circle = next(root.iter(f"{SVG}circle"))
    assert numbers(circle, "cx", "cy", "r") == [100, 100, 4]


def test_bars_are_stacked_and_end_where_their_sum_is() -> None:
    """Two parts of 3 and 1 on an axis of 0 to 4 take 150 and 50 px, one after the other; what is below zero apart."""
    bar = {"type": "bar", "orientation": "h", "y": [0, 1], "width": 0.5, "marker": {"color": "#111111"}}
    traces = [bar | {"x": [3, -2]}, bar | {"x": [1, 1], "marker": {"color": "#222222"}}]
    root = drawn(traces, barmode="stack", xaxis={"range": [0, 4]}, yaxis={"range": [-0.5, 1.5]})
    bars = [rect for rect in root.iter(f"{SVG}rect") if rect.attrib.get("fill") in ("#111111", "#222222")]
    assert [numbers(each, "x", "width") for each in bars] == [[50, 150], [-50, 100], [200, 50], [50, 50]]
    assert numbers(bars[0], "y", "height") == [112.5, 25]


def test_an_axis_without_a_range_holds_the_sum_of_stacked_bars() -> None:
    """Parts of 3 and 1 reach to 4, with a twentieth of the axis free beyond: 4 stands at 190 of 200 px."""
    bar = {"type": "bar", "orientation": "h", "y": [0], "marker": {"color": "#111111"}}
    root = drawn([bar | {"x": [3]}, bar | {"x": [1]}], barmode="stack", xaxis={"rangemode": "tozero"})
    last = [rect for rect in root.iter(f"{SVG}rect") if rect.attrib.get("fill") == "#111111"][-1]
    assert sum(numbers(last, "x", "width")) == pytest.approx(50 + 190, abs=0.6)


def test_an_interval_reaches_from_one_end_to_the_other() -> None:
    """5 with 2 less and 3 more is a line from 3 to 8 on an axis of 0 to 10, with caps of 4 px to each side."""
    error = {"array": [3], "arrayminus": [2], "color": "#333333", "thickness": 1, "width": 4}
    marks = {"type": "scatter", "mode": "markers", "marker": {"color": "#000000"}, "x": [5], "y": [0], "error_x": error}
    root = drawn([marks], xaxis={"range": [0, 10]}, yaxis={"range": [-1, 1]})
    path = next(each.attrib["d"] for each in root.iter(f"{SVG}path") if each.attrib.get("stroke") == "#333333")
    assert path == "M110 100H210M110 96v8M210 96v8"


def test_a_line_is_broken_where_a_value_is_missing() -> None:
    """Of five points, the middle one unknown, two lines are drawn."""
    line = {"type": "scatter", "mode": "lines", "x": [0, 1, 2, 3, 4], "y": [1, 1, None, 1, 1]}
    root = drawn([line | {"line": {"color": "#444444"}}], xaxis={"range": [0, 4]}, yaxis={"range": [0, 2]})
    lines = [each.attrib["d"] for each in root.iter(f"{SVG}path") if each.attrib.get("stroke") == "#444444"]
    assert lines == ["M50 100L100 100", "M200 100L250 100"]


def keys(spec: object) -> Iterator[str]:
    """Names of all that a figure says, its template left out."""
    if isinstance(spec, dict):
        yield from (key for key in spec if key != "template")
        yield from (key for name, value in spec.items() if name != "template" for key in keys(value))
    elif isinstance(spec, list):
        yield from (key for value in spec for key in keys(value))


HOSTILE = "\x00\x1b[31m</text><script>alert(1)</script>]]>\ud800&amp;"


def test_words_of_others_are_text() -> None:
    """Markup and control characters in names, on axes, in hints and annotations, are text of sound XML."""
    marks = {"type": "scatter", "mode": "markers", "marker": {"color": "#000000"}, "x": [1], "y": [1]}
    said = {"text": canvas.escape(HOSTILE), "x": 1, "y": 1}
    ticks = {"tickvals": [1], "ticktext": [canvas.escape(HOSTILE)], "range": [0, 2]}
    root = drawn([marks | {"customdata": [canvas.escape(HOSTILE)]}], annotations=[said], yaxis=ticks)
    assert not list(root.iter(f"{SVG}script"))
    assert sum("alert(1)" in "".join(text.itertext()) for text in root.iter(f"{SVG}text")) == 2
    assert "alert(1)" in str(next(root.iter(f"{SVG}title")).text)


@pytest.mark.parametrize("name", CATALOGUE)
def test_all_of_a_chart_is_drawn(name: str, review: Review, moving: Review) -> None:
    """Nothing that a figure says is unknown to the drawing; each id in it is one element, and each reference leads."""
    made = chart(name, moving if name.startswith("migration") else review, Look(width=600))
    known = set(re.findall(r'"(\w+)"', inspect.getsource(svg) + inspect.getsource(axes)))
    assert {key for key in keys(made.spec) if not LIVE.fullmatch(key)} <= known
    root = ET.fromstring(svg_of(made))  # noqa: S314
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", svg_of(made))) <= set(ids)


def test_ids_of_two_pictures_differ(review: Review) -> None:
    """Two pictures in one page share no id, with hatching and without."""
    ids = [
        set(re.findall(r'\bid="([^"]+)"', svg_of(chart(name, review)))) for name in ("drivers-cost", "memory", "path")
    ]
    assert all(ids)
    assert len(set.union(*ids)) == sum(map(len, ids))


@pytest.mark.parametrize("name", ["memory", "matrix", "curve-cost", "domain", "drivers-memory"])
def test_an_adaptive_chart_is_the_dark_one_on_a_dark_screen(name: str, review: Review) -> None:
    """With each colour replaced by its other one, the drawing is the dark one; a PNG, which cannot turn, is light."""
    auto, dark, light = (chart(name, review, Look(theme, 600)) for theme in ("auto", "dark", "light"))
    text = draw(auto.spec, width_px=600, name="m", adaptive=True)
    turned = re.sub(r"var\(--h[0-9a-f]{6},(#[0-9a-f]{6})\)", lambda hue: auto.dark[hue[1]], text)
    assert turned == draw(dark.spec, width_px=600, name="m")
    assert "prefers-color-scheme: dark" in svg_of(auto)
    assert len(png_of(auto)) == pytest.approx(len(png_of(light)), rel=0.02)


@pytest.mark.parametrize("width", [600, 720])
@pytest.mark.parametrize("name", CATALOGUE)
def test_words_stay_within_the_picture(name: str, width: int, review: Review, moving: Review) -> None:
    """No line of words begins left of the picture or ends right of it, at the width that lines are broken by."""
    made = chart(name, moving if name.startswith("migration") else review, Look(width=width))
    root = ET.fromstring(draw(made.spec, width_px=width, name="m"))  # noqa: S314
    turned = {
        text for group in root.iter(f"{SVG}g") if "transform" in group.attrib for text in group.iter(f"{SVG}text")
    }
    for text in set(root.iter(f"{SVG}text")) - turned:
        for line in [span for span in text if "x" in span.attrib] or [text]:
            sizes = [float(part.attrib["font-size"]) for part in line.iter() if "font-size" in part.attrib]
            size = sizes[-1] if sizes else float(text.attrib["font-size"])
            length = CHARACTER_WIDTH * 0.93 * size * len("".join(line.itertext()))
            share = {"middle": 0.5, "end": 1}.get(text.attrib.get("text-anchor", ""), 0)
            left = float(line.attrib["x"]) - share * length
            assert left >= -2, "".join(text.itertext())
            assert left + length <= width + 2, "".join(text.itertext())


@given(st.floats(1e-6, 1e12))
def test_a_step_is_round_and_no_less(rough: float) -> None:
    """A step is two, five or ten times a power of ten, at least what is asked and at most two and a half times it."""
    step = rounded_up(rough, (2, 5, 10))
    assert rough * (1 - 1e-9) <= step <= 2.5 * rough
    digits = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert any(math.isclose(digits, each) for each in (1, 2, 5))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_stand_apart_and_within_the_axis(low: float, span: float, most: int) -> None:
    """At most one tick more than asked for, evenly, each within the axis and named by its own number."""
    ticks = list(Axis({"nticks": most}, False, (low, low + span), (0, 100)).ticks())
    assert len(ticks) <= most + 2
    assert all(-1e-3 <= place <= 100 + 1e-3 for place, _ in ticks)
    gaps = [after - before for (before, _), (after, _) in pairwise(ticks)]
    assert all(math.isclose(gap, gaps[0], rel_tol=1e-3) for gap in gaps)
