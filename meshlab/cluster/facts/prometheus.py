"""What Prometheus measured: memory and CPU of proxies and agents as used, and calls between workloads.

From a server's HTTP API by the queries of ``data/facts/prometheus_queries.csv``, or from saved series.
"""

from __future__ import annotations

import base64
import errno
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from queue import Empty, SimpleQueue
from string import Template
from threading import Thread

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.cluster.facts.inferred_inputs import Supplied
from meshlab.cluster.facts.json_reader import JSON_FAULTS
from meshlab.cluster.facts.measured import (
    CALLS_SCHEMA,
    NO_EVIDENCE,
    Measurements,
    base_name,
    evidence_rows,
    figure_rows,
)
from meshlab.cluster.facts.series import ONCE, PLACES, QUANTILES, USAGE, Response, Series, read_usage, sources, together
from meshlab.errors import MeshlabError, Problem, shorten
from meshlab.scenario import inputs
from meshlab.tables import read_table
from meshlab.units import BYTES_PER_GIB

WINDOW_SECONDS = 3600
"""Time over which figures are averaged, unless told otherwise. [s]"""

STEP_SECONDS = 300
"""Step in which the busiest time is looked for. [s]"""

MAXIMUM_RESPONSE_BYTES = 256 * 2**20
"""Largest response of a server that is read. [bytes]"""

_MIB_PER_GIB = BYTES_PER_GIB / 2**20
_MCORES_PER_CORE = 1e3
_TIMEOUT_SECONDS = 60.0
_TOTAL_SECONDS = 600.0


def read_prometheus(
    url: str,
    *,
    window_seconds: int = WINDOW_SECONDS,
    at: float | None = None,
) -> Measurements:
    """Figures from a Prometheus server, averaged over a window.

    Args:
        url: Base URL, such as ``http://127.0.0.1:9090``; what answers like Prometheus (Thanos, Mimir) will do.
        window_seconds: The window. [s]
        at: Its end; now, if not told. [s since 1970]

    Raises:
        MeshlabError: The server cannot be reached, refuses a query, or knows none of the metrics.
    """
    server = _server(url)
    end = time.time() if at is None else at
    asked = _ask(server, window_seconds, end)
    usage = together((source, _rows(answer, source, quantile)) for source, quantile, answer in asked)
    if usage.is_empty():
        names = ", ".join(dict.fromkeys(source["metric"] for source in sources()))
        what = f"knows none of the metrics within {window_seconds} s"
        raise MeshlabError(Problem(server.name, what, f"it should scrape some of {names}"))
    busiest = _busiest(server, window_seconds, end) if window_seconds > STEP_SECONDS else None
    notes = (
        [] if busiest is None else [f"in the busiest {STEP_SECONDS // 60} minutes there were {busiest:.6g} requests/s"]
    )
    return summary(usage, "prometheus-server", server.name, (*notes, *server.warnings))


def read_saved(content: bytes, kind: str, file: str) -> Measurements:
    """Figures from a file of series."""
    if kind == "pod-csv":
        what = "tells what whole pods use, proxy and application together, so that nothing of a mesh follows"
        raise MeshlabError(Problem(file, what, f"give series of {sources()[0]['metric']} from Prometheus"))
    usage, notes = read_usage(content, kind, file)
    found = summary(usage, kind, base_name(file), notes)
    if kind == "prometheus-text":
        one = "scraped text is that of one endpoint, so that nothing follows for the cluster"
        return replace(found, supplied={}, frame=NO_EVIDENCE, notes=(*found.notes, one))
    return found


# --- the server ----------------------------------------------------------------------------------------------------


