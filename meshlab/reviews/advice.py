"""What a review says beside its verdict: needs in use, pools that rule options out, configuration to scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

import polars as pl

from meshlab.cluster.facts.inferred_inputs import asks, fact, with_parts
from meshlab.documents import is_list
from meshlab.models import decision, overhead
from meshlab.models.pairs import SCOPED, scoped_services
from meshlab.planning.migration import Setting
from meshlab.planning.migration.routes import host_lines, root_namespace
from meshlab.reviews.cases import Case, by_coefficients
from meshlab.reviews.record import Row
from meshlab.scenario import inputs
from meshlab.tables import read_table, resource
from meshlab.units import version_key

# --- needs in use ----------------------------------------------------------------------------------------------------


STATED = ("stated", "assumed")
"""Where a list of needs comes from a team."""

UNUSED = "stated, and no object of the dump uses it"
UNSEEN = "stated; no object shows whether it is used"
EDGE = "in use at the edge, which asks for no mesh"
TAKEN = "in use, and taken as a need"
LEFT_OUT = "in use and not stated: the answer does not count it"
OPEN = "in use; what is needed beside it is not known"


def side_by_side(case: Case) -> Row | None:
    """Each need that is stated or in use, where both differ, and what is installed and unused; None without a dump."""
    rows = fact(case.facts or {}, "needs.used")
    if rows is None:
        return None
    used = {str(row["need"]): row for row in rows}
    given = case.given.get("needs")
    named = given is not None and given.status in STATED
    answered = frozenset(map(str, given.value if given is not None and is_list(given.value) else ()))
    stated = with_parts(answered) if named else None
    table = read_table("decision/needs").rows(named=True)
    return {
        "stated": named,
        "rows": [_need_row(need, used, stated, answered) for need in table if need["need"] in {*used, *answered}],
        "unused": fact(case.facts or {}, "needs.installed_unused"),
    }


def _need_row(need: Row, used: Mapping[str, Row], stated: frozenset[str] | None, answered: frozenset[str]) -> Row:
    """A need with the objects that use it, and what there is to say where it is not both stated and in use."""
    name, found = need["need"], used.get(need["need"])
    says = stated is not None and name in stated
    if found is None:
        seen = with_parts([name])
        can_be_seen = read_table("facts/needs_in_use")["need"].is_in(list(seen)).any()
        note = None if seen & used.keys() else UNUSED if can_be_seen else UNSEEN
    elif says:
        note = None
    elif not asks(found, need["layer"]):
        note = EDGE
    else:
        note = LEFT_OUT if stated is not None else TAKEN if name in answered else OPEN
    return {
        "need": name,
        "stated": None if stated is None else says,
        **{column: found and found[column] for column in ("objects", "namespaces", "where", "example")},
        "note": note,
    }


def left_out(found: Row | None) -> list[Row]:
    """Needs in use that a team's list leaves out, so that the answer does not count them."""
    return [row for row in (found or {}).get("rows", ()) if row["note"] == LEFT_OUT]


# --- pools with old kernels ------------------------------------------------------------------------------------------


INPUT = "kernel_oldest"

MOST_REPLACED = 0.5
"""Share of the nodes above which replacing them is no first step, but another cluster. [ratio]"""


def beside_old_pools(
    case: Case, scenario: pl.DataFrame, verdict: Row, tables: decision.Tables, over: decision.Over | None = None
) -> tuple[Row, Row | None]:
    """A verdict, and the pools whose kernels rule options out, named in those blockers.

    Where nothing that can be had meets what is asked, and something would without those pools, the verdict is that,
    with replacing them as its first step. No pools where the oldest kernel is stated, rules nothing out, or the dump
    names none.
    """
    rows = fact(case.facts or {}, "nodes.pool_kernels")
    given = case.given.get(INPUT)
    if not rows or given is None or given.status == "stated" or not _by_kernel(verdict):
        return verdict, None
    total = sum(row["nodes"] for row in rows)
    rest = pl.DataFrame(rows).sort(version_key(pl.col("kernel")), "pool", nulls_last=True).rows(named=True)
    old: list[Row] = []
    answer, without = verdict, scenario
    while rest and _by_kernel(answer):
        pool = rest[0]["pool"]
        old += [row for row in rest if row["pool"] == pool and row["kernel"] == rest[0]["kernel"]]
        rest = [row for row in rest if row["pool"] != pool]
        if not rest or sum(row["nodes"] for row in old) > MOST_REPLACED * total:
            return verdict, None
        without = scenario.with_columns(pl.lit(rest[0]["kernel"], scenario.schema[INPUT]).alias(INPUT))
        (answer,) = decision.explain(without, tables, outlook=False, over=over)
    names = sorted({row["pool"] or "" for row in old})
    found: Row = {
        "pools": [{**row, "of": total} for row in old],
        "text": "; ".join(pool_text(row, total) for row in old),
        "kernel_without": rest[0]["kernel"],
        "opens": _opened(verdict, answer),
        **{name: answer[name] for name in ("cni", "mesh", "sentence")},
        "changes": (answer["cni"], answer["mesh"]) != (verdict["cni"], verdict["mesh"]),
        "taken": False,
        "step": f"replace {'that pool' if len(names) == 1 else 'those pools'} first, by nodes with a newer image",
    }
    for blocker in _by_kernel(verdict):
        blocker["found"] = f"{blocker['found']} ({found['text']})"
    if not found["changes"] or not verdict["unmet"] or answer["unmet"] or None in (answer["cni"], answer["mesh"]):
        return verdict, found
    (whole,) = decision.explain(without, tables, over=over)
    first = f"First {found['step'].partition(',')[0].removesuffix(' first')}: {found['text']}."
    named = {"sentence": f"{whole['sentence']} {first}", "reasons": [first, *whole["reasons"]]}
    return {**whole, **named, "settled": False}, found | {"taken": True}


