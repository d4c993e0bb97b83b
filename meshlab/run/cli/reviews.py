"""Commands that write: review, chart, embed; and those that open the workbooks: lab, app."""

from __future__ import annotations

from pathlib import Path

import click

from meshlab.errors import did_you_mean, printable
from meshlab.run.cli.group import (
    EXISTING_PATH,
    SOME_FAILED,
    batch_progress,
    fail,
    form_option,
    is_quiet,
    main,
    many,
    quiet_option,
    show,
    tell,
    text_table,
    verbose_option,
)

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
@verbose_option
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
NO_BROWSER = click.option(
    "--no-browser", "browser", flag_value="--no-browser", help="Open no browser; the address is printed."
)
HANDED_ON = click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS]...")


@main.command()
@PORT
@NO_BROWSER
@click.option("--reset", is_flag=True, help="Put workbooks that you changed aside, and open fresh ones.")
@HANDED_ON
def lab(port: int | None, browser: str | None, reset: bool, arguments: tuple[str, ...]) -> int:  # noqa: FBT001
    """Open the workbooks in JupyterLab, on this machine only.

    They are working copies in ./meshlab-workbooks. What follows -- goes to JupyterLab.

    Example: meshlab lab --no-browser
    """
    from meshlab.run.lab import open_lab

    return open_lab(port, [*filter(None, [browser]), *arguments], reset=reset)


@main.command()
@PORT
@NO_BROWSER
@HANDED_ON
def app(port: int | None, browser: str | None, arguments: tuple[str, ...]) -> int:
    """Open the first workbook as a page without code, on this machine only.

    What follows -- goes to Voila.

    Example: meshlab app --port 8890 --no-browser
    """
    from meshlab.run.lab import open_app

    return open_app(port, [*filter(None, [browser]), *arguments])


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--list", "listing", is_flag=True, help="List every chart with a line each.")
@click.option(
    "--team",
    "teams",
    multiple=True,
    metavar="TEAM",
    help="An example team, a team file, a dump or a review.json; may be repeated.",
)
@click.option(
    "-o",
    "--out",
    type=EXISTING_PATH,
    metavar="FILE",
    help="File: .svg, .png, .html, .json, .csv or .md; {team} and {chart} in its name are filled in.",
)
@click.option("--width", type=click.IntRange(400, 4000), default=720, show_default=True, help="Width in pixels.")
@click.option("--height", type=click.IntRange(200, 8000), help="Height in pixels [default: what the chart needs].")
@click.option("--scale", type=click.FloatRange(0.5, 8), default=1.0, show_default=True, help="Scale of a PNG.")
@click.option(
    "--theme",
    type=click.Choice(["light", "dark", "print", "auto"]),
    default="light",
    show_default=True,
    help="auto: an SVG that is light or dark as the reader's screen is.",
)
@click.option("--script", metavar="URL", help="Where HTML finds a shared plotly.js [default: within itself].")
@quiet_option
@form_option("list, or what was written", "table", "json")
def chart(  # noqa: PLR0913, PLR0917  (each is a question of its own; click passes them by name)
    names: tuple[str, ...],
    listing: bool,  # noqa: FBT001
    teams: tuple[str, ...],
    out: Path | None,
    width: int,
    height: int | None,
    scale: float,
    theme: str,
    script: str | None,
    form: str,
) -> None:
    """Write charts for a design document.

    NAME is a chart of --list; without one, all are written. No browser is needed. What is printed is each file with
    its text for readers who do not see it.

    Example: meshlab chart memory cost --team payments.yaml --out 'docs/{team}-{chart}.svg'
    """
    import polars as pl

    from meshlab.show.charts import CATALOGUE, Look
    from meshlab.show.charts.files import catalogue_rows, write_charts

    if listing:
        rows = catalogue_rows()
        show(form, rows, lambda: text_table(pl.DataFrame(rows)))
        return
    if out is None:
        raise click.UsageError("name the file to write, with --out, or ask for --list", click.get_current_context())
    look = Look(theme, width, height)
    written = write_charts(names or tuple(CATALOGUE), teams, out, look, scale=scale, script=script)
    if form == "json" or not is_quiet():
        found = [{"file": str(each.file), **each.chart.about} for each in written]
        lines = [printable(f"{each.file}: {each.chart.alt_text}") for each in written]
        show(form, found, lambda: "".join(f"{line}\n" for line in lines))


@main.command()
@click.argument("documents", nargs=-1, required=True, type=EXISTING_PATH, metavar="DOC...")
@click.option("--check", is_flag=True, help="Change nothing; exit with status 1 where a block is stale.")
@click.option(
    "--teams",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="A folder of team files, or of reports, whose teams blocks may name.",
)
@quiet_option
def embed(documents: tuple[Path, ...], check: bool, teams: Path | None) -> int:  # noqa: FBT001
    """Fill the marked blocks of Markdown documents.

    A block stands between two comments, <!-- meshlab chart=memory team=payments --> and <!-- /meshlab -->, and asks for
    chart=NAME, table=NAME, verdict or assumptions. A team is named, or given as a path relative to the document.
    Everything outside the blocks stays as it is.

    Example: meshlab embed --teams teams docs/adr/*.md --check
    """
    from meshlab.run import embed as documents_filled

    if check:
        stale = documents_filled.check(documents, teams=teams)
        if stale:
            fail(list(map(str, stale)), SOME_FAILED)
        return 0
    done = documents_filled.fill(documents, teams=teams)
    changed = [each for each in done if each.changed]
    blocks = sum(len(each.parts) for each in done)
    tell(f"{many(blocks, 'block')} in {many(len(done), 'document')}; {len(changed)} changed")
    return 0
