"""Several views of one scenario, of which one is in sight: what is in sight follows the panel, the rest waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as widgets

from meshlab.models.curves import curve_inputs
from meshlab.models.overhead import dataplanes, figures, mesh_dataplanes
from meshlab.reviews.record import AssumedValue
from meshlab.reviews.review import light_review
from meshlab.scenario import inputs
from meshlab.show import report
from meshlab.show.charts import Chart, Look, chart, stated
from meshlab.show.widgets.entries import FIXED
from meshlab.show.widgets.latest import Latest
from meshlab.show.widgets.live import LiveFigures
from meshlab.show.widgets.panel import Panel
from meshlab.show.widgets.views import BESIDE, VIEW_PX, complain

CHARTS = ("memory", "cpu", "latency", "cost")
"""Charts of the first page."""

EXPLORED = ("memory_gib", "cpu_cores", "added_p50_ms", "added_p99_ms", "cost_usd_per_month")
"""Figures that can be explored."""

WIDE = {"width": "100%"}
"""Layout of what is as wide as the view, whatever it holds."""

Choices = Mapping[str, widgets.Dropdown]

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One view of a scenario.

    Args:
        compute: Of a scenario, a look and what was chosen: charts, or a fragment's HTML.
        choices: Lists by the name under which ``compute`` is told what was chosen.
    """

    compute: Callable[..., list[Chart] | str]
    choices: Choices = field(default_factory=dict)

    @property
    def row(self) -> widgets.Widget:
        """The lists beside each other."""
        return widgets.HBox(list(self.choices.values()), layout={"flex_flow": "row wrap", **WIDE})


class Explorer(widgets.VBox):
    """Pages under a row of buttons; only the page in sight is computed, and all share one set of live figures.

    Args:
        source: The panel that they follow.
        pages: Pages by the words on their buttons.
    """

    def __init__(self, source: Panel, pages: Mapping[str, Page]) -> None:
        self.source, self.pages = source, dict(pages)
        self.chooser = widgets.ToggleButtons(options=list(pages), style={"button_width": "auto"})
        self.chooser.layout.flex = FIXED
        self.choices = widgets.Stack([page.row for page in pages.values()], selected_index=0)
        # one widget for the figures of all pages: a busy browser takes long to begin each
        self.figures = LiveFigures()
        self.text = widgets.HTML()
        self.text.add_class("meshlab-text")
        for part in (self.choices, self.figures, self.text):
            part.layout = {"flex": FIXED, **WIDE}
        self.latest = Latest(_computed, self._show, lambda error: complain(source, error))
        super().__init__([self.chooser, self.choices, self.figures, self.text], layout=BESIDE)
        self._connect()
        self.ask()

    def _connect(self) -> None:
        self.chooser.observe(self._turn, "value")
        self.source.observe(self.ask, "scenario")
        self.figures.observe(self.ask, "dark")
        for page in self.pages.values():
            for choice in page.choices.values():
                choice.observe(self.ask, "value")

    @property
    def page(self) -> Page:
        """The page in sight."""
        return self.pages[str(self.chooser.value)]

    def ask(self, _change: object = None) -> None:
        """Show the page in sight of the panel's scenario next."""
        chosen = {name: choice.value for name, choice in self.page.choices.items()}
        look = Look(self.figures.theme, min_width=VIEW_PX)
        self.latest.ask((self.page, self.source.scenario, look, chosen))

    def _turn(self, _change: object) -> None:
        self.choices.selected_index = list(self.pages).index(str(self.chooser.value))
        self.ask()

    def _show(self, answer: list[Chart] | str) -> None:
        self.text.value = answer if isinstance(answer, str) else ""
        self.figures.show([] if isinstance(answer, str) else answer)


def _computed(question: tuple[Page, Mapping[str, Any], Look, dict[str, Any]]) -> list[Chart] | str:
    page, values, look, chosen = question
    return page.compute(values, look, **chosen)


def explorer(source: Panel) -> Explorer:
    """What each data plane would add, and how that changes: figures, curves, path, break-even, drivers, assumptions."""
    return Explorer(
        source,
        {
            "Figures": Page(_figures),
            "Curves": Page(_curves, _curve_choices()),
            "Path": Page(_path),
            "Break-even": Page(_break_even, _break_even_choices()),
            "Drivers": Page(_drivers, _driver_choices()),
            "Assumed": Page(lambda values, _look: assumed(values).html),
        },
    )


def _figures(values: Values, look: Look) -> list[Chart]:
    review = light_review(values)
    return [chart(name, review, look) for name in CHARTS]


def _curves(values: Values, look: Look, *, figure: str, over: str) -> list[Chart]:
    return [chart("curve-cost", stated(values), look, figure=figure, over=over)]


def _path(values: Values, look: Look) -> list[Chart]:
    return [chart("path", stated(values), look)]


def _break_even(values: Values, look: Look, *, one: str, other: str, across: str, up: str) -> list[Chart]:
    return [chart("break-even", stated(values), look, pair=(one, other), over=(across, up))]


def _drivers(values: Values, look: Look, *, dataplane: str, figure: str) -> list[Chart]:
    return [chart("drivers-cost", stated(values), look, dataplane=dataplane, figure=figure)]


def assumed(values: Values) -> report.Fragment:
    """Each default that stands in for a value that is not given, and why."""
    filled = stated(values).scenario
    return report.assumed(
        [AssumedValue(input=name, value=filled[name], why=inputs()[name].default_why) for name in filled["assumed"]]
    )


# --- choices -------------------------------------------------------------------------------------------------------


def _input_choices() -> list[tuple[str, str]]:
    """Inputs that can run along an axis: label and name."""
    return [(inputs()[name].label, name) for name in curve_inputs()]


def _dataplane_choices() -> list[tuple[str, str]]:
    """Data planes that add something: label and name."""
    return [(dataplanes()[name].label, name) for name in mesh_dataplanes()]


def _figure_choices() -> list[tuple[str, str]]:
    """Figures that can be explored: label and name."""
    return [(figures()[name].label, name) for name in EXPLORED]


def _choice(label: str, options: Sequence[tuple[str, str]], value: str) -> widgets.Dropdown:
    style, layout = {"description_width": "76px"}, {"width": "270px"}
    return widgets.Dropdown(options=options, value=value, description=label, style=style, layout=layout)


def _apart(one: widgets.Dropdown, other: widgets.Dropdown) -> None:
    """Keep two lists from choosing the same: the one that was not touched takes what the other one had."""

    def changed(change: Mapping[str, Any], untouched: widgets.Dropdown) -> None:
        if untouched.value == change["new"]:
            untouched.value = change["old"]

    one.observe(lambda change: changed(change, other), "value")
    other.observe(lambda change: changed(change, one), "value")


def _curve_choices() -> Choices:
    return {
        "figure": _choice("Figure", _figure_choices(), "cost_usd_per_month"),
        "over": _choice("Over", _input_choices(), "pods"),
    }


def _break_even_choices() -> Choices:
    planes, names = _dataplane_choices(), _input_choices()
    choices = {
        "one": _choice("One", planes, "istio-ambient"),
        "other": _choice("Other", planes, "cilium"),
        "across": _choice("Across", names, "pods"),
        "up": _choice("Up", names, "requests_per_second"),
    }
    _apart(choices["one"], choices["other"])
    _apart(choices["across"], choices["up"])
    return choices


def _driver_choices() -> Choices:
    return {
        "figure": _choice("Figure", _figure_choices(), "cost_usd_per_month"),
        "dataplane": _choice("Data plane", _dataplane_choices(), "istio-ambient"),
    }
