"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.files import write_whole


@pytest.mark.parametrize("content", ["text with ä\n", b"\x00bytes", ""])
def test_content_arrives(tmp_path: Path, content: str | bytes) -> None:
    """Text in UTF-8 or bytes are written into a folder that is made for them, and nothing else is left there."""
    path = tmp_path / "new" / "folder" / "file"
    write_whole(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(path.parent.iterdir()) == [path]


def test_file_has_the_rights_of_any_other(tmp_path: Path) -> None:
    """A report can be read by whoever may read the files that its writer makes."""
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads during a failed write finds the old content, and no half-written file remains."""
    path = tmp_path / "file"
    write_whole(path, "old")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_impossible_place_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """A folder that cannot be made is one line that says what to check."""
    (tmp_path / "file").touch()
    with pytest.raises(MeshlabError, match=r"cannot be written: .*; check space and rights"):
        write_whole(tmp_path / "file" / "below", "x")
