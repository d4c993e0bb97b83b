"""Rows for the rules about a mesh: injection, versions, mutual TLS, patches of Envoy, scope; ambient mode."""

from __future__ import annotations

import polars as pl

from meshlab.cluster.audit.inventory import OF_NAMESPACE, Inventory, applications, label, minor, query, selects
from meshlab.cluster.facts.answers import ROOT_NAMESPACE
from meshlab.tables import read_table
from meshlab.units import VERSION_PATTERN

# --- injection -----------------------------------------------------------------------------------------------------


@query
def injectable_pods(inventory: Inventory) -> pl.LazyFrame:
    """Pods that a mesh could inject, with what their namespace and they themselves ask for.

    Columns asked (null where the namespace is not in the input), opted_out, proxied.
    """
    pods = inventory.living_pods.filter(~pl.col("gateway"))
    injected = label(inventory, "sidecar.istio.io/inject").rename({"value": "inject_label"})
    revision = label(inventory, "istio.io/rev").select("id", revised=pl.col("value") != "")
    wish = pl.coalesce("inject_label", "istio_annotation", "linkerd_annotation").str.to_lowercase()
    own = wish.is_in(["true", "enabled", "ingress"]).fill_null(value=False) | pl.col("revised").fill_null(value=False)
    return (
        pods.join(injected, on="id", how="left")
        .join(revision, on="id", how="left")
        .join(namespace_wishes(inventory), on="namespace", how="left")
        .with_columns(
            asked=pl.col("asks") | (own & ~pl.col("refuses")).fill_null(value=False),
            opted_out=wish.is_in(["false", "disabled"]).fill_null(value=False),
        )
    )


def namespace_wishes(inventory: Inventory) -> pl.LazyFrame:
    """What each namespace in the input asks for.

    Columns namespace, injection (istio-injection), revision (istio.io/rev), mode (istio.io/dataplane-mode), waypoint
    (istio.io/use-waypoint), asks (for sidecars), refuses them. istio-injection outweighs istio.io/rev.
    """
    labels = {
        "injection": "istio-injection",
        "revision": "istio.io/rev",
        "mode": "istio.io/dataplane-mode",
        "waypoint": "istio.io/use-waypoint",
    }
    named = inventory.of("Namespace").select("id", namespace="name")
    named = named.join(inventory.frames["namespaces"].rename({"linkerd_annotation": "linkerd"}), on="id", how="left")
    for column, key in labels.items():
        named = named.join(label(inventory, key).rename({"value": column}), on="id", how="left")
    refuses = pl.any_horizontal(pl.col("injection") == "disabled", pl.col("linkerd") == "disabled").fill_null(
        value=False
    )
    asks = pl.any_horizontal(
        pl.col("injection") == "enabled",
        pl.col("revision").is_not_null(),
        pl.col("linkerd").is_in(["enabled", "ingress"]),
    ).fill_null(value=False)
    return named.drop("id").with_columns(asks=asks & ~refuses, refuses=refuses)


@query
def membership(inventory: Inventory) -> pl.LazyFrame:
    """Namespaces of applications, with how many pods are in the mesh: pods, meshed, and mesh_pods (of all of them).

    Where none is and the input lacks pods, meshed is null.
    """
    whole = pl.lit(inventory.saw("Pod"))
    in_mesh = pl.col("proxied") | (pl.col("redirection") == "enabled").fill_null(value=False)
    return (
        applications(inventory)
        .group_by("namespace")
        .agg(pods=pl.len(), meshed=in_mesh.sum())
        .with_columns(**OF_NAMESPACE, mesh_pods=pl.col("meshed").sum())
        .with_columns(meshed=pl.when((pl.col("meshed") > 0) | whole).then("meshed"))
    )


@query
def enrolled_namespaces(inventory: Inventory) -> pl.LazyFrame:
    """Namespaces with the labels that enrol their pods: injection, revision, mode."""
    return namespace_wishes(inventory).select(pl.col("injection", "revision", "mode").fill_null(""), **OF_NAMESPACE)


@query
def sidecars_of_jobs(inventory: Inventory) -> pl.LazyFrame:
    """Pods of Jobs that a proxy runs beside: whether it is a native sidecar."""
    return inventory.living_pods.filter(pl.col("proxied"), pl.col("owner_kind") == "Job")


# --- versions ------------------------------------------------------------------------------------------------------


