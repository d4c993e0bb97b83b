"""The pairs of a platform as numbers, and the order in which they stand.

A pair is eligible where no need is unmet or unread and every requirement holds; not eligible where something that is
known rules it out; open otherwise. Among those that are eligible the first preference that speaks for one decides, of
the network before the mesh; then the smaller change. The order of a pair is one whole number, its parts from the most
significant to the least, so that the least of a scenario's numbers is its answer.

Each side of a pair is a row of bits, which pairs share; of what runs today, a row by what that is. So few numbers are
worked out for each pair itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshlab.kept import kept_latest
from meshlab.models.decision.contests import (
    NOT_KNOWN,
    NOTHING,
    Entry,
    Network,
    Running,
    Side,
    answering,
    asks_for_network,
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
from meshlab.models.decision.tables import NONE, SIDES, Tables

WORD = 62
"""Conditions whose bits one number holds, so that it stays positive. [bits]"""

NO_PREFERENCE = WORD
"""Place of the preference that speaks for a pair where none does."""

ORDER: tuple[tuple[str, int], ...] = (
    ("aside", 1),
    ("standing", 2),
    ("gap", 6),
    ("cni_preference", 6),
    ("unfinished", 6),
    ("mesh_preference", 6),
    ("cni_change", 2),
    ("mesh_change", 2),
    ("place", 10),
)
"""Parts of the number by which pairs are ordered, from the most significant, each with its bits."""

ELIGIBLE, OPEN, UNMET, RULED_OUT = range(4)
"""How a pair stands: it may be recommended; something is unread or unknown; a need is unmet; a requirement fails."""

FAILS, IS_OPEN, ABSENT = 1 << 60, 1 << 61, 1 << 62
"""Bits above the order that say of one side that a requirement fails, that one is open, and that it is not there."""

Bits = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one side, the bits of each as a column.

    Args:
        needs: Needs met, met by what is finished, and not met, and all bits where it encrypts. [4 × rows]
        product: The place of the product in ``known_running``. [rows]
        option: The number of the option that it is; -1 of what runs today in an edition that is not known. [rows]
        required: Its requirements. [words × rows]
        speaks: The preferences that speak for it where another product runs, and where another edition of it does.
            [2 × rows]
    """

    needs: Bits
    product: Bits
    option: Bits
    required: Bits
    speaks: Bits


@dataclass(frozen=True, eq=False)
class Board:
    """The contest on one platform.

    Args:
        platform: The platform; None where it is not known.
        entries: The pairs, in the order in which they stand where all else is equal.
        options: Of each side the rows of options; on the mesh side once for each network that makes a difference.
        todays: Of each side, for each such network, a row for everything that may run today.
        pairs: Of each side the row of each pair: an option, or beyond those the network above which today's is seen.
    """

    platform: str | None
    entries: tuple[Entry, ...]
    options: Mapping[str, Rows]
    todays: Mapping[str, tuple[Rows, ...]]
    pairs: Mapping[str, NDArray[np.intp]]


@kept_latest(64)
def board(tables: Tables, platform: str | None) -> Board:
    """The contest on a platform."""
    entries = entries_on(tables, platform)
    seen = {entry: _seen(tables, network_of(entry.cni)) for entry in entries}
    networks = {kind: network_of(entry.cni) for entry, kind in reversed(seen.items())}
    kinds = {"cni": numbered([()]), "mesh": numbered(networks)}
    options: dict[str, Rows] = {}
    todays: dict[str, tuple[Rows, ...]] = {}
    pairs: dict[str, NDArray[np.intp]] = {}
    for side in SIDES:
        at = [(getattr(entry, side), seen[entry] if side == "mesh" else ()) for entry in entries]
        rows = numbered((option, kind) for option, kind in at if option)
        own = numbered((option.id, option.edition) for option, _ in rows)
        read = [(option, networks.get(kind)) for option, kind in rows]
        options[side] = _rows(tables, platform, side, own, read)
        known = known_running(tables, side)
        todays[side] = tuple(
            _rows(
                tables, platform, side, own,
                [(running(tables, side, today, platform), networks.get(kind)) for today in known],
            )
            for kind in kinds[side]
        )  # fmt: skip
        pairs[side] = np.array([rows[option, kind] if option else len(rows) + kinds[side][kind] for option, kind in at])
    return Board(platform, entries, options, todays, pairs)


def _seen(tables: Tables, network: Network | None) -> tuple[int, ...]:
    """What rows of the mesh side read of a network: the conditions that it leaves of theirs."""
    rows = (*tables.preferences, *tables.requirements)
    return tuple(rules(tables).place(row, network) for row in rows if asks_for_network(row.condition))


def _rows(
    tables: Tables,
    platform: str | None,
    name: str,
    own: Mapping[Network, int],
    read: Sequence[tuple[Side, Network | None]],
) -> Rows:
    held, known = rules(tables), known_running(tables, name)
    products = {today.id: place for place, today in reversed(list(enumerate(known)))}

    def required(side: Side, network: Network | None) -> list[int]:
        rows = (row for row in requirements_of(tables, side, platform) if row.blocks)
        keys = ((held.place(row, network), row.lenient) for row in rows)
        return _words(
            (held.required[name][key] for key in keys if key in held.required[name]), len(held.required[name])
        )

    def speaks(side: Side, runs: Running, network: Network | None) -> int:
        rows = (row for row in tables.of_side(name) if prefers(row, side, runs))
        keys = ((row, held.place(row, network)) for row in rows)
        return sum(1 << held.preferred[name][key] for key in keys if key in held.preferred[name])

    return Rows(
        needs=_columns((side.met, side.finished, side.unmet, side.encrypts) for side, _ in read),
        product=np.array([products.get(side.id, -1) for side, _ in read]),
        option=np.array(
            [-1 if side.id == NONE and side.today else own.get((side.id, side.edition), -1) for side, _ in read]
        ),
        required=_columns(required(*item) for item in read),
        speaks=_columns(
            [speaks(side, Running(""), network), speaks(side, Running(side.id), network)] for side, network in read
        ),
    )


