"""Commands that answer what fits and what can be declared: decide, iac."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from meshlab.errors import printable
from meshlab.run.cli.group import EXISTING_PATH, SOME_FAILED, form_option, main, many, show, text_table


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
    from meshlab.reviews.measurement import measurement_plan
    from meshlab.reviews.review import open_named
    from meshlab.show.plans import measurement_files

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
