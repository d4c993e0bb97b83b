"""The papermill engine: whose notebooks it runs, nothing left behind, limits that hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import papermill
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from meshlab.run.batch import engine as our_engine
from meshlab.run.batch.engine import warm_process
from meshlab.run.batch.warm import MEMORY_LIMIT_BYTES
from meshlab.tables import resource

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the engine forks, which this system cannot")

SPEAKING = [
    "x = 1",
    "print('out'); print('again')\nimport sys; print('err', file=sys.stderr); print('more')",
    "x + 1",
    "from IPython.display import display, HTML, clear_output\ndisplay(HTML('<b>b</b>'), x); None",
    "handle = display('first', display_id='d'); handle.update('second')",
    "display('gone'); clear_output(); 'kept'",
    "import polars as pl\npl.DataFrame({'a': [1, 2]}).lazy().group_by('a').len().sort('a').collect()",
    "import plotly.graph_objects as go\ngo.Figure(go.Bar(x=[1], y=[2])).to_dict()['data'][0]['type']",
    "import asyncio\nawait asyncio.sleep(0)\nlen(In), _",
    "%env MESHLAB_PROBE=1",
    "import sys\nsys.path, __name__, sys.stdin.read()",
    "",
    "1; 2;",
]


def notebook(*cells: str, **tags: list[str]) -> nbformat.NotebookNode:
    """A notebook of these code cells; ``c1=["tag"]`` tags the second."""
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, id=f"c{place}") for place, source in enumerate(cells)],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    for name, value in tags.items():
        made.cells[int(name[1:])].metadata["tags"] = value
    return made


def run(
    folder: Path, made: nbformat.NotebookNode, engine: str | None = "meshlab", **named: object
) -> nbformat.NotebookNode:
    """What papermill makes of a notebook with an engine, its own where that is None."""
    source, target = folder / "in.ipynb", folder / f"out-{engine}.ipynb"
    nbformat.write(made, source)
    papermill.execute_notebook(
        str(source),
        str(target),
        engine_name=engine,
        cwd=str(folder),
        progress_bar=False,
        kernel_name="python3",
        **named,
    )
    return nbformat.read(target, 4)


def said(made: nbformat.NotebookNode) -> list[object]:
    """Number and outputs of each code cell."""
    return [(cell.execution_count, cell.outputs) for cell in made.cells if cell.cell_type == "code"]


@pytest.fixture
def as_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every notebook for one of meshlab's own: what the warm process does to them is tried on small ones."""
    monkeypatch.setattr(our_engine, "is_own", lambda _: True)


# --- whose notebooks -------------------------------------------------------------------------------------------------


FIELD = {
    "file": "x = open('data.csv', 'w'); x.write('1')",
    "child": "import subprocess; subprocess.run(['echo', 'from a child'])",
    "update": "from IPython.display import display\nhandle = display('first', display_id=True); None",
}
"""Cells that only a kernel runs as a kernel does."""


@pytest.mark.parametrize("name", FIELD)
def test_other_peoples_notebooks_run_in_a_kernel(tmp_path: Path, name: str) -> None:
    """Files left open, child processes and updates to earlier cells come out as with the default engine."""
    made = notebook(FIELD[name], "handle.update('second')" if name == "update" else "1")
    ours, theirs = (said(run(tmp_path, made, engine)) for engine in ("meshlab", None))
    assert ours == theirs
    if name == "file":
        assert (tmp_path / "data.csv").read_text() == "1"


