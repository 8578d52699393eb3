"""Features at home and away: backbones learnt on garments, probed on garments and on handwritten digits.

Values: ``accuracy[data][representation]``, for each number of labels a list over encoders of lists over label draws,
shared by all representations (pixels and HOG have no encoder, so one row); ``cells[data]``, for each number of labels
the size of HOG's cells, the better by mean accuracy: a control may be flattered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from dlbasics import data, evaluation
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.encoders import AUTOENCODERS, CONTRASTIVE, MASKED, SUPERVISED
from dlbasics.experiments.storage import encoder
from dlbasics.hog import hog
from dlbasics.models import ConvBackbone

LEARNT = ("contrastive", "autoencoder", "masked", "supervised")
ENCODERS = (CONTRASTIVE, AUTOENCODERS, MASKED, SUPERVISED)
Feature = Callable[[Tensor], Tensor]


def digits(*, held_out: int = 797, seed: int = data.SPLIT_SEED) -> tuple[data.Images, data.Images]:
    """scikit-learn's 1,797 digits of 8x8, enlarged to 28x28: 1,000 to learn from, and ``held_out`` for validation."""
    found = load_digits()
    small = torch.from_numpy(found.images).float().unsqueeze(1) / 16
    pixels = F.interpolate(small, size=28, mode="bilinear", align_corners=False)
    everything = data.Images(pixels, torch.from_numpy(found.target).long(), tuple("0123456789"))
    validation, pool = data.label_budget(everything, held_out, seed=seed)
    return pool, validation


def backbones(seeds: list[int], *, results: Path, width: int) -> dict[str, list[ConvBackbone]]:
    """The stored encoders of each method, and untrained ones beside them; one for each seed."""
    return {
        method: [encoder(method, seed=seed, width=width, results=results) for seed in seeds]
        for method in (*LEARNT, "random")
    }


def run(workspace: Workspace) -> dict[str, Any]:
    """Probe every representation on both data sets."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    splits = {
        "garments": (
            data.balanced_subset(course.train, settings["pool"], seed=0),
            course.validation[: settings["evaluate_on"]],
        ),
        "digits": digits(),
    }
    encoders = backbones(settings["seeds"], results=workspace.results, width=settings["width"])
    features: dict[str, list[Feature]] = {
        "pixels": [lambda pixels: pixels.flatten(1)],
        **{f"HOG-{cell}": [partial(hog, cell=cell)] for cell in settings["cells"]},
    }
    for method, trained in encoders.items():
        features[method] = [partial(evaluation.embed, backbone) for backbone in trained]

    def probe(place: str, name: str) -> list[list[list[float]]]:
        pool, validation = splits[place]
        embedded = [(feature(pool.pixels), feature(validation.pixels)) for feature in features[name]]
        return [
            [
                [
                    _accuracy(
                        known, unseen, pool.labels, validation.labels,
                        rows=data.label_rows(pool, labels, seed=draw)[0], shared=name == "pixels",
                    )
                    for draw in range(settings["draws"])
                ]
                for known, unseen in embedded
            ]
            for labels in settings["labels"]
        ]  # fmt: skip

    accuracy: dict[str, dict[str, Any]] = {}
    cells: dict[str, list[int]] = {}
    for place in splits:
        found = {name: workspace.part(f"{place}-{name}", partial(probe, place, name)) for name in features}
        by_cell = {cell: found.pop(f"HOG-{cell}") for cell in settings["cells"]}
        cells[place] = [
            max(by_cell, key=lambda cell: sum(by_cell[cell][budget][0])) for budget in range(len(settings["labels"]))
        ]
        accuracy[place] = found | {"HOG": [by_cell[cell][budget] for budget, cell in enumerate(cells[place])]}
    return {"accuracy": accuracy, "cells": cells}


def _accuracy(known: Tensor, unseen: Tensor, labels: Tensor, truth: Tensor, *, rows: Tensor, shared: bool) -> float:
    scale = evaluation.Scale.of(known, shared=shared)  # of the whole pool: it needs no label
    return evaluation.linear_probe(known[rows], labels[rows], scale=scale).accuracy(unseen, truth)


TRANSFER = Experiment(
    name="transfer",
    version=1,
    settings={
        "data": "fashion-mnist", "pool": 1000, "evaluate_on": 5000, "width": 24, "seeds": [0, 1, 2],
        "labels": [10, 50, 200, 800], "draws": 10, "cells": [4, 7],
    },
    miniature={
        "pool": 100, "evaluate_on": 100, "width": 4, "seeds": [0, 1], "labels": [10, 20], "draws": 2, "cells": [7],
    },
    run=run,
    needs=ENCODERS,
)  # fmt: skip
