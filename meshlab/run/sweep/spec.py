"""What a sweep is asked to do: a YAML file of inputs, a way to sample them, and what to return.

Everything is checked before anything is computed, and all that is wrong is told at once, each with its line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from meshlab import __version__
from meshlab.documents import MAXIMUM_BYTES, Mapping, Value, is_list, is_mapping, read_document, refuse_dump
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.files import digest, read_start
from meshlab.models.overhead import dataplanes, interval_figures, part_figures
from meshlab.models.overhead.coefficients import coefficient_table
from meshlab.run.sweep.axes import FAMILIES, Axis, Even, Listed, Spread, log_even
from meshlab.scenario import cell_text, check_scenarios, inputs, read_raw

# --- what is wrong with it -------------------------------------------------------------------------------------------


class Faults(msgspec.Struct):
    """Problems of one file, as they are found."""

    file: str
    problems: list[Problem] = msgspec.field(default_factory=list[Problem])

    def add(self, what: str, todo: str, line: int | None) -> None:
        """Note one more."""
        self.problems.append(Problem(self.file, what, todo, line))

    def known(self, mapping: Mapping, known: Iterable[str], kind: str) -> None:
        """Note every key of a mapping that nobody declared."""
        names = list(known)
        for name in mapping.values:
            if name not in names:
                self.add(f"unknown {kind} {shorten(name)}", did_you_mean(name, names), mapping.lines[name])

    def mapping(self, parent: Mapping, key: str, todo: str) -> Mapping:
        """The mapping under a key; an empty one where there is none, which is noted."""
        value = parent.values.get(key)
        if isinstance(value, Mapping):
            return value
        self.add(f"{key!r} is {'missing' if value is None else 'no mapping'}", todo, parent.lines.get(key, 1))
        return Mapping()

    def whole(self, mapping: Mapping, key: str, bounds: tuple[int, int], default: str | None = None) -> int:
        """The whole number under a key; the lower bound where there is none, which is noted."""
        text = mapping.values.get(key, default)
        value = number(text)
        if value is None or value != int(value) or not bounds[0] <= value <= bounds[1]:
            what = f"{key!r} is missing" if text is None else f"{key} is {shorten(text)}"
            todo = f"give a whole number from {bounds[0]:,} to {bounds[1]:,}"
            self.add(what, todo, mapping.lines.get(key, mapping.line))
            return bounds[0]
        return int(value)

    def chosen(self, mapping: Mapping, key: str, known: tuple[str, ...], kind: str) -> tuple[str, ...]:
        """Some of the known names, in their own order; all of them where the key is absent."""
        if key not in mapping.values:
            return known
        line, given = mapping.lines[key], mapping.values[key]
        names = [str(name) for name in given] if isinstance(given, list) else [str(given)]
        for name in names:
            if name not in known:
                self.add(f"unknown {kind} {shorten(name)}", did_you_mean(name, known), line)
        if not names:
            self.add(f"{key!r} is empty", f"name a {kind}, or leave it out", line)
        return tuple(name for name in known if name in names)


def number(value: Value) -> float | None:
    """A finite number that a text spells, or None."""
    try:
        found = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


# --- its inputs ------------------------------------------------------------------------------------------------------


INPUTS = tuple(
    name
    for name, spec in inputs().items()
    if spec.group in ("cluster", "traffic", "prices") or name in ("cloud", "current_cni")
)
"""Inputs that an estimate depends on."""

MOST_STEPS = 10**6

SCALES = {"linear": Even, "log": log_even}

LEAST_SHARE = 1e-6
"""Least part of a distribution that must lie within its bounds: of a smaller one too few digits are left."""


class AxisReader(msgspec.Struct, frozen=True):
    """Reads the inputs of one spec, files relative to its folder; on a grid every axis needs values of its own."""

    folder: Path
    is_grid: bool
    faults: Faults

    def axes(self, given: Mapping) -> Iterator[Axis]:
        """An axis for each input, and one for all columns of a file."""
        self.faults.known(given, INPUTS, "input")
        of_files: dict[str, dict[str, str]] = {}
        for name, value in given.values.items():
            if name not in INPUTS:
                continue
            if isinstance(value, Mapping) and "column" in value.values:
                self.faults.known(value, ("column", "of"), "key")
                of_files.setdefault(str(value.values.get("of")), {})[name] = str(value.values["column"])
            elif axis := self._axis(name, value, given.lines[name]):
                yield axis
        for file, columns in of_files.items():
            if axis := self._columns(file, columns, given):
                yield axis

    def _axis(self, name: str, value: Value, line: int) -> Axis | None:
        if isinstance(value, Mapping):
            spread = self._spread(name, value)
            return self._on_grid(spread, value) if self.is_grid or "steps" in value.values else spread
        cells = value if isinstance(value, list) else [value]
        if not cells or None in cells:
            self.faults.add(f"{name} has no value", "give one, a list, a range, a distribution or a column", line)
            return None
        return self._listed(pl.DataFrame({name: [cell_text(cell) for cell in cells]}), line)

    def _on_grid(self, spread: Spread | None, given: Mapping) -> Axis | None:
        if not self.is_grid:
            self.faults.add("only a grid has steps", "leave them out", given.lines["steps"])
            return None
        steps = self.faults.whole(given, "steps", (1, MOST_STEPS))
        return spread and spread.levels(steps, ends="range" in given.values)

    def _spread(self, name: str, given: Mapping) -> Spread | None:
        spec = inputs()[name]
        if spec.lower is None:
            self.faults.add(f"{name} is no number", f"give a list: {spec.allowed}", given.line)
        elif "range" in given.values:
            return self._range(name, given)
        elif "distribution" in given.values:
            return self._distribution(name, given)
        else:
            todo = "give one of them, or a list"
            self.faults.add(f"{name} has neither range nor distribution", todo, given.line)
        return None

    def _range(self, name: str, given: Mapping) -> Spread | None:
        self.faults.known(given, ("range", "scale", "steps"), "key")
        scale, ends = str(given.values.get("scale", "linear")), self._ends(name, given, "range")
        if scale not in SCALES:
            self.faults.add(f"unknown scale {shorten(scale)}", did_you_mean(scale, SCALES), given.lines["scale"])
        elif ends and scale == "log" and ends[0] <= 0:
            self.faults.add(f"the range of {name} begins at zero", "a logarithmic one begins above it", given.line)
        elif ends:
            return Spread(name, SCALES[scale](*ends), *ends)
        return None

    def _distribution(self, name: str, given: Mapping) -> Spread | None:
        family = FAMILIES.get(word := str(given.values["distribution"]))
        if family is None:
            todo = did_you_mean(word, FAMILIES)
            self.faults.add(f"unknown distribution {shorten(word)}", todo, given.lines["distribution"])
            return None
        self.faults.known(given, ("distribution", "between", "steps", *family.parameters), "key")
        values = [value for key in family.parameters if (value := number(given.values.get(key))) is not None]
        if len(values) < len(family.parameters) or not family.fits(values):
            todo = f"a {word} one needs {', '.join(family.parameters)}, with {family.rule}"
            self.faults.add(f"the distribution of {name} cannot be made", todo, given.line)
            return None
        bounds = self._ends(name, given, "between") if "between" in given.values else inputs()[name].bounds
        distribution = family.make(*values)
        if bounds is None:
            return None
        below, above = distribution.cdf(bounds)
        if above - below < LEAST_SHARE:
            todo = f"they are {bounds[0]:g} to {bounds[1]:g}"
            self.faults.add(f"the distribution of {name} lies outside its bounds", todo, given.line)
            return None
        return Spread(name, distribution, *bounds)

    def _ends(self, name: str, given: Mapping, key: str) -> tuple[float, float] | None:
        """Two values of an input, the smaller one first."""
        line, pair = given.lines[key], given.values[key]
        cells = pair if isinstance(pair, list) else []
        ends = [end for cell in cells if (end := number(cell)) is not None]
        if len(cells) != 2 or len(ends) != 2 or ends[0] >= ends[1]:  # noqa: PLR2004  (two ends)
            self.faults.add(f"{key} of {name} is {shorten(pair)}", "give two numbers, the smaller one first", line)
            return None
        allowed = self._listed(pl.DataFrame({name: [cell_text(cell) for cell in cells]}), line)
        return None if allowed is None else (ends[0], ends[1])

    def _columns(self, file: str, columns: dict[str, str], given: Mapping) -> Axis | None:
        line = min(given.lines[name] for name in columns)
        try:
            raw, _ = read_raw(self.folder / file)
        except MeshlabError as error:
            self.faults.problems += error.problems
            return None
        missing = {name: column for name, column in columns.items() if column not in raw.columns}
        for name, column in missing.items():
            what = f"{file} has no column {shorten(column)}"
            self.faults.add(what, did_you_mean(column, raw.columns), given.lines[name])
        return None if missing else self._listed(raw.select(**{k: pl.col(v) for k, v in columns.items()}), line)

    def _listed(self, raw: pl.DataFrame, line: int) -> Listed | None:
        """Values as scenarios are checked: typed, within bounds, one of the choices, and none missing."""
        named = raw.with_columns(scenario=pl.int_range(pl.len()).cast(pl.String))
        try:
            checked = check_scenarios(named, self.faults.file, lambda _row, _column: line).select(raw.columns)
        except MeshlabError as error:
            self.faults.problems += error.problems
            return None
        if not checked.height or sum(checked.null_count().row(0)):
            self.faults.add(f"{', '.join(raw.columns)}: a value is missing", "give every row a value", line)
            return None
        return Listed(checked)


# --- all of it -------------------------------------------------------------------------------------------------------


METHODS = ("grid", "latin-hypercube", "monte-carlo")

KEYS = ("sample", "inputs", "dataplanes", "outputs", "aggregates")

STATISTICS = ("count", "mean", "p01", "p10", "p50", "p90", "p99", "wins")
"""What may be told of the figures of many scenarios. Wins: the share in which a data plane adds least."""

MOST_ROWS = 10**12
"""Scenarios of the largest sweep."""


class Aggregates(msgspec.Struct, frozen=True):
    """What is told of all scenarios together, in groups by some inputs, instead of a row for each."""

    by: tuple[str, ...]
    statistics: tuple[str, ...]


class Spec(msgspec.Struct, frozen=True):
    """A sweep, checked.

    Args:
        file: As the user named it.
        method: One of ``METHODS``.
        rows: Scenarios.
        seed: Of the random numbers.
        axes: Axes of the sample; on a grid, all of them listed.
        dataplanes: Data planes to estimate.
        outputs: Figures to return.
        aggregates: What to tell of all scenarios, or None for a row for each.
        sha256: Hash of all that the results depend on.
    """

    file: str
    method: str
    rows: int
    seed: int
    axes: tuple[Axis, ...]
    dataplanes: tuple[str, ...]
    outputs: tuple[str, ...]
    aggregates: Aggregates | None
    sha256: str

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs that are swept."""
        return tuple(name for axis in self.axes for name in axis.names)


