"""Views that follow a panel: the newest scenario is computed in the background and redrawn in place.

Figures and the verdict come first. What is not known and flips, which take longer, follow once the inputs have not
changed for a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets
from msgspec.structs import replace

from meshlab.errors import MeshlabError
from meshlab.models.decision import map_axes
from meshlab.planning.migration.assumptions import Assumption, own_figures, with_own
from meshlab.reviews.cases import Case
from meshlab.reviews.record import Review
from meshlab.reviews.review import against, build_reviews
from meshlab.show import report, views
from meshlab.show.charts import Chart, Look, chart, stated
from meshlab.show.labels import answer_text, axis_label, change_text, input_label, title_text, titled
from meshlab.show.widgets.controls import FIXED, button, problem_text
from meshlab.show.widgets.live import VIEW_PX, Debounced, LiveFigures
from meshlab.show.widgets.panel import Panel
from meshlab.show.widgets.scenario_files import ScenarioFiles

WITHOUT_KERNEL = "The controls need a running kernel: open this workbook with `meshlab lab`."
"""What stands in a page that was rendered without one."""

REST_S = 0.3
"""How long a hand has to rest before reasons and flips are worked out. [s]"""

LONG_REST_S = 1.0
"""The same where the answer in sight has followed the hand, and only what budgets rule out is left to learn. [s]"""

MOST_FLIPS = 12
"""Flips that get a button."""

SLIDERS = {"window_hours": (0.5, 24.0, 0.5), "max_unavailable": (1, 50, 1), "surge_nodes": (0, 20, 1)}
"""Assumptions of a move that are set by hand: least, most and step of their sliders."""

ROW = {"margin": "0 0 6px 0", "width": "min(100%, 560px)"}
"""Layout of a slider under its label."""

# the figures scroll beside the panel, so that a slider and what it moves stay in sight together
BESIDE = {"flex": f"3 1 {VIEW_PX}px", "min_width": "320px", "max_height": "680px", "overflow": "hidden auto"}
"""Layout of a view beside a panel."""


def follow(
    source: Panel, compute: Callable[[dict[str, Any]], Any], show: Callable[[Any], None], pause_s: float = 0.0
) -> Debounced:
    """Compute something of a panel's scenario now and at every change, and show it.

    Args:
        source: The panel.
        compute: What is made of a scenario; runs in a thread.
        show: Takes it, in the kernel's own thread.
        pause_s: How long the panel has to rest before. [s]
    """
    latest = Debounced(compute, show, lambda error: complain(source, error), pause_s)
    source.observe(lambda change: latest.ask(change["new"]), "scenario")
    latest.ask(source.scenario)
    return latest


def complain(source: Panel, error: MeshlabError) -> None:
    """Say in the panel what is wrong."""
    source.tell([problem_text(problem) for problem in error.problems])


# --- charts --------------------------------------------------------------------------------------------------------


def chart_view(
    source: Panel, compute: Callable[[dict[str, Any], Look], Chart], pause_s: float = 0.0
) -> tuple[LiveFigures, Debounced]:
    """A chart that follows a panel and the theme of the page.

    Args:
        source: The panel.
        compute: The chart of a scenario in a look.
        pause_s: How long the panel has to rest before. [s]
    """
    view = LiveFigures(layout={"flex": FIXED})
    latest = follow(source, lambda values: [compute(values, view.look)], view.show, pause_s)
    view.observe(lambda _change: latest.ask(source.scenario), ["dark", "narrow"])
    return view, latest


# --- the answer ----------------------------------------------------------------------------------------------------


class Headline(widgets.VBox):
    """The verdict and its three numbers at every change, budgets counted after a pause; beside a pinned scenario.

    Args:
        source: The panel that it follows.
    """

    def __init__(self, source: Panel) -> None:
        self.source = source
        self.title, self.answer, self.pinned = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.title.add_class("meshlab-title")
        super().__init__([self.title, self.answer, self.pinned], layout={"flex": FIXED, "width": "100%"})
        self.add_class("meshlab-answer")
        follow(source, source.light, self._show)
        follow(source, source.whole, self._show, LONG_REST_S)
        latest = follow(source, self._against, self._show_pinned)
        source.observe(lambda _change: latest.ask(source.scenario), "pinned")

    def _show(self, review: Review) -> None:
        self.title.value = f'<div class="ml"><h2 class="ml-title">{title_text(review)}</h2></div>'
        self.answer.value = report.headline(replace(review, tuning=None)).html

    def _against(self, values: dict[str, Any]) -> str:
        return report.pinned(against(self.source.pinned, values)).html if self.source.pinned else ""

    def _show_pinned(self, text: str) -> None:
        self.pinned.value = text


class Reasons(widgets.VBox):
    """What would flip a verdict, each flip as a button, what is not known, and why it is so.

    Args:
        source: The panel that flips are applied to.
    """

    def __init__(self, source: Panel) -> None:
        self.source = source
        fixed = {"flex": FIXED}  # what scrolls as a whole must not shrink in its parts
        self.missing, self.reasons = widgets.HTML(layout=fixed), widgets.HTML(layout=fixed)
        self.flips = widgets.VBox(layout=fixed)
        self.reasons.add_class("meshlab-reasons")
        super().__init__([self.flips, self.missing, self.reasons], layout={"width": "100%"})

    def take(self, review: Review) -> None:
        """Show those of a review."""
        verdict = review.verdict
        self.reasons.value = report.verdict(review).html
        self.missing.value = _missing(verdict.unknown)
        heading = widgets.HTML('<div class="ml"><h3>What would change the answer</h3></div>')
        buttons = [self._button(flip, review) for flip in verdict.flips[:MOST_FLIPS]]
        self.flips.children = [heading, *buttons] if buttons else []

    def _button(self, flip: Mapping[str, Any], review: Review) -> widgets.Button:
        changes = flip["changes"]
        words = "; ".join(map(change_text, changes))
        values = {change["input"]: change["to"] for change in changes}
        layout = {"width": "auto", "max_width": "100%", "height": "auto", "min_height": "28px"}
        answer = answer_text(flip, review.scenario)
        made = button(f"{words} → {answer}", "Apply this change", partial(self.apply, values), layout)
        made.add_class("meshlab-flip")
        return made

    def apply(self, changes: Mapping[str, object]) -> None:
        """Give the panel these values beside those that it has."""
        self.source.set({**self.source.scenario, **changes})


def _missing(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f'<p class="ml">Not known, and could change it: {", ".join(map(input_label, names))}.</p>'


class AnswerView(widgets.VBox):
    """The verdict that follows a panel; after a pause, why it is so and what would flip it."""

    def __init__(self, source: Panel) -> None:
        self.headline, self.reasons = Headline(source), Reasons(source)
        super().__init__([self.headline, self.reasons], layout=BESIDE)
        follow(source, source.whole, self.reasons.take, REST_S)


# --- the decision --------------------------------------------------------------------------------------------------


class DecisionView(widgets.VBox):
    """The map of the domain over two inputs that can be chosen, and the rows of the decision tables.

    Args:
        source: The panel that it follows.
        across: Input from left to right at first.
        down: Input from top to bottom at first.
    """

    def __init__(self, source: Panel, across: str = "cloud", down: str = "kernel_oldest") -> None:
        self.source = source
        self.across, self.down, self.colour = _axis("Across", across), _axis("Down", down), _colour()
        self.figures, self.map = chart_view(source, self._mapped)
        self.rows, _ = chart_view(source, lambda values, look: chart("matrix", source.whole(values), look), REST_S)
        choices = widgets.HBox([self.across, self.down, self.colour], layout={"flex": FIXED, "flex_flow": "row wrap"})
        super().__init__([choices, self.figures, self.rows], layout=BESIDE)
        for choice in (self.across, self.down, self.colour):
            choice.observe(self._chosen, "value")

    def _chosen(self, _change: object) -> None:
        # weighing every field takes seconds, in which a hand on a slider would wait
        self.map.pause_s = 0.0 if self.colour.value == "verdict" else LONG_REST_S
        self.map.ask(self.source.scenario)

    def _mapped(self, values: Mapping[str, Any], look: Look) -> Chart:
        chosen = {"across": self.across.value, "down": self.down.value, "colour": self.colour.value}
        return chart("domain", stated(values), look, **chosen)


def _axis(label: str, name: str) -> widgets.Dropdown:
    options = [(axis_label(each), each) for each in map_axes()]
    style = {"description_width": "50px"}
    return widgets.Dropdown(options=options, value=name, description=label, style=style, layout={"width": "240px"})


def _colour() -> widgets.Dropdown:
    options = [("verdict", "verdict"), ("how often it costs least", "probability"), ("expected loss", "regret")]
    style = {"description_width": "50px"}
    return widgets.Dropdown(
        options=options, value="verdict", description="Colour", style=style, layout={"width": "240px"}
    )


# --- a move --------------------------------------------------------------------------------------------------------


class MoveView(widgets.VBox):
    """A team or a dump to choose, sliders, what the move takes, and its charts.

    Args:
        case: The case of the review.
        review: Its review.
        today: What runs today, where the facts are to be overruled.
        target: Where to move, where the verdict is to be overruled.
        own: Figures to begin with, in place of the team's; None among them for those that stand.
    """

    def __init__(
        self, case: Case, review: Review, today: str = "", target: str = "", own: Mapping[str, object] | None = None
    ) -> None:
        self.case, self.review, self.places = case, review, (today, target)
        self.scenario: dict[str, object] = {}
        self.assumed: dict[str, tuple[object, str]] = {}
        self.scenario_files = ScenarioFiles(self, saves=False)
        chosen = {name: value for name, value in (own or {}).items() if value is not None}
        known = with_own(own_figures({**case.team.migration, **chosen})[0])
        self.sliders = {name: _slider(known[name], *bounds) for name, bounds in SLIDERS.items()}
        self.words, self.figures = widgets.HTML(), LiveFigures()
        for slider in self.sliders.values():
            slider.observe(self._follow, "value")
        self.figures.observe(self._follow, "dark")
        rows = [_labelled(known[name], slider) for name, slider in self.sliders.items()]
        super().__init__([self.scenario_files, *rows, self.words, self.figures])
        self._follow()

    def set(self, values: Mapping[str, object]) -> None:
        """Plan the move of what was loaded, from what it runs to what is recommended."""
        self.scenario = dict(values)
        if self.scenario_files.case is not None:
            self.case, self.places = self.scenario_files.case, ("", "")
            self.review = build_reviews([self.case])[0]
            self._follow()

    @property
    def own(self) -> dict[str, object]:
        """The figures that the sliders stand at."""
        return {name: slider.value for name, slider in self.sliders.items()}

    def _follow(self, _change: object = None) -> None:
        try:
            planned = views.planned(self.case, self.review, *self.places, self.own)
        except MeshlabError as error:
            self.words.value = report.table([], "; ".join(map(str, error.problems))).html
            return
        self.words.value = report.migration_line(planned).html
        names = ("migration-nodes", "migration-flow")
        drawn = [report.migration_chart(planned, name, theme=self.figures.look.theme) for name in names]
        self.figures.show([made for made in drawn if isinstance(made, Chart)])


def _slider(known: Assumption, least: float, most: float, step: float) -> Any:
    kind = widgets.FloatSlider if isinstance(step, float) else widgets.IntSlider
    return kind(
        value=min(max(known.values[1], least), most),
        min=least,
        max=most,
        step=step,
        readout_format="d" if kind is widgets.IntSlider else ".1f",
        tooltip=known.why,
        layout={"width": "auto"},
        continuous_update=True,
    )


def _labelled(known: Assumption, slider: widgets.Widget) -> widgets.VBox:
    """A slider with its label above it, which is longer than a description may be."""
    return widgets.VBox([widgets.Label(titled(known.label, known.unit), tooltip=known.why), slider], layout=ROW)


# --- side by side --------------------------------------------------------------------------------------------------


class SideBySide(widgets.HBox):
    """Parts beside each other, below each other where the page is narrow."""

    def __init__(self, *parts: widgets.Widget) -> None:
        super().__init__(parts, layout={"flex_flow": "row wrap", "align_items": "flex-start", "grid_gap": "16px"})

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """What a page shows, and for a page without a kernel a sentence in place of the widgets' inner workings."""
        return {**(super()._repr_mimebundle_(**options) or {}), "text/plain": WITHOUT_KERNEL}
