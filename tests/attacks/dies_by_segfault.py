"""Reads address 0 when a test calls it.

Deserves: 5.
Flags: died.
Guard: a dead kernel fails that test; the cells before it are run again in a new one.
"""

import ctypes


def double(x):
    return ctypes.string_at(0)
