"""Who takes part in a contest: on each platform the pairs that people choose among, with what runs today.

A pair has two sides, a network and a mesh; either may be what runs today, whichever that is. Whether a side meets a
need is a bit, and so is each requirement that it has and each preference that speaks for it. A rule about bits is
written once and reads numbers as well as polars expressions (``meeting``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import NamedTuple, TypeVar

import polars as pl

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
    LAYERS,
    NONE,
    RESULTING,
    SAME,
    STATUSES,
    TODAY,
    Option,
    Pair,
    Preference,
    Requirement,
    Tables,
    selects,
)
from meshlab.scenario import inputs

ELSEWHERE = "self-managed"
"""The platform whose pairs are looked at where none is known."""

ALL_ONES = (1 << 62) - 1
"""Every bit of a number of needs. Numbers stay positive, so that they fit polars' integers of 64 bits."""


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


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pair: an option, or what runs today, of which several editions may come into question.

    Args:
        met: Needs that it is known to meet. [bits]
        unmet: Needs that it is known not to meet. [bits]
        unfinished: Needs that it meets by something which is alpha, beta or not released. [bits]
        encrypts: All bits where it encrypts the traffic of pods as it is installed, otherwise none.
    """

    side: str
    id: str
    edition: str
    today: bool
    options: tuple[Option, ...]
    met: int
    unmet: int
    unfinished: int
    encrypts: int

    @property
    def only(self) -> Option | None:
        """The option that it is, or None where several editions come into question."""
        return self.options[0] if len(self.options) == 1 else None


Bits = TypeVar("Bits", int, pl.Expr)


def meeting(tables: Tables, cni: tuple[Bits, Bits, Bits], mesh: tuple[Bits, Bits, Bits]) -> tuple[Bits, Bits]:
    """Needs that a pair is known to meet, and known not to meet, each by the cells of the sides that count for it.

    Args:
        tables: The tables, for the layers of needs.
        cni: Of the network: needs met, needs not met, and all bits where it encrypts. [bits]
        mesh: The same of the mesh; without one no need is met but those that both sides have to meet.
    """
    of = layer_bits(tables)
    (cni_met, cni_unmet, _), (mesh_met, mesh_unmet, encrypts) = cni, mesh
    unencrypted = ALL_ONES - encrypts
    met = (
        (cni_met & (of["cni"] + of["any"]))
        | (mesh_met & (of["mesh"] + of["any"]))
        | (cni_met & mesh_met & of["both"])
        | (((mesh_met & encrypts) | (cni_met & unencrypted)) & of["encrypting"])
    )
    unmet = (
        (cni_unmet & of["cni"])
        | (mesh_unmet & of["mesh"])
        | (cni_unmet & mesh_unmet & of["any"])
        | ((cni_unmet | mesh_unmet) & of["both"])
        | (((mesh_unmet & encrypts) | (cni_unmet & unencrypted)) & of["encrypting"])
    )
    return met, unmet


def unfinished(tables: Tables, of_cni: Bits, cni_met: Bits, of_mesh: Bits) -> Bits:
    """Needs that rest on something which is not finished, on a side that would be new. [bits]

    Args:
        tables: The tables, for the layers of needs.
        of_cni: Needs that the network meets by something unfinished; none of what runs today.
        cni_met: Needs that the network meets.
        of_mesh: As ``of_cni``, of the mesh.
    """
    of = layer_bits(tables)
    return (of_cni & of["cni"]) | (of_mesh & of["mesh"]) | (of_mesh & (ALL_ONES - cni_met) & of["any"])


@kept_latest(16)
def layer_bits(tables: Tables) -> dict[str, int]:
    """The needs of each layer as bits."""
    spec = inputs()["needs"]
    found: dict[str, int] = dict.fromkeys(LAYERS, 0)
    for need, layer in tables.layers.items():
        found[layer] += bit(spec, need)
    return found


# --- sides ----------------------------------------------------------------------------------------------------------


@kept_latest(4096)
def _needs(tables: Tables, option: Option, platform: str | None) -> tuple[int, int, int]:
    """Needs that an option meets, does not meet, and meets by what is not finished; no mesh has no contract to lack."""
    spec = inputs()["needs"]
    if option.id == NONE:
        return layer_bits(tables)["both"], sum(bit(spec, n) for n, layer in tables.layers.items() if layer != "both"), 0
    met = unmet = unfinished = 0
    for need in tables.layers:
        cell = tables.cell(option, need, platform)
        met |= bit(spec, need) if cell and cell.meets else 0
        unmet |= bit(spec, need) if cell and cell.meets is False else 0
        unfinished |= bit(spec, need) if cell and cell.meets and not cell.is_finished else 0
    return met, unmet, unfinished


@kept_latest(4096)
def chosen(tables: Tables, side: str, name: str, edition: str, platform: str | None) -> Side:
    """An option as one side of a pair."""
    option = tables.option(side, name, edition, platform)
    encrypts = ALL_ONES if option.encrypts else 0
    return Side(side, name, edition, False, (option,), *_needs(tables, option, platform), encrypts)  # noqa: FBT003


@kept_latest(4096)
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
    bits = [_needs(tables, option, platform)[:2] for option in possible] or [(0, 0)]
    met, unmet = (reduce(and_, column) for column in zip(*bits, strict=True))
    encrypts = ALL_ONES if possible and all(option.encrypts for option in possible) else 0
    edition = possible[0].edition if len({option.edition for option in possible}) == 1 else ""
    return Side(side, today.id, edition, True, tuple(possible), met, unmet, 0, encrypts)  # noqa: FBT003


@kept_latest(64)
def known_running(tables: Tables, side: str) -> tuple[Running, ...]:
    """Everything that may run on one side: each product, each of its editions, and each engine beside it."""
    found = [Running(""), Running(NONE)]
    for name in dict.fromkeys(option.id for option in tables.options if option.side == side and option.id != NONE):
        editions = tables.editions(side, name)
        found += [Running(name)]
        found += [Running(name, option.edition) for option in editions if option.edition]
        found += [Running(name, "", option.policy_engine) for option in editions if option.policy_engine]
    return tuple(dict.fromkeys(found))


# --- pairs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A pair in a contest, each side an option or, where it is None, what runs today."""

    cni: Side | None
    mesh: Side | None
    tuned: bool = False


