"""Published measurements, the coefficients that follow from them, and how well they predict what they have not seen."""

from meshlab.models.evidence.assessment import (
    COVERAGE_GOALS,
    GOALS,
    WIDTH_GOALS,
    assess,
    evidence_range,
    fitted,
    narrow,
)
from meshlab.models.evidence.measured import check_measured, read_measured, read_own

__all__ = [
    "COVERAGE_GOALS",
    "GOALS",
    "WIDTH_GOALS",
    "assess",
    "check_measured",
    "evidence_range",
    "fitted",
    "narrow",
    "read_measured",
    "read_own",
]
