"""Views that follow a panel: the newest scenario is computed in the background and redrawn in place.

Figures and the verdict come first. What is not known and flips, which take longer, follow once the inputs have not
changed for a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
from msgspec.structs import replace

from meshlab.errors import MeshlabError
from meshlab.models.decision import map_axes
from meshlab.reviews.pinned import against
from meshlab.reviews.record import Review
from meshlab.show import report
from meshlab.show.charts import Chart, Look, chart, stated
from meshlab.show.widgets.entries import FIXED, problem_text
from meshlab.show.widgets.latest import Latest
from meshlab.show.widgets.live import VIEW_PX, LiveFigures
from meshlab.show.widgets.panel import Panel

WITHOUT_KERNEL = "The controls need a running kernel: open this workbook with `meshlab lab`."
"""What stands in a page that was rendered without one."""

REST_S = 0.3
"""How long a hand has to rest before reasons and flips are worked out. [s]"""

LONG_REST_S = 1.0
"""The same where the answer in sight has followed the hand, and only what budgets rule out is left to learn. [s]"""

MOST_FLIPS = 12
"""Flips that get a button."""

# the figures scroll beside the panel, so that a slider and what it moves stay in sight together
BESIDE = {"flex": f"3 1 {VIEW_PX}px", "min_width": "320px", "max_height": "680px", "overflow": "hidden auto"}
"""Layout of a view beside a panel."""


def follow(
    source: Panel, compute: Callable[[dict[str, Any]], Any], show: Callable[[Any], None], pause_s: float = 0.0
) -> Latest:
    """Compute something of a panel's scenario now and at every change, and show it.

    Args:
        source: The panel.
        compute: What is made of a scenario; runs in a thread.
        show: Takes it, in the kernel's own thread.
        pause_s: How long the panel has to rest before. [s]
    """
    latest = Latest(compute, show, lambda error: complain(source, error), pause_s)
    source.observe(lambda change: latest.ask(change["new"]), "scenario")
    latest.ask(source.scenario)
    return latest


def complain(source: Panel, error: MeshlabError) -> None:
    """Say in the panel what is wrong."""
    source.tell([problem_text(problem) for problem in error.problems])


# --- charts --------------------------------------------------------------------------------------------------------


def chart_view(
    source: Panel, compute: Callable[[dict[str, Any], Look], Chart], pause_s: float = 0.0
) -> tuple[LiveFigures, Latest]:
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
        self.title.value = f'<div class="ml"><h2 class="ml-title">{report.title_text(review)}</h2></div>'
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
        self.missing, self.flips, self.reasons = (
            widgets.HTML(layout=fixed),
            widgets.VBox(layout=fixed),
            widgets.HTML(layout=fixed),
        )
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
        changes = flip.get("changes", [flip])
        words = "; ".join(map(report.change_text, changes))
        button = widgets.Button(
            description=f"{words} → {report.answer_text(flip, review.scenario)}",
            tooltip="Apply this change",
            layout={"width": "auto", "max_width": "100%", "height": "auto", "min_height": "28px"},
        )
        button.add_class("meshlab-flip")
        button.on_click(lambda _button: self.apply({change["input"]: change["to"] for change in changes}))
        return button

    def apply(self, changes: Mapping[str, object]) -> None:
        """Give the panel these values beside those that it has."""
        self.source.set({**self.source.scenario, **changes})


def _missing(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f'<p class="ml">Not known, and could change it: {", ".join(map(report.input_label, names))}.</p>'


class AnswerView(widgets.VBox):
    """The verdict that follows a panel; after a pause, why it is so and what would flip it."""

    def __init__(self, source: Panel) -> None:
        self.headline, self.reasons = Headline(source), Reasons(source)
        super().__init__([self.headline, self.reasons], layout=BESIDE)
        follow(source, source.whole, self.reasons.take, REST_S)


def answer_view(source: Panel) -> AnswerView:
    """The verdict that follows a panel, with reasons, and flips as buttons."""
    return AnswerView(source)


# --- the decision --------------------------------------------------------------------------------------------------


class DecisionView(widgets.VBox):
    """The map of the domain over two inputs that can be chosen, and the rows of the decision tables.

    Args:
        source: The panel that it follows.
        across: Input from left to right at first.
        down: Input from top to bottom at first.
    """

    def __init__(self, source: Panel, across: str, down: str) -> None:
        self.across, self.down = _axis("Across", across), _axis("Down", down)
        self.figures, self.map = chart_view(source, self._mapped)
        self.rows, _ = chart_view(source, lambda values, look: chart("matrix", source.whole(values), look), REST_S)
        choices = widgets.HBox([self.across, self.down], layout={"flex": FIXED, "flex_flow": "row wrap"})
        super().__init__([choices, self.figures, self.rows], layout=BESIDE)
        for choice in (self.across, self.down):
            choice.observe(lambda _change: self.map.ask(source.scenario), "value")

    def _mapped(self, values: Mapping[str, Any], look: Look) -> Chart:
        return chart("domain", stated(values), look, across=str(self.across.value), down=str(self.down.value))


def _axis(label: str, name: str) -> widgets.Dropdown:
    options = [(report.axis_label(each), each) for each in map_axes()]
    style = {"description_width": "50px"}
    return widgets.Dropdown(options=options, value=name, description=label, style=style, layout={"width": "240px"})


def decision_view(source: Panel, across: str = "cloud", down: str = "kernel_oldest") -> DecisionView:
    """The map of the domain and the rows of the decision tables, which follow a panel."""
    return DecisionView(source, across, down)


# --- side by side --------------------------------------------------------------------------------------------------


class Instrument(widgets.HBox):
    """Parts beside each other, below each other where the page is narrow."""

    def __init__(self, *parts: widgets.Widget) -> None:
        super().__init__(parts, layout={"flex_flow": "row wrap", "align_items": "flex-start", "grid_gap": "16px"})

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """What a page shows, and for a page without a kernel a sentence in place of the widgets' inner workings."""
        return {**(super()._repr_mimebundle_(**options) or {}), "text/plain": WITHOUT_KERNEL}


def side_by_side(*parts: widgets.Widget) -> Instrument:
    """A panel and its views as one thing to display."""
    return Instrument(*parts)
