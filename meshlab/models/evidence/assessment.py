"""The evidence: fitting coefficients to it, how good that fit is, and narrowing it by measurements of one's own.

``python -m meshlab.models.evidence`` writes what ``fit``, ``fit_left_out`` and ``evidence_range`` give into ``data/``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from meshlab.models.evidence.measured import comparison, quality, read_measured
from meshlab.models.evidence.measurements import KINDS, measurements, predicted
from meshlab.models.overhead import dataplanes
from meshlab.models.overhead.coefficients import SHOWN, Value, coefficient_table, joint_draws
from meshlab.tables import read_table

if TYPE_CHECKING:
    from meshlab.models.evidence.fit import KindFit

GOALS = {"memory": 1.35, "cpu": 2.0, "latency": 2.0}
"""Median factor between measured and predicted that the models aim at, sources left out."""

COVERAGE_GOAL = 0.7
"""Share of figures inside the 10-90 % interval that the models aim at, sources left out."""

SIGNIFICANT_DIGITS = 4


# --- the fit -------------------------------------------------------------------------------------------------------


def fit() -> pl.DataFrame:
    """Coefficients from all evidence, columns of ``coefficients.csv``, rounded so that runs give the same bytes."""
    return _coefficients(_fits())


def draw_table(coefficients: pl.DataFrame) -> pl.DataFrame:
    """``DRAWS`` joint draws of coefficients, a column for each, rounded so that runs give the same bytes.

    Args:
        coefficients: Columns of ``coefficients.csv``.
    """
    from meshlab.models.evidence.fit import drawn

    return drawn(coefficients).with_columns(pl.all().round_sig_figs(SIGNIFICANT_DIGITS))


def fit_left_out() -> pl.DataFrame:
    """The same with each source's laboratory left out in turn, columns of ``evidence/left_out.csv``."""
    origins = measurements().filter(role="fit")["origin"].unique().sort()
    columns = ("coefficient", "component", "median", "lo", "hi")
    return pl.concat(
        _coefficients(_fits(origin)).select(pl.lit(origin).alias("left_out"), *columns) for origin in origins
    )


def _coefficients(fits: dict[str, KindFit]) -> pl.DataFrame:
    from meshlab.models.evidence.fit import coefficients_of

    table = coefficients_of(fits, read_table("evidence/priors"))
    return table.with_columns(pl.col("median", "lo", "hi").round_sig_figs(SIGNIFICANT_DIGITS))


@cache
def _fits(without: str | None = None) -> dict[str, KindFit]:
    """Fits of all kinds, one source's laboratory left out; a kind without its rows is the fit to all."""
    from meshlab.models.evidence.fit import fit_kind

    rows = measurements().filter(role="fit")
    kept = rows if without is None else rows.filter(pl.col("origin") != without)
    changed = KINDS if without is None else rows.filter(origin=without)["kind"].unique()
    priors = read_table("evidence/priors")
    earlier = {} if without is None else _fits()
    return {
        kind: fit_kind(kept, priors, kind, earlier.get(kind)) if kind in changed else earlier[kind] for kind in KINDS
    }


