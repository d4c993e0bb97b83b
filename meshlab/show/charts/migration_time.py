"""Working time of a move, as its charts show it: the hours between windows are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from meshlab.show.export import Spec

Plan = Mapping[str, Any]

AXIS = "Working time, windows one after the other [h]"

AXIS_PX = 54
"""Room for the axis. [px]"""

DRAIN, WORK = "warm", "cool"
"""Accents of the drain of a node and of the work on it."""

DAY = 24.0
"""Hours of a day."""

MOST_TICKS = 8
"""Ticks of the time axis."""


def prepared(plan: Plan) -> pl.DataFrame:
    """The nodes with begin, drained and end in working time: the hours between windows are left out.

    Columns node, pods, day, begin, drained, end. [h]
    """
    skipped = (pl.col("day") - 1) * (DAY - window_hours(plan))
    return pl.DataFrame(plan["nodes"]).select(
        "day",
        "pods",
        node=pl.col("name"),
        begin=pl.col("begin_hours") - skipped,
        drained=pl.col("drained_hours") - skipped,
        end=pl.col("end_hours") - skipped,
    )


def window_hours(plan: Plan) -> float:
    """Length of a day's window. [h]"""
    return next(row["value"] for row in plan["assumptions"] if row["name"] == "window_hours")


def time_axis(plan: Plan, nodes: pl.DataFrame) -> Spec:
    """The time axis: its lines stand where windows open, where there is more than one."""
    days = nodes.select(pl.max("day").fill_null(1)).item()
    ticks = (
        {"dtick": window_hours(plan) * -(-days // MOST_TICKS), "showgrid": True} if days > 1 else {"nticks": MOST_TICKS}
    )
    return {"fixedrange": True, "title": {"text": AXIS}, "rangemode": "tozero", "zeroline": False, **ticks}
