"""What each part of the augmentation is worth to a classifier from scratch on few labels, over paired label draws.

Values: ``accuracy[recipe]`` is a list of validation accuracies, one a label draw; the draws are shared by all recipes.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import Any

from dlbasics import data, evaluation, finetuning
from dlbasics.augment import LIGHT, NOTHING, STRONG, Augment
from dlbasics.experiments.declaration import Experiment, Workspace

RECIPES: dict[str, Augment] = {
    "nothing": NOTHING,
    "flip": Augment(flip=True),
    "shift": Augment(shift=0.1),
    "crop": Augment(area=LIGHT.area, aspect=LIGHT.aspect),
    "rotation": Augment(rotation=10),
    "intensity": Augment(brightness=0.2, contrast=0.2),
    "erasing": Augment(erase=0.5),
    "noise": Augment(noise=0.1),
    "light": LIGHT,
    "light without flip": replace(LIGHT, flip=False),
    "light without crop": replace(LIGHT, area=(1.0, 1.0), aspect=1.0),
    "light without noise": replace(LIGHT, noise=0.0),
    "strong": STRONG,
}


def run(workspace: Workspace) -> dict[str, Any]:
    """Train every recipe on every draw."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    validation = course.validation[: settings["evaluate_on"]]

    def accuracy(augment: Augment, draw: int) -> float:
        labelled, _ = data.label_budget(course.train, settings["labels"], seed=draw)
        recipe = replace(finetuning.scratch_recipe(len(labelled), seed=draw), augment=augment)
        if settings["steps"]:
            recipe = replace(recipe, steps=settings["steps"], look_every=settings["steps"])
        model = finetuning.from_scratch(labelled, width=settings["width"], settings=recipe, progress=False)
        return evaluation.accuracy(model, validation)

    return {
        "accuracy": {
            name: [
                workspace.part(f"{place}-{draw}", partial(accuracy, augment, draw)) for draw in range(settings["draws"])
            ]
            for place, (name, augment) in enumerate(RECIPES.items())
        }
    }


AUGMENTATION = Experiment(
    name="augmentation",
    version=1,
    settings={
        "data": "fashion-mnist",
        "labels": 500,
        "draws": 6,
        "width": 16,
        "evaluate_on": 10_000,
        "recipes": {name: asdict(recipe) for name, recipe in RECIPES.items()},
        "steps": 0,
    },
    miniature={"labels": 50, "draws": 2, "width": 4, "evaluate_on": 200, "steps": 5},
    run=run,
)
