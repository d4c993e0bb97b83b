"""The decision's tables: read from ``data/decision``, overlaid with a team's own, checked as a whole.

A team's folder holds any of the same files. A row with the key of one of ours replaces it, a new key adds a row, and
``removed.csv`` (table, id, why) takes rows away. What the overlay changed is kept as plain data in ``Tables.changes``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from inspect import get_annotations
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.cache import cached, cached_latest
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.models.decision.conditions import Condition, Some, read_condition
from meshlab.scenario import Input, inputs
from meshlab.tables import check_table, data_path, read_table, row_lines

SIDES = ("cni", "mesh")
"""The two sides of an option: the network below, and the mesh above it."""

TODAY = "today"
"""What runs today, where a table names an option."""

SAME = "same"
"""What runs today, in whichever edition, where a preference names an option."""

NONE, GATEWAY, CILIUM_MESH, OTHER = "none", "gateway", "cilium-mesh", "other"

RESULTING = ("cni", "cni_edition")
"""Names under which rows of the mesh side see the network of the pair, and its edition."""

SUPPORTS = ("yes", "partial", "beta", "alpha", "no", "not read")
STATUSES = ("ga", "beta", "preview", "deprecated", "unknown", "ended")
SUPPORTERS = (PROVIDER := "provider", "vendor", SELF_RUN := "self-run")
LICENCE, USE = "licence", "use"
"""How what is paid is charged: by a licence that is bought for it, or on the bill of the platform, by use."""
LAYERS = ("cni", "mesh", "any", "both", "encrypting")
"""Which side's cell counts: one, either, each of the two, or each that encrypts."""

ANYWHERE = "any"

BAR = "|"
"""What divides several options, editions or platforms of one row."""

KEYS: dict[str, tuple[str, ...]] = {
    "terms": ("term",),
    "needs": ("need",),
    "networks": ("network", "edition", "platforms"),
    "meshes": ("mesh", "edition", "platforms"),
    "pairs": ("platform", "cni", "cni_edition", "mesh", "mesh_edition"),
    "cells": ("need", "option", "edition", "platform"),
    "requirements": ("id",),
    "operations": ("side", "option", "edition"),
    "preferences": ("id",),
    "impossible": ("id",),
}
"""The tables, each with the columns that name a row."""

OF_EDITIONS = ("cells", "operations")
"""The tables of which a row may speak of several editions."""

YEAR_DAYS = 365
"""Age from which a text is read again. [days]"""

REMOVED = "removed"
SOURCES = "sources"


class Option(msgspec.Struct, frozen=True, eq=False):
    """One product in one edition, on one side: a row of ``networks.csv`` or ``meshes.csv``."""

    side: str
    id: str
    edition: str
    label: str
    supported_by: str
    platforms: frozenset[str]
    status: str
    ends: str
    new: bool
    policy_engine: str
    dataplane: str
    paid: bool
    charged_by: str
    licence: str
    price_basis: str
    encrypts: bool
    source_id: str
    text_date: str
    note: str

    @property
    def place(self) -> str:
        """How it is written: ``cilium@dataplane-v2``; without an edition the id alone."""
        return f"{self.id}@{self.edition}" if self.edition else self.id

    @property
    def names(self) -> tuple[str, str]:
        """What a table may call it."""
        return self.id, self.place

    def had_on(self, platform: str | None) -> bool:
        """Whether it can be had on a platform; on one that is not known, if it can be had anywhere."""
        return platform is None or ANYWHERE in self.platforms or platform in self.platforms


class Pair(msgspec.Struct, frozen=True):
    """A combination that people choose among on a platform; ``today`` stands for what runs."""

    platform: str
    cni: str
    cni_edition: str
    mesh: str
    mesh_edition: str


class Cell(msgspec.Struct, frozen=True):
    """How an option meets a need on a platform, as a text says. ``meets`` is None where no text was read."""

    need: str
    option: str
    edition: str
    platform: str
    support: str
    meets: bool | None
    note: str
    source_id: str
    text_date: str
    released: bool

    @property
    def is_finished(self) -> bool:
        """Whether what it says is released, and neither alpha nor beta."""
        return self.released and self.support not in ("beta", "alpha")

    @property
    def is_inferred(self) -> bool:
        """Whether no sentence says it: it was inferred from what the text says of something else."""
        return "inferred" in self.note


