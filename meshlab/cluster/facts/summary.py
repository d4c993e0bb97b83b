"""From the answers about a cluster to its facts, each with where it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from meshlab.cluster.facts.answers import POOL_KERNELS, TALLIES, VERSIONS, Answers, Row, pod_numbers
from meshlab.cluster.facts.signatures import Verdict, kinds, verdict
from meshlab.scenario import inputs
from meshlab.tables import read_table


class Fact(msgspec.Struct, frozen=True):
    """One fact.

    Args:
        value: The value; None where it is unknown.
        status: measured (the input says it) or inferred (it follows from what the input says).
        origin: File or archive member that it was read from.
        why: Why it follows, or why it is unknown.
    """

    value: object = None
    status: str = "measured"
    origin: str | None = None
    why: str | None = None


UNKNOWN = Fact()

Facts = dict[str, Fact]
"""Facts by their dotted names."""


def facts_of(answers: Answers) -> Facts:
    """All facts of a cluster, in the order in which they are shown."""
    counts = _object_counts(answers)
    return {
        **_node_facts(answers),
        "cloud": _from(verdict(answers.votes, "cloud")),
        **_cni_facts(answers, counts),
        **_mesh_facts(answers),
        **_need_facts(answers),
        **_workload_facts(answers, counts),
        **_policy_facts(answers, counts),
        "service.proxy": _from(verdict(answers.votes, "service.proxy")),
    }


def _from(found: Verdict) -> Fact:
    return Fact(found.value, found.status or "measured", found.file, found.why)


# --- nodes ---------------------------------------------------------------------------------------------------------

_NODE_FACTS = (
    *("count", "workers", "virtual", "linux", "windows", "kernel_oldest", "kernel_newest"),
    *TALLIES,
    POOL_KERNELS,
    *("cpu_cores", "memory_gib"),
)


def _node_facts(answers: Answers) -> Facts:
    if not answers.has("Node"):
        return {f"nodes.{name}": UNKNOWN for name in _NODE_FACTS}
    values = answers.nodes | {name: _tally(answers.nodes[name], column) for name, column in TALLIES.items()}
    values[POOL_KERNELS] = _pool_kernels(answers.nodes[POOL_KERNELS])
    return {f"nodes.{name}": Fact(values[name], origin=answers.nodes["origin"]) for name in _NODE_FACTS}


def _pool_kernels(counted: Any) -> list[Row] | None:
    """Number of nodes by pool and kernel; None where no node names its pool."""
    rows = [{**each["of"], "nodes": each["nodes"]} for each in counted or ()]
    named = any(row["pool"] for row in rows)
    return sorted(rows, key=lambda row: (row["pool"] or "", row["kernel"])) if named else None


def _tally(counted: Any, column: str, of: str = "nodes") -> dict[str, int] | None:
    """Number of nodes or pods by what they say, the most frequent first."""
    rows = [(each[column], each[of]) for each in counted or ()]
    return dict(sorted(rows, key=lambda row: (-row[1], row[0]))) or None


# --- what there is so many of --------------------------------------------------------------------------------------


def _object_counts(answers: Answers) -> Facts:
    """Facts that count objects of some kinds; unknown where none of the kinds was in the input."""
    known = {fact: _count(row) for fact, row in answers.counts.items()}
    return {fact: known.get(fact, UNKNOWN) for fact in read_table("facts/kinds")["fact"].unique()}


def _count(row: Row) -> Fact:
    if row["unread"]:
        return Fact(why=f"{row['unread']} of the objects could not be read")
    return Fact(row["number"], origin=row["origin"])


# --- network plugin ------------------------------------------------------------------------------------------------


def _cni_facts(answers: Answers, counts: Facts) -> Facts:
    product = verdict(answers.votes, "cni.product")
    found = {
        name: _from(verdict(answers.votes, f"cni.{name}", product.value))
        for name in ("dataplane", "version", "encapsulation", "mtu")
    }
    mtu = found["mtu"]
    if mtu.value is not None:
        found["mtu"] = Fact(int(str(mtu.value)[:9]), mtu.status, mtu.origin, mtu.why)
    return {
        **_listed("cni", product, inputs()["current_cni"].choices),
        "cni.edition": _cni_edition(answers, product, found["dataplane"].value),
        **{f"cni.{name}": fact for name, fact in found.items()},
        "cni.bgp_peers": counts["cni.bgp_peers"],
    }


def _listed(room: str, product: Verdict, known: Container[str]) -> Facts:
    """The product, or ``other`` with its name where it is outside of the list."""
    fact = _from(product)
    if product.value is None or product.value in known:
        return {f"{room}.product": fact, f"{room}.name": UNKNOWN}
    return {f"{room}.product": replace(fact, value=OTHER), f"{room}.name": fact}


OTHER = "other"
"""Stands for a product outside of the lists."""


def _cni_edition(answers: Answers, product: Verdict, dataplane: object) -> Fact:
    """Edition that images and labels show, or that follows from engine, cloud and data plane."""
    shown = verdict(answers.votes, "cni.edition", product.value)
    if product.value is None or shown.value is not None or shown.why is not None:
        return _from(shown) if product.value is not None else UNKNOWN
    known = {
        "product": product.value,
        "engine": _engine(answers).value,
        "cloud": verdict(answers.votes, "cloud").value,
        "dataplane": dataplane,
    }
    for row in read_table("facts/editions").iter_rows(named=True):
        if all(row[name] in (None, value) for name, value in known.items()):
            return Fact(row["edition"], "inferred", product.file, row["why"])
    return UNKNOWN


# --- mesh ----------------------------------------------------------------------------------------------------------

MESHES = ("none", "istio", "linkerd", "cilium", "consul", "kuma", "app-mesh", "osm", "proxyless-grpc", "vpc-lattice")
"""Products of the list; others are ``other`` with their name."""


def _mesh_facts(answers: Answers) -> Facts:
    product = _mesh_product(answers)
    named = _listed("mesh", product, MESHES)
    named["mesh.edition"] = _mesh_edition(answers, product.value)
    if not answers.pods["some"]:
        return {**named, **dict.fromkeys(_MESH_NUMBERS, UNKNOWN)}
    mesh = answers.mesh
    # real pods show which of them carry a proxy, templates only if proxies stand in them
    counted = _of_pods(answers) if answers.counted or mesh["in_templates"] else _unshown
    if product.value is None and not mesh["sidecars"] and any(vote.value == OTHER for vote in answers.votes):
        counted = _untold
    known = mesh.get if mesh["described"] else dict[str, Any]().get
    whole = _of_pods(answers)
    return {
        **named,
        "mesh.mode": _mesh_mode(answers),
        "mesh.version": _from(verdict(answers.votes, "mesh.version", product.value)),
        "mesh.proxied_pods": counted(mesh["sidecars"] + mesh["ambient"]),
        "mesh.sidecar_pods": counted(mesh["sidecars"]),
        "mesh.ambient_pods": counted(mesh["ambient"]),
        "mesh.gateway_pods": whole(known("gateways")),
        "mesh.waypoint_pods": whole(known("waypoints")),
        "mesh.control_plane_pods": whole(known("control_planes")),
        "mesh.config_services": _config_services(answers, product.value),
        "mesh.proxy_cpu_request_cores": counted(known("cpu_cores")),
        "mesh.proxy_memory_request_gib": counted(known("memory_gib")),
        **{f"mesh.{name}": whole(_tally(mesh[name], "value", "pods")) for name in VERSIONS.values()},
    }


_MESH_NUMBERS = tuple(
    f"mesh.{name}"
    for name in (
        *("mode", "version", "proxied_pods", "sidecar_pods", "ambient_pods", "config_services"),
        *("gateway_pods", "waypoint_pods", "control_plane_pods"),
        *("proxy_cpu_request_cores", "proxy_memory_request_gib"),
        *VERSIONS.values(),
    )
)


def _config_services(answers: Answers, product: str | None) -> Fact:
    """Services that each of Istio's sidecars is configured for, by what is set; all where nothing narrows it."""
    if product != "istio" or not answers.config_services or not answers.has("Service"):
        return UNKNOWN
    why = "mean over the sidecars, by Sidecar resources, exportTo and discovery selectors in the input"
    return Fact(max(1, round(answers.config_services)), "inferred", answers.origin, why)


