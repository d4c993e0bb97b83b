"""Files that appear whole or not at all, and JSON that has one way to be written."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from meshlab.errors import MeshlabError, Problem

_PREFIX = ".meshlab-writing-"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name beside its place, then rename it.

    A link stays a link, and what it names is written. A pipe or a device takes the content as it comes: there is
    nothing to rename.

    Raises:
        MeshlabError: The folder cannot be made or written, or a folder stands in the file's place.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.is_dir():
        raise MeshlabError(Problem(str(path), "is a folder", "name a file"))
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise MeshlabError(Problem(str(path), "is a link that leads to itself", "name a file"))
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                stream.write(data)
        else:
            _replace(target, data)
    except OSError as error:
        raise MeshlabError(
            Problem(str(path), f"cannot be written: {error.strerror}", "check space and rights")
        ) from error


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of runs that were killed while they wrote into a folder."""
    for path in folder.glob(f"{_PREFIX}*"):
        path.unlink(missing_ok=True)


def canonical_json(value: object) -> str:
    """JSON with one way to write each value: the same inputs give the same bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def pretty_json(value: object) -> str:
    """JSON for a file that a person may open."""
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False, default=_plain) + "\n"


def _plain(value: object) -> object:
    """What JSON has no form for: a record as its fields, all else as text."""
    import msgspec

    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else str(value)


def digest(value: object) -> str:
    """SHA-256 of a value's one way to be written as JSON. [hexadecimal]"""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