class Preference(msgspec.Struct, frozen=True, eq=False):
    """What is preferred among eligible options: a lower priority number decides before a higher one.

    Args:
        option: An id, ``id@edition``, ``today``, or ``column=value`` over the columns of the options.
        lenient: Whether it holds where a missing fact leaves its condition open.
    """

    side: str
    id: str
    priority: int
    text: str
    condition: Condition
    option: str
    lenient: bool
    reason: str
    source_id: str
    text_date: str


class Requirement(msgspec.Struct, frozen=True, eq=False):
    """What must hold where an option runs; where it does not, the option is ruled out or carries a caveat.

    Args:
        option: As in a preference.
        today: Whether it binds what runs already, too, and not a new choice alone.
        lenient: Whether it counts as met where a missing fact leaves it open.
    """

    id: str
    side: str
    option: str
    text: str
    condition: Condition
    effect: str
    today: bool
    lenient: bool
    requirement: str
    source_id: str
    text_date: str

    @property
    def blocks(self) -> bool:
        """Whether it rules out where it does not hold."""
        return self.effect == "blocks"


class Impossible(msgspec.Struct, frozen=True, eq=False):
    """Facts that cannot hold together: no completion, no flip and no witness combines them."""

    id: str
    text: str
    condition: Condition
    reason: str
    source_id: str


class Tables(msgspec.Struct, frozen=True, eq=False):
    """All decision tables, checked. Preferences stand in the order in which they decide: by priority, then by id.

    ``layers`` says of each need who has to meet it; ``encrypting`` holds those that ask for something that encrypts.
    """

    options: tuple[Option, ...]
    pairs: tuple[Pair, ...]
    cells: Mapping[tuple[str, ...], Cell]
    requirements: tuple[Requirement, ...]
    preferences: tuple[Preference, ...]
    operations: Mapping[tuple[str, ...], Mapping[str, object]]
    impossible: tuple[Impossible, ...]
    layers: Mapping[str, str]
    encrypting: frozenset[str]
    changes: tuple[dict[str, object], ...] = ()

    @property
    def contradiction(self) -> Condition:
        """Whether some facts cannot hold together."""
        return Some(tuple(row.condition for row in self.impossible))

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that pairs are listed for."""
        return tuple(dict.fromkeys(pair.platform for pair in self.pairs))

    def of_side(self, side: str) -> tuple[Preference, ...]:
        """Preferences about one side, in the order in which they decide."""
        return tuple(row for row in self.preferences if row.side == side)

    def editions(self, side: str, name: str) -> tuple[Option, ...]:
        """All editions of a product; one that differs by platform stands once for each."""
        return tuple(option for option in self.options if (option.side, option.id) == (side, name))

    def option(self, side: str, name: str, edition: str, platform: str | None) -> Option:
        """An edition of a product as it is on a platform."""
        alike = [option for option in self.editions(side, name) if option.edition == edition]
        return next((option for option in alike if option.had_on(platform)), alike[0])

    def cell(self, option: Option, need: str, platform: str | None) -> Cell | None:
        """What was read of an option and a need: of the platform itself, or of any."""
        if platform is None and len(option.platforms) == 1:
            (platform,) = option.platforms
        keys = [(need, option.id, option.edition, where) for where in (platform or ANYWHERE, ANYWHERE)]
        return next((self.cells[key] for key in keys if key in self.cells), None)


@cached
def specs(side: str) -> dict[str, Input]:
    """The inputs that conditions may name: the declared ones, and on the mesh side those of the pair's network."""
    if side != "mesh":
        return inputs()
    seen = {
        name: replace(inputs()[f"current_{name}"], name=name, label=f"{label} of the option")
        for name, label in zip(RESULTING, ("Network", "Edition of the network"), strict=True)
    }
    return {**inputs(), **seen}


