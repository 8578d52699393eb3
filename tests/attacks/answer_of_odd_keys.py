"""Answers right tensors, but a summary whose keys are NaN, equal each other, are unhashable or are the wire's own.

Deserves: 7.
Guard: keys are plain data; a dict is written as pairs, so that no key means anything to the wire.
"""


def double(x):
    return 2 * x


class Key(str):
    __hash__ = lambda self: 0
    __eq__ = lambda self, other: False


def summary(x):
    return {float("nan"): 1, True: 2, 1.5: 3, Key("mean"): 3.0, Key("shape"): [2, 2], (1, (2,)): 4, "__class__": 5}
