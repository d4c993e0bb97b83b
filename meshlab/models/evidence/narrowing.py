"""Coefficients after a team's own measurements.

The joint draws are the prior: the team's cluster is one more of those that they stand for. A Gauss-Newton step on
logarithms with the draws' covariance moves all coefficients of a kind together, each draw by a reading with an error of
its own, so that the draws keep the posterior's width (randomised maximum likelihood). So one load test of sidecars also
moves what shares their coefficients, or the cluster's machines.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from meshlab.models.evidence.measured import OWN_COLUMNS, picked
from meshlab.models.overhead import draw_estimates
from meshlab.models.overhead.coefficients import DRAWS, joint_draws

PERTURBATION = 1e-3
"""Step of a logarithm for the Jacobian."""

ROUNDS = 3
"""Gauss-Newton steps; figures are nearly linear in the logarithms."""

SEED = 20260801

VISIBLE = 0.95
"""A coefficient is said to rest on the measurements if they leave less than this share of its width."""


def narrowed(table: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    """The table of coefficients after measurements, with joint ``draws``.

    Args:
        table: Columns of ``coefficients.csv``.
        measured: As ``measured.read_measured`` returns it.
    """
    own = joint_draws(table)
    free = table.filter(
        pl.col("coefficient").is_in(own.columns), pl.col("kind").is_in(measured["kind"].unique().implode())
    )
    names, prior = list(free["coefficient"]), free["median"].log().to_numpy()
    rows = measured.filter(pl.Series(_predictions(table, measured, names, prior[None, :])[0] > 0))
    if not rows.height:
        return table
    log_draws = np.log(own.select(names).to_numpy())
    covariance = np.cov(log_draws, rowvar=False)
    noise = rows["kind"].replace_strict(reading_noise(table), return_dtype=pl.Float64).to_numpy()
    observed = rows["value"].log().to_numpy()
    point, gain, origin, jacobian = _step(table, rows, names, prior, prior, covariance, noise, observed)
    for _ in range(ROUNDS - 1):
        point, gain, origin, jacobian = _step(table, rows, names, point, prior, covariance, noise, observed)
    readings = observed + noise * np.random.default_rng(SEED).standard_normal((DRAWS, rows.height))
    log_draws = log_draws + (readings - origin - log_draws @ jacobian.T) @ gain.T
    seen = log_draws.std(axis=0) < VISIBLE * np.sqrt(np.diag(covariance))
    return _updated(table, free, own, np.exp(point), np.exp(log_draws), seen)


def reading_noise(table: pl.DataFrame) -> dict[str, float]:
    """How far a reading lies from what its cluster would give in the long run, by kind of figure. [of a logarithm]"""
    rows = table.filter(pl.col("coefficient").str.ends_with("_reading_sd"))
    return {name.removesuffix("_reading_sd"): sd for name, sd in rows.select("coefficient", "median").iter_rows()}


def _predictions(table: pl.DataFrame, measured: pl.DataFrame, names: list[str], logs: np.ndarray) -> np.ndarray:
    """What the models predict for each row of measurements, once for each row of coefficients' logarithms."""
    points = pl.DataFrame({"coefficient": names, "draws": np.exp(logs).T.tolist()})
    worlds = table.drop("draws", strict=False).join(points, on="coefficient", how="left", maintain_order="left")
    figures = draw_estimates(measured.drop(*OWN_COLUMNS, "kind"), worlds, count=len(logs))
    joined = measured.lazy().join(figures, on=["scenario", "dataplane"], how="left", maintain_order="left")
    found = joined.select("draw", picked("").alias("predicted")).collect(engine="in-memory")
    return found.sort("draw", maintain_order=True)["predicted"].to_numpy().reshape(len(logs), -1)


def _linearised(
    table: pl.DataFrame, rows: pl.DataFrame, names: list[str], point: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the predictions at a point, and their derivatives by each coefficient's logarithm."""
    points = np.vstack([point, point + PERTURBATION * np.eye(len(point))])
    values = np.log(_predictions(table, rows, names, points))
    return values[0], (values[1:] - values[0]).T / PERTURBATION


def _step(
    table: pl.DataFrame,
    rows: pl.DataFrame,
    names: list[str],
    point: np.ndarray,
    prior: np.ndarray,
    covariance: np.ndarray,
    noise: np.ndarray,
    observed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The next point, the gain, and the linear model at the present one: its value at zero and its derivatives."""
    value, jacobian = _linearised(table, rows, names, point)
    gain = np.linalg.solve(jacobian @ covariance @ jacobian.T + np.diag(noise**2), jacobian @ covariance).T
    origin = value - jacobian @ point
    return prior + gain @ (observed - origin - jacobian @ prior), gain, origin, jacobian


def _updated(
    table: pl.DataFrame,
    free: pl.DataFrame,
    own: pl.DataFrame,
    medians: np.ndarray,
    draws: np.ndarray,
    seen: np.ndarray,
) -> pl.DataFrame:
    lo, hi = np.quantile(draws, [0.1, 0.9], axis=0)
    moved = dict(zip(free["coefficient"], draws.T.tolist(), strict=True))
    all_draws = {name: moved.get(name) or own[name].to_list() for name in own.columns}
    updates = pl.DataFrame(
        {
            "coefficient": free["coefficient"],
            "median": medians,
            "lo": np.minimum(lo, medians),
            "hi": np.maximum(hi, medians),
            "is_prior": free["is_prior"].to_numpy() & ~seen,
            "source_ids": pl.select(
                pl.when(pl.Series(seen)).then(free["source_ids"] + "|measured").otherwise(free["source_ids"])
            ).to_series(),
        }
    )
    lists = pl.DataFrame({"coefficient": list(all_draws), "draws": list(all_draws.values())})
    kept = table.drop("draws", strict=False).update(updates, on="coefficient")
    return kept.join(lists, on="coefficient", how="left", maintain_order="left")
