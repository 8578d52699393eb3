"""Training the backbone: images a second of the readable loop against the same steps written straight down."""

from __future__ import annotations

from collections.abc import Callable

import torch
from timing import OURS, Row, Stopwatch, compare, per_second, run
from torch import nn
from torch.nn import functional as F

from dlbasics.data import Images
from dlbasics.models import Classifier, ConvBackbone, seeded
from dlbasics.training import Recipe, fit

RECIPE = Recipe(steps=50)  # one look at the history among them, as often as the default looks
CLASSES = tuple("0123456789")


def classifier() -> Classifier:
    """The same weights each time it is asked for."""
    with seeded(0):
        backbone = ConvBackbone(width=24)
        return Classifier(backbone, dimension=backbone.dimension, n_classes=len(CLASSES))


def straight(images: Images, *, channels_last: bool) -> Callable[[], None]:
    """Training with no history, no clip, no schedule and no checks."""
    model = classifier()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model.to(memory_format=layout)

    def train() -> None:
        model.train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=RECIPE.learning_rate, weight_decay=RECIPE.weight_decay)
        order = torch.randperm(len(images))
        for rows in order.split(RECIPE.batch_size)[: RECIPE.steps]:
            pixels = images.pixels[rows].contiguous(memory_format=layout)
            loss = F.cross_entropy(model(pixels), images.labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return train


def readable(images: Images) -> Callable[[], None]:
    """`fit`, in single precision as the other two."""
    model: nn.Module = classifier()

    def train() -> None:
        fit(model, images, RECIPE, device="cpu", mixed_precision=False, progress=False)

    return train


def benchmark(stopwatch: Stopwatch) -> list[Row]:
    """Speed does not depend on what the images show, so they show noise."""
    n = RECIPE.steps * RECIPE.batch_size
    generator = torch.Generator().manual_seed(0)
    pixels, labels = torch.rand(n, 1, 28, 28, generator=generator), torch.arange(n) % len(CLASSES)
    images = Images(pixels, labels, CLASSES)
    rivals = {
        OURS: readable(images),
        "plain loop": straight(images, channels_last=False),
        "plain loop, channels last": straight(images, channels_last=True),
    }
    return compare("training the backbone", stopwatch.interleave(rivals), per_second(n, "images"))


if __name__ == "__main__":
    run(benchmark)
