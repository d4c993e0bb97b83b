"""Figures that follow a kernel, shown by one widget that updates them in place, and what is computed for them.

plotly's own FigureWidget sends plotly.js, five megabytes, with every figure, and answers each change with the whole
figure. This one sends plotly.js once per page and only plain figures after that, in one direction. The newest question
alone is computed: a hand never waits for what it has left behind.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from plotly.offline import get_plotlyjs

from meshlab.errors import MeshlabError, problems_of
from meshlab.show.charts import Chart, Look

VIEW_PX, PHONE_PX = 500, 340
"""Least widths of a figure, into which its text is broken: beside a panel it fits a laptop's screen. [px]"""

PLOTLY_REQUEST = "plotly.js"
"""What the page sends, and is sent, to get the library."""


def listening(name: str) -> str:
    """A widget's script that misses nothing of what the kernel sends, however busy its page is at first."""
    return "".join(Path(__file__).with_name(part).read_text("utf-8") for part in ("listen.js", name))


class LiveFigures(anywidget.AnyWidget):
    """Figures by name, each with `data`, `layout` and `alt`; assigning a new mapping redraws what changed."""

    _esm = listening("live.js")
    _css = Path(__file__).with_name("live.css")

    figures = traitlets.Dict().tag(sync=True)
    tick = traitlets.Int(0).tag(sync=True)
    dark = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether the page is dark: the page says so."""

    narrow = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether the page is a phone's: the page says so."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(_answer)

    @property
    def look(self) -> Look:
        """The look that suits the page."""
        return Look("dark" if self.dark else "light", min_width=PHONE_PX if self.narrow else VIEW_PX)

    def show(self, charts: Sequence[Chart]) -> None:
        """Show these charts in place of those before; `tick` counts, so that a test can tell that it happened."""
        with self.hold_sync():
            self.tick += 1
            self.figures = {chart.name: chart.live() for chart in charts}


def _answer(widget: LiveFigures, message: object, _buffers: object) -> None:
    if message == PLOTLY_REQUEST:
        widget.send(PLOTLY_REQUEST, buffers=[get_plotlyjs().encode()])


# --- computing in the background -----------------------------------------------------------------------------------


class Debounced:
    """Computes in the background and shows the answer to the newest question; questions in between are dropped.

    Args:
        compute: What may take long; runs in a thread.
        show: Takes the answer, in the kernel's own thread.
        fail: Takes the error where the input was wrong.
        pause_s: How long to wait for a newer question before one is computed. [s]
    """

    def __init__(
        self,
        compute: Callable[[Any], Any],
        show: Callable[[Any], None],
        fail: Callable[[MeshlabError], None],
        pause_s: float = 0.0,
    ) -> None:
        self.compute, self.show, self.fail, self.pause_s = compute, show, fail, pause_s
        self._questions: list[object] = []
        self._task: asyncio.Task[None] | None = None

    def ask(self, question: object) -> None:
        """Answer this question next. Without a running event loop, as under tests, at once."""
        self._questions = [question]
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._outcome(self._questions.pop())()
            return
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())

    async def _work(self) -> None:
        while self._questions:
            await self._quiet()
            outcome = await asyncio.to_thread(self._outcome, self._questions.pop())
            outcome()

    async def _quiet(self) -> None:
        """Wait until no newer question has come for the length of the pause."""
        asked = None
        while self.pause_s and asked is not self._questions:
            asked = self._questions
            await asyncio.sleep(self.pause_s)

    def _outcome(self, question: object) -> Callable[[], None]:
        """What is left to do in the kernel's own thread once the answer is known."""
        try:
            return partial(self.show, self.compute(question))
        except Exception as error:  # noqa: BLE001  (whatever befell: who asked is told, and may ask again)
            return partial(self.fail, MeshlabError(problems_of(error, "")))


class Once:
    """What is made of a scenario, made once for all who ask for it while it is the newest."""

    def __init__(self, compute: Callable[[Mapping[str, Any]], Any]) -> None:
        self.compute = compute
        self._lock = threading.Lock()
        self._made: tuple[Mapping[str, Any], Any] | None = None

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """What is made of these values; whoever asks while that is worked out waits for it."""
        with self._lock:
            if self._made is None or self._made[0] != values:
                self._made = values, self.compute(values)
            return self._made[1]
