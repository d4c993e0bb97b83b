"""Who takes part in a contest: on each platform the pairs that people choose among, with what runs today.

A pair has two sides, a network and a mesh; either may be what runs today, whichever that is. Whether a side meets a
need is a bit, and so is each requirement that it has and each preference that speaks for it. A rule about bits is
written once and reads one number as well as arrays of them (``meeting``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import reduce
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from meshlab.cache import cached_latest
from meshlab.errors import MeshlabError, Problem
from meshlab.models.decision.conditions import (
    ALWAYS,
    NEVER,
    All,
    AtLeast,
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
    SIDES,
    STATUSES,
    TODAY,
    Impossible,
    Option,
    Pair,
    Preference,
    Requirement,
    Tables,
    selects,
)
from meshlab.scenario import inputs

NOT_KNOWN, NOTHING = 0, 1
"""Places in ``known_running`` of what is not known, and of nothing."""

ELSEWHERE = "self-managed"
"""The platform whose pairs are looked at where none is known."""

MOST_PREFERENCES = 62
"""Preferences of one side that have a place in the order of pairs."""

ALL_ONES = (1 << 62) - 1
"""Every bit of a number of needs. Numbers stay positive, so that they fit integers of 64 bits."""


class Running(NamedTuple):
    """What runs today on one side, as far as it is known.

    Args:
        id: The product; ``none`` where nothing runs, empty where it is not known.
        edition: Its edition, empty where it is not known.
        policy_engine: The engine beside a network, where only that is known of its edition.
        windows: Whether nodes run Windows, where the edition of a network is not known.
    """

    id: str
    edition: str = ""
    policy_engine: str = ""
    windows: bool | None = None


class Side(msgspec.Struct, frozen=True, eq=False):
    """One side of a pair: an option, or what runs today, of which several editions may come into question.

    Args:
        met: Needs that it is known to meet. [bits]
        finished: Those of them that do not rest on something which is alpha, beta or not released; of what runs today
            all. [bits]
        unmet: Needs that it is known not to meet. [bits]
        encrypts: All bits where it encrypts the traffic of pods as it is installed, otherwise none.
    """

    side: str
    id: str
    edition: str
    today: bool
    options: tuple[Option, ...]
    met: int
    finished: int
    unmet: int
    encrypts: int

    @property
    def only(self) -> Option | None:
        """The option that it is, or None where several editions come into question."""
        return self.options[0] if len(self.options) == 1 else None


Bits = TypeVar("Bits", int, NDArray[np.int64])


def answering(tables: Tables, cni_encrypts: Bits, mesh_encrypts: Bits) -> tuple[Bits, Bits]:
    """Needs for which each side of a pair has to answer, whatever the other one does. [bits]

    Both sides answer for what both have to meet. For encryption answers each side that encrypts, and the network where
    none does.

    Args:
        tables: The tables, for the layers of needs.
        cni_encrypts: All bits where the network encrypts as it is installed, otherwise none.
        mesh_encrypts: The same of the mesh.
    """
    of = layer_bits(tables)
    by_cni = of["both"] | ((cni_encrypts | (ALL_ONES - mesh_encrypts)) & of["encrypting"])
    return by_cni, of["both"] | (mesh_encrypts & of["encrypting"])


def binding(tables: Tables, asked: Bits, encrypts: Bits) -> Bits:
    """The needs that bind a pair: where nothing encrypts nor is asked to, none that is about what encrypts. [bits]

    Args:
        tables: The tables.
        asked: The needs that are asked.
        encrypts: All bits where a side encrypts as it is installed, otherwise none.
    """
    free = ALL_ONES - layer_bits(tables)["encrypting"]
    for need in tables.encrypting:
        encrypts = encrypts | (asked // need_bit(need) & 1) * ALL_ONES
    return asked & (encrypts | free)


def meeting(tables: Tables, cni: Bits, mesh: Bits, by: tuple[Bits, Bits]) -> Bits:
    """Needs that a pair meets, by those that its sides meet, and by ``answering``. [bits]"""
    of = layer_bits(tables)
    each = (cni | (ALL_ONES - by[0])) & (mesh | (ALL_ONES - by[1])) & (of["both"] | of["encrypting"])
    return (cni & (of["cni"] | of["any"])) | (mesh & (of["mesh"] | of["any"])) | each


def failing(tables: Tables, cni: Bits, mesh: Bits, by: tuple[Bits, Bits]) -> Bits:
    """Needs that a pair does not meet, by those that its sides do not meet, and by ``answering``. [bits]"""
    of = layer_bits(tables)
    return (cni & (of["cni"] | by[0])) | (mesh & (of["mesh"] | by[1])) | (cni & mesh & of["any"])


@cached_latest(256)
def need_bit(need: str) -> int:
    """The bit of a need."""
    return bit(inputs()["needs"], need)


@cached_latest(16)
def layer_bits(tables: Tables) -> dict[str, int]:
    """The needs of each layer as bits."""
    found: dict[str, int] = dict.fromkeys(LAYERS, 0)
    for need, layer in tables.layers.items():
        found[layer] += need_bit(need)
    return found


# --- sides ----------------------------------------------------------------------------------------------------------


@cached_latest(4096)
def _needs(tables: Tables, option: Option, platform: str | None) -> tuple[int, int, int]:
    """Needs that an option meets, meets by what is finished, and does not meet; no mesh has no contract to lack."""
    if option.id == NONE:
        both = layer_bits(tables)["both"]
        return both, both, sum(need_bit(need) for need, layer in tables.layers.items() if layer != "both")
    met = finished = unmet = 0
    for need in tables.layers:
        cell = tables.cell(option, need, platform)
        if cell and cell.meets is not None:
            met |= need_bit(need) if cell.meets else 0
            finished |= need_bit(need) if cell.meets and cell.is_finished else 0
            unmet |= 0 if cell.meets else need_bit(need)
    return met, finished, unmet


@cached_latest(4096)
def chosen(tables: Tables, side: str, name: str, edition: str, platform: str | None) -> Side:
    """An option as one side of a pair."""
    option = tables.option(side, name, edition, platform)
    met, finished, unmet = _needs(tables, option, platform)
    encrypts = ALL_ONES if option.encrypts else 0
    return Side(
        side, name, edition, today=False, options=(option,), met=met, finished=finished, unmet=unmet, encrypts=encrypts
    )


@cached_latest(16384)
def running(tables: Tables, side: str, today: Running, platform: str | None) -> Side:
    """What runs today as one side of a pair.

    Where its edition is not known, it meets a need that every edition meets which has not ended and can be had here,
    and fails one that none of them meets. An ended edition counts only where it is stated; one for other nodes than
    the cluster's does not come into question.
    """
    possible = _possible(tables, side, today, platform)
    needs = [_needs(tables, option, platform) for option in possible] or [(0, 0, 0)]
    met, _, unmet = (reduce(int.__and__, column) for column in zip(*needs, strict=True))
    encrypts = ALL_ONES if possible and all(option.encrypts for option in possible) else 0
    editions = {option.edition for option in possible}
    edition = editions.pop() if len(editions) == 1 else ""
    return Side(
        side, today.id, edition, today=True, options=possible, met=met, finished=met, unmet=unmet, encrypts=encrypts
    )


def _possible(tables: Tables, side: str, today: Running, platform: str | None) -> tuple[Option, ...]:
    """The editions that what runs today may have."""
    editions = tables.editions(side, today.id)
    narrower: tuple[Callable[[Option], bool], ...] = (
        lambda option: not today.edition or option.edition == today.edition,  # stated: so it is, wherever that may be
        lambda option: option.had_on(platform),
        lambda option: not today.policy_engine or option.policy_engine == today.policy_engine,
        lambda option: option.status != "ended",
        lambda option: today.windows is None or _fits(tables, option, windows=today.windows),
    )
    for fits in narrower:
        editions = tuple(filter(fits, editions)) or editions
    return editions


def _fits(tables: Tables, option: Option, *, windows: bool) -> bool:
    """Whether an edition can run where some nodes, or none, run Windows."""
    rows = (
        row for row in tables.requirements if row.side == option.side and row.blocks and selects(row.option, option)
    )
    return not any(
        inputs_of(row.condition) == frozenset({"windows_nodes"}) and _fails(row.condition, int(windows)) for row in rows
    )


def _fails(condition: Condition, windows_nodes: int) -> bool:
    """Whether a condition over the number of Windows nodes alone does not hold."""
    if isinstance(condition, Not):
        return not _fails(condition.part, windows_nodes)
    if isinstance(condition, All | Some):
        some = all if isinstance(condition, Some) else any
        return some(_fails(part, windows_nodes) for part in condition.parts)
    return isinstance(condition, AtLeast) and windows_nodes < condition.bound + condition.above


@cached_latest(64)
def known_running(tables: Tables, side: str) -> tuple[Running, ...]:
    """Everything that may run on one side: each product, each of its editions, and each engine beside it."""
    found = [Running(""), Running(NONE)]
    for name in dict.fromkeys(option.id for option in tables.options if option.side == side and option.id != NONE):
        editions = tables.editions(side, name)
        engines = ("", *(option.policy_engine for option in editions if option.policy_engine))
        found += [Running(name, option.edition) for option in editions if option.edition]
        found += [
            Running(name, "", engine, windows)
            for engine in engines
            for windows in ((None, False, True) if side == "cni" else (None,))
        ]
    return tuple(dict.fromkeys(found))


# --- pairs ----------------------------------------------------------------------------------------------------------


class Entry(msgspec.Struct, frozen=True):
    """A pair in a contest, each side an option or, where it is None, what runs today."""

    cni: Side | None
    mesh: Side | None
    tuned: bool = False

    @property
    def key(self) -> str:
        """What tells it from the other pairs of its contest, the same on every platform."""
        sides = (f"{side.id}@{side.edition}" if side else TODAY for side in (self.cni, self.mesh))
        return f"{' + '.join(sides)}{' tuned' if self.tuned else ''}"


def entries_on(tables: Tables, platform: str | None) -> tuple[Entry, ...]:
    """The pairs of a platform: the more mature first, then those without a licence, then what takes less to run."""
    found = [
        entry
        for pair in tables.pairs
        if pair.platform == (platform or ELSEWHERE)
        for entry in _entries(tables, pair, platform)
    ]
    return tuple(sorted(found, key=lambda entry: _burden(tables, entry)))


def _entries(tables: Tables, pair: Pair, platform: str | None) -> Iterator[Entry]:
    cni, mesh = (
        None if name == TODAY else chosen(tables, side, name, edition, platform)
        for side, name, edition in (("cni", pair.cni, pair.cni_edition), ("mesh", pair.mesh, pair.mesh_edition))
    )
    yield Entry(cni, mesh)
    if mesh is None:  # what a mesh takes can be scoped beside another network, too
        yield Entry(cni, mesh, tuned=True)


def _burden(tables: Tables, entry: Entry) -> tuple[int, ...]:
    options = [side.options[0] for side in (entry.cni, entry.mesh) if side]
    maturity = sum(STATUSES.index(option.status) for option in options)
    parts = (tables.operations.get((option.side, option.id, option.edition), {}) for option in options)
    running_it = sum(int(str(row.get("control_plane_components") or 0)) for row in parts)
    return maturity, sum(option.paid for option in options), running_it, entry.tuned


@cached_latest(32768)
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
        found += [platform_of(side.only)]
    return tuple(found)


@cached_latest(1024)
def platform_of(option: Option) -> Requirement:
    """That the platform, which is not known yet, is one on which an option can be had."""
    anywhere = ANYWHERE in option.platforms
    return Requirement(
        id=f"platform:{option.place}",
        side=option.side,
        option=option.place,
        text="cloud",
        condition=ALWAYS if anywhere else OneOf("cloud", tuple(sorted(option.platforms))),
        effect="blocks",
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


Network = tuple[str, str]
"""The network of a pair as conditions of the mesh side see it: its id and its edition."""


def network_of(side: Side | None) -> Network | None:
    """The network of a pair as conditions see it; of today's, the facts say which it is."""
    return None if side is None or side.today else (side.id, side.edition)


