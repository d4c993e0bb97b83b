"""The decision's tables: read from ``data/decision``, overlaid with a team's own, checked as a whole.

A team's folder holds any of the same files. A row with an id of ours replaces it, a new id adds a row, and
``removed.csv`` (table, id, why) takes rows away. What the overlay changed is kept as plain data in ``Tables.changes``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.kept import kept
from meshlab.models.decision.conditions import ALWAYS, Condition, Some, read_condition
from meshlab.scenario import Input, inputs
from meshlab.tables import check_table, data_path, read_table, row_lines
from meshlab.units import is_version

CNI_OPTIONS = ("cilium", "calico", "calico-enterprise", "stay")
MESH_OPTIONS = ("none", "cilium-mesh", "istio-ambient", "istio-sidecar")
OPTIONS: dict[str, tuple[str, ...]] = {"cni": CNI_OPTIONS, "mesh": MESH_OPTIONS}
"""What can be recommended, by kind. ``stay`` keeps the network plugin of today, ``none`` has no mesh."""

RESULTING_CNI = "cni"
"""Name under which the mesh table sees the plugin that the CNI table leaves in place."""

MEETS = ("yes", "partial", "beta")
"""Supports that meet a need; partial and beta are told as caveats. What nobody read meets nothing."""

KEYS: dict[str, tuple[str, ...]] = {
    "terms": ("term",),
    "needs": ("need",),
    "domain": ("input", "value"),
    "capabilities": ("capability", "option"),
    "requirements": ("id",),
    "impossible": ("id",),
    "cni": ("id",),
    "mesh": ("id",),
}
"""The tables, each with the columns that name a row."""

REMOVED = "removed"
SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the CNI or mesh table. A lower priority number decides before a higher one.

    A row whose condition is just ``true`` is the table's stated default: it answers what no other row answers, and
    no requirement keeps it from doing so.
    """

    table: str
    id: str
    priority: int
    text: str
    condition: Condition
    recommendation: str
    reason: str
    source_id: str

    @property
    def is_default(self) -> bool:
        """Whether this is the stated default of its table."""
        return self.condition == ALWAYS


@dataclass(frozen=True, slots=True)
class Requirement:
    """What must hold where an option runs; where it does not, the option is blocked or carries a caveat."""

    id: str
    kind: str
    option: str
    text: str
    condition: Condition
    blocks: bool
    requirement: str
    source_id: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """Facts that cannot hold together: no completion, no flip and no witness combines them."""

    id: str
    text: str
    condition: Condition
    reason: str
    source_id: str


@dataclass(frozen=True, slots=True)
class Support:
    """How an option supports a capability: yes, partial, beta or no. No entry means that nobody read it."""

    capability: str
    option: str
    support: str
    note: str
    source_ids: str
    as_of: str


