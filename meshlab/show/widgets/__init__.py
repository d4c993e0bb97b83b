"""Panels for JupyterLab, generated from the declared inputs, and figures that follow them."""

from meshlab.show.widgets.explorer import Desk, Explorer, desk, evidence_view, explorer, terraform_view
from meshlab.show.widgets.live import LiveFigures
from meshlab.show.widgets.moves import MoveView, move_view
from meshlab.show.widgets.panel import Panel, panel
from meshlab.show.widgets.views import answer_view, decision_view, side_by_side

__all__ = [
    "Desk",
    "Explorer",
    "LiveFigures",
    "MoveView",
    "Panel",
    "answer_view",
    "decision_view",
    "desk",
    "evidence_view",
    "explorer",
    "move_view",
    "panel",
    "side_by_side",
    "terraform_view",
]
