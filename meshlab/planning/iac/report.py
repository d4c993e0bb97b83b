"""One answer for a team: what it wants, how far Terraform expresses that, what is about to change; a review's part."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import polars.selectors as cs

from meshlab.cache import cached, cached_latest
from meshlab.errors import MeshlabError, Problem, did_you_mean, nearest, shorten
from meshlab.planning.iac.terraform import Plan, read_plan, read_provider_schema
from meshlab.planning.iac.tracker import (
    DEFAULT_PROVIDER,
    STATUSES,
    by_layer,
    check_version,
    coverage,
    coverage_counts,
    facts_age,
    groups,
    history,
    newest_minor,
    option_tracker,
    replacements,
    tracker,
    with_presence,
)
from meshlab.planning.iac.values import is_elsewhere, read_options, read_values
from meshlab.tables import read_table
from meshlab.units import version_key

WANTED_COLUMNS = {
    "kind": pl.String(),
    "wanted": pl.String(),
    "product": pl.String(),
    "option": pl.String(),
    "origin": pl.String(),
    "line": pl.Int64(),
    "typed": pl.String(),
    "raw": pl.String(),
    "status": pl.String(),
    "providers": pl.List(pl.String()),
    "why": pl.String(),
    "source_id": pl.String(),
    "as_of": pl.Date(),
    "stale": pl.Boolean(),
}
"""Columns of a frame of wanted things. ``kind`` is need, option, value or attribute; ``option`` is the feature or
chart option that it comes down to; ``status`` is the better of the two layers, or null where nobody read it."""

REQUIREMENTS: dict[str, tuple[str, ...]] = {"typed": ("typed",), "raw": ("typed", "raw")}
"""Statuses that meet what a team may require."""


# --- needs -----------------------------------------------------------------------------------------------------------


def wanted_needs(needs: Sequence[str], products: Collection[str] = (), as_of: date | None = None) -> pl.DataFrame:
    """How far the features are expressed that needs come down to, one row for each need and product.

    A need that takes several features is as far as the worst of them. One that none of the products has a row for is
    unknown, in one row without a product.
    """
    table = read_table("iac/needs")
    _check("need", needs, {*read_table("needs")["need"], *table["need"]})
    _check("product", products, set(table["product"]))
    asked = pl.DataFrame({"wanted": list(dict.fromkeys(needs))}, schema={"wanted": pl.String}).join(
        pl.DataFrame({"product": sorted(products or set(table["product"]))}), how="cross"
    )
    found = asked.join(_needed(as_of), ["wanted", "product"], "left", maintain_order="left").with_columns(
        kind=pl.lit("need"), why=_why("option")
    )
    silent = pl.col("status").is_null()
    unread = found.filter(silent.all().over("wanted")).unique("wanted", maintain_order=True)
    return _shaped(pl.concat([found.filter(~silent), unread.with_columns(product=pl.lit(None, pl.String))]))


@cached_latest(8)
def _needed(as_of: date | None) -> pl.DataFrame:
    """Every need and product with the worst of the need's features in each layer."""
    layers = by_layer(tracker(as_of=as_of)).drop("option")
    features = read_table("iac/needs").select("product", "feature", wanted="need")
    return (
        features.join(layers, ["product", "feature"])
        .group_by("wanted", "product")
        .agg(
            option=pl.col("feature").unique().sort().str.join(", "),
            typed=_worst("typed"),
            raw=_worst("raw"),
            status=_worst("status"),
            note=pl.lit(None, pl.String),
            providers=pl.col("providers").explode(empty_as_null=False).unique().sort(),
            source_id=pl.col("source_id").str.split("|").explode().unique().sort().str.join("|"),
            as_of=pl.col("as_of").min(),
            stale=pl.col("stale").any(),
        )
    )


def _worst(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Enum(STATUSES)).min().cast(pl.String)


def _check(what: str, given: Collection[str], known: Collection[str]) -> None:
    unknown = [word for word in given if word not in known]
    if unknown:
        raise MeshlabError(
            Problem(what, f"{shorten(word)} is unknown", did_you_mean(word, sorted(known))) for word in unknown
        )


# --- options and values ----------------------------------------------------------------------------------------------


