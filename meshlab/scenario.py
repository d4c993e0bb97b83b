"""Every declared input once, and reading scenarios against them.

``data/inputs.csv`` declares name, unit, bounds, default and text of each input. Scenario files, controls,
``--help``, validation and the report's table of assumptions all derive from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from meshlab.documents import Mapping, Value, read_document
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.tables import read_table
from meshlab.units import VERSION_PATTERN

DTYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "choice": pl.String(),
    "version": pl.String(),
    "set": pl.List(pl.String()),
}
"""Type of a column, by the type of its input."""

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "True", "TRUE"), True),
    **dict.fromkeys(("false", "no", "False", "FALSE"), False),
}
"""Words for a boolean that spreadsheets, YAML and JSON use."""

SET_SEPARATORS = r"[|;,\s]+"
"""What divides the members of a set in one cell, as a regular expression."""

MOST_PROBLEMS = 50
"""Problems of one input that are spelled out; a file with more is broken as a whole."""


@dataclass(frozen=True, slots=True)
class Input:
    """One declared input: a row of ``data/inputs.csv``."""

    name: str
    type: str
    unit: str | None
    default: str | None
    lower: float | None
    upper: float | None
    scale: str | None
    group: str
    choices: tuple[str, ...]
    label: str
    description: str
    default_why: str | None

    @property
    def dtype(self) -> pl.DataType:
        """Type of the input's column."""
        return DTYPES[self.type]

    @property
    def allowed(self) -> str:
        """What may be given, in words: for messages, help and tooltips."""
        if self.type == "boolean":
            return "true or false"
        if self.type == "version":
            return "a version such as 5.15.0"
        if self.type in ("choice", "set"):
            return ("any of " if self.type == "set" else "one of ") + ", ".join(self.choices)
        kind = "a whole number" if self.type == "integer" else "a number"
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{kind} from {self.lower:g} to {self.upper:g}{unit}"


@cache
def inputs() -> dict[str, Input]:
    """All declared inputs by name, in their declared order: a default may use only inputs above it."""
    needs = tuple(read_table("needs")["need"])
    return {
        row["name"]: Input(
            **{
                **row,
                "choices": needs if row["type"] == "set" else tuple((row["choices"] or "").split("|")),
            }
        )
        for row in read_table("inputs").iter_rows(named=True)
    }


def schema() -> dict[str, pl.DataType]:
    """Columns of a frame of scenarios: the name, then every declared input."""
    return {"scenario": pl.String(), **{name: spec.dtype for name, spec in inputs().items()}}


def with_defaults(scenarios: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Fill missing inputs with their defaults. Inputs without a default stay null: unknown is an answer.

    The column ``assumed`` lists the inputs whose value is a default. [list of input names]
    """
    frame = scenarios.lazy().with_columns(assumed=assumed_inputs())
    for name, spec in inputs().items():  # in declared order: a default may use the filled value of one above it
        if spec.default is not None:
            default = pl.sql_expr(spec.default).cast(spec.dtype)
            frame = frame.with_columns(pl.coalesce(name, default).alias(name))
    return frame


def assumed_inputs() -> pl.Expr:
    """Names of the inputs that are missing and have a default to stand in. [list of text]"""
    return pl.concat_list(
        pl.when(pl.col(name).is_null()).then(pl.lit(name))
        for name, spec in inputs().items()
        if spec.default is not None
    ).list.drop_nulls()


def frame_of(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    """A frame of scenarios from checked values; inputs that a row does not name are null."""
    return pl.DataFrame([{name: row.get(name) for name in schema()} for row in rows], schema=schema())


# --- reading files -------------------------------------------------------------------------------------------------


def read_scenarios(path: Path) -> pl.DataFrame:
    """Scenarios of a ``.csv``, ``.parquet``, ``.json`` or ``.yaml`` file, one row each, checked and typed.

    Raises:
        MeshlabError: All problems of the file, each with its line where the format has lines.
    """
    readers = {
        ".csv": _read_csv,
        ".parquet": _read_parquet,
        ".json": _read_rows,
        ".yaml": _read_rows,
        ".yml": _read_rows,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise MeshlabError(
            Problem(
                str(path),
                f"scenarios do not come as {path.suffix or 'a file without ending'}",
                "give .csv, .parquet, .json or .yaml",
            )
        )
    frame, place = reader(path)
    return check_scenarios(frame, str(path), place)


Place = Callable[[int, str], int | None]
"""Line on which the value of a row and column stands."""


def check_scenarios(frame: pl.DataFrame, file: str, place: Place) -> pl.DataFrame:
    """Type and check a raw frame against the declared inputs; missing inputs become null columns.

    Args:
        frame: Columns of text, or already of an input's type.
        file: How messages name the input.
        place: Line of a row's column, for messages.

    Raises:
        MeshlabError: All problems: unknown columns, wrong types, values out of bounds, names missing or twice.
    """
    known = schema()
    problems = [
        Problem(file, f"unknown column {name!r}", did_you_mean(name, known), place(0, name))
        for name in frame.columns
        if name not in known
    ]
    if "scenario" not in frame.columns:
        problems.append(Problem(file, "column 'scenario' is missing", "give each row a name", place(0, "scenario")))
    if problems:
        raise MeshlabError(problems)
    typed = frame.select(
        (_typed(frame[name], spec) if name in frame.columns else pl.lit(None, spec.dtype)).alias(name)
        for name, spec in inputs().items()
    ).insert_column(0, frame["scenario"].cast(pl.String))
    problems = [Problem(file, what, todo, place(row, name)) for row, name, what, todo in _faults(frame, typed)]
    if problems:
        raise MeshlabError(_abridged(problems, file))
    return typed


def _abridged(problems: list[Problem], file: str) -> list[Problem]:
    rest = len(problems) - MOST_PROBLEMS
    return problems if rest <= 0 else [*problems[:MOST_PROBLEMS], Problem(file, f"and {rest} more problems")]


def _typed(raw: pl.Series, spec: Input) -> pl.Expr:
    """The column in its input's type; what does not fit becomes null and is reported by comparison with the raw one."""
    column = pl.col(raw.name)
    if raw.dtype == spec.dtype or (spec.type == "number" and raw.dtype.is_numeric()):
        return column.cast(spec.dtype)
    text = column.cast(pl.String, strict=False).str.strip_chars().replace("", None)
    if spec.type == "boolean":
        return text.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean())
    if spec.type == "set":
        members = text.str.replace_all(SET_SEPARATORS, " ").str.strip_chars().str.split(" ")
        return members.list.eval(pl.element().filter(pl.element() != ""))
    if spec.type == "integer":
        # 1e3 and 640.0 are whole numbers to the people and spreadsheets that write them
        number = text.cast(pl.Float64, strict=False)
        return pl.coalesce(
            text.cast(pl.Int64, strict=False),
            pl.when(number == number.floor(), number.abs() < 2**53).then(number).cast(pl.Int64, strict=False),
        )
    return text.cast(spec.dtype, strict=False)


