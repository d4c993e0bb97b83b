"""Code of the folder in which somebody happens to be never runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TRAP = "import pathlib\npathlib.Path({marker!r}).write_text('ran')\nraise SystemExit('a trap ran')\n"
"""A module that leaves a mark and ends whatever imports it."""

MODULES = (
    "choreographer click conftest dask distributed IPython ipykernel ipykernel_launcher ipython_config jinja2 "
    "json jupyter_client jupyter_config jupyter_lab_config jupyter_server_config jupyterlab meshlab msgspec nbclient "
    "nbconvert nbformat numpy papermill plotly polars psutil pyarrow random scipy site sitecustomize sqlglot startup "
    "tempfile traitlets usercustomize yaml zmq"
).split()
"""Modules that a command or one of its processes imports, and files of settings that are Python."""

OTHERS = {
    "trap.pth": "import pathlib; pathlib.Path({marker!r}).write_text('ran')\n",
    "pyproject.toml": "[build-system]\nbuild-backend = 'trap'\nbackend-path = ['.']\n",
    "setup.cfg": "[options]\n",
    "jupyter_config.json": '{{"ServerApp": {{"jpserver_extensions": {{"trap": true}}}}}}',
    "papermill.yaml": "trap: 1\n",
    "polars.toml": "\n",
}
"""Other files that some tool reads from the folder in which it starts."""

PROGRAMS = ("kubectl", "chromium", "google-chrome", "python", "python3", "git", "jupyter")
"""Programs that a command starts."""

COMMANDS = {
    "help": ["--help"],
    "facts": ["facts", "dump.json"],
    "audit": ["audit", "dump.json"],
    "decide": ["decide", "scenarios.csv"],
    "estimate": ["estimate", "scenarios.csv"],
    "migrate": ["migrate", "dump.json"],
    "iac": ["iac"],
    "review": ["review", "teams", "--out", "out", "--format", "html,ipynb,json,md"],
    "chart": ["chart", "memory", "--team", "teams/a.yaml", "--out", "memory.csv"],
    "picture": ["chart", "memory", "--team", "teams/a.yaml", "--out", "memory.svg"],
    "embed": ["embed", "doc.md"],
    "sweep": ["sweep", "spec.yaml", "--out", "sweep.parquet"],
    "live": ["facts", "--context", "nowhere"],
}
"""Each command with arguments that let it do its work."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder full of traps, with inputs among them."""
    marker = str(tmp_path / "marker")
    traps = tmp_path / "traps"
    (traps / "teams").mkdir(parents=True)
    for name in MODULES:
        (traps / f"{name}.py").write_text(TRAP.format(marker=marker), encoding="utf-8")
    for name, text in OTHERS.items():
        (traps / name).write_text(text.format(marker=marker), encoding="utf-8")
    for name in PROGRAMS:
        (traps / name).write_text(f"#!/bin/sh\necho ran > {marker}\n", encoding="utf-8")
        (traps / name).chmod(0o755)
    team = "team: a\nscenario: {nodes: 5, pods: 100, requests_per_second: 100, services: 10}\n"
    (traps / "teams" / "a.yaml").write_text(team, encoding="utf-8")
    node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n"}, "status": {"nodeInfo": {}}}
    (traps / "dump.json").write_text(json.dumps(node), encoding="utf-8")
    (traps / "scenarios.csv").write_text("scenario,pods\none,100\n", encoding="utf-8")
    (traps / "spec.yaml").write_text("sample: {method: grid}\ninputs:\n  pods: [100, 200]\n", encoding="utf-8")
    (traps / "doc.md").write_text(
        "\n<!-- meshlab verdict team=./teams/a.yaml -->\n<!-- /meshlab -->\n", encoding="utf-8"
    )
    return traps


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_runs_what_lies_in_the_folder(name: str, folder: Path) -> None:
    """As installed, each command does its work and imports, starts and obeys nothing of the folder."""
    command = Path(sys.executable).with_name("meshlab")
    if not command.exists():
        pytest.skip("the command is not installed beside this Python")
    if name == "live" and shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [command, *COMMANDS[name]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not (folder.parent / "marker").exists(), done.stderr
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
    if name not in ("live", "picture"):
        assert done.returncode == 0, done.stderr


WATCH = """
import sys
def watch(event, told, marker={marker!r}):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        address = told[0] if event == "socket.getaddrinfo" else told[1]
        if event == "socket.getaddrinfo" or isinstance(address, tuple):
            open(marker, "a").write(f"{{event}} {{address}}\\n")
sys.addaudithook(watch)
"""
"""What each Python of a command imports first: a note of whom it asks."""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("live", "picture")])
def test_no_command_asks_anybody(name: str, folder: Path) -> None:
    """A command that is given files alone opens no connection, nor do its processes, and looks no name up."""
    watch, marker = folder.parent / "watch", folder.parent / "asked"
    watch.mkdir()
    (watch / "sitecustomize.py").write_text(WATCH.format(marker=str(marker)), encoding="utf-8")
    words = [sys.executable, "-P", "-m", "meshlab", *COMMANDS[name]]
    environment = {**os.environ, "PYTHONPATH": str(watch)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text(encoding="utf-8")
    program = "import socket; socket.getaddrinfo('127.0.0.1', 1)"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert marker.exists()


def test_the_traps_are_set(folder: Path) -> None:
    """A Python that is started as anybody would start it runs them: the test above can fail."""
    subprocess.run([sys.executable, "-c", "import polars"], cwd=folder, capture_output=True, check=False)
    assert (folder.parent / "marker").exists()


OURS = {
    "voila.json",
    "labconfig/default_setting_overrides.json",
    "labextensions/meshlab/package.json",
    "labextensions/meshlab/static/lab.js",
}
"""What a server finds where it is started."""


@pytest.mark.parametrize(("name", "module"), [("open_lab", "jupyterlab"), ("open_app", "voila")])
def test_servers_start_elsewhere(name: str, module: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both start in a folder without anything of the user's, on loopback, and keep the current one off all paths."""
    from meshlab.run import lab

    started: dict[str, object] = {}

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        here = Path(str(options["cwd"]))
        settings = {path.relative_to(here).as_posix(): path.read_text() for path in here.rglob("*") if path.is_file()}
        started.update(options, command=command, settings=settings)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.chdir(folder)
    monkeypatch.setattr(lab.subprocess, "run", run)
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda _: object())
    assert getattr(lab, name)(8999, ["--no-browser"]) == 0
    assert started["env"]["PYTHONSAFEPATH"] == "1"  # type: ignore[index]
    begun = {"jupyterlab": lab.LAB, "voila": lab.APP}
    assert started["command"][1:3] == ["-c", lab.BEGIN + begun[module]]  # type: ignore[index]
    assert "--no-browser" in started["command"]  # type: ignore[operator]
    assert "127.0.0.1" in f"{started['command']}{started['settings']}"
    assert set(started["settings"]) <= OURS  # type: ignore[call-overload]
