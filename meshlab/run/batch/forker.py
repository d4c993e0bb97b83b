"""The process from which kernels are forked: it has imported what they need, so that each is there at once.

``python -m meshlab.run.batch.forker`` takes the arguments of an ipykernel less its connection file. What it is asked
comes through its standard input, a socket that passes on sockets of their own: through each comes a pickled function
with arguments, to be called here, or None with what is a kernel's own. A kernel's socket tells that it listens, and
in the end how it ended; whoever closes it early ends the kernel.

This process runs no polars query: polars' threads start with the first one, and threads do not survive a fork.
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import select
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

from ipykernel.kernelapp import IPKernelApp
from IPython.core.application import BaseIPythonApplication

from meshlab.run.batch.kernels import TOLD

LATE = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "psutil",
    "sqlite3",
    "tornado.platform.asyncio",
)
"""What an ipykernel imports as it starts or ends."""

QUIET = "PYDEVD_DISABLE_FILE_VALIDATION"
"""Environment variable without which the debugger, as it is imported, advises whoever reads our standard error."""


class _Configured(BaseIPythonApplication):
    """The first step of a kernel, which is the same for all: its arguments and its configuration."""

    configured = False

    def initialize(self, argv: list[str] | None = None) -> None:
        """Read them, once."""
        if not self.configured:
            super().initialize(argv)
            self.configured = True


class KernelApp(IPKernelApp, _Configured):
    """An ipykernel whose first step is taken before the fork and all others after it."""


class Forker:
    """Answers what it is asked, and knows the kernels that run by their sockets."""

    def __init__(self, control: socket.socket, app: KernelApp) -> None:
        self._control, self._app = control, app
        self._kernels: dict[socket.socket, int] = {}
        self._woken, self._wake = socket.socketpair()
        self._wake.settimeout(0)

    def serve(self) -> bool:
        """Answer until nobody is left who could ask. True in a fork that has become a kernel and is to be started."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        while True:
            for ready in select.select([self._control, self._woken, *self._kernels], [], [])[0]:
                if ready is self._woken:
                    self._woken.recv(1 << 12)
                    self._bury()
                elif ready in self._kernels:  # whoever asked for it is gone
                    _kill([self._kernels[ready]])
                elif ready is self._control:
                    passed = socket.recv_fds(self._control, 1, 1)[1]
                    if not passed:
                        _kill(self._kernels.values())
                        return False
                    if self._answer(socket.socket(fileno=passed[0])):
                        return True

    def _answer(self, asking: socket.socket) -> bool:
        with asking.makefile("rb") as asked:
            function, arguments = pickle.load(asked)  # noqa: S301  (from the process that started this one)
        if function is not None:
            function(*arguments)
            _freeze()
            asking.close()
            return False
        number = os.fork()
        if number == 0:
            self._become_kernel(asking, *arguments)
            return True
        self._kernels[asking] = number
        return False

    def _become_kernel(
        self,
        asking: socket.socket,
        arguments: list[str],
        file: str,
        environment: Mapping[str, str],
        folder: str,
        memory_bytes: int | None,
    ) -> None:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for theirs in (self._control, self._woken, self._wake, *self._kernels):
            theirs.close()
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        if memory_bytes is not None:
            hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, hard))
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed()  # Python's own generator starts anew by itself
        sys.argv[1:] = arguments
        self._app.connection_file, self._app.parent_handle = file, os.getppid()
        self._app.initialize()
        _tell(asking, ended=False, number=os.getpid())
        asking.close()

    def _bury(self) -> None:
        """Tell how each kernel ended that has, and end the processes that it left."""
        for asking, kernel in list(self._kernels.items()):
            number, status = os.waitpid(kernel, os.WNOHANG)
            if number:
                _kill([kernel])
                del self._kernels[asking]
                _tell(asking, ended=True, number=os.waitstatus_to_exitcode(status))
                asking.close()


def _tell(asking: socket.socket, *, ended: bool, number: int) -> None:
    with suppress(OSError):  # nobody is there any more
        asking.sendall(TOLD.pack(ended, number))


def _kill(groups: Iterable[int]) -> None:
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def _freeze() -> None:
    """Let forks leave the memory of all that is here alone: collecting garbage would copy it page by page."""
    gc.collect()
    gc.freeze()


def main() -> None:
    """Get ready and fork kernels; in a fork, be one."""
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    given = os.environ.get(QUIET)
    os.environ[QUIET] = "1"
    for name in LATE:
        import_module(name)
    os.environ.pop(QUIET)
    os.environ.update({QUIET: given} if given else {})
    app = KernelApp.instance()
    _Configured.initialize(app, sys.argv[1:])
    sys.argv[0] = str(getattr(find_spec("ipykernel_launcher"), "origin", ""))
    _freeze()
    if Forker(control, app).serve():
        app.start()
        # what is left to say on the control channel goes through another one, which the app would close first
        app.control_thread.stop()
        app.control_thread.join()


if __name__ == "__main__":
    main()
