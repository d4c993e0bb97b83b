"""A spec: what it says, and how one that is wrong is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from meshlab.errors import MeshlabError
from meshlab.models.overhead import dataplanes
from meshlab.run.cli import main
from meshlab.run.sweep import read_spec
from meshlab.run.sweep.axes import Listed, Spread
from meshlab.run.sweep.spec import outputs

SpecFile = Callable[..., Path]

BAD = """\
sample: {method: latin-hypercub, rows: many, sed: 1}
inputs:
  podz: [1, 2]
  pods: {range: [50000, 50], scale: logg}
  nodes: [0, 5]
  protocol: {range: [1, 2]}
  services: {distribution: lognorm, median: 3}
  connections: {column: conn, of: nowhere.csv}
  l7_traffic_share: {distribution: normal, mean: 30, sd: 0.1}
  requests_per_second: {range: [0, 10], scale: log}
  call_depth: {distribution: triangular, lower: 3, mode: 2, upper: 9}
  node_memory_gib: {scale: log}
  mtls: []
outputs: [memroy_gib]
dataplanes: [istio-sidecars]
aggregates: {by: [nodez], statistics: [median]}
"""


def test_all_that_is_wrong_is_told_at_once_with_line_and_nearest_name(spec_file: SpecFile, tmp_path: Path) -> None:
    """Every mistake of a spec is one line that names its line; nothing is written, and the status is 2."""
    path, out = spec_file(BAD), tmp_path / "out.parquet"
    result = CliRunner().invoke(main, ["sweep", str(path), "--out", str(out)])
    assert (result.exit_code, out.exists()) == (2, False)
    lines = [line.removeprefix("meshlab: error: ") for line in result.stderr.splitlines()]
    told = [line.removeprefix(f"{path}:") for line in lines if line.startswith(f"{path}:")]
    assert [line for line in lines if line.startswith(str(tmp_path / "nowhere.csv"))], "the file that is missing"
    assert told == [
        "1: unknown key 'sed'; did you mean 'seed'?",
        "1: unknown method 'latin-hypercub'; did you mean 'latin-hypercube'?",
        "1: rows is 'many'; give a whole number from 1 to 1,000,000,000,000",
        "3: unknown input 'podz'; did you mean 'pods'?",
        "4: range of pods is ['50000', '50']; give two numbers, the smaller one first",
        "4: unknown scale 'logg'; did you mean 'log'?",
        "5: nodes is '0', out of bounds; give a whole number from 1 to 15000 [count]",
        "6: protocol is no number; give a list: one of tcp, http1, http2, grpc",
        "7: unknown distribution 'lognorm'; did you mean 'lognormal'?",
        "9: the distribution of l7_traffic_share lies outside its bounds; they are 0 to 1",
        "10: the range of requests_per_second begins at zero; a logarithmic one begins above it",
        (
            "11: the distribution of call_depth cannot be made; "
            "a triangular one needs lower, mode, upper, with lower <= mode <= upper"
        ),
        "12: node_memory_gib has neither range nor distribution; give one of them, or a list",
        "13: mtls has no value; give one, a list, a range, a distribution or a column",
        "14: unknown output 'memroy_gib'; did you mean 'memory_gib'?",
        "15: unknown data plane 'istio-sidecars'; did you mean 'istio-sidecar'?",
        "16: unknown swept input 'nodez'; did you mean 'nodes'?",
        "16: unknown statistic 'median'; did you mean 'mean'?",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[1, 2]", "holds no sweep"),
        ("inputs: {pods: [1]}", "'sample' is missing"),
        ("sample: {method: grid}", "'inputs' is missing"),
        ("sample: {method: grid, rows: 3}\ninputs: {pods: [1]}", "a grid has no rows"),
        ("sample: {method: grid}\ninputs:\n  pods: {range: [1, 9]}", "'steps' is missing"),
        ("sample: {method: monte-carlo, rows: 9}\ninputs:\n  pods: {range: [1, 9], steps: 3}", "only a grid has steps"),
        ("sample: {method: monte-carlo}\ninputs: {pods: [1]}", "'rows' is missing"),
        ("sample: {method: grid}\ninputs: {regulated: [true]}", "unknown input 'regulated'"),
        ("sample: {method: grid}\ninputs: {pods: [1]}\noutputs: []", "'outputs' is empty"),
    ],
)
def test_a_spec_that_lacks_something_says_what(spec_file: SpecFile, text: str, what: str) -> None:
    """One mistake each."""
    with pytest.raises(MeshlabError, match=what) as caught:
        read_spec(spec_file(text))
    assert len(caught.value.problems) == 1


def test_a_spec_is_read_as_it_is_written(spec_file: SpecFile) -> None:
    """A list, a range and a distribution; what is not chosen is everything."""
    spec = read_spec(
        spec_file(
            "sample: {method: monte-carlo, rows: 1e3, seed: 5}\n"
            "inputs:\n"
            "  protocol: [grpc, http1]\n"
            "  pods: {range: [10, 1000], scale: log}\n"
            "  requests_per_second: {distribution: normal, mean: 50, sd: 20, between: [10, 90]}\n"
            "  mtls: yes\n"
        )
    )
    assert (spec.method, spec.rows, spec.seed) == ("monte-carlo", 1000, 5)
    assert spec.names == ("protocol", "pods", "requests_per_second", "mtls")
    assert (spec.dataplanes, spec.outputs, spec.aggregates) == (tuple(dataplanes()), outputs(), None)
    protocol, pods, rate, mtls = spec.axes
    assert isinstance(protocol, Listed)
    assert protocol.values["protocol"].to_list() == ["grpc", "http1"]
    assert isinstance(pods, Spread)
    assert isinstance(rate, Spread)
    assert [(axis.lower, axis.upper) for axis in (pods, rate)] == [(10, 1000), (10, 90)]
    assert isinstance(mtls, Listed)
    assert mtls.values["mtls"].to_list() == [True]


def test_columns_of_one_file_are_one_axis(spec_file: SpecFile) -> None:
    """A grid over a file has its rows, not the product of its columns; a missing column names the nearest."""
    spec_file("team,nodes,pods\na,3,30\nb,5,70\n", "teams.csv")
    text = (
        "sample: {{method: grid}}\ninputs:\n  pods: {{column: {0}, of: teams.csv}}\n"
        "  nodes: {{column: nodes, of: teams.csv}}\n  mtls: [true, false]\n"
    )
    spec = read_spec(spec_file(text.format("pods")))
    assert (spec.rows, sorted(spec.names)) == (4, ["mtls", "nodes", "pods"])
    with pytest.raises(MeshlabError, match=r"spec\.yaml:3: teams\.csv has no column 'podz'; did you mean 'pods'"):
        read_spec(spec_file(text.format("podz")))


def test_the_hash_tells_two_sweeps_apart(spec_file: SpecFile) -> None:
    """It changes with the spec and with the content of a file that the spec names, and with nothing else."""
    text = "sample: {method: grid}\ninputs:\n  pods: {column: pods, of: teams.csv}\n"
    spec_file("pods\n1\n", "teams.csv")
    hashes = [read_spec(spec_file(text)).sha256, read_spec(spec_file(f"# a remark\n{text}")).sha256]
    hashes.append(read_spec(spec_file(f"{text}outputs: [memory_gib]\n")).sha256)
    spec_file("pods\n2\n", "teams.csv")
    hashes.append(read_spec(spec_file(text)).sha256)
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
