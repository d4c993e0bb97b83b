"""What of a cluster the audit looks at: its facts as one row, and frames of single objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
import polars as pl

from meshlab.cluster.audit.details import TABLES, detail, kinds_table
from meshlab.cluster.facts.answers import Answers, ask
from meshlab.cluster.facts.cluster import FINISHED, Cluster, cluster_of, system_namespaces
from meshlab.cluster.facts.columns import Rows
from meshlab.cluster.facts.files import Source
from meshlab.cluster.facts.gather import collector_paused, rows_of
from meshlab.cluster.facts.paths import switch_fields
from meshlab.cluster.facts.summary import facts_of
from meshlab.errors import MeshlabError, Problem
from meshlab.tables import read_table
from meshlab.units import version_key

FACTS: dict[str, pl.DataType] = {
    "nodes.count": pl.Int64(),
    "nodes.kernel_oldest": pl.String(),
    "cni.product": pl.String(),
    "cni.dataplane": pl.String(),
    "cni.version": pl.String(),
    "cni.encapsulation": pl.String(),
    "cni.mtu": pl.Int64(),
    "cni.bgp_peers": pl.Int64(),
    "mesh.product": pl.String(),
    "mesh.version": pl.String(),
    "workload.services": pl.Int64(),
    "policy.network_policies": pl.Int64(),
    "policy.engine": pl.String(),
    "service.proxy": pl.String(),
}
"""Facts that conditions may name, with an underscore for the dot."""


class Inventory(msgspec.Struct, frozen=True):
    """A cluster, as queries look at it.

    Args:
        objects: Every object once: id, kind, group, namespace, name.
        frames: Tables of ``details.TABLES``, of those objects only; machines with what facts know of the node; pods
            (id, owner, owner_kind, node, phase, host_network, redirection and ``pod_details``); and containers of pods
            and templates: id, template, role, container, image, proxy.
        nodes: A row a node, as facts read it.
        parts: What pods are for a mesh: id and part (gateway, waypoint, control-plane).
        requests: What pods and templates ask for: id, cpu_cores, memory_gib, kind, namespace, weight.
        living_pods: Pods in a network of their own that have not finished: id, kind, namespace, name, the columns of
            the table pods, and proxied (a sidecar beside an application), native (that sidecar is a native one) and
            gateway (nothing but proxies).
        answers: Everything that facts are made of.
        facts: One row: ``FACTS``, minor versions, ``mesh_ambient``, switches of network plugins, and the moment of the
            dump (``at``).
        looked_at: Kinds of which there was at least an empty List; pods only where there are as many of them as their
            controllers report.
    """

    objects: pl.LazyFrame
    frames: dict[str, pl.LazyFrame]
    nodes: pl.LazyFrame
    parts: pl.LazyFrame
    requests: pl.LazyFrame
    living_pods: pl.LazyFrame
    answers: Answers
    facts: pl.DataFrame
    looked_at: frozenset[str]

    def of(self, *kinds: str) -> pl.LazyFrame:
        """Objects of the kinds in their own API groups: id, kind, namespace, name."""
        named = _of_known_groups(self.objects.filter(pl.col("kind").is_in(kinds)))
        return named.select("id", "kind", "namespace", "name")

    def saw(self, *kinds: str) -> bool:
        """Whether the input holds objects of every one of the kinds, or Lists of none."""
        return self.looked_at.issuperset(kinds)


def read_inventory(paths: Sequence[Source], at: datetime | None = None, *, may_be_empty: bool = True) -> Inventory:
    """Read the paths, which together describe one cluster.

    Dates are compared with ``at``, or else with the newest time in the input. With ``may_be_empty`` a path may hold no
    facts, as long as it holds objects of a cluster or Lists of none.
    """
    if not paths:
        raise MeshlabError(Problem("audit", "no dump was given", "name a file, folder or archive"))
    with collector_paused():
        return inventory_of(rows_of(paths, detail(), may_be_empty=may_be_empty), at)


def _of_known_groups(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows whose kind is one that the audit looks at, in the API group that it looks at."""
    known = kinds_table().lazy().rename({"group": "known_group"})
    return rows.join(known, on="kind", maintain_order="left").filter(
        pl.col("group").str.contains(pl.col("known_group"))
    )


