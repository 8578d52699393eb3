"""What the attention page needs of trained transformers: tasks whose right map is known, a text, images.

Weights of the first seed are kept: ``attention-text`` (a causal `CharacterModel`) and ``attention-image`` (a
`Classifier` on a `VisionTransformer`).

Values, one entry a seed in each list: ``heads[heads]``, accuracy of one block on `dlbasics.looking.looks`;
``recall[depth]``, accuracy on `dlbasics.looking.pairs`; ``image``, accuracy on validation; ``mask``, bits a character
of networks trained with and without the causal mask, at the places where the next character stands in the window and at
the last, where it does not; ``text``, bits a character on held-out text and `dlbasics.looking.summary_of_effects`; and
``symbols``, the characters that the text model knows, in their order.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics import data, evaluation, language, schedules, text, training
from dlbasics.attention import CharacterModel, VisionTransformer
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.looking import LOOKS, N_KEYS, PAIRS, PLACES, SYMBOLS, effects, looks, pairs, summary_of_effects
from dlbasics.models import Classifier, seeded

ASKED = slice(2 * PAIRS, None, 2)  # where `pairs` shows a key for the second time
HELD_OUT = 20_000  # characters at the end of the text


def looker(*, heads: int, seed: int) -> nn.Module:
    """One block that gives four answers at each place: (N, T) -> logits (N, T, looks * symbols)."""
    with seeded(seed):
        model = CharacterModel(SYMBOLS, length=PLACES, dimension=32, depth=1, heads=heads, causal=False)
        model.head = nn.Linear(32, len(LOOKS) * SYMBOLS)
    return model


def recaller(*, depth: int, seed: int) -> CharacterModel:
    """A causal transformer for `pairs`."""
    with seeded(seed):
        return CharacterModel(2 * N_KEYS, length=4 * PAIRS - 1, dimension=32, depth=depth, heads=2, causal=True)


def looks_loss(model: nn.Module, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cross-entropy and accuracy on ``n`` fresh sequences of `looks`."""
    symbols, answers = looks(n, generator=generator)
    logits = model(symbols).unflatten(-1, (len(LOOKS), SYMBOLS))
    return F.cross_entropy(logits.flatten(0, 2), answers.flatten()), (logits.argmax(-1) == answers).float().mean()


