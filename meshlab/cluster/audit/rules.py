"""From rows and the table of rules to findings, never a pass for lack of data or for lack of anything to look at.

The rules between two clusters are the facts of ``data/audit/differences.csv``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from string import Formatter
from typing import Any

import msgspec
import polars as pl
from msgspec.structs import asdict
from polars import selectors

from meshlab.cluster.audit.inventory import QUERIES, Inventory
from meshlab.cluster.facts.summary import facts_of
from meshlab.documents import is_mapping
from meshlab.tables import read_table

Finding = dict[str, Any]
Hide = Callable[[str], str]

STATES = ("fail", "unknown", "not applicable", "pass")
"""What a rule ends as, in the order in which it is told; not applicable is one whose subject does not exist."""

MOST_OBJECTS = 200
"""Objects that one finding names; ``count`` holds how many there are."""

MOST_DETAILS = 3
"""Objects of which a finding says the particulars."""

NAMES = frozenset({"namespace", "name", "host", "other"})
"""Columns of queries that hold names, which anonymous findings replace."""


class Rule(msgspec.Struct, frozen=True):
    """One row of ``data/audit/rules.csv``, where ``rules.columns.csv`` says what each column holds."""

    id: str
    title: str
    severity: str
    family: str
    loop: str
    query: str
    subject: str
    applies: str
    fails: str
    needs: tuple[str, ...]
    detail: str
    undecided: str | None
    lacks: str | None
    why: str
    check: str
    source_id: str


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the table."""
    needed = [tuple(filter(None, (cell or "").split("|"))) for cell in read_table("audit/rules")["needs"]]
    rows = read_table("audit/rules").drop("needs").iter_rows(named=True)
    return tuple(Rule(**row, needs=needs) for row, needs in zip(rows, needed, strict=True))


def judge(rule: Rule, inventory: Inventory, hide: Hide = str) -> Finding:
    """What the rule finds in a cluster."""
    applies = inventory.facts.select(pl.sql_expr(rule.applies)).item()
    rows = judged(rule, inventory, applies=applies)
    missing = _missing(rule, inventory, rows.filter(pl.col("failing").is_null()), applies=applies)
    state, shown = _state(rows, missing, applies=applies)
    objects = (_name(row, hide) for row in shown.head(MOST_OBJECTS).iter_rows(named=True))
    return finding(
        asdict(rule),
        state,
        objects=list(dict.fromkeys(filter(None, objects))),
        count=shown.height,
        of=rows.height,
        detail=_does_not_apply(rule, inventory) if applies is False else _detail(rule, state, rows, shown, hide),
        missing=[] if state in ("pass", "not applicable") else missing,
    )


def finding(row: Mapping[str, Any], state: str, *, objects: Sequence[str] = (), **told: object) -> Finding:
    """A finding: what the row of its rule says, and what was found; ``told`` stands before the row's own cells."""
    found = {
        "rule": row["id"],
        **{name: row.get(name) for name in ("title", "severity", "family", "loop")},
        "state": state,
        "objects": list(objects),
        "count": 0,
        "of": 0,
        **{name: row[name] for name in ("why", "check", "source_id")},
        **told,
    }
    return {**found, "evidence": found["objects"] or ([found["detail"]] if found["detail"] else [])}


def _state(rows: pl.DataFrame, missing: list[str], *, applies: bool | None) -> tuple[str, pl.DataFrame]:
    """The rule's state, and the rows that speak for it: failing ones, or ones that cannot be judged."""
    failing = rows.filter(pl.col("failing"))
    if applies is False:
        return "not applicable", rows.clear()
    if failing.height:
        return "fail", failing
    if missing:
        return "unknown", rows.filter(pl.col("failing").is_null())
    return "pass" if rows.height else "not applicable", rows.clear()


def _detail(rule: Rule, state: str, rows: pl.DataFrame, shown: pl.DataFrame, hide: Hide) -> str:
    """The particulars of the rows that speak for a state; of a pass, what was looked at."""
    if state == "fail":
        return _particulars(rule.detail, shown, hide)
    if state == "unknown":
        return _particulars(rule.undecided or "", shown, hide)
    if state == "not applicable":
        return "there is nothing to look at" if "{" in rule.subject else f"there are no {rule.subject}"
    if "{" in rule.subject:
        return _particulars(rule.subject, rows, hide) or "nothing to look at"
    return f"{rows.height:,} {rule.subject} looked at"


def judged(rule: Rule, inventory: Inventory, *, applies: bool | None) -> pl.DataFrame:
    """Rows of the rule's query beside the facts, with the column failing, in a fixed order.

    Where it is unknown whether the rule applies, a row that does not fail is still none, and one that does is unknown.
    """
    failing = pl.sql_expr(rule.fails)
    return (
        QUERIES[rule.query](inventory)
        .sort("namespace", "name", "kind", ~selectors.nested())
        .join(inventory.facts.lazy(), how="cross", maintain_order="left")
        .with_columns(failing=failing if applies else failing & pl.lit(applies, pl.Boolean))
        .collect(engine="in-memory")
    )


def _missing(rule: Rule, inventory: Inventory, undecided: pl.DataFrame, *, applies: bool | None) -> list[str]:
    """Kinds that the rule needs and the input lacks, and what keeps rows from being judged."""
    kinds = [kind for kind in rule.needs if not inventory.saw(kind)]
    if not undecided.height:
        return kinds
    conditions = (rule.fails,) if applies else (rule.applies, rule.fails)
    columns = dict.fromkeys(column for condition in conditions for column in _columns(condition))
    facts = [
        fact_name(column) for column in columns if column in inventory.facts and inventory.facts[column].item() is None
    ]
    return [*kinds, *facts] or [rule.lacks or "cells of the objects named"]


