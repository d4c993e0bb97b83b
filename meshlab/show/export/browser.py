"""Figures as SVG and PNG: one browser and one page with plotly.js, however many figures there are.

The browser is driven over a pipe by choreographer, the library under plotly's own Kaleido. Kaleido loads plotly.js
anew for every figure; here the page stays, which is most of the time that a batch takes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshlab.errors import MeshlabError, Problem

if TYPE_CHECKING:
    from choreographer import Tab

WIDTH_PX = 720
"""Width of a picture unless it has one: a column of text. [px]"""

LIMIT_S = 60
"""Longest time that the browser may take for one figure. [s]"""

NO_PROXY_THERE = "http://127.0.0.1:9"
"""Nothing listens on the discard port: whatever the browser wants of the network, it does not get."""

POLICY = (
    "default-src 'none'; script-src file: 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
)
"""What the page may load: the script beside it, and nothing else."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to take.

    Args:
        spec: The figure as plotly's JSON, with its height.
        form: svg or png.
        scale: Pixels of a PNG for each pixel of the figure.
    """

    spec: Mapping[str, Any]
    form: str = "svg"
    scale: float = 1.0


def take(shots: Sequence[Shot]) -> list[bytes]:
    """All pictures, by one browser.

    Raises:
        MeshlabError: There is no browser, or it could not draw a figure.
    """
    if not shots:
        return []
    # a thread of its own: in a notebook this one runs an event loop already
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, _take(shots)).result()


async def _take(shots: Sequence[Shot]) -> list[bytes]:
    from choreographer import Browser
    from choreographer.browsers.chromium import ChromeNotFoundError
    from choreographer.errors import BrowserClosedError, BrowserFailedError

    try:
        browser = Browser(enable_extensions=False, proxy_server=NO_PROXY_THERE)
    except ChromeNotFoundError as error:
        what = "SVG and PNG are drawn by Chrome or Chromium, and none was found"
        todo = "install one ('apt install chromium', or 'choreo_get_chrome') or name it in BROWSER_PATH"
        raise MeshlabError(Problem("browser", what, todo)) from error
    try:
        with tempfile.TemporaryDirectory(prefix="meshlab-") as folder:
            # in all, the start of the browser included
            async with asyncio.timeout(LIMIT_S * (1 + len(shots))), browser:
                tab = await browser.create_tab()
                await _open(tab, _page(Path(folder)).as_uri())
                return [_bytes(await _evaluate(tab, _call(shot)), shot.form) for shot in shots]
    except (BrowserClosedError, BrowserFailedError, TimeoutError) as error:
        raise MeshlabError(
            Problem("browser", "ended before all was drawn", "try it from a shell, then again")
        ) from error


async def _open(tab: Tab, url: str) -> None:
    """Go to a page and wait until all of it is loaded."""
    await tab.send_command("Page.enable")
    loaded = tab.subscribe_once("Page.loadEventFired")
    await tab.send_command("Page.navigate", {"url": url})
    await asyncio.wait_for(loaded, LIMIT_S)


def _page(folder: Path) -> Path:
    """An empty page with the plotly.js of the installed plotly."""
    import plotly

    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    page = folder / "page.html"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    page.write_text(
        f'<!doctype html><meta charset="utf-8">{policy}<script src="{script.as_uri()}"></script>', encoding="utf-8"
    )
    return page


def _call(shot: Shot) -> str:
    layout = shot.spec["layout"]
    # plotly would name traces at random
    figure = {**shot.spec, "data": [{**trace, "uid": f"t{number}"} for number, trace in enumerate(shot.spec["data"])]}
    options = {
        "format": shot.form,
        "width": layout.get("width", WIDTH_PX),
        "height": layout["height"],
        "scale": shot.scale,
    }
    return f"Plotly.toImage({json.dumps(figure)}, {json.dumps({**options, 'imageDataOnly': True})})"


async def _evaluate(tab: Tab, expression: str) -> Any:
    call = {"expression": expression, "awaitPromise": True, "returnByValue": True}
    try:
        answer = await asyncio.wait_for(tab.send_command("Runtime.evaluate", call), LIMIT_S)
    except TimeoutError as error:
        raise MeshlabError(Problem("browser", f"took longer than {LIMIT_S} s for a figure", "try again")) from error
    result = answer.get("result", {})
    if "exceptionDetails" in result or "error" in answer:
        detail = result.get("exceptionDetails", answer)
        raise MeshlabError(Problem("browser", f"could not draw: {detail.get('text', 'unknown error')}", "report it"))
    return result["result"].get("value")


def _bytes(value: str, form: str) -> bytes:
    return base64.b64decode(value) if form == "png" else value.encode()