@query
def proxies(inventory: Inventory) -> pl.LazyFrame:
    """Proxies of Istio and Linkerd, with their version and that of the control plane.

    Columns product, version, commonest (version among the proxies of that product), control (versions of istiod, as
    text), matches_control_plane (whether the version is one of those) and minors_behind (the nearest of them that is no
    older, as each revision has its own; negative where the proxy is newer than all). Null where an image names no
    version or no control plane is in the input.
    """
    found = versions(inventory, "istio-proxy", "linkerd-proxy").filter(pl.col("image").ne_missing("auto"))
    control = (
        versions(inventory, "discovery")
        .filter(pl.col("version").is_not_null())
        .with_columns(control_minor=minor(pl.col("version")))
    )
    of_all = control.select(control=pl.col("version").unique().sort().implode(), newest=pl.col("control_minor").max())
    nearest = (
        found.select(proxy_minor=minor(pl.col("version")))
        .unique()
        .sort("proxy_minor")
        .join_asof(
            control.select("control_minor").unique().sort("control_minor"),
            left_on="proxy_minor",
            right_on="control_minor",
            strategy="forward",
        )
    )
    known = pl.col("version").is_not_null() & pl.col("newest").is_not_null()
    together = (
        found.with_columns(proxy_minor=minor(pl.col("version")))
        .join(of_all, how="cross")
        .join(nearest, on="proxy_minor", how="left", maintain_order="left")
        .with_columns(control_minor=pl.coalesce("control_minor", "newest"))
    )
    return together.with_columns(
        commonest=pl.col("version").drop_nulls().mode().sort().last().over("product"),
        matches_control_plane=pl.when(known).then(pl.col("control").list.contains(pl.col("version"))),
        minors_behind=pl.when(known).then(pl.col("control_minor") - pl.col("proxy_minor")),
        control=pl.col("control").list.join(", "),
    )


def versions(inventory: Inventory, *containers: str) -> pl.LazyFrame:
    """Containers of those names in living pods and in templates, with the version that their image's tag names."""
    owners = ("Pod", "Deployment", "DaemonSet", "StatefulSet")
    tag = pl.col("image").str.extract(r":([^:@/]+)(?:@|$)", 1).str.replace(r"^(stable|edge)-", "")
    return (
        inventory.of(*owners)
        .join(inventory.frames["containers"].filter(pl.col("container").is_in(containers)), on="id")
        .filter(pl.col("role") != "init")
        .with_columns(
            product=pl.when(pl.col("container") == "linkerd-proxy").then(pl.lit("linkerd")).otherwise(pl.lit("istio")),
            version=pl.when(tag.str.contains(VERSION_PATTERN)).then(tag.str.extract(r"^v?(\d+(?:\.\d+)*)", 1)),
        )
    )


# --- mutual TLS ----------------------------------------------------------------------------------------------------


@query
def peer_settings(inventory: Inventory) -> pl.LazyFrame:
    """PeerAuthentications: id, kind, namespace, name, mode, port, and whether they select workloads."""
    selective = inventory.frames["selectors"].select("id").unique().with_columns(selective=True)
    return (
        inventory.of("PeerAuthentication")
        .join(inventory.frames["peers"], on="id")
        .join(selective, on="id", how="left")
        .with_columns(pl.col("selective").fill_null(value=False))
    )


def namespace_modes(inventory: Inventory) -> pl.LazyFrame:
    """Mode of mutual TLS that holds in each namespace of a pod or Service, workloads' own settings aside.

    Null where the input holds no PeerAuthentication and no List of them: then nobody knows.
    """
    whole = peer_settings(inventory).filter(~pl.col("selective"), pl.col("port").is_null(), pl.col("mode") != "UNSET")
    own = whole.group_by("namespace").agg(own=pl.col("mode").sort().last())
    mesh = own.filter(pl.col("namespace") == ROOT_NAMESPACE).select(mesh=pl.col("own").first())
    default = pl.lit("PERMISSIVE" if inventory.saw("PeerAuthentication") else None, pl.String)
    return (
        inventory.of("Pod", "Service")
        .select(pl.col("namespace").drop_nulls().unique())
        .join(own, on="namespace", how="left")
        .join(mesh, how="cross")
        .select("namespace", mode=pl.coalesce("own", "mesh", default))
    )


