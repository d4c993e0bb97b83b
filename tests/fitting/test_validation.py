"""The score by which predictions are judged."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.validation import crps


def test_the_score_is_that_of_its_definition() -> None:
    """Draws 0 and 2 against 1: distance 1 less half of the mean distance 1 between draws; a point: its distance."""
    assert crps(np.array([[0.0, 2.0], [3.0, 3.0]]), np.array([1.0, 1.0])) == pytest.approx([0.5, 2.0])
