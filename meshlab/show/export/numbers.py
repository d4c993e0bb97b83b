"""The figures of a chart for programs: a row for each, its numbers apart from their unit and their interval."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from meshlab.files import spreadsheet_text

Rows = Sequence[Mapping[str, str]]

FIGURE = ("figure", "value", "lo", "hi", "unit")
"""Columns of a figure, behind those that say whose it is."""

_HEADING = re.compile(r"(.*) \[(.*)\]")
_INTERVAL = "10–90 %"
_NUMBER = re.compile(r"[-−]?[\d,]*\.?\d+")
_ENDS = re.compile(rf"({_NUMBER.pattern}) (?:–|to) ({_NUMBER.pattern})")


def csv_table(rows: Rows) -> str:
    """Rows as CSV: each figure with its interval in a row of its own, as rounded as it is shown.

    A figure that is unknown has no value. Rows without figures that have a unit stay as they are.
    """
    long = [line for row in rows for line in _figures(row)] or [{**row} for row in rows]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(long[0]) if long else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: spreadsheet_text(text) for name, text in line.items()} for line in long)
    return stream.getvalue()


def _figures(row: Mapping[str, str]) -> Iterator[dict[str, str]]:
    units = {name: found for name in row if (found := _HEADING.fullmatch(name))}
    whose = {
        f"row {name}" if name in FIGURE else name: number(row[name]) or row[name] for name in row if name not in units
    }
    for name, following in pairwise([*units, ""]):
        figure, unit = units[name].groups()
        if figure == _INTERVAL:
            continue
        ends = _ENDS.fullmatch(row[following]) if following == f"{_INTERVAL} [{unit}]" else None
        low, high = map(number, ends.groups()) if ends else ("", "")
        yield {**whose, **dict(zip(FIGURE, (figure, number(row[name]), low, high, unit), strict=True))}


def number(text: str) -> str:
    """A number as programs read it; nothing for what is none."""
    return text.replace(",", "").replace("−", "-") if _NUMBER.fullmatch(text) else ""
