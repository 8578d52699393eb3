"""A thread waits and, while the tests run, patches torch, all functions that torch's users see, and the tests' names.

Deserves: 5.
Guard: the tests run in a process that no student's thread lives in.
"""

import threading
import time


def patch():
    end = time.monotonic() + 60
    while time.monotonic() < end:
        torch.allclose = torch.equal = lambda *args, **named: True
        get_ipython().user_ns["summary"] = lambda x: {"mean": 3.0, "shape": [9]}
        time.sleep(0.01)


threading.Thread(target=patch, daemon=True).start()
