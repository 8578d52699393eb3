"""Opens files until no more will open, and keeps them open while the tests run.

Deserves: 5.
Guard: a limit of descriptors; a kernel that cannot go on is a dead one.
"""

held = []
try:
    for _ in range(5000):
        held.append(open("/dev/null"))
except OSError:
    for _ in range(10):  # or the kernel itself could not go on
        held.pop().close()
