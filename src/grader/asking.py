"""The tests' side: what a student made is a handle here, and what a test asks of it crosses over.

It runs in the tests' kernel, where no code of a student's ever does. A handle holds a number and nothing else; what
comes back is data that `wire` built here, or another handle. An object's own ``==`` or truth value is never asked:
whoever wrote the object could answer what the test wants to hear.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import linecache
import socket
import symtable
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import executing
from IPython import get_ipython

from grader import wire

_OPERATORS = [
    "add",
    "sub",
    "mul",
    "matmul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "lshift",
    "rshift",
    "and",
    "or",
    "xor",
    "neg",
    "pos",
    "invert",
    "abs",
    "getitem",
    "contains",
]


GRACE = 2.0  # seconds beyond its limit in which a call may still answer that it was interrupted


class StudentError(Exception):
    """What went wrong on the student's side, where no usual exception says it."""


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
        raise StudentError(self.broken)

    def close(self) -> None:
        """End a cell: the student's side may rest."""
        with contextlib.suppress(OSError):
            wire.send(self.connection, wire.encode(["end"], self._refer))

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
            _raise(*answer)

    def _receive(self) -> Any:
        self.connection.settimeout(max(0.01, self._deadline - time.monotonic()))
        answer = wire.decode(wire.receive(self.connection), self._resolve)
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
            return object.__getattribute__(value, "_reference")
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


def _ask(handle: Handle, question: str, *rest: Any) -> Any:
    line: Line = object.__getattribute__(handle, "_line")
    return line.ask(question, *rest)


