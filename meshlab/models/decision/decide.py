"""The contest of options, for any number of scenarios: what is eligible, and which of those is recommended.

Each scenario is joined with the pairs of its contest. A pair is eligible where no need is unmet or unread and every
requirement holds; not eligible where something that is known rules it out; open otherwise. Among those that are
eligible the first preference that speaks for one decides, of the network before the mesh; then the smaller move. The
order of all pairs is one whole number, its parts from the most significant to the least, so that the least of a
scenario's numbers is its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from meshlab.kept import kept_latest
from meshlab.models.decision.conditions import (
    ALWAYS,
    Condition,
    Test,
    comparable,
    compile_condition,
    compile_test,
    tests_of,
)
from meshlab.models.decision.contests import (
    WORD,
    Context,
    Entry,
    Preferred,
    Running,
    about,
    contest,
    editions_of,
    preferred,
    speaks_for,
    words,
)
from meshlab.models.decision.tables import NONE, SIDES, Tables, load_tables
from meshlab.scenario import inputs, schema

ORDER: tuple[tuple[str, int], ...] = (
    ("forced", 1),
    ("standing", 2),
    ("gap", 6),
    ("cni_preference", 6),
    ("mesh_preference", 6),
    ("place", 12),
)
"""Parts of the number by which pairs are ordered, from the most significant, each with its bits."""

ELIGIBLE, OPEN, UNMET, RULED_OUT = range(4)
"""How a pair stands: it may be recommended; something is unread or unknown; a need is unmet; a requirement fails."""

NO_PREFERENCE = WORD
"""Place of the preference that speaks for a pair where none does."""


def decide(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables | None = None) -> pl.LazyFrame:
    """CNI and mesh of each scenario.

    Columns: ``scenario``; ``cni`` and ``mesh``, ids, ``stay``, or null where not enough is known; ``cni_edition`` and
    ``mesh_edition``; ``tuned``; ``eligible``, whether the recommended pair is; ``cni_row`` and ``mesh_row``, ids of the
    preferences that decided. The platforms and products of today are looked at first; all else is one lazy query.

    Args:
        scenarios: Columns of INTERFACE.md; absent ones count as missing, others are left alone.
        tables: Decision tables; ours unless given.
    """
    tables = tables or load_tables()
    frame = compared(scenarios).with_row_index("row")
    return answered(contests_of(frame, tables), tables).select(*COLUMNS)


COLUMNS = ("scenario", "cni", "mesh", "cni_edition", "mesh_edition", "tuned", "eligible", "cni_row", "mesh_row")


def answers(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables | None = None) -> pl.LazyFrame:
    """``scenario``, ``cni`` and ``mesh`` of ``decide`` alone: ids, ``stay``, or null."""
    return decide(scenarios, tables).select("scenario", "cni", "mesh")


# --- inputs as they are compared ------------------------------------------------------------------------------------


def compared(scenarios: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    """``scenario``, and every input as ``compared:NAME`` in the form in which it is compared."""
    given = scenarios.lazy().collect_schema()
    frame = scenarios.lazy()
    if "scenario" not in given:
        frame = frame.with_row_index("scenario").with_columns(pl.col("scenario").cast(pl.String))
    columns = {name: pl.col(name) if name in given else pl.lit(None, dtype) for name, dtype in schema().items()}
    return frame.select(
        "scenario", *(comparable(spec, columns[name]).alias(column_of(name)) for name, spec in inputs().items())
    )


def column_of(name: str) -> str:
    """Column of an input in the form in which it is compared."""
    return f"compared:{name}"


# --- contests as numbers --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Contests:
    """The contests of some scenarios, as numbers.

    Args:
        contexts: What each contest depends on.
        entries: The pairs of each contest, best first where no preference decides.
        blocking: The conditions of their requirements, each once.
        preferences: Of each side the preferences, in order, as they read for the networks of the entries.
        frame: A row for each entry: ``context``, ``place``, needs ``met`` and ``unmet``, bits of ``blocking``, and of
            ``preferences``.
    """

    contexts: tuple[Context, ...]
    entries: tuple[tuple[Entry, ...], ...]
    blocking: tuple[Condition, ...]
    preferences: Mapping[str, tuple[Preferred, ...]]
    frame: pl.DataFrame

    @property
    def blocking_words(self) -> int:
        """How many numbers hold the bits of the requirements."""
        return max(1, -(-len(self.blocking) // WORD))


CONTEXT_INPUTS = {
    "cni": ("greenfield", "current_cni", "current_cni_edition", "policy_engine"),
    "mesh": ("greenfield", "current_mesh", "current_mesh_edition"),
}
"""What tells which product runs today."""


def contests_of(frame: pl.LazyFrame | pl.DataFrame, tables: Tables) -> tuple[Contests, pl.LazyFrame]:
    """The contests of ``compared`` scenarios, and the scenarios with the number of theirs as ``context``."""
    lazy = frame.lazy()
    for side, names in CONTEXT_INPUTS.items():
        keys = [column_of(name) for name in names]
        seen = lazy.select(keys).unique(maintain_order=True).collect()
        running = [_running(tables, side, *row) for row in seen.iter_rows()]
        numbered = list(dict.fromkeys(running))
        index = pl.Series(f"running:{side}", [numbered.index(item) for item in running], pl.UInt32)
        lazy = lazy.join(seen.with_columns(index).lazy(), on=keys, how="left", nulls_equal=True, maintain_order="left")
        if side == "cni":
            networks = numbered
    keys = [column_of("cloud"), "running:cni", "running:mesh"]
    seen = lazy.select(keys).unique(maintain_order=True).collect()
    contexts = tuple(Context(cloud, networks[cni], numbered[mesh]) for cloud, cni, mesh in seen.iter_rows())
    lazy = lazy.join(
        seen.with_row_index("context").lazy(), on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return contests(tables, contexts), lazy.drop("running:cni", "running:mesh")


def _running(
    tables: Tables,
    side: str,
    greenfield: bool | None,  # noqa: FBT001  (a row of a frame)
    name: str | None,
    edition: str | None,
    engine: str | None = None,
) -> Running:
    if greenfield:
        return Running(NONE)
    known = editions_of(tables, side).get(name or "", ())
    if edition in {option.edition for option in known}:
        return Running(name or "", edition or "")
    return Running(name or "", "", engine or "" if engine in {option.policy_engine for option in known} else "")


@kept_latest(64)
def contests(tables: Tables, contexts: tuple[Context, ...]) -> Contests:
    """The contests of some contexts."""
    entries = tuple(contest(tables, context) for context in contexts)
    every = [entry for entered in entries for entry in entered]
    blocking = tuple(dict.fromkeys(condition for entry in every for condition in entry.blocking if condition != ALWAYS))
    preferences = {side: preferred(tables, side, every) for side in SIDES}
    return Contests(contexts, entries, blocking, preferences, _numbers(tables, entries, blocking, preferences))


def _numbers(
    tables: Tables,
    entries: tuple[tuple[Entry, ...], ...],
    blocking: tuple[Condition, ...],
    preferences: Mapping[str, tuple[Preferred, ...]],
) -> pl.DataFrame:
    number = {condition: place for place, condition in enumerate(blocking)}
    rows: list[dict[str, int | bool]] = []
    for context, entered in enumerate(entries):
        unknown_network = any(entry.cni.today and not entry.cni.id for entry in entered)
        for place, entry in enumerate(entered):
            bits = words([number[condition] for condition in entry.blocking if condition in number], len(blocking))
            row: dict[str, int | bool] = {
                "context": context,
                "place": place,
                "met": entry.met,
                "unmet": entry.unmet,
                "forced": unknown_network and not entry.cni.today,
                **{f"blocking:{word}": value for word, value in enumerate(bits)},
            }
            for side, ranked in preferences.items():
                rules = tables.of_side(side)
                spoken = [
                    place
                    for place, item in enumerate(ranked)
                    if speaks_for(tables, side, item.place, entry)
                    and item.condition == about(rules[item.place].condition, entry.cni)
                ]
                (row[f"speaks:{side}"],) = words(spoken, WORD)
            rows.append(row)
    counts = {"context": pl.UInt32, "place": pl.Int64, "forced": pl.Boolean}
    names = (
        "context",
        "place",
        "met",
        "unmet",
        "forced",
        *(f"blocking:{n}" for n in range(len(words([], len(blocking))))),
    )
    return pl.DataFrame(
        rows, schema={name: counts.get(name, pl.Int64) for name in (*names, "speaks:cni", "speaks:mesh")}
    )


# --- the query ------------------------------------------------------------------------------------------------------


def standings(found: tuple[Contests, pl.LazyFrame], tables: Tables) -> pl.LazyFrame:
    """Every pair of every scenario's contest: how it stands, what it lacks, and its ``order``.

    Columns beside those of ``Contests.frame``: ``scenario``, ``row``; ``standing``; ``lacking`` and ``unread``, needs as
    bits; ``failing:N`` and ``open:N``, requirements as bits; ``cni_preference`` and ``mesh_preference``, places among
    ``Contests.preferences``; ``order``.
    """
    contests, frame = found
    scenarios = _facts(frame, contests, tables)
    pairs = scenarios.join(contests.frame.lazy(), on="context", how="inner", maintain_order="left_right")
    needs = pl.col("needs").fill_null(0)
    numbers = range(contests.blocking_words)
    pairs = pairs.with_columns(
        lacking=needs & pl.col("unmet"),
        unread=needs & ~(pl.col("met") | pl.col("unmet")),
        **{f"failing:{n}": pl.col(f"fails:{n}") & pl.col(f"blocking:{n}") for n in numbers},
        **{f"open:{n}": pl.col(f"unknown:{n}") & pl.col(f"blocking:{n}") for n in numbers},
        **{
            f"{side}_preference": (pl.col(f"holds:{side}") & pl.col(f"speaks:{side}"))
            .bitwise_trailing_zeros()
            .clip(upper_bound=NO_PREFERENCE)
            .cast(pl.Int64)
            for side in SIDES
        },
    )
    fails = pl.any_horizontal(pl.col(f"failing:{n}") != 0 for n in numbers)
    is_open = pl.any_horizontal(
        pl.col("unread") != 0, pl.col("needs").is_null(), *(pl.col(f"open:{n}") != 0 for n in numbers)
    )
    lacks = pl.col("lacking") != 0
    pairs = pairs.with_columns(
        standing=pl.when(fails).then(RULED_OUT).when(lacks).then(UNMET).when(is_open).then(OPEN).otherwise(ELIGIBLE)
    )
    gap = pl.when(pl.col("standing") == OPEN).then("unread").otherwise("lacking").bitwise_count_ones()
    return pairs.with_columns(gap=gap.cast(pl.Int64)).with_columns(order=_order())


def _order() -> pl.Expr:
    order: pl.Expr = pl.lit(0, pl.Int64)
    for name, bits in ORDER:
        order = order * (1 << bits) + pl.col(name).cast(pl.Int64)
    return order


def _facts(frame: pl.LazyFrame, contests: Contests, tables: Tables) -> pl.LazyFrame:
    """Of each scenario the needs, and as bits the requirements that fail or are open and the preferences that hold."""
    conditions = dict.fromkeys(
        (*contests.blocking, *(item.condition for ranked in contests.preferences.values() for item in ranked))
    )
    number = {condition: place for place, condition in enumerate(conditions)}
    tests = {test: f"test:{n}" for n, test in enumerate(dict.fromkeys(t for c in conditions for t in tests_of(c)))}

    def state(condition: Condition) -> pl.Expr:
        return pl.col(f"state:{number[condition]}")

    fails = _packed([state(condition).not_().fill_null(value=False) for condition in contests.blocking])
    unknown = _packed([state(condition).is_null() for condition in contests.blocking])
    holds = {
        side: _packed(
            [
                state(item.condition).fill_null(value=tables.of_side(side)[item.place].lenient)
                for item in contests.preferences[side]
            ]
        )
        for side in SIDES
    }
    return (
        frame.with_columns(compare(test).alias(name) for test, name in tests.items())
        .with_columns(
            compile_condition(condition, lambda test: pl.col(tests[test])).alias(f"state:{place}")
            for condition, place in number.items()
        )
        .select(
            "row",
            "scenario",
            "context",
            needs=pl.col(column_of("needs")).cast(pl.Int64),
            **{f"fails:{n}": word for n, word in enumerate(fails)},
            **{f"unknown:{n}": word for n, word in enumerate(unknown)},
            **{f"holds:{side}": word for side, (word,) in holds.items()},
        )
    )


def compare(test: Test) -> pl.Expr:
    """One comparison over ``compared`` scenarios."""
    return compile_test(test, inputs()[test.input], pl.col(column_of(test.input)))


def _packed(states: list[pl.Expr]) -> list[pl.Expr]:
    """Booleans as the bits of as many numbers as it takes."""
    parts = [states[start : start + WORD] for start in range(0, len(states), WORD)] or [[]]
    return [
        pl.sum_horizontal(pl.lit(0, pl.Int64), *(item.cast(pl.Int64) * (1 << n) for n, item in enumerate(part)))
        for part in parts
    ]


def answered(found: tuple[Contests, pl.LazyFrame], tables: Tables) -> pl.LazyFrame:
    """What ``decide`` returns, with ``row``, ``context``, ``place`` and ``standing``."""
    contests, _ = found
    best = (
        standings(found, tables)
        .group_by("row", maintain_order=True)
        .agg(pl.first("scenario", "context"), asked=pl.first("needs").is_not_null(), order=pl.min("order"))
        .with_columns(**parts_of("order"))
        .join(_told(contests).lazy(), on=["context", "place"], how="left", maintain_order="left")
    )
    preferences = {
        side: {place: tables.of_side(side)[item.place].id for place, item in enumerate(contests.preferences[side])}
        for side in SIDES
    }
    can_be_had = pl.col("standing") != RULED_OUT
    known = {"cni": pl.col("asked") | (pl.col("cni_preference") < NO_PREFERENCE), "mesh": pl.col("asked")}
    return best.with_columns(
        *(pl.when(can_be_had & known[side]).then(side).alias(side) for side in SIDES),
        *(pl.when(can_be_had & known[side]).then(f"{side}_edition").alias(f"{side}_edition") for side in SIDES),
        *(
            pl.col(f"{side}_preference")
            .replace_strict(preferences[side], default=None, return_dtype=pl.String)
            .alias(f"{side}_row")
            for side in SIDES
        ),
        eligible=pl.when(pl.col("standing") == OPEN).then(None).otherwise(pl.col("standing") == ELIGIBLE),
    )


def parts_of(order: str) -> dict[str, pl.Expr]:
    """The parts of the number by which pairs are ordered."""
    found: dict[str, pl.Expr] = {}
    below = 0
    for name, bits in reversed(ORDER):
        found[name] = pl.col(order) // (1 << below) % (1 << bits)
        below += bits
    return found


def _told(contests: Contests) -> pl.DataFrame:
    """For each pair of each contest what a verdict says of it."""
    rows = [
        (
            context,
            place,
            ("stay" if entry.cni.today else entry.cni.id) if entry.cni.id else None,
            "stay" if entry.mesh.today else entry.mesh.id,
            entry.cni.edition or None,
            entry.mesh.edition or None,
            entry.tuned,
        )
        for context, entered in enumerate(contests.entries)
        for place, entry in enumerate(entered)
    ]
    schema = {"context": pl.UInt32, "place": pl.Int64, "cni": pl.String, "mesh": pl.String}
    return pl.DataFrame(
        rows, schema={**schema, "cni_edition": pl.String, "mesh_edition": pl.String, "tuned": pl.Boolean}, orient="row"
    )
