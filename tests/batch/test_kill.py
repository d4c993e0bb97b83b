"""A review killed at any moment: the next run completes it, nothing is corrupt, no process stays behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

TEAMS = 4
MARK = "MESHLAB_TEST_RUN"
"""Environment variable by which a test finds every process of its own runs, however they descend."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")


def command(folder: Path, out: str) -> list[str]:
    """`meshlab review` of the folder's teams."""
    return [
        *(sys.executable, "-m", "meshlab", "review", str(folder / "teams")),
        *("--out", str(folder / out), "--format", "ipynb,json", "--jobs", "2"),
    ]


def processes(mark: str) -> Iterator[int]:
    """Living processes that carry a mark in their environment."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={mark}\0".encode() in path.read_bytes():
                yield int(path.parent.name)
        except OSError:
            continue  # gone meanwhile


def left_behind(mark: str, patience_s: float = 10) -> list[bytes]:
    """Command lines of processes with a mark that outlive the patience; they are ended then."""
    end = time.monotonic() + patience_s
    while (found := list(processes(mark))) and time.monotonic() < end:
        time.sleep(0.05)
    lines = [Path(f"/proc/{number}/cmdline").read_bytes() for number in found]
    for number in found:
        os.kill(number, signal.SIGKILL)
    return lines


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def visible(found: dict[str, bytes]) -> dict[str, bytes]:
    """Files under final names: all but the temporary ones."""
    return {name: content for name, content in found.items() if not Path(name).name.startswith(".meshlab-")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes], float]:
    """Some teams, the files of a run that nobody disturbed, and how long it took. [s]"""
    folder = tmp_path_factory.mktemp("kill")
    (folder / "teams").mkdir()
    for number in range(TEAMS):
        (folder / "teams" / f"t{number}.yaml").write_text(f"team: t{number}\nscenario: {{pods: {10 + number}}}\n")
    started_s = time.monotonic()
    subprocess.run(command(folder, "whole"), check=True, capture_output=True, timeout=120)
    return folder, files(folder / "whole"), time.monotonic() - started_s


def kill_and_complete(whole: tuple[Path, dict[str, bytes], float], seed: int) -> None:
    """Kill a run at a moment that the seed gives, look at what is there, and run again."""
    folder, expected, duration_s = whole
    out, mark = f"killed-{seed}", uuid.uuid4().hex
    run = subprocess.Popen(
        command(folder, out), env={**os.environ, MARK: mark}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    # S311: a moment, not a secret
    time.sleep(random.Random(seed).uniform(0.2, 1) * duration_s)  # noqa: S311
    run.kill()
    run.wait()
    assert left_behind(mark) == []
    there = visible(files(folder / out)) if (folder / out).exists() else {}
    assert {name: content for name, content in there.items() if expected.get(name) != content} == {}
    again = subprocess.run(command(folder, out), check=True, capture_output=True, text=True, timeout=120)
    assert files(folder / out) == expected
    # a team whose note is there was complete, and what is complete is not redone
    assert again.stderr.count(" reused: ") == sum(name.endswith(".meshlab.json") for name in there)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_review_is_completed_by_the_next(whole: tuple[Path, dict[str, bytes], float], seed: int) -> None:
    """After SIGKILL: no process is left, what is there is whole, and the next run makes just what is missing."""
    kill_and_complete(whole, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_hundred_killed_reviews(whole: tuple[Path, dict[str, bytes], float], seed: int) -> None:
    """The same at a hundred moments."""
    kill_and_complete(whole, seed)
