"""Stand-ins, in the tests' kernel, for objects that live in the student's.

A handle holds a number and nothing else. An object's own ``==`` or truth value is never asked: whoever wrote the object
could answer what the test wants to hear.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from grader.changes import change_after_this_statement
from grader.raising import StudentError

if TYPE_CHECKING:
    from grader.line import Line

_OPERATORS = """
    add sub mul matmul truediv floordiv mod pow lshift rshift and or xor neg pos invert abs getitem contains
""".split()  # noqa: SIM905 - one line a name would be longer than the class


def reference(handle: Handle) -> list[Any]:
    """What stands for the object in a message."""
    stands: list[Any] = object.__getattribute__(handle, "_reference")
    return stands


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
            change_after_this_statement(sys._getframe(1), changed)
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
