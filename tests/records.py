"""Reviews for tests: records with what a test is about, and nothing else in them."""

from __future__ import annotations

from typing import Any

from meshlab.reviews.record import Headline, Review, Verdict


def record(**fields: Any) -> Review:
    """A review of these fields; what is not named is empty."""
    empty: dict[str, Any] = {
        "team": "x",
        "notes": "",
        "source": "",
        "verdict": Verdict(cni="stay", mesh="none"),
        "headline": headline("none"),
        "scenario": {},
        "facts": None,
        "migration": None,
        "audit": None,
        "comparison": None,
        "sensitivity": None,
        "meshlab_version": "",
        "inputs_sha256": "",
        **{name: [] for name in LISTS},
    }
    return Review(**{**empty, **fields})


LISTS = ("inputs", "disagreements", "estimates", "iac", "assumptions", "sources", "tables_changed")


def headline(dataplane: str, today: str | None = None) -> Headline:
    """A headline without figures."""
    return Headline(dataplane=dataplane, today=today, figures=[])
