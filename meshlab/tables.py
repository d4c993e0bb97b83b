"""Where the tables, workbooks and example teams lie, and how a table is read and checked against its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from meshlab.cache import cached
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.files import data_path as data_path  # noqa: PLC0414  (where tables are read, their place is asked for)
from meshlab.files import read_bounded
from meshlab.files import resource as resource  # noqa: PLC0414

MAXIMUM_TABLE_BYTES = 16 * 2**20
"""Largest table that is read; the largest of ours has a hundredth of it. [byte]"""

TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
}
"""Types that a `<topic>.columns.csv` may name."""


@cached
def read_table(topic: str) -> pl.DataFrame:
    """A table of ``data/``, such as ``sources`` or ``decision/cni``, typed and checked by its columns file.

    Raises:
        MeshlabError: A column or a cell is missing, or of another type.
    """
    return check_table(data_path(f"{topic}.csv"), data_path(f"{topic}.columns.csv"))


def check_table(path: Path, columns_path: Path) -> pl.DataFrame:
    """Read ``path`` as text and return it typed as ``columns_path`` says; all problems are reported at once."""
    columns = {row["column"]: row for _, row in _rows(columns_path)}
    lines: list[int] = []
    records: list[dict[str, str]] = []
    for line, row in _rows(path):
        lines.append(line)
        records.append(row)
    problems = list(_header_problems(path, records[0].keys() if records else _header(path) or columns, columns))
    if problems:
        raise MeshlabError(problems)
    text = pl.DataFrame(records, schema=dict.fromkeys(columns, pl.String())).select(
        pl.all().str.strip_chars().replace("", None)
    )
    typed = text.select(_parse(pl.col(name), TYPES[spec["type"]]).alias(name) for name, spec in columns.items())
    problems = [
        Problem(str(path), f"column {name!r} {fault}", "see the columns file beside the table", lines[index])
        for name, spec in columns.items()
        for index, fault in _cell_faults(text[name], typed[name], spec)
    ]
    if problems:
        raise MeshlabError(problems)
    return typed


def _header(path: Path) -> list[str]:
    """The first line of a file without rows; none where it has not even that."""
    return next(csv.reader(_stream(path)), list[str]())


def _stream(path: Path) -> io.StringIO:
    """The text of a table.

    Raises:
        MeshlabError: There is no such file, it cannot be read, or it is too large.
        UnicodeDecodeError: It is not UTF-8.
    """
    return io.StringIO(read_bounded(path, MAXIMUM_TABLE_BYTES).decode("utf-8-sig"), newline="")


def row_lines(path: Path) -> list[int]:
    """Line on which each row of a CSV file ends, for messages about rows."""
    return [line for line, _ in _rows(path)]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV file, each with the line on which it ends."""
    try:
        reader = csv.DictReader(_stream(path), strict=True)
        for row in reader:
            if None in row or None in row.values():
                what, todo = "the row has more or fewer cells than the header", "quote cells that hold a comma"
                raise MeshlabError(Problem(str(path), what, todo, reader.line_num))
            yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise MeshlabError(Problem(str(path), f"is not CSV in UTF-8: {error}", "save it as such")) from error


def _header_problems(path: Path, header: Iterable[str], columns: dict[str, dict[str, str]]) -> Iterator[Problem]:
    names = list(header)
    for name in names:
        if name not in columns:
            yield Problem(str(path), f"unknown column {name!r}", did_you_mean(name, columns), 1)
    for name in columns:
        if name not in names:
            yield Problem(str(path), f"column {name!r} is missing", "add it, with empty cells if need be", 1)


def _parse(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The text as a value of that type, null where it is none; NaN and infinity are no numbers of a table."""
    if dtype == pl.Boolean():
        return cell.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean())
    if dtype == pl.Date():
        return cell.str.to_date("%Y-%m-%d", strict=False)
    value = cell.cast(dtype, strict=False)
    return pl.when(value.is_finite()).then(value) if dtype == pl.Float64() else value


def _cell_faults(text: pl.Series, typed: pl.Series, spec: dict[str, str]) -> Iterator[tuple[int, str]]:
    for index in (text.is_not_null() & typed.is_null()).arg_true():
        yield index, f"holds {shorten(text[index])}, which is no {spec['type']}"
    if spec["required"] == "true":
        for index in text.is_null().arg_true():
            yield index, "is empty but required"
