"""Leaves with SystemExit(0) in a call, so that what ran the test ends as if all was well.

Deserves: 5.
Guard: whatever a call raises is an error in the test, and no exception of the student's is raised as it is.
"""


def double(x):
    raise SystemExit(0)


def summary(x):
    raise KeyboardInterrupt
