"""One browser and one JupyterLab for all browser tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


# by module: as long as it lives, playwright keeps an event loop running in which no other test could run its own
@pytest.fixture(scope="module")
def browser(executable: str) -> Iterator[object]:
    """A headless Chromium."""
    from jupyter_page import CHROMIUM_FLAGS
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def lab(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:  # noqa: ARG001
    """A running JupyterLab with a copy of the workbooks."""
    from jupyter_page import running_lab

    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running
