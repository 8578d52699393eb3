"""What lets a deep stack of dense layers train: its activation and initial weights, its normalisation, its shortcuts.

Every cell of an experiment has its own learning rate: the one of ``rates`` with the best validation accuracy on a seed
that is not reported. ``slower_depth`` repeats those cells of ``depth`` whose best rate was the smallest, with smaller
ones beside it. Values, by cell: ``rate``; ``accuracy`` (validation) and ``train_accuracy``, one a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import nn

from dlbasics import data, evaluation
from dlbasics.blocks import INITIALISATIONS, deep_mlp, initialise
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.training import Recipe, TrainingDivergedError, fit

# A seed for choosing the learning rate, apart from those that are reported.
TUNING_SEED = 100
# Steps after which a run that has diverged is given up.
LOOK_EVERY = 20
# name: initialisation, normalisation
RECIPES = {
    "default": ("default", "none"),
    "He": ("He", "none"),
    "He, batch norm": ("He", "batch"),
    "He, layer norm": ("He", "layer"),
}


def _measure_all(workspace: Workspace, cells: Mapping[str, Callable[[int], nn.Module]]) -> dict[str, Any]:
    """Choose a rate for each cell, then train it once for each seed; a cell makes its network from a seed."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    train, validation = course.train[: settings["train_on"]], course.validation[: settings["evaluate_on"]]

    def trained(make: Callable[[int], nn.Module], rate: float, seed: int) -> nn.Module:
        model = make(seed)
        recipe = Recipe(
            steps=settings["steps"], batch_size=settings["batch_size"], learning_rate=rate,
            look_every=LOOK_EVERY, seed=seed,
        )  # fmt: skip
        with suppress(
            TrainingDivergedError
        ):  # what has become of its weights is scored like any other: at about chance
            fit(
                model, train, recipe, optimiser=torch.optim.SGD(model.parameters(), lr=rate),
                mixed_precision=False, progress=False, device="cpu",
            )  # fmt: skip
        return model

    def measure(make: Callable[[int], nn.Module]) -> dict[str, Any]:
        tried = [evaluation.accuracy(trained(make, rate, TUNING_SEED), validation) for rate in settings["rates"]]
        rate = settings["rates"][tried.index(max(tried))]
        models = [trained(make, rate, seed) for seed in settings["seeds"]]
        return {
            "rate": rate,
            "accuracy": [evaluation.accuracy(model, validation) for model in models],
            "train_accuracy": [evaluation.accuracy(model, train[: len(validation)]) for model in models],
        }

    found = {
        cell: workspace.part(cell.replace("/", "-").replace(" ", "-"), partial(measure, make))
        for cell, make in cells.items()
    }
    return {name: {cell: values[name] for cell, values in found.items()} for name in next(iter(found.values()))}


def _by_initialisation(workspace: Workspace) -> dict[str, Any]:
    settings = workspace.settings

    def make(activation: str, scheme: str, seed: int) -> nn.Module:
        model = deep_mlp(settings["depth"], width=settings["width"], activation=activation)
        return initialise(model, scheme, seed=seed)

    return _measure_all(
        workspace,
        {
            f"{activation}/{scheme}": partial(make, activation, scheme)
            for activation in settings["activations"]
            for scheme in INITIALISATIONS
        },
    )


def _by_depth(workspace: Workspace) -> dict[str, Any]:
    return _measure_all(workspace, _cells_by_depth(workspace.settings))


def _by_depth_slower(workspace: Workspace) -> dict[str, Any]:
    cells = _cells_by_depth(workspace.settings)
    return _measure_all(workspace, {cell: cells[cell] for cell in workspace.settings["cells"]})


def _cells_by_depth(settings: Mapping[str, Any]) -> dict[str, Callable[[int], nn.Module]]:
    def make(recipe: str, depth: int, skip: bool, seed: int) -> nn.Module:
        scheme, normalise = RECIPES[recipe]
        model = deep_mlp(depth, width=settings["width"], normalise=normalise, skip=skip)
        return initialise(model, scheme, seed=seed)

    return {
        f"{recipe}/{'skip' if skip else 'plain'}/{depth}": partial(make, recipe, depth, skip)
        for recipe in RECIPES
        for skip in (False, True)
        for depth in settings["depths"]
    }


SHARED = {
    "data": "fashion-mnist", "train_on": 50_000, "evaluate_on": 10_000, "width": 128, "steps": 200, "batch_size": 128,
    "rates": [0.01, 0.03, 0.1, 0.3], "seeds": [0, 1, 2],
}  # fmt: skip
SMALL = {"train_on": 500, "evaluate_on": 200, "width": 8, "steps": 2, "rates": [0.01, 0.1], "seeds": [0, 1]}

INITIALISATION = Experiment(
    name="initialisation",
    version=1,
    settings=SHARED | {"depth": 20, "activations": ["relu", "tanh", "gelu", "sigmoid"]},
    miniature=SMALL | {"depth": 4},
    run=_by_initialisation,
)

DEPTH = Experiment(
    name="depth",
    version=1,
    settings=SHARED | {"batch_size": 64, "rates": [0.01, 0.03, 0.1], "depths": [4, 10, 20, 40], "recipes": RECIPES},
    miniature=SMALL | {"depths": [2, 4]},
    run=_by_depth,
)

SLOWER_DEPTH = Experiment(
    name="slower_depth",
    version=1,
    settings=DEPTH.settings
    | {
        "rates": [0.001, 0.003, 0.01],
        "cells": [
            "He/skip/10", "He/skip/20", "He/skip/40",
            "He, layer norm/plain/20", "He, layer norm/plain/40", "He, layer norm/skip/40",
        ],
    },
    miniature=DEPTH.miniature | {"cells": ["He/skip/2", "He, layer norm/plain/2", "He, layer norm/skip/2"]},
    run=_by_depth_slower,
)  # fmt: skip
