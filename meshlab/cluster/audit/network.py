"""Rows for the rules about the network below a mesh: plugin, MTU, kernels, Services, certificates, releases."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from meshlab.cluster.audit.inventory import NOBODY, OF_NAMESPACE, Inventory, applications, minor, moment, query, selects
from meshlab.cluster.audit.mesh import versions
from meshlab.tables import read_table
from meshlab.units import version_key


@query
def cluster(_inventory: Inventory) -> pl.LazyFrame:
    """One row, for conditions over facts alone."""
    return pl.LazyFrame({"row": [0]}).with_columns(**NOBODY)


# --- MTU -----------------------------------------------------------------------------------------------------------


@query
def packet_sizes(inventory: Inventory) -> pl.LazyFrame:
    """The pods' MTU, what encapsulation and encryption add, and the MTU of the network that nodes stand in.

    Columns mtu, overhead_bytes, outer_bytes (their sum), network_mtu (of the provider; null for others), largest_bytes
    (largest packet that fits) and automatic: whether the plugin works its MTU out from the nodes' devices.
    """
    product = pl.col("cni_product")
    encryption = (
        pl.when(
            pl.any_horizontal(pl.col("felix_wireguard_enabled") == "true", pl.col("cilium_enable_wireguard") == "true")
        )
        .then(pl.lit("wireguard"))
        .when(pl.col("cilium_enable_ipsec") == "true")
        .then(pl.lit("ipsec"))
        .otherwise(pl.lit("none"))
    )
    automatic = (
        pl.when(pl.col("cni_mtu").is_not_null())
        .then(pl.lit(value=False))
        .when(product == "cilium")
        .then(pl.col("cilium_mtu").is_in(["unset", "0"]))
        .when(product == "calico")
        .then(pl.col("calico_veth_mtu") == "0")
    )
    overheads = read_table("audit/overheads").lazy().select("product", "encapsulation", "encryption", "overhead_bytes")
    return (
        inventory.facts.lazy()
        .select(
            mtu="cni_mtu",
            product=product,
            encapsulation="cni_encapsulation",
            encryption=encryption,
            automatic=automatic,
        )
        .join(overheads, on=["product", "encapsulation", "encryption"], how="left")
        .join(_network_mtu(inventory), how="cross")
        .with_columns(
            outer_bytes=pl.col("mtu") + pl.col("overhead_bytes"),
            largest_bytes=pl.col("network_mtu") - pl.col("overhead_bytes"),
            **NOBODY,
        )
    )


def _network_mtu(inventory: Inventory) -> pl.LazyFrame:
    """MTU of the providers' networks: the least, or null where one of them is not known."""
    known = read_table("audit/network_mtu").lazy().select("provider", "network_mtu")
    of_nodes = inventory.frames["providers"].join(known, on="provider", how="left")
    complete = pl.col("network_mtu").is_not_null().all() & (pl.len() > 0)
    return of_nodes.select(network_mtu=pl.when(complete).then(pl.col("network_mtu").min()))


# --- kernels -------------------------------------------------------------------------------------------------------


@query
def kernels(inventory: Inventory) -> pl.LazyFrame:
    """Linux nodes beside each feature in use that needs a kernel, by ``data/audit/kernel_floors.csv``.

    Columns feature, in_use (null where the input does not tell), kernel, minimum and enough.
    Red Hat's kernels count by their build where the table names one: they hold what later kernels brought.
    """
    floors = read_table("audit/kernel_floors")
    in_use = [
        inventory.facts.select(feature=pl.lit(row["feature"]), in_use=pl.sql_expr(str(row["used"])))
        for row in floors.iter_rows(named=True)
    ]
    build = pl.col("kernel").str.extract(r"^4\.18\.0-(\d+)[0-9.]*\.el8", 1).cast(pl.Int64)
    key = version_key(pl.col("kernel"))
    nodes = inventory.of("Node").join(inventory.nodes.select("id", "kernel", "os"), on="id")
    backported = (build >= pl.col("rhel8_build")).fill_null(value=False)
    return (
        nodes.filter(pl.col("os").fill_null("linux") == "linux")
        .join(floors.lazy().join(pl.concat(in_use).lazy(), on="feature").sort("feature"), how="cross")
        .filter(pl.col("in_use").fill_null(value=True))
        .with_columns(enough=(key >= version_key(pl.col("minimum"))) | backported)
    )


# --- Services and conntrack ----------------------------------------------------------------------------------------


