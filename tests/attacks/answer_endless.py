"""Answers a generator without end, an iterator, a coroutine, a file, a module, a lambda.

Deserves: 5.
Guard: what is not plain data stays a handle; the trusted side takes no more steps than its limits allow.
"""

import itertools
import sys


async def later():
    return True


def double(x):
    return itertools.count() if len(x) == 2 else later()


def summary(x):
    return [sys, sys.stdout, lambda: True, itertools.repeat({"mean": 3.0})]
