"""What is asked of a cluster's frames. All questions are answered in one pass over the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl
import yaml
from msgspec.structs import replace

from meshlab.cluster.facts.cluster import FINISHED, Cluster, system_namespaces
from meshlab.cluster.facts.paths import REST_OF_LIST, known_kinds, need_rows, signature_groups
from meshlab.cluster.facts.signatures import ROOT_NAMESPACE, Vote, admitted, in_use, votes
from meshlab.documents import is_list, is_mapping
from meshlab.tables import read_table
from meshlab.units import version_key

MOST_REFUSED = 50
"""Objects that are listed by name where they are not as their kind demands."""

MTLS_MODES = ("strict", "permissive", "disable")
"""Modes that a PeerAuthentication can state; any other text states nothing."""

TALLIES = {
    "kernels": "kernel",
    "os_images": "os_image",
    "architectures": "architecture",
    "kubernetes_versions": "kubelet",
    "pools": "pool",
}
"""Facts that count nodes by what they say of themselves, and the column."""

POOL_KERNELS = "pool_kernels"
"""The fact that counts nodes by pool and kernel together."""

Row = dict[str, Any]


class Answers(msgspec.Struct, frozen=True):
    """Everything that facts are made of, as plain data.

    Args:
        kinds: Kinds of which there was at least an empty List.
        shown: All that signatures found.
        votes: What of it counts.
        counts: Number, unread ones and origin of the objects that a fact counts, by fact.
        needs: What objects ask for, as ``in_use`` returns it.
        installed: Pods that serve one feature each, by feature: pods, cpu_cores, memory_gib.
        groups: Kinds with their API group, as ``kinds``: Kind.group.
        origin: The files in which objects were looked for.
        faulty: Objects that are not as their kind demands: kind, name, file, fault.
        nodes: ``node_numbers``, and the nodes by each of ``TALLIES``.
        pods: ``pod_numbers``, and what pods show of themselves.
        seen: What tells whether all pods of the cluster are in the input.
        mesh: Who takes part in a mesh, and what its proxies ask for.
        namespaces: How many the objects name.
        mutual_tls: Modes that settings state, and whether one is for the whole mesh.
        config_services: Services that a sidecar is configured for; None where nothing tells. [services]
    """

    kinds: frozenset[str]
    shown: tuple[Vote, ...]
    votes: tuple[Vote, ...]
    counts: dict[str, Row]
    needs: tuple[Row, ...]
    installed: dict[str, Row]
    groups: frozenset[str]
    origin: str | None
    faulty: tuple[Row, ...]
    nodes: Row
    pods: Row
    seen: Row
    mesh: Row
    namespaces: Row
    mutual_tls: Row
    config_services: float | None

    @property
    def counted(self) -> bool:
        """Whether the pods are real ones; False where templates stand for them."""
        return bool(self.pods["counted"])

    @property
    def gaps(self) -> list[str]:
        """What keeps the input from holding all pods of the cluster, in words; none where it seems to hold them."""
        if not self.counted:
            return ["pods themselves are not in it"]
        found = [text.format(self.seen[name]) for name, text in GAPS.items() if self.seen[name]]
        shown = {vote.shows for vote in self.shown}
        if shown & SETTINGS and "wires-pods" not in shown:
            found.append("a network plugin is configured and no agent of one is in it")
        return found if self.pods["of_the_system"] else [*found, "no pod of a system namespace is in it"]

    def has(self, *kinds: str) -> bool:
        """Whether objects of one of the kinds, or a List of none, were in the input."""
        return not self.kinds.isdisjoint(kinds)


def ask(cluster: Cluster) -> Answers:
    """All answers about a cluster; objects that were gathered beside those of facts say nothing here."""
    of_facts = pl.col("kind").is_in(sorted(known_kinds())) | pl.col("group").str.contains(signature_groups().pattern)
    shown = cluster.objects.filter(of_facts)
    kinds, cast, counts, needs, narrowed, installed, faulty, *rows = pl.collect_all(
        [
            cluster.looked_at.select("kind", "file", name=pl.format("{}.{}", "kind", "group")),
            votes(cluster.evidence, cluster.objects),
            _counts(cluster),
            in_use(cluster.needs, cluster.objects),
            narrowing(cluster),
            _installed(cluster),
            shown.filter(pl.col("fault").is_not_null()).select("kind", "name", "file", "fault").head(MOST_REFUSED),
            cluster.nodes.select(**node_numbers(), **_tallies(), origin=origin_of("file")),
            cluster.pods.select(**pod_numbers(), **_shown_by_pods()),
            _seen(cluster),
            _mesh(cluster),
            shown.filter(pl.col("namespace").is_not_null()).select(
                number=pl.col("namespace").n_unique(), origin=origin_of("file")
            ),
            _mutual_tls(cluster.objects),
        ],
        engine="in-memory",
    )
    shown = tuple(map(Vote._make, cast.iter_rows()))
    answers = Answers(
        frozenset(kinds["kind"]),
        shown,
        shown,
        {row["fact"]: row for row in counts.iter_rows(named=True)},
        tuple(needs.iter_rows(named=True)),
        {row["feature"]: row for row in installed.iter_rows(named=True)},
        frozenset(kinds["name"]),
        kinds.select(origin_of("file")).item(),
        tuple(faulty.iter_rows(named=True)),
        *(row.row(0, named=True) for row in rows),
        config_services=None,
    )
    if answers.has("Sidecar") or narrowed.height:
        answers = replace(answers, config_services=services_known(scoping_of(cluster, narrowed)))
    return replace(answers, votes=admitted(shown, whole=not answers.gaps, daemons=answers.pods["daemons"]))


def origin_of(file: str) -> pl.Expr:
    """The files as one text: the first, and how many more; null where there are none."""
    named = pl.col(file).drop_nulls()
    more = named.n_unique() - 1
    return pl.when(more > 0).then(pl.format("{} and {} more", named.first(), more)).otherwise(named.first())


def whole_sum(values: pl.Expr) -> pl.Expr:
    """The sum, or null where one of the values is missing or not a quantity. Binary noise is rounded away."""
    unknown_one = values.is_null() | values.cast(pl.Float64).is_nan()
    return pl.when(unknown_one.any()).then(None).otherwise(values.sum().round(9))


def node_numbers() -> dict[str, pl.Expr]:
    """Facts of all nodes together. One machine that does not say leaves the fact unknown.

    Sizes and operating systems are those of workers; kernels those of all machines, for agents run on every one.
    """
    machine, worker, named = ~pl.col("virtual"), pl.col("worker"), pl.col("os").is_not_null()
    linux = (pl.col("os") == "linux") & machine
    kernels = pl.col("kernel").filter(linux)
    key = version_key(kernels)
    by_age = kernels.sort_by(key, maintain_order=True)
    known = (named | ~machine).all() & linux.any() & key.is_not_null().all()
    systems = (named | ~worker).all()
    return {
        "count": pl.len(),
        "workers": worker.sum(),
        "virtual": pl.col("virtual").sum(),
        "linux": pl.when(systems).then((linux & worker).sum()),
        "windows": pl.when(systems).then(((pl.col("os") == "windows") & worker).sum()),
        "kernel_oldest": pl.when(known).then(by_age.first()),
        "kernel_newest": pl.when(known).then(by_age.last()),
        "cpu_cores": whole_sum(pl.col("cpu_cores").filter(worker)),
        "memory_gib": whole_sum(pl.col("memory_gib").filter(worker)),
    }


def _tallies() -> dict[str, pl.Expr]:
    machine = ~pl.col("virtual")
    counted = {
        name: pl.col(column) if column == "pool" else pl.col(column).filter(machine) for name, column in TALLIES.items()
    }
    kernels = pl.struct("pool", "kernel").filter(machine, pl.col("kernel").is_not_null())
    return {name: cell.drop_nulls().value_counts(name="nodes").implode() for name, cell in counted.items()} | {
        POOL_KERNELS: kernels.alias("of").value_counts(name="nodes").implode()
    }


# --- pods ----------------------------------------------------------------------------------------------------------


def _alive() -> pl.Expr:
    return ~pl.col("phase").is_in(FINISHED).fill_null(value=False)


def pod_numbers() -> dict[str, pl.Expr]:
    """Facts that count pods. Of a template that does not say how many it makes the sum is unknown."""
    weight, namespace = pl.col("weight"), pl.col("namespace")
    lasting = pl.col("template") | (pl.col("phase") == "Running").fill_null(value=False)
    in_daemon_set = (pl.col("owner_kind") == "DaemonSet").fill_null(value=False)
    joinable = lasting & ~pl.col("host_network") & ~in_daemon_set
    of_a_team = joinable & ~pl.col("system")
    by_owner = {
        "stateful_pods": whole_sum(weight.filter(pl.col("owner_kind") == "StatefulSet")),
        "daemonset_pods": whole_sum(weight.filter(in_daemon_set)),
        "application_pods": whole_sum(weight.filter(of_a_team)),
        "application_namespaces": _distinct(namespace.filter(of_a_team, weight > 0)),
        "joinable_pods": whole_sum(weight.filter(joinable)),
        "joinable_namespaces": _distinct(namespace.filter(joinable, weight > 0)),
    }
    described = pl.col("containers").is_not_null().all()  # a ztunnel names pods without their owners
    return {
        "pods": whole_sum(weight),
        "running_pods": weight.filter(pl.col("phase") == "Running").sum(),
        **{name: pl.when(described).then(number) for name, number in by_owner.items()},
        "cpu_request_cores": whole_sum((pl.col("cpu_cores") * weight).filter(_alive())),
        "memory_request_gib": whole_sum((pl.col("memory_gib") * weight).filter(_alive())),
    }


def _distinct(names: pl.Expr) -> pl.Expr:
    """How many names there are; unknown where one of them is."""
    return pl.when(names.is_not_null().all()).then(names.n_unique())


def _shown_by_pods() -> dict[str, pl.Expr]:
    return {
        "some": pl.len() > 0,
        "counted": pl.col("counted").any(),
        "of_the_system": pl.col("system").any(),
        "daemons": (pl.col("system") & (pl.col("owner_kind") == "DaemonSet")).sum() > 1,
        "origin": origin_of("file"),
    }


SETTINGS = frozenset({"declares-engine", "configures-engine"})
"""What settings of a network plugin show."""

GAPS = {
    "bare": "{} nodes have no pod in it",
    "astray": "the nodes of {} pods are not in it",
    "agentless": "on {} nodes no DaemonSet's pod was seen that runs on every node",
    "unwired": "on {} nodes no agent of a network plugin was seen, and on others there is one",
    "scattered": "of {} DaemonSets pods are on some of the nodes only, and the nodes are not in it",
    "homeless": "the namespaces of {} objects are not in it",
    "ownerless": "what owns {} objects is not in it",
    "unserved": "{} Services select no pod that is in it, and these are most of them",
    "serverless": "Services of the system are in it, and not the one that every API server keeps",
    "cut": "{} Lists end before their last object",
    "listed": "{} pods are listed by the kubelet of their node, which knows of no others",
    "short": "{} controllers report more pods than are in it",
}
"""What shows that pods of the cluster are not in the input."""


def _seen(cluster: Cluster) -> pl.LazyFrame:
    """What keeps the input from holding all pods of the cluster: one row with a number of objects for each of ``GAPS``.

    Of a kind that the input does not hold nothing is asked.
    """
    name, node = pl.col("name"), pl.col("node")
    pods = cluster.pods.filter(~pl.col("template"), _alive())
    placed = pods.drop_nulls("node")
    machines = cluster.nodes.filter(~pl.col("virtual"))
    hosts = machines.filter(pl.col("os").ne_missing("windows"))  # EKS runs the agents there as services
    spared = cluster.nodes.filter(pl.col("virtual") | pl.col("agentless") | (pl.col("os") == "windows"))
    places = pl.concat([machines.select(node=name), placed.select("node")]).unique()
    served = places.join(spared.select(node=name), on="node", how="anti")
    daemons = placed.filter(pl.col("owner_kind").is_in(["DaemonSet", "Node"])).join(served, on="node", how="semi")
    # static pods are named by node
    maker = pl.when(pl.col("owner_kind") == "Node").then("containers").otherwise("owner")
    reach = daemons.group_by("namespace", "owner_kind", maker=maker).agg(nodes=node.n_unique())
    spaces = cluster.objects.filter(pl.col("kind") == "Namespace").select(namespace=name)
    placed_in = cluster.objects.drop_nulls("namespace").select("namespace")
    makers = cluster.controllers.select("namespace", "reported", owner_kind="kind", owner="name")
    of_deployment = pods.filter(pl.col("owner_kind") == "ReplicaSet").with_columns(
        owner_kind=pl.lit("Deployment"), owner=pl.col("owner").str.replace("-[a-z0-9]+$", "")
    )
    place = ["namespace", "owner_kind", "owner"]
    owned = pl.concat([pods.select(place), of_deployment.select(place)]).group_by(place).agg(own=pl.len())
    agents = cluster.evidence.filter(pl.col("shows") == "wires-pods").select("id").unique()
    services = cluster.objects.filter(pl.col("kind") == "Service", ~pl.col("empty"))
    own = (pl.col("namespace") == "default") & (name == "kubernetes")
    wired = served.join(placed.join(agents, on="id").select("node"), on="node", how="semi")
    bare = hosts.join(placed, left_on="name", right_on="node", how="anti")
    astray = placed.join(cluster.nodes, left_on="node", right_on="name", how="anti")
    return pl.concat(
        [
            _where(cluster.nodes, placed, bare, "bare"),
            _where(placed, cluster.nodes, astray, "astray"),
            served.select(agentless=pl.len())
            .join(reach.select(reach=pl.col("nodes").max().fill_null(0)), how="cross")
            .select(agentless=pl.col("agentless") - pl.col("reach")),
            served.select(served=pl.len())
            .join(reach, how="cross")
            .join(cluster.nodes.select(nodeless=pl.len() == 0), how="cross")
            .select(scattered=(pl.col("nodeless") & (pl.col("nodes") < pl.col("served"))).sum()),
            cluster.evidence.filter(pl.col("shows") == "kubelet-pod").select(listed=pl.len()),
            _where(placed_in, spaces, placed_in.join(spaces, on="namespace", how="anti"), "homeless"),
            _ownerless(cluster, pods.select("id", *place), of_deployment.filter("system").select("id", *place)),
            _unserved(cluster),
            services.select(
                serverless=(pl.col("namespace").str.contains(system_namespaces()).any() & ~own.any()).cast(int)
            ),
            cluster.objects.filter(pl.col("kind") == REST_OF_LIST).select(cut=pl.len()),
            served.select(served=pl.len())
            .join(wired.select(wired=pl.len()), how="cross")
            .select(unwired=pl.when(pl.col("wired") > 0).then(pl.col("served") - pl.col("wired")).otherwise(0)),
            makers.join(owned, on=place, how="left").select(
                short=(pl.col("reported") > pl.col("own").fill_null(0)).sum()
            ),
        ],
        how="horizontal",
    )


def _ownerless(cluster: Cluster, *of_pods: pl.LazyFrame) -> pl.LazyFrame:
    """Objects whose owner is not in the input, though others of its kind are: no object outlives its owner."""
    present = cluster.objects.filter(~pl.col("empty")).select(owner_kind="kind", owner="name", space="namespace")
    of_others = cluster.read["owners"].join(cluster.objects.select("id", "namespace"), on="id")
    named = pl.concat([*of_pods, of_others.select("id", "namespace", "owner_kind", "owner")])
    asked = named.join(present.select("owner_kind").unique(), on="owner_kind", how="semi")
    owned = asked.join(present, on=["owner_kind", "owner"]).filter(
        pl.col("space").is_null() | pl.col("space").eq_missing(pl.col("namespace"))
    )
    return asked.join(owned.select("id", "owner"), on=["id", "owner"], how="anti").select(ownerless=pl.len())


def _unserved(cluster: Cluster) -> pl.LazyFrame:
    """Services that select no pod of the input, where most do so: of whole clusters a few do."""
    labels = cluster.read["pod_labels"].unique().with_columns(worn=True)
    asking = cluster.read["service_selectors"].join(cluster.objects.select("id", "namespace"), on="id")
    services = (
        asking.join(labels, on=["namespace", "label"], how="left")
        .group_by("id")
        .agg(served=pl.col("worn").fill_null(value=False).all())
    )
    lost = (~pl.col("served")).sum()
    return services.select(unserved=pl.when(2 * lost > pl.len()).then(lost).otherwise(0))


def _where(one: pl.LazyFrame, other: pl.LazyFrame, missing: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """How many are missing; none where one of both sides is not in the input at all."""
    some = pl.concat([one.select(some=pl.len() > 0), other.select(some=pl.len() > 0)]).select(some=pl.col("some").all())
    return (
        missing.select(missing=pl.len())
        .join(some, how="cross")
        .select(pl.when("some").then("missing").otherwise(0).alias(name))
    )


VERSIONS = {"version-of-proxy": "proxy_versions", "version-of-control-plane": "control_plane_versions"}
"""Facts that count pods of a mesh by the version that their image names."""


def _versions(cluster: Cluster, shows: str, name: str) -> pl.LazyFrame:
    named = cluster.evidence.filter(pl.col("shows") == shows).select("id", "value").unique()
    return named.select(pl.col("value").value_counts(name="pods").implode().alias(name))


def _proxies(cluster: Cluster) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Containers that are proxies beside an application, and those that are a node's."""
    containers = cluster.containers.filter(_alive())
    apps = containers.filter(pl.col("proxy").is_null(), pl.col("role") == "app").select("id")
    running = containers.filter(pl.col("proxy") == "sidecar", pl.col("role") != "init", pl.col("part").is_null())
    return running.join(apps, on="id", how="semi"), containers.filter(pl.col("proxy") == "node")


