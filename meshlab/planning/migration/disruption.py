"""Times without enforcement of policies while a move lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from meshlab.planning.migration.assumptions import named
from meshlab.planning.migration.nodes import Drained
from meshlab.planning.migration.steps import Step, hours_of


def gaps(taken: Sequence[Step], drains: Mapping[str, Drained]) -> list[dict[str, Any]]:
    """Times without enforcement of policies: which step opens each, which closes it, and how long that is.

    Working time is that of the steps after the one that opens it; where nodes have a schedule, ``with_nights`` counts
    the hours between its windows, too. What no step closes has ended for good, and is no gap.
    """
    last = [
        drain.times.select(pl.max("end_hours").fill_null(0.0)).item()
        for drain in drains.values()
        if drain.times is not None
    ]
    found = []
    for route in dict.fromkeys(step.route for step in taken):
        own = [step for step in taken if step.route == route and step.row["phase"] != "prepare"]
        between = _between(own)
        if between:
            found.append(
                {
                    "route": route,
                    "opens": between[0].row["action"],
                    "closes": between[-1].row["action"],
                    **named("hours", hours_of(between[1:] or between)),
                    "with_nights": last[0] if last and any(step.row["scope"] == "node" for step in between) else None,
                }
            )
    return found


def _between(own: Sequence[Step]) -> Sequence[Step]:
    """Steps from the one that opens a gap to the one that closes it; none where no gap is opened and closed."""
    marks = [step.row["gap"] for step in own]
    if not {"opens", "closes"} <= set(marks):
        return ()
    return own[marks.index("opens") : len(marks) - marks[::-1].index("closes")]
