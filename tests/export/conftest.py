"""What tests of pictures share."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlab.reviews.record import Review
from meshlab.show import views
from meshlab.show.charts.files import opened


@pytest.fixture(scope="session")
def review() -> Review:
    """A team whose figures are all there."""
    return opened("fleet-500-aks")


@pytest.fixture(scope="session")
def moving() -> Review:
    """A dump whose nodes are drained on a move to another network."""
    budgets = Path(__file__).parents[1] / "migration" / "budgets.yaml"
    return views.planned(*views.opened(budgets), "calico+none", "cilium")
