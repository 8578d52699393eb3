"""Answers a number of ten million digits, which takes hours to print in decimals.

Deserves: 5.
Guard: whole numbers have a limit of size.
"""


def double(x):
    return 1 << 33_000_000


summary = double
