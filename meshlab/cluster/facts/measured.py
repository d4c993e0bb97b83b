"""What measurements of any kind become: figures, calls between services, and inputs; and what a file of them is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import PurePath

import msgspec
import polars as pl

from meshlab.cluster.facts.inferred_inputs import Supplied
from meshlab.cluster.facts.json_reader import JSON_FAULTS
from meshlab.errors import MeshlabError, Problem
from meshlab.scenario import inputs
from meshlab.tables import read_table

UNITS = {
    "memory": "MiB",
    "cpu": "mcores",
    "latency_mean": "ms",
    **{f"{of}latency_p{level}": "ms" for of in ("", "added_") for level in ("50", "90", "95", "99")},
    "throughput": "1/s",
}
"""Unit of each metric."""

FIGURES = pl.DataFrame(
    schema={
        **dict.fromkeys(("run", "dataplane", "component", "metric"), pl.String),
        "value": pl.Float64,
        "unit": pl.String,
        "instances": pl.Int64,
    }
)
"""A row a figure: of all instances of a component in one run, or of the path of a request (instances are requests)."""

CALLS_SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(("source", "target"), pl.String()),
    "calls": pl.Int64(),
    **dict.fromkeys(("share", "requests_per_second", "p50_ms", "p90_ms", "p99_ms"), pl.Float64()),
}

CALLS = tuple(CALLS_SCHEMA)
"""A row for each pair of services of which one calls the other; what is not known of it is null."""

NO_CALLS = pl.DataFrame(schema=CALLS_SCHEMA)

NO_EVIDENCE = pl.DataFrame(
    schema={
        **dict.fromkeys(("scenario", "dataplane", "metric"), pl.String),
        "value": pl.Float64,
        "unit": pl.String,
    }
)


class Measurements(msgspec.Struct, frozen=True):
    """What a file or a server measured.

    Args:
        kind: Kind of the file: a row of ``data/facts/measurement_kinds.csv``; prometheus-server for a server.
        source: The file or server.
        figures: Every figure, columns as ``FIGURES``.
        calls: Calls between services, columns as ``CALLS``.
        supplied: Declared inputs that follow.
        notes: What was left out or stays open, and why, a sentence each.
        frame: The figures that the models predict too, as ``meshlab evidence --measured`` takes them: inputs of a
            scenario that are known, and dataplane, metric, value and unit.
    """

    kind: str
    source: str
    figures: pl.DataFrame = msgspec.field(default_factory=lambda: FIGURES)
    calls: pl.DataFrame = msgspec.field(default_factory=lambda: NO_CALLS)
    supplied: dict[str, Supplied] = msgspec.field(default_factory=dict[str, Supplied])
    notes: tuple[str, ...] = ()
    frame: pl.DataFrame = msgspec.field(default_factory=lambda: NO_EVIDENCE)


def figure_rows(rows: Iterable[tuple[str, str | None, str | None, str, float | None, int | None]]) -> pl.DataFrame:
    """A frame of figures from run, dataplane, component, metric, value and instances; what has no value is left out."""
    known = [(*row[:5], UNITS[row[3]], row[5]) for row in rows if row[4] is not None]
    return pl.DataFrame(known, schema=FIGURES.schema, orient="row")


def evidence_rows(measured: pl.DataFrame, dataplane: str, scenario: Mapping[str, object]) -> pl.DataFrame:
    """Measurements as evidence: known inputs, then data plane, metric, value and unit.

    ``measured`` has the columns run, metric, value and inputs of a scenario; ``scenario`` holds those that all share.
    """
    known = [name for name in inputs() if name in measured.columns]
    shared = {name: value for name, value in scenario.items() if value is not None}
    return measured.select(
        pl.col("run").alias("scenario"),
        *(pl.col(name).cast(inputs()[name].dtype) for name in known if name not in shared),
        *(pl.lit(value, inputs()[name].dtype).alias(name) for name, value in shared.items()),
        pl.lit(dataplane).alias("dataplane"),
        "metric",
        "value",
        unit=pl.col("metric").replace_strict(dict(read_table("figures").select("figure", "unit").iter_rows())),
    )


def base_name(file: str) -> str:
    """A file's name without its folders, as figures and provenance show it: the same wherever the file lies."""
    return PurePath(file).name


# --- what kind of file it is -----------------------------------------------------------------------------------------


HEAD_BYTES = 64 * 2**10
"""How much of a text's beginning decides. [bytes]"""

_DEPTH = 3
_MOST_KEYS = 256

_LISTED = msgspec.json.Decoder(list[msgspec.Raw])
_KEYED = msgspec.json.Decoder(dict[str, msgspec.Raw])


