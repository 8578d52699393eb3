"""An error on the student's side is raised on the tests': as a class of Python's own, from the student's line."""

from __future__ import annotations

import builtins
import linecache
from typing import Any

from grader import wire


class StudentError(Exception):
    """What went wrong on the student's side, where no usual exception says it."""


def raise_here(name: Any, words: Any, bases: Any, frames: Any) -> None:
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
