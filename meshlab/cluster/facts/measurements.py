"""Measurements that a team has: traces, load tests and Prometheus, recognised by what is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from meshlab.cluster.facts.archives import Member
from meshlab.cluster.facts.files import files, text
from meshlab.cluster.facts.load_tests import PREDICTED, added_latency, read_load_test, read_runs
from meshlab.cluster.facts.measured import Measurements, kind_of
from meshlab.cluster.facts.prometheus import read_prometheus, read_saved
from meshlab.cluster.facts.read import Anonymize, hider
from meshlab.cluster.facts.traces import read_traces
from meshlab.errors import MeshlabError, Problem, did_you_mean
from meshlab.scenario import inputs
from meshlab.tables import read_table

__all__ = ["Measurements", "as_data", "compare_load_tests", "is_of_a_tool", "read_measurements", "read_prometheus"]

MAXIMUM_BYTES = 512 * 2**20
"""Largest file of measurements that is read, unpacked. [bytes]"""

READERS: dict[str, Callable[[bytes, str, str], Measurements]] = {
    "traces": read_traces,
    "load-test": read_load_test,
    "prometheus": read_saved,
}
"""Reader of each family of kinds."""


def read_measurements(path: Path) -> Measurements:
    """Measurements from a file: traces, a load test, or series of Prometheus; packed by gzip or not.

    Args:
        path: The file. Its kind is a row of ``data/facts/measurement_kinds.csv``, recognised by content.

    Raises:
        MeshlabError: The file cannot be read, is of no known kind, or is not as its kind demands.
    """
    content, kind = _content_and_kind(path)
    families = dict(read_table("facts/measurement_kinds").select("kind", "family").iter_rows())
    return READERS[families[kind]](content, kind, str(path))


def is_of_a_tool(path: Path) -> bool:
    """Whether a file is of a kind that ``read_measurements`` knows, or refuses by its name."""
    try:
        _content_and_kind(path)
    except MeshlabError as error:
        return any(problem.what in set(read_table("facts/unread_measurements")["what"]) for problem in error.problems)
    return True


def compare_load_tests(
    before: Path, after: Path, dataplane: str, scenario: dict[str, object] | None = None
) -> Measurements:
    """What a data plane adds to latency: a load test with it less the same load test without.

    Args:
        before: Result of the load test without the data plane.
        after: Result of the same load test with it.
        dataplane: The data plane: a row of ``data/dataplanes.csv`` but ``none``.
        scenario: Inputs that are known of both runs, such as ``pods`` and ``mtls``. Calls in sequence are one, unless
            told.

    Raises:
        MeshlabError: A file is no load test, or no two runs have the same load.
    """
    known = read_table("dataplanes")["dataplane"].to_list()[1:]
    if dataplane not in known:
        raise MeshlabError(Problem("dataplane", f"{dataplane!r} is unknown", did_you_mean(dataplane, known)))
    if unknown := [name for name in scenario or {} if name not in inputs()]:
        raise MeshlabError(
            Problem("scenario", f"{name!r} is no input", did_you_mean(name, inputs())) for name in unknown
        )
    old, new = (read_runs(*_content_and_kind(path, "load-test"), str(path)) for path in (before, after))
    frame, notes = added_latency(old, new, dataplane, {"call_depth": 1, **(scenario or {})})
    if frame.is_empty():
        rates = " and ".join(f"{runs['requests_per_second'].mean() or 0:.6g}" for runs in (old, new))
        what = f"tells nothing of what {dataplane} adds: {'; '.join(notes) or 'too many requests failed'}"
        todo = f"repeat both at one fixed rate (they ran at {rates} requests/s) with percentiles {', '.join(PREDICTED)}"
        raise MeshlabError(Problem(str(after), what, todo))
    measured = read_measurements(after)
    return Measurements(measured.kind, measured.source, figures=measured.figures, notes=notes, frame=frame)


def as_data(found: Measurements, *, anonymize: Anonymize = False) -> dict[str, object]:
    """Measurements as ``meshlab facts`` shows them beside the facts of a cluster."""
    hide = hider(anonymize)
    calls = found.calls.rows(named=True)
    return {
        "kind": found.kind,
        "source": hide(found.source),
        "inputs": {
            name: {"value": given.value, "status": given.status, "from": hide(given.source or found.source)}
            for name, given in found.supplied.items()
        },
        "figures": found.figures.drop("run").rows(named=True),
        "calls": [call | {end: hide(call[end]) for end in ("source", "target") if call[end]} for call in calls],
        # what a server warns of is its own text, and may name anything
        "notes": [
            note.replace(found.source, hide(found.source))
            for note in found.notes
            if anonymize is False or not note.startswith(f"{found.source} warns: ")
        ],
    }


def _content_and_kind(path: Path, family: str | None = None) -> tuple[bytes, str]:
    """The file in UTF-8, and its kind; of another family than the one that is asked for it is refused."""
    content = _content(path)
    kind = kind_of(content, str(path))
    kinds = read_table("facts/measurement_kinds")
    found = kinds.filter(kind=kind).row(0, named=True)
    if family not in (None, found["family"]):
        wanted = ", ".join(kinds.filter(family=family)["title"])
        raise MeshlabError(Problem(str(path), f"holds {found['title']}", f"give one of: {wanted}"))
    return content, kind


def _content(path: Path) -> bytes:
    """The file's bytes, unpacked; of an archive the one file in it."""
    if path.is_dir():
        raise MeshlabError(Problem(str(path), "is a folder", "name the file in it"))
    if path.is_file() and path.stat().st_size > MAXIMUM_BYTES:
        raise MeshlabError(_too_large(path))
    members: list[Member] = []
    for member in files(path):
        members.append(Member(member.name, member.content))
        if sum(len(each.content) for each in members) > MAXIMUM_BYTES:
            raise MeshlabError(_too_large(path))
    if len(members) != 1:
        raise MeshlabError(Problem(str(path), f"holds {len(members)} files", "give the one that holds measurements"))
    return text(members[0])


def _too_large(path: Path) -> Problem:
    return Problem(str(path), f"holds more than {MAXIMUM_BYTES // 2**20} MiB", "give a shorter time, or fewer traces")
