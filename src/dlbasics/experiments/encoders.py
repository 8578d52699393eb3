"""Train the encoders that the pages read, several seeds each: three that see no label, and a supervised one.

Values, by seed: ``history`` (columns of the run), ``health`` (of the embedding of the validation images), ``seconds``.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

import torch

from dlbasics import data, evaluation, pretraining, space
from dlbasics.augment import STRONG, two_views
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.pretraining import Pretrained

SHARED = {
    "data": "fashion-mnist", "images": 50_000, "width": 24, "seeds": [0, 1, 2],
    "batch_size": 256, "learning_rate": 2e-3,
}  # fmt: skip
SMALL = {"images": 600, "width": 4, "epochs": 1, "seeds": [0, 1]}
HISTORY = ("step", "train_loss", "learning_rate", "gradient_norm", "update_ratio")


def _pretrain_all(workspace: Workspace, method: str) -> dict[str, Any]:
    settings = workspace.settings
    course = data.load(name=settings["data"])
    pool = (
        course.train
        if settings["images"] >= len(course.train)
        else data.balanced_subset(course.train, settings["images"], seed=0)
    )

    def pretrain(seed: int) -> dict[str, Any]:
        recipe = pretraining.recipe(
            len(pool), epochs=settings["epochs"], batch_size=settings["batch_size"],
            learning_rate=settings["learning_rate"], seed=seed,
        )  # fmt: skip
        own = {name: settings[name] for name in ("temperature", "hide") if name in settings}
        learn = getattr(pretraining, method)
        made = learn(pool, recipe, width=settings["width"], checkpoint=workspace.checkpoint(f"{method}-{seed}"), **own)
        workspace.keep(f"{method}-{seed}", made.backbone.state_dict())
        return {
            "history": {name: made.history[name] for name in HISTORY},
            "seconds": made.history["seconds"][-1],
            "health": _health(made, course.validation[:2000]),
        }

    by_seed = {str(seed): workspace.part(f"{method}-{seed}", partial(pretrain, seed)) for seed in settings["seeds"]}
    return {"by_seed": by_seed}


def _health(made: Pretrained, images: data.Images) -> dict[str, float]:
    embeddings = evaluation.embed(made.backbone, images.pixels)
    views = two_views(images.pixels, STRONG, generator=torch.Generator().manual_seed(0))
    z_a, z_b = (evaluation.embed(made.backbone, view) for view in views)
    return {
        "spread": space.spread(embeddings),
        "mean_cosine": space.mean_cosine(embeddings),
        "effective_rank": space.effective_rank(embeddings),
        "alignment": space.alignment(z_a, z_b),
        "uniformity": space.uniformity(embeddings),
    }


def _encoders(method: str, **own: Any) -> Experiment:
    """The declaration of a method's encoders: the shared settings, and its own."""
    return Experiment(
        name=method,
        version=1,
        settings=SHARED | own,
        miniature=SMALL,
        run=partial(_pretrain_all, method=method),
    )


CONTRASTIVE = _encoders("contrastive", epochs=10, temperature=0.5, augment=asdict(STRONG))
AUTOENCODERS = _encoders("autoencoder", epochs=8)
MASKED = _encoders("masked", epochs=8, hide=0.6)
SUPERVISED = _encoders("supervised", epochs=8)
