"""Prints 100 MB when a test calls it, on every way out: streams, descriptors, displays.

Deserves: 5.
Guard: what a call prints is capped too, and is no part of the test's own output.
"""

import sys


def double(x):
    for _ in range(30):
        print("x" * (1 << 20))
        print("x" * (1 << 20), file=sys.stderr)
        os.write(1, b"x" * (1 << 20))
        os.write(2, b"x" * (1 << 20))
    display({"text/plain": "5", "text/html": "x" * (1 << 20)}, raw=True)
    return x + 1
