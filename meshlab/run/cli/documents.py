"""Commands that fill design documents: chart, embed."""

from __future__ import annotations

from pathlib import Path

import click

from meshlab.errors import printable
from meshlab.run.cli.group import (
    EXISTING_PATH,
    SOME_FAILED,
    fail,
    form_option,
    is_quiet,
    main,
    many,
    quiet_option,
    show,
    tell,
    text_table,
)


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
