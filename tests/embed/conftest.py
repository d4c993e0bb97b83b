"""What tests of documents share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from meshlab.reviews.record import Review
from meshlab.run.embed import Filled, fill
from meshlab.show.charts.files import opened
from meshlab.show.export import Chart
from meshlab.show.export.stamps import stamped_svg


def sketched(charts: Sequence[Chart], form: str) -> list[bytes]:
    """Pictures that say what they would show, without a browser to draw them."""
    assert form == "svg"
    return [stamped_svg('<svg xmlns="http://www.w3.org/2000/svg"></svg>', chart.about).encode() for chart in charts]


@pytest.fixture(scope="session")
def example_review() -> Callable[[Path], Review]:
    """Reviews, each opened once."""
    return cache(opened)


@pytest.fixture(scope="session")
def embed() -> Callable[..., list[Filled]]:
    """Fills documents with sketches for pictures."""
    return lambda *files, **named: fill(list(files), draw=sketched, **named)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a document of this text or these bytes."""

    def written(content: str | bytes, name: str = "doc.md") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return written
