"""What befalls one of many is told, and the others are done; nothing that is read is without end."""

from __future__ import annotations

import contextlib
import gc
import http.server
import json
import math
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from meshlab.cluster.facts import live as kubectl_module
from meshlab.cluster.facts import prometheus, read_facts
from meshlab.cluster.facts.live import Kubectl
from meshlab.errors import MeshlabError, problems_of, unicode_text
from meshlab.files import FORMULA, read_bounded, read_most, spreadsheet_text
from meshlab.planning import iac
from meshlab.reviews.cases import find_teams
from meshlab.reviews.review import open_review
from meshlab.run.batch import batch
from meshlab.run.batch.batch import NOTE, Job, render_reviews, row_of_unchanged
from meshlab.run.batch.fleet import read_index
from meshlab.run.batch.pool import open_pool
from meshlab.run.cli import main
from meshlab.run.embed import check
from meshlab.run.embed.blocks import data_rows
from meshlab.show import labels
from meshlab.show.charts import Look
from meshlab.show.charts.migration import nodes_chart
from meshlab.tables import MAXIMUM_TABLE_BYTES, check_table

TEAM = "team: {name}\nscenario: {{nodes: 5, pods: 100, requests_per_second: 100, services: 10}}\n"


def teams(folder: Path, *names: str) -> list[Path]:
    """Team files of the least that a team may say."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.yaml").write_text(TEAM.format(name=name), encoding="utf-8")
    return [folder / f"{name}.yaml" for name in names]


# --- one of many ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyError("x"), UnicodeEncodeError("utf-8", "\udcff", 0, 1, "no"), RecursionError()])
@pytest.mark.parametrize("stage", ["_open", "put"])
def test_an_unexpected_error_is_one_teams(
    stage: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its type, reading or writing one team fails that team alone; the index tells its place, no words."""
    real = getattr(batch, stage)

    def fails(place: Path, *rest: object) -> object:
        if "bad" in place.name:
            raise error
        return real(place, *rest)

    monkeypatch.setattr(batch, stage, fails)
    outcomes = render_reviews(teams(tmp_path / "teams", "a", "bad", "c"), Job(tmp_path / "out", ("json",)), jobs=1)
    assert [(outcome.team, outcome.failed) for outcome in outcomes] == [("a", False), ("bad", True), ("c", False)]
    index = json.loads((tmp_path / "out" / "index.json").read_text(encoding="utf-8"))
    assert [row["team"] for row in index["failed"]] == ["bad"]
    assert f"unexpected {type(error).__name__}" in index["failed"][0]["reasons"][0]


