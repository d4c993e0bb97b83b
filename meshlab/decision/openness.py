"""Which missing facts could change an answer.

A row is open where a missing fact says whether it may decide. An open row can change the answer if no row before it is
certain to decide, and if some row after it, up to the first that is certain, would recommend something else. Its
missing facts are those of its condition, where that is open, and those of its option's hurdles that are open. Where the
CNI can still change, the plugin that the mesh table sees is a missing fact too.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence

import polars as pl

from meshlab.decision.conditions import Condition, Some, Test, compile_condition, compile_test, inputs_of
from meshlab.decision.eligibility import hurdles
from meshlab.decision.states import comparison_columns, conditions_of, rules_of
from meshlab.decision.tables import OPTIONS, RESULTING_CNI, Rule, Tables, specs
from meshlab.scenario import schema

_DOUBTED = "doubted:cni"
"""The resulting plugin as it is compared, or null where the CNI can still change."""


def with_unknown(frame: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """The states of rows and options with ``unknown``, the missing inputs that could change the answer."""
    frame = _with_pending(frame, tables, "cni")
    is_open = any_of(pl.col(f"pending:{rule.id}") for rule in tables.cni)
    seen = pl.when(is_open).then(None).otherwise(pl.col(f"compared:{RESULTING_CNI}"))
    frame = _with_pending(frame.with_columns(seen.alias(_DOUBTED)), tables, "mesh")
    dependants = _dependants(tables)
    return frame.with_columns(
        unknown=listed(
            pl.when(pl.col(name).is_null() & any_of(dependants[name])).then(pl.lit(name))
            for name in schema()
            if name in dependants
        )
    )


def _with_pending(frame: pl.LazyFrame, tables: Tables, kind: str) -> pl.LazyFrame:
    """The frame with a column for each row that says whether it is open and could change the answer."""
    rules = rules_of(tables, kind)
    state = _doubting(tables, kind)
    open_hurdles = {
        f"open:{kind}:{option}:{name}": state(Some(tuple(group))).is_null()
        for option in OPTIONS[kind]
        for name, group in _hurdles_by_input(tables, kind, option).items()
    }
    states = {f"doubted:{name}": state(condition) for name, condition in conditions_of(tables, kind).items()}
    certain = pl.coalesce(
        pl.when(pl.col(f"may:{rule.id}")).then(pl.lit(place, pl.UInt8)) for place, rule in enumerate(rules)
    )
    options = {f"pending:{kind}:{option}": _recommended(rules, option) for option in OPTIONS[kind]}
    steps = (
        open_hurdles | states,
        _may(rules),
        {f"certain:{kind}": certain},
        _possible(rules),
        _pending(rules),
        options,
    )
    for step in steps:
        frame = frame.with_columns(**step)
    return frame


def _doubting(tables: Tables, kind: str) -> Callable[[Condition], pl.Expr]:
    """What makes a condition an expression, with the resulting plugin in doubt where it can change."""
    columns = comparison_columns(tables, kind)

    def test(comparison: Test) -> pl.Expr:
        if comparison.input == RESULTING_CNI:
            return compile_test(comparison, specs(kind)[RESULTING_CNI], pl.col(_DOUBTED))
        return pl.col(columns[comparison])

    return lambda condition: compile_condition(condition, test)


def _may(rules: Sequence[Rule]) -> dict[str, pl.Expr]:
    """Whether each row may decide: true, false, or null where a missing fact says."""
    found = {}
    for rule in rules:
        holds, ruled_out = (
            pl.col(f"doubted:row:{rule.id}"),
            pl.col(f"doubted:blocked:{rule.table}:{rule.recommendation}"),
        )
        found[f"may:{rule.id}"] = holds if rule.is_default else holds & ~ruled_out
    return found


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
            pl.col(f"possible:{later.id}")
            for later in rules[place + 1 :]
            if later.recommendation != rule.recommendation
        )
        for place, rule in enumerate(rules)
    }


def _recommended(rules: Sequence[Rule], option: str) -> pl.Expr:
    """Whether a pending row recommends an option."""
    return any_of(pl.col(f"pending:{rule.id}") for rule in rules if rule.recommendation == option)


def _dependants(tables: Tables) -> dict[str, list[pl.Expr]]:
    """For each input, the conditions under which an answer depends on it."""
    found: dict[str, list[pl.Expr]] = {}
    for rule in tables.rules:
        is_pending = pl.col(f"pending:{rule.id}") & pl.col(f"doubted:row:{rule.id}").is_null()
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


def any_of(parts: Iterable[pl.Expr]) -> pl.Expr:
    """Whether one of the parts holds; without parts none does."""
    return functools.reduce(operator.or_, parts, pl.lit(value=False))


def listed(parts: Iterable[pl.Expr]) -> pl.Expr:
    """The parts that are not null, as a list of text.

    They are joined as text and split again, which is ten times as fast as a list of that many parts without its nulls.
    """
    joined = pl.concat_str(parts, separator="\n", ignore_nulls=True)
    return pl.when(joined != "").then(joined.str.split("\n")).otherwise(pl.lit([], pl.List(pl.String)))
