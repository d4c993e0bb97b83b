"""Who takes part in a contest: for each platform and each product of today, the pairs that people choose among.

A contest depends on three facts alone: the platform, the network of today and the mesh of today, each with its edition
as far as it is known. Its pairs are rows of numbers: which needs a pair is known to meet and not to meet, as bits; which
requirements it has and which preferences speak for it, as bits of conditions; and how it ranks where no preference
decides. So that deciding any number of scenarios is one join and a few operations on bits (``decide``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

from meshlab.kept import kept_latest
from meshlab.models.decision.conditions import (
    ALWAYS,
    NEVER,
    All,
    Condition,
    Not,
    OneOf,
    Some,
    bit,
    inputs_of,
)
from meshlab.models.decision.tables import (
    ANYWHERE,
    NONE,
    RESULTING,
    STATUSES,
    TODAY,
    Option,
    Pair,
    Requirement,
    Tables,
    selects,
)
from meshlab.scenario import inputs

WORD = 62
"""Bits of one number that hold conditions, so that it stays positive. [bits]"""


class Running(NamedTuple):
    """What runs today on one side, as far as it is known.

    Args:
        id: The product; ``none`` where nothing runs, empty where it is not known.
        edition: Its edition, empty where it is not known.
        policy_engine: The engine beside a network, where only that is known of its edition.
    """

    id: str
    edition: str = ""
    policy_engine: str = ""


class Context(NamedTuple):
    """The facts that a contest depends on; the platform is None where it is not known."""

    platform: str | None
    cni: Running
    mesh: Running


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pair: an option, or what runs today, of which several editions may come into question."""

    id: str
    edition: str
    today: bool
    options: tuple[Option, ...]
    met: int
    unmet: int

    @property
    def encrypts(self) -> bool:
        """Whether it encrypts the traffic of pods as it is installed."""
        return any(option.encrypts for option in self.options)

    @property
    def only(self) -> Option | None:
        """The option that it is, or None where several editions come into question."""
        return self.options[0] if len(self.options) == 1 else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A pair in a contest."""

    cni: Side
    mesh: Side
    tuned: bool
    met: int
    unmet: int
    requirements: tuple[Requirement, ...]
    blocking: tuple[Condition, ...]

    @property
    def today(self) -> bool:
        """Whether it is what runs on both sides."""
        return self.cni.today and self.mesh.today


# --- needs as bits --------------------------------------------------------------------------------------------------


@kept_latest(16)
def layer_bits(tables: Tables) -> dict[str, int]:
    """The needs of each layer as bits."""
    spec = inputs()["needs"]
    found: dict[str, int] = {}
    for need, layer in tables.layers.items():
        found[layer] = found.get(layer, 0) | bit(spec, need)
    return found


@kept_latest(4096)
def _bits(tables: Tables, option: Option, platform: str | None) -> tuple[int, int]:
    """Needs that an option is known to meet, and known not to meet."""
    spec, met, unmet = inputs()["needs"], 0, 0
    for need in tables.layers:
        cell = tables.cell(option, need, platform)
        met |= bit(spec, need) if cell and cell.meets else 0
        unmet |= bit(spec, need) if cell and cell.meets is False else 0
    return met, unmet


def _joined(tables: Tables, cni: Side, mesh: Side) -> tuple[int, int]:
    """Needs that a pair meets and does not meet, each by the cells of the side or sides that count for it."""
    layers = layer_bits(tables)
    of = {name: layers.get(name, 0) for name in ("cni", "mesh", "any", "both", "encrypting")}
    met = (of["cni"] & cni.met) | (of["mesh"] & mesh.met) | (of["any"] & (cni.met | mesh.met))
    unmet = (of["cni"] & cni.unmet) | (of["mesh"] & mesh.unmet) | (of["any"] & cni.unmet & mesh.unmet)
    both = [side for side in (cni, mesh) if side.id != NONE]
    encrypting = [side for side in (cni, mesh) if side.encrypts] or [cni]
    for layer, sides in (("both", both), ("encrypting", encrypting)):
        met |= of[layer] & reduce(and_, (side.met for side in sides))
        unmet |= of[layer] & reduce(or_, (side.unmet for side in sides))
    return met, unmet


# --- sides ----------------------------------------------------------------------------------------------------------


@kept_latest(65536)
def chosen(tables: Tables, side: str, name: str, edition: str, platform: str | None) -> Side:
    """An option as one side of a pair."""
    option = tables.option(side, name, edition, platform)
    return Side(name, edition, False, (option,), *_bits(tables, option, platform))


@kept_latest(65536)
def running(tables: Tables, side: str, today: Running, platform: str | None) -> Side:
    """What runs today as one side of a pair.

    Where its edition is not known, it meets a need that every edition meets which has not ended and can be had here,
    and fails one that none of them meets. An ended edition counts only where it is stated.
    """
    editions = [option for option in tables.editions(side, today.id) if option.had_on(platform)]
    editions = editions or list(tables.editions(side, today.id))
    stated = [option for option in editions if option.edition == today.edition and today.edition]
    with_engine = [option for option in editions if today.policy_engine and option.policy_engine == today.policy_engine]
    going_on = [option for option in editions if option.status != "ended"]
    possible = stated or [option for option in with_engine if option in going_on] or with_engine or going_on or editions
    bits = [_bits(tables, option, platform) for option in possible] or [(0, 0)]
    edition = possible[0].edition if len(possible) == 1 else ""
    return Side(today.id, edition, True, tuple(possible), *(reduce(and_, column) for column in zip(*bits, strict=True)))


# --- pairs ----------------------------------------------------------------------------------------------------------


@kept_latest(65536)
def contest(tables: Tables, context: Context) -> tuple[Entry, ...]:
    """The pairs of a contest, best first where no preference decides between them."""
    found = [
        _entry(tables, cni, mesh, tuned=tuned)
        for cni, mesh, tuned in dict.fromkeys(_combinations(tables, context))
        if _distinct(cni, context.cni) and _distinct(mesh, context.mesh)
    ]
    return tuple(sorted(found, key=lambda entry: _effort(tables, entry, context)))


def _combinations(tables: Tables, context: Context) -> Iterator[tuple[Side, Side, bool]]:
    """Both sides of each pair that is listed for the platform; where it is not known, what can be had anywhere."""
    listed = [
        pair
        for pair in tables.pairs
        if pair.platform == context.platform or (context.platform is None and _anywhere(tables, pair))
    ]
    for pair in listed:
        sides = [
            _today(tables, side, context) if name == TODAY else chosen(tables, side, name, edition, context.platform)
            for side, name, edition in (
                ("cni", pair.cni, pair.cni_edition),
                ("mesh", pair.mesh, pair.mesh_edition),
            )
        ]
        if all(sides):
            cni, mesh = (side for side in sides if side)
            yield cni, mesh, False
            if cni.today and mesh.today and mesh.id not in (NONE, ""):
                yield cni, mesh, True


def _today(tables: Tables, side: str, context: Context) -> Side | None:
    """What runs on one side; nothing where there is nothing to keep, or where no mesh is known to run."""
    today = context.cni if side == "cni" else context.mesh
    if today.id == NONE or (side == "mesh" and not today.id):
        return chosen(tables, side, NONE, "", context.platform) if side == "mesh" and today.id else None
    return running(tables, side, today, context.platform)


def _anywhere(tables: Tables, pair: Pair) -> bool:
    places = (("cni", pair.cni, pair.cni_edition), ("mesh", pair.mesh, pair.mesh_edition))
    return all(name == TODAY or ANYWHERE in tables.option(side, name, edition, None).platforms for side, name, edition in places)


def _distinct(side: Side, today: Running) -> bool:
    """Whether a side is not, under another name, what runs today."""
    return side.today or (side.id, side.edition) != (today.id, today.edition) or side.id == NONE


def _entry(tables: Tables, cni: Side, mesh: Side, *, tuned: bool) -> Entry:
    requirements = tuple(
        row
        for row in tables.requirements
        for name, side in (("cni", cni), ("mesh", mesh))
        if row.side == name and _binds(row, side)
    )
    blocking = tuple(about(row.condition, cni) for row in requirements if row.blocks)
    return Entry(cni, mesh, tuned, *_joined(tables, cni, mesh), requirements, blocking)


def _binds(row: Requirement, side: Side) -> bool:
    """Whether a requirement is one of a side: of what runs today, where it is so of every edition in question."""
    applies = bool(side.options) and all(selects(row.option, option) for option in side.options)
    return applies and (row.today or not side.today)


@kept_latest(65536)
def about(condition: Condition, cni: Side) -> Condition:
    """A condition of the mesh side with the network of its pair put in place."""
    if not inputs_of(condition) & set(RESULTING):
        return condition
    if isinstance(condition, Not):
        part = about(condition.part, cni)
        return NEVER if part == ALWAYS else ALWAYS if part == NEVER else Not(part)
    if isinstance(condition, All | Some):
        parts = [about(part, cni) for part in condition.parts]
        neutral, decisive = (ALWAYS, NEVER) if isinstance(condition, All) else (NEVER, ALWAYS)
        left = tuple(part for part in parts if part != neutral)
        return decisive if decisive in parts else type(condition)(left) if left else neutral
    if not isinstance(condition, OneOf):
        raise AssertionError(f"the network of a pair is a choice, not {condition}")
    value = cni.id if condition.input == RESULTING[0] else cni.edition
    if not value:  # not known yet: the fact itself decides
        return OneOf(f"current_{condition.input}", condition.values)
    return ALWAYS if value in condition.values else NEVER


def _effort(tables: Tables, entry: Entry, context: Context) -> tuple[int, ...]:
    """What stands first where no preference decides: the smaller move, the more mature, what takes less to run."""
    changes = [_change(side, today) for side, today in ((entry.cni, context.cni), (entry.mesh, context.mesh))]
    options = [side.options[0] for side in (entry.cni, entry.mesh) if side.options]
    maturity = sum(STATUSES.index(option.status) for option in options)
    parts = (tables.operations.get((option.side, option.id, option.edition), {}) for option in options)
    running_it = sum(int(str(row.get("control_plane_components") or 0)) for row in parts)
    return (2 * changes[0] + changes[1], maturity, running_it, sum(option.paid for option in options), entry.tuned)


def _change(side: Side, today: Running) -> int:
    """How much of a side changes: nothing, its edition, or the product."""
    if side.today or (side.id == NONE and today.id in (NONE, "")):
        return 0
    return 1 if side.id == today.id else 2


# --- numbers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preferred:
    """A preference as it reads for one network: its row's place among those of its side, and its condition."""

    place: int
    condition: Condition


