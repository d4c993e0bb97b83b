"""Small inputs that once did harm, each with the command and what it ends in: the table of the field cases."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from meshlab.show.charts.canvas import escape

COMMAND = (sys.executable, "-m", "meshlab")
MEMORY_BYTES = 1200 * 2**20


@pytest.fixture(scope="session")
def hostile(shared: Path) -> Path:
    """The folder of hostile inputs."""
    return shared / "field" / "hostile"


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command of ours, ended where it takes longer than anything small may."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


# a child begins with the memory of the process that forks it: a small one between says what the command itself took
MEASURED = """
import pathlib, resource, subprocess, sys
done = subprocess.run(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
pathlib.Path(sys.argv[1]).write_text(f"{used.ru_utime} {used.ru_maxrss}")
sys.exit(done.returncode)
"""


def problems(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a command said was wrong; never a traceback."""
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("meshlab: error: ")]


def test_every_row_of_the_table_has_a_test(hostile: Path) -> None:
    """Inputs and their statuses are those that the tests below are about."""
    with (hostile / "hostile.csv").open(encoding="utf-8", newline="") as stream:
        inputs = [row["input"] for row in csv.DictReader(stream)]
    known = ["sparse.tgz", "sparse.tar", "overlap.zip", "latin.tgz", "fleet-abort", "lab-cwd", "baseline-keyerror"]
    assert inputs == [*known, "baseline-typeerror", "node-link"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("sparse.tgz", "archive bombs"), ("sparse.tar", "archive bombs"), ("overlap.zip", "entries that overlap")],
)
def test_bombs_are_refused_before_they_are_unpacked(name: str, words: str, hostile: Path, tmp_path: Path) -> None:
    """A file of holes and entries that share their bytes cost neither time nor memory."""
    measured = [sys.executable, "-c", MEASURED, str(tmp_path / "used"), *COMMAND, "facts", str(hostile / name)]
    done = subprocess.run(measured, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert words in problems(done)[0]
    seconds, kib = map(float, (tmp_path / "used").read_text().split())
    assert seconds < 10
    assert kib * 1024 < MEMORY_BYTES


@pytest.mark.parametrize(
    "words", [("facts",), ("facts", "--anonymize"), ("audit",), ("review", "--format", "json", "--out", "out")]
)
def test_names_that_are_not_utf_8_are_shown(words: tuple[str, ...], hostile: Path, tmp_path: Path) -> None:
    """A Latin-1 name in a tar is read in every command that reads dumps."""
    done = run(*words, hostile / "latin.tgz", cwd=tmp_path)
    assert (done.returncode, problems(done)) == (0, [])
    if words == ("facts",):
        assert "latin.tgz!b\N{REPLACEMENT CHARACTER}.json" in done.stdout


def test_a_fleet_is_done_in_spite_of_one_team(hostile: Path, tmp_path: Path) -> None:
    """The archive that stopped a fleet is read; one that cannot be read is its team's failure, told in the index."""
    teams = tmp_path / "teams"
    shutil.copytree(hostile / "fleet-abort", teams)
    teams.chmod(0o755)
    (teams / "sparse.tgz").write_bytes((hostile / "sparse.tgz").read_bytes())
    (teams / "worse.yaml").write_text("team: worse\ncluster: sparse.tgz\n", encoding="utf-8")
    done = run("review", teams, "--out", tmp_path / "out", "--format", "json", cwd=tmp_path)
    index = json.loads((tmp_path / "out" / "index.json").read_text(encoding="utf-8"))
    assert done.returncode == 1
    assert [row["team"] for row in index["reviews"]] == ["bad", "t0", "t1", "t2"]
    assert [row["team"] for row in index["failed"]] == ["worse"]
    assert "archive bombs" in index["failed"][0]["reasons"][0]
    assert "archive bombs" in done.stderr


@pytest.mark.parametrize("name", ["baseline-keyerror", "baseline-typeerror"])
def test_a_baseline_of_another_shape_is_refused(name: str, hostile: Path, tmp_path: Path) -> None:
    """The field of the index that is missing or of another type is named, and nothing is written."""
    out = tmp_path / "out"
    done = run("review", hostile / "baseline-team", "--out", out, "--baseline", hostile / name, cwd=tmp_path)
    assert done.returncode == 2
    assert "`$.reviews[0]." in problems(done)[0]
    assert not out.exists()


def test_a_node_named_as_a_link_is_text(hostile: Path, tmp_path: Path) -> None:
    """No string of a chart holds a name as it stands in the dump: plotly would make a link of it."""
    done = run("review", hostile / "node-link", "--out", "out", "--format", "ipynb,html,json,md", cwd=tmp_path)
    assert (done.returncode, problems(done)) == (0, [])
    names = ['<a href="https://evil.example/">OK</a>', "<b>B</b><br>x", "<img src=x onerror=window.__pwn=1>"]
    notebook = json.loads((tmp_path / "out" / "node-link" / "review.ipynb").read_text(encoding="utf-8"))
    charts = [
        text
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        for kind, chart in output.get("data", {}).items()
        if "plotly" in kind
        for text in strings(chart)
    ]
    page = (tmp_path / "out" / "node-link" / "review.html").read_text(encoding="utf-8")
    assert charts
    for name in names:
        assert not [text for text in charts if name in text]
        assert name not in page.partition("<body")[2].replace(json.dumps(escape(name)), "")


def strings(value: object) -> list[str]:
    """Every string in plain data."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.soak
def test_the_lab_runs_none_of_the_folder(hostile: Path, tmp_path: Path) -> None:
    """JupyterLab starts in a folder that holds a module of its name, and that module does not run."""
    shutil.copy(hostile / "lab-cwd" / "jupyterlab.py", tmp_path / "jupyterlab.py")
    log = tmp_path / "log"
    with (
        log.open("wb") as stream,
        subprocess.Popen([*COMMAND, "lab", "--port", "18943"], cwd=tmp_path, stderr=stream) as lab,
    ):
        end = time.monotonic() + 90
        while b"http://127.0.0.1:18943" not in log.read_bytes() and time.monotonic() < end and lab.poll() is None:
            time.sleep(0.2)
        lab.send_signal(2)
        try:
            assert lab.wait(20) == 0
        finally:
            lab.kill()
    assert b"http://127.0.0.1:18943" in log.read_bytes()
    assert b"the folder's own" not in log.read_bytes()
