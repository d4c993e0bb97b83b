"""Every chart by name: what it shows, what it is drawn from, and how.

A report, a panel, ``meshlab chart`` and the blocks of a document draw from here. A chart is added as an entry with the
function that draws it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.models import curves, sensitivity
from meshlab.models.decision.domain_map import domain_map
from meshlab.models.overhead import dataplanes, figures, mesh_dataplanes
from meshlab.planning import iac
from meshlab.reviews.cases import data_sha256
from meshlab.reviews.moves import plan_sources
from meshlab.reviews.record import Review
from meshlab.reviews.review import STRONGEST, source_ids, without
from meshlab.scenario import frame_of, inputs, with_defaults
from meshlab.show.charts import curves as curve_charts
from meshlab.show.charts.agreement import agreement
from meshlab.show.charts.break_even import Plane, break_even
from meshlab.show.charts.canvas import PLAIN, Look, cited, subtitle
from meshlab.show.charts.domain import domain
from meshlab.show.charts.drivers import drivers
from meshlab.show.charts.intervals import COST, CPU, LATENCY, MEMORY, intervals
from meshlab.show.charts.lag import provider_lag
from meshlab.show.charts.matrix import matrix
from meshlab.show.charts.migration_flow import flow_chart
from meshlab.show.charts.migration_nodes import nodes_chart
from meshlab.show.charts.network import network, rule_lookup
from meshlab.show.export import Chart, Spec
from meshlab.show.words import axis_label, input_label, value_text
from meshlab.tables import read_table

SCENARIO = "this scenario"
"""Name of a scenario that has none."""

UNITLESS = ("count", "share", None)
"""Units that an axis need not name."""

TEAM, NOTHING = "a team", "nothing"
"""What a chart is drawn from: a team's review, or the project's own tables."""

PAIRS = (("istio-ambient", "cilium"), ("istio-sidecar", "cilium"), ("istio-sidecar", "istio-ambient"))
"""Pairs of data planes that may cost the same somewhere, in the order in which a line is looked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A chart of the catalogue.

    Args:
        name: How commands and documents call it.
        description: What it shows, in one line.
        draw: Draws it, of a review (None where it needs nothing) in a look, with the options by name.
        figure: Figure of the estimates that it shows, where it shows one.
        own_unit: Unit of what it shows otherwise.
        needs: What it is drawn from: `TEAM` or `NOTHING`.
        around: Whether ``stated`` values are enough of a review.
        options: What may be chosen beside, each as it is unless chosen.
    """

    name: str
    description: str
    draw: Callable[..., Chart]
    figure: str = ""
    own_unit: str = ""
    needs: str = TEAM
    around: bool = False
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def unit(self) -> str:
        """Unit of its figures, where they have one."""
        return figures()[self.figure].unit if self.figure else self.own_unit


def entry(name: str) -> Entry:
    """The chart of that name.

    Raises:
        MeshlabError: There is none; the nearest is named.
    """
    if name not in CATALOGUE:
        raise MeshlabError(Problem("chart", f"unknown chart {shorten(name)}", did_you_mean(name, CATALOGUE)))
    return CATALOGUE[name]


def chart(name: str, of: Review | Stated | None = None, look: Look = PLAIN, **options: Any) -> Chart:
    """A chart, drawn. The same inputs give the same chart, byte for byte.

    Args:
        name: A key of `CATALOGUE`.
        of: A review, or ``stated`` values for charts around a scenario; None for charts of no team.
        look: Theme and size.
        options: Those of the entry; a chart with other options than its name says takes the name of its kind.

    Raises:
        MeshlabError: There is no such chart or option, it needs a team, or the height is too small for it.
    """
    if look.theme == "auto":
        light, dark = (chart(name, of, replace(look, theme=theme), **options) for theme in ("light", "dark"))
        return replace(light, theme="auto", dark=hues_in_dark(light.spec, dark.spec))
    chosen = entry(name)
    for option in options:
        if option not in chosen.options:
            known = did_you_mean(option, chosen.options) if chosen.options else "it has none"
            raise MeshlabError(Problem(name, f"unknown option {shorten(option)}", known))
    if chosen.needs == TEAM and of is None:
        raise MeshlabError(Problem(name, "shows a team's figures", "name a team, a team file, a dump or a review.json"))
    if isinstance(of, Stated) and not chosen.around:
        raise MeshlabError(Problem(name, "shows a whole review, not stated values", "give it a review"))
    of = of if chosen.needs == TEAM else None
    asked = {**chosen.options, **options}
    drawn = chosen.draw(of, look, **asked)
    return replace(
        drawn,
        name=drawn.name if options else name,
        team=of.team if of else "",
        subject=subtitle(of) if of else drawn.subject,
        unit=figures()[asked["figure"]].unit if "figure" in options else chosen.unit,
        facts=of.source.strip().removesuffix(".") if isinstance(of, Review) else "",
        inputs_sha256=of.inputs_sha256 if isinstance(of, Review) else data_sha256(),
    )


def hues_in_dark(light: Spec, dark: Spec) -> dict[str, str]:
    """For each colour of a light figure the one that stands in the same place of the dark one. [#rrggbb]"""
    found = [re.findall(r"#[0-9a-f]{6}", json.dumps(spec)) for spec in (light, dark)]
    return dict(zip(*found, strict=True))


# --- what a chart around a scenario is drawn from ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stated:
    """A scenario of which values are only stated, as far as charts read it of a review.

    Args:
        team: Its name.
        known: Values that are given, by input.
        scenario: Value of every declared input, defaults filled in.
    """

    team: str
    known: dict[str, Any]
    scenario: dict[str, Any]


def stated(values: Mapping[str, Any], name: str = SCENARIO) -> Stated:
    """A scenario from values that are known to be allowed.

    Args:
        values: Values of declared inputs; what is absent or None follows its default.
        name: Name of the scenario.
    """
    given = {key: value for key, value in without(values, "scenario").items() if value is not None}
    filled = with_defaults(frame_of([{"scenario": name, **given}])).collect().row(0, named=True)
    return Stated(name, given, without(filled, "scenario"))


def known_frame(of: Review | Stated) -> pl.DataFrame:
    """What is known or supposed of a scenario, as a row; what has a default stays open."""
    return frame_of([{"scenario": of.team, **of.known}])


def axis_title(name: str) -> tuple[str, str]:
    """Label and unit of an input, as an axis names them."""
    spec = inputs()[name]
    return spec.label, "" if spec.unit in UNITLESS else str(spec.unit)


def _cited(of: Review | Stated, figure: str) -> list[str]:
    """Sources of a figure of all data planes; none of values that are only stated."""
    return [] if isinstance(of, Stated) else cited(of, figure, dataplanes(), priced=figure == COST.figure)


# --- charts of a team ----------------------------------------------------------------------------------------------


def _drivers(of: Review | Stated, look: Look, *, figure: str, dataplane: str | None) -> Chart:
    """What moves a figure most: of the recommended data plane, as the review has it, or of another one."""
    if figure not in figures():
        raise MeshlabError(Problem("figure", f"unknown figure {shorten(figure)}", did_you_mean(figure, figures())))
    shown, ids = figures()[figure], []
    if dataplane is not None:
        found = sensitivity.tornado(known_frame(of), dataplane, figure).head(STRONGEST)
        rows = found.with_columns(dataplane=pl.lit(dataplane)).to_dicts()
    elif isinstance(of, Review):
        rows = [row for row in of.sensitivity or () if row["figure_name"] == figure]
        ids = cited(of, figure, filter(None, (of.headline.dataplane,)))
    else:
        raise MeshlabError(Problem("drivers", "name no data plane", did_you_mean("", mesh_dataplanes())))
    return replace(drivers(rows, shown.label, shown.unit, subtitle(of), look), source_ids=ids)


def _domain(of: Review | Stated, look: Look, *, across: str, down: str) -> Chart:
    """The verdict over two inputs, everything else as it is known."""
    frame = domain_map(of.known, across, down)
    fixed = [f"{input_label(key)}: {value_text(value)}" for key, value in without(of.known, across, down).items()]
    held = f"Held fixed: {'; '.join(fixed)}" if fixed else "Everything else is unknown"
    ids: list[str] = []
    if isinstance(of, Review):
        held = f"{subtitle(of)}; everything else as the team's facts say"
        ids = sorted({each for row in of.verdict.rows for each in source_ids(row["source_id"])})
    return replace(domain(frame, axis_label(across), axis_label(down), held, look), source_ids=ids)


def _break_even(of: Review | Stated, look: Look, *, pair: tuple[str, str] | None, over: tuple[str, str]) -> Chart:
    """Where two data planes cost the same: the pair that is given, or the first one that has a line."""
    frame, asked = known_frame(of), (COST.figure, *over)
    pairs, least = ([pair], 1) if pair else (PAIRS, 2)
    lines = ((each, sensitivity.break_even(frame, *each, *asked)) for each in pairs)
    found, line = next(((each, line) for each, line in lines if line.height >= least), (pairs[0], None))
    throughout = sensitivity.cheaper_throughout(frame, *found, *asked) if line is None else None
    if line is None:
        numbers = dict.fromkeys(over, pl.Float64)
        line = pl.DataFrame(schema={**numbers, "cheaper_below": pl.String, "cheaper_above": pl.String})
    here = [of.scenario[name] for name in over]
    across, up = (f"{inputs()[name].label} [{inputs()[name].unit or 'share'}]" for name in over)
    plane = Plane(*over, across, up, (here[0], here[1]) if all(here) else None)
    made = break_even(line, found, plane, subtitle(of), look, throughout=throughout)
    return replace(made, source_ids=_cited(of, COST.figure))


def _curve(of: Review | Stated, look: Look, *, over: str, figure: str) -> Chart:
    """A figure of every data plane over one input."""
    frame = curves.curve(known_frame(of), over, figure)
    shown = figures()[figure]
    label, unit = axis_title(over)
    is_log = inputs()[over].scale == "log"
    words = curve_charts.Shown(label, unit, is_log, shown.label, shown.unit, subtitle(of))
    return replace(curve_charts.curves(frame, words, look), source_ids=_cited(of, figure))


def _path(of: Review | Stated, look: Look) -> Chart:
    """Latency of every data plane along the path of calls."""
    made = curve_charts.path(curves.path(known_frame(of)), subtitle(of), look)
    return replace(made, source_ids=_cited(of, LATENCY.figure))


def _network(of: Review | Stated, look: Look) -> Chart:
    """What every datapath costs by itself."""
    return network(known_frame(of), subtitle(of), look)


def _rule_lookup(of: Review | Stated, look: Look) -> Chart:
    """Looking up a Service as Services grow."""
    return rule_lookup(of.scenario["services"], subtitle(of), look)


def _migration(of_plan: Callable[..., Chart], review: Review, look: Look) -> Chart:
    """A chart of the plan of a team's move."""
    plan: Mapping[str, Any] = review.migration or {"nodes": None}
    subject = review.team
    if plan["nodes"]:
        subject += f": {len(plan['nodes']['name']):,} nodes, {plan['parallel']} at a time"
    ids = sorted({source_id for source_id, _ in plan_sources(review.migration)})
    return replace(of_plan(plan, subject, look), source_ids=ids)


# --- charts of the project's own tables ----------------------------------------------------------------------------


@cache
def _assessed() -> pl.DataFrame:
    """Published figures against what the models say of them, fitted and with their source left out."""
    from meshlab.models.evidence import assess  # reports, which have no such chart, need not wait for it

    return pl.DataFrame(assess()["rows"], infer_schema_length=None)


def _agreement(kind: str, _review: None, look: Look, *, left_out: bool) -> Chart:
    return agreement(_assessed().filter(left_out=left_out), kind, look)


def _lag(_review: None, look: Look, *, provider: str) -> Chart:
    releases = read_table("iac/provider_releases").filter(provider=provider)
    ids = sorted({each for cell in releases["source_id"].unique() for each in source_ids(cell)})
    return provider_lag(iac.provider_lag(provider), provider, ids, look)


AGREEMENT = "published measurements against what the models predict without them"

CATALOGUE: dict[str, Entry] = {
    item.name: item
    for item in (
        Entry(
            "memory",
            "Memory over no mesh, split into data plane and control plane",
            partial(intervals, MEMORY),
            MEMORY.figure,
        ),
        Entry(
            "cpu",
            "CPU in use over no mesh, split into data plane and control plane",
            partial(intervals, CPU),
            CPU.figure,
        ),
        Entry(
            "latency",
            "Added p50, p90 and p99, end to end over the critical path",
            partial(intervals, LATENCY),
            LATENCY.figure,
        ),
        Entry(
            "cost",
            "Memory and CPU over no mesh, at the price of capacity",
            partial(intervals, COST),
            COST.figure,
        ),
        Entry("matrix", "Decision rows: matched, not matched, or unknown for want of a fact", matrix),
        *(
            Entry(
                f"drivers-{name}",
                f"What moves the {words} of the recommended data plane most",
                _drivers,
                figure,
                around=True,
                options={"figure": figure, "dataplane": None},
            )
            for name, words, figure in (
                ("memory", "memory", "memory_gib"),
                ("cost", "cost", "cost_usd_per_month"),
                ("latency", "latency added at p99", "added_p99_ms"),
            )
        ),
        Entry(
            "domain",
            "The verdict over cloud and kernel, everything else as given",
            _domain,
            around=True,
            options={"across": "cloud", "down": "kernel_oldest"},
        ),
        Entry(
            "break-even",
            "Where two data planes cost the same, over pods and requests",
            _break_even,
            COST.figure,
            around=True,
            options={"pair": None, "over": ("pods", "requests_per_second")},
        ),
        Entry(
            "curve-memory",
            "Memory of each data plane over pods in the mesh",
            _curve,
            MEMORY.figure,
            around=True,
            options={"over": "pods", "figure": MEMORY.figure},
        ),
        Entry(
            "curve-cost",
            "Cost of each data plane over requests per second",
            _curve,
            COST.figure,
            around=True,
            options={"over": "requests_per_second", "figure": COST.figure},
        ),
        Entry("path", "Latency that builds up along a path of calls", _path, LATENCY.figure, around=True),
        Entry("network", "CPU and memory of each network plugin by itself", _network, CPU.figure, around=True),
        Entry(
            "rule-lookup",
            "What looking up a Service costs as Services grow: chains and maps",
            _rule_lookup,
            own_unit="us",
            around=True,
        ),
        Entry(
            "migration-nodes",
            "Nodes of the move to the verdict, one after the other",
            partial(_migration, nodes_chart),
        ),
        Entry(
            "migration-flow",
            "Restarts and missing capacity of the move to the verdict over time",
            partial(_migration, flow_chart),
        ),
        *(
            Entry(
                f"agreement-{kind}",
                f"{noun}: {AGREEMENT}",
                partial(_agreement, kind),
                own_unit=unit,
                needs=NOTHING,
                options={"left_out": True},
            )
            for kind, noun, unit in (
                ("memory", "Memory", "MiB"),
                ("cpu", "CPU", "mcores"),
                ("latency", "Added latency", "ms"),
            )
        ),
        Entry(
            "provider-lag",
            "How old what a Terraform provider installs was, by release",
            _lag,
            own_unit="d",
            needs=NOTHING,
            options={"provider": "littlejo/cilium"},
        ),
    )
}
"""Every chart by name, in the order of a report."""
