"""Panels for JupyterLab, generated from the declared inputs, and figures that follow them."""

from meshlab.controls.live import LiveFigures
from meshlab.controls.panel import Panel, panel
from meshlab.controls.views import overhead_view, side_by_side

__all__ = ["LiveFigures", "Panel", "overhead_view", "panel", "side_by_side"]
