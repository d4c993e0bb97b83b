"""Figures of many scenarios told by a few: counts, means, quantiles, and how often each data plane adds least.

Every part counts its figures in classes whose ends lie a fiftieth apart, and parts add up: memory does not grow with
the number of scenarios. A quantile is off by one percent at most, a mean by nothing: sums are whole numbers, so that
no order of adding changes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import reduce

import polars as pl

from meshlab.run.sweep.spec import Aggregates, Spec

ERROR = 0.01
"""Largest relative error of a quantile."""

GROWTH = (1.0 + ERROR) / (1.0 - ERROR)
"""Upper over lower end of a class.

Sources: Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees"
(2019).
"""

SMALLEST = 1e-12
"""Figures closer to zero than this count as zero."""

OFFSET = 1 - math.floor(math.log(SMALLEST) / math.log(GROWTH))
"""Makes the class of the smallest figure above zero a positive number."""

UNITS_PER_ONE = 2.0**30
"""Sums count billionths of a unit, as whole numbers of 128 bits."""


def figures_of(spec: Spec) -> list[str]:
    """Outputs that are numbers."""
    return [name for name in spec.outputs if name != "in_evidence_range"]


def partial(spec: Spec, wanted: Aggregates, answered: pl.DataFrame) -> pl.DataFrame:
    """What one part adds: for each group, data plane, figure and class the count, the sum and the wins.

    Args:
        spec: The sweep.
        wanted: Its aggregates.
        answered: The part's answers, with the classes of the inputs by which they are grouped.
    """
    figures = figures_of(spec)
    groups = [pl.col(f"_class_of_{by}").alias(by) for by in wanted.by]
    planes = {
        str(name): frame.select(*groups, *figures)
        for (name,), frame in answered.partition_by("dataplane", as_dict=True, maintain_order=True).items()
    }
    rivals = [frame for name, frame in planes.items() if name != "none"] or list(planes.values())
    least = {figure: reduce(_smaller, (frame[figure] for frame in rivals)) for figure in figures}
    return pl.concat(
        _counted(frame.select(*wanted.by, value=figure, wins=frame[figure] <= least[figure]), wanted.by)
        .with_columns(pl.lit(name).alias("dataplane"), pl.lit(figure).alias("figure"))
        .select(*wanted.by, "dataplane", "figure", "bucket", "count", "sum", "wins")
        for name, frame in planes.items()
        for figure in figures
    )


def _counted(values: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Count, sum and wins of each group and class."""
    return (
        values.group_by(*by, bucket=_bucket(pl.col("value")))
        .agg(
            count=pl.len().cast(pl.Int64),
            sum=_units(pl.col("value")).sum().cast(pl.Float64),
            wins=pl.col("wins").sum().cast(pl.Int64),
        )
        .sort(*by, "bucket")
    )


def _smaller(first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.min_horizontal(first, second)).to_series()


def _units(value: pl.Expr) -> pl.Expr:
    return (value * UNITS_PER_ONE).round().cast(pl.Int128)


def _bucket(value: pl.Expr) -> pl.Expr:
    """Number of the class in which a figure lies: negative for negative ones, in their order."""
    size = value.abs()
    number = (size.log() * (1.0 / math.log(GROWTH))).ceil() + OFFSET
    return pl.when(size > SMALLEST).then(value.sign() * number).otherwise(0.0).cast(pl.Int32)


def _middle(bucket: pl.Expr) -> pl.Expr:
    """The figure that is closest to all of a class, in ratio."""
    logarithm = (bucket.abs() - OFFSET).cast(pl.Float64) * math.log(GROWTH)
    return pl.when(bucket == 0).then(0.0).otherwise(bucket.sign() * logarithm.exp() * (2.0 / (GROWTH + 1.0)))


def merged(parts: Sequence[pl.DataFrame], wanted: Aggregates) -> pl.DataFrame:
    """One row for each group, data plane and figure, with the statistics that are wanted."""
    keys = [*wanted.by, "dataplane", "figure"]
    classes = (
        pl.concat(parts)
        .group_by(*keys, "bucket", maintain_order=True)
        .agg(pl.sum("count", "wins"), pl.col("sum").cast(pl.Int128).sum().cast(pl.Float64))
        .sort("bucket")
    )
    order = {name: place for place, name in enumerate(_first_seen(parts, "dataplane"))}
    figure_order = {name: place for place, name in enumerate(_first_seen(parts, "figure"))}
    return (
        classes.group_by(keys, maintain_order=True)
        .agg(**dict(_statistics()))
        .sort(
            *wanted.by,
            pl.col("dataplane").replace_strict(order, return_dtype=pl.Int64),
            pl.col("figure").replace_strict(figure_order, return_dtype=pl.Int64),
        )
        .select(*keys, *wanted.statistics)
    )


def _first_seen(parts: Sequence[pl.DataFrame], column: str) -> list[str]:
    return parts[0][column].unique(maintain_order=True).to_list()


def _statistics() -> Iterator[tuple[str, pl.Expr]]:
    count = pl.sum("count")
    yield "count", count
    yield "mean", pl.sum("sum") / UNITS_PER_ONE / count
    for percent in (1, 10, 50, 90, 99):
        reached = pl.col("count").cum_sum() >= percent / 100 * count
        yield f"p{percent:02}", _middle(pl.col("bucket").filter(reached).first())
    yield "wins", pl.sum("wins") / count
