"""The tracker: which feature of which product Terraform can express, by which provider, since when, and how late.

Two layers are kept apart, since what hurts differs between them. An attribute of its own (typed, or partial where it
covers some of the feature) is checked before anything runs and shows in a plan. Raw text or an untyped object passes
anything on, from the first day, and shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from meshlab.cache import cached
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.tables import read_table
from meshlab.units import is_version, version_key

# --- how options came and went ---------------------------------------------------------------------------------------


@cached
def history(product: str) -> pl.DataFrame:
    """Every option that a release of the product's chart ever had, with the days on which it came and went.

    Columns: those of ``data/iac/options.csv``, ``introduced_date`` and ``removed_date``.
    """
    dates = read_table("iac/releases").filter(product=product).select("version", "date")
    return (
        read_table("iac/options")
        .filter(product=product)
        .join(dates.rename({"version": "introduced_version", "date": "introduced_date"}), "introduced_version", "left")
        .join(dates.rename({"version": "removed_version", "date": "removed_date"}), "removed_version", "left")
    )


def minor_releases(product: str) -> pl.DataFrame:
    """First release of each minor version of a chart, the oldest first."""
    return (
        read_table("iac/releases")
        .filter(pl.col("product") == product, ~pl.col("prerelease"), pl.col("version").str.ends_with(".0"))
        .sort(version_key(pl.col("version")))
    )


def newest_minor(product: str) -> str | None:
    """The newest minor release whose options are known; None where no release of the product is."""
    versions = minor_releases(product)["version"]
    return versions[-1] if len(versions) else None


def check_version(version: str, product: str) -> str:
    """The version, if it is one whose options are known."""
    minors = minor_releases(product)["version"].to_list()
    known = [minor.removesuffix(".0") for minor in minors]
    if not is_version(version):
        raise MeshlabError(Problem("--chart-version", f"{shorten(version)} is no version", "give one such as 1.19.4"))
    minor = ".".join(version.removeprefix("v").split(".")[:2])
    if minor not in known:
        what = f"options of the {product} chart {shorten(version)} are not known"
        raise MeshlabError(Problem("--chart-version", what, did_you_mean(minor, known)))
    return version


def options_at(product: str, version: str) -> pl.DataFrame:
    """Rows of ``history`` for the options that a release has.

    An option that a patch release of an older minor brought early counts from that release on, within its minor. One
    that releases in between had in a comment only, such as ``kubeProxyReplacement`` in 1.17, counts as theirs: it
    works there. For the exact leaf paths of a release read its own ``values.yaml``.
    """
    return history(product).filter(is_present(version))


def is_present(version: str) -> pl.Expr:
    """Whether the release of that version has the option of a row of ``history``."""
    at = version_key(pl.lit(version))
    backported = version_key(pl.col("backported_version"))
    same_minor = backported // 100_000 == at // 100_000
    since = (version_key(pl.col("introduced_version")) <= at) | (same_minor & (backported <= at)).fill_null(value=False)
    return since & (version_key(pl.col("removed_version")) > at).fill_null(value=True)


def with_presence(product: str, version: str | None) -> pl.DataFrame:
    """Rows of ``history`` with ``present``: whether a release has the option.

    An empty mapping that got keys of its own is no leaf any more, but still takes what it took: it counts as present.
    Without a version, every option does.
    """
    rows = history(product)
    if version is None:
        return rows.with_columns(present=pl.lit(value=True))
    opened = sorted(groups(options_at(product, version)["option"]))
    return rows.with_columns(present=is_present(version) | pl.col("option").is_in(opened))


def groups(options: Iterable[str]) -> set[str]:
    """All paths above some options: the mappings that hold them."""
    return {option[:at] for option in options for at, letter in enumerate(option) if letter == "."}


def replacements(product: str) -> pl.DataFrame:
    """Options that are deprecated or gone, with what takes their place: rows of ``data/iac/replacements.csv``."""
    return read_table("iac/replacements").filter(product=product)


# --- what a provider expresses ---------------------------------------------------------------------------------------


DEFAULT_PROVIDER = "littlejo/cilium"


def coverage(
    options: pl.DataFrame | None = None,
    *,
    product: str = "cilium",
    chart_version: str | None = None,
) -> pl.DataFrame:
    """One row for each option of a chart release, with how ``DEFAULT_PROVIDER`` expresses it.

    Columns: ``option``; ``status``: typed, partial, raw or missing; ``after_default``: whether the chart that the
    provider installs by default lacks it.

    Args:
        options: Options of the release, from its own ``values.yaml`` or schema: exact for every release. Those of the
            tables unless given, which count an option as there that releases between had in a comment only.
        product: Product whose chart it is.
        chart_version: Release to look up in the tables; the newest minor unless given.
    """
    given = options if options is not None else options_at(product, chart_version or newest_minor(product) or "0")
    typed = read_table("iac/attributes").filter(product=product, provider=DEFAULT_PROVIDER)
    passed = read_table("iac/passes").filter(product=product, provider=DEFAULT_PROVIDER, kind="helm")
    releases = read_table("iac/provider_releases").filter(provider=DEFAULT_PROVIDER)
    default_version = releases.drop_nulls("default_chart_version").sort("date")["default_chart_version"][-1]
    known = history(product).select("option", after_default=~is_present(default_version))
    return (
        given.select("option")
        .join(typed.select("option", "status"), "option", "left", maintain_order="left")
        .join(known, "option", "left", maintain_order="left")
        .with_columns(pl.col("status").fill_null("raw" if passed.height else "missing"))
    )


def coverage_counts(rows: pl.DataFrame) -> dict[str, int]:
    """How many options a chart release has, by status, and how many came after the provider's default."""
    counts = dict(rows.group_by("status").len().iter_rows())
    return {
        "options": rows.height,
        **{status: counts.get(status, 0) for status in ("typed", "partial", "raw", "missing")},
        "after_default": int(rows["after_default"].sum()),
    }


