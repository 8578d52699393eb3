"""Reading a network layer by layer: the features after each block, brought to one size, and how classes lie in them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor
from torch.nn import functional as F

from dlbasics.models import ConvBackbone

Reduce = Callable[[Tensor], Tensor]


def flatten(maps: Tensor) -> Tensor:
    """Every number of a feature map: (N, ...) -> (N, d)."""
    return maps.flatten(1)


def average_pool(cells: int) -> Reduce:
    """Means over ``cells`` x ``cells`` regions of a map: (N, C, H, W) -> (N, C * cells ** 2); vectors stay as they are.

    Raises:
        ValueError: fewer than one cell.
    """
    if cells < 1:
        raise ValueError(f"cells must be at least 1, got {cells}")

    def pool(maps: Tensor) -> Tensor:
        return maps if maps.ndim == 2 else F.adaptive_avg_pool2d(maps, cells).flatten(1)

    return pool


def random_projection(dimension: int, *, seed: int = 0) -> Reduce:
    """A fixed Gaussian matrix that takes d numbers to ``dimension``: (N, ...) -> (N, min(d, dimension)).

    It looks at no data, so it favours no layer, and keeps squared distances on average; their relative error is about
    ``sqrt(2 / dimension)``. Where d is no larger than ``dimension`` the numbers stay as they are.

    Args:
        dimension: of the result, at least 1.
        seed: of the matrix; it depends on the seed and on d alone.

    Raises:
        ValueError: a dimension below 1.

    Source: Johnson & Lindenstrauss, "Extensions of Lipschitz mappings into a Hilbert space", 1984.
    """
    if dimension < 1:
        raise ValueError(f"dimension must be at least 1, got {dimension}")
    matrices: dict[int, Tensor] = {}

    def project(maps: Tensor) -> Tensor:
        flat = maps.flatten(1)
        size = flat.shape[1]
        if size <= dimension:
            return flat
        if size not in matrices:
            generator = torch.Generator().manual_seed(seed)
            matrices[size] = torch.randn(size, dimension, generator=generator) / dimension**0.5
        return flat @ matrices[size].to(flat)

    return project


@torch.no_grad()
def features_by_block(
    backbone: ConvBackbone, pixels: Tensor, *, reduce: Reduce = flatten, batch_size: int = 500
) -> dict[str, Tensor]:
    """What an image looks like on its way through a frozen backbone, in eval mode.

    Args:
        backbone: left in eval mode.
        pixels: shape (N, C, H, W).
        reduce: brings each map (N, C, H, W) to features (N, d), batch by batch, so that the maps need no memory.

    Returns:
        ``"pixels"``, the name of each block, and ``"embedding"``, in the order of the computation; (N, d) each.
    """
    backbone.eval()
    parts: dict[str, list[Tensor]] = {}
    for batch in pixels.split(batch_size):
        maps, h = {"pixels": batch}, batch
        for name, block in backbone.blocks.named_children():
            maps[name] = h = block(h)
        maps["embedding"] = backbone.pool(h)
        for name, value in maps.items():
            parts.setdefault(name, []).append(reduce(value))
    return {name: torch.cat(values) for name, values in parts.items()}


def class_distance_ratio(features: Tensor, labels: Tensor) -> float:
    """Mean distance between two images of one class, over the mean distance between two of different classes.

    Near 1 where classes mean nothing to the space, 0 where every class is a single point.

    Args:
        features: shape (N, d); a few thousand at most, for all pairs are compared.
        labels: shape (N,); at least two classes, one of them with two images.

    Raises:
        ValueError: a single class, or no class with two images.
    """
    same = labels[:, None] == labels[None, :]
    pairs = torch.ones_like(same).triu(1)
    if not (same & pairs).any() or not (~same & pairs).any():
        raise ValueError(f"at least two classes, one with two images, are needed; got {labels.bincount().tolist()}")
    distances = torch.cdist(features.double(), features.double())
    return (distances[same & pairs].mean() / distances[~same & pairs].mean()).item()


def triplet_error(features: Tensor, labels: Tensor) -> float:
    """How often an image of another class lies nearer than one of the own class, by cosine similarity, in [0, 1].

    Over all triples of an anchor, an image of its class and one of another (the mean over anchors, all counting alike).
    0 where like lies with like, 0.5 where classes mean nothing. Only the order of distances counts, so that neither the
    unit of the space nor one far island decides.

    Args:
        features: shape (N, d), centred (see `evaluation.Scale`); a few thousand at most.
        labels: shape (N,); at least two classes. Images that are alone in their class are no anchors.

    Raises:
        ValueError: a single class, or no class with two images.
    """
    unit = F.normalize(features, dim=1)
    errors = []
    for row, label in enumerate(labels):
        cosine = unit @ unit[row]
        same = labels == label
        others = cosine[~same].sort().values
        same[row] = False
        if same.any() and len(others):
            # other images with a larger cosine; a tie counts as half an error
            below = torch.searchsorted(others, cosine[same]) + torch.searchsorted(others, cosine[same], right=True)
            errors.append(1 - below.double().mean() / 2 / len(others))
    if not errors:
        raise ValueError(f"at least two classes, one with two images, are needed; got {labels.bincount().tolist()}")
    return torch.stack(errors).mean().item()


def discriminant_plane(features: Tensor, labels: Tensor, new: Tensor, *, shrinkage: float = 0.3) -> Tensor:
    """Where new images lie in the plane that tells three classes apart best, by Fisher's linear discriminant analysis.

    Three classes have two discriminant directions, so the plane hides nothing that the analysis has found. It is turned
    (and mirrored) until the classes, in the order of their labels, lie lower left, lower right and above; the mean
    deviation within classes is 1 along every direction.

    Args:
        features: of labelled images, shape (N, d).
        labels: of exactly three values, shape (N,).
        new: features of other images, shape (M, d).
        shrinkage: of the covariance towards a multiple of the identity, in (0, 1]; few images need more.

    Returns:
        Shape (M, 2).

    Raises:
        ValueError: not three classes.

    Source: Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 1936.
    """
    present = labels.unique()
    if len(present) != 3:
        raise ValueError(f"a plane holds three classes, got {present.tolist()}")
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage, n_components=2)
    known = torch.from_numpy(analysis.fit_transform(features.numpy(), labels.numpy()))
    corners = torch.tensor([[-1.0, -0.5], [1.0, -0.5], [0.0, 1.0]], dtype=known.dtype)
    means = torch.stack([known[labels == k].mean(dim=0) for k in present])
    u, _, vh = torch.linalg.svd((means - means.mean(dim=0)).T @ (corners - corners.mean(dim=0)))
    return (torch.from_numpy(analysis.transform(new.numpy())) @ u @ vh).float()
