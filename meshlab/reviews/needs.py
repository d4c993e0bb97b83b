"""Needs as a team states them beside those that its cluster's objects use."""

from __future__ import annotations

from collections.abc import Mapping

from meshlab.cluster.facts.supply import asks, fact, with_parts
from meshlab.reviews.cases import Case
from meshlab.reviews.record import Row
from meshlab.tables import read_table

STATED = ("stated", "assumed")
"""Where a list of needs comes from a team."""

UNUSED = "stated, and no object of the dump uses it"
UNSEEN = "stated; no object shows whether it is used"
EDGE = "in use at the edge, which asks for no mesh"
TAKEN = "in use, and taken as a need"
LEFT_OUT = "in use and not stated: the answer does not count it"
OPEN = "in use; what is needed beside it is not known"


def side_by_side(case: Case) -> Row | None:
    """Each need that is stated or in use, where both differ, and what is installed and unused; None without a dump.

    Args:
        case: The team with its facts.
    """
    rows = fact(case.facts or {}, "needs.used")
    if rows is None:
        return None
    used = {str(row["need"]): row for row in rows}
    given = case.given.get("needs")
    named = given is not None and given.status in STATED
    answered = frozenset(map(str, given.value if given is not None and isinstance(given.value, list | tuple) else ()))
    stated = with_parts(answered) if named else None
    table = read_table("decision/needs").rows(named=True)
    return {
        "stated": named,
        "rows": [_row(need, used, stated, answered) for need in table if need["need"] in {*used, *answered}],
        "unused": fact(case.facts or {}, "needs.installed_unused"),
    }


def _row(need: Row, used: Mapping[str, Row], stated: frozenset[str] | None, answered: frozenset[str]) -> Row:
    """A need with the objects that use it, and what there is to say where it is not both stated and in use."""
    name, found = need["need"], used.get(need["need"])
    says = stated is not None and name in stated
    if found is None:
        seen = with_parts([name])
        note = None if seen & used.keys() else UNUSED if seen & _shown() else UNSEEN
    elif says:
        note = None
    elif not asks(found, need["layer"]):
        note = EDGE
    else:
        note = LEFT_OUT if stated is not None else TAKEN if name in answered else OPEN
    return {
        "need": name,
        "stated": None if stated is None else says,
        **{column: found and found[column] for column in ("objects", "namespaces", "where", "example")},
        "note": note,
    }


def _shown() -> frozenset[str]:
    """Needs that an object can show."""
    return frozenset(read_table("facts/needs_in_use")["need"].drop_nulls())


def left_out(found: Row | None) -> list[Row]:
    """Needs in use that a team's list leaves out, so that the answer does not count them."""
    return [row for row in (found or {}).get("rows", ()) if row["note"] == LEFT_OUT]
