"""Masked prediction at several shares of hidden patches: what is filled in, how well, and what a probe finds then.

Of the 16 patches of an image ``patches`` are hidden. Values: ``filled[filler][patches]`` is the mean squared error over
hidden pixels of validation images, for the trained networks a list over seeds (``masked``), for the controls a number;
``probe[patches][labels]`` a list over seeds of lists over label draws; ``controls[method][labels]`` the same where
nothing was hidden. For the patches of ``closer_look`` also ``renewed``, with batch-norm statistics of whole images
(training saw only masked ones), and ``grey``, where hidden pixels were grey (0.5) instead of black.

Kept: ``mask_ratio``, for each number of patches ``hidden/<patches>`` and ``filled/<patches>`` (uint8, seed 0) of the
images of `dlbasics.experiments.codes.shown`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from dlbasics import data, evaluation, filling, pretraining
from dlbasics.experiments.codes import shown
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.probing import Prober
from dlbasics.models import ConvBackbone, Decoder, seeded
from dlbasics.pretraining import random_patches
from dlbasics.training import Loss, fit, predict_logits

PATCHES = 16  # 4 x 4 patches of 7 x 7 pixels
MASK_SEED = 11


def masks(pixels: Tensor, patches: int) -> Tensor:
    """The masks that all fillers are tried with, (N, 1, 28, 28): ``patches`` of 16 hidden in every image."""
    return random_patches(pixels, hide=patches / PATCHES, generator=torch.Generator().manual_seed(MASK_SEED))


def run(workspace: Workspace) -> dict[str, Any]:
    """Pretrain every network, then fill and probe."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    pool = data.balanced_subset(course.train, settings["images"], seed=0)
    study = _Study(workspace, pool, course.validation[: settings["evaluate_on"]], shown(course, settings["shown"]))
    filled: dict[str, dict[str, Any]] = {}
    probes: dict[str, dict[str, dict[str, list[list[float]]]]] = {}
    for patches in settings["patches"]:
        for name, error in workspace.part(f"fill-{patches}", partial(study.controls, patches)).items():
            filled.setdefault(name, {})[str(patches)] = error
        for seed in settings["seeds"]:
            for fill in ("black", "grey") if patches in settings["closer_look"] else ("black",):
                found = workspace.part(f"{fill}-{patches}-{seed}", partial(study.masked, patches, seed, fill))
                name = "masked" if fill == "black" else fill
                filled.setdefault(name, {}).setdefault(str(patches), []).append(found.pop("filled"))
                for read, by_labels in found.items():
                    for labels, accuracies in by_labels.items():
                        table = probes.setdefault(read, {}).setdefault(str(patches), {})
                        table.setdefault(labels, []).append(accuracies)
    plain: dict[str, dict[str, list[list[float]]]] = {}
    for method in ("autoencoder", "random", "pixels"):
        for seed in settings["seeds"] if method != "pixels" else [0]:
            found = workspace.part(f"{method}-{seed}", partial(study.plain, method, seed))
            for labels, accuracies in found.items():
                plain.setdefault(method, {}).setdefault(labels, []).append(accuracies)
    workspace.keep("mask_ratio", study.pictures())
    return {"filled": filled, "controls": plain, **probes}


