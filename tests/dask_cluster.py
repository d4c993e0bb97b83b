"""A small Dask cluster on loopback, whose workers a test may kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE_S = 40.0

Cluster = tuple[str, list[subprocess.Popen[bytes]]]
"""Address of a scheduler, and its workers."""


def wait_for(found: Callable[[], object], what: str) -> None:
    """Wait until something is there."""
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, f"no {what} after {PATIENCE_S} s"
        time.sleep(0.1)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Address of a scheduler on loopback, and its two workers."""
    with running_cluster(tmp_path, 2) as running:
        yield running


@contextmanager
def running_cluster(folder: Path, count: int) -> Iterator[Cluster]:
    """A scheduler on loopback and so many workers of one thread, as long as they are needed.

    Args:
        folder: Where they keep their files.
        count: Workers.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "POLARS_MAX_THREADS": "1"},
        )
        started.append(process)
        return process

    told = folder / "scheduler.json"
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
            for n in range(count)
        ]
        yield address, workers
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGKILL)
            process.wait()


def joined(address: str, count: int) -> bool:
    """Whether so many workers have come to a scheduler."""
    from distributed import Client

    with Client(address, timeout="10s", set_as_default=False) as client:
        client.wait_for_workers(count, timeout=PATIENCE_S)
    return True
