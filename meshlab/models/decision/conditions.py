"""The language of the tables' conditions: SQL expressions over declared inputs, read into a small typed tree.

A condition compares one input with literals and joins comparisons with AND, OR and NOT::

    greenfield AND kernel_oldest >= '5.10'
    cloud IN ('gke', 'aks') AND NOT has_any(needs, 'l7_policy', 'grpc_policy')
    services BETWEEN 50 AND 499 AND l7_need

``has_any(needs, …)`` asks whether a set holds any of the members. A bare name is a boolean input or a term, which is a
named condition of ``terms.csv``. Versions compare as versions; a build number of a Red Hat kernel counts too, because
that is what says which backports it holds (see ``version_order``).

One tree serves both readers: ``compiled`` answers it for many scenarios, and the proof reasons about it over the cells
of the domain (``decision.partitions``). A missing fact needs no syntax: Kleene's logic makes a condition unknown where
it depends on one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from meshlab.errors import did_you_mean, shorten
from meshlab.units import is_version, version_key

if TYPE_CHECKING:
    from sqlglot import exp

    from meshlab.scenario import Input

MAXIMUM_LENGTH = 2000
"""Longest condition that is read: longer ones belong into terms. [characters]"""

BUILDS = 1000
"""Numbers kept free for the build of a Red Hat kernel between one patch version and the next."""

_BUILD_PATTERN = r"^v?\d+\.\d+\.\d+-(\d{1,3})[0-9.]*\.el\d"


ORDERED = ("integer", "number", "version")
"""Types of inputs that have an order."""


# --- the tree -------------------------------------------------------------------------------------------------------


class AtLeast(msgspec.Struct, frozen=True):
    """The input is at least the bound; ``above`` asks for more than the bound. Other comparisons are its negations."""

    input: str
    bound: float
    above: bool = False


class OneOf(msgspec.Struct, frozen=True):
    """The input equals one of the values; a boolean input equals True."""

    input: str
    values: tuple[str | float | bool, ...]


class Has(msgspec.Struct, frozen=True):
    """The set holds the member."""

    input: str
    member: str


class Not(msgspec.Struct, frozen=True):
    """The part does not hold."""

    part: Condition


class All(msgspec.Struct, frozen=True):
    """Every part holds. Without parts it always holds."""

    parts: tuple[Condition, ...] = ()


class Some(msgspec.Struct, frozen=True):
    """At least one part holds. Without parts it never holds."""

    parts: tuple[Condition, ...] = ()


Test = AtLeast | OneOf | Has
Condition = Test | Not | All | Some

ALWAYS = All()
NEVER = Some()


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """What a condition is composed of; a comparison of nothing."""
    if isinstance(condition, All | Some):
        return condition.parts
    return (condition.part,) if isinstance(condition, Not) else ()


def tests_of(condition: Condition) -> Iterator[Test]:
    """The comparisons that a condition is made of, in the order in which they are written."""
    if isinstance(condition, Not | All | Some):
        for part in parts_of(condition):
            yield from tests_of(part)
    else:
        yield condition


def inputs_of(condition: Condition) -> frozenset[str]:
    """Names of the inputs that a condition depends on."""
    return frozenset(test.input for test in tests_of(condition))


# --- over many scenarios --------------------------------------------------------------------------------------------

STATES: tuple[bool | None, ...] = (False, None, True)
"""What a condition may be, in the order of Kleene's logic: ``All`` is the least of its parts, ``Some`` the greatest."""

FALSE, UNKNOWN, TRUE = map(STATES.index, (False, None, True))
"""The numbers that stand for them."""

States = NDArray[np.uint8]
"""States of conditions or of comparisons. [each × scenarios]"""


class Values(NamedTuple):
    """An input of many scenarios, in the form in which it is compared: as numbers, and where it is missing."""

    numbers: NDArray[Any]
    missing: NDArray[np.bool_]


