"""What commands print for people: tables, numbers of things, and how far they are."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import polars as pl

    from meshlab.run.batch.batch import Outcome

QUIET_S = 10.0
"""Time between two lines where there is no terminal. [s]"""


def many(number: int, noun: str) -> str:
    """So many of a thing, one alone without the s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def is_quiet() -> bool:
    """Whether the command that runs was asked to say nothing but what goes wrong."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get("quiet"))


def tell(text: str) -> None:
    """Say on standard output what a command has done, unless it was asked to be quiet."""
    if not is_quiet():
        click.echo(text)


def text_table(frame: pl.DataFrame) -> str:
    """A frame as a table of Markdown, whole; figures have three significant digits, as in reports."""
    import polars as pl

    from meshlab.units import significant

    def told(value: float) -> str:
        return significant(value) if math.isfinite(value) else str(value)

    frame = frame.with_columns(pl.selectors.float().map_elements(told, return_dtype=pl.String))
    with pl.Config(
        tbl_formatting="MARKDOWN",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=-1,
        fmt_str_lengths=200,
        fmt_table_cell_list_len=-1,
    ):
        return f"{frame}\n"


# --- how far they are ------------------------------------------------------------------------------------------------


@contextmanager
def batch_progress(total: int) -> Iterator[Callable[[Outcome], None]]:
    """Show each outcome of a batch on standard error as it comes; failures always get their lines."""
    from tqdm import tqdm

    # a file or a pipe gets a line for each team instead of a bar that redraws itself
    done, quiet = 0, is_quiet()
    bar = tqdm(total=total, unit="team", desc="meshlab", file=sys.stderr, disable=quiet or not sys.stderr.isatty())
    with bar:

        def progress(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            for reason in outcome.reasons:
                bar.write(f"meshlab: error: {reason}", file=sys.stderr)
            if bar.disable and not outcome.failed and not quiet:
                made = "reused" if outcome.reused else "rendered"
                bar.write(f"meshlab: {done} of {total} {made}: {outcome.team}", file=sys.stderr)
            bar.update()

        yield progress


@contextmanager
def sweep_progress() -> Iterator[Callable[[int, int], None]]:
    """Show scenarios done, their rate and the time left on standard error; what an earlier run did has no rate."""
    from tqdm import tqdm

    quiet = is_quiet()
    with tqdm(desc="meshlab", unit=" scenarios", unit_scale=True, file=sys.stderr, disable=quiet or None) as bar:
        told = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal told
            if bar.total is None:  # the first call tells where the run begins
                bar.initial, bar.total, bar.n = done, total, done
                bar.unpause()
            bar.update(done - bar.n)
            if bar.disable and not quiet and (done == total or time.monotonic() - told > QUIET_S):
                told = time.monotonic()
                bar.write(f"meshlab: {done:,} of {total:,} scenarios", file=sys.stderr)

        yield progress
