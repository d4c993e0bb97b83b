"""One scenario in the panel, on the command line and in the report: the same numbers and the same verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from meshlab.models.overhead import dataplanes, interval_figures
from meshlab.reviews.review import read_review
from meshlab.reviews.team import Team, team_text
from meshlab.scenario import frame_of
from meshlab.show import report, widgets

VALUES: dict[str, Any] = {
    "nodes": 14,
    "services": 130,
    "pods": 510,
    "requests_per_second": 9600.0,
    "l7_traffic_share": 0.3,
    "call_depth": 4,
    "needs": ["mtls", "l7_observability"],
    "current_cni": "calico",
    "current_mesh": "none",
    "kernel_oldest": "5.15.0",
}

SHOWN = {"memory": "memory_gib", "cpu": "cpu_cores", "cost": "cost_usd_per_month"}
"""Figure of each chart whose line and whiskers the panel draws, one to a data plane."""


def meshlab(*arguments: object) -> None:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "meshlab", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def answered(path: Path, command: str) -> Any:
    """What a command prints about scenarios."""
    done = [sys.executable, "-m", "meshlab", command, str(path), "--format", "json"]
    return json.loads(subprocess.run(done, capture_output=True, check=True).stdout)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same values as a row of scenarios, and as a team file whose review is rendered."""
    folder = tmp_path_factory.mktemp("three")
    frame_of([{"scenario": "same", **VALUES}]).write_parquet(folder / "same.parquet")
    (folder / "same.yaml").write_text(team_text(Team("same", "", VALUES)), encoding="utf-8")
    meshlab("review", folder / "same.yaml", "--out", folder / "out", "--format", "json")
    return {
        "review": read_review(folder / "out" / "same" / "review.json"),
        "estimates": {row["dataplane"]: row for row in answered(folder / "same.parquet", "estimate")},
        "verdict": answered(folder / "same.parquet", "decide")[0],
    }


def test_panel_command_and_report_give_the_same_numbers(rendered: dict[str, Any]) -> None:
    """Every figure with its interval is the same in the report and on the command line, and as the panel draws it."""
    reported = {row["dataplane"]: row for row in rendered["review"].estimates}
    assert reported.keys() == rendered["estimates"].keys() == set(dataplanes())
    for dataplane, row in reported.items():
        for name in (f"{figure}{end}" for figure in interval_figures() for end in ("_lo", "", "_hi")):
            assert rendered["estimates"][dataplane][name] == pytest.approx(row[name], rel=1e-12), (dataplane, name)
    drawn = widgets.explorer(widgets.panel(VALUES)).figures.figures
    for chart, figure in SHOWN.items():
        whiskers = drawn[chart]["data"][-1]
        for index, dataplane in enumerate(dataplanes()):
            median, error = whiskers["x"][index], whiskers["error_x"]
            ends = [median - error["arrayminus"][index], median, median + error["array"][index]]
            expected = [reported[dataplane][f"{figure}{end}"] for end in ("_lo", "", "_hi")]
            assert ends == pytest.approx(expected, rel=1e-9), (chart, dataplane)


def test_panel_command_and_report_give_the_same_verdict(rendered: dict[str, Any]) -> None:
    """CNI, mesh, matched rows and flips agree, and the panel's heading and buttons say the same."""
    review, verdict = rendered["review"], rendered["verdict"]
    for name in ("cni", "mesh", "sentence", "matched", "unknown", "blockers", "flips"):
        assert getattr(review.verdict, name) == verdict[name], name
    view = widgets.AnswerView(widgets.panel(VALUES))
    assert f">{report.title_text(review)}<" in view.headline.title.value
    figures = msgspec.structs.replace(review, tuning=None)  # a panel follows the hand, and leaves advice to the report
    assert report.headline(figures).html == view.headline.answer.value
    assert len(view.reasons.flips.children) - 1 == len(verdict["flips"])
