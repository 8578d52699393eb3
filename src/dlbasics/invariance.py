"""What a space ignores and what it keeps: whether a changed image stays near itself, and what can be read back."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def others_nearer(embeddings: Tensor, views: Tensor) -> float:
    """How often another image lies nearer to a view than the image it was made from, by cosine similarity, in [0, 1].

    0: the space ignores the change, as far as the images' order of nearness is concerned; 0.5: the view could be one of
    any image. A rank does not depend on the unit of the space, and hardly on N.

    Args:
        embeddings, views: of N images and of one view of each, centred on one scale, shape (N, D), N >= 2.

    Raises:
        ValueError: the shapes differ, or fewer than two images.
    """
    cosine = _cosines(embeddings, views)
    own = cosine.diag()[:, None]
    # a tie counts as half; the view's own image ties with itself and is taken out
    nearer = (cosine > own).sum(dim=1) + ((cosine == own).sum(dim=1) - 1) / 2
    return (nearer / (len(views) - 1)).mean().item()


def found_again(embeddings: Tensor, views: Tensor) -> float:
    """Share of views to which no other image lies nearer than their own, in [0, 1]; by chance 1/N.

    Stricter than `others_nearer`, and low for two reasons: the view has moved, or other images lie very near.

    Args and errors: as for `others_nearer`.
    """
    cosine = _cosines(embeddings, views)
    return (cosine.argmax(dim=1) == torch.arange(len(views))).float().mean().item()


def read_back(
    features: Tensor, targets: Tensor, new_features: Tensor, new_targets: Tensor, *, strength: float = 1e-2
) -> float:
    """R2 of ridge regression from features to targets on new images: the share of their variance that can be read back.

    Args:
        features, new_features: shape (N, D) and (M, D), on one scale.
        targets, new_targets: shape (N, T) and (M, T); the variance is summed over the T columns.
        strength: penalty per image, on weights of features of about unit variance; > 0.

    Returns:
        1 where nothing is lost, 0 where the mean would do as well; negative where it would do better.

    Raises:
        ValueError: a strength that is not positive, or targets that never vary.
    """
    if not strength > 0:
        raise ValueError(f"strength must be positive, got {strength}")
    total = (new_targets - new_targets.mean(dim=0)).square().sum().double()
    if total == 0:
        raise ValueError("new_targets never vary: there is nothing to read back")
    error = new_targets - ridge(features, targets, new_features, strength=strength)
    return (1 - error.square().sum().double() / total).item()


def ridge(features: Tensor, targets: Tensor, new_features: Tensor, *, strength: float = 1e-2) -> Tensor:
    """Predictions of ridge regression in closed form, with an intercept: shape (M, T)."""
    middle, mean = features.mean(dim=0), targets.mean(dim=0)
    x = (features - middle).double()
    gram = x.T @ x + strength * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(gram, x.T @ (targets - mean).double())
    return ((new_features - middle).double() @ weights).to(targets.dtype) + mean


def with_random_features(features: Tensor, *, count: int = 1000, seed: int = 0) -> Tensor:
    """The features and ``count`` random ReLU units of them, so that a linear reader can bend: (N, D) -> (N, D + count).

    Source: Rahimi & Recht, "Random Features for Large-Scale Kernel Machines", NeurIPS 2007, in the form of ReLUs.
    """
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(features.shape[1], count, generator=generator) / features.shape[1] ** 0.5
    bias = torch.randn(count, generator=generator)
    return torch.cat([features, torch.relu(features @ weight + bias)], dim=1)


def _cosines(embeddings: Tensor, views: Tensor) -> Tensor:
    """Of every view (row) with every image (column), shape (N, N)."""
    if embeddings.shape != views.shape or embeddings.ndim != 2 or len(embeddings) < 2:
        raise ValueError(
            "embeddings and views must share one shape (N, D) with N >= 2, "
            f"got {tuple(embeddings.shape)} and {tuple(views.shape)}"
        )
    return F.normalize(views, dim=1) @ F.normalize(embeddings, dim=1).T
