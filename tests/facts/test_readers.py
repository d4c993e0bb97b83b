"""The same objects in every form that tools write them in give the same facts."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from facts_dumps import Object, asking, container, listed, node, pod, resource, tar_gz, write

from meshlab.cluster.facts import is_dump, read_facts
from meshlab.errors import MeshlabError

CLUSTER: list[Object] = [
    node("node-1", "5.4.0-1059-azure"),
    node("node-2"),
    resource("Namespace", "v1", "shop"),
    resource("Service", "v1", "web", "shop"),
    pod(
        "web-1", containers=[asking("250m", "64Mi"), asking("10m", "40Mi", "istio-proxy", image="istio/proxyv2:1.20.1")]
    ),
    pod("web-2", "kube-system", hostNetwork=True),
]


def essence(path: Path) -> dict[str, object]:
    """Facts without the names of files."""
    facts = read_facts([path])
    return {room: facts[room] for room in ("nodes", "cloud", "cni", "mesh", "workload", "policy", "refused")}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Facts of the cluster from one List in JSON."""
    return essence(write(tmp_path_factory.mktemp("reference"), *CLUSTER))


def test_the_reference_is_right(reference: dict[str, object]) -> None:
    """The List in JSON gives what its six objects hold."""
    assert reference["nodes"]["kernels"] == {"5.4.0-1059-azure": 1, "5.15.0-91-generic": 1}
    assert reference["nodes"]["kernel_oldest"] == "5.4.0-1059-azure"
    assert (reference["nodes"]["cpu_cores"], reference["nodes"]["memory_gib"]) == (8, 32)
    assert reference["workload"]["pods"] == 2
    assert reference["mesh"]["proxied_pods"] == 1


def indented(folder: Path) -> Path:
    """JSON as kubectl prints it."""
    path = folder / "dump.json"
    path.write_text(json.dumps(listed(*CLUSTER), indent=4))
    return path


def one_line(folder: Path) -> Path:
    """JSON without a single blank."""
    path = folder / "dump.json"
    path.write_text(json.dumps(listed(*CLUSTER), separators=(",", ":")))
    return path


def bare_list(folder: Path) -> Path:
    """A JSON list of objects without a List around it."""
    path = folder / "dump.json"
    path.write_text(json.dumps(CLUSTER))
    return path


def one_after_another(folder: Path) -> Path:
    """Several JSON documents in a file, as ``kubectl cluster-info dump`` prints them."""
    path = folder / "dump.json"
    path.write_text("\n".join(json.dumps(item, indent=4) for item in CLUSTER) + "\n")
    return path


def kinds_in_the_list_only(folder: Path) -> Path:
    """Typed Lists whose items do not repeat their kind, as the API server and sonobuoy write them."""
    for kind in ("Node", "Namespace", "Service", "Pod"):
        bare = [
            {key: item[key] for key in item if key not in ("kind", "apiVersion")}
            for item in CLUSTER
            if item["kind"] == kind
        ]
        (folder / f"{kind}.json").write_text(json.dumps(listed(*bare, kind=f"{kind}List")))
    return folder


def utf_16(folder: Path) -> Path:
    """What PowerShell writes."""
    path = folder / "dump.json"
    path.write_text(json.dumps(listed(*CLUSTER)), encoding="utf-16")
    return path


def yaml_appended(folder: Path) -> Path:
    """YAML of one command behind that of another, with nothing between them, as >> leaves it."""
    path = folder / "dump.yaml"
    path.write_text("".join(yaml.safe_dump(listed(*part)) for part in (CLUSTER[:2], CLUSTER[2:])))
    return path


def with_marks(folder: Path) -> Path:
    """Files of PowerShell that were put together: each keeps its byte order mark."""
    path = folder / "dump.yaml"
    path.write_text("---\n".join(f"\ufeff{yaml.safe_dump(item)}" for item in CLUSTER), encoding="utf-8")
    return path


def yaml_list(folder: Path) -> Path:
    """A List in YAML."""
    path = folder / "dump.yaml"
    path.write_text(yaml.safe_dump(listed(*CLUSTER)))
    return path


def yaml_lists_in_a_list(folder: Path) -> Path:
    """A List of Lists in YAML, as scripts put them together."""
    path = folder / "dump.yaml"
    path.write_text(yaml.safe_dump(listed(listed(*CLUSTER[:3]), listed(*CLUSTER[3:]))))
    return path


