"""Needs in use: what objects ask for, counted, and what nobody asks for."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlab.cluster.facts.cluster import cluster_of
from meshlab.cluster.facts.gather import rows_of
from meshlab.cluster.facts.paths import need_rows
from meshlab.cluster.facts.read import read_facts
from meshlab.cluster.facts.signatures import asked
from meshlab.errors import MeshlabError
from meshlab.tables import read_table

OBJECTS = Path(__file__).with_name("needs.yaml")

EVERYTHING = OBJECTS.read_text(encoding="utf-8").split("\n---\n")[1:]

WITNESSES = [each for each in EVERYTHING if "REGISTRY_ONLY" in each or "kind: HostEndpoint" in each]
"""Objects that decide what others ask for."""


def used(path: Path) -> dict[str, tuple[int, int, str]]:
    """Needs in use, each with objects, namespaces and place."""
    return {
        row["need"]: (row["objects"], row["namespaces"], row["where"]) for row in read_facts([path])["needs"]["used"]
    }


def expected_of(document: str) -> dict[str, str]:
    """What a document of the file says that it asks for, with the place."""
    words = re.match(r"# needs:(.*)", document)
    assert words
    found = [word.strip().partition("@") for word in words[1].split(",") if word.strip()]
    return {need: place or "mesh" for need, _, place in found}


def as_json(document: str) -> str:
    """The document as JSON."""
    return json.dumps(yaml.safe_load(document))


def rows_in(file: Path, text: str) -> object:
    """Rows that facts are read from, or why there are none, of a dump that holds the text."""
    file.write_text(text, encoding="utf-8")
    try:
        frames = rows_of([file]).frames()
    except MeshlabError as error:
        return str(error)
    return {name: frame.collect().sort(pl.all()).rows() for name, frame in frames.items()}


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_each_object_asks_for_what_its_product_documents(form: str, tmp_path: Path) -> None:
    """Every object of the file, read beside those that decide, asks for what stands above it and nothing else."""
    wrong = []
    for number, document in enumerate(EVERYTHING):
        if form == "json" and rows_in(tmp_path / "dump", as_json(document)) == rows_in(tmp_path / "dump", document):
            continue  # the same rows have been read from YAML
        expected = expected_of(document)
        beside = [
            each
            for each in WITNESSES
            if each != document and yaml.safe_load(document)["kind"] in ("ServiceEntry", "GlobalNetworkPolicy")
        ]
        file = tmp_path / f"{number}.{form}"
        texts = [document, *beside]
        file.write_text("\n---\n".join(texts) if form == "yaml" else "\n".join(map(as_json, texts)), encoding="utf-8")
        try:
            found = {need: where for need, (_, _, where) in used(file).items()}
        except MeshlabError:
            found = {}
        for each in beside:  # the witnesses' own
            for need in expected_of(each).keys() - expected.keys():
                found.pop(need, None)
        if found != expected:
            wrong.append(f"{document.partition(chr(10))[2][:120]}: {found}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_objects_and_namespaces_are_counted(tmp_path: Path) -> None:
    """Of all objects together, each counts once for every need that stands above it, with its namespace."""
    objects: Counter[str] = Counter()
    namespaces: dict[str, set[str]] = {}
    for document in EVERYTHING:
        space = yaml.safe_load(document)["metadata"].get("namespace")
        for need in expected_of(document):
            objects[need] += 1
            namespaces.setdefault(need, set()).update({space} - {None})
    file = tmp_path / "all.yaml"
    file.write_text("\n---\n".join(EVERYTHING), encoding="utf-8")

    found = used(file)

    assert {need: row[:2] for need, row in found.items()} == {
        need: (count, len(namespaces[need])) for need, count in objects.items()
    }


ENTRY = (
    "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: a, namespace: shop}, "
    "spec: {hosts: [a.example.com], resolution: DNS}}"
)
ROUTE = (
    "{apiVersion: gateway.networking.k8s.io/v1alpha2, kind: TLSRoute, metadata: {name: a, namespace: shop}, spec: "
    "{hostnames: [a.example.com], parentRefs: [{group: policy.linkerd.io, kind: EgressNetwork, name: out}]}}"
)
MESH_CONFIG = (
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: istio-system}, "
    'data: {mesh: "outboundTrafficPolicy:\\n  mode: REGISTRY_ONLY\\n"}}'
)
EGRESS_NETWORK = (
    "{apiVersion: policy.linkerd.io/v1alpha1, kind: EgressNetwork, metadata: {name: out, namespace: shop}, "
    "spec: {trafficPolicy: %s}}"
)


@pytest.mark.parametrize(
    ("asking", "deciding", "by_name"),
    [
        (ENTRY, MESH_CONFIG % "istio", True),
        (ENTRY, MESH_CONFIG % "istio-1-28-0", True),
        (ENTRY, MESH_CONFIG % "another", False),
        (ROUTE, EGRESS_NETWORK % "Deny", True),
        (ROUTE, EGRESS_NETWORK % "Allow", False),
    ],
)
def test_hosts_are_asked_for_by_name_where_no_other_is_reached(
    asking: str, deciding: str, by_name: bool, tmp_path: Path
) -> None:
    """Registered hosts are a policy on names where all others are closed: by any revision of Istio, and by Linkerd."""
    file = tmp_path / "dump.yaml"
    file.write_text(f"---\n{asking}\n---\n{deciding}\n", encoding="utf-8")

    assert ("dns_policy" in used(file)) == by_name


def test_every_row_is_met_by_an_object(tmp_path: Path) -> None:
    """Each need of the table is asked for by an object of each of its kinds, or of one that is read alike."""
    file = tmp_path / "all.yaml"
    file.write_text("\n---\n".join(EVERYTHING), encoding="utf-8")
    cluster = cluster_of(rows_of([file]))
    met = cluster.needs.join(cluster.objects.select("id", "kind"), on="id").select("need", "kind").unique().collect()
    known = read_table("decision/needs")["need"].to_list()
    rows = (
        need_rows().filter(pl.col("need").is_in(known)).select("need", kind=pl.col("kind").str.split("/").list.first())
    )
    alike = {kind for kinds in read_table("facts/needs_in_use")["kind"] if "|" in kinds for kind in kinds.split("|")}

    unmet = [row for row in rows.unique().join(met, on=["need", "kind"], how="anti").rows() if row[1] not in alike]

    assert not unmet
    helping = {
        None,
        "installed",
        "scopes",
        "exports",
        "discovers",
        "registry-only",
        "registry-only-here",
        "label-of-hosts",
        "selects",
    }
    assert set(need_rows()["need"]) - set(known) == helping


def test_sets_of_the_field_are_counted_as_by_hand(shared: Path) -> None:
    """The sets that were counted by hand show what was counted, and no other of those needs."""
    for row in csv.DictReader((shared / "field" / "needs.csv").read_text(encoding="utf-8").splitlines()):
        try:
            found = used(shared / "field" / "needs" / row["file"])
        except MeshlabError:
            found = {}
        expected = {
            need: (int(objects), int(spaces))
            for need, objects, spaces in (item.split(":") for item in row["expected_used"].split("|") if item)
        }
        assert {need: counts[:2] for need, counts in found.items() if need in expected} == expected
        assert not found.keys() & set(row["expected_not"].split("|"))


BY_HAND = {
    "policy_config/np-guard__network-config-analyzer__onlineboutique_live_policies.yaml": {
        # ten policies on principals, methods and paths; nine of them name gRPC methods, the frontend's does not
        "mtls": (10, 1, "mesh"),
        "l7_policy": (10, 1, "mesh"),
        "grpc_policy": (9, 1, "mesh"),
    },
    "policy_config/istio__istio__virtual-service-reviews-90-10.yaml": {"traffic_split": (1, 0, "mesh")},
    "policy_config/istio__istio__virtual-service-reviews-test-v2.yaml": {"traffic_management": (1, 0, "mesh")},
    "policy_config/istio__istio__destination-rule-all-mtls.yaml": {"mtls": (4, 0, "mesh")},
    "policy_config/kiali__kiali__bookinfo-reviews-all-cb.yaml": {"circuit_breaking": (1, 0, "mesh")},
    "app_manifests/GoogleCloudPlatform__microservices-demo__onlineboutique_istio.yaml": {
        # the frontend's HTTPRoute; its AuthorizationPolicies and Sidecars are not in this file
        "gateway_api": (1, 0, "edge"),
    },
}


@pytest.mark.parametrize("file", BY_HAND)
def test_online_boutique_and_bookinfo_show_what_their_objects_use(file: str, fixtures: Path) -> None:
    """The needs of the two example applications are those that were counted by hand in their files."""
    assert used(fixtures / file) == BY_HAND[file]


def test_no_need_is_without_an_object(shared: Path) -> None:
    """Over all fixtures and field dumps each need names an object that stands in the dump."""
    kinds = ("cluster_dump", "mesh_pods", "support_bundle", "policy_config", "app_manifests")
    folders = [shared / "field" / "dumps", *(shared / "fixtures" / kind for kind in kinds)]
    for path in (path for folder in folders for path in sorted(folder.iterdir())):
        try:
            rows = read_facts([path])["needs"]["used"]
        except MeshlabError:
            continue
        text = path.read_text(encoding="utf-8") if rows else ""
        for row in rows:
            kind, _, place = row["example"].partition(" ")
            assert row["objects"] > 0
            assert kind in text
            assert place.rpartition("/")[2] in text


# --- what is installed and serves nobody ------------------------------------------------------------------------------


def pod(
    name: str, image: str, *, namespace: str = "istio-system", labels: dict[str, str] | None = None, **more: object
) -> str:
    """A pod with one container, or with another beside it."""
    asks = {"requests": {"cpu": "100m", "memory": "128Mi"}}
    proxy = {"name": "istio-proxy" if "proxyv2" in image else "main", "image": image, "resources": asks}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
            "spec": {"containers": [proxy, *([more["beside"]] if "beside" in more else [])]},
            "status": {"phase": "Running"},
        }
    )


ISTIO = [
    pod("istiod-1", "docker.io/istio/pilot:1.26.1", labels={"app": "istiod"}),
    pod("egress-1", "docker.io/istio/proxyv2:1.26.1", labels={"istio": "egressgateway"}),
    pod("egress-2", "docker.io/istio/proxyv2:1.26.1", labels={"istio": "egressgateway"}),
    pod("a-1", "docker.io/istio/proxyv2:1.26.1", namespace="shop", beside={"name": "a", "image": "a:1"}),
]


def unused(tmp_path: Path, *objects: str) -> dict[str, tuple[int, float, float]] | None:
    """Features that are told to be unused in a cluster of Istio with these objects, with pods, cores and memory."""
    file = tmp_path / "dump.json"
    file.write_text("\n".join([*ISTIO, *objects]), encoding="utf-8")
    rows = read_facts([file])["needs"]["installed_unused"]
    return rows and {row["feature"]: (row["pods"], row["cpu_request_cores"], row["memory_request_gib"]) for row in rows}


def test_what_nobody_asks_for_is_told_with_its_cost(tmp_path: Path) -> None:
    """Sidecars and egress gateways that no object uses are listed with their pods and what they ask for."""
    plain = '{"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"}, "spec": {}}'

    assert unused(tmp_path, plain) == {"sidecars": (1, 0.1, 0.125), "egress-gateways": (2, 0.2, 0.25)}


def test_what_somebody_asks_for_is_in_use(tmp_path: Path) -> None:
    """A policy between workloads uses the sidecars, a Gateway the egress gateway; one at the edge uses no sidecar."""
    strict, out, edge = (
        next(as_json(each) for each in EVERYTHING if f"name: {name}," in each)
        for name in ("strict", "out", "at-the-gateway")
    )

    assert unused(tmp_path, strict, out) == []
    assert (unused(tmp_path, edge, out) or {}).keys() == {"sidecars"}


def test_nothing_is_called_unused_where_its_use_could_not_be_seen(tmp_path: Path) -> None:
    """Pods alone do not show whether anybody uses a mesh, and the fact says so."""
    assert unused(tmp_path) is None


# --- secrets, and odd input ------------------------------------------------------------------------------------------


def test_names_of_examples_are_hidden_and_contents_never_kept(tmp_path: Path) -> None:
    """With names hidden the example shows its kind alone; hosts, paths and header values are in no answer."""
    file = tmp_path / "secret.yaml"
    file.write_text(
        """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: planted-name, namespace: planted-space}