def test_a_notebook_for_another_kernel_is_refused_as_by_default(tmp_path: Path) -> None:
    """A notebook that names R's kernel does not run as Python."""
    made = notebook("x <- 1")
    made.metadata["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    nbformat.write(made, tmp_path / "in.ipynb")
    with pytest.raises(Exception, match="No such kernel"):
        papermill.execute_notebook(
            tmp_path / "in.ipynb", tmp_path / "out.ipynb", engine_name="meshlab", progress_bar=False
        )


def test_own_workbooks_are_known_by_their_code() -> None:
    """A shipped workbook is own with and without parameters; with a cell changed or added it is not."""
    path = resource("workbooks") / "review.ipynb"
    own = nbformat.read(path, 4)
    assert our_engine.is_own(own)
    own.cells.insert(1, nbformat.v4.new_code_cell("source = 1", metadata={"tags": ["injected-parameters"]}))
    assert our_engine.is_own(own)
    own.cells.append(nbformat.v4.new_code_cell("1"))
    assert not our_engine.is_own(own)
    assert not our_engine.is_own(notebook("1"))


# --- the warm process ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("as_own")
def test_outputs_are_those_of_papermills_own_engine(tmp_path: Path) -> None:
    """Streams, results, displays, updates, awaits and magics give the same outputs cell by cell."""
    made = notebook(*SPEAKING)
    ours, theirs = run(tmp_path, made), run(tmp_path, made, None)
    assert said(ours) == said(theirs)
    assert ours.metadata.language_info == theirs.metadata.language_info


@pytest.mark.usefixtures("as_own")
def test_an_error_is_told_as_papermills_own_engine_tells_it(tmp_path: Path) -> None:
    """A cell that raises stops the notebook, with the same error and the same traceback less its addresses."""
    made = notebook("1", "def f():\n    1 / 0\nf()", "2")
    for engine in ("meshlab", None):
        with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
            run(tmp_path, made, engine)
    ours, theirs = (nbformat.read(tmp_path / f"out-{engine}.ipynb", 4) for engine in ("meshlab", None))
    errors = [
        next(
            o
            for c in nb.cells
            for o in c.get("outputs", ())
            if o.output_type == "error" and "papermill" not in str(c.metadata.get("tags"))
        )
        for nb in (ours, theirs)
    ]
    assert [(e.ename, e.evalue, len(e.traceback)) for e in errors] == [
        ("ZeroDivisionError", "division by zero", len(errors[1].traceback))
    ] * 2
    assert [c.outputs for c in ours.cells if c.id == "c2"] == [[]]


LEAKS = """
import builtins, json, os, random, sys
leaked = 1
builtins.abs = lambda _: 42
json.dumps = None
os.environ["LEAKED"] = "1"
os.chdir("/")
random.seed(1)
sys.path.insert(0, "/leaked")
import numpy, polars, plotly.io
numpy.random.seed(1)
plotly.io.templates.default = "plotly_dark"
polars.Config.set_tbl_rows(3)
opened = open(os.devnull)
import meshlab.show.report
meshlab.show.report.value_text = lambda _: "patched"
"""

LOOKS = """
import builtins, json, os, sys, polars, plotly.io, meshlab.show.report
print({
    "names": "leaked" in globals(), "builtins": abs(-1), "json": json.dumps([1]),
    "environment": os.environ.get("LEAKED"),
    "folder": os.path.basename(os.getcwd()), "path": "/leaked" in sys.path, "plotly": plotly.io.templates.default,
    "polars": polars.Config.state().get("POLARS_FMT_MAX_ROWS"), "patched": meshlab.show.report.value_text(True),
})
"""


@pytest.mark.usefixtures("as_own")
def test_nothing_leaks_from_one_notebook_to_the_next(tmp_path: Path) -> None:
    """A notebook that patches, seeds, moves and opens leaves the next one exactly as it would have been first."""
    first = run(tmp_path, notebook(LOOKS)).cells[0].outputs
    run(tmp_path, notebook(LEAKS))
    assert run(tmp_path, notebook(LOOKS)).cells[0].outputs == first
    assert "'names': False" in first[0].text


@pytest.mark.usefixtures("as_own")
def test_random_numbers_differ_from_notebook_to_notebook(tmp_path: Path) -> None:
    """A fork does not hand the same random numbers to every notebook."""
    made = notebook(
        *("import random; random.random()", "import numpy; numpy.random.random()"),
        *("numpy.random.default_rng().random()", "import os; os.urandom(4)", "import uuid; uuid.uuid4()"),
    )
    one, other = (run(tmp_path, made).cells for _ in range(2))
    assert [a.outputs == b.outputs for a, b in zip(one, other, strict=True)] == [False] * 5


@pytest.mark.usefixtures("as_own")
def test_a_cell_that_never_ends_is_stopped_and_the_next_notebook_runs(tmp_path: Path) -> None:
    """The time limit of a cell ends its notebook; what had run before is kept."""
    with pytest.raises(CellTimeoutError):
        run(tmp_path, notebook("print('before')", "while True: pass"), execution_timeout=1)
    kept = nbformat.read(tmp_path / "out-meshlab.ipynb", 4)
    assert kept.cells[0].outputs[0].text == "before\n"
    assert run(tmp_path, notebook("1 + 1")).cells[0].outputs[0].data["text/plain"] == "2"


@pytest.mark.usefixtures("as_own")
def test_a_notebook_that_eats_memory_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    """A notebook that asks for all that one may take gets a MemoryError, and the machine keeps its memory."""
    with pytest.raises(PapermillExecutionError, match="MemoryError"):
        run(tmp_path, notebook(f"x = bytearray({MEMORY_LIMIT_BYTES})"))
    assert run(tmp_path, notebook("1 + 1")).cells[0].outputs[0].data["text/plain"] == "2"


@pytest.mark.usefixtures("as_own")
def test_a_notebook_whose_process_dies_is_an_error_and_the_next_one_runs(tmp_path: Path) -> None:
    """A process that the system kills is told as a dead kernel."""
    with pytest.raises(DeadKernelError, match="status -9"):
        run(tmp_path, notebook("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert run(tmp_path, notebook("1 + 1")).cells[0].outputs[0].data["text/plain"] == "2"


def test_each_thread_has_its_own_warm_process() -> None:
    """Two threads, as Dask's workers run them, do not talk to one process at a time."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(warm_process).result()
        assert other.process.pid != warm_process().process.pid
        other.close()


@pytest.mark.usefixtures("as_own")
def test_a_warm_process_that_dies_is_replaced(tmp_path: Path) -> None:
    """The next notebook starts a new warm process."""
    run(tmp_path, notebook("1"))
    old = warm_process().process
    old.kill()
    old.wait()
    assert run(tmp_path, notebook("1 + 1")).cells[0].outputs[0].data["text/plain"] == "2"
    assert warm_process().process.pid != old.pid


@pytest.mark.usefixtures("as_own")
def test_a_run_that_is_given_up_is_silent_where_the_warm_process_is_gone(tmp_path: Path) -> None:
    """Ctrl-C reaches both: what is left of the notebook's answers is read from nobody."""
    running = warm_process().run(notebook("1", "2"), str(tmp_path), None)
    next(running)
    warm_process().process.kill()
    warm_process().process.wait()
    running.close()


@pytest.mark.usefixtures("as_own")
def test_the_notebook_is_written_at_the_start_and_at_the_end_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten cells are no more writes than one."""
    from papermill import engines

    writes: list[str] = []
    write = engines.write_ipynb
    monkeypatch.setattr(engines, "write_ipynb", lambda made, path: (writes.append(path), write(made, path)))
    run(tmp_path, notebook(*["1"] * 10))
    assert len(writes) <= 2


def test_papermills_own_command_line_runs_the_engine(tmp_path: Path) -> None:
    """`papermill --engine meshlab` needs nothing but the installed package, and leaves no process behind."""
    nbformat.write(notebook("x = 1", "print(x)", _0=["parameters"]), tmp_path / "in.ipynb")
    result = subprocess.run(
        [sys.executable, "-m", "papermill", "--engine", "meshlab", "-p", "x", "7", "in.ipynb", "out.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "out.ipynb").read_text())["cells"][-1]["outputs"][0]["text"] == ["7\n"]


def test_papermill_is_imported_without_what_the_engine_uses() -> None:
    """Loading the engine imports neither polars nor plotly nor IPython: it cannot slow or break papermill."""
    heavy = ("polars", "plotly", "ipykernel", "meshlab.reviews.review")
    code = f"import sys, meshlab.run.batch.engine; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells of threads in its own way")
def test_a_query_before_the_fork_is_an_error() -> None:
    """Where an import has run a query, a forked worker would wait without an end for threads that it has not."""
    ran = "import polars as pl; pl.zeros(3, eager=True); from meshlab.run.batch import warm; warm.prepare()"
    done = subprocess.run([sys.executable, "-c", ran], capture_output=True, text=True, timeout=120, check=False)
    assert "PoolStartedError: an import started polars-" in done.stderr
