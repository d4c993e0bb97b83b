"""How late a Terraform provider is, release by release."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from meshlab.show.charts.canvas import Captions, Look, Plot, chart_of
from meshlab.show.export import Chart, Spec
from meshlab.show.theme import ACCENTS

PLOT_PX, AXIS_PX = 300, 54
"""Height of the plot, and room for its axis. [px]"""

SIDES_PX = (74, 20)
"""Room to the left, for the axis, and to the right. [px]"""

LAGS = {
    "default_age_days": ("age of the chart that it installs by default", "circle", "cool"),
    "wrapped_lag_days": ("age of the tool that it wraps", "square-open", "warm"),
}
"""What is shown of a release: in words, with its symbol, and its accent."""


def provider_lag(releases: pl.DataFrame, provider: str, source_ids: Sequence[str], look: Look) -> Chart:
    """Days by which each release of a provider was behind what it installs.

    Args:
        releases: Columns of ``iac.provider_lag``.
        provider: Its name.
        source_ids: Sources of its releases.
        look: Theme and size.
    """
    first, last = releases["date"].min(), releases["date"].max()
    captions = Captions(
        "provider-lag",
        "How old what a provider installs was",
        "Filled circle: default chart; open square: wrapped tool. On the day of each release.",
        f"{provider}: {releases.height} releases from {first} to {last}",
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
    return chart_of(captions, _plot(releases, look), rows, look, source_ids=source_ids)


def _plot(releases: pl.DataFrame, look: Look) -> Plot:
    axis = {"fixedrange": True, "automargin": False, "tickangle": 0}
    layout = {
        "xaxis": {**axis, "type": "date", "title": {"text": "Day of the release"}, "nticks": 6},
        "yaxis": {
            **axis,
            "rangemode": "tozero",
            "title": {"text": "Age [d]"},
            "zeroline": True,
            "zerolinecolor": look.colours.muted,
        },
    }
    return Plot([_series(releases, name, look) for name in LAGS], layout, PLOT_PX, AXIS_PX, SIDES_PX)


def _series(releases: pl.DataFrame, name: str, look: Look) -> Spec:
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