def fact_name(column: str) -> str:
    """What a column of the facts is called elsewhere: a fact's dotted name, or where a switch stands."""
    places = {row["switch"]: row for row in read_table("audit/switches").iter_rows(named=True)}
    if column in places:
        return "{kind} {object}: {path}".format_map({**places[column], "object": places[column]["object"] or ""})
    return DERIVED.get(column, column.replace("_", ".", 1))


DERIVED = {"at": "time of the dump", "cni_minor": "cni.version", "kubernetes_minor": "nodes.kubernetes_versions"}
"""Columns of the facts that are worked out from something else."""


def _columns(condition: str) -> list[str]:
    return pl.sql_expr(condition).meta.root_names()


def _does_not_apply(rule: Rule, inventory: Inventory) -> str:
    known = {name: inventory.facts[name].item() for name in _columns(rule.applies)}
    values = (f"{fact_name(name)} is {value}" for name, value in known.items() if value is not None)
    return f"does not apply: {', '.join(values)}"


def _particulars(template: str, rows: pl.DataFrame, hide: Hide) -> str:
    """The particulars of the first rows, each once, and how many more there are; none of a row that lacks a cell."""
    cells = {name for _, name, _, _ in Formatter().parse(template) if name}
    if not cells:
        return template if rows.height else ""
    told = cells - {OBJECT}
    parts = rows.drop_nulls(list(told)).unique(
        list(told | (OBJECT_PARTS if OBJECT in cells else set())), maintain_order=True
    )
    more = parts.height - MOST_DETAILS
    texts = [_filled(template, row, hide) for row in parts.head(MOST_DETAILS).iter_rows(named=True)]
    return "; ".join([*texts, *([f"and {more:,} more"] if more > 0 else [])])


OBJECT, OBJECT_PARTS = "object", {"kind", "namespace", "name"}
"""The word by which a template calls a row's object, and the columns that name it."""


def _filled(template: str, row: Mapping[str, object], hide: Hide) -> str:
    """The template with the row's cells."""
    cells = {name: hide(str(value)) if name in NAMES else value for name, value in row.items()}
    return template.format_map({**cells, OBJECT: _name(row, hide)})


def _name(row: Mapping[str, object], hide: Hide) -> str:
    """``Kind namespace/name``; empty for a row that is about the cluster as a whole."""
    place = "/".join(hide(str(row[part])) for part in ("namespace", "name") if row[part] is not None)
    return f"{row['kind']} {place}" if place else ""


SEVERITIES = ("low", "medium", "high")
"""How bad a finding is, from least to worst."""


def failing(found: Iterable[Finding], level: str) -> list[Finding]:
    """Findings that fail and are at least as severe as a level."""
    worse = SEVERITIES[SEVERITIES.index(level) :]
    return [each for each in found if each["state"] == "fail" and each["severity"] in worse]


def findings(inventory: Inventory, hide: Hide = str) -> Iterator[Finding]:
    """What every rule finds, in the order of the table."""
    for rule in rules():
        yield judge(rule, inventory, hide)


# --- where two clusters differ ---------------------------------------------------------------------------------------


COUNTED = "objects."
"""How facts begin that count the objects of a kind."""


def differences(ours: Inventory, theirs: Inventory) -> Iterator[Finding]:
    """A finding for each fact that two clusters may differ in, in the order of the table.

    It fails where they differ, and passes where they agree. It is unknown where one of them does not show the fact, and
    not applicable where neither does, or where another difference explains it: the version of another product, say.
    """
    here, there = _facts(ours), _facts(theirs)
    for row in read_table("audit/differences").iter_rows(named=True):
        one, other = here.get(row["fact"]), there.get(row["fact"])
        causes = [name for name in (row["explained_by"] or "").split("|") if name and here[name] != there[name]]
        state, detail = _compared(one, other, causes)
        yield finding(
            row,
            state,
            family="difference",
            detail=detail,
            count=int(state == "fail"),
            check=row["check"] or f"look at {fact_name(row['fact'])}",
            missing=[fact_name(row["fact"])] if state == "unknown" else [],
        )


def _compared(one: object, other: object, causes: list[str]) -> tuple[str, str]:
    if one is None and other is None:
        return "not applicable", "neither cluster shows it"
    if one is None or other is None:
        return "unknown", f"{_said(one)}; in the other {_said(other)}"
    if one == other:
        return "pass", f"{_said(one)} in both"
    if causes:
        return "not applicable", f"follows from {', '.join(map(fact_name, causes))}"
    return "fail", f"{_said(one)}; in the other {_said(other)}"


def _said(value: object) -> str:
    return "not shown" if value is None else str(value)


def _facts(inventory: Inventory) -> Mapping[str, Any]:
    """Facts by their dotted names, switches by theirs, and how many objects there are of each kind that was listed."""
    found = {name: _plain(fact.value) for name, fact in facts_of(inventory.answers).items()}
    windows = found["nodes.windows"]
    kinds = [name.removeprefix(COUNTED) for name in read_table("audit/differences")["fact"] if name.startswith(COUNTED)]
    counted = dict(inventory.of(*kinds).group_by("kind").agg(pl.len()).collect(engine="in-memory").iter_rows())
    return {
        **{name: inventory.facts[name].item() for name in read_table("audit/switches")["switch"]},
        **found,
        "nodes.has_windows": None if windows is None else "yes" if windows else "no",
        **{f"{COUNTED}{kind}": counted.get(kind, 0) if inventory.saw(kind) else None for kind in kinds},
    }


def _plain(value: object) -> object:
    """A tally by its keys alone: how many nodes run a version is no difference between clusters."""
    return ", ".join(sorted(value)) if is_mapping(value) else value
