"""The group of all commands: how it is called, what its commands share, and how what goes wrong is told."""

from __future__ import annotations

import errno
import gc
import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from meshlab import __version__
from meshlab.errors import MeshlabError, Problem, did_you_mean, printable, problems_of

if TYPE_CHECKING:
    import polars as pl

    from meshlab.run.batch.batch import Outcome


SOME_FAILED, WRONG_INPUT, FOUND = 1, 2, 3
"""Exit statuses: some of the work failed and the rest was done; input or call are wrong; the audit found something."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of a disk that takes no more."""


ENDS = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]
"""Signals that end a command: of who stops a container or closes a terminal."""


class _PipeOfOursError(Exception):
    """A pipe between processes of ours broke, with the error that tells where as its cause."""


COLLECTED_AFTER = (20_000, 50, 100)
"""How rarely garbage is looked for: what a command imports stays, and looking takes a twentieth of its time."""


class Command(click.Group):
    """The group of all commands: a user's mistake becomes one line each, never a traceback."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is nearest."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"unknown command {args[0]!r}; {did_you_mean(args[0], self.commands)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; click itself would end without a word where any pipe breaks, and print a line on Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.Abort from None
        except BrokenPipeError as error:
            if _nobody_reads():
                sys.stderr.close()
                sys.exit(0)
            raise _PipeOfOursError from error

    def main(self, args: Sequence[str] | None = None, *rest: Any, **named: Any) -> NoReturn:
        """Run a command and exit with the status that docs/reference.md promises. ``--debug`` may stand anywhere."""
        gc.set_threshold(*COLLECTED_AFTER)
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            if getattr(sys, name) is None:  # closed: the next file that is opened would take its place, and its texts
                setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
        for number in ENDS if threading.current_thread() is threading.main_thread() else ():
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup has one of them ignored
                signal.signal(number, _ended)
        given = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in given
        words = [word for word in given if word != "--debug"]
        try:
            status = super().main(words, *rest, **{**named, "standalone_mode": False})
        except click.Abort:
            fail(["interrupted"], 130)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(WRONG_INPUT)
        except Exception as error:
            if debug:
                raise
            fail(*_told(error))
        sys.exit(status if isinstance(status, int) else 0)


def _ended(number: int, _frame: object) -> NoReturn:
    """End as after an error, so that what a command has begun is put away and its processes end with it."""
    fail([f"ended by {signal.Signals(number).name}"], 128 + number)


def _told(error: BaseException) -> tuple[list[str], int]:
    """The lines that tell of an error, and the exit status."""
    if isinstance(error, _PipeOfOursError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, click.ClickException):
        return [_usage_text(error)], WRONG_INPUT
    if isinstance(error, OSError) and error.filename is None and error.errno in NO_ROOM:
        sys.stdout = None  # what it still holds has no place to go, and would be tried again on the way out
        return [str(Problem("standard output", f"cannot be written: {error.strerror}", "check space"))], WRONG_INPUT
    ours = not isinstance(error, MeshlabError) and getattr(error, "filename", None) is None
    return list(map(str, problems_of(error, ""))), SOME_FAILED if ours else WRONG_INPUT


def _nobody_reads() -> bool:
    """Whether it is standard output whose reader is gone, as with ``| head``, and not a pipe of ours."""
    try:
        watch = select.poll()
        if sys.__stdout__ is None:
            return True
        watch.register(sys.__stdout__.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, event in watch.poll(0))
    except (AttributeError, OSError, ValueError):  # no such call on Windows, no such stream in a test
        return True


def _usage_text(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    message = printable(" ".join(error.format_message().split())).rstrip(".")
    if not context:
        return message
    _, example, line = (context.command.help or "").partition("Example: ")
    missing = type(error) in (click.UsageError, click.MissingParameter)
    shown = f"; for example: {' '.join(line.split())}" if example and missing else ""
    return f"{message}{shown}; see '{context.command_path} --help'"


def fail(lines: Sequence[str], status: int) -> NoReturn:
    """Print one line for each thing that is wrong and leave."""
    for line in lines:
        click.echo(f"meshlab: error: {line}", err=True)
    sys.exit(status)


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
def main(debug: bool) -> None:  # noqa: FBT001  (click passes options by name)
    """Architecture reviews of Kubernetes networking.

    Do we need a service mesh at all, which CNI and data plane fit, what would each cost, and how sure is that?
    """


# --- options that several commands share -----------------------------------------------------------------------------


FC = TypeVar("FC", bound="Callable[..., Any] | click.Command")

EXISTING_PATH = click.Path(path_type=Path)


def form_option(what: str, *known: str, on_a_terminal: str = "") -> Callable[[FC], FC]:
    """The option ``--format`` of what a command prints; the first form stands, or on a terminal the one for people."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(known),
        default=(lambda: on_a_terminal if sys.stdout.isatty() else known[0]) if on_a_terminal else known[0],
        show_default=f"{on_a_terminal} on a terminal, else {known[0]}" if on_a_terminal else True,
        help=f"How to print the {what}.",
    )


