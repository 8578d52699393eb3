"""Never answers, and swallows what would interrupt it.

Deserves: 5.
Flags: timed out.
Guard: an answer has a limit of its own.
"""

import time


def double(x):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException:
            pass
