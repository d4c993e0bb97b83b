"""What scoping alone would save: proxies that know the services which they call, and not all of the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from meshlab.models import overhead
from meshlab.models.pairs import tuned_services
from meshlab.reviews.record import Row

SCOPED = "istio-sidecar"
"""The data plane whose proxies each hold the configuration of every service that they know."""

FIGURES = ("memory_gib", "cpu_cores", "cost_usd_per_month")
"""Figures that the number of services moves."""

RESOURCE = """apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: NAMESPACE}
spec:
  egress:
    - hosts: ["./*", "istio-system/*"]
"""
"""What scopes the proxies of a namespace; namespaces that it calls beside its own are added to its hosts."""


def scoped(rows: Sequence[Mapping[str, Any]], verdicts: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Services that each proxy would know, for each scenario with proxies to scope; None where nothing is to gain.

    Args:
        rows: Scenarios with defaults filled in.
        verdicts: What is recommended for each.
    """
    found: list[int | None] = []
    for row, verdict in zip(rows, verdicts, strict=True):
        asked = row["current_mesh"] == SCOPED or verdict["mesh"] not in (None, "none", "stay")
        services = tuned_services(row)
        found.append(services if asked and services < row["config_services"] else None)
    return found


def tuned_estimates(
    frame: pl.DataFrame, services: Sequence[int | None], narrowed: Mapping[str, pl.DataFrame]
) -> dict[str, Row]:
    """Estimates of scenarios whose proxies are scoped, by the scenario's name.

    Args:
        frame: Scenarios as they are given.
        services: As ``scoped`` returns them.
        narrowed: Coefficients of scenarios that have their own, by name.
    """
    tuned = frame.with_columns(config_services=pl.Series(services, dtype=pl.Int64)).drop_nulls("config_services")
    own = pl.col("scenario").is_in(list(narrowed))
    parts = [(tuned.filter(~own), None), *((tuned.filter(scenario=name), table) for name, table in narrowed.items())]
    return {
        row["scenario"]: row
        for part, table in parts
        if part.height
        for row in overhead.estimate(part, table).filter(dataplane=SCOPED).collect().rows(named=True)
    }


def tuning(row: Mapping[str, Any], figures: Sequence[Row], tuned: Mapping[str, Any] | None) -> Row | None:
    """What scoping alone would save; None where there is nothing to scope.

    Args:
        row: The scenario, defaults filled in.
        figures: Its estimates.
        tuned: Its estimate of the proxies with scoped configuration.
    """
    if tuned is None:
        return None
    whole = next(item for item in figures if item["dataplane"] == SCOPED)
    return {
        "dataplane": SCOPED,
        "runs_today": row["current_mesh"] == SCOPED,
        "services": row["config_services"],
        "scoped_services": tuned_services(row),
        "resource": RESOURCE,
        "figures": [
            {
                "figure": name,
                "label": overhead.figures()[name].label,
                "unit": overhead.figures()[name].unit,
                **{key: whole[f"{name}{end}"] for key, end in (("lo", "_lo"), ("median", ""), ("hi", "_hi"))},
                **{f"scoped{end}": tuned[f"{name}{end}"] for end in ("_lo", "", "_hi")},
                "saved": whole[name] - tuned[name],
            }
            for name in FIGURES
        ],
    }
