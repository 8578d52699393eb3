"""The two kernels of one notebook, and what passes between them: questions of the tests', answers of the student's."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from jupyter_client.asynchronous.client import AsyncKernelClient
from nbclient.exceptions import DeadKernelError

from grader.asking import NOTE, PATIENCE
from grader.grading import Grading
from grader.provisioner import SandboxedManager, SandboxProvisioner

_OURS = 60.0  # seconds in which the tests' kernel must answer what is no test: it is ours, and has little to do
_TESTS = "__import__('grader.asking').asking.tests"


class Pair:
    """The two kernels of one notebook, and the line between them; in an ``async with`` block, started and ended."""

    def __init__(self, grading: Grading, files: Path) -> None:
        ours, theirs = socket.socketpair()
        self._sockets = (ours, theirs)
        self.student = SandboxedManager(grading.server, files, grading.limits, "grader.answering", ours)
        self.tests = SandboxedManager(grading.server, grading.given, grading.limits, "grader.asking", theirs)
        self.clients: dict[str, AsyncKernelClient] = {}
        self._unread: list[tuple[str, str | None]] = []

    async def start(self) -> None:
        """Start both."""
        started = await asyncio.gather(self.student.begin(), self.tests.begin())
        for end in self._sockets:
            end.close()
        self.clients = dict(zip(("student", "tests"), started, strict=True))

    async def quietly(
        self, side: str, code: str, seconds: float, *, value: str | None = None, note: dict[str, Any] | None = None
    ) -> Any:
        """Run code that is no cell of the notebook as its students see it; what it shows is not looked at.

        Args:
            side: "student" or "tests".
            code: what to run.
            seconds: for the answer.
            value: an expression to evaluate after it.
            note: see `note`.

        Returns:
            The text of the value.

        Raises:
            DeadKernelError: no answer.
        """
        client = self.clients[side]
        expressions = {"value": value} if value else None
        with noting(client, note):
            number = client.execute(code, silent=note is None, store_history=False, user_expressions=expressions)
        content = (await self._reply(side, number, seconds))["content"]
        return content.get("user_expressions", {}).get("value", {}).get("data", {}).get("text/plain")

    async def _reply(self, side: str, number: str, seconds: float) -> dict[str, Any]:
        process = cast(SandboxProvisioner, self.manager(side).provisioner).process
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and process.poll() is None:
            with contextlib.suppress(Exception):  # nothing came, or something that makes no sense
                message = await self.clients[side].get_shell_msg(timeout=min(left, 1))
                if message["parent_header"].get("msg_id") == number:
                    return dict(message)
        raise DeadKernelError(f"The {side} kernel does not answer.")

    def manager(self, side: str) -> SandboxedManager:
        """Of the kernel of one side, "student" or "tests"."""
        return self.student if side == "student" else self.tests

    async def ask(self, question: str) -> Any:
        """Ask the tests' kernel, a call of a method of `grader.asking.Tests`; the text of what it returns.

        Raises:
            DeadKernelError: no answer.
        """
        return await self.quietly("tests", "", _OURS, value=f"{_TESTS}.{question}")

    def read(self, source: str, stub: str | None) -> None:
        """Have the tests' kernel read a cell of the student's, before whatever it does next; see `grader.asking`."""
        self._unread.append((source, stub))

    def note(self, seconds: float) -> dict[str, Any]:
        """What a request to the tests' kernel must bring, if its cell may ask, and for how many seconds."""
        return {NOTE: {"read": self._taken(), "seconds": seconds}}

    def _taken(self) -> list[tuple[str, str | None]]:
        unread, self._unread = self._unread, []
        return unread

    async def needs_students(self, source: str) -> bool:
        """Whether a cell of the instructor's, no test, needs what is the student's.

        Raises:
            DeadKernelError: no answer.
        """
        return bool(await self.ask(f"needs_students({source!r}, {self._taken()!r})") == "True")

    async def must_answer(self) -> None:
        """Make sure that the student's kernel answers, and still runs what it is given.

        Raises:
            DeadKernelError: it does not.
        """
        if (broken := await self.ask("lost()")) != "None":
            raise DeadKernelError(str(broken))
        if not await self.runs():
            raise DeadKernelError("The student's kernel runs nothing any more.")

    async def runs(self) -> bool:
        """Whether the student's kernel still runs what it is given; only its own cells lose by what it pretends."""
        number, where = secrets.token_hex(4), "__import__('grader.answering').answering.ran"
        with contextlib.suppress(DeadKernelError):
            ran = await self.quietly("student", f"{where} = '{number}'", PATIENCE, value=where)
            return bool(ran == repr(number))
        return False

    @contextlib.contextmanager
    def interrupting(self, seconds: float, late: Callable[[], None]) -> Iterator[None]:
        """For so long the student's code may answer; then it raises KeyboardInterrupt, and ``late`` is called."""

        def interrupt() -> None:
            late()
            cast(SandboxProvisioner, self.student.provisioner).process.send_signal(signal.SIGINT)

        timer = asyncio.get_running_loop().call_later(seconds, interrupt)
        try:
            yield
        finally:
            timer.cancel()

    async def imported(self) -> list[str]:
        """What the tests have imported; nothing where their kernel does not answer."""
        with contextlib.suppress(DeadKernelError):
            return list(ast.literal_eval(await self.ask("imported()") or "[]"))
        return []

    async def __aenter__(self) -> Pair:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End both."""
        for end in self._sockets:
            end.close()
        for manager in (self.student, self.tests):  # both before the wait for one
            manager.kill()
        for side, manager in (("student", self.student), ("tests", self.tests)):
            with contextlib.suppress(Exception):
                await manager.stop(self.clients.get(side))


@contextlib.contextmanager
def noting(client: AsyncKernelClient, note: dict[str, Any] | None) -> Iterator[None]:
    """Have requests bring a note."""
    client.session.metadata = note or {}
    try:
        yield
    finally:
        client.session.metadata = {}