def wanted_options(
    names: Sequence[str], product: str, chart_version: str | None = None, as_of: date | None = None
) -> pl.DataFrame:
    """How far features or chart options are expressed that somebody names."""
    layers = by_layer(tracker(as_of=as_of)).filter(product=product)
    features = {name: row for row in layers.iter_rows(named=True) for name in (row["option"], row["feature"]) if name}
    options = [name for name in names if name not in features]
    if history(product).height:
        _check("option", options, {*features, *_known(product)})
    by_feature = pl.DataFrame(
        [{**features[name], "wanted": name, "option": features[name]["feature"]} for name in names if name in features],
        schema={"wanted": pl.String, **layers.schema},
    )
    by_option = by_layer(option_tracker(product, options, chart_version, as_of=as_of)).with_columns(wanted="option")
    found = pl.concat([by_feature, by_option], how="diagonal").with_columns(kind=pl.lit("option"))
    return _shaped(found.with_columns(why=_why("wanted")))


@cached
def _known(product: str) -> frozenset[str]:
    """Options that some release of a chart has or had; those that stand in its templates only among them."""
    return frozenset(history(product)["option"]) | frozenset(
        read_table("iac/config_map").filter(product=product)["option"]
    )


def wanted_values(
    values: pl.DataFrame,
    product: str,
    chart_version: str | None = None,
    *,
    chart: pl.DataFrame | None = None,
    as_of: date | None = None,
) -> pl.DataFrame:
    """How far the values that somebody sets are expressed, one row for each path.

    A path is that of an option, lies below one that takes a mapping, or holds options. One that the release does not
    have is unknown, with the nearest that it has, or missing where it has left the chart.
    """
    release = chart_version or newest_minor(product)
    options, strange = _resolve(values["option"].to_list(), product, release, chart)
    asked = [option for option in dict.fromkeys(options) if option is not None]
    layers = by_layer(option_tracker(product, asked, chart_version, as_of=as_of)).drop("feature")
    found = values.with_columns(
        kind=pl.lit("value"),
        wanted="option",
        product=pl.lit(product),
        option=pl.Series(options, dtype=pl.String),
        strange=pl.Series(strange, dtype=pl.String),
    ).join(layers, ["product", "option"], "left", maintain_order="left")
    return _shaped(found.with_columns(why=pl.coalesce(_why("option"), "strange")))


def _set(
    path: Path, product: str | None, chart_version: str | None, chart: pl.DataFrame | None, as_of: date | None
) -> Iterator[Asked]:
    """What a file of values sets, by the product that it names itself; cilium where neither it nor the call does."""
    read = read_values(path)
    if product is None and chart is None:
        _check_chart(path, read.filter(pl.col("product").is_null())["option"])
    named = read.with_columns(pl.col("product").fill_null("cilium"), origin=pl.lit(path.name))
    own = named if product is None else named.with_columns(product=pl.lit(product))
    for part in own.partition_by("product", maintain_order=True):
        of = part["product"][0]
        release = chart_version if of == (product or "cilium") else None
        yield Asked(wanted_values(part, of, release, chart=chart, as_of=as_of), of, release)


def _check_chart(path: Path, options: pl.Series) -> None:
    """That values which name no chart may be Cilium's: at least half of what they set on top is, where that is much."""
    tops, known = ({each.partition(".")[0] for each in names} for names in (options, _known("cilium")))
    if len(tops) > 1 + bool(tops & known) and 2 * len(tops & known) < len(tops):  # of two keys one may be a typo
        what = f"names no chart, and {len(tops - known)} of its {len(tops)} keys are none of Cilium's"
        raise MeshlabError(Problem(str(path), what, "say whose values they are: --product NAME"))


def _resolve(
    paths: Sequence[str], product: str, release: str | None, chart: pl.DataFrame | None
) -> tuple[list[str | None], list[str | None]]:
    """The option that each path sets, or what to say of it where the release has none and never had."""
    elsewhere = "lies elsewhere and was not read: give a file with all values"
    if not history(product).height and chart is None:  # nobody can tell, and that is no pass
        what = f"the options of the {product} chart are not tabled: give its schema or values.yaml (--values-schema)"
        return [None] * len(paths), [elsewhere if is_elsewhere(path) else what for path in paths]
    present = _known(product) if chart is None else frozenset(chart["option"])
    removed, at = version_key(pl.col("removed_version")), version_key(pl.lit(release, pl.String))
    known = present if chart is None else present.union(history(product).filter(removed <= at)["option"])
    parents = groups(known)
    options = [option_of(path, known, parents) for path in paths]
    return options, [
        None if option else elsewhere if is_elsewhere(path) else _stranger(path, product, release, present)
        for path, option in zip(paths, options, strict=True)
    ]