def pod_modes(inventory: Inventory) -> pl.LazyFrame:
    """Mode of mutual TLS that holds for each pod with a proxy: its own setting before its namespace's.

    Columns id, kind, namespace, name and mode.
    """
    pods = inventory.living_pods.filter("proxied").select("id", "kind", "namespace", "name")
    own = peer_settings(inventory).filter("selective", pl.col("port").is_null(), pl.col("mode") != "UNSET")
    set_by_hand = (
        selected_pods(inventory, own, pods)
        .join(own.select("id", "mode"), on="id")
        .group_by("pod")
        .agg(own=pl.col("mode").sort().last())
    )
    return (
        pods.join(set_by_hand, left_on="id", right_on="pod", how="left")
        .join(namespace_modes(inventory), on="namespace", how="left")
        .select("id", "kind", "namespace", "name", mode=pl.coalesce("own", "mode"))
    )


@query
def meshed_pods(inventory: Inventory) -> pl.LazyFrame:
    """Namespaces with proxied pods, one row for each mode of mutual TLS that holds in it."""
    by_mode = pod_modes(inventory).group_by("namespace", "mode").agg(pods=pl.len())
    return by_mode.select("mode", "pods", **OF_NAMESPACE)


@query
def destinations(inventory: Inventory) -> pl.LazyFrame:
    """DestinationRules that say how to connect, beside the modes that the host's pods or namespace accept.

    A host of the cluster is a Service by its full name, a short name in the rule's namespace, or a wildcard over a
    namespace or over all. What a port of a Service accepts is unknown where its pods' ports have settings of their
    own and none has its number: Services may renumber them. Columns host, client_mode, server_mode.
    """
    full = r"^([^.*]+)\.([^.]+)\.svc(?:\.|$)"
    short = ~pl.col("host").str.contains(".", literal=True)
    rules = (
        inventory.of("DestinationRule")
        .join(inventory.frames["destinations"], on="id")
        .with_columns(
            service=pl.when(short).then("host").otherwise(pl.col("host").str.extract(full, 1)),
            place=pl.when(short)
            .then("namespace")
            .otherwise(
                pl.coalesce(
                    pl.col("host").str.extract(full, 2), pl.col("host").str.extract(r"^\*\.([^.]+)\.svc(?:\.|$)", 1)
                )
            ),
            everywhere=pl.col("host").str.contains(r"^\*(\.local|\.cluster\.local|\.svc\.cluster\.local)?$"),
        )
    )
    accepted = server_modes(inventory)
    by_service = (
        pods_behind(inventory)
        .join(accepted.select("id", server_mode="mode"), left_on="pod", right_on="id")
        .select("server_mode", place="namespace", service="name")
        .unique()
    )
    of_ports = peer_settings(inventory).filter(pl.col("port").is_not_null(), pl.col("mode") != "UNSET")
    by_port = (
        pods_behind(inventory)
        .join(selected_pods(inventory, of_ports, inventory.living_pods), on="pod", suffix="_peer")
        .join(of_ports.select("id", "mode", client_port="port"), left_on="id_peer", right_on="id")
        .select("client_port", place="namespace", service="name", port_mode="mode")
        .unique()
    )
    by_namespace = accepted.select(place="namespace", namespace_mode="mode").unique()
    exact = (
        rules.filter(~pl.col("everywhere"), pl.col("place").is_not_null())
        .join(by_service, on=["place", "service"], how="left")
        .join(by_port, on=["place", "service", "client_port"], how="left")
        .join(by_port.select("place", "service", renumbered=True).unique(), on=["place", "service"], how="left")
        .join(by_namespace, on="place", how="left")
        .with_columns(
            server_mode=pl.when(pl.col("client_port").is_null() | pl.col("renumbered").is_null())
            .then(pl.coalesce("server_mode", "namespace_mode"))
            .otherwise("port_mode")
        )
    )
    meshed = accepted.filter(pl.col("mode") != NO_PROXY).select(server_mode=pl.col("mode").unique())
    columns = ["kind", "namespace", "name", "host", "client_mode", "server_mode"]
    return pl.concat(
        [exact.select(columns), rules.filter("everywhere").join(meshed, how="cross").select(columns)]
    ).unique(maintain_order=True)


NO_PROXY = "NO PROXY"
"""Stands for the mode of a pod without a proxy: it speaks plain text, and TLS only if its application does."""


def server_modes(inventory: Inventory) -> pl.LazyFrame:
    """What living pods accept: the mode of mutual TLS of those with a proxy, ``NO_PROXY`` for those without.

    Gateways accept what their Gateway says, and ztunnel takes care of pods in ambient mode: neither is among them.
    Columns id, namespace, mode.
    """
    bare = _bare_pods(inventory).select("id", "namespace", mode=pl.lit(NO_PROXY))
    return pl.concat([pod_modes(inventory).select("id", "namespace", "mode"), bare])


