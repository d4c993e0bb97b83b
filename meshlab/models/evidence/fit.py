"""From measurements to coefficients: a mixed model on logarithms, one for each kind of figure.

log(measured) = log(model(coefficients)) + effect of the rig + effect of the component on that rig + noise.
Coefficients have lognormal priors (``data/evidence/priors.csv``), so that one without a measurement keeps its prior.
Effects that all rows of a rig share make a source with many rows count little more than a source with one: the weight
goes to sources, not to rows. The effect of the rig also keeps two data planes that one rig measured side by side.

``scipy.optimize.least_squares`` finds the coefficients: the model is not linear in their logarithms, a trust region
needs no starting point near the answer, and its Jacobian comes from one polars query over all perturbed coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import least_squares, minimize
from scipy.stats import norm, qmc, t

from meshlab.models.evidence.measurements import predicted
from meshlab.models.overhead.coefficients import DRAWS, NINETY_PERCENT, Value, log_normal_interval, log_sd

PERTURBATION = 1e-4
"""Step of a logarithm for the Jacobian."""

ROUNDS, ROUNDS_AGAIN = 4, 2
"""Rounds of coefficients given spreads, then spreads given coefficients; from the priors, or from an earlier fit."""

SPREAD_PRIOR = {"rig": (0.25, 0.7), "component": (0.25, 0.7), "row": (0.2, 0.7)}
"""Standard deviations of the logarithm before any measurement, each with its width: what all rows of a rig share (its
hardware), what its rows of one component share (how it was loaded and counted), and what is a row's own."""