def values_of(column: pl.Series) -> Values:
    """Values of an input that ``comparable`` has made, in polars' own numbers for them."""
    absent = column.null_count()
    if absent == len(column):
        return Values(np.zeros(absent, np.uint8), np.ones(absent, bool))
    if absent == 0:
        return Values(column.to_numpy(), np.zeros(len(column), bool))
    numbers = column.cast(pl.UInt8) if column.dtype == pl.Boolean else column
    return Values(numbers.fill_null(0).to_numpy(), column.is_null().to_numpy())


def _has(spec: Input, tests: Sequence[Has]) -> Holds:
    masks = np.array([[bit(spec, test.member)] for test in tests], np.uint64)
    return partial(_shares_a_bit, masks)


def _shares_a_bit(masks: NDArray[Any], numbers: NDArray[Any]) -> NDArray[np.bool_]:
    return (numbers & masks) != 0


def _at_least(_spec: Input, tests: Sequence[AtLeast]) -> Holds:
    return partial(np.less_equal, np.array([[edge] for edge in _edges(tests)]))


def _one_of(spec: Input, tests: Sequence[OneOf]) -> Holds:
    if spec.type in ORDERED:
        return partial(_is_in, [test.values for test in tests])
    among = np.array([[choice in test.values for choice in spec.choices or (False, True)] for test in tests])
    return partial(_looked_up, among)


def _edges(tests: Iterable[Test]) -> Iterator[float]:
    """The numbers of an ordered input at which comparisons begin to hold, or cease to."""
    for test in tests:
        if isinstance(test, AtLeast):  # more than a bound is at least the next number
            yield float(np.nextafter(test.bound, np.inf)) if test.above else test.bound
        elif isinstance(test, OneOf):
            for value in map(float, test.values):
                yield from (value, float(np.nextafter(value, np.inf)))


def _is_in(values: Sequence[Any], numbers: NDArray[Any]) -> NDArray[np.bool_]:
    return np.stack([np.isin(numbers, each) for each in values])


def _looked_up(among: NDArray[np.bool_], numbers: NDArray[Any]) -> NDArray[np.bool_]:
    return among[:, numbers.astype(np.intp)]


Holds = Callable[[NDArray[Any]], NDArray[np.bool_]]
"""A function of this module with its own values bound, since what is kept between runs is pickled."""

COMPARISONS: dict[type, Callable[[Input, Sequence[Any]], Holds]] = {Has: _has, AtLeast: _at_least, OneOf: _one_of}
"""What comparisons of one input with literals say of its numbers. [tests × scenarios]"""


def _mirrored(states: States, _starts: NDArray[np.intp]) -> States:
    return TRUE - states


REDUCTIONS = {Not: _mirrored, All: np.minimum.reduceat, Some: np.maximum.reduceat}
"""What the states of a condition's parts become, of many conditions whose parts follow one another."""

Round = tuple[Callable[..., States], NDArray[np.intp], NDArray[np.intp]]
"""A reduction, the rows of all parts that it takes, and where the parts of each condition begin."""


class Compiled(msgspec.Struct, frozen=True, eq=False):
    """Conditions made ready for many scenarios; what they share is worked out once.

    Args:
        comparisons: The inputs that are compared, and how.
        rounds: What is worked out in turn, each from rows that are there.
        rows: How many rows there are in the end.
        results: The row of each condition.
        edges: Of each ordered input the numbers between which no condition tells values apart, ascending.
    """

    comparisons: Sequence[tuple[str, Holds]]
    rounds: Sequence[Round]
    rows: int
    results: NDArray[np.intp]
    edges: Mapping[str, NDArray[Any]]

    @property
    def inputs(self) -> list[str]:
        """The inputs that are compared, each once."""
        return list(dict.fromkeys(name for name, _ in self.comparisons))

    def states(self, values: Mapping[str, Values], scenarios: int) -> States:
        """The state of each condition.

        Args:
            values: Those of ``inputs``.
            scenarios: How many scenarios they are of.
        """
        found = np.empty((self.rows, scenarios), np.uint8)
        found[0], found[1], end = TRUE, FALSE, 2
        for name, holds in self.comparisons:
            numbers, missing = values[name]
            told = np.where(missing, np.uint8(UNKNOWN), holds(numbers) * np.uint8(TRUE))
            start, end = end, end + len(told)
            found[start:end] = told
        for reduction, parts, starts in self.rounds:
            start, end = end, end + len(starts)
            found[start:end] = reduction(found[parts], starts)
        return found[self.results]


