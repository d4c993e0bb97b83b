"""Charts of a fleet: every team in its place on a logarithmic axis, however many there are."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlab.run.batch import fleet
from meshlab.run.batch.fleet import EDGE, NAMED, NAMES_WIDTH, WIDTH, fleet_charts

FIGURES = {"memory_gib": ("Memory", "GiB")}


def row(team: str, low: float, middle: float, high: float, dataplane: str = "cilium") -> dict[str, object]:
    """One row of an index."""
    return {"team": team, "dataplane": dataplane, "memory_gib_lo": low, "memory_gib": middle, "memory_gib_hi": high}


def test_a_decade_is_as_wide_as_another() -> None:
    """From 1 to 100 GiB the axis has 10 in its middle; the largest team stands first."""
    (chart,) = fleet_charts([row("small", 1, 10, 10), row("large", 10, 100, 100)], FIGURES)
    large, small = chart.lines
    assert (large.team, small.team) == ("large", "small")
    assert small.left == NAMES_WIDTH
    assert large.right == WIDTH - 21
    assert small.middle == small.right == large.left == pytest.approx((small.left + large.right) / 2)
    assert [text for _, text in chart.ticks] == ["1", "10", "100"]
    assert chart.words.startswith("Memory by team, 2 of them, from 10 GiB (small) to 100 GiB (large)")


def test_teams_to_which_a_figure_adds_nothing_are_counted_not_drawn() -> None:
    """Zero has no logarithm: two teams without a mesh are told in words, and a chart of one team is none."""
    none = [row("a", 0, 0, 0, "none"), row("b", 0, 0, 0, "none")]
    (chart,) = fleet_charts([*none, row("c", 1, 2, 3), row("d", 1, 2, 3)], FIGURES)
    assert chart.nothing == 2
    assert [line.team for line in chart.lines] == ["c", "d"]
    assert fleet_charts([*none, row("c", 1, 2, 3)], FIGURES) == []


def test_an_interval_that_reaches_below_zero_is_cut_at_the_axis() -> None:
    """An end that no logarithm can show stands at the left edge, not outside of the drawing."""
    (chart,) = fleet_charts([row("a", -5, 3, 9), row("b", 2, 3, 4)], FIGURES)
    assert chart.lines[0].left == NAMES_WIDTH


def test_a_crowd_has_no_names_and_fills_the_same_height() -> None:
    """Beyond forty teams lines get thin instead of the page long."""
    rows = [row(f"t{n:04}", 1, 2 + n, 3 + n) for n in range(1000)]
    (few,), (many,) = fleet_charts(rows[:NAMED], FIGURES), fleet_charts(rows, FIGURES)
    assert (few.named, many.named) == (True, False)
    assert many.height < few.height
    assert many.start == EDGE


@given(
    st.lists(
        st.tuples(st.floats(1e-6, 1e9), st.floats(0, 100), st.floats(0, 100)).map(
            lambda given: (given[0] * (1 - given[1] / 50), given[0], given[0] * (1 + given[2]))
        ),
        min_size=2,
        max_size=60,
    )
)
def test_every_line_stays_within_the_drawing_and_in_order(found: list[tuple[float, float, float]]) -> None:
    """For any figures: left, median and right stand in order inside the drawing, and medians fall from line to line."""
    charts = fleet_charts([row(f"t{n}", *ends) for n, ends in enumerate(found)], FIGURES)
    for chart in charts:
        assert all(chart.start <= line.left <= line.middle <= line.right <= WIDTH for line in chart.lines)
        assert all(above.middle >= below.middle for above, below in zip(chart.lines, chart.lines[1:], strict=False))
        assert all(chart.start <= place <= WIDTH for place, _ in chart.ticks)
        assert len(chart.ticks) <= 8


def test_an_index_escapes_what_teams_are_called() -> None:
    """A name with markup stays text in a chart's links and labels, and each chart is well-formed."""
    rows = [
        {
            **row(name, 1, 2, 3),
            **{f"{figure}{end}": 2.0 for figure in fleet.shown() for end in ("_lo", "", "_hi")},
            "cni": "cilium",
            "mesh": "none",
            "settled": False,
            "evidence_grade": "beta",
            "findings": None,
        }
        for name in ("<b>&\"'", "plain")
    ]
    page = fleet.index_files(rows, [], None, ("html",), "")["index.html"]
    charts = ["<svg" + part.partition("</svg>")[0] + "</svg>" for part in page.split("<svg")[1:]]
    assert len(charts) == 4
    for chart in charts:
        assert {text.text for text in ET.fromstring(chart).iter("text")} >= {"<b>&\"'", "plain"}  # noqa: S314  (our own page)


