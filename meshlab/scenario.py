"""Every declared input once, and reading scenarios against them.

``data/inputs.csv`` declares name, unit, bounds, default and text of each input. Scenario files, controls,
``--help``, validation and the report's table of assumptions all derive from it.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from functools import cache, reduce
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import polars as pl

from meshlab.cache import cached
from meshlab.documents import MAXIMUM_BYTES, Mapping, Value, is_mapping, read_document, read_text, refuse_dump
from meshlab.errors import MeshlabError, Problem, did_you_mean, nearest, shorten
from meshlab.files import read_start
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

NOT_READ = {
    "integer": "not a whole number",
    "number": "not a number",
    "boolean": "neither true nor false",
}
"""What a value is that could not be read as its input's type; text can always be read as the other types."""

Status = Literal["stated", "measured", "inferred", "assumed", "stand-in", "default", "unknown"]
"""Where the value of an input comes from: a team, its measurements or its dump, what follows from them, or none."""

SET_SEPARATORS = r"[\[\]|;,\s]+"
"""What divides the members of a set in one cell, as a regular expression; ``[]`` is the empty set."""

MAXIMUM_CSV_BYTES = 2**30
"""Largest CSV of scenarios; larger sets come as Parquet. [bytes]"""

MOST_PROBLEMS = 50
"""Problems of one input that are spelled out; a file with more is broken as a whole."""


class Input(msgspec.Struct, frozen=True):
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
    actionability: str

    @property
    def dtype(self) -> pl.DataType:
        """Type of the input's column."""
        return DTYPES[self.type]

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value of a number.

        Raises:
            MeshlabError: It is no number.
        """
        if self.lower is None or self.upper is None:
            raise MeshlabError(Problem("inputs.csv", f"{self.name} is no number", "name a numeric input"))
        return self.lower, self.upper

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


@cached
def inputs() -> dict[str, Input]:
    """All declared inputs by name, in their declared order: a default may use only inputs above it."""
    found: dict[str, Input] = {}
    needs = tuple(read_table("needs")["need"])
    for row in read_table("inputs").iter_rows(named=True):
        row["choices"] = needs if row["type"] == "set" else tuple(filter(None, (row["choices"] or "").split("|")))
        found[row["name"]] = Input(**row)
    return found


def schema() -> dict[str, pl.DataType]:
    """Columns of a frame of scenarios: the name, then every declared input."""
    return {"scenario": pl.String(), **{name: spec.dtype for name, spec in inputs().items()}}


def with_defaults(scenarios: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Fill missing inputs with their defaults. Inputs without a default stay null: unknown is an answer.

    The column ``assumed`` lists the inputs whose value is a default. [list of input names]
    """
    return reduce(pl.LazyFrame.with_columns, _default_stages(), scenarios.lazy())


@cache
def _default_stages() -> list[list[pl.Expr]]:
    """Columns that defaults fill, step by step: a default may use the filled value of an input above it."""
    stages = [[assumed_inputs().alias("assumed")], []]
    filled: set[str] = set()
    for name, spec in inputs().items():
        if spec.default is not None:
            default = pl.sql_expr(spec.default).cast(spec.dtype)
            if filled & {*default.meta.root_names()}:
                stages.append([])
                filled = set()
            stages[-1].append(pl.coalesce(name, default).alias(name))
            filled.add(name)
    return stages


def collect_few(query: pl.LazyFrame) -> pl.DataFrame:
    """The rows of a query over few scenarios, over which optimizing it takes longer than what that saves."""
    return query.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())


def assumed_inputs() -> pl.Expr:
    """Names of the inputs that are missing and have a default to stand in. [list of text]"""
    return pl.concat_list(
        pl.when(pl.col(name).is_null()).then(pl.lit(name))
        for name, spec in inputs().items()
        if spec.default is not None
    ).list.drop_nulls()


def frame_of(rows: Sequence[MappingOf[str, object]]) -> pl.DataFrame:
    """A frame of scenarios from checked values; inputs that a row does not name are null."""
    columns = schema()
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=columns)


def with_all_inputs(scenarios: pl.DataFrame) -> pl.DataFrame:
    """The name and every declared input of some scenarios, null where a column is absent; names are numbers then."""
    if scenarios.columns == [*schema()]:
        return scenarios
    absent = {name: pl.lit(None, dtype) for name, dtype in schema().items() if name not in scenarios.columns}
    if "scenario" in absent:
        absent["scenario"] = pl.int_range(pl.len()).cast(pl.String)
    return scenarios.with_columns(**absent).select(list(schema()))


# --- the way in ----------------------------------------------------------------------------------------------------

