"""A machine of somebody who has no checkout: the wheel, installed by name from files into an empty environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import facts_installs
import pytest
from facts_dumps import listed
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
WHEELHOUSE = Path(sys.prefix) / "wheelhouse"
"""Wheels of every dependency, filled by `make test`; tests reach no index."""

KUBECTL = """#!{python}
import sys
assert sys.argv[1] == "get" and sys.argv[-2:] == ["-o", "json"], sys.argv
sys.stdout.write(open({dump!r}).read())
"""


@dataclass(frozen=True)
class Stranger:
    """An environment with nothing but the wheel and what it asks for.

    Args:
        folder: The environment.
        wheel: What was installed.
    """

    folder: Path
    wheel: Path

    @property
    def commands(self) -> Path:
        """Folder of its commands."""
        return Path(sysconfig.get_path("scripts", vars={"base": str(self.folder)}))

    @property
    def packages(self) -> Path:
        """Folder of its packages."""
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.folder)}))

    def install(self, *extras: str) -> None:
        """Install meshlab by its name with these extras, from files alone."""
        name = f"meshlab[{','.join(extras)}]" if extras else "meshlab"
        uv(
            *("pip", "install", "--no-index", "-f", WHEELHOUSE, "-f", self.wheel.parent),
            *("--python", self.commands / "python", "--cache-dir", self.folder.parent / "cache", name),
        )

    def size_mb(self) -> float:
        """What all its packages take, without bytecode. [MB]"""
        files = (path for path in self.packages.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return sum(path.stat().st_size for path in files) / 1e6

    def run(self, script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """A script of bash in a folder, with the commands of the environment first, and none of the tests' own."""
        kept = {name: os.environ[name] for name in ("BROWSER_PATH", "LANG", "TMPDIR") if name in os.environ}
        path = f"{folder / 'bin'}:{self.commands}:/usr/bin:/bin"
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=kept | {"PATH": path, "HOME": str(self.folder)} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


def uv(*words: object) -> None:
    """Run uv, which must succeed."""
    command = [str(Path(sysconfig.get_path("scripts")) / "uv"), *map(str, words)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr


def installed(wheel: Path, folder: Path, *extras: str) -> Stranger:
    """An empty environment into which the wheel was installed by name, with these extras."""
    if not WHEELHOUSE.is_dir():
        told = "there are no wheels to install from; `make test` downloads them"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    uv("venv", "--python", sys.executable, folder)
    stranger = Stranger(folder, wheel)
    stranger.install(*extras)
    return stranger


def desk(folder: Path) -> Path:
    """A folder to work in, with a kubectl that knows `get` alone and gives the dump of one whole cluster."""
    dump = folder / "cluster.json"
    dump.write_text(json.dumps(listed(*facts_installs.cluster("eks", "aws-vpc", controllers=True).objects)), "utf-8")
    kubectl = folder / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL.format(python=sys.executable, dump=str(dump)), encoding="utf-8")
    kubectl.chmod(0o755)
    return folder


def blocks(page: Path, *languages: str) -> Iterator[tuple[str, str]]:
    """Each code block of a page in one of these languages: the language, and the code."""
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type == "fence" and token.info.strip() in languages:
            yield token.info.strip(), token.content


def named_file(code: str) -> str | None:
    """The file that the first line of a block names in a comment, if it does."""
    found = re.match(r"# (\S+\.(?:ya?ml|csv))\n", code)
    return found[1] if found else None
