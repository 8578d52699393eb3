"""Numbers and images from lists, arrays and tensors of any device, checked before they are drawn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def column(values: Any, name: str, *, length: int | None = None) -> NDArray[np.float64]:
    """Numbers from a list, array or tensor as one float column, shape (N,); None becomes NaN.

    Raises:
        ValueError: more than one dimension, or a length that is not ``length``.
    """
    numbers = np.asarray(as_array(values), dtype=np.float64)
    if numbers.ndim != 1 or (length is not None and len(numbers) != length):
        wanted = "(N,)" if length is None else f"({length},)"
        raise ValueError(f"{name} must have shape {wanted}, got {numbers.shape}")
    return numbers


def as_array(values: Any) -> Any:
    """A tensor from any device as an array; everything else as it is."""
    if not hasattr(values, "detach"):
        return values
    tensor = values.detach().cpu()
    return (tensor.double() if tensor.is_floating_point() else tensor).numpy()  # NumPy knows no bfloat16


def as_rgb(images: Any) -> NDArray[np.uint8]:
    """Images as uint8 of shape (N, H, W, 3), from (N, H, W), (N, 1, H, W) or (N, 3, H, W), floats in [0, 1] or uint8.

    Raises:
        ValueError: another shape, no image, or floats outside [0, 1].
    """
    pixels = np.asarray(as_array(images))
    shape = pixels.shape
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    if pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or not pixels.size:
        raise ValueError(f"images must have shape (N, H, W), (N, 1, H, W) or (N, 3, H, W), got {shape}")
    if pixels.dtype != np.uint8:
        low, high = float(pixels.min()), float(pixels.max())
        # Resampled images leave [0, 1] by a rounding error.
        if not (low >= -1e-4 and high <= 1 + 1e-4):
            raise ValueError(f"images must lie in [0, 1] (or be uint8), got values from {low:g} to {high:g}")
        pixels = np.round(pixels.clip(0, 1) * 255).astype(np.uint8)
    return np.repeat(pixels, 3 // pixels.shape[1], axis=1).transpose(0, 2, 3, 1)
