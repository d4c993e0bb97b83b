"""Saved series of Prometheus: responses of its API, lists of series, and scraped text, as one frame.

Which series count, and what they tell, stands in ``data/facts/prometheus_series.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
import polars as pl

from meshlab.cluster.facts.json_reader import JSON_FAULTS
from meshlab.cluster.facts.measured import base_name, broken
from meshlab.errors import MeshlabError, Problem, printable, shorten
from meshlab.tables import read_table

PLACES = ("namespace", "pod", "container", "caller_namespace", "caller", "called_namespace", "called")
"""What labels tell: a container, or two workloads of which one calls the other."""

USAGE: dict[str, pl.DataType] = {
    "figure": pl.String(),
    "component": pl.String(),
    **dict.fromkeys(PLACES, pl.String()),
    "quantile": pl.Float64(),
    "value": pl.Float64(),
}
"""A row a figure of a container or pair of workloads: memory [MiB], cpu [mcores], requests [1/s] or latency [ms]."""

_MATCHER = re.compile(r'([a-zA-Z_]\w*)(=~|!~|!=|=)"([^"]*)"')


class Series(msgspec.Struct, gc=False):
    """One series: its labels, and a value or several, each with its time."""

    metric: dict[str, str]
    value: tuple[float, str | float] | None = None
    values: list[tuple[float, str | float]] | None = None


class Data(msgspec.Struct, gc=False, rename="camel"):
    """The result of a query."""

    result: list[Series]


class _Said(msgspec.Struct, gc=False):
    """What a server says beside its answer."""

    warnings: list[str] | None = None


class Response(_Said, gc=False, rename="camel"):
    """A response of the API."""

    data: Data | None = None
    status: str = "success"
    error: str | None = None


@cache
def sources() -> tuple[dict[str, str], ...]:
    """Rows of the table of series, without their empty cells."""
    rows = read_table("facts/prometheus_series").iter_rows(named=True)
    return tuple({name: value for name, value in row.items() if value is not None} for row in rows)


@cache
def known_labels() -> frozenset[str]:
    """Every label that some row of the table looks at."""
    named = {row[place] for row in sources() for place in PLACES if place in row}
    matched = {label for row in sources() for label, _, _ in _MATCHER.findall(row.get("matchers", ""))}
    return frozenset({"le", *named, *matched})


def read_usage(content: bytes, kind: str, file: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Figures of a file of series, columns as ``USAGE``, and notes."""
    try:
        samples = _text_samples(content) if kind == "prometheus-text" else _samples(_json_series(content, kind))
    except JSON_FAULTS as error:
        raise MeshlabError(broken(error, content, file)) from None
    except _RefusedError as error:
        what = f"is an error that Prometheus answered: {printable(str(error))}"
        raise MeshlabError(Problem(file, what, "correct the query, and save its answer again")) from None
    except (ValueError, OverflowError) as error:
        raise MeshlabError(Problem(file, f"holds a value that is no number: {error}", "save it again")) from None
    samples = samples.filter(pl.col("value").is_finite())  # NaN marks a gap, and a division by zero
    usage = usage_of(samples)
    if samples.is_empty() or not samples["metric"].is_in({row["metric"] for row in sources()}).any():
        raise MeshlabError(_nothing(content, kind, file))
    return usage, (*_warnings(content, kind, file), *_notes(samples, usage))


