"""The user's own kubectl, asked for nothing but ``get --raw``: every login that works for it works here."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from typing import IO, NamedTuple

from meshlab.errors import MeshlabError, Problem
from meshlab.tables import read_table

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
    """The server does not list this: it is forbidden, or there is no such thing.

    Args:
        outcome: forbidden or missing.
    """

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class ExpiredError(Exception):
    """The rest of a list is no longer there: the list has to begin again."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A kubectl and the context that it is asked about.

    Args:
        context: A context of the kubeconfig.
        binary: The program.
        pause: Waits for so many seconds.
        tell: Shows a line that kubectl or a login plugin writes for the user, such as where to log in.
        begun: When the first request was made, on the clock that only goes forward. [s]
    """

    context: str
    binary: str
    pause: Callable[[float], None]
    tell: Callable[[str], None]
    begun: float = field(default_factory=time.monotonic)

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
