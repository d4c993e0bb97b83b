"""What each data plane adds to a cluster: memory, CPU, latency and money, as expressions over a scenario's inputs.

``none`` is the cluster as it is without a mesh; every figure is what a data plane adds to it. What a data plane runs is
in ``dataplanes``; this module sums it into figures with intervals, and tells which sources each rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain
from typing import TypeVar

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.cache import cached, cached_here, cached_latest
from meshlab.models.overhead import latency, registry
from meshlab.models.overhead.cluster import Cluster, Stage, factors, prepared
from meshlab.models.overhead.coefficients import (
    DRAWS,
    SHOWN,
    Coefficients,
    Value,
    at_least,
    coefficient_table,
    draws,
    joint_draws,
    medians,
)
from meshlab.models.overhead.dataplanes import MODELS, Parts
from meshlab.models.overhead.latency import PERCENTILES
from meshlab.models.overhead.registry import NONE, citing
from meshlab.scenario import collect_few, with_defaults
from meshlab.units import ENDS, HOURS_PER_MONTH

Column = TypeVar("Column", pl.Expr, pl.Series)

PRICES = {"_memory_usd": "memory_usd_per_gib_hour", "_cpu_usd": "cpu_usd_per_core_hour"}
"""Columns of monthly prices, and the inputs that they come from. [USD/GiB/month, USD/core/month]"""

INPUTS_KEPT = ("node_cpu_cores", "node_memory_gib", *PRICES)
"""Columns of the scenarios that the last stages need, beside their keys."""

GIB = 1.0 / 1024.0
CORES = 1.0 / 1000.0

# --- figures -------------------------------------------------------------------------------------------------------


def split_figures(parts: Parts, c: Coefficients) -> dict[str, Value]:
    """Memory and CPU of data plane and control plane, and the stalls along the critical path.

    Args:
        parts: What the data plane adds, from medians or from draws.
        c: The same coefficients.
    """
    return {
        "data_plane_memory_gib": parts.data_memory * GIB,
        "control_plane_memory_gib": parts.control_memory * GIB,
        "data_plane_cpu_cores": parts.data_cpu * CORES,
        "control_plane_cpu_cores": parts.control_cpu * CORES,
        "_log_stalls": latency.log_stalls(c, parts.path),
    }


def monthly_cost(memory_gib: Column, cpu_cores: Column, memory_usd: Column | float, cpu_usd: Column | float) -> Column:
    """Cost of the capacity used: memory and cores, each times its price of a month. [USD/month]

    Sources: opencost-default (data/sources.csv) for the prices that stand in.
    """
    return memory_gib * memory_usd + cpu_cores * cpu_usd


def nodes_filled(memory_gib: pl.Expr, cpu_cores: pl.Expr) -> pl.Expr:
    """Whole nodes of the team's size that so much memory and CPU fill; negative where they are freed. [count]"""
    return pl.max_horizontal(memory_gib / pl.col("node_memory_gib"), cpu_cores / pl.col("node_cpu_cores")).ceil()


def added_latency(c: Coefficients) -> tuple[dict[str, Value], dict[str, Value]]:
    """Stages that end in the path's percentiles. [ms]"""
    deviation = latency.deviation_over_mean(c, pl.col("_mean_ms"), pl.col("_variance_ms2"))
    percentiles = {
        f"added_{name}_ms": latency.path_quantile(
            c, pl.col("_mean_ms"), pl.col("_deviation"), pl.col("_log_stalls"), pl.col("_stall_ms"), probability
        )
        for name, probability in PERCENTILES.items()
    }
    return {"_deviation": deviation}, percentiles


def part_figures(parts: Parts) -> dict[str, Value]:
    """The parts of the totals that are shown apart."""
    return {
        "ebpf_maps_memory_gib": parts.maps_memory * GIB,
        "cni_change_memory_gib": parts.cni_memory * GIB,
        "cni_change_cpu_cores": parts.cni_cpu * CORES,
        "worker_load": parts.worker_load,
        "_requested_memory_gib": _requested(parts.requested_memory, GIB),
        "_requested_cpu_cores": _requested(parts.requested_cpu, CORES),
    }


def _requested(value: Value | None, scale: float) -> Value:
    """What the charts request by default, in the figure's unit; where they request nothing, less than any use."""
    return float("-inf") if value is None else value * scale


# --- estimate ------------------------------------------------------------------------------------------------------


