"""What of a cluster the audit looks at: its facts as one row, and frames of single objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import polars as pl

from meshlab.cluster.audit.details import Details
from meshlab.cluster.facts.answers import Answers, ask
from meshlab.cluster.facts.cluster import FINISHED, Cluster, cluster_of
from meshlab.cluster.facts.columns import Rows
from meshlab.cluster.facts.gather import collector_paused, is_used, nothing, read_objects
from meshlab.cluster.facts.read import is_dump
from meshlab.cluster.facts.settings import DECODED
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


@dataclass(frozen=True, slots=True)
class Inventory:
    """A cluster, as queries look at it.

    Args:
        objects: Every object once: id, kind, group, namespace, name.
        frames: Tables of ``details.TABLES``, of those objects only.
        nodes: A row a node, as facts read it.
        parts: What pods are for a mesh: id and part (gateway, waypoint, control-plane).
        requests: What pods and templates ask for: id, cpu_cores, memory_gib, kind, namespace, weight.
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
    facts: pl.DataFrame
    looked_at: frozenset[str]

    def of(self, *kinds: str) -> pl.LazyFrame:
        """Objects of the kinds in their own API groups: id, kind, namespace, name."""
        named = _of_known_groups(self.objects.filter(pl.col("kind").is_in(kinds)))
        return named.select("id", "kind", "namespace", "name")

    def saw(self, *kinds: str) -> bool:
        """Whether the input holds objects of every one of the kinds, or Lists of none."""
        return self.looked_at.issuperset(kinds)


@cache
def kinds_table() -> pl.DataFrame:
    """Kinds that the audit looks at, with their API groups."""
    return read_table("audit/kinds").select("kind", "group")


def read_inventory(paths: Sequence[Path], at: datetime | None = None) -> Inventory:
    """Read the paths, which together describe one cluster.

    Args:
        paths: Files, folders and archives.
        at: Moment that dates are compared with; the newest time in the input unless given.

    Raises:
        MeshlabError: A path cannot be read.
    """
    if not paths:
        raise MeshlabError(Problem("audit", "no dump was given", "name a file, folder or archive"))
    with collector_paused():
        rows, details = _rows(paths)
        return inventory_of(cluster_of(rows), details, at)


def _rows(paths: Sequence[Path]) -> tuple[Rows, Details]:
    """Rows of all paths; the problems of all of them are told together."""
    rows, details, problems = Rows(), Details(), []
    for path in paths:
        try:
            first = rows.next
            for found, file in read_objects(path):
                if _is_used(found.kind, found.group):
                    details.add(rows.next, found)
                    rows.add(found, file)
            if rows.next == first and not is_dump(path):
                problems.append(nothing(path, set()))
        except MeshlabError as error:
            problems.extend(error.problems)
    if problems:
        raise MeshlabError(problems)
    return rows, details


@cache
def _is_used(kind: str, group: str) -> bool:
    return kind in DECODED or kind in set(kinds_table()["kind"]) or is_used(kind, group)


