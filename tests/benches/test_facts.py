"""How fast facts are read, against the fastest parser that builds everything.

A cluster of 2,000 nodes and 50,000 pods is made of the pods and nodes of real dumps. Each reading runs in a process of
its own, so that its peak memory is its own; readings that are compared alternate, and the fastest of each counts, for
other work on the machine only ever adds time.
Run it with::

    python -m pytest tests/benches/test_facts.py --benchmark-only -s

Goals: at least 5 times as fast as ``orjson.loads`` alone, with at most 0.3 times its peak memory beyond the bytes;
many small files no slower than one large one; YAML no slower than libyaml's loader alone.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

NODES, PODS = 2_000, 50_000
ROUNDS = 5

CLOSE_ROUNDS = 12
"""Rounds of two readings that take nearly the same time: other work must have left both alone at least once."""

PREPARE = """
import sys, time
from pathlib import Path
path = Path(sys.argv[1])
def peak():  # of this program alone: what getrusage tells begins with the peak of its parent
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
"""

READINGS = {
    "orjson": "import orjson; content = path.read_bytes(); before, start = peak(), time.perf_counter()\n"
    "result = orjson.loads(content); size = 0",
    "libyaml": "import yaml; content = path.read_bytes(); before, start = peak(), time.perf_counter()\n"
    "result = yaml.load(content, Loader=yaml.CSafeLoader); size = 0",
    "meshlab": "from meshlab.cluster.facts import read_facts; read_facts([Path(sys.argv[2])])\n"
    "before, start = peak(), time.perf_counter()\n"
    "result = read_facts([path]); size = 0",
}
"""What is timed, by name: time in seconds, and peak memory beyond what was there and beyond the bytes in MiB.

The bytes are read before the clock starts for the parsers. Reading them counts for meshlab, in time and in memory: a
large List never is in memory whole.
"""

REPORT = "\nprint(time.perf_counter() - start, peak() - before - size)"


def measure(reading: str, path: Path, warm: Path) -> tuple[float, float]:
    """Seconds and MiB of one reading in a process of its own."""
    code = PREPARE + READINGS[reading] + REPORT
    command = [sys.executable, "-c", code, str(path), str(warm)]
    seconds, mebibytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(mebibytes)


def compare(pairs: dict[str, tuple[str, Path]], warm: Path, rounds: int = ROUNDS) -> dict[str, tuple[float, float]]:
    """Least seconds and MiB of several readings, taken in turns."""
    taken = {name: [] for name in pairs}
    for _ in range(rounds):
        for name, (reading, path) in pairs.items():
            taken[name].append(measure(reading, path, warm))
    return {name: tuple(map(min, zip(*rows, strict=True))) for name, rows in taken.items()}


def cluster(fixtures: Path, nodes: int, pods: int) -> Iterator[dict]:
    """Nodes and pods as the fixtures have them, each with a name of its own."""
    for kind, count, files in (
        ("Node", nodes, ["cluster_dump/replicatedhq__troubleshoot__nodes.json"]),
        (
            "Pod",
            pods,
            [
                "mesh_pods/np-guard__network-config-analyzer__bookinfo_pods_list.json",
                "cluster_dump/np-guard__network-config-analyzer__pods_list.json",
            ],
        ),
    ):
        items = [item for file in files for item in json.loads((fixtures / file).read_text())["items"]]
        for number, item in zip(range(count), itertools.cycle(items), strict=False):
            metadata = {**item["metadata"], "name": f"{kind.lower()}-{number}"}
            yield {"apiVersion": "v1", "kind": kind, **item, "metadata": metadata}


@pytest.fixture(scope="module")
def warm(fixtures: Path) -> Path:
    """A small dump that loads all that reading needs before the clock starts."""
    return fixtures / "cluster_dump/replicatedhq__troubleshoot__nodes.json"


@pytest.fixture(scope="module")
def large(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cluster in one file, as kubectl prints it."""
    path = tmp_path_factory.mktemp("large") / "cluster.json"
    with path.open("w") as stream:
        stream.write('{\n    "apiVersion": "v1",\n    "items": [\n')
        stream.write(",\n".join(json.dumps(item, indent=4) for item in cluster(fixtures, NODES, PODS)))
        stream.write('\n    ],\n    "kind": "List"\n}\n')
    return path


@pytest.fixture(scope="module")
def small_files(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same cluster as a folder with a file for each object."""
    folder = tmp_path_factory.mktemp("small") / "cluster"
    for number, item in enumerate(cluster(fixtures, NODES, PODS)):
        place = folder / f"{number // 500:03}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.json").write_text(json.dumps(item, indent=4))
    os.sync()  # or writing them goes on while they are read
    return folder


@pytest.mark.benchmark(group="facts of 50,000 pods")
def test_json_against_orjson(benchmark, large: Path, small_files: Path, warm: Path) -> None:  # noqa: ANN001
    """Facts of a large cluster come 5 times as fast as orjson alone builds it, in 0.3 times the memory."""
    readings = {"orjson": ("orjson", large), "one file": ("meshlab", large)}
    found = benchmark.pedantic(compare, args=(readings, warm), rounds=1)
    close = compare({"one file": ("meshlab", large), "many files": ("meshlab", small_files)}, warm, CLOSE_ROUNDS)

    (base_s, base_mib), (one_s, one_mib) = found.values()
    (one_again_s, _), (many_s, _) = close.values()
    benchmark.extra_info.update(
        megabytes=large.stat().st_size / 1e6,
        times_as_fast=base_s / one_s,
        share_of_memory=one_mib / base_mib,
        many_files_against_one=many_s / one_again_s,
        many_files_times_as_fast=base_s / many_s,
    )
    print(f"\n{found}\n{close}\n{benchmark.extra_info}")
    assert base_s / one_s >= 5
    assert one_mib / base_mib <= 0.3
    assert many_s <= one_again_s


@pytest.mark.benchmark(group="facts of 1,000 pods in YAML")
def test_yaml_against_libyaml(benchmark, fixtures: Path, warm: Path, tmp_path: Path) -> None:  # noqa: ANN001
    """Facts from YAML come no slower than libyaml's loader builds the document."""
    path = tmp_path / "cluster.yaml"
    items = [json.loads(json.dumps(item)) for item in cluster(fixtures, 40, 1_000)]  # or equal parts become anchors
    content = {"apiVersion": "v1", "kind": "List", "items": items}
    path.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper))

    found = benchmark.pedantic(
        compare, args=({"libyaml": ("libyaml", path), "meshlab": ("meshlab", path)}, warm), rounds=1
    )
    (base_s, base_mib), (own_s, own_mib) = found.values()
    benchmark.extra_info.update(times_as_fast=base_s / own_s, memory_mib=own_mib, base_memory_mib=base_mib)
    print(f"\n{found}\n{benchmark.extra_info}")
    assert own_s <= base_s
