"""Strong random views of a batch: views a second against kornia's same transforms."""

from __future__ import annotations

import kornia.augmentation as K
import torch
from timing import OURS, Row, Stopwatch, compare, per_second, run
from torch import nn

from dlbasics.augment import STRONG

BATCH = 512
SIDE = 28


def kornia_strong() -> nn.Sequential:
    """`STRONG` in kornia's words, a draw for each image; a plain Sequential, which is faster than its own container."""
    low, high = 1 - STRONG.brightness, 1 + STRONG.brightness
    gamma = 1 + STRONG.contrast
    return nn.Sequential(
        K.RandomResizedCrop((SIDE, SIDE), scale=STRONG.area, ratio=(1 / STRONG.aspect, STRONG.aspect)),
        K.RandomRotation(STRONG.rotation, p=1.0),
        K.RandomHorizontalFlip(p=0.5),
        K.RandomGamma((1 / gamma, gamma), p=1.0),
        K.RandomBrightness((low, high), p=1.0),
        K.RandomErasing(scale=(0.05, 0.25), ratio=(0.5, 2.0), p=STRONG.erase),
        K.RandomGaussianNoise(std=STRONG.noise, p=1.0),
    )


def benchmark(stopwatch: Stopwatch) -> list[Row]:
    """One view of each image of a batch."""
    pixels = torch.rand(BATCH, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    theirs = kornia_strong()
    assert theirs(pixels).shape == STRONG(pixels).shape == pixels.shape
    rivals = {OURS: lambda: STRONG(pixels), "kornia": lambda: theirs(pixels)}
    return compare(f"strong augmentation, batches of {BATCH}", stopwatch.interleave(rivals), per_second(BATCH, "views"))


if __name__ == "__main__":
    run(benchmark)