class _Server(msgspec.Struct):
    """A server: where it is, how messages name it, what is sent along, what it warned of, until when it is asked."""

    base: str
    name: str
    headers: dict[str, str]
    warnings: list[str] = msgspec.field(default_factory=list[str])
    deadline: float = msgspec.field(default_factory=lambda: time.monotonic() + _TOTAL_SECONDS)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A login page is no answer, and what is sent along is not meant for another host."""

    def redirect_request(self, req: object, fp: object, code: int, msg: str, headers: object, newurl: str) -> None:
        """Follow no redirect."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def _server(url: str) -> _Server:
    """The server of a URL; a name and password in it become a header and are never shown."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise MeshlabError(Problem("Prometheus", "the URL is none of http or https", "such as http://127.0.0.1:9090"))
    place = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{place}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    sent = {"Accept": "application/json"}
    if parts.username is not None:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        sent["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return _Server(base, base, sent)


def _get(server: _Server, path: str, **parameters: object) -> list[Series]:
    """Result of one GET of the API."""
    query = urllib.parse.urlencode(parameters)
    try:
        request = urllib.request.Request(f"{server.base}/api/v1/{path}?{query}", headers=server.headers)  # noqa: S310
        code, content = _within(server.deadline - time.monotonic(), lambda: _answer(request))
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        what = f"cannot be reached: {getattr(reason, 'strerror', None) or reason or type(error).__name__}"
        raise MeshlabError(Problem(server.name, what, "check the address, and whether it runs")) from None
    if code >= 300:  # noqa: PLR2004  (no answer to the question)
        raise MeshlabError(_refusal(server, code, content))
    if len(content) > MAXIMUM_RESPONSE_BYTES:
        what = f"answers a query with more than {MAXIMUM_RESPONSE_BYTES // 2**20} MiB"
        raise MeshlabError(Problem(server.name, what, "ask over a shorter window"))
    response = _decoded(content)
    if response is None or response.data is None:
        raise MeshlabError(_refusal(server, 200, content))
    server.warnings += [f"{server.name} warns: {warning}" for warning in response.warnings or ()]
    return response.data.result


def _answer(request: urllib.request.Request) -> tuple[int, bytes]:
    """Status and bytes of one answer."""
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read(MAXIMUM_RESPONSE_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(MAXIMUM_RESPONSE_BYTES)


def _within(seconds: float, ask: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """What a function gives in so many seconds: a limit of sockets begins anew with each byte that drips in.

    Raises:
        TimeoutError: It takes longer; its thread is left behind.
    """
    answers: SimpleQueue[tuple[int, bytes] | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(ask())
        except BaseException as error:  # noqa: BLE001  (raised where it is waited for)
            answers.put(error)

    Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, min(seconds, _TIMEOUT_SECONDS)))
    except Empty:
        raise TimeoutError(errno.ETIMEDOUT, "no whole answer in time") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _decoded(content: bytes) -> Response | None:
    try:
        return msgspec.json.decode(content, type=Response)
    except JSON_FAULTS:
        return None


def _refusal(server: _Server, code: int, content: bytes) -> Problem:
    """Why there is no answer: in the server's words where they are Prometheus's, else by the code alone."""
    response = _decoded(content)
    if response is not None and response.error:
        return Problem(server.name, f"refuses a query: {shorten(response.error, 200)}", "check what it allows")
    if code in (401, 403):
        return Problem(server.name, f"wants a login (status {code})", "give the header that lets you in")
    if 300 <= code < 400:  # noqa: PLR2004
        return Problem(server.name, f"sends elsewhere (status {code})", "give the address that it sends to, or a login")
    return Problem(server.name, f"does not answer as Prometheus does (status {code})", "check the address and its path")


def _ask(
    server: _Server, window_seconds: int, end: float
) -> Iterator[tuple[dict[str, str], float | None, list[Series]]]:
    """Answers to the query of each row of the table of series, for latency one a quantile."""
    for source in sources():
        for quantile in QUANTILES if source["type"] == "bucket" else (None,):
            query = promql(source, window_seconds, quantile)
            yield source, quantile, _get(server, "query", query=query, time=f"{end:.3f}")


def promql(
    source: Mapping[str, str], window_seconds: int, quantile: float | None = None, type_: str | None = None
) -> str:
    """The query for a row of the table of series."""
    templates = dict(read_table("facts/prometheus_queries").select("type", "query").iter_rows())
    return Template(templates[type_ or source["type"]]).substitute(
        metric=source["metric"],
        matchers=source.get("matchers", ""),
        labels=",".join(source[place] for place in PLACES if place in source),
        window=f"{window_seconds}s",
        step=f"{STEP_SECONDS}s",
        quantile=quantile,
    )


def _rows(answer: list[Series], source: Mapping[str, str], quantile: float | None) -> pl.DataFrame:
    """Figures of an answer, columns as ``USAGE``."""
    places = [place for place in PLACES if place in source]
    rows = [
        (
            source["figure"],
            source.get("component"),
            *(one.metric.get(source[place]) for place in places),
            quantile,
            number(str(one.value[1])) * float(source["factor"]),
        )
        for one in answer
        if one.value is not None
    ]
    schema = {name: USAGE[name] for name in ("figure", "component", *places, "quantile", "value")}
    return pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("value").is_finite())


def _busiest(server: _Server, window_seconds: int, end: float) -> float | None:
    """Requests per second in the busiest step of the window; None where no mesh counts requests. [1/s]"""
    highest: list[float] = []
    for source in sources():
        if source["figure"] == "requests" and "fallback" not in source:
            query = promql(source, window_seconds, type_="busiest")
            start = end - window_seconds + STEP_SECONDS
            answer = _get(server, "query_range", query=query, start=f"{start:.3f}", end=f"{end:.3f}", step=STEP_SECONDS)
            highest += [number(str(value)) for one in answer for _, value in one.values or ()]
    return max(filter(math.isfinite, highest), default=None)


def number(text: str) -> float:
    """A value as Prometheus writes it; NaN for what is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


