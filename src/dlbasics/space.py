"""The health of an embedding space: has it collapsed, how many directions does it use, does it tell images apart?"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def spread(embeddings: Tensor) -> float:
    """Mean deviation per dimension of the unit-length embeddings, times sqrt(D).

    About 1 for a space spread over all directions, near 0 for a collapsed one.

    Args:
        embeddings: shape (N, D), N >= 2.

    Source: Chen & He, "Exploring Simple Siamese Representation Learning", CVPR 2021, section 4.1.
    """
    return (F.normalize(embeddings, dim=1).std(dim=0).mean() * math.sqrt(embeddings.shape[1])).item()


def mean_cosine(embeddings: Tensor) -> float:
    """Mean cosine similarity over all pairs of different images, in [-1, 1]; 1 where all embeddings point one way."""
    n = len(embeddings)
    total = F.normalize(embeddings.double(), dim=1).sum(dim=0)
    return ((total @ total - n) / (n * (n - 1))).item()


def effective_rank(embeddings: Tensor) -> float:
    """The exponential of the entropy of the normalised singular values of the centred embeddings, from 1 to min(N, D).

    It finds *dimensional* collapse (a few directions carry everything). It ignores scale, so total collapse can pass
    unseen: read `spread` beside it. NaN if all embeddings are equal.

    Source: Roy & Vetterli, "The effective rank: A measure of effective dimensionality", EUSIPCO 2007.
    """
    values = torch.linalg.svdvals((embeddings - embeddings.mean(dim=0)).double())
    share = values / values.sum()
    return torch.exp(torch.special.entr(share).sum()).item()


def alignment(z_a: Tensor, z_b: Tensor) -> float:
    """Mean squared distance between the unit-length embeddings of two views of an image, in [0, 4]; smaller is closer.

    Args:
        z_a, z_b: shape (N, D); row ``i`` of both shows image ``i``.

    Source: Wang & Isola, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the
    Hypersphere", ICML 2020, section 4.1.
    """
    return (F.normalize(z_a, dim=1) - F.normalize(z_b, dim=1)).square().sum(dim=1).mean().item()


def uniformity(embeddings: Tensor) -> float:
    """The log of the mean of exp(-2 distance²) over pairs of unit-length embeddings, in [-8, 0].

    Smaller fills the sphere more evenly; 0 is total collapse.

    Source: Wang & Isola, ICML 2020, section 4.1, t = 2.
    """
    return torch.pdist(F.normalize(embeddings, dim=1)).square().mul(-2).exp().mean().log().item()
