"""Somebody without a checkout: installs the wheel by its name and follows the pages, line by line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import stranger as strangers
from stranger import ROOT, Stranger, blocks, desk, named_file

PAGES = ROOT / "docs"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("stranger") / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def stranger(wheel: Path) -> Stranger:
    """An environment with the base alone."""
    return strangers.installed(wheel, wheel.parents[1] / "base")


@pytest.fixture(scope="module")
def equipped(wheel: Path) -> Stranger:
    """An environment with the extras that open workbooks."""
    return strangers.installed(wheel, wheel.parents[1] / "equipped", "lab", "app")


def stated(installation: str) -> tuple[float, float]:
    """Size and bound of an installation as docs/install.md states them. [MB]"""
    text = (PAGES / "install.md").read_text(encoding="utf-8")
    found = re.search(rf"(?m)^\| {re.escape(installation)} \| (\d+) \| (\d+) \|$", text)
    assert found, installation
    return float(found[1]), float(found[2])


def test_the_base_is_as_small_as_its_page_says(stranger: Stranger) -> None:
    """The base takes what docs/install.md says, within a tenth, and less than the bound; no extra has come along."""
    size, bound = stated("base")
    assert stranger.size_mb() == pytest.approx(size, rel=0.1)
    assert stranger.size_mb() < bound
    assert not {"scipy", "jupyterlab", "voila", "distributed"} & {path.name for path in stranger.packages.iterdir()}


def test_the_doctor_tells_a_base_what_it_lacks(stranger: Stranger, tmp_path: Path) -> None:
    """In a base installation the base is whole, and each extra is missing with the line that installs it."""
    told = stranger.run("meshlab doctor --format json", tmp_path)
    assert told.returncode == 0, told.stderr
    rows = {row["part"]: row for row in json.loads(told.stdout)}
    assert (rows["base"]["state"], rows["meshlab"]["version"]) == ("ok", stranger.wheel.name.split("-")[1])
    for extra in ("lab", "app", "pdf", "sweep", "dask"):
        assert (rows[extra]["state"], rows[extra]["version"]) == ("missing", None)
        assert rows[extra]["todo"] == f"run: pip install 'meshlab[{extra}]'"


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("lab", "lab"),
        ("app", "app"),
        ("review --format pdf", "pdf"),
        ("review --scheduler tcp://127.0.0.1:1", "dask"),
        ("sweep s.yaml -o s", "sweep"),
    ],
)
def test_what_an_extra_brings_is_asked_for_by_its_name(
    stranger: Stranger, command: str, extra: str, tmp_path: Path
) -> None:
    """A command whose extra is missing says on one line what to install, and writes nothing."""
    spec = "inputs: {pods: {distribution: lognormal, median: 9, p90: 99}}\n"
    (tmp_path / "s.yaml").write_text(f"sample: {{method: monte-carlo, rows: 8, seed: 1}}\n{spec}", encoding="utf-8")
    told = stranger.run(f"meshlab {command}", tmp_path)
    assert told.returncode == 2
    (line,) = told.stderr.splitlines()
    assert line.endswith(f"is not installed; run: pip install 'meshlab[{extra}]'")
    assert [path.name for path in tmp_path.iterdir()] == ["s.yaml"]


def test_the_tutorial_works_line_by_line(stranger: Stranger, tmp_path: Path) -> None:
    """Every command of the tutorial succeeds in order, and what it says that there is then is there."""
    folder = desk(tmp_path)
    for number, (_, code) in enumerate(blocks(PAGES / "tutorial.md", "console")):
        done = stranger.run(code, folder)
        assert done.returncode == 0, f"block {number}\n{code}\n{done.stdout}\n{done.stderr}"
    text = (PAGES / "tutorial.md").read_text(encoding="utf-8")
    written = set(re.findall(r"`((?:reports|decisions)/[^`]+)`", text))
    assert {"reports/prod/review.html", "decisions/payments/review.adr.md"} <= written
    assert [name for name in sorted(written) if not (folder / name).is_file()] == []
    review = json.loads((folder / "reports" / "prod" / "review.json").read_text(encoding="utf-8"))
    assert set(review["verdict"]["unknown"]) == {"needs", "cni_healthy"}
    assert "not enough is known" in review["verdict"]["sentence"].lower()
    record = (folder / "decisions" / "payments" / "review.adr.md").read_text(encoding="utf-8")
    assert record.startswith("---\nstatus: proposed\ndate:\ndecision-makers:\n---\n")
    assert "![Memory that each data plane adds" in (folder / "design.md").read_text(encoding="utf-8")


FILES = {
    "prod.json": "kubectl get pods -o json > prod.json",
    "staging.json": "kubectl get pods -o json > staging.json",
    "scenarios.csv": "printf 'scenario,nodes,pods,requests_per_second\\nprod,50,1500,42000\\n' > scenarios.csv",
    "ours.csv": "printf 'scenario,pods,dataplane,metric,value\\nprod,100,linkerd,memory_gib,1.5\\n' > ours.csv",
    "values.yaml": "printf 'encryption: {enabled: true, type: wireguard}\\n' > values.yaml",
    "prom.json": 'printf \'{"status": "success", "data": {"resultType": "vector", "result": []}}\' > prom.json',
}
"""Files that pages take for granted, and how this desk comes by them."""


@pytest.mark.parametrize("page", ["batch", "reference"])
def test_the_pages_work_line_by_line(stranger: Stranger, page: str, tmp_path: Path) -> None:
    """Each command of a page that needs no other machine succeeds; audit alone may say that it found something."""
    folder = desk(tmp_path)
    assert stranger.run("\n".join(FILES.values()), folder).returncode == 0
    (folder / "teams").mkdir()
    for _, code in blocks(PAGES / "batch.md", "yaml"):
        file = named_file(code)
        assert file
        (folder / file).write_text(code.replace("measured: [../prom.json]", ""), encoding="utf-8")
    ran = 0
    for _, code in blocks(PAGES / f"{page}.md", "console"):
        for line in code.splitlines():
            words = line.partition("#")[0].strip()
            if "--scheduler" in words:
                continue  # other machines: tests/batch has them
            done = stranger.run(words, folder)
            allowed = (0, 3) if "--fail-on" in words else (0, 1) if "--require" in words else (0,)
            assert done.returncode in allowed, f"{words}\n{done.stdout}\n{done.stderr}"
            ran += 1
    assert ran >= 3


@pytest.mark.parametrize(("words", "found"), [("meshlab rev", "review"), ("meshlab audit --fail", "--fail-on")])
def test_a_shell_completes_commands_and_options(stranger: Stranger, words: str, found: str, tmp_path: Path) -> None:
    """What the page says to put into a shell's start file makes bash complete what was typed."""
    (code,) = [code for _, code in blocks(PAGES / "install.md", "bash")]
    line = code.splitlines()[0].partition("   #")[0]
    typed = words.split()
    ask = f"COMP_WORDS=({words}) COMP_CWORD={len(typed) - 1}; _meshlab_completion meshlab; echo ${{COMPREPLY[*]}}"
    told = stranger.run(f"set +u; {line}; {ask}", tmp_path)
    assert told.stdout.split() == [found], told.stderr


