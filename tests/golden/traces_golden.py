"""Calls in real traces, found a second way: plain recursion over dictionaries, none of meshlab's code.

``python tests/golden/traces_golden.py FOLDER`` writes ``traces.csv`` beside this file. Beside the calls
on the critical path stands the longest run of calls in sequence: no path that decides the time can hold more.
"""

from __future__ import annotations

import csv
import gzip
import json
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.setrecursionlimit(10_000)

Span = tuple[str, str, str | None, str, int, int]
"""Trace, span, parent, service, begin and end. [ns]"""

Spans = dict[tuple[str, str], Span]
Children = dict[tuple[str, str | None], list[tuple[str, str]]]


def jaeger(path: Path) -> Iterator[Span]:
    """Spans of Jaeger's JSON, packed or not."""
    content = path.read_bytes()
    for trace in json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)["data"]:
        for s in trace["spans"]:
            parent = next((r["spanID"] for r in s["references"] if r["refType"] == "CHILD_OF"), None)
            process = s.get("process") or trace["processes"][s["processID"]]
            start = s["startTime"] * 1000
            yield trace["traceID"], s["spanID"], parent, process["serviceName"], start, start + s["duration"] * 1000


def zipkin_v1(path: Path) -> Iterator[Span]:
    """In this file every span was reported by both sides; who serves it is the service of its sr annotation."""
    for s in json.loads(path.read_text()):
        at = {a["value"]: a for a in s["annotations"]}
        first, last = at.get("cs", at["sr"]), at.get("cr", at["ss"])
        served = at["sr"]["endpoint"]["serviceName"]
        yield s["traceId"], s["id"], s.get("parentId"), served, first["timestamp"] * 1000, last["timestamp"] * 1000


def otlp(path: Path) -> Iterator[Span]:
    """Spans of Tempo's batches."""
    for batch in json.loads(path.read_text())["batches"]:
        names = {a["key"]: a["value"].get("stringValue") for a in batch["resource"]["attributes"]}
        for scope in batch["scopeSpans"]:
            for s in scope["spans"]:
                times = int(s["startTimeUnixNano"]), int(s["endTimeUnixNano"])
                yield s["traceId"], s["spanId"], s.get("parentSpanId"), names["service.name"], *times


def table(path: Path) -> Iterator[Span]:
    """Spans of a table; the pod's name without its last two parts is the service."""
    with path.open(newline="") as stream:
        for r in csv.DictReader(stream):
            service = r["PodName"].rsplit("-", 2)[0]
            parent = None if r["ParentID"] == "root" else r["ParentID"]
            yield r["TraceID"], r["SpanID"], parent, service, int(r["StartTimeUnixNano"]), int(r["EndTimeUnixNano"])


FILES = {
    "FudanSELab__train-ticket__trainticket_zipkin_case1.json": zipkin_v1,
    "HolmesGPT__holmesgpt__trace_data.input.json": otlp,
    "IntelligentDDS__Nezha__2022-08-22_05_20_trace.csv": table,
    "UWNetworksLab__meshinsight__CRISP_example1_trace.json": jaeger,
    "delimitrou__DeathStarBench__socialNetwork_traces.json.gz": jaeger,
}


def longest(span: tuple[str, str], spans: Spans, children: Children) -> int:
    """Most calls in sequence below a span: the best choice of children of which each ends before the next begins."""
    best = [(float("-inf"), 0)]  # end of the last chosen child, calls so far
    for child in sorted(children[span], key=lambda c: spans[c][5]):
        calls = longest(child, spans, children) + (spans[child][3] != spans[span][3])
        before = max(n for end, n in best if end <= spans[child][4])
        best.append((spans[child][5], max(before + calls, best[-1][1])))
    return best[-1][1]


def critical(span: tuple[str, str], end: int, spans: Spans, children: Children) -> int:
    """Calls on the path that decides when a span ends: what ended last before each moment, from the end backwards."""
    calls, moment = 0, end
    while True:
        ended = [c for c in children[span] if min(spans[c][5], end) <= moment and spans[c][4] < moment]
        if not ended:
            return calls
        last = max(ended, key=lambda c: spans[c][5])
        calls += critical(last, min(spans[last][5], end), spans, children) + (spans[last][3] != spans[span][3])
        moment = spans[last][4]


def main(folder: Path) -> None:
    """Write the table for the files in the folder."""
    rows = []
    for name, reader in FILES.items():
        spans = {s[:2]: s for s in reader(folder / name)}
        children = defaultdict(list)
        for s in spans.values():
            children[(s[0], s[2])].append(s[:2])
        pairs = Counter(
            (spans[(s[0], s[2])][3], s[3])
            for s in spans.values()
            if (s[0], s[2]) in spans and spans[(s[0], s[2])][3] != s[3]
        )
        roots = [s[:2] for s in spans.values() if (s[0], s[2]) not in spans]
        depths = [longest(root, spans, children) for root in roots]
        paths = [critical(root, spans[root][5], spans, children) for root in roots]
        seconds = (max(s[5] for s in spans.values()) - min(s[4] for s in spans.values())) / 1e9
        for what, value in (
            ("traces", len({s[0] for s in spans.values()})),
            ("calls", pairs.total()),
            ("pairs", len(pairs)),
            ("median_longest_sequence", statistics.median(depths)),
            ("median_on_critical_path", statistics.median(paths)),
            ("most_on_critical_path", max(paths)),
            ("seconds", seconds),
        ):
            rows.append((name, what, value))
        rows += [(name, f"{source}>{target}", calls) for (source, target), calls in sorted(pairs.items())]
    with Path(__file__).with_name("traces.csv").open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("file", "what", "value"), *rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
