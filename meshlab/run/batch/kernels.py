"""Kernels by fork."""
from __future__ import annotations

import asyncio
import os
import pickle
import select
import socket
import subprocess
import sys
import threading
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from traitlets import default

from meshlab.run.batch import forker


class Forker:
    def __init__(self, *modules: str, control=None) -> None:
        if control is not None:
            self._control = control
            return
        self._control, theirs = socket.socketpair()
        subprocess.Popen([sys.executable, "-P", "-m", "meshlab.run.batch.forker", *modules], stdin=theirs, start_new_session=True)
        theirs.close()

    def ask(self, function: Any, *arguments: Any) -> socket.socket:
        ours, theirs = socket.socketpair()
        socket.send_fds(self._control, [b"x"], [theirs.fileno()])
        theirs.close()
        ours.sendall(pickle.dumps((function, arguments)))
        return ours

_F = []
def forker_():
    if not _F: _F.append(Forker(*os.environ.get("MODS","").split()))
    return _F[0]

class Forked:
    stdin = stdout = stderr = None
    def __init__(self, asked: socket.socket):
        self._answers = asked.makefile("rb")
        self._asked = asked
        self.pid = int(self._answers.readline())
        self.returncode = None
    def poll(self):
        if self.returncode is None and select.select([self._asked], [], [], 0)[0]:
            self.wait()
        return self.returncode
    def wait(self):
        if self.returncode is None:
            self.returncode = int(self._answers.readline() or -9)
        return self.returncode
    def send_signal(self, n):
        if self.poll() is None: os.kill(self.pid, n)
    def kill(self): self.send_signal(9)
    def terminate(self): self.send_signal(15)

class ForkedProvisioner(LocalProvisioner):
    async def launch_kernel(self, cmd, **kw):
        env = kw["env"]
        self.process = Forked(forker_().ask(forker.run_kernel, cmd[2:], dict(env), kw.get("cwd") or os.getcwd()))
        self.pid = self.pgid = self.process.pid
        return self.connection_info
    async def shutdown_requested(self, restart=False):
        await asyncio.get_running_loop().run_in_executor(None, self.process.wait) if 0 else None
        self.process.wait()

class Client(AsyncKernelClient):
    def start_channels(self, **k):
        super().start_channels(hb=False)
    async def wait_for_ready(self, timeout=None):
        while (await self.iopub_channel.get_msg(timeout=timeout))["msg_type"] != "iopub_welcome":
            pass

class Manager(AsyncKernelManager):
    client_factory = Client
    def __init__(self, **named):
        super().__init__(**named)
        import tempfile
        self.transport = "ipc"
        fd, self.connection_file = tempfile.mkstemp(".json"); os.close(fd)
        self.provisioner = ForkedProvisioner(kernel_spec=self.kernel_spec, parent=self)