def growth(product: str = "cilium") -> pl.DataFrame:
    """How many options each minor release of a chart has, adds and drops.

    Columns: ``version``, ``date``, ``options``, ``added``, ``removed``, ``source_id``, and ``days`` since the minor
    release before.
    """
    dates = read_table("iac/releases").filter(product=product).select("version", "date", "options")
    return (
        read_table("iac/minors")
        .filter(product=product)
        .join(dates, "version", maintain_order="left")
        .sort(version_key(pl.col("version")))
        .select(
            "version", "date", "options", "added", "removed", "source_id", days=pl.col("date").diff().dt.total_days()
        )
    )


STATUSES = ("missing", "partial", "raw", "typed")
"""From worst to best. Raw stands above partial: it can express all of a feature, if unchecked."""

RANK = pl.col("status").cast(pl.Enum(STATUSES))

COLUMNS = (
    "product",
    "feature",
    "option",
    "introduced_version",
    "introduced_date",
    "provider",
    "attribute",
    "provider_version",
    "provider_date",
    "status",
    "layer",
    "lag_days",
    "lag_open",
    "source_id",
    "as_of",
    "life_days",
    "stale",
    "note",
)


def tracker(*, as_of: date | None = None) -> pl.DataFrame:
    """One row for each feature and provider, by product and feature.

    Columns: those of ``iac``'s ``features``, and ``layer`` (typed or raw); ``lag_open``: whether the lag still
    grew when the row was read; ``as_of``: last day for which the source shows the fact; ``life_days``: how long it
    may be relied on; ``stale``: whether that time is over; ``note``.

    Args:
        as_of: Day on which the rows are judged stale or not; the newest day of the facts unless given.
    """
    rows = pl.concat([read_table("iac/features"), _passed_on()], how="diagonal")
    return judged(rows, as_of).sort("product", "feature", RANK, "provider", descending=[False, False, True, False])


