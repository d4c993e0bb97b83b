"""Curves of each data plane: a figure over one input, and latency along a user's path of calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import polars.selectors as cs

from meshlab.models.overhead import dataplanes, mesh_dataplanes
from meshlab.show.charts.canvas import Captions, Look, chart_of
from meshlab.show.charts.facets import Axes, facets
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import THEMES, figure_text, interval_text, mix

Row = Mapping[str, Any]

CURVE_KEY = (
    "Line: median; its dotted parts: extrapolated. Band: 10–90 % interval. Thin lines: the other data planes. "
    "Symbol: as it stands."
)
PATH_KEY = (
    "Band: from p50 to p99 of the whole path; line: its p90; medians of the models. Dashes: the p99 of one call "
    "times the calls, which no path reaches, since slow calls seldom fall together."
)


DIGITS = 4
"""Significant digits of what is drawn."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a curve shows, in words.

    Args:
        input: Label of the input that it runs over.
        input_unit: Unit of that input.
        log: Whether the input's axis is logarithmic.
        figure: The figure.
        unit: Its unit.
        subject: Whose figures these are: the line under the title.
    """

    input: str
    input_unit: str
    log: bool
    figure: str
    unit: str
    subject: str


def curves(frame: pl.DataFrame, shown: Shown, look: Look) -> Chart:
    """A figure of every data plane over one input, with the scenario's own point.

    Args:
        frame: Columns of ``curves.curve``.
        shown: What it shows, in words.
        look: Theme and size.
    """
    frame = frame.filter(pl.col("dataplane") != "none")
    title = f"{shown.figure} over {shown.input[0].lower()}{shown.input[1:]}"
    own = frame.filter("here")
    axes = Axes(
        x_title=_titled(shown.input, shown.input_unit),
        y_title=_titled(shown.figure, shown.unit),
        x_log=shown.log and frame["x"][0] > 0,
        x=(frame["x"].min(), frame["x"].max()),  # type: ignore[arg-type]
        y=pl.concat([frame["lo"], frame["hi"]]),
        here=own["x"][0],
        revision=f"{shown.input}|{shown.figure}",
    )
    planes = _by_plane(frame)
    plot = facets(axes, lambda name, on: _curve(planes, name, on, look.theme), look)
    sentences = [
        f"{_label(row)} at {figure_text(row['x'])}: {figure_text(row['median'])} {shown.unit}, "
        f"10 to 90 %: {interval_text(row['lo'], row['hi']).replace('–', 'to')}."
        for row in own.iter_rows(named=True)
    ]
    captions = Captions("curves", title, CURVE_KEY, shown.subject)
    return chart_of(captions, plot, _curve_rows(frame, shown), look, sentences=sentences)


def path(frame: pl.DataFrame, subject: str, look: Look) -> Chart:
    """Percentiles of the latency that every data plane adds, along a path of calls in sequence.

    Args:
        frame: Columns of ``curves.path``.
        subject: Whose figures these are: the line under the title.
        look: Theme and size.
    """
    frame = frame.filter(pl.col("dataplane") != "none")
    own = frame.filter("here")
    axes = Axes(
        x_title="Calls in sequence",
        y_title=_titled("Added latency", "ms"),
        x_log=False,
        x=(1.0, frame["x"].max()),  # type: ignore[arg-type]
        y=pl.concat([frame["added_p50_ms"].clip(upper_bound=0.0), frame["added_up_ms"]]),
        here=own["x"][0],
        revision="path",
    )
    planes = _by_plane(frame)
    plot = facets(axes, lambda name, on: _path(planes[name], name, on, look.theme), look)
    sentences = [
        f"{_label(row)} over {row['x']:.0f} calls: p50 {figure_text(row['added_p50_ms'])}, "
        f"p90 {figure_text(row['added_p90_ms'])}, p99 {figure_text(row['added_p99_ms'])} ms."
        for row in own.iter_rows(named=True)
    ]
    captions = Captions("path", "Latency that builds up along a path of calls", PATH_KEY, subject)
    return chart_of(captions, plot, _path_rows(frame), look, sentences=sentences)


def _label(row: Row) -> str:
    return dataplanes()[row["dataplane"]].label


def _titled(words: str, unit: str) -> str:
    return f"{words} [{unit}]" if unit else words


def _by_plane(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """What is drawn, by data plane, in digits enough for any screen."""
    drawn = frame.with_columns(cs.float().exclude("x").round_sig_figs(DIGITS))
    return {name: drawn.filter(dataplane=name) for name in mesh_dataplanes()}


# --- traces --------------------------------------------------------------------------------------------------------


def _curve(planes: Mapping[str, pl.DataFrame], name: str, on: Spec, theme: str) -> list[Spec]:
    frame, hue = planes[name], dataplanes()[name].hues[theme]
    others = pl.concat([_broken(planes[other]) for other in mesh_dataplanes() if other != name])
    measured = frame.select(pl.when("in_evidence_range").then("median"))["median"]
    own = frame.filter("here")
    return [
        _band(frame, "lo", "hi", hue, theme) | on,
        _line(others, "median", mix(THEMES[theme].muted, THEMES[theme].paper, 0.5), 1) | on,
        _line(frame, "median", hue, 2, "dot") | on | {"customdata": _curve_hovers(frame, name), **HOVERED},
        {**_line(frame, "median", hue, 2.5), "y": measured.to_list()} | on,
        _point(own["x"][0], own["median"][0], name, theme) | on,
    ]


def _path(frame: pl.DataFrame, name: str, on: Spec, theme: str) -> list[Spec]:
    hue = dataplanes()[name].hues[theme]
    own = frame.filter("here")
    hovers = [
        f"{dataplanes()[name].label}, {row['x']:.0f} calls<br>p50 {figure_text(row['added_p50_ms'])}, "
        f"p90 {figure_text(row['added_p90_ms'])}, p99 {figure_text(row['added_p99_ms'])} ms<br>"
        f"if tails were added up: {figure_text(row['added_up_ms'])} ms"
        for row in frame.iter_rows(named=True)
    ]
    return [
        _band(frame, "added_p50_ms", "added_p99_ms", hue, theme) | on,
        _line(frame, "added_up_ms", THEMES[theme].muted, 1.2, "dash") | on,
        _line(frame, "added_p90_ms", hue, 2) | on | {"customdata": hovers, **HOVERED},
        _point(own["x"][0], own["added_p90_ms"][0], name, theme) | on,
    ]


HOVERED = {"hoverinfo": None, "hovertemplate": "%{customdata}<extra></extra>"}


def _broken(frame: pl.DataFrame) -> pl.DataFrame:
    """A curve that ends before the next one begins: with a gap behind it."""
    return pl.concat([frame, frame.clear(1)])


def _band(frame: pl.DataFrame, lower: str, upper: str, hue: str, theme: str) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*frame["x"], *frame["x"].reverse()],
        "y": [*frame[upper], *frame[lower].reverse()],
        "fill": "toself",
        "fillcolor": mix(hue, THEMES[theme].paper, 0.25),
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _line(frame: pl.DataFrame, column: str, colour: str, width: float, dash: str = "solid") -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": frame["x"].to_list(),
        "y": frame[column].to_list(),
        "line": {"color": colour, "width": width, "dash": dash},
        "hoverinfo": "skip",
    }


def _point(x: float, y: float, name: str, theme: str) -> Spec:
    """The scenario's own point, in the data plane's symbol."""
    plane = dataplanes()[name]
    marker = {"symbol": plane.symbol, "size": 10, "color": plane.hues[theme]}
    line = {"width": 1.5, "color": THEMES[theme].ink}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": [y],
        "marker": {**marker, "line": line},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


# --- the same without a picture ------------------------------------------------------------------------------------


def _curve_hovers(frame: pl.DataFrame, name: str) -> list[str]:
    return [
        f"{dataplanes()[name].label} at {figure_text(row['x'])}<br>median: {figure_text(row['median'])}<br>"
        f"10–90 %: {interval_text(row['lo'], row['hi'])}{'' if row['in_evidence_range'] else '<br>extrapolated'}"
        for row in frame.iter_rows(named=True)
    ]


def _curve_rows(frame: pl.DataFrame, shown: Shown) -> list[dict[str, str]]:
    return [
        {
            "data plane": _label(row),
            _titled(shown.input, shown.input_unit): figure_text(row["x"]),
            f"median [{shown.unit}]": figure_text(row["median"]),
            f"10–90 % [{shown.unit}]": interval_text(row["lo"], row["hi"]),
            "note": ", ".join(
                word
                for word, applies in (("as it stands", row["here"]), ("extrapolated", not row["in_evidence_range"]))
                if applies
            ),
        }
        for row in _few(frame).iter_rows(named=True)
    ]


def _path_rows(frame: pl.DataFrame) -> list[dict[str, str]]:
    percentiles = {"p50": "added_p50_ms", "p90": "added_p90_ms", "p99": "added_p99_ms"}
    return [
        {
            "data plane": _label(row),
            "calls in sequence": f"{row['x']:.0f}",
            **{f"{name} [ms]": figure_text(row[column]) for name, column in percentiles.items()},
            "p99 of one call times the calls [ms]": figure_text(row["added_up_ms"]),
            "note": "as it stands" if row["here"] else "",
        }
        for row in _few(frame).iter_rows(named=True)
    ]


SHOWN_EVERY = 4
"""Of so many points of a curve one stands in its table, beside the scenario's own."""


def _few(frame: pl.DataFrame) -> pl.DataFrame:
    number = pl.int_range(pl.len()).over("dataplane")
    return frame.filter((number % SHOWN_EVERY == 0) | pl.col("here"))
