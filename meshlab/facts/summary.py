"""From the frames of a cluster to its facts, each with where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from meshlab.facts.cluster import FINISHED, Cluster
from meshlab.facts.signatures import Verdict, verdict
from meshlab.tables import read_table
from meshlab.units import version_key


@dataclass(frozen=True, slots=True)
class Fact:
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


def facts_of(cluster: Cluster) -> Facts:
    """All facts of a cluster, in the order in which they are shown."""
    counts = _object_counts(cluster)
    return {
        **_node_facts(cluster),
        "cloud": _from(verdict(cluster.matches, "cloud")),
        **_cni_facts(cluster, counts),
        **_mesh_facts(cluster),
        **_workload_facts(cluster, counts),
        **_policy_facts(cluster, counts),
    }


def origin_of(files: pl.Series) -> str | None:
    """The files as one text: the first, and how many more."""
    distinct = files.drop_nulls().unique(maintain_order=True)
    if distinct.is_empty():
        return None
    more = len(distinct) - 1
    return distinct[0] if more == 0 else f"{distinct[0]} and {more} more"


def _from(found: Verdict) -> Fact:
    return Fact(found.value, found.status or "measured", found.file, found.why)


# --- nodes ---------------------------------------------------------------------------------------------------------


def _node_facts(cluster: Cluster) -> Facts:
    names = [*_node_numbers(), *(f"nodes.{name}" for name in _TALLIES)]
    if not cluster.has("Node"):
        return dict.fromkeys(sorted(names, key=_NODE_ORDER.index), UNKNOWN)
    nodes = cluster.nodes
    origin = origin_of(nodes["file"])
    values = nodes.select(**_node_numbers()).row(0, named=True)
    for name, column in _TALLIES.items():
        tally = nodes[column].drop_nulls().value_counts(sort=True).sort("count", column, descending=[True, False])
        values[f"nodes.{name}"] = dict(tally.iter_rows()) or None
    return {name: Fact(values[name], origin=origin) for name in _NODE_ORDER}


_TALLIES = {
    "kernels": "kernel",
    "os_images": "os_image",
    "architectures": "architecture",
    "kubernetes_versions": "kubelet",
}
_NODE_ORDER = [
    f"nodes.{name}"
    for name in (
        *("count", "linux", "windows", "kernel_oldest", "kernel_newest"),
        *_TALLIES,
        *("cpu_cores", "memory_gib"),
    )
]


def _node_numbers() -> dict[str, pl.Expr]:
    """Facts of all nodes together. One node that does not say leaves the fact unknown."""
    linux = pl.col("os") == "linux"
    key = version_key(pl.col("kernel").filter(linux))
    kernels = pl.col("kernel").filter(linux)
    known = pl.col("os").is_not_null().all() & linux.any() & key.is_not_null().all()
    return {
        "nodes.count": pl.len(),
        "nodes.linux": pl.when(pl.col("os").is_not_null().all()).then(linux.sum()),
        "nodes.windows": pl.when(pl.col("os").is_not_null().all()).then((pl.col("os") == "windows").sum()),
        "nodes.kernel_oldest": pl.when(known).then(kernels.sort_by(key).first()),
        "nodes.kernel_newest": pl.when(known).then(kernels.sort_by(key).last()),
        "nodes.cpu_cores": whole_sum(pl.col("cpu_cores")),
        "nodes.memory_gib": whole_sum(pl.col("memory_gib")),
    }


def whole_sum(values: pl.Expr) -> pl.Expr:
    """The sum, or null where one of the values is missing or not a quantity. Binary noise is rounded away."""
    unknown_one = values.is_null() | values.cast(pl.Float64).is_nan()
    return pl.when(unknown_one.any()).then(None).otherwise(values.sum().round(9))


# --- what there is so many of --------------------------------------------------------------------------------------


def _object_counts(cluster: Cluster) -> Facts:
    """Facts that count objects of some kinds; unknown where none of the kinds was in the input."""
    counted = _counted(cluster.objects.lazy()).with_columns(
        number=pl.when(amount="l7").then("l7").when(amount="peers").then("peers").otherwise(1)
    )
    numbers = counted.group_by("fact").agg(pl.col("number").sum(), unread=pl.col("number").null_count())
    files = _counted(cluster.looked_at.lazy()).group_by("fact").agg(pl.col("file"))
    rows = files.join(numbers, on="fact", how="left").collect().iter_rows(named=True)
    known = {row["fact"]: _count(row["number"] or 0, row["unread"] or 0, pl.Series(row["file"])) for row in rows}
    return {fact: known.get(fact, UNKNOWN) for fact in read_table("facts/kinds")["fact"].unique()}


def _counted(objects: pl.LazyFrame) -> pl.LazyFrame:
    """The objects that facts count, once for each fact: a kind is known by its name and its API group."""
    kinds = read_table("facts/kinds").lazy().select("kind", "fact", "amount", groups="group")
    return objects.join(kinds, on="kind", maintain_order="left").filter(pl.col("group").str.contains(pl.col("groups")))


def _count(number: int, unread: int, files: pl.Series) -> Fact:
    if unread:
        return Fact(why=f"{unread} of the objects could not be read")
    return Fact(number, origin=origin_of(files))


# --- network plugin ------------------------------------------------------------------------------------------------


def _cni_facts(cluster: Cluster, counts: Facts) -> Facts:
    product = verdict(cluster.matches, "cni.product")
    found = {
        name: _from(verdict(cluster.matches, f"cni.{name}", product.value))
        for name in ("dataplane", "version", "encapsulation", "mtu")
    }
    mtu = found["mtu"]
    if mtu.value is not None:
        found["mtu"] = Fact(int(str(mtu.value)[:9]), mtu.status, mtu.origin, mtu.why)
    return {
        "cni.product": _from(product),
        **{f"cni.{name}": fact for name, fact in found.items()},
        "cni.bgp_peers": counts["cni.bgp_peers"],
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


# --- mesh ----------------------------------------------------------------------------------------------------------


def _mesh_facts(cluster: Cluster) -> Facts:
    product = _mesh_product(cluster)
    if cluster.pods.is_empty():
        names = ("mode", "version", "proxied_pods", "proxy_cpu_request_cores", "proxy_memory_request_gib")
        return {"mesh.product": product, **{f"mesh.{name}": UNKNOWN for name in names}}
    meshed = _meshed(cluster)
    counted = _of_pods(cluster) if _shows_proxies(cluster, meshed) else _unshown
    return {
        "mesh.product": product,
        "mesh.mode": _mesh_mode(cluster, meshed),
        "mesh.version": _from(verdict(cluster.matches, "mesh.version", _text(product.value))),
        "mesh.proxied_pods": counted(meshed.sidecars + meshed.ambient),
        "mesh.proxy_cpu_request_cores": counted(meshed.cpu_cores),
        "mesh.proxy_memory_request_gib": counted(meshed.memory_gib),
    }


def _shows_proxies(cluster: Cluster, meshed: Meshed) -> bool:
    """Whether the pods show which of them carry a proxy: real ones do, templates only if proxies stand in them."""
    return cluster.counted or meshed.in_templates


def _unshown(_value: object) -> Fact:
    return Fact(why="templates do not show proxies that are added when a pod starts")


def _mesh_mode(cluster: Cluster, meshed: Meshed) -> Fact:
    mode = "sidecar" if meshed.sidecars else "ambient" if meshed.ambient or meshed.ztunnels else None
    return _of_pods(cluster)(mode)


def _mesh_product(cluster: Cluster) -> Fact:
    found = verdict(cluster.matches, "mesh.product")
    if found.value is not None or found.why is not None:
        return _from(found)
    whole = cluster.counted and cluster.pods["system"].any()
    if not whole:
        return UNKNOWN
    return Fact(
        "none", "inferred", origin_of(cluster.pods["file"]), "no pod carries a mesh's proxy, system namespaces included"
    )


@dataclass(frozen=True, slots=True)
class Meshed:
    """Who takes part in the mesh.

    Args:
        sidecars: Pods with a sidecar.
        ambient: Pods that ztunnel serves.
        ztunnels: Pods of ztunnel.
        in_templates: Whether some template carries a sidecar.
        cpu_cores: Requested by sidecars and ztunnels; None where unknown. [cores]
        memory_gib: Requested by sidecars and ztunnels; None where unknown. [GiB]
    """

    sidecars: int
    ambient: int
    ztunnels: int
    in_templates: bool
    cpu_cores: float | None
    memory_gib: float | None


def _meshed(cluster: Cluster) -> Meshed:
    """Count pods in the mesh.

    A pod of nothing but a proxy is a gateway: it is neither a pod in the mesh nor a cost of one.
    """
    alive = ~pl.col("phase").is_in(FINISHED).fill_null(value=False)
    containers = cluster.containers.filter(alive)
    apps = containers.filter(pl.col("proxy").is_null(), pl.col("role") == "app")["id"].unique()
    sidecars = containers.filter(
        pl.col("proxy") == "sidecar", pl.col("role") != "init", pl.col("id").is_in(apps.implode())
    )
    with_sidecar = cluster.pods.filter(pl.col("id").is_in(sidecars["id"].implode()))
    ambient = cluster.pods.filter(
        alive, pl.col("redirection") == "enabled", ~pl.col("id").is_in(sidecars["id"].implode())
    )
    ztunnels = containers.filter(pl.col("proxy") == "ztunnel")
    weight = pl.col("weight")
    requests = pl.concat([sidecars, ztunnels]).select(
        cpu=whole_sum(pl.col("cpu_cores") * weight), memory=whole_sum(pl.col("memory_gib") * weight)
    )
    known = cluster.pods["containers"].is_not_null().all()
    return Meshed(
        int(with_sidecar["weight"].sum()),
        int(ambient["weight"].sum()),
        int(ztunnels["weight"].sum()),
        bool(with_sidecar["template"].any()),
        *(requests.row(0) if known else (None, None)),
    )


# --- workload ------------------------------------------------------------------------------------------------------


def _of_pods(cluster: Cluster) -> Callable[[object], Fact]:
    """Makes facts that rest on the pods that count."""
    origin = origin_of(cluster.pods["file"])
    if cluster.counted:
        return lambda value: Fact(value, origin=origin)
    why = "counted from the replicas that controllers ask for: the input does not hold all their pods"
    return lambda value: Fact(value, "inferred", origin, why) if value is not None else UNKNOWN


def _workload_facts(cluster: Cluster, counts: Facts) -> Facts:
    pods = _pod_facts(cluster)
    return {
        "workload.namespaces": _namespaces(cluster, counts),
        "workload.services": counts["workload.services"],
        **{f"workload.{name}": fact for name, fact in pods.items()},
        "workload.pod_disruption_budgets": counts["workload.pod_disruption_budgets"],
    }


_OWNERS = {"stateful_pods": "StatefulSet", "daemonset_pods": "DaemonSet"}
"""Controllers whose pods are counted apart; templates show their number only where that kind was in the input."""


def _pod_facts(cluster: Cluster) -> Facts:
    """Facts that count pods, unknown where there are neither pods nor templates."""
    if cluster.pods.is_empty() and not cluster.has("Pod"):
        return dict.fromkeys(_pod_numbers(), UNKNOWN)
    numbers = cluster.pods.select(**_pod_numbers()).row(0, named=True)
    if not cluster.counted and not cluster.pods.is_empty():
        unseen = [name for name, kind in _OWNERS.items() if not cluster.has(kind)]
        numbers |= dict.fromkeys(["running_pods", *unseen])
    return {name: _of_pods(cluster)(value) for name, value in numbers.items()}


def _pod_numbers() -> dict[str, pl.Expr]:
    """Facts that count pods. Of a template that does not say how many it makes the sum is unknown."""
    weight = pl.col("weight")
    alive = ~pl.col("phase").is_in(FINISHED).fill_null(value=False)
    lasting = pl.col("template") | (pl.col("phase") == "Running").fill_null(value=False)
    in_daemon_set = (pl.col("owner_kind") == "DaemonSet").fill_null(value=False)
    of_a_team = lasting & ~pl.col("host_network") & ~pl.col("system") & ~in_daemon_set
    namespaces = pl.col("namespace").filter(of_a_team, weight > 0)
    described = pl.col("containers").is_not_null().all()  # a ztunnel names pods without their owners
    return {
        "pods": whole_sum(weight),
        "running_pods": weight.filter(pl.col("phase") == "Running").sum(),
        "stateful_pods": pl.when(described).then(whole_sum(weight.filter(pl.col("owner_kind") == "StatefulSet"))),
        "daemonset_pods": pl.when(described).then(whole_sum(weight.filter(in_daemon_set))),
        "application_pods": pl.when(described).then(whole_sum(weight.filter(of_a_team))),
        "application_namespaces": pl.when(described, namespaces.is_not_null().all()).then(namespaces.n_unique()),
        "cpu_request_cores": whole_sum((pl.col("cpu_cores") * weight).filter(alive)),
        "memory_request_gib": whole_sum((pl.col("memory_gib") * weight).filter(alive)),
    }


def _namespaces(cluster: Cluster, counts: Facts) -> Fact:
    if cluster.has("Namespace"):
        return counts["workload.namespaces"]
    named = cluster.objects.filter(pl.col("namespace").is_not_null())
    if named.is_empty():
        return UNKNOWN
    return Fact(
        named["namespace"].n_unique(),
        "inferred",
        origin_of(named["file"]),
        "counted from the objects: the input holds no Namespace",
    )


# --- policy --------------------------------------------------------------------------------------------------------

ROOT_NAMESPACE = "istio-system"
"""Namespace whose settings hold for the whole of an Istio mesh, unless the mesh is configured otherwise."""


MTLS_MODES = ("strict", "permissive", "disable")
"""Modes that a PeerAuthentication can state; any other text states nothing."""


def _policy_facts(cluster: Cluster, counts: Facts) -> Facts:
    return {
        "policy.network_policies": counts["policy.network_policies"],
        "policy.l7_policies": counts["policy.l7_policies"],
        "policy.mtls_mode": _mtls_mode(cluster),
    }


def _mtls_mode(cluster: Cluster) -> Fact:
    """Mode of mutual TLS that Istio's workloads accept: strict, permissive, disable or mixed."""
    if not cluster.has("PeerAuthentication"):
        return UNKNOWN
    settings = cluster.objects.filter(pl.col("kind") == "PeerAuthentication").with_columns(
        pl.col("mtls_mode").str.to_lowercase()
    )
    stated = settings.filter(pl.col("mtls_mode").is_in(MTLS_MODES))
    mesh_wide = stated.filter(pl.col("namespace") == ROOT_NAMESPACE, ~pl.col("selective"))
    modes, origin = set(stated["mtls_mode"]), origin_of(settings["file"])
    if mesh_wide.is_empty():
        why = "nothing is set for the whole mesh, and Istio is permissive then"
        return Fact("mixed" if modes - {"permissive"} else "permissive", "inferred", origin, why)
    return Fact(modes.pop() if len(modes) == 1 else "mixed", origin=origin)


# --- as plain data -------------------------------------------------------------------------------------------------


def nested(facts: Mapping[str, Fact]) -> dict[str, object]:
    """Values under the keys that their dotted names spell."""
    tree: dict[str, object] = {}
    for name, fact in facts.items():
        room, _, key = name.rpartition(".")
        branch = tree.setdefault(room, {}) if room else tree
        branch[key] = fact.value  # type: ignore[index]
    return tree


def unknown(facts: Mapping[str, Fact]) -> list[str]:
    """Names of the facts that the input does not hold."""
    return [name for name, fact in facts.items() if fact.value is None]


def provenance(facts: Mapping[str, Fact]) -> dict[str, dict[str, str | None]]:
    """Where each fact comes from; of unknown ones those of which a reason is known."""
    return dict(_provenance(facts))


def _provenance(facts: Mapping[str, Fact]) -> Iterator[tuple[str, dict[str, str | None]]]:
    for name, fact in facts.items():
        if fact.value is not None or fact.why is not None:
            status = fact.status if fact.value is not None else "unknown"
            yield name, {"status": status, "from": fact.origin, "why": fact.why}