Scenarios = pl.DataFrame | pl.LazyFrame | MappingOf[str, Any] | Iterable[MappingOf[str, Any]] | str | Path
"""What scenarios can be given as: a frame, one row or several by the names of their columns, or a file."""


def scenarios(given: Scenarios, name: str = "scenarios") -> pl.DataFrame:
    """Scenarios with the declared columns, typed and checked; what is not given is null. The only way in.

    Args:
        given: Rows by the names of their columns, such as ``[{"scenario": "a", "pods": 480}]``; a frame; or the path of
            a .csv, .parquet, .json or .yaml file.
        name: How messages name them, where they are no file. Rows are counted from 1.

    Returns:
        ``scenario`` and a column for each row of ``data/inputs.csv``.

    Raises:
        MeshlabError: All problems: unknown columns with the nearest name, names missing or twice, values of another
            type or out of bounds.

    Examples:
        >>> ml.scenarios([{"scenario": "shop", "pods": 480}]).select("scenario", "pods", "nodes").row(0)
        ('shop', 480, None)
    """
    if isinstance(given, str | Path):
        return read_scenarios(Path(given))
    if isinstance(given, pl.DataFrame | pl.LazyFrame):
        frame = given.lazy().collect()
    else:
        frame = _frame_of_any([given] if is_mapping(given) else given, name)
    return check_scenarios(frame, name, lambda row, _column: None if row is None else row + 1)


def _frame_of_any(given: Any, name: str) -> pl.DataFrame:
    """Rows of plain data as a raw frame: a column whose values are of several types becomes text."""
    rows: list[MappingOf[str, Any]] = [*given] if hasattr(given, "__iter__") else []
    if not rows or not all(map(is_mapping, rows)):
        todo = "give rows such as {'scenario': 'a', 'pods': 480}, a frame, or the path of a file"
        raise MeshlabError(Problem(name, f"{shorten(given)} holds no scenarios", todo))
    columns = dict.fromkeys(str(column) for row in rows for column in row)
    return pl.DataFrame([_column(column, [row.get(column) for row in rows]) for column in columns])


def _column(name: str, values: list[Any]) -> pl.Series:
    try:
        return pl.Series(name, values)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series(name, [_text(value) for value in values], pl.String())


def _text(value: object) -> str | None:
    if isinstance(value, list | tuple | set | frozenset):
        return cell_text([str(member) for member in cast("Iterable[object]", value)])
    return value if value is None else str(value)


# --- reading files -------------------------------------------------------------------------------------------------


def read_scenarios(path: Path) -> pl.DataFrame:
    """Scenarios of a ``.csv``, ``.parquet``, ``.json`` or ``.yaml`` file, one row each, checked and typed.

    Raises:
        MeshlabError: All problems of the file, each with its line where the format has lines.
    """
    frame, place = read_raw(path)
    return check_scenarios(frame, str(path), place)


def read_raw(path: Path) -> tuple[pl.DataFrame, Place]:
    """A file of rows as it stands, unchecked, and the line on which each value stands.

    Raises:
        MeshlabError: The file is of no known kind, or cannot be read as what its name says.
    """
    readers = {
        ".csv": _read_csv,
        ".parquet": _read_parquet,
        ".json": _read_no_dump,
        ".yaml": _read_no_dump,
        ".yml": _read_no_dump,
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
    return reader(path)


Place = Callable[[int | None, str], int | None]
"""Line on which the value of a row and column stands; of row None, where the column is named."""


def check_scenarios(frame: pl.DataFrame, file: str, place: Place, noun: str = "column") -> pl.DataFrame:
    """Type and check a raw frame against the declared inputs; missing inputs become null columns.

    Args:
        frame: Columns of text, or already of an input's type.
        file: How messages name the input.
        place: Line of a row's column, for messages.
        noun: What the file's reader calls a column.

    Raises:
        MeshlabError: All problems: unknown columns, wrong types, values out of bounds, names missing or twice.
    """
    unfit = {name: fault for name, *fault in _unfit_columns(frame, noun)}
    sound = frame.drop(list(unfit), strict=False)
    columns = {
        name: _typed(sound[name], spec) if name in sound.columns else pl.lit(None, spec.dtype)
        for name, spec in inputs().items()
    }
    name = pl.col("scenario").cast(pl.String) if "scenario" in sound.columns else pl.lit(None, pl.String)
    typed = sound.with_columns(scenario=name, **columns).select(list(schema()))
    problems = [Problem(file, what, todo, place(None, name)) for name, (what, todo) in unfit.items()]
    problems += [Problem(file, what, todo, place(row, name)) for row, name, what, todo in _faults(sound, typed)]
    if problems:
        raise MeshlabError(_abridged(sorted(problems, key=lambda problem: problem.line or 0), file))
    return typed


def _unfit_columns(frame: pl.DataFrame, noun: str) -> Iterator[tuple[str, str, str]]:
    """Columns that cannot be read at all: name, what is wrong, what to do."""
    known = schema()
    if "scenario" not in frame.columns:
        yield "scenario", "column 'scenario' is missing", "give each row a name"
    for name, dtype in frame.schema.items():
        if name not in known:
            called = [each for each, spec in inputs().items() if len(name) > 2 and name.lower() in spec.label.lower()]  # noqa: PLR2004
            todo = f"did you mean one of {', '.join(called[:5])}?" if called else did_you_mean(name, known)
            yield name, f"unknown {noun} {shorten(name)}", todo
        elif not _is_readable(dtype, inputs()[name].type if name in inputs() else "name"):
            allowed = inputs()[name].allowed if name in inputs() else "text"
            yield name, f"column {name!r} holds values of type {dtype}", f"give {allowed}"


def _is_readable(dtype: pl.DataType, kind: str) -> bool:
    """Whether an input of that kind can be read from such a column."""
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null):
        return True
    if kind in ("integer", "number"):
        return dtype.is_numeric()
    if kind == "set":
        return dtype in (pl.List(pl.String), pl.List(pl.Null))
    if kind == "boolean":
        return dtype == pl.Boolean()
    # a version that went through a number has lost its zeros: 5.10 became 5.1
    return kind == "name" and dtype.is_integer()


