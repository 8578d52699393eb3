"""What a supervised network knows about classes it was never told: trained on all ten classes, or on five of them.

For each seed the ten classes fall at random into two fives, and three networks are trained: on all, and on either five
alone. Each of the two fives is then probed in the network that was told all, in the one told the *other* five, and in a
random one. As in `layer_probes`, probes learn and are scored on validation images.

Values: ``told[who]`` with ``head`` (accuracy of the network's own head), ``embedding`` and ``logits`` (of probes with
all labels there are), ``all`` one a seed, ``five`` one for each five of each seed; ``accuracy[who][layer][budget]``, a
list over the fives of lists over label draws, for ``who`` in ``told`` (all ten), ``untold`` (the other five) and
``random``; ``fives``, the classes that are probed, in the same order.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from dlbasics import data, evaluation, pretraining, probes
from dlbasics.data import Images
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.layer_probes import accuracies, halves
from dlbasics.experiments.storage import encoder
from dlbasics.models import ConvBackbone
from dlbasics.pretraining import Pretrained


def only(images: Images, classes: list[int]) -> Images:
    """The images of these classes, relabelled 0, 1, ... in their order."""
    new_label = torch.full((images.n_classes,), -1)
    new_label[classes] = torch.arange(len(classes))
    labels = new_label[images.labels]
    return Images(images.pixels[labels >= 0], labels[labels >= 0], tuple(images.class_names[k] for k in classes))


def run(workspace: Workspace) -> dict[str, Any]:
    """Train the networks and probe them."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    train = data.balanced_subset(course.train, settings["images"], seed=0)
    known, new = halves(course, settings["probe_images"])
    width = settings["width"]

    def learn(classes: list[int], seed: int, name: str) -> Pretrained:
        images = only(train, classes)
        recipe = pretraining.recipe(len(images), epochs=settings["epochs"], seed=seed)
        return pretraining.supervised(images, recipe, width=width, checkpoint=workspace.checkpoint(f"{name}-{seed}"))

    def about_the_told(made: Pretrained, classes: list[int]) -> dict[str, float]:
        mine, others = only(known, classes), only(new, classes)
        model = torch.nn.Sequential(made.backbone, made.head)
        found = {"head": evaluation.accuracy(model, others)}
        for name, part in {"embedding": made.backbone, "logits": model}.items():
            x, z = evaluation.embed(part, mine.pixels), evaluation.embed(part, others.pixels)
            (found[name],) = accuracies(x, mine, z, others, labels=len(mine), draws=1, dimension=x.shape[1])
        return found

    def by_layer(backbone: ConvBackbone, classes: list[int], seed: int) -> dict[str, dict[str, list[float]]]:
        mine, others = only(known, classes), only(new, classes)
        reduce = probes.random_projection(backbone.dimension, seed=seed)
        x, z = (probes.features_by_block(backbone, images.pixels, reduce=reduce) for images in (mine, others))
        return {
            layer: {
                str(n): accuracies(
                    x[layer], mine, z[layer], others, labels=n, draws=settings["draws"], dimension=backbone.dimension
                )
                for n in settings["budgets"]
            }
            for layer in x
        }

    def measure(seed: int) -> dict[str, Any]:
        order = torch.randperm(10, generator=torch.Generator().manual_seed(seed)).tolist()
        fives = [sorted(order[:5]), sorted(order[5:])]
        everything = learn(list(range(10)), seed, "all")
        told = [learn(five, seed, f"five-{place}") for place, five in enumerate(fives)]
        untrained = encoder("random", seed=seed, width=width)
        return {
            "fives": fives,
            "all": about_the_told(everything, list(range(10))),
            "five": [about_the_told(made, five) for made, five in zip(told, fives, strict=True)],
            "told": [by_layer(everything.backbone, five, seed) for five in fives],
            # what the other network, told the other five, knows about these
            "untold": [by_layer(told[1 - place].backbone, five, seed) for place, five in enumerate(fives)],
            "random": [by_layer(untrained, five, seed) for five in fives],
        }

    seeds = [workspace.part(f"seed-{seed}", partial(measure, seed)) for seed in settings["seeds"]]
    layers = seeds[0]["told"][0]
    fives = [five for each in seeds for five in each["five"]]
    return {
        "fives": [five for each in seeds for five in each["fives"]],
        "told": {
            who: {key: [run[key] for run in runs] for key in runs[0]}
            for who, runs in {"all": [each["all"] for each in seeds], "five": fives}.items()
        },
        "accuracy": {
            who: {
                layer: {n: [found[layer][n] for each in seeds for found in each[who]] for n in layers[layer]}
                for layer in layers
            }
            for who in ("told", "untold", "random")
        },
    }


HELD_OUT_CLASSES = Experiment(
    name="held_out_classes",
    version=1,
    settings={
        "data": "fashion-mnist", "images": 20_000, "width": 24, "epochs": 5, "seeds": [0, 1, 2],
        "probe_images": 5000, "budgets": [50, 500], "draws": 5,
    },
    miniature={"images": 300, "width": 4, "epochs": 1, "seeds": [0], "probe_images": 100, "budgets": [5, 10],
               "draws": 2},
    run=run,
)  # fmt: skip
