"""The pairs of a platform as numbers, and the order in which they stand.

A pair is eligible where no need is unmet or unread and every requirement holds; not eligible where something that is
known rules it out; open otherwise. Among those that are eligible the first preference that speaks for one decides, of
the network before the mesh; then the smaller change. The order of a pair is one whole number, its parts from the most
significant to the least, so that the least of a scenario's numbers is its answer. ``ORDER`` lists the parts.

Each side of a pair is a row of bits, which pairs share; of what runs today, a row by what that is. So few numbers are
worked out for each pair itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from meshlab.cache import cached_latest
from meshlab.models.decision.contests import (
    MOST_PREFERENCES,
    NOTHING,
    Entry,
    Network,
    Running,
    Side,
    answering,
    asks_for_network,
    binding,
    entries_on,
    failing,
    known_running,
    meeting,
    network_of,
    numbered,
    prefers,
    requirements_of,
    rules,
    running,
)
from meshlab.models.decision.tables import NONE, PROVIDER, SAME, SIDES, TODAY, Preference, Tables

WORD = 62
"""Conditions whose bits one number holds, so that it stays positive. [bits]"""

NO_PREFERENCE = MOST_PREFERENCES
"""Place of the preference that speaks for a pair where none does."""

ORDER = {
    "absent": 1,
    "fails": 1,
    "lacking": 6,
    "unread": 6,
    "doubtful": 1,
    "cni_preference": 6,
    "mesh_leaves": 2,
    "unfinished": 6,
    "mesh_preference": 6,
    "cni_change": 2,
    "mesh_change": 2,
    "mesh_next": 6,
    "place": 10,
}
"""Parts of the number by which pairs are ordered, from the most significant, each with its bits.

A pair is absent where it is what runs today already, or nothing runs. How it stands the parts after that say: a
requirement that fails; how many needs it lacks; if none, of how many nobody read, and one more where a requirement is
open. Of pairs that lack as many, what nobody read of sets none apart. It is doubtful where a budget is more likely
broken than kept. ``mesh_leaves`` is set where no preference for
what runs, nor one before that, speaks for the mesh: what may stay is not replaced for what is more mature. It is 2, and
``cni_preference`` one more than ``NO_PREFERENCE``, of what repairs nothing where the product of today ails.
``mesh_next`` is the second preference that speaks for the mesh: what the first and the change leave level, it decides.
"""

BELOW = {name: sum(list(ORDER.values())[place + 1 :]) for place, name in enumerate(ORDER)}
"""Bits below each part."""

ABSENT = 1 << BELOW["absent"]
"""Least number of a pair that is not there."""

FAILS, DOUBTFUL = 1 << BELOW["fails"], 1 << BELOW["doubtful"]
"""What a pair's number gains that breaks a budget with near certainty, and more likely than not: by no table."""

LACKS = 1 << BELOW["lacking"]
"""What it gains by one need that it lacks."""

ELIGIBLE, OPEN, UNMET, RULED_OUT = range(4)
"""How a pair stands: it may be recommended; something is unread or unknown; a need is unmet; a requirement fails."""

Bits = NDArray[np.int64]
Kind = tuple[int, ...]
"""What a side of a pair, above a network, is told apart by: the conditions that its rows leave over."""


class Rows(msgspec.Struct, frozen=True, eq=False):
    """One side of pairs, a row for each option, or for everything that may run today.

    Args:
        needs: Needs met, met by what is finished, and not met, and all bits where it encrypts. [each rows × 1]
        product: The place of the product in ``known_running``. [rows × 1]
        option: The number of the option that it is; -1 of what runs today in an edition that is not known. [rows × 1]
        paid: Whether it takes a licence or a fee. [rows × 1]
        provided: Whether the provider of the platform runs it; of what runs today, whether it may. [rows × 1]
        ended: Whether its support has ended. [rows × 1]
        required: Its requirements. [words, each rows × 1]
        speaks: The preferences that speak for it where another product runs, and where another edition of it does.
            [each rows × 1]
    """

    needs: Bits
    product: Bits
    option: Bits
    paid: Bits
    provided: Bits
    ended: Bits
    required: Bits
    speaks: Bits

    def at(self, rows: Bits) -> Rows:
        """One of the rows for each scenario. [rows become 1 × scenarios]"""
        return Rows(*(getattr(self, name)[..., rows, 0][..., None, :] for name in Rows.__struct_fields__))


