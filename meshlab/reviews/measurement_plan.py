"""The experiment that would narrow a team's choice most: what to run, how often, and what a review reads back.

What is worth knowing comes from the value of information (``planning.comparison``): of the groups of coefficients the
one whose knowledge would save most. How often to repeat comes from the same draws: readings are simulated with the
noise that readings have, and repeated until they save nearly what knowing the figures would.
"""

from __future__ import annotations

import csv
import io
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from meshlab.models import decision
from meshlab.models.decision.tables import NONE
from meshlab.models.evidence.measured import OWN_COLUMNS, metrics, reading_noise
from meshlab.models.overhead import draw_estimates
from meshlab.models.overhead.coefficients import coefficient_table
from meshlab.models.pairs import PairDraws
from meshlab.planning import comparison
from meshlab.reviews.cases import Case, scenarios_of
from meshlab.reviews.comparison import find_out, over_budget, weighed
from meshlab.reviews.migration import setting_of
from meshlab.scenario import collect_few, frame_of, with_defaults
from meshlab.units import ENDS

METRICS = ("data_plane_memory_gib", "data_plane_cpu_cores", "added_p50_ms", "added_p90_ms", "added_p99_ms")
"""What the experiment reads: figures that a client, and the containers of the data plane, show."""

OF_GROUP = {
    "sidecars": "istio-sidecar",
    "ambient mode": "istio-ambient",
    "Cilium": "cilium",
    "Linkerd": "linkerd",
}
"""The data plane whose experiment settles a group of coefficients; any other is settled by the likeliest choice's."""

CLIENTS = 3
"""Clients of the experiment, and as many servers. [pods]"""

LEAST_RATE = 1000.0
"""Least rate of a client, so that what a request costs can be told from what a proxy takes at rest. [1/s]"""

PRICED = METRICS[:2]
"""Those that money rests on, by which it is judged how often to repeat."""

SIZES = (3, 5, 8, 12, 20)
"""Repetitions that are weighed: fewer than three do not show how much readings scatter."""

ENOUGH = 0.9
"""Share of what knowing the figures would save that readings have to save to be enough."""

KEPT = ("services", "payload_bytes", "protocol", "mtls")
"""Inputs of the team's scenario that the experiment keeps."""


def measurement_plan(case: Case) -> dict[str, Any]:
    """What to measure first for a team.

    Returns:
        ``team``; ``options``, among how many the choice is; ``groups`` of coefficients whose knowledge would save
        something, the most first; ``dataplane`` to try, None where no option has one with figures; ``scenario`` of the
        experiment; ``repetitions``, and ``saves``, what so many of them would save [USD]; ``metrics``, each with its
        interval today.
    """
    frame = scenarios_of([case])
    row = collect_few(with_defaults(frame)).row(0, named=True)
    (verdict,) = decision.explain(frame, outlook=False, over=over_budget({case.team.name: case}))
    options, _, _, choices = weighed(case, setting_of(case, row), verdict, PairDraws(frame))
    places, values = comparison.matrix(choices) if options else (list[int](), np.empty((0, 0)))
    cheapest: list[str] = (
        [options[places[column]]["dataplane"] for column in values.mean(axis=0).argsort()] if places else []
    )
    meshes = [dataplane for dataplane in cheapest if dataplane != NONE]
    groups = find_out(choices) if meshes else []
    if not meshes:
        return {"team": case.team.name, "options": len(places), "groups": [], "dataplane": None, "saves": 0.0}
    dataplane = OF_GROUP.get(str(groups[0]["group"]), meshes[0]) if groups else meshes[0]
    scenario = _experiment(row)
    drawn = draw_estimates(frame_of([scenario]), dataplanes=[dataplane]).filter(dataplane=dataplane).collect()
    logs = np.log(drawn.select(PRICED).to_numpy().clip(1e-12))
    repetitions, saves = _repetitions(values, logs)
    return {
        "team": case.team.name,
        "options": len(places),
        "groups": groups,
        "dataplane": dataplane,
        "scenario": scenario,
        "repetitions": repetitions,
        "saves": saves,
        "metrics": [
            {"metric": name, "unit": metrics()[name].unit, "label": metrics()[name].label, **_ends(drawn[name])}
            for name in METRICS
        ],
    }


def _experiment(row: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario of the experiment: a few clients and servers under the team's own kind of traffic."""
    rate = max(LEAST_RATE, 2 * row["requests_per_second"] / max(1, row["pods"]))
    return {
        "scenario": "experiment",
        "pods": 2 * CLIENTS,
        "nodes": min(row["nodes"], CLIENTS),
        "namespaces": 1,
        "l7_traffic_share": float(row["l7_traffic_share"] > 0),
        "requests_per_second": float(math.ceil(rate) * CLIENTS),
        "connections": 8 * CLIENTS,
        "call_depth": 1,
        **{name: row[name] for name in KEPT},
    }


def _repetitions(values: np.ndarray, logs: np.ndarray) -> tuple[int, float]:
    """How often to repeat, and what that saves: the fewest whose readings save nearly what the figures would. [USD]"""
    table = coefficient_table()
    noise = np.array([reading_noise(table)[metrics()[name].kind] for name in PRICED])
    most, _ = comparison.value_of_information(values, logs)
    scores = np.random.default_rng(zlib.crc32(b"readings")).standard_normal(logs.shape)
    saves = 0.0
    for count in SIZES:
        saves, _ = comparison.value_of_information(values, logs + noise / math.sqrt(count) * scores)
        if saves >= ENOUGH * most:
            return count, saves
    return SIZES[-1], saves


def _ends(drawn: pl.Series) -> dict[str, float | None]:
    shares = {end.strip("_") or "median": share for end, share in ENDS.items()}
    return {end: drawn.quantile(share, "linear") for end, share in shares.items()}


def results_table(plan: Mapping[str, Any], readings: Sequence[float] | None = None) -> str:
    """The table that ``measured:`` reads: a row for each of ``METRICS``.

    Its values are filled in after the experiment, unless readings are given.
    """
    stream = io.StringIO()
    names = [*plan["scenario"], *OWN_COLUMNS]
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    values = readings or [""] * len(METRICS)
    for metric, value in zip(plan["metrics"], values, strict=True):
        told = {"dataplane": plan["dataplane"], "metric": metric["metric"], "value": value, "unit": metric["unit"]}
        writer.writerow({**plan["scenario"], **told})
    return stream.getvalue()
