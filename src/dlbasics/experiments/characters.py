"""Three networks learn to predict characters of one text: a causal transformer, a GRU, a transformer that fills holes.

All learn from the first nine tenths of the text and are scored on the last. The weights of the first seed of both
transformers are kept; `load_model` brings them back.

Values: ``symbols``; ``parameters[model]``; ``counts``, the bits per character of counting, by number of characters
counted together; ``bits[decoder or gru]`` with one list a seed, at the steps of ``steps[model]``; ``filled[model or
control]``, the share of single hidden characters that it guesses, one a seed; ``masked_bits``, of the encoder at these
characters, one a seed; ``texts``, what the decoder of the first seed writes, by step and temperature; ``seconds``,
of one core, by model.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics import language, ngrams
from dlbasics.attention import CharacterModel, TransformerBlock
from dlbasics.experiments import storage
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import count_parameters, seeded
from dlbasics.text import Characters, language_reference, random_windows

# The characters that a control may look at when it fills a hole, farthest first.
NEIGHBOURS: dict[str, tuple[int, ...]] = {
    "most common": (), "two before": (-2, -1), "one each side": (-1, 1), "two each side": (-2, 2, -1, 1)
}  # fmt: skip
PROMPT = "The "


class RecurrentCharacterModel(nn.Module):
    """A GRU reads on and predicts each next character from its state: (N, T) int64 -> logits (N, T, V)."""

    def __init__(self, n_symbols: int, *, dimension: int, state: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_symbols, dimension)
        self.gru = nn.GRU(dimension, state, batch_first=True)
        self.head = nn.Linear(state, n_symbols)

    def forward(self, characters: Tensor) -> Tensor:
        """(N, T) -> (N, T, V)."""
        states, _ = self.gru(self.embed(characters))
        return self.head(states)


def vocabulary() -> Characters:
    """Printable ASCII and the new line, which hold the characters of the text whatever this machine's Python is."""
    return Characters("\n" + "".join(map(chr, range(32, 127))))


def split(share: float, *, text: str | None = None) -> tuple[Tensor, Tensor]:
    """The text as numbers, cut once: what is learnt from, and what is held out."""
    numbers = vocabulary().encode(language_reference() if text is None else text)
    cut = round(share * len(numbers))
    return numbers[:cut], numbers[cut:]


def make_model(name: str, settings: dict[str, Any]) -> nn.Module:
    """A ``decoder``, ``masked`` encoder or ``gru`` with fresh weights from torch's global generator.

    The transformers start with small vectors for characters and with sines and cosines for positions, which they may
    change: near places are alike from the first step, so attention to a neighbour is learnt in far fewer steps. The
    encoder, which learns from its holes only, needs more help: its keys start as its queries, ``locality`` times as
    large as usual, so that a hole looks at what is near before it has learnt anything.

    Source: Vaswani et al., NeurIPS 2017, section 3.5.
    """
    n_symbols = len(vocabulary()) + (name == "masked")  # the number behind the last character stands in a hole
    if name == "gru":
        return RecurrentCharacterModel(n_symbols, dimension=settings["dimension"], state=settings["state"])
    model = CharacterModel(
        n_symbols, length=settings["length"], dimension=settings["dimension"], depth=settings["depth"],
        heads=settings["heads"], causal=name == "decoder",
    )  # fmt: skip
    nn.init.normal_(model.embed.weight, std=settings["embedding_scale"])
    positions = model.transformer.positions
    assert positions is not None
    with torch.no_grad():
        positions.copy_(settings["position_scale"] * _waves(*positions.shape))
        if name == "masked":
            for block in model.transformer.blocks:
                assert isinstance(block, TransformerBlock)
                queries, keys, _ = block.attention.project.weight.chunk(3)
                keys.copy_(queries.mul_(settings["locality"]))
    return model


def _waves(length: int, dimension: int, *, longest: float = 200.0) -> Tensor:
    """Sines and cosines of the position with geometrically spaced wavelengths, shape (length, dimension)."""
    rates = longest ** (-torch.arange(0, dimension, 2) / dimension)
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def load_model(name: str) -> tuple[nn.Module, Characters]:
    """A stored transformer, ``"decoder"`` or ``"masked"``, in eval mode, and its vocabulary.

    The encoder's vocabulary ends before the symbol of a hole, whose number is ``len(vocabulary)``.

    Raises:
        FileNotFoundError: no such model is stored; the message lists what is.
        StaleResultError: the stored result belongs to other settings.
    """
    weights = storage.load_tensors(f"characters-{name}")
    model = make_model(name, storage.stored(CHARACTERS).settings)
    model.load_state_dict(weights)
    return model.eval(), vocabulary()


