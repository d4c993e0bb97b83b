"""The verdict of any number of scenarios, as one polars query.

The query has three steps: each distinct comparison of the tables becomes a boolean column; rows and options become
booleans of those; and the first row that holds, and whose option nothing rules out, decides. Nulls follow Kleene's
logic, so that a missing fact makes a row unknown and never false.

A row decides if its condition holds and its option is not ruled out by what is known. What a missing fact might still
rule out is reported, as ``unknown`` here and as confidence in ``explain``; a need that no source says an option meets
rules the option out, since missing evidence is no pass.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from meshlab.decision.conditions import (
    Condition,
    Some,
    Test,
    comparable,
    compile_condition,
    compile_test,
    inputs_of,
    tests_of,
)
from meshlab.decision.eligibility import blocked, hurdles
from meshlab.decision.tables import OPTIONS, RESULTING_CNI, Rule, Tables, load_tables, specs
from meshlab.scenario import inputs, schema


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
    return row_states(scenarios, tables).select("scenario", "cni", "mesh", **verdict_columns(tables))


def verdict_columns(tables: Tables) -> dict[str, pl.Expr]:
    """What is told of a verdict, over the states of rows and options."""
    return {
        "cni_row": _id(tables.cni, "cni"),
        "mesh_row": _id(tables.mesh, "mesh"),
        "matched": _matched(tables),
        "unknown": _unknown(tables),
    }


def row_states(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """Scenarios with the state of each row (``row:ID``), of each option (``blocked:KIND:OPTION``), and the verdict.

    States are true, false, or null for unknown. ``decider:KIND`` is the place of the row that decided.
    """
    frame = with_all_inputs(scenarios.lazy()).with_columns(_compared(name, name) for name in inputs())
    resulting_cni = pl.when(pl.col("cni") == "stay").then("current_cni").otherwise("cni").alias(RESULTING_CNI_COLUMN)
    frame = _stage(tables, "cni").apply(frame).with_columns(resulting_cni)
    frame = _stage(tables, "mesh").apply(frame.with_columns(_compared(RESULTING_CNI, RESULTING_CNI_COLUMN)))
    pending = _pending_rows(tables.cni) | _pending_rows(tables.mesh)
    return frame.with_columns(**pending).with_columns(**_pending_options(tables.rules))


RESULTING_CNI_COLUMN = "resulting_cni"
"""Column of the plugin that the CNI table leaves in place; conditions call it ``cni``."""


def compare_scenarios(test: Test) -> pl.Expr:
    """One comparison over the columns that ``row_states`` has added to the scenarios."""
    return compile_test(test, specs("mesh")[test.input], pl.col(f"compared:{test.input}"))


def _compared(name: str, column: str) -> pl.Expr:
    return comparable(specs("mesh")[name], pl.col(column)).alias(f"compared:{name}")


def with_all_inputs(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with every declared input, null where it is absent, and a number for a name where there is none."""
    given = frame.collect_schema()
    absent = {name: dtype for name, dtype in schema().items() if name not in given and name != "scenario"}
    if "scenario" not in given:
        frame = frame.with_row_index("scenario").with_columns(pl.col("scenario").cast(pl.String))
    return frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())


