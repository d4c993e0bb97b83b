"""Commands that ask the models what scenarios cost: estimate, evidence, sweep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshlab.errors import MeshlabError, Problem
from meshlab.run.cli.group import (
    EXISTING_PATH,
    SOME_FAILED,
    form_option,
    main,
    many,
    measured_options,
    own_measurements,
    quiet_option,
    sweep_progress,
    tell,
    text_table,
)

if TYPE_CHECKING:
    import polars as pl


@main.command()
@click.argument("scenarios", type=EXISTING_PATH)
@measured_options(
    "Your own measurements, which narrow the coefficients first: scenario columns, dataplane, metric, value; "
    "a load test (fortio, oha, wrk2, hey); or series of Prometheus."
)
@click.option("--pairs", is_flag=True, help="A row for each option of the contest, plugin and mesh together, instead.")
@click.option("--network", is_flag=True, help="A row for each network plugin by itself, by datapath, instead.")
@click.option("-o", "--out", type=EXISTING_PATH, metavar="FILE", help="Write to a file instead of standard output.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="How to write the estimates [default: by the ending of --out, else table].",
)
def estimate(
    scenarios: Path,
    measured: Path | None,
    before: Path | None,
    dataplane: str | None,
    pairs: bool,  # noqa: FBT001
    network: bool,  # noqa: FBT001
    out: Path | None,
    form: str | None,
) -> None:
    """Estimate what each data plane adds for each scenario.

    SCENARIOS is a .csv, .parquet, .json or .yaml file with one row for each scenario. Names of figures end in their
    unit; with _lo and _hi they are the ends of the 10-90 % interval. Where in_evidence_range is false, an input lies
    outside what was measured. With --pairs each option's figures stand over no mesh and over what runs today, with
    --network those of each network plugin over nodes without one.

    Example: meshlab estimate scenarios.csv --format json
    """
    from meshlab.models.evidence import narrow
    from meshlab.models.overhead import estimate as estimates
    from meshlab.models.overhead.network import estimate_network
    from meshlab.planning.comparison import estimate_pairs
    from meshlab.scenario import read_scenarios

    if network and (pairs or measured is not None):
        other = "--pairs" if pairs else "--measured"
        raise click.UsageError(f"--network does not go with {other}: leave one out", click.get_current_context())
    form = form or _form_of(out)
    if form == "parquet" and out is None:
        raise click.UsageError("parquet goes to a file: add --out FILE.parquet", click.get_current_context())
    own = own_measurements(measured, before, dataplane)
    coefficients = None if own is None else narrow(None, own)
    given = read_scenarios(scenarios)
    if network:
        found = estimate_network(given)
    else:
        found = estimate_pairs(given, coefficients) if pairs else estimates(given, coefficients).collect()
    _write(found, form, out)


ENDINGS = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".md": "table", ".txt": "table"}
"""How estimates are written to a file of that ending."""


def _form_of(out: Path | None) -> str:
    """How to write to a file: by its ending."""
    if out is None:
        return "table"
    if (form := ENDINGS.get(out.suffix.lower())) is None:
        what = f"ending {out.suffix!r} says no form of estimates" if out.suffix else "has no ending that says the form"
        raise MeshlabError(Problem(str(out), what, f"end it in {', '.join(ENDINGS)}, or give --format"))
    return form


def _write(frame: pl.DataFrame, form: str, out: Path | None) -> None:
    from io import BytesIO

    from meshlab.files import write_whole

    if form == "table":
        content = text_table(_headline_columns(frame)).encode()
    elif form == "parquet":
        buffer = BytesIO()
        frame.write_parquet(buffer)
        content = buffer.getvalue()
    else:
        content = (_as_csv(frame) if form == "csv" else frame.write_json() + "\n").encode()
    if out is None:
        click.echo(content, nl=False)
    else:
        write_whole(out, content)
        click.echo(f"meshlab: wrote {out}", err=True)


def _as_csv(frame: pl.DataFrame) -> str:
    """The frame as CSV; text that a spreadsheet would take for a formula is quoted."""
    import polars as pl

    from meshlab.files import FORMULA, NUMBER

    text = pl.col(pl.String)
    runs = text.str.contains(FORMULA) & ~text.str.contains(NUMBER)
    return frame.with_columns(pl.when(runs).then("'" + text).otherwise(text).name.keep()).write_csv()


def _headline_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """The table that a person reads: totals with their intervals; the other formats hold the rest."""
    from meshlab.reviews.review import SUMMARY_FIGURES

    keys = frame.columns[: frame.columns.index("memory_gib_lo")]
    shown = {f"{name}{end}" for name in SUMMARY_FIGURES for end in ("_lo", "", "_hi")} | {*keys, "in_evidence_range"}
    return frame.select(name for name in frame.columns if name in shown)


@main.command()
@measured_options(
    "Compare with your own measurements instead: scenario columns, dataplane, metric, value; "
    "a load test (fortio, oha, wrk2, hey); or series of Prometheus."
)
@form_option("comparison", "table", "json")
def evidence(measured: Path | None, before: Path | None, dataplane: str | None, form: str) -> None:
    """Show how well the models reproduce measurements.

    Published measurements, with each source left out in turn, or your own. Of n measurements, inside is the share
    that lies in the 10-90 % interval, median_factor how far the middle is off (1 is exact), and median_width the
    interval's upper end over its lower. The same with each source weighed alike ends in _by_source. Then follow the
    scores of the models beside one fitted constant each, a calculator's and the documentation's, by what was left out.

    Example: meshlab evidence --measured ours.csv
    """
    import polars as pl

    from meshlab.files import pretty_json
    from meshlab.models.evidence import assess
    from meshlab.models.evidence.scores import told

    found = assess(own_measurements(measured, before, dataplane))
    if form == "json":
        click.echo(pretty_json(found), nl=False)
        return
    for fit, kinds in found["summary"].items():
        heading = "each source left out in turn" if fit == "left_out" else fit.replace("_", " ")
        click.echo(f"{'your measurements against the models' if measured else heading}:")
        click.echo(text_table(pl.DataFrame([{"kind": kind, **figures} for kind, figures in kinds.items()])))
    if measured is None:
        click.echo("\n".join(told()))


@main.command()
@click.argument("spec", type=EXISTING_PATH)
@click.option(
    "-o", "--out", required=True, metavar="FILE.parquet", help="What to write: a file, a folder of parts, or s3://…"
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Parts at a time [default: the cores].")
@click.option("--scheduler", metavar="ADDRESS", help="Compute on the Dask cluster of this scheduler.")
@quiet_option
@click.option("--resume", is_flag=True, help="Keep the parts that an earlier run of the same spec has finished.")
def sweep(spec: Path, out: str, jobs: int | None, scheduler: str | None, resume: bool) -> int:  # noqa: FBT001
    """Estimate a grid or a random sample of scenarios of any size.

    SPEC is a YAML file: how to sample, the inputs as lists, ranges, distributions or columns of a file, and what to
    return. Many scenarios become a folder of Parquet files; each is written whole or not at all.

    Example: meshlab sweep fleets.yaml --out fleets.parquet
    """
    from meshlab.run.sweep.run import run_sweep

    with sweep_progress() as progress:
        outcome = run_sweep(spec, out, jobs=jobs, scheduler=scheduler, resume=resume, progress=progress)
    for line in outcome.failed:
        click.echo(f"meshlab: error: {line}", err=True)
    tell(
        f"{many(outcome.rows, 'scenario')} in {many(outcome.parts, 'part')}, {outcome.kept} of them kept, "
        f"{len(outcome.failed)} failed; see {out}"
    )
    return SOME_FAILED if outcome.failed else 0
