"""Published measurements, how well the models predict them, and coefficients after a team's own measurements."""

from meshlab.models.evidence.measured import calibrate, check_measured, read_measured, read_own
from meshlab.models.evidence.validation import (
    COVERAGE_GOALS,
    GOALS,
    WIDTH_GOALS,
    validate,
)

__all__ = [
    "COVERAGE_GOALS",
    "GOALS",
    "WIDTH_GOALS",
    "calibrate",
    "check_measured",
    "read_measured",
    "read_own",
    "validate",
]
