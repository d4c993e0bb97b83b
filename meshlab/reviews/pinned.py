"""Two scenarios beside each other: which inputs differ, what is recommended for each, and by how much figures differ.

Both are drawn from the same worlds, so that an interval of a difference leaves out what the two share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from meshlab.models.overhead import NONE, draw_estimates
from meshlab.reviews.record import Review
from meshlab.reviews.review import light_review
from meshlab.scenario import frame_of, inputs

Values = Mapping[str, object]

FIGURES = ("memory_gib", "cpu_cores", "added_p99_ms", "cost_usd_per_month")
"""What is compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of what is recommended: both medians, and the 10-90 % interval of second less first over joint draws.

    None where no model answers for what is recommended.
    """

    figure: str
    one: float | None
    other: float | None
    lo: float | None
    middle: float | None
    hi: float | None


@dataclass(frozen=True, slots=True)
class Pinned:
    """What two scenarios differ in: inputs with both values, and ``FIGURES``."""

    one: Review
    other: Review
    inputs: list[tuple[str, object, object]]
    figures: list[Difference]


def against(one: Values, other: Values) -> Pinned:
    """Two scenarios beside each other."""
    reviews = light_review(one, "A"), light_review(other, "B")
    changed = [(name, one.get(name), other.get(name)) for name in inputs() if one.get(name) != other.get(name)]
    drawn = [_drawn(review, values) for review, values in zip(reviews, (one, other), strict=True)]
    return Pinned(*reviews, changed, [_difference(name, reviews, drawn) for name in FIGURES])


def _drawn(review: Review, values: Values) -> pl.DataFrame | None:
    """What is recommended over all draws; None where no model answers for it."""
    plane = review.headline.dataplane
    if plane is None:
        return None
    drawn = draw_estimates(frame_of([{"scenario": review.team, **values}]), None, [] if plane == NONE else [plane])
    return drawn.filter(dataplane=plane).sort("draw").collect()


def _median(review: Review, figure: str) -> float | None:
    return next((row[figure] for row in review.estimates if row["dataplane"] == review.headline.dataplane), None)


def _difference(figure: str, reviews: tuple[Review, Review], drawn: Sequence[pl.DataFrame | None]) -> Difference:
    one, other = (_median(review, figure) for review in reviews)
    first, second = drawn
    if first is None or second is None:
        return Difference(figure, one, other, None, None, None)
    less = second[figure] - first[figure]
    return Difference(figure, one, other, *(less.quantile(share, "linear") for share in (0.1, 0.5, 0.9)))
