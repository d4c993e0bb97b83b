"""Kernels that are forked from a process which has imported everything: a provisioner, as Jupyter calls it.

Any client of Jupyter gets them by the kernelspec ``meshlab``, papermill by its engine of that name, for notebooks that
ask for ``python3``. What is no ipykernel of this interpreter is started as Jupyter always does it.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.session import new_id
from traitlets import Float, List, Unicode, default

from meshlab.errors import MeshlabError, Problem

TOLD = struct.Struct("!?i")
"""What the socket of a kernel tells: that it listens and its process number, or that it has ended and its status."""

IN_MEMORY = "--HistoryManager.hist_file=:memory:"
"""The argument that nbclient gives a kernel: its history goes into no file."""

MEMORY = "MESHLAB_NOTEBOOK_MEMORY_GIB"
"""Environment variable that bounds the memory of each notebook."""

READ_AT_START = (
    *("DYLD_", "HOME", "IPYTHON", "JUPYTER", "LANG", "LC_", "LD_", "MALLOC_", "MKL_", "MPL", "NUMBA_", "NUMEXPR_"),
    *("OMP_", "OPENBLAS_", "PLOTLY_", "POLARS_", "PYDEVD_", "PYTHON", "TZ", "XDG_"),
)
"""How variables begin that an interpreter or a library reads as it starts: for a change of them a fork is too late."""

LONGEST_NAME = 80
"""Longest name of a connection file beside which its sockets have room for theirs. [characters]"""

PATIENCE_S = 1.0
"""Longest time that a kernel's first words and its end are waited for before Jupyter's own ways are taken. [s]"""


def memory_gib() -> float | None:
    """Most private memory that a notebook may take, where the environment bounds it; ``inf`` is no bound. [GiB]

    Raises:
        MeshlabError: It is no such number.
    """
    text = os.environ.get(MEMORY)
    try:
        bound = float(text) if text else None
    except ValueError:
        bound = -1.0
    if bound is not None and not bound > 0:
        raise MeshlabError(Problem(MEMORY, f"{text!r} is no amount of memory", "give GiB, such as 4, or inf"))
    return bound


def forker_command(*arguments: str, options: Sequence[str] = ()) -> list[str]:
    """Command of a process that forks kernels of these arguments; -P: modules of a user's folder are none of ours."""
    return [sys.executable, *options, "-P", "-m", "meshlab.run.batch.forker", *arguments]


class Forker:
    """The process from which kernels are forked, replaced where one needs another command or variables at its start.

    It ends with the last process that holds its socket; a worker to whom this is sent holds it, too.
    """

    def __init__(self) -> None:
        self._of: tuple[list[str], dict[str, str]] | None = None
        self._calls: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name not in ("_lock", "_process")}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    @property
    def prepared(self) -> bool:
        """Whether it has been told what to do before it forks."""
        return bool(self._calls)

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the process, unless one for the same was started."""
        if self._of != _identity(command, environment):
            self._start(command, environment)

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (a kernelspec's command with our module in it)
                command, env=environment, stdin=theirs.fileno(), start_new_session=True
            )
        self._of = _identity(command, environment)
        for function, arguments in self._calls:
            self._ask(function, *arguments).close()

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Have a function called there before the next kernel is forked, and in whatever process takes its place."""
        with self._lock:
            if (function, arguments) not in self._calls:
                self._calls.append((function, arguments))
                if self._of:
                    with suppress(OSError):  # it has died: the next one is told
                        self._ask(function, *arguments).close()

    def fork(self, command: Sequence[str], environment: Mapping[str, str], *arguments: object) -> socket.socket:
        """Fork a kernel, and give the socket through which it tells of its start and its end."""
        with self._lock:
            self.start(command, environment)
            with suppress(OSError):
                return self._ask(None, *arguments)
            self._start(command, environment)  # the other has died
            return self._ask(None, *arguments)

    def _ask(self, function: Callable[..., object] | None, *arguments: object) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"?"], [theirs.fileno()])
        ours.sendall(pickle.dumps((function, arguments)))
        return ours


