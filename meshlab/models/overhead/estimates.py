"""What each data plane adds to a cluster: memory, CPU, latency and money, as expressions over a scenario's inputs.

``none`` is the cluster as it is without a mesh; every figure is what a data plane adds to it. What a data plane runs is
in ``dataplanes``; this module sums it into figures with intervals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import polars as pl

from meshlab.kept import kept, kept_latest
from meshlab.models.overhead import latency, registry
from meshlab.models.overhead.cluster import Cluster, Stage, factors, prepared, waypoint_replicas
from meshlab.models.overhead.coefficients import DRAWS, Coefficients, Value, draws, joint_draws, medians
from meshlab.models.overhead.dataplanes import MODELS, Parts
from meshlab.models.overhead.latency import PERCENTILES, Traversals
from meshlab.scenario import collect_few, with_defaults
from meshlab.units import HOURS_PER_MONTH

PRICES = {"_memory_usd": "memory_usd_per_gib_hour", "_cpu_usd": "cpu_usd_per_core_hour"}
"""Columns of monthly prices, and the inputs that they come from. [USD/GiB/month, USD/core/month]"""

INPUTS_KEPT = ("node_cpu_cores", "node_memory_gib", *PRICES)
"""Columns of the scenarios that the last stages need, beside their keys."""

GIB = 1.0 / 1024.0
CORES = 1.0 / 1000.0

# --- figures -------------------------------------------------------------------------------------------------------


def split_figures(parts: Parts, c: Coefficients, dataplane: str) -> dict[str, Value]:
    """Memory and CPU of data plane and control plane, each scaled by its spread.

    Args:
        parts: What the data plane adds, from medians or from draws.
        c: The same coefficients.
        dataplane: One of ``registry.mesh_dataplanes()``.
    """
    return {
        "data_plane_memory_gib": parts.data_memory * (spread(c, dataplane, "memory") * GIB),
        "control_plane_memory_gib": parts.control_memory * (spread(c, dataplane, "control_memory") * GIB),
        "data_plane_cpu_cores": parts.data_cpu * (spread(c, dataplane, "cpu") * CORES),
        "control_plane_cpu_cores": parts.control_cpu * (spread(c, dataplane, "control_cpu") * CORES),
    }


def spread(c: Coefficients, dataplane: str, figure: str) -> Value:
    """Factor between sources that the model does not explain; its median is one. [ratio]"""
    return c[f"{registry.dataplanes()[dataplane].spread}_{figure}_spread"]


def totals() -> dict[str, pl.Expr]:
    """Data plane and control plane together."""
    return {
        figure: pl.col(f"data_plane_{figure}") + pl.col(f"control_plane_{figure}")
        for figure in ("memory_gib", "cpu_cores")
    }


def monthly_cost(memory_gib: Value, cpu_cores: Value) -> pl.Expr:
    """Cost of the capacity used: memory and cores, each times its price. [USD/month]

    Sources: opencost-default (data/sources.csv) for the prices that stand in.
    """
    return memory_gib * pl.col("_memory_usd") + cpu_cores * pl.col("_cpu_usd")


def nodes_filled(memory_gib: pl.Expr, cpu_cores: pl.Expr) -> pl.Expr:
    """Whole nodes of the team's size that so much memory and CPU fill; negative where they are freed. [count]"""
    return pl.max_horizontal(memory_gib / pl.col("node_memory_gib"), cpu_cores / pl.col("node_cpu_cores")).ceil()


def path_columns(path: Sequence[Traversals]) -> dict[str, Value]:
    """Traversals of the critical path, as columns from which its shape is taken."""
    return {
        name: value
        for index, part in enumerate(path)
        for name, value in ((f"_count_{index}", part.count), (f"_mean_{index}", part.mean_ms))
    }


def percentile_stages(c: Coefficients) -> tuple[dict[str, pl.Expr], dict[str, pl.Expr]]:
    """Stages that end in ``_ratio_p50`` and so on: percentiles of a path over its mean. [ratio]"""
    root: pl.Expr = latency.inverse_root_shape(pl.col("_mean"), pl.col("_variance"), c["latency_shape"])
    ratios = {
        f"_ratio_{name}": latency.quantile_root(pl.col("_inverse_root"), probability).pow(3)
        for name, probability in PERCENTILES.items()
    }
    return {"_inverse_root": root}, ratios


