"""Infrastructure as code: what Terraform can express of a product, and how late.

Facts lie in ``data/iac``; artefacts that a team has (charts, provider schemas, its own values and plans) are read as
they are. ``tracker`` is the table, ``report`` the answer for a team, ``drift`` what runs against what is declared, and
``for_verdict`` the part of a review.
"""

from __future__ import annotations

from meshlab.planning.iac.report import INSTALL, for_verdict, products_of, report
from meshlab.planning.iac.tracker import coverage, growth, lag_distribution, provider_lag, tracker
from meshlab.planning.iac.values import drift

__all__ = [
    "INSTALL",
    "coverage",
    "drift",
    "for_verdict",
    "growth",
    "lag_distribution",
    "products_of",
    "provider_lag",
    "report",
    "tracker",
]