spec:
  hosts: [planted-host.example.com]
  http:
    - match: [{headers: {authorization: {exact: Bearer planted-token}}, method: {exact: planted-method}}]
      route: [{destination: {host: planted-target}}]
      timeout: 7s
""",
        encoding="utf-8",
    )

    assert "planted-name" in json.dumps(read_facts([file]))
    assert "planted" not in json.dumps(read_facts([file], anonymize=True, explain=True))
    shown = json.dumps(read_facts([file], explain=True))
    assert not any(f"planted-{what}" in shown for what in ("host", "token", "method", "target"))


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("abc0/.*", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted({*need_rows()["kind"]})),
    st.sampled_from(sorted({*need_rows()["groups"].drop_nulls()})),
    SHAPES,
)
def test_any_shape_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, kind: str, groups: str, spec: object
) -> None:
    """An object of whatever shape never ends in a traceback, and counts as one object at most."""
    file = tmp_path_factory.mktemp("any") / "any.json"
    name = kind.partition("/")[2] or "a"
    group = groups.partition("|")[0]
    whole = {"apiVersion": f"{group}/v1", "kind": kind.partition("/")[0], "metadata": {"name": name}, "spec": spec}
    file.write_text(json.dumps(whole), encoding="utf-8")
    try:
        found = used(file)
    except MeshlabError:
        return
    assert all(objects == 1 for objects, _, _ in found.values())


def test_placed_rows_need_no_text() -> None:
    """Without any text nothing is asked for, and the columns are the same."""
    texts = pl.LazyFrame(schema={"id": pl.Int64, "field": pl.String, "text": pl.String})
    objects = pl.LazyFrame(schema=dict.fromkeys(("group", "namespace", "name"), pl.String) | {"id": pl.Int64})

    assert asked(texts, objects).collect().is_empty()
