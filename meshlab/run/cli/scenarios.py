"""Commands that ask models and plans: estimate, evidence, sweep, decide, plan-measurement, iac."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meshlab.errors import MeshlabError, Problem, printable
from meshlab.run.cli.group import (
    EXISTING_PATH,
    SOME_FAILED,
    form_option,
    main,
    many,
    measured_options,
    own_measurements,
    quiet_option,
    show,
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
@click.option(
    "--draws",
    type=click.Choice(["50", "1024"]),
    default="1024",
    show_default=True,
    help="Joint draws behind the intervals of data planes; 50 stand for all where there are many thousand scenarios.",
)
@click.option("-o", "--out", type=EXISTING_PATH, metavar="FILE", help="Write to a file instead of standard output.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="How to write the estimates [default: by the ending of --out, else table].",
)
def estimate(  # noqa: PLR0913, PLR0917  (an option each)
    scenarios: Path,
    measured: Path | None,
    before: Path | None,
    dataplane: str | None,
    pairs: bool,  # noqa: FBT001
    network: bool,  # noqa: FBT001
    draws: str,
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
    from meshlab.models.evidence import calibrate
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
    coefficients = None if own is None else calibrate(own)
    given = read_scenarios(scenarios)
    if network:
        found = estimate_network(given)
    else:
        found = (
            estimate_pairs(given, coefficients) if pairs else estimates(given, coefficients, count=int(draws)).collect()
        )
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
    from meshlab.models.evidence import validate
    from meshlab.models.evidence.validation import told

    found = validate(own_measurements(measured, before, dataplane))
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


@main.command()
@click.argument("scenarios", type=EXISTING_PATH, required=False)
@click.option("--tables", type=EXISTING_PATH, metavar="DIR", help="A folder of your own tables, laid over meshlab's.")
@click.option("--check", is_flag=True, help="Prove the tables: preferences can decide, needs can be met.")
@click.option("--due", is_flag=True, help="List the texts behind the tables that have to be read again.")
@form_option("verdicts", "table", "json")
def decide(scenarios: Path | None, tables: Path | None, check: bool, due: bool, form: str) -> int:  # noqa: FBT001
    """Recommend a CNI and a mesh for each scenario.

    JSON holds the reasons, the blockers and what would change the answer, too.

    SCENARIOS is a .csv, .parquet, .json or .yaml file with one row for each scenario.

    Example: meshlab decide scenarios.csv --format json
    """
    from meshlab.models import decision

    if check:
        return _check_tables(tables, form)
    loaded = decision.load_tables(tables)
    if due:
        found = decision.due(loaded)
        show(form, found.to_dicts(), lambda: text_table(found))
        return 0
    if scenarios is None:
        raise click.UsageError("name a file of scenarios, or give --check or --due", click.get_current_context())
    from meshlab.files import pretty_json
    from meshlab.reviews.comparison import over_budget
    from meshlab.scenario import read_scenarios

    for change in loaded.changes:
        click.echo(f"meshlab: tables: row {change['id']} of {change['table']} {change['change']}", err=True)
    frame = read_scenarios(scenarios)
    if form == "json":
        click.echo(pretty_json(decision.explain(frame, loaded, over=over_budget({}))), nl=False)
    else:
        click.echo(text_table(decision.decide(frame, loaded).collect()), nl=False)
    return 0


def _check_tables(tables: Path | None, form: str) -> int:
    from meshlab.models import decision

    report = decision.check(tables)
    lines = [
        *(f"{'noted' if finding['ok'] else 'WRONG'}: {finding['message']}" for finding in report.findings),
        *(f"read on {name}: {100 * share:.0f} % of the cells of its pairs" for name, share in report.read.items()),
        "the tables hold" if report.ok else "the tables do not hold",
    ]
    plain = {"ok": report.ok, "findings": report.findings, "read": report.read}
    show(form, plain, lambda: "".join(f"{line}\n" for line in lines))
    return 0 if report.ok else SOME_FAILED


@main.command()
@click.argument("team")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the plan with its manifests and its table, instead of printing the plan.",
)
def plan_measurement(team: str, out: Path | None) -> None:
    """Plan the measurement that would narrow a team's choice most.

    TEAM is an example team, a team file or a dump. The plan says what to run, how often, and what is read back; nothing
    is applied.

    Example: meshlab plan-measurement teams/payments.yaml --out experiment
    """
    from meshlab.files import write_whole
    from meshlab.reviews.measurement_plan import measurement_plan
    from meshlab.reviews.review import open_named
    from meshlab.show.runbooks import measurement_files

    files = measurement_files(measurement_plan(open_named(team)))
    if out is None:
        click.echo(files["measurement.md"], nl=False)
        return
    for name, text in files.items():
        write_whole(out / name, text)
    click.echo(f"{many(len(files), 'file')} written to {printable(str(out))}", err=True)


@main.command()
@click.option("--team", type=EXISTING_PATH, metavar="FILE", help="A team file: its needs are what is wanted.")
@click.option("--values", type=EXISTING_PATH, metavar="FILE", help="Your own Helm values.")
@click.option("--plan", type=EXISTING_PATH, metavar="FILE", help="A plan or state, from terraform show -json.")
@click.option("--schema", type=EXISTING_PATH, metavar="FILE", help="From terraform providers schema -json.")
@click.option(
    "--values-schema", type=EXISTING_PATH, metavar="FILE", help="The chart's values.schema.json or values.yaml."
)
@click.option("--option", "options", multiple=True, metavar="NAME", help="A feature or chart option; may be repeated.")
@click.option("--product", metavar="NAME", help="Product whose chart takes options and values.")
@click.option("--chart-version", metavar="VERSION", help="Release of the chart.")
@click.option(
    "--live",
    type=EXISTING_PATH,
    metavar="PATH",
    help="What runs: Helm values of a release, or a dump with the ConfigMap cilium-config.",
)
@click.option(
    "--require",
    type=click.Choice(["typed", "raw"]),
    help="Exit with status 1 where something wanted is neither typed nor, under raw, reachable by raw values.",
)
@form_option("answer", "table", "json")
def iac(  # noqa: PLR0913, PLR0917  (each is a question of its own; click passes them by name)
    team: Path | None,
    values: Path | None,
    plan: Path | None,
    schema: Path | None,
    values_schema: Path | None,
    options: tuple[str, ...],
    product: str | None,
    chart_version: str | None,
    live: Path | None,
    require: str | None,
    form: str,
) -> int:
    """Show what Terraform can express, since when, and how late.

    Without options it prints the whole tracker. With --values and --live it shows where what runs is not what is
    declared.

    Example: meshlab iac --values values.yaml --require raw
    """
    from datetime import date

    from meshlab.planning.iac import drift, report
    from meshlab.reviews.team import read_team

    if live is not None:
        if values is None or require is not None:
            what = "--live compares with --values: name both, and --require without --live"
            raise click.UsageError(what, click.get_current_context())
        rows = drift(values, live)
        show(form, rows.to_dicts(), lambda: text_table(rows))
        return 0
    needs = None if team is None else read_team(team).value("needs")
    found = report(
        needs=needs,
        options=list(options) or None,
        values=values,
        plan=plan,
        schema=schema,
        values_schema=values_schema,
        product=product,
        chart_version=chart_version,
        require=require,
        as_of=date.today(),  # noqa: DTZ011  (the user's own day: facts go stale by it)
    )
    show(form, found, lambda: _iac_text(found))
    return SOME_FAILED if found["short"] else 0


def _iac_text(found: dict[str, Any]) -> str:
    import polars as pl

    answers = ["wanted", "product", "option", "status", "providers", "why", "as_of"]
    tracked = ["product", "feature", "provider", "status", "introduced_version", "provider_version", "lag_days"]
    shown, rows = (answers, found["wanted"]) if found["wanted"] else (tracked, found["features"])
    if not rows:
        return "nothing is wanted\n"
    lines = [text_table(pl.DataFrame(rows, infer_schema_length=None).select(shown))]
    lines += [
        f"falls short: {item['wanted']} of {item['product']} is {item['status']}, {item['required']} is required\n"
        for item in found["short"]
    ]
    return "".join(lines) + f"{_age_text(found)}\n"


def _age_text(found: dict[str, Any]) -> str:
    """How many of the rows are older than they may be relied on, and of what days they are."""
    stale, rows = found["stale"], len(found["features"])
    if not stale:
        return f"on {found['as_of']} each of {many(rows, 'row')} was looked up recently enough to rely on"
    lives, days = ({row[name] for row in stale} for name in ("life_days", "as_of"))
    old, seen = (" to ".join(map(str, sorted({min(ends), max(ends)}))) for ends in (lives, days))
    return (
        f"on {found['as_of']}, {len(stale)} of {many(rows, 'row')} behind this are too old to rely on: "
        f"looked up on {seen}, good for {old} days"
    )
