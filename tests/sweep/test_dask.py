"""A sweep on a real Dask cluster: the bytes of the local run, and a worker that is killed costs no part."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from dask_cluster import PATIENCE_S, Cluster, joined

from meshlab.run.sweep import run_sweep
from meshlab.run.sweep.parts import PART_ROWS

pytest.importorskip("distributed", reason="needs the extra 'dask'")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a worker is killed by a signal")

SPEC = f"""\
sample: {{method: latin-hypercube, rows: {6 * PART_ROWS}, seed: 4}}
inputs:
  pods: {{range: [50, 50000], scale: log}}
  protocol: [http1, grpc]
dataplanes: [istio-ambient]
outputs: [memory_gib]
"""


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cluster_that_loses_a_worker_writes_the_bytes_of_the_local_run(
    cluster: Cluster,
    spec_file: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    """One of two workers is killed after the first part: all parts are there, each as the local run writes it."""
    address, workers = cluster
    joined(address, 2)
    spec, rows = spec_file(SPEC), 6 * PART_ROWS

    def progress(done: int, _total: int) -> None:
        if done and workers[0].poll() is None:
            os.kill(workers[0].pid, signal.SIGKILL)

    limit = threading.Timer(PATIENCE_S, lambda: [worker.kill() for worker in workers])
    limit.start()
    outcome = run_sweep(spec, str(tmp_path / "there.parquet"), scheduler=address, progress=progress)
    limit.cancel()
    assert workers[0].wait() == -signal.SIGKILL
    assert (outcome.rows, outcome.parts, outcome.failed) == (rows, 6, ())
    run_sweep(spec, str(tmp_path / "here.parquet"), jobs=2)
    there, here = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("there.parquet", "here.parquet")
    )
    assert there == here
