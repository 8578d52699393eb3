"""Starts threads until no more will start, at most 300, each with a large stack.

Deserves: 5.
Guard: a limit of threads and of memory.
"""

import threading
import time

threading.stack_size(64 << 20)
for _ in range(300):
    try:
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    except (RuntimeError, MemoryError):
        break
threading.stack_size(0)
