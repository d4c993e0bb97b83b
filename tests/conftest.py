"""What several test modules share."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# how long one example takes says more of the machine than of the code; speed is for benchmarks
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `make data`, so that a fit has the same bytes

# what one process of the tests has worked out of data/, others take over: not what an earlier run has
_STORED = tempfile.TemporaryDirectory(prefix="meshlab-tests-")
os.environ["MESHLAB_CACHE_DIR"] = _STORED.name

pytest_plugins = ["dask_cluster"]  # the fixture of a Dask cluster

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real fixtures beside the checkout: skipped where it is absent, required in CI."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("CI needs the folder of real fixtures, 'shared', beside the checkout")
        pytest.skip("the folder of real fixtures, 'shared', is not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def fixtures(shared: Path) -> Path:
    """Real dumps, schemas and traces."""
    return shared / "fixtures"


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def executable() -> str:
    """Path of a Chromium: skipped where there is none, required in CI."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        message = f"browser tests need one of {', '.join(BROWSERS)} on the PATH"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found