def _installed(cluster: Cluster) -> pl.LazyFrame:
    """Pods that serve one feature each, and what they ask for; of sidecars only what the proxies do."""
    sidecars, of_nodes = _proxies(cluster)
    alive, weight = cluster.pods.filter(_alive()), pl.col("weight")
    features = cluster.evidence.filter(pl.col("shows") == "brings-feature").select("id", feature="value").unique()
    waypoints = alive.filter(pl.col("part") == "waypoint").with_columns(feature=pl.lit("waypoints"))
    of_pods = pl.concat([waypoints, alive.join(features, on="id")])
    named = ("id", "feature", "weight", "cpu_cores", "memory_gib")
    return (
        pl.concat(
            [
                sidecars.filter(~pl.col("of_mesh")).with_columns(feature=pl.lit("sidecars")).select(named),
                of_nodes.with_columns(feature=pl.lit("node-proxies")).select(named),
                of_pods.select(named),
            ]
        )
        .group_by("feature")
        .agg(
            pods=weight.filter(pl.col("id").is_first_distinct()).sum(),
            cpu_cores=whole_sum(pl.col("cpu_cores") * weight),
            memory_gib=whole_sum(pl.col("memory_gib") * weight),
        )
    )


def _mesh(cluster: Cluster) -> pl.LazyFrame:
    """Pods in the mesh: sidecars, ambient and proxies of nodes, and what proxies ask for; what runs beside them.

    A pod of nothing but a proxy, or with a label that makes it one, is a gateway: it is neither a pod in the mesh nor a
    cost of one. Nor is a pod of the control plane, or another one of the mesh's own namespace.
    """
    pods, part, weight = cluster.pods, pl.col("part"), pl.col("weight")
    beside, of_nodes = _proxies(cluster)
    sidecars = beside.filter(~pl.col("of_mesh"))
    ambient = pods.filter(_alive(), pl.col("redirection") == "enabled").join(sidecars, on="id", how="anti")
    edge = pods.join(cluster.containers.filter(pl.col("proxy").is_in(["sidecar", "edge"])), on="id", how="semi")
    gateways = edge.filter(part.eq_missing("gateway") | part.is_null()).join(beside, on="id", how="anti")
    return pl.concat(
        [
            pods.join(sidecars, on="id", how="semi").select(
                sidecars=weight.sum(), in_templates=pl.col("template").any()
            ),
            ambient.select(ambient=weight.sum()),
            of_nodes.select(node_proxies=weight.sum()),
            gateways.filter(_alive()).select(gateways=weight.sum()),
            *(
                pods.filter(_alive(), part == each).select(weight.sum().alias(f"{each.replace('-', '_')}s"))
                for each in ("waypoint", "control-plane")
            ),
            pl.concat([sidecars, of_nodes]).select(
                cpu_cores=whole_sum(pl.col("cpu_cores") * weight), memory_gib=whole_sum(pl.col("memory_gib") * weight)
            ),
            pods.select(described=pl.col("containers").is_not_null().all()),
            *(_versions(cluster, kind, name) for kind, name in VERSIONS.items()),
        ],
        how="horizontal",
    )


