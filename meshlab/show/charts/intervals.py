"""Charts of figures by data plane: a bar or dots for the median, a line across for the 10-90 % interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
import polars as pl

from meshlab.errors import MeshlabError, Problem, shorten
from meshlab.models.overhead import dataplanes, figures
from meshlab.reviews.record import Review, Row
from meshlab.show.charts import canvas
from meshlab.show.charts.canvas import Captions, Look, Plot
from meshlab.show.export import Chart, Spec
from meshlab.show.labels import SAVING
from meshlab.show.theme import figure_text, interval_text, wrap

SIDES_PX = (136, 150)
"""Room for names to the left and figures to the right. Fixed, so that nothing jumps under a slider. [px]"""

AXIS_PX, LINE_PX, AXIS_TYPE_PX = 50, 17, 13
"""Room for the value axis and for one more line of its title, and the size of its type. [px]"""

TICK_PX, WIDE_PX = 52, 720
"""Room that a figure of six digits takes below an axis, and the usual width of what fills its surroundings. [px]"""

BAR_PX, DOTS_PX = 48, 70
"""Height of a data plane's row, by kind of shown. [px]"""

PERCENTILES = {"p50": ("circle", -0.27), "p90": ("diamond", 0.0), "p99": ("square", 0.27)}
"""Symbol of each percentile, and its place in the data plane's row."""

PARTS = {"data_plane": "", "control_plane": "/"}
"""Parts of a total, each with the hatching that tells it from the others."""

ENDS = {"lo": "_lo", "median": "", "hi": "_hi"}
"""Columns of an interval, and how the estimates end them."""

MARKS = {"recommended": ("★", "recommended"), "today": ("●", "runs today"), "extrapolated": ("†", "extrapolated")}
"""What is said of a data plane, in a symbol and in words, by the column that says whether it applies."""

COMMON = ("dataplane", "label", *MARKS, "scoped")

WIDE = 20
"""How many times the least figure the largest is where a logarithmic scale is needed to see both."""

FURTHEST = 30
"""How far below the smallest median such a scale goes, as a factor; intervals that go further are cut there."""

LOG_KEY = "Dot: median. Line: 10–90 % interval. The scale is logarithmic; zero has no place on it."

ANCHOR: Spec = {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "hoverinfo": "skip"}
"""plotly draws no axis without a trace, and the names stand on the first one."""

CAVEAT = "† An input lies outside what was measured: extrapolated, trust it less."


AGENTS = "Cilium's figures hold its agents on each node, too: they wire the pods, whatever its mesh functions take."
"""What is told where Cilium does not run today: with it comes another network plugin."""


class Intervals(msgspec.Struct, frozen=True):
    """What a chart of intervals shows.

    Args:
        name: How commands and documents call it.
        title: What is shown.
        figure: Column of the estimates, less the end of the interval.
        axis: Title of the value axis, less the unit.
        key: What the marks mean, in one line under the title.
        by: What stands apart in a data plane's row, besides the total: its parts, or its percentiles.
        unit_beside: What of the unit is repeated beside each figure; all of it, unless said.
        priced: Whether default prices are behind the figures.
    """

    name: str
    title: str
    figure: str
    axis: str
    key: str
    by: Literal["total", "part", "percentile"]
    unit_beside: str | None = None
    priced: bool = False

    @property
    def unit(self) -> str:
        """Unit of the figure."""
        return figures()[self.figure].unit


def intervals(shown: Intervals, of: Review, look: Look) -> Chart:
    """A chart of figures by data plane. The same inputs give the same chart, byte for byte.

    Args:
        shown: What it shows.
        of: A review.
        look: Theme and size.
    """
    frame = prepare(shown, of)
    of_percentiles = shown.by == "percentile"
    ids = canvas.cited(of, shown.figure, frame["dataplane"], priced=shown.priced)
    counted = "cilium" in frame["dataplane"] and shown.by != "percentile" and of.scenario.get("current_cni") != "cilium"
    notes = {CAVEAT: frame["extrapolated"].any(), SAVING: (frame["lo"] < 0).any(), AGENTS: counted}
    caveats = [note for note, is_due in notes.items() if is_due]
    key = LOG_KEY if spans(frame) and not of_percentiles else shown.key
    captions = Captions(shown.name, shown.title, key, canvas.subtitle(of), [*caveats, canvas.source_note(ids)])
    return canvas.chart_of(
        captions,
        percentiles(shown, frame, look) if of_percentiles else bars(shown, frame, look),
        rows(shown, frame),
        look,
        sentences=[*sentences(shown, frame), *caveats],
        opening=f"{shown.title}.",
        source_ids=ids,
    )


