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
    layer_bits,
    meeting,
    prefers,
    requirements_of,
    running,
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
    ("change", 3),
    ("place", 10),
)
"""Parts of the number by which pairs are ordered, from the most significant, each with its bits."""

ELIGIBLE, OPEN, UNMET, RULED_OUT = range(4)
"""How a pair stands: it may be recommended; something is unread or unknown; a need is unmet; a requirement fails."""

NO_PREFERENCE = WORD
"""Place of the preference that speaks for a pair where none does."""

COLUMNS = ("scenario", "cni", "mesh", "cni_edition", "mesh_edition", "tuned", "eligible", "cni_row", "mesh_row")


def decide(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables | None = None) -> pl.LazyFrame:
    """CNI and mesh of each scenario, as one lazy query.

    Columns: ``scenario``; ``cni`` and ``mesh``, ids, ``stay``, or null where not enough is known; ``cni_edition`` and
    ``mesh_edition``; ``tuned``; ``eligible``, whether the recommended pair is; ``cni_row`` and ``mesh_row``, ids of the
    preferences that decided. The order of rows is kept. Which platforms there are is looked up first.

    Args:
        scenarios: Columns of INTERFACE.md; absent ones count as missing, others are left alone.
        tables: Decision tables; ours unless given.
    """
    tables = tables or load_tables()
    return answered(compared(scenarios), tables).select(*COLUMNS)


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
        blocking: The conditions of requirements that rule options out.
        preferences: Of each side, the preferences in the order in which they decide.
    """

    tables: Tables
    platform: str | None
    entries: tuple[Entry, ...]
    blocking: Mapping[Condition, int]
    preferences: Mapping[str, Mapping[Ranked, int]]

    def requirements(self, side: Side, cni: Side | None) -> list[int]:
        """Requirements of a side of a pair that rule it out, as bits of as many numbers as it takes."""
        rows = requirements_of(self.tables, side, self.platform)
        conditions = {about(row.condition, cni) for row in rows if row.blocks}
        return _words((self.blocking[condition] for condition in conditions - {ALWAYS}), len(self.blocking))

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
        about(row.condition, cni)
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
        _numbered(condition for condition in required if condition != ALWAYS),
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

    Columns: ``SIDE:runs``, its place; ``SIDE:met``, ``SIDE:unmet``, ``SIDE:encrypts``; and ``SIDE:blocking:WORD:NETWORK``
    and ``SIDE:speaks:NETWORK`` for each of ``_networks``, as a mesh may depend on the network below it.
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


@kept_latest(64)
def pairs(tables: Tables, platform: str | None) -> pl.DataFrame:
    """The pairs of a platform as numbers, one row each.

    Columns: ``place``; ``network``, among ``_networks``; and of each side ``SIDE:is_today``, ``SIDE:id`` and
    ``SIDE:itself``, the places in ``known_running`` of its product and of itself, as bits; ``SIDE:own_met``,
    ``SIDE:own_unmet``, ``SIDE:own_unfinished``, ``SIDE:own_encrypts``, ``SIDE:own_blocking:WORD``, ``SIDE:own_speaks``, and
    ``SIDE:own_same``, the preferences that speak for it where another edition of it runs.
    """
    held = contest(tables, platform)
    kinds = [_seen_by_mesh(held, cni) for cni in _networks(tables, platform)]
    rows = []
    for place, entry in enumerate(held.entries):
        row: dict[str, int | bool] = {"place": place, "network": kinds.index(_seen_by_mesh(held, entry.cni))}
        for name, side in (("cni", entry.cni), ("mesh", entry.mesh)):
            row |= {f"{name}:{key}": value for key, value in _own(held, name, side, entry.cni).items()}
        rows.append(row)
    flags = {f"{side}:is_today": pl.Boolean for side in SIDES}
    return pl.DataFrame(rows, schema={name: flags.get(name, pl.Int64) for name in rows[0]})


def _own(held: Contest, name: str, side: Side | None, cni: Side | None) -> dict[str, int | bool]:
    """What a pair's side is of its own; of what runs today, nothing."""
    if side is None:
        zeros = (
            "product",
            "itself",
            "own_met",
            "own_unmet",
            "own_unfinished",
            "own_encrypts",
            "own_speaks",
            "own_same",
        )
        return {"is_today": True, **dict.fromkeys(zeros, 0), **{f"own_blocking:{word}": 0 for word in held.words}}
    alike = [(place, today) for place, today in enumerate(known_running(held.tables, name)) if today.id == side.id]
    return {
        "is_today": False,
        "product": alike[0][0] if alike else -1,
        "itself": next((place for place, today in alike if today.edition == side.edition), -1) if side.edition else -1,
        "own_met": side.met,
        "own_unmet": side.unmet,
        "own_unfinished": side.unfinished,
        "own_encrypts": side.encrypts,
        "own_speaks": held.speaking(side, Running(""), cni),
        "own_same": held.speaking(side, Running(side.id), cni),
        **{f"own_blocking:{word}": bits for word, bits in enumerate(held.requirements(side, cni))},
    }


