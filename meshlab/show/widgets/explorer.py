"""Several views of one scenario, of which one is in sight: what is in sight follows the panel, the rest waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Concatenate

import ipywidgets as widgets
import msgspec

from meshlab.errors import MeshlabError
from meshlab.models.curves import curve_inputs
from meshlab.models.evidence import validate
from meshlab.models.overhead import dataplanes, figures, mesh_dataplanes
from meshlab.planning.iac.tracker import growth, tracker
from meshlab.reviews.record import AssumedValue, Review
from meshlab.scenario import inputs
from meshlab.show import report, views
from meshlab.show.charts import Chart, Look, chart, stated
from meshlab.show.widgets.controls import FIXED
from meshlab.show.widgets.guide import Guide
from meshlab.show.widgets.live import Debounced, LiveFigures
from meshlab.show.widgets.panel import Panel
from meshlab.show.widgets.views import BESIDE, REST_S, Headline, Reasons, SideBySide, complain

CHARTS = ("memory", "cpu", "latency", "cost")
"""Charts of the first page."""

MOVES = ("migration-nodes", "migration-flow")
"""Charts of a move."""

EXPLORED = ("memory_gib", "cpu_cores", "added_p50_ms", "added_p99_ms", "cost_usd_per_month")
"""Figures that can be explored."""

WIDE = {"width": "100%"}
"""Layout of what is as wide as the view, whatever it holds."""

Choices = Mapping[str, widgets.Dropdown]

Values = Mapping[str, Any]


class Page(msgspec.Struct, frozen=True):
    """One view of a scenario.

    Args:
        compute: Of a scenario, a look and what was chosen: charts and fragments, or what ``view`` takes.
        choices: Lists by the name under which ``compute`` is told what was chosen.
        view: A widget that takes what is computed and shows it in its own way.
        pause_s: How long the panel has to rest before. [s]
    """

    compute: Callable[Concatenate[Values, Look, ...], Any]
    choices: Choices = msgspec.field(default_factory=dict[str, widgets.Dropdown])
    view: Any = None
    pause_s: float = 0.0

    @property
    def row(self) -> widgets.Widget:
        """What shows the page in its own way, or the lists beside each other."""
        return self.view or widgets.HBox(list(self.choices.values()), layout={"flex_flow": "row wrap", **WIDE})


class Explorer(widgets.VBox):
    """Pages under a row of buttons; only the page in sight is computed, and all share one set of live figures.

    Args:
        source: The panel that they follow; without one nothing but their own lists.
        pages: Pages by the words on their buttons.
        layout: Layout of all.
    """

    def __init__(
        self, source: Panel | None, pages: Mapping[str, Page], layout: Mapping[str, str] | None = None
    ) -> None:
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
        self.latest = Debounced(_computed, self._show, self._complain)
        super().__init__([self.chooser, self.choices, self.text, self.figures], layout=layout or BESIDE)
        self.chooser.observe(self._turn, "value")
        if self.source is not None:
            self.source.observe(self.ask, "scenario")
        self.figures.observe(self.ask, ["dark", "narrow"])
        for page in self.pages.values():
            for choice in page.choices.values():
                choice.observe(self.ask, "value")
        self.ask()

    @property
    def page(self) -> Page:
        """The page in sight."""
        return self.pages[str(self.chooser.value)]

    def ask(self, _change: object = None) -> None:
        """Show the page in sight of the panel's scenario next."""
        chosen = {name: choice.value for name, choice in self.page.choices.items()}
        self.latest.pause_s = self.page.pause_s
        self.latest.ask((self.page, self.source.scenario if self.source else {}, self.figures.look, chosen))

    def _turn(self, _change: object) -> None:
        self.choices.selected_index = list(self.pages).index(str(self.chooser.value))
        self.latest.pause_s = 0.0
        self.ask()

    def _show(self, answer: tuple[Page, Any]) -> None:
        page, parts = answer
        if page.view is not None:
            page.view.take(parts)
            parts = ()
        self.text.value = "".join(part.html for part in parts if not isinstance(part, Chart))
        self.figures.show([part for part in parts if isinstance(part, Chart)])

    def _complain(self, error: MeshlabError) -> None:
        if self.source is not None:
            complain(self.source, error)
        else:
            self._show((self.page, [report.table([], "; ".join(map(str, error.problems)))]))


def _computed(question: tuple[Page, Values, Look, dict[str, Any]]) -> tuple[Page, Any]:
    page, values, look, chosen = question
    return page, page.compute(values, look, **chosen)


def explorer(source: Panel) -> Explorer:
    """What each data plane would add, and how that changes: figures, curves, path, break-even, drivers, assumptions."""
    axes = [(inputs()[name].label, name) for name in curve_inputs()]

    def figure() -> widgets.Dropdown:
        return _choice("Figure", [(figures()[name].label, name) for name in EXPLORED], "cost_usd_per_month")

    return Explorer(
        source,
        {
            "Figures": Page(lambda values, look: _figures(source.light(values), look)),
            "Curves": Page(partial(_around, "curve-cost"), {"figure": figure(), "over": _choice("Over", axes, "pods")}),
            "Path": Page(partial(_around, "path")),
            "Break-even": Page(_break_even, _break_even_choices(axes)),
            "Drivers": Page(
                partial(_around, "drivers-cost"),
                {"figure": figure(), "dataplane": _dataplane_choice("Data plane", "istio-ambient")},
            ),
            "Assumed": Page(lambda values, _look: [assumed(values)]),
        },
    )


