"""The command line: reads what was asked, calls the package, prints what came back.

Everything heavy is imported inside the command that needs it, so that ``meshlab --help`` starts at once.
"""

from __future__ import annotations

import errno
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from meshlab import __version__
from meshlab.errors import MeshlabError, Problem, did_you_mean, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from meshlab.decision.tables import Tables


SOME_FAILED, WRONG_INPUT = 1, 2
"""Exit statuses: some of the work failed and the rest was done; the input or the call is wrong."""

MOST_EXPLAINED = 100
"""Most scenarios whose confidence a table of verdicts tells."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of a disk that takes no more."""

FC = TypeVar("FC", bound="Callable[..., Any] | click.Command")

EXISTING_PATH = click.Path(path_type=Path)


class Command(click.Group):
    """The group of all commands: a user's mistake becomes one line each, never a traceback."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is nearest."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"unknown command {args[0]!r}; {did_you_mean(args[0], self.commands)}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **named: Any) -> NoReturn:
        """Run a command and exit with the status that the README promises. ``--debug`` may stand anywhere."""
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
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
        except Exception as error:
            if debug:
                raise
            fail(*_told(error))
        sys.exit(status if isinstance(status, int) else 0)


def _told(error: Exception) -> tuple[list[str], int]:
    """The lines that tell of an error, and the exit status."""
    if isinstance(error, click.ClickException):
        return [_usage_text(error)], WRONG_INPUT
    if isinstance(error, MeshlabError):
        return [str(problem) for problem in error.problems], WRONG_INPUT
    if isinstance(error, OSError) and error.filename is None and error.errno in NO_ROOM:
        sys.stdout = None  # what it still holds has no place to go, and would be tried again on the way out
        return [str(Problem("standard output", f"cannot be written: {error.strerror}", "check space"))], WRONG_INPUT
    # an error of ours: its own words may quote what the input holds, so the place has to do
    package = Path(__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    place = [frame for frame in frames if Path(frame.filename).is_relative_to(package)][-1]
    where = f"{Path(place.filename).relative_to(package).as_posix()}:{place.lineno}"
    return [f"unexpected {type(error).__name__} at {where}; run again with --debug and report it"], SOME_FAILED


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
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
def main(debug: bool) -> None:  # noqa: FBT001  (click passes options by name)
    """Architecture reviews of Kubernetes networking.

    Do we need a service mesh at all, which CNI and data plane fit, what would each cost, and how sure is that?
    """


def _many(number: int, noun: str) -> str:
    """So many of a thing, one alone without the s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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


def _own_measurements(measured: Path | None, before: Path | None, dataplane: str | None) -> pl.DataFrame | None:
    from meshlab.evidence import read_measured

    if measured is None:
        if before or dataplane:
            raise click.UsageError("--before and --dataplane go with --measured", click.get_current_context())
        return None
    return read_measured(measured, before, dataplane)


# --- review --------------------------------------------------------------------------------------------------------


def _formats(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    from meshlab.rendering.batch import formats_known

    known = formats_known()
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r} is no format; {did_you_mean(name, known)}")
    if not names:
        raise click.BadParameter(f"names no format; known: {', '.join(known)}")
    return names


@main.command()
@click.argument("paths", nargs=-1, type=EXISTING_PATH, metavar="[PATH]...")
@click.option(
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
    help="What to write, divided by commas: html, ipynb, json, md, adr, pdf.",
)
@click.option("--force", is_flag=True, help="Render what is unchanged, too.")
@click.option("--baseline", type=EXISTING_PATH, metavar="DIR", help="Reports of an earlier run to compare with.")
@click.option(
    "--tables", type=EXISTING_PATH, metavar="DIR", help="A folder of your own decision tables, laid over meshlab's."
)
@click.option("--scheduler", metavar="ADDRESS", help="Render on the Dask cluster of this scheduler.")
def review(
    paths: tuple[Path, ...],
    out: Path,
    jobs: int | None,
    formats: tuple[str, ...],
    force: bool,  # noqa: FBT001
    baseline: Path | None,
    tables: Path | None,
    scheduler: str | None,
) -> int:
    """Render a review for each team.

    PATH is a team file, a cluster dump (a file, a folder or an archive), or a folder of team files. Without PATH the
    example teams are reviewed. A review whose inputs are unchanged is reused.

    Example: meshlab review teams/ --out reports
    """
    from meshlab.cases import example_teams, find_teams
    from meshlab.rendering.batch import Job, render_reviews
    from meshlab.rendering.progress import shown

    found = find_teams(paths or [example_teams()])
    with shown(len(found)) as progress:
        outcomes = render_reviews(
            found,
            Job(out, formats, force, tables=tables),
            jobs=jobs,
            scheduler=scheduler,
            baseline=baseline,
            progress=progress,
        )
    failed = sum(outcome.failed for outcome in outcomes)
    reused = sum(outcome.reused for outcome in outcomes)
    click.echo(
        f"{len(outcomes) - failed - reused} rendered, {reused} reused, {failed} failed; open {out / 'index.html'}"
    )
    return SOME_FAILED if failed else 0