def test_moves_within_the_interval_of_last_time_are_told_apart() -> None:
    """A figure on the end of its old interval moved little, one past it much, one that reads the same is left out."""
    names = ("memory_gib", "cpu_cores", "added_p99_ms", "cost_usd_per_month")
    then = {"cni": "stay", "mesh": "none", "findings": 1}
    for name, (low, middle, high) in zip(names, ((0.5, 1.1, 2), (1, 2, 4), (2, 3.5, 5), (90, 100, 110)), strict=True):
        then |= {f"{name}_lo": low, name: middle, f"{name}_hi": high}
    now = then | {"memory_gib": 1.32, "cpu_cores": 4.0, "added_p99_ms": 3.501, "cost_usd_per_month": 111.0}
    assert fleet.since(now, then) == {
        "changes": ["Cost: 100 → 111 USD/month (+11 %)"],
        "small_moves": ["Memory: 1.1 → 1.3 GiB (+20 %)", "CPU: 2.0 → 4.0 cores (+100 %)"],
    }
    page = fleet.index_files(
        [{**row("a", 1, 2, 3), **now, "team": "a", "settled": True, "evidence_grade": None}],
        [],
        {"a": then},
        ("html",),
        "",
    )["index.html"]
    assert page.index("<summary>2 within their intervals</summary>") < page.index("CPU: 2.0 → 4.0 cores")
    assert "outside its 10–90 % interval of last time" in page


def test_against_nothing_no_move_is_told() -> None:
    """A team that was not there last time is new, and a figure that was nothing moves by no share."""
    assert fleet.since({}, None) == {"changes": ["new"], "small_moves": []}
    then = {"cni": "stay", "mesh": "none", "findings": None, "cpu_cores_lo": 0, "cpu_cores": 0, "cpu_cores_hi": 9}
    assert fleet.since(then | {"cpu_cores": 3.0}, then)["small_moves"] == ["CPU: 0 → 3.0 cores"]


def test_an_index_says_how_to_read_it() -> None:
    """Beside the figures stand what settled means, the year of the prices and the month of the facts."""
    names = ("memory_gib", "cpu_cores", "added_p99_ms", "cost_usd_per_month")
    figures = {f"{name}{end}": 1.0 for name in names for end in ("_lo", "", "_hi")}
    known = {
        "team": "a",
        "dataplane": "cilium",
        "cni": "cilium",
        "mesh": "none",
        "settled": True,
        "evidence_grade": "documented",
        "findings": None,
    }
    page = fleet.index_files([known | figures], [], None, ("html",), "")["index.html"]
    assert "Settled: no missing fact could change the answer" in page
    assert "list price of 2023 unless a team states its own. Facts were read up to 2026-" in page
    assert ">yes, documented<" in page


def test_teams_near_another_answer_can_be_picked_out() -> None:
    """A team at a limit and one farther away are told apart; one that is near none has no mark."""
    ends = {f"{name}{end}": 1.0 for name in fleet.shown() for end in ("_lo", "", "_hi")}
    known = {**ends, "dataplane": "none", "cni": "stay", "mesh": "none", "settled": True, "evidence_grade": "beta"}
    near = {"at": 0.001, "far": 0.9, "off": 3.0, "none": None}
    rows = [{**known, "team": team, "findings": None, "margin": margin} for team, margin in near.items()]
    page = fleet.index_files(rows, [], None, ("html",), "")["index.html"]
    (options,) = re.findall(r'data-filter="margin">(.*?)</select>', page)
    assert re.findall(r'value="([^"]+)"', options) == ["within 10 % of a limit", "within a factor of two"]
    assert re.findall(r'data-margin="([^"]*)"', page) == ["within 10 % of a limit", "within a factor of two", "", ""]


