"""Load tests: what a client saw, and what a mesh adds by a run without and one with it.

Reads results of fortio (as Nighthawk writes them, too), oha, k6, vegeta and ghz in JSON, of wrk, wrk2 and hey in
text, and the tables of locust and of Istio's own benchmark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

import msgspec
import polars as pl

from meshlab.cluster.facts.json_reader import JSON_FAULTS
from meshlab.cluster.facts.measured import Measurements, base_name, broken, evidence_rows, figure_rows
from meshlab.errors import MeshlabError, Problem
from meshlab.units import BYTES_PER_GIB

RUNS: dict[str, pl.DataType] = {
    **dict.fromkeys(("run", "setup", "through"), pl.String()),
    "requests_per_second": pl.Float64(),
    **dict.fromkeys(("connections", "payload_bytes"), pl.Int64()),
    "protocol": pl.String(),
    **dict.fromkeys(("failed", "p50", "p90", "p95", "p99"), pl.Float64()),
    "proxies": pl.Int64(),
    **dict.fromkeys(("proxy_memory_mib", "proxy_cpu_mcores"), pl.Float64()),
}
"""A row a run; latencies in ms, failed as a share of requests.

``setup`` is what has to be alike in runs that are compared, beside the load; ``through`` tells which proxies requests
passed: none, client, server or both, null where the file does not say.
"""

PERCENTILES = ("50", "90", "95", "99")
"""Percentiles that are kept; the models predict all of them but the 95th."""

PREDICTED = ("50", "90", "99")

MOST_FAILED = 0.01
"""Largest share of failed requests with which latencies are compared: failures are often faster or slower."""

RATE_TOLERANCE = 0.05
"""Largest relative difference of the rates of two runs that are compared: latency depends on the rate."""

_MS = 1e3
_MIB_PER_GIB = BYTES_PER_GIB / 2**20
_MCORES = 1e3
_KNOWN = ("requests_per_second", "connections", "payload_bytes", "protocol")
"""Columns of a run that are inputs of a scenario as well."""


def read_runs(content: bytes, kind: str, file: str) -> pl.DataFrame:
    """Runs of a file of a known kind, columns as ``RUNS``."""
    reader, todo = READERS[kind]
    try:
        runs = pl.DataFrame([{"run": base_name(file), **row} for row in reader(content)], schema=RUNS)
    except JSON_FAULTS as error:
        raise MeshlabError(broken(error, content, file)) from None
    except (pl.exceptions.PolarsError, ValueError, OverflowError) as error:
        what = f"is not as its kind demands: {str(error).splitlines()[0]}"
        raise MeshlabError(Problem(file, what, "give the file as the tool wrote it")) from None
    if runs.select(pl.all_horizontal(pl.col("p50", "p90", "p99").is_null().all())).item():
        raise MeshlabError(Problem(file, "holds no percentiles of latency", todo))
    return runs


def read_load_test(content: bytes, kind: str, file: str) -> Measurements:
    """Figures of every run of a file; where it holds runs with and without a mesh, also what the mesh adds."""
    runs = read_runs(content, kind, file)
    if kind != "benchmark-csv":
        note = "one run tells what a client saw; what a mesh adds needs a run without and one with it"
        return Measurements(kind, base_name(file), figures=_figures(runs, None), notes=(note, *_failures(runs)))
    after = runs.filter(through="both")
    frame, notes = added_latency(runs.filter(through="none"), after, "istio-sidecar", {"pods": 2, "call_depth": 1})
    use = _proxy_evidence(after, "istio-sidecar", {"pods": 2})
    return Measurements(
        kind,
        base_name(file),
        figures=_figures(runs, "istio-sidecar"),
        notes=(*notes, *_failures(runs)),
        frame=pl.concat([frame, use], how="diagonal"),
    )


def added_latency(
    before: pl.DataFrame, after: pl.DataFrame, dataplane: str, scenario: Mapping[str, object]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """What a mesh adds to latency: each run with it less the mean of the runs without it at the same load.

    Runs are alike where setup, connections, payload and protocol are the same, as far as both files say, and the rates
    differ by no more than ``RATE_TOLERANCE``. Returns evidence, with further inputs that are known of the ``scenario``,
    and notes on what could not be compared.
    """
    same = [
        pl.col(name).is_null() | pl.col(f"{name}_before").is_null() | (pl.col(name) == pl.col(f"{name}_before"))
        for name in ("setup", "connections", "payload_bytes", "protocol")
    ]
    rate, old_rate = pl.col("requests_per_second"), pl.col("requests_per_second_before")
    known = after.filter(pl.col("failed").fill_null(0.0) <= MOST_FAILED)
    reference = before.filter(pl.col("failed").fill_null(0.0) <= MOST_FAILED)
    added = [(pl.col(f"p{level}") - pl.col(f"p{level}_before").mean()).first() for level in PREDICTED]
    pairs = (
        known.with_row_index("row")
        .join(reference.select(pl.all().name.suffix("_before")), how="cross")
        .filter(*same, (rate - old_rate).abs() <= RATE_TOLERANCE * rate)
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("run", *_KNOWN).first(),
            *(value.alias(f"added_p{level}_ms") for level, value in zip(PREDICTED, added, strict=True)),
        )
    )
    metrics = [f"added_p{level}_ms" for level in PREDICTED]
    measured = pairs.unpivot(metrics, index=["run", *_KNOWN], variable_name="metric").drop_nulls("value")
    frame = evidence_rows(measured.filter(pl.col("value") > 0), dataplane, scenario)
    return frame, tuple(_comparison_notes(known.height - pairs.height, after.height, measured))


def _comparison_notes(alone: int, runs: int, measured: pl.DataFrame) -> Iterator[str]:
    if alone:
        yield f"{alone} of {runs} runs with a mesh stand alone: no run without one has the same load"
    if lost := measured.filter(pl.col("value") <= 0).height:
        yield f"{lost} percentiles are no higher with the mesh than without: what it adds is lost in the noise"


def _failures(runs: pl.DataFrame) -> Iterator[str]:
    failed = runs.filter(pl.col("failed") > MOST_FAILED)
    if not failed.is_empty():
        share = f"{100 * MOST_FAILED:.0f} %"
        yield f"{failed.height} of {runs.height} runs had more than {share} of requests fail: not compared"


def _figures(runs: pl.DataFrame, dataplane: str | None) -> pl.DataFrame:
    """Every figure of every run; the path of a run without proxies has the data plane none."""
    path = {"throughput": "requests_per_second", **{f"latency_p{level}": f"p{level}" for level in PERCENTILES}}
    use = {"memory": "proxy_memory_mib", "cpu": "proxy_cpu_mcores"}
    return figure_rows(
        (
            row["run"],
            "none" if row["through"] == "none" and component == "path" else dataplane,
            component,
            metric,
            row[column],
            row["proxies"] if component == "sidecar" else None,
        )
        for row in runs.iter_rows(named=True)
        for component, metrics in (("path", path), ("sidecar", use))
        for metric, column in metrics.items()
    )


def _proxy_evidence(runs: pl.DataFrame, dataplane: str, scenario: Mapping[str, object]) -> pl.DataFrame:
    """Memory and CPU of the proxies that the requests passed, as evidence."""
    measured = runs.select(
        "run",
        *_KNOWN,
        data_plane_memory_gib=pl.col("proxy_memory_mib") / _MIB_PER_GIB,
        data_plane_cpu_cores=pl.col("proxy_cpu_mcores") / _MCORES,
    ).unpivot(pl.selectors.starts_with("data_plane"), index=["run", *_KNOWN], variable_name="metric")
    return evidence_rows(measured.filter(pl.col("value") > 0), dataplane, scenario)


# --- JSON ----------------------------------------------------------------------------------------------------------

_Amount = Annotated[float, msgspec.Meta(ge=0)]


class _Percentile(msgspec.Struct, gc=False, rename="pascal"):
    percentile: float
    value: _Amount


class _Histogram(msgspec.Struct, gc=False, rename="pascal"):
    percentiles: list[_Percentile] | None = None


class _Fortio(msgspec.Struct, gc=False, rename="pascal"):
    duration_histogram: _Histogram
    actual_qps: _Amount = msgspec.field(name="ActualQPS")
    num_threads: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    labels: str | None = None
    run_type: str | None = None
    ret_codes: dict[str, int] | None = None


_FORTIO_SUCCESS = re.compile(r"[123]\d\d|SERVING|OK")
"""Codes of requests that went well: HTTP's, gRPC's health check, and those of TCP and UDP."""


def _fortio(content: bytes) -> Iterator[dict[str, object]]:
    """One run; fortio tells seconds.

    Sources: fortio (data/sources.csv).
    """
    run = msgspec.json.decode(content, type=_Fortio, strict=False)  # Nighthawk writes counts as text
    codes = run.ret_codes or {}
    failed = sum(count for code, count in codes.items() if not _FORTIO_SUCCESS.fullmatch(code))
    latencies = {f"p{each.percentile:g}": each.value * _MS for each in run.duration_histogram.percentiles or ()}
    yield {
        **({"run": run.labels} if run.labels else {}),
        "requests_per_second": run.actual_qps,
        "connections": run.num_threads,
        "protocol": "grpc" if "GRPC" in (run.run_type or "") else None,  # such as GRPC Ping, GRPC Health
        "failed": failed / sum(codes.values()) if sum(codes.values()) else None,
        **_kept(latencies),
    }


class _OhaSummary(msgspec.Struct, gc=False, rename="camel"):
    requests_per_sec: _Amount
    success_rate: float | None = None


class _Oha(msgspec.Struct, gc=False, rename="camel"):
    summary: _OhaSummary
    latency_percentiles: dict[str, float | None] | None = None


def _oha(content: bytes) -> Iterator[dict[str, object]]:
    """One run; oha tells seconds.

    Sources: oha (data/sources.csv).
    """
    run = msgspec.json.decode(content, type=_Oha)
    latencies = {name: value * _MS for name, value in (run.latency_percentiles or {}).items() if value is not None}
    rate = run.summary.success_rate
    yield {
        "requests_per_second": run.summary.requests_per_sec,
        "failed": None if rate is None else 1 - rate,
        **_kept(latencies),
    }


class _K6Metric(msgspec.Struct, gc=False):
    name: str | None = None
    rate: float | None = None
    value: float | None = None
    med: float | None = None
    p90: float | None = msgspec.field(default=None, name="p(90)")
    p95: float | None = msgspec.field(default=None, name="p(95)")
    p99: float | None = msgspec.field(default=None, name="p(99)")
    values: _K6Metric | None = None


class _K6Results(msgspec.Struct, gc=False):
    metrics: dict[str, _K6Metric | None] | list[_K6Metric]


class _K6(_K6Results, gc=False):
    metrics: dict[str, _K6Metric | None] | list[_K6Metric] = {}
    results: _K6Results | None = None


def _k6(content: bytes) -> Iterator[dict[str, object]]:
    """One run, from --summary-export, from handleSummary, which puts values one level deeper, or machine-readable.

    k6 tells ms. It counts no calls of gRPC, so that their rate is not known.

    Sources: k6, k6-summary (data/sources.csv).
    """
    run = msgspec.json.decode(content, type=_K6)
    metrics = (run.results or run).metrics
    named = metrics.items() if isinstance(metrics, dict) else ((each.name or "", each) for each in metrics)
    of = {name: (metric.values or metric) for name, metric in named if metric is not None}
    http = of.get("http_req_duration")
    latency, failed = http or of.get("grpc_req_duration", _K6Metric()), of.get("http_req_failed", _K6Metric())
    users = of.get("vus_max", of.get("vus", _K6Metric())).value
    yield {
        "requests_per_second": of.get("http_reqs", _K6Metric()).rate,
        "connections": None if users is None else int(users),
        "protocol": None if http else "grpc",
        "failed": failed.value if failed.rate is None else failed.rate,
        "p50": latency.med,
        "p90": latency.p90,
        "p95": latency.p95,
        "p99": latency.p99,
    }


class _Vegeta(msgspec.Struct, gc=False):
    latencies: dict[str, _Amount]
    rate: _Amount
    success: float | None = None


_NS_PER_MS = 1e6


def _vegeta(content: bytes) -> Iterator[dict[str, object]]:
    """One run; vegeta tells ns.

    Sources: vegeta (data/sources.csv).
    """
    run = msgspec.json.decode(content, type=_Vegeta)
    latencies = {f"p{name.removesuffix('th')}": value / _NS_PER_MS for name, value in run.latencies.items()}
    failed = None if run.success is None else 1 - run.success
    yield {"requests_per_second": run.rate, "failed": failed, **_kept(latencies)}


class _GhzPercentile(msgspec.Struct, gc=False):
    percentage: float
    latency: _Amount


class _GhzOptions(msgspec.Struct, gc=False):
    concurrency: int | None = None


class _Ghz(msgspec.Struct, gc=False, rename="camel"):
    rps: _Amount
    latency_distribution: list[_GhzPercentile] | None = None
    status_code_distribution: dict[str, int] | None = None
    options: _GhzOptions | None = None


def _ghz(content: bytes) -> Iterator[dict[str, object]]:
    """One run; ghz tells ns.

    Sources: ghz (data/sources.csv).
    """
    run = msgspec.json.decode(content, type=_Ghz)
    codes = run.status_code_distribution or {}
    total = sum(codes.values())
    latencies = {f"p{each.percentage:g}": each.latency / _NS_PER_MS for each in run.latency_distribution or ()}
    yield {
        "requests_per_second": run.rps,
        "connections": run.options.concurrency if run.options else None,
        "protocol": "grpc",
        "failed": 1 - codes.get("OK", 0) / total if total else None,
        **_kept(latencies),
    }


def _locust(content: bytes) -> Iterator[dict[str, object]]:
    """One run: the row over all requests; locust tells ms.

    Sources: locust (data/sources.csv).
    """
    table = pl.read_csv(io.BytesIO(content), infer_schema=False).filter(pl.col("Name") == "Aggregated")
    return table.select(
        requests_per_second=_number("Requests/s"),
        failed=pl.when(_number("Request Count") > 0).then(_number("Failure Count") / _number("Request Count")),
        **{f"p{level}": _number(f"{level}%") for level in PERCENTILES},
    ).iter_rows(named=True)


def _kept(latencies: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in latencies.items() if name in RUNS}


# --- text ----------------------------------------------------------------------------------------------------------

_UNITS_MS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3, "secs": 1e3, "sec": 1e3, "m": 6e4, "h": 3.6e6}
_WRK_RUN = re.compile(r"^(?=Running .* test @ )", re.MULTILINE)
_HEY_RUN = re.compile(r"^(?=Summary:)", re.MULTILINE)
_WRK_PERCENTILE = re.compile(r"^\s*(50|90|95|99)(?:\.0+)?%\s+(\d+(?:\.\d+)?)(us|ms|s|m|h)\s*$", re.MULTILINE)
_HEY_PERCENTILE = re.compile(r"^\s*(50|90|95|99)(?:\.0+)?%+ in (\d+(?:\.\d+)?) (secs|sec|s|ms|us|µs)\s*$", re.MULTILINE)
_RATE = re.compile(r"^\s*Requests/sec:\s*(\d+(?:\.\d+)?)", re.MULTILINE)
_WRK_CONNECTIONS = re.compile(r"(\d{1,9}) threads and (\d{1,9}) connections")
_WRK_TOTAL = re.compile(r"^\s*(\d{1,18}) requests in ", re.MULTILINE)
_WRK_ERRORS = re.compile(r"Socket errors: ([^\n]*)|Non-2xx or 3xx responses: (\d{1,18})")
_HEY_CODE = re.compile(r"^\s*\[(\d{3})\]\s+(\d{1,18}) responses", re.MULTILINE)
_HEY_ERROR = re.compile(r"^\s*\[(\d{1,18})\]\s+\S*[A-Za-z]", re.MULTILINE)


def _wrk(content: bytes) -> Iterator[dict[str, object]]:
    """A run for each report of wrk or wrk2; the first distribution of one is the recorded latency.

    Sources: wrk2 (data/sources.csv).
    """
    for report in _WRK_RUN.split(content.decode("utf-8", "replace"))[1:]:
        total = _WRK_TOTAL.search(report)
        threads = _WRK_CONNECTIONS.search(report)
        failed = sum(
            int(number) for found in _WRK_ERRORS.finditer(report) for number in re.findall(r"\d+", found[0][5:])
        )
        yield {
            "requests_per_second": _rate(report),
            "connections": int(threads[2]) if threads else None,
            "failed": min(1.0, failed / int(total[1])) if total and int(total[1]) else None,
            **_latencies(_WRK_PERCENTILE, report),
        }


def _hey(content: bytes) -> Iterator[dict[str, object]]:
    """A run for each report of hey, or of oha in text.

    Sources: hey (data/sources.csv).
    """
    for report in _HEY_RUN.split(content.decode("utf-8", "replace"))[1:]:
        answers, _, errors = report.partition("Error distribution:")
        codes = {code: int(count) for code, count in _HEY_CODE.findall(answers)}
        failed = sum(map(int, _HEY_ERROR.findall(errors))) + sum(codes[code] for code in codes if code >= "400")
        total = failed + sum(codes[code] for code in codes if code < "400")
        yield {
            "requests_per_second": _rate(report),
            "failed": failed / total if total else None,
            **_latencies(_HEY_PERCENTILE, report),
        }


def _rate(report: str) -> float | None:
    found = _RATE.search(report)
    return float(found[1]) if found else None


def _latencies(pattern: re.Pattern[str], report: str) -> dict[str, float]:
    """Percentiles of a report [ms]; of several distributions in it the first."""
    found: dict[str, float] = {}
    for level, value, unit in pattern.findall(report):
        found.setdefault(f"p{level}", float(value) * _UNITS_MS[unit])
    return found


# --- Istio's benchmark ---------------------------------------------------------------------------------------------

_LABEL = r"qps_(\d+)_c_(\d+)_(\d+)_(.*)_(baseline|both|serveronly|clientonly|ingress)$"
_THROUGH = {"baseline": "none", "both": "both", "serveronly": "server", "clientonly": "client"}
_ENDS = ("fortioclient", "fortioserver")
_US_PER_MS = 1e3


def _benchmark(content: bytes) -> Iterator[dict[str, object]]:
    """A run for each row. Latency is in microseconds; runs called baseline pass no proxy, though there are some.

    Sources: istio-tools (data/sources.csv).
    """
    table = pl.read_csv(io.BytesIO(content), infer_schema=False)
    label = pl.col("Labels")
    use = {"proxy_memory_mib": "mem_Mi_avg", "proxy_cpu_mcores": "cpu_mili_avg"}
    columns = {name: [each for each in table.columns if each.startswith(start)] for name, start in use.items()}
    runs = table.select(
        run=label,
        setup=label.str.extract(_LABEL, 4),
        through=label.str.extract(_LABEL, 5).replace_strict(_THROUGH, default=None, return_dtype=pl.String),
        requests_per_second=_number("ActualQPS"),
        connections=_number("NumThreads").cast(pl.Int64),
        payload_bytes=label.str.extract(_LABEL, 3).cast(pl.Int64),
        **{f"p{level}": _number(f"p{level}") / _US_PER_MS for level in PREDICTED},
        proxies=pl.lit(len(_ENDS), pl.Int64),
        **{name: _sum([each for each in found if each.endswith(_ENDS)]) for name, found in columns.items()},
    )
    return runs.iter_rows(named=True)


def _number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64, strict=False)


def _sum(columns: list[str]) -> pl.Expr:
    """Sum of both ends' figures; unknown where one is."""
    return pl.sum_horizontal(map(_number, columns), ignore_nulls=False) if columns else pl.lit(None, pl.Float64)


READERS: dict[str, tuple[Callable[[bytes], Iterator[dict[str, object]]], str]] = {
    "fortio": (_fortio, "run fortio with -p 50,90,99"),
    "oha": (_oha, "run oha for long enough that requests succeed"),
    "wrk": (_wrk, "run wrk with --latency"),
    "hey": (_hey, "run hey for long enough that requests succeed"),
    "k6": (_k6, "set summaryTrendStats to med, p(90) and p(99)"),
    "vegeta": (_vegeta, "give the output of vegeta report -type=json"),
    "ghz": (_ghz, "run ghz for long enough that requests succeed"),
    "locust-csv": (_locust, "give the file that ends in _stats.csv"),
    "benchmark-csv": (_benchmark, "give the table as the benchmark wrote it"),
}
"""How each kind of file is read, and what to do where it holds no percentiles."""