def asks_for_network(condition: Condition) -> bool:
    """Whether a condition depends on the network of its pair."""
    return bool(inputs_of(condition) & {*RESULTING})


def about(condition: Condition, network: Network | None) -> Condition:
    """A condition with the network of its pair put in place; for today's, None, the facts say which it is."""
    if not asks_for_network(condition):
        return condition
    if isinstance(condition, Not):
        part = about(condition.part, network)
        return NEVER if part == ALWAYS else ALWAYS if part == NEVER else Not(part)
    if isinstance(condition, All | Some):
        parts = [about(part, network) for part in condition.parts]
        neutral, decisive = (ALWAYS, NEVER) if isinstance(condition, All) else (NEVER, ALWAYS)
        left = tuple(part for part in parts if part != neutral)
        return decisive if decisive in parts else type(condition)(left) if left else neutral
    if not isinstance(condition, OneOf):
        raise TypeError(f"the network of a pair is a choice, which {condition} does not ask for")
    if network is None:
        return OneOf(f"current_{condition.input}", condition.values)
    return ALWAYS if network[RESULTING.index(condition.input)] in condition.values else NEVER


# --- conditions as numbers -------------------------------------------------------------------------------------------


Row = Preference | Requirement | Impossible


class Rules(msgspec.Struct, frozen=True, eq=False):
    """The conditions of requirements and preferences, each once, numbered.

    Args:
        conditions: All conditions, of caveats and of what cannot hold together as well.
        asked: Of each condition the inputs that it depends on, in their declared order.
        places: By row, and by the network of the pair where its condition asks for that, the condition's number.
        required: Of each side the conditions that rule out, each with whether it is lenient, numbered.
        preferred: Of each side the preferences in the order in which they decide, each with its condition, numbered.
    """

    conditions: Mapping[Condition, int]
    asked: tuple[tuple[str, ...], ...]
    places: Mapping[tuple[Row, Network | None], int]
    required: Mapping[str, Mapping[tuple[int, bool], int]]
    preferred: Mapping[str, Mapping[tuple[Preference, int], int]]

    def place(self, row: Row, network: Network | None) -> int:
        """Number of a row's condition for a network."""
        found = self.places.get((row, network))
        return self.places[row, None] if found is None else found


