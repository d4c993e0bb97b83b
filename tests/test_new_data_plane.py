"""A new data plane, from rows of tables and its equations: Kuma, as if it were Linkerd by another name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ROWS = {
    "dataplanes.csv": "kuma,Kuma,star,★,K,#8a6d00,#d9b84a,#777777,pod,kuma\n",
    "evidence/range.csv": "".join(
        f"{row}\n"
        for row in (
            "kuma,l7_traffic_share,0.0,1.0,",
            "kuma,mtls,,,false|true",
            "kuma,payload_bytes,0.0,10000.0,",
            "kuma,pods,0.0,27.0,",
            "kuma,protocol,,,grpc|http1",
            "kuma,rate_per_proxy,0.0,994.6,",
            "kuma,services,0.0,8.0,",
        )
    ),
}
"""Rows that are added to tables, beside its name in those of Linkerd's coefficients."""

CODE = {
    "models/overhead/dataplanes.py": (
        "MODELS: dict[str, Callable[[Coefficients, Cluster], Parts]] = {\n",
        'MODELS: dict[str, Callable[[Coefficients, Cluster], Parts]] = {\n    "kuma": linkerd,\n',
    )
}
"""Places of the code that change."""

TEAM = """\
team: wanderer
scenario: {pods: 480, services: 120, nodes: 12, current_cni: calico, current_mesh: none, kernel_oldest: 5.15.0}
needs: [mtls]
"""

SCENARIO = '[{"scenario": "a", "pods": 480, "services": 120, "nodes": 12}]'

TORNADO = """\
from meshlab.models.sensitivity import tornado
from meshlab.scenario import frame_of
frame = frame_of([{"scenario": "a", "pods": 480, "services": 120, "nodes": 12}])
print(tornado(frame, "kuma", "memory_gib").write_json())
"""


@pytest.fixture(scope="module")
def with_kuma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which Kuma was added."""
    assert len(CODE) <= 4
    copy = tmp_path_factory.mktemp("kuma")
    for name in ("meshlab", "data", "workbooks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file, rows in ROWS.items():
        with (copy / "data" / file).open("a", encoding="utf-8") as stream:
            stream.write(rows)
    coefficients = copy / "data" / "coefficients.csv"
    lines = coefficients.read_text(encoding="utf-8").splitlines(keepends=True)
    cells = [line.split(",", 3) for line in lines]
    named = [[*cell[:2], cell[2].replace("linkerd", "linkerd|kuma"), cell[3]] for cell in cells]
    coefficients.write_text("".join(map(",".join, named)), encoding="utf-8")
    for file, (before, after) in CODE.items():
        code = (copy / "meshlab" / file).read_text(encoding="utf-8")
        assert before in code
        (copy / "meshlab" / file).write_text(code.replace(before, after), encoding="utf-8")
    (copy / "team.yaml").write_text(TEAM, encoding="utf-8")
    (copy / "scenario.json").write_text(SCENARIO, encoding="utf-8")
    return copy


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, which stands before the package that is installed."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def answer(folder: Path, *arguments: str) -> str:
    """What it prints, where all goes well."""
    result = run(folder, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_it_is_estimated(with_kuma: Path) -> None:
    """Its figures are those of Linkerd, whose equations and coefficients it has."""
    rows = json.loads(answer(with_kuma, "-m", "meshlab", "estimate", "scenario.json", "--format", "json"))
    by_name = {row.pop("dataplane"): row for row in rows}
    assert list(by_name) == ["none", "istio-sidecar", "istio-ambient", "cilium", "linkerd", "kuma"]
    assert by_name["kuma"] == by_name["linkerd"]
    assert by_name["kuma"]["memory_gib"] > 0


def test_it_has_drivers(with_kuma: Path) -> None:
    """Inputs and coefficients move its memory, one of what sources differ in among them."""
    rows = json.loads(answer(with_kuma, "-c", TORNADO))
    drivers = {row["driver"]: row["swing"] for row in rows}
    assert drivers["pods"] > 0
    assert drivers["linkerd_base_mib"] > 0
    assert "linkerd_memory_spread" in drivers


def test_it_stands_in_every_chart_and_in_the_report(with_kuma: Path) -> None:
    """Charts of a team list it by its label, and the page of the review shows it in its colour and marker."""
    charts = ("memory", "cpu", "latency", "cost", "curve-memory", "path")
    answer(with_kuma, "-m", "meshlab", "chart", *charts, "--team", "team.yaml", "--out", "{chart}.json")
    for chart in charts:
        assert "Kuma" in (with_kuma / f"{chart}.json").read_text(encoding="utf-8"), chart
    answer(with_kuma, "-m", "meshlab", "review", "team.yaml", "--out", "reports", "--format", "html,json")
    page = (with_kuma / "reports" / "wanderer" / "review.html").read_text(encoding="utf-8")
    assert "<td>Kuma</td>" in page
    assert "#8a6d00" in page
    review = json.loads((with_kuma / "reports" / "wanderer" / "review.json").read_text(encoding="utf-8"))
    assert "kuma" in {row["dataplane"] for row in review["estimates"]}


@pytest.mark.parametrize(
    ("table", "before", "after", "told"),
    [
        ("dataplanes.csv", "kuma,Kuma,", "kuma,,", "column 'label' is empty but required"),
        ("evidence/range.csv", "kuma,pods,0.0,27.0,\n", "", "kuma has no range of pods"),
    ],
)
def test_without_one_cell_or_row_nothing_is_drawn(
    with_kuma: Path, table: str, before: str, after: str, told: str
) -> None:
    """With a label or a row of a table missing every command says which, and writes nothing."""
    file = with_kuma / "data" / table
    whole = file.read_text(encoding="utf-8")
    assert before in whole
    file.write_text(whole.replace(before, after), encoding="utf-8")
    try:
        for command in (
            ("estimate", "scenario.json", "--out", "refused.csv"),
            ("chart", "memory", "--team", "team.yaml", "--out", "refused.md"),
        ):
            result = run(with_kuma, "-m", "meshlab", *command)
            assert result.returncode == 2, result.stderr
            assert told in result.stderr
            assert "Traceback" not in result.stderr
        assert not list(with_kuma.glob("refused.*"))
    finally:
        file.write_text(whole, encoding="utf-8")
