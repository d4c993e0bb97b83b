"""How far a sweep is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUIET_S = 10.0
"""Time between two lines where there is no terminal. [s]"""


@contextmanager
def shown() -> Iterator[Callable[[int, int], None]]:
    """Show scenarios done, their rate and the time left on standard error; what an earlier run did has no rate."""
    from tqdm import tqdm

    with tqdm(desc="meshlab", unit=" scenarios", unit_scale=True, file=sys.stderr, disable=None) as bar:
        told = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal told
            if bar.total is None:  # the first call tells where the run begins
                bar.initial, bar.total, bar.n = done, total, done
                bar.unpause()
            bar.update(done - bar.n)
            if bar.disable and (done == total or time.monotonic() - told > QUIET_S):
                told = time.monotonic()
                bar.write(f"meshlab: {done:,} of {total:,} scenarios", file=sys.stderr)

        yield progress
