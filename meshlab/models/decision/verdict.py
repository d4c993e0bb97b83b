"""The verdict of any number of scenarios, as one polars query.

A row decides if its condition holds and its option is not ruled out by what is known. What a missing fact might still
rule out is reported, as ``unknown`` here and as confidence in ``explain``; a need that no source says an option meets
rules the option out, since missing evidence is no pass.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.openness import listed, with_unknown
from meshlab.models.decision.states import row_states, rules_of
from meshlab.models.decision.tables import OPTIONS, Rule, Tables, load_tables


def decide(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables | None = None) -> pl.LazyFrame:
    """CNI and mesh of each scenario, as one lazy query over any number of rows.

    Columns: ``scenario``; ``cni`` and ``mesh``; ``cni_row`` and ``mesh_row``, the ids of the rows that decided;
    ``matched``, ids of all rows whose condition holds, the deciding CNI row first; ``unknown``, inputs that are missing
    and could change the answer. A stated default is among the matched rows only where it decided.

    Args:
        scenarios: Columns of INTERFACE.md; absent ones count as missing, others are left alone.
        tables: Decision tables; ours unless given.
    """
    tables = tables or load_tables()
    return verdicts(scenarios, tables).select("scenario", "cni", "mesh", *TOLD)


def answers(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables | None = None) -> pl.LazyFrame:
    """``scenario``, ``cni`` and ``mesh`` of ``decide`` alone, in a fifth of the time: for views that follow a hand."""
    return row_states(scenarios, tables or load_tables()).select("scenario", "cni", "mesh")


TOLD = ("cni_row", "mesh_row", "matched", "unknown")
"""Columns of ``decide`` beside the verdict."""


def verdicts(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """The states of all rows and options with all that ``decide`` tells."""
    return functools.reduce(
        pl.LazyFrame.with_columns, _told(tables), with_unknown(row_states(scenarios, tables), tables)
    )


@kept_latest(16)
def _told(tables: Tables) -> tuple[list[pl.Expr], ...]:
    """Columns that a frame of states gains, step by step."""
    ids = {f"{kind}_row": _id(rules_of(tables, kind), kind) for kind in OPTIONS}
    steps = (ids, *listed("matched", list(_matched(tables))))
    return tuple([expression.alias(name) for name, expression in step.items()] for step in steps)


def _id(rules: tuple[Rule, ...], kind: str) -> pl.Expr:
    return pl.col(f"decider:{kind}").replace_strict(
        {place: rule.id for place, rule in enumerate(rules)}, return_dtype=pl.String
    )


def _matched(tables: Tables) -> Iterator[pl.Expr]:
    """Ids of the rows that hold: the deciding one first, then the others by priority; the CNI's before the mesh's."""
    for kind in OPTIONS:
        decider = pl.col(f"decider:{kind}")
        yield pl.col(f"{kind}_row")
        for place, rule in enumerate(rules_of(tables, kind)):
            if not rule.is_default:
                yield pl.when(pl.col(f"row:{rule.id}") & (decider != place)).then(pl.lit(rule.id))
