"""What changes an answer: facts that are missing, and facts that could become otherwise.

A fact changes from its cell into another, to the nearest value there; a missing one takes each of its cells. All
changes of a scenario are rows of one frame, so that one query decides them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from meshlab.cache import cached_latest
from meshlab.models.decision.conditions import ORDERED, STATES, Compiled, bit, compiled
from meshlab.models.decision.contests import NOTHING
from meshlab.models.decision.decide import IDENTITY, answered, column_of, states_of
from meshlab.models.decision.partitions import Axis, axes, place_of, points, with_value
from meshlab.models.decision.tables import SIDES, Tables
from meshlab.scenario import inputs

ANSWER = ("cni", "mesh", "cni_edition", "mesh_edition")
"""What a verdict recommends: CNI, mesh, and the edition of each that is new."""

Answer = tuple[str | None, ...]
"""The values of ``ANSWER``."""

DEMANDS = frozenset({"provider_support_required", "gradual_move_required", "policy_sync", "daemonsets_run"})
"""Rules that a team may state, and what only a few clusters lack. One that nobody stated is no fact that is missing."""

ALONE = frozenset({"needs", "licence_usd_per_year"})
"""Inputs that are tried alone, and not beside others: needs are one fact; and a budget that nobody stated matters where
what is recommended has a price, or where money would buy something better."""

SAMPLE, SEED = 512, 20261124
"""Completions of three missing facts and more that are tried, and the seed by which they are drawn."""


class Change(msgspec.Struct, frozen=True):
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
        return with_value(values, self.input, self.member, self.value)


def present_cells(own: pl.DataFrame, tables: Tables) -> dict[str, int | None]:
    """By axis the place of the cell in which a ``compared`` scenario lies; None where the fact is missing."""
    states = iter(states_of(own, _all_tests(tables))[:, 0])
    return {
        axis.name: place_of(axis, tuple(STATES[int(next(states))] for _ in axis.tests))
        for axis in axes(tables).values()
    }


@cached_latest(16)
def _all_tests(tables: Tables) -> Compiled:
    return compiled([test for axis in axes(tables).values() for test in axis.tests], inputs())


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


class Tried(NamedTuple):
    """Sets of changes of one scenario that are tried.

    Args:
        changes: The changes.
        sets: Their places, -1 where a set has fewer. [sets x the most changes of a set]
        frame: The ``compared`` scenario after each set, one row a set.
    """

    changes: Sequence[Change]
    sets: NDArray[np.intp]
    frame: pl.DataFrame


def one_by_one(own: pl.DataFrame, changes: Sequence[Change], tables: Tables, before: int = 0) -> Tried:
    """Each change of a ``compared`` scenario alone, after so many rows ``before`` without a change."""
    return tried(own, changes, np.arange(-before, len(changes))[:, None], tables)


def tried(own: pl.DataFrame, changes: Sequence[Change], sets: NDArray[np.intp], tables: Tables) -> Tried:
    """A ``compared`` scenario after each set of changes; a place below zero changes nothing."""
    rows, columns = np.nonzero(sets >= 0)
    places: NDArray[np.intp] = sets[rows, columns]
    names = list(dict.fromkeys(change.input for change in changes))
    input_of = np.array([names.index(change.input) for change in changes], np.intp)
    found: list[pl.Series] = []
    for number, name in enumerate(names):
        mine: NDArray[np.bool_] = input_of[places] == number
        if mine.any():
            found.append(
                _changed(own, name, [changes[place] for place in map(int, places[mine])], rows[mine], len(sets), tables)
            )
    return Tried(changes, sets, own[np.zeros(len(sets), np.uint32)].with_columns(found))


def _changed(
    own: pl.DataFrame, name: str, changes: Sequence[Change], rows: NDArray[np.intp], count: int, tables: Tables
) -> pl.Series:
    """The column of an input over some rows, after each change in its row."""
    column = column_of(name)
    if inputs()[name].type != "set":
        values = pl.concat([points(tables)[name], own[column]])
        at = np.full(count, len(values) - 1)
        at[rows] = [change.point for change in changes]
        return values.gather(at).alias(column)
    held = np.full(count, own[column].fill_null(0).item(), dtype=np.uint64)
    masks = np.array([bit(inputs()[name], change.member or "") for change in changes], np.uint64)
    gained = np.array([change.value for change in changes], bool)
    np.bitwise_or.at(held, rows[gained], masks[gained])
    np.bitwise_and.at(held, rows[~gained], ~masks[~gained])
    if own[column].is_not_null().item():
        return pl.Series(column, held)
    touched = np.isin(np.arange(count), rows)
    return pl.select(pl.when(pl.Series(touched)).then(pl.Series(held)).alias(column)).to_series()


def answers_to(frames: Sequence[pl.DataFrame], tables: Tables) -> list[pl.DataFrame]:
    """The answers to some frames of ``compared`` scenarios, by one query.

    Columns: ``ANSWER``; ``eligible``, whether what is recommended is; ``contradicted``, whether the facts of a scenario
    cannot hold together.
    """
    frame = pl.concat(frames)
    found = answered(frame, tables).select(*ANSWER, "eligible", "contradicted")
    ends = itertools.accumulate(map(len, frames))
    return [found[end - len(each) : end] for each, end in zip(frames, ends, strict=True)]


def answer_of(row: Mapping[str, Any]) -> Answer:
    """The answer of a row of ``decide``."""
    return tuple(row[name] for name in ANSWER)


# --- missing facts --------------------------------------------------------------------------------------------------


def missing_facts(own: pl.DataFrame, row: Mapping[str, Any], tables: Tables) -> Tried:
    """Every value of each missing fact: each alone, then each two together. Needs that nobody stated are one fact.

    Args:
        own: The ``compared`` scenario, one row.
        row: ``known:NAME`` for each input, and ``SIDE:runs``.
        tables: The tables.
    """
    missing = [axis for axis in axes(tables).values() if not row[f"known:{axis.input}"] and _is_open(axis.input, row)]
    changes = [change for axis in missing for change in changes_of(axis, None)]
    shared = np.array([change.input not in ALONE for change in changes], bool)
    numbers = np.array([[axis.name for axis in missing].index(change.axis) for change in changes], np.intp)
    pairs = np.argwhere(np.triu(shared & shared[:, None] & (numbers != numbers[:, None])))
    alone = np.stack([np.arange(len(changes)), np.full(len(changes), -1)], axis=1)
    return tried(own, changes, np.concatenate([alone, pairs]), tables)


def open_facts(
    own: pl.DataFrame, missing: Tried, found: pl.DataFrame, answer: Answer, tables: Tables
) -> dict[str, dict[Change, Answer]]:
    """Missing facts that could change the answer: each value that does so by itself, and the answer that it leads to.

    A fact without such a value changes it together with others that do not do so alone. Values of one fact and of two
    are all tried, of more in a sample of completions. Completions that put together what cannot hold together do not
    count.

    Args:
        own: The ``compared`` scenario, one row.
        missing: Its ``missing_facts``.
        found: The answers to these.
        answer: What is recommended as it stands.
        tables: The tables.
    """
    changes, count = missing.changes, len(missing.changes)
    flipping = _flipping(own, missing.frame, found, answer, tables)
    alone, pairs = flipping[:count], missing.sets[count:]
    harmless = ~alone & np.array([change.input not in ALONE for change in changes], bool)
    jointly = pairs[flipping[count:] & harmless[pairs].all(axis=1)]
    sampled = _sampled(own, changes, harmless, jointly, answer, tables)
    leads = {place: answer_of(found.row(place, named=True)) for place in np.flatnonzero(alone).tolist()}
    told = {changes[place].input: dict[Change, Answer]() for place in (*leads, *jointly.ravel().tolist(), *sampled)}
    for place, answer_then in leads.items():
        told[changes[place].input][changes[place]] = answer_then
    return {name: told[name] for name in inputs() if name in told}


def _sampled(
    own: pl.DataFrame,
    changes: Sequence[Change],
    harmless: NDArray[np.bool_],
    jointly: NDArray[np.intp],
    answer: Answer,
    tables: Tables,
) -> list[int]:
    """Changes of sets of three and more, none of which could be left out, that lead to another answer; from a sample.

    No set holds two changes that do so ``jointly``.
    """
    of_axis = itertools.groupby(np.flatnonzero(harmless).tolist(), key=lambda place: changes[place].axis)
    open_ones = [np.array([*places]) for _, places in of_axis]
    if len(open_ones) <= 2:  # noqa: PLR2004  (each two have been tried)
        return []
    drawn = np.random.default_rng(SEED).integers([len(places) for places in open_ones], size=(SAMPLE, len(open_ones)))
    sets = np.stack([places[drawn[:, column]] for column, places in enumerate(open_ones)], axis=1)
    told = np.zeros((len(changes), len(changes)), bool)
    told[jointly[:, 0], jointly[:, 1]] = True

    def flipping(sets: NDArray[np.intp]) -> NDArray[np.bool_]:
        frame = tried(own, changes, sets, tables).frame
        (found,) = answers_to([frame], tables)
        return _flipping(own, frame, found, answer, tables)

    found = sets[~told[sets[:, :, None], sets[:, None, :]].any(axis=(1, 2))]
    found = found[flipping(found)]
    for place in reversed(range(len(open_ones) if len(found) else 0)):
        shorter = found.copy()
        shorter[:, place] = -1
        found = np.where(flipping(shorter)[:, None], shorter, found)
    return found[found >= 0].tolist()


def _flipping(
    own: pl.DataFrame, frame: pl.DataFrame, found: pl.DataFrame, answer: Answer, tables: Tables
) -> NDArray[np.bool_]:
    """Whether each changed scenario can be and has another answer than the scenario itself."""
    unstated = [side for side in SIDES if own[column_of(IDENTITY[side][1])].item() is None]
    never = pl.repeat(value=False, n=pl.len())
    foreign = frame.select(pl.any_horizontal(never, *(_foreign(tables, side) for side in unstated))).to_series()
    return (
        found.select(differs_from(answer) & ~pl.col("contradicted") & ~foreign.fill_null(value=False))
        .to_series()
        .to_numpy()
    )


def differs_from(answer: Answer) -> pl.Expr:
    """Whether an answer is another one than a given one."""
    return pl.any_horizontal(pl.col(name).ne_missing(pl.lit(value)) for name, value in zip(ANSWER, answer, strict=True))


def _is_open(name: str, row: Mapping[str, Any]) -> bool:
    """Whether an input is a fact that could come to be known: of what does not run there is no edition."""
    side = next((side for side in SIDES if name in IDENTITY[side][1:]), None)
    return name not in DEMANDS and (side is None or row[f"{side}:runs"] > NOTHING)


@cached_latest(16)
def _foreign(tables: Tables, side: str) -> pl.Expr:
    """Whether the edition of what runs is one of another product, or of another platform."""
    platforms = ("", *inputs()["cloud"].choices)
    own = [option for option in tables.options if option.side == side]
    known = [
        f"{name}/{option.id}/{option.edition}" for option in own for name in platforms if option.had_on(name or None)
    ]
    cloud, product, edition = (pl.col(column_of(name)).cast(pl.String) for name in ("cloud", *IDENTITY[side][:2]))
    return ~pl.concat_str(cloud.fill_null(""), product, edition, separator="/").is_in(known)


# --- flips ----------------------------------------------------------------------------------------------------------


def known_facts(own: pl.DataFrame, row: Mapping[str, Any], tables: Tables) -> Tried:
    """Every other value of each known fact, alone, from near to far.

    What has been and cannot come back is left out: another cloud, other products of today, an older kernel.

    Args:
        own: The ``compared`` scenario, one row.
        row: Its ``present_cells``, as ``cell:AXIS``, and ``known:NAME`` for each input.
        tables: The tables.
    """
    changes = [
        change
        for axis in axes(tables).values()
        if row[f"known:{axis.input}"] and inputs()[axis.input].actionability != "fixed"
        for change in changes_of(axis, row[f"cell:{axis.name}"])
        if inputs()[axis.input].type != "version" or change.side != "below"
    ]
    return one_by_one(own, changes, tables)


def flips(known: Tried, found: pl.DataFrame, answer: Answer) -> tuple[list[Change], pl.DataFrame]:
    """The nearest change of each known fact, in each direction, that leads to another answer, with that scenario.

    Args:
        known: The ``known_facts`` of a scenario.
        found: The answers to these.
        answer: What is recommended as it stands.

    Returns:
        The changes, and the ``compared`` scenario after each of them.
    """
    whole = pl.col("cni").is_not_null() & pl.col("mesh").is_not_null() & pl.col("eligible")
    can_be = ~pl.col("contradicted")
    others = found.with_row_index("place").filter(differs_from(answer) & whole & can_be)
    nearest: dict[tuple[object, ...], int] = {}
    for place, *reached in others.select("place", *ANSWER).iter_rows():
        change = known.changes[int(place)]
        nearest.setdefault((change.axis, change.side, *reached), int(place))
    places = sorted(nearest.values(), key=lambda place: effort(known.changes[place]))
    return [known.changes[place] for place in places], known.frame[places]


ACTIONS = ("change", "learn", "fixed")
"""What a team can do about an input, by ``inputs.csv``, in the order in which flips are told."""


def effort(change: Change) -> tuple[int, bool]:
    """What it takes to change a fact: what can be changed comes before what can only be learnt."""
    return ACTIONS.index(inputs()[change.input].actionability), change.member is not None
