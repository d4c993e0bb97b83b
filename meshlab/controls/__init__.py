"""Panels for JupyterLab, generated from the declared inputs, and figures that follow them."""

from meshlab.controls.explorer import Explorer, explorer
from meshlab.controls.live import LiveFigures
from meshlab.controls.moves import MoveView, move_view
from meshlab.controls.panel import Panel, panel
from meshlab.controls.views import answer_view, decision_view, side_by_side

__all__ = [
    "Explorer",
    "LiveFigures",
    "MoveView",
    "Panel",
    "answer_view",
    "decision_view",
    "explorer",
    "move_view",
    "panel",
    "side_by_side",
]
