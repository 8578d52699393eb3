"""Runs a notebook in two kernels: the student's cells in one, the tests in one that no code of a student's enters."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_core.utils import run_sync
from nbclient.client import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader import utils
from nbgrader.preprocessors import Execute

from grader.asking import GRACE
from grader.canonical import Cells, in_students_process
from grader.forkserver import WIRE
from grader.provisioner import SandboxedManager, SandboxProvisioner
from grader.records import Limits
from grader.sandbox import ForkServer

_GRACE = 3.0  # seconds after which a kernel that was asked to stop is ended
_RESTARTS = 8  # of one notebook's kernels; who kills more of them is not given another
_STARTS = 3  # in vain, one after another, that are the grader's trouble and no student's
_HASTE = 0.5  # seconds in which tests must be done once the student's side has stopped answering
_QUESTION = "__import__('grader.asking').asking.tests"


@dataclass
class Grading:
    """What the converters need to know of one submission, and what they learn of it.

    Attributes:
        server: forks its kernels.
        limits: what it may use.
        given: folder of the instructor's files.
        imports: by notebook, what the tests may count on being imported.
        cells: by notebook, what the gradebook knows of its cells.
        flags: what an instructor should know, with details.
        seconds: wall time in cells, and in starting kernels.
    """

    server: ForkServer
    limits: Limits
    given: Path
    imports: dict[str, str] = field(default_factory=dict)
    cells: dict[str, Cells] = field(default_factory=dict)
    flags: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def flag(self, name: str, detail: str) -> None:
        """Note something."""
        self.flags.setdefault(name, []).append(detail)

    def __deepcopy__(self, memo: dict[int, Any]) -> Grading:
        return self  # nbconvert copies the resources that it hands on


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
        await self.quietly("tests", f"import grader.asking; grader.asking.connect({WIRE})", _GRACE)

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

    def interrupt_student(self) -> None:
        """Have the student's code raise KeyboardInterrupt."""
        cast(SandboxProvisioner, self.student.provisioner).process.send_signal(signal.SIGINT)

    async def stop(self) -> None:
        """End both."""
        for end in self._sockets:
            end.close()
        for side, manager in (("student", self.student), ("tests", self.tests)):
            with contextlib.suppress(Exception):
                await manager.stop(self.clients.get(side))


