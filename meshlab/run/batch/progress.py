"""How far a batch is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshlab.run.batch.batch import Outcome


@contextmanager
def shown(total: int) -> Iterator[Callable[[Outcome], None]]:
    """Show each outcome of a batch on standard error as it comes; failures always get their lines."""
    from tqdm import tqdm

    # a file or a pipe gets a line for each team instead of a bar that redraws itself
    bar = tqdm(total=total, unit="team", desc="meshlab", file=sys.stderr, disable=not sys.stderr.isatty())
    with bar:

        def progress(outcome: Outcome) -> None:
            for reason in outcome.reasons:
                bar.write(f"meshlab: error: {reason}", file=sys.stderr)
            if bar.disable and not outcome.failed:
                bar.write(f"meshlab: {'reused' if outcome.reused else 'rendered'} {outcome.team}", file=sys.stderr)
            bar.update()

        yield progress
