"""Autoencoders with a code of any size: an encoder, a decoder, and a loss that asks for clean images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dlbasics import losses
from dlbasics.data import Images
from dlbasics.models import conv_block
from dlbasics.training import Loss

SIDE, PIXELS = 28, 28 * 28


def linear_autoencoder(size: int) -> nn.Sequential:
    """Two affine maps, 784 -> ``size`` -> 784, as Sequential(encoder, decoder): (N, 1, 28, 28) -> the same shape.

    Its best possible reconstruction is PCA's with ``size`` components.

    Source: Baldi & Hornik, "Neural networks and principal component analysis", Neural Networks 1989.
    """
    _check(size)
    return nn.Sequential(
        nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, size)),
        nn.Sequential(nn.Linear(size, PIXELS), nn.Unflatten(1, (1, SIDE, SIDE))),
    )


def conv_autoencoder(size: int, *, width: int = 8) -> nn.Sequential:
    """Two strided convolutions down to the code, two transposed ones back, as Sequential(encoder, decoder).

    Args:
        size: numbers in the code, the narrow middle; >= 1.
        width: channels of the first layer, doubled by the second.

    Returns:
        A module from (N, 1, 28, 28) to the same shape, in [0, 1]; its first part gives the code, (N, size).
    """
    _check(size)
    flat = 2 * width * 7 * 7
    encoder = nn.Sequential(
        conv_block(1, width, stride=2), conv_block(width, 2 * width, stride=2), nn.Flatten(), nn.Linear(flat, size)
    )
    decoder = nn.Sequential(
        nn.Linear(size, flat),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.ConvTranspose2d(2 * width, width, kernel_size=4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(width, 1, kernel_size=4, stride=2, padding=1),
        nn.Sigmoid(),
    )
    return nn.Sequential(encoder, decoder)


def add_noise(pixels: Tensor, noise: float, *, generator: torch.Generator | None = None) -> Tensor:
    """The images with Gaussian noise of standard deviation ``noise`` on every pixel, cut off at 0 and 1.

    Raises:
        ValueError: a negative deviation.
    """
    if noise < 0:
        raise ValueError(f"noise must not be negative, got {noise}")
    grain = torch.randn(pixels.shape, generator=generator, device=pixels.device, dtype=pixels.dtype)
    return (pixels + noise * grain).clamp(0, 1)


def denoising_loss(noise: float) -> Loss:
    """For `dlbasics.training.fit` of Sequential(encoder, decoder): noisy images in, squared error to the clean ones.

    Source: Vincent et al., "Extracting and Composing Robust Features with Denoising Autoencoders", ICML 2008.
    """

    def loss(model: nn.Module, batch: Images, generator: torch.Generator | None) -> Tensor:
        spoilt = add_noise(batch.pixels, noise, generator=generator)
        return losses.reconstruction(model(spoilt.contiguous(memory_format=torch.channels_last)), batch.pixels)

    return loss


def _check(size: int) -> None:
    if size < 1:
        raise ValueError(f"a code needs at least 1 number, got size={size}")