def evidence_range() -> pl.DataFrame:
    """For each data plane, the smallest and largest value of each quantity among the rows that are fitted."""
    handles_l7 = pl.col("component").str.contains("sidecar|waypoint|linkerd-proxy|node-envoy")
    rows = (
        measurements()
        .filter(role="fit")
        .with_columns(
            rate_per_proxy=pl.when(kind="cpu").then(pl.col("rate") / pl.col("instances")),
            l7_traffic_share=handles_l7.cast(pl.Float64),
        )
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


# --- how good it is ------------------------------------------------------------------------------------------------


def assess(measured: Path | pl.DataFrame | None = None) -> dict[str, Any]:
    """Measured against predicted, with the interval: INTERFACE's ``evidence`` document.

    Args:
        measured: The user's own measurements: a file, or what ``read_measured`` returned. Without it the published
            ones, fitted and with each source left out in turn.

    Raises:
        MeshlabError: A row of ``measured`` has a wrong metric, unit, data plane or value.
    """
    compared = _assessed() if measured is None else comparison(_own(measured), coefficient_table())
    return {"rows": compared.to_dicts(), "summary": summary(compared)}


@cache
def _assessed() -> pl.DataFrame:
    rows = measurements().filter(role="fit")
    fitted = compared_rows(rows, coefficient_table()).with_columns(left_out=pl.lit(value=False))
    held_out = [
        compared_rows(rows.filter(origin=origin), table)
        for (origin,), table in read_table("evidence/left_out").group_by("left_out", maintain_order=True)
    ]
    return pl.concat([fitted, pl.concat(held_out).with_columns(left_out=pl.lit(value=True))])


def compared_rows(rows: pl.DataFrame, coefficients: pl.DataFrame) -> pl.DataFrame:
    """Rows of evidence against a table of coefficients: the middle and the interval that ``estimate`` would show.

    Args:
        rows: Columns of ``measurements()``.
        coefficients: Columns of ``coefficients.csv``.
    """
    middle: dict[str, Value] = dict(coefficients.select("coefficient", "median").iter_rows())
    centre = predicted(rows.lazy(), middle).select("measurement_id", "predicted")
    sets = joint_draws(coefficients, SHOWN)
    c = {**middle, **{name: pl.col(name) for name in sets.columns}}
    drawn = predicted(rows.lazy().join(sets.lazy(), how="cross"), c)
    bounds = (
        drawn.with_columns(pl.col("predicted") * _spread_of_row(coefficients))
        .group_by("measurement_id")
        .agg(lo=pl.col("predicted").quantile(0.1, "linear"), hi=pl.col("predicted").quantile(0.9, "linear"))
    )
    # the rows are few and the expressions many: the in-memory engine plans them faster than the streaming one
    return (
        rows.lazy()
        .join(centre, on="measurement_id", maintain_order="left")
        .join(bounds, on="measurement_id", maintain_order="left")
        .rename({"value": "measured"})
        .with_columns(lo=pl.min_horizontal("lo", "predicted"), hi=pl.max_horizontal("hi", "predicted"))
        .with_columns(**quality())
        .select(*COMPARED)
        .collect(engine="in-memory")
    )


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
"""Columns of a comparison, before ``left_out``."""


def _spread_of_row(coefficients: pl.DataFrame) -> pl.Expr:
    """The draw of the spread that bears on a row: by data plane, kind, and whether it is a control plane or agent."""
    expression = pl.lit(1.0)
    for name in coefficients.filter(pl.col("coefficient").str.ends_with("_spread"))["coefficient"]:
        family, *control, kind = name.removesuffix("_spread").split("_")
        is_plane = pl.col("dataplane").is_in([plane.name for plane in dataplanes().values() if plane.spread == family])
        is_control = pl.col("component").str.contains("istiod|control-plane|operator") == bool(control)
        is_row = is_plane & is_control & (pl.col("kind") == kind)
        expression = pl.when(is_row).then(pl.col(name)).otherwise(expression)
    return expression


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


# --- one's own measurements ----------------------------------------------------------------------------------------


def narrow(coefficients: pl.DataFrame | None, measured: Path | pl.DataFrame) -> pl.DataFrame:
    """The coefficients after a team's own measurements: better evidence of its cluster than anybody's page.

    Args:
        coefficients: Columns of ``coefficients.csv``; the fitted ones without.
        measured: The team's own measurements: a file, or what ``read_measured`` returned.

    Returns:
        The table with new medians and intervals, and ``draws``: joint draws for ``estimate``.

    Raises:
        MeshlabError: A row of the file has a wrong metric, unit, data plane or value.
    """
    from meshlab.models.evidence.narrowing import narrowed

    table = coefficient_table() if coefficients is None else coefficients
    return narrowed(table, _own(measured))


def _own(measured: Path | pl.DataFrame) -> pl.DataFrame:
    return read_measured(measured) if isinstance(measured, Path) else measured
