"""Charts of figures by data plane: a bar or dots for the median, a line across for the 10-90 % interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from meshlab.errors import MeshlabError, Problem, shorten
from meshlab.models.overhead import dataplanes
from meshlab.reviews.record import Review
from meshlab.show.charts.canvas import Canvas, Chart, Kind, Spec, figure_source_ids, framed, small
from meshlab.show.theme import HALF, THEMES, figure_text, interval_text, mix

Row = Mapping[str, Any]

SIDES_PX = (136, 150)
"""Room for names to the left and figures to the right. Fixed, so that nothing jumps under a slider. [px]"""

AXIS_PX = 50
"""Room for the value axis. [px]"""

BAR_PX, DOTS_PX = 48, 70
"""Height of a data plane's row, by kind of chart. [px]"""

PERCENTILES = {"p50": ("circle", -0.27), "p90": ("diamond", 0.0), "p99": ("square", 0.27)}
"""Symbol of each percentile, and its place in the data plane's row."""

PARTS = {"data_plane": "", "control_plane": "/"}
"""Parts of a total, each with the hatching that tells it from the others."""

ENDS = {"lo": "_lo", "median": "", "hi": "_hi"}
"""Columns of an interval, and how the estimates end them."""

MARKS = {"recommended": ("★", "recommended"), "today": ("●", "runs today"), "extrapolated": ("†", "extrapolated")}
"""What is said of a data plane, in a symbol and in words, by the column that says whether it applies."""

COMMON = ("dataplane", "label", *MARKS)


# --- frames --------------------------------------------------------------------------------------------------------


def estimates(review: Review, figures: Sequence[str]) -> pl.DataFrame:
    """Estimates of a review in the order of every chart, each with what a reader should know of it."""
    headline = review.headline
    columns = dict.fromkeys([f"{figure}{end}" for figure in figures for end in ENDS.values()], pl.Float64)
    if unknown := {row["dataplane"] for row in review.estimates} - dataplanes().keys():
        what = f"{review.team} has estimates of {shorten(min(unknown))}, which is no data plane here"
        raise MeshlabError(Problem("estimates", what, "render the review again"))
    schema = {"dataplane": pl.String, "in_evidence_range": pl.Boolean, **columns}
    labels = {"dataplane": list(dataplanes()), "label": [plane.label for plane in dataplanes().values()]}
    return (
        pl.DataFrame(labels)
        .join(pl.DataFrame(review.estimates, schema=schema), on="dataplane", how="inner", maintain_order="left")
        .with_columns(
            recommended=pl.col("dataplane").eq_missing(pl.lit(headline.dataplane)),
            today=pl.col("dataplane").eq_missing(pl.lit(headline.today)),
            extrapolated=~pl.col("in_evidence_range").fill_null(value=True),
        )
    )


def _interval(figure: str) -> list[pl.Expr]:
    return [pl.col(f"{figure}{end}").alias(name) for name, end in ENDS.items()]


def prepare_total(chart: Chart, review: Review) -> pl.DataFrame:
    """Totals with their interval, a row for each data plane."""
    return estimates(review, [chart.figure]).select(*COMMON, *_interval(chart.figure))


def prepare_split(chart: Chart, review: Review) -> pl.DataFrame:
    """Totals with their interval, and the medians of data plane and control plane."""
    parts = {part: f"{part}_{chart.figure}" for part in PARTS}
    rows = estimates(review, [chart.figure, *parts.values()])
    return rows.select(*COMMON, *_interval(chart.figure), **{part: pl.col(name) for part, name in parts.items()})


def prepare_percentiles(chart: Chart, review: Review) -> pl.DataFrame:
    """Figures with their interval, a row for each percentile of each data plane."""
    figures = {percentile: chart.figure.replace("p50", percentile) for percentile in PERCENTILES}
    rows = estimates(review, list(figures.values()))
    order = pl.col("dataplane").replace_strict(list(dataplanes()), range(len(dataplanes())), return_dtype=pl.Int64)
    return pl.concat(
        rows.select(*COMMON, *_interval(figure), percentile=pl.lit(percentile))
        for percentile, figure in figures.items()
    ).sort(order, "percentile")


def source_ids(chart: Chart, frame: pl.DataFrame, review: Review) -> list[str]:
    """Sources of this chart's figure of the data planes that are shown."""
    return figure_source_ids(review, chart.figure, set(frame["dataplane"]))


