"""From texts that objects hold to what they prove, by the table ``data/facts/signatures.csv``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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


class Vote(NamedTuple):
    """What some objects say of a fact.

    Args:
        fact: Dotted name of the fact.
        value: Its value.
        of: The product that it is about; None where it is about any.
        strength: 1 for the strongest evidence.
        status: measured or inferred.
        objects: How many say so.
        id: The first of those that say it best.
        file: Where that one stands.
        why: Why it follows.
    """

    fact: str
    value: str | None
    of: str | None
    strength: int
    status: str
    objects: int
    id: int
    file: str
    why: str | None


def match(texts: pl.LazyFrame) -> pl.LazyFrame:
    """Signatures that texts match, of those that match one object for one fact only the first by rank.

    Args:
        texts: Columns id, field, text.

    Returns:
        Columns id, fact, value, of, strength, status, why.
    """
    group = pl.col("text").str.extract(pl.col("pattern"), 1)
    matched = (
        texts.select("field", "text")
        .unique()
        .join(read_table("facts/signatures").lazy(), on="field")
        .filter(pl.col("text").str.contains(pl.col("pattern")))
        .with_columns(value=pl.when(pl.col("value") == "$1").then(group).otherwise("value"))
    )
    return (
        texts.join(matched, on=["field", "text"])
        .filter(pl.col("rank") == pl.col("rank").min().over("id", "fact", "of"))
        .select("id", "fact", "value", "of", "strength", "status", "why")
    )


def votes(matches: pl.LazyFrame) -> pl.LazyFrame:
    """Matches that say the same counted together: columns as ``Vote``.

    Args:
        matches: As ``match`` returns them, with the column file.
    """
    best = (
        pl.struct("status", "id", "file", "why").sort_by("status", "id", "why", descending=[True, False, False]).first()
    )
    return (
        matches.group_by("fact", "value", "of", "strength")
        .agg(objects=pl.col("id").n_unique(), best=best)
        .unnest("best")
        .select(Vote._fields)
    )


def verdict(cast: Sequence[Vote], fact: str, of: str | None = None) -> Verdict:
    """What the strongest evidence says of a fact.

    Args:
        cast: All votes.
        fact: Dotted name of the fact.
        of: The product that was recognised; votes about another one do not count.
    """
    heard = [vote for vote in cast if vote.fact == fact and vote.of in (None, of)]
    heard = [vote for vote in heard if vote.strength == min(each.strength for each in heard)]
    if not heard:
        return Verdict()
    counts = Counter[str]()
    for vote in heard:
        counts[str(vote.value)] += vote.objects
    if len(counts) > 1:
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return Verdict(why=f"the objects disagree: {', '.join(f'{value} ({objects})' for value, objects in ordered)}")
    best = min(heard, key=lambda vote: (vote.status != "measured", vote.id, vote.why))
    return Verdict(best.value, best.status, best.file, best.why)
