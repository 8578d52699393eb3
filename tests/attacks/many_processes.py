"""Starts processes until no more will start, at most 300, which sleep.

Deserves: 5.
Guard: a limit of processes; they end with the sandbox.
"""

import time

for _ in range(300):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    except OSError:
        break
