"""What a team wants, and how far Terraform expresses it: needs, options, its own values, and a plan."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from meshlab.errors import MeshlabError, Problem, did_you_mean, nearest, shorten
from meshlab.kept import kept, kept_latest
from meshlab.planning.iac.coverage import groups, history, newest_minor, options_at
from meshlab.planning.iac.tracker import STATUSES, by_layer, option_tracker, tracker
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


@kept_latest(8)
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


@kept
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
    options = _resolve(values["option"].to_list(), product, chart_version, chart)
    paths = values.with_columns(wanted="option", option=pl.Series(options, dtype=pl.String))
    asked = [option for option in dict.fromkeys(options) if option is not None]
    layers = by_layer(option_tracker(product, asked, chart_version, as_of=as_of)).drop("feature")
    found = paths.with_columns(product=pl.lit(product)).join(
        layers, ["product", "option"], "left", maintain_order="left"
    )
    release = chart_version or newest_minor(product)
    return _shaped(
        found.with_columns(
            kind=pl.lit("value"),
            why=pl.coalesce(_why("option"), pl.Series(_strangers(paths, product, release, chart), dtype=pl.String)),
        )
    )


def _resolve(paths: Sequence[str], product: str, version: str | None, chart: pl.DataFrame | None) -> list[str | None]:
    """The option that each path sets; None where the release has none and never had."""
    if not history(product).height and chart is None:
        return [None] * len(paths)  # a chart whose options are not tabled: nobody can tell, and that is no pass
    known = _present(product, version, chart) | _known(product)
    if chart is not None:
        known = set(chart["option"]) | set(_gone(product, version))
    parents = groups(known)
    return [option_of(path, known, parents) for path in paths]


def _present(product: str, version: str | None, chart: pl.DataFrame | None) -> set[str]:
    if chart is not None:
        return set(chart["option"])
    return set(options_at(product, version or newest_minor(product) or "0")["option"])


def _gone(product: str, version: str | None) -> pl.Series:
    """Options that a release has no more."""
    at = version_key(pl.lit(version or newest_minor(product)))
    return history(product).filter(version_key(pl.col("removed_version")) <= at)["option"]


def _strangers(paths: pl.DataFrame, product: str, version: str | None, chart: pl.DataFrame | None) -> list[str | None]:
    """What to say of paths that are no option: the nearest one."""
    if not paths["option"].null_count():
        return [None] * paths.height
    if not history(product).height and chart is None:
        what = f"the options of the {product} chart are not tabled: give its schema or values.yaml (--values-schema)"
        return [what] * paths.height
    known = _present(product, version, chart) | (_known(product) if chart is None else set[str]())
    return [
        None if option is not None else _stranger(path, product, version, known)
        for path, option in paths.select("wanted", "option").iter_rows()
    ]


def _stranger(path: str, product: str, version: str | None, known: set[str]) -> str:
    close = nearest(path, known)
    hint = f"; did you mean {close}?" if close else ""
    return f"is no option of the {product} chart {version}{hint}"


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
        "kind",
        "wanted",
        "product",
        "option",
        "origin",
        "line",
        "status",
        pl.lit(require).alias("required"),
        pl.col("why").fill_null("nobody read how it is expressed"),
        "source_id",
    )


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with all columns of wanted things."""
    absent = {name: pl.lit(None, dtype) for name, dtype in WANTED_COLUMNS.items() if name not in rows.columns}
    return rows.with_columns(**absent).select(pl.col(name).cast(dtype) for name, dtype in WANTED_COLUMNS.items())


def nothing() -> pl.DataFrame:
    """No wanted things."""
    return pl.DataFrame(schema=WANTED_COLUMNS)


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
