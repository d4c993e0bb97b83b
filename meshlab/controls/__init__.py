"""Panels for JupyterLab, generated from the declared inputs, and figures that follow them."""

from meshlab.controls.explorer import Explorer, explorer
from meshlab.controls.live import LiveFigures
from meshlab.controls.panel import Panel, panel
from meshlab.controls.views import answer_view, decision_view, side_by_side

__all__ = [
    "Explorer",
    "LiveFigures",
    "Panel",
    "answer_view",
    "decision_view",
    "explorer",
    "panel",
    "side_by_side",
]
