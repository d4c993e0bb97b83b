"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
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


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    """What a link names holds the new content, whether or not it was there before."""
    for name in ("old", "new"):
        (tmp_path / f"to-{name}").symlink_to(f"there/{name}")
    write_whole(tmp_path / "there" / "old", "before")
    for name in ("old", "new"):
        write_whole(tmp_path / f"to-{name}", "after")
        assert (tmp_path / f"to-{name}").is_symlink()
        assert (tmp_path / "there" / name).read_text(encoding="utf-8") == "after"
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == ["new", "old"]


def test_links_in_a_circle_are_an_error_in_words(tmp_path: Path) -> None:
    """A link that names itself is told, and stays."""
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(MeshlabError, match="round: is a link that leads to itself"):
        write_whole(tmp_path / "round", "x")
    assert (tmp_path / "round").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_pipe_stays_a_pipe_and_its_reader_gets_the_content(tmp_path: Path) -> None:
    """Content goes through a named pipe, straight or over a link, and nothing else is made beside it."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        got: list[bytes] = []
        reader = threading.Thread(target=lambda got=got: got.append(pipe.read_bytes()), daemon=True)
        reader.start()
        write_whole(path, "through")
        reader.join(timeout=10)
        assert got == [b"through"]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert sorted(tmp_path.iterdir()) == [link, pipe]


def test_a_folder_in_the_place_of_a_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    """A folder is neither replaced nor filled."""
    with pytest.raises(MeshlabError, match="is a folder; name a file"):
        write_whole(tmp_path, "x")
    assert not list(tmp_path.iterdir())