# --- the query ------------------------------------------------------------------------------------------------------


def contested(frame: pl.LazyFrame, tables: Tables, platform: str | None) -> pl.LazyFrame:
    """``compared`` scenarios of one platform with their bits, and ``orders``, the numbers of all pairs of each.

    Pairs are worked out once for all scenarios that are alike in the bits that pairs read.

    Columns: ``row``, ``scenario``; ``needs``; ``fails:WORD`` and ``unknown:WORD``, requirements; ``holds:SIDE``, preferences, all as
    bits; ``SIDE:runs``; ``orders``, in which a pair that is not there is null.
    """
    held, table = contest(tables, platform), pairs(tables, platform)
    for step in _steps(tables, platform):
        frame = frame.with_columns(step)
    facts = _facts_of(held)
    alike = frame.select(facts).unique(maintain_order=True)
    every = alike
    for side in SIDES:
        every = every.join(todays(tables, platform, side).lazy(), on=f"{side}:runs", how="left", maintain_order="left")
    every = every.join(table.lazy(), how="cross", maintain_order="left_right")
    for step in _pair_steps(tables, platform):
        every = every.with_columns(**step)
    orders = every.select(pl.col("order").reshape((-1, len(table))).alias("orders"))
    frame = frame.select("row", "scenario", *facts)
    return frame.join(
        pl.concat([alike, orders], how="horizontal"), on=facts, how="left", nulls_equal=True, maintain_order="left"
    )


def _facts_of(held: Contest) -> list[str]:
    words = [f"{name}:{word}" for name in ("fails", "unknown") for word in held.words]
    return ["needs", *words, *(f"holds:{side}" for side in SIDES), *(f"{side}:runs" for side in SIDES)]


