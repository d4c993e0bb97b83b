"""Panels driven in Python, as a browser would drive them: every slider, list and box by its value."""

from __future__ import annotations

import asyncio
import copy
import itertools
import threading
from typing import Any

import ipywidgets
import pytest

from meshlab.errors import MeshlabError, Problem
from meshlab.reviews.review import review_values
from meshlab.scenario import check_scenarios, frame_of, inputs, with_defaults
from meshlab.show import widgets
from meshlab.show.charts import chart
from meshlab.show.widgets.controls import Choice, Members, Slider, TextField, help_text, ladder, plain_text
from meshlab.show.widgets.live import Debounced

NUMBERS = [spec for spec in inputs().values() if spec.type in ("integer", "number")]
CHOICES = [spec for spec in inputs().values() if spec.type in ("choice", "boolean")]


@pytest.fixture
def panel() -> widgets.Panel:
    """A panel that begins with a few values."""
    return widgets.panel({"services": 120, "pods": 640, "mtls": True})


# --- generated from the declared inputs ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", inputs())
def test_every_declared_input_has_a_control(panel: widgets.Panel, name: str) -> None:
    """Each input has a control with its label and a tooltip that says what it means and what may be given."""
    control = panel.controls[name]
    label = control.children[0]
    spec = inputs()[name]
    assert label.value.startswith(spec.label)
    assert spec.description in label.tooltip
    assert spec.allowed[1:] in label.tooltip


def test_every_control_stands_in_one_tab(panel: widgets.Panel) -> None:
    """Each control stands in exactly one tab, under the group that its input declares."""
    (tabs,) = [child for child in panel.children if isinstance(child, ipywidgets.Tab)]
    placed = [control.spec.name for tab in tabs.children for control in tab.children]
    assert sorted(placed) == sorted(inputs())
    assert list(tabs.titles) == ["Cluster", "Traffic", "Needs", "Prices", "Facts", "Budgets"]


@pytest.mark.parametrize("spec", NUMBERS, ids=lambda spec: spec.name)
def test_a_slider_reaches_both_bounds_and_climbs(spec: Any) -> None:
    """The ladder of a slider runs from the lower to the upper bound, each rung above the one before."""
    rungs = ladder(spec)
    assert (rungs[0], rungs[-1]) == (spec.lower, spec.upper)
    assert all(below < above for below, above in itertools.pairwise(rungs))
    assert 40 <= len(rungs) <= 250


@pytest.mark.parametrize("spec", [spec for spec in NUMBERS if spec.scale == "log"], ids=lambda spec: spec.name)
def test_steps_of_a_log_slider_are_even_to_the_eye(spec: Any) -> None:
    """From ten units on, one step of a log slider changes the value by a fifth at most."""
    rungs = [rung for rung in ladder(spec) if rung >= 10 or (spec.type == "number" and rung > 0)]
    assert all(above / below < 1.21 for below, above in itertools.pairwise(rungs))