class Handle:
    """Stands for an object of the student's: attributes, items, operators and calls are asked for on the other side."""

    __slots__ = ("_kind", "_line", "_reference")

    def __init__(self, line: Line, reference: list[Any], kind: str) -> None:
        for name, value in (("_line", line), ("_reference", reference), ("_kind", kind)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what Python and libraries ask of every object is not asked of a student's
            raise AttributeError(name)
        return _ask(self, "get", self, name)[0]

    def __setattr__(self, name: str, value: Any) -> None:
        _ask(self, "set", self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it over there, as torch's autograd is switched here; arguments that it changed are changed here, too."""
        line: Line = object.__getattribute__(self, "_line")
        torch = sys.modules.get("torch")
        autograd = torch.is_grad_enabled() if torch else None
        answer = line.ask("call", self, list(args), kwargs, autograd, line.changed())
        if len(answer) != 2 or not isinstance(answer[1], list) or len(answer[1]) != len(args):
            raise StudentError("The answer to a call makes no sense.")
        changed = [(a, after[0]) for a, after in zip(args, answer[1], strict=True) if isinstance(after, list) and after]
        if changed:
            _after_this_statement(sys._getframe(1), changed)
        return answer[0]

    def __len__(self) -> int:
        length = _ask(self, "operate", "len", [self])[0]
        if type(length) is not int:
            raise StudentError("The length of an object is no whole number.")
        return length

    def __iter__(self) -> Iterator[Any]:
        items = _ask(self, "operate", "list", [self])[0]
        if not isinstance(items, list):
            raise StudentError("The items of an object are no list.")
        return iter(items)

    def __eq__(self, other: object) -> bool:
        return self._not_compared()

    def __bool__(self) -> bool:
        return self._not_compared()

    def _not_compared(self) -> bool:
        kind = object.__getattribute__(self, "_kind")
        raise TypeError(
            f"{kind} is an object of the student's own, and only data can be compared: compare its attributes, "
            "or mark this cell to run in the student's process"
        )

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> Handle:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Handle:
        return self

    def __repr__(self) -> str:
        return f"<{object.__getattribute__(self, '_kind')} of the student's>"


def _operator(name: str) -> Callable[..., Any]:
    return lambda self, *others: _ask(self, "operate", name, [self, *others])[0]


def _reflected(name: str) -> Callable[..., Any]:
    return lambda self, other: _ask(self, "operate", name, [other, self])[0]


for _name in _OPERATORS:
    setattr(Handle, f"__{_name}__", _operator(f"__{_name}__"))
    if hasattr(int, f"__r{_name}__") or _name == "matmul":
        setattr(Handle, f"__r{_name}__", _reflected(f"__{_name}__"))


def _after_this_statement(frame: FrameType, changed: list[tuple[Any, Any]]) -> None:
    """Change arguments as a call has changed them, but only when the test's statement is done.

    ``assert allclose(double(x), 2 * x)`` is about the ``x`` that was handed over; who sets it to zero gains nothing.
    """
    begin, end = _lines_of_statement(frame)
    outer, local = sys.gettrace(), frame.f_trace

    def watch(seen: FrameType, event: str, argument: Any) -> Any:
        if event == "return" or (event == "line" and not begin <= seen.f_lineno <= end):
            sys.settrace(outer)
            frame.f_trace = local
            for argument, after in changed:
                _write_back(argument, after)
            return local
        return watch

    frame.f_trace = watch
    sys.settrace(lambda *_: None)


def _lines_of_statement(frame: FrameType) -> tuple[int, int]:
    """First and last line of the statement that a frame executes; to what stands in a loop's head, the whole loop."""
    statements = executing.Source.executing(frame).statements
    if not statements:
        return frame.f_lineno, frame.f_lineno
    statement = max(statements, key=lambda node: node.lineno)
    return statement.lineno, statement.end_lineno or statement.lineno


def _write_back(argument: Any, after: Any) -> None:
    """Make an argument what the call has made of it, so that a test of "unchanged inputs" sees it."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch and isinstance(argument, torch.Tensor) and isinstance(after, torch.Tensor):
        with torch.no_grad():
            argument.data = after.to(argument.dtype)
    elif numpy and isinstance(argument, numpy.ndarray) and isinstance(after, numpy.ndarray):
        if argument.shape == after.shape:
            argument[...] = after
    elif type(argument) is type(after) and isinstance(argument, list):
        argument[:] = [old if _same(old, new) else new for old, new in zip(argument, after, strict=False)] + after[
            len(argument) :
        ]
        del argument[len(after) :]
    elif type(argument) is type(after) and isinstance(argument, dict | set):
        argument.clear()
        argument.update(after)


def _same(old: Any, new: Any) -> bool:
    """Whether two items of a list need not be told apart; a tensor in it is changed in place."""
    torch = sys.modules.get("torch")
    if torch and isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor) and old.shape == new.shape:
        _write_back(old, new)
        return True
    return False


def _raise(name: Any, words: Any, bases: Any, frames: Any) -> None:
    """Raise here what was raised there: as a class of Python's own, from the student's line."""
    if not isinstance(name, str) or not isinstance(words, str) or not isinstance(bases, list):
        raise wire.WireError("tells an error that makes no sense")
    if name == "KeyboardInterrupt":
        raise StudentError("The call did not end in time. Is there a loop that never ends?")
    # one that ends a loop without a word would pass for the end of what is looped over
    bases = [base for base in bases if base not in ("StopIteration", "StopAsyncIteration")]
    kinds = (getattr(builtins, base, None) for base in bases if isinstance(base, str))
    kind = next((k for k in kinds if isinstance(k, type) and issubclass(k, Exception)), None)
    own = kind is not None and kind.__name__ == name
    try:
        error = (kind or StudentError)(words if own else f"{name}: {words}".rstrip(": "))
    except TypeError:  # a class that wants more than words
        error = StudentError(f"{name}: {words}")
    if isinstance(frames, list) and frames:
        _raise_from_line(error, frames[-1])
    raise error


def _raise_from_line(error: Exception, frame: Any) -> None:
    """A traceback that shows the student's line, of which only the text is known here."""
    if not isinstance(frame, list) or list(map(type, frame)) != [str, int, str] or not 0 < frame[1] < 10_000:
        return
    name, number, text = frame
    file = f"<the student's cell, ipykernel_, line {number}>"
    linecache.cache[file] = (number, None, ["\n"] * (number - 1) + [text + "\n"], file)
    code = compile("\n" * (number - 1) + "raise error", file, "exec")
    exec(code.replace(co_name=name, co_qualname=name), {"error": error})


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
        self._students: dict[str, Any] = {}  # what stands under a student's name, as it was put there
        self._asked_for: set[str] = set()  # names that the instructor leaves to the student
        self._made_by_students: set[str] = set()  # names that their cells define, read from the text

    def read(self, source: str, stub: str | None) -> None:
        """Note a student's cell: it stands in ``In`` as text, as it would had it run here; nothing of it runs.

        Args:
            source: the cell.
            stub: the cell as it was handed out; what it defines is the student's. None where it is all their own.
        """
        with contextlib.suppress(Exception):
            source = get_ipython().transform_cell(source)
        get_ipython().history_manager.input_hist_parsed.append(source)
        asked_for = defined(stub or "")
        for name in asked_for:
            self.names.pop(name, None)
            self._students.pop(name, None)
        self._asked_for |= asked_for
        self._made_by_students |= {name for name in defined(source) if not self._is_ours(name)}

    def needs_students(self, source: str) -> bool:
        """Whether a cell of the instructor's, no test, needs what a student made, and so runs on their side only."""
        own, used = defined(source), referenced(source)
        theirs = {n for n in used if not self._is_ours(n) and (n in self._made_by_students or n not in own)}
        if theirs:
            self._made_by_students |= {name for name in own if not self._is_ours(name)}
        return bool(theirs)

    def begin(self, source: str, seconds: float) -> None:
        """Before a cell of the instructor's: give it handles, or the data, of what the student has made."""
        self._forget()
        self.line.open(seconds)
        theirs = {name for name in self._made_by_students | self._asked_for if not self._is_ours(name)}
        self._students.update(self._made(sorted(theirs), sorted(theirs & referenced(source))))
        self.names.update(self._students)

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
        self.line.close()
        self._forget()
        return self.line.broken


def defined(source: str) -> set[str]:
    """The names that a cell gives a value at its top level."""
    try:
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError):
        return set()
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}


def referenced(source: str) -> set[str]:
    """The global names that a cell reads, functions in it included; magics apart."""
    shell = get_ipython()
    try:
        source = shell.transform_cell(source) if shell else source
        ast.parse(source)
    except SyntaxError:
        return set()
    found: set[str] = set()

    def walk(table: symtable.SymbolTable) -> None:
        module = table.get_type() == "module"
        found.update(s.get_name() for s in table.get_symbols() if s.is_referenced() and (module or s.is_global()))
        for child in table.get_children():
            walk(child)

    walk(symtable.symtable(source, "cell", "exec"))
    return found


def connect(descriptor: int) -> None:
    """Make this kernel the tests' kernel, over an inherited socket."""
    global tests
    tests = Tests(get_ipython().user_ns, socket.socket(fileno=descriptor))


tests: Tests
