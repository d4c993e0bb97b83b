"""Facts of a live cluster, by GETs of the user's own kubectl.

Which kinds are listed, and which facts stay unknown where one may not be, stands in ``data/facts/live_kinds.csv``;
kinds whose objects show needs in use stand in ``data/facts/needs_in_use.csv``. Secrets are in neither table, and
nothing outside of them is ever asked for.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from threading import Thread
from typing import IO, NamedTuple, TypeVar
from urllib.parse import urlencode

import msgspec
import polars as pl

from meshlab.cluster.facts.answers import ask
from meshlab.cluster.facts.archives import Budget
from meshlab.cluster.facts.cluster import cluster_of
from meshlab.cluster.facts.columns import Rows
from meshlab.cluster.facts.forms import Found
from meshlab.cluster.facts.json_reader import JSON_FAULTS, read_json
from meshlab.cluster.facts.paths import need_rows
from meshlab.cluster.facts.read import Anonymize, as_data
from meshlab.cluster.facts.signatures import Verdict, verdict
from meshlab.cluster.facts.summary import Fact, facts_of
from meshlab.errors import MeshlabError, Problem
from meshlab.tables import read_table

CHUNK = 500
"""Objects that are asked for at a time, as kubectl itself does."""


def read_live(
    context: str,
    *,
    kubectl: str = "kubectl",
    anonymize: Anonymize = False,
    explain: bool = False,
    pause: Callable[[float], None] = time.sleep,
    tell: Callable[[str], None] = lambda _line: None,
) -> dict[str, object]:
    """Facts of the cluster of a kubeconfig context.

    Args:
        context: The context.
        kubectl: The program.
        anonymize: Replace names by keyed hashes, and reduce free text.
        explain: Add what was seen for and against each fact.
        pause: Waits for so many seconds before another attempt.
        tell: Shows a line that a login plugin writes for the user.

    Returns:
        As ``read_facts``. Facts that rest on kinds which may not be listed are unknown, and ``provenance`` says why.

    Raises:
        MeshlabError: There is no kubectl or no such context, the server cannot be reached, or nothing may be listed.
    """
    if not context:
        raise MeshlabError(Problem("context", "is empty", "list the contexts: kubectl config get-contexts"))
    api = Kubectl(context, kubectl, pause, tell)
    rows, budget = Rows(), Budget()
    refused: dict[Want, str] = {}
    wanted = _wanted(api)
    for want in wanted:
        try:
            for found in _listed(api, want, budget):
                rows.add(found, want.origin(context))
        except NotListedError as error:
            refused[want] = error.outcome
    if all(want in refused for want in wanted if want.path is not None):
        raise MeshlabError(Problem(f"context {context}", "may list nothing", "ask for the right to get and list"))
    answers = ask(cluster_of(rows))
    facts = {"name": _name(verdict(answers.votes, "name"), context), **facts_of(answers)}
    known = {name: _withheld(name, fact, refused) for name, fact in facts.items()}
    return as_data(answers, known, [context], anonymize=anonymize, explain=explain)


class Want(NamedTuple):
    """Objects to list: a row of the table and where the server keeps them; path is None where it does not know them."""

    kind: str
    group: str
    selector: str
    decides: str
    helps: str
    path: str | None

    def origin(self, context: str) -> str:
        """Where facts come from, as provenance shows it."""
        return f"{context}:{self.path or f'/apis/{self.group}'}"


# --- what there is -------------------------------------------------------------------------------------------------


class _Version(msgspec.Struct, gc=False):
    version: str


class _Group(msgspec.Struct, gc=False, rename="camel"):
    name: str
    preferred_version: _Version


class _Groups(msgspec.Struct, gc=False):
    groups: list[_Group]


class _Resource(msgspec.Struct, gc=False):
    name: str
    kind: str


class _Resources(msgspec.Struct, gc=False):
    resources: list[_Resource]


def _wanted(api: Kubectl) -> list[Want]:
    """Rows of the table of kinds with the paths at which this server keeps them."""
    groups = {each.name: each.preferred_version.version for each in _decoded(api, "/apis", _Groups).groups}
    bases = {"": "/api/v1", **{name: f"/apis/{name}/{version}" for name, version in groups.items()}}
    table = [*read_table("facts/live_kinds").rows(named=True), *_of_needs()]
    served = {group: _plurals(api, bases[group]) for group in {row["group"] or "" for row in table} & bases.keys()}
    return [
        Want(
            *(row[name] or "" for name in ("kind", "group", "selector", "decides", "helps")),
            path=_path(row, bases, served),
        )
        for row in table
        if row["instead_of"] not in served
    ]


@cache
def _of_needs() -> list[dict[str, str | None]]:
    """Rows of kinds that are listed because objects of them may show a need in use, beside those of the table."""
    table = read_table("facts/live_kinds").select("kind", pl.col("group", "selector").fill_null("")).rows()
    rows = {
        (kind.partition("/")[0], group, f"metadata.name={name}" if (name := kind.partition("/")[2]) else ""): groups
        for kind, groups in need_rows().select("kind", pl.col("groups").fill_null("").str.split("|")).iter_rows()
        for group in groups
    }
    blank = dict.fromkeys(("decides", "helps"))
    return [
        {"kind": kind, "group": group, "selector": selector, "instead_of": _same_objects(group, groups), **blank}
        for (kind, group, selector), groups in sorted(rows.items())
        if (kind, group, selector) not in table
    ]


@cache
def _kinds_of_needs() -> frozenset[str]:
    return frozenset(kind.partition("/")[0] for kind in need_rows()["kind"])


def _same_objects(group: str, groups: list[str]) -> str | None:
    """The group among those of a kind that holds the objects which this one shows once more."""
    return next((each for each in groups if each != group and each.endswith(f".{group}")), None)


def _plurals(api: Kubectl, base: str) -> dict[str, str] | None:
    """Names of a group's resources by their kind; None where the group does not answer for now."""
    try:
        resources = _decoded(api, base, _Resources).resources
    except NotListedError:
        return None
    return {each.kind: each.name for each in resources if "/" not in each.name}