@pytest.mark.parametrize("spec", NUMBERS, ids=lambda spec: spec.name)
def test_every_place_of_a_slider_is_an_allowed_value(panel: widgets.Panel, spec: Any) -> None:
    """Wherever a slider stops, the scenario holds a value that a file might hold too."""
    slider = panel.controls[spec.name].slider
    for place in (1, slider.max // 2, slider.max):
        slider.value = place
        row = frame_of([{"scenario": "x", **panel.scenario}])
        assert check_scenarios(row, "x", lambda _row, _column: None)[spec.name][0] == ladder(spec)[place]


@pytest.mark.parametrize("spec", CHOICES, ids=lambda spec: spec.name)
def test_a_list_offers_what_is_allowed(panel: widgets.Panel, spec: Any) -> None:
    """A list offers every allowed value, after an entry that stands for none given."""
    offered = [value for _, value in panel.controls[spec.name].choice.options]
    assert offered == ["", *([True, False] if spec.type == "boolean" else spec.choices)]


# --- values, defaults and unknowns --------------------------------------------------------------------------------


def test_a_panel_begins_with_what_is_given(panel: widgets.Panel) -> None:
    """The scenario holds what was given and nothing else: defaults stay assumptions."""
    assert panel.scenario == {"services": 120, "pods": 640, "mtls": True}
    assert panel.controls["pods"].text.value == "640"


def test_defaults_are_shown_and_follow_what_they_are_computed_from(panel: widgets.Panel) -> None:
    """An input that is not given shows its default, which moves with the inputs that it is computed from."""
    namespaces, pods = panel.controls["namespaces"], panel.controls["pods"]
    assert namespaces.text.placeholder == "12 (default)"
    panel.controls["services"].text.value = "300"
    pods.text.value = ""
    assert namespaces.text.placeholder == "30 (default)"
    assert pods.text.placeholder == "1200 (default)"
    assert ladder(inputs()["pods"])[pods.slider.value] == 1200
    assert panel.scenario == {"services": 300, "mtls": True}


def test_shown_defaults_are_those_of_the_models(panel: widgets.Panel) -> None:
    """What a panel shows as defaults is what the models fill in."""
    panel.set({})
    filled = with_defaults(frame_of([{"scenario": "x"}])).collect().row(0, named=True)
    for name, control in panel.controls.items():
        if isinstance(control, TextField) and inputs()[name].default:
            assert control.text.placeholder == f"{plain_text(filled[name])} (default)"


def test_an_input_without_a_default_is_unknown(panel: widgets.Panel) -> None:
    """A fact that nobody stated is shown as unknown, and the scenario does not hold it."""
    assert panel.controls["kernel_oldest"].text.placeholder == "unknown"
    assert panel.controls["cloud"].choice.options[0][0] == "not known"
    assert "kernel_oldest" not in panel.scenario


def test_a_choice_can_be_taken_back(panel: widgets.Panel) -> None:
    """A list goes from its default to a value and back, and names the default also while another value is chosen."""
    control = panel.controls["mtls"]
    control.choice.value = False
    assert panel.scenario["mtls"] is False
    assert control.choice.options[0][0] == "yes (default)"
    control.choice.value = ""
    assert "mtls" not in panel.scenario


def test_no_needs_differ_from_unknown_needs(panel: widgets.Panel) -> None:
    """Ticking boxes gives needs, *None of these* gives an empty list, and no box at all leaves them unknown."""
    needs = panel.controls["needs"]
    assert "needs" not in panel.scenario
    needs.boxes["mtls"].value = True
    needs.boxes["retries"].value = True
    assert panel.scenario["needs"] == ["mtls", "retries"]
    needs.none.value = True
    assert panel.scenario["needs"] == []
    assert not needs.boxes["mtls"].value
    needs.boxes["retries"].value = True
    assert panel.scenario["needs"] == ["retries"]
    assert not needs.none.value
    needs.boxes["retries"].value = False
    assert "needs" not in panel.scenario


def test_slider_and_entry_agree(panel: widgets.Panel) -> None:
    """A slider writes its value into the entry; an exact typed value rests the slider at the nearest rung."""
    pods = panel.controls["pods"]
    pods.slider.value = ladder(inputs()["pods"]).index(1200)
    assert pods.text.value == "1200"
    pods.text.value = "1234"
    assert panel.scenario["pods"] == 1234
    assert ladder(inputs()["pods"])[pods.slider.value] == 1200


def test_zero_can_be_reached_on_a_log_slider(panel: widgets.Panel) -> None:
    """A log slider whose input may be zero has zero as its lowest place."""
    panel.controls["requests_per_second"].slider.value = 1
    panel.controls["requests_per_second"].slider.value = 0
    assert panel.scenario["requests_per_second"] == 0.0


def test_reset_returns_to_the_beginning(panel: widgets.Panel) -> None:
    """Reset gives the initial values, takes back all others, and is announced once."""
    panel.controls["pods"].text.value = "7"
    panel.controls["cloud"].choice.value = "gke"
    panel.controls["nodes"].text.value = "a dozen"
    announced: list[dict[str, Any]] = []
    panel.observe(lambda change: announced.append(change["new"]), "scenario")
    panel.reset_button.click()
    assert announced == [{"services": 120, "pods": 640, "mtls": True}]
    assert panel.message.value == ""
    assert panel.controls["nodes"].text.value == ""


# --- what is wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("pods", "many", "not a whole number"),
        ("pods", "12,5", "&#x27;12,5&#x27;, which is not a whole number"),
        ("pods", "12 h", "not a whole number"),
        ("node_memory_gib", "512 MiB", "out of bounds"),
        ("pods", "0", "out of bounds"),
        ("l7_traffic_share", "20", "out of bounds"),
        ("l7_traffic_share", "nan", "out of bounds"),
        ("kernel_oldest", "new", "no version"),
    ],
)
def test_what_is_refused_is_said_in_words(panel: widgets.Panel, name: str, text: str, words: str) -> None:
    """Text that is no allowed value is explained beside its field, the panel says so, and the scenario stays."""
    before = copy.deepcopy(panel.scenario)
    panel.controls[name].text.value = text
    control = panel.controls[name]
    assert words in control.fault.value
    assert f"Not taken: {control.spec.label}. The figures are of the last values" in panel.message.value
    assert panel.scenario == before
    control.text.value = ""
    assert panel.message.value == ""
    assert control.fault.layout.display == "none"


def test_several_problems_stand_together(panel: widgets.Panel) -> None:
    """Every refused entry is named."""
    panel.controls["pods"].text.value = "x"
    panel.controls["nodes"].text.value = "y"
    assert "Not taken: Worker nodes, Pods in the mesh." in panel.message.value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("pods", "12,000", 12_000),
        ("pods", "12k", 12_000),
        ("requests_per_second", "1.5 M", 1_500_000.0),
        ("node_memory_gib", "40 GiB", 40.0),
        ("node_memory_gib", "2 TiB", 2048.0),
        ("payload_bytes", "4 KiB", 4096),
        ("l7_traffic_share", "20 %", 0.2),
        ("max_added_p99_ms", "2 s", 2000.0),
    ],
)
def test_a_number_is_read_as_people_write_it(panel: widgets.Panel, name: str, text: str, value: object) -> None:
    """Thousands may be divided, and a multiple or a unit may stand behind."""
    panel.controls[name].text.value = text
    assert panel.scenario[name] == value


