"""What a review is made of is the same in each process, whatever the order in which threads come to an end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HASH_OF = """
import sys
from pathlib import Path
from meshlab.reviews.cases import inputs_sha256, load_team, open_case
for path in sys.argv[1:]:
    print(inputs_sha256(open_case(load_team(Path(path)))))
"""

ARCHIVES = (
    "replicatedhq__sbctl__troubleshoot-kurl-weave.tar.gz",
    "openshift__must-gather-clean__must-gather-aws-subset.tar.gz",
    "replicatedhq__troubleshoot__baseline-subset.tar.gz",
)


@pytest.fixture(scope="module")
def hashes(shared: Path) -> list[list[str]]:
    """The inputs' hashes of the archives in each of five processes, with other seeds and numbers of threads."""
    paths = [str(shared / "fixtures" / "support_bundle" / name) for name in ARCHIVES]
    found = []
    for seed, threads in enumerate((1, 2, 3, 4, 8)):
        run = subprocess.run(
            [sys.executable, "-c", HASH_OF, *paths],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "POLARS_MAX_THREADS": str(threads)},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(run.stdout.split())
    return found


@pytest.mark.parametrize("place", range(len(ARCHIVES)), ids=ARCHIVES)
def test_every_process_finds_the_same_inputs_in_an_archive(hashes: list[list[str]], place: int) -> None:
    """An archive has one hash, however many threads read it and whatever seed Python hashes texts with."""
    assert len({of_process[place] for of_process in hashes}) == 1
    assert len(hashes[0][place]) == 64
