"""Needs in use in a review: taken where nobody states any, shown beside those that are stated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from meshlab.reviews.advice import EDGE, LEFT_OUT, OPEN, TAKEN, UNSEEN, UNUSED
from meshlab.reviews.record import Review
from meshlab.reviews.review import open_review
from meshlab.show import report


def pod(name: str, namespace: str, *images: str, **labels: str) -> dict[str, Any]:
    """A running pod with a container of each image, an Istio proxy under its own name."""
    containers = [
        {"name": "istio-proxy" if "proxyv2" in image else f"c{n}", "image": image} for n, image in enumerate(images)
    ]
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": metadata,
        "spec": {"containers": containers},
        "status": {"phase": "Running"},
    }


PROXY = "docker.io/istio/proxyv2:1.26.1"

ISTIO = (
    pod("istiod-1", "istio-system", "docker.io/istio/pilot:1.26.1", app="istiod"),
    pod("kube-proxy-1", "kube-system", "registry.k8s.io/kube-proxy:v1.32.0"),
    pod("calico-node-1", "kube-system", "docker.io/calico/node:v3.29.0"),
    pod("a-1", "shop", "registry.example.com/a:1", PROXY),
)


def route(*, gateways: list[str] | None = None) -> dict[str, Any]:
    """A VirtualService that sends a tenth of the requests to another version."""
    weights = [{"destination": {"host": "a"}, "weight": 90}, {"destination": {"host": "b"}, "weight": 10}]
    spec: dict[str, Any] = {
        "hosts": ["a"],
        "http": [{"route": weights}],
        **({"gateways": gateways} if gateways else {}),
    }
    metadata = {"name": "split", "namespace": "shop"}
    return {"kind": "VirtualService", "apiVersion": "networking.istio.io/v1", "metadata": metadata, "spec": spec}


BY_NAME = {
    "kind": "NetworkPolicy",
    "apiVersion": "projectcalico.org/v3",
    "metadata": {"name": "names", "namespace": "shop"},
    "spec": {"selector": "all()", "egress": [{"action": "Allow", "destination": {"domains": ["api.example.com"]}}]},
}


def review_of(folder: Path, team: str, *objects: dict[str, Any]) -> Review:
    """The review of a team whose cluster runs Istio and holds these objects."""
    (folder / "dump.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": [*ISTIO, *objects]}))
    (folder / "team.yaml").write_text(f"team: a\ncluster: dump.json\n{team}")
    return open_review(folder / "team.yaml")


def notes(review: Review) -> dict[str, str | None]:
    """What the review says of each need."""
    assert review.needs
    return {row["need"]: row["note"] for row in review.needs["rows"]}


def needs_of(review: Review) -> tuple[object, str]:
    """The value of the input and its status."""
    return next((row.value, row.status) for row in review.inputs if row.input == "needs")


def test_weighted_routes_between_workloads_are_taken_as_a_need(tmp_path: Path) -> None:
    """A cluster that splits traffic in its mesh is told neither that nothing asks for a mesh nor that it is unknown."""
    review = review_of(tmp_path, "", route())

    assert needs_of(review) == (["traffic_split"], "inferred")
    assert review.verdict.mesh == "stay"
    assert "needs" not in review.verdict.unknown
    assert notes(review) == {"traffic_split": TAKEN}


@pytest.mark.parametrize("objects", [(route(gateways=["public"]),), (BY_NAME,), ()])
def test_what_no_mesh_has_to_meet_says_nothing_of_a_mesh(objects: tuple, tmp_path: Path) -> None:
    """Weights at the edge, policy of the network or nothing at all leave open whether there is a need for a mesh."""
    review = review_of(tmp_path, "", *objects)

    assert needs_of(review) == (None, "unknown")
    assert review.verdict.mesh is None
    assert (
        list(notes(review).values()) == [EDGE if objects[0]["kind"] == "VirtualService" else OPEN] if objects else True
    )


def test_a_statement_counts_and_what_it_leaves_out_is_shown(tmp_path: Path) -> None:
    """Stated needs decide; what is in use beside them stands under the verdict, and what nobody uses in the table."""
    review = review_of(tmp_path, "needs: [retries, egress_gateway, fips]\n", route(), BY_NAME)

    assert needs_of(review) == (["retries", "egress_gateway", "fips"], "stated")
    assert notes(review) == {
        "retries": UNUSED,
        "traffic_split": LEFT_OUT,
        "dns_policy": LEFT_OUT,
        "egress_gateway": UNUSED,
        "fips": UNSEEN,
    }
    assert [(row.input, row.found) for row in review.disagreements if row.input == "needs"] == [
        ("needs", ["traffic_split", "dns_policy"])
    ]
    for shown in (report.verdict(review).html, report.markdown_page(review)):
        assert "In use, but not stated" in shown
        assert "VirtualService shop/split" in shown.replace("\\", "")


def test_who_states_the_whole_states_its_parts(tmp_path: Path) -> None:
    """Traffic management as a need covers weighted routes, and is in use by them."""
    review = review_of(tmp_path, "needs: [traffic_management]\n", route())

    assert notes(review) == {"traffic_management": None, "traffic_split": None}
    assert not [row for row in review.disagreements if row.input == "needs"]
    assert "In use, but not stated" not in report.verdict(review).html


def test_installed_and_unused_features_stand_in_the_report(tmp_path: Path) -> None:
    """Sidecars that no object asks for are named with what they cost, and with what objects cannot show."""
    review = review_of(tmp_path, "", route(gateways=["public"]))

    assert review.needs
    assert [row["feature"] for row in review.needs["unused"]] == ["sidecars"]
    shown = report.facts(review).html
    assert "Installed, and used by no object" in shown
    assert "mutual TLS between proxies" in shown


def test_without_a_dump_there_is_nothing_to_compare(tmp_path: Path) -> None:
    """A team without a dump has no needs in use."""
    file = tmp_path / "team.yaml"
    file.write_text("team: a\nneeds: [mtls]\n")

    assert open_review(file).needs is None
