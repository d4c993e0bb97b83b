"""What tests of documents share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from meshlab.reviews.record import Review
from meshlab.run.embed import Filled, fill
from meshlab.show.charts.files import opened


@pytest.fixture(scope="session")
def example_review() -> Callable[[Path], Review]:
    """Reviews, each opened once."""
    return cache(opened)


@pytest.fixture(scope="session")
def embed() -> Callable[..., list[Filled]]:
    """Fills documents."""
    return lambda *files, **named: fill(list(files), **named)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a document of this text or these bytes."""

    def written(content: str | bytes, name: str = "doc.md") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return written
