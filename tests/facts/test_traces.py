"""Traces: real ones against a table that an independent script worked out, and small ones by hand."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.cluster.facts.measurements import read_measurements
from meshlab.cluster.facts.traces import SCHEMA, calls_in_sequence, read_spans, read_traces, with_callers
from meshlab.errors import MeshlabError

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "traces.csv"


def expected() -> dict[str, dict[str, float]]:
    """What ``tests/golden/traces_golden.py`` found in each file."""
    table: dict[str, dict[str, float]] = defaultdict(dict)
    with GOLDEN.open(newline="") as stream:
        for row in csv.DictReader(stream):
            table[row["file"]][row["what"]] = float(row["value"])
    return table


EXPECTED = expected()
KINDS = {"FudanSELab": "zipkin", "HolmesGPT": "otlp", "IntelligentDDS": "span-csv"}


@pytest.mark.parametrize("file", EXPECTED)
def test_calls_of_real_traces_are_the_golden_ones(file: str, fixtures: Path) -> None:
    """Every pair of services calls one another as often as the golden table says."""
    found = read_measurements(fixtures / "traces" / file)

    assert found.kind == KINDS.get(file.partition("__")[0], "jaeger")
    calls = {
        f"{source}>{target}": number
        for source, target, number in found.calls.select("source", "target", "calls").rows()
    }
    assert calls == {what: value for what, value in EXPECTED[file].items() if ">" in what}
    assert found.calls["share"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("file", EXPECTED)
def test_calls_in_sequence_of_real_traces_are_the_golden_ones(file: str, fixtures: Path) -> None:
    """The critical path of each trace holds the golden number of calls, never more than the longest sequence."""
    content = (fixtures / "traces" / file).read_bytes()
    content = gzip.decompress(content) if file.endswith(".gz") else content

    depths = calls_in_sequence(with_callers(read_spans(content, KINDS.get(file.partition("__")[0], "jaeger"), file)))

    golden = EXPECTED[file]
    assert depths.height == golden["traces"]
    assert depths["calls"].median() == golden["median_on_critical_path"] <= golden["median_longest_sequence"]
    assert depths["calls"].max() == golden["most_on_critical_path"]
    assert not depths["partial"].any()


def test_many_traces_supply_depth_and_rate(fixtures: Path) -> None:
    """116 traces of Online Boutique over 109.9 s supply 12 calls in sequence and 1,260 calls in that time."""
    found = read_measurements(fixtures / "traces/IntelligentDDS__Nezha__2022-08-22_05_20_trace.csv")

    assert found.supplied["call_depth"].value == 12
    assert found.supplied["requests_per_second"].value == pytest.approx(1260 / 109.883368009)
    assert {given.status for given in found.supplied.values()} == {"inferred"}
    assert found.notes == ("requests per second are the calls traced within 109.9 s: too few where traces are sampled",)


def test_a_few_seconds_of_traces_supply_no_rate(fixtures: Path) -> None:
    """The twenty newest traces of a search span 1.9 s, which is too short for a rate; their depth is supplied."""
    found = read_measurements(fixtures / "traces/delimitrou__DeathStarBench__socialNetwork_traces.json.gz")

    assert {name: given.value for name, given in found.supplied.items()} == {"call_depth": 7}
    assert found.notes == ("1.9 s is too short for a rate of requests: 60 s are needed",)


def test_a_depth_beyond_the_models_is_told_rather_than_cut(fixtures: Path) -> None:
    """Train Ticket makes 78 calls one after the other: no depth is supplied, and a note says why."""
    found = read_measurements(fixtures / "traces/FudanSELab__train-ticket__trainticket_zipkin_case1.json")

    assert found.supplied == {}
    assert found.notes[0] == "a request makes 78 calls in sequence, more than the models are made for (50)"


def test_a_search_of_tempo_gives_durations_and_no_calls(fixtures: Path) -> None:
    """A search names one trace of 9 ms; which span called which it does not say, and a note tells what would."""
    found = read_measurements(fixtures / "traces/kiali__kiali__tempo_search_bookinfo_sidecar.json")

    assert found.kind == "tempo-search"
    assert found.figures.select("metric", "value").rows() == [
        ("latency_p50", 9.0),
        ("latency_p90", 9.0),
        ("latency_p99", 9.0),
    ]
    assert found.calls.is_empty()
    assert found.supplied == {}
    assert "/api/traces/ID" in found.notes[0]


# --- critical paths by hand ----------------------------------------------------------------------------------------


def depth(*spans: tuple[str, str | None, str, int, int]) -> int:
    """Calls in sequence of one trace of spans: name, parent, service, begin and end."""
    frame = pl.DataFrame([("t", *span) for span in spans], schema=SCHEMA, orient="row")
    return calls_in_sequence(with_callers(frame))["calls"].item()


@pytest.mark.parametrize(
    ("spans", "calls"),
    [
        ([("a", None, "A", 0, 100)], 0),
        ([("a", None, "A", 0, 100), ("b", "a", "A", 10, 20)], 0),
        ([("a", None, "A", 0, 100), ("b", "a", "B", 10, 20), ("c", "a", "C", 30, 90)], 2),
        ([("a", None, "A", 0, 100), ("b", "a", "B", 10, 80), ("c", "a", "C", 30, 90)], 1),
        ([("a", None, "A", 0, 100), ("b", "a", "B", 10, 90), ("c", "b", "C", 20, 80)], 2),
        ([("a", None, "A", 0, 100), ("b", "a", "B", 10, 120)], 1),
        ([("a", None, "A", 0, 100), ("b", "a", "B", 100, 120)], 0),
        ([("a", None, "A", 0, 100), ("b", "x", "B", 10, 120)], 0),
    ],
    ids=["alone", "within", "in-sequence", "side-by-side", "nested", "skewed-clock", "afterwards", "two-roots"],
)
def test_calls_in_sequence_by_hand(spans: list, calls: int) -> None:
    """Calls one after the other and one in another count; calls side by side count once, later ones not at all."""
    assert depth(*spans) == calls


def test_spans_that_cause_one_another_have_no_depth() -> None:
    """A circle of spans ends, and no request begins it."""
    frame = pl.DataFrame([("t", "a", "b", "A", 0, 9), ("t", "b", "a", "B", 1, 8)], schema=SCHEMA, orient="row")

    assert calls_in_sequence(with_callers(frame)).is_empty()


def test_a_path_of_many_thousand_spans_needs_no_recursion() -> None:
    """20,000 spans in one another are 19,999 calls."""
    count = 20_000
    spans = [(str(i), str(i - 1) if i else None, str(i), i, 2 * count - i) for i in range(count)]

    assert depth(*spans) == count - 1


# --- forms ---------------------------------------------------------------------------------------------------------


def jaeger(follows: str = "CHILD_OF") -> dict:
    """A calls B for 2 ms, in Jaeger's form."""
    reference = {"refType": follows, "traceID": "t", "spanID": "a"}
    spans = [
        {"spanID": "a", "startTime": 1000, "duration": 4000, "processID": "p1", "references": []},
        {"spanID": "b", "startTime": 2000, "duration": 2000, "processID": "p2", "references": [reference]},
    ]
    processes = {"p1": {"serviceName": "A"}, "p2": {"serviceName": "B"}}
    return {"data": [{"traceID": "t", "processes": processes, "spans": spans}]}


