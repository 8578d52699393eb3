"""The two kernels of one notebook, and what passes between them: questions of the tests', answers of the student's."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from jupyter_client.asynchronous.client import AsyncKernelClient
from nbclient.exceptions import DeadKernelError

from grader.forkserver import WIRE
from grader.grading import Grading
from grader.line import GRACE
from grader.provisioner import SandboxedManager, SandboxProvisioner

PATIENCE = 3.0  # seconds in which a kernel that has nothing else to do must answer
_HASTE = 0.5  # seconds in which tests must be done once the student's side has stopped answering
_TESTS = "__import__('grader.asking').asking.tests"


class Pair:
    """The two kernels of one notebook, and the line between them."""

    def __init__(self, grading: Grading, files: Path) -> None:
        ours, theirs = socket.socketpair()
        self._sockets = (ours, theirs)
        self.student = SandboxedManager(grading.server, files, grading.limits, ours)
        self.tests = SandboxedManager(grading.server, grading.given, grading.limits, theirs)
        self.clients: dict[str, AsyncKernelClient] = {}

    async def start(self) -> None:
        """Start both."""
        started = await asyncio.gather(self.student.begin(), self.tests.begin())
        for end in self._sockets:
            end.close()
        self.clients = dict(zip(("student", "tests"), started, strict=True))
        await self.quietly("tests", f"import grader.asking; grader.asking.connect({WIRE})", PATIENCE)

    async def quietly(self, side: str, code: str, seconds: float, *, value: str | None = None) -> Any:
        """Run code that is no cell; returns the text of a value.

        Raises:
            DeadKernelError: no answer.
        """
        client = self.clients[side]
        number = client.execute(
            code, silent=True, store_history=False, user_expressions={"value": value} if value else None
        )
        content = (await self.reply(side, number, seconds))["content"]
        return content.get("user_expressions", {}).get("value", {}).get("data", {}).get("text/plain")

    async def reply(self, side: str, number: str, seconds: float) -> dict[str, Any]:
        """Wait for the answer to a request.

        Raises:
            DeadKernelError: no answer.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(Exception):  # nothing came, or something that makes no sense
                message = await self.clients[side].get_shell_msg(timeout=left)
                if message["parent_header"].get("msg_id") == number:
                    return dict(message)
        raise DeadKernelError(f"The {side} kernel does not answer.")

    async def ask(self, question: str, seconds: float = PATIENCE) -> Any:
        """Ask the tests' kernel, a call of a method of `grader.asking.Tests`; the text of what it returns.

        Raises:
            DeadKernelError: no answer.
        """
        return await self.quietly("tests", "", seconds, value=f"{_TESTS}.{question}")

    async def imported(self) -> list[str]:
        """What the tests have imported; nothing where their kernel does not answer."""
        with contextlib.suppress(DeadKernelError):
            return list(ast.literal_eval(await self.ask("imported()") or "[]"))
        return []

    async def with_answers(
        self, source: str, seconds: float, work: Callable[[], Awaitable[None]], late: Callable[[], None]
    ) -> str | None:
        """Have the student's kernel answer what the tests' asks while something is done there.

        Args:
            source: the cell that will ask.
            seconds: for all answers together; then the student's code is interrupted.
            work: what is to be done.
            late: called when it is interrupted.

        Returns:
            What has broken the connection; None where nothing has.

        Raises:
            DeadKernelError: one of the kernels does not do its part.
        """
        answer = f"__import__('grader.answering').answering.answer({WIRE})"
        number = self.clients["student"].execute(answer, silent=True, store_history=False)
        answering = asyncio.ensure_future(self.reply("student", number, seconds + 3 * GRACE))
        interrupt = asyncio.get_running_loop().call_later(seconds, self._interrupt, late)

        async def ask_and_work() -> str | None:
            await self.ask(f"begin({source!r}, {seconds:.3f})", seconds + 2 * GRACE)
            await work()
            broken = await self.ask("end()")
            return None if broken == "None" else str(broken or "The tests' kernel died.")[1:-1]

        working = asyncio.ensure_future(ask_and_work())
        try:
            await asyncio.wait({answering, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():  # it ended before it was asked to, or is dead
                await asyncio.wait({working}, timeout=_HASTE)
            if not working.done():
                raise DeadKernelError("The student's kernel does not answer the tests.")
            if (broken := await working) is None:
                await asyncio.wait_for(answering, GRACE)
            return broken
        except TimeoutError:
            raise DeadKernelError("The student's kernel does not rest after the tests.") from None
        finally:
            interrupt.cancel()
            for task in (answering, working):
                task.cancel()
                with contextlib.suppress(BaseException):
                    await task

    def _interrupt(self, late: Callable[[], None]) -> None:
        """Have the student's code raise KeyboardInterrupt."""
        late()
        cast(SandboxProvisioner, self.student.provisioner).process.send_signal(signal.SIGINT)

    async def stop(self) -> None:
        """End both."""
        for end in self._sockets:
            end.close()
        for side, manager in (("student", self.student), ("tests", self.tests)):
            with contextlib.suppress(Exception):
                await manager.stop(self.clients.get(side))
