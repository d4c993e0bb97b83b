"""What traces say: which service calls which, and how many calls one request makes in sequence.

Traces of Jaeger, Zipkin, OpenTelemetry and Tempo, and tables of spans, become one frame of spans: a span is one piece
of work of one service, with its beginning and end and the span that caused it.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import floor
from typing import Annotated

import msgspec
import polars as pl

from meshlab.cluster.facts.inferred_inputs import Supplied
from meshlab.cluster.facts.json_reader import JSON_FAULTS
from meshlab.cluster.facts.measured import (
    CALLS,
    FIGURES,
    Measurements,
    base_name,
    broken,
    figure_rows,
    first_document,
)
from meshlab.errors import MeshlabError, Problem
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
    taken = pl.col("end") - pl.col("begin")
    milliseconds = taken.filter(taken >= 0) / _NS_PER_MS  # a span that never ended has no duration
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
    taken = roots["end"] - roots["begin"]
    milliseconds = taken.filter(taken >= 0) / _NS_PER_MS
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


# --- spans of a file --------------------------------------------------------------------------------------------------


Row = tuple[str, str, str | None, str | None, int, int]
"""Trace, span, parent, service, begin and end. [ns since 1970]"""

SCHEMA: dict[str, pl.DataType] = {
    "trace": pl.String(),
    "span": pl.String(),
    "parent": pl.String(),
    "service": pl.String(),
    "begin": pl.Int64(),
    "end": pl.Int64(),
}
"""Columns of a frame of spans; begin and end in ns since 1970."""

_NS_PER_US = 1000
_Instant = Annotated[int, msgspec.Meta(ge=0, le=2**61)]  # [ns] or [us]: a multiple of it must fit 64 bits
_Micros = Annotated[int, msgspec.Meta(ge=0, le=2**51)]
_POD_HASHES = r"-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$"
"""What a ReplicaSet adds to its Deployment's name to make a pod's, from the alphabet that Kubernetes uses for it."""


def read_spans(content: bytes, kind: str, file: str) -> pl.DataFrame:
    """Spans of a file, each once."""
    frame = _csv_spans(content, file) if kind == "span-csv" else _json_spans(content, kind, file)
    if frame.is_empty():
        raise MeshlabError(Problem(file, "holds no spans", "search again, or over a longer time"))
    return frame.unique(["trace", "span"], keep="first", maintain_order=True)


def _json_spans(content: bytes, kind: str, file: str) -> pl.DataFrame:
    rows = {"jaeger": _jaeger, "zipkin": _zipkin, "otlp": _otlp, "tempo-search": _tempo_search}[kind]
    try:
        return pl.DataFrame(list(rows(_documents(content, file))), schema=SCHEMA, orient="row")
    except JSON_FAULTS as error:
        raise MeshlabError(broken(error, content, file)) from None


def _documents(content: bytes, file: str) -> Iterator[bytes]:
    """The one document, or those of a file with a document a line."""
    first = first_document(content, file)
    yield from [content] if first is content else filter(bytes.strip, content.splitlines())


# --- Jaeger --------------------------------------------------------------------------------------------------------


class _Process(msgspec.Struct, gc=False, rename="camel"):
    service_name: str | None = None


class _Reference(msgspec.Struct, gc=False):
    span: str = msgspec.field(name="spanID")
    trace: str | None = msgspec.field(default=None, name="traceID")
    type: str = msgspec.field(default="CHILD_OF", name="refType")


class _JaegerSpan(msgspec.Struct, gc=False, rename="camel"):
    span: str = msgspec.field(name="spanID")
    start_time: _Micros
    duration: _Micros = 0
    references: list[_Reference] | None = None
    parent: str | None = msgspec.field(default=None, name="parentSpanID")
    process_id: str | None = msgspec.field(default=None, name="processID")
    process: _Process | None = None


class _JaegerTrace(msgspec.Struct, gc=False, rename="camel"):
    trace: str = msgspec.field(name="traceID")
    spans: list[_JaegerSpan]
    processes: dict[str, _Process] | None = None


class _JaegerAnswer(msgspec.Struct, gc=False):
    data: list[_JaegerTrace]


def _jaeger(documents: Iterator[bytes]) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(_JaegerAnswer | list[_JaegerTrace], strict=False)
    for document in documents:
        answer: _JaegerAnswer | list[_JaegerTrace] = decoder.decode(_enveloped(document))
        for trace in answer if isinstance(answer, list) else answer.data:
            processes = trace.processes or {}
            for span in trace.spans:
                process = span.process or processes.get(span.process_id or "") or _Process()
                begin = span.start_time * _NS_PER_US
                end = begin + span.duration * _NS_PER_US
                yield trace.trace, span.span, _jaeger_parent(span, trace.trace), process.service_name, begin, end


def _enveloped(document: bytes) -> bytes:
    """A single trace as a list of one; other forms as they are."""
    keys = msgspec.json.decode(document, type=dict[str, msgspec.Raw]) if document.lstrip()[:1] == b"{" else {}
    return b"[" + document + b"]" if "spans" in keys else document


def _jaeger_parent(span: _JaegerSpan, trace: str) -> str | None:
    """The span that waits for this one; what only follows from another is no call that anybody waits for."""
    parents = (ref.span for ref in span.references or () if ref.type == "CHILD_OF" and ref.trace in (None, trace))
    return next(parents, None) or span.parent or None


# --- Zipkin --------------------------------------------------------------------------------------------------------


class _Endpoint(msgspec.Struct, gc=False, rename="camel"):
    service_name: str | None = None


class _Annotation(msgspec.Struct, gc=False):
    timestamp: _Micros
    value: str = ""
    endpoint: _Endpoint | None = None


class _ZipkinSpan(msgspec.Struct, gc=False, rename="camel"):
    """A span of either version: version 1 tells by annotations what version 2 tells by kind and endpoint."""

    trace_id: str
    id: str
    parent_id: str | None = None
    kind: str | None = None
    timestamp: _Micros | None = None
    duration: _Micros | None = None
    local_endpoint: _Endpoint | None = None
    annotations: list[_Annotation] | None = None


_SERVER_HALF = "/server"
"""End of the id of a span's half on the called side, where both sides report one span."""

