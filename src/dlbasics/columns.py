"""Numbers from lists, arrays and tensors of any device, checked before they are drawn."""

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
    return values.detach().cpu().numpy() if hasattr(values, "detach") else values
