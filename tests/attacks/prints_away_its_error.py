"""Prints so much while it is called that the error of the failing test might be cut off with the rest.

Deserves: 5.
Guard: of a flood of output only the beginning is kept, but always the error.
"""


def double(x):
    print("y" * (1 << 16))
    return x + 1