def _path(row: dict[str, str | None], bases: dict[str, str], served: dict[str, dict[str, str] | None]) -> str | None:
    group, kind = row["group"] or "", row["kind"] or ""
    if group not in served:
        return None
    plurals = served[group]
    if plurals is None:  # what the group holds is not known: asking for the usual plural tells forbidden from absent
        return f"{bases[group]}/{kind.lower()}s"
    return f"{bases[group]}/{plurals[kind]}" if kind in plurals else None


Discovery = TypeVar("Discovery", _Groups, _Resources)


def _decoded(api: Kubectl, path: str, of: type[Discovery]) -> Discovery:
    """Answer to a GET of what the server can do."""
    try:
        return msgspec.json.decode(api.get(path), type=of)
    except JSON_FAULTS:
        what = f"does not answer as Kubernetes does to GET {path}"
        raise MeshlabError(Problem(f"context {api.context}", what, "check the context's server")) from None


# --- lists ---------------------------------------------------------------------------------------------------------


class _ListMetadata(msgspec.Struct, gc=False):
    rest: str | None = msgspec.field(default=None, name="continue")


class _List(msgspec.Struct, gc=False):
    metadata: _ListMetadata | None = None


def _listed(api: Kubectl, want: Want, budget: Budget) -> list[Found]:
    """All objects of a kind; of one that the server does not know there are none.

    Raises:
        NotListedError: They may not be listed.
        MeshlabError: The server does not answer, or never comes to an end.
    """
    if want.path is None:
        return [Found(want.kind, want.group, empty=True)]
    for _ in range(ATTEMPTS):
        try:
            return list(_chunks(api, want, budget))
        except ExpiredError:  # a list that took too long begins again: one state of the cluster, not a mixture
            continue
    what = f"drops the list of {want.kind} before it is read, {ATTEMPTS} times in a row"
    raise MeshlabError(Problem(f"context {api.context}", what, "try again when the server is less busy"))


