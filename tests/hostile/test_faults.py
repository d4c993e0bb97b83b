"""Processes that are killed and disks that fill: the rest is done and told, nothing is lost or half-written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import psutil
import pytest

from meshlab import files
from meshlab.run.batch.batch import NOTE, Job, render_reviews
from meshlab.run.batch.pool import _uninterrupted
from meshlab.run.embed import fill
from meshlab.run.sweep import run_sweep

TEAMS = ("a", "b", "c")
TEAM = "team: {name}\nscenario: {{nodes: 5, pods: 100, requests_per_second: 100, services: 10}}\n"


@pytest.fixture
def teams(tmp_path: Path) -> list[Path]:
    """Team files."""
    (tmp_path / "teams").mkdir()
    for name in TEAMS:
        (tmp_path / "teams" / f"{name}.yaml").write_text(TEAM.format(name=name), encoding="utf-8")
    return [tmp_path / "teams" / f"{name}.yaml" for name in TEAMS]


def assert_whole(out: Path) -> None:
    """Nothing temporary is left, every note tells the files beside it, and JSON is whole."""
    assert not list(out.rglob(".meshlab-writing-*"))
    for note in out.rglob(NOTE):
        told = json.loads(note.read_text(encoding="utf-8"))["files"]
        assert {name: hashlib.sha256((note.parent / name).read_bytes()).hexdigest() for name in told} == told
    for file in out.rglob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))


# --- killed --------------------------------------------------------------------------------------------------------

STAGES_S = {"start": (0.0, 1.0), "workers": (1.0, 3.0), "notebooks": (2.0, 8.0)}
"""When a process is killed, counted from the first child of the command. [s]"""


@pytest.mark.skipif(os.name != "posix", reason="processes are killed as POSIX does it")
@pytest.mark.soak
@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("stage", STAGES_S)
def test_a_process_that_is_killed_costs_no_more_than_its_work(
    stage: str, seed: int, teams: list[Path], tmp_path: Path
) -> None:
    """Whichever process of the command dies: it ends in time, tells every team, and can be run again."""
    rng = random.Random(f"{stage} {seed}")  # noqa: S311  (chance that can be repeated)
    out = tmp_path / "out"
    words = [sys.executable, "-m", "meshlab", "review", *map(str, teams), "--out", str(out), "--jobs", "2"]
    command = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    me = psutil.Process(command.pid)
    while command.poll() is None and not me.children():
        time.sleep(0.02)
    time.sleep(rng.uniform(*STAGES_S[stage]))
    is_tracker = False
    if command.poll() is None and (children := me.children(recursive=True)):
        victim = rng.choice(children)
        # the standard library's process that removes semaphores is started anew by Python, which says so its own way
        is_tracker = "multiprocessing.resource_tracker" in " ".join(victim.cmdline())
        victim.kill()
    _, errors = command.communicate(timeout=300)
    assert "Traceback" not in errors or is_tracker
    assert command.returncode in (0, 1)
    if command.returncode:
        assert "meshlab: error: " in errors
    index = json.loads((out / "index.json").read_text(encoding="utf-8"))
    assert sorted(row["team"] for row in (*index["reviews"], *index["failed"])) == list(TEAMS)
    assert_whole(out)
    left = [each for each in psutil.process_iter() if _session(each) == command.pid]
    psutil.wait_procs(left, timeout=10)
    assert not [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    again = render_reviews(teams, Job(out), jobs=1)
    assert [outcome.failed for outcome in again] == [False] * 3


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:
        return None


@pytest.mark.soak
@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.skipif(os.name != "posix", reason="a signal of POSIX")
def test_an_interrupt_is_one_line(after_s: float, teams: list[Path], tmp_path: Path) -> None:
    """Ctrl-C, which reaches every process of the command, ends in one line and leaves nothing half-written."""
    words = [sys.executable, "-m", "meshlab", "review", *map(str, teams), "--out", str(tmp_path / "out"), "--jobs", "2"]
    command = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    me = psutil.Process(command.pid)
    while command.poll() is None and not me.children():
        time.sleep(0.02)
    time.sleep(after_s)
    os.killpg(command.pid, 2)
    _, errors = command.communicate(timeout=120)
    said = [line for line in errors.splitlines() if not re.match(r"meshlab: \d of \d done, rendered: ", line)]
    # where the signal met an exec(), Python ends by the signal itself, which a shell calls 130 as well
    assert (said, command.returncode) in ((["meshlab: error: interrupted"], 130), (said[:1], -2), ([], 0))
    assert said in (["meshlab: error: interrupted"], [])
    if (tmp_path / "out").exists():
        assert_whole(tmp_path / "out")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_stopped_puts_away(
    number: int, teams: list[Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A command that a container or a terminal ends leaves neither a process nor a temporary folder."""
    short = Path(mkdtemp())  # of a socket's path there are 108 characters
    request.addfinalizer(lambda: rmtree(short, ignore_errors=True))
    words = [sys.executable, "-m", "meshlab", "review", *map(str, teams), "--out", str(tmp_path / "out"), "--jobs", "2"]
    command = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(short)},
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509  (under nohup one is ignored)
    )
    end = time.monotonic() + 60
    while not list(short.glob("meshlab-*")) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.5)
    command.send_signal(number)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 128 + number
    assert f"meshlab: error: ended by {signal.Signals(number).name}" in errors.splitlines()
    assert "Traceback" not in errors
    left = [each for each in psutil.process_iter() if _session(each) == command.pid]
    _, alive = psutil.wait_procs(left, timeout=10)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    assert not list(short.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell a process that its parent is gone")
@pytest.mark.parametrize("name", ["app", pytest.param("lab", marks=pytest.mark.soak)])
def test_a_server_ends_with_its_command(name: str, tmp_path: Path) -> None:
    """Whoever kills ``lab`` or ``app`` leaves neither a server nor a kernel."""
    words = [sys.executable, "-m", "meshlab", name, "--port", "18947", "--", "--no-browser"]
    with (tmp_path / "log").open("wb") as log:
        command = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + 90
    while b"http://127.0.0.1:18947" not in (tmp_path / "log").read_bytes() and time.monotonic() < end:
        time.sleep(0.2)
    left = psutil.Process(command.pid).children(recursive=True)
    command.kill()
    command.wait(10)
    _, alive = psutil.wait_procs(left, timeout=30)
    for process in alive:
        process.kill()
    assert left
    assert not alive


def test_a_folder_whose_path_is_too_long_for_a_socket_is_named(teams: list[Path], tmp_path: Path) -> None:
    """Where temporary files stand too deep no process can be asked: one line says so, and nothing is written."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    words = [sys.executable, "-m", "meshlab", "review", str(teams[0]), "--out", str(tmp_path / "out")]
    command = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(deep)}, check=False, timeout=120
    )
    (line,) = command.stderr.splitlines()
    assert command.returncode == 2
    assert line.endswith("; set TMPDIR to a short path")
    assert not (tmp_path / "out").exists()


def test_a_worker_is_begun_before_an_interrupt() -> None:
    """Ctrl-C waits for what it would leave behind half-done, and comes right after it."""
    done = []

    def interrupted() -> None:
        with _uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append(1)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert done
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


# --- full ----------------------------------------------------------------------------------------------------------


class Disk:
    """A disk that takes so many files and no more; each that it refuses is cut off first, as a full disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.left, self.refused = room, 0
        real = files._replace

        def replace(path: Path, data: bytes) -> None:
            self.left -= 1
            if self.left >= 0:
                real(path, data)
                return
            self.refused += 1
            cut = path.parent / f"{files._PREFIX}cut"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                cut.write_bytes(data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            finally:
                cut.unlink(missing_ok=True)

        monkeypatch.setattr(files, "_replace", replace)


@pytest.mark.parametrize("room", range(9))
def test_a_disk_that_fills_loses_no_review(
    room: int, teams: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whichever write the disk is full: what is there is whole, what is not is told, and another run makes it."""
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        disk = Disk(patch, room)
        outcomes = render_reviews(teams, Job(out, ("json",)), jobs=1)
        assert disk.refused
        told = [reason for outcome in outcomes for reason in outcome.reasons]
        assert all("No space left on device" in reason for reason in told)
        assert told
    assert_whole(out)
    assert [outcome.failed for outcome in render_reviews(teams, Job(out, ("json",)), jobs=1)] == [False] * 3
    assert len(json.loads((out / "index.json").read_text(encoding="utf-8"))["reviews"]) == 3


def test_a_disk_that_fills_loses_no_part_of_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part is told, and --resume makes it."""
    spec, out = tmp_path / "spec.yaml", tmp_path / "s.parquet"
    spec.write_text("sample: {method: grid}\ninputs:\n  pods: [100, 200]\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        Disk(patch, 0)
        (told,) = run_sweep(spec, str(out), jobs=1).failed
        assert "No space left on device" in told
    assert list(tmp_path.iterdir()) == [spec]
    assert run_sweep(spec, str(out), jobs=1, resume=True).failed == ()


def test_a_disk_that_fills_leaves_a_document_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is not written, and the error tells why."""
    document = tmp_path / "d.md"
    document.write_text("\n<!-- meshlab verdict team=online-boutique -->\n<!-- /meshlab -->\n", encoding="utf-8")
    before = document.read_bytes()
    with monkeypatch.context() as patch:
        Disk(patch, 0)
        with pytest.raises(files.MeshlabError, match="No space left on device"):
            fill([document])
    assert document.read_bytes() == before
    assert list(tmp_path.iterdir()) == [document]
