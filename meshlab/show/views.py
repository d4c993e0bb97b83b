"""What workbooks show beside a review: tables of the models, and moves that lead elsewhere or take other figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from meshlab.models.evidence import COVERAGE_GOALS, GOALS, validation
from meshlab.models.overhead import dataplanes
from meshlab.planning import iac
from meshlab.reviews.cases import Case
from meshlab.reviews.comparison import over_budget
from meshlab.reviews.migration import plans
from meshlab.reviews.record import Review, Row
from meshlab.reviews.review import build_reviews, open_named, source_ids
from meshlab.show.charts.tables import NOUNS
from meshlab.show.fragments import Fragment
from meshlab.show.report import table
from meshlab.show.theme import figure_text
from meshlab.tables import read_table

Assessment = Mapping[str, Any]

MET = {True: "✓", False: "✗"}
"""Whether a goal is met, as a symbol."""

VERDICTS = {"supported": "✓ supported", "partly": "◐ partly", "contested": "? contested", "outdated": "✗ outdated"}
"""Verdicts on claims, in a symbol and a word."""


# --- evidence ------------------------------------------------------------------------------------------------------


def fit_quality(assessed: Assessment) -> Fragment:
    """How well the models do by kind of figure, fitted and with each source left out, against their goals.

    Args:
        assessed: What ``evidence.validate()`` gives.
    """
    names = {"fit": "no, fitted to all", "left_out": "yes, each in turn"}
    return table(
        [
            {
                "Figure": NOUNS[kind][0],
                "Sources left out": names[part],
                "Figures": str(row["n"]),
                "Sources": str(row["sources"]),
                COVERAGE: _against(
                    f"{100 * row['inside_by_source']:.0f} %",
                    met=COVERAGE_GOALS[0] <= row["inside_by_source"] <= COVERAGE_GOALS[1],
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


COVERAGE = "Inside the interval, each source alike (goal: {:.0f}–{:.0f} %)".format(
    *(100 * end for end in COVERAGE_GOALS)
)


def comparison(assessed: Assessment) -> Fragment:
    """Scores of the models and of what one would use instead, by what was left out together; each source alike.

    Args:
        assessed: What ``evidence.validate()`` gives.
    """
    rows = pl.DataFrame(assessed["validation"], infer_schema_length=None)
    model = rows.filter(candidate="model")
    others = rows.filter(candidate="constant").select("grouping", "kind", "rows", constant="crps")
    return table(
        [
            {
                "Figure": NOUNS[row["kind"]][0],
                "Of": row["rows"],
                "Left out by": row["grouping"],
                "Figures": f"{row['n']} of {row['sources']} sources",
                "Score of the model": f"{row['crps']:.3f}",
                "Score of one constant each": _against(f"{row['constant']:.3f}", met=row["crps"] <= row["constant"]),
                "Inside": f"{100 * row['inside']:.0f} %",
                "Median factor": f"{row['factor']:.2f}",
                "Median width": figure_text(row["width"]),
            }
            for row in model.join(others, on=["grouping", "kind", "rows"], maintain_order="left").iter_rows(named=True)
        ]
    )


def calibration() -> Fragment:
    """Share of figures below each predicted quantile, sources left out: at best the quantile itself."""
    levels = read_table("evidence/calibration").pivot(on="kind", index="level", values="below")
    return table(
        [
            {"Predicted quantile": f"{100 * row.pop('level'):.0f} %"}
            | {f"{NOUNS[kind][0]} below it": f"{100 * below:.0f} %" for kind, below in row.items()}
            for row in levels.iter_rows(named=True)
        ]
    )


def coefficients() -> Fragment:
    """Every coefficient: what was believed before, what the evidence makes of it, and what would narrow it.

    Its width is the interval's upper end over its lower one. What rests on no measurement, or on one source, is
    narrowed most by a first or second one of its component.
    """
    columns = ("coefficient", "median", "lo", "hi")
    prior = read_table("evidence/priors").select(*columns).rename({name: f"prior_{name}" for name in columns[1:]})
    found = (
        read_table("coefficients")
        .filter(pl.col("lo") < pl.col("hi"))
        .join(prior, on="coefficient", maintain_order="left")
        .join(read_table("coefficient_labels"), on="coefficient", maintain_order="left")
        .with_columns(left=(pl.col("hi") / pl.col("lo")).log() / (pl.col("prior_hi") / pl.col("prior_lo")).log())
    )
    return table(
        [
            {
                "Coefficient": row["label"],
                "Before": _interval(row, "prior_"),
                "After": _interval(row, ""),
                "Unit": row["unit"],
                "Width left": f"{100 * row['left']:.0f} %",
                "Rests on": "a prior" if row["is_prior"] else row["source_ids"].replace("|", ", "),
                "What would narrow it": _wanted(row),
            }
            for row in found.iter_rows(named=True)
        ]
    )


def _interval(row: Row, prefix: str) -> str:
    median, lo, hi = (figure_text(row[f"{prefix}{name}"]) for name in ("median", "lo", "hi"))
    return f"{median} ({lo} – {hi})"


def _wanted(row: Row) -> str:
    """The measurement that would narrow a coefficient most: more of its own, or of clusters where those differ."""
    if row["coefficient"].endswith(("_spread", "_sd")):
        return "the same figure on more clusters, or on yours"
    what = {"memory": "memory", "cpu": "CPU", "latency": "added latency"}[row["kind"]]
    more = "a first measurement" if row["is_prior"] else "one more laboratory's"
    return f"{more} of {what} of the component {row['component']}"


def _against(text: str, *, met: bool) -> str:
    return f"{MET[met]} {text}"


def quality_by_source(assessed: Assessment, *, left_out: bool = True) -> Fragment:
    """Each source's figures against the models: how many, how many inside, how far off, and who wrote it.

    Args:
        assessed: What ``evidence.validate()`` gives.
        left_out: Whether each figure is predicted without its own source.
    """
    found = (
        pl.DataFrame(assessed["rows"], infer_schema_length=None)
        .filter(left_out=left_out)
        .group_by("source_id", "kind")
        .agg(pl.len(), pl.sum("inside"), pl.median("factor"))
        .join(read_table("sources").select("source_id", "title", "vendor_interest"), on="source_id", how="left")
        .sort("source_id", "kind")
    )
    return table(
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


def disagreement() -> Fragment:
    """How far sources lie apart on one component, and how much of that the models explain."""
    return table(
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
            for row in validation.disagreement().iter_rows(named=True)
        ]
    )


def contradictions() -> Fragment:
    """Where sources contradict each other, and what explains it."""
    columns = {"One says": "one", "Another says": "other", "What explains it": "explanation", "Sources": SOURCES}
    return table(read_table("contradictions").select(Question="question", **columns).to_dicts())


def claims() -> Fragment:
    """The ledger of claims: what was said, what speaks for and against it, and the verdict."""
    columns = {
        "Claim": pl.col("claim"),
        "Verdict": pl.col("verdict").replace_strict(VERDICTS),
        "For": pl.col("evidence_for").fill_null("nothing found"),
        "Against": pl.col("evidence_against").fill_null("nothing found"),
        "Sources": SOURCES,
    }
    return table(read_table("claims").select(**columns).to_dicts())


SOURCES = pl.col("source_ids").str.replace_all("|", ", ", literal=True)
"""Ids of sources as a sentence lists them."""


# --- sweeps --------------------------------------------------------------------------------------------------------


def spread(indices: pl.DataFrame) -> Fragment:
    """The part of a figure's spread in which each input has a hand, under every data plane.

    Args:
        indices: Columns of ``sweep.sobol``, of one figure.
    """
    total = indices.pivot("dataplane", index="axis", values="total")
    planes = {name: dataplanes()[name].label for name in total.columns if name in dataplanes()}
    return table(
        [
            {
                "Input": row["axis"].replace("_", " "),
                **{label: f"{100 * row[name]:.0f} %" for name, label in planes.items()},
            }
            for row in total.iter_rows(named=True)
        ]
    )


# --- infrastructure as code ----------------------------------------------------------------------------------------


def lag_by_layer() -> Fragment:
    """How long features waited until Terraform could express them, by provider and layer."""
    return _counted(iac.lag_distribution(iac.tracker()))


def option_coverage(chart_version: str | None = None) -> Fragment:
    """Options of a chart release by how the provider expresses them.

    Args:
        chart_version: The release; the newest minor unless given.
    """
    counts = iac.coverage(chart_version=chart_version).group_by("status").len("options").sort("options", "status")
    return _counted(counts.reverse())


def chart_growth(product: str = "cilium") -> Fragment:
    """Options of each minor release of a chart: how many it has, adds and drops."""
    return _counted(iac.growth(product))


def tracked_features(*products: str) -> Fragment:
    """Every tracked feature and provider: since when the product has it, and since when Terraform expresses it.

    Args:
        products: Products whose features are shown; all of them unless given.
    """
    columns = ("product", "feature", "provider", "status", "introduced_date", "provider_date", "lag_days", "source_id")
    shown = pl.col("product").is_in(products) if products else pl.lit(value=True)
    return _counted(iac.tracker().filter(shown).select(columns).rename({"lag_days": "lag [d]"}))


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


def _counted(frame: pl.DataFrame) -> Fragment:
    """A table of counts and days, headings in words."""
    headings = {name: HEADINGS.get(name, name.replace("_", " ").capitalize()) for name in frame.columns}
    return table(
        [{headings[name]: _cell(name, value) for name, value in row.items()} for row in frame.iter_rows(named=True)]
    )


def _cell(name: str, value: object) -> str:
    if value is None:
        return "unknown"
    if name == "source_id":
        return ", ".join(source_ids(str(value)))
    return f"{value:,.0f}" if isinstance(value, float | int) else str(value)


# --- moves ---------------------------------------------------------------------------------------------------------


def opened(source: str | Path) -> tuple[Case, Review]:
    """The case and the review of an example team, a team file or a dump.

    Raises:
        MeshlabError: There is no such team or file, or it is wrong.
    """
    case = open_named(source)
    return case, build_reviews([case])[0]


def planned(
    case: Case, review: Review, today: str = "", target: str = "", own: Mapping[str, object] | None = None
) -> Review:
    """The review with the plan of another move.

    Args:
        case: The case of the review.
        review: Its review.
        today: What runs today, where the facts are to be overruled.
        target: Where to move, where the verdict is to be overruled.
        own: Figures that stand before those of the team; None among them for those that stand.

    Raises:
        MeshlabError: A place or a figure is wrong.
    """
    given = {name: value for name, value in (own or {}).items() if value is not None}
    over = over_budget({case.team.name: case})
    return msgspec.structs.replace(review, migration=plans([case], today, target, given, over)[0])


def gaps(review: Review) -> Fragment:
    """Times in which no policy is enforced: from which step to which, and how long."""
    rows = [
        {
            "From": str(gap["opens"]),
            "Until": str(gap["closes"]),
            "Working time [h]": _told(gap["hours"]),
            "90 % [h]": _told(gap["hours_hi"]),
            "With the hours between windows [h]": _told(gap["elapsed"]),
        }
        for gap in _plan(review)["gaps"]
    ]
    return table(rows, "On this way policies stay enforced, or end for good where that is the aim.")


def needs(review: Review) -> Fragment:
    """What the move needs while it runs, and what it brings, beside staying."""
    asked, brought = _plan(review)["needs"], _plan(review)["brings"]
    rows = [
        ("People", "h", asked, "person_hours"),
        ("People, and machines for the move alone", "USD", asked, "usd"),
        ("Saved", "USD/month", brought, "usd_per_month"),
        ("Paid back after", "months", brought, "months"),
    ]
    return table(
        [
            {
                "What": what,
                "Unit": unit,
                **{
                    head: _told(row[f"{name}{end}"]) for head, end in (("10 %", "_lo"), ("Median", ""), ("90 %", "_hi"))
                },
            }
            for what, unit, row, name in rows
        ]
        + [
            {"What": what, "Unit": unit, "10 %": "", "Median": _told(asked[name]), "90 %": ""}
            for what, unit, name in (
                ("Memory beside the old", "GiB", "extra_memory_gib"),
                ("CPU beside the old", "cores", "extra_cpu_cores"),
                ("Nodes at a time", "count", "parallel"),
                ("Extra nodes", "count", "surge_nodes"),
            )
        ]
    )


def _plan(review: Review) -> Mapping[str, Any]:
    return review.migration or {}


def _told(value: Any) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else figure_text(float(value))