def part_figures(parts: Parts, c: Coefficients, dataplane: str) -> dict[str, Value]:
    """The parts of the totals that are shown apart."""
    memory_scale, cpu_scale = spread(c, dataplane, "memory") * GIB, spread(c, dataplane, "cpu") * CORES
    return {
        "ebpf_maps_memory_gib": parts.maps_memory * memory_scale,
        "cni_change_memory_gib": parts.cni_memory * memory_scale,
        "cni_change_cpu_cores": parts.cni_cpu * cpu_scale,
        "_requested_memory_gib": _requested(parts.requested_memory, GIB),
        "_requested_cpu_cores": _requested(parts.requested_cpu, CORES),
    }


def _requested(value: Value | None, scale: float) -> Value:
    """What the charts request by default, in the figure's unit; where they request nothing, less than any use."""
    return float("-inf") if value is None else value * scale


# --- estimate ------------------------------------------------------------------------------------------------------


def estimate(
    scenarios: pl.DataFrame | pl.LazyFrame, coefficients: pl.DataFrame | None = None, *, intervals: bool = True
) -> pl.LazyFrame:
    """What every data plane adds to every scenario: one row each, with 10-90 % intervals.

    The middle is the model at the coefficients' medians, with and without intervals; ``lo`` and ``hi`` are the 10 and
    90 % quantiles over joint draws of all coefficients. Memory grows with the scenarios of one query, for all of them
    wait until the last data plane is worked out: go over many millions part by part, as ``meshlab sweep`` does.

    Args:
        scenarios: Columns of ``scenario.schema()``; missing values are filled with their defaults.
        coefficients: Such a table as ``coefficient_table()`` or ``evidence.narrow`` returns; the fitted one without.
        intervals: Whether to return ``_lo`` and ``_hi``; medians alone are far cheaper over millions of rows.

    Returns:
        ``scenario, dataplane``, then INTERFACE's figures, ``in_evidence_range`` and the parts of the totals.
    """
    steps = _fitted_steps(intervals) if coefficients is None else steps_of(coefficients, intervals=intervals)
    base = _stages(with_defaults(scenarios), steps.base)
    if isinstance(scenarios, pl.DataFrame) and scenarios.height <= FEW_ROWS:
        # over few rows most of the time is planning, at which two small plans are quicker
        return collect_few(_of_base(collect_few(base).lazy(), steps)).lazy()
    return _of_base(base, steps)


def draw_estimates(
    scenarios: pl.DataFrame,
    coefficients: pl.DataFrame | None = None,
    dataplanes: Iterable[str] = tuple(MODELS),
    count: int = DRAWS,
) -> pl.LazyFrame:
    """What ``estimate`` returns, once for each joint draw of all coefficients and without ends of intervals.

    Row by row the draws are of one possible world: what data planes share is drawn once, so that the difference of two
    of them in a draw, how often one is best, and what a choice would cost where it is not, are read off the rows.

    Args:
        scenarios: Columns of ``scenario.schema()``; missing values are filled with their defaults.
        coefficients: As for ``estimate``.
        dataplanes: Data planes beside ``none``.
        count: The first of the draws, at most ``DRAWS``.

    Returns:
        ``scenario``, ``draw`` (from zero), ``dataplane``, then as ``estimate`` without intervals.
    """
    drawn = joint_draws(coefficients, count)
    steps = _draw_steps(tuple(dataplanes), tuple(drawn.columns), tuple(medians(coefficients).items()))
    whole = len(prepared())  # into these stages no coefficient enters: they need not be repeated for each draw
    known = collect_few(_stages(with_defaults(scenarios), steps.base[:whole])).lazy()
    base = known.join(drawn.with_row_index("draw").lazy(), how="cross", maintain_order="left_right")
    return _of_base(_stages(base, steps.base[whole:]), steps)


