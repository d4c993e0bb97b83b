"""What a report says of a review: its parts as fragments for the cells of a notebook, and whole documents.

The first page and the record of the decision are in ``first_page``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

import jinja2
from msgspec.structs import asdict

from meshlab import __version__
from meshlab.cluster.audit.rules import STATES
from meshlab.models.decision.labels import listed
from meshlab.models.overhead import dataplanes, figures
from meshlab.models.overhead.coefficients import DRAWS
from meshlab.models.sensitivity import how_moved
from meshlab.planning.iac import INSTALL
from meshlab.planning.migration.text import BASES, answers, place_text, takes_text, worth_text
from meshlab.planning.migration.text import interval_text as hours_text
from meshlab.reviews.advice import left_out
from meshlab.reviews.record import AssumedValue, InputValue, Review, Row
from meshlab.reviews.review import Pinned
from meshlab.scenario import inputs
from meshlab.show import charts, first_page
from meshlab.show.charts import Chart, Look
from meshlab.show.charts.drivers import driver_label, driver_unit, driver_value
from meshlab.show.first_page import added_need, caution, change_of, graded, scoping_text
from meshlab.show.fragments import Fragment, environment, fragment, templates
from meshlab.show.labels import (
    answer_text,
    input_label,
    lead_texts,
    need_label,
    option_text,
    plain,
    title_text,
    value_text,
)
from meshlab.show.theme import STATES as ROW_STATES
from meshlab.show.theme import figure_text, interval_text
from meshlab.tables import read_table, resource


def style() -> Fragment:
    """The style sheet of all fragments; show it once, before the others."""
    css = (resource("templates") / "fragments" / "style.css").read_text(encoding="utf-8")
    return Fragment(f"<style>{css}</style>", "")


def verdict(review: Review) -> Fragment:
    """The recommendation with its reasons, what stands against it, and how sure it is."""
    return fragment(
        "verdict",
        f"{review.team}: {title_text(review)}",
        verdict=review.verdict,
        scenario=review.scenario,
        graded=" ".join(graded(review)),
        against=review.comparison["against"] if review.comparison else [],
        left_out=left_out(review.needs),
        pools=review.pools,
    )


def headline(review: Review) -> Fragment:
    """The three numbers that matter, of what is recommended and of what runs today."""
    lines = [
        f"{item.label}: {figure_text(item.recommended)} {item.unit} "
        f"({interval_text(item.recommended_lo, item.recommended_hi)})"
        for item in review.headline.figures
        if item.recommended is not None and item.recommended_lo is not None and item.recommended_hi is not None
    ]
    names = {key: plane.label for key, plane in dataplanes().items()}
    warning = caution(review)
    text = "\n".join([*lines, *([warning] if warning else [])])
    shown = {"head": review.headline, "names": names, "caution": warning}
    return fragment("headline", text, **shown, tuning=review.tuning, scoping=scoping_text(review))


HEADS = (
    ("memory_gib", "Memory", "GiB"),
    ("cpu_cores", "CPU", "cores"),
    ("added_p99_ms", "Latency at p99", "ms"),
    ("monthly_usd", "Cost and licence", "USD/month"),
    ("move_person_hours", "Move", "person-hours"),
    ("total_usd", "Total", "USD"),
)
"""Columns of the comparison: figure, label, unit."""

UNITS = {
    "added_p99_ms": "a millisecond at p99",
    "memory_gib": "a GiB",
    "move_person_hours": "a person-hour of the move",
}


def comparison(review: Review) -> Fragment:
    """The options side by side: figures with intervals, how often each is the cheapest, and what it may lose."""
    found = review.comparison
    heads = [{"name": name, "label": label, "unit": unit} for name, label, unit in HEADS]
    winners = {name: _least(found["options"], name) for name, _, _ in HEADS} if found else {}
    text = "\n".join(row["label"] for row in found["options"]) if found else "nothing to compare"
    scoped = {"tuning": review.tuning, "scoping": scoping_text(review)}
    shown = {
        "comparison": found,
        "heads": heads,
        "winners": winners,
        "units": UNITS,
        "draws": f"{DRAWS:,}",
        "over": first_page.baseline(review),
    }
    return fragment("comparison", text, **shown, **scoped)


def _least(options: Sequence[Row], name: str) -> int | None:
    """Rank of the option with the least median of a figure among those that can be chosen."""
    known = [(row["criteria"][name]["median"], row["rank"]) for row in options if row["eligible"]]
    return min(((value, rank) for value, rank in known if value is not None), default=(0, None))[1]


def flips(review: Review) -> Fragment:
    """What could change the answer: changes of single facts, and the facts that are missing."""
    answer = review.verdict
    groups = grouped_flips(answer.flips, review.scenario)
    unknown = [{"name": name, "label": input_label(name), "leads": lead_texts(review, name)} for name in answer.unknown]
    text = f"{len(groups)} ways to another answer; {len(unknown)} missing facts could change it"
    return fragment("flips", text, groups=groups, unknown=unknown)


def grouped_flips(found: Sequence[Row], today: Mapping[str, Any]) -> list[Row]:
    """Flips by the answer that they lead to; needs that lead to the same one stand in one line.

    Args:
        found: Flips of a verdict.
        today: ``current_cni`` and ``current_mesh``.
    """
    groups: dict[str, Row] = {}
    for flip in found:
        answer = answer_text(flip, today)
        group = groups.setdefault(answer, {"answer": answer, "needs": [], "ways": []})
        added = added_need(flip["changes"])
        if added:
            group["needs"].append(need_label(added))
        else:
            yes_or_no = [change["to"] for change in flip["changes"] if isinstance(change["to"], bool)]
            # that something is not healthy is a reason of its own
            group["ways"].append(change_of(flip) if yes_or_no else f"{change_of(flip)}: {flip['why']}")
    return list(groups.values())


def facts(review: Review) -> Fragment:
    """Every input with its value and where it comes from, and where team file and cluster disagree."""
    own = {file["file"] for file in (review.measured or {}).get("files", ())}
    rows = [
        {
            **asdict(row),
            "value": _named(row),
            # one status for both: what a dump counts, and what the team's own files measured
            "status": "counted" if row.status == "measured" and row.source not in own else row.status,
            "why": row.source if row.status in ("stated", "measured", "inferred") else "",
        }
        for row in review.inputs
    ]
    differing = [{**asdict(row), "label": input_label(row.input)} for row in review.disagreements]
    return fragment(
        "facts",
        "\n".join(f"{row['label']}: {value_text(row['value'])}" for row in rows),
        rows=rows,
        differing=differing,
        cluster=review.facts,
        notes=review.notes,
        needs=review.needs,
        measured=review.measured,
        rests=_resting(review),
        interval=interval_text,
    )


def _named(row: InputValue | AssumedValue) -> object:
    """The value of an input; a product has its name."""
    named = row.input in ("current_cni", "current_mesh") and row.value not in (None, "none")
    return option_text(row.value) if named else row.value


def _resting(review: Review) -> list[Row]:
    """Figures of what is recommended that rest on own measurements; of every data plane where nothing is."""
    shown, planes = review.headline.dataplane, dataplanes()
    return [
        {**row, "label": f"{figures()[row['figure']].label}, {planes[row['dataplane']].label}"}
        for row in (review.measured or {}).get("figures", ())
        if shown in (None, "none", row["dataplane"])
    ]


def chart(review: Review, name: str, *, theme: str = "light") -> Chart:
    """A chart by name with its alternative text and its figures as a table."""
    return charts.chart(name, review, Look(theme))


def table(rows: Sequence[Mapping[str, object]], empty: str = "Nothing to show.") -> Fragment:
    """Rows as a table; the columns are those of the first row.

    Args:
        rows: Values by heading.
        empty: What stands there without any row.
    """
    text = "\n".join("; ".join(f"{name}: {value_text(value)}" for name, value in row.items()) for row in rows)
    return fragment("table", text or empty, rows=rows, columns=list(rows[0]) if rows else [], empty=empty)


def pinned(both: Pinned) -> Fragment:
    """Two scenarios beside each other: the answers, the inputs that differ, and figures with paired intervals."""
    answers = [{"Input": "Answer", "A, pinned": title_text(both.one), "B, now": title_text(both.other)}]
    changed = [
        {"Input": input_label(name), "A, pinned": value_text(one), "B, now": value_text(other)}
        for name, one, other in both.inputs
    ]
    shown = [
        {
            "Figure": f"{figures()[row.figure].label} [{figures()[row.figure].unit}]",
            "A, pinned": figure_text(row.one),
            "B, now": figure_text(row.other),
            "B less A": figure_text(row.middle),
            "10–90 %": interval_text(row.lo, row.hi),
        }
        for row in both.figures
    ]
    parts = table([*answers, *changed]), table(shown)
    return Fragment("".join(part.html for part in parts), "\n".join(part.text for part in parts))


def rules(review: Review) -> Fragment:
    """The decision tables row by row: matched, not matched or unknown, and why."""
    rows = review.verdict.rows
    return fragment(
        "rules",
        "\n".join(f"{row['id']}: {row['state']}" for row in rows),
        rows=rows,
        states=ROW_STATES,
        changed=review.tables_changed,
        options=review.verdict.options,
        known=_listed(review),
        said={**dict.fromkeys(filter(None, review.verdict.decided_by.values()), "decides"), **_in_vain(review)},
    )


def _in_vain(review: Review) -> dict[str, str]:
    """Of the rows that may hold those whose option, in every pair of it, cannot be chosen."""
    found: dict[str, str] = {}
    for row in review.verdict.rows:
        name, _, edition = row["recommendation"].partition("@")
        of_row = [
            option["eligible"]
            for option in review.verdict.options
            if option[row["table"]] == name and edition in ("", option["edition"][row["table"]])
        ]
        if row["state"] != "not matched" and of_row and not any(eligible is not False for eligible in of_row):
            found[row["id"]] = "hands over: its option cannot be chosen"
    return found


def findings(review: Review) -> Fragment:
    """What the audit found in the cluster's dump: what fails, what is open, what has no subject, what passes."""
    rows = review.audit
    states = {state: [row for row in rows or () if row["state"] == state] for state in STATES}
    text = "no dump was given" if rows is None else ", ".join(f"{len(part)} {name}" for name, part in states.items())
    looked_at = {row["rule"]: row for row in rows or () if row["state"] in {"fail", "pass"} and row.get("of")}
    passed = {rule: row["of"] - (row["count"] if row["state"] == "fail" else 0) for rule, row in looked_at.items()}
    bars = [(what, passed[rule], looked_at[rule]["of"]) for rule, what in COVERAGE.items() if rule in looked_at]
    return fragment("findings", text, given=rows is not None, states=states, bars=bars)


