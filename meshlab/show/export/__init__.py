"""A chart as a document takes it: what it says of itself, and its forms as a picture, HTML, data or a table."""

from meshlab.show.export.chart import PLOTLY_MIME, Chart, Spec
from meshlab.show.export.images import WIDTH_PX

__all__ = ["PLOTLY_MIME", "WIDTH_PX", "Chart", "Spec"]