@cached_latest(16)
def rules(tables: Tables) -> Rules:
    """The conditions of the tables, numbered.

    Raises:
        MeshlabError: There are more preferences than the order of pairs has room for.
    """
    networks = [
        None,
        *dict.fromkeys((option.id, option.edition) for option in tables.options if option.side == SIDES[0]),
    ]
    requirements = (*tables.requirements, *map(platform_of, tables.options))
    told: dict[tuple[Row, Network | None], Condition] = {
        (row, network): about(row.condition, network)
        for row in (*requirements, *tables.preferences, *tables.impossible)
        for network in (networks if asks_for_network(row.condition) else [None])
    }
    conditions = numbered(told.values())
    places = {key: conditions[condition] for key, condition in told.items()}
    preferred = {
        side: numbered(
            (row, places[row, network])
            for row in tables.of_side(side)
            for network in networks
            if told.get((row, network), NEVER) != NEVER
        )
        for side in SIDES
    }
    for side, rows in preferred.items():
        if len(rows) > MOST_PREFERENCES:
            what = f"{len(rows)} preferences of side {side}, of which some depend on the network of the option"
            raise MeshlabError(Problem("preferences.csv", what, f"at most {MOST_PREFERENCES} have a place: join some"))
    return Rules(
        conditions=conditions,
        asked=tuple(tuple(name for name in inputs() if name in inputs_of(condition)) for condition in conditions),
        places=places,
        required={
            side: numbered(
                (places[row, network], row.lenient)
                for row in requirements
                for network in networks
                if row.side == side and row.blocks and told.get((row, network), ALWAYS) != ALWAYS
            )
            for side in SIDES
        },
        preferred=preferred,
    )


Item = TypeVar("Item", bound=Hashable)


def numbered(items: Iterable[Item]) -> dict[Item, int]:
    """Items, each once, with numbers in the order in which they come."""
    return {item: place for place, item in enumerate(dict.fromkeys(items))}
