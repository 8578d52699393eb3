"""A convolutional network and a vision transformer of equal size: what is the convolution's assumption worth?

Garments lie in the middle of their image (``centred``) or anywhere in it (``moved``). Each set comes once as it is and
once with its pixels in another order, one order for all images (``shuffled``): nothing is lost, but what was near is no
longer near. Each network has the rate of ``rates`` that was best on validation for a seed that is not reported.

Values: ``parameters[network]``; ``rate[network]``; ``accuracy[images][network][size]`` on validation and
``train_accuracy``, likewise, one number a seed; ``longer[images]``, the accuracies of a ViT on the largest set with
``patience`` times the steps, and ``longer_train``; ``seconds[network]``, of one core, for each run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dlbasics import data, evaluation, schedules
from dlbasics.attention import VisionTransformer
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import Classifier, ConvBackbone, count_parameters, seeded
from dlbasics.training import Recipe, fit

NETWORKS = ("CNN", "ViT")
# A seed for choosing the learning rate, and one for moving the validation images, apart from those that are reported.
TUNING_SEED, VALIDATION_SEED = 100, 101


def make_network(name: str, settings: dict[str, Any]) -> Classifier:
    """A ``CNN`` or a ``ViT`` for ten classes, with fresh weights from torch's global generator."""
    if name == "CNN":
        convolutional = ConvBackbone(width=settings["width"])
        return Classifier(convolutional, dimension=convolutional.dimension, n_classes=10)
    transformer = VisionTransformer(
        patch=settings["patch"], dimension=settings["dimension"], depth=settings["depth"], heads=settings["heads"]
    )
    return Classifier(transformer, dimension=transformer.dimension, n_classes=10)


def moved(images: data.Images, *, by: int = 6, seed: int) -> data.Images:
    """Each image moved by up to ``by`` pixels along both sides, its own draw; black comes in at the edge."""
    n, _, height, width = images.pixels.shape
    wide = F.pad(images.pixels, (by,) * 4)
    corners = torch.randint(2 * by + 1, (n, 2), generator=torch.Generator().manual_seed(seed)).tolist()
    cut = [image[:, y : y + height, x : x + width] for image, (y, x) in zip(wide, corners, strict=True)]
    return replace(images, pixels=torch.stack(cut))


def shuffled(images: data.Images, *, seed: int = 0) -> data.Images:
    """The same images with their pixels in another order, one order for all."""
    n, channels, height, width = images.pixels.shape
    order = torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))
    return replace(images, pixels=images.pixels.flatten(2)[:, :, order].view(n, channels, height, width))


# name: how images are changed, given a seed
VIEWS: dict[str, Callable[[data.Images, int], data.Images]] = {
    "centred": lambda images, seed: images,
    "centred, shuffled": lambda images, seed: shuffled(images),
    "moved": lambda images, seed: moved(images, seed=seed),
    "moved, shuffled": lambda images, seed: shuffled(moved(images, seed=seed)),
}


def run(workspace: Workspace) -> dict[str, Any]:
    """Choose the rates, then train every network on every set."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    held_out = course.validation[: settings["evaluate_on"]]
    validation = {view: change(held_out, VALIDATION_SEED) for view, change in VIEWS.items()}

    def score(name: str, rate: float, view: str, size: int, seed: int, steps: int) -> dict[str, float]:
        images = VIEWS[view](data.balanced_subset(course.train, size, seed=seed), seed)
        started = time.process_time()
        model = _trained(name, rate, images, settings, seed, steps)
        return {
            "seconds": time.process_time() - started,
            "accuracy": evaluation.accuracy(model, validation[view]),
            "train_accuracy": evaluation.accuracy(model, images[: settings["evaluate_on"]]),
        }

    def scored(name: str, rate: float, view: str, size: int, seed: int, steps: int) -> dict[str, float]:
        part = f"{name}-{rate}-{view.replace(', ', '-')}-{size}-{seed}-{steps}"
        found: dict[str, float] = workspace.part(part, partial(score, name, rate, view, size, seed, steps))
        return found

    steps, sizes, seeds = settings["steps"], settings["sizes"], settings["seeds"]
    rates: dict[str, float] = {}
    for name in NETWORKS:
        tried = {
            rate: scored(name, rate, "centred", settings["tune_on"], TUNING_SEED, steps)["accuracy"]
            for rate in settings["rates"]
        }
        rates[name] = max(tried, key=lambda rate: tried[rate])
    found = {
        view: {
            name: {str(size): [scored(name, rates[name], view, size, seed, steps) for seed in seeds] for size in sizes}
            for name in NETWORKS
        }
        for view in VIEWS
    }
    longer = {
        view: [scored("ViT", rates["ViT"], view, max(sizes), seed, settings["patience"] * steps) for seed in seeds]
        for view in ("centred", "moved")
    }

    def column(key: str) -> dict[str, Any]:
        return {
            view: {
                name: {size: [one[key] for one in runs] for size, runs in by_size.items()}
                for name, by_size in networks.items()
            }
            for view, networks in found.items()
        }

    return {
        "parameters": {name: count_parameters(make_network(name, settings)) for name in NETWORKS},
        "rate": rates,
        "accuracy": column("accuracy"),
        "train_accuracy": column("train_accuracy"),
        "longer": {view: [one["accuracy"] for one in runs] for view, runs in longer.items()},
        "longer_train": {view: [one["train_accuracy"] for one in runs] for view, runs in longer.items()},
        "seconds": {name: column("seconds")["centred"][name][str(max(sizes))] for name in NETWORKS},
    }


def _trained(name: str, rate: float, images: data.Images, settings: dict[str, Any], seed: int, steps: int) -> nn.Module:
    warm = round(0.05 * steps)
    recipe = Recipe(
        steps=steps, batch_size=settings["batch_size"], learning_rate=rate, weight_decay=settings["weight_decay"],
        schedule=schedules.warm_up(schedules.cosine(steps - warm), steps=warm), clip=1.0, look_every=steps,
        restore_best=False, seed=seed,
    )  # fmt: skip
    with seeded(seed):
        model = make_network(name, settings)
    fit(model, images, recipe, device="cpu", mixed_precision=False, progress=False)
    return model


IMAGE_ARCHITECTURES = Experiment(
    name="image_architectures",
    version=2,
    settings={
        "data": "fashion-mnist",
        "evaluate_on": 5000,
        "sizes": [1000, 10_000],
        "width": 20,
        "patch": 7,
        "dimension": 64,
        "depth": 2,
        "heads": 4,
        "steps": 500,
        "patience": 3,
        "batch_size": 64,
        "weight_decay": 0.01,
        "rates": [1e-3, 3e-3],
        "tune_on": 1000,
        "seeds": [0, 1, 2],
    },
    miniature={
        "evaluate_on": 100, "sizes": [64, 128], "width": 2, "dimension": 8, "depth": 1, "heads": 2, "steps": 3,
        "tune_on": 64, "seeds": [0, 1],
    },
    run=run,
)  # fmt: skip
