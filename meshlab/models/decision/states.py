"""The state of every row and option of the tables, and the row that decides, for any number of scenarios.

The query has four steps: each distinct comparison of a table becomes a boolean column; hurdles become booleans of
those; rows and options become booleans of both; and the first row that holds, and whose option nothing rules out,
decides. Nulls follow Kleene's logic, so that a missing fact makes a row unknown and never false.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.conditions import (
    Condition,
    Test,
    any_of,
    comparable,
    compile_condition,
    compile_test,
    tests_of,
)
from meshlab.models.decision.eligibility import hurdles
from meshlab.models.decision.tables import OPTIONS, RESULTING_CNI, Rule, Tables, specs
from meshlab.scenario import inputs, schema


def row_states(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """Scenarios with the state of each row (``row:ID``), of each option (``blocked:KIND:OPTION``), and the verdict.

    States are true, false, or null for unknown. ``decider:KIND`` is the place of the row that decided.
    """
    return decided(compared(scenarios), tables)


def compared(scenarios: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    """Scenarios with every input once more, as ``compared:NAME``, in the form in which it is compared."""
    return with_all_inputs(scenarios.lazy()).with_columns(
        comparable(spec, pl.col(name)).alias(compared_column(name)) for name, spec in inputs().items()
    )


def decided(frame: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """What ``row_states`` adds to ``compared`` scenarios, of which it reads the compared columns alone."""
    today = pl.col(compared_column("current_cni"))
    verdict = pl.col("cni").cast(pl.Enum(inputs()["current_cni"].choices), strict=False)
    resulting = pl.when(pl.col("cni") == "stay").then(today).otherwise(verdict)
    frame = _stage(tables, "cni").apply(frame).with_columns(resulting.alias(compared_column(RESULTING_CNI)))
    return _stage(tables, "mesh").apply(frame)


def compare_scenarios(test: Test) -> pl.Expr:
    """One comparison over the columns that ``compared`` has added to the scenarios."""
    return compile_test(test, specs("mesh")[test.input], pl.col(compared_column(test.input)))


def compared_column(name: str) -> str:
    """Column of an input in the form in which it is compared, and of the plugin that the CNI table leaves in place."""
    return f"compared:{name}"


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
    """Expressions of one table: comparisons, hurdles and rows built of them, and what decides built of those."""

    tests: tuple[pl.Expr, ...]
    hurdles: tuple[pl.Expr, ...]
    states: tuple[pl.Expr, ...]
    decider: pl.Expr
    verdict: pl.Expr

    def apply(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The frame with this table's columns."""
        for step in (self.tests, self.hurdles, self.states, self.decider, self.verdict):
            frame = frame.with_columns(step)
        return frame


def rules_of(tables: Tables, kind: str) -> tuple[Rule, ...]:
    """Rows of one table, in the order in which they decide."""
    return tables.cni if kind == "cni" else tables.mesh


@kept_latest(32)
def hurdle_columns(tables: Tables, kind: str) -> dict[Condition, str]:
    """The distinct hurdles of one table's options, each with the column of its state."""
    found = dict.fromkeys(hurdle.condition for option in OPTIONS[kind] for hurdle in hurdles(tables)[kind, option])
    return {condition: f"hurdle:{kind}:{number}" for number, condition in enumerate(found)}


@kept_latest(32)
def comparison_columns(tables: Tables, kind: str) -> dict[Test, str]:
    """The distinct comparisons of one table, each with the column that holds it."""
    conditions = (*(rule.condition for rule in rules_of(tables, kind)), *hurdle_columns(tables, kind))
    tests = dict.fromkeys(test for condition in conditions for test in tests_of(condition))
    return {test: f"test:{kind}:{number}" for number, test in enumerate(tests)}


@kept_latest(32)
def _stage(tables: Tables, kind: str) -> _Stage:
    columns, rules = comparison_columns(tables, kind), rules_of(tables, kind)
    short = hurdle_columns(tables, kind)

    def state(condition: Condition) -> pl.Expr:
        return compile_condition(condition, lambda test: pl.col(columns[test]))

    ruled_out = {
        option: any_of([pl.col(short[hurdle.condition]) for hurdle in hurdles(tables)[kind, option] if hurdle.blocks])
        for option in OPTIONS[kind]
    }
    verdicts = {place: rule.recommendation for place, rule in enumerate(rules)}
    return _Stage(
        tests=tuple(compare_scenarios(test).alias(name) for test, name in columns.items()),
        hurdles=tuple(state(condition).alias(name) for condition, name in short.items()),
        states=(
            *(state(rule.condition).alias(f"row:{rule.id}") for rule in rules),
            *(parts.alias(f"blocked:{kind}:{option}") for option, parts in ruled_out.items()),
        ),
        decider=first_passing(rules).alias(f"decider:{kind}"),
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
