"""Secrets in a dump stay in the dump: they are in no fact, no message, and no object that a reader gives out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml
from facts_dumps import Object, container, listed, node, pod, resource, tar_gz

from meshlab.cluster.audit import audit
from meshlab.cluster.facts import read_facts, scenario_values
from meshlab.cluster.facts.json_reader import read_json
from meshlab.cluster.facts.read import read_key
from meshlab.cluster.facts.yaml_reader import read_yaml
from meshlab.errors import MeshlabError
from meshlab.files import pretty_json
from meshlab.reviews.cases import open_path
from meshlab.reviews.migration import plans
from meshlab.reviews.review import open_review
from meshlab.show import report
from meshlab.show.runbooks import runbook

SECRET = "hunter2-correct-horse-battery-staple"  # noqa: S105  (it is meant to be looked for)
ENCODED = base64.b64encode(SECRET.encode()).decode()
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
APPLIED = {LAST_APPLIED: json.dumps({"spec": {"env": SECRET}})}


def with_container(**fields: object) -> Object:
    """A pod whose one container has the fields."""
    return pod(containers=[container(**fields)])


def with_spec(**fields: object) -> Object:
    """A pod whose specification has the fields."""
    return pod(**fields)


def with_metadata(item: Object, **fields: object) -> Object:
    """The object with more metadata."""
    item["metadata"].update(fields)
    return item


def with_status(item: Object, **fields: object) -> Object:
    """The object with more status."""
    item.setdefault("status", {}).update(fields)
    return item


def deployment(**pod_metadata: object) -> Object:
    """A Deployment whose template has the metadata, and a secret in its environment."""
    template = {"metadata": pod_metadata, "spec": {"containers": [container(env=[{"name": "A", "value": SECRET}])]}}
    return resource("Deployment", "apps/v1", "web", "shop", spec={"replicas": 1, "template": template})


PLACES: dict[str, Object] = {
    "Secret data": resource("Secret", "v1", data={"password": ENCODED}),
    "Secret data, not encoded": resource("Secret", "v1", data={"password": SECRET}),
    "Secret stringData": resource("Secret", "v1", stringData={"password": SECRET}),
    "Secret annotation": with_metadata(resource("Secret", "v1"), annotations=APPLIED),
    "Secret of a Helm release": resource("Secret", "v1", type="helm.sh/release.v1", data={"release": ENCODED}),
    "Secret with a registry's password": resource("Secret", "v1", data={".dockerconfigjson": ENCODED}),
    "TLS key": resource("Secret", "v1", type="kubernetes.io/tls", data={"tls.key": ENCODED, "tls.crt": SECRET}),
    "token of a service account": resource("ServiceAccount", "v1", secrets=[{"name": SECRET}]),
    "ConfigMap data": resource("ConfigMap", "v1", "settings", data={"application.properties": f"password={SECRET}"}),
    "ConfigMap binaryData": resource("ConfigMap", "v1", "settings", binaryData={"key": ENCODED}),
    "ConfigMap with a wanted key": resource("ConfigMap", "v1", "settings", data={"mtu": SECRET}),
    "wanted ConfigMap, other key": resource("ConfigMap", "v1", "cilium-config", data={"etcd-config": SECRET}),
    "wanted ConfigMap, wanted key": resource("ConfigMap", "v1", "cilium-config", data={"mtu": SECRET}),
    "wanted ConfigMap of Calico": resource("ConfigMap", "v1", "calico-config", data={"cni_network_config": SECRET}),
    "kubeconfig in a ConfigMap": resource("ConfigMap", "v1", "kubeconfig", data={"config": f"token: {SECRET}"}),
    "environment": with_container(env=[{"name": "PASSWORD", "value": SECRET}]),
    "environment of an init container": pod(initContainers=[container(env=[{"name": "A", "value": SECRET}])]),
    "environment of an ephemeral container": pod(ephemeralContainers=[container(env=[{"name": "A", "value": SECRET}])]),
    "environment of a proxy": pod(
        containers=[container(), container("istio-proxy", env=[{"name": "A", "value": SECRET}])]
    ),
    "name of an environment variable": with_container(env=[{"name": SECRET, "value": "1"}]),
    "environment from a secret": with_container(envFrom=[{"secretRef": {"name": SECRET}}]),
    "arguments": with_container(args=["--password", SECRET]),
    "command": with_container(command=["sh", "-c", f"login {SECRET}"]),
    "arguments of kube-proxy": with_container(
        name="kube-proxy", args=["--proxy-mode", SECRET, f"--config={SECRET}", f"--run-router={SECRET}", SECRET]
    ),
    "command of kube-proxy": with_container(name="kube-proxy", command=["sh", "-c", f"kube-proxy --config {SECRET}"]),
    "image": with_container(image=f"registry.example.com/{SECRET}/app:1"),
    "image's tag": with_container(image=f"registry.example.com/app:{SECRET}"),
    "container's name": with_container(name=SECRET),
    "probe's header": with_container(livenessProbe={"httpGet": {"httpHeaders": [{"name": "A", "value": SECRET}]}}),
    "probe's command": with_container(readinessProbe={"exec": {"command": [SECRET]}}),
    "lifecycle hook": with_container(lifecycle={"preStop": {"exec": {"command": [SECRET]}}}),
    "working directory": with_container(workingDir=f"/home/{SECRET}"),
    "volume": with_spec(volumes=[{"name": "a", "csi": {"volumeAttributes": {"password": SECRET}}}]),
    "projected token": with_spec(volumes=[{"name": "a", "projected": {"sources": [{"secret": {"name": SECRET}}]}}]),
    "image pull secret": with_spec(imagePullSecrets=[{"name": SECRET}]),
    "host alias": with_spec(hostAliases=[{"ip": "10.0.0.1", "hostnames": [SECRET]}]),
    "node's name in a pod": with_spec(nodeName=SECRET),
    "pod's name": pod(SECRET),
    "pod's namespace": pod(namespace=SECRET),
    "pod's last applied configuration": with_metadata(pod(), annotations=APPLIED),
    "pod's other annotation": with_metadata(pod(), annotations={"vault.hashicorp.com/agent-inject-token": SECRET}),
    "pod's mesh annotation": with_metadata(pod(), annotations={"ambient.istio.io/redirection": SECRET}),
    "pod's sidecar status": with_metadata(pod(), annotations={"sidecar.istio.io/status": SECRET}),
    "pod's label": with_metadata(pod(), labels={"app": SECRET}),
    "pod's managed fields": with_metadata(pod(), managedFields=[{"fieldsV1": {"f:data": {f"f:{SECRET}": {}}}}]),
    "pod's owner": with_metadata(pod(), ownerReferences=[{"kind": SECRET, "name": SECRET}]),
    "pod's phase": pod(phase=SECRET),
    "pod's status message": with_status(pod(), message=SECRET),
    "container's state": with_status(pod(), containerStatuses=[{"state": {"terminated": {"message": SECRET}}}]),
    "template's annotation": deployment(annotations=APPLIED),
    "template's label": deployment(labels={"app": SECRET}),
    "quantity": with_container(resources={"requests": {"cpu": SECRET}}),
    "node's annotation": with_metadata(node(), annotations={"k3s.io/node-args": f'["--token","{SECRET}"]'}),
    "node's wanted annotation": with_metadata(node(), annotations={"flannel.alpha.coreos.com/backend-type": SECRET}),
    "node's label": with_metadata(node(), labels={"team": SECRET}),
    "node's provider": resource("Node", "v1", "n", spec={"providerID": f"aws:///{SECRET}"}),
    "node's condition": with_status(node(), conditions=[{"type": "NetworkUnavailable", "reason": SECRET}]),
    "node's address": with_status(node(), addresses=[{"type": "InternalIP", "address": SECRET}]),
    "certificate of a webhook": resource(
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
        webhooks=[{"clientConfig": {"caBundle": SECRET}}],
    ),
    "custom resource": resource("Widget", "example.com/v1", spec={"password": SECRET}),
    "policy's path": resource(
        "AuthorizationPolicy",
        "security.istio.io/v1",
        spec={"rules": [{"to": [{"operation": {"paths": [f"/{SECRET}"]}}]}]},
    ),
    "policy's principal": resource(
        "AuthorizationPolicy",
        "security.istio.io/v1",
        spec={"rules": [{"from": [{"source": {"requestPrincipals": [SECRET]}}]}]},
    ),
    "policy's condition": resource(
        "AuthorizationPolicy",
        "security.istio.io/v1",
        spec={"rules": [{"when": [{"key": "request.auth", "values": [SECRET]}]}]},
    ),
    "route's header": resource(
        "VirtualService", "networking.istio.io/v1", spec={"http": [{"headers": {"request": {"set": {"A": SECRET}}}}]}
    ),
    "mutual TLS mode": resource(
        "PeerAuthentication", "security.istio.io/v1", "a", "istio-system", spec={"mtls": {"mode": SECRET}}
    ),
    "kubeconfig under a key that is read elsewhere": resource(
        "ConfigMap", "v1", "kubeconfig", data={"config": f"token: {SECRET}", "config.conf": SECRET}
    ),
    "k3s's arguments": with_metadata(
        node(), annotations={"k3s.io/node-args": f'["server","--token","{SECRET}","--disable-network-policy"]'}
    ),
    "pod's networks": with_metadata(
        pod(), annotations={"k8s.v1.cni.cncf.io/network-status": f'[{{"name":"{SECRET}","default":true}}]'}
    ),
    "namespace's label": with_metadata(resource("Namespace", "v1"), labels={"istio.io/rev": SECRET}),
    "key of a namespace's label": with_metadata(resource("Namespace", "v1"), labels={f"{SECRET}/mesh-inject": "x"}),
    "name of a webhook": resource(
        "MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", f"sidecar-injector-{SECRET}"
    ),
    "environment of a DaemonSet": resource(
        "DaemonSet",
        "apps/v1",
        spec={"template": {"spec": {"containers": [container("calico-node", env=[{"name": "A", "value": SECRET}])]}}},
        status={"desiredNumberScheduled": 1},
    ),
    "network's type": resource("Network", "config.openshift.io/v1", status={"networkType": SECRET}),
    "password of a BGP peer": resource(
        "BGPPeer", "projectcalico.org/v3", spec={"password": {"secretKeyRef": {"name": SECRET, "key": SECRET}}}
    ),
}
"""An object for each place in which a secret was seen in a dump, or could be."""

BROKEN: dict[str, Object] = {
    "kernel": {**node(), "status": {"nodeInfo": {"kernelVersion": [SECRET]}}},
    "containers": pod(containers=SECRET),
    "container": pod(containers=[SECRET]),
    "metadata": {**pod(), "metadata": SECRET},
    "replicas": resource("Deployment", "apps/v1", spec={"replicas": SECRET}),
    "annotations": with_metadata(node(), annotations=[SECRET]),
    "config": resource("ConfigMap", "v1", "cilium-config", data=SECRET),
    "host network": pod(hostNetwork=SECRET),
}
"""Objects of which a secret makes the field that is read one of another type."""


def outputs(path: Path) -> bytes:
    """All that may be seen of a dump: facts with and without names, what they supply, or the error."""
    seen = []
    for anonymize in (False, True):
        try:
            explained = read_facts([path], anonymize=anonymize, explain=True)
            facts = {key: value for key, value in explained.items() if key != "evidence"}
            names = {"first", "from"} if not anonymize else set()  # objects are named, but never what they hold
            rows = [row for of_fact in explained["evidence"].values() for row in of_fact]
            seen += [json.dumps(facts), repr(scenario_values(facts))]
            seen += [json.dumps({key: value for key, value in row.items() if key not in names}) for row in rows]
        except MeshlabError as error:
            seen += [str(error), repr(error.problems)]
    return "\n".join(seen).encode()


def assert_nothing_leaks(seen: bytes) -> None:
    """Neither the secret nor a part of it is in the bytes, plain or encoded."""
    for word in (SECRET, ENCODED, SECRET[:12], SECRET[-12:], ENCODED[:16]):
        assert word.encode() not in seen


def test_there_are_enough_places() -> None:
    """At least fifty kinds of place are tried."""
    assert len(PLACES) >= 50


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_in_no_output(place: str, tmp_path: Path) -> None:
    """A secret in that place is in no byte of what is shown, from JSON and from YAML."""
    for name, text in (("a.json", json.dumps(PLACES[place])), ("b.yaml", yaml.safe_dump(PLACES[place]))):
        assert SECRET in text or ENCODED in text
        (tmp_path / name).write_text(text)
        assert_nothing_leaks(outputs(tmp_path / name))


@pytest.mark.parametrize("place", BROKEN)
def test_a_secret_of_the_wrong_type_is_in_no_message(place: str, tmp_path: Path) -> None:
    """The words that refuse an object name the field, not the value in it."""
    for name, text in (("a.json", json.dumps(BROKEN[place])), ("b.yaml", yaml.safe_dump(BROKEN[place]))):
        (tmp_path / name).write_text(text)
        assert_nothing_leaks(outputs(tmp_path / name))


VALUES = (
    *("Secret", "TLS key", "ConfigMap", "wanted ConfigMap", "kubeconfig", "environment of", "arguments", "command"),
    *("probe", "lifecycle", "volume", "working", "pod's last", "pod's other", "pod's managed", "pod's status"),
    *("container's state", "template's annotation", "node's annotation", "node's provider", "custom", "route's"),
    *("policy's condition", "certificate", "k3s's"),
)
"""How places begin that hold values: names of objects are shown in reports, and are no secrets."""


def test_a_secret_is_in_no_report(tmp_path: Path) -> None:
    """Neither a review in any text form, nor an audit, nor a plan with its runbook holds a value of an object."""
    mode = resource("ConfigMap", "v1", "kube-proxy", "kube-system", data={"config.conf": f"mode: {SECRET}\n"})
    calico = {"kind": "DaemonSet", "metadata": {"name": "calico-node", "namespace": "kube-system"}}
    felix = resource("FelixConfiguration", "projectcalico.org/v3", "default", spec={"bpfEnabled": True})
    values = [item for place, item in PLACES.items() if place.startswith(VALUES)]
    dump = tmp_path / "dump.json"
    dump.write_text(json.dumps(listed(*values, mode, {"apiVersion": "apps/v1", **calico}, felix, node("a"), pod("b"))))
    review = open_review(dump)
    (plan,) = plans([open_path(dump)], "calico+istio-sidecar", "cilium+none")
    pages = (pretty_json(review), report.markdown_page(review), report.decision_record(review))
    texts = (*pages, json.dumps(audit([dump])), json.dumps(plan, default=str), *runbook(plan).values())
    assert len(values) > 40
    assert_nothing_leaks("\n".join(texts).encode())


def test_all_places_together_leak_nothing(tmp_path: Path) -> None:
    """A bundle of all places, with the files that are never read beside them, gives facts without a secret."""
    everything = [*PLACES.values(), *BROKEN.values(), node("a"), pod("b")]
    files = {
        "bundle/cluster-resources/all.json": json.dumps(listed(*everything)),
        "bundle/cluster-resources/all.yaml": yaml.safe_dump(listed(*everything)),
        "bundle/cluster/secrets": yaml.safe_dump(listed(PLACES["Secret data, not encoded"])),
        "bundle/namespaces/shop/core/secrets.yaml": yaml.safe_dump(PLACES["Secret stringData"]),
        "bundle/cluster-resources/custom-resources/widgets.yaml": yaml.safe_dump(PLACES["custom resource"]),
        "bundle/cluster-resources/pods-errors.json": json.dumps([SECRET]),
        "bundle/logs/app.json": json.dumps({"kind": "log", "apiVersion": SECRET}),
    }

    bundle = tar_gz(tmp_path / "bundle.tar.gz", files)
    seen = outputs(bundle)
    assert b'"nodes": {"count": ' in seen
    assert_nothing_leaks(seen)
    for anonymize in (False, True):  # facts that are not explained are those of ``outputs``
        assert json.dumps(read_facts([bundle], anonymize=anonymize)).encode() in seen


UNREAD = [
    place
    for place in PLACES
    if place.startswith(
        ("Secret", "TLS", "token", "environment", "arguments", "command", "probe", "volume", "projected", "kubeconfig")
    )
    or place in ("pod's other annotation", "pod's last applied configuration", "template's annotation")
]
"""Places whose content no type of ours names."""


@pytest.mark.parametrize("place", UNREAD)
def test_readers_do_not_even_build_secrets(place: str) -> None:
    """Environment, arguments, Secrets and last-applied annotations never become a value in an object."""
    for reader, text in ((read_json, json.dumps(PLACES[place])), (read_yaml, yaml.safe_dump(PLACES[place]))):
        for found in reader(text.encode(), "dump"):
            assert_nothing_leaks(msgspec.json.encode([found.value, found.evidence, found.flags, found.fault]))


def test_anonymous_facts_hold_no_names(tmp_path: Path) -> None:
    """Names of files, folders and the cluster become hashes, the same within a run; figures stay as they are."""
    folder = tmp_path / "acme-prod"
    folder.mkdir()
    infrastructure = resource("Infrastructure", "config.openshift.io/v1", status={"infrastructureName": "acme-x7k"})
    broken = node("acme-node-7")
    broken["status"]["nodeInfo"] = 7
    (folder / "acme.json").write_text(json.dumps(listed(infrastructure, node("a"), broken, pod(namespace="acme-shop"))))

    plain, hidden, again = read_facts([folder]), *(read_facts([folder], anonymize=True) for _ in range(2))
    assert "acme" in json.dumps(plain)
    assert "acme" not in json.dumps(hidden)
    assert hidden == again
    counted = [
        name for name in plain["nodes"] if name not in ("kernels", "os_images", "kernel_oldest", "kernel_newest")
    ]
    assert [hidden["nodes"][name] for name in counted] == [plain["nodes"][name] for name in counted]
    assert hidden["name"] != hidden["collected_from"][0]


# --- hashes --------------------------------------------------------------------------------------------------------

WORDS = "acme prod shop payments web api db cache staging dev eu us east west blue green core edge data infra".split()
DICTIONARY = [
    f"{first}{mark}{second}{end}"
    for first in WORDS
    for second in WORDS
    for mark in ("-", "_", ".", "")
    for end in ("", *(f"-{number}" for number in range(1, 41)))
]
"""Names that somebody would try first: one of them is the cluster's."""


