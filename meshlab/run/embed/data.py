"""Tables of a file of results: rows of CSV or JSON, with the columns that a document asks for."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meshlab.documents import read_text
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.units import significant

SHAPE = "give rows=… with the place of a list of objects, such as rows=benchmarks"


def data_rows(file: Path, columns: str | None = None, rows: str | None = None) -> list[dict[str, str]]:
    """Rows of a file as text.

    Args:
        file: A .csv or .json file.
        columns: Columns divided by commas, all unless given: a name, or ``name:heading``; in JSON a place such as
            ``stats.median``.
        rows: Where in a JSON file the rows lie, such as ``benchmarks``.

    Raises:
        MeshlabError: The file holds no rows, or lacks a column.
    """
    found = list(csv.DictReader(io.StringIO(read_text(file)))) if file.suffix == ".csv" else _json_rows(file, rows)
    if not found:
        raise MeshlabError(Problem(str(file), "holds no rows", "write it again"))
    wanted = _columns(columns) if columns else {name: name for name in found[0]}
    for name in wanted:
        if all(_at(row, name) is None for row in found):
            raise MeshlabError(Problem(str(file), f"has no column {shorten(name)}", did_you_mean(name, found[0])))
    return [{heading: _text(_at(row, name)) for name, heading in wanted.items()} for row in found]


def _columns(columns: str) -> dict[str, str]:
    """Headings by name, in their order."""
    pairs = (part.partition(":") for part in columns.split(",") if part.strip())
    return {name.strip(): heading.strip() or name.strip() for name, _, heading in pairs}


def _json_rows(file: Path, place: str | None) -> Sequence[Mapping[str, Any]]:
    try:
        found = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise MeshlabError(Problem(str(file), "is neither CSV nor JSON", "name a .csv or a .json file")) from error
    rows = _at(found, place) if place else found
    if isinstance(rows, dict) and rows and all(isinstance(row, dict) for row in rows.values()):
        rows = [{"name": name, **row} for name, row in rows.items()]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MeshlabError(Problem(str(file), f"holds no rows{f' at {shorten(place)}' if place else ''}", SHAPE))
    return rows


def _at(value: Any, place: str) -> Any:
    """What lies at a place such as ``stats.median``; None where there is nothing."""
    if isinstance(value, Mapping) and place in value:
        return value[place]
    for part in place.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and math.isfinite(value):
        return significant(value, 3)
    return f"{value:,}" if isinstance(value, int) else str(value)
