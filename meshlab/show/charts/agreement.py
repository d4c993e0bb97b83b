"""Measured against predicted: a symbol for each published figure, with the interval that the models give it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from meshlab.models.overhead import dataplanes
from meshlab.show.charts.canvas import Captions, Look, Plot, chart_of
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import figure_text, interval_text, mix

Row = Mapping[str, Any]

PLOT_PX, AXIS_PX = 420, 54
"""Height of the plot, and room for its axis. [px]"""

SIDES_PX = (74, 20)
"""Room to the left, for the axis, and to the right. [px]"""

NOUNS = {"memory": ("Memory", "MiB"), "cpu": ("CPU", "mcores"), "latency": ("Added latency", "ms")}
"""What is compared, and its unit, by kind of figure."""

KEY = "Line up: 10–90 % interval. Diagonal: measured as predicted; dotted: twice and half."


def prepare(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The figures of one kind that logarithms can show, by data plane and source.

    Args:
        rows: Rows of ``evidence.assess()``, either fitted or left out.
        kind: memory, cpu or latency.
    """
    order = pl.col("dataplane").replace_strict(list(dataplanes()), range(len(dataplanes())), default=len(dataplanes()))
    return (
        rows.filter(pl.col("kind") == kind, pl.col("measured") > 0, pl.col("predicted") > 0)
        .with_columns(label=pl.col("dataplane").replace({name: plane.label for name, plane in dataplanes().items()}))
        .sort(order, "source_id", "component", "measured", maintain_order=True)
    )


def agreement(rows: pl.DataFrame, kind: str, look: Look) -> Chart:
    """Published figures of one kind against the models.

    Args:
        rows: Rows of ``evidence.assess()``, either fitted or left out.
        kind: memory, cpu or latency.
        look: Theme and size.
    """
    frame = prepare(rows, kind)
    noun, unit = NOUNS[kind]
    inside = int(frame["inside"].sum())
    captions = Captions(
        f"agreement-{kind}",
        f"{noun}: measured against predicted",
        f"{_symbols(frame)}. Filled: inside its interval; open: outside. {KEY}",
        f"{inside} of {frame.height} figures from {frame['source_id'].n_unique()} sources lie inside",
    )
    ids = sorted(frame["source_id"].unique())
    return chart_of(captions, _plot(kind, frame, look), table(frame, unit), look, source_ids=ids)


def _symbols(frame: pl.DataFrame) -> str:
    shown = frame["dataplane"].unique(maintain_order=True)
    return ", ".join(f"{dataplanes()[name].mark} {dataplanes()[name].label}" for name in shown)


def _plot(kind: str, frame: pl.DataFrame, look: Look) -> Plot:
    low, high = _decades(frame)
    traces = [_line(low, high, factor, look) for factor in (0.5, 1.0, 2.0)]
    traces += [_points(part, look) for part in frame.partition_by("dataplane", maintain_order=True)]
    axis = {
        "type": "log",
        "range": [low, high],
        "fixedrange": True,
        "automargin": False,
        "dtick": 1,
        "exponentformat": "SI",
        "minexponent": 5,
        "separatethousands": True,
    }
    noun, unit = NOUNS[kind]
    layout = {
        "xaxis": {**axis, "title": {"text": f"{noun}, measured [{unit}]"}},
        "yaxis": {**axis, "title": {"text": f"{noun}, predicted [{unit}]"}},
    }
    return Plot(traces, layout, PLOT_PX, AXIS_PX, SIDES_PX)


def _decades(frame: pl.DataFrame) -> tuple[int, int]:
    """Whole powers of ten around all figures; intervals may reach further."""
    figures = pl.concat([frame["measured"], frame["predicted"]])
    return math.floor(math.log10(figures.min())), math.ceil(math.log10(figures.max()))  # type: ignore[arg-type]


def _line(low: int, high: int, factor: float, look: Look) -> Spec:
    ends = [10.0**low, 10.0**high]
    dash = "solid" if factor == 1 else "dot"
    return {
        "type": "scatter",
        "mode": "lines",
        "x": ends,
        "y": [end * factor for end in ends],
        "line": {"color": look.colours.muted, "width": 1, "dash": dash},
        "hoverinfo": "skip",
    }


def _points(frame: pl.DataFrame, look: Look) -> Spec:
    plane = dataplanes()[frame["dataplane"][0]]
    hue, paper = plane.hues[look.theme], look.colours.paper
    return {
        "type": "scatter",
        "name": plane.label,
        "mode": "markers",
        "x": frame["measured"].to_list(),
        "y": frame["predicted"].to_list(),
        "marker": {
            "symbol": [plane.symbol if inside else f"{plane.symbol}-open" for inside in frame["inside"]],
            "size": 9,
            "color": hue,
            "line": {"width": 1.5, "color": hue},
        },
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (frame["hi"] - frame["predicted"]).to_list(),
            "arrayminus": (frame["predicted"] - frame["lo"]).to_list(),
            "color": mix(hue, paper, 0.45),
            "thickness": 1,
            "width": 0,
        },
        "customdata": [_hover(row) for row in frame.iter_rows(named=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _hover(row: Row) -> str:
    return (
        f"{row['label']}, {row['component']}<br>source {row['source_id']}<br>"
        f"measured: {figure_text(row['measured'])} {row['unit']}<br>"
        f"predicted: {figure_text(row['predicted'])} ({interval_text(row['lo'], row['hi'])})"
    )


def table(frame: pl.DataFrame, unit: str) -> list[dict[str, str]]:
    """Every figure as a row of text."""
    return [
        {
            "source": row["source_id"],
            "data plane": row["label"],
            "component": row["component"],
            "metric": row["metric"].replace("_", " "),
            f"measured [{unit}]": figure_text(row["measured"]),
            f"predicted [{unit}]": figure_text(row["predicted"]),
            f"10–90 % [{unit}]": interval_text(row["lo"], row["hi"]),
            "inside": "✓ yes" if row["inside"] else "✗ no",
        }
        for row in frame.iter_rows(named=True)
    ]