def otlp(key: str = "resourceSpans", spans: str = "scopeSpans") -> dict:
    """The same in OpenTelemetry's form."""

    def batch(service: str, **span: object) -> dict:
        other = {"key": "x", "value": {"intValue": "1"}}
        attributes = [other, {"key": "service.name", "value": {"stringValue": service}}]
        return {"resource": {"attributes": attributes}, spans: [{"spans": [{"traceId": "t", **span}]}]}

    a = batch("A", spanId="a", startTimeUnixNano="1000000", endTimeUnixNano="5000000", parentSpanId="")
    b = batch("B", spanId="b", startTimeUnixNano=2000000, endTimeUnixNano=4000000, parentSpanId="a")
    return {key: [a, b]}


def zipkin(server: dict) -> list[dict]:
    """The same in Zipkin's form, the call as its two sides tell it."""

    def side(service: str, kind: str, begin: int, duration: int, **ids: object) -> dict:
        place = {"kind": kind, "localEndpoint": {"serviceName": service}}
        return {"traceId": "t", "timestamp": begin, "duration": duration, **place, **ids}

    return [
        side("A", "SERVER", 1000, 4000, id="a"),
        side("A", "CLIENT", 1500, 3000, id="b", parentId="a"),
        side("B", "SERVER", 2000, 2000, **server),
    ]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(jaeger()),
        json.dumps(jaeger()["data"]),
        json.dumps(jaeger()["data"][0]),
        json.dumps(otlp()),
        json.dumps(otlp("batches", "instrumentationLibrarySpans")),
        json.dumps({"trace": otlp()}),
        json.dumps({"result": otlp()}),
        "\n".join(json.dumps({"result": {"resourceSpans": [batch]}}) for batch in otlp()["resourceSpans"]),
        "\n".join(json.dumps({"resourceSpans": [batch]}) for batch in otlp()["resourceSpans"]),
        json.dumps(zipkin({"id": "b", "parentId": "a", "shared": True})),
        json.dumps(zipkin({"id": "c", "parentId": "b"})),
        json.dumps([zipkin({"id": "c", "parentId": "b"})]),
    ],
    ids=[
        "jaeger",
        "list",
        "one",
        "otlp",
        "old",
        "tempo",
        "jaeger-2",
        "jaeger-2-lines",
        "lines",
        "zipkin-shared",
        "zipkin",
        "zipkin-traces",
    ],
)
def test_every_form_tells_the_same_call(content: str, tmp_path: Path) -> None:
    """One call from A to B that takes 2 ms is that in every form."""
    path = tmp_path / "trace"
    path.write_text(content)

    found = read_measurements(path)

    assert found.calls.select("source", "target", "calls", "share", "p50_ms").rows() == [("A", "B", 1, 1.0, 2.0)]
    assert found.calls["requests_per_second"].to_list() == [None]
    assert found.supplied["call_depth"].value == 1


