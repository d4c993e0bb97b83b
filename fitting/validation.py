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

from fitting.mixed_model import KindFit, drawn, fit_kind
from meshlab.models.evidence.measurements import KINDS, measurements, predicted
from meshlab.models.evidence.validation import CONSTANT, MODEL, YEAR, scored
from meshlab.models.overhead.coefficients import Coefficients, Value
from meshlab.tables import read_table

DRAWS = 256
"""Draws from which a row's prediction is taken: enough for its ends and its score."""

GROUPINGS = {
    "source": pl.col("origin"),
    "machine": pl.col("platform").fill_null("unknown"),
    "era": pl.when(YEAR < 2022)  # noqa: PLR2004  (eras are years)
    .then(pl.lit("before 2022"))
    .when(YEAR < 2024)  # noqa: PLR2004
    .then(pl.lit("2022-23"))
    .when(YEAR.is_null())
    .then(pl.lit("unknown"))
    .otherwise(pl.lit("2024 on")),
    "regime": pl.col("regime"),
}
"""What is left out together. Rows without a regime are never left out by it."""


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
    ordered, count = np.sort(draws, axis=1), int(draws.shape[1])
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


# --- calibration and pairs ------------------------------------------------------------------------------------------


def calibration(levels: int = 10) -> pl.DataFrame:
    """Share of figures below each of the model's quantiles, sources left out, each source alike.

    Returns:
        ``kind``, ``level`` (0 to 1) and ``below``: on the diagonal where the model is calibrated.
    """
    shares = [index / levels for index in range(1, levels)]
    found: list[pl.DataFrame] = []
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
    found: list[pl.DataFrame] = []
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
