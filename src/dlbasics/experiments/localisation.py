"""Where on a cluttered canvas is the garment? One small head reads it from frozen features, or from the pixels.

Values: ``error[representation]``, for each number of labelled canvases a list over encoders (or heads, where there is
no encoder) of the mean distance in pixels between the predicted and the true centre; ``constant``, that of always
answering the mean centre.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics import data
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.transfer import ENCODERS, backbones
from dlbasics.models import seeded
from dlbasics.training import update

SIDE = 56  # of a canvas, in pixels
GARMENT = 28
CELLS = 7  # a side of the grid of features, and of the pixels cut into as many squares


class Canvases(NamedTuple):
    """Pixels in [0, 1], shape (N, 1, 56, 56), and the centre (x, y) of each one's garment in pixels, shape (N, 2)."""

    pixels: Tensor
    centres: Tensor


def canvases(
    images: data.Images, n: int, *, seed: int, pieces: int = 6, piece: int = 10, noise: float = 0.1
) -> Canvases:
    """One whole garment at a random place, among ``pieces`` squares cut out of others, under noise.

    Args:
        images: of 28x28, to draw garments and pieces from.
        n: canvases to make.
        pieces, piece: their number on a canvas, and the side of each in pixels.
        noise: standard deviation of what is added to every pixel before it is cut to [0, 1].

    Source: the cluttered translated MNIST of Mnih et al., "Recurrent Models of Visual Attention", NeurIPS 2014.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=generator)

    whole, corners = draw(len(images), n), draw(SIDE - GARMENT + 1, n, 2)
    cut_of, cut_at = draw(len(images), n, pieces), draw(GARMENT - piece + 1, n, pieces, 2)
    put_at = draw(SIDE - piece + 1, n, pieces, 2)
    pixels = torch.zeros(n, SIDE, SIDE)
    for i, canvas in enumerate(pixels):
        for k in range(pieces):
            (top, left), (row, column) = cut_at[i, k], put_at[i, k]
            cut = images.pixels[cut_of[i, k], 0, top : top + piece, left : left + piece]
            canvas[row : row + piece, column : column + piece] = cut
        row, column = corners[i]
        place = canvas[row : row + GARMENT, column : column + GARMENT]
        place.copy_(torch.maximum(place, images.pixels[whole[i], 0]))
    pixels += noise * torch.randn(pixels.shape, generator=generator)
    return Canvases(pixels.clamp(0, 1).unsqueeze(1), corners.flip(1).float() + GARMENT / 2)


class WhereHead(nn.Module):
    """Two small convolutions score each cell of a map; the answer is the mean place of the cells, weighted by softmax.

    (N, C, 7, 7) -> (N, 2), the centre (x, y) in pixels of the canvas.
    """

    places: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Conv2d(channels, 16, kernel_size=3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, kernel_size=3, padding=1)
        )
        middles = (torch.arange(CELLS) + 0.5) * SIDE / CELLS
        self.register_buffer("places", torch.cartesian_prod(middles, middles).flip(1))  # (49, 2), x first

    def weights(self, features: Tensor) -> Tensor:
        """How much each cell counts: (N, C, 7, 7) -> (N, 49), each row adding up to 1."""
        return self.score(features).flatten(1).softmax(dim=1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, 7, 7) -> (N, 2)."""
        return self.weights(features) @ self.places


@torch.no_grad()
def features(reader: nn.Module | None, pixels: Tensor) -> Tensor:
    """What a head sees of canvases, shape (N, C, 7, 7): a backbone's map before its pooling.

    With ``reader=None`` the pixels themselves, the 8x8 of a cell as 64 channels.
    """
    if reader is None:
        return F.pixel_unshuffle(pixels, SIDE // CELLS)
    return torch.cat([reader(part) for part in pixels.split(200)])


def fit_head(seen: Tensor, centres: Tensor, *, steps: int, seed: int) -> WhereHead:
    """A head trained on ``seen`` (N, C, 7, 7) to answer ``centres`` (N, 2), by a loss that forgives outliers."""
    with seeded(seed):
        head = WhereHead(seen.shape[1])
    optimiser = torch.optim.AdamW(head.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(seen), (64,), generator=generator)
        loss = F.smooth_l1_loss(head(seen[rows]) / 14, centres[rows] / 14)
        update(loss, head, optimiser)
        schedule.step()
    return head.eval()


@torch.no_grad()
def distance(head: WhereHead, seen: Tensor, centres: Tensor) -> float:
    """Mean distance of the answers from the true centres, in pixels."""
    return (head(seen) - centres).norm(dim=1).mean().item()


def standardise(known: Tensor, unseen: Tensor) -> tuple[Tensor, Tensor]:
    """Both maps (N, C, 7, 7) with each channel's mean and deviation over ``known`` taken out."""
    mean, deviation = known.mean(dim=(0, 2, 3), keepdim=True), known.std(dim=(0, 2, 3), keepdim=True)
    deviation = torch.where(deviation > 1e-6, deviation, 1.0)
    return (known - mean) / deviation, (unseen - mean) / deviation


def run(workspace: Workspace) -> dict[str, Any]:
    """Train a head on every representation, with every number of labelled canvases and every seed."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    known = canvases(course.train, max(settings["canvases"]), seed=0)
    unseen = canvases(course.validation, settings["evaluate_on"], seed=1)
    encoders = backbones(settings["seeds"], results=workspace.results, width=settings["width"])
    readers: dict[str, list[nn.Module | None]] = {"pixels": [None] * len(settings["seeds"])}
    readers |= {method: [backbone.blocks for backbone in trained] for method, trained in encoders.items()}

    def errors(name: str, place: int) -> list[float]:
        maps = standardise(*(features(readers[name][place], part.pixels) for part in (known, unseen)))
        seed = settings["seeds"][place]
        order = torch.randperm(len(known.pixels), generator=torch.Generator().manual_seed(seed))
        return [
            distance(
                fit_head(maps[0][order[:n]], known.centres[order[:n]], steps=settings["steps"], seed=seed),
                maps[1], unseen.centres,
            )
            for n in settings["canvases"]
        ]  # fmt: skip

    error = {}
    for name, found in readers.items():
        rows = [workspace.part(f"{name}-{place}", partial(errors, name, place)) for place in range(len(found))]
        error[name] = [list(column) for column in zip(*rows, strict=True)]
    constant = (unseen.centres - known.centres.mean(dim=0)).norm(dim=1).mean().item()
    return {"error": error, "constant": constant}


LOCALISATION = Experiment(
    name="localisation",
    version=1,
    settings={
        "data": "fashion-mnist", "canvases": [50, 200, 1000], "evaluate_on": 1000, "width": 24, "seeds": [0, 1, 2],
        "steps": 400,
    },
    miniature={"canvases": [10, 20], "evaluate_on": 20, "width": 4, "seeds": [0, 1], "steps": 3},
    run=run,
    needs=ENCODERS,
)  # fmt: skip
