"""What each kind of learning asks for: agreement of two views, or the pixels back."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def nt_xent(z_a: Tensor, z_b: Tensor, *, temperature: float = 0.5) -> Tensor:
    """Normalised-temperature cross-entropy over two views of a batch.

    Row ``i`` of ``z_a`` and of ``z_b`` embed two views of image ``i``; every other row of either is a negative.

    Args:
        z_a, z_b: embeddings, shape (N, D), N >= 2; they need not be normalised.
        temperature: divides the cosine similarities; > 0. Smaller looks harder at the nearest negatives.

    Returns:
        The mean loss over the 2N anchors, a scalar in nats; ``log(2N - 1)`` where all embeddings coincide.

    Raises:
        ValueError: shapes differ, fewer than two images, or a temperature that is not positive.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020, eq. 1.
    """
    if z_a.ndim != 2 or z_a.shape != z_b.shape:
        raise ValueError(f"z_a and z_b must share one shape (N, D), got {tuple(z_a.shape)} and {tuple(z_b.shape)}")
    if len(z_a) < 2:
        raise ValueError(f"a batch needs at least 2 images to have negatives, got {len(z_a)}")
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    n = len(z_a)
    z = F.normalize(torch.cat([z_a, z_b]).float() if z_a.dtype.itemsize < 4 else torch.cat([z_a, z_b]), dim=1)
    anchors = z / temperature
    positive = (anchors[:n] * z[n:]).sum(dim=1).repeat(2)
    with _full_precision(z.device):
        similarity = anchors @ z.T
    row = torch.arange(2 * n, device=z.device)
    with torch.no_grad():  # exp(-inf) has no slope, and where a logsumexp is anchored does not change it
        similarity[row, row] = -torch.inf  # nobody is their own negative
        similarity[row, row.roll(n)] = -torch.inf  # the positive enters below
        largest = similarity.amax(dim=1)
    # logsumexp in place: the one large matrix is overwritten, and backward need not compute exp again
    negatives = similarity.sub_(largest[:, None]).exp_().sum(dim=1).log() + largest
    # -log(e^p / (e^p + e^negatives)) = softplus(negatives - p): nothing overflows, and a loss near 0 keeps its digits
    return F.softplus(negatives - positive).mean()


def reconstruction(decoded: Tensor, pixels: Tensor) -> Tensor:
    """Mean squared error per pixel between a decoder's output and the image, both (N, C, H, W); a scalar.

    Raises:
        ValueError: the shapes differ.
    """
    if decoded.shape != pixels.shape:
        raise ValueError(
            f"decoded and pixels must share one shape, got {tuple(decoded.shape)} and {tuple(pixels.shape)}"
        )
    return F.mse_loss(decoded, pixels)


def masked_reconstruction(decoded: Tensor, pixels: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error over the hidden pixels alone: copying what can be seen earns nothing.

    Args:
        decoded, pixels: shape (N, C, H, W).
        hidden: True where the encoder could not look, shape (N, 1, H, W) or (N, C, H, W); at least one pixel.

    Returns:
        A scalar; NaN if nothing is hidden.

    Source: He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022, section 3.
    """
    if decoded.shape != pixels.shape:
        raise ValueError(
            f"decoded and pixels must share one shape, got {tuple(decoded.shape)} and {tuple(pixels.shape)}"
        )
    weight = hidden.expand_as(pixels).to(pixels.dtype)
    return ((decoded - pixels).square() * weight).sum() / weight.sum()


def _full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Keeps autocast out: similarities rounded to bfloat16, divided by a small temperature, would be off by tenths."""
    return torch.autocast(device.type, enabled=False) if torch.amp.is_autocast_available(device.type) else nullcontext()