# --- frames --------------------------------------------------------------------------------------------------------


def estimates(review: Review, figures: Sequence[str]) -> pl.DataFrame:
    """Estimates of a review in the order of every chart, each with what a reader should know of it."""
    headline = review.headline
    today = None if review.scenario.get("greenfield") else headline.today
    columns = dict.fromkeys([f"{figure}{end}" for figure in figures for end in ENDS.values()], pl.Float64)
    if unknown := {row["dataplane"] for row in review.estimates} - dataplanes().keys():
        what = f"{review.team} has estimates of {shorten(min(unknown))}, which is no data plane here"
        raise MeshlabError(Problem("estimates", what, "render the review again"))
    schema = {"dataplane": pl.String, "in_evidence_range": pl.Boolean, **columns}
    labels = {"dataplane": list(dataplanes()), "label": [plane.label for plane in dataplanes().values()]}
    found = (
        pl.DataFrame(labels)
        .join(pl.DataFrame(review.estimates, schema=schema), on="dataplane", how="inner", maintain_order="left")
        .with_columns(
            recommended=pl.col("dataplane").eq_missing(pl.lit(headline.dataplane)),
            today=pl.col("dataplane").eq_missing(pl.lit(today)),
            extrapolated=~pl.col("in_evidence_range").fill_null(value=True),
        )
    )
    values, scoped = _scoped(review, figures[0])
    return found.with_columns(
        *(pl.when("recommended").then(values[name]).otherwise(name).alias(name) for name in columns if name in values),
        scoped=pl.when("recommended").then(pl.lit(scoped, dtype=pl.String)),
    )


def _scoped(review: Review, figure: str) -> tuple[dict[str, float], str | None]:
    """What new sidecars take that are told of the services which they call alone, and in words what they would else.

    Nothing, and None, where such are not recommended.
    """
    tuning = review.tuning or {"runs_today": True, "figures": ()}
    found = next((row for row in tuning["figures"] if row["figure"] == figure and row["saved"]), None)
    if found is None or tuning["runs_today"] or tuning["dataplane"] != review.verdict.mesh:
        return {}, None
    values = {f"{figure}{end}": found[f"scoped{end}"] for end in ENDS.values()} | tuning.get("parts", {})
    return values, f"unscoped: {figure_text(found['median'])}"


def _interval(figure: str) -> list[pl.Expr]:
    return [pl.col(f"{figure}{end}").alias(name) for name, end in ENDS.items()]


def prepare(shown: Intervals, review: Review) -> pl.DataFrame:
    """Figures with their interval by data plane: a row for each percentile, or the medians of the parts beside."""
    if shown.by == "percentile":
        figures = {percentile: shown.figure.replace("p50", percentile) for percentile in PERCENTILES}
        rows = estimates(review, list(figures.values()))
        order = pl.col("dataplane").replace_strict(list(dataplanes()), range(len(dataplanes())), return_dtype=pl.Int64)
        return pl.concat(
            rows.select(*COMMON, *_interval(figure), percentile=pl.lit(percentile))
            for percentile, figure in figures.items()
        ).sort(order, "percentile")
    parts = {part: f"{part}_{shown.figure}" for part in PARTS} if shown.by == "part" else {}
    rows = estimates(review, [shown.figure, *parts.values()])
    return rows.select(*COMMON, *_interval(shown.figure), **{part: pl.col(name) for part, name in parts.items()})


def spans(frame: pl.DataFrame) -> bool:
    """Whether the figures differ by so much that only a logarithmic scale shows all of them."""
    some = [value for value in frame["median"] if value is not None and value > 0]
    return len(some) > 1 and max(some) > WIDE * min(some) and not (frame["lo"] < 0).any()


def log_ends(rows: Sequence[Row]) -> tuple[float, float] | None:
    """Ends of a logarithmic scale on which intervals can be seen; None where no median lies above zero."""
    some = [row for row in rows if (row["median"] or 0) > 0]
    low = min((max(row["lo"], row["median"] / FURTHEST) for row in some), default=0.0)
    return (low, max(row["hi"] for row in some)) if some else None


# --- drawing -------------------------------------------------------------------------------------------------------