# --- facts, estimate, decide ---------------------------------------------------------------------------------------


@main.command()
@click.argument("paths", nargs=-1, type=EXISTING_PATH, metavar="[PATH]...")
@click.option("--context", metavar="NAME", help="Read the live cluster of this kubeconfig context through kubectl.")
@click.option(
    "--prometheus", metavar="URL", help="Ask this Prometheus server, too, what proxies used and who called whom."
)
@click.option("--anonymize", is_flag=True, help="Replace names by stable hashes.")
@form_option("facts", "yaml", "json")
def facts(paths: tuple[Path, ...], context: str | None, prometheus: str | None, anonymize: bool, form: str) -> None:  # noqa: FBT001
    """Read a cluster's facts from dumps, or from a live cluster.

    PATH is a file, a folder or an archive: what kubectl printed, or a bundle of another tool (troubleshoot, cilium
    sysdump, istioctl bug-report, must-gather, sonobuoy). What the input does not hold is null.

    Example: kubectl get nodes,pods,services -A -o json > dump.json; meshlab facts dump.json
    """
    from meshlab.facts import read_facts
    from meshlab.facts.live import read_live
    from meshlab.files import pretty_json

    if bool(paths) == bool(context):
        raise click.UsageError("name the dumps to read, or a --context, and not both", click.get_current_context())
    if context:
        found = read_live(context, anonymize=anonymize, tell=lambda line: click.echo(printable(line), err=True))
    else:
        found = read_facts(list(paths), anonymize=anonymize)
    if prometheus:
        from meshlab.facts.measurements import as_data, read_prometheus

        found["measured"] = as_data(read_prometheus(prometheus), anonymize=anonymize)
    if form == "json":
        click.echo(pretty_json(found), nl=False)
    else:
        import yaml

        click.echo(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100), nl=False)


@main.command()
@click.argument("scenarios", type=EXISTING_PATH)
@measured_options(
    "Your own measurements, which narrow the coefficients first: scenario columns, dataplane, metric, value; "
    "a load test (fortio, oha, wrk2, hey); or series of Prometheus."
)
@click.option("--out", type=EXISTING_PATH, metavar="FILE", help="Write to a file instead of standard output.")
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
    out: Path | None,
    form: str | None,
) -> None:
    """Estimate what each data plane adds for each scenario.

    SCENARIOS is a .csv, .parquet, .json or .yaml file with one row for each scenario.

    Example: meshlab estimate scenarios.csv --format json
    """
    from meshlab.evidence import narrow
    from meshlab.overhead import estimate as estimates
    from meshlab.scenario import read_scenarios

    form = form or _form_of(out)
    if form == "parquet" and out is None:
        raise click.UsageError("parquet goes to a file: add --out FILE.parquet", click.get_current_context())
    own = _own_measurements(measured, before, dataplane)
    coefficients = None if own is None else narrow(None, own)
    _write(estimates(read_scenarios(scenarios), coefficients).collect(), form, out)


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
        content = _text_table(frame.select(_headline_columns(frame))).encode()
    elif form == "parquet":
        buffer = BytesIO()
        frame.write_parquet(buffer)
        content = buffer.getvalue()
    else:
        content = (frame.write_csv() if form == "csv" else frame.write_json() + "\n").encode()
    if out is None:
        click.echo(content, nl=False)
    else:
        write_whole(out, content)
        click.echo(f"meshlab: wrote {out}", err=True)


def _headline_columns(frame: pl.DataFrame) -> list[str]:
    """Columns of the table that a person reads: totals with their intervals; the other formats hold the rest."""
    figures = ("memory_gib", "cpu_cores", "added_p99_ms", "cost_usd_per_month")
    wanted = ["scenario", "dataplane", *(f"{name}{end}" for name in figures for end in ("_lo", "", "_hi"))]
    return [name for name in [*wanted, "in_evidence_range"] if name in frame.columns]