def _of_known_groups(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows whose kind is one that the audit looks at, in the API group that it looks at."""
    known = kinds_table().lazy().rename({"group": "known_group"})
    return rows.join(known, on="kind", maintain_order="left").filter(
        pl.col("group").str.contains(pl.col("known_group"))
    )


def inventory_of(cluster: Cluster, details: Details, at: datetime | None = None) -> Inventory:
    """The inventory of a cluster whose objects have been read."""
    answers = ask(cluster)
    ids = cluster.objects.select("id")
    frames = {
        name: frame.lazy().join(ids, on="id", how="semi", maintain_order="left")
        for name, frame in details.frames().items()
    }
    proxies = cluster.proxies.rename({"container": "text"})
    frames["containers"] = (
        frames["containers"]
        .with_columns(text=pl.format("{}={}", *(pl.col(part).fill_null("None") for part in ("container", "image"))))
        .join(proxies, on=["id", "text"], how="left", maintain_order="left")
        .drop("text")
    )
    looked_at = _of_known_groups(cluster.looked_at).select(pl.col("kind").unique()).collect()
    return Inventory(
        objects=cluster.objects.select("id", "kind", "group", "namespace", "name", "l7"),
        frames=frames,
        nodes=cluster.nodes,
        parts=cluster.parts.select("id", "part"),
        requests=cluster.pods.select("id", "kind", "namespace", "weight", "cpu_cores", "memory_gib"),
        facts=_facts(cluster, answers, frames, at),
        looked_at=frozenset(looked_at["kind"]) - (frozenset() if answers.counted else {"Pod"}),
    )


def _facts(cluster: Cluster, answers: Answers, frames: dict[str, pl.LazyFrame], at: datetime | None) -> pl.DataFrame:
    """The one row of facts."""
    found = facts_of(answers)
    values = {name.replace(".", "_"): found[name].value for name in FACTS}
    schema = {name.replace(".", "_"): dtype for name, dtype in FACTS.items()}
    row = pl.DataFrame([values], schema=schema, orient="row")
    newest = frames["times"].select(moment(pl.col("time")).max()).collect().item() if at is None else at
    return pl.concat(
        [
            row.with_columns(cni_minor=minor(pl.col("cni_version"))),
            cluster.nodes.select(kubernetes_minor=minor(pl.col("kubelet")).max()).collect(),
            _ambient(cluster, answers, frames["labels"]),
            _switches(answers, frames["switches"]),
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
    return namespaces.select(some=pl.len() > 0).select(mesh_ambient=some).collect()


def _switches(answers: Answers, switches: pl.LazyFrame) -> pl.DataFrame:
    """One row with a column for each known switch: null where the input does not show the object that holds it.

    Custom resources are optional: where a List of their kind was read, one that is not in it leaves the default.
    """
    table = read_table("audit/switches")
    found = switches.select(column=pl.concat_str("owner", "switch", separator="_"), value="value").collect()
    values = dict(found.unique("column", keep="last", maintain_order=True).iter_rows())
    defaults = {
        switch: "unset" if kind != "ConfigMap" and answers.has(kind) else None
        for switch, kind in table.select("switch", "kind").iter_rows()
    }
    return pl.DataFrame(
        [{switch: values.get(switch, default) for switch, default in defaults.items()}],
        schema=dict.fromkeys(defaults, pl.String),
    )


# --- frames that several queries start from ------------------------------------------------------------------------


def label(inventory: Inventory, key: str) -> pl.LazyFrame:
    """Objects that carry a label: id and value."""
    return inventory.frames["labels"].filter(pl.col("key") == key).select("id", "value")


def living_pods(inventory: Inventory) -> pl.LazyFrame:
    """Pods in a network of their own that have not finished, with whether a mesh's proxy runs beside them.

    Returns:
        Columns id, kind, namespace, name, the columns of the table pods, and proxied (a sidecar beside an
        application), native (that sidecar is a native one) and gateway (nothing but proxies, or a gateway's label).
    """
    at_edge = pl.col("part").is_in(["gateway", "waypoint"]).fill_null(value=False)
    proxy = (pl.col("proxy") == "sidecar").fill_null(value=False)
    lasting = pl.col("role") != "init"
    beside = (
        inventory.frames["containers"]
        .filter(~pl.col("template"))
        .group_by("id")
        .agg(
            has_proxy=(proxy & lasting).any(),
            native=(proxy & (pl.col("role") == "sidecar")).any(),
            has_application=(~proxy & (pl.col("role") == "app")).any(),
        )
    )
    return (
        inventory.of("Pod")
        .join(inventory.frames["pods"], on="id")
        .filter(~pl.col("host_network"), ~pl.col("phase").is_in(FINISHED).fill_null(value=False))
        .join(beside, on="id", how="left")
        .join(inventory.parts, on="id", how="left")
        .with_columns(
            proxied=(pl.col("has_proxy") & pl.col("has_application") & ~at_edge).fill_null(value=False),
            gateway=(at_edge | (pl.col("has_proxy") & ~pl.col("has_application"))).fill_null(value=False),
            native=pl.col("native").fill_null(value=False),
        )
        .drop("has_proxy", "has_application", "part")
    )
