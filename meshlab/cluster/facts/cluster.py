"""Rows of a whole cluster, each object once, joined into the frames that facts are read from.

All of it is lazy: what is asked of the frames (``answers.py``) runs as one pass over the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import polars as pl

from meshlab.cluster.facts.columns import LASTING_KINDS, TEMPLATE_KINDS, Rows
from meshlab.cluster.facts.requests import pod_requests
from meshlab.cluster.facts.signatures import match
from meshlab.tables import read_table
from meshlab.units import BYTES_PER_GIB

FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Frames of one cluster.

    Args:
        objects: Every object once.
        nodes: A row a node; memory in GiB.
        pods: A row a pod, or a template with the number of pods that it asks for as its weight. ``counted`` tells
            whether the pods are real ones; it is false where templates stand for them.
        containers: A row a container of those pods, with its role in a mesh; memory in GiB.
        matches: What signatures found, with the file where it stands.
        looked_at: Kinds of which there was at least an empty List: columns kind, group, file.
    """

    objects: pl.LazyFrame
    nodes: pl.LazyFrame
    pods: pl.LazyFrame
    containers: pl.LazyFrame
    matches: pl.LazyFrame
    looked_at: pl.LazyFrame

    def collected(self) -> Cluster:
        """The same with its frames worked out, for those who ask of them often."""
        frames = pl.collect_all([getattr(self, field.name) for field in fields(self)])
        return Cluster(*(frame.lazy() for frame in frames))


def cluster_of(rows: Rows) -> Cluster:
    """The cluster that the rows describe."""
    frames = rows.frames()
    everything = frames["objects"]
    objects = _once(everything.filter(~pl.col("empty"))).cache()
    pods = _pods(objects, frames["pods"]).cache()
    containers = _containers(frames["containers"], pods).cache()
    return Cluster(
        objects=objects,
        nodes=_nodes(objects, frames["nodes"]),
        pods=_with_requests(pods, containers).cache(),
        containers=containers,
        matches=_matches(frames["texts"], objects, pods),
        looked_at=everything.select("kind", "group", "file").unique(maintain_order=True),
    )


def _once(objects: pl.LazyFrame) -> pl.LazyFrame:
    """Each named object once, the last one read; bundles hold some objects in several places."""
    identity = ["kind", "group", "namespace", "name"]
    named = objects.filter(pl.col("name").is_not_null()).unique(identity, keep="last", maintain_order=True)
    return pl.concat([named, objects.filter(pl.col("name").is_null())]).sort("id")


def _nodes(objects: pl.LazyFrame, nodes: pl.LazyFrame) -> pl.LazyFrame:
    return (
        objects.filter(pl.col("kind") == "Node")
        .select("id", "file")
        .join(nodes, on="id", how="left", maintain_order="left")
        .with_columns(cpu_cores="cpu", memory_gib=pl.col("memory") / BYTES_PER_GIB)
    )


def _pods(objects: pl.LazyFrame, pods: pl.LazyFrame) -> pl.LazyFrame:
    """Pods to count, and whether they are real ones.

    Real pods count where the input holds as many as their controllers report. Where it holds fewer (manifests hold
    none), the templates stand for them, and of the real ones only those that no template in the input makes.
    """
    template, kind, phase = pl.col("template"), pl.col("kind"), pl.col("phase")
    alive = ~phase.is_in(FINISHED).fill_null(value=False)
    counting = template & kind.is_in((*LASTING_KINDS, "DaemonSet", "ReplicaSet"))
    counted = (~template).any() & ((~template & alive).sum() >= pl.col("reported").filter(counting).sum())
    makers = kind.filter(template)
    made = pl.col("owner_kind").is_in(makers.implode()) | (
        (pl.col("owner_kind") == "ReplicaSet") & (makers == "Deployment").any()
    )
    return (
        objects.filter(kind.is_in((*TEMPLATE_KINDS, "Pod")))
        .select("id", "kind", "namespace", "file")
        .join(pods, on="id", how="left", maintain_order="left")
        .with_columns(
            template.fill_null(kind != "Pod"),
            pl.when(kind == "Pod").then(1).otherwise(pl.col("weight")).alias("weight"),
            pl.col("host_network").fill_null(value=False),
            system=pl.any_horizontal(pl.col("namespace").str.contains(p) for p in _system_patterns()).fill_null(
                value=False
            ),
        )
        .with_columns(counted=counted)
        .filter(pl.when("counted").then(~template).otherwise(template | ~made.fill_null(value=False)))
        .sort(~template, maintain_order=True)
    )


def _system_patterns() -> list[str]:
    return read_table("facts/system_namespaces")["pattern"].to_list()


def _containers(containers: pl.LazyFrame, pods: pl.LazyFrame) -> pl.LazyFrame:
    """Containers of the pods that count, with the pod's weight and their role in a mesh."""
    distinct = containers.select(text=pl.col("container").unique()).with_row_index("id").cast({"id": pl.Int64})
    roles = match(distinct.with_columns(field=pl.lit("container"))).join(distinct, on="id")
    return (
        containers.join(pods.select("id", "weight", "phase"), on="id", maintain_order="left")
        .join(
            roles.select(container="text", proxy="value"),
            on="container",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            cpu_cores=pl.col("cpu").fill_null(0.0), memory_gib=pl.col("memory").fill_null(0.0) / BYTES_PER_GIB
        )
    )


def _with_requests(pods: pl.LazyFrame, containers: pl.LazyFrame) -> pl.LazyFrame:
    """Pods with their requests, overhead included; a request of the pod as a whole replaces its containers'."""
    requests = pod_requests(containers, *(resource for resource, _, _ in _RESOURCES))
    joined = pods.join(requests, on="id", how="left", maintain_order="left")
    return joined.with_columns(_requested(*each) for each in _RESOURCES)


_RESOURCES = (("cpu_cores", "cpu", 1.0), ("memory_gib", "memory", BYTES_PER_GIB))
"""Requests: their column, how columns with what a pod says of itself end, and how many of their unit make one."""


def _requested(resource: str, name: str, size: float) -> pl.Expr:
    asked = pl.coalesce(pl.col(f"pod_{name}") / size, resource)
    return (asked + pl.col(f"overhead_{name}").fill_null(0.0) / size).alias(resource)


def _matches(texts: pl.LazyFrame, objects: pl.LazyFrame, pods: pl.LazyFrame) -> pl.LazyFrame:
    """What signatures find in objects and in the pods that count; a controller of no pods proves nothing."""
    running = pods.filter(pl.col("weight").fill_null(1) > 0)
    of_pods = [
        running.filter(pl.col(field).is_not_null()).select("id", field=pl.lit(field), text=field)
        for field in ("containers", "redirection")
    ]
    return match(pl.concat([texts, *of_pods])).join(objects.select("id", "file"), on="id")
