"""Leaves a process behind, twice forked and in a session of its own, that makes its mark when all is over.

Deserves: 5.
Guard: the sandbox ends with its first process, and all in it.
"""

import time

if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    for descriptor in range(1024):
        try:
            os.close(descriptor)
        except OSError:
            pass
    for _ in range(40):
        time.sleep(0.5)
        reach("left-process")
        reach("left-process", "/proc/1/root")
    os._exit(0)
