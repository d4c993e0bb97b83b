"""One team's folder: its files put in their places, and a note beside them by which the next run knows them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from meshlab.errors import MeshlabError, Problem
from meshlab.files import digest, pretty_json, read_most, remove_leftovers, write_whole
from meshlab.run.batch.pages import FORMATS, Rendered, file_name
from meshlab.tables import resource

NOTE = ".meshlab.json"
"""Beside the files of a review: what they were made from, and their row of the index."""

SEAL = "note_sha256"
"""Hash of all else in a note: one of which a byte has changed is no note."""

MAXIMUM_NOTE_BYTES = 2**20
"""Largest note that is read. [byte]"""

FAILED = "failed.ipynb"
"""The part-run notebook of a review that failed; gone as soon as one succeeds."""


def put(folder: Path, rendered: Rendered) -> None:
    """Write the files of one review, and the note last: where there is a note, all files are there.

    Forms of a review of other inputs go first, so that no page lies beside the data of another one.

    Raises:
        MeshlabError: A file cannot be written; those before it stay.
    """
    remove_leftovers(folder)
    files = {name: hashlib.sha256(content).hexdigest() for name, content in rendered.files.items()}
    alike = _files_of_the_same(folder, rendered.row)
    if files.keys() & REVIEWS:
        _remove(folder, REVIEWS - files.keys() - alike.keys())
    for name, content in rendered.files.items():
        write_whole(folder / name, content)
    if rendered.row is not None:
        write_whole(folder / NOTE, pretty_json(_note(rendered.row, {**alike, **files})))
        _remove(folder, {FAILED})


def _remove(folder: Path, names: Collection[str]) -> None:
    for path in [folder / name for name in sorted(names) if (folder / name).exists()]:
        try:
            path.unlink()
        except OSError as error:
            what = f"is of another review and cannot be removed: {error.strerror}"
            raise MeshlabError(Problem(str(path), what, "remove it, or give another --out")) from error


def _files_of_the_same(folder: Path, row: Mapping[str, object] | None) -> dict[str, str]:
    """Files that an earlier run made from the inputs of this row, and that are as it left them: hash by name."""
    note = _read_note(folder, row["inputs_sha256"]) if row is not None else None
    return {name: own for name, own in note["files"].items() if _is_whole(folder, note, name)} if note else {}


def _note(row: Mapping[str, object], files: Mapping[str, str]) -> dict[str, object]:
    note = {
        "inputs_sha256": row["inputs_sha256"],
        "look_sha256": look_sha256(),
        "row": row,
        "files": dict(sorted(files.items())),
    }
    return {**note, SEAL: digest(note)}


def row_of_unchanged(folder: Path, formats: Sequence[str], inputs_sha256: str) -> dict[str, object] | None:
    """The index row of a review that an earlier run made from the same inputs in all these formats, or None."""
    note = _read_note(folder, inputs_sha256)
    whole = note is not None and all(_is_whole(folder, note, name) for name in map(file_name, formats))
    return note["row"] if note and whole else None


def _read_note(folder: Path, inputs_sha256: object) -> dict[str, Any] | None:
    """The note of an earlier run; None where it is of other inputs, of another look, or no note of ours."""
    try:
        note = json.loads(read_most(folder / NOTE, MAXIMUM_NOTE_BYTES))
        whole = note.pop(SEAL) == digest(note)
        same = note["inputs_sha256"] == inputs_sha256 and note["look_sha256"] == look_sha256()
        return note if whole and same and isinstance(note["row"], dict) and isinstance(note["files"], dict) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_whole(folder: Path, note: Mapping[str, Any], name: str) -> bool:
    """Whether a file is as the note has it."""
    try:
        return name in REVIEWS and note["files"].get(name) == _file_sha256(folder / name)
    except OSError:
        return False


REVIEWS = frozenset(map(file_name, FORMATS))
"""Every file that a review can be."""


def _file_sha256(path: Path) -> str:
    if not path.is_file():
        raise OSError
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def look_sha256() -> str:
    """Hash of what gives a review its look: the workbook, the templates, and the code that draws and words."""
    places = (resource("templates"), resource("workbooks"), Path(__file__).parents[2])
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
