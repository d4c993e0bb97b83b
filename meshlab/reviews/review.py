"""Reviews: a team's statements and its cluster's facts, through every model, with all sources.

Charts, workbooks, reports and design docs all read the record that comes of it and compute nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from meshlab import __version__
from meshlab.cluster.audit.rules import STATES
from meshlab.errors import MeshlabError, Problem, did_you_mean, shorten
from meshlab.files import pretty_json, read_bounded, write_whole
from meshlab.models import decision, overhead, sensitivity
from meshlab.models.overhead import NONE, draw_estimates
from meshlab.models.overhead.network import network_sources
from meshlab.models.pairs import SCOPED, PairDraws, scoped_services
from meshlab.planning import iac
from meshlab.planning.migration import Setting
from meshlab.reviews.advice import beside_old_pools, scoped, side_by_side, tuned_estimates, tuning
from meshlab.reviews.cases import (
    Case,
    Given,
    by_coefficients,
    example_teams,
    inputs_sha256,
    open_case,
    open_path,
    scenarios_of,
)
from meshlab.reviews.comparison import compare, fee_sources, over_budget
from meshlab.reviews.migration import plan_of, plan_sources, recommended_dataplane, setting_of
from meshlab.reviews.record import AssumedValue, Headline, HeadlineFigure, InputValue, Review, Row, Verdict, checked
from meshlab.reviews.team import Team
from meshlab.scenario import collect_few, frame_of, inputs, scenarios, with_defaults
from meshlab.tables import read_table
from meshlab.units import ENDS

FILE = "review.json"
"""Name of the file that holds a review."""

MAXIMUM_REVIEW_BYTES = 256 * 2**20
"""Largest ``review.json`` that is read: one of a case with 5,000 nodes has a tenth of it. [byte]"""

HEADLINES = ("memory_gib", "cost_usd_per_month", "added_p99_ms")
"""The three numbers that a report opens with."""

STRONGEST = 8
"""Drivers of a figure that a review keeps."""

SUMMARY_FIGURES = ("memory_gib", "cpu_cores", "added_p99_ms", "cost_usd_per_month")
"""Figures of a review's row of the index, and of two scenarios beside each other."""


# --- from cases to reviews -----------------------------------------------------------------------------------------


def build_reviews(cases: Sequence[Case], tables: decision.Tables | None = None, *, whole: bool = True) -> list[Review]:
    """Reviews of all cases, by our decision tables unless others are given: each model runs once over all of them.

    Args:
        cases: What the reviews are of.
        tables: Decision tables.
        whole: Whether options are compared and flips worked out, which no chart reads and which takes as long as all
            else together.
    """
    tables = tables or decision.load_tables()
    frame = scenarios_of(cases)
    filled = collect_few(with_defaults(frame)).rows(named=True)
    calibrated = {case.team.name: found for case in cases if (found := _calibrated(case)) is not None}
    parts = [overhead.estimate(*part).collect() for part in by_coefficients(frame, calibrated)]
    estimates = pl.concat(parts).partition_by("scenario", maintain_order=True, as_dict=True)
    over = over_budget({case.team.name: case for case in cases}, calibrated)
    parts = zip(cases, frame.iter_slices(1), decision.explain(frame, tables, outlook=whole, over=over), strict=True)
    settled = [beside_old_pools(*part, tables, over) for part in parts]
    verdicts = [verdict for verdict, _ in settled]
    dataplanes = list(map(recommended_dataplane, verdicts, filled))
    settings = list(map(setting_of, cases, filled))
    movers = _sensitivities(_as_recommended(frame, dataplanes, settings, verdicts), dataplanes, calibrated)
    tuned = tuned_estimates(frame, scoped(settings, verdicts), calibrated)

    def numbers(team: str, pools: Row | None) -> _Numbers:
        return _Numbers(estimates[(team,)], calibrated.get(team), movers.get(team), tuned.get(team), pools, whole)

    return [
        _review(case, setting, scenario, verdict, numbers(case.team.name, pools), tables)
        for case, setting, scenario, (verdict, pools) in zip(
            cases, settings, frame.iter_slices(1), settled, strict=True
        )
    ]


class _Numbers(NamedTuple):
    """What the models answer for one team."""

    estimates: pl.DataFrame
    coefficients: pl.DataFrame | None
    movers: list[Row] | None
    tuned: Row | None
    pools: Row | None
    compared: bool


