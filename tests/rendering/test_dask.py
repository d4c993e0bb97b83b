"""Rendering on a real Dask cluster: the same bytes as here, and a worker that is killed costs no report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meshlab.rendering.batch import Job, Outcome, render_reviews

pytest.importorskip("distributed", reason="needs the extra 'dask'")

TEAMS = 12
PATIENCE_S = 40.0
FORMATS = ("html", "ipynb", "json")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a worker is killed by a signal")


def wait_for(found: Callable[[], object], what: str) -> None:
    """Wait until something is there."""
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, f"no {what} after {PATIENCE_S} s"
        time.sleep(0.1)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Address of a scheduler on loopback, and its two workers."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    told = tmp_path / "scheduler.json"
    try:
        start(
            *("dask_scheduler", "--host", "127.0.0.1", "--port", "0"),
            *("--no-dashboard", "--no-show", "--scheduler-file", str(told)),
        )
        wait_for(lambda: told.exists() and told.read_text(encoding="utf-8").strip(), "scheduler")
        address = json.loads(told.read_text(encoding="utf-8"))["address"]
        # without a nanny the worker is the process that is killed, and stays dead
        workers = [
            start("dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", f"w{n}")
            for n in range(2)
        ]
        yield address, workers
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGKILL)
            process.wait()


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def joined(address: str, count: int) -> bool:
    """Whether so many workers have come to a scheduler."""
    from distributed import Client

    with Client(address, timeout="10s", set_as_default=False) as client:
        client.wait_for_workers(count, timeout=PATIENCE_S)
    return True


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_the_local_run(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    """One of two workers is killed after the third report: all arrive, and every file is that of the local run."""
    address, workers = cluster
    joined(address, 2)
    (tmp_path / "teams").mkdir()
    paths = [tmp_path / "teams" / f"t{number:02}.yaml" for number in range(TEAMS)]
    for number, path in enumerate(paths):
        path.write_text(f"team: {path.stem}\nscenario: {{pods: {10 + number}}}\n", encoding="utf-8")
    came: list[str] = []

    def progress(outcome: Outcome) -> None:
        came.append(outcome.team)
        if len(came) == 3:
            os.kill(workers[0].pid, signal.SIGKILL)

    limit = threading.Timer(PATIENCE_S, lambda: [worker.kill() for worker in workers])
    limit.start()
    outcomes = render_reviews(paths, Job(tmp_path / "there", FORMATS), scheduler=address, progress=progress)
    limit.cancel()
    assert workers[0].wait() == -signal.SIGKILL
    assert [(outcome.team, outcome.reasons) for outcome in outcomes] == [(path.stem, ()) for path in paths]
    render_reviews(paths, Job(tmp_path / "here", FORMATS), jobs=2)
    assert tree(tmp_path / "there") == tree(tmp_path / "here")
