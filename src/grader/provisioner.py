"""Kernels in the sandbox, for `jupyter_client`: a provisioner that asks the fork server, and a client in a hurry."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from grader.forkserver import RUN
from grader.records import Limits
from grader.sandbox import ForkServer

_MESSAGE = 32 << 20  # bytes of the largest message that a kernel may send
_FAREWELL = 10  # seconds in which a kernel's keeper must report its end
_READY = 60  # seconds until a kernel must answer


class Forked:
    """A kernel's process as `subprocess.Popen` would show it; its keeper in the sandbox reports over a socket.

    Args:
        life: the socket.
    """

    stdin = stdout = stderr = None

    def __init__(self, life: socket.socket) -> None:
        self._life = life
        self.returncode: int | None = None
        self.pid = -1  # it has none out here

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        if self.returncode is None and select.select([self._life], [], [], 0)[0]:
            self._note()
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        if self.returncode is None:
            self._life.settimeout(_FAREWELL)
            self._note()
        return self.returncode or 0

    def _note(self) -> None:
        try:
            words = self._life.recv(4096).decode("utf-8", "replace").split(maxsplit=1)
        except OSError:
            words = []
        self.problem = " ".join(words) if words[:1] != ["ended"] else ""
        self.returncode = int(words[1]) if len(words) == 2 and words[0] == "ended" else 1
        self._life.close()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self._life.send(b"%d\n" % number)

    def kill(self) -> None:
        """End it, and whatever it has started."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self._life.shutdown(socket.SHUT_WR)

    terminate = kill


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel by asking a fork server; the manager it belongs to says which, and for what files."""

    process: Any  # a `Forked`

    @property
    def manager(self) -> SandboxedManager:
        """The manager that this kernel belongs to."""
        return cast(SandboxedManager, self.parent)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Lay out the kernel's folder, and choose sockets in it."""
        manager = self.manager
        self.folder = Path(tempfile.mkdtemp(dir=manager.server.jobs))
        sockets, work = self.folder / "s", self.folder / "w"
        sockets.mkdir()
        # the notebook with its hidden tests may lie there, too
        shutil.copytree(manager.files, work, symlinks=True, ignore=shutil.ignore_patterns("*.ipynb"))
        for folder, _, files in os.walk(work):
            manager.server.give(Path(folder), *(Path(folder, file) for file in files))
        manager.transport = "ipc"
        manager.ip = str(sockets / "k")
        manager.connection_file = str(self.folder / "connection.json")
        self.cwd = kwargs.pop("cwd", None)
        prepared = await super().pre_launch(**kwargs)
        inside = json.loads(Path(manager.connection_file).read_text())
        inside["ip"] = str((RUN if manager.server.walled else sockets) / "k")
        (sockets / "kernel.json").write_text(json.dumps(inside))
        manager.server.give(self.folder, sockets, sockets / "kernel.json")
        return prepared

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork the kernel; the command is not needed."""
        manager = self.manager
        self.process = Forked(manager.server.fork(self.folder, manager.limits, manager.side, manager.wire))
        self.pid, self.pgid = None, None
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the kernel's folder."""
        await super().cleanup(restart)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def send_signal(self, signum: int) -> None:
        """Send a signal through the keeper."""
        if self.process:
            self.process.send_signal(signum)


class PromptClient(AsyncKernelClient):
    """A client that takes the first answers for ready; the usual one then waits for a fifth of a second of silence.

    An answer must have come on both channels: what a kernel shows is lost as long as nobody is known to listen.

    Attributes:
        process: the kernel's; once it has ended there is nothing to wait for.
    """

    process: Forked

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        until = time.monotonic() + (timeout or _READY)
        answered = False
        while time.monotonic() < until and self.process.poll() is None:
            self.kernel_info()
            with contextlib.suppress(Exception):  # nothing yet
                if not answered:
                    answered = (await self.get_shell_msg(timeout=0.5))["msg_type"] == "kernel_info_reply"
                if answered and await self.get_iopub_msg(timeout=0.1):
                    return
        if self.process.poll() is not None:
            raise RuntimeError("the kernel ended before it answered")
        raise RuntimeError(f"the kernel did not answer in {timeout or _READY:g} seconds")

    wait_for_ready = _async_wait_for_ready


class SandboxedManager(AsyncKernelManager):
    """A kernel in the sandbox.

    Args:
        server: forks it.
        files: a folder of files that it gets a copy of, notebooks apart.
        limits: what it may use.
        side: the module that its end of the line is left to, `grader.answering` or `grader.asking`.
        wire: this end.
    """

    def __init__(self, server: ForkServer, files: Path, limits: Limits, side: str, wire: socket.socket) -> None:
        super().__init__(context=_context(), client_class=f"{__name__}.PromptClient")
        self.server, self.files, self.limits, self.side, self.wire = server, files, limits, side, wire
        self.kernel_id = uuid4().hex
        # chosen here, and not through an entry point and a kernelspec: those that are installed are for everybody
        self._kernel_spec = KernelSpec(argv=["python"], display_name="Python in the sandbox", language="python")
        self.provisioner = SandboxProvisioner(kernel_id=self.kernel_id, kernel_spec=self._kernel_spec, parent=self)

    async def begin(self) -> AsyncKernelClient:
        """Start it, and return a client once it answers.

        Raises:
            RuntimeError: it does not answer.
        """
        await self.start_kernel()
        client = cast(PromptClient, self.client())
        client.process = cast(SandboxProvisioner, self.provisioner).process
        # Some bytes of nonsense from a kernel end the heartbeat's connection; its thread then waits for ever, and
        # whoever stops it waits for the thread. Whether a kernel lives is asked of its keeper.
        client.start_channels(stdin=False, hb=False)
        try:
            await client.wait_for_ready(timeout=_READY)
        except RuntimeError:
            await self.stop(client)
            raise
        return client

    def kill(self) -> None:
        """End it at once, if it was started: nothing in it is worth a farewell. Its end is not waited for."""
        process = cast(SandboxProvisioner, self.provisioner).process
        if process is not None:
            process.kill()

    async def stop(self, client: AsyncKernelClient | None = None) -> None:
        """End it, and wait until it has; its folder is removed."""
        if client is not None:
            client.stop_channels()
        self.kill()
        provisioner = cast(SandboxProvisioner, self.provisioner)
        if provisioner.process is not None:
            provisioner.process.wait()
            await provisioner.cleanup()
        await self._async_cleanup_resources()


@functools.cache
def _context() -> zmq.asyncio.Context:
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, _MESSAGE)
    context.setsockopt(zmq.LINGER, 0)
    return context