# --- what it amounts to --------------------------------------------------------------------------------------------


def summary(usage: pl.DataFrame, kind: str, source: str, notes: tuple[str, ...] = ()) -> Measurements:
    """Figures of components, calls, inputs and evidence from what containers use and workloads call (``USAGE``)."""
    components = _components(usage)
    calls = _calls(usage)
    found, plugins = set(components["dataplane"]), inputs()["current_cni"].choices
    # the agents of one that is a network plugin, too, are there without a mesh: their sum is not what it adds
    meshes = [name for name in read_table("dataplanes")["dataplane"][1:] if name in found and name not in plugins]
    supplied = _supplied(components, calls, meshes, source)
    return Measurements(
        kind,
        source,
        figures=figure_rows((source, *row) for row in _figures(components, calls)),
        calls=calls,
        supplied=supplied,
        notes=(*notes, *_gaps(components, calls, meshes, notes)),
        frame=_evidence(components, meshes, supplied, source),
    )


def _components(usage: pl.DataFrame) -> pl.DataFrame:
    """Memory and CPU by component: figure, component, dataplane, plane, value, instances."""
    table = read_table("facts/measured_components")
    place = pl.format("{}/{}/{}", *(pl.col(name).fill_null("") for name in ("namespace", "pod", "container")))
    row = pl.coalesce(
        pl.when(place.str.contains(pattern)).then(index) for index, pattern in enumerate(table["pattern"])
    )
    named = dict(zip(table["component"], range(table.height), strict=True))
    known = (
        usage.filter(pl.col("figure").is_in(["memory", "cpu"]))
        .with_columns(
            row=pl.when(pl.col("component").is_null())
            .then(row)
            .otherwise(pl.col("component").replace_strict({**named, "ebpf-maps": named["cilium-agent"]}, default=None))
            .cast(pl.UInt32)
        )
        .drop_nulls("row")
        .join(table.with_row_index("row").rename({"component": "container_component"}), on="row", how="left")
        .with_columns(component=pl.coalesce("component", "container_component"))
    )
    totals = known.group_by("figure", "component", "dataplane", "plane", maintain_order=True).agg(
        pl.col("value").sum(), instances=pl.struct("namespace", "pod", "container").n_unique().cast(pl.Int64)
    )
    meshes = [name for name in set(totals["dataplane"]) if (name or "").startswith("istio-")]
    ours = (
        meshes[0] if len(meshes) == 1 else None
    )  # what serves both of Istio's data planes belongs to the one there is
    return totals.with_columns(pl.col("dataplane").replace({"istio": ours})).sort("component", "figure")


