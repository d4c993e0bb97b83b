"""A team's own measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.evidence.measured import read_measured

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
    """A file of plain scenarios is no file of measurements."""
    path = tmp_path / "own.csv"
    path.write_text("scenario,pods\na,3\n", encoding="utf-8")
    with pytest.raises(MeshlabError, match="column 'dataplane' is missing"):
        read_measured(path)