# --- objects that are counted --------------------------------------------------------------------------------------


def _counts(cluster: Cluster) -> pl.LazyFrame:
    """Facts that count objects of some kinds; none of a fact of whose kinds there was not even an empty List."""
    counted = _counted(cluster.objects).with_columns(
        number=pl.when(amount="l7").then("l7").when(amount="peers").then("peers").otherwise(1)
    )
    numbers = counted.group_by("fact").agg(pl.col("number").sum(), unread=pl.col("number").null_count())
    files = _counted(cluster.looked_at).group_by("fact").agg(origin=origin_of("file"))
    return files.join(numbers, on="fact", how="left").with_columns(pl.col("number", "unread").fill_null(0))


def _counted(objects: pl.LazyFrame) -> pl.LazyFrame:
    """The objects that facts count, once for each fact: a kind is known by its name and its API group."""
    kinds = read_table("facts/kinds").lazy().select("kind", "fact", "amount", groups="group")
    named = objects.join(kinds, on="kind", maintain_order="left")
    return named.filter(pl.col("group").str.contains(pl.col("groups")))


def _mutual_tls(objects: pl.LazyFrame) -> pl.LazyFrame:
    """What Istio's settings of mutual TLS state."""
    mode = pl.col("mtls_mode").str.to_lowercase()
    stated = mode.is_in(MTLS_MODES)
    return objects.filter(pl.col("kind") == "PeerAuthentication").select(
        modes=mode.filter(stated).unique().sort().implode(),
        mesh_wide=(stated & (pl.col("namespace") == ROOT_NAMESPACE) & ~pl.col("selective")).any(),
        origin=origin_of("file"),
    )


