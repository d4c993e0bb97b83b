"""Every chart by name: what it shows, what it is drawn from, and where its figures come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from meshlab import __version__, charts, exhibits, iac, report
from meshlab.cases import data_sha256
from meshlab.charts.agreement import NOUNS, agreement
from meshlab.charts.break_even import Plane, break_even
from meshlab.charts.canvas import Drawing, subtitle
from meshlab.charts.domain import domain
from meshlab.charts.drivers import drivers
from meshlab.charts.lag import provider_lag
from meshlab.decision.domain_map import domain_map
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.evidence import assess
from meshlab.files import digest
from meshlab.review import HEADLINES, source_ids
from meshlab.scenario import frame_of, inputs
from meshlab.sensitivity import break_even as break_even_line
from meshlab.tables import read_table
from meshlab.theme import THEMES

Review = Mapping[str, Any]

WIDTH_PX = 720
"""Width of a picture unless said: a column of text. [px]"""

TEAM, NOTHING = "a team", "nothing"
"""What a chart is drawn from: a team's review, or the project's own tables."""

PROVIDER = "littlejo/cilium"
"""Terraform provider whose lag is charted."""

PAIRS = (("istio-ambient", "cilium"), ("istio-sidecar", "cilium"), ("istio-sidecar", "istio-ambient"))
"""Pairs of data planes that may cost the same somewhere, in the order in which a line is looked for."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a chart is drawn.

    Args:
        theme: light, dark or print.
        width: Width. [px]
        height: Height, or None for as much as the chart needs. [px]
    """

    theme: str = "light"
    width: int = WIDTH_PX
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A chart of the catalogue.

    Args:
        name: How commands and documents call it.
        description: What it shows, in one line.
        unit: Unit of its figures, where they have one.
        needs: What it is drawn from: `TEAM` or `NOTHING`.
        draw: Draws it.
        cited: Ids of the sources behind it.
    """

    name: str
    description: str
    unit: str
    needs: str
    draw: Callable[[Review, Look], Drawing]
    cited: Callable[[Review], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Plate:
    """A chart that is drawn, with everything that a document says beside it.

    Args:
        name: Name of the chart.
        team: Whose it is; empty where it is nobody's.
        title: What is shown.
        subject: Whose figures these are, in one line.
        unit: Unit of the figures.
        spec: The figure as plotly's JSON.
        rows: What it shows as rows of text.
        words: What it shows in words.
        sources: Rows of the table of sources behind it.
        facts: Where the team's facts come from.
        inputs_sha256: Hash of everything that it is made of.
        theme: Its theme.
    """

    name: str
    team: str
    title: str
    subject: str
    unit: str
    spec: dict[str, Any]
    rows: list[dict[str, str]]
    words: str
    sources: tuple[Mapping[str, Any], ...]
    facts: str
    inputs_sha256: str
    theme: str

    @property
    def drawing_sha256(self) -> str:
        """Hash of the drawing: two pictures with the same one look alike."""
        return digest([self.spec, self.title, self.words])

    @property
    def facts_date(self) -> str:
        """Month in which the newest of the sources was read."""
        return max((source["retrieved"] for source in self.sources), default="")

    @property
    def source_note(self) -> str:
        """Every source in one line: id, title and address."""
        return "; ".join(f"{row['source_id']}: {row['title']} {row['url'] or ''}".strip() for row in self.sources)

    @property
    def about(self) -> dict[str, Any]:
        """What a picture says of itself."""
        return {
            "title": self.title,
            "chart": self.name,
            "team": self.team,
            "subject": self.subject,
            "unit": self.unit,
            "alternative_text": self.words,
            "sources": [{key: row[key] for key in ("source_id", "title", "url")} for row in self.sources],
            "facts": self.facts,
            "facts_date": self.facts_date,
            "inputs_sha256": self.inputs_sha256,
            "drawing_sha256": self.drawing_sha256,
            "meshlab_version": __version__,
        }


def entry(name: str) -> Entry:
    """The chart of that name.

    Raises:
        MeshlabError: There is none; the nearest is named.
    """
    if name not in CATALOGUE:
        raise MeshlabError(Problem("chart", f"unknown chart {shorten(name)}", did_you_mean(name, CATALOGUE)))
    return CATALOGUE[name]


def plate(name: str, review: Review | None = None, look: Look | None = None) -> Plate:
    """A chart of a review, drawn.

    Args:
        name: A key of `CATALOGUE`.
        review: A review as plain data; None for charts that need no team.
        look: Theme and size.

    Raises:
        MeshlabError: There is no such chart or theme, it needs a team, or the height is too small for it.
    """
    chosen, look = entry(name), look or Look()
    if look.theme not in THEMES:
        raise MeshlabError(Problem("theme", f"unknown theme {shorten(look.theme)}", did_you_mean(look.theme, THEMES)))
    if chosen.needs == TEAM and review is None:
        raise MeshlabError(Problem(name, "shows a team's figures", "name a team, a team file, a dump or a review.json"))
    of = review if chosen.needs == TEAM and review is not None else {}
    drawn = chosen.draw(of, look)
    title = drawn.spec["layout"]["title"]["text"].replace("<br>", " ")
    return Plate(
        name=name,
        team=of.get("team", ""),
        title=title,
        subject=subtitle(of) if of else drawn.words.removeprefix(f"{title}. ").removesuffix("."),
        unit=chosen.unit,
        spec=_sized(name, drawn.spec, look),
        rows=drawn.rows,
        words=drawn.words,
        sources=tuple(_sources(chosen.cited(of))),
        facts=str(of.get("source") or "").strip().removesuffix("."),
        inputs_sha256=of.get("inputs_sha256", data_sha256()),
        theme=look.theme,
    )


def _sized(name: str, spec: dict[str, Any], look: Look) -> dict[str, Any]:
    needed = spec["layout"]["height"]
    if look.height is not None and look.height < needed:
        todo = f"give at least {needed} px, or a greater width"
        raise MeshlabError(Problem(name, f"does not fit into a height of {look.height} px", todo))
    size = {"width": look.width, "height": look.height or needed, "autosize": False}
    return {**spec, "layout": {**spec["layout"], **size}}


def _sources(ids: Sequence[str]) -> list[dict[str, Any]]:
    table = {row["source_id"]: row for row in read_table("sources").iter_rows(named=True)}
    return [table[source_id] for source_id in dict.fromkeys(ids) if source_id in table]


# --- charts of a review --------------------------------------------------------------------------------------------


def _of_review(name: str) -> Entry:
    chart = charts.CHARTS[name]

    def draw(review: Review, look: Look) -> Drawing:
        spec = charts.spec(name, review, theme=look.theme, width=look.width)
        return Drawing(name, spec, charts.table(name, review), charts.alt_text(name, review))

    def cited(review: Review) -> Sequence[str]:
        return chart.kind.source_ids(chart, charts.prepared(name, review), review)

    return Entry(name, chart.description, chart.unit, TEAM, draw, cited)


def _drivers(figure: str) -> Entry:
    label, unit = HEADLINES[figure]

    def draw(review: Review, look: Look) -> Drawing:
        rows = [row for row in review["sensitivity"] or () if row["figure_name"] == figure]
        return drivers(rows, label, unit, subtitle(review), theme=look.theme, width=look.width)

    name = f"drivers-{figure.partition('_')[0]}" if figure != "added_p99_ms" else "drivers-latency"
    words = f"What moves the {label.lower()} of the recommended data plane most"
    return Entry(name, words, unit, TEAM, draw, _cited_by_figures)


def _cited_by_figures(review: Review) -> Sequence[str]:
    shown = review["headline"]["dataplane"]
    return [row["source_id"] for row in review["sources"] if f"figures of {shown}" in row["supports"]]


def _known(review: Review) -> dict[str, Any]:
    """What is known or supposed of the team; what has a default stays open."""
    return {row["input"]: row["value"] for row in review["inputs"] if row["status"] not in ("default", "unknown")}


def _domain(review: Review, look: Look) -> Drawing:
    across, down = "cloud", "kernel_oldest"
    frame = domain_map(_known(review), across, down)
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
    return sorted({each for row in review["verdict"]["rows"] for each in source_ids(row["source_id"])})


def _break_even(review: Review, look: Look) -> Drawing:
    x, y = "pods", "requests_per_second"
    frame = frame_of([{"scenario": review["team"], **_known(review)}])
    lines = ((pair, break_even_line(frame, *pair, "cost_usd_per_month", x, y)) for pair in PAIRS)
    pair, line = next(((pair, line) for pair, line in lines if line.height > 1), (PAIRS[0], None))
    own = review["scenario"]
    here = (own[x], own[y]) if own[x] and own[y] else None
    plane = Plane(x, y, f"{inputs()[x].label} [count]", f"{inputs()[y].label} [1/s]", here)
    empty = pl.DataFrame(schema={x: pl.Float64, y: pl.Float64, "cheaper_below": pl.String, "cheaper_above": pl.String})
    found = empty if line is None else line
    return break_even(found, pair, plane, subtitle(review), theme=look.theme, width=look.width)


def _cited_by_costs(review: Review) -> Sequence[str]:
    return _of_review("cost").cited(review)


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


def _lag(_review: Review, look: Look) -> Drawing:
    return provider_lag(iac.provider_lag(PROVIDER), PROVIDER, theme=look.theme, width=look.width)


def _cited_by_releases(_review: Review) -> Sequence[str]:
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
            _cited_by_costs,
        ),
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
