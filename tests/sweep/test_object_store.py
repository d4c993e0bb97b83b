"""A sweep into an object store: a server on loopback that keeps what is put, and speaks as much of S3 as that takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import polars as pl
import pytest

from meshlab.run.sweep import run_sweep
from meshlab.run.sweep.parts import PART_ROWS

SPEC = f"""
sample: {{method: latin-hypercube, rows: {2 * PART_ROWS + 1}, seed: 1}}
inputs:
  pods: {{range: [50, 50000], scale: log}}
dataplanes: [istio-sidecar, cilium]
outputs: [cost_usd_per_month]
"""


class Store(BaseHTTPRequestHandler):
    """Objects by their path: put whole, told of, and given whole or in part."""

    protocol_version = "HTTP/1.1"
    kept: dict[str, bytes]

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of a request."""

    def do_PUT(self) -> None:
        """Keep an object."""
        self.kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"")

    def do_GET(self) -> None:
        """Give an object, or the bytes of it that are asked for."""
        whole = self.kept.get(self.path)
        if whole is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "bytes=0-"))
        assert asked is not None
        first, last = asked.groups()
        begin = int(first) if first else max(0, len(whole) - int(last))
        end = min(int(last), len(whole) - 1) if first and last else len(whole) - 1
        is_part = "Range" in self.headers
        self._answer(206 if is_part else 200, whole[begin : end + 1], f"bytes {begin}-{end}/{len(whole)}")

    def do_HEAD(self) -> None:
        """Tell of an object."""
        self.do_GET()

    def _answer(self, status: int, body: bytes, content_range: str | None = None) -> None:
        self.send_response(status)
        self.send_header("ETag", '"kept"')
        self.send_header("Last-Modified", "Tue, 24 Nov 2026 12:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", content_range or "")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """What the store keeps, by path; polars is told of it as of any store, by its environment."""
    Store.kept = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    for name, value in {
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    yield Store.kept
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_store_holds_what_a_folder_holds(kept: dict[str, bytes], tmp_path: Path) -> None:
    """Parts in an object store are those of a folder, row by row, and a resumed sweep puts only what is missing."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    folder = tmp_path / "here.parquet"
    run_sweep(spec, str(folder), jobs=1)

    assert run_sweep(spec, "s3://sweeps/there.parquet", jobs=1).failed == ()
    assert sorted(kept) == [f"/sweeps/there.parquet/part-0000{part}.parquet" for part in range(3)]
    for path, content in kept.items():
        here = pl.read_parquet(folder / path.rpartition("/")[2])
        assert pl.read_parquet(content).equals(here)

    before = kept.pop("/sweeps/there.parquet/part-00001.parquet")
    resumed = run_sweep(spec, "s3://sweeps/there.parquet", jobs=1, resume=True)
    assert (resumed.kept, resumed.failed) == (2, ())
    assert pl.read_parquet(kept["/sweeps/there.parquet/part-00001.parquet"]).equals(pl.read_parquet(before))
