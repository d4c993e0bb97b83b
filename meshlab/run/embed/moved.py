"""By how much the figures of a block have moved: its table as it stands against the table that it should hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from meshlab.show.theme import MINUS, figure_text

_NUMBER = re.compile(rf"[-{MINUS}]?[\d,]*\.?\d+")

MOST = 3
"""Moves that a message tells; more are counted."""


def moved(before: Sequence[str], after: Sequence[str]) -> str:
    """What differs between two contents of a block, in words.

    Args:
        before: Lines as they stand.
        after: Lines as they should be.
    """
    if not any(line.strip() for line in before):
        return "it is empty"
    old, new = _table(before), _table(after)
    if not new:
        return "its text has changed"
    if [row[0] for row in old] != [row[0] for row in new] or old[:1] != new[:1]:
        return "its table has other rows or columns"
    moves = list(_moves(old, new))
    if not moves and _inputs(before) == _inputs(after):
        return "its text has changed"
    if not moves:
        return "no figure has moved, its inputs have changed"
    more = f", and {len(moves) - MOST} more" if len(moves) > MOST else ""
    return f"{'; '.join(moves[:MOST])}{more}"


def _table(lines: Sequence[str]) -> list[list[str]]:
    """Cells of the lines that are a table, less its rule."""
    rows = [line.strip().lstrip("> ") for line in lines]
    cells = [[part.strip() for part in row.strip("|").split(" | ")] for row in rows if row.startswith("|")]
    return [row for row in cells if set("".join(row)) != {"-"}]


def _inputs(lines: Sequence[str]) -> list[str]:
    """Hashes of what the block was made from."""
    return re.findall(r"`[0-9a-f]{64}`", "\n".join(lines))


def _moves(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> Iterator[str]:
    head = [text.replace("\\", "") for text in new[0]]
    for was, now in zip(old[1:], new[1:], strict=True):
        for column, (one, other) in enumerate(zip(was, now, strict=False)):
            if one != other:
                # figures have their unit in the heading: what stands before them without one names the row
                row = " ".join(now[place] for place in range(max(1, column)) if "[" not in head[place])
                yield f"{row}, {head[column]}: {one or 'nothing'} → {other or 'nothing'}{_share(one, other)}"


def _share(one: str, other: str) -> str:
    """The move as a share of what was there, where both cells are single numbers."""
    if not (_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)):
        return ""
    before, after = (float(text.replace(",", "").replace(MINUS, "-")) for text in (one, other))
    if not before:
        return ""
    share = 100 * (after / before - 1)
    return f" ({'+' if share >= 0 else '−'}{figure_text(abs(share))} %)"