@cache
def same_spec(file: str, sha256: str) -> Spec:
    """A spec that is known to be as it was when the sweep began: a worker reads it once."""
    spec = read_spec(Path(file))
    if spec.sha256 != sha256:
        raise MeshlabError(Problem(file, "is not what it was when the sweep began", "start the sweep again"))
    return spec


def outputs() -> tuple[str, ...]:
    """What an estimate of medians returns beside scenario and data plane."""
    return (*interval_figures(), "in_evidence_range", *part_figures())


def read_spec(path: Path) -> Spec:
    """A sweep's spec, checked against the declared inputs and the figures of an estimate.

    Raises:
        MeshlabError: All problems of the file, each with its line.
    """
    shape = "begin with 'sample:' and 'inputs:'"
    content = read_start(path, MAXIMUM_BYTES + 1)
    refuse_dump(content, str(path), "sweep")
    document = read_document(path, content, shape=shape)
    if not isinstance(document, Mapping):
        raise MeshlabError(Problem(str(path), "holds no sweep", shape, 1))
    return _checked(document, path)


def spec_of(content: dict[str, Any]) -> Spec:
    """The same from plain data, such as a notebook holds.

    Raises:
        MeshlabError: All problems of the content.
    """
    document = _as_read(content)
    return _checked(document if isinstance(document, Mapping) else Mapping(), Path("sweep"))


