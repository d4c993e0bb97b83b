"""How well the models predict what they have not seen, beside what one would use instead of a model.

Rows are left out by groups: by source (laboratory of origin), by class of machine, by era and by regime. The model and
one constant per component are fitted to the rest by the same mixed model; a calculator's and the documentation's
constants are taken as they are printed. Scores are of the logarithm, each source alike. docs/models.md says how.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

import numpy as np
import polars as pl

from meshlab.models.evidence.fit import KindFit, drawn, fit_kind
from meshlab.models.evidence.measurements import KINDS, measurements, predicted
from meshlab.models.overhead.coefficients import Coefficients, Value
from meshlab.tables import read_table

MODEL, CONSTANT = "model", "constant"

DRAWS = 256
"""Draws from which a row's prediction is taken: enough for its ends and its score."""

NARROW_TAIL = 0.2
"""What lies outside of a 10-90 % interval: the interval score charges a miss by its inverse."""

_YEAR = pl.col("year")

GROUPINGS = {
    "source": pl.col("origin"),
    "machine": pl.col("platform").fill_null("unknown"),
    "era": pl.when(_YEAR < 2022)  # noqa: PLR2004  (eras are years)
    .then(pl.lit("before 2022"))
    .when(_YEAR < 2024)  # noqa: PLR2004
    .then(pl.lit("2022-23"))
    .when(_YEAR.is_null())
    .then(pl.lit("unknown"))
    .otherwise(pl.lit("2024 on")),
    "regime": pl.col("regime"),
}
"""What is left out together. Rows without a regime are never left out by it."""


def scored() -> pl.DataFrame:
    """Rows that are scored: all that are fitted but those of a plain Envoy, which no data plane runs."""
    return measurements().filter(pl.col("role") == "fit", pl.col("component") != "gateway-envoy")


# --- baselines -----------------------------------------------------------------------------------------------------


def _key(row: dict[str, str | None]) -> str:
    return "_".join(filter(None, (row["kind"], row["component"], row["dataplane"], row["basis"])))


def _figures(rows: pl.LazyFrame, table: pl.DataFrame, c: Coefficients) -> pl.LazyFrame:
    """Rows with ``predicted`` by one figure per component; null where the table has none."""
    name, rate = pl.col("component").str.replace("-(client|server)$", ""), pl.col("rate").fill_null(0.0)
    known = pl.lit(None, pl.Float64)
    for row in table.iter_rows(named=True):
        here = (pl.col("kind") == row["kind"]) & (name == row["component"])
        here &= (pl.col("dataplane") == row["dataplane"]) if row["dataplane"] else pl.lit(value=True)
        units = rate * 1e-3 if row["basis"] == "traversal" else pl.col("instances")
        here &= {"traversal": rate > 0, "rest": rate == 0, "instance": pl.lit(value=True)}[row["basis"]]
        known = pl.when(here).then(units * c[_key(row)] * c[f"{_key(row)}_spread"]).otherwise(known)
    return rows.with_columns(predicted=known)


def _constant(rows: pl.LazyFrame, c: Coefficients, _kinds: Collection[str]) -> pl.LazyFrame:
    return _figures(rows, read_table("evidence/baselines").filter(baseline=CONSTANT), c)


def _constant_priors() -> pl.DataFrame:
    """One constant per component and a spread for each, as a table of priors; deviations twice as wide as a model's."""
    table = read_table("evidence/baselines").filter(baseline=CONSTANT)
    figures = table.with_columns(coefficient=pl.Series(map(_key, table.iter_rows(named=True)), dtype=pl.String))
    spreads = figures.with_columns(coefficient=pl.col("coefficient") + "_spread", median=1.0, lo=0.5, hi=2.0)
    sds = read_table("evidence/priors").filter(
        pl.col("kind") == "spread", pl.col("coefficient") != "memory_configuration_sd"
    )
    wide = sds.with_columns(median=pl.col("median") * 2, hi=pl.col("hi") * 4)
    columns = ["coefficient", "component", "kind", "median", "lo", "hi"]
    return pl.concat([figures.select(columns), spreads.select(columns), wide.select(columns)])


CANDIDATES = {MODEL: (predicted, lambda: read_table("evidence/priors")), CONSTANT: (_constant, _constant_priors)}
"""Each with its equation and its priors."""


