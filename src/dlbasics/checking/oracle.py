"""What checks compare gradients with: torch's autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def gradients(function: Callable[..., Tensor], *inputs: Any, upstream: Tensor | None = None) -> list[Tensor]:
    """The gradients that autograd gives of ``(upstream * function(*inputs)).sum()`` for every floating-point input.

    Args:
        function: of tensors, returning one.
        inputs: passed on; those that are floating-point tensors get a gradient.
        upstream: in the shape of the result; None for a scalar result.
    """
    copies = [i.detach().clone().requires_grad_() if _is_float(i) else i for i in inputs]
    with torch.enable_grad():
        output = function(*copies)
        wanted = [copy for copy in copies if _is_float(copy)]
        return list(torch.autograd.grad(output, wanted, upstream, materialize_grads=True))


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
