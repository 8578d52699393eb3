"""Histograms of oriented gradients: the hand-made feature that learnt ones had to beat."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 2  # cells a side of a block; blocks overlap, one cell apart


def hog(pixels: Tensor, *, cell: int = 7, bins: int = 9) -> Tensor:
    """Which way the edges run in each small cell of an image, whatever their contrast.

    Each pixel votes with the size of its gradient for its direction, taken modulo 180 degrees and shared between the
    two nearest of ``bins`` directions; the votes of a cell are added up; each block of 2x2 cells is then scaled to
    length 1. Left out of the original: the Gaussian window over a block, votes shared between cells, and the cut of
    large values before a second scaling.

    Args:
        pixels: grey images, shape (N, 1, H, W), floats; H and W divisible by ``cell``, at least two cells each.
        cell: pixels a side.
        bins: directions, from 0 up to 180 degrees.

    Returns:
        Shape (N, (H / cell - 1) * (W / cell - 1) * 4 * bins), from 0 to 1; an empty block stays 0.

    Raises:
        ValueError: colour images, fewer than two cells a side, or a side that ``cell`` does not divide.

    Source: Dalal & Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005.
    """
    n, channels, height, width = pixels.shape
    if channels != 1 or height % cell or width % cell or min(height, width) < BLOCK * cell:
        raise ValueError(
            f"expected grey images (N, 1, H, W) of at least {BLOCK} x {BLOCK} cells of {cell} pixels, "
            f"got {tuple(pixels.shape)}"
        )
    # The margin is repeated outwards, so that the picture's own frame is no edge.
    wide = F.pad(pixels[:, 0], (1, 1, 1, 1), mode="replicate")
    across, down = wide[:, 1:-1, 2:] - wide[:, 1:-1, :-2], wide[:, 2:, 1:-1] - wide[:, :-2, 1:-1]
    size = torch.hypot(across, down)
    direction = torch.atan2(down, across).remainder(math.pi) / math.pi * bins  # in [0, bins]
    lower = direction.floor()
    share = direction - lower
    votes = size.new_zeros(n, bins, height, width)
    for place, part in ((lower, 1 - share), (lower + 1, share)):
        votes.scatter_add_(1, place.long().remainder(bins)[:, None], (size * part)[:, None])
    cells = F.avg_pool2d(votes, cell) * cell**2
    blocks = cells.unfold(2, BLOCK, 1).unfold(3, BLOCK, 1)  # (N, bins, rows, columns, 2, 2)
    blocks = blocks.permute(0, 2, 3, 4, 5, 1).flatten(3)  # (N, rows, columns, 4 * bins)
    return F.normalize(blocks, dim=3, eps=1e-3).flatten(1)
