"""A warm process that runs notebooks: it imports once and forks for each notebook, so that no state can leak.

``python -m meshlab.run.batch.warm`` reads one request a line on its standard input and answers in lines of JSON on its
standard output; a worker forks one from itself. A child runs the cells and dies with everything that they did:
variables, patched modules, environment, working folder, seeds, open files.

The process itself never runs a polars query: polars' threads start with the first one, and threads do not survive
a fork. Forking needs Linux or macOS.

``MESHLAB_CELL_TIMES`` may name a file to which each notebook adds a line: the time that its cells took. [s]
"""

from __future__ import annotations

import base64
import gc
import importlib
import io
import json
import os
import re
import signal
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn

from meshlab.cache import keep
from meshlab.errors import problems_of

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

PRELOADED = (
    "IPython",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "nbclient",
    "nbformat",
    "numpy.ma",
    "numpy.random",
    "polars",
    "meshlab.show.report",
    "meshlab.api",
)
"""Imported before the first fork. What of these a machine lacks is imported, or missed, by the notebook itself."""

NEEDLESS = ("fqdn", "isoduration", "rfc3986_validator", "rfc3987", "rfc3987_syntax", "uri_template", "webcolors")
"""What jsonschema, where it is installed, imports to check formats that no notebook has: building the grammar of one
takes longer than all other imports together."""

MEMORY_LIMIT_BYTES = 4 << 30
"""Most memory that one notebook may take, far above what a review needs (0.2 GiB): it fails before the machine does."""

CELL_TIMES = "MESHLAB_CELL_TIMES"
"""Environment variable that names the file of cell times."""

PARENT = "MESHLAB_PARENT"
"""Environment variable by which a process that dies with its parent is told the parent's number."""

MAIN = "MESHLAB_MAIN"
"""Environment variable by which it is told the file of its parent's main module."""

PR_SET_PDEATHSIG = 1
"""Linux's prctl option for the signal to get when the parent dies."""

Send = Callable[[Mapping[str, object]], None]


POOL_THREADS = re.compile(r"polars-\d|tokio-|async-executor")
"""Names of the threads that run polars queries. The few that its import starts survive a fork, or are not missed."""


class PoolStartedError(RuntimeError):
    """A polars query ran before the fork: a child would wait for ever for threads that it does not have."""


def prepare(*names: str) -> None:
    """Import and compile once what every notebook would have to, and the modules that are named.

    Raises:
        PoolStartedError: An import has run a query.
    """
    gc.disable()  # what is imported stays: to look for garbage in it takes a twentieth of the time
    missed = [name for name in NEEDLESS if name not in sys.modules]
    for name in missed:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in (*PRELOADED, *names):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    for name in missed:
        del sys.modules[name]
    if "meshlab.show.fragments" in sys.modules:
        sys.modules["meshlab.show.fragments"].compile_templates()
    if "nbformat" in sys.modules:
        sys.modules["nbformat"].v4.new_output("stream")  # compiles the schema by which every output is checked
    gc.enable()
    # threads of libraries are among them, where the system tells
    threads = (path.read_text(encoding="utf-8").strip() for path in Path("/proc/self/task").glob("*/comm"))
    if started := sorted(filter(POOL_THREADS.match, threads)):
        raise PoolStartedError(f"an import started {', '.join(started)}")


def serve(parent: int) -> None:
    """Answer requests until standard input ends, or the parent does."""
    die_with(parent)
    requests, channel = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w", encoding="utf-8")
    encode = json.dumps  # a notebook may patch the module; its answers still have to be told
    # what libraries and child processes print must not end up between the answers
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)

    def send(message: Mapping[str, object]) -> None:
        channel.write(encode(message) + "\n")
        channel.flush()

    prepare()
    kernel = Kernel()
    send({"ready": os.getpid()})
    _freeze()
    for line in iter(requests.readline, ""):
        request = json.loads(line)
        if "kept" in request:
            keep(base64.b85decode(request["kept"]))
            _freeze()
        else:
            _fork(request, kernel, send)


def last_words(error: BaseException) -> None:
    """Say on standard error why a process of ours ends before it has begun."""
    sys.stderr.writelines(f"meshlab: error: {problem}\n" for problem in problems_of(error, "a process that renders"))


def _freeze() -> None:
    """Let forks leave the memory of all that is here alone: collecting garbage would copy it page by page."""
    gc.collect()
    gc.freeze()