def test_totals_of_nothing_have_no_interval() -> None:
    """Where no data plane adds anything, the totals are zeros without empty brackets."""
    nothing = {f"{figure}{end}": 0.0 for figure in fleet.shown() for end in ("_lo", "", "_hi")}
    known = {
        "team": "a",
        "dataplane": "none",
        "cni": "stay",
        "mesh": "none",
        "settled": True,
        "evidence_grade": "documented",
        "findings": None,
    }
    page = fleet.index_files([known | nothing], [], None, ("html",), "")["index.html"]
    assert "<b>0 GiB</b>, <b>0 cores</b>, <b>0 USD/month</b>." in page


def test_an_index_calls_what_is_not_known_so() -> None:
    """A team whose plugin is not known stands in the table of verdicts, and in what has changed, in words."""
    ends = {f"{name}{end}": None for name in fleet.shown() for end in ("_lo", "", "_hi")}
    row = {**ends, "team": "a", "cni": None, "mesh": "stay", "dataplane": None, "findings": None, "sentence": ""}
    row |= {"settled": False, "evidence_grade": None}
    page = fleet.index_files([row], [], {"a": {**row, "cni": "calico"}}, ("html",), "")["index.html"]
    assert "None;" not in page
    assert "Not known yet; What runs today" in page
    assert "cni: Calico" in page
    assert "Not known yet" in fleet.since(row, {**row, "cni": "calico"})["changes"][0]


def test_one_mesh_for_all_is_weighed_against_each_teams_cheapest() -> None:
    """By hand: ambient costs a nothing and b 5 more than Linkerd; c may run Linkerd alone, d knows of no option.

    What e may run has no figure: it may run it, and is in no sum.
    """
    totals = {
        "a": {"istio-ambient": 10.0, "linkerd": 12.0},
        "b": {"istio-ambient": 25.0, "linkerd": 20.0},
        "c": {"linkerd": 7.0},
        "d": {},
        "e": {"istio-ambient": None},
    }
    linkerd, ambient = fleet.standards([{"team": team, "totals_usd": each} for team, each in totals.items()])
    assert (linkerd["mesh"], linkerd["teams"], linkerd["of"]) == ("linkerd", 3, 4)
    assert (linkerd["total_usd"], linkerd["extra_usd"]) == (39.0, 2.0)
    assert linkerd["paying"] == [{"team": "a", "extra_usd": 2.0}]
    assert (ambient["teams"], ambient["total_usd"], ambient["extra_usd"]) == (3, 35.0, 5.0)
    assert (linkerd["no_figure"], linkerd["cannot"], ambient["no_figure"]) == ([], ["e"], ["e"])
    assert (ambient["paying"], ambient["cannot"]) == ([{"team": "b", "extra_usd": 5.0}], ["c"])
    assert fleet.standards([{"team": "a", "totals_usd": totals["a"]}, {"team": "d", "totals_usd": {}}]) == []


USD = st.none() | st.floats(0, 1e9)


@given(st.lists(st.dictionaries(st.sampled_from(["none", "linkerd", "istio-ambient"]), USD), max_size=9))
def test_a_standard_never_costs_less_than_each_teams_cheapest(totals: list[dict[str, float | None]]) -> None:
    """Whatever the totals, a standard's teams and those that it is not for are all, and nobody saves by it."""
    for each in fleet.standards([{"team": f"t{n}", "totals_usd": known} for n, known in enumerate(totals)]):
        assert each["extra_usd"] >= 0
        assert each["teams"] + len(each["cannot"]) == each["of"] == sum(map(bool, totals))
        assert all(payer["extra_usd"] > 0 for payer in each["paying"])
