"""What of a cluster a move depends on, as plain data: nodes, what limits evictions, address ranges, checks.

A survey holds no plan yet, so that it can be kept beside a team's facts and asked again with other assumptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from meshlab.cache import cached
from meshlab.cluster.audit.inventory import QUERIES, Inventory, minor, query, selects
from meshlab.cluster.audit.rules import Rule, judge
from meshlab.cluster.facts.cluster import FINISHED
from meshlab.cluster.facts.columns import worth
from meshlab.tables import read_table
from meshlab.units import BYTES_PER_GIB, version_key

# --- pods to evict and their budgets ---------------------------------------------------------------------------------


STAYING = ("DaemonSet", "Node")
"""Owners of pods that a drain leaves alone: their pods belong to the node, static pods to the node itself."""


def evicted(inventory: Inventory) -> pl.LazyFrame:
    """Pods that a drain has to evict: on a node, not finished, neither of a DaemonSet nor static.

    Columns id, kind, namespace, name and those of the table pods.
    """
    running = ~pl.col("phase").is_in(FINISHED).fill_null(value=False)
    staying = pl.col("owner_kind").is_in(STAYING).fill_null(value=False)
    pods = inventory.frames["pods"].filter(running, ~staying, ~pl.col("static"), pl.col("node").is_not_null())
    return inventory.of("Pod").join(pods, on="id")


def budgeted(inventory: Inventory) -> pl.LazyFrame:
    """Which budget covers which pod to evict: id (of the pod), budget (its id).

    Budgets that select by expressions are left out: their pods are not known here.
    """
    pods = evicted(inventory).select("id", "namespace")
    budgets = inventory.of("PodDisruptionBudget").select("id", "namespace")
    known = budgets.join(inventory.frames["budgets"], on="id").filter(~pl.col("expressions"))
    labels = inventory.frames["labels"].join(pods, on="id")
    selectors = inventory.frames["selectors"].join(known.select("id", "namespace"), on="id")
    matched = selects(selectors, labels, "namespace").select(id="selected", budget="id")
    everything = known.filter("everything").select("namespace", budget="id").join(pods, on="namespace")
    return pl.concat([matched, everything.select("id", "budget")])


def covered(inventory: Inventory) -> pl.LazyFrame:
    """Budgets with their pods to evict (null where they select by expressions) and what they allow.

    What the status says counts. Without one it follows from the specification and the pods that are there::

        allowed = max_unavailable, or pods - min_available; a percentage of the pods is rounded up
    """
    counts = budgeted(inventory).group_by("budget").agg(pods=pl.len().cast(pl.Int64)).rename({"budget": "id"})
    pods = pl.when(~pl.col("expressions")).then(pl.col("pods").fill_null(0))
    return (
        inventory.of("PodDisruptionBudget")
        .join(inventory.frames["budgets"], on="id")
        .join(counts, on="id", how="left")
        .with_columns(pods=pods)
        .with_columns(
            allowed=pl.coalesce(
                "allowed",
                _number(pl.col("max_unavailable")),
                pl.col("pods") - _number(pl.col("min_available")),
                pl.when(pl.col("min_available").is_null() & pl.col("max_unavailable").is_null()).then(
                    pl.col("pods") - 1
                ),
            ).clip(lower_bound=0)
        )
        .select("id", "kind", "namespace", "name", "pods", "allowed")
    )


def _number(text: pl.Expr) -> pl.Expr:
    """A number of pods, or a percentage of them rounded up."""
    share = text.str.extract(r"^(\d+)%$", 1).cast(pl.Float64) / 100
    return pl.coalesce(text.cast(pl.Int64, strict=False), (share * pl.col("pods")).ceil().cast(pl.Int64))


def constrained(inventory: Inventory) -> pl.LazyFrame:
    """Pods to evict with what limits them: a budget, their StatefulSet, or nothing.

    A StatefulSet makes a replacement only when the old pod is gone, so that its pods go one at a time; those that share
    a budget with others go by that budget. To the columns of ``evicted`` it adds limit (a name, or null), allowed (at
    least 1) and budget (whether it is one).
    """
    first = budgeted(inventory).group_by("id").agg(budget=pl.min("budget"))
    budgets = covered(inventory).select(
        budget="id", budget_name=pl.concat_str("namespace", "name", separator="/"), budget_allowed="allowed"
    )
    stateful = pl.col("owner_kind") == "StatefulSet"
    own = pl.concat_str(pl.lit("StatefulSet"), "namespace", "owner", separator="/")
    all_stateful = stateful.fill_null(value=False).all().over("budget_name")
    return (
        evicted(inventory)
        .join(first, on="id", how="left")
        .join(budgets, on="budget", how="left")
        .with_columns(
            limit=pl.coalesce("budget_name", pl.when(stateful).then(own)),
            allowed=pl.when(pl.col("budget_name").is_not_null())
            .then(pl.when(all_stateful).then(1).otherwise(pl.col("budget_allowed").fill_null(1).clip(lower_bound=1)))
            .otherwise(pl.when(stateful).then(1)),
        )
        .drop("budget", "budget_name", "budget_allowed")
    )


# --- what checks ask -------------------------------------------------------------------------------------------------


VENDORS = (
    r"(projectcalico\.org|(cilium|antrea|policy\.networking\.k8s|networking\.gke)\.io|ovn\.org|networking\.k8s\.aws)$"
)
"""API groups of policies that one network plugin reads, and no other."""


@query
def evicted_budgets(inventory: Inventory) -> pl.LazyFrame:
    """Budgets that cover pods to evict: pods, allowed (null where neither status nor specification tells)."""
    return covered(inventory).filter((pl.col("pods") > 0) | pl.col("pods").is_null())


@query
def pods_of_two_budgets(inventory: Inventory) -> pl.LazyFrame:
    """Pods to evict that more than one budget covers."""
    more = budgeted(inventory).group_by("id").agg(budgets=pl.len()).filter(pl.col("budgets") > 1)
    return evicted(inventory).join(more, on="id")


@query
def evicted_pods(inventory: Inventory) -> pl.LazyFrame:
    """Pods that a drain evicts: bare (no controller) and local_storage."""
    return evicted(inventory).with_columns(bare=pl.col("owner_kind").is_null())


@query
def machines(inventory: Inventory) -> pl.LazyFrame:
    """Nodes: os, kernel, kernel_number, el8_build (of RHEL's 4.18), kubelet, kubernetes (its minor), pool, virtual."""
    build = pl.col("kernel").str.extract(r"^4\.18\.0-(\d+)[0-9.]*\.el8", 1).cast(pl.Int64)
    facts = inventory.nodes.select("id", "os", "kernel", "kubelet", kubernetes=minor(pl.col("kubelet")))
    return (
        inventory.of("Node")
        .join(facts, on="id")
        .join(inventory.frames["machines"].select("id", "pool", "virtual"), on="id")
        .with_columns(os=pl.col("os").fill_null("linux"), kernel_number=version_key(pl.col("kernel")), el8_build=build)
    )


@query
def releases_behind(inventory: Inventory) -> pl.LazyFrame:
    """Releases of istiod and of Cilium's agents: behind, in minor releases, the oldest that is still maintained.

    What counts is the moment of the dump; where it has none, nobody knows how far behind they are.
    """
    known = read_table("audit/releases").lazy().with_columns(at=pl.lit(inventory.facts["at"].item(), pl.Datetime("us")))
    ended = known.filter(pl.col("ended") <= pl.col("at")).group_by("product")
    oldest = ended.agg(oldest=minor(pl.col("release")).max() + 1)
    running = QUERIES["releases"](inventory).filter(pl.col("container").is_in(("discovery", "cilium-agent")))
    return (
        running.sort("kind", "namespace", "name")
        .unique(["product", "version"], keep="first", maintain_order=True)
        .join(oldest, on="product", how="left")
        .with_columns(behind=pl.col("oldest") - pl.col("minor"))
    )


@query
def policies(inventory: Inventory) -> pl.LazyFrame:
    """Every policy that the network plugin of today enforces."""
    return _policy_objects(inventory).select("id", "kind", "namespace", "name")


@query
def foreign_policies(inventory: Inventory) -> pl.LazyFrame:
    """Policies of kinds that only one vendor's plugin reads: vendor."""
    own = _policy_objects(inventory).filter(pl.col("group").str.contains(VENDORS))
    return own.select("id", "kind", "namespace", "name", vendor="group")


def _policy_objects(inventory: Inventory) -> pl.LazyFrame:
    istio = pl.col("group").str.contains("istio")
    return inventory.objects.filter(pl.col("kind").str.contains(r"NetworkPolicy$"), ~istio)


@query
def webhooks(inventory: Inventory) -> pl.LazyFrame:
    """Webhooks of admission: what the API server calls."""
    return inventory.of("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


@query
def l7_policies(inventory: Inventory) -> pl.LazyFrame:
    """AuthorizationPolicies: l7 is 1 where one looks at requests."""
    known = inventory.objects.select("id", "l7")
    return inventory.of("AuthorizationPolicy").join(known, on="id")


@query
def policy_actions(inventory: Inventory) -> pl.LazyFrame:
    """AuthorizationPolicies with their action."""
    return inventory.of("AuthorizationPolicy").join(inventory.frames["actions"], on="id")


@query
def virtual_services(inventory: Inventory) -> pl.LazyFrame:
    """VirtualServices that are for the mesh and not for gateways alone."""
    return inventory.of("VirtualService").join(inventory.frames["routes"].filter("mesh"), on="id", how="semi")


@query
def subsets(inventory: Inventory) -> pl.LazyFrame:
    """DestinationRules with the number of their subsets, where they have any."""
    some = inventory.frames["subsets"].filter(pl.col("subsets") > 0)
    return inventory.of("DestinationRule").join(some, on="id")


WHOLE_KINDS = {
    "envoy_filters": "EnvoyFilter",
    "wasm_plugins": "WasmPlugin",
    "request_authentications": "RequestAuthentication",
}
"""Queries that ask for every object of a kind."""

QUERIES.update({name: lambda inventory, kind=kind: inventory.of(kind) for name, kind in WHOLE_KINDS.items()})


# --- the survey ------------------------------------------------------------------------------------------------------


Survey = Mapping[str, Any]

NODES: dict[str, pl.DataType] = {
    "name": pl.String(),
    "pods": pl.Int64(),
    "free_cpu_cores": pl.Float64(),
    "free_memory_gib": pl.Float64(),
    "moved_cpu_cores": pl.Float64(),
    "moved_memory_gib": pl.Float64(),
    "largest_cpu_cores": pl.Float64(),
    "largest_memory_gib": pl.Float64(),
    "pool": pl.String(),
}
"""Columns of a survey's machines: pool, pods to evict, what is free, what has to move, and the largest pod of that."""

EVICTIONS: dict[str, pl.DataType] = {
    "node": pl.Int64(),
    "limit": pl.String(),
    "allowed": pl.Int64(),
    "pods": pl.Int64(),
    "unstated": pl.Int64(),
    "grace_lo": pl.Float64(),
    "grace_sum": pl.Float64(),
    "grace_hi": pl.Float64(),
}
"""Columns of a survey's evictions: pods of a node with one limit, and the grace periods that they state. [s]"""

NANO = 9
"""Decimals of cores that a quantity can state. Sums of floats are rounded to it: groups are summed in any order."""


def survey_of(inventory: Inventory) -> dict[str, Any]:
    """The survey of a cluster that has been read."""
    pods = constrained(inventory).join(_requests(inventory), on="id", how="left").collect(engine="in-memory")
    nodes = _nodes(inventory, pods)
    return {
        "nodes": nodes.select(NODES.keys()).to_dict(as_series=False),
        "evictions": _evictions(pods, nodes).to_dict(as_series=False),
        "limits": _limits(inventory),
        "ranges": _ranges(inventory),
        **_members(inventory),
        "virtual": inventory.of("Node")
        .join(_virtual(inventory), on="id")
        .sort("name")
        .collect(engine="in-memory")["name"]
        .to_list(),
        "kubernetes": machines(inventory)
        .filter(~pl.col("virtual"))
        .select(pl.min("kubernetes"))
        .collect(engine="in-memory")
        .item(),
        "placed": bool(pods.height) or (nodes.height > 0 and inventory.saw("Pod")),
        "services": inventory.of("Service")
        .select("namespace", "name")
        .drop_nulls()
        .unique()
        .sort(pl.all())
        .collect(engine="in-memory")
        .rows(),
        "checks": [_checked(row, inventory) for row in checks()],
    }


def _requests(inventory: Inventory) -> pl.LazyFrame:
    asked = inventory.requests.filter(pl.col("kind") == "Pod")
    return asked.select("id", pl.col("cpu_cores", "memory_gib").fill_nan(None))


def _nodes(inventory: Inventory, pods: pl.DataFrame) -> pl.DataFrame:
    """Nodes in the order in which they are drained: those of the control plane last, else by name."""
    machines = (
        inventory.of("Node")
        .join(inventory.frames["machines"].filter(~pl.col("virtual")), on="id")
        .collect(engine="in-memory")
    )
    finished = pl.col("phase").is_in(FINISHED).fill_null(value=False)
    running = inventory.frames["pods"].filter(~finished).join(_requests(inventory), on="id")
    used = running.group_by("node").agg(pl.sum("cpu_cores"), pl.sum("memory_gib")).collect(engine="in-memory")
    moved = pods.group_by("node").agg(
        pods=pl.len().cast(pl.Int64),
        moved_cpu_cores=pl.sum("cpu_cores"),
        moved_memory_gib=pl.sum("memory_gib"),
        largest_cpu_cores=pl.max("cpu_cores"),
        largest_memory_gib=pl.max("memory_gib"),
    )
    room = machines.with_columns(
        # NaN stands for unreadable text
        cpu=pl.Series(map(worth, machines["allocatable_cpu"]), dtype=pl.Float64).fill_nan(None),
        memory=pl.Series(map(worth, machines["allocatable_memory"]), dtype=pl.Float64).fill_nan(None) / BYTES_PER_GIB,
    )
    open_ = pl.when(~pl.col("closed"))
    return (
        room.rename({"name": "node"})
        .join(used, on="node", how="left")
        .join(moved, on="node", how="left")
        .with_columns(
            pl.col("pods").fill_null(0),
            pl.col("^(moved|largest)_.*$").fill_null(0.0),
            free_cpu_cores=open_.then((pl.col("cpu") - pl.col("cpu_cores").fill_null(0.0)).clip(0)).otherwise(0.0),
            free_memory_gib=open_.then((pl.col("memory") - pl.col("memory_gib").fill_null(0.0)).clip(0)).otherwise(0.0),
        )
        .with_columns(pl.col(pl.Float64).round(NANO))
        .sort("control", "node")
        .rename({"node": "name"})
    )


def _evictions(pods: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    places = nodes.select(name="name", place=pl.int_range(pl.len(), dtype=pl.Int64))
    grace = pl.col("grace_seconds")
    return (
        pods.join(places, left_on="node", right_on="name")
        .group_by("place", "limit")
        .agg(
            pl.min("allowed").cast(pl.Int64),
            pods=pl.len().cast(pl.Int64),
            unstated=grace.is_null().sum().cast(pl.Int64),
            grace_lo=grace.min().cast(pl.Float64),
            grace_sum=grace.sum().cast(pl.Float64),
            grace_hi=grace.max().cast(pl.Float64),
        )
        .rename({"place": "node"})
        .select(EVICTIONS.keys())
        .sort("node", "limit")
    )


def _limits(inventory: Inventory) -> dict[str, list[Any]]:
    """Budgets of pods to evict, with what they allow."""
    found = covered(inventory).filter(pl.col("pods") > 0).sort("namespace", "name")
    return found.select("namespace", "name", "pods", "allowed").collect(engine="in-memory").to_dict(as_series=False)


def _ranges(inventory: Inventory) -> list[str]:
    """Ranges of pod addresses that nodes or the plugin's pools hold."""
    return (
        inventory.frames["ranges"]
        .select(pl.col("cidr").drop_nulls().unique().sort())
        .collect(engine="in-memory")["cidr"]
        .to_list()
    )


def _virtual(inventory: Inventory) -> pl.LazyFrame:
    """Nodes that are no machines: nobody drains them."""
    return inventory.frames["machines"].filter("virtual").select("id")


def _workloads(pods: pl.DataFrame) -> int:
    return pods.select(pl.struct("namespace", "owner_kind", "owner").n_unique()).item()


def _members(inventory: Inventory) -> dict[str, Any]:
    """What is in the mesh of today: pods with a proxy beside them or redirected to one, their workloads and namespaces.

    ``networked_pods`` are all outside of the host network that run on machines; ``first_namespace`` is the one with the
    fewest pods in the mesh, or else the fewest of all: a move begins where least can break.
    """
    redirected = (pl.col("redirection") == "enabled").fill_null(value=False)
    pods = inventory.living_pods.with_columns(member=pl.col("proxied") | redirected).collect(engine="in-memory")
    members = pods.filter("member")
    elsewhere = inventory.of("Node").join(_virtual(inventory), on="id").select(node="name").collect(engine="in-memory")
    networked = pods.join(elsewhere, on="node", how="anti")
    by_size = (members if members.height else pods).group_by("namespace").len().sort("len", "namespace")
    return {
        "namespaces": members["namespace"].n_unique(),
        "workloads": _workloads(members),
        "meshed_pods": members.height,
        "proxied_pods": int(members["proxied"].sum()),
        "networked_pods": networked.height,
        "networked_workloads": _workloads(networked),
        "first_namespace": by_size["namespace"].drop_nulls().first(),
    }


@cached
def checks() -> tuple[dict[str, Any], ...]:
    """Rows of ``data/migration/checks.csv``."""
    return tuple(read_table("migration/checks").iter_rows(named=True))


def _checked(row: Mapping[str, Any], inventory: Inventory) -> dict[str, Any]:
    """What a check finds, by the way in which the audit judges its rules."""
    fields = {name: row[name] for name in Rule.__struct_fields__ if name in row}
    needs = tuple(filter(None, (row["needs"] or "").split("|")))
    fields.update(subject=row["subject"] or "", needs=needs, family="migration", loop="")
    found = judge(Rule(**fields), inventory)
    kept_ = {name: found[name] for name in ("state", "objects", "count", "detail", "missing")}
    return {"id": row["id"], **kept_}
