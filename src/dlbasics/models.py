"""Small networks, each a few lines to read: a convolutional backbone, an MLP, heads and a decoder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
}


def mlp(
    sizes: Sequence[int], *, activation: str = "relu", normalise: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Dense layers with an activation between them; images are flattened first.

    Args:
        sizes: widths from input to output, for instance (784, 128, 10); at least two.
        activation: a key of `ACTIVATIONS`; ``"none"`` leaves a stack of affine maps.
        normalise: batch norm before each activation.
        dropout: share of hidden units dropped in training, in [0, 1).

    Returns:
        A module from (N, ...) with sizes[0] numbers an example to (N, sizes[-1]).

    Raises:
        ValueError: fewer than two sizes or an unknown activation.
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes needs an input and an output, got {tuple(sizes)}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}; choose from {', '.join(ACTIVATIONS)}")
    layers: list[nn.Module] = [nn.Flatten()]
    for place, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        layers.append(nn.Linear(fan_in, fan_out))
        if place < len(sizes) - 2:
            layers += [nn.BatchNorm1d(fan_out)] * normalise
            layers.append(ACTIVATIONS[activation]())
            layers += [nn.Dropout(dropout)] * bool(dropout)
    return nn.Sequential(*layers)


def conv_block(channels_in: int, channels_out: int, *, stride: int) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU; a stride of 2 halves height and width (rounded up)."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class ConvBackbone(nn.Module):
    """Four convolutional blocks that turn an image into an embedding.

    (N, C, 28, 28) -> 14 -> 7 -> 4 -> 4, then averaged to 2x2 and flattened: (N, 16 * width). With 2x2 cells instead of
    one the embedding remembers *where* a feature was; the early stride makes it several times as fast.

    Args:
        width: channels of the first block, doubled twice; 32 gives 240 thousand parameters and D = 512.
        channels: of the images.

    Attributes:
        dimension: D, the size of the embedding.
    """

    def __init__(self, *, width: int = 32, channels: int = 1) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        self.dimension = 16 * width
        self.blocks = nn.Sequential(
            OrderedDict(
                block1=conv_block(channels, width, stride=2),
                block2=conv_block(width, 2 * width, stride=2),
                block3=conv_block(2 * width, 4 * width, stride=2),
                block4=conv_block(4 * width, 4 * width, stride=1),
            )
        )
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D)."""
        return self.pool(self.blocks(pixels))


def projection_head(dimension: int, *, hidden: int = 256, out: int = 64) -> nn.Sequential:
    """The small MLP between backbone and contrastive loss, thrown away afterwards: (N, D) -> (N, out).

    Source: Chen et al., ICML 2020, section 4.2: what the loss asks for is learnt here rather than in the embedding.
    """
    return nn.Sequential(
        nn.Linear(dimension, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, out)
    )


class Classifier(nn.Module):
    """A backbone and a linear head: (N, C, H, W) -> logits (N, K)."""

    def __init__(self, backbone: nn.Module, *, dimension: int, n_classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(dimension, n_classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K)."""
        return self.head(self.backbone(pixels))


class Decoder(nn.Module):
    """From an embedding back to a 28x28 image: (N, D) -> (N, channels, 28, 28) in [0, 1].

    Args:
        dimension: D.
        width: channels before the last layer; the mirror of `ConvBackbone`'s.
    """

    def __init__(self, dimension: int, *, width: int = 32, channels: int = 1) -> None:
        super().__init__()
        self.start = nn.Sequential(nn.Linear(dimension, 2 * width * 7 * 7), nn.ReLU(inplace=True))
        self.grow = nn.Sequential(
            nn.Unflatten(1, (2 * width, 7, 7)),
            nn.ConvTranspose2d(2 * width, width, kernel_size=4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(width, channels, kernel_size=4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, embedding: Tensor) -> Tensor:
        """(N, D) -> (N, channels, 28, 28)."""
        return self.grow(self.start(embedding))


def count_parameters(model: nn.Module) -> int:
    """Trainable numbers in a model."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Make the initial weights depend on ``seed`` alone and leave torch's global generator as it was.

    ``with seeded(0): backbone = ConvBackbone()``
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