def _mesh_edition(answers: Answers, product: str | None) -> Fact:
    """Edition of the mesh; what Cilium does as a mesh is of the edition that the plugin is."""
    if product in (None, "none"):
        return UNKNOWN
    if product == "cilium":
        return _cni_edition(answers, Verdict("cilium"), None)
    return _from(verdict(answers.votes, "mesh.edition", product))


def _unshown(_value: object) -> Fact:
    return Fact(why="templates do not show proxies that are added when a pod starts")


def _untold(_value: object) -> Fact:
    return Fact(why="something looks like a mesh that is not known, and its proxies cannot be told")


def _mesh_mode(answers: Answers) -> Fact:
    """How Istio's or another mesh's proxies stand: beside pods, on nodes that pods are redirected to, or both."""
    mesh = answers.mesh
    redirected = mesh["ambient"] or (mesh["node_proxies"] and verdict(answers.votes, "mesh.product").value == "istio")
    mode = "mixed" if mesh["sidecars"] and redirected else "sidecar" if mesh["sidecars"] else None
    return _of_pods(answers)(mode or ("ambient" if redirected else None))


def _mesh_product(answers: Answers) -> Verdict:
    found = verdict(answers.votes, "mesh.product")
    if found.value is not None or found.why is not None:
        return found
    return _none(answers, "no pod carries a mesh's proxy, system namespaces included")


