"""Takes memory that no process has: in /dev/shm, in anonymous files, in pipes; at most 1 GiB.

Deserves: 5.
Guard: every tmpfs has a size; files have a limit of size.
"""

import time

piece = bytes(16 << 20)
anonymous = os.memfd_create("attack")
try:
    for _ in range(32):
        os.write(anonymous, piece)
except OSError:
    pass
try:
    with open("/dev/shm/attack", "wb") as file:
        for _ in range(32):
            file.write(piece)
except OSError:
    pass
finally:
    time.sleep(1)
    if os.path.exists("/dev/shm/attack"):
        os.remove("/dev/shm/attack")