@dataclass(frozen=True, slots=True)
class KindFit:
    """Coefficients of one kind, on the logarithmic scale.

    Args:
        names: The coefficients that are not fixed.
        mean: Logarithms of their medians.
        covariance: Of those logarithms.
        spreads: For each group of components, the standard deviations in the order of ``SPREAD_PRIOR``.
        rigs: For each group of components, the number of rigs.
        touched: For each coefficient, the sources whose rows depend on it.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    covariance: np.ndarray
    spreads: dict[str, tuple[float, ...]]
    rigs: dict[str, int]
    touched: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Problem:
    """One kind's rows and priors, as arrays."""

    rows: pl.DataFrame
    names: tuple[str, ...]
    fixed: dict[str, float]
    prior_mean: np.ndarray
    prior_sd: np.ndarray
    observed: np.ndarray
    same_rig: np.ndarray
    same_component: np.ndarray
    groups: tuple[str, ...]
    row_groups: np.ndarray

    def log_model(self, points: np.ndarray) -> np.ndarray:
        """Logarithms of the predictions, one row of the result for each row of ``points``."""
        sets = pl.DataFrame(np.exp(points), schema=list(self.names)).with_row_index("_set")
        c: dict[str, Value] = {**self.fixed, **{name: pl.col(name) for name in self.names}}
        crossed = sets.lazy().join(self.rows.lazy().with_row_index("_row"), how="cross", maintain_order="left_right")
        values = predicted(crossed, c).select("predicted").collect(engine="in-memory")["predicted"]
        return np.log(values.to_numpy().reshape(len(points), -1))

    def jacobian(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The log model at a point, and its derivatives by each logarithm."""
        points = np.vstack([point, point + PERTURBATION * np.eye(len(point))])
        values = self.log_model(points)
        return values[0], (values[1:] - values[0]).T / PERTURBATION

    def covariance(self, log_spreads: np.ndarray) -> np.ndarray:
        """Covariance of the rows: what a rig's rows share, what its rows of one component share, and noise."""
        rig, component, row = np.exp(log_spreads.reshape(len(SPREAD_PRIOR), -1))[:, self.row_groups]
        shared = self.same_rig * np.outer(rig, rig) + self.same_component * np.outer(component, component)
        return shared + np.diag(row**2)


def fit_kind(rows: pl.DataFrame, priors: pl.DataFrame, kind: str, start: KindFit | None = None) -> KindFit:
    """Coefficients of one kind from rows of evidence.

    Args:
        rows: Rows to fit, columns of ``measurements.measurements()``.
        priors: Columns of ``priors.csv``.
        kind: ``memory``, ``cpu`` or ``latency``.
        start: A fit to more rows, from which this one starts.
    """
    problem = _problem(rows.filter(kind=kind), priors, kind)
    centres, widths = _spread_prior(len(problem.groups))
    log_spreads, point = centres, problem.prior_mean
    if start is not None:
        point = start.mean
        log_spreads = np.log([start.spreads[group] for group in problem.groups]).T.ravel()
    if not problem.rows.height:
        return _result(problem, point, np.diag(problem.prior_sd**2), centres, np.zeros((0, len(point))))
    for _ in range(ROUNDS if start is None else ROUNDS_AGAIN):
        point = _coefficients(problem, point, log_spreads)
        value, jacobian = problem.jacobian(point)
        log_spreads = _spreads(problem, point, value, jacobian, centres, widths)
    value, jacobian = problem.jacobian(point)
    factor = cho_factor(problem.covariance(log_spreads), lower=True)
    precision = jacobian.T @ cho_solve(factor, jacobian) + np.diag(problem.prior_sd**-2.0)
    return _result(problem, point, np.linalg.inv(precision), log_spreads, jacobian)


def _problem(rows: pl.DataFrame, priors: pl.DataFrame, kind: str) -> _Problem:
    free = priors.filter(pl.col("kind") == kind, pl.col("lo") < pl.col("hi"), ~_is_spread())
    fixed = priors.filter(~pl.col("coefficient").is_in(free["coefficient"].implode()))
    groups = tuple(sorted(rows["spread"].unique()))
    return _Problem(
        rows=rows,
        names=tuple(free["coefficient"]),
        fixed=dict(zip(fixed["coefficient"], fixed["median"], strict=True)),
        prior_mean=free["median"].log().to_numpy(),
        prior_sd=free.select(log_sd(pl.col("lo"), pl.col("hi"))).to_series().to_numpy(),
        observed=rows["value"].log().to_numpy(),
        same_rig=_same(rows, RIG),
        same_component=_same(rows, RIG, *COMPONENT),
        groups=groups,
        row_groups=np.array([groups.index(group) for group in rows["spread"]], dtype=int),
    )


RIG = pl.col("rig")

COMPONENT = (pl.col("component").str.replace("-(client|server)$", ""), pl.col("dataplane"))


def _same(rows: pl.DataFrame, *keys: pl.Expr) -> np.ndarray:
    """For each pair of rows, 1 where they agree in all keys."""
    groups = rows.select(pl.concat_str(*keys, separator="|").rank("dense").alias("group"))["group"].to_numpy()
    return np.equal.outer(groups, groups).astype(float)


def _is_spread() -> pl.Expr:
    return pl.col("component") == "between-sources"


def _spread_prior(groups: int) -> tuple[np.ndarray, np.ndarray]:
    centre, width = np.array(list(SPREAD_PRIOR.values())).T
    return np.repeat(np.log(centre), groups), np.repeat(width, groups)


def _coefficients(problem: _Problem, start: np.ndarray, log_spreads: np.ndarray) -> np.ndarray:
    """The most probable coefficients for given spreads."""
    root = np.linalg.cholesky(problem.covariance(log_spreads))

    def residuals(point: np.ndarray) -> np.ndarray:
        misfit = problem.observed - problem.log_model(point[None, :])[0]
        white = solve_triangular(root, misfit, lower=True)
        return np.concatenate([white, (point - problem.prior_mean) / problem.prior_sd])

    def jacobian(point: np.ndarray) -> np.ndarray:
        white = solve_triangular(root, -problem.jacobian(point)[1], lower=True)
        return np.vstack([white, np.diag(1.0 / problem.prior_sd)])

    # scipy annotates jac as text only, and takes a function
    return least_squares(
        residuals,
        start,
        jac=jacobian,  # pyright: ignore[reportArgumentType]
        method="trf",
        x_scale="jac",
        xtol=1e-9,
        ftol=1e-9,
    ).x


def _spreads(
    problem: _Problem,
    point: np.ndarray,
    value: np.ndarray,
    jacobian: np.ndarray,
    centres: np.ndarray,
    widths: np.ndarray,
) -> np.ndarray:
    """The most probable spreads, coefficients integrated out around a point."""
    misfit = problem.observed - value + jacobian @ (point - problem.prior_mean)
    from_coefficients = (jacobian * problem.prior_sd**2) @ jacobian.T

    def surprise(log_spreads: np.ndarray) -> float:
        root = np.linalg.cholesky(problem.covariance(log_spreads) + from_coefficients)
        white = solve_triangular(root, misfit, lower=True)
        prior = ((log_spreads - centres) / widths) ** 2
        return float(np.log(np.diag(root)).sum() + 0.5 * (white @ white) + 0.5 * prior.sum())

    return minimize(surprise, centres, method="L-BFGS-B", tol=1e-10).x


def _result(
    problem: _Problem, point: np.ndarray, covariance: np.ndarray, log_spreads: np.ndarray, jacobian: np.ndarray
) -> KindFit:
    touched = {
        name: tuple(sorted(set(problem.rows["source_id"].to_numpy()[np.abs(jacobian[:, index]) > TOUCHES])))
        for index, name in enumerate(problem.names)
    }
    spreads = dict(zip(problem.groups, np.exp(log_spreads.reshape(len(SPREAD_PRIOR), -1)).T.tolist(), strict=True))
    rigs = dict(problem.rows.group_by("spread").agg(pl.n_unique("rig")).iter_rows())
    return KindFit(problem.names, point, covariance, spreads, rigs, touched)


TOUCHES = 0.05
"""A source bears on a coefficient if doubling it would move one of the source's rows by some percent."""

NARROWED = 0.8
"""A coefficient is a prior still if the measurements leave more than this share of its prior's width."""


def coefficients_of(fits: dict[str, KindFit], priors: pl.DataFrame) -> pl.DataFrame:
    """The table of coefficients, columns of ``coefficients.csv``, from the fits of all kinds."""
    rows = [_coefficient_row(row, fits.get(row["kind"])) for row in priors.iter_rows(named=True)]
    return pl.DataFrame(rows, schema={**priors.schema, "is_prior": pl.Boolean()}, orient="row").select(
        *priors.columns[: priors.columns.index("source_ids")], "is_prior", "source_ids", "note"
    )


def _coefficient_row(prior: dict[str, Any], fit: KindFit | None) -> dict[str, Any]:
    name = str(prior["coefficient"])
    if fit is None:
        return {**prior, "is_prior": prior["source_ids"] == "meshlab"}
    if name.endswith("_noise"):
        return {**prior, **_noise_row(fit)}
    if prior["component"] == "between-sources":
        return {**prior, **_spread_row(name, str(prior["dataplane"]), fit)}
    if name not in fit.names:
        return {**prior, "is_prior": prior["source_ids"] == "meshlab"}
    index = fit.names.index(name)
    sd = float(np.sqrt(fit.covariance[index, index]))
    prior_sd = np.log(prior["hi"] / prior["lo"]) / (2 * NINETY_PERCENT)
    if sd > NARROWED * prior_sd:
        return {**prior, "is_prior": True}
    median, lo, hi = log_normal_interval(float(fit.mean[index]), sd)
    return {**prior, "median": median, "lo": lo, "hi": hi, "is_prior": False, "source_ids": "|".join(fit.touched[name])}


def _noise_row(fit: KindFit) -> dict[str, Any]:
    if not fit.spreads:
        return {"is_prior": True}
    row = max(spread[-1] for spread in fit.spreads.values())
    return {"median": row, "lo": row, "hi": row, "is_prior": False, "source_ids": _all_sources(fit)}


def _all_sources(fit: KindFit) -> str:
    return "|".join(sorted({source for touched in fit.touched.values() for source in touched}))


def _spread_row(name: str, dataplane: str, fit: KindFit) -> dict[str, Any]:
    group = "agent" if "_control_" in name or (dataplane == "cilium" and "latency" not in name) else "proxy"
    if group not in fit.spreads:
        return {"is_prior": True}
    # with few rigs their spread is itself uncertain: Student's factor, as for a prediction interval of a meta-analysis
    few = float(t.ppf(0.9, max(fit.rigs[group] - 1, 2))) / NINETY_PERCENT
    median, lo, hi = log_normal_interval(0.0, few * math.hypot(*fit.spreads[group]))
    return {"median": median, "lo": lo, "hi": hi, "is_prior": False, "source_ids": _all_sources(fit)}


SEED = 20260801


def drawn(table: pl.DataFrame) -> pl.DataFrame:
    """Joint draws of a table's coefficients, a column for each that is not certain.

    Args:
        table: Columns of ``coefficients.csv``.
    """
    free = table.filter(pl.col("lo") < pl.col("hi"))
    scores = norm.ppf(qmc.Sobol(free.height, rng=SEED).random(DRAWS))
    sd = free.select(log_sd(pl.col("lo"), pl.col("hi"))).to_series().to_numpy()
    return pl.DataFrame(np.exp(free["median"].log().to_numpy() + scores * sd), schema=list(free["coefficient"]))
