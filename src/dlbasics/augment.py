"""Random views of images: batched tensor operations, on the images' device, each image with its own draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class Augment:
    """A recipe for random views; calling it makes one view of every image.

    Everything geometric is one affine map and one resampling; strength 0 (or range (1, 1)) switches a part off.

    Attributes:
        area: share of the image a crop keeps, (low, high) in (0, 1]; the crop is resized back to (H, W).
        aspect: largest ratio of a crop's sides, >= 1.
        rotation: largest angle in degrees.
        shift: largest shift as a share of the side, in [0, 1].
        flip: mirror left and right in half of the views.
        brightness: largest relative change of the intensity, in [0, 1].
        contrast: largest exponent of the gamma curve is ``1 + contrast``, the smallest its inverse; >= 0.
        erase: share of views that lose a rectangle of 5 to 25 % of the area, in [0, 1].
        noise: largest standard deviation of Gaussian noise, in intensities; >= 0.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020, section 3;
    erasing: Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.
    """

    area: tuple[float, float] = (1.0, 1.0)
    aspect: float = 1.0
    rotation: float = 0.0
    shift: float = 0.0
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    erase: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.area
        if not 0 < low <= high <= 1:
            raise ValueError(f"area must satisfy 0 < low <= high <= 1, got {self.area}")
        if self.aspect < 1:
            raise ValueError(f"aspect must be at least 1, got {self.aspect}")
        for name, largest in {
            "shift": 1.0,
            "brightness": 1.0,
            "erase": 1.0,
            "contrast": math.inf,
            "noise": math.inf,
        }.items():
            if not 0 <= getattr(self, name) <= largest:
                raise ValueError(f"{name} must lie in [0, {largest:g}], got {getattr(self, name)}")

    def __call__(self, pixels: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """One random view of each image.

        Args:
            pixels: intensities in [0, 1], shape (N, C, H, W); left unchanged.
            generator: on the pixels' device; None draws from torch's global one.

        Returns:
            The views, same shape, dtype and device, in [0, 1].
        """
        draw = _Draw(pixels, generator)
        views = pixels
        if self._moves:
            views = F.grid_sample(
                views, F.affine_grid(self._affine(draw), list(views.shape), align_corners=False), align_corners=False
            )
        if self.contrast or self.brightness:
            views = change_intensity(views, draw, brightness=self.brightness, contrast=self.contrast)
        if self.erase:
            views = erase_rectangle(views, draw, share=self.erase)
        if self.noise:
            views = (views + draw.uniform(0, self.noise, shape=(1, 1, 1)) * draw.normal_like(views)).clamp_(0, 1)
        return views

    @property
    def _moves(self) -> bool:
        return bool(self.area != (1.0, 1.0) or self.aspect != 1 or self.rotation or self.shift or self.flip)

    def _affine(self, draw: _Draw) -> Tensor:
        """Maps from view to image coordinates (both -1 to 1), shape (N, 2, 3)."""
        area = draw.uniform(*self.area)
        stretch = torch.exp(draw.uniform(-0.5, 0.5) * math.log(self.aspect))
        width, height = (area.sqrt() * stretch).clamp(max=1), (area.sqrt() / stretch).clamp(max=1)
        # the crop stays inside the image; a shift may leave it, and shows black there
        x = draw.uniform(-1, 1) * (1 - width) + draw.uniform(-2, 2) * self.shift
        y = draw.uniform(-1, 1) * (1 - height) + draw.uniform(-2, 2) * self.shift
        mirror = draw.sign() if self.flip else 1.0
        angle = draw.uniform(-1, 1) * math.radians(self.rotation)
        cos, sin = angle.cos(), angle.sin()
        rows = [width * cos * mirror, -height * sin, x, width * sin * mirror, height * cos, y]
        return torch.stack(rows, dim=1).view(-1, 2, 3)


NOTHING = Augment()
LIGHT = Augment(area=(0.7, 1.0), aspect=1.15, flip=True, noise=0.05)  # what helped a classifier of few labels
STRONG = Augment(
    area=(0.3, 1.0), aspect=1.33, rotation=15, flip=True, brightness=0.4, contrast=0.4, erase=0.3, noise=0.05
)


def two_views(pixels: Tensor, augment: Augment, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Two independent views of each image: row ``i`` of both shows image ``i``."""
    return augment(pixels, generator=generator), augment(pixels, generator=generator)


def change_intensity(pixels: Tensor, draw: _Draw, *, brightness: float, contrast: float) -> Tensor:
    """Scale each image's intensities by 1 ± ``brightness``, bent by a gamma of at most 1 + ``contrast``."""
    gamma = torch.exp(draw.uniform(-1, 1, shape=(1, 1, 1)) * math.log1p(contrast))
    scale = 1 + draw.uniform(-brightness, brightness, shape=(1, 1, 1))
    return ((pixels + 1e-6).pow(gamma) * scale).clamp(0, 1)  # 0 ** gamma has no useful slope


def erase_rectangle(pixels: Tensor, draw: _Draw, *, share: float) -> Tensor:
    """Black out, in a ``share`` of the images, a rectangle of 5 to 25 % of the area anywhere inside the image."""
    _, _, height, width = pixels.shape
    area, ratio = draw.uniform(0.05, 0.25), torch.exp(draw.uniform(-0.7, 0.7))
    half_h, half_w = (area * ratio).sqrt().clamp(max=1) / 2, (area / ratio).sqrt().clamp(max=1) / 2
    centre_y = half_h + draw.uniform(0, 1) * (1 - 2 * half_h)
    centre_x = half_w + draw.uniform(0, 1) * (1 - 2 * half_w)
    ys = (torch.arange(height, device=pixels.device) + 0.5) / height
    xs = (torch.arange(width, device=pixels.device) + 0.5) / width
    inside_y = (ys - centre_y[:, None]).abs() < half_h[:, None]
    inside_x = (xs - centre_x[:, None]).abs() < half_w[:, None]
    erased = (draw.uniform(0, 1) < share)[:, None, None] & inside_y[:, :, None] & inside_x[:, None, :]
    return pixels.masked_fill(erased[:, None], 0)


class _Draw:
    """One random number per image, on the images' device."""

    def __init__(self, pixels: Tensor, generator: torch.Generator | None) -> None:
        self.n, self.generator = len(pixels), generator
        self.device, self.dtype = pixels.device, pixels.dtype

    def uniform(self, low: float, high: float, *, shape: tuple[int, ...] = ()) -> Tensor:
        """Shape (N, *shape), uniform in [low, high)."""
        draw = torch.rand(self.n, *shape, generator=self.generator, device=self.device, dtype=self.dtype)
        return draw * (high - low) + low

    def sign(self) -> Tensor:
        """Shape (N,), -1 or 1."""
        return (self.uniform(0, 1) < 0.5).to(self.dtype) * 2 - 1

    def normal_like(self, pixels: Tensor) -> Tensor:
        """Standard normal noise in the shape of ``pixels``."""
        return torch.randn(pixels.shape, generator=self.generator, device=self.device, dtype=self.dtype)