def pool_text(row: Mapping[str, Any], total: int) -> str:
    """Nodes of a pool in words, such as "12 of 300 nodes, pool gpu, kernel 4.18.0"."""
    pool = f"pool {row['pool']}" if row["pool"] else "of no pool"
    return f"{row['nodes']:,} of {total:,} nodes, {pool}, kernel {row['kernel']}"


def _by_kernel(verdict: Mapping[str, Any]) -> list[Row]:
    """Blockers that the oldest kernel makes."""
    words = f"{inputs()[INPUT].label.lower()}: "
    return [row for row in verdict["blockers"] if words in (row["found"] or "").lower()]


def _opened(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Options that the kernel alone rules out."""
    still = {row["option"] for row in after["blockers"]}
    return list(dict.fromkeys(row["option"] for row in _by_kernel(before) if row["option"] not in still))


# --- configuration to scope ------------------------------------------------------------------------------------------


SCOPED_FIGURES = ("memory_gib", "cpu_cores", "cost_usd_per_month")
"""Figures that the number of services moves."""


def scoped(settings: Sequence[Setting], verdicts: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Services that each proxy would know, for each cluster with proxies to scope; None where nothing is to gain."""
    found: list[int | None] = []
    for setting, verdict in zip(settings, verdicts, strict=True):
        row, runs = setting.scenario, setting.scenario["current_mesh"] == SCOPED
        asked = runs or (setting.scoped and verdict["mesh"] not in (None, "none", "stay"))
        found.append(scoped_services(row) if asked else None)
    return found


def tuned_estimates(
    frame: pl.DataFrame, services: Sequence[int | None], calibrated: Mapping[str, pl.DataFrame]
) -> dict[str, Row]:
    """Estimates of scenarios whose proxies are scoped, by the scenario's name."""
    tuned = frame.with_columns(config_services=pl.Series(services, dtype=pl.Int64)).drop_nulls("config_services")
    return {
        row["scenario"]: row
        for part, table in by_coefficients(tuned, calibrated)
        for row in overhead.estimate(part, table).filter(dataplane=SCOPED).collect().rows(named=True)
    }


def tuning(
    row: Mapping[str, Any], figures: Sequence[Row], tuned: Mapping[str, Any] | None, verdict: Mapping[str, Any]
) -> Row | None:
    """What scoping alone would save; None where there is nothing to scope."""
    if tuned is None:
        return None
    whole = next(item for item in figures if item["dataplane"] == SCOPED)
    stays = verdict["mesh"] in (None, "stay")
    scope = resource("templates") / "manifests" / "sidecar-scope.yaml"
    root = root_namespace(row["current_mesh_edition"] if stays else verdict["edition"]["mesh"])
    return {
        "dataplane": SCOPED,
        "runs_today": row["current_mesh"] == SCOPED,
        "services": row["config_services"],
        "scoped_services": scoped_services(row),
        "resource": Template(scope.read_text("utf-8")).substitute(
            NAMESPACE="NAMESPACE", ROOT_NAMESPACE=root, CALLED=host_lines(None)
        ),
        "figures": [
            {
                "figure": name,
                "label": overhead.figures()[name].label,
                "unit": overhead.figures()[name].unit,
                **{key: whole[f"{name}{end}"] for key, end in (("lo", "_lo"), ("median", ""), ("hi", "_hi"))},
                **{f"scoped{end}": tuned[f"{name}{end}"] for end in ("_lo", "", "_hi")},
                "saved": whole[name] - tuned[name],
            }
            for name in SCOPED_FIGURES
        ],
        "parts": {name: tuned[name] for name in tuned if name.startswith(("data_plane_", "control_plane_"))},
    }
