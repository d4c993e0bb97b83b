"""Every workbook gives the same outputs in a fork of a warm process as papermill's own engine gets from a kernel."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import papermill
import pytest

from meshlab.tables import resource

WORKBOOKS = sorted(path.stem for path in resource("workbooks").glob("*.ipynb"))
IDS = re.compile(r"\b[0-9a-f]{32}\b")
"""Names that widgets give themselves at random."""

LONG_FIGURES = re.compile(r"\d\.\d{10,}(?:e-?\d+)?")
"""Sums over many rows: threads add them up in no fixed order."""

VIEWS, STATE = re.compile(r'"model_id": "(\w+)"'), "application/vnd.jupyter.widget-state+json"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the engine forks, which this system cannot")


WIDGET = "application/vnd.jupyter.widget-view+json"


def outputs(cell: Any) -> list[Any]:
    """A cell's outputs; the text beside a widget says how far its thread is, and that is a matter of time."""
    for output in cell.get("outputs", ()):
        if WIDGET in output.get("data", ()):
            output.data["text/plain"] = ""
    return cell.get("outputs", [])


def settled(cells: object) -> str:
    """Outputs as text: ids numbered in the order in which they come, figures to nine digits."""
    numbers: dict[str, int] = {}
    text = json.dumps(cells, indent=1, sort_keys=True)
    named = IDS.sub(lambda found: f"id {numbers.setdefault(found[0], len(numbers))}", text)
    return LONG_FIGURES.sub(lambda found: f"{float(found[0]):.9g}", named)


@pytest.mark.parametrize("name", WORKBOOKS)
def test_outputs_are_those_of_papermills_own_engine(name: str, tmp_path: Path) -> None:
    """Cell by cell the outputs and their numbers are equal, ids of widgets aside; each widget shown has a state."""
    ours, theirs = (
        papermill.execute_notebook(
            resource("workbooks") / f"{name}.ipynb",
            tmp_path / f"{engine}.ipynb",
            engine_name=engine,
            progress_bar=False,
            cwd=str(tmp_path),
        )
        for engine in ("meshlab", None)
    )
    cells = [[(cell.id, cell.get("execution_count"), outputs(cell)) for cell in made.cells] for made in (ours, theirs)]
    assert len(cells[0]) == len(cells[1])
    for mine, other in zip(*cells, strict=True):
        assert settled(mine) == settled(other)
    for made in (ours, theirs):
        shown = set(VIEWS.findall(json.dumps(made.cells)))
        assert shown <= made.metadata.get("widgets", {}).get(STATE, {}).get("state", {}).keys()
    assert ours.metadata.language_info == theirs.metadata.language_info
