"""Runs a notebook in two kernels: the student's cells in one, the tests in one that no code of a student's enters."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_core.utils import run_sync
from nbclient.client import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader import utils

from grader.asking import NOTE, PATIENCE
from grader.bounded import BoundedExecute, fail
from grader.canonical import in_students_process
from grader.grading import Grading
from grader.line import GRACE
from grader.pair import Pair

_RESTARTS = 8  # of one notebook's kernels; who kills more of them is not given another
_WHILE = 0.5  # seconds in which a kernel dies of what a cell has done, if it does not die at once
_STARTS = 3  # in vain, one after another, that are the grader's trouble and no student's


class SplitExecute(BoundedExecute):
    """In place of nbgrader's `Execute`; ``resources["grader"]`` is the submission's `Grading`."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: None = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Run one notebook. A test that did not run to its end holds an error, whatever happened."""
        NotebookClient.__init__(self, nb, None)
        self.nb: NotebookNode = nb
        self.reset_execution_trackers()
        self._check_assign_resources(resources)
        self.store_widget_state, self.allow_errors = False, True
        self.grading: Grading = resources["grader"]
        self.known = self.grading.cells[resources["nbgrader"]["notebook"]]
        self.imports = self.grading.imports.get(resources["nbgrader"]["notebook"], "")
        self.files = Path(resources["metadata"]["path"])
        self.pair: Pair | None = None
        self.restarts, self.in_time, self.careful = 0, True, False
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
                self.grading.count("cells", began)
            if self.pair is not None:
                self.grading.server.import_too(await self.pair.imported())
        finally:
            if self.pair is not None:
                await self.pair.stop()

    async def _run_safely(self, cell: NotebookNode, index: int, done: list[NotebookNode]) -> bool:
        """Run one cell; whether it ended, and left the kernels alive."""
        if self.deadline < time.monotonic():
            fail(cell, "NotebookTimeoutError", "The time for the whole notebook was used up before this cell.")
            self.grading.flag("timed out", _name(cell))
            return False
        if self.pair is not None and done and not _is_test(cell) and not await self.pair.runs():
            self.grading.flag("died", _name(done[-1]))  # of what ran before, and this cell shall not suffer for it
            await self._end_pair()
        if self.pair is None and not await self._start(done):
            fail(cell, "DeadKernelError", "The kernel died too often; this cell did not run.")
            return False
        try:
            await self._run_bounded(cell, index)
        except (DeadKernelError, CellTimeoutError) as error:
            died = isinstance(error, DeadKernelError)
            self.grading.flag("died" if died else "timed out", _name(cell))
            words = "The kernel died while this cell ran." if died else "This cell did not end in time."
            fail(cell, type(error).__name__, words)
        except Exception as error:  # a message that makes no sense: the kernel is not what it was
            self.grading.flag("died", _name(cell))
            fail(cell, "DeadKernelError", f"The kernel's messages could not be read ({type(error).__name__}).")
        else:
            return self.in_time  # what takes too long is not run again
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
        statements = [
            f"with __import__('contextlib').suppress(Exception): {line}" for line in self.imports.splitlines()
        ]
        if statements:
            await self.pair.quietly("tests", "\n".join(statements), self.grading.limits.cell_seconds)
        self.grading.count("kernels", began)

    async def _run_again(self, done: list[NotebookNode]) -> None:
        """Run cells again; the first after which the student's kernel does not answer any more is given up.

        Some die a while after the cell that did it. If that happens here, each cell is given this while the next time.

        Raises:
            Exception: that has happened.
        """
        notebook, self.nb = self.nb, NotebookNode(cells=[None])  # what comes of it is not wanted
        try:
            for cell in list(done):
                try:
                    await self._run_bounded(copy.deepcopy(cell), 0)
                    await self._must_answer(after=_WHILE if self.careful else 0)
                except Exception:
                    done.remove(cell)  # it may do harm a second time only
                    raise
            if done and not self.careful:
                self.careful = True
                await self._must_answer(after=_WHILE)
                self.careful = False
        finally:
            self.nb = notebook

    async def _must_answer(self, *, after: float) -> None:
        await asyncio.sleep(after)
        await self._alive().must_answer()

    async def _end_pair(self) -> None:
        if self.pair is not None:
            await self.pair.stop()
            self.pair = None

    async def _run_bounded(self, cell: NotebookNode, index: int) -> None:
        # all waits inside have limits of their own; this one is for the wait that nobody thought of
        await asyncio.wait_for(self._run(cell, index), 3 * self._seconds() + 120)

    async def _run(self, cell: NotebookNode, index: int) -> None:
        """Run one cell where it belongs.

        Raises:
            DeadKernelError: a kernel is dead, or does not answer.
            CellTimeoutError: the cell did not end, and could not be interrupted.
        """
        if utils.is_locked(cell) and _is_test(cell):
            if in_students_process(cell.source):
                self.grading.flag("not forge-proof", _name(cell))
                await self._in("student", cell, index)
            else:
                await self._test(cell, index)
        elif utils.is_locked(cell):
            # on both sides, or on the student's alone if it needs what is theirs
            theirs = await self._alive().needs_students(cell.source)
            await self._in("student", cell, index)
            if not theirs:
                await self._give(cell)
        else:
            stub = self.known.stubs.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            self._alive().read(cell.source, stub)
            await self._in("student", cell, index)

    async def _give(self, cell: NotebookNode) -> None:
        pair, seconds = self._alive(), self._seconds()
        with contextlib.suppress(DeadKernelError), pair.interrupting(seconds, self._flag_late(cell)):
            await pair.quietly("tests", cell.source, seconds + GRACE + PATIENCE, note=pair.note(seconds))

    async def _test(self, cell: NotebookNode, index: int) -> None:
        pair, seconds = self._alive(), self._seconds()
        fail(cell, "NotRunError", "This test did not run to its end.")
        failed = cell.outputs
        try:
            with pair.interrupting(seconds, self._flag_late(cell)):
                await self._in("tests", cell, index, extra=2 * GRACE + PATIENCE, note=pair.note(seconds))
            broken = _broken(self.reply)
        except BaseException:
            cell.outputs = failed
            raise
        said = [output.evalue for output in cell.outputs if output.output_type == "error"]
        if self.reply["status"] != "ok" and not said:
            fail(cell, self.reply["ename"], self.reply["evalue"])
        if broken:
            if broken not in said:
                fail(cell, "StudentError", broken)
            raise DeadKernelError(broken)

    async def _in(
        self, side: str, cell: NotebookNode, index: int, *, extra: float = 0, note: dict[str, Any] | None = None
    ) -> None:
        """Execute a cell in one of the kernels."""
        pair = self._alive()
        # what the tests' kernel shows must be complete, or a test would pass whose error got lost
        self.iopub_timeout, self.raise_on_iopub_timeout = (4, False) if side == "student" else (60, True)
        self.in_time = await self.run_cell(
            cell,
            index,
            pair.manager(side),
            pair.clients[side],
            seconds=self._seconds() + extra,
            output=self.grading.limits.output,
            note=note,
        )
        if not self.in_time:
            self.grading.flag("timed out", _name(cell))
            await pair.quietly(side, "", PATIENCE)  # is it with us again?

    def _flag_late(self, cell: NotebookNode) -> Callable[[], None]:
        return lambda: self.grading.flag("timed out", _name(cell))

    def _alive(self) -> Pair:
        if self.pair is None:
            raise DeadKernelError("There is no kernel.")
        return self.pair

    def _seconds(self) -> float:
        left = self.deadline - time.monotonic()
        return max(0.1, min(self.grading.limits.cell_seconds, left))


def _name(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", "a cell of the student's own"))


def _broken(reply: dict[str, Any]) -> str | None:
    """What the tests' kernel says has broken the line to the student's; nothing said is no good sign."""
    said = [part for part in reply.get("payload", []) if part.get("source") == NOTE]
    return said[-1]["broken"] if said else "The tests' kernel does not tell how the test ended."


def _is_test(cell: NotebookNode) -> bool:
    return bool(utils.is_grade(cell)) and not utils.is_solution(cell)
