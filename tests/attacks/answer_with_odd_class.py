"""Answers an object whose class name is code, whose attributes all raise or exit, and that hates to be let go.

Deserves: 5.
Guard: names and attributes of the student's are text on the trusted side, shortened.
"""


class Meta(type):
    def __instancecheck__(cls, other):
        os._exit(1)

    __subclasscheck__ = __eq__ = __instancecheck__
    __hash__ = lambda cls: 0


class Odd(metaclass=Meta):
    def __getattribute__(self, name):
        raise SystemExit(name)

    def __del__(self):
        raise KeyboardInterrupt


Odd.__name__ = Odd.__qualname__ = "x'); __import__('os')._exit(0)  #" + "x" * 100_000
Odd.__module__ = "torch"


def double(x):
    return Odd()


summary = double