@dataclass(frozen=True, eq=False)
class Tables:
    """All decision tables, checked. Rules stand in the order in which they decide: by priority, then by id."""

    cni: tuple[Rule, ...]
    mesh: tuple[Rule, ...]
    requirements: tuple[Requirement, ...]
    impossible: tuple[Impossible, ...]
    capabilities: Mapping[tuple[str, str], Support]
    layers: Mapping[str, str]
    groups: Mapping[str, str]
    domain: Mapping[str, tuple[str, ...]]
    changes: tuple[dict[str, object], ...] = field(default=())

    @property
    def contradiction(self) -> Condition:
        """Whether some facts cannot hold together."""
        return Some(tuple(row.condition for row in self.impossible))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Rows of both tables, each in its order."""
        return self.cni + self.mesh

    def support(self, need: str, option: str) -> str | None:
        """How an option supports a need, or None where nobody read it."""
        entry = self.capabilities.get((need, option))
        return entry.support if entry else None

    def meets(self, need: str, option: str) -> bool:
        """Whether it was read that an option meets a need, if only partly or as a beta."""
        return self.support(need, option) in MEETS


@kept
def specs(table: str) -> dict[str, Input]:
    """The inputs that conditions of a table may name: the declared ones, and for the mesh the resulting CNI."""
    if table != "mesh":
        return inputs()
    today = inputs()["current_cni"]
    return {**inputs(), RESULTING_CNI: replace(today, name=RESULTING_CNI, label="CNI after the decision")}


def load_tables(folder: Path | None = None) -> Tables:
    """Our tables, overlaid with those of a team's folder.

    Raises:
        MeshlabError: Everything that is wrong with the tables, each with file, line, row and word.
    """
    return _our_tables() if folder is None else _read_tables(folder)


@kept
def _our_tables() -> Tables:
    return _read_tables(None)


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
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
            known_sources |= set(_checked(folder / f"{SOURCES}.csv", data_path(f"{SOURCES}.columns.csv"), problems))
        _overlay(rows, folder, changes, problems)
    problems += _reference_problems(rows, known_sources)
    tables = _build(rows, tuple(changes), problems)
    if problems:
        raise MeshlabError(problems)
    return tables


def _checked(path: Path, columns: Path, problems: list[Problem]) -> dict[str, int]:
    """First cell of each row, with its line; problems of the file are noted."""
    try:
        frame = check_table(path, columns)
    except MeshlabError as error:
        problems += error.problems
        return {}
    return dict(zip(frame.to_series(0), row_lines(path), strict=True))


def _read_rows(path: Path, table: str, problems: list[Problem]) -> _Rows:
    try:
        frame = check_table(path, data_path(f"decision/{table}.columns.csv"))
    except MeshlabError as error:
        problems += error.problems
        return {}
    rows: _Rows = {}
    for line, cells in zip(row_lines(path), frame.iter_rows(named=True), strict=True):
        row = _Row(str(path), line, cells)
        key = tuple(str(cells[name]) for name in KEYS.get(table, ("table", "id")))
        if key in rows:
            problems.append(
                row.problem(f"stands in the file twice, first on line {rows[key].line}", "keep one of them")
            )
        rows[key] = row
    return rows


def _folder_problems(folder: Path) -> Iterator[Problem]:
    if not folder.is_dir():
        yield Problem(str(folder), "is no folder of tables", "give a folder that holds files such as cni.csv")
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
    """Cells that must name something known: sources, needs, options and the few fixed words."""
    needs = inputs()["needs"].choices
    options = [option for kind in OPTIONS.values() for option in kind]
    allowed: dict[tuple[str, str], tuple[str, ...]] = {
        ("capabilities", "capability"): needs,
        ("capabilities", "option"): tuple(option for option in options if option not in ("stay", "none")),
        ("capabilities", "support"): (*MEETS, "no"),
        ("domain", "input"): tuple(name for name, spec in inputs().items() if spec.type == "version"),
        ("needs", "need"): needs,
        ("needs", "layer"): ("cni", "mesh", "any"),
        ("needs", "part_of"): needs,
        ("requirements", "kind"): tuple(OPTIONS),
        ("requirements", "option"): tuple(options),
        ("requirements", "effect"): ("blocks", "caveat"),
        ("cni", "recommendation"): CNI_OPTIONS,
        ("mesh", "recommendation"): MESH_OPTIONS,
    }
    for (table, column), words in allowed.items():
        for row in rows[table].values():
            word = row.cells[column]
            if word is not None and word not in words:
                yield row.problem(f"{column} is {shorten(word)}", did_you_mean(str(word), words))
    for row in rows["domain"].values():
        if not is_version(str(row.cells["value"])):
            yield row.problem(f"{shorten(row.cells['value'])} is no version", "write one such as 5.15.0")
    for key in rows["cni"].keys() & rows["mesh"].keys():
        yield rows["mesh"][key].problem("id stands in the CNI table too", "give it another name")
    yield from _source_problems(rows, known_sources)


def _source_problems(rows: dict[str, _Rows], known: set[str]) -> Iterator[Problem]:
    for row in (row for table in rows.values() for row in table.values()):
        for source in str(row.cells.get("source_id") or row.cells.get("source_ids") or "").split(";"):
            if source and source not in known:
                yield row.problem(f"unknown source {shorten(source)}", did_you_mean(source, sorted(known)))


def _build(rows: dict[str, _Rows], changes: tuple[dict[str, object], ...], problems: list[Problem]) -> Tables:
    terms: dict[str, Condition] = {}
    for (name,), row in rows["terms"].items():  # in the order of the file: a term may use those above it
        if name in specs("mesh"):
            problems.append(row.problem("the term has the name of an input", "give it another name"))
        terms[name] = _condition(row, specs("cni"), terms, problems)

    def condition(row: _Row, kind: str) -> Condition:
        return _condition(row, specs(kind), terms, problems)

    rules = {
        table: tuple(
            sorted(
                (_rule(table, row, condition(row, table)) for row in rows[table].values()),
                key=lambda rule: (rule.priority, rule.id),
            )
        )
        for table in OPTIONS
    }
    return Tables(
        cni=rules["cni"],
        mesh=rules["mesh"],
        requirements=tuple(
            sorted(
                (_requirement(row, condition(row, str(row.cells["kind"]))) for row in rows["requirements"].values()),
                key=lambda requirement: requirement.id,
            )
        ),
        impossible=tuple(
            Impossible(
                text=str(row.cells["condition"]),
                condition=condition(row, "cni"),
                **_texts(row, "id", "reason", "source_id"),
            )
            for _, row in sorted(rows["impossible"].items())
        ),
        capabilities={(key[0], key[1]): Support(**_texts(row)) for key, row in sorted(rows["capabilities"].items())},
        layers={need: str(row.cells["layer"]) for (need,), row in sorted(rows["needs"].items())},
        groups={need: str(row.cells["part_of"]) for (need,), row in rows["needs"].items() if row.cells["part_of"]},
        domain={
            name: tuple(value for (owner, value) in sorted(rows["domain"]) if owner == name)
            for name in sorted({name for name, _ in rows["domain"]})
        },
        changes=changes,
    )


def _condition(
    row: _Row, known: Mapping[str, Input], terms: Mapping[str, Condition], problems: list[Problem]
) -> Condition:
    condition, faults = read_condition(str(row.cells["condition"]), known, terms)
    problems += [row.problem(f"condition: {what}", todo) for what, todo in faults]
    return condition


def _texts(row: _Row, *names: str) -> dict[str, str]:
    return {name: str(row.cells[name] or "") for name in (names or row.cells)}


def _rule(table: str, row: _Row, condition: Condition) -> Rule:
    return Rule(
        table=table,
        priority=int(str(row.cells["priority"])),
        text=str(row.cells["condition"]),
        condition=condition,
        **_texts(row, "id", "recommendation", "reason", "source_id"),
    )


def _requirement(row: _Row, condition: Condition) -> Requirement:
    return Requirement(
        text=str(row.cells["condition"]),
        condition=condition,
        blocks=row.cells["effect"] == "blocks",
        **_texts(row, "id", "kind", "option", "requirement", "source_id"),
    )