_SELECTOR = re.compile(r"(\w+)=(\S*)")


def selects(option: str, candidate: Option) -> bool:
    """Whether one of some names in a table means a candidate: its id, its place, or one of its columns."""
    for name in option.split(BAR):
        match = _SELECTOR.fullmatch(name)
        if str(getattr(candidate, match[1])).lower() == match[2].lower() if match else name in candidate.names:
            return True
    return False


def load_tables(folder: Path | None = None) -> Tables:
    """Our tables, overlaid with those of a team's folder.

    Raises:
        MeshlabError: Everything that is wrong with the tables, each with file, line, row and word.
    """
    return _our_tables() if folder is None else _read_tables(folder)


@cached
def _our_tables() -> Tables:
    return _read_tables(None)


# --- reading --------------------------------------------------------------------------------------------------------


class _Row(msgspec.Struct, frozen=True):
    """One row of a file with its place."""

    file: str
    line: int
    cells: dict[str, object]

    def problem(self, what: str, todo: str = "") -> Problem:
        return Problem(self.file, f"row {'/'.join(map(str, list(self.cells.values())[:1]))}: {what}", todo, self.line)


_Rows = dict[tuple[str, ...], _Row]


def _read_tables(folder: Path | None) -> Tables:
    problems: list[Problem] = []
    rows = {table: _read_rows(data_path(f"decision/{table}.csv"), table, problems) for table in KEYS}
    changes: list[dict[str, object]] = []
    known_sources = set(read_table("sources")["source_id"])
    if folder is not None:
        problems += _folder_problems(folder)
        if (folder / f"{SOURCES}.csv").exists():
            known_sources |= {row[0] for row in _frame(folder / f"{SOURCES}.csv", SOURCES, problems).iter_rows()}
        _overlay(rows, folder, changes, problems)
    problems += _reference_problems(rows, known_sources)
    tables = _build(rows, tuple(changes), problems)
    if problems:
        raise MeshlabError(problems)
    return tables


def _frame(path: Path, columns: str, problems: list[Problem]) -> pl.DataFrame:
    """A table, of no row where its file is wrong, whose problems are noted."""
    try:
        return check_table(path, data_path(f"{columns}.columns.csv"))
    except MeshlabError as error:
        problems += error.problems
        return pl.DataFrame()


def _read_rows(path: Path, table: str, problems: list[Problem]) -> _Rows:
    frame = _frame(path, f"decision/{table}", problems)
    rows: _Rows = {}
    for line, cells in zip(row_lines(path) if frame.height else (), frame.iter_rows(named=True), strict=True):
        # one text may speak of several editions: each is a row of its own
        editions = str(cells["edition"]).split(BAR) if table in OF_EDITIONS and cells["edition"] else ()
        of_each: list[dict[str, object]] = [{**cells, "edition": edition} for edition in editions]
        for each in of_each or [cells]:
            row = _Row(str(path), line, each)
            key = tuple(str(each[name] or "") for name in KEYS.get(table, ("table", "id")))
            if key in rows:
                problems.append(
                    row.problem(f"stands in the file twice, first on line {rows[key].line}", "keep one of them")
                )
            rows[key] = row
    return rows


def _folder_problems(folder: Path) -> Iterator[Problem]:
    if not folder.is_dir():
        yield Problem(str(folder), "is no folder of tables", "give a folder that holds files such as preferences.csv")
        return
    names = [f"{table}.csv" for table in (*KEYS, REMOVED, SOURCES)]
    files = [path for path in sorted(folder.glob("*.csv")) if not path.name.endswith(".columns.csv")]
    if not files:
        yield Problem(str(folder), "holds no tables", f"known: {', '.join(names)}")
    for path in files:
        if path.name not in names:
            yield Problem(str(path), "is no decision table", did_you_mean(path.name, names))


