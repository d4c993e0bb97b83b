"""Memory, CPU, latency and money that each data plane adds: expressions over a scenario's inputs and coefficients."""

from meshlab.models.overhead.citations import CITING, MEDIAN, cited
from meshlab.models.overhead.estimates import (
    DATAPLANES,
    INTERVAL_FIGURES,
    PART_FIGURES,
    draw_estimates,
    estimate,
    estimate_by,
    sources,
    steps_with,
)

__all__ = [
    "CITING",
    "DATAPLANES",
    "INTERVAL_FIGURES",
    "MEDIAN",
    "PART_FIGURES",
    "cited",
    "draw_estimates",
    "estimate",
    "estimate_by",
    "sources",
    "steps_with",
]
