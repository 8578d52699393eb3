"""Learn a backbone: by contrast, by reconstruction, by filling in what was hidden, or (to compare) from labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dlbasics import losses, schedules
from dlbasics.augment import NOTHING, STRONG, Augment, two_views
from dlbasics.data import Images
from dlbasics.models import ConvBackbone, Decoder, projection_head, seeded
from dlbasics.training import History, Loss, Recipe, cross_entropy, fit

PATCH = 7  # pixels a side: a 28x28 image has 4 x 4 patches to hide


@dataclass(frozen=True)
class Pretrained:
    """A backbone and how it came to be.

    Attributes:
        backbone: (N, C, H, W) -> (N, D), in eval mode.
        head: what the loss needed and later tasks do not: a projection head, a decoder or a classifier's last layer.
        history: the run's.
    """

    backbone: ConvBackbone
    head: nn.Module
    history: History


def recipe(n_images: int, *, epochs: int, batch_size: int = 256, learning_rate: float = 2e-3, seed: int = 0) -> Recipe:
    """The settings every pretraining shares: AdamW, 5 % warm-up, cosine to 0, the last weights kept."""
    per_epoch = max(n_images // batch_size, 1)
    steps = epochs * per_epoch
    warm = round(0.05 * steps)
    return Recipe(
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedules.warm_up(schedules.cosine(steps - warm), steps=warm),
        look_every=per_epoch,
        restore_best=False,
        seed=seed,
    )


def contrastive(
    images: Images,
    settings: Recipe,
    *,
    width: int = 32,
    temperature: float = 0.5,
    augment: Augment = STRONG,
    device: str | torch.device | None = None,
    checkpoint: Path | str | None = None,
) -> Pretrained:
    """SimCLR: two views of an image attract, all others of the batch repel. Labels are not looked at.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020.
    """
    return _pretrain(
        images, settings, width=width, head="projection", loss=contrastive_loss(augment, temperature=temperature),
        device=device, checkpoint=checkpoint, description="contrastive",
    )  # fmt: skip


def autoencoder(
    images: Images,
    settings: Recipe,
    *,
    width: int = 32,
    augment: Augment = NOTHING,
    device: str | torch.device | None = None,
    checkpoint: Path | str | None = None,
) -> Pretrained:
    """A backbone whose embedding lets a decoder paint the (augmented) image back.

    Source: Hinton & Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", Science 2006.
    """
    return _pretrain(
        images, settings, width=width, head="decoder", loss=autoencoder_loss(augment),
        device=device, checkpoint=checkpoint, description="autoencoder",
    )  # fmt: skip


def masked(
    images: Images,
    settings: Recipe,
    *,
    width: int = 32,
    hide: float = 0.6,
    device: str | torch.device | None = None,
    checkpoint: Path | str | None = None,
) -> Pretrained:
    """Hide a share ``hide`` of the 7x7 patches, and paint them from the rest.

    Source: He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022; here convolutional.
    """
    return _pretrain(
        images, settings, width=width, head="decoder", loss=masked_loss(hide),
        device=device, checkpoint=checkpoint, description="masked",
    )  # fmt: skip


def supervised(
    images: Images,
    settings: Recipe,
    *,
    width: int = 32,
    device: str | torch.device | None = None,
    checkpoint: Path | str | None = None,
) -> Pretrained:
    """A classifier trained on every label there is, whose embedding is then looked at like the others'."""
    return _pretrain(
        images, settings, width=width, head="classifier", loss=cross_entropy,
        device=device, checkpoint=checkpoint, description="supervised",
    )  # fmt: skip


def contrastive_loss(augment: Augment = STRONG, *, temperature: float = 0.5) -> Loss:
    """For `fit` of a Sequential(backbone, projection head): NT-Xent between two views of the batch."""

    def loss(model: nn.Module, batch: Images, generator: torch.Generator | None) -> Tensor:
        views = torch.cat(two_views(batch.pixels, augment, generator=generator))
        z_a, z_b = model(views.contiguous(memory_format=torch.channels_last)).chunk(2)
        return losses.nt_xent(z_a, z_b, temperature=temperature)

    return loss


def autoencoder_loss(augment: Augment = NOTHING) -> Loss:
    """For `fit` of a Sequential(backbone, decoder): squared error between what comes back and what went in."""

    def loss(model: nn.Module, batch: Images, generator: torch.Generator | None) -> Tensor:
        pixels = augment(batch.pixels, generator=generator)
        return losses.reconstruction(model(pixels.contiguous(memory_format=torch.channels_last)), pixels)

    return loss


def masked_loss(hide: float, *, fill: float = 0.0) -> Loss:
    """For `fit` of a Sequential(backbone, decoder): squared error over the patches that were hidden.

    Args:
        hide: share of the patches.
        fill: what stands in a hidden pixel, 0 for black.
    """

    def loss(model: nn.Module, batch: Images, generator: torch.Generator | None) -> Tensor:
        hidden = random_patches(batch.pixels, hide=hide, generator=generator)
        seen = batch.pixels.masked_fill(hidden, fill)
        return losses.masked_reconstruction(
            model(seen.contiguous(memory_format=torch.channels_last)), batch.pixels, hidden
        )

    return loss


def random_patches(
    pixels: Tensor, *, hide: float, patch: int = PATCH, generator: torch.Generator | None = None
) -> Tensor:
    """A mask, True where hidden, shape (N, 1, H, W): in every image the same number of patches, each image its own.

    Args:
        pixels: shape (N, C, H, W); H and W divisible by ``patch``.
        hide: share of the patches, in (0, 1); rounded to a whole number of at least one.

    Raises:
        ValueError: a share outside (0, 1) or a side that ``patch`` does not divide.
    """
    n, _, height, width = pixels.shape
    if not 0 < hide < 1:
        raise ValueError(f"hide must lie strictly between 0 and 1, got {hide}")
    if height % patch or width % patch:
        raise ValueError(f"patches of {patch} pixels do not tile an image of {height} x {width}")
    rows, columns = height // patch, width // patch
    order = torch.rand(n, rows * columns, generator=generator, device=pixels.device).argsort(dim=1)
    hidden = (order < max(1, round(hide * rows * columns))).view(n, 1, rows, columns)
    return hidden.repeat_interleave(patch, dim=2).repeat_interleave(patch, dim=3)


def _pretrain(
    images: Images,
    settings: Recipe,
    *,
    width: int,
    head: str,
    loss: Loss,
    device: str | torch.device | None,
    checkpoint: Path | str | None,
    description: str,
) -> Pretrained:
    channels = images.pixels.shape[1]
    with seeded(settings.seed):
        backbone = ConvBackbone(width=width, channels=channels)
        top: nn.Module
        if head == "projection":
            top = projection_head(backbone.dimension)
        elif head == "decoder":
            top = Decoder(backbone.dimension, width=width, channels=channels)
        else:
            top = nn.Linear(backbone.dimension, images.n_classes)
    model = nn.Sequential(backbone, top)
    history = fit(model, images, settings, loss=loss, device=device, checkpoint=checkpoint, description=description)
    return Pretrained(backbone, top, history)
