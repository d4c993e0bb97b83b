"""Several views of one scenario, of which one is in sight: what is in sight follows the panel, the rest waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as widgets

from meshlab.reviews.review import light_review
from meshlab.show.charts.canvas import Drawing
from meshlab.show.views import explorations
from meshlab.show.views.explorations import Look
from meshlab.show.widgets.entries import FIXED
from meshlab.show.widgets.latest import Latest
from meshlab.show.widgets.live import LiveFigures
from meshlab.show.widgets.panel import Panel
from meshlab.show.widgets.views import BESIDE, VIEW_PX, complain, live_figures

CHARTS = ("memory", "cpu", "latency", "cost")
"""Charts of the first page."""

WIDE = {"width": "100%"}
"""Layout of what is as wide as the view, whatever it holds."""

Choices = Mapping[str, widgets.Dropdown]

Figures = dict[str, dict[str, Any]]
"""Figures by name, as live figures show them."""


@dataclass(frozen=True, slots=True)
class Page:
    """One view of a scenario.

    Args:
        compute: Of a scenario, a look and what was chosen: figures by name, or a fragment's HTML.
        choices: Lists by the name under which ``compute`` is told what was chosen.
    """

    compute: Callable[..., Figures | str]
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
        look = Look(self.figures.theme, VIEW_PX)
        self.latest.ask((self.page, self.source.scenario, look, chosen))

    def _turn(self, _change: object) -> None:
        self.choices.selected_index = list(self.pages).index(str(self.chooser.value))
        self.ask()

    def _show(self, answer: Figures | str) -> None:
        self.text.value = answer if isinstance(answer, str) else ""
        self.figures.show({} if isinstance(answer, str) else answer)


def _computed(question: tuple[Page, Mapping[str, Any], Look, dict[str, Any]]) -> Figures | str:
    page, values, look, chosen = question
    return page.compute(values, look, **chosen)


def explorer(source: Panel) -> Explorer:
    """What each data plane would add, and how that changes: figures, curves, path, break-even, drivers, assumptions."""
    return Explorer(
        source,
        {
            "Figures": Page(_figures),
            "Curves": Page(_curves, _curve_choices()),
            "Path": Page(lambda values, look: _live(explorations.path_drawing(values, look))),
            "Break-even": Page(_break_even, _break_even_choices()),
            "Drivers": Page(_drivers, _driver_choices()),
            "Assumed": Page(lambda values, _look: explorations.assumed(values).html),
        },
    )


def _live(drawn: Drawing) -> Figures:
    return {drawn.name: {**drawn.spec, "alt": drawn.words}}


def _figures(values: Mapping[str, Any], look: Look) -> Figures:
    return live_figures(light_review(values), CHARTS, look.theme)


def _curves(values: Mapping[str, Any], look: Look, *, figure: str, over: str) -> Figures:
    return _live(explorations.curve_drawing(values, over, figure, look))


def _break_even(values: Mapping[str, Any], look: Look, *, one: str, other: str, across: str, up: str) -> Figures:
    return _live(explorations.break_even_drawing(values, (one, other), (across, up), look))


def _drivers(values: Mapping[str, Any], look: Look, *, dataplane: str, figure: str) -> Figures:
    return _live(explorations.drivers_drawing(values, dataplane, figure, look))


# --- choices -------------------------------------------------------------------------------------------------------


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
        "figure": _choice("Figure", explorations.figure_choices(), "cost_usd_per_month"),
        "over": _choice("Over", explorations.input_choices(), "pods"),
    }


def _break_even_choices() -> Choices:
    planes, names = explorations.dataplane_choices(), explorations.input_choices()
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
        "figure": _choice("Figure", explorations.figure_choices(), "cost_usd_per_month"),
        "dataplane": _choice("Data plane", explorations.dataplane_choices(), "istio-ambient"),
    }