# --- how many services each sidecar is configured for -----------------------------------------------------------------
#
# By Sidecar resources, exportTo and discovery selectors of Istio.


SCOPES, EXPORTS, DISCOVERS = "scopes", "exports", "discovers"
"""What rows of needs say that narrow what a proxy knows."""

ALL = "*"
"""Every namespace, every service, or export to everybody."""


class Scoping(msgspec.Struct, frozen=True):
    """What narrows the configuration of proxies, and what there is to know.

    Args:
        sidecars: Sidecar resources: namespace, and the hosts of those for the whole namespace.
        services: Names of Services by namespace, with the namespaces that may know each; None for all.
        proxied: Pods with a sidecar, by namespace.
        discovered: Namespaces that the control plane looks at; None for all.
    """

    sidecars: tuple[tuple[str, tuple[str, ...]], ...]
    services: Mapping[str, Mapping[str, frozenset[str] | None]]
    proxied: Mapping[str, float]
    discovered: frozenset[str] | None


def narrowing(cluster: Cluster) -> pl.LazyFrame:
    """Texts of what narrows the configuration: need, id, namespace, name, text."""
    own = need_rows().filter(pl.col("need").is_in([SCOPES, EXPORTS, DISCOVERS]))
    fields = own.select("need", "field", "groups").lazy().with_columns(pl.col("groups").fill_null(""))
    objects = cluster.objects.select("id", "kind", "group", "namespace", "name")
    texts = cluster.read["texts"].filter(pl.col("field").is_in(own["field"].implode()))
    joined = texts.join(fields, on="field").join(objects, on="id")
    return joined.filter(pl.col("group") == pl.col("groups")).select("need", "id", "namespace", "name", "text")