def test_the_python_of_the_pages_works(equipped: Stranger, tmp_path: Path) -> None:
    """The code that README and the page about exploring show runs as it stands."""
    folder = desk(tmp_path)
    assert equipped.run(FILES["prod.json"], folder).returncode == 0
    for page in (PAGES / "exploring.md", ROOT / "README.md"):
        (code,) = (code for _, code in blocks(page, "python"))
        done = equipped.run(f"python - <<'END'\n{code}\nEND", folder)
        assert done.returncode == 0, done.stderr


def test_lab_and_app_find_the_workbooks_of_the_wheel(equipped: Stranger, tmp_path: Path) -> None:
    """With their extras both servers start, on a copy of the wheel's workbooks, and take what the page says."""
    size, bound = stated("with `lab` and `app`")
    assert equipped.size_mb() == pytest.approx(size, rel=0.1)
    assert equipped.size_mb() < bound
    for command, shown in (("lab", "lab/tree/start.ipynb"), ("app", "is running at")):
        started = equipped.run(
            f"timeout -s TERM 180 meshlab {command} --no-browser > log 2>&1 & server=$!\n"
            f"for _ in $(seq 800); do grep -q '{shown}' log && break; sleep 0.2; done\n"
            f"kill -TERM $server || true; wait $server || true; cat log",
            tmp_path,
        )
        assert shown in started.stdout, started.stdout
    assert (tmp_path / "meshlab-workbooks" / "start.ipynb").is_file()