def single_holes(held_out: Tensor, *, n: int, length: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Windows of a text with one hole each: where they start and where, in each, the hole is; shapes (n,).

    A hole keeps four characters on either side, so that every control sees its neighbours.
    """
    generator = torch.Generator().manual_seed(seed)
    starts = random_windows(torch.arange(len(held_out)), n=n, length=length, generator=generator)[:, 0]
    return starts, torch.randint(4, length - 4, (n,), generator=generator)


def run(workspace: Workspace) -> dict[str, Any]:
    """Train every model with every seed, and count."""
    settings = workspace.settings
    train, held_out = split(settings["share"])
    train, held_out = train[: settings["train_on"]], held_out[: settings["evaluate_on"]]
    n_symbols = len(vocabulary())
    starts, at = single_holes(held_out, n=settings["holes"], length=settings["length"])
    places = starts + at
    found: dict[str, list[dict[str, Any]]] = {"decoder": [], "masked": [], "gru": []}
    for seed in settings["seeds"]:
        for name, runs in found.items():
            train_one = partial(_train, workspace, name, seed, train, held_out, (starts, at))
            runs.append(workspace.part(f"{name}-{seed}", train_one))
    guessed = {
        control: ngrams.counted_guesses(train, held_out, places, neighbours=neighbours, n_symbols=n_symbols)
        for control, neighbours in NEIGHBOURS.items()
    }
    return {
        "symbols": vocabulary().symbols,
        "parameters": {name: runs[0]["parameters"] for name, runs in found.items()},
        "counts": {
            str(order): _bits(
                ngrams.counted_probabilities(
                    train, held_out, order=order, n_symbols=n_symbols, strength=settings["strength"]
                )[1:]
            )
            for order in settings["orders"]
        },
        "steps": {name: _looks(settings["steps"][name]) for name in ("decoder", "gru")},
        "bits": {name: [one["bits"] for one in found[name]] for name in ("decoder", "gru")},
        "filled": {name: [one["filled"] for one in runs] for name, runs in found.items()}
        | {control: [(guess == held_out[places]).double().mean().item()] for control, guess in guessed.items()},
        "hole_bits": {name: [one["hole_bits"] for one in runs] for name, runs in found.items()},
        "texts": found["decoder"][0]["texts"],
        "seconds": {name: [one["seconds"] for one in runs] for name, runs in found.items()},
    }


def _train(
    workspace: Workspace, name: str, seed: int, train: Tensor, held_out: Tensor, holes: tuple[Tensor, Tensor]
) -> dict[str, Any]:
    settings = workspace.settings
    steps, length, mask = settings["steps"][name], settings["length"], len(vocabulary())
    generator = torch.Generator().manual_seed(seed)
    with seeded(seed):
        model = make_model(name, settings)
    loss: language.WindowLoss = language.next_character_loss
    if name == "masked":
        loss = partial(
            language.masked_character_loss, mask_symbol=mask, hide=settings["hide"], generator=generator
        )  # fmt: skip
    bits, texts, looking = [], {}, 0.0

    def look(step: int, model: nn.Module) -> None:
        nonlocal looking
        started = time.process_time()
        if name != "masked" and step in _looks(steps):
            bits.append(language.bits_per_character(model, held_out, length=length))
        if name == "decoder" and seed == settings["seeds"][0] and step in _looks(steps):
            texts[str(step)] = {
                str(temperature): _write(model, settings, temperature) for temperature in settings["temperatures"]
            }
        looking += time.process_time() - started

    started = time.process_time()
    language.train(
        model, train, loss, steps=steps, length=length + (name != "masked"), batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"][name], generator=generator, look=look,
    )  # fmt: skip
    seconds = time.process_time() - started - looking
    if name != "gru" and seed == settings["seeds"][0]:
        workspace.keep(f"characters-{name}", model.state_dict())
    starts, at = holes
    windows = held_out[starts[:, None] + torch.arange(length)]
    hidden = torch.arange(length) == at[:, None]
    with torch.no_grad():
        if name == "masked":
            seen = windows.masked_fill(hidden, mask)
            logits = torch.cat(
                [model(part)[hole] for part, hole in zip(seen.split(100), hidden.split(100), strict=True)]
            )
        else:  # what comes next after all that stands before the hole
            logits = language.next_character_logits(model, held_out, length=length)[starts + at - 1]
    answers = held_out[starts + at]
    return {
        "parameters": count_parameters(model),
        "bits": bits,
        "texts": texts,
        "filled": (logits.argmax(dim=1) == answers).double().mean().item(),
        "hole_bits": F.cross_entropy(logits, answers).item() / math.log(2),
        "seconds": seconds,
    }


def _looks(steps: int) -> list[int]:
    """The steps at which a model is scored and writes: more often early, when it changes faster."""
    return [round(steps * share) for share in (0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1)]


def _write(model: nn.Module, settings: dict[str, Any], temperature: float) -> str:
    generator = torch.Generator().manual_seed(0)
    symbols = vocabulary()
    written = language.generate(
        model, symbols.encode(PROMPT), settings["writes"], length=settings["length"], temperature=temperature,
        generator=generator,
    )  # fmt: skip
    return symbols.decode(written)


def _bits(probabilities: Tensor) -> float:
    return -probabilities.log2().mean().item()


CHARACTERS = Experiment(
    name="characters",
    version=2,
    settings={
        "data": "python-language-reference",
        "share": 0.9,
        "train_on": 10_000_000,  # more than there is: all of it
        "evaluate_on": 10_000_000,
        "length": 64,
        "dimension": 64,
        "depth": 2,
        "heads": 4,
        "state": 144,
        "embedding_scale": 0.1,
        "position_scale": 0.2,
        "locality": 2.0,
        "batch_size": 16,
        "steps": {"decoder": 2400, "masked": 5000, "gru": 1600},
        "learning_rate": {"decoder": 6e-3, "masked": 5e-3, "gru": 6e-3},
        "hide": 0.3,
        "holes": 2000,
        "orders": [0, 1, 2, 3, 4, 5, 6, 7, 8],
        "strength": 20.0,
        "temperatures": [0.3, 0.6, 0.8, 1.0, 1.3],
        "writes": 300,
        "seeds": [0, 1, 2],
    },
    miniature={
        "train_on": 4000, "evaluate_on": 600, "length": 16, "dimension": 8, "depth": 1, "heads": 2, "state": 8,
        "steps": {"decoder": 50, "masked": 50, "gru": 50}, "holes": 50, "writes": 10, "seeds": [0, 1],
    },
    run=run,
)  # fmt: skip
