"""Time per report of `meshlab review` against a loop of `papermill` and `jupyter nbconvert` on the same workbook.

Both sides start from nothing, read the same team files and make a notebook and a page of each. The loop's time is
measured on a few teams, as each of its rounds starts from nothing anyway. `make bench-render` runs it; it fails where a
goal is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from meshlab.tables import resource

BIN = Path(sys.executable).parent
JOBS = 2
GOAL_RATIO, GOAL_SHARE, GOAL_BYTES = 45, 0.6, 400_000


def team_files(folder: Path, count: int) -> list[Path]:
    """Team files that differ in size, traffic and needs."""
    folder.mkdir()
    needs = ("[]", "[mtls]", "[mtls, traffic_split]", "[l7_observability]")
    paths = [folder / f"team-{number:04}.yaml" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_text(
            f"team: {path.stem}\n"
            f"scenario: {{pods: {20 + 7 * number}, requests_per_second: {50 + 13 * number}}}\n"
            f"needs: {needs[number % len(needs)]}\n",
            encoding="utf-8",
        )
    return paths


def timed_s(*commands: Sequence[object], **environment: str) -> float:
    """Wall time of commands one after the other. [s]"""
    started_s = time.perf_counter()
    for command in commands:
        subprocess.run(
            [str(word) for word in command], check=True, capture_output=True, env={**os.environ, **environment}
        )
    return time.perf_counter() - started_s


def loop_s(paths: Sequence[Path], out: Path) -> float:
    """Time of the loop for these teams. [s]"""
    out.mkdir()
    workbook = resource("workbooks") / "review.ipynb"
    return sum(
        timed_s(
            [BIN / "papermill", workbook, out / f"{path.stem}.ipynb", "-p", "source", path, "-k", "python3"],
            [BIN / "jupyter", "nbconvert", "--to", "html", out / f"{path.stem}.ipynb"],
        )
        for path in paths
    )


def main() -> None:
    """Measure both sides and print the ratio and the share of the cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=100)
    parser.add_argument("--loop", type=int, default=5, help="teams on which the loop is measured")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        paths = team_files(folder / "teams", asked.teams)
        times = folder / "times"
        command = (BIN / "meshlab", "review", folder / "teams", "--out", folder / "out", "--jobs", JOBS)
        ours_s = timed_s((*command, "--format", "html,ipynb"), MESHLAB_CELL_TIMES=str(times))
        pages = [path.stat().st_size for path in (folder / "out").glob("*/review.html")]
        assert len(pages) == asked.teams
        cells_s = sum(map(float, times.read_text(encoding="utf-8").split()))
        few = paths[: asked.loop]
        theirs_s = loop_s(few, folder / "loop")
    met = report(ours_s / asked.teams, theirs_s / len(few), cells_s / (ours_s * JOBS), asked.teams, len(few))
    print(f"largest page:                       {max(pages) / 1000:8.0f} KB (goal: at most {GOAL_BYTES / 1000:.0f} KB)")
    sys.exit(not (met and max(pages) <= GOAL_BYTES))


def report(ours_s: float, theirs_s: float, share: float, teams: int, few: int) -> bool:
    """Print what was measured beside the goals, and say whether they are met."""
    load = os.getloadavg()[0]
    print(f"meshlab review, {teams} teams, {JOBS} jobs:  {ours_s:8.3f} s per report, start-up included")
    print(f"papermill + nbconvert, {few} teams:     {theirs_s:8.3f} s per report, one after the other")
    print(f"ratio:                              {theirs_s / ours_s:8.1f}   (goal: at least {GOAL_RATIO})")
    print(f"share of the workbook's own cells:  {share:8.0%}   of all workers' time (goal: at least {GOAL_SHARE:.0%})")
    print(f"{os.cpu_count()} cores; load at the end {load:.1f}")
    return theirs_s / ours_s >= GOAL_RATIO and share >= GOAL_SHARE


if __name__ == "__main__":
    main()
