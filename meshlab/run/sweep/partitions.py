"""One part of a sweep: its scenarios from their numbers, and what is estimated of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from meshlab.models.overhead import estimate
from meshlab.run.sweep.axes import Listed, Shares, grid_places, random_shares, stratified_shares
from meshlab.run.sweep.spec import Spec
from meshlab.scenario import schema

PART_ROWS = 2**18
"""Scenarios of a part: enough that starting a query costs nothing beside it, few enough that it takes little memory."""


def part_count(spec: Spec) -> int:
    """Parts of a sweep."""
    return -(-spec.rows // PART_ROWS)


def part_rows(spec: Spec, part: int) -> int:
    """Scenarios of one part."""
    return min(PART_ROWS, spec.rows - part * PART_ROWS)


def scenarios(spec: Spec, part: int, classes_of: tuple[str, ...] = ()) -> pl.DataFrame:
    """The scenarios of a part: their numbers and the inputs that are swept.

    Args:
        spec: The sweep.
        part: Number of the part, from 0.
        classes_of: Inputs whose class stands beside them, as ``_class_of_…``.
    """
    start, count = part * PART_ROWS, part_rows(spec, part)
    columns = [pl.DataFrame({"scenario": np.arange(start, start + count)})]
    for axis, shares in zip(spec.axes, _shares(spec, start, count), strict=True):
        columns.append(axis.at(shares))
        wanted = [name for name in axis.names if name in classes_of]
        columns.append(axis.classes(shares).select(pl.col(name).alias(f"_class_of_{name}") for name in wanted))
    return pl.concat(columns, how="horizontal")


def _shares(spec: Spec, start: int, count: int) -> Iterator[Shares]:
    if spec.method == "grid":
        sizes = [axis.values.height for axis in spec.axes if isinstance(axis, Listed)]
        places = grid_places(start, count, sizes)
        # the middle of each value's part, so that rounding takes none for its neighbour
        yield from ((place + 0.5) / size for place, size in zip(places, sizes, strict=True))
        return
    for axis in spec.axes:
        name = "|".join(axis.names)
        if spec.method == "monte-carlo":
            yield random_shares(spec.seed, name, start, count)
        else:
            yield stratified_shares(spec.seed, name, start, count, spec.rows)


def answers(spec: Spec, frame: pl.DataFrame) -> pl.DataFrame:
    """Medians of what each data plane adds to these scenarios, with the inputs that are swept.

    Rows are ordered by data plane, then by scenario: the same whatever computes them.
    """
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema().items() if name not in frame.columns]
    estimates = estimate(frame.lazy().with_columns(missing), intervals=False)
    chosen = estimates.filter(pl.col("dataplane").is_in(spec.dataplanes)).select("scenario", "dataplane", *spec.outputs)
    found = chosen.collect(engine="streaming")
    # a data plane's rows stand in the order of the scenarios: their inputs repeat, and nothing needs to be looked up
    repeated = pl.concat([frame] * (found.height // frame.height))
    if not repeated["scenario"].equals(found["scenario"]):
        raise AssertionError("an estimate's rows have lost their order")
    return pl.concat([repeated, found.drop("scenario")], how="horizontal")