def _stranger(path: str, product: str, release: str | None, present: Collection[str]) -> str:
    close = nearest(path, present)
    hint = f"; did you mean {close}?" if close else ""
    return f"is no option of the {product} chart{f' {release}' if release else ''}{hint}"


def _why(subject: str) -> pl.Expr:
    """What a status means, in words."""
    providers = pl.col("providers").list.join(", ")
    return (
        pl.when(pl.col("status") == "typed")
        .then(pl.format("{} has an attribute for it", providers))
        .when(pl.col("status") == "raw")
        .then(pl.format("no attribute of its own; passed on as text or object by {}", providers))
        .when(pl.col("status") == "partial")
        .then(pl.format("an attribute of {} covers some of it", providers))
        .when(pl.col("status") == "missing", pl.col(subject).is_not_null())
        .then(pl.coalesce("note", pl.lit("no provider expresses it")))
    )


# --- what falls short ------------------------------------------------------------------------------------------------


def short_of(rows: pl.DataFrame, require: str) -> pl.DataFrame:
    """Wanted things that do not meet a requirement. What nobody read does not: missing evidence is no pass.

    A need that several products were asked for is met where one of them meets it. An attribute that a plan sets is
    expressed by that, however much of its feature it covers.
    """
    _check("requirement", [require], REQUIREMENTS)
    meets = pl.col("status").is_in(REQUIREMENTS[require]).fill_null(value=False)
    met_elsewhere = (pl.col("kind") == "need") & meets.any().over("kind", "wanted")
    return rows.filter(pl.col("kind") != "attribute", ~meets & ~met_elsewhere).select(
        *("kind", "wanted", "product", "option", "origin", "line", "status"),
        pl.lit(require).alias("required"),
        pl.col("why").fill_null("nobody read how it is expressed"),
        "source_id",
    )


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with all columns of wanted things."""
    absent = {name: pl.lit(None, dtype) for name, dtype in WANTED_COLUMNS.items() if name not in rows.columns}
    return rows.with_columns(**absent).select(pl.col(name).cast(dtype) for name, dtype in WANTED_COLUMNS.items())


def option_of(path: str, known: Collection[str], parents: Collection[str]) -> str | None:
    """The option that a path of somebody's values sets: itself, a mapping above it, or one that holds options.

    Such a path is ``nodeSelector.disk`` for the option ``nodeSelector``; ``parents`` are the ``groups`` of the known
    ones.
    """
    if path in known or path in parents:
        return path
    parent = path
    while "." in parent:
        parent = parent.rpartition(".")[0]
        if parent in known:
            return parent
    return None


_NETWORK = r"(?i)(?:^|[._])cnis?(?:$|[._])|cilium|calico|hubble|data_?plane|datapath|network_policy|wireguard"
"""Names of attributes that decide a cluster's network."""


class Asked(NamedTuple):
    """What was asked: the wanted things, by product and release of its chart."""

    rows: pl.DataFrame
    product: str
    chart_version: str | None