def yaml_documents(folder: Path) -> Path:
    """Several YAML documents, an empty one and comments between them."""
    path = folder / "dump.yml"
    path.write_text("# a comment\n---\n" + "---\n# nothing\n---\n".join(yaml.safe_dump(item) for item in CLUSTER))
    return path


def yaml_in_flow_style(folder: Path) -> Path:
    """YAML that is nearly JSON."""
    path = folder / "dump.yaml"
    path.write_text("# flow\n" + yaml.safe_dump(listed(*CLUSTER), default_flow_style=True))
    return path


def cluster_info_folder(folder: Path) -> Path:
    """The folder of ``kubectl cluster-info dump --output-directory``."""
    (folder / "nodes.json").write_text(json.dumps(listed(*CLUSTER[:2], kind="NodeList")))
    (folder / "namespaces.json").write_text(json.dumps(CLUSTER[2]))
    for namespace in ("shop", "kube-system"):
        (folder / namespace).mkdir()
        for plural, kind in (("pods", "Pod"), ("services", "Service")):
            items = [item for item in CLUSTER if item["kind"] == kind and item["metadata"]["namespace"] == namespace]
            (folder / namespace / f"{plural}.json").write_text(json.dumps(listed(*items, kind=f"{kind}List")))
        (folder / namespace / "logs.txt").write_text("kind: of a log\napiVersion: [")
    return folder


def archive(folder: Path) -> Path:
    """A bundle with YAML, JSON and a bundle within."""
    inner = tar_gz(folder / "inner.tgz", {"pods.json": json.dumps(listed(*CLUSTER[4:], kind="PodList"))})
    files = {
        "bundle/nodes.yaml": yaml.safe_dump(listed(*CLUSTER[:2])),
        "bundle/rest.json": json.dumps(listed(*CLUSTER[2:4])),
        "bundle/inner.tgz": inner.read_bytes(),
        "bundle/version": "4.8",
    }
    return tar_gz(folder / "bundle.tar.gz", files)


def twice(folder: Path) -> Path:
    """A folder in which every object stands twice, as must-gathers hold some."""
    write(folder, *CLUSTER, name="a.json")
    (folder / "b.yaml").write_text(yaml.safe_dump(listed(*CLUSTER)))
    return folder


