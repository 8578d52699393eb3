"""What can be painted back from an embedding: a small decoder trained on the frozen features of each encoder.

Values: ``error[representation]``, a list over encoders of the mean squared error per pixel on validation images;
``constant``, that of painting the mean image. Kept as ``decoding.safetensors``: ``images`` (N, 1, 28, 28), and what
the decoder of the first encoder of each method paints of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from dlbasics import data, evaluation, schedules
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.transfer import ENCODERS, backbones
from dlbasics.models import Decoder, seeded
from dlbasics.training import update


def run(workspace: Workspace) -> dict[str, Any]:
    """Train one decoder on the embeddings of each encoder."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    known = data.balanced_subset(course.train, settings["images"], seed=0).pixels
    unseen = course.validation.pixels[: settings["evaluate_on"]]
    shown = data.balanced_subset(course.validation, 10, seed=0)
    shown = shown[shown.labels.argsort()]
    encoders = backbones(settings["seeds"], results=workspace.results, width=settings["width"])

    def decode(name: str, place: int) -> dict[str, Any]:
        backbone = encoders[name][place]
        seen = evaluation.embed(backbone, known)
        scale = evaluation.Scale.of(seen)
        decoder = fit_decoder(scale(seen), known, steps=settings["steps"], seed=settings["seeds"][place])
        with torch.no_grad():
            error = (decoder(scale(evaluation.embed(backbone, unseen))) - unseen).square().mean().item()
            painted = decoder(scale(evaluation.embed(backbone, shown.pixels)))
        return {"error": error, "painted": painted.flatten(1).tolist() if place == 0 else None}

    error, pictures = {}, {"images": shown.pixels}
    for name, found in encoders.items():
        rows = [workspace.part(f"{name}-{place}", partial(decode, name, place)) for place in range(len(found))]
        error[name] = [row["error"] for row in rows]
        pictures[name] = torch.tensor(rows[0]["painted"]).view_as(shown.pixels)
    workspace.keep("decoding", pictures)
    return {"error": error, "constant": (unseen - known.mean(dim=0)).square().mean().item()}


def fit_decoder(embeddings: Tensor, pixels: Tensor, *, steps: int, seed: int) -> Decoder:
    """A decoder from ``embeddings`` (N, D) to ``pixels`` (N, 1, 28, 28), trained on the squared error."""
    with seeded(seed):
        decoder = Decoder(embeddings.shape[1], width=16)
    optimiser = torch.optim.AdamW(decoder.parameters(), lr=3e-3)
    factor = schedules.cosine(steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(pixels), (128,), generator=generator)
        loss = (decoder(embeddings[rows]) - pixels[rows]).square().mean()
        update(loss, decoder, optimiser)
        schedule.step()
    return decoder.eval()


DECODING = Experiment(
    name="decoding",
    version=1,
    settings={
        "data": "fashion-mnist", "images": 5000, "evaluate_on": 2000, "width": 24, "seeds": [0, 1, 2], "steps": 400,
    },
    miniature={"images": 100, "evaluate_on": 50, "width": 4, "seeds": [0, 1], "steps": 3},
    run=run,
    needs=ENCODERS,
)  # fmt: skip
