"""What ``import meshlab as ml`` offers: the models, reviews and charts by one call each, for notebooks and scripts.

Frames in, frames out. Whatever scenarios are given as, every function takes them through ``scenarios``, which checks
names, types and bounds and tells all problems at once. Examples begin with ``import meshlab as ml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, from_extra, shorten
from meshlab.reviews.cases import Case, Cluster
from meshlab.reviews.cases import read_cluster as _read_cluster
from meshlab.reviews.record import Review
from meshlab.reviews.review import build_reviews, case_of, open_named, open_review, without
from meshlab.scenario import Scenarios, scenarios

if TYPE_CHECKING:
    from meshlab.planning.migration import Plan
    from meshlab.show.charts import Chart
    from meshlab.show.widgets import Panel

Subject = str | Path | Mapping[str, Any]
"""Whom a review is of: the name of an example team, a team file or a dump, or values by the names of inputs."""

Measured = str | Path | pl.DataFrame
"""A team's own measurements: a table, a load test, series of Prometheus, or a frame of the table's columns."""


@overload
def estimate(
    given: Scenarios, *, measured: Measured | None = None, intervals: bool = True, lazy: Literal[False] = False
) -> pl.DataFrame: ...


@overload
def estimate(
    given: Scenarios, *, measured: Measured | None = None, intervals: bool = True, lazy: Literal[True]
) -> pl.LazyFrame: ...


def estimate(
    given: Scenarios, *, measured: Measured | None = None, intervals: bool = True, lazy: bool = False
) -> pl.DataFrame | pl.LazyFrame:
    """What each data plane adds to each scenario: memory, CPU, latency and money, with 10-90 % intervals.

    Args:
        given: Scenarios; see ``scenarios``.
        measured: A team's own measurements, which narrow the coefficients first.
        intervals: Whether to return ``_lo`` and ``_hi``; medians alone are far cheaper over millions of rows.
        lazy: Whether to return a query that has not run, for many scenarios: pick columns and sink it. Its intervals
            come from 50 draws that stand for all 1,024 (docs/models.md), each end as a rule within 7 %.

    Returns:
        A row for each scenario and data plane: ``scenario``, ``dataplane``, figures that end in their unit, such as
        ``memory_gib_lo``, ``memory_gib`` and ``memory_gib_hi``, and ``in_evidence_range``.

    Raises:
        MeshlabError: All problems of the scenarios or of the measurements.

    Examples:
        >>> found = ml.estimate([{"scenario": "shop", "nodes": 12, "services": 120, "pods": 480}])
        >>> sidecars = found.filter(dataplane="istio-sidecar")
        >>> [round(sidecars[name].item()) for name in ("memory_gib_lo", "memory_gib", "memory_gib_hi")]
        [28, 47, 99]
    """
    from meshlab.models.evidence import calibrate
    from meshlab.models.overhead import estimate as estimated
    from meshlab.models.overhead.coefficients import SHOWN

    coefficients = None if measured is None else calibrate(_measured(measured))
    checked = scenarios(given)
    if lazy:
        return estimated(checked.lazy(), coefficients, intervals=intervals, count=SHOWN)
    return estimated(checked, coefficients, intervals=intervals).collect()


def least_shares(given: Scenarios, figure_name: str = "cost_usd_per_month") -> pl.LazyFrame:
    """How often each data plane has the least of a figure: the share of joint draws of all coefficients.

    Args:
        given: Scenarios; see ``scenarios``.
        figure_name: A figure of ``estimate`` of which less is better.

    Returns:
        A query that has not run and goes over the scenarios part by part, so that a million take no more memory than
        ten thousand: ``scenario``, ``dataplane``, ``probability_least`` [share].

    Raises:
        MeshlabError: All problems of the scenarios, or there is no such figure.

    Examples:
        >>> found = ml.least_shares([{"scenario": "shop", "nodes": 12, "services": 120, "pods": 480}], "memory_gib")
        >>> found.sort("probability_least").collect()["dataplane"].last()
        'istio-ambient'
    """
    from meshlab.models import overhead

    known = overhead.interval_figures()
    if figure_name not in known:
        raise MeshlabError(
            Problem("figure", f"unknown figure {shorten(figure_name)}", did_you_mean(figure_name, known))
        )
    return overhead.least_shares(scenarios(given), figure_name)


def estimate_pairs(
    given: Scenarios, *, measured: Measured | None = None, tables: str | Path | None = None
) -> pl.DataFrame:
    """What each option of the contest adds, network plugin and mesh together, over no mesh and over what runs today.

    Args:
        given: Scenarios; see ``scenarios``. Each takes about a tenth of a second.
        measured: A team's own measurements, which narrow the coefficients first.
        tables: Folder of a team's own decision tables, laid over ours.

    Returns:
        As ``meshlab.planning.comparison.estimate_pairs``: an option's ids, editions and ``tuned``, the ``baseline``,
        and figures with their 10-90 % intervals, null where no measurement informs them.

    Raises:
        MeshlabError: All problems of the scenarios, the measurements or the tables.

    Examples:
        >>> shop = {"scenario": "shop", "cloud": "gke", "greenfield": True, "pods": 480, "needs": ["mtls"]}
        >>> pairs = ml.estimate_pairs([shop]).filter(baseline="none", eligible=True)
        >>> pairs.select("cni", "mesh").row(0)
        ('cilium', 'istio-sidecar')
    """
    from meshlab.models import decision
    from meshlab.models.evidence import calibrate
    from meshlab.planning import comparison

    coefficients = None if measured is None else calibrate(_measured(measured))
    own = decision.load_tables(Path(tables)) if tables else None
    return comparison.estimate_pairs(scenarios(given), coefficients, own)


def estimate_network(given: Scenarios) -> pl.DataFrame:
    """What each network plugin costs by itself, by what forwards its packets and what encrypts them.

    Args:
        given: Scenarios; see ``scenarios``. Each takes about thirty milliseconds.

    Returns:
        As ``meshlab.models.overhead.network.estimate_network``: a row for each scenario and datapath with memory [GiB],
        CPU [cores] and lookup of a first packet [us] over nodes without a plugin, and their 10-90 % intervals; null
        where no measurement informs them.

    Raises:
        MeshlabError: All problems of the scenarios.

    Examples:
        >>> costs = ml.estimate_network([{"scenario": "shop", "nodes": 40, "requests_per_second": 20_000}])
        >>> costs.filter(datapath="aws-vpc")["cpu_cores"].item() is None
        True
    """
    from meshlab.models.overhead.network import estimate_network as estimated

    return estimated(scenarios(given))


@overload
def decide(given: Scenarios, *, tables: str | Path | None = None, lazy: Literal[False] = False) -> pl.DataFrame: ...


@overload
def decide(given: Scenarios, *, tables: str | Path | None = None, lazy: Literal[True]) -> pl.LazyFrame: ...


def decide(given: Scenarios, *, tables: str | Path | None = None, lazy: bool = False) -> pl.DataFrame | pl.LazyFrame:
    """Which network plugin and which mesh fit each scenario.

    Args:
        given: Scenarios; see ``scenarios``.
        tables: Folder of a team's own decision tables, laid over ours.
        lazy: Whether to return a query that has not run, for many scenarios.

    Returns:
        A row for each scenario: ``scenario``; ``cni``, ``mesh``, ``cni_edition`` and ``mesh_edition``; ``tuned``;
        ``eligible``; ``cni_row`` and ``mesh_row``, ids of the preferences that decided. Reasons, and what is unknown
        and could change the answer, are in the ``verdict`` of ``review``.

    Raises:
        MeshlabError: All problems of the scenarios or of the tables.

    Examples:
        >>> shop = {"scenario": "shop", "cloud": "gke", "greenfield": True, "needs": ["mtls"], "windows_nodes": 0}
        >>> ml.decide([shop]).select("cni", "mesh").row(0)
        ('cilium', 'istio-sidecar')
    """
    from meshlab.models import decision

    own = decision.load_tables(None if tables is None else Path(tables))
    query = decision.decide(scenarios(given).lazy(), own)
    return query if lazy else query.collect()


def review(of: Subject, *, tables: str | Path | None = None) -> Review:
    """A review: a team's facts through every model, with all sources.

    Args:
        of: The name of an example team, a team file, a dump (file, folder or archive) or a ``review.json``; or values
            by the names of inputs, such as ``{"pods": 480, "needs": ["mtls"]}``.
        tables: Folder of a team's own decision tables, laid over ours.

    Raises:
        MeshlabError: There is no such team or file, or all problems of what it states.

    Examples:
        >>> ml.review("online-boutique").verdict.edition
        {'cni': 'dataplane-v2', 'mesh': 'cloud-service-mesh'}
    """
    from meshlab.models import decision

    if tables is None and not isinstance(of, Mapping):
        return open_review(_path(of))
    return build_reviews([_case(of)], decision.load_tables(Path(tables)) if tables else None)[0]


def plan_migration(of: Subject, today: str = "", target: str = "", *, own: Mapping[str, object] | None = None) -> Plan:
    """What a move to another network plugin or mesh takes, what stands in its way, and when it pays.

    Args:
        of: As for ``review``; a dump tells most.
        today: What runs today, where the facts are to be overruled, such as ``calico+none``.
        target: Where to move, such as ``cilium+istio-ambient``; what the decision recommends unless given.
        own: Figures that stand before the assumed ones, by the names of ``data/migration/assumptions.csv``.

    Raises:
        MeshlabError: There is no such team, file, place or figure, or all problems of what it states.

    Examples:
        >>> plan = ml.plan_migration("wikikube-eqiad", target="calico+istio-ambient")
        >>> plan["to"]["mesh"], plan["blockers"] == []
        ('istio-ambient', True)
    """
    from meshlab.reviews.comparison import over_budget
    from meshlab.reviews.migration import plans

    case = _case(of)
    return plans([case], today, target, own, over_budget({case.team.name: case}))[0]


def read_cluster(path: str | Path) -> Cluster:
    """What a dump shows of a cluster: ``facts``, ``findings`` of the audit, and what a migration needs (``survey``).

    Args:
        path: Output of kubectl, a folder of it, or an archive; each file is opened once.

    Raises:
        MeshlabError: It cannot be read, or shows nothing of a cluster.

    Examples:
        >>> cluster = ml.read_cluster("nodes.json")  # doctest: +SKIP
        >>> cluster.facts["nodes"]["count"]  # doctest: +SKIP
        12
    """
    return _read_cluster(Path(_path(path)))


def sweep(spec: str | Path | Mapping[str, Any]) -> pl.DataFrame:
    """Medians of the estimate over a grid or a random sample of scenarios, in memory.

    Args:
        spec: What varies and how: a file as ``meshlab sweep`` reads it, or its content. That command writes sweeps of
            any size to a file.

    Returns:
        A row for each scenario and data plane with the inputs that vary, or what the spec's ``aggregates`` tell.

    Raises:
        MeshlabError: All problems of the spec, or its rows are too many for memory.

    Examples:
        >>> spec = {"sample": {"method": "grid"}, "inputs": {"pods": [100, 1000], "nodes": 20}}
        >>> ml.sweep(spec).filter(dataplane="linkerd")["pods"].to_list()
        [100, 1000]
    """
    from meshlab.run.sweep import evaluate, read_spec, spec_of

    return evaluate(spec_of(dict(spec)) if isinstance(spec, Mapping) else read_spec(Path(_path(spec))))


def evidence(measured: Measured | None = None) -> pl.DataFrame:
    """How well the models reproduce measurements: a row for each, beside what is predicted and its interval.

    Args:
        measured: A team's own measurements. Without them the published ones, fitted and with each source left out.

    Raises:
        MeshlabError: All problems of the measurements.

    Examples:
        >>> ml.evidence().filter("left_out")["inside"].mean() > 0.75
        True
    """
    from meshlab.models.evidence import validate

    rows = validate(None if measured is None else _measured(measured))["rows"]
    return pl.DataFrame(rows, infer_schema_length=None)


def figure(
    name: str,
    of: Review | Subject | None = None,
    *,
    theme: str = "light",
    width: int = 720,
    height: int | None = None,
    **options: Any,
) -> Chart:
    """A chart that shows itself as the last value of a cell, and can be saved and copied.

    Args:
        name: A chart of ``meshlab chart --list``.
        of: Whose figures it shows: a review, or what ``review`` takes; nobody's for charts that need none.
        theme: light, dark or print.
        width: Width. [px]
        height: Height; as much as the chart needs unless given. [px]
        options: What the chart lets choose, such as ``over`` of a curve.

    Raises:
        MeshlabError: There is no such chart, option or theme, the chart needs a team, or all problems of the team.

    Examples:
        >>> ml.figure("memory", "online-boutique").title
        'Memory that each data plane adds'
    """
    from meshlab.show.charts import Look, chart

    shown = of if of is None or isinstance(of, Review) else review(of)
    return chart(name, shown, Look(theme, width, height), **options)


def panel(initial: Mapping[str, Any] | None = None, names: Sequence[str] | None = None) -> Panel:
    """Controls of the declared inputs for a notebook; ``scenario`` holds what they say and can be observed.

    Args:
        initial: Values to begin with.
        names: Inputs that get a control; all of them unless given.

    Raises:
        MeshlabError: All problems of the values, there is no such input, or ipywidgets is not installed.

    Examples:
        >>> controls = ml.panel({"pods": 480}, names=["pods", "nodes"])
        >>> controls.scenario["pods"]
        480
    """
    with from_extra("lab", "panel"):
        from meshlab.show import widgets
    return widgets.panel(initial, names)


# --- what is given ---------------------------------------------------------------------------------------------------


def _path(given: object) -> str | Path:
    if isinstance(given, str | Path):
        return given
    raise MeshlabError(Problem(shorten(given), "names no file", "give a path, or the name of an example team"))


def _case(of: Subject) -> Case:
    if not isinstance(of, Mapping):
        return open_named(_path(of))
    return case_of(without(of, "scenario"), str(of.get("scenario") or "this scenario"))


def _measured(given: Measured) -> pl.DataFrame:
    from meshlab.models.evidence import check_measured, read_measured

    return check_measured(given) if isinstance(given, pl.DataFrame) else read_measured(Path(_path(given)))
