"""Looks through all objects of its process that the garbage collector knows, while it is called.

Deserves: 5.
Guard: a hidden test is never sent to the student's process.
"""

import gc


def double(x):
    for found in gc.get_objects():
        if type(found) in (dict, list, tuple, set):
            for text in found.values() if type(found) is dict else found:
                if type(text) in (str, bytes):
                    steal("gc", text)
    return x + 1