def inventory_of(rows: Rows, at: datetime | None = None) -> Inventory:
    """The inventory of a cluster whose objects have been gathered in detail."""
    cluster = cluster_of(rows)
    answers = ask(cluster)
    ids, pods = cluster.objects.select("id"), cluster.read["pods"]
    frames = {name: cluster.read[name] for name in TABLES} | {"containers": _containers(cluster)}
    frames["pods"] = frames.pop("pod_details").join(
        pods.select(
            "id", "owner_kind", "owner", "phase", "node", "redirection", pl.col("host_network").fill_null(value=False)
        ),
        on="id",
        maintain_order="left",
    )
    frames = {name: frame.join(ids, on="id", how="semi", maintain_order="left") for name, frame in frames.items()}
    marks = cluster.nodes.select("id", "pool", "virtual", control="reserved")
    frames["machines"] = frames["machines"].join(marks, on="id", maintain_order="left")
    frames = dict(zip(frames, map(pl.DataFrame.lazy, pl.collect_all(frames.values(), engine="in-memory")), strict=True))
    pods = _of_known_groups(cluster.objects.filter(pl.col("kind") == "Pod")).select("id", "kind", "namespace", "name")
    parts = cluster.parts.select("id", "part")
    looked_at = _of_known_groups(cluster.looked_at).select(pl.col("kind").unique()).collect(engine="in-memory")
    return Inventory(
        objects=cluster.objects.select("id", "kind", "group", "namespace", "name", "l7"),
        frames=frames,
        nodes=cluster.nodes,
        parts=parts,
        requests=cluster.pods.select("id", "kind", "namespace", "weight", "cpu_cores", "memory_gib"),
        living_pods=_living_pods(pods, frames, parts).collect(engine="in-memory").lazy(),
        answers=answers,
        facts=_facts(cluster, answers, frames, at),
        looked_at=frozenset(looked_at["kind"]) - (frozenset() if answers.counted else {"Pod"}),
    )


def _facts(cluster: Cluster, answers: Answers, frames: dict[str, pl.LazyFrame], at: datetime | None) -> pl.DataFrame:
    """The one row of facts."""
    found = facts_of(answers)
    values = {name.replace(".", "_"): found[name].value for name in FACTS}
    schema = {name.replace(".", "_"): dtype for name, dtype in FACTS.items()}
    row = pl.DataFrame([values], schema=schema, orient="row")
    newest = (
        frames["times"].select(moment(pl.col("time")).max()).collect(engine="in-memory").item() if at is None else at
    )
    return pl.concat(
        [
            row.with_columns(cni_minor=minor(pl.col("cni_version"))),
            cluster.nodes.select(kubernetes_minor=minor(pl.col("kubelet")).max()).collect(engine="in-memory"),
            _ambient(cluster, answers, frames["labels"]),
            _switches(cluster, answers),
            pl.DataFrame({"at": [newest]}, schema={"at": pl.Datetime("us")}),
        ],
        how="horizontal",
    )


def minor(version: pl.Expr) -> pl.Expr:
    """Major and minor version as one number that grows by one from each minor version to the next."""
    return version_key(version) // 100_000


def moment(text: pl.Expr) -> pl.Expr:
    """A time as Kubernetes writes it; null where it is none. [UTC]"""
    return text.str.replace(r"(?i)(\+00:00|z)$", "").str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us"
    )


def _ambient(cluster: Cluster, answers: Answers, labels: pl.LazyFrame) -> pl.DataFrame:
    """Whether a namespace is in Istio's ambient mode: null where none is seen in it and no List of them was read."""
    enrolled = labels.filter(pl.col("key") == "istio.io/dataplane-mode", pl.col("value") == "ambient")
    namespaces = cluster.objects.filter(pl.col("kind") == "Namespace").join(enrolled, on="id", how="semi")
    some = pl.col("some") | pl.lit(value=False if answers.has("Namespace") else None, dtype=pl.Boolean)
    return namespaces.select(some=pl.len() > 0).select(mesh_ambient=some).collect(engine="in-memory")


def _switches(cluster: Cluster, answers: Answers) -> pl.DataFrame:
    """One row with a column for each known switch: null where the input does not show the object that holds it.

    Custom resources are optional: where a List of their kind was read, one that is not in it leaves the default.
    """
    table = read_table("audit/switches").select("switch", "kind", "object")
    fields = pl.DataFrame(list(switch_fields().items()), ["switch", "field"], orient="row").explode("field")
    held = pl.col("object").is_null() | (pl.col("object") == pl.col("name")) | pl.col("switch").is_in(list(_IN_TEXT))
    objects = _of_known_groups(cluster.objects.filter(pl.col("fault").is_null())).select("id", "kind", "name")
    shown = (
        fields.lazy()
        .join(table.lazy(), on="switch")
        .join(objects, on="kind")
        .filter(held)
        .join(cluster.read["texts"], on=["id", "field"], how="left")
        .sort("id")  # of several objects the last one counts
        .select("switch", "text")
        .collect(engine="in-memory")
    )
    values = {
        switch: "unset" if kind != "ConfigMap" and answers.has(kind) else None
        for switch, kind in table.select("switch", "kind").iter_rows()
    }
    for switch, text in shown.iter_rows():
        if switch not in _IN_TEXT:
            values[switch] = (text or "unset").lower()
        elif text is not None:
            setting = _IN_TEXT[switch].search(text)
            values[switch] = (setting[1] if setting else "") or "unset"
    return pl.DataFrame([values], schema=dict.fromkeys(values, pl.String))


