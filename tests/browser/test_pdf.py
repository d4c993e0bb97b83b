"""Reports on paper: printed by a real Chromium, or refused in words where there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.run.batch.batch import Job, render_reviews
from meshlab.run.batch.pages import print_page


def team(folder: Path) -> Path:
    """A team file."""
    path = folder / "a.yaml"
    path.write_text("team: a\nscenario: {pods: 40}\n", encoding="utf-8")
    return path


@pytest.mark.browser
def test_a_report_is_printed_to_the_same_bytes_twice(tmp_path: Path, executable: str) -> None:  # noqa: ARG001
    """The PDF has several sheets, an outline of the report's headings, no date, and nothing else is written."""
    first, second = tmp_path / "first", tmp_path / "second"
    for out in (first, second):
        render_reviews([team(tmp_path)], Job(out, ("pdf",)), jobs=1)
    content = (first / "a" / "review.pdf").read_bytes()
    assert content == (second / "a" / "review.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", content)) > 3
    assert b"/Outlines" in content
    assert b"CreationDate" not in content
    assert {path.name for path in first.rglob("*") if path.is_file()} == {
        *("review.pdf", ".meshlab.json", "index.html", "index.json", "index.csv")
    }


def test_without_a_browser_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no Chromium is found one line says so, before there is a reports folder."""
    import choreographer
    from choreographer.browsers.chromium import ChromeNotFoundError

    def none(*_: object, **_named: object) -> None:
        raise ChromeNotFoundError

    monkeypatch.setattr(choreographer, "Browser", none)
    with pytest.raises(MeshlabError, match="--format: pdf is printed by Chrome or Chromium, and none was found"):
        render_reviews([team(tmp_path)], Job(tmp_path / "out", ("pdf",)))
    assert not (tmp_path / "out").exists()
    with pytest.raises(MeshlabError):
        print_page("<p>", "a")