def facts_of_another_run(path: Path, *words: str) -> str:
    """What the command prints, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "meshlab", "facts", str(path), "--format", "json", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_dictionary_finds_no_name(tmp_path: Path) -> None:
    """Of 65,000 likely names, hashed in all the usual ways, none is found; without a key, the bytes differ by run."""
    assert len(DICTIONARY) > 65_000
    name = "payments-prod-7"
    assert name in DICTIONARY
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(node("a")))
    first, second = (facts_of_another_run(path, "--anonymize") for _ in range(2))
    assert first != second
    shown = set(re.findall(r"[0-9a-f]{8,}", first))
    assert shown
    for likely in DICTIONARY:
        for text in (likely, f"{likely}.json", f"name-{likely}"):
            for kind in ("sha256", "sha1", "md5", "blake2b", "sha512"):
                digest = hashlib.new(kind, text.encode()).hexdigest()
                assert not any(digest.startswith(each) for each in shown)


def test_a_key_file_makes_runs_comparable(tmp_path: Path) -> None:
    """Under one key the bytes are the same, under another all names differ, and a short key is refused."""
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(node("a")))
    for name, key in (("one", b"k" * 32), ("two", b"l" * 32), ("short", b"abc")):
        (tmp_path / name).write_bytes(key)
    one, again, two = (read_facts([path], anonymize=read_key(tmp_path / name)) for name in ("one", "one", "two"))
    assert one == again
    assert not {one["name"], *one["collected_from"]} & {two["name"], *two["collected_from"]}
    with pytest.raises(MeshlabError, match="shorter than 16 bytes"):
        read_key(tmp_path / "short")


def test_free_text_is_reduced_to_what_is_needed(tmp_path: Path) -> None:
    """Of what an administrator chose, versions and families of systems stay, and counts are added up."""
    nodes = []
    for number, (image, kernel) in enumerate(
        [("Ubuntu 22.04.3 LTS (acme hardened)", "5.15.0-acme-prod"), ("AcmeOS 3", "5.15.0-other"), ("AcmeOS 4", "acme")]
    ):
        each = node(f"n{number}")
        each["status"]["nodeInfo"] |= {"osImage": image, "kernelVersion": kernel, "kubeletVersion": "v1.28.3-acme.7"}
        nodes.append(each)
    (tmp_path / "dump.json").write_text(json.dumps(listed(*nodes)))
    found = read_facts([tmp_path / "dump.json"], anonymize=True)
    assert found["nodes"]["os_images"] == {"Ubuntu 22.04.3": 1, "other": 2}
    assert found["nodes"]["kernels"] == {"5.15.0": 2, "other": 1}
    assert found["nodes"]["kubernetes_versions"] == {"v1.28.3": 3}
    assert "acme" not in json.dumps(found).lower()
