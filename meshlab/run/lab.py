"""Opening the workbooks: in JupyterLab, or as pages without code."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from meshlab import __version__
from meshlab.documents import is_mapping
from meshlab.errors import MeshlabError, Problem, from_extra
from meshlab.files import digest, pretty_json, read_most, write_whole
from meshlab.run.batch.warm import PARENT
from meshlab.tables import resource

SAFE_PATH = "PYTHONSAFEPATH"
"""Environment variable that keeps modules of the folder in which a user happens to be out of a new interpreter."""


COPIES = "meshlab-workbooks"
"""The folder of working copies, in the folder where meshlab was started."""

MOST_BYTES = 1 << 28
"""How much is read of a working copy: one with large outputs may be as large."""

NOTE = ".copied.json"
"""What was copied there, as hashes of cells: what differs from it the user has changed."""


def workbooks_folder(*, reset: bool = False) -> Path:
    """Working copies of the workbooks in the user's folder: neither a clone nor an installed package is edited.

    One whose cells are as they were copied is copied anew, since meshlab may be another release by now. One that the
    user has changed stays, unless ``reset`` puts it aside.

    Raises:
        MeshlabError: The folder cannot be written.
    """
    folder = Path.cwd() / COPIES
    note = folder / NOTE
    try:
        folder.mkdir(exist_ok=True)
        before = _noted(note)
        sources = {source.name: source for source in _originals()}
        copied = {name: _cells_sha256(source) for name, source in sources.items()}
        for name, source in sources.items():
            own = folder / name
            cells = _cells_sha256(own) if own.exists() else None
            if cells == copied[name]:
                continue
            if cells not in (None, before.get(name)):
                if not reset:
                    continue
                free = (own.with_stem(f"{own.stem}-own-{number}") for number in count(1))
                own.rename(next(path for path in free if not path.exists()))
            write_whole(own, source.read_bytes())
        write_whole(note, pretty_json(copied))
    except OSError as error:
        todo = "start meshlab in a folder of your own"
        raise MeshlabError(Problem(str(folder), f"cannot be written: {error.strerror}", todo)) from error
    return folder


def _originals() -> list[Path]:
    return sorted(resource("workbooks").glob("*.ipynb"))


def _noted(note: Path) -> dict[str, str]:
    """What the note says; nothing where there is none of ours."""
    try:
        found = json.loads(read_most(note, MOST_BYTES))
    except (OSError, ValueError):
        return {}
    return {**found} if is_mapping(found) else {}


def _cells_sha256(path: Path) -> str:
    """Hash of a workbook's cells, outputs aside; of the whole file where it is no notebook."""
    content = read_most(path, MOST_BYTES)
    try:
        return digest([[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(content)["cells"]])
    except (ValueError, KeyError, TypeError):
        return hashlib.sha256(content).hexdigest()


FRONT_DOOR = "start.ipynb"
"""The workbook that everybody opens first."""

LAB_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
"""Settings of JupyterLab that a user's own overrule: nobody is asked for leave to fetch news before the answer."""

JUPYTER_PATHS = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")
"""Environment variables that say where Jupyter looks for extensions and for settings."""

OWN_MACHINE_ALONE = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "connect-src 'self' ws://127.0.0.1:* ws://localhost:* data: blob:"
)
"""What a page of the app may load: Voilà's template links style sheets of a content network, unused here."""

BEGIN = f"""
import os

from meshlab.run.batch.warm import die_with

die_with(int(os.environ.pop("{PARENT}")))
"""
"""What a server begins with: it is killed with the command that asked for it, and kernels end without their server."""

LAB = """
from jupyterlab.labapp import main

main()
"""
"""JupyterLab, as ``python -m jupyterlab`` runs it."""