_IN_TEXT = {
    "kube_proxy_mode": re.compile(
        r"""^mode:\s*["']?((?:iptables|ipvs|nftables|kernelspace|userspace)?)["']?\s*$""", re.MULTILINE
    ),
    "kube_proxy_conntrack_max_per_core": re.compile(r"^\s+maxPerCore:\s*(\d+)", re.MULTILINE),
    "kube_proxy_conntrack_min": re.compile(r"^\s+min:\s*(\d+)", re.MULTILINE),
    "istio_outbound_traffic_policy": re.compile(r"""^outboundTrafficPolicy:\s*\n\s+mode:\s*["']?(\w+)""", re.MULTILINE),
    "istio_enable_auto_mtls": re.compile(r"""^enableAutoMtls:\s*["']?(\w+)""", re.MULTILINE),
    "istio_access_logs": re.compile(r"""^accessLogFile:\s*["']?([\w/.-]*)""", re.MULTILINE),
    "istio_tracing": re.compile(r"""^enableTracing:\s*["']?(\w+)""", re.MULTILINE),
    "istio_hold_application": re.compile(r"""^\s+holdApplicationUntilProxyStarts:\s*["']?(\w+)""", re.MULTILINE),
}
"""Switches that stand in the text of a configuration, of which nothing else is looked at."""


# --- frames that several queries start from ------------------------------------------------------------------------


def label(inventory: Inventory, key: str) -> pl.LazyFrame:
    """Objects that carry a label: id and value."""
    return inventory.frames["labels"].filter(pl.col("key") == key).select("id", "value")


def applications(inventory: Inventory) -> pl.LazyFrame:
    """Living pods outside of the platform's namespaces that are no gateways, by namespace."""
    of_the_platform = pl.col("namespace").str.contains(system_namespaces())
    control = inventory.parts.filter(pl.col("part") == "control-plane").select("id")
    pods = inventory.living_pods.filter(~pl.col("gateway"), pl.col("namespace").is_not_null(), ~of_the_platform)
    return pods.join(control, on="id", how="anti")


def _containers(cluster: Cluster) -> pl.LazyFrame:
    """Containers of pods and templates, with what each is for a mesh."""
    pods, containers = cluster.read["pods"].select("id", "template", "shape"), cluster.read["containers"]
    return (
        pods.join(containers, on="shape", maintain_order="left_right")
        .join(cluster.proxies, on=["id", "container"], how="left", maintain_order="left")
        .select("id", "template", "role", "image", "proxy", container="name")
    )


def _living_pods(pods: pl.LazyFrame, frames: dict[str, pl.LazyFrame], parts: pl.LazyFrame) -> pl.LazyFrame:
    """Of all pods the living ones, with whether a mesh's proxy runs beside them."""
    at_edge = pl.col("part").is_in(["gateway", "waypoint"]).fill_null(value=False)
    proxy = (pl.col("proxy") == "sidecar").fill_null(value=False)
    lasting = pl.col("role") != "init"
    beside = (
        frames["containers"]
        .filter(~pl.col("template"))
        .group_by("id")
        .agg(
            has_proxy=(proxy & lasting).any(),
            native=(proxy & (pl.col("role") == "sidecar")).any(),
            has_application=(~proxy & (pl.col("role") == "app")).any(),
        )
    )
    return (
        pods.join(frames["pods"], on="id")
        .filter(~pl.col("host_network"), ~pl.col("phase").is_in(FINISHED).fill_null(value=False))
        .join(beside, on="id", how="left")
        .join(parts, on="id", how="left")
        .with_columns(
            proxied=(pl.col("has_proxy") & pl.col("has_application") & ~at_edge).fill_null(value=False),
            gateway=(at_edge | (pl.col("has_proxy") & ~pl.col("has_application"))).fill_null(value=False),
            native=pl.col("native").fill_null(value=False),
        )
        .drop("has_proxy", "has_application", "part")
    )


# --- what several queries ask ----------------------------------------------------------------------------------------


Query = Callable[[Inventory], pl.LazyFrame]
"""From an inventory to rows with the columns kind, namespace and name, and those that conditions look at."""

QUERIES: dict[str, Query] = {}
"""Queries by the name that the table of rules calls them by."""


def query(of: Query) -> Query:
    """Register a query under the name of its function."""
    QUERIES[of.__name__] = of
    return of


NOBODY = {column: pl.lit(None, pl.String) for column in ("kind", "namespace", "name")}
"""Columns of a row that is about the cluster as a whole."""


OF_NAMESPACE = NOBODY | {"kind": pl.lit("Namespace"), "name": pl.col("namespace")}
"""Columns of a row that is about the namespace of that name."""


def selects(selectors: pl.LazyFrame, labels: pl.LazyFrame, *within: str) -> pl.LazyFrame:
    """Which selector matches which labels: every label that it names is there with its value.

    Both have the columns id, key, value and those of ``within``, such as the namespace. A selector without labels is
    not among them: it matches everything. Returns the columns id (of the selector) and selected (the id of the labels).
    """
    asked = selectors.group_by("id").agg(asked=pl.len())
    return (
        selectors.join(labels.rename({"id": "selected"}), on=["key", "value", *within])
        .group_by("id", "selected")
        .agg(met=pl.len())
        .join(asked, on="id")
        .filter(pl.col("met") == pl.col("asked"))
        .select("id", "selected")
    )
