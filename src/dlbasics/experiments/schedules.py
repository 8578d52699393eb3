"""Schedules and warm-up for a small transformer, and gradient clipping for a recurrent network, rate after rate.

``schedules``: every combination of schedule, warm-up and peak rate is trained once for each seed; ``tuning_seed`` is
one more, for choosing a rate, and is not reported. Values, by ``"<schedule>/<with or without>/<rate>"``: ``accuracy``
(validation), one a seed (the tuning seed last); ``loss``, the mean training loss of each ``look_every`` steps, for each
seed, empty where a run diverged (it counts as chance). ``factors``: what each schedule multiplies the peak by.

``clipping``: a ReLU recurrence that reads an image row by row, by plain SGD. Values, by ``"<clip>/<rate>"`` (clip 0:
none): ``accuracy``, one a seed (the tuning seed last), chance where the loss left the finite numbers; ``loss`` and
``gradient`` (its norm before the clip) of every step of the first seed, up to where they did.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from dlbasics import data, evaluation, schedules
from dlbasics.attention import VisionTransformer
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import Classifier, seeded
from dlbasics.schedules import Schedule
from dlbasics.training import Recipe, TrainingDivergedError, cross_entropy, fit, update

SCHEDULES = ("constant", "step", "cosine")


def make_schedule(name: str, *, steps: int, warm: int) -> Schedule:
    """One of `SCHEDULES` over ``steps`` steps, of which the first ``warm`` rise; a step falls to a tenth, twice."""
    after = steps - warm
    kinds = {
        "constant": schedules.constant(),
        "step": schedules.step_decay(max(after // 3, 1)),
        "cosine": schedules.cosine(after),
    }
    return schedules.warm_up(kinds[name], steps=warm)


def run(workspace: Workspace) -> dict[str, Any]:
    """Train every combination with every seed."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    train, validation = course.train[: settings["train_on"]], course.validation[: settings["evaluate_on"]]
    steps = settings["steps"]
    warm = {"with": settings["warm"], "without": 0}

    def trained(schedule: str, warmed: str, rate: float, seed: int) -> dict[str, Any]:
        with seeded(seed):
            backbone = VisionTransformer(dimension=settings["dimension"], depth=settings["depth"])
            model = Classifier(backbone, dimension=backbone.dimension, n_classes=train.n_classes)
        recipe = Recipe(
            steps=steps, batch_size=settings["batch_size"], learning_rate=rate, seed=seed, restore_best=False,
            schedule=make_schedule(schedule, steps=steps, warm=warm[warmed]), look_every=settings["look_every"],
        )  # fmt: skip
        try:
            seen = fit(model, train, recipe, device="cpu", mixed_precision=False, progress=False)
        except TrainingDivergedError:
            return {"accuracy": 1 / train.n_classes, "loss": []}
        return {"accuracy": evaluation.accuracy(model, validation), "loss": seen["train_loss"]}

    seeds = [*settings["seeds"], settings["tuning_seed"]]
    accuracy, loss = {}, {}
    for schedule in SCHEDULES:
        for warmed in warm:
            for rate in settings["rates"]:
                cell = f"{schedule}/{warmed}/{rate:g}"
                runs = [
                    workspace.part(
                        f"{schedule}-{warmed}-{rate:g}-{seed}", partial(trained, schedule, warmed, rate, seed)
                    )
                    for seed in seeds
                ]
                accuracy[cell] = [one["accuracy"] for one in runs]
                loss[cell] = [one["loss"] for one in runs[:-1]]
    factors = {
        f"{schedule}/{warmed}": [make_schedule(schedule, steps=steps, warm=warm[warmed])(step) for step in range(steps)]
        for schedule in SCHEDULES
        for warmed in warm
    }
    return {"accuracy": accuracy, "loss": loss, "factors": factors}


SCHEDULED = Experiment(
    name="schedules",
    version=1,
    settings={
        "data": "fashion-mnist", "train_on": 20_000, "evaluate_on": 2000, "dimension": 32, "depth": 2, "steps": 120,
        "warm": 24, "batch_size": 32, "look_every": 5, "rates": [0.001, 0.003, 0.01, 0.03], "seeds": [0, 1, 2],
        "tuning_seed": 100,
    },
    miniature={
        "train_on": 200, "evaluate_on": 100, "dimension": 8, "depth": 1, "steps": 3, "warm": 1, "look_every": 1,
        "rates": [0.001, 0.01], "seeds": [0, 1],
    },
    run=run,
)  # fmt: skip


class RowReader(nn.Module):
    """A recurrent network with ReLUs that reads an image a row at a time, then answers: (N, 1, H, W) -> (N, 10).

    Its recurrent weights start as the identity.

    Source: Le, Jaitly & Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", 2015.
    """

    def __init__(self, *, width: int = 48, row: int = 28) -> None:
        super().__init__()
        self.read = nn.RNN(row, width, nonlinearity="relu", batch_first=True)
        nn.init.eye_(self.read.get_parameter("weight_hh_l0"))
        self.head = nn.Linear(width, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, 10)."""
        states, _ = self.read(pixels[:, 0])
        logits: Tensor = self.head(states[:, -1])
        return logits


def run_clipping(workspace: Workspace) -> dict[str, Any]:
    """Train the recurrence at every rate, with and without a clip."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    train, validation = course.train[: settings["train_on"]], course.validation[: settings["evaluate_on"]]

    def trained(clip: float, rate: float, seed: int) -> dict[str, Any]:
        with seeded(seed):
            model = RowReader(width=settings["width"])
        optimiser = torch.optim.SGD(model.parameters(), lr=rate)
        batches = data.Batches(train, settings["batch_size"], seed=seed)
        losses: list[float] = []
        norms: list[float] = []
        for step in range(settings["steps"]):
            value = cross_entropy(model, batches(step))
            norm = update(value, model, optimiser, clip=clip or None).item()
            if not math.isfinite(value.item()) or not math.isfinite(norm):
                return {"accuracy": 1 / train.n_classes, "loss": losses, "gradient": norms}
            losses.append(value.item())
            norms.append(norm)
        return {"accuracy": evaluation.accuracy(model, validation), "loss": losses, "gradient": norms}

    seeds = [*settings["seeds"], settings["tuning_seed"]]
    found = {
        f"{clip:g}/{rate:g}": [
            workspace.part(f"{clip:g}-{rate:g}-{seed}", partial(trained, clip, rate, seed)) for seed in seeds
        ]
        for clip in settings["clips"]
        for rate in settings["rates"]
    }
    return {
        "accuracy": {cell: [one["accuracy"] for one in runs] for cell, runs in found.items()},
        **{name: {cell: runs[0][name] for cell, runs in found.items()} for name in ("loss", "gradient")},
    }


CLIPPING = Experiment(
    name="clipping",
    version=1,
    settings={
        "data": "fashion-mnist", "train_on": 10_000, "evaluate_on": 2000, "width": 48, "steps": 200, "batch_size": 32,
        "rates": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3], "clips": [0, 1], "seeds": [0, 1, 2], "tuning_seed": 100,
    },
    miniature={
        "train_on": 200, "evaluate_on": 100, "width": 8, "steps": 3, "rates": [0.001, 0.1], "seeds": [0, 1],
    },
    run=run_clipping,
)  # fmt: skip