def bars(shown: Intervals, frame: pl.DataFrame, look: Look) -> Plot:
    """A bar to the median, in parts where the frame has them, with the interval of the total across its end."""
    figures = [_bar_label(shown, row) for row in frame.iter_rows(named=True)]
    labels = ([float(row) for row in range(frame.height)], figures)
    if spans(frame):
        # the length of a bar means nothing on such a scale
        dots = _whiskers(frame, range(frame.height), look, symbol="circle")
        dots["marker"] |= {"color": _hues(frame, look), "line": {"width": 1, "color": look.colours.ink}}
        low, high = log_ends(frame.to_dicts()) or (1.0, 10.0)
        # plotly takes powers of ten; a little beyond all intervals
        log_range = [math.log10(0.8 * low), math.log10(1.25 * high)]
        return _rows_plot(shown, look, frame, [ANCHOR, dots], labels, BAR_PX, log_range=log_range)
    parts = PARTS if shown.by == "part" else {"median": ""}
    traces = [_bar(frame, part, hatching, look) for part, hatching in parts.items()]
    traces.append(_whiskers(frame, range(frame.height), look, symbol="line-ns"))
    return _rows_plot(shown, look, frame, traces, labels, BAR_PX)


def _bar(frame: pl.DataFrame, part: str, hatching: str, look: Look) -> Spec:
    paper = look.colours.paper
    hues = _hues(frame, look)
    words = part.replace("_", " ")
    return {
        "type": "bar",
        "name": words,
        "orientation": "h",
        "x": frame[part].to_list(),
        "y": list(range(frame.height)),
        "width": 0.5,
        "marker": canvas.hatched(hues, hatching, paper),
        "customdata": [f"{row['label']}<br>{words}: {figure_text(row[part])}" for row in frame.iter_rows(named=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _hues(frame: pl.DataFrame, look: Look) -> list[str]:
    return [dataplanes()[dataplane].hues[look.theme] for dataplane in frame["dataplane"]]


def _whiskers(frame: pl.DataFrame, y: Sequence[float], look: Look, symbol: str | list[str]) -> Spec:
    ink = look.colours.ink
    return {
        "type": "scatter",
        "name": "median and 10–90 % interval",
        "mode": "markers",
        "x": frame["median"].to_list(),
        "y": list(y),
        "yaxis": "y2",
        "cliponaxis": False,
        "marker": {"symbol": symbol, "size": 9, "color": ink, "line": {"width": 2, "color": ink}},
        "error_x": canvas.whiskers(frame, "median", ink, 1.5, 5),
        "customdata": [_hover(row) for row in frame.iter_rows(named=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _hover(row: Row) -> str:
    interval = interval_text(row["lo"], row["hi"])
    median = f"{_name(row)}<br>median: {figure_text(row['median'])}"
    return f"{median}<br>10–90 %: {interval}" if interval else median


def percentiles(shown: Intervals, frame: pl.DataFrame, look: Look) -> Plot:
    """A symbol with its interval for each percentile, three to a data plane."""
    planes = frame["dataplane"].unique(maintain_order=True).to_list()
    places = [PERCENTILES[percentile] for percentile in frame["percentile"]]
    y = [planes.index(dataplane) + step for dataplane, (_, step) in zip(frame["dataplane"], places, strict=True)]
    dots = _whiskers(frame, y, look, [symbol for symbol, _ in places])
    dots["marker"] |= {"color": _hues(frame, look), "line": {"width": 1, "color": look.colours.ink}}
    names = frame.unique("dataplane", keep="first", maintain_order=True)
    figures = [_percentile_label(row) for row in frame.iter_rows(named=True)]
    return _rows_plot(shown, look, names, [ANCHOR, dots], (y, figures), DOTS_PX)


def _rows_plot(
    shown: Intervals,
    look: Look,
    names: pl.DataFrame,
    traces: Sequence[Spec],
    figures: tuple[list[float], list[str]],
    row_px: int,
    log_range: list[float] | None = None,
) -> Plot:
    """Rows of intervals: names to the left, figures to the right, and below a value axis.

    It begins at zero, unless it is logarithmic, which its title then says.
    """
    colours = look.colours
    labels = [_row_label(row) for row in names.iter_rows(named=True)]
    scale: Spec = {"zerolinecolor": colours.muted}
    if log_range:
        # one that fills what surrounds it is mostly wider than its least width
        decade_px = ((look.width or WIDE_PX) - sum(SIDES_PX)) / (log_range[1] - log_range[0])
        scale = {"type": "log", "range": log_range, "dtick": max(1, math.ceil(TICK_PX / decade_px))}
    # centred under rows whose sides differ, a title has that much less room
    room_px = look.text_px - abs(SIDES_PX[0] - SIDES_PX[1])
    title = wrap(f"{shown.axis} [{shown.unit}]{', logarithmic' if log_range else ''}", room_px, AXIS_TYPE_PX)
    layout = {
        "xaxis": {**VALUE_AXIS, "title": {"text": "<br>".join(title)}, **scale},
        **canvas.named_rows(labels, figures[1], look, figures[0]),
        "barmode": "stack",
        "shapes": [_band(index, colours.band) for index in names["recommended"].arg_true()],
    }
    return Plot(traces, layout, names.height * row_px, AXIS_PX + LINE_PX * (len(title) - 1), SIDES_PX)


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
    below += [row["scoped"]] if row["scoped"] else []
    return "<br>".join([name, *map(canvas.small, below)])


def _bar_label(shown: Intervals, row: Row) -> str:
    if row["median"] is None:
        return "unknown"
    interval = interval_text(row["lo"], row["hi"])
    unit = shown.unit if shown.unit_beside is None else shown.unit_beside
    figure = f"<b>{figure_text(row['median'])}</b> {unit}"
    return f"{figure}<br>{canvas.small(interval)}" if interval else figure


def _percentile_label(row: Row) -> str:
    interval = interval_text(row["lo"], row["hi"])
    figure = f"{row['percentile']} <b>{figure_text(row['median'])}</b>"
    return f"{figure} {canvas.small(f'({interval})')}" if interval else figure


# --- the same without a picture ------------------------------------------------------------------------------------


def rows(shown: Intervals, frame: pl.DataFrame) -> list[dict[str, str]]:
    """The figures as rows of text with units in the headings."""
    return [
        {
            "data plane": row["label"],
            **({"percentile": row["percentile"]} if "percentile" in row else {}),
            f"median [{shown.unit}]": figure_text(row["median"]),
            f"10–90 % [{shown.unit}]": interval_text(row["lo"], row["hi"]),
            **{f"{part.replace('_', ' ')} [{shown.unit}]": figure_text(row[part]) for part in PARTS if part in row},
            "note": ", ".join(_marks(row)),
        }
        for row in frame.iter_rows(named=True)
    ]


def sentences(shown: Intervals, frame: pl.DataFrame) -> Iterator[str]:
    """The figures in words, a sentence each."""
    for row in frame.iter_rows(named=True):
        interval = interval_text(row["lo"], row["hi"]).replace("–", "to")
        figure = figure_text(row["median"]) + (f" {shown.unit}" if row["median"] is not None else "")
        marks = f" ({', '.join(_marks(row))})" if _marks(row) else ""
        yield f"{_name(row)}{marks}: {figure}{f', 10 to 90 %: {interval}' if interval else ''}."


def _marks(row: Row) -> list[str]:
    return [word for column, (_, word) in MARKS.items() if row[column]] + ([row["scoped"]] if row["scoped"] else [])


def _name(row: Row) -> str:
    return f"{row['label']} {row['percentile']}" if "percentile" in row else row["label"]


_SPLIT_KEY = "Plain: data plane. Hatched: control plane. Line: 10–90 % of the total."

MEMORY = Intervals(
    "memory",
    "Memory that each data plane adds",
    "memory_gib",
    "Memory over no mesh, whole cluster",
    _SPLIT_KEY,
    "part",
)

CPU = Intervals(
    "cpu",
    "CPU that each data plane adds",
    "cpu_cores",
    "CPU over no mesh, whole cluster",
    _SPLIT_KEY,
    "part",
)

LATENCY = Intervals(
    "latency",
    "Latency that each data plane adds to a user's request",
    "added_p50_ms",
    "Added latency, end to end",
    "Circle p50, diamond p90, square p99: medians. Lines: 10–90 % intervals.",
    "percentile",
)

COST = Intervals(
    "cost",
    "What each data plane costs",
    "cost_usd_per_month",
    "Cost of memory and CPU over no mesh",
    "Bar: median. Line: 10–90 % interval.",
    "total",
    unit_beside="USD",
    priced=True,
)
