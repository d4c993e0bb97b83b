"""Load tests: Istio's own benchmark against awk, and reports of each tool by hand."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from meshlab.cluster.facts.load_tests import read_runs
from meshlab.cluster.facts.measurements import Measurements, compare_load_tests, read_measurements
from meshlab.errors import MeshlabError

BENCHMARK = "loadtest/istio__tools__benchmark.csv"

AWK = {
    "added_p50_ms": 32.434,
    "added_p90_ms": 44.526,
    "added_p99_ms": 56.734,
    "data_plane_cpu_cores": 29.6855,
    "data_plane_memory_gib": 14.0059,
}
"""Sums over the benchmark's runs with sidecars, by tests/golden/benchmark_sums.sh."""

WRK2 = """Running 30s test @ http://127.0.0.1:8080/index.html
  2 threads and 100 connections
  Thread calibration: mean lat.: 10087 usec, rate sampling interval: 22 msec
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     6.60ms    1.92ms  12.50ms   68.46%
    Req/Sec     1.04k     1.08k    2.50k    72.79%
  Latency Distribution (HdrHistogram - Recorded Latency)
 50.000%  {p50}
 75.000%    7.50ms
 90.000%    9.00ms
 99.000%   12.00ms
 99.900%   12.54ms
100.000%   12.54ms

  Latency Distribution (HdrHistogram - Uncorrected Latency)
 50.000%    1.00us
  60018 requests in 30.00s, 19.81MB read
{errors}Requests/sec:   2000.28
Transfer/sec:    676.18KB
"""

WRK = """Running 30s test @ http://127.0.0.1:8080/index.html
  12 threads and 400 connections
  Latency Distribution
     50%  250.00us
     75%  491.00us
     90%  700.00us
     99%    5.80ms
  22464657 requests in 30.00s, 17.76GB read
Requests/sec: 748868.53
"""

HEY = """
Summary:
  Total:\t2.0000 secs
  Average:\t0.0200 secs
  Requests/sec:\t100.0000

Latency distribution:
  10% in 0.0100 secs
  50%% in 0.0200 secs
  90% in 0.0300 secs
  95% in 0.0350 secs
  99% in 0.0400 secs

Status code distribution:
  [200]\t190 responses
  [503]\t8 responses

Error distribution:
  [2]\tGet http://127.0.0.1: context deadline exceeded
"""


def fortio(p50: float = 0.002, qps: float = 999.9, **more: object) -> str:
    """A result of fortio; it tells seconds."""
    levels = ((50, p50), (90, 0.004), (99, 0.008), (99.9, 0.02))
    percentiles = [{"Percentile": level, "Value": value} for level, value in levels]
    result = {
        "RunType": "HTTP",
        "Labels": "web",
        "RequestedQPS": "1000",
        "ActualQPS": qps,
        "NumThreads": 16,
        "DurationHistogram": {"Count": 100, "Percentiles": percentiles},
        "RetCodes": {"200": 100},
    }
    return json.dumps(result | more)


OHA = json.dumps(
    {
        "summary": {"successRate": 0.75, "total": 10.0, "requestsPerSec": 500.0},
        "latencyPercentiles": {"p10": 0.001, "p50": 0.002, "p90": 0.003, "p95": 0.0035, "p99": 0.005, "p99.9": None},
    }
)


NIGHTHAWK = fortio(RetCodes={"200": "90", "503": "10"}, NumThreads="16")
"""Nighthawk writes 64-bit numbers as text, as Protobuf's JSON has it."""

TREND = {"avg": 2.5, "min": 1.0, "med": 2.0, "max": 9.0, "p(90)": 3.0, "p(95)": 3.5, "p(99)": 5.0}
K6_EXPORT = json.dumps(
    {
        "metrics": {
            "http_req_duration": TREND,
            "http_reqs": {"count": 5000, "rate": 500.0},
            "http_req_failed": {"passes": 250, "fails": 4750, "value": 0.05},
            "vus_max": {"value": 20, "min": 20, "max": 20},
            "checks": {"passes": 1, "fails": 0, "value": 1},
        },
        "root_group": {"name": "", "checks": {}},
    }
)
K6_SUMMARY = json.dumps(
    {
        "options": {"summaryTrendStats": ["med"]},
        "metrics": {
            "http_req_duration": {"type": "trend", "contains": "time", "values": TREND},
            "http_reqs": {"type": "counter", "values": {"count": 5000, "rate": 500.0}},
            "http_req_failed": {"type": "rate", "values": {"rate": 0.0, "passes": 0, "fails": 5000}},
        },
    }
)
K6_MACHINE = json.dumps(
    {
        "version": "1.0.0",
        "metadata": {"k6Version": "1.5.0"},
        "results": {
            "metrics": [{"name": name, "type": "trend", **of} for name, of in json.loads(K6_SUMMARY)["metrics"].items()]
        },
    }
)
K6_GRPC = json.dumps({"metrics": {"grpc_req_duration": TREND, "iterations": {"count": 5000, "rate": 500.0}}})
VEGETA = json.dumps(
    {
        "latencies": {"total": 9e12, "mean": 2e6, "50th": 2e6, "90th": 3e6, "95th": 3.5e6, "99th": 5e6, "max": 9e6},
        "rate": 500.0,
        "throughput": 475.0,
        "success": 0.95,
        "status_codes": {"200": 4750, "503": 250},
    }
)
GHZ = json.dumps(
    {
        "count": 5000,
        "rps": 500.0,
        "options": {"call": "a.B.C", "concurrency": 20, "metadata": {"authorization": "secret"}},
        "latencyDistribution": [
            {"percentage": level, "latency": nanoseconds}
            for level, nanoseconds in ((10, 1e6), (50, 2e6), (90, 3e6), (95, 3.5e6), (99, 5e6))
        ],
        "statusCodeDistribution": {"OK": 4750, "Unavailable": 250},
    }
)
LOCUST = """Type,Name,Request Count,Failure Count,Median Response Time,Requests/s,Failures/s,50%,75%,90%,95%,99%,100%
GET,/a,4000,0,1,400.0,0,1,1,2,2,2,9
,Aggregated,5000,250,2,500.0,25,2,2.5,3,3.5,5,9
"""