def _none(answers: Answers, why: str) -> Verdict:
    """That there is none of something, where all pods of the cluster seem to be in the input; else what is missing."""
    if not answers.pods["application_pods"]:
        return Verdict(why="none can be said only where pods of applications are in the input")
    if answers.gaps:
        return Verdict(why=f"the input does not hold the whole cluster: {', '.join(answers.gaps)}")
    return Verdict("none", "inferred", answers.pods["origin"], why)


# --- needs ----------------------------------------------------------------------------------------------------------


def _need_facts(answers: Answers) -> Facts:
    """Needs that objects use, each with how many and one of them; and features that serve none of those."""
    rows = [{name: value for name, value in row.items() if name != "file"} for row in answers.needs]
    return {
        "needs.used": Fact(rows, origin=answers.needs[0]["file"] if rows else answers.origin),
        "needs.installed_unused": replace(_unused(answers), origin=answers.pods["origin"]),
    }


def _unused(answers: Answers) -> Fact:
    """Features that no object uses, with what their pods ask for; unknown where the input could not show their use."""
    if not answers.pods["some"]:
        return UNKNOWN
    rows = read_table("facts/features").iter_rows(named=True)
    features = [row for row in rows if verdict(answers.votes, row["fact"]).value == row["product"]]
    unseen = [row for row in features if not any(re.search(row["seen"], kind) for kind in answers.groups)]
    blind = [row["feature"] for row in unseen if row["feature"] in answers.installed]
    if blind or any(row["where"] == "mesh" for row in unseen):
        what = ", ".join(blind) or f"what {unseen[0]['product']} brings"
        return Fact(why=f"no kind of object is in the input that could show whether anybody uses {what}")
    features = [row for row in features if row["feature"] in answers.installed]
    unused = [_cost(row, answers.installed[row["feature"]]) for row in features if not _serves(row, answers)]
    why = (
        "no object of the input asks for what they serve"
        if unused
        else "of no feature all that it serves is unasked for"
    )
    return Fact(unused, "inferred", why=why)


def _serves(feature: Row, answers: Answers) -> bool:
    """Whether a need that the feature serves is in use where it serves it."""
    places = ("mesh", "both") if feature["where"] == "mesh" else ("edge", "mesh", "both")
    return any(row["need"] in feature["needs"].split("|") and row["where"] in places for row in answers.needs)


def _cost(feature: Row, installed: Row) -> Row:
    return {
        "feature": feature["feature"],
        "pods": installed["pods"],
        "cpu_request_cores": installed["cpu_cores"],
        "memory_request_gib": installed["memory_gib"],
        "needs": feature["needs"].split("|"),
        "cannot_show": feature["blind"],
    }


# --- workload ------------------------------------------------------------------------------------------------------


def _of_pods(answers: Answers) -> Callable[[object], Fact]:
    """Makes facts that rest on the pods that count."""
    origin = answers.pods["origin"]
    if answers.counted:
        return lambda value: Fact(value, origin=origin)
    why = "counted from the replicas that controllers ask for: the input does not hold all their pods"
    return lambda value: Fact(value, "inferred", origin, why) if value is not None else UNKNOWN


def _workload_facts(answers: Answers, counts: Facts) -> Facts:
    pods = _pod_facts(answers)
    return {
        "workload.namespaces": _namespaces(answers, counts),
        "workload.services": counts["workload.services"],
        **{f"workload.{name}": fact for name, fact in pods.items()},
        "workload.pod_disruption_budgets": counts["workload.pod_disruption_budgets"],
    }


_OWNERS = {"stateful_pods": "StatefulSet", "daemonset_pods": "DaemonSet"}
"""Controllers whose pods are counted apart; templates show their number only where that kind was in the input."""


def _pod_facts(answers: Answers) -> Facts:
    """Facts that count pods, unknown where there are neither pods nor templates."""
    numbers = {name: answers.pods[name] for name in pod_numbers()}
    if not answers.pods["some"] and not answers.has("Pod"):
        return dict.fromkeys(numbers, UNKNOWN)
    if not answers.counted and answers.pods["some"]:
        unseen = [name for name, kind in _OWNERS.items() if not answers.has(kind)]
        numbers |= dict.fromkeys(["running_pods", *unseen])
    return {name: _of_pods(answers)(value) for name, value in numbers.items()}