def compiled(conditions: Sequence[Condition], specs: Mapping[str, Input]) -> Compiled:
    """Conditions made ready for many scenarios.

    Args:
        conditions: The conditions.
        specs: The inputs that they name.
    """
    grouped: dict[tuple[str, type], dict[Test, None]] = {}
    for test in itertools.chain.from_iterable(map(tests_of, conditions)):
        grouped.setdefault((test.input, type(test)), {})[test] = None
    rows: dict[Condition, int] = {
        part: row for row, part in enumerate((ALWAYS, NEVER, *itertools.chain.from_iterable(grouped.values())))
    }
    waiting = dict.fromkeys(part for condition in conditions for part in _composed(condition) if part not in rows)
    rounds: list[Round] = []
    while waiting:
        ready = [condition for condition in waiting if all(part in rows for part in parts_of(condition))]
        for kind, reduction in REDUCTIONS.items():
            if mine := [condition for condition in ready if isinstance(condition, kind)]:
                parts = [[rows[part] for part in parts_of(condition)] for condition in mine]
                starts = itertools.accumulate(map(len, parts[:-1]), initial=0)
                rounds.append((reduction, np.array(list(itertools.chain(*parts))), np.array(list(starts))))
                rows |= {condition: len(rows) + place for place, condition in enumerate(mine)}
        for condition in ready:
            del waiting[condition]
    edges: dict[str, set[float]] = {}
    for (name, _), tests in grouped.items():
        if specs[name].type in ORDERED:
            edges.setdefault(name, set()).update(_edges(tests))
    return Compiled(
        [(name, COMPARISONS[kind](specs[name], [*tests])) for (name, kind), tests in grouped.items()],
        rounds,
        len(rows),
        np.array([rows[condition] for condition in conditions], np.intp),
        {name: np.array(sorted(found)) for name, found in edges.items()},
    )


def _composed(condition: Condition) -> Iterator[Condition]:
    """A condition and all that it is composed of, but comparisons."""
    if isinstance(condition, Not | All | Some):
        yield condition
        for part in parts_of(condition):
            yield from _composed(part)


def comparable(spec: Input, column: pl.Expr) -> pl.Expr:
    """An input in the form in which it is compared, which is worked out once for all comparisons.

    A version becomes a number, a choice an enumeration, and a set a number with a bit for each member: a table asks a
    set for many members, and a bit is found fifteen times as fast as a text in a list.
    """
    if spec.type == "version":
        return column.map_batches(_version_orders, return_dtype=pl.Int64)
    if spec.type == "choice":
        return column.cast(pl.Enum(spec.choices), strict=False)
    if spec.type == "set":
        bits = {member: bit(spec, member) for member in spec.choices}
        of_member = pl.element().replace_strict(bits, default=0, return_dtype=pl.UInt64)
        return column.list.unique().list.eval(of_member).list.sum()
    return column


def bit(spec: Input, member: str) -> int:
    """The bit of a member in the number as which a set is compared."""
    return 1 << spec.choices.index(member)


def version_order(version: pl.Expr) -> pl.Expr:
    """A version as one number, in which the build of a Red Hat kernel orders equal patch versions. [Int64]

    4.18.0-553.el8 lies above 4.18.0-305.el8, and both between 4.18.0 and 4.18.1, so that a table can name the release
    from which on Red Hat's 4.18 holds what upstream's 5.10 holds.
    """
    return version_key(version) * BUILDS + version.str.extract(_BUILD_PATTERN).cast(pl.Int64).fill_null(0)


def _version_orders(versions: pl.Series) -> pl.Series:
    """``version_order`` of many versions, of which few differ."""
    if versions.null_count() == len(versions):
        return versions.cast(pl.Int64)
    each = versions.unique()
    orders = each.to_frame("version").select(version_order(pl.col("version"))).to_series()
    return versions.replace_strict(each, orders).cast(pl.Int64)  # without a version to replace it stays text


def order_of(version: str) -> int:
    """``version_order`` of one version."""
    return pl.select(version_order(pl.lit(version))).item()