@query
def conntrack(inventory: Inventory) -> pl.LazyFrame:
    """Linux nodes with the connections that kube-proxy lets them track. [connections]

    tracked = max(per core * cores, minimum), each with kube-proxy's default where it is not set; zero per core leaves
    the kernel's own limit, which the input does not tell.
    """
    switches = inventory.facts.lazy().select(
        per_core=_number("kube_proxy_conntrack_max_per_core", 32_768),
        least=_number("kube_proxy_conntrack_min", 131_072),
    )
    known = [pl.col("per_core") > 0, pl.col("least").is_not_null(), pl.col("cpu_cores").is_not_null()]
    tracked = pl.max_horizontal(pl.col("per_core") * pl.col("cpu_cores").floor(), pl.col("least"))
    return (
        inventory.of("Node")
        .join(inventory.nodes.select("id", "cpu_cores", "os"), on="id")
        .filter(pl.col("os").fill_null("linux") == "linux")
        .join(switches, how="cross")
        .with_columns(tracked=pl.when(*known).then(tracked.cast(pl.Int64)))
    )


def _number(switch: str, default: int) -> pl.Expr:
    """A switch as a number: its default where the object leaves it out, null where there is no such object."""
    return pl.when(pl.col(switch) == "unset").then(default).otherwise(pl.col(switch).cast(pl.Int64, strict=False))


@query
def service_maps(inventory: Inventory) -> pl.LazyFrame:
    """Services beside the room in Cilium's load balancing map. [entries]

    Cilium's documentation counts about 3,000 Services for the default of 65,536 entries.
    """
    room = _number("cilium_bpf_lb_map_max", DEFAULT_MAP_ENTRIES)
    return inventory.facts.lazy().select(
        room=room, room_services=room * SERVICES_IN_DEFAULT_MAP // DEFAULT_MAP_ENTRIES, **NOBODY
    )


DEFAULT_MAP_ENTRIES, SERVICES_IN_DEFAULT_MAP = 65_536, 3_000
"""Entries of Cilium's load balancing map unless set, and the Services that its documentation counts for them."""


# --- policy --------------------------------------------------------------------------------------------------------


@query
def isolation(inventory: Inventory) -> pl.LazyFrame:
    """Namespaces of applications, with how many of their pods no NetworkPolicy isolates, by direction.

    A pod that one policy selects is closed in that policy's directions to all that no policy allows. Columns policies,
    pods, open_ingress and open_egress; these two are null where pods seem open and policies that are not looked into
    (of the plugin's own kinds, or by expressions) may select them, or where the input may lack such policies.
    """
    pods = applications(inventory).select("id", "namespace")
    labels = inventory.frames["labels"].join(pods, on="id")
    policies = inventory.of("NetworkPolicy").select("id", "namespace").join(inventory.frames["policies"], on="id")
    plain = policies.filter(~pl.col("expressions"))
    named = inventory.frames["selectors"].join(plain.select("id", "namespace"), on="id")
    of_all = plain.filter("everything").join(pods.rename({"id": "selected"}), on="namespace").select("id", "selected")
    selected = pl.concat([selects(named, labels, "namespace"), of_all]).join(plain, on="id")
    closed = selected.group_by(id="selected").agg(pl.col("ingress", "egress").any())
    spaces = _of_unread_policies(inventory, policies)
    unread = pl.lit(None in spaces) | pl.col("namespace").is_in([each for each in spaces if each])
    opened = ((~pl.col(way).fill_null(value=False)).sum().alias(f"open_{way}") for way in ("ingress", "egress"))
    return (
        pods.join(closed, on="id", how="left")
        .group_by("namespace")
        .agg(*opened, pods=pl.len())
        .join(policies.group_by("namespace").agg(policies=pl.len()), on="namespace", how="left")
        .with_columns(
            pl.col("policies").fill_null(0),
            *(pl.when(~unread | (pl.col(way) == 0)).then(way) for way in ("open_ingress", "open_egress")),
        )
        .with_columns(**OF_NAMESPACE)
    )


def _of_unread_policies(inventory: Inventory, policies: pl.LazyFrame) -> set[str | None]:
    """Namespaces in which policies may select pods unseen; None stands for all of them."""
    kinds = read_table("facts/kinds").lazy().filter(fact="policy.network_policies").select("kind", groups="group")
    of_policies = inventory.objects.join(kinds, on="kind").filter(pl.col("group").str.contains(pl.col("groups")))
    others = of_policies.join(policies.filter(~pl.col("expressions")), on="id", how="anti").select("namespace")
    engine = inventory.facts["policy_engine"].item()
    seen = engine is not None and inventory.saw("NetworkPolicy", *OWN_POLICIES.get(engine, ()))
    return {*others.collect(engine="in-memory")["namespace"], *(() if seen else (None,))}


