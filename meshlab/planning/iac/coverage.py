"""How the options of a chart came and went, and which of a release a provider types, passes on, or lags behind."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.kept import kept
from meshlab.tables import read_table
from meshlab.units import is_version, version_key

# --- how options came and went ---------------------------------------------------------------------------------------


@kept
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


def default_chart_version(provider: str) -> str | None:
    """The chart version that the newest release of a provider installs unless told otherwise."""
    releases = read_table("iac/provider_releases").filter(provider=provider).drop_nulls("default_chart_version")
    return releases.sort("date")["default_chart_version"][-1] if releases.height else None


def coverage(
    options: pl.DataFrame | None = None,
    *,
    product: str = "cilium",
    chart_version: str | None = None,
) -> pl.DataFrame:
    """One row for each option of a chart release, with how ``DEFAULT_PROVIDER`` expresses it.

    Columns: ``option``; ``status``: typed, partial, raw or missing; ``attribute`` that takes it; ``introduced_version``
    and ``introduced_date``; ``after_default``: whether the chart that the provider installs by default lacks it;
    ``source_id``.

    Args:
        options: Options of the release, from its own ``values.yaml`` or schema: exact for every release. Those of the
            tables unless given, which count an option as there that releases between had in a comment only.
        product: Product whose chart it is.
        chart_version: Release to look up in the tables; the newest minor unless given.
    """
    given = options if options is not None else options_at(product, chart_version or newest_minor(product) or "0")
    typed = read_table("iac/attributes").filter(product=product, provider=DEFAULT_PROVIDER)
    passed = read_table("iac/passes").filter(product=product, provider=DEFAULT_PROVIDER, kind="helm")
    through = passed.row(0, named=True) if passed.height else {"attribute": None, "source_id": None}
    in_default = _in_default(DEFAULT_PROVIDER)
    known = history(product).select("option", "introduced_version", "introduced_date", in_default=in_default)
    return (
        given.select("option")
        .join(typed.select("option", "attribute", "status", "source_id"), "option", "left", maintain_order="left")
        .join(known, "option", "left", maintain_order="left")
        .select(
            "option",
            status=pl.coalesce("status", pl.lit("raw" if passed.height else "missing")),
            attribute=pl.coalesce("attribute", pl.lit(through["attribute"], pl.String)),
            introduced_version="introduced_version",
            introduced_date="introduced_date",
            after_default=~pl.col("in_default"),
            source_id=pl.coalesce("source_id", pl.lit(through["source_id"], pl.String)),
        )
    )


def _in_default(provider: str) -> pl.Expr:
    """Whether the chart that a provider installs by default has an option; unknown where no default is."""
    version = default_chart_version(provider)
    return is_present(version) if version else pl.lit(None, pl.Boolean)


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
