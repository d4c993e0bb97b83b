"""Rows of a whole cluster, each object once, joined into the frames that facts are read from."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from meshlab.facts.columns import LASTING_KINDS, TEMPLATE_KINDS, Rows
from meshlab.facts.requests import pod_requests, worth
from meshlab.facts.signatures import match
from meshlab.tables import read_table
from meshlab.units import BYTES_PER_GIB

FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Frames of one cluster.

    Args:
        objects: Every object once.
        nodes: A row a node; quantities as numbers.
        pods: A row a pod, or a template with the number of pods that it asks for as its weight.
        containers: A row a container of those pods, with its role in a mesh.
        matches: What signatures found, with the file where it stands.
        looked_at: Kinds of which there was at least an empty List: columns kind, group, file.
        counted: Whether the pods are real ones; False where templates stand for them.
    """

    objects: pl.DataFrame
    nodes: pl.DataFrame
    pods: pl.DataFrame
    containers: pl.DataFrame
    matches: pl.DataFrame
    looked_at: pl.DataFrame
    counted: bool

    def has(self, *kinds: str) -> bool:
        """Whether objects of one of the kinds, or a List of none, were in the input."""
        return self.looked_at["kind"].is_in(list(kinds)).any()


def cluster_of(rows: Rows) -> Cluster:
    """The cluster that the rows describe."""
    frames = rows.frames()
    everything = frames["objects"]
    objects = _once(everything.filter(~pl.col("empty")))
    pods, counted = _pods(objects, frames["pods"])
    containers = _containers(frames["containers"], pods)
    return Cluster(
        objects=objects,
        nodes=_nodes(objects, frames["nodes"]),
        pods=_with_requests(pods, containers),
        containers=containers,
        matches=_matches(frames["texts"], objects, pods),
        looked_at=everything.select("kind", "group", "file").unique(maintain_order=True),
        counted=counted,
    )


def _once(objects: pl.DataFrame) -> pl.DataFrame:
    """Each named object once, the last one read; bundles hold some objects in several places."""
    identity = ["kind", "group", "namespace", "name"]
    named = objects.filter(pl.col("name").is_not_null()).unique(identity, keep="last", maintain_order=True)
    return pl.concat([named, objects.filter(pl.col("name").is_null())]).sort("id")


def _nodes(objects: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    joined = objects.filter(pl.col("kind") == "Node").select("id", "file").join(nodes, on="id", how="left")
    return joined.with_columns(
        cpu_cores=pl.when(pl.col("cpu").is_not_null()).then(worth(joined["cpu"])),
        memory_gib=pl.when(pl.col("memory").is_not_null()).then(worth(joined["memory"]) / BYTES_PER_GIB),
    )


def _pods(objects: pl.DataFrame, pods: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Pods to count, and whether they are real ones.

    Real pods count where the input holds as many as their controllers report. Where it holds fewer (manifests hold
    none), the templates stand for them, and of the real ones only those that no template in the input makes.
    """
    kinds = (*TEMPLATE_KINDS, "Pod")
    joined = (
        objects.filter(pl.col("kind").is_in(kinds))
        .select("id", "kind", "namespace", "file")
        .join(pods, on="id", how="left")
        .with_columns(
            pl.col("template").fill_null(pl.col("kind") != "Pod"),
            pl.when(pl.col("kind") == "Pod").then(1).otherwise(pl.col("weight")).alias("weight"),
            pl.col("host_network").fill_null(value=False),
            system=pl.any_horizontal(pl.col("namespace").str.contains(p) for p in _system_patterns()).fill_null(
                value=False
            ),
        )
    )
    real = joined.filter(~pl.col("template"))
    templates = joined.filter("template")
    counting = templates.filter(pl.col("kind").is_in((*LASTING_KINDS, "DaemonSet", "ReplicaSet")))
    reported = counting["reported"].sum()
    if not real.is_empty() and real.filter(~pl.col("phase").is_in(FINISHED).fill_null(value=False)).height >= reported:
        return real, True
    makers = set(templates["kind"]) | ({"ReplicaSet"} if "Deployment" in set(templates["kind"]) else set())
    orphans = real.filter(~pl.col("owner_kind").is_in(list(makers)).fill_null(value=False))
    return pl.concat([templates, orphans]), False


def _system_patterns() -> list[str]:
    return read_table("facts/system_namespaces")["pattern"].to_list()


def _containers(containers: pl.DataFrame, pods: pl.DataFrame) -> pl.DataFrame:
    """Containers of the pods that count, with numbers, the pod's weight and their role in a mesh."""
    counted = containers.join(pods.select("id", "weight", "phase"), on="id", maintain_order="left")
    distinct = counted.select(text=pl.col("container").unique()).with_row_index("id").cast({"id": pl.Int64})
    roles = (
        match(distinct.with_columns(field=pl.lit("container"))).join(distinct, on="id").select("text", proxy="value")
    )
    return counted.join(roles, left_on="container", right_on="text", how="left", maintain_order="left").with_columns(
        cpu_cores=worth(counted["cpu"]), memory_gib=worth(counted["memory"]) / BYTES_PER_GIB
    )


def _with_requests(pods: pl.DataFrame, containers: pl.DataFrame) -> pl.DataFrame:
    """Pods with their requests, overhead included; a request of the pod as a whole replaces its containers'."""
    lazy = pods.lazy().with_columns(
        overhead_cpu=worth(pods["overhead_cpu"]),
        overhead_memory=worth(pods["overhead_memory"]) / BYTES_PER_GIB,
        whole_cpu=worth(pods["pod_cpu"]),
        whole_memory=worth(pods["pod_memory"]) / BYTES_PER_GIB,
    )
    for resource, name in (("cpu_cores", "cpu"), ("memory_gib", "memory")):
        lazy = lazy.join(pod_requests(containers.lazy(), resource), on="id", how="left", maintain_order="left")
        asked = pl.when(pl.col(f"pod_{name}").is_not_null()).then(f"whole_{name}").otherwise(resource)
        lazy = lazy.with_columns((asked + pl.col(f"overhead_{name}")).alias(resource))
    return lazy.collect()


def _matches(texts: pl.DataFrame, objects: pl.DataFrame, pods: pl.DataFrame) -> pl.DataFrame:
    """What signatures find in objects and in the pods that count; a controller of no pods proves nothing."""
    running = pods.filter(pl.col("weight").fill_null(1) > 0)
    of_pods = [
        running.filter(pl.col(field).is_not_null()).select("id", field=pl.lit(field), text=field)
        for field in ("containers", "redirection")
    ]
    return match(pl.concat([texts, *of_pods])).join(objects.select("id", "file"), on="id")
