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
from dlbasics.experiments.storage import load_encoder
from dlbasics.models import ConvBackbone, seeded


def images(course: data.Dataset, n: int) -> data.Images:
    """The validation images that the maps draw, in the maps' order."""
    return data.balanced_subset(course.validation, n, seed=0)


def run(workspace: Workspace) -> dict[str, Any]:
    """Draw every map."""
    settings = workspace.settings
    drawn = images(data.load(name=settings["data"]), settings["images"])
    with seeded(0):
        untrained = ConvBackbone(width=settings["width"]).eval()
    embeddings = {
        "contrastive": evaluation.embed(load_encoder("contrastive", results=workspace.results), drawn.pixels),
        "random": evaluation.embed(untrained, drawn.pixels),
        "pixels": drawn.pixels.flatten(1),
    }
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
    if method == "UMAP":
        import umap  # compiles for seconds when it is imported

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="n_jobs value")  # a seed makes it single-threaded: wanted
            flat = umap.UMAP(n_neighbors=setting, random_state=seed, metric="cosine").fit_transform(points)
    else:
        flat = TSNE(perplexity=setting, random_state=seed, metric="cosine", init="pca").fit_transform(points)
    trust = trustworthiness(points, flat, n_neighbors=15, metric="cosine")
    low, high = flat.min(axis=0), flat.max(axis=0)
    return {"map": ((flat - low) / (high - low) * 2 - 1).astype(float).tolist(), "trustworthiness": float(trust)}


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
