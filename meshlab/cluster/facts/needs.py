"""Needs that a cluster's objects use, by the table ``data/facts/needs_in_use.csv``."""

from __future__ import annotations

import polars as pl

from meshlab.cluster.facts.objects import need_rows
from meshlab.tables import read_table

TEMPLATE = "{{"
"""Stands in the names of what is to be rendered yet."""

BROUGHT = "installed"
"""Stands for a need in rows of objects that a product's own installation brings: nobody asked for them."""

HERE = "-here"
"""Ends a condition that holds for the namespace of the object that sets it, and not for the whole cluster."""

ROOT_NAMESPACE = "istio-system"
"""Namespace whose settings hold for the whole of an Istio mesh, unless the mesh is configured otherwise."""


def asked(texts: pl.LazyFrame, objects: pl.LazyFrame) -> pl.LazyFrame:
    """What objects ask for.

    Args:
        texts: Texts of fields: id, field, text.
        objects: Every object once: id, group, namespace, name. Templates that nobody rendered are none.

    Returns:
        Columns id, namespace, need, edge, mesh: the last two say where the need is used.
    """
    rows = need_rows().lazy().with_columns(pl.col("groups").fill_null("").str.split("|"))
    own = pl.col("field").is_in(need_rows()["field"].unique().implode())
    whole = objects.filter(~pl.concat_str("namespace", "name", ignore_nulls=True).str.contains(TEMPLATE, literal=True))
    seen = texts.filter(own).join(whole.select("id", "group", "namespace"), on="id").collect()
    if seen.is_empty():
        return pl.LazyFrame(schema=ASKED)
    read = seen.lazy()
    spared = pl.col("text").str.contains(pl.col("unless")).fill_null(value=False)
    said = (
        read.select("field", "text", "group")
        .unique()
        .join(rows, on="field")
        .filter(pl.col("groups").list.contains(pl.col("group")))
        .sort("pattern")  # each is compiled once then
        .filter(pl.col("text").str.contains(pl.col("pattern")))
        .filter(~spared)
        .select("field", "text", "group", "need", "where", "only_with")
    )
    matched = read.join(said, on=["field", "text", "group"]).collect()
    if matched.is_empty():
        return pl.LazyFrame(schema=ASKED)
    brought = matched.lazy().filter(pl.col("need") == BROUGHT).select("id")
    return _placed(matched.lazy().join(brought, on="id", how="anti"))


ASKED = {"id": pl.Int64, "namespace": pl.String, "need": pl.String, "edge": pl.Boolean, "mesh": pl.Boolean}
"""Columns of what is asked."""


def _placed(matched: pl.LazyFrame) -> pl.LazyFrame:
    """What rows of needs say that hold, each with where it is used: the object's place, or else the row's."""
    where, need = pl.col("where"), pl.col("need")
    places = matched.filter(need.is_null()).group_by("id").agg(at=where.unique())
    of_hosts = pl.col("of_hosts") & (need == "cluster_policy")
    return (
        _conditional(matched.drop_nulls("need"))
        .join(read_table("decision/needs").lazy().select("need"), on="need", how="semi")
        .join(places, on="id", how="left")
        .join(_of_hosts(matched).with_columns(of_hosts=True), on="id", how="left")
        .with_columns(
            need=pl.when(of_hosts).then(pl.lit("host_protection")).otherwise("need"),
            at=pl.when(of_hosts)
            .then(["edge"])
            .when(need.str.starts_with("gateway_api"))  # what a route hangs on is what these are about
            .then(pl.concat_list("where"))
            .otherwise(pl.coalesce("at", pl.concat_list("where"))),
        )
        .select("id", "namespace", "need", *(pl.col("at").list.contains(each).alias(each) for each in ("edge", "mesh")))
    )


def _conditional(matched: pl.LazyFrame) -> pl.LazyFrame:
    """Rows whose condition another object meets; those without one stay."""
    named = pl.col("need").str.strip_suffix(HERE)
    mesh_wide = ~pl.col("need").str.ends_with(HERE) | (pl.col("namespace") == ROOT_NAMESPACE)
    met = matched.select(only_with=named, within=pl.when(mesh_wide).then(None).otherwise("namespace")).unique()
    wide = met.filter(pl.col("within").is_null()).select("only_with", wide=True).unique()
    here = met.drop_nulls("within").select("only_with", namespace="within", here=True)
    joined = matched.join(wide, on="only_with", how="left").join(here, on=["only_with", "namespace"], how="left")
    return joined.filter(pl.col("only_with").is_null() | pl.col("wide") | pl.col("here"))


_LABEL = r"[A-Za-z0-9][A-Za-z0-9_./-]*"
_NEGATED = r"!\s*(?:has)?\([^()]*\)"
_POSITIVE = rf"has\(\s*{_LABEL}|{_LABEL}\s*(?:==|in\s*\{{|contains\s|starts\s+with\s|ends\s+with\s)"


def _of_hosts(matched: pl.LazyFrame) -> pl.LazyFrame:
    """Calico's policies that only hosts can match: each way to match them asks for a label of the hosts. Column id."""
    labels = matched.filter(pl.col("need") == "label-of-hosts").select(label=pl.col("text").str.split(";"))
    label = pl.col("ways").str.replace_all(_NEGATED, "").str.extract_all(_POSITIVE)
    ways = matched.filter(pl.col("need") == "selects").select("id", ways=pl.col("text").str.split("||")).explode("ways")
    named = (
        ways.with_columns(way=pl.int_range(pl.len()).over("id"), label=label)
        .explode("label")
        .with_columns(label=pl.col("label").str.strip_prefix("has(").str.strip_chars().str.extract(f"^({_LABEL})"))
        .join(labels.explode("label").unique().with_columns(host=True), on="label", how="left")
    )
    by_way = named.group_by("id", "way").agg(host=pl.col("host").any())
    return by_way.group_by("id").agg(host=pl.col("host").fill_null(value=False).all()).filter("host").select("id")


def in_use(needs: pl.LazyFrame, objects: pl.LazyFrame) -> pl.LazyFrame:
    """Each need with the objects that use it, in the order of the list of needs.

    Args:
        needs: As ``asked`` returns them.
        objects: Every object once: id, kind, namespace, name, file.

    Returns:
        Columns need, objects, namespaces, where, example (kind, and namespace and name of the first), file.
    """
    place = pl.concat_str("namespace", "name", separator="/", ignore_nulls=True)
    edge, mesh = pl.col("edge").any(), pl.col("mesh").any()
    return (
        read_table("decision/needs")
        .lazy()
        .select("need")
        .join(
            needs.group_by("need").agg(
                objects=pl.col("id").n_unique(),
                namespaces=pl.col("namespace").drop_nulls().n_unique(),
                where=pl.when(edge, mesh)
                .then(pl.lit("both"))
                .when(edge)
                .then(pl.lit("edge"))
                .otherwise(pl.lit("mesh")),
                id=pl.col("id").min(),
            ),
            on="need",
            maintain_order="left",
        )
        .join(objects.select("id", "file", example=pl.format("{} {}", "kind", place)), on="id", maintain_order="left")
        .drop("id")
    )