def kind_of(content: bytes, file: str) -> str:
    """Kind of a file: a row of ``data/facts/measurement_kinds.csv``."""
    form, shape = _shape(content, file)
    heads = {form: shape, "raw": content[:HEAD_BYTES].decode("utf-8", "replace")}
    for of_form, pattern, what, todo in _unread():
        if pattern.search(heads.get(of_form, "")):
            raise MeshlabError(Problem(file, what, todo))
    for kind, pattern in _patterns(form):
        if pattern.search(shape):
            return kind
    known = ", ".join(read_table("facts/measurement_kinds")["title"])
    raise MeshlabError(Problem(file, UNKNOWN_KIND, f"known: {known}"))


def refuse_measurements(content: bytes, file: str, wanted: str) -> None:
    """Refuse measurements, and other files that are known, where a cluster or a team is wanted; others pass."""
    try:
        title = read_table("facts/measurement_kinds").filter(kind=kind_of(content, file))["title"].item()
    except MeshlabError as error:
        if any(each.what in (UNKNOWN_KIND, OF_KUBERNETES) or each.line for each in error.problems):
            return
        raise
    what = f"holds {title}, and no {wanted}"
    raise MeshlabError(Problem(file, what, "give it beside a team file: meshlab review TEAM --measured FILE"))


UNKNOWN_KIND, OF_KUBERNETES = "holds no measurements that are known here", "holds objects of Kubernetes"


@cache
def _patterns(form: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = read_table("facts/measurement_kinds").filter(form=form).select("kind", "pattern").iter_rows()
    return tuple((kind, re.compile(pattern, re.MULTILINE)) for kind, pattern in rows)


@cache
def _unread() -> tuple[tuple[str, re.Pattern[str], str, str], ...]:
    """Files that are known and tell nothing of a mesh: form, pattern, what each is, and what to give instead."""
    rows = read_table("facts/unread_measurements").select("form", "pattern", "what", "todo").iter_rows()
    return tuple((form, re.compile(pattern, re.MULTILINE), what, todo) for form, pattern, what, todo in rows)


def _shape(content: bytes, file: str) -> tuple[str, str]:
    """The form, and what patterns are searched in: the paths of JSON, or the beginning of a text."""
    if content.lstrip()[:1] in (b"{", b"["):
        try:
            return "json", "\n".join(json_paths(first_document(content, file)))
        except JSON_FAULTS as error:
            raise MeshlabError(broken(error, content, file)) from None
    return "text", content[:HEAD_BYTES].decode("utf-8", "replace")


def first_document(content: bytes, file: str) -> bytes:
    """The whole text where it is one JSON document, else its first line: some tools write a document a line."""
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except JSON_FAULTS as error:
        line = content.lstrip().partition(b"\n")[0]
        if line == content.strip() or not _is_json(line):
            raise MeshlabError(broken(error, content, file)) from None
        return line
    return content


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except JSON_FAULTS:
        return False
    return True


def broken(error: Exception, content: bytes, file: str) -> Problem:
    """What is wrong with JSON that does not decode, without a word of what it holds."""
    if isinstance(error, RecursionError):
        return Problem(file, "is nested too deeply", "give the file as the tool wrote it")
    if isinstance(error, UnicodeDecodeError):
        return Problem(file, "is not UTF-8", "give the file as the tool wrote it")
    if "truncated" in str(error):
        return Problem(
            file, "ends in the middle of JSON", "write it again: the file is cut off", content.count(b"\n") + 1
        )
    position = re.search(r"byte (\d+)", str(error))
    line = content.count(b"\n", 0, int(position[1])) + 1 if position else None
    if isinstance(error, msgspec.ValidationError):
        return Problem(file, f"is not as its kind demands: {error}", "give the file as the tool wrote it", line)
    return Problem(file, "is not JSON", "give the file as the tool wrote it", line)


def json_paths(value: bytes | msgspec.Raw, prefix: str = "", depth: int = _DEPTH) -> Iterator[str]:
    """Keys of a JSON value, a few levels deep, as ``data[].spans``; of a list only the first item counts."""
    if prefix:
        yield prefix
    if depth == 0:
        return
    for key, inner in _inner(value):
        yield from json_paths(inner, f"{prefix}{'' if key == '[]' or not prefix else '.'}{key}", depth - 1)


def _inner(value: bytes | msgspec.Raw) -> list[tuple[str, msgspec.Raw]]:
    start = bytes(value).lstrip()[:1]
    if start == b"[":
        return [("[]", item) for item in _LISTED.decode(value)[:1]]
    if start == b"{":
        return list(_KEYED.decode(value).items())[:_MOST_KEYS]
    return []