def _nothing(content: bytes, kind: str, file: str) -> Problem:
    wanted = ", ".join(dict.fromkeys(row["metric"] for row in sources()))
    if kind == "prometheus-text":
        return Problem(file, "holds none of the metrics that figures are read from", f"these are: {wanted}")
    series = list(_json_series(content, kind))
    names = sorted({name for name, _ in series if name})
    if {row["metric"] for row in sources()}.intersection(names):
        return Problem(file, "holds no number, only NaN and Inf", "check the query and its time")
    if not series:
        return Problem(file, "holds an empty answer: the query matched no series", "check its metric, labels and time")
    if not names:
        return Problem(
            file,
            "holds series without names: after rate() or sum() nobody can tell what they count",
            f"save the series of a metric themselves, such as {sources()[0]['metric']}[1h], or ask the server",
        )
    held = printable(", ".join(names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004
    return Problem(file, f"holds no series that figures are read from, only {held}", f"these are: {wanted}")


def _warnings(content: bytes, kind: str, file: str) -> Iterator[str]:
    """What a server said beside its answer, such as that a part of it is missing."""
    if kind == "prometheus-response":
        given = msgspec.json.decode(content, type=_Said)
        yield from (f"{base_name(file)} warns: {shorten(each, 200)}" for each in given.warnings or ())


ONCE = "counters were seen only once: CPU, requests and latency need two scrapes or a range"
"""Said of a file that holds them and no course of them."""


def _notes(samples: pl.DataFrame, usage: pl.DataFrame) -> Iterator[str]:
    types = {row["metric"]: row["type"] for row in sources()}
    counted = samples.filter(pl.col("metric").replace_strict(types, default="gauge") != "gauge")
    if not counted.is_empty() and usage.filter(pl.col("figure") != "memory").is_empty():
        once = counted.group_by("series").agg(pl.col("time").n_unique())["time"].max() == 1
        yield ONCE if once else "the series of requests do not say both who called and who was called"


# --- JSON ----------------------------------------------------------------------------------------------------------

Named = tuple[str | None, Series]
"""A series with the name of its metric; None where nothing tells it."""


def _json_series(content: bytes, kind: str) -> Iterator[Named]:
    if kind == "prometheus-series":
        yield from ((one.metric.get("__name__"), one) for one in msgspec.json.decode(content, type=list[Series]))
    elif kind == "prometheus-named":
        for name, raw in msgspec.json.decode(content, type=dict[str, msgspec.Raw]).items():
            yield from ((one.metric.get("__name__", name), one) for one in _series_of(raw))
    else:
        yield from ((one.metric.get("__name__"), one) for one in _series_of(content))


class _RefusedError(Exception):
    """The answer is an error of the server's."""


def _series_of(raw: bytes | msgspec.Raw) -> Iterable[Series]:
    """Series of a list, of a response, or of its data alone."""
    if bytes(raw).lstrip()[:1] == b"[":
        return msgspec.json.decode(raw, type=list[Series])
    response = msgspec.json.decode(raw, type=Response)
    if response.status == "error":
        raise _RefusedError(shorten(response.error or "without a reason", 200))
    return response.data.result if response.data else msgspec.json.decode(raw, type=Data).result


def _samples(named: Iterable[Named]) -> pl.DataFrame:
    """Samples of series: series, metric, a column a label that some figure needs, time [s] and value."""
    wanted, labels = {row["metric"] for row in sources()}, sorted(known_labels())
    heads: list[tuple[Any, ...]] = []
    numbers, times, values = list[int](), list[float](), list[float]()
    for name, one in named:
        if name not in wanted:
            continue
        points = [*(one.values or ()), *([one.value] if one.value else ())]
        numbers += [len(heads)] * len(points)
        times += [time / _MS if time > _LATEST_SECONDS else time for time, _ in points]
        values += [float(value) for _, value in points]
        heads.append((len(heads), name, *(one.metric.get(label) for label in labels)))
    schema = {"series": pl.Int64(), "metric": pl.String(), **dict.fromkeys(labels, pl.String())}
    points_frame = pl.DataFrame(
        {"series": numbers, "time": times, "value": values},
        schema={"series": pl.Int64, "time": pl.Float64, "value": pl.Float64},
    )
    return pl.DataFrame(heads, schema=schema, orient="row").join(points_frame, on="series", maintain_order="left")


# --- text ----------------------------------------------------------------------------------------------------------

_LINE = (
    r"^([a-zA-Z_:][a-zA-Z0-9_:]*)"
    r'(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?'
    r"[ \t]+(\S+)(?:[ \t]+(-?[0-9]+(?:\.[0-9]+)?))?[ \t]*(?:#[ \t].*)?$"
)
"""Name, labels, value and time of a sample; what stands behind a hash is an exemplar, one request among all."""

_OPEN_METRICS = re.compile(rb"^# EOF[ \t]*\r?$", re.MULTILINE)
"""Last line of OpenMetrics, whose times are seconds; those of Prometheus's own format are milliseconds."""

_LATEST_SECONDS = 1e11
"""Times beyond are milliseconds, as exporters write them: as seconds they lie in the year 5138."""

_NUMBERS = {"+Inf": "inf", "-Inf": "-inf"}
_MS = 1e3


def _text_samples(content: bytes) -> pl.DataFrame:
    """Samples of scraped text; several scrapes one after the other give several times.

    Sources: prometheus-text, openmetrics (data/sources.csv).
    """
    wanted = {row["metric"] for row in sources()}
    per_second = 1 if _OPEN_METRICS.search(content) else _MS
    lines = pl.DataFrame({"line": content.decode("utf-8", "replace").splitlines()}).lazy()
    rows = (
        lines.select(
            metric=pl.col("line").str.extract(_LINE, 1),
            labels=pl.col("line").str.extract(_LINE, 2).fill_null(""),
            value=pl.col("line").str.extract(_LINE, 3).replace(_NUMBERS).cast(pl.Float64, strict=False),
            time=pl.col("line").str.extract(_LINE, 4).cast(pl.Float64, strict=False) / per_second,
        )
        .filter(pl.col("metric").is_in(list(wanted)), pl.col("value").is_not_null())
        .with_columns(**{label: _label(label) for label in sorted(known_labels())})
        .collect()
    )
    series = pl.struct("metric", "labels").rank("dense").cast(pl.Int64)
    return rows.with_columns(series=series, time=pl.col("time").fill_null(0.0)).drop("labels")


def _label(name: str) -> pl.Expr:
    """Value of a label in the text between braces, escapes undone; an absent label is null."""
    raw = pl.col("labels").str.extract(rf'(?:^|,)[ \t]*{name}="((?:[^"\\]|\\.)*)"', 1)
    return raw.str.replace_all(r"\"", '"', literal=True).str.replace_all("\\\\", "\\", literal=True)


# --- figures -------------------------------------------------------------------------------------------------------

QUANTILES = (0.5, 0.9, 0.99)
"""Quantiles of latency that are read."""


def usage_of(samples: pl.DataFrame) -> pl.DataFrame:
    """What series amount to, columns as ``USAGE``: as the queries of ``prometheus_queries.csv`` would answer.

    Samples have the columns series, metric, labels, time [s] and value.
    """
    return together((row, _usage_of_row(samples, row)) for row in sources())


def together(found: Iterable[tuple[Mapping[str, str], pl.DataFrame]]) -> pl.DataFrame:
    """What rows of the table found, columns as ``USAGE``; a fallback only where its metric's others found nothing."""
    frames = [(row, frame) for row, frame in found if not frame.is_empty()]
    met = {row["metric"] for row, _ in frames if "fallback" not in row}
    kept = [frame for row, frame in frames if "fallback" not in row or row["metric"] not in met]
    return pl.concat([pl.DataFrame(schema=USAGE), *kept], how="diagonal")


def _usage_of_row(samples: pl.DataFrame, row: dict[str, str]) -> pl.DataFrame:
    places = {place: row[place] for place in PLACES if place in row}
    chosen = samples.lazy().filter(pl.col("metric") == row["metric"], *matches(row.get("matchers", "")))
    series = chosen.group_by("series", *set(places.values()), "le").agg(_AMOUNTS[row["type"]]).drop_nulls("amount")
    totals = _TOTALS[row["type"]](series, sorted(set(places.values())))
    return totals.select(
        pl.lit(row["figure"]).alias("figure"),
        pl.lit(row.get("component"), pl.String).alias("component"),
        *(pl.col(label).alias(place) for place, label in places.items()),
        quantile="quantile",
        value=pl.col("amount") * float(row["factor"]),
    ).collect()


def matches(matchers: str) -> Iterator[pl.Expr]:
    """Matchers of PromQL as conditions on columns; an absent label is an empty one, and a pattern means all of it."""
    for label, operator, text in _MATCHER.findall(matchers):
        value = pl.col(label).fill_null("")
        same = value.str.contains(f"^(?:{text})$") if operator.endswith("~") else value == text
        yield ~same if operator.startswith("!") else same


def _increase_per_second() -> pl.Expr:
    """Increase of a counter per second from its first to its last sample; a fall is a restart from zero."""
    value, time = pl.col("value").sort_by("time"), pl.col("time").sort_by("time")
    step = value.diff()
    risen = pl.when(step < 0).then(value).otherwise(step).sum()
    seconds = time.last() - time.first()
    return pl.when(seconds > 0).then(risen / seconds)


_AMOUNTS: dict[str, pl.Expr] = {
    "counter": _increase_per_second().alias("amount"),
    "bucket": _increase_per_second().alias("amount"),
    "gauge": pl.col("value").mean().alias("amount"),
}
"""Amount of one series by its type."""


def _sum(series: pl.LazyFrame, labels: list[str]) -> pl.LazyFrame:
    return series.group_by(labels, maintain_order=True).agg(pl.col("amount").sum(), quantile=pl.lit(None, pl.Float64))


def _largest(series: pl.LazyFrame, labels: list[str]) -> pl.LazyFrame:
    return series.group_by(labels, maintain_order=True).agg(pl.col("amount").max(), quantile=pl.lit(None, pl.Float64))


def _quantiles(series: pl.LazyFrame, labels: list[str]) -> pl.LazyFrame:
    """Quantiles of histograms, interpolated within the bucket as Prometheus does.

    Sources: prometheus-api (data/sources.csv), histogram_quantile.
    """
    upper = pl.col("le").replace(_NUMBERS).cast(pl.Float64, strict=False)
    buckets = (
        series.with_columns(upper=upper)
        .drop_nulls("upper")
        .group_by(*labels, "upper")
        .agg(pl.col("amount").sum())
        .sort("upper")
        .with_columns(
            below=pl.col("amount").shift(1).over(labels).fill_null(0.0),
            lower=pl.col("upper").shift(1).over(labels).fill_null(0.0),
            all=pl.col("amount").last().over(labels),
            whole=(pl.col("upper").last() == float("inf")).over(labels),
        )
        .filter("whole", pl.col("all") > 0)
    )
    return pl.concat(_quantile(buckets, labels, quantile) for quantile in QUANTILES)


def _quantile(buckets: pl.LazyFrame, labels: list[str], quantile: float) -> pl.LazyFrame:
    rank = quantile * pl.col("all")
    within = (rank - pl.col("below")) / (pl.col("amount") - pl.col("below"))
    beyond = pl.col("upper").is_infinite()
    value = pl.when(beyond).then("lower").otherwise(pl.col("lower") + (pl.col("upper") - pl.col("lower")) * within)
    return (
        buckets.filter(pl.col("amount") >= rank)
        .group_by(labels, maintain_order=True)
        .agg(value.first().alias("amount"), quantile=pl.lit(quantile))
    )


_TOTALS = {"counter": _sum, "gauge": _largest, "bucket": _quantiles}
"""How series of one container or pair of workloads become one amount, by their type."""
