"""Equal parameters, from one wide hidden layer to many narrow ones; and how alike the filters of a wide layer are.

Values, by ``"<recipe>/<hidden layers>"``: ``rate`` (the best of ``rates`` on a seed that is not reported), ``accuracy``
(validation) and ``train_accuracy``, one a seed; a residual connection needs three hidden layers at least. ``shape``:
width and parameters by hidden layers. ``filters``, by width of one hidden layer, for each seed: ``start`` and
``trained``, each with the ``nearest`` (mean over filters of the largest absolute cosine to another), ``pairs`` (mean
absolute cosine of two) and ``rank`` (effective rank of the filters); and the validation ``accuracy``.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics import data, evaluation
from dlbasics.blocks import deep_mlp, initialise
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import count_parameters, mlp, seeded
from dlbasics.training import Recipe, TrainingDivergedError, fit

# name: initialisation, normalisation, residual connections
RECIPES = {
    "default": ("default", "none", False),
    "He": ("He", "none", False),
    "skip": ("default", "none", True),
    "skip, layer norm": ("He", "layer", True),
}


def width_for(hidden: int, *, parameters: int, inputs: int = 784, outputs: int = 10) -> int:
    """The width at which ``hidden`` dense layers and an output come nearest to ``parameters``; hidden >= 1."""
    if hidden < 1:
        raise ValueError(f"hidden must be at least 1 layer, got {hidden}")

    def count(width: int) -> int:
        return (inputs + 1) * width + (hidden - 1) * (width + 1) * width + (width + 1) * outputs

    return min(range(1, parameters), key=lambda width: abs(count(width) - parameters))


def filters_alike(filters: Tensor) -> dict[str, float]:
    """How alike the rows of a weight matrix (D, inputs) are: mean and nearest absolute cosine, and effective rank.

    Source: Roy & Vetterli, "The Effective Rank", EUSIPCO 2007.
    """
    rows = F.normalize(filters.detach().double(), dim=1)
    cosines = (rows @ rows.T).abs().fill_diagonal_(0)
    strength = torch.linalg.svdvals(filters.detach().double())
    share = strength / strength.sum()
    return {
        "pairs": cosines.sum().item() / (len(rows) * (len(rows) - 1)),
        "nearest": cosines.max(dim=1).values.mean().item(),
        "rank": torch.special.entr(share).sum().exp().item(),
    }


def run(workspace: Workspace) -> dict[str, Any]:
    """Train every recipe at every depth, then single hidden layers of several widths."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    train, validation = course.train[: settings["train_on"]], course.validation[: settings["evaluate_on"]]
    shape = {hidden: width_for(hidden, parameters=settings["parameters"]) for hidden in settings["hidden"]}

    def make(recipe: str, hidden: int, seed: int) -> nn.Module:
        scheme, normalise, skip = RECIPES[recipe]
        return initialise(
            deep_mlp(hidden + 1, width=shape[hidden], normalise=normalise, skip=skip), scheme, seed=seed
        )  # fmt: skip

    def trained(recipe: str, hidden: int, rate: float, seed: int) -> nn.Module:
        model = make(recipe, hidden, seed)
        chosen = Recipe(
            steps=settings["steps"], batch_size=settings["batch_size"], learning_rate=rate, look_every=20, seed=seed
        )
        with suppress(TrainingDivergedError):  # scored like any other run, at about chance
            fit(
                model, train, chosen, optimiser=torch.optim.SGD(model.parameters(), lr=rate), device="cpu",
                mixed_precision=False, progress=False,
            )  # fmt: skip
        return model

    def cell(recipe: str, hidden: int) -> dict[str, Any]:
        tried = {
            rate: evaluation.accuracy(trained(recipe, hidden, rate, settings["tuning_seed"]), validation)
            for rate in settings["rates"]
        }
        rate = max(tried, key=lambda rate: tried[rate])
        models = [trained(recipe, hidden, rate, seed) for seed in settings["seeds"]]
        return {
            "rate": rate,
            "accuracy": [evaluation.accuracy(model, validation) for model in models],
            "train_accuracy": [evaluation.accuracy(model, train[: len(validation)]) for model in models],
        }

    def filters(width: int, seed: int) -> dict[str, Any]:
        with seeded(seed):
            model = mlp((784, width, 10))
        weight = model[1].get_parameter("weight")
        start = filters_alike(weight)
        recipe = Recipe(steps=settings["filter_steps"], batch_size=128, look_every=settings["filter_steps"], seed=seed)
        fit(model, train, recipe, device="cpu", mixed_precision=False, progress=False)
        return {
            "start": start, "trained": filters_alike(weight), "accuracy": evaluation.accuracy(model, validation)
        }  # fmt: skip

    cells = {
        f"{recipe}/{hidden}": workspace.part(
            f"{recipe.replace(', ', '-').replace(' ', '-')}-{hidden}", partial(cell, recipe, hidden)
        )
        for recipe in RECIPES
        for hidden in settings["hidden"]
        if hidden > 1 or not RECIPES[recipe][2]
    }
    return {
        **{name: {key: found[name] for key, found in cells.items()} for name in ("rate", "accuracy", "train_accuracy")},
        "shape": {
            str(hidden): {"width": width, "parameters": count_parameters(make("default", hidden, 0))}
            for hidden, width in shape.items()
        },
        "filters": {
            str(width): [
                workspace.part(f"filters-{width}-{seed}", partial(filters, width, seed)) for seed in settings["seeds"]
            ]
            for width in settings["widths"]
        },
    }


DEPTH_OR_WIDTH = Experiment(
    name="depth_or_width",
    version=1,
    settings={
        "data": "fashion-mnist", "train_on": 50_000, "evaluate_on": 2000, "parameters": 203_530,
        "hidden": [1, 3, 7, 13, 31], "steps": 200, "batch_size": 64, "rates": [0.01, 0.03, 0.1],
        "widths": [16, 64, 256, 1024], "filter_steps": 400, "seeds": [0, 1, 2], "tuning_seed": 100,
    },
    miniature={
        "train_on": 300, "evaluate_on": 100, "parameters": 4000, "hidden": [1, 3], "steps": 2, "rates": [0.01, 0.1],
        "widths": [4, 8], "filter_steps": 2, "seeds": [0, 1],
    },
    run=run,
)  # fmt: skip
