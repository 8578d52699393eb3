"""What more tuning would give the controls of the headline table, on validation: the test split stays shut.

The headline trains from scratch with one augmentation, gives the nearest neighbours one rule, and lets the penalty of
logistic regression end at .3. Here each control tries more, on label draws that the table does not report.

Values: ``scratch[budget][recipe]``, ``pixels[budget][strength]`` and ``neighbours[budget][k]`` are lists of validation
accuracies, one a label draw; what stands under one budget shares its draws.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np

from dlbasics import data, evaluation, finetuning
from dlbasics.augment import LIGHT, NOTHING, Augment
from dlbasics.evaluation import Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.label_efficiency import CHOOSING_SEED
from dlbasics.experiments.storage import Result
from dlbasics.training import Recipe

RECIPES = {"light": LIGHT, "nothing": NOTHING, "crop": Augment(area=LIGHT.area, aspect=LIGHT.aspect)}


def run(workspace: Workspace) -> dict[str, Any]:
    """Every recipe, penalty and number of neighbours at every budget."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    pool, validation = course.train[: settings["pool"]], course.validation[: settings["evaluate_on"]]
    pixels, queries = pool.pixels.flatten(1), validation.pixels.flatten(1)
    scale = Scale.of(pixels, shared=True)

    def draws(n: int) -> range:
        return range(CHOOSING_SEED, CHOOSING_SEED + settings["draws"][str(n)])

    def scratch(n: int, recipe: Recipe) -> float:
        labelled = data.label_budget(pool, n, seed=recipe.seed)[0]
        model = finetuning.from_scratch(labelled, width=settings["width"], settings=recipe, progress=False)
        return evaluation.accuracy(model, validation)

    def penalised(n: int, strength: float) -> list[float]:
        found = []
        for draw in draws(n):
            rows = data.label_rows(pool, n, seed=draw)[0]
            probe = evaluation.linear_probe(pixels[rows], pool.labels[rows], scale=scale, strength=strength)
            found.append(probe.accuracy(queries, validation.labels))
        return found

    def voted(n: int, k: int) -> list[float]:
        return [
            evaluation.knn_accuracy(
                pixels[rows], pool.labels[rows], queries, validation.labels, k=k, metric="euclidean"
            )
            for rows in (data.label_rows(pool, n, seed=draw)[0] for draw in draws(n))
        ]  # fmt: skip

    found: dict[str, dict[str, dict[str, list[float]]]] = {"scratch": {}, "pixels": {}, "neighbours": {}}
    for n in map(int, settings["draws"]):
        found["pixels"][str(n)] = {
            str(strength): workspace.part(f"pixels-{n}-{strength}", partial(penalised, n, strength))
            for strength in settings["strengths"]
        }
        found["neighbours"][str(n)] = {
            str(k): workspace.part(f"neighbours-{n}-{k}", partial(voted, n, k)) for k in settings["neighbours"]
        }
        found["scratch"][str(n)] = {
            name: [
                workspace.part(
                    f"scratch-{n}-{place}-{draw}",
                    partial(scratch, n, replace(finetuning.scratch_recipe(n, seed=draw), augment=augment)),
                )
                for draw in draws(n)
            ]
            for place, (name, augment) in enumerate(RECIPES.items())
        }
    return found


def gained(result: Result, control: str, budget: int, used: str) -> tuple[str, float]:
    """The best choice at this budget, and the mean validation accuracy that it has over the choice ``used``.

    The best is measured on the draws that chose it, so the gain is rather too large, and never below 0.
    """
    means = {name: float(np.mean(accuracies)) for name, accuracies in result[control][str(budget)].items()}
    best = max(means, key=means.__getitem__)
    return best, means[best] - means[used]


CONTROLS = Experiment(
    name="controls",
    version=1,
    settings={
        "data": "fashion-mnist",
        "pool": 50_000,
        "evaluate_on": 5000,
        "draws": {"10": 4, "50": 4, "100": 2, "1000": 2},  # fewest where the runs are longest and the draws most alike
        "width": 24,
        "strengths": [0.03, 0.1, 0.3, 1.0, 3.0],
        "neighbours": [1, 3, 5, 10],
        "recipes": {name: asdict(augment) for name, augment in RECIPES.items()},
    },
    miniature={"pool": 600, "evaluate_on": 300, "draws": {"10": 2, "50": 2}, "width": 4, "strengths": [0.03]},
    run=run,
)