FORMS = (
    *(indented, one_line, bare_list, one_after_another, kinds_in_the_list_only, utf_16, with_marks),
    *(
        yaml_list,
        yaml_appended,
        yaml_lists_in_a_list,
        yaml_documents,
        yaml_in_flow_style,
        cluster_info_folder,
        archive,
        twice,
    ),
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_the_form_of_a_dump_does_not_matter(
    form: Callable[[Path], Path], reference: dict[str, object], tmp_path: Path
) -> None:
    """A cluster's facts are the same from whatever form it is written in, and each form is known for a dump."""
    path = form(tmp_path)

    assert essence(path) == reference
    assert is_dump(path)


def test_several_paths_are_one_cluster(reference: dict[str, object], tmp_path: Path) -> None:
    """Facts of nodes in one file and of the rest in another belong together."""
    paths = [write(tmp_path, *CLUSTER[:2], name="a.json"), write(tmp_path, *CLUSTER[2:], name="b.json")]

    facts = read_facts(paths)
    assert {room: facts[room] for room in reference} == reference
    assert facts["collected_from"] == ["a.json", "b.json"]
    assert facts["provenance"]["nodes.count"]["from"] == "a.json"
    assert facts["provenance"]["workload.pods"]["from"] == "b.json"


def test_kinds_are_known_from_names_where_nothing_else_tells(tmp_path: Path) -> None:
    """Sonobuoy's bare lists of objects without kinds are known by the names of their files."""
    bare = [{key: item[key] for key in ("metadata", "spec", "status")} for item in CLUSTER[:2]]
    for name in ("resources/cluster/Nodes.json", "resources/cluster/core_v1_nodes.json"):
        path = tar_gz(tmp_path / "sonobuoy.tar.gz", {name: json.dumps(bare)})

        assert read_facts([path])["nodes"]["count"] == 2


def test_anchors_are_followed(tmp_path: Path) -> None:
    """What stands under an anchor, in keys that are kept or passed over, is read wherever an alias stands for it."""
    path = tmp_path / "dump.yaml"
    path.write_text(
        """
kind: Pod
apiVersion: v1
unknown: &unused {deep: [1, &inner 2]}
metadata: {name: &name web, namespace: shop, other: *unused, more: *inner}
spec:
  containers: &containers
  - &one {name: *name, image: "a:1", resources: {requests: &asked {cpu: 500m, memory: 1Gi}}}
  - *one
---
kind: Pod
apiVersion: v1
metadata: {name: second, namespace: shop}
spec:
  containers: [{name: a, resources: {requests: {cpu: 1}}}]
"""
    )

    workload = read_facts([path])["workload"]
    assert (workload["pods"], workload["cpu_request_cores"]) == (2, 2.0)


def test_versions_stay_text_in_yaml(tmp_path: Path) -> None:
    """A kernel that YAML would read as a number keeps its last digit, and quoted nulls are text."""
    path = tmp_path / "dump.yaml"
    text = yaml.safe_dump(node()).replace("kernelVersion: 5.15.0-91-generic", "kernelVersion: 5.10")
    path.write_text(text.replace("osImage: Ubuntu 22.04.3 LTS", 'osImage: "null"'))

    nodes = read_facts([path])["nodes"]
    assert (nodes["kernels"], nodes["os_images"]) == ({"5.10": 1}, {"null": 1})


def test_described_nodes_are_read(fixtures: Path, tmp_path: Path) -> None:
    """The text of ``kubectl describe nodes`` gives the facts that the API's JSON of the same nodes gives."""
    description = Path(__file__).resolve().parents[1] / "golden" / "kurl_nodes_described.txt"
    path = tar_gz(tmp_path / "bug-report.tgz", {"bug-report/cluster/nodes": description.read_text()})

    from_text, from_json = essence(path), essence(fixtures / "cluster_dump/replicatedhq__sbctl__kurl_nodes.json")
    assert from_text == from_json
    assert from_text["cni"]["product"] == "weave"


def test_manifests_show_what_they_ask_for(tmp_path: Path) -> None:
    """Without pods the templates count: replicas where stated, one where not, DaemonSets unknown."""
    template = {"metadata": {}, "spec": {"containers": [asking("1")]}}
    apps = "apps/v1"
    manifest = [
        resource("Deployment", apps, "a", "shop", spec={"replicas": 3, "template": template}),
        resource("Deployment", apps, "b", "shop", spec={"template": template}),
        resource("StatefulSet", apps, "c", "shop", spec={"replicas": 2, "template": template}),
        resource("Deployment", apps, "off", "shop", spec={"replicas": 0, "template": template}),
    ]

    facts = read_facts([write(tmp_path, *manifest)])
    workload = facts["workload"]
    assert (workload["pods"], workload["stateful_pods"], workload["cpu_request_cores"]) == (6, 2, 6.0)
    assert (workload["running_pods"], workload["daemonset_pods"]) == (None, None)
    assert facts["provenance"]["workload.pods"]["status"] == "inferred"

    agent = resource("DaemonSet", apps, "agent", "shop", spec={"template": template})
    workload = read_facts([write(tmp_path, *manifest, agent)])["workload"]
    assert (workload["pods"], workload["daemonset_pods"], workload["application_pods"]) == (None, None, 6)


def test_controllers_show_that_pods_are_missing(tmp_path: Path) -> None:
    """Where a Deployment reports more pods than the dump holds, its replicas count instead of the pods."""
    template = {"metadata": {}, "spec": {"containers": [container()]}}
    deployment = resource(
        "Deployment", "apps/v1", "a", "shop", spec={"replicas": 5, "template": template}, status={"replicas": 5}
    )
    owned = pod("a-1")
    owned["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "a"}]

    facts = read_facts([write(tmp_path, deployment, owned, pod("alone"))])
    assert facts["workload"]["pods"] == 6
    assert facts["provenance"]["workload.pods"]["status"] == "inferred"
    assert facts["mesh"]["proxied_pods"] is None


def test_nothing_was_looked_at_is_not_none_found(tmp_path: Path) -> None:
    """A kind that the dump holds an empty List of counts as zero; a kind that it does not hold is unknown."""
    empty = listed(kind="NetworkPolicyList") | {"apiVersion": "networking.k8s.io/v1"}
    path = tmp_path / "dump.json"
    path.write_text(json.dumps([node(), empty, {"kind": "PodList", "apiVersion": "v1", "items": None}]))

    facts = read_facts([path])
    assert facts["policy"]["network_policies"] == 0
    assert facts["workload"]["pods"] == 0
    assert facts["workload"]["services"] is None
    assert "workload.services" in facts["unknown"]
    assert "workload.pods" not in facts["unknown"]


# --- dumps as people have them ---------------------------------------------------------------------------------------


def on_screen(*documents: object) -> str:
    """Documents as kubectl prints them, one after the other."""
    return "".join(json.dumps(document, indent=4) + "\n" for document in documents)


NODES_AND_PODS = (listed(node(), kind="NodeList"), listed(pod("a"), pod("b"), kind="PodList"))
END = "logs for container app of pod shop/a ====\n"
LOGS = "==== START " + END + '{"level": "info"}\n{\nbroken\n==== END ' + END

SCREENS = {
    "several documents": on_screen(*NODES_AND_PODS),
    "logs between them": on_screen(NODES_AND_PODS[0]) + LOGS + on_screen(NODES_AND_PODS[1]) + LOGS,
    "a warning before": "Warning: v1 ComponentStatus is deprecated in v1.19+\n" + on_screen(*NODES_AND_PODS),
    "an error between": 'error: the server doesn\'t have a resource type "x"\n'.join(map(on_screen, NODES_AND_PODS)),
    "an error behind": on_screen(listed(*(i for each in NODES_AND_PODS for i in each["items"])))
    + 'Error from server (Forbidden): secrets is forbidden: User "a" cannot list resource\n',
    "one document a line": "".join(json.dumps(each) + "\n" for each in NODES_AND_PODS),
    "YAML with messages": "E1128 12:00:00.000000   17 memcache.go:287] couldn't get resource list: {\n"
    + yaml.safe_dump(listed(*(i for each in NODES_AND_PODS for i in each["items"])))
    + "error: the server could not find: it\n",
}


@pytest.mark.parametrize("screen", SCREENS)
def test_what_kubectl_prints_beside_a_list_is_passed_over(screen: str, tmp_path: Path) -> None:
    """Documents are read from between logs, warnings and errors, before, between and behind them."""
    path = tmp_path / "screen.txt"
    path.write_text(SCREENS[screen])

    facts = read_facts([path])
    assert (facts["nodes"]["count"], facts["workload"]["pods"]) == (1, 2)


def test_a_document_that_is_cut_off_between_others_is_told_with_its_line(tmp_path: Path) -> None:
    """Text that is part of a document is no message: the file is refused, with the line."""
    whole = on_screen(NODES_AND_PODS[0])
    path = tmp_path / "screen.txt"
    path.write_text(whole + on_screen(NODES_AND_PODS[1])[:200])

    with pytest.raises(MeshlabError, match=rf"screen\.txt:{whole.count(chr(10)) + 1}: holds text that is no JSON"):
        read_facts([path])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("NAME     STATUS   ROLES    AGE   VERSION\nnode-1   Ready    <none>   3d    v1.31.2\n", "a table"),
        ("NAMESPACE   NAME    READY   STATUS\nshop        web-1   1/1     Running\n", "a table"),
        ("Name:             web-1\nNamespace:        shop\nPriority:         0\n", "a description"),
        ("Name: node-7\nLabels: a\n", "a description"),
        ("Warning: v1 Endpoints is deprecated\nNAME    READY   STATUS\nweb-1   1/1     Running\n", "a table"),
        ("node-7   Ready    <none>   3d    v1.31.2   192.0.2.7\n", "a table"),
    ],
)
def test_output_for_people_is_refused_with_what_to_give_instead(text: str, what: str, tmp_path: Path) -> None:
    """Tables and descriptions are told from YAML, and the words name -o json."""
    path = tmp_path / "nodes.txt"
    path.write_text(text)

    with pytest.raises(MeshlabError, match=f"is {what} that kubectl prints for people; .*-o json"):
        read_facts([path])


