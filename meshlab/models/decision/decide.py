"""The contest of options, for any number of scenarios: what is eligible, and which of those is recommended.

What is asked of the facts is one query over all scenarios, whose answers are bits: of needs, requirements and
preferences. Scenarios of one platform have the same pairs, which ``ranking`` orders by these bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from meshlab.cache import cached_here, cached_latest
from meshlab.models.decision.conditions import (
    FALSE,
    TRUE,
    UNKNOWN,
    Compiled,
    States,
    Values,
    comparable,
    compiled,
    values_of,
)
from meshlab.models.decision.contests import NOT_KNOWN, NOTHING, Running, known_running, rules, running
from meshlab.models.decision.ranking import (
    DOUBTFUL,
    ELIGIBLE,
    FAILS,
    NO_PREFERENCE,
    OPEN,
    RULED_OUT,
    WORD,
    PairTable,
    orders,
    pair_table,
    part,
    standing,
)
from meshlab.models.decision.tables import SIDES, Tables, load_tables
from meshlab.scenario import collect_few, inputs

SLICE = 1024
"""Scenarios whose pairs are worked out at a time, so that they stay in the processor's caches."""

COLUMNS = ("scenario", "cni", "mesh", "cni_edition", "mesh_edition", "tuned", "eligible", "cni_row", "mesh_row")


