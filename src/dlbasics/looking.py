"""Tasks of which it is known where a network must look, and what changing each input really does to its answer."""

from __future__ import annotations

import math
from typing import Any

import torch
from scipy.stats import spearmanr
from torch import Tensor

from dlbasics.attention import CharacterModel, TransformerBlock

SYMBOLS, PLACES = 10, 12  # of the task `looks`
LOOKS = {"the mirror place": -1, "one back": 1, "two ahead": -2, "half way round": 6}
N_KEYS, PAIRS = 8, 4  # of the task `pairs`


def places_to_look_at() -> Tensor:
    """Where each place must look for each of the `LOOKS`, shape (looks, T)."""
    here = torch.arange(PLACES)
    return torch.stack(
        [PLACES - 1 - here if name == "the mirror place" else (here - back) % PLACES for name, back in LOOKS.items()]
    )


def looks(n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random symbols, shape (n, T), and for each place the symbols it must look up at four others, (n, T, looks)."""
    symbols = torch.randint(SYMBOLS, (n, PLACES), generator=generator)
    return symbols, symbols[:, places_to_look_at()].transpose(1, 2)


def pairs(n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Associative recall: pairs of a key and a value, then the same pairs in another order.

    Keys are 0 to 7, all different; values 8 to 15. From the second showing on, a key tells which value follows.

    Returns:
        The sequences, shape (n, 4 * PAIRS), and for each key of the second half the place of its value in the first,
        shape (n, PAIRS): where a network must look.

    Source: the task after Olsson et al., "In-context Learning and Induction Heads", Transformer Circuits Thread 2022.
    """
    keys = torch.rand(n, N_KEYS, generator=generator).argsort(dim=1)[:, :PAIRS]
    values = N_KEYS + torch.randint(N_KEYS, (n, PAIRS), generator=generator)
    order = torch.rand(n, PAIRS, generator=generator).argsort(dim=1)
    shown = torch.stack([keys, values], dim=2).flatten(1)
    again = torch.stack([keys.gather(1, order), values.gather(1, order)], dim=2).flatten(1)
    return torch.cat([shown, again], dim=1), 2 * order + 1


def attention_weights(model: torch.nn.Module) -> list[Tensor]:
    """The weights of a model's last call, layer by layer, shape (N, heads, T, T) each."""
    return [part.attention.weights for part in model.modules() if isinstance(part, TransformerBlock)]


@torch.no_grad()
def effects(model: CharacterModel, windows: Tensor, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """What each earlier character really does to the prediction, beside how much it is attended to.

    Each character but the last is exchanged for the one at the same place of another window, one at a time.

    Args:
        windows: shape (N, T).

    Returns:
        The effects, shape (N, T - 1): half the sum of absolute changes of the predicted probabilities, in [0, 1]; and
        the attention from the last place, mean over heads, shape (N, layers, T - 1).
    """
    n, length = windows.shape
    before = model(windows)[:, -1].softmax(dim=-1)
    attended = torch.stack([weights[:, :, -1, :-1].mean(dim=1) for weights in attention_weights(model)], dim=1)
    others = windows.roll(int(torch.randint(1, n, (), generator=generator)), dims=0)
    changed = []
    for place in range(length - 1):
        spoilt = windows.clone()
        spoilt[:, place] = others[:, place]
        changed.append((model(spoilt)[:, -1].softmax(dim=-1) - before).abs().sum(dim=-1) / 2)
    return torch.stack(changed, dim=1), attended


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's rank correlation of the rows of two (N, T) tensors, mean over rows in which something varies."""
    found = [float(spearmanr(x, y).statistic) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    return sum(kept) / len(kept) if (kept := [r for r in found if not math.isnan(r)]) else 0.0


def summary_of_effects(effect: Tensor, attended: Tensor) -> dict[str, Any]:
    """How well a map predicts effects, beside a rule that knows nothing of the network: nearer matters more.

    Args:
        effect, attended: as `effects` returns them, shapes (N, T) and (N, layers, T).

    Returns:
        ``most attended``: the mean effect of the most attended character, by layer; ``nearest``, ``any`` and
        ``largest``: that of the last character, of any, and of the one with the largest; ``agreement`` and ``nearest
        agrees``: how often the most attended (by layer) and the last are the ones with the largest effect;
        ``correlation`` and ``correlation of nearness``: rank correlations with the effects.
    """
    layers, largest = range(attended.shape[1]), effect.argmax(dim=1)
    top = [attended[:, k].argmax(dim=1) for k in layers]
    nearness = torch.arange(effect.shape[1]).expand_as(effect)
    return {
        "most attended": [effect.gather(1, top[k][:, None]).mean().item() for k in layers],
        "nearest": effect[:, -1].mean().item(),
        "any": effect.mean().item(),
        "largest": effect.max(dim=1).values.mean().item(),
        "agreement": [(top[k] == largest).double().mean().item() for k in layers],
        "nearest agrees": (largest == effect.shape[1] - 1).double().mean().item(),
        "correlation": [rank_correlation(attended[:, k], effect) for k in layers],
        "correlation of nearness": rank_correlation(nearness, effect),
    }
