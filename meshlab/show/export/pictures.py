"""Charts as SVG and PNG, each of which says what it shows. No browser is needed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from meshlab.errors import MeshlabError, Problem
from meshlab.show.export.stamps import stamped_png, stamped_svg
from meshlab.show.export.svg import draw

if TYPE_CHECKING:
    from meshlab.show.export.chart import Chart

WIDTH_PX = 720
"""Width of a picture unless it has one: a column of text. [px]"""

FAMILIES = ("Liberation Sans", "Arial", "Helvetica", "Segoe UI", "Roboto", "DejaVu Sans", "Noto Sans", "FreeSans")
"""Typefaces for a PNG, the first that the machine has; an SVG leaves the choice to whoever shows it."""

_SAMPLE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="8" font-family="{}">M</text></svg>'


def svg_of(chart: Chart) -> str:
    """A chart as SVG: the same chart gives the same bytes on every machine."""
    name = f"m{chart.drawing_sha256[:8]}"
    width_px = chart.spec["layout"].get("width", WIDTH_PX)
    drawn = draw(chart.spec, width_px=width_px, name=name, dark=chart.dark)
    return stamped_svg(drawn, name, chart.about)


def png_of(chart: Chart, scale: float = 1.0) -> bytes:
    """A chart as PNG.

    Args:
        chart: The chart.
        scale: Pixels for each pixel of the figure.

    Raises:
        MeshlabError: The machine has no typeface.
    """
    import resvg_py

    drawn = resvg_py.svg_to_bytes(svg_string=svg_of(replace(chart, dark={})), zoom=scale, sans_serif_family=_family())
    return stamped_png(bytes(drawn), chart.about)


@cache
def _family() -> str:
    """A typeface of this machine: the first that leaves a mark.

    Raises:
        MeshlabError: There is none.
    """
    import resvg_py

    blank = resvg_py.svg_to_bytes(svg_string=_SAMPLE.format("no such typeface"), skip_system_fonts=True)
    for family in FAMILIES:
        if resvg_py.svg_to_bytes(svg_string=_SAMPLE.format(family)) != blank:
            return family
    todo = "install one ('apt install fonts-dejavu-core'), or take svg"
    raise MeshlabError(Problem("png", f"this machine has no typeface such as {', '.join(FAMILIES[:3])}", todo))
