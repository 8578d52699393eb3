"""What the activation is worth to dense layers on garments: three networks of one recipe, several starts, by epoch.

Values: ``accuracy[kind]`` has a row for each seed: validation accuracy after each epoch, and ``parameters[kind]``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from dlbasics import data, models, training
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.schedules import cosine

KINDS: dict[str, tuple[list[int], str]] = {
    "ReLU in between": ([784, 128, 64, 10], "relu"),
    "no activation": ([784, 128, 64, 10], "none"),
    "one layer": ([784, 10], "none"),
}


def run(workspace: Workspace) -> dict[str, Any]:
    """Train every kind from every start."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    images = course.train[: settings["images"]]
    validation = course.validation[: settings["evaluate_on"]]

    def by_epoch(kind: str, seed: int) -> list[float]:
        sizes, activation = settings["kinds"][kind]
        with models.seeded(seed):
            network = models.mlp(sizes, activation=activation)
        an_epoch = len(images) // settings["batch_size"]
        steps = an_epoch * settings["epochs"]
        recipe = training.Recipe(
            steps=steps, batch_size=settings["batch_size"], learning_rate=settings["learning_rate"],
            schedule=cosine(steps), look_every=an_epoch, seed=seed,
        )  # fmt: skip
        history = training.fit(
            network, images, recipe, measure=training.validator(validation), mixed_precision=False, progress=False
        )
        return history["validation_accuracy"]

    return {
        "accuracy": {
            kind: [
                workspace.part(f"{place}-{seed}", partial(by_epoch, kind, seed)) for seed in range(settings["seeds"])
            ]
            for place, kind in enumerate(settings["kinds"])
        },
        "parameters": {
            kind: models.count_parameters(models.mlp(sizes)) for kind, (sizes, _) in settings["kinds"].items()
        },
    }


DENSE_LAYERS = Experiment(
    name="dense_layers",
    version=1,
    settings={
        "data": "fashion-mnist",
        "images": 50_000,
        "evaluate_on": 10_000,
        "kinds": {kind: list(what) for kind, what in KINDS.items()},
        "seeds": 5,
        "epochs": 8,
        "batch_size": 128,
        "learning_rate": 2e-3,
    },
    miniature={"images": 600, "evaluate_on": 200, "seeds": 2, "epochs": 2},
    run=run,
)
