"""How many nodes may be drained at a time so that their pods always fit on the others."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

RESOURCES = ("cpu_cores", "memory_gib")


@dataclass(frozen=True, slots=True)
class Room:
    """What capacity allows.

    Args:
        parallel: Nodes at a time, at least 1; what was asked for where capacity is unknown.
        asked: Nodes at a time that were asked for.
        known: Whether requests and allocatable capacity are known of every node.
        short: Resources of which not even one node's pods fit on the others.
        homeless: Nodes whose largest pod fits on no other node, empty as it may be.
    """

    parallel: int
    asked: int
    known: bool
    short: tuple[str, ...] = ()
    homeless: tuple[str, ...] = ()


def fitting(nodes: pl.DataFrame, asked: int, surge: int) -> Room:
    """The largest number of nodes at a time, up to what is asked for, whose pods fit whatever nodes they are.

    While a set S of nodes is drained, its pods have to fit into what the others have free::

        sum over S of moved <= sum over others of free + surge * free of a new node
        sum over S of (moved + free) <= sum over all of free + surge * free of a new node

    The left side is largest for the nodes with the most of moved + free; a number that holds for them holds for any
    set. A new node has as much room as the median of what a node's pods and its free part take together. This is a
    bound on sums: how pods break up the free parts is not in it.

    Args:
        nodes: Columns of a survey's nodes.
        asked: Nodes at a time that are asked for.
        surge: Extra nodes.
    """
    asked = max(1, min(asked, nodes.height))
    spans = {name: (pl.col(f"moved_{name}") + pl.col(f"free_{name}")) for name in RESOURCES}
    known = nodes.select(pl.any_horizontal(span.is_null().any() for span in spans.values())).item() is False
    if not known or not nodes.height:
        return Room(asked, asked, known=known and bool(nodes.height))
    holds = {
        name: nodes.select(
            span.sort(descending=True).cum_sum() <= pl.col(f"free_{name}").sum() + surge * span.median() + EPSILON
        ).to_series()
        for name, span in spans.items()
    }
    fits = min(int(series.sum()) for series in holds.values())
    short = tuple(name for name, series in holds.items() if not series[0])
    return Room(max(1, min(asked, fits)), asked, known=True, short=short, homeless=_homeless(nodes, surge))


EPSILON = 1e-9
"""Rounding of sums. [cores or GiB]"""


def _homeless(nodes: pl.DataFrame, surge: int) -> tuple[str, ...]:
    """Nodes with a pod that is larger than all that any other node has free or could free."""
    if surge:
        return ()
    stuck = pl.lit(value=False)
    for name in RESOURCES:
        span = pl.col(f"moved_{name}") + pl.col(f"free_{name}")
        top = span.top_k(2)
        largest_elsewhere = pl.when(span == top.first()).then(top.last()).otherwise(top.first())
        stuck = stuck | (pl.col(f"largest_{name}") > largest_elsewhere + EPSILON)
    return tuple(nodes.filter(stuck)["name"]) if nodes.height > 1 else tuple(nodes.filter(pl.col("pods") > 0)["name"])
