"""Frames of scenarios that the tests of the overhead models share."""

from __future__ import annotations

import math

import polars as pl
from hypothesis import strategies as st

from meshlab.scenario import Input, frame_of, inputs

NUMERIC = {name: spec for name, spec in inputs().items() if spec.type in ("integer", "number")}


def one(**values: object) -> pl.DataFrame:
    """A frame with one scenario."""
    return frame_of([{"scenario": "one", **values}])


def _number(spec: Input) -> st.SearchStrategy[float]:
    """Values over an input's whole declared range, its ends included, spread as its slider spreads them."""
    lower, upper = spec.lower, spec.upper
    if spec.scale == "log":
        floor = lower if lower > 0 else min(1e-3, upper)
        values = st.floats(math.log(floor), math.log(upper)).map(lambda x: min(max(math.exp(x), lower), upper))
    else:
        values = st.floats(lower, upper)
    values = st.one_of(st.sampled_from([lower, upper]), values)
    return values.map(lambda x: min(max(round(x), int(lower)), int(upper))) if spec.type == "integer" else values


def _values(spec: Input) -> st.SearchStrategy[object]:
    if spec.name in NUMERIC:
        return _number(spec)
    if spec.type == "boolean":
        return st.booleans()
    return st.sampled_from(spec.choices)


MODEL_INPUTS = {
    name: _values(spec)
    for name, spec in inputs().items()
    if spec.group in ("cluster", "traffic", "prices") or name in ("cloud", "current_cni")
}


def scenarios(rows: int = 12) -> st.SearchStrategy[pl.DataFrame]:
    """Frames of scenarios over the whole declared domain, every input of the models given."""
    row = st.fixed_dictionaries(MODEL_INPUTS)
    return st.lists(row, min_size=rows, max_size=rows).map(
        lambda values: frame_of([{"scenario": str(index), **value} for index, value in enumerate(values)])
    )
