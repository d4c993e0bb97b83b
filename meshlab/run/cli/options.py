"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl


FC = TypeVar("FC", bound="Callable[..., Any] | click.Command")

EXISTING_PATH = click.Path(path_type=Path)


def form_option(what: str, *known: str) -> Callable[[FC], FC]:
    """The option ``--format`` of what a command prints; the first form is the one that stands."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(known),
        default=known[0],
        show_default=True,
        help=f"How to print the {what}.",
    )


def quiet_option(command: FC) -> FC:
    """The option ``--quiet`` of a command that says how far it is: what went wrong is told all the same."""

    def note(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  (click's own)
        context.meta["quiet"] = value

    text = "Say nothing but what goes wrong."
    return click.option("-q", "--quiet", is_flag=True, expose_value=False, callback=note, help=text)(command)


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
