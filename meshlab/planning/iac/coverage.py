"""Which options of a chart release a provider types, which it only passes on, and which came after its default."""

from __future__ import annotations

import polars as pl

from meshlab.planning.iac.history import history, is_present, newest_minor, options_at
from meshlab.tables import read_table
from meshlab.units import version_key

DEFAULT_PROVIDER = "littlejo/cilium"


def default_chart_version(provider: str) -> str | None:
    """The chart version that the newest release of a provider installs unless told otherwise."""
    releases = read_table("iac/provider_releases").filter(provider=provider).drop_nulls("default_chart_version")
    return releases.sort("date")["default_chart_version"][-1] if releases.height else None


def coverage(
    options: pl.DataFrame | None = None,
    *,
    product: str = "cilium",
    provider: str = DEFAULT_PROVIDER,
    chart_version: str | None = None,
    attributes: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row for each option of a chart release, with how a provider expresses it.

    Columns: ``option``; ``status``: typed, partial, raw or missing; ``attribute`` that takes it; ``introduced_version``
    and ``introduced_date``; ``after_default``: whether the chart that the provider installs by default lacks it;
    ``source_id``. A status is null where the given schema was asked and what is tabled for it is not there.

    Args:
        options: Options of the release, from its own ``values.yaml`` or schema: exact for every release. Those of the
            tables unless given, which count an option as there that releases between had in a comment only.
        product: Product whose chart it is.
        provider: Provider to look at.
        chart_version: Release to look up in the tables; the newest minor unless given.
        attributes: The provider's attributes from its own schema or documentation; what is tabled unless given.
    """
    given = options if options is not None else options_at(product, chart_version or newest_minor(product) or "0")
    typed = _present(read_table("iac/attributes").filter(product=product, provider=provider), attributes)
    passed = _present(read_table("iac/passes").filter(product=product, provider=provider, kind="helm"), attributes)
    through = passed.row(0, named=True) if passed.height else {"attribute": None, "source_id": None}
    known = history(product).select("option", "introduced_version", "introduced_date", in_default=_in_default(provider))
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


def _present(tabled: pl.DataFrame, attributes: pl.DataFrame | None) -> pl.DataFrame:
    """Rows whose attribute stands in a provider's own schema, where one is given."""
    if attributes is None:
        return tabled
    paths = pl.concat([attributes["resource"], attributes["resource"] + "." + attributes["attribute"]])
    return tabled.filter(pl.col("attribute").is_in(paths.unique().to_list()))


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
