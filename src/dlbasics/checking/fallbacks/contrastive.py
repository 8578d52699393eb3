"""What stands in for steps of *contrastive*: torch's and the package's functions under the exercise's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dlbasics import augment, losses, space

_VIEWS = augment.Augment(area=(0.5, 1.0), rotation=10, shift=0.1, flip=True, brightness=0.4)


def _cosine_similarity(u: Tensor, v: Tensor) -> Tensor:
    return F.normalize(u, dim=1) @ F.normalize(v, dim=1).T


def _nt_xent(z_a: Tensor, z_b: Tensor, temperature: float) -> Tensor:
    return losses.nt_xent(z_a, z_b, temperature=temperature)


def _two_views(pixels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    return augment.two_views(pixels, _VIEWS, generator=torch.Generator().manual_seed(seed))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cosine_similarity": _cosine_similarity,
    "nt_xent": _nt_xent,
    "two_views": _two_views,
    "alignment": space.alignment,
    "uniformity": space.uniformity,
}
