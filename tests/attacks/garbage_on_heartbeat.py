"""Sends nonsense to whoever waits for the kernel's heartbeat.

Deserves: 5.
Guard: no thread of the grader's waits for a heartbeat; whether a kernel lives is asked of its keeper.
"""

import json
import os
import socket

with open("/run/kernel/kernel.json") as file:
    where = json.load(file)
for descriptor in range(4, 200):
    try:
        one = socket.socket(fileno=os.dup(descriptor))
        if one.getsockname() == f"{where['ip']}-{where['hb_port']}":
            os.write(descriptor, b"\xff" * 64)
    except OSError:
        pass
# %% before honest
import time

time.sleep(2.5)