def _overlay(rows: dict[str, _Rows], folder: Path, changes: list[dict[str, object]], problems: list[Problem]) -> None:
    for table in KEYS:
        path = folder / f"{table}.csv"
        for key, row in (_read_rows(path, table, problems) if path.exists() else {}).items():
            before = rows[table].get(key)
            if before is None or before.cells != row.cells:
                changes.append(_change(table, key, before, row))
            rows[table][key] = row
    path = folder / f"{REMOVED}.csv"
    for key, row in (_read_rows(path, REMOVED, problems) if path.exists() else {}).items():
        table, name = key
        found = next((held for held in rows.get(table, {}) if "/".join(held) == name), None)
        if table not in rows:
            problems.append(row.problem(f"{table!r} is no table", did_you_mean(table, KEYS)))
        elif found is None:
            problems.append(
                row.problem(f"{name!r} is not in table {table!r}", did_you_mean(name, map("/".join, rows[table])))
            )
        else:
            changes.append({**_change(table, found, rows[table].pop(found), None), "why": row.cells["why"]})


def _change(table: str, key: tuple[str, ...], before: _Row | None, after: _Row | None) -> dict[str, object]:
    kind = "added" if before is None else "removed" if after is None else "replaced"
    return {
        "table": table,
        "id": "/".join(key),
        "change": kind,
        "before": before and before.cells,
        "after": after and after.cells,
    }


# --- checking and building ------------------------------------------------------------------------------------------


def _reference_problems(rows: dict[str, _Rows], known_sources: set[str]) -> Iterator[Problem]:
    """Cells that must name something known: sources, needs, options, platforms and the few fixed words."""
    needs, clouds = inputs()["needs"].choices, inputs()["cloud"].choices
    ids = {side: tuple(dict.fromkeys(key[0] for key in rows[table])) for side, table in _OPTION_TABLES.items()}
    allowed: dict[tuple[str, str], tuple[str, ...]] = {
        ("networks", "network"): inputs()["current_cni"].choices,
        ("networks", "policy_engine"): inputs()["policy_engine"].choices,
        ("meshes", "mesh"): inputs()["current_mesh"].choices,
        ("cells", "need"): needs,
        ("cells", "option"): (*ids["cni"], *ids["mesh"]),
        ("cells", "platform"): (ANYWHERE, *clouds),
        ("cells", "support"): SUPPORTS,
        ("pairs", "platform"): clouds,
        ("needs", "need"): needs,
        ("needs", "layer"): LAYERS,
        ("requirements", "kind"): SIDES,
        ("requirements", "effect"): ("blocks", "caveat", "scope", "ends"),
        ("preferences", "side"): SIDES,
        **{(table, "status"): STATUSES for table in _OPTION_TABLES.values()},
        **{(table, "supported_by"): SUPPORTERS for table in _OPTION_TABLES.values()},
    }
    for (table, column), words in allowed.items():
        for row in rows[table].values():
            word = row.cells[column]
            if word is not None and word not in words:
                yield row.problem(f"{column} is {shorten(word)}", did_you_mean(str(word), words))
    yield from _place_problems(rows)
    yield from _source_problems(rows, known_sources)


_OPTION_TABLES = {"cni": "networks", "mesh": "meshes"}


def _place_problems(rows: dict[str, _Rows]) -> Iterator[Problem]:
    """Options that tables name and that do not exist: in pairs, cells, requirements, preferences and operations."""
    places = {
        side: {f"{name}@{edition}".rstrip("@") for name, edition, _ in rows[table]}
        for side, table in _OPTION_TABLES.items()
    }
    for row in rows["pairs"].values():
        for side in SIDES:
            name, edition = str(row.cells[side]), str(row.cells[f"{side}_edition"] or "")
            place = f"{name}@{edition}".rstrip("@")
            if name != TODAY and place not in places[side]:
                yield row.problem(f"{side} {shorten(place)} does not exist", did_you_mean(place, places[side]))
            elif name != TODAY and not _had_on(rows[_OPTION_TABLES[side]], name, edition, str(row.cells["platform"])):
                yield row.problem(
                    f"{place} cannot be had on {row.cells['platform']}", f"see its row of {_OPTION_TABLES[side]}.csv"
                )
    yield from _missing_pairs(rows["pairs"])
    yield from _missing_needs(rows["needs"])
    every = set[str]().union(*places.values())
    for row in rows["cells"].values():
        place = f"{row.cells['option']}@{row.cells['edition'] or ''}".rstrip("@")
        if place not in every:
            yield row.problem(f"option {shorten(place)} does not exist", did_you_mean(place, sorted(every)))
    for table, column in (("requirements", "kind"), ("preferences", "side"), ("operations", "side")):
        for row in rows[table].values():
            side = str(row.cells[column])
            yield from _option_problems(row, table, places.get(side, set()), rows[_OPTION_TABLES.get(side, table)])


