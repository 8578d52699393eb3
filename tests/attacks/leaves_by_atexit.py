"""Registers what shall run at the end: atexit, finalizers, threading's shutdown; each makes a mark and takes a minute.

Deserves: 5.
Guard: the sandbox is killed, not asked to end.
"""

import atexit
import signal
import threading
import time
import weakref


def last():
    reach("atexit")
    time.sleep(60)


class Last:
    pass


held = Last()
atexit.register(last)
weakref.finalize(held, last)
threading._register_atexit(last)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, lambda *args: last())
