"""What the stored encoders ignore and what they keep: every change at every strength, fidelity, nuisances.

All images are of the validation split: 5,000 to fit scales, probes and readers on, others to measure on. A seed is an
encoder and a draw of views. ``"pixels"`` are read as they are, on one scale; ``"random"`` is an untrained encoder.

Values, each ``[encoder]`` with a list over seeds: ``others_nearer[...][kind]`` and ``found_again[...][kind]`` (lists
over the strengths; a flip has one); ``class_error``, the triplet error of the classes; ``accuracy`` of a probe (lists
over label draws); ``fidelity[...]["ridge" | "bent"]``, the share of the pixels' variance read back linearly, and with
random ReLU features; ``nuisance[...][name]``, the share of a change's own variance read off linearly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dlbasics import data, evaluation, invariance, probes
from dlbasics.augment import STRONG, Augment
from dlbasics.evaluation import Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.encoders import AUTOENCODERS, CONTRASTIVE, MASKED, SUPERVISED
from dlbasics.experiments.layer_probes import halves
from dlbasics.experiments.storage import encoder

# A kind of change and its recipe at a strength in [0, 1]. STRONG, the contrastive recipe, has a crop of strength 1, a
# rotation of 0.25, an intensity of 0.5, erasing in 0.3 of the views and noise of 0.125.
KINDS: dict[str, Callable[[float], Augment]] = {
    "crop": lambda s: Augment(area=(1 - 0.7 * s, 1.0), aspect=1 + 0.33 * s),
    "rotation": lambda s: Augment(rotation=60 * s),
    "shift": lambda s: Augment(shift=0.4 * s),
    "intensity": lambda s: Augment(brightness=0.8 * s, contrast=0.8 * s),
    "erasing": lambda s: Augment(erase=s),
    "noise": lambda s: Augment(noise=0.4 * s),
}
SHOWN = {"crop": 1.0, "rotation": 0.25, "intensity": 0.5, "erasing": 0.3, "noise": 0.125}  # by STRONG, on this scale


def views(pixels: Tensor, kind: str, strength: float, *, seed: int) -> Tensor:
    """One view of each image: of a kind of ``KINDS``, ``"flip"`` (the mirror image), or ``"all at once"`` (STRONG)."""
    if kind == "flip":
        return pixels.flip(-1)
    recipe = STRONG if kind == "all at once" else KINDS[kind](strength)
    return recipe(pixels, generator=torch.Generator().manual_seed(seed))


def change(pixels: Tensor, name: str, *, seed: int) -> tuple[Tensor, Tensor]:
    """Images changed by a known amount of their own, and the amounts, shape (N, 1) or (N, 2), about uniform.

    Args:
        name: ``"mirrored"`` (half of the images), ``"angle"`` (up to 30 degrees), ``"place"`` (x and y, up to a fifth
            of the side), ``"brightness"`` (a factor from 0.5 to 1) or ``"noise"`` (a deviation up to 0.2).
    """
    generator = torch.Generator().manual_seed(seed)
    amount = torch.rand(len(pixels), 2 if name == "place" else 1, generator=generator) * 2 - 1
    column = amount[:, :1, None, None]
    if name == "brightness":
        return pixels * (0.75 + 0.25 * column), amount
    if name == "noise":
        noise = torch.randn(pixels.shape, generator=generator)
        return (pixels + (0.1 + 0.1 * column) * noise).clamp(0, 1), amount
    if name == "mirrored":
        return torch.where(column > 0, pixels.flip(-1), pixels), amount.sign()
    theta = torch.eye(2, 3).repeat(len(pixels), 1, 1)
    if name == "place":
        theta[:, :, 2] = 0.4 * amount  # of coordinates from -1 to 1
    else:
        angle = amount[:, 0] * math.radians(30)
        theta[:, 0, 0] = theta[:, 1, 1] = angle.cos()
        theta[:, 1, 0] = angle.sin()
        theta[:, 0, 1] = -angle.sin()
    grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, align_corners=False), amount


NUISANCES = ("mirrored", "angle", "place", "brightness", "noise")


def run(workspace: Workspace) -> dict[str, Any]:
    """Measure every encoder."""
    settings = workspace.settings
    pool, others = halves(data.load(name=settings["data"]), settings["pool"])
    new = others[: settings["images"]]

    def measure(name: str, seed: int) -> dict[str, Any]:
        if name == "pixels":
            embed: Callable[[Tensor], Tensor] = probes.flatten
        else:
            backbone = encoder(name, seed=seed, width=settings["width"], results=workspace.results)
            embed = partial(evaluation.embed, backbone)
        raw = embed(pool.pixels)
        scale = Scale.of(raw, shared=name == "pixels")
        x, z = scale(raw), scale(embed(new.pixels))
        found: dict[str, Any] = {"others_nearer": {}, "found_again": {}, "nuisance": {}, "fidelity": {}}
        for kind in ("flip", "all at once", *KINDS):
            strengths = settings["strengths"] if kind in KINDS else [1.0]
            changed = [scale(embed(views(new.pixels, kind, s, seed=seed))) for s in strengths]
            found["others_nearer"][kind] = [invariance.others_nearer(z, view) for view in changed]
            found["found_again"][kind] = [invariance.found_again(z, view) for view in changed]
        found["class_error"] = probes.triplet_error(z, new.labels)
        found["accuracy"], scored = [], embed(others.pixels)
        for draw in range(settings["draws"]):
            rows, _ = data.label_rows(pool, settings["labels"], seed=draw)
            probe = evaluation.linear_probe(raw[rows], pool.labels[rows], scale=scale)
            found["accuracy"].append(probe.accuracy(scored, others.labels))
        for way, read in {"ridge": lambda h: h, "bent": invariance.with_random_features}.items():
            found["fidelity"][way] = invariance.read_back(
                read(x), pool.pixels.flatten(1), read(z), new.pixels.flatten(1)
            )
        for nuisance in NUISANCES:
            fit_on, amounts = change(pool.pixels[: settings["fit_on"]], nuisance, seed=seed)
            changed_new, new_amounts = change(new.pixels, nuisance, seed=seed + 1000)
            found["nuisance"][nuisance] = invariance.read_back(
                scale(embed(fit_on)), amounts, scale(embed(changed_new)), new_amounts, strength=settings["penalty"]
            )
        return found

    by_seed = {
        name: [workspace.part(f"{name}-{seed}", partial(measure, name, seed)) for seed in settings["seeds"]]
        for name in settings["encoders"]
    }

    def over_seeds(key: str, inner: str | None = None) -> dict[str, Any]:
        return {n: [each[key][inner] if inner else each[key] for each in seeds] for n, seeds in by_seed.items()}

    first = by_seed[settings["encoders"][0]][0]
    return {
        key: over_seeds(key)
        if not isinstance(first[key], dict)
        else {n: {inner: over_seeds(key, inner)[n] for inner in first[key]} for n in by_seed}
        for key in first
    }


INVARIANCES = Experiment(
    name="invariances",
    version=1,
    settings={
        "data": "fashion-mnist", "encoders": ["supervised", "contrastive", "autoencoder", "masked", "random", "pixels"],
        "width": 24, "seeds": [0, 1, 2], "pool": 5000, "images": 1000, "fit_on": 2500,
        "strengths": [0.125, 0.25, 0.5, 0.75, 1.0], "labels": 500, "draws": 5, "penalty": 0.1,
    },
    miniature={"width": 4, "seeds": [0], "pool": 60, "images": 40, "fit_on": 60, "strengths": [0.5], "labels": 10,
               "draws": 1},
    run=run,
    needs=(CONTRASTIVE, AUTOENCODERS, MASKED, SUPERVISED),
)  # fmt: skip