COVERAGE = {
    "namespace-outside-mesh": "have pods in the mesh",
    "mtls-permissive": "accept nothing but mutual TLS",
    "pods-open-to-callers": "are closed to callers by policies",
    "pods-open-to-call": "may call only what policies allow",
}
"""Rules over namespaces, and what is true of those that pass: how far mesh and policies reach."""


def migration(review: Review) -> Fragment:
    """What the move to the recommendation takes: hours, what stands in the way, the steps, what it costs and saves."""
    plan = review.migration
    if not plan or plan["stays"]:
        today = first_page.staying(review)
        return fragment("migration", "nothing moves", plan=plan, today=today, known=_listed(review))
    steps = [{**step, "often": _often(step), "hours_text": hours_text(step, "hours")} for step in plan["steps"]]
    told = answers(plan)
    if review.comparison:
        del told["Worth it"]  # the comparison says it, draw by draw
    context = {
        "today": place_text(plan["from"]),
        "target": place_text(plan["to"]),
        "answers": told,
        "known": _listed(review),
        "bases": BASES,
        "steps": steps,
    }
    text = "; ".join(f"{question}: {answer}" for question, answer in told.items())
    return fragment("migration", text, plan=plan, **context)


def migration_line(review: Review) -> Fragment:
    """What the move takes and how it pays, in two sentences."""
    plan = review.migration or {}
    if plan["stays"]:
        return table([], f"Nothing moves: {first_page.staying(review)} stays.")
    return table([], f"{takes_text(plan)}. Worth it: {worth_text(plan)}.")


