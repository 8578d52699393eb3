"""Answers with an object that says it is a float, a tensor and an array, each with another value.

Deserves: 5.
Guard: an object of the student's stays a handle, whatever class it claims.
"""


class Chameleon:
    def __init__(self, x):
        self.x = x

    __class__ = torch.Tensor
    shape, dtype, ndim = (2,), torch.float32, 1
    __float__ = lambda self: 1.0
    __index__ = __len__ = lambda self: 2
    __iter__ = lambda self: iter((2.0, -5.0))
    __bool__ = __eq__ = lambda self, *args: True
    __array__ = lambda self, *args, **named: (2 * self.x + 1).numpy()
    detach = cpu = contiguous = numpy = tolist = lambda self, *args: self
    __array_interface__ = {"shape": (2**40,), "typestr": "<f4", "data": (1, False), "version": 3}


def double(x):
    return Chameleon(x)


summary = double
