"""What stands in for steps of *backprop*: torch's functions and autograd under the exercise's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dlbasics.checking.oracle import gradients


class Node:
    """The exercise's `Node`, with torch's autograd inside."""

    def __init__(self, data: Any) -> None:
        tensor = torch.as_tensor(data)
        self._tensor = tensor if tensor.grad_fn is not None else tensor.detach().clone().requires_grad_()

    @property
    def data(self) -> Tensor:
        """The value."""
        return self._tensor.detach()

    @property
    def gradient(self) -> Tensor:
        """What `backward` of a later node has found; 0 before."""
        return torch.zeros_like(self._tensor) if self._tensor.grad is None else self._tensor.grad

    @torch.enable_grad()
    def _made(self, function: Callable[..., Tensor], *others: Any) -> Node:
        return Node(function(self._tensor, *others))

    def __add__(self, other: Node) -> Node:
        return self._made(torch.add, other._tensor)

    def __mul__(self, other: Node) -> Node:
        return self._made(torch.mul, other._tensor)

    def __matmul__(self, other: Node) -> Node:
        return self._made(torch.matmul, other._tensor)

    def relu(self) -> Node:
        """Entry by entry."""
        return self._made(torch.relu)

    def sum(self) -> Node:
        """Of all entries."""
        return self._made(torch.sum)

    def cross_entropy(self, labels: Tensor) -> Node:
        """The mean over the batch."""
        return self._made(F.cross_entropy, labels)

    def backward(self) -> None:
        """Give every node of the graph its gradient."""
        self._tensor.backward()


def _unbroadcast(gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    return gradient.sum_to_size(tuple(shape))


def _backward(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda upstream, a: gradients(function, a, upstream=upstream)[0]


def _affine(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return F.linear(x, w.T, b)


def _affine_backward(upstream: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    return tuple(gradients(_affine, x, w, w.new_zeros(w.shape[1]), upstream=upstream))


def _momentum_step(
    weights: list[Tensor], gradients: list[Tensor], velocities: list[Tensor], learning_rate: float, momentum: float
) -> tuple[list[Tensor], list[Tensor]]:
    moved, kept = [], []
    for weight, gradient, velocity in zip(weights, gradients, velocities, strict=True):
        leaf = torch.as_tensor(weight).detach().clone().requires_grad_()
        leaf.grad = torch.as_tensor(gradient).to(leaf.dtype).clone()
        optimiser = torch.optim.SGD([leaf], lr=learning_rate, momentum=momentum)
        optimiser.state[leaf]["momentum_buffer"] = torch.as_tensor(velocity).to(leaf.dtype).clone()
        optimiser.step()
        moved.append(leaf.detach())
        kept.append(optimiser.state[leaf]["momentum_buffer"])
    return moved, kept


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "affine_forward": _affine,
    "affine_backward": _affine_backward,
    "relu_forward": torch.relu,
    "relu_backward": _backward(torch.relu),
    "tanh_forward": torch.tanh,
    "tanh_backward": _backward(torch.tanh),
    "gelu_forward": F.gelu,
    "gelu_backward": _backward(F.gelu),
    "cross_entropy_forward": F.cross_entropy,
    "cross_entropy_backward": lambda logits, labels: gradients(F.cross_entropy, logits, labels)[0],
    "unbroadcast": _unbroadcast,
    "Node": Node,
    "momentum_step": _momentum_step,
}