def _bare_pods(inventory: Inventory) -> pl.LazyFrame:
    """Living pods that no proxy of a mesh serves, gateways aside."""
    return inventory.living_pods.filter(
        ~pl.col("proxied"), ~pl.col("gateway"), pl.col("redirection").ne_missing("enabled")
    )


def pods_behind(inventory: Inventory) -> pl.LazyFrame:
    """Services with a selector, beside the ids of the living pods that they select in their namespace."""
    services = inventory.of("Service")
    return services.join(selected_pods(inventory, services, inventory.living_pods), on="id")


def selected_pods(inventory: Inventory, settings: pl.LazyFrame, pods: pl.LazyFrame) -> pl.LazyFrame:
    """Objects with a selector, beside the pods that they select in their namespace: columns id and pod."""
    selectors = inventory.frames["selectors"].join(settings.select("id", "namespace").unique(), on="id")
    labels = inventory.frames["labels"].join(pods.select("id", "namespace"), on="id")
    return selects(selectors, labels, "namespace").rename({"selected": "pod"})


@query
def plain_clients(inventory: Inventory) -> pl.LazyFrame:
    """Where plain text would meet mutual TLS: pods without a proxy, and Services open to the outside, with the mode.

    A pod without a proxy can call nobody in its own namespace where that is strict. A Service of type NodePort or
    LoadBalancer takes clients from outside of the cluster, which have no certificate of the mesh.
    """
    modes = namespace_modes(inventory)
    outside = (
        _bare_pods(inventory)
        .join(modes, on="namespace", how="left")
        .join(pod_modes(inventory).select("namespace").unique(), on="namespace", how="semi")
        .select("kind", "namespace", "name", "mode", reason=pl.lit("has no proxy"))
    )
    opened = (
        pods_behind(inventory)
        .join(inventory.frames["services"].filter(pl.col("type").is_in(["NodePort", "LoadBalancer"])), on="id")
        .join(pod_modes(inventory).select("id", "mode"), left_on="pod", right_on="id")
        .select("kind", "namespace", "name", "mode", reason=pl.lit("is open to clients outside of the cluster"))
        .unique()
    )
    return pl.concat([outside, opened])


# --- patches of Envoy ----------------------------------------------------------------------------------------------


@query
def patches(inventory: Inventory) -> pl.LazyFrame:
    """Patches of EnvoyFilters: priority, unranked (whether none is set), apply_to, context, operation."""
    placed = inventory.of("EnvoyFilter").join(inventory.frames["patches"], on="id")
    return placed.with_columns(unranked=pl.col("priority").is_null())


@query
def patch_pairs(inventory: Inventory) -> pl.LazyFrame:
    """Pairs of EnvoyFilters that patch the same place of the same workloads.

    Two filters meet where both stand in one namespace, or one in the root namespace, and every workload that one
    selects the other selects as well. Columns other (name of the second), apply_to, context and tied: whether their
    priorities are equal, so that only their age orders them.
    """
    one = (
        patches(inventory)
        .with_columns(pl.col("priority").fill_null(0), place=pl.concat_str("namespace", "name", separator="/"))
        .drop("operation", "unranked")
        .unique()
    )
    other = one.select(pl.all().name.suffix("_other"))
    met = [
        pl.col("context") == pl.col("context_other"),
        *(pl.col(name).eq("ANY") for name in ("context", "context_other")),
    ]
    rooted = pl.any_horizontal(pl.col(name).eq(ROOT_NAMESPACE) for name in ("namespace", "namespace_other"))
    pairs = one.join(other, left_on="apply_to", right_on="apply_to_other").filter(
        pl.col("place") < pl.col("place_other"),  # by name: the order of objects in a dump says nothing
        pl.any_horizontal(met),
        (pl.col("namespace") == pl.col("namespace_other")) | rooted,
    )
    return (
        pairs.join(_wider_selectors(inventory), on=["id", "id_other"], how="semi")
        .with_columns(
            tied=(pl.col("priority") == pl.col("priority_other")) & (pl.col("namespace") == pl.col("namespace_other")),
            other="place_other",
        )
        .sort("place", "place_other", "apply_to", "tied", "context", "context_other")
        .unique(["id", "id_other", "apply_to", "tied"], keep="first", maintain_order=True)
    )


