"""From working time to days: a window a day, and no node that begins without time enough to end."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from math import ceil

import polars as pl

from meshlab.planning.migration.assumptions import Interval

HOUR, DAY = 3600.0, 24.0
"""An hour in seconds, a day in hours."""


def days(total: Interval, longest: Interval, window_hours: float) -> tuple[int, int | None]:
    """Days with a window: at least, and at most; None where a node may not fit into a window.

    At most, the end of each window is lost, as long as the longest node takes at most.
    """
    window = window_hours * HOUR
    least = ceil(total.lo / window)
    usable = window - longest.hi
    most = ceil(total.hi / usable) if usable > 0 else None
    return (least, None if most is None else max(most, least))


def calendar(times: pl.DataFrame, parallel: int, window_hours: float) -> pl.DataFrame:
    """When each node is worked on, in hours since the first window opened.

    A node begins when a place is free and the rest of the window is as long as it likely takes; one that takes longer
    than a window begins with it.

    Args:
        times: Columns node, drain and seconds, in the order in which nodes are drained. [s]
        parallel: Nodes at a time.
        window_hours: Length of a day's window. [h]

    Returns:
        The rows with day (from 1), begin_hours, drained_hours and end_hours.
    """
    spans = [
        (begin, begin + drain / HOUR, end)
        for (begin, end), drain in zip(
            placed((times["seconds"] / HOUR).to_list(), parallel, window_hours), times["drain"], strict=True
        )
    ]
    columns = ("begin_hours", "drained_hours", "end_hours")
    found = pl.DataFrame(spans, schema=dict.fromkeys(columns, pl.Float64), orient="row")
    return times.hstack(found).with_columns(day=(pl.col("begin_hours") // DAY).cast(pl.Int64) + 1)


def placed(hours: Sequence[float], parallel: int, window_hours: float) -> list[tuple[float, float]]:
    """Begin and end of each node, in their order. [h]"""
    free = [0.0] * parallel
    spans = []
    for duration in hours:
        begin = _opened(heapq.heappop(free), duration, window_hours)
        heapq.heappush(free, begin + duration)
        spans.append((begin, begin + duration))
    return spans


def _opened(moment: float, duration: float, window_hours: float) -> float:
    """The first moment from this one on at which a window has so much time left. [h]"""
    into = moment % DAY
    fits = into + duration <= window_hours + 1e-9
    return moment if fits or into == 0.0 else moment - into + DAY
