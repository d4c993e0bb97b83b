"""Many tasks at a time, on this machine or on a Dask cluster, with results and errors coming back the same.

On one machine the standard library's process pool does it; a worker that dies breaks that pool, so it is made anew
and what was under way is done again. Its pipe carries names of files alone: who reads a result that its worker's death
has cut off waits for ever. Dask does the same by itself.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from multiprocessing import get_all_start_methods, get_context, parent_process
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory, gettempdir
from threading import Thread, current_thread, main_thread
from typing import Any, Generic, TypeVar

from meshlab.errors import MeshlabError, Problem, from_extra
from meshlab.run.batch.warm import MAIN, PARENT, last_words

Item = TypeVar("Item")
Result = TypeVar("Result")

ENDS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]
"""Signals that end a command."""

TRIES = 3
"""How often a task is begun whose worker dies."""

AHEAD = 4
"""Tasks handed to the pool for each worker: enough to keep it busy, few enough to bound memory."""


SAFE_PATH = "PYTHONSAFEPATH"
"""Environment variable that keeps modules of the folder in which a user happens to be out of a new interpreter."""

METHOD = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
"""How workers are started: never as forks of this process, whose polars threads would be missing in them."""

Begin = tuple[Callable[..., object], tuple[object, ...]]
"""What each worker of this machine calls first: a function and its arguments."""


def start_early() -> None:
    """Let the process import from which all workers of this machine are forked, while this one does other things."""
    if METHOD == "forkserver":
        from multiprocessing import forkserver, resource_tracker

        get_context(METHOD).set_forkserver_preload(["meshlab.run.batch.server"])
        given = dict(os.environ)
        main = getattr(sys.modules["__main__"], "__file__", None)
        main = os.path.abspath(main) if main else ""  # noqa: PTH100  (as multiprocessing has it)
        told = {SAFE_PATH: "1", PARENT: str(os.getpid()), MAIN: main}
        os.environ.update(told)
        resource_tracker.ensure_running()
        # Ctrl-C is for the command: a Python that starts would end in a traceback (``server`` takes it up again)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            forkserver.ensure_running()
        except OSError as error:  # the path of a socket has at most 108 characters
            what, todo = f"takes no socket: {error}", "set TMPDIR to a short path"
            raise MeshlabError(Problem(gettempdir(), what, todo)) from error
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            for name in told:
                os.environ.pop(name)
            os.environ.update(given)


class Pool:
    """Workers, and the executor that leads them, which can be made anew; and a folder through which results go."""

    def __init__(self, make: Callable[[], Executor], workers: int, folder: str | None = None) -> None:
        self._make, self.workers, self.folder = make, workers, folder
        self.executor = make()

    def renew(self) -> None:
        """Give up an executor whose workers died, and make another."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.executor = self._make()

    def run(
        self, task: Callable[..., Result], items: Iterable[tuple[Item, tuple[object, ...]]]
    ) -> Iterator[tuple[Item, Result | BaseException]]:
        """Run ``task(*arguments)`` for each item and yield each with its result or error, as they come."""
        yield from _Run[Item, Result](task, self, AHEAD * self.workers).run(iter(items))


def open_pool(jobs: int | None, scheduler: str | None = None, begin: Begin = (int, ())) -> AbstractContextManager[Pool]:
    """Workers on this machine, as many as cores unless said, or those of a Dask cluster (``tcp://host:8786``).

    ``begin`` is what each worker on this machine calls first.

    Raises:
        MeshlabError: There is no Dask, or no scheduler at the address.
    """
    return _cluster(scheduler) if scheduler else _local(jobs or os.cpu_count() or 1, begin)


@contextmanager
def _local(workers: int, begin: Begin) -> Generator[Pool]:
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    arguments = (begin, {"POLARS_MAX_THREADS": threads, **os.environ})
    context = get_context(METHOD)

    def make() -> Executor:
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=arguments)

    with TemporaryDirectory(prefix="meshlab-", ignore_cleanup_errors=True) as folder:
        pool = Pool(make, workers, folder)
        try:
            yield pool
        finally:
            pool.executor.shutdown(wait=True, cancel_futures=True)


def _left(folder: str, task: Callable[..., object], *arguments: object) -> str:
    """Leave the result of a task in a file of a folder, and tell its name."""
    result = task(*arguments)
    with NamedTemporaryFile(dir=folder, delete=False) as file:
        pickle.dump(result, file)
    return file.name