def read(tmp_path: Path, content: str, name: str = "result") -> Measurements:
    """Measurements from a file of that content."""
    return read_measurements(saved(tmp_path, content, name))


def saved(tmp_path: Path, content: str, name: str) -> Path:
    """A file of that content."""
    path = tmp_path / name
    path.write_text(content)
    return path


def test_istios_benchmark_gives_what_awk_finds(fixtures: Path) -> None:
    """24 of 58 runs with sidecars have a run at the same load that passes none; sums are those of awk."""
    found = read_measurements(fixtures / BENCHMARK)

    sums = dict(found.frame.group_by("metric").agg(pl.col("value").sum()).iter_rows())
    assert sums == pytest.approx(AWK, rel=1e-5)
    counts = dict(found.frame.group_by("metric").len().iter_rows())
    assert counts == {metric: 24 if metric.startswith("added") else 58 for metric in AWK}
    assert found.notes == ("34 of 58 runs with a mesh stand alone: no run without one has the same load",)


def test_one_run_of_the_benchmark_by_hand(fixtures: Path) -> None:
    """At 1000/s and 16 connections the median is 1.444 ms with sidecars, 0.359 and 0.316 ms in two runs past them."""
    frame = read_measurements(fixtures / BENCHMARK).frame

    run = frame.filter(scenario="ccdf912e_qps_1000_c_16_1024_none_mtls_both", metric="added_p50_ms").row(0, named=True)

    assert run["value"] == pytest.approx(1.444 - (0.359 + 0.316) / 2)
    known = ("requests_per_second", "connections", "payload_bytes", "pods", "call_depth", "dataplane", "unit")
    assert [run[name] for name in known] == [1000.0, 16, 1024, 2, 1, "istio-sidecar", "ms"]


@pytest.mark.parametrize(
    ("content", "kind", "rate", "p50", "p90", "p95", "p99"),
    [
        (fortio(), "fortio", 999.9, 2.0, 4.0, None, 8.0),
        (OHA, "oha", 500.0, 2.0, 3.0, 3.5, 5.0),
        (WRK2.format(p50="6.67ms", errors=""), "wrk", 2000.28, 6.67, 9.0, None, 12.0),
        (WRK, "wrk", 748868.53, 0.25, 0.7, None, 5.8),
        (HEY, "hey", 100.0, 20.0, 30.0, 35.0, 40.0),
        (NIGHTHAWK, "fortio", 999.9, 2.0, 4.0, None, 8.0),
        (K6_EXPORT, "k6", 500.0, 2.0, 3.0, 3.5, 5.0),
        (K6_SUMMARY, "k6", 500.0, 2.0, 3.0, 3.5, 5.0),
        (K6_MACHINE, "k6", 500.0, 2.0, 3.0, 3.5, 5.0),
        (K6_GRPC, "k6", None, 2.0, 3.0, 3.5, 5.0),
        (VEGETA, "vegeta", 500.0, 2.0, 3.0, 3.5, 5.0),
        (GHZ, "ghz", 500.0, 2.0, 3.0, 3.5, 5.0),
        (LOCUST, "locust-csv", 500.0, 2.0, 3.0, 3.5, 5.0),
    ],
    ids=(
        *("fortio", "oha", "wrk2", "wrk", "hey", "nighthawk", "k6-export", "k6-summary", "k6-machine", "k6-grpc"),
        *("vegeta", "ghz", "locust"),
    ),
)
def test_each_tools_report_is_read_in_milliseconds(
    content: str, kind: str, rate: float | None, p50: float, p90: float, p95: float | None, p99: float, tmp_path: Path
) -> None:
    """Rate and percentiles of a run are those of its report, in 1/s and ms; one that it lacks is absent."""
    found = read(tmp_path, content)

    figures = {"throughput": rate, "latency_p50": p50, "latency_p90": p90, "latency_p95": p95, "latency_p99": p99}
    assert found.kind == kind
    assert dict(found.figures.select("metric", "value").iter_rows()) == pytest.approx(
        {metric: value for metric, value in figures.items() if value is not None}
    )
    assert found.frame.is_empty()


