"""Declared inputs that a cluster's facts supply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import polars as pl

from meshlab.documents import is_mapping
from meshlab.scenario import Status, inputs
from meshlab.tables import read_table


class Supplied(msgspec.Struct, frozen=True):
    """A declared input's value that facts supply.

    Args:
        value: The value, of the input's type and within its bounds.
        status: measured, inferred or stand-in.
        source: File or archive member that the fact was read from; of a stand-in the reason.
    """

    value: object
    status: Status
    source: str | None


Facts = Mapping[str, Any]
Answer = tuple[object, str, Status] | None
"""A value, the dotted fact that it rests on, and whether it is that fact itself or follows from it."""


def scenario_values(facts: Facts) -> dict[str, Supplied]:
    """Declared inputs that the facts hold; what they do not hold is absent, never guessed."""
    answers = {name: how(facts) for name, how in SUPPLIES.items() if name in inputs()}
    return {
        name: _supplied(facts, answer)
        for name, answer in answers.items()
        if answer is not None and is_allowed(name, answer[0])
    }


def stand_ins(facts: Facts) -> dict[str, Supplied]:
    """What stands in for inputs that count applications, where real pods were read and none is of an application.

    A default that follows from the number of Services knows nothing of the pods that run: it could put more of them
    into the mesh than the cluster has. Only pods that a mesh could take, of system namespaces, are left to reckon with.
    """
    running = fact(facts, "workload.running_pods")
    if running is None or fact(facts, "workload.application_pods") != 0:
        return {}
    found = {name: fact(facts, counted) for name, counted in STAND_INS.items()}
    pods = found["pods"]
    why = (
        f"the dump shows no application pods: of the {running:,} pods that run, at most {pods:,} of system namespaces "
        "could join a mesh (not of a DaemonSet, not on the host network), and stand in"
        if pods
        else f"the dump shows no application pods, and none of the {running:,} pods that run could join a mesh: "
        "one stands in, the least that is reckoned with"
    )
    return {
        name: Supplied(max(1, int(str(value))), "stand-in", why) for name, value in found.items() if value is not None
    }


STAND_INS = {"pods": "workload.joinable_pods", "namespaces": "workload.joinable_namespaces"}
"""Inputs that count applications, and the facts that bound them where a dump shows no application."""


def fact(facts: Facts, name: str) -> Any:
    """A fact by its dotted name; None where it is unknown."""
    value: Any = facts
    for key in name.split("."):
        value = value.get(key) if is_mapping(value) else None
    return value


def _supplied(facts: Facts, answer: tuple[object, str, str]) -> Supplied:
    value, name, status = answer
    provenance = facts.get("provenance")
    origin: Facts = provenance.get(name, {}) if is_mapping(provenance) else {}
    inferred = "inferred" in (status, origin.get("status"))
    return Supplied(value, "inferred" if inferred else "measured", origin.get("from"))


def is_allowed(name: str, value: object) -> bool:
    """Whether the value is one that the declared input takes; a cluster may have none of what an input counts."""
    spec = inputs()[name]
    if spec.type == "choice":
        return value in spec.choices
    if spec.lower is not None and spec.upper is not None:
        return isinstance(value, int | float) and spec.lower <= value <= spec.upper
    return True


def _of(
    name: str, meaning: Callable[[Any], object] = lambda value: value, status: Status = "measured"
) -> Callable[[Facts], Answer]:
    """The fact itself, or what its value means for the input; a meaning of None is none."""

    def answer(facts: Facts) -> Answer:
        value = fact(facts, name)
        meant = None if value is None else meaning(value)
        return None if meant is None else (meant, name, status)

    return answer


def _share_of_node(name: str) -> Callable[[Facts], Answer]:
    """The mean over the workers: one node's size where all are alike."""

    def answer(facts: Facts) -> Answer:
        total, nodes = fact(facts, name), fact(facts, "nodes.workers")
        if not total or not nodes:
            return None
        return total / nodes, name, "measured" if nodes == 1 else "inferred"

    return answer


def _workers(facts: Facts) -> Answer:
    """Nodes that take the pods of teams; all of them where none is kept for the control plane."""
    workers, count = fact(facts, "nodes.workers"), fact(facts, "nodes.count")
    if workers is None:
        return None if count is None else (count, "nodes.count", "measured")
    return workers, "nodes.workers", "measured"


def _pods(facts: Facts) -> Answer:
    """Pods in the mesh, or where none runs the pods that would be in one."""
    if fact(facts, "mesh.proxied_pods"):
        return fact(facts, "mesh.proxied_pods"), "mesh.proxied_pods", "measured"
    pods = fact(facts, "workload.application_pods")
    return (pods, "workload.application_pods", "inferred") if pods else None