APP = """
import webbrowser
from pathlib import Path

from voila.app import Voila

def launch_browser(app):
    page = Path("open.html")  # in a folder of this user alone: the arguments of a process are everybody's to read
    page.write_text(f'<meta http-equiv="refresh" content="0; url={app.display_url}">', encoding="utf-8")
    webbrowser.open(page.absolute().as_uri())

Voila.launch_browser = launch_browser
Voila.launch_instance()
"""
"""Voilà, but that the browser is opened with the token: by itself it would ask the user for it."""


def open_lab(port: int | None = None, arguments: Sequence[str] = (), *, reset: bool = False) -> int:
    """Run JupyterLab on loopback with its own token until the user stops it. [exit status]

    Args:
        port: Port on this machine; one that is taken is an error, not another port.
        arguments: What to hand to JupyterLab, such as ``--no-browser``.
        reset: Whether workbooks that the user has changed are put aside for fresh ones.

    Raises:
        MeshlabError: JupyterLab is not installed, or the folder of working copies cannot be written.
    """
    _check_installed("lab", "jupyterlab")
    folder = workbooks_folder(reset=reset)
    ours = [file.name for file in _originals() if _cells_sha256(folder / file.name) == _cells_sha256(file)]
    load = {"load": "static/lab.js", "extension": "./extension"}
    package = {"name": "meshlab", "version": __version__, "jupyterlab": {"_build": load}}
    script = f"const WORKBOOKS = {json.dumps(ours)};\n{Path(__file__).with_name('lab.js').read_text(encoding='utf-8')}"
    files = {
        "labextensions/meshlab/package.json": json.dumps(package),
        "labextensions/meshlab/static/lab.js": script,
        "labconfig/default_setting_overrides.json": json.dumps(LAB_SETTINGS),
    }
    words = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{FRONT_DOOR}",
        # no looks for releases: nothing of a user's machine is told to anybody
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *(() if port is None else (f"--ServerApp.port={port}", "--ServerApp.port_retries=0")),
    ]
    # in a container the only user is root, whom Jupyter refuses unless told
    root = ["--allow-root"] if getattr(os, "geteuid", int)() == 0 else []
    return _serve(LAB, [*words, *arguments, *root], files)


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
            "auto_token": True,
            "tornado_settings": {"headers": {"Content-Security-Policy": OWN_MACHINE_ALONE}},
            **({} if port is None else {"port": port, "port_retries": 0}),
        },
        "VoilaConfiguration": {"preheat_kernel": True},
        # what stands below the controls is of the parameters, which nobody sets here
        "TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": ["static"]},
    }
    words = [str(resource("workbooks") / FRONT_DOOR), *arguments]
    return _serve(APP, words, {"voila.json": json.dumps(settings)})


def _check_installed(command: str, module: str) -> None:
    """Before anything is written: the server of a command comes with the extra of the same name."""
    with from_extra(command, f"meshlab {command}"):
        if importlib.util.find_spec(module) is None:
            raise ModuleNotFoundError(name=module)


def _serve(program: str, words: Sequence[str], files: Mapping[str, str]) -> int:
    """Run a server in a folder of our files alone: elsewhere it would import the user's modules, take their settings.

    Jupyter looks for settings and for extensions of JupyterLab there, before all other places.
    """
    with tempfile.TemporaryDirectory(prefix="meshlab-") as own:
        for name, text in files.items():
            Path(own, name).parent.mkdir(parents=True, exist_ok=True)
            Path(own, name).write_text(text, encoding="utf-8")
        paths = {name: os.pathsep.join(filter(None, (own, os.environ.get(name)))) for name in JUPYTER_PATHS}
        # polars has the system begin a wait again after Ctrl-C, unseen by Python, whose own handler does not
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
        try:
            return subprocess.run(  # noqa: S603  (our words, a port, and what the user hands on)
                [sys.executable, "-c", BEGIN + program, *words],
                check=False,
                cwd=own,
                env={
                    "MESHLAB_FOLDER": str(Path.cwd()),
                    **os.environ,
                    **paths,
                    SAFE_PATH: "1",
                    PARENT: str(os.getpid()),
                },
            ).returncode
        except KeyboardInterrupt:
            return 0
