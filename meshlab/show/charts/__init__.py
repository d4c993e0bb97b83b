"""Charts of reviews, scenarios and tables, each drawn by name: `chart("memory", review)` shows itself in a notebook."""

from meshlab.show.charts.canvas import Look, stated
from meshlab.show.charts.catalogue import CATALOGUE, Entry, chart
from meshlab.show.export import Chart

__all__ = ["CATALOGUE", "Chart", "Entry", "Look", "chart", "stated"]
