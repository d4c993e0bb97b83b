"""Measurements of every kind through the one entry point: what is known, what is refused, and hostile input."""

from __future__ import annotations

import contextlib
import json
import tarfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.cluster.facts import read_facts
from meshlab.cluster.facts.measured import UNKNOWN_KIND, kind_of
from meshlab.cluster.facts.measurements import READERS, read_measurements
from meshlab.errors import MeshlabError
from meshlab.models.evidence.measured import read_measured
from meshlab.tables import read_table

SAMPLES = {
    "fortio": json.dumps(
        {
            "DurationHistogram": {"Percentiles": [{"Percentile": 50, "Value": 0.1}]},
            "ActualQPS": 3,
            "RetCodes": {"200": 4},
        }
    ),
    "oha": '{"summary":{"requestsPerSec":5,"successRate":1.0},"latencyPercentiles":{"p50":0.1}}',
    "wrk": "Running 1s test @ http://a\n  2 threads and 3 connections\n"
    " 50.000%  1.5ms\n  9 requests in 1s\nRequests/sec: 9\n",
    "hey": "Summary:\n  Total:\t1 secs\n  Requests/sec:\t5\n  50% in 0.1 secs\n  [200]\t5 responses\n",
    "benchmark-csv": "Labels,NumThreads,ActualQPS,p50,p90,p99\na_qps_1_c_2_3_x_both,2,1,10,20,30\n",
    "prometheus-series": '[{"metric":{"__name__":"request_total","direction":"outbound","dst_deployment":"a"},'
    '"values":[[0,"1"],[9,"7"]]}]',
    "prometheus-text": '# TYPE request_total counter\nrequest_total{direction="outbound",dst_deployment="a"} 3 1000\n',
    "span-csv": "TraceID,SpanID,ParentID,PodName,StartTimeUnixNano,EndTimeUnixNano\nt,a,root,p,1,9\nt,b,a,q,2,8\n",
}
"""A small sound file of each kind that the tests of traces do not mutate."""


def read(content: bytes) -> object:
    """Measurements of the content, as a file of it would be read."""
    kind = kind_of(content, "sample")
    family = read_table("facts/measurement_kinds").filter(kind=kind)["family"].item()
    return READERS[family](content, kind, "sample")


@pytest.mark.parametrize("kind", SAMPLES)
def test_kinds_are_known_by_content(kind: str) -> None:
    """Each sample is read as its kind, whatever it is named."""
    assert read(SAMPLES[kind].encode()).kind == kind


UNREAD = {
    "k6's points": ('{"type":"Point","data":{"time":"t","value":1},"metric":"http_reqs"}\n' * 2, "--summary-export"),
    "k6's end": ("  http_req_duration..: avg=5ms p(95)=9ms\n", "--summary-export"),
    "vegeta's requests": ('{"attack":"","seq":0,"code":200,"latency":12}\n' * 2, "-type=json"),
    "vegeta's report": ("Requests  [total, rate]  1, 2\nLatencies     [min, mean, 50]  1ms, 2ms, 3ms\n", "-type=json"),
    "ghz's summary": ("\nSummary:\n  Count:\t200\n  Requests/sec:\t9\n", "-O json"),
    "locust's history": ("Timestamp,User Count,Requests/s,50%,99%,Total Request Count\n1,1,1,1,1,1\n", "_stats.csv"),
    "locust's JSON": ('[{"name":"/","num_requests":3,"response_times":{"12":3}}]', "--csv"),
    "hey's requests": ("response-time,DNS+dialup,DNS\n0.1,0.1,0.1\n", "without -o csv"),
    "fortio's text": ("Fortio 1.54.0 running at 8 queries per second\n# target 50% 0.1\n", "-json"),
    "Nighthawk's own": ('{"options":{},"results":[{"name":"global","statistics":[{"count":"1"}]}]}', "fortio"),
    "ApacheBench": ("This is ApacheBench, Version 2.3\n", "fortio, k6 or vegeta"),
    "bombardier": ('{"result":{"req2xx":1,"latency":{"mean":1}}}', "fortio, k6 or vegeta"),
    "JMeter's statistics": ('{"Total":{"sampleCount":9,"pct1ResTime":40.0}}', "fortio, k6 or vegeta"),
    "JMeter's XML": ('<?xml version="1.0"?>\n<testResults version="1.2"></testResults>', "fortio, k6 or vegeta"),
    "an empty search of Jaeger": ('{"data":[],"total":0,"errors":null}', "longer time"),
    "an error of Jaeger": ('{"data":null,"total":0,"errors":[{"code":404,"msg":"not found"}]}', "errors"),
    "VictoriaMetrics": ('{"metric":{"__name__":"up"},"values":[1],"timestamps":[1700000000000]}\n' * 2, "query_range"),
    "X-Ray": ('{"Traces":[{"Id":"1-2-3","Segments":[]}]}', "OTLP traces"),
    "metrics-server": ('{"kind":"PodMetricsList","apiVersion":"m","items":[{"window":"15s","containers":[]}]}', "Prom"),
    "metrics of OTLP": ('{"resourceMetrics":[{"scopeMetrics":[]}]}', "OTLP traces"),
    "a number of Prometheus": ('{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}', "vector"),
    "targets of Prometheus": ('{"status":"success","data":{"activeTargets":[]}}', "/api/v1/query"),
    "a dashboard": ('{"title":"a","panels":[],"schemaVersion":36}', "Prometheus"),
    "flows": ('{"flow":{"verdict":"FORWARDED"},"node_name":"a"}\n' * 2, "traces"),
    "a dump": ('{"apiVersion":"v1","kind":"List","items":[]}', "meshlab facts"),
    "kubectl top": ("POD   CPU(cores)   MEMORY(bytes)\na   3m   50Mi\n", "Prometheus"),
    "a login page": ("<!DOCTYPE html>\n<html></html>", "login"),
}
"""What other tools write that tells nothing of a mesh, and a word of what to give instead."""


