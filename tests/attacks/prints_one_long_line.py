"""Prints a megabyte without a line's end: what looks for the start of a line in it may look for very long.

Deserves: 5.
Guard: streams are put together only where that takes no time.
"""

import sys

for _ in range(64):
    sys.stdout.write("y" * (1 << 14))
    sys.stdout.flush()
