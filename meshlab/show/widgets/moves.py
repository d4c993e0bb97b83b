"""A plan that follows the hand: the window's hours, the nodes at a time and extra nodes as sliders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from meshlab.errors import MeshlabError
from meshlab.planning.migration.assumptions import Assumption, own_figures, with_own
from meshlab.reviews.cases import Case
from meshlab.reviews.record import Review
from meshlab.reviews.review import build_reviews
from meshlab.show import report
from meshlab.show.charts import Chart
from meshlab.show.views import migration as migration_views
from meshlab.show.widgets.entries import UNITLESS
from meshlab.show.widgets.live import LiveFigures
from meshlab.show.widgets.shelf import Shelf

SLIDERS = {"window_hours": (0.5, 24.0, 0.5), "max_unavailable": (1, 50, 1), "surge_nodes": (0, 20, 1)}
"""Assumptions that are set by hand: least, most and step of their sliders."""

ROW = {"margin": "0 0 6px 0", "width": "min(100%, 560px)"}
"""Layout of a slider under its label."""


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
        self.shelf = Shelf(self, saves=False)
        chosen = {name: value for name, value in (own or {}).items() if value is not None}
        known = with_own(own_figures({**case.team.migration, **chosen})[0])
        self.sliders = {name: _slider(known[name], *bounds) for name, bounds in SLIDERS.items()}
        self.words, self.figures = widgets.HTML(), LiveFigures()
        for slider in self.sliders.values():
            slider.observe(self._follow, "value")
        self.figures.observe(self._follow, "dark")
        rows = [_labelled(known[name], slider) for name, slider in self.sliders.items()]
        super().__init__([self.shelf, *rows, self.words, self.figures])
        self._follow()

    def set(self, values: Mapping[str, object]) -> None:
        """Plan the move of what was loaded, from what it runs to what is recommended."""
        self.scenario = dict(values)
        if self.shelf.case is not None:
            self.case, self.places = self.shelf.case, ("", "")
            self.review = build_reviews([self.case])[0]
            self._follow()

    @property
    def own(self) -> dict[str, object]:
        """The figures that the sliders stand at."""
        return {name: slider.value for name, slider in self.sliders.items()}

    def _follow(self, _change: object = None) -> None:
        try:
            planned = migration_views.planned(self.case, self.review, *self.places, self.own)
        except MeshlabError as error:
            self.words.value = report.table([], "; ".join(map(str, error.problems))).html
            return
        self.words.value = report.migration_line(planned).html
        names = ("migration-nodes", "migration-flow")
        drawn = [report.migration_chart(planned, name, theme=self.figures.theme) for name in names]
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
    unit = "" if known.unit in UNITLESS else f" [{known.unit}]"
    return widgets.VBox([widgets.Label(f"{known.label}{unit}", tooltip=known.why), slider], layout=ROW)


def move_view(
    case: Case, review: Review, today: str = "", target: str = "", own: Mapping[str, object] | None = None
) -> MoveView:
    """A plan whose window and parallelism are set by hand."""
    return MoveView(case, review, today, target, own)
