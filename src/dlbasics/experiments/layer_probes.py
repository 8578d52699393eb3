"""How classes come apart layer by layer in the stored encoders and in random ones, at one number of features.

The labels of the probes, and what they are scored on, come from two halves of the validation split: no encoder, not
even the supervised one, has trained on any of these images. ``"pixels"`` is a layer of every encoder.

Values, each ``[encoder][layer]`` with a list over seeds: ``accuracy[...][budget]`` (lists over label draws) after a
random projection; ``pooled`` and ``full``, the first draw of ``controls_at`` labels with averages over 2x2 regions and
with every number; ``knn``; ``triplet_error``; ``distance_ratio``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from dlbasics import data, evaluation, probes
from dlbasics.data import Images
from dlbasics.evaluation import Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.encoders import AUTOENCODERS, CONTRASTIVE, SUPERVISED
from dlbasics.experiments.storage import encoder

STRENGTH = 0.03  # of the probe at `dimension` features; see `accuracies`


def halves(course: data.Dataset, n: int) -> tuple[Images, Images]:
    """The validation images that probes learn from, and as many others that they are scored on."""
    return course.validation[:n], course.validation[n : 2 * n]


def accuracies(
    features: Tensor, images: Images, new: Tensor, new_images: Images, *, labels: int, draws: int, dimension: int
) -> list[float]:
    """Accuracy of linear probes on new images, one a draw of ``labels`` labels (a single one where all are taken).

    Features are put to one unit for the whole layer. A probe with more features gets a penalty larger in proportion, so
    that a projection, which keeps inner products, changes the reader as little as it can.
    """
    scale = Scale.of(features, shared=True)
    strength = STRENGTH * dimension / features.shape[1]
    found = []
    for draw in range(draws if labels < len(images) else 1):
        everything = torch.arange(len(images))
        rows = data.label_rows(images, labels, seed=draw)[0] if labels < len(images) else everything
        probe = evaluation.linear_probe(features[rows], images.labels[rows], scale=scale, strength=strength)
        found.append(probe.accuracy(new, new_images.labels))
    return found


def run(workspace: Workspace) -> dict[str, Any]:
    """Probe every layer of every encoder."""
    settings = workspace.settings
    known, new = halves(data.load(name=settings["data"]), settings["images"])
    dimension = 16 * settings["width"]

    def measure(name: str, seed: int) -> dict[str, Any]:
        backbone = encoder(name, seed=seed, width=settings["width"], results=workspace.results)

        def read(reduce: probes.Reduce) -> list[tuple[str, Tensor, Tensor]]:
            first = probes.features_by_block(backbone, known.pixels, reduce=reduce)
            second = probes.features_by_block(backbone, new.pixels, reduce=reduce)
            return [(layer, first[layer], second[layer]) for layer in first]

        probe = partial(accuracies, draws=settings["draws"], dimension=dimension)
        at, few = settings["controls_at"], settings["compare"]
        found: dict[str, Any] = {key: {} for key in ("accuracy", "knn", "triplet_error", "distance_ratio")}
        for layer, x, z in read(probes.random_projection(dimension, seed=seed)):
            scale = Scale.of(x, shared=True)
            x, z = scale(x), scale(z)
            found["accuracy"][layer] = {str(n): probe(x, known, z, new, labels=n) for n in settings["budgets"]}
            found["knn"][layer] = evaluation.knn_accuracy(x, known.labels, z[:few], new.labels[:few])
            found["triplet_error"][layer] = probes.triplet_error(z[:few], new.labels[:few])
            found["distance_ratio"][layer] = probes.class_distance_ratio(z[:few], new.labels[:few])
        for control, reduce in {"pooled": probes.average_pool(2), "full": probes.flatten}.items():
            found[control] = {layer: probe(x, known, z, new, labels=at, draws=1)[0] for layer, x, z in read(reduce)}
        return found

    by_seed = {
        name: [workspace.part(f"{name}-{seed}", partial(measure, name, seed)) for seed in settings["seeds"]]
        for name in settings["encoders"]
    }
    return {
        key: {name: _lists([each[key] for each in seeds]) for name, seeds in by_seed.items()}
        for key in next(iter(by_seed.values()))[0]
    }


def _lists(values: list[Any]) -> Any:
    """From a list of alike nested dictionaries to one nested dictionary of lists."""
    if isinstance(values[0], dict):
        return {name: _lists([value[name] for value in values]) for name in values[0]}
    return values


LAYER_PROBES = Experiment(
    name="layer_probes",
    version=1,
    settings={
        "data": "fashion-mnist", "encoders": ["supervised", "contrastive", "autoencoder", "random"], "width": 24,
        "seeds": [0, 1, 2], "images": 5000, "budgets": [50, 500, 5000], "draws": 5, "controls_at": 500,
        "compare": 1000,
    },
    miniature={"width": 4, "seeds": [0], "images": 60, "budgets": [10, 60], "draws": 2, "controls_at": 10,
               "compare": 60},
    run=run,
    needs=(CONTRASTIVE, AUTOENCODERS, SUPERVISED),
)  # fmt: skip