def pairs_loss(model: nn.Module, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cross-entropy and accuracy on ``n`` fresh sequences of `pairs`, where a key is asked for its value."""
    sequences, _ = pairs(n, generator=generator)
    logits, answers = model(sequences[:, :-1])[:, ASKED], sequences[:, 1:][:, ASKED]
    return F.cross_entropy(logits.flatten(0, 1), answers.flatten()), (logits.argmax(-1) == answers).float().mean()


def train(model: nn.Module, loss: Any, *, steps: int, rate: float, seed: int, batch_size: int = 32) -> float:
    """Train in place on fresh batches with Adam, gradients clipped at 1; the accuracy on 1,000 fresh sequences."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(steps):
        training.update(loss(model, batch_size, generator)[0], model, optimiser, clip=1.0)
    with torch.no_grad():
        return float(loss(model.eval(), 1000, torch.Generator().manual_seed(1_000_000 + seed))[1])


def character_model(*, seed: int, n_symbols: int, causal: bool = True, length: int = 48) -> CharacterModel:
    """The page's language model: two layers of three heads, D = 48."""
    with seeded(seed):
        return CharacterModel(
            n_symbols, length=length, dimension=48, depth=2, heads=3, causal=causal,
        )  # fmt: skip


def image_model(*, seed: int) -> Classifier:
    """The page's vision transformer: 49 patches of 4 pixels a side, two layers of two heads, D = 32."""
    with seeded(seed):
        backbone = VisionTransformer(patch=4, dimension=32, depth=2, heads=2)
        return Classifier(backbone, dimension=backbone.dimension, n_classes=10)


def split_text() -> tuple[text.Characters, Tensor, Tensor]:
    """The vocabulary, the characters to train on and those held out (the last topics of the reference)."""
    words = text.language_reference()
    vocabulary = text.Characters.of(words)
    numbers = vocabulary.encode(words)
    return vocabulary, numbers[:-HELD_OUT], numbers[-HELD_OUT:]


def run(workspace: Workspace) -> dict[str, Any]:
    """Train everything, measure, keep the first seed's text and image models."""
    settings = workspace.settings
    seeds = settings["seeds"]
    vocabulary, seen, held_out = split_text()
    held_out = held_out[: settings["evaluate_on"]]

    def heads(count: int, seed: int) -> float:
        model = looker(heads=count, seed=seed)
        return train(model, looks_loss, steps=settings["heads_steps"], rate=settings["heads_rate"], seed=seed)

    def recall(depth: int, seed: int) -> float:
        model = recaller(depth=depth, seed=seed)
        return train(model, pairs_loss, steps=settings["recall_steps"], rate=settings["recall_rate"], seed=seed)

    def read(seed: int, *, causal: bool, steps: int, length: int) -> CharacterModel:
        model = character_model(seed=seed, causal=causal, n_symbols=len(vocabulary), length=length)
        generator = torch.Generator().manual_seed(seed)
        language.train(
            model, seen, language.next_character_loss, steps=steps, length=length + 1, batch_size=32,
            learning_rate=settings["text_rate"], generator=generator,
        )  # fmt: skip
        return model

    def of_text(seed: int) -> dict[str, Any]:
        model = read(seed, causal=True, steps=settings["text_steps"], length=settings["text_length"])
        if seed == seeds[0]:
            workspace.keep("attention-text", model.state_dict())
        generator = torch.Generator().manual_seed(seed)
        windows = text.random_windows(
            held_out, n=settings["effect_windows"], length=settings["effect_length"], generator=generator
        )
        measured = summary_of_effects(*effects(model, windows, generator=generator))
        return {
            "bits": language.bits_per_character(model, held_out, length=settings["text_length"]),
            "effects": measured,
        }

    def of_mask(causal: bool, seed: int) -> dict[str, float]:
        model = read(seed, causal=causal, steps=settings["mask_steps"], length=settings["mask_length"])
        generator = torch.Generator().manual_seed(seed)
        windows = text.random_windows(held_out, n=1000, length=settings["mask_length"] + 1, generator=generator)
        with torch.no_grad():
            logits = model(windows[:, :-1])
        losses = F.cross_entropy(logits.transpose(1, 2), windows[:, 1:], reduction="none") / math.log(2)
        return {"as trained": losses[:, :-1].mean().item(), "future unknown": losses[:, -1].mean().item()}

    def of_images(seed: int) -> float:
        course = data.load(name=settings["data"])
        steps = settings["image_steps"]
        warm = round(0.1 * steps)
        recipe = training.Recipe(
            steps=steps, batch_size=64, learning_rate=settings["image_rate"], look_every=steps, seed=seed, clip=1.0,
            schedule=schedules.warm_up(schedules.cosine(max(steps - warm, 1)), steps=warm),
        )  # fmt: skip
        model = image_model(seed=seed)
        training.fit(model, course.train, recipe, mixed_precision=False, progress=False)
        if seed == seeds[0]:
            workspace.keep("attention-image", model.state_dict())
        return evaluation.accuracy(model.cpu(), course.validation)

    def over_seeds(name: str, measure: Any) -> list[Any]:
        return [workspace.part(f"{name}-{seed}", partial(measure, seed)) for seed in seeds]

    return {
        "heads": {str(n): over_seeds(f"heads-{n}", partial(heads, n)) for n in settings["heads"]},
        "recall": {str(depth): over_seeds(f"recall-{depth}", partial(recall, depth)) for depth in settings["depths"]},
        "image": over_seeds("image", of_images),
        "mask": {
            name: over_seeds(f"mask-{name}", partial(of_mask, name == "causal")) for name in ("causal", "unmasked")
        },
        "text": over_seeds("text", of_text),
        "symbols": vocabulary.symbols,
    }


ATTENTION = Experiment(
    name="attention",
    version=1,
    settings={
        "data": "fashion-mnist", "seeds": [0, 1, 2], "evaluate_on": 20_000,
        "heads": [1, 2, 4], "heads_steps": 500, "heads_rate": 1e-2, "symbols": SYMBOLS, "looks": list(LOOKS),
        "depths": [1, 2], "recall_steps": 500, "recall_rate": 3e-3, "keys": N_KEYS, "pairs": PAIRS,
        "text_steps": 1200, "text_length": 48, "text_rate": 5e-3, "effect_windows": 300, "effect_length": 32,
        "mask_steps": 1000, "mask_length": 16,
        "image_steps": 1000, "image_rate": 3e-3,
    },
    miniature={
        "seeds": [0, 1], "evaluate_on": 600, "heads_steps": 3, "recall_steps": 3, "text_steps": 3, "mask_steps": 3,
        "image_steps": 3, "effect_windows": 4,
    },
    run=run,
)  # fmt: skip
