"""The student's side of a test: answers what the tests ask of the student's names. It runs in the student's kernel.

A question comes over a socket and is answered by the kernel's own event loop, between two cells. Nothing here is a
wall: whoever owns this process may answer what they like. What counts is that only data comes back.
"""

from __future__ import annotations

import contextlib
import io
import operator
import signal
import socket
import traceback
from collections.abc import Iterator
from typing import Any

from IPython import get_ipython
from tornado.ioloop import IOLoop

from grader import wire

_PRINTED = 1 << 16  # characters of what a call prints that are sent
_FRAMES = 8  # innermost lines of the student's that an error tells
_MISSING = object()


class Answering:
    """Answers the tests' questions, one by one.

    Args:
        connection: to the tests.
        names: the notebook's names, ``get_ipython().user_ns``.
    """

    def __init__(self, connection: socket.socket, names: dict[str, Any]) -> None:
        self.connection, self.names = connection, names
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}  # of objects by id(), which stays theirs as long as they are kept here
        self._calling = False

    def answer_next(self) -> None:
        """Wait for a question and answer it.

        Raises:
            EOFError, OSError: the tests are gone.
        """
        self._answer(*self._receive())

    def interrupt(self, *_: Any) -> None:
        """Handle the signal that a call has taken too long; it may come when the answer is already given."""
        if self._calling:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        before, self._calling = self._calling, True
        try:
            yield
        finally:
            self._calling = before

    def _answer(self, question: str, *rest: Any) -> None:
        if question == "reply":  # of a call back that was interrupted while it waited for this
            return
        printed, errors = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
                with self._interruptible():
                    parts = getattr(self, f"_{question}")(*rest)
                message = wire.encode(["ok", *parts, *_heads(printed, errors)], self._refer)
        except BaseException as error:  # SystemExit and KeyboardInterrupt end a call, not the answering
            message = wire.encode(["error", *_described(error), *_heads(printed, errors)], self._refer)
        wire.send(self.connection, message)

    def _receive(self) -> Any:
        return wire.decode(wire.receive(self.connection), self._resolve)

    def _refer(self, value: Any) -> list[Any]:
        number = self._numbers.setdefault(id(value), len(self._objects) + 1)
        self._objects[number] = value
        return ["object", [number, type(value).__name__[:80]]]

    def _resolve(self, tag: str, content: Any) -> Any:
        if tag == "object":
            return self._objects[content]
        if tag == "name":
            return self.names[content]
        if tag == "function":
            return lambda *args, **kwargs: self._call_back(content, wire.encode([args, kwargs], self._refer))
        raise wire.WireError(f"unknown tag {tag!r}")

    def _call_back(self, number: int, arguments: bytes) -> Any:
        """A function of the tests', handed over as an argument, is called there; it may ask in its turn."""
        wire.send(self.connection, wire.encode(["call back", number, arguments], self._refer))
        while (message := self._receive())[0] != "reply":
            self._answer(*message)
        _, problem, value = message
        if problem is not None:
            raise RuntimeError(problem)
        return value

    def _names(self, theirs: list[str], wanted: list[str]) -> list[Any]:
        """Which of some names there are, and the values of those wanted, each encoded by itself: one may be unfit."""
        values = {}
        for name in wanted:
            if name in self.names:
                with contextlib.suppress(wire.WireError):
                    values[name] = wire.encode(self.names[name], self._refer)
        return [[name for name in theirs if name in self.names], values]

    def _call(
        self, function: Any, args: list[Any], kwargs: dict[str, Any], autograd: bool | None, changed: dict[str, Any]
    ) -> list[Any]:
        """The result of a call, and the arguments as it left them where it changed them.

        Args:
            function: what to call.
            args, kwargs: with what.
            autograd: whether torch is to follow; None where the tests do not use torch.
            changed: names that the test has deleted (a list of one None) or given another value (a list of it).
        """
        before = [wire.encode(argument, self._refer) for argument in args]
        with _grad_mode(autograd), self._changed_names(changed):
            result = function(*args, **kwargs)
        after = [None if wire.encode(a, self._refer) == b else [a] for a, b in zip(args, before, strict=True)]
        return [result, after]

    @contextlib.contextmanager
    def _changed_names(self, changed: dict[str, Any]) -> Iterator[None]:
        kept = {name: self.names.get(name, _MISSING) for name in changed}
        for name, value in changed.items():
            self.names.pop(name, None)
            if value:
                self.names[name] = value[0]
        try:
            yield
        finally:
            for name, value in kept.items():
                if value is not _MISSING:
                    self.names[name] = value

    def _get(self, owner: Any, attribute: str) -> list[Any]:
        return [getattr(owner, attribute)]

    def _set(self, owner: Any, attribute: str, value: Any) -> list[Any]:
        setattr(owner, attribute, value)
        return [None]

    def _operate(self, name: str, operands: list[Any]) -> list[Any]:
        if name in ("len", "list"):
            return [len(*operands) if name == "len" else list(*operands)]
        return [getattr(operator, name)(*operands)]


def connect(descriptor: int) -> None:
    """Have this kernel answer over an inherited socket whenever it has nothing else to do."""
    connection = socket.socket(fileno=descriptor)
    answering = Answering(connection, get_ipython().user_ns)
    loop = IOLoop.current()

    def answer(*_: Any) -> None:
        before = signal.signal(signal.SIGINT, answering.interrupt)
        try:
            answering.answer_next()
        except (EOFError, OSError, wire.WireError):
            loop.remove_handler(connection)
        finally:
            signal.signal(signal.SIGINT, before)

    loop.add_handler(connection, answer, loop.READ)


@contextlib.contextmanager
def _grad_mode(autograd: bool | None) -> Iterator[None]:
    if autograd is None:
        yield
        return
    import torch

    with torch.set_grad_enabled(autograd):
        yield


def _heads(*streams: io.StringIO) -> list[str]:
    return [stream.getvalue()[:_PRINTED].encode("utf-8", "replace").decode() for stream in streams]


def _described(error: BaseException) -> list[Any]:
    name = type.__dict__["__name__"].__get__(type(error))  # whatever its metaclass says
    try:
        return [name, _words(error), _bases(error), list(_own_frames(error))]
    except Exception:  # a class that is not made as others are
        return [name, "", ["Exception"], []]


def _words(error: BaseException) -> str:
    try:
        return str(error)[:2000].encode("utf-8", "replace").decode()
    except Exception:
        return ""


def _bases(error: BaseException) -> list[str]:
    return [kind.__name__[:80] for kind in type(error).__mro__[:20] if kind.__module__ == "builtins"]


def _own_frames(error: BaseException) -> Iterator[list[Any]]:
    """Function, number and text of the student's lines that led to an error, innermost last."""
    for frame in traceback.extract_tb(error.__traceback__)[-100:][-_FRAMES:]:
        if "ipykernel_" in frame.filename:
            yield [frame.name[:80], frame.lineno or 0, (frame.line or "")[:400]]
