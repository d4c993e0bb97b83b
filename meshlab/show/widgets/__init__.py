"""Panels for JupyterLab, generated from the declared inputs, and figures that follow them."""

from meshlab.show.widgets.explorer import Desk, Explorer, evidence_view, explorer, terraform_view
from meshlab.show.widgets.live import LiveFigures
from meshlab.show.widgets.panel import Panel, panel
from meshlab.show.widgets.views import AnswerView, DecisionView, MoveView, SideBySide

__all__ = [
    "AnswerView",
    "DecisionView",
    "Desk",
    "Explorer",
    "LiveFigures",
    "MoveView",
    "Panel",
    "SideBySide",
    "evidence_view",
    "explorer",
    "panel",
    "terraform_view",
]
