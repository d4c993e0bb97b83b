"""The app in a real browser: the first workbook as a page without code, which asks nothing of any other machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.browser

TOKEN = "only-for-tests"  # noqa: S105  (for a server on loopback that the test stops)


def free_port() -> int:
    """A port on this machine that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def app(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001
    """Address of a running app, stopped at the end."""
    port, folder = free_port(), tmp_path_factory.mktemp("app")
    command = [sys.executable, "-m", "meshlab", "app", "--port", str(port), "--", "--no-browser", f"--token={TOKEN}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=os.environ)
        try:
            deadline = time.monotonic() + 60
            while "filled with" not in (folder / "log").read_text(errors="replace"):
                assert time.monotonic() < deadline, (folder / "log").read_text(errors="replace")
                assert process.poll() is None, (folder / "log").read_text(errors="replace")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()  # the command alone, as a container does: the server has to end with it
            try:
                process.wait(15)
                with pytest.raises(OSError, match="refused"):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def test_nobody_gets_in_without_the_token(app: str) -> None:
    """Without the token there is a page to log in, and neither a kernel nor an answer."""
    with urllib.request.urlopen(app, timeout=20) as answer:  # noqa: S310  (loopback)
        assert "login" in answer.url
    for place in ("api/kernels", "voila/render/start.ipynb"):
        try:
            with urllib.request.urlopen(f"{app}{place}", timeout=20) as answer:  # noqa: S310
                reached = answer.url
        except urllib.error.HTTPError as error:
            reached = f"login or {error.code}" if error.code in (403, 404) else str(error)
        assert "login" in reached


def test_the_page_answers_follows_its_controls_and_stays_on_this_machine(app: str, browser: Any) -> None:
    """The answer is in sight without code; another need gives another one; what a page asks elsewhere is blocked."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)
    left: list[str] = []
    page.on("requestfinished", lambda request: left.append(request.url) if "127.0.0.1" not in request.url else None)
    page.goto(f"{app}?token={TOKEN}")
    page.locator(".meshlab-flip").first.wait_for()
    page.locator(".meshlab-reasons").first.wait_for()
    assert "import meshlab" not in page.evaluate("document.body.innerText")
    reasons = "document.querySelector('.meshlab-reasons').innerText"
    before = page.evaluate(reasons)
    assert "mutual TLS" in before
    page.get_by_label("Mutual TLS with workload identity").first.uncheck()
    page.wait_for_function(f"before => {reasons} !== before", arg=before)
    assert [url for url in left if not url.startswith(("data:", "blob:"))] == []
    page.close()
