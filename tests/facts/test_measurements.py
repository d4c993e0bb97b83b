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

from meshlab.cluster.facts.measured import kind_of
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
