"""What changes an answer: facts that are missing, and facts that could become otherwise.

A fact changes from its cell into another, to the nearest value there; a missing one takes each of its cells. All
changes of a scenario are rows of one frame, so that one query decides them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.cells import Axis, axes, points
from meshlab.models.decision.conditions import bit, compile_condition, compile_test
from meshlab.models.decision.contests import NOTHING
from meshlab.models.decision.decide import IDENTITY, answered, column_of, compare
from meshlab.models.decision.tables import SIDES, Tables
from meshlab.scenario import inputs

Answer = tuple[str | None, ...]
"""What a verdict recommends: CNI, mesh, and the edition of each that is new."""

DEMANDS = frozenset({"provider_support_required", "gradual_move_required", "policy_sync"})
"""Rules that a team may state. One that nobody stated binds nobody, so it is no fact that is missing."""

ALONE = frozenset({"needs", "licence_usd_per_year"})
"""Inputs that are tried alone, and not beside others: needs are one fact; and a budget that nobody stated matters where
what is recommended has a price, or where money would buy something better."""

ORDERED = ("integer", "number", "version")

SAMPLE, SEED = 512, 20261124
"""Completions of three missing facts and more that are tried, and the seed by which they are drawn."""


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that takes another value.

    Args:
        axis: Name of its axis.
        input: The input.
        member: The member that a set gains or loses.
        value: The new value, or whether the set holds the member.
        point: Place of the value among the ``points`` of the axis.
        side: Of an ordered input, whether the new value lies above or below; of another, nothing.
    """

    axis: str
    input: str
    member: str | None
    value: Any
    point: int
    side: str

    def on(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The scenario after the change."""
        if self.member is None:
            return {**values, self.input: self.value}
        held = [name for name in values[self.input] or () if name != self.member]
        return {**values, self.input: [*held, self.member] if self.value else held}


Changes = tuple[Change, ...]


@kept_latest(16)
def present_cells(tables: Tables) -> list[pl.Expr]:
    """What the comparisons of each axis say of ``compared`` scenarios: by it the present cell is known."""
    return [
        compile_test(test, inputs()[axis.input], pl.col(column_of(axis.input))).alias(f"{axis.name}/{place}")
        for axis in axes(tables).values()
        for place, test in enumerate(axis.tests)
    ]


def _here(axis: Axis, row: Mapping[str, Any]) -> int | None:
    """Place of the cell in which a fact lies, from a row of ``present_cells``; None where it is missing."""
    answers = tuple(row[f"{axis.name}/{place}"] for place in range(len(axis.tests)))
    return next((place for place, cell in enumerate(axis.cells) if cell.answers == answers), None)


def changes_of(axis: Axis, here: int | None) -> Iterator[Change]:
    """All other cells of an axis, from near to far."""
    ordered = inputs()[axis.input].type in ORDERED
    for to in sorted(range(len(axis.cells)), key=lambda place: abs(place - (here or 0))):
        if to == here:
            continue
        side = "" if here is None or not ordered else "above" if to > here else "below"
        cell = axis.cells[to]
        value, point = (cell.high, to + len(axis.cells)) if side == "below" else (cell.low, to)
        yield Change(axis.name, axis.input, axis.member, value, point, side)


def varied(own: pl.DataFrame, sets: Sequence[Sequence[Change]], tables: Tables) -> pl.DataFrame:
    """A ``compared`` scenario after each set of changes, one row a set."""
    frame = own[np.zeros(len(sets), np.uint32)]
    columns: list[pl.Series] = []
    for name in dict.fromkeys(change.input for changes in sets for change in changes):
        column = column_of(name)
        mine = [(row, change) for row, changes in enumerate(sets) for change in changes if change.input == name]
        rows = np.array([row for row, _ in mine])
        if mine[0][1].member is None:
            values = pl.concat([points(tables)[name], own[column]])
            at = np.full(len(sets), len(values) - 1)
            at[rows] = [change.point for _, change in mine]
            columns.append(values.gather(at).alias(column))
        else:
            held = np.full(len(sets), own[column].fill_null(0).item(), dtype=np.uint64)
            for row, change in mine:
                mask = np.uint64(bit(inputs()[name], change.member or ""))
                held[row] = held[row] | mask if change.value else held[row] & ~mask
            known = own[column].is_not_null().item()
            series = pl.Series(column, held)
            touched = np.isin(np.arange(len(sets)), rows)
            columns.append(
                series if known else pl.select(pl.when(pl.Series(touched)).then(series).alias(column))[column]
            )
    return frame.with_columns(columns)


def answers_to(frame: pl.DataFrame, tables: Tables) -> list[tuple[Answer, bool | None]]:
    """The answer to each of some ``compared`` scenarios, and whether it is eligible."""
    names = ("cni", "mesh", "cni_edition", "mesh_edition", "eligible")
    return [(row[:4], row[4]) for row in answered(frame, tables).select(names).iter_rows()]


def answer_of(row: Mapping[str, Any]) -> Answer:
    """The answer of a row of ``decide``."""
    return row["cni"], row["mesh"], row["cni_edition"], row["mesh_edition"]


# --- missing facts --------------------------------------------------------------------------------------------------


def open_facts(own: pl.DataFrame, row: Mapping[str, Any], answer: Answer, tables: Tables) -> list[str]:
    """Missing facts that could change the answer, alone or together with others that do not do so alone.

    Values of one fact and of two are all tried, of more in a sample of completions. Needs that nobody stated are one
    fact. Completions that put together what cannot hold together do not count.

    Args:
        own: The ``compared`` scenario, one row.
        row: Its ``present_cells``, and ``known:NAME`` for each input.
        answer: What is recommended as it stands.
        tables: The tables.
    """
    missing = [axis for axis in axes(tables).values() if not row[f"known:{axis.input}"] and _is_open(axis.input, row)]
    steps = {axis.name: list(changes_of(axis, None)) for axis in missing}

    def least(sets: list[Changes]) -> list[Changes]:
        return [changes for changes, flips in zip(sets, _flipping(own, sets, answer, tables), strict=True) if flips]

    alone = least([(change,) for changes in steps.values() for change in changes])
    harmless = {
        name: [change for change in changes if (change,) not in alone]
        for name, changes in steps.items()
        if changes[0].input not in ALONE
    }
    pairs = [pair for two in itertools.combinations(harmless.values(), 2) for pair in itertools.product(*two)]
    jointly = least(pairs)
    told = [change for changes in (*alone, *jointly) for change in changes]
    told += [change for changes in _sampled(harmless, {*jointly}, least) for change in changes]
    return [name for name in inputs() if name in {change.input for change in told}]


def _sampled(
    harmless: Mapping[str, Sequence[Change]], jointly: set[Changes], least: Callable[[list[Changes]], list[Changes]]
) -> list[Changes]:
    """Sets of three changes and more, none of which could be left out, that lead to another answer; from a sample."""
    generator = np.random.default_rng(SEED)
    open_ones = [changes for changes in harmless.values() if changes]
    drawn = (tuple(changes[int(generator.integers(len(changes)))] for changes in open_ones) for _ in range(SAMPLE))
    found = least([changes for changes in drawn if jointly.isdisjoint(itertools.combinations(changes, 2))])
    for place in reversed(range(len(open_ones))):
        shorter = {changes: changes[:place] + changes[place + 1 :] for changes in found if len(changes) > place}
        enough = {*least([*shorter.values()])}
        found = [left if (left := shorter.get(changes)) in enough else changes for changes in found]
    return found


def _flipping(own: pl.DataFrame, sets: Sequence[Changes], answer: Answer, tables: Tables) -> list[bool]:
    """Whether each set of changes can hold and leads to another answer."""
    if not sets:
        return []
    frame = varied(own, sets, tables)
    unstated = [side for side in SIDES if own[column_of(IDENTITY[side][1])].item() is None]
    foreign = (_foreign(tables, side).fill_null(value=False) for side in unstated)
    possible = frame.select(~pl.any_horizontal(contradicted(tables), *foreign)).to_series()
    found = answers_to(frame, tables)
    return [can_be is not False and reached != answer for (reached, _), can_be in zip(found, possible, strict=True)]


def _is_open(name: str, row: Mapping[str, Any]) -> bool:
    """Whether an input is a fact that could come to be known: of what does not run there is no edition."""
    side = next((side for side in SIDES if name in IDENTITY[side][1:]), None)
    return name not in DEMANDS and (side is None or row[f"{side}:runs"] > NOTHING)


@kept_latest(16)
def _foreign(tables: Tables, side: str) -> pl.Expr:
    """Whether the edition of what runs is one of another product, or of another platform."""
    platforms = ("", *inputs()["cloud"].choices)
    own = [option for option in tables.options if option.side == side]
    known = [
        f"{name}/{option.id}/{option.edition}" for option in own for name in platforms if option.had_on(name or None)
    ]
    cloud, product, edition = (pl.col(column_of(name)).cast(pl.String) for name in ("cloud", *IDENTITY[side][:2]))
    return ~pl.concat_str(cloud.fill_null(""), product, edition, separator="/").is_in(known)


def contradicted(tables: Tables) -> pl.Expr:
    """Whether facts of ``compared`` scenarios cannot hold together."""
    return compile_condition(tables.contradiction, compare)


# --- flips ----------------------------------------------------------------------------------------------------------


def flips(
    own: pl.DataFrame,
    row: Mapping[str, Any],
    answer: Answer,
    tables: Tables,
) -> tuple[list[Change], pl.DataFrame]:
    """The nearest change of each known fact, in each direction, that leads to another answer, with that scenario.

    What has been and cannot come back is left out: another cloud, other products of today, an older kernel.

    Args:
        own: The ``compared`` scenario, one row.
        row: Its ``present_cells``, and ``known:NAME`` for each input.
        answer: What is recommended as it stands.
        tables: The tables.

    Returns:
        The changes, and the ``compared`` scenario after each of them.
    """
    known = [axis for axis in axes(tables).values() if row[f"known:{axis.input}"] and _can_change(axis.input)]
    tried = [change for axis in known for change in changes_of(axis, _here(axis, row)) if _can_come(change)]
    if not tried:
        return [], own.clear()
    frame = varied(own, [(change,) for change in tried], tables)
    found = answers_to(frame, tables)
    possible = frame.select(~contradicted(tables)).to_series()
    nearest: dict[tuple[object, ...], int] = {}
    for place, (change, (reached, eligible)) in enumerate(zip(tried, found, strict=True)):
        other = reached != answer and reached[0] is not None and reached[1] is not None
        if other and eligible and possible[place] is not False:
            nearest.setdefault((change.axis, change.side, reached), place)
    places = sorted(nearest.values(), key=lambda place: _effort(tried[place]))
    return [tried[place] for place in places], frame[places]


ACTIONS = ("change", "learn", "fixed")
"""What a team can do about an input, by ``inputs.csv``, in the order in which flips are told."""


def _can_change(name: str) -> bool:
    return inputs()[name].actionability != "fixed"


def _can_come(change: Change) -> bool:
    return not (inputs()[change.input].type == "version" and change.side == "below")


def _effort(change: Change) -> tuple[int, bool]:
    return ACTIONS.index(inputs()[change.input].actionability), change.member is not None