# --- compilation ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stage:
    """Expressions of one table: comparisons, states built of them, and the verdict built of the states."""

    tests: tuple[pl.Expr, ...]
    states: tuple[pl.Expr, ...]
    decider: pl.Expr
    verdict: pl.Expr

    def apply(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The frame with this table's columns."""
        for step in (self.tests, self.states, self.decider, self.verdict):
            frame = frame.with_columns(step)
        return frame


def rules_of(tables: Tables, kind: str) -> tuple[Rule, ...]:
    """Rows of one table, in the order in which they decide."""
    return tables.cni if kind == "cni" else tables.mesh


@lru_cache(maxsize=32)
def _stage(tables: Tables, kind: str) -> _Stage:
    conditions: dict[str, Condition] = {f"row:{rule.id}": rule.condition for rule in rules_of(tables, kind)}
    conditions |= {f"blocked:{kind}:{option}": blocked(tables, kind, option) for option in OPTIONS[kind]}
    tests = list(dict.fromkeys(test for condition in conditions.values() for test in tests_of(condition)))
    names = {test: f"test:{kind}:{number}" for number, test in enumerate(tests)}

    def state(condition: Condition) -> pl.Expr:
        return compile_condition(condition, lambda test: pl.col(names[test]))

    still_open = {
        f"open:{kind}:{option}:{name}": state(Some(tuple(group))).is_null()
        for option in OPTIONS[kind]
        for name, group in _hurdles_by_input(tables, kind, option).items()
    }
    return _Stage(
        tests=tuple(compare_scenarios(test).alias(name) for test, name in names.items()),
        states=(
            *(state(condition).alias(name) for name, condition in conditions.items()),
            *(expression.alias(name) for name, expression in still_open.items()),
        ),
        decider=first_passing(rules_of(tables, kind)).alias(f"decider:{kind}"),
        verdict=pl.col(f"decider:{kind}")
        .replace_strict(
            {place: rule.recommendation for place, rule in enumerate(rules_of(tables, kind))}, return_dtype=pl.String
        )
        .alias(kind),
    )


def passing(rule: Rule) -> pl.Expr:
    """Whether a row may decide: true, false, or null where a missing fact says."""
    state = pl.col(f"row:{rule.id}")
    return state if rule.is_default else state & ~pl.col(f"blocked:{rule.table}:{rule.recommendation}")


def first_passing(rules: Iterable[Rule]) -> pl.Expr:
    """Place of the first row whose condition holds and whose option is not known to be ruled out."""
    return pl.coalesce(pl.when(_passes(rule)).then(pl.lit(place, pl.UInt8)) for place, rule in enumerate(rules))


def _passes(rule: Rule) -> pl.Expr:
    state = pl.col(f"row:{rule.id}")
    blocked_state = pl.col(f"blocked:{rule.table}:{rule.recommendation}")
    return state if rule.is_default else state & ~blocked_state.fill_null(value=False)


# --- what is told of the verdict ------------------------------------------------------------------------------------


def _id(rules: tuple[Rule, ...], kind: str) -> pl.Expr:
    return pl.col(f"decider:{kind}").replace_strict(
        {place: rule.id for place, rule in enumerate(rules)}, return_dtype=pl.String
    )


def _matched(tables: Tables) -> pl.Expr:
    """Ids of the rows that hold: the deciding one first, then the others by priority; the CNI's before the mesh's."""
    parts: list[pl.Expr] = []
    for kind in OPTIONS:
        decider = pl.col(f"decider:{kind}")
        parts.append(_id(rules_of(tables, kind), kind))
        parts += [
            pl.when(pl.col(f"row:{rule.id}") & (decider != place)).then(pl.lit(rule.id))
            for place, rule in enumerate(rules_of(tables, kind))
            if not rule.is_default
        ]
    return _listed(parts)


def _listed(parts: Iterable[pl.Expr]) -> pl.Expr:
    """The parts that are not null, as a list of text.

    They are joined as text and split again, which is ten times as fast as a list of that many parts without its nulls.
    """
    joined = pl.concat_str(parts, separator="\n", ignore_nulls=True)
    return pl.when(joined != "").then(joined.str.split("\n")).otherwise(pl.lit([], pl.List(pl.String)))


def _unknown(tables: Tables) -> pl.Expr:
    """Missing inputs that could change the answer: those of pending rows, and of pending options' hurdles."""
    dependants: dict[str, list[pl.Expr]] = {}
    for rule in tables.rules:
        is_pending = pl.col(f"pending:{rule.id}") & pl.col(f"row:{rule.id}").is_null()
        for name in map(_fact, inputs_of(rule.condition)):
            dependants.setdefault(name, []).append(is_pending)
    for kind, option in ((kind, option) for kind, options in OPTIONS.items() for option in options):
        for name in _hurdles_by_input(tables, kind, option):
            is_pending = pl.col(f"pending:{kind}:{option}") & pl.col(f"open:{kind}:{option}:{name}")
            dependants.setdefault(name, []).append(is_pending)
    return _listed(
        pl.when(pl.col(name).is_null() & _any(dependants[name])).then(pl.lit(name))
        for name in schema()
        if name in dependants
    )


def _pending_rows(rules: Iterable[Rule]) -> dict[str, pl.Expr]:
    """Whether a row is open and could change the answer: the one that decided, or one before it.

    An open row that recommends what is recommended anyway changes nothing.
    """
    found = {}
    for place, rule in enumerate(rules):
        decider = pl.col(f"decider:{rule.table}")
        overrules = (decider > place) & (pl.col(rule.table) != rule.recommendation)
        found[f"pending:{rule.id}"] = passing(rule).is_null() & ((decider == place) | overrules)
    return found


def _pending_options(rules: Iterable[Rule]) -> dict[str, pl.Expr]:
    """Whether an option is recommended by a pending row."""
    found: dict[str, list[pl.Expr]] = {f"pending:{kind}:{option}": [] for kind in OPTIONS for option in OPTIONS[kind]}
    for rule in rules:
        found[f"pending:{rule.table}:{rule.recommendation}"].append(pl.col(f"pending:{rule.id}"))
    return {name: _any(rows) for name, rows in found.items()}


def _any(parts: Iterable[pl.Expr]) -> pl.Expr:
    return functools.reduce(operator.or_, parts, pl.lit(value=False))


def _fact(name: str) -> str:
    """The input that has to be known: the resulting plugin is only open where that of today is."""
    return "current_cni" if name == RESULTING_CNI else name


def _hurdles_by_input(tables: Tables, kind: str, option: str) -> dict[str, list[Condition]]:
    """Blocking hurdles of an option, by the input that they depend on."""
    found: dict[str, list[Condition]] = {}
    for hurdle in hurdles(tables)[kind, option]:
        for name in {_fact(name) for name in inputs_of(hurdle.condition)} if hurdle.blocks else ():
            found.setdefault(name, []).append(hurdle.condition)
    return found
