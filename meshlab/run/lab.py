"""Opening the workbooks: in JupyterLab, or as pages without code."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from meshlab.errors import from_extra
from meshlab.tables import resource

SAFE_PATH = "PYTHONSAFEPATH"
"""Environment variable that keeps modules of the folder in which a user happens to be out of a new interpreter."""


def workbooks_folder() -> Path:
    """The workbooks to open: those of a checkout, else a working copy beside the user's files.

    An installed package must not be edited in place, and an earlier copy holds the user's own changes.
    """
    source = resource("workbooks")
    if (source.parent / "pyproject.toml").exists():
        return source
    copy = Path.cwd() / "meshlab-workbooks"
    if not copy.exists():
        shutil.copytree(source, copy)
    return copy


FRONT_DOOR = "start.ipynb"
"""The workbook that everybody opens first."""

OWN_MACHINE_ALONE = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "connect-src 'self' ws://127.0.0.1:* ws://localhost:* data: blob:"
)
"""What a page of the app may load: Voilà's template links style sheets of a content network, unused here."""


def open_lab(port: int | None = None, arguments: Sequence[str] = ()) -> int:
    """Run JupyterLab on loopback with its own token until the user stops it. [exit status]

    Args:
        port: Port on this machine; one that is taken is an error, not another port.
        arguments: What to hand to JupyterLab, such as ``--no-browser``.

    Raises:
        MeshlabError: JupyterLab is not installed.
    """
    _check_installed("lab", "jupyterlab")
    words = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={workbooks_folder()}",
        f"--LabApp.default_url=/lab/tree/{FRONT_DOOR}",
        # neither news nor looks for releases: nothing of a user's machine is told to anybody
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *(() if port is None else (f"--ServerApp.port={port}", "--ServerApp.port_retries=0")),
    ]
    return _serve("jupyterlab", [*words, *arguments], {})


def open_app(port: int | None = None, arguments: Sequence[str] = ()) -> int:
    """Run the first workbook as a page without code, on loopback with a token, until the user stops it. [exit status]

    Voilà serves it, with a kernel that has run the workbook before somebody asks.

    Args:
        port: Port on this machine; one that is taken is an error, not another port.
        arguments: What to hand to Voilà, such as ``--no-browser``.

    Raises:
        MeshlabError: Voilà is not installed.
    """
    _check_installed("app", "voila")
    settings = {
        "Voila": {
            "ip": "127.0.0.1",
            "tornado_settings": {"headers": {"Content-Security-Policy": OWN_MACHINE_ALONE}},
            **({} if port is None else {"port": port, "port_retries": 0}),
        },
        "VoilaConfiguration": {"preheat_kernel": True},
        # what stands below the controls is of the parameters, which nobody sets here
        "TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": ["static"]},
    }
    return _serve("voila", [str(workbooks_folder() / FRONT_DOOR), *arguments], settings)


def _check_installed(command: str, module: str) -> None:
    """Before anything is written: the server of a command comes with the extra of the same name."""
    with from_extra(command, f"meshlab {command}"):
        if importlib.util.find_spec(module) is None:
            raise ModuleNotFoundError(name=module)


def _serve(module: str, words: Sequence[str], settings: Mapping[str, object]) -> int:
    """Run a server in an empty folder: elsewhere it would import the user's modules and take their settings."""
    # in a container the only user is root, whom Jupyter refuses unless told
    root = ["--allow-root"] if module == "jupyterlab" and getattr(os, "geteuid", int)() == 0 else []
    with tempfile.TemporaryDirectory(prefix="meshlab-") as empty:
        if settings:
            Path(empty, f"{module}.json").write_text(json.dumps(settings), encoding="utf-8")
        # a container that is stopped stops what runs in it: the server is ended with this process
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        try:
            return subprocess.run(  # noqa: S603  (our words, a port, and what the user hands on)
                [sys.executable, "-m", module, *words, *root],
                check=False,
                cwd=empty,
                env={"MESHLAB_FOLDER": str(Path.cwd()), **os.environ, SAFE_PATH: "1"},
            ).returncode
        except KeyboardInterrupt:
            return 0
