"""What measurements of any kind become: figures, calls between services, and inputs that they supply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

import polars as pl

from meshlab.cluster.facts.supply import Supplied
from meshlab.scenario import inputs
from meshlab.tables import read_table

UNITS = {
    "memory": "MiB",
    "cpu": "mcores",
    "latency_mean": "ms",
    **{f"{of}latency_p{level}": "ms" for of in ("", "added_") for level in ("50", "90", "95", "99")},
    "throughput": "1/s",
}
"""Unit of each metric."""

FIGURES = pl.DataFrame(
    schema={
        "run": pl.String,
        "dataplane": pl.String,
        "component": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "unit": pl.String,
        "instances": pl.Int64,
    }
)
"""A row a figure: of all instances of a component in one run, or of the path of a request (instances are requests)."""

CALLS_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "target": pl.String(),
    "calls": pl.Int64(),
    "share": pl.Float64(),
    "requests_per_second": pl.Float64(),
    "p50_ms": pl.Float64(),
    "p90_ms": pl.Float64(),
    "p99_ms": pl.Float64(),
}

CALLS = tuple(CALLS_SCHEMA)
"""A row for each pair of services of which one calls the other; what is not known of it is null."""

NO_CALLS = pl.DataFrame(schema=CALLS_SCHEMA)

EVIDENCE_SCHEMA: dict[str, pl.DataType] = {
    "scenario": pl.String(),
    "dataplane": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "unit": pl.String(),
}

NO_EVIDENCE = pl.DataFrame(schema=EVIDENCE_SCHEMA)


@dataclass(frozen=True, slots=True)
class Measurements:
    """What a file or a server measured.

    Args:
        kind: Kind of the file: a row of ``data/facts/measurement_kinds.csv``; prometheus-server for a server.
        source: The file or server.
        figures: Every figure, columns as ``FIGURES``.
        calls: Calls between services, columns as ``CALLS``.
        supplied: Declared inputs that follow.
        notes: What was left out or stays open, and why, a sentence each.
        frame: The figures that the models predict too, as ``meshlab evidence --measured`` takes them: inputs of a
            scenario that are known, and dataplane, metric, value and unit.
    """

    kind: str
    source: str
    figures: pl.DataFrame = field(default_factory=lambda: FIGURES)
    calls: pl.DataFrame = field(default_factory=lambda: NO_CALLS)
    supplied: dict[str, Supplied] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    frame: pl.DataFrame = field(default_factory=lambda: NO_EVIDENCE)


def figure_rows(rows: Iterable[tuple[str, str | None, str | None, str, float | None, int | None]]) -> pl.DataFrame:
    """A frame of figures from run, dataplane, component, metric, value and instances; what has no value is left out."""
    known = [(*row[:5], UNITS[row[3]], row[5]) for row in rows if row[4] is not None]
    return pl.DataFrame(known, schema=FIGURES.schema, orient="row")


def evidence_rows(measured: pl.DataFrame, dataplane: str, scenario: Mapping[str, object]) -> pl.DataFrame:
    """Measurements as evidence: known inputs, then data plane, metric, value and unit.

    Args:
        measured: Columns run, metric, value and inputs of a scenario.
        dataplane: The data plane of all of them.
        scenario: Inputs that all of them share; None is unknown.
    """
    known = [name for name in inputs() if name in measured.columns]
    shared = {name: value for name, value in scenario.items() if value is not None}
    return measured.select(
        pl.col("run").alias("scenario"),
        *(pl.col(name).cast(inputs()[name].dtype) for name in known if name not in shared),
        *(pl.lit(value, inputs()[name].dtype).alias(name) for name, value in shared.items()),
        pl.lit(dataplane).alias("dataplane"),
        "metric",
        "value",
        unit=pl.col("metric").replace_strict(dict(read_table("figures").select("figure", "unit").iter_rows())),
    )


def base_name(file: str) -> str:
    """A file's name without its folders, as figures and provenance show it: the same wherever the file lies."""
    return PurePath(file).name
