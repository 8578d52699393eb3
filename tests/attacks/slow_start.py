"""Makes the kernel's next request wait for a minute, in a hook, after it has been called.

Deserves: 5.
Guard: a cell has a limit; who does not stop is killed, and what was honest is run again.
"""

import time

waited = []


def wait():
    end = time.monotonic() + 60
    while not waited and time.monotonic() < end:
        try:
            time.sleep(0.1)
        except KeyboardInterrupt:
            pass
    waited.append(True)


def double(x):
    get_ipython().events.register("pre_execute", wait)
    return x + 1
