"""Language models of characters: what they minimise, the loop that trains them, what they write, their bits.

A model maps characters, int64 (N, T), to logits (N, T, V), as `dlbasics.attention.CharacterModel` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics import schedules
from dlbasics.text import random_windows
from dlbasics.training import update

WindowLoss = Callable[[nn.Module, Tensor], Tensor]


def next_character_loss(model: nn.Module, windows: Tensor) -> Tensor:
    """Cross-entropy of each character given those before it in its window, a scalar in nats.

    Args:
        model: causal: what it says at a place must not depend on later characters.
        windows: shape (N, T), T >= 2; the first T - 1 characters go in, the last T - 1 are predicted.

    Source: Bengio et al., "A Neural Probabilistic Language Model", JMLR 2003.
    """
    if windows.shape[1] < 2:
        raise ValueError(f"a window needs a character to see and one to predict, got {windows.shape[1]} characters")
    return F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def masked_character_loss(
    model: nn.Module,
    windows: Tensor,
    *,
    mask_symbol: int,
    hide: float = 0.15,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Cross-entropy of the characters that were hidden, given all that were not, a scalar in nats.

    Args:
        model: sees both sides of a hole; its vocabulary has ``mask_symbol``.
        windows: shape (N, T).
        mask_symbol: the number that stands in a hole, one that no character has.
        hide: the share of each window that is hidden, in (0, 1).

    Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", NAACL 2019, section 3.1; here every
    chosen character is hidden, where BERT leaves a tenth as they are and swaps another tenth.
    """
    hidden = random_holes(windows, hide=hide, generator=generator)
    logits = model(windows.masked_fill(hidden, mask_symbol))
    return F.cross_entropy(logits[hidden], windows[hidden])


def random_holes(windows: Tensor, *, hide: float, generator: torch.Generator | None = None) -> Tensor:
    """True where a character is to be hidden, shape (N, T): in each window the same number of places, at least one.

    Raises:
        ValueError: a share outside (0, 1).
    """
    if not 0 < hide < 1:
        raise ValueError(f"hide must lie strictly between 0 and 1, got {hide}")
    order = torch.rand(windows.shape, generator=generator).argsort(dim=1)
    return (order < max(1, round(hide * windows.shape[1]))).to(windows.device)


def train(
    model: nn.Module,
    text: Tensor,
    loss: WindowLoss,
    *,
    steps: int,
    length: int,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
    weight_decay: float = 0.01,
    generator: torch.Generator | None = None,
    look: Callable[[int, nn.Module], None] | None = None,
) -> list[float]:
    """Train in place on random windows of a text: AdamW, a twentieth of warm-up, then a cosine, gradients clipped at 1.

    Args:
        model: left in eval mode.
        text: numbers of characters, shape (T,).
        loss: from the model and windows (batch_size, length) to a scalar, for instance `next_character_loss`.
        generator: of the windows.
        look: called before every step with the number of steps made and the model in eval mode, and after the last.

    Returns:
        The loss of every step, in nats.
    """
    warm = round(0.05 * steps)
    schedule = schedules.warm_up(schedules.cosine(max(steps - warm, 1)), steps=warm)
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    losses = []
    for step in range(steps):
        if look:
            look(step, model.eval())
        model.train()
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * schedule(step)
        value = loss(model, random_windows(text, n=batch_size, length=length, generator=generator))
        update(value, model, optimiser, clip=1.0)
        losses.append(value.item())
    model.eval()
    if look:
        look(steps, model)
    return losses


@torch.no_grad()
def generate(
    model: nn.Module,
    start: Tensor,
    n: int,
    *,
    length: int,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Let a causal model write on: draw a character from its prediction, append it, and ask again.

    Args:
        model: in eval mode.
        start: what it goes on from, shape (T,), T >= 1.
        n: how many characters it writes.
        length: the most characters that it is shown, the last ones.
        temperature: divides the logits, >= 0; 1 draws from what the model believes, smaller takes fewer risks, 0 always
            takes the most probable character.

    Returns:
        Start and continuation, shape (T + n,).
    """
    if temperature < 0 or not len(start):
        raise ValueError(f"temperature must be at least 0 and start not empty, got {temperature} and {tuple(start)}")
    written = start
    for _ in range(n):
        logits = model(written[None, -length:])[0, -1]
        if temperature == 0:
            drawn = logits.argmax(dim=-1, keepdim=True)
        else:
            drawn = (logits / temperature).softmax(dim=-1).multinomial(1, generator=generator)
        written = torch.cat([written, drawn])
    return written


@torch.no_grad()
def fill_in(model: nn.Module, characters: Tensor, hidden: Tensor, *, mask_symbol: int) -> Tensor:
    """What a masked encoder believes to stand in each hole: probabilities, shape (holes, V).

    Args:
        model: in eval mode.
        characters: shape (T,); what stands at a hidden place is not looked at.
        hidden: True at a hole, shape (T,).

    Returns:
        One row for each hole, in order; ``mask_symbol`` itself has probability 0.
    """
    logits = model(characters.masked_fill(hidden, mask_symbol)[None])[0, hidden]
    logits[:, mask_symbol] = -torch.inf
    return logits.softmax(dim=-1)


@torch.no_grad()
def next_character_logits(model: nn.Module, text: Tensor, *, length: int, batch_size: int = 128) -> Tensor:
    """What a causal model says before each character of a text but the first, shape (T - 1, V).

    The text is read in windows of ``length`` that overlap by half, and of each but the first the second half counts: so
    every prediction but the earliest rests on at least ``length // 2`` characters.

    Raises:
        ValueError: a text of fewer than two characters, or a length below 2.
    """
    if len(text) < 2 or length < 2:
        raise ValueError(f"text and length must be at least 2, got {len(text)} and {length}")
    seen, half = text[:-1], length // 2
    whole = max((len(seen) - length) // half, 0) + 1  # windows that lie in the text as a whole
    ends = [min(length + k * half, len(seen)) for k in range(whole)]
    parts = []
    rows = torch.stack([seen[max(end - length, 0) : end] for end in ends])
    for first, batch in zip(range(0, whole, batch_size), rows.split(batch_size), strict=True):
        logits = model(batch)
        if first == 0:
            parts.append(logits[0])
            logits = logits[1:]
        parts.append(logits[:, length - half :].flatten(0, 1))
    rest = len(seen) - ends[-1]
    if rest:
        parts.append(model(seen[None, -length:])[0, -rest:])
    return torch.cat(parts)


def bits_per_character(model: nn.Module, text: Tensor, *, length: int) -> float:
    """Mean of -log2 of the probability that a causal model gave to each character: what storing the text would take.

    Args and errors: as for `next_character_logits`.

    Source: Shannon, "Prediction and Entropy of Printed English", Bell System Technical Journal 1951.
    """
    logits = next_character_logits(model.eval(), text, length=length)
    return F.cross_entropy(logits, text[1:]).item() / math.log(2)
