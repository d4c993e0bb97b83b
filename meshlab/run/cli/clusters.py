"""Commands that read clusters: facts, migrate, audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from meshlab.errors import printable
from meshlab.run.cli.group import EXISTING_PATH, FOUND, form_option, main, many, show

KEY_FILE = click.option(
    "--key-file", type=EXISTING_PATH, metavar="FILE", help="Hash under this key, so that runs can be compared."
)


def _hidden(anonymize: bool, key_file: Path | None) -> bool | bytes:  # noqa: FBT001  (a flag of click's)
    """Whether names are replaced, and under which key: a key file means that they are."""
    from meshlab.cluster.facts.read import read_key

    return anonymize if key_file is None else read_key(key_file)


def _url(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value and not value.startswith(("http://", "https://")):
        shown = "this" if "@" in value else repr(value)  # it may hold a password
        raise click.BadParameter(f"{shown} is no URL of a Prometheus server, such as http://127.0.0.1:9090")
    return value


@main.command()
@click.argument("paths", nargs=-1, type=EXISTING_PATH, metavar="[PATH]...")
@click.option("--context", metavar="NAME", help="Read the live cluster of this kubeconfig context through kubectl.")
@click.option(
    "--prometheus",
    metavar="URL",
    callback=_url,
    help="Ask this Prometheus server, too, what proxies used and who called whom.",
)
@click.option("--anonymize", is_flag=True, help="Replace names by hashes under a key of this run alone.")
@KEY_FILE
@click.option("--explain", is_flag=True, help="Show what speaks for and against each fact, and what it cannot show.")
@form_option("facts", "yaml", "json", "text", on_a_terminal="text")
def facts(
    paths: tuple[Path, ...],
    context: str | None,
    prometheus: str | None,
    anonymize: bool,  # noqa: FBT001
    key_file: Path | None,
    explain: bool,  # noqa: FBT001
    form: str,
) -> None:
    """Read a cluster's facts from dumps, or from a live cluster.

    PATH is a file, a folder or an archive: what kubectl printed, or a bundle of another tool (troubleshoot, cilium
    sysdump, istioctl bug-report, must-gather, sonobuoy). What the input does not hold is null in YAML and JSON; in the
    text for people it stands in one list at the end.

    Example: kubectl get nodes,pods,services -A -o json > dump.json; meshlab facts dump.json
    """
    import yaml

    from meshlab.cluster.facts import read_facts

    if bool(paths) == bool(context):
        raise click.UsageError("name the dumps to read, or a --context, and not both", click.get_current_context())
    hidden = _hidden(anonymize, key_file)
    if context:
        from meshlab.cluster.facts.live import read_live

        found = read_live(
            context, anonymize=hidden, explain=explain, tell=lambda line: click.echo(printable(line), err=True)
        )
    else:
        found = read_facts(list(paths), anonymize=hidden, explain=explain)
    if prometheus:
        from meshlab.cluster.facts.measurements import as_data, read_prometheus

        found["measured"] = as_data(read_prometheus(prometheus), anonymize=hidden)
    told, shown = (found, str) if form == "yaml" else (_facts_for_people(found), printable)

    def text() -> str:
        lines = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=100).splitlines()
        return "".join(f"{shown(line)}\n" for line in lines)

    show(form, found, text)


def _facts_for_people(found: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that are known, where they were counted and what was inferred, and then what is not known."""
    from meshlab.documents import is_mapping

    origins: Mapping[str, Mapping[str, Any]] = found["provenance"]
    counted = {origin["from"] for origin in origins.values() if origin["status"] == "measured"} - {None}
    inferred = {
        name: ", ".join(filter(None, [origin["from"], origin["why"]]))
        for name, origin in origins.items()
        if origin["status"] not in ("measured", "unknown")
    }
    unknown: dict[str, str] = {}
    for name in found["unknown"]:
        if why := origins.get(name, {}).get("why"):
            unknown[name] = str(why)
            continue
        part, _, rest = name.partition(".")
        unknown[part] = f"{unknown[part]}, {rest}" if part in unknown else rest or "not shown"
    last = {"counted_in": sorted(counted), "inferred": inferred, "refused": found["refused"], "unknown": unknown}
    shown = {name: value for name, value in found.items() if name not in ("provenance", *last)} | last
    parts = {
        name: {key: part for key, part in value.items() if part is not None} if is_mapping(value) else value
        for name, value in shown.items()
    }
    return {name: value for name, value in parts.items() if value not in (None, {}, [])}