def _often(step: Mapping[str, Any]) -> str:
    if step["scope"] == "once":
        return "once, and for each namespace" if step["grows"] else "once"
    return f"each {step['scope']}" + ("" if step["units"] is None else f", {step['units']:,}")


def migration_chart(review: Review, name: str = "migration-nodes", *, theme: str = "light") -> Chart | Fragment:
    """A chart of the move; a line that says so where nodes have no schedule."""
    drains = review.migration is not None and review.migration["nodes"]
    none = "Nodes have no schedule: none is drained, the provider has its own order, or no dump shows them."
    return chart(review, name, theme=theme) if drains else table([], none)


def terraform(review: Review) -> Fragment:
    """How Terraform expresses what the recommended pair needs."""
    text = "\n".join(f"{row['option']}: {row['status']}" for row in review.iac)
    rows = [{**row, "wanted": _wanted(str(row["wanted"]))} for row in review.iac]
    return fragment("terraform", text, rows=rows, known=_listed(review))


def _wanted(name: str) -> str:
    """A need, an edition with a part of its own, or the installation, in words."""
    editions = dict(read_table("decision/networks").select("edition", "label").iter_rows())
    return "Installation" if name == INSTALL else editions.get(name) or need_label(name)


def drivers(review: Review) -> Fragment:
    """Which inputs and coefficients move the three figures most."""
    rows = review.sensitivity or ()
    labels = {item.figure: item for item in review.headline.figures}
    groups: list[Row] = [
        {
            "label": labels[name].label,
            "unit": labels[name].unit,
            "rows": [_driver(row) for row in rows if row["figure_name"] == name],
        }
        for name in dict.fromkeys(row["figure_name"] for row in rows)
    ]
    text = "\n".join(f"{group['label']}: {group['rows'][0]['label']}" for group in groups)
    return fragment("drivers", text or "without a mesh nothing moves", groups=groups)


