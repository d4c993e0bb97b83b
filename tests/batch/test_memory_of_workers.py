"""Memory of a worker and of its warm process stays flat over many reports."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from meshlab.files import pretty_json
from meshlab.reviews.cases import open_path
from meshlab.reviews.review import outline
from meshlab.run.batch.engine import warm_process
from meshlab.run.batch.pages import Wish, render_files

REPORTS, SETTLED = 1000, 50
GROWTH = 1.3
LARGEST_BYTES = 400_000

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc"),
]


def resident_kib(process: int | str) -> int:
    """Resident memory of a process. [KiB]"""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def test_memory_is_flat_from_the_fiftieth_report_to_the_thousandth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a worker nor its warm process is more than 1.3 times as large after 1,000 reports as after 50.

    Each team is another one, and no report is larger than 400 KB.
    """
    measured: dict[int, tuple[int, int]] = {}
    largest = 0
    for number in range(1, REPORTS + 1):
        team = tmp_path / f"t{number}.yaml"
        team.write_text(f"team: t{number}\nscenario: {{pods: {20 + 7 * number}}}\nneeds: [mtls]\n", encoding="utf-8")
        text = pretty_json(outline(open_path(team)))
        rendered = render_files(team.stem, text, Wish(("html", "ipynb", "json")))
        assert not rendered.problems
        largest = max(largest, len(rendered.files["review.html"]))
        measured[number] = (resident_kib("self"), resident_kib(warm_process().process.pid))
    for before, after in zip(measured[SETTLED], measured[REPORTS], strict=True):
        assert after <= GROWTH * before, f"from {before} to {after} KiB"
    assert largest <= LARGEST_BYTES
    with capsys.disabled():  # the figures are what a soak is run for
        print(f"\n{measured[SETTLED]} KiB after {SETTLED}, {measured[REPORTS]} KiB after {REPORTS}; {largest} bytes")  # noqa: T201
