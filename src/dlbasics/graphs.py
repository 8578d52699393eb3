"""Networks on graphs: every node mixes what its neighbours hold, with weights that all nodes share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def normalised_adjacency(adjacency: Tensor) -> Tensor:
    """Who hears whom, and how loudly: ``(d_i d_j)^(-1/2)`` where nodes i and j are joined or the same, 0 elsewhere.

    ``d`` counts a node's neighbours and the node itself.

    Args:
        adjacency: 1 where two nodes are joined, shape (N, N), symmetric, with zeros on the diagonal.

    Returns:
        Shape (N, N), symmetric; its largest eigenvalue is 1.

    Raises:
        ValueError: not square, not symmetric, or a node joined to itself.

    Source: Kipf & Welling, "Semi-Supervised Classification with Graph Convolutional Networks", ICLR 2017, eq. 2.
    """
    if adjacency.dim() != 2 or not torch.equal(adjacency, adjacency.T):
        raise ValueError(f"an adjacency matrix is square and symmetric, got one of shape {tuple(adjacency.shape)}")
    if adjacency.diagonal().any():
        raise ValueError("leave the diagonal 0: each node is joined to itself here, in one way for all")
    joined = adjacency + torch.eye(len(adjacency), dtype=adjacency.dtype)
    scale = joined.sum(dim=1).rsqrt()
    return scale[:, None] * joined * scale


class GraphNetwork(nn.Module):
    """Layers of message passing: each sends every node's numbers to its neighbours, then through one matrix for all.

    Args:
        sizes: numbers a node has before the first layer, after it, ..., after the last; (34, 16, 2) has two layers.
        runs: R independent sets of weights that are trained side by side.

    Source: Kipf & Welling, ICLR 2017, eq. 2; the weights start as in Glorot & Bengio, AISTATS 2010.
    """

    def __init__(self, sizes: Sequence[int], *, runs: int = 1) -> None:
        super().__init__()
        if len(sizes) < 2 or runs < 1:
            raise ValueError(f"sizes needs an input and an output and runs at least 1, got {tuple(sizes)} and {runs}")
        self.weights = nn.ParameterList(
            (2 * torch.rand(runs, wide, out) - 1) * math.sqrt(6 / (wide + out)) for wide, out in pairwise(sizes)
        )

    def forward(self, propagate: Tensor, features: Tensor) -> Tensor:
        """(N, N) and (N, sizes[0]) -> (R, N, sizes[-1]): one answer a node, and no activation after the last layer."""
        return self.hidden(propagate, features)[-1]

    def hidden(self, propagate: Tensor, features: Tensor) -> list[Tensor]:
        """What the nodes hold after each layer, shapes (R, N, sizes[1]), ..., (R, N, sizes[-1])."""
        states = []
        for depth, weight in enumerate(self.weights):
            features = propagate @ features @ weight
            if depth < len(self.weights) - 1:
                features = features.relu()
            states.append(features)
        return states


def spread_labels(propagate: Tensor, known: Tensor, *, share: float = 0.9) -> Tensor:
    """Label propagation: what is known of some nodes spreads along the edges until it stands still. Nothing is learnt.

    Args:
        propagate: shape (N, N), symmetric, no eigenvalue above 1.
        known: 1 at the class of a labelled node, 0 elsewhere, shape (..., N, K).
        share: what a node takes from its neighbours at each round, in (0, 1); it keeps the rest of what is known.

    Returns:
        How much of each class arrives at each node, shape (..., N, K): ``(1 - share) (I - share P)^-1 known``.

    Source: Zhou et al., "Learning with Local and Global Consistency", NIPS 2003, eq. 3.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie strictly between 0 and 1, got {share}")
    return (1 - share) * torch.linalg.solve(torch.eye(len(propagate)) - share * propagate, known)


def closeness(states: Tensor) -> Tensor:
    """Mean cosine similarity of the states of two different nodes: (..., N, D) -> (...); 1 where all point one way.

    A node whose state is 0 counts as 0 with every other.
    """
    n = states.shape[-2]
    unit = nn.functional.normalize(states, dim=-1)
    gram = unit @ unit.transpose(-2, -1)
    return (gram.sum(dim=(-2, -1)) - gram.diagonal(dim1=-2, dim2=-1).sum(dim=-1)) / (n * (n - 1))
