"""Times a slider of the overhead workbook in a real JupyterLab, beside the smallest notebook that does the same.

From the press of a key on a slider until every visible figure is drawn: a hundred moves on the workbook, and a hundred
on a notebook of one slider and one bar, in turns, so that a busy machine disturbs both alike. Run as
``make bench-live``; the exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))

from jupyter_page import CHROMIUM_FLAGS, Workbook, close, open_workbook, running_lab
from playwright.sync_api import Browser, sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Locator

GOAL_MS, GOAL_RATIO = 120.0, 2.0
"""95th percentile of the workbook, and the same over that of the smallest notebook. [ms, ratio]"""

TURN = 10
"""Moves of one notebook before the other has its turn."""

SMALLEST = """\
import ipywidgets
import plotly.graph_objects as go

bar = go.FigureWidget(go.Bar(x=[1.0], y=["pods"], orientation="h"))
bar.update_layout(xaxis_range=[0, 200], height=300)
slider = ipywidgets.IntSlider(value=50, min=0, max=200, description="Pods")


def moved(change):
    bar.data[0].x = [change["new"]]


slider.observe(moved, "value")
ipywidgets.VBox([slider, bar])
"""
"""A notebook of one slider and one bar, by the libraries' own means."""

WATCH = """() => {
  const inSight = (div) => new Promise((resolve) => {
    const observer = new IntersectionObserver(([entry]) => { observer.disconnect(); resolve(entry.isIntersecting); });
    observer.observe(div);
  });
  window.prepare = async () => {
    const output = document.activeElement.closest('.jp-OutputArea-output');
    const divs = [...output.querySelectorAll('.js-plotly-plot')];
    const seen = await Promise.all(divs.map(inSight));
    window.visible = divs.filter((_, index) => seen[index]);
    return window.visible.length;
  };
  window.visible = [];
  document.addEventListener('keydown', () => {
    const timing = { begun: performance.now(), ended: null };
    const waiting = new Set(window.visible);
    for (const div of waiting) {
      const drawn = () => {
        div.removeListener('plotly_afterplot', drawn);
        waiting.delete(div);
        if (!waiting.size) requestAnimationFrame(() => { timing.ended = performance.now(); });
      };
      div.on('plotly_afterplot', drawn);
    }
    window.timing = timing;
  }, { capture: true });
}"""
"""Begins a measurement at each key, and ends it in the frame after the last of the figures in sight is drawn."""


class Timed:
    """A notebook whose slider is timed.

    Args:
        book: The notebook after a run of all cells.
        handle: Handle of its slider.
        figures: How many figures stand beside it, in sight or not.
    """

    def __init__(self, book: Workbook, handle: Locator, figures: int) -> None:
        self.book, self.handle = book, handle
        self.times_ms: list[float] = []
        book.page.locator(".js-plotly-plot").nth(figures - 1).wait_for()
        book.page.evaluate(WATCH)
        handle.press("ArrowRight")  # the page scrolls to where the focus is
        book.page.wait_for_timeout(1500)
        self.visible = int(book.page.evaluate("window.prepare()"))
        if not self.visible:
            raise AssertionError("no figure is in sight beside the slider")
        self.move(5)
        self.times_ms.clear()

    def move(self, times: int) -> None:
        """Move the slider to and fro, a rung at a time."""
        self.handle.focus()
        for step in range(times):
            self.handle.press("ArrowRight" if step % 2 == 0 else "ArrowLeft")
            self.book.page.wait_for_function("() => window.timing?.ended")
            self.times_ms.append(self.book.page.evaluate("window.timing.ended - window.timing.begun"))
            # figures that are scrolled away are drawn when the page is idle, before the next move
            self.book.page.wait_for_timeout(150)

    @property
    def p95_ms(self) -> float:
        """95th percentile. [ms]"""
        return quantiles(self.times_ms, n=20)[-1]

    def __str__(self) -> str:
        return f"median {median(self.times_ms):6.1f} ms, 95th percentile {self.p95_ms:6.1f} ms, {self.visible} in sight"


def timed(browsers: Sequence[Browser], moves: int) -> tuple[Timed, Timed]:
    """The workbook and the smallest notebook after so many moves of each.

    Args:
        browsers: One for each: a page behind another one draws no frames.
        moves: Moves of each.
    """
    with tempfile.TemporaryDirectory(prefix="meshlab-") as folder, running_lab(Path(folder)) as lab:
        cells = [nbformat.v4.new_markdown_cell("# One slider"), nbformat.v4.new_code_cell(SMALLEST)]
        cells.append(nbformat.v4.new_markdown_cell("The end."))
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab.folder / "smallest.ipynb")
        books = [open_workbook(*pair) for pair in zip(browsers, (lab, lab), ("overhead", "smallest"), strict=True)]
        for book in books:
            book.run()
        ours = Timed(books[0], books[0].control("Worker nodes").locator(".noUi-handle"), 4)
        smallest = Timed(books[1], books[1].page.locator(".noUi-handle"), 1)
        for _ in range(moves // TURN):
            ours.move(TURN)
            smallest.move(TURN)
        for book in books:
            close(book)
    return ours, smallest


def main() -> int:
    """Measure, say what was measured, and hold it to the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=100, help="moves of each notebook")
    moves = parser.parse_args().moves
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browsers = [playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS) for _ in range(2)]
        ours, smallest = timed(browsers, moves)
        for browser in browsers:
            browser.close()
    ratio = ours.p95_ms / smallest.p95_ms
    met = ours.p95_ms <= GOAL_MS and ratio <= GOAL_RATIO
    print(f"overhead workbook:      {ours}")
    print(f"one slider and one bar: {smallest}")
    print(f"ratio of the percentiles {ratio:.2f} (goal: {GOAL_RATIO:g}), goal of the percentile: {GOAL_MS:g} ms")
    print("goals met" if met else "GOALS MISSED")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
