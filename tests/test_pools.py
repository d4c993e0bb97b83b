"""Pools of old nodes: named where their kernel rules options out, and what replacing them first would open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from meshlab.cluster.facts import read_facts
from meshlab.reviews.record import Review
from meshlab.reviews.review import open_review
from meshlab.show import report

TEAM = """team: a
cluster: dump.json
needs: [dns_policy]
scenario: {cloud: self-managed, current_cni: flannel, current_mesh: none, greenfield: false, cni_healthy: false}
"""


def node(number: int, pool: str | None, kernel: str) -> dict[str, Any]:
    """A node of a pool."""
    info = {
        "kernelVersion": kernel,
        "operatingSystem": "linux",
        "architecture": "amd64",
        "osImage": "Debian GNU/Linux 12",
    }
    labels = {"kops.k8s.io/instancegroup": pool} if pool else {}
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": f"node-{number}", "labels": labels},
        "status": {"nodeInfo": info, "capacity": {"cpu": "8", "memory": "32Gi"}},
    }


def nodes(**pools: tuple[int, str]) -> list[dict[str, Any]]:
    """So many nodes with that kernel for each pool."""
    made = [(pool, kernel) for pool, (count, kernel) in pools.items() for _ in range(count)]
    return [node(number, pool, kernel) for number, (pool, kernel) in enumerate(made)]


def review_of(folder: Path, items: list[dict[str, Any]], team: str = TEAM) -> Review:
    """The review of a team with these nodes."""
    (folder / "dump.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))
    (folder / "team.yaml").write_text(team)
    return open_review(folder / "team.yaml")


def test_one_old_pool_is_named_and_replacing_it_first_is_offered(tmp_path: Path) -> None:
    """2 of 20 nodes with kernel 4.18 rule Cilium out: blockers and page name the pool, and the answer without it."""
    review = review_of(tmp_path, nodes(gpu=(2, "4.18.0-100"), general=(18, "6.1.0-13")))

    assert review.pools
    assert review.pools["text"] == "2 of 20 nodes, pool gpu, kernel 4.18.0-100"
    assert review.pools["kernel_without"] == "6.1.0-13"
    assert "cilium" in review.pools["opens"]
    blocked = [row for row in review.verdict.blockers if row["option"] == "cilium" and "oldest kernel" in row["found"]]
    assert blocked
    assert all("2 of 20 nodes, pool gpu" in row["found"] for row in blocked)
    shown = report.verdict(review).html
    assert "2 of 20 nodes, pool gpu, kernel 4.18.0-100" in shown
    assert "replace that pool first" in shown
    without = review_of(tmp_path, nodes(general=(18, "6.1.0-13")))
    assert (review.pools["cni"], review.pools["mesh"]) == (without.verdict.cni, without.verdict.mesh)


def test_a_cluster_of_old_nodes_has_no_pool_to_replace_first(tmp_path: Path) -> None:
    """Where most nodes are old, where all are new, or where the team states a kernel, no pool is named."""
    assert review_of(tmp_path, nodes(old=(12, "4.18.0"), new=(8, "6.1.0"))).pools is None
    assert review_of(tmp_path, nodes(a=(12, "6.1.0"), b=(8, "6.6.0"))).pools is None
    stated = TEAM.replace("scenario: {", "scenario: {kernel_oldest: 4.18.0, ")
    assert review_of(tmp_path, nodes(old=(2, "4.18.0"), new=(8, "6.1.0")), stated).pools is None


def test_nodes_are_counted_by_pool_and_kernel(tmp_path: Path) -> None:
    """Nodes of one pool with two kernels are two rows; names of pools are hidden with the others."""
    file = tmp_path / "dump.json"
    items = [*nodes(gpu=(1, "4.18.0-100-planted")), node(7, "gpu", "6.1.0"), node(8, None, "6.1.0")]
    file.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))

    assert read_facts([file])["nodes"]["pool_kernels"] == [
        {"pool": None, "kernel": "6.1.0", "nodes": 1},
        {"pool": "gpu", "kernel": "4.18.0-100-planted", "nodes": 1},
        {"pool": "gpu", "kernel": "6.1.0", "nodes": 1},
    ]
    hidden = json.dumps(read_facts([file], anonymize=True))
    assert "planted" not in hidden
    assert '"gpu"' not in hidden