def _text_table(frame: pl.DataFrame) -> str:
    import polars as pl

    with pl.Config(
        tbl_formatting="MARKDOWN",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=-1,
        fmt_str_lengths=200,
        fmt_table_cell_list_len=-1,
        float_precision=3,
    ):
        return f"{frame}\n"


@main.command()
@click.argument("scenarios", type=EXISTING_PATH, required=False)
@click.option("--tables", type=EXISTING_PATH, metavar="DIR", help="A folder of your own tables, laid over meshlab's.")
@click.option("--check", is_flag=True, help="Prove the tables: no gap, no row that never decides, every overlap named.")
@form_option("verdicts", "table", "json")
def decide(scenarios: Path | None, tables: Path | None, check: bool, form: str) -> int:  # noqa: FBT001
    """Recommend a CNI and a mesh for each scenario.

    JSON holds the reasons, the blockers and what would change the answer, too.

    SCENARIOS is a .csv, .parquet, .json or .yaml file with one row for each scenario.

    Example: meshlab decide scenarios.csv --format json
    """
    from meshlab import decision

    if check:
        return _check_tables(tables, form)
    loaded = decision.load_tables(tables)
    if scenarios is None:
        raise click.UsageError("name a file of scenarios, or give --check", click.get_current_context())
    from meshlab.files import pretty_json
    from meshlab.scenario import read_scenarios

    for change in loaded.changes:
        click.echo(f"meshlab: tables: row {change['id']} of {change['table']} {change['change']}", err=True)
    frame = read_scenarios(scenarios)
    if form == "json":
        click.echo(pretty_json(decision.explain(frame, loaded)), nl=False)
    else:
        click.echo(_text_table(_with_confidence(decision.decide(frame, loaded).collect(), frame, loaded)), nl=False)
    return 0


