"""What a pod asks for, as Kubernetes computes it."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from meshlab.units import parse_quantity

INVALID = float("nan")
"""Worth of a text that is no quantity: it spreads to every sum that it enters, unlike a missing one."""


@lru_cache(maxsize=2**16)
def worth(amount: str | float | None) -> float | None:
    """What a quantity is worth, None where there is none, NaN where the text is no quantity. [cores or bytes]"""
    if amount is None:
        return None
    try:
        return parse_quantity(str(amount))
    except (ValueError, ArithmeticError):
        return INVALID


def pod_requests(containers: pl.LazyFrame, resource: str) -> pl.LazyFrame:
    """Requests of each pod's containers together. [cores or bytes]

    A pod needs, for each resource, the larger of two sums::

        running = sum(containers) + sum(sidecars)
        starting = max over init containers of (its request + requests of the sidecars that stand before it)

    A sidecar is an init container with ``restartPolicy: Always``: once started it stays, so that later init
    containers run beside it. Overhead of the runtime class and requests of the pod as a whole are added by the caller.

    Args:
        containers: Columns id (of the pod), role (app, sidecar, init) and the resource; init containers and sidecars
            in the order in which they start.
        resource: Column of the requests: 0 where a container asks for nothing.

    Returns:
        Columns id and the resource.

    Sources: k8s-sidecar-resources (data/sources.csv).
    """
    request = pl.col(resource)
    sidecar = pl.when(pl.col("role") == "sidecar").then(request).otherwise(0.0)
    start = pl.when(pl.col("role") == "init").then(request + sidecar.cum_sum().over("id")).otherwise(0.0)
    running = pl.when(pl.col("role") != "init").then(request).otherwise(0.0)
    return (
        containers.with_columns(start=start, running=running)
        .group_by("id")
        .agg(larger(pl.col("running").sum(), pl.col("start").nan_max()).alias(resource))
    )


def larger(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """The larger of two sums; NaN, an unreadable quantity, stays NaN."""
    return pl.when(one.is_nan() | other.is_nan()).then(INVALID).otherwise(pl.max_horizontal(one, other))
