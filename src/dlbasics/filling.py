"""Filling in hidden pixels without a network: fillers to compare with, and the error where it was hidden."""

from __future__ import annotations

import torch
from torch import Tensor

from dlbasics.losses import masked_reconstruction


def hidden_error(filled: Tensor, pixels: Tensor, hidden: Tensor) -> float:
    """Mean squared error over the hidden pixels of all images.

    Args:
        filled, pixels: shape (N, 1, H, W).
        hidden: True where hidden, the same shape; at least one pixel.
    """
    return masked_reconstruction(filled, pixels, hidden).item()


def mean_of_visible(pixels: Tensor, hidden: Tensor) -> Tensor:
    """Every hidden pixel becomes the mean of what is visible in its own image; (N, 1, H, W) -> the same shape."""
    visible = (~hidden).to(pixels.dtype)
    mean = (pixels * visible).sum(dim=(1, 2, 3), keepdim=True) / visible.sum(dim=(1, 2, 3), keepdim=True)
    return torch.where(hidden, mean, pixels)


def mean_image(pixels: Tensor, hidden: Tensor, *, known: Tensor) -> Tensor:
    """Every hidden pixel becomes the mean of ``known`` images (M, 1, H, W) at that place."""
    return torch.where(hidden, known.mean(dim=0, keepdim=True), pixels)


def nearest_image(pixels: Tensor, hidden: Tensor, *, known: Tensor) -> Tensor:
    """Hidden pixels are copied from the one of the ``known`` images (M, 1, H, W) that is closest where one can see."""
    visible = (~hidden).to(pixels.dtype).flatten(1)
    seen, others = pixels.flatten(1) * visible, known.flatten(1)
    # sum over the visible pixels of (x - k)^2, less the x^2 that is the same for every candidate
    distance = visible @ others.square().T - 2 * seen @ others.T
    return torch.where(hidden, known[distance.argmin(dim=1)], pixels)


def gaussian(pixels: Tensor, hidden: Tensor, *, known: Tensor, ridge: float = 1e-3) -> Tensor:
    """Hidden pixels by linear regression on the visible ones: their conditional mean, were images Gaussian.

    With $h$ the hidden and $v$ the visible pixels of an image, ``mean_h + S_hv (S_vv + ridge I)^-1 (x_v - mean_v)``:
    of all linear fillers the one with the least squared error on ``known`` (as ridge -> 0), solved anew for each mask.

    Args:
        known: images to take mean and covariance from, shape (M, 1, H, W).
        ridge: added to the variance of every visible pixel; > 0, since pixels of the margin hardly vary.

    Returns:
        Shape (N, 1, H, W), cut off at 0 and 1.
    """
    if not ridge > 0:
        raise ValueError(f"ridge must be positive, got {ridge}")
    flat = known.flatten(1).double()
    mean = flat.mean(dim=0)
    covariance = (flat - mean).T @ (flat - mean) / len(flat)
    covariance.diagonal().add_(ridge)
    filled = pixels.flatten(1).double()
    for row, mask in zip(filled, hidden.flatten(1), strict=True):
        where, seen = mask.nonzero().flatten(), (~mask).nonzero().flatten()
        weights = torch.cholesky_solve(
            (row[seen] - mean[seen])[:, None], torch.linalg.cholesky(covariance[seen][:, seen])
        )
        row[where] = mean[where] + (covariance[where][:, seen] @ weights).flatten()
    return filled.clamp(0, 1).to(pixels.dtype).view_as(pixels)
