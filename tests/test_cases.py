"""What a review is made of: the same in each process, whatever the order of threads, from one reading of each file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from facts_dumps import listed, node, pod, tar_gz

from meshlab.cluster.audit import audit
from meshlab.cluster.audit.inventory import read_inventory
from meshlab.cluster.facts import read_facts
from meshlab.cluster.facts.files import PIECE_BYTES
from meshlab.planning.migration import survey_of
from meshlab.reviews.cases import open_path, read_cluster

HASH_OF = """
import sys
from pathlib import Path
from meshlab.reviews.cases import inputs_sha256, open_path
for path in sys.argv[1:]:
    print(inputs_sha256(open_path(Path(path))))
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


COUNT = """
import os, sys
from meshlab.run.cli import main
path, log = os.path.realpath(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def told(event, arguments):
    if event == "open" and isinstance(arguments[0], str | os.PathLike) and os.path.realpath(arguments[0]) == path:
        os.write(log, b".")
sys.addaudithook(told)  # copies of this process have it, too
main(["review", sys.argv[3], "--out", sys.argv[4], "--format", "json", "--jobs", "1"])
"""


def test_a_dump_may_have_any_name(tmp_path: Path) -> None:
    """A file that is named by itself is read whatever its name ends in, by its content."""
    (tmp_path / "nodes.txt").write_text(json.dumps(listed(node("a"), node("b"))), encoding="utf-8")
    assert open_path(tmp_path / "nodes.txt").given["nodes"].value == 2


@pytest.mark.parametrize("kind", ["small", "large", "archive", "of a team", "team file"])
def test_a_file_given_to_review_is_opened_once(kind: str, tmp_path: Path) -> None:
    """Facts, findings and what a move needs come from one opening, and so does the answer to what the file is."""
    pods = [pod(f"p{number}") for number in range(9000 if kind == "large" else 9)]
    content = json.dumps(listed(node("a"), *pods), indent=4)
    file = tmp_path / "dump.json"
    file.write_text(content, encoding="utf-8")
    if kind == "archive":
        file = tar_gz(tmp_path / "dump.tar.gz", {"nodes.json": content})
    assert (file.stat().st_size > PIECE_BYTES) is (kind == "large")
    given = file
    if "team" in kind:
        given = tmp_path / "team.yaml"
        given.write_text("team: a\ncluster: dump.json\n", encoding="utf-8")
    counted = given if kind == "team file" else file
    arguments = [str(path) for path in (counted, tmp_path / "log", given, tmp_path / "out")]
    subprocess.run([sys.executable, "-c", COUNT, *arguments], check=True, capture_output=True, timeout=120)
    assert (tmp_path / "log").read_text(encoding="utf-8") == "."


@pytest.mark.parametrize(
    "dump",
    [
        "mesh_pods/np-guard__network-config-analyzer__bookinfo_pods_list.json",
        "support_bundle/openshift__must-gather-clean__must-gather-aws-subset.tar.gz",
        "support_bundle/replicatedhq__sbctl__troubleshoot-kurl-weave.tar.gz",
    ],
)
def test_one_reading_gives_what_several_give(dump: str, fixtures: Path) -> None:
    """Facts, findings and survey of one reading are those that each gets from a reading of its own."""
    cluster = read_cluster(fixtures / dump)
    assert cluster.facts == read_facts([fixtures / dump])
    assert cluster.findings == audit([fixtures / dump])
    assert cluster.survey == survey_of(read_inventory([fixtures / dump]))
