"""Memory of a worker and of its warm process stays flat over many reports."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from meshlab.cases import load_team, open_case
from meshlab.rendering.engine import warm_process
from meshlab.rendering.pages import Wish, render_files

REPORTS, SETTLED = 200, 50
GROWTH = 1.3

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc"),
]


def resident_kib(process: int | str) -> int:
    """Resident memory of a process. [KiB]"""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def test_memory_is_flat_from_the_fiftieth_report_to_the_two_hundredth(tmp_path: Path) -> None:
    """Neither the worker nor its warm process is more than 1.3 times as large after 200 reports as after 50."""
    team = tmp_path / "a.yaml"
    team.write_text("team: a\nscenario: {pods: 40}\n", encoding="utf-8")
    case = open_case(load_team(team))
    measured: dict[int, tuple[int, int]] = {}
    for number in range(1, REPORTS + 1):
        assert not render_files(case, Wish(("html", "ipynb", "json"))).problems
        measured[number] = (resident_kib("self"), resident_kib(warm_process().process.pid))
    for before, after in zip(measured[SETTLED], measured[REPORTS], strict=True):
        assert after <= GROWTH * before, f"from {before} to {after} KiB"