@kept_latest(4)
def _draw_steps(dataplanes: tuple[str, ...], drawn: tuple[str, ...], middle: tuple[tuple[str, float], ...]) -> Steps:
    """The expressions of an estimate in which coefficients are columns, a draw to a row."""
    c: dict[str, Value] = {**dict(middle), **{name: pl.col(name) for name in drawn}}
    return steps_with(c, dataplanes=dataplanes, keys=("scenario", "draw"))


FEW_ROWS = 1000
"""Rows of a frame in memory up to which an estimate is computed at once: a slider's tick, a team, a page of teams."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The expressions of an estimate, which depend on the coefficients and not on the scenarios.

    Args:
        base: Stages on the scenarios, before they are repeated for each data plane.
        none: Columns of the rows without a mesh, as an estimate returns them.
        planes: For each data plane its stages; then the columns that the next stages need.
        figures: Stages on the rows of all data planes but ``none``.
        selected: Columns that an estimate returns.
    """

    base: tuple[Stage, ...]
    none: tuple[pl.Expr, ...]
    planes: tuple[tuple[tuple[Stage, ...], tuple[pl.Expr, ...]], ...]
    figures: tuple[Stage, ...]
    selected: tuple[pl.Expr, ...]


def estimate_by(scenarios: pl.DataFrame | pl.LazyFrame, steps: Steps) -> pl.LazyFrame:
    """What ``estimate`` returns, by expressions that the caller chose."""
    return _of_base(_stages(with_defaults(scenarios), steps.base), steps)


def _of_base(base: pl.LazyFrame, steps: Steps) -> pl.LazyFrame:
    planes = [_stages(base, stages).select(kept) for stages, kept in steps.planes]
    rows = _stages(pl.concat(planes, how="vertical"), steps.figures).select(steps.selected)
    return pl.concat([base.select(steps.none), rows], how="vertical")


def _stages(frame: pl.LazyFrame, stages: Iterable[Stage]) -> pl.LazyFrame:
    return reduce(lambda before, stage: before.with_columns(**stage), stages, frame)


@kept
def _fitted_steps(intervals: bool) -> Steps:  # noqa: FBT001  (a key of the cache)
    return steps_of(None, intervals=intervals)


def steps_of(coefficients: pl.DataFrame | None, *, intervals: bool) -> Steps:
    """The expressions of an estimate with these coefficients."""
    return steps_with(medians(coefficients), draws(coefficients) if intervals else None)


def steps_with(
    middle: Coefficients,
    sampled: Coefficients | None = None,
    dataplanes: Sequence[str] | None = None,
    keys: Sequence[str] = ("scenario",),
) -> Steps:
    """The expressions of an estimate.

    Args:
        middle: Medians; those that are not certain may be columns of the scenarios, one value a row.
        sampled: Medians and draws as arrays, where intervals are wanted.
        dataplanes: Data planes beside ``none``; all of them unless given.
        keys: Columns that name a row, beside the data plane.
    """
    intervals = sampled is not None
    dataplanes = registry.mesh_dataplanes() if dataplanes is None else dataplanes
    waypoints = waypoint_replicas(middle)
    request = {
        "_waypoints": waypoints,
        **factors(middle, waypoints, "_"),
        **(factors(sampled, waypoints, "_drawn_") if sampled else {}),
    }
    in_range = {f"_in_range_{dataplane}": registry.in_evidence_range(dataplane) for dataplane in dataplanes}
    monthly_prices = {name: pl.col(price) * HOURS_PER_MONTH for name, price in PRICES.items()}
    root, ratios = percentile_stages(middle)
    cost = {"cost_usd_per_month": monthly_cost(pl.col("memory_gib"), pl.col("cpu_cores"))}
    middles = {name: pl.col(name).arr.first() for name in _drawn()} | _quantiles() if intervals else {}
    added = {f"added_{name}_ms": pl.col("_mean_ms") * pl.col(f"_ratio_{name}") for name in PERCENTILES}
    selected = (
        *map(pl.col, keys),
        pl.col("dataplane"),
        *(_interval_columns() if intervals else map(pl.col, registry.interval_figures())),
        pl.col("in_evidence_range"),
        *map(pl.col, registry.part_figures()),
    )
    return Steps(
        base=(*prepared(), request | monthly_prices | in_range),
        none=tuple(_none(selected, keys)),
        planes=tuple(_plane(dataplane, middle, sampled, keys) for dataplane in dataplanes),
        figures=(totals() | root, cost, middles | ratios, added | {"nodes_filled": _requested_nodes()}),
        selected=selected,
    )


