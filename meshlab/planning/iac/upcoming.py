"""What becomes of the options that a team uses: which a chart has dropped, drops later, or calls deprecated."""

from __future__ import annotations

import polars as pl

from meshlab.planning.iac.history import newest_minor, replacements, with_presence


def upcoming(rows: pl.DataFrame, product: str, chart_version: str | None = None) -> pl.DataFrame:
    """Wanted options that a chart has dropped, drops in a later release, or calls deprecated.

    Columns: ``wanted``, ``option``, ``origin``, ``line``; ``change``: removed (gone from the release already),
    removed_later or deprecated; ``version`` and ``date`` of that; ``replacement``, ``note``, ``source_id``.

    Args:
        rows: Wanted things.
        product: Product whose chart takes their options.
        chart_version: Release of the chart; the newest minor unless given.
    """
    dated = with_presence(product, chart_version or newest_minor(product)).rename({"source_id": "chart_source"})
    stays = with_presence(product, newest_minor(product)).filter("present")["option"]
    found = (
        rows.select("wanted", "option", "origin", "line")
        .join(dated.drop("product", "as_of", "life_days"), "option", "left", maintain_order="left")
        .join(replacements(product).drop("product", "as_of", "life_days"), "option", "left", maintain_order="left")
        .with_columns(change=_change(pl.col("option").is_in(stays.to_list())))
        .drop_nulls("change")
    )
    deprecated = pl.col("change") == "deprecated"
    return found.select(
        "wanted",
        "option",
        "origin",
        "line",
        "change",
        version=pl.when(deprecated).then("deprecated_version").otherwise("removed_version"),
        date=pl.when(~deprecated).then("removed_date"),
        replacement="replacement",
        note="note",
        source_id=pl.concat_str("chart_source", "source_id", separator="|", ignore_nulls=True),
    )


def _change(stays: pl.Expr) -> pl.Expr:
    """What becomes of an option: an empty mapping that got keys of its own stays."""
    leaves = pl.col("removed_version").is_not_null() & ~stays
    return (
        pl.when(leaves & ~pl.col("present"))
        .then(pl.lit("removed"))
        .when(leaves)
        .then(pl.lit("removed_later"))
        .when(pl.col("source_id").is_not_null())
        .then(pl.lit("deprecated"))
    )
