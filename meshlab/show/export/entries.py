"""The charts of the catalogue, each with how it is drawn and what it cites."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import polars as pl

from meshlab.models.curves import curve, path
from meshlab.models.decision.domain_map import domain_map
from meshlab.models.evidence import assess
from meshlab.models.sensitivity import break_even as break_even_line
from meshlab.models.sensitivity import cheaper_throughout
from meshlab.planning import iac
from meshlab.reviews.record import Review
from meshlab.reviews.review import HEADLINES, source_ids
from meshlab.scenario import frame_of, inputs
from meshlab.show import charts, report
from meshlab.show.charts import curves as curve_charts
from meshlab.show.charts.agreement import NOUNS, agreement
from meshlab.show.charts.break_even import Plane, break_even
from meshlab.show.charts.canvas import Drawing, figure_source_ids, subtitle
from meshlab.show.charts.domain import domain
from meshlab.show.charts.drivers import drivers
from meshlab.show.charts.lag import provider_lag
from meshlab.show.export.plates import NOTHING, TEAM, Entry, Look
from meshlab.show.views import exhibits, explorations
from meshlab.tables import read_table

PROVIDER = "littlejo/cilium"
"""Terraform provider whose lag is charted."""

PAIRS = (("istio-ambient", "cilium"), ("istio-sidecar", "cilium"), ("istio-sidecar", "istio-ambient"))
"""Pairs of data planes that may cost the same somewhere, in the order in which a line is looked for."""

CURVES = {"curve-memory": ("pods", "memory_gib"), "curve-cost": ("requests_per_second", "cost_usd_per_month")}
"""Input and figure of each curve."""


# --- charts of a review --------------------------------------------------------------------------------------------


def _of_review(name: str) -> Entry:
    chart = charts.CHARTS[name]

    def draw(review: Review, look: Look) -> Drawing:
        return charts.drawing(name, review, theme=look.theme, width=look.width)

    def cited(review: Review) -> Sequence[str]:
        return chart.kind.source_ids(chart, charts.prepared(name, review), review)

    return Entry(name, chart.description, chart.unit, TEAM, draw, cited)


def _drivers(figure: str) -> Entry:
    label, unit = explorations.figure_title(figure)

    def draw(review: Review, look: Look) -> Drawing:
        rows = [row for row in review.sensitivity or () if row["figure_name"] == figure]
        return drivers(rows, label, unit, subtitle(review), theme=look.theme, width=look.width)

    name = f"drivers-{figure.partition('_')[0]}" if figure != "added_p99_ms" else "drivers-latency"
    words = f"What moves the {label.lower()} of the recommended data plane most"
    return Entry(name, words, unit, TEAM, draw, lambda review: _cited_by_drivers(review, figure))


def _cited_by_drivers(review: Review, figure: str) -> Sequence[str]:
    return figure_source_ids(review, figure, tuple(filter(None, (review.headline.dataplane,))))


def _domain(review: Review, look: Look) -> Drawing:
    across, down = "cloud", "kernel_oldest"
    frame = domain_map(review.known, across, down)
    labels = exhibits.axis_label(across), exhibits.axis_label(down)
    held = f"{subtitle(review)}; everything else as the team's facts say"
    made = domain(frame, *labels, subject=held, theme=look.theme, text_width=look.width)
    here = frame.filter("here").to_dicts()
    words = [
        f"As given ({row['across']}, {row['down']}): " + ", ".join(report.option_text(row[k]) for k in ("cni", "mesh"))
        for row in here
    ]
    return Drawing(made.name, made.spec, made.rows, " ".join([made.words, *(f"{each}." for each in words)]))


def _cited_by_rows(review: Review) -> Sequence[str]:
    return sorted({each for row in review.verdict.rows for each in source_ids(row["source_id"])})


def _break_even(review: Review, look: Look) -> Drawing:
    x, y = "pods", "requests_per_second"
    frame = frame_of([{"scenario": review.team, **review.known}])
    asked = ("cost_usd_per_month", x, y)
    lines = ((pair, break_even_line(frame, *pair, *asked)) for pair in PAIRS)
    pair, line = next(((pair, line) for pair, line in lines if line.height > 1), (PAIRS[0], None))
    own = review.scenario
    here = (own[x], own[y]) if own[x] and own[y] else None
    plane = Plane(x, y, f"{inputs()[x].label} [count]", f"{inputs()[y].label} [1/s]", here)
    empty = pl.DataFrame(schema={x: pl.Float64, y: pl.Float64, "cheaper_below": pl.String, "cheaper_above": pl.String})
    found = empty if line is None else line
    throughout = cheaper_throughout(frame, *pair, *asked) if line is None else None
    return break_even(found, pair, plane, subtitle(review), theme=look.theme, width=look.width, throughout=throughout)


def _curve(name: str) -> Entry:
    over, figure = CURVES[name]
    label, unit = explorations.figure_title(figure)

    def draw(review: Review, look: Look) -> Drawing:
        own = explorations.around(review.known, review.team)
        axis = *explorations.axis_title(over), inputs()[over].scale == "log"
        shown = curve_charts.Shown(*axis, label, unit, own.subject)
        frame = curve(own.frame, over, figure)
        return curve_charts.curves(frame, shown, theme=look.theme, width=look.width)

    words = f"{label} of each data plane over {inputs()[over].label[0].lower()}{inputs()[over].label[1:]}"
    return Entry(name, words, unit, TEAM, draw, _of_review(figure.partition("_")[0]).cited)


def _path(review: Review, look: Look) -> Drawing:
    own = explorations.around(review.known, review.team)
    return curve_charts.path(path(own.frame), own.subject, theme=look.theme, width=look.width)


# --- charts of the project's own tables ----------------------------------------------------------------------------


@cache
def _left_out() -> pl.DataFrame:
    """Published figures against what the models say of them without their source."""
    return pl.DataFrame(assess()["rows"], infer_schema_length=None).filter(left_out=True)


def _agreement(kind: str) -> Entry:
    noun, unit = NOUNS[kind]
    return Entry(
        f"agreement-{kind}",
        f"{noun}: published measurements against what the models foretell without them",
        unit,
        NOTHING,
        lambda _review, look: agreement(_left_out(), kind, theme=look.theme, width=look.width),
        lambda _review: sorted(_left_out().filter(kind=kind)["source_id"].unique()),
    )


def _lag(_review: None, look: Look) -> Drawing:
    return provider_lag(iac.provider_lag(PROVIDER), PROVIDER, theme=look.theme, width=look.width)


def _cited_by_releases(_review: None) -> Sequence[str]:
    releases = read_table("iac/provider_releases").filter(provider=PROVIDER)
    return sorted({each for cell in releases["source_id"].unique() for each in source_ids(cell)})


CATALOGUE: dict[str, Entry] = {
    item.name: item
    for item in (
        *map(_of_review, charts.CHARTS),
        *map(_drivers, HEADLINES),
        Entry(
            "domain", "The verdict over cloud and kernel, everything else as given", "", TEAM, _domain, _cited_by_rows
        ),
        Entry(
            "break-even",
            "Where two data planes cost the same, over pods and requests",
            "USD/month",
            TEAM,
            _break_even,
            _of_review("cost").cited,
        ),
        *map(_curve, CURVES),
        Entry("path", "Latency that builds up along a path of calls", "ms", TEAM, _path, _of_review("latency").cited),
        *map(_agreement, NOUNS),
        Entry(
            "provider-lag",
            "How old what a Terraform provider installs was, by release",
            "d",
            NOTHING,
            _lag,
            _cited_by_releases,
        ),
    )
}
"""Every chart by name."""
