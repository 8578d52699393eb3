"""Kernels that start with their imports done: forked from one process that has imported what many pages import."""

import ast
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import IO, Any, cast
from uuid import uuid4

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbformat import NotebookNode

_FEW_PAGES = 3  # for so few the imports are not worth sharing
_SERVER = Path(__file__).with_name("fork_server.py")


def shared_imports(notebooks: Iterable[NotebookNode]) -> list[str]:
    """The modules that more than a few of the pages import, in the order in which they first do."""
    counted: Counter[str] = Counter()
    for notebook in notebooks:
        code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        with contextlib.suppress(SyntaxError):
            counted.update(list(dict.fromkeys(_imports(ast.parse(code)))))
    return [module for module, pages in counted.items() if pages > _FEW_PAGES]


def _imports(code: ast.Module) -> Iterator[str]:
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)  # a module, perhaps


@contextlib.contextmanager
def forked_kernels(notebooks: list[NotebookNode]) -> Iterator[type[AsyncKernelManager] | None]:
    """A class of managers whose kernels are forked; None where ordinary ones do as well, or forking is not safe."""
    modules = shared_imports(notebooks)
    if not modules or not _can_be_watched():
        yield None
        return
    server = subprocess.Popen(
        [sys.executable, "-P", _SERVER, *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    requests, answers = cast("tuple[IO[str], IO[str]]", (server.stdin, server.stdout))
    with server:  # closes its input at the end, which ends it
        alone = answers.readline().strip() == "1"  # with more threads, a fork of it would be a gamble
        lock = Lock()

        def fork(arguments: list[str], folder: str) -> int:
            with lock, contextlib.suppress(OSError):
                requests.write(json.dumps({"arguments": arguments, "folder": folder}) + "\n")
                requests.flush()
                if kernel := answers.readline():
                    return int(kernel)
            raise RuntimeError("The process that forks the pages' kernels has ended.")

        class Manager(AsyncKernelManager):
            async def _async_pre_start_kernel(self, **kwargs: Any) -> tuple[list[str], dict[str, Any]]:
                self.kernel_id = self.kernel_id or uuid4().hex
                if self.provisioner is None:
                    self.provisioner = _Provisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
                    self.provisioner.fork = fork
                return await super()._async_pre_start_kernel(**kwargs)

        yield Manager if alone else None


def _can_be_watched() -> bool:
    """Whether this system tells when a process ends that is not one's child: Linux does, from 5.3 on."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


class _Provisioner(LocalProvisioner):
    """Has its kernel forked instead of started."""

    process: Any  # a `_Forked`
    fork: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        self.cwd = kwargs.get("cwd") or Path.cwd()
        self.process = _Forked(self.fork(arguments, str(self.cwd)))
        self.pid = self.process.pid
        return self.connection_info


class _Forked:
    """A kernel's process as `subprocess.Popen` would show it, though it is not this process's child."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:  # ended already
            self._handle = -1

    def poll(self) -> int | None:
        """None while it runs; else 0, whatever its status was."""
        if self._handle >= 0 and select.select([self._handle], [], [], 0)[0]:
            self._close()
        return None if self._handle >= 0 else 0

    def wait(self) -> int:
        """Wait for its end."""
        if self._handle >= 0:
            select.select([self._handle], [], [])
            self._close()
        return 0

    def _close(self) -> None:
        os.close(self._handle)
        self._handle = -1

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self._handle >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)
