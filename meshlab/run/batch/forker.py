"""A process that has imported what notebooks need and forks a kernel for each: an ipykernel that is there at once.

``python -m meshlab.run.batch.forker`` takes requests through its standard input, a socket: each is a socket of its
own, through which a pickled ``(function, arguments)`` comes. A kernel's socket then tells its process number as soon
as the kernel listens, and its exit status when it has ended; whoever closes it early ends the kernel and its children.

This process runs no polars query: polars' threads start with the first one, and threads do not survive a fork.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import io
import os
import pickle
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

KERNEL = (
    "ipykernel.debugger",
    "ipykernel.displayhook",
    "ipykernel.iostream",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "IPython.core.completerlib",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "IPython.utils.wildcard",
    "IPython.core.debugger",
    "pdb",
    "sqlite3",
    "psutil",
    "tornado.platform.asyncio",
)
"""What every kernel imports, some of it late."""

MEMORY = "MESHLAB_NOTEBOOK_MEMORY_GIB"


def load(*names: str) -> None:
    """Import modules, less those that this machine lacks, and let forks leave their memory alone."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # collecting garbage would copy it page by page


def serve(control: socket.socket) -> None:
    """Answer requests until nobody is left who could ask."""
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    kernels: dict[socket.socket, int] = {}
    while True:
        ready, _, _ = select.select([control, woken, *kernels], [], [])
        for asked in ready:
            if asked is woken:
                woken.recv(4096)
                _reap(kernels)
            elif asked is control:
                _, fds, _, _ = socket.recv_fds(control, 1, 1)
                if not fds:
                    _end(kernels.values())
                    return
                _answer(socket.socket(fileno=fds[0]), kernels)
            elif asked in kernels:  # whoever asked is gone
                _end([kernels[asked]])
                os.waitpid(kernels.pop(asked), 0)
                asked.close()


def _answer(asker: socket.socket, kernels: dict[socket.socket, int]) -> None:
    function, arguments = pickle.load(asker.makefile("rb"))  # noqa: S301
    if function is not run_kernel:
        function(*arguments)
        load()
        asker.close()
        return
    pid = os.fork()
    if pid == 0:
        run_kernel(asker, *arguments)
    kernels[asker] = pid


def _reap(kernels: dict[socket.socket, int]) -> None:
    for asker, pid in list(kernels.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _end([pid])
            with suppress(OSError):
                asker.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            kernels.pop(asker).bit_count()
            asker.close()


def _end(groups: Any) -> None:
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def run_kernel(asker: socket.socket, argv: list[str], environment: Mapping[str, str], folder: str) -> None:
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(asker.fileno(), 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    atexit._clear()
    from ipykernel.kernelapp import IPKernelApp
    sys.argv = argv
    app = IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize(argv[1:])
    os.write(3, b"%d\n" % os.getpid())
    os.close(3)
    if "T" in os.environ: 
        import time; import resource; rr=lambda: (lambda r: (round(1e3*r.ru_utime,1),round(1e3*r.ru_stime,1),r.ru_minflt,r.ru_nvcsw,r.ru_nivcsw))(resource.getrusage(resource.RUSAGE_SELF)); print("init", rr(), file=sys.__stderr__)
    app.start()
    if "T" in os.environ: 
        print("cells", rr(), file=sys.__stderr__)
    app.shell.user_ns.clear()
    gc.collect()
    for thing in gc.get_objects():
        if isinstance(thing, io.IOBase) and not thing.closed: 
            with suppress(Exception): thing.flush()
    atexit._run_exitfuncs()
    if "T" in os.environ: 
        print("exit", rr(), file=sys.__stderr__)
    os._exit(0)


if __name__ == "__main__":
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from meshlab.run.batch import forker
    forker.load(*KERNEL, *sys.argv[1:])
    forker.serve(control)
