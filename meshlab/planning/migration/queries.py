"""Rows that checks of a move judge, beside those of the audit: budgets, pods to evict, policies, settings of Istio."""

from __future__ import annotations

import polars as pl

from meshlab.cluster.audit.inventory import Inventory, query
from meshlab.planning.migration.pods import budgeted, covered, evicted
from meshlab.units import version_key

VENDORS = r"(projectcalico\.org|cilium\.io|antrea\.io|k8s\.ovn\.org|policy\.networking\.k8s\.io)$"
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
    """Nodes: os, kernel, kernel_number, el8_build (of Red Hat's kernels 4.18), pool, and virtual (no machine)."""
    build = pl.col("kernel").str.extract(r"^4\.18\.0-(\d+)[0-9.]*\.el8", 1).cast(pl.Int64)
    facts = inventory.nodes.select("id", "os", "kernel")
    return (
        inventory.of("Node")
        .join(facts, on="id")
        .join(inventory.frames["machines"].select("id", "pool", "virtual"), on="id")
        .with_columns(os=pl.col("os").fill_null("linux"), kernel_number=version_key(pl.col("kernel")), el8_build=build)
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


@query
def envoy_filters(inventory: Inventory) -> pl.LazyFrame:
    """EnvoyFilters."""
    return inventory.of("EnvoyFilter")


@query
def wasm_plugins(inventory: Inventory) -> pl.LazyFrame:
    """WasmPlugins."""
    return inventory.of("WasmPlugin")


@query
def request_authentications(inventory: Inventory) -> pl.LazyFrame:
    """RequestAuthentications."""
    return inventory.of("RequestAuthentication")
