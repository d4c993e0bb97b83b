"""The contest of options, for any number of scenarios: what is eligible, and which of those is recommended.

A pair is eligible where no need is unmet or unread and every requirement holds; not eligible where something that is
known rules it out; open otherwise. Among those that are eligible the first preference that speaks for one decides, of
the network before the mesh; then the smaller change. The order of all pairs is one whole number each, its parts from
the most significant to the least, so that the least of a scenario's numbers is its answer.

Scenarios of one platform have the same pairs. Each pair is an expression over the bits of needs, requirements and
preferences, and over the same of what runs today, which two small tables give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.conditions import (
    ALWAYS,
    NEVER,
    Condition,
    Test,
    comparable,
    compile_condition,
    compile_test,
    tests_of,
)
from meshlab.models.decision.contests import (
    ALL_ONES,
    Entry,
    Running,
    Side,
    about,
    entries_on,
    known_running,
    meeting,
    prefers,
    requirements_of,
    running,
    unfinished,
)
from meshlab.models.decision.tables import NONE, SIDES, Preference, Tables, load_tables
from meshlab.scenario import inputs, schema

WORD = 62
"""Conditions whose bits one number holds, so that it stays positive. [bits]"""

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

FAILS, IS_OPEN = 1 << 60, 1 << 61
"""Bits above the order that say of one side whether a requirement fails, and whether one is open."""

SLICE = 8192
"""Scenarios whose pairs are worked out at a time, so that they stay in the processor's caches."""

NO_PREFERENCE = WORD
"""Place of the preference that speaks for a pair where none does."""

COLUMNS = ("scenario", "cni", "mesh", "cni_edition", "mesh_edition", "tuned", "eligible", "cni_row", "mesh_row")


def decide(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables | None = None) -> pl.LazyFrame:
    """CNI and mesh of each scenario, as one lazy query.

    Columns: ``scenario``; ``cni`` and ``mesh``, ids, ``stay``, or null where not enough is known; ``cni_edition`` and
    ``mesh_edition``; ``tuned``; ``eligible``, whether the recommended pair is; ``cni_row`` and ``mesh_row``, ids of the
    preferences that decided. The order of rows is kept.

    Args:
        scenarios: Columns of INTERFACE.md; absent ones count as missing, others are left alone.
        tables: Decision tables; ours unless given.
    """
    tables = tables or load_tables()
    dtypes = dict.fromkeys(COLUMNS, pl.String()) | {"tuned": pl.Boolean(), "eligible": pl.Boolean()}
    return compared(scenarios).map_batches(
        lambda frame: answered(frame, tables).select(COLUMNS),
        schema=dtypes,
        projection_pushdown=False,
        predicate_pushdown=False,
    )


def answers(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables | None = None) -> pl.LazyFrame:
    """``scenario``, ``cni`` and ``mesh`` of ``decide`` alone: ids, ``stay``, or null."""
    return decide(scenarios, tables).select("scenario", "cni", "mesh")


# --- inputs as they are compared ------------------------------------------------------------------------------------


