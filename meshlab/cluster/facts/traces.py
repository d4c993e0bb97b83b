"""What traces say: which service calls which, and how many calls one request makes in sequence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import floor

import polars as pl

from meshlab.cluster.facts.inferred_inputs import Supplied
from meshlab.cluster.facts.measured import CALLS, FIGURES, Measurements, base_name, figure_rows
from meshlab.cluster.facts.spans import read_spans
from meshlab.scenario import inputs

MINIMUM_WINDOW_SECONDS = 60.0
"""Shortest time over which calls are taken for a rate: searches return the newest traces, often of seconds. [s]"""

PERCENTILES = (50, 90, 99)

SEARCH_NOTE = (
    "a search names traces but not which span called which: for calls give the traces themselves, /api/traces/ID"
)

_NS_PER_MS = 1e6
_NS_PER_SECOND = 1e9


def read_traces(content: bytes, kind: str, file: str) -> Measurements:
    """Measurements from a file of traces."""
    spans, name = read_spans(content, kind, file), base_name(file)
    if kind == "tempo-search":
        return Measurements(kind, name, figures=_request_figures(spans, name), notes=(SEARCH_NOTE,))
    linked = with_callers(spans)
    calls = call_graph(linked)
    depths = calls_in_sequence(linked)
    supplied, notes = _supplied(spans, calls, depths, name)
    return Measurements(kind, name, _request_figures(spans, name), calls, supplied, notes)


def with_callers(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans with ``row``, the ``parent_row`` and ``caller`` (service) of their parent, and whether they are ``called``.

    A span is called where its parent belongs to another service. Of spans without a service nobody knows.
    """
    rows = spans.with_row_index("row")
    parents = rows.select("trace", parent="span", caller="service", parent_row="row")
    return rows.join(parents, on=["trace", "parent"], how="left", maintain_order="left").with_columns(
        called=(pl.col("service") != pl.col("caller")).fill_null(value=False)
    )


def call_graph(linked: pl.DataFrame) -> pl.DataFrame:
    """Calls between services: how many, what share of all, how often and how long the called side took.

    The rate is calls over the time from the first span's begin to the last one's end; of one trace there is none.
    """
    window = window_seconds(linked)
    milliseconds = (pl.col("end") - pl.col("begin")) / _NS_PER_MS
    return (
        linked.lazy()
        .filter("called")
        .group_by(source="caller", target="service")
        .agg(
            calls=pl.len().cast(pl.Int64),
            **{f"p{level}_ms": milliseconds.quantile(level / 100, "linear") for level in PERCENTILES},
        )
        .with_columns(
            share=pl.col("calls") / pl.col("calls").sum(),
            requests_per_second=pl.col("calls") / pl.lit(window, pl.Float64),
        )
        .sort("calls", "source", "target", descending=[True, False, False])
        .select(CALLS)
        .collect()
    )


def window_seconds(spans: pl.DataFrame) -> float | None:
    """Time that several traces cover together; None for one trace, which is no sample of traffic. [s]"""
    if spans["trace"].n_unique() < 2:  # noqa: PLR2004
        return None
    nanoseconds = spans.select(pl.col("end").max() - pl.col("begin").min()).item()
    return nanoseconds / _NS_PER_SECOND if nanoseconds > 0 else None


def calls_in_sequence(linked: pl.DataFrame) -> pl.DataFrame:
    """Calls between services on the critical path of each trace: columns trace, calls, partial (a parent is missing).

    Of a trace with several roots (parts of it are missing) the one that takes longest counts.
    """
    roots = linked.filter(pl.col("parent_row").is_null())
    counts = pl.Series("calls", _path_calls(linked, roots["row"].to_list()), pl.Int64)
    return (
        roots.with_columns(counts)
        .sort(pl.col("end") - pl.col("begin"), descending=True, maintain_order=True)
        .group_by("trace", maintain_order=True)
        .agg(pl.col("calls").first(), partial=pl.col("parent").is_not_null().any())
    )


Child = tuple[int, int, int]
"""Row, begin and end of a span. [ns]"""


def _path_calls(linked: pl.DataFrame, roots: Sequence[int]) -> list[int]:
    """Calls between services on the critical path below each root.

    The path is found from the end: the child that ended last held its parent up; before it began, the child that had
    ended last by then; and so on, in each of them again.
    """
    begins, ends, called = (linked[name].to_list() for name in ("begin", "end", "called"))
    children: dict[int, list[Child]] = defaultdict(list)
    for parent, *child in linked.sort("end", descending=True).select("parent_row", "row", "begin", "end").iter_rows():
        children[parent].append(tuple(child))
    counts: list[int] = []
    for root in roots:
        count, waiting = 0, [(root, ends[root])]
        while waiting:  # a path may be as deep as a trace has spans: no recursion
            row, end = waiting.pop()
            path = _held_up_by(children.get(row, ()), begins[row], end)
            count += sum(called[child] for child, _ in path)
            waiting += path
        counts.append(count)
    return counts


def _held_up_by(children: Sequence[Child], begin: int, end: int) -> list[tuple[int, int]]:
    """Children on the critical path of a span from begin to end [ns], each with its end in it, the last one first.

    A child that outlives its parent is cut at the parent's end (clocks differ between hosts); one that begins after it
    is nobody's wait. Children come with the one that ends last first.
    """
    path, until = list[tuple[int, int]](), end
    for row, child_begin, child_end in children:
        if child_begin < end and min(child_end, end) <= until:
            path.append((row, min(child_end, end)))
            until = max(child_begin, begin)
    return path


# --- what follows --------------------------------------------------------------------------------------------------


def _request_figures(spans: pl.DataFrame, file: str) -> pl.DataFrame:
    """Percentiles of how long whole requests take."""
    roots = spans.filter(pl.col("parent").is_null())
    if roots.is_empty():
        return FIGURES.clear()
    milliseconds = (roots["end"] - roots["begin"]) / _NS_PER_MS
    return figure_rows(
        (file, None, "path", f"latency_p{level}", milliseconds.quantile(level / 100, "linear"), len(roots))
        for level in PERCENTILES
    )


def _supplied(
    spans: pl.DataFrame, calls: pl.DataFrame, depths: pl.DataFrame, file: str
) -> tuple[dict[str, Supplied], tuple[str, ...]]:
    """Declared inputs that the traces supply, and what they leave open."""
    supplied: dict[str, Supplied] = {}
    notes: list[str] = []
    median, most = depths.select(pl.median("calls")).item(), inputs()["call_depth"].upper or 0
    depth = floor((median or 0) + 0.5)
    if 1 <= depth <= most:
        supplied["call_depth"] = Supplied(depth, "inferred", file)
    elif depth:
        notes.append(f"a request makes {depth} calls in sequence, more than the models are made for ({most:.0f})")
    else:
        notes.append("no request calls one service from another, so that the number of calls in sequence stays unknown")
    window = window_seconds(spans)
    if window is not None and window >= MINIMUM_WINDOW_SECONDS and not calls.is_empty():
        rate = calls["requests_per_second"].sum()
        supplied["requests_per_second"] = Supplied(rate, "inferred", file)
        notes.append(
            f"requests per second are the calls traced within {window:.1f} s: too few where traces are sampled"
        )
    else:
        covered = "one trace" if window is None else f"{window:.1f} s"
        notes.append(f"{covered} is too short for a rate of requests: {MINIMUM_WINDOW_SECONDS:.0f} s are needed")
    if partial := depths["partial"].sum():
        notes.append(f"{partial} of {depths.height} traces lack spans that others name as their parents")
    return supplied, tuple(notes)