def _driver(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of what moves a figure, its driver in words."""
    return {
        **row,
        "label": driver_label(row["driver"]),
        "moved": how_moved(row["driver"]),
        "from": driver_value(row["low"]),
        "to": f"{driver_value(row['high'])}{driver_unit(row['unit'])}",
    }


def assumptions(review: Review) -> Fragment:
    """Each value that stands in for a fact, and why."""
    return assumed(review.assumptions)


def assumed(values: Sequence[AssumedValue]) -> Fragment:
    """Values that stand in, and why."""
    units = {name: spec.unit or "" for name, spec in inputs().items()}
    rows = [
        {**asdict(row), "value": _named(row), "label": input_label(row.input), "unit": units.get(row.input, "")}
        for row in values
    ]
    return fragment("assumptions", "\n".join(f"{row['label']}: {value_text(row['value'])}" for row in rows), rows=rows)


def _listed(review: Review) -> set[str]:
    """Ids of the sources that the report's list holds."""
    return {row["source_id"] for row in review.sources}


def sources(review: Review) -> Fragment:
    """Every source of a figure or a rule, who wrote it, and what they sell."""
    rows = review.sources
    return fragment("sources", "\n".join(f"{row['source_id']}: {row['title']}" for row in rows), rows=rows)


def stamp(review: Review) -> Fragment:
    """Version and hash by which a reader finds out whether the report still holds."""
    text = f"meshlab {review.meshlab_version}, inputs {review.inputs_sha256}"
    return fragment("stamp", text, review=review)


# --- other forms of a review ---------------------------------------------------------------------------------------


def index_page(**context: object) -> str:
    """The page that lists all reviews of a folder; ``meshlab.run.batch.fleet`` gives what it shows."""
    css = (resource("templates") / "fragments" / "style.css").read_text(encoding="utf-8")
    return environment().get_template("index.html.j2").render(css=css, version=__version__, **context)


def index_document(**context: object) -> str:
    """The same list as Markdown, for the page of a job in CI or a pull request."""
    return plain_templates().get_template("index.md.j2").render(version=__version__, **context)


@cache
def plain_templates() -> jinja2.Environment:
    """Templates of Markdown; text of others is escaped by the filter ``plain``."""
    environment = templates("documents", autoescape=False)
    environment.filters["plain"] = plain
    environment.keep_trailing_newline = True
    return environment


def markdown_page(review: Review) -> str:
    """The review as Markdown for a pull request or a wiki: verdict, figures, flips, assumptions, sources."""
    shown = {
        "caution": caution(review),
        "left_out": left_out(review.needs),
        "scoping": scoping_text(review),
        "next_step": first_page.next_step(review),
        "charts": [charts.chart(name, review) for name in ("memory", "cpu", "latency", "cost")],
    }
    return _document("review.md", review, first_page.options_shown(review), **shown)


ARGUMENTS = (
    ("monthly_usd", "costs {} USD a month"),
    ("memory_gib", "takes {} GiB of memory"),
    ("added_p99_ms", "adds {} ms to the 99th percentile"),
    ("move_person_hours", "takes {} person-hours to move to"),
)
"""Figures by which the record weighs options, and how it says them."""


def _arguments(review: Review, option: Row) -> Iterator[str]:
    """For and against an option: what it lacks, and figures beside those of the recommended one."""
    if lacking := [need_label(need) for need in option["unmet"]]:
        yield f"Bad, because it lacks {listed(lacking, most=12)}"
    rows: list[Row] = review.comparison["options"] if review.comparison else []
    own = next((row for row in rows if row["rank"] == option["rank"]), None)
    if own is None:
        products = ((row["label"], (row["cni"], row["mesh"])) for row in rows)
        alike = next((label for label, ids in products if ids == (option["cni"], option["mesh"])), None)
        of = f"of its products only {alike} was compared" if alike else "its products were not compared"
        yield f"Neutral, because {of}: what this one costs is not worked out"
        return
    first = first_page.chosen(review) or own
    told: dict[str, list[str]] = {"Good": [], "Bad": [], "Neutral": []}
    for figure, words in ARGUMENTS:
        mine, other = (row["criteria"][figure]["median"] for row in (own, first))
        said = words.format("an unknown number of" if mine is None else figure_text(mine))
        usd: float | None = own["criteria"]["move_usd"]["median"] if figure == "move_person_hours" else None
        said += f" ({figure_text(usd)} USD)" if usd else ""
        if own is first or mine is None or other is None:
            told["Neutral"].append(said)
        elif figure_text(mine) != figure_text(other):
            told["Good" if mine < other else "Bad"].append(f"{said} instead of {figure_text(other)}")
    yield from (f"{kind}, because it {listed(said, most=12)}" for kind, said in told.items() if said)


def decision_record(review: Review, beside: Sequence[str] = ()) -> str:
    """The review as a decision record in the form of MADR 4, proposed: a person accepts it.

    Args:
        review: The review.
        beside: Files that are written beside the record, and that it links to as its evidence.
    """
    plan = review.migration
    runs = [option_text(review.scenario[f"current_{side}"]) for side in ("cni", "mesh")]
    today = place_text(plan["from"]) if plan else "; ".join(runs)
    shown = {"today": today, "held": first_page.decision(review), "beside": beside}
    options = first_page.options_shown(review)[:1]
    return _document("decision-record.md", review, options, **shown, arguments=partial(_arguments, review))


def _document(template: str, review: Review, options: Sequence[Row], **context: object) -> str:
    """A document from its template, which shows the review, these options, and what else is given."""
    return (
        plain_templates()
        .get_template(f"{template}.j2")
        .render(
            review=review,
            verdict=review.verdict,
            scenario=review.scenario,
            title=title_text(review),
            groups=grouped_flips(review.verdict.flips, review.scenario),
            against=first_page.objections(review),
            sure=list(first_page.certainty(review)),
            options=options,
            rows=list(first_page.figure_rows(review, options)),
            over=first_page.baseline(review),
            leads=lead_texts,
            **context,
        )
    )
