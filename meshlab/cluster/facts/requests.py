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


def pod_requests(containers: pl.LazyFrame, *resources: str) -> pl.LazyFrame:
    """Requests of each pod's containers together. [cores or bytes]

    A pod needs, for each resource, the larger of two sums::

        running = sum(containers) + sum(sidecars)
        starting = max over init containers of (its request + requests of the sidecars that stand before it)

    A sidecar is an init container with ``restartPolicy: Always``: once started it stays, so that later init
    containers run beside it. Overhead of the runtime class and requests of the pod as a whole are added by the caller.

    Args:
        containers: Columns id (of the pod), role (app, sidecar, init) and the resources; init containers and sidecars
            in the order in which they start.
        resources: Columns of the requests: 0 where a container asks for nothing.

    Returns:
        Columns id and the resources.

    Sources: k8s-sidecar-resources (data/sources.csv).
    """
    role = pl.col("role")
    running = containers.filter(role != "init").group_by("id").agg(pl.sum(*resources))
    at_each_start = {name: pl.when(role == "init").then(pl.col(name) + _sidecars_before(name)) for name in resources}
    starting = (
        containers.filter(role != "app")  # few are left to look back from, which is slow
        .select("id", **at_each_start)
        .group_by("id")
        .agg(pl.col(*resources).nan_max())
    )
    return running.join(starting, on="id", how="full", coalesce=True, suffix=_STARTING).select(
        "id", *(larger(pl.col(name), pl.col(name + _STARTING)).alias(name) for name in resources)
    )


_STARTING = "_starting"


def _sidecars_before(resource: str) -> pl.Expr:
    return pl.when(pl.col("role") == "sidecar").then(resource).otherwise(0.0).cum_sum().over("id")


def larger(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """The larger of two sums, or the one that there is; NaN, an unreadable quantity, stays NaN."""
    return pl.when(one.is_nan() | other.is_nan()).then(INVALID).otherwise(pl.max_horizontal(one, other))
