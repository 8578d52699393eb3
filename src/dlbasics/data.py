"""The course's images and their splits; the test split opens only through a call that says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dlbasics import sources

VALIDATION_SHARE = 1 / 6  # 10,000 of Fashion-MNIST's 60,000 training images, as many as its test split has
SPLIT_SEED = 2017  # the year Fashion-MNIST appeared; every reader gets the same split


@dataclass(frozen=True)
class Images:
    """Labelled grey images.

    Attributes:
        pixels: float32 in [0, 1], shape (N, C, H, W).
        labels: int64 in [0, K), shape (N,).
        class_names: K names.
    """

    pixels: Tensor
    labels: Tensor
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or len(self.pixels) != len(self.labels):
            raise ValueError(
                "expected pixels (N, C, H, W) and N labels, "
                f"got {tuple(self.pixels.shape)} and {tuple(self.labels.shape)}"
            )

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: Tensor | slice | list[int]) -> Images:
        """The images at ``rows`` (a slice, a list, an index or boolean tensor), in that order."""
        return replace(self, pixels=self.pixels[rows], labels=self.labels[rows])

    @property
    def n_classes(self) -> int:
        """K, the number of classes."""
        return len(self.class_names)

    def to(self, device: torch.device | str) -> Images:
        """The same images on another device."""
        return replace(self, pixels=self.pixels.to(device), labels=self.labels.to(device))


@dataclass(frozen=True)
class Dataset:
    """A data set cut into the three splits every page uses.

    Attributes:
        name: ``"fashion-mnist"``, or ``"mnist-5k"`` where neither network nor package gave the first.
        origin: one line that says where the files came from.
        train: what models learn from.
        validation: what every choice and every figure is measured on.
    """

    name: str
    origin: str
    train: Images
    validation: Images
    _read_test: Callable[[], Images] = field(repr=False)

    def open_test(self, *, because: str) -> Images:
        """Read the test split, once, for a final figure.

        Args:
            because: the final figure that needs it, in words. Choosing a model, a setting or a stopping point is not
                one: that is what ``validation`` is for.

        Raises:
            ValueError: no reason is given.
        """
        if not because.strip():
            raise ValueError("open_test needs because='which final figure this is for'; use .validation for choices")
        return self._read_test()


def load(*, name: str = "fashion-mnist", root: Path | str | None = None, source: str | None = None) -> Dataset:
    """The course's data set; the test file is neither read nor checked until `Dataset.open_test`.

    Args:
        name: only ``"fashion-mnist"``; the fallback names itself in `Dataset.name`.
        root: cache folder; None takes ``DLBASICS_DATA`` or the user's cache folder.
        source: one place to take the files from (see `dlbasics.sources`); None tries them in turn.

    Raises:
        ValueError: an unknown name.

    Source: Xiao et al., "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017.
    """
    if name != "fashion-mnist":
        raise ValueError(f"unknown data set {name!r}; the course has 'fashion-mnist'")
    if _ahead and root is None and source is None:
        return _ahead.pop()
    found = sources.fashion_mnist(root, source=source)

    def read(split: sources.Split) -> Images:
        pixels, labels = found.read(split)
        return Images(
            torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(labels.astype(np.int64)), found.class_names
        )

    everything = read("train")  # cut as bytes, a quarter of the floats
    held_out, kept = label_budget(everything, round(len(everything) * VALIDATION_SHARE), seed=SPLIT_SEED)
    return Dataset(
        found.name,
        found.origin,
        train=_in_floats(kept),
        validation=_in_floats(held_out),
        _read_test=lambda: _in_floats(read("test")),
    )


def load_ahead() -> None:
    """Load what the next `load` without arguments returns, in this process and in each that is forked from it.

    Only the next: every call gives tensors that nobody else has.
    """
    _ahead[:] = [load()]


_ahead: list[Dataset] = []


def label_rows(images: Images, n: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Rows for a label budget: ``n`` that get a label, as evenly over the classes as they allow, and all the others.

    Args:
        n: labels to draw; K <= n <= N, so that every class is seen.
        seed: another seed draws other images; the same seed draws the same ones.

    Returns:
        (labelled, pool): row numbers on the processor, both shuffled, disjoint, together all of ``images``.

    Raises:
        ValueError: fewer labels than classes, more than images, or a class too small for its share.
    """
    k = images.n_classes
    if not k <= n <= len(images):
        raise ValueError(f"n must lie between the number of classes ({k}) and of images ({len(images)}), got {n}")
    generator = torch.Generator().manual_seed(seed)
    shares = torch.full((k,), n // k)
    shares[torch.randperm(k, generator=generator)[: n % k]] += 1
    order = torch.randperm(len(images), generator=generator)
    labels = images.labels.cpu()[order]
    chosen = torch.zeros(len(images), dtype=torch.bool)
    for label, share in enumerate(shares.tolist()):
        members = (labels == label).nonzero().flatten()
        if len(members) < share:
            raise ValueError(
                f"class {label} ({images.class_names[label]}) has {len(members)} images, its share is {share}"
            )
        chosen[members[:share]] = True
    return order[chosen], order[~chosen]


def label_budget(images: Images, n: int, *, seed: int) -> tuple[Images, Images]:
    """Draw ``n`` labelled images and leave the rest as the unlabelled pool; arguments and errors as in `label_rows`.

    The pool keeps its labels so that a page can score against them; whatever trains on it must not look.
    """
    labelled, pool = label_rows(images, n, seed=seed)
    return images[labelled], images[pool]


def balanced_subset(images: Images, n: int, *, seed: int) -> Images:
    """``n`` images, as evenly over the classes as `label_budget` draws them: a quicker stand-in for the whole."""
    return images[label_rows(images, n, seed=seed)[0]]  # without the rest, which can be 150 MB to copy


class Batches:
    """Mini-batches without replacement, reshuffled every epoch; the order depends on the seed and the step alone.

    Nothing else is remembered, so an interrupted run that resumes at step ``s`` sees the batches it would have seen.

    Args:
        images: what to draw from.
        size: images a batch; the last, smaller batch of an epoch is dropped unless there is no other.
        seed: of the shuffling.
    """

    def __init__(self, images: Images, size: int, *, seed: int) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        self.images, self.seed = images, seed
        self.size = min(size, len(images))
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return len(self.images) // self.size

    def __call__(self, step: int) -> Images:
        """The batch of step ``step`` (from 0)."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + epoch)
            self._epoch = epoch
            self._order = torch.randperm(len(self.images), generator=generator).to(self.images.pixels.device)
        return self.images[self._order[place * self.size : (place + 1) * self.size]]


def _in_floats(images: Images) -> Images:
    """Pixels as float32 in [0, 1] instead of uint8."""
    return replace(images, pixels=images.pixels.float().div_(255))


if __name__ == "__main__":
    print(sources.fashion_mnist().origin)