def judged(rows: pl.DataFrame, as_of: date | None = None) -> pl.DataFrame:
    """Rows of features, their support and its sources, with layer, lag and staleness; see ``tracker``."""
    return (
        rows.with_columns(
            # missing says that no attribute of its own exists
            layer=pl.when(status="raw").then(pl.lit("raw")).otherwise(pl.lit("typed")),
            lag_days=_lag_days(),
            stale=pl.col("as_of") + pl.duration(days="life_days") < (as_of or facts_age()[1]),
        )
        .with_columns(lag_open=pl.when(pl.col("lag_days").is_not_null()).then(pl.col("status") == "missing"))
        .select(COLUMNS)
    )


def facts_age() -> tuple[date, date]:
    """The oldest and the newest day for which facts of the tracker were read."""
    days = pl.concat([read_table("iac/features")["as_of"], read_table("iac/passes")["as_of"]])
    return days.to_frame("day").select(oldest=pl.min("day"), newest=pl.max("day")).row(0)


def _passed_on() -> pl.DataFrame:
    """Features as generic providers pass them on: each with every provider that takes its kind of option.

    A provider that has a row for a feature already is left out, and so are options that the newest chart has no more.
    """
    features = read_table("iac/features")
    what = ("product", "feature", "kind", "option", "introduced_version", "introduced_date")
    gone = [
        option
        for product in features["product"].unique()
        for option in history(product).filter(pl.col("removed_version").is_not_null())["option"]
    ]
    return (
        features.select(what)
        .unique(("product", "feature"), keep="first", maintain_order=True)
        .filter(~pl.col("option").is_in(gone).fill_null(value=False))
        .join(read_table("iac/passes"), ["product", "kind"])
        .join(features, ["product", "feature", "provider"], "anti")
        .with_columns(status=pl.lit("raw"))
    )


# --- options of a chart ----------------------------------------------------------------------------------------------


def option_tracker(
    product: str, options: Sequence[str], chart_version: str | None = None, *, as_of: date | None = None
) -> pl.DataFrame:
    """Options of a chart as rows of the tracker: one for each provider that types an option or passes it on.

    An option that the release has no more has one row, which says missing and what takes its place. One that no
    release is known to have is passed on all the same: whether the chart heeds it is another question.
    """
    version = chart_version or newest_minor(product)
    asked = pl.DataFrame({"option": list(dict.fromkeys(options))}, schema={"option": pl.String})
    known = with_presence(product, version).join(
        replacements(product).select("option", "replacement"), "option", "left"
    )
    rows = asked.join(known, "option", "left", maintain_order="left").with_columns(
        pl.col("present").fill_null(value=True), product=pl.lit(product), feature="option"
    )
    note = [pl.format("left the chart with {}", "removed_version"), pl.format("use {}", "replacement")]
    gone = rows.filter(~pl.col("present")).with_columns(
        status=pl.lit("missing"), note=pl.concat_str(note, separator="; ", ignore_nulls=True)
    )
    there = rows.filter("present").rename({"source_id": "chart_source"}).drop("as_of", "life_days")
    typed = there.join(read_table("iac/attributes"), ["product", "option"])
    passed = there.join(read_table("iac/passes").filter(kind="helm"), "product").with_columns(status=pl.lit("raw"))
    supported = pl.concat([read_table("iac/features").clear(), typed, passed], how="diagonal").with_columns(
        source_id=pl.concat_str("chart_source", "source_id", separator="|", ignore_nulls=True)
    )
    return judged(pl.concat([supported, gone], how="diagonal"), as_of).sort(
        "option", RANK, "provider", descending=[False, True, False]
    )


# --- lag -------------------------------------------------------------------------------------------------------------


