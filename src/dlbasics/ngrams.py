"""The oldest language model: count what followed what. The control that a network on characters has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def counted_probabilities(
    train: Tensor, held_out: Tensor, *, order: int, n_symbols: int, strength: float = 5.0
) -> Tensor:
    """The probability that counts give to each character of a text, from the ``order - 1`` characters before it.

    A context seen n times in training, k of them before this character, says ``(k + strength * p) / (n + strength)``
    where p is what one character less of context says: the shorter context fills in where the longer one is rare. At
    the bottom all characters are equally likely. The first characters of the text have what context there is.

    Args:
        train, held_out: numbers of characters below ``n_symbols``, shapes (S,) and (T,).
        order: 0 for all equally likely, 1 for how common each character is, 2 for pairs (bigrams), 3 for triples.
        strength: how many sightings the shorter context is worth; > 0.

    Returns:
        Shape (T,), float64; each in (0, 1), and over all characters that could stand at a place they add up to 1.

    Raises:
        ValueError: contexts too long to be numbered, a negative order or a strength that is not positive.

    Source: MacKay & Peto, "A Hierarchical Dirichlet Language Model", Natural Language Engineering 1995.
    """
    if order < 0 or n_symbols**order >= 2**63:
        raise ValueError(f"order must be at least 0 and {n_symbols}^order below 2^63, got {order}")
    if not strength > 0:
        raise ValueError(f"strength must be positive, got {strength}")
    found = torch.full((len(held_out),), 1 / n_symbols, dtype=torch.float64)
    for seen in range(min(order, len(train), len(held_out))):  # characters of context
        together = _counts(_codes(train, seen + 1, n_symbols), _codes(held_out, seen + 1, n_symbols))
        # the context of a character ends just before it, so the last stretch of either text is no character's context
        alone = (
            _counts(_codes(train[:-1], seen, n_symbols), _codes(held_out[:-1], seen, n_symbols)) if seen else len(train)
        )
        found[seen:] = (together + strength * found[seen:]) / (alone + strength)
    return found


def counted_guesses(
    train: Tensor, text: Tensor, places: Tensor, *, neighbours: Sequence[int], n_symbols: int
) -> Tensor:
    """At each place of a text the character that stood most often, in training, between the same neighbours.

    Args:
        train, text: numbers of characters below ``n_symbols``, shapes (S,) and (T,).
        places: shape (P,); every neighbour of each lies within the text.
        neighbours: where to look, farthest first: (-2, -1) at the two before, (-1, 1) on both sides, () nowhere. Where
            training never had these neighbours the first of them is left out, and so on.

    Returns:
        Shape (P,).
    """
    reach = max((abs(offset) for offset in neighbours), default=0)
    inner = torch.arange(reach, len(train) - reach)

    def contexts(of: Tensor, at: Tensor) -> Tensor:
        code = torch.zeros_like(at)
        for offset in neighbours:
            code = code * n_symbols + of[at + offset]
        return code

    pairs, counts = (contexts(train, inner) * n_symbols + train[inner]).unique(return_counts=True)
    rarest_first = counts.argsort(stable=True)
    most_common = dict(
        zip(
            (pairs // n_symbols)[rarest_first].tolist(), (pairs % n_symbols)[rarest_first].tolist(), strict=True
        )  # a later entry, which is more common, replaces an earlier one
    )
    wanted = contexts(text, places)
    guesses = torch.tensor([most_common.get(context, -1) for context in wanted.tolist()], dtype=torch.int64)
    unseen = guesses < 0
    if unseen.any():
        guesses[unseen] = counted_guesses(train, text, places[unseen], neighbours=neighbours[1:], n_symbols=n_symbols)
    return guesses


def _codes(text: Tensor, length: int, n_symbols: int) -> Tensor:
    """Every stretch of ``length`` characters as one number, in order, shape (T - length + 1,)."""
    weights = n_symbols ** torch.arange(length - 1, -1, -1)
    return text.unfold(0, length, 1) @ weights


def _counts(known: Tensor, wanted: Tensor) -> Tensor:
    """How often each of ``wanted`` occurs among ``known``, shape of ``wanted``."""
    values, counts = known.unique(return_counts=True)
    place = torch.searchsorted(values, wanted).clamp(max=len(values) - 1)
    return torch.where(values[place] == wanted, counts[place], 0)
