"""Prints as fast as it can for two minutes, at most 300 MB.

Deserves: 5.
Guard: outputs are capped while they come in; a cell has a limit.
"""

import time

end, left = time.monotonic() + 120, 300 << 20
while time.monotonic() < end and left > 0:
    print("y" * 80, flush=left % 100 == 0)
    left -= 81
