"""What a sweep is asked to do: a YAML file of inputs, a way to sample them, and what to return.

Everything is checked before anything is computed, and all that is wrong is told at once, each with its line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from meshlab import __version__
from meshlab.documents import Mapping, Value, read_document
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.files import digest
from meshlab.models.overhead import dataplanes, interval_figures, part_figures
from meshlab.models.overhead.coefficients import coefficient_table
from meshlab.run.sweep.axes import Axis, Listed, Spread
from meshlab.run.sweep.axis_reader import AxisReader
from meshlab.run.sweep.faults import Faults

METHODS = ("grid", "latin-hypercube", "monte-carlo")

KEYS = ("sample", "inputs", "dataplanes", "outputs", "aggregates")

STATISTICS = ("count", "mean", "p01", "p10", "p50", "p90", "p99", "wins")
"""What may be told of the figures of many scenarios. Wins: the share in which a data plane adds least."""

MOST_ROWS = 10**12
"""Scenarios of the largest sweep."""


@dataclass(frozen=True, slots=True)
class Aggregates:
    """What is told of all scenarios together, instead of a row for each.

    Args:
        by: Inputs by which scenarios are grouped.
        statistics: Which of ``STATISTICS``.
    """

    by: tuple[str, ...]
    statistics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spec:
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
    """A spec that is known to be as it was when the sweep began: a worker reads it once.

    Raises:
        MeshlabError: It has changed meanwhile, or it is not the same on this machine.
    """
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
    document = read_document(path)
    if not isinstance(document, Mapping):
        raise MeshlabError(Problem(str(path), "holds no sweep", "begin with 'sample:' and 'inputs:'", 1))
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
    if isinstance(value, dict):
        return Mapping({str(key): _as_read(item) for key, item in value.items()}, dict.fromkeys(map(str, value), 1))
    if isinstance(value, list | tuple):
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
    """A grid over the same inputs: many values of those that a map shows, a few of all others.

    Args:
        given: Inputs as a spec has them.
        shown: Those that a map shows.
        figure: The output.
    """
    gridded = {
        name: {**value, "steps": GRID_STEPS if name in shown else OTHER_STEPS}
        if isinstance(value, dict) and "column" not in value
        else value
        for name, value in given.items()
    }
    return {"sample": {"method": "grid"}, "inputs": gridded, "outputs": [figure]}
