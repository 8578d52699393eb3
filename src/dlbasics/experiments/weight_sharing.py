"""What local, shared weights save: small convolutional nets against dense nets, on images and on shuffled pixels.

Every net gets the same images and steps. The dense nets, the control, are flattered: they are shown at the better of
two learning rates, by mean validation accuracy; the convolutional ones have one. `DEEP_DENSE` adds a second control.

Values, by net: ``parameters``; ``rate`` by condition (``"images"``, or ``"shuffled"``: one fixed permutation of the
pixels, the same for training and validation); ``accuracy[condition]``, a list over seeds; ``moved``, accuracies of the
nets trained on images when the validation images are moved by ``shift`` pixels down and right, a list over seeds.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from dlbasics import data, evaluation, schedules
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import Classifier, ConvBackbone, count_parameters, mlp, seeded
from dlbasics.robustness import shift
from dlbasics.training import Recipe, fit


def network(kind: str, width: int) -> nn.Module:
    """A classifier of 28x28 images.

    ``"convolutional"`` (four blocks), ``"dense"`` (one hidden layer), or ``"deep"``: dense, but as deep as the blocks
    and with their batch norm, so that it differs from them in local, shared weights alone.
    """
    if kind == "dense":
        return mlp((784, width, 10))
    if kind == "deep":
        return mlp((784, *[width] * 4, 10), normalise=True)
    backbone = ConvBackbone(width=width)
    return Classifier(backbone, dimension=backbone.dimension, n_classes=10)


def shuffled(images: data.Images, *, seed: int = 0) -> data.Images:
    """The same images with their pixels in another order: one permutation, drawn from ``seed``, for all of them."""
    order = torch.randperm(images.pixels[0].numel(), generator=torch.Generator().manual_seed(seed))
    pixels = images.pixels.flatten(1)[:, order].view_as(images.pixels)
    return replace(images, pixels=pixels)


def run(workspace: Workspace) -> dict[str, Any]:
    """Train every net in every condition, at every rate, with every seed."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    train = data.balanced_subset(course.train, settings["images"], seed=0)
    validation = course.validation[: settings["evaluate_on"]]
    splits = {"images": (train, validation), "shuffled": (shuffled(train), shuffled(validation))}

    def score(kind: str, width: int, condition: str, rate: float, seed: int) -> dict[str, float]:
        with seeded(seed):
            model = network(kind, width)
        known, unseen = splits[condition]
        recipe = Recipe(
            steps=settings["steps"], batch_size=settings["batch_size"], learning_rate=rate, seed=seed,
            schedule=schedules.cosine(settings["steps"]), look_every=settings["steps"], restore_best=False,
        )  # fmt: skip
        fit(model, known, recipe, progress=False)
        found = {"accuracy": evaluation.accuracy(model, unseen)}
        if condition == "images":
            moved = replace(unseen, pixels=shift(unseen.pixels, by=settings["shift"]))
            found["moved"] = evaluation.accuracy(model, moved)
        return found

    nets = {}
    for kind, widths in settings["widths"].items():
        for width in widths:
            net: dict[str, Any] = {
                "kind": kind, "width": width, "parameters": count_parameters(network(kind, width)),
                "rate": {}, "accuracy": {},
            }  # fmt: skip
            for condition in splits:
                tried = {
                    rate: [
                        workspace.part(
                            f"{kind}-{width}-{condition}-{rate}-{seed}",
                            partial(score, kind, width, condition, rate, seed),
                        )
                        for seed in settings["seeds"]
                    ]
                    for rate in settings["rates"][kind]
                }
                best = max(tried, key=lambda rate: sum(one["accuracy"] for one in tried[rate]))
                net["rate"][condition] = best
                net["accuracy"][condition] = [one["accuracy"] for one in tried[best]]
                if condition == "images":
                    net["moved"] = [one["moved"] for one in tried[best]]
            nets[f"{kind}-{width}"] = net
    return {"nets": nets}


WEIGHT_SHARING = Experiment(
    name="weight_sharing",
    version=1,
    settings={
        "data": "fashion-mnist", "images": 5000, "evaluate_on": 10_000, "steps": 780, "batch_size": 128,
        "widths": {"convolutional": [4, 8, 16], "dense": [4, 16, 64, 256, 1024]},
        "rates": {"convolutional": [3e-3], "dense": [1e-3, 3e-3]}, "seeds": [0, 1, 2], "shift": 2,
    },
    miniature={
        "images": 200, "evaluate_on": 200, "steps": 5, "widths": {"convolutional": [2], "dense": [4]},
        "rates": {"convolutional": [3e-3], "dense": [3e-3]}, "seeds": [0, 1],
    },
    run=run,
)  # fmt: skip

DEEP_DENSE = Experiment(
    name="deep_dense",
    version=1,
    settings=WEIGHT_SHARING.settings | {"widths": {"deep": [16, 64, 256]}, "rates": {"deep": [1e-3, 3e-3]}},
    miniature=WEIGHT_SHARING.miniature | {"widths": {"deep": [4]}, "rates": {"deep": [3e-3]}},
    run=run,
)
