"""Short contrastive runs with one part of the views left out: is the invariance to that part, and to no other, lost?

Values, each ``[recipe]``: ``others_nearer[...][where][kind]``, one a seed, at the embedding, at the projection that the
loss sees, and, since that has fewer numbers, at the embedding after a random projection to as many; ``nuisance``,
likewise, the share of a change's own variance read off linearly; ``accuracy`` of a probe of the embedding, a list over
seeds of lists over label draws.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch

from dlbasics import data, evaluation, invariance, pretraining, probes
from dlbasics.augment import NOTHING, STRONG, Augment
from dlbasics.evaluation import Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.invariances import change, views
from dlbasics.experiments.layer_probes import halves

RECIPES: dict[str, Augment] = {
    "all": STRONG,
    "without flip": replace(STRONG, flip=False),
    "without intensity": replace(STRONG, brightness=0.0, contrast=0.0),
    "no augmentation": NOTHING,
}
# At the strengths of STRONG; see `invariances.KINDS`.
MEASURED = {"flip": 1.0, "intensity": 0.5, "crop": 1.0, "rotation": 0.25}


class _Reduced(torch.nn.Module):
    """A backbone followed by a fixed random projection to the size of its projection head."""

    def __init__(self, backbone: torch.nn.Module, *, seed: int, dimension: int = 64) -> None:
        super().__init__()
        self.backbone, self.reduce = backbone, probes.random_projection(dimension, seed=seed)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.reduce(self.backbone(pixels))


def run(workspace: Workspace) -> dict[str, Any]:
    """Train every recipe with every seed."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    train = data.balanced_subset(course.train, settings["images"], seed=0)
    pool, others = halves(course, settings["pool"])
    new = others[: settings["measure_on"]]

    def measure(augment: Augment, seed: int, name: str) -> dict[str, Any]:
        made = pretraining.contrastive(
            train, pretraining.recipe(len(train), epochs=settings["epochs"], seed=seed), width=settings["width"],
            augment=augment, checkpoint=workspace.checkpoint(name),
        )  # fmt: skip
        networks = {
            "embedding": made.backbone,
            "projection": torch.nn.Sequential(made.backbone, made.head),
            "embedding, as few": _Reduced(made.backbone, seed=seed),
        }
        found: dict[str, Any] = {"others_nearer": {}, "nuisance": {}, "accuracy": []}
        for where, network in networks.items():
            scale = Scale.of(evaluation.embed(network, pool.pixels))
            z = scale(evaluation.embed(network, new.pixels))
            found["others_nearer"][where] = {
                kind: invariance.others_nearer(
                    z, scale(evaluation.embed(network, views(new.pixels, kind, strength, seed=seed)))
                )
                for kind, strength in MEASURED.items()
            }
            found["nuisance"][where] = {}
            for nuisance in settings["nuisances"]:
                fit_on, amounts = change(pool.pixels[: settings["fit_on"]], nuisance, seed=seed)
                changed, new_amounts = change(new.pixels, nuisance, seed=seed + 1000)
                found["nuisance"][where][nuisance] = invariance.read_back(
                    scale(evaluation.embed(network, fit_on)), amounts,
                    scale(evaluation.embed(network, changed)), new_amounts, strength=settings["penalty"],
                )  # fmt: skip
        x = evaluation.embed(made.backbone, pool.pixels)
        for draw in range(settings["draws"]):
            rows, _ = data.label_rows(pool, settings["labels"], seed=draw)
            probe = evaluation.linear_probe(x[rows], pool.labels[rows], scale=Scale.of(x))
            found["accuracy"].append(probe.accuracy(evaluation.embed(made.backbone, others.pixels), others.labels))
        return found

    by_seed = {
        name: [
            workspace.part(f"{place}-{seed}", partial(measure, augment, seed, f"{place}-{seed}"))
            for seed in settings["seeds"]
        ]
        for place, (name, augment) in enumerate(RECIPES.items())
    }

    def over_seeds(key: str) -> dict[str, Any]:
        return {
            name: {
                where: {kind: [each[key][where][kind] for each in seeds] for kind in seeds[0][key][where]}
                for where in seeds[0][key]
            }
            for name, seeds in by_seed.items()
        }

    return {
        "others_nearer": over_seeds("others_nearer"),
        "nuisance": over_seeds("nuisance"),
        "accuracy": {name: [each["accuracy"] for each in seeds] for name, seeds in by_seed.items()},
    }


VIEWS_LEFT_OUT = Experiment(
    name="views_left_out",
    version=1,
    settings={
        "data": "fashion-mnist", "images": 8000, "width": 24, "epochs": 5, "seeds": [0, 1, 2],
        "recipes": {name: asdict(recipe) for name, recipe in RECIPES.items()},
        "pool": 5000, "measure_on": 1000, "labels": 500, "draws": 5,
        "nuisances": ["mirrored", "angle", "brightness"], "fit_on": 2500, "penalty": 0.1,
    },
    miniature={"images": 64, "width": 4, "epochs": 1, "seeds": [0], "pool": 60, "measure_on": 40, "labels": 10,
               "draws": 1, "fit_on": 60},
    run=run,
)  # fmt: skip