def quiet_option(command: FC) -> FC:
    """The option ``--quiet`` of a command that says how far it is: what went wrong is told all the same."""
    return _noted("quiet", "Say nothing but what goes wrong.")(command)


def verbose_option(command: FC) -> FC:
    """The option ``--verbose`` of a command that renders reviews."""
    return _noted("verbose", "Say what each team was answered, and after how long.")(command)


def _noted(name: str, text: str) -> Callable[[FC], FC]:
    """A flag that no command is handed: what is printed asks for it by ``_is``."""

    def note(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  (click's own)
        context.meta[name] = value

    return click.option(f"-{name[0]}", f"--{name}", is_flag=True, expose_value=False, callback=note, help=text)


def _is(name: str) -> bool:
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(name))


def measured_options(text: str) -> Callable[[FC], FC]:
    """The options of a command that takes a team's own measurements."""

    def added(command: FC) -> FC:
        for option in (
            click.option(
                "--dataplane", metavar="NAME", help="With --before: what the load test of --measured ran with."
            ),
            click.option(
                "--before", type=EXISTING_PATH, metavar="FILE", help="The load test of --measured without a data plane."
            ),
            click.option("--measured", type=EXISTING_PATH, metavar="FILE", help=text),
        ):
            command = option(command)
        return command

    return added


def own_measurements(measured: Path | None, before: Path | None, dataplane: str | None) -> pl.DataFrame | None:
    """What the options of ``measured_options`` name, or None where none was given."""
    from meshlab.models.evidence import read_measured

    if measured is None:
        if before or dataplane:
            raise click.UsageError("--before and --dataplane go with --measured", click.get_current_context())
        return None
    return read_measured(measured, before, dataplane)


# --- what commands print for people ----------------------------------------------------------------------------------


QUIET_S = 10.0
"""Time between two lines where there is no terminal. [s]"""


def many(number: int, noun: str) -> str:
    """So many of a thing, one alone without the s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def is_quiet() -> bool:
    """Whether the command that runs was asked to say nothing but what goes wrong."""
    return _is("quiet")


def tell(text: str) -> None:
    """Say on standard output what a command has done, unless it was asked to be quiet."""
    if not is_quiet():
        click.echo(text)


def show(form: str, found: object, text: Callable[[], str]) -> None:
    """Print what a command found: as JSON, or in the form for people."""
    from meshlab.files import pretty_json

    click.echo(pretty_json(found) if form == "json" else text(), nl=False)


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
def batch_progress(total: int) -> Generator[Callable[[Outcome], None]]:
    """Show each outcome of a batch on standard error as it comes; failures always get their lines."""
    from tqdm import tqdm

    # a file or a pipe gets a line for each team instead of a bar that redraws itself
    done, quiet, verbose, begun = 0, is_quiet(), _is("verbose"), time.monotonic()
    bar = tqdm(total=total, unit="team", desc="meshlab", file=sys.stderr, disable=quiet or not sys.stderr.isatty())
    with bar:

        def progress(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            for reason in outcome.reasons:
                bar.write(f"meshlab: error: {reason}", file=sys.stderr)
            if (bar.disable or verbose) and not outcome.failed and not quiet:
                made, row = "reused" if outcome.reused else "rendered", outcome.row or {}
                answer = f"{row.get('cni') or 'not known'}, {row.get('mesh') or 'not known'}"
                more = f": {answer}, after {time.monotonic() - begun:.1f} s" if verbose else ""
                bar.write(f"meshlab: {done} of {total} done, {made}: {outcome.team}{more}", file=sys.stderr)
            bar.update()

        yield progress


@contextmanager
def sweep_progress() -> Generator[Callable[[int, int], None]]:
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
