"""Kills its process when a test calls it.

Deserves: 5.
Flags: died.
Guard: a dead kernel fails that test; the cells before it are run again in a new one.
"""


def double(x):
    os.kill(os.getpid(), 9)
    os._exit(9)  # process 1 of a namespace is not killed by its own signal
