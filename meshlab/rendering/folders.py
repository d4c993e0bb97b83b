"""One team's folder: its files put in their places, and a note beside them by which the next run knows them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from meshlab.files import pretty_json, remove_leftovers, write_whole
from meshlab.rendering.pages import Rendered
from meshlab.tables import resource

NOTE = ".meshlab.json"
"""Beside the files of a review: what they were made from, and their row of the index."""

FAILED = "failed.ipynb"
"""The part-run notebook of a review that failed; gone as soon as one succeeds."""


def put(folder: Path, rendered: Rendered) -> None:
    """Write the files of one review, and the note last: where there is a note, all files are there.

    Raises:
        MeshlabError: A file cannot be written; those before it stay.
    """
    remove_leftovers(folder)
    for name, content in rendered.files.items():
        write_whole(folder / name, content)
    if rendered.row is not None:
        write_whole(folder / NOTE, pretty_json(_note(rendered.row, rendered.files)))
        (folder / FAILED).unlink(missing_ok=True)


def _note(row: Mapping[str, object], files: Mapping[str, bytes]) -> dict[str, object]:
    return {
        "inputs_sha256": row["inputs_sha256"],
        "look_sha256": look_sha256(),
        "row": row,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }


def row_of_unchanged(folder: Path, formats: Sequence[str], inputs_sha256: str) -> dict[str, object] | None:
    """The index row of a review that an earlier run made from the same inputs in all these formats, or None."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        same = note["inputs_sha256"] == inputs_sha256 and note["look_sha256"] == look_sha256()
        whole = same and all(note["files"][name] == _file_sha256(folder / name) for name in map(file_name, formats))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return note["row"] if whole else None


def file_name(form: str) -> str:
    """Name of a review's file in a format."""
    return f"review.{form}"


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def look_sha256() -> str:
    """Hash of what gives a review its look: the workbook, the templates, and the code that draws and words."""
    places = (resource("templates"), resource("workbooks"), Path(__file__).parents[1])
    files = sorted(
        {
            path
            for place in places
            for path in place.rglob("*")
            if path.suffix in (".py", ".j2", ".css", ".json", ".ipynb")
        }
    )
    digest = hashlib.sha256()
    for path in files:
        if ".ipynb_checkpoints" not in path.parts:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
