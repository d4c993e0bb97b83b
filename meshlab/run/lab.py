"""Opening the workbooks in JupyterLab."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from meshlab.errors import MeshlabError, Problem
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


def open_lab(port: int | None = None) -> int:
    """Run JupyterLab on loopback with its own token until the user stops it. [exit status]

    Raises:
        MeshlabError: JupyterLab is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise MeshlabError(
            Problem("meshlab lab", "JupyterLab is not installed", "run: pip install 'meshlab[notebook]'")
        )
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={workbooks_folder()}",
    ]
    if port is not None:
        # a port that was asked for and is taken is an error, not another port
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    # an empty folder to start in: Python would import modules of the user's, and Jupyter run its configuration
    with tempfile.TemporaryDirectory(prefix="meshlab-") as empty:
        environment = {**os.environ, SAFE_PATH: "1"}
        try:
            return subprocess.run(command, check=False, cwd=empty, env=environment).returncode  # noqa: S603  (our words and a port)
        except KeyboardInterrupt:
            return 0