@pytest.mark.parametrize("name", UNREAD)
def test_what_tells_nothing_is_called_by_its_name(name: str) -> None:
    """Files of tools that are known and not read are refused with what they are and what to give instead."""
    content, todo = UNREAD[name]
    with pytest.raises(MeshlabError) as refused:
        kind_of(content.encode(), "sample")

    (problem,) = refused.value.problems
    assert todo in problem.todo
    assert problem.what != UNKNOWN_KIND


def test_measurements_that_are_given_as_a_cluster_are_named(tmp_path: Path) -> None:
    """A load test that is given as a dump is told to be one, and where it belongs."""
    for content, what in ((SAMPLES["oha"], "holds oha results, and no cluster"), (UNREAD["ghz's summary"][0], "ghz")):
        path = tmp_path / "given"
        path.write_text(content)
        with pytest.raises(MeshlabError, match=what):
            read_facts([path])


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_mutated_files_give_measurements_or_an_error(data: st.DataObject) -> None:
    """Bytes changed, cut off or doubled anywhere give measurements or an error in words, never a traceback."""
    content = bytearray(SAMPLES[data.draw(st.sampled_from(sorted(SAMPLES)))].encode())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    content = content[:end] if data.draw(st.booleans()) else content + content[end:]
    with contextlib.suppress(MeshlabError):
        read(bytes(content))


def test_evidence_is_what_the_command_takes(fixtures: Path, tmp_path: Path) -> None:
    """The frame of a benchmark, written as CSV, is read back as a team's own measurements."""
    found = read_measurements(fixtures / "loadtest/istio__tools__benchmark.csv")
    path = tmp_path / "measured.csv"
    found.frame.write_csv(path)

    measured = read_measured(path)

    assert measured.height == found.frame.height
    assert measured["value"].to_list() == pytest.approx(found.frame["value"].to_list())
    assert measured.select(pl.col("pods").drop_nulls().unique()).to_series().to_list() == [2]


def test_a_folder_and_an_archive_of_several_are_refused(tmp_path: Path) -> None:
    """One file of measurements is asked for, and the message says what was given instead."""
    for name in ("one.json", "two.json"):
        (tmp_path / name).write_text(SAMPLES["oha"])
    with tarfile.open(tmp_path / "both.tar", "w") as archive:
        archive.add(tmp_path / "one.json", "one.json")
        archive.add(tmp_path / "two.json", "two.json")

    with pytest.raises(MeshlabError, match="is a folder; name the file in it"):
        read_measurements(tmp_path)
    with pytest.raises(MeshlabError, match="holds 2 files"):
        read_measurements(tmp_path / "both.tar")
    with pytest.raises(MeshlabError, match="no such file"):
        read_measurements(tmp_path / "absent")
