"""The tables that follow from the measurements, as ``make data`` writes them, and the check of the measurements."""

from __future__ import annotations

import polars as pl

from fitting.mixed_model import coefficients_of, drawn, fit_kind
from fitting.shown import shown_first
from meshlab.errors import Problem, did_you_mean
from meshlab.models.evidence.measurements import CPU, KINDS, KINDS_OF_PATHS, MEMORY, measurements
from meshlab.models.evidence.validation import CONSTANT, scored
from meshlab.tables import data_path, read_table

SIGNIFICANT_DIGITS = 4

PREDICTIONS = "meshlab/models/evidence/measurements.py"
"""Where the equations stand that predict what was measured."""

BASELINES = "data/evidence/baselines.csv"
"""Where the constants stand that the model has to predict better than."""

PREDICTED = (
    ("memory", "component", "MEMORY", MEMORY),
    ("cpu", "component", "CPU", CPU),
    ("latency", "dataplane", "KINDS_OF_PATHS", KINDS_OF_PATHS),
)
"""By kind of figure: the column that says what is predicted, and the table of those that are."""


def check_measurements(table: pl.DataFrame) -> list[Problem]:
    """What is wrong with rows of evidence: names outside the closed lists, units of another metric, no prediction.

    Args:
        table: Columns of ``measurements.csv``; empty cells are found when the file is read.
    """
    file = str(data_path("evidence/measurements.csv"))
    closed = {
        "source_id": read_table("sources")["source_id"],
        "origin": read_table("sources")["source_id"],
        "component": read_table("evidence/components")["component"],
        "metric": read_table("evidence/metrics")["metric"],
        "role": pl.Series(["fit", "context"]),
    }
    problems = [
        Problem(file, f"row {row}: {name} {value!r} is not declared", did_you_mean(value, known))
        for name, known in closed.items()
        for row, value in table.filter(~pl.col(name).is_in(known.implode())).select("measurement_id", name).iter_rows()
    ]
    units = table.join(read_table("evidence/metrics"), on="metric").filter(pl.col("unit") != pl.col("unit_right"))
    problems += [
        Problem(file, f"row {row}: unit {unit!r} is not that of {metric}", f"convert the figure to {expected}")
        for row, unit, metric, expected in units.select("measurement_id", "unit", "metric", "unit_right").iter_rows()
    ]
    fits = table.filter(role="fit").join(read_table("evidence/metrics").select("metric", "kind"), on="metric")
    problems += [
        Problem(file, f"row {row}: no {kind} of {name} is predicted", f"add it to {place} of {PREDICTIONS}")
        for kind, column, place, known in PREDICTED
        for row, name in fits.filter(pl.col("kind") == kind, ~pl.col(column).is_in(list(known)))
        .select("measurement_id", column)
        .iter_rows()
    ]
    constants = read_table("evidence/baselines").filter(baseline=CONSTANT, kind="latency")["dataplane"]
    problems += [
        Problem(file, f"row {row}: no constant stands beside the model of {name}", f"add a {CONSTANT} to {BASELINES}")
        for row, name in fits.filter(pl.col("kind") == "latency", ~pl.col("dataplane").is_in(constants.implode()))
        .select("measurement_id", "dataplane")
        .iter_rows()
    ]
    repeated = table.filter(pl.col("measurement_id").is_duplicated())["measurement_id"].unique(maintain_order=True)
    return problems + [Problem(file, f"row {row}: the id stands twice", "ids are unique") for row in repeated]


def fitted() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Coefficients from all evidence and their joint draws, rounded so that runs give the same bytes.

    Returns:
        Columns of ``coefficients.csv``; a column for each coefficient that is not certain, as in
        ``coefficient_draws.csv``.
    """
    priors, rows = read_table("evidence/priors"), measurements().filter(role="fit")
    fits = {kind: fit_kind(rows, priors, kind) for kind in KINDS}
    draws = drawn(fits)
    table = coefficients_of(fits, priors, draws)
    return (
        table.with_columns(pl.col("median", "lo", "hi").round_sig_figs(SIGNIFICANT_DIGITS)),
        shown_first(fits, table, draws).with_columns(pl.all().round_sig_figs(SIGNIFICANT_DIGITS)),
    )


def draw_columns(coefficients: pl.DataFrame, draws: pl.DataFrame) -> pl.DataFrame:
    """The columns file of ``coefficient_draws.csv``: a row for each of its coefficients.

    Args:
        coefficients: Columns of ``coefficients.csv``.
        draws: A column for each coefficient that is not certain.
    """
    labels = read_table("coefficient_labels")
    named = coefficients.filter(pl.col("coefficient").is_in(draws.columns)).join(
        labels, on="coefficient", maintain_order="left"
    )
    return named.select(
        pl.col("coefficient").alias("column"),
        pl.lit("number").alias("type"),
        "unit",
        pl.lit("true").alias("required"),
        pl.col("label").alias("description"),
    )


def evidence_range() -> pl.DataFrame:
    """For each data plane, the smallest and largest value of each quantity among the rows that are scored."""
    handles_l7 = pl.col("component").str.contains("sidecar|waypoint|linkerd-proxy|node-envoy")
    rows = scored().with_columns(
        rate_per_proxy=pl.when(kind="cpu").then(pl.col("rate") / pl.col("instances")),
        l7_traffic_share=handles_l7.cast(pl.Float64),
    )
    numbers = rows.unpivot(
        ["pods", "services", "config_services", "rate_per_proxy", "payload_bytes", "l7_traffic_share"],
        index="dataplane",
        variable_name="quantity",
        value_name="number",
    )
    bounds = (
        numbers.drop_nulls("number")
        .group_by("dataplane", "quantity")
        .agg(lower=pl.min("number"), upper=pl.max("number"))
    )
    # a smaller cluster than any measured is no extrapolation: its figures tend to the bases
    bounds = bounds.with_columns(lower=pl.lit(0.0))
    protocols = pl.when(pl.col("grpc_share") > 0).then(pl.lit("grpc")).otherwise(pl.lit("http1"))
    traffic = rows.filter(pl.col("rate") > 0).with_columns(
        protocol=pl.when(pl.col("grpc_share").is_not_null()).then(protocols), mtls=pl.col("mtls").cast(pl.String)
    )
    members = (
        traffic.unpivot(["protocol", "mtls"], index="dataplane", variable_name="quantity", value_name="member")
        .drop_nulls("member")
        .group_by("dataplane", "quantity")
        .agg(members=pl.col("member").unique().sort().str.join("|"))
    )
    columns = ["dataplane", "quantity", "lower", "upper", "members"]
    return pl.concat([bounds, members], how="diagonal").select(columns).sort("dataplane", "quantity")
