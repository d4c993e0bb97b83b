"""Results that are kept: asked for once, and handed to a process that may not ask."""

from __future__ import annotations

import subprocess
import sys

import pytest

from meshlab import kept
from meshlab.tables import read_table

HANDED_ON = """
import os, sys
from pathlib import Path
from meshlab.models import decision, overhead
from meshlab import kept
from meshlab.scenario import inputs

kept.keep(sys.stdin.buffer.read())
tables = decision.load_tables()
threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
print(len(tables.options), len(inputs()), sum(name.startswith("polars-") and "ooc" not in name for name in threads))
"""


def test_a_result_is_asked_for_once_for_each_argument() -> None:
    """The second call with the same arguments gives the same object without calling the function."""
    calls: list[int] = []

    @kept.kept
    def doubled(number: int) -> list[int]:
        calls.append(number)
        return [2 * number]

    assert doubled(1) is doubled(1)
    assert doubled(2) == [4]
    assert calls == [1, 2]


def test_only_the_latest_results_are_kept() -> None:
    """Where two may stay, the third sends the first away."""
    calls: list[int] = []

    @kept.kept_latest(2)
    def noted(number: int) -> int:
        calls.append(number)
        return number

    for number in (1, 2, 1, 3, 2, 1):
        assert noted(number) == number
    assert calls == [1, 2, 3, 1]


def test_an_error_is_not_kept() -> None:
    """A call that fails is made again."""
    outcomes = iter((ValueError("not yet"), None))

    @kept.kept
    def flaky() -> str:
        if error := next(outcomes):
            raise error
        return "done"

    with pytest.raises(ValueError, match="not yet"):
        flaky()
    assert flaky() == "done"


@pytest.mark.skipif(sys.platform != "linux", reason="threads are listed by /proc")
def test_another_process_gets_what_was_kept_and_runs_no_query() -> None:
    """A new process has the tables and the inputs without a thread of polars, so that it may fork afterwards."""
    from meshlab.models import decision
    from meshlab.scenario import inputs

    tables = decision.load_tables()
    told = subprocess.run([sys.executable, "-c", HANDED_ON], input=kept.all_kept(), capture_output=True, check=True)
    assert told.stdout.split() == [b"%d" % count for count in (len(tables.options), len(inputs()), 0)]


def test_what_was_handed_on_is_what_was_kept() -> None:
    """A table survives the way there and back with its values and types."""
    before = read_table("sources")
    kept.keep(kept.all_kept())
    assert read_table("sources") is not before
    assert read_table("sources").equals(before)
    assert read_table("sources").schema == before.schema
