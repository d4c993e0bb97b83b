"""What texts of objects show: by signatures of products, and by the needs that they use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from meshlab.cache import cached
from meshlab.cluster.facts.paths import need_rows
from meshlab.tables import read_table

TAG = r":(?:[a-z]+-)*v?([0-9]+\.[0-9][^;@/]*?)(?:-distroless|-debug)?(?:@[^;]*)?(?:;|$)"
"""The tag of an image that is a version, behind a pattern of its name: no port of a registry, no hash, no variant."""

EVERY = "*"
"""Every value of a fact, or every product."""


class Verdict(NamedTuple):
    """What the evidence says of one fact; None where there is none, or it disagrees, of which ``why`` tells."""

    value: str | None = None
    status: str | None = None
    file: str | None = None
    why: str | None = None


class Vote(NamedTuple):
    """What some objects show.

    Args:
        shows: Kind of evidence, of ``data/facts/shows.csv``.
        fact: Dotted name of the fact that it speaks of.
        value: The value that it is for or against.
        of: The product that it is about; None where it is about any.
        status: measured or inferred.
        objects: How many show it.
        id: The first of those that show it best.
        file: Where that one stands.
        object: Kind, namespace and name of that one.
        why: Why it follows.
    """

    shows: str
    fact: str
    value: str | None
    of: str | None
    status: str
    objects: int
    id: int
    file: str
    object: str
    why: str | None


class Kind(NamedTuple):
    """A kind of evidence: a row of ``data/facts/shows.csv``."""

    shows: str
    fact: str
    strength: int
    counts: str
    decides: str
    whole: bool
    needs: str | None
    yields: str | None
    version: str | None
    meaning: str
    blind: str | None


@cached
def kinds() -> dict[str, Kind]:
    """Kinds of evidence by name."""
    return {row[0]: Kind._make(row) for row in read_table("facts/shows").iter_rows()}


@cached
def signatures() -> pl.DataFrame:
    """Signatures, one row for each kind of evidence and product, those of versions in tags of images added.

    Columns shows, fact, value, of, field, pattern, unless, rank, status, why.
    """
    table = read_table("facts/signatures").with_columns(pl.col("shows", "of", "version_of").str.split("|"))
    rows = table.explode("shows").join(read_table("facts/shows").select("shows", "fact", "version"), on="shows")
    versions = rows.filter(pl.col("version").is_not_null()).explode("version_of").drop_nulls("version_of")
    facts = read_table("facts/shows").select(version="shows", version_fact="fact")
    columns = ("shows", "fact", "value", "of", "field", "pattern", "unless", "rank", "status", "why")
    tags = versions.join(facts, on="version").with_columns(
        pl.format("(?:{}){}", "pattern", pl.lit(TAG)).alias("pattern"),
        shows="version",
        fact="version_fact",
        value=pl.lit("$1"),
        of="version_of",
        status=pl.lit("measured"),
        why=pl.lit(None, pl.String),
    )
    return pl.concat([rows.explode("of").select(columns), tags.select(columns)])


def match(texts: pl.LazyFrame) -> pl.LazyFrame:
    """What distinct texts (field, text) show: columns field, text, shows, fact, value, of, rank, status, why."""
    text, group = pl.col("text"), pl.col("text").str.extract(pl.col("pattern"), 1)
    spared = text.str.contains(pl.col("unless")).fill_null(value=False)
    return (
        texts.select("field", "text")
        .unique()
        .join(signatures().lazy(), on="field")
        .sort("pattern")  # each is compiled once then, and not again for every text
        .collect(engine="in-memory")  # or the filter would come before the sort
        .lazy()
        .filter(text.str.contains(pl.col("pattern")))
        .filter(~spared)
        .with_columns(value=pl.when(pl.col("value") == "$1").then(group).otherwise("value"))
        .drop("pattern", "unless")
    )


def found(*matched: pl.LazyFrame) -> pl.LazyFrame:
    """What objects show: of the rows of one kind that match one object (id) only the first by rank.

    Returns the columns id, field, shows, fact, value, of, status, why.
    """
    columns = ("id", "field", "shows", "fact", "value", "of", "status", "why")
    return (
        pl.concat([rows.select(*columns, "rank") for rows in matched])
        .filter(pl.col("rank") == pl.col("rank").min().over("id", "shows", "of"))
        .select(columns)
    )


def votes(evidence: pl.LazyFrame, objects: pl.LazyFrame) -> pl.LazyFrame:
    """Evidence that says the same counted together: columns as ``Vote``."""
    best = pl.struct("status", "id", "why").sort_by("status", "id", "why", descending=[True, False, False]).first()
    place = pl.concat_str("namespace", "name", separator="/", ignore_nulls=True)
    return (
        evidence.group_by("shows", "fact", "value", "of")
        .agg(objects=pl.col("id").n_unique(), best=best)
        .unnest("best")
        .join(objects, on="id")
        .with_columns(object=pl.format("{} {}", "kind", place))
        .select(Vote._fields)
    )


# --- from evidence to a fact -----------------------------------------------------------------------------------------


def admitted(cast: Sequence[Vote], *, whole: bool, daemons: bool) -> tuple[Vote, ...]:
    """Evidence that counts beside all else that was seen, in the whole cluster or not, its daemons' pods or not.

    Evidence of a kind that needs another one counts where that was seen of the same product. Settings of a plugin do
    not count where agents were seen, and of other plugins only: they stay behind when a plugin is removed.
    """
    seen: dict[str, set[str | None]] = {}
    for vote in cast:
        seen.setdefault(vote.shows, set()).update((vote.value, vote.of))

    def counts(vote: Vote) -> bool:
        kind, product = kinds()[vote.shows], vote.of or vote.value
        needs = (kind.needs or "").rstrip("?").split("|")
        needed = any(seen.get(each, set()) & {vote.value, product} for each in needs)
        needed |= not kind.needs or (kind.needs.endswith("?") and not daemons)
        stands = kind.yields is None or kind.yields not in seen or product in seen[kind.yields]
        return needed and stands and (whole or not kind.whole)

    return tuple(filter(counts, cast))


def heard(cast: Iterable[Vote], fact: str, of: str | None = EVERY) -> list[Vote]:
    """Evidence for values of a fact of a recognised product, without what stronger or equal evidence speaks against."""
    about = [vote for vote in cast if vote.fact == fact and (of == EVERY or vote.of in (None, of))]
    against = [vote for vote in about if kinds()[vote.shows].counts == "against"]
    return [
        vote
        for vote in about
        if kinds()[vote.shows].counts == "for"
        and not any(
            void.value in (EVERY, vote.value) and kinds()[void.shows].strength <= kinds()[vote.shows].strength
            for void in against
        )
    ]


def verdict(cast: Iterable[Vote], fact: str, of: str | None = EVERY) -> Verdict:
    """What the strongest evidence says of a fact."""
    for_it = heard(cast, fact, of)
    deciding = [vote for vote in for_it if kinds()[vote.shows].decides == "yes"]
    if not deciding:
        void = (vote for vote in cast if vote.fact == fact and vote.value == EVERY and of in (EVERY, vote.of))
        return Verdict(why=_undecided([*for_it, *void]))
    strongest = min(kinds()[vote.shows].strength for vote in deciding)
    decided = [vote for vote in deciding if kinds()[vote.shows].strength == strongest]
    said = {(vote.shows, vote.value): vote.objects for vote in decided}
    values = sorted({str(value) for _, value in said})
    value, beside = _one_of(values) if fact == PLUGIN else (values[0] if len(values) == 1 else None, None)
    if value is None:
        counts = {each: sum(n for (_, of_value), n in said.items() if str(of_value) == each) for each in values}
        ordered = sorted(counts.items(), key=lambda item: -item[1])
        return Verdict(why=f"the objects disagree: {', '.join(f'{each} ({objects})' for each, objects in ordered)}")
    own = [vote for vote in decided if vote.value == value] or decided
    best = min(own, key=lambda vote: (vote.status != "measured", vote.id, vote.why or ""))
    return Verdict(value, "inferred" if beside else best.status, best.file, beside or best.why)


PLUGIN = "cni.product"
"""The fact of which two values may both be right: plugins that run beside each other."""


def _undecided(seen: Sequence[Vote]) -> str | None:
    """What was seen that decides nothing, in words."""
    of = {vote: "" if vote.value == EVERY else f" ({vote.value})" for vote in seen}
    words = dict.fromkeys(kinds()[vote.shows].meaning + said for vote, said in of.items())
    return f"{'; '.join(words)}: that does not tell" if words else None


@cached
def _beside() -> dict[tuple[str, ...], tuple[str, str]]:
    rows = read_table("facts/beside").select("plugin", "beside", "wires", "why").iter_rows()
    return {(plugin, beside): (wires, why) for plugin, beside, wires, why in rows}


def _one_of(plugins: Sequence[str]) -> tuple[str | None, str | None]:
    """Which of plugins that run beside each other wires pods, and why; None where that is not known."""
    left, whys = set(plugins), list[str]()
    while len(left) > 1:
        pair = next((pair for pair in _beside() if left.issuperset(pair)), None)
        if pair is None:
            return None, None
        wires, why = _beside()[pair]
        left = left.difference(pair) | {wires}
        whys.append(why)
    return left.pop(), "; ".join(whys) or None


# --- needs in use ----------------------------------------------------------------------------------------------------


TEMPLATE = "{{"
"""Stands in the names of what is to be rendered yet."""

BROUGHT = "installed"
"""Stands for a need in rows of objects that a product's own installation brings: nobody asked for them."""

