"""A workbook in a real JupyterLab in a real browser, and what a person does with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from meshlab.tables import resource

TOKEN = "for-tests-only"  # noqa: S105  (a server on loopback that lives as long as the tests)

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

HARMLESS = (
    "WebSocket",  # a kernel that is shut down closes its channels
    "Failed to load resource",  # a file that JupyterLab asks for and that need not exist, such as a saved workspace
    "ResizeObserver loop",  # Chromium's notice that a layout took two frames
    "[anywidget] Failed to initialize model.",  # a busy page: the widgets carry on, which has a test of its own
)
"""What is written to the console and says nothing of a workbook."""

SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False},
    # all cells are in the page, so that a test can find them without scrolling
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},
}

CELLS_DONE = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  if (!panel?.content?.widgets?.length) return false;
  const code = panel.content.widgets.map((cell) => cell.model).filter((model) => model.type === 'code');
  return code.every((model) => model.executionCount !== null && model.executionState !== 'running');
}"""

ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .filter((cell) => cell.model.type === 'code')
  .flatMap((cell) => cell.model.outputs.toJSON())
  .filter((output) => output.output_type === 'error' || output.name === 'stderr')
  .map((output) => output.evalue ?? output.text)"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab.

    Args:
        url: Its address.
        folder: The folder that it serves, with a copy of the workbooks.
    """

    url: str
    folder: Path


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """A JupyterLab of its own on loopback, with settings and working folder of its own, stopped at the end."""
    work = folder / "work"
    shutil.copytree(resource("workbooks"), work)
    for name, setting in SETTINGS.items():
        path = folder / "settings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting), encoding="utf-8")
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={work}", "--allow-root"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=work, start_new_session=True)
        try:
            yield Lab(_address(folder / "runtime", folder / "lab.log"), work)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _address(runtime: Path, log: Path) -> str:
    """Address of the server once it answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for file in runtime.glob("jpserver-*.json"):
            url = json.loads(file.read_text(encoding="utf-8") or "{}").get("url", "")
            if url and _answers(f"{url}api?token={TOKEN}"):
                return url
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (loopback)
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@dataclass
class Workbook:
    """One workbook, open in a page."""

    page: Page
    console: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Run all cells and wait for the last."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(CELLS_DONE, timeout=60_000)
        self.page.wait_for_timeout(300)

    def errors(self) -> list[str]:
        """Errors in cells' outputs and in the browser's console."""
        return [*self.page.evaluate(ERRORS), *self.console]

    @property
    def figures(self) -> Locator:
        """The views' figures that follow the panel."""
        return self.page.locator(".meshlab-figures")

    def tick(self) -> int:
        """How many times the first view has been redrawn."""
        return int(self.figures.first.get_attribute("data-tick") or 0)

    def wait_for_redraw(self, after: int) -> None:
        """Wait until the first view was redrawn since that tick, and came to rest."""
        self.page.wait_for_function(
            "(before) => Number(document.querySelector('.meshlab-figures').dataset.tick) > before", arg=after
        )
        still = -1
        while still != self.tick():
            still = self.tick()
            self.page.wait_for_timeout(350)

    def control(self, label: str) -> Locator:
        """The control of an input by its label."""
        exact = self.page.locator(".widget-label", has_text=label).first
        return exact.locator("xpath=ancestor::*[contains(@class, 'widget-vbox')][1]")

    def button(self, name: str) -> Locator:
        """A button by the words on it."""
        return self.page.get_by_role("button", name=name, exact=True)

    def scenario_files(self) -> Locator:
        """What the panel says of a file."""
        return self.page.locator(".meshlab-scenario-files")


def open_workbook(browser: Browser | BrowserContext, lab: Lab, name: str) -> Workbook:
    """A workbook in a fresh page without anything around it, its kernel ready."""
    page = browser.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.set_default_timeout(30_000)
    book = Workbook(page)
    page.on("console", lambda message: _note(book, message))
    page.on("pageerror", lambda error: _keep(book, str(error)))
    page.goto(f"{lab.url}doc/tree/{name}.ipynb?token={TOKEN}&reset")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.content?.widgets?.length > 2")
    ready = "window.jupyterapp.shell.currentWidget.sessionContext.ready"
    page.evaluate(f"async () => {{ await {ready}; }}")
    return book


def _note(book: Workbook, message: ConsoleMessage) -> None:
    if message.type == "error":
        _keep(book, message.text)


def _keep(book: Workbook, text: str) -> None:
    if not any(word in text for word in HARMLESS):
        book.console.append(text)


def close(book: Workbook) -> None:
    """Shut the kernel down and close the page."""
    shut = "window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
    book.page.evaluate(f"async () => {{ await {shut}; }}")
    book.page.close()


def scenario_of(book: Workbook, name: str) -> Any:
    """Text in the entry of an input."""
    return book.control(name).locator("input[type=text]").input_value()
