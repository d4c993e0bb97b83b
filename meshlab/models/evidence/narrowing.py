"""Coefficients after a team's own measurements.

The fitted coefficients are the prior, the team's cluster is one more source whose spread its measurements reveal:
a Gauss-Newton step on logarithms, as in ``fit``, updates all coefficients jointly and their draws with them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from meshlab.models.evidence.measured import OWN_COLUMNS, picked
from meshlab.models.overhead import estimate
from meshlab.models.overhead.coefficients import DRAWS, NINETY_PERCENT, joint_draws, log_sd

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
    free = table.filter(pl.col("lo") < pl.col("hi"), pl.col("kind").is_in(measured["kind"].unique().implode()))
    rows = measured.filter(pl.Series(_predict(table, measured)) > 0)
    if not rows.height:
        return table
    prior = free["median"].log().to_numpy()
    variance = free.select(log_sd(pl.col("lo"), pl.col("hi")) ** 2).to_series().to_numpy()
    noise = rows["kind"].replace_strict(reading_noise(table), return_dtype=pl.Float64).to_numpy()
    observed = rows["value"].log().to_numpy()
    names = list(free["coefficient"])
    point, gain, origin, jacobian = _step(table, rows, names, prior, prior, variance, noise, observed)
    for _ in range(ROUNDS - 1):
        point, gain, origin, jacobian = _step(table, rows, names, point, prior, variance, noise, observed)
    posterior_sd = np.sqrt(variance - np.einsum("ij,ji->i", gain, jacobian * variance))
    own = joint_draws(table)
    log_draws = np.log(own.select(names).to_numpy().T)
    scores = np.random.default_rng(SEED).standard_normal((rows.height, DRAWS))
    # each draw meets the readings with an error of its own, so that the draws keep the posterior's width
    log_draws += gain @ (observed[:, None] + noise[:, None] * scores - origin[:, None] - jacobian @ log_draws)
    kept = own.select(pl.all().implode()).transpose(
        include_header=True, header_name="coefficient", column_names=["draws"]
    )
    with_draws = table.drop("draws", strict=False).join(kept, on="coefficient", how="left", maintain_order="left")
    return _updated(with_draws, free, point, posterior_sd, np.sqrt(variance), np.exp(log_draws))


def reading_noise(table: pl.DataFrame) -> dict[str, float]:
    """How far a reading lies from what its cluster would give in the long run, by kind of figure. [of a logarithm]"""
    rows = table.filter(pl.col("coefficient").str.ends_with("_noise"))
    return dict(zip(rows["kind"], rows["median"], strict=True))


def _predict(table: pl.DataFrame, measured: pl.DataFrame) -> np.ndarray:
    """What the medians predict for each row of measurements."""
    scenarios = measured.drop(*OWN_COLUMNS, "kind")
    figures = estimate(scenarios, table.drop("draws", strict=False), intervals=False)
    joined = measured.lazy().join(figures, on=["scenario", "dataplane"], how="left", maintain_order="left")
    return joined.select(picked("")).collect(engine="in-memory").to_series().to_numpy()


def _linearised(
    table: pl.DataFrame, rows: pl.DataFrame, names: list[str], point: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the predictions at a point, and their derivatives by each coefficient's logarithm."""

    def log_prediction(logs: np.ndarray) -> np.ndarray:
        medians = pl.DataFrame({"coefficient": names, "median": np.exp(logs)})
        return np.log(_predict(table.update(medians, on="coefficient"), rows))

    value = log_prediction(point)
    steps = PERTURBATION * np.eye(len(point))
    columns = [(log_prediction(point + step) - value) / PERTURBATION for step in steps]
    return value, np.stack(columns, axis=1)


def _step(
    table: pl.DataFrame,
    rows: pl.DataFrame,
    names: list[str],
    point: np.ndarray,
    prior: np.ndarray,
    variance: np.ndarray,
    noise: np.ndarray,
    observed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The next point, the gain, and the linear model at the present one: its value at zero and its derivatives."""
    value, jacobian = _linearised(table, rows, names, point)
    spread = (jacobian * variance) @ jacobian.T + np.diag(noise**2)
    gain = np.linalg.solve(spread, jacobian * variance).T
    origin = value - jacobian @ point
    return prior + gain @ (observed - origin - jacobian @ prior), gain, origin, jacobian


def _updated(
    table: pl.DataFrame,
    free: pl.DataFrame,
    point: np.ndarray,
    sd: np.ndarray,
    prior_sd: np.ndarray,
    draws: np.ndarray,
) -> pl.DataFrame:
    seen = sd < VISIBLE * prior_sd
    updates = pl.DataFrame(
        {
            "coefficient": free["coefficient"],
            "median": np.exp(point),
            "lo": np.exp(point - NINETY_PERCENT * sd),
            "hi": np.exp(point + NINETY_PERCENT * sd),
            "draws": draws.tolist(),
            "is_prior": free["is_prior"].to_numpy() & ~seen,
            "source_ids": pl.select(
                pl.when(pl.Series(seen)).then(free["source_ids"] + "|measured").otherwise(free["source_ids"])
            ).to_series(),
        }
    )
    return table.update(updates, on="coefficient")
