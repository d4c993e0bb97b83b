"""Views that follow a panel: the newest scenario is computed in the background and redrawn in place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets

from meshlab import charts
from meshlab.controls.entries import problem_text
from meshlab.controls.live import LiveFigures
from meshlab.controls.panel import Panel
from meshlab.errors import MeshlabError
from meshlab.review import Review, review_values

VIEW_PX = 500
"""Least width of a view, into which its text is broken: beside a panel it fits a laptop's screen. [px]"""


WITHOUT_KERNEL = "The controls need a running kernel: open this workbook with `meshlab lab`."
"""What stands in a page that was rendered without one."""


class Latest:
    """Computes in the background and shows the answer to the newest question; questions in between are dropped.

    Args:
        compute: What may take long; runs in a thread.
        show: Takes the answer, in the kernel's own thread.
        fail: Takes the error where the input was wrong.
    """

    def __init__(
        self, compute: Callable[[Any], Any], show: Callable[[Any], None], fail: Callable[[MeshlabError], None]
    ) -> None:
        self.compute, self.show, self.fail = compute, show, fail
        self._questions: list[object] = []
        self._task: asyncio.Task[None] | None = None

    def ask(self, question: object) -> None:
        """Answer this question next. Without a running event loop, as under tests, at once."""
        self._questions = [question]
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._outcome(self._questions.pop())()
            return
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())

    async def _work(self) -> None:
        while self._questions:
            outcome = await asyncio.to_thread(self._outcome, self._questions.pop())
            outcome()

    def _outcome(self, question: object) -> Callable[[], None]:
        """What is left to do in the kernel's own thread once the answer is known."""
        try:
            return partial(self.show, self.compute(question))
        except MeshlabError as error:
            return partial(self.fail, error)


def live_figures(review: Review, names: Sequence[str], theme: str) -> dict[str, dict[str, Any]]:
    """Charts of a review as a live view shows them."""
    return {
        name: {**charts.spec(name, review, theme=theme, text_width=VIEW_PX), "alt": charts.alt_text(name, review)}
        for name in names
    }


def overhead_view(
    source: Panel, names: Sequence[str] = ("memory", "cpu", "latency", "cost"), theme: str = "light"
) -> LiveFigures:
    """Charts that follow a panel: redrawn in place at every change."""
    # the figures scroll beside the panel, so that a slider and what it moves stay in sight together
    view = LiveFigures(
        layout={"flex": f"3 1 {VIEW_PX}px", "min_width": "320px", "max_height": "680px", "overflow": "hidden auto"}
    )
    latest = Latest(
        lambda values: live_figures(review_values(values), names, theme),
        view.show,
        lambda error: source.tell([problem_text(problem) for problem in error.problems]),
    )
    source.observe(lambda change: latest.ask(change["new"]), "scenario")
    latest.ask(source.scenario)
    return view


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
