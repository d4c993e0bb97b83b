"""Rows of a whole cluster, each object once, joined into the frames that facts are read from.

What is asked of the frames (``answers.py``) runs as one pass over them.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import polars as pl

from meshlab.cluster.facts.columns import LASTING_KINDS, TEMPLATE_KINDS, Rows, pod_requests
from meshlab.cluster.facts.paths import signature_fields, signature_groups
from meshlab.cluster.facts.signatures import asked, found, kinds, match
from meshlab.tables import read_table
from meshlab.units import BYTES_PER_GIB

FINISHED = ("Succeeded", "Failed")


class Cluster(msgspec.Struct, frozen=True):
    """Frames of one cluster.

    Args:
        objects: Every object once.
        nodes: A row a node; memory in GiB. ``virtual`` ones are no machines, ``worker`` ones run the pods of teams.
        pods: A row a pod, or a template with the number of pods that it asks for as its weight. ``counted`` tells
            whether the pods are real ones; it is false where templates stand for them. ``part`` is what a pod is for a
            mesh: gateway, waypoint or control-plane; ``of_mesh`` ones are in the namespace of a mesh itself.
        containers: A row a container of those pods, with its role in a mesh; memory in GiB.
        controllers: What makes pods from a template: kind, namespace, name and how many it reports.
        parts: What pods are for a mesh, and which belong to the platform, of pods that do not count, too: id, part,
            component.
        proxies: What every container is for a mesh, of pods that do not count, too: id, container, proxy.
        evidence: What signatures found in objects and in pods that count.
        needs: What objects ask for: id, namespace, need, and whether at the edge or in the mesh.
        read: Tables of the rows as they were read, those of objects that are read more than once included.
        looked_at: Kinds of which there was at least an empty List: columns kind, group, file.
    """

    objects: pl.LazyFrame
    nodes: pl.LazyFrame
    pods: pl.LazyFrame
    containers: pl.LazyFrame
    controllers: pl.LazyFrame
    parts: pl.LazyFrame
    proxies: pl.LazyFrame
    evidence: pl.LazyFrame
    needs: pl.LazyFrame
    read: Mapping[str, pl.LazyFrame]
    looked_at: pl.LazyFrame


def cluster_of(rows: Rows) -> Cluster:
    """The cluster that the rows describe.

    Its frames are worked out in a few steps: what all of them share is worked out once, and plans stay small. The
    in-memory engine keeps their order; for rows as few as those of a cluster it is faster than the streaming one, too.
    """
    frames = rows.frames()
    everything, texts, of_shapes = frames["objects"], frames["texts"], frames["containers"]
    objects = _once(everything.filter(~pl.col("empty"))).collect(engine="in-memory").lazy()
    of_pods = frames["pods"].select("id", "shape")
    own = pl.concat([texts, _texts_of_names(objects)])
    shared = _texts_of_shapes(frames["shapes"], of_shapes, of_pods)
    matched = match(pl.concat([own.drop("id"), shared.drop("shape")])).collect(engine="in-memory").lazy()
    shared_by = _with_agents(shared.join(matched, on=["field", "text"]), frames["pods"], objects)
    shown = found(own.join(matched, on=["field", "text"]), shared_by).collect(engine="in-memory").lazy()
    makers = objects.filter(pl.col("kind").is_in(TEMPLATE_KINDS)).select("id", "kind", "namespace", "name")
    parts = _parts(shown).collect(engine="in-memory").lazy()
    pods = frames["pods"].join(_shapes(frames["shapes"], of_shapes), on="shape", how="left", maintain_order="left")
    proxies, pods, nodes, controllers, looked_at = _collected(
        _proxies(of_pods.join(of_shapes, on="shape", maintain_order="left_right"), matched, shown),
        _pods(objects, pods, parts),
        _nodes(objects, frames["nodes"], shown),
        makers.join(frames["pods"].select("id", "reported"), on="id"),
        everything.select("kind", "group", "file").unique(maintain_order=True),
    )
    containers, evidence, needs = _collected(
        _containers(of_pods, of_shapes, proxies, pods), _evidence(shown, frames, objects, pods), asked(texts, objects)
    )
    objects = _with_l7(objects, needs).collect(engine="in-memory").lazy()
    return Cluster(objects, nodes, pods, containers, controllers, parts, proxies, evidence, needs, frames, looked_at)


def _collected(*frames: pl.LazyFrame) -> list[pl.LazyFrame]:
    return [frame.lazy() for frame in pl.collect_all(frames, engine="in-memory")]


# --- what signatures look at -----------------------------------------------------------------------------------------


def _texts_of_names(objects: pl.LazyFrame) -> pl.LazyFrame:
    """Names and API groups that signatures look at: id, field, text."""
    named = [kind for kind, of_kind in signature_fields().items() if f"{kind}:name" in of_kind]
    groups = objects.filter(pl.col("group").str.contains(signature_groups().pattern))
    text = pl.concat_str("group", "name", separator="/", ignore_nulls=True)
    return pl.concat(
        [
            objects.filter(pl.col("kind").is_in(named)).select("id", field=pl.col("kind") + ":name", text=text),
            groups.select("id", field=pl.lit("group"), text="group"),
        ]
    )


def _texts_of_shapes(shapes: pl.LazyFrame, containers: pl.LazyFrame, pods: pl.LazyFrame) -> pl.LazyFrame:
    """What signatures look at in containers, which many pods share: shape, field, text."""
    running = containers.filter(pl.col("role") != "init").join(pods.group_by("shape").agg(pods=pl.len()), on="shape")
    of_several = pl.col("pods").sum().over("container") > 1
    return pl.concat(
        [
            shapes.drop_nulls("containers").select("shape", field=pl.lit("containers"), text="containers"),
            containers.select("shape", field=pl.lit("container"), text="container"),
            containers.filter("takes_ports").select("shape", field=pl.lit("container.ports"), text="container"),
            running.filter(pl.len().over("shape") > 1, of_several).select(
                "shape", field=pl.lit("container.beside"), text="container"
            ),
        ]
    )


PROXIES = {"proxies-pod": "sidecar", "proxies-node": "node", "proxies-edge": "edge", "looks-like-proxy": "likely"}
"""What a container is for a mesh by what it shows."""


def _proxies(containers: pl.LazyFrame, matched: pl.LazyFrame, shown: pl.LazyFrame) -> pl.LazyFrame:
    """Containers that are a mesh's proxies, with what each is: sidecar, node or edge.

    One that only looks like a proxy is one where its pod shows by something else that a mesh put it there.
    """
    own = pl.col("field").is_in(["container", "container.ports"])
    known = matched.filter(own, pl.col("shows").is_in(PROXIES.keys()))
    roles = known.sort("rank").group_by("text", maintain_order=True).agg(pl.col("shows").first())
    beside = (pl.col("shows") == "proxies-pod") & (pl.col("field") != "container")
    signs = shown.filter(pl.col("shows").is_in((kinds()["redirects-beside"].needs or "").split("|")))
    redirected = shown.filter(pl.col("shows") == "redirects-beside").join(
        signs, left_on="of", right_on="value", how="semi"
    )
    proxied = pl.concat([shown.filter(beside).select("id"), redirected.select("id")]).unique()
    role = pl.col("shows").replace_strict(PROXIES, return_dtype=pl.String)
    joined = containers.select("id", "container").join(roles, left_on="container", right_on="text")
    likely = joined.join(proxied.with_columns(likely=True), on="id", how="left")
    named = likely.with_columns(proxy=pl.when(role != "likely").then(role).when("likely").then(pl.lit("sidecar")))
    return named.drop_nulls("proxy").select("id", "container", "proxy").unique(maintain_order=True)


NETWORK = r"^(?:cni\.|policy\.engine$|service\.proxy$)"
"""Facts of what runs on nodes, as containers of agents show them."""

NO_AGENTS = ("Deployment", "ReplicaSet", "StatefulSet", "Job", "CronJob")
"""What makes no agents, unless on the network of the nodes or in a namespace of the platform."""


def _with_agents(of_containers: pl.LazyFrame, pods: pl.LazyFrame, objects: pl.LazyFrame) -> pl.LazyFrame:
    """What containers show, by pod: of the network only where the pod may be an agent's, and where it is at work.

    No agents are applications whose containers bear the names of some; those that have not started or are over say
    nothing where the agents of a plugin run.
    """
    phase, of_network = pl.col("phase"), pl.col("fact").str.contains(NETWORK)
    made = pl.col("owner_kind").is_in(NO_AGENTS) & ~pl.col("host_network").fill_null(value=False)
    idle = phase.is_in((*FINISHED, "Pending")).fill_null(value=False)
    of_pods = pods.select("id", "shape", "phase", made=made.fill_null(value=False), idle=idle)
    agents_run = ((phase == "Running") & (pl.col("shows") == "wires-pods")).any()
    shown = of_containers.with_columns(of_network=of_network).join(of_pods, on="shape")
    shown = shown.filter(~(pl.col("of_network") & pl.col("idle") & agents_run)).collect(engine="in-memory").lazy()
    doubtful = shown.filter("of_network", "made").select("id", "of_network").unique()
    apart = doubtful.join(objects.select("id", "namespace"), on="id").filter(
        ~pl.col("namespace").str.contains(system_namespaces())
    )
    return shown.join(apart, on=["id", "of_network"], how="anti", maintain_order="left")


def _evidence(
    shown: pl.LazyFrame, frames: Mapping[str, pl.LazyFrame], objects: pl.LazyFrame, pods: pl.LazyFrame
) -> pl.LazyFrame:
    """What signatures find in objects, and in the pods that count; a controller of no pods proves nothing."""
    of_pods = pl.any_horizontal(pl.col("field").str.starts_with(start) for start in ("container", "Pod:"))
    running = pods.filter(pl.col("weight").fill_null(1) > 0).select("id")
    rest = shown.filter(~of_pods).join(objects.select("id"), on="id", how="semi")
    seen = shown.filter(of_pods).join(running, on="id", how="semi")
    of_system = pods.filter("system").select("id", shows=pl.lit("resembles-proxy"))
    unproven = pl.concat([_written(shown, frames, objects), of_system])
    return pl.concat([rest, seen.join(unproven, on=["id", "shows"], how="anti"), _apart(seen, pods)])


def _apart(seen: pl.LazyFrame, pods: pl.LazyFrame) -> pl.LazyFrame:
    """Evidence against one plugin for the whole cluster: agents of one that share no node with those of another."""
    agents = seen.filter(pl.col("shows") == "wires-pods").join(pods.select("id", "node").drop_nulls(), on="id")
    value = pl.col("value")
    return (
        agents.with_columns(together=value.n_unique().over("node"), plugins=value.n_unique())
        .filter(pl.col("together").max().over("value") == 1, pl.col("plugins") > 1)
        .drop("shows", "fact")
        .join(pl.LazyFrame({"shows": APART, "fact": [kinds()[each].fact for each in APART]}), how="cross")
        .with_columns(value=pl.lit("*"), why=pl.lit(None, pl.String))
        .select(seen.collect_schema().names())
    )


APART = ("wires-apart", "enforces-apart")
"""What two plugins on different nodes show."""


def _written(shown: pl.LazyFrame, frames: Mapping[str, pl.LazyFrame], objects: pl.LazyFrame) -> pl.LazyFrame:
    """Pods with what resembles a proxy that their own template names, so that nobody injected it: id, shows."""
    likely = shown.filter(pl.col("shows") == "resembles-proxy").select("id", "shows").unique()
    place = objects.select("id", "kind", "namespace")
    described = likely.join(frames["pods"], on="id").join(frames["shapes"], on="shape").join(place, on="id")
    templates, pods = described.filter(pl.col("kind") != "Pod"), described.filter(pl.col("kind") == "Pod")
    return pods.join(templates, on=["namespace", "containers"], how="semi").select("id", "shows")


# --- objects ---------------------------------------------------------------------------------------------------------


def _with_l7(objects: pl.LazyFrame, needs: pl.LazyFrame) -> pl.LazyFrame:
    """Objects with l7: 1 where one needs handling at layer 7, by its type or by the needs in use; null where unread."""
    asking = needs.filter(pl.col("need") == "l7_policy").select("id", asks=pl.lit(1, pl.Int64)).unique()
    told = pl.when(pl.col("fault").is_null()).then(pl.coalesce("l7", "asks", 0))
    return objects.join(asking, on="id", how="left", maintain_order="left").with_columns(l7=told).drop("asks")


FAMILIES = {"extensions": "", "apps": "", "networking.k8s.io": "", "crd.projectcalico.org": "projectcalico.org"}
"""API groups that show the same objects as another one."""

SHOWN_BY_CALICO = r"^k(np|anp|banp|cnp)\."
"""Names under which Calico's API server shows the policies of Kubernetes once more."""