def _review(
    case: Case, setting: Setting, scenario: pl.DataFrame, verdict: Row, numbers: _Numbers, tables: decision.Tables
) -> Review:
    figures = [without(item, "scenario") for item in numbers.estimates.to_dicts()]
    row, drawn = {**setting.scenario}, PairDraws(scenario, numbers.coefficients)
    plan = None if verdict["mesh"] is None else plan_of(case, setting, verdict, drawn)
    features = iac.for_verdict(
        {**verdict, "mesh": row["current_mesh"] if verdict["mesh"] == "stay" else verdict["mesh"]},
        row["needs"],
        cloud=row["cloud"],
        current_cni=row["current_cni"],
        edition=row["current_cni_edition"] if verdict["cni"] == "stay" else verdict["edition"]["cni"],
        mesh_edition=row["current_mesh_edition"] if verdict["mesh"] == "stay" else verdict["edition"]["mesh"],
        require=case.team.terraform,
    )
    values = list(_inputs(case, row))
    return Review(
        team=case.team.name,
        notes=case.team.notes,
        source=case.team.source,
        verdict=Verdict(**without(verdict, "scenario")),
        comparison=compare(case, setting, verdict, tables, drawn) if numbers.compared else None,
        headline=_headline(row, figures, verdict),
        scenario=without(row, "scenario", "assumed"),
        inputs=values,
        facts=case.facts,
        disagreements=list(case.disagreements),
        estimates=figures,
        migration=plan,
        iac=features,
        audit=case.findings,
        sensitivity=numbers.movers,
        assumptions=[
            AssumedValue(input=item.input, value=item.value, why=item.source)
            for item in values
            if item.status in ("assumed", "stand-in", "default")
        ],
        meshlab_version=__version__,
        sources=_sources(figures, verdict, row, case.findings, features, plan),
        tables_changed=list(tables.changes),
        inputs_sha256=inputs_sha256(case, tables),
        needs=side_by_side(case),
        measured=_measured(case, scenario, figures),
        pools=numbers.pools,
        tuning=tuning(row, figures, numbers.tuned, verdict),
    )


def _calibrated(case: Case) -> pl.DataFrame | None:
    """The coefficients after a team's own figures; None where it has none."""
    if not case.own or not case.own["rows"]:
        return None
    from meshlab.reviews.measured import coefficients_of

    known = {name: item.value for name, item in case.given.items() if item.status in ("stated", "measured")}
    return coefficients_of(case.own["rows"], known)


def _measured(case: Case, scenario: pl.DataFrame, figures: Sequence[Row]) -> Row | None:
    """What of a review rests on the team's own measurements; None where it names no file."""
    if not case.own:
        return None
    from meshlab.reviews.measured import rests_on

    types = scenario.schema
    without = {name: pl.lit(value, types[name]) for name, value in case.own["without"].items()}
    return rests_on(case.own, scenario.with_columns(**without), figures)


def _as_recommended(
    frame: pl.DataFrame, dataplanes: Sequence[str | None], settings: Sequence[Setting], verdicts: Sequence[Row]
) -> pl.DataFrame:
    """The scenarios with as many services known to each proxy as what is recommended would have it."""
    services: list[int | None] = []
    for dataplane, setting, verdict in zip(dataplanes, settings, verdicts, strict=True):
        row = setting.scenario
        scopes = verdict["tuned"] or (setting.scoped and verdict["mesh"] not in ("stay", row["current_mesh"]))
        services.append(scoped_services(row) if dataplane == SCOPED and scopes else None)
    return frame.with_columns(config_services=pl.Series(services, dtype=pl.Int64).fill_null(frame["config_services"]))


def _sensitivities(
    frame: pl.DataFrame, dataplanes: Sequence[str | None], calibrated: Mapping[str, pl.DataFrame]
) -> dict[str, list[Row]]:
    """What moves the three figures of each team's recommended data plane most; without a mesh nothing moves."""
    found: dict[str, list[Row]] = {}
    for dataplane in sorted({*filter(None, dataplanes)} - {"none"}):
        teams = frame.filter(pl.Series(dataplanes, dtype=pl.String).eq_missing(dataplane))
        for part, coefficients in by_coefficients(teams, calibrated):
            movers = sensitivity.tornados(part, dataplane, HEADLINES, coefficients)
            strongest = movers.group_by("scenario", "figure_name", maintain_order=True).head(STRONGEST)
            for row in strongest.iter_rows(named=True):
                found.setdefault(row["scenario"], []).append({"dataplane": dataplane, **without(row, "scenario")})
    return found


