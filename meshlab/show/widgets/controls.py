"""One control for each type of input: what sets it, what stands in while it is not given, and what was refused.

What is typed goes through the same check as a file.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import polars as pl
import traitlets

from meshlab.errors import MeshlabError, Problem
from meshlab.scenario import Input, check_scenarios, inputs
from meshlab.show.labels import titled, unit_shown
from meshlab.tables import read_table
from meshlab.units import plain_number

NOT_GIVEN = ""
"""Value of the list's entry that stands for a missing value; a list takes None for no entry at all."""

FIXED = "0 0 auto"
"""Layout of what keeps its height in a column that scrolls."""

SLIDER_DECADES = 5
"""Decades below the upper bound at which a log slider begins where zero is allowed; below them only zero follows."""

SLIDER_STEPS = 100
"""Steps of a slider that is not logarithmic."""

PREFERRED = (10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91)
"""Preferred numbers of a decade, in tenths (the E24 series of IEC 60063): even steps of about a tenth."""


def button(words: str, tooltip: str, do: Callable[[], object], layout: Mapping[str, str] | None = None) -> Any:
    """A button that does something."""
    made = widgets.Button(description=words, tooltip=tooltip, layout=layout or {})
    made.on_click(lambda _button: do())
    return made


class Control(widgets.VBox):
    """One input: its label, whatever sets it, and its value; None where it is not given.

    Args:
        spec: The declared input.
    """

    value = traitlets.Any(None, allow_none=True)
    problem = traitlets.Unicode("")

    def __init__(self, spec: Input) -> None:
        self.spec = spec
        self._shown_by_us = False
        self.fault = widgets.HTML(layout={"flex": FIXED, "display": "none"})
        heading = widgets.Label(titled(spec.label, spec.unit), tooltip=help_text(spec), layout={"flex": FIXED})
        super().__init__([heading, *self._parts(), self.fault], layout={"margin": "0 0 10px 0", "flex": FIXED})
        self.observe(self._tell, "problem")
        for name in self.classes:
            self.add_class(name)

    @property
    def classes(self) -> tuple[str, str]:
        """By which a page knows what stands for an input, to name it."""
        return "meshlab-control", f"meshlab-input-{self.spec.name}"

    def _tell(self, change: Mapping[str, str]) -> None:
        """Say beside the field what was refused."""
        self.fault.layout.display = "" if change["new"] else "none"
        self.fault.value = f'<div role="alert" class="meshlab-fault">⚠ {html.escape(change["new"])}</div>'

    def _parts(self) -> Sequence[widgets.Widget]:
        raise NotImplementedError

    def assume(self, default: object) -> None:
        """Show what stands in while no value is given; None where nothing does."""
        raise NotImplementedError

    def set(self, value: object) -> None:
        """Take a value that is known to be allowed."""
        self.problem = ""
        self.value = value

    def _show(self, part: widgets.Widget, **traits: object) -> None:
        """Change what is shown, which is no answer of the user's."""
        self._shown_by_us = True
        for name, value in traits.items():
            setattr(part, name, value)
        self._shown_by_us = False


class TextField(Control):
    """An input that is typed: text that goes through the same check as a file."""

    def _parts(self) -> Sequence[widgets.Widget]:
        self.text = widgets.Text(continuous_update=False, tooltip=help_text(self.spec), layout={"width": "120px"})
        self.text.observe(self._typed, "value")
        self.observe(self._write, "value")
        return [self.text]

    def _typed(self, change: Mapping[str, str]) -> None:
        if self._shown_by_us:
            return
        try:
            self.set(checked(self.spec.name, change["new"]))
        except MeshlabError as error:
            self.problem = "; ".join(problem_text(problem) for problem in error.problems)

    def _write(self, change: Mapping[str, object]) -> None:
        self._show(self.text, value=plain_text(change["new"]))

    def set(self, value: object) -> None:
        """Take a value, and show it even where the text says something that was refused."""
        super().set(value)
        self._write({"new": value})

    def assume(self, default: object) -> None:
        """Show in grey what stands in."""
        self.text.placeholder = "unknown" if default is None else f"{plain_text(default)} (default)"


class Slider(TextField):
    """A number: a slider over a ladder of round values for the hand, with a typed entry beside it for the exact one."""

    def _parts(self) -> Sequence[widgets.Widget]:
        typed = super()._parts()
        self.ladder = ladder(self.spec)
        # a slider over rungs, not over values: no front end can then round a value that it was only shown
        self.slider = widgets.IntSlider(
            min=0,
            max=len(self.ladder) - 1,
            readout=False,
            tooltip=help_text(self.spec),
            layout={"flex": "1 1 120px", "width": "auto", "min_width": "100px"},
        )
        self.slider.observe(self._slid, "value")
        return [widgets.HBox([self.slider, *typed], layout={"align_items": "center"})]

    def _slid(self, change: Mapping[str, int]) -> None:
        if not self._shown_by_us:
            self.set(self.ladder[change["new"]])

    def _write(self, change: Mapping[str, Any]) -> None:
        super()._write(change)
        if change["new"] is not None:
            self._rest_at(change["new"])

    def assume(self, default: object) -> None:
        """Show what stands in, and rest the slider there."""
        super().assume(default)
        if self.value is None and isinstance(default, int | float):
            self._rest_at(default)

    def _rest_at(self, number: float) -> None:
        rung = min(range(len(self.ladder)), key=lambda rung: abs(self.ladder[rung] - number))
        self._show(self.slider, value=rung)