@kept_latest(64)
def _steps(tables: Tables, platform: str | None) -> tuple[list[pl.Expr], ...]:
    """Columns that scenarios of a platform gain, step by step."""
    held = contest(tables, platform)
    ranked = {side: list(items) for side, items in held.preferences.items()}
    conditions = _numbered(
        dict.fromkeys((*held.blocking, *(item.condition for items in ranked.values() for item in items)))
    )
    tests = _numbered(dict.fromkeys(test for condition in conditions for test in tests_of(condition)))

    def state(condition: Condition) -> pl.Expr:
        return pl.col(f"state:{conditions[condition]}")

    bits = {
        "fails": [state(condition).not_().fill_null(value=False) for condition in held.blocking],
        "unknown": [state(condition).is_null() for condition in held.blocking],
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
def _pair_steps(tables: Tables, platform: str | None) -> tuple[dict[str, pl.Expr], ...]:
    """Columns that the pairs of scenarios gain, step by step, up to ``order``."""
    held = contest(tables, platform)
    networks = range(len(_networks(tables, platform)))
    words = held.words

    def of_today(name: str) -> pl.Expr:
        """A column of today's mesh that depends on the network below it."""
        columns = [pl.when(pl.col("network") == number).then(f"mesh:{name}:{number}") for number in networks[1:]]
        return pl.coalesce(*columns, f"mesh:{name}:0")

    def of_side(side: str, name: str, today: pl.Expr, own: pl.Expr | None = None) -> pl.Expr:
        return pl.when(f"{side}:is_today").then(today).otherwise(pl.col(f"{side}:own_{name}") if own is None else own)

    runs = {side: pl.col(f"{side}:runs") for side in SIDES}
    alike = {side: pl.col(f"{side}:product") == pl.col(f"{side}:runs_product") for side in SIDES}
    today = {
        "cni": {"speaks": pl.col("cni:speaks:0"), **{f"blocking:{w}": pl.col(f"cni:blocking:{w}:0") for w in words}},
        "mesh": {"speaks": of_today("speaks"), **{f"blocking:{w}": of_today(f"blocking:{w}") for w in words}},
    }
    sides = {
        f"{side}_{name}": of_side(side, name, pl.col(f"{side}:{name}"))
        for side in SIDES
        for name in ("met", "unmet", "encrypts")
    }
    sides |= {
        f"{side}_speaks": of_side(
            side,
            "speaks",
            today[side]["speaks"],
            pl.when(alike[side]).then(f"{side}:own_same").otherwise(f"{side}:own_speaks"),
        )
        for side in SIDES
    }
    required = {
        f"required:{word}": of_side("cni", f"blocking:{word}", today["cni"][f"blocking:{word}"])
        | of_side("mesh", f"blocking:{word}", today["mesh"][f"blocking:{word}"])
        for word in words
    }
    there = {
        "there": pl.when("cni:is_today").then(runs["cni"] != NOTHING).otherwise(runs["cni"] != pl.col("cni:itself"))
        & pl.when("mesh:is_today").then(runs["mesh"] > NOTHING).otherwise(runs["mesh"] != pl.col("mesh:itself"))
    }
    columns = [tuple(pl.col(f"{side}_{name}") for name in ("met", "unmet", "encrypts")) for side in SIDES]
    met, unmet = meeting(tables, *columns)  # type: ignore[arg-type]  (three columns each)
    layers = layer_bits(tables)
    by_mesh = (pl.lit(ALL_ONES) - pl.col("cni_met")) & layers["any"] | layers["mesh"]
    unfinished = (pl.col("cni:own_unfinished") & layers["cni"]) | (pl.col("mesh:own_unfinished") & by_mesh)
    needs = pl.col("needs").fill_null(0)
    fails = pl.any_horizontal((pl.col(f"fails:{word}") & pl.col(f"required:{word}")) != 0 for word in words)
    unknown = pl.any_horizontal((pl.col(f"unknown:{word}") & pl.col(f"required:{word}")) != 0 for word in words)
    is_open = (pl.col("unread") != 0) | unknown | pl.col("needs").is_null()
    lacks = pl.col("lacking") != 0
    nothing_changes = pl.col("mesh:product").eq(NOTHING) & (runs["mesh"] <= NOTHING)
    changes = {side: pl.when(f"{side}:is_today").then(0).when(alike[side]).then(1).otherwise(2) for side in SIDES}
    parts = {
        "aside": (runs["cni"] == NOT_KNOWN) & ~pl.col("cni:is_today"),
        "standing": pl.when(fails).then(RULED_OUT).when(lacks).then(UNMET).when(is_open).then(OPEN).otherwise(ELIGIBLE),
        "gap": pl.when(lacks).then("lacking").otherwise("unread").bitwise_count_ones(),
        "cni_preference": _first(pl.col("holds:cni") & pl.col("cni_speaks")),
        "unfinished": (needs & unfinished).bitwise_count_ones(),
        "mesh_preference": _first(pl.col("holds:mesh") & pl.col("mesh_speaks")),
        "change": 2 * changes["cni"] + pl.when(nothing_changes).then(0).otherwise(changes["mesh"]),
        "place": pl.col("place"),
    }
    order = pl.lit(0, pl.Int64)
    for name, bits in ORDER:
        order = order * (1 << bits) + parts[name].cast(pl.Int64)
    return (
        {f"{side}:runs_product": _products(tables, side) for side in SIDES},
        sides | required | there,
        {"lacking": needs & unmet, "unread": needs & (pl.lit(ALL_ONES) - (met | unmet))},
        {"order": pl.when("there").then(order)},
    )


def _products(tables: Tables, side: str) -> pl.Expr:
    """The product that runs today, as the place of the first of its kind in ``known_running``."""
    known = known_running(tables, side)
    first = {today.id: place for place, today in reversed(list(enumerate(known)))}
    return pl.col(f"{side}:runs").replace_strict(
        {place: first[today.id] for place, today in enumerate(known)}, return_dtype=pl.Int64
    )


def _first(bits: pl.Expr) -> pl.Expr:
    """Place of the lowest bit."""
    return bits.bitwise_trailing_zeros().clip(upper_bound=NO_PREFERENCE)


# --- the answer -----------------------------------------------------------------------------------------------------


def answered(frame: pl.LazyFrame | pl.DataFrame, tables: Tables) -> pl.LazyFrame:
    """What ``decide`` returns for ``compared`` scenarios, with the parts of ``ORDER`` of the pair that is recommended.

    Beside them ``row``, the place of the scenario, and ``platform``, ``needs``, ``fails:WORD``, ``unknown:WORD``,
    ``SIDE:runs`` and ``orders``, the number of every pair.
    """
    lazy = frame.lazy().with_row_index("row")
    cloud = pl.col(column_of("cloud"))
    platforms = lazy.select(cloud.unique(maintain_order=True)).collect().to_series().to_list()
    for side in SIDES:
        lazy = _with_today(lazy, tables, side)
    parts = [_answers(lazy.filter(cloud.eq_missing(platform)), tables, platform) for platform in platforms]
    return (
        pl.concat(parts, how="diagonal").sort("row") if len(parts) > 1 else parts[0] if parts else _none(lazy, tables)
    )


def _answers(frame: pl.LazyFrame, tables: Tables, platform: str | None) -> pl.LazyFrame:
    """The answers of one platform's scenarios."""
    held = contest(tables, platform)
    rows = {side: {place: item.row.id for item, place in held.preferences[side].items()} for side in SIDES}
    can_be_had = pl.col("standing") != RULED_OUT
    asked = pl.col("needs").is_not_null()
    known = {"cni": asked | (pl.col("cni_preference") < NO_PREFERENCE), "mesh": asked}
    kept_there = {"cni": pl.col("cni:runs") != NOT_KNOWN, "mesh": pl.lit(value=True)}
    return (
        contested(frame, tables, platform)
        .with_columns(order=pl.col("orders").arr.min())
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
            orders=pl.col("orders").arr.to_list(),
        )
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
    return pl.select(**parts_of(pl.lit(order, pl.Int64))).row(0, named=True)


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
