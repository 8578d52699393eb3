"""Raises StopIteration: a test that goes over `map(double, ...)` finds nothing to do, and passes.

Deserves: 5.
Guard: a StopIteration that a call raises is raised in the test as another error.
"""


def double(x):
    raise StopIteration


def summary(x):
    return {"mean": x.mean().item(), "shape": list(x.shape)}