def scoping_of(cluster: Cluster, narrowed: pl.DataFrame) -> Scoping:
    """Everything that tells how many services a proxy knows."""
    with_sidecar = cluster.containers.filter(proxy="sidecar").select("id").unique()
    services, proxied, labels = pl.collect_all(
        [
            cluster.objects.filter(pl.col("kind") == "Service", pl.col("group") == "").select(
                "id", "namespace", "name"
            ),
            cluster.pods.join(with_sidecar, on="id", how="semi").group_by("namespace").agg(pl.col("weight").sum()),
            cluster.read["texts"]
            .filter(pl.col("field") == "Namespace:keys")
            .join(cluster.objects.select("id", "name"), on="id"),
        ],
        engine="in-memory",
    )
    exports = {row["id"]: row["text"] for row in narrowed.filter(need=EXPORTS).iter_rows(named=True)}
    by_namespace: dict[str, dict[str, frozenset[str] | None]] = {}
    for number, namespace, name in services.iter_rows():
        to = exports.get(number)
        by_namespace.setdefault(namespace or "", {})[name] = None if to is None else _exported(to, namespace or "")
    return Scoping(
        tuple(
            (row["namespace"] or "", tuple(filter(None, row["text"].partition(";")[2].split(","))))
            for row in narrowed.filter(need=SCOPES).iter_rows(named=True)
            if not row["text"].startswith("x")  # for some workloads of the namespace alone
        ),
        by_namespace,
        {namespace or "": float(pods or 0) for namespace, pods in proxied.iter_rows()},
        _discovered(narrowed.filter(need=DISCOVERS)["text"], labels),
    )