def _as_read(value: object) -> Value:
    """Plain data as a document is read: every value a text."""
    if is_mapping(value):
        return Mapping({str(key): _as_read(item) for key, item in value.items()}, dict.fromkeys(map(str, value), 1))
    if is_list(value):
        return [_as_read(item) for item in value]
    return value if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _checked(document: Mapping, path: Path) -> Spec:
    faults = Faults(str(path))
    faults.known(document, KEYS, "key")
    method, rows, seed = _sample(document, faults)
    reader = AxisReader(path.parent, method == "grid", faults)
    given = faults.mapping(document, "inputs", "write 'inputs:' and below it 'pods: [100, 1000]'")
    axes = tuple(reader.axes(given))
    if method == "grid":
        rows = math.prod(axis.values.height for axis in axes if isinstance(axis, Listed))
    spec = Spec(
        file=str(path),
        method=method,
        rows=rows,
        seed=seed,
        axes=axes,
        dataplanes=faults.chosen(document, "dataplanes", tuple(dataplanes()), "data plane"),
        outputs=faults.chosen(document, "outputs", outputs(), "output"),
        aggregates=_aggregates(document, tuple(given.values), faults),
        sha256=_hash(document, axes),
    )
    if faults.problems:
        raise MeshlabError(sorted(faults.problems, key=lambda problem: problem.line or 0))
    return spec


