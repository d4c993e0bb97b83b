"""From measurements to coefficients: a mixed model on logarithms, one for each kind of figure.

log(measured) = log(model(coefficients, what the rig differs by)) + noise of the reading. What a rig differs by is a
factor for each component, the ``_spread`` coefficients: a part that all components of the rig share, and a part of the
component's own. Coefficients have lognormal priors (``data/evidence/priors.csv``), so that one without a measurement
keeps its prior. What all rows of a rig share makes a source with many rows count little more than a source with one:
the weight goes to sources, not to rows. The equations stand in docs/models.md.

``scipy.optimize.least_squares`` finds the coefficients for given standard deviations, ``minimize`` the deviations with
the coefficients integrated out (Laplace). The Jacobian comes from one polars query over all perturbed coefficients, so
that there is no second form of the model's equations for a sampler.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import least_squares, minimize
from scipy.stats import norm, qmc

from meshlab.models.evidence.measurements import KINDS, predicted
from meshlab.models.overhead.coefficients import (
    DRAWS,
    NINETY_PERCENT,
    Coefficients,
    Value,
    log_normal_interval,
    log_sd,
)
from meshlab.tables import read_table

PERTURBATION = 1e-4
"""Step of a logarithm for the Jacobian."""

SD_STEP = 1e-2
"""Step of a standard deviation's logarithm for its curvature."""

ROUNDS, ROUNDS_AGAIN = 4, 2
"""Rounds of coefficients given deviations, then deviations given coefficients; from the priors, or from a fit."""

SEED = 20260801

Predict = Callable[[pl.LazyFrame, Coefficients, Collection[str]], pl.LazyFrame]


@dataclass(frozen=True, slots=True)
class KindFit:
    """Coefficients of one kind and the deviations between clusters, all on the logarithmic scale.

    Args:
        names: The coefficients that are not certain, without spreads.
        mean: Logarithms of their medians.
        covariance: Of those logarithms.
        spreads: What clusters differ by: the names of the ``_spread`` coefficients.
        sd_names: Standard deviations of the logarithm: of the rig, of each group of components, of a reading.
        log_sds: Their logarithms.
        sd_covariance: Of those logarithms.
        rig: For each spread, one where it shares what the rig's components have in common, else zero.
        own: For each spread, the place of its group's deviation in ``sd_names``; -1 where it has none of its own.
        touched: For each coefficient, the sources whose rows depend on it.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    covariance: np.ndarray
    spreads: tuple[str, ...]
    sd_names: tuple[str, ...]
    log_sds: np.ndarray
    sd_covariance: np.ndarray
    rig: np.ndarray
    own: np.ndarray
    touched: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def spread_covariance(self, sds: np.ndarray) -> np.ndarray:
        """Covariance of the logarithms of a cluster's spreads, without the noise of a reading."""
        own = np.where(self.own < 0, 0.0, sds[self.own])
        return np.outer(self.rig, self.rig) * sds[self.sd_names.index(RIG)] ** 2 + np.diag(own**2)


