"""Charts of a review whose figures were chosen by hand, so that what is shown can be checked against them."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from records import headline, record

from meshlab.errors import MeshlabError
from meshlab.models.overhead import dataplanes
from meshlab.reviews.record import Review, Verdict
from meshlab.reviews.review import review_values
from meshlab.show.charts import Chart, Look, chart
from meshlab.show.charts.decision import prepare as prepared_matrix
from meshlab.show.charts.intervals import COST, CPU, LATENCY, MEMORY, prepare
from meshlab.show.theme import NARROW_PX, STATES, THEMES, in_dark

FIGURES = ("memory_gib", "cpu_cores", "added_p50_ms", "added_p90_ms", "added_p99_ms", "cost_usd_per_month")
PARTS = ("data_plane_memory_gib", "control_plane_memory_gib", "data_plane_cpu_cores", "control_plane_cpu_cores")

MEDIANS = {
    "istio-sidecar": (48.0, 21.0, 2.4, 4.5, 9.5, 720.0, 46.0, 2.0, 20.0, 1.0),
    "istio-ambient": (3.6, 9.5, 0.9, 1.7, 3.5, 250.0, 2.2, 1.4, 9.0, 0.5),
    "cilium": (5.2, 6.0, 0.5, 0.9, 1.9, 170.0, 5.0, 0.2, 5.9, 0.1),
    "linkerd": (14.0, 10.0, 1.0, 1.8, 3.9, 290.0, 13.5, 0.5, 9.8, 0.2),
}
"""Median of each figure, then of each part; the interval runs from half of it to twice it."""


def estimate_row(dataplane: str, medians: tuple[float | None, ...], *, inside: bool = True) -> dict[str, Any]:
    """A row of estimates whose interval runs from half the median to twice it."""
    row: dict[str, Any] = {"dataplane": dataplane, "in_evidence_range": inside, "nodes_filled": 1.0}
    for figure, median in zip((*FIGURES, *PARTS), medians, strict=True):
        low, high = (None, None) if median is None else (median / 2, median * 2)
        row |= {f"{figure}_lo": low, figure: median, f"{figure}_hi": high}
    return row


RULES = [
    {
        "table": "mesh",
        "id": "to-ambient",
        "priority": 560,
        "condition": "current_mesh = 'istio-sidecar'",
        "recommendation": "istio-ambient",
        "reason": "Sidecars today, and no need that only sidecars meet.",
        "source_id": "article;S-IST-MIGB",
        "state": "matched",
        "missing": [],
    },
    {
        "table": "cni",
        "id": "healthy",
        "priority": 270,
        "condition": "cni_healthy",
        "recommendation": "stay",
        "reason": "Nothing is asked for that only another plugin could give.",
        "source_id": "S-CIL-MIG",
        "state": "matched",
        "missing": None,
    },
    {
        "table": "cni",
        "id": "greenfield",
        "priority": 220,
        "condition": "greenfield AND nodes < 5",
        "recommendation": "cilium",
        "reason": "A new cluster.",
        "source_id": "article",
        "state": "unknown",
        "missing": ["greenfield", "kernel_oldest"],
    },
    {
        "table": "cni",
        "id": "unchanged",
        "priority": 900,
        "condition": "true",
        "recommendation": "stay",
        "reason": None,
        "source_id": None,
        "state": "not matched",
        "missing": [],
    },
]


@pytest.fixture
def review() -> Review:
    """A team with sidecars today, for which ambient mode is recommended; Cilium is out of the evidence's range."""
    return record(
        team="payments",
        scenario={"nodes": 12, "services": 120, "pods": 640, "requests_per_second": 42000.0},
        headline=headline("istio-ambient", "istio-sidecar"),
        # not in the charts' order, which must not depend on that of the estimates
        estimates=[
            *(estimate_row(name, medians, inside=name != "cilium") for name, medians in reversed(MEDIANS.items())),
            estimate_row("none", (0.0,) * 10),
        ],
        sources=[
            {
                "source_id": "S01",
                "supports": [],
                "figures": {
                    name: dict.fromkeys(("memory_gib", "cpu_cores", "added_p50_ms", "cost_usd_per_month"), "median")
                    for name in ("istio-sidecar", "istio-ambient")
                },
            },
            {
                "source_id": "S20",
                "supports": [],
                "figures": {"cilium": {"memory_gib": "median", "cost_usd_per_month": "median"}},
            },
            {"source_id": "article", "supports": ["cni row greenfield"], "figures": {}},
            {"source_id": "opencost-default", "supports": ["default prices"], "figures": {}},
        ],
        verdict=Verdict(cni="stay", mesh="istio-ambient", matched=["healthy", "to-ambient"], rows=copy.deepcopy(RULES)),
    )


