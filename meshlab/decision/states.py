"""The state of every row and option of the tables, and the row that decides, for any number of scenarios.

The query has three steps: each distinct comparison of a table becomes a boolean column; rows and options become
booleans of those; and the first row that holds, and whose option nothing rules out, decides. Nulls follow Kleene's
logic, so that a missing fact makes a row unknown and never false.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from meshlab.decision.conditions import Condition, Test, comparable, compile_condition, compile_test, tests_of
from meshlab.decision.eligibility import blocked
from meshlab.decision.tables import OPTIONS, RESULTING_CNI, Rule, Tables, specs
from meshlab.scenario import inputs, schema


def row_states(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """Scenarios with the state of each row (``row:ID``), of each option (``blocked:KIND:OPTION``), and the verdict.

    States are true, false, or null for unknown. ``decider:KIND`` is the place of the row that decided.
    """
    frame = with_all_inputs(scenarios.lazy()).with_columns(_compared(name, name) for name in inputs())
    resulting_cni = pl.when(pl.col("cni") == "stay").then("current_cni").otherwise("cni").alias(RESULTING_CNI_COLUMN)
    frame = _stage(tables, "cni").apply(frame).with_columns(resulting_cni)
    return _stage(tables, "mesh").apply(frame.with_columns(_compared(RESULTING_CNI, RESULTING_CNI_COLUMN)))


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


def conditions_of(tables: Tables, kind: str) -> dict[str, Condition]:
    """The conditions of one table's rows and of its options' being ruled out, by the column of their state."""
    rows: dict[str, Condition] = {f"row:{rule.id}": rule.condition for rule in rules_of(tables, kind)}
    return rows | {f"blocked:{kind}:{option}": blocked(tables, kind, option) for option in OPTIONS[kind]}


@lru_cache(maxsize=32)
def comparison_columns(tables: Tables, kind: str) -> dict[Test, str]:
    """The distinct comparisons of one table, each with the column that holds it."""
    conditions = conditions_of(tables, kind).values()
    tests = dict.fromkeys(test for condition in conditions for test in tests_of(condition))
    return {test: f"test:{kind}:{number}" for number, test in enumerate(tests)}


@lru_cache(maxsize=32)
def _stage(tables: Tables, kind: str) -> _Stage:
    columns = comparison_columns(tables, kind)
    verdicts = {place: rule.recommendation for place, rule in enumerate(rules_of(tables, kind))}
    return _Stage(
        tests=tuple(compare_scenarios(test).alias(name) for test, name in columns.items()),
        states=tuple(
            compile_condition(condition, lambda test: pl.col(columns[test])).alias(name)
            for name, condition in conditions_of(tables, kind).items()
        ),
        decider=first_passing(rules_of(tables, kind)).alias(f"decider:{kind}"),
        verdict=pl.col(f"decider:{kind}").replace_strict(verdicts, return_dtype=pl.String).alias(kind),
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