def _exported(text: str, namespace: str) -> frozenset[str] | None:
    """Namespaces that may know a service by its annotation; None for all."""
    named = {part.strip() for part in text.split(",")}
    return None if ALL in named else frozenset(namespace if part == "." else part for part in named - {"~"})


def _discovered(texts: Iterable[str], labels: pl.DataFrame) -> frozenset[str] | None:
    """Namespaces with all the labels of one of the selectors; None where there are none, or they ask for more."""
    selectors = [keys for text in texts for keys in _selectors(text)]
    if not selectors or any(keys is None for keys in selectors):
        return None
    keys = {name: set(text.split(";")) for name, text in labels.select("name", "text").iter_rows()}
    return frozenset(name for name, own in keys.items() if any(each is not None and each <= own for each in selectors))


def _selectors(text: str) -> Sequence[set[str] | None]:
    """Labels that each selector of a mesh configuration asks for; None of one with expressions."""
    if "discoverySelectors" not in text:
        return [set(text.split(";"))] if text and ":" not in text else []
    try:
        found: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    rows = found.get("discoverySelectors") if is_mapping(found) else None
    return [
        set(labels) if is_mapping(row) and is_mapping(labels := row.get("matchLabels")) else None
        for row in (rows if is_list(rows) else ())
    ]


