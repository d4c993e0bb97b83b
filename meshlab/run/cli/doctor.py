"""What is installed, what of it works, and what to do about the rest: doctor."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from meshlab import __version__
from meshlab.run.cli.group import SOME_FAILED, form_option, main, many

LIMIT_S = 10
"""Longest time that another program may take to say its version. [s]"""

EXTRAS = {
    "lab": "the workbooks in JupyterLab, and panels in notebooks of your own",
    "app": "the first workbook as a page without code",
    "pdf": "reports as PDF, with a browser",
    "sweep": "sweeps with distributions or Sobol' indices",
    "dask": "batches and sweeps on many machines (--scheduler)",
}
"""Extras of the package, and what each is for."""

Row = dict[str, object]
"""``part``, ``state`` (ok or missing), ``version``, ``where``, ``needed_for`` and ``todo``."""


def _row(part: str, needed_for: str, versions: str | None, where: str = "", todo: str = "") -> Row:
    state = "missing" if versions is None else "ok"
    told = todo if versions is None else ""
    return {
        "part": part,
        "state": state,
        "version": versions,
        "where": where,
        "needed_for": needed_for,
        "todo": told,
    }


def _packages() -> Iterator[tuple[str, str]]:
    """Each package that meshlab asks for, and the extra that asks for it; empty for the base."""
    from importlib import metadata

    try:
        asked = metadata.requires("meshlab") or ()
    except metadata.PackageNotFoundError:  # run from a folder that nobody has installed
        return
    for line in asked:
        name, _, condition = line.partition(";")
        extra = re.search(r"extra == ['\"]([^'\"]+)", condition)
        yield re.split(r"[^A-Za-z0-9._-]", name.strip())[0], extra[1] if extra else ""


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _python_parts() -> Iterator[Row]:
    """The base and each extra: there where all its packages are."""
    base = [name for name, extra in _packages() if not extra]
    absent = [name for name in base if _version(name) is None]
    todo = f"not installed: {', '.join(absent) or 'meshlab itself'}; run: pip install meshlab"
    yield _row("base", "every command", many(len(base), "package") if base and not absent else None, str(_home()), todo)
    for extra, needed_for in EXTRAS.items():
        found = {name: _version(name) for name, its in _packages() if its == extra}
        complete = bool(found) and None not in found.values()
        told = ", ".join(f"{name} {of}" for name, of in found.items()) if complete else None
        yield _row(extra, needed_for, told, todo=f"run: pip install 'meshlab[{extra}]'")


def _home() -> Path:
    return Path(__file__).parents[2]


def _browser() -> str | None:
    try:
        from choreographer.browsers.chromium import Chromium
    except ModuleNotFoundError:  # the row of the extra says what to install
        return None
    found = Chromium.find_browser(skip_local=False)
    return str(found) if found and Path(found).is_file() else None


PROGRAMS: dict[str, tuple[Callable[[], str | None], tuple[str, ...], str, str]] = {
    "browser": (
        _browser,
        ("--version",),
        "reports as PDF",
        "install the extra pdf, and Chrome or Chromium, or name one in BROWSER_PATH",
    ),
    "kubectl": (
        lambda: shutil.which("kubectl"),
        ("version", "--client"),
        "facts of a live cluster (--context); a dump needs none here",
        "install kubectl where you can reach the cluster",
    ),
}
"""Programs that some commands start: where to find one, how it says its version, what for, what to do without."""


def _program(part: str) -> Row:
    find, words, needed_for, todo = PROGRAMS[part]
    path = find()
    if path is None:
        return _row(part, needed_for, None, todo=todo)
    try:
        # a program of the user's own path, asked for nothing but its version
        said = subprocess.run([path, *words], capture_output=True, text=True, timeout=LIMIT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return _row(part, needed_for, None, path, f"{path} does not start; {todo}")
    number = re.search(r"\d+(?:\.\d+)+", said.stdout)
    return _row(part, needed_for, number[0] if number else "not stated", path)


def rows() -> list[Row]:
    """Everything that meshlab may need, and whether it is there."""
    return [
        _row("meshlab", "", __version__, str(_home())),
        _row("python", "", platform.python_version(), f"{platform.system()} {platform.machine()}"),
        _row("cores", "reviews at a time, unless --jobs says so", str(os.cpu_count() or 1)),
        *_python_parts(),
        *map(_program, PROGRAMS),
    ]


@main.command()
@form_option("list", "table", "json")
def doctor(form: str) -> int:
    """Say what is installed, what each part is for, and what to do about the rest.

    The exit status is 0 where the base is whole: extras, browser and kubectl are needed by some commands only.

    Example: meshlab doctor --format json
    """
    found = rows()
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for row in found:
            told = " ".join(str(row[key]) for key in ("version", "where") if row[key])
            what = f"{row['needed_for']}; {row['todo']}" if row["todo"] else told
            click.echo(f"{row['part']:<8} {row['state']:<7} {what}")
    return SOME_FAILED if any(row["part"] == "base" and row["state"] != "ok" for row in found) else 0