def report(  # noqa: PLR0913  # each is a question of its own, and by name only
    *,
    needs: Sequence[str] | None = None,
    options: Sequence[str] | None = None,
    values: Path | None = None,
    plan: Path | None = None,
    schema: Path | None = None,
    values_schema: Path | None = None,
    product: str | None = None,
    chart_version: str | None = None,
    require: str | None = None,
    as_of: date | None = None,
) -> dict[str, Any]:
    """What Terraform expresses of what a team wants, one row for each attribute; of everything, if nothing is asked.

    Beside ``features`` and ``as_of`` it holds ``wanted`` (each thing with its two layers), ``short`` (those that do
    not meet ``require``), ``churn`` (wanted options that are gone, leave later, or are deprecated, with what takes
    their place), ``stale`` (rows past their life), ``facts`` (their oldest and newest day), ``coverage`` (options of
    the chart release by status) and ``schema`` (what a provider's own schema confirms).

    Args:
        needs: Ids of ``data/needs.csv``.
        options: Features or chart options by name.
        values: A team's own Helm values.
        plan: A plan or state, from ``terraform show -json``.
        schema: Output of ``terraform providers schema -json``.
        values_schema: The chart's ``values.schema.json`` or ``values.yaml``: makes its options exact.
        product: Product whose chart takes options and values, and which meets the needs; cilium for the former and
            any for the latter unless given.
        chart_version: Release of the chart; the newest minor that is known unless given.
        require: typed or raw; something has to be wanted then.
        as_of: Day on which facts are judged stale or not; their newest day unless given.

    Raises:
        MeshlabError: A file cannot be read, a name is unknown, or something is required of nothing.
    """
    if product is not None and needs is None:
        _check_product(product)
    taker = product or "cilium"
    if chart_version is not None and history(taker).height:
        check_version(chart_version, taker)
    chart = read_options(values_schema) if values_schema else None
    planned = read_plan(plan) if plan else None
    named = (
        wanted_needs(needs, [product] if product else (), as_of) if needs else None,
        wanted_options(options, taker, chart_version, as_of) if options else None,
    )
    asked = [
        *(Asked(rows, taker, chart_version) for rows in named if rows is not None),
        *(_set(values, product, chart_version, chart, as_of) if values else ()),
        *(_planned(planned, chart_version, as_of) if planned else ()),
    ]
    rows = pl.concat([pl.DataFrame(schema=WANTED_COLUMNS), *(part.rows for part in asked)])
    everything = needs is None and options is None and values is None and plan is None
    if everything and require:
        todo = "name needs, options, values or a plan: see 'meshlab iac --help'"
        raise MeshlabError(Problem("--require", "nothing is wanted that could fall short", todo))
    features = tracker(as_of=as_of) if everything else _features(asked, as_of)
    oldest, newest = facts_age()
    return {
        "features": plain(features),
        "as_of": (as_of or newest).isoformat(),
        "facts": {"oldest": oldest.isoformat(), "newest": newest.isoformat()},
        "wanted": plain(rows),
        "short": plain(short_of(rows, require)) if require else [],
        "churn": [
            {"product": part.product, **row}
            for part in asked
            for row in plain(upcoming(part.rows, part.product, part.chart_version))
        ],
        "stale": plain(features.filter("stale").select("product", "feature", "provider", "as_of", "life_days")),
        "coverage": _coverage(chart, taker, chart_version),
        "schema": None if schema is None else _schema(read_provider_schema(schema)),
    }


def _check_product(product: str) -> None:
    known = sorted(set(tracker()["product"]))
    if product not in known:
        raise MeshlabError(Problem("--product", f"{shorten(product)} is not tracked", did_you_mean(product, known)))


def plain(rows: pl.DataFrame) -> list[dict[str, object]]:
    """Rows as plain data, days as text."""
    return rows.with_columns(cs.date().dt.to_string()).to_dicts()


# --- what is asked ---------------------------------------------------------------------------------------------------


def _planned(plan: Plan, chart_version: str | None, as_of: date | None) -> list[Asked]:
    """Chart values of a plan by product and release, and attributes of it that the tracker knows."""
    asked: list[Asked] = []
    for (product, version), part in plan.options.group_by("product", "chart_version", maintain_order=True):
        own = part.select("option", "line", origin="address")
        release = str(version) if version else chart_version
        if release is not None and history(str(product)).height:
            check_version(release, str(product))
        asked.append(Asked(wanted_values(own, str(product), release, as_of=as_of), str(product), release))
    typed = tracker(as_of=as_of).filter(pl.col("layer") == "typed", pl.col("attribute").is_not_null())
    used = plan.attributes.select("attribute", wanted="attribute", origin="address").join(typed, "attribute")
    if used.height:
        rows = used.with_columns(
            kind=pl.lit("attribute"),
            option="feature",
            typed="status",
            raw=pl.lit("missing"),
            providers=pl.concat_list("provider"),
            why=pl.format("{} has an attribute for it", "provider"),
        )
        asked += [
            Asked(_shaped(rows.filter(product=name)), name, None)
            for name in rows["product"].unique(maintain_order=True)
        ]
    return asked


def _features(asked: Sequence[Asked], as_of: date | None) -> pl.DataFrame:
    """Rows of the tracker for what was asked: features by name, chart options by option."""
    whole = tracker(as_of=as_of)
    parts = [whole.clear()]
    for rows, product, version in asked:
        names = {name for cell in rows["option"].drop_nulls() for name in (cell, *cell.split(", "))}
        own = whole.filter(pl.col("product").is_in(rows["product"].unique().to_list()))
        parts.append(own.filter(pl.col("feature").is_in(list(names))))
        chart_options = rows.filter(pl.col("kind").is_in(["value", "option"]))["option"].drop_nulls().unique()
        unnamed = [name for name in chart_options if name not in set(own["feature"])]
        parts.append(option_tracker(product, sorted(unnamed), version, as_of=as_of))
    return pl.concat(parts).unique(maintain_order=True)