@pytest.mark.parametrize("start", ["\x1b[1;39m{\n  \x1b[0m", "{\n  "])
def test_colours_of_a_terminal_are_refused_in_words(start: str, tmp_path: Path) -> None:
    """Colours that jq -C or kubecolor write into JSON are named, and how to leave them out."""
    path = tmp_path / "coloured.json"
    path.write_text(f'{start}\x1b[34;1m"kind"\x1b[0m: "List",\n  \x1b[34;1m"items"\x1b[0m: []\n}}')

    with pytest.raises(MeshlabError, match=r"is coloured for a terminal; .* jq -M"):
        read_facts([path])


def test_events_of_a_watch_are_refused_in_words(tmp_path: Path) -> None:
    """What kubectl --output-watch-events writes are changes: the words name the option."""
    path = tmp_path / "watched.json"
    path.write_text("\n".join(json.dumps({"type": "ADDED", "object": item}) for item in NODES_AND_PODS))

    with pytest.raises(MeshlabError, match=r"holds changes that kubectl watched .* without --watch"):
        read_facts([path])


def without_kind(item: Object, link: str | None = None) -> Object:
    """The object as client-go writes it: without its kind, with its path if there is one."""
    rest = {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}
    return rest if link is None else {**rest, "metadata": {**rest["metadata"], "selfLink": link}}


