"""Never ends, and does not listen to interrupts.

Deserves: 5.
Flags: timed out.
Guard: a cell has a limit; who does not stop is killed.
"""

import signal
import time

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
end = time.monotonic() + 120
while time.monotonic() < end:
    try:
        time.sleep(0.1)
    except BaseException:
        pass
