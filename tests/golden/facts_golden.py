"""Works out the facts of the real dumps a second way, and writes them to facts.csv.

It shares nothing with meshlab: whole documents, plain dictionaries and loops. What needs judgement (products, versions,
encapsulation) is read by hand from the files and stands in ``BY_HAND``. Run it from the repository's root::

    python tests/golden/facts_golden.py ../shared/fixtures > tests/golden/facts.csv
"""

from __future__ import annotations

import csv
import json
import sys
import tarfile
from collections import Counter
from pathlib import Path

import yaml

KINDS = ("cluster_dump", "mesh_pods", "support_bundle", "policy_config", "app_manifests")

UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}

OF_FILE = {
    "Nodes": "Node",
    "Pods": "Pod",
    "Services": "Service",
    "Deployments": "Deployment",
    "DaemonSets": "DaemonSet",
}

POLICIES = {"NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"}
L7 = {
    *("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "AuthorizationPolicy", "VirtualService"),
    *("HTTPRoute", "GRPCRoute"),
}

ISTIO = {
    *("DestinationRule", "Gateway", "Sidecar", "EnvoyFilter", "ServiceEntry", "PeerAuthentication"),
    *("RequestAuthentication", "Telemetry", "WasmPlugin"),
}
"""Kinds of Istio that say that a mesh is configured; Gateway is one of the Gateway API's kinds as well."""

BY_HAND: dict[str, dict[str, object]] = {
    "RedHatQE__must-gather-explorer__ocp418_worker_node": {
        "cloud": "openshift",
        "cni.product": "ovn-kubernetes",
        "cni.edition": "openshift",
        "policy.engine": "ovn-kubernetes",
    },
    # despite its name a minikube: label minikube.k8s.io/name, kubeadm's annotation, no label of AKS
    "kubescape__regolibrary__aks_node": {"cloud": "self-managed"},
    "kubescape__regolibrary__outdated_node": {"cloud": "self-managed"},
    "newrelic__nri-kubernetes__k8s_1_35_cluster": {
        "cloud": "self-managed",
        "cni.product": "kindnet",
        "cni.version": "20260213-ea8e5717",
        "cni.edition": "self-run",
        "policy.engine": "kindnet",
        "mesh.product": "none",
    },
    "np-guard__netpol-analyzer__pods": {
        "cni.product": "calico",
        "cni.version": "3.20.0",
        "policy.engine": "calico",
        "mesh.product": "none",
    },
    # its pods carry the addresses that Calico's plugin gave them
    "np-guard__netpol-analyzer__onlineboutique_with_replicas__pods": {
        "cni.product": "calico",
        "policy.engine": "calico",
    },
    # its namespaces are renamed (kube-system-new), so that nothing shows that all of the cluster's pods are there
    "np-guard__network-config-analyzer__pods_list": {
        "cloud": "iks",
        "cni.product": "calico",
        "cni.version": "2.6.5",
        "policy.engine": "calico",
    },
    "replicatedhq__sbctl__kurl_nodes": {"cloud": "self-managed", "cni.product": "weave", "cni.edition": "self-run"},
    # nodes of several clusters: DigitalOcean with Cilium, kURL with Flannel, MicroK8s
    "replicatedhq__troubleshoot__nodes": {
        "nodes.pools": {"pool-yd23sqk7u": 3, "biggernode": 1, "smallnode": 1},
        "nodes.pool_kernels": [
            {"pool": None, "kernel": "5.0.0-1021-gcp", "nodes": 1},
            {"pool": None, "kernel": "6.8.0-1015-aws", "nodes": 1},
            {"pool": "biggernode", "kernel": "4.19.0-11-amd64", "nodes": 1},
            {"pool": "pool-yd23sqk7u", "kernel": "4.19.0-11-amd64", "nodes": 3},
            {"pool": "smallnode", "kernel": "4.19.0-11-amd64", "nodes": 1},
        ],
    },
    "kiali__kiali__ztunnel-config": {
        "mesh.product": "istio",
        "mesh.mode": "ambient",
        "mesh.version": "1.24.0",
        "mesh.ambient_pods": 18,
        "mesh.sidecar_pods": 0,
    },
    "linkerd__linkerd2__inject_emojivoto_already_injected": {
        "mesh.product": "linkerd",
        "mesh.mode": "sidecar",
        "mesh.sidecar_pods": 4,
        "mesh.ambient_pods": 0,
    },
    "np-guard__network-config-analyzer__bookinfo_pods_list": {
        "mesh.product": "istio",
        "mesh.mode": "sidecar",
        "mesh.version": "1.10.3",
        "mesh.edition": "self-run",
        "mesh.sidecar_pods": 6,
        "mesh.proxy_versions": {"1.10.3": 6},
    },
    "np-guard__network-config-analyzer__onlineboutique_live_all_depl": {
        "mesh.product": "istio",
        "mesh.mode": "sidecar",
        "mesh.version": "1.20.1",
        "mesh.edition": "self-run",
        # istiod, the two gateways, and one template with a proxy in it that counts no pods
        "mesh.control_plane_pods": 1,
        "mesh.control_plane_versions": {"1.20.1": 1},
        "mesh.gateway_pods": 2,
        "mesh.proxy_versions": {"1.20.1": 3},
    },
    "openshift__cluster-node-tuning-operator__must-gather": {
        "name": "master-pc8hb",
        "cloud": "openshift",
        "cni.product": "ovn-kubernetes",
        "cni.edition": "openshift",
        "policy.engine": "ovn-kubernetes",
    },
    # a must-gather holds no pods of applications, so that nobody knows whether one is in a mesh
    "openshift__must-gather-clean__must-gather-aws-subset": {
        "name": "ci-ln-5ylibmb-d5d6b-dfvr6",
        "cloud": "openshift",
        "cni.product": "openshift-sdn",
        "cni.edition": "openshift",
        "cni.encapsulation": "vxlan",
        "cni.mtu": 8951,
        "policy.engine": "openshift-sdn",
    },
    "openshift__must-gather-clean__must-gather-vsphere-subset": {
        "name": "ci-ln-i7gzws2-8c773-jn5dn",
        "cloud": "openshift",
        "cni.product": "openshift-sdn",
        "cni.edition": "openshift",
        "cni.encapsulation": "vxlan",
        "cni.mtu": 1450,
        "policy.engine": "openshift-sdn",
    },
    "replicatedhq__sbctl__troubleshoot-kurl-weave": {
        "cloud": "self-managed",
        "cni.product": "weave",
        "cni.version": "2.6.5",
        "cni.edition": "self-run",
        "policy.engine": "weave",
        "mesh.product": "none",
    },
    # a k3s of which only pods of the system are in the bundle
    "replicatedhq__troubleshoot__baseline-subset": {
        "cloud": "self-managed",
        "cni.product": "flannel",
        "cni.edition": "k3s",
        "cni.encapsulation": "vxlan",
        "policy.engine": "kube-router",
        "service.proxy": "iptables",
    },
    "vmware-tanzu__sonobuoy__sonobuoy-results-0": {
        "cni.product": "calico",
        "cni.version": "2.6.2",
        "policy.engine": "calico",
        "mesh.product": "none",
        "service.proxy": "iptables",  # kube-proxy is called with neither mode nor configuration
    },
    "istio__istio__calico_install": {"cni.product": "calico", "cni.version": "3.27.0", "policy.engine": "calico"},
}

NEEDS = {
    # 61 policies for the whole cluster, all with an endpointSelector; 11 have toFQDNs, two namespaces among those
    "JJGadgets__Biohazard__cilium_netpols_core": [
        "dns_policy 11 2 mesh CiliumClusterwideNetworkPolicy labelled-allow-egress-cloudflare-r2",
        "cluster_policy 61 0 mesh CiliumClusterwideNetworkPolicy cluster-default-kube-dns-ingress",
    ],
    "envoyproxy__gateway__grpc-routing": ["gateway_api 1 0 edge GRPCRoute yages"],
    "istio__istio__destination-rule-all-mtls": ["mtls 4 0 mesh DestinationRule productpage"],
    "istio__istio__virtual-service-reviews-90-10": ["traffic_split 1 0 mesh VirtualService reviews"],
    "istio__istio__virtual-service-reviews-test-v2": ["traffic_management 1 0 mesh VirtualService reviews"],
    "kiali__kiali__bookinfo-reviews-all-cb": [
        "circuit_breaking 1 0 mesh DestinationRule circuitbreaker-reviews-all-cb"
    ],
    # two policies and one issuer for the gateway within the cluster, two and two for that at its edge; objects that
    # stand twice in the file count as the last of them
    "kubeflow__manifests__istio_config_common": [
        "mtls 1 1 mesh DestinationRule knative-serving/knative",
        "l7_policy 4 1 both AuthorizationPolicy istio-system/cluster-local-gateway-require-jwt",
        "jwt 3 1 both RequestAuthentication istio-system/cluster-local-gateway-jwt",
    ],
    "np-guard__network-config-analyzer__onlineboutique_live_istio-gateways": [
        "egress_gateway 1 1 edge Gateway istio-system/my-gateway"
    ],
    # ten policies on principals, methods and paths; all but the frontend's name methods of gRPC
    "np-guard__network-config-analyzer__onlineboutique_live_policies": [
        "mtls 10 1 mesh AuthorizationPolicy onlineboutique/adservice",
        "l7_policy 10 1 mesh AuthorizationPolicy onlineboutique/adservice",
        "grpc_policy 9 1 mesh AuthorizationPolicy onlineboutique/adservice",
    ],
    "projectcalico__calico__bgppeer-global": ["bgp 1 0 edge BGPPeer globalpeer.name5"],
    "GoogleCloudPlatform__microservices-demo__onlineboutique_istio": ["gateway_api 1 0 edge HTTPRoute frontend-route"],
}
"""Needs in use, read by hand: need, objects, namespaces, where, and the first object in the order of the file."""

OPEN = (*("bookinfo_pods_list", "onlineboutique_live_all_depl", "ztunnel-config", "inject_emojivoto"),)
"""Files with a mesh's proxies but none of the objects that would show whether somebody uses them."""

REFUSED = {"testcase20-profiles": "Profile"}
"""Files that hold only kinds which no fact is about."""


def number(quantity: object) -> float:
    """Value of a quantity of the few forms that the fixtures use."""
    text = str(quantity)
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


def documents(path: Path) -> list[tuple[str, object]]:
    """All documents of a file or archive, each with the name of its file."""
    if path.name.endswith(".tar.gz"):
        found = []
        with tarfile.open(path) as archive:
            for entry in archive:
                if entry.isfile() and entry.name.endswith((".json", ".yaml")):
                    found += [(entry.name, each) for each in parsed(archive.extractfile(entry).read().decode())]
        return found
    return [(path.name, each) for each in parsed(path.read_text())]


def parsed(text: str) -> list[object]:
    """The documents of a text; JSON is YAML, but quicker to read as JSON."""
    if text.lstrip()[:1] in "{[":
        return [json.loads(text)]
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def objects(path: Path) -> tuple[list[dict], set[str]]:
    """Each object once, and every kind that was looked at."""
    found: dict[tuple, dict] = {}
    kinds: set[str] = set()
    for file, document in documents(path):
        plural = Path(file).stem
        items = document if isinstance(document, list) else (document or {}).get("items", [document])
        of_list = OF_FILE.get(plural) if isinstance(document, list) else None
        if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
            of_list = document["kind"].removesuffix("List") or None
            kinds |= {of_list} - {None}
        for item in items or ():
            if isinstance(item, dict) and (item.get("kind") or of_list):
                item.setdefault("kind", of_list)
                meta = item.get("metadata") or {}
                key = (item["kind"], meta.get("namespace"), meta.get("name"))
                found[key] = item
                kinds.add(item["kind"])
    return list(found.values()), kinds


def pod_request(spec: dict, resource: str) -> float:
    """What a pod asks for: the larger of running and starting."""

    def asks(container: dict) -> float:
        resources = container.get("resources") or {}
        requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
        return number(requests.get(resource, limits.get(resource, 0)))

    stays = peak = 0.0
    for container in spec.get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            stays += asks(container)
        else:
            peak = max(peak, stays + asks(container))
    running = stays + sum(asks(container) for container in spec["containers"])
    of_pod = ((spec.get("resources") or {}).get("requests") or {}).get(resource)
    asked = max(running, peak) if of_pod is None else number(of_pod)
    return asked + number((spec.get("overhead") or {}).get(resource, 0))


def node_facts(nodes: list[dict]) -> dict[str, object]:
    """Facts of nodes, all of which are Linux in the fixtures."""
    infos = [node["status"]["nodeInfo"] for node in nodes]
    assert all(info["operatingSystem"] == "linux" for info in infos)
    kernels = [info["kernelVersion"] for info in infos]
    kept = [
        node
        for node in nodes
        if any(
            taint["key"].startswith("node-role.kubernetes.io/") and taint["effect"] == "NoSchedule"
            for taint in node["spec"].get("taints") or ()
        )
    ]
    by_age = sorted(kernels, key=lambda kernel: [int(part) for part in kernel.split("-")[0].split(".")])
    workers = [node for node in nodes if node not in kept] or nodes
    return {
        "nodes.count": len(nodes),
        "nodes.workers": len(workers),
        "nodes.virtual": 0,
        "nodes.linux": len(workers),
        "nodes.windows": 0,
        "nodes.kernel_oldest": by_age[0],
        "nodes.kernel_newest": by_age[-1],
        "nodes.kernels": Counter(kernels),
        "nodes.os_images": Counter(info["osImage"] for info in infos),
        "nodes.architectures": Counter(info["architecture"] for info in infos),
        "nodes.kubernetes_versions": Counter(info["kubeletVersion"] for info in infos),
        "nodes.cpu_cores": sum(number(node["status"]["capacity"]["cpu"]) for node in workers),
        "nodes.memory_gib": sum(number(node["status"]["capacity"]["memory"]) for node in workers) / 2**30,
    }


def is_system(namespace: str | None) -> bool:
    """Whether a namespace of the fixtures belongs to the platform."""
    return bool(namespace) and (
        namespace in ("kube-system", "istio-system", "local-path-storage") or namespace.startswith("openshift-")
    )


def owner(pod: dict) -> str | None:
    """Kind of the pod's first owner."""
    return next((each["kind"] for each in pod["metadata"].get("ownerReferences") or ()), None)


def pod_facts(pods: list[dict]) -> dict[str, object]:
    """Facts of real pods."""
    alive = [pod for pod in pods if pod["status"]["phase"] not in ("Succeeded", "Failed")]
    proxies = [
        container
        for pod in alive
        for container in pod["spec"]["containers"]
        if container["name"] == "istio-proxy" and len(pod["spec"]["containers"]) > 1
    ]
    joinable = [
        pod
        for pod in pods
        if pod["status"]["phase"] == "Running" and owner(pod) != "DaemonSet" and not pod["spec"].get("hostNetwork")
    ]
    team = [pod for pod in joinable if not is_system(pod["metadata"].get("namespace"))]
    return {
        "workload.pods": len(pods),
        "workload.running_pods": sum(pod["status"]["phase"] == "Running" for pod in pods),
        "workload.stateful_pods": sum(owner(pod) == "StatefulSet" for pod in pods),
        "workload.daemonset_pods": sum(owner(pod) == "DaemonSet" for pod in pods),
        "workload.application_pods": len(team),
        "workload.application_namespaces": len({pod["metadata"]["namespace"] for pod in team}),
        "workload.joinable_pods": len(joinable),
        "workload.joinable_namespaces": len({pod["metadata"]["namespace"] for pod in joinable}),
        "workload.cpu_request_cores": sum(pod_request(pod["spec"], "cpu") for pod in alive),
        "workload.memory_request_gib": sum(pod_request(pod["spec"], "memory") for pod in alive) / 2**30,
        **NO_MESH,
        "mesh.sidecar_pods": len(proxies),
        "mesh.ambient_pods": 0,
        "mesh.proxied_pods": len(proxies),
        "mesh.proxy_cpu_request_cores": sum(number(each["resources"]["requests"]["cpu"]) for each in proxies),
        "mesh.proxy_memory_request_gib": sum(number(each["resources"]["requests"]["memory"]) for each in proxies)
        / 2**30,
    }


NO_MESH = {"mesh.gateway_pods": 0, "mesh.waypoint_pods": 0, "mesh.control_plane_pods": 0}
"""What runs of a mesh beside pods, where nobody counted it by hand."""


def has_linkerd_proxy(spec: dict) -> bool:
    """Whether Linkerd's proxy runs in a pod, as an ordinary or a native sidecar."""
    native = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    return any(each["name"] == "linkerd-proxy" for each in [*spec["containers"], *native])


def template_facts(controllers: list[dict], orphans: list[dict]) -> dict[str, object]:
    """Facts of Deployments without their pods, and of pods that other controllers made."""
    if any(each["kind"] == "DaemonSet" for each in controllers):
        # how many pods a DaemonSet without status makes is unknown, and so is every sum it enters
        free = [
            each
            for each in controllers
            if each["kind"] == "Deployment" and not each["spec"]["template"]["spec"].get("hostNetwork")
        ]
        return NO_MESH | {
            "workload.application_pods": 0,
            "workload.application_namespaces": 0,
            "workload.joinable_pods": sum(each["spec"].get("replicas", 1) for each in free),
            "workload.joinable_namespaces": len({each["metadata"]["namespace"] for each in free}),
        }
    pods = [
        (each["spec"].get("replicas", 1), each["metadata"], each["spec"]["template"]["spec"]) for each in controllers
    ]
    loose = [(1, each["metadata"], each["spec"]) for each in orphans if owner(each) != "DaemonSet"]
    team = [row for row in pods + loose if not is_system(row[1].get("namespace"))]
    namespaces = {meta.get("namespace") for _, meta, _ in team}
    places = {meta.get("namespace") for _, meta, _ in pods + loose}
    everything = pods + [(1, each["metadata"], each["spec"]) for each in orphans]
    facts: dict[str, object] = NO_MESH | {
        "workload.pods": sum(replicas for replicas, _, _ in everything),
        "workload.application_pods": sum(replicas for replicas, _, _ in team),
        "workload.application_namespaces": None if None in namespaces else len(namespaces),
        "workload.joinable_pods": sum(replicas for replicas, _, _ in pods + loose),
        "workload.joinable_namespaces": None if None in places else len(places),
        "workload.cpu_request_cores": sum(n * pod_request(spec, "cpu") for n, _, spec in everything),
        "workload.memory_request_gib": sum(n * pod_request(spec, "memory") for n, _, spec in everything) / 2**30,
    }
    proxied = sum(n for n, _, spec in pods if has_linkerd_proxy(spec))
    if proxied:
        # these proxies ask for nothing
        facts |= {
            "mesh.proxied_pods": proxied,
            "mesh.proxy_cpu_request_cores": 0,
            "mesh.proxy_memory_request_gib": 0,
        }
    return facts


def needs_l7(item: dict) -> bool:
    """Whether a policy or route of the fixtures needs layer 7."""
    text = json.dumps(item["spec"])
    if item["kind"] == "AuthorizationPolicy":
        return any(f'"{word}"' in text for word in ("paths", "methods", "hosts", "requestPrincipals", "notPaths")) or (
            '"key": "request.' in text
        )
    if item["kind"].startswith("Cilium"):
        return '"http":' in text or '"kafka":' in text
    if item["kind"] == "VirtualService":
        return bool(item["spec"].get("http"))
    return True


def count_facts(items: list[dict], kinds: set[str]) -> dict[str, object]:
    """Facts that count objects."""
    tally = Counter(item["kind"] for item in items)
    facts: dict[str, object] = {}
    for kind, name in (("Service", "services"), ("PodDisruptionBudget", "pod_disruption_budgets")):
        if kind in kinds:
            facts[f"workload.{name}"] = tally[kind]
    namespaces = {item["metadata"].get("namespace") for item in items} - {None}
    facts["workload.namespaces"] = tally["Namespace"] if "Namespace" in kinds else len(namespaces) or None
    if POLICIES & kinds:
        facts["policy.network_policies"] = sum(tally[kind] for kind in POLICIES)
    if L7 & kinds:
        facts["policy.l7_policies"] = sum(needs_l7(item) for item in items if item["kind"] in L7)
    if "BGPPeer" in kinds:
        facts["cni.bgp_peers"] = tally["BGPPeer"]
    return facts


def ztunnel_facts(dump: dict) -> dict[str, object]:
    """Facts of the one dump that is no list of Kubernetes objects."""
    pods = [each for each in dump["workloads"] if "//Pod/" in each["uid"]]
    return {
        "workload.namespaces": len({each["namespace"] for each in [*pods, *dump["services"]]}),
        "workload.services": len(dump["services"]),
        "workload.pods": len(pods),
        "workload.running_pods": len(pods),
        "mesh.proxied_pods": sum(each["protocol"] == "HBONE" for each in pods),
    }


def facts_of(path: Path) -> dict[str, object]:
    """All facts that a file holds."""
    if "ztunnel" in path.name:
        return ztunnel_facts(json.loads(path.read_text()))
    items, kinds = objects(path)
    used = {
        "Pod",
        "Node",
        "Deployment",
        "DaemonSet",
        "Service",
        "Namespace",
        "Network",
        "Infrastructure",
        "Cluster",
        "ClusterVersion",
        "StatefulSet",
        "ConfigMap",
        "PodDisruptionBudget",
        "BGPPeer",
        *POLICIES,
        *L7,
        *ISTIO,
    }
    items = [item for item in items if item["kind"] in used]
    nodes = [item for item in items if item["kind"] == "Node"]
    pods = [item for item in items if item["kind"] == "Pod"]
    controllers = [item for item in items if item["kind"] in ("Deployment", "DaemonSet")]
    facts = count_facts(items, kinds)
    if nodes:
        facts |= node_facts(nodes)
    wanted = sum(each.get("status", {}).get("replicas", 0) for each in controllers if each["kind"] == "Deployment")
    if pods and len(pods) >= wanted:
        facts |= pod_facts(pods)
    elif controllers:
        facts |= template_facts(controllers, pods)
    return facts


def needs_of(stem: str, *, pods: bool) -> dict[str, object]:
    """Needs in use as facts list them, and that nothing of a mesh is unused where there is none."""
    rows = [row.split(" ", 4) for row in NEEDS.get(stem, ())]
    used = [
        {"need": need, "objects": int(objects), "namespaces": int(spaces), "where": where, "example": example}
        for need, objects, spaces, where, example in rows
    ]
    shown = pods and not any(part in stem for part in OPEN)
    return {"needs.used": used, **({"needs.installed_unused": []} if shown else {})}


def main(folder: Path) -> None:
    """Write the table."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["file", "fact", "value"])
    for kind in KINDS:
        for path in sorted((folder / kind).iterdir()):
            stem = path.name.partition(".")[0]
            refused = next((of for part, of in REFUSED.items() if part in stem), None)
            if refused:
                table.writerow([f"{kind}/{path.name}", "refused", json.dumps(refused)])
                continue
            facts = facts_of(path)
            facts |= needs_of(stem, pods=any(fact.startswith("mesh.") for fact in facts))
            for fact, value in {"name": stem, **facts, **BY_HAND.get(stem, {})}.items():
                if value is not None:
                    table.writerow([f"{kind}/{path.name}", fact, json.dumps(value, sort_keys=True)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
