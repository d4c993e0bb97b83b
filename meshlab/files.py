"""Files that appear whole or not at all, and JSON that has one way to be written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import select
import stat
import tempfile
import time
from pathlib import Path

from meshlab.errors import MeshlabError, Problem

_PREFIX = ".meshlab-writing-"

PIPE_SECONDS = 10.0
"""Longest time in which a pipe or a terminal has to give all that it holds. [s]"""

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """A folder that travels with the package: ``data``, ``workbooks`` or ``templates``.

    A wheel carries it inside the package; in a checkout it lies beside the package.
    """
    inside = _PACKAGE / name
    return inside if inside.exists() else _PACKAGE.parent / name


def data_path(name: str) -> Path:
    """Path of a file or folder in ``data/``, such as ``decision/cni.csv``."""
    return resource("data") / name


def read_most(path: Path | str, most: int) -> bytes:
    """The first bytes of a file, so many at most, whatever the path leads to.

    A device that never ends is read no further, a pipe that nobody fills is waited for no longer than
    `PIPE_SECONDS`.

    Raises:
        OSError: It cannot be read.
    """
    # without O_NONBLOCK the opening itself would wait for somebody who writes
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        patient = stat.S_ISREG(os.fstat(descriptor).st_mode)
        end = time.monotonic() + PIPE_SECONDS
        chunks: list[bytes] = []
        while most > 0:
            try:
                chunk = os.read(descriptor, most if patient else min(most, 2**20))
            except BlockingIOError:  # somebody holds the pipe and has not written yet
                select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
                chunk = None
            if (chunk is None or not patient) and time.monotonic() > end:
                raise TimeoutError(errno.ETIMEDOUT, "gives nothing, or no end, in time", str(path))
            if chunk is None:
                continue
            if not chunk:
                break
            chunks.append(chunk)
            most -= len(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    finally:
        os.close(descriptor)


def read_start(path: Path, most: int) -> bytes:
    """As ``read_most``, with what goes wrong told.

    Raises:
        MeshlabError: There is no such file, or it cannot be read.
    """
    try:
        return read_most(path, most)
    except (FileNotFoundError, NotADirectoryError):
        raise MeshlabError(Problem(str(path), "no such file", "check the path")) from None
    except OSError as error:
        raise MeshlabError(Problem(str(path), f"cannot be read: {error.strerror}", "check path and rights")) from error


def read_bounded(path: Path, maximum_bytes: int, todo: str = "name a file of the kind that is asked for") -> bytes:
    """All bytes of a file that is no larger than allowed.

    Raises:
        MeshlabError: There is no such file, it cannot be read, or it is larger.
    """
    content = read_start(path, maximum_bytes + 1)
    if len(content) > maximum_bytes:
        what = f"is larger than {maximum_bytes // 2**20} MiB"
        raise MeshlabError(Problem(str(path), what, todo))
    return content


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name beside its place, then rename it.

    A link stays a link, and what it names is written. A pipe or a device takes the content as it comes: there is
    nothing to rename.

    Raises:
        MeshlabError: The folder cannot be made or written, or a folder stands in the file's place.
    """
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
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
    import msgspec

    # without an indentation of its own json writes with its fast encoder
    compact = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    return msgspec.json.format(compact, indent=1) + "\n"


def _plain(value: object) -> object:
    """What JSON has no form for: a record as its fields, all else as text."""
    import msgspec

    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else str(value)


def digest(value: object) -> str:
    """SHA-256 of a value's one way to be written as JSON. [hexadecimal]"""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


FORMULA = r"^\s*[=+\-@\uff1d\uff0b]"
"""How a cell begins that a spreadsheet would run, in either width; blanks before it do not keep it from that."""

NUMBER = r"^\s*[+-]?(\d[\d,]*\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
"""A number, which may begin with a sign all the same."""


def spreadsheet_text(text: str) -> str:
    """Text as a cell of CSV: what a spreadsheet would take for a formula is quoted."""
    return f"'{text}" if re.match(FORMULA, text) and not re.match(NUMBER, text) else text
