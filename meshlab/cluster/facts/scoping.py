"""How many services each sidecar is configured for: by Sidecar resources, exportTo and discovery selectors of Istio."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import yaml

from meshlab.cluster.facts.cluster import Cluster
from meshlab.cluster.facts.paths import need_rows
from meshlab.cluster.facts.signatures import ROOT_NAMESPACE
from meshlab.documents import is_list, is_mapping

SCOPES, EXPORTS, DISCOVERS = "scopes", "exports", "discovers"
"""What rows of needs say that narrow what a proxy knows."""

ALL = "*"
"""Every namespace, every service, or export to everybody."""


@dataclass(frozen=True, slots=True)
class Scoping:
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
        ]
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
