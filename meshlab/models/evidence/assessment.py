"""The evidence: how well the models predict it, and how far it lies apart."""

from __future__ import annotations

from functools import cache
from typing import Any

import polars as pl

from meshlab.models.evidence import scores
from meshlab.models.evidence.measured import comparison, quality
from meshlab.models.evidence.measurements import measurements, predicted
from meshlab.models.overhead.coefficients import SHOWN, Value, coefficient_table, joint_draws, medians
from meshlab.tables import read_table

GOALS = {"memory": 1.4, "cpu": 1.4, "latency": 1.6}
"""Median factor between measured and predicted that the models aim at, sources left out, each source alike."""

WIDTH_GOALS = {"memory": 3.5, "cpu": 4.5, "latency": 6.0}
"""Median width of the 10-90 % interval of proxies that the models aim at, its upper end over its lower one."""

COVERAGE_GOALS = (0.75, 0.9)
"""Share of figures inside the 10-90 % interval that the models aim at, each source alike: more is a fault as well."""

# --- how good it is ------------------------------------------------------------------------------------------------


def assess(measured: pl.DataFrame | None = None) -> dict[str, Any]:
    """Measured against predicted, with the interval: INTERFACE's ``evidence`` document.

    Args:
        measured: The user's own measurements, as ``read_measured`` returns them. Without it the published ones, fitted
            and with each source left out in turn; then ``validation`` holds the scores of the models and of the
            baselines by everything that was left out together, ``pairs`` the orders of two data planes.
    """
    compared = _assessed() if measured is None else comparison(measured)
    document = {"rows": compared.to_dicts(), "summary": summary(compared)}
    if measured is None:
        document["validation"] = scores.comparison().to_dicts()
        document["pairs"] = scores.pair_summary().to_dicts()
    return document


@cache
def _assessed() -> pl.DataFrame:
    rows = scores.scored()
    in_sample = compared_rows(rows).with_columns(left_out=pl.lit(value=False))
    unseen = read_table("evidence/left_out").filter(grouping="source", candidate="model")
    predictions = unseen.select("measurement_id", "predicted", "lo", "hi")
    held_out = _compared(measurements().lazy().join(predictions.lazy(), on="measurement_id", maintain_order="left"))
    return pl.concat([in_sample, held_out.with_columns(left_out=pl.lit(value=True)).collect()])


def compared_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``measurements()`` against the fit: the middle and the interval that ``estimate`` would show."""
    middle: dict[str, Value] = {**medians()}
    centre = predicted(rows.lazy(), middle).select("measurement_id", "predicted")
    sets = joint_draws(coefficient_table(), SHOWN)
    drawn = predicted(
        rows.lazy().join(sets.lazy(), how="cross"), {**middle, **{name: pl.col(name) for name in sets.columns}}
    )
    bounds = drawn.group_by("measurement_id").agg(
        lo=pl.col("predicted").quantile(0.1, "linear"), hi=pl.col("predicted").quantile(0.9, "linear")
    )
    found = (
        rows.lazy()
        .join(centre, on="measurement_id", maintain_order="left")
        .join(bounds, on="measurement_id", maintain_order="left")
        .with_columns(lo=pl.min_horizontal("lo", "predicted"), hi=pl.max_horizontal("hi", "predicted"))
    )
    # the rows are few and the expressions many: the in-memory engine plans them faster than the streaming one
    return _compared(found).collect(engine="in-memory")


def _compared(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.rename({"value": "measured"}).with_columns(**quality()).select(COMPARED)


COMPARED = (
    "measurement_id",
    "source_id",
    "dataplane",
    "kind",
    "metric",
    "component",
    "measured",
    "predicted",
    "lo",
    "hi",
    "unit",
    "inside",
    "factor",
)
"""Columns of a comparison."""


def summary(compared: pl.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """For the fit and for leaving sources out, by kind of figure: ``n, inside, median_factor, median_width``.

    ``inside`` is a share; ``median_width`` is the interval's upper end over its lower one. ``inside_by_source`` weights
    every source the same, however many rows it has.
    """
    by_source = compared.group_by("left_out", "kind", "source_id").agg(pl.mean("inside"), pl.median("factor"))
    even = by_source.group_by("left_out", "kind").agg(
        sources=pl.len(), inside_by_source=pl.mean("inside"), median_factor_by_source=pl.median("factor")
    )
    table = (
        compared.group_by("left_out", "kind")
        .agg(
            n=pl.len(),
            inside=pl.mean("inside"),
            median_factor=pl.median("factor"),
            median_width=(pl.col("hi") / pl.col("lo")).median(),
        )
        .join(even, on=["left_out", "kind"])
        .sort("left_out", "kind")
    )
    return {
        name: {row.pop("kind"): row for row in table.filter(left_out=left_out).drop("left_out").to_dicts()}
        for name, left_out in (("fit", False), ("left_out", True))
        if left_out in table["left_out"]
    }


# --- how far measurements of one thing lie apart ---------------------------------------------------------------------

PER = {"memory": "instances", "cpu": "rate", "latency": "instances"}
"""What a figure is divided by before two of a kind are compared: instances, traversals a second, traversals."""


def disagreement() -> pl.DataFrame:
    """Figures of one component from several sources: how far apart they lie before and after the model.

    ``spread`` is the largest figure over the smallest, each per instance or traversal; ``left`` is the same of measured
    over predicted: what rate, configuration, connections and platform do not explain. A component that one source
    alone measured is left out.

    Columns: ``kind``, ``dataplane``, ``component``, ``metric``, ``sources``, ``n``, ``spread``, ``left``. [ratio]
    """
    rows = measurements().filter(role="fit")
    compared = compared_rows(rows).select("measurement_id", "measured", "predicted")
    per = pl.coalesce(pl.when(kind=kind).then(pl.col(column)) for kind, column in PER.items())
    own, rest = pl.col("measured") / per, pl.col("measured") / pl.col("predicted")
    return (
        rows.join(compared, on="measurement_id", maintain_order="left")
        .filter(pl.col("measured") > 0, per > 0)
        .group_by("kind", "dataplane", "component", "metric")
        .agg(
            sources=pl.col("source_id").n_unique(),
            n=pl.len(),
            spread=own.max() / own.min(),
            left=rest.max() / rest.min(),
        )
        .filter(pl.col("sources") > 1)
        .sort("spread", "kind", "dataplane", "component", "metric", descending=[True, *[False] * 4])
    )
