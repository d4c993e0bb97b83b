"""The group of all commands: how it is called, and how what goes wrong is told."""

from __future__ import annotations

import errno
import select
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from meshlab import __version__
from meshlab.errors import MeshlabError, Problem, did_you_mean, printable, problems_of

if TYPE_CHECKING:
    from collections.abc import Sequence


SOME_FAILED, WRONG_INPUT, FOUND = 1, 2, 3
"""Exit statuses: some of the work failed and the rest was done; input or call are wrong; the audit found something."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of a disk that takes no more."""


class _PipeOfOursError(Exception):
    """A pipe between processes of ours broke, with the error that tells where as its cause."""


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
    return f"{message}; see '{context.command_path} --help'" if context else message


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
