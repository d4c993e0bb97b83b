"""Dumps that are damaged in any way: values replaced, removed or moved, bytes changed or cut out."""

from __future__ import annotations

import copy
import json

import yaml
from facts_dumps import Object, asking, listed, node, pod, resource
from hypothesis import strategies as st

TEMPLATE = {"metadata": {"annotations": {}}, "spec": {"containers": [asking("1", "1Gi")]}}
RULE = {"to": [{"operation": {"paths": ["/a"]}}], "when": [{"key": "request.headers"}]}

SEEDS: list[Object] = [
    node(labels={"eks.amazonaws.com/nodegroup": "a"}, annotations={"projectcalico.org/IPv4Address": "10.0.0.1"}),
    pod(initContainers=[asking("1", restartPolicy="Always")], overhead={"cpu": "1"}),
    pod(containers=[asking("10m", "40Mi", "istio-proxy", image="istio/proxyv2:1.20.1"), asking("1")]),
    resource(
        "Deployment", "apps/v1", namespace="shop", spec={"replicas": 2, "template": TEMPLATE}, status={"replicas": 2}
    ),
    resource("DaemonSet", "apps/v1", spec={"template": TEMPLATE}, status={"desiredNumberScheduled": 3}),
    resource("ConfigMap", "v1", "cilium-config", data={"mtu": "1450", "tunnel": "vxlan"}),
    resource("Installation", "operator.tigera.io/v1", spec={"calicoNetwork": {"ipPools": [{"encapsulation": "IPIP"}]}}),
    resource("CiliumNetworkPolicy", "cilium.io/v2", spec={"ingress": [{"toPorts": [{"rules": {"http": [{}]}}]}]}),
    resource("CiliumBGPPeeringPolicy", "cilium.io/v2", spec={"virtualRouters": [{"neighbors": [{}]}]}),
    resource("AuthorizationPolicy", "security.istio.io/v1", "a", "istio-system", spec={"rules": [RULE]}),
    resource("PeerAuthentication", "security.istio.io/v1", "a", "istio-system", spec={"mtls": {"mode": "STRICT"}}),
    resource("Infrastructure", "config.openshift.io/v1", status={"infrastructureName": "prod"}),
    {"kind": "PodList", "apiVersion": "v1", "items": []},
]
"""An object of each shape that some reader or fact knows."""

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 3, 2**31, 2**63, 2**64, 10**400, 1.5, -0.0, 1e308]),
    st.sampled_from(
        ["", " ", "null", "\x00", "\ud800", "1e999", "9" * 400, "1Ei", "-5", "NaN", "List", "Pod", "a" * 5000]
    ),
    st.text(max_size=8),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.just([])), max_size=3),
    st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers(), st.just({})), max_size=3),
)


def places(value: object, path: tuple = ()) -> list[tuple]:
    """Paths to everything within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@st.composite
def damaged_objects(draw: st.DrawFn) -> list[Object]:
    """The seeds with a few values replaced, removed or moved elsewhere."""
    items = copy.deepcopy(SEEDS)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from([place for place in places(items) if len(place) > 1]))
        parent: object = items
        for key in path[:-1]:
            parent = parent[key]
        match draw(st.sampled_from(["replace", "remove", "move"])):
            case "replace":
                parent[path[-1]] = draw(ODD_VALUES)
            case "remove":
                del parent[path[-1]]
            case "move":
                parent[path[-1]] = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    return items


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with a few of them changed, cut out, cut off or doubled."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, max(0, len(content) - 1)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        match draw(st.sampled_from(["change", "cut", "truncate", "double", "insert"])):
            case "change":
                content = content[:start] + draw(st.binary(min_size=1, max_size=4)) + content[start + 1 :]
            case "cut":
                content = content[:start] + content[end:]
            case "truncate":
                content = content[:start]
            case "double":
                content = content[:end] + content[start:]
            case "insert":
                content = (
                    content[:start]
                    + draw(st.sampled_from([b"{", b"[", b"&a ", b"*a", b"- ", b": ", b"\n", b"\t", b"!x "]))
                    + content[start:]
                )
    return content


JSON_TEXT = json.dumps(listed(*SEEDS), indent=1).encode()
YAML_TEXT = yaml.safe_dump_all(SEEDS).encode()


@st.composite
def damaged_dumps(draw: st.DrawFn) -> bytes:
    """A damaged dump in JSON or YAML."""
    match draw(st.sampled_from(["objects in JSON", "objects in YAML", "JSON", "YAML", "noise"])):
        case "objects in JSON":
            return json.dumps(listed(*draw(damaged_objects()))).encode()
        case "objects in YAML":
            return yaml.safe_dump(listed(*draw(damaged_objects()))).encode("utf-8", "replace")
        case "JSON":
            return draw(damaged_bytes(JSON_TEXT))
        case "YAML":
            return draw(damaged_bytes(YAML_TEXT))
    return draw(st.binary(max_size=400))
