"""Learning from two views without negatives: what keeps such a network from collapsing is one detached branch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics.augment import STRONG, Augment, two_views
from dlbasics.data import Images
from dlbasics.models import projection_head
from dlbasics.training import Loss


class Siamese(nn.Module):
    """A backbone, a projection head, and a predictor that guesses the projection of the other view.

    Args:
        dimension: D of the backbone's embedding.
        out: size of the projection; the predictor narrows to a quarter of it.

    Source: Chen & He, "Exploring Simple Siamese Representation Learning", CVPR 2021, section 3 (SimSiam; there the
    projection ends in a batch norm, which hides the collapse planted here from the last layer).
    """

    def __init__(self, backbone: nn.Module, *, dimension: int, out: int = 64) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection = projection_head(dimension, hidden=out, out=out)
        self.predictor = nn.Sequential(
            nn.Linear(out, out // 4, bias=False), nn.BatchNorm1d(out // 4), nn.ReLU(inplace=True),
            nn.Linear(out // 4, out),
        )  # fmt: skip

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) -> projections (N, out) and predictions (N, out)."""
        projected = self.projection(self.backbone(pixels))
        return projected, self.predictor(projected)


def siamese_loss(augment: Augment = STRONG, *, stop_gradient: bool = True) -> Loss:
    """For `fit` of a `Siamese`: minus the cosine between each view's prediction and the other view's projection.

    Args:
        augment: makes the views.
        stop_gradient: whether the projection counts as a given. Without it all images may move to one point, where the
            loss is -1, its least value.
    """

    def loss(model: nn.Module, batch: Images, generator: torch.Generator | None) -> Tensor:
        views = torch.cat(two_views(batch.pixels, augment, generator=generator))
        projected, predicted = model(views.contiguous(memory_format=torch.channels_last))
        target = projected.detach() if stop_gradient else projected
        return -F.cosine_similarity(predicted, target.roll(len(batch.pixels), dims=0)).mean()

    return loss