INTERVAL_CHARTS = {"memory": "GiB", "cpu": "cores", "latency": "ms", "cost": "USD/month"}

CHARTS = (*INTERVAL_CHARTS, "matrix")
"""Charts that a review alone is drawn as."""


def prepared(name: str, review: Review) -> pl.DataFrame:
    """The frame that a chart shows."""
    if name == "matrix":
        return prepared_matrix(review)
    shown = next(each for each in (MEMORY, CPU, LATENCY, COST) if each.name == name)
    return prepare(shown, review)


def in_look(name: str, review: Review, theme: str = "light", width: int | None = None) -> Chart:
    """A chart in a theme and width."""
    return chart(name, review, Look(theme, width))


def without_markup(text: str) -> str:
    """Text as it is seen."""
    return re.sub(r"<[^>]*>", "", text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# --- prepared frames ----------------------------------------------------------------------------------------------


def test_memory_shows_the_estimates_of_each_data_plane(review: Review) -> None:
    """Totals, intervals and parts of the memory chart are those of the estimates, in the order of all charts."""
    frame = prepared("memory", review)
    assert frame["dataplane"].to_list() == ["none", "istio-sidecar", "istio-ambient", "cilium", "linkerd"]
    assert frame["median"].to_list() == [0.0, 48.0, 3.6, 5.2, 14.0]
    assert frame["lo"].to_list() == [0.0, 24.0, 1.8, 2.6, 7.0]
    assert frame["hi"].to_list() == [0.0, 96.0, 7.2, 10.4, 28.0]
    assert frame["data_plane"].to_list() == [0.0, 46.0, 2.2, 5.0, 13.5]
    assert frame["control_plane"].to_list() == [0.0, 2.0, 1.4, 0.2, 0.5]


def test_cost_shows_dollars_a_month(review: Review) -> None:
    """The cost chart shows the estimates' cost."""
    assert prepared("cost", review)["median"].to_list() == [0.0, 720.0, 250.0, 170.0, 290.0]


def test_latency_shows_three_percentiles_of_each_data_plane(review: Review) -> None:
    """The latency chart has a row for p50, p90 and p99 of each data plane, in that order."""
    frame = prepared("latency", review)
    assert frame["percentile"].to_list() == ["p50", "p90", "p99"] * 5
    assert frame["median"].to_list()[3:6] == [2.4, 4.5, 9.5]
    assert frame["dataplane"].to_list()[3:6] == ["istio-sidecar"] * 3


def test_rows_say_what_is_recommended_what_runs_and_what_is_extrapolated(review: Review) -> None:
    """Each mark stands at its own data plane and at no other."""
    marks = prepared("cpu", review)
    assert marks.filter("recommended")["dataplane"].to_list() == ["istio-ambient"]
    assert marks.filter("today")["dataplane"].to_list() == ["istio-sidecar"]
    assert marks.filter("extrapolated")["dataplane"].to_list() == ["cilium"]


def test_the_matrix_lists_rows_by_table_and_priority(review: Review) -> None:
    """The matrix shows the CNI's rows before the mesh's, each table in the order in which it decides."""
    frame = prepared("matrix", review)
    assert frame["id"].to_list() == ["greenfield", "healthy", "unchanged", "to-ambient"]
    assert frame["state"].to_list() == ["unknown", "matched", "not matched", "matched"]
    assert frame["missing"].to_list() == ["greenfield, kernel_oldest", "", "", ""]
    assert frame["decides"].to_list() == [False, True, False, True]


def test_of_two_matched_rows_the_one_named_first_decides(review: Review) -> None:
    """A matched row with a better priority does not decide where the verdict names another one first."""
    review.verdict.rows[2] = {**RULES[2], "state": "matched", "missing": []}
    review.verdict.matched[:] = ["healthy", "greenfield", "to-ambient"]
    assert prepared("matrix", review).filter("decides")["id"].to_list() == ["healthy", "to-ambient"]


# --- figures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "unit"), INTERVAL_CHARTS.items())
def test_value_axes_begin_at_zero_and_name_their_unit(review: Review, name: str, unit: str) -> None:
    """The value axis names what it shows and the unit, and includes zero."""
    axis = chart(name, review).figure().layout.xaxis
    assert axis.title.text.endswith(f"[{unit}]")
    assert len(axis.title.text) > len(unit) + 10
    assert axis.rangemode == "tozero"


@pytest.mark.parametrize("name", INTERVAL_CHARTS)
def test_data_planes_are_named_in_words(review: Review, name: str) -> None:
    """Every data plane's row carries its name in words, with what is to be known of it."""
    labels = [without_markup(text.replace("<br>", " ")) for text in chart(name, review).figure().layout.yaxis.ticktext]
    assert labels == [
        "No mesh",
        "Istio sidecar ● runs today",
        "Istio ambient ★ recommended",
        "Cilium †",
        "Linkerd",
    ]


def test_a_data_plane_may_carry_all_marks(review: Review) -> None:
    """What runs today may be recommended and extrapolated at once; nothing is lost."""
    label = chart("cost", replace(review, headline=headline("cilium", "cilium"))).figure().layout.yaxis.ticktext[3]
    assert all(word in label for word in ("recommended", "runs today", "†"))


def test_figures_stand_beside_their_rows(review: Review) -> None:
    """The median with its unit and the interval are written beside each row."""
    beside = [
        without_markup(text.replace("<br>", " ")) for text in chart("cost", review).figure().layout.yaxis2.ticktext
    ]
    assert beside == [
        "0 USD",
        "720 USD 360 – 1,440",
        "250 USD 125 – 500",
        "170 USD 85 – 340",
        "290 USD 145 – 580",
    ]


def test_whiskers_span_the_interval(review: Review) -> None:
    """The line across a bar's end reaches from the 10 % to the 90 % quantile."""
    whiskers = chart("memory", review).figure().data[-1]
    assert whiskers.x[1] - whiskers.error_x.arrayminus[1] == 24.0
    assert whiskers.x[1] + whiskers.error_x.array[1] == 96.0


def test_parts_of_a_bar_differ_without_colour(review: Review) -> None:
    """Data plane and control plane differ by hatching, so that a grey print tells them apart."""
    data_plane, control_plane = chart("memory", review).figure().data[:2]
    assert data_plane.marker.pattern.shape != control_plane.marker.pattern.shape
    assert chart("memory", review).figure().layout.barmode == "stack"


def test_percentiles_differ_without_colour(review: Review) -> None:
    """Each percentile has a symbol of its own."""
    symbols = chart("latency", review).figure().data[-1].marker.symbol
    assert len(set(symbols[:3])) == 3


def test_states_differ_without_colour() -> None:
    """Each state of a row has a symbol and a word of its own."""
    assert len({state.symbol for state in STATES.values()}) == len(STATES)
    assert len({state.word for state in STATES.values()}) == len(STATES)


@pytest.mark.parametrize(
    ("name", "present", "absent"),
    [
        ("memory", {"S01", "S20"}, {"opencost-default", "article"}),
        ("cost", {"S01", "S20", "opencost-default"}, {"article"}),
        ("matrix", {"article", "S-IST-MIGB", "S-CIL-MIG"}, {"S01", "opencost-default"}),
    ],
)
def test_a_source_note_names_the_chart_s_own_sources(
    review: Review, name: str, present: set[str], absent: set[str]
) -> None:
    """The note under a chart names the sources of what it shows, and none of the others."""
    note = chart(name, review).figure().layout.annotations[-1].text
    words = set(re.findall(r"[\w-]+", note))
    assert present <= words
    assert not absent & words


def test_a_caveat_stands_under_extrapolated_figures_only(review: Review) -> None:
    """The caveat is there where a data plane is out of the evidence's range, and not otherwise."""
    assert "extrapolated" in chart("memory", review).figure().layout.annotations[-1].text
    for row in review.estimates:
        row["in_evidence_range"] = True
    assert "extrapolated" not in chart("memory", review).figure().layout.annotations[-1].text


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("theme", THEMES)
def test_every_chart_has_every_theme(review: Review, name: str, theme: str) -> None:
    """Each chart can be drawn in each theme, on that theme's paper."""
    figure = in_look(name, review, theme).figure()
    assert figure.layout.template.layout.paper_bgcolor == THEMES[theme].paper
    assert figure.layout.title.text


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("width", [None, 600, 1280])
def test_no_line_of_text_is_wider_than_the_figure(review: Review, name: str, width: int | None) -> None:
    """At an average of 5.8 pixels a character no line above or below the plot leaves the figure."""
    long_name = "a-team-with-a-name-that-is-as-long-as-a-folder-s-name-may-ever-be"
    figure = in_look(name, replace(review, team=long_name), width=width).figure()
    assert figure.layout.width == width
    for text in (figure.layout.title.text, *(item.text for item in figure.layout.annotations)):
        assert all(len(without_markup(line)) * 5.8 <= (width or NARROW_PX) for line in text.split("<br>"))


@pytest.mark.parametrize("name", CHARTS)
def test_the_same_review_gives_the_same_bytes(review: Review, name: str) -> None:
    """Two drawings of one review are equal byte for byte, and drawing changes no review."""
    before = copy.deepcopy(review)
    assert chart(name, review).figure().to_json() == chart(name, copy.deepcopy(review)).figure().to_json()
    assert review == before


@pytest.mark.parametrize("name", CHARTS)
def test_the_plain_drawing_is_the_figure(review: Review, name: str) -> None:
    """What a report embeds without plotly's objects is what those objects would give."""
    assert json.loads(chart(name, review).figure().to_json()) == json.loads(json.dumps(chart(name, review).spec))


def test_conditions_are_text_and_never_markup(review: Review) -> None:
    """A condition with a `<`, or a hostile name in it, is shown as it is written."""
    review.verdict.rows[2] = {**RULES[2], "condition": "nodes < 5 AND <b>x</b>"}
    text = "".join(item.text for item in chart("matrix", review).figure().layout.annotations)
    assert "nodes &lt; 5 AND &lt;b&gt;x&lt;/b&gt;" in text


# --- unknown and degenerate figures --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHARTS)
def test_unknown_figures_are_said_to_be_unknown(review: Review, name: str) -> None:
    """A figure that is null is drawn as nothing and written as unknown."""
    review.estimates[0] = estimate_row("linkerd", (None,) * 10)
    figure = chart(name, review).figure()
    if name in INTERVAL_CHARTS:
        assert figure.data[-1].x[-1] is None
        assert "unknown" in figure.layout.yaxis2.ticktext[-1]
        assert chart(name, review).rows[-1][f"median [{INTERVAL_CHARTS[name]}]"] == "unknown"
        assert "unknown" in chart(name, review).alt_text


@pytest.mark.parametrize("name", INTERVAL_CHARTS)
def test_an_interval_of_no_width_is_not_written(review: Review, name: str) -> None:
    """No mesh adds nothing for certain: its row has a figure and no interval."""
    assert chart(name, review).rows[0][f"10–90 % [{INTERVAL_CHARTS[name]}]"] == ""


@pytest.mark.parametrize("name", CHARTS)
def test_a_review_of_nothing_still_draws(review: Review, name: str) -> None:
    """Without estimates, rows, sources and known inputs every chart is an empty one, not an error."""
    empty = record(scenario=dict.fromkeys(review.scenario))
    assert chart(name, empty).figure().layout.title.text
    assert chart(name, empty).rows == []
    assert chart(name, empty).alt_text.startswith(chart(name, empty).title)


FIGURE = st.one_of(st.none(), st.floats(min_value=0, max_value=1e12, allow_nan=False))


@settings(max_examples=25, deadline=None)
@given(medians=st.tuples(*[FIGURE] * 10), inside=st.sampled_from([True, False, None]))
def test_any_figures_can_be_drawn(medians: tuple[float | None, ...], inside: bool | None) -> None:
    """Whatever the estimates hold, every chart by data plane is valid plotly and writes no power of ten."""
    estimates = [{**estimate_row("linkerd", medians), "in_evidence_range": inside}]
    review = record(headline=headline("linkerd"), estimates=estimates)
    for name in INTERVAL_CHARTS:
        beside = chart(name, review).figure().layout.yaxis2.ticktext
        assert not any(re.search(r"\de[+-]?\d", without_markup(text)) for text in beside)


# --- the same without a picture ------------------------------------------------------------------------------------


def test_tables_carry_units_in_their_headings(review: Review) -> None:
    """A row of the table says all that the chart's row says, with the unit in the heading."""
    assert chart("memory", review).rows[2] == {
        "data plane": "Istio ambient",
        "median [GiB]": "3.6",
        "10–90 % [GiB]": "1.8 – 7.2",
        "data plane [GiB]": "2.2",
        "control plane [GiB]": "1.4",
        "note": "recommended",
    }


def test_alternative_text_gives_figures_in_words(review: Review) -> None:
    """The alternative text names each data plane with its median, unit, interval and marks, and the caveat."""
    text = chart("memory", review).alt_text
    assert "Istio ambient (recommended): 3.6 GiB, 10 to 90 %: 1.8 to 7.2." in text
    assert "Cilium (extrapolated): 5.2 GiB" in text
    assert "trust it less" in text


def test_alternative_text_of_the_matrix_names_missing_facts(review: Review) -> None:
    """The alternative text of the matrix says why a row is unknown and which row decides."""
    text = chart("matrix", review).alt_text
    assert "row greenfield for Cilium: unknown, for want of greenfield, kernel_oldest." in text
    assert "row healthy for What runs today: matched and decides." in text
    assert "Network plugin (CNI): 1 of 3 rows do not match." in text


@pytest.mark.parametrize(
    ("kind", "options"), [("chart", {"name": "memroy"}), ("theme", {"name": "cpu", "theme": "drk"})]
)
def test_an_unknown_name_is_refused_with_the_nearest_one(review: Review, kind: str, options: dict[str, str]) -> None:
    """A misspelt chart or theme is an error that names the nearest known one."""
    with pytest.raises(MeshlabError, match=f"unknown {kind} .*did you mean '(memory|dark)'"):
        in_look(review=review, **options)


# --- the theme ----------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Relative luminance of a colour, as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str, ground: str) -> float:
    """Contrast ratio of two colours, as WCAG 2 defines it."""
    high, low = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_stands_out_from_its_ground(theme: str) -> None:
    """Ink, notes and states have at least the contrast of 4.5 that WCAG asks for text, on paper and on the band."""
    colours = THEMES[theme]
    for ground in (colours.paper, colours.band):
        for ink in (colours.ink, colours.muted, *(state.hues[theme] for state in STATES.values())):
            assert contrast(ink, ground) >= 4.5, (ink, ground)


@pytest.mark.parametrize("theme", THEMES)
def test_marks_stand_out_from_their_ground(theme: str) -> None:
    """Each data plane's colour has at least the contrast of 3 that WCAG asks of graphics."""
    for plane in dataplanes().values():
        assert contrast(plane.hues[theme], THEMES[theme].paper) >= 3, plane.label


@pytest.mark.parametrize("name", CHARTS)
def test_a_light_figure_becomes_the_dark_one_colour_by_colour(name: str) -> None:
    """With each colour exchanged for its counterpart, a report's light figure is the one drawn for a dark page."""
    made = review_values({"pods": 100, "needs": ["mtls"], "current_cni": "calico"})
    light, dark = (json.dumps(in_look(name, made, theme).spec) for theme in ("light", "dark"))
    assert light != dark
    assert re.sub("#[0-9a-f]{6}", lambda found: in_dark()[found[0]], light) == dark
