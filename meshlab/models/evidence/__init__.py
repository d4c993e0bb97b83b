"""Published measurements, how well the models predict them, and coefficients after a team's own measurements."""

from meshlab.models.evidence.assessment import (
    COVERAGE_GOALS,
    GOALS,
    WIDTH_GOALS,
    assess,
)
from meshlab.models.evidence.measured import check_measured, narrow, read_measured, read_own

__all__ = [
    "COVERAGE_GOALS",
    "GOALS",
    "WIDTH_GOALS",
    "assess",
    "check_measured",
    "narrow",
    "read_measured",
    "read_own",
]
