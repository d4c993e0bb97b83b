"""Panels for JupyterLab, generated from the declared inputs, and figures that follow them."""

from meshlab.show.widgets.explorer import Explorer, explorer
from meshlab.show.widgets.live import LiveFigures
from meshlab.show.widgets.moves import MoveView, move_view
from meshlab.show.widgets.panel import Panel, panel
from meshlab.show.widgets.views import answer_view, decision_view, side_by_side

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
