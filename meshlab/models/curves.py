"""How figures run over one input, and along a user's path of calls: each one query over a grid of scenarios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.models.overhead import estimate, interval_figures
from meshlab.scenario import Input, inputs, with_defaults

POINTS = 25
"""Points of a curve, beside the scenario's own."""

DECADES = 3
"""Decades of a logarithmic axis: the one of the scenario's own value, and one on either side."""

LONGEST_PATHS = (10, 20, 50)
"""Where the axis of a path ends: at the first that lies well beyond the scenario's own calls. [count]"""

ROOM = 1.5
"""How far beyond the scenario's own calls a path is shown. [ratio]"""

PATH_FIGURES = ("added_p50_ms", "added_p90_ms", "added_p99_ms")


def curve_inputs() -> tuple[str, ...]:
    """Numeric inputs that enter the models, over which a figure can run."""
    return tuple(
        name for name, spec in inputs().items() if spec.group not in ("decision", "budgets") and spec.upper is not None
    )


def curve(scenario: pl.DataFrame, name: str, figure: str) -> pl.DataFrame:
    """One figure of every data plane over one input, all else as in the scenario.

    Inputs that the scenario leaves open follow their defaults, as they do under a slider: more pods bring more
    requests. On a logarithmic scale the axis ends at whole decades, so that it stays while a value moves within one.

    Args:
        scenario: One row with the columns of ``scenario.schema()``.
        name: A numeric input.
        figure: A figure of ``estimate``, such as ``memory_gib``.

    Returns:
        ``x`` (the input's value), ``dataplane``, ``lo``, ``median``, ``hi``, ``in_evidence_range`` and ``here``
        (whether it is the scenario's own value), by data plane and then by value.

    Raises:
        MeshlabError: There is no such input or figure.
    """
    problems = [
        Problem(kind, f"unknown {kind} {word!r}", did_you_mean(word, known))
        for kind, word, known in (("input", name, curve_inputs()), ("figure", figure, interval_figures()))
        if word not in known
    ]
    if problems:
        raise MeshlabError(problems)
    spec = inputs()[name]
    own = with_defaults(scenario).select(name).collect().item()
    ends = {"lo": f"{figure}_lo", "median": figure, "hi": f"{figure}_hi"}
    found = _estimates(scenario, name, axis(spec, own), intervals=True)
    return found.select(
        "x", "dataplane", *(pl.col(column).alias(end) for end, column in ends.items()), "in_evidence_range"
    ).with_columns(here=pl.col("x") == own)


def path(scenario: pl.DataFrame) -> pl.DataFrame:
    """Latency that every data plane adds along a path of calls: percentiles of the path's own distribution.

    Tails are not added up; ``added_up_ms`` is what one would get by doing so, the 99th percentile of one call times
    the number of calls.

    Args:
        scenario: One row with the columns of ``scenario.schema()``.

    Returns:
        ``x`` (calls in sequence), ``dataplane``, ``added_p50_ms``, ``added_p90_ms``, ``added_p99_ms``,
        ``added_up_ms`` and ``here``, by data plane and then by calls.
    """
    own = with_defaults(scenario).select("call_depth").collect().item()
    last = next((end for end in LONGEST_PATHS if end >= own * ROOM), LONGEST_PATHS[-1])
    calls = sorted({*range(1, last + 1, max(1, last // 20)), own, last})
    one = pl.col("added_p99_ms").first().over("dataplane", order_by="x")
    return (
        _estimates(scenario, "call_depth", calls, intervals=False)
        .select("x", "dataplane", *PATH_FIGURES)
        .with_columns(added_up_ms=pl.col("x") * one, here=pl.col("x") == own)
    )


def axis(spec: Input, own: float) -> list[Any]:
    """Values of an input around a scenario's own, which is one of them."""
    lower, upper = spec.bounds
    if spec.scale == "log" and own > 0:
        first = math.floor(math.log10(own)) - DECADES // 2
        lower, upper = max(lower, 10.0**first), min(upper, 10.0 ** (first + DECADES))
        ratio = upper / lower
        values = [lower * ratio ** (step / (POINTS - 1)) for step in range(POINTS)]
    else:
        upper = 1.0 if spec.scale == "log" else upper  # of a value that is zero nothing tells the scale
        values = [lower + (upper - lower) * step / (POINTS - 1) for step in range(POINTS)]
    return sorted({own, *(map(round, values) if spec.type == "integer" else values)})


def _estimates(scenario: pl.DataFrame, name: str, values: Sequence[Any], *, intervals: bool) -> pl.DataFrame:
    """Estimates of the scenario with one input at each of these values, in column ``x``."""
    points = pl.DataFrame({name: values}, schema={name: inputs()[name].dtype}).with_row_index("scenario")
    rows = scenario.drop("scenario", name).join(points, how="cross").with_columns(pl.col("scenario").cast(pl.String))
    found = estimate(rows.select(scenario.columns), intervals=intervals).collect()
    at = rows.select("scenario", x=pl.col(name).cast(pl.Float64))
    return found.join(at, on="scenario").sort(pl.col("dataplane").rank("dense"), "x")