def decide(scenarios: pl.DataFrame | pl.LazyFrame, tables: Tables | None = None) -> pl.LazyFrame:
    """CNI and mesh of each scenario, as one lazy query.

    Columns: ``scenario``; ``cni`` and ``mesh``, ids, ``stay``, or null where not enough is known; ``cni_edition`` and
    ``mesh_edition``; ``tuned``; ``eligible``, whether the recommended pair is; ``cni_row`` and ``mesh_row``, ids of the
    preferences that decided. The order of rows is kept.

    Args:
        scenarios: Inputs of ``data/inputs.csv``; absent ones count as missing, others are left alone.
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
    return frame.select("scenario", *(_compared(name, "given" if name in given else "absent") for name in inputs()))


@cached_here
def _compared(name: str, kind: str) -> pl.Expr:
    """An input as it is compared; missing throughout where its column is absent."""
    spec = inputs()[name]
    return comparable(spec, pl.col(name) if kind == "given" else pl.lit(None, spec.dtype)).alias(column_of(name))


def column_of(name: str) -> str:
    """Column of an input in the form in which it is compared."""
    return f"compared:{name}"


def states_of(frame: pl.DataFrame, conditions: Compiled) -> States:
    """The state of each condition over ``compared`` scenarios."""
    plain = frame.select(pl.col(column_of(name)).to_physical() for name in conditions.inputs)
    values = {name: values_of(plain[column_of(name)]) for name in conditions.inputs}
    found = np.empty((len(conditions.results), len(frame)), np.uint8)
    for start in range(0, len(frame), SLICE):
        part = slice(start, start + SLICE)
        here = {name: Values(numbers[part], missing[part]) for name, (numbers, missing) in values.items()}
        found[:, part] = conditions.states(here, len(frame[part]))
    return found


# --- what the facts say, as bits --------------------------------------------------------------------------------------

IDENTITY = {
    "cni": ("current_cni", "current_cni_edition", "policy_engine"),
    "mesh": ("current_mesh", "current_mesh_edition"),
}
"""Inputs that tell what runs today on a side: product, edition, and the engine beside it."""

BUDGETS = {"over": FAILS, "doubtful": DOUBTFUL}
"""Columns that scenarios may have, and what they add to a pair's number: keys of pairs that break a budget with near
certainty, and more likely than not, by figures that no table holds."""

WINDOWS = (None, False, True)
"""Whether nodes run Windows, by the number that stands for it."""


class Stated(NamedTuple):
    """What scenarios say.

    Args:
        facts: ``scenario``; ``cloud``, the place of the platform among the input's choices; ``needs``, none as none
            were stated, and ``asked``, whether they were; for each side ``SIDE:runs``, a place in ``known_running``,
            and ``SIDE:ails``, whether that is said to be unhealthy; and ``BUDGETS``, where scenarios have them.
        states: The states of the ``Rules``' conditions. [conditions × scenarios]
    """

    facts: pl.DataFrame
    states: States


def stated(frame: pl.DataFrame, tables: Tables) -> Stated:
    """What ``compared`` scenarios say of the tables' conditions.

    Args:
        frame: The scenarios.
        tables: The tables.
    """
    own, editions, conditions = _steps(tables)
    found = _rows(frame.lazy().with_columns(own).with_columns(editions), frame.height)
    names = ["scenario", *(expression.meta.output_name() for expression in own), *(BUDGETS.keys() & {*frame.columns})]
    return Stated(found.select(names), states_of(found, conditions))


@cached_latest(16)
def _steps(tables: Tables) -> tuple[list[pl.Expr], list[pl.Expr], Compiled]:
    """What scenarios gain first, the editions that rest on that, and the conditions that rest on both."""
    own = [
        pl.col(column_of("cloud")).to_physical().cast(pl.Int64).alias("cloud"),
        pl.col(column_of("needs")).cast(pl.Int64).fill_null(0).alias("needs"),
        pl.col(column_of("needs")).is_not_null().alias("asked"),
        *(_runs(tables, side).alias(f"{side}:runs") for side in SIDES),
        *(pl.col(column_of(f"{side}_healthy")).not_().fill_null(value=False).alias(f"{side}:ails") for side in SIDES),
    ]
    editions = [_edition(tables, side).alias(column_of(IDENTITY[side][1])) for side in SIDES]
    return own, editions, compiled([*rules(tables).conditions], inputs())


def _kinds(frame: pl.DataFrame, tables: Tables) -> tuple[pl.DataFrame, pl.Series] | None:
    """One scenario of each kind that the tables tell apart, and of every scenario the number of its kind.

    None where most scenarios are of a kind of their own.
    """
    own, editions, conditions = _steps(tables)
    found = _rows(frame.lazy().with_columns(own).with_columns(editions), frame.height)
    worked_out = (expression.meta.output_name() for expression in (*own, *editions))
    budgets = (name for name in BUDGETS if name in found.columns)
    names = list(dict.fromkeys([*worked_out, *map(column_of, conditions.inputs), *budgets]))
    between: list[pl.Series] = []
    for name, edges in conditions.edges.items():
        numbers, missing = values_of(found[column_of(name)])
        places = np.where(missing, -1, np.searchsorted(edges, numbers, "right"))
        between.append(pl.Series(column_of(name), places, pl.Int32))
    told = found.select(names).with_columns(between)
    if told.hash_rows().n_unique() > frame.height / 2:
        return None
    rows = told.with_row_index("row").group_by(names, maintain_order=True).agg("row")["row"]
    kinds = np.empty(frame.height, np.uint32)
    kinds[rows.explode().to_numpy()] = np.arange(len(rows), dtype=np.uint32).repeat(rows.list.len().to_numpy())
    return frame[rows.list.first()], pl.Series(kinds)


@cached_latest(16)
def told_apart(tables: Tables) -> dict[str, Sequence[float] | None]:
    """The inputs that a verdict rests on; of an ordered one the numbers that conditions compare it with."""
    conditions = _steps(tables)[2]
    names = dict.fromkeys([*conditions.inputs, *itertools.chain.from_iterable(IDENTITY.values())])
    return {name: conditions.edges[name].tolist() if name in conditions.edges else None for name in names}


def _bits(tables: Tables, states: States) -> dict[str, NDArray[np.int64]]:
    """The states of some scenarios' conditions as bits. [conditions × scenarios]

    For each side ``SIDE:holds:WORD``, preferences that hold, and ``SIDE:fails:WORD`` and ``SIDE:unknown:WORD``,
    requirements.
    """
    found: dict[str, NDArray[np.int64]] = {}
    for side in SIDES:
        required, preferred = rules(tables).required[side], rules(tables).preferred[side]
        wanted, needed = states[[place for _, place in preferred]], states[[place for place, _ in required]]
        lenient = np.array([[row.lenient] for row, _ in preferred], bool)
        strict = np.array([[not lenient] for _, lenient in required], bool)
        bits = {
            "holds": (wanted == TRUE) | ((wanted == UNKNOWN) & lenient),
            "fails": needed == FALSE,
            "unknown": (needed == UNKNOWN) & strict,
        }
        for name, of_rows in bits.items():
            for word, start in enumerate(range(0, max(1, len(of_rows)), WORD)):
                found[f"{side}:{name}:{word}"] = _packed(of_rows[start : start + WORD])
    return found


def _packed(states: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Columns of at most ``WORD`` booleans, each as the bits of a number."""
    bits = np.zeros((states.shape[1], 64), bool)
    bits[:, : len(states)] = states.T
    return np.packbits(bits, bitorder="little").view("<i8")


