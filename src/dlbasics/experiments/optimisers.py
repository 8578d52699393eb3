"""Four optimisers over decades of learning rate on one task, and weight decay inside or beside Adam's gradient.

Values: ``sweep[optimiser]`` is a list for each rate of validation accuracies, one a seed of ``seeds``, and
``loss[optimiser]`` the training losses; ``tuning[optimiser]`` is the accuracy of a further seed for each rate, by which
a rate may be chosen. ``decay[kind]`` ("Adam, L2" or "AdamW") is accuracy by rate, decay and seed of ``decay_seeds``.
A run that has diverged counts as chance, 0.1, and its loss as null.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dlbasics import data, models
from dlbasics.data import Batches, Images
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.training import predict_logits

TUNING_SEED = 100
OPTIMISERS = ("SGD", "momentum", "Adam", "AdamW")


def optimiser(name: str, model: nn.Module, rate: float, *, decay: float | None = None) -> torch.optim.Optimizer:
    """An optimiser over all of the model's parameters.

    Args:
        name: "SGD", "momentum" (0.9), "Adam", "AdamW" (decay 0.01 unless given) or "Adam, L2" (decay in the gradient).
        rate: the learning rate.
        decay: the weight decay of the last two.
    """
    weights = model.parameters()
    if name in ("SGD", "momentum"):
        return torch.optim.SGD(weights, lr=rate, momentum=0.9 if name == "momentum" else 0.0, fused=True)
    if name == "AdamW":
        return torch.optim.AdamW(weights, lr=rate, weight_decay=0.01 if decay is None else decay, fused=True)
    return torch.optim.Adam(weights, lr=rate, weight_decay=decay or 0.0, fused=True)


def trained(
    model: nn.Module, steering: torch.optim.Optimizer, train: Images, *, steps: int, batch_size: int, seed: int
) -> float:
    """The bare loop; returns the mean training loss of the last ten steps, not a number once it has diverged."""
    batches, losses = Batches(train, batch_size, seed=seed), []
    model.train()
    for step in range(steps):
        batch = batches(step)
        loss = F.cross_entropy(model(batch.pixels), batch.labels)
        if not math.isfinite(loss.item()):
            return math.nan
        losses.append(loss.item())
        steering.zero_grad()
        loss.backward()
        steering.step()
    return sum(losses[-10:]) / len(losses[-10:])


def run(workspace: Workspace) -> dict[str, Any]:
    """The sweep over rates, then the grids of rate and decay."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    validation = course.validation[: settings["evaluate_on"]]

    def scored(name: str, rate: float, seed: int, train: Images, decay: float | None = None) -> list[float | None]:
        with models.seeded(seed):
            model = models.mlp((784, *settings["hidden"], 10))
        loss = trained(
            model, optimiser(name, model, rate, decay=decay), train, steps=settings["steps"],
            batch_size=settings["batch_size"], seed=seed,
        )  # fmt: skip
        if not math.isfinite(loss):
            return [0.1, None]
        right = predict_logits(model, validation.pixels).argmax(dim=1) == validation.labels
        return [right.float().mean().item(), loss]

    def sweep(name: str) -> list[list[list[float | None]]]:
        train = course.train[: settings["train_on"]]
        seeds = [TUNING_SEED, *settings["seeds"]]
        return [[scored(name, rate, seed, train) for seed in seeds] for rate in settings["rates"]]

    def grid(name: str) -> list[list[list[float | None]]]:
        few = [data.balanced_subset(course.train, settings["few"], seed=seed) for seed in settings["decay_seeds"]]
        return [
            [
                [
                    scored(name, rate, seed, train, decay)[0]
                    for seed, train in zip(settings["decay_seeds"], few, strict=True)
                ]
                for decay in settings["decays"]
            ]
            for rate in settings["decay_rates"]
        ]

    swept = {name: workspace.part(f"sweep-{name}", partial(sweep, name)) for name in settings["optimisers"]}
    return {
        "tuning": {name: [runs[0][0] for runs in rows] for name, rows in swept.items()},
        "sweep": {name: [[seen[0] for seen in runs[1:]] for runs in rows] for name, rows in swept.items()},
        "loss": {name: [[seen[1] for seen in runs[1:]] for runs in rows] for name, rows in swept.items()},
        "decay": {
            name: workspace.part(f"decay-{name.replace(', ', '-')}", partial(grid, name))
            for name in ("Adam, L2", "AdamW")
        },
    }


OPTIMISER_SWEEP = Experiment(
    name="optimisers",
    version=1,
    settings={
        "data": "fashion-mnist", "train_on": 10_000, "evaluate_on": 2000, "hidden": [64], "steps": 150,
        "batch_size": 64, "optimisers": OPTIMISERS, "seeds": [0, 1, 2],
        "rates": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0],
        "few": 1000, "decay_rates": [3e-4, 1e-3, 3e-3, 1e-2, 3e-2], "decays": [0.0, 1e-3, 1e-2, 0.1, 1.0],
        "decay_seeds": [0, 1, 2],
    },
    miniature={
        "train_on": 100, "evaluate_on": 100, "hidden": [8], "steps": 2, "seeds": [0, 1], "rates": [1e-3, 10.0],
        "few": 50, "decay_rates": [1e-3], "decays": [0.0, 0.1], "decay_seeds": [0, 1],
    },
    run=run,
)  # fmt: skip