@kept_latest(64)
def entries_on(tables: Tables, platform: str | None) -> tuple[Entry, ...]:
    """The pairs of a platform: the more mature first, then those without a licence, then what takes less to run."""
    found = [
        entry
        for pair in tables.pairs
        if pair.platform == (platform or ELSEWHERE)
        for entry in _entries(tables, pair, platform)
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda entry: _burden(tables, entry)))


def _entries(tables: Tables, pair: Pair, platform: str | None) -> Iterator[Entry]:
    cni, mesh = (
        None if name == TODAY else chosen(tables, side, name, edition, platform)
        for side, name, edition in (("cni", pair.cni, pair.cni_edition), ("mesh", pair.mesh, pair.mesh_edition))
    )
    yield Entry(cni, mesh)
    if cni is None and mesh is None:
        yield Entry(cni, mesh, tuned=True)


def _burden(tables: Tables, entry: Entry) -> tuple[int, ...]:
    options = [side.options[0] for side in (entry.cni, entry.mesh) if side]
    maturity = sum(STATUSES.index(option.status) for option in options)
    parts = (tables.operations.get((option.side, option.id, option.edition), {}) for option in options)
    running_it = sum(int(str(row.get("control_plane_components") or 0)) for row in parts)
    return maturity, sum(option.paid for option in options), running_it, entry.tuned


def requirements_of(tables: Tables, side: Side, platform: str | None) -> tuple[Requirement, ...]:
    """What must hold where a side runs: of what runs today, what binds every edition in question."""
    found = [
        row
        for row in tables.requirements
        if row.side == side.side
        and (row.today or not side.today)
        and side.options
        and all(selects(row.option, option) for option in side.options)
    ]
    if platform is None and side.only and not side.today:
        found += [_platform_of(side.options[0])]
    return tuple(found)


@kept_latest(1024)
def _platform_of(option: Option) -> Requirement:
    """That the platform, which is not known yet, is one on which an option can be had."""
    anywhere = ANYWHERE in option.platforms
    return Requirement(
        id=f"platform:{option.place}",
        side=option.side,
        option=option.place,
        text="cloud",
        condition=ALWAYS if anywhere else OneOf("cloud", tuple(sorted(option.platforms))),
        blocks=True,
        today=False,
        lenient=False,
        requirement="a platform on which it can be had",
        source_id=option.source_id,
        text_date=option.text_date,
    )


def prefers(row: Preference, side: Side, runs: Running) -> bool:
    """Whether a preference speaks for one side of a pair.

    Args:
        row: The preference.
        side: The side.
        runs: What runs today on that side.
    """
    if row.option == TODAY:
        return side.today and side.id != NONE
    if row.option == SAME:
        return side.id == runs.id and side.id != NONE
    return bool(side.options) and all(selects(row.option, option) for option in side.options)


@kept_latest(65536)
def about(condition: Condition, cni: Side | None) -> Condition:
    """A condition of the mesh side with the network of its pair put in place; of today's, the facts say which it is."""
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
        raise TypeError(f"the network of a pair is a choice, which {condition} does not ask for")
    if cni is None or cni.today:
        return OneOf(f"current_{condition.input}", condition.values)
    value = cni.id if condition.input == RESULTING[0] else cni.edition
    return ALWAYS if value in condition.values else NEVER
