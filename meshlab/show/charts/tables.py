"""Charts of the project's own tables: measured against predicted, and how late a Terraform provider is."""

from __future__ import annotations

import math
from functools import cache

import polars as pl

from meshlab.models.overhead import dataplanes
from meshlab.planning import iac
from meshlab.reviews.record import Row
from meshlab.reviews.review import source_ids
from meshlab.show.charts import canvas
from meshlab.show.charts.canvas import Captions, Look, Plot
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import ACCENTS, figure_text, interval_text, mix
from meshlab.tables import read_table

NOUNS = {"memory": ("Memory", "MiB"), "cpu": ("CPU", "mcores"), "latency": ("Added latency", "ms")}
"""What is compared, and its unit, by kind of figure."""

KEY = "Line up: 10–90 % interval. Diagonal: measured as predicted; dotted: twice and half."

LAGS = {
    "default_age_days": ("age of the chart that it installs by default", "circle", "cool"),
    "wrapped_lag_days": ("age of the tool that it wraps", "square-open", "warm"),
}
"""What is shown of a release: in words, with its symbol, and its accent."""


# --- measured against predicted ------------------------------------------------------------------------------------


@cache
def _assessed() -> pl.DataFrame:
    """Published figures against what the models say of them, fitted and with their source left out."""
    from meshlab.models.evidence import validate  # reports, which have no such chart, need not wait for it

    return pl.DataFrame(validate()["rows"], infer_schema_length=None)


def agreement(look: Look, *, kind: str, left_out: bool) -> Chart:
    """A symbol for each published figure of one kind that logarithms can show, by data plane and source.

    Args:
        look: Theme and size.
        kind: memory, cpu or latency.
        left_out: Whether each figure is predicted without its own source.
    """
    planes = dataplanes()
    order = pl.col("dataplane").replace_strict(list(planes), range(len(planes)), default=len(planes))
    frame = (
        _assessed()
        .filter(pl.col("kind") == kind, pl.col("measured") > 0, pl.col("predicted") > 0, left_out=left_out)
        .with_columns(label=pl.col("dataplane").replace({name: plane.label for name, plane in planes.items()}))
        .sort(order, "source_id", "component", "measured", maintain_order=True)
    )
    noun, unit = NOUNS[kind]
    symbols = [f"{planes[name].mark} {planes[name].label}" for name in frame["dataplane"].unique(maintain_order=True)]
    captions = Captions(
        f"agreement-{kind}",
        f"{noun}: measured against predicted",
        f"{', '.join(symbols)}. Filled: inside its interval; open: outside. {KEY}",
        f"{frame['inside'].sum()} of {frame.height} figures from {frame['source_id'].n_unique()} sources lie inside",
    )
    rows = [
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
    ids = sorted(frame["source_id"].unique())
    return canvas.chart_of(captions, _agreement(frame, noun, unit, look), rows, look, source_ids=ids)


def _agreement(frame: pl.DataFrame, noun: str, unit: str, look: Look) -> Plot:
    # whole powers of ten around all figures; intervals may reach further
    figures = pl.concat([frame["measured"], frame["predicted"]])
    low, high = math.floor(math.log10(figures.min())), math.ceil(math.log10(figures.max()))  # type: ignore[arg-type]
    ends, muted = [10.0**low, 10.0**high], look.colours.muted
    diagonals = ((0.5, "dot"), (1.0, "solid"), (2.0, "dot"))
    traces = [canvas.line(ends, [end * factor for end in ends], muted, 1, dash) for factor, dash in diagonals]
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
    layout = {
        "xaxis": {**axis, "title": {"text": f"{noun}, measured [{unit}]"}},
        "yaxis": {**axis, "title": {"text": f"{noun}, predicted [{unit}]"}},
    }
    return Plot(traces, layout, height_px=420, below_px=canvas.AXIS_PX, sides_px=(74, 20))


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
        "error_y": canvas.whiskers(frame, "predicted", mix(hue, paper, 0.45), 1, 0),
        "customdata": [_hint(row) for row in frame.iter_rows(named=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _hint(row: Row) -> str:
    return (
        f"{row['label']}, {row['component']}<br>source {row['source_id']}<br>"
        f"measured: {figure_text(row['measured'])} {row['unit']}<br>"
        f"predicted: {figure_text(row['predicted'])} ({interval_text(row['lo'], row['hi'])})"
    )


# --- how late a provider is ----------------------------------------------------------------------------------------


def provider_lag(look: Look, *, provider: str) -> Chart:
    """Days by which each release of a provider was behind what it installs.

    Args:
        look: Theme and size.
        provider: Its name.
    """
    releases = iac.provider_lag(provider)
    captions = Captions(
        "provider-lag",
        "How old what a provider installs was",
        "Filled circle: default chart; open square: wrapped tool. On the day of each release.",
        f"{provider}: {releases.height} releases from {releases['date'].min()} to {releases['date'].max()}",
    )
    rows = [
        {
            "release": row["version"],
            "date": str(row["date"]),
            "default chart": row["default_chart_version"] or "none stated",
            **{
                f"{words} [d]": "unknown" if row[name] is None else str(row[name]) for name, (words, *_) in LAGS.items()
            },
        }
        for row in releases.iter_rows(named=True)
    ]
    axis = {"fixedrange": True, "automargin": False, "tickangle": 0}
    age = {"rangemode": "tozero", "title": {"text": "Age [d]"}, "zeroline": True, "zerolinecolor": look.colours.muted}
    layout = {
        "xaxis": {**axis, "type": "date", "title": {"text": "Day of the release"}, "nticks": 6},
        "yaxis": {**axis, **age},
    }
    traces = [_ages(releases, name, look) for name in LAGS]
    plot = Plot(traces, layout, height_px=300, below_px=canvas.AXIS_PX, sides_px=(74, 20))
    cells = read_table("iac/provider_releases").filter(provider=provider)["source_id"].unique()
    return canvas.chart_of(
        captions, plot, rows, look, source_ids=sorted({each for cell in cells for each in source_ids(cell)})
    )


def _ages(releases: pl.DataFrame, name: str, look: Look) -> Spec:
    words, symbol, accent = LAGS[name]
    known = releases.drop_nulls(name)
    hue = ACCENTS[accent][look.theme]
    return {
        "type": "scatter",
        "name": words,
        "mode": "lines+markers",
        "x": [str(day) for day in known["date"]],
        "y": known[name].to_list(),
        "line": {"color": hue, "width": 1, "dash": "dot"},
        "marker": {"symbol": symbol, "size": 8, "color": hue},
        "customdata": known["version"].to_list(),
        "hovertemplate": "%{customdata}: %{y} d<extra></extra>",
    }
