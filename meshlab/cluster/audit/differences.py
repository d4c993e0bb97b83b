"""Where two clusters differ in network and mesh, by the facts of ``data/audit/differences.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from meshlab.cluster.audit.inventory import Inventory
from meshlab.cluster.audit.rules import Finding, fact_name, finding
from meshlab.cluster.facts.summary import facts_of
from meshlab.tables import read_table

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
    counted = dict(inventory.of(*kinds).group_by("kind").agg(pl.len()).collect().iter_rows())
    return {
        **{name: inventory.facts[name].item() for name in read_table("audit/switches")["switch"]},
        **found,
        "nodes.has_windows": None if windows is None else "yes" if windows else "no",
        **{f"{COUNTED}{kind}": counted.get(kind, 0) if inventory.saw(kind) else None for kind in kinds},
    }


def _plain(value: object) -> object:
    """A tally by its keys alone: how many nodes run a version is no difference between clusters."""
    return ", ".join(sorted(value)) if isinstance(value, Mapping) else value