KINDLESS = {
    "a list of mixed items": {
        "metadata": {},
        "items": [without_kind(node()), without_kind(pod()), without_kind(pod("b"))],
    },
    "items with their paths": {
        "items": [
            without_kind({**node(), "status": {}}, "/api/v1/nodes/node-1"),
            *(without_kind({**pod(name), "spec": {}}, f"/api/v1/namespaces/shop/pods/{name}") for name in "ab"),
        ]
    },
}


@pytest.mark.parametrize("form", KINDLESS)
@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
def test_objects_without_a_kind_are_known_by_path_or_fields(form: str, dump: Callable, tmp_path: Path) -> None:
    """What does not say its kind is known by its selfLink, or by a field that no other kind has."""
    path = tmp_path / "objects"
    path.write_text(dump(KINDLESS[form]))

    facts = read_facts([path])
    assert (facts["nodes"]["count"], facts["workload"]["pods"]) == (1, 2)


def test_an_insights_archive_is_read(tmp_path: Path) -> None:
    """Objects of OpenShift's insights archive are known by their paths; its logs and other settings are passed over."""
    infrastructure = {"metadata": {"name": "cluster"}, "status": {"infrastructureName": "prod-7"}}
    files = {
        "config/node/a.json": json.dumps(without_kind(node("a"))),
        "config/pod/openshift-dns/dns-1.json": json.dumps(without_kind(pod("dns-1", "openshift-dns"))),
        "config/pod/openshift-dns/logs/dns-1/errors.log": "{",
        "config/infrastructure.json": json.dumps(infrastructure),
        "config/network.json": json.dumps({"metadata": {}, "status": {"networkType": "OVNKubernetes"}}),
        "config/metrics": "# TYPE a gauge",
    }

    facts = read_facts([tar_gz(tmp_path / "insights.tar.gz", files)])
    assert (facts["name"], facts["nodes"]["count"], facts["workload"]["pods"]) == ("prod-7", 1, 1)
    assert facts["cni"]["product"] == "ovn-kubernetes"


def test_reports_of_sos_name_files_by_their_commands(tmp_path: Path) -> None:
    """A report of sos holds nodes and pods as kubectl shows them; tables, secrets and files of the machine are left."""
    told = "report/sos_commands/kubernetes/cluster-info/kubectl_--kubeconfig_.etc.kubernetes.admin.conf_get"
    files = {
        f"{told}_-o_json_nodes": json.dumps(listed(node())),
        f"{told}_-o_json_--namespace_shop_pods": json.dumps(listed(pod())),
        f"{told}_-o_json_--namespace_shop_secrets": "{",
        f"{told}_namespaces": "NAME STATUS AGE\nshop Active 1d\n",
        "report/etc/kubernetes/manifests/etcd.yaml": json.dumps(pod("etcd", "kube-system")),
    }
    path = tar_gz(tmp_path / "report.tar.gz", files)
    packed = tmp_path / "sosreport-node-1-2026-11-30-abcdefg.tar.xz"
    packed.write_bytes(lzma.compress(gzip.decompress(path.read_bytes())))

    facts = read_facts([packed])
    assert (facts["nodes"]["count"], facts["workload"]["pods"]) == (1, 1)


def test_a_config_map_without_a_kind_is_never_guessed(tmp_path: Path) -> None:
    """An object of data alone may be a Secret, and is not read."""
    path = tmp_path / "objects.json"
    path.write_text(json.dumps({"items": [without_kind(node()), {"metadata": {"name": "a"}, "data": {"key": "x"}}]}))

    assert read_facts([path])["workload"]["namespaces"] is None
