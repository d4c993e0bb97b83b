"""Working copies of the workbooks: what a user changed stays, all else follows meshlab."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meshlab.errors import MeshlabError
from meshlab.run.lab import workbooks_folder
from meshlab.tables import resource

NAMES = sorted(path.name for path in resource("workbooks").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def edit(path: Path, source: str) -> None:
    """Write another source into the first cell."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][0]["source"] = source
    path.write_text(json.dumps(notebook), encoding="utf-8")


def shown(folder: Path) -> list[str]:
    """What JupyterLab lists."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_the_originals_are_copied_once() -> None:
    """Every workbook is there, and opening again changes nothing of a copy that was run."""
    folder = workbooks_folder()
    assert shown(folder) == NAMES
    file = folder / "start.ipynb"
    ran = json.loads(file.read_text(encoding="utf-8"))
    ran["cells"][-1]["metadata"]["ran"] = True
    file.write_text(json.dumps(ran), encoding="utf-8")
    workbooks_folder()
    assert json.loads(file.read_text(encoding="utf-8")) == ran


def test_a_changed_copy_stays_until_it_is_put_aside() -> None:
    """A user's own cells survive opening again, and a reset keeps them beside the fresh copy, each time anew."""
    folder = workbooks_folder()
    for number in (1, 2):
        edit(folder / "sweep.ipynb", f"change {number}")
        assert workbooks_folder() == folder
        assert f"change {number}" in (folder / "sweep.ipynb").read_text(encoding="utf-8")
        workbooks_folder(reset=True)
        assert (folder / "sweep.ipynb").read_bytes() == (resource("workbooks") / "sweep.ipynb").read_bytes()
        assert f"change {number}" in (folder / f"sweep-own-{number}.ipynb").read_text(encoding="utf-8")
    assert shown(folder) == sorted([*NAMES, "sweep-own-1.ipynb", "sweep-own-2.ipynb"])


def test_a_copy_of_an_earlier_release_is_brought_up_to_date() -> None:
    """What was copied from another release and left alone follows; without a note of ours it counts as changed."""
    folder = workbooks_folder()
    note = folder / ".copied.json"
    edit(folder / "iac.ipynb", "an earlier release")
    earlier = folder / "earlier.json"
    earlier.write_bytes((folder / "iac.ipynb").read_bytes())
    for damaged in ("[]", "{", "null"):
        note.write_text(damaged, encoding="utf-8")
        workbooks_folder()
        assert (folder / "iac.ipynb").read_bytes() == earlier.read_bytes()
    from meshlab.run.lab import _cells_sha256

    note.write_text(json.dumps({"iac.ipynb": _cells_sha256(earlier)}), encoding="utf-8")
    workbooks_folder()
    assert (folder / "iac.ipynb").read_bytes() == (resource("workbooks") / "iac.ipynb").read_bytes()


def test_what_is_no_notebook_stays_and_a_folder_that_cannot_be_made_is_told() -> None:
    """A damaged copy is the user's until a reset; a file in the folder's place is an error with what to do."""
    folder = workbooks_folder()
    (folder / "start.ipynb").write_text("{", encoding="utf-8")
    workbooks_folder()
    assert (folder / "start.ipynb").read_text(encoding="utf-8") == "{"
    folder.rename(folder.with_name("elsewhere"))
    folder.touch()
    with pytest.raises(MeshlabError, match=r"cannot be written: .*; start meshlab in a folder of your own"):
        workbooks_folder()