def _namespaces(answers: Answers, counts: Facts) -> Fact:
    if answers.has("Namespace"):
        return counts["workload.namespaces"]
    if not answers.namespaces["number"]:
        return UNKNOWN
    return Fact(
        answers.namespaces["number"],
        "inferred",
        answers.namespaces["origin"],
        "counted from the objects: the input holds no Namespace",
    )


# --- policy --------------------------------------------------------------------------------------------------------


def _policy_facts(answers: Answers, counts: Facts) -> Facts:
    return {
        "policy.network_policies": counts["policy.network_policies"],
        "policy.l7_policies": counts["policy.l7_policies"],
        "policy.mtls_mode": _mtls_mode(answers),
        "policy.engine": _from(_engine(answers)),
    }


BESIDE_PROXIES = frozenset({"istio", "linkerd", "consul", "osm"})
"""Meshes whose control plane runs in the cluster of its proxies, and is known when it is seen."""

MANAGED_BY_GOOGLE = "cloud-service-mesh"
"""The edition of Istio whose control plane runs elsewhere."""


def _engine(answers: Answers) -> Verdict:
    """Who enforces policies: the plugin itself, or none where it does not, nothing else does and one has looked."""
    found = verdict(answers.votes, "policy.engine")
    if found.value is not None or found.why is not None:
        return found
    plugin = verdict(answers.votes, "cni.product")
    void = any(vote.shows == "denies-policy" and vote.value == plugin.value for vote in answers.votes)
    engines = dict(read_table("facts/own_engines").select("plugin", "engine").iter_rows())
    engine = "none" if void else engines.get(plugin.value or "")
    mesh, edition = (verdict(answers.votes, f"mesh.{name}").value for name in ("product", "edition"))
    beside = mesh in BESIDE_PROXIES and edition != MANAGED_BY_GOOGLE
    if engine == "none" and answers.mesh["sidecars"] and beside and not answers.mesh["control_planes"]:
        return Verdict(why="none is not said where proxies are in the input and no pod of their control plane is")
    if engine == "none":
        return _none(answers, f"{plugin.value} enforces no policies, and nothing beside it does")
    return Verdict(engine, "inferred", plugin.file, f"{plugin.value} enforces policies itself") if engine else Verdict()


def _mtls_mode(answers: Answers) -> Fact:
    """Mode of mutual TLS that Istio's workloads accept: strict, permissive, disable or mixed."""
    if not answers.has("PeerAuthentication"):
        return UNKNOWN
    modes, origin = set(answers.mutual_tls["modes"] or ()), answers.mutual_tls["origin"]
    if not answers.mutual_tls["mesh_wide"]:
        why = "nothing is set for the whole mesh, and Istio is permissive then"
        return Fact("mixed" if modes - {"permissive"} else "permissive", "inferred", origin, why)
    return Fact(modes.pop() if len(modes) == 1 else "mixed", origin=origin)


# --- as plain data -------------------------------------------------------------------------------------------------


def nested(facts: Mapping[str, Fact]) -> dict[str, Any]:
    """Values under the keys that their dotted names spell."""
    tree: dict[str, Any] = {}
    for name, fact in facts.items():
        room, _, key = name.rpartition(".")
        branch = tree.setdefault(room, {}) if room else tree
        branch[key] = fact.value
    return tree


def unknown(facts: Mapping[str, Fact]) -> list[str]:
    """Names of the facts that the input does not hold."""
    return [name for name, fact in facts.items() if fact.value is None]


def evidence(answers: Answers) -> dict[str, list[dict[str, object]]]:
    """What was seen for and against each fact of its own, the strongest first, and what that cannot show."""
    rows = [(vote, kinds()[vote.shows]) for vote in answers.shown if vote.fact.startswith(_EXPLAINED)]
    ordered = sorted(
        rows, key=lambda row: (row[1].fact, row[1].strength, row[0].shows, str(row[0].value), str(row[0].of))
    )
    found: dict[str, list[dict[str, object]]] = {}
    for vote, kind in ordered:
        found.setdefault(kind.fact, []).append(
            {
                "speaks": kind.counts,
                "value": vote.value,
                "of": vote.of,
                "shows": kind.meaning,
                "why": vote.why,
                "cannot_show": kind.blind,
                "strength": kind.strength,
                "used": kind.decides == "yes" and vote in answers.votes,
                "objects": vote.objects,
                "first": vote.object,
                "from": vote.file,
            }
        )
    return found


_EXPLAINED = ("cloud", "cni.", "mesh.", "policy.", "service.")


def provenance(facts: Mapping[str, Fact]) -> dict[str, dict[str, str | None]]:
    """Where each fact comes from; of unknown ones those of which a reason is known."""
    return {
        name: {
            "status": "unknown" if fact.value is None else fact.status,
            "from": fact.origin,
            "why": fact.why,
        }
        for name, fact in facts.items()
        if fact.value is not None or fact.why is not None
    }
