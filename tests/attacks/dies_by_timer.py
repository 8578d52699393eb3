"""Sets timers that kill it while its answer is waited for: a thread's, faulthandler's, an alarm.

Deserves: 5.
Flags: died.
Guard: a dead kernel is started again, and its cells that did not die are run again.
"""

import faulthandler
import signal
import threading
import time

faulthandler.enable()


def double(x):
    signal.alarm(1)
    threading.Timer(0.3, os.abort).start()
    faulthandler.dump_traceback_later(0.5, exit=True)
    time.sleep(10)
    return x + 1
