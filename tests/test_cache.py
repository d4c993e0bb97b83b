"""Results that are kept: asked for once, and handed to a process that may not ask."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshlab import cache
from meshlab.tables import read_table

HANDED_ON = """
import os, sys
from pathlib import Path
from meshlab.models import decision, overhead
from meshlab import cache
from meshlab.scenario import inputs

cache.keep(sys.stdin.buffer.read())
tables = decision.load_tables()
threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
print(len(tables.options), len(inputs()), sum(name.startswith("polars-") and "ooc" not in name for name in threads))
"""


def test_a_result_is_asked_for_once_for_each_argument() -> None:
    """The second call with the same arguments gives the same object without calling the function."""
    calls: list[int] = []

    @cache.cached
    def doubled(number: int) -> list[int]:
        calls.append(number)
        return [2 * number]

    assert doubled(1) is doubled(1)
    assert doubled(2) == [4]
    assert calls == [1, 2]


def test_only_the_latest_results_are_kept() -> None:
    """Where two may stay, the third sends the first away."""
    calls: list[int] = []

    @cache.cached_latest(2)
    def noted(number: int) -> int:
        calls.append(number)
        return number

    for number in (1, 2, 1, 3, 2, 1):
        assert noted(number) == number
    assert calls == [1, 2, 3, 1]


def test_an_error_is_not_kept() -> None:
    """A call that fails is made again."""
    outcomes = iter((ValueError("not yet"), None))

    @cache.cached
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
    told = subprocess.run([sys.executable, "-c", HANDED_ON], input=cache.all_cached(), capture_output=True, check=True)
    assert told.stdout.split() == [b"%d" % count for count in (len(tables.options), len(inputs()), 0)]


def test_what_was_handed_on_is_what_was_kept() -> None:
    """A table survives the way there and back with its values and types."""
    before = read_table("sources")
    cache.keep(cache.all_cached())
    assert read_table("sources") is not before
    assert read_table("sources").equals(before)
    assert read_table("sources").schema == before.schema


STORES = """
from meshlab import cache
from meshlab.models import decision
from meshlab.tables import read_table

calls = []

@cache.cached
def slow(argument):
    calls.append(argument)
    return [argument]

print(slow("ours"), slow("own"), len(decision.load_tables().options), len(calls))
cache.store(is_own="own".__eq__)
"""


def stored(folder: Path, **environment: str) -> str:
    """What a process says that keeps results and stores them."""
    given = {**os.environ, cache.FOLDER: str(folder), **environment}
    return subprocess.run(
        [sys.executable, "-c", STORES], env=given, capture_output=True, check=True, text=True
    ).stdout.strip()


def test_a_later_run_takes_over_what_follows_from_the_data(tmp_path: Path) -> None:
    """The second process calls a function only for what is of one run alone, and gives the same results."""
    first, second = stored(tmp_path / "stored"), stored(tmp_path / "stored")
    assert first.endswith(" 2")
    assert second == first.removesuffix(" 2") + " 1"
    assert len(list((tmp_path / "stored").iterdir())) == 1


def test_only_the_part_that_is_asked_for_is_read(tmp_path: Path) -> None:
    """Who asks for a table imports no decision; who hands everything on takes all that is stored."""
    folder = tmp_path / "stored"
    stored(folder)
    ask = (
        "import sys; from meshlab import cache; from meshlab.tables import read_table; read_table('sources')\n"
        "print('meshlab.models.decision' in sys.modules); cache.all_cached()\n"
        "print('meshlab.models.decision' in sys.modules)"
    )
    given = {**os.environ, cache.FOLDER: str(folder)}
    told = subprocess.run([sys.executable, "-c", ask], env=given, capture_output=True, check=True, text=True)
    assert told.stdout.split() == ["False", "True"]


def test_what_others_can_write_is_not_read(tmp_path: Path) -> None:
    """A file that others could have written, or that is damaged, is left aside; the results are made again."""
    folder = tmp_path / "stored"
    stored(folder)
    file = next(folder.iterdir())
    file.chmod(0o666)
    assert stored(folder).endswith(" 2")
    file.chmod(0o600)
    whole = file.read_bytes()
    for damaged in (b"damaged", b"", whole[:-1], whole[:-9] + b"x" + whole[-8:]):
        file.write_bytes(damaged)
        assert stored(folder).endswith(" 2")
    assert stored(folder).endswith(" 1")


def test_nothing_is_stored_where_the_folder_has_no_name_or_no_room(tmp_path: Path) -> None:
    """Without a folder, or where one cannot be made, nothing is written and the results are the same."""
    (tmp_path / "file").touch()
    assert stored(tmp_path / "file" / "below").endswith(" 2")
    assert stored(Path(), MESHLAB_CACHE_DIR="").endswith(" 2")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
