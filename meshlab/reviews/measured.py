"""What a team measured: traces, load tests, Prometheus, own tables. Inputs that follow, and figures for the models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.cluster.facts.inferred_inputs import Supplied, is_allowed
from meshlab.cluster.facts.measured import Measurements, base_name
from meshlab.errors import MeshlabError, Problem
from meshlab.models import overhead
from meshlab.models.evidence import calibrate, read_own
from meshlab.models.evidence.measured import OWN_COLUMNS
from meshlab.models.overhead import figures, mesh_dataplanes
from meshlab.reviews.record import Row
from meshlab.scenario import inputs, schema
from meshlab.tables import read_table


class Measured(msgspec.Struct, frozen=True):
    """Everything that a team measured, as plain data.

    Args:
        files: For each file its name, kind, the inputs that it gives, how many figures narrow the coefficients, notes.
        supplied: Declared inputs, each from the file that tells it best.
        calls: Which service calls which, by its traces.
        rows: Figures of scenarios under a data plane, as ``evidence.read_own`` returns them, and ``here``: whether the
            scenario is the team's cluster, and no benchmark's.
    """

    files: list[Row] = msgspec.field(default_factory=list[Row])
    supplied: dict[str, Supplied] = msgspec.field(default_factory=dict[str, Supplied])
    rows: list[Row] = msgspec.field(default_factory=list[Row])
    calls: list[list[str]] = msgspec.field(default_factory=list[list[str]])


def read_all(paths: Sequence[Path]) -> Measured:
    """What files of measurements tell together; a folder stands for the files in it.

    Raises:
        MeshlabError: A file that is named, or every file of a folder, cannot be read or holds nothing that a review
            takes: the message says what it holds.
    """
    found: list[Read] = []
    left: list[Row] = []
    problems: list[Problem] = []
    for path in paths:
        files = _files_in(path) if path.is_dir() else [path]
        read, refused = _read(files)
        found += read
        if path.is_dir() and read:
            left += [_left_out(problem) for problem in refused]
        else:
            problems += refused
        if not files:
            problems.append(Problem(str(path), "is an empty folder", "name files of measurements"))
    if problems:
        raise MeshlabError(problems)
    supplied = _settled(found)
    of_a_cluster = read_table("facts/measurement_kinds").filter(family="prometheus")["kind"].to_list()
    rows = [
        {**row, "here": tool is not None and tool.kind in of_a_cluster}
        for _, tool, frame in found
        if frame is not None
        for row in frame.rows(named=True)
    ]
    calls = {call for _, tool, _ in found if tool is not None for call in tool.calls.select("source", "target").rows()}
    told = [*(_told(*each, supplied) for each in found), *left]
    return Measured(told, supplied, rows, [list(call) for call in sorted(calls) if all(call)])


Read = tuple[Path, Measurements | None, pl.DataFrame | None]
"""A file, what a tool wrote into it, and figures for the models."""


def _left_out(problem: Problem) -> Row:
    """A file of a folder that is of no use, as the report names it."""
    file = base_name(problem.file)
    return {"file": file, "kind": "not used", "inputs": [], "figures": 0, "notes": [f"{file} {problem.what}"]}


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _read(files: Iterable[Path]) -> tuple[list[Read], list[Problem]]:
    """What each file holds, and why others are of no use."""
    found: list[Read] = []
    problems: list[Problem] = []
    for path in files:
        try:
            tool, frame = read_own(path)
        except MeshlabError as error:
            problems += error.problems
            continue
        if frame is None and (tool is None or not tool.supplied):
            problems.append(_of_no_use(path, tool))
        else:
            found.append((path, tool, frame))
    return found, problems


def _of_no_use(path: Path, tool: Measurements | None) -> Problem:
    """What a file holds from which neither an input nor a coefficient follows."""
    titles = dict(read_table("facts/measurement_kinds").select("kind", "title").iter_rows())
    holds = titles[tool.kind] if tool else "no figures"
    why = f": {'; '.join(tool.notes)}" if tool and tool.notes else ", and what runs without a mesh is not told apart"
    todo = (
        "give traces of a minute or more, series of proxies from Prometheus, or a table with dataplane, metric, value"
    )
    return Problem(str(path), f"holds {holds}, of which a review takes nothing{why}", todo)


def _settled(found: Iterable[Read]) -> dict[str, Supplied]:
    """Each input from the file that measured it, else from that with the most calls, in which it was inferred."""
    offered = [
        (given.status != "measured", -tool.calls.select(pl.col("calls").sum()).item(), number, name, given)
        for number, (_, tool, _) in enumerate(found)
        if tool is not None
        for name, given in tool.supplied.items()
        if is_allowed(name, given.value)
    ]
    settled: dict[str, Supplied] = {}
    for *_, name, given in sorted(offered, key=lambda row: row[:3]):
        settled.setdefault(name, replace(given, source=base_name(given.source or "")))
    return settled


def _told(path: Path, tool: Measurements | None, frame: pl.DataFrame | None, settled: Mapping[str, Supplied]) -> Row:
    """A file as the report names it, and what of it counts."""
    own = {} if tool is None else tool.supplied
    notes = [] if tool is None else [note.replace(str(path), path.name) for note in tool.notes]
    taken = [name for name, given in own.items() if name in settled and settled[name].value == given.value]
    notes += [f"{name} of {given.value:,} is not taken" for name, given in own.items() if name not in taken]
    return {
        "file": path.name,
        "kind": tool.kind if tool else "table",
        "inputs": taken,
        "figures": 0 if frame is None else frame.height,
        "notes": notes,
    }


# --- what rests on it ------------------------------------------------------------------------------------------------


def coefficients_of(rows: Sequence[Row], known: Mapping[str, Any]) -> pl.DataFrame:
    """The coefficients after a team's own figures.

    ``known`` are inputs of the team's cluster that are stated, counted or measured: figures of it do not say them
    again.
    """
    modelled = {name for name, spec in inputs().items() if spec.group in ("cluster", "traffic")}
    own = {name: value for name, value in known.items() if value is not None and name in modelled}
    filled = [
        {**(own if row["here"] else {}), **{name: value for name, value in row.items() if value is not None}}
        | {"scenario": f"{row['scenario']} {number}"}
        for number, row in enumerate(rows)
    ]
    types: dict[str, Any] = {**schema(), "value": pl.Float64()}
    columns = dict.fromkeys(("scenario", *schema(), *OWN_COLUMNS, "kind"))
    frame = {name: pl.Series([row.get(name) for row in filled], dtype=types.get(name, pl.String())) for name in columns}
    return calibrate(pl.DataFrame(frame))


COMPARED = ("memory_gib", "cpu_cores", "added_p50_ms", "added_p99_ms", "cost_usd_per_month")
"""Figures whose intervals are compared, with measurements and without."""

ROUNDING = 1e-6
"""Below this part of a figure nothing has moved it."""


def rests_on(own: Row, without: pl.DataFrame, estimates: Sequence[Row]) -> Row:
    """Which figures rest on a team's measurements: those that are others without them."""
    before = {row["dataplane"]: row for row in overhead.estimate(without).collect().rows(named=True)}
    return {"files": own["files"], "figures": [*_moved(before, {row["dataplane"]: row for row in estimates})]}


def _moved(before: Mapping[str, Row], after: Mapping[str, Row]) -> Iterator[Row]:
    for dataplane in mesh_dataplanes():
        for name in COMPARED:
            ends = [[row[dataplane][f"{name}{end}"] for end in ("_lo", "", "_hi")] for row in (before, after)]
            old, new = ends
            if None in (*old, *new) or all(
                abs(a - b) <= ROUNDING * max(abs(a), abs(b)) for a, b in zip(old, new, strict=True)
            ):
                continue
            yield {
                "dataplane": dataplane,
                "figure": name,
                "unit": figures()[name].unit,
                **dict(zip(("without_lo", "without", "without_hi"), old, strict=True)),
                **dict(zip(("lo", "median", "hi"), new, strict=True)),
                "narrower": _width(new) < _width(old),
            }


def _width(ends: Sequence[float]) -> float:
    """Width of an interval over its middle. [ratio]"""
    lo, middle, hi = ends
    return (hi - lo) / abs(middle) if middle else hi - lo
