"""A team's own measurements, and the coefficients after them.

They are a table, a load test before and after, or what Prometheus saw.

The joint draws are the prior: the team's cluster is one more of those that they stand for. A Gauss-Newton step on
logarithms with the draws' covariance moves all coefficients of a kind together, each draw by a reading with an error of
its own, so that the draws keep the posterior's width (randomised maximum likelihood). So one load test of sidecars also
moves what shares their coefficients, or the cluster's machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from meshlab.cluster.facts.measurements import Measurements, compare_load_tests, is_of_a_tool, read_measurements
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.files import read_start
from meshlab.models.overhead import Figure, draw_estimates, estimate, figures, mesh_dataplanes
from meshlab.models.overhead.coefficients import DRAWS, coefficient_table, joint_draws
from meshlab.scenario import Place, check_scenarios, read_raw

OWN_COLUMNS = ("dataplane", "metric", "value", "unit")


_BEGINNING_BYTES = 64 * 2**10


def metrics() -> dict[str, Figure]:
    """Figures that a team can measure: all that have an interval but money."""
    return {name: figure for name, figure in figures().items() if figure.interval and figure.kind != "cost"}


def read_measured(path: Path, before: Path | None = None, dataplane: str | None = None) -> pl.DataFrame:
    """A file of measurements: the scenarios, checked, and ``dataplane, metric, value, unit, kind``, ``row``.

    A table, in which a scenario may stand in several rows, one for each metric (``unit`` is optional and must be the
    metric's own), or what a tool wrote: the result of a load test, or series of Prometheus.

    Args:
        path: The file.
        before: Result of the same load test without a data plane: what it adds is the difference.
        dataplane: The data plane that the load test ran with.

    Raises:
        MeshlabError: All problems of the file, each with its row.
    """
    if (before is None) != (dataplane is None):
        what = "needs the load test before the data plane and the data plane's name together"
        raise MeshlabError(Problem(str(path), what, "give --before FILE and --dataplane NAME"))
    if before is not None and dataplane is not None:
        return _checked(compare_load_tests(before, path, dataplane).frame, str(path), _nowhere)
    if not _is_table(path) and is_of_a_tool(path):
        return _checked(_predicted(read_measurements(path)), str(path), _nowhere)
    return _checked(*_table(path))


def read_own(path: Path) -> tuple[Measurements | None, pl.DataFrame | None]:
    """What a file of measurements tells: what a tool wrote, and figures as ``read_measured`` returns them, if any.

    Args:
        path: A table of measurements, traces, the result of a load test, or series of Prometheus.

    Raises:
        MeshlabError: The file cannot be read, is of no known kind, or is not as its kind demands.
    """
    if path.suffix.lower() != ".gz" and _is_table(path):
        return None, _checked(*_table(path))
    found = read_measurements(path)
    return found, None if found.frame.is_empty() else _checked(found.frame, str(path), _nowhere)


def check_measured(raw: pl.DataFrame) -> pl.DataFrame:
    """A frame of measurements, checked: what ``read_measured`` gives of a table.

    Raises:
        MeshlabError: All problems of the frame, each with its row.
    """
    return _checked(_whole(raw, "measured"), "measured", _nowhere)


def _is_table(path: Path) -> bool:
    """Whether the file names data planes, as a table of measurements does and no tool."""
    return b"dataplane" in read_start(path, _BEGINNING_BYTES) or path.suffix.lower() == ".parquet"


def _table(path: Path) -> tuple[pl.DataFrame, str, Place]:
    raw, place = read_raw(path)
    return _whole(raw, str(path)), str(path), place


def _whole(raw: pl.DataFrame, file: str) -> pl.DataFrame:
    missing = [name for name in OWN_COLUMNS[:3] if name not in raw.columns]
    if missing:
        todo = f"needed: {', '.join(OWN_COLUMNS[:3])}; or the result of a load test, or series of Prometheus"
        raise MeshlabError(Problem(file, f"column {missing[0]!r} is missing", todo))
    return raw


def _nowhere(_index: int | None, _name: str) -> None:
    """What a tool wrote has no line for each value."""


def _predicted(found: Measurements) -> pl.DataFrame:
    """The measurements that the models predict, too."""
    if not found.frame.is_empty():
        return found.frame
    todo = "give a load test with --before FILE and --dataplane NAME, or usage of proxies from Prometheus"
    reasons = "; ".join(found.notes) or "its figures are totals, with and without the mesh"
    raise MeshlabError(Problem(found.source, f"tells nothing of what a data plane adds: {reasons}", todo))


def _checked(raw: pl.DataFrame, file: str, place: Place) -> pl.DataFrame:
    """The rows with their types; all problems are told together."""
    own = raw.select(
        pl.col(name).cast(pl.String) if name in raw.columns else pl.lit(None, pl.String).alias(name)
        for name in OWN_COLUMNS
    ).with_columns(pl.all().str.strip_chars())
    problems = list(_problems(own, file, place))
    scenarios = pl.DataFrame()
    try:
        # rows get names of their own, for one scenario may be measured in several
        name = pl.col("scenario").cast(pl.String) if "scenario" in raw.columns else pl.lit("measured")
        named = raw.with_columns(scenario=pl.format("{} (row {})", name, pl.int_range(1, pl.len() + 1)))
        scenarios = check_scenarios(named.drop(OWN_COLUMNS, strict=False), file, place)
    except MeshlabError as error:
        problems += error.problems
    if problems:
        raise MeshlabError(problems)
    told = {
        column: pl.col("metric").replace_strict(
            {name: getattr(figure, column) for name, figure in metrics().items()}, return_dtype=pl.String
        )
        for column in ("unit", "kind")
    }
    typed = own.with_columns(pl.col("value").cast(pl.Float64), **told)
    return pl.concat([scenarios, typed], how="horizontal")


def _problems(own: pl.DataFrame, file: str, place: Place) -> Iterator[Problem]:
    for index, (dataplane, metric, value, unit) in enumerate(own.iter_rows()):
        row = f"row {index + 1}:"
        if dataplane not in mesh_dataplanes():
            todo = did_you_mean(dataplane or "", mesh_dataplanes())
            yield Problem(file, f"{row} dataplane {shorten(dataplane)}", todo, place(index, "dataplane"))
        if metric not in metrics():
            todo = did_you_mean(metric or "", metrics())
            yield Problem(file, f"{row} metric {shorten(metric)}", todo, place(index, "metric"))
        elif unit not in (None, "", metrics()[metric].unit):
            todo = f"convert the value to {metrics()[metric].unit}"
            yield Problem(file, f"{row} unit {shorten(unit)} is not that of {metric}", todo, place(index, "unit"))
        if not _is_positive(value):
            yield Problem(
                file, f"{row} value {shorten(value)}", "give a number greater than zero", place(index, "value")
            )


def _is_positive(text: str | None) -> bool:
    try:
        return 0.0 < float(text or "") < float("inf")
    except ValueError:
        return False


def comparison(measured: pl.DataFrame) -> pl.DataFrame:
    """Measurements, as ``read_measured`` returns them, against the estimate of the same scenarios, as evidence."""
    figures = estimate(measured.drop(*OWN_COLUMNS, "kind"), coefficient_table())
    joined = measured.lazy().join(figures, on=["scenario", "dataplane"], how="left", maintain_order="left")
    component = pl.col("metric").str.extract(r"^(data_plane|control_plane)").fill_null("all")
    return (
        joined.select(
            "scenario",
            pl.lit("measured").alias("source_id"),
            *("dataplane", "kind", "metric"),
            pl.when(kind="latency").then(pl.lit("path")).otherwise(component).alias("component"),
            pl.col("value").alias("measured"),
            picked("").alias("predicted"),
            picked("_lo").alias("lo"),
            picked("_hi").alias("hi"),
            "unit",
        )
        .with_columns(**quality())
        .with_columns(left_out=pl.lit(value=True))
        .collect()
    )


def picked(end: str) -> pl.Expr:
    """The figure that a row's metric names, from the columns of ``estimate``: ``_lo``, the middle or ``_hi``."""
    return pl.coalesce(pl.when(metric=name).then(f"{name}{end}") for name in metrics())


def quality() -> dict[str, pl.Expr]:
    """Whether the figure lies inside its interval, and the factor by which the middle misses it, one or more."""
    ratio = (pl.col("measured") / pl.col("predicted")).log().abs().exp()
    return {"inside": pl.col("measured").is_between("lo", "hi"), "factor": ratio}


# --- coefficients after measurements ---------------------------------------------------------------------------------

PERTURBATION = 1e-3
"""Step of a logarithm for the Jacobian."""

ROUNDS = 3
"""Gauss-Newton steps; figures are nearly linear in the logarithms."""

SEED = 20260801

VISIBLE = 0.95
"""A coefficient is said to rest on the measurements if they leave less than this share of its width."""


def calibrate(measured: pl.DataFrame) -> pl.DataFrame:
    """The coefficients after a team's own measurements: better evidence of its cluster than anybody's page.

    Args:
        measured: As ``read_measured`` returns it.

    Returns:
        ``coefficients.csv`` with new medians and intervals, and ``draws``: joint draws for ``estimate``.
    """
    table = coefficient_table()
    own = joint_draws(table)
    free = table.filter(
        pl.col("coefficient").is_in(own.columns), pl.col("kind").is_in(measured["kind"].unique().implode())
    )
    names, prior = list(free["coefficient"]), free["median"].log().to_numpy()
    rows = measured.filter(pl.Series(_predictions(measured, names, prior[None, :])[0] > 0))
    if not rows.height:
        return table
    log_draws = np.log(own.select(names).to_numpy())
    covariance: np.ndarray = np.cov(log_draws, rowvar=False)
    noise = rows["kind"].replace_strict(reading_noise(table), return_dtype=pl.Float64).to_numpy()
    observed = rows["value"].log().to_numpy()

    def linear_model(point: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Around a point: the logarithms of the predictions at zero, their derivatives, and the gain of a reading."""
        points = np.vstack([point, point + PERTURBATION * np.eye(len(point))])
        values = np.log(_predictions(rows, names, points))
        jacobian: np.ndarray = (values[1:] - values[0]).T / PERTURBATION
        gain = np.linalg.solve(jacobian @ covariance @ jacobian.T + np.diag(noise**2), jacobian @ covariance).T
        return values[0] - jacobian @ point, jacobian, gain

    origin, jacobian, gain = linear_model(prior)
    for _ in range(ROUNDS - 1):
        origin, jacobian, gain = linear_model(prior + gain @ (observed - origin - jacobian @ prior))
    medians = np.exp(prior + gain @ (observed - origin - jacobian @ prior))
    readings = observed + noise * np.random.default_rng(SEED).standard_normal((DRAWS, rows.height))
    log_draws = log_draws + (readings - origin - log_draws @ jacobian.T) @ gain.T
    lo, hi = np.quantile(np.exp(log_draws), [0.1, 0.9], axis=0)
    seen = pl.Series(log_draws.std(axis=0) < VISIBLE * np.sqrt(np.diag(covariance)))
    updates = free.select(
        "coefficient",
        median=pl.Series(medians),
        lo=pl.Series(np.minimum(lo, medians)),
        hi=pl.Series(np.maximum(hi, medians)),
        is_prior=pl.col("is_prior") & ~seen,
        source_ids=pl.when(seen).then(pl.col("source_ids") + "|measured").otherwise("source_ids"),
    )
    moved = own.with_columns(pl.DataFrame(np.exp(log_draws), schema=names))
    return _with_draws(table.update(updates, on="coefficient"), moved)


def _with_draws(table: pl.DataFrame, draws: pl.DataFrame) -> pl.DataFrame:
    """Coefficients with draws of them in column ``draws``, from a column for each."""
    lists = pl.DataFrame({"coefficient": draws.columns, "draws": draws.to_numpy().T.tolist()})
    return table.join(lists, on="coefficient", how="left", maintain_order="left")


def reading_noise(table: pl.DataFrame) -> dict[str, float]:
    """How far a reading lies from what its cluster would give in the long run, by kind of figure. [of a logarithm]"""
    rows = table.filter(pl.col("coefficient").str.ends_with("_reading_sd"))
    return {name.removesuffix("_reading_sd"): sd for name, sd in rows.select("coefficient", "median").iter_rows()}


def _predictions(measured: pl.DataFrame, names: list[str], logs: np.ndarray) -> np.ndarray:
    """What the models predict for each row of measurements, once for each row of coefficients' logarithms."""
    worlds = _with_draws(coefficient_table(), pl.DataFrame(np.exp(logs), schema=names))
    figures = draw_estimates(measured.drop(*OWN_COLUMNS, "kind"), worlds, count=len(logs))
    joined = measured.lazy().join(figures, on=["scenario", "dataplane"], how="left", maintain_order="left")
    found = joined.select("draw", picked("").alias("predicted")).collect(engine="in-memory")
    return found.sort("draw", maintain_order=True)["predicted"].to_numpy().reshape(len(logs), -1)