def _faults(raw: pl.DataFrame, typed: pl.DataFrame) -> Iterator[tuple[int, str, str, str]]:
    names = typed["scenario"].str.strip_chars()
    for row in (names.is_null() | (names == "")).arg_true():
        yield row, "scenario", "the scenario has no name", "give each row a name"
    for row in (names.is_duplicated() & ~names.is_first_distinct() & names.is_not_null() & (names != "")).arg_true():
        yield row, "scenario", f"scenario {shorten(names[row])} stands twice", "names are unique"
    for name, spec in inputs().items():
        if name in raw.columns:
            for row, what in _column_faults(raw[name], typed[name], spec):
                yield row, name, f"{name} {what}", f"give {spec.allowed}"


def _column_faults(raw: pl.Series, typed: pl.Series, spec: Input) -> Iterator[tuple[int, str]]:
    given = raw.is_not_null()
    if raw.dtype == pl.String():
        given &= raw.str.strip_chars() != ""
    unread = given & typed.is_null()
    for row in unread.arg_true():
        yield (
            row,
            f"is {shorten(raw[row])}, which is not {spec.allowed.split(' from ')[0].split(' of ')[0]}"
            if (spec.type in ("integer", "number"))
            else f"is {shorten(raw[row])}",
        )
    if spec.type in ("integer", "number"):
        # written so that NaN and infinity fail as well
        for row in (typed.is_not_null() & ~typed.is_between(spec.lower, spec.upper)).arg_true():
            yield row, f"is {shorten(raw[row])}, out of bounds"
    elif spec.type == "version":
        for row in (typed.is_not_null() & ~typed.str.contains(VERSION_PATTERN)).arg_true():
            yield row, f"is {shorten(raw[row])}, which is no version"
    elif spec.type == "choice":
        for row in (typed.is_not_null() & ~typed.is_in(spec.choices)).arg_true():
            yield row, f"is {shorten(raw[row])}, {did_you_mean(typed[row], spec.choices)}"
    elif spec.type == "set":
        unknown = typed.list.set_difference(list(spec.choices))
        for row in (unknown.list.len() > 0).fill_null(value=False).arg_true():
            word = unknown[row][0]
            yield row, f"holds {shorten(word)}, {did_you_mean(word, spec.choices)}"


def _read_csv(path: Path) -> tuple[pl.DataFrame, Place]:
    from meshlab.documents import read_text

    try:
        frame = pl.read_csv(path, infer_schema=False, encoding="utf8")
    except FileNotFoundError as error:
        raise MeshlabError(Problem(str(path), "no such file", "check the path")) from error
    except pl.exceptions.NoDataError as error:
        raise MeshlabError(Problem(str(path), "is empty", "give a header and a row for each scenario")) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        read_text(path)  # says it in words where the file is not UTF-8 or cannot be read
        raise MeshlabError(
            Problem(str(path), f"is not CSV: {str(error).splitlines()[0]}", "check quotes and commas")
        ) from error
    return frame, lambda row, _column: row + 2


def _read_parquet(path: Path) -> tuple[pl.DataFrame, Place]:
    try:
        frame = pl.read_parquet(path)
    except FileNotFoundError as error:
        raise MeshlabError(Problem(str(path), "no such file", "check the path")) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise MeshlabError(
            Problem(str(path), f"is not Parquet: {str(error).splitlines()[0]}", "check how it was written")
        ) from error
    return frame, lambda _row, _column: None


def _read_rows(path: Path) -> tuple[pl.DataFrame, Place]:
    document = read_document(path)
    rows = document if isinstance(document, list) else [document]
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise MeshlabError(Problem(str(path), "holds no scenarios", "give a list of mappings, one per scenario", 1))
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    frame = pl.DataFrame(
        [[cell_text(row.values.get(name)) for name in names] for row in rows],
        schema=dict.fromkeys(names, pl.String()),
        orient="row",
    )

    def place(row: int, column: str) -> int:
        bearing = rows[row] if column in rows[row].lines else next((r for r in rows if column in r.lines), rows[row])
        return bearing.lines.get(column, bearing.line)

    return frame, place


def cell_text(value: Value) -> str | None:
    """A value of a document as one cell of text; members of a list are divided by bars."""
    if isinstance(value, list):
        return "|".join(map(str, value))
    return value if value is None or isinstance(value, str) else "(mapping)"
