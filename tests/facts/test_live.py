"""Facts of a live cluster, by the real kubectl against a server on loopback that serves recorded lists."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from facts.kube_api import RESOURCES, KubeApi, by_resource, cut, kubeconfig, serving, status

from meshlab.cluster.facts.live import ATTEMPTS, read_live
from meshlab.cluster.facts.objects import TYPES
from meshlab.cluster.facts.paths import need_rows, signature_fields
from meshlab.cluster.facts.read import read_facts
from meshlab.errors import MeshlabError
from meshlab.tables import read_table

PODS = 1200


@pytest.fixture(scope="module")
def kubectl() -> str:
    """The real kubectl: skipped where it is absent, required in CI."""
    found = shutil.which("kubectl")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs kubectl")
        pytest.skip("kubectl is not installed")
    return found


@pytest.fixture(scope="module")
def recorded(fixtures: Path) -> dict[str, list[dict]]:
    """Real nodes, and the pods of Istio's bookinfo copied to more than two chunks of them."""
    nodes = json.loads((fixtures / "cluster_dump/replicatedhq__troubleshoot__nodes.json").read_text())
    pods = json.loads((fixtures / "mesh_pods/np-guard__network-config-analyzer__bookinfo_pods_list.json").read_text())
    objects = [{"kind": "Node", **node} for node in nodes["items"]]
    for number in range(PODS):
        pod = deepcopy(pods["items"][number % len(pods["items"])])
        pod["metadata"]["name"] = f"pod-{number}"
        objects.append({"kind": "Pod", **pod})
    objects.append({"kind": "Secret", "metadata": {"name": "s", "namespace": "default"}, "data": {"k": "aHVudGVyMg=="}})
    return by_resource([json.loads(json.dumps(one)) for one in objects])


@pytest.fixture
def api(recorded: dict[str, list[dict]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    """A running server whose context, prod, is in the kubeconfig."""
    with serving(KubeApi(recorded)) as running:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, running.url)))
        monkeypatch.setenv("HOME", str(tmp_path))
        yield running


def read(kubectl: str) -> tuple[dict, list[float]]:
    """Facts of the context prod, and the pauses that were made."""
    pauses: list[float] = []
    return read_live("prod", kubectl=kubectl, pause=pauses.append), pauses


@pytest.mark.usefixtures("api")
def test_live_facts_are_those_of_a_dump(kubectl: str, recorded: dict, tmp_path: Path) -> None:
    """A live cluster gives the facts that a dump of the same objects gives."""
    dump = tmp_path / "dump.json"
    everything = [one for resource, items in recorded.items() if resource != "secrets" for one in items]
    dump.write_text(
        json.dumps({"kind": "List", "apiVersion": "v1", "items": [{"apiVersion": "v1", **one} for one in everything]})
    )

    live, _ = read(kubectl)

    dumped = read_facts([dump])
    assert live["nodes"] == dumped["nodes"]
    assert live["mesh"] == dumped["mesh"]
    assert live["cni"] | {"bgp_peers": None} == dumped["cni"] | {"bgp_peers": None}
    assert live["workload"]["pods"] == dumped["workload"]["pods"] == PODS
    assert live["name"] == "prod"
    assert live["collected_from"] == ["prod"]
    assert live["provenance"]["workload.pods"]["from"] == "prod:/api/v1/pods"


def test_large_lists_come_in_chunks(api: KubeApi, kubectl: str) -> None:
    """1200 pods are asked for 500 at a time, each chunk by the token of the one before it."""
    read(kubectl)

    assert [one.get("continue", [""])[0] for one in api.asked("pods")] == ["", "500", "1000"]
    assert {one["limit"][0] for one in api.asked("pods")} == {"500"}


def test_nothing_but_gets_arrives_and_secrets_are_never_asked_for(api: KubeApi, kubectl: str) -> None:
    """Every request is a GET, none is for Secrets, and of config maps only named ones are asked for."""
    read(kubectl)

    assert {method for method, _ in api.requests} == {"GET"}
    assert api.asked("secrets") == []
    selected = {one["fieldSelector"][0] for one in api.asked("configmaps")}
    assert {"metadata.name=cilium-config", "metadata.name=kube-proxy"} <= selected
    assert {one.partition("=")[0] for one in selected} == {"metadata.name"}


