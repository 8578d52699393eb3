"""Attention and what is built of it: heads, transformer blocks, position information, patches of an image."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def attention(queries: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Every query takes the mean of the values, weighted by how well their keys fit it.

    Args:
        queries: shape (..., T, D).
        keys: shape (..., S, D).
        values: shape (..., S, E).
        mask: True where a query may look, broadcast to (..., T, S); every query needs one place to look at.

    Returns:
        The weighted means, shape (..., T, E), and the weights, shape (..., T, S); each row of these adds up to 1.

    Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, eq. 1.
    """
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(dim=-1)
    return weights @ values, weights


def causal_mask(length: int, *, device: torch.device | None = None) -> Tensor:
    """True where a position may look: itself and what came before, shape (T, T)."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own projection of the tokens: (N, T, D) -> (N, T, D).

    Args:
        dimension: D, a multiple of ``heads``.

    Attributes:
        weights: of the last call, detached, shape (N, heads, T, T): for looking at.

    Source: Vaswani et al., NeurIPS 2017, section 3.2.2.
    """

    def __init__(self, dimension: int, *, heads: int) -> None:
        super().__init__()
        if dimension % heads:
            raise ValueError(f"dimension must be a multiple of heads, got {dimension} and {heads}")
        self.heads = heads
        self.project = nn.Linear(dimension, 3 * dimension)
        self.combine = nn.Linear(dimension, dimension)
        self.weights = torch.empty(0)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend from each token to all tokens that ``mask`` lets it see."""
        n, length, dimension = tokens.shape
        split = self.project(tokens).view(n, length, 3, self.heads, dimension // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)  # (N, heads, T, D / heads) each
        attended, weights = attention(queries, keys, values, mask=mask)
        self.weights = weights.detach()
        return self.combine(attended.transpose(1, 2).reshape(n, length, dimension))


class TransformerBlock(nn.Module):
    """Attention between tokens, then an MLP on each; layer norm before, and a residual connection around, both.

    Source: Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020: the norm goes first.
    """

    def __init__(self, dimension: int, *, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(dimension), nn.LayerNorm(dimension)
        self.attention = MultiHeadAttention(dimension, heads=heads)
        self.mlp = nn.Sequential(nn.Linear(dimension, 4 * dimension), nn.GELU(), nn.Linear(4 * dimension, dimension))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """(N, T, D) -> (N, T, D)."""
        tokens = tokens + self.dropout(self.attention(self.norm_attention(tokens), mask))
        return tokens + self.dropout(self.mlp(self.norm_mlp(tokens)))


class Transformer(nn.Module):
    """Blocks one after another, with a learnt vector for each position added to the tokens first.

    Args:
        dimension: D of the tokens.
        length: the longest sequence.
        causal: whether a position sees only itself and what came before (a decoder) or everything (an encoder).
        positions: False leaves the tokens a set, without order.
    """

    def __init__(
        self,
        dimension: int,
        *,
        length: int,
        depth: int = 2,
        heads: int = 4,
        causal: bool = False,
        positions: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.causal = causal
        self.positions = nn.Parameter(0.02 * torch.randn(length, dimension)) if positions else None
        self.blocks = nn.ModuleList(TransformerBlock(dimension, heads=heads, dropout=dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(dimension)

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, T, D) -> (N, T, D), T at most ``length`` where there are positions."""
        length = tokens.shape[1]
        if self.positions is not None:
            if length > len(self.positions):
                raise ValueError(f"at most {len(self.positions)} tokens have a position, got {length}")
            tokens = tokens + self.positions[:length]
        mask = causal_mask(length, device=tokens.device) if self.causal else None
        for block in self.blocks:
            tokens = block(tokens, mask)
        return self.norm(tokens)


class CharacterModel(nn.Module):
    """Characters in, logits over characters out at every place: (N, T) int64 -> (N, T, V).

    Args:
        n_symbols: V, the size of the vocabulary that goes in and comes out.
        causal: True predicts each next character (a decoder); False may look at both sides (an encoder).
    """

    def __init__(
        self,
        n_symbols: int,
        *,
        length: int,
        dimension: int = 64,
        depth: int = 2,
        heads: int = 4,
        causal: bool,
        positions: bool = True,
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_symbols, dimension)
        self.transformer = Transformer(
            dimension, length=length, depth=depth, heads=heads, causal=causal, positions=positions
        )
        self.head = nn.Linear(dimension, n_symbols)

    def forward(self, characters: Tensor) -> Tensor:
        """(N, T) -> logits (N, T, V)."""
        return self.head(self.transformer(self.embed(characters)))


class VisionTransformer(nn.Module):
    """An image as a sequence of patches, read by a transformer: (N, C, H, W) -> embedding (N, D).

    Args:
        side: H = W, a multiple of ``patch``.
        patch: pixels a side of one patch.

    Attributes:
        dimension: D, the mean over the tokens of the last block.

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021; here with a mean in place of a class token.
    """

    def __init__(
        self, *, side: int = 28, patch: int = 7, channels: int = 1, dimension: int = 64, depth: int = 2, heads: int = 4
    ) -> None:
        super().__init__()
        if side % patch:
            raise ValueError(f"patches of {patch} pixels do not tile a side of {side}")
        self.dimension = dimension
        self.patches = nn.Conv2d(channels, dimension, kernel_size=patch, stride=patch)
        self.transformer = Transformer(dimension, length=(side // patch) ** 2, depth=depth, heads=heads)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D)."""
        tokens = self.patches(pixels).flatten(2).transpose(1, 2)
        return self.transformer(tokens).mean(dim=1)
