"""The pages of `make site`: no link is broken, and they are read and searched from the file system alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
LIMIT_BYTES = 500_000
"""Most that the first page may weigh; the index of the search comes after it."""


@pytest.fixture(scope="module")
def site() -> Path:
    """The pages but charts and reports; building them fails at a link that leads nowhere."""
    command = [sys.executable, ROOT / ".ci" / "site" / "build.py", "--quick"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    return ROOT / "build" / "site"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that notes what it asks for in ``asked``."""
    opened = browser.new_page(viewport={"width": 1300, "height": 900})
    opened.asked = []
    opened.on("request", lambda request: opened.asked.append(request.url))
    yield opened
    opened.close()


def test_the_first_page_is_light_and_asks_nobody(site: Path, page: Any) -> None:
    """All that it loads lies beside it, and weighs at most 500 KB without the index of the search."""
    page.goto((site / "index.html").as_uri())
    page.wait_for_load_state("networkidle")
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    files = {Path(url.removeprefix("file://").partition("?")[0]) for url in page.asked if url.startswith("file:")}
    shown = {file for file in files if not file.name.startswith("search.")}
    assert len(shown) > 4
    assert sum(file.stat().st_size for file in shown) <= LIMIT_BYTES


@pytest.mark.parametrize("name", ["index", "tutorial"])
def test_pages_pass_axe(site: Path, page: Any, name: str) -> None:
    """Axe finds nothing that a page denies to anybody."""
    page.goto((site / f"{name}.html").as_uri())
    page.wait_for_load_state("networkidle")
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_a_claim_is_found_by_searching(site: Path, page: Any) -> None:
    """Typed into the search, a sentence that people repeat leads to the page that says what holds of it."""
    page.goto((site / "index.html").as_uri())
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    page.keyboard.type("25 to 50 GB")
    page.get_by_text("Which common claims hold").last.wait_for(timeout=20_000)
    page.locator("a[href*='claims.html']").last.wait_for(timeout=20_000)


def test_the_pages_hold_commands_functions_and_sources(site: Path) -> None:
    """Each command, each public function, and a row of each source is there."""
    import meshlab
    from meshlab.run.cli import main
    from meshlab.tables import read_table

    commands = (site / "commands.html").read_text(encoding="utf-8")
    assert all(f"meshlab {name}</h2>" in commands.replace("<a", "</h2><a") for name in main.commands)
    api = (site / "api.html").read_text(encoding="utf-8")
    functions = set(meshlab.__all__) - {"Cluster", "MeshlabError", "Review"}
    assert all(f'id="meshlab.api.{name}"' in api for name in functions)
    sources = (site / "data" / "sources.html").read_text(encoding="utf-8")
    assert all(f'id="{source}"' in sources for source in read_table("sources")["source_id"])
