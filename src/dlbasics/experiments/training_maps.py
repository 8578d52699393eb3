"""Maps of the same images while encoders learn: methods that work, and one made to collapse.

The coordinates are kept as ``training_maps.safetensors``, one (N, 2) tensor a map, named
``<method>/<projection>/<step>``; row ``i`` is image ``i`` of `dlbasics.experiments.maps.images`. Each map starts from
the one of the step before, so that a point that has not moved in the embedding moves little on the map.

Values: ``health[method][seed]``, columns over the steps: ``step``, ``spread``, ``mean_cosine``, ``effective_rank`` of
the images' embedding, and ``probe``, the validation accuracy of a linear probe. The siamese encoders are looked at
where their loss is: behind the projection.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import nn

from dlbasics import data, evaluation, pretraining, space
from dlbasics.data import Images
from dlbasics.evaluation import Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.maps import images as drawn_images
from dlbasics.experiments.maps import project, within_the_square
from dlbasics.models import ConvBackbone, Decoder, projection_head, seeded
from dlbasics.siamese import Siamese, siamese_loss
from dlbasics.training import Loss, Recipe, cross_entropy, fit

METHODS = ("contrastive", "supervised", "autoencoder", "siamese", "collapsed")
PROJECTIONS = ("UMAP", "t-SNE", "PCA")
Health = dict[str, list[float]]


def _learner(method: str, width: int, classes: int) -> tuple[nn.Module, nn.Module, Loss]:
    """The part whose output is looked at, the untrained model around it, and what that is trained on."""
    backbone = ConvBackbone(width=width)
    if method in ("siamese", "collapsed"):
        model = Siamese(backbone, dimension=backbone.dimension)
        # what the loss sees: here the collapse happens, and from here it creeps into the backbone
        return nn.Sequential(backbone, model.projection), model, siamese_loss(stop_gradient=method == "siamese")
    if method == "contrastive":
        return backbone, nn.Sequential(backbone, projection_head(backbone.dimension)), pretraining.contrastive_loss()
    if method == "autoencoder":
        decoder = Decoder(backbone.dimension, width=width)
        return backbone, nn.Sequential(backbone, decoder), pretraining.autoencoder_loss()
    return backbone, nn.Sequential(backbone, nn.Linear(backbone.dimension, classes)), cross_entropy


def _train(
    method: str, seed: int, pool: Images, settings: dict[str, Any], look: Callable[[int, nn.Module], None]
) -> None:
    """Train one encoder, and show it at the steps that the settings name."""
    steps, taken = settings["steps"], 0
    with seeded(seed):
        encoder, model, loss = _learner(method, settings["width"], pool.n_classes)

    def measure(_: nn.Module) -> dict[str, float]:
        nonlocal taken
        taken += settings["look_every"]
        if taken in steps:
            look(taken, encoder)
        return {}

    look(0, copy.deepcopy(encoder).eval())
    recipe = Recipe(
        steps=max(steps),
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        look_every=settings["look_every"],
        seed=seed,
    )
    fit(model, pool, recipe, loss=loss, measure=measure, progress=False)


def run(workspace: Workspace) -> dict[str, Any]:
    """Train, measure and draw."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    pool = data.balanced_subset(course.train, settings["pool"], seed=0)
    drawn = drawn_images(course, settings["images"])
    health: dict[str, dict[str, Health]] = {}
    maps: dict[str, torch.Tensor] = {}
    for method in METHODS:
        seeds = settings["seeds"] if method in ("siamese", "collapsed") else settings["seeds"][:1]
        health[method] = {}
        for seed in seeds:
            found = workspace.part(
                f"{method}-{seed}", partial(_study, method, seed, pool, course.validation, drawn, settings)
            )
            health[method][str(seed)] = found["health"]
            maps |= {name: torch.tensor(points) for name, points in found["maps"].items()}
    workspace.keep("training_maps", maps)
    return {"health": health}


def _study(
    method: str, seed: int, pool: Images, validation: Images, drawn: Images, settings: dict[str, Any]
) -> dict[str, Any]:
    health: Health = {name: [] for name in ("step", "spread", "mean_cosine", "effective_rank", "probe")}
    embedded: dict[int, np.ndarray] = {}
    rows = data.label_rows(pool, settings["labels"], seed=0)[0]

    def look(step: int, encoder: nn.Module) -> None:
        points = evaluation.embed(encoder, drawn.pixels)
        embedded[step] = points.numpy()
        known, queries = evaluation.embed(encoder, pool.pixels), evaluation.embed(encoder, validation.pixels[:2000])
        probe = evaluation.linear_probe(known[rows], pool.labels[rows], scale=Scale.of(known))
        for name, value in {
            "step": float(step),
            "spread": space.spread(points),
            "mean_cosine": space.mean_cosine(points),
            "effective_rank": space.effective_rank(points),
            "probe": probe.accuracy(queries, validation.labels[:2000]),
        }.items():
            health[name].append(value)

    _train(method, seed, pool, settings, look)
    maps = {}
    if seed == settings["seeds"][0]:
        for projection in PROJECTIONS:
            before = None
            for step, points in embedded.items():
                before = _flat(points, projection, before)
                maps[f"{method}/{projection}/{step}"] = before.round(4).tolist()
    return {"health": health, "maps": maps}


def _flat(points: np.ndarray, projection: str, before: np.ndarray | None) -> np.ndarray:
    """A map within [-1, 1], started from the map before."""
    if projection == "PCA":
        flat = PCA(2, random_state=0).fit_transform(points)
        if before is not None:  # the sign of a component means nothing: take the one that moves the points least
            flat = flat * np.where((flat * before).sum(axis=0) < 0, -1, 1)
    elif projection == "UMAP":
        flat = project(points, projection, setting=15, seed=0, start=None if before is None else before * 10)
    else:
        start = None if before is None else (before / before.std() * 1e-4).astype(np.float32)
        flat = project(points, projection, setting=30, seed=0, start=start)
    return within_the_square(flat)


TRAINING_MAPS = Experiment(
    name="training_maps",
    version=1,
    settings={
        "data": "fashion-mnist", "pool": 5000, "images": 800, "width": 12, "batch_size": 256, "learning_rate": 2e-3,
        "labels": 500, "look_every": 20, "steps": [0, 20, 60, 200], "seeds": [0, 1, 2],
    },
    miniature={
        "pool": 200, "images": 100, "width": 2, "batch_size": 50, "labels": 50,
        "look_every": 2, "steps": [0, 2], "seeds": [0],
    },
    run=run,
)  # fmt: skip
