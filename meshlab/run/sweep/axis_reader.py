"""The inputs of a spec, read into axes: lists, ranges, distributions, and columns of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from meshlab.documents import Mapping, Value
from meshlab.errors import MeshlabError, did_you_mean, shorten
from meshlab.run.sweep.axes import FAMILIES, Axis, Even, Listed, Spread, log_even
from meshlab.run.sweep.faults import Faults, number
from meshlab.scenario import cell_text, check_scenarios, inputs, read_raw

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


@dataclass(frozen=True, slots=True)
class AxisReader:
    """Reads the inputs of one spec.

    Args:
        folder: Where the spec lies: files are named relative to it.
        is_grid: Whether every axis needs values of its own.
        faults: Takes what is wrong.
    """

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
        values = [number(given.values.get(parameter)) for parameter in family.parameters]
        if None in values or not family.fits(*values):
            todo = f"a {word} one needs {', '.join(family.parameters)}, with {family.rule}"
            self.faults.add(f"the distribution of {name} cannot be made", todo, given.line)
            return None
        spec = inputs()[name]
        declared = (float(spec.lower or 0), float(spec.upper or 0))
        bounds = self._ends(name, given, "between") if "between" in given.values else declared
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
