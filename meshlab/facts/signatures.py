"""From texts that objects hold to what they prove, by the table ``data/facts/signatures.csv``."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from meshlab.tables import read_table


class Verdict(NamedTuple):
    """What the evidence says of one fact.

    Args:
        value: The value; None where there is no evidence or it disagrees.
        status: measured or inferred.
        file: Where the evidence stands.
        why: Why it follows, or how the evidence disagrees.
    """

    value: str | None = None
    status: str | None = None
    file: str | None = None
    why: str | None = None


def match(texts: pl.DataFrame) -> pl.DataFrame:
    """Signatures that texts match, of those that match one object for one fact only the first by rank.

    Args:
        texts: Columns id, field, text.

    Returns:
        Columns id, fact, value, of, strength, status, why.
    """
    matched = (
        texts.lazy()
        .select("field", "text")
        .unique()
        .join(read_table("facts/signatures").lazy(), on="field")
        .filter(pl.col("text").str.contains(pl.col("pattern")))
        .collect()
    )
    values = [_filled(*row) for row in matched.select("text", "pattern", "value").iter_rows()]
    rows = matched.with_columns(value=pl.Series(values, dtype=pl.String))
    return (
        texts.join(rows, on=["field", "text"])
        .filter(pl.col("rank") == pl.col("rank").min().over("id", "fact", "of"))
        .select("id", "fact", "value", "of", "strength", "status", "why")
    )


def _filled(text: str, pattern: str, value: str) -> str:
    """The value with $1 replaced by the first group that the pattern finds."""
    if value != "$1":
        return value
    return pl.Series([text]).str.extract(pattern, 1)[0]


def verdict(matches: pl.DataFrame, fact: str, of: str | None = None) -> Verdict:
    """What the strongest evidence says of a fact.

    Args:
        matches: As ``match`` returns them, with the column file.
        fact: Dotted name of the fact.
        of: The product that was recognised; rows about another one do not count.
    """
    rows = matches.filter(pl.col("fact") == fact, pl.col("of").is_null() | pl.col("of").eq(of or ""))
    rows = rows.filter(pl.col("strength") == pl.col("strength").min())
    if rows.is_empty():
        return Verdict()
    counts = rows.group_by("value").agg(pl.col("id").n_unique()).sort("id", "value", descending=[True, False])
    if counts.height > 1:
        found = ", ".join(f"{value} ({objects})" for value, objects in counts.iter_rows())
        return Verdict(why=f"the objects disagree: {found}")
    best = rows.sort("status", "id", descending=[True, False])  # measured before inferred
    row = best.row(0, named=True)
    return Verdict(row["value"], row["status"], row["file"], row["why"])
