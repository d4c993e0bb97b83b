"""Figures that follow a kernel: one widget that shows plotly figures and updates them in place.

plotly's own FigureWidget sends plotly.js, five megabytes, with every figure, and answers each change with the whole
figure. This one sends plotly.js once per page and only plain figures after that, in one direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from plotly.offline import get_plotlyjs

from meshlab.show.charts import Chart, Look

VIEW_PX, PHONE_PX = 500, 340
"""Least widths of a figure, into which its text is broken: beside a panel it fits a laptop's screen. [px]"""

PLOTLY_REQUEST = "plotly.js"
"""What the page sends, and is sent, to get the library."""

STYLE = """
.meshlab-figures {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr));
  gap: 16px 24px;
}
.meshlab-figures > div {
  min-width: 0;
  contain: content;
}
.meshlab-fault {
  color: var(--jp-error-color1, #b00020);
  font-size: 13px;
  line-height: 1.4;
}
.meshlab-files {
  display: flex;
  flex-wrap: wrap;
  gap: 6px 14px;
  align-items: center;
}
.meshlab-files a {
  color: var(--jp-content-link-color, #0b5c8f);
}
.meshlab-members .widget-label-basic {
  white-space: normal;
  line-height: 1.3;
  height: auto;
  padding: 4px 0;
}
.meshlab-members .widget-checkbox {
  height: auto;
}
.meshlab-desk {
  align-items: flex-start;
}
/* the answer, and on a wide page the panel, stay in sight: nothing around them may scroll by itself */
:is(.jp-Cell, .jp-Cell-outputWrapper, .jp-OutputArea, .jp-OutputArea-child, .jp-OutputArea-output):has(.meshlab-desk),
.meshlab-desk.meshlab-desk,
.meshlab-desk .meshlab-views {
  overflow: visible;
}
.meshlab-desk .meshlab-answer {
  display: contents;
}
.meshlab-answer .ml-headline {
  gap: 0.2em 1.6em;
  font-size: 13px;
}
.meshlab-answer .ml-number {
  min-width: 8rem;
}
.meshlab-answer .ml-big {
  font-size: 1.6em;
}
.meshlab-answer .ml-headline p {
  margin: 0;
}
.meshlab-title {
  position: sticky;
  top: 0;
  z-index: 3;
  --ground: var(--jp-layout-color1, #fff);
  background: var(--ground);
  box-shadow: 0 -16px var(--ground);
}
div.jp-Notebook .meshlab-title {
  --ground: var(--jp-layout-color0, #fff);
}
.meshlab-desk .widget-html-content {
  min-width: 0;
}
.meshlab-panel > *,
.meshlab-panel > .widget-vbox > * {
  flex: none;
}
.meshlab-panel > :first-child {
  flex: 1 1 auto;
  min-height: 180px;
}
@media (min-width: 901px) {
  .meshlab-desk > .meshlab-panel {
    position: sticky;
    top: 0;
    max-height: calc(100vh - 100px);
  }
}
@media (max-width: 900px) {
  .meshlab-desk,
  .meshlab-desk > * {
    max-width: none;
  }
  .meshlab-views {
    display: contents;
  }
  .meshlab-panel > :first-child {
    max-height: 50vh !important;
  }
  .meshlab-title {
    order: -1;
    flex-basis: 100%;
  }
}
"""
"""Styles of all that follows a panel."""


class LiveFigures(anywidget.AnyWidget):
    """Figures by name, each with `data`, `layout` and `alt`; assigning a new mapping redraws what changed."""

    _esm = Path(__file__).with_name("live.js")
    _css = STYLE

    figures = traitlets.Dict().tag(sync=True)
    tick = traitlets.Int(0).tag(sync=True)
    dark = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether the page is dark: the page says so."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(_answer)

    narrow = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether the page is a phone's: the page says so."""

    @property
    def theme(self) -> str:
        """The theme that suits the page."""
        return "dark" if self.dark else "light"

    @property
    def look(self) -> Look:
        """The look that suits the page."""
        return Look(self.theme, min_width=PHONE_PX if self.narrow else VIEW_PX)

    def show(self, charts: Sequence[Chart]) -> None:
        """Show these charts in place of those before; `tick` counts, so that a test can tell that it happened."""
        with self.hold_sync():
            self.tick += 1
            self.figures = {chart.name: chart.live() for chart in charts}


def _answer(widget: LiveFigures, message: object, _buffers: object) -> None:
    if message == PLOTLY_REQUEST:
        widget.send(PLOTLY_REQUEST, buffers=[get_plotlyjs().encode()])