def _abridged(problems: list[Problem], file: str) -> list[Problem]:
    rest = len(problems) - MOST_PROBLEMS
    return problems if rest <= 0 else [*problems[:MOST_PROBLEMS], Problem(file, f"and {rest} more problems")]


def _typed(raw: pl.Series, spec: Input) -> pl.Expr:
    """The column in its input's type; what does not fit becomes null and is reported by comparison with the raw one."""
    column = pl.col(raw.name)
    if isinstance(raw.dtype, pl.List):
        return column.cast(spec.dtype).list.drop_nulls()
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
    names = typed["scenario"].str.strip_chars() if "scenario" in raw.columns else pl.Series([], dtype=pl.String)
    for row in (names.is_null() | (names == "")).arg_true():
        yield row, "scenario", "the scenario has no name", "give each row a name"
    for row in (names.is_duplicated() & ~names.is_first_distinct() & names.is_not_null() & (names != "")).arg_true():
        yield row, "scenario", f"scenario {shorten(names[row])} stands twice", "names are unique"
    for mask in filter(pl.Series.any, _masks(raw, typed)):
        what, name = mask.name.split(":")
        spec, fault = inputs()[name], _misreading if what == "misread" else _refusal
        for row in mask.arg_true():
            told = f"{name} {fault(raw[name][row], typed[name][row], spec)}"
            # the needs are too many to list where one of them is meant
            yield row, name, told, "" if spec.type == "set" and told.endswith("'?") else f"give {spec.allowed}"


def _masks(raw: pl.DataFrame, typed: pl.DataFrame) -> pl.DataFrame:
    """For each input that is given, which values could not be read and which are not allowed, by one query."""
    given = {name: spec for name, spec in inputs().items() if name in raw.columns}
    both = pl.concat([typed, raw.select(*given).rename(lambda name: f"raw:{name}")], how="horizontal").lazy()
    masks = {f"misread:{name}": _is_given(name, raw.schema[name]) & pl.col(name).is_null() for name in given}
    masks |= {
        f"refused:{name}": pl.col(name).is_not_null() & ~_holds(pl.col(name), spec) for name, spec in given.items()
    }
    ordered = (f"{what}:{name}" for name in given for what in ("misread", "refused"))
    return collect_few(both.select(masks[column].alias(column) for column in ordered))


def _is_given(name: str, dtype: pl.DataType) -> pl.Expr:
    raw = pl.col(f"raw:{name}")
    return raw.is_not_null() & (raw.str.strip_chars() != "") if dtype == pl.String() else raw.is_not_null()


def _holds(typed: pl.Expr, spec: Input) -> pl.Expr:
    """Whether each value is one that its input allows."""
    if spec.type in ("integer", "number"):
        return typed.is_between(spec.lower, spec.upper)  # false for NaN and infinity
    if spec.type == "version":
        return typed.str.contains(VERSION_PATTERN)
    if spec.type == "set":
        return typed.list.set_difference(list(spec.choices)).list.len() == 0
    return typed.is_in(spec.choices) if spec.choices else typed.is_not_null()