@pytest.mark.usefixtures("api")
def test_kinds_that_the_server_does_not_know_are_counted_as_none(kubectl: str) -> None:
    """A cluster without the resources of Istio and Cilium has no layer 7 policies, rather than unknown ones."""
    facts, _ = read(kubectl)

    assert facts["policy"]["l7_policies"] == 0
    assert facts["policy"]["network_policies"] == 0


def test_a_forbidden_kind_leaves_its_facts_unknown_and_says_why(api: KubeApi, kubectl: str) -> None:
    """Where nodes may not be listed, their facts are unknown for that reason, and all others are read."""
    api.fail("nodes", status(403, "Forbidden"))

    facts, _ = read(kubectl)

    assert set(facts["nodes"].values()) == {None}
    assert facts["provenance"]["nodes.count"] == {
        "status": "unknown",
        "from": None,
        "why": "the user of this context may not list Node",
    }
    assert facts["workload"]["pods"] == PODS
    assert "hunter2" not in json.dumps(facts)


def test_a_kind_that_is_only_part_of_a_count_leaves_the_count_unknown(api: KubeApi, kubectl: str) -> None:
    """A number of policies is not told where one kind of policy may not be listed."""
    api.fail("networkpolicies", status(403, "Forbidden"))

    facts, _ = read(kubectl)

    assert facts["policy"]["network_policies"] is None
    assert facts["policy"]["l7_policies"] == 0


def test_a_busy_server_is_asked_again(api: KubeApi, kubectl: str) -> None:
    """After 429 with Retry-After the list is asked for again, by kubectl itself, and is whole."""
    api.fail("nodes", status(429, "TooManyRequests", Retry_After="1"))

    facts, pauses = read(kubectl)

    assert len(api.asked("nodes")) == 2
    assert facts["nodes"]["count"] is not None
    assert pauses == []


def test_a_busy_server_without_a_time_is_asked_again_after_growing_pauses(api: KubeApi, kubectl: str) -> None:
    """After 429 without Retry-After the pauses double, and the number of attempts is bounded."""
    api.fail("nodes", *[status(429, "TooManyRequests")] * 2)

    facts, pauses = read(kubectl)

    assert facts["nodes"]["count"] is not None
    assert pauses == [1.0, 2.0]

    api.fail("nodes", *[status(429, "TooManyRequests")] * 100)
    with pytest.raises(MeshlabError, match=f"too busy, {ATTEMPTS} times in a row; try again later"):
        read(kubectl)


def test_a_connection_that_breaks_is_tried_again_then_told(api: KubeApi, kubectl: str) -> None:
    """A list that breaks off is asked for again; if it always does, the message says so."""
    api.fail("pods", None, cut)
    facts, pauses = read(kubectl)
    assert facts["workload"]["pods"] == PODS
    assert pauses == [1.0]

    api.fail("pods", *[cut] * 100)
    with pytest.raises(MeshlabError, match=f"context prod: the connection broke, {ATTEMPTS} times in a row"):
        read(kubectl)


def test_a_list_that_expires_begins_again(api: KubeApi, kubectl: str) -> None:
    """Where the rest of a list is gone, the list begins again and each pod counts once."""
    api.fail("pods", None, status(410, "Expired"))

    facts, _ = read(kubectl)

    assert [one.get("continue", [""])[0] for one in api.asked("pods")] == ["", "500", "", "500", "1000"]
    assert facts["workload"]["pods"] == PODS


def test_a_failed_login_is_told_without_the_servers_words(api: KubeApi, kubectl: str) -> None:
    """A 401 is a failed login; what the server wrote, here a token, is not in the message."""
    api.fail("apis", status(401, "Unauthorized"))

    with pytest.raises(MeshlabError, match="the login failed; log in as for kubectl") as refusal:
        read(kubectl)

    assert "hunter2" not in str(refusal.value)


