"""A student's results as tensors, however they were made, and two of them compared in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import GeneratorType
from typing import Any

import numpy as np
import torch
from torch import Tensor

TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-4}  # of the largest entry; right formulas differ by rounding only
_FLOOR = 1e-2  # entries are not asked to be closer than the tolerance of this, or rounding around zero would count


class NotDataError(TypeError):
    """A result that is neither numbers nor a collection of them; the message says what it is."""


def as_data(result: Any) -> Any:
    """A result as plain data: tensors (detached, on the processor), numbers, strings, lists and dictionaries of these.

    Arrays of numpy become tensors, tuples lists, and numpy's numbers Python's.

    Raises:
        NotDataError: anything else.
    """
    if isinstance(result, Tensor):
        return result.detach().cpu().resolve_conj().resolve_neg()
    if isinstance(result, np.generic):
        return result.item()
    if isinstance(result, np.ndarray):
        plain = result if result.dtype.kind in "biuf" and result.dtype.itemsize <= 8 else result.astype(float)
        return torch.from_numpy(np.array(plain))
    if result is None or isinstance(result, bool | int | float | str):
        return result
    if isinstance(result, list | tuple):
        return [as_data(item) for item in result]
    if isinstance(result, set | frozenset):
        return sorted(as_data(item) for item in result)
    if isinstance(result, dict):
        return {str(key): as_data(value) for key, value in result.items()}
    if isinstance(result, map | filter | zip | range | GeneratorType):
        raise NotDataError(f"{_kind(result)}, where numbers are expected: put `list(...)` around it")
    raise NotDataError(f"{_kind(result)}, where numbers are expected")


def leaves(data: Any) -> list[Any]:
    """The tensors, numbers and words in plain data, in order; None counts as a word."""
    if isinstance(data, list):
        return [leaf for item in data for leaf in leaves(item)]
    if isinstance(data, dict):
        return [leaf for key in sorted(data) for leaf in leaves(data[key])]
    return [data]


def difference(
    got: Any, expected: Any, *, names: Sequence[str] = (), tolerance: float | None = None, name: str = "the result"
) -> str | None:
    """What is wrong with a result, in words: first the kind, then the shape, then the values; None if nothing is.

    Args:
        got, expected: plain data.
        names: of the parts of a result with several.
        tolerance: of the largest entry; None takes `TOLERANCE` by the expected dtype.
        name: what the result is called.
    """
    if isinstance(expected, list) and _holds_parts(expected):
        if not isinstance(got, list):
            parts = f" ({', '.join(names)})" if names else ""
            return f"{name} should be a list or tuple of {len(expected)}{parts}, and is {describe(got)}."
        if len(got) != len(expected):
            return f"{name} should have {_count(len(expected), 'part')}, and has {len(got)}."
        labels = names if len(names) == len(expected) else [f"part {n + 1} of {name}" for n in range(len(expected))]
        found = (difference(g, e, tolerance=tolerance, name=n) for g, e, n in zip(got, expected, labels, strict=True))
        return next((words for words in found if words), None)
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return f"{name} should be a dictionary, and is {describe(got)}."
        if missing := [key for key in expected if key not in got]:
            return f"{name} has no entry {missing[0]!r}; its entries are {', '.join(map(repr, got)) or 'none'}."
        found = (difference(got[key], e, tolerance=tolerance, name=key) for key, e in expected.items())
        return next((words for words in found if words), None)
    if expected is None or isinstance(expected, bool | str) or expected == []:
        return None if _plain(got) == expected else f"{name} is {describe(got)}, it should be {describe(expected)}."
    return _numeric_difference(got, expected, tolerance, name)


def _holds_parts(expected: list[Any]) -> bool:
    """Whether a list is several results, and not one row of numbers."""
    return any(not isinstance(item, int | float) or isinstance(item, bool) for item in expected)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 else value


def _numeric_difference(got: Any, expected: Any, tolerance: float | None, name: str) -> str | None:
    target = as_tensor(expected)
    try:
        found = as_tensor(got)
    except (TypeError, ValueError, RuntimeError):
        return f"{name} is {describe(got)}, it should be {_shape_words(target)}."
    if found.shape != target.shape and not (found.numel() == target.numel() == 1):
        wanted = "a number" if target.ndim == 0 else f"{tuple(target.shape)}"
        return f"{name} has the shape {tuple(found.shape)}, it should be {wanted}."
    found, target = found.reshape(target.shape), target
    allowed = tolerance if tolerance is not None else TOLERANCE.get(target.dtype, 1e-5)
    wide, aim = found.double(), target.double()
    scale = max(float(aim.abs().max()) if aim.numel() else 0.0, _FLOOR)
    error = (wide - aim).abs()
    wrong = ~(error <= allowed * scale)  # so that NaN counts as wrong
    if not wrong.any():
        return None
    if not torch.isfinite(wide).all() and torch.isfinite(aim).all():
        bad = int((~torch.isfinite(wide)).sum())
        kind = "NaN" if torch.isnan(wide).any() else "infinite"
        if target.ndim == 0:
            return f"{name} is {kind}, it should be {number(float(aim))}."
        first = [int(i) for i in (~torch.isfinite(wide)).nonzero()[0]]
        return f"{name} is {kind} in {bad} of {_count(target.numel(), 'entry')}, the first at {first}."
    if target.ndim == 0:
        return f"{name} is {number(float(wide))}, it should be {number(float(aim))}."
    worst = tuple(int(i) for i in np.unravel_index(int(error.argmax()), target.shape))
    off, verb = int(wrong.sum()), "is" if int(wrong.sum()) == 1 else "are"
    return (
        f"{name} has the right shape {tuple(target.shape)}, but {off} of {_count(target.numel(), 'entry')} {verb} off; "
        f"the worst is at {list(worst)}: "
        f"{number(float(wide[worst]))}, it should be {number(float(aim[worst]))}."
    )


def as_tensor(value: Any) -> Tensor:
    """A tensor of a number, a list of numbers or a tensor; Python's floats are float64."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, bool | int | float) or (isinstance(value, list) and value and not _holds_parts(value)):
        return torch.tensor(value, dtype=torch.float64)
    if isinstance(value, list) and value:
        return torch.stack([as_tensor(item).double() for item in value])
    raise TypeError(f"not a number: {value!r}")


def describe(value: Any) -> str:
    """A value in a few words."""
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, Tensor):
        return number(value.item()) if value.ndim == 0 else f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, bool | str):
        return repr(value)
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return _kind(value)


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def number(value: float) -> str:
    """A number with five digits."""
    return f"{value:.5g}" if math.isfinite(value) else ("NaN" if math.isnan(value) else "infinite")


def _shape_words(target: Tensor) -> str:
    return "a number" if target.ndim == 0 else f"a tensor of shape {tuple(target.shape)}"


def _count(number: int, noun: str) -> str:
    plural = "entries" if noun == "entry" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
