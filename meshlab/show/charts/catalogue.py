"""Every chart by name: what it shows, what it is drawn from, and how.

A report, a panel, ``meshlab chart`` and the blocks of a document draw from here. A chart is added as an entry with the
function that draws it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.models.overhead import figures
from meshlab.reviews.cases import data_sha256
from meshlab.reviews.migration import plan_sources
from meshlab.reviews.record import Review
from meshlab.show.charts.canvas import PLAIN, Look, Stated, subtitle
from meshlab.show.charts.curves import break_even, curve, path
from meshlab.show.charts.decision import domain, matrix
from meshlab.show.charts.drivers import drivers
from meshlab.show.charts.intervals import COST, CPU, LATENCY, MEMORY, intervals
from meshlab.show.charts.migration import flow_chart, nodes_chart
from meshlab.show.charts.network import network, rule_lookup
from meshlab.show.charts.tables import NOUNS, agreement, provider_lag
from meshlab.show.export import Chart, Spec

TEAM, NOTHING = "a team", "nothing"
"""What a chart is drawn from: a team's review, or the project's own tables."""


class Entry(msgspec.Struct, frozen=True):
    """A chart of the catalogue.

    Args:
        name: How commands and documents call it.
        description: What it shows, in one line.
        draw: Draws it ``of`` a review, where it needs one, in a ``look``, with the options by name.
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
    options: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])

    @property
    def unit(self) -> str:
        """Unit of its figures, where they have one."""
        return figures()[self.figure].unit if self.figure else self.own_unit


def unknown_chart(name: str) -> Problem:
    """What is wrong with a name that no chart has; the nearest is named."""
    return Problem("chart", f"unknown chart {shorten(name)}", did_you_mean(name, CATALOGUE))


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
    if name not in CATALOGUE:
        raise MeshlabError(unknown_chart(name))
    chosen = CATALOGUE[name]
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
    drawn = chosen.draw(look=look, **asked) if of is None else chosen.draw(of=of, look=look, **asked)
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


def _migration(of_plan: Callable[..., Chart], of: Review, look: Look) -> Chart:
    """A chart of the plan of a team's move."""
    plan: Mapping[str, Any] = of.migration or {"nodes": None}
    subject = of.team
    if plan["nodes"]:
        subject += f": {len(plan['nodes']['name']):,} nodes, {plan['parallel']} at a time"
    ids = sorted({source_id for source_id, _ in plan_sources(of.migration)})
    return replace(of_plan(plan, subject, look), source_ids=ids)


CATALOGUE: dict[str, Entry] = {
    item.name: item
    for item in (
        *(
            Entry(shown.name, words, partial(intervals, shown), shown.figure)
            for shown, words in (
                (MEMORY, "Memory over no mesh, split into data plane and control plane"),
                (CPU, "CPU in use over no mesh, split into data plane and control plane"),
                (LATENCY, "Added p50, p90 and p99, end to end over the critical path"),
                (COST, "Memory and CPU over no mesh, at the price of capacity"),
            )
        ),
        Entry("matrix", "Decision rows: matched, not matched, or unknown for want of a fact", matrix),
        *(
            Entry(
                f"drivers-{name}",
                f"What moves the {words} of the recommended data plane most",
                drivers,
                figure,
                around=True,
                options={"figure": figure, "dataplane": None},
            )
            for name, words, figure in (
                ("memory", "memory", MEMORY.figure),
                ("cost", "cost", COST.figure),
                ("latency", "latency added at p99", "added_p99_ms"),
            )
        ),
        Entry(
            "domain",
            "The verdict over cloud and kernel, everything else as given",
            domain,
            around=True,
            options={"across": "cloud", "down": "kernel_oldest", "colour": "verdict"},
        ),
        Entry(
            "break-even",
            "Where two data planes cost the same, over pods and requests",
            break_even,
            COST.figure,
            around=True,
            options={"pair": None, "over": ("pods", "requests_per_second")},
        ),
        *(
            Entry(
                f"curve-{shown.name}",
                words,
                curve,
                shown.figure,
                around=True,
                options={"over": over, "figure": shown.figure},
            )
            for shown, words, over in (
                (MEMORY, "Memory of each data plane over pods in the mesh", "pods"),
                (COST, "Cost of each data plane over requests per second", "requests_per_second"),
            )
        ),
        Entry("path", "Latency that builds up along a path of calls", path, LATENCY.figure, around=True),
        Entry("network", "CPU and memory of each network plugin by itself", network, CPU.figure, around=True),
        Entry(
            "rule-lookup",
            "What looking up a Service costs as Services grow: chains and maps",
            rule_lookup,
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
                f"{noun}: published measurements against what the models predict without them",
                partial(agreement, kind=kind),
                own_unit=unit,
                needs=NOTHING,
                options={"left_out": True},
            )
            for kind, (noun, unit) in NOUNS.items()
        ),
        Entry(
            "provider-lag",
            "How old what a Terraform provider installs was, by release",
            provider_lag,
            own_unit="d",
            needs=NOTHING,
            options={"provider": "littlejo/cilium"},
        ),
    )
}
"""Every chart by name, in the order of a report."""
