"""What changes between two releases of a chart, and which of a team's own values that touches."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from meshlab.planning.iac.history import groups, replacements
from meshlab.planning.iac.values import read_options

CHANGES = ("removed", "added", "type_changed", "default_changed", "deprecated")
"""Kinds of change, in the order in which they are listed. A changed type changes the default too, but counts once."""

OPENED = "the keys below it"
"""Source of a replacement that is no other option: an empty mapping got keys of its own and takes them still."""

COMMENT = "the chart's comment"


def churn(old: Path, new: Path, product: str = "cilium") -> pl.DataFrame:
    """Changes from one release of a chart to another.

    Columns: ``option``; ``change``, one of ``CHANGES``; ``old_type``, ``new_type``, ``old_default``, ``new_default``
    (JSON); ``deprecated``, as the newer release that has it says; ``replacement`` and ``replacement_from``: what takes
    the place of an option that is gone or deprecated, where that is known, and who says so.

    Args:
        old: ``values.yaml`` or ``values.schema.json`` of the one release. Schemas show no defaults.
        new: The same of the other.
        product: Whose replacements to look up.

    Raises:
        MeshlabError: A file cannot be read.
    """
    return compare(read_options(old), read_options(new), product)


def compare(old: pl.DataFrame, new: pl.DataFrame, product: str = "cilium") -> pl.DataFrame:
    """Changes between two frames of options; see ``churn``."""
    both = _complete(old, "old").join(_complete(new, "new"), "option", "full", coalesce=True)
    changed = both.with_columns(change=_change()).drop_nulls("change")
    known = replacements(product).select("option", tabled="replacement", tabled_from="source_id")
    parents = pl.DataFrame({"option": sorted(groups(new["option"]))}, schema={"option": pl.String}).with_columns(
        opened=pl.lit(value=True)
    )
    return (
        changed.join(known, "option", "left")
        .join(parents, "option", "left")
        .with_columns(**_replacement())
        .select(
            "option",
            "change",
            "old_type",
            "new_type",
            "old_default",
            "new_default",
            deprecated=pl.coalesce("new_deprecated", "old_deprecated"),
            replacement="replacement",
            replacement_from="replacement_from",
        )
        .sort(pl.col("change").cast(pl.Enum(CHANGES)), "option")
    )


def _complete(options: pl.DataFrame, side: str) -> pl.DataFrame:
    """Columns of one side, those that the artefact does not have as null."""
    absent = {
        name: pl.lit(None, dtype)
        for name, dtype in (("default", pl.String), ("deprecated", pl.Boolean), ("replacement", pl.String))
        if name not in options.columns
    }
    return options.with_columns(**absent).select(
        "option",
        pl.lit(value=True).alias(side),
        *(pl.col(name).alias(f"{side}_{name}") for name in ("type", "default", "deprecated", "replacement")),
    )


def _change() -> pl.Expr:
    return (
        pl.when(pl.col("new").is_null())
        .then(pl.lit("removed"))
        .when(pl.col("old").is_null())
        .then(pl.lit("added"))
        .when(pl.col("old_type").ne_missing(pl.col("new_type")))
        .then(pl.lit("type_changed"))
        .when(pl.col("old_default").ne_missing(pl.col("new_default")))
        .then(pl.lit("default_changed"))
        .when(pl.col("new_deprecated") & ~pl.col("old_deprecated"))
        .then(pl.lit("deprecated"))
    )


def _replacement() -> dict[str, pl.Expr]:
    """What takes an option's place, and who says so: the release itself, then the chart's comments, then the table."""
    leaves = pl.col("change").is_in(["removed", "deprecated"])
    opened = leaves & pl.col("opened").fill_null(value=False)
    said = pl.coalesce("new_replacement", "old_replacement")
    return {
        "replacement": pl.when(opened).then(pl.format("{}.*", "option")).when(leaves).then(pl.coalesce(said, "tabled")),
        "replacement_from": pl.when(opened)
        .then(pl.lit(OPENED))
        .when(leaves & said.is_not_null())
        .then(pl.lit(COMMENT))
        .when(leaves)
        .then(pl.col("tabled_from")),
    }


# --- own values ------------------------------------------------------------------------------------------------------


def option_of(path: str, known: Collection[str], parents: Collection[str]) -> str | None:
    """The option that a path of somebody's values sets: itself, a mapping above it, or one that holds options.

    Args:
        path: Path in the values, such as ``nodeSelector.disk`` for the option ``nodeSelector``.
        known: Options of the chart.
        parents: Their ``groups``.

    Returns:
        The option, or None where the chart has none.
    """
    if path in known or path in parents:
        return path
    parent = path
    while "." in parent:
        parent = parent.rpartition(".")[0]
        if parent in known:
            return parent
    return None


def touched(values: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """The changes that own values meet: rows of ``churn`` with ``path`` and ``line``, where the values stand.

    Values themselves are not shown: they may be secret.
    """
    options = set(changes["option"])
    paths = values.select(path="option", line="line")
    met = pl.Series([option_of(path, options, ()) for path in paths["path"]], dtype=pl.String)
    return paths.with_columns(option=met).join(changes, "option", "inner", maintain_order="left")