def _once(objects: pl.LazyFrame) -> pl.LazyFrame:
    """Each named object once, the last one read; bundles and API groups hold some objects in several places."""
    family, name = pl.col("group").replace(FAMILIES), pl.col("name")
    of_calico = family == "projectcalico.org"
    of_policy = of_calico & pl.col("kind").str.ends_with("Policy")
    title = pl.when(of_policy).then(name.str.strip_prefix("default.")).otherwise(name)
    again = of_calico & name.str.contains(SHOWN_BY_CALICO)
    last = pl.struct([pl.col("kind", "namespace"), family, title]).is_last_distinct()
    return objects.filter(~again.fill_null(value=False)).filter(name.is_null() | last)


def _nodes(objects: pl.LazyFrame, nodes: pl.LazyFrame, shown: pl.LazyFrame) -> pl.LazyFrame:
    """Nodes, and which of them are machines that run the pods of teams: all machines where none is kept for others."""
    fact, value = pl.col("fact"), pl.col("value")
    marks = (
        shown.filter(fact.str.starts_with("node."))
        .group_by("id")
        .agg(
            *((fact == f"node.{mark}").any().alias(mark) for mark in NODE_MARKS),
            pool=value.filter(fact == "node.pool").first(),
        )
    )
    machine, reserved = ~pl.col("virtual"), pl.col("reserved")
    return (
        objects.filter(pl.col("kind") == "Node")
        .select("id", "name", "file")
        .join(nodes, on="id", how="left", maintain_order="left")
        .join(marks, on="id", how="left", maintain_order="left")
        .with_columns(
            pl.col(NODE_MARKS).fill_null(value=False),
            pl.col("os").str.to_lowercase(),
            cpu_cores="cpu",
            memory_gib=pl.col("memory") / BYTES_PER_GIB,
        )
        .with_columns(worker=machine & (~reserved | (reserved | ~machine).all()))
    )


