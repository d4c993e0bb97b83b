"""The panel: a control for each declared input, by group, and the scenario that they hold together.

An input that nobody touched stays missing: its default stands in, is shown as one, and follows the inputs that it is
computed from.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import polars as pl
import traitlets

from meshlab.reviews.review import build_reviews, light_review
from meshlab.scenario import frame_of, inputs, scenarios, with_defaults
from meshlab.show.widgets.controls import CONTROLS, Names, button
from meshlab.show.widgets.live import Once
from meshlab.show.widgets.scenario_files import ScenarioFiles

GROUPS = {
    "cluster": "Cluster",
    "traffic": "Traffic",
    "needs": "Needs",
    "prices": "Prices",
    "decision": "Facts",
    "budgets": "Budgets",
}
"""Tabs of the panel, by the group of the input."""

SCROLLING = {"max_height": "560px", "overflow": "hidden auto", "padding": "6px"}
"""Layout of controls that may be more than the page is high."""

SCENARIO = "this scenario"
"""Name of the scenario that a panel holds."""


class Panel(widgets.VBox):
    """Controls of the declared inputs by group. ``scenario`` holds what is given and can be observed.

    Args:
        initial: Values to begin with, and to return to on reset.
        names: Inputs that get a control, in one list; all of them, by group, unless given.
    """

    scenario = traitlets.Dict()
    """Values that are given; ``light`` and ``whole`` make reviews of them, once for all who ask."""
    pinned = traitlets.Dict(default_value=None, allow_none=True)
    """A scenario to compare with, or None."""

    def __init__(self, initial: Mapping[str, object], names: Sequence[str] | None = None) -> None:
        self.initial = {name: value for name, value in initial.items() if value is not None}
        self.controls = {name: CONTROLS[inputs()[name].type](inputs()[name]) for name in names or inputs()}
        self.beyond: dict[str, object] = {}
        self.assumed: dict[str, tuple[object, str]] = {}
        self.scenario_files = ScenarioFiles(self)
        self.whole = Once(lambda values: build_reviews([self.scenario_files.case_of(values)])[0])
        self.light = Once(light_review)
        self.message = widgets.HTML()
        self._quiet = False
        self.reset_button = button("Reset", "Return to the values at the beginning", self.reset)
        self.pin_button = button("Pin as A", "Keep this scenario, and compare with it what follows", self.pin)
        groups = {group: [each for each in self.controls.values() if each.spec.group == group] for group in GROUPS}
        columns = [widgets.VBox(members, layout=SCROLLING) for members in groups.values()]
        super().__init__(
            [
                widgets.VBox(list(self.controls.values()), layout=SCROLLING)
                if names
                else widgets.Tab(columns, titles=list(GROUPS.values())),
                self.message,
                self.scenario_files,
                Names(),
                widgets.HBox([self.reset_button, self.pin_button]),
            ],
            layout={"flex": "1 1 300px", "max_width": "420px"},
        )
        self.add_class("meshlab-panel")
        self.reset()
        for control in self.controls.values():
            control.observe(self._changed, "value")
            control.observe(self._complain, "problem")

    def reset(self) -> None:
        """Return to the initial values, and forget what was loaded."""
        self.scenario_files.case = None
        self.assumed.clear()
        self.set(self.initial)

    def pin(self) -> None:
        """Keep the scenario to compare with; once more, and it is let go."""
        self.pinned = None if self.pinned else dict(self.scenario)
        self.pin_button.description = "Unpin A" if self.pinned else "Pin as A"

    def set(self, values: Mapping[str, object]) -> None:
        """Give exactly these values; all other inputs are missing again. The change is announced once.

        Values of inputs that have no control here are kept beside the others, in ``beyond``.
        """
        self._quiet = True
        self.beyond = {name: value for name, value in values.items() if name not in self.controls}
        for name, control in self.controls.items():
            control.set(values.get(name))
        self._quiet = False
        self._take()

    def _changed(self, _change: object) -> None:
        if not self._quiet:
            self._take()

    def _take(self) -> None:
        given = {name: control.value for name, control in self.controls.items()}
        self.scenario = {name: value for name, value in (self.beyond | given).items() if value is not None}
        standing_in = defaults(self.scenario)
        for name, control in self.controls.items():
            control.assume(standing_in.get(name))

    def _complain(self, _change: object) -> None:
        refused = [control.spec.label for control in self.controls.values() if control.problem]
        self.tell(
            [f"Not taken: {', '.join(refused)}. The figures are of the last values that were."] if refused else []
        )

    def tell(self, problems: Sequence[str]) -> None:
        """Show problems in words, or nothing."""
        lines = "".join(f"<div>⚠ {html.escape(problem)}</div>" for problem in problems)
        self.message.value = f'<div role="alert" style="line-height: 1.4">{lines}</div>' if lines else ""


def panel(initial: Mapping[str, object] | None = None, names: Sequence[str] | None = None) -> Panel:
    """A panel of the declared inputs, beginning with these values.

    Args:
        initial: Values to begin with.
        names: Inputs that get a control; all of them unless given.

    Raises:
        MeshlabError: A value is not allowed, or there is no such input.
    """
    values = dict(initial or {})
    typed = scenarios({"scenario": SCENARIO, **dict.fromkeys(names or ()), **values}, "panel")
    return Panel({name: typed[name].to_list()[0] for name in values}, names)


def defaults(values: Mapping[str, object]) -> dict[str, object]:
    """What stands in, or would, for each input that has a default, given the values of the others."""
    formulas = {name: spec for name, spec in inputs().items() if spec.default is not None}
    filled = with_defaults(frame_of([{"scenario": SCENARIO, **values}]))
    return (
        filled.select(pl.sql_expr(str(spec.default)).cast(spec.dtype).alias(name) for name, spec in formulas.items())
        .collect()
        .row(0, named=True)
    )
