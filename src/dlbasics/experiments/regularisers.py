"""What activation, dropout, normalisation and weight decay do to fit and to the gap, one at a time and together.

A dense network on few images. Every variant has its own learning rate: the one of ``rates`` with the best validation
accuracy on a seed that is not reported. Values: ``variants[name]`` and ``lab[dropout/decay]`` hold a list for each of
`MEASURED`, one value a seed (for the lab's curves, a list a seed); ``variants[name]["rate"]`` is the rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dlbasics import data, models
from dlbasics.data import Images
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.training import Recipe, TrainingDivergedError, fit, predict_logits

MEASURED = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
# A seed for choosing the learning rate, apart from those that are reported.
TUNING_SEED = 100
# name: activation, normalisation, dropout, weight decay
VARIANTS: dict[str, tuple[str, str, float, float]] = {
    "nothing": ("relu", "none", 0.0, 0.0),
    "tanh": ("tanh", "none", 0.0, 0.0),
    "gelu": ("gelu", "none", 0.0, 0.0),
    "dropout": ("relu", "none", 0.5, 0.0),
    "weight decay": ("relu", "none", 0.0, 1.0),
    "batch norm": ("relu", "batch", 0.0, 0.0),
    "layer norm": ("relu", "layer", 0.0, 0.0),
    "dropout, decay": ("relu", "none", 0.5, 1.0),
    "all together": ("relu", "batch", 0.5, 1.0),
}


def network(activation: str, normalise: str, dropout: float, *, width: int, seed: int) -> nn.Sequential:
    """Two hidden layers: dense, norm ("none", "batch" or "layer"), activation, dropout; (N, 1, 28, 28) to (N, 10)."""
    norms: dict[str, list[nn.Module]]
    layers: list[nn.Module] = [nn.Flatten()]
    with models.seeded(seed):
        for before in (784, width):
            norms = {"none": [], "batch": [nn.BatchNorm1d(width)], "layer": [nn.LayerNorm(width)]}
            layers += [nn.Linear(before, width), *norms[normalise], models.ACTIVATIONS[activation]()]
            layers += [nn.Dropout(dropout)] * (dropout > 0)
        return nn.Sequential(*layers, nn.Linear(width, 10))


def look(model: nn.Module, train: Images, validation: Images) -> dict[str, float]:
    """Loss and accuracy on both, in eval mode, under the names of `MEASURED`."""
    row = {}
    for name, images in (("train", train), ("validation", validation)):
        logits = predict_logits(model, images.pixels)
        row[f"{name}_loss"] = F.cross_entropy(logits, images.labels).item()
        row[f"{name}_accuracy"] = (logits.argmax(dim=1) == images.labels).float().mean().item()
    return row


def run(workspace: Workspace) -> dict[str, Any]:
    """All variants, then the lab's grid of dropout and decay."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    validation = course.validation[: settings["evaluate_on"]]

    def trained(variant: tuple[str, str, float, float], rate: float, seed: int) -> dict[str, list[float]]:
        activation, normalise, dropout, decay = variant
        train = data.balanced_subset(course.train, settings["train_on"], seed=seed)
        model = network(activation, normalise, dropout, width=settings["width"], seed=seed)
        recipe = Recipe(
            steps=settings["steps"], batch_size=settings["batch_size"], learning_rate=rate, weight_decay=decay,
            look_every=settings["look_every"], restore_best=False, seed=seed,
        )  # fmt: skip
        columns: dict[str, list[float]] = {name: [] for name in MEASURED}

        def measure(model: nn.Module) -> dict[str, float]:
            row = look(model, train, validation)
            for name in MEASURED:
                columns[name].append(round(row[name], 4))
            return {}

        with suppress(TrainingDivergedError), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of the dropout
            fit(
                model, train, recipe, measure=measure, mixed_precision=False, progress=False, device="cpu",
                optimiser=torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay, fused=True),
            )  # fmt: skip
        return columns

    def reported(variant: tuple[str, str, float, float]) -> dict[str, Any]:
        tried = [trained(variant, rate, TUNING_SEED)["validation_accuracy"][-1] for rate in settings["rates"]]
        rate = settings["rates"][tried.index(max(tried))]
        runs = [trained(variant, rate, seed) for seed in settings["seeds"]]
        return {"rate": rate} | {name: [columns[name][-1] for columns in runs] for name in MEASURED}

    def curves(dropout: float, decay: float) -> dict[str, Any]:
        variant = ("relu", "none", dropout, decay)
        runs = [trained(variant, settings["lab_rate"], seed) for seed in settings["seeds"][:3]]
        return {name: [columns[name] for columns in runs] for name in MEASURED}

    variants: Mapping[str, tuple[str, str, float, float]] = settings["variants"]
    return {
        "variants": {
            name: workspace.part(f"variant-{name.replace(' ', '-')}", partial(reported, variant))
            for name, variant in variants.items()
        },
        "lab": {
            f"{dropout:g}/{decay:g}": workspace.part(f"lab-{dropout:g}-{decay:g}", partial(curves, dropout, decay))
            for dropout in settings["dropouts"]
            for decay in settings["decays"]
        },
    }


REGULARISERS = Experiment(
    name="regularisers",
    version=1,
    settings={
        "data": "fashion-mnist", "train_on": 1000, "evaluate_on": 2000, "width": 128, "steps": 200, "batch_size": 50,
        "look_every": 25, "rates": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2], "seeds": [0, 1, 2, 3, 4], "variants": VARIANTS,
        "dropouts": [0.0, 0.3, 0.6], "decays": [0.0, 0.1, 1.0, 10.0], "lab_rate": 1e-3,
    },
    miniature={
        "train_on": 50, "evaluate_on": 100, "width": 8, "steps": 2, "look_every": 1, "rates": [1e-3], "seeds": [0, 1],
        "dropouts": [0.0, 0.5], "decays": [0.0],
    },
    run=run,
)  # fmt: skip