def _runs(tables: Tables, side: str) -> pl.Expr:
    """The place of what runs today in ``known_running``."""
    place = pl.lit(0, pl.Int64)
    for name in IDENTITY[side]:
        code = pl.col(column_of(name)).to_physical().cast(pl.Int64) + 1
        place = place * (len(inputs()[name].choices) + 1) + code.fill_null(0)
    windows = pl.col(column_of("windows_nodes"))
    place = place * len(WINDOWS) + pl.when(windows > 0).then(2).when(windows == 0).then(1).otherwise(0)
    return pl.when(column_of("greenfield")).then(NOTHING).otherwise(pl.lit(_identities(tables, side)).gather(place))


@cached_latest(16)
def _identities(tables: Tables, side: str) -> pl.Series:
    """Of each combination of ``IDENTITY`` and ``WINDOWS`` the place in ``known_running``; none stated comes first."""
    places = {today: place for place, today in enumerate(known_running(tables, side))}
    found: list[int] = []
    for product, edition, *engine in itertools.product(*(("", *inputs()[name].choices) for name in IDENTITY[side])):
        for windows in WINDOWS:
            by_engine = Running(product, "", "".join(engine), windows)
            alone = Running(product)
            candidates = (Running(product, edition or "-"), by_engine, alone._replace(windows=windows), alone)
            found.append(next((places[today] for today in candidates if today in places), NOT_KNOWN))
    return pl.Series(found, dtype=pl.Int64)


def _edition(tables: Tables, side: str) -> pl.Expr:
    """The edition of what runs today, where it is stated or only one comes into question."""
    name, known = IDENTITY[side][1], known_running(tables, side)
    platforms = (*inputs()["cloud"].choices, None)
    found = [running(tables, side, today, platform).edition for platform in platforms for today in known]
    place = pl.col("cloud").fill_null(len(platforms) - 1) * len(known) + pl.col(f"{side}:runs")
    # an edition of a team's own tables is no value of the input
    deduced = pl.Series(found).cast(pl.Enum(inputs()[name].choices), strict=False)
    return pl.coalesce(column_of(name), pl.lit(deduced).gather(place))


# --- the answer -----------------------------------------------------------------------------------------------------


