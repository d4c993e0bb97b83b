"""Results that are kept: ``functools.cache`` whose contents can be handed to another process.

A process that is going to fork may not run a polars query first, as its threads would be missing afterwards. It is
given what the queries gave by a process that may run them.

What follows from ``data/`` and the code alone is stored between runs, in the user's cache folder, or in the one that
``MESHLAB_CACHE_DIR`` names (empty: nothing is stored). The file's name is a hash of every file that it follows from.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import zlib
from collections.abc import Callable, Hashable
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from meshlab.errors import MeshlabError
from meshlab.files import data_path, write_whole

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_results: dict[str, dict[tuple[Hashable, ...], Any]] = {}

NOT_KEPT = object()

_here: set[str] = set()
"""Functions whose results are not handed on."""

FOLDER = "MESHLAB_CACHE_DIR"
"""Environment variable that names the folder of what is stored between runs."""

MOST_FILES = 4
"""How many states of ``data/`` and code are stored; the oldest go."""

_stored: dict[str, bytes] | None = None
"""What was stored and nobody has asked for yet, by part of the package; ``None`` before the first question."""


def cached(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Keep each result of a function of hashable arguments; its results have to bear pickling."""
    return cached_latest(sys.maxsize)(function)


def cached_here(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Keep each result for this process alone: of polars' expressions, those in which a function of ours is called.

    Polars pickles such a function by cloudpickle, which a base install lacks.
    """
    _here.add(_name(function))
    return cached(function)


def _name(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def cached_latest(most: int) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Keep the latest results only.

    Args:
        most: How many.
    """

    def keeping(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        results = _results.setdefault(_name(function), {})

        @wraps(function)
        def asked(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
            key = (*arguments, *named.items()) if named else arguments
            found = results.get(key, NOT_KEPT)
            if found is NOT_KEPT:
                _take_stored(_part(_name(function)))
                found = results.get(key, NOT_KEPT)
            if found is NOT_KEPT:
                found = results[key] = function(*arguments, **named)
                if len(results) > most:
                    del results[next(iter(results))]
            return found

        return asked

    return keeping


def all_cached() -> bytes:
    """Everything that is kept by now or stored, for ``keep``. What is the same object here will be so there."""
    _take_stored()
    return pickle.dumps({name: results for name, results in _results.items() if name not in _here})


def keep(results: bytes) -> None:
    """Take over what another process of the same code kept."""
    global _stored  # noqa: PLW0603
    _stored = {}
    _add(results)


def _add(results: bytes) -> None:
    for name, found in pickle.loads(results).items():  # noqa: S301  (of a process of our own: a pipe, or our own file)
        _results.setdefault(name, {}).update(found)


def forget() -> None:
    """Keep nothing of what was kept: the tables of ``data/`` have been written anew."""
    global _stored  # noqa: PLW0603
    _stored = {}
    for results in _results.values():
        results.clear()


# --- between runs --------------------------------------------------------------------------------------------------


def store(is_own: Callable[[object], bool]) -> None:
    """Store what is kept for the next run; where that cannot be, the next run makes it again.

    Args:
        is_own: Whether an argument is of this run alone, such as a team's own tables.
    """
    file = _stored_file()
    if file is None or file.exists():
        return
    lasting: dict[str, dict[str, object]] = {}
    for name, results in _results.items():
        if name not in _here:
            of_data = {key: result for key, result in results.items() if not any(map(is_own, key))}
            lasting.setdefault(_part(name), {})[name] = of_data
    content = pickle.dumps({part: pickle.dumps(results) for part, results in lasting.items()})
    try:
        write_whole(file, _checksum(content) + content)
        for old in sorted(file.parent.glob("*.pickle"), key=lambda each: each.stat().st_mtime)[:-MOST_FILES]:
            old.unlink()
    except (OSError, MeshlabError):
        return


def _part(name: str) -> str:
    """Part of the package that a function belongs to: what is read at once, as its results share objects."""
    return ".".join(name.split(".")[:3])


def _take_stored(*parts: str) -> None:
    """Take over, once, what an earlier run of the same code and data has stored: these parts, or all."""
    global _stored  # noqa: PLW0603
    if _stored is None:
        file = _stored_file()
        _stored = _read(file) if file is not None and _is_ours(file) else {}
    for part in parts or tuple(_stored):
        if part in _stored:
            _add(_stored.pop(part))


def _read(file: Path) -> dict[str, bytes]:
    """Contents of a stored file; one that is damaged goes, and what it held is made again."""
    try:
        content = file.read_bytes()
        if content[:4] != _checksum(content[4:]):
            file.unlink()
            return {}
    except OSError:
        return {}
    return pickle.loads(content[4:])  # noqa: S301  (nobody else can have written it)


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(4, "big")


def own_folder() -> Path | None:
    """The folder of what is stored between runs; None where there is to be none, or others could write to it."""
    from platformdirs import user_cache_path

    given = os.environ.get(FOLDER)
    folder = Path(given) if given else user_cache_path("meshlab")
    if given == "":
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if _is_ours(folder) and os.access(folder, os.W_OK) else None


def _stored_file() -> Path | None:
    """Where it is stored: under a hash of the names, sizes and times of all files of package and data."""
    folder = own_folder()
    if folder is None:
        return None
    pickled = [spec.origin for spec in map(find_spec, ("polars", "numpy")) if spec is not None and spec.origin]
    found = [*Path(__file__).parent.rglob("*.py"), *data_path("").rglob("*"), *map(Path, pickled)]
    files = sorted(path for path in found if path.is_file())
    states = [(str(path), (state := path.stat()).st_size, state.st_mtime_ns) for path in files]
    name = hashlib.sha256(repr((states, sys.version)).encode()).hexdigest()[:32]
    return folder / f"{name}.pickle"


def _is_ours(path: Path) -> bool:
    """Whether nobody but this user can have written a file, or to a folder."""
    try:
        state = path.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (state.st_uid == os.getuid() and not state.st_mode & 0o022)