def source_ids_and_prices(chart: Chart, frame: pl.DataFrame, review: Review) -> list[str]:
    """Sources of the figures, and of the prices where the default ones stand in."""
    prices = [source["source_id"] for source in review.sources if "default prices" in source["supports"]]
    return list(dict.fromkeys([*source_ids(chart, frame, review), *prices]))


# --- drawing -------------------------------------------------------------------------------------------------------


def draw_bars(chart: Chart, frame: pl.DataFrame, canvas: Canvas) -> Spec:
    """A bar to the median, in parts where the frame has them, with the interval of the total across its end."""
    parts = PARTS if set(PARTS) <= set(frame.columns) else {"median": ""}
    traces = [_bar(frame, part, hatching, canvas) for part, hatching in parts.items()]
    traces.append(_whiskers(frame, range(frame.height), canvas, symbol="line-ns"))
    figures = [_bar_label(chart, row) for row in frame.iter_rows(named=True)]
    return _rows_figure(chart, canvas, frame, traces, (list(range(frame.height)), figures), BAR_PX)


def _bar(frame: pl.DataFrame, part: str, hatching: str, canvas: Canvas) -> Spec:
    paper = THEMES[canvas.theme].paper
    hues = _hues(frame, canvas)
    words = part.replace("_", " ")
    return {
        "type": "bar",
        "name": words,
        "orientation": "h",
        "x": frame[part].to_list(),
        "y": list(range(frame.height)),
        "width": 0.5,
        "marker": {
            # thinned, so that the interval's line stays visible on top
            "color": [mix(hue, paper, HALF) for hue in hues],
            "line": {"color": hues, "width": 1},
            "pattern": {"shape": hatching, "fgcolor": hues, "bgcolor": paper, "size": 6, "solidity": 0.35},
        },
        "customdata": [f"{row['label']}<br>{words}: {figure_text(row[part])}" for row in frame.iter_rows(named=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _hues(frame: pl.DataFrame, canvas: Canvas) -> list[str]:
    return [dataplanes()[dataplane].hues[canvas.theme] for dataplane in frame["dataplane"]]


def _whiskers(frame: pl.DataFrame, y: Sequence[float], canvas: Canvas, symbol: str | list[str]) -> Spec:
    ink = THEMES[canvas.theme].ink
    return {
        "type": "scatter",
        "name": "median and 10–90 % interval",
        "mode": "markers",
        "x": frame["median"].to_list(),
        "y": list(y),
        "yaxis": "y2",
        "cliponaxis": False,
        "marker": {"symbol": symbol, "size": 9, "color": ink, "line": {"width": 2, "color": ink}},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": (frame["hi"] - frame["median"]).to_list(),
            "arrayminus": (frame["median"] - frame["lo"]).to_list(),
            "color": ink,
            "thickness": 1.5,
            "width": 5,
        },
        "customdata": [_hover(row) for row in frame.iter_rows(named=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _hover(row: Row) -> str:
    interval = interval_text(row["lo"], row["hi"])
    median = f"{_name(row)}<br>median: {figure_text(row['median'])}"
    return f"{median}<br>10–90 %: {interval}" if interval else median


def draw_percentiles(chart: Chart, frame: pl.DataFrame, canvas: Canvas) -> Spec:
    """A symbol with its interval for each percentile, three to a data plane."""
    planes = frame["dataplane"].unique(maintain_order=True).to_list()
    places = [PERCENTILES[percentile] for percentile in frame["percentile"]]
    y = [planes.index(dataplane) + step for dataplane, (_, step) in zip(frame["dataplane"], places, strict=True)]
    dots = _whiskers(frame, y, canvas, [symbol for symbol, _ in places])
    dots["marker"] |= {"color": _hues(frame, canvas), "line": {"width": 1, "color": THEMES[canvas.theme].ink}}
    # plotly draws no axis without a trace, and the names stand on the first one
    anchor = {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "hoverinfo": "skip"}
    names = frame.unique("dataplane", keep="first", maintain_order=True)
    figures = [_percentile_label(row) for row in frame.iter_rows(named=True)]
    return _rows_figure(chart, canvas, names, [anchor, dots], (y, figures), DOTS_PX)


def _rows_figure(
    chart: Chart,
    canvas: Canvas,
    names: pl.DataFrame,
    traces: Sequence[Spec],
    figures: tuple[list[float], list[str]],
    row_px: int,
) -> Spec:
    """Rows of intervals: names to the left, figures to the right, and below a value axis that begins at zero."""
    colours = THEMES[canvas.theme]
    side = {
        "range": [names.height - 0.5, -0.5],
        "showgrid": False,
        "fixedrange": True,
        "automargin": False,
        "ticklabelstandoff": 6,
        "color": colours.ink,
    }
    labels = [_row_label(row) for row in names.iter_rows(named=True)]
    layout = {
        "xaxis": {**VALUE_AXIS, "title": {"text": f"{chart.axis} [{chart.unit}]"}, "zerolinecolor": colours.muted},
        "yaxis": {**side, "tickvals": list(range(names.height)), "ticktext": labels},
        "yaxis2": {**side, "tickvals": figures[0], "ticktext": figures[1], "overlaying": "y", "side": "right"},
        "barmode": "stack",
        "shapes": [_band(index, colours.band) for index in names["recommended"].arg_true()],
    }
    return framed(chart, canvas, traces, layout, names.height * row_px, below_px=AXIS_PX, sides_px=SIDES_PX)


VALUE_AXIS = {
    "rangemode": "tozero",
    "fixedrange": True,
    "automargin": False,
    "nticks": 5,
    "tickangle": 0,
    "exponentformat": "SI",
    "minexponent": 5,
    "separatethousands": True,
    "zeroline": True,
}
"""How values stand along an axis: from zero, few, level, never as powers of ten."""


def _band(row: int, colour: str) -> Spec:
    """What lies behind the row of the recommended data plane."""
    place = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": row - 0.48, "y1": row + 0.48}
    return {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": colour, **place}


def _row_label(row: Row) -> str:
    """A data plane's name, with a dagger where a caveat applies, and below it what else is said of it."""
    name = f"<b>{row['label']}</b>" + (f" {MARKS['extrapolated'][0]}" if row["extrapolated"] else "")
    below = [f"{MARKS[mark][0]} {MARKS[mark][1]}" for mark in ("recommended", "today") if row[mark]]
    return "<br>".join([name, *map(small, below)])


def _bar_label(chart: Chart, row: Row) -> str:
    if row["median"] is None:
        return "unknown"
    interval = interval_text(row["lo"], row["hi"])
    unit = chart.unit if chart.unit_beside is None else chart.unit_beside
    figure = f"<b>{figure_text(row['median'])}</b> {unit}"
    return f"{figure}<br>{small(interval)}" if interval else figure


def _percentile_label(row: Row) -> str:
    interval = interval_text(row["lo"], row["hi"])
    figure = f"{row['percentile']} <b>{figure_text(row['median'])}</b>"
    return f"{figure} {small(f'({interval})')}" if interval else figure


# --- the same without a picture ------------------------------------------------------------------------------------


def rows(chart: Chart, frame: pl.DataFrame) -> list[dict[str, str]]:
    """The figures as rows of text with units in the headings."""
    return [
        {
            "data plane": row["label"],
            **({"percentile": row["percentile"]} if "percentile" in row else {}),
            f"median [{chart.unit}]": figure_text(row["median"]),
            f"10–90 % [{chart.unit}]": interval_text(row["lo"], row["hi"]),
            **{f"{part.replace('_', ' ')} [{chart.unit}]": figure_text(row[part]) for part in PARTS if part in row},
            "note": ", ".join(_marks(row)),
        }
        for row in frame.iter_rows(named=True)
    ]


def sentences(chart: Chart, frame: pl.DataFrame) -> Iterator[str]:
    """The figures in words, a sentence each."""
    for row in frame.iter_rows(named=True):
        interval = interval_text(row["lo"], row["hi"]).replace("–", "to")
        figure = figure_text(row["median"]) + (f" {chart.unit}" if row["median"] is not None else "")
        marks = f" ({', '.join(_marks(row))})" if _marks(row) else ""
        yield f"{_name(row)}{marks}: {figure}{f', 10 to 90 %: {interval}' if interval else ''}."


def _marks(row: Row) -> list[str]:
    return [word for column, (_, word) in MARKS.items() if row[column]]


def _name(row: Row) -> str:
    return f"{row['label']} {row['percentile']}" if "percentile" in row else row["label"]


TOTALS = Kind(prepare_total, draw_bars, rows, sentences, source_ids_and_prices)
SPLITS = Kind(prepare_split, draw_bars, rows, sentences, source_ids)
DISTRIBUTIONS = Kind(prepare_percentiles, draw_percentiles, rows, sentences, source_ids)