def without(row: Mapping[str, Any], *names: str) -> Row:
    """A row less some of its columns."""
    return {name: value for name, value in row.items() if name not in names}


def _inputs(case: Case, row: Row) -> Iterator[InputValue]:
    """Every declared input with its value, status and source, for the report's table."""
    for name, spec in inputs().items():
        default = Given(row[name], "unknown" if row[name] is None else "default", spec.default_why or "")
        item = case.given.get(name, default)
        yield InputValue(
            input=name, label=spec.label, value=item.value, unit=spec.unit, status=item.status, source=item.source
        )


def _headline(row: Row, figures: Sequence[Row], verdict: Row) -> Headline:
    """The three numbers that matter: of what is recommended, and of what runs today."""
    by_dataplane = {item["dataplane"]: item for item in figures}
    recommended = recommended_dataplane(verdict, row)
    today = overhead.dataplane_of_mesh().get(str(row["current_mesh"]))
    return Headline(
        dataplane=recommended,
        today=today,
        figures=[
            HeadlineFigure(
                figure=figure,
                label=overhead.figures()[figure].label,
                unit=overhead.figures()[figure].unit,
                **_ends(figure, "recommended", by_dataplane.get(recommended, {})),
                **_ends(figure, "today", by_dataplane.get(today, {})),
            )
            for figure in HEADLINES
        ],
    )


def _ends(figure: str, name: str, row: Mapping[str, Any]) -> Row:
    """Interval and median of a figure; None where no model answers."""
    return {f"{name}{end}": row.get(f"{figure}{end}") for end in ("_lo", "", "_hi")}


def _sources(
    figures: Sequence[Row],
    verdict: Row,
    row: Row,
    findings: Sequence[Row] | None,
    features: Sequence[Row],
    plan: Row | None,
) -> list[Row]:
    """Each cited source once, with what it supports, and the figures of each data plane that rest on it."""
    dataplanes = tuple(str(item["dataplane"]) for item in figures)
    matched = [row for row in verdict["rows"] if row["state"] == "matched"]
    cited = [
        *((source_id, use) for source_id, uses in _figure_uses(dataplanes).items() for use in uses),
        *_of_rows(matched, lambda rule: f"preference {rule['id']}"),
        *_of_rows(verdict["evidence"], lambda row: f"how {row['label']} meets {row['need']}"),
        *_of_rows(verdict["blockers"], lambda row: f"why {row['option']} is ruled out"),
        *_of_rows(findings or (), lambda finding: f"audit rule {finding['rule']}"),
        *_of_rows(features, lambda _: "Terraform feature lag"),
        *plan_sources(plan),
        *((name, "fees at list price") for row in verdict["options"] if row["eligible"] for name in fee_sources(row)),
        *((source_id, "cost of network plugins") for source_id in network_sources()),
        *([] if row["cpu_usd_per_core_hour"] is None else [("opencost-default", "default prices")]),
    ]
    supports: dict[str, list[str]] = {}
    for source_id, use in cited:
        supports.setdefault(source_id, []).append(use)
    table = _known_sources()
    return [
        {
            **table[source_id],
            "supports": list(dict.fromkeys(uses)),
            "figures": {name: own[source_id] for name in dataplanes if source_id in (own := overhead.cited(name))},
        }
        for source_id, uses in sorted(supports.items())
    ]


@cache
def _known_sources() -> dict[str, Row]:
    return {item["source_id"]: item for item in read_table("sources").iter_rows(named=True)}


@cache
def _figure_uses(dataplanes: tuple[str, ...]) -> dict[str, list[str]]:
    """For each source which figures of which data plane rest on it, in words."""
    uses: dict[str, list[str]] = {}
    for dataplane in dataplanes:
        for source_id, figures in overhead.cited(dataplane).items():
            words = {
                overhead.citing()[figure]: "" if part == overhead.MEDIAN else " (width of the interval)"
                for figure, part in figures.items()
            }
            uses.setdefault(source_id, []).append(f"{dataplane}: {', '.join(map(''.join, words.items()))}")
    return uses


def _of_rows(rows: Sequence[Row], use: Callable[[Row], str]) -> Iterator[tuple[str, str]]:
    """The sources that rows cite, and what for."""
    yield from ((source_id, use(row)) for row in rows for source_id in source_ids(row["source_id"]))


def source_ids(cell: str | None) -> list[str]:
    """The sources that a cell of a table cites, each once."""
    return list(dict.fromkeys(re.findall(r"[^;|\s]+", cell or "")))


