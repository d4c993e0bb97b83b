"""How far measurements of one thing lie apart, and how much of that the models explain."""

from __future__ import annotations

import polars as pl

from meshlab.models.evidence.assessment import compared_rows
from meshlab.models.evidence.measurements import measurements
from meshlab.models.overhead.coefficients import coefficient_table

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
    compared = compared_rows(rows, coefficient_table()).select("measurement_id", "measured", "predicted")
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
