"""What the migration workbook shows: a review whose plan leads elsewhere, or takes other figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from meshlab.reviews.cases import Case
from meshlab.reviews.comparison import over_budget
from meshlab.reviews.moves import plans
from meshlab.reviews.record import Review
from meshlab.reviews.review import build_reviews, open_named
from meshlab.show import report
from meshlab.show.theme import figure_text


def opened(source: str | Path) -> tuple[Case, Review]:
    """The case and the review of an example team, a team file or a dump.

    Raises:
        MeshlabError: There is no such team or file, or it is wrong.
    """
    case = open_named(source)
    return case, build_reviews([case])[0]


def planned(
    case: Case, review: Review, today: str = "", target: str = "", own: Mapping[str, object] | None = None
) -> Review:
    """The review with the plan of another move.

    Args:
        case: The case of the review.
        review: Its review.
        today: What runs today, where the facts are to be overruled.
        target: Where to move, where the verdict is to be overruled.
        own: Figures that stand before those of the team; None among them for those that stand.

    Raises:
        MeshlabError: A place or a figure is wrong.
    """
    given = {name: value for name, value in (own or {}).items() if value is not None}
    over = over_budget({case.team.name: case})
    return msgspec.structs.replace(review, migration=plans([case], today, target, given, over)[0])


def gaps(review: Review) -> report.Fragment:
    """Times in which no policy is enforced: from which step to which, and how long."""
    rows = [
        {
            "From": str(gap["opens"]),
            "Until": str(gap["closes"]),
            "Working time [h]": _told(gap["hours"]),
            "At most [h]": _told(gap["hours_hi"]),
            "With the hours between windows [h]": _told(gap["with_nights"]),
        }
        for gap in _plan(review)["gaps"]
    ]
    return report.table(rows, "On this way policies stay enforced, or end for good where that is the aim.")


def needs(review: Review) -> report.Fragment:
    """What the move needs while it runs, and what it brings, beside staying."""
    asked, brought = _plan(review)["needs"], _plan(review)["brings"]
    rows = [
        ("People", "h", asked, "person_hours"),
        ("People", "USD", asked, "usd"),
        ("Saved", "USD/month", brought, "usd_per_month"),
        ("Paid back after", "months", brought, "months"),
    ]
    return report.table(
        [
            {
                "What": what,
                "Unit": unit,
                **{
                    head: _told(row[f"{name}{end}"])
                    for head, end in (("Least", "_lo"), ("Likely", ""), ("Most", "_hi"))
                },
            }
            for what, unit, row, name in rows
        ]
        + [
            {"What": what, "Unit": unit, "Least": "", "Likely": _told(asked[name]), "Most": ""}
            for what, unit, name in (
                ("Memory beside the old", "GiB", "extra_memory_gib"),
                ("CPU beside the old", "cores", "extra_cpu_cores"),
                ("Nodes at a time", "count", "parallel"),
                ("Extra nodes", "count", "surge_nodes"),
            )
        ]
    )


def _plan(review: Review) -> Mapping[str, Any]:
    return review.migration or {}


def _told(value: Any) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else figure_text(float(value))