RIG, READING = "rig", "reading"
"""What a rig's components share, and what a reading scatters: names of deviations beside the groups of components."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """One kind's rows and priors, as arrays."""

    rows: pl.DataFrame
    kind: str
    predict: Predict
    fixed: dict[str, float]
    prior: KindFit
    observed: np.ndarray
    same_rig: np.ndarray

    def log_model(self, points: np.ndarray) -> np.ndarray:
        """Logarithms of the predictions, one row of the result for each row of ``points``: coefficients, spreads."""
        names = [*self.prior.names, *self.prior.spreads][: points.shape[1]]
        sets = pl.DataFrame(np.exp(points), schema=names).with_row_index("_set")
        ones = dict.fromkeys(self.prior.spreads, 1.0)
        c: dict[str, Value] = {**self.fixed, **ones, **{name: pl.col(name) for name in names}}
        crossed = sets.lazy().join(self.rows.lazy(), how="cross", maintain_order="left_right")
        query = self.predict(crossed, c, (self.kind,)).select("predicted")
        values = query.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())["predicted"]
        return np.log(values.to_numpy().reshape(len(points), -1))

    def jacobian(self, point: np.ndarray, *, spreads: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The log model at a point, and its derivatives by each logarithm: of coefficients, or of spreads too."""
        centre = np.concatenate([point, np.zeros(len(self.prior.spreads) * spreads)])
        values = self.log_model(np.vstack([centre, centre + PERTURBATION * np.eye(len(centre))]))
        return values[0], (values[1:] - values[0]).T / PERTURBATION

    def covariance(self, log_sds: np.ndarray, by_spread: np.ndarray) -> np.ndarray:
        """Covariance of the rows: what a rig's rows share through its spreads, and noise."""
        sds = np.exp(log_sds)
        shared = by_spread @ self.prior.spread_covariance(sds) @ by_spread.T
        return self.same_rig * shared + np.eye(len(self.observed)) * sds[self.prior.sd_names.index(READING)] ** 2


def fit_kind(
    rows: pl.DataFrame, priors: pl.DataFrame, kind: str, start: KindFit | None = None, predict: Predict = predicted
) -> KindFit:
    """Coefficients of one kind from rows of evidence.

    Args:
        rows: Rows to fit, columns of ``measurements.measurements()``.
        priors: Columns of ``priors.csv``.
        kind: ``memory``, ``cpu`` or ``latency``.
        start: A fit to more rows, from which this one starts.
        predict: The model: adds ``predicted`` to rows.
    """
    problem = _problem(rows.filter(kind=kind), priors, kind, predict)
    prior = problem.prior
    if not problem.rows.height:
        return prior
    log_sds, point = (prior.log_sds, prior.mean) if start is None else (start.log_sds, start.mean)
    value, jacobian = problem.jacobian(point, spreads=True)
    for _ in range(ROUNDS if start is None else ROUNDS_AGAIN):
        point = _coefficients(problem, point, problem.covariance(log_sds, jacobian[:, len(point) :]))
        value, jacobian = problem.jacobian(point, spreads=True)
        log_sds = minimize(_surprise(problem, point, value, jacobian), log_sds, method="L-BFGS-B", tol=1e-10).x
    curvature = _curvature(_surprise(problem, point, value, jacobian), log_sds)
    jacobian, by_spread = jacobian[:, : len(point)], jacobian[:, len(point) :]
    factor = cho_factor(problem.covariance(log_sds, by_spread), lower=True)
    precision = jacobian.T @ cho_solve(factor, jacobian) + np.linalg.inv(prior.covariance)
    curvature = curvature + 0.5 * np.linalg.inv(prior.sd_covariance)
    return KindFit(
        **{name: getattr(prior, name) for name in ("names", "spreads", "sd_names", "rig", "own")},
        mean=point,
        covariance=np.linalg.inv(precision),
        log_sds=log_sds,
        sd_covariance=np.linalg.inv(0.5 * (curvature + curvature.T)),
        touched=_touched(problem, np.hstack([jacobian, by_spread])),
    )


def _problem(rows: pl.DataFrame, priors: pl.DataFrame, kind: str, predict: Predict) -> _Problem:
    own = priors.filter(kind=kind)
    is_spread = pl.col("coefficient").str.ends_with("_spread")
    free = own.filter(pl.col("lo") < pl.col("hi"), ~is_spread)
    spreads = own.filter(is_spread).join(read_table("evidence/components"), on="component", maintain_order="left")
    sds = priors.filter(pl.col("kind") == "spread", pl.col("coefficient").str.starts_with(f"{kind}_"))
    sd_names = [name.removeprefix(f"{kind}_").removesuffix("_sd") for name in sds["coefficient"]]
    fixed = priors.filter(~pl.col("coefficient").is_in([*free["coefficient"], *spreads["coefficient"]]))
    deviation = log_sd(pl.col("lo"), pl.col("hi")) ** 2
    groups = spreads["spread"].to_list()
    return _Problem(
        rows=rows,
        kind=kind,
        predict=predict,
        fixed=dict(zip(fixed["coefficient"], fixed["median"], strict=True)),
        prior=KindFit(
            names=tuple(free["coefficient"]),
            mean=free["median"].log().to_numpy(),
            covariance=np.diag(free.select(deviation).to_series().to_numpy()),
            spreads=tuple(spreads["coefficient"]),
            sd_names=tuple(sd_names),
            log_sds=sds["median"].log().to_numpy(),
            sd_covariance=np.diag(sds.select(deviation).to_series().to_numpy()),
            rig=np.array([float(group != "configuration") for group in groups]),
            own=np.array([_own(group, sd_names) for group in groups], dtype=int),
        ),
        observed=rows["value"].log().to_numpy(),
        same_rig=np.equal.outer(*[rows["rig"].rank("dense").to_numpy()] * 2).astype(float),
    )


def _own(group: str, sd_names: Sequence[str]) -> int:
    """Place of a group's own deviation; a machine's is the rig's, and of latency all components are as proxies."""
    return -1 if group == "machine" else sd_names.index(group if group in sd_names else "proxy")


def _coefficients(problem: _Problem, start: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """The most probable coefficients for given deviations."""
    root = np.linalg.cholesky(covariance)
    prior_sd = np.sqrt(np.diag(problem.prior.covariance))

    def residuals(point: np.ndarray) -> np.ndarray:
        misfit: np.ndarray = problem.observed - problem.log_model(point[None, :])[0]
        white = solve_triangular(root, misfit, lower=True)
        return np.concatenate([white, (point - problem.prior.mean) / prior_sd])

    def jacobian(point: np.ndarray) -> np.ndarray:
        white = solve_triangular(root, -problem.jacobian(point)[1], lower=True)
        return np.vstack([white, np.diag(1.0 / prior_sd)])

    return least_squares(residuals, start, jac=jacobian, method="trf", x_scale="jac", xtol=1e-9, ftol=1e-9).x


def _surprise(
    problem: _Problem, point: np.ndarray, value: np.ndarray, jacobian: np.ndarray
) -> Callable[[np.ndarray], float]:
    """Negative logarithm of the deviations' posterior, coefficients integrated out around a point."""
    jacobian, by_spread = jacobian[:, : len(point)], jacobian[:, len(point) :]
    misfit = problem.observed - value + jacobian @ (point - problem.prior.mean)
    from_coefficients = jacobian @ problem.prior.covariance @ jacobian.T
    widths = np.sqrt(np.diag(problem.prior.sd_covariance))

    def surprise(log_sds: np.ndarray) -> float:
        root = np.linalg.cholesky(problem.covariance(log_sds, by_spread) + from_coefficients)
        white = solve_triangular(root, misfit, lower=True)
        prior = ((log_sds - problem.prior.log_sds) / widths) ** 2
        return float(np.log(np.diag(root)).sum() + 0.5 * (white @ white) + 0.5 * prior.sum())

    return surprise


def _curvature(function: Callable[[np.ndarray], float], point: np.ndarray) -> np.ndarray:
    """Second derivatives by central differences, made positive: a flat direction keeps half of its prior's."""
    steps = SD_STEP * np.eye(len(point))
    found = [
        [sum(s * t * function(point + s * a + t * b) for s in (1, -1) for t in (1, -1)) for b in steps] for a in steps
    ]
    values, vectors = np.linalg.eigh(np.array(found) / (4 * SD_STEP**2))
    return (vectors * np.maximum(values, 0.0)) @ vectors.T


TOUCHES = 0.05
"""A source bears on a coefficient if doubling it would move one of the source's rows by some percent."""


def _touched(problem: _Problem, jacobian: np.ndarray) -> dict[str, tuple[str, ...]]:
    sources = problem.rows["source_id"].to_numpy()
    names = (*problem.prior.names, *problem.prior.spreads)
    return {name: tuple(sorted(set(sources[np.abs(jacobian[:, index]) > TOUCHES]))) for index, name in enumerate(names)}


# --- draws ---------------------------------------------------------------------------------------------------------


def drawn(fits: dict[str, KindFit], count: int = DRAWS) -> pl.DataFrame:
    """Joint draws of all coefficients that are not certain, as a new cluster has them: a column for each.

    A Sobol sequence stands for chance, for its points fill the space more evenly; its scores are then turned and
    stretched a little, until they have the covariance of independent ones to the digit, and the draws that of the fit.

    Args:
        fits: One for each kind.
        count: Draws, a power of two, more than ``dimensions``.
    """
    scores = norm.ppf(qmc.Sobol(dimensions(fits), rng=SEED).random(count))
    root = np.linalg.cholesky(np.cov(scores, rowvar=False, bias=True))
    centred: np.ndarray = scores - scores.mean(axis=0)
    return draws_at(fits, solve_triangular(root, centred.T, lower=True).T)


def dimensions(fits: dict[str, KindFit]) -> int:
    """Independent standard normal scores that one draw takes. [count]"""
    return sum(_sizes(fits))


def _sizes(fits: dict[str, KindFit]) -> list[int]:
    return [size for fit in fits.values() for size in (len(fit.sd_names), len(fit.names), 1, len(fit.spreads))]


def draws_at(fits: dict[str, KindFit], scores: np.ndarray) -> pl.DataFrame:
    """Joint draws at given scores: the deviations, then the coefficients, then what the cluster differs by, with noise.

    Args:
        fits: One for each kind.
        scores: A row for each draw, ``dimensions`` columns.
    """
    parts = iter(scores[:, start:end] for start, end in pairwise(np.cumsum([0, *_sizes(fits)])))
    columns: dict[str, np.ndarray] = {}
    for fit in fits.values():
        sds, coefficients, rig, own = (next(parts) for _ in range(4))
        sds = np.exp(fit.log_sds + sds @ np.linalg.cholesky(fit.sd_covariance).T)
        logs = fit.mean + coefficients @ np.linalg.cholesky(fit.covariance).T
        reading = sds[:, [fit.sd_names.index(READING)]]
        group = np.where(fit.own < 0, 0.0, sds[:, fit.own])
        own_sd = np.where(fit.own < 0, 0.0, np.hypot(group, fit.rig * reading))
        spread = fit.rig * rig * sds[:, [fit.sd_names.index(RIG)]] + own_sd * own
        columns |= dict(zip(fit.names, np.exp(logs).T, strict=True))
        columns |= dict(zip(fit.spreads, np.exp(spread).T, strict=True))
    return pl.DataFrame(columns)


# --- the table -----------------------------------------------------------------------------------------------------

NARROWED = 0.8
"""A coefficient is a prior still if the measurements leave more than this share of its prior's width."""


def coefficients_of(fits: dict[str, KindFit], priors: pl.DataFrame, draws: pl.DataFrame) -> pl.DataFrame:
    """The table of coefficients, columns of ``coefficients.csv``.

    Args:
        fits: One for each kind.
        priors: Columns of ``priors.csv``.
        draws: As ``drawn`` returns it, from which the intervals of what clusters differ by are taken.
    """
    rows = [_coefficient_row(row, fits, draws) for row in priors.iter_rows(named=True)]
    return pl.DataFrame(rows, schema={**priors.schema, "is_prior": pl.Boolean()}, orient="row").select(
        *priors.columns[: priors.columns.index("source_ids")], "is_prior", "source_ids", "note"
    )


def _coefficient_row(prior: dict[str, Any], fits: dict[str, KindFit], draws: pl.DataFrame) -> dict[str, Any]:
    name, kind = str(prior["coefficient"]), str(prior["kind"])
    if kind == "spread":
        kind, group = name.removesuffix("_sd").split("_")
        fit = fits[kind]
        place = fit.sd_names.index(group)
        median, lo, hi = log_normal_interval(fit.log_sds[place], fit.sd_covariance[place, place] ** 0.5)
        return _row(prior, median, lo, hi, sorted({source for found in fit.touched.values() for source in found}))
    if kind not in KINDS or prior["lo"] == prior["hi"]:
        return {**prior, "is_prior": prior["source_ids"] == "meshlab"}
    fit = fits[kind]
    if name in fit.spreads:
        lo, hi = (draws[name].quantile(end, "linear") for end in (0.1, 0.9))
        return _row(prior, 1.0, lo, hi, fit.touched.get(name, ()))
    place = fit.names.index(name)
    sd = fit.covariance[place, place] ** 0.5
    prior_sd = np.log(prior["hi"] / prior["lo"]) / (2 * NINETY_PERCENT)
    seen = sd <= NARROWED * prior_sd
    return _row(prior, *log_normal_interval(fit.mean[place], sd), fit.touched.get(name, ()) if seen else ())


def _row(prior: dict[str, Any], median: float, lo: Any, hi: Any, sources: Any) -> dict[str, Any]:
    """A prior's row with what the evidence makes of it; without sources it says that it is a prior still."""
    found = {"is_prior": not sources, "source_ids": "|".join(sources) or prior["source_ids"]}
    return {**prior, "median": median, "lo": lo, "hi": hi, **found}
