"""What lies around one scenario, as drawings: curves, the path of calls, break-even, drivers, and what is assumed.

Each takes the values that are given, as a panel or a workbook's parameters hold them; what they leave open follows its
default. Live views and static pages share these drawings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from meshlab.models import sensitivity
from meshlab.models.curves import curve, curve_inputs, path
from meshlab.models.overhead import adding, dataplanes, figures
from meshlab.reviews.record import AssumedValue
from meshlab.reviews.review import STRONGEST, without
from meshlab.scenario import frame_of, inputs, with_defaults
from meshlab.show import report
from meshlab.show.charts import break_even as break_even_chart
from meshlab.show.charts import curves as curve_charts
from meshlab.show.charts.canvas import Drawing, subject
from meshlab.show.charts.drivers import drivers
from meshlab.show.theme import NARROW_PX

SCENARIO = "this scenario"
"""Name of a scenario that has none."""

EXPLORED = ("memory_gib", "cpu_cores", "added_p50_ms", "added_p99_ms", "cost_usd_per_month")
"""Figures that can be explored."""

UNITLESS = ("count", "share", None)
"""Units that an axis need not name."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """How a drawing looks where it fills what surrounds it.

    Args:
        theme: light, dark or print.
        text_width: The least width, into which lines are broken. [px]
    """

    theme: str = "light"
    text_width: int = NARROW_PX


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A scenario whose surroundings are explored.

    Args:
        frame: Its row, with what is open left open.
        filled: The same with defaults.
    """

    frame: pl.DataFrame
    filled: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Whose figures these are, in one line."""
        return subject(self.filled["scenario"], self.filled)


def around(values: Values, name: str = SCENARIO) -> Surroundings:
    """The scenario of these values, which are known to be allowed."""
    frame = frame_of([{"scenario": name, **without(values, "scenario")}])
    return Surroundings(frame, with_defaults(frame).collect().row(0, named=True))


def axis_title(name: str) -> tuple[str, str]:
    """Label and unit of an input, as an axis names them."""
    spec = inputs()[name]
    return spec.label, "" if spec.unit in UNITLESS else str(spec.unit)


def figure_title(name: str) -> tuple[str, str]:
    """Label and unit of a figure, as an axis names them."""
    return (figures()[name].label, figures()[name].unit) if name in figures() else (name, "")


def curve_drawing(values: Values, name: str, figure: str, look: Look = Look()) -> Drawing:
    """A figure of every data plane over one input.

    Args:
        values: Values of declared inputs; absent ones follow their defaults.
        name: One of ``curve_inputs()``.
        figure: One of `EXPLORED`.
        look: Theme and width.

    Raises:
        MeshlabError: There is no such input or figure.
    """
    own = around(values)
    frame = curve(own.frame, name, figure)
    shown = curve_charts.Shown(*axis_title(name), inputs()[name].scale == "log", *figure_title(figure), own.subject)
    return curve_charts.curves(frame, shown, theme=look.theme, text_width=look.text_width)


def path_drawing(values: Values, look: Look = Look()) -> Drawing:
    """Latency of every data plane along the path of calls."""
    own = around(values)
    return curve_charts.path(path(own.frame), own.subject, theme=look.theme, text_width=look.text_width)


def break_even_drawing(
    values: Values,
    pair: tuple[str, str],
    over: tuple[str, str],
    look: Look = Look(),
) -> Drawing:
    """Where two data planes cost the same, over two inputs.

    Args:
        values: Values of declared inputs; absent ones follow their defaults.
        pair: The two data planes.
        over: The two inputs: from left to right, and from bottom to top.
        look: Theme and width.

    Raises:
        MeshlabError: There is no such data plane or input.
    """
    own = around(values)
    x, y = over
    asked = (own.frame, *pair, "cost_usd_per_month", x, y)
    line = sensitivity.break_even(*asked)
    across, up = (f"{label} [{unit}]" if unit else label for label, unit in map(axis_title, over))
    plane = break_even_chart.Plane(x, y, across, up, (own.filled[x], own.filled[y]))
    return break_even_chart.break_even(
        line,
        pair,
        plane,
        own.subject,
        theme=look.theme,
        width=None,
        text_width=look.text_width,
        throughout=sensitivity.cheaper_throughout(*asked) if line.is_empty() else None,
    )


def drivers_drawing(values: Values, dataplane: str, figure: str, look: Look = Look()) -> Drawing:
    """What moves one figure of one data plane most.

    Args:
        values: Values of declared inputs; absent ones follow their defaults.
        dataplane: A data plane that adds something.
        figure: One of `EXPLORED`.
        look: Theme and width.

    Raises:
        MeshlabError: There is no such data plane or figure.
    """
    own = around(values)
    found = sensitivity.tornado(own.frame, dataplane, figure).head(STRONGEST)
    rows = found.with_columns(dataplane=pl.lit(dataplane)).to_dicts()
    return drivers(
        rows,
        *figure_title(figure),
        own.subject,
        theme=look.theme,
        width=None,
        text_width=look.text_width,
    )


def assumed(values: Values) -> report.Fragment:
    """Each default that stands in for a value that is not given, and why."""
    filled = around(values).filled
    return report.assumed(
        [AssumedValue(input=name, value=filled[name], why=inputs()[name].default_why) for name in filled["assumed"]]
    )


def picture(drawn: Drawing) -> report.Picture:
    """A drawing with its words and its table, for a cell."""
    return report.picture(drawn.name, drawn.spec, drawn.rows, drawn.words)


def input_choices() -> list[tuple[str, str]]:
    """Inputs that can run along an axis: label and name."""
    return [(inputs()[name].label, name) for name in curve_inputs()]


def dataplane_choices() -> list[tuple[str, str]]:
    """Data planes that add something: label and name."""
    return [(dataplanes()[name].label, name) for name in adding()]


def figure_choices() -> list[tuple[str, str]]:
    """Figures that can be explored: label and name."""
    return [(figures()[name].label, name) for name in EXPLORED]