# --- opening what is there already ---------------------------------------------------------------------------------


def open_review(source: str | Path, *, build: bool = True, whole: bool = True) -> Review:
    """A review from the name of an example team, a team file, a dump or a ``review.json``.

    What charts do not read is left out unless it is to be ``whole``.

    A ``review.json`` that is an outline yet is built and written, or refused where it is not to be built.

    Raises:
        MeshlabError: There is no such team or file, or it is wrong.
    """
    path = Path(source)
    if path.name == FILE and path.is_file():
        return read_review(path, build=build)
    return build_reviews([open_named(source)], whole=whole)[0]


def open_named(source: str | Path) -> Case:
    """A case from the name of an example team, a team file or a dump."""
    path = Path(source)
    return open_path(path if path.exists() else _example(str(source)))


def review_values(values: Mapping[str, object]) -> Review:
    """The review of stated values, as a workbook's parameters or its controls hold them.

    Raises:
        MeshlabError: All problems: unknown names, wrong types, values out of bounds.
    """
    return build_reviews([case_of(values)])[0]


def case_of(values: Mapping[str, object], name: str = "this scenario") -> Case:
    """The case of stated values."""
    return open_case(Team(name, name, _checked(values, name)))


def _checked(values: Mapping[str, object], name: str) -> Row:
    """Values of declared inputs, checked and typed, those that are missing left out."""
    row = {key: value for key, value in values.items() if value is not None}
    checked = scenarios({"scenario": name, **row}, name).row(0, named=True)
    return {key: value for key, value in without(checked, "scenario").items() if value is not None}


def light_review(values: Mapping[str, object], name: str = "this scenario") -> Review:
    """What charts read of a review, and the verdict: for a view that has to follow a hand.

    The models and the decision are those of ``review_values``; all else that takes longer than a hand waits is left
    out.

    Raises:
        MeshlabError: All problems: unknown names, wrong types, values out of bounds.
    """
    frame = frame_of([{"scenario": name, **_checked(values, name)}])
    row = collect_few(with_defaults(frame)).row(0, named=True)
    figures = [without(item, "scenario") for item in overhead.estimate(frame).collect().to_dicts()]
    verdict = decision.explain_again(frame)
    return Review(
        team=name,
        notes="",
        source="",
        verdict=Verdict(**without(verdict, "scenario")),
        comparison=None,
        headline=_headline(row, figures, verdict),
        scenario=without(row, "scenario", "assumed"),
        inputs=[],
        facts=None,
        disagreements=[],
        estimates=figures,
        migration=None,
        iac=[],
        audit=None,
        sensitivity=None,
        assumptions=[],
        meshlab_version=__version__,
        sources=_sources(figures, verdict, row, None, (), None),
        tables_changed=[],
        inputs_sha256="",
    )


def _example(name: str) -> Path:
    known = {file.stem: file for file in sorted(example_teams().glob("*.yaml"))}
    if name not in known:
        raise MeshlabError(Problem(shorten(name), "is neither a file nor an example team", did_you_mean(name, known)))
    return known[name]


def outline(case: Case, tables: str | None = None) -> dict[str, object]:
    """What a ``review.json`` holds before any model has run: ``read_review`` builds the rest."""
    return {"case": msgspec.to_builtins(case, enc_hook=str), "tables": tables}


def read_review(path: Path, *, build: bool = True) -> Review:
    """A ``review.json``; one that is an outline yet is built and written whole, or refused where it is not to be built.

    Raises:
        MeshlabError: It is no review.
    """
    content = read_bounded(path, MAXIMUM_REVIEW_BYTES)
    try:
        outlined = msgspec.json.decode(content, type=_Outline if build else Review)
        if isinstance(outlined, _Outline) and outlined.case is None:
            outlined = msgspec.json.decode(content, type=Review)
        if isinstance(outlined, Review):
            return checked(outlined)
        case = msgspec.convert(outlined.case, Case, dec_hook=_path)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MeshlabError(Problem(str(path), f"is no review: {error}", "render it again")) from error
    # a name alone: the tables lie beside the file and nowhere else
    tables = decision.load_tables(path.parent / Path(outlined.tables).name) if outlined.tables else None
    review = build_reviews([case], tables)[0]
    write_whole(path, pretty_json(review))
    return review


class _Outline(msgspec.Struct):
    case: Row | None = None
    tables: str | None = None


