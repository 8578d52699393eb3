"""Closes the socket over which the tests ask, so that no test can be held against it.

Deserves: 5.
Flags: died.
Guard: who does not answer a test fails it; the other cells are run again in a new kernel, without this one.
"""

os.close(3)
