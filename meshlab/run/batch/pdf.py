"""A report's page on paper: printed by the Chromium that is installed, from the file system, with the network off."""

from __future__ import annotations

import asyncio
import base64
import html
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshlab.errors import MeshlabError, Problem, from_extra

if TYPE_CHECKING:
    from choreographer import Browser, Tab

LIMIT_S = 60
"""Longest time that the browser may take for one step. [s]"""

NO_PROXY_THERE = "http://127.0.0.1:9"
"""Nothing listens on the discard port: whatever the browser wants of the network, it does not get."""

PAPER_IN = (8.27, 11.69)
"""Width and height of A4. [inch]"""

MARGIN_IN = 0.6
"""Margin on each side. [inch]"""

WIDTH_PX = 980
"""Width for which the page is laid out: what fits beside the margins at `SCALE`. [px]"""

SCALE = (PAPER_IN[0] - 2 * MARGIN_IN) * 96 / WIDTH_PX
"""Share of its size at which the page is printed: the browser counts 96 pixels to the inch."""

FOOTER = (
    '<div style="font: 8px sans-serif; width: 100%; margin: 0 {margin}in; '
    'display: flex; justify-content: space-between">'
    '<span>{title}</span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
)

LOADED = (
    "document.querySelectorAll('details').forEach(part => part.open = true);"
    "location.protocol == 'file:' && document.readyState == 'complete'"
)
"""Unfolds a page, and says whether it is loaded."""

DATES = re.compile(rb"/(?:CreationDate|ModDate) \(D:[^)]*\)")
"""The times that a browser writes into a file."""

NODES = re.compile(rb"\(node(\d{8})\)")
"""Names of headings of tables: numbers that a browser gives out as it comes to them."""


def find_browser() -> Browser:
    """The browser that is installed, not yet started.

    Raises:
        MeshlabError: There is none.
    """
    with from_extra("pdf", "--format pdf"):
        from choreographer import Browser
        from choreographer.browsers.chromium import ChromeNotFoundError

    try:
        return Browser(enable_extensions=False, proxy_server=NO_PROXY_THERE)
    except ChromeNotFoundError as error:
        what, todo = "pdf is printed by Chrome or Chromium, and none was found", "install one or leave pdf out"
        raise MeshlabError(Problem("--format", what, todo)) from error


def print_page(page: str, title: str) -> bytes:
    """A report's page as PDF; the same page gives the same bytes with the same browser."""
    with tempfile.TemporaryDirectory(prefix="meshlab-") as work, ThreadPoolExecutor(1) as executor:
        file = Path(work) / "review.html"
        file.write_text(page, encoding="utf-8")
        # a thread of its own: this one may run an event loop already
        return executor.submit(asyncio.run, _printed(file, title)).result()


async def _printed(file: Path, title: str) -> bytes:
    from choreographer.errors import BrowserClosedError, BrowserFailedError

    try:
        # in all, the start of the browser included
        async with asyncio.timeout(3 * LIMIT_S), find_browser() as browser:
            return await _print(await browser.create_tab(), file.as_uri(), title)
    except (BrowserClosedError, BrowserFailedError, TimeoutError) as error:
        problem = Problem("browser", f"printed nothing: {type(error).__name__}", "try it from a shell, then again")
        raise MeshlabError(problem) from error


async def _print(tab: Tab, url: str, title: str) -> bytes:
    """Lay the page out for paper and print it."""
    size = {"width": WIDTH_PX, "height": 1200, "deviceScaleFactor": 1, "mobile": False}
    await tab.send_command("Emulation.setDeviceMetricsOverride", size)
    await tab.send_command("Emulation.setEmulatedMedia", {"media": "print"})
    await tab.send_command("Page.navigate", {"url": url})
    await _wait_until_loaded(tab)
    answer: Any = await asyncio.wait_for(tab.send_command("Page.printToPDF", _sheet(title)), LIMIT_S)
    if "error" in answer:
        raise MeshlabError(Problem("browser", f"could not print: {answer['error'].get('message')}", "report it"))
    return _settled(base64.b64decode(answer["result"]["data"]))


def _settled(content: bytes) -> bytes:
    """The file without what differs from run to run; nothing moves, as places in a PDF are counted in bytes."""
    numbers: dict[bytes, int] = {}
    undated = DATES.sub(lambda found: b" " * len(found[0]), content)
    return NODES.sub(lambda found: b"(node%08d)" % numbers.setdefault(found[1], len(numbers)), undated)


async def _wait_until_loaded(tab: Tab) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            answer: Any = await tab.send_command("Runtime.evaluate", {"expression": LOADED, "returnByValue": True})
            if answer["result"]["result"].get("value") is True:
                return
            await asyncio.sleep(0.05)


def _sheet(title: str) -> dict[str, Any]:
    """Options of the browser's command to print."""
    return {
        "paperWidth": PAPER_IN[0],
        "paperHeight": PAPER_IN[1],
        **{f"margin{side}": MARGIN_IN for side in ("Top", "Bottom", "Left", "Right")},
        "scale": SCALE,
        "printBackground": True,
        "generateTaggedPDF": True,
        "generateDocumentOutline": True,
        "displayHeaderFooter": True,
        "headerTemplate": "<span></span>",
        "footerTemplate": FOOTER.format(margin=MARGIN_IN, title=html.escape(title)),
    }