def _chunks(api: Kubectl, want: Want, budget: Budget) -> Iterator[Found]:
    """Objects of a list, asked for in chunks."""
    asked = {"limit": str(CHUNK)}
    if want.selector:
        asked["fieldSelector"] = want.selector
    rest, seen = "", set[str]()
    while rest not in seen:
        seen.add(rest)
        further = {"continue": rest} if rest else {}
        chunk = api.get(f"{want.path}?{urlencode(asked | further)}")
        budget.read(len(chunk), want.origin(api.context))
        yield from _objects(chunk, want, api.context)
        metadata = msgspec.json.decode(chunk, type=_List).metadata
        rest = (metadata and metadata.rest) or ""
        if not rest:
            return
    what = f"repeats itself in the list of {want.kind}"
    raise MeshlabError(Problem(f"context {api.context}", what, "give a dump instead"))


def _objects(chunk: bytes, want: Want, context: str) -> Iterator[Found]:
    """Objects of a chunk; one of another kind than was asked for is none of ours."""
    for found in read_json(chunk, want.origin(context)):
        if found.kind == want.kind:
            yield found


# --- what stays unknown --------------------------------------------------------------------------------------------

UNUSED = "needs.installed_unused"
"""Says of features that nothing uses them: not where one of the kinds that could show it may not be listed."""

REASONS = {
    "forbidden": "the user of this context may not list {kind}",
    "missing": "the server does not list {kind} for now",
}


def _withheld(name: str, fact: Fact, refused: dict[Want, str]) -> Fact:
    """The fact, unknown where it rests on what may not be listed; what else is unknown says so too."""
    for want, outcome in refused.items():
        decided = (want.decides and re.search(want.decides, name)) or (
            name == UNUSED and want.kind in _kinds_of_needs()
        )
        helped = want.helps and fact.value is None and fact.why is None and re.search(want.helps, name)
        if decided or helped:
            return Fact(why=REASONS[outcome].format(kind=want.kind))
    return fact


def _name(found: Verdict, context: str) -> Fact:
    if found.value is not None:
        return Fact(found.value, origin=found.file)
    return Fact(context, "inferred", context, "the name of the context")


# --- the user's own kubectl, asked for nothing but get --raw ---------------------------------------------------------
#
# So every login that works for it works here.


ATTEMPTS = 4
"""How often a request is made at most, where the server is busy or the connection breaks."""

FIRST_PAUSE_SECONDS = 1.0
"""Pause before the second attempt; each further one is twice as long. [s]"""

TIMEOUT_SECONDS = 180.0
"""Longest time of one request, a login in a browser included. [s]"""

TOTAL_SECONDS = 1800.0
"""Longest time of all requests together: a server may always have one more page. [s]"""

LAST_WORDS_SECONDS = 2.0
"""How long is waited for what a program said before it was ended. [s]"""

MAXIMUM_LINE_BYTES = 4096
"""Longest line of messages that is read at once. [bytes]"""

MOST_ERRORS = 100
"""Most lines of errors that are kept."""

MAXIMUM_ANSWER_BYTES = 256 * 2**20
"""Largest answer that is read; 500 pods fill about 5 MiB. [bytes]"""

_ERROR_LINE = re.compile(r"^(error:|Error from server|Unable to connect|The connection to the server|E\d{4} )")


