"""Walks the frames of whoever calls it, and looks for a test in their code, names, constants and lines.

Deserves: 5.
Guard: the tests run in another process; a call comes from code that knows no more than its arguments.
"""

import inspect
import linecache
import sys


def double(x):
    frame = sys._getframe()
    while frame:
        steal("frames", repr((frame.f_globals, frame.f_locals, frame.f_code.co_consts)))
        frame = frame.f_back
    steal("lines", repr([found.code_context for found in inspect.stack(20)]))
    steal("linecache", repr(linecache.cache))
    return x + 1
