"""Commands that make reviews and open the workbooks: review, lab."""

from __future__ import annotations

from pathlib import Path

import click

from meshlab.errors import did_you_mean
from meshlab.run.cli.group import EXISTING_PATH, SOME_FAILED, batch_progress, main, quiet_option, tell

FORMATS = ("html", "ipynb", "json", "md", "adr", "pdf")
"""What a review is rendered to, as ``run.batch.pages`` has it: asked for before that is imported."""


def _formats(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    for name in names:
        if name not in FORMATS:
            raise click.BadParameter(f"{name!r} is no format; {did_you_mean(name, FORMATS)}")
    if not names:
        raise click.BadParameter(f"names no format; known: {', '.join(FORMATS)}")
    return names


@main.command()
@click.argument("paths", nargs=-1, type=EXISTING_PATH, metavar="[PATH]...")
@click.option(
    "-o",
    "--out",
    type=EXISTING_PATH,
    default=Path("reports"),
    show_default=True,
    metavar="DIR",
    help="Folder of the reports.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Reviews rendered at a time [default: the cores]."
)
@click.option(
    "--format",
    "formats",
    default="html,ipynb,json",
    show_default=True,
    callback=_formats,
    metavar="LIST",
    help=f"What to write, divided by commas: {', '.join(FORMATS)}.",
)
@click.option("--force", is_flag=True, help="Render what is unchanged, too.")
@click.option("--baseline", type=EXISTING_PATH, metavar="DIR", help="Reports of an earlier run to compare with.")
@click.option(
    "--tables", type=EXISTING_PATH, metavar="DIR", help="A folder of your own decision tables, laid over meshlab's."
)
@click.option(
    "--measured",
    type=EXISTING_PATH,
    multiple=True,
    metavar="FILE",
    help="Traces, load tests, answers of Prometheus or a folder of them: rates, depth of calls, narrower intervals.",
)
@quiet_option
@click.option("--scheduler", metavar="ADDRESS", help="Render on the Dask cluster of this scheduler.")
def review(  # noqa: PLR0913, PLR0917  (each is a question of its own; click passes them by name)
    paths: tuple[Path, ...],
    out: Path,
    jobs: int | None,
    formats: tuple[str, ...],
    force: bool,  # noqa: FBT001
    baseline: Path | None,
    tables: Path | None,
    measured: tuple[Path, ...],
    scheduler: str | None,
) -> int:
    """Render a review for each team.

    PATH is a team file, a cluster dump (a file, a folder or an archive), or a folder of team files. Without PATH the
    example teams are reviewed. A review whose inputs are unchanged is reused.

    Example: meshlab review teams/ --out reports
    """
    if not scheduler and (force or not (out / "index.json").exists()) and all(path.exists() for path in paths):
        # there will be something to render: the workers' imports and ours take as long
        from meshlab.run.batch.pool import start_early

        start_early()
    from meshlab.reviews.cases import example_teams, find_teams
    from meshlab.run.batch.batch import Job, render_reviews

    found = find_teams(paths or [example_teams()])
    if measured and len(found) != 1:
        raise click.UsageError(
            f"--measured goes with one team, and there are {len(found)}; name files under 'measured:' in each team file"
        )
    with batch_progress(len(found)) as progress:
        outcomes = render_reviews(
            found,
            Job(out, formats, force, tables=tables, measured=measured),
            jobs=jobs,
            scheduler=scheduler,
            baseline=baseline,
            progress=progress,
        )
    failed = sum(outcome.failed for outcome in outcomes)
    reused = sum(outcome.reused for outcome in outcomes)
    tell(f"{len(outcomes) - failed - reused} rendered, {reused} reused, {failed} failed; open {out / 'index.html'}")
    return SOME_FAILED if failed else 0


PORT = click.option(
    "--port", type=click.IntRange(1, 65535), help="Port on this machine [default: the first that is free]."
)
HANDED_ON = click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS]...")


@main.command()
@PORT
@click.option("--reset", is_flag=True, help="Put workbooks that you changed aside, and open fresh ones.")
@HANDED_ON
def lab(port: int | None, reset: bool, arguments: tuple[str, ...]) -> int:  # noqa: FBT001
    """Open the workbooks in JupyterLab, on this machine only.

    They are working copies in ./meshlab-workbooks. What follows -- goes to JupyterLab.

    Example: meshlab lab -- --no-browser
    """
    from meshlab.run.lab import open_lab

    return open_lab(port, arguments, reset=reset)


@main.command()
@PORT
@HANDED_ON
def app(port: int | None, arguments: tuple[str, ...]) -> int:
    """Open the first workbook as a page without code, on this machine only.

    What follows -- goes to Voila.

    Example: meshlab app --port 8890 -- --no-browser
    """
    from meshlab.run.lab import open_app

    return open_app(port, arguments)