def _lag_days() -> pl.Expr:
    """Days from a feature's introduction until a provider could express it; unknown where either day is. [d]

    lag = max(0, provider_date - introduced_date): a provider that took raw values before the feature came is not late.
    While it is missing, lag is what had passed when the row was read: at least that. A feature that left the product
    is owed nothing.
    """
    since = pl.when(pl.col("status") == "missing").then("as_of").otherwise("provider_date")
    days = (since - pl.col("introduced_date")).dt.total_days()
    removed = read_table("iac/options").drop_nulls("removed_version")["option"].to_list()
    gone = (pl.col("status") == "missing") & pl.col("option").is_in(removed).fill_null(value=False)
    return pl.when(~gone).then(days.clip(lower_bound=0))


def lag_distribution(rows: pl.DataFrame) -> pl.DataFrame:
    """How lags are distributed, by provider and layer: ``n``, ``open``, and quartiles of ``lag_days``. [d]

    Open lags enter with what had passed so far, so that their quartiles are lower bounds.
    """
    lag = pl.col("lag_days")
    return (
        rows.drop_nulls("lag_days")
        .group_by("provider", "layer")
        .agg(
            n=pl.len(),
            open=pl.col("lag_open").sum(),
            lag_days_min=lag.min(),
            lag_days_q1=lag.quantile(0.25, "linear"),
            lag_days=lag.median(),
            lag_days_q3=lag.quantile(0.75, "linear"),
            lag_days_max=lag.max(),
        )
        .sort("layer", "provider")
    )


def provider_lag(provider: str = DEFAULT_PROVIDER) -> pl.DataFrame:
    """Releases of a provider over time, each with how late it was.

    Columns: ``version``, ``date``; ``wrapped_lag_days``: since the release of the tool that it wraps;
    ``default_chart_version`` and ``default_age_days``: the chart that it installs unless told otherwise, and how old
    that was. [d]
    """
    charts = read_table("iac/releases").filter(product="cilium")
    return (
        read_table("iac/provider_releases")
        .filter(provider=provider)
        .sort("date", maintain_order=True)
        .join(
            charts.select(default_chart_version="version", default_chart_date="date"),
            "default_chart_version",
            "left",
            maintain_order="left",
        )
        .select(
            "version",
            "date",
            "default_chart_version",
            wrapped_lag_days=(pl.col("date") - pl.col("wrapped_date")).dt.total_days(),
            default_age_days=(pl.col("date") - pl.col("default_chart_date")).dt.total_days(),
        )
    )


# --- layers ----------------------------------------------------------------------------------------------------------


def best(status: pl.Expr) -> pl.Expr:
    """The best of some statuses; null where there are none."""
    return status.cast(pl.Enum(STATUSES)).max().cast(pl.String)


def by_layer(rows: pl.DataFrame) -> pl.DataFrame:
    """Features with their two layers side by side.

    Columns: ``product``, ``feature``, ``option``; ``typed``: typed, partial or missing, by any provider; ``raw``: raw
    or missing; ``status``: the best of both; ``providers`` that reach it; ``source_id`` of all rows; ``note`` of the
    first that reaches it; ``as_of`` and ``stale`` of those that reach it: the newest day, and whether all are stale.
    """
    status = pl.col("status")
    at_best = status == best(status)
    return rows.group_by("product", "feature", maintain_order=True).agg(
        option=pl.col("option").first(),
        typed=best(status.filter(pl.col("layer") == "typed")).fill_null("missing"),
        raw=pl.when((status == "raw").any()).then(pl.lit("raw")).otherwise(pl.lit("missing")),
        status=best(status),
        providers=pl.col("provider").filter(at_best).drop_nulls().unique().sort(),
        source_id=pl.col("source_id").str.split("|").explode().unique().sort().str.join("|"),
        note=pl.col("note").filter(at_best).first(),
        as_of=pl.col("as_of").filter(at_best).max(),
        stale=pl.col("stale").filter(at_best).all(),
    )