def _path(kind: type, value: object) -> object:
    return Path(str(value)) if kind is Path else value


def summary(review: Review) -> Row:
    """A review's row of the index: verdict, figures of the recommended pair as on the first page, and findings."""
    verdict, compared = review.verdict, review.comparison["options"] if review.comparison else ()
    criteria = next((option["criteria"] for option in compared if option["recommended"]), Row())
    figures: Row = {
        f"{name}{end}": (criteria.get(name) or Row()).get(part)
        for name in SUMMARY_FIGURES
        for end, part in (("_lo", "lo"), ("", "median"), ("_hi", "hi"))
    }
    states = None if review.audit is None else [finding["state"] for finding in review.audit]
    return {
        "team": review.team,
        "cni": verdict.cni,
        "mesh": verdict.mesh,
        "sentence": verdict.sentence,
        "settled": verdict.settled,
        "evidence_grade": verdict.evidence_grade,
        "margin": _margin(verdict.flips),
        "dataplane": review.headline.dataplane,
        **figures,
        "totals_usd": _totals(compared),
        "findings": None if states is None else states.count("fail"),
        "rules": states and {state: states.count(state) for state in STATES},
        "inputs_sha256": review.inputs_sha256,
    }


def _margin(flips: Sequence[Row]) -> float | None:
    """How far the nearest known number is from one that leads to another answer, over the smaller of both. [ratio]"""
    numbers = [(abs(flip["from"]), abs(flip["to"])) for flip in flips if flip["margin"] and flip["from"] and flip["to"]]
    return min((round(max(pair) / min(pair) - 1, 4) for pair in numbers), default=None)


def _totals(options: Sequence[Row]) -> dict[str, float | None]:
    """For each mesh that a team may run, what it takes over the horizon beside the network that suits it best.

    None where no measurement informs it.
    """
    totals: dict[str, float | None] = {}
    for option in options:
        if option["eligible"]:
            mesh: str = option["mesh"]
            ends: Mapping[str, float | None] | None = option["criteria"]["total_usd"]
            known = (ends["median"] if ends else None, totals.get(mesh))
            totals[mesh] = min((usd for usd in known if usd is not None), default=None)
    return dict(sorted(totals.items()))


# --- two scenarios beside each other ---------------------------------------------------------------------------------

Values = Mapping[str, object]


class Difference(msgspec.Struct, frozen=True):
    """One figure of what is recommended: both medians, and the 10-90 % interval of second less first over joint draws.

    None where no model answers for what is recommended.
    """

    figure: str
    one: float | None
    other: float | None
    lo: float | None
    middle: float | None
    hi: float | None


class Pinned(msgspec.Struct, frozen=True):
    """What two scenarios differ in: inputs with both values, and ``SUMMARY_FIGURES``."""

    one: Review
    other: Review
    inputs: list[tuple[str, object, object]]
    figures: list[Difference]


def against(one: Values, other: Values) -> Pinned:
    """Two scenarios beside each other, which inputs differ, and by how much figures of what is recommended do.

    Both are drawn from the same worlds, so that the interval of a difference leaves out what the two share.
    """
    reviews = light_review(one, "A"), light_review(other, "B")
    changed = [(name, one.get(name), other.get(name)) for name in inputs() if one.get(name) != other.get(name)]
    drawn = [_drawn(review, values) for review, values in zip(reviews, (one, other), strict=True)]
    return Pinned(*reviews, changed, [_difference(name, reviews, drawn) for name in SUMMARY_FIGURES])


def _drawn(review: Review, values: Values) -> pl.DataFrame | None:
    """What is recommended over all draws; None where no model answers for it."""
    plane = review.headline.dataplane
    if plane is None:
        return None
    drawn = draw_estimates(frame_of([{"scenario": review.team, **values}]), None, [] if plane == NONE else [plane])
    return drawn.filter(dataplane=plane).sort("draw").collect()


def _median(review: Review, figure: str) -> float | None:
    return next((row[figure] for row in review.estimates if row["dataplane"] == review.headline.dataplane), None)


def _difference(figure: str, reviews: tuple[Review, Review], drawn: Sequence[pl.DataFrame | None]) -> Difference:
    one, other = (_median(review, figure) for review in reviews)
    first, second = drawn
    if first is None or second is None:
        return Difference(figure, one, other, None, None, None)
    less = second[figure] - first[figure]
    return Difference(figure, one, other, *(less.quantile(share, "linear") for share in ENDS.values()))