def test_lost_workers_cost_only_what_they_had_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no workers are to be had any more, the reviews that came are there, and so is the index."""

    def breaks(_pool: object, task: object, items: Iterable[tuple[str, tuple[object, ...]]]) -> Iterator[object]:
        (name, arguments), *others = items
        if len(others) == 2:
            yield name, task(*arguments)  # type: ignore[operator]
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(batch.Pool, "run", breaks)
    outcomes = render_reviews(teams(tmp_path / "teams", "a", "b", "c"), Job(tmp_path / "out", ("json",)), jobs=1)
    assert [outcome.failed for outcome in outcomes] == [False, True, True]
    assert (tmp_path / "out" / "index.html").is_file()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_pipe_among_team_files_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    """Nobody waits for a pipe into which nobody writes."""
    teams(tmp_path / "teams", "a")
    os.mkfifo(tmp_path / "teams" / "pipe.yaml")
    found = find_teams([tmp_path / "teams"])
    assert [path.name for path in found] == ["a.yaml", "pipe.yaml"]
    with pytest.raises(MeshlabError, match="is neither a team file nor a dump"):
        open_review(tmp_path / "teams" / "pipe.yaml")


def test_an_unexpected_error_in_one_block_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document whose block breaks something is told by its line, and the other documents are looked at."""
    from meshlab.run.embed import filling

    def fails(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(filling, "content", fails)
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("\n<!-- meshlab verdict team=online-boutique -->\n<!-- /meshlab -->\n")
    with pytest.raises(MeshlabError) as told:
        check([tmp_path / "a.md", tmp_path / "b.md"])
    assert [(Path(each.file).name, each.line) for each in told.value.problems] == [("a.md", 2), ("b.md", 2)]


def test_an_error_of_ours_is_told_by_its_place_alone() -> None:
    """The words of an unexpected error may quote what the input holds; they are not told."""
    try:
        find_teams([None])  # type: ignore[list-item]
    except AttributeError as error:
        (problem,) = problems_of(error, "payments")
    assert str(problem).startswith("payments: unexpected AttributeError at reviews/cases.py:")
    assert "NoneType" not in str(problem)


def test_names_become_text() -> None:
    """Bytes of a name that are not UTF-8 are one replacement character each; the rest of it stays."""
    assert unicode_text(os.fsdecode(b"b\xff\xfe.json")) == "b\ufffd\ufffd.json"
    assert unicode_text("ü.json") == "ü.json"


def test_a_pipe_of_ours_that_breaks_is_no_success(tmp_path: Path) -> None:
    """Only where standard output has lost its reader does a command end quietly."""
    program = (
        "import sys\nfrom meshlab.run.cli import group, main\nfrom meshlab.cluster import facts\n"
        "def broken(*_, **__): raise BrokenPipeError(32, 'Broken pipe')\nfacts.read_facts = broken\nmain()"
    )
    words = [sys.executable, "-c", program, "facts", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unexpected BrokenPipeError" in done.stderr


PROGRAM = "from meshlab.run.cli import main; main(['facts', 'dump.json', '--format', 'json'])"


@pytest.mark.skipif(os.name != "posix", reason="descriptors are those of POSIX")
def test_closed_streams_are_no_error(tmp_path: Path) -> None:
    """Where a command has neither input nor outputs, no file of its own takes their place."""
    (tmp_path / "dump.json").write_text('{"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n"}}')
    words = [sys.executable, "-c", PROGRAM]
    shell = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *words]
    assert subprocess.run(shell, cwd=tmp_path, timeout=60, check=False).returncode == 0


def test_an_interrupt_while_it_starts_is_one_line() -> None:
    """Ctrl-C during the first imports ends as it does later."""
    program = (
        "import sys\nclass Finder:\n def find_spec(self, name, *_):\n"
        "  if name == 'meshlab.run.cli.reviews': raise KeyboardInterrupt\n"
        f"sys.meta_path.insert(0, Finder())\n{PROGRAM}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, "meshlab: error: interrupted\n")


def test_a_shell_needs_no_home(tmp_path: Path) -> None:
    """A notebook of ours reads no settings of a user's IPython, writes none, and warns of no home."""
    program = "from meshlab.run.batch.warm import Kernel\nKernel()"
    (tmp_path / "file").write_text("")
    (tmp_path / "home").mkdir()
    for home in ("file", "home"):
        environment = {**os.environ, "HOME": str(tmp_path / home), "TMPDIR": str(tmp_path)}
        environment.pop("IPYTHONDIR", None)
        words = [sys.executable, "-c", program]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list((tmp_path / "home").iterdir())
    assert not list(tmp_path.glob("meshlab-*"))


@pytest.mark.parametrize(
    "program",
    [
        "from meshlab.run.batch.pool import _begin\n_begin((int, ('x',)), {})",
        (
            "from meshlab.run.batch import engine\n"
            "def fails(_): raise ValueError('x')\nengine.warm.serve = fails\n"
            "engine.os._exit(engine.Fork().wait())"
        ),
    ],
    ids=["worker", "warm process"],
)
def test_a_process_of_ours_that_cannot_begin_says_why(program: str) -> None:
    """It ends with one line: neither in silence nor with a traceback."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("meshlab: error: a process that renders: unexpected ValueError")


# --- without end ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has no /dev/zero")
def test_a_device_behind_a_file_is_read_no_further_than_allowed(tmp_path: Path) -> None:
    """A link to what never ends is refused by every reader of files of other people."""
    for name in ("doc.md", "index.json", "review.json", "team.yaml", "t.csv", "key", NOTE):
        (tmp_path / name).symlink_to("/dev/zero")
    assert len(read_most(tmp_path / "key", 1000)) == 1000
    for read in (
        lambda: read_bounded(tmp_path / "key", 4096),
        lambda: check([tmp_path / "doc.md"]),
        lambda: read_index(tmp_path),
        lambda: open_review(tmp_path / "review.json", build=False),
        lambda: open_review(tmp_path / "team.yaml"),
        lambda: check_table(tmp_path / "t.csv", tmp_path / "t.csv"),
    ):
        with pytest.raises(MeshlabError, match="is larger than"):
            read()
    assert row_of_unchanged(tmp_path, ("json",), "x") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_silent_pipe_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that somebody holds open and never fills ends in an error, one that is filled is read."""
    monkeypatch.setattr("meshlab.files.PIPE_SECONDS", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    holder = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(MeshlabError, match="cannot be read: gives nothing"):
            read_bounded(pipe, 100)
        os.write(holder, b"team: a")
        assert read_most(pipe, 7) == b"team: a"
    finally:
        os.close(holder)


@pytest.mark.skipif(os.name != "posix", reason="devices and named pipes are of POSIX")
@pytest.mark.parametrize("target", ["/dev/zero", "pipe"])
def test_what_runs_is_read_from_files_alone(target: str, tmp_path: Path) -> None:
    """Behind the Helm values of a release lies neither a device nor a pipe."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "live.yaml").symlink_to(target)
    (tmp_path / "values.yaml").write_text("mtu: 1500\n")
    with pytest.raises(MeshlabError, match="is neither a file nor a folder"):
        iac.drift(tmp_path / "values.yaml", tmp_path / "live.yaml")


def test_a_file_of_the_system_that_gives_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What calls itself a file, as all in /proc does, may have nothing to give, and no end."""

    def silent(*_: object) -> bytes:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    (tmp_path / "kmsg").write_text("x")
    monkeypatch.setattr("meshlab.files.PIPE_SECONDS", 0.2)
    monkeypatch.setattr(os, "read", silent)
    with pytest.raises(TimeoutError):
        read_most(tmp_path / "kmsg", 100)
    with pytest.raises(MeshlabError, match="cannot be read"):
        read_facts([tmp_path / "kmsg"])


@pytest.mark.parametrize("address", ["nowhere", "/dev/null", "tcp://", "tls://127.0.0.1:1", "inproc://x"])
def test_an_address_of_no_scheduler_is_told_at_once(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever stands for a scheduler's address ends in words, and leaves no client that waits for its end."""
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    begun = time.monotonic()
    with pytest.raises(MeshlabError, match="no Dask scheduler at"), open_pool(None, address):
        pass
    gc.collect()
    assert time.monotonic() - begun < 15
    assert "Traceback" not in capfd.readouterr().err


def test_a_table_of_a_users_own_may_be_no_larger(tmp_path: Path) -> None:
    """A sparse file of any size is refused by its first bytes beyond what a table may have."""
    table = tmp_path / "networks.csv"
    with table.open("wb") as stream:
        stream.truncate(100 * MAXIMUM_TABLE_BYTES)
    with pytest.raises(MeshlabError, match="is larger than 16 MiB"):
        check_table(table, table)


def script(path: Path, text: str) -> str:
    """A program."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def runs(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(os.name != "posix", reason="the program is one of a shell")
@pytest.mark.parametrize(
    "text", ["sleep 600 & echo $! > child; sleep 600", "yes | head -c 5; sleep 600 & echo $! > child; wait"]
)
def test_kubectl_ends_with_its_children(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that holds kubectl's pipes does not hold us, and none is left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kubectl_module, "TIMEOUT_SECONDS", 3.0)
    api = Kubectl("c", script(tmp_path / "kubectl", text), lambda _: None, lambda _: None)
    begun = time.monotonic()
    status, _, _ = api._run("/api")
    assert status == kubectl_module.KILLED
    assert time.monotonic() - begun < 15
    pid = int((tmp_path / "child").read_text(encoding="utf-8"))
    end = time.monotonic() + 10  # a killed process runs until the kernel has come to it
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not runs(pid)


def test_all_requests_together_have_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that always has one more page is given up."""
    monkeypatch.setattr(kubectl_module, "TOTAL_SECONDS", -1.0)
    with pytest.raises(MeshlabError, match="minutes in all"):
        Kubectl("c", "true", lambda _: None, lambda _: None).get("/api")


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends one byte at a time, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not done.wait(0.05):
                client.sendall(b" ")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    done.set()
    thread.join(5)
    listener.close()


def test_prometheus_that_drips_is_given_up(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is one of the whole answer, not of each byte."""
    monkeypatch.setattr(prometheus, "_TIMEOUT_SECONDS", 1.0)
    with pytest.raises(MeshlabError, match="cannot be reached: no whole answer in time"):
        prometheus.read_prometheus(dripping)


@pytest.mark.parametrize(
    "url",
    [
        "http://a b/",
        "http://\u2028/",
        f"http://{'a' * 70}.x/",
        "http://[::1/",
        "http://127.0.0.1:9/ü",
        "http://x:99999",
    ],
)
def test_a_url_of_any_shape_is_refused_in_words(url: str) -> None:
    """No URL ends in anything but an error of ours."""
    with pytest.raises(MeshlabError):
        prometheus.read_prometheus(url, at=0.0)


def test_a_value_of_any_shape_is_a_number_or_none() -> None:
    """What Prometheus calls a value is one, or not a number."""
    assert prometheus.number("1.5") == 1.5
    assert math.isinf(prometheus.number("1e999"))
    assert math.isnan(prometheus.number("fast"))


class _Weird(http.server.BaseHTTPRequestHandler):
    """Answers whatever is asked with values that are no numbers."""

    def do_GET(self) -> None:
        """Answer."""
        rows = [{"metric": {"namespace": "a"}, "value": [0, value]} for value in ("1e999", "fast", "NaN", "")]
        body = json.dumps({"status": "success", "data": {"result": rows}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_values_that_are_no_numbers_are_left_out() -> None:
    """A server may answer anything: what is no number counts as no answer."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Weird) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            with pytest.raises(MeshlabError, match="knows none of the metrics"):
                prometheus.read_prometheus(f"http://127.0.0.1:{server.server_port}", at=0.0)
        finally:
            server.shutdown()


# --- written by somebody else --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "Expected `object`, got `array`"),
        ('{"reviews": [{}]}', "missing required field `team` - at `$.reviews[0]`"),
        ('{"reviews": 1}', "got `int` - at `$.reviews`"),
        ('{"reviews": [{"team": 1}]}', "at `$.reviews[0].team`"),
        ('{"reviews": ' + "[" * 100_000, "is no index"),
        ("\xff", "is no index"),
        ('{"reviews": 1e999}', "is no index"),
    ],
)
def test_an_index_is_checked_at_the_door(text: str, words: str, tmp_path: Path) -> None:
    """What is wrong with somebody else's index is told by its field."""
    (tmp_path / "index.json").write_text(text, encoding="latin-1")
    with pytest.raises(MeshlabError) as told:
        read_index(tmp_path)
    assert words in str(told.value)


@pytest.fixture(scope="session")
def plain() -> dict[str, object]:
    """A review as its file has it."""
    from meshlab.files import pretty_json

    return json.loads(pretty_json(open_review("wikikube-eqiad")))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("estimates", 0, "memory_gib"), "much", "`$.estimates[0].memory_gib`"),
        (("estimates", 0), 3, "`$.estimates[0]`"),
        (("verdict", "options", 0, "label"), None, "`$.verdict.options[0].label`"),
        (("sources", 0, "title"), [], "`$.sources[0].title`"),
        (("sources", 0, "figures"), {"memory_gib": 3}, "`$.sources[0].figures[...]`"),
        (("scenario", "nodes"), "../../x", "`$.scenario.nodes`"),
        (("inputs", 0, "value"), ["x"], "`$.inputs.nodes`"),
        (("team",), 7, "`$.team`"),
        (("headline", "figures"), {}, "`$.headline.figures`"),
    ],
)
def test_a_review_is_checked_at_the_door(
    place: tuple[str | int, ...], value: object, words: str, plain: dict[str, object], tmp_path: Path
) -> None:
    """What is wrong with somebody else's review is told by its field."""
    changed = json.loads(json.dumps(plain))
    at = changed
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    (tmp_path / "review.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(MeshlabError) as told:
        open_review(tmp_path / "review.json", build=False)
    assert words in str(told.value)


def test_a_column_that_a_review_lacks_is_told(plain: dict[str, object], tmp_path: Path) -> None:
    """What may be null has to be there all the same: pages and charts look for it."""
    changed = json.loads(json.dumps(plain))
    del changed["estimates"][0]["memory_gib_lo"]
    (tmp_path / "review.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(MeshlabError, match=r"missing required field `memory_gib_lo` - at `\$\.estimates\[0\]`"):
        open_review(tmp_path / "review.json", build=False)


@pytest.mark.parametrize("team", ["bookinfo-istio", "openshift-aws", "online-boutique"])
def test_our_own_reviews_are_let_in(team: str, tmp_path: Path) -> None:
    """What we write passes the door."""
    from meshlab.files import pretty_json

    (tmp_path / "review.json").write_text(pretty_json(open_review(team)), encoding="utf-8")
    assert open_review(tmp_path / "review.json", build=False).team == team


@pytest.mark.parametrize(
    "items",
    [
        '{"metadata": {"name": "cilium-config"}, "data": [1]}',
        '{"metadata": {"name": "cilium-config"}, "data": "mtu"}',
        (
            '{"metadata": null}, {"metadata": "cilium-config"}, {"metadata": [1]}, 7, null, '
            '{"metadata": {"name": "cilium-config"}, "data": {"mtu": {"a": 1}}}'
        ),
    ],
)
def test_settings_of_any_shape_are_compared(items: str, tmp_path: Path) -> None:
    """Objects beside the settings, and the settings themselves, may be of any type."""
    (tmp_path / "live.json").write_text(f'{{"apiVersion": "v1", "kind": "List", "items": [{items}]}}')
    (tmp_path / "values.yaml").write_text("mtu: 1500\n")
    with contextlib.suppress(MeshlabError):
        iac.drift(tmp_path / "values.yaml", tmp_path / "live.json")


@pytest.mark.parametrize(
    ("text", "words"), [("a,b\n1,2,3\n", "more cells than its head"), (f"a\n{'x' * 200_000}\n", "is no CSV")]
)
def test_a_table_of_results_of_another_shape_is_refused(text: str, words: str, tmp_path: Path) -> None:
    """A document's table names what is wrong with its file."""
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(MeshlabError, match=words):
        data_rows(tmp_path / "t.csv", "b")


def test_checking_a_document_writes_nothing(tmp_path: Path) -> None:
    """An outline where a review should be is refused: building it would write into somebody's folder."""
    (tmp_path / "review.json").write_text('{"case": {"team": {}}, "tables": "../.."}', encoding="utf-8")
    (tmp_path / "doc.md").write_text("\n<!-- meshlab verdict team=./review.json -->\n<!-- /meshlab -->\n")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(tmp_path.iterdir())}
    with pytest.raises(MeshlabError, match="is no review"):
        check([tmp_path / "doc.md"])
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(tmp_path.iterdir())} == before


