"""Rendering on a real Dask cluster: the same bytes as here, and a worker that is killed costs no report."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from dask_cluster import PATIENCE_S, Cluster, joined

from meshlab.run.batch.batch import Job, Outcome, render_reviews

pytest.importorskip("distributed", reason="needs the extra 'dask'")

TEAMS = 12
FORMATS = ("html", "ipynb", "json")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a worker is killed by a signal")


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_the_local_run(cluster: Cluster, tmp_path: Path) -> None:
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

    limit = threading.Timer(3 * PATIENCE_S, lambda: [worker.kill() for worker in workers])
    limit.start()
    outcomes = render_reviews(paths, Job(tmp_path / "there", FORMATS), scheduler=address, progress=progress)
    limit.cancel()
    assert workers[0].wait() == -signal.SIGKILL
    assert [(outcome.team, outcome.reasons) for outcome in outcomes] == [(path.stem, ()) for path in paths]
    render_reviews(paths, Job(tmp_path / "here", FORMATS), jobs=2)
    assert tree(tmp_path / "there") == tree(tmp_path / "here")
