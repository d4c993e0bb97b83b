"""What the benchmark suite times, each in a process of its own: prints seconds and memory as one line of JSON.

A case is timed in rounds that alternate with its reference, so that other work on the machine disturbs both alike.
Each side begins a round with its first part untimed: while the other one ran, caches have gone cold and polars has
given memory back, and neither is a cost of long work.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from meshlab.models.decision import decide
from meshlab.models.overhead import dataplanes, estimate, least_shares
from meshlab.models.overhead.coefficients import SHOWN
from meshlab.scenario import inputs, with_defaults

Timed = dict[str, list[Callable[[], object]]]
"""Parts that are timed together, by name."""

PART = 2_000_000
"""Scenarios that either side works through before it uses their memory again: a sweep is evaluated in parts, too."""


def scenarios(rows: int, seed: int = 1) -> pl.DataFrame:
    """Complete scenarios over the whole declared domain of the inputs that enter the models."""
    generator = np.random.default_rng(seed)
    columns: dict[str, pl.Series | pl.Expr] = {"scenario": pl.Series(np.arange(rows))}
    for name, spec in inputs().items():
        known = spec.group in ("cluster", "traffic", "prices") or name in ("cloud", "current_cni")
        columns[name] = _column(spec, generator, rows) if known else pl.lit(None, spec.dtype)
    return with_defaults(pl.select(**columns)).drop("assumed").collect()


def _column(spec: Any, generator: np.random.Generator, rows: int) -> pl.Series:
    if spec.type == "boolean":
        return pl.Series(generator.random(rows) < 0.5)
    if spec.type == "choice":
        # coded once, as the fused loop has its words as small integers
        coded = pl.Series(spec.choices, dtype=pl.Enum(spec.choices))
        return coded.gather(generator.integers(0, len(spec.choices), rows))
    lower = max(spec.lower, 1e-3) if spec.scale == "log" else spec.lower
    even = generator.random(rows)
    values = lower * (spec.upper / lower) ** even if spec.scale == "log" else lower + even * (spec.upper - lower)
    return pl.Series(np.rint(values) if spec.type == "integer" else values).cast(spec.dtype)


def fused(rows: int) -> Timed:
    """All medians of so many scenarios by polars, and by the loop fused for numba; their figures must agree."""
    import fused as loop

    frame = scenarios(rows)
    parts = [frame[start : start + PART] for start in range(0, rows, PART)]
    chunks = [loop.arrays(part) for part in parts]
    c, agents, bounds, width = loop.constants(), loop.agents(), loop.bounds(), len(loop.NUMBERS)
    out = np.empty((len(loop.COLUMNS), min(rows, PART), len(dataplanes())))
    measured = np.empty(out.shape[1:], dtype=np.bool_)

    def numba(chunk: tuple[np.ndarray, ...]) -> None:
        count = len(chunk[0])
        loop.fill(c, chunk[:width], chunk[width:], agents, *bounds, out[:, :count], measured[:count])

    check = min(rows, 20_000)
    numba(loop.arrays(frame[:check]))
    _agree(estimate(frame[:check], intervals=False).collect(), out[:, :check], measured[:check], loop.COLUMNS)
    return {
        "estimate": [partial(_drained, estimate(part.lazy(), intervals=False)) for part in parts],
        "numba": [partial(numba, chunk) for chunk in chunks],
    }


def _agree(found: pl.DataFrame, out: np.ndarray, measured: np.ndarray, columns: tuple[str, ...]) -> None:
    for plane, dataplane in enumerate(dataplanes()):
        rows = found.filter(dataplane=dataplane)
        for number, column in enumerate(columns):
            np.testing.assert_allclose(out[number, :, plane], rows[column].to_numpy(), rtol=1e-9, err_msg=column)
        assert (measured[:, plane] == rows["in_evidence_range"].to_numpy()).all()


def loop(rows: int) -> Timed:
    """The same row by row in plain Python: run with NUMBA_DISABLE_JIT=1."""
    import fused as plain

    assert os.environ.get("NUMBA_DISABLE_JIT") == "1", "numba would compile the loop"
    frame = scenarios(rows)
    _rows_agree(estimate(frame, intervals=False).collect(), plain.rows(frame), plain.COLUMNS)
    return {"loop": [lambda: plain.rows(frame)]}


def _rows_agree(found: pl.DataFrame, answers: list[Any], columns: tuple[str, ...]) -> None:
    """Figures of sidecars and Linkerd stand in the order of the columns, less what only Cilium has."""
    order = [*columns[:10], *columns[13:]]
    for place, dataplane in ((0, "istio-sidecar"), (1, "istio-ambient"), (3, "linkerd")):
        theirs = np.array([planes[place] for planes, _ in answers])
        np.testing.assert_allclose(theirs, found.filter(dataplane=dataplane).select(order).to_numpy(), rtol=1e-9)


def intervals(rows: int) -> Timed:
    """Medians with intervals, and medians alone."""
    frame = scenarios(rows).lazy()
    return {
        "intervals": [partial(_drained, estimate(frame, count=SHOWN))],
        "medians": [partial(_drained, estimate(frame, intervals=False))],
    }


def _drained(query: pl.LazyFrame) -> None:
    """Compute a query in batches and let them go."""
    query.sink_batches(lambda _frame: None, engine="streaming")


def tick(_rows: int) -> Timed:
    """One scenario with intervals under every data plane, and polars' own time for a query of one row."""
    one, query = scenarios(1), pl.LazyFrame({"pods": [1]}).with_columns(pl.col("pods") * 2)
    return {"tick": [lambda: estimate(one).collect()], "empty query": [lambda: query.collect(engine="in-memory")]}


def probabilities(rows: int) -> Timed:
    """How often each data plane is cheapest over the draws, and an estimate with intervals from the same draws."""
    frame = scenarios(rows).lazy()
    return {
        "probabilities": [partial(_drained, least_shares(frame, "cost_usd_per_month"))],
        "intervals": [partial(_drained, estimate(frame, count=SHOWN))],
    }


def decision(rows: int) -> Timed:
    """The verdicts of scenarios in which two needs are asked, and their medians."""
    frame = scenarios(rows).with_columns(pl.col("scenario").cast(pl.String), needs=pl.lit(["mtls", "l7_policy"]))
    return {
        "decision": [lambda: decide(frame).collect()],
        "medians": [partial(_drained, estimate(frame.lazy(), intervals=False))],
    }


CASES: dict[str, Callable[[int], Timed]] = {
    "probabilities": probabilities,
    "decision": decision,
    "fused": fused,
    "loop": loop,
    "intervals": intervals,
    "tick": tick,
}


def peak_mib() -> float:
    """Peak memory of this program alone. [MiB]"""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def main() -> None:
    """Time one case: its name, rows and rounds are the arguments."""
    name, rows, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    timed = CASES[name](rows)
    seconds: dict[str, list[float]] = {each: [] for each in timed}
    cpu: dict[str, list[float]] = {each: [] for each in timed}
    for _ in range(rounds):
        for each, parts in timed.items():
            parts[0]()
            start, start_cpu = time.perf_counter(), time.process_time()
            for part in parts:
                part()
            seconds[each].append(time.perf_counter() - start)
            cpu[each].append(time.process_time() - start_cpu)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