class SplitExecute(Execute):
    """In place of nbgrader's `Execute`; ``resources["grader"]`` is the submission's `Grading`."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: None = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Run one notebook. A test that did not run to its end holds an error, whatever happened."""
        NotebookClient.__init__(self, nb, None)
        self.nb: NotebookNode = nb
        self.reset_execution_trackers()
        self._check_assign_resources(resources)
        self.store_widget_state, self.allow_errors, self.coalesce_streams = False, True, True
        self.grading: Grading = resources["grader"]
        self.known = self.grading.cells[resources["nbgrader"]["notebook"]]
        self.imports = self.grading.imports.get(resources["nbgrader"]["notebook"], "")
        self.files = Path(resources["metadata"]["path"])
        self.pair: Pair | None = None
        self.restarts = 0
        self.deadline = time.monotonic() + self.grading.limits.notebook_seconds
        run_sync(self._run_all)(nb)
        return nb, self.resources

    async def _run_all(self, nb: NotebookNode) -> None:
        done: list[NotebookNode] = []  # cells to run again, should the kernels die
        try:
            for index, cell in enumerate(nb.cells):
                if cell.cell_type != "code":
                    continue
                cell.outputs, cell.execution_count = [], None
                if not cell.source.strip():
                    continue
                began = time.monotonic()
                if await self._run_safely(cell, index, done) and not _is_test(cell):
                    done.append(cell)
                self._count("cells", began)
        finally:
            if self.pair is not None:
                await self.pair.stop()

    async def _run_safely(self, cell: NotebookNode, index: int, done: list[NotebookNode]) -> bool:
        """Run one cell; whether it ended, and left the kernels alive."""
        if self.deadline < time.monotonic():
            self._fail(cell, "NotebookTimeoutError", "The time for the whole notebook was used up before this cell.")
            self.grading.flag("timed out", self._name(cell))
            return False
        if self.pair is None and not await self._start(done):
            self._fail(cell, "DeadKernelError", "The kernel died too often; this cell did not run.")
            return False
        try:
            # all waits inside have limits of their own; this one is for the wait that nobody thought of
            await asyncio.wait_for(self._run(cell, index), 3 * self._seconds() + 30)
        except (DeadKernelError, CellTimeoutError) as error:
            died = isinstance(error, DeadKernelError)
            self.grading.flag("died" if died else "timed out", self._name(cell))
            words = "The kernel died while this cell ran." if died else "This cell did not end in time."
            self._fail(cell, type(error).__name__, words)
        except Exception as error:  # a message that makes no sense: the kernel is not what it was
            self.grading.flag("died", self._name(cell))
            self._fail(cell, "DeadKernelError", f"The kernel's messages could not be read ({type(error).__name__}).")
        else:
            return not self._late  # what takes too long is not run again
        await self._end_pair()
        return False

    async def _start(self, done: list[NotebookNode]) -> bool:
        """Start the kernels, and run again what ran before they died; whether there are any.

        Raises:
            RuntimeError: they do not even start. Nothing of the student's has run in them: it is no mark's business.
        """
        failed = 0
        while self.restarts <= _RESTARTS:
            self.restarts += 1
            try:
                await self._start_pair()
            except Exception as error:
                self.log.warning("the kernels did not start: %s: %s", type(error).__name__, error)
                await self._end_pair()
                failed += 1
                if failed == _STARTS:
                    raise RuntimeError(f"the kernels do not start: {type(error).__name__}: {error}") from error
                continue
            failed = 0
            try:
                await self._run_again(done)
                return True
            except Exception as error:
                self.log.warning("the kernels did not live through what ran before: %s", error)
                await self._end_pair()
        return False

    async def _start_pair(self) -> None:
        began = time.monotonic()
        self.pair = Pair(self.grading, self.files)
        await self.pair.start()
        for statement in self.imports.splitlines():
            await self.pair.quietly("tests", statement, self.grading.limits.cell_seconds)
        self._count("kernels", began)

    async def _run_again(self, done: list[NotebookNode]) -> None:
        """Run cells again; the first after which the student's kernel does not answer any more is given up.

        Raises:
            Exception: that has happened.
        """
        notebook, self.nb = self.nb, NotebookNode(cells=[None])  # what comes of it is not wanted
        try:
            for cell in list(done):
                try:
                    await self._run(copy.deepcopy(cell), 0)
                    if broken := await self._with_answers(cell, _nothing, _GRACE):
                        raise DeadKernelError(broken)
                except Exception:
                    done.remove(cell)  # it may do harm a second time only
                    raise
        finally:
            self.nb = notebook

    async def _end_pair(self) -> None:
        if self.pair is not None:
            await self.pair.stop()
            self.pair = None

    async def _run(self, cell: NotebookNode, index: int) -> None:
        """Run one cell where it belongs.

        Raises:
            DeadKernelError: a kernel is dead, or does not answer.
            CellTimeoutError: the cell did not end, and could not be interrupted.
        """
        if utils.is_locked(cell) and _is_test(cell):
            if in_students_process(cell.source):
                self.grading.flag("not forge-proof", self._name(cell))
                await self._in("student", cell, index)
            else:
                await self._test(cell, index)
        elif utils.is_locked(cell):
            # on both sides, or on the student's alone if it needs what is theirs
            theirs = await self._ask(f"needs_students({cell.source!r})")
            await self._in("student", cell, index)
            if theirs == "False":
                await self._with_answers(cell, lambda: self._give(cell))
        else:
            stub = self.known.stubs.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            await self._ask(f"read({cell.source!r}, {stub!r})")
            await self._in("student", cell, index)

    async def _give(self, cell: NotebookNode) -> None:
        assert self.pair is not None
        with contextlib.suppress(DeadKernelError):
            await self.pair.quietly("tests", cell.source, self.grading.limits.cell_seconds)

    async def _test(self, cell: NotebookNode, index: int) -> None:
        async def run() -> None:
            await self._in("tests", cell, index, extra=2 * GRACE)

        self._fail(cell, "NotRunError", "This test did not run to its end.")
        failed = cell.outputs
        cell.outputs = []
        try:
            broken = await self._with_answers(cell, run)
        except BaseException:
            cell.outputs = failed
            raise
        if broken:
            self._fail(cell, "StudentError", broken)
            raise DeadKernelError(broken)

    def _interrupt(self, cell: NotebookNode) -> None:
        self.grading.flag("timed out", self._name(cell))
        if self.pair is not None:
            self.pair.interrupt_student()

    async def _with_answers(
        self, cell: NotebookNode, work: Callable[[], Awaitable[None]], seconds: float | None = None
    ) -> str | None:
        """Have the student's kernel answer while the tests' works; what has broken the connection, if anything."""
        assert self.pair is not None
        seconds = seconds or self._seconds()
        number = self.pair.clients["student"].execute(
            f"__import__('grader.answering').answering.answer({WIRE})", silent=True, store_history=False
        )
        answering = asyncio.ensure_future(self.pair.reply("student", number, seconds + 3 * GRACE))
        interrupt = asyncio.get_running_loop().call_later(seconds, self._interrupt, cell)

        async def ask_and_work() -> str | None:
            await self._ask(f"begin({cell.source!r}, {seconds:.3f})", seconds + 2 * GRACE)
            await work()
            broken = await self._ask("end()")
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

    async def _ask(self, question: str, seconds: float = _GRACE) -> Any:
        assert self.pair is not None
        return await self.pair.quietly("tests", "", seconds, value=f"{_QUESTION}.{question}")

    async def _in(self, side: str, cell: NotebookNode, index: int, *, extra: float = 0) -> None:
        """Execute a cell in one of the kernels."""
        assert self.pair is not None
        self.km = self.pair.student if side == "student" else self.pair.tests
        self.kc = self.pair.clients[side]
        self.timeout = max(1, round(self._seconds() + extra))
        self._display_id_map.clear()  # no cell changes what another has shown
        self._size, self._late = 0, False
        await self.async_execute_cell(cell, index, store_history=True)
        if self._late:
            self.grading.flag("timed out", self._name(cell))
            await self.pair.quietly(side, "", _GRACE)  # is it with us again?

    def _seconds(self) -> float:
        left = self.deadline - time.monotonic()
        return max(0.1, min(self.grading.limits.cell_seconds, left))

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> dict[str, Any] | None:
        self._late = True
        return await super()._async_handle_timeout(timeout, cell)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """One message of a kernel's; of a flood only the beginning is kept."""
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error", "update_display_data"):
            self._size += _length(msg["content"])
            if self._size > self.grading.limits.output:
                if not any(output.get("name") == "stdout" and _CUT in output["text"] for output in cell.outputs[-1:]):
                    cell.outputs.append(new_output("stream", name="stdout", text=_CUT))
                return None
        if msg["msg_type"].startswith("comm"):
            return None  # no widget is shown to anybody here
        return super().process_message(msg, cell, cell_index)

    def _fail(self, cell: NotebookNode, name: str, words: str) -> None:
        """A cell that did not run to its end says so, and is worth nothing."""
        cell.outputs = [
            *cell.get("outputs", []),
            new_output("error", ename=name, evalue=words, traceback=[f"{name}: {words}"]),
        ]

    def _name(self, cell: NotebookNode) -> str:
        return str(cell.metadata.get("nbgrader", {}).get("grade_id", "a cell of the student's own"))

    def _count(self, what: str, began: float) -> None:
        seconds = self.grading.seconds
        seconds[what] = seconds.get(what, 0.0) + time.monotonic() - began


_CUT = "\n… the rest of the output was cut\n"


async def _nothing() -> None:
    """Ask nothing: will the student's kernel answer at all?"""


def _is_test(cell: NotebookNode) -> bool:
    return bool(utils.is_grade(cell)) and not utils.is_solution(cell)


def _length(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(map(_length, content.values()))
    return sum(map(_length, content)) if isinstance(content, list) else 8
