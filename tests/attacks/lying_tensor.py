"""Answers with a tensor whose `__torch_function__` says that everything is true.

Deserves: 5.
Guard: of a tensor only its bytes, dtype and shape cross; the trusted side makes a plain one.
"""


class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function in (torch.allclose, torch.equal, torch.isclose):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})

    __eq__ = __bool__ = lambda self, *args: True


def double(x):
    return (x + 1).as_subclass(Liar)