def estimate(
    scenarios: pl.DataFrame | pl.LazyFrame,
    coefficients: pl.DataFrame | None = None,
    *,
    intervals: bool = True,
    count: int = DRAWS,
) -> pl.LazyFrame:
    """What every data plane adds to every scenario: one row each, with 10-90 % intervals.

    The middle is the model at the coefficients' medians, with and without intervals; ``lo`` and ``hi`` are the 10 and
    90 % quantiles over joint draws of all coefficients. Memory grows with the scenarios of one query, for all of them
    wait until the last data plane is worked out: go over many millions part by part, as ``meshlab sweep`` does. A frame
    in memory is gone over at once, part by part.

    Args:
        scenarios: Columns of ``scenario.schema()``; missing values are filled with their defaults.
        coefficients: Such a table as ``coefficient_table()`` or ``evidence.calibrate`` returns; the fitted one without.
        intervals: Whether to return ``_lo`` and ``_hi``; medians alone are far cheaper over millions of rows.
        count: The first of the draws, at most ``DRAWS``; ``SHOWN`` stand for all where there are many scenarios.

    Returns:
        ``scenario, dataplane``, the figures of ``data/figures.csv``, ``in_evidence_range``, and parts of the totals.
    """
    count = count if intervals else 0
    steps = _fitted_steps(count) if coefficients is None else steps_of(coefficients, count)
    if isinstance(scenarios, pl.DataFrame) and scenarios.height and (intervals or scenarios.height <= FEW_ROWS):
        parts = scenarios.iter_slices(PART_DRAWS // max(count, 1))
        return pl.concat([_of_few(part, steps) for part in parts], how="vertical")
    return _of_base(_stages(with_defaults(scenarios), steps.base), steps)


def _of_few(scenarios: pl.DataFrame, steps: Steps) -> pl.LazyFrame:
    """An estimate worked out at once: over few rows most of the time is planning, and two small plans are quicker."""
    base = collect_few(_stages(with_defaults(scenarios), steps.base))
    return collect_few(_of_base(base.lazy(), steps)).lazy()


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
    return collect_few(_of_base(collect_few(_stages(base, steps.base[whole:])).lazy(), steps)).lazy()


def least_shares(scenarios: pl.DataFrame | pl.LazyFrame, figure: str) -> pl.LazyFrame:
    """How often each data plane has the least of a figure, over the ``SHOWN`` draws that stand for all.

    It goes over the scenarios part by part, so that memory does not grow with the draws of all of them.

    Args:
        scenarios: Columns of ``scenario.schema()``; missing values are filled with their defaults.
        figure: One of ``interval_figures()``, of which less is better.

    Returns:
        ``scenario``, ``dataplane``, ``probability_least`` [share]; a tie counts for each of those that share it alike.
    """
    import numpy as np

    steps = _fitted_steps(SHOWN)
    names = registry.mesh_dataplanes()

    def shares(part: pl.DataFrame) -> pl.DataFrame:
        base = _stages(with_defaults(part), steps.base)
        rows = pl.concat([_stages(base, stages).select(kept) for stages, kept in steps.planes], how="vertical")
        drawn = _stages(rows, steps.figures[:-2]).select(figure).collect(engine="in-memory").to_series().to_numpy()
        values = drawn.reshape(len(names), len(part), -1)[:, :, 1:]  # the median comes first
        least = values == values.min(axis=0)
        found = (least / least.sum(axis=0)).mean(axis=2).T
        scenario = part["scenario"].gather(np.arange(len(part)).repeat(len(names)))
        planes = pl.Series("dataplane", names * len(part))
        return pl.DataFrame([scenario, planes, pl.Series("probability_least", found.reshape(-1))])

    lazy = scenarios.lazy()
    schema: dict[str, pl.DataType] = {"scenario": lazy.collect_schema()["scenario"]}
    schema |= {"dataplane": pl.String(), "probability_least": pl.Float64()}
    return lazy.map_batches(
        lambda frame: (
            pl.concat(map(shares, frame.iter_slices(PART_DRAWS // SHOWN)))
            if frame.height
            else pl.DataFrame(schema=schema)
        ),
        schema=schema,
        projection_pushdown=False,
        predicate_pushdown=False,
        streamable=True,
    )


PART_DRAWS = 100_000
"""Draws of all scenarios that are worked out at a time: some 200 MB. [count]"""


@cached_latest(4)
def _draw_steps(dataplanes: tuple[str, ...], drawn: tuple[str, ...], middle: tuple[tuple[str, float], ...]) -> Steps:
    """The expressions of an estimate in which coefficients are columns, a draw to a row."""
    c: dict[str, Value] = {**dict(middle), **{name: pl.col(name) for name in drawn}}
    return steps_with(c, dataplanes=dataplanes, keys=("scenario", "draw"))


FEW_ROWS = 1000
"""Rows of a frame in memory up to which an estimate is computed at once: a slider's tick, a team, a page of teams."""


class Steps(msgspec.Struct, frozen=True):
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
    rows = [_stages(pl.concat(planes, how="vertical"), steps.figures).select(steps.selected)] if planes else []
    return pl.concat([base.select(steps.none), *rows], how="vertical")


def _stages(frame: pl.LazyFrame, stages: Iterable[Stage]) -> pl.LazyFrame:
    return reduce(lambda before, stage: before.with_columns(**stage), stages, frame)


@cached_here
def _fitted_steps(count: int) -> Steps:
    return steps_of(None, count)


def steps_of(coefficients: pl.DataFrame | None, count: int) -> Steps:
    """The expressions of an estimate with these coefficients and so many of their draws, or with their medians."""
    return steps_with(medians(coefficients), draws(coefficients, count) if count else None)


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
    c = middle if sampled is None else sampled
    dataplanes = registry.mesh_dataplanes() if dataplanes is None else dataplanes
    request = {**factors(middle, "_"), **(factors(sampled, "_drawn_") if sampled else {})}
    in_range = {f"_in_range_{dataplane}": registry.in_evidence_range(dataplane) for dataplane in dataplanes}
    monthly_prices = {name: pl.col(price) * HOURS_PER_MONTH for name, price in PRICES.items()}
    deviation, percentiles = added_latency(c)
    used = ("memory_gib", "cpu_cores")
    totals = {name: pl.col(f"data_plane_{name}") + pl.col(f"control_plane_{name}") for name in used}
    cost = {"cost_usd_per_month": monthly_cost(*map(pl.col, (*used, *PRICES)))}
    figures = registry.interval_figures()
    drawn = pl.struct(figures).map_batches(_ends, pl.Array(pl.Float64, len(ENDS) * len(figures)), is_elementwise=True)
    middles = {} if sampled is None else {"_ends": drawn}
    selected = (
        *map(pl.col, keys),
        pl.col("dataplane"),
        *(_middle_columns() if sampled is None else _interval_columns()),
        pl.col("in_evidence_range"),
        *map(pl.col, registry.part_figures()),
    )
    return Steps(
        base=(*prepared(), request | monthly_prices | in_range),
        none=tuple(_none(selected, keys)),
        planes=tuple(_plane(dataplane, middle, sampled, keys) for dataplane in dataplanes),
        figures=(totals | deviation, cost | percentiles, middles, {"nodes_filled": _requested_nodes(sampled)}),
        selected=selected,
    )


def _plane(
    dataplane: str, middle: Coefficients, sampled: Coefficients | None, keys: Sequence[str]
) -> tuple[tuple[Stage, ...], tuple[pl.Expr, ...]]:
    c = sampled or middle
    model = MODELS[dataplane]
    x = Cluster.of_columns(sampled=c is sampled)
    parts, middle_parts = model(c, x), model(middle, Cluster.of_columns(sampled=False))
    named = {
        "dataplane": pl.lit(dataplane),
        "in_evidence_range": pl.col(f"_in_range_{dataplane}"),
        "_stall_ms": x.stall_ms,
    }
    times = {f"_time_{index}_ms": part.mean_ms for index, part in enumerate(parts.path)}
    path = [replace(part, mean_ms=pl.col(name)) for name, part in zip(times, parts.path, strict=True)]
    moments = {"_mean_ms": latency.path_mean(path), "_variance_ms2": latency.path_variance(c, path)}
    stages = split_figures(parts, c) | part_figures(middle_parts) | named | times, moments
    kept = (*keys, *INPUTS_KEPT, *(name for stage in stages for name in stage if name not in times))
    return stages, tuple(map(pl.col, kept))


def _none(selected: Iterable[pl.Expr], keys: Iterable[str]) -> Iterator[pl.Expr]:
    """Columns of the cluster without a mesh: nothing is added, which needs no measurement."""
    constants = {
        **{name: pl.col(name) for name in keys},
        "dataplane": pl.lit(registry.NONE),
        "in_evidence_range": pl.lit(value=True),
    }
    for name in (column.meta.output_name() for column in selected):
        yield constants.get(name, pl.lit(0.0)).alias(name)


def _requested_nodes(sampled: Coefficients | None) -> pl.Expr:
    """Nodes by what is requested, or by what is used where that is more or nothing is requested.

    A change of plugin may free some.
    """
    used = [_middle(name, sampled) for name in ("memory_gib", "cpu_cores")]
    requested = map(pl.col, ("_requested_memory_gib", "_requested_cpu_cores"))
    return nodes_filled(*map(pl.max_horizontal, used, requested))


def _middle(name: str, sampled: Coefficients | None) -> pl.Expr:
    return pl.col(name) if sampled is None else _end(name, "")


def _end(name: str, end: str) -> pl.Expr:
    """One number of a figure's interval, from what ``_ends`` gave."""
    return pl.col("_ends").arr.get(len(ENDS) * registry.interval_figures().index(name) + [*ENDS].index(end))


def _ends(drawn: pl.Series) -> pl.Series:
    """Of each figure the median, which comes first in its array, between the 10 and 90 % quantiles of the array.

    Sorting all draws by numpy's vector instructions takes a quarter of the time of two of polars' quantiles.
    """
    import numpy as np

    figures = registry.interval_figures()
    found = np.empty((drawn.len(), len(figures), len(ENDS)))
    for index, name in enumerate(figures):
        values = drawn.struct.field(name).to_numpy()
        ordered, count = np.sort(values, axis=1), values.shape[1] - 1
        found[:, index, 0] = np.minimum(ordered[:, round(ENDS["_lo"] * count)], values[:, 0])
        found[:, index, 1] = values[:, 0]
        found[:, index, 2] = np.maximum(ordered[:, round(ENDS["_hi"] * count)], values[:, 0])
        if name.startswith("added"):  # never negative, though the approximation of a quantile may be
            np.maximum(found[:, index], 0.0, out=found[:, index])
    return pl.Series(found.reshape(drawn.len(), -1), dtype=pl.Array(pl.Float64, len(ENDS) * len(figures)))


def _middle_columns() -> Iterator[pl.Expr]:
    for name in registry.interval_figures():
        yield (at_least(pl.col(name), 0.0) if name.startswith("added") else pl.col(name)).alias(name)


def _interval_columns() -> Iterator[pl.Expr]:
    return (_end(name, end).alias(f"{name}{end}") for name in registry.interval_figures() for end in ENDS)


# --- sources of each figure ------------------------------------------------------------------------------------------

SPREAD = "_spread"
"""End of the names of the factors that widen an interval by what clusters differ in; their median is one."""

MEDIAN, INTERVAL = "median", "interval"
"""What of a figure rests on a source: the median and so the interval too, or only the interval."""


@cached
def coefficients_of(figure: str, dataplane: str) -> frozenset[str]:
    """Coefficients that enter a figure, by the expressions that give it; none without a mesh.

    Args:
        figure: A figure of ``estimate``.
        dataplane: One of ``registry.dataplanes()``.
    """
    found, open_names = set[str](), [figure]
    roots = _roots(dataplane)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names += roots.get(name, ())
    return frozenset(found).intersection(coefficient_table()["coefficient"])


@cached
def figure_sources(figure: str, dataplane: str) -> tuple[tuple[str, bool], ...]:
    """Sources of a figure of a data plane, sorted, each with whether the median rests on it.

    The others only widen the interval: how far sources differ was seen on data planes of every kind.
    """
    rows = coefficient_table().filter(pl.col("coefficient").is_in(coefficients_of(figure, dataplane)))
    middle = _ids(rows.filter(~pl.col("coefficient").str.ends_with(SPREAD)))
    return tuple((source_id, source_id in middle) for source_id in sorted(middle | _ids(rows)))


def _ids(rows: pl.DataFrame) -> set[str]:
    return set(rows["source_ids"].drop_nulls().str.split("|").explode())


@cached
def _roots(dataplane: str) -> dict[str, set[str]]:
    """For each column of an estimate the columns and coefficients that it is made of."""
    if dataplane == NONE:
        return {}
    names = coefficient_table()["coefficient"]
    columns: Coefficients = {name: pl.col(name) for name in names}
    steps = steps_with(columns, dataplanes=(dataplane,))
    stages = chain(steps.base, *(stages for stages, _ in steps.planes), steps.figures)
    found: dict[str, set[str]] = {}
    for name, value in chain.from_iterable(stage.items() for stage in stages):
        if isinstance(value, pl.Expr):  # a later stage may hand on a column under its own name
            found.setdefault(name, set()).update(value.meta.root_names())
    return found


@cached
def cited(dataplane: str) -> dict[str, dict[str, str]]:
    """For each source of a data plane its figures, and of each what rests on it: median or only interval."""
    found: dict[str, dict[str, str]] = {}
    for figure in citing():
        for source_id, is_middle in figure_sources(figure, dataplane):
            found.setdefault(source_id, {})[figure] = MEDIAN if is_middle else INTERVAL
    return found
