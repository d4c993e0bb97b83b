"""Verdicts against an independent reading of the tables, and what must hold of every one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from meshlab.models.decision import decide

Draw = Callable[[int, int, float], pl.DataFrame]
TOLD = ("cni", "mesh", "cni_edition", "mesh_edition", "tuned", "eligible", "cni_row", "mesh_row")


@pytest.mark.parametrize("missing", [0.0, 0.1, 0.35, 0.8])
def test_verdicts_agree_with_an_independent_reading(oracle: Any, draw: Draw, missing: float) -> None:
    """Verdicts are those that SQLite and a plain loop find in the same files."""
    frame = draw(500, 7 + int(missing * 100), missing)
    answers = decide(frame).select(TOLD).collect().rows(named=True)
    for facts, answer in zip(frame.drop("scenario").rows(named=True), answers, strict=True):
        expected = oracle.decide(facts)
        told = {name: expected[name] for name in TOLD}
        assert answer == told, {name: value for name, value in facts.items() if value is not None}
