"""Facts of real clusters' dumps, against a table that an independent script worked out."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from meshlab.cluster.facts import is_dump, read_facts, scenario_values
from meshlab.errors import MeshlabError

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "facts.csv"
ROOMS = ("nodes", "cni", "mesh", "workload", "policy", "service", "needs")


def expected() -> dict[str, dict[str, object]]:
    """Facts of each file, as ``tests/golden/facts_golden.py`` found them; facts that it does not name are unknown."""
    table: dict[str, dict[str, object]] = {}
    with GOLDEN.open(newline="") as stream:
        for row in csv.DictReader(stream):
            table.setdefault(row["file"], {})[row["fact"]] = json.loads(row["value"])
    return table


EXPECTED = expected()


def known(facts: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Facts that are known, by their dotted names."""
    for name in ("name", "cloud"):
        if facts[name] is not None:
            yield name, facts[name]
    for room in ROOMS:
        for name, value in facts[room].items():
            if value is not None:
                yield f"{room}.{name}", value


@pytest.mark.parametrize("file", [file for file, facts in EXPECTED.items() if "refused" not in facts])
def test_real_dumps_give_exactly_the_golden_facts(file: str, fixtures: Path) -> None:
    """Every fact of a real dump is the one that the golden table holds, and all others are unknown."""
    facts = dict(known(read_facts([fixtures / file])))

    golden = EXPECTED[file]
    assert facts.keys() == golden.keys()
    for name, value in golden.items():
        close = pytest.approx(value, abs=1e-8) if isinstance(value, int | float) else value
        assert facts[name] == close, name


@pytest.mark.parametrize("file", [file for file, facts in EXPECTED.items() if "refused" in facts])
def test_dumps_that_no_fact_is_about_are_refused_by_their_kind(file: str, fixtures: Path) -> None:
    """A file of kinds from which no fact is read is refused, and the message names the kind and the file."""
    with pytest.raises(MeshlabError, match=f"no fact is read from: {EXPECTED[file]['refused']}") as refusal:
        read_facts([fixtures / file])

    assert refusal.value.problems[0].file == str(fixtures / file)


def test_all_fixtures_of_clusters_are_in_the_golden_table(fixtures: Path) -> None:
    """No dump, manifest or bundle among the fixtures is left out."""
    kinds = ("cluster_dump", "mesh_pods", "support_bundle", "policy_config", "app_manifests")

    assert set(EXPECTED) == {f"{kind}/{path.name}" for kind in kinds for path in (fixtures / kind).iterdir()}


@pytest.mark.parametrize("file", EXPECTED)
def test_fixtures_are_recognised_as_dumps(file: str, fixtures: Path) -> None:
    """Every one of them is told from a team file by its content."""
    assert is_dump(fixtures / file)


@pytest.mark.parametrize("file", [file for file, facts in EXPECTED.items() if "refused" not in facts])
def test_every_known_fact_says_where_it_comes_from(file: str, fixtures: Path) -> None:
    """Provenance covers exactly the known facts and those with a reason for being unknown, inferred ones with a why."""
    facts = read_facts([fixtures / file])
    provenance = facts["provenance"]

    names = {name for name, _ in known(facts)}
    assert names <= provenance.keys()
    for name, origin in provenance.items():
        assert origin["status"] in ({"measured", "inferred"} if name in names else {"unknown"})
        assert origin["why"] or origin["status"] == "measured"
        assert origin["from"] or name not in names
    assert set(facts["unknown"]).isdisjoint(names)


def test_seven_nodes_keep_the_kernels_that_the_file_holds(fixtures: Path) -> None:
    """The nodes of several clusters in one file are counted with their kernels, and their cloud stays unknown."""
    facts = read_facts([fixtures / "cluster_dump/replicatedhq__troubleshoot__nodes.json"])

    assert facts["nodes"]["count"] == 7
    assert facts["nodes"]["kernels"] == {"4.19.0-11-amd64": 5, "5.0.0-1021-gcp": 1, "6.8.0-1015-aws": 1}
    assert facts["cloud"] is None
    assert facts["provenance"]["cloud"]["why"] == "the objects disagree: doks (5), self-managed (2)"


def test_bookinfo_shows_its_mesh(fixtures: Path) -> None:
    """Six pods of bookinfo run Istio 1.10.3 in sidecars that ask for 10m and 40Mi each."""
    mesh = read_facts([fixtures / "mesh_pods/np-guard__network-config-analyzer__bookinfo_pods_list.json"])["mesh"]

    expected = {
        "product": "istio",
        "name": None,
        "edition": "self-run",
        "mode": "sidecar",
        "version": "1.10.3",
        "proxied_pods": 6,
        "proxy_cpu_request_cores": 0.06,
        "proxy_memory_request_gib": 6 * 40 / 1024,
    }
    assert {name: mesh[name] for name in expected} == expected


def test_openshift_on_aws_supplies_its_scenario(fixtures: Path) -> None:
    """A must-gather fills the inputs that it holds, measured or inferred, and no others."""
    facts = read_facts([fixtures / "support_bundle/openshift__must-gather-clean__must-gather-aws-subset.tar.gz"])

    supplied = {name: (value.value, value.status) for name, value in scenario_values(facts).items()}
    assert supplied == {
        "nodes": (3, "measured"),
        "services": (78, "measured"),
        "node_cpu_cores": (4.0, "inferred"),
        "node_memory_gib": (pytest.approx(15.647, abs=1e-3), "inferred"),
        "kernel_oldest": ("4.18.0-305.10.2.el8_4.x86_64", "measured"),
        "windows_nodes": (0, "measured"),
        "daemonsets_run": (True, "measured"),
        "cloud": ("openshift", "inferred"),
        "current_cni": ("openshift-sdn", "measured"),
        "current_cni_edition": ("openshift", "inferred"),
        "policy_engine": ("other", "measured"),
    }