def _sample(document: Mapping, faults: Faults) -> tuple[str, int, int]:
    """Method, rows and seed; a grid has as many rows as its axes make."""
    sample = faults.mapping(document, "sample", "write 'sample: {method: latin-hypercube, rows: 100000, seed: 1}'")
    if not sample.values:
        return "", 1, 0
    faults.known(sample, ("method", "rows", "seed"), "key")
    method = str(sample.values.get("method"))
    if method not in METHODS:
        what = f"unknown method {shorten(method)}" if "method" in sample.values else "the sample has no method"
        faults.add(what, did_you_mean(method, METHODS), sample.lines.get("method", sample.line))
    if method != "grid":
        return method, faults.whole(sample, "rows", (1, MOST_ROWS)), faults.whole(sample, "seed", (0, 2**63 - 1), "0")
    for key in ("rows", "seed"):
        if key in sample.values:
            faults.add(f"a grid has no {key}", "its inputs' values make its rows", sample.lines[key])
    return method, 1, 0


def _aggregates(document: Mapping, swept: tuple[str, ...], faults: Faults) -> Aggregates | None:
    if "aggregates" not in document.values:
        return None
    given = faults.mapping(document, "aggregates", "write 'aggregates: {by: [protocol], statistics: [mean, p90]}'")
    faults.known(given, ("by", "statistics"), "key")
    by = faults.chosen(given, "by", swept, "swept input") if "by" in given.values else ()
    return Aggregates(by, faults.chosen(given, "statistics", STATISTICS, "statistic"))


def _hash(document: Mapping, axes: tuple[Axis, ...]) -> str:
    """Hash of what was asked, of the files that it names, and of what an estimate rests on."""
    files = [axis.values.write_json() for axis in axes if isinstance(axis, Listed)]
    bounds = [(axis.name, axis.lower, axis.upper) for axis in axes if isinstance(axis, Spread)]
    return digest([_plain(document), files, bounds, coefficient_table().write_json(), __version__])


def _plain(value: Value) -> object:
    """A document without its lines."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.values.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


GRID_STEPS, OTHER_STEPS = 12, 3
"""Values on a grid of an input that a map shows, and of one that only varies beside them."""


def as_grid(given: dict[str, Any], shown: Sequence[str], figure: str) -> dict[str, Any]:
    """A grid over the same inputs: many values of those that a map shows, a few of all others."""
    gridded = {
        name: {**value, "steps": GRID_STEPS if name in shown else OTHER_STEPS}
        if is_mapping(value) and "column" not in value
        else value
        for name, value in given.items()
    }
    return {"sample": {"method": "grid"}, "inputs": gridded, "outputs": [figure]}