def _with_confidence(verdicts: pl.DataFrame, frame: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Verdicts with their confidence beside the mesh, where they are few: each takes some hundredths of a second."""
    import polars as pl

    from meshlab import decision

    if verdicts.height > MOST_EXPLAINED:
        click.echo(f"meshlab: confidence is told of up to {MOST_EXPLAINED} scenarios; JSON has it for all", err=True)
        return verdicts
    told = {"confidence": [answer["confidence"] for answer in decision.explain(frame, tables)]}
    answers = pl.DataFrame(told, {"confidence": pl.Float64})
    shares = answers.select(confidence=pl.format("{} %", (100 * pl.col("confidence")).round().cast(pl.Int64)))
    return verdicts.insert_column(verdicts.get_column_index("mesh") + 1, shares["confidence"])


def _check_tables(tables: Path | None, form: str) -> int:
    from meshlab import decision
    from meshlab.files import pretty_json

    report = decision.check(tables)
    if form == "json":
        click.echo(pretty_json({"ok": report.ok, "findings": report.findings}), nl=False)
    else:
        for finding in report.findings:
            click.echo(f"{'noted' if finding['ok'] else 'WRONG'}: {finding['message']}")
        click.echo("the tables hold" if report.ok else "the tables do not hold")
    return 0 if report.ok else SOME_FAILED


@main.command()
@click.argument("paths", nargs=-1, required=True, type=EXISTING_PATH, metavar="PATH...")
@click.option("--from", "today", default="", metavar="PLACE", help="What runs today, where the dump does not tell.")
@click.option("--to", "target", default="", metavar="PLACE", help="Where to move [default: the decision's verdict].")
@form_option("plans", "table", "json")
def migrate(paths: tuple[Path, ...], today: str, target: str, form: str) -> None:
    """Plan the move of a cluster, node by node: steps, hours, blockers, what it needs and saves.

    PATH is a team file, a cluster dump, or a folder of team files. PLACE is a network plugin, a mesh, or both as
    cilium+istio-ambient; calico-ebpf asks for Calico's eBPF data plane. How long things take is assumed, and replaced
    by what a team file states under migration:.

    Example: meshlab migrate must-gather.tar.gz --to cilium+none
    """
    from meshlab.cases import find_teams, load_team, open_case
    from meshlab.files import pretty_json
    from meshlab.migration.text import plan_text
    from meshlab.moves import plans

    made = plans([open_case(load_team(path)) for path in find_teams(paths)], today, target)
    if form == "json":
        click.echo(pretty_json(made), nl=False)
    else:
        click.echo("\n".join(printable(line) for plan in made for line in plan_text(plan)))


# --- evidence, audit, iac ------------------------------------------------------------------------------------------


@main.command()
@measured_options(
    "Compare with your own measurements instead: scenario columns, dataplane, metric, value; "
    "a load test (fortio, oha, wrk2, hey); or series of Prometheus."
)
@form_option("comparison", "table", "json")
def evidence(measured: Path | None, before: Path | None, dataplane: str | None, form: str) -> None:
    """Show how well the models reproduce measurements.

    Published measurements, with each source left out in turn, or your own: the share inside the 10-90 %
    interval, the factor by which the middle is off, and the interval's upper end over its lower. The same
    with each source weighed alike stands beside it.

    Example: meshlab evidence --measured ours.csv
    """
    import polars as pl

    from meshlab.evidence import assess
    from meshlab.files import pretty_json

    found = assess(_own_measurements(measured, before, dataplane))
    if form == "json":
        click.echo(pretty_json(found), nl=False)
        return
    for fit, kinds in found["summary"].items():
        click.echo(f"{fit.replace('_', ' ')}:")
        click.echo(_text_table(pl.DataFrame([{"kind": kind, **figures} for kind, figures in kinds.items()])))


@main.command()
@click.argument("paths", nargs=-1, required=True, type=EXISTING_PATH, metavar="PATH...")
@click.option("--anonymize", is_flag=True, help="Replace names of objects by stable hashes.")
@form_option("findings", "table", "json")
def audit(paths: tuple[Path, ...], anonymize: bool, form: str) -> None:  # noqa: FBT001
    """Find drift and failure modes in a cluster's dump.

    Each rule passes or fails for what it looked at. Where the dump does not hold what it asks about it stays
    unknown; where its subject does not exist it is not applicable.

    Example: meshlab audit must-gather.tar.gz
    """
    from meshlab.audit import audit as findings_of
    from meshlab.audit.rules import STATES
    from meshlab.files import pretty_json

    findings = findings_of(list(paths), anonymize=anonymize)
    if form == "json":
        click.echo(pretty_json(findings), nl=False)
        return
    for state in STATES:
        found = [finding for finding in findings if finding["state"] == state]
        for finding in found:
            detail = finding["detail"] or f"the input lacks {', '.join(finding['missing'])}"
            click.echo(f"{state:14} {finding['severity']:7} {finding['rule']}: {printable(detail)}")
            if state == "fail":
                click.echo(f"{'':23}check: {printable(finding['check'])}")
    states = Counter(finding["state"] for finding in findings)
    click.echo(", ".join(f"{states[state]} {state}" for state in STATES))


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

    from meshlab.files import pretty_json
    from meshlab.iac import drift, report
    from meshlab.team import read_team

    if live is not None:
        if values is None:
            raise click.UsageError("--live compares with --values: name both", click.get_current_context())
        rows = drift(values, live)
        click.echo(pretty_json(rows.to_dicts()) if form == "json" else _text_table(rows), nl=False)
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
    click.echo(pretty_json(found) if form == "json" else _iac_text(found), nl=False)
    return SOME_FAILED if found["short"] else 0


def _iac_text(found: dict[str, Any]) -> str:
    import polars as pl

    answers = ["wanted", "product", "option", "status", "providers", "why", "as_of"]
    tracked = ["product", "feature", "provider", "status", "introduced_version", "provider_version", "lag_days"]
    shown, rows = (answers, found["wanted"]) if found["wanted"] else (tracked, found["features"])
    lines = [_text_table(pl.DataFrame(rows, infer_schema_length=None).select(shown))]
    lines += [
        f"falls short: {item['wanted']} of {item['product']} is {item['status']}, {item['required']} is required\n"
        for item in found["short"]
    ]
    return "".join(lines) + f"facts as of {found['as_of']}; rows past their life: {len(found['stale'])}\n"


# --- sweep ---------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("spec", type=EXISTING_PATH)
@click.option(
    "--out", required=True, metavar="FILE.parquet", help="What to write: a file, a folder of parts, or s3://…"
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Parts at a time [default: the cores].")
@click.option("--scheduler", metavar="ADDRESS", help="Compute on the Dask cluster of this scheduler.")
@click.option("--resume", is_flag=True, help="Keep the parts that an earlier run of the same spec has finished.")
def sweep(spec: Path, out: str, jobs: int | None, scheduler: str | None, resume: bool) -> int:  # noqa: FBT001
    """Estimate a grid or a random sample of scenarios of any size.

    SPEC is a YAML file: how to sample, the inputs as lists, ranges, distributions or columns of a file, and what to
    return. Many scenarios become a folder of Parquet files; each is written whole or not at all.

    Example: meshlab sweep fleets.yaml --out fleets.parquet
    """
    from meshlab.sweep.progress import shown
    from meshlab.sweep.run import run_sweep

    with shown() as progress:
        outcome = run_sweep(spec, out, jobs=jobs, scheduler=scheduler, resume=resume, progress=progress)
    for line in outcome.failed:
        click.echo(f"meshlab: error: {line}", err=True)
    click.echo(
        f"{_many(outcome.rows, 'scenario')} in {_many(outcome.parts, 'part')}, {outcome.kept} of them kept, "
        f"{len(outcome.failed)} failed; see {out}"
    )
    return SOME_FAILED if outcome.failed else 0


# --- chart, embed --------------------------------------------------------------------------------------------------


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
    "--out",
    type=EXISTING_PATH,
    metavar="FILE",
    help="File: .svg, .png, .html, .json, .csv or .md; {team} and {chart} in its name are filled in.",
)
@click.option("--width", type=click.IntRange(400, 4000), default=720, show_default=True, help="Width in pixels.")
@click.option("--height", type=click.IntRange(200, 8000), help="Height in pixels [default: what the chart needs].")
@click.option("--scale", type=click.FloatRange(0.5, 8), default=1.0, show_default=True, help="Scale of a PNG.")
@click.option("--theme", type=click.Choice(["light", "dark", "print"]), default="light", show_default=True)
@click.option("--script", metavar="URL", help="Where HTML finds a shared plotly.js [default: within itself].")
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

    NAME is a chart of --list; without one, all are written. SVG and PNG are drawn by Chrome or Chromium; the other
    forms need no browser. What is printed is each file with its text for readers who do not see it.

    Example: meshlab chart memory cost --team payments.yaml --out 'docs/{team}-{chart}.svg'
    """
    import polars as pl

    from meshlab.files import pretty_json
    from meshlab.pictures.catalogue import CATALOGUE, Look
    from meshlab.pictures.write import catalogue_rows, write_charts

    if listing:
        rows = catalogue_rows()
        click.echo(pretty_json(rows) if form == "json" else _text_table(pl.DataFrame(rows)), nl=False)
        return
    if out is None:
        raise click.UsageError("name the file to write, with --out, or ask for --list", click.get_current_context())
    look = Look(theme, width, height)
    written = write_charts(names or tuple(CATALOGUE), teams, out, look, scale=scale, script=script)
    if form == "json":
        click.echo(pretty_json([{"file": str(each.file), **each.plate.about} for each in written]), nl=False)
        return
    for each in written:
        click.echo(printable(f"{each.file}: {each.plate.words}"))


@main.command()
@click.argument("documents", nargs=-1, required=True, type=EXISTING_PATH, metavar="DOC...")
@click.option("--check", is_flag=True, help="Change nothing; exit with status 1 where a block is stale.")
@click.option(
    "--teams",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="A folder of team files, or of reports, whose teams blocks may name.",
)
def embed(documents: tuple[Path, ...], check: bool, teams: Path | None) -> int:  # noqa: FBT001
    """Fill the marked blocks of Markdown documents.

    A block stands between two comments, <!-- meshlab chart=memory team=payments --> and <!-- /meshlab -->, and asks for
    chart=NAME, table=NAME, verdict or assumptions. A team is named, or given as a path relative to the document.
    Everything outside the blocks stays as it is.

    Example: meshlab embed --teams teams docs/adr/*.md --check
    """
    from meshlab import embed as documents_filled

    if check:
        stale = documents_filled.check(documents, teams=teams)
        if stale:
            fail(list(map(str, stale)), SOME_FAILED)
        return 0
    done = documents_filled.fill(documents, teams=teams)
    changed = [each for each in done if each.changed]
    blocks = sum(len(each.parts) for each in done)
    click.echo(f"{_many(blocks, 'block')} in {_many(len(done), 'document')}; {len(changed)} changed")
    return 0


# --- lab -----------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port on this machine [default: the first free from 8888].")
def lab(port: int | None) -> int:
    """Open the workbooks in JupyterLab, on this machine only.

    Example: meshlab lab
    """
    from meshlab.lab import open_lab

    return open_lab(port)
