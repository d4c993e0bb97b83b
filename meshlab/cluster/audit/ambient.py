"""Rows for the rules about Istio's ambient mode: who is captured, and what waypoints are needed for."""

from __future__ import annotations

import polars as pl

from meshlab.cluster.audit.inventory import Inventory, label, query
from meshlab.cluster.audit.mesh import namespace_wishes
from meshlab.tables import read_table

L7_ACTIONS = ("CUSTOM", "AUDIT")
"""Actions of an AuthorizationPolicy that only Envoy can take."""


@query
def ambient_pods(inventory: Inventory) -> pl.LazyFrame:
    """Living pods with what their namespace or they ask of ambient mode, whether ztunnel serves them, and sidecars.

    Columns asked (null where the namespace is not in the input), captured, proxied.
    """
    own = label(inventory, "istio.io/dataplane-mode").rename({"value": "own_mode"})
    wish = pl.coalesce("own_mode", pl.when("known").then(pl.col("mode").fill_null("")))
    return (
        inventory.living_pods.join(own, on="id", how="left")
        .join(namespace_wishes(inventory).with_columns(known=True), on="namespace", how="left")
        .filter(~pl.col("gateway"))
        .with_columns(
            asked=(wish == "ambient") & pl.col("redirection").ne_missing("disabled"),  # how to opt out before 1.22
            captured=pl.col("redirection").eq("enabled").fill_null(value=False),
        )
    )


def ambient_namespaces(inventory: Inventory) -> pl.LazyFrame:
    """Namespaces of ambient mode: namespace, and waypoint: whether one is in use there.

    A label of the namespace or of a Service in it names the waypoint; ``none`` refuses it. A waypoint that no label
    names serves nobody.
    """
    named = label(inventory, "istio.io/use-waypoint").filter(pl.col("value") != "none")
    of_services = inventory.of("Service").join(named, on="id").select("namespace").unique().with_columns(served=True)
    return (
        namespace_wishes(inventory)
        .filter(pl.col("mode") == "ambient")
        .join(of_services, on="namespace", how="left")
        .select(
            "namespace",
            waypoint=(pl.col("waypoint") != "none").fill_null(value=False) | pl.col("served").fill_null(value=False),
        )
    )


@query
def ambient_policies(inventory: Inventory) -> pl.LazyFrame:
    """AuthorizationPolicies in ambient namespaces that need layer 7: attached (to a target) and waypoint."""
    targeted = inventory.frames["targets"].select("id").unique().with_columns(attached=True)
    layer = inventory.objects.select("id", "l7")
    return (
        inventory.of("AuthorizationPolicy")
        .join(ambient_namespaces(inventory), on="namespace")
        .join(layer, on="id")
        .join(inventory.frames["actions"], on="id", how="left")
        .join(targeted, on="id", how="left")
        .filter((pl.col("l7") > 0) | pl.col("action").is_in(L7_ACTIONS))
        .with_columns(pl.col("attached").fill_null(value=False))
    )


@query
def ambient_leftovers(inventory: Inventory) -> pl.LazyFrame:
    """Objects in ambient namespaces that do nothing there, by ``data/audit/ambient_ignored.csv``.

    Columns waypoint, attached, ignored and why_ignored.
    """
    table = read_table("audit/ambient_ignored")
    targeted = inventory.frames["targets"].select("id").unique().with_columns(attached=True)
    gateways_only = inventory.frames["routes"].filter(~pl.col("mesh"))
    without = {
        "always": pl.lit(value=True),
        "waypoint": ~pl.col("waypoint"),
        "target": ~pl.col("waypoint") | ~pl.col("attached"),
    }
    ignored = pl.coalesce(pl.when(pl.col("without") == word).then(holds) for word, holds in without.items())
    return (
        inventory.of(*table["kind"])
        .join(ambient_namespaces(inventory), on="namespace")
        .join(gateways_only, on="id", how="anti")
        .join(targeted, on="id", how="left")
        .with_columns(pl.col("attached").fill_null(value=False))
        .join(table.lazy().select("kind", "without", "why_ignored"), on="kind")
        .with_columns(ignored=ignored)
    )