def compared(scenarios: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    """``scenario``, and every input as ``compared:NAME`` in the form in which it is compared."""
    frame = scenarios.lazy()
    given = frame.collect_schema()
    if "scenario" not in given:
        frame = frame.with_row_index("scenario").with_columns(pl.col("scenario").cast(pl.String))
    columns = {name: pl.col(name) if name in given else pl.lit(None, dtype) for name, dtype in schema().items()}
    return frame.select(
        "scenario", *(comparable(spec, columns[name]).alias(column_of(name)) for name, spec in inputs().items())
    )


def column_of(name: str) -> str:
    """Column of an input in the form in which it is compared."""
    return f"compared:{name}"


def compare(test: Test) -> pl.Expr:
    """One comparison over ``compared`` scenarios."""
    return compile_test(test, inputs()[test.input], pl.col(column_of(test.input)))


# --- what a platform's contest is made of ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ranked:
    """A preference as it reads for one network: its row, and its condition."""

    row: Preference
    condition: Condition


@dataclass(frozen=True, eq=False)
class Contest:
    """The contest on one platform, with conditions numbered.

    Args:
        platform: The platform; None where it is not known.
        entries: The pairs.
        blocking: The conditions of requirements that rule options out, each with whether it is lenient.
        preferences: Of each side, the preferences in the order in which they decide.
    """

    tables: Tables
    platform: str | None
    entries: tuple[Entry, ...]
    blocking: Mapping[tuple[Condition, bool], int]
    preferences: Mapping[str, Mapping[Ranked, int]]

    def requirements(self, side: Side, cni: Side | None) -> list[int]:
        """Requirements of a side of a pair that rule it out, as bits of as many numbers as it takes."""
        rows = requirements_of(self.tables, side, self.platform)
        conditions = {(about(row.condition, cni), row.lenient) for row in rows if row.blocks}
        return _words((self.blocking[key] for key in conditions if key[0] != ALWAYS), len(self.blocking))

    def speaking(self, side: Side, runs: Running, cni: Side | None) -> int:
        """Preferences that speak for a side of a pair, as bits."""
        ranked = self.preferences[side.side]
        items = (
            Ranked(row, about(row.condition, cni)) for row in self.tables.of_side(side.side) if prefers(row, side, runs)
        )
        return sum(1 << ranked[item] for item in items if item in ranked)

    @property
    def words(self) -> range:
        """Numbers that hold the bits of requirements."""
        return range(max(1, -(-len(self.blocking) // WORD)))


Item = TypeVar("Item")


def _words(places: Iterable[int], count: int) -> list[int]:
    found = [0] * max(1, -(-count // WORD))
    for place in places:
        found[place // WORD] |= 1 << place % WORD
    return found


@kept_latest(64)
def contest(tables: Tables, platform: str | None) -> Contest:
    """The contest on a platform."""
    entries = entries_on(tables, platform)
    networks = dict.fromkeys(entry.cni for entry in entries)
    sides = {
        "cni": [*filter(None, networks), *_all_running(tables, "cni", platform)],
        "mesh": [
            *dict.fromkeys(entry.mesh for entry in entries if entry.mesh),
            *_all_running(tables, "mesh", platform),
        ],
    }
    required = dict.fromkeys(
        (about(row.condition, cni), row.lenient)
        for name in SIDES
        for side in sides[name]
        for row in requirements_of(tables, side, platform)
        if row.blocks
        for cni in networks
    )
    preferences = {
        side: dict.fromkeys(
            Ranked(row, condition)
            for row in tables.of_side(side)
            for cni in networks
            if (condition := about(row.condition, cni)) != NEVER
        )
        for side in SIDES
    }
    return Contest(
        tables,
        platform,
        entries,
        _numbered(key for key in required if key[0] != ALWAYS),
        {side: _numbered(ranked) for side, ranked in preferences.items()},
    )


def _numbered(items: Iterable[Item]) -> dict[Item, int]:
    return {item: place for place, item in enumerate(items)}


def _all_running(tables: Tables, side: str, platform: str | None) -> list[Side]:
    return [
        running(tables, side, today, platform) for today in known_running(tables, side) if today.id not in ("", NONE)
    ]


# --- what runs today, and pairs, as numbers --------------------------------------------------------------------------


IDENTITY = {
    "cni": ("current_cni", "current_cni_edition", "policy_engine"),
    "mesh": ("current_mesh", "current_mesh_edition"),
}
"""Inputs that tell what runs today on a side: product, edition, and the engine beside it."""

NOT_KNOWN, NOTHING = 0, 1
"""Places in ``known_running`` of what is not known, and of nothing."""


@kept_latest(16)
def _identities(tables: Tables, side: str) -> pl.DataFrame:
    """The place of each product, edition and engine in ``known_running``; where only the product is known, too."""
    names = [column_of(name) for name in IDENTITY[side]]
    rows = [
        (*(today.id, today.edition or None, today.policy_engine or None)[: len(names)], place)
        for place, today in enumerate(known_running(tables, side))
        if today.id
    ]
    dtypes = [pl.Enum(inputs()[name].choices) for name in IDENTITY[side]]
    return pl.DataFrame(rows, schema=[*zip(names, dtypes, strict=True), ("place", pl.Int64)], orient="row")


def _with_today(frame: pl.LazyFrame, tables: Tables, side: str) -> pl.LazyFrame:
    """The place of what runs today in ``known_running``: by edition, else by engine, else by the product alone."""
    product, edition, *engine = (column_of(name) for name in IDENTITY[side])
    table = _identities(tables, side).lazy()
    known = [
        ([product, edition], table.filter(pl.col(edition).is_not_null())),
        *([([product, *engine], table.filter(pl.col(engine[0]).is_not_null()))] if engine else []),
        ([product], table.filter(pl.col(edition).is_null(), *(pl.col(name).is_null() for name in engine))),
    ]
    for step, (on, rows) in enumerate(known):
        places = rows.select(*on, pl.col("place").alias(f"place:{step}"))
        frame = frame.join(places, on=on, how="left", maintain_order="left")
    found = [f"place:{step}" for step in range(len(known))]
    place = pl.when(column_of("greenfield")).then(NOTHING).otherwise(pl.coalesce(*found, NOT_KNOWN))
    return frame.with_columns(place.cast(pl.Int64).alias(f"{side}:runs")).drop(found)


@kept_latest(64)
def _networks(tables: Tables, platform: str | None) -> tuple[Side | None, ...]:
    """The networks of a platform's pairs, each once for all that rows of the mesh side tell apart; None is today's."""
    held = contest(tables, platform)
    found: dict[tuple[object, ...], Side | None] = {}
    for cni in dict.fromkeys([None, *(entry.cni for entry in held.entries)]):
        found.setdefault(_seen_by_mesh(held, cni), cni)
    return tuple(found.values())


def _seen_by_mesh(held: Contest, cni: Side | None) -> tuple[object, ...]:
    """What rows of the mesh side read of a network."""
    rows = (*held.tables.of_side("mesh"), *(row for row in held.tables.requirements if row.side == "mesh"))
    return tuple(about(row.condition, cni) for row in rows)


@kept_latest(64)
def todays(tables: Tables, platform: str | None, side: str) -> pl.DataFrame:
    """For everything that may run today on a side its place in ``known_running`` and its bits.

    Columns: ``SIDE:runs``, its place; ``SIDE:met``, ``SIDE:unmet``, ``SIDE:encrypts``; and
    ``SIDE:blocking:WORD:NETWORK`` and ``SIDE:speaks:NETWORK`` for each of ``_networks``, as a mesh may depend on the
    network below it.
    """
    held = contest(tables, platform)
    networks = _networks(tables, platform) if side == "mesh" else (None,)
    rows: list[dict[str, int]] = []
    for place, today in enumerate(known_running(tables, side)):
        found = running(tables, side, today, platform)
        row = {"runs": place, "met": found.met, "unmet": found.unmet, "encrypts": found.encrypts}
        for number, cni in enumerate(networks):
            row |= {f"blocking:{word}:{number}": bits for word, bits in enumerate(held.requirements(found, cni))}
            row[f"speaks:{number}"] = held.speaking(found, today, cni)
        rows.append({f"{side}:{name}": value for name, value in row.items()})
    return pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.Int64))


@dataclass(frozen=True, eq=False)
class Numbers:
    """The pairs of a platform as numbers.

    Args:
        sides: For each side, and whether it is what runs today, a row for each that pairs name, on the mesh side once
            for each of ``_networks``: ``network``; and of options ``product`` and ``itself``, places in
            ``known_running``; ``met``, ``unmet``, ``unfinished``, ``encrypts``, ``blocking:WORD``, ``speaks``, and
            ``same``, the preferences that speak for it where another edition of it runs.
        pairs: By whether the network and the mesh are what runs today, a row for each pair: ``place``, and ``cni`` and
            ``mesh``, the rows of its sides; without today's also ``met``, ``unmet`` and ``unfinished``.
        places: The places of all pairs, in the order of ``pairs``.
    """

    sides: Mapping[tuple[str, bool], pl.DataFrame]
    pairs: Mapping[tuple[bool, bool], pl.DataFrame]
    places: tuple[int, ...]


@kept_latest(64)
def numbers(tables: Tables, platform: str | None) -> Numbers:
    """The pairs of a platform as numbers."""
    held = contest(tables, platform)
    kinds = [_seen_by_mesh(held, cni) for cni in _networks(tables, platform)]
    listed: dict[tuple[str, bool], dict[tuple[Side | None, int], dict[str, int]]] = {}
    rows: dict[tuple[bool, bool], list[dict[str, int]]] = {}
    for place, entry in enumerate(held.entries):
        keys = {"cni": (entry.cni, 0), "mesh": (entry.mesh, kinds.index(_seen_by_mesh(held, entry.cni)))}
        at = {}
        for name, key in keys.items():
            group = listed.setdefault((name, key[0] is None), {})
            if key not in group:
                group[key] = {"network": key[1], **(_own(held, name, key[0], entry.cni) if key[0] else {})}
            at[name] = list(group).index(key)
        rows.setdefault((entry.cni is None, entry.mesh is None), []).append(
            {"place": place, **at, **(_joint(tables, entry.cni, entry.mesh) if entry.cni and entry.mesh else {})}
        )
    return Numbers(
        {key: pl.DataFrame(list(group.values())) for key, group in listed.items()},
        {key: pl.DataFrame(group) for key, group in rows.items()},
        tuple(row["place"] for group in rows.values() for row in group),
    )


def _own(held: Contest, name: str, side: Side, cni: Side | None) -> dict[str, int]:
    """What an option brings to a pair."""
    alike = [(place, today) for place, today in enumerate(known_running(held.tables, name)) if today.id == side.id]
    return {
        "product": alike[0][0] if alike else -1,
        "itself": next((place for place, today in alike if today.edition == side.edition), -1) if side.edition else -1,
        "met": side.met,
        "unmet": side.unmet,
        "unfinished": side.unfinished,
        "encrypts": side.encrypts,
        "speaks": held.speaking(side, Running(""), cni),
        "same": held.speaking(side, Running(side.id), cni),
        **{f"blocking:{word}": bits for word, bits in enumerate(held.requirements(side, cni))},
    }


def _joint(tables: Tables, cni: Side, mesh: Side) -> dict[str, int]:
    """Needs that a pair of options meets, does not meet, and meets by what is not finished."""
    met, unmet = meeting(tables, (cni.met, cni.unmet, cni.encrypts), (mesh.met, mesh.unmet, mesh.encrypts))
    return {"met": met, "unmet": unmet, "unfinished": unfinished(tables, cni.unfinished, cni.met, mesh.unfinished)}


# --- the query ------------------------------------------------------------------------------------------------------


def contested(frame: pl.DataFrame, tables: Tables, platform: str | None) -> pl.DataFrame:
    """``compared`` scenarios of one platform with their bits, and ``orders``, the numbers of all pairs of each.

    Pairs are worked out once for all scenarios that are alike in the bits that pairs read.

    Columns: ``row``, ``scenario``; ``needs``; ``fails:WORD`` and ``unknown:WORD``, requirements; ``holds:SIDE``,
    preferences, all as bits; ``SIDE:runs``; ``orders``, in which a pair that is not there is null.
    """
    held = contest(tables, platform)
    facts = _facts_of(held)
    lazy = frame.lazy()
    for step in _steps(tables, platform):
        lazy = lazy.with_columns(step)
    told = lazy.select("row", "scenario", *facts).collect()
    alike = told.select(facts).unique(maintain_order=True)
    orders = pl.concat([_orders(part, tables, platform) for part in alike.iter_slices(SLICE)])
    if len(alike) == len(told):
        return told.with_columns(orders)
    return told.join(alike.with_columns(orders), on=facts, how="left", nulls_equal=True, maintain_order="left")


def _orders(facts: pl.DataFrame, tables: Tables, platform: str | None) -> pl.Series:
    """The number of every pair of some scenarios, by their places. [array of integers, named ``orders``]"""
    table = numbers(tables, platform)
    sides: dict[tuple[str, bool], pl.DataFrame] = {}
    for side, is_today in table.sides:
        query = facts.lazy()
        if is_today:
            today = todays(tables, platform, side).lazy()
            query = query.join(today, on=f"{side}:runs", how="left", maintain_order="left")
        query = query.join(table.sides[side, is_today].lazy(), how="cross", maintain_order="left_right")
        sides[side, is_today] = query.select(_side_columns(tables, platform, side, is_today)).collect()
    found: list[pl.Series] = []
    for (cni, mesh), pairs in table.pairs.items():
        every = pl.select(row=pl.int_range(len(facts)), needs=facts["needs"]).lazy()
        every = every.join(pairs.lazy(), how="cross", maintain_order="left_right")
        for side, is_today in zip(SIDES, (cni, mesh), strict=True):
            rows = table.sides[side, is_today]
            names = ["word", *(() if not (cni or mesh) else ("met", "unmet", "encrypts", "unfinished"))]
            at = pl.col("row") * len(rows) + pl.col(side)
            every = every.with_columns(
                pl.lit(sides[side, is_today][name]).gather(at).alias(f"{side}:{name}") for name in names
            )
        if cni or mesh:
            every = every.with_columns(**_joint_columns(tables))
        found.append(every.select(_order()).collect().to_series().reshape((len(facts), len(pairs))).arr.to_list())
    return pl.select(pl.concat_list(found).alias("orders")).to_series()


def _facts_of(held: Contest) -> list[str]:
    words = [f"{name}:{word}" for name in ("fails", "unknown") for word in held.words]
    return ["needs", *words, *(f"holds:{side}" for side in SIDES), *(f"{side}:runs" for side in SIDES)]


@kept_latest(64)
def _steps(tables: Tables, platform: str | None) -> tuple[list[pl.Expr], ...]:
    """Columns that scenarios of a platform gain, step by step."""
    held = contest(tables, platform)
    ranked = {side: list(items) for side, items in held.preferences.items()}
    conditions = _numbered(
        dict.fromkeys(
            (*(key[0] for key in held.blocking), *(item.condition for items in ranked.values() for item in items))
        )
    )
    tests = _numbered(dict.fromkeys(test for condition in conditions for test in tests_of(condition)))

    def state(condition: Condition) -> pl.Expr:
        return pl.col(f"state:{conditions[condition]}")

    bits = {
        "fails": [state(condition).not_().fill_null(value=False) for condition, _ in held.blocking],
        "unknown": [
            pl.lit(value=False) if lenient else state(condition).is_null() for condition, lenient in held.blocking
        ],
        **{
            f"holds:{side}": [state(item.condition).fill_null(value=item.row.lenient) for item in items]
            for side, items in ranked.items()
        },
    }
    words = {
        (f"{name}:{word}" if name in ("fails", "unknown") else name): expression
        for name, states in bits.items()
        for word, expression in enumerate(_packed(states))
    }
    return (
        [compare(test).alias(f"test:{place}") for test, place in tests.items()],
        [
            compile_condition(condition, lambda test: pl.col(f"test:{tests[test]}")).alias(f"state:{place}")
            for condition, place in conditions.items()
        ],
        [
            pl.col(column_of("needs")).cast(pl.Int64).alias("needs"),
            *(expression.alias(name) for name, expression in words.items()),
        ],
    )


def _packed(states: Sequence[pl.Expr]) -> list[pl.Expr]:
    """Booleans as the bits of as many numbers as it takes."""
    parts = [states[start : start + WORD] for start in range(0, len(states), WORD)] or [[]]
    return [
        pl.sum_horizontal(pl.lit(0, pl.Int64), *(item.cast(pl.Int64) * (1 << n) for n, item in enumerate(part)))
        for part in parts
    ]


@kept_latest(64)
def _side_columns(tables: Tables, platform: str | None, side: str, is_today: bool) -> list[pl.Expr]:  # noqa: FBT001
    """Of one side of pairs: its needs, and its part of the order as ``word``, null where it is not there."""
    held = contest(tables, platform)
    runs = pl.col(f"{side}:runs")
    is_alike = pl.lit(value=True) if is_today else pl.col("product") == _product(tables, side)

    def of_today(name: str) -> pl.Expr:
        below = range(1, len(_networks(tables, platform)) if side == "mesh" else 1)
        columns = [pl.when(pl.col("network") == number).then(f"{side}:{name}:{number}") for number in below]
        return pl.coalesce(*columns, f"{side}:{name}:0")

    required = {word: of_today(f"blocking:{word}") if is_today else pl.col(f"blocking:{word}") for word in held.words}
    speaks = of_today("speaks") if is_today else pl.when(is_alike).then("same").otherwise("speaks")
    fails = pl.any_horizontal((pl.col(f"fails:{word}") & bits) != 0 for word, bits in required.items())
    unknown = pl.any_horizontal((pl.col(f"unknown:{word}") & bits) != 0 for word, bits in required.items())
    no_change = pl.lit(is_today) if is_today else (pl.col("product") == NOTHING) & (runs <= NOTHING)
    parts = {
        f"{side}_preference": _first(pl.col(f"holds:{side}") & speaks),
        f"{side}_change": pl.when(no_change).then(0).when(is_alike).then(1).otherwise(2),
        **({"aside": (runs == NOT_KNOWN)} if side == "cni" and not is_today else {}),
    }
    word = fails.cast(pl.Int64) * FAILS + unknown.cast(pl.Int64) * IS_OPEN + _placed(parts)
    kept_there = runs != NOTHING if side == "cni" else runs > NOTHING
    there = kept_there if is_today else runs != pl.col("itself")
    names = ("met", "unmet", "encrypts")
    needs = [pl.col(f"{side}:{name}" if is_today else name).alias(name) for name in names]
    beta = pl.lit(0, pl.Int64).alias("unfinished") if is_today else pl.col("unfinished")
    return [*needs, beta, pl.when(there).then(word).alias("word")]


def _placed(parts: Mapping[str, pl.Expr]) -> pl.Expr:
    """Parts of the order, each at its place."""
    whole, below = pl.lit(0, pl.Int64), 0
    for name, bits in reversed(ORDER):
        if name in parts:
            whole = whole + parts[name].cast(pl.Int64) * (1 << below)
        below += bits
    return whole


def _joint_columns(tables: Tables) -> dict[str, pl.Expr]:
    """Needs that a pair meets, does not meet, and meets by what is not finished, from those of its sides."""
    columns = [[pl.col(f"{side}:{name}") for name in ("met", "unmet", "encrypts")] for side in SIDES]
    met, unmet = meeting(tables, (*columns[0],), (*columns[1],))  # type: ignore[arg-type]  (three columns each)
    beta = unfinished(tables, pl.col("cni:unfinished"), pl.col("cni:met"), pl.col("mesh:unfinished"))
    return {"met": met, "unmet": unmet, "unfinished": beta}


def _order() -> pl.Expr:
    """The number by which a pair is ordered, from the words of its sides and its needs; null where it is not there."""
    sides = pl.col("cni:word") | pl.col("mesh:word")
    needs = pl.col("needs").fill_null(0)
    lacking, unread = needs & pl.col("unmet"), needs & (pl.lit(ALL_ONES) - (pl.col("met") | pl.col("unmet")))
    is_open = (sides >= IS_OPEN) | (unread != 0) | pl.col("needs").is_null()
    parts = {
        "standing": pl.when((sides & FAILS) != 0)
        .then(RULED_OUT)
        .when(lacking != 0)
        .then(UNMET)
        .when(is_open)
        .then(OPEN)
        .otherwise(ELIGIBLE),
        "gap": pl.when(lacking != 0).then(lacking).otherwise(unread).bitwise_count_ones(),
        "unfinished": (needs & pl.col("unfinished")).bitwise_count_ones(),
        "place": pl.col("place"),
    }
    return (sides & (FAILS - 1)) + _placed(parts)


def _product(tables: Tables, side: str) -> pl.Expr:
    """The product that runs today, as the place of the first of its kind in ``known_running``."""
    known = known_running(tables, side)
    first = {today.id: place for place, today in reversed(list(enumerate(known)))}
    return pl.lit(pl.Series([first[today.id] for today in known], dtype=pl.Int64)).gather(pl.col(f"{side}:runs"))


def _first(bits: pl.Expr) -> pl.Expr:
    """Place of the lowest bit."""
    return bits.bitwise_trailing_zeros().clip(upper_bound=NO_PREFERENCE)


# --- the answer -----------------------------------------------------------------------------------------------------


def answered(frame: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """What ``decide`` returns for ``compared`` scenarios, with the parts of ``ORDER`` of the pair that is recommended.

    Beside them ``row``, the place of the scenario; ``platform``; and all columns of ``contested``.
    """
    cloud = column_of("cloud")
    lazy = frame.lazy().with_row_index("row")
    for side in SIDES:
        lazy = _with_today(lazy, tables, side)
    by_platform = lazy.collect().partition_by(cloud, maintain_order=True, as_dict=True)
    parts = [_answers(part, tables, platform) for (platform,), part in by_platform.items()]
    parts = parts or [_answers(lazy.collect(), tables, None)]
    return pl.concat(parts, how="diagonal").sort("row") if len(parts) > 1 else parts[0]


def _answers(frame: pl.DataFrame, tables: Tables, platform: str | None) -> pl.DataFrame:
    """The answers of one platform's scenarios."""
    held = contest(tables, platform)
    rows = {side: {place: item.row.id for item, place in held.preferences[side].items()} for side in SIDES}
    can_be_had = pl.col("standing") != RULED_OUT
    asked = pl.col("needs").is_not_null()
    known = {"cni": asked | (pl.col("cni_preference") < NO_PREFERENCE), "mesh": asked}
    kept_there = {"cni": pl.col("cni:runs") != NOT_KNOWN, "mesh": pl.lit(value=True)}
    return (
        contested(frame, tables, platform)
        .lazy()
        .with_columns(order=pl.col("orders").list.min())
        .with_columns(**parts_of(pl.col("order")))
        .join(_told(tables, platform).lazy(), on="place", how="left", maintain_order="left")
        .with_columns(
            *(
                pl.when(can_be_had & known[side])
                .then(pl.coalesce(side, pl.when(kept_there[side]).then(pl.lit("stay"))))
                .alias(side)
                for side in SIDES
            ),
            *(pl.when(can_be_had & known[side]).then(f"{side}_edition").alias(f"{side}_edition") for side in SIDES),
            *(
                pl.col(f"{side}_preference")
                .replace_strict(rows[side], default=None, return_dtype=pl.String)
                .alias(f"{side}_row")
                for side in SIDES
            ),
            eligible=pl.when(pl.col("standing") == OPEN).then(None).otherwise(pl.col("standing") == ELIGIBLE),
            platform=pl.lit(platform, pl.String),
        )
        .collect()
    )


def parts_of(order: pl.Expr) -> dict[str, pl.Expr]:
    """The parts of the number by which pairs are ordered."""
    found: dict[str, pl.Expr] = {}
    below = 0
    for name, bits in reversed(ORDER):
        found[name] = order // (1 << below) % (1 << bits)
        below += bits
    return found


def split(order: int) -> dict[str, int]:
    """The same of one number."""
    found: dict[str, int] = {}
    for name, bits in reversed(ORDER):
        found[name] = order % (1 << bits)
        order >>= bits
    return found


@kept_latest(64)
def _told(tables: Tables, platform: str | None) -> pl.DataFrame:
    """For each pair of a platform what a verdict says of it; of a side that runs today, nothing."""
    rows = [
        (
            place,
            *(side.id if side else None for side in (entry.cni, entry.mesh)),
            *((side.edition or None) if side else None for side in (entry.cni, entry.mesh)),
            entry.tuned,
        )
        for place, entry in enumerate(contest(tables, platform).entries)
    ]
    names = {
        "place": pl.Int64,
        "cni": pl.String,
        "mesh": pl.String,
        "cni_edition": pl.String,
        "mesh_edition": pl.String,
    }
    return pl.DataFrame(rows, schema={**names, "tuned": pl.Boolean}, orient="row")