NODE_MARKS = ("virtual", "reserved", "agentless")
"""What signatures say of a node: it is no machine, is kept for the control plane, needs no agent of a plugin."""


def _pods(objects: pl.LazyFrame, pods: pl.LazyFrame, parts: pl.LazyFrame) -> pl.LazyFrame:
    """Pods to count, whether they are real ones, and what they are for a mesh.

    Real pods count where the input holds as many as their controllers report. Where it holds fewer (manifests hold
    none), the templates stand for them, and of the real ones only those that no template in the input makes.
    """
    template, kind, phase = pl.col("template"), pl.col("kind"), pl.col("phase")
    alive = ~phase.is_in(FINISHED).fill_null(value=False)
    counting = template & kind.is_in((*LASTING_KINDS, "DaemonSet", "ReplicaSet"))
    counted = (~template).any() & ((~template & alive).sum() >= pl.col("reported").filter(counting).sum())
    named = pl.col("namespace").str.contains(system_namespaces())
    of_mesh = ((pl.col("part") == "control-plane").any().over("namespace") & named).fill_null(value=False)
    makers = kind.filter(template)
    made = pl.col("owner_kind").is_in(makers.implode()) | (
        (pl.col("owner_kind") == "ReplicaSet") & (makers == "Deployment").any()
    )
    return (
        objects.filter(kind.is_in((*TEMPLATE_KINDS, "Pod")))
        .select("id", "kind", "namespace", "file")
        .join(pods, on="id", how="left", maintain_order="left")
        .join(parts, on="id", how="left", maintain_order="left")
        .with_columns(
            template.fill_null(kind != "Pod"),
            pl.when(kind == "Pod").then(1).otherwise(pl.col("weight")).alias("weight"),
            pl.col("host_network").fill_null(value=False),
            system=(named | pl.col("component")).fill_null(value=False),
        )
        .with_columns(counted=counted, of_mesh=of_mesh)
        .filter(pl.when("counted").then(~template).otherwise(template | ~made.fill_null(value=False)))
        .sort(~template, maintain_order=True)
    )


