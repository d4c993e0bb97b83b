"""A team's own measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.models.evidence.measured import read_measured

HEADER = "scenario,pods,dataplane,metric,value,unit\n"


def write(path: Path, rows: str) -> Path:
    """A file of measurements."""
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def test_a_scenario_may_stand_in_several_rows(tmp_path: Path) -> None:
    """Two metrics of one cluster are two rows with one name."""
    path = write(tmp_path / "own.csv", "a,100,linkerd,memory_gib,1.5,GiB\na,100,linkerd,cpu_cores,2,\n")
    frame = read_measured(path)
    assert frame["kind"].to_list() == ["memory", "cpu"]
    assert frame["value"].to_list() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,100,linkerd,memory,1,", "row 1: metric 'memory'; did you mean 'memory_gib'?"),
        ("a,100,linkerd,memory_gib,1,MB", "row 1: unit 'MB' is not that of memory_gib; convert the value to GiB"),
        ("a,100,istio,memory_gib,1,", "row 1: dataplane 'istio'; did you mean 'istio-sidecar'?"),
        ("a,100,linkerd,memory_gib,-1,", "row 1: value '-1'; give a number greater than zero"),
        ("a,100,linkerd,memory_gib,lots,", "row 1: value 'lots'; give a number greater than zero"),
        ("a,-5,linkerd,memory_gib,1,", "pods is '-5', out of bounds"),
        ("a,100,none,memory_gib,1,", "row 1: dataplane 'none'"),
    ],
)
def test_a_wrong_row_is_named(row: str, message: str, tmp_path: Path) -> None:
    """A wrong metric, unit, data plane or value names its row and its line."""
    path = write(tmp_path / "own.csv", row + "\n")
    with pytest.raises(MeshlabError) as error:
        read_measured(path)
    assert f"own.csv:2: {message}" in str(error.value)


def test_all_problems_come_together(tmp_path: Path) -> None:
    """Two wrong rows are two problems of one error."""
    path = write(tmp_path / "own.csv", "a,100,linkerd,memory,1,\nb,100,linkerd,cpu_cores,0,\n")
    with pytest.raises(MeshlabError) as error:
        read_measured(path)
    assert len(error.value.problems) == 2


def test_a_file_without_metric_says_what_is_missing(tmp_path: Path) -> None:
    """Neither a file of measurements that lacks a column is one, nor a file of plain scenarios, which is called so."""
    path = tmp_path / "own.csv"
    path.write_text("scenario,pods,dataplane,value\na,3,linkerd,4\n", encoding="utf-8")
    with pytest.raises(MeshlabError, match="column 'metric' is missing"):
        read_measured(path)
    path.write_text("scenario,pods\na,3\n", encoding="utf-8")
    with pytest.raises(MeshlabError, match="holds scenarios; give them to meshlab estimate"):
        read_measured(path)


def wrk2(path: Path, milliseconds: float) -> Path:
    """What wrk2 prints of a steady load."""
    levels = "\n".join(f" {level}%  {milliseconds * factor:.2f}ms" for level, factor in LEVELS.items())
    path.write_text(
        "Running 30s test @ http://127.0.0.1:8080/\n  2 threads and 16 connections\n"
        f"  Latency Distribution (HdrHistogram - Recorded Latency)\n{levels}\n"
        "  30000 requests in 30.00s, 3.00MB read\nRequests/sec:   1000.00\n"
    )
    return path


LEVELS = {"50.000": 1.0, "90.000": 2.0, "99.000": 4.0}


@pytest.mark.parametrize(
    ("content", "what"),
    [("This is ApacheBench, Version 2.3\n", "ApacheBench prints"), ('{"result":{"req2xx":1}}', "result of bombardier")],
)
def test_what_another_tool_wrote_is_refused_by_its_name(content: str, what: str, tmp_path: Path) -> None:
    """A file of a tool that is known and not read is no table of scenarios with a column too few."""
    path = tmp_path / "result.txt"
    path.write_text(content)

    with pytest.raises(MeshlabError, match=what):
        read_measured(path)


def test_a_load_test_before_and_after_is_a_measurement(tmp_path: Path) -> None:
    """What a data plane adds is the load test with it less the one without, as rows of the models' metrics."""
    before, after = wrk2(tmp_path / "before.txt", 1.0), wrk2(tmp_path / "after.txt", 3.0)
    frame = read_measured(after, before, "istio-ambient")

    assert dict(frame.select("metric", "value").iter_rows()) == pytest.approx(
        {"added_p50_ms": 2.0, "added_p90_ms": 4.0, "added_p99_ms": 8.0}
    )
    assert set(frame["dataplane"]) == {"istio-ambient"}
    assert set(frame["kind"]) == {"latency"}


def test_a_table_of_a_tool_is_read_as_it_is(fixtures: Path) -> None:
    """The table of Istio's benchmark gives measurements without being rewritten."""
    frame = read_measured(fixtures / "loadtest" / "istio__tools__benchmark.csv")

    assert set(frame["metric"]) >= {"added_p50_ms", "added_p99_ms"}
    assert (frame["value"] > 0).all()


def test_a_load_test_alone_asks_for_the_one_before(tmp_path: Path) -> None:
    """A load test without its counterpart tells nothing of what a data plane adds, and the message asks for it."""
    with pytest.raises(MeshlabError, match=r"tells nothing of what a data plane adds.*--before FILE and --dataplane"):
        read_measured(wrk2(tmp_path / "after.txt", 3.0))


def test_before_needs_the_data_plane(tmp_path: Path) -> None:
    """Of two load tests the data plane has to be told."""
    before, after = wrk2(tmp_path / "before.txt", 1.0), wrk2(tmp_path / "after.txt", 3.0)
    with pytest.raises(MeshlabError, match="--before FILE and --dataplane NAME"):
        read_measured(after, before)
    with pytest.raises(MeshlabError, match="did you mean 'istio-ambient'"):
        read_measured(after, before, "ambient")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A file that is not there is a mistake of the caller, not of meshlab."""
    with pytest.raises(MeshlabError, match="no such file; check the path"):
        read_measured(tmp_path / "ours.csv")