def _misreading(raw: object, _typed: None, spec: Input) -> str:
    return f"is {shorten(raw)}, which is {NOT_READ[spec.type]}"


def _refusal(raw: object, typed: Any, spec: Input) -> str:
    if spec.type == "set":
        word = next(word for word in typed if word not in spec.choices)
        return f"holds {shorten(word)}, {_choice_fault(word, spec)}"
    return f"is {shorten(raw)}, {_fault(typed, spec)}"


def _choice_fault(word: str, spec: Input) -> str:
    """The nearest choice; the list of all of them stands in what to do."""
    close = nearest(word, spec.choices)
    return f"did you mean {close!r}?" if close else "which is not known"


def _fault(value: object, spec: Input) -> str:
    if spec.type == "version":
        return "which is no version"
    meant = _other_words().get((spec.name, str(value).lower()))
    if meant is not None:
        return f"did you mean {meant!r}?"
    return _choice_fault(str(value), spec) if spec.choices else "out of bounds"


@cached
def _other_words() -> dict[tuple[str, str], str]:
    """What people mean by words that are no choices, such as the provider for its managed service."""
    rows = read_table("other_words").select("input", "word", "value").iter_rows()
    return {(name, word): value for name, word, value in rows}


def _read_csv(path: Path) -> tuple[pl.DataFrame, Place]:
    text = read_text(path, MAXIMUM_CSV_BYTES)
    header = next(csv.reader(io.StringIO(text, newline="")), ())
    if doubled := [name for name, count in Counter(header).items() if count > 1]:
        raise MeshlabError(
            Problem(str(path), f"column {shorten(name)} stands twice", "keep one of them", 1) for name in doubled
        )
    try:
        frame = pl.read_csv(io.BytesIO(text.encode()), infer_schema=False)
    except pl.exceptions.NoDataError as error:
        raise MeshlabError(Problem(str(path), "is empty", "give a header and a row for each scenario")) from error
    except pl.exceptions.PolarsError as error:
        if line := _long_line(text):
            what = f"the row has more cells than the {len(header)} columns"
            raise MeshlabError(Problem(str(path), what, "quote cells that hold a comma", line)) from error
        what = f"is not CSV: {str(error).splitlines()[0]}"
        raise MeshlabError(Problem(str(path), what, "check quotes and commas")) from error
    lines = cache(lambda: _csv_lines(text))  # most files have no problem whose line is asked for
    return (
        frame.filter(pl.any_horizontal(pl.all().fill_null("") != "")),
        lambda row, _column: 1 if row is None else lines()[row],
    )


def _long_line(text: str) -> int | None:
    """Line on which the first record ends that has more cells than the header."""
    reader = csv.reader(io.StringIO(text, newline=""))
    width = len(next(reader, ()))
    return next((reader.line_num for record in reader if len(record) > width), None)


def _csv_lines(text: str) -> list[int]:
    """Line on which each record begins that holds anything."""
    reader, line = csv.reader(io.StringIO(text, newline="")), 1
    lines: list[int] = []
    for record in reader:
        if any(record):
            lines.append(line)
        line = reader.line_num + 1
    return lines[1:]


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


def _read_no_dump(path: Path) -> tuple[pl.DataFrame, Place]:
    shape = "give a list of mappings, one per scenario"
    content = read_start(path, MAXIMUM_BYTES + 1)
    refuse_dump(content, str(path), "scenarios")
    document = read_document(path, content, shape=shape)
    items = document if isinstance(document, list) else [document]
    rows = [item for item in items if isinstance(item, Mapping)]
    if not rows or len(rows) < len(items):
        raise MeshlabError(Problem(str(path), "holds no scenarios", shape, 1))
    if "team" in rows[0].values:
        raise MeshlabError(Problem(str(path), "is a team file, no scenarios", "give it to 'meshlab review'", 1))
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    frame = pl.DataFrame(
        [[cell_text(row.values.get(name)) for name in names] for row in rows],
        schema=dict.fromkeys(names, pl.String()),
        orient="row",
    )

    def place(row: int | None, column: str) -> int:
        bearing = next((each for each in rows if column in each.lines), rows[0]) if row is None else rows[row]
        return bearing.lines.get(column, bearing.line)

    return frame, place


def cell_text(value: Value) -> str | None:
    """A value of a document as one cell of text; members of a list are divided by bars, ``[]`` is the empty one."""
    if isinstance(value, list):
        return "|".join(member if isinstance(member, str) else "(no-text)" for member in value) or "[]"
    return value if value is None or isinstance(value, str) else "(mapping)"
