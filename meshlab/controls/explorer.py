"""Several views of one scenario, of which one is in sight: what is in sight follows the panel, the rest waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import ipywidgets as widgets

from meshlab import explorations
from meshlab.charts.canvas import Drawing
from meshlab.controls.entries import FIXED
from meshlab.controls.latest import Latest
from meshlab.controls.live import LiveFigures
from meshlab.controls.panel import Panel
from meshlab.controls.views import BESIDE, VIEW_PX, complain, live_figures
from meshlab.explorations import Look
from meshlab.review import light_review

CHARTS = ("memory", "cpu", "latency", "cost")
"""Charts of the first page."""

Choices = Mapping[str, widgets.Dropdown]


class Page(Protocol):
    """One view: a widget that draws a scenario when it is asked to."""

    @property
    def widget(self) -> widgets.Widget:
        """What is in sight."""
        ...

    def ask(self, values: Mapping[str, Any]) -> None:
        """Draw this scenario next."""


class FigurePage:
    """Figures of a scenario, with lists to choose what they show.

    Args:
        source: The panel that they follow; it is told what is wrong.
        compute: Figures by name, of a scenario, a look and what was chosen.
        choices: Lists by the name under which ``compute`` is told what was chosen.
    """

    def __init__(
        self,
        source: Panel,
        compute: Callable[..., dict[str, dict[str, Any]]],
        choices: Choices | None = None,
    ) -> None:
        self.source, self.compute, self.choices = source, compute, choices or {}
        self.figures = LiveFigures(layout={"flex": FIXED})
        self.latest = Latest(self._drawn, self.figures.show, lambda error: complain(source, error))
        row = widgets.HBox(list(self.choices.values()), layout={"flex": FIXED, "flex_flow": "row wrap"})
        self.widget = widgets.VBox([row, self.figures] if self.choices else [self.figures])
        self.figures.observe(self._changed, "dark")
        for choice in self.choices.values():
            choice.observe(self._changed, "value")

    def ask(self, values: Mapping[str, Any]) -> None:
        """Draw this scenario next."""
        chosen = {name: choice.value for name, choice in self.choices.items()}
        self.latest.ask((values, Look(self.figures.theme, VIEW_PX), chosen))

    def _changed(self, _change: object) -> None:
        if self.figures.figures:  # what was never in sight is drawn when it is
            self.ask(self.source.scenario)

    def _drawn(self, question: tuple[Mapping[str, Any], Look, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        values, look, chosen = question
        return self.compute(values, look, **chosen)


class TextPage:
    """A fragment of a report that follows a scenario.

    Args:
        source: The panel that it follows.
        compute: The fragment's HTML, of a scenario.
    """

    def __init__(self, source: Panel, compute: Callable[[Mapping[str, Any]], str]) -> None:
        self.widget = widgets.HTML()
        self.latest = Latest(compute, self._show, lambda error: complain(source, error))

    def ask(self, values: Mapping[str, Any]) -> None:
        """Show this scenario next."""
        self.latest.ask(values)

    def _show(self, text: str) -> None:
        self.widget.value = text


class Explorer(widgets.VBox):
    """Pages under a row of buttons; only the page in sight is computed.

    Args:
        source: The panel that they follow.
        pages: Pages by the words on their buttons.
    """

    def __init__(self, source: Panel, pages: Mapping[str, Page]) -> None:
        self.source, self.pages = source, dict(pages)
        self.chooser = widgets.ToggleButtons(options=list(pages), style={"button_width": "auto"})
        self.chooser.layout.flex = FIXED
        self.stack = widgets.Stack([page.widget for page in pages.values()], selected_index=0, layout={"flex": FIXED})
        self.chooser.observe(self._turn, "value")
        source.observe(self._follow, "scenario")
        super().__init__([self.chooser, self.stack], layout=BESIDE)
        self.page.ask(source.scenario)

    @property
    def page(self) -> Page:
        """The page in sight."""
        return self.pages[str(self.chooser.value)]

    def _turn(self, _change: object) -> None:
        self.stack.selected_index = list(self.pages).index(str(self.chooser.value))
        self.page.ask(self.source.scenario)

    def _follow(self, change: Mapping[str, Any]) -> None:
        self.page.ask(change["new"])


def explorer(source: Panel) -> Explorer:
    """What each data plane would add, and how that changes: figures, curves, path, break-even, drivers, assumptions."""
    return Explorer(
        source,
        {
            "Figures": FigurePage(source, _figures),
            "Curves": FigurePage(source, _curves, _curve_choices()),
            "Path": FigurePage(source, lambda values, look: _live(explorations.path_drawing(values, look))),
            "Break-even": FigurePage(source, _break_even, _break_even_choices()),
            "Drivers": FigurePage(source, _drivers, _driver_choices()),
            "Assumed": TextPage(source, lambda values: explorations.assumed(values).html),
        },
    )


def _live(drawn: Drawing) -> dict[str, dict[str, Any]]:
    return {drawn.name: {**drawn.spec, "alt": drawn.words}}


def _figures(values: Mapping[str, Any], look: Look) -> dict[str, dict[str, Any]]:
    return live_figures(light_review(values), CHARTS, look.theme)


def _curves(values: Mapping[str, Any], look: Look, *, figure: str, over: str) -> dict[str, dict[str, Any]]:
    return _live(explorations.curve_drawing(values, over, figure, look))


def _break_even(
    values: Mapping[str, Any], look: Look, *, one: str, other: str, across: str, up: str
) -> dict[str, dict[str, Any]]:
    return _live(explorations.break_even_drawing(values, (one, other), (across, up), look))


def _drivers(values: Mapping[str, Any], look: Look, *, dataplane: str, figure: str) -> dict[str, dict[str, Any]]:
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