def services_known(scoping: Scoping) -> float | None:
    """Services that a sidecar is configured for, the mean over the pods; None where no pod has one. [services]"""
    pods = sum(scoping.proxied.values())
    if not pods:
        return None
    return sum(weight * len(_known(scoping, namespace)) for namespace, weight in scoping.proxied.items()) / pods


def _known(scoping: Scoping, namespace: str) -> set[tuple[str, str]]:
    """Services that a sidecar in a namespace is configured for."""
    own = [hosts for of, hosts in scoping.sidecars if of == namespace]
    root = [hosts for of, hosts in scoping.sidecars if of == ROOT_NAMESPACE]
    hosts = (own or root or [("*/*",)])[0] or ("*/*",)
    return {
        (place, name)
        for place, services in scoping.services.items()
        if scoping.discovered is None or place in scoping.discovered
        for name, to in services.items()
        if (to is None or namespace in to) and any(_names(host, namespace, place, name) for host in hosts)
    }


def _names(host: str, here: str, namespace: str, name: str) -> bool:
    """Whether a host of a Sidecar resource, ``namespace/dnsName``, names a service."""
    place, slash, dns = host.partition("/")
    if not slash:
        place, dns = ALL, host
    if place not in (ALL, namespace) and not (place == "." and namespace == here):
        return False
    full = f"{name}.{namespace}.svc.cluster.local"
    return dns in (ALL, name, full) or (dns.startswith("*.") and full.endswith(dns[1:]))
