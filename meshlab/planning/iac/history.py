"""How the options of a chart came and went: which release has which, and what takes the place of those that left."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.kept import kept
from meshlab.tables import read_table
from meshlab.units import is_version, version_key


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
    """The version, if it is one whose options are known.

    Raises:
        MeshlabError: It is no version, or of a minor release that is newer or older than those that were read.
    """
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
