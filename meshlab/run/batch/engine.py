"""A papermill engine that runs meshlab's own workbooks in a warm process: ``papermill --engine meshlab``.

The default engine starts a kernel for each notebook and writes the whole notebook twice for each cell. This one
imports once, forks for each notebook (``meshlab.run.batch.warm``) and writes the notebook at the start and at the end.
What it forks is a shell without a kernel around it: enough for the workbooks that meshlab ships, which are compared
cell by cell with the default engine, and not for any notebook. All others, workbooks that somebody changed among them,
are handed to papermill's default engine.

papermill loads engines while it is itself being imported, so nothing here may fail and nothing may import papermill
at the top: the engine's class is made when it is first asked for, and everything heavy is imported when it is used.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from meshlab.cache import all_cached
from meshlab.run.batch import warm

START_TIME_LIMIT_S = 120.0
"""Longest time that the warm process may take for its imports. [s]"""


def __getattr__(name: str) -> Any:
    if name == "MeshlabEngine":
        return engine_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def engine_class() -> type:
    """The engine that papermill registers as ``meshlab``."""
    from papermill.engines import Engine, NotebookExecutionManager

    class SavedTwice(NotebookExecutionManager):
        """Notes times and states as papermill's own manager does, without writing the notebook for each cell."""

        quiet = False

        def save(self, **named: Any) -> None:
            if not self.quiet:
                super().save(**named)

    class MeshlabEngine(Engine):
        """Runs meshlab's own workbooks in a fork of a warm process, and all else as papermill's default engine does."""

        @classmethod
        def execute_notebook(
            cls,
            nb: Any,
            kernel_name: str,
            output_path: str | None = None,
            progress_bar: Any = True,  # noqa: FBT002  (the signature is papermill's)
            log_output: Any = False,  # noqa: FBT002
            autosave_cell_every: int = 30,
            **named: Any,
        ) -> Any:
            """Run a workbook and write it at the start, and at the end or on failure."""
            if kernel_name != KERNEL or log_output or any(map(named.get, KERNEL_ALONE)) or not is_own(nb):
                from papermill.engines import papermill_engines

                return papermill_engines.get_engine(None).execute_notebook(
                    nb, kernel_name, output_path, progress_bar, log_output, autosave_cell_every, **named
                )
            manager = SavedTwice(nb, output_path, log_output, progress_bar, autosave_cell_every)
            manager.notebook_start()
            manager.quiet = True
            try:
                cls.execute_managed_notebook(manager, kernel_name, log_output=log_output, **named)
            finally:
                manager.quiet = False
                manager.cleanup_pbar()
                manager.notebook_complete()
            return manager.nb

        @classmethod
        def execute_managed_notebook(
            cls,
            nb_man: Any,
            kernel_name: str,  # noqa: ARG003  (papermill passes it; the warm process has one kernel)
            **named: Any,
        ) -> None:
            """Run the cells and note what became of each.

            Raises:
                CellTimeoutError: A cell ran longer than ``execution_timeout``.
                DeadKernelError: The process of the notebook died.
            """
            resources: dict[str, Any] = named.get("resources") or {}
            folder = resources.get("metadata", {}).get("path")
            for answer in warm_process().run(nb_man.nb, folder, named.get("execution_timeout")):
                _note(nb_man, answer)

    return MeshlabEngine


KERNEL = "python3"
"""The kernel of every workbook."""

KERNEL_ALONE = ("stdout_file", "stderr_file", "allow_errors")
"""Options that a kernel honours and a warm process does not."""


def is_own(notebook: Any) -> bool:
    """Whether the code of a notebook is that of a workbook as meshlab ships it, its injected parameters aside."""
    return _code(notebook["cells"]) in _shipped()


@cache
def _shipped() -> frozenset[tuple[str, ...]]:
    from meshlab.tables import resource

    files = resource("workbooks").glob("*.ipynb")
    return frozenset(_code(json.loads(path.read_text(encoding="utf-8"))["cells"]) for path in files)


def _code(cells: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and "injected-parameters" not in cell.get("metadata", {}).get("tags", ())
    )


def _note(nb_man: Any, answer: dict[str, Any]) -> None:
    from nbformat import from_dict

    if "start" in answer:
        nb_man.cell_start(nb_man.nb.cells[answer["start"]], answer["start"])
    elif "cell" in answer:
        cell = nb_man.nb.cells[answer["cell"]]
        cell.outputs = from_dict(answer["outputs"])
        cell.execution_count = answer["execution_count"]
        if answer["failed"]:
            nb_man.cell_exception(cell, cell_index=answer["cell"])
        nb_man.cell_complete(cell, cell_index=answer["cell"])
    else:
        nb_man.nb.metadata.update(from_dict(answer["metadata"]))


