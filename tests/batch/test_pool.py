"""Many tasks at a time: results and errors come back, a worker that dies costs nothing but its try."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from meshlab.errors import MeshlabError, Problem
from meshlab.run.batch.pool import open_pool


def double(number: int) -> int:
    """Twice a number; three is refused."""
    if number == 3:
        raise MeshlabError(Problem("three", "is odd"))
    return 2 * number


def die_once(marker: str, number: int) -> int:
    """The number; the first worker that gets five dies and leaves the marker."""
    path = Path(marker)
    if number == 5 and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_always(number: int) -> int:
    """The number; each worker that gets one dies."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def much_from_the_dying(number: int) -> bytes:
    """A million bytes, from a process that dies while a pipe takes the second half of them."""

    def send(self: Connection, content: memoryview) -> None:
        if len(content) > 4096:
            os.write(self.fileno(), content[:4096])
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(self.fileno(), content)

    Connection._send = send
    return bytes([number]) * 10**6


def test_results_and_errors_come_back_with_their_items() -> None:
    """Each item comes back once, with its result or its own error whole."""
    with open_pool(2) as pool:
        found = dict(pool.run(double, ((n, (n,)) for n in range(9))))
    assert {n: r for n, r in found.items() if n != 3} == {n: 2 * n for n in range(9) if n != 3}
    assert isinstance(found[3], MeshlabError)
    assert str(found[3].problems[0]) == "three: is odd"


def test_a_worker_that_dies_is_replaced_and_its_task_done_again(tmp_path: Path) -> None:
    """A worker killed in the middle loses no result."""
    items = ((n, (str(tmp_path / "marker"), n)) for n in range(12))
    with open_pool(2) as pool:
        assert sorted(pool.run(die_once, items)) == [(n, n) for n in range(12)]


def test_a_worker_that_dies_while_it_hands_its_result_over_keeps_nobody_waiting() -> None:
    """What is large goes by a file: a message that its writer's death cuts off would be waited for without an end."""
    signal.alarm(60)
    try:
        with open_pool(2) as pool:
            found = dict(pool.run(much_from_the_dying, ((n, (n,)) for n in range(4))))
    finally:
        signal.alarm(0)
    assert found == {n: bytes([n]) * 10**6 for n in range(4)}


def test_a_task_that_always_kills_its_worker_is_an_error_in_the_end() -> None:
    """A task is not begun for ever; after it the rest is still done or told as lost."""
    with open_pool(1) as pool:
        found = dict(pool.run(die_always, ((n, (n,)) for n in range(3))))
    assert isinstance(found[1], BaseException)
    assert set(found) == {0, 1, 2}


SCRIPT = """
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from meshlab.run.batch.batch import Job, render_reviews

print("the script runs", flush=True)
sys.exit(render_reviews([Path(sys.argv[1])], Job(Path(sys.argv[2]), ("json",)), jobs=1)[0].failed)
"""


def test_a_script_that_renders_runs_once(tmp_path: Path) -> None:
    """Workers import no main module: a user's script needs no guard around what it does."""
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "a.yaml").write_text("team: a\nscenario: {pods: 4}\nneeds: [mtls]\n", encoding="utf-8")
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "a.yaml"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "the script runs\n"), done.stderr
    assert (tmp_path / "out" / "a" / "review.json").is_file()