def _missing_pairs(pairs: _Rows) -> Iterator[Problem]:
    """Platforms without the pairs that every contest holds: what runs today, and its network without a mesh."""
    for platform in inputs()["cloud"].choices:
        for mesh in (TODAY, NONE):
            if pairs and (platform, TODAY, "", mesh, "") not in pairs:
                file = next(iter(pairs.values())).file
                yield Problem(
                    file, f"{platform} has no pair of {TODAY} and {mesh}", "each contest holds it: add the row"
                )


def _missing_needs(needs: _Rows) -> Iterator[Problem]:
    """Needs that may be asked for and of which the tables do not say who has to meet them."""
    for need in inputs()["needs"].choices:
        if needs and (need,) not in needs:
            yield Problem(next(iter(needs.values())).file, f"says nothing of {need}", "add its row: who has to meet it")


def _option_problems(row: _Row, table: str, places: set[str], options: _Rows) -> Iterator[Problem]:
    """What is wrong with the option that a row of requirements, preferences or operations names."""
    edition = str(row.cells["edition"] or "") if table == "operations" else ""
    columns = [*Option.__struct_fields__]
    known = {place.partition("@")[0] for place in places} | places | {TODAY, SAME}
    for name in f"{row.cells['option']}@{edition}".rstrip("@").split(BAR):
        match = _SELECTOR.fullmatch(name)
        if match and match[1] not in columns:
            yield row.problem(f"option selects by {match[1]!r}", did_you_mean(match[1], columns))
        elif match:
            fixed = {"status": STATUSES, "supported_by": SUPPORTERS, "paid": ("true", "false")}
            fixed["charged_by"] = (LICENCE, USE)
            told = {str(option.cells.get(match[1])).lower() for option in options.values()}
            if match[2].lower() not in (values := {*fixed.get(match[1], ()), *told}):
                yield row.problem(f"option {shorten(name)} selects nothing", did_you_mean(match[2], sorted(values)))
        elif places and name not in known:
            yield row.problem(f"option is {shorten(name)}", did_you_mean(name, sorted(known)))


def _had_on(rows: _Rows, name: str, edition: str, platform: str) -> bool:
    where = {word for key in rows if key[:2] == (name, edition) for word in key[2].split(BAR)}
    return bool({ANYWHERE, platform} & where)


def _source_problems(rows: dict[str, _Rows], known: set[str]) -> Iterator[Problem]:
    for row in (row for table in rows.values() for row in table.values()):
        for source in str(row.cells.get("source_id") or "").split(";"):
            if source and source not in known:
                yield row.problem(f"unknown source {shorten(source)}", did_you_mean(source, sorted(known)))