def _current_mesh(facts: Facts) -> Answer:
    product, mode = fact(facts, "mesh.product"), fact(facts, "mesh.mode")
    value = _MESHES.get((product, mode)) or _MESHES.get((product, None))
    return None if value is None else (_listed("current_mesh", value), "mesh.product", "measured")


def _current_cni(facts: Facts) -> Answer:
    """The plugin; kubenet, which facts name beside the list, is an edition of Azure's."""
    product = "azure-cni" if _is_kubenet(facts) else fact(facts, "cni.product")
    return None if product is None else (product, "cni.product", "measured")


def _cni_edition(facts: Facts) -> Answer:
    edition = "kubenet" if _is_kubenet(facts) else fact(facts, "cni.edition")
    return None if edition is None else (edition, "cni.edition", "measured")


def _is_kubenet(facts: Facts) -> bool:
    return (fact(facts, "cni.name"), fact(facts, "cloud")) == ("kubenet", "aks")


def _mesh_edition(facts: Facts) -> Answer:
    edition, mixed = fact(facts, "mesh.edition"), fact(facts, "mesh.mode") == "mixed"
    if edition is None:
        return None
    return (f"{edition}-with-sidecars" if mixed and edition == "self-run" else edition), "mesh.edition", "measured"


def _listed(name: str, value: str) -> str:
    """The value where the input takes it, else ``other``: what runs outside of the lists is no unknown."""
    return value if value in inputs()[name].choices else "other"


def _daemonsets_run(facts: Facts) -> Answer:
    """Whether some node is a machine, on which DaemonSets run; none of Fargate or a virtual kubelet is."""
    workers, virtual = (fact(facts, f"nodes.{name}") for name in ("workers", "virtual"))
    return (bool(workers), "nodes.workers", "measured") if workers or virtual else None


def _greenfield(facts: Facts) -> Answer:
    """A cluster in which applications run is not new, unless its team says so; an empty one may be either."""
    runs = fact(facts, "workload.running_pods") and fact(facts, "workload.application_pods")
    return (False, "workload.application_pods", "inferred") if runs else None


def _needs(facts: Facts) -> Answer:
    """Needs that objects use, where one of them is a mesh's to meet: only then do they say whether to have one.

    Nobody needs less; what is needed beside them no object shows.
    """
    layers = dict(read_table("decision/needs").select("need", "layer").iter_rows())
    asked = [row["need"] for row in fact(facts, "needs.used") or () if asks(row, layers[row["need"]])]
    return (asked, "needs.used", "inferred") if any(layers[need] == "mesh" for need in asked) else None


def asks(used: Mapping[str, Any], layer: str) -> bool:
    """Whether a need in use asks for its layer: not where it is in use at the edge alone, and a mesh has to meet it."""
    return layer != "mesh" or used["where"] != "edge"


def with_parts(needs: Iterable[str]) -> frozenset[str]:
    """Needs with those that are parts of them: who asks for the whole asks for each."""
    named = frozenset(needs)
    parts = read_table("decision/needs").filter(pl.col("part_of").is_in(named))["need"]
    return named.union(parts)


_MESHES = {
    ("none", None): "none",
    ("istio", "sidecar"): "istio-sidecar",
    ("istio", "ambient"): "istio-ambient",
    ("istio", "mixed"): "istio-ambient",
    ("cilium", None): "cilium-mesh",
    **{
        (product, None): product
        for product in ("linkerd", "consul", "kuma", "app-mesh", "osm", "proxyless-grpc", "vpc-lattice", "other")
    },
}
"""Declared mesh by product and mode; None stands for any mode."""

SUPPLIES: dict[str, Callable[[Facts], Answer]] = {
    "nodes": _workers,
    "services": _of("workload.services"),
    "pods": _pods,
    "namespaces": _of("workload.application_namespaces", lambda count: count or None, "inferred"),
    "node_cpu_cores": _share_of_node("nodes.cpu_cores"),
    "node_memory_gib": _share_of_node("nodes.memory_gib"),
    "config_services": _of("mesh.config_services"),
    "mtls": _of("policy.mtls_mode", {"strict": True, "permissive": True, "disable": False}.get, "inferred"),
    "kernel_oldest": _of("nodes.kernel_oldest"),
    "windows_nodes": _of("nodes.windows"),
    "daemonsets_run": _daemonsets_run,
    "cloud": _of("cloud"),
    "bgp_fabric": _of("cni.bgp_peers", lambda peers: peers > 0, "inferred"),
    "greenfield": _greenfield,
    "current_cni": _current_cni,
    "current_cni_edition": _cni_edition,
    "current_mesh": _current_mesh,
    "current_mesh_edition": _mesh_edition,
    "policy_engine": _of("policy.engine", lambda engine: _listed("policy_engine", engine)),
    "needs": _needs,
}
"""How each declared input follows from the facts. Inputs that no dump holds are not among them."""