class WarmProcess:
    """The warm process of a thread: started with the first notebook, gone with the last reference to its pipe."""

    def __init__(self, process: subprocess.Popen[bytes] | Fork | None = None) -> None:
        # -P: modules of the folder in which a user happens to be are none of ours
        self.process = process or subprocess.Popen(
            [sys.executable, "-P", "-m", "meshlab.run.batch.warm"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._waiting = b""
        self._next(time.monotonic() + START_TIME_LIMIT_S)
        if process is None:
            self._ask({"kept": base64.b85encode(all_cached()).decode()})

    def run(self, notebook: Any, folder: str | None, limit_s: float | None) -> Iterator[dict[str, Any]]:
        """Run one notebook and yield the answers about it."""
        self._ask({"notebook": notebook, "folder": folder or os.getcwd(), "environment": dict(os.environ)})  # noqa: PTH109
        child, cell, ended = 0, None, False
        try:
            while True:
                # two processes write: the child's answers may come before the word of its number
                answer = self._next(time.monotonic() + limit_s if limit_s and cell else None)
                if answer is None:
                    raise _timed_out(cell, limit_s)
                if "pid" in answer:
                    child = answer["pid"]
                elif "ended" in answer:
                    ended = True
                    if answer["ended"]:
                        raise _dead(f"the process of the notebook ended with status {answer['ended']}")
                    return
                else:
                    cell = notebook.cells[answer["start"]] if "start" in answer else None
                    yield answer
        finally:
            if not ended:
                with suppress(Exception):  # it may be gone already, by the same Ctrl-C
                    self._kill(child)

    def _ask(self, request: Mapping[str, object]) -> None:
        assert self.process.stdin is not None  # noqa: S101  (always a pipe; the type cannot say so)
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def _kill(self, child: int) -> None:
        """End the notebook that runs, and read what is left of its answers."""
        while not child:
            answer = self._next(None) or {}
            child = answer.get("pid", 0)
        os.kill(child, signal.SIGKILL)
        while "ended" not in (self._next(None) or {}):
            pass

    def _next(self, deadline: float | None) -> dict[str, Any] | None:
        """The next answer, or None where it does not come in time."""
        assert self.process.stdout is not None  # noqa: S101  (as above)
        descriptor = self.process.stdout.fileno()
        while b"\n" not in self._waiting:
            rest = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([descriptor], [], [], rest)[0]:
                return None
            chunk = os.read(descriptor, 1 << 20)
            if not chunk:
                raise _dead(f"the warm process ended with status {self.process.wait()}")
            self._waiting += chunk
        line, _, self._waiting = self._waiting.partition(b"\n")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Fork:
    """A warm process that is a fork of this one, with what a warm process needs of ``Popen``.

    It spares the imports, and shares their memory. This process may not have run a polars query yet.
    """

    def __init__(self) -> None:
        (theirs, to), (back, answers) = os.pipe(), os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(theirs, 0)
            os.dup2(answers, 1)
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            try:
                warm.serve(parent)
            except Exception as error:  # noqa: BLE001  (it ends here: what this process was about is none of its business)
                warm.last_words(error)
            finally:
                os._exit(1)
        os.close(theirs)
        os.close(answers)
        self.stdin, self.stdout = os.fdopen(to, "wb"), os.fdopen(back, "rb")
        self._status: int | None = None

    def poll(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._ended(os.WNOHANG)

    def wait(self) -> int | None:
        """Exit status, once it has ended."""
        return self._ended(0)

    def _ended(self, options: int) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, options)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def _dead(message: str) -> Exception:
    from nbclient.exceptions import DeadKernelError

    return DeadKernelError(message)


def _timed_out(cell: Any, limit_s: float | None) -> Exception:
    from nbclient.exceptions import CellTimeoutError

    return CellTimeoutError.error_from_timeout_and_cell("Cell execution timed out", int(limit_s or 0), cell)


_of_thread = threading.local()
"""A warm process answers one thread: Dask's workers run several, and the process dies with the one that made it."""


def warm_process() -> WarmProcess:
    """This thread's warm process, a new one where the last has died."""
    running: WarmProcess | None = getattr(_of_thread, "warm", None)
    return running if running and running.process.poll() is None else _keep(WarmProcess())


def fork_warm_process() -> None:
    """Make this thread's warm process a fork of this one, which imports what notebooks need and must be fresh."""
    warm.prepare()
    _keep(WarmProcess(Fork()))


def _keep(started: WarmProcess) -> WarmProcess:
    _of_thread.warm = started
    atexit.register(started.close)
    return started