# --- what artefacts say ----------------------------------------------------------------------------------------------


def _coverage(chart: pl.DataFrame | None, product: str, chart_version: str | None) -> dict[str, object] | None:
    """Options of the chart release by status, where a release was named or its options given."""
    if chart is None and (chart_version is None or not history(product).height):
        return None
    counts = coverage_counts(coverage(chart, product=product, chart_version=chart_version))
    return {"product": product, "provider": DEFAULT_PROVIDER, "chart_version": chart_version, **counts}


def _schema(attributes: pl.DataFrame) -> list[dict[str, object]]:
    """Each provider of a schema: its size, its attributes that decide a network, and tracked ones that it has."""
    paths = pl.concat([attributes["resource"], attributes["resource"] + "." + attributes["attribute"]]).unique()
    tracked = (
        read_table("iac/features")
        .drop_nulls("attribute")
        .select(
            "provider", "product", "feature", "attribute", "status", found=pl.col("attribute").is_in(paths.to_list())
        )
    )
    return [
        {
            "provider": provider,
            "resources": part.filter(kind="resource")["resource"].n_unique(),
            "data_sources": part.filter(kind="data")["resource"].n_unique(),
            "attributes": part.height,
            "network": part.filter(pl.col("kind") == "resource", pl.col("attribute").str.contains(_NETWORK))
            .select("resource", "attribute", "type", "deprecated")
            .to_dicts(),
            "tracked": tracked.filter(provider=provider).drop("provider").to_dicts(),
        }
        for (provider,), part in attributes.group_by("provider", maintain_order=True)
    ]


# --- what becomes of options -----------------------------------------------------------------------------------------


def upcoming(rows: pl.DataFrame, product: str, chart_version: str | None = None) -> pl.DataFrame:
    """Wanted options that a chart has dropped, drops in a later release, or calls deprecated.

    Columns: ``wanted``, ``option``, ``origin``, ``line``; ``change``: removed (gone from the release already),
    removed_later or deprecated; ``version`` and ``date`` of that; ``replacement``, ``note``, ``source_id``.
    """
    dated = with_presence(product, chart_version or newest_minor(product)).rename({"source_id": "chart_source"})
    stays = with_presence(product, newest_minor(product)).filter("present")["option"]
    found = (
        rows.select("wanted", "option", "origin", "line")
        .join(dated.drop("product", "as_of", "life_days"), "option", "left", maintain_order="left")
        .join(replacements(product).drop("product", "as_of", "life_days"), "option", "left", maintain_order="left")
        .with_columns(change=_change(pl.col("option").is_in(stays.to_list())))
        .drop_nulls("change")
    )
    deprecated = pl.col("change") == "deprecated"
    return found.select(
        *("wanted", "option", "origin", "line", "change"),
        version=pl.when(deprecated).then("deprecated_version").otherwise("removed_version"),
        date=pl.when(~deprecated).then("removed_date"),
        replacement="replacement",
        note="note",
        source_id=pl.concat_str("chart_source", "source_id", separator="|", ignore_nulls=True),
    )


def _change(stays: pl.Expr) -> pl.Expr:
    """What becomes of an option: an empty mapping that got keys of its own stays."""
    leaves = pl.col("removed_version").is_not_null() & ~stays
    return (
        pl.when(leaves & ~pl.col("present"))
        .then(pl.lit("removed"))
        .when(leaves)
        .then(pl.lit("removed_later"))
        .when(pl.col("source_id").is_not_null())
        .then(pl.lit("deprecated"))
    )


# --- the part of a review --------------------------------------------------------------------------------------------


INSTALL = "install"
"""What every team needs of an option, whatever else it needs."""