def _calls(usage: pl.DataFrame) -> pl.DataFrame:
    """Calls between workloads: requests per second and percentiles of latency of each pair."""
    named = usage.filter(pl.col("figure").is_in(["requests", "latency"])).with_columns(
        source=_workload("caller"), target=_workload("called")
    )
    columns = {"requests_per_second": pl.col("value").filter(figure="requests").sum()}
    columns |= {
        f"p{quantile * 100:.0f}_ms": pl.col("value").filter(figure="latency", quantile=quantile).first()
        for quantile in QUANTILES
    }
    pairs = named.group_by("source", "target").agg(**columns).filter(pl.col("requests_per_second") > 0)
    total = pl.col("requests_per_second").sum()
    return (
        pairs.with_columns(calls=pl.lit(None, pl.Int64), share=pl.col("requests_per_second") / total)
        .sort("requests_per_second", "source", "target", descending=[True, False, False])
        .select(pl.col(name).cast(dtype) for name, dtype in CALLS_SCHEMA.items())
    )


def _workload(end: str) -> pl.Expr:
    """Namespace and name of a workload as one text."""
    return (
        pl.when(pl.col(f"{end}_namespace").fill_null("") == "")
        .then(end)
        .otherwise(pl.format("{}/{}", f"{end}_namespace", end))
    )


Figure = tuple[str | None, str, str, float | None, int | None]


def _figures(components: pl.DataFrame, calls: pl.DataFrame) -> Iterator[Figure]:
    """Rows of figures without the run."""
    columns = ("dataplane", "component", "figure", "value", "instances")
    yield from components.select(columns).iter_rows()
    if not calls.is_empty():
        yield None, "path", "throughput", _total_rate(calls), None


def _total_rate(calls: pl.DataFrame) -> float:
    """Requests between all workloads together. [1/s]"""
    return calls.select(pl.col("requests_per_second").sum()).item()


def _instances(components: pl.DataFrame, *names: str) -> int:
    """Instances of the components together; memory and CPU may know of different ones, and the larger number counts."""
    chosen = components.filter(pl.col("component").is_in(names))
    return chosen.group_by("figure").agg(pl.col("instances").sum()).select(pl.col("instances").max()).item() or 0


def _supplied(components: pl.DataFrame, calls: pl.DataFrame, meshes: list[str], source: str) -> dict[str, Supplied]:
    supplied: dict[str, Supplied] = {}
    if not calls.is_empty():
        supplied["requests_per_second"] = Supplied(_total_rate(calls), "measured", source)
    sidecars = _instances(components, "sidecar", "linkerd-proxy")
    if sidecars and "istio-ambient" not in meshes:  # pods that ztunnel serves have no container of their own
        supplied["pods"] = Supplied(sidecars, "measured", source)
    nodes = max(_instances(components, name) for name in ("ztunnel", "cilium-agent", "cni-agent"))
    if nodes:
        supplied["nodes"] = Supplied(nodes, "inferred", source)
    return supplied


def _gaps(components: pl.DataFrame, calls: pl.DataFrame, meshes: list[str], notes: tuple[str, ...]) -> Iterator[str]:
    if calls.is_empty() and ONCE not in notes:
        yield "no metrics of a mesh tell requests between workloads"
    if len(meshes) > 1:
        yield f"proxies of {' and '.join(meshes)} run side by side: nobody can tell which requests each handled"
    if components.is_empty():
        yield "no container is a proxy or agent that is known here"
    if "cilium" in set(components["dataplane"]):
        yield "Cilium's agents are there with or without a mesh: their use is no measure of what a mesh adds"


def _evidence(
    components: pl.DataFrame, meshes: list[str], supplied: Mapping[str, Supplied], source: str
) -> pl.DataFrame:
    """Totals of the one mesh that there is, as evidence."""
    if len(meshes) != 1:
        return NO_EVIDENCE
    units = {"memory": ("memory_gib", _MIB_PER_GIB), "cpu": ("cpu_cores", _MCORES_PER_CORE)}
    totals = (
        components.filter(pl.col("dataplane") == meshes[0], pl.col("value") > 0)
        .drop_nulls("plane")
        .group_by("plane", "figure", maintain_order=True)
        .agg(pl.col("value").sum())
    )
    rows = [
        (source, f"{plane}_plane_{units[figure][0]}", value / units[figure][1])
        for plane, figure, value in totals.iter_rows()
    ]
    measured = pl.DataFrame(rows, {"run": pl.String, "metric": pl.String, "value": pl.Float64}, orient="row")
    return evidence_rows(measured, meshes[0], {name: given.value for name, given in supplied.items()})