# --- from text ------------------------------------------------------------------------------------------------------

Fault = tuple[str, str]
"""What is wrong with a condition, and what to do about it."""

_SPELLING = "compare an input with a literal, as in services >= 500 or cloud IN ('gke', 'aks')"


def read_condition(
    text: str, specs: Mapping[str, Input], terms: Mapping[str, Condition]
) -> tuple[Condition, list[Fault]]:
    """A condition from its text, and everything that is wrong with it; with faults the tree is not to be used.

    Args:
        text: The condition.
        specs: Inputs that it may name.
        terms: Named conditions that it may use.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if len(text) > MAXIMUM_LENGTH:
        return NEVER, [(f"the condition is longer than {MAXIMUM_LENGTH} characters", "move parts of it into terms")]
    try:
        tree = sqlglot.parse_one(text, into=exp.Condition)
        reader = _Reader(specs, terms)
        return reader.read(tree), reader.faults
    except SqlglotError as error:
        details: list[dict[str, str]] = getattr(error, "errors", None) or [{}]
        word = details[0].get("highlight") or text
        return NEVER, [(f"the condition cannot be read at {shorten(word)}", _SPELLING)]
    except RecursionError:
        return NEVER, [("the condition is nested too deeply", "move parts of it into terms")]


class _Reader:
    """Reads sqlglot's tree into ours and notes what does not fit, instead of stopping at the first fault."""

    def __init__(self, specs: Mapping[str, Input], terms: Mapping[str, Condition]) -> None:
        self.specs = specs
        self.terms = terms
        self.faults: list[Fault] = []

    def fault(self, what: str, todo: str = _SPELLING) -> Condition:
        """Note what is wrong, and go on with a condition that never holds."""
        self.faults.append((what, todo))
        return NEVER

    def read(self, node: exp.Expr) -> Condition:
        """Any node that stands where a condition may stand."""
        from sqlglot import exp

        readers: dict[type[exp.Expr], Callable[[exp.Expr], Condition]] = {
            exp.Paren: lambda inner: self.read(inner.this),
            exp.Not: lambda negated: Not(self.read(negated.this)),
            exp.And: lambda joined: All(tuple(map(self.read, joined.flatten()))),
            exp.Or: lambda joined: Some(tuple(map(self.read, joined.flatten()))),
            exp.Boolean: lambda constant: ALWAYS if constant.this else NEVER,
            exp.Column: self.bare_name,
            exp.Anonymous: self.membership,
            exp.In: lambda listed: self.one_of(listed.this, listed.expressions or [listed]),
            exp.Between: self.between,
        }
        return readers.get(type(node), self.operator)(node)

    def between(self, node: exp.Expr) -> Condition:
        """``x BETWEEN low AND high``, both bounds included."""
        low = self.comparison(node.this, ">=", node.args["low"])
        return All((low, self.comparison(node.this, "<=", node.args["high"])))

    def operator(self, node: exp.Expr) -> Condition:
        """A comparison of an input with a literal, whichever stands first."""
        from sqlglot import exp

        signs: dict[type, str] = {exp.GTE: ">=", exp.GT: ">", exp.LTE: "<=", exp.LT: "<", exp.EQ: "=", exp.NEQ: "!="}
        mirrored = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}
        sign = signs.get(type(node))
        if isinstance(node, exp.Is):
            return self.fault(
                f"{shorten(node.sql())} asks whether a fact is missing",
                "leave it out: a missing fact makes a row unknown",
            )
        if sign is None:
            return self.fault(f"{shorten(node.sql())} cannot stand in a condition")
        left, right = node.this, node.expression
        if not isinstance(left, exp.Column):
            left, right, sign = right, left, mirrored.get(sign, sign)
        if sign in ("=", "!="):
            equal = self.one_of(left, [right])
            return Not(equal) if sign == "!=" else equal
        return self.comparison(left, sign, right)

    def bare_name(self, node: exp.Expr) -> Condition:
        """A name on its own: a term, or an input that is true or false."""
        name = node.sql()
        if name in self.terms:
            return self.terms[name]
        spec = self.input(node)
        if spec is None:
            return NEVER
        if spec.type != "boolean":
            return self.fault(f"{name!r} is {_kind(spec)}, not true or false", _SPELLING)
        return OneOf(name, (True,))

    def membership(self, node: exp.Expr) -> Condition:
        """``has_any(needs, …)``."""
        if str(node.this).lower() != "has_any":
            return self.fault(f"unknown function {shorten(str(node.this))}", "did you mean 'has_any'?")
        subject, *members = node.expressions or [node]
        spec = self.input(subject)
        if spec is None:
            return NEVER
        if spec.type != "set" or not members:
            return self.fault(f"{shorten(node.sql())} is no question to a set", "write has_any(needs, 'mtls')")
        return Some(tuple(Has(spec.name, str(self.literal(member, spec))) for member in members))

    def one_of(self, subject: exp.Expr, members: Iterable[exp.Expr]) -> Condition:
        """``x = value`` or ``x IN (values)``."""
        spec = self.input(subject)
        if spec is None:
            return NEVER
        if spec.type == "set":
            return self.fault(f"{spec.name!r} is a set", "write has_any(needs, 'mtls')")
        values = [self.literal(member, spec) for member in members]
        if spec.type == "boolean":
            true = OneOf(spec.name, (True,))
            return Some(tuple(true if value else Not(true) for value in values))
        return OneOf(spec.name, tuple(values))

    def comparison(self, subject: exp.Expr, sign: str, bound: exp.Expr) -> Condition:
        """An input that has an order against a bound."""
        spec = self.input(subject)
        if spec is None:
            return NEVER
        if spec.type not in ORDERED:
            return self.fault(f"{spec.name!r} is {_kind(spec)}, which has no order", "compare it with = or IN")
        test = AtLeast(spec.name, float(self.literal(bound, spec)), above=sign in (">", "<="))
        return Not(test) if sign in ("<", "<=") else test

    def input(self, node: exp.Expr) -> Input | None:
        """The declared input that a node names."""
        from sqlglot import exp

        name = node.sql()
        if not isinstance(node, exp.Column):
            self.fault(f"{shorten(name)} stands where an input should stand")
        elif name in self.terms:
            self.fault(f"{name!r} is a term, not an input", "use a term on its own, without a comparison")
        elif name not in self.specs:
            self.fault(f"unknown name {name!r}", did_you_mean(name, [*self.specs, *self.terms]))
        return self.specs.get(name)

    def literal(self, node: exp.Expr, spec: Input) -> str | float | bool:
        """The value of a literal, as the input's tests compare it."""
        from sqlglot import exp

        negative = isinstance(node, exp.Neg)
        node = node.this if negative else node
        text = node.name if isinstance(node, exp.Literal) else node.sql()
        if spec.type == "boolean" and isinstance(node, exp.Boolean):
            return bool(node.this)
        if spec.type in ("integer", "number") and isinstance(node, exp.Literal) and node.is_number:
            return -float(text) if negative else float(text)
        if isinstance(node, exp.Literal) and node.is_string and not negative:
            if spec.type == "version" and is_version(text):
                return order_of(text)
            if text in spec.choices and spec.type in ("choice", "set"):
                return text
            if spec.type in ("choice", "set"):
                self.fault(f"{text!r} is no value of {spec.name!r}", did_you_mean(text, spec.choices))
                return 0
        self.fault(f"{spec.name!r} is {_kind(spec)} and cannot be compared with {shorten(node.sql())}", _example(spec))
        return 0


_KINDS = {
    "integer": ("a number", "{name} >= 500"),
    "number": ("a number", "{name} >= 500"),
    "boolean": ("true or false", "{name} or NOT {name}"),
    "version": ("a version", "{name} >= '5.10'"),
    "choice": ("a choice", "{name} with {choices}"),
    "set": ("a set", "{name} with {choices}"),
}
"""What an input of each type is, and how it is written in a condition."""


def _kind(spec: Input) -> str:
    return _KINDS[spec.type][0]


def _example(spec: Input) -> str:
    return "write " + _KINDS[spec.type][1].format(name=spec.name, choices=" or ".join(map(repr, spec.choices[:2])))