class Group(msgspec.Struct, frozen=True, eq=False):
    """Pairs that have the same sides from today.

    Args:
        place: Their places among the entries. [pairs × 1]
        rows: Of each side the row of each pair; of a side from today the number of its ``todays``. [pairs]
        needs: Needs met, met by what is finished, and not met, and all bits where a side encrypts; None where a side is
            from today. [each pairs × 1]
    """

    today: tuple[bool, bool]
    place: Bits
    rows: tuple[NDArray[np.intp], NDArray[np.intp]]
    needs: tuple[Bits, Bits, Bits, Bits] | None


class PairTable(msgspec.Struct, frozen=True, eq=False):
    """The contest on one platform.

    Args:
        platform: The platform; None where it is not known.
        entries: The pairs, in the order in which they stand where all else is equal.
        options: Of each side the rows of options.
        todays: Of each side rows of what may run today, one set for each network below it that makes a difference.
        groups: The pairs.
        keeps: Place of the last preference for the mesh that runs; -1 where there is none.
        ranks: Of each side the place of each preference, the same of one whose condition depends on the network.
    """

    platform: str | None
    entries: tuple[Entry, ...]
    options: tuple[Rows, Rows]
    todays: tuple[tuple[Rows, ...], tuple[Rows, ...]]
    groups: tuple[Group, ...]
    keeps: int
    ranks: tuple[NDArray[np.uint8], NDArray[np.uint8]]


@cached_latest(64)
def pair_table(tables: Tables, platform: str | None) -> PairTable:
    """The contest on a platform."""
    entries = entries_on(tables, platform)
    sides = [_Reading(tables, platform, side, entries) for side in SIDES]
    by_today: dict[tuple[bool, bool], list[int]] = {}
    for place, entry in enumerate(entries):
        by_today.setdefault((entry.cni is None, entry.mesh is None), []).append(place)
    options = (sides[0].options, sides[1].options)
    groups: list[Group] = []
    for today, places in by_today.items():
        cni, mesh = (np.array([reading.row[entries[place]] for place in places]) for reading in sides)
        needs = None if any(today) else _joint(tables, options[0].needs[:, cni], options[1].needs[:, mesh])
        groups.append(Group(today, np.array(places)[:, None], (cni, mesh), needs))
    preferred = rules(tables).preferred["mesh"].items()
    keeps = max((place for (row, _), place in preferred if row.option in (TODAY, SAME)), default=-1)
    todays, ranks = (sides[0].todays, sides[1].todays), (_ranks(tables, SIDES[0]), _ranks(tables, SIDES[1]))
    return PairTable(platform, entries, options, todays, tuple(groups), keeps, ranks)


def _ranks(tables: Tables, side: str) -> NDArray[np.uint8]:
    """The place of each preference: of one that has a condition for each network, the first of its places."""
    places = np.arange(NO_PREFERENCE + 1, dtype=np.uint8)
    first: dict[Preference, int] = {}
    for (row, _), place in rules(tables).preferred[side].items():
        places[place] = first.setdefault(row, place)
    return places


