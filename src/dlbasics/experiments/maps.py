"""Two-dimensional maps of the same validation images under several embeddings, methods, seeds and settings.

The coordinates are kept as ``maps.safetensors``, one (N, 2) tensor a map, scaled to [-1, 1] and named
``<embedding>/<method>/<setting>/seed <seed>``; row ``i`` is image ``i`` of `images`.

Values: ``trustworthiness[map]`` in [0, 1] (1: every neighbour on the map is a neighbour in the embedding);
``knn[embedding]``, the 5-neighbour accuracy in the embedding itself.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.manifold import TSNE, trustworthiness

from dlbasics import data, evaluation
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.encoders import CONTRASTIVE
from dlbasics.experiments.storage import encoder


def images(course: data.Dataset, n: int) -> data.Images:
    """The validation images that the maps draw, in the maps' order."""
    return data.balanced_subset(course.validation, n, seed=0)


def run(workspace: Workspace) -> dict[str, Any]:
    """Draw every map."""
    settings = workspace.settings
    drawn = images(data.load(name=settings["data"]), settings["images"])
    embeddings = {
        name: evaluation.embed(encoder(name, seed=0, width=settings["width"], results=workspace.results), drawn.pixels)
        for name in ("contrastive", "random")
    } | {"pixels": drawn.pixels.flatten(1)}
    maps: dict[str, list[list[float]]] = {}
    trust: dict[str, float] = {}
    for embedding, points in embeddings.items():
        for method, setting, seed in _wanted(embedding, settings):
            name = f"{embedding}/{method}/{setting}/seed {seed}"
            found = workspace.part(
                name.replace("/", "-").replace(" ", "-"),
                partial(_map, points.numpy(), method, setting, seed),
            )
            maps[name], trust[name] = found["map"], found["trustworthiness"]
    workspace.keep("maps", {name: torch.tensor(points) for name, points in maps.items()})
    half = settings["images"] // 2
    knn = {
        name: evaluation.knn_accuracy(points[:half], drawn.labels[:half], points[half:], drawn.labels[half:])
        for name, points in embeddings.items()
    }
    return {"trustworthiness": trust, "knn": knn}


def _wanted(embedding: str, settings: dict[str, Any]) -> list[tuple[str, int, int]]:
    """(method, neighbours or perplexity, seed): one of each for every embedding, variations for the contrastive one."""
    maps = [("UMAP", 15, 0), ("t-SNE", 30, 0)]
    if embedding == "contrastive":
        maps += [("UMAP", 15, seed) for seed in settings["more_seeds"]] + [
            ("t-SNE", 30, seed) for seed in settings["more_seeds"]
        ]
        maps += [("UMAP", n, 0) for n in settings["more_neighbours"]] + [
            ("t-SNE", n, 0) for n in settings["more_perplexities"]
        ]
    return maps


def _map(points: np.ndarray, method: str, setting: int, seed: int) -> dict[str, Any]:
    flat = project(points, method, setting=setting, seed=seed)
    trust = trustworthiness(points, flat, n_neighbors=15, metric="cosine")
    return {"map": within_the_square(flat).tolist(), "trustworthiness": float(trust)}


def project(points: np.ndarray, method: str, *, setting: int, seed: int, start: np.ndarray | None = None) -> np.ndarray:
    """A map of points (N, D), shape (N, 2), by cosine distances.

    Args:
        method: ``"UMAP"`` or ``"t-SNE"``.
        setting: neighbours, or perplexity.
        start: where the points stand at first, shape (N, 2); None leaves it to the method's usual start.
    """
    if method == "UMAP":
        import umap  # compiles for seconds when it is imported

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="n_jobs value")  # a seed makes it single-threaded: wanted
            init = "spectral" if start is None else start
            return umap.UMAP(n_neighbors=setting, random_state=seed, metric="cosine", init=init).fit_transform(points)
    init = "pca" if start is None else start
    return TSNE(perplexity=setting, random_state=seed, metric="cosine", init=init).fit_transform(points)


def within_the_square(flat: np.ndarray) -> np.ndarray:
    """A map (N, 2) stretched to [-1, 1] in both directions; a direction in which nothing varies stays at -1."""
    low, high = flat.min(axis=0), flat.max(axis=0)
    return ((flat - low) / np.maximum(high - low, 1e-12) * 2 - 1).astype(float)


MAPS = Experiment(
    name="maps",
    version=1,
    settings={
        "data": "fashion-mnist", "images": 2000, "width": 24,
        "more_seeds": [1, 2], "more_neighbours": [5, 50], "more_perplexities": [5, 100],
    },
    miniature={"images": 120, "width": 4, "more_seeds": [], "more_neighbours": [], "more_perplexities": []},
    run=run,
    needs=(CONTRASTIVE,),
)  # fmt: skip
