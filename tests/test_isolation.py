"""How far policies reach: pods that none isolates, by direction, counted again by the rules of Kubernetes."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from facts_dumps import Object, container, pod, resource, write

from meshlab.cluster.audit import audit

RULES = {"Ingress": "pods-open-to-callers", "Egress": "pods-open-to-call"}
PLUGIN = pod("kindnet", "kube-system", containers=[container("kindnet-cni", "kindest/kindnetd:v20250512-df8de77b")])


def of(name: str, space: str, **labels: str) -> Object:
    """A pod of an application."""
    made = pod(name, space)
    made["metadata"]["labels"] = labels
    return made


def policy(name: str, space: str, spec: Object) -> Object:
    """A NetworkPolicy."""
    return resource("NetworkPolicy", "networking.k8s.io/v1", name, space, spec=spec)


def details(folder: Path, *objects: Object) -> dict[str, tuple[str, str]]:
    """State and particulars of both rules."""
    found = {row["rule"]: (row["state"], row["detail"]) for row in audit([write(folder, PLUGIN, *objects)])}
    return {way: found[rule] for way, rule in RULES.items()}


def test_pods_that_no_policy_isolates_are_counted_by_direction(tmp_path: Path) -> None:
    """Over made clusters the pods left open are those that no policy of their namespace selects in that direction."""
    made = random.Random(7)  # noqa: S311  (nothing is secret)
    for _ in range(25):
        pods = [
            of(f"p{n}", made.choice("abc"), app=made.choice("xyz"), tier=made.choice("12"))
            for n in range(made.randint(1, 9))
        ]
        policies = [
            policy(
                f"n{n}",
                made.choice("abc"),
                {
                    "podSelector": {
                        "matchLabels": dict(made.sample([("app", "x"), ("tier", "1")], made.randint(0, 2)))
                    },
                    **({"policyTypes": types} if (types := made.choice([["Ingress"], ["Egress"], None])) else {}),
                    **({"egress": [{}]} if made.random() < 0.3 else {}),
                },
            )
            for n in range(made.randint(1, 4))
        ]
        told = details(tmp_path, *pods, *policies)
        for way in RULES:
            expected = Counter(p["metadata"]["namespace"] for p in pods if not isolated(p, policies, way))
            state, detail = told[way]
            assert state == ("fail" if expected else "pass")
            for space, count in expected.items():
                assert f"Namespace {space}: {count} of " in detail


def isolated(one: Object, policies: list[Object], way: str) -> bool:
    """Whether a policy selects the pod in a direction."""
    for each in policies:
        spec = each["spec"]
        types = spec.get("policyTypes") or ["Ingress"] + ["Egress"] * ("egress" in spec)
        wanted = spec["podSelector"]["matchLabels"].items()
        same = each["metadata"]["namespace"] == one["metadata"]["namespace"]
        if same and way in types and wanted <= one["metadata"]["labels"].items():
            return True
    return False


EXPRESSION = {"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}
UNREAD = {
    "an expression": policy("e", "shop", EXPRESSION),
    "a policy of another kind in the namespace": resource(
        "CiliumNetworkPolicy", "cilium.io/v2", "c", "shop", spec={"endpointSelector": {}}
    ),
    "a policy of the whole cluster": resource("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", "a"),
}
"""Policies of which the audit does not know which pods they select."""


def test_what_unread_policies_select_is_unknown(tmp_path: Path) -> None:
    """No pod is called open where a policy that is not looked into may select it."""
    deny = policy("other", "elsewhere", {"podSelector": {}})
    for name, unread in UNREAD.items():
        assert {state for state, _ in details(tmp_path, of("web", "shop"), deny, unread).values()} == {"unknown"}, name
    assert details(tmp_path, of("web", "shop"), deny)["Ingress"][0] == "fail"
