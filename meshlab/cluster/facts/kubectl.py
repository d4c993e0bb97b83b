"""The user's own kubectl, asked for nothing but ``get --raw``: every login that works for it works here."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Thread, Timer
from typing import IO, NamedTuple

from meshlab.errors import MeshlabError, Problem
from meshlab.tables import read_table

ATTEMPTS = 4
"""How often a request is made at most, where the server is busy or the connection breaks."""

FIRST_PAUSE_SECONDS = 1.0
"""Pause before the second attempt; each further one is twice as long. [s]"""

TIMEOUT_SECONDS = 180.0
"""Longest time of one request, a login in a browser included. [s]"""

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
    """

    context: str
    binary: str
    pause: Callable[[float], None]
    tell: Callable[[str], None]

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
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
        except OSError as error:
            what = f"cannot be started: {error.strerror}"
            raise MeshlabError(Problem(self.binary, what, "install kubectl, or name the program")) from None
        errors: list[str] = []
        with process:
            listener = Thread(target=self._listen, args=(process.stderr, errors), daemon=True)
            timer = Timer(TIMEOUT_SECONDS, process.kill)
            listener.start()
            timer.start()
            try:
                answer = _read(process.stdout)
            finally:
                timer.cancel()
                if process.stdout is not None:
                    process.stdout.close()  # a program that still writes then ends
                listener.join()
        if len(answer) > MAXIMUM_ANSWER_BYTES:
            what = f"sends more than {MAXIMUM_ANSWER_BYTES // 2**20} MiB at once"
            raise MeshlabError(Problem(f"context {self.context}", what, "give a dump instead"))
        return process.returncode, answer, "\n".join(errors)

    def _listen(self, stream: IO[bytes] | None, errors: list[str]) -> None:
        """Keep error messages; tell the user all else, while the program runs: a login may wait for it."""
        for raw in stream or ():
            line = raw.decode("utf-8", "replace").rstrip()
            if _ERROR_LINE.match(line):
                errors.append(line)
            elif line:
                self.tell(line)


def _read(stream: IO[bytes] | None) -> bytes:
    return b"" if stream is None else stream.read(MAXIMUM_ANSWER_BYTES + 1)


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