def _plane(
    dataplane: str, middle: Coefficients, sampled: Coefficients | None, keys: Sequence[str]
) -> tuple[tuple[Stage, ...], tuple[pl.Expr, ...]]:
    c = sampled or middle
    model = MODELS[dataplane]
    parts, middle_parts = (
        model(c, Cluster.of_columns(sampled=c is sampled)),
        model(middle, Cluster.of_columns(sampled=False)),
    )
    path = [Traversals(pl.col(f"_count_{index}"), pl.col(f"_mean_{index}")) for index in range(len(middle_parts.path))]
    crossed = path_columns(middle_parts.path)
    named = {"dataplane": pl.lit(dataplane), "in_evidence_range": pl.col(f"_in_range_{dataplane}")}
    drawn = path if sampled is None else parts.path
    stages = (
        split_figures(parts, c, dataplane) | crossed | part_figures(middle_parts, middle, dataplane) | named,
        {
            "_mean_ms": _times(latency.path_mean(drawn), spread(c, dataplane, "latency")),
            "_mean": latency.path_mean(path),
            "_variance": latency.path_variance(path),
        },
    )
    kept = (*keys, *INPUTS_KEPT, *(name for stage in stages for name in stage if name not in crossed))
    return stages, tuple(map(pl.col, kept))


def _times(value: Value, factor: Value) -> Value:
    """The product; a factor of one costs as much as any other, unless it is left out."""
    return value * factor if isinstance(factor, pl.Expr) or factor != 1.0 else value


def _none(selected: Iterable[pl.Expr], keys: Iterable[str]) -> Iterator[pl.Expr]:
    """Columns of the cluster without a mesh: nothing is added, which needs no measurement."""
    constants = {
        **{name: pl.col(name) for name in keys},
        "dataplane": pl.lit(registry.NONE),
        "in_evidence_range": pl.lit(value=True),
    }
    for name in (column.meta.output_name() for column in selected):
        yield constants.get(name, pl.lit(0.0)).alias(name)


def _requested_nodes() -> pl.Expr:
    """Nodes by what is requested, or by what is used where that is more or nothing is requested.

    A change of plugin may free some.
    """
    memory_gib, cpu_cores, requested_memory, requested_cpu = map(
        pl.col, ("memory_gib", "cpu_cores", "_requested_memory_gib", "_requested_cpu_cores")
    )
    return nodes_filled(pl.max_horizontal(memory_gib, requested_memory), pl.max_horizontal(cpu_cores, requested_cpu))


def _drawn() -> tuple[str, ...]:
    """Figures that are drawn; the path's percentiles scale with the draws of its mean."""
    return (*(name for name in registry.interval_figures() if not name.startswith("added")), "_mean_ms")


def _quantiles() -> dict[str, pl.Expr]:
    """Ends of every drawn figure's interval."""
    return {
        f"{name}_{end}": pl.col(name).arr.to_list().list.agg(pl.element().quantile(share, "linear"))
        for name in _drawn()
        for end, share in (("lo", 0.1), ("hi", 0.9))
    }


def _interval_columns() -> Iterator[pl.Expr]:
    for name in registry.interval_figures():
        lower, upper = (_interval_end(name, end) for end in ("lo", "hi"))
        yield pl.min_horizontal(lower, name).alias(f"{name}_lo")
        yield pl.col(name)
        yield pl.max_horizontal(upper, name).alias(f"{name}_hi")


def _interval_end(name: str, end: str) -> pl.Expr:
    if name.startswith("added"):
        return pl.col(f"_mean_ms_{end}") * pl.col(f"_ratio_{name.split('_')[1]}")
    return pl.col(f"{name}_{end}")