# --- leaving out ---------------------------------------------------------------------------------------------------


def left_out() -> pl.DataFrame:
    """Every scored row as predicted without its group, by every grouping and candidate.

    Columns of ``evidence/left_out.csv``: ``grouping, left_out, candidate, measurement_id, predicted, lo, hi, crps``.
    """
    return pl.concat([*_predictions(), *_printed()]).sort("grouping", "left_out", "candidate", "measurement_id")


def _predictions() -> Iterator[pl.DataFrame]:
    for candidate in CANDIDATES:
        for grouping, group in GROUPINGS.items():
            for name in scored().select(group.drop_nulls().unique().sort()).to_series():
                rows = scored().filter(group == name)
                found = [
                    _scored(rows.filter(kind=kind), draws_without(candidate, grouping, name, kind), candidate)
                    for kind in KINDS
                    if kind in rows["kind"]
                ]
                named = {"grouping": grouping, "left_out": name, "candidate": candidate}
                yield pl.concat(found).select(
                    *(pl.lit(value).alias(column) for column, value in named.items()),
                    *("measurement_id", "predicted", "lo", "hi", "crps"),
                )


@cache
def _fitted(candidate: str, kind: str) -> KindFit:
    predict, priors = CANDIDATES[candidate]
    return fit_kind(measurements().filter(role="fit"), priors(), kind, predict=predict)


def draws_without(candidate: str, grouping: str, name: str, kind: str) -> pl.DataFrame:
    """Joint draws of one kind's coefficients, fitted without a group.

    Args:
        candidate: ``model`` or ``constant``.
        grouping: One of ``GROUPINGS``.
        name: The group that is left out.
        kind: ``memory``, ``cpu`` or ``latency``.
    """
    predict, priors = CANDIDATES[candidate]
    rows = measurements().filter(role="fit").filter((GROUPINGS[grouping] != name).fill_null(value=True))
    return drawn({kind: fit_kind(rows, priors(), kind, _fitted(candidate, kind), predict)}, DRAWS)


def drawn_rows(rows: pl.DataFrame, draws: pl.DataFrame, candidate: str = MODEL) -> pl.DataFrame:
    """Rows once for each draw, with ``predicted`` and ``draw``.

    Args:
        rows: Columns of ``measurements()``, of one kind.
        draws: A column for each coefficient of that kind.
        candidate: ``model`` or ``constant``.
    """
    predict, priors = CANDIDATES[candidate]
    c: dict[str, Value] = dict(priors().select("coefficient", "median").iter_rows())
    crossed = rows.lazy().join(draws.lazy().with_row_index("draw"), how="cross", maintain_order="left_right")
    names = {name: pl.col(name) for name in draws.columns}
    query = predict(crossed, {**c, **names}, (rows["kind"][0],)).select(*rows.columns, "draw", "predicted")
    return query.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())


def _scored(rows: pl.DataFrame, draws: pl.DataFrame, candidate: str) -> pl.DataFrame:
    """Rows with their prediction, its interval and its score."""
    values = drawn_rows(rows, draws, candidate)["predicted"].to_numpy().reshape(rows.height, -1)
    lo, middle, hi = np.quantile(values, [0.1, 0.5, 0.9], axis=1)
    score = crps(np.log(values), rows["value"].log().to_numpy())
    return rows.select("measurement_id").with_columns(predicted=middle, lo=lo, hi=hi, crps=score)


