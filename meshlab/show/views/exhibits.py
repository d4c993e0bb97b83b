"""What workbooks show beside a review: each function turns the models' tables into one fragment for a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from meshlab.models.evidence import COVERAGE_GOAL, GOALS
from meshlab.models.evidence import disagreement as disagreements
from meshlab.models.overhead import dataplanes
from meshlab.planning import iac
from meshlab.reviews.review import source_ids
from meshlab.show import report
from meshlab.show.charts.agreement import NOUNS
from meshlab.show.theme import figure_text
from meshlab.tables import read_table

Assessment = Mapping[str, Any]

MET = {True: "✓", False: "✗"}
"""Whether a goal is met, as a symbol."""

VERDICTS = {"supported": "✓ supported", "partly": "◐ partly", "contested": "? contested", "outdated": "✗ outdated"}
"""Verdicts on claims, in a symbol and a word."""


# --- evidence ------------------------------------------------------------------------------------------------------


def fit_quality(assessed: Assessment) -> report.Fragment:
    """How well the models do by kind of figure, fitted and with each source left out, against their goals.

    Args:
        assessed: What ``evidence.assess()`` gives.
    """
    names = {"fit": "no, fitted to all", "left_out": "yes, each in turn"}
    return report.table(
        [
            {
                "Figure": NOUNS[kind][0],
                "Sources left out": names[part],
                "Figures": str(row["n"]),
                "Sources": str(row["sources"]),
                f"Inside the interval (goal: {100 * COVERAGE_GOAL:.0f} %)": _against(
                    f"{100 * row['inside']:.0f} %", met=row["inside"] >= COVERAGE_GOAL
                ),
                "Median factor (goal)": _against(
                    f"{row['median_factor']:.2f} ({GOALS[kind]:g})", met=row["median_factor"] <= GOALS[kind]
                ),
                "Median width, upper end over lower": figure_text(row["median_width"]),
            }
            for kind in NOUNS
            for part, kinds in assessed["summary"].items()
            if (row := kinds.get(kind))
        ]
    )


def _against(text: str, *, met: bool) -> str:
    return f"{MET[met]} {text}"


def _rows(assessed: Assessment, *, left_out: bool) -> pl.DataFrame:
    return pl.DataFrame(assessed["rows"], infer_schema_length=None).filter(left_out=left_out)


def quality_by_source(assessed: Assessment, *, left_out: bool = True) -> report.Fragment:
    """Each source's figures against the models: how many, how many inside, how far off, and who wrote it.

    Args:
        assessed: What ``evidence.assess()`` gives.
        left_out: Whether each figure is predicted without its own source.
    """
    found = (
        _rows(assessed, left_out=left_out)
        .group_by("source_id", "kind")
        .agg(pl.len(), pl.sum("inside"), pl.median("factor"))
        .join(read_table("sources").select("source_id", "title", "vendor_interest"), on="source_id", how="left")
        .sort("source_id", "kind")
    )
    return report.table(
        [
            {
                "Source": f"{row['source_id']}: {row['title']}",
                "Interest": row["vendor_interest"] or "",
                "Figure": NOUNS[row["kind"]][0],
                "Inside": f"{row['inside']} of {row['len']}",
                "Median factor": figure_text(row["factor"]),
            }
            for row in found.iter_rows(named=True)
        ]
    )


def disagreement() -> report.Fragment:
    """How far sources lie apart on one component, and how much of that the models explain."""
    return report.table(
        [
            {
                "Figure": f"{NOUNS[row['kind']][0]}, {row['component']}",
                "Data plane": dataplanes()[row["dataplane"]].label,
                "Metric": row["metric"].replace("_", " "),
                "Sources": str(row["sources"]),
                "Figures": str(row["n"]),
                "Largest over smallest, as measured": figure_text(row["spread"]),
                "The same, after the model": figure_text(row["left"]),
            }
            for row in disagreements.disagreement().iter_rows(named=True)
        ]
    )


def contradictions() -> report.Fragment:
    """Where sources contradict each other, and what explains it."""
    return report.table(
        [
            {
                "Question": row["question"],
                "One says": row["one"],
                "Another says": row["other"],
                "What explains it": row["explanation"],
                "Sources": row["source_ids"].replace("|", ", "),
            }
            for row in read_table("contradictions").iter_rows(named=True)
        ]
    )


def claims() -> report.Fragment:
    """The ledger of claims: what was said, what speaks for and against it, and the verdict."""
    return report.table(
        [
            {
                "Claim": row["claim"],
                "Verdict": VERDICTS[row["verdict"]],
                "For": row["evidence_for"] or "nothing found",
                "Against": row["evidence_against"] or "nothing found",
                "Sources": row["source_ids"].replace("|", ", "),
            }
            for row in read_table("claims").iter_rows(named=True)
        ]
    )


# --- sweeps --------------------------------------------------------------------------------------------------------


def spread(indices: pl.DataFrame) -> report.Fragment:
    """The part of a figure's spread in which each input has a hand, under every data plane.

    Args:
        indices: Columns of ``sweep.sobol``, of one figure.
    """
    total = indices.pivot("dataplane", index="axis", values="total")
    planes = {name: dataplanes()[name].label for name in total.columns if name in dataplanes()}
    return report.table(
        [
            {
                "Input": row["axis"].replace("_", " "),
                **{label: f"{100 * row[name]:.0f} %" for name, label in planes.items()},
            }
            for row in total.iter_rows(named=True)
        ]
    )


# --- infrastructure as code ----------------------------------------------------------------------------------------


def lag_by_layer() -> report.Fragment:
    """How long features waited until Terraform could express them, by provider and layer."""
    return _counted(iac.lag_distribution(iac.tracker()))


def option_coverage(chart_version: str | None = None) -> report.Fragment:
    """Options of a chart release by how the provider expresses them.

    Args:
        chart_version: The release; the newest minor unless given.
    """
    counts = iac.coverage(chart_version=chart_version).group_by("status").len("options").sort("options", "status")
    return _counted(counts.reverse())


def chart_growth(product: str = "cilium") -> report.Fragment:
    """Options of each minor release of a chart: how many it has, adds and drops."""
    return _counted(iac.growth(product))


def tracked_features() -> report.Fragment:
    """Every tracked feature and provider: since when the product has it, and since when Terraform expresses it."""
    columns = ("product", "feature", "provider", "status", "introduced_date", "provider_date", "lag_days", "source_id")
    return _counted(iac.tracker().select(columns).rename({"lag_days": "lag [d]"}))


HEADINGS = {
    "n": "Features",
    "open": "Still open",
    "lag_days_min": "Least [d]",
    "lag_days_q1": "First quartile [d]",
    "lag_days": "Median [d]",
    "lag_days_q3": "Third quartile [d]",
    "lag_days_max": "Most [d]",
    "days": "Days since the one before",
    "introduced_date": "In the product",
    "provider_date": "In the provider",
    "source_id": "Sources",
}
"""Headings of columns whose name does not say enough."""


def _counted(frame: pl.DataFrame) -> report.Fragment:
    """A table of counts and days, headings in words."""
    headings = {name: HEADINGS.get(name, name.replace("_", " ").capitalize()) for name in frame.columns}
    return report.table(
        [{headings[name]: _cell(name, value) for name, value in row.items()} for row in frame.iter_rows(named=True)]
    )


def _cell(name: str, value: object) -> str:
    if value is None:
        return "unknown"
    if name == "source_id":
        return ", ".join(source_ids(str(value)))
    return f"{value:,.0f}" if isinstance(value, float | int) else str(value)
