"""How many services a sidecar is configured for, counted by hand on small clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from meshlab.cluster.facts import read_facts, scenario_values

PROXY = "docker.io/istio/proxyv2:1.26.1"
SIDECAR = "networking.istio.io/v1"


def pod(name: str, namespace: str) -> dict[str, Any]:
    """A running pod with a sidecar."""
    containers = [{"name": "app", "image": "a:1"}, {"name": "istio-proxy", "image": PROXY}]
    return made("Pod", "v1", name, namespace, spec={"containers": containers}, status={"phase": "Running"})


def made(kind: str, version: str, name: str, namespace: str | None, **rest: Any) -> dict[str, Any]:
    """An object of this kind; further metadata stand under ``meta``."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("meta", {})}
    return {"kind": kind, "apiVersion": version, "metadata": metadata, **rest}


def scope(namespace: str, *hosts: str, **spec: Any) -> dict[str, Any]:
    """A Sidecar resource of a namespace."""
    return made("Sidecar", SIDECAR, "default", namespace, spec={"egress": [{"hosts": list(hosts)}], **spec})


SERVICES = [
    *(made("Service", "v1", f"s{n}", "shop") for n in range(4)),
    *(made("Service", "v1", f"b{n}", "bank") for n in range(5)),
    made("Service", "v1", "istiod", "istio-system"),
]
PODS = [pod("s-1", "shop"), pod("s-2", "shop"), pod("b-1", "bank"), pod("b-2", "bank")]
EXPORTED = made("Service", "v1", "s0", "shop", meta={"annotations": {"networking.istio.io/exportTo": "."}})
NOBODY = made("Service", "v1", "s0", "shop", meta={"annotations": {"networking.istio.io/exportTo": "~"}})
LABELLED = [
    made("Namespace", "v1", "shop", None, meta={"labels": {"mesh": "on"}}),
    made("Namespace", "v1", "bank", None, meta={"labels": {"team": "a"}}),
    made("Namespace", "v1", "istio-system", None),
]
MESH = "accessLogFile: /dev/stdout\ndiscoverySelectors:\n- matchLabels:\n    mesh: 'on'\n"
EXPRESSIONS = "discoverySelectors:\n- matchExpressions:\n  - {key: mesh, operator: NotIn, values: ['off']}\n"


def facts_of(folder: Path, *objects: dict[str, Any]) -> dict[str, Any]:
    """Facts of a cluster of two namespaces with two proxies each, and these objects."""
    later = [*PODS, *SERVICES, *objects]
    file = folder / "dump.json"
    file.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": later}))
    return read_facts([file])


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        # shop knows its 4, bank all 10
        ([scope("shop", "./*")], (4 + 10) / 2),
        # of the root namespace, for both: shop 4 + 1, bank 5 + 1
        ([scope("istio-system", "./*", "istio-system/*")], (5 + 6) / 2),
        # a namespace's own outweighs that of the root namespace
        ([scope("istio-system", "./*"), scope("bank", "*/*")], (4 + 10) / 2),
        # hosts by name, and one of them twice
        ([scope("shop", "bank/b0.bank.svc.cluster.local", "bank/b0", "./s1"), scope("bank", "~/*")], (2 + 0) / 2),
        ([scope("shop", "*/*.bank.svc.cluster.local"), scope("bank", "./*")], 5),
        # for some workloads alone: says nothing of the rest
        ([scope("shop", "./*", workloadSelector={"labels": {"app": "x"}})], 10),
        # nothing of egress narrows nothing
        ([made("Sidecar", SIDECAR, "default", "shop", spec={"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}})], 10),
        ([{"kind": "SidecarList", "apiVersion": SIDECAR, "items": []}], 10),
        # one service that its own namespace alone may know, or nobody
        ([EXPORTED], (10 + 9) / 2),
        ([NOBODY], 9),
        # the control plane looks at shop alone
        ([made("ConfigMap", "v1", "istio", "istio-system", data={"mesh": MESH}), *LABELLED], 4),
        ([made("ConfigMap", "v1", "istio", "istio-system", data={"mesh": EXPRESSIONS}), *LABELLED], 10),
        ([made("ConfigMap", "v1", "istio", "istio-system", data={"mesh": "discoverySelectors: ["}), *LABELLED], 10),
    ],
)
def test_services_that_a_sidecar_knows(objects: list[dict[str, Any]], expected: float, tmp_path: Path) -> None:
    """The mean over the proxies of what Sidecar resources, exportTo and selectors let each know."""
    facts = facts_of(tmp_path, *objects)

    assert facts["mesh"]["config_services"] == max(1, round(expected))
    supplied = scenario_values(facts)["config_services"]
    assert (supplied.value, supplied.status) == (max(1, round(expected)), "inferred")


def test_without_any_of_them_in_the_input_it_stays_unknown(tmp_path: Path) -> None:
    """A dump that holds no Sidecar resource and not even an empty list of them does not say that there is none."""
    assert facts_of(tmp_path)["mesh"]["config_services"] is None


def test_hosts_and_mesh_settings_are_not_kept(tmp_path: Path) -> None:
    """Of what narrows the configuration the number alone is in the facts."""
    mesh = made("ConfigMap", "v1", "istio", "istio-system", data={"mesh": MESH + "planted: planted-value\n"})
    shown = json.dumps(facts_of(tmp_path, scope("shop", "./planted-host"), mesh, *LABELLED))

    assert "planted" not in shown