@pytest.mark.parametrize("of", ["GRPC Ping", "GRPC Health for 'x'", "Custom GRPC Method a.B/C and Payload {}"])
def test_fortios_runs_of_grpc_are_known_by_their_type(of: str) -> None:
    """Every way in which fortio calls gRPC gives that protocol, and other runs give none."""
    runs = [read_runs(fortio(RunType=kind).encode(), "fortio", "f")["protocol"].item() for kind in (of, "HTTP")]

    assert runs == ["grpc", None]


@pytest.mark.parametrize(
    ("content", "failing"),
    [
        (fortio(RetCodes={"200": 90, "503": 10}), True),
        (fortio(RetCodes={"SERVING": 100}, RunType="GRPC Ping"), False),
        (OHA, True),
        (HEY, True),
        (WRK2.format(p50="6.67ms", errors="  Socket errors: connect 0, read 0, write 0, timeout 601\n"), True),
        (WRK2.format(p50="6.67ms", errors="  Non-2xx or 3xx responses: 6000\n"), True),
        (WRK, False),
        (NIGHTHAWK, True),
        (K6_EXPORT, True),
        (K6_SUMMARY, False),
        (VEGETA, True),
        (GHZ, True),
        (LOCUST, True),
    ],
)
def test_runs_with_failures_say_so(content: str, failing: bool, tmp_path: Path) -> None:
    """More than one request in a hundred that fails is noted."""
    notes = read(tmp_path, content).notes

    assert any("of requests fail" in note for note in notes) == failing


def test_a_run_before_and_one_after_give_what_is_added(tmp_path: Path) -> None:
    """2 ms before and 3.25 ms after are 1.25 ms that the mesh adds at the median; equal percentiles are noise."""
    before, after = saved(tmp_path, fortio(), "before"), saved(tmp_path, fortio(0.00325, 1010.0), "after")

    found = compare_load_tests(before, after, "linkerd", {"pods": 2, "mtls": True})

    row = found.frame.row(0, named=True)
    assert found.frame.height == 1
    assert (row["dataplane"], row["metric"], row["unit"]) == ("linkerd", "added_p50_ms", "ms")
    assert row["value"] == pytest.approx(1.25)
    known = ("requests_per_second", "connections", "pods", "mtls", "call_depth")
    assert [row[name] for name in known] == [1010.0, 16, 2, True, 1]
    assert found.notes == ("2 percentiles are no higher with the mesh than without: what it adds is lost in the noise",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (fortio(qps=2000.0), fortio(0.003)),
        (fortio(NumThreads=4), fortio(0.003)),
        (fortio(RetCodes={"500": 100}), fortio(0.003)),
        (fortio(), fortio()),
    ],
    ids=["rate", "connections", "failures", "noise"],
)
def test_runs_that_cannot_be_compared_are_an_error(before: str, after: str, tmp_path: Path) -> None:
    """Another rate, other connections, failures, or no difference at all: nothing follows, and the message says so."""
    paths = saved(tmp_path, before, "before"), saved(tmp_path, after, "after")

    with pytest.raises(MeshlabError, match=r"tells nothing of what linkerd adds: .*; repeat both at one fixed rate"):
        compare_load_tests(*paths, "linkerd")


def test_wrong_calls_of_a_comparison_are_told(tmp_path: Path, fixtures: Path) -> None:
    """An unknown data plane, an unknown input, and a file of traces in place of a load test are named."""
    run = saved(tmp_path, fortio(), "run")
    with pytest.raises(MeshlabError, match="'istio' is unknown; did you mean 'istio-"):
        compare_load_tests(run, run, "istio")
    with pytest.raises(MeshlabError, match="'pod' is no input; did you mean 'pods'"):
        compare_load_tests(run, run, "linkerd", {"pod": 2})
    with pytest.raises(MeshlabError, match="holds Jaeger traces; give one of: fortio"):
        compare_load_tests(run, fixtures / "traces/UWNetworksLab__meshinsight__CRISP_example1_trace.json", "linkerd")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (fortio(DurationHistogram={"Percentiles": None}), "no percentiles of latency; run fortio with -p"),
        (fortio(ActualQPS="fast"), "is not as its kind demands"),
        (fortio(NumThreads=2**70), "is not as its kind demands"),
        (json.dumps({"metrics": {"http_req_duration": {}}}), "set summaryTrendStats"),
        (json.dumps({"latencies": {"50th": -1}, "rate": 1}), "is not as its kind demands"),
        ("Running 30s test @ http://127.0.0.1\n  1 threads and 1 connections\n", "run wrk with --latency"),
        ("Labels,ActualQPS,p50\n", "is not as its kind demands"),
        ("Labels,ActualQPS,p50\na,1,2\n", "is not as its kind demands"),
    ],
)
def test_reports_without_latency_are_refused(content: str, message: str, tmp_path: Path) -> None:
    """A report without percentiles or with values of another kind is an error that says what to do."""
    with pytest.raises(MeshlabError, match=message):
        read(tmp_path, content)
