"""The proof of the tables: no case without an answer, every overlap with a witness, no row that can never decide.

It works on the exact cells of the domain (``decision.cells``), never on the text of conditions. A question
such as "can these two rows hold at once?" is one condition; ``find`` looks for cells under which it holds. It cuts the
domain into boxes: a box allows some cells of each axis, a comparison is true, false or open in a box, and an open one
cuts the box in two. A condition that comes out true or false over a whole box settles all of its cells at once, so that
the product of the cells, far too large to list, is covered without a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

from meshlab.errors import MeshlabError
from meshlab.models.decision.cells import Axis, axes
from meshlab.models.decision.conditions import ALWAYS, NEVER, All, Condition, Not, OneOf, Some
from meshlab.models.decision.eligibility import blocked
from meshlab.models.decision.tables import OPTIONS, RESULTING_CNI, Rule, Tables, load_tables

Scenario = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What the proof found. ``ok`` is whether the tables may be relied on; overlaps of unequal priority may stand."""

    ok: bool
    findings: tuple[dict[str, object], ...]


def check(tables: Tables | Path | None = None) -> Report:
    """Prove the tables: ours, given ones, or ours with those of a team's folder laid over them.

    Each finding is plain data: ``kind`` (``error``, ``gap``, ``overlap``, ``never decides``), ``ok``, ``table``,
    ``rows``, ``message`` and ``witness``, a scenario in which it shows. Tables of a folder that cannot be read give one
    finding of kind ``error`` for each problem, whose witness is the place: ``file``, ``line``, and what is wrong there.
    """
    try:
        tables = tables if isinstance(tables, Tables) else load_tables(tables)
    except MeshlabError as error:
        return Report(ok=False, findings=tuple(_unreadable(error)))
    findings = [finding for kind in OPTIONS for finding in _table_findings(tables, kind)]
    return Report(ok=all(finding["ok"] for finding in findings), findings=tuple(findings))


def _unreadable(error: MeshlabError) -> Iterator[dict[str, object]]:
    for problem in error.problems:
        place = {"file": problem.file, "line": problem.line, "what": problem.what, "todo": problem.todo}
        yield _finding("error", str(problem), witness=place, ok=False)


def _finding(
    kind: str, message: str, *, ok: bool, table: str | None = None, rows: Sequence[str] = (), witness: Scenario | None
) -> dict[str, object]:
    return {"kind": kind, "ok": ok, "table": table, "rows": list(rows), "message": message, "witness": witness}


# --- the questions --------------------------------------------------------------------------------------------------


def _table_findings(tables: Tables, kind: str) -> Iterator[dict[str, object]]:
    rules = tables.cni if kind == "cni" else tables.mesh
    yield from _gaps(tables, kind, rules)
    yield from _overlaps(tables, rules)
    yield from _idle_rows(tables, rules)


def _gaps(tables: Tables, kind: str, rules: Sequence[Rule]) -> Iterator[dict[str, object]]:
    witness = find(tables, All(tuple(_fails(tables, rule) for rule in rules)))
    if witness is not None:
        message = f"no row of the {kind} table answers this case; add a row, or a default with the condition true"
        yield _finding("gap", message, ok=False, table=kind, witness=witness)


def _overlaps(tables: Tables, rules: Sequence[Rule]) -> Iterator[dict[str, object]]:
    for first, second in combinations([rule for rule in rules if not rule.is_default], 2):
        witness = find(tables, All((passes(tables, first), passes(tables, second))))
        if witness is not None:
            agree = first.recommendation == second.recommendation
            tie = first.priority == second.priority
            how = (
                f"both recommend {first.recommendation}"
                if agree
                else f"{first.recommendation} or {second.recommendation}"
            )
            rank = "at equal priority" if tie else f"{first.id} decides"
            message = f"rows {first.id} and {second.id} can hold at once: {how}, {rank}"
            rows = (first.id, second.id)
            yield _finding("overlap", message, ok=agree or not tie, table=first.table, rows=rows, witness=witness)


def _idle_rows(tables: Tables, rules: Sequence[Rule]) -> Iterator[dict[str, object]]:
    for place, rule in enumerate(rules):
        earlier = rules[:place]
        decides = All((passes(tables, rule), *(_fails(tables, other) for other in earlier)))
        if find(tables, decides) is None:
            message, witness, shadows = _why_idle(tables, rule, earlier)
            yield _finding(
                "never decides", message, ok=False, table=rule.table, rows=(rule.id, *shadows), witness=witness
            )


def _why_idle(tables: Tables, rule: Rule, earlier: Sequence[Rule]) -> tuple[str, Scenario | None, list[str]]:
    """Why a row never decides: it cannot hold, its option is ruled out whenever it holds, or others come first."""
    holds = find(tables, expanded(tables, rule.condition))
    if holds is None:
        return f"row {rule.id} can never hold: its condition contradicts itself", None, []
    witness = find(tables, passes(tables, rule))
    if witness is None:
        return f"row {rule.id} never decides: {rule.recommendation} is ruled out wherever the row holds", holds, []
    shadows = [
        other.id for other in earlier if find(tables, All((passes(tables, rule), passes(tables, other)))) is not None
    ]
    return f"row {rule.id} never decides: wherever it holds, {' or '.join(shadows)} comes first", witness, shadows


# --- conditions of a whole table ------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def passes(tables: Tables, rule: Rule) -> Condition:
    """Whether a row may decide: it holds and its option is not ruled out. Over declared inputs alone."""
    if rule.is_default:
        return ALWAYS
    ruled_out = blocked(tables, rule.table, rule.recommendation)
    return All((expanded(tables, rule.condition), expanded(tables, ruled_out, negated=True)))


def _fails(tables: Tables, rule: Rule) -> Condition:
    return expanded(tables, passes(tables, rule), negated=True)


def expanded(tables: Tables, condition: Condition, *, negated: bool = False) -> Condition:
    """The condition, or its negation, as the search wants it.

    Each comparison of the resulting CNI is replaced by when the CNI table leaves such a plugin, and negation is moved
    down to the comparisons, so that the search sees which of them have to hold.
    """
    if isinstance(condition, Not):
        return expanded(tables, condition.part, negated=not negated)
    if isinstance(condition, All | Some):
        joined = All if isinstance(condition, All) != negated else Some
        return joined(tuple(expanded(tables, part, negated=negated) for part in condition.parts))
    if isinstance(condition, OneOf) and condition.input == RESULTING_CNI:
        return _leaves(tables, condition.values, negated=negated)
    return Not(condition) if negated else condition


@lru_cache(maxsize=256)
def _leaves(tables: Tables, plugins: tuple[str, ...], *, negated: bool) -> Condition:
    """Whether the CNI table leaves one of the plugins in place, or none of them; built from its last row up."""
    result: Condition = NEVER
    for rule in reversed(tables.cni):
        if rule.recommendation == "stay":
            kept = OneOf("current_cni", plugins)
            here: Condition = Not(kept) if negated else kept
        else:
            here = ALWAYS if (rule.recommendation in plugins) != negated else NEVER
        holds = passes(tables, rule)
        result = Some((All((holds, here)), All((expanded(tables, holds, negated=True), result))))
    return result


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
        name, true_in = self.true_in[condition.part if negated else condition]
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
        name, true_in = self.true_in[test]
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
    box = domain.search(All((expanded(tables, tables.contradiction, negated=True), condition)), {})
    return None if box is None else domain.scenario(box)