OWN_POLICIES = {
    "cilium": ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"),
    **dict.fromkeys(("calico", "calico-enterprise"), ("GlobalNetworkPolicy",)),
}
"""Kinds of policies that an engine has beside NetworkPolicy."""


def cilium_policies(inventory: Inventory) -> pl.LazyFrame:
    """Policies of Cilium, with l7 (whether its Envoy has to enforce them; null where that was not readable)."""
    return inventory.of("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy").join(
        inventory.objects.select("id", l7=pl.col("l7") > 0), on="id"
    )


@query
def cilium_l7_policies(inventory: Inventory) -> pl.LazyFrame:
    """Policies of Cilium at layer 7, and whether an Envoy of its own runs; null where no pods are in the input."""
    running = inventory.frames["containers"].select(
        envoy=pl.when(pl.lit(inventory.saw("Pod") or inventory.saw("DaemonSet"))).then(
            (pl.col("container") == "cilium-envoy").any()
        )
    )
    return cilium_policies(inventory).filter(pl.col("l7").fill_null(value=True)).join(running, how="cross")


@query
def cilium_authentication(inventory: Inventory) -> pl.LazyFrame:
    """Policies of Cilium, with authenticated: whether they ask for mutual authentication."""
    modes = inventory.frames["authentications"].filter(pl.col("mode") == "required").select("id").unique()
    asking = modes.with_columns(authenticated=pl.lit(value=True))
    return (
        cilium_policies(inventory)
        .join(asking, on="id", how="left")
        .with_columns(pl.col("authenticated").fill_null(value=False))
    )


@query
def cilium_authenticated(inventory: Inventory) -> pl.LazyFrame:
    """Policies of Cilium that ask for mutual authentication."""
    return cilium_authentication(inventory).filter("authenticated")


@query
def typha(inventory: Inventory) -> pl.LazyFrame:
    """Whether Calico's Typha stands between its agents and the API server; null where the input cannot show it."""
    able = inventory.saw("Deployment") or inventory.saw("Pod")
    found = (pl.col("container") == "calico-typha").any()
    return inventory.frames["containers"].select(typha=pl.when(pl.lit(able)).then(found), **NOBODY)


@query
def plugins(inventory: Inventory) -> pl.LazyFrame:
    """The network plugin, whether it is discontinued by ``data/ended_plugins.csv``, and what its support ended with."""
    ends = read_table("ended_plugins").lazy().select("plugin", "ended")
    return (
        inventory.facts.lazy()
        .select(plugin="cni_product", **NOBODY)
        .join(ends, on="plugin", how="left")
        .with_columns(discontinued=pl.when(pl.col("plugin").is_not_null()).then(pl.col("ended").is_not_null()))
    )


# --- certificates and releases -------------------------------------------------------------------------------------


@query
def certificates(inventory: Inventory) -> pl.LazyFrame:
    """Certificates of cert-manager: ends, hours_left, planned, overdue (renewal was due an hour ago), ready.

    Times count from the moment of the dump. A short-lived certificate is near its end all the time, so that renewal,
    where cert-manager plans it, tells more than the date.
    """
    at = pl.lit(inventory.facts["at"].item(), pl.Datetime("us"))
    return (
        inventory.of("Certificate")
        .join(inventory.frames["certificates"], on="id")
        .with_columns(ends=moment(pl.col("not_after")), renewal=moment(pl.col("renewal_time")))
        .with_columns(
            hours_left=(pl.col("ends") - at).dt.total_hours(),
            overdue=pl.when(pl.col("renewal").is_not_null()).then(pl.col("renewal") + timedelta(hours=1) < at),
            planned=pl.col("renewal").is_not_null(),
        )
    )


@query
def releases(inventory: Inventory) -> pl.LazyFrame:
    """Components of Istio and Cilium, with the day on which the support of their release ended.

    A release that is older than one in ``data/audit/releases.csv`` ended no later than that one; of one that is newer
    than all of them nothing is known. Columns product, version and ended.
    """
    known = read_table("audit/releases").lazy().with_columns(minor=minor(pl.col("release"))).sort("minor")
    images = versions(inventory, "discovery", "istio-proxy", "cilium-agent").filter(pl.col("image").ne_missing("auto"))
    running = images.with_columns(
        product=pl.when(pl.col("container") == "cilium-agent").then(pl.lit("cilium")).otherwise("product"),
        minor=minor(pl.col("version")),
    )
    ended = known.select("product", "minor", pl.col("ended").cast(pl.Datetime("us")))
    return running.sort("minor").join_asof(ended, on="minor", by="product", strategy="forward", check_sortedness=False)