def crps(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of each row.

    The mean distance of its draws from what was observed, less half their mean distance from one another.

    Args:
        draws: Rows times draws.
        observed: One value a row.

    Sources: Gneiting and Raftery, Strictly Proper Scoring Rules, 2007, equation 21.
    """
    ordered, count = np.sort(draws, axis=1), draws.shape[1]
    weights = 2.0 * np.arange(1, count + 1) - count - 1.0
    return np.abs(draws - observed[:, None]).mean(axis=1) - ordered @ weights / count**2


def _printed() -> Iterator[pl.DataFrame]:
    """Constants as they are printed, without an interval: their score is their distance from what was measured."""
    table = read_table("evidence/baselines").filter(pl.col("baseline") != CONSTANT)
    for (name,), figures in table.group_by("baseline", maintain_order=True):
        c = {_key(row): row["median"] for row in figures.iter_rows(named=True)}
        ones = {f"{key}_spread": 1.0 for key in c}
        rows = _figures(scored().lazy(), figures, {**c, **ones}).collect().drop_nulls("predicted")
        rows = rows.filter(pl.col("source_id") != "S01")  # the documentation does not predict itself
        score = (pl.col("value") / pl.col("predicted")).log().abs()
        for grouping, group in GROUPINGS.items():
            yield rows.filter(group.is_not_null()).select(
                pl.lit(grouping).alias("grouping"),
                group.alias("left_out"),
                pl.lit(name).alias("candidate"),
                "measurement_id",
                "predicted",
                *(pl.lit(None, pl.Float64).alias(end) for end in ("lo", "hi")),
                score.alias("crps"),
            )


# --- scores --------------------------------------------------------------------------------------------------------

CLASSES = {
    "all": pl.col("spread").is_in(["proxy", "agent"]),
    "proxies": pl.col("spread") == "proxy",
    "agents": pl.col("spread") == "agent",
    "control planes": pl.col("spread") == "control",
    "2022 and later": pl.col("spread").is_in(["proxy", "agent"]) & (_YEAR >= 2022),  # noqa: PLR2004
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


def calibration(levels: int = 10) -> pl.DataFrame:
    """Share of figures below each of the model's quantiles, sources left out, each source alike.

    Returns:
        ``kind``, ``level`` (0 to 1) and ``below``: on the diagonal where the model is calibrated.
    """
    shares = [index / levels for index in range(1, levels)]
    found = []
    for name in scored()["origin"].unique().sort():
        for (kind,), rows in scored().filter(origin=name).group_by("kind", maintain_order=True):
            drawn_values = drawn_rows(rows, draws_without(MODEL, "source", name, str(kind)))
            ranks = drawn_values.group_by("measurement_id", maintain_order=True).agg(
                source_id=pl.first("source_id"), rank=(pl.col("predicted") < pl.col("value")).mean()
            )
            found.append(ranks.with_columns(kind=pl.lit(kind)))
    ranks = pl.concat(found)
    columns = [(pl.col("rank") <= level).mean().alias(f"{level:.1f}") for level in shares]
    by_source = ranks.group_by("kind", "source_id").agg(columns)
    even = by_source.group_by("kind").agg(pl.mean(*(f"{level:.1f}" for level in shares))).sort("kind")
    return even.unpivot(index="kind", variable_name="level", value_name="below").with_columns(
        pl.col("level").cast(pl.Float64)
    )


# --- paired differences --------------------------------------------------------------------------------------------

CLEAR = 0.9
"""Share of draws in which one data plane is ahead, from which on the model calls the order of two clear."""


def pairs() -> pl.DataFrame:
    """Orders of two data planes that one rig measured under one load, as predicted without their source.

    Returns:
        ``kind, pair, dataplane, other, measured`` (difference), ``ahead`` (share of draws in which the first is
        larger), ``clear`` and ``right``.
    """
    measured = scored().drop_nulls("pair")
    found = []
    for (name, kind), rows in measured.group_by("origin", "kind", maintain_order=True):
        drawn_values = drawn_rows(rows, draws_without(MODEL, "source", str(name), str(kind)))
        sums = drawn_values.group_by("kind", "pair", "dataplane", "draw", maintain_order=True).agg(
            pl.sum("value", "predicted")
        )
        both = sums.join(sums, on=["kind", "pair", "draw"], suffix="_other").filter(
            pl.col("dataplane") < pl.col("dataplane_other")
        )
        found.append(
            both.group_by("kind", "pair", "dataplane", other="dataplane_other", maintain_order=True).agg(
                measured=(pl.col("value") - pl.col("value_other")).first(),
                ahead=(pl.col("predicted") > pl.col("predicted_other")).mean(),
            )
        )
    ahead = pl.col("ahead")
    return pl.concat(found).with_columns(
        clear=pl.max_horizontal(ahead, 1 - ahead) >= CLEAR,
        right=(ahead > 0.5) == (pl.col("measured") > 0),  # noqa: PLR2004
    )


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
