"""The line from the tests' kernel to the student's: a question goes over, and an answer or an error comes back."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from grader import wire
from grader.handles import Handle, reference
from grader.raising import StudentError, raise_here

GRACE = 2.0  # seconds beyond its limit in which a call may still answer that it was interrupted


class Line:
    """The connection to the answering side, and what a test hands over while it is asked.

    Args:
        connection: to the student's kernel.

    Attributes:
        broken: why nothing more can be asked; None as long as all is well.
        changed: the student's names that the running test has changed; see `Answering`.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.broken: str | None = None
        self.changed: Callable[[], dict[str, Any]] = dict
        self._functions: list[Callable[..., Any]] = []
        self._deadline = 0.0

    def open(self, seconds: float) -> None:
        """Begin a cell, whose answers may take so many seconds altogether."""
        self._seconds, self._deadline = seconds, time.monotonic() + seconds + GRACE
        self._functions.clear()

    def ask(self, question: str, *rest: Any) -> Any:
        """Ask, and return the answer; a list of as many parts as the question has.

        Raises:
            Exception: what it raised on the other side, if that is one of Python's own.
            StudentError: it raised something else, or there is no answer.
            TypeError: a part of the question cannot be handed over.
        """
        if self.broken:
            raise StudentError(self.broken)
        try:
            message = wire.encode([question, *rest], self._refer)
        except wire.WireError as error:
            raise TypeError(f"this cannot be handed to a student's function: {error}") from None
        try:
            self.connection.settimeout(max(0.01, self._deadline - time.monotonic()))
            wire.send(self.connection, message)
            return self._answer()
        except TimeoutError:
            self.broken = f"No answer came in {self._seconds:g} seconds. Is there a loop that never ends?"
        except (OSError, EOFError):
            self.broken = "The kernel died during the call."
        except wire.WireError as error:
            self.broken = f"The answer cannot be read: it {error}."
        except KeyboardInterrupt:  # the answer may still come, and would pass for that to another question
            self.broken = "The test was interrupted while it waited for an answer."
            raise
        raise StudentError(self.broken)

    def _answer(self) -> Any:
        while True:
            status, *parts = self._receive()
            if status == "call back":
                self._call_back(*parts)
                continue
            *answer, printed, errors = parts
            if not isinstance(printed, str) or not isinstance(errors, str):
                raise wire.WireError("does not tell what was printed")
            sys.stdout.write(printed)
            sys.stderr.write(errors)
            if status == "ok":
                return answer
            if len(answer) != 4:
                raise wire.WireError("tells an error that makes no sense")
            raise_here(*answer)

    def _receive(self) -> Any:
        answer = wire.decode(wire.receive(self.connection, self._deadline), self._resolve)
        if not isinstance(answer, list) or len(answer) < 3:
            raise wire.WireError("is no answer")
        return answer

    def read(self, message: Any) -> Any:
        """What a part of an answer that was encoded by itself stands for.

        Raises:
            WireError: nothing.
        """
        return wire.decode(message if isinstance(message, bytes) else b"", self._resolve)

    def _call_back(self, number: Any, message: Any) -> None:
        try:
            args, kwargs = self.read(message)
            reply = wire.encode(["reply", None, self._functions[number](*args, **kwargs)], self._refer)
        except StudentError:
            raise
        except Exception as error:
            reply = wire.encode(["reply", f"{type(error).__name__}: {error}"[:500], None], self._refer)
        wire.send(self.connection, reply)

    def _refer(self, value: Any) -> list[Any]:
        if isinstance(value, Handle):
            return reference(value)
        if callable(value):
            self._functions.append(value)
            return ["function", len(self._functions) - 1]
        raise wire.WireError(f"a {type(value).__name__} is neither data nor a function; hand over what it is made of")

    def _resolve(self, tag: str, content: Any) -> Any:
        if tag != "object" or not isinstance(content, list) or len(content) != 2:
            raise wire.WireError(f"has an unknown part {tag[:40]!r}")
        number, kind = content
        if type(number) is not int or type(kind) is not str:
            raise wire.WireError("has a reference without a number")
        return Handle(self, ["object", number], kind[:80])