_Side = tuple[str, str | None, int, int]
"""client, server or local; the service that reports it; begin and end. [ns]"""


def _zipkin(documents: Iterator[bytes]) -> Iterator[Row]:
    """A span that both sides of a call report becomes two: what it causes is caused on the called side."""
    for document in documents:
        sides = [(span, *side) for span in _zipkin_spans(document) for side in _sides(span)]
        calling = {(span.trace_id, span.id) for span, side, *_ in sides if side == "client"}
        shared = calling & {(span.trace_id, span.id) for span, side, *_ in sides if side == "server"}
        for span, side, service, begin, end in sides:
            name, parent = span.id, span.parent_id
            if side == "server" and (span.trace_id, name) in shared:
                name, parent = name + _SERVER_HALF, name
            elif parent and (span.trace_id, parent) in shared:
                parent += _SERVER_HALF
            yield span.trace_id, name, parent, service, begin, end


def _zipkin_spans(document: bytes) -> Iterator[_ZipkinSpan]:
    """Spans of a list, or of a list of traces that are lists."""
    one = msgspec.json.Decoder(_ZipkinSpan, strict=False)
    many = msgspec.json.Decoder(list[_ZipkinSpan], strict=False)
    for item in msgspec.json.decode(document, type=list[msgspec.Raw]):
        if bytes(item).lstrip()[:1] == b"[":
            yield from many.decode(item)
        else:
            yield one.decode(item)


def _sides(span: _ZipkinSpan) -> Iterator[_Side]:
    """The sides of a call that a span tells of; of one without times nothing is known."""
    marks = {mark.value: mark for mark in span.annotations or () if mark.value in ("cs", "cr", "sr", "ss")}
    for side, first, last in (("client", "cs", "cr"), ("server", "sr", "ss")):
        if first in marks:
            begin = marks[first].timestamp
            end = marks[last].timestamp if last in marks else begin + (span.duration or 0)
            endpoint = marks[first].endpoint
            yield side, endpoint and endpoint.service_name, begin * _NS_PER_US, end * _NS_PER_US
    if not {"cs", "sr"} & marks.keys() and span.timestamp is not None:
        begin, endpoint = span.timestamp, span.local_endpoint
        side = {"CLIENT": "client", "SERVER": "server"}.get(span.kind or "", "local")
        end = begin + (span.duration or 0)
        yield side, endpoint and endpoint.service_name, begin * _NS_PER_US, end * _NS_PER_US