def _identity(command: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """What kernels of one forker have in common."""
    return [*command], {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


forker = Forker()
"""This process's own. A worker puts that of the process which asks in its place."""


class Forked:
    """A forked kernel, with what a provisioner needs of ``Popen``."""

    stdin = stdout = stderr = None

    def __init__(self, answers: socket.socket) -> None:
        answers.settimeout(0)
        self._answers = answers
        self.pid = 0
        self.returncode: int | None = None

    async def begin(self) -> None:
        """Wait until it listens.

        Raises:
            RuntimeError: It ended instead.
        """
        await self._hear()
        if self.returncode is not None:
            raise RuntimeError(f"the kernel ended with status {self.returncode} as it started")

    async def end(self) -> None:
        """Wait until it has ended, no longer than ``PATIENCE_S``."""
        if self.returncode is None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._hear(), PATIENCE_S)

    async def _hear(self) -> None:
        self._note(await asyncio.get_running_loop().sock_recv(self._answers, TOLD.size))

    def _note(self, told: bytes) -> None:
        # without its forker a kernel ends within a second
        ended, number = TOLD.unpack(told) if told else (True, -signal.SIGKILL)
        if ended:
            self.returncode = number
            self._answers.close()
        else:
            self.pid = number

    def poll(self) -> int | None:
        """Exit status, or None while it runs."""
        if self.returncode is None:
            with suppress(BlockingIOError):
                self._note(self._answers.recv(TOLD.size))
        return self.returncode

    wait = poll  # asked only of a kernel that has ended

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkedProvisioner(LocalProvisioner):
    """Forks ipykernels of this interpreter, and starts every other kernel as Jupyter does."""

    modules: Any = List(Unicode(), help="Modules to import before kernels are forked.").tag(config=True)
    memory_gib: Any = Float(allow_none=True, help="Most private memory that a kernel may take. [GiB]").tag(config=True)

    @default("memory_gib")
    def _bound(self) -> float | None:
        return memory_gib()

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel of a command."""
        options, arguments = _split(cmd)
        if not arguments or kwargs.keys() - {"env", "cwd", "extra_arguments", "kernel_id"}:
            return await super().launch_kernel(cmd, **kwargs)
        for name in self.modules:
            forker.call(import_module, name)
        file, environment = arguments.index("-f"), kwargs["env"]
        self.cwd = str(kwargs.get("cwd") or os.getcwd())  # noqa: PTH109  (as text)
        memory_bytes = None if self.memory_gib in (None, float("inf")) else int(self.memory_gib * 2**30)
        self.process = Forked(
            forker.fork(
                forker_command(*arguments[:file], *arguments[file + 2 :], options=options),
                environment,
                *(arguments, arguments[file + 1], environment, self.cwd, memory_bytes),
            )
        )
        await self.process.begin()
        self.pid = self.pgid = self.process.pid
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  (Jupyter's)
        """Wait for an end that comes at once."""
        if isinstance(self.process, Forked):
            await self.process.end()

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002  (Jupyter's)
        """End the kernel and all processes of its group."""
        await super().kill(restart=restart)
        await self.shutdown_requested()


def _split(command: list[str]) -> tuple[list[str], list[str]]:
    """Options of the interpreter and arguments of the kernel; none where it cannot be forked from this interpreter."""
    module = command.index("-m") if "-m" in command[:-1] else 0
    ours = hasattr(os, "fork") and command[0] == sys.executable and command[module + 1] == "ipykernel_launcher"
    return (command[1:module], command[module + 2 :]) if ours and "-f" in command[:-1] else ([], [])


class Client(AsyncKernelClient):
    """A client of a kernel that is known to listen."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        # it counts its messages apart from the manager: by one name two requests would have one number
        self.session.session = new_id()

    def start_channels(self, *args: bool, **named: bool) -> None:
        """Start all channels but the heartbeat: the forker tells when the kernel has ended."""
        super().start_channels(*args, **{"hb": False, **named})

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  (Jupyter's)
        """Wait for the kernel's welcome, after which no output is missed; as others do where none comes."""
        manager: Any = self.parent
        with suppress(Empty):
            while isinstance(manager.provisioner.process, Forked):
                if (await self.iopub_channel.get_msg(timeout=PATIENCE_S))["msg_type"] == "iopub_welcome":
                    return
        await super().wait_for_ready(timeout)


class Manager(AsyncKernelManager):
    """A manager whose kernel is forked, unless its kernelspec names another provisioner."""

    client_factory: Any = Client

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        spec: Any = self.kernel_spec
        if "kernel_provisioner" not in spec.metadata:
            self.provisioner = ForkedProvisioner(kernel_spec=spec, parent=self)
        made, name = tempfile.mkstemp(".json")
        os.close(made)
        self.connection_file = name
        if hasattr(os, "fork") and len(name) <= LONGEST_NAME:
            self.transport = "ipc"  # sockets that no other user can open, instead of ports