class _Study:
    """The images that all share, and what is done with each network."""

    def __init__(self, workspace: Workspace, pool: data.Images, validation: data.Images, few: data.Images) -> None:
        self.workspace, self.settings = workspace, workspace.settings
        self.pool, self.validation, self.few = pool, validation, few
        self.tried = validation.pixels[: self.settings["fill_on"]]
        self.prober = Prober(
            pool, validation, self.settings["draws"], self.settings["choosing_draws"], self.settings["strengths"]
        )

    def controls(self, patches: int) -> dict[str, float]:
        """Errors of the fillers that are not networks."""
        hidden, known = masks(self.tried, patches), self.pool.pixels
        fillers = {
            "visible mean": filling.mean_of_visible(self.tried, hidden),
            "mean image": filling.mean_image(self.tried, hidden, known=known),
            "nearest image": filling.nearest_image(self.tried, hidden, known=known),
            "gaussian": filling.gaussian(self.tried, hidden, known=known),
        }
        return {name: filling.hidden_error(filled, self.tried, hidden) for name, filled in fillers.items()}

    def masked(self, patches: int, seed: int, fill: str) -> dict[str, Any]:
        """Pretrain one network by filling in, and measure it."""
        model, value = self._network(seed), {"black": 0.0, "grey": 0.5}[fill]
        self._train(model, seed, pretraining.masked_loss(patches / PATCHES, fill=value))
        hidden = masks(self.tried, patches)
        decoded = predict_logits(model, self.tried.masked_fill(hidden, value))
        found: dict[str, Any] = {"filled": filling.hidden_error(decoded, self.tried, hidden)}
        found["probe" if fill == "black" else fill] = self._probe(model[0])
        if seed == 0 and fill == "black":
            few = masks(self.few.pixels, patches)
            torch.save(predict_logits(model, self.few.pixels.masked_fill(few, value)), self._file(patches))
        if fill == "black" and patches in self.settings["closer_look"]:
            renew_statistics(model[0], self.pool.pixels)
            found["renewed"] = self._probe(model[0])
        return found

    def plain(self, method: str, seed: int) -> dict[str, list[float]]:
        """Accuracies of what never hides a patch: an autoencoder of the same budget, a random encoder, the pixels."""
        if method == "pixels":
            return self._probe(nn.Flatten(), shared=True)
        model = self._network(seed)
        if method == "autoencoder":
            self._train(model, seed, pretraining.autoencoder_loss())
        return self._probe(model[0].eval())

    def pictures(self) -> dict[str, Tensor]:
        """What the page draws."""
        kept = {}
        for patches in self.settings["patches"]:
            decoded = torch.load(self._file(patches), weights_only=True)
            kept[f"hidden/{patches}"] = masks(self.few.pixels, patches).to(torch.uint8)
            kept[f"filled/{patches}"] = (decoded.clamp(0, 1) * 255).round().to(torch.uint8)
        return kept

    def _network(self, seed: int) -> nn.Sequential:
        width = self.settings["width"]
        with seeded(seed):
            backbone = ConvBackbone(width=width)
            return nn.Sequential(backbone, Decoder(backbone.dimension, width=width))

    def _train(self, model: nn.Module, seed: int, loss: Loss) -> None:
        recipe = pretraining.recipe(
            len(self.pool), epochs=self.settings["epochs"], batch_size=self.settings["batch_size"],
            learning_rate=self.settings["learning_rate"], seed=seed,
        )  # fmt: skip
        fit(model, self.pool, recipe, loss=loss, progress=False)

    def _probe(self, backbone: nn.Module, *, shared: bool = False) -> dict[str, list[float]]:
        pool, validation = (evaluation.embed(backbone, images.pixels) for images in (self.pool, self.validation))
        found = {}
        for labels in self.settings["labels"]:
            chosen = self.prober.strength(pool, validation, labels=labels, shared=shared)
            found[str(labels)] = self.prober.accuracies(pool, validation, labels=labels, strength=chosen, shared=shared)
        return found

    def _file(self, patches: int) -> str:
        return str(self.workspace.checkpoint(f"filled-{patches}"))


@torch.no_grad()
def renew_statistics(backbone: nn.Module, pixels: Tensor, *, batch_size: int = 500) -> None:
    """Forget the batch-norm statistics of training and take the means over these images instead, in place."""
    norms = [part for part in backbone.modules() if isinstance(part, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    backbone.train()
    for part in pixels.split(batch_size):
        backbone(part)
    backbone.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


MASK_RATIO = Experiment(
    name="mask_ratio",
    version=1,
    settings={
        "data": "fashion-mnist",
        "images": 10_000,
        "evaluate_on": 5000,
        "fill_on": 500,
        "width": 12,
        "patches": [2, 5, 8, 10, 12, 14],
        "closer_look": [10],
        "seeds": [0, 1, 2],
        "epochs": 5,
        "batch_size": 64,
        "learning_rate": 4e-3,
        "labels": [100, 1000],
        "draws": 5,
        "choosing_draws": 2,
        "strengths": [0.003, 0.03, 0.3],
        "shown": 6,
    },
    miniature={
        "images": 200, "evaluate_on": 100, "fill_on": 6, "width": 2, "patches": [2, 10], "seeds": [0, 1], "epochs": 1,
        "labels": [20, 40], "draws": 2, "choosing_draws": 1, "strengths": [0.03], "shown": 2,
    },
    run=run,
)  # fmt: skip
