"""The tests' side: which names of a test are the student's, and what stands for them while it runs.

It runs in the tests' kernel, where no code of a student's ever does. What comes over is data that `wire` built here, or
a handle.
"""

from __future__ import annotations

import builtins
import contextlib
import socket
import sys
from collections.abc import Iterator
from typing import Any

from IPython import get_ipython

from grader import wire
from grader.handles import Handle
from grader.line import Line
from grader.names import defined, referenced
from grader.raising import StudentError

PATIENCE = 10.0  # seconds in which a student's kernel that has nothing else to do must answer, on a busy machine, too
NOTE = "grader"  # by this name the tests' kernel is told of a cell in its request, and tells of it in its answer


class Tests:
    """The kernel in which the instructor's cells run: which of its names are the student's is decided here.

    It is decided by the text of the cells alone. A name is the student's if a cell that they write defines it, and
    nothing of the instructor's has done so before: no name to which the instructor's code gave a meaning is theirs.

    Args:
        names: the notebook's names in this kernel.
        connection: to the student's kernel.
    """

    def __init__(self, names: dict[str, Any], connection: socket.socket) -> None:
        self.names, self.line = names, Line(connection)
        self.line.changed = self._changed
        self.open = False  # whether a cell that may ask is running
        self._imported = set(sys.modules)
        self._students: dict[str, Any] = {}  # what stands under a student's name, as it was put there
        self._asked_for: set[str] = set()  # names that the instructor leaves to the student
        self._made_by_students: set[str] = set()  # names that their cells define, read from the text

    def read(self, source: str, stub: str | None) -> None:
        """Note a student's cell: it stands in ``In`` as text, as it would had it run here; nothing of it runs.

        Args:
            source: the cell.
            stub: the cell as it was handed out; what it defines is the student's. None where it is all their own.
        """
        if (shell := get_ipython()) is not None:
            with contextlib.suppress(Exception):
                source = shell.transform_cell(source)
            shell.history_manager.input_hist_parsed.append(source)
        asked_for = defined(stub or "")
        for name in asked_for:
            self.names.pop(name, None)
            self._students.pop(name, None)
        self._asked_for |= asked_for
        self._made_by_students |= {name for name in defined(source) if not self._is_ours(name)}

    def needs_students(self, source: str, cells: list[tuple[str, str | None]]) -> bool:
        """Whether a cell of the instructor's, no test, needs what a student made, and so runs on their side only.

        Args:
            source: the cell.
            cells: of the student's, to read before; see `read`.
        """
        self.read_all(cells)
        own, used = defined(source), referenced(source)
        theirs = {n for n in used if not self._is_ours(n) and (n in self._made_by_students or n not in own)}
        if theirs:
            self._made_by_students |= {name for name in own if not self._is_ours(name)}
        return bool(theirs)

    def read_all(self, cells: list[tuple[str, str | None]]) -> None:
        """Note several cells of the student's."""
        for source, stub in cells:
            self.read(source, stub)

    def begin(self, source: str, seconds: float) -> None:
        """Before a cell of the instructor's: give it handles, or the data, of what the student has made."""
        self.open = True
        self._forget()
        self.line.open(min(seconds, PATIENCE))
        theirs = {name for name in self._made_by_students | self._asked_for if not self._is_ours(name)}
        self._students.update(self._made(sorted(theirs), sorted(theirs & referenced(source))))
        self.names.update(self._students)
        self.line.open(seconds)

    def _forget(self) -> None:
        for name, stood in self._students.items():
            if self.names.get(name, self) is stood:
                del self.names[name]
        self._students.clear()

    def _is_ours(self, name: str) -> bool:
        if name in self.names:
            return name not in self._students
        return hasattr(builtins, name) and name not in self._asked_for

    def _made(self, theirs: list[str], wanted: list[str]) -> Iterator[tuple[str, Any]]:
        """Those of some names that exist on the student's side: the data that was wanted, or a handle."""
        try:
            known, values = self.line.ask("names", theirs, wanted)
            known = {name for name in known if isinstance(name, str)}
            values = dict(values)
        except (TypeError, ValueError, StudentError):
            return
        for name in theirs:
            if name in known:
                try:
                    yield name, self.line.read(values.get(name))
                except wire.WireError:
                    yield name, Handle(self.line, ["name", name], name)

    def _changed(self) -> dict[str, Any]:
        return {
            name: [self.names[name]] if name in self.names else []
            for name, stood in self._students.items()
            if self.names.get(name, self) is not stood
        }

    def end(self) -> str | None:
        """After a cell of the instructor's; returns what has broken the connection."""
        self.open = False
        self._forget()
        return self.line.broken

    def lost(self) -> str | None:
        """What has broken the connection, if it has; to find out, nothing is asked for."""
        self.line.open(PATIENCE)
        with contextlib.suppress(StudentError):
            self.line.ask("names", [], [])
        return self.line.broken

    def imported(self) -> list[str]:
        """The modules that the instructor's code has had imported, in order."""
        new = [name for name in sys.modules if name not in self._imported]
        return [name for name in new if getattr(getattr(sys.modules[name], "__spec__", None), "name", None) == name]


def connect(descriptor: int) -> None:
    """Make this kernel the tests' kernel, over an inherited socket."""
    global tests
    shell = get_ipython()
    tests = Tests(shell.user_ns, socket.socket(fileno=descriptor))
    shell.events.register("pre_run_cell", _before)
    shell.events.register("post_run_cell", _after)


def _before(cell: Any) -> None:
    """Begin a cell that came with a note: what is to be read first, and for how many seconds it may ask."""
    note = get_ipython().kernel.get_parent("shell")["metadata"].get(NOTE)
    if note is not None:
        tests.read_all(note["read"])
        tests.begin(cell.raw_cell, note["seconds"])


def _after(_: Any) -> None:
    """End such a cell, and send with the answer to its request what has broken the connection."""
    if tests.open:
        get_ipython().payload_manager.write_payload({"source": NOTE, "broken": tests.end()})


tests: Tests