def test_typed_text_is_never_markup(panel: widgets.Panel) -> None:
    """What is typed is quoted in the message as text."""
    panel.controls["pods"].text.value = "<img src=x onerror=alert(1)>"
    assert "<img" not in panel.controls["pods"].fault.value
    assert "&lt;img" in panel.controls["pods"].fault.value


def test_a_panel_refuses_wrong_beginnings() -> None:
    """Initial values go through the same check as a file, and all problems are told together."""
    with pytest.raises(MeshlabError, match=r"(?s)clod.*cloud"):
        widgets.panel({"clod": "gke"})
    with pytest.raises(MeshlabError, match="pods is -4, out of bounds"):
        widgets.panel({"pods": -4})


# --- views --------------------------------------------------------------------------------------------------------


def test_a_view_shows_the_review_of_the_panel(panel: widgets.Panel) -> None:
    """The figures of a view are those that a report of the same values draws."""
    view = widgets.explorer(panel).figures
    review = review_values(panel.scenario)
    assert list(view.figures) == ["memory", "cpu", "latency", "cost"]
    for name, figure in view.figures.items():
        assert figure["data"] == chart(name, review).spec["data"]
        assert figure["alt"] == chart(name, review).alt_text


def test_a_view_follows_every_change(panel: widgets.Panel) -> None:
    """More pods need more sidecars: moving the slider redraws memory, and cost with it."""
    view = widgets.explorer(panel).figures
    before = copy.deepcopy(view.figures)
    panel.controls["pods"].text.value = "6400"
    sidecar = 1
    for name in ("memory", "cost"):
        assert view.figures[name]["data"][-1]["x"][sidecar] > before[name]["data"][-1]["x"][sidecar]
    assert view.tick == 2


def test_a_view_leaves_the_figures_where_the_input_is_refused(panel: widgets.Panel) -> None:
    """A refused entry changes no figure."""
    view = widgets.explorer(panel).figures
    panel.controls["pods"].text.value = "x"
    assert view.tick == 1


def test_the_library_is_sent_when_a_page_asks_for_it() -> None:
    """A view carries no plotly.js of its own; a page that asks gets it once, from the kernel."""
    view = widgets.LiveFigures()
    sent: list[tuple[object, list[bytes]]] = []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    view._handle_custom_msg("something else", [])
    assert not sent
    view._handle_custom_msg("plotly.js", [])
    assert sent[0][0] == "plotly.js"
    assert b"plotly.js v" in sent[0][1][0][:200]
    assert len(view._esm) < 10_000


def test_only_the_newest_of_many_questions_is_answered() -> None:
    """While an answer is computed, newer questions replace the waiting one: the last is always answered."""
    first_runs, release = threading.Event(), threading.Event()
    computed: list[int] = []
    shown: list[int] = []

    def compute(question: int) -> int:
        if not computed:
            first_runs.set()
            release.wait(10)
        computed.append(question)
        return question

    async def ask_all() -> None:
        latest = Debounced(compute, shown.append, lambda _error: None)
        latest.ask(0)
        await asyncio.to_thread(first_runs.wait, 10)
        for question in range(1, 101):
            latest.ask(question)
        release.set()
        await latest._task

    asyncio.run(ask_all())
    assert computed == shown == [0, 100]


def test_an_error_is_told_and_the_next_question_answered() -> None:
    """A wrong question is told in words and stops nothing."""
    told: list[str] = []
    shown: list[int] = []

    def compute(question: int) -> int:
        if question < 0:
            raise MeshlabError(Problem("panel", "too small"))
        return question

    async def ask_both() -> None:
        latest = Debounced(compute, shown.append, lambda error: told.append(str(error)))
        latest.ask(-1)
        await latest._task
        latest.ask(1)
        await latest._task

    asyncio.run(ask_both())
    assert told == ["panel: too small"]
    assert shown == [1]


def test_controls_match_their_input_s_type() -> None:
    """Numbers get a slider with an entry, few values a list, versions an entry, sets boxes."""
    kinds = {name: type(control) for name, control in widgets.panel().controls.items()}
    assert (kinds["pods"], kinds["mtls"], kinds["cloud"]) == (Slider, Choice, Choice)
    assert (kinds["kernel_oldest"], kinds["needs"]) == (TextField, Members)


def test_help_names_the_default_and_its_reason() -> None:
    """A tooltip says what stands in and why."""
    assert "Default: 4 * services (four replicas a service)." in help_text(inputs()["pods"])
