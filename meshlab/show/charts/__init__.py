"""Plotly figures of a review: one table of charts, each a prepared frame and a way to draw it.

A chart computes nothing of the model. `prepared` picks and names what is shown, as a frame that tests can read;
`figure` draws it, `spec` gives the drawing as plain data, `table` and `alt_text` say the same without a picture, and
`drawing` is all three at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.reviews.record import Review
from meshlab.show.charts.canvas import Canvas, Chart, Drawing, Spec, source_note, subtitle
from meshlab.show.charts.intervals import DISTRIBUTIONS, SPLITS, TOTALS
from meshlab.show.charts.matrix import MATRIX
from meshlab.show.theme import NARROW_PX, THEMES

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CHARTS", "Chart", "alt_text", "drawing", "figure", "prepared", "spec", "table"]

Value = TypeVar("Value")

_BAR_KEY = "Bar: median. Line: 10–90 % interval."
_SPLIT_KEY = "Plain: data plane. Hatched: control plane. Line: 10–90 % of the total."
_DOT_KEY = "Circle p50, diamond p90, square p99: medians. Lines: 10–90 % intervals."

CHARTS: dict[str, Chart] = {
    chart.name: chart
    for chart in (
        Chart(
            name="memory",
            title="Memory that each data plane adds",
            description="Memory over no mesh, split into data plane and control plane",
            kind=SPLITS,
            figure="memory_gib",
            unit="GiB",
            axis="Memory over no mesh, whole cluster",
            key=_SPLIT_KEY,
        ),
        Chart(
            name="cpu",
            title="CPU that each data plane adds",
            description="CPU in use over no mesh, split into data plane and control plane",
            kind=SPLITS,
            figure="cpu_cores",
            unit="cores",
            axis="CPU over no mesh, whole cluster",
            key=_SPLIT_KEY,
        ),
        Chart(
            name="latency",
            title="Latency that each data plane adds to a user's request",
            description="Added p50, p90 and p99, end to end over the critical path",
            kind=DISTRIBUTIONS,
            figure="added_p50_ms",
            unit="ms",
            axis="Added latency, end to end",
            key=_DOT_KEY,
        ),
        Chart(
            name="cost",
            title="What each data plane costs",
            description="Memory and CPU over no mesh, at the price of capacity",
            kind=TOTALS,
            figure="cost_usd_per_month",
            unit="USD/month",
            unit_beside="USD",
            axis="Cost of memory and CPU over no mesh",
            key=_BAR_KEY,
        ),
        Chart(
            name="matrix",
            title="Which rows of the decision tables match",
            description="Decision rows: matched, not matched, or unknown for want of a fact",
            kind=MATRIX,
            key="The first row that matches and that nothing rules out decides; unknown: a fact is missing.",
        ),
    )
}
"""Every chart by name, in the order of a report."""

SAVING = "Below zero more is saved than added: the network plugin that leaves may take more than the one that comes."

CAVEAT = "† An input lies outside what was measured: extrapolated, trust it less."


def figure(name: str, review: Review, *, theme: str = "light", width: int | None = None) -> go.Figure:
    """A chart of a review. The same inputs give the same figure, byte for byte.

    Args:
        name: A key of `CHARTS`.
        review: A review.
        theme: light, dark or print.
        width: Width, or None to fill what surrounds the figure. [px]

    Raises:
        MeshlabError: There is no such chart or theme.
    """
    import plotly.graph_objects as go

    return go.Figure(spec(name, review, theme=theme, width=width))


def spec(
    name: str, review: Review, *, theme: str = "light", width: int | None = None, text_width: int = NARROW_PX
) -> Spec:
    """The same as plotly's JSON, without building plotly's objects: for reports and live views.

    Args:
        name: A key of `CHARTS`.
        review: A review.
        theme: light, dark or print.
        width: Width, or None to fill what surrounds the figure. [px]
        text_width: Where the figure fills what surrounds it: the least width, into which lines are broken. [px]
    """
    chart, frame = _prepared(name, review)
    return _drawn(chart, frame, review, theme, width, text_width)


def drawing(
    name: str, review: Review, *, theme: str = "light", width: int | None = None, text_width: int = NARROW_PX
) -> Drawing:
    """The same with its rows and its words, from one preparation of what is shown.

    Args:
        name: A key of `CHARTS`.
        review: A review.
        theme: light, dark or print.
        width: Width, or None to fill what surrounds the figure. [px]
        text_width: Where the figure fills what surrounds it: the least width, into which lines are broken. [px]
    """
    chart, frame = _prepared(name, review)
    spec = _drawn(chart, frame, review, theme, width, text_width)
    return Drawing(name, spec, chart.kind.rows(chart, frame), _words(chart, frame, review))


def _drawn(chart: Chart, frame: pl.DataFrame, review: Review, theme: str, width: int | None, text_width: int) -> Spec:
    _known(theme, THEMES, "theme")
    canvas = Canvas(theme, width, width or text_width, subtitle(review), _notes(chart, frame, review))
    return chart.kind.draw(chart, frame, canvas)


def prepared(name: str, review: Review) -> pl.DataFrame:
    """The frame that a chart shows: one row per mark, in the order of the rows."""
    return _prepared(name, review)[1]


def table(name: str, review: Review) -> list[dict[str, str]]:
    """What a chart shows as rows of text, units in the headings: a report says everything without a drawing."""
    chart, frame = _prepared(name, review)
    return chart.kind.rows(chart, frame)


def alt_text(name: str, review: Review) -> str:
    """A chart in plain words with its figures, for readers who do not see it."""
    return _words(*_prepared(name, review), review)


def _prepared(name: str, review: Review) -> tuple[Chart, pl.DataFrame]:
    chart = _known(name, CHARTS, "chart")
    return chart, chart.kind.prepare(chart, review)


def _words(chart: Chart, frame: pl.DataFrame, review: Review) -> str:
    return " ".join([f"{chart.title}.", *chart.kind.sentences(chart, frame), *_notes(chart, frame, review)[:-1]])


def _notes(chart: Chart, frame: pl.DataFrame, review: Review) -> list[str]:
    """The lines under a chart: the caveats that are due, then the sources."""
    extrapolated = "extrapolated" in frame.columns and frame["extrapolated"].any()
    saving = "lo" in frame.columns and frame.select((pl.col("lo") < 0).any()).item()
    said = [*([CAVEAT] if extrapolated else []), *([SAVING] if saving else [])]
    return [*said, source_note(chart.kind.source_ids(chart, frame, review))]


def _known(name: str, known: Mapping[str, Value], kind: str) -> Value:
    if name not in known:
        raise MeshlabError(Problem(kind, f"unknown {kind} {shorten(name)}", did_you_mean(name, known)))
    return known[name]
