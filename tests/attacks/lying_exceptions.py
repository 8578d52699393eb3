"""Raises exceptions that cannot be shown: a name of a builtin, an endless cause, a message that raises or is huge.

Deserves: 5.
Guard: of an exception only a shortened name and message cross.
"""


class Nameless(BaseException):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


Nameless.__name__ = Nameless.__qualname__ = "StopIteration'); __import__('os')._exit(0)  #"


def double(x):
    error = ExceptionGroup("all", [ValueError("x" * 50_000_000)])
    error.__cause__ = error.__context__ = Nameless()
    error.__cause__.__cause__ = error
    if len(x) == 2:
        raise error
    raise error.__cause__