def for_verdict(
    verdict: Mapping[str, Any],
    needs: Sequence[str] | None,
    *,
    cloud: str | None = None,
    current_cni: str | None = None,
    edition: str | None = None,
    mesh_edition: str | None = None,
    require: str | None = None,
) -> list[dict[str, object]]:
    """How Terraform expresses the recommended pair, one row for each need, for installing it and for its paid part.

    Each row holds the columns of a wanted thing, the ``attribute`` of a provider with the ``lag_days`` until it had
    one, and ``severity``: ``none`` where an attribute of its own expresses it, ``blocker`` where it does not meet
    ``require`` (typed or raw), ``unknown`` where nobody read it, ``warning`` else. On a managed ``cloud`` the network
    is the provider's own build unless its ``edition`` is another; ``stay`` keeps the ``current_cni``. Istio of a
    provider (``mesh_edition``) is installed by the cluster's resource and not by a chart, and takes the same objects.
    """
    products = products_of(verdict, cloud if edition not in OWN_BUILDS else None, current_cni, mesh_edition)
    if not products:
        return []
    if not products_of({"mesh": verdict.get("mesh")}, cloud, None, mesh_edition):
        # what a mesh of no table brings is not the network's to express
        brought = {row["need"] for row in verdict.get("evidence", ()) if row["side"] == "mesh"}
        needs = [need for need in needs or () if need not in brought]
    paid = read_table("iac/needs").filter(pl.col("need") == (edition or ""), pl.col("product").is_in(products))
    wanted = [INSTALL, *paid["need"].unique(), *(needs or ())]
    by_chart = (pl.col("wanted") == INSTALL) & (pl.col("product") == "istio") & (mesh_edition in _of_providers())
    rows = _best(wanted_needs(wanted, products).remove(by_chart), products).join(
        _attributes(), ["wanted", "product"], "left", maintain_order="left"
    )
    blocked = short_of(rows, require)["wanted"].to_list() if require else []
    severity = (
        pl.when(pl.col("wanted").is_in(blocked))
        .then(pl.lit("blocker"))
        .when(pl.col("status").is_null())
        .then(pl.lit("unknown"))
        .when(status="typed")
        .then(pl.lit("none"))
        .otherwise(pl.lit("warning"))
    )
    return plain(rows.with_columns(severity=severity, why=pl.col("why").fill_null("nobody read how it is expressed")))


OWN_BUILDS = ("self-run", "isovalent-enterprise")
"""Editions of a network that are installed by a chart, on a managed cloud as well."""


@cached
def _of_providers() -> frozenset[str]:
    """Editions of a mesh that a provider installs."""
    return frozenset(read_table("decision/meshes").filter(supported_by="provider")["edition"].drop_nulls())


def _attributes() -> pl.DataFrame:
    """For each need and product the attributes that express it, and the longest time until a provider had one. [d]"""
    expressed = tracker().filter(pl.col("status").is_in(["typed", "partial"]))
    return (
        read_table("iac/needs")
        .select("product", "feature", wanted="need")
        .join(expressed, ["product", "feature"], maintain_order="left_right")
        .group_by("wanted", "product")
        .agg(
            attribute=pl.col("attribute").unique(maintain_order=True).str.join(", "), lag_days=pl.col("lag_days").max()
        )
    )


def products_of(
    verdict: Mapping[str, object],
    cloud: str | None = None,
    current_cni: str | None = None,
    mesh_edition: str | None = None,
) -> tuple[str, ...]:
    """Products of the tracker that a verdict amounts to: the network's and the mesh's, each once."""
    table = read_table("iac/verdicts")
    found: list[str] = []
    for kind in ("cni", "mesh"):
        option = current_cni if kind == "cni" and verdict.get(kind) == "stay" else verdict.get(kind)
        rows = table.filter(pl.col("kind") == kind, pl.col("option") == pl.lit(option, pl.String))
        found += rows.filter(edition=mesh_edition or "")["product"].to_list() if kind == "mesh" else []
        rows = rows.filter(pl.col("edition").is_null())
        own = rows.filter(pl.col("cloud") == cloud) if cloud else rows.clear()
        found += (own if own.height else rows.filter(pl.col("cloud").is_null()))["product"].to_list()
    return tuple(dict.fromkeys(found))


def _best(rows: pl.DataFrame, products: Sequence[str]) -> pl.DataFrame:
    """For each need the product that expresses it best: one that meets it is enough. Installing concerns each.

    Where two are alike the later one counts: a need that a mesh meets is the mesh's.
    """
    places = {product: place for place, product in enumerate(products)}
    each = pl.when(pl.col("wanted") == INSTALL).then("product")
    return (
        rows.with_row_index("row")
        .with_columns(each=each, place=pl.col("product").replace_strict(places, default=-1, return_dtype=pl.Int64))
        .sort(pl.col("status").cast(pl.Enum(STATUSES)), "place", descending=True, nulls_last=True)
        .unique(("wanted", "each"), keep="first", maintain_order=True)
        .sort("row")
        .drop("row", "each", "place")
    )