def test_a_note_of_which_a_byte_differs_is_no_note(tmp_path: Path) -> None:
    """A report is reused only where its note and its files are as they were written."""
    paths, job = teams(tmp_path / "teams", "a"), Job(tmp_path / "out", ("json",))
    render_reviews(paths, job, jobs=1)
    assert [outcome.reused for outcome in render_reviews(paths, job, jobs=1)] == [True]
    for name, old, new in ((NOTE, b'"findings": null', b'"findings": 1000'), ("review.json", b"pods", b"pots")):
        file = tmp_path / "out" / "a" / name
        content = file.read_bytes()
        file.write_bytes(content.replace(old, new, 1))
        assert file.read_bytes() != content
        assert [outcome.reused for outcome in render_reviews(paths, job, jobs=1)] == [False]
        assert file.read_bytes() == content


# --- shown to somebody else ----------------------------------------------------------------------------------------

NAMES = ['<a href="https://evil.example/">OK</a>', "<b>B</b><br>x", "%{customdata}", "a&lt;b>"]


@pytest.mark.parametrize("count", [4, 100])
def test_names_of_nodes_are_text_in_charts(count: int) -> None:
    """Neither a label nor what is shown on hover holds a name's markup, of few nodes and of many."""
    begin = [float(number) for number in range(count)]
    columns = {
        "name": [NAMES[number % 4] for number in range(count)],
        "pods": [1] * count,
        "day": [1] * count,
        **dict.fromkeys(("seconds_lo", "seconds", "seconds_hi"), [600.0] * count),
        "begin_hours": begin,
        "drained_hours": [at + 0.5 for at in begin],
        "end_hours": [at + 1 for at in begin],
    }
    assumptions = [{"name": "window_hours", "value": 24.0}]
    plan = {"nodes": columns, "gaps": [], "parallel": 1, "assumptions": assumptions}
    spec = json.dumps(nodes_chart(plan, "x", Look()).spec)
    assert "evil.example" in spec
    assert "<a href" not in spec
    assert "<b>B" not in spec


def test_names_give_no_orders_to_a_terminal(tmp_path: Path) -> None:
    """Markdown and facts for people show what moves a cursor or turns text around by its code."""
    name = "a\x1b[31mb\u202ec"
    assert labels.plain(name) == r"a\\x1b\[31mb\\x202ec"
    node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n", "labels": {"agentpool": name}}}
    (tmp_path / "dump.json").write_text(json.dumps(node))
    shown = CliRunner().invoke(main, ["facts", str(tmp_path / "dump.json"), "--format", "text"])
    assert shown.exit_code == 0
    assert "31mb" in shown.stdout
    assert all(line.isprintable() for line in shown.stdout.splitlines())


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1"])
def test_a_spreadsheet_runs_no_cell(text: str) -> None:
    """What begins as a formula is quoted, in either width and behind blanks; numbers stay numbers."""
    import re

    assert spreadsheet_text(text) == f"'{text}"
    assert re.match(FORMULA, text)
    assert [spreadsheet_text(number) for number in ("-5", "+1.5e3", "-1,000", "a=b", "")] == [
        "-5",
        "+1.5e3",
        "-1,000",
        "a=b",
        "",
    ]
