"""What stands in for steps of *cnn*: torch's layers and autograd under the exercise's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics.checking.oracle import gradients


def _output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    axis, window = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
    return F.conv1d(axis, window, stride=stride, padding=padding).shape[-1]


def _conv_parameters(channels_in: int, channels_out: int, kernel_height: int, kernel_width: int, bias: bool) -> int:
    layer = nn.Conv2d(channels_in, channels_out, (kernel_height, kernel_width), bias=bias, device="meta")
    return sum(weight.numel() for weight in layer.parameters())


def _receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    width = 1
    for kernel, stride in reversed(layers):
        width = (width - 1) * stride + kernel
    return width


def _conv2d(x: Tensor, w: Tensor, b: Tensor, stride: int, padding: int) -> Tensor:
    return F.conv2d(x, w, b, stride=stride, padding=padding)


def _conv2d_backward(upstream: Tensor, x: Tensor, w: Tensor, stride: int, padding: int) -> tuple[Tensor, ...]:
    b = w.new_zeros(len(w))
    return tuple(gradients(lambda x, w, b: _conv2d(x, w, b, stride, padding), x, w, b, upstream=upstream))


def _max_pool(x: Tensor, kernel: int, stride: int) -> Tensor:
    return F.max_pool2d(x, kernel, stride)


def _average_pool(x: Tensor, kernel: int, stride: int) -> Tensor:
    return F.avg_pool2d(x, kernel, stride)


def _pool_backward(pool: Callable[[Tensor, int, int], Tensor]) -> Callable[[Tensor, Tensor, int, int], Tensor]:
    return lambda upstream, x, kernel, stride: gradients(lambda x: pool(x, kernel, stride), x, upstream=upstream)[0]


def _batch_norm(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    mean, var = running_mean.clone(), running_var.clone()
    return F.batch_norm(x, mean, var, scale, shift, training=training, momentum=momentum, eps=eps), mean, var


def _batch_norm_backward(upstream: Tensor, x: Tensor, scale: Tensor, eps: float) -> tuple[Tensor, ...]:
    def norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, scale, shift, training=True, eps=eps)

    return tuple(gradients(norm, x, scale, torch.zeros_like(scale), upstream=upstream))


def _small_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 7 * 7, 10),
    )


def _train_step(model: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, labels: Tensor) -> float:
    model.train()
    optimiser.zero_grad()
    loss = F.cross_entropy(model(x), labels)
    loss.backward()
    optimiser.step()
    return loss.item()


def _predict(model: nn.Module, x: Tensor) -> Tensor:
    model.eval()
    with torch.no_grad():
        return model(x).argmax(dim=1)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "output_size": _output_size,
    "conv_parameters": _conv_parameters,
    "receptive_field": _receptive_field,
    "conv2d_loops": _conv2d,
    "conv2d": _conv2d,
    "conv2d_backward": _conv2d_backward,
    "max_pool": _max_pool,
    "max_pool_backward": _pool_backward(_max_pool),
    "average_pool": _average_pool,
    "average_pool_backward": _pool_backward(_average_pool),
    "batch_norm": _batch_norm,
    "batch_norm_backward": _batch_norm_backward,
    "SmallCNN": _small_cnn,
    "train_step": _train_step,
    "predict": _predict,
}