def preferred(tables: Tables, side: str, entries: Sequence[Entry]) -> tuple[Preferred, ...]:
    """The preferences of one side as they read for the networks of some entries, in the order in which they decide."""
    networks = {(entry.cni.id, entry.cni.edition): entry.cni for entry in entries}
    return tuple(
        dict.fromkeys(
            Preferred(place, condition)
            for place, row in enumerate(tables.of_side(side))
            for network in networks.values()
            if (condition := about(row.condition, network)) != NEVER
        )
    )


def speaks_for(tables: Tables, side: str, place: int, entry: Entry) -> bool:
    """Whether a preference is for one side of an entry."""
    name, standing = tables.of_side(side)[place].option, entry.cni if side == "cni" else entry.mesh
    if name == TODAY:
        return standing.today and standing.id != NONE
    return bool(standing.options) and all(selects(name, option) for option in standing.options)


def words(places: Sequence[int], count: int) -> list[int]:
    """Places as bits of as many numbers as it takes."""
    found = [0] * max(1, -(-count // WORD))
    for place in places:
        found[place // WORD] |= 1 << place % WORD
    return found


def editions_of(tables: Tables, side: str) -> Mapping[str, tuple[Option, ...]]:
    """All products of a side with their editions."""
    names = dict.fromkeys(option.id for option in tables.options if option.side == side)
    return {name: tables.editions(side, name) for name in names}
