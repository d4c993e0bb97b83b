"""The proof of the tables: every preference can decide, every need can be met, and every overlap has a witness.

Whether conditions can hold together is found on exact cells of the domain (``decision.partitions``), not on their text.
``find`` looks for cells under which a condition holds. It cuts the domain into boxes: a box allows some cells of each
axis, a comparison is true, false or open in a box, and an open one cuts the box in two. A condition that comes out true
or false over a whole box settles all of its cells at once, so that the product of the cells, far too large to list, is
covered without a gap. That a blocked option is never recommended, and that none is overlooked which meets everything,
needs no proof: the choice is among those that are eligible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from meshlab.errors import MeshlabError
from meshlab.models.decision.conditions import (
    ALWAYS,
    NEVER,
    All,
    Condition,
    Has,
    Not,
    OneOf,
    Some,
    tests_of,
)
from meshlab.models.decision.contests import (
    Entry,
    Running,
    about,
    answering,
    meeting,
    need_bit,
    network_of,
    prefers,
    requirements_of,
)
from meshlab.models.decision.decide import decide
from meshlab.models.decision.labels import products
from meshlab.models.decision.partitions import Axis, axes
from meshlab.models.decision.ranking import pair_table
from meshlab.models.decision.tables import GATEWAY, NONE, SAME, SIDES, TODAY, Preference, Tables, load_tables
from meshlab.scenario import frame_of

Scenario = dict[str, Any]


class Report(msgspec.Struct, frozen=True):
    """What the proof found. ``ok`` is whether the tables may be relied on; ``read`` the share of cells by platform."""

    ok: bool
    findings: tuple[dict[str, object], ...]
    read: dict[str, float]


def check(tables: Tables | Path | None = None) -> Report:
    """Prove the tables: ours, given ones, or ours with those of a team's folder laid over them.

    Each finding is plain data: ``kind`` (``error``, ``blocked``, ``never decides``, ``overlap``, ``unmet need``,
    ``no preference``, ``incomplete option``, ``never wins``), ``ok``, ``side``, ``rows``, ``message`` and ``witness``,
    a scenario in which it shows. Tables of a folder that cannot be read give one finding of kind ``error`` for each
    problem, whose witness is the place: ``file``, ``line``, and what is wrong there.
    """
    try:
        tables = tables if isinstance(tables, Tables) else load_tables(tables)
    except MeshlabError as error:
        return Report(ok=False, findings=tuple(_unreadable(error)), read={})
    findings = [*_preferences(tables), *_overlaps(tables), *_unmet(tables), *_unnamed(tables)]
    findings += [*_incomplete(tables), *_losers(tables)]
    return Report(all(finding["ok"] for finding in findings), tuple(findings), share_read(tables))


def share_read(tables: Tables) -> dict[str, float]:
    """By platform, the share of cells that count for its pairs and say whether a need is met."""
    found: dict[str, float] = {}
    for platform in tables.platforms:
        sides = {side for entry in pair_table(tables, platform).entries for side in (entry.cni, entry.mesh) if side}
        counted = [
            bool((side.met | side.unmet) & need_bit(need))
            for side in sides
            for need, layer in tables.layers.items()
            if side.id != NONE and layer in (side.side, "any", "both", "encrypting")
        ]
        found[platform] = sum(counted) / len(counted)
    return found


def _unreadable(error: MeshlabError) -> Iterator[dict[str, object]]:
    for problem in error.problems:
        place = {"file": problem.file, "line": problem.line, "what": problem.what, "todo": problem.todo}
        yield _finding("error", str(problem), witness=place, ok=False)


def _finding(
    kind: str, message: str, *, ok: bool, side: str | None = None, rows: Sequence[str] = (), witness: Scenario | None
) -> dict[str, object]:
    return {"kind": kind, "ok": ok, "side": side, "rows": list(rows), "message": message, "witness": witness}


# --- the questions --------------------------------------------------------------------------------------------------


def _preferences(tables: Tables) -> Iterator[dict[str, object]]:
    """Preferences whose option is blocked wherever they hold, and those that never decide in any case tried."""
    tries: dict[str, list[Scenario]] = {}
    for row in tables.preferences:
        tries[row.id] = [found for entry in _for(tables, row) if (found := _case(tables, row, *entry))]
        witness = find(tables, about(row.condition, None))
        if not tries[row.id] and witness is not None:
            message = f"{row.option} is ruled out wherever preference {row.id} holds; change one of them"
            yield _finding("blocked", message, ok=False, side=row.side, rows=[row.id], witness=witness)
        elif witness is None:
            message = f"preference {row.id} holds in no possible case; remove it, or change its condition"
            yield _finding("never decides", message, ok=False, side=row.side, rows=[row.id], witness=None)
    cases = [(name, case) for name, found in tries.items() for case in _with_needs(tables, found)]
    decided = decide(frame_of([{**case, "scenario": str(n)} for n, (_, case) in enumerate(cases)]), tables).collect()
    seen = {*decided["cni_row"], *decided["mesh_row"]}
    for row in tables.preferences:
        if tries[row.id] and row.id not in seen:
            message = f"preference {row.id} decided in none of {len(cases):,} cases that were tried"
            yield _finding("never decides", message, ok=False, side=row.side, rows=[row.id], witness=tries[row.id][0])


def _for(tables: Tables, row: Preference) -> Iterator[tuple[str, Entry]]:
    """The pairs of each platform that a preference speaks for; what runs today is one of its products."""
    for platform in tables.platforms:
        for entry in pair_table(tables, platform).entries:
            side = entry.cni if row.side == "cni" else entry.mesh
            runs = Running(side.id) if side and row.option == SAME else Running("")
            if (side is None and row.option in (TODAY, SAME)) or (side is not None and prefers(row, side, runs)):
                yield platform, entry


def _case(tables: Tables, row: Preference, platform: str, entry: Entry) -> Scenario | None:
    """A scenario in which a preference holds, and a pair that it speaks for can be had."""
    conditions = [OneOf("cloud", (platform,)), about(row.condition, network_of(entry.cni))]
    for name, side in (("cni", entry.cni), ("mesh", entry.mesh)):
        if side is not None:
            required = requirements_of(tables, side, platform)
            conditions += [about(need.condition, network_of(entry.cni)) for need in required if need.blocks]
        else:
            conditions.append(Not(OneOf(f"current_{name}", (NONE, "other"))))
            conditions += [Not(OneOf("greenfield", (True,)))]
    if row.option in (TODAY, SAME):
        conditions.append(OneOf(f"{row.side}_healthy", (True,)))  # for what ails no preference speaks
    if row.option == SAME:
        side = entry.cni if row.side == "cni" else entry.mesh
        conditions += [OneOf(f"current_{row.side}", (side.id,))] if side else []
    return find(tables, All(tuple(conditions)))


def _with_needs(tables: Tables, cases: Sequence[Scenario]) -> Iterator[Scenario]:
    """Cases with the needs that they ask for, and with each other one beside them."""
    for case in cases:
        asked: list[str] = case.get("needs") or []
        yield case
        yield from ({**case, "needs": [*asked, need]} for need in tables.layers if need not in asked)


def _overlaps(tables: Tables) -> Iterator[dict[str, object]]:
    """Preferences of equal priority that speak for different options and can hold at once."""
    for side in SIDES:
        for first, second in combinations(tables.of_side(side), 2):
            if first.priority != second.priority or first.option == second.option:
                continue
            witness = find(tables, All((about(first.condition, None), about(second.condition, None))))
            if witness is not None:
                message = (
                    f"preferences {first.id} and {second.id} can hold at once at equal priority and speak for "
                    f"{first.option} and {second.option}; give one of them another priority"
                )
                yield _finding("overlap", message, ok=False, side=side, rows=[first.id, second.id], witness=witness)


def _unmet(tables: Tables) -> Iterator[dict[str, object]]:
    """Needs that no option meets on any platform, and those that none meets on some."""
    met = {
        platform: [
            meeting(tables, entry.cni.met, entry.mesh.met, answering(tables, entry.cni.encrypts, entry.mesh.encrypts))
            for entry in pair_table(tables, platform).entries
            if entry.cni and entry.mesh
        ]
        for platform in tables.platforms
    }
    for need in tables.layers:
        missing = [platform for platform, bits in met.items() if not any(found & need_bit(need) for found in bits)]
        if missing:
            nowhere = len(missing) == len(met)
            message = f"no option is known to meet {need} " + ("anywhere" if nowhere else f"on {', '.join(missing)}")
            witness: Scenario = {"cloud": missing[0], "needs": [need]}
            yield _finding("unmet need", message, ok=not nowhere, rows=[need], witness=witness)


def _unnamed(tables: Tables) -> Iterator[dict[str, object]]:
    """Needs that take a mesh and that no preference for one names: any mesh that meets them would do."""
    tests = (test for row in tables.of_side("mesh") for test in tests_of(row.condition))
    named = {test.member for test in tests if isinstance(test, Has)}
    meshes = {entry.mesh for platform in tables.platforms for entry in pair_table(tables, platform).entries}
    at_the_edge = [side.met for side in meshes if side and side.id == GATEWAY]
    for need, layer in tables.layers.items():
        if layer == "mesh" and need not in named and not any(met & need_bit(need) for met in at_the_edge):
            message = f"no preference for a mesh names {need}: add it to a term of terms.csv, such as mesh_only_need"
            yield _finding("no preference", message, ok=False, side="mesh", rows=[need], witness={"needs": [need]})


def _incomplete(tables: Tables) -> Iterator[dict[str, object]]:
    """Options that may be chosen, with no row on what they do or take, where they run, or what they are called."""
    done = {key[1:3] for key in tables.cells}
    for option in tables.options:
        if not option.new or option.id == NONE:
            continue
        key = (option.id, option.edition)
        listed = any((getattr(p, option.side), getattr(p, f"{option.side}_edition")) == key for p in tables.pairs)
        for lacks, file, ok in (
            (key not in done, "cells.csv: it counts as not read", False),
            # a plugin may come with a platform, and be what runs today alone
            (option.side == "mesh" and not listed, "pairs.csv: it can never be chosen", False),
            ((option.side, *key) not in tables.operations, "operations.csv", True),
            (option.id not in products(), "products.csv: reports call it by its id", False),
        ):
            if lacks:
                message = f"{option.place} has no row in {file}"
                yield _finding("incomplete option", message, ok=ok, side=option.side, rows=[option.place], witness=None)


def _losers(tables: Tables) -> Iterator[dict[str, object]]:
    """Options that were recommended in none of the cases of one or two needs on their platforms."""
    won: set[tuple[str, str, str]] = set()
    cases: list[Scenario] = []
    for platform in tables.platforms:
        bases = [{"cloud": platform, "greenfield": True, "kernel_oldest": "6.8.0", "windows_nodes": w} for w in (0, 3)]
        for needs in (*((need,) for need in tables.layers), *combinations(tables.layers, 2)):
            cases += [{**base, "needs": list(needs), "protocol": "grpc"} for base in bases]
    found = decide(frame_of([{**case, "scenario": str(n)} for n, case in enumerate(cases)]), tables).collect()
    for side in SIDES:
        names = found.select(side, f"{side}_edition").unique().iter_rows()
        won |= {(side, name or "", edition or "") for name, edition in names}
    for option in tables.options:
        key = (option.side, option.id, option.edition)
        listed = any((getattr(p, option.side), getattr(p, f"{option.side}_edition")) == key[1:] for p in tables.pairs)
        if option.new and listed and key not in won:
            message = f"{option.place} won in none of {len(cases):,} cases of one or two needs on a new cluster"
            yield _finding("never wins", message, ok=True, side=option.side, rows=[option.place], witness=None)


# --- the search -----------------------------------------------------------------------------------------------------

Box = dict[str, int]
"""Cells that are allowed, as a bit mask for each axis that has been cut; other axes allow all of theirs."""


class _Domain:
    """The axes of some tables, with the axis of each comparison and the cells in which it is true as a bit mask."""

    def __init__(self, found: dict[str, Axis]) -> None:
        self.axes = found
        self.whole = {name: (1 << len(axis.cells)) - 1 for name, axis in found.items()}
        self.true_in: dict[Condition, tuple[str, int]] = {
            test: (name, sum(cell.answers[place] << number for number, cell in enumerate(axis.cells)))
            for name, axis in found.items()
            for place, test in enumerate(axis.tests)
        }

    def cells_of(self, test: Condition) -> tuple[str, int]:
        """The axis of a comparison and the cells in which it is true; one with products or platforms may be new."""
        if test not in self.true_in and isinstance(test, OneOf):
            cells = enumerate(self.axes[test.input].cells)
            self.true_in[test] = (test.input, sum(1 << number for number, cell in cells if cell.low in test.values))
        return self.true_in[test]

    def residue(self, condition: Condition, box: Box, seen: dict[int, Condition]) -> Condition:
        """What is left of a condition within a box: ALWAYS, NEVER, or a smaller condition.

        Args:
            condition: The condition; only comparisons are negated in it.
            box: The box.
            seen: What is left of parts met before in this box, by identity: conditions share their parts.
        """
        if isinstance(condition, All | Some):
            left = seen.get(id(condition))
            if left is None:
                left = seen[id(condition)] = self._joined(condition, box, seen)
            return left
        negated = isinstance(condition, Not)
        name, true_in = self.cells_of(condition.part if isinstance(condition, Not) else condition)
        allowed = box.get(name, self.whole[name])
        if allowed & true_in and allowed & ~true_in:
            return condition
        return ALWAYS if bool(allowed & true_in) != negated else NEVER

    def _joined(self, condition: All | Some, box: Box, seen: dict[int, Condition]) -> Condition:
        neutral, decisive = (ALWAYS, NEVER) if isinstance(condition, All) else (NEVER, ALWAYS)
        parts: list[Condition] = []
        for part in condition.parts:
            left = self.residue(part, box, seen)
            if left is decisive:
                return decisive
            if isinstance(left, All | Some) and type(left) is type(condition):
                parts.extend(left.parts)  # of what is neutral nothing: it has no parts
            elif left is not neutral:
                parts.append(left)
        return parts[0] if len(parts) == 1 else type(condition)(tuple(parts)) if parts else neutral

    def search(self, condition: Condition, box: Box) -> Box | None:
        """A part of the box in which the condition holds throughout, or None if it holds nowhere in it."""
        left = self.residue(condition, box, {})
        if left is ALWAYS or left is NEVER:
            return box if left is ALWAYS else None
        test, wanted = _open_test(left)
        name, true_in = self.cells_of(test)
        allowed = box.get(name, self.whole[name])
        halves = (allowed & true_in, allowed & ~true_in)
        for half in halves if wanted else reversed(halves):
            found = self.search(left, {**box, name: half})
            if found is not None:
                return found
        return None

    def scenario(self, box: Box) -> Scenario:
        """One scenario of a box, with every input that the tables know."""
        values: Scenario = {}
        for name, axis in self.axes.items():
            allowed = box.get(name, self.whole[name])
            cell = next(cell for number, cell in enumerate(axis.cells) if allowed >> number & 1)
            if axis.member is None:
                values[axis.input] = cell.low
            else:
                held = [axis.member] if cell.low else []
                values[axis.input] = [*values.get(axis.input, []), *held]
        return values


def _open_test(condition: Condition) -> tuple[Condition, bool]:
    """A comparison to cut the box by, and the answer that brings the condition closer to true."""
    while isinstance(condition, All | Some):
        # a bare comparison first: in one half of the box nothing is left then; or else the shortest part
        condition = min(condition.parts, key=lambda part: len(part.parts) if isinstance(part, All | Some) else 0)
    return (condition.part, False) if isinstance(condition, Not) else (condition, True)


@lru_cache(maxsize=16)
def _domain(tables: Tables) -> _Domain:
    return _Domain(axes(tables))


def find(tables: Tables, condition: Condition) -> Scenario | None:
    """A possible scenario under which a condition over declared inputs holds, or None: the whole domain has none."""
    domain = _domain(tables)
    box = domain.search(All((expanded(tables.contradiction, negated=True), expanded(condition))), {})
    return None if box is None else domain.scenario(box)


def expanded(condition: Condition, *, negated: bool = False) -> Condition:
    """The condition, or its negation, with negation moved down to the comparisons, for the search."""
    if isinstance(condition, Not):
        return expanded(condition.part, negated=not negated)
    if isinstance(condition, All | Some):
        joined = All if isinstance(condition, All) != negated else Some
        return joined(tuple(expanded(part, negated=negated) for part in condition.parts))
    return Not(condition) if negated else condition
