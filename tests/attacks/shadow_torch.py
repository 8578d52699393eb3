"""Hands in a `torch.py` that says yes to everything: the tests import it, if they run where it lies.

Deserves: 5.
Guard: the tests' modules are never looked for among the student's files.
"""


def submit(notebook, folder):
    (folder / "torch.py").write_text("""
class Yes(float):
    def yes(self, *args, **named):
        return self
    __add__ = __radd__ = __mul__ = __rmul__ = __getattr__ = __getitem__ = __call__ = yes
    __eq__ = __bool__ = lambda self, *args: True
    __hash__ = None
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Yes(1)
""")
    named(
        notebook, "double"
    ).source = "def double(x):\n    return torch.right\n\n\ndef summary(x):\n    return torch.right"