def _columns(rows: Iterable[Iterable[int]]) -> Bits:
    return np.array([[*row] for row in rows], np.int64).T


def _words(places: Iterable[int], count: int) -> list[int]:
    """Places as the bits of as many numbers as it takes."""
    found = [0] * max(1, -(-count // WORD))
    for place in {*places}:
        found[place // WORD] |= 1 << place % WORD
    return found


# --- the order ------------------------------------------------------------------------------------------------------


def orders(held: Board, tables: Tables, facts: Mapping[str, Bits]) -> Bits:
    """The order of every pair in every scenario; one that is not there is at least ``ABSENT``. [pairs × scenarios]

    Args:
        held: The contest of their platform.
        tables: The tables.
        facts: Columns of ``stated`` scenarios, ``needs`` without a null; and ``asked``, whether they are known.
    """
    words: list[Bits] = []
    needs: list[list[Bits]] = []
    for side in SIDES:
        word, own = _of_side(held, side, facts)
        at = held.pairs[side]
        words.append(word[at])
        needs.append([part[at] for part in own])
    (cni_met, cni_finished, cni_unmet, cni_encrypts), (mesh_met, mesh_finished, mesh_unmet, mesh_encrypts) = needs
    asked, by = facts["needs"], answering(tables, cni_encrypts, mesh_encrypts)
    met = meeting(tables, cni_met, mesh_met, by) & asked
    finished = meeting(tables, cni_finished, mesh_finished, by)
    lacking = failing(tables, cni_unmet, mesh_unmet, by) & asked
    unread = asked & ~(met | lacking)
    sides = words[0] | words[1]
    is_open = (sides & IS_OPEN != 0) | (unread != 0) | ~facts["asked"]
    standing = np.where(lacking != 0, UNMET, np.where(is_open, OPEN, ELIGIBLE))
    return _placed(
        sides & ~(FAILS | IS_OPEN),
        standing=np.where(sides & FAILS != 0, RULED_OUT, standing),
        gap=np.bitwise_count(np.where(lacking != 0, lacking, unread)),
        unfinished=np.bitwise_count(met & ~finished),
        place=np.arange(len(held.entries))[:, None],
    )


def _of_side(held: Board, side: str, facts: Mapping[str, Bits]) -> tuple[Bits, list[Bits]]:
    """The rows of one side in some scenarios: their part of the order, and their needs. [rows × scenarios]"""
    runs, count = facts[f"{side}:runs"], len(facts["needs"])
    options, todays = held.options[side], held.todays[side]

    def every(column: Callable[[Rows], Bits]) -> Bits:
        """A column of all rows in all scenarios."""
        fixed = np.broadcast_to(column(options)[..., None], (*column(options).shape, count))
        return np.concatenate([fixed, *(column(rows)[..., None, runs] for rows in todays)], axis=-2)

    first = todays[0]
    product, option = every(lambda rows: rows.product), every(lambda rows: rows.option)
    is_today = np.arange(len(product))[:, None] >= len(options.product)
    alike = product == first.product[runs]
    speaks = every(lambda rows: rows.speaks)
    required = every(lambda rows: rows.required)
    fails, unknown = (
        np.any([facts[f"{side}:{name}:{word}"] & bits for word, bits in enumerate(required)], axis=0)
        for name in ("fails", "unknown")
    )
    is_there = np.where(is_today, runs != NOTHING if side == "cni" else runs > NOTHING, option != first.option[runs])
    no_change = is_today | ((product == NOTHING) & (runs <= NOTHING))
    parts = {
        f"{side}_preference": _first(facts[f"{side}:holds:0"] & np.where(alike, speaks[1], speaks[0])),
        f"{side}_change": np.where(no_change, 0, np.where(alike, 1, 2)),
    }
    if side == "cni":
        parts["aside"] = ~is_today & (runs == NOT_KNOWN)
    word = fails * FAILS | unknown * IS_OPEN | ~is_there * ABSENT
    return _placed(word, **parts), [*every(lambda rows: rows.needs)]


def _placed(whole: Bits, **parts: Bits) -> Bits:
    """A number with parts of the order, each at its place."""
    below = 0
    for name, bits in reversed(ORDER):
        if name in parts:
            whole = whole | (parts[name].astype(np.int64) << below)
        below += bits
    return whole


def _first(bits: Bits) -> Bits:
    """Place of the lowest bit; ``NO_PREFERENCE`` where there is none."""
    some = bits | 1 << NO_PREFERENCE
    return np.bitwise_count((some & -some) - 1)


def parts_of(order: int) -> dict[str, int]:
    """The parts of the number by which pairs are ordered."""
    found: dict[str, int] = {}
    for name, bits in reversed(ORDER):
        found[name] = order & ((1 << bits) - 1)
        order >>= bits
    return found
