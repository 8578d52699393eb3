"""The same images a little worse: fixed corruptions to test a trained model with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from dlbasics.data import Images


def shift(pixels: Tensor, *, by: int = 3) -> Tensor:
    """Move ``by`` pixels down and right; black comes in. (N, C, H, W) -> same."""
    return F.pad(pixels, (by, 0, by, 0))[..., : pixels.shape[-2], : pixels.shape[-1]]


def zoom(pixels: Tensor, *, factor: float = 0.75) -> Tensor:
    """Shrink to ``factor`` of the size about the centre, on black."""
    return _affine(pixels, [[1 / factor, 0, 0], [0, 1 / factor, 0]])


def rotate(pixels: Tensor, *, degrees: float = 20) -> Tensor:
    """Turn about the centre, on black."""
    angle = torch.deg2rad(torch.tensor(degrees))
    cos, sin = angle.cos().item(), angle.sin().item()
    return _affine(pixels, [[cos, -sin, 0], [sin, cos, 0]])


def occlude(pixels: Tensor, *, side: int = 10) -> Tensor:
    """Black out a square of ``side`` pixels in the middle."""
    height, width = pixels.shape[-2:]
    top, left = (height - side) // 2, (width - side) // 2
    covered = pixels.clone()
    covered[..., top : top + side, left : left + side] = 0
    return covered


def add_noise(pixels: Tensor, *, deviation: float = 0.2, seed: int = 0) -> Tensor:
    """Add Gaussian noise of this standard deviation, the same for every model, and cut to [0, 1]."""
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed))
    return (pixels + deviation * noise.to(pixels)).clamp(0, 1)


def dim(pixels: Tensor, *, factor: float = 0.5) -> Tensor:
    """Multiply intensities by ``factor``."""
    return pixels * factor


CORRUPTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "clean": lambda pixels: pixels,
    "shifted 3 px": shift,
    "shrunk to 75 %": zoom,
    "turned 20 degrees": rotate,
    "centre hidden": occlude,
    "noise 0.2": add_noise,
    "half as bright": dim,
}


def corrupted(images: Images) -> dict[str, Images]:
    """The images under every corruption of `CORRUPTIONS`, by name; ``"clean"`` first."""
    return {name: replace(images, pixels=corrupt(images.pixels)) for name, corrupt in CORRUPTIONS.items()}


def _affine(pixels: Tensor, matrix: list[list[float]]) -> Tensor:
    theta = torch.tensor(matrix, device=pixels.device, dtype=pixels.dtype).expand(len(pixels), 2, 3)
    return F.grid_sample(pixels, F.affine_grid(theta, list(pixels.shape), align_corners=False), align_corners=False)
