"""Writes garbage to every open file descriptor: whatever leads to the grader gets it.

Deserves: 5.
Guard: what comes from a student's kernel is bounded and checked before it means anything.
"""


def double(x):
    for descriptor in range(3, 100):
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, os.urandom(512) + b"\n")
        except OSError:
            pass
    return x + 1
