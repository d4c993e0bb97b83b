"""The pictures and figures that a visitor of this project sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlab.run.embed import check

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_blocks_show_what_the_models_say(file: Path) -> None:
    """No figure, source or picture of a block differs from what the models and tables say (`make docs` fills them)."""
    stale = [problem for problem in check([file]) if "no figure has moved" not in problem.what]
    assert not stale, "; ".join(map(str, stale))


def test_the_page_about_blocks_has_some() -> None:
    """The page that explains blocks shows pictures in blocks that are checked."""
    assert (ROOT / "docs" / "embedding.md.assets").is_dir()
    assert "<!-- /meshlab -->" in (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
