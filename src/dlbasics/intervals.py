"""How sure a measured number is: intervals for an accuracy and for paired differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval around it, in the units of what was measured."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly on one side of 0."""
        return self.low > 0 or self.high < 0


def accuracy_interval(right: int, total: int, *, confidence: float = 0.95) -> Interval:
    """Wilson's interval for a share of right answers, in [0, 1].

    Args:
        right, total: answers that were right, of how many independent ones; 0 <= right <= total, total >= 1.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 1927.
    """
    if not 0 <= right <= total or total < 1:
        raise ValueError(f"expected 0 <= right <= total and total >= 1, got {right} of {total}")
    found = stats.binomtest(right, total).proportion_ci(confidence, method="wilson")
    return Interval(right / total, float(found.low), float(found.high))


def paired_difference(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Mean of ``a - b`` where both were measured under the same circumstances, with its interval.

    Args:
        a, b: shape (E, R): E encoders (or seeds), R repetitions paired across the two methods (label draws).
            Every encoder meets every draw, so the E*R values are not independent: the interval adds the variance
            between encoders' means to that between draws' means, and takes Student's t with Satterthwaite's degrees of
            freedom.

    Raises:
        ValueError: shapes differ, are not two-dimensional, or have fewer than two encoders or draws.

    Source: Satterthwaite, "An Approximate Distribution of Estimates of Variance Components", Biometrics Bulletin 1946.
    """
    first, second = np.asarray(a, float), np.asarray(b, float)
    if first.shape != second.shape or first.ndim != 2 or min(first.shape) < 2:
        raise ValueError(
            f"a and b must share one shape (encoders >= 2, draws >= 2), got {first.shape} and {second.shape}"
        )
    difference = first - second
    encoders, draws = difference.shape
    mean = difference.mean()
    by_encoder = difference.mean(axis=1).var(ddof=1) / encoders
    by_draw = difference.mean(axis=0).var(ddof=1) / draws
    variance = by_encoder + by_draw
    if variance == 0:
        return Interval(float(mean), float(mean), float(mean))
    freedom = variance**2 / (by_encoder**2 / (encoders - 1) + by_draw**2 / (draws - 1))
    half = stats.t.ppf((1 + confidence) / 2, df=freedom) * np.sqrt(variance)
    return Interval(float(mean), float(mean - half), float(mean + half))


def mean_interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Mean of independent repetitions (seeds, draws, paired differences), with Student's t interval.

    Args:
        values: shape (R,), R >= 2.

    Raises:
        ValueError: another shape or fewer than two values.
    """
    sample = np.asarray(values, float)
    if sample.ndim != 1 or len(sample) < 2:
        raise ValueError(f"values must be one row of at least two numbers, got shape {sample.shape}")
    mean, error = float(sample.mean()), float(sample.std(ddof=1) / np.sqrt(len(sample)))
    half = float(stats.t.ppf((1 + confidence) / 2, df=len(sample) - 1)) * error
    return Interval(mean, mean - half, mean + half)