PARTS = {
    "manages-mesh": "control-plane",
    "control-plane-pod": "control-plane",
    "waypoint-pod": "waypoint",
    "edge-pod": "gateway",
    "proxies-edge": "gateway",
}
"""What a pod is for a mesh, the first that it shows."""

COMPONENTS = (
    *("manages-mesh", "installs-mesh", "control-plane-pod", "proxies-node", "wires-pods", "adds-networks"),
    *("enforces-policy", "may-enforce", "runs-kube-proxy"),
)
"""What pods of the platform show, whatever their namespace is called."""


def _parts(shown: pl.LazyFrame) -> pl.LazyFrame:
    """What pods are for a mesh, and which belong to the platform: id, part, component."""
    kind = pl.col("shows")
    return (
        shown.filter(kind.is_in({*PARTS, *COMPONENTS}))
        .group_by("id")
        .agg(
            part=pl.coalesce(pl.when((kind == shows).any()).then(pl.lit(part)) for shows, part in PARTS.items()),
            component=kind.is_in(COMPONENTS).any(),
        )
    )


def system_namespaces() -> str:
    """Pattern of the names of namespaces that belong to the platform."""
    return "|".join(read_table("facts/system_namespaces")["pattern"])


def _containers(
    of_pods: pl.LazyFrame, of_shapes: pl.LazyFrame, proxies: pl.LazyFrame, pods: pl.LazyFrame
) -> pl.LazyFrame:
    """Containers of the pods that count, with the pod's weight and their role in a mesh."""
    return (
        of_pods.join(pods.select("id", "weight", "phase", "part", "of_mesh"), on="id", maintain_order="left")
        .join(_asking(of_shapes), on="shape", maintain_order="left_right")
        .join(proxies, on=["id", "container"], how="left", maintain_order="left")
    )


def _asking(containers: pl.LazyFrame) -> pl.LazyFrame:
    return containers.with_columns(
        cpu_cores=pl.col("cpu").fill_null(0.0), memory_gib=pl.col("memory").fill_null(0.0) / BYTES_PER_GIB
    )


def _shapes(shapes: pl.LazyFrame, containers: pl.LazyFrame) -> pl.LazyFrame:
    """Shapes with their requests, overhead included; a request of the pod as a whole replaces its containers'."""
    requests = pod_requests(_asking(containers), *(resource for resource, _, _ in _RESOURCES))
    joined = shapes.join(requests, on="shape", how="left")
    return joined.with_columns(_requested(*each) for each in _RESOURCES)


_RESOURCES = (("cpu_cores", "cpu", 1.0), ("memory_gib", "memory", BYTES_PER_GIB))
"""Requests: their column, how columns with what a pod says of itself end, and how many of their unit make one."""


def _requested(resource: str, name: str, size: float) -> pl.Expr:
    asked = pl.coalesce(pl.col(f"pod_{name}") / size, resource)
    return (asked + pl.col(f"overhead_{name}").fill_null(0.0) / size).alias(resource)