def _wider_selectors(inventory: Inventory) -> pl.LazyFrame:
    """Pairs of EnvoyFilters, both ways round, of which one selects all that the other selects."""
    filters = inventory.of("EnvoyFilter").select("id")
    targeted = inventory.frames["targets"].select("id")
    named = inventory.frames["selectors"].join(filters, on="id", how="semi")
    narrow = selects(named, named).select("id", id_other="selected")
    unlimited = filters.join(named, on="id", how="anti").join(targeted, on="id", how="anti")
    wide = unlimited.join(filters.rename({"id": "id_other"}), how="cross")
    both = pl.concat([narrow, wide])
    return pl.concat([both, both.select(id="id_other", id_other="id")]).unique()


# --- scope ---------------------------------------------------------------------------------------------------------


@query
def scoped_namespaces(inventory: Inventory) -> pl.LazyFrame:
    """Namespaces with sidecars of Istio, and how many of their pods no Sidecar limits to a part of the mesh.

    A Sidecar limits where it lists hosts and none of them is ``*/*``. Column unscoped is null where the input holds
    neither a Sidecar nor a List of them.
    """
    limits = inventory.frames["scopes"].group_by("id").agg(narrow=(pl.col("host") != "*/*").all())
    sidecars = inventory.of("Sidecar").join(limits.filter("narrow"), on="id").select("id", "namespace")
    whole = sidecars.join(inventory.frames["selectors"], on="id", how="anti")
    pods = inventory.living_pods.filter("proxied")
    chosen = selected_pods(inventory, sidecars, pods)
    bare = pods.join(whole, on="namespace", how="anti").join(chosen, left_on="id", right_on="pod", how="anti")
    mesh_wide = whole.filter(pl.col("namespace") == ROOT_NAMESPACE).select(mesh_wide=pl.len() > 0)
    counted = pods.group_by("namespace").agg(pods=pl.len())
    unscoped = bare.group_by("namespace").agg(unscoped=pl.len())
    known = inventory.saw("Sidecar")
    return (
        counted.join(unscoped, on="namespace", how="left")
        .join(mesh_wide, how="cross")
        .select(
            "pods",
            **OF_NAMESPACE,
            unscoped=pl.when(pl.lit(known)).then(
                pl.when("mesh_wide").then(0).otherwise(pl.col("unscoped").fill_null(0))
            ),
        )
    )


# --- ambient mode ----------------------------------------------------------------------------------------------------


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


def _of_ambient_namespaces(inventory: Inventory, *kinds: str) -> pl.LazyFrame:
    """Objects in ambient namespaces, with waypoint, and attached: whether they are to a target."""
    targeted = inventory.frames["targets"].select("id").unique().with_columns(attached=True)
    objects = inventory.of(*kinds).join(ambient_namespaces(inventory), on="namespace")
    return objects.join(targeted, on="id", how="left").with_columns(pl.col("attached").fill_null(value=False))


@query
def ambient_policies(inventory: Inventory) -> pl.LazyFrame:
    """AuthorizationPolicies in ambient namespaces that need layer 7: attached (to a target) and waypoint."""
    layer = inventory.objects.select("id", "l7")
    return (
        _of_ambient_namespaces(inventory, "AuthorizationPolicy")
        .join(layer, on="id")
        .join(inventory.frames["actions"], on="id", how="left")
        .filter((pl.col("l7") > 0) | pl.col("action").is_in(L7_ACTIONS))
    )


@query
def ambient_leftovers(inventory: Inventory) -> pl.LazyFrame:
    """Objects in ambient namespaces that do nothing there, by ``data/audit/ambient_ignored.csv``.

    Columns waypoint, attached, ignored and why_ignored.
    """
    table = read_table("audit/ambient_ignored")
    gateways_only = inventory.frames["routes"].filter(~pl.col("mesh"))
    without = {
        "always": pl.lit(value=True),
        "waypoint": ~pl.col("waypoint"),
        "target": ~pl.col("waypoint") | ~pl.col("attached"),
    }
    ignored = pl.coalesce(pl.when(pl.col("without") == word).then(holds) for word, holds in without.items())
    return (
        _of_ambient_namespaces(inventory, *table["kind"])
        .join(gateways_only, on="id", how="anti")
        .join(table.lazy().select("kind", "without", "why_ignored"), on="kind")
        .with_columns(ignored=ignored)
    )