def _taken(name: str) -> Any:
    """The result that a worker has left."""
    content = Path(name).read_bytes()
    Path(name).unlink()
    return pickle.loads(content)  # noqa: S301  (a worker of our own wrote it, to a folder that only we can write to)


def _begin(begin: Begin, environment: Mapping[str, str]) -> None:
    """Begin as a worker: the process that it was forked from may be older than its environment."""
    os.environ.clear()
    os.environ.update(environment)
    function, arguments = begin
    try:
        function(*arguments)
    except BaseException as error:  # noqa: BLE001  (the pool would print a traceback; it makes another worker)
        if not isinstance(error, EOFError | OSError | KeyboardInterrupt):  # who begins workers says so, or is gone
            last_words(error)
        os._exit(1)
    _end_with_parent()


@contextmanager
def _uninterrupted() -> Generator[None]:
    """Signals wait: a worker that is begun meanwhile would be unknown, outlive the command and end in a traceback."""
    known = {number: signal.getsignal(number) for number in ENDS} if current_thread() is main_thread() else {}
    waiting: list[tuple[int, Any]] = []
    handlers = {number: handler for number, handler in known.items() if callable(handler)}

    def note(number: int, frame: Any) -> None:
        waiting.append((number, frame))

    for number in handlers:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for number, frame in waiting:
        handlers[number](number, frame)


def _end_with_parent() -> None:
    """End this worker when the process that asked is gone: its queue alone would never tell."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def _cluster(address: str) -> Generator[Pool]:
    with from_extra("dask", "--scheduler"):
        dask: Any = import_module("distributed")
        connect: Any = import_module("distributed.comm").connect

    async def knock() -> None:
        """A client that cannot connect takes 20 s to end, with a traceback: it is made of what answers alone."""
        await (await connect(address, timeout=10, **dask.Security().get_connection_args("client"))).close()

    try:
        with ThreadPoolExecutor(1) as executor:  # the thread of a notebook runs an event loop already
            executor.submit(asyncio.run, knock()).result()
        client = dask.Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # the last one where TLS is not set up
        raise MeshlabError(
            Problem("--scheduler", f"no Dask scheduler at {address!r}: {error}", "check the address and that it runs")
        ) from error
    with client:
        workers = sum(info["nthreads"] for info in client.scheduler_info(n_workers=-1)["workers"].values()) or 1
        yield Pool(lambda: client.get_executor(pure=False, retries=TRIES - 1), workers)


class _Run(Generic[Item, Result]):
    """Tasks under way, each with what is needed to begin it again."""

    def __init__(self, task: Callable[..., Result], pool: Pool, at_once: int) -> None:
        self._pool, self._at_once = pool, at_once
        self._task: Callable[..., Any] = partial(_left, pool.folder, task) if pool.folder else task
        self._under_way: dict[Future[Any], tuple[Item, tuple[object, ...], int]] = {}

    def run(self, items: Iterator[tuple[Item, tuple[object, ...]]]) -> Iterator[tuple[Item, Result | BaseException]]:
        while True:
            for item, arguments in islice(items, self._at_once - len(self._under_way)):
                self._begin(item, arguments, 1)
            if not self._under_way:
                return
            for future in wait(self._under_way, return_when=FIRST_COMPLETED).done:
                if future in self._under_way:
                    yield from self._settle(future)

    def _begin(self, item: Item, arguments: tuple[object, ...], attempt: int) -> None:
        with _uninterrupted():
            try:
                future = self._pool.executor.submit(self._task, *arguments)
            except BrokenProcessPool:
                self._pool.renew()
                future = self._pool.executor.submit(self._task, *arguments)
        self._under_way[future] = (item, arguments, attempt)

    def _settle(self, future: Future[Any]) -> Iterator[tuple[Item, Result | BaseException]]:
        error = future.exception()
        if not isinstance(error, BrokenProcessPool):
            item, _, _ = self._under_way.pop(future)
            if error is None:
                yield item, _taken(future.result()) if self._pool.folder else future.result()
            else:
                yield item, error
            return
        # the pool does not tell whose task killed its worker: all that were under way are begun again
        self._pool.renew()
        lost, self._under_way = self._under_way, {}
        for item, arguments, attempt in lost.values():
            if attempt < TRIES:
                self._begin(item, arguments, attempt + 1)
            else:
                yield item, error