class Choice(Control):
    """An input with few values: a list that begins with what stands in while none is chosen."""

    def _parts(self) -> Sequence[widgets.Widget]:
        self.choice = widgets.Dropdown(tooltip=help_text(self.spec), layout={"width": "220px"})
        self.assume(None)
        self.choice.observe(self._chosen, "value")
        self.observe(self._write, "value")
        return [self.choice]

    @property
    def _values(self) -> dict[str, object]:
        return {"yes": True, "no": False} if self.spec.type == "boolean" else {name: name for name in self.spec.choices}

    def _chosen(self, change: Mapping[str, object]) -> None:
        if not self._shown_by_us:
            self.set(None if change["new"] == NOT_GIVEN else change["new"])

    def _write(self, change: Mapping[str, object]) -> None:
        self._show(self.choice, value=NOT_GIVEN if change["new"] is None else change["new"])

    def assume(self, default: object) -> None:
        """Name what stands in as the first entry."""
        first = "not known" if default is None else f"{plain_text(default)} (default)"
        options = ((first, NOT_GIVEN), *self._values.items())
        if options != self.choice.options:
            self._show(self.choice, options=options)
            self._write({"new": self.value})


class Members(Control):
    """A set: a box for each member, and one that says that there is none. No box ticked means unknown."""

    def _parts(self) -> Sequence[widgets.Widget]:
        texts = {row["need"]: row for row in read_table("needs").iter_rows(named=True)}
        self.none = self._box("None of these", "Known to be none; without any box ticked they are not known")
        self.boxes = {name: self._box(texts[name]["label"], texts[name]["description"]) for name in self.spec.choices}
        self.observe(self._write, "value")
        grid = {"grid_template_columns": "repeat(auto-fill, minmax(200px, 1fr))"}
        boxes = widgets.GridBox([self.none, *self.boxes.values()], layout=grid)
        boxes.add_class("meshlab-members")
        return [boxes]

    def _box(self, label: str, description: str) -> widgets.Checkbox:
        box = widgets.Checkbox(description=label, tooltip=description, indent=False, layout={"width": "auto"})
        box.observe(self._ticked, "value")
        return box

    def _ticked(self, change: Mapping[str, Any]) -> None:
        if self._shown_by_us:
            return
        ticked = [name for name, box in self.boxes.items() if box.value]
        if change["owner"] is self.none and change["new"]:
            ticked = []
        self.set(ticked or ([] if self.none.value and change["owner"] is self.none else None))

    def _write(self, change: Mapping[str, Any]) -> None:
        self._show(self.none, value=change["new"] == [])
        for name, box in self.boxes.items():
            self._show(box, value=name in (change["new"] or []))

    def assume(self, default: object) -> None:
        """Nothing stands in for a set."""


CONTROLS: dict[str, type[Control]] = {
    "integer": Slider,
    "number": Slider,
    "boolean": Choice,
    "choice": Choice,
    "version": TextField,
    "set": Members,
}
"""Control of an input, by its type."""


def ladder(spec: Input) -> tuple[float, ...]:
    """Round values between an input's bounds: even steps, or 24 to a decade where the input spans decades."""
    lower, upper = spec.bounds
    if spec.scale == "log":
        lowest = lower or min(1.0, upper / 10**SLIDER_DECADES)
        decades = range(math.floor(math.log10(lowest)), math.ceil(math.log10(upper)))
        inner = (float(f"{step}e{decade - 1}") for decade in decades for step in PREFERRED)
    else:
        lowest, steps = lower, min(SLIDER_STEPS, int(upper - lower)) if spec.type == "integer" else SLIDER_STEPS
        inner = (lower + (upper - lower) * step / steps for step in range(steps))
    rungs = {lower, upper, *(value for value in inner if lowest <= value <= upper)}
    return tuple(sorted({int(value) for value in rungs} if spec.type == "integer" else {round(r, 6) for r in rungs}))


class Names(anywidget.AnyWidget):
    """Gives controls their labels as names, and sliders their values with units, for those who hear the page."""

    _esm = Path(__file__).with_name("names.js")
    steps = traitlets.Dict().tag(sync=True)
    """What each place of an input's slider stands for."""

    def __init__(self) -> None:
        numbers = {name: spec for name, spec in inputs().items() if CONTROLS[spec.type] is Slider}
        steps = {
            name: [f"{plain_text(step)} {unit_shown(spec.unit)}".strip() for step in ladder(spec)]
            for name, spec in numbers.items()
        }
        super().__init__(steps=steps)


def help_text(spec: Input) -> str:
    """What an input means, what may be given, and what stands in for it: the tooltip."""
    default = f" Default: {spec.default} ({spec.default_why})." if spec.default else ""
    return f"{spec.description}. {spec.allowed[0].upper()}{spec.allowed[1:]}.{default}"


def plain_text(value: object) -> str:
    """A value as it can be typed again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)  # noqa: PLR2004


def checked(name: str, text: str) -> object:
    """The value of typed text, or None where it is empty.

    Raises:
        MeshlabError: The text is no value of that input.
    """
    if not text.strip():
        return None
    spec = inputs()[name]
    typed = plain_number(text, spec.unit) if spec.type in ("integer", "number") else text
    frame = pl.DataFrame({"scenario": ["panel"], name: [typed]})
    return check_scenarios(frame, "panel", lambda _row, _column: None)[name][0]


def problem_text(problem: Problem) -> str:
    """A problem in words, without the place: it stands where it was typed."""
    return f"{problem.what}; {problem.todo}" if problem.todo else problem.what