def _fork(request: Mapping[str, Any], kernel: Kernel, send: Send) -> None:
    """Run one notebook in a child."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        die_with(parent)
        _limit_memory()
        _run_and_die(request, kernel, send)
    send({"pid": child})
    _, status = os.waitpid(child, 0)
    send({"ended": os.waitstatus_to_exitcode(status)})


def die_with(parent: int) -> None:
    """Let this process be killed with its parent, where the system can (Linux): a killed command leaves nothing."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _limit_memory() -> None:
    """Bound this process's private memory, unless a lower bound holds already."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [bound for bound in (soft, MEMORY_LIMIT_BYTES) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))


def _run_and_die(request: Mapping[str, Any], kernel: Kernel, send: Send) -> NoReturn:
    status = 1
    try:
        os.environ.clear()
        os.environ.update(request["environment"])
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        os.chdir(request["folder"])
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed()  # Python's own generator starts anew by itself
        for answer in run_cells(request["notebook"], kernel):
            send(answer)
        status = 0
    except BaseException:  # noqa: BLE001  (it dies here whatever happened; its last words go to the log)
        traceback.print_exc(file=sys.__stderr__)
    finally:
        # no clean-up of the parent's business: buffers, handlers and temporary files are not ours
        os._exit(status)


# --- running the cells of one notebook -----------------------------------------------------------------------------


class Kernel:
    """The shell of a kernel whose messages are kept instead of sent. It is made before the fork and used after it."""

    def __init__(self) -> None:
        from ipykernel.zmqshell import ZMQInteractiveShell
        from traitlets.config import Config

        self.messages: list[dict[str, Any]] = []
        self._session = _recorder(self.messages)
        # settings and start-up files of a user's are none of a review's, and a container may have no home to keep them
        with TemporaryDirectory(prefix="meshlab-") as own:
            self.shell: Any = ZMQInteractiveShell.instance(
                config=Config({"HistoryManager": {"enabled": False}}),
                ipython_dir=own,
                user_module=types.ModuleType("__main__"),
            )
        for part in (self.shell.displayhook, self.shell.display_pub):
            part.session = self._session
            part.pub_socket = None
        self.shell.displayhook.topic = b"execute_result"

    def begin(self) -> None:
        """Take this process's standard streams, its main module and its path as a kernel has them."""
        import comm

        sys.modules["__main__"] = self.shell.user_module
        packages = (place for place, path in enumerate(sys.path) if Path(path).name == "site-packages")
        sys.path.insert(next(packages, 0), "")  # where IPython has it
        comm.create_comm = _comm_factory(self._session)
        sys.stdout, sys.stderr = _Stream("stdout", self._session), _Stream("stderr", self._session)


def run_cells(content: Mapping[str, Any], kernel: Kernel) -> Iterator[dict[str, object]]:
    """Run the code cells in order and yield what became of each; stop at the first that fails.

    Yields:
        For each cell ``cell, source_count, outputs, failed``; at the end ``metadata`` of the notebook.
    """
    import nbformat
    from ipykernel.ipkernel import IPythonKernel
    from nbclient import NotebookClient

    notebook = nbformat.from_dict(content)
    client = NotebookClient(notebook)
    client.reset_execution_trackers()
    kernel.begin()
    cells_s = 0.0
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        yield {"start": index}
        started_s = time.perf_counter()
        failed = _run_cell(kernel, client, cell, index)
        cells_s += time.perf_counter() - started_s
        yield {"cell": index, "outputs": cell.outputs, "execution_count": cell.execution_count, "failed": failed}
        if failed:
            break
    if CELL_TIMES in os.environ:
        with Path(os.environ[CELL_TIMES]).open("a", encoding="utf-8") as times:
            times.write(f"{cells_s}\n")
    client.set_widgets_metadata()
    widgets = {"widgets": notebook.metadata.widgets} if "widgets" in notebook.metadata else {}
    yield {"metadata": {"language_info": dict(IPythonKernel.language_info), **widgets}}


def _run_cell(kernel: Kernel, client: NotebookClient, cell: NotebookNode, index: int) -> bool:
    """Run one cell, turn its messages into outputs as nbclient does, and say whether it failed."""
    cell.outputs = []
    cell.execution_count = kernel.shell.execution_count
    client.clear_before_next_output = False
    result = kernel.shell.run_cell(cell.source, store_history=True)
    sys.stdout.flush()
    sys.stderr.flush()
    for message in kernel.messages:
        client.process_message(message, cell, index)
    kernel.messages.clear()
    return not result.success


def _recorder(messages: list[dict[str, Any]]) -> Any:
    """A session that keeps its messages in order instead of sending them."""
    from jupyter_client.session import Session

    class Recorder(Session):
        def send(
            self,
            stream: object,  # noqa: ARG002  (kept, not sent: there is neither a stream nor a receiver)
            msg_or_type: str | dict[str, Any],
            content: Any = None,
            parent: Any = None,
            ident: object = None,  # noqa: ARG002
            buffers: Any = None,
            *_: object,
            **_named: object,
        ) -> dict[str, Any]:
            kept = self.msg(msg_or_type, content, parent) if isinstance(msg_or_type, str) else msg_or_type
            kept["buffers"] = list(buffers or ())
            messages.append(kept)
            return kept

    return Recorder(key=b"")


class _Stream(io.TextIOBase):
    """Standard output or error of a cell, sent when it is flushed as the kernel's is."""

    encoding = "utf-8"

    def __init__(self, name: str, session: Any) -> None:
        self._name, self._session = name, session
        self._waiting: list[str] = []

    def write(self, text: object) -> int:
        """Keep the text until the next flush."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._waiting.append(text)
        return len(text)

    def flush(self) -> None:
        """Send what was written since the last flush."""
        text = "".join(self._waiting)
        self._waiting.clear()
        if text:
            self._session.send(None, "stream", {"name": self._name, "text": text})

    def writable(self) -> bool:
        """A stream can be written."""
        return True


def _comm_factory(session: Any) -> Callable[..., Any]:
    """Comms, by which widgets tell their state, that keep it among the messages."""
    from comm.base_comm import BaseComm

    class Comm(BaseComm):
        def publish_msg(
            self,
            msg_type: str,
            data: Any = None,
            metadata: Any = None,  # noqa: ARG002  (of no use to whoever reads the notebook)
            buffers: Any = None,
            **keys: Any,
        ) -> None:
            content: dict[str, Any] = {"data": data or {}, "comm_id": self.comm_id, **keys}
            session.send(None, msg_type, content, buffers=buffers or ())

    return Comm


if __name__ == "__main__":
    serve(os.getppid())