def test_a_span_that_never_ended_has_no_duration(tmp_path: Path) -> None:
    """What was not closed when it was written ends at zero: the call counts, and how long it took is not known."""
    batches = otlp()["resourceSpans"]
    for span in batches[-1]["scopeSpans"][0]["spans"]:
        span["endTimeUnixNano"] = "0"
    path = tmp_path / "trace"
    path.write_text(json.dumps({"resourceSpans": batches}))

    assert read_measurements(path).calls.select("source", "target", "calls", "p50_ms").rows() == [("A", "B", 1, None)]


def test_what_only_follows_is_no_call(tmp_path: Path) -> None:
    """A span that follows from another is waited for by nobody."""
    path = tmp_path / "trace"
    path.write_text(json.dumps(jaeger("FOLLOWS_FROM")))

    assert read_measurements(path).calls.is_empty()


START = b'{"data":[{"traceID":"t","spans":['
TABLE = b"TraceID,SpanID,ParentID,PodName,StartTimeUnixNano,EndTimeUnixNano"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no measurements that are known"),
        (b"\x00\xff\xfe", "known"),
        (START + b"]}]}", "holds no spans"),
        (START + b'{"spanID":"a"', "ends in the middle of JSON"),
        (START + b'{"spanID":"a","startTime":-1}]}]}', r"is not as its kind demands: .*>= 0"),
        (START + b'{"spanID":"a","startTime":99999999999999999999}]}]}', "is not as its kind demands"),
        (START + b'{"spanID":"\xff","startTime":1}]}]}', "is not UTF-8"),
        (b'[{"traceId":1,"id":"a"}]', "is not as its kind demands"),
        (TABLE + b"\nt,a,root,p,x,1\n", ":2: a span lacks its ids or its times"),
        (b"TraceID,SpanID,ParentID\nt,a,root\n", "is no table of spans"),
        (gzip.compress(b'{"data":[]}', mtime=0)[:-9], "damaged, encrypted or cut-off"),
    ],
)
def test_broken_traces_are_refused_in_words(content: bytes, message: str, tmp_path: Path) -> None:
    """What is no trace, or a broken one, is an error that names the file and what is wrong."""
    path = tmp_path / "trace"
    path.write_bytes(content)

    with pytest.raises(MeshlabError, match=message) as refusal:
        read_measurements(path)

    assert refusal.value.problems[0].file.startswith((str(path), path.name))


def test_files_that_are_too_large_are_not_read(tmp_path: Path) -> None:
    """A file of a gigabyte is refused by its size alone."""
    path = tmp_path / "trace"
    with path.open("wb") as stream:
        stream.truncate(2**30)

    with pytest.raises(MeshlabError, match="holds more than 512 MiB"):
        read_measurements(path)


SOUND = {"jaeger": jaeger(), "otlp": otlp(), "zipkin": zipkin({"id": "b", "parentId": "a"})}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_traces_give_measurements_or_an_error(data: st.DataObject) -> None:
    """Bytes changed anywhere give calls or an error in words, never a traceback."""
    kind = data.draw(st.sampled_from(sorted(SOUND)))
    content = bytearray(json.dumps(SOUND[kind]).encode())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MeshlabError):
        read_traces(bytes(content), kind, "mutated")
