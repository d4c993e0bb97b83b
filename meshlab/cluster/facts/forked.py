"""Work for a second core: a copy of this process does it and sends the result as bytes."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

PIPE_BYTES = 1 << 20
"""Room that is asked for between the copy and this process: fewer turns for a large result. [byte]"""

WHOLE = b"\0whole"
"""What follows a result: without it, the copy ended before it was done."""


def has_second_core() -> bool:
    """Whether a copy of this process may run beside it. macOS has libraries that a copy may not use."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


@contextmanager
def forked(work: Callable[[], bytes]) -> Iterator[Callable[[], bytes | None]]:
    """Begin work in a copy of this process.

    The copy has none of this process's threads, so that the work must not ask polars for anything.

    Yields:
        A function that waits for the result; it gives None where the copy has failed.
    """
    import fcntl  # not everywhere, as forks are not

    reading, writing = os.pipe()
    with suppress(OSError):  # no more than a wish, which the system may refuse
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python tells that threads are lost: see above
        copy = os.fork()
    if copy == 0:
        _work_and_exit(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:

        def result() -> bytes | None:
            answer = stream.read()
            return answer[: -len(WHOLE)] if answer.endswith(WHOLE) else None

        try:
            yield result
        finally:
            # it gives back much memory before it is gone: nobody waits for that while there is work
            os.kill(copy, signal.SIGKILL)
            os.waitpid(copy, 0)


def _work_and_exit(work: Callable[[], bytes], writing: int) -> None:
    """Send the result and end without any of the clearing up that is this process's own."""
    try:
        with os.fdopen(writing, "wb") as stream:
            stream.write(work())
            stream.write(WHOLE)
    finally:
        os._exit(0)
