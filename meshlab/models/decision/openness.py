"""Which missing facts could change an answer.

A row is open where a missing fact says whether it may decide. An open row can change the answer if no row before it is
certain to decide, and if some row after it, up to the first that is certain, would recommend something else. Its
missing facts are those of its condition, where that is open, and those of its option's hurdles that are open. Where the
CNI can still change, the plugin that the mesh table sees is a missing fact too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.conditions import Condition, Test, any_of, compile_condition, compile_test, inputs_of
from meshlab.models.decision.eligibility import hurdles
from meshlab.models.decision.states import compared_column, comparison_columns, hurdle_columns, rules_of
from meshlab.models.decision.tables import OPTIONS, RESULTING_CNI, Rule, Tables, specs
from meshlab.scenario import schema

_DOUBTED = "doubted:cni"
"""The resulting plugin as it is compared, or null where the CNI can still change."""


def with_unknown(frame: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """The states of rows and options with ``unknown``, the missing inputs that could change the answer."""
    return functools.reduce(pl.LazyFrame.with_columns, _stages(tables), frame)


@kept_latest(16)
def _stages(tables: Tables) -> tuple[list[pl.Expr], ...]:
    """Columns that a frame of states gains, step by step."""
    is_open = any_of([pl.col(f"pending:{rule.id}") for rule in tables.cni])
    seen = pl.when(is_open).then(None).otherwise(pl.col(compared_column(RESULTING_CNI)))
    dependants = _dependants(tables)
    missing = {name: pl.col(name).is_null() & any_of(dependants[name]) for name in schema() if name in dependants}
    steps = (
        *_pending_stages(tables, "cni"),
        {_DOUBTED: seen},
        *_pending_stages(tables, "mesh"),
        {f"missing:{name}": is_missing for name, is_missing in missing.items()},
        *listed("unknown", [pl.when(pl.col(f"missing:{name}")).then(pl.lit(name)) for name in missing]),
    )
    return tuple([expression.alias(name) for name, expression in step.items()] for step in steps)


def _pending_stages(tables: Tables, kind: str) -> Iterator[dict[str, pl.Expr]]:
    """Steps to a column for each row that says whether it is open and could change the answer."""
    rules = rules_of(tables, kind)
    yield _doubted_hurdles(tables, kind)
    yield _doubted_states(tables, kind)
    yield _may(tables, rules)
    yield {
        f"certain:{kind}": pl.coalesce(
            pl.when(pl.col(f"may:{rule.id}")).then(pl.lit(place, pl.UInt8)) for place, rule in enumerate(rules)
        )
    }
    yield _possible(rules)
    yield _pending(rules)
    yield {f"pending:{kind}:{option}": _recommended(rules, option) for option in OPTIONS[kind]}


# --- states in doubt ------------------------------------------------------------------------------------------------


def _depends(condition: Condition) -> bool:
    """Whether a condition depends on the resulting plugin, so that it is in doubt where that can still change."""
    return RESULTING_CNI in inputs_of(condition)


def _in_doubt(tables: Tables, kind: str, condition: Condition) -> pl.Expr:
    """The condition, with the resulting plugin in doubt where it can change."""
    columns = comparison_columns(tables, kind)

    def test(comparison: Test) -> pl.Expr:
        if comparison.input == RESULTING_CNI:
            return compile_test(comparison, specs(kind)[RESULTING_CNI], pl.col(_DOUBTED))
        return pl.col(columns[comparison])

    return compile_condition(condition, test)


def _doubted_hurdles(tables: Tables, kind: str) -> dict[str, pl.Expr]:
    return {
        f"doubted:{name}": _in_doubt(tables, kind, condition)
        for condition, name in hurdle_columns(tables, kind).items()
        if _depends(condition)
    }


def _hurdle(tables: Tables, kind: str, condition: Condition) -> pl.Expr:
    name = hurdle_columns(tables, kind)[condition]
    return pl.col(f"doubted:{name}" if _depends(condition) else name)


def _doubted_states(tables: Tables, kind: str) -> dict[str, pl.Expr]:
    """Rows and options as far as they depend on the resulting plugin; and options by the fact that leaves them open."""
    rows = {
        f"doubted:row:{rule.id}": _in_doubt(tables, kind, rule.condition)
        for rule in rules_of(tables, kind)
        if _depends(rule.condition)
    }
    options = {
        f"doubted:blocked:{kind}:{option}": any_of([_hurdle(tables, kind, condition) for condition in conditions])
        for option in OPTIONS[kind]
        if any(map(_depends, conditions := [row.condition for row in hurdles(tables)[kind, option] if row.blocks]))
    }
    left_open = {
        f"open:{kind}:{option}:{name}": any_of([_hurdle(tables, kind, condition) for condition in group]).is_null()
        for option in OPTIONS[kind]
        for name, group in _hurdles_by_input(tables, kind, option).items()
    }
    return rows | options | left_open


def _holds(rule: Rule) -> pl.Expr:
    return pl.col(f"doubted:row:{rule.id}" if _depends(rule.condition) else f"row:{rule.id}")


def _ruled_out(tables: Tables, rule: Rule) -> pl.Expr:
    name = f"blocked:{rule.table}:{rule.recommendation}"
    group = hurdles(tables)[rule.table, rule.recommendation]
    return pl.col(f"doubted:{name}" if any(row.blocks and _depends(row.condition) for row in group) else name)


# --- rows that are open ---------------------------------------------------------------------------------------------


def _may(tables: Tables, rules: Sequence[Rule]) -> dict[str, pl.Expr]:
    """Whether each row may decide: true, false, or null where a missing fact says."""
    return {
        f"may:{rule.id}": _holds(rule) if rule.is_default else _holds(rule) & ~_ruled_out(tables, rule)
        for rule in rules
    }


def _possible(rules: Sequence[Rule]) -> dict[str, pl.Expr]:
    """Whether each row decides under some completion: it may, and no row before it is certain to."""
    return {
        f"possible:{rule.id}": pl.col(f"may:{rule.id}").fill_null(value=True)
        & (pl.col(f"certain:{rule.table}") >= place).fill_null(value=True)
        for place, rule in enumerate(rules)
    }


def _pending(rules: Sequence[Rule]) -> dict[str, pl.Expr]:
    """Whether each row is open and another answer may follow where it does not decide."""
    return {
        f"pending:{rule.id}": pl.col(f"may:{rule.id}").is_null()
        & pl.col(f"possible:{rule.id}")
        & any_of(
            [
                pl.col(f"possible:{later.id}")
                for later in rules[place + 1 :]
                if later.recommendation != rule.recommendation
            ]
        )
        for place, rule in enumerate(rules)
    }


def _recommended(rules: Sequence[Rule], option: str) -> pl.Expr:
    """Whether a pending row recommends an option."""
    return any_of([pl.col(f"pending:{rule.id}") for rule in rules if rule.recommendation == option])


def _dependants(tables: Tables) -> dict[str, list[pl.Expr]]:
    """For each input, the conditions under which an answer depends on it."""
    found: dict[str, list[pl.Expr]] = {}
    for rule in tables.rules:
        is_pending = pl.col(f"pending:{rule.id}") & _holds(rule).is_null()
        for name in map(_fact, inputs_of(rule.condition)):
            found.setdefault(name, []).append(is_pending)
    for kind, option in ((kind, option) for kind, options in OPTIONS.items() for option in options):
        for name in _hurdles_by_input(tables, kind, option):
            is_pending = pl.col(f"pending:{kind}:{option}") & pl.col(f"open:{kind}:{option}:{name}")
            found.setdefault(name, []).append(is_pending)
    return found


def _hurdles_by_input(tables: Tables, kind: str, option: str) -> dict[str, list[Condition]]:
    """Blocking hurdles of an option, by the fact that they depend on."""
    found: dict[str, list[Condition]] = {}
    for hurdle in hurdles(tables)[kind, option]:
        for name in {_fact(name) for name in inputs_of(hurdle.condition)} if hurdle.blocks else ():
            found.setdefault(name, []).append(hurdle.condition)
    return found


def _fact(name: str) -> str:
    """The input that has to be known: the resulting plugin is missing where that of today is."""
    return "current_cni" if name == RESULTING_CNI else name


def listed(name: str, parts: Sequence[pl.Expr]) -> tuple[dict[str, pl.Expr], ...]:
    """Steps to a column of lists of text, each of the parts that are not null.

    The parts are joined and split again, which is ten times as fast as a list of that many without its nulls.
    """
    columns = {f"{name}/{place}": part for place, part in enumerate(parts)}
    joined = pl.concat_str(map(pl.col, columns), separator="\n", ignore_nulls=True)
    split = pl.when(pl.col(name) != "").then(pl.col(name).str.split("\n")).otherwise(pl.lit([], pl.List(pl.String)))
    return columns, {name: joined}, {name: split}
