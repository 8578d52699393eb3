"""A laboratory for one 3x3 kernel: edited by hand over a real image, the convolution worked out in the browser."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from dlbasics.columns import as_array
from dlbasics.figures import checked_alt

HERE = Path(__file__).parent

Kernel = Sequence[Sequence[float]]
PRESETS: dict[str, Kernel] = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "blur": [[1 / 9] * 3] * 3,
    # Prewitt's pair: differences across the edge, summed along it.
    "horizontal edges": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "vertical edges": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}


class KernelLab(anywidget.AnyWidget):
    """Nine weights that the reader edits, an image, and what their convolution makes of it; needs no kernel process.

    A stride and a padding are chosen beside them. Pointing at a number of the result, or going there with the arrow
    keys, shows the window it was made from and its sum written out. The convolution is the one of deep learning, which
    does not flip the kernel (a cross-correlation, as in ``torch.nn.functional.conv2d``).

    Args:
        images: a name and an image, shape (H, W) or (1, H, W), floats in [0, 1] or uint8, all of one size, at least
            3x3; the first is shown first.
        alt: what there is to see, in a sentence.
        presets: a name and a 3x3 kernel; the first is set at the start.

    Raises:
        ValueError: no image, shapes that differ, values outside [0, 1], or a preset that is not 3x3 and finite.
    """

    _esm = HERE / "kernel_lab.js"
    _css = HERE / "kernel_lab.css"

    alt = traitlets.Unicode().tag(sync=True)
    image_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    size = traitlets.List(traitlets.Int()).tag(sync=True)  # [H, W]
    pixels = traitlets.Bytes().tag(sync=True)  # uint8, shape (images, H, W); 255 is white
    preset_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    presets = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)  # nine weights each, row by row

    def __init__(self, images: Mapping[str, Any], *, alt: str, presets: Mapping[str, Kernel] | None = None) -> None:
        if not images:
            raise ValueError("images is empty: give at least one name and its image")
        kernels = PRESETS if presets is None else presets
        if not kernels:
            raise ValueError("presets is empty: give at least one name and its kernel")
        greys = {name: _grey(image, name) for name, image in images.items()}
        sizes = {name: grey.shape for name, grey in greys.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"the images must have one size, got {sizes}")
        super().__init__(
            alt=checked_alt(alt),
            image_names=list(greys),
            size=list(next(iter(sizes.values()))),
            pixels=b"".join(grey.tobytes() for grey in greys.values()),
            preset_names=list(kernels),
            presets=[_nine(kernel, name) for name, kernel in kernels.items()],
        )


def _grey(image: Any, name: str) -> np.ndarray:
    """An image as uint8, shape (H, W)."""
    values = np.asarray(as_array(image))
    shape = values.shape
    if values.ndim == 3 and shape[0] == 1:
        values = values[0]
    if values.ndim != 2 or min(values.shape) < 3:
        raise ValueError(f"the image {name!r} must have shape (H, W) or (1, H, W), at least 3x3, got {shape}")
    if values.dtype == np.uint8:
        return values
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise ValueError(f"the image {name!r} must lie in [0, 1] (or be uint8), got values from {low:g} to {high:g}")
    return np.round(values * 255).astype(np.uint8)


def _nine(kernel: Kernel, name: str) -> list[float]:
    weights = np.asarray(kernel, dtype=float)
    if weights.shape != (3, 3) or not np.isfinite(weights).all():
        raise ValueError(f"the preset {name!r} must be a 3x3 kernel of finite numbers, got {kernel!r}")
    return [float(weight) for weight in weights.flatten()]