def answered(frame: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """What ``decide`` returns for ``compared`` scenarios: see ``recommended``.

    ``contradicted`` besides: whether the facts of a scenario cannot hold together. Of many scenarios, those that no
    condition tells apart are decided once.
    """
    if frame.height > SLICE and (kinds := _kinds(frame, tables)):
        firsts, of = kinds
        return answered(firsts, tables)[of].with_columns(frame["scenario"])
    given = stated(frame, tables)
    best = np.zeros(len(frame), np.int64)
    for _, rows, found in contested(given, tables):
        best[rows] = found.min(axis=0)
    impossible = given.states[[rules(tables).place(row, None) for row in tables.impossible]] == TRUE
    return recommended(given.facts.with_columns(contradicted=impossible.any(axis=0)), best, tables)


def contested(given: Stated, tables: Tables) -> Iterator[tuple[PairTable, NDArray[np.intp], NDArray[np.int64]]]:
    """The contests of ``stated`` scenarios: a pair_table, the rows of some scenarios on it, and the order of its pairs.

    The order of pairs is a matrix of pairs by scenarios.
    """
    facts, states = given
    named = ["needs", "asked", *(f"{side}:{name}" for side in SIDES for name in ("runs", "ails"))]
    columns = {name: facts[name].to_numpy() for name in named}
    clouds = facts["cloud"].fill_null(-1).to_numpy()
    for code in np.unique(clouds):
        (rows,) = np.nonzero(clouds == code)
        held = pair_table(tables, platform_at(code))
        for start in range(0, len(rows), SLICE):
            part = rows[start : start + SLICE]
            of_part = {name: values[part] for name, values in columns.items()} | _bits(tables, states[:, part])
            found = orders(held, tables, of_part)
            for name in BUDGETS.keys() & set(facts.columns):
                places = {entry.key: place for place, entry in enumerate(held.entries)}
                for column, keys in enumerate(facts[name].gather(part).to_list()):
                    found[[places[key] for key in keys if key in places], column] |= BUDGETS[name]
            yield held, part, found


def platform_at(code: int | None) -> str | None:
    """The platform whose place among the input's choices is given; none for one that is not known."""
    return None if code is None or code < 0 else inputs()["cloud"].choices[code]


def recommended(facts: pl.DataFrame, best: NDArray[np.int64], tables: Tables) -> pl.DataFrame:
    """What is recommended, by the number of the pair that comes first.

    Columns: those of ``decide``, ``standing``, and those of ``stated``.
    """
    pairs, starts = _told_pairs(tables)
    place = pl.lit(starts).gather(pl.col("cloud").fill_null(len(starts) - 1)) + pl.col("place")
    asked = pl.col("asked")
    stays = {"cni": pl.col("cni:runs") != NOT_KNOWN, "mesh": pl.lit(value=True)}
    told: dict[str, pl.Expr] = {}
    for side in SIDES:
        row = pl.when(pl.col(f"{side}_preference") < NO_PREFERENCE).then(f"{side}_preference")
        known = (pl.col("standing") != RULED_OUT) & (asked | row.is_not_null() if side == "cni" else asked)
        option, edition = (pl.lit(pairs[name]).gather(place) for name in (side, f"{side}_edition"))
        told[side] = pl.when(known).then(pl.coalesce(option, pl.when(stays[side]).then(pl.lit("stay"))))
        told[f"{side}_edition"] = pl.when(known).then(edition)
        ids = pl.Series([preference.id for preference, _ in rules(tables).preferred[side]], dtype=pl.String)
        told[f"{side}_row"] = pl.lit(ids).gather(row)
    found = (
        facts.lazy()
        .with_columns(
            pl.Series("standing", standing(best)),
            *(pl.Series(name, part(best, name)) for name in ("place", "cni_preference", "mesh_preference")),
        )
        .with_columns(
            **told,
            tuned=pl.lit(pairs["tuned"]).gather(place),
            eligible=pl.when(pl.col("standing") != OPEN).then(pl.col("standing") == ELIGIBLE),
        )
    )
    return _rows(found, facts.height)


FEW = 100_000
"""Scenarios up to which it was measured that optimizing these queries takes longer than what that saves."""


def _rows(query: pl.LazyFrame, height: int) -> pl.DataFrame:
    return collect_few(query) if height <= FEW else query.collect()


@cached_latest(16)
def _told_pairs(tables: Tables) -> tuple[pl.DataFrame, pl.Series]:
    """What a verdict says of each platform's pairs, of a side that runs today nothing; and where a platform's begin."""
    held = [pair_table(tables, platform) for platform in (*inputs()["cloud"].choices, None)]
    starts = list(itertools.accumulate((len(one.entries) for one in held[:-1]), initial=0))
    rows = [
        (
            *(side.id if side else None for side in (entry.cni, entry.mesh)),
            *((side.edition or None) if side else None for side in (entry.cni, entry.mesh)),
            entry.tuned,
        )
        for one in held
        for entry in one.entries
    ]
    names = dict.fromkeys(("cni", "mesh", "cni_edition", "mesh_edition"), pl.String())
    return pl.DataFrame(rows, schema={**names, "tuned": pl.Boolean()}, orient="row"), pl.Series(starts)