# --- OpenTelemetry and Tempo ---------------------------------------------------------------------------------------


class _Value(msgspec.Struct, gc=False, rename="camel"):
    string_value: str | None = None


class _Attribute(msgspec.Struct, gc=False):
    key: str = ""
    value: _Value | None = None


class _Resource(msgspec.Struct, gc=False):
    attributes: list[_Attribute] | None = None


class _OtlpSpan(msgspec.Struct, gc=False, rename="camel"):
    trace_id: str
    span_id: str
    start_time_unix_nano: _Instant
    end_time_unix_nano: _Instant
    parent_span_id: str | None = None


class _Scope(msgspec.Struct, gc=False):
    spans: list[_OtlpSpan] | None = None


class _Batch(msgspec.Struct, gc=False, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_Scope] | None = None
    instrumentation_library_spans: list[_Scope] | None = None


class _Batches(msgspec.Struct, gc=False, rename="camel"):
    resource_spans: list[_Batch] | None = None
    batches: list[_Batch] | None = None


class _OtlpAnswer(_Batches, gc=False, rename="camel"):
    trace: _Batches | None = None
    result: _Batches | None = None


def _otlp(documents: Iterator[bytes]) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(_OtlpAnswer | list[_OtlpAnswer], strict=False)
    for document in documents:
        answers: _OtlpAnswer | list[_OtlpAnswer] = decoder.decode(document)
        for answer in answers if isinstance(answers, list) else [answers]:
            for level in filter(None, (answer, answer.trace, answer.result)):
                for batch in (*(level.resource_spans or ()), *(level.batches or ())):
                    yield from _otlp_spans(batch)


def _otlp_spans(batch: _Batch) -> Iterator[Row]:
    attributes = (batch.resource and batch.resource.attributes) or ()
    names = (each.value.string_value for each in attributes if each.key == "service.name" and each.value)
    service = next(names, None)
    for scope in (*(batch.scope_spans or ()), *(batch.instrumentation_library_spans or ())):
        for span in scope.spans or ():
            begin, end = span.start_time_unix_nano, span.end_time_unix_nano
            yield span.trace_id, span.span_id, span.parent_span_id or None, service, begin, end


class _Found(msgspec.Struct, gc=False, rename="camel"):
    trace: str = msgspec.field(name="traceID")
    start_time_unix_nano: _Instant
    duration_ms: Annotated[int, msgspec.Meta(ge=0, le=2**41)] = 0
    root_service_name: str | None = None


class _Search(msgspec.Struct, gc=False):
    traces: list[_Found]


def _tempo_search(documents: Iterator[bytes]) -> Iterator[Row]:
    """The root of each trace: a search names further spans, but not which span caused them."""
    for document in documents:
        for trace in msgspec.json.decode(document, type=_Search, strict=False).traces:
            begin = trace.start_time_unix_nano
            yield trace.trace, trace.trace, None, trace.root_service_name, begin, begin + trace.duration_ms * 1_000_000


# --- tables --------------------------------------------------------------------------------------------------------


def _csv_spans(content: bytes, file: str) -> pl.DataFrame:
    """Spans of a table with a row each; a pod's name gives its service.

    Sources: nezha (data/sources.csv).
    """
    parent = pl.when(pl.col("ParentID") != "root").then("ParentID")
    try:
        text = pl.read_csv(io.BytesIO(content), infer_schema=False)
        frame = text.select(
            trace="TraceID",
            span="SpanID",
            parent=parent,
            service=pl.col("PodName").str.replace(_POD_HASHES, ""),
            begin=pl.col("StartTimeUnixNano").cast(pl.Int64, strict=False),
            end=pl.col("EndTimeUnixNano").cast(pl.Int64, strict=False),
        )
    except pl.exceptions.PolarsError as error:
        what = f"is no table of spans: {str(error).splitlines()[0]}"
        raise MeshlabError(Problem(file, what, "give it as it was written")) from None
    unfit = frame.select(pl.any_horizontal(pl.col("trace", "span", "begin", "end").is_null())).to_series().arg_true()
    if len(unfit):
        lacks = Problem(file, "a span lacks its ids or its times", "give the table as it was written", unfit[0] + 2)
        raise MeshlabError(lacks)
    return frame
