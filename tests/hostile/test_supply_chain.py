"""What the package stands on: pins, their audit, the bill of materials, and a wheel of the same bytes."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "supply_chain.py"


def audit(database: str) -> subprocess.CompletedProcess[str]:
    """The audit against a database."""
    environment = {**os.environ, "MESHLAB_OSV": database}
    return subprocess.run(
        [sys.executable, SCRIPT, "audit"], env=environment, capture_output=True, text=True, check=False
    )


class _Database(http.server.BaseHTTPRequestHandler):
    """A database that knows one vulnerability, of polars."""

    known: ClassVar[list[str]] = ["polars"]

    def do_POST(self) -> None:
        """Answer each query."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        results = [{"vulns": [{"id": "PYSEC-1"}]} if query["package"]["name"] in self.known else {} for query in asked]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"results": results}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def database() -> Iterator[str]:
    """Address of such a database."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Database) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_known_vulnerability_fails_the_audit(database: str) -> None:
    """It is told with the package and its version, and the status says so."""
    done = audit(database)
    assert done.returncode == 1
    assert re.search(r"polars \d[\d.]*: PYSEC-1", done.stdout)
    assert "1 known of" in done.stdout


def test_an_audit_without_a_database_is_no_audit() -> None:
    """Where nobody answers, it says "not run" and fails; it never says that all is well."""
    done = audit("http://127.0.0.1:9/")
    assert done.returncode == 1
    assert "vulnerabilities: not run" in done.stdout
    assert "clean" not in done.stdout


def test_every_pin_has_a_hash() -> None:
    """No package is installed whose bytes are not the ones that were chosen."""
    for pins in (ROOT / "requirements").glob("*.txt"):
        blocks = re.split(r"(?m)^(?=[A-Za-z0-9._-]+==)", pins.read_text(encoding="utf-8"))[1:]
        assert blocks
        assert all("--hash=sha256:" in block for block in blocks), pins.name


def test_the_bill_of_materials_is_that_of_the_pins(tmp_path: Path) -> None:
    """`make pins` writes both; neither may be older than the other."""
    subprocess.run([sys.executable, SCRIPT, "materials", tmp_path / "bill.json"], check=True)
    assert (tmp_path / "bill.json").read_bytes() == (ROOT / "requirements" / "runtime.cdx.json").read_bytes()


def test_the_wheel_has_the_same_bytes_twice_and_carries_the_bill(tmp_path: Path) -> None:
    """Built twice, it is the same file; whoever installs it can see what it needs."""
    wheels = []
    for name in ("one", "two"):
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path / name]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        wheels += list((tmp_path / name).glob("*.whl"))
    assert len({hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}) == 1
    with zipfile.ZipFile(wheels[0]) as wheel:
        bills = [name for name in wheel.namelist() if re.search(r"\.dist-info/sboms/.*\.cdx\.json$", name)]
    assert len(bills) == 1


def test_every_line_of_the_model_of_threats_has_a_test_or_says_that_it_has_none() -> None:
    """The tests that SECURITY.md names are there."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\|(?! who writes it| ---).*$", text)
    assert len(rows) > 14
    for row in rows:
        held = row.rstrip("| ").rpartition("|")[2]
        assert re.search(r"`tests/[\w./]+`|no test", held), row
    for path in re.findall(r"`(tests/[\w./]+)`", text):
        assert (ROOT / path).exists(), path