HERE = "-here"
"""Ends a condition that holds for the namespace of the object that sets it, and not for the whole cluster."""

ROOT_NAMESPACE = "istio-system"
"""Namespace whose settings hold for the whole of an Istio mesh, unless the mesh is configured otherwise."""


def asked(texts: pl.LazyFrame, objects: pl.LazyFrame) -> pl.LazyFrame:
    """What objects ask for: columns id, namespace, need, edge, mesh; the last two say where the need is used.

    Of ``objects`` each stands there once; templates that nobody rendered are none.
    """
    rows = need_rows().lazy().with_columns(pl.col("groups").fill_null("").str.split("|"))
    own = pl.col("field").is_in(need_rows()["field"].unique().implode())
    whole = objects.filter(~pl.concat_str("namespace", "name", ignore_nulls=True).str.contains(TEMPLATE, literal=True))
    seen = texts.filter(own).join(whole.select("id", "group", "namespace"), on="id").collect(engine="in-memory")
    if seen.is_empty():
        return pl.LazyFrame(schema=ASKED)
    read = seen.lazy()
    spared = pl.col("text").str.contains(pl.col("unless")).fill_null(value=False)
    said = (
        read.select("field", "text", "group")
        .unique()
        .join(rows, on="field")
        .filter(pl.col("groups").list.contains(pl.col("group")))
        .sort("pattern")  # as in match
        .collect(engine="in-memory")
        .lazy()
        .filter(pl.col("text").str.contains(pl.col("pattern")))
        .filter(~spared)
        .select("field", "text", "group", "need", "where", "only_with")
    )
    matched = read.join(said, on=["field", "text", "group"]).collect(engine="in-memory")
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

    Returns the columns need, objects, namespaces, where, example (kind, and namespace and name of the first), file.
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
