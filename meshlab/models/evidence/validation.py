"""The evidence: how well the models predict it, beside what one would use instead, and how far it lies apart.

Predictions of rows that the models have not seen are those that ``make data`` left in ``data/evidence``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl

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


def validate(measured: pl.DataFrame | None = None) -> dict[str, Any]:
    """Measured against predicted, with the interval: what ``meshlab evidence`` prints as JSON.

    Args:
        measured: The user's own measurements, as ``read_measured`` returns them. Without it the published ones, fitted
            and with each source left out in turn; then ``validation`` holds the scores of the models and of the
            baselines by everything that was left out together, ``pairs`` the orders of two data planes.
    """
    compared = _assessed() if measured is None else comparison(measured)
    document = {"rows": compared.to_dicts(), "summary": summary(compared)}
    if measured is None:
        document["validation"] = score_table().to_dicts()
        document["pairs"] = pair_summary().to_dicts()
    return document


@cache
def _assessed() -> pl.DataFrame:
    rows = scored()
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


# --- scores ----------------------------------------------------------------------------------------------------------
# of predictions of unseen rows: of the logarithm, each source alike

MODEL, CONSTANT = "model", "constant"

NARROW_TAIL = 0.2
"""What lies outside of a 10-90 % interval: the interval score charges a miss by its inverse."""

YEAR = pl.col("year")


def scored() -> pl.DataFrame:
    """Rows that are scored: all that are fitted but those of a plain Envoy, which no data plane runs."""
    return measurements().filter(pl.col("role") == "fit", pl.col("component") != "gateway-envoy")


CLASSES = {
    "all": pl.col("spread").is_in(["proxy", "agent"]),
    "proxies": pl.col("spread") == "proxy",
    "agents": pl.col("spread") == "agent",
    "control planes": pl.col("spread") == "control",
    "2022 and later": pl.col("spread").is_in(["proxy", "agent"]) & (YEAR >= 2022),  # noqa: PLR2004
    **{name: pl.col("metric") == f"added_latency_{name}" for name in ("p50", "p90", "p99")},
}
"""Rows that are scored together, control planes apart from all others: nobody would take one constant for those."""


def score_table() -> pl.DataFrame:
    """Scores of every candidate, by grouping, kind and class of rows; each source counts alike.

    Returns:
        ``grouping, kind, rows, candidate, n, sources, crps, interval_score`` (both of the logarithm), ``inside``
        (share in the 10-90 % interval), ``factor`` and ``width`` (medians), and ``model_crps``: the model's on the
        same rows.
    """
    table = read_table("evidence/left_out").join(measurements(), on="measurement_id", maintain_order="left")
    value, lo, hi = (pl.col(name).log() for name in ("value", "lo", "hi"))
    outside = pl.max_horizontal(lo - value, value - hi, 0.0)
    rows = table.with_columns(
        interval_score=hi - lo + outside * (2.0 / NARROW_TAIL),
        inside=pl.when(pl.col("lo").is_not_null()).then(pl.col("value").is_between("lo", "hi").cast(pl.Float64)),
        factor=(value - pl.col("predicted").log()).abs().exp(),
        width=(hi - lo).exp(),
    )
    model = rows.filter(candidate=MODEL).select("grouping", "measurement_id", model_crps="crps")
    rows = rows.join(model, on=["grouping", "measurement_id"], maintain_order="left")
    return pl.concat([_class_scores(rows.filter(mask), name) for name, mask in CLASSES.items()])


SCORES = ("crps", "interval_score", "inside", "factor", "width", "model_crps")


def _class_scores(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    keys = ("grouping", "kind", "candidate")
    mean, middle = ("crps", "interval_score", "inside", "model_crps"), ("factor", "width")
    by_source = rows.group_by(*keys, "source_id", maintain_order=True).agg(
        pl.len(), *(pl.mean(score) for score in mean), *(pl.median(score) for score in middle)
    )
    return (
        by_source.group_by(*keys, maintain_order=True)
        .agg(
            pl.sum("len"),
            pl.len().alias("sources"),
            *(pl.mean(score) for score in mean),
            *(pl.median(score) for score in middle),
        )
        .select(
            "grouping", "kind", pl.lit(name).alias("rows"), "candidate", pl.col("len").alias("n"), "sources", *SCORES
        )
    )


def worse() -> list[str]:
    """Where what ships scores worse than a baseline on the same rows, all sources alike, in any kind of figure."""
    table = score_table().filter(pl.col("candidate") != MODEL, rows="all").filter(pl.col("model_crps") > pl.col("crps"))
    return [
        f"{row['kind']} by {row['grouping']}: {row['model_crps']:.3f}, {row['candidate']} {row['crps']:.3f}"
        for row in table.iter_rows(named=True)
    ]


def told() -> Iterator[str]:
    """The comparison as lines of text, for a terminal."""
    table = score_table().filter(pl.col("rows") != "control planes")
    yield "Score (CRPS of the logarithm), share inside 10-90 %, median factor and width; each source alike, left out by"
    for (kind, rows, grouping), found in table.group_by("kind", "rows", "grouping", maintain_order=True):
        parts = [
            f"{row['candidate']} {row['crps']:.3f}"
            + (f" ({row['inside']:.0%}, {row['factor']:.2f}, {row['width']:.1f})" if row["inside"] is not None else "")
            + (f" [model there {row['model_crps']:.3f}]" if row["n"] != found["n"].max() else "")
            for row in found.sort("n", "candidate", descending=[True, True]).iter_rows(named=True)
        ]
        yield f"{grouping:8} {kind:8} {rows:15} {'; '.join(parts)}"
    for row in pair_summary().iter_rows(named=True):
        clear = "none clear" if not row["clear"] else f"{row['clear']} clear, {row['right_of_clear']:.0%} of them right"
        yield f"order of two data planes, {row['kind']}: {row['pairs']} pairs, {row['right']:.0%} right, {clear}"
    yield from (f"worse than a baseline: {line}" for line in worse())


def pair_summary() -> pl.DataFrame:
    """By kind: ``pairs``, how many are ``clear``, and the share that is ``right`` among all and among those."""
    return (
        read_table("evidence/pairs")
        .group_by("kind", maintain_order=True)
        .agg(
            pairs=pl.len(),
            clear=pl.sum("clear"),
            right=pl.mean("right"),
            right_of_clear=pl.col("right").filter(pl.col("clear")).mean(),
        )
    )
