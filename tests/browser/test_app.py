"""The first workbook in a browser, as a page without code and in JupyterLab: from a dump to a chart in a document."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_page import Lab, open_workbook
from playwright.sync_api import Browser, BrowserContext, Page, expect

from meshlab.reviews.cases import open_path
from meshlab.tables import resource

pytestmark = pytest.mark.browser

TOKEN = "only-for-tests"  # noqa: S105  (for a server on loopback that the test stops)


def free_port() -> int:
    """A port on this machine that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class App:
    """A running app.

    Args:
        url: Its address.
        folder: The folder in which it was started.
    """

    url: str
    folder: Path


@contextlib.contextmanager
def served(name: str, folder: Path, begun: str, *words: str) -> Iterator[App]:
    """The command that serves the workbooks, stopped at the end; what its log says tells that it has begun.

    A browser that it opens keeps the page that it is given in a file ``opened``.
    """
    port, browser = free_port(), folder / "browser"
    browser.write_text('#!/bin/sh\ncat "${1#file://}" > "${0%browser}opened"\n', encoding="utf-8")
    browser.chmod(0o700)
    command = [sys.executable, "-m", "meshlab", name, "--port", str(port), *words]
    own = {"BROWSER": f"{browser} %s"}
    own |= {f"JUPYTER{each}_DIR": str(folder / each) for each in ("_DATA", "LAB_SETTINGS", "LAB_WORKSPACES")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, cwd=folder, env={**os.environ, **own}
        )
        try:
            deadline = time.monotonic() + 60
            while begun not in (folder / "log").read_text(errors="replace"):
                assert time.monotonic() < deadline, (folder / "log").read_text(errors="replace")
                assert process.poll() is None, (folder / "log").read_text(errors="replace")
                time.sleep(0.2)
            yield App(f"http://127.0.0.1:{port}/", folder)
        finally:
            process.terminate()  # the command alone, as a container does: the server has to end with it
            try:
                process.wait(15)
                with pytest.raises(OSError, match="refused"):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def app(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:  # noqa: ARG001
    """A running app, as it opens the browser by itself."""
    with served("app", tmp_path_factory.mktemp("app"), "filled with") as running:
        yield running


TAB = """() => {
  const {content, context} = window.jupyterapp?.shell.currentWidget ?? {};
  const code = content?.widgets.map((cell) => cell.model).filter((model) => model.type === 'code') ?? [];
  return {
    run: code.length > 0 && code.every((model) => model.executionCount),
    dirty: context?.model.dirty,
    path: context?.path,
  };
}"""


def test_the_lab_opens_with_the_answer_in_sight(browser: Browser, tmp_path: Path) -> None:
    """The first workbook has run and asks for nothing; one that somebody has changed waits for them."""
    own = tmp_path / "meshlab-workbooks" / "decision.ipynb"
    own.parent.mkdir()
    changed = (
        (resource("workbooks") / own.name).read_text(encoding="utf-8").replace("import meshlab", "import  meshlab")
    )
    own.write_text(changed, encoding="utf-8")
    words = ("--no-browser", "--", f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True")
    with served("lab", tmp_path, "is running at", *words) as lab:
        for width, height in ((1440, 900), (1024, 768)):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{lab.url}lab/tree/start.ipynb?token={TOKEN}")
            ready = f"() => {{ const {{run, dirty}} = ({TAB})(); return run && !dirty; }}"
            page.wait_for_function(ready, timeout=90_000)
            for seen in (".meshlab-title", ".meshlab-panel >> text=Services", ".meshlab-flip >> nth=0"):
                expect(page.locator(seen).first).to_be_in_viewport()
            expect(page.get_by_text("Jupyter news")).to_have_count(0)
            expect(page.get_by_role("heading", name="Launcher")).to_have_count(0)
            if width > 1024:
                page.close()

        page.evaluate("void window.jupyterapp.commands.execute('docmanager:open', {path: 'decision.ipynb'})")
        page.wait_for_function(f"() => ({TAB})().path === 'decision.ipynb'")
        page.wait_for_timeout(1500)
        assert not page.evaluate(TAB)["run"]
        page.close()


def test_nobody_gets_in_without_the_token(app: App) -> None:
    """Without the token there is a page to log in, and neither a kernel nor an answer."""
    with urllib.request.urlopen(app.url, timeout=20) as answer:  # noqa: S310  (loopback)
        assert "login" in answer.url
    for place in ("api/kernels", "voila/render/start.ipynb"):
        try:
            with urllib.request.urlopen(f"{app.url}{place}", timeout=20) as answer:  # noqa: S310
                reached = answer.url
        except urllib.error.HTTPError as error:
            reached = f"login or {error.code}" if error.code in (403, 404) else str(error)
        assert "login" in reached


def test_another_page_speaks_to_no_kernel(app: App) -> None:
    """A page of another host or port that the same browser shows has the cookie, and gets no line to a kernel."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    (address,) = re.findall(r"url=([^\"]+)", (app.folder / "opened").read_text(encoding="utf-8"))
    with opener.open(address, timeout=60) as answer:
        found = re.search(r'"kernelId":\s*"([^"]+)"', answer.read().decode())
    assert found
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers |= {
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Cookie": "; ".join(f"{c.name}={c.value}" for c in jar),
    }
    statuses = {}
    for origin in (app.url.rstrip("/"), "http://evil.example", "http://127.0.0.1:9", "null"):
        line = HTTPConnection(urlsplit(app.url).netloc, timeout=20)
        line.request("GET", f"/api/kernels/{found[1]}/channels", headers={**headers, "Origin": origin})
        statuses[origin] = line.getresponse().status
        line.close()
    assert list(statuses.values()) == [101, 403, 403, 403]


DUMP = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Node
    metadata: {name: n1}
    spec: {providerID: aws:///eu-west-1a/i-1}
    status:
      capacity: {cpu: "8", memory: 32Gi}
      nodeInfo: {kernelVersion: 5.15.0, operatingSystem: linux, kubeletVersion: v1.31.0-eks-1, architecture: amd64}
  - apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {name: reads, namespace: shop}
    spec: {rules: [{to: [{operation: {methods: [GET]}}]}]}
"""

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def in_lab(context: BrowserContext, lab: Lab) -> tuple[Page, Path]:
    """The first workbook in JupyterLab after a run of all cells, and the folder of its user."""
    book = open_workbook(context, lab, "start")
    book.run()
    return book.page, lab.folder


def in_app(context: BrowserContext, app: App) -> tuple[Page, Path]:
    """The app, and the folder of its user."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    (address,) = re.findall(r"url=([^\"]+)", (app.folder / "opened").read_text(encoding="utf-8"))
    assert address.startswith(f"{app.url}?token=")
    page.goto(address)
    return page, app.folder


def faults(page: Page) -> list[str]:
    """What axe-core finds in all that is ours on a page."""
    found = Axe().run(page, context=".meshlab-desk", options={"runOnly": RULES})
    return [f"{rule['id']}: {node['html'][:300]}" for rule in found.response["violations"] for node in rule["nodes"]]


def press(page: Page, name: str) -> None:
    """Press the button with these words."""
    page.get_by_role("button", name=name, exact=True).click()


def load_and_answer(page: Page, folder: Path) -> None:
    """A dump answers most questions; one is answered by hand, and the answer in sight follows."""
    (folder / "shop.yaml").write_text(DUMP, encoding="utf-8")
    page.get_by_placeholder("Team file or dump").fill("shop.yaml")
    press(page, "Load")
    expect(page.locator(".meshlab-scenario-files")).to_contain_text("Loaded shop")
    press(page, "Questions")
    expect(page.get_by_text("In use: Layer 7 policy, such as by AuthorizationPolicy shop/reads")).to_be_visible()
    expect(page.locator(".ml-leads").first).to_contain_text("otherwise")
    title = page.locator(".meshlab-title")
    before = title.inner_text()
    page.get_by_label("Which network plugin runs today?").select_option("cilium")
    expect(title).not_to_have_text(before)


def type_values(page: Page) -> None:
    """A mistake is told beside its field, and a number may be written as people write it."""
    pods = page.locator(".meshlab-panel").get_by_role("textbox", name="Pods in the mesh")
    pods.fill("lots")
    pods.press("Enter")
    expect(page.locator(".meshlab-fault:visible")).to_contain_text("'lots', which is not a whole number")
    expect(page.get_by_text("The figures are of the last values that were.")).to_be_visible()
    pods.fill("1.2k")
    pods.press("Enter")
    expect(pods).to_have_value("1200")
    handle = page.get_by_role("slider", name="Requests per second")
    expect(handle).to_have_attribute("aria-valuetext", re.compile(r"^\d+ 1/s$"))


def save(page: Page, folder: Path) -> None:
    """The scenario becomes a team file beside the dump, which says where each value comes from."""
    page.get_by_placeholder("Name of the team").fill("shop-review")
    press(page, "Save")
    expect(page.locator(".meshlab-scenario-files")).to_contain_text(f"Saved {folder / 'shop-review.yaml'}")
    given = open_path(folder / "shop-review.yaml").given
    assert {name: given[name].value for name in ("pods", "current_cni")} == {"pods": 1200, "current_cni": "cilium"}
    assert given["needs"].status == "inferred"


def follow_up(page: Page, folder: Path) -> None:
    """What was saved is rendered and opened, its decision record downloaded, and its chart put into a document."""
    told = page.locator(".meshlab-follow-up")
    press(page, "Render the report")
    expect(told).to_contain_text("The report is ready", timeout=120_000)
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open the report").click()
    expect(popup.value.locator(".ml-lead")).to_be_visible()
    assert "shop-review" in popup.value.title()
    popup.value.close()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the decision record").click()
    assert Path(download.value.path()).read_text("utf-8").startswith("---\nstatus: proposed\n")
    press(page, "Add the chart")
    expect(told).to_contain_text("The chart is ready", timeout=120_000)
    text = (folder / "design.md").read_text("utf-8")
    assert text.count("<!-- meshlab chart=cost team=shop-review.yaml -->") == 1
    (picture,) = re.findall(r"!\[.*\]\((.*\.svg)\)", text)
    assert (folder / picture).exists()


VIEWS = {
    "Answer": "Arguments against, and what is ruled out",
    "Comparison": "Each figure is what network and mesh take",
    "Overhead": "Memory that each data plane adds",
    "Latency path": "Latency that builds up",
    "Migration": "Way back:",
    "Evidence": "Median factor",
    "Assumptions": "ten services a namespace",
}
"""Words by which each view is known."""


def look_at_views(page: Page, width: int, height: int) -> None:
    """On a page of a size each view comes into sight with the answer, no wider than the page, and open to all."""
    page.set_viewport_size({"width": width, "height": height})
    for name, words in VIEWS.items():
        press(page, name)
        expect(page.locator(".meshlab-views").get_by_text(words).first).to_be_visible()
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(".meshlab-views").get_by_text(words).first.scroll_into_view_if_needed()
        expect(page.locator(".meshlab-title")).to_be_in_viewport()


LOOPBACK = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:")


@pytest.mark.parametrize(("place", "sizes"), [("app", [(1024, 768), (390, 844)]), ("lab", [(1440, 900)])])
def test_a_newcomer_gets_from_a_dump_to_a_chart_in_a_document(
    place: str, sizes: list[tuple[int, int]], browser: Browser, request: pytest.FixtureRequest
) -> None:
    """Load a dump, answer, save, render, add a chart: each step is on the page, and no other machine is asked."""
    asked: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.on("requestfinished", lambda request: asked.append(request.url))
    page, folder = {"app": in_app, "lab": in_lab}[place](context, request.getfixturevalue(place))
    expect(page.locator(".meshlab-flip").first).to_be_visible()
    assert place == "lab" or "import meshlab" not in page.evaluate("document.body.innerText")
    load_and_answer(page, folder)
    type_values(page)
    save(page, folder)
    follow_up(page, folder)
    for size in sizes:
        look_at_views(page, *size)
    assert [url for url in asked if not LOOPBACK.match(url)] == []
    context.close()
