"""How well predictions of unseen rows score, beside what one would use instead of a model.

Reads what ``validation`` wrote into ``data/evidence``; scores are of the logarithm, each source alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from meshlab.models.evidence.measurements import measurements
from meshlab.tables import read_table

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


def comparison() -> pl.DataFrame:
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
    table = comparison().filter(pl.col("candidate") != MODEL, rows="all").filter(pl.col("model_crps") > pl.col("crps"))
    return [
        f"{row['kind']} by {row['grouping']}: {row['model_crps']:.3f}, {row['candidate']} {row['crps']:.3f}"
        for row in table.iter_rows(named=True)
    ]


def told() -> Iterator[str]:
    """The comparison as lines of text, for a terminal."""
    table = comparison().filter(pl.col("rows") != "control planes")
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
