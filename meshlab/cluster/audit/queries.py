"""Register of queries: each gives the rows that rules of ``data/audit/rules.csv`` judge by their conditions."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from meshlab.cluster.audit.inventory import Inventory

Query = Callable[[Inventory], pl.LazyFrame]
"""From an inventory to rows with the columns kind, namespace and name, and those that conditions look at."""

QUERIES: dict[str, Query] = {}
"""Queries by the name that the table of rules calls them by."""


def query(of: Query) -> Query:
    """Register a query under the name of its function."""
    QUERIES[of.__name__] = of
    return of


NOBODY = {column: pl.lit(None, pl.String) for column in ("kind", "namespace", "name")}
"""Columns of a row that is about the cluster as a whole."""


def selects(selectors: pl.LazyFrame, labels: pl.LazyFrame, *within: str) -> pl.LazyFrame:
    """Which selector matches which labels: every label that it names is there with its value.

    Args:
        selectors: Columns id, key, value. A selector without labels is not among them: it matches everything.
        labels: Columns id, key, value, of pods, of templates, or of other selectors.
        within: Further columns of both, such as the namespace, that have to be equal.

    Returns:
        Columns id (of the selector) and selected (the id of the labels).
    """
    asked = selectors.group_by("id").agg(asked=pl.len())
    return (
        selectors.join(labels.rename({"id": "selected"}), on=["key", "value", *within])
        .group_by("id", "selected")
        .agg(met=pl.len())
        .join(asked, on="id")
        .filter(pl.col("met") == pl.col("asked"))
        .select("id", "selected")
    )
