"""From a team's case and its verdict to the plan of its move: where it stands, where it goes, what that saves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from msgspec.structs import replace

from meshlab.documents import is_mapping
from meshlab.errors import MeshlabError, Problem
from meshlab.models import decision, overhead
from meshlab.models.pairs import SCOPED, PairDraws
from meshlab.planning.migration import Move, Place, Plan, Setting, assumptions, parse_place, plan_move
from meshlab.planning.migration.routes import NONE, STAY, of_today
from meshlab.reviews.cases import Case, scenarios_of
from meshlab.scenario import collect_few, with_defaults


def recommended_dataplane(verdict: Mapping[str, object], row: Mapping[str, object]) -> str | None:
    """The data plane of the mesh of a verdict; None where nothing is recommended, or no model answers for the mesh."""
    mesh = row["current_mesh"] if verdict["mesh"] == STAY else verdict["mesh"]
    return overhead.dataplane_of_mesh().get(str(mesh))


def setting_of(case: Case, row: Mapping[str, Any]) -> Setting:
    """The cluster that a team's moves are made in."""
    own, pod_cidr, kubernetes = assumptions.own_figures(case.team.migration)
    return Setting(
        scenario=row,
        survey=case.survey,
        assumptions=assumptions.with_own(own),
        pod_cidr=pod_cidr,
        kubernetes_stated=kubernetes,
        encapsulation=_encapsulation(case),
        calls=case.own["calls"] if case.own else (),
    )


def today_of(case: Case) -> Place:
    """What runs today, as far as it is stated or read."""
    cni, mesh, cni_edition, mesh_edition = (
        None if (item := case.given.get(f"current_{side}")) is None or item.value is None else str(item.value)
        for side in ("cni", "mesh", "cni_edition", "mesh_edition")
    )
    return Place(cni, mesh, cni_edition, mesh_edition)


def target_of(verdict: Mapping[str, Any]) -> Place:
    """What a verdict recommends."""
    edition = verdict["edition"]
    marks = {name: bool(verdict.get(name)) for name in ("tuned", "new_cluster")}
    return Place(verdict["cni"], verdict["mesh"], edition["cni"], edition["mesh"], **marks)


def move_of(
    case: Case,
    setting: Setting,
    verdict: Mapping[str, Any],
    drawn: PairDraws,
    *,
    today: str = "",
    target: str = "",
) -> Move:
    """The move from what runs today to what the verdict recommends, or between places that are named.

    ``today`` overrules the facts and ``target`` the verdict, as ``parse_place`` reads them; a side that is not named
    stays.
    """
    start = parse_place(today, today_of(case), "--from")
    end = parse_place(target, Place(STAY, STAY), "--to") if target else target_of(verdict)
    return Move(start, end, setting, _worlds(setting, drawn, start, of_today(end, start)))


def _worlds(setting: Setting, drawn: PairDraws, start: Place, end: Place) -> dict[str, pl.DataFrame]:
    """Figures of where a move starts, of where it ends, and of the mesh there alone, in each world."""
    row = setting.scenario
    today, target = (
        {**place.plain(), "dataplane": overhead.dataplane_of_mesh().get(place.mesh or "")} for place in (start, end)
    )
    target = as_set_up(target, setting, start.mesh)
    types, begun = drawn.scenario.schema, {"current_cni": start.cni, "current_cni_edition": start.cni_edition}
    if other := {name: value for name, value in begun.items() if value not in (row[name], NONE)}:
        there = drawn.scenario.with_columns(pl.lit(value, types[name]).alias(name) for name, value in other.items())
        drawn = PairDraws(there, drawn.coefficients)
    worlds = drawn.worlds([today, target, {**target, "cni": None}]).partition_by("option", maintain_order=True)
    return dict(zip(("today", "target", "mesh"), worlds, strict=True))


def as_set_up(option: Mapping[str, Any], setting: Setting, mesh_today: str | None) -> Mapping[str, Any]:
    """An option as it would be set up: sidecars of a new mesh know what they call, where that pays."""
    if option["dataplane"] != SCOPED or option["mesh"] == mesh_today or not setting.scoped:
        return option
    return {**option, "scoped": True, "label": f"{option.get('label')}, scoped"}


def plan_of(case: Case, setting: Setting, verdict: Mapping[str, Any], drawn: PairDraws) -> Plan:
    """The plan of the move from today to the verdict."""
    return plan_move(move_of(case, setting, verdict, drawn))


def plans(
    cases: Sequence[Case],
    today: str = "",
    target: str = "",
    own: Mapping[str, object] | None = None,
    over: decision.Over | None = None,
) -> list[Plan]:
    """The plan of each case, with the name of its scenario.

    ``today`` and ``target`` overrule facts and verdicts, as ``parse_place`` reads them; ``own`` figures stand before
    those of the teams, by the names of ``data/migration/assumptions.csv``.

    Raises:
        MeshlabError: A place that is named is none, or a figure is wrong.
    """
    if problems := [Problem("migration", what, todo) for _, what, todo in assumptions.faults(own or {})]:
        raise MeshlabError(problems)
    cases = [replace(case, team=replace(case.team, migration={**case.team.migration, **(own or {})})) for case in cases]
    frame = scenarios_of(cases)
    filled = collect_few(with_defaults(frame)).rows(named=True)
    verdicts = decision.explain(frame, outlook=False, over=over)
    moves = [
        move_of(case, setting_of(case, row), verdict, PairDraws(scenario), today=today, target=target)
        for case, row, scenario, verdict in zip(cases, filled, frame.iter_slices(1), verdicts, strict=True)
    ]
    return [{"scenario": case.team.name, **plan_move(move)} for case, move in zip(cases, moves, strict=True)]


def plan_sources(plan: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Each source that a plan cites, and what for; none without a plan."""
    if plan is None:
        return
    cited = [
        *(("steps of the move", step["source"]) for step in plan["steps"]),
        *(("what has to be set up", step["source_id"]) for step in plan["set_up"]),
        *((f"blocker {blocker['id']}", blocker["source_id"]) for blocker in plan["blockers"]),
        *(("assumptions of the move", row["source_id"] or "") for row in plan["assumptions"]),
        *(("ways of the move", row["source_id"]) for row in plan["routes"]),
    ]
    yield from ((source_id, use) for use, cell in cited for source_id in cell.split("|") if source_id)


def _encapsulation(case: Case) -> str | None:
    cni = (case.facts or {}).get("cni")
    return cni.get("encapsulation") if is_mapping(cni) else None
