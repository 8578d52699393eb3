"""Takes 6 GiB in six processes, none of which has much.

Deserves: 5.
Guard: a limit of memory for all processes together, where the machine has one to give; else memory times processes.
"""

import time

for _ in range(6):
    try:
        if os.fork() == 0:
            try:
                held = [b"x" * (128 << 20) for _ in range(8)]
                time.sleep(15)
            finally:
                os._exit(0)
    except OSError:
        break
