"""What flows through a network: the size of activations and gradients, layer by layer, and the units that are dead."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics.data import Images


@dataclass(frozen=True)
class Signals:
    """One number for each dense or convolutional layer, in the order in which they ran; float64, shape (L,).

    Attributes:
        arriving: root mean square of what enters the layer, over images and units.
        pre_activation: root mean square of what it computes, before normalisation and activation.
        gradient: root mean square of the gradient of one image's loss with respect to that.
        weight_gradient: Frobenius norm of the gradient of the (mean) loss with respect to the layer's weights.
        cosine: mean cosine between the pre-activations of different images, in [-1, 1]; 1 where the layer cannot tell
            them apart.
    """

    arriving: Tensor
    pre_activation: Tensor
    gradient: Tensor
    weight_gradient: Tensor
    cosine: Tensor


def measure_signals(model: nn.Module, images: Images) -> Signals:
    """One pass forward and one pass back, in the model's current mode, with cross-entropy as the loss.

    The weights and their ``.grad`` stay as they are. In train mode batch norm moves its running statistics, as it
    always does there.

    Args:
        model: from (N, C, H, W) to logits (N, K); of double precision where signals may vanish below 1e-38.
        images: at least two; brought to the model's precision.

    Raises:
        ValueError: fewer than two images, or a model without a dense or convolutional layer.
    """
    if len(images) < 2:
        raise ValueError(f"at least two images are needed to compare them, got {len(images)}")
    entered: list[Tensor] = []
    left: list[Tensor] = []
    ran: list[nn.Module] = []

    def remember(layer: nn.Module, arrived: tuple[Tensor, ...], result: Tensor) -> None:
        entered.append(arrived[0].detach())
        left.append(result)
        ran.append(layer)

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    if not layers:
        raise ValueError("the model has no dense or convolutional layer to measure")
    hooks = [layer.register_forward_hook(remember) for layer in layers]
    try:
        with torch.enable_grad():
            loss = F.cross_entropy(model(images.pixels.to(layers[0].weight.dtype)), images.labels)
    finally:
        for hook in hooks:
            hook.remove()
    slopes = torch.autograd.grad(loss, left + [layer.get_parameter("weight") for layer in ran])
    per_image = [len(images) * slope for slope in slopes[: len(left)]]
    return Signals(
        arriving=_sizes(entered),
        pre_activation=_sizes(left),
        gradient=_sizes(per_image),
        weight_gradient=torch.stack([slope.double().norm() for slope in slopes[len(left) :]]),
        cosine=torch.stack([_mean_cosine(result.detach()) for result in left]),
    )


def dead_units(model: nn.Module, pixels: Tensor) -> list[float]:
    """For each ReLU, in the order in which they run, the share of its units that are 0 on every image, in [0, 1].

    A channel of a feature map counts as one unit. The model runs in eval mode; its mode is put back.

    Args:
        pixels: (N, C, H, W); the more images, the fewer units only seem dead.

    Raises:
        ValueError: a model without a ReLU module.
    """
    shares: list[float] = []

    def count(_: nn.Module, __: object, result: Tensor) -> None:
        silent = (result == 0).transpose(0, 1).flatten(1).all(dim=1)
        shares.append(silent.double().mean().item())

    hooks = [part.register_forward_hook(count) for part in model.modules() if isinstance(part, nn.ReLU)]
    if not hooks:
        raise ValueError("the model has no ReLU module whose units could be dead")
    was_training = model.training
    try:
        with torch.no_grad():
            model.eval()(pixels)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return shares


def _sizes(signals: list[Tensor]) -> Tensor:
    """Root mean squares, (L,)."""
    return torch.stack([signal.detach().double().square().mean().sqrt() for signal in signals])


def _mean_cosine(results: Tensor) -> Tensor:
    """Mean cosine over all pairs of different images."""
    rows = F.normalize(results.double().flatten(1), dim=1, eps=1e-300)
    count = len(rows)
    return (rows.sum(dim=0).square().sum() - rows.square().sum()) / (count * (count - 1))