class NotListedError(Exception):
    """The server does not list this: it is forbidden, or missing (``outcome``)."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class ExpiredError(Exception):
    """The rest of a list is no longer there: the list has to begin again."""


class Kubectl(msgspec.Struct, frozen=True):
    """A kubectl and the context that it is asked about."""

    context: str
    binary: str
    pause: Callable[[float], None]
    tell: Callable[[str], None]
    begun: float = msgspec.field(default_factory=time.monotonic)

    def get(self, path: str) -> bytes:
        """Answer to one GET. A busy server and a broken connection are tried again.

        Raises:
            NotListedError: It is forbidden, or there is no such thing.
            ExpiredError: The rest of a list is no longer there.
            MeshlabError: There is no answer, and another attempt will not help.
        """
        answer = self._attempt(path)
        for attempt in range(1, ATTEMPTS):
            if not isinstance(answer, _Failure) or answer.outcome not in ("busy", "broken"):
                break
            self.pause(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            answer = self._attempt(path)
        if not isinstance(answer, _Failure):
            return answer
        often = f", {ATTEMPTS} times in a row" if answer.outcome in ("busy", "broken") else ""
        raise MeshlabError(Problem(f"context {self.context}", f"{answer.what}{often}", answer.todo))

    def _attempt(self, path: str) -> bytes | _Failure:
        """Answer to one call, or why there is none."""
        status, answer, errors = self._run(path)
        if status == 0:
            return answer
        failure = _failure(errors, status)
        if failure.outcome in ("forbidden", "missing"):
            raise NotListedError(failure.outcome)
        if failure.outcome == "expired":
            raise ExpiredError
        return failure

    def _run(self, path: str) -> tuple[int, bytes, str]:
        """Exit status, answer and error messages of one call."""
        # one word, so that no context can pass for an option
        command = [self.binary, f"--context={self.context}", "get", "--raw", path]
        left = min(TIMEOUT_SECONDS, self.begun + TOTAL_SECONDS - time.monotonic())
        if left <= 0:
            what = f"took more than {TOTAL_SECONDS / 60:.0f} minutes in all"
            raise MeshlabError(Problem(f"context {self.context}", what, "give a dump instead"))
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
        except OSError as error:
            what = f"cannot be started: {error.strerror}"
            raise MeshlabError(Problem(self.binary, what, "install kubectl, or name the program")) from None
        errors: list[str] = []
        answers: list[bytes] = []
        # threads of their own: a child of kubectl may hold its pipes for ever
        readers = (
            Thread(target=lambda: answers.append(_read(process.stdout)), daemon=True),
            Thread(target=self._listen, args=(process.stderr, errors), daemon=True),
        )
        end = time.monotonic() + left
        for reader in readers:
            reader.start()
        readers[0].join(left)
        in_time, answer = bool(answers), b"".join(answers)
        if in_time and len(answer) <= MAXIMUM_ANSWER_BYTES:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))
        _end(process)
        for reader, stream in zip(readers, (process.stdout, process.stderr), strict=True):
            reader.join(LAST_WORDS_SECONDS)
            if stream is not None and not reader.is_alive():
                stream.close()
        if len(answer) > MAXIMUM_ANSWER_BYTES:
            what = f"sends more than {MAXIMUM_ANSWER_BYTES // 2**20} MiB at once"
            raise MeshlabError(Problem(f"context {self.context}", what, "give a dump instead"))
        return process.returncode if in_time else KILLED, answer, "\n".join(errors)

    def _listen(self, stream: IO[bytes] | None, errors: list[str]) -> None:
        """Keep error messages; tell the user all else, while the program runs: a login may wait for it."""
        while stream is not None and (raw := stream.readline(MAXIMUM_LINE_BYTES)):
            line = raw.decode("utf-8", "replace").rstrip()
            if _ERROR_LINE.match(line):
                del errors[MOST_ERRORS - 1 :]
                errors.append(line)
            elif line:
                self.tell(line)


def _read(stream: IO[bytes] | None) -> bytes:
    return b"" if stream is None else stream.read(MAXIMUM_ANSWER_BYTES + 1)


KILLED = -9
"""Exit status of a program that had to be ended."""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a program, and of what it has started: login plugins are programs of their own."""
    import psutil

    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    process.kill()
    process.wait()


class _Failure(NamedTuple):
    """Why there is no answer: an outcome of ``kubectl_errors.csv``, what is wrong, and what to do."""

    outcome: str
    what: str
    todo: str


@cache
def _failures() -> tuple[tuple[re.Pattern[str], _Failure], ...]:
    rows = read_table("facts/kubectl_errors").select("pattern", "outcome", "what", "todo").iter_rows()
    return tuple(
        (re.compile(pattern), _Failure(outcome, what or "", todo or "")) for pattern, outcome, what, todo in rows
    )


def _failure(errors: str, status: int) -> _Failure:
    """What an error message of kubectl means, in words of ours: its own may name users and hosts."""
    unknown = _Failure("fatal", f"kubectl failed with status {status}", "see what kubectl get --raw /api says")
    return next((failure for pattern, failure in _failures() if pattern.search(errors)), unknown)
