"""Answers an object that runs code wherever somebody unpickles, copies or converts it.

Deserves: 5.
Guard: nothing is pickled, on either side; no method of an answer is called.
"""


def double(x):
    import os  # the way that a pickle would go

    class Bomb:
        def __reduce_ex__(self, protocol):
            return os.makedirs, (REACH + "/unpickled", 0o777, True)

        __reduce__ = lambda self: self.__reduce_ex__(2)
        __deepcopy__ = __copy__ = __getstate__ = lambda self, *args: reach("copied")
        __repr__ = __str__ = lambda self: "__import__('os').makedirs('" + REACH + "/evaluated')"

    return Bomb()


summary = double