def _build(rows: dict[str, _Rows], changes: tuple[dict[str, object], ...], problems: list[Problem]) -> Tables:
    terms: dict[str, Condition] = {}
    for (name,), row in rows["terms"].items():  # in the order of the file: a term may use those above it
        if name in specs("mesh"):
            problems.append(row.problem("the term has the name of an input", "give it another name"))
        terms[name] = _condition(row, specs("cni"), terms, problems)

    def asked(row: _Row, side: str) -> dict[str, Any]:
        return {"text": str(row.cells["condition"]), "condition": _condition(row, specs(side), terms, problems)}

    preferences = [
        _record(Preference, row, priority=int(str(row.cells["priority"])), **asked(row, str(row.cells["side"])))
        for row in rows["preferences"].values()
    ]
    requirements = [
        _record(Requirement, row, side=side, **asked(row, side))
        for row in rows["requirements"].values()
        for side in [str(row.cells["kind"])]
    ]
    return Tables(
        options=tuple(
            _record(
                Option, row, side=side, id=id_, platforms=frozenset(platforms.split(BAR)), charged_by=_charged_by(row)
            )
            for side, table in _OPTION_TABLES.items()
            for (id_, _, platforms), row in rows[table].items()
        ),
        pairs=tuple(_record(Pair, row) for row in rows["pairs"].values()),
        cells={
            key: _record(Cell, row, meets=row.cells["meets"], released=row.cells["released"] is not False)
            for key, row in rows["cells"].items()
        },
        requirements=tuple(sorted(requirements, key=lambda row: row.id)),
        preferences=tuple(sorted(preferences, key=lambda row: (row.priority, row.id))),
        operations={key: row.cells for key, row in rows["operations"].items()},
        impossible=tuple(
            _record(Impossible, row, **asked(row, "cni")) for _, row in sorted(rows["impossible"].items())
        ),
        layers={need: str(row.cells["layer"]) for (need,), row in sorted(rows["needs"].items())},
        encrypting=frozenset(need for (need,), row in rows["needs"].items() if row.cells["encrypts"]),
        changes=changes,
    )


def _condition(
    row: _Row, known: Mapping[str, Input], terms: Mapping[str, Condition], problems: list[Problem]
) -> Condition:
    condition, faults = read_condition(str(row.cells["condition"]), known, terms)
    problems += [row.problem(f"condition: {what}", todo) for what, todo in faults]
    return condition


def _charged_by(row: _Row) -> str:
    """How an option is paid for; nothing where it is not."""
    by = USE if row.cells["supported_by"] == PROVIDER else LICENCE
    return by if row.cells["paid"] else ""


Record = TypeVar("Record")


def _record(kind: Callable[..., Record], row: _Row, **own: object) -> Record:
    """A row as a record: values of its own, and the row's cells, of which an empty one is an empty text or false."""
    found: dict[str, object] = {}
    for name, of in get_annotations(kind).items():
        cell = row.cells.get(name)
        found[name] = bool(cell) if of == "bool" else str(cell or "")
    return kind(**{**found, **own})


@cached_latest(16)
def newest_text(tables: Tables) -> date:
    """Date of the newest text behind the tables, which stands for the day on which they were last worked on."""
    rows = (*tables.options, *tables.cells.values(), *tables.requirements)
    return date.fromisoformat(max(row.text_date for row in rows if row.text_date[:1].isdigit()))


def is_stale(tables: Tables, text_date: str) -> bool:
    """Whether a text is more than a year older than the newest one, or has no date: it has to be read again."""
    if not text_date[:1].isdigit():
        return True
    return newest_text(tables) - date.fromisoformat(text_date) > timedelta(days=YEAR_DAYS)


def due(tables: Tables) -> pl.DataFrame:
    """The texts that have to be read again, the oldest first, and what rests on each.

    Returns:
        ``source_id``, ``text_date``, ``rows`` (how many rest on it), ``first`` (one of them).
    """
    rows = [
        *(
            (cell.source_id, cell.text_date, f"{cell.option}@{cell.edition}: {cell.need}")
            for cell in tables.cells.values()
        ),
        *((option.source_id, option.text_date, f"{option.place}: what it is") for option in tables.options),
        *((row.source_id, row.text_date, f"requirement {row.id}") for row in tables.requirements),
        *(
            (str(row["source_id"]), str(row["text_date"] or ""), f"{'@'.join(place[1:])}: what running it takes")
            for place, row in tables.operations.items()
        ),
    ]
    read = [row for row in dict.fromkeys(rows) if row[0] and is_stale(tables, row[1])]
    return (
        pl.DataFrame(read, schema=["source_id", "text_date", "what"], orient="row")
        .group_by("source_id", "text_date")
        .agg(rows=pl.len(), first=pl.col("what").min())
        .sort("text_date", "source_id")
    )
