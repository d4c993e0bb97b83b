"""What a move costs, what it saves a month, and when it has paid for itself: beside staying put."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshlab.planning.migration.assumptions import ENDS, Interval

NEVER = "never"
"""What a move that saves nothing is worth in months."""


def saved(figures: Sequence[Mapping[str, Any]], today: str | None, target: str | None) -> dict[str, float | None]:
    """What the target costs less than today's data plane, a month. [USD/month]

    Both are intervals over the same cluster, and how they move together is not known, so that the widest difference
    stands: at least today's least less the target's most.

    Args:
        figures: Rows of ``overhead.estimate`` of one scenario.
        today: Data plane of today; None where no estimate answers for it.
        target: Data plane of the target.
    """
    costs = {row["dataplane"]: [row.get(f"cost_usd_per_month{end}") for end in ENDS] for row in figures}
    one, other = ([cost for cost in costs.get(name or "", ()) if cost is not None] for name in (today, target))
    if len(one) < len(ENDS) or len(other) < len(ENDS):
        return {f"usd_per_month{end}": None for end in ENDS}
    if today == target:
        return {f"usd_per_month{end}": 0.0 for end in ENDS}
    return {
        "usd_per_month_lo": one[0] - other[2],
        "usd_per_month": one[1] - other[1],
        "usd_per_month_hi": one[2] - other[0],
    }


def break_even(cost: Interval, savings: Mapping[str, float | None]) -> dict[str, float | str | None]:
    """Months until savings have paid for the move; ``never`` where there are none, None where they are unknown.

    The soonest is the least cost over the greatest savings, the latest the greatest cost over the least savings.
    """
    pairs = {"_lo": (cost.lo, "_hi"), "": (cost.likely, ""), "_hi": (cost.hi, "_lo")}
    months: dict[str, float | str | None] = {}
    for end, (price, other) in pairs.items():
        monthly = savings[f"usd_per_month{other}"]
        months[f"months{end}"] = None if monthly is None else price / monthly if monthly > 0 else NEVER
    return months


def brings(cost: Interval | None, savings: Mapping[str, float | None]) -> dict[str, float | str | None]:
    """What the move saves a month, and after how many months it has paid for itself; None where its cost is unknown."""
    months = {f"months{end}": None for end in ENDS} if cost is None else break_even(cost, savings)
    return {**savings, **months}
