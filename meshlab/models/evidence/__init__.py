"""Published measurements, the coefficients that follow from them, and how well they predict what they have not seen."""

from meshlab.models.evidence.assessment import COVERAGE_GOAL, GOALS, assess, evidence_range, fit, fit_left_out, narrow
from meshlab.models.evidence.measured import check_measured, read_measured, read_own

__all__ = [
    "COVERAGE_GOAL",
    "GOALS",
    "assess",
    "check_measured",
    "evidence_range",
    "fit",
    "fit_left_out",
    "narrow",
    "read_measured",
    "read_own",
]