def test_a_user_who_may_list_nothing_is_told(api: KubeApi, kubectl: str) -> None:
    """Where every kind that the server has is forbidden there are no facts but an error."""
    for names in RESOURCES.values():
        for resource in names:
            api.fail(resource, *[status(403, "Forbidden")] * 50)

    with pytest.raises(MeshlabError, match="context prod: may list nothing; ask for the right to get and list"):
        read(kubectl)


def test_a_context_that_is_not_there_is_named(api: KubeApi, kubectl: str) -> None:
    """An unknown context is an error that names it and sends no request."""
    with pytest.raises(MeshlabError, match="context nope: no such context; list the contexts"):
        read_live("nope", kubectl=kubectl)
    with pytest.raises(MeshlabError, match="context --as=root: no such context"):
        read_live("--as=root", kubectl=kubectl)

    assert api.requests == []


def test_a_server_that_does_not_run_is_told(kubectl: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody answers for is told after the attempts are used up."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, "http://127.0.0.1:1")))

    with pytest.raises(MeshlabError, match=f"cannot be reached, {ATTEMPTS} times in a row"):
        read_live("prod", kubectl=kubectl, pause=lambda _seconds: None)


def test_a_kubectl_that_is_not_there_is_told() -> None:
    """A program that does not exist is an error that says what to install."""
    with pytest.raises(MeshlabError, match=r"no-such-kubectl: cannot be started: .*; install kubectl"):
        read_live("prod", kubectl="no-such-kubectl")


@pytest.fixture
def routes(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> KubeApi:
    """The same server with Istio's resources, and one route of two weights."""
    served = {"virtualservices": "VirtualService", "sidecars": "Sidecar"}
    monkeypatch.setitem(RESOURCES, "/apis/networking.istio.io/v1", served)
    route = [{"destination": {"host": "a"}, "weight": 90}, {"destination": {"host": "b"}, "weight": 10}]
    split = {"metadata": {"name": "split", "namespace": "shop"}, "spec": {"http": [{"route": route}]}}
    monkeypatch.setitem(api.objects, "virtualservices", [split])
    return api


@pytest.mark.usefixtures("routes")
def test_needs_in_use_are_those_of_live_objects(kubectl: str) -> None:
    """Kinds that show needs are listed where the server knows them, those that no fact else is read from, too."""
    facts, _ = read(kubectl)

    expected = {"objects": 1, "namespaces": 1, "where": "mesh", "example": "VirtualService shop/split"}
    assert facts["needs"]["used"] == [{"need": "traffic_split", **expected}]
    assert facts["needs"]["installed_unused"] == []


def test_nothing_is_called_unused_where_a_kind_that_could_show_it_may_not_be_listed(
    routes: KubeApi, kubectl: str
) -> None:
    """Sidecar resources alone are forbidden: what else is in use is told, and nothing is said to be unused."""
    routes.fail("sidecars", *[status(403, "Forbidden")] * 9)

    facts, _ = read(kubectl)

    assert [row["need"] for row in facts["needs"]["used"]] == ["traffic_split"]
    assert facts["needs"]["installed_unused"] is None
    assert facts["provenance"]["needs.installed_unused"]["why"] == "the user of this context may not list Sidecar"


def test_every_kind_that_facts_are_read_from_is_listed() -> None:
    """The table of kinds to list holds every kind that facts look at, but those that pods stand for."""
    stand_ins = {"Deployment", "StatefulSet", "ReplicaSet", "DeploymentConfig", "ZtunnelConfigDump"}
    stand_ins |= {"CustomResourceDefinition"}
    wanted = set(TYPES) | set(signature_fields()) | set(read_table("facts/kinds")["kind"])
    listed = set(read_table("facts/live_kinds")["kind"]) | set(need_rows()["kind"].str.split("/").list.first())

    assert wanted - listed == stand_ins & wanted
    assert "Secret" not in listed