class _Reading:
    """One side of a platform's pairs as it is read from the tables: its ``Rows``, and the row of each pair."""

    def __init__(self, tables: Tables, platform: str | None, side: str, entries: Sequence[Entry]) -> None:
        self.tables, self.platform, self.name = tables, platform, side
        self.rules = rules(tables)
        known = known_running(tables, side)
        self.products = {today.id: place for place, today in reversed(list(enumerate(known)))}
        every = [running(tables, side, today, platform) for today in known]
        networks = {entry: network_of(entry.cni) for entry in entries}
        read = {entry: (getattr(entry, side), self.kind(getattr(entry, side), networks[entry])) for entry in entries}
        options = numbered(item for item in read.values() if item[0])
        todays = numbered(kind for option, kind in read.values() if not option)
        seen = {item: networks[entry] for entry, item in reversed(read.items())}
        self.own = numbered((option.id, option.edition) for option, _ in options)
        self.options = self.rows([(option, seen[option, kind]) for option, kind in options])
        self.todays = tuple(self.rows([(today, seen[None, kind]) for today in every]) for kind in todays)
        self.row = {entry: options[item] if item[0] else todays[item[1]] for entry, item in read.items()}

    def kind(self, side: Side | None, network: Network | None) -> Kind:
        """What is left above a network of the conditions that a side, or whatever runs today, depends on."""
        required = requirements_of(self.tables, side, self.platform) if side else self.tables.requirements
        rows = [
            *(row for row in self.tables.of_side(self.name) if not side or prefers(row, side, Running(side.id))),
            *(row for row in required if row.blocks and (side or row.today)),
        ]
        return tuple(self.rules.place(row, network) for row in rows if asks_for_network(row.condition))

    def rows(self, read: Sequence[tuple[Side, Network | None]]) -> Rows:
        """Sides as rows, each above a network."""
        return Rows(
            needs=_columns((side.met, side.finished, side.unmet, side.encrypts) for side, _ in read),
            product=_columns([[self.products.get(side.id, -1)] for side, _ in read])[0],
            option=_columns([[self.option(side)] for side, _ in read])[0],
            paid=_columns([[any(option.paid for option in side.options)] for side, _ in read])[0],
            provided=_columns(
                [(any if side.today else all)(option.supported_by == PROVIDER for option in side.options)]
                for side, _ in read
            )[0],
            ended=_columns([[all(option.status == "ended" for option in side.options)] for side, _ in read])[0],
            required=_columns(self.required(*item) for item in read),
            speaks=_columns(
                [self.speaks(side, Running(""), network), self.speaks(side, Running(side.id), network)]
                for side, network in read
            ),
        )

    def option(self, side: Side) -> int:
        """The number of the option that a side is; where nothing runs, no option is what runs."""
        return -1 if side.today and side.id == NONE else self.own.get((side.id, side.edition), -1)

    def required(self, side: Side, network: Network | None) -> list[int]:
        """Requirements of a side that rule it out, as bits of as many numbers as it takes."""
        numbers = self.rules.required[self.name]
        rows = (row for row in requirements_of(self.tables, side, self.platform) if row.blocks)
        found = [0] * max(1, -(-len(numbers) // WORD))
        for key in {(self.rules.place(row, network), row.lenient) for row in rows} & numbers.keys():
            found[numbers[key] // WORD] |= 1 << numbers[key] % WORD
        return found

    def speaks(self, side: Side, runs: Running, network: Network | None) -> int:
        """Preferences that speak for a side, as bits."""
        numbers = self.rules.preferred[self.name]
        rows = (row for row in self.tables.of_side(self.name) if prefers(row, side, runs))
        keys = {(row, self.rules.place(row, network)) for row in rows}
        return sum(1 << numbers[key] for key in keys & numbers.keys())


def _columns(rows: Iterable[Iterable[int]]) -> Bits:
    """Columns of rows. [columns × rows × 1]"""
    return np.array([[*row] for row in rows], np.int64).T[..., None]


# --- the order ------------------------------------------------------------------------------------------------------


def orders(held: PairTable, tables: Tables, facts: Mapping[str, Bits]) -> Bits:
    """The order of every pair in every scenario; one that is not there is at least ``ABSENT``. [pairs × scenarios]

    Args:
        held: The contest of their platform.
        tables: The tables.
        facts: Columns of ``stated`` scenarios, ``needs`` without a null; and ``asked``, whether they are known.
    """
    found = np.empty((len(held.entries), len(facts["needs"])), np.int64)
    todays = [[rows.at(facts[f"{side}:runs"]) for rows in held.todays[n]] for n, side in enumerate(SIDES)]
    words = [
        [
            _words(side, rows, today, facts, held.keeps, held.ranks[n])
            for rows, today in ((held.options[n], todays[n][0]), *((rows, rows) for rows in todays[n]))
        ]
        for n, side in enumerate(SIDES)
    ]
    for group in held.groups:
        needs = group.needs
        if needs is None:
            needs = _joint(tables, *(_needs(held.options[n], todays[n], group, n) for n in range(len(SIDES))))
        met, finished, unmet, encrypts = needs
        asked = binding(tables, facts["needs"], encrypts)
        lacking, unread = np.bitwise_count(asked & unmet), np.bitwise_count(asked & ~(met | unmet))
        found[group.place[:, 0]] = (
            (_side(words[0], group, 0) | _side(words[1], group, 1) | group.place)
            # an open requirement stands there already, and lacking lies side by side with unread
            + _placed("unread", lacking.astype(np.uint16) << ORDER["unread"] | unread * (lacking == 0))
            + _placed("unfinished", np.bitwise_count(asked & (met & ~finished)))
        )
    return found


def _side(words: Sequence[Bits], group: Group, n: int) -> Bits:
    """Words of one side of a group's pairs. [pairs × scenarios]"""
    options, *todays = words
    if not group.today[n]:
        return options[group.rows[n]]
    return todays[0] if len(todays) == 1 else np.concatenate([todays[int(row)] for row in group.rows[n]])


def _needs(options: Rows, todays: Sequence[Rows], group: Group, n: int) -> Bits:
    """Needs of one side of a group's pairs. [4, each pairs × 1 or 1 × scenarios]"""
    return todays[0].needs if group.today[n] else options.needs[:, group.rows[n]]


def _joint(tables: Tables, cni: Bits, mesh: Bits) -> tuple[Bits, Bits, Bits, Bits]:
    """Needs that pairs meet, meet by what is finished, and do not meet; and all bits where a side encrypts."""
    by = answering(tables, cni[3], mesh[3])
    met, finished = (meeting(tables, cni[n], mesh[n], by) for n in (0, 1))
    return met, finished, failing(tables, cni[2], mesh[2], by), cni[3] | mesh[3]


def _words(side: str, rows: Rows, today: Rows, facts: Mapping[str, Bits], keeps: int, ranks: NDArray[np.uint8]) -> Bits:
    """The part of rows of one side in the order of pairs. [rows × scenarios]

    No preference speaks for a product that runs and is said to be unhealthy, and a move to another one stands before it
    that takes no licence, or of which the product of today takes one, too: neither another edition nor money repairs
    what ails. An edition that the provider runs in place of the team is another matter, and what has ended goes anyway.
    """
    runs = facts[f"{side}:runs"]
    ails = facts[f"{side}:ails"] & (runs > NOTHING) & (today.ended == 0)
    alike = rows.product == today.product
    taken_over = (rows.provided != 0) & (today.provided == 0)
    repairs_nothing = ails & (alike | (rows.paid > today.paid)) & ~taken_over
    spoken = facts[f"{side}:holds:0"] & np.where(alike, rows.speaks[1, ...], rows.speaks[0, ...])
    # of meshes that are paid anew, all of which stand behind, preferences decide; none speaks for the product that ails
    unspoken = repairs_nothing & (alike | (side != "mesh"))
    first = np.where(unspoken, NO_PREFERENCE + 1, ranks[_first(spoken)])
    word = _placed(f"{side}_preference", first) | _placed("unread", ~facts["asked"])
    if side == "mesh":
        word |= _placed("mesh_leaves", np.where(repairs_nothing, 2, first > keeps))
        word |= _placed("mesh_next", ranks[_first(spoken & (spoken - 1))])
    if rows is today:
        word |= _placed("absent", runs == NOTHING if side == "cni" else runs <= NOTHING)
        word |= _placed(f"{side}_change", np.where(ails, 3, 0))
    else:
        no_change = (rows.product == NOTHING) & (runs <= NOTHING)
        word |= _placed("absent", rows.option == today.option)
        change = np.where(repairs_nothing, 3, 2 - alike)
        word |= _placed(f"{side}_change", np.where(no_change, 0, change))
    for number, required in enumerate(rows.required):
        word |= _placed("fails", facts[f"{side}:fails:{number}"] & required != 0)
        word |= _placed("unread", facts[f"{side}:unknown:{number}"] & required != 0)
    return word


def _placed(name: str, values: NDArray[Any]) -> Bits:
    """A part of the order at its place."""
    return values.astype(np.int64) << BELOW[name]


def _first(bits: Bits) -> NDArray[np.uint8]:
    """Place of the lowest bit; ``NO_PREFERENCE`` where there is none."""
    some = bits | 1 << NO_PREFERENCE
    return np.bitwise_count((some & -some) - 1)


def part(order: Bits, name: str) -> Bits:
    """A part of the order."""
    return order >> BELOW[name] & (1 << ORDER[name]) - 1


def standing(order: Bits) -> Bits:
    """How pairs stand: ``ELIGIBLE``, ``OPEN``, ``UNMET`` or ``RULED_OUT``."""
    met = np.where(part(order, "unread") != 0, OPEN, ELIGIBLE)
    return np.where(part(order, "fails") != 0, RULED_OUT, np.where(part(order, "lacking") != 0, UNMET, met))