class Desk(SideBySide):
    """The panel, the answer, and views under a row of buttons.

    Args:
        source: The panel.
    """

    def __init__(self, source: Panel) -> None:
        whole, guide = source.whole, Guide(source)
        self.explorer = Explorer(
            source,
            {
                "Answer": Page(lambda values, _look: whole(values), view=Reasons(source), pause_s=REST_S),
                "Questions": Page(lambda values, _look: guide.ask(values), view=guide),
                "Comparison": Page(lambda values, _look: [report.comparison(whole(values))], pause_s=REST_S),
                "Overhead": Page(lambda values, look: _figures(source.light(values), look)),
                "Latency path": Page(partial(_around, "path")),
                "Migration": Page(lambda values, look: _moved(whole(values), look), pause_s=REST_S),
                "Evidence": Page(
                    lambda values, _look: [views.fit_quality(validate()), report.sources(whole(values))], pause_s=REST_S
                ),
                "Assumptions": Page(lambda values, _look: [report.assumptions(whole(values))], pause_s=REST_S),
            },
            WIDE,
        )
        shown = widgets.VBox([Headline(source), self.explorer], layout={"flex": "3 1 480px", "min_width": "320px"})
        shown.add_class("meshlab-views")
        super().__init__(source, shown)
        self.add_class("meshlab-desk")


def _moved(review: Review, look: Look) -> list[Any]:
    charts = [report.migration_chart(review, name, theme=look.theme) for name in MOVES]
    return [report.migration(review), *(made for made in charts if isinstance(made, Chart))]


def _figures(review: Review, look: Look) -> list[Chart]:
    return [chart(name, review, look) for name in CHARTS]


def _around(name: str, values: Values, look: Look, **options: Any) -> list[Chart]:
    return [chart(name, stated(values), look, **options)]


def _break_even(values: Values, look: Look, *, one: str, other: str, across: str, up: str) -> list[Chart]:
    return _around("break-even", values, look, pair=(one, other), over=(across, up))


def assumed(values: Values) -> report.Fragment:
    """Each default that stands in for a value that is not given, and why."""
    filled = stated(values).scenario
    return report.assumed(
        [AssumedValue(input=name, value=filled[name], why=inputs()[name].default_why) for name in filled["assumed"]]
    )


# --- without a scenario --------------------------------------------------------------------------------------------


def evidence_view() -> Explorer:
    """Every published figure beside what is predicted for it, with its own source in the fit or left out."""
    options = [("each without its own source", True), ("all sources in the fit", False)]

    def page(kind: str) -> Page:
        def compute(_values: Values, look: Look, *, left_out: bool) -> list[Chart]:
            return [chart(f"agreement-{kind}", look=look, left_out=left_out)]

        return Page(compute, {"left_out": _choice("Predicted", options, value=True)})

    return Explorer(None, {"Memory": page("memory"), "CPU": page("cpu"), "Latency": page("latency")}, WIDE)


def terraform_view() -> Explorer:
    """Options of a release of the Cilium chart, and features of a product, by how Terraform expresses them."""
    versions, products = growth()["version"].reverse().to_list(), tracker()["product"].unique().sort().to_list()

    def page(made: Callable[[str], report.Fragment], name: str, label: str, values: Sequence[str]) -> Page:
        def compute(_values: Values, _look: Look, **chosen: str) -> list[report.Fragment]:
            return [made(chosen[name])]

        return Page(compute, {name: _choice(label, [(value, value) for value in values], values[0])})

    options = page(views.option_coverage, "version", "Release", versions)
    features = page(views.tracked_features, "product", "Product", products)
    return Explorer(None, {"Options": options, "Features": features}, WIDE)


# --- choices -------------------------------------------------------------------------------------------------------


def _choice(label: str, options: Sequence[tuple[str, object]], value: object) -> widgets.Dropdown:
    style, layout = {"description_width": "76px"}, {"width": "270px"}
    return widgets.Dropdown(options=options, value=value, description=label, style=style, layout=layout)


def _dataplane_choice(label: str, value: str) -> widgets.Dropdown:
    return _choice(label, [(dataplanes()[name].label, name) for name in mesh_dataplanes()], value)


def _break_even_choices(axes: Sequence[tuple[str, str]]) -> Choices:
    choices = {
        "one": _dataplane_choice("One", "istio-ambient"),
        "other": _dataplane_choice("Other", "cilium"),
        "across": _choice("Across", axes, "pods"),
        "up": _choice("Up", axes, "requests_per_second"),
    }
    _apart(choices["one"], choices["other"])
    _apart(choices["across"], choices["up"])
    return choices


def _apart(one: widgets.Dropdown, other: widgets.Dropdown) -> None:
    """Keep two lists from choosing the same: the one that was not touched takes what the other one had."""

    def changed(change: Mapping[str, Any], untouched: widgets.Dropdown) -> None:
        if untouched.value == change["new"]:
            untouched.value = change["old"]

    one.observe(lambda change: changed(change, other), "value")
    other.observe(lambda change: changed(change, one), "value")
