"""The part of a review: what the recommended option cannot yet express in Terraform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from meshlab.planning.iac.report import plain
from meshlab.planning.iac.tracker import STATUSES
from meshlab.planning.iac.wanted import short_of, wanted_needs
from meshlab.tables import read_table

INSTALL = "install"
"""What every team needs of an option, whatever else it needs."""


def for_verdict(
    verdict: Mapping[str, object],
    needs: Sequence[str] | None,
    *,
    cloud: str | None = None,
    current_cni: str | None = None,
    require: str | None = None,
    as_of: date | None = None,
) -> list[dict[str, object]]:
    """What the recommended option does not express by attributes of its own, one row for each need.

    Each row holds the columns of a wanted thing and ``severity``: ``blocker`` where it does not meet ``require``,
    ``unknown`` where nobody read it, ``warning`` else. A need that is typed has no row.

    Args:
        verdict: ``cni`` and ``mesh``, as the decision gives them.
        needs: Ids of ``data/needs.csv``; None where nobody stated any.
        cloud: Cloud of the cluster: on a managed one the option is the provider's own build.
        current_cni: Network plugin of today, which ``stay`` keeps.
        require: typed or raw, where the team says that it must be.
        as_of: Day on which facts are judged stale or not; their newest day unless given.

    Raises:
        MeshlabError: A need or the requirement is unknown.
    """
    products = products_of(verdict, cloud, current_cni)
    if not products:
        return []
    rows = _best(wanted_needs([INSTALL, *(needs or ())], products, as_of), products)
    blocked = short_of(rows, require)["wanted"].to_list() if require else []
    severity = (
        pl.when(pl.col("wanted").is_in(blocked))
        .then(pl.lit("blocker"))
        .when(pl.col("status").is_null())
        .then(pl.lit("unknown"))
        .otherwise(pl.lit("warning"))
    )
    untyped = rows.filter(pl.col("status").ne_missing(pl.lit("typed")))
    return plain(
        untyped.with_columns(severity=severity, why=pl.col("why").fill_null("nobody read how it is expressed"))
    )


def products_of(
    verdict: Mapping[str, object], cloud: str | None = None, current_cni: str | None = None
) -> tuple[str, ...]:
    """Products of the tracker that a verdict amounts to: the network's and the mesh's, each once."""
    table = read_table("iac/verdicts")
    found: list[str] = []
    for kind in ("cni", "mesh"):
        option = current_cni if kind == "cni" and verdict.get(kind) == "stay" else verdict.get(kind)
        rows = table.filter(pl.col("kind") == kind, pl.col("option") == pl.lit(option, pl.String))
        own = rows.filter(pl.col("cloud") == cloud) if cloud else rows.clear()
        found += (own if own.height else rows.filter(pl.col("cloud").is_null()))["product"].to_list()
    return tuple(dict.fromkeys(found))


def _best(rows: pl.DataFrame, products: Sequence[str]) -> pl.DataFrame:
    """For each need the product that expresses it best: one that meets it is enough. Installing concerns each.

    Where two are alike the later one counts: a need that a mesh meets is the mesh's.
    """
    places = {product: place for place, product in enumerate(products)}
    each = pl.when(pl.col("wanted") == INSTALL).then("product")
    return (
        rows.with_row_index("row")
        .with_columns(each=each, place=pl.col("product").replace_strict(places, default=-1, return_dtype=pl.Int64))
        .sort(pl.col("status").cast(pl.Enum(STATUSES)), "place", descending=True, nulls_last=True)
        .unique(("wanted", "each"), keep="first", maintain_order=True)
        .sort("row")
        .drop("row", "each", "place")
    )
