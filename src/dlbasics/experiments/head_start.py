"""Does a pretrained start still help where every label is used for as long as a network from scratch likes?

The run of `dlbasics.experiments.encoders.SUPERVISED`, seed by seed, from a contrastive encoder's weights instead of
random ones. Both are read by one probe on the same labels, since the supervised encoders are stored without their head.

Values: ``pretrained`` and ``scratch``, validation accuracies, one a seed; ``steps`` and ``epochs``, of either.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from dlbasics import data, evaluation, pretraining
from dlbasics.evaluation import Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.encoders import CONTRASTIVE, SUPERVISED
from dlbasics.experiments.storage import encoder
from dlbasics.models import ConvBackbone, seeded
from dlbasics.training import Recipe, fit


def run(workspace: Workspace) -> dict[str, Any]:
    """Train from the contrastive encoders, and probe both kinds."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    images = course.train[: settings["images"]]
    pool, _ = data.label_budget(course.train, settings["labels"], seed=0)
    validation = course.validation[: settings["evaluate_on"]]

    def read(backbone: nn.Module) -> float:
        known, queries = (evaluation.embed(backbone, part.pixels) for part in (pool, validation))
        return evaluation.linear_probe(known, pool.labels, scale=Scale.of(known)).accuracy(queries, validation.labels)

    def stored(method: str, seed: int) -> ConvBackbone:
        return encoder(method, seed=seed, width=settings["width"], results=workspace.results)

    def recipe(seed: int) -> Recipe:
        return pretraining.recipe(
            len(images), epochs=settings["epochs"], batch_size=settings["batch_size"],
            learning_rate=settings["learning_rate"], seed=seed,
        )  # fmt: skip

    def pretrained(seed: int) -> float:
        backbone = stored("contrastive", seed)
        with seeded(seed):
            model = nn.Sequential(backbone, nn.Linear(backbone.dimension, images.n_classes))
        fit(model, images, recipe(seed), checkpoint=workspace.checkpoint(f"pretrained-{seed}"))
        return read(backbone.eval())

    def scratch(seed: int) -> float:
        return read(stored("supervised", seed))

    seeds = settings["seeds"]
    return {
        "pretrained": [workspace.part(f"pretrained-{seed}", partial(pretrained, seed)) for seed in seeds],
        "scratch": [workspace.part(f"scratch-{seed}", partial(scratch, seed)) for seed in seeds],
        "steps": recipe(0).steps,
        "epochs": settings["epochs"],
    }


HEAD_START = Experiment(
    name="head_start",
    version=1,
    settings={key: SUPERVISED.settings[key] for key in ("data", "images", "width", "seeds", "epochs", "batch_size")}
    | {"learning_rate": SUPERVISED.settings["learning_rate"], "labels": 1000, "evaluate_on": 10_000},
    miniature={
        "images": 300, "width": 4, "epochs": 1, "seeds": [0, 1], "batch_size": 32, "labels": 50, "evaluate_on": 200,
    },
    run=run,
    needs=(CONTRASTIVE, SUPERVISED),
)  # fmt: skip