@main.command()
@click.argument("paths", nargs=-1, required=True, type=EXISTING_PATH, metavar="PATH...")
@click.option("--from", "today", default="", metavar="PLACE", help="What runs today, where the dump does not tell.")
@click.option("--to", "target", default="", metavar="PLACE", help="Where to move [default: the decision's verdict].")
@click.option(
    "--rehearse",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the steps as a runbook, with manifests for the first namespace or node pool; nothing is applied.",
)
@form_option("plans", "table", "json")
def migrate(paths: tuple[Path, ...], today: str, target: str, rehearse: Path | None, form: str) -> None:
    """Plan a cluster's move: steps, hours, blockers, cost, way back.

    PATH is a team file, a cluster dump, or a folder of team files. PLACE is cni[@edition]+mesh[@edition], and either
    side may be missing and stays then: +none, calico-enterprise, cilium@self-run+istio-ambient; @tuned is what runs,
    tuned. How long things take is assumed, unless a team file states it under migration:.

    Example: meshlab migrate must-gather.tar.gz --to cilium+none --rehearse rehearsal
    """
    from meshlab.files import write_whole
    from meshlab.planning.migration.text import plan_text
    from meshlab.reviews.cases import find_teams, open_path
    from meshlab.reviews.comparison import over_budget
    from meshlab.reviews.migration import plans

    cases = [open_path(path) for path in find_teams(paths)]
    made = plans(cases, today, target, over=over_budget({case.team.name: case for case in cases}))
    if rehearse:
        from meshlab.show.runbooks import runbook

        folders = {plan["scenario"]: rehearse / plan["scenario"] if len(made) > 1 else rehearse for plan in made}
        files = {folders[plan["scenario"]] / name: text for plan in made for name, text in runbook(plan).items()}
        for path, text in files.items():
            write_whole(path, text)
        click.echo(f"{many(len(files), 'file')} written to {printable(str(rehearse))}", err=True)
    show(form, made, lambda: "".join(f"{printable(line)}\n" for plan in made for line in plan_text(plan)))


@main.command()
@click.argument("paths", nargs=-1, required=True, type=EXISTING_PATH, metavar="PATH...")
@click.option("--anonymize", is_flag=True, help="Replace names of objects by hashes under a key of this run alone.")
@KEY_FILE
@click.option(
    "--against", "others", multiple=True, type=EXISTING_PATH, metavar="OTHER", help="Find where this cluster differs."
)
@click.option(
    "--fail-on",
    "level",
    type=click.Choice(["low", "medium", "high"]),
    help="Exit with status 3 where a rule fails that is at least as severe.",
)
@form_option("findings", "table", "json")
def audit(
    paths: tuple[Path, ...],
    anonymize: bool,  # noqa: FBT001
    key_file: Path | None,
    others: tuple[Path, ...],
    level: str | None,
    form: str,
) -> int:
    """Find drift and failure modes in a cluster's dump.

    Each rule passes or fails for what it looked at. Where the dump lacks what a rule asks about, it is unknown;
    where the cluster lacks its subject, it is not applicable. With --against the rules are what two clusters, such as
    staging and production, may differ in: plugin, mesh, their versions and settings, and policies by kind.

    Example: meshlab audit must-gather.tar.gz --fail-on high
    """
    from meshlab.cluster.audit import audit as findings_of
    from meshlab.cluster.audit import compare
    from meshlab.cluster.audit.rules import STATES, failing

    hidden = _hidden(anonymize, key_file)
    findings = compare(list(paths), list(others)) if others else findings_of(list(paths), anonymize=hidden)
    shown = STATES if not others else [state for state in STATES if state != "not applicable"]
    show(form, findings, lambda: "".join(f"{line}\n" for line in _lines(findings, shown)))
    if form != "json" and all(finding["state"] == "unknown" for finding in findings):
        todo = "give the output of kubectl get nodes,namespaces,pods,services -A -o json, or a bundle"
        click.echo(f"meshlab: the input holds nothing that a rule asks about; {todo}", err=True)
    return FOUND if level and failing(findings, level) else 0


def _lines(findings: Sequence[Mapping[str, Any]], shown: Sequence[str]) -> Iterator[str]:
    """Findings for a person, of these states: what fails first, with how to check it; then how many of each."""
    from meshlab.cluster.audit.rules import STATES

    for state in shown:
        for finding in (each for each in findings if each["state"] == state and not _lacks_all(each)):
            detail = finding["detail"] or f"not known: {', '.join(finding['missing'])}"
            yield f"{state:14} {finding['severity']:7} {finding['title']} ({finding['rule']}): {printable(detail)}"
            if state == "fail":
                yield f"{'':23}check: {printable(finding['check'])}"
        if state == "unknown":
            yield from _lacking([each for each in findings if each["state"] == state and _lacks_all(each)])
    states = Counter(finding["state"] for finding in findings)
    yield ", ".join(f"{states[state]} {state}" for state in STATES)


def _lacks_all(finding: Mapping[str, Any]) -> bool:
    """Whether a rule is unknown for want of kinds or facts, and nothing is known of a single object."""
    return finding["state"] == "unknown" and not finding["detail"]


def _lacking(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What rules need that the input lacks, kind by kind, and the command that fetches it."""
    from meshlab.cluster.audit.rules import rules

    lacked = Counter(name for finding in findings for name in finding["missing"])
    kinds = [name for name, _ in lacked.most_common() if any(name in rule.needs for rule in rules())]
    if findings:
        yield f"{many(len(findings), 'rule')} need{'s' * (len(findings) == 1)} more than the input holds:"
    for kind in kinds:
        worst = Counter(finding["severity"] for finding in findings if kind in finding["missing"])
        shown = ", ".join(f"{worst[level]} {level}" for level in ("high", "medium", "low") if worst[level])
        yield f"  {kind + ':':31} {many(lacked[kind], 'rule')} ({shown})"
    if facts := [name for name in lacked if name not in kinds]:
        yield f"  facts that nothing proves: {', '.join(facts)}"
    if kinds:
        wanted = " ".join(map(str.lower, kinds))
        yield f"  fetch them: mkdir more; for k in {wanted}; do kubectl get $k -A -o json > more/$k.json; done"
        yield "  then: meshlab audit DUMP more (kubectl says which kinds the cluster does not have)"
